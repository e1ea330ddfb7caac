//! Texts as messages show them: data and names that may hold anything, and be of any length.

use crate::text::is_bidi_control;

/// A word of a message that has more characters is cut.
const WORD_MAX: usize = 1000;
/// So many of its characters are left, as of a piece of data.
const SHOWN: usize = 60;
/// A sentence that has more characters is cut.
const TEXT_MAX: usize = 4000;

/// A piece of data as it may be shown: control characters escaped, cut where it is long.
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => escaped(&text[..end]) + "…",
        None => escaped(text),
    }
}

/// Text with what a terminal would obey escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() || is_bidi_control(char) {
            out.extend(char.escape_default());
        } else {
            out.push(char);
        }
    }
    out
}

/// A sentence without the middle of words that nobody would read to their end, such as names of a
/// megabyte; quotes that are open are closed.
pub fn shortened(text: impl Into<String>) -> String {
    let text = text.into();
    if text.len() <= WORD_MAX {
        return text;
    }
    let mut out: String = text.split_inclusive(char::is_whitespace).map(short_word).collect();
    if let Some((end, _)) = out.char_indices().nth(TEXT_MAX) {
        out.truncate(end);
        out.push('…');
    }
    out
}

/// A help, cut as a sentence is, but for code: half of it would be pasted as if it were all, so it is left
/// out of a help that cannot be shown whole.
pub fn shortened_help(text: impl Into<String>) -> String {
    let text = text.into();
    let fits = |text: &str| {
        let mut words = text.split(char::is_whitespace);
        text.chars().nth(TEXT_MAX).is_none() && words.all(|word| short_word(word) == word)
    };
    if text.len() <= WORD_MAX || fits(&text) {
        return text;
    }
    // A name is cut as a word is.
    let is_code = |part: &str| part.contains(char::is_whitespace) && part.len() > SHOWN;
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(at, part)| if at % 2 == 1 && is_code(part) { "…" } else { part });
    let out = parts.collect::<Vec<_>>().join("`");
    let left_out = if out == text { "" } else { LEFT_OUT };
    match out.split_once('\n') {
        // Code on lines of its own.
        Some((sentence, _)) if !fits(&out) => shortened(sentence) + LEFT_OUT,
        _ => shortened(out) + left_out,
    }
}

/// Said where code is left out.
const LEFT_OUT: &str = " (the code is too long to be shown)";

/// A word, and the white space behind it if there is some.
fn short_word(word: &str) -> String {
    if word.len() <= WORD_MAX || word.chars().nth(WORD_MAX).is_none() {
        return word.to_owned();
    }
    let (word, blank) = word.split_at(word.trim_end().len());
    let end = word.char_indices().nth(SHOWN).map_or(word.len(), |(end, _)| end);
    let closes = |char: char| !char.is_alphanumeric() && char != '_';
    let behind = word.trim_end_matches(closes).len();
    // A word of nothing but signs has no end that closes something.
    let behind = if word.len() - behind > 8 { "" } else { &word[behind..] };
    format!("{}…{behind}{blank}", &word[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut_and_their_quotes_closed() {
        let long = "x".repeat(1_000_000);
        let told = shortened(format!("there is no `{long}`, nor {long} in a sentence"));
        let cut = "x".repeat(SHOWN);
        assert_eq!(told, format!("there is no `{}…`, nor {cut}… in a sentence", &cut[1..]));
        let path = format!("see /{}", "folder/".repeat(25));
        assert_eq!(shortened(path.clone()), path);
        assert_eq!(shortened("é".repeat(WORD_MAX)), "é".repeat(WORD_MAX));
        assert_eq!(shortened("é".repeat(WORD_MAX + 1)), "é".repeat(SHOWN) + "…");
        assert_eq!(shortened("$".repeat(2 * WORD_MAX)), "$".repeat(SHOWN) + "…");
        assert_eq!(shortened("ab ".repeat(5000)).chars().count(), TEXT_MAX + 1);
        let signs = "$".repeat(2 * WORD_MAX);
        assert_eq!(shortened(format!("{signs}\n  next")), "$".repeat(SHOWN) + "…\n  next");
    }

    #[test]
    fn code_of_helps_is_whole_or_left_out() {
        let line = "set a = 1\n";
        let code = line.repeat(TEXT_MAX / line.len() - 1);
        let whole = format!("write `{code}`");
        assert_eq!(shortened_help(whole.clone()), whole);
        let long = code.clone() + line;
        let left_out = format!("write `…` and `b`{LEFT_OUT}");
        assert_eq!(shortened_help(format!("write `{long}` and `b`")), left_out);
        let word = format!("set a = \"{}\"", "x".repeat(2 * WORD_MAX));
        assert_eq!(shortened_help(format!("write `{word}` and `b`")), left_out);
        let lines = shortened_help(format!("write these lines:\n{long}"));
        assert_eq!(lines, format!("write these lines:{LEFT_OUT}"));
        let name = format!("did you mean `{}`?", "x".repeat(2 * WORD_MAX));
        assert_eq!(shortened_help(name), format!("did you mean `{}…`?", "x".repeat(SHOWN - 1)));
    }
}
