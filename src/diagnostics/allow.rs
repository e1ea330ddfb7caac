//! Warnings that the text allows: `# allow: W0602 each day has a file of its own`, behind the line or
//! in a comment above it.
//!
//! A comment that allows what is not there would hide the next warning at its place, so it is a
//! finding itself, and so is one that does not say why.

use super::{Code, Diagnostic, Diagnostics, Severity, nearest};
use crate::syntax::{TokenKind, tokens};
use crate::text::{FileId, Files, Span};

/// A comment that allows warnings.
struct Allow {
    comment: Span,
    /// The line that it is about, from 1.
    line: usize,
    /// The codes as they are written, and which of them have allowed something.
    codes: Vec<(Span, bool)>,
    has_reason: bool,
}

/// Takes out the warnings that comments allow, and puts in what is wrong with these comments.
pub fn allow(found: &mut Diagnostics, files: &Files) {
    let comments: Vec<Span> = files.ids().flat_map(|id| comments_of(id, files)).collect();
    let mut allows: Vec<Allow> =
        comments.iter().filter_map(|comment| allow_of(*comment, files)).collect();
    let without_colon = comments.iter().filter_map(|comment| without_colon(*comment, files));
    let without_colon: Vec<Diagnostic> = without_colon.collect();
    if allows.is_empty() && without_colon.is_empty() {
        return;
    }
    found.retain(|one| !is_allowed(one, &mut allows, files));
    // What an error hides may be what is allowed.
    if found.has_errors() {
        return;
    }
    without_colon.into_iter().for_each(|one| found.push(one));
    for allow in &allows {
        let unused = allow.codes.iter().filter(|(_, is_used)| !is_used);
        for (code, _) in unused.clone() {
            found.push(allows_nothing(allow, *code, files));
        }
        if !allow.has_reason && unused.count() < allow.codes.len() {
            found.push(without_reason(allow, files));
        }
    }
    found.sort();
}

fn is_allowed(found: &Diagnostic, allows: &mut [Allow], files: &Files) -> bool {
    if found.severity != Severity::Warning {
        return false;
    }
    let (file, line) = (found.span().file, files.position(found.span()).line);
    let mut is_allowed = false;
    for allow in allows.iter_mut().filter(|one| one.comment.file == file && one.line == line) {
        for (code, is_used) in &mut allow.codes {
            let is_it = Code::parse(files.text(*code)) == Some(found.code);
            *is_used |= is_it;
            is_allowed |= is_it;
        }
    }
    is_allowed
}

/// The comments of a file in which something may be allowed.
fn comments_of(id: FileId, files: &Files) -> Vec<Span> {
    let text = &files.get(id).text;
    if !text.contains("allow") {
        return vec![];
    }
    let comments = tokens(text).into_iter().filter(|token| token.kind == TokenKind::Comment);
    comments.map(|token| Span::new(id, token.range().start, token.range().end)).collect()
}

/// The line that a comment is about: of one that stands alone, the next that is no comment.
fn line_of(comment: Span, files: &Files) -> usize {
    let (file, own) = (files.get(comment.file), files.position(comment).line);
    let is_comment = |line: &usize| file.line(*line).trim_start().starts_with('#');
    (own..=file.line_count()).find(|line| !is_comment(line)).unwrap_or(own)
}

fn allow_of(comment: Span, files: &Files) -> Option<Allow> {
    let text = files.text(comment);
    let said = text.strip_prefix('#')?.trim_start().strip_prefix("allow:")?;
    let (mut codes, mut rest) = (vec![], said.trim_start());
    loop {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
        let (code, behind) = rest.split_at(end.unwrap_or(rest.len()));
        let start = comment.end - rest.len() as u32;
        codes.push((Span { start, end: start + code.len() as u32, ..comment }, false));
        rest = behind.trim_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => break,
        }
    }
    let has_reason = rest.contains(char::is_alphanumeric);
    Some(Allow { comment, line: line_of(comment, files), codes, has_reason })
}

/// W0022: `# allow W0404`, which is a comment as any other.
fn without_colon(comment: Span, files: &Files) -> Option<Diagnostic> {
    let text = files.text(comment);
    let behind = text.strip_prefix('#')?.trim_start().strip_prefix("allow ")?;
    let end = behind.find(|sign: char| !sign.is_ascii_alphanumeric()).unwrap_or(behind.len());
    let code = Code::parse(&behind[..end])?;
    let start = comment.end - behind.len() as u32 - 1;
    let place = Span { start, end: start, ..comment };
    let message = "a comment allows a warning only with a `:` behind `allow`";
    let found = Diagnostic::new(Code::W0022, message, comment, "allows nothing");
    Some(found.help(format!("write `# allow: {code} …`")).fix(place, ":"))
}

/// W0022: a code that takes nothing out.
fn allows_nothing(allow: &Allow, code: Span, files: &Files) -> Diagnostic {
    let written = files.text(code);
    let warnings = || Code::ALL.iter().filter(|code| code.severity() == Severity::Warning);
    match Code::parse(written) {
        Some(known) if known.severity() == Severity::Warning => {
            let message = format!("there is no {known} here to allow");
            let (span, text) = without(allow, code, files);
            Diagnostic::new(Code::W0022, message, code, "allows nothing")
                .help("leave it out")
                .fix(span, text)
        }
        Some(known) => {
            let message = format!("{known} is an error, and only warnings can be allowed");
            Diagnostic::new(Code::W0022, message, code, "allows nothing")
                .help(format!("mend what {known} says: `batchc explain {known}`"))
        }
        None => {
            let message = match written {
                "" => "this comment allows no warning".to_owned(),
                written => format!("there is no warning `{written}`"),
            };
            let found = Diagnostic::new(Code::W0022, message, code, "allows nothing");
            match nearest(written, warnings().map(|code| code.as_str())) {
                Some(near) if !written.is_empty() => found.did_you_mean(code, written, near),
                _ => found.help("write the code that the warning shows: `# allow: W0404 …`"),
            }
        }
    }
}

/// What to replace, and by what, so that one code is left out of a comment, or all of it if it is the
/// only one.
fn without(allow: &Allow, code: Span, files: &Files) -> (Span, String) {
    let mut left = allow.codes.iter().filter(|(other, _)| *other != code);
    let Some((first, _)) = left.next() else { return (whole(allow.comment, files), String::new()) };
    let last = left.next_back().map_or(*first, |(last, _)| *last);
    if code.start < first.start {
        return (Span { end: first.start, ..code }, String::new());
    }
    let before = allow.codes.iter().rev().find(|(other, _)| other.end < code.start);
    let start = before.map_or(last.end, |(before, _)| before.end);
    (Span { start, ..code }, String::new())
}

/// A comment with the blanks before it; with its line, where it stands alone.
fn whole(comment: Span, files: &Files) -> Span {
    let (before, behind) = files.around(comment);
    let blanks = before.len() - before.trim_end_matches([' ', '\t']).len();
    let start = comment.start - blanks as u32;
    let is_alone = before.len() == blanks || before[..before.len() - blanks].ends_with('\n');
    let line_end = u32::from(is_alone && behind.starts_with('\n'));
    Span { start, end: comment.end + line_end, ..comment }
}

/// W0023: warnings are allowed, and nobody knows why.
fn without_reason(allow: &Allow, files: &Files) -> Diagnostic {
    let codes: Vec<&str> = allow.codes.iter().map(|(code, _)| files.text(*code)).collect();
    let codes = codes.join(", ");
    let message = format!("this does not say why {codes} is meant here");
    Diagnostic::new(Code::W0023, message, allow.comment, "no reason behind the code")
        .help(format!("write the reason behind it: `# allow: {codes} …`"))
}
