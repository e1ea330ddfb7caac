//! Conditions that are the same for every row: of values that are known, of bounds that exclude each
//! other (`a == 1 and a == 2`), or that leave nothing out (`a != 1 or a != 2`), of a column beside
//! itself, and of what the steps above have made known.

use super::bounds::{Test, column_of, excluded, is_literal, test};
use super::{domain, values};
use crate::expr::constant;
use crate::ir::{Bound, Comparison, Expr, ExprKind, Row};
use crate::text::Span;
use crate::types::Scalar;

/// More comparisons are not held against each other.
const TESTS_MAX: usize = 64;

/// Why a condition is the same for every row.
pub(in crate::check) enum Why {
    /// It depends on no column.
    Constant,
    /// What it says of this column.
    Column(usize),
    /// It compares this column with itself.
    Itself(usize),
    /// What is known of a value that it compares.
    Known {
        /// The value.
        value: Span,
        /// That.
        bound: Bound,
        /// May it be null too?
        is_optional: bool,
    },
}

/// Is the condition true for every row, or for none? Members of an enum that exclude each other are
/// not looked at here, but by who knows since when.
pub(in crate::check) fn certain(condition: &Expr, row: &Row) -> Option<(bool, Why)> {
    match constant(condition, &[]) {
        Ok(Scalar::Bool(is)) => return Some((is, Why::Constant)),
        Ok(_) => return Some((false, Why::Constant)),
        Err(_) => {}
    }
    if let Some(why) = impossible(condition, true, row) {
        return Some((false, why));
    }
    // Where it is null it is not true.
    if condition.ty.nullable {
        return None;
    }
    let all_members = || all_members(condition, row).map(Why::Column);
    Some((true, impossible(condition, false, row).or_else(all_members)?))
}

/// A column of an enum of which no member that is left makes the condition false.
fn all_members(condition: &Expr, row: &Row) -> Option<usize> {
    let is_left = |at: usize, member: &i32| {
        let domain = row.columns.get(at).and_then(|column| column.domain.as_ref());
        domain.is_none_or(|domain| domain.can_be(*member))
    };
    let of_false = domain::members_when_false(condition).into_iter();
    let mut none = of_false.filter(|(at, members)| !members.iter().any(|one| is_left(*at, one)));
    none.next().map(|(at, _)| at)
}

/// What has to hold where a condition is true, or false.
#[derive(Default)]
struct Parts<'e> {
    tests: Vec<Test<'e>>,
    /// A column that differs from itself.
    differs: Option<usize>,
    /// A value is one of some.
    among: Vec<(&'e Expr, &'e [Expr])>,
    /// One of two conditions is so.
    either: Vec<(&'e Expr, &'e Expr)>,
}

/// Why a condition can never be true, or never false, if it cannot.
fn impossible(condition: &Expr, is: bool, row: &Row) -> Option<Why> {
    let mut all = Parts::default();
    parts(condition, is, &mut all);
    if let Some(at) = all.differs {
        return Some(Why::Itself(at));
    }
    let tests = &all.tests;
    let excludes = |at: usize| {
        let (this, column) = (&tests[at], column_of(tests[at].value));
        let same = |other: &&Test| column.is_some() && column_of(other.value) == column;
        let mut same = tests[..at].iter().filter(same);
        same.any(|other| excluded((other.op, &other.with), (this.op, &this.with)))
    };
    if let Some(at) = (0..tests.len()).find(|at| excludes(*at)) {
        return column_of(tests[at].value).map(Why::Column);
    }
    let of_tests = tests.iter().find_map(|test| known(test, row));
    let of_lists = || all.among.iter().find_map(|(value, items)| all_known(value, items, row));
    of_tests.or_else(of_lists).or_else(|| {
        all.either.iter().find_map(|(a, b)| {
            let why = impossible(a, is, row)?;
            impossible(b, is, row).map(|_| why)
        })
    })
}

fn parts<'e>(condition: &'e Expr, is: bool, all: &mut Parts<'e>) {
    match (&condition.kind, is) {
        (ExprKind::Not(inner), _) => parts(inner, !is, all),
        (ExprKind::And(a, b), true) | (ExprKind::Or(a, b), false) => {
            parts(a, is, all);
            parts(b, is, all);
        }
        (ExprKind::And(a, b), false) | (ExprKind::Or(a, b), true) => all.either.push((a, b)),
        (ExprKind::Compare(op, a, b), _) if itself(a, b).is_some() => {
            use Comparison as C;
            if matches!(op, C::Equal | C::LessEqual | C::GreaterEqual) != is {
                all.differs = itself(a, b);
            }
        }
        (ExprKind::In(value, items), true) => all.among.push((value, items)),
        (ExprKind::In(value, items), false) => {
            let unequal =
                |with: &Expr| Test { value, op: Comparison::NotEqual, with: with.clone() };
            let room = TESTS_MAX.saturating_sub(all.tests.len());
            let literals = items.iter().filter(|item| is_literal(item));
            all.tests.extend(literals.take(room).map(unequal));
        }
        _ => all.tests.extend(test(condition, is).filter(|_| all.tests.len() < TESTS_MAX)),
    }
}

/// The column that both sides are.
fn itself(a: &Expr, b: &Expr) -> Option<usize> {
    column_of(a).filter(|at| column_of(b) == Some(*at))
}

/// What is known that excludes each of some values.
fn all_known(value: &Expr, items: &[Expr], row: &Row) -> Option<Why> {
    let excluded = |item: &Expr| {
        let test = Test { value, op: Comparison::Equal, with: item.clone() };
        known(&test, row).filter(|_| is_literal(item))
    };
    let all: Option<Vec<Why>> = items.iter().map(excluded).collect();
    all?.into_iter().next()
}

/// What is known that excludes what has to hold.
fn known(test: &Test, row: &Row) -> Option<Why> {
    // Null is another value than any.
    if test.op == Comparison::NotEqual && test.value.ty.nullable {
        return None;
    }
    let domain = values::of(test.value, row)?;
    let excludes = |bound: &&Bound| excluded((bound.op, &bound.value), (test.op, &test.with));
    let bound = domain.bounds.iter().find(excludes)?.clone();
    Some(Why::Known { value: test.value.span, bound, is_optional: test.value.ty.nullable })
}
