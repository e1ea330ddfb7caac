//! Lengths and parts of texts. What is returned is a piece of the text itself.

use crate::data::binary;
use crate::functions::columns::{
    Prepared, Texts, data, kernel, lists, sparse, texts, values, write_pieces,
};
use crate::functions::kernel::{Call, KernelContext, Operand};
use crate::types::DataType;
use arrow_array::ArrayRef;
use arrow_array::types::Int64Type;

/// `trim(text)`, `trim(text, chars)`
pub(super) fn trim(call: &Call) -> Prepared {
    trims(call, str::trim, |text, of| text.trim_matches(of))
}

/// `trim_start(text)`, `trim_start(text, chars)`
pub(super) fn trim_start(call: &Call) -> Prepared {
    trims(call, str::trim_start, |text, of| text.trim_start_matches(of))
}

/// `trim_end(text)`, `trim_end(text, chars)`
pub(super) fn trim_end(call: &Call) -> Prepared {
    trims(call, str::trim_end, |text, of| text.trim_end_matches(of))
}

fn trims(
    call: &Call,
    spaces: fn(&str) -> &str,
    chars: for<'a> fn(&'a str, &dyn Fn(char) -> bool) -> &'a str,
) -> Prepared {
    if call.arguments.len() == 1 {
        return kernel(move |context, arguments| {
            let all = texts(&arguments[0]);
            write_pieces(context, arguments, all, |row, column| {
                let text = all.at(row);
                match text.as_bytes() {
                    [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => {
                        column.push_whole();
                    }
                    _ => column.push(spaces(text)),
                }
            })
        });
    }
    kernel(move |context, arguments| {
        let (all, sets) = (texts(&arguments[0]), texts(&arguments[1]));
        write_pieces(context, arguments, all, |row, column| {
            let set = sets.at(row);
            column.push(chars(all.at(row), &|c| set.contains(c)));
        })
    })
}

/// `length(text)`, `length(list)`
pub(super) fn length(call: &Call) -> Prepared {
    if let DataType::List(_) = data(call, 0) {
        return kernel(|context, arguments| {
            let all = lists(&arguments[0]);
            sparse::<Int64Type>(context, arguments, |row| all.range(row).len() as i64)
        });
    }
    if let DataType::Map(_) = data(call, 0) {
        return crate::functions::maps::length(call);
    }
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        sparse::<Int64Type>(context, arguments, |row| characters(all.at(row)) as i64)
    })
}

/// How many characters a text has: its bytes without those that continue a character.
pub(super) fn characters(text: &str) -> usize {
    text.bytes().filter(|byte| byte & 0xc0 != 0x80).count()
}

/// `byte_length(text)`
pub(super) fn byte_length(call: &Call) -> Prepared {
    if let DataType::Bytes = data(call, 0) {
        return kernel(|context, arguments| {
            let all = texts(&arguments[0]);
            sparse::<Int64Type>(context, arguments, |row| binary::held_length(all.at(row)) as i64)
        });
    }
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        sparse::<Int64Type>(context, arguments, |row| all.at(row).len() as i64)
    })
}

/// Where character `at` (from 0) begins; the end of the text when it has no more.
fn offset(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    if text.as_bytes()[..at].is_ascii() {
        return at;
    }
    text.char_indices().nth(at).map_or(text.len(), |(offset, _)| offset)
}

/// The characters from `start` to before `end`, from 0.
fn characters_between(text: &str, start: i64, end: i64) -> &str {
    let from = offset(text, usize::try_from(start).unwrap_or(0));
    let rest = &text[from..];
    let count = usize::try_from(end.saturating_sub(start.max(0))).unwrap_or(0);
    &rest[..offset(rest, count)]
}

/// `substring(text, start)`, `substring(text, start, length)`
pub(super) fn substring(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        let starts = values::<Int64Type>(&arguments[1]);
        let lengths = arguments.get(2).map(values::<Int64Type>);
        write_pieces(context, arguments, all, |row, column| {
            let start = starts.at(row).saturating_sub(1);
            let end = lengths.map_or(i64::MAX, |all| start.saturating_add(all.at(row)));
            column.push(characters_between(all.at(row), start, end));
        })
    })
}

/// `left(text, count)`
pub(super) fn left(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, counts) = (texts(&arguments[0]), values::<Int64Type>(&arguments[1]));
        write_pieces(context, arguments, all, |row, column| {
            column.push(characters_between(all.at(row), 0, counts.at(row)));
        })
    })
}

/// `right(text, count)`
pub(super) fn right(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, counts) = (texts(&arguments[0]), values::<Int64Type>(&arguments[1]));
        write_pieces(context, arguments, all, |row, column| {
            let text = all.at(row);
            let start = (characters(text) as i64).saturating_sub(counts.at(row).max(0));
            column.push(characters_between(text, start, i64::MAX));
        })
    })
}

/// `split_part(text, separator, index)`
pub(super) fn split_part(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, separators) = (texts(&arguments[0]), texts(&arguments[1]));
        parts(context, arguments, all, separators)
    })
}

fn parts(
    context: &mut KernelContext,
    arguments: &[Operand],
    all: Texts,
    separators: Texts,
) -> ArrayRef {
    let indices = values::<Int64Type>(&arguments[2]);
    write_pieces(context, arguments, all, |row, column| {
        let (text, separator, index) = (all.at(row), separators.at(row), indices.at(row));
        let nth = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
        let part = match index {
            _ if separator.is_empty() => (nth == 1).then_some(text),
            0 => None,
            1.. => nth_part(text, separator, nth),
            _ => text.rsplit(separator).nth(nth - 1),
        };
        match part {
            Some(part) => column.push(part),
            None => column.push_null(),
        }
    })
}

/// The part with this number, counted from 1.
fn nth_part<'a>(text: &'a str, separator: &str, nth: usize) -> Option<&'a str> {
    let [byte] = separator.as_bytes() else { return text.split(separator).nth(nth - 1) };
    // A separator of one byte is ASCII, so it stands between characters.
    let mut start = 0;
    for _ in 1..nth {
        start += memchr::memchr(*byte, &text.as_bytes()[start..])? + 1;
    }
    let rest = &text[start..];
    Some(&rest[..memchr::memchr(*byte, rest.as_bytes()).unwrap_or(rest.len())])
}
