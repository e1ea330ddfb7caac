//! Secrets that are keys: what is made with them, when it is made anew, and that nobody sees them.

use crate::project::Project;
use std::fs;
use std::path::Path;

const PIPELINE: &str = r#"secret TOKEN_KEY from env "BATCHC_TOKEN_KEY"
secret OTHER_KEY from file "other.key"

source users = csv("users.csv") {
  id:    int key
  email: string sensitive
}

fn pseudonym(text: string) -> string = tokenize(lower(text), key: TOKEN_KEY)

job known {
  on error quarantine bad
  from users
  select id, who = pseudonym(email)
}

job others {
  on error drop
  from users
  select id, who = tokenize(email, key: OTHER_KEY)
}

job counted {
  from users
  group { rows = count() }
}

output known_csv = csv("known.csv") from known
output others_csv = csv("others.csv") from others
output counted_csv = csv("counted.csv") from counted

test "a pseudonym" {
  given users
  | id | email |
  |  1 | a@b.c |

  want known
  | id | who                                                              |
  |  1 | 937ef29035afb24774ca01b97c68f334f8a2aab181ae5bcae7b5838b1084a1d0 |
}
"#;

const KEY: &str = "Jefe";

fn project() -> Project {
    let project = Project::new(PIPELINE);
    project.write("users.csv", "id,email\n1,What Do Ya Want For Nothing?\nx,a@b.c\n");
    project.write("other.key", "  of a file\n");
    project
}

fn run(project: &Project, key: Option<&str>, flags: &[&str]) -> (Option<i32>, String) {
    let mut command = project.command(flags);
    match key {
        Some(key) => command.env("BATCHC_TOKEN_KEY", key),
        None => command.env_remove("BATCHC_TOKEN_KEY"),
    };
    let output = command.output().expect("the command can be run");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("it says texts"))
}

/// The files below a folder that hold a text.
fn holding(folder: &Path, text: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            holding(&path, text, found);
            continue;
        }
        let bytes = fs::read(&path).expect("the file can be read");
        if bytes.windows(text.len()).any(|part| part == text.as_bytes()) {
            found.push(path.file_name().expect("it has a name").to_string_lossy().into_owned());
        }
    }
}

#[test]
fn a_key_makes_pseudonyms_and_is_kept_nowhere() {
    let project = project();
    let flags = ["run", "--report", "r.json", "--events", "e.jsonl", "--openlineage", "l.jsonl"];
    let flags = [&flags[..], &["--checkpoints", "always", "--profile"]].concat();
    let (code, words) = run(&project, Some(KEY), &flags);
    assert_eq!(code, Some(0), "{words}");
    let digits = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(project.read("known.csv"), format!("id,who\n1,{digits}\n"));
    assert!(!words.contains(KEY), "{words}");
    for arguments in [
        &["plan"][..],
        &["show", "ir"],
        &["show", "plan"],
        &["lineage", "pipeline.batch"],
        &["runs"],
    ] {
        let (code, words) = run(&project, Some(KEY), arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {words}");
        assert!(!words.contains(KEY), "{arguments:?}: {words}");
    }
    let mut found = vec![];
    holding(project.folder(), KEY, &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn another_key_makes_anew_what_depends_on_it() {
    let project = project();
    let (code, words) = run(&project, Some(KEY), &["run"]);
    assert_eq!(code, Some(0), "{words}");
    let before = project.read("known.csv");
    let (_, words) = run(&project, Some(KEY), &["run"]);
    assert!(!words.contains("another value"), "{words}");
    let (_, words) = run(&project, Some("another"), &["plan"]);
    assert!(words.contains("the secret `TOKEN_KEY` has another value"), "{words}");
    let (code, words) = run(&project, Some("another"), &["run"]);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("the secret `TOKEN_KEY` has another value"), "{words}");
    assert_ne!(project.read("known.csv"), before);
}

#[test]
fn a_key_that_is_not_there_is_missed_by_those_who_need_it() {
    let project = project();
    let missing =
        "the secret `TOKEN_KEY` is not known: BATCHC_TOKEN_KEY is not set in the environment";
    for arguments in [&["run"][..], &["preview", "pipeline.batch", "known"]] {
        let (code, words) = run(&project, None, arguments);
        assert_eq!(code, Some(2), "{words}");
        assert!(words.contains(missing), "{words}");
    }
    let (code, words) = run(&project, None, &["run", "--select", "counted_csv"]);
    assert_eq!(code, Some(0), "{words}");
    let (_, words) = run(&project, None, &["plan"]);
    assert!(words.contains(missing), "{words}");
    // A test needs nothing but the program: a secret is what it is called.
    let (code, words) = run(&project, None, &["test"]);
    assert_eq!(code, Some(0), "{words}");
}
