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
    /// Nothing stands on this line.
    is_new: bool,
    /// What ends the line.
    behind: String,
}

/// Prints without a line end behind it.
pub(super) fn print(ops: &[Op], end: &'static str) -> String {
    let behind = String::new();
    let mut printer =
        Printer { out: String::new(), end, indent: 0, column: 0, is_new: true, behind };
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
            self.column = self.indent;
        }
        self.is_new = false;
        self.out.push_str(text);
        self.column = match text.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => self.column + text.chars().count(),
        };
    }

    fn newline(&mut self) {
        if self.is_new {
            return;
        }
        self.out.truncate(self.out.trim_end_matches(' ').len());
        if !self.behind.is_empty() {
            self.out.push(' ');
            self.out.push_str(&self.behind);
            self.behind.clear();
        }
        self.out.push_str(self.end);
        self.is_new = true;
    }

    fn blank(&mut self) {
        self.newline();
        let is_blank = self.out.strip_suffix(self.end).is_none_or(|out| out.ends_with('\n'));
        if !is_blank {
            self.out.push_str(self.end);
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
