//! Declarations: what stands in column 0 of a file.

use super::{Assignment, Expr, Name, Statement, Test, Text, TypeExpr};
use crate::text::Span;

/// A declaration with its documentation.
#[derive(Debug)]
pub struct Declaration {
    /// What it declares.
    pub kind: DeclarationKind,
    /// The `##` lines right above it, without the marks, joined by newlines.
    pub doc: Option<String>,
    /// The whole declaration.
    pub span: Span,
    /// Was anything found wrong with how it is written?
    pub is_doubtful: bool,
}

/// What is declared.
#[derive(Debug)]
pub enum DeclarationKind {
    /// `use std.money`, `use "lib/cleaning.batch"`
    Use(Use),
    /// `param NAME: type = default`
    Param(Param),
    /// `enum NAME { A, B = "b" }`
    Enum(Enum),
    /// `type NAME = type where condition`
    Type(TypeDeclaration),
    /// `pipeline NAME { settings }`
    Pipeline(Pipeline),
    /// `source NAME = connector(...) { columns }`
    Source(Source),
    /// `job NAME { steps }`
    Job(Job),
    /// `output NAME = connector(...) from JOB { settings }`
    Output(Output),
    /// `fn NAME(a: T) -> T = expr`, `native fn ...`, `native aggregate ...`
    Function(Function),
    /// `transform NAME(t: { needed: T, .. }) { steps }`
    Transform(Transform),
    /// `secret NAME from env "NAME"`
    Secret(Secret),
    /// `notify NAME = webhook(...)`
    Notify(Notify),
    /// `test "..." { given ... want ... }`
    Test(Test),
    /// Parsed in full, its meaning not available yet: `pool model`.
    Later(Later),
    /// Did not parse; a diagnostic has been given. The name that it would have declared, if that
    /// much is known, so that uses of it stay silent.
    Bad(Option<Name>),
}

impl DeclarationKind {
    /// The name that it declares, if it declares one.
    pub fn name(&self) -> Option<&Name> {
        Some(match self {
            DeclarationKind::Param(param) => &param.name,
            DeclarationKind::Enum(declared) => &declared.name,
            DeclarationKind::Type(declared) => &declared.name,
            DeclarationKind::Pipeline(pipeline) => &pipeline.name,
            DeclarationKind::Source(source) => &source.name,
            DeclarationKind::Job(job) => &job.name,
            DeclarationKind::Output(output) => &output.name,
            DeclarationKind::Function(function) => &function.name,
            DeclarationKind::Transform(transform) => &transform.name,
            DeclarationKind::Secret(secret) => &secret.name,
            DeclarationKind::Notify(notify) => &notify.name,
            DeclarationKind::Test(_) | DeclarationKind::Use(_) => return None,
            DeclarationKind::Later(later) => later.name.as_ref()?,
            DeclarationKind::Bad(name) => name.as_ref()?,
        })
    }
}

/// A declaration or step whose meaning is not available yet.
#[derive(Clone, Debug)]
pub struct Later {
    /// The word of the language: `transform`, `window`, `asof join`.
    pub what: String,
    /// The name that it declares, if it declares one, so that uses of it stay silent.
    pub name: Option<Name>,
    /// The place of the word.
    pub span: Span,
}

/// `use std.money`, `use "lib/cleaning.batch"`
#[derive(Debug)]
pub enum Use {
    /// A module of the library, as dotted names.
    Library(Vec<Name>),
    /// A file, from the folder of the one that uses it.
    File(Text),
}

impl Use {
    /// What is written behind `use`.
    pub fn span(&self) -> Span {
        match self {
            Use::Library(path) => path[0].span.to(path[path.len() - 1].span),
            Use::File(text) => text.span,
        }
    }
}

/// `param NAME: type = default`
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeExpr,
    /// Without one the parameter must be given at each run.
    pub default: Option<Expr>,
}

/// `secret NAME from env "NAME"`
#[derive(Debug)]
pub struct Secret {
    /// Its name.
    pub name: Name,
    /// Is its text that of a file, and not of a variable of the environment?
    pub is_file: bool,
    /// The file, or the variable.
    pub place: Text,
}

/// `notify NAME = webhook(...)`
#[derive(Debug)]
pub struct Notify {
    /// Its name.
    pub name: Name,
    /// How it is told, and where.
    pub connector: Connector,
}

/// `enum NAME { A, B = "b" }`
#[derive(Debug)]
pub struct Enum {
    /// Its name.
    pub name: Name,
    /// The members with the text of each in files, if it differs from the name.
    pub members: Vec<(Name, Option<Text>)>,
}

/// `type NAME = type where condition`
#[derive(Debug)]
pub struct TypeDeclaration {
    /// Its name.
    pub name: Name,
    /// The type behind it.
    pub ty: TypeExpr,
    /// What must be true of a `value`, if not all are meant.
    pub condition: Option<Expr>,
}

/// `pipeline NAME { settings }`
#[derive(Debug)]
pub struct Pipeline {
    /// Its name.
    pub name: Name,
    /// What it says.
    pub settings: Vec<Setting>,
}

/// `source NAME = connector(...) { columns and settings }`
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub name: Name,
    /// What reads it.
    pub connector: Connector,
    /// Declared columns; none when there is no block (`text` needs none).
    pub columns: Vec<ColumnDeclaration>,
    /// Statements of the block that are not columns.
    pub settings: Vec<Setting>,
}

/// `csv("data/x.csv", header: true)`
#[derive(Debug)]
pub struct Connector {
    /// `csv`
    pub name: Name,
    /// The arguments.
    pub arguments: Vec<super::Argument>,
    /// Name and arguments.
    pub span: Span,
}

/// `email: string? sensitive named "e_mail"`
#[derive(Debug)]
pub struct ColumnDeclaration {
    /// The column.
    pub name: Name,
    /// Its type.
    pub ty: TypeExpr,
    /// What else is said of it.
    pub attributes: Vec<ColumnAttribute>,
    /// The `##` lines above it.
    pub doc: Option<String>,
    /// The whole line.
    pub span: Span,
}

/// What is said of a column beside its type.
#[derive(Debug)]
pub enum ColumnAttribute {
    /// `key`: one of the columns that together identify a row.
    Key(Span),
    /// `sensitive`: must not reach an output undisguised.
    Sensitive(Span),
    /// `named "e_mail"`: what the file calls it.
    Named(Text),
    /// `format "%d.%m.%Y"`: how the file spells dates and times.
    Format(Text),
}

/// `job NAME { settings and steps }`
#[derive(Debug)]
pub struct Job {
    /// Its name.
    pub name: Name,
    /// `retry`, `timeout`, `on error`...
    pub settings: Vec<Setting>,
    /// The steps in their order.
    pub steps: Vec<Statement>,
}

/// `output NAME = connector(...) from JOB { settings }`
#[derive(Debug)]
pub struct Output {
    /// Its name.
    pub name: Name,
    /// What writes it.
    pub connector: Connector,
    /// The job (or `job.branch`, `quarantine.name`) that it writes, as dotted names.
    pub from: Vec<Name>,
    /// `mode`, `partition by`...
    pub settings: Vec<Setting>,
}

/// `fn NAME(a: T) -> T = expr`, or a declaration of the standard library.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// Is it computed by a kernel of the engine? Only the standard library may say so.
    pub native: Option<Native>,
    /// `<T, U: ordered>`: type variables and what each must be (`ordered`, `number`).
    pub type_parameters: Vec<(Name, Option<Name>)>,
    /// The parameters.
    pub parameters: Vec<Parameter>,
    /// The type of the result.
    pub result: TypeExpr,
    /// Is a `!` after the result: may a row fail here?
    pub fallible: bool,
    /// The expression; none for a native function.
    pub body: Option<Expr>,
}

/// `transform NAME(t: { needed: T, .. }, further: U = value) { steps }`
#[derive(Debug)]
pub struct Transform {
    /// Its name.
    pub name: Name,
    /// The table first, with the columns that it needs, then values.
    pub parameters: Vec<Parameter>,
    /// Statements that are not steps, of which it may have none.
    pub settings: Vec<Setting>,
    /// The steps in their order.
    pub steps: Vec<Statement>,
}

/// Which kind of native function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Native {
    /// `native fn`: row by row.
    Scalar,
    /// `native aggregate`: many rows to one value.
    Aggregate,
    /// `native window`: looks at neighbouring rows.
    Window,
}

/// `chars: string = " "`, `rest: T...`
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its type; `(T) -> U` for a lambda.
    pub ty: TypeExpr,
    /// Any number of further arguments (`...`).
    pub variadic: bool,
    /// Value when the argument is left out.
    pub default: Option<Expr>,
}

/// A statement that is not a step: how a pipeline, job, source or output is run.
#[derive(Debug)]
pub struct Setting {
    /// What it sets.
    pub kind: SettingKind,
    /// The whole statement.
    pub span: Span,
}

/// What is set.
#[derive(Debug)]
pub enum SettingKind {
    /// `on error fail | drop | null | quarantine NAME [above 1%]`
    OnError {
        /// Where a row that fails goes.
        policy: ErrorPolicy,
        /// The share of rows, 0 to 1, above which the job fails all the same.
        above: Option<(f64, Span)>,
    },
    /// `partition by hash(k) into 8`, `partition round_robin into 4`, `partition by size into 4`
    Partition {
        /// How.
        by: PartitionBy,
        /// Into how many.
        into: Option<(u32, Span)>,
    },
    /// `checkpoint on`, `checkpoint off`
    Checkpoint(bool),
    /// `mode overwrite`, `mode append`, `mode merge on order_id`
    Mode(Mode),
    /// `incremental by updated_at lookback 2h`
    Incremental {
        /// The column that grows with the rows that come.
        column: Name,
        /// How far behind what was read rows may still come, in microseconds.
        lookback: Option<(i64, Span)>,
    },
    /// `owner "x@y.z"`
    Owner(Text),
    /// `timezone "Europe/Paris"`
    Timezone(Text),
    /// `tags ["a", "b"]`
    Tags(Vec<Text>),
    /// `meta {team: "data", minutes: 30}`
    Meta(Vec<(Name, Expr)>),
    /// `retry 3 times backoff 30s..10m`
    Retry {
        /// How many times after the first.
        times: u32,
        /// Shortest and longest pause, in microseconds.
        backoff: Option<(i64, i64)>,
    },
    /// `timeout 1h`: microseconds.
    Timeout(i64),
    /// `resources cpu 8, memory 16GB`: a number or a size each, as an expression.
    Resources(Vec<(Name, Expr)>),
    /// `on failure notify team`, `on success notify team`
    Notify {
        /// When it failed, and not when it succeeded?
        on_failure: bool,
        /// Who is told.
        names: Vec<Name>,
    },
    /// `allow sensitive email`: columns of an output.
    AllowSensitive(Vec<Name>),
    /// `after clean, load`: dotted names.
    After(Vec<Vec<Name>>),
    /// Parsed in full, its meaning not available yet.
    Later(Later),
    /// Did not parse; a diagnostic has been given.
    Bad,
}

/// Where a row goes that fails.
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorPolicy {
    /// The job fails.
    Fail,
    /// It is dropped and counted.
    Drop,
    /// The value becomes null.
    Null,
    /// It goes to the quarantine of this name.
    Quarantine(Name),
}

/// What becomes of the rows that an output holds already.
#[derive(Debug)]
pub enum Mode {
    /// They are replaced.
    Overwrite,
    /// They stay, and new ones come behind them.
    Append,
    /// `merge on order_id keep newest by updated_at`
    Merge {
        /// The columns of the key.
        keys: Vec<Name>,
        /// Which of two rows stays.
        keep: Option<(super::Keep, Span)>,
        /// By what.
        by: Option<Expr>,
    },
    /// `scd2 on customer_id track name, country`
    Scd2 {
        /// The columns of the key.
        keys: Vec<Name>,
        /// The columns whose changes are kept; all others if none are named.
        track: Vec<Name>,
    },
}

/// How rows are assigned to partitions.
#[derive(Debug)]
pub enum PartitionBy {
    /// `by hash(k)`
    Hash(Expr),
    /// `round_robin`
    RoundRobin,
    /// `by size`
    Size,
    /// `by expr, ...`: of an output, a directory per value.
    Values(Vec<Assignment>),
}
