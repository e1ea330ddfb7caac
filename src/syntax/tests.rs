//! The parser as a whole: programs in, diagnostics with their lines out.

use super::*;

/// Parses a program; gives the tree and each diagnostic as `CODE line`.
fn parsed(text: &str) -> (ast::File, Vec<String>, Diagnostics) {
    let mut files = Files::default();
    let id = files.add("test.batch", text);
    let mut found = Diagnostics::new();
    let file = parse(&files, id, &mut found);
    found.sort();
    let lines = found
        .iter()
        .map(|found| format!("{} {}", found.code, files.position(found.span()).line))
        .collect();
    (file, lines, found)
}

#[track_caller]
fn assert_codes(text: &str, expected: &[&str]) {
    let (_, lines, found) = parsed(text);
    assert_eq!(lines, expected, "\n{text}\n{found:#?}");
}

const EXAMPLES: [&str; 5] = [
    include_str!("../../tests/cases/parse/1_sales.batch"),
    include_str!("../../tests/cases/parse/2_logs.batch"),
    include_str!("../../tests/cases/parse/3_warehouse.batch"),
    include_str!("../../tests/cases/parse/4_ml.batch"),
    include_str!("../../tests/cases/parse/5_workflow.batch"),
];

#[test]
fn the_examples_parse_without_a_bad_node() {
    for example in EXAMPLES {
        assert_codes(example, &[]);
    }
}
