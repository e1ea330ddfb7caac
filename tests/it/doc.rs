//! `batchc doc`: the reference of a file of one's own, in the form of that of the library.

use crate::project::Project;

const MODULE: &str = r##"# Cleaning of names, as our shops write them.
# Said once, used by all.
use std.cleaning

enum Level { LOW, HIGH = "high!" }

## A share from 0 to 1.
type Share = float where value >= 0 and value <= 1

## The name without white space at its ends, at most 2.5 times. Null stays null.
##
## Example: `tidy_name(" a ") == "A"`
fn tidy_name(name: string) -> string = upper(clean_space(name))

fn untold(
  a: int,
  b: int = 3,
) -> int = a + b

## Rows with amounts alone.
## Others are left out.
transform with_amount(t: {amount: decimal(12, 2)?, ..}, least: int = 0) {
  from t
  filter amount is not null
  filter amount > least
}
"##;

const PIPELINE: &str = r#"use "lib/cleaning.batch"

## Orders of a day, by shop.
pipeline shops {
  timezone "Europe/Paris"
}

## The orders of all shops.
source s = csv("s.csv") {
  id:     int key
  ## As it is on the bill.
  name:   string
  amount: decimal(12, 2)?
}

## With names that are tidy.
job j {
  from s
  set name = tidy_name(name)
  apply with_amount()
}

output o = csv("o.csv") from j

test "nothing" {
  given s
    | id | name | amount |
  want j
    | id |
}
"#;

fn project() -> Project {
    let project = Project::new(PIPELINE);
    project.write("lib/cleaning.batch", MODULE);
    project
}

fn doc(project: &Project, of: &[&str]) -> String {
    let ended = project.batchc(&[&["doc"], of].concat());
    assert_eq!(ended.code, Some(0), "{of:?}: {}", ended.words);
    assert_eq!(ended.words, "", "{of:?}");
    ended.data
}

#[test]
fn a_module_is_told_like_one_of_the_library() {
    insta::assert_snapshot!(doc(&project(), &["lib/cleaning.batch"]));
}

#[test]
fn what_a_module_declares_is_told_one_by_one() {
    let project = project();
    let names = ["Level", "Share", "tidy_name", "untold", "with_amount"];
    let told = names.map(|name| doc(&project, &["lib/cleaning.batch", name]));
    insta::assert_snapshot!(told.join("\n---\n\n"));
}

#[test]
fn transforms_are_told_by_their_parameters_and_steps_however_they_are_laid_out() {
    let project = project();
    let written = [
        "transform one(
  t: {
    name: string,   # { no body
    ..
  },
  least: string = \"a) {{\",   # (the least) {
) {
  from t
  filter name >= least
}
",
        "transform one(t: {name: string, ..}) { # As it came. {
  from t
  select {
    name
  }
}
",
        "transform one(t: {name: string, ..}) {
  # Nothing is left out.

  from t
}
",
    ];
    let told = written.map(|text| {
        project.write("lib/one.batch", text);
        doc(&project, &["lib/one.batch", "one"])
    });
    insta::assert_snapshot!(told.join("\n---\n\n"));
}

#[test]
fn a_pipeline_is_told_by_its_sources_jobs_and_outputs() {
    let project = project();
    let told = [&["pipeline.batch"][..], &["pipeline.batch", "s"], &["pipeline.batch", "j"]];
    let told = told.map(|of| doc(&project, of));
    insta::assert_snapshot!(told.join("\n---\n\n"));
}

#[test]
fn one_function_of_a_module_of_the_library_is_told() {
    let project = project();
    let one = doc(&project, &["std.money", "net_of"]);
    assert!(one.starts_with("net_of(gross: decimal(28, 4)"), "{one}");
    assert_eq!(doc(&project, &["std.money.net_of"]), one);
    let ended = project.batchc(&["doc", "std.money", "nett_of"]);
    ended.fails(2, "`std.money nett_of`; did you mean `net_of`?");
    // Other functions are of no module.
    project.batchc(&["doc", "std.money", "trim"]).fails(2, "`std.money trim`");
}

#[test]
fn what_is_not_there_is_told() {
    let project = project();
    let none = project.batchc(&["doc", "lib/none.batch"]);
    none.fails(2, "cannot read lib/none.batch: no such file or directory");
    let near = project.batchc(&["doc", "lib/cleaning.batch", "tidy_nam"]);
    near.fails(2, "lib/cleaning.batch declares no `tidy_nam`; did you mean `tidy_name`?");
    assert!(near.words.contains("there is `Level`, `Share`, `tidy_name`"), "{}", near.words);
    project.write("lib/cleaning.batch", MODULE.replace("clean_space(name)", "clean_spac(name)"));
    for of in [&["lib/cleaning.batch"][..], &["lib/cleaning.batch", "Level"], &["pipeline.batch"]] {
        let ended = project.batchc(&[&["doc"], of].concat());
        ended.fails(1, "did you mean `clean_space`?");
        assert_eq!(ended.data, "");
    }
}
