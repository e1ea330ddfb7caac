//! Finding, reading and compiling the pipeline of a command; parameters; selections.

use super::args::{self, Color, File, Global, Params, Passes, Selection};
use super::print::{put, say, words};
use super::{NOT_STARTED, WRONG};
use crate::check::parse_value;
use crate::diagnostics::render::{Format, Program, outside, render, report, summary};
use crate::diagnostics::{Code, Diagnostic, Diagnostics, Severity, names, nearest, question};
use crate::ir::{Input, Pipeline, RunContext};
use crate::plan::{PASSES, Targets, Without};
use crate::run;
use crate::store::STATE;
use crate::text::{FileId, Files};
use crate::types::Scalar;
use crate::{Compiled, compile, compile_with};
use std::collections::HashSet;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Says what went wrong before anything could be done.
pub(super) fn refuse(message: &str, global: &Global) -> u8 {
    print_outside(message, None, global);
    NOT_STARTED
}

/// Says what went wrong outside of the program.
pub(super) fn print_outside(message: &str, help: Option<&str>, global: &Global) {
    let _ = global.said.set(message.to_owned());
    if global.format == Format::Github {
        put!("{}", outside(message, help, global.format));
        return words(format_args!("{}", outside(message, help, Format::Human)));
    }
    print_text(&outside(message, help, global.format), global);
}

/// Says that a name is none of those that there are, with the nearest one and with all if they are
/// few.
pub(super) fn refuse_name<'a>(
    message: &str,
    name: &str,
    names: impl Iterator<Item = &'a str>,
    global: &Global,
) -> u8 {
    const LISTED: usize = 10;
    let names: Vec<&str> = names.collect();
    let near = did_you_mean(name, names.iter().copied());
    let quoted: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let more = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let help = (!names.is_empty()).then(|| format!("there is {}{more}", quoted.join(", ")));
    print_outside(&format!("{message} `{name}`{near}"), help.as_deref(), global);
    NOT_STARTED
}

/// What a program from standard input, `-`, is called.
pub(super) const STDIN: &str = "<stdin>";

/// What the system said, without its number.
pub(super) fn system_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// The pipeline file: the given one, or the only one of the folder.
fn find(file: &File) -> Result<PathBuf, String> {
    if let Some(path) = &file.file {
        if path.as_os_str() == "-" {
            return Ok(PathBuf::from(STDIN));
        }
        if path.is_dir() {
            return only_in(path);
        }
        return Ok(path.clone());
    }
    only_in(Path::new("."))
}

fn only_in(folder: &Path) -> Result<PathBuf, String> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| format!("cannot read {}: {}", folder.display(), system_words(&error)))?;
    // `./a.batch` is called `a.batch`.
    let shown = |path: PathBuf| path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(shown(entry.ok()?.path())))
        .filter(|path| path.extension().is_some_and(|extension| extension == "batch"))
        .collect();
    found.sort();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(format!("there is no *.batch file in {}", folder.display())),
        _ => {
            let names: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
            Err(format!("which pipeline? there are {}", names.join(", ")))
        }
    }
}

/// Reads and compiles.
pub(super) fn load(file: &File) -> Result<(PathBuf, Compiled), String> {
    let path = find(file)?;
    let text = read_text(&path)?;
    let name = path.display().to_string();
    Ok((path, compile(&name, text)))
}

/// Reads a program; `-` or `<stdin>` from standard input.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let mut bytes = vec![];
    let read = match path.as_os_str() == STDIN || path.as_os_str() == "-" {
        true => std::io::stdin().read_to_end(&mut bytes).map(|_| ()),
        false => std::fs::read(path).map(|read| bytes = read),
    };
    read.map_err(|error| format!("cannot read {}: {}", path.display(), system_words(&error)))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("{}:{line}: this is not UTF-8 text (byte {at})", path.display())
    })
}

/// Shows what was found, with a summary line; says whether there are errors.
pub(super) fn show_found(compiled: &Compiled, path: &Path, global: &Global, summed: bool) -> bool {
    let errors = compiled.found.has_errors();
    if compiled.found.is_empty() || (global.quiet && !errors) {
        return errors;
    }
    print_found(&compiled.found, &compiled.files, global);
    let jobs = compiled.pipeline.jobs.len();
    let line = summary(&compiled.found, &path.display().to_string(), jobs);
    if let Some(line) = line
        && summed
        && !global.format.is_data()
    {
        say!("{line}");
    }
    errors
}

/// Shows diagnostics: JSON on stdout, words on stderr.
pub(super) fn print_found(found: &Diagnostics, files: &Files, global: &Global) {
    if let Some(error) = found.iter().find(|found| found.severity == Severity::Error) {
        let _ = global.said.set(format!("{}: {}", error.code, error.message));
    }
    let shown = match global.format {
        // A log shows both, so that it can be read without them.
        Format::Github => {
            let name = &files.get(FileId(0)).path;
            put!("{}", report(&[Program { name, found, files }], &[], global.format, &folder()));
            render(found, files, Format::Human, colour(global))
        }
        format => render(found, files, format, colour(global)),
    };
    print_text(&shown, global);
}

/// JSON is data, all else words.
fn print_text(text: &str, global: &Global) {
    if global.format == Format::Json { put!("{text}") } else { words(format_args!("{text}")) }
}

/// The working folder within the repository that GitHub Actions or another tool works in, so that
/// places are found there; nothing where it is that itself, or unknown.
pub(super) fn folder() -> String {
    let inside = || {
        let whole = std::env::var_os("GITHUB_WORKSPACE").filter(|whole| !whole.is_empty())?;
        let (whole, here) = (Path::new(&whole).canonicalize().ok()?, std::env::current_dir().ok()?);
        Some(here.strip_prefix(whole).ok()?.to_str()?.to_owned())
    };
    inside().unwrap_or_default()
}

/// Shows one diagnostic.
pub(super) fn print_one(found: Diagnostic, files: &Files, global: &Global) {
    let mut all = Diagnostics::new();
    all.push(found);
    print_found(&all, files, global);
}

/// Is colour wanted on stderr?
pub(super) fn colour(global: &Global) -> bool {
    colour_on(std::io::stderr().is_terminal(), global)
}

/// Is colour wanted on a stream that is a terminal, or is not?
pub(super) fn colour_on(is_terminal: bool, global: &Global) -> bool {
    match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
            !set("NO_COLOR") && (set("FORCE_COLOR") || is_terminal)
        }
    }
}

/// Loads a pipeline that can be run; the code to exit with otherwise.
pub(super) fn runnable(file: &File, global: &Global) -> Result<(PathBuf, Compiled), u8> {
    runnable_without(file, &[], global)
}

/// The same, with nothing said of the warnings of these codes.
pub(super) fn runnable_without(
    file: &File,
    unsaid: &[Code],
    global: &Global,
) -> Result<(PathBuf, Compiled), u8> {
    let (path, mut compiled) = load(file).map_err(|message| refuse(&message, global))?;
    compiled.found.retain(|found| !unsaid.contains(&found.code));
    if show_found(&compiled, &path, global, true) { Err(WRONG) } else { Ok((path, compiled)) }
}

/// The folder that relative paths of a pipeline start from.
pub(super) fn base(path: &Path) -> PathBuf {
    // Nothing stands for the working folder, so that paths are shown as they were written.
    path.parent().unwrap_or(Path::new("")).to_owned()
}

/// The values of a run: parameters given or by default, the time, a name.
pub(super) fn context(
    compiled: &Compiled,
    path: &Path,
    params: &Params,
    global: &Global,
) -> Result<RunContext, u8> {
    let values = checked_values(compiled, path, params, global)?;
    let mut known = vec![];
    for (value, param) in values.iter().zip(&compiled.pipeline.params) {
        match value {
            Some(value) => known.push(value.clone()),
            None => {
                print_one(names::no_value(&param.name, param.span), &compiled.files, global);
                return Err(NOT_STARTED);
            }
        }
    }
    Ok(context_with(known))
}

/// The time and the name of a run that has these parameters.
pub(super) fn context_with(params: Vec<Scalar>) -> RunContext {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = now.as_micros() as i64;
    let date = time.div_euclid(crate::types::MICROS_PER_DAY) as i32;
    RunContext { params, secrets: vec![], time, date, id: run_name(time) }
}

/// Refuses a run whose outputs would replace what it reads, or each other.
pub(super) fn check_places(
    compiled: &Compiled,
    path: &Path,
    context: &RunContext,
    state: &run::State,
    global: &Global,
) -> Result<(), u8> {
    let base = base(path);
    let checked = run::check_places(&compiled.pipeline, context, &base, path, &state.folder);
    checked.map_err(|found| {
        print_one(found, &compiled.files, global);
        NOT_STARTED
    })
}

/// The parameters' values as far as they are known. What depends on them is checked with them.
pub(super) fn checked_values(
    compiled: &Compiled,
    path: &Path,
    params: &Params,
    global: &Global,
) -> Result<Vec<Option<Scalar>>, u8> {
    let values = values(&compiled.pipeline, params, global)?;
    if !values.is_empty() {
        let file = compiled.files.get(FileId(0));
        let again = compile_with(&file.path, file.text.clone(), &values);
        if again.found.has_errors() {
            show_found(&again, path, global, true);
            return Err(NOT_STARTED);
        }
    }
    Ok(values)
}

/// The parameters' values that are given, or their defaults.
fn values(
    pipeline: &Pipeline,
    params: &Params,
    global: &Global,
) -> Result<Vec<Option<Scalar>>, u8> {
    let mut values: Vec<Option<Scalar>> =
        pipeline.params.iter().map(|param| param.default.clone()).collect();
    let mut seen = HashSet::new();
    for given in &params.param {
        let Some((name, text)) = given.split_once('=') else {
            return Err(refuse(&format!("`-p {given}` is not name=value"), global));
        };
        let Some(at) = pipeline.params.iter().position(|param| param.name == name) else {
            let all = pipeline.params.iter().map(|param| param.name.as_str());
            return Err(refuse_name("the pipeline has no parameter", name, all, global));
        };
        if !seen.insert(at) {
            return Err(refuse(&format!("the parameter `{name}` is given twice"), global));
        }
        match parse_value(text, &pipeline.params[at].ty) {
            Ok(value) => values[at] = Some(value),
            Err(reason) => return Err(refuse(&format!("parameter `{name}`: {reason}"), global)),
        }
    }
    Ok(values)
}

/// `; did you mean `amount`?`, when a name is near enough to be meant.
pub(super) fn did_you_mean<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, names).map_or(String::new(), |near| format!("; {}", question(name, near)))
}

/// A name for a run that people can say, the time and two words. No two microseconds have the same:
/// files that a run stages are called by it.
fn run_name(time: i64) -> String {
    const FIRST: [&str; 16] = [
        "amber", "brave", "calm", "dusty", "eager", "fair", "grand", "happy", "ivory", "jolly",
        "keen", "lucky", "merry", "noble", "quiet", "swift",
    ];
    const SECOND: [&str; 16] = [
        "badger", "crane", "dolphin", "egret", "falcon", "gecko", "heron", "ibis", "jackal",
        "koala", "lynx", "marten", "newt", "otter", "puffin", "raven",
    ];
    // An odd factor gives each of the 2^20 numbers another one, and neighbours other words.
    let mixed = (time.rem_euclid(1_000_000) as usize * 0x9_E375) & 0xF_FFFF;
    let at = crate::data::display(
        &Scalar::Timestamp(time / 1_000_000 * 1_000_000),
        &crate::types::DataType::Timestamp,
    );
    let digits: String = at.chars().filter(char::is_ascii_digit).collect();
    let (date, clock) = digits.split_at(8);
    let (first, second, rest) = (FIRST[mixed >> 16], SECOND[mixed >> 12 & 15], mixed & 0xFFF);
    format!("{date}-{clock}-{rest:03x}-{first}-{second}")
}

/// Where runs of a pipeline keep what they did.
pub(super) fn state(args: &args::State, path: &Path) -> run::State {
    let folder = args.state_dir.clone().unwrap_or_else(|| base(path).join(STATE));
    let pipeline = match path.file_name() {
        Some(name) if path.as_os_str() != STDIN => name.to_string_lossy().into_owned(),
        _ => "stdin".to_owned(),
    };
    run::State {
        folder,
        pipeline,
        fresh: false,
        wait: Duration::ZERO,
        checkpoints: run::When::Auto,
        request: run::Request::default(),
    }
}

/// The passes that are switched off.
pub(super) fn without(passes: &Passes, global: &Global) -> Result<Without, u8> {
    let names = passes.without.iter().map(|name| name.trim());
    Without::of(names).map_err(|name| {
        let all = PASSES.iter().map(|pass| pass.name);
        refuse_name("there is no optimisation", name, all, global)
    })
}

/// What a selection means; everything when nothing is selected.
pub(super) fn targets(
    pipeline: &Pipeline,
    selection: &Selection,
    passes: &Passes,
    global: &Global,
) -> Result<Targets, u8> {
    let without = without(passes, global)?;
    let all: Vec<usize> = (0..pipeline.outputs.len()).collect();
    if selection.select.is_empty() {
        return Ok(Targets { outputs: all, without, ..Targets::default() });
    }
    let mut chosen: HashSet<usize> = HashSet::new();
    for one in selection.select.iter().flat_map(|one| one.split_whitespace()) {
        let name = one.trim_start_matches('+').trim_end_matches('+');
        let of_output = pipeline.outputs.iter().position(|output| output.name == name);
        let of_job = pipeline.jobs.iter().position(|job| job.name == name);
        match (of_output, of_job) {
            (Some(output), _) => {
                chosen.insert(output);
            }
            (None, Some(job)) => {
                // The outputs that are written from it; with `name+`, from all that follow too.
                let following = one.ends_with('+');
                let written = |output: &&usize| {
                    leads_to(pipeline, job, pipeline.outputs[**output].from, following)
                };
                if !all.iter().any(|output| written(&output)) {
                    let help = if following {
                        String::new()
                    } else {
                        format!("; `--select {name}+` takes the outputs that follow from it")
                    };
                    return Err(refuse(
                        &format!("no output is written from `{name}`{help}"),
                        global,
                    ));
                }
                chosen.extend(all.iter().filter(written));
            }
            (None, None) if pipeline.sources.iter().any(|source| source.name == name) => {
                let message = format!("`{name}` is a source; name an output or a job");
                return Err(refuse(&message, global));
            }
            (None, None) => {
                let names = pipeline
                    .outputs
                    .iter()
                    .map(|output| output.name.as_str())
                    .chain(pipeline.jobs.iter().map(|job| job.name.as_str()));
                return Err(refuse_name("there is no output or job", name, names, global));
            }
        }
    }
    let mut outputs: Vec<usize> = chosen.into_iter().collect();
    outputs.sort_unstable();
    Ok(Targets { outputs, without, ..Targets::default() })
}

fn leads_to(pipeline: &Pipeline, job: usize, input: Input, following: bool) -> bool {
    match input {
        Input::Source(_) => false,
        Input::Job(id) if id.0 as usize == job => true,
        Input::Job(id) => {
            following && pipeline.needs(id).any(|input| leads_to(pipeline, job, input, true))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::run_name;
    use std::collections::BTreeSet;

    #[test]
    fn runs_of_one_second_have_different_names() {
        let second = 1_795_779_612_000_000;
        let names: BTreeSet<String> =
            (0..1_000_000).step_by(3).map(|at| run_name(second + at)).collect();
        assert_eq!(names.len(), 333_334);
        let [date, clock, ..] = names.first().unwrap().split('-').collect::<Vec<_>>()[..] else {
            panic!("it has parts")
        };
        assert_eq!([date, clock], ["20261127", "114012"]);
    }
}
