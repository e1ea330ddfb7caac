//! Words and places where a line may end become lines: a group that fits is one line, and one
//! that does not, or that must not, ends a line at each of its places.

use super::WIDTH;

/// A piece of a layout.
pub(super) enum Op {
    /// Text; only the content of long texts has line ends.
    Text(String),
    /// A line end if the group is broken, or else this.
    Line(&'static str),
    /// A line end.
    Hard,
    /// An empty line, before the next line.
    Blank,
    /// Text of a broken group.
    Broken(String),
    /// Text of a group that is one line.
    Flat(&'static str),
    /// The group around is broken.
    Force,
    Begin,
    End,
    Indent,
    Dedent,
    /// A comment behind what stands on the line.
    Behind(String),
    /// A comment on a line of its own.
    Own(String),
}

struct Printer {
    out: String,
    /// What ends a line: `\n` or `\r\n`.
    end: &'static str,
    indent: usize,
    column: usize,
    /// How far this line is indented.
    line_indent: usize,
    /// Nothing stands on this line.
    is_new: bool,
    /// What ends the line.
    behind: String,
    /// How many lines have ended.
    line: usize,
    /// The comments behind lines so far.
    comments: Vec<Placed>,
}

/// A comment behind a line.
struct Placed {
    line: usize,
    /// How far the line is indented.
    indent: usize,
    /// The first byte of the blank before it.
    start: usize,
    /// How wide what stands before it is.
    before: usize,
    width: usize,
}

/// Prints without a line end behind it.
pub(super) fn print(ops: &[Op], end: &'static str) -> String {
    let mut printer = Printer {
        out: String::new(),
        end,
        indent: 0,
        column: 0,
        line_indent: 0,
        is_new: true,
        behind: String::new(),
        line: 0,
        comments: vec![],
    };
    let mut broken = vec![true];
    for (at, op) in ops.iter().enumerate() {
        let is_broken = *broken.last().expect("the outermost is never taken off");
        match op {
            Op::Text(text) => printer.text(text),
            Op::Broken(text) if is_broken => printer.text(text),
            Op::Flat(text) if !is_broken => printer.text(text),
            Op::Line(_) if is_broken => printer.newline(),
            Op::Line(flat) => printer.text(flat),
            Op::Hard => printer.newline(),
            Op::Blank => printer.blank(),
            Op::Begin => broken.push(!fits(&ops[at + 1..], WIDTH.saturating_sub(printer.at()))),
            Op::End => {
                broken.pop();
            }
            Op::Indent => printer.indent += 2,
            Op::Dedent => printer.indent -= 2,
            Op::Behind(text) if printer.behind.is_empty() => printer.behind.push_str(text),
            Op::Behind(text) | Op::Own(text) => {
                printer.newline();
                printer.text(text);
                printer.newline();
            }
            Op::Broken(_) | Op::Flat(_) | Op::Force => {}
        }
    }
    if !printer.behind.is_empty() {
        printer.newline();
    }
    printer.out.truncate(printer.out.trim_end_matches(['\r', '\n']).len());
    printer.align_comments();
    printer.out
}

impl Printer {
    fn at(&self) -> usize {
        if self.is_new { self.indent } else { self.column }
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if !self.behind.is_empty() && text != "," {
            self.newline();
        }
        let text = if self.is_new { text.trim_start_matches(' ') } else { text };
        if text.is_empty() {
            return;
        }
        if self.is_new {
            self.out.extend(std::iter::repeat_n(' ', self.indent));
            (self.column, self.line_indent) = (self.indent, self.indent);
        }
        self.is_new = false;
        self.out.push_str(text);
        self.column = match text.rsplit_once('\n') {
            Some((before, last)) => {
                self.line += 1 + before.matches('\n').count();
                last.chars().count()
            }
            None => self.column + text.chars().count(),
        };
    }

    fn newline(&mut self) {
        if self.is_new {
            return;
        }
        let end = self.out.trim_end_matches(' ').len();
        let before = self.column - (self.out.len() - end);
        self.out.truncate(end);
        if !self.behind.is_empty() {
            let width = self.behind.chars().count();
            let start = self.out.len();
            self.comments.push(Placed {
                line: self.line,
                indent: self.line_indent,
                start,
                before,
                width,
            });
            self.out.push(' ');
            self.out.push_str(&self.behind);
            self.behind.clear();
        }
        self.out.push_str(self.end);
        self.line += 1;
        self.is_new = true;
    }

    fn blank(&mut self) {
        self.newline();
        let is_blank = self.out.strip_suffix(self.end).is_none_or(|out| out.ends_with('\n'));
        if !is_blank {
            self.out.push_str(self.end);
            self.line += 1;
        }
    }

    /// Puts comments behind lines that follow each other in one column, if they fit there.
    fn align_comments(&mut self) {
        let follows =
            |one: &Placed, next: &Placed| next.line == one.line + 1 && next.indent == one.indent;
        let mut pads = vec![];
        for section in self.comments.chunk_by(follows) {
            let column = section.iter().map(|one| one.before).max().unwrap_or(0);
            if section.iter().all(|one| column + 1 + one.width <= WIDTH) {
                pads.extend(section.iter().map(|one| (one.start, column - one.before)));
            }
        }
        for (start, pad) in pads.into_iter().rev() {
            self.out.insert_str(start, &" ".repeat(pad));
        }
    }
}

/// Is the group that begins here one line, with what cannot be parted from it?
fn fits(ops: &[Op], mut room: usize) -> bool {
    let mut depth = 1;
    for op in ops {
        let text = match op {
            Op::Text(text) => text.as_str(),
            Op::Broken(text) if depth <= 0 => text,
            Op::Line(_) if depth <= 0 => return true,
            Op::Line(text) | Op::Flat(text) => text,
            Op::Begin if depth > 0 => {
                depth += 1;
                ""
            }
            Op::End => {
                depth -= 1;
                ""
            }
            Op::Hard | Op::Blank | Op::Behind(_) | Op::Own(_) | Op::Force => return depth <= 0,
            Op::Begin | Op::Broken(_) | Op::Indent | Op::Dedent => "",
        };
        let (first, is_long) = match text.split_once('\n') {
            Some((first, _)) => (first, true),
            None => (text, false),
        };
        let width = first.chars().count();
        if width > room {
            return false;
        }
        if is_long {
            return true;
        }
        room -= width;
    }
    true
}
