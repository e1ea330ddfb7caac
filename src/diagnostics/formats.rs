//! Formats of numbers and times in other alphabets, as they are written here.

/// A picture of a number as SQL has it, `"999.00"`, as one of ours: `"##0.00"`.
pub(super) fn picture(quoted: &str) -> Option<String> {
    let text = quoted.trim_matches('"').trim_start_matches("FM").replace('9', "#");
    let whole = text.find('.').unwrap_or(text.len());
    let is_picture = whole > 0 && text.chars().all(|char| "#0,.".contains(char));
    // The last digit before the point is always there.
    let last = if text[..whole].ends_with('#') { whole - 1 } else { whole };
    let zero = if last < whole { "0" } else { "" };
    is_picture.then(|| format!("\"{}{zero}{}\"", &text[..last], &text[whole..]))
}

/// What shows a number as a format of Python does: `05d`, `.2f`, `,`, `.1%`.
pub fn picture_of_python(format: &str) -> Option<String> {
    let percent = format.ends_with('%');
    let digits = format.trim_end_matches(['d', 'f', '%']);
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let grouped = whole.ends_with([',', '_']);
    let width = whole.trim_end_matches([',', '_']);
    let width: usize = if width.is_empty() { 1 } else { width.parse().ok()? };
    let places: usize = if places.is_empty() { 0 } else { places.parse().ok()? };
    if width > 40 || places > 40 || format.is_empty() {
        return None;
    }
    let mut picture = if grouped { "#,##0".to_owned() } else { "0".repeat(width) };
    if places > 0 {
        picture.push('.');
        picture.push_str(&"0".repeat(places));
    }
    Some(if percent { picture + "%" } else { picture })
}

/// A format of times in the letters of SQL and Java, `"YYYY-MM-DD"`, as one of ours.
pub fn time_format(quoted: &str) -> Option<String> {
    let mut rest = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let has_half_days = rest.ends_with(" a") || rest.ends_with("AM") || rest.ends_with("PM");
    let (mut written, mut has_hour, mut has_day) = (String::new(), false, false);
    while let Some(first) = rest.chars().next() {
        if !first.is_ascii_alphabetic() {
            if matches!(first, '%' | '"' | '\\' | '{') {
                return None;
            }
            // Letters between single quotes are themselves.
            if first != '\'' {
                written.push(first);
            }
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let known = TIME_LETTERS.iter().find(|(letters, _)| rest.starts_with(letters));
        let (letters, field) = known.filter(|(letters, _)| {
            !rest[letters.len()..].starts_with(first) || matches!(*letters, "AM" | "PM")
        })?;
        let field = match *letters {
            "mm" if !has_hour && !rest.contains("MM") && !written.contains("%m") => "%m",
            "hh" | "HH" if has_half_days => "%I",
            _ => field,
        };
        has_hour |= matches!(field, "%H" | "%I");
        has_day |= matches!(field, "%d" | "%Y" | "%y" | "%m" | "%b" | "%B");
        written.push_str(field);
        rest = &rest[letters.len()..];
    }
    (has_hour || has_day).then(|| format!("\"{written}\""))
}

/// Fields of times in SQL and Java, the longer ones before those that they begin with.
const TIME_LETTERS: &[(&str, &str)] = &[
    ("YYYY", "%Y"),
    ("yyyy", "%Y"),
    ("YY", "%y"),
    ("yy", "%y"),
    ("MONTH", "%B"),
    ("Month", "%B"),
    ("MMMM", "%B"),
    ("MON", "%b"),
    ("Mon", "%b"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("MI", "%M"),
    ("mi", "%M"),
    ("mm", "%M"),
    ("DD", "%d"),
    ("dd", "%d"),
    ("HH24", "%H"),
    ("hh24", "%H"),
    ("HH12", "%I"),
    ("HH", "%H"),
    ("hh", "%H"),
    ("SS", "%S"),
    ("ss", "%S"),
    ("AM", "%p"),
    ("PM", "%p"),
    ("a", "%p"),
    ("T", "T"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_other_alphabets_are_ours() {
        for (theirs, ours) in [
            ("YYYY-MM-DD", Some("%Y-%m-%d")),
            ("yyyy-mm-dd", Some("%Y-%m-%d")),
            ("dd.MM.yyyy HH:mm:ss", Some("%d.%m.%Y %H:%M:%S")),
            ("yyyy-MM-dd'T'HH:mm", Some("%Y-%m-%dT%H:%M")),
            ("DD Mon YYYY HH24:MI", Some("%d %b %Y %H:%M")),
            ("hh:mm a", Some("%I:%M %p")),
            ("%Y-MM", None),
            ("at home", None),
            ("d/M/y", None),
            ("DDD", None),
        ] {
            let ours = ours.map(|ours| format!("\"{ours}\""));
            assert_eq!(time_format(&format!("\"{theirs}\"")), ours, "{theirs}");
        }
    }

    #[test]
    fn pictures_keep_their_last_digit() {
        assert_eq!(picture("\"FM9,999.00\"").as_deref(), Some("\"#,##0.00\""));
        assert_eq!(picture("\"99\"").as_deref(), Some("\"#0\""));
        assert_eq!(picture("\"x\""), None);
    }
}
