//! The reference in `docs/language/` leaves nothing out that a table of the code can name: every
//! function of the library, every option of a connector; nor does the list of what comes later.
//! That its programs compile is `readme`'s.

use super::project::Project;
use batchc::check::later;
use batchc::connect;
use batchc::functions::Registry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn page(name: &str) -> String {
    read(&format!("language/{name}"))
}

fn read(name: &str) -> String {
    let path = format!("{}/docs/{name}.md", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).expect("the page is there")
}

#[test]
fn every_function_is_in_the_reference() {
    let page = page("functions");
    let missing: Vec<&str> = Registry::standard()
        .names()
        .filter(|name| !page.contains(&format!("`{name}(")) && !page.contains(&format!("`{name}<")))
        .collect();
    assert!(missing.is_empty(), "docs/language/functions.md lacks {missing:?}");
}

#[test]
fn every_connector_option_is_in_the_reference() {
    let page = page("connectors");
    for connector in connect::ALL {
        let heading = format!("## {}\n", connector.name);
        let section = page.split(&heading).nth(1).expect("each connector has a section");
        let section = section.split("\n## ").next().unwrap_or_default();
        for option in connector.options {
            let row = format!("| `{}` |", option.name);
            assert!(section.contains(&row), "`{}` lacks `{}`", connector.name, option.name);
        }
    }
}

#[test]
fn what_comes_later_is_listed_as_it_is_in_the_code() {
    let page = read("not-available-yet");
    for (heading, names) in [("Connectors", later::CONNECTORS), ("Notifications", later::NOTIFIERS)]
    {
        let section = page.split(&format!("## {heading}\n")).nth(1).expect("a section of the page");
        let section = section.split("\n## ").next().unwrap_or_default();
        let quoted = section.split('`').skip(1).step_by(2);
        let said: BTreeSet<&str> = quoted
            .map(|text| text.split(['<', '(']).next().unwrap_or_default())
            .filter(|name| !name.starts_with('{'))
            .collect();
        assert_eq!(said, names.iter().copied().collect(), "{heading}");
    }
}

#[test]
fn the_pages_of_functions_are_current() {
    let project = Project::new("");
    let ended = project.batchc(&["doc", "--out", "pages"]);
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    let (made, kept) =
        (project.path("pages"), format!("{}/docs/reference", env!("CARGO_MANIFEST_DIR")));
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        let _ = fs::remove_dir_all(&kept);
        fs::create_dir_all(&kept).expect("the folder can be made");
        for (name, text) in files(&made) {
            fs::write(format!("{kept}/{name}"), text).expect("the page can be written");
        }
    }
    assert!(
        files(&made) == files(Path::new(&kept)),
        "docs/reference/ is not what `batchc doc --out docs/reference` writes"
    );
}

/// The files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| {
            let path = entry.expect("it can be read").path();
            let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("it can be read"))
        })
        .collect()
}

#[test]
fn modules_and_modes_are_called_as_programs_do() {
    let project = Project::new("");
    for (name, said) in
        [("std.money", "use std.money"), ("money", "use std.money"), ("mode merge", "# merge")]
    {
        let ended = project.batchc(&["doc", name]);
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert!(ended.data.contains(said), "{name}: {}", ended.data);
    }
    assert_ne!(project.batchc(&["doc", "std.nope"]).code, Some(0));
}
