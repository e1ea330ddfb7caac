//! `batchc runs diff`: what differs between two runs.

use crate::cli::history::Kept;
use crate::cli::print::put;
use crate::cli::table::grouped;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The counts of a job that are compared.
const OF_JOBS: &[&str] = &["status", "records_in", "records_out", "records_failed", "seconds"];
/// Of an output.
const OF_OUTPUTS: &[&str] = &["path", "records", "bytes"];

/// Prints what differs from `a` to `b`.
pub(super) fn print(a: &Kept, b: &Kept, as_json: bool) {
    let found = differences(a, b);
    if as_json {
        put!("{found}\n");
        return;
    }
    put!("{} → {}\n", a.run.id, b.run.id);
    let mut is_same = true;
    for (part, of) in found.as_object().into_iter().flatten().skip(2) {
        let lines = of.as_object().into_iter().flatten();
        let lines: Vec<String> = lines.map(|change| line(part, change)).collect();
        if !lines.is_empty() {
            is_same = false;
            put!("{part}\n");
            lines.iter().for_each(|line| put!("  {line}\n"));
        }
    }
    if is_same {
        put!("nothing differs\n");
    }
}

/// In parts, and in each by name, what was and what is; null where there is none.
fn differences(a: &Kept, b: &Kept) -> Value {
    let by_name = |kept: &Kept, list: &str, name: &str| -> BTreeMap<String, Value> {
        let all = kept.report[list].as_array().into_iter().flatten();
        all.map(|one| (one[name].as_str().unwrap_or_default().to_owned(), one.clone())).collect()
    };
    let lists = |list: &str, name: &str, fields: &[&str]| {
        let (a, b) = (by_name(a, list, name), by_name(b, list, name));
        changes(&a, &b, |a, b| {
            let both = fields.iter().map(|field| (*field, a[*field].clone(), b[*field].clone()));
            let changed = both.filter(|(_, a, b)| a != b);
            let changed: Map<String, Value> =
                changed.map(|(field, a, b)| (field.to_owned(), json!([a, b]))).collect();
            changed.into()
        })
    };
    let plain = |kept: &Kept, field: &str| -> BTreeMap<String, Value> {
        let all = kept.report[field].as_object().into_iter().flatten();
        all.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let pair = |a: &Value, b: &Value| json!([a, b]);
    let run = |kept: &Kept| -> BTreeMap<String, Value> {
        let fields = ["pipeline", "status", "seconds", "records_read", "error"];
        let mut run = crate::cli::history::line(&kept.run);
        run["error"] = kept.report["error"].clone();
        fields.iter().map(|field| ((*field).to_owned(), run[*field].take())).collect()
    };
    json!({
        "a": a.run.id,
        "b": b.run.id,
        "run": changes(&run(a), &run(b), pair),
        "parameters": changes(&plain(a, "parameters"), &plain(b, "parameters"), pair),
        "inputs": changes(&files(a), &files(b), pair),
        "reasons": lists("reasons", "name", &["runs", "reason"]),
        "jobs": lists("jobs", "job", OF_JOBS),
        "outputs": lists("outputs", "output", OF_OUTPUTS),
        "quarantines": lists("quarantines", "quarantine", &["path", "records"]),
    })
}

/// The files of all sources, by source and name, with what they are known by.
fn files(kept: &Kept) -> BTreeMap<String, Value> {
    let of = |source: &Value| {
        let name = source["source"].as_str().unwrap_or_default().to_owned();
        let files = source["files"].as_array().cloned().unwrap_or_default();
        files.into_iter().map(move |mut file| {
            let shown = format!("{name} {}", file["file"].as_str().unwrap_or_default());
            (shown, file["content"].take())
        })
    };
    kept.of_kind("source.read").flat_map(of).collect()
}

/// What is not the same: only in one, with null for the other, or changed as `change` says.
fn changes(
    a: &BTreeMap<String, Value>,
    b: &BTreeMap<String, Value>,
    change: impl Fn(&Value, &Value) -> Value,
) -> Map<String, Value> {
    let mut found = Map::new();
    for (name, was) in a {
        match b.get(name) {
            None => drop(found.insert(name.clone(), json!([was, null]))),
            Some(is) => {
                let changed = change(was, is);
                let is_same = match &changed {
                    Value::Object(fields) => fields.is_empty(),
                    _ => was == is,
                };
                if !is_same {
                    found.insert(name.clone(), changed);
                }
            }
        }
    }
    let new = b.iter().filter(|(name, _)| !a.contains_key(*name));
    found.extend(new.map(|(name, is)| (name.clone(), json!([null, is]))));
    found
}

/// `clean: records in 3 → 4, seconds 0.026 → 0.020`
fn line(part: &str, (name, change): (&String, &Value)) -> String {
    let only = |in_which: &str, value: &Value| match value {
        Value::Object(_) => format!("{name}: only in {in_which}"),
        value => format!("{name}: {}, only in {in_which}", shown(value)),
    };
    match change {
        Value::Object(fields) => {
            let field = |(field, pair): (&String, &Value)| {
                format!("{} {} → {}", field.replace('_', " "), shown(&pair[0]), shown(&pair[1]))
            };
            format!("{name}: {}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        // What tells that a file changed says nothing to a person.
        pair if part == "inputs" => match (pair[0].is_null(), pair[1].is_null()) {
            (true, _) => format!("{name}: new"),
            (_, true) => format!("{name}: gone"),
            _ => format!("{name}: changed"),
        },
        pair if part == "run" => {
            format!("{}: {} → {}", name.replace('_', " "), shown(&pair[0]), shown(&pair[1]))
        }
        pair if pair[0].is_null() => only("the second", &pair[1]),
        pair if pair[1].is_null() => only("the first", &pair[0]),
        pair => format!("{name}: {} → {}", shown(&pair[0]), shown(&pair[1])),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_u64() {
            Some(count) => grouped(count),
            None => format!("{:.3}", number.as_f64().unwrap_or(0.0)),
        },
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}
