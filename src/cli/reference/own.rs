//! What is said of the declarations of a file of one's own: from its documentation, as it stands there.
//!
//! The functions of the library are told in the same form, by [`super`].

use super::sentence;
use crate::Compiled;
use crate::check::BRANCH_COLUMN;
use crate::ir::Row;
use crate::syntax::ast::{Declaration, DeclarationKind as Kind, Transform};
use crate::text::FileId;
use std::fmt::Write;
use std::path::Path;

/// All that a file declares, one name a line.
pub(in crate::cli) fn overview(compiled: &Compiled, path: &Path) -> String {
    let mut text = about(compiled);
    if let Some(how) = how_seen(compiled, path) {
        writeln!(text, "A file of the same folder that says {how} sees what is declared here.")
            .expect("a text takes it");
    }
    if !text.is_empty() {
        text.push('\n');
    }
    for (word, name, declaration) in declared(compiled) {
        let said = declaration.doc.as_deref().map(sentence).filter(|said| !said.is_empty());
        let said = said.map_or(String::new(), |said| format!("  {said}"));
        writeln!(text, "{word} {name}{said}").expect("a text takes it");
    }
    text
}

/// The names that a file declares, in the order of the text.
pub(in crate::cli) fn names(compiled: &Compiled) -> impl Iterator<Item = &str> {
    declared(compiled).map(|(_, name, _)| name)
}

/// How a declaration is called or written, what it is for, and what it stands for.
pub(in crate::cli) fn of_name(compiled: &Compiled, name: &str, path: &Path) -> Option<String> {
    let (_, _, declaration) = declared(compiled).find(|(_, declared, _)| *declared == name)?;
    let (head, behind) = written(compiled, declaration);
    let mut parts = vec![head];
    parts.extend(declaration.doc.as_deref().map(|doc| doc.trim().to_owned()));
    if is_of_modules(&declaration.kind) {
        let seen = how_seen(compiled, path);
        parts.extend(seen.map(|how| format!("A file of the same folder that says {how} sees it.")));
    }
    parts.extend(behind);
    Some(parts.join("\n\n") + "\n")
}

/// What a file says at its top, or of its pipeline.
fn about(compiled: &Compiled) -> String {
    let top = compiled.files.get(FileId(0)).text.lines();
    let top = top.map_while(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with('#')));
    let top: Vec<&str> = top.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let of_pipeline = || {
        let mut all = own(compiled).filter(|one| matches!(one.kind, Kind::Pipeline(_)));
        all.find_map(|one| one.doc.clone()).unwrap_or_default()
    };
    let text = if top.is_empty() { of_pipeline() } else { top.join("\n") };
    if text.is_empty() { text } else { text.trim().to_owned() + "\n" }
}

/// The declarations of the file itself, not of those that it uses.
fn own(compiled: &Compiled) -> impl Iterator<Item = &Declaration> {
    let all = compiled.tree.declarations.iter().map(|one| &**one);
    all.filter(|one| one.span.file == FileId(0))
}

/// Those that have a name, with the word that they begin with.
fn declared(compiled: &Compiled) -> impl Iterator<Item = (&'static str, &str, &Declaration)> {
    own(compiled).filter_map(|one| Some((word(&one.kind)?, one.kind.name()?.text.as_str(), one)))
}

fn word(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Param(_) => "param",
        Kind::Enum(_) => "enum",
        Kind::Type(_) => "type",
        Kind::Source(_) => "source",
        Kind::Job(_) => "job",
        Kind::Output(_) => "output",
        Kind::Function(_) => "fn",
        Kind::Transform(_) => "transform",
        Kind::Secret(_) => "secret",
        Kind::Notify(_) => "notify",
        // What the whole file is about, what is no name, and what means nothing.
        Kind::Pipeline(_) | Kind::Use(_) | Kind::Test(_) | Kind::Later(_) | Kind::Bad(_) => {
            return None;
        }
    })
}

/// A declaration in short, and what stands behind that.
fn written(compiled: &Compiled, declaration: &Declaration) -> (String, Option<String>) {
    let text = |span| compiled.files.text(span).trim_end().to_owned();
    let whole = || text(declaration.span);
    let gives = |row: Option<&Row>| row.map(|row| format!("Gives:\n{}", columns(row).trim_end()));
    let pipeline = compiled.shown();
    match &declaration.kind {
        Kind::Function(function) => {
            let head = text(function.name.span.to(function.result.span));
            let body = function.body.as_ref();
            (head, body.map(|body| format!("Stands for: {}", text(body.span))))
        }
        Kind::Transform(transform) => {
            let whole = whole();
            let start = declaration.span.start;
            let (head, steps) = whole.split_at(head_of(transform, &whole, start));
            (head.trim_end().to_owned(), Some(format!("Stands for:\n{}", inside(steps))))
        }
        Kind::Job(job) => {
            let found = pipeline.jobs.iter().find(|one| one.name == job.name.text);
            (whole(), gives(found.map(|job| &**job.row())))
        }
        _ => (whole(), None),
    }
}

/// How long the part of a transform is that says how it is called: to the parenthesis behind its last
/// parameter, for braces are in types and comments too. Its text begins at `start`.
fn head_of(transform: &Transform, whole: &str, start: u32) -> usize {
    let last = transform.parameters.last();
    let last = last.map(|one| one.default.as_ref().map_or(one.ty.span, |value| value.span));
    let at = (last.unwrap_or(transform.name.span).end - start) as usize;
    let mut is_comment = false;
    let end = whole[at..].find(|char| {
        is_comment = char == '#' || is_comment && char != '\n';
        char == ')' && !is_comment
    });
    end.map_or(at, |end| at + end + 1)
}

/// What stands between the braces of a body, its lines as they are.
fn inside(body: &str) -> String {
    let body = body.trim();
    let body = body.strip_prefix('{').unwrap_or(body);
    let body = body.strip_suffix('}').unwrap_or(body).trim_end();
    match body.split_once('\n') {
        Some((first, rest)) if first.trim().is_empty() => rest.to_owned(),
        _ => format!("  {}", body.trim_start()),
    }
}

/// The columns of a row, one a line.
fn columns(row: &Row) -> String {
    let shown = row.columns.iter();
    let shown = shown.filter(|one| !one.is_hidden() && *one.name != *BRANCH_COLUMN);
    shown.map(|column| format!("  {}: {}\n", column.name, column.ty)).collect()
}

/// What a file has to say that uses this one; none of a pipeline, which no other uses.
fn how_seen(compiled: &Compiled, path: &Path) -> Option<String> {
    let is_module =
        own(compiled).all(|one| is_of_modules(&one.kind) || matches!(one.kind, Kind::Use(_)));
    let name = path.file_name()?.to_string_lossy();
    is_module.then(|| format!("`use \"{name}\"`"))
}

/// Is it something that a module may have?
fn is_of_modules(kind: &Kind) -> bool {
    matches!(kind, Kind::Function(_) | Kind::Enum(_) | Kind::Type(_) | Kind::Transform(_))
}
