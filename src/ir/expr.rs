//! Expressions: each node knows its type and its place.

use super::ParamId;
use crate::functions::{FunctionId, Registry};
use crate::text::Span;
use crate::types::{DataType, Scalar, Type};
use std::sync::Arc;

/// A typed expression. Where two types meet, [`ExprKind::Convert`] has been put in, so operands
/// fit exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// The type of its value.
    pub ty: Type,
    /// Its place.
    pub span: Span,
}

/// The variable of a lambda, unique within a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot(pub u32);

/// What an expression computes. "Strict" means: null when an operand is null.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A value.
    Literal(Scalar),
    /// A column of the step's input row.
    Column(usize),
    /// A parameter of the run.
    Param(ParamId),
    /// The text of the secret at this position: the key of a function, and nothing else.
    Secret(usize),
    /// Something of the run, frozen when it starts.
    Run(RunValue),
    /// The variable of an enclosing lambda.
    Slot(Slot),
    /// A function; with a lambda, `lambda.over` says which argument's items it sees.
    Call {
        /// The overload.
        function: FunctionId,
        /// One for each parameter, the lambda's left out.
        arguments: Vec<Expr>,
        /// `x -> ...`
        lambda: Option<Box<Lambda>>,
    },
    /// Kleene `not`.
    Not(Box<Expr>),
    /// `-x`, strict; fails for the smallest int.
    Negate(Box<Expr>),
    /// Strict; may fail by overflow or a zero divisor. Operands keep their own digits:
    /// `decimal(12, 2) * decimal(4, 4)`.
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    /// `== !=` are total (null equals null); `< <= > >=` are strict. Operands have one type, or are
    /// numbers of two that have none in common which holds them all: those are compared exactly.
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// Kleene `and`; the right side cannot fail where the left is false.
    And(Box<Expr>, Box<Expr>),
    /// Kleene `or`; the right side cannot fail where the left is true.
    Or(Box<Expr>, Box<Expr>),
    /// Widening to this node's type; never fails.
    Convert(Box<Expr>),
    /// `as`: conversion to this node's type; strict, may fail.
    Cast(Box<Expr>),
    /// Never null.
    IsNull(Box<Expr>),
    /// Is it equal (`==`) to one of these? Never null. All have one type.
    In(Box<Expr>, Vec<Expr>),
    /// Is it equal (`==`) to an item of this list? Strict in the list. An int may be sought among
    /// floats.
    InList(Box<Expr>, Box<Expr>),
    /// Does the regular expression match anywhere in the text? Strict.
    Matches(Box<Expr>, Arc<str>),
    /// The value of the first arm whose condition is true (conditions are never null); values
    /// cannot fail where their arm is not taken. Without `otherwise`: null.
    Case {
        /// Condition and value of each arm.
        arms: Vec<(Expr, Expr)>,
        /// The value when no condition holds.
        otherwise: Option<Box<Expr>>,
    },
    /// The first that is not null; those after it cannot fail.
    Coalesce(Vec<Expr>),
    /// Null where the expression fails.
    Try(Box<Expr>),
    /// A field of a record, by position. Strict.
    Field(Box<Expr>, usize),
    /// An item of a list, from 0; fails outside of it. Strict.
    Index(Box<Expr>, Box<Expr>),
    /// A list of these.
    List(Vec<Expr>),
    /// A record of these.
    Record(Vec<Expr>),
    /// The texts of these, one after the other, as outputs spell them. Strict.
    Concat(Vec<Expr>),
}

/// Something of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunValue {
    /// `run.time`: a `timestamp`.
    Time,
    /// `run.date`: a `date`, of `run.time` in the pipeline's time zone, or UTC.
    Date,
    /// `run.id`: a `string`.
    Id,
}

/// A function of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Lambda {
    /// The variable for the item.
    pub slot: Slot,
    /// Its type.
    pub slot_type: Type,
    /// The argument (by position in `arguments`) whose items it sees.
    pub over: usize,
    /// What it computes; columns are those of the row that the list is in.
    pub body: Expr,
}

/// Operators on numbers, times and durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`: float for ints, exact for decimals.
    Divide,
    /// `//`: truncates towards zero.
    IntDivide,
    /// `%`: the sign of the dividend.
    Remainder,
    /// `**`
    Power,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
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
}

impl Expr {
    /// The operands, in order.
    pub fn children(&self) -> Vec<&Expr> {
        use ExprKind as K;
        match &self.kind {
            K::Literal(_) | K::Column(_) | K::Param(_) | K::Secret(_) | K::Run(_) | K::Slot(_) => {
                vec![]
            }
            K::Call { arguments, lambda, .. } => {
                arguments.iter().chain(lambda.iter().map(|lambda| &lambda.body)).collect()
            }
            K::Not(a) | K::Negate(a) | K::Convert(a) | K::Cast(a) | K::IsNull(a) | K::Try(a) => {
                vec![a]
            }
            K::Matches(a, _) | K::Field(a, _) => vec![a],
            K::Arithmetic(_, a, b) | K::Compare(_, a, b) => vec![a, b],
            K::And(a, b) | K::Or(a, b) | K::InList(a, b) | K::Index(a, b) => vec![a, b],
            K::In(a, items) => std::iter::once(&**a).chain(items).collect(),
            K::Case { arms, otherwise } => arms
                .iter()
                .flat_map(|(condition, value)| [condition, value])
                .chain(otherwise.as_deref())
                .collect(),
            K::Coalesce(items) | K::List(items) | K::Record(items) | K::Concat(items) => {
                items.iter().collect()
            }
        }
    }

    /// The operands, in order, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        use ExprKind as K;
        match &mut self.kind {
            K::Literal(_) | K::Column(_) | K::Param(_) | K::Secret(_) | K::Run(_) | K::Slot(_) => {
                vec![]
            }
            K::Call { arguments, lambda, .. } => arguments
                .iter_mut()
                .chain(lambda.iter_mut().map(|lambda| &mut lambda.body))
                .collect(),
            K::Not(a) | K::Negate(a) | K::Convert(a) | K::Cast(a) | K::IsNull(a) | K::Try(a) => {
                vec![a]
            }
            K::Matches(a, _) | K::Field(a, _) => vec![a],
            K::Arithmetic(_, a, b) | K::Compare(_, a, b) => vec![a, b],
            K::And(a, b) | K::Or(a, b) | K::InList(a, b) | K::Index(a, b) => vec![a, b],
            K::In(a, items) => std::iter::once(&mut **a).chain(items).collect(),
            K::Case { arms, otherwise } => arms
                .iter_mut()
                .flat_map(|(condition, value)| [condition, value])
                .chain(otherwise.as_deref_mut())
                .collect(),
            K::Coalesce(items) | K::List(items) | K::Record(items) | K::Concat(items) => {
                items.iter_mut().collect()
            }
        }
    }

    /// May a row fail here? A divisor that is a literal other than zero cannot.
    pub fn may_fail(&self) -> bool {
        let is_never = |divisor: &Expr, number: i64| match divisor.is_zero_literal() {
            Some(is_zero) if number == 0 => !is_zero,
            Some(_) => divisor.kind != ExprKind::Literal(Scalar::Int(number)),
            None => false,
        };
        !matches!(self.kind, ExprKind::Try(_))
            && (self.itself_may_fail(&is_never)
                || self.children().iter().any(|child| child.may_fail()))
    }

    /// May a row fail at the operator itself, whose operands do not fail? `is_never` says of a divisor
    /// whether it is known not to be a number.
    pub fn itself_may_fail(&self, is_never: &dyn Fn(&Expr, i64) -> bool) -> bool {
        use ExprKind as K;
        match &self.kind {
            K::Call { function, arguments, .. } => {
                let is_literal = |at: usize| {
                    arguments.get(at).is_some_and(|one| matches!(one.kind, K::Literal(_)))
                };
                Registry::standard().declaration(*function).may_fail(is_literal)
            }
            // The least int has no opposite.
            K::Negate(value) => {
                !matches!(self.ty.data, DataType::Float | DataType::Decimal { .. })
                    && !matches!(&value.kind, K::Literal(one) if *one != Scalar::Int(i64::MIN))
            }
            K::Arithmetic(op, left, right) => {
                arithmetic_may_fail(*op, left, right, &self.ty.data, is_never)
            }
            K::Convert(value) => !has_room(&value.ty.data, &self.ty.data),
            K::Cast(value) => cast_may_fail(&value.ty.data, &self.ty.data),
            K::Index(..) => true,
            K::Concat(parts) => concat_may_fail(parts),
            _ => false,
        }
    }

    /// Of a number that is written down: is it zero?
    pub fn is_zero_literal(&self) -> Option<bool> {
        match &self.kind {
            ExprKind::Literal(Scalar::Int(value)) => Some(*value == 0),
            ExprKind::Literal(Scalar::Float(value)) => Some(*value == 0.0),
            ExprKind::Literal(Scalar::Decimal(value)) => Some(*value == 0),
            ExprKind::Convert(value) => value.is_zero_literal(),
            _ => None,
        }
    }

    /// Calls `see` with every column that the expression reads.
    pub fn visit_columns(&self, see: &mut impl FnMut(usize)) {
        if let ExprKind::Column(column) = self.kind {
            see(column);
        }
        for child in self.children() {
            child.visit_columns(see);
        }
    }

    /// Puts `to(column)` in place of every column.
    pub fn map_columns(&mut self, to: &impl Fn(usize) -> usize) {
        if let ExprKind::Column(column) = &mut self.kind {
            *column = to(*column);
        }
        for child in self.children_mut() {
            child.map_columns(to);
        }
    }
}

/// May the operator itself fail on a row?
fn arithmetic_may_fail(
    op: Arithmetic,
    left: &Expr,
    right: &Expr,
    result: &DataType,
    is_never: &dyn Fn(&Expr, i64) -> bool,
) -> bool {
    use Arithmetic as O;
    match (op, result) {
        (O::Power, _) => true,
        // The least int divided by -1 has no room.
        (O::IntDivide, DataType::Int) => !is_never(right, 0) || !is_never(right, -1),
        (O::Remainder, DataType::Int) => !is_never(right, 0),
        (O::Divide | O::IntDivide | O::Remainder, DataType::Float) => !is_never(right, 0),
        (O::Divide | O::IntDivide, DataType::Decimal { precision, scale }) => {
            let ((p, s), (_, t)) = (digits(&left.ty.data), digits(&right.ty.data));
            !is_never(right, 0) || p - s + t + scale > *precision
        }
        (O::Remainder, DataType::Decimal { .. }) => !is_never(right, 0),
        (O::Add | O::Subtract | O::Multiply, DataType::Float) => false,
        (O::Add | O::Subtract, DataType::Decimal { precision, .. }) => {
            let ((p, s), (q, t)) = (digits(&left.ty.data), digits(&right.ty.data));
            (p - s).max(q - t) + s.max(t) + 1 > *precision
        }
        (O::Multiply, DataType::Decimal { precision, .. }) => {
            digits(&left.ty.data).0 + digits(&right.ty.data).0 > *precision
        }
        _ => true,
    }
}

/// Digits in all and after the point of an exact number.
fn digits(data: &DataType) -> (u8, u8) {
    match data {
        DataType::Decimal { precision, scale } => (*precision, *scale),
        // 19 digits hold every 64-bit integer.
        _ => (19, 0),
    }
}

/// Does every value have room in the type that it is widened to? Only a decimal of which 38
/// digits are too few has not.
fn has_room(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Int | DataType::Decimal { .. }, DataType::Decimal { precision, scale }) => {
            let (p, s) = digits(from);
            *scale >= s && precision - scale >= p - s
        }
        (DataType::List(from), DataType::List(to)) => has_room(&from.data, &to.data),
        _ => true,
    }
}

/// May a text put together from these values become too large?
pub fn concat_may_fail(parts: &[Expr]) -> bool {
    use DataType as D;
    let has_any_length = |part: &Expr| {
        matches!(
            part.ty.data,
            D::String | D::Json | D::Bytes | D::List(_) | D::Map(_) | D::Record(_)
        )
    };
    parts.iter().any(|part| has_any_length(part) && !matches!(part.kind, ExprKind::Literal(_)))
}

/// May `as` from one type to the other fail on a row?
fn cast_may_fail(from: &DataType, to: &DataType) -> bool {
    use DataType as D;
    match (from, to) {
        (_, D::String) | (D::Null, _) => false,
        (D::Bool, D::Int) | (D::Int | D::Decimal { .. }, D::Float) => false,
        (D::Date, D::Datetime) | (D::Datetime, D::Date | D::Time) => false,
        // Rounding can make one digit more before the point.
        (D::Int | D::Decimal { .. }, D::Decimal { precision, scale }) => {
            let (p, s) = digits(from);
            p - s + u8::from(*scale < s) > precision - scale
        }
        (D::Decimal { precision, scale }, D::Int) => precision - scale + u8::from(*scale > 0) > 18,
        (D::List(from), D::List(to)) | (D::Map(from), D::Map(to)) => {
            cast_may_fail(&from.data, &to.data)
        }
        _ => true,
    }
}
