//! `batchc check`: several programs, and warnings that are denied and allowed.

use super::project::Project;

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
    all.fails(1, "1 of 3 programs are wrong\n");
    let one = project.batchc(&["check", "sub/second.batch"]);
    assert!(one.words.ends_with("sub/second.batch is right: 1 job checked\n"), "{}", one.words);
    // What cannot be read does not keep the others from being checked.
    let missing = project.batchc(&["check", "missing.batch", "sub/fourth.batch"]);
    missing.fails(2, "cannot read missing.batch: ");
    missing.fails(2, "error[E0103]");
}
