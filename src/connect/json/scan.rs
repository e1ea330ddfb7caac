//! Where JSON values begin and end (RFC 8259): numbers and literals are checked here, texts and
//! what they escape when they are read. Depth is bounded, so nothing recurses without end.

/// A value in the bytes: start and end; `start > end` for one that is missing.
pub type Cell = (u32, u32);

/// A value that is missing.
pub const ABSENT: Cell = (1, 0);

/// Deeper values are refused.
const DEPTH_MAX: u32 = 128;

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

/// Reads `bytes[at..end]` from left to right; 8 bytes more may be looked at.
pub struct Scanner<'a> {
    bytes: &'a [u8],
    /// Where it stands.
    pub at: usize,
    end: usize,
}

impl<'a> Scanner<'a> {
    /// Reads `bytes[at..end]`; `bytes` goes on for at least 8 bytes after `end`.
    pub fn new(bytes: &'a [u8], at: usize, end: usize) -> Scanner<'a> {
        assert!(bytes.len() >= end + 8, "slack after the text");
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
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
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

    /// Calls `each` with every key (its quotes not included) of an object, which takes the value.
    #[inline]
    pub fn object(
        &mut self,
        depth: u32,
        mut each: impl FnMut(&mut Self, &'a [u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.open(b'{', depth)?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            if self.peek() != b'"' {
                return self.fault("a key is missing");
            }
            let (start, end) = self.string()?;
            if !self.take(b':') {
                return self.fault("a colon is missing");
            }
            each(self, &self.bytes[start as usize + 1..end as usize - 1])?;
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
            self.object(depth, |scanner, _| scanner.value(depth + 1).map(drop))?;
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
            // Eight bytes at a time up to the next quote or backslash.
            while self.at < self.end {
                let word = self.bytes[self.at..self.at + 8].try_into().expect("eight bytes");
                let word = u64::from_le_bytes(word);
                let found = zero_byte(word ^ 0x2222_2222_2222_2222)
                    | zero_byte(word ^ 0x5C5C_5C5C_5C5C_5C5C);
                if found != 0 {
                    self.at += found.trailing_zeros() as usize / 8;
                    break;
                }
                self.at += 8;
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
        while self.at < self.end && self.bytes[self.at].is_ascii_digit() {
            self.at += 1;
        }
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

/// The lowest set bit stands in the lowest byte that is zero.
#[inline(always)]
fn zero_byte(word: u64) -> u64 {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
}
