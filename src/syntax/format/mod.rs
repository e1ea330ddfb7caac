//! The one layout of a program: `batchc fmt`.
//!
//! Made of what the parser has: the tokens of a file with the comments between them (`trivia`) and
//! the tree of each declaration. A walk over the tree (`tree`) gives words and places where a line
//! may end, and `printer` decides which of these are used. Only white space changes, and commas
//! and `;` where a line end says the same. What does not parse stays as it is (`broken`).

mod align;
mod blocks;
mod broken;
mod expressions;
mod printer;
mod space;
mod tables;
mod tree;
mod trivia;

use super::layout::{Layout, Piece, lay_out};
use super::lower::Pair;
use super::parser::parse as parse_by;
use super::tokens::{TokenKind, tokens};
use align::Pads;
use batchc_grammar::Rule;
use broken::Apart;
use printer::print;
use std::ops::Range;
use tree::Builder;
use trivia::{Comment, Trivia};

/// No line is longer where it can be broken.
pub(super) const WIDTH: usize = 100;

/// Formats a program. Line ends become those of its first line, but in texts, where they are a
/// part of the value; a byte order mark stays.
pub fn format(text: &str) -> String {
    let layout = lay_out(text);
    // What cannot be seen is an error, and must not be lost before somebody has seen it.
    if layout.tokens.iter().any(|token| token.kind == TokenKind::Hidden) {
        return text.to_owned();
    }
    let mark = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    let is_crlf = text.find('\n').is_some_and(|at| text[..at].ends_with('\r'));
    let trivia = Trivia::of(text, &layout.tokens);
    let end = if is_crlf { "\r\n" } else { "\n" };
    let formatted = format!("{mark}{}", joined(text, &layout, &trivia, end));
    if is_same(text, &formatted) { formatted } else { text.to_owned() }
}

/// The cells of a row of a table, without the blanks around them.
pub fn row_cells(row: &str) -> Vec<&str> {
    tables::cells(row)
}

/// Rows of a table, the header first, with their cells below each other.
pub fn aligned_rows(rows: &[&str]) -> Vec<String> {
    tables::aligned(rows)
}

/// A declaration with its layout.
struct Part {
    text: String,
    /// Its first byte.
    start: usize,
}

/// The declarations, one below the other.
fn joined(text: &str, layout: &Layout, trivia: &Trivia, end: &'static str) -> String {
    let parsed = layout.pieces.iter().map(|piece| parsed(layout, piece));
    let parsed: Vec<Parsed> = parsed.collect();
    let bytes = layout.pieces.iter().map(|piece| layout.bytes(piece.tokens.clone()));
    let bytes: Vec<Range<usize>> = bytes.collect();
    let pads = align::declarations(&parsed, &bytes, text, trivia);
    let mut out = String::new();
    let mut before: Option<Part> = None;
    for (parsed, bytes) in parsed.into_iter().zip(bytes) {
        let part = Part { start: bytes.start, text: part(text, trivia, parsed, bytes, &pads, end) };
        if before.is_some_and(|before| are_apart(&before, &part, trivia)) {
            out.push_str(end);
        }
        if let Some(around) = trivia.at(part.start) {
            comments(&around.above, &mut out, end);
            if !around.above.is_empty() && around.blank_before {
                out.push_str(end);
            }
        }
        out.push_str(&part.text);
        out.push_str(end);
        before = Some(part);
    }
    if trivia.tail.first().is_some_and(|first| first.blank_before) && !out.is_empty() {
        out.push_str(end);
    }
    comments(&trivia.tail, &mut out, end);
    out
}

/// Is there an empty line between two declarations? Those of one line may do without.
fn are_apart(before: &Part, part: &Part, trivia: &Trivia) -> bool {
    let is_long = |part: &Part| part.text.contains('\n');
    is_long(before) || is_long(part) || trivia.is_apart(part.start)
}

/// Comments on lines of their own.
fn comments(comments: &[Comment], out: &mut String, end: &str) {
    for (at, comment) in comments.iter().enumerate() {
        if comment.blank_before && at > 0 {
            out.push_str(end);
        }
        out.push_str(comment.text);
        out.push_str(end);
    }
}

/// What is known of a declaration.
enum Parsed<'i> {
    Whole(Pair<'i>),
    Apart(Apart<'i>),
    Unknown,
}

fn parsed<'i>(layout: &'i Layout, piece: &Piece) -> Parsed<'i> {
    let is_sound = piece.problems.is_empty()
        && !layout.tokens[piece.tokens.clone()].iter().any(|token| token.kind.is_unsound());
    let is_edition = layout.source(piece.tokens.start) == "batch";
    let entry = if is_edition { Rule::only_edition } else { Rule::only_declaration };
    let text = &layout.text[layout.bytes(piece.tokens.clone())];
    match is_sound.then(|| parse_by(entry, text).ok()).flatten() {
        Some(pair) => Parsed::Whole(pair),
        None => Apart::of(layout, piece).map_or(Parsed::Unknown, Parsed::Apart),
    }
}

impl Parsed<'_> {
    fn shape(&self, text: &str) -> Option<Vec<(Rule, String)>> {
        match self {
            Parsed::Whole(pair) => Some(shape(pair)),
            Parsed::Apart(apart) => Some(apart.shape(text)),
            Parsed::Unknown => None,
        }
    }
}

/// The layout of a declaration, if its tree stays the same by it, or else what it is.
fn part(
    text: &str,
    trivia: &Trivia,
    found: Parsed,
    bytes: Range<usize>,
    pads: &Pads,
    end: &'static str,
) -> String {
    let mut builder = Builder::new(text, bytes.start, trivia, pads);
    let before = found.shape(text);
    match found {
        Parsed::Whole(pair) => builder.pair(pair),
        Parsed::Apart(apart) => builder.apart(apart),
        Parsed::Unknown => builder.verbatim(bytes.clone()),
    }
    let formatted = print(&builder.finish(), end);
    let layout = lay_out(&formatted);
    if let [piece] = &layout.pieces[..]
        && parsed(&layout, piece).shape(&formatted) == before
    {
        return formatted;
    }
    let mut builder = Builder::new(text, bytes.start, trivia, pads);
    builder.verbatim(bytes);
    print(&builder.finish(), end)
}

/// All rules and words of a tree, but commas.
fn shape(pair: &Pair) -> Vec<(Rule, String)> {
    let pairs = pair.clone().into_inner().flatten();
    let pairs = pairs.filter(|pair| pair.as_rule() != Rule::comma);
    let word = |pair: &Pair| match pair.clone().into_inner().next() {
        None if pair.as_rule() == Rule::cell => pair.as_str().trim().to_owned(),
        None => pair.as_str().trim_end().to_owned(),
        Some(_) => String::new(),
    };
    pairs.map(|pair| (pair.as_rule(), word(&pair))).collect()
}

/// Do two texts have the same words and comments? Commas and `;` are given and taken.
fn is_same(before: &str, after: &str) -> bool {
    let of = |text: &str| {
        let (mut words, mut comments) = (Vec::new(), Vec::new());
        for token in tokens(text) {
            let source = text[token.range()].trim_end().to_owned();
            match token.kind {
                TokenKind::Space | TokenKind::Newline => {}
                TokenKind::Comment | TokenKind::Documentation => comments.push(source),
                TokenKind::Row => words.push(tables::cells(&source).join("|")),
                _ if matches!(source.as_str(), "," | ";") => {}
                _ => words.push(source),
            }
        }
        (words, comments)
    };
    of(before) == of(after)
}
