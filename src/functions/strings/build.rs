//! Making texts from texts, and lists from texts and back.

use super::slice::characters;
use crate::data::{Parts, TextBuilder, check_text_size};
use crate::functions::columns::{
    Prepared, data, fallible_texts, kernel, list_offsets, lists, texts, values, write_texts,
};
use crate::functions::kernel::{Call, KernelContext, Operand};
use crate::functions::lists as list_functions;
use crate::types::DataType;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef};
use memchr::memmem;
use std::sync::Arc;
use unicode_segmentation::UnicodeSegmentation;

/// `replace(text, old, new)`
pub(super) fn replace(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        let (olds, news) = (texts(&arguments[1]), texts(&arguments[2]));
        let constant = arguments[1].constant.then(|| memmem::Finder::new(olds.at(0)));
        write_texts(context, arguments, |row, column| {
            let (text, old, new) = (all.at(row), olds.at(row), news.at(row));
            let find = |from: usize| {
                let rest = &text.as_bytes()[from..];
                let found = match &constant {
                    Some(finder) => finder.find(rest),
                    None => memmem::find(rest, old.as_bytes()),
                };
                found.map(|at| from + at)
            };
            let first = if old.is_empty() { None } else { find(0) };
            let Some(first) = first else { return column.push(text) };
            column.write(|out| {
                let (mut done, mut next) = (0, Some(first));
                while let Some(at) = next {
                    out.push_str(&text[done..at]);
                    out.push_str(new);
                    done = at + old.len();
                    next = find(done);
                }
                out.push_str(&text[done..]);
            });
        })
    })
}

/// `pad_start(text, length, fill)`
pub(super) fn pad_start(_: &Call) -> Prepared {
    kernel(|context, arguments| pad(context, arguments, true))
}

/// `pad_end(text, length, fill)`
pub(super) fn pad_end(_: &Call) -> Prepared {
    kernel(|context, arguments| pad(context, arguments, false))
}

fn pad(context: &mut KernelContext, arguments: &[Operand], start: bool) -> ArrayRef {
    let (all, lengths) = (texts(&arguments[0]), values::<Int64Type>(&arguments[1]));
    let fills = texts(&arguments[2]);
    fallible_texts(context, arguments, |row, column| {
        let (text, fill) = (all.at(row), fills.at(row));
        let wanted = usize::try_from(lengths.at(row)).unwrap_or(0);
        let missing = wanted.saturating_sub(characters(text));
        check_text_size(missing.saturating_mul(4))?;
        if fill.is_empty() || missing == 0 {
            column.push(text);
            return Ok(());
        }
        column.write(|out| {
            if !start {
                out.push_str(text);
            }
            out.extend(fill.chars().cycle().take(missing));
            if start {
                out.push_str(text);
            }
        });
        Ok(())
    })
}

/// `repeat(text, count)`
pub(super) fn repeat(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, counts) = (texts(&arguments[0]), values::<Int64Type>(&arguments[1]));
        fallible_texts(context, arguments, |row, column| {
            let text = all.at(row);
            let count = usize::try_from(counts.at(row)).unwrap_or(0);
            check_text_size(text.len().saturating_mul(count))?;
            let count = if text.is_empty() { 0 } else { count };
            column.write(|out| (0..count).for_each(|_| out.push_str(text)));
            Ok(())
        })
    })
}

/// `reverse(text)`, `reverse(list)`
pub(super) fn reverse(call: &Call) -> Prepared {
    if let DataType::List(_) = data(call, 0) {
        return list_functions::reverse(call);
    }
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| {
            let text = all.at(row);
            // In ASCII only a carriage return can be one character with what follows it.
            if text.is_ascii() && !text.contains('\r') {
                column.write(|out| out.extend(text.bytes().rev().map(char::from)));
            } else {
                column.write(|out| out.extend(text.graphemes(true).rev()));
            }
        })
    })
}

/// `concat(first, rest...)` of texts or lists
pub(super) fn concat(call: &Call) -> Prepared {
    if let DataType::List(_) = data(call, 0) {
        return list_functions::concat(call);
    }
    kernel(|context, arguments| {
        let all: Vec<_> = arguments.iter().map(texts).collect();
        fallible_texts(context, arguments, |row, column| {
            check_text_size(all.iter().map(|texts| texts.at(row).len()).sum())?;
            column.write(|out| all.iter().for_each(|texts| out.push_str(texts.at(row))));
            Ok(())
        })
    })
}

/// `split(text, separator)`
pub(super) fn split(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, separators) = (texts(&arguments[0]), texts(&arguments[1]));
        let mut items = TextBuilder::of_pieces(all.array, 0);
        let offsets = list_offsets(context, arguments, |row| {
            let (text, separator, at) = (all.at(row), separators.at(row), all.index(row));
            let before = items.len();
            if let [byte] = separator.as_bytes() {
                split_at_byte(text, *byte, items.parts_of(all.array, at));
            } else if separator.is_empty() {
                characters_of(text).for_each(|part| items.push_piece(all.array, at, part));
            } else {
                text.split(separator).for_each(|part| items.push_piece(all.array, at, part));
            }
            items.len() - before
        });
        offsets.finish(&DataType::String, Arc::new(items.finish()))
    })
}

/// The characters of a text, each as a text.
fn characters_of(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()])
}

/// Pushes the parts between the bytes `separator`, which is ASCII. The parts are often words, so
/// short that a search for each would take longer than to look at 64 bytes at once.
fn split_at_byte(text: &str, separator: u8, mut parts: Parts) {
    let mut start = 0;
    let mut push_until = |end: usize| {
        parts.push(start..end);
        start = end + 1;
    };
    let (blocks, rest) = text.as_bytes().as_chunks::<64>();
    let mut last = [!separator; 64];
    last[..rest.len()].copy_from_slice(rest);
    for (at, block) in blocks.iter().chain([&last]).enumerate() {
        let mut found = places_of(separator, block);
        while found != 0 {
            push_until(at * 64 + found.trailing_zeros() as usize);
            found &= found - 1;
        }
    }
    push_until(text.len());
}

/// A bit for each byte that is this one.
#[inline(always)]
fn places_of(byte: u8, block: &[u8; 64]) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    // Moves the lowest bit of each byte into the highest byte, in their order.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let pattern = u64::from_le_bytes([byte; 8]);
    let eight = |bytes: &[u8; 8]| {
        let differs = u64::from_le_bytes(*bytes) ^ pattern;
        let equal = !(((differs & LOW) + LOW) | differs | LOW) >> 7;
        equal.wrapping_mul(GATHER) >> 56
    };
    let bytes = block.as_chunks::<8>().0.iter().enumerate();
    bytes.fold(0, |places, (at, bytes)| places | eight(bytes) << (8 * at))
}

/// `join(list, separator)`
pub(super) fn join(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, separators) = (lists(&arguments[0]), texts(&arguments[1]));
        let items = all.items().as_string_view();
        fallible_texts(context, arguments, |row, column| {
            let texts =
                || all.range(row).filter(|at| items.is_valid(*at)).map(|at| items.value(at));
            let separator = separators.at(row);
            check_text_size(texts().map(|text| text.len() + separator.len()).sum())?;
            column.write(|out| {
                for (at, text) in texts().enumerate() {
                    out.push_str(if at == 0 { "" } else { separator });
                    out.push_str(text);
                }
            });
            Ok(())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::StringViewArray;

    #[test]
    fn texts_are_split_at_every_place_of_a_byte() {
        // Neighbours of the separator, and bytes that differ from it in one bit.
        let letters = ["a", ",", "-", "+", "é", "\u{ac}", "\0", "word", ",,"];
        let mut state = 1_u64;
        for separator in [b',', 0] {
            let texts: Vec<String> = (0..300)
                .map(|length| {
                    let letter = |_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        letters[(state >> 33) as usize % letters.len()]
                    };
                    (0..length).map(letter).collect()
                })
                .collect();
            let array = StringViewArray::from_iter_values(&texts);
            let mut items = TextBuilder::of_pieces(&array, 0);
            for (row, text) in texts.iter().enumerate() {
                split_at_byte(text, separator, items.parts_of(&array, row));
            }
            let wanted = texts.iter().flat_map(|text| text.split(char::from(separator)));
            let items = items.finish();
            assert_eq!(items.iter().flatten().collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
        }
    }
}
