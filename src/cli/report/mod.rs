//! The report of a run as one page of HTML, which needs nothing else and runs nothing: what each part of
//! it says is found in the report and the events of the run.

mod graph;
mod parts;

use super::history::Kept;
use serde_json::Value;

const STYLE: &str = include_str!("style.css");

/// A text as it stands in HTML, between tags and in attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The page.
pub(super) fn page(kept: &Kept) -> String {
    let begun = kept.begun();
    let name = begun.as_ref().and_then(|begun| begun.name.as_deref()).unwrap_or(&kept.run.pipeline);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{0} · {1}</title>\n<style>\n{STYLE}</style>\n<main>\n{2}",
        escaped(name),
        escaped(&kept.run.id),
        parts::head(kept, name),
    );
    let sections = [
        ("Graph", begun.as_ref().and_then(|begun| parts::graph(kept, &begun.graph))),
        ("Jobs over time", parts::times(kept)),
        ("Rows", parts::rows(kept)),
        ("Partitions", parts::partitions(kept)),
        ("Rules", parts::rules(kept)),
        ("Rows set aside", parts::quarantines(kept)),
        ("Outputs", parts::outputs(kept)),
        ("What was run, and why", parts::reasons(kept)),
        ("Inputs", parts::inputs(kept)),
        ("Parameters", parts::parameters(kept)),
        ("What happened", parts::log(kept)),
    ];
    for (title, content) in sections {
        if let Some(content) = content {
            out.push_str(&format!("<section>\n<h2>{title}</h2>\n{content}</section>\n"));
        }
    }
    let version = begun.map_or(String::new(), |begun| format!(" {}", escaped(&begun.version)));
    out.push_str(&format!("<footer>Made by batchc{version}.</footer>\n</main>\n</html>\n"));
    out
}

/// The elements of a list in a report.
fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

fn count(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or(0)
}

fn seconds(value: &Value, field: &str) -> f64 {
    value[field].as_f64().unwrap_or(0.0)
}
