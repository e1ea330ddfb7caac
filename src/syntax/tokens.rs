//! The lossless lexer: a file cut into tokens, every byte in exactly one of them.
//!
//! It knows how texts, comments and table rows end and nothing about what tokens mean. The parser
//! uses it for the layout of a file and for the second look at what did not parse; a formatter or
//! an editor can rebuild the file from it. Linear in the text, whatever the text.

mod regexes;
mod texts;

use crate::text::is_bidi_control;
use std::ops::Range;
use texts::Hole;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Blanks, tabs, carriage returns, and a byte order mark.
    Space,
    /// One line feed.
    Newline,
    /// `# ...` to the end of the line.
    Comment,
    /// `## ...` to the end of the line.
    Documentation,
    /// A name or a word of the language.
    Word,
    /// `12`, `1.5`, `30m`, `5%`: with its unit.
    Number,
    /// `@2024-01-31T10:00Z`
    Date,
    /// `"..."` or `"""..."""` as a whole.
    Text,
    /// The beginning of a text up to its first `{`, included.
    TextOpen,
    /// From the `}` of one interpolation to the `{` of the next.
    TextMiddle,
    /// From the last `}` of a text to its closing quote.
    TextClose,
    /// A text that its line, or for a long text the file, ends before it is closed.
    UnclosedText,
    /// A text with a closing quote but a `{` in it that is never closed.
    BrokenText,
    /// `r"..."`
    Regex,
    /// A regular expression with quotes in it, as it was probably meant: `r"a "b" c"`.
    QuotedRegex,
    /// `'...'` or `` `...` ``: no text of this language.
    Quoted,
    /// A line of a table: `| a | b |`.
    Row,
    /// `(`, `[` or `{`
    Open,
    /// `)`, `]` or `}`
    Close,
    /// Everything else that is made of ASCII signs, punctuation included.
    Operator,
    /// A character that cannot be seen, or that changes what is seen, outside of a text.
    Hidden,
    /// A character that means nothing here.
    Unknown,
}

impl TokenKind {
    /// Is it only there to be read by people?
    pub fn is_trivia(self) -> bool {
        matches!(
            self,
            TokenKind::Space
                | TokenKind::Newline
                | TokenKind::Comment
                | TokenKind::Documentation
                | TokenKind::Hidden
        )
    }
}

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Token {
    /// The place as a range of bytes.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// All tokens of a text: they follow each other without gaps from its first byte to its last.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        at: 0,
        tokens: Vec::with_capacity(text.len() / 4),
        holes: Vec::new(),
        plain_until: 0,
        quoted_until: 0,
        regexes_end_until: 0,
        long_texts_close: true,
        long_holes_close: true,
        line_is_blank: true,
    };
    while lexer.at < text.len() {
        lexer.token();
    }
    lexer.close_holes();
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    holes: Vec<Hole>,
    /// In texts that begin before this byte a `{` opens nothing: an interpolation on this line was
    /// never closed. This keeps the lexer linear.
    plain_until: usize,
    /// Quotes before it end no text: they stand in one whose interpolation is never closed.
    quoted_until: usize,
    /// Regular expressions before it end at their first quote: no other that could end one follows
    /// on the line.
    regexes_end_until: usize,
    /// Is it unknown whether a long text that begins from here on is closed? After one that was
    /// not, no other can be, and the rest of the file is not searched again.
    long_texts_close: bool,
    /// The same for interpolations in long texts.
    long_holes_close: bool,
    /// Has nothing but white space been read on this line?
    line_is_blank: bool,
}

/// The signs made of several characters, longest first. Those that are not of the language are
/// read as one token all the same, so that a message can name them.
const SIGNS: &[&str] = &[
    "===", "!==", "...", "**", "//", "==", "!=", "<=", ">=", "=>", "->", "??", "..", "&&", "||",
    "<>", ":=", "|>",
];

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn byte(&self, offset: usize) -> u8 {
        self.text.as_bytes().get(self.at + offset).copied().unwrap_or(0)
    }

    /// The end of the line that `at` is on: its line feed, or the end of the text.
    fn line_end(&self, at: usize) -> usize {
        memchr::memchr(b'\n', &self.text.as_bytes()[at..])
            .map_or(self.text.len(), |found| at + found)
    }

    fn push(&mut self, kind: TokenKind, length: usize) {
        let (start, end) = (self.at as u32, (self.at + length) as u32);
        self.tokens.push(Token { kind, start, end });
        self.at += length;
        match kind {
            TokenKind::Newline => self.line_is_blank = true,
            TokenKind::Space | TokenKind::Hidden => {}
            _ => self.line_is_blank = false,
        }
    }

    fn token(&mut self) {
        let byte = self.byte(0);
        match byte {
            b'\n' => self.newline(),
            b' ' | b'\t' | b'\r' => {
                let length = self.length_of(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
                self.push(TokenKind::Space, length);
            }
            b'#' => self.comment(),
            b'r' if self.byte(1) == b'"' => self.regex(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'0'..=b'9' => self.number(),
            b'"' => self.text(),
            b'@' if self.byte(1).is_ascii_digit() => self.date(),
            b'|' if self.line_is_blank && self.byte(1) != b'|' && self.byte(1) != b'>' => {
                self.row()
            }
            b'\'' | b'`' => self.quoted(byte),
            b'}' if self.holes.last().is_some_and(|hole| hole.braces == 0) => self.text_goes_on(),
            b'(' | b'[' => self.push(TokenKind::Open, 1),
            b'{' => {
                if let Some(hole) = self.holes.last_mut() {
                    hole.braces += 1;
                }
                self.push(TokenKind::Open, 1);
            }
            b')' | b']' => self.push(TokenKind::Close, 1),
            b'}' => {
                if let Some(hole) = self.holes.last_mut() {
                    hole.braces -= 1;
                }
                self.push(TokenKind::Close, 1);
            }
            0..=0x1f | 0x7f => self.push(TokenKind::Hidden, 1),
            0x21..=0x7e => self.sign(),
            _ => self.beyond_ascii(),
        }
    }

    fn length_of(&self, accepts: impl Fn(u8) -> bool) -> usize {
        self.rest().bytes().position(|byte| !accepts(byte)).unwrap_or(self.rest().len())
    }

    fn sign(&mut self) {
        let length =
            SIGNS.iter().find(|sign| self.rest().starts_with(**sign)).map_or(1, |sign| sign.len());
        self.push(TokenKind::Operator, length);
    }

    fn beyond_ascii(&mut self) {
        let Some(character) = self.rest().chars().next() else { return };
        let length = character.len_utf8();
        if is_name_start(character) {
            self.word();
        } else if character == '\u{feff}' && self.at == 0 {
            self.push(TokenKind::Space, length);
        } else if is_hidden(character) {
            self.push(TokenKind::Hidden, length);
        } else {
            self.push(TokenKind::Unknown, length);
        }
    }

    fn newline(&mut self) {
        // A one-line text cannot go on; what was taken for its interpolation was none.
        if let Some(first) = self.holes.iter().position(|hole| !hole.long) {
            self.give_up_hole(first);
            return;
        }
        self.push(TokenKind::Newline, 1);
    }

    fn comment(&mut self) {
        let length = self.line_end(self.at) - self.at;
        let line = self.rest()[..length].trim_end_matches('\r');
        let kind =
            if line.starts_with("##") { TokenKind::Documentation } else { TokenKind::Comment };
        self.push(kind, line.len());
    }

    fn word(&mut self) {
        let length = self
            .rest()
            .char_indices()
            .find(|(_, c)| !is_name_char(*c))
            .map_or(self.rest().len(), |(at, _)| at);
        self.push(TokenKind::Word, length);
    }

    /// Digits, a fraction, an exponent, a unit or a per cent sign, as far as they go together.
    fn number(&mut self) {
        let digits = |from: usize| {
            self.rest()[from..]
                .bytes()
                .take_while(|byte| byte.is_ascii_digit() || *byte == b'_')
                .count()
        };
        let mut length = digits(0);
        if self.byte(length) == b'.' && self.byte(length + 1).is_ascii_digit() {
            length += 1 + digits(length + 1);
        }
        if matches!(self.byte(length), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(length + 1), b'+' | b'-'));
            if self.byte(length + 1 + sign).is_ascii_digit() {
                length += 1 + sign + digits(length + 1 + sign);
            }
        }
        let unit = self.rest()[length..].char_indices().find(|(_, c)| !is_name_char(*c));
        length += unit.map_or(self.rest().len() - length, |(at, _)| at);
        if self.byte(length) == b'%' {
            let next = self.rest()[length + 1..].chars().next();
            if !next.is_some_and(|next| next == '(' || is_name_char(next)) {
                length += 1;
            }
        }
        self.push(TokenKind::Number, length);
    }

    fn date(&mut self) {
        let bytes = self.rest().as_bytes();
        let mut length = 1;
        while let Some(byte) = bytes.get(length) {
            let point = *byte == b'.' && bytes.get(length + 1).is_some_and(u8::is_ascii_digit);
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'+') || point) {
                break;
            }
            length += 1;
        }
        self.push(TokenKind::Date, length);
    }

    /// A row of a table is one token: its cells are not expressions.
    fn row(&mut self) {
        let end = self.line_end(self.at);
        let line = self.text[self.at..end].trim_end();
        let (mut last_bar, mut in_text, mut escaped) = (0, false, false);
        for (at, byte) in line.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                b'|' if !in_text => last_bar = at,
                _ => {}
            }
        }
        let behind = line[last_bar + 1..].trim_start();
        let length = if behind.starts_with('#') { last_bar + 1 } else { line.len() };
        self.push(TokenKind::Row, length);
    }
}

/// May a name begin with it?
pub fn is_name_start(character: char) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' | '_' => true,
        '\0'..='\x7f' => false,
        _ => pest::unicode::XID_START(character),
    }
}

/// May it stand in a name?
pub fn is_name_char(character: char) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' | '_' | '0'..='9' => true,
        '\0'..='\x7f' => false,
        _ => pest::unicode::XID_CONTINUE(character),
    }
}

/// Can it not be seen, or does it change the order in which others are seen?
pub fn is_hidden(character: char) -> bool {
    is_bidi_control(character)
        || character.is_control()
        || matches!(character,
            '\u{a0}' | '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{2000}'..='\u{200f}'
            | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}'..='\u{2064}' | '\u{206a}'..='\u{206f}'
            | '\u{3000}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e007f}')
}
