//! What each name of the text stands for, and the row that each step sees: for editors.
//!
//! Noted while the program is checked, so that nothing has to look a name up a second time. What
//! did not check is not in it.

use crate::functions::FunctionId;
use crate::ir::{Column, Expr, Row};
use crate::text::{FileId, Span};
use crate::types::Type;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What stands at a place.
#[derive(Clone, Debug)]
pub struct Use {
    /// The name, and nothing else.
    pub span: Span,
    /// What it stands for.
    pub meaning: Meaning,
    /// The type of its value here, if it has one.
    pub ty: Option<Type>,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Meaning {
    /// Something of the program: what it is, and where its name was given.
    Declared(Kind, Span),
    /// A member of an enum of the program: the enum's name, and which.
    Member(Arc<str>, usize),
    /// A function of the library, this overload where that much is known.
    Function(Arc<str>, Option<FunctionId>),
    /// A connector, by its name.
    Connector(&'static str),
    /// An option of a connector, both by name.
    Option(&'static str, &'static str),
    /// A field of a record, or of `run`.
    Field,
}

/// What can be declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A column of a row.
    Column,
    /// A source.
    Source,
    /// A job.
    Job,
    /// A branch of a job.
    Branch,
    /// A parameter of the pipeline.
    Param,
    /// An enum.
    Enum,
    /// A type.
    Type,
    /// A transform.
    Transform,
    /// A function of the program.
    Function,
    /// A parameter of a function, or of a lambda.
    Variable,
    /// What a join calls its right side.
    Alias,
    /// Where rows are set aside.
    Quarantine,
    /// Who can be told of a run.
    Notifier,
    /// A secret.
    Secret,
}

/// The rows around a statement.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The statement, or the part of it that sees this row.
    pub span: Span,
    /// The row that it sees.
    pub before: Arc<Row>,
    /// The row that comes of it.
    pub after: Arc<Row>,
}

type Tied = (Arc<str>, Span);

/// All that is known of the names of a program.
#[derive(Debug, Default)]
pub struct Names {
    /// Shared with what is kept of jobs.
    uses: Vec<Arc<Use>>,
    rows: Vec<Rows>,
    /// Of columns that came by a join, whose place is that of the table: where they are from.
    joined: BTreeMap<Span, HashMap<Arc<str>, Span>>,
    /// Columns of two tables that have to be called the same, with their places as rows say them.
    tied: Vec<(Tied, Tied)>,
    /// Is what is checked now no text of the program?
    is_quiet: bool,
}

impl Names {
    /// Notes what the name at a place stands for.
    pub(super) fn note(&mut self, span: Span, meaning: Meaning, ty: Option<&Type>) {
        if !self.is_quiet {
            self.uses.push(Arc::new(Use { span, meaning, ty: ty.cloned() }));
        }
    }

    /// Has nothing noted while what is checked is no text of the program; gives what was said before.
    pub(super) fn set_quiet(&mut self, is_quiet: bool) -> bool {
        std::mem::replace(&mut self.is_quiet, is_quiet)
    }

    /// Notes a name of something declared.
    pub(super) fn declared(&mut self, span: Span, kind: Kind, at: Span) {
        self.note(span, Meaning::Declared(kind, at), None);
    }

    /// Notes what was noted at another place before, which is that of the right side of a join: its
    /// alias, or the table itself.
    pub(super) fn again(&mut self, span: Span, before: Span) {
        let noted = self.uses.iter().rev();
        let mut noted =
            noted.take_while(|one| (before.file, before.start) <= (one.span.file, one.span.start));
        let meaning = noted.find(|one| one.span == before).map(|one| one.meaning.clone());
        self.note(span, meaning.unwrap_or(Meaning::Declared(Kind::Alias, before)), None);
    }

    /// Notes a name of a column.
    pub(super) fn column(&mut self, span: Span, column: &Column) {
        self.note(span, Meaning::Declared(Kind::Column, column.origin), Some(&column.ty));
    }

    /// Notes a name that a step gives to a new column.
    pub(super) fn new_column(&mut self, span: Span, ty: &Type) {
        self.note(span, Meaning::Declared(Kind::Column, span), Some(ty));
    }

    /// Notes what a name in an expression stands for, with the type that it has there.
    pub(super) fn value(&mut self, kind: Kind, at: Span, value: &Expr) {
        self.note(value.span, Meaning::Declared(kind, at), Some(&value.ty));
    }

    /// Notes the rows before and behind a statement.
    pub(super) fn around(&mut self, span: Span, before: &Arc<Row>, after: &Arc<Row>) {
        self.rows.push(Rows { span, before: before.clone(), after: after.clone() });
    }

    /// Notes that a column of the right side of a join goes on under the place of its table.
    pub(super) fn join(&mut self, table: Span, column: &Column) {
        self.joined.entry(table).or_default().insert(column.name.clone(), column.origin);
    }

    /// Notes that two columns have to be called the same.
    pub(super) fn tie(&mut self, one: &Column, other: &Column) {
        let tied = |column: &Column| (column.name.clone(), column.origin);
        self.tied.push((tied(one), tied(other)));
    }

    fn behind_join(&self, (name, origin): &Tied) -> Span {
        let of_table = self.joined.get(origin);
        of_table.and_then(|table| table.get(name)).copied().unwrap_or(*origin)
    }

    /// Adds what was noted of a part of the program.
    pub(super) fn add(&mut self, part: &Names) {
        self.uses.extend(part.uses.iter().cloned());
        self.rows.extend(part.rows.iter().cloned());
        for (table, columns) in &part.joined {
            let columns = columns.iter().map(|(name, at)| (name.clone(), *at));
            self.joined.entry(*table).or_default().extend(columns);
        }
        self.tied.extend(part.tied.iter().cloned());
    }

    /// Puts all into the order of the text; of several things at one place the first stays.
    pub(super) fn finish(&mut self) {
        // Jobs come in the order of the text, each in its own, which a stable sort makes use of.
        self.uses.sort_by_key(|one| one.span);
        self.uses.dedup_by_key(|one| one.span);
        self.rows
            .sort_by_key(|one| (one.span.file, one.span.start, std::cmp::Reverse(one.span.end)));
        self.rows.dedup_by_key(|one| one.span);
    }

    /// All uses, file by file, in the order of the text.
    pub fn uses(&self) -> &[Arc<Use>] {
        &self.uses
    }

    /// All rows, file by file, in the order of the text.
    pub fn rows(&self) -> &[Rows] {
        &self.rows
    }

    /// What stands at a byte of a file, or ends there.
    pub fn at(&self, file: FileId, byte: usize) -> Option<&Use> {
        let is_before = |one: &Arc<Use>| (one.span.file, one.span.start as usize) <= (file, byte);
        let behind = self.uses.partition_point(is_before);
        let one = &**self.uses[..behind].last()?;
        (one.span.file == file && byte <= one.span.end as usize).then_some(one)
    }

    /// What stands at exactly this place.
    pub fn exactly(&self, span: Span) -> Option<&Use> {
        let at = self.uses.binary_search_by_key(&span, |one| one.span).ok()?;
        Some(&self.uses[at])
    }

    /// The innermost statement of a file that begins last before a byte, or there.
    pub fn last_before(&self, file: FileId, byte: usize) -> Option<&Rows> {
        let is_before = |one: &Rows| (one.span.file, one.span.start as usize) <= (file, byte);
        let behind = self.rows.partition_point(is_before);
        self.rows[..behind].last().filter(|rows| rows.span.file == file)
    }

    /// Where a column was first called so: the place that a row says may itself be a use.
    pub fn first_place(&self, name: &str, at: Span) -> Span {
        let mut place = at;
        // Each step leads to an earlier statement; a bound all the same, for text can be anything.
        for _ in 0..self.uses.len() + 1 {
            let joined = self.joined.get(&place).and_then(|table| table.get(name));
            let next = joined.copied().or_else(|| match self.exactly(place)?.meaning {
                Meaning::Declared(Kind::Column, next) => Some(next),
                _ => None,
            });
            match next {
                Some(next) if next != place => place = next,
                _ => break,
            }
        }
        place
    }

    /// All places of the columns that must be called as this one is, this one included.
    pub fn places_of_column(&self, name: &str, at: Span) -> Vec<Span> {
        let first = |at: Span| self.first_place(name, at);
        let mut class = vec![first(at)];
        let tied = |one: &Tied| first(self.behind_join(one));
        let ties: Vec<(Span, Span)> = self.tied.iter().map(|(a, b)| (tied(a), tied(b))).collect();
        let mut grown = true;
        while grown {
            grown = false;
            for (a, b) in &ties {
                for (from, to) in [(a, b), (b, a)] {
                    if class.contains(from) && !class.contains(to) {
                        class.push(*to);
                        grown = true;
                    }
                }
            }
        }
        let mut places = class.clone();
        for one in &self.uses {
            if let Meaning::Declared(Kind::Column, at) = one.meaning
                && class.contains(&first(at))
            {
                places.push(one.span);
            }
        }
        places.sort();
        places.dedup();
        places
    }

    /// All places of a thing that was declared at a place, that one included.
    pub fn places_of(&self, kind: Kind, at: Span) -> Vec<Span> {
        let same = |one: &&Arc<Use>| matches!(one.meaning, Meaning::Declared(of, place) if of == kind && place == at);
        let mut places: Vec<Span> = self.uses.iter().filter(same).map(|one| one.span).collect();
        places.push(at);
        places.sort();
        places.dedup();
        places
    }
}
