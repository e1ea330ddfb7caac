//! The parts of a JSON value in its one spelling, as pieces of its text.

use std::borrow::Cow;

/// What a JSON value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `{"a":1}`
    Object,
    /// `[1,2]`
    Array,
    /// `"a"`
    String,
    /// `1.5`
    Number,
    /// `true`, `false`
    Boolean,
    /// `null`
    Null,
}

impl Kind {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Object => "object",
            Kind::Array => "array",
            Kind::String => "string",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::Null => "null",
        }
    }
}

/// What a value is.
pub fn kind(json: &str) -> Kind {
    match json.as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::String,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'n') => Kind::Null,
        _ => Kind::Number,
    }
}

/// Where the value at the beginning of a text ends.
fn end_of_value(json: &str) -> usize {
    let bytes = json.as_bytes();
    match bytes.first() {
        Some(b'"') => end_of_string(bytes),
        Some(b'{' | b'[') => {
            let (mut depth, mut at) = (0, 0);
            while at < bytes.len() {
                match bytes[at] {
                    b'"' => {
                        at += end_of_string(&bytes[at..]);
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    break;
                }
            }
            at
        }
        _ => {
            bytes.iter().position(|byte| matches!(byte, b',' | b']' | b'}')).unwrap_or(bytes.len())
        }
    }
}

fn end_of_string(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at.min(bytes.len())..]) {
        at += found;
        match bytes[at] {
            b'"' => return at + 1,
            _ => at += 2,
        }
    }
    bytes.len()
}

/// The items of an array; of what is none, no items.
pub fn items(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = inside(json, Kind::Array);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (item, behind) = rest.split_at(end_of_value(rest));
        rest = behind.strip_prefix(',').unwrap_or(behind);
        Some(item)
    })
}

/// The names, in quotes, and values of an object; of what is none, nothing.
pub fn members(json: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = inside(json, Kind::Object);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (name, behind) = rest.split_at(end_of_value(rest));
        let behind = behind.strip_prefix(':').unwrap_or(behind);
        let (value, behind) = behind.split_at(end_of_value(behind));
        rest = behind.strip_prefix(',').unwrap_or(behind);
        Some((name, value))
    })
}

fn inside(json: &str, wanted: Kind) -> &str {
    if kind(json) == wanted && json.len() >= 2 { &json[1..json.len() - 1] } else { "" }
}

/// The value of a member of an object, by its name as it is spelled in JSON, quotes included.
pub fn member<'j>(json: &'j str, name: &str) -> Option<&'j str> {
    members(json).find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// How many items or members there are; none of what has neither.
pub fn length(json: &str) -> Option<usize> {
    match kind(json) {
        Kind::Object => Some(members(json).count()),
        Kind::Array => Some(items(json).count()),
        _ => None,
    }
}

/// The text that a JSON string is; of another value its spelling.
pub fn text_of(json: &str) -> Cow<'_, str> {
    if kind(json) != Kind::String || json.len() < 2 {
        return Cow::Borrowed(json);
    }
    let inner = &json[1..json.len() - 1];
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut plain = String::with_capacity(inner.len());
    let mut signs = inner.chars();
    while let Some(sign) = signs.next() {
        if sign != '\\' {
            plain.push(sign);
            continue;
        }
        match signs.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('b') => plain.push('\u{8}'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => {
                let digits: String = signs.by_ref().take(4).collect();
                let number = u32::from_str_radix(&digits, 16).unwrap_or_default();
                plain.extend(char::from_u32(number));
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found() {
        let json = r#"{"a":[1,{"b":"]}\\\""},""],"c":{},"d":-1.5}"#;
        assert_eq!(member(json, "\"a\""), Some(r#"[1,{"b":"]}\\\""},""]"#));
        assert_eq!(member(json, "\"d\""), Some("-1.5"));
        assert_eq!(member(json, "\"x\""), None);
        assert_eq!(length(json), Some(3));
        let list: Vec<&str> = items(member(json, "\"a\"").unwrap()).collect();
        assert_eq!(list, ["1", r#"{"b":"]}\\\""}"#, "\"\""]);
        assert_eq!(text_of(member(list[1], "\"b\"").unwrap()), "]}\\\"");
        assert_eq!((length("[]"), length("{}"), length("1")), (Some(0), Some(0), None));
        assert_eq!(items("1").count(), 0);
        assert_eq!(text_of("\"a\\u0001\\n\""), "a\u{1}\n");
    }
}
