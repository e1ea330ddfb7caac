//! Building columns of texts: short ones inside of their views, pieces of other texts where they
//! are, and everything else copied.
//!
//! What a text is is decided by who pushes it. The layout of views is Arrow's: length, then up to
//! 12 bytes, or the first four bytes, the number of a buffer and an offset in it.
#![allow(unsafe_code)]

use arrow_array::StringViewArray;
use arrow_buffer::{Buffer, NullBufferBuilder, ScalarBuffer};
use std::ops::Range;

/// Nothing that puts texts together makes one of more bytes than this: a wrong count should fail
/// a row, not the machine.
const TEXT_BYTES_MAX: usize = 16 << 20;

/// Why a text of so many bytes is not made, if it is too large.
pub fn check_text_size(bytes: usize) -> Result<(), String> {
    if bytes <= TEXT_BYTES_MAX {
        Ok(())
    } else {
        Err("the text would be larger than 16 MiB".into())
    }
}

/// Texts up to here are held by their view.
const INLINE_MAX: usize = 12;

/// The bytes of a text of each length that its view shows; the last is for all longer ones.
pub const SHOWN: [u128; INLINE_MAX + 2] = {
    let mut shown = [0xFFFF_FFFF; INLINE_MAX + 2];
    let mut len = 0;
    while len <= INLINE_MAX {
        shown[len] = (1 << (8 * len)) - 1;
        len += 1;
    }
    shown
};

/// Copied texts go into buffers of about this size; an offset has 32 bits.
const BUFFER_BYTES: usize = 1 << 30;

/// A text of which parts are pushed.
pub struct Parts<'a> {
    builder: &'a mut TextBuilder,
    text: &'a str,
    /// Where it is among the shared buffers, as the upper half of a view.
    place: Option<u64>,
}

/// A column of texts that is being built.
pub struct TextBuilder {
    /// Each is inline, or names a place in `shared` or, numbered after those, `copied`.
    views: Vec<u128>,
    nulls: NullBufferBuilder,
    /// Where pieces are.
    shared: Vec<Buffer>,
    copied: Vec<Vec<u8>>,
}

impl TextBuilder {
    /// A column with room for so many texts.
    pub fn with_capacity(rows: usize) -> TextBuilder {
        TextBuilder {
            views: Vec::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
            shared: vec![],
            copied: vec![],
        }
    }

    /// A column of which some texts are pieces of texts of `whole`; see [`Self::push_piece`].
    pub fn of_pieces(whole: &StringViewArray, rows: usize) -> TextBuilder {
        TextBuilder { shared: whole.data_buffers().to_vec(), ..Self::with_capacity(rows) }
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.views.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.views.is_empty()
    }

    /// The next text is null.
    pub fn push_null(&mut self) {
        self.views.push(0);
        self.nulls.append_null();
    }

    /// The next text, which is copied.
    #[inline]
    pub fn push(&mut self, text: &str) {
        self.nulls.append_non_null();
        if text.len() <= INLINE_MAX {
            self.views.push(inline(text.as_bytes()));
        } else {
            self.push_long(text);
        }
    }

    fn push_long(&mut self, text: &str) {
        if self.copied.last().is_none_or(|last| last.len() + text.len() > BUFFER_BYTES) {
            self.copied.push(Vec::new());
        }
        let buffer = self.shared.len() + self.copied.len() - 1;
        let last = self.copied.last_mut().expect("it was just pushed");
        let offset = u32::try_from(last.len()).expect("a buffer begins below 4 GiB");
        last.extend_from_slice(text.as_bytes());
        let buffer = u32::try_from(buffer).expect("buffers are few");
        self.views.push(outside(text.as_bytes(), buffer, offset));
    }

    /// The next text, which is a piece of text `row` of `whole`, the array that
    /// [`Self::of_pieces`] was given. What is no piece of it is copied.
    #[inline]
    pub fn push_piece(&mut self, whole: &StringViewArray, row: usize, piece: &str) {
        if piece.len() <= INLINE_MAX {
            self.nulls.append_non_null();
            self.views.push(inline(piece.as_bytes()));
            return;
        }
        let (buffer, offset) = place_of(whole.views()[row]);
        // Where the piece is in its buffer; a longer text is never inline.
        let place = self.shared.get(buffer as usize).and_then(|shared| {
            let start = (piece.as_ptr() as usize).checked_sub(shared.as_ptr() as usize)?;
            let inside = start >= offset as usize && start + piece.len() <= shared.len();
            u32::try_from(start).ok().filter(|_| inside)
        });
        match place {
            Some(start) => {
                self.nulls.append_non_null();
                self.views.push(outside(piece.as_bytes(), buffer, start));
            }
            None => self.push(piece),
        }
    }

    /// The next text is text `row` of `whole`, the array that [`Self::of_pieces`] was given.
    #[inline]
    pub fn push_whole(&mut self, whole: &StringViewArray, row: usize) {
        let view = whole.views()[row];
        let is_at = |buffer: usize| {
            let (own, other) = (self.shared.get(buffer), whole.data_buffers().get(buffer));
            own.zip(other).is_some_and(|(own, other)| {
                own.as_ptr() == other.as_ptr() && own.len() >= other.len()
            })
        };
        if view as u32 as usize <= INLINE_MAX || is_at(place_of(view).0 as usize) {
            self.nulls.append_non_null();
            self.views.push(view);
        } else {
            self.push(whole.value(row));
        }
    }

    /// To push many parts of text `row` of `whole`, the array that [`Self::of_pieces`] was given.
    pub fn parts_of<'a>(&'a mut self, whole: &'a StringViewArray, row: usize) -> Parts<'a> {
        let text = whole.value(row);
        let (buffer, offset) = place_of(whole.views()[row]);
        let is_shared = text.len() > INLINE_MAX
            && self.shared.get(buffer as usize).is_some_and(|shared| {
                let bytes = shared.get(offset as usize..).unwrap_or_default();
                bytes.as_ptr() == text.as_ptr() && bytes.len() >= text.len()
            });
        Parts {
            builder: self,
            text,
            place: is_shared.then(|| (place_bits(buffer, offset) >> 64) as u64),
        }
    }

    /// The array.
    pub fn finish(mut self) -> StringViewArray {
        let mut buffers = self.shared;
        buffers.extend(self.copied.into_iter().map(Buffer::from_vec));
        let views = ScalarBuffer::from(self.views);
        // SAFETY: a view is inline with zeros after the text, or names a whole `str` that lies in
        // one of the buffers: `push_long` has just copied it there, and the bytes between
        // `start` and `start + len` of the buffer that `push_piece` names are those of the `str`
        // it was given, since they are at the same address; so are those that `Parts` names,
        // since `parts_of` found all of its text there. `push_whole` takes views of a valid array,
        // which mean the same here: their text is inside of them or in the same buffer.
        unsafe { StringViewArray::new_unchecked(views, buffers.into(), self.nulls.finish()) }
    }
}

impl Parts<'_> {
    /// The next text is this part.
    #[inline]
    pub fn push(&mut self, part: Range<usize>) {
        let piece = &self.text[part.clone()];
        let head = self.text.as_bytes()[part.start..].first_chunk::<INLINE_MAX>();
        // With so many bytes at hand, which of them belong to it is no question for a branch.
        let (Some(head), Some(place)) = (head, self.place) else {
            return self.builder.push(piece);
        };
        let (low, high) =
            (head.first_chunk().expect("8 of 12"), head.last_chunk().expect("4 of 12"));
        let head =
            u128::from(u64::from_le_bytes(*low)) | u128::from(u32::from_le_bytes(*high)) << 64;
        let shown = head & SHOWN[piece.len().min(INLINE_MAX + 1)];
        let is_inline = piece.len() <= INLINE_MAX;
        let place = if is_inline { 0 } else { place + ((part.start as u64) << 32) };
        self.builder.nulls.append_non_null();
        let view = u128::from(piece.len() as u32) | shown << 32 | u128::from(place) << 64;
        self.builder.views.push(view);
    }
}

/// The view of a text of up to 12 bytes.
#[inline(always)]
fn inline(text: &[u8]) -> u128 {
    u128::from(text.len() as u32) | short_bytes(text) << 32
}

/// The view of a longer text.
#[inline(always)]
fn outside(text: &[u8], buffer: u32, offset: u32) -> u128 {
    let prefix = u32::from_le_bytes(text[..4].try_into().expect("it is longer"));
    u128::from(text.len() as u32) | u128::from(prefix) << 32 | place_bits(buffer, offset)
}

/// The upper half of the view of a longer text.
fn place_bits(buffer: u32, offset: u32) -> u128 {
    u128::from(buffer) << 64 | u128::from(offset) << 96
}

/// The buffer and the offset that the view of a longer text names.
fn place_of(view: u128) -> (u32, u32) {
    ((view >> 64) as u32, (view >> 96) as u32)
}

/// Up to 12 bytes as one number: two overlapping reads, for which no loop and no call is needed.
#[inline(always)]
fn short_bytes(text: &[u8]) -> u128 {
    let len = text.len();
    let eight = |at: usize| u64::from_le_bytes(text[at..at + 8].try_into().expect("8 bytes"));
    let four = |at: usize| u32::from_le_bytes(text[at..at + 4].try_into().expect("4 bytes"));
    match len {
        0 => 0,
        8.. => u128::from(eight(0)) | u128::from(eight(len - 8)) << (8 * (len - 8)),
        4..8 => u128::from(four(0)) | u128::from(four(len - 4)) << (8 * (len - 4)),
        _ => {
            let byte = |at: usize| u128::from(text[at]) << (8 * at);
            byte(0) | byte(len / 2) | byte(len - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;

    const TEXTS: [&str; 9] = [
        "",
        "a",
        "é",
        "abc",
        "four",
        "sevenis",
        "twelve bytes",
        "thirteen bytes, or more",
        "ein längerer Text, der nicht in die Ansicht passt",
    ];

    #[test]
    fn texts_come_out_as_they_went_in() {
        let mut builder = TextBuilder::with_capacity(3);
        for text in TEXTS {
            builder.push(text);
            builder.push_null();
        }
        let array = builder.finish();
        array.to_data().validate_full().unwrap();
        let wanted: Vec<Option<&str>> = TEXTS.iter().flat_map(|t| [Some(*t), None]).collect();
        assert_eq!(array.iter().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn every_piece_of_a_text_can_be_taken() {
        let whole = StringViewArray::from_iter_values(TEXTS);
        let mut builder = TextBuilder::of_pieces(&whole, 0);
        let mut wanted = vec![];
        for (row, text) in TEXTS.iter().enumerate() {
            for from in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                for to in (from..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                    builder.push_piece(&whole, row, &whole.value(row)[from..to]);
                    builder.parts_of(&whole, row).push(from..to);
                    wanted.extend([&text[from..to]; 2]);
                }
            }
            builder.push_whole(&whole, row);
            wanted.push(text);
        }
        builder.push_piece(&whole, 8, "a text that is from somewhere else");
        wanted.push("a text that is from somewhere else");
        let other = StringViewArray::from_iter_values(TEXTS);
        builder.parts_of(&other, 8).push(0..TEXTS[8].len());
        builder.push_whole(&other, 8);
        wanted.extend([TEXTS[8]; 2]);
        let array = builder.finish();
        array.to_data().validate_full().unwrap();
        assert_eq!(array.iter().flatten().collect::<Vec<_>>(), wanted);
    }
}
