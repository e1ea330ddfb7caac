//! Outputs to which rows are added: exactly once, whatever runs again, and never in silence.

use crate::project::Project;
use std::fs;

const ORDERS: &str = "source orders = csv(\"orders/*.csv\") {
  id:   int
  item: string
}
";

/// A project whose one job adds its rows to these outputs.
fn project(outputs: &str) -> Project {
    let project = Project::new(&format!("{ORDERS}{outputs}"));
    project.write("orders/a.csv", "id,item\n1,x\n2,y\n");
    project
}

fn csv() -> Project {
    project(
        "# allow: W0602 it is meant\noutput all = csv(\"out/all.csv\") from orders { mode append }\n",
    )
}

/// Runs, which must end well; what it says.
fn run(project: &Project) -> String {
    let ended = project.batchc(&["run", "--no-progress"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    ended.words
}

fn next_day(project: &Project) {
    fs::remove_file(project.path("orders/a.csv")).unwrap();
    project.write("orders/b.csv", "id,item\n3,z\n");
}

const BOTH: &str = "id,item\n1,x\n2,y\n3,z\n";

#[test]
fn rows_of_the_same_inputs_are_added_once() {
    let project = csv();
    assert!(run(&project).contains("added 2 rows to out/all.csv"));
    assert!(run(&project).contains("all reused: same inputs"));
    next_day(&project);
    let words = run(&project);
    assert!(words.contains("all runs: orders/b.csv is new"), "{words}");
    assert!(words.contains("added 1 row to out/all.csv"), "{words}");
    assert!(run(&project).contains("all reused: same inputs"));
    assert_eq!(project.read("out/all.csv"), BOTH);
    // The same rows in another mode, and back.
    let text = project.read("pipeline.batch");
    project.write("pipeline.batch", text.replace("append", "overwrite"));
    run(&project);
    assert_eq!(project.read("out/all.csv"), "id,item\n3,z\n");
    project.write("pipeline.batch", text);
    assert!(run(&project).contains("all reused: same inputs"));
}

#[test]
fn a_folder_that_was_moved_or_copied_is_the_same() {
    let project = Project::new("");
    let text = "# allow: W0602 it is meant\noutput all = csv(\"out/all.csv\") from orders { mode append }\n";
    project.write("one/pipeline.batch", format!("{ORDERS}{text}"));
    project.write("one/orders/a.csv", "id,item\n1,x\n2,y\n");
    let run = |folder: &str| {
        let ended = project.batchc(&["run", "--no-progress", "-C", folder]);
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert_eq!(project.read(&format!("{folder}/out/all.csv")), "id,item\n1,x\n2,y\n");
        ended.words
    };
    run("one");
    fs::rename(project.path("one"), project.path("two")).unwrap();
    assert!(run("two").contains("all reused: same inputs"));
    let copy = ["-r", "two", "three"].map(|word| project.path(word));
    let copied = std::process::Command::new("cp").arg("-r").args(&copy[1..]).status().unwrap();
    assert!(copied.success());
    assert!(run("three").contains("all reused: same inputs"));
}

#[test]
fn every_form_is_added_to() {
    let project = project(
        "# allow: W0602 it is meant
job parts {
  partition by hash(id) into 2
  from orders
}

job lines {
  from orders
  select line = item
}
# allow: W0602 it is meant
output packed = csv(\"out/all.csv.gz\") from orders { mode append }
# allow: W0602 it is meant
output frames = json(\"out/all.jsonl.zst\") from orders { mode append }
# allow: W0602 it is meant
output words = text(\"out/all.txt\") from lines { mode append }
# allow: W0602 it is meant
output columns = parquet(\"out/all.parquet\") from orders { mode append }
# allow: W0602 it is meant
output blocks = avro(\"out/all.avro\") from orders { mode append }
# allow: W0602 it is meant
output folder = csv(\"out/parts\") from parts { mode append }
",
    );
    run(&project);
    next_day(&project);
    run(&project);
    project.write(
        "check.batch",
        "source packed = csv(\"out/all.csv.gz\") {\n  id: int\n  item: string\n}
source frames = json(\"out/all.jsonl.zst\") {\n  id: int\n  item: string\n}
source columns = parquet(\"out/all.parquet\") {\n  id: int\n  item: string\n}
source blocks = avro(\"out/all.avro\") {\n  id: int\n  item: string\n}
source folder = csv(\"out/parts/*.csv\") {\n  id: int\n  item: string\n}
job of_folder {\n  from folder\n  sort id\n}
output a = csv(\"read/packed.csv\") from packed
output b = csv(\"read/frames.csv\") from frames
output c = csv(\"read/columns.csv\") from columns
output e = csv(\"read/blocks.csv\") from blocks
output d = csv(\"read/folder.csv\") from of_folder
",
    );
    let ended = project.batchc(&["run", "-q", "check.batch"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    for name in ["packed", "frames", "columns", "blocks", "folder"] {
        assert_eq!(project.read(&format!("read/{name}.csv")), BOTH, "{name}");
    }
    assert_eq!(project.read("out/all.txt"), "x\ny\nz\n");
    let text = project.read("pipeline.batch");
    project.write("pipeline.batch", text.replace("into 2", "into 1"));
    project.batchc(&["run", "pipeline.batch"]).fails(3, "it holds part-00001.csv");
}

#[test]
fn what_cannot_be_made_again_is_not_made_anew_in_silence() {
    let project = csv();
    run(&project);
    let refused = "`--fresh` would add the rows of out/all.csv a second time";
    project.batchc(&["run", "--fresh"]).fails(3, refused);
    fs::remove_dir_all(project.path(".batchc")).unwrap();
    let unknown = "out/all.csv is there, and no run is known that wrote it";
    project.batchc(&["run"]).fails(3, unknown);
    fs::remove_file(project.path("out/all.csv")).unwrap();
    run(&project);
    assert_eq!(project.read("out/all.csv"), "id,item\n1,x\n2,y\n");
    fs::remove_file(project.path("out/all.csv")).unwrap();
    assert!(run(&project).contains("all runs: out/all.csv is not there"));
}

#[test]
fn what_others_changed_is_told() {
    let project = csv();
    run(&project);
    project.write("out/all.csv", "id,item\n9,mine");
    let left = "out/all.csv is not what the last run wrote, and it is left so";
    assert!(run(&project).contains(left));
    next_day(&project);
    let added = "out/all.csv is not what the last run wrote, and rows are added to it as it is";
    assert!(run(&project).contains(added));
    assert_eq!(project.read("out/all.csv"), "id,item\n9,mine\n3,z\n");
    project.write("out/all.csv", "item,id\nmine,9\n");
    project.write("orders/c.csv", "id,item\n4,w\n");
    let message = "it begins with `item,id`, and the rows have the columns `id,item`";
    project.batchc(&["run"]).fails(3, message);
}

#[test]
fn a_run_for_the_rows_set_aside_adds_nothing() {
    let project = project(
        "job good {
  on error quarantine bad
  from orders
}
# allow: W0602 it is meant
output all = csv(\"out/all.csv\") from good { mode append }
",
    );
    project.write("orders/a.csv", "id,item\n1,x\n2,y\nbad,z\n");
    run(&project);
    fs::remove_file(project.path(".batchc/quarantine/bad.jsonl")).unwrap();
    run(&project);
    assert_eq!(project.read("out/all.csv"), "id,item\n1,x\n2,y\n");
}

#[test]
fn a_warning_says_when_all_rows_are_added_again() {
    let project = csv();
    assert!(!project.batchc(&["check"]).words.contains("W0602"));
    let text = project.read("pipeline.batch").replace("# allow: W0602 it is meant\n", "");
    project.write("pipeline.batch", text);
    assert!(project.batchc(&["check"]).words.contains("W0602"));
}
