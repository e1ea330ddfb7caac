//! From any JSON text to the one spelling of its value, in one pass.

use std::ops::Range;

/// Values that are nested deeper are refused, as reading them would need as much of the stack.
const DEPTH_MAX: usize = 128;

/// Appends the one spelling of the JSON value that a text is. An error says what is wrong with it; what
/// was appended then means nothing.
pub fn canonical(text: &str, out: &mut String) -> Result<(), String> {
    let mut reader = Reader { text, at: 0, scratch: String::new() };
    reader.space();
    reader.value(out, 0)?;
    reader.space();
    match reader.at == text.len() {
        true => Ok(()),
        false => Err(reader.wrong("something stands behind the value")),
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// For putting members in order.
    scratch: String,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// What is wrong, and at which character.
    fn wrong(&self, what: &str) -> String {
        let mut at = self.at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        format!("not JSON: {what} at character {}", self.text[..at].chars().count() + 1)
    }

    fn value(&mut self, out: &mut String, depth: usize) -> Result<(), String> {
        if depth == DEPTH_MAX {
            return Err(self.wrong("it is nested too deep"));
        }
        match self.peek() {
            Some(b'{') => self.object(out, depth),
            Some(b'[') => self.array(out, depth),
            Some(b'"') => self.string(out),
            Some(b'-' | b'0'..=b'9') => self.number(out),
            _ => self.word(out),
        }
    }

    fn word(&mut self, out: &mut String) -> Result<(), String> {
        for word in ["true", "false", "null"] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                out.push_str(word);
                return Ok(());
            }
        }
        Err(self.wrong(if self.at == self.text.len() { "a value is missing" } else { "no value" }))
    }

    fn array(&mut self, out: &mut String, depth: usize) -> Result<(), String> {
        self.at += 1;
        out.push('[');
        self.space();
        if !self.take(b']') {
            loop {
                self.space();
                self.value(out, depth + 1)?;
                self.space();
                if self.take(b']') {
                    break;
                }
                if !self.take(b',') {
                    return Err(self.wrong("`,` or `]` is missing"));
                }
                out.push(',');
            }
        }
        out.push(']');
        Ok(())
    }

    fn object(&mut self, out: &mut String, depth: usize) -> Result<(), String> {
        self.at += 1;
        out.push('{');
        self.space();
        let start = out.len();
        // Where each name ends in the output, and the whole member.
        let mut members: Vec<(usize, Range<usize>)> = vec![];
        let mut in_order = true;
        if !self.take(b'}') {
            loop {
                self.space();
                let from = out.len();
                if self.peek() != Some(b'"') {
                    return Err(self.wrong("a name in quotes is missing"));
                }
                self.string(out)?;
                let end = out.len();
                if let Some((before, whole)) = members.last() {
                    in_order &= out[whole.start..*before] < out[from..end];
                }
                self.space();
                if !self.take(b':') {
                    return Err(self.wrong("`:` is missing"));
                }
                out.push(':');
                self.space();
                self.value(out, depth + 1)?;
                members.push((end, from..out.len()));
                self.space();
                if self.take(b'}') {
                    break;
                }
                if !self.take(b',') {
                    return Err(self.wrong("`,` or `}` is missing"));
                }
                out.push(',');
            }
        }
        if !in_order {
            self.sort(out, start, members)?;
        }
        out.push('}');
        Ok(())
    }

    /// Puts the members from `start` on in the order of their names.
    fn sort(
        &mut self,
        out: &mut String,
        start: usize,
        mut members: Vec<(usize, Range<usize>)>,
    ) -> Result<(), String> {
        let name = |(end, whole): &(usize, Range<usize>)| &out[whole.start..*end];
        members.sort_by(|a, b| name(a).cmp(name(b)));
        if let Some(pair) = members.windows(2).find(|pair| name(&pair[0]) == name(&pair[1])) {
            let name = name(&pair[0]).to_owned();
            return Err(self.wrong(&format!("the name {name} is there twice")));
        }
        self.scratch.clear();
        for (at, (_, whole)) in members.iter().enumerate() {
            if at > 0 {
                self.scratch.push(',');
            }
            self.scratch.push_str(&out[whole.clone()]);
        }
        out.truncate(start);
        out.push_str(&self.scratch);
        Ok(())
    }

    fn string(&mut self, out: &mut String) -> Result<(), String> {
        self.at += 1;
        out.push('"');
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let end = rest.iter().position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'));
            let Some(end) = end else { return Err(self.wrong("a quote is not closed")) };
            out.push_str(&self.text[self.at..self.at + end]);
            self.at += end;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    out.push('"');
                    return Ok(());
                }
                Some(b'\\') => {
                    let sign = self.escape()?;
                    write_sign(sign, out);
                }
                _ => return Err(self.wrong("a control character stands in a text")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let sign = self.text.as_bytes().get(self.at + 1).copied();
        let plain = match sign {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.wrong("no escape is written so")),
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, String> {
        let digits = |at: usize| {
            let digits = self.text.get(at..at + 4)?;
            let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_hex.then(|| u32::from_str_radix(digits, 16).ok())?
        };
        let first = digits(self.at + 2);
        let (number, length) = match first {
            Some(high @ 0xD800..0xDC00) => {
                let is_escape = self.text.as_bytes().get(self.at + 6..self.at + 8) == Some(b"\\u");
                match digits(self.at + 8).filter(|low| is_escape && (0xDC00..0xE000).contains(low))
                {
                    Some(low) => (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12),
                    None => return Err(self.wrong("half a character")),
                }
            }
            Some(number) => (number, 6),
            None => return Err(self.wrong("four hexadecimal digits are missing")),
        };
        let sign = char::from_u32(number).ok_or_else(|| self.wrong("half a character"))?;
        self.at += length;
        Ok(sign)
    }

    /// A number keeps all its digits: without zeros that say nothing, and with an exponent only where
    /// the number would be long without one.
    fn number(&mut self, out: &mut String) -> Result<(), String> {
        let start = self.at;
        let negative = self.take(b'-');
        let whole = self.digits();
        if whole.is_empty() || (whole.len() > 1 && self.text.as_bytes()[whole.start] == b'0') {
            return Err(self.wrong("no number is written so"));
        }
        let part = if self.take(b'.') { Some(self.digits()) } else { None };
        if part.as_ref().is_some_and(Range::is_empty) {
            return Err(self.wrong("a digit is missing"));
        }
        let mut exponent = 0i64;
        let has_exponent = self.take(b'e') || self.take(b'E');
        if has_exponent {
            let down = self.take(b'-');
            let _ = down || self.take(b'+');
            let digits = self.digits();
            let number = self.text[digits.clone()].parse::<i64>().ok();
            let number = number.filter(|number| *number < 1_000_000);
            exponent = number.ok_or_else(|| self.wrong("no exponent of a number"))?;
            exponent = if down { -exponent } else { exponent };
        }
        if part.is_none() && !has_exponent {
            // As most are: the text is the spelling.
            let is_zero = &self.text[whole] == "0";
            out.push_str(if is_zero { "0" } else { &self.text[start..self.at] });
            return Ok(());
        }
        let whole = &self.text[whole];
        let part = part.map_or("", |part| &self.text[part]);
        write_number(negative, whole, part, exponent, out);
        Ok(())
    }

    fn digits(&mut self) -> Range<usize> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        start..self.at
    }
}

/// The most zeros that are written to do without an exponent.
const ZEROS_MAX: i64 = 20;

fn write_number(negative: bool, whole: &str, part: &str, exponent: i64, out: &mut String) {
    let all = format!("{whole}{part}");
    let digits = all.trim_start_matches('0');
    // The number is 0.DIGITS times ten to this.
    let mut point = whole.len() as i64 - (all.len() - digits.len()) as i64 + exponent;
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return out.push('0');
    }
    if negative {
        out.push('-');
    }
    let count = digits.len() as i64;
    let zeros = |out: &mut String, zeros: i64| (0..zeros).for_each(|_| out.push('0'));
    if (1..=count).contains(&point) {
        let (whole, part) = digits.split_at(point as usize);
        out.push_str(whole);
        if !part.is_empty() {
            out.push('.');
            out.push_str(part);
        }
    } else if (count..=count + ZEROS_MAX).contains(&point) {
        out.push_str(digits);
        zeros(out, point - count);
    } else if (-ZEROS_MAX..=0).contains(&point) {
        out.push_str("0.");
        zeros(out, -point);
        out.push_str(digits);
    } else {
        point -= 1;
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        out.push('e');
        out.push_str(&point.to_string());
    }
}

/// Appends a text as a JSON string.
pub fn write_text(text: &str, out: &mut String) {
    out.push('"');
    text.chars().for_each(|sign| write_sign(sign, out));
    out.push('"');
}

fn write_sign(sign: char, out: &mut String) {
    match sign {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        sign if sign < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(sign))),
        sign => out.push(sign),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, String> {
        let mut out = String::new();
        canonical(text, &mut out).map(|()| out)
    }

    #[test]
    fn each_value_has_one_spelling() {
        for (text, wanted) in [
            (" { \"b\" : 1 , \"a\" : [ true , null ] } ", r#"{"a":[true,null],"b":1}"#),
            (r#"{"é":{"z":1,"y":2},"a":{}}"#, r#"{"a":{},"é":{"y":2,"z":1}}"#),
            (r#""\u00e9\ud83d\ude00\/\n\u0001""#, "\"é😀/\\n\\u0001\""),
            ("1.0", "1"),
            ("-0.0", "0"),
            ("-0", "0"),
            ("1e3", "1000"),
            ("1.50E-2", "0.015"),
            ("120e-1", "12"),
            ("1e300", "1e300"),
            ("123.456e-30", "1.23456e-28"),
            (
                "12345678901234567890.12345678901234567890",
                "12345678901234567890.1234567890123456789",
            ),
            ("[]", "[]"),
        ] {
            assert_eq!(of(text).as_deref(), Ok(wanted), "{text}");
            assert_eq!(of(wanted).as_deref(), Ok(wanted));
        }
    }

    #[test]
    fn what_is_no_json_is_refused_where_it_is_wrong() {
        for (text, wanted) in [
            ("", "a value is missing at character 1"),
            ("é", "no value at character 1"),
            ("[1,]", "no value at character 4"),
            ("{\"a\":1,}", "a name in quotes is missing at character 8"),
            ("{\"a\" 1}", "`:` is missing at character 6"),
            ("01", "no number is written so at character 3"),
            ("1.", "a digit is missing at character 3"),
            ("\"a", "a quote is not closed at character 2"),
            ("\"\\x\"", "no escape is written so at character 2"),
            ("\"\\ud800\"", "half a character at character 2"),
            ("1 2", "something stands behind the value at character 3"),
            ("{\"b\":1,\"a\":2,\"b\":3}", "the name \"b\" is there twice at character 20"),
            ("NaN", "no value at character 1"),
        ] {
            assert_eq!(of(text), Err(format!("not JSON: {wanted}")), "{text}");
        }
        assert!(of(&"[".repeat(200)).is_err_and(|reason| reason.contains("nested too deep")));
    }
}
