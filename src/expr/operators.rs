//! Which kernel computes an operator, and whether a row may fail.
//!
//! Only the operators whose operands are all computed wherever they are; those that choose which
//! rows an operand is computed for are compiled in `compile`.

use super::arithmetic;
use super::compare::Compare;
use super::convert::{self, Concat, Conversion};
use super::frame::Kind;
use super::logic::{IsNull, Not};
use super::membership::{InList, Matches};
use super::nested::{Field, Index, List, Record};
use crate::functions::kernel::ScalarKernel;
use crate::ir::{self, Expr, ExprKind};
use crate::types::Scalar;
use regex::Regex;

/// The kernel of an operator, and whether it may fail; `divisor` is the value of the last operand
/// if it is constant.
pub(super) fn operator(
    expr: &Expr,
    divisor: Option<&Scalar>,
) -> (Kind, Box<dyn ScalarKernel>, bool) {
    use ExprKind as K;
    let ty = &expr.ty.data;
    match &expr.kind {
        K::Not(_) => (Kind::Not, Box::new(Not), false),
        K::Negate(_) => {
            let (kernel, fallible) = arithmetic::negate(ty);
            (Kind::Negate, kernel, fallible)
        }
        K::Arithmetic(op, a, b) => {
            let types = [&a.ty.data, &b.ty.data];
            let (kernel, fallible) = arithmetic::prepare(*op, types, ty, divisor);
            (Kind::Arithmetic(*op), kernel, fallible)
        }
        K::Compare(op, a, b) => {
            (Kind::Compare(*op), Box::new(Compare::new(*op, [&a.ty.data, &b.ty.data])), false)
        }
        K::Convert(a) | K::Cast(a) => {
            let kernel = Box::new(Conversion::new(&a.ty.data, ty));
            (Kind::Conversion, kernel, convert::is_fallible(&a.ty.data, ty))
        }
        K::IsNull(_) => (Kind::IsNull, Box::new(IsNull), false),
        K::InList(value, list) => {
            (Kind::InList, Box::new(InList::new(&value.ty.data, &list.ty.data)), false)
        }
        K::Matches(_, pattern) => {
            let regex = Regex::new(pattern).expect("patterns are tried by the checker");
            (Kind::Matches(pattern.clone()), Box::new(Matches(regex)), false)
        }
        K::Field(_, at) => (Kind::Field(*at), Box::new(Field(*at)), false),
        K::Index(..) => (Kind::Index, Box::new(Index), true),
        K::List(_) => (Kind::List, Box::new(List::new(ty)), false),
        K::Record(_) => (Kind::Record, Box::new(Record::new(ty)), false),
        K::Concat(parts) => {
            let types = parts.iter().map(|part| part.ty.data.clone()).collect();
            (Kind::Concat, Box::new(Concat::new(types)), ir::concat_may_fail(parts))
        }
        K::Literal(_)
        | K::Column(_)
        | K::Param(_)
        | K::Secret(_)
        | K::Run(_)
        | K::Slot(_)
        | K::Call { .. }
        | K::And(..)
        | K::Or(..)
        | K::In(..)
        | K::Case { .. }
        | K::Coalesce(_)
        | K::Try(_) => unreachable!("compiled by itself"),
    }
}
