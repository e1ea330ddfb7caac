//! `batchc explain`

use crate::cli::args::{Explain, Global};
use crate::cli::load::{did_you_mean, refuse};
use crate::cli::print::put;
use crate::diagnostics::Code;
use crate::functions::Registry;

/// The pages of the reference whose sections are called like words of the language.
const PAGES: [&str; 2] = [
    include_str!("../../../docs/language/steps.md"),
    include_str!("../../../docs/language/declarations.md"),
];

/// Prints the page of a code, of a function, a step or a declaration; or lists all codes.
pub(in crate::cli) fn run(explain: &Explain, global: &Global) -> u8 {
    let Some(text) = &explain.name else {
        for code in Code::ALL {
            put!("{code}  {}\n", code.title());
        }
        return 0;
    };
    let name = text.to_lowercase();
    let found: Vec<String> = match Code::parse(text) {
        Some(code) => vec![code.page().to_owned()],
        None => {
            functions(&name).chain(PAGES.iter().filter_map(|page| section(page, &name))).collect()
        }
    };
    if found.is_empty() {
        let known =
            Registry::standard().names().chain(PAGES.iter().flat_map(|page| headings(page)));
        let near = did_you_mean(&name, known);
        let message = format!("there is no diagnostic, function or step `{text}`{near}");
        return refuse(&message, global);
    }
    put!("{}", found.join("\n"));
    0
}

/// The functions of this name: how each is called, what it does, an example.
fn functions(name: &str) -> impl Iterator<Item = String> {
    let registry = Registry::standard();
    registry.overloads(name).iter().map(move |&function| {
        let declaration = registry.declaration(function);
        format!("{}\n\n{}\n", declaration.signature, declaration.doc.trim_end())
    })
}

/// The headings of a page, which stand outside of its programs.
fn headings(page: &str) -> impl Iterator<Item = &str> {
    let mut is_program = false;
    page.lines().filter_map(move |line| {
        is_program ^= line.starts_with("```");
        if is_program { None } else { line.strip_prefix("## ") }
    })
}

/// The section of a page that has this heading.
fn section(page: &str, name: &str) -> Option<String> {
    let mut sections = headings(page).skip_while(|heading| *heading != name);
    let heading = sections.next()?;
    let (_, behind) = page.split_once(&format!("\n## {heading}\n"))?;
    let end = sections.next().and_then(|next| behind.find(&format!("\n## {next}\n")));
    Some(format!("# {heading}\n{}", &behind[..end.unwrap_or(behind.len())]))
}
