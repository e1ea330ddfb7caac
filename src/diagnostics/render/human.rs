//! For a person: the sentence, the lines it is about with marks below them, the help.
//!
//! miette draws; what it reads of the file is [`Lines`], which finds lines by the file's table of
//! them instead of counting from the beginning for each label.

use super::{short, word};
use crate::diagnostics::{Diagnostic, Severity};
use crate::text::{File, Files};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents,
};
use std::fmt;

/// Lines longer than this are not drawn: nobody could see the marks.
const LINE_BYTES_MAX: usize = 1000;

/// Labels that are at most this many lines apart are shown in one piece.
const GAP_LINES_MAX: usize = 3;

/// One diagnostic.
pub(super) fn human(found: &Diagnostic, files: &Files, colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    // A help may be code, which is pasted as it stands: what does not fit, the terminal wraps.
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(100)
        .with_wrap_lines(false)
        .without_cause_chain();
    let file = files.get(found.span().file);
    let of_file = found.labels.iter().filter(|label| label.span.file == found.span().file);
    let drawn = of_file.clone().all(|label| {
        let (bytes, ..) = file.lines_around(label.span.range(), 1);
        let lines = file.text[bytes].split('\n');
        lines.map(str::len).max().unwrap_or(0) <= LINE_BYTES_MAX
    });
    let shown = Shown {
        found,
        lines: drawn.then_some(Lines(file)),
        head: format!("{}[{}]", word(found.severity), found.code),
    };
    let mut out = String::new();
    if handler.render_report(&mut out, &shown).is_err() {
        return short(found, files);
    }
    if !drawn {
        for label in of_file {
            let at = files.position(label.span);
            out.push_str(&format!("  {}:{}:{}: {}\n", file.path, at.line, at.column, label.text));
        }
    }
    // Of a place in another file, where it is.
    for label in found.labels.iter().filter(|label| label.span.file != found.span().file) {
        let (file, at) = (files.get(label.span.file), files.position(label.span));
        let place = format!("{}:{}:{}", file.path, at.line, at.column);
        out = format!("{}\n  {place}: {}\n", out.trim_end(), label.text);
    }
    format!("{}\n", out.trim_end())
}

/// A diagnostic as miette wants it.
struct Shown<'d> {
    found: &'d Diagnostic,
    lines: Option<Lines<'d>>,
    head: String,
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.head))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.found.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.found.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.lines.as_ref().map(|lines| lines as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let main = self.found.span();
        let labels = self.found.labels.iter().filter(move |label| label.span.file == main.file);
        Some(Box::new(labels.enumerate().map(|(at, label)| {
            let text = (!label.text.is_empty()).then(|| label.text.clone());
            let span = (label.span.start as usize, label.span.range().len());
            if at == 0 {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            }
        })))
    }
}

/// A file from which miette reads the lines that it draws.
struct Lines<'f>(&'f File);

impl SourceCode for Lines<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let file = self.0;
        let wanted = span.offset()..span.offset() + span.len();
        if wanted.end > file.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        // Without context it is asked only where the place is.
        let (bytes, line, lines) = file.lines_around(wanted.clone(), before.max(after));
        let (bytes, column) = match before.max(after) {
            0 => (wanted, file.position(span.offset()).column - 1),
            _ => (bytes, 0),
        };
        let data = &file.text.as_bytes()[bytes.clone()];
        let place = SourceSpan::from((bytes.start, bytes.len()));
        let path = file.path.clone();
        let lines = lines + GAP_LINES_MAX;
        Ok(Box::new(MietteSpanContents::new_named(path, data, place, line, column, lines)))
    }
}
