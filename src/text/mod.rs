//! The program text: which files there are, places in them, and line numbers.
//!
//! Nothing else in the crate knows what a line number is: every later form of the program carries
//! [`Span`]s only, and the text is looked up once, when a diagnostic is shown.

mod units;

pub use units::Unit;

use std::ops::Range;

/// A file of the program, by its position in [`Files`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A place in the program text: a half-open range of bytes of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end` of `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Span {
        Span { file, start: start as u32, end: end as u32 }
    }

    /// The smallest span that covers both; both must be of one file.
    pub fn to(self, other: Span) -> Span {
        debug_assert_eq!(self.file, other.file);
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty place right after this one.
    pub fn after(self) -> Span {
        Span { start: self.end, ..self }
    }

    /// Is the other within this one?
    pub fn covers(self, other: Span) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }

    /// The span as a range of bytes.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A line and a column, both counted from 1; columns count Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One file of the program.
#[derive(Debug)]
pub struct File {
    /// The path as the user gave it.
    pub path: String,
    /// The whole text, as read (a byte order mark included).
    pub text: String,
    /// Byte offset of the first byte of each line.
    line_starts: Vec<u32>,
}

impl File {
    /// A file of this text.
    pub fn new(path: String, text: String) -> File {
        let mut line_starts = vec![0];
        line_starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1));
        File { path, text, line_starts }
    }

    /// The line and column of a byte offset; offsets past the end count as the end.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|&start| start as usize <= offset) - 1;
        let start = self.line_starts[line] as usize;
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Position { line: line + 1, column }
    }

    /// The bytes of the lines that a range of bytes touches, with `context` lines before and after,
    /// line ends included; and how many lines stand before them and how many they are.
    pub fn lines_around(
        &self,
        bytes: Range<usize>,
        context: usize,
    ) -> (Range<usize>, usize, usize) {
        let line_of =
            |at: usize| self.line_starts.partition_point(|&start| start as usize <= at) - 1;
        let last = bytes.end.saturating_sub(1).max(bytes.start);
        let first = line_of(bytes.start).saturating_sub(context);
        let behind = (line_of(last) + context + 1).min(self.line_starts.len());
        let end = self.line_starts.get(behind).map_or(self.text.len(), |&start| start as usize);
        (self.line_starts[first] as usize..end, first, behind - first)
    }

    /// The text of line `line` (from 1) without its line end.
    pub fn line(&self, line: usize) -> &str {
        let start = self.line_starts[line - 1] as usize;
        let end = self.line_starts.get(line).map_or(self.text.len(), |&next| next as usize);
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }
}

/// All files of the program.
#[derive(Debug, Default)]
pub struct Files {
    files: Vec<File>,
}

impl Files {
    /// Adds a file and gives its id.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> FileId {
        self.files.push(File::new(path.into(), text.into()));
        FileId(self.files.len() as u32 - 1)
    }

    /// The ids of all of them, in the order in which they were added.
    pub fn ids(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..self.files.len() as u32).map(FileId)
    }

    /// The file `id`.
    pub fn get(&self, id: FileId) -> &File {
        &self.files[id.0 as usize]
    }

    /// All of them, in the order in which they were added.
    pub fn all(&self) -> impl Iterator<Item = (FileId, &File)> {
        self.files.iter().enumerate().map(|(at, file)| (FileId(at as u32), file))
    }

    /// The text that a span covers.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file).text.get(span.range()).unwrap_or("")
    }

    /// The text before a span, and that behind it.
    pub fn around(&self, span: Span) -> (&str, &str) {
        let text = &self.get(span.file).text;
        let part = |range| text.get(range).unwrap_or("");
        (part(0..span.start as usize), part(span.end as usize..text.len()))
    }

    /// The position at which a span begins.
    pub fn position(&self, span: Span) -> Position {
        self.get(span.file).position(span.start as usize)
    }
}

/// Does it change the direction of the text behind it? Such a character makes a program look
/// different from what it is ("Trojan Source", CVE-2021-42574).
pub fn is_bidi_control(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_lines_from_one() {
        let mut files = Files::default();
        let id = files.add("a.batch", "é=1\r\nb");
        assert_eq!(files.get(id).position(2), Position { line: 1, column: 2 });
        assert_eq!(files.get(id).position(6), Position { line: 2, column: 1 });
        assert_eq!(files.get(id).line(1), "é=1");
    }

    #[test]
    fn lines_around_a_place_are_whole() {
        let mut files = Files::default();
        let id = files.add("a.batch", "one\ntwo\n\nfour\n");
        let file = files.get(id);
        assert_eq!(file.lines_around(5..6, 0), (4..8, 1, 1));
        assert_eq!(file.lines_around(5..9, 0), (4..9, 1, 2));
        assert_eq!(file.lines_around(5..6, 1), (0..9, 0, 3));
        assert_eq!(file.lines_around(14..14, 1), (9..14, 3, 2));
        let empty = files.add("b.batch", "");
        assert_eq!(files.get(empty).lines_around(0..0, 1), (0..0, 0, 1));
    }
}
