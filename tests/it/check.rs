//! `batchc check`: several programs, and warnings that are denied and allowed.

use super::project::{Ended, Project};
use batchc::diagnostics::Code;
use serde_json::Value;

const SOURCE: &str = "source orders = csv(\"orders.csv\") { id: int key, amount: int }\n\n";

/// A program with the warning W0404, and, behind `also`, W0303.
fn program(also: bool) -> String {
    let filter = if also { "  filter amount is not null\n" } else { "" };
    let job = format!("job some {{\n  from orders\n{filter}  take 10\n}}\n\n");
    format!("{SOURCE}{job}output o = csv(\"o.csv\") from some\n")
}

#[test]
fn warnings_are_denied_and_allowed_by_their_codes() {
    let project = Project::new(&program(true));
    for (flags, code, said, unsaid) in [
        (&[][..], 0, &["warning[W0303]", "warning[W0404]", "is right: 1 job checked"][..], "error"),
        (&["--deny", "warnings"], 1, &["error[W0303]", "error[W0404]", "2 errors in"], "is right"),
        (
            &["-D", "W0404"],
            1,
            &["warning[W0303]", "error[W0404]", "1 error, 1 warning"],
            "is right",
        ),
        (&["-D", "w0303,W0404"], 1, &["error[W0303]", "error[W0404]"], "warning"),
        (&["-D", "W0303", "-D", "W0404"], 1, &["error[W0303]", "error[W0404]"], "warning"),
        (&["-D", "W0601"], 0, &["warning[W0303]", "warning[W0404]"], "error"),
        (&["--allow", "W0404"], 0, &["warning[W0303]"], "W0404"),
        (&["--allow", "warnings"], 0, &["pipeline.batch is right"], "warning"),
        // What is named goes before all, and what is denied before what is allowed.
        (&["-D", "warnings", "-A", "W0404"], 1, &["error[W0303]"], "W0404"),
        (&["-A", "warnings", "-D", "W0404"], 1, &["error[W0404]"], "W0303"),
        (&["-D", "W0404", "-A", "W0404"], 1, &["warning[W0303]", "error[W0404]"], "is right"),
    ] {
        let ended = project.batchc(&[&["check"], flags].concat());
        assert_eq!(ended.code, Some(code), "{flags:?}: {}", ended.words);
        for said in said {
            assert!(ended.words.contains(said), "{flags:?}: {said} is not in {}", ended.words);
        }
        assert!(!ended.words.contains(unsaid), "{flags:?}: {unsaid} is in {}", ended.words);
    }
    let json = project.batchc(&["check", "-D", "W0404", "--format", "json"]).data;
    assert!(json.contains(r#""code":"W0404","severity":"error""#), "{json}");
    for (code, why) in
        [("E0301", "E0301 is no warning"), ("W9", "the code of a warning is expected")]
    {
        project.batchc(&["check", "--deny", code]).fails(2, why);
    }
}

#[test]
fn what_a_comment_allows_is_not_denied() {
    let text = program(false).replace("take 10", "take 10  # allow: W0404 any ten will do");
    let project = Project::new(&text);
    let ended = project.batchc(&["check", "--deny", "warnings"]);
    assert_eq!(
        (ended.code, ended.words.as_str()),
        (Some(0), "pipeline.batch is right: 1 job checked\n")
    );
    // What it does not is.
    project.write("pipeline.batch", text.replace("take 10", "sort amount\n  take 10"));
    project.batchc(&["check", "--deny", "warnings"]).fails(1, "there is no W0404 here to allow");
}

#[test]
fn several_programs_are_checked_one_after_the_other() {
    let project = Project::new(&program(false));
    project.write("sub/second.batch", program(true));
    project.write("sub/.hidden/third.batch", "job");
    let all = project.batchc(&["check", "--allow", "warnings"]);
    assert_eq!((all.code, all.words.as_str()), (Some(0), "2 programs are right: 2 jobs checked\n"));
    let quiet = project.batchc(&["check", "-q"]);
    assert_eq!((quiet.code, quiet.words.as_str()), (Some(0), ""));
    project.write("sub/fourth.batch", program(false).replace("from orders", "from orderz"));
    let all = project.batchc(&["check", "pipeline.batch", "sub"]);
    all.fails(1, "1 error in sub/fourth.batch; 1 job checked");
    all.fails(1, "2 warnings in sub/second.batch");
    all.fails(1, "1 of 3 programs is wrong\n");
    let one = project.batchc(&["check", "sub/second.batch"]);
    assert!(one.words.ends_with("sub/second.batch is right: 1 job checked\n"), "{}", one.words);
    // What cannot be read does not keep the others from being checked.
    let missing = project.batchc(&["check", "missing.batch", "sub/fourth.batch"]);
    missing.fails(2, "cannot read missing.batch: ");
    missing.fails(2, "error[E0103]");
}

/// A program with an error that has a fix and further places, behind characters of two units and
/// four bytes; and a warning, which names `%`.
const MARKED: &str = "source orders = csv(\"orders.csv\") { id: int key, active: bool? }

job some {
  from orders
  derive a = \"𝄞é\", b = \"100 %\"
  filter \"𝄞\" == a and id is not null and active
}

output o = csv(\"o.csv\") from some
";

/// The program in a file whose name has to be spelled otherwise in paths of addresses and commands.
fn marked() -> Project {
    let project = Project::new(&program(false));
    project.write("a,b:100% é/c.batch", MARKED);
    project
}

#[test]
fn findings_are_commands_of_github_beside_the_words() {
    let project = marked();
    let ended = project.batchc(&["check", "--format", "github"]);
    ended.fails(1, "error[E0301]");
    ended.fails(1, "1 of 2 programs is wrong");
    insta::assert_snapshot!(ended.data);
    // Paths begin where the repository does.
    let mut command =
        project.command(&["-C", "a,b:100% é", "run", "c.batch", "--format", "github"]);
    command.env("GITHUB_WORKSPACE", project.folder());
    let ended = Ended::of(&command.output().expect("it can be started"));
    assert!(ended.data.contains("file=a%2Cb%3A100%25 é/c.batch,line=6"), "{}", ended.data);
    let ended = project.batchc(&["check", "missing.batch", "--format", "github"]);
    ended.fails(2, "error: cannot read missing.batch: no such file");
    assert!(ended.data.starts_with("::error title=batchc::cannot read missing.batch: no such"));
}

#[test]
fn findings_are_a_log_of_sarif() {
    let project = marked();
    let ended = project.batchc(&["check", "--format", "sarif", ".", "missing.batch"]);
    assert_eq!((ended.code, ended.words.as_str()), (Some(2), ""));
    let log: Value = serde_json::from_str(&ended.data).expect("JSON");
    let run = &log["runs"][0];
    let mut settled = log.clone();
    settled["runs"][0]["tool"]["driver"]["version"] = "VERSION".into();
    for rule in settled["runs"][0]["tool"]["driver"]["rules"].as_array_mut().expect("rules") {
        let id = rule["id"].as_str().expect("a code").to_owned();
        let page = Code::parse(&id).expect("a code").page();
        assert_eq!(
            (&rule["help"]["text"], &rule["help"]["markdown"]),
            (&page.into(), &page.into())
        );
        rule["help"] = format!("the page of {id}").into();
    }
    insta::assert_snapshot!(format!("{settled:#}"));
    // What every log, run, driver, rule, result, place and edit has to have.
    assert_eq!(log["version"], "2.1.0");
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for result in run["results"].as_array().expect("results") {
        let rule = &rules[result["ruleIndex"].as_u64().expect("a number") as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(result["message"]["text"].is_string());
        let related = result["relatedLocations"].as_array().cloned().unwrap_or_default();
        for place in result["locations"].as_array().expect("places").iter().chain(&related) {
            let place = &place["physicalLocation"];
            assert!(place["artifactLocation"]["uri"].is_string());
            covers(&place["region"]);
        }
        for fix in result["fixes"].as_array().cloned().unwrap_or_default() {
            covers(&fix["artifactChanges"][0]["replacements"][0]["deletedRegion"]);
        }
    }
    // Units of UTF-16: `𝄞` has two.
    let error = run["results"].as_array().expect("results").iter();
    let error = error.clone().find(|result| result["ruleId"] == "E0301").expect("the error");
    let region = &error["locations"][0]["physicalLocation"]["region"];
    let line = MARKED.lines().nth(5).expect("a line");
    let units = |text: &str| text.encode_utf16().count();
    assert_eq!((&region["startLine"], &region["startColumn"]), (&6.into(), &10.into()));
    assert_eq!((&region["endLine"], &region["endColumn"]), (&6.into(), &(units(line) + 1).into()));
    assert_ne!(units(line), line.chars().count());
}

/// A region has a beginning that is not behind its end.
fn covers(region: &Value) {
    let number = |name: &str| region[name].as_u64().unwrap_or_else(|| panic!("no {name}"));
    let (start, end) = ("startLine", "endLine");
    let start = (number(start), number("startColumn"));
    let end = (number(end), number("endColumn"));
    assert!((1, 1) <= start && start <= end, "{region}");
}

#[test]
fn findings_are_a_report_of_junit_with_a_case_for_each_program() {
    let project = marked();
    project.write("right.batch", program(false).replace("take 10", "sort id\n  take 10"));
    let ended = project.batchc(&["check", "--format", "junit", ".", "missing.batch"]);
    assert_eq!((ended.code, ended.words.as_str()), (Some(2), ""));
    insta::assert_snapshot!(ended.data);
}

#[test]
fn documents_are_of_check_alone() {
    let project = Project::new(&program(false));
    for format in ["sarif", "junit"] {
        let ended = project.batchc(&["test", "--format", format]);
        ended.fails(2, "`--format sarif` and `--format junit` are of `batchc check`");
        ended.fails(2, "`batchc test --junit FILE`");
    }
}

#[test]
fn words_that_are_very_long_are_cut() {
    let word = "x".repeat(1_000_000);
    let job = |step: &str| {
        format!(
            "source s = csv(\"s.csv\") {{ id: int key }}\n\njob j {{\n  from s\n  {step}\n}}\n\n\
             output o = csv(\"o.csv\") from j\n"
        )
    };
    let wrong = [
        job(&format!("derive a = {word}")),
        job(&format!("derive a = {word}(id)")),
        job(&format!("derive a = \"{word}\" + id")),
        job(&format!("{word} id")),
        job(&format!("expect {word}: id > 5 else fail")),
        job(&format!("expect {word}: id > 5 else warn")),
        job(&format!("expect id != 1 and \"{word}\" != \"{word}y\" else fail")),
        job("filter id > 0").replace("from s", &format!("from {word}")),
        job("filter id > 0").replace("int key", &word),
        job("filter id > 0").replace("s.csv", &format!("{word}.csv")),
        job("filter id > 0").replace("csv(", &format!("{word}(")),
        job("filter id > 0").replace("job j", &format!("job {word} {{ from s }}\n\njob {word}")),
    ];
    for text in wrong {
        let project = Project::new(&text);
        project.write("s.csv", "id\n1\n");
        for command in [&["run"][..], &["check"], &["check", "--format", "json"]] {
            let ended = project.batchc(command);
            let told = ended.words.len() + ended.data.len();
            assert!(told < 10_000, "{command:?}, {told} bytes: {}", &ended.words[..2000]);
        }
    }
}
