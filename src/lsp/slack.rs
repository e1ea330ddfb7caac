//! Blanks that the compiler sees behind declarations, besides the text that the editor shows: they
//! take up what an edit adds or removes. So all that stands elsewhere keeps its places, and what was
//! made of it can be used again.
//!
//! They stand on empty lines between declarations alone, where blanks mean nothing. Nobody but
//! [`Document`](super::document::Document) knows of them.

use crate::syntax::{LaidOut, empty_lines, lay_out};
use std::ops::Range;

/// How many blanks there are behind a declaration at first.
const BLANKS: usize = 256;

/// More than that are left by what was removed, and not worth being carried along.
const BLANKS_MAX: usize = 1 << 14;

/// The blanks of a text, in their order.
#[derive(Clone, Debug)]
pub(super) struct Slack {
    gaps: Vec<Gap>,
}

/// Blanks at the beginning of an empty line.
#[derive(Clone, Copy, Debug)]
struct Gap {
    /// The byte of the shown text before which they stand.
    at: usize,
    blanks: usize,
    /// All blanks before it.
    before: usize,
}

impl Slack {
    /// The blanks for a text, and the text with them. They are those of the text as it was before, if
    /// they take up what has changed.
    pub(super) fn lay(before: Option<(&Slack, &str)>, shown: &str) -> (Slack, LaidOut) {
        let kept = before.and_then(|(slack, old)| slack.after(old, shown));
        let mut slack = kept.unwrap_or_else(|| Slack::of(shown));
        loop {
            let laid_out = LaidOut::of(slack.text(shown));
            let lines = empty_lines(&laid_out.layout);
            let is_right = |gap: &Gap| is_within(gap, &lines);
            if slack.gaps.iter().all(is_right) {
                return (slack, laid_out);
            }
            // Behind a quote that is not closed, or where a declaration went on.
            slack = slack.keeping(is_right);
        }
    }

    /// Blanks on the first empty line between two declarations each.
    fn of(shown: &str) -> Slack {
        let mut gaps: Vec<Gap> = vec![];
        let mut behind = 0;
        for line in empty_lines(&lay_out(shown)) {
            // Lines of one gap follow each other.
            if gaps.is_empty() || shown[behind..line.start].contains(|c: char| !c.is_whitespace()) {
                gaps.push(Gap { at: line.start, blanks: BLANKS, before: 0 });
            }
            behind = line.end;
        }
        Slack { gaps }.counted()
    }

    /// The blanks of a text that was `old` before, if they are enough.
    fn after(&self, old: &str, new: &str) -> Option<Slack> {
        let start = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
        let rest = old.bytes().rev().zip(new.bytes().rev());
        let rest = rest.take(old.len().min(new.len()) - start);
        let end = old.len() - rest.take_while(|(old, new)| old == new).count();
        let grown = new.len() as isize - old.len() as isize;
        let (mut gaps, mut owed) = (vec![], grown);
        for gap in &self.gaps {
            if gap.at < start {
                gaps.push(*gap);
            } else if gap.at <= end {
                // The line was written on.
                owed -= gap.blanks as isize;
            } else {
                let blanks = usize::try_from(gap.blanks as isize - owed).ok()?;
                owed = 0;
                gaps.push(Gap { at: gap.at.checked_add_signed(grown)?, blanks, ..*gap });
            }
        }
        let is_enough = gaps.iter().all(|gap| gap.blanks <= BLANKS_MAX);
        is_enough.then(|| Slack { gaps }.counted())
    }

    /// Without some of them, whose blanks the next ones have.
    fn keeping(&self, is_right: impl Fn(&Gap) -> bool) -> Slack {
        let (mut gaps, mut left) = (vec![], 0);
        for gap in &self.gaps {
            if is_right(gap) {
                gaps.push(Gap { blanks: gap.blanks + left, ..*gap });
                left = 0;
            } else {
                left += gap.blanks;
            }
        }
        Slack { gaps }.counted()
    }

    fn counted(mut self) -> Slack {
        let mut before = 0;
        for gap in &mut self.gaps {
            gap.before = before;
            before += gap.blanks;
        }
        self
    }

    /// The text with the blanks.
    fn text(&self, shown: &str) -> String {
        let blanks = self.gaps.last().map_or(0, |last| last.before + last.blanks);
        let (mut text, mut from) = (String::with_capacity(shown.len() + blanks), 0);
        for gap in &self.gaps {
            text.push_str(&shown[from..gap.at]);
            text.push_str(&" ".repeat(gap.blanks));
            from = gap.at;
        }
        text.push_str(&shown[from..]);
        text
    }

    /// Where a byte of the shown text is in the one with the blanks.
    pub(super) fn compiled(&self, byte: usize) -> usize {
        let behind = self.gaps.partition_point(|gap| gap.at < byte);
        byte + self.gaps[..behind].last().map_or(0, |gap| gap.before + gap.blanks)
    }

    /// Where a byte of the text with the blanks is in the shown one.
    pub(super) fn shown(&self, byte: usize) -> usize {
        let behind = self.gaps.partition_point(|gap| gap.at + gap.before <= byte);
        let Some(gap) = self.gaps[..behind].last() else { return byte };
        gap.at.max(byte.saturating_sub(gap.before + gap.blanks))
    }
}

fn is_within(gap: &Gap, lines: &[Range<usize>]) -> bool {
    let start = gap.at + gap.before;
    let at = lines.partition_point(|line| line.start <= start);
    at > 0 && start + gap.blanks <= lines[at - 1].end
}
