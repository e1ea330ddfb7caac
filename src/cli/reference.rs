//! What is said of the functions and words of the language: from the declarations of the standard
//! library, and from the pages of `docs/language/`.
//!
//! `batchc doc` and `batchc explain` print it; `docs/reference/` is made of it.

pub(super) mod own;

use super::load::did_you_mean;
use crate::functions::{Declaration, MODULES, Registry};
use std::fmt::Write;

/// The pages of the reference, whose sections are called like words of the language.
const PAGES: [&str; 10] = [
    include_str!("../../docs/language/steps.md"),
    include_str!("../../docs/language/declarations.md"),
    include_str!("../../docs/language/modes.md"),
    include_str!("../../docs/language/incremental.md"),
    include_str!("../../docs/language/expressions.md"),
    include_str!("../../docs/language/types.md"),
    include_str!("../../docs/language/errors-and-rows.md"),
    include_str!("../../docs/language/connectors.md"),
    include_str!("../../docs/language/formats.md"),
    include_str!("../../docs/language/command-line.md"),
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
    ("append", &["mode append"]),
    ("merge", &["mode merge"]),
    ("scd2", &["mode scd2"]),
    ("pipeline", &["timezone", "owner", "tags"]),
    ("join", &["left join", "semi join", "anti join"]),
    ("plan, graph, show", &["plan", "graph", "show"]),
];

/// All that is said of a name: of the functions and families that are called so, and of the word.
pub(super) fn lookup(name: &str) -> Vec<String> {
    // A module is called as `use` does, or as its page.
    if let Some((module, name)) = in_module(name) {
        return match name {
            Some(name) => functions(name, Some(module)).collect(),
            None => family(module).into_iter().collect(),
        };
    }
    functions(name, None).chain(family(name)).chain(sections(name)).collect()
}

/// `std.money`, `std.money net_of` and `std.money.net_of`: the module, and one of its functions.
fn in_module(name: &str) -> Option<(&str, Option<&str>)> {
    let module = name.strip_prefix("std.")?;
    Some(module.split_once([' ', '.']).map_or((module, None), |(of, name)| (of, Some(name))))
}

/// Asks whether the name that is nearest was meant, if one is near.
pub(super) fn near(name: &str) -> String {
    match in_module(name) {
        Some((module, Some(name))) => {
            return did_you_mean(name, members(module).map(|one| one.name.as_str()));
        }
        Some((module, None)) => return did_you_mean(module, MODULES.iter().copied()),
        None => {}
    }
    let words = TOPICS.iter().flat_map(|(_, words)| words.iter().copied());
    let known = PAGES.iter().flat_map(|page| headings(page)).chain(words);
    let families = Registry::families().map(|(family, _)| family);
    did_you_mean(name, Registry::standard().names().chain(families).chain(known))
}

/// What is said of a word whose time comes later, and what to write instead.
pub(super) fn not_available_yet(name: &str) -> Option<String> {
    const PAGE: &str = include_str!("../../docs/not-available-yet.md");
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

/// The functions of this name, of a module alone if one is given: how each is called, what it does, an
/// example.
fn functions(name: &str, module: Option<&str>) -> impl Iterator<Item = String> {
    let registry = Registry::standard();
    let all = registry.overloads(name).iter().map(move |&function| registry.declaration(function));
    let all = all.filter(move |one| module.is_none_or(|module| one.family == module));
    all.map(move |declaration| {
        let written = match &declaration.written {
            Some(written) => format!("\nStands for: {written}\n"),
            None => String::new(),
        };
        let seen = how_seen(declaration.family).map_or(String::new(), |how| format!("\n{how}\n"));
        let (signature, doc) = (&declaration.signature, declaration.doc.trim_end());
        format!("{signature}\n\n{doc}\n{seen}{written}")
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

/// The functions of a family, in the order of declaration.
fn members(family: &str) -> impl Iterator<Item = &'static Declaration> {
    let functions = Registry::standard().functions();
    functions.map(|(_, declaration)| declaration).filter(move |one| one.family == family)
}

/// The functions of the family of this name, one a line with what it gives.
fn family(name: &str) -> Option<String> {
    let (_, about) = Registry::families().find(|(family, _)| *family == name)?;
    let seen = how_seen(name).map_or(String::new(), |how| format!("\n{how}"));
    let mut text = format!("{about}{seen}\n\n");
    let mut before = "";
    for declaration in members(name) {
        if declaration.name != before {
            writeln!(text, "{}  {}", declaration.name, sentence(&declaration.doc))
                .expect("a text takes what is written");
        }
        before = &declaration.name;
    }
    Some(text)
}

/// The first sentence of a documentation.
fn sentence(doc: &str) -> String {
    let first = doc.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let ends = |at: &usize| {
        let behind = &first[at + 1..];
        first[..=*at].ends_with(['.', '?']) && (behind.is_empty() || behind.starts_with(' '))
    };
    let end = first.match_indices(['.', '?']).map(|(at, _)| at).find(ends);
    first[..end.map_or(first.len(), |at| at + 1)].trim().to_owned()
}

/// All functions by family, one family a line.
pub(super) fn overview() -> String {
    let mut text = String::new();
    for (family, about) in Registry::families() {
        let mut names: Vec<&str> = members(family).map(|one| one.name.as_str()).collect();
        names.dedup();
        let about = about.replace('\n', " ");
        writeln!(text, "{family}: {about}\n  {}\n", names.join(" ")).expect("a text takes it");
    }
    text.push_str("`batchc doc NAME` says more of a function, a family, a step or another word.\n");
    text
}

/// The pages of `docs/reference/`: the name of each file and its text.
pub(super) fn pages() -> Vec<(String, String)> {
    let mut index = String::from(
        "# Reference of functions\n\nMade of the declarations in `stdlib/` by `batchc doc --out docs/reference`; \
         do not edit it here.\nHow to read signatures, and tables by theme: [functions](../language/functions.md).\n\n\
         | family | functions |\n|---|---|\n",
    );
    let mut pages = vec![];
    for (family, about) in Registry::families() {
        let mut names: Vec<&str> = members(family).map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let links: Vec<String> =
            names.iter().map(|name| format!("[`{name}`]({family}.md#{name})")).collect();
        writeln!(index, "| [{family}]({family}.md) | {} |", links.join(" "))
            .expect("a text takes it");
        pages.push((format!("{family}.md"), page(family, &about)));
    }
    pages.insert(0, ("README.md".to_owned(), index));
    pages
}

/// Of a module, how a file comes to see it.
fn how_seen(family: &str) -> Option<String> {
    let is_module = MODULES.contains(&family);
    is_module.then(|| format!("A file that says `use std.{family}` sees these functions."))
}

fn page(family: &str, about: &str) -> String {
    let mut text = format!("# {family}\n\n{about}\n");
    if let Some(how) = how_seen(family) {
        writeln!(text, "{how}").expect("a text takes it");
    }
    let mut before = "";
    for declaration in members(family) {
        if declaration.name != before {
            write!(text, "\n## {}\n", declaration.name).expect("a text takes it");
        }
        before = &declaration.name;
        let is_example = |line: &&str| line.starts_with("Example: ");
        let said: Vec<&str> = declaration.doc.lines().filter(|line| !is_example(line)).collect();
        let examples = declaration.doc.lines().filter(is_example);
        write!(text, "\n```text\n{}\n```\n\n{}\n", declaration.signature, said.join("\n").trim())
            .expect("a text takes it");
        let examples: Vec<String> = examples.map(|line| format!("- {}\n", &line[9..])).collect();
        if !examples.is_empty() {
            write!(text, "\n{}", examples.concat()).expect("a text takes it");
        }
        if let Some(written) = &declaration.written {
            write!(text, "\nStands for:\n\n```text\n{written}\n```\n").expect("a text takes it");
        }
    }
    text
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
