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
    a.nfd().map(looks).eq(b.nfd().map(looks))
}

/// The letter of the alphabet that a letter looks like, or itself.
fn looks(letter: char) -> char {
    let alike = LOOK_ALIKES.iter().find(|(_, others)| others.contains(letter));
    if letter.is_ascii() { letter } else { alike.map_or(letter, |(latin, _)| *latin) }
}

/// Letters of Cyrillic, Greek and Armenian, and a few rare Latin ones, that most fonts draw as one of the
/// alphabet.
const LOOK_ALIKES: &[(char, &str)] = &[
    ('a', "\u{251}\u{3b1}\u{430}"),
    ('c', "\u{3f2}\u{441}"),
    ('d', "\u{501}"),
    ('e', "\u{435}"),
    ('g', "\u{261}\u{581}"),
    ('h', "\u{4bb}\u{570}"),
    ('i', "\u{131}\u{3b9}\u{456}"),
    ('j', "\u{3f3}\u{458}"),
    ('k', "\u{3ba}\u{43a}"),
    ('l', "\u{4cf}"),
    ('n', "\u{578}"),
    ('o', "\u{3bf}\u{43e}\u{585}"),
    ('p', "\u{3c1}\u{440}"),
    ('q', "\u{51b}\u{566}"),
    ('s', "\u{455}"),
    ('u', "\u{3c5}\u{57d}"),
    ('v', "\u{3bd}\u{475}"),
    ('w', "\u{51d}"),
    ('x', "\u{3c7}\u{445}"),
    ('y', "\u{3b3}\u{443}"),
    ('A', "\u{391}\u{410}"),
    ('B', "\u{392}\u{412}"),
    ('C', "\u{3f9}\u{421}"),
    ('E', "\u{395}\u{415}"),
    ('G', "\u{50c}"),
    ('H', "\u{397}\u{41d}"),
    ('I', "\u{399}\u{406}\u{4c0}"),
    ('J', "\u{37f}\u{408}"),
    ('K', "\u{39a}\u{41a}"),
    ('M', "\u{39c}\u{41c}"),
    ('N', "\u{39d}"),
    ('O', "\u{39f}\u{41e}\u{555}"),
    ('P', "\u{3a1}\u{420}"),
    ('Q', "\u{51a}"),
    ('S', "\u{405}\u{54f}"),
    ('T', "\u{3a4}\u{422}"),
    ('V', "\u{474}"),
    ('W', "\u{51c}"),
    ('X', "\u{3a7}\u{425}"),
    ('Y', "\u{3a5}\u{423}\u{4ae}"),
    ('Z', "\u{396}"),
];

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
        assert_eq!(told("\u{3bf}", "\u{43e}"), codes("U+043E, not U+03BF"));
        let seen = [
            ("cafe", "caf\u{e9}"),
            ("amount", "amounts"),
            ("a", "b"),
            ("a", "a"),
            ("amount", "\u{430}mo\u{447}nt"),
            ("abc", "\u{416}\u{42e}\u{429}"),
        ];
        for (a, b) in seen {
            assert_eq!(told(a, b), None, "{a}, {b}");
        }
    }
}
