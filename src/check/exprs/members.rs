//! Members of enums: names without quotes, which take their enum from what they stand beside.

use super::{Scope, literal};
use crate::check::names::Meaning;
use crate::diagnostics::{names, nearest};
use crate::ir::Expr;
use crate::syntax::ast::{self, ExprKind as A};
use crate::text::Span;
use crate::types::{DataType, EnumType, Scalar};
use std::sync::Arc;

impl Scope<'_, '_> {
    /// A member of an enum: of the expected one, or of the only one that has it.
    pub(super) fn member(
        &mut self,
        name: &str,
        span: Span,
        expected: Option<&DataType>,
    ) -> Option<Expr> {
        let of = |declared: &Arc<EnumType>| {
            let at = declared.by_name(name)?;
            self.globals.names().note(span, Meaning::Member(declared.name.clone(), at), None);
            let ty = DataType::Enum(declared.clone());
            Some(literal(Scalar::Enum(at as i32), ty, span))
        };
        if let Some(DataType::Enum(declared)) = expected
            && let Some(member) = of(declared)
        {
            return Some(member);
        }
        let all = self.globals.enums.values();
        let having: Vec<&Arc<EnumType>> = all
            .map(|(declared, _)| declared)
            .filter(|declared| declared.by_name(name).is_some())
            .collect();
        match having[..] {
            [] => None,
            [declared] => of(declared),
            _ => {
                let enums: Vec<&str> = having.iter().map(|declared| &*declared.name).collect();
                self.found.push(names::member_of_several(name, span, &enums));
                Some(super::bad(span))
            }
        }
    }

    /// Is it a name that stands for nothing but, maybe, a member?
    pub(super) fn may_be_member(&self, expr: &ast::Expr) -> bool {
        let A::Name(name) = &expr.kind else { return false };
        !self.slots.iter().any(|variable| variable.name == *name)
            && self.row.is_none_or(|row| row.find(name).is_none())
            && !self.globals.params.iter().any(|param| param.name == *name)
    }

    /// The enum that one of these obviously is of, so that members beside it can be of it too.
    pub(super) fn enum_among<'e>(
        &self,
        exprs: impl IntoIterator<Item = &'e ast::Expr>,
    ) -> Option<DataType> {
        exprs.into_iter().find_map(|expr| self.obvious_enum(expr))
    }

    fn obvious_enum(&self, expr: &ast::Expr) -> Option<DataType> {
        let data = match &expr.kind {
            A::Name(name) => {
                let slot = self.slots.iter().rev().find(|variable| variable.name == *name);
                let slot = slot.map(|variable| &variable.ty.data);
                let column = || self.row.and_then(|row| Some(&row.columns[row.find(name)?].ty));
                let param = || self.globals.params.iter().find(|param| param.name == *name);
                slot.or_else(|| column().map(|ty| &ty.data))
                    .or_else(|| param().map(|param| &param.ty.data))?
            }
            A::Field(base, _) => match &base.kind {
                A::Name(name) => {
                    let (declared, _) = self.globals.enums.get(name)?;
                    return Some(DataType::Enum(declared.clone()));
                }
                _ => return None,
            },
            A::Binary(ast::BinaryOp::Coalesce, _, left, right) => {
                return self.enum_among([&**left, &**right]);
            }
            _ => return None,
        };
        matches!(data, DataType::Enum(_)).then(|| data.clone())
    }

    /// Says that what stands at a place is no member of this enum, though of another.
    pub(super) fn not_its_member(&mut self, declared: &EnumType, span: Span) {
        let members: Vec<&str> = declared.members.iter().map(|member| &*member.name).collect();
        let text = self.text(span);
        self.found.push(names::no_member(&declared.name, &text, span, &members));
    }

    /// Is a name that is nothing, where a value of an enum is wanted, rather a member than a column?
    pub(super) fn is_member_meant(&self, name: &str, declared: &EnumType) -> bool {
        let members = declared.members.iter().map(|member| &*member.name);
        let Some(row) = self.row.filter(|_| nearest(name, members).is_none()) else {
            return true;
        };
        let columns = row.columns.iter().map(|column| &*column.name);
        !row.broken
            && nearest(name, columns).is_none()
            && !self.dropped.is_some_and(|dropped| dropped.contains_key(name))
    }
}
