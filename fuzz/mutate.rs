//! Mutation by tokens and lines: most programs that libFuzzer makes out of bytes do not get past
//! the parser. Half of the time its own mutation is taken all the same.

use batchc::syntax::{TokenKind, tokens};
use libfuzzer_sys::fuzzer_mutate;

/// What may stand in a program and perhaps in no seed.
const WORDS: &[&str] = &[
    "null",
    "true",
    "-",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\"{",
    "}\"",
    "\"\"\"",
    "?",
    "??",
    ".",
    "..",
    ",",
    "\n",
    "=>",
    "->",
    "not",
    "in",
    "is",
    "as",
    "case",
    "else",
    "if",
    "then",
    "int",
    "float",
    "string?",
    "decimal(38, 38)",
    "decimal(1, 0)",
    "list<int?>",
    "{a: int, b: string?}",
    "date",
    "timestamp",
    "9223372036854775807",
    "1e308",
    "99999999999999999999",
    "@2024-02-30",
    "@9999-12-31",
    "1mo",
    "5%",
    "x -> x",
    "map",
    "sum",
    "count()",
    "now()",
    "run.time",
    "nulls drop",
    "else quarantine bad",
    "expect many_to_one",
    "explode",
    "union",
    "group by",
    "distinct",
    "dedupe by",
    "r\"(?<a>x)\"",
    "\u{202e}",
    "\u{200b}",
    "\r\n",
    "\t",
    "\0",
    "é",
];

/// Mutates `data[..size]` in place; gives its new size.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed));
    let text = match std::str::from_utf8(&data[..size]) {
        Ok(text) if !text.is_empty() && random.below(2) == 0 => text,
        _ => return fuzzer_mutate(data, size, max_size),
    };
    let mut changed = text.to_owned();
    for _ in 0..=random.below(3) {
        changed = if random.below(4) == 0 {
            with_other_lines(&changed, &mut random)
        } else {
            with_other_tokens(&changed, &mut random)
        };
    }
    let mut length = changed.len().min(max_size);
    while !changed.is_char_boundary(length) {
        length -= 1;
    }
    data[..length].copy_from_slice(&changed.as_bytes()[..length]);
    length
}

/// One line removed, repeated or moved.
fn with_other_lines(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if lines.is_empty() {
        return String::new();
    }
    let line = lines[random.below(lines.len())];
    match random.below(3) {
        0 => drop(lines.remove(random.below(lines.len()))),
        1 => lines.insert(random.below(lines.len()), line),
        _ => {
            let (from, to) = (random.below(lines.len()), random.below(lines.len()));
            lines.swap(from, to);
        }
    }
    lines.concat()
}

/// One token replaced by another of the text or of [`WORDS`], removed, or one put before it.
fn with_other_tokens(text: &str, random: &mut Random) -> String {
    let all = tokens(text);
    let meant: Vec<_> = all.iter().filter(|token| token.kind != TokenKind::Space).collect();
    if meant.is_empty() {
        return WORDS[random.below(WORDS.len())].to_owned();
    }
    let at = meant[random.below(meant.len())].range();
    let other = if random.below(2) == 0 {
        WORDS[random.below(WORDS.len())]
    } else {
        &text[meant[random.below(meant.len())].range()]
    };
    let (before, this, behind) = (&text[..at.start], &text[at.clone()], &text[at.end..]);
    match random.below(4) {
        0 => format!("{before}{behind}"),
        1 => format!("{before}{other} {this}{behind}"),
        _ => format!("{before}{other}{behind}"),
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}
