//! Functions with regular expressions, compiled once a call. `matches` is an operator.

use super::columns::{
    Prepared, fallible_texts, kernel, list_offsets, literal_int, literal_text, sparse, texts,
    write_pieces,
};
use super::kernel::{Call, LiteralError, PrepareScalar};
use super::straight::{NO_PLACE, Straight};
use crate::data::TextBuilder;
use crate::types::{DataType, Scalar};
use arrow_array::types::Int64Type;
use regex::{CaptureLocations, Regex};
use regex_syntax::hir::{Hir, HirKind};
use std::ops::Range;
use std::sync::Arc;

/// The kernel of each function.
pub(super) const KERNELS: &[(&str, PrepareScalar)] = &[
    ("regex_extract", regex_extract),
    ("regex_extract_all", regex_extract_all),
    ("regex_replace", regex_replace),
    ("regex_count", regex_count),
    ("regex_split", regex_split),
];

/// Compiles a pattern; an error says in one line what is wrong with it.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| {
        let text = match &error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            // Several lines with a picture of the pattern; the last line says what is wrong.
            other => {
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default();
                last.trim().trim_start_matches("error: ").to_owned()
            }
        };
        format!("this is not a regular expression: {text}")
    })
}

/// The names of the groups that take part in every match.
pub fn groups_of_all(pattern: &Regex) -> Vec<String> {
    fn add(hir: &Hir, names: &mut Vec<String>) {
        match hir.kind() {
            HirKind::Capture(capture) => {
                names.extend(capture.name.as_deref().map(str::to_owned));
                add(&capture.sub, names);
            }
            HirKind::Concat(parts) => parts.iter().for_each(|part| add(part, names)),
            HirKind::Repetition(repetition) if repetition.min > 0 => add(&repetition.sub, names),
            _ => {}
        }
    }
    let mut names = vec![];
    if let Ok(hir) = regex_syntax::parse(pattern.as_str()) {
        add(&hir, &mut names);
    }
    names
}

/// A pattern whose groups are read, row by row.
pub struct Groups {
    regex: Regex,
    straight: Option<Straight>,
}

/// Where the groups of a match are, or the parts of a template.
pub struct Places {
    /// Begin and end of each.
    slots: Vec<usize>,
    /// Where a regular expression puts them.
    found: Option<CaptureLocations>,
}

impl Groups {
    /// The groups of a pattern.
    pub fn new(regex: Regex) -> Groups {
        let straight = Straight::compile(regex.as_str());
        Groups { regex, straight }
    }

    /// Room for the places of a match.
    pub fn places(&self) -> Places {
        Places::of(self.regex.captures_len() - 1)
    }

    /// Does the text match? Then `places` are those of the first match.
    pub fn read(&self, text: &str, places: &mut Places) -> bool {
        let known =
            self.straight.as_ref().and_then(|straight| straight.read(text, &mut places.slots));
        known.unwrap_or_else(|| {
            let found = places.found.get_or_insert_with(|| self.regex.capture_locations());
            let is_match = self.regex.captures_read(found, text).is_some();
            for (group, slots) in places.slots.as_chunks_mut().0.iter_mut().enumerate() {
                *slots = found.get(group).map_or([NO_PLACE; 2], |(start, end)| [start, end]);
            }
            is_match
        })
    }
}

impl Places {
    /// Room for so many groups or parts.
    pub fn of(parts: usize) -> Places {
        Places { slots: vec![NO_PLACE; (parts + 1) * 2], found: None }
    }

    /// Puts the place of a part, from 1.
    pub fn put(&mut self, part: usize, place: Range<usize>) {
        self.slots[part * 2..part * 2 + 2].copy_from_slice(&[place.start, place.end]);
    }

    /// Where a group begins and ends, if it takes part in the match; group 0 is all of it.
    pub fn get(&self, group: usize) -> Option<(usize, usize)> {
        let (start, end) = (self.slots[group * 2], self.slots[group * 2 + 1]);
        (end != NO_PLACE).then_some((start, end))
    }
}

fn pattern(call: &Call) -> Result<Regex, LiteralError> {
    compile(literal_text(call, 1)?).map_err(|reason| LiteralError { argument: 1, reason })
}

/// The number of the group that parameter 2 names or counts.
fn group(call: &Call, pattern: &Regex) -> Result<usize, LiteralError> {
    let error = |reason| LiteralError { argument: 2, reason };
    if call.arguments.len() < 3 {
        // The first group when there is one: who writes one wants it.
        return Ok(usize::from(pattern.captures_len() > 1));
    }
    if let Some(Some(Scalar::String(name))) = call.literals.get(2) {
        let found = pattern.capture_names().position(|found| found == Some(&**name));
        return found.ok_or_else(|| error(format!("the pattern has no group `{name}`")));
    }
    let number = literal_int(call, 2)?;
    let groups = pattern.captures_len() - 1;
    usize::try_from(number)
        .ok()
        .filter(|number| *number <= groups)
        .ok_or_else(|| error(format!("the pattern has no group {number}; it has {groups}")))
}

fn regex_extract(call: &Call) -> Prepared {
    let pattern = pattern(call)?;
    let group = group(call, &pattern)?;
    let groups = Groups::new(pattern);
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        let mut places = groups.places();
        write_pieces(context, &arguments[..1], all, |row, column| {
            let text = all.at(row);
            let found = if group == 0 {
                groups.regex.find(text).map(|found| (found.start(), found.end()))
            } else if groups.read(text, &mut places) {
                places.get(group)
            } else {
                None
            };
            match found {
                Some((start, end)) => column.push(&text[start..end]),
                None => column.push_null(),
            }
        })
    })
}

fn regex_extract_all(call: &Call) -> Prepared {
    let pattern = pattern(call)?;
    let group = group(call, &pattern)?;
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        let mut items = TextBuilder::of_pieces(all.array, 0);
        let offsets = list_offsets(context, &arguments[..1], |row| {
            let (text, before) = (all.at(row), items.len());
            let mut push = |part: Option<&str>| {
                if let Some(part) = part {
                    items.push_piece(all.array, all.index(row), part);
                }
            };
            if group == 0 {
                pattern.find_iter(text).for_each(|found| push(Some(found.as_str())));
            } else {
                let parts = pattern.captures_iter(text).map(|found| found.get(group));
                parts.for_each(|part| push(part.map(|part| part.as_str())));
            }
            items.len() - before
        });
        offsets.finish(&DataType::String, Arc::new(items.finish()))
    })
}

/// What is wrong with a text in place of a match: the first group that it names and the pattern has
/// not. Braces are written as given: a text of the program doubles them, data does not.
fn missing_group(new: &str, pattern: &Regex, braces: [&str; 2]) -> Result<(), String> {
    let mut rest = new;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix('$') {
            rest = behind;
            continue;
        }
        let is_of_a_name = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        let name = match rest.strip_prefix('{') {
            Some(inner) => inner.split_once('}').map_or("", |(name, _)| name),
            None => &rest[..rest.find(|sign| !is_of_a_name(sign)).unwrap_or(rest.len())],
        };
        let is_there = match name.parse::<usize>() {
            Ok(number) => number < pattern.captures_len(),
            Err(_) => pattern.capture_names().any(|found| found == Some(name)),
        };
        if !name.is_empty() && !is_there {
            let digits = name.bytes().take_while(u8::is_ascii_digit).count();
            let mut reason = format!("the pattern has no group `{name}`");
            if (1..name.len()).contains(&digits) {
                let ((number, behind), [open, close]) = (name.split_at(digits), braces);
                reason += &format!(
                    "; group {number} and then `{behind}` is `${open}{number}{close}{behind}`"
                );
            }
            return Err(reason);
        }
    }
    Ok(())
}

fn regex_replace(call: &Call) -> Prepared {
    let pattern = pattern(call)?;
    let is_known = matches!(call.literals.get(2), Some(Some(Scalar::String(_))));
    if is_known {
        missing_group(literal_text(call, 2)?, &pattern, ["{{", "}}"])
            .map_err(|reason| LiteralError { argument: 2, reason })?;
    }
    kernel(move |context, arguments| {
        let (all, news) = (texts(&arguments[0]), texts(&arguments[2]));
        fallible_texts(context, arguments, |row, column| {
            let (text, new) = (all.at(row), news.at(row));
            if !pattern.is_match(text) {
                column.push(text);
                return Ok(());
            }
            let plain = !new.contains('$');
            if !plain && !is_known {
                missing_group(new, &pattern, ["{", "}"])?;
            }
            column.write(|out| replace(&pattern, text, new, plain, out));
            Ok(())
        })
    })
}

/// Writes the text with `new`, which may name groups unless it is `plain`, in place of each match.
fn replace(pattern: &Regex, text: &str, new: &str, plain: bool, out: &mut String) {
    let mut done = 0;
    if plain {
        for found in pattern.find_iter(text) {
            out.push_str(&text[done..found.start()]);
            out.push_str(new);
            done = found.end();
        }
    } else {
        for found in pattern.captures_iter(text) {
            let whole = found.get_match();
            out.push_str(&text[done..whole.start()]);
            found.expand(new, out);
            done = whole.end();
        }
    }
    out.push_str(&text[done..]);
}

fn regex_count(call: &Call) -> Prepared {
    let pattern = pattern(call)?;
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        sparse::<Int64Type>(context, &arguments[..1], |row| {
            pattern.find_iter(all.at(row)).count() as i64
        })
    })
}

fn regex_split(call: &Call) -> Prepared {
    let pattern = pattern(call)?;
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        let mut items = TextBuilder::of_pieces(all.array, 0);
        let offsets = list_offsets(context, &arguments[..1], |row| {
            let before = items.len();
            for part in pattern.split(all.at(row)) {
                items.push_piece(all.array, all.index(row), part);
            }
            items.len() - before
        });
        offsets.finish(&DataType::String, Arc::new(items.finish()))
    })
}
