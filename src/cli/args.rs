//! All commands and flags.

use crate::connect::CHUNK_BYTES;
use crate::diagnostics::render::Format;
use crate::diagnostics::{Code, Severity};
use crate::plan::PASSES;
use crate::run::openlineage::NAMESPACE;
use clap::builder::FalseyValueParser;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

/// A typed language for batch pipelines: proven before it runs, whole or not at all.
#[derive(Parser)]
#[command(name = "batchc", version, max_term_width = 100)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags of every command.
#[derive(ClapArgs)]
pub(super) struct Global {
    /// Work in this folder
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub(super) chdir: Option<PathBuf>,
    /// How diagnostics are shown
    #[arg(long, global = true, value_enum, default_value = "human", env = "BATCHC_FORMAT")]
    pub(super) format: Format,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value = "auto", env = "BATCHC_COLOR")]
    pub(super) color: Color,
    /// Only errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// The first error that was said, for the report of a run that cannot start.
    #[arg(skip)]
    pub(super) said: OnceLock<String>,
}

/// When to use colour.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Checkpoints {
    /// When writing it takes little of the time that computing it took
    Auto,
    /// At the end of every stage that is not the last
    Always,
    /// Never; nor is used what is there
    Never,
}

/// At least one thread, and no more than could ever be of use.
fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("a number from 1 to 1024 is expected".into()),
    }
}

/// A time, as `90s`, `12h` or `7d`.
fn duration(text: &str) -> Result<Duration, String> {
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let span = text.parse::<jiff::Span>().and_then(|span| span.to_duration(days));
    let found = span.ok().and_then(|time| Duration::try_from(time).ok());
    found.ok_or_else(|| "a time is expected, as 90s, 12h or 7d".into())
}

/// Pieces that can be held in memory, and are not nothing.
fn chunk(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(bytes @ 1..=0x1000_0000) => Ok(bytes),
        _ => Err("a number of bytes from 1 to 268435456 is expected".into()),
    }
}

/// Bytes: a number with a unit.
fn size(text: &str) -> Result<usize, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit: usize = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => 0,
    };
    match text[..digits].parse::<usize>().ok().and_then(|number| number.checked_mul(unit)) {
        Some(bytes @ 1..) => Ok(bytes),
        _ => Err("a size such as 512MB or 8GiB is expected".into()),
    }
}

/// A time: a number with a unit.
fn time(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let millis: u64 = match text[digits..].trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    match text[..digits].parse::<u64>().ok().and_then(|number| number.checked_mul(millis)) {
        // More than a clock can count is no limit that anybody means.
        Some(millis @ 1..=315_360_000_000) => Ok(Duration::from_millis(millis)),
        _ => Err("a time such as 90s, 30m or 2h is expected".into()),
    }
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Prove a pipeline: names, types, nulls, the graph of jobs. Reads no data
    Check(Check),
    /// Run a pipeline
    Run(Run),
    /// Run again what a run that failed or was interrupted was asked to run
    Resume(Resume),
    /// Show what a run would do
    Plan(Plan),
    /// Show what runs did
    Runs(Runs),
    /// Write what a run did as a page of HTML
    Report(Report),
    /// Show the rows that were set aside, and run them again
    Rejects(Rejects),
    /// Remove checkpoints
    Clean(Clean),
    /// Draw the graph of jobs
    Graph(Graph),
    /// Show where columns come from, and where they go
    Lineage(Lineage),
    /// Show the first rows and the row type of a job
    Preview(Preview),
    /// Run the tests of programs, on the rows that they give themselves
    Test(Test),
    /// Bring programs into the one layout
    Fmt(Fmt),
    /// Make the edits that helps offer and that are safe
    Fix(Fix),
    /// Serve an editor over standard input and output, by the Language Server Protocol
    Lsp(Lsp),
    /// Print a form of the program between two phases
    Show(Show),
    /// Explain a diagnostic, a function or a word of the language
    Explain(Explain),
    /// Print the reference of a function, a family of functions or a word of the language
    Doc(Doc),
    /// Make a pipeline that runs at once
    New(New),
}

/// A pipeline file.
#[derive(ClapArgs)]
pub(super) struct File {
    /// The pipeline, - for standard input; the only *.batch file of the folder if left out
    pub(super) file: Option<PathBuf>,
}

/// Flags of `batchc check`.
#[derive(ClapArgs)]
pub(super) struct Check {
    /// Programs, folders of them, or - for standard input; the working folder if left out
    pub(super) paths: Vec<PathBuf>,
    /// Make errors of these warnings: their codes, with commas, or `warnings` for all
    #[arg(short = 'D', long, value_name = "CODES", value_delimiter = ',', value_parser = warnings)]
    pub(super) deny: Vec<Warnings>,
    /// Say nothing of these warnings
    #[arg(short = 'A', long, value_name = "CODES", value_delimiter = ',', value_parser = warnings)]
    pub(super) allow: Vec<Warnings>,
}

/// Warnings that a flag names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Warnings {
    All,
    Of(Code),
}

/// The code of a warning, or `warnings`.
fn warnings(text: &str) -> Result<Warnings, String> {
    if text == "warnings" {
        return Ok(Warnings::All);
    }
    match Code::parse(text) {
        Some(code) if code.severity() == Severity::Warning => Ok(Warnings::Of(code)),
        Some(code) => Err(format!("{code} is no warning")),
        None => Err("the code of a warning is expected, as W0404, or `warnings`".to_owned()),
    }
}

/// Flags of `batchc test`.
#[derive(ClapArgs)]
pub(super) struct Test {
    /// A program, a folder of them, or - for standard input; the working folder if left out
    pub(super) path: Option<PathBuf>,
    /// Only tests with this in their name
    pub(super) filter: Option<String>,
    /// Put the rows that came in the place of those that are wanted
    #[arg(long)]
    pub(super) update: bool,
    /// Write what came of the tests to this file, as a report of JUnit
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    #[command(flatten)]
    pub(super) resources: Resources,
}

/// Flags of `batchc fmt`.
#[derive(ClapArgs)]
pub(super) struct Fmt {
    /// Programs, folders of them, or - for standard input; the working folder if left out
    pub(super) paths: Vec<PathBuf>,
    /// Write nothing, name the programs that would change; exit code 1 if there are any
    #[arg(long)]
    pub(super) check: bool,
    /// Write nothing, show what would change; exit code 1 if anything would
    #[arg(long)]
    pub(super) diff: bool,
}

/// Flags of `batchc fix`.
#[derive(ClapArgs)]
pub(super) struct Fix {
    /// Programs, folders of them, or - for standard input; the working folder if left out
    pub(super) paths: Vec<PathBuf>,
    /// Write nothing, name the edits that would be made; exit code 1 if there are any
    #[arg(long)]
    pub(super) check: bool,
    /// Write nothing, show what would change; exit code 1 if anything would
    #[arg(long)]
    pub(super) diff: bool,
}

/// How parameters are given.
#[derive(ClapArgs)]
pub(super) struct Params {
    /// A parameter of the pipeline: name=value
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE")]
    pub(super) param: Vec<String>,
}

/// What of a pipeline is run.
#[derive(ClapArgs)]
pub(super) struct Selection {
    /// Only this output, or those of this job; NAME+ also those of the jobs that follow
    #[arg(short, long, value_name = "NAME")]
    pub(super) select: Vec<String>,
}

/// How a pipeline is planned.
#[derive(ClapArgs, Clone)]
pub(super) struct Passes {
    /// Switch an optimisation off, to look for its part in something: `batchc plan --help` lists all
    #[arg(long, value_name = "PASS", value_delimiter = ',', long_help = passes())]
    pub(super) without: Vec<String>,
}

fn passes() -> String {
    let mut help = "Switch an optimisation off, to look for its part in something:\n".to_owned();
    for pass in PASSES {
        help.push_str(&format!("\n  {}: {}", pass.name, pass.does));
    }
    help
}

/// What a run may use.
#[derive(ClapArgs, Clone)]
pub(super) struct Resources {
    /// Threads [default: all cores, as far as the memory is enough]
    #[arg(long, env = "BATCHC_THREADS", value_name = "N", value_parser = threads)]
    pub(super) threads: Option<usize>,
    /// Memory, as 512MB or 8GiB; beyond it rows go to disk [default: 60% of what there is]
    #[arg(long, env = "BATCHC_MEMORY", value_name = "SIZE", value_parser = size)]
    pub(super) memory: Option<usize>,
    /// The folder for what does not fit into memory [default: tmp in the state folder]
    #[arg(long, env = "BATCHC_TEMP_DIR", value_name = "DIR")]
    pub(super) temp_dir: Option<PathBuf>,
    /// Bytes of a text file that a thread takes at a time: for tests, that results do not depend on it
    #[arg(long, hide = true, value_name = "BYTES", default_value_t = CHUNK_BYTES, value_parser = chunk)]
    pub(super) chunk: usize,
}

#[derive(ClapArgs)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) file: File,
    #[command(flatten)]
    pub(super) params: Params,
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) state: State,
    /// Make all outputs anew, also those that are there
    #[arg(long)]
    pub(super) fresh: bool,
    /// Show what would be done
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) how: How,
    /// The runs with which it goes on
    #[arg(skip)]
    pub(super) of: Vec<String>,
}

/// How a pipeline is run, and what is said of it.
#[derive(ClapArgs, Clone)]
pub(super) struct How {
    #[command(flatten)]
    pub(super) resources: Resources,
    #[command(flatten)]
    pub(super) passes: Passes,
    /// When what stages have made is kept for a run after a crash or a failure
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true
    )]
    pub(super) checkpoints: Checkpoints,
    /// How long the run may take, as 90s, 30m or 2h
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) timeout: Option<Duration>,
    /// Stop at the first failure, instead of running what does not depend on what failed
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Tell nobody how the run ended, whatever the pipeline says
    #[arg(long)]
    pub(super) no_notify: bool,
    /// Wait so many seconds for another run of the pipeline to end
    #[arg(long, value_name = "SECONDS", default_value = "0", hide_default_value = true)]
    pub(super) wait: u64,
    /// Write the report as JSON to this file: at the start (RUNNING) and at the end
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Append what happens, while it happens, as lines of JSON: to a file, - for standard output, or
    /// fd:N for an open file
    #[arg(long, value_name = "FILE|-|fd:N")]
    pub(super) events: Option<PathBuf>,
    /// Append what the run reads and writes to this file, or send it to this address, as events of
    /// OpenLineage: at the start and at the end
    #[arg(long, value_name = "FILE|URL")]
    pub(super) openlineage: Option<PathBuf>,
    /// What pipelines are said to belong to in these events
    #[arg(long, value_name = "NAME", env = "OPENLINEAGE_NAMESPACE", default_value = NAMESPACE)]
    pub(super) openlineage_namespace: String,
    /// Say where the time went, stage by stage and operator by operator; as JSON too, in FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub(super) profile: Option<Option<PathBuf>>,
    /// Say nothing while it runs
    #[arg(long, env = "BATCHC_NO_PROGRESS", value_parser = FalseyValueParser::new())]
    pub(super) no_progress: bool,
}

impl How {
    /// Where the profile is written, if anywhere.
    pub(super) fn profile_file(&self) -> Option<&PathBuf> {
        self.profile.as_ref().and_then(Option::as_ref)
    }
}

#[derive(ClapArgs)]
pub(super) struct Resume {
    /// The run: its name, words that it begins or ends with, last-failed; the last if left out
    pub(super) run: Option<String>,
    #[command(flatten)]
    pub(super) state: State,
    #[command(flatten)]
    pub(super) how: How,
}

/// Where runs keep what they did.
#[derive(ClapArgs)]
pub(super) struct State {
    /// The folder in which runs keep what they did; .batchc beside the pipeline if left out
    #[arg(long, value_name = "DIR", env = "BATCHC_STATE_DIR", global = true)]
    pub(super) state_dir: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub(super) struct Runs {
    #[command(subcommand)]
    pub(super) action: Option<RunsAction>,
    #[command(flatten)]
    pub(super) state: State,
    /// As JSON, a line for each
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(ClapArgs)]
pub(super) struct Clean {
    #[command(flatten)]
    pub(super) state: State,
    /// Keep so many of each pipeline, the newest
    #[arg(long, value_name = "N")]
    pub(super) keep_last: Option<usize>,
    /// Remove only what is older, as 12h or 7d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) older_than: Option<Duration>,
    /// Keep the newest of each pipeline that have no more bytes together, as 512MB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(super) max_size: Option<usize>,
    /// Only say what would be removed
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
}

/// What of the runs is shown.
#[derive(Subcommand)]
pub(super) enum RunsAction {
    /// All, the latest first
    List,
    /// The report of one
    Show {
        /// Its name, or words that it begins or ends with; last, last-failed
        #[arg(default_value = "last")]
        run: String,
    },
    /// What happened in one, line by line
    Logs {
        /// Its name, or words that it begins or ends with; last, last-failed
        #[arg(default_value = "last")]
        run: String,
    },
    /// What differs between two: parameters, inputs, reasons, jobs, outputs
    Diff {
        /// The first: its name, or words that it begins or ends with; last, last-failed
        a: String,
        /// The second
        b: String,
    },
    /// All together: jobs, records, success, throughput
    Stats,
}

#[derive(ClapArgs)]
pub(super) struct Report {
    /// The run: its name, or words that it begins or ends with; last, last-failed
    #[arg(default_value = "last")]
    pub(super) run: String,
    /// The file to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) state: State,
}

#[derive(ClapArgs)]
pub(super) struct Rejects {
    #[command(subcommand)]
    pub(super) action: Option<RejectsAction>,
    #[command(flatten)]
    pub(super) state: State,
    /// As JSON, a line for each
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// What becomes of the rows that were set aside.
#[derive(Subcommand)]
pub(super) enum RejectsAction {
    /// All quarantines: their rows, and how many of each reason
    List,
    /// The rows of one
    Show {
        /// The quarantine
        name: String,
        /// How many rows [default: 20; with --json all]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Run the pipeline again, and say which rows are not set aside any more
    Replay(Box<Replay>),
}

#[derive(ClapArgs)]
pub(super) struct Replay {
    /// The quarantine
    pub(super) name: String,
    /// Show what would be done
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) how: How,
}

#[derive(ClapArgs)]
pub(super) struct Plan {
    #[command(flatten)]
    pub(super) state: State,
    #[command(flatten)]
    pub(super) file: File,
    #[command(flatten)]
    pub(super) params: Params,
    #[command(flatten)]
    pub(super) passes: Passes,
    #[command(flatten)]
    pub(super) selection: Selection,
}

#[derive(ClapArgs)]
pub(super) struct Graph {
    #[command(flatten)]
    pub(super) file: File,
    /// The form of the drawing
    #[arg(long, value_enum, default_value = "text")]
    pub(super) to: GraphForm,
}

/// Forms of a drawn graph.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum GraphForm {
    Text,
    Mermaid,
    Dot,
}

#[derive(ClapArgs)]
pub(super) struct Lineage {
    /// The pipeline
    pub(super) file: PathBuf,
    /// An output or job, or OUTPUT.COLUMN, to see what it comes from; a source, or SOURCE.COLUMN, to
    /// see what comes of it; all outputs if left out
    #[arg(value_name = "NAME[.COLUMN]")]
    pub(super) name: Option<String>,
    /// The form
    #[arg(long, value_enum, default_value = "text")]
    pub(super) to: LineageForm,
    #[command(flatten)]
    pub(super) params: Params,
}

/// Forms of lineage.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum LineageForm {
    Text,
    Json,
    Mermaid,
    /// A JobEvent of OpenLineage
    Openlineage,
}

#[derive(ClapArgs)]
pub(super) struct Preview {
    /// The pipeline
    pub(super) file: PathBuf,
    /// The job or source
    pub(super) job: String,
    #[command(flatten)]
    pub(super) params: Params,
    /// How many rows
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(super) rows: usize,
    #[command(flatten)]
    pub(super) resources: Resources,
    #[command(flatten)]
    pub(super) passes: Passes,
    #[command(flatten)]
    pub(super) state: State,
}

#[derive(ClapArgs)]
pub(super) struct Show {
    /// Which form
    #[arg(value_enum)]
    pub(super) form: Form,
    #[command(flatten)]
    pub(super) file: File,
}

/// A form of the program.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Form {
    Ast,
    Ir,
    Plan,
}

#[derive(ClapArgs)]
pub(super) struct Lsp {
    /// What some editors say, and what is done anyway
    #[arg(long, hide = true)]
    stdio: bool,
}

#[derive(ClapArgs)]
pub(super) struct Explain {
    /// The code, for instance E0301, or the name of a function or a word of the language; all codes if left out
    pub(super) name: Vec<String>,
}

#[derive(ClapArgs)]
pub(super) struct Doc {
    /// The function, family or word, for instance trim, logs or dedupe; or a file of programs, and a
    /// name that it declares; all functions if left out
    pub(super) name: Vec<String>,
    /// Write the reference of all functions into this folder, a Markdown file for each family
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    pub(super) out: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub(super) struct New {
    /// The folder to make
    pub(super) dir: PathBuf,
}
