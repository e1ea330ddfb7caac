//! Patterns that are read straight through: anchored at the start, and at each place the next byte
//! alone says how to go on, as in most patterns for lines of a log. They need no automaton, so
//! they are matched several times faster than by [`regex::Regex`].
//!
//! A match that is found here is the one that the regular expression finds. When none is found
//! there is none, if the text is ASCII; of all other texts only those characters are understood
//! that a repeated class has with all others beyond ASCII, as `.` and `[^"]` have.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};
use regex_syntax::parse;

/// A slot of a group that takes no part in the match.
pub const NO_PLACE: usize = usize::MAX;

/// Longer counts are left to the regular expression.
const COUNT_MAX: u32 = 64;

/// Bytes, one bit each.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bytes([u64; 4]);

impl Bytes {
    const NONE: Bytes = Bytes([0; 4]);
    const BEYOND_ASCII: Bytes = Bytes([0, 0, u64::MAX, u64::MAX]);

    fn of(bytes: impl Iterator<Item = u8>) -> Bytes {
        let mut all = Bytes::NONE;
        bytes.for_each(|byte| all.0[usize::from(byte / 64)] |= 1 << (byte % 64));
        all
    }

    fn has(self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }

    fn or(self, other: Bytes) -> Bytes {
        Bytes(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    fn meets(self, other: Bytes) -> bool {
        self.0.iter().zip(other.0).any(|(own, other)| own & other != 0)
    }
}

/// A pattern that is read straight through.
#[derive(Debug)]
pub struct Straight {
    ops: Vec<Op>,
    /// For each byte the sets it is in, one bit each.
    sets_of: Box<[u64; 256]>,
}

#[derive(Debug)]
enum Op {
    /// So many bytes, each in its set.
    Fixed(Vec<u64>),
    Run(Run),
    /// What the next byte begins; nothing if it begins none of them and nothing may be there.
    Choice {
        branches: Vec<(u64, Vec<Op>)>,
        optional: bool,
    },
    /// The place goes into this slot.
    Save(usize),
    /// Here the text ends.
    End,
}

/// As many bytes of a set as there are.
#[derive(Debug)]
struct Run {
    set: u64,
    /// The only ASCII byte that is not in the set, when all beyond ASCII are.
    stop: Option<u8>,
    /// Is a byte beyond ASCII part of a character that may be in the class?
    stops_unsure: bool,
    min: usize,
    max: usize,
}

/// What may follow at some place of a pattern.
#[derive(Clone, Copy)]
struct Follow {
    bytes: Bytes,
    /// May anything else follow, since the pattern may end here?
    open: bool,
}

struct Compiler {
    sets: Vec<Bytes>,
}

/// A class of characters, by the bytes that they begin with.
#[derive(Clone, Copy)]
struct Characters {
    ascii: Bytes,
    beyond: Beyond,
}

#[derive(Clone, Copy, PartialEq)]
enum Beyond {
    None,
    Some,
    All,
}

impl Straight {
    /// The pattern, if it is one that is read straight through.
    pub fn compile(pattern: &str) -> Option<Straight> {
        let hir = parse(pattern).ok()?;
        let HirKind::Concat(parts) = hir.kind() else { return None };
        let (start, rest) = parts.split_first()?;
        if *start.kind() != HirKind::Look(Look::Start) {
            return None;
        }
        let mut compiler = Compiler { sets: vec![] };
        let (ops, _) = compiler.concat(rest, Follow { bytes: Bytes::NONE, open: true })?;
        let mut sets_of = Box::new([0; 256]);
        for (at, set) in compiler.sets.iter().enumerate() {
            (0..=u8::MAX).filter(|&byte| set.has(byte)).for_each(|byte| {
                sets_of[usize::from(byte)] |= 1 << at;
            });
        }
        Some(Straight { ops, sets_of })
    }

    /// Does the text match? Puts where groups begin and end into `slots`, two a group; the first
    /// is the whole match. None if it is not known.
    pub fn read(&self, text: &str, slots: &mut [usize]) -> Option<bool> {
        slots.fill(NO_PLACE);
        match self.follow(&self.ops, text.as_bytes(), 0, slots) {
            Some(end) => {
                slots[..2].copy_from_slice(&[0, end]);
                Some(true)
            }
            None => text.is_ascii().then_some(false),
        }
    }

    /// Where `ops` end that begin at `at`.
    fn follow(&self, ops: &[Op], text: &[u8], mut at: usize, slots: &mut [usize]) -> Option<usize> {
        let is_in = |byte: u8, set: u64| self.sets_of[usize::from(byte)] & set != 0;
        for op in ops {
            match op {
                Op::Fixed(sets) => {
                    let bytes = text.get(at..at + sets.len())?;
                    // All of them, since this has no branches.
                    let all = bytes.iter().zip(sets).fold(true, |all, (&b, &s)| all & is_in(b, s));
                    if !all {
                        return None;
                    }
                    at += sets.len();
                }
                Op::Run(run) => {
                    let rest = &text[at..];
                    let rest = &rest[..rest.len().min(run.max)];
                    let end = match run.stop {
                        Some(stop) => memchr::memchr(stop, rest),
                        None => rest.iter().position(|&byte| !is_in(byte, run.set)),
                    };
                    let len = end.unwrap_or(rest.len());
                    at += len;
                    let unsure = run.stops_unsure && text.get(at).is_some_and(|b| !b.is_ascii());
                    if len < run.min || unsure {
                        return None;
                    }
                }
                Op::Choice { branches, optional } => {
                    let next = text.get(at).map_or(0, |&byte| self.sets_of[usize::from(byte)]);
                    match branches.iter().find(|(set, _)| next & set != 0) {
                        Some((_, branch)) => at = self.follow(branch, text, at, slots)?,
                        None if *optional => {}
                        None => return None,
                    }
                }
                Op::Save(slot) => slots[*slot] = at,
                Op::End => {
                    if at != text.len() {
                        return None;
                    }
                }
            }
        }
        Some(at)
    }
}

impl Compiler {
    /// The bit of a set; none when there are too many.
    fn set(&mut self, bytes: Bytes) -> Option<u64> {
        let at = self.sets.iter().position(|set| *set == bytes).unwrap_or_else(|| {
            self.sets.push(bytes);
            self.sets.len() - 1
        });
        (at < 64).then(|| 1 << at)
    }

    /// What reads parts one after the other, and with what it may begin.
    fn concat(&mut self, parts: &[Hir], mut follow: Follow) -> Option<(Vec<Op>, Follow)> {
        let mut reversed = vec![];
        for part in parts.iter().rev() {
            let (ops, before) = self.part(part, follow)?;
            reversed.push(ops);
            follow = before;
        }
        let mut all: Vec<Op> = vec![];
        for op in reversed.into_iter().rev().flatten() {
            match (all.last_mut(), op) {
                (Some(Op::Fixed(sets)), Op::Fixed(more)) => sets.extend(more),
                (_, op) => all.push(op),
            }
        }
        Some((all, follow))
    }

    fn part(&mut self, hir: &Hir, follow: Follow) -> Option<(Vec<Op>, Follow)> {
        match hir.kind() {
            HirKind::Empty => Some((vec![], follow)),
            HirKind::Literal(literal) => {
                let set = |&byte: &u8| self.set(Bytes::of(std::iter::once(byte)));
                let sets = literal.0.iter().map(set).collect::<Option<Vec<u64>>>()?;
                let bytes = Bytes::of(literal.0.iter().copied().take(1));
                Some((vec![Op::Fixed(sets)], Follow { bytes, open: false }))
            }
            HirKind::Class(class) => self.fixed(Characters::of(class)?, 1),
            HirKind::Look(Look::End) => {
                Some((vec![Op::End], Follow { bytes: Bytes::NONE, open: false }))
            }
            HirKind::Look(_) => None,
            HirKind::Repetition(repetition) => self.repetition(repetition, follow),
            HirKind::Capture(capture) => {
                let (mut ops, before) = self.concat(std::slice::from_ref(&*capture.sub), follow)?;
                let slot = capture.index as usize * 2;
                ops.insert(0, Op::Save(slot));
                ops.push(Op::Save(slot + 1));
                Some((ops, before))
            }
            HirKind::Concat(parts) => self.concat(parts, follow),
            HirKind::Alternation(parts) => self.alternation(parts, follow),
        }
    }

    fn fixed(&mut self, class: Characters, count: u32) -> Option<(Vec<Op>, Follow)> {
        let sets = vec![self.set(class.ascii)?; count as usize];
        Some((vec![Op::Fixed(sets)], Follow { bytes: class.first(), open: false }))
    }

    fn repetition(&mut self, of: &Repetition, follow: Follow) -> Option<(Vec<Op>, Follow)> {
        let Some(class) = Characters::of_hir(&of.sub) else { return self.optional(of, follow) };
        if of.min > COUNT_MAX {
            return None;
        }
        if of.max == Some(of.min) && of.min > 0 {
            return self.fixed(class, of.min);
        }
        // If what follows can begin as the class does, or a lazy run could end anywhere, there is
        // more than one way to go on.
        if class.first().meets(follow.bytes) || (follow.open && !of.greedy) {
            return None;
        }
        // Bytes are counted, so beyond ASCII only what needs no count is understood.
        let takes_beyond = class.beyond == Beyond::All && of.min <= 1 && of.max.is_none();
        let bytes = if takes_beyond { class.first() } else { class.ascii };
        let mut outside = (0..=u8::MAX).filter(|&byte| !bytes.has(byte));
        let run = Run {
            set: self.set(bytes)?,
            stop: outside.next().filter(|_| outside.next().is_none()),
            stops_unsure: class.beyond != Beyond::None && !takes_beyond,
            min: of.min as usize,
            max: of.max.map_or(usize::MAX, |max| max as usize),
        };
        let before = match of.min {
            0 => Follow { bytes: class.first().or(follow.bytes), open: follow.open },
            _ => Follow { bytes: class.first(), open: false },
        };
        Some((vec![Op::Run(run)], before))
    }

    /// Something of several characters, or nothing.
    fn optional(&mut self, of: &Repetition, follow: Follow) -> Option<(Vec<Op>, Follow)> {
        // At an open end what only begins like it may follow.
        let is_optional =
            (of.min, of.max) == (0, Some(1)) && of.sub.properties().minimum_len()? > 0;
        if !is_optional || follow.open {
            return None;
        }
        let (ops, first) = self.part(&of.sub, follow)?;
        if first.bytes.meets(follow.bytes) {
            return None;
        }
        let branches = vec![(self.set(first.bytes)?, ops)];
        let before = Follow { bytes: first.bytes.or(follow.bytes), open: false };
        Some((vec![Op::Choice { branches, optional: true }], before))
    }

    fn alternation(&mut self, parts: &[Hir], follow: Follow) -> Option<(Vec<Op>, Follow)> {
        let mut bytes = Bytes::NONE;
        let mut branches = vec![];
        for part in &lifted(parts) {
            if part.properties().minimum_len()? == 0 {
                return None;
            }
            let (ops, first) = self.part(part, follow)?;
            if first.bytes.meets(bytes) {
                return None;
            }
            bytes = bytes.or(first.bytes);
            branches.push((self.set(first.bytes)?, ops));
        }
        let choice = Op::Choice { branches, optional: false };
        Some((vec![choice], Follow { bytes, open: false }))
    }
}

/// Alternatives of which literals that begin with the same byte are one, with that byte before
/// the alternatives that remain.
fn lifted(parts: &[Hir]) -> Vec<Hir> {
    let mut lifted: Vec<(Option<u8>, Vec<&Hir>)> = vec![];
    for part in parts {
        let first = first_byte(part);
        match lifted.iter_mut().find(|(of, _)| first.is_some() && *of == first) {
            Some((_, alike)) => alike.push(part),
            None => lifted.push((first, vec![part])),
        }
    }
    let rest = |part: &Hir| match part.kind() {
        HirKind::Literal(literal) => Hir::literal(&literal.0[1..]),
        _ => unreachable!("it is a literal"),
    };
    let one = |(first, alike): (Option<u8>, Vec<&Hir>)| match (first, &alike[..]) {
        (Some(first), [_, _, ..]) => {
            let rests = alike.into_iter().map(rest).collect();
            Hir::concat(vec![Hir::literal([first]), Hir::alternation(rests)])
        }
        _ => alike[0].clone(),
    };
    lifted.into_iter().map(one).collect()
}

/// The first byte of a literal that begins with ASCII.
fn first_byte(part: &Hir) -> Option<u8> {
    match part.kind() {
        HirKind::Literal(literal) => literal.0.first().copied().filter(u8::is_ascii),
        _ => None,
    }
}

impl Characters {
    fn of_hir(hir: &Hir) -> Option<Characters> {
        match hir.kind() {
            HirKind::Class(class) => Characters::of(class),
            HirKind::Literal(literal) if literal.0.len() == 1 => {
                let ascii = Bytes::of(literal.0.iter().copied());
                Some(Characters { ascii, beyond: Beyond::None })
            }
            _ => None,
        }
    }

    fn of(class: &Class) -> Option<Characters> {
        let ranges: Vec<(u32, u32)> = match class {
            Class::Unicode(class) => {
                class.iter().map(|range| (range.start().into(), range.end().into())).collect()
            }
            Class::Bytes(class) => {
                class.iter().map(|range| (range.start().into(), range.end().into())).collect()
            }
        };
        let last_ascii = 0x7f;
        let in_ascii = ranges.iter().filter(|(start, _)| *start <= last_ascii);
        let ascii = in_ascii.flat_map(|&(start, end)| start as u8..=end.min(last_ascii) as u8);
        let beyond = match ranges.last()? {
            (_, end) if *end <= last_ascii => Beyond::None,
            (start, end) if *start <= 0x80 && *end == u32::from(char::MAX) => Beyond::All,
            _ => Beyond::Some,
        };
        Some(Characters { ascii: Bytes::of(ascii), beyond })
    }

    /// The bytes that its characters may begin with, or more.
    fn first(self) -> Bytes {
        match self.beyond {
            Beyond::None => self.ascii,
            Beyond::Some | Beyond::All => self.ascii.or(Bytes::BEYOND_ASCII),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    /// Is the pattern read straight through, with the matches that the regular expression has?
    fn check(pattern: &str, texts: &[&str]) -> bool {
        let regex = Regex::new(pattern).unwrap();
        let Some(straight) = Straight::compile(pattern) else { return false };
        let mut slots = vec![0; regex.captures_len() * 2];
        for text in texts {
            let Some(found) = straight.read(text, &mut slots) else {
                assert!(!text.is_ascii(), "{pattern} is not known of {text:?}");
                continue;
            };
            let groups = regex.captures(text);
            assert_eq!(found, groups.is_some(), "{pattern} in {text:?}");
            let Some(groups) = groups else { continue };
            let wanted = groups.iter().flat_map(|group| match group {
                Some(group) => [group.start(), group.end()],
                None => [NO_PLACE; 2],
            });
            assert_eq!(slots, wanted.collect::<Vec<_>>(), "{pattern} in {text:?}");
        }
        true
    }

    #[test]
    fn a_line_of_a_log_is_read_straight_through() {
        let pattern = r#"^(?<ip>\S+) - (?<user>[^ ]+) \[(?<at>[^\]]*)\] "(GET|POST|PUT) ([^"]*)" (\d{3}) (\d+|-)$"#;
        let line = r#"10.0.0.1 - ann [01/Jan/2024:00:00:00] "GET /a?b=c" 200 17"#;
        let mut texts = vec![String::new(), line.replace("ann", "änn"), line.replace("10.", "é.")];
        // Every line with a byte less, and with one more.
        for at in 0..line.len() {
            let (before, after) = line.split_at(at);
            texts.extend([format!("{before}{}", &after[1..]), format!("{before}\n{after}")]);
            texts.extend([format!("{before}-{after}"), format!("{before}ü{after}")]);
            texts.push(before.to_owned());
        }
        texts.push(line.to_owned());
        assert!(check(pattern, &texts.iter().map(String::as_str).collect::<Vec<_>>()));
    }

    #[test]
    fn what_is_read_straight_through_is_what_the_regular_expression_finds() {
        let straight = [
            "^a",
            "^a?",
            "^a*",
            "^[ab]{0,2}",
            "^a{2}b",
            "^a{1,2}b",
            "^a*b*c?$",
            "^(a)?b",
            "^(ab)?c$",
            "^(ab|b)c?",
            "^(a|b+)(c)",
            "^.",
            "^.+$",
            "^[^b]*b",
            "^é?a",
            "^(?i)ab",
            "^(?:a(b)|c)a$",
            r"^\w*",
            "^[^a]{2}",
            "^a*?b",
            "^$",
            "^b$a?",
            r"^(a*)(?<x>[bc]*)\d?",
            "^[é-ü]*a",
            "^a(?:b?c)?a$",
            "^(?s).*$",
            "^aé",
        ];
        let letters = ["a", "b", "c", "é", "\n", "1"];
        let mut texts = vec![String::new()];
        for at in 0..texts_up_to(5) {
            let text = texts[at].clone();
            texts.extend(letters.iter().map(|letter| format!("{text}{letter}")));
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for pattern in straight {
            assert!(check(pattern, &texts), "{pattern}");
        }
    }

    /// How many texts of six letters are shorter.
    fn texts_up_to(length: u32) -> usize {
        (0..length).map(|length| 6usize.pow(length)).sum()
    }

    #[test]
    fn others_are_left_to_the_regular_expression() {
        for pattern in [
            "a", "^a*a", "^(a|ab)c", "^a*?", "^(ab)?", "(?m)^a", r"^a\b", "^.*b", "^(ab)*", "(^a)",
            "^.*b?$",
        ] {
            assert!(Straight::compile(pattern).is_none(), "{pattern}");
        }
    }
}
