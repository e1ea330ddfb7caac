//! Outputs that would replace what the run reads, or each other, by whatever spelling: refused
//! before anything is read or staged.

use super::project::Project;
use std::os::unix::fs::symlink;

const PIPELINE: &str = "param a: string = \"out/a.csv\"
param b: string = \"out/b.csv\"
param from: string = \"data/orders.csv\"

source orders = csv(\"{from}\") { id: int key }

output one = csv(\"{a}\") from orders
output two = csv(\"{b}\") from orders
";

const ORDERS: &str = "id\n1\n";

fn project() -> Project {
    let project = Project::new(PIPELINE);
    project.write("data/orders.csv", ORDERS);
    symlink("data", project.path("folder")).expect("a link can be made");
    symlink("data/orders.csv", project.path("link.csv")).expect("a link can be made");
    symlink("out/new.csv", project.path("dangling.csv")).expect("a link can be made");
    project
}

/// A run with these parameters is refused with this code and sentence, and nothing is changed.
fn refused(project: &Project, params: &[&str], code: &str, message: &str) {
    let given = params.iter().flat_map(|param| ["-p", param]);
    for dry in [false, true] {
        let flags: Vec<&str> = ["run"].into_iter().chain(given.clone()).collect();
        let dry: &[&str] = if dry { &["-n"] } else { &[] };
        let ended = project.batchc(&[&flags, dry].concat());
        ended.fails(2, &format!("error[{code}]"));
        ended.fails(2, message);
    }
    assert_eq!(project.read("data/orders.csv"), ORDERS);
    assert_eq!(project.read("pipeline.batch"), PIPELINE);
    let files = ["data/orders.csv", "link.csv", "pipeline.batch"];
    let made = project.files();
    let made = made.iter().filter(|name| !["dangling.csv"].contains(&name.as_str()));
    assert_eq!(made.filter(|name| !name.starts_with("folder")).collect::<Vec<_>>(), files);
}

#[test]
fn no_output_replaces_what_is_read() {
    let project = project();
    let absolute = project.path("data/orders.csv").display().to_string();
    let spelled = ["data/orders.csv", "./data/../data/orders.csv", "folder/orders.csv", "link.csv"];
    for path in spelled.into_iter().chain([absolute.as_str(), "new/../data/orders.csv", "data"]) {
        let message = format!("would replace `{path}`, which the pipeline reads");
        refused(&project, &[&format!("b={path}")], "E0505", &message);
    }
    let reads = [absolute.as_str(), "link.csv", "folder/*.csv", "fold*/orders.csv"];
    for from in reads {
        let params = [&format!("from={from}"), "a=data/orders.csv"];
        refused(&project, &params, "E0505", "which the pipeline reads");
    }
    // It is not there yet, and the next run would read it.
    refused(&project, &["from=folder/*.csv", "a=data/next.csv"], "E0505", "`data/next.csv`");
    for path in ["pipeline.batch", "data/../pipeline.batch"] {
        refused(&project, &[&format!("a={path}")], "E0505", "where the pipeline itself is");
    }
    for path in [".batchc/quarantine/failed.jsonl", "new/../.batchc/x.csv"] {
        refused(&project, &[&format!("a={path}")], "E0505", "among the files of runs");
    }
}

#[test]
fn no_output_replaces_another() {
    let project = project();
    let absolute = project.path("out/new.csv").display().to_string();
    for path in ["out/new.csv", "out/./new.csv", "dangling.csv", &absolute] {
        let b = format!("b={path}");
        refused(&project, &["a=out/new.csv", &b], "E0503", &format!("two outputs write `{path}`"));
    }
    let message = "`x/y/b.csv` is inside of another output, `./x/y`";
    refused(&project, &["a=./x/y", "b=x/y/b.csv"], "E0503", message);
    refused(&project, &["b=./x/y", "a=x/y/b.csv"], "E0503", message);
}

#[test]
fn a_run_removes_what_dead_runs_left_of_outputs_that_it_does_not_write() {
    let project = project();
    project.write("out/.b.csv.batchc-dead", "half");
    let ended = project.batchc(&["run", "--select", "one"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    assert_eq!(project.names("out"), ["a.csv"]);
}
