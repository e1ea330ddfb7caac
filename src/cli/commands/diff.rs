//! What differs between two texts, as a unified diff.

use std::fmt::Write;
use std::ops::Range;

/// Lines that stay, around those that change.
const CONTEXT: usize = 3;

/// Lines of the one text that are replaced by lines of the other.
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

/// What `patch` makes `new` out of `old` with.
pub(super) fn unified(name: &str, old: &str, new: &str, colour: bool) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let mut out = String::new();
    let mut line = |ansi: &str, text: &str| {
        let end = if text.ends_with('\n') { "" } else { "\n\\ No newline at end of file" };
        let text = text.trim_end_matches('\n');
        let (on, off) = if colour && !ansi.is_empty() { (ansi, "\x1b[0m") } else { ("", "") };
        let _ = writeln!(out, "{on}{text}{off}{end}");
    };
    line("\x1b[1m", &format!("--- {name}\n"));
    line("\x1b[1m", &format!("+++ {name}\n"));
    let changes = changes(&a, &b);
    let near = |one: &Change, next: &Change| next.old.start - one.old.end <= 2 * CONTEXT;
    for hunk in changes.chunk_by(near) {
        let (first, last) = (&hunk[0], &hunk[hunk.len() - 1]);
        let before = first.old.start.min(CONTEXT);
        let after = (a.len() - last.old.end).min(CONTEXT);
        let of_old = first.old.start - before..last.old.end + after;
        let of_new = first.new.start - before..last.new.end + after;
        let place = |range: &Range<usize>| {
            let first = if range.is_empty() { range.start } else { range.start + 1 };
            format!("{first},{}", range.len())
        };
        line("\x1b[36m", &format!("@@ -{} +{} @@\n", place(&of_old), place(&of_new)));
        let mut at = of_old.start;
        for change in hunk {
            a[at..change.old.start].iter().for_each(|text| line("", &format!(" {text}")));
            a[change.old.clone()].iter().for_each(|text| line("\x1b[31m", &format!("-{text}")));
            b[change.new.clone()].iter().for_each(|text| line("\x1b[32m", &format!("+{text}")));
            at = change.old.end;
        }
        a[at..of_old.end].iter().for_each(|text| line("", &format!(" {text}")));
    }
    out
}

/// The changes from one text to the other, by the longest lines in common. A layout moves no
/// lines, so that what is compared is near: the search is bounded, and behind it all is changed.
fn changes(a: &[&str], b: &[&str]) -> Vec<Change> {
    let (mut changes, mut i, mut j) = (Vec::<Change>::new(), 0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let (old, new) = next_common(&a[i..], &b[j..]);
        changes.push(Change { old: i..i + old, new: j..j + new });
        (i, j) = (i + old, j + new);
    }
    changes
}

/// How many lines are skipped in both up to the next that they have in common; the fewest.
fn next_common(a: &[&str], b: &[&str]) -> (usize, usize) {
    const FAR: usize = 400;
    for sum in 0..FAR.min(a.len() + b.len()) {
        for old in 0..=sum.min(a.len()) {
            let new = sum - old;
            let is_blank = |line: &str| line.trim().is_empty();
            if let (Some(one), Some(other)) = (a.get(old), b.get(new))
                && one == other
                && !is_blank(one)
            {
                return (old, new);
            }
        }
    }
    (a.len(), b.len())
}
