//! Expressions and types as written.

use super::{Name, Text};
use crate::text::Span;

/// An expression with its place.
#[derive(Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where, without parentheses around it.
    pub span: Span,
}

/// What an expression is.
#[derive(Debug)]
pub enum ExprKind {
    /// A column, parameter, enum member or lambda parameter.
    Name(String),
    /// `right.column`, `run.date`, `record.field`
    Field(Box<Expr>, Name),
    /// `list[0]`
    Index(Box<Expr>, Box<Expr>),
    /// `12`, `1_000` (as a positive number; `-` is an operator). None when it exceeds 64 bits;
    /// 2^63 is an `int` only behind a `-`.
    Int(Option<u64>),
    /// `1.5`, `1e-3`: the text without underscores; a decimal or a float as its neighbour wants.
    Number(String),
    /// `5%`: the share, 0.05.
    Percent(f64),
    /// `"a {b} c"`: one literal part alone when nothing is interpolated.
    Text(Vec<TextPart>),
    /// `r"\d+"`
    Regex(String),
    /// `true`, `false`
    Bool(bool),
    /// `null`
    Null,
    /// `30m`, `7d`: microseconds.
    Duration(i64),
    /// `3mo`, `1y`: calendar months.
    Months(i32),
    /// `4GB`: bytes.
    Bytes(u64),
    /// `@2024-01-31`: days since 1970-01-01.
    Date(i32),
    /// `@2024-01-31T10:00`: microseconds of a wall clock since 1970.
    Datetime(i64),
    /// `@2024-01-31T10:00Z`: microseconds since 1970 in UTC.
    Timestamp(i64),
    /// `f(a, b: c)`
    Call(Name, Vec<Argument>),
    /// `not a`, `-a`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`; the span is the operator's.
    Binary(BinaryOp, Span, Box<Expr>, Box<Expr>),
    /// `a is [not] null`
    IsNull {
        /// What is tested.
        value: Box<Expr>,
        /// With `not`?
        negated: bool,
    },
    /// `a [not] in [1, 2]`
    In {
        /// What is sought.
        value: Box<Expr>,
        /// With `not`?
        negated: bool,
        /// The list.
        list: Box<Expr>,
    },
    /// `a [not] between b and c`, both ends included.
    Between {
        /// What is tested.
        value: Box<Expr>,
        /// With `not`?
        negated: bool,
        /// The least.
        low: Box<Expr>,
        /// The most.
        high: Box<Expr>,
    },
    /// `a [not] matches r"..."`
    Matches {
        /// What is tested.
        value: Box<Expr>,
        /// With `not`?
        negated: bool,
        /// The pattern.
        pattern: Text,
    },
    /// `a as int`
    As(Box<Expr>, TypeExpr),
    /// `if c then a else b`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `case x { A => 1 ... else => 0 }`, `case { cond => 1 ... }`
    Case {
        /// What the arms are compared with; none when they are conditions.
        subject: Option<Box<Expr>>,
        /// Each: values (several by commas) or one condition, and the result.
        arms: Vec<(Vec<Expr>, Expr)>,
        /// The result when no arm fits.
        otherwise: Option<Box<Expr>>,
    },
    /// `x -> x + 1`, `(a, b) -> a + b`
    Lambda(Vec<Name>, Box<Expr>),
    /// `[1, 2]`
    List(Vec<Expr>),
    /// `{a: 1, b: 2}`
    Record(Vec<(Name, Expr)>),
    /// Did not parse; a diagnostic has been given.
    Bad,
}

/// A piece of a text literal.
#[derive(Debug)]
pub enum TextPart {
    /// As it stands, escapes resolved.
    Literal(String),
    /// `{expr}`
    Expr(Expr),
}

/// `x`, `zone: "UTC"`
#[derive(Debug)]
pub struct Argument {
    /// The parameter's name, if given.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `not`
    Not,
    /// `-`
    Negate,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `??`
    Coalesce,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `//`
    IntDivide,
    /// `%`
    Remainder,
    /// `**`
    Power,
}

/// A type as written.
#[derive(Debug)]
pub struct TypeExpr {
    /// What it is.
    pub kind: TypeExprKind,
    /// With a `?` behind it?
    pub nullable: bool,
    /// Where.
    pub span: Span,
}

/// What a written type is.
#[derive(Debug)]
pub enum TypeExprKind {
    /// `int`, `Level`, `decimal(12, 2)`: a name and its arguments. Arguments are integers, or
    /// arithmetic over the digits of parameters in the standard library.
    Named(Name, Vec<Expr>),
    /// `list<T>`
    List(Box<TypeExpr>),
    /// `map<K, V>`
    Map(Box<TypeExpr>, Box<TypeExpr>),
    /// `{a: int, b: string?}`, `..` at the end makes it open.
    Record(Vec<(Name, TypeExpr)>, bool),
    /// `(T) -> U`
    Function(Vec<TypeExpr>, Box<TypeExpr>),
    /// Did not parse.
    Bad,
}

impl Expr {
    /// The expressions within it, in the order of the text.
    pub fn children(&self) -> Vec<&Expr> {
        use ExprKind as K;
        match &self.kind {
            K::Field(one, _) | K::Unary(_, one) | K::As(one, _) | K::Lambda(_, one) => vec![one],
            K::IsNull { value, .. } | K::Matches { value, .. } => vec![value],
            K::Index(one, other) | K::Binary(_, _, one, other) => vec![one, other],
            K::In { value, list, .. } => vec![value, list],
            K::Between { value, low, high, .. } => vec![value, low, high],
            K::If(condition, then, otherwise) => vec![condition, then, otherwise],
            K::Call(_, arguments) => arguments.iter().map(|argument| &argument.value).collect(),
            K::Case { subject, arms, otherwise } => {
                let arms = arms.iter().flat_map(|(tests, value)| tests.iter().chain([value]));
                let subject = subject.as_deref().into_iter();
                subject.chain(arms).chain(otherwise.as_deref()).collect()
            }
            K::List(items) => items.iter().collect(),
            K::Record(fields) => fields.iter().map(|(_, value)| value).collect(),
            K::Text(parts) => {
                let values = parts.iter().filter_map(|part| match part {
                    TextPart::Expr(value) => Some(value),
                    TextPart::Literal(_) => None,
                });
                values.collect()
            }
            K::Name(_)
            | K::Int(_)
            | K::Number(_)
            | K::Percent(_)
            | K::Regex(_)
            | K::Bool(_)
            | K::Null
            | K::Duration(_)
            | K::Months(_)
            | K::Bytes(_)
            | K::Date(_)
            | K::Datetime(_)
            | K::Timestamp(_)
            | K::Bad => vec![],
        }
    }

    /// The same with one place for all of it: a copy that stands where it is put, as the
    /// expression of a function in place of a call.
    pub fn placed(&self, span: Span) -> Expr {
        Expr { kind: self.kind.placed(span), span }
    }
}

impl ExprKind {
    fn placed(&self, span: Span) -> ExprKind {
        use ExprKind as K;
        let boxed = |expr: &Expr| Box::new(expr.placed(span));
        let all = |exprs: &[Expr]| exprs.iter().map(|expr| expr.placed(span)).collect();
        let name = |name: &Name| Name { text: name.text.clone(), span };
        match self {
            K::Name(text) => K::Name(text.clone()),
            K::Field(base, field) => K::Field(boxed(base), name(field)),
            K::Index(list, at) => K::Index(boxed(list), boxed(at)),
            K::Int(value) => K::Int(*value),
            K::Number(text) => K::Number(text.clone()),
            K::Percent(share) => K::Percent(*share),
            K::Text(parts) => K::Text(parts.iter().map(|part| part.placed(span)).collect()),
            K::Regex(pattern) => K::Regex(pattern.clone()),
            K::Bool(value) => K::Bool(*value),
            K::Null => K::Null,
            K::Duration(micros) => K::Duration(*micros),
            K::Months(months) => K::Months(*months),
            K::Bytes(bytes) => K::Bytes(*bytes),
            K::Date(days) => K::Date(*days),
            K::Datetime(micros) => K::Datetime(*micros),
            K::Timestamp(micros) => K::Timestamp(*micros),
            K::Call(callee, arguments) => {
                let argument = |one: &Argument| Argument {
                    name: one.name.as_ref().map(name),
                    value: one.value.placed(span),
                };
                K::Call(name(callee), arguments.iter().map(argument).collect())
            }
            K::Unary(op, value) => K::Unary(*op, boxed(value)),
            K::Binary(op, _, left, right) => K::Binary(*op, span, boxed(left), boxed(right)),
            K::IsNull { value, negated } => K::IsNull { value: boxed(value), negated: *negated },
            K::In { value, negated, list } => {
                K::In { value: boxed(value), negated: *negated, list: boxed(list) }
            }
            K::Between { value, negated, low, high } => K::Between {
                value: boxed(value),
                negated: *negated,
                low: boxed(low),
                high: boxed(high),
            },
            K::Matches { value, negated, pattern } => K::Matches {
                value: boxed(value),
                negated: *negated,
                pattern: Text { value: pattern.value.clone(), span },
            },
            K::As(value, ty) => K::As(boxed(value), ty.placed(span)),
            K::If(condition, then, otherwise) => {
                K::If(boxed(condition), boxed(then), boxed(otherwise))
            }
            K::Case { subject, arms, otherwise } => K::Case {
                subject: subject.as_deref().map(boxed),
                arms: arms.iter().map(|(tests, value)| (all(tests), value.placed(span))).collect(),
                otherwise: otherwise.as_deref().map(boxed),
            },
            K::Lambda(names, body) => K::Lambda(names.iter().map(name).collect(), boxed(body)),
            K::List(items) => K::List(all(items)),
            K::Record(fields) => K::Record(
                fields.iter().map(|(field, value)| (name(field), value.placed(span))).collect(),
            ),
            K::Bad => K::Bad,
        }
    }
}

impl TextPart {
    fn placed(&self, span: Span) -> TextPart {
        match self {
            TextPart::Literal(text) => TextPart::Literal(text.clone()),
            TextPart::Expr(expr) => TextPart::Expr(expr.placed(span)),
        }
    }
}

impl TypeExpr {
    fn placed(&self, span: Span) -> TypeExpr {
        use TypeExprKind as K;
        let name = |name: &Name| Name { text: name.text.clone(), span };
        let boxed = |ty: &TypeExpr| Box::new(ty.placed(span));
        let kind = match &self.kind {
            K::Named(named, arguments) => {
                K::Named(name(named), arguments.iter().map(|one| one.placed(span)).collect())
            }
            K::List(item) => K::List(boxed(item)),
            K::Map(key, value) => K::Map(boxed(key), boxed(value)),
            K::Record(fields, is_open) => {
                let fields = fields.iter().map(|(field, ty)| (name(field), ty.placed(span)));
                K::Record(fields.collect(), *is_open)
            }
            K::Function(parameters, result) => {
                K::Function(parameters.iter().map(|ty| ty.placed(span)).collect(), boxed(result))
            }
            K::Bad => K::Bad,
        };
        TypeExpr { kind, nullable: self.nullable, span }
    }
}
