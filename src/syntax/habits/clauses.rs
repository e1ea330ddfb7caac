//! Steps of SQL and of data frames as wholes: clauses that stand elsewhere here, or are steps of
//! their own. What is offered is what the grammar takes.

use super::Line;
use crate::diagnostics::habits::Foreign;
use crate::diagnostics::{Diagnostic, habits};
use crate::syntax::parser::parse;
use crate::syntax::tokens::TokenKind;
use crate::syntax::words::{FOREIGN_STEPS, Place, word_in};
use batchc_grammar::Rule;
use std::ops::Range;

/// Can it be pasted as a step?
pub(in crate::syntax) fn is_step(text: &str) -> bool {
    parse(Rule::only_job_item, text).is_ok()
}

/// What a step of another language is here, when its word alone differs.
fn as_step(word: &str, rest: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let foreign = FOREIGN_STEPS.iter().find(|(foreign, ..)| *foreign == lower);
    let meant = foreign.map_or(lower.as_str(), |(_, meant, _)| *meant);
    let rest = if meant == "filter" { rest.replace(" = ", " == ") } else { rest.to_owned() };
    let written = format!("{meant} {rest}");
    is_step(written.trim()).then(|| written.trim().to_owned())
}

impl Line<'_> {
    /// A step with a clause of another language.
    pub(super) fn clause(&self) -> Option<Diagnostic> {
        self.chained().or_else(|| match self.text(0) {
            "from" => self.from(),
            "filter" => self.matched_rows().or_else(|| self.conditions()),
            "output" => self.output(),
            "explode" => self.exploded(),
            verb @ ("except" | "intersect") if self.is(1, "all") && self.at.len() == 3 => {
                Some(habits::each_row_once(self.place(1..2), verb, self.text(2)))
            }
            "take" if self.is(2, "offset") => self.rows_behind_others(),
            "fill" if self.text(1) == "*" => {
                let value =
                    self.find(1, "with").map_or("…", |with| self.slice(with + 1..self.at.len()));
                Some(habits::columns_by_name(self.place(1..2), value))
            }
            "rename" if self.text(2) == "=" && self.at.len() == 4 => {
                let written = format!("rename {} as {}", self.text(1), self.text(3));
                Some(habits::old_name_first(self.place(2..3), &written))
            }
            _ => {
                let (written, foreign) = self.step()?;
                // The first line of a window stands without its block.
                let behind = if self.text(0) == "window" && self.find(1, "{").is_none() {
                    " { n = count() }"
                } else {
                    ""
                };
                let is_step = is_step(&format!("{written}{behind}"));
                (is_step && written != self.slice(0..self.at.len())).then(|| {
                    habits::habit(Foreign::Form(foreign), self.place(0..self.at.len()), &written)
                })
            }
        })
    }

    pub(super) fn place(&self, tokens: Range<usize>) -> crate::text::Span {
        self.parser.span(self.at[tokens.start]..self.at[tokens.end - 1] + 1)
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.text(at).eq_ignore_ascii_case(word)
    }

    /// A step as it is written here, and what is foreign in it.
    fn step(&self) -> Option<(String, &'static str)> {
        let rest = |from: usize| self.slice(from..self.at.len());
        let (verb, all) = (self.text(0), self.at.len());
        Some(match (verb, self.text(1)) {
            ("window", _) => self.window()?,
            ("join" | "left" | "right" | "full" | "semi" | "anti" | "inner" | "asof", _) => {
                self.join()?
            }
            ("expect", _) => self.rule()?,
            ("rename", "{" | "(") => {
                let pairs = (2..all).filter(|at| self.text(*at) == ":").map(|at| {
                    let [old, new] = [at - 1, at + 1].map(|at| self.text(at).trim_matches('"'));
                    format!("{old} as {new}")
                });
                (format!("rename {}", pairs.collect::<Vec<_>>().join(", ")), "{old: new}")
            }
            ("fill", _) => {
                let with = self.find(1, "with")?;
                let columns = (1..with).filter(|at| self.text(*at) != ",");
                let each = columns.map(|at| format!("{} with {}", self.text(at), rest(with + 1)));
                (format!("fill {}", each.collect::<Vec<_>>().join(", ")), "fill a, b with …")
            }
            ("select", "*" | "all") if self.is(2, "except") || self.is(2, "exclude") => {
                let names = rest(3).trim_start_matches('(').trim_end_matches(')');
                (format!("drop {names}"), "select * except")
            }
            ("take", _) if self.is(2, "rows") && all == 3 => {
                (format!("take {}", self.text(1)), "rows")
            }
            ("derive", _) if all > 3 && self.text(all - 2) == "as" && self.is_word(all - 1) => {
                let value = self.slice(1..all - 2);
                (format!("derive {} = {value}", self.text(all - 1)), "as")
            }
            (_, "(") if self.touches(0) && self.behind(1) == Some(all) => {
                (format!("{verb} {}", self.slice(2..all - 1)), "step(…)")
            }
            _ => return None,
        })
    }

    /// The line with some of its tokens written otherwise.
    fn with(&self, replaced: &[(Range<usize>, String)]) -> String {
        let (mut written, mut from) = (String::new(), self.place(0..1).range().start);
        for (tokens, text) in replaced {
            let place = self.place(tokens.clone()).range();
            written.push_str(&self.parser.source[from..place.start]);
            written.push_str(text);
            from = place.end;
        }
        written.push_str(&self.parser.source[from..self.place(0..self.at.len()).range().end]);
        written
    }

    /// `window partition by k order by day rows between 6 preceding and current row { … }`
    fn window(&self) -> Option<(String, &'static str)> {
        let (mut replaced, mut foreign) = (vec![], "");
        for at in 1..self.find(1, "{").unwrap_or(self.at.len()) {
            let by = self.is(at + 1, "by");
            if by && self.is(at, "partition") {
                replaced.push((at..at + 2, "by".to_owned()));
                foreign = "partition by";
            } else if by && self.is(at, "order") {
                replaced.push((at..at + 2, "sort".to_owned()));
                foreign = if foreign.is_empty() { "order by" } else { foreign };
            } else if let Some((end, frame)) = self.frame(at) {
                replaced.push((at..end, frame));
                foreign = if foreign.is_empty() { "rows" } else { foreign };
            }
        }
        (!replaced.is_empty()).then(|| (self.with(&replaced), foreign))
    }

    /// `rows between … and …`, `rows 6 preceding`, `rows -6`: where it ends, and what it is here.
    pub(super) fn frame(&self, at: usize) -> Option<(usize, String)> {
        let word = self.text(at).to_lowercase();
        if !matches!(word.as_str(), "rows" | "range") {
            return None;
        }
        if self.is(at + 1, "between") {
            let (and, first) = self.bound(at + 2)?;
            let (end, last) = self.bound(and + 1).filter(|_| self.is(and, "and"))?;
            return Some((end, format!("{word} {first}..{last}")));
        }
        let (end, first) = match self.text(at + 1) {
            "-" if matches!(self.text(at + 3), "{" | "") => {
                (at + 3, self.slice(at + 1..at + 3).to_owned())
            }
            _ => self.bound(at + 1)?,
        };
        Some((end, format!("{word} {first}..0")))
    }

    /// `unbounded preceding`, `current row`, `6 following`: where it ends, and what it is here.
    fn bound(&self, at: usize) -> Option<(usize, String)> {
        let is_before = self.is(at + 1, "preceding");
        let written = match self.text(at).to_lowercase().as_str() {
            "current" if self.is(at + 1, "row") => "0".to_owned(),
            _ if !is_before && !self.is(at + 1, "following") => return None,
            "unbounded" => String::new(),
            count => format!("{}{count}", if is_before { "-" } else { "" }),
        };
        Some((at + 2, written))
    }

    /// `join left c on id`, `left semi join c on id`, `join c using id`
    fn join(&self) -> Option<(String, &'static str)> {
        let mut replaced = vec![];
        let mut foreign = "using";
        let kind = |at: usize| {
            matches!(self.text(at), "left" | "right" | "full" | "semi" | "anti" | "inner" | "asof")
        };
        if self.text(0) == "join" && kind(1) && self.is_word(2) {
            let order = format!("{} join", self.text(1));
            replaced.push((0..2, if order == "inner join" { "join".to_owned() } else { order }));
            foreign = "join left";
        } else if self.text(0) == "left" && matches!(self.text(1), "semi" | "anti" | "asof") {
            replaced.push((0..2, self.text(1).to_owned()));
            foreign = "left … join";
        }
        let table = (0..3).find(|at| self.text(*at) == "join").map_or(1, |join| join + 1);
        if self.is_word(table)
            && !kind(table)
            && self.is_word(table + 1)
            && matches!(self.text(table + 2), "on" | "using")
            && !matches!(self.text(table + 1), "on" | "using" | "within" | "expect")
        {
            replaced.push((table + 1..table + 2, format!("as {}", self.text(table + 1))));
            foreign = "join a b";
        }
        if let Some(using) = self.find(2, "using") {
            match self.text(using + 1) {
                "(" => {
                    let end = self.behind(using + 1)?;
                    let names = self.slice(using + 2..end - 1);
                    replaced.push((using..end, format!("on {names}")));
                }
                _ => replaced.push((using..using + 1, "on".to_owned())),
            }
        }
        (!replaced.is_empty()).then(|| (self.with(&replaced), foreign))
    }

    /// `expect unique id`, `expect id not null`
    fn rule(&self) -> Option<(String, &'static str)> {
        let rest = |from: usize| match self.slice(from..self.at.len()) {
            "" => String::new(),
            rest => format!(" {rest}"),
        };
        // Behind the name of the rule, if it has one.
        let first = if self.text(2) == ":" { 3 } else { 1 };
        let before = self.slice(0..first);
        let unique = |name: usize, behind: usize| {
            (format!("{before} unique({}){}", self.text(name), rest(behind)), "unique")
        };
        let not_null = |name: usize, behind: usize| {
            (format!("{before} {} is not null{}", self.text(name), rest(behind)), "not null")
        };
        Some(match [first, first + 1, first + 2].map(|at| self.text(at)) {
            ["unique", name, _] if name != "(" => unique(first + 1, first + 2),
            [_, "is", "unique"] => unique(first, first + 3),
            [_, "unique", _] => unique(first, first + 2),
            ["not_null" | "notnull", name, _] if name != "(" => not_null(first + 1, first + 2),
            ["not", "null", name] if name != "(" => not_null(first + 2, first + 3),
            [_, "not", "null"] => not_null(first, first + 3),
            [_, "not_null", _] => not_null(first, first + 2),
            _ => return None,
        })
    }

    /// `df.filter(…)`, `| filter …`: a step behind something that it needs nothing of here.
    pub(super) fn chained(&self) -> Option<Diagnostic> {
        let is_row = |at: usize| self.kind(at) == Some(TokenKind::Row);
        if let Some(row) = (0..self.at.len()).find(|at| is_row(*at)) {
            let step = self.text(row).trim_matches(['|', '>', ' ']);
            let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
            let is_job = !matches!(self.text(0), "given" | "want" | "set");
            let written = as_step(word, rest).filter(|_| is_job)?;
            return Some(habits::step_alone(self.place(row..row + 1), &written));
        }
        let first = match (self.text(0), self.text(1)) {
            ("." | "|>" | "|", _) => 1,
            (name, ".") if word_in(Place::Job, name).is_none() && self.is_word(0) => 2,
            _ => return None,
        };
        let word = self.text(first);
        let arguments = match self.text(first + 1) {
            "(" => self.slice(first + 2..self.behind(first + 1)?.saturating_sub(1)),
            _ => self.slice(first + 1..self.at.len()),
        };
        let is_known = word_in(Place::Job, &word.to_lowercase()).is_some()
            || FOREIGN_STEPS.iter().any(|(foreign, ..)| word.eq_ignore_ascii_case(foreign));
        let written = as_step(word, arguments);
        let written = written.as_deref().unwrap_or("filter amount > 0");
        is_known.then(|| habits::step_alone(self.place(0..self.at.len()), written))
    }

    /// What stands behind the table of a `from`.
    fn from(&self) -> Option<Diagnostic> {
        let all = self.at.len();
        let last_text = (1..all)
            .rev()
            .find(|at| matches!(self.kind(*at), Some(TokenKind::Text | TokenKind::Quoted)));
        let is_template = self.text(1) == "{" && matches!(self.text(3), "ref" | "source");
        if is_template || matches!(self.text(1), "ref" | "source") && self.text(2) == "(" {
            let written = format!("from {}", self.text(last_text?).trim_matches(['"', '\'']));
            let foreign = Foreign::Form("ref(…)");
            return is_step(&written).then(|| habits::habit(foreign, self.place(0..all), &written));
        }
        let name = if self.text(2) == "." { 4 } else { 2 };
        let table = self.slice(1..name);
        match self.text(name) {
            "(" => Some(habits::source_in_from(self.place(1..all), self.slice(1..all))),
            "," => Some(habits::two_tables(self.place(name..all), self.text(name + 1))),
            "as" => Some(habits::habit(
                Foreign::Form("as"),
                self.place(0..all),
                &format!("from {table}"),
            )),
            word => {
                let step = as_step(word, self.slice(name + 1..all));
                let step = step.filter(|_| self.is_word(name))?;
                let place = self.place(name..name + 1);
                Some(habits::on_the_next_line(self.text(name), place, &step, "below"))
            }
        }
    }

    /// `take 10 offset 5`, `limit 10 offset 5`, `limit 5, 10`
    pub(super) fn rows_behind_others(&self) -> Option<Diagnostic> {
        let verb = self.text(0).to_lowercase();
        if !matches!(&*verb, "take" | "limit") || self.at.len() != 4 {
            return None;
        }
        let (count, before) = match self.text(2).to_lowercase().as_str() {
            "offset" => (1, 3),
            // The rows that are left out come first.
            "," if verb == "limit" => (3, 1),
            _ => return None,
        };
        let [count, before] = [count, before].map(|at| self.text(at).replace('_', "").parse().ok());
        let from = if verb == "take" { 2 } else { 0 };
        Some(habits::rows_behind_others(self.place(from..4), count?, before?))
    }

    /// `filter k in (select …)`, `filter exists (select …)`
    fn matched_rows(&self) -> Option<Diagnostic> {
        let select = self.find(2, "select")?;
        let (open, all) = (select - 1, self.at.len());
        if self.text(open) != "(" || !(self.is(open - 1, "in") || self.is(open - 1, "exists")) {
            return None;
        }
        let is_not = (1..open).any(|at| self.is(at, "not"));
        let verb = if is_not { "anti join" } else { "semi join" };
        let place = self.place(open - 1..self.behind(open)?);
        let left = self.slice(1..open - 1 - usize::from(is_not));
        let (column, table) = (self.text(select + 1), self.text(select + 3));
        let is_whole = self.is(select + 2, "from") && select + 5 == all && open > 1;
        let on =
            if left == column { left.to_owned() } else { format!("{left} == {table}.{column}") };
        let written = format!("{verb} {table} on {on}");
        Some(match is_whole && self.is(open - 1, "in") && is_step(&written) {
            true => habits::rows_of_another(place, &written).guess(self.place(0..all), written),
            // Which rows of it are meant is said by the rest, and what they are matched by.
            false if self.is(select + 2, "from") && self.is_word(select + 3) => {
                habits::some_rows_of_another(place, verb, table)
            }
            false => habits::rows_of_another(place, &format!("{verb} customers on id")),
        })
    }

    /// `filter id in 1, 2`: behind its `in` stand single values.
    fn choices(&self) -> Option<Diagnostic> {
        let values = self.find(1, "in")? + 1;
        let all = self.at.len();
        let written = format!("{} [{}]", self.slice(0..values), self.slice(values..all));
        let foreign = Foreign::Form("in a, b");
        let place = self.place(0..all);
        is_step(&written).then(|| habits::habit(foreign, place, &written))
    }

    /// `filter id > 1, n == 2`
    fn conditions(&self) -> Option<Diagnostic> {
        let (mut parts, mut from) = (vec![], 1);
        let all = self.at.len();
        for comma in self.outside(1, all).filter(|at| self.text(*at) == ",").chain([all]) {
            let part = self.slice(from..comma);
            let is_choice = self.outside(from, comma).any(|at| self.text(at) == "or");
            parts.push(if is_choice { format!("({part})") } else { part.to_owned() });
            from = comma + 1;
        }
        let is_value = |part: &&String| {
            part.starts_with(['"', '@', '-'])
                || part.starts_with(|first: char| first.is_ascii_digit())
        };
        let values = parts.iter().filter(is_value).count();
        if values > 0 {
            // A value alone is no condition, but one of those that are sought.
            return (values + 1 == parts.len()).then(|| self.choices()).flatten();
        }
        let written = format!("filter {}", parts.join(" and "));
        let foreign = Foreign::Form("filter a, b");
        (parts.len() > 1 && is_step(&written))
            .then(|| habits::habit(foreign, self.place(0..all), &written))
    }

    /// `output o = csv("o.csv") from j where …`
    fn output(&self) -> Option<Diagnostic> {
        let from = self.find(2, "from")?;
        let (table, word) = (self.text(from + 1), from + 2);
        let step = as_step(self.text(word), self.slice(word + 1..self.at.len()))?;
        Some(habits::step_of_output(self.place(word..word + 1), table, &step))
    }

    /// `explode split(tags, ",") as tag`
    fn exploded(&self) -> Option<Diagnostic> {
        let end = self.value_behind(1)?;
        let name = if self.text(end) == "as" { self.text(end + 1) } else { "item" };
        let value = self.slice(1..end);
        let derived = format!("derive {name} = {value}");
        (self.text(2) == "(" && is_step(&derived))
            .then(|| habits::explode_of_value(self.place(1..end), &derived, name))
    }
}
