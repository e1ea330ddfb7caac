//! Where JSON values begin and end (RFC 8259): numbers and literals are checked here, texts and
//! what they escape when they are read. Depth is bounded, so nothing recurses without end.

use super::marks::plain_bytes;

/// A value in the bytes: start and end; `start > end` for one that is missing.
pub type Cell = (u32, u32);

/// A value that is missing.
pub const ABSENT: Cell = (1, 0);

/// Deeper values are refused.
const DEPTH_MAX: u32 = 128;

/// Bytes after the text that may be looked at.
const AHEAD: usize = 16;

/// What is not JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Byte offset.
    pub at: usize,
    /// `":" is missing`
    pub what: &'static str,
    /// Could more bytes make it right?
    pub is_end: bool,
}

/// Reads `bytes[at..end]` from left to right; [`AHEAD`] bytes more may be looked at.
pub struct Scanner<'a> {
    bytes: &'a [u8],
    /// Where it stands.
    pub at: usize,
    end: usize,
}

impl<'a> Scanner<'a> {
    /// Reads `bytes[at..end]`; `bytes` goes on for at least [`AHEAD`] bytes after `end`.
    pub fn new(bytes: &'a [u8], at: usize, end: usize) -> Scanner<'a> {
        assert!(bytes.len() >= end + AHEAD, "slack after the text");
        Scanner { bytes, at, end }
    }

    fn fault<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err(Fault { at: self.at, what, is_end: self.at >= self.end })
    }

    /// The next byte, which is not blank; 0 at the end.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        while self.at < self.end {
            let byte = self.bytes[self.at];
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    /// Takes `byte` if it is next.
    #[inline]
    pub fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte && self.at < self.end;
        self.at += usize::from(found);
        found
    }

    /// Calls `each` before every key of an object, which takes it, the colon and the value.
    #[inline]
    pub fn object(
        &mut self,
        depth: u32,
        mut each: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.open(b'{', depth)?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            if self.peek() != b'"' {
                return self.fault("a key is missing");
            }
            each(self)?;
            if self.take(b',') {
                continue;
            }
            return match self.take(b'}') {
                true => Ok(()),
                false if depth == 0 => self.fault("a comma or `}` is missing"),
                false => self.fault("a comma or a closing bracket is missing"),
            };
        }
    }

    /// Takes a key and its colon; the key with its quotes.
    #[inline]
    pub fn key(&mut self) -> Result<&'a [u8], Fault> {
        let (start, end) = self.string()?;
        self.colon()?;
        Ok(&self.bytes[start as usize..end as usize])
    }

    #[inline]
    fn colon(&mut self) -> Result<(), Fault> {
        if self.take(b':') { Ok(()) } else { self.fault("a colon is missing") }
    }

    /// Takes a key and its colon if the key is the expected one.
    #[inline]
    pub fn take_key(&mut self, key: &Expected) -> Result<bool, Fault> {
        let end = self.at + key.text.len();
        if end > self.end || !key.stands_at(self.bytes, self.at) {
            return Ok(false);
        }
        self.at = end;
        self.colon()?;
        Ok(true)
    }

    /// Calls `each` before every value of an array, which takes it.
    #[inline]
    pub fn array(
        &mut self,
        depth: u32,
        mut each: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.open(b'[', depth)?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            each(self)?;
            if self.take(b',') {
                continue;
            }
            return match self.take(b']') {
                true => Ok(()),
                false => self.fault("a comma or a closing bracket is missing"),
            };
        }
    }

    fn open(&mut self, bracket: u8, depth: u32) -> Result<(), Fault> {
        if !self.take(bracket) {
            return self.fault("a value is missing");
        }
        if depth >= DEPTH_MAX {
            return Err(Fault { at: self.at - 1, what: "too deep", is_end: false });
        }
        Ok(())
    }

    /// The next value, whatever it is.
    #[inline]
    pub fn value(&mut self, depth: u32) -> Result<Cell, Fault> {
        match self.peek() {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b'{' | b'[' => self.nested(depth),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => self.fault("a value is missing"),
        }
    }

    fn nested(&mut self, depth: u32) -> Result<Cell, Fault> {
        let start = self.at as u32;
        if self.bytes[self.at] == b'{' {
            self.object(depth, |scanner| {
                scanner.key()?;
                scanner.value(depth + 1).map(drop)
            })?;
        } else {
            self.array(depth, |scanner| scanner.value(depth + 1).map(drop))?;
        }
        Ok((start, self.at as u32))
    }

    /// A text with its quotes.
    #[inline]
    fn string(&mut self) -> Result<Cell, Fault> {
        let start = self.at;
        self.at += 1;
        loop {
            while self.at < self.end {
                let block = self.bytes[self.at..self.at + 16].try_into().expect("16 bytes");
                let plain = plain_bytes(block);
                self.at += plain;
                if plain < 16 {
                    break;
                }
            }
            if self.at >= self.end {
                self.at = self.end;
                return self.fault("a text does not end");
            }
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Ok((start as u32, self.at as u32));
            }
            self.at += 2;
        }
    }

    #[inline]
    fn number(&mut self) -> Result<Cell, Fault> {
        let start = self.at;
        self.at += usize::from(self.bytes[start] == b'-');
        let whole = self.digits();
        if whole == 0 || whole > 1 && self.bytes[self.at - whole] == b'0' {
            return self.fault("not a number");
        }
        if self.bytes[self.at] == b'.' && self.at < self.end {
            self.at += 1;
            if self.digits() == 0 {
                return self.fault("not a number");
            }
        }
        if matches!(self.bytes[self.at], b'e' | b'E') && self.at < self.end {
            self.at += 1;
            self.at +=
                usize::from(matches!(self.bytes[self.at], b'+' | b'-') && self.at < self.end);
            if self.digits() == 0 {
                return self.fault("not a number");
            }
        }
        Ok((start as u32, self.at as u32))
    }

    #[inline]
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.at < self.end {
            let digits = word(self.bytes, self.at) ^ 0x3030_3030_3030_3030;
            // A digit is now at most 9, which is the most that does not reach the highest bit.
            let others = (((digits & LOW_BITS) + 0x7676_7676_7676_7676) | digits) & !LOW_BITS;
            self.at += others.trailing_zeros() as usize / 8;
            if others != 0 {
                break;
            }
        }
        self.at = self.at.min(self.end);
        self.at - start
    }

    fn literal(&mut self, word: &[u8]) -> Result<Cell, Fault> {
        let start = self.at;
        let there = &self.bytes[start..self.end.min(start + word.len())];
        if there == word {
            self.at += word.len();
            return Ok((start as u32, self.at as u32));
        }
        let is_end = word.starts_with(there);
        Err(Fault { at: start, what: "a value is missing", is_end })
    }
}

/// A text with its quotes that is expected to come next.
pub struct Expected {
    text: Vec<u8>,
    /// Its first and its last eight bytes, or all of it twice, and which of their bits count.
    ends: (u64, u64),
    mask: u64,
}

impl Expected {
    /// Expects `text`, which includes the quotes.
    pub fn new(text: &[u8]) -> Expected {
        let (len, mut first) = (text.len(), [0; 8]);
        first[..len.min(8)].copy_from_slice(&text[..len.min(8)]);
        let first = u64::from_le_bytes(first);
        let (last, mask) = match len {
            0..8 => (first, (1 << (8 * len)) - 1),
            _ => (word(text, len - 8), u64::MAX),
        };
        Expected { text: text.to_vec(), ends: (first, last), mask }
    }

    /// Does it stand at `at`? `bytes` goes on for eight bytes after it.
    #[inline]
    fn stands_at(&self, bytes: &[u8], at: usize) -> bool {
        let len = self.text.len();
        let (first, last) = (word(bytes, at), word(bytes, at + len.saturating_sub(8)));
        ((first ^ self.ends.0) | (last ^ self.ends.1)) & self.mask == 0
            && (len <= 16 || bytes[at + 8..at + len - 8] == self.text[8..len - 8])
    }
}

/// All bits but the highest of every byte.
const LOW_BITS: u64 = 0x7F7F_7F7F_7F7F_7F7F;

#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
