//! `parse_grok`: patterns put together of named ones, `%{IP:client} %{NUMBER:bytes:int}`.
//!
//! A pattern becomes one regular expression before anything runs; the names in it are the fields of
//! the result.

use crate::data::parse::{float, int, refuse};
use crate::functions::columns::{Prepared, literal_text};
use crate::functions::kernel::{Call, LiteralError};
use crate::functions::records::{Cell, read_records_with};
use crate::functions::regex::{Groups, compile, groups_of_all};
use crate::types::{DataType, Field, Scalar};
use regex::Regex;
use std::sync::Arc;

/// The named patterns: each may be made of others.
const PATTERNS: &[(&str, &str)] = &[
    // Words
    ("WORD", r"\b\w+\b"),
    ("NOTSPACE", r"\S+"),
    ("SPACE", r"\s*"),
    ("DATA", r".*?"),
    ("GREEDYDATA", r".*"),
    ("QUOTEDSTRING", r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"#),
    ("QS", r"%{QUOTEDSTRING}"),
    ("UUID", r"[[:xdigit:]]{8}(?:-[[:xdigit:]]{4}){3}-[[:xdigit:]]{12}"),
    ("USERNAME", r"[\w.-]+"),
    ("USER", r"%{USERNAME}"),
    ("EMAILADDRESS", r"[\w!#$%&'*+/=?^`{|}~.-]+@%{HOSTNAME}"),
    // Numbers
    ("INT", r"[+-]?\d+"),
    ("BASE10NUM", r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"),
    ("NUMBER", r"%{BASE10NUM}(?:[eE][+-]?\d+)?"),
    ("BASE16NUM", r"[+-]?(?:0[xX])?[[:xdigit:]]+"),
    ("POSINT", r"\b[1-9]\d*\b"),
    ("NONNEGINT", r"\b\d+\b"),
    // Networks
    ("MAC", r"(?:[[:xdigit:]]{2}[:-]){5}[[:xdigit:]]{2}|(?:[[:xdigit:]]{4}\.){2}[[:xdigit:]]{4}"),
    ("IPV4", r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"),
    ("IPV6", r"[[:xdigit:]]{0,4}(?::[[:xdigit:]]{0,4}){2,7}(?::%{IPV4})?(?:%[\w.]+)?"),
    ("IP", r"%{IPV4}|%{IPV6}"),
    (
        "HOSTNAME",
        r"\b[0-9A-Za-z](?:[0-9A-Za-z_-]{0,62})(?:\.[0-9A-Za-z](?:[0-9A-Za-z_-]{0,62}))*\.?",
    ),
    ("HOST", r"%{HOSTNAME}"),
    ("IPORHOST", r"%{IP}|%{HOSTNAME}"),
    ("HOSTPORT", r"%{IPORHOST}:%{POSINT}"),
    // Paths and URLs
    ("UNIXPATH", r"(?:/[^\s/]*)+"),
    ("WINPATH", r"(?:[A-Za-z]:|\\)(?:\\[^\\?*]*)+"),
    ("PATH", r"%{UNIXPATH}|%{WINPATH}"),
    ("URIPROTO", r"[A-Za-z][A-Za-z0-9+.-]*"),
    ("URIHOST", r"%{IPORHOST}(?::%{POSINT})?"),
    ("URIPATH", r"(?:/[^\s?#]*)+"),
    ("URIPARAM", r"\?[^\s#]*"),
    ("URIPATHPARAM", r"%{URIPATH}(?:%{URIPARAM})?"),
    ("URI", r"%{URIPROTO}://(?:%{USER}(?::[^@\s]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?"),
    // Times
    (
        "MONTH",
        r"\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b",
    ),
    ("MONTHNUM", r"0?[1-9]|1[0-2]"),
    ("MONTHDAY", r"0[1-9]|[12]\d|3[01]|[1-9]"),
    (
        "DAY",
        r"\b(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)\b",
    ),
    ("YEAR", r"\d{4}|\d\d"),
    ("HOUR", r"2[0-3]|[01]?\d"),
    ("MINUTE", r"[0-5]\d"),
    ("SECOND", r"(?:[0-5]\d|60)(?:[:.,]\d+)?"),
    ("TIME", r"%{HOUR}:%{MINUTE}(?::%{SECOND})?"),
    ("DATE_US", r"%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}"),
    ("DATE_EU", r"%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}"),
    ("DATE", r"%{DATE_US}|%{DATE_EU}"),
    ("ISO8601_TIMEZONE", r"Z|[+-]%{HOUR}(?::?%{MINUTE})"),
    (
        "TIMESTAMP_ISO8601",
        r"\d{4}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?(?:%{ISO8601_TIMEZONE})?",
    ),
    ("HTTPDATE", r"%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}"),
    ("SYSLOGTIMESTAMP", r"%{MONTH} +%{MONTHDAY} %{TIME}"),
    // Logs
    (
        "LOGLEVEL",
        r"(?i:trace|debug|info(?:rmation)?|notice|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe|alert|emerg(?:ency)?)",
    ),
    ("PROG", r"[\x21-\x5a\x5c\x5e-\x7e]+"),
    ("SYSLOGPROG", r"%{PROG:program}(?:\[%{POSINT:pid:int}\])?"),
    (
        "COMMONAPACHELOG",
        r#"%{IPORHOST:clientip} %{NOTSPACE:ident} %{NOTSPACE:auth} \[%{HTTPDATE:timestamp}\] "(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})" %{INT:response:int} (?:%{INT:bytes:int}|-)"#,
    ),
    ("COMBINEDAPACHELOG", r"%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}"),
];

/// Patterns that are made of others go no deeper.
const DEPTH_MAX: usize = 16;

/// A pattern that was put together.
pub struct Grok {
    /// What matches it.
    pub regex: Regex,
    /// The names in it and what they are read as; null where a name can be left out.
    pub fields: Vec<Field>,
}

/// The types that a name in a pattern may have.
const TYPES: &[(&str, DataType)] =
    &[("int", DataType::Int), ("float", DataType::Float), ("string", DataType::String)];

/// Puts a pattern together; an error says in one line what is wrong with it.
pub fn grok(pattern: &str) -> Result<Grok, String> {
    let (mut text, mut types) = (String::new(), vec![]);
    expand(pattern, 0, &mut text, &mut types)?;
    let regex = compile(&text).map_err(|reason| match reason.contains("duplicate") {
        true => "two names in the pattern are the same; give one of them another name, as `%{INT:bytes}`".to_owned(),
        false => reason,
    })?;
    let needed = groups_of_all(&regex);
    let names = regex.capture_names().flatten();
    let fields: Vec<Field> = names
        .map(|name| {
            let ty = types.iter().find(|(typed, _)| typed == name);
            let data = ty.map_or(DataType::String, |(_, ty)| ty.clone());
            let nullable = !needed.iter().any(|one| one == name);
            Field::new(name, crate::types::Type { data, nullable })
        })
        .collect();
    match fields.is_empty() {
        true => {
            Err("the pattern names nothing; a part is named as in `%{WORD:name}` or `(?<name>…)`"
                .into())
        }
        false => Ok(Grok { regex, fields }),
    }
}

/// Writes the pattern with its named patterns put in.
fn expand(
    pattern: &str,
    depth: usize,
    out: &mut String,
    types: &mut Vec<(String, DataType)>,
) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err("its patterns are made of one another".into());
    }
    let mut rest = pattern;
    while let Some(at) = rest.find("%{") {
        out.push_str(&rest[..at]);
        let Some((inner, behind)) = rest[at + 2..].split_once('}') else {
            return Err("a `%{` in the pattern is not closed; write `}` behind the name".into());
        };
        let mut parts = inner.split(':');
        let name = parts.next().unwrap_or_default();
        let (field, ty, more) = (parts.next(), parts.next(), parts.next());
        let Some((_, named)) = PATTERNS.iter().find(|(known, _)| *known == name) else {
            let near = crate::diagnostics::nearest(name, PATTERNS.iter().map(|(known, _)| *known));
            let help = near.map_or_else(
                || "write what it matches as a regular expression: `(?<name>[a-z]+)`".to_owned(),
                |near| format!("did you mean `%{{{near}}}`?"),
            );
            return Err(format!("there is no pattern `%{{{name}}}`; {help}"));
        };
        match field {
            None => out.push_str("(?:"),
            Some(field) => {
                let field = field_name(field)?;
                let ty = match (ty, more) {
                    (None, _) => DataType::String,
                    (Some(ty), None)
                        if let Some((_, ty)) = TYPES.iter().find(|(t, _)| *t == ty) =>
                    {
                        ty.clone()
                    }
                    _ => {
                        return Err(format!(
                            "`%{{{inner}}}` has none of the types that a part may have; they are `int`, `float` and `string`"
                        ));
                    }
                };
                out.push_str(&format!("(?<{field}>"));
                types.push((field, ty));
            }
        }
        expand(named, depth + 1, out, types)?;
        out.push(')');
        rest = behind;
    }
    out.push_str(rest);
    Ok(())
}

/// `[client][ip]` and `client.ip` are spelled `client_ip`.
fn field_name(field: &str) -> Result<String, String> {
    let name = super::pairs::name_of(&field.replace("][", "_").replace(['[', ']'], ""));
    match name.trim_matches('_').is_empty() {
        true => Err(format!("`{field}` is no name; letters, digits and `_` make one")),
        false => Ok(name),
    }
}

fn wrong(reason: String) -> LiteralError {
    LiteralError { argument: 1, reason }
}

/// A field for each name in the pattern; null where the name can be left out.
pub(super) fn shape(literals: &[Option<Scalar>]) -> Result<DataType, LiteralError> {
    let Some(Some(Scalar::String(pattern))) = literals.get(1) else {
        let reason = "the pattern must be a literal, as it decides the fields of the result; write the pattern itself: `r\"%{IP:client} %{WORD:verb}\"`";
        return Err(wrong(reason.into()));
    };
    Ok(DataType::Record(grok(pattern).map_err(wrong)?.fields.into()))
}

/// `parse_grok(text, pattern)`
pub(super) fn parse_grok(call: &Call) -> Prepared {
    let grok = grok(literal_text(call, 1)?).map_err(wrong)?;
    let names: Vec<Option<&str>> = grok.regex.capture_names().collect();
    let fields: Vec<(usize, DataType)> = grok
        .fields
        .iter()
        .filter_map(|field| {
            let group = names.iter().position(|found| *found == Some(&*field.name))?;
            Some((group, field.ty.data.clone()))
        })
        .collect();
    let groups = Arc::new(Groups::new(grok.regex));
    let places = {
        let groups = groups.clone();
        move || groups.places()
    };
    read_records_with(call, places, move |places, text, cells| {
        if !groups.read(text, places) {
            return Err(refuse(text, "no match of the pattern"));
        }
        for (cell, (group, ty)) in cells.iter_mut().zip(&fields) {
            let Some((start, end)) = places.get(*group) else { continue };
            let piece = &text[start..end];
            let refused = |reason: crate::data::parse::Reason| refuse(piece, &reason);
            *cell = match ty {
                DataType::Int => Cell::Int(int(piece.as_bytes()).map_err(refused)?),
                DataType::Float => Cell::Float(float(piece.as_bytes(), false).map_err(refused)?),
                _ => Cell::text(piece),
            };
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_of_the_step_lists_all_patterns() {
        let page = include_str!("../../../docs/language/steps.md");
        for (name, _) in super::PATTERNS {
            assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/language/steps.md");
        }
    }
}
