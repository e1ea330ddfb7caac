//! Steps: each turns one table into the next.

use super::{Comparison, Expr, Input, QuarantineId, Row, SecretText};
use crate::functions::{FunctionId, Registry};
use crate::text::Span;
use crate::types::{Scalar, Type};
use std::sync::Arc;

/// A step and the row it gives.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// The row after it.
    pub row: Arc<Row>,
    /// The whole statement.
    pub span: Span,
}

/// What a step does. `select`, `drop` and `rename` are [`StepKind::Project`]; `derive`,
/// `set`, `cast` and `fill` are [`StepKind::Set`], one for each column.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// Keeps the rows for which the condition is true; with `keep_nulls` also where it is null.
    Filter {
        /// A `bool`, or with a say on nulls a `bool?`.
        condition: Expr,
        /// What becomes of nulls.
        keep_nulls: bool,
    },
    /// The columns of the next row, each from the row before.
    Project(Vec<Expr>),
    /// The row before, with one column computed.
    Set {
        /// Its position; behind all others when it is new.
        column: usize,
        /// Its value.
        value: Expr,
    },
    /// One row for each distinct key, in no order that may be relied on, but the same for the same
    /// rows: the keys, then the aggregates.
    /// Without keys: one row, whatever comes in.
    Aggregate {
        /// The keys.
        keys: Vec<Expr>,
        /// The aggregates.
        aggregates: Vec<AggregateCall>,
    },
    /// The same rows in the same order, with columns behind the others that are computed over the
    /// neighbours of each.
    Window(Box<Window>),
    /// Sorted; equal rows keep their order.
    Sort(Vec<SortKey>),
    /// The first `count` rows, of each group of `by` if there are some, in input order.
    Take {
        /// How many: an `int` without columns.
        count: Expr,
        /// Of each group of these.
        by: Vec<Expr>,
    },
    /// Rows that differ, each where it first stood.
    Distinct,
    /// One row a key, each where the kept one stood.
    Dedupe(Dedupe),
    /// A join with another input, in the order of the left rows, then of the right ones; right rows
    /// that match nothing come last, in their order.
    Join(Box<Join>),
    /// This table's rows, then those of the others. `columns[i][c]` is what input `i` gives for
    /// column `c` of the result, over its own row; input 0 is this table.
    Union {
        /// The other tables.
        inputs: Vec<Input>,
        /// The columns of each, `inputs.len() + 1` lists.
        columns: Vec<Vec<Expr>>,
    },
    /// One row for each item of a list; none for an empty list or null.
    Explode {
        /// The list.
        column: usize,
    },
    /// Adds the named groups of a regular expression as columns; a row that does not match fails.
    Parse(Box<Parse>),
    /// A rule that each row must meet.
    Expect(Box<Expectation>),
    /// A rule that all rows together must meet; they all go on.
    ExpectAll(Box<TableRule>),
}

/// An aggregate of a group.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    /// The column's name.
    pub name: Arc<str>,
    /// The overload.
    pub function: FunctionId,
    /// Its arguments over the row before.
    pub arguments: Vec<Expr>,
    /// The type of the result.
    pub ty: Type,
    /// The call.
    pub span: Span,
}

/// `window`
#[derive(Clone, Debug)]
pub struct Window {
    /// Rows with equal keys are neighbours.
    pub keys: Vec<Expr>,
    /// The order of neighbours; equal ones are in the order of the input.
    pub sort: Vec<SortKey>,
    /// Which neighbours are looked at by what looks at a frame.
    pub frame: Frame,
    /// The new columns.
    pub calls: Vec<WindowCall>,
}

/// The neighbours of a row that are looked at. Its ends are known before any row is read.
#[derive(Clone, Debug)]
pub enum Frame {
    /// All.
    Whole,
    /// From so many rows behind this one to so many behind it; without an end, from the first or to
    /// the last.
    Rows {
        /// An `int`.
        from: Option<Expr>,
        /// An `int`.
        to: Option<Expr>,
    },
    /// Those whose sort key is so far from that of this row, in the direction of the order. Zero is
    /// as far as the last row that sorts equal.
    Range {
        /// Where it begins.
        from: Option<Distance>,
        /// Where it ends.
        to: Option<Distance>,
    },
}

/// How far a sort key is from another.
#[derive(Clone, Debug)]
pub enum Distance {
    /// Of the type of the key, or what is added to it: days of a `date` are a `duration`.
    Value(Expr),
    /// Of a `date` or `datetime`.
    Months(i32),
}

/// A column of a window.
#[derive(Clone, Debug)]
pub struct WindowCall {
    /// The column's name.
    pub name: Arc<str>,
    /// What it is.
    pub value: WindowValue,
    /// Its arguments over the row before.
    pub arguments: Vec<Expr>,
    /// The type of the result.
    pub ty: Type,
    /// The call.
    pub span: Span,
}

/// What is computed over neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowValue {
    /// An aggregate over the frame, or a function of windows.
    Call(FunctionId),
    /// The number of the session, through all rows: a row begins one if the first argument, a time,
    /// is more than so many microseconds behind that of the row before, or if there is none. Null
    /// where the time is.
    Session {
        /// The longest time between two rows of a session.
        gap: i64,
    },
}

impl Frame {
    /// The expressions of its ends.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            Frame::Whole => vec![],
            Frame::Rows { from, to } => from.iter().chain(to).collect(),
            Frame::Range { from, to } => from
                .iter()
                .chain(to)
                .filter_map(|end| match end {
                    Distance::Value(value) => Some(value),
                    Distance::Months(_) => None,
                })
                .collect(),
        }
    }
}

impl Window {
    /// All expressions that it computes of rows.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let sort = self.sort.iter().map(|key| &key.value);
        self.keys.iter().chain(sort).chain(self.calls.iter().flat_map(|call| &call.arguments))
    }

    /// May a row fail in one of the expressions?
    pub fn may_fail(&self) -> bool {
        self.expressions().any(Expr::may_fail)
    }
}

impl WindowCall {
    /// May its value fail to be had, or one of its arguments?
    pub fn may_fail(&self) -> bool {
        let is_fallible = match self.value {
            WindowValue::Call(function) => Registry::standard().declaration(function).fallible,
            WindowValue::Session { .. } => false,
        };
        is_fallible || self.arguments.iter().any(Expr::may_fail)
    }
}

/// By what rows are sorted.
#[derive(Debug, Clone)]
pub struct SortKey {
    /// The value.
    pub value: Expr,
    /// Largest first?
    pub descending: bool,
    /// Nulls before all others, in either direction?
    pub nulls_first: bool,
}

/// `dedupe by`
#[derive(Clone, Debug)]
pub struct Dedupe {
    /// What identifies a row.
    pub keys: Vec<Expr>,
    /// Which of several is kept.
    pub keep: Keep,
}

/// Which of several rows is kept. Equal `by` values, and nulls (which lose against any value),
/// fall back on all columns in order, the smallest row winning, then on the input order.
#[derive(Clone, Debug)]
pub enum Keep {
    /// The first of the input.
    First,
    /// The last of the input.
    Last,
    /// The smallest value.
    Smallest(Expr),
    /// The largest value.
    Largest(Expr),
}

/// A join.
#[derive(Clone, Debug)]
pub struct Join {
    /// Which.
    pub kind: JoinKind,
    /// The right side.
    pub right: Input,
    /// The right side's row.
    pub right_row: Arc<Row>,
    /// Keys of the left row.
    pub left_keys: Vec<Expr>,
    /// Keys of the right row, of the same types.
    pub right_keys: Vec<Expr>,
    /// Does null equal null? Else it matches nothing.
    pub nulls_match: bool,
    /// Where right rows are kept that match nothing, the left columns that stand for a key of both
    /// sides, and which: they hold the right key where there is no left row.
    pub shared_keys: Vec<SharedKey>,
    /// Of the right rows that match, is only the nearest one taken?
    pub nearest: Option<Nearest>,
    /// What else must be true, over the left columns followed by all right columns.
    pub residual: Option<Expr>,
    /// The right columns that follow the left ones in the result (none where it gives no pairs).
    pub right_columns: Vec<usize>,
    /// What is checked while it runs.
    pub check: Cardinality,
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
    /// Every left row once, with a `bool` behind its columns: does it match something?
    Mark,
}

impl JoinKind {
    /// Are left rows given that match nothing, with nulls?
    pub fn keeps_left(self) -> bool {
        matches!(self, JoinKind::Left | JoinKind::Full)
    }

    /// Are right rows given that match nothing, with nulls?
    pub fn keeps_right(self) -> bool {
        matches!(self, JoinKind::Right | JoinKind::Full)
    }

    /// Are rows of both sides given side by side?
    pub fn gives_pairs(self) -> bool {
        !matches!(self, JoinKind::Semi | JoinKind::Anti | JoinKind::Mark)
    }
}

impl Join {
    /// How many columns it adds behind the left ones.
    pub fn new_columns(&self) -> usize {
        self.right_columns.len() + usize::from(self.kind == JoinKind::Mark)
    }
}

/// Which of the right rows that match is the nearest: the one whose value is the last before that of
/// the left row, or the first behind it. Null is near to nothing; of right rows with the same value
/// the last one is before all that is behind it, and the first one behind all that is before it.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// Over the left row.
    pub left: Expr,
    /// Over the right row, of the same type.
    pub right: Expr,
    /// What the left one is to the right one: not less, greater, not greater, less.
    pub comparison: Comparison,
    /// The farthest value of a right row, over the left row and of the same type; null sets no
    /// limit.
    pub bound: Option<Expr>,
}

impl Nearest {
    /// What it computes of the left row.
    pub fn of_left(&self) -> impl Iterator<Item = &Expr> {
        std::iter::once(&self.left).chain(&self.bound)
    }
}

/// A column of the left row that stands for a key of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedKey {
    /// Its position.
    pub column: usize,
    /// The key, by its position among the keys.
    pub key: usize,
}

/// What a join promises of its sides.
/// What is proven is not here: it needs no check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cardinality {
    /// No two left rows match the same right row.
    pub left_unique: Option<Promise>,
    /// No two right rows match the same left row.
    pub right_unique: Option<Promise>,
    /// Each left row matches a right one. It is proven, but for rows that a test gives in place of those
    /// of a job.
    pub left_found: Option<Promise>,
}

/// Something that is said of data, and checked while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// By `expect` at a join.
    Join(Span),
    /// By `key` at a column of a source.
    Key(Span),
    /// By the steps before a join.
    Found(Span),
}

/// `parse`
#[derive(Clone, Debug)]
pub struct Parse {
    /// A `string` column.
    pub column: usize,
    /// Where the parts of the text are.
    pub pattern: Pattern,
    /// The new columns.
    pub fields: Vec<ParseField>,
    /// The whole pattern's place.
    pub span: Span,
}

/// What finds the parts of a text; they are counted from 1.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// The groups of a regular expression.
    Regex(Arc<str>),
    /// Each part goes to the first place where what stands behind it begins.
    Template(Arc<Template>),
}

/// `{day} [{level}] {message}`
#[derive(Clone, Debug)]
pub struct Template {
    /// What stands before, between and behind the parts: one more than there are parts.
    pub texts: Vec<String>,
    /// What the parts are called; not all of them become columns.
    pub names: Vec<String>,
}

/// A new column of a [`Parse`].
#[derive(Clone, Debug)]
pub struct ParseField {
    /// Its name.
    pub name: Arc<str>,
    /// The part of the text, by its number in the pattern.
    pub group: usize,
    /// Its type. A part that takes no part in the match is null, or fails when there is no `?`.
    pub ty: Type,
    /// How a date or time is spelled.
    pub format: Option<Arc<str>>,
    /// Its declaration.
    pub span: Span,
}

/// `expect`
#[derive(Clone, Debug)]
pub struct Expectation {
    /// What it is called in reports: its name, or its text.
    pub name: String,
    /// What must be true (null is not).
    pub condition: Expr,
    /// What happens to a row otherwise.
    pub action: ExpectAction,
    /// The share of rows, 0 to 1, above which the job fails all the same.
    pub above: Option<(f64, Span)>,
}

/// `expect` with an aggregate: a rule about all rows that come to it.
#[derive(Clone, Debug)]
pub struct TableRule {
    /// What it is called in reports: its name, or its text.
    pub name: String,
    /// What is said of the rows.
    pub says: TableFact,
    /// Does the run fail when that does not hold? It is told of otherwise.
    pub fails: bool,
    /// The rule.
    pub span: Span,
}

/// What a rule says of a table.
#[derive(Clone, Debug)]
pub enum TableFact {
    /// No two rows have the same values there; null is a value too.
    Unique(Vec<Expr>),
    /// What must be true of these aggregates, over a row of them alone.
    Holds {
        /// The aggregates.
        aggregates: Vec<AggregateCall>,
        /// A row of them.
        row: Arc<Row>,
        /// A `bool`; null is not true.
        condition: Expr,
    },
}

/// What happens to a row that breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectAction {
    /// Counted and said; the row goes on.
    Warn,
    /// It is dropped and counted.
    Drop,
    /// The job fails.
    Fail,
    /// It is set aside.
    Quarantine(QuarantineId),
}

impl StepKind {
    /// The columns of the row behind a step that goes row by row, over a row of so many.
    pub fn width_after(&self, width: usize) -> usize {
        match self {
            StepKind::Set { column, .. } => width.max(column + 1),
            StepKind::Project(columns) => columns.len(),
            _ => width,
        }
    }

    /// All expressions that it computes.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            StepKind::Filter { condition, .. } => vec![condition],
            StepKind::Project(columns) => columns.iter().collect(),
            StepKind::Set { value, .. } => vec![value],
            StepKind::Aggregate { keys, aggregates } => {
                keys.iter().chain(aggregates.iter().flat_map(|call| &call.arguments)).collect()
            }
            StepKind::Window(window) => {
                window.expressions().chain(window.frame.expressions()).collect()
            }
            StepKind::Sort(keys) => keys.iter().map(|key| &key.value).collect(),
            StepKind::Take { count, by } => std::iter::once(count).chain(by).collect(),
            StepKind::Dedupe(dedupe) => {
                let by = match &dedupe.keep {
                    Keep::First | Keep::Last => None,
                    Keep::Smallest(by) | Keep::Largest(by) => Some(by),
                };
                dedupe.keys.iter().chain(by).collect()
            }
            StepKind::Join(join) => {
                let keys = join.left_keys.iter().chain(&join.right_keys);
                let nearest = join.nearest.iter();
                let nearest = nearest.flat_map(|near| near.of_left().chain([&near.right]));
                keys.chain(nearest).chain(&join.residual).collect()
            }
            StepKind::Union { columns, .. } => columns.iter().flatten().collect(),
            StepKind::Expect(rule) => vec![&rule.condition],
            StepKind::ExpectAll(rule) => match &rule.says {
                TableFact::Unique(keys) => keys.iter().collect(),
                TableFact::Holds { aggregates, condition, .. } => {
                    let arguments = aggregates.iter().flat_map(|call| &call.arguments);
                    arguments.chain([condition]).collect()
                }
            },
            StepKind::Distinct | StepKind::Explode { .. } | StepKind::Parse(_) => vec![],
        }
    }

    /// The inputs beside the table before.
    pub fn inputs(&self) -> Vec<Input> {
        match self {
            StepKind::Join(join) => vec![join.right],
            StepKind::Union { inputs, .. } => inputs.clone(),
            StepKind::Filter { .. }
            | StepKind::Project(_)
            | StepKind::Set { .. }
            | StepKind::Aggregate { .. }
            | StepKind::Window(_)
            | StepKind::Sort(_)
            | StepKind::Take { .. }
            | StepKind::Distinct
            | StepKind::Dedupe(_)
            | StepKind::Explode { .. }
            | StepKind::Parse(_)
            | StepKind::Expect(_)
            | StepKind::ExpectAll(_) => vec![],
        }
    }

    /// The same to be changed.
    pub fn inputs_mut(&mut self) -> Vec<&mut Input> {
        match self {
            StepKind::Join(join) => vec![&mut join.right],
            StepKind::Union { inputs, .. } => inputs.iter_mut().collect(),
            _ => vec![],
        }
    }
}

/// The values of a run: what parameters and `run.*` stand for.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// The parameters' values, by position.
    pub params: Vec<Scalar>,
    /// The secrets that are keys in expressions, by position; others are not looked up for it.
    pub secrets: Vec<Option<SecretText>>,
    /// `run.time`: microseconds since 1970 in UTC.
    pub time: i64,
    /// `run.date`: days since 1970.
    pub date: i32,
    /// `run.id`
    pub id: String,
}
