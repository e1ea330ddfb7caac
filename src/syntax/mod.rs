//! From text to [`ast`]: the parser, and the second look at what did not parse.
//!
//! A file is cut into tokens ([`tokens`]), laid out into declarations and statements (`layout`),
//! and each declaration is parsed by the grammar of `grammar/batch.pest` and made into a tree
//! (`lower`). A declaration that does not parse is taken apart into its statements, each of which
//! is parsed alone (`recovery`); what still does not parse is looked at once more to say what is
//! wrong with it (`second_look`). Nothing here knows what a name stands for.

pub mod ast;
mod layout;
mod lower;
mod parser;
mod recovery;
mod second_look;
mod tokens;
mod words;

pub use layout::NESTING_MAX;
pub use tokens::{Token, TokenKind, tokens};

use crate::diagnostics::{Diagnostics, syntax};
use crate::text::{FileId, Files, Span};
use layout::{Layout, lay_out};
use parser::Parser;
use tokens::{is_bidi_control, is_hidden};

/// Parses a file. It never fails: what cannot be parsed stands as a `Bad` node in the tree, with
/// one diagnostic for each.
pub fn parse(files: &Files, id: FileId, found: &mut Diagnostics) -> ast::File {
    let text = &files.get(id).text;
    let layout = lay_out(text);
    report_hidden(id, text, &layout, found);
    let comments = layout.tokens.iter().filter_map(|token| {
        let documentation = token.kind == TokenKind::Documentation;
        let span = Span::new(id, token.start as usize, token.end as usize);
        (documentation || token.kind == TokenKind::Comment)
            .then_some(ast::Comment { span, documentation })
    });
    let comments = comments.collect();
    let mut parser = Parser { file: id, source: text, layout: &layout, found };
    let (mut edition, mut declarations) = (None, Vec::new());
    for at in 0..layout.pieces.len() {
        if layout.source(layout.pieces[at].tokens.start) == "batch" {
            edition = parser.edition(at).or(edition);
        } else {
            declarations.push(parser.declaration(at));
        }
    }
    ast::File { id, edition, declarations, comments }
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

#[cfg(test)]
mod tests;
