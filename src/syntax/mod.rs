//! From text to [`ast`]: the parser, and the second look at what did not parse.
//!
//! A file is cut into tokens ([`tokens`]), laid out into declarations and statements (`layout`),
//! and each declaration is parsed by the grammar of `grammar/batch.pest` and made into a tree
//! (`lower`). A declaration that does not parse is taken apart into its statements, each of which
//! is parsed alone (`recovery`); what still does not parse is looked at once more to say what is
//! wrong with it (`second_look`). Nothing here knows what a name stands for.

pub mod ast;
mod format;
mod habits;
mod layout;
mod lower;
mod parser;
mod recovery;
mod second_look;
mod tokens;
mod wanted;
mod words;

pub use format::{aligned_rows, format, row_cells};
pub use layout::{Layout, NESTING_MAX, lay_out};
pub use tokens::{Token, TokenKind, tokens};
pub use wanted::{Call, Kind as WantedKind, Wanted, wanted, words_at};
pub use words::{Place, Word};

use crate::diagnostics::habits::sql_file;
use crate::diagnostics::{Diagnostics, syntax};
use crate::text::{FileId, Files, Span, is_bidi_control};
use parser::Parser;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;
use tokens::is_hidden;

/// Parses a file. It never fails: what cannot be parsed stands as a `Bad` node in the tree, with
/// one diagnostic for each.
pub fn parse(files: &Files, id: FileId, found: &mut Diagnostics) -> ast::File {
    parse_again(files, id, &lay_out(&files.get(id).text), None, found)
}

/// The same of a file whose layout has been made, and that may have been parsed before: what has not
/// changed is not parsed a second time.
pub fn parse_again(
    files: &Files,
    id: FileId,
    layout: &Layout,
    before: Option<Before>,
    found: &mut Diagnostics,
) -> ast::File {
    let text = &files.get(id).text;
    report_hidden(id, text, layout, found);
    let comments = layout.tokens.iter().filter_map(|token| {
        let documentation = token.kind == TokenKind::Documentation;
        let span = Span::new(id, token.start as usize, token.end as usize);
        (documentation || token.kind == TokenKind::Comment)
            .then_some(ast::Comment { span, documentation })
    });
    let comments = comments.collect();
    let (mut edition, mut declarations) = (None, Vec::new());
    for piece in pieces(id, text, layout, before) {
        found.extend(piece.found);
        edition = piece.edition.or(edition);
        declarations.extend(piece.declaration);
    }
    ast::File { id, edition, declarations, uses: vec![], comments }
}

/// A text with its layout.
pub struct LaidOut {
    /// The text.
    pub text: String,
    /// Its layout.
    pub layout: Layout,
}

impl LaidOut {
    /// Lays out a text.
    pub fn of(text: String) -> LaidOut {
        LaidOut { layout: lay_out(&text), text }
    }
}

/// A file as it was before: its text, and what was parsed.
#[derive(Clone, Copy)]
pub struct Before<'b> {
    /// The files of the program.
    pub files: &'b Files,
    /// What was parsed.
    pub tree: &'b ast::File,
}

impl<'b> Before<'b> {
    /// The declaration at a place, if nothing was found wrong with it and it reads there as before.
    fn declaration(self, span: Span, source: &str) -> Option<&'b Arc<ast::Declaration>> {
        let all = &self.tree.declarations;
        // Those of a file stand together.
        let own = &all[all.iter().position(|one| one.span.file == span.file)?..];
        let own = &own[..own.partition_point(|one| one.span.file == span.file)];
        let at = own.binary_search_by_key(&span, |one| one.span).ok()?;
        let is_same = !own[at].is_doubtful && self.files.text(span) == &source[span.range()];
        is_same.then_some(&own[at])
    }
}

/// What a piece of a file is: an edition, unless it did not parse, or a declaration.
struct Parsed {
    edition: Option<(u32, Span)>,
    declaration: Option<Arc<ast::Declaration>>,
    found: Diagnostics,
}

/// Fewer pieces are parsed sooner than other threads are awake.
const PARALLEL_PIECES_MIN: usize = 16;

/// Parses the pieces of a file, each alone, so on all cores; in their order.
fn pieces(file: FileId, source: &str, layout: &Layout, before: Option<Before>) -> Vec<Parsed> {
    let sql = sql_pieces(layout);
    let one = |at: usize| {
        let mut found = Diagnostics::new();
        if at < sql {
            if at == 0 {
                let first = layout.tokens[layout.pieces[0].tokens.start].range();
                found.push(sql_file(Span::new(file, first.start, first.end)));
            }
            return Parsed { edition: None, declaration: None, found };
        }
        let mut parser = Parser { file, source, layout, found: &mut found };
        let is_edition = layout.source(layout.pieces[at].tokens.start) == "batch";
        let edition = if is_edition { parser.edition(at) } else { None };
        let declaration = (!is_edition).then(|| parser.declaration(at, before));
        Parsed { edition, declaration, found }
    };
    let all = 0..layout.pieces.len();
    if all.len() < PARALLEL_PIECES_MIN {
        return all.map(one).collect();
    }
    all.into_par_iter().map(one).collect()
}

/// The lines between declarations on which nothing stands, without their ends.
pub fn empty_lines(Layout { tokens, pieces, .. }: &Layout) -> Vec<Range<usize>> {
    let mut lines = vec![];
    let mut from = 0;
    for (behind, next) in pieces
        .iter()
        .map(|piece| (piece.tokens.end, piece.tokens.start))
        .chain([(tokens.len(), tokens.len())])
    {
        let mut end_before = None;
        for token in &tokens[from..next] {
            match (token.kind, end_before) {
                (TokenKind::Newline, before) => {
                    lines.extend(before.map(|start| start..token.start as usize));
                    end_before = Some(token.end as usize);
                }
                (TokenKind::Space, _) => {}
                _ => end_before = None,
            }
        }
        from = behind;
    }
    lines
}

/// How many pieces at the beginning of a file are of SQL: none, unless it begins so.
fn sql_pieces(layout: &Layout) -> usize {
    let word = |at: usize| layout.source(layout.pieces[at].tokens.start);
    let count = layout.pieces.len();
    if count == 0 || !word(0).eq_ignore_ascii_case("select") {
        return 0;
    }
    (1..count).find(|at| words::word_in(words::Place::File, word(*at)).is_some()).unwrap_or(count)
}

/// Reports characters that cannot be seen. In comments and texts only those that change the
/// order in which the rest of the line is shown, and in texts what a terminal would act on.
fn report_hidden(file: FileId, text: &str, layout: &Layout, found: &mut Diagnostics) {
    for token in &layout.tokens {
        let source = &text[token.range()];
        let is_hidden_here: fn(char) -> bool = match token.kind {
            TokenKind::Hidden => is_hidden,
            TokenKind::Comment | TokenKind::Documentation => is_bidi_control,
            kind if kind.is_text() => {
                |c| is_bidi_control(c) || c.is_control() && !matches!(c, '\n' | '\r' | '\t')
            }
            _ => continue,
        };
        for (at, character) in
            source.char_indices().filter(|(_, character)| is_hidden_here(*character))
        {
            let start = token.start as usize + at;
            let span = Span::new(file, start, start + character.len_utf8());
            let (is_bidi, in_text) = (is_bidi_control(character), token.kind.is_text());
            found.push(syntax::hidden_character(character, span, is_bidi, in_text));
        }
    }
}

/// Can something be called so?
pub fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(tokens::is_name_start)
        && characters.all(tokens::is_name_char)
        && !words::is_reserved(text)
}

#[cfg(test)]
mod tests;
