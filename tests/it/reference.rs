//! The reference in `docs/language/` leaves nothing out that a table of the code can name: every
//! function of the library, every option of a connector; nor does the list of what comes later.
//! That its programs compile is `readme`'s.

use batchc::check::later;
use batchc::connect;
use batchc::functions::Registry;
use std::collections::BTreeSet;
use std::fs;

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
    for (heading, names) in [
        ("Functions", later::FUNCTIONS),
        ("Columns", later::COLUMNS),
        ("Types", later::TYPES),
        ("Connectors", later::CONNECTORS),
        ("Notifications", later::NOTIFIERS),
    ] {
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
