//! The edits that helps offer, made: which of them go together, and the text that comes of it.

use super::{Diagnostic, Fix};
use crate::text::FileId;

/// The findings of a file whose edits are safe and can be made at once, in the order of the text: of
/// those that would change the same place, the first.
pub fn together<'f>(
    found: impl Iterator<Item = &'f Diagnostic>,
    file: FileId,
) -> Vec<(&'f Diagnostic, &'f Fix)> {
    let with_fix = found.filter_map(|found| Some((found, found.fix.as_ref()?)));
    let mut all: Vec<_> = with_fix.filter(|(_, fix)| fix.safe && fix.span.file == file).collect();
    all.sort_by_key(|(_, fix)| (fix.span.start, fix.span.end));
    let mut end = 0;
    all.retain(|(_, fix)| {
        let is_free = end <= fix.span.start;
        if is_free {
            end = fix.span.end.max(fix.span.start + 1);
        }
        is_free
    });
    all
}

/// The text with edits made, which are in its order and change no place twice.
pub fn made<'f>(text: &str, fixes: impl IntoIterator<Item = &'f Fix>) -> String {
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for fix in fixes {
        let place = fix.span.range();
        out.push_str(&text[at..place.start]);
        out.push_str(&fix.text);
        at = place.end;
    }
    out + &text[at..]
}

#[cfg(test)]
mod tests {
    use super::super::Code;
    use super::*;
    use crate::text::Span;

    #[test]
    fn edits_go_together_that_do_not_overlap() {
        let file = FileId(0);
        let at = |start, end, text: &str| {
            let span = Span::new(file, start, end);
            Diagnostic::new(Code::E0001, "", span, "").fix(span, text)
        };
        let guess = at(0, 1, "?").guess(Span::new(file, 0, 1), "?");
        let other = Span::new(FileId(1), 0, 1);
        let other = Diagnostic::new(Code::E0001, "", other, "").fix(other, "other");
        let found = [
            at(4, 6, "xy"),
            at(5, 7, "no"),
            at(2, 2, "+"),
            at(2, 2, "no"),
            at(7, 8, ""),
            guess,
            other,
        ];
        let together: Vec<&Fix> =
            together(found.iter(), file).into_iter().map(|(_, fix)| fix).collect();
        assert_eq!(made("abcdefgh", together), "ab+cdxyg");
    }
}
