//! The parser against texts that nobody would write on purpose, and those that have no form as a
//! case: every one gives clear answers, whatever it is, and in a time that grows with its length.

use batchc::compile;
use std::path::Path;
use std::process::Command;

/// Code and line of everything that is found.
fn found(text: &str) -> Vec<(String, usize)> {
    let compiled = compile("test.batch", text.to_owned());
    let place = |found: &batchc::diagnostics::Diagnostic| {
        (found.code.to_string(), compiled.files.position(found.span()).line)
    };
    compiled.found.iter().map(place).collect()
}

#[track_caller]
fn assert_found(text: &str, expected: &[(&str, usize)]) {
    let found = found(text);
    let found: Vec<(&str, usize)> =
        found.iter().map(|(code, line)| (code.as_str(), *line)).collect();
    assert_eq!(found, expected);
}

/// A program around the steps of its job, which begin at line 7.
fn with_steps(steps: &str) -> String {
    format!(
        "source s = csv(\"s.csv\") {{\n  id: int key\n  name: string\n}}\n\
         job j {{\n  from s\n{steps}\n}}\noutput o = csv(\"o.csv\") from j\n"
    )
}

#[test]
fn every_syntax_error_of_a_file_is_found_on_its_line() {
    let text = include_str!("../cases/syntax/many.batch");
    let marked = |line: &str| line.trim_start().starts_with("# ✗");
    let expected: Vec<usize> =
        text.lines().enumerate().filter(|(_, line)| marked(line)).map(|(at, _)| at + 2).collect();
    let compiled = compile("many.batch", text.to_owned());
    let lines: Vec<usize> =
        compiled.found.iter().map(|found| compiled.files.position(found.span()).line).collect();
    assert_eq!(lines, expected);
    assert_eq!(lines.len(), 18);
    for one in compiled.found.iter() {
        assert!(one.code.as_str().starts_with("E00") && one.help.is_some(), "{one:?}");
    }
}

#[test]
fn nesting_is_refused_however_deep_it_is() {
    for depth in [65, 1_000, 100_000] {
        let nested = |open: &str, inside: &str, close: &str| {
            format!("{}{inside}{}", open.repeat(depth), close.repeat(depth))
        };
        for value in [
            nested("(", "id", ")"),
            nested("[", "1", "]"),
            nested("{a: ", "1", "}"),
            nested("not ", "true", ""),
            nested("-", "1", ""),
            nested("if true then 1 else ", "1", ""),
            nested("case { else => ", "1", " }"),
            nested("abs(", "id", ")"),
            nested("x -> ", "x", ""),
            nested("2 ** ", "2", ""),
        ] {
            assert_found(&with_steps(&format!("  derive a = {value}")), &[("E0010", 7)]);
        }
        let column = format!("  a: {}\n", nested("list<", "int", ">"));
        let source = format!("source t = csv(\"t.csv\") {{\n{column}}}\n");
        assert_eq!(found(&source), [("E0010".to_owned(), 2)], "types, {depth}");
    }
}

#[test]
fn brackets_that_never_close_are_found_without_a_stack() {
    for text in ["(", "[", "{", "\"{", "\"\"\"{", "case {", "f(", "if ", "not ", "- "] {
        let found = found(&with_steps(&format!("  derive a = {}", text.repeat(50_000))));
        assert!(!found.is_empty() && found.len() < 4, "{text}: {} findings", found.len());
        let closing = found_in_closing(text);
        assert!(closing, "{text} closed only");
    }
}

/// Closing brackets without opening ones end in findings as well.
fn found_in_closing(text: &str) -> bool {
    let closing: String = text.chars().filter_map(closing_of).collect();
    closing.is_empty() || !found(&with_steps(&closing.repeat(2_000))).is_empty()
}

fn closing_of(bracket: char) -> Option<char> {
    match bracket {
        '(' => Some(')'),
        '[' => Some(']'),
        '{' => Some('}'),
        _ => None,
    }
}

#[test]
fn long_chains_are_no_nesting() {
    // Each `+` has one level more on its left in the tree, so a chain has a bound of its own.
    let sum = |terms: usize| format!("  derive a = {}", vec!["id"; terms].join(" + "));
    assert_found(&with_steps(&sum(200)), &[]);
    let found = found(&with_steps(&sum(100_000)));
    assert_eq!(found, [("E0010".to_owned(), 7)]);
    let list = format!("  derive a = [{}]", vec!["id"; 50_000].join(", "));
    assert_found(&with_steps(&list), &[]);
    let cases = format!("  derive a = case id {{ {} else => 0 }}", "1 => 2, ".repeat(5_000));
    assert_found(&with_steps(&cases), &[]);
}

#[test]
fn a_byte_order_mark_and_other_line_ends_change_nothing() {
    let text = with_steps("  filtr id > 0\n  sort id descending\n  derive t = \"\"\"a\n  b\"\"\"");
    let expected = [("E0003", 7), ("E0002", 8)];
    assert_found(&text, &expected);
    assert_found(&format!("\u{feff}{text}"), &expected);
    assert_found(&text.replace('\n', "\r\n"), &expected);
    assert_found(&text.replace("  ", "\t"), &expected);
    assert_found(&text.replace('\n', "\n\n"), &[("E0003", 13), ("E0002", 15)]);
    // In the middle of a file it is a character that cannot be seen.
    assert_found(&with_steps("  \u{feff}filter id > 0"), &[("E0013", 7)]);
}

#[test]
fn files_of_nothing_are_right() {
    for text in ["", "\u{feff}", "\n", "\r\n\r\n", " ", "\t", "# a comment", "## of nothing\n\n# a"]
    {
        assert_found(text, &[]);
    }
}

#[test]
fn characters_that_hide_are_named_where_they_stand() {
    for hidden in
        ['\u{200b}', '\u{200f}', '\u{202e}', '\u{2066}', '\u{ad}', '\0', '\u{7f}', '\u{2028}']
    {
        let outside = with_steps(&format!("  filter id{hidden} > 0"));
        let found_outside = found(&outside);
        assert_eq!(found_outside, [("E0013".to_owned(), 7)], "U+{:04X} outside", hidden as u32);
    }
    for bidi in ['\u{202e}', '\u{2066}'] {
        for line in [format!("  filter name == \"a{bidi}b\""), format!("  # a{bidi}b")] {
            let found = found(&with_steps(&line));
            assert_eq!(found, [("E0013".to_owned(), 7)], "U+{:04X} in {line}", bidi as u32);
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_refused_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bad.batch");
    std::fs::write(&path, b"# one\nparam a: string = \"\xff\"\n").expect("it is written");
    let (code, words) = check(&path, &[]);
    assert_eq!(code, Some(2));
    assert!(words.contains("bad.batch:2:"), "{words}");
    assert!(words.contains("not UTF-8"), "{words}");
}

/// `batchc check FILE`: its exit code and what it says on stderr.
fn check(path: &Path, flags: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_batchc"))
        .arg("check")
        .arg(path)
        .args(flags)
        .output()
        .expect("batchc runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_file_of_many_mistakes_is_shown_in_full() {
    // Showing a finding does not read the file again from its beginning.
    let steps = "  filtr id > 0\n  sort id descending\n".repeat(2_000);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("many.batch");
    std::fs::write(&path, with_steps(&steps)).expect("it is written");
    let (code, words) = check(&path, &["--format", "short"]);
    assert_eq!((code, words.lines().count()), (Some(1), 4_001));
    let (code, words) = check(&path, &[]);
    assert_eq!(code, Some(1));
    assert_eq!(words.matches("error[E00").count(), 4_000);
    assert!(words.ends_with("many.batch; 1 job checked\n"), "{}", &words[words.len() - 80..]);
}
