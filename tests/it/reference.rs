//! The reference in `docs/language/` leaves nothing out that a table of the code can name: every
//! function of the library, every option of a connector. That its programs compile is `readme`'s.

use batchc::connect;
use batchc::functions::Registry;
use std::fs;

fn page(name: &str) -> String {
    let path = format!("{}/docs/language/{name}.md", env!("CARGO_MANIFEST_DIR"));
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
