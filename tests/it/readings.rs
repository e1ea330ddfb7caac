//! Inputs that cannot be read: each reading of each kind of file fails in turn, gives little, or is
//! interrupted. It ends in the right result, or in an error that names the file and leaves outputs as
//! they are.

use crate::project::{Ended, Project};

/// How often a pipeline that reads one kind of file is tried, and what the file is.
struct Kind {
    source: &'static str,
    file: &'static str,
    /// Outputs of these sources are inputs of the others.
    made: &'static str,
}

const KINDS: &[Kind] = &[
    Kind { source: "csv(\"in.csv\")", file: "in.csv", made: "csv" },
    Kind { source: "csv(\"in.csv.gz\")", file: "in.csv.gz", made: "csv" },
    Kind { source: "json(\"in.jsonl\")", file: "in.jsonl", made: "json" },
    Kind { source: "json(\"in.jsonl.zst\")", file: "in.jsonl.zst", made: "json" },
    Kind { source: "parquet(\"in.parquet\")", file: "in.parquet", made: "parquet" },
];

/// Numbers of errors of the system.
const EIO: i32 = 5;
const EACCES: i32 = 13;
const EINTR: i32 = 4;

const COLUMNS: &str = " {\n  id:   int\n  name: string\n}\n";

fn pipeline(kind: &Kind, retry: bool) -> String {
    let retry = if retry { "  retry 1 times backoff 1ms\n" } else { "" };
    format!(
        "param least: int = 0\nsource rows = {}{COLUMNS}\njob some {{\n{retry}  from rows\n  \
         filter id >= least\n  derive size = length(name)\n}}\noutput out = csv(\"out.csv\") from some\n",
        kind.source
    )
}

/// A project with all kinds of inputs, and what is known of the output for each.
fn project() -> Project {
    let outputs = KINDS.iter().enumerate().map(|(at, kind)| {
        let Kind { file, made, .. } = kind;
        format!("output o{at} = {made}(\"{file}\") from rows\n")
    });
    let all = outputs.collect::<String>();
    let project = Project::new(&format!("source rows = csv(\"rows.csv\"){COLUMNS}{all}"));
    // More than one piece of a text file.
    let rows = (0..40_000).map(|id| format!("{id},{}\n", "name ".repeat(id % 7)));
    project.write("rows.csv", format!("id,name\n{}", rows.collect::<String>()));
    project.run();
    project
}

fn run(project: &Project, least: u32, faults: &str) -> Ended {
    let least = format!("least={least}");
    let flags = ["run", "--threads", "1", "--checkpoints", "never", "-p", &least];
    let mut command = project.command(&flags);
    Ended::of(&command.env("BATCHC_FAULTS", faults).output().expect("batchc can be started"))
}

#[test]
fn each_reading_fails_in_turn() {
    let project = project();
    for kind in KINDS {
        project.write("pipeline.batch", pipeline(kind, false));
        assert_eq!(run(&project, 5, "").code, Some(0));
        let new = project.read("out.csv");
        let reads = format!("reads:{}", project.path("reads").display());
        let _ = std::fs::remove_file(project.path("reads"));
        assert_eq!(run(&project, 4, &reads).code, Some(0));
        let count = project.read("reads").lines().count();
        assert!((2..60).contains(&count), "{}: {count} readings", kind.file);
        let old = project.read("out.csv");
        for at in 1..=count {
            let told = |how: &str| format!("{} {how} reading {at} of {count}", kind.file);
            let failed = |number: i32, words: &str| {
                let ended = run(&project, 5, &format!("read:{at}:{number}"));
                // Some only look at what a file is.
                if ended.code == Some(0) {
                    assert!(project.read("out.csv") == new, "{}", told("passed"));
                    assert_eq!(run(&project, 4, "").code, Some(0));
                    return false;
                }
                ended.fails(3, words);
                ended.fails(3, kind.file);
                assert!(project.read("out.csv") == old, "{}", told("failed"));
                true
            };
            let is_needed = failed(EIO, "input/output error");
            assert_eq!(failed(EACCES, "permission denied"), is_needed, "{}", told("EACCES"));
            for little in [format!("read-short:{at}"), format!("read:{at}:{EINTR}")] {
                let ended = run(&project, 5, &little);
                let is_opening = ended.code == Some(3) && ended.words.contains("cannot open");
                if !(is_opening && little.starts_with("read:")) {
                    assert_eq!(ended.code, Some(0), "{}: {}", told(&little), ended.words);
                    assert!(project.read("out.csv") == new, "{}", told(&little));
                    assert_eq!(run(&project, 4, "").code, Some(0));
                }
            }
            // With `retry` what passes is no failure.
            project.write("pipeline.batch", pipeline(kind, true));
            let ended = run(&project, 5, &format!("read:{at}:{}", EIO));
            assert_eq!(ended.code, Some(0), "{}: {}", told("again"), ended.words);
            assert_eq!(ended.words.contains("some: try 2 of 2"), is_needed, "{}", ended.words);
            assert!(project.read("out.csv") == new, "{}", told("again"));
            if is_needed {
                assert_eq!(run(&project, 4, "").code, Some(0));
                let ended = run(&project, 5, &format!("read:{at}:{EACCES}"));
                ended.fails(3, "permission denied");
                assert!(!ended.words.contains("try 2"), "{}", ended.words);
            }
            project.write("pipeline.batch", pipeline(kind, false));
            assert_eq!(run(&project, 4, "").code, Some(0));
        }
    }
}
