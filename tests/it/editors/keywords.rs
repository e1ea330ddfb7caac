//! A word of the language is known everywhere, or nowhere.

use super::editors;
use batchc::syntax::{Place, is_name, words_at};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

type Words = BTreeSet<String>;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The words between two quotes of this kind.
fn quoted(text: &str, quote: char) -> impl Iterator<Item = &str> {
    text.split(quote).skip(1).step_by(2).filter(|text| is_word(text))
}

fn set<'w>(words: impl Iterator<Item = &'w str>) -> Words {
    words.map(str::to_owned).collect()
}

/// The words of the grammar: rules `k_from`, and those of joins, that end where a word ends.
fn of_the_grammar() -> Words {
    let grammar = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("grammar/batch.pest"));
    let is_of_a_word = |line: &&str| {
        let name = line.split(" = ").next().unwrap_or_default().trim();
        line.contains("~ !name_char }") && (name.starts_with("k_") || name.contains("_to_"))
    };
    let words = set(grammar.lines().filter(is_of_a_word).flat_map(|line| quoted(line, '"')));
    assert!(words.len() > 140, "{words:?}");
    words
}

#[track_caller]
fn assert_same(what: &str, words: &Words) {
    let wanted = of_the_grammar();
    let missing: Vec<&String> = wanted.difference(words).collect();
    let gone: Vec<&String> = words.difference(&wanted).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "{what} lacks {missing:?}, and has {gone:?}, which grammar/batch.pest has not"
    );
}

#[test]
fn words_that_begin_statements_are_of_the_grammar() {
    let all = of_the_grammar();
    for place in [
        Place::File,
        Place::Job,
        Place::Source,
        Place::Output,
        Place::Pipeline,
        Place::Model,
        Place::Test,
    ] {
        for word in words_at(place) {
            assert!(all.contains(word.word), "`{}`", word.word);
        }
    }
}

#[test]
fn the_tree_sitter_grammar_knows_all_words() {
    let text = read(&editors("tree-sitter-batch/grammar.js"));
    let array = |name: &str| {
        let behind = text.split_once(&format!("const {name} = [")).expect("the list is there").1;
        set(quoted(behind.split_once(']').expect("it ends").0, '\''))
    };
    let (reserved, soft) = (array("RESERVED"), array("SOFT"));
    assert_same("tree-sitter-batch/grammar.js", &reserved.union(&soft).cloned().collect());
    for word in &reserved {
        assert!(!is_name(word), "`{word}` may be a name, so it belongs into SOFT");
    }
    for word in &soft {
        assert!(is_name(word), "`{word}` may be no name, so it belongs into RESERVED");
    }
    // In the lists, and where the syntax asks for it.
    let rules = text.split_once("module.exports").expect("the rules are there").1;
    let used = set(quoted(rules, '\''));
    let unused: Vec<&String> = reserved.union(&soft).filter(|word| !used.contains(*word)).collect();
    assert!(unused.is_empty(), "no rule of grammar.js has {unused:?}");
}

#[test]
fn the_highlights_know_all_words() {
    let text = read(&editors("tree-sitter-batch/queries/highlights.scm"));
    let mut words = set(quoted(&text, '"'));
    // These are nodes.
    words.extend(
        ["true", "false"]
            .iter()
            .filter(|word| text.contains(&format!("({word})")))
            .map(|word| (*word).to_owned()),
    );
    assert_same("tree-sitter-batch/queries/highlights.scm", &words);
}

#[test]
fn the_text_mate_grammar_knows_all_words() {
    let text = read(&editors("vscode/syntaxes/batch.tmLanguage.json"));
    let grammar: Value = serde_json::from_str(&text).expect("it is JSON");
    let mut words = Words::new();
    alternatives(&grammar, &mut words);
    assert_same("vscode/syntaxes/batch.tmLanguage.json", &words);
}

#[test]
fn the_text_mate_grammar_knows_all_types() {
    let text = read(&editors("vscode/syntaxes/batch.tmLanguage.json"));
    let grammar: Value = serde_json::from_str(&text).expect("it is JSON");
    let all = grammar["repository"]["expression"]["patterns"].as_array().expect("it is a list");
    let is_of_types = |one: &&Value| one["captures"]["1"]["name"] == "support.type.batch";
    let pattern = all.iter().find(is_of_types).expect("types have a pattern")["match"].as_str();
    let names = pattern.and_then(|pattern| pattern.split_once(r"\b(")?.1.split_once(')'));
    let names = set(names.expect("the names are in brackets").0.split('|'));
    assert_eq!(names, set(batchc::check::type_names()));
}

/// The words in `(?:a|b)` of all patterns.
fn alternatives(value: &Value, words: &mut Words) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().filter(|_| name == "match") {
                    Some(pattern) => {
                        let groups =
                            pattern.split("(?:").skip(1).filter_map(|rest| rest.split_once(')'));
                        let all = groups.flat_map(|(group, _)| group.split('|'));
                        words.extend(set(all.filter(|word| is_word(word))));
                    }
                    None => alternatives(value, words),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| alternatives(value, words)),
        _ => {}
    }
}
