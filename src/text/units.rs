//! Lines and columns as editors count them: from 0, columns in the unit that was agreed upon.

use super::File;

/// What the columns of a line are counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of UTF-8.
    Bytes,
    /// Units of UTF-16, of which some characters take two.
    #[default]
    Utf16,
    /// Unicode scalar values.
    Characters,
}

impl Unit {
    fn of(self, character: char) -> usize {
        match self {
            Unit::Bytes => character.len_utf8(),
            Unit::Utf16 => character.len_utf16(),
            Unit::Characters => 1,
        }
    }
}

impl File {
    /// How many lines there are; the last one may be empty.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }

    /// The line and column of a byte, both from 0; bytes past the end count as the end, and one
    /// within a character as its beginning.
    pub fn place(&self, byte: usize, unit: Unit) -> (usize, usize) {
        let byte = byte.min(self.text.len());
        let line = self.line_starts.partition_point(|&start| start as usize <= byte) - 1;
        let start = self.line_starts[line] as usize;
        let before = self.text[start..].char_indices().take_while(|(at, _)| start + at < byte);
        let whole = before.filter(|(at, character)| start + at + character.len_utf8() <= byte);
        (line, whole.map(|(_, character)| unit.of(character)).sum())
    }

    /// The byte at a line and column, both from 0. What lies behind the end of a line is that end,
    /// what lies within a character its beginning.
    pub fn byte(&self, line: usize, column: usize, unit: Unit) -> usize {
        let Some(&start) = self.line_starts.get(line) else { return self.text.len() };
        let (start, text) = (start as usize, self.line(line + 1));
        let mut seen = 0;
        for (at, character) in text.char_indices() {
            seen += unit.of(character);
            if seen > column {
                return start + at;
            }
        }
        start + text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Files;
    use super::*;

    #[test]
    fn columns_count_the_unit_that_was_agreed_upon() {
        let mut files = Files::default();
        let id = files.add("a.batch", "é𝄞=1\r\nb\n");
        let file = files.get(id);
        // é: 2 bytes, 1 unit; 𝄞: 4 bytes, 2 units.
        for (unit, column) in [(Unit::Bytes, 6), (Unit::Utf16, 3), (Unit::Characters, 2)] {
            assert_eq!(file.place(6, unit), (0, column));
            assert_eq!(file.byte(0, column, unit), 6);
            assert_eq!(file.byte(0, 100, unit), 8, "the end of the line, before its `\\r`");
            assert_eq!(file.byte(1, 1, unit), 11);
            assert_eq!(file.byte(9, 0, unit), 12);
            assert_eq!(file.place(100, unit), (2, 0));
        }
        // Within 𝄞.
        assert_eq!(file.byte(0, 2, Unit::Utf16), 2);
        assert_eq!(file.place(4, Unit::Utf16), (0, 1));
    }

    #[test]
    fn every_byte_is_where_its_place_says() {
        let text = "a\nßü\r\n\n😀x\u{301}\ttab\nlast";
        let mut files = Files::default();
        let id = files.add("a.batch", text);
        let file = files.get(id);
        for unit in [Unit::Bytes, Unit::Utf16, Unit::Characters] {
            for (at, _) in
                text.char_indices().filter(|(at, c)| *c != '\n' || !text[..*at].ends_with('\r'))
            {
                let (line, column) = file.place(at, unit);
                assert_eq!(file.byte(line, column, unit), at, "{unit:?} {line}:{column}");
            }
        }
    }
}
