//! What can be folded: declarations, blocks and long expressions of several lines, comments.

use super::document::Document;
use crate::syntax::{TokenKind, tokens};
use gen_lsp_types as lsp;

/// All of them, by their brackets and comments.
pub(super) fn ranges(document: &Document) -> Vec<lsp::FoldingRange> {
    let text = document.text();
    let (mut all, mut open, mut line) = (vec![], vec![], 0);
    let mut comment: Option<(u32, u32)> = None;
    for token in tokens(text) {
        let source = &text[token.range()];
        match token.kind {
            TokenKind::Open => open.push((source, line)),
            TokenKind::Close => {
                let opening = match source {
                    ")" => "(",
                    "]" => "[",
                    _ => "{",
                };
                // What nothing closes takes no other bracket with it.
                if let Some(at) = open.iter().rposition(|(bracket, _)| *bracket == opening) {
                    let (_, start) = open[at];
                    open.truncate(at);
                    // The line of the closing bracket stays.
                    all.extend(folded(start, line.saturating_sub(1), None));
                }
            }
            TokenKind::Comment | TokenKind::Documentation => {
                comment = Some(match comment {
                    Some((start, end)) if end + 1 == line => (start, line),
                    before => {
                        all.extend(before.and_then(|(start, end)| folded(start, end, COMMENT)));
                        (line, line)
                    }
                });
            }
            _ => {}
        }
        line += source.matches('\n').count() as u32;
    }
    all.extend(comment.and_then(|(start, end)| folded(start, end, COMMENT)));
    all.sort_by_key(|range| (range.start_line, range.end_line));
    all.dedup_by_key(|range| range.start_line);
    all
}

const COMMENT: Option<lsp::FoldingRangeKind> = Some(lsp::FoldingRangeKind::Comment);

fn folded(start: u32, end: u32, kind: Option<lsp::FoldingRangeKind>) -> Option<lsp::FoldingRange> {
    let range = lsp::FoldingRange { start_line: start, end_line: end, kind, ..Default::default() };
    (start < end).then_some(range)
}
