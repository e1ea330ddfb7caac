//! Statements, and parts of them, as SQL writes them.

use super::{Habit, Line};
use crate::syntax::tokens::TokenKind;

impl Line<'_> {
    /// What begins a statement, or belongs to it.
    pub(super) fn statement(&self, at: usize) -> Option<Habit> {
        let rest = |from: usize| self.slice(from..self.at.len());
        let verb = self.text(0);
        Some(match (self.text(at), self.text(at + 1)) {
            ("outer", "join") if at > 0 => {
                let written = format!("{} {}", self.slice(0..at), rest(at + 1));
                Habit { place: 0..self.at.len(), written, foreign: "outer" }
            }
            ("select", "*") if at == 0 && self.text(2) == "," => return self.more_columns(),
            ("distinct", _) if at == 0 && self.at.len() > 1 => {
                let from = 1 + usize::from(self.text(1) == "on");
                let keys = rest(from).trim_start_matches('(').trim_end_matches(')');
                let written = format!("dedupe by {keys}");
                Habit { place: 0..self.at.len(), written, foreign: "distinct" }
            }
            ("union" | "drop", "all" | "column" | "columns") if at == 0 && self.at.len() > 2 => {
                let foreign = if verb == "union" { "union all" } else { "drop column" };
                Habit { place: 0..self.at.len(), written: format!("{verb} {}", rest(2)), foreign }
            }
            ("using", "(") if verb == "join" || self.text(1) == "join" => {
                let end = self.behind(at + 1)?;
                let written = format!("on {}", self.slice(at + 2..end - 1));
                Habit { place: at..end, written, foreign: "using" }
            }
            (sign @ ("to" | "->"), _) if verb == "rename" && at > 1 => {
                let written = format!("{} as {}", self.slice(0..at), rest(at + 1));
                let foreign = if sign == "to" { "to" } else { "->" };
                Habit { place: 0..self.at.len(), written, foreign }
            }
            ("warn" | "drop" | "fail" | "quarantine", _)
                if verb == "expect" && at > 1 && self.text(at - 1) != "else" =>
            {
                let written = format!("{} else {}", self.slice(0..at), rest(at));
                Habit { place: 0..self.at.len(), written, foreign: "expect" }
            }
            ("+" | "-" | "*" | "/", "=") if verb == "set" && self.touches(at) && at == 2 => {
                let column = self.text(1);
                let written = format!("set {column} = {column} {} {}", self.text(at), rest(at + 2));
                Habit { place: 0..self.at.len(), written, foreign: "+=" }
            }
            _ => return None,
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
        let habit = Habit { place: 0..self.at.len(), written, foreign: "select *" };
        (!items.is_empty()).then_some(habit)
    }
}
