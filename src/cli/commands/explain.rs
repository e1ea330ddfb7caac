//! `batchc explain`

use crate::cli::args::{Explain, Global};
use crate::cli::load::{did_you_mean, refuse};
use crate::cli::print::put;
use crate::diagnostics::Code;
use crate::functions::Registry;

/// The pages of the reference, whose sections are called like words of the language.
const PAGES: [&str; 10] = [
    include_str!("../../../docs/language/steps.md"),
    include_str!("../../../docs/language/declarations.md"),
    include_str!("../../../docs/language/modes.md"),
    include_str!("../../../docs/language/incremental.md"),
    include_str!("../../../docs/language/expressions.md"),
    include_str!("../../../docs/language/types.md"),
    include_str!("../../../docs/language/errors-and-rows.md"),
    include_str!("../../../docs/language/connectors.md"),
    include_str!("../../../docs/language/formats.md"),
    include_str!("../../../docs/language/command-line.md"),
];

/// Words that a section with another heading is about.
const TOPICS: &[(&str, &[&str])] = &[
    ("if and case", &["if", "then", "else", "case"]),
    (
        "operators",
        &["and", "or", "not", "in", "not in", "between", "matches", "is", "**", "//", "%"],
    ),
    ("null", &["nulls", "is null", "is not null", "??", "?"]),
    ("conversions", &["as"]),
    ("lists and records", &["->", "lambda", "list", "record"]),
    ("literals", &["true", "false"]),
    (
        "types",
        &["bool", "int", "float", "decimal", "string", "date", "datetime", "timestamp", "duration"],
    ),
    ("enums", &["enum"]),
    ("names", &["run.time", "run.date"]),
    ("on error", &["on", "fail"]),
    ("quarantines", &["quarantine"]),
    ("retry", &["backoff"]),
    ("source", &["key", "named"]),
    ("job", &["partition"]),
    ("output", &["partition", "partition by"]),
    ("sources that are read incrementally", &["incremental", "incremental by", "lookback"]),
    ("outputs that keep what they hold", &["mode"]),
    ("pipeline", &["timezone", "owner", "tags"]),
    ("join", &["left join", "semi join", "anti join"]),
    ("plan, graph, show", &["plan", "graph", "show"]),
];

/// Prints the page of a code, what is said of a function or of a word; or lists all codes.
pub(in crate::cli) fn run(explain: &Explain, global: &Global) -> u8 {
    let text = &explain.name.join(" ");
    if text.is_empty() {
        for code in Code::ALL {
            put!("{code}  {}\n", code.title());
        }
        return 0;
    }
    let name = text.to_lowercase();
    let found: Vec<String> = match Code::parse(text) {
        Some(code) => vec![code.page().to_owned()],
        None => functions(&name).chain(sections(&name)).collect(),
    };
    if found.is_empty()
        && let Some(line) = not_available_yet(&name)
    {
        put!("{line}");
        return 0;
    }
    if found.is_empty() {
        let words = TOPICS.iter().flat_map(|(_, words)| words.iter().copied());
        let known = PAGES.iter().flat_map(|page| headings(page)).chain(words);
        let near = did_you_mean(&name, Registry::standard().names().chain(known));
        let message = format!("there is no diagnostic, function or word `{text}`{near}");
        return refuse(&message, global);
    }
    put!("{}", found.join("\n"));
    0
}

/// What is said of a word whose time comes later, and what to write instead.
fn not_available_yet(name: &str) -> Option<String> {
    const PAGE: &str = include_str!("../../../docs/not-available-yet.md");
    let named = |line: &&str| {
        let line = line.split(" | ").next().unwrap_or(line).to_lowercase();
        line.contains(&format!("`{name}`")) || line.contains(&format!("`{name} "))
    };
    let line = PAGE.lines().filter(|line| line.starts_with(['|', '-', '`'])).find(named)?;
    let instead = line.split('|').nth(2).map_or("", str::trim);
    let instead = match instead {
        "" => String::new(),
        instead if is_of_settings(PAGE, line) => format!("It will be a setting of {instead}.\n"),
        instead => format!("Instead: {instead}.\n"),
    };
    Some(format!(
        "`{name}` is designed and not available yet.\n{instead}`batchc explain E0020` says more.\n"
    ))
}

/// Is the line of the table of settings, which says where each belongs?
fn is_of_settings(page: &str, line: &str) -> bool {
    let settings = page.split_once("## Settings").map_or("", |(_, behind)| behind);
    settings.split("## ").next().unwrap_or("").contains(line)
}

/// The functions of this name: how each is called, what it does, an example.
fn functions(name: &str) -> impl Iterator<Item = String> {
    let registry = Registry::standard();
    registry.overloads(name).iter().map(move |&function| {
        let declaration = registry.declaration(function);
        format!("{}\n\n{}\n", declaration.signature, declaration.doc.trim_end())
    })
}

/// The sections of the reference about a word.
fn sections(name: &str) -> impl Iterator<Item = String> {
    let topics = TOPICS.iter().filter(move |(_, words)| words.contains(&name));
    let wanted = [name].into_iter().chain(topics.map(|(heading, _)| *heading));
    wanted.flat_map(|wanted| PAGES.iter().filter_map(move |page| section(page, wanted)))
}

/// The headings of a page, which stand outside of its programs.
fn headings(page: &str) -> impl Iterator<Item = &str> {
    let mut is_program = false;
    page.lines().filter_map(move |line| {
        is_program ^= line.starts_with("```");
        let heading = line.strip_prefix("# ").or_else(|| line.strip_prefix("## "));
        heading.filter(|_| !is_program)
    })
}

/// The section of a page that has this heading.
fn section(page: &str, name: &str) -> Option<String> {
    let mut sections = headings(page).skip_while(|heading| heading.to_lowercase() != name);
    let heading = sections.next()?;
    let (_, behind) = page.split_once(&format!("# {heading}\n"))?;
    let end = sections.next().and_then(|next| behind.find(&format!("\n## {next}\n")));
    Some(format!("# {heading}\n{}", &behind[..end.unwrap_or(behind.len())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_its_section() {
        for (heading, words) in TOPICS {
            for word in *words {
                let found = sections(word).any(|text| {
                    text.lines().next().is_some_and(|line| line[2..].to_lowercase() == *heading)
                });
                assert!(found, "{word}: no section `{heading}`");
            }
        }
    }
}
