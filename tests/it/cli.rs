//! The command line: helps, exit codes, where words and data go, near names, colours.

use super::project::{Ended, Project};
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

const COMMANDS: [&str; 16] = [
    "check", "fix", "run", "test", "plan", "resume", "runs", "report", "rejects", "graph",
    "lineage", "preview", "show", "explain", "doc", "new",
];

const PIPELINE: &str = "param least: int = 2

source numbers = csv(\"numbers.csv\") {
  n: int key
  text: string?
}

job large {
  from numbers
  filter n >= least
}

job doubled {
  from large
  derive twice = n * 2
}

output doubled_csv = csv(\"out/doubled.csv\") from doubled
";

fn project() -> Project {
    let project = Project::new(PIPELINE);
    project.write("numbers.csv", "n,text\n1,one\n2,\n3,three\n");
    project
}

fn ends_well(ended: Ended) -> Ended {
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    ended
}

#[test]
fn helps_are_as_they_are_shown() {
    let project = project();
    insta::assert_snapshot!("help", ends_well(project.batchc(&["--help"])).data);
    for command in COMMANDS {
        let long = ends_well(project.batchc(&[command, "--help"]));
        insta::assert_snapshot!(format!("help_{command}"), long.data);
    }
}

#[test]
fn data_goes_to_stdout_and_words_to_stderr() {
    let project = project();
    let check = ends_well(project.batchc(&["check"]));
    assert_eq!(
        (check.data.as_str(), check.words.as_str()),
        ("", "pipeline.batch is right: 2 jobs checked\n")
    );
    let run = ends_well(project.batchc(&["run"]));
    assert_eq!(run.data, "");
    assert!(run.words.contains("  wrote out/doubled.csv (2 rows)\n"), "{}", run.words);
    assert_eq!(project.read("out/doubled.csv"), "n,text,twice\n2,,4\n3,three,6\n");
    let preview = ends_well(project.batchc(&["preview", "pipeline.batch", "doubled", "-n", "1"]));
    insta::assert_snapshot!("preview", preview.data);
    assert_eq!(preview.words, "1 row, and there are more\n");
    for form in ["text", "mermaid", "dot"] {
        let graph = ends_well(project.batchc(&["graph", "--to", form]));
        insta::assert_snapshot!(format!("graph_{form}"), graph.data);
        assert_eq!(graph.words, "");
    }
    for arguments in
        [&["plan"][..], &["run", "--dry-run"], &["show", "ast"], &["show", "ir"], &["show", "plan"]]
    {
        let ended = ends_well(project.batchc(arguments));
        assert!(!ended.data.is_empty() && ended.words.is_empty(), "{arguments:?}: {}", ended.words);
    }
    assert_eq!(project.batchc(&["run", "-n"]).data, project.batchc(&["plan"]).data);
    let plain = ends_well(project.batchc(&["run", "-n", "--without", "fused-steps"])).data;
    assert!(plain.contains("\nwithout fused-steps\n"), "{plain}");
    let page = ends_well(project.batchc(&["explain", "e0301"]));
    assert!(page.data.starts_with("# E0301: "), "{}", page.data);
    assert!(ends_well(project.batchc(&["explain"])).data.lines().count() > 50);
    let version = ends_well(project.batchc(&["--version"]));
    assert_eq!(version.data, concat!("batchc ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_dry_run_writes_nothing() {
    let project = project();
    ends_well(project.batchc(&["run", "--dry-run", "--report", "report.json"]));
    assert_eq!(project.names("."), ["numbers.csv", "pipeline.batch"]);
}

#[test]
fn a_parameter_that_makes_no_sense_is_told_before_the_run() {
    let project = project();
    project.write(
        "pipeline.batch",
        PIPELINE.replace("  filter n >= least", "  sort n\n  take 6 // least - 2"),
    );
    project.batchc(&["run", "-p", "least=0"]).fails(2, "`take` has no value: division by zero");
    project.batchc(&["run", "-p", "least=6"]).fails(2, "`take` needs a number of rows, 0 or more");
    ends_well(project.batchc(&["run"]));
    assert_eq!(project.read("out/doubled.csv"), "n,text,twice\n1,one,2\n");
}

#[test]
fn what_cannot_be_started_exits_with_2_and_names_what_is_near() {
    let project = project();
    let cases: &[(&[&str], &str)] = &[
        (&["run", "-p", "leat=3"], "the pipeline has no parameter `leat`; did you mean `least`?"),
        (&["run", "-p", "least"], "`-p least` is not name=value"),
        (&["run", "-p", "least=1", "-p", "least=2"], "the parameter `least` is given twice"),
        (&["run", "-p", "least=many"], "parameter `least`: "),
        (
            &["run", "--select", "doubled_cvs"],
            "no output or job `doubled_cvs`; did you mean `doubled_csv`?",
        ),
        (&["run", "--select", "lagre"], "no output or job `lagre`; did you mean `large`?"),
        (&["run", "--select", "large"], "no output is written from `large`; `--select large+`"),
        (&["plan", "--select", "dubled"], "did you mean `doubled`?"),
        (
            &["run", "--without", "fused-steps,unread-column"],
            "there is no optimisation `unread-column`; did you mean `unread-columns`?",
        ),
        (
            &["preview", "pipeline.batch", "numbrs"],
            "no job or source `numbrs`; did you mean `numbers`?",
        ),
        (&["explain", "E9999"], "there is no diagnostic, function or word `E9999`"),
        (&["check", "missing.batch"], "cannot read missing.batch: "),
        (&["-C", "nowhere", "check"], "cannot work in nowhere: "),
        (&["run", "--threads", "0"], "a number from 1 to 1024 is expected"),
        (&["run", "--treads", "2"], "'--threads'"),
        (&["chek"], "'check'"),
        (&["run", "--report", "nowhere/report.json"], "cannot write nowhere/report.json: "),
        (&[], "Usage: batchc"),
    ];
    for (arguments, saying) in cases {
        let ended = project.batchc(arguments);
        ended.fails(2, saying);
        assert_eq!(ended.data, "", "{arguments:?}");
    }
    assert_eq!(project.names("."), ["numbers.csv", "pipeline.batch"]);
    project.write("second.batch", PIPELINE);
    project.batchc(&["plan"]).fails(2, "which pipeline? there are pipeline.batch, second.batch");
    project.write("second.batch", b"job \xFF");
    project.batchc(&["check", "second.batch"]).fails(2, "second.batch:1: this is not UTF-8 text");
    project.write("empty/none.txt", "");
    project.batchc(&["-C", "empty", "run"]).fails(2, "there is no *.batch file in ");
}

#[test]
fn a_job_needs_no_output_to_be_looked_at() {
    let project = project();
    let (jobs, _) = PIPELINE.split_once("output ").expect("it has an output");
    project.write("pipeline.batch", jobs);
    let ended = ends_well(project.batchc(&["preview", "pipeline.batch", "doubled"]));
    assert_eq!(ended.words, "2 rows\n");
}

#[test]
fn a_name_that_is_none_is_told_with_those_that_there_are() {
    let project = project();
    project.batchc(&["run", "-p", "most=1"]).fails(2, "help: there is `least`");
    let names = "help: there is `doubled_csv`, `large`, `doubled`\n";
    project.batchc(&["plan", "--select", "nothing"]).fails(2, names);
    let names = "help: there is `large`, `doubled`, `numbers`\n";
    project.batchc(&["preview", "pipeline.batch", "nothing"]).fails(2, names);
}

#[test]
fn a_variable_of_the_environment_that_is_empty_is_not_set() {
    let project = project();
    let mut command = project.command(&["run"]);
    for name in ["MEMORY", "THREADS", "TEMP_DIR", "FORMAT", "COLOR", "NO_PROGRESS"] {
        command.env(format!("BATCHC_{name}"), "");
    }
    ends_well(Ended::of(&command.output().expect("it can be started")));
}

#[test]
fn a_wrong_pipeline_exits_with_1_and_data_that_breaks_a_rule_with_4() {
    let project = project();
    project.write("pipeline.batch", PIPELINE.replace("n * 2", "m * 2"));
    for arguments in [
        &["check"][..],
        &["run"],
        &["plan"],
        &["show", "ir"],
        &["preview", "pipeline.batch", "doubled"],
    ] {
        let ended = project.batchc(arguments);
        ended.fails(1, "error[E0101]");
        ended.fails(1, "1 error");
    }
    let json = project.batchc(&["check", "--format", "json"]);
    assert_eq!((json.code, json.words.as_str()), (Some(1), ""));
    let found: serde_json::Value =
        serde_json::from_str(json.data.lines().next().unwrap_or("")).expect("JSON");
    assert_eq!(found["code"], "E0101");
    let short = project.batchc(&["check", "--format", "short"]);
    assert!(short.words.starts_with("pipeline.batch:15:"), "{}", short.words);
    project.write(
        "pipeline.batch",
        PIPELINE.replace("  filter n >= least", "  expect small: n < least else fail"),
    );
    project.batchc(&["run"]).fails(4, "`small` does not hold");
}

#[test]
fn parameters_and_selections_do_what_they_say() {
    let project = project();
    ends_well(project.batchc(&["run", "-p", "least=3"]));
    assert_eq!(project.read("out/doubled.csv"), "n,text,twice\n3,three,6\n");
    ends_well(project.batchc(&[
        "run",
        "--param",
        "least=1",
        "--select",
        "large+",
        "--threads",
        "1",
    ]));
    assert_eq!(project.read("out/doubled.csv").lines().count(), 4);
    // Paths are those of the pipeline's folder, wherever one stands.
    let above = project.folder().parent().expect("a folder above").to_owned();
    let folder = project.folder().display().to_string();
    let mut command = project.command(&["-C", &folder, "run"]);
    ends_well(Ended::of(&command.current_dir(above).output().expect("it can be started")));
}

#[test]
fn a_parameter_that_may_be_null_is_null_when_it_is_given_no_text() {
    let project = Project::new(
        "param most: int?
param name: string? = null
param day: date

source s = csv(\"s.csv\") { id: int }

job j {
  from s
  select id, most = most, name = name ?? \"none\", day = day
}

output o = csv(\"o.csv\") from j
",
    );
    project.write("s.csv", "id\n1\n");
    ends_well(project.batchc(&["run", "-p", "most=", "-p", "name=", "-p", "day=2024-01-31"]));
    assert_eq!(project.read("o.csv"), "id,most,name,day\n1,,\"\",2024-01-31\n");
    project.batchc(&["run", "-p", "most=", "-p", "day="]).fails(2, "parameter `day`: \"\" is not");
}

#[test]
fn a_plan_and_a_dry_run_check_parameters_as_a_run_does() {
    let project = project();
    project.write("pipeline.batch", PIPELINE.replace("int = 2", "int"));
    ends_well(project.batchc(&["plan"]));
    ends_well(project.batchc(&["plan", "-p", "least=3"]));
    project.batchc(&["plan", "-p", "least=x"]).fails(2, "parameter `least`: \"x\" is not an int");
    project.batchc(&["run", "-n"]).fails(2, "error[E0124]");
    ends_well(project.batchc(&["run", "-n", "-p", "least=3"]));
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let project = project();
    project.write("pipeline.batch", PIPELINE.replace("n * 2", "m * 2"));
    let coloured = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = project.command(arguments);
        command.envs(variables.iter().copied());
        let output = command.output().expect("batchc can be started");
        Ended::of(&output).words.contains('\u{1b}')
    };
    assert!(!coloured(&["check"], &[]), "not into a pipe");
    assert!(coloured(&["check", "--color", "always"], &[]));
    assert!(coloured(&["check"], &[("FORCE_COLOR", "1")]));
    assert!(!coloured(&["check"], &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]));
    assert!(!coloured(&["check", "--color", "never"], &[("FORCE_COLOR", "1")]));
    assert!(coloured(&["check"], &[("BATCHC_COLOR", "always")]));
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let project = project();
    let rows: String = (0..50_000).map(|n| format!("{n},a text that fills the pipe\n")).collect();
    project.write("numbers.csv", format!("n,text\n{rows}"));
    let mut child = project
        .command(&["preview", "pipeline.batch", "numbers", "-n", "50000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("batchc can be started");
    let mut first = String::new();
    let mut reader = BufReader::new(child.stdout.take().expect("it is piped"));
    reader.read_line(&mut first).expect("it writes a table");
    drop(reader);
    let mut words = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut words).expect("it is text");
    let status = child.wait().expect("it ends");
    assert_eq!((status.code(), words.as_str()), (Some(0), ""));
}

#[test]
fn a_run_goes_on_when_nobody_reads_its_words() {
    let project = project();
    let mut child = project
        .command(&["run", "--report", "report.json"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("batchc can be started");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert_eq!(project.report()["status"], "SUCCESS");
}

#[test]
fn a_new_pipeline_runs_at_once() {
    let project = Project::new("");
    let made = ends_well(project.batchc(&["new", "demo"]));
    assert_eq!(
        made.words,
        "made demo; now run: batchc run demo/pipeline.batch\n\
         its tests run with: batchc test demo/pipeline.batch\n"
    );
    let run = ends_well(project.batchc(&["run", "demo/pipeline.batch"]));
    assert!(run.words.contains("orders succeeded in "), "{}", run.words);
    insta::assert_snapshot!("new", project.read("demo/out/by_country.csv"));
    // The row with a bad amount is set aside, and git sees neither it nor the output.
    let bad = project.records("demo/.batchc/quarantine/bad_orders.jsonl");
    assert_eq!((bad.len(), &bad[0]["_source_row"]), (1, &serde_json::json!(9)));
    assert_eq!(project.read("demo/.gitignore"), "/out/\n/.batchc/\n");
    let check = ends_well(project.batchc(&["-C", "demo", "check"]));
    assert_eq!(check.words, "pipeline.batch is right: 2 jobs checked\n");
    project.batchc(&["new", "demo"]).fails(2, "demo is not empty");
}

#[test]
fn what_depends_on_parameters_is_checked_with_their_values() {
    let project = Project::new(
        "param zone: string
param sign: string = \";\"

source s = csv(\"s.csv\", delimiter: sign) { at: timestamp, words: string }

job j {
  from s
  select local = at_zone(at, zone), words = split(words, sign)
}

job all {
  from s
  group { words = string_agg(words, sign) }
}

output j_out = csv(\"j.csv\") from j
output all_out = csv(\"all.csv\") from all
",
    );
    project.write("s.csv", "at|words\n2024-01-31T10:00:00Z|\"a|b\"\n");
    ends_well(project.batchc(&["check"]));
    let mars = project.batchc(&["run", "-p", "zone=Mars"]);
    assert_eq!(mars.code, Some(2), "{}", mars.words);
    assert!(mars.words.contains("there is no time zone \"Mars\""), "{}", mars.words);
    let long = project.batchc(&["run", "-p", "zone=UTC", "-p", "sign=||"]);
    assert_eq!(long.code, Some(2), "{}", long.words);
    assert!(long.words.contains("\"||\" is not one ASCII character"), "{}", long.words);
    ends_well(project.batchc(&["run", "-p", "zone=Europe/Paris", "-p", "sign=|"]));
    assert_eq!(
        project.read("j.csv"),
        "local,words\n2024-01-31T11:00:00,\"[\"\"a\"\",\"\"b\"\"]\"\n"
    );
    assert_eq!(project.read("all.csv"), "words\na|b\n");
}

#[test]
fn what_is_wrong_outside_is_json_too() {
    let project = project();
    std::fs::remove_file(project.path("numbers.csv")).expect("it was there");
    let told = |arguments: &[&str]| -> serde_json::Value {
        let ended = project.batchc(arguments);
        serde_json::from_str(ended.data.lines().next().expect("a line")).expect("JSON")
    };
    let missing = told(&["check", "nothing.batch", "--format", "json"]);
    assert_eq!(missing["message"], "cannot read nothing.batch: no such file or directory");
    let source = told(&["run", "--format", "json"]);
    assert_eq!(source["message"], "cannot open numbers.csv: no such file or directory");
    assert_eq!((&source["severity"], &source["code"]), (&"error".into(), &().into()));
}

#[test]
fn names_are_explained() {
    let project = project();
    for (name, part) in [
        ("trim", "trim(text: string, chars: string) -> string"),
        ("dedupe", "# dedupe\n"),
        ("Source", "# source\n"),
        ("case", "# if and case\n"),
        ("on error", "# on error\n"),
        ("decimal", "# Types\n"),
        ("e0301", "# E0301: "),
    ] {
        let ended = ends_well(project.batchc(&["explain", name]));
        assert!(ended.data.contains(part), "{}", ended.data);
    }
    let unknown = project.batchc(&["explain", "trimm"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.words.contains("did you mean `trim`?"), "{}", unknown.words);
}

#[test]
fn flags_of_other_tools_are_told_what_they_are_called_here() {
    let project = project();
    for (given, told) in [
        (&["graph", "--format", "mermaid"][..], "tip: write `batchc graph --to mermaid`"),
        (&["run", "-j4"], "tip: the number of threads is `--threads N`"),
        (&["run", "--vars", "least=3"], "tip: a parameter is `--param NAME=VALUE`"),
        (&["check", "--json"], "tip: write `--format json`"),
        (&["run", "--output=x.csv"], "tip: the pipeline says where its outputs go"),
        (&["run", "pipeline.batch", "--profile", "out.json"], "tip: write `--profile=out.json`"),
        (&["build"], "tip: write `batchc run`"),
        (&["run", "--threds", "4"], "a similar argument exists: '--threads'"),
    ] {
        project.batchc(given).fails(2, told);
    }
}

#[test]
fn words_that_come_later_are_explained_with_what_to_write_instead() {
    let project = project();
    for (words, said) in [
        (&["type"][..], "type NAME = T where CONDITION\n"),
        (&["predict"], "`predict` is designed and not available yet.\n"),
        (&["schedule"], "It will be a setting of jobs and the pipeline.\n"),
        (&["on", "error"], "on error"),
    ] {
        let ended = project.batchc(&[&["explain"], words].concat());
        assert!(ended.code == Some(0) && ended.data.contains(said), "{words:?}: {}", ended.data);
    }
}

#[test]
fn files_and_folders_are_told_apart_before_anything_is_read() {
    let project = Project::new(
        "source a = csv(\"a.csv\") { id: int }\n\njob j {\n  from a\n}\n\n\
         output o = csv(\"o.csv\") from j\n",
    );
    project.write("a.csv", "id\n1\n");
    for (arguments, said) in [
        (&["run", "--report", "."][..], "the report . is a folder, and a file is written"),
        (&["run", "--temp-dir", "a.csv"], "--temp-dir a.csv is not a folder"),
        (&["run", "--select", "a"], "`a` is a source; name an output or a job"),
        (&["new", "a.csv"], "a.csv is a file, and a folder is made"),
    ] {
        project.batchc(arguments).fails(2, said);
    }
}
