//! The one layout, as `batchc fmt` makes it.

use super::document::Document;
use crate::syntax::format;
use gen_lsp_types as lsp;

/// The edits that bring a program into the layout: one, of the lines that differ.
pub(super) fn edits(document: &Document) -> Vec<lsp::TextEdit> {
    let (old, new) = (document.shown(), format(document.shown()));
    if old == new {
        return vec![];
    }
    let same = |pairs: &mut dyn Iterator<Item = (&str, &str)>| -> usize {
        pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum()
    };
    let start = same(&mut old.split_inclusive('\n').zip(new.split_inclusive('\n')));
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let end =
        same(&mut old_rest.split_inclusive('\n').rev().zip(new_rest.split_inclusive('\n').rev()));
    let range = document.range_shown(start..old.len() - end);
    vec![lsp::TextEdit { range, new_text: new_rest[..new_rest.len() - end].to_owned() }]
}
