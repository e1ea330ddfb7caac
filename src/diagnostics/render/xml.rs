//! Text as XML may hold it.

/// As the value of an attribute, in one line.
pub fn attribute(text: &str) -> String {
    escaped(text, true)
}

/// Between tags.
pub fn text(text: &str) -> String {
    escaped(text, false)
}

/// Control characters have no form in XML.
fn escaped(text: &str, is_attribute: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' if is_attribute => out.push(' '),
            '\n' | '\t' => out.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}');
            }
            letter => out.push(letter),
        }
    }
    out
}
