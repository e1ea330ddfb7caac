//! Steps: what a job does to its rows, line by line.

use super::{Argument, Expr, Later, Name, Text, TypeExpr};
use crate::text::Span;

/// A step with its place.
#[derive(Debug)]
pub struct Statement {
    /// What it does.
    pub step: Step,
    /// The whole statement.
    pub span: Span,
    /// The word it begins with (`filter`, `left join`).
    pub verb: Span,
}

/// What a step does.
#[derive(Debug)]
pub enum Step {
    /// `from NAME`, `from quarantine.NAME`
    From(Vec<Name>),
    /// `filter cond nulls drop`
    Filter {
        /// Rows for which it is true are kept.
        condition: Expr,
        /// What happens to rows for which it is null.
        nulls: Option<Nulls>,
    },
    /// `derive a = expr`, `derive { ... }`: new columns.
    Derive(Vec<Assignment>),
    /// `set a = expr`, `set { ... }`: columns that exist.
    Set(Vec<Assignment>),
    /// `select a, b, c = expr`
    Select(Vec<Assignment>),
    /// `drop a, b`
    Drop(Vec<Name>),
    /// `rename old as new, ...`
    Rename(Vec<(Name, Name)>),
    /// `cast a as int, b as date format "%d.%m.%Y"`
    Cast(Vec<(Name, TypeExpr, Option<Text>)>),
    /// `fill a with 0, b with "x"`
    Fill(Vec<(Name, Expr)>),
    /// `group by a, day = date(t) { total = sum(x) }`
    Group {
        /// The keys; empty for one group of all rows.
        keys: Vec<Assignment>,
        /// The aggregates.
        aggregates: Vec<Assignment>,
    },
    /// `window by a sort t rows -6..0 { mean = avg(x) }`
    Window(Box<Window>),
    /// `sessionize by user gap 30m on at as session`
    Sessionize(Box<Sessionize>),
    /// `sort a desc, b nulls first`
    Sort(Vec<SortKey>),
    /// `take 10 by k`
    Take {
        /// How many: an integer literal or a parameter.
        count: Expr,
        /// Of each group of these.
        by: Vec<Assignment>,
    },
    /// `distinct`
    Distinct,
    /// `dedupe by k keep newest by t`
    Dedupe {
        /// What identifies a row.
        keys: Vec<Assignment>,
        /// Which of several is kept; the first of the input unless said.
        keep: Option<(Keep, Span)>,
        /// By what they are compared.
        by: Option<Expr>,
    },
    /// `left join r as x on k, a == x.b expect many_to_one`
    Join(Box<Join>),
    /// `union a, b`
    Union(Vec<Vec<Name>>),
    /// `except a, b`
    Except(Vec<Vec<Name>>),
    /// `intersect a, b`
    Intersect(Vec<Vec<Name>>),
    /// `explode items as item`
    Explode {
        /// A column that holds a list.
        column: Name,
        /// What the item is called; the column's name unless said.
        as_name: Option<Name>,
    },
    /// `parse line with r"(?<a>...)" { a: int }`
    Parse {
        /// What is parsed.
        column: Name,
        /// Where its parts are.
        pattern: Pattern,
        /// The named parts that become columns; all of them unless said.
        fields: Option<Vec<ParseField>>,
    },
    /// `expect name: cond else quarantine q above 1%`
    Expect {
        /// What the rule is called in reports.
        name: Option<Name>,
        /// What must hold.
        condition: Expr,
        /// What happens otherwise; `fail` unless said.
        otherwise: Option<(ExpectAction, Span)>,
        /// The share of rows, 0 to 1, above which the job fails all the same.
        above: Option<(f64, Span)>,
    },
    /// `pivot country values ["US", "FR"] with sum(revenue) by day`
    Pivot {
        /// The column whose values become columns.
        column: Name,
        /// Which of its values, and what their columns are called; all members of an enum unless
        /// said.
        values: Option<Vec<(Expr, Option<Name>)>>,
        /// What each of the new columns holds.
        aggregates: Vec<Assignment>,
        /// What a row of the result is of; empty for one row of all.
        keys: Vec<Assignment>,
    },
    /// `unpivot jan, feb as month, amount`
    Unpivot {
        /// The columns that become rows.
        columns: Vec<Name>,
        /// The column of their names.
        name: Name,
        /// The column of their values.
        value: Name,
    },
    /// `sample 10% by user_id seed 42`, `sample 100 rows seed 42`
    Sample {
        /// How much.
        size: SampleSize,
        /// What the choice depends on; the whole row unless said.
        by: Vec<Assignment>,
        /// What makes two samples differ.
        seed: Option<(u64, Span)>,
    },
    /// `split by user_id seed 42 { train 80%, test 20% }`
    Split {
        /// What the choice depends on; the whole row unless said.
        by: Vec<Assignment>,
        /// What makes two splits differ.
        seed: Option<(u64, Span)>,
        /// The branches, with the share of each, 0 to 1.
        shares: Vec<(Name, f64, Span)>,
    },
    /// `route { paying when plan == "pro", other otherwise }`
    Route(Vec<Branch>),
    /// `apply with_page(min: 3)`
    Apply {
        /// A transform, as dotted names.
        transform: Vec<Name>,
        /// The values of its parameters behind the table.
        arguments: Vec<Argument>,
    },
    /// `encode status, plan with hash_bucket(100)`
    Encode {
        /// Which columns.
        columns: Vec<Name>,
        /// How: a call.
        with: Expr,
    },
    /// Parsed in full, its meaning not available yet.
    Later(Later),
    /// Did not parse; a diagnostic has been given.
    Bad,
}

impl Step {
    /// The names of the branches that the job ends with, if it does.
    pub fn branches(&self) -> Vec<&Name> {
        match self {
            Step::Split { shares, .. } => shares.iter().map(|(name, ..)| name).collect(),
            Step::Route(branches) => branches.iter().map(|branch| &branch.name).collect(),
            _ => vec![],
        }
    }
}

/// How much of a table a sample is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleSize {
    /// A share of the rows, 0 to 1.
    Share(f64, Span),
    /// So many rows.
    Rows(u64, Span),
}

/// A branch of `route`.
#[derive(Debug)]
pub struct Branch {
    /// What it is called.
    pub name: Name,
    /// Which of the rows that no branch above has taken; all of them for `otherwise`.
    pub when: Option<Expr>,
    /// The whole line.
    pub span: Span,
}

/// `name = expr`, or an expression alone (`by category`, `select amount`).
#[derive(Debug)]
pub struct Assignment {
    /// The column's name, if one is given.
    pub name: Option<Name>,
    /// Its value.
    pub value: Expr,
    /// The whole assignment.
    pub span: Span,
}

/// What becomes of rows for which a condition is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// They are dropped.
    Drop,
    /// They are kept.
    Keep,
}

/// `total desc nulls first`
#[derive(Debug)]
pub struct SortKey {
    /// By what.
    pub value: Expr,
    /// Largest first?
    pub descending: bool,
    /// Nulls before all others? They come last unless said.
    pub nulls_first: bool,
}

/// A window: columns that are computed over the neighbours of each row.
#[derive(Debug)]
pub struct Window {
    /// Rows of the same keys are neighbours; empty where all are.
    pub keys: Vec<Assignment>,
    /// The order of neighbours.
    pub sort: Vec<SortKey>,
    /// Where that is said.
    pub sort_span: Option<Span>,
    /// Which of them aggregates look at.
    pub frame: Option<Frame>,
    /// The new columns.
    pub values: Vec<Assignment>,
}

/// `rows -6..0`, `range -7d..0`: which neighbours of a row are looked at.
#[derive(Debug)]
pub struct Frame {
    /// Are they counted, or by their distance?
    pub unit: FrameUnit,
    /// The first; all before it unless said.
    pub from: Option<Expr>,
    /// The last; all behind it unless said.
    pub to: Option<Expr>,
    /// The whole frame.
    pub span: Span,
}

/// What the ends of a frame count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUnit {
    /// `rows`
    Rows,
    /// `range`: how far the sort key is from that of the row.
    Range,
}

/// Rows that follow each other closely are one session.
#[derive(Debug)]
pub struct Sessionize {
    /// Of whom.
    pub keys: Vec<Assignment>,
    /// The longest time between two rows of a session.
    pub gap: Expr,
    /// The column with the time.
    pub on: Name,
    /// What the number of the session is called; `session_id` unless said.
    pub as_name: Option<Name>,
}

/// Which of several rows with the same key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The first of the input, or the smallest `by`.
    First,
    /// The last of the input, or the largest `by`.
    Last,
    /// The largest `by`.
    Newest,
    /// The smallest `by`.
    Oldest,
}

/// A join.
#[derive(Debug)]
pub struct Join {
    /// Which.
    pub kind: JoinKind,
    /// The right side.
    pub right: Vec<Name>,
    /// What the right side is called in the condition and behind.
    pub alias: Option<Name>,
    /// All must hold; a bare name stands for equality of the columns so called.
    pub on: Vec<Expr>,
    /// How far apart the two sides of an inequality may be.
    pub within: Option<Expr>,
    /// How many rows match how many.
    pub expect: Option<(Cardinality, Span)>,
}

/// Which join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Pairs that match.
    Inner,
    /// Every left row, with nulls where nothing matches.
    Left,
    /// Every right row, with nulls where nothing matches.
    Right,
    /// Every row of both sides, with nulls where nothing matches.
    Full,
    /// Left rows that match something.
    Semi,
    /// Left rows that match nothing.
    Anti,
    /// Every left row with every right one.
    Cross,
    /// Left rows with the nearest right row of each; those without one too, unless it is `inner`.
    Asof {
        /// Are left rows without a match left out?
        inner: bool,
    },
}

/// How many rows of the one side match how many of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cardinality {
    /// `one_to_one`
    OneToOne,
    /// `one_to_many`
    OneToMany,
    /// `many_to_one`
    ManyToOne,
    /// `many_to_many`
    ManyToMany,
}

/// How a text is taken apart.
#[derive(Debug)]
pub enum Pattern {
    /// `r"(?<day>\S+) (?<message>.*)"`
    Regex(Text),
    /// `grok r"%{DATE:day} %{GREEDYDATA:message}"`
    Grok(Text),
    /// `"{day} {message}"`
    Template(Template),
}

impl Pattern {
    /// Its place, without the word before it.
    pub fn span(&self) -> Span {
        match self {
            Pattern::Regex(text) | Pattern::Grok(text) => text.span,
            Pattern::Template(template) => template.span,
        }
    }
}

/// `"{day} {level: Level}: {message}"`
#[derive(Debug)]
pub struct Template {
    /// What it is made of, in order.
    pub parts: Vec<TemplatePart>,
    /// The whole text with its quotes.
    pub span: Span,
}

/// A part of a [`Template`].
#[derive(Debug)]
pub enum TemplatePart {
    /// What stands there as it is.
    Literal(String),
    /// `{status: int}`: what becomes a column, a text unless said.
    Hole(Name, Option<TypeExpr>),
}

/// `at: datetime format "%Y-%m-%d"`
#[derive(Debug)]
pub struct ParseField {
    /// A named part of the pattern.
    pub name: Name,
    /// The type of the new column.
    pub ty: TypeExpr,
    /// How a date or time is spelled.
    pub format: Option<Text>,
}

/// What happens when an expectation does not hold.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpectAction {
    /// Counted and said; the row goes on.
    Warn,
    /// The row is dropped and counted.
    Drop,
    /// The job fails.
    Fail,
    /// The row goes to the quarantine of this name.
    Quarantine(Name),
}
