//! `batchc fix`: what is safe is made, until nothing is left; all else stays as it is.

use super::folders::{folder, pipelines};
use super::project::Project;
use batchc::diagnostics::{Diagnostic, Severity};
use std::fs;

/// Two mistakes of the text, behind one of which another is hidden; one that only a person can
/// mend; a warning whose comment allows nothing; and what is said in another spelling.
const WRONG: &str = "source orders = csv(\"orders.csv\") {
  id: int key
  note varchar(20)
}

job some {
  from orders
  filter note = \"a\" && len(note) > 2
  filter nte == 'b'
  sort id  # allow: W0404 it is sorted
}

output o = csv(\"o.csv\") from some
";

/// What can be done of it.
const MENDED: &str = "source orders = csv(\"orders.csv\") {
  id: int key
  note: string
}

job some {
  from orders
  filter note == \"a\" and length(note) > 2
  filter nte == \"b\"
  sort id  # allow: W0404 it is sorted
}

output o = csv(\"o.csv\") from some
";

#[test]
fn what_is_safe_is_made_and_the_rest_is_said() {
    let project = Project::new(WRONG);
    let ended = project.batchc(&["fix"]);
    assert_eq!(project.read("pipeline.batch"), MENDED, "{}", ended.words);
    insta::assert_snapshot!(ended.words);
    assert_eq!((ended.code, ended.data.as_str()), (Some(1), ""));
    // A second time changes nothing.
    let again = project.batchc(&["fix", "-q"]);
    again.fails(1, "error[E0101]");
    assert!(!again.words.contains("fixed"), "{}", again.words);
    // What waits for a person, done by one: the last comment is not needed either.
    project.write("pipeline.batch", MENDED.replace("nte", "note"));
    let ended = project.batchc(&["fix"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert!(project.read("pipeline.batch").contains("  sort id\n}"));
    assert!(
        ended.words.starts_with("fixed pipeline.batch:10:21: warning[W0022]"),
        "{}",
        ended.words
    );
}

#[test]
fn it_is_shown_and_checked_without_writing() {
    let project = Project::new(WRONG);
    let diff = project.batchc(&["fix", "--diff"]);
    assert_eq!(diff.code, Some(1));
    insta::assert_snapshot!(diff.data);
    let check = project.batchc(&["fix", "--check"]);
    check.fails(1, "would fix pipeline.batch:8:15: error[E0007]");
    assert_eq!(project.read("pipeline.batch"), WRONG);
    // Nothing could be made of this, though it is wrong.
    project.write("pipeline.batch", MENDED);
    for flag in ["--diff", "--check"] {
        let ended = project.batchc(&["fix", flag]);
        assert_eq!((ended.code, ended.data.as_str(), ended.words.as_str()), (Some(0), "", ""));
    }
    project.batchc(&["fix", "missing.batch"]).fails(2, "cannot read missing.batch: ");
}

#[test]
fn a_module_is_mended_as_a_program_of_its_own() {
    let module = "fn tidy(text: string) -> string = lower(strip(text))\n";
    let project = Project::new("use \"lib.batch\"\n");
    project.write("lib.batch", module);
    project.batchc(&["fix", "pipeline.batch"]).fails(1, "lib.batch:1:");
    assert_eq!(project.read("lib.batch"), module);
    project.batchc(&["fix", "."]);
    assert_eq!(project.read("lib.batch"), module.replace("strip", "trim"));
}

/// All cases, and all programs that users are shown: what is made never leaves more wrong than was
/// there, unless a line that could not be read can be now; nothing safe is left that would help; and
/// what is right already stays byte for byte.
#[test]
fn nothing_gets_worse() {
    let project = Project::new(MENDED);
    let base = folder("cases");
    let own = |path: &std::path::Path| {
        path.strip_prefix(&base).expect("it is inside").display().to_string()
    };
    for path in pipelines(&base) {
        project.write(&own(&path), fs::read(&path).expect("it can be read"));
    }
    let ended = project.batchc(&["fix", "-q", "."]);
    assert_eq!(ended.code, Some(1), "{}", ended.words);
    let (mut mended, mut wrong) = (0, vec![]);
    for path in pipelines(&base) {
        let name = own(&path);
        let (old, new) = (fs::read_to_string(&path).expect("it can be read"), project.read(&name));
        let place = project.path(&name).display().to_string();
        let (before, after) =
            (batchc::compile(&place, old.clone()), batchc::compile(&place, new.clone()));
        mended += usize::from(old != new);
        let weight = |compiled: &batchc::Compiled| {
            let of_the_text = |one: &&Diagnostic| one.code.is_of_the_text();
            let unread = compiled.found.iter().filter(of_the_text).count();
            (unread, compiled.found.count(Severity::Error) - unread)
        };
        if weight(&after) > weight(&before) {
            wrong.push(format!("{name} is worse: {:?}, {:?}", weight(&before), weight(&after)));
        }
        if before.found.is_empty() && old != new {
            wrong.push(format!("{name} was right"));
        }
    }
    assert!(mended > 20, "{mended} programs mended");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A second time nothing is left to be made.
    let again = project.batchc(&["fix", "--check", "."]);
    assert_eq!((again.code, again.words.as_str()), (Some(0), ""));
}
