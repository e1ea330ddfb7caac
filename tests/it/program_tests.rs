//! The tests of programs, `batchc test`: what it says of cases, and what it does with files; and the
//! tests of everything that users are shown hold.

use super::folders::{compare, folder, pipelines};
use super::project::Project;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What a test says of how long it took.
fn timeless(text: &str) -> String {
    let line = |line: &str| match line.split_once("; in ") {
        Some((before, _)) => format!("{before}; in TIME"),
        None => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_comes_of_tests() {
    compare("testing", |path, name| {
        let text = fs::read_to_string(path).expect("a case can be read");
        let project = Project::new(&text);
        let ended = project.batchc(&["test", "pipeline.batch"]);
        let words =
            if ended.words.is_empty() { String::new() } else { format!("{}\n", ended.words) };
        assert_eq!(project.files(), ["pipeline.batch"], "{name} leaves nothing behind");
        assert_eq!(project.names(".batchc"), [""; 0], "{name} keeps nothing");
        format!("{words}{}\nexit code {:?}", timeless(&ended.data), ended.code)
    });
}

#[test]
fn tables_that_were_updated_are_what_came() {
    for path in pipelines(&folder("testing")) {
        let text = fs::read_to_string(&path).expect("a case can be read");
        let project = Project::new(&text);
        let before = project.batchc(&["test", "--update"]);
        let updated = project.read("pipeline.batch");
        let after = project.batchc(&["test"]);
        let differs = "gives other rows than are wanted";
        assert!(!after.data.contains(differs), "{}: {}", path.display(), after.data);
        let failed = |data: &str| data.matches("... FAILED").count();
        assert!(failed(&after.data) <= failed(&before.data), "{}", path.display());
        project.batchc(&["test", "--update"]);
        assert_eq!(project.read("pipeline.batch"), updated, "{}: a second time", path.display());
    }
}

const PIPELINE: &str = "source a = csv(\"a.csv\") {
  id:   int key
  name: string?
}

job b {
  from a
  set name = upper(name)
}

job c {
  from b
  filter id > 1
}

output o = csv(\"o.csv\") from c

test \"upper\" {
  given a
    | id | name |
    | 1  | x    |
    | 2  | y    |
    | 3  | null |
  # what comes
  want b
    | id | name |
    # the first
    | 1  | X    | # stays
    | 2  | Z    |
    | 4  | Q    | # is gone

    # the end
}

test \"large\" {
  given b
    | id |
    | 1  |
    | 2  |
  want c
    | id |
    | 2  |
}
";

#[test]
fn an_update_keeps_all_but_the_rows() {
    for (text, end) in [(PIPELINE.to_owned(), "\n"), (PIPELINE.replace('\n', "\r\n"), "\r\n")] {
        let project = Project::new(&text);
        let ended = project.batchc(&["test", "--update"]);
        assert_eq!(
            (ended.code, ended.words.as_str()),
            (Some(0), "updated 1 table in pipeline.batch\n")
        );
        let table = "  want b
    | id | name |
    # the first
    |  1 | X    | # stays
    |  2 | Y    |
    # is gone
    |  3 | null |

    # the end
";
        let updated = project.read("pipeline.batch");
        assert!(updated.contains(&table.replace('\n', end)), "{updated}");
        assert_eq!(updated.replace("\r\n", "\n").lines().count(), PIPELINE.lines().count() + 1);
        assert_eq!(project.batchc(&["test"]).code, Some(0));
    }
}

#[test]
fn tests_are_chosen_by_file_and_name() {
    let project = Project::new(PIPELINE);
    project.write("more/other.batch", PIPELINE.replace("| Z    |", "| Y    |"));
    let lines = |arguments: &[&str]| {
        let ended = project.batchc(arguments);
        let lines = ended.data.lines().filter(|line| line.starts_with("test ")).map(str::to_owned);
        (ended.code, lines.map(|line| timeless(&line)).collect::<Vec<_>>(), ended.words)
    };
    let (code, all, _) = lines(&["test"]);
    let expected = [
        "test more/other.batch: upper ... FAILED",
        "test more/other.batch: large ... ok",
        "test pipeline.batch: upper ... FAILED",
        "test pipeline.batch: large ... ok",
        "test result: FAILED. 2 passed; 2 failed; in TIME",
    ];
    assert_eq!((code, all), (Some(1), expected.map(str::to_owned).to_vec()));
    let one = ["test large ... ok", "test result: ok. 1 passed; 0 failed; in TIME"];
    let one = one.map(str::to_owned).to_vec();
    assert_eq!(lines(&["test", "pipeline.batch", "arg"]), (Some(0), one.clone(), String::new()));
    assert_eq!(lines(&["-C", "more", "test", "larg"]), (Some(0), one, String::new()));
    let (code, _, words) = lines(&["test", "lage"]);
    assert_eq!(code, Some(2));
    assert_eq!(words, "error: no test is called like `lage`; did you mean `large`?\n");
    let (code, _, words) = lines(&["test", "none.batch"]);
    assert_eq!(code, Some(2));
    assert_eq!(words, "error: cannot read none.batch: no such file or directory\n");
}

#[test]
fn a_program_that_is_wrong_fails_and_others_are_tested() {
    let project = Project::new(PIPELINE);
    project.write("wrong.batch", "job x {\n  from nothing\n}\n");
    let ended = project.batchc(&["test", ".", "large", "--junit", "report.xml"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.words.contains("E0103"), "{}", ended.words);
    let last = ended.data.lines().last().map(timeless);
    let expected = "test result: FAILED. 1 passed; 0 failed; 1 program is wrong; in TIME";
    assert_eq!(last.as_deref(), Some(expected));
    let report = project.read("report.xml");
    assert!(report.contains("<error message=\"the program is wrong\">"), "{report}");
}

#[test]
fn reports_are_for_machines() {
    let project = Project::new(PIPELINE);
    let json = project.batchc(&["test", "--format", "json", "--junit", "report.xml"]);
    assert_eq!((json.code, json.words.as_str()), (Some(1), ""));
    let mut lines: Vec<serde_json::Value> =
        json.data.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    lines.iter_mut().for_each(|line| line["seconds"] = 0.into());
    let lines: Vec<String> = lines.iter().map(|line| format!("{line:#}")).collect();
    let report = project.read("report.xml");
    let report: Vec<String> = report
        .split("time=\"")
        .enumerate()
        .map(|(at, part)| {
            let part = if at == 0 { part } else { &part[part.find('"').unwrap_or(0)..] };
            part.to_owned()
        })
        .collect();
    insta::assert_snapshot!(
        "tests_for_machines",
        format!("{}\n\n{}", lines.join("\n"), report.join("time=\"0"))
    );
}

#[test]
fn programs_from_standard_input_are_tested() {
    let project = Project::new("");
    let mut command = project.command(&["test", "-"]);
    command.stdin(
        fs::File::open({
            project.write("in.txt", PIPELINE);
            project.path("in.txt")
        })
        .expect("it can be read"),
    );
    let output = command.output().expect("batchc can be started");
    let data = String::from_utf8_lossy(&output.stdout);
    assert!(data.contains("test upper ... FAILED") && data.contains("(<stdin>:"), "{data}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn tests_that_users_are_shown_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["examples", "stdlib/new"] {
        let output = Command::new(env!("CARGO_BIN_EXE_batchc"))
            .args(["test", folder, "--color", "never"])
            .current_dir(root)
            .output()
            .expect("batchc can be started");
        let data = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && data.contains(" passed; 0 failed"), "{folder}: {data}");
        assert!(!data.contains("0 passed"), "{folder} has tests");
    }
}

#[test]
fn tests_in_the_documentation_hold() {
    let mut count = 0;
    for (name, program) in super::readme::all_programs() {
        if !program.contains("\ntest \"") {
            continue;
        }
        let project = Project::new(&program);
        let ended = project.batchc(&["test"]);
        assert_eq!(ended.code, Some(0), "{name}: {}{}", ended.words, ended.data);
        count += 1;
    }
    assert!(count > 2, "README.md and docs/language/tests.md have tests");
}

#[test]
fn thousands_of_tests_run_on_all_cores_in_their_order() {
    let mut text = PIPELINE.split("test \"upper\"").next().unwrap_or_default().to_owned();
    for at in 0..300 {
        text.push_str(&format!(
            "\ntest \"{at}\" {{\n  given b\n    | id |\n    | {at} |\n    | 1 |\n  want c\n    | id |\n{}}}\n",
            if at > 1 { format!("    | {at} |\n") } else { String::new() }
        ));
    }
    let project = Project::new(&text);
    for threads in ["1", "4"] {
        let ended = project.batchc(&["test", "--threads", threads]);
        assert_eq!(ended.code, Some(0), "{}", ended.data);
        let names: Vec<String> = ended.data.lines().take(300).map(str::to_owned).collect();
        let expected: Vec<String> = (0..300).map(|at| format!("test {at} ... ok")).collect();
        assert_eq!(names, expected);
    }
}
