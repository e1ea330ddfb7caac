//! Statements, and parts of them, as SQL writes them.

use super::{Foreign, Habit, Line};
use crate::diagnostics::foreign;
use crate::syntax::is_name;
use crate::syntax::tokens::TokenKind;

/// Does a value begin here that no word of a step is?
fn is_value(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || first == '"')
        || matches!(text, "true" | "false" | "-" | "[" | "(" | "@")
}

/// A name for a column that files call so, in quotes.
pub(in crate::syntax) fn column_name(quoted: &str) -> Option<String> {
    let name = quoted.trim_matches('"').to_lowercase();
    let name = name.replace(|sign: char| !sign.is_alphanumeric(), "_");
    is_name(&name).then_some(name)
}

impl Line<'_> {
    /// What begins a statement, or belongs to it.
    pub(super) fn statement(&self, at: usize) -> Option<Habit> {
        let rest = |from: usize| self.slice(from..self.at.len());
        let verb = self.text(0);
        Some(match (self.text(at), self.text(at + 1)) {
            ("outer", "join") if at > 0 => {
                let written = format!("{} {}", self.slice(0..at), rest(at + 1));
                Habit { place: 0..self.at.len(), written, foreign: Foreign::Form("outer") }
            }
            ("select", "*") if at == 0 && self.text(2) == "," => return self.more_columns(),
            ("distinct", _) if at == 0 && self.at.len() > 1 => {
                let from = 1 + usize::from(matches!(self.text(1), "on" | "by"));
                let keys = rest(from).trim_start_matches('(').trim_end_matches(')');
                let written = format!("dedupe by {keys}");
                Habit { place: 0..self.at.len(), written, foreign: Foreign::Form("distinct") }
            }
            ("union" | "drop", "all" | "column" | "columns") if at == 0 && self.at.len() > 2 => {
                let foreign = if verb == "union" { "union all" } else { "drop column" };
                Habit {
                    place: 0..self.at.len(),
                    written: format!("{verb} {}", rest(2)),
                    foreign: Foreign::Form(foreign),
                }
            }
            ("using", "(") if verb == "join" || self.text(1) == "join" => {
                let end = self.behind(at + 1)?;
                let written = format!("on {}", self.slice(at + 2..end - 1));
                Habit { place: at..end, written, foreign: Foreign::Form("using") }
            }
            (sign @ ("to" | "->"), _) if verb == "rename" && at > 1 => {
                let written = format!("{} as {}", self.slice(0..at), rest(at + 1));
                let foreign = if sign == "to" { "to" } else { "->" };
                Habit { place: 0..self.at.len(), written, foreign: Foreign::Form(foreign) }
            }
            ("warn" | "drop" | "fail" | "quarantine", _)
                if verb == "expect" && at > 1 && self.text(at - 1) != "else" =>
            {
                let is_else = matches!(self.text(at - 1), "otherwise" | "or" | "then" | "on_fail");
                // `on fail drop`
                let on = [at - 1, at - 2].into_iter().find(|on| self.text(*on) == "on");
                let end = on.unwrap_or(at - usize::from(is_else));
                let is_doubled = on == Some(at - 1) && self.is_word(at + 1);
                let action = rest(at + usize::from(is_doubled));
                let written = format!("{} else {action}", self.slice(0..end));
                Habit { place: 0..self.at.len(), written, foreign: Foreign::ExpectAlone }
            }
            ("sort", "by") if at == 0 && self.at.len() > 2 => {
                let written = format!("sort {}", rest(2));
                Habit { place: 0..self.at.len(), written, foreign: Foreign::Form("sort by") }
            }
            ("dedupe", next) if at == 0 && (next != "by" || self.at.len() > 3) => {
                return self.dedupe();
            }
            ("select", "*") if at == 0 && self.text(2) == "from" && self.at.len() == 4 => {
                let written = format!("from {}", self.text(3));
                Habit { place: 0..4, written, foreign: Foreign::Form("select *") }
            }
            ("agg" | "aggregate", "(") if verb == "group" && at > 2 => {
                let end = self.behind(at + 1)?;
                let values = self.slice(at + 2..end - 1);
                let name = if self.text(at + 3) == "=" { "" } else { "value = " };
                let written = format!("{{ {name}{values} }}");
                Habit { place: at..end, written, foreign: Foreign::Form("agg") }
            }
            _ => return self.assignment(at),
        })
    }

    /// What stands between a column and the value or type that it gets.
    fn assignment(&self, at: usize) -> Option<Habit> {
        let rest = |from: usize| self.slice(from..self.at.len());
        let verb = self.text(0);
        Some(match (self.text(at), self.text(at + 1)) {
            ("+" | "-" | "*" | "/", "=") if verb == "set" && self.touches(at) && at == 2 => {
                let column = self.text(1);
                let written = format!("set {column} = {column} {} {}", self.text(at), rest(at + 2));
                Habit { place: 0..self.at.len(), written, foreign: Foreign::Form("+=") }
            }
            ("with" | "to" | "=" | ":", _)
                if verb == "fill" && at == 2 && self.text(at) != "with" =>
            {
                let written = format!("fill {} with {}", self.text(1), rest(3));
                Habit { place: 0..self.at.len(), written, foreign: Foreign::Form("fill") }
            }
            (_, value) if verb == "fill" && at == 1 && self.is_word(1) && is_value(value) => {
                let written = format!("fill {} with {}", self.text(1), rest(2));
                Habit { place: 0..self.at.len(), written, foreign: Foreign::Form("fill") }
            }
            (sign @ ("to" | "->" | ":"), _) if verb == "cast" && at > 1 && self.is_word(at - 1) => {
                let foreign = if sign == "to" { "to" } else { "cast" };
                let written = format!("{} as {}", self.slice(0..at), rest(at + 1));
                Habit { place: 0..self.at.len(), written, foreign: Foreign::Form(foreign) }
            }
            (name @ ("list" | "array" | "map"), "[") if self.is_type(at) => {
                let end = self.behind(at + 1)?;
                let written = foreign::in_angles(self.slice(at..end))?;
                let foreign = Foreign::InAngles(if name == "map" { "map" } else { "list" });
                Habit { place: at..end, written, foreign }
            }
            _ => return None,
        })
    }

    /// Does a type stand here?
    fn is_type(&self, at: usize) -> bool {
        let is_declared = matches!(self.text(0), "type" | "param" | "function");
        at > 0 && (self.text(at - 1) == "as" || is_declared)
    }

    /// `dedupe id`, `dedupe by id order by at desc`
    fn dedupe(&self) -> Option<Habit> {
        let from = 1 + usize::from(matches!(self.text(1), "by" | "on"));
        let order = self.find(from, "order").or_else(|| self.find(from, "sort"));
        let end = self.at.len();
        let keys = self.slice(from..order.unwrap_or(end));
        let keys = keys.trim_start_matches('(').trim_end_matches(')');
        let written = match order {
            None if from == 2 && self.text(1) == "by" => return None,
            None => format!("dedupe by {keys}"),
            Some(order) => {
                let first = order + 1 + usize::from(self.text(order + 1) == "by");
                let (last, keep) = match self.text(end - 1).to_lowercase().as_str() {
                    "desc" => (end - 1, "newest"),
                    "asc" => (end - 1, "oldest"),
                    _ => (end, "oldest"),
                };
                format!("dedupe by {keys} keep {keep} by {}", self.slice(first..last))
            }
        };
        (!keys.is_empty()).then_some(Habit {
            place: 0..end,
            written,
            foreign: Foreign::Form("dedupe"),
        })
    }

    /// `id int not null`, a column of a source as SQL declares it.
    pub(super) fn column(&self) -> Option<Habit> {
        if self.kind(0) == Some(TokenKind::Text) && self.text(1) == ":" {
            let name = column_name(self.text(0))?;
            let ty = self.slice(2..self.at.len());
            let written = format!("{name}: {ty} named {}", self.text(0));
            return Some(Habit {
                place: 0..self.at.len(),
                written,
                foreign: Foreign::QuotedColumn,
            });
        }
        let colon = usize::from(self.text(1) == ":");
        let core = 1 + colon;
        if !self.is_word(0) || !self.is_word(core) {
            return None;
        }
        let mut at = core + 1;
        let holds = match self.text(core).to_lowercase().as_str() {
            "list" | "array" => Some("list"),
            "map" => Some("map"),
            _ => None,
        };
        match self.text(at) {
            "(" => at = self.behind(at)?,
            "[" if holds.is_some() => at = self.behind(at)?,
            "<" => at = self.behind_angle(at).unwrap_or(at),
            _ => {}
        }
        let (mut ty, mut foreign) = (self.slice(core..at).to_owned(), None);
        if let Some(holds) = holds.filter(|_| at > core + 1) {
            let written = foreign::in_angles(&ty)?;
            foreign = (written != ty).then_some(Foreign::InAngles(holds));
            ty = written;
        }
        let (mut null, mut key, mut rest) = ("", "", String::new());
        while at < self.at.len() {
            let (word, next) = (self.text(at).to_lowercase(), self.text(at + 1).to_lowercase());
            let (said, length) = match (word.as_str(), next.as_str()) {
                ("not", "null") => (Some(Foreign::NotNull), 2),
                ("required", _) => (Some(Foreign::NotNull), 1),
                ("null" | "nullable" | "optional", _) => (Some(Foreign::MayBeNull), 1),
                ("primary", "key") => (Some(Foreign::Key), 2),
                ("unique", _) => (Some(Foreign::Key), 1),
                _ => (None, 1),
            };
            match (said, word.as_str()) {
                (Some(Foreign::MayBeNull), _) | (None, "?") => null = "?",
                (Some(Foreign::Key), _) | (None, "key") => key = " key",
                (None, _) => rest.extend([" ", self.text(at)]),
                (Some(_), _) => {}
            }
            // What is said of a key is more than that it is not null.
            foreign = if let Some(Foreign::Key) = said { said } else { foreign.or(said) };
            at += length;
        }
        let written = format!("{}: {ty}{null}{key}{rest}", self.text(0));
        foreign.map(|foreign| Habit { place: 0..self.at.len(), written, foreign })
    }

    /// Behind the `>` that closes the `<` at `open`.
    fn behind_angle(&self, open: usize) -> Option<usize> {
        let mut depth = 0;
        (open..self.at.len()).find_map(|at| {
            match self.text(at) {
                "<" => depth += 1,
                ">" => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at + 1)
        })
    }

    /// `select *, upper(city) as large`
    fn more_columns(&self) -> Option<Habit> {
        let (mut items, mut at) = (vec![], 3);
        while at < self.at.len() {
            let start = at;
            while at < self.at.len() && self.text(at) != "," {
                at = if self.kind(at) == Some(TokenKind::Open) { self.behind(at)? } else { at + 1 };
            }
            let has_alias = at > start + 2 && self.text(at - 2) == "as";
            let item = if has_alias {
                format!("{} = {}", self.text(at - 1), self.slice(start..at - 2))
            } else if self.text(start + 1) == "=" {
                self.slice(start..at).to_owned()
            } else {
                format!("name = {}", self.slice(start..at))
            };
            // A column alone is there already.
            if at > start + 1 {
                items.push(item);
            }
            at += 1;
        }
        let written = format!("derive {}", items.join(", "));
        let habit = Habit { place: 0..self.at.len(), written, foreign: Foreign::Form("select *") };
        (!items.is_empty()).then_some(habit)
    }
}
