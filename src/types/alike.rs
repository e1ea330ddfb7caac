//! Names that look like each other and are not the same: composed and decomposed letters, letters of
//! different scripts. Which name is meant is not decided here.

use unicode_normalization::UnicodeNormalization;

/// The name with each letter as one character, where there is one: `é` and not `e` with an accent behind
/// it.
pub fn composed(name: &str) -> String {
    if name.is_ascii() { name.to_owned() } else { name.nfc().collect() }
}

/// In words by which characters a name differs from one that looks like it; none where the difference
/// can be seen.
pub fn other_characters(written: &str, there: &str) -> Option<String> {
    if written == there || !looks_like(written, there) {
        return None;
    }
    let (written, there): (Vec<char>, Vec<char>) =
        (written.chars().collect(), there.chars().collect());
    let same =
        |pairs: &mut dyn Iterator<Item = (&char, &char)>| pairs.take_while(|(a, b)| a == b).count();
    let before = same(&mut written.iter().zip(&there));
    let (written, there) = (&written[before..], &there[before..]);
    let behind = same(&mut written.iter().rev().zip(there.iter().rev()));
    let codes = |part: &[char]| {
        let codes = part[..part.len() - behind].iter().take(SHOWN);
        codes.map(|char| format!("U+{:04X}", u32::from(*char))).collect::<Vec<_>>().join(" ")
    };
    Some(format!("which has other characters: {}, not {}", codes(there), codes(written)))
}

/// So many characters are told.
const SHOWN: usize = 8;

fn looks_like(a: &str, b: &str) -> bool {
    let (a, b) = (composed(a), composed(b));
    let could_be =
        |(a, b): (char, char)| a == b || is_of_other_script(a, b) || is_of_other_script(b, a);
    a.chars().count() == b.chars().count() && a.chars().zip(b.chars()).all(could_be)
}

/// A letter of the alphabet, and one of another: not the same letter with an accent.
fn is_of_other_script(a: char, b: char) -> bool {
    let is_latin = |char: char| char.to_string().nfkd().next().is_some_and(|base| base.is_ascii());
    a.is_ascii_alphabetic() && b.is_alphabetic() && !is_latin(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_differ_are_told_where_names_look_alike() {
        let told = |a, b| other_characters(a, b);
        let codes = |words: &str| Some(format!("which has other characters: {words}"));
        assert_eq!(told("caf\u{e9}", "cafe\u{301}"), codes("U+0065 U+0301, not U+00E9"));
        assert_eq!(told("cafe\u{301}", "caf\u{e9}"), codes("U+00E9, not U+0065 U+0301"));
        assert_eq!(told("amount", "\u{430}mount"), codes("U+0430, not U+0061"));
        assert_eq!(told("\u{43e}rder", "order"), codes("U+006F, not U+043E"));
        for (a, b) in [("cafe", "caf\u{e9}"), ("amount", "amounts"), ("a", "b"), ("a", "a")] {
            assert_eq!(told(a, b), None, "{a}, {b}");
        }
    }
}
