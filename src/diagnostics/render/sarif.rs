//! For tools that collect the findings of many tools, as code scanning does: a log of SARIF 2.1.0.
//!
//! The log says of each rule what its page says, of each result where it is, which other places
//! belong to it, and the edit that its help means.

use super::{Program, within, word, words};
use crate::diagnostics::{Code, Diagnostic, Fix};
use crate::text::{Files, Span, Unit};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The log, without what GitHub makes itself, as fingerprints.
pub(super) fn log(programs: &[Program], failures: &[String], folder: &str) -> String {
    let all = || programs.iter().flat_map(|one| one.found.iter().map(|found| (found, one.files)));
    let codes: BTreeSet<Code> = all().map(|(found, _)| found.code).collect();
    let codes: Vec<Code> = codes.into_iter().collect();
    let results: Vec<Value> =
        all().map(|(found, files)| result(found, &Places { files, folder }, &codes)).collect();
    let failed = failures.iter().map(|text| json!({"level": "error", "message": {"text": text}}));
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "batchc",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            }},
            "invocations": [{
                "executionSuccessful": failures.is_empty(),
                "toolExecutionNotifications": failed.collect::<Vec<_>>(),
            }],
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

/// A code, by its page: its first part is the description, all of it the help.
fn rule(code: Code) -> Value {
    let page = code.page();
    let first = page.split("\n## ").next().unwrap_or_default();
    let description = first.split_once('\n').map_or(first, |(_, behind)| behind).trim();
    json!({
        "id": code.as_str(),
        "shortDescription": {"text": code.title()},
        "fullDescription": {"text": description},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": word(code.severity())},
    })
}

fn result(found: &Diagnostic, places: &Places, codes: &[Code]) -> Value {
    let others = found.labels[1..].iter().enumerate().map(|(at, label)| {
        let mut other = json!({"id": at + 1, "physicalLocation": places.physical(label.span)});
        if !label.text.is_empty() {
            other["message"] = json!({"text": label.text});
        }
        other
    });
    let mut result = json!({
        "ruleId": found.code.as_str(),
        "ruleIndex": codes.iter().position(|code| *code == found.code),
        "level": word(found.severity),
        "message": {"text": words(found)},
        "locations": [{"physicalLocation": places.physical(found.span())}],
    });
    let others: Vec<Value> = others.collect();
    if !others.is_empty() {
        result["relatedLocations"] = others.into();
    }
    if let Some(fix) = &found.fix {
        result["fixes"] = json!([edit(fix, found, places)]);
    }
    result
}

fn edit(fix: &Fix, found: &Diagnostic, places: &Places) -> Value {
    let mut replacement = json!({"deletedRegion": places.region(fix.span)});
    if !fix.text.is_empty() {
        replacement["insertedContent"] = json!({"text": fix.text});
    }
    json!({
        "description": {"text": found.help.as_deref().unwrap_or(&found.message)},
        "artifactChanges": [{
            "artifactLocation": places.artifact(fix.span),
            "replacements": [replacement],
        }],
    })
}

/// Places of a program, from a folder of the repository on.
struct Places<'p> {
    files: &'p Files,
    folder: &'p str,
}

impl Places<'_> {
    fn physical(&self, span: Span) -> Value {
        json!({"artifactLocation": self.artifact(span), "region": self.region(span)})
    }

    fn artifact(&self, span: Span) -> Value {
        json!({"uri": uri(&within(self.folder, &self.files.get(span.file).path))})
    }

    /// Lines and columns count from 1, and the end is the first place behind.
    fn region(&self, span: Span) -> Value {
        let file = self.files.get(span.file);
        let (start_line, start) = file.place(span.start as usize, Unit::Utf16);
        let (end_line, end) = file.place(span.end as usize, Unit::Utf16);
        json!({
            "startLine": start_line + 1,
            "startColumn": start + 1,
            "endLine": end_line + 1,
            "endColumn": end + 1,
        })
    }
}

/// What may not stand in the path of an address; `:` in the first part of one that is relative would
/// be taken for a scheme.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b':')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A path as an address, relative as it is.
fn uri(path: &str) -> String {
    let encoded = utf8_percent_encode(path, UNSAFE);
    if path.starts_with('/') { format!("file://{encoded}") } else { encoded.to_string() }
}
