//! Columns of text whose values stand in the buffer they were read from.
//!
//! A value of up to 12 bytes is inside its view, a longer one is an offset into the buffer, so
//! nothing is copied. The array is made without looking at the text again; that it is UTF-8 is
//! kept by [`Texts`], whose methods take only what is.
#![allow(unsafe_code)]

use crate::data::SHOWN;
use arrow_array::StringViewArray;
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};

/// Values up to here are held by the view itself.
const INLINE_MAX: usize = 12;

/// A buffer whose beginning is known to be UTF-8, and that goes on for at least 16 bytes after it.
#[derive(Clone, Copy)]
pub struct Utf8Bytes<'a> {
    bytes: &'a [u8],
    len: usize,
}

impl<'a> Utf8Bytes<'a> {
    /// Looks at `bytes[..len]` once; None if it is not UTF-8.
    pub fn check(bytes: &'a [u8], len: usize) -> Option<Utf8Bytes<'a>> {
        assert!(bytes.len() >= len + 16, "slack after the text");
        simdutf8::basic::from_utf8(&bytes[..len]).ok()?;
        Some(Utf8Bytes { bytes, len })
    }

    #[inline(always)]
    fn is_boundary(self, at: usize) -> bool {
        // Every byte but those within a character, as in `str::is_char_boundary`.
        at == self.len || self.bytes[at] as i8 >= -0x40
    }
}

/// A column of text that is being built.
#[derive(Default)]
pub struct Texts {
    /// Each is inline, or lies in buffer 0 (the one read) or buffer 1 (`copied`), always UTF-8.
    views: Vec<u128>,
    copied: Vec<u8>,
}

impl Texts {
    /// An empty column with room for `rows`.
    pub fn with_capacity(rows: usize) -> Texts {
        Texts { views: Vec::with_capacity(rows), copied: Vec::new() }
    }

    /// Appends `text[start..end]`, which stays where it is.
    #[inline(always)]
    pub fn push(&mut self, text: Utf8Bytes<'_>, start: usize, end: usize) {
        assert!(start <= end && end <= text.len);
        assert!(text.is_boundary(start) && text.is_boundary(end));
        let len = end - start;
        let word: [u8; 16] = text.bytes[start..start + 16].try_into().expect("16 bytes");
        // No branch: which lengths come next in a column is often anyone's guess.
        let shown = u128::from_le_bytes(word) & SHOWN[len.min(INLINE_MAX + 1)];
        let place = if len <= INLINE_MAX { 0 } else { start as u32 };
        self.views.push(u128::from(place) << 96 | shown << 32 | u128::from(len as u32));
    }

    /// Appends a copy of a text.
    pub fn push_copy(&mut self, text: &str) {
        let len = text.len();
        let mut word = [0; 16];
        let shown = if len <= INLINE_MAX { len } else { 4 };
        word[..shown].copy_from_slice(&text.as_bytes()[..shown]);
        let mut view = u128::from_le_bytes(word) << 32 | len as u128;
        if len > INLINE_MAX {
            view |= 1 << 64 | (self.copied.len() as u128) << 96;
            self.copied.extend_from_slice(text.as_bytes());
            assert!(u32::try_from(self.copied.len()).is_ok(), "a chunk is smaller than 4 GiB");
        }
        self.views.push(view);
    }

    /// Appends the empty text.
    pub fn push_empty(&mut self) {
        self.views.push(0);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.views.len()
    }

    /// The array. `read` is the buffer that the texts of all [`Texts::push`] are in.
    pub fn finish(
        self,
        text: Option<Utf8Bytes<'_>>,
        read: &Buffer,
        nulls: Option<NullBuffer>,
    ) -> StringViewArray {
        if let Some(text) = text {
            assert!(std::ptr::eq(text.bytes.as_ptr(), read.as_ptr()) && text.len <= read.len());
        }
        let mut buffers = vec![read.clone()];
        if !self.copied.is_empty() {
            buffers.push(Buffer::from_vec(self.copied));
        }
        let views = ScalarBuffer::from(self.views);
        // SAFETY: a view is inline, zeros after the text, or lies within buffer 0 or 1 with its
        // first four bytes as prefix. What was pushed begins and ends between characters of UTF-8,
        // since `push` and `push_copy` take nothing else.
        unsafe { StringViewArray::new_unchecked(views, buffers.into(), nulls) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;

    #[test]
    fn views_hold_what_was_pushed() {
        let text = "a,é,twelve bytes,thirteen byte,";
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(text.len() + 16, 0xFF);
        let read = Buffer::from_vec(bytes);
        let utf8 = Utf8Bytes::check(&read, text.len()).unwrap();
        let mut texts = Texts::default();
        let mut start = 0;
        for value in text.split_terminator(',') {
            texts.push(utf8, start, start + value.len());
            texts.push_copy(value);
            start += value.len() + 1;
        }
        texts.push_empty();
        let array = texts.finish(Some(utf8), &read, None);
        array.to_data().validate_full().unwrap();
        let values: Vec<&str> = array.iter().flatten().collect();
        let wanted: Vec<&str> = text.split_terminator(',').flat_map(|value| [value; 2]).collect();
        assert_eq!(values[..8], wanted);
    }
}
