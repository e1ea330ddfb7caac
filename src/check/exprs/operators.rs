//! Operators: which types they take and give.

use super::arithmetic::arithmetic;
use super::convert::{adapt, open_part};
use super::{Scope, adaptable, bad, convert, literal, narrow};
use crate::diagnostics::{habits, operand, patterns, types};
use crate::functions::regex::compile;
use crate::ir::{Comparison, Expr, ExprKind};
use crate::syntax::ast::{self, BinaryOp, UnaryOp};
use crate::text::Span;
use crate::types::{DataType, Scalar, Type, keeps_numbers, unify};

/// The least `int` without its sign.
const LEAST: u64 = i64::MIN.unsigned_abs();

pub(super) fn boxed(value: Expr) -> Box<Expr> {
    Box::new(value)
}

impl Scope<'_, '_> {
    pub(super) fn unary(&mut self, op: UnaryOp, value: &ast::Expr, span: Span) -> Expr {
        match op {
            UnaryOp::Not => {
                let value = self.truth(value, "not");
                let ty = value.ty.clone();
                Expr { kind: ExprKind::Not(boxed(value)), ty, span }
            }
            UnaryOp::Negate if matches!(value.kind, ast::ExprKind::Int(Some(LEAST))) => {
                literal(Scalar::Int(i64::MIN), DataType::Int, span)
            }
            UnaryOp::Negate => {
                let value = open_part(self.check(value, None));
                match &value.ty.data {
                    DataType::Unknown => bad(span),
                    data if data.is_number() || *data == DataType::Duration => {
                        let ty = value.ty.clone();
                        Expr { kind: ExprKind::Negate(boxed(value)), ty, span }
                    }
                    _ => {
                        let text = self.text(value.span);
                        let found = types::one_operand("-", (&text, value.span, &value.ty), "int");
                        self.found.push(match &value.ty.data {
                            DataType::Named(named) => {
                                let text = operand(&self.text(value.span));
                                found.help(format!(
                                    "the value behind it: `-({text} as {})`",
                                    named.of
                                ))
                            }
                            _ => found,
                        });
                        bad(span)
                    }
                }
            }
        }
    }

    /// An operand of `and`, `or`, `not`.
    fn truth(&mut self, value: &ast::Expr, operator: &str) -> Expr {
        let value = self.check(value, Some(&DataType::Bool));
        match value.ty.data {
            DataType::Bool | DataType::Unknown => value,
            DataType::Null => convert(value, &DataType::Bool),
            _ => {
                let text = self.text(value.span);
                let shown = (text.as_str(), value.span, &value.ty);
                self.found.push(types::one_operand(operator, shown, "bool"));
                bad(value.span)
            }
        }
    }

    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        place: Span,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Expr {
        match op {
            BinaryOp::And | BinaryOp::Or => self.logic(op, left, right, span),
            BinaryOp::Coalesce => self.coalesce(left, right, span),
            _ => {
                let Some((left, right)) = self.sides(op, left, right) else { return bad(span) };
                if left.ty.is_unknown() || right.ty.is_unknown() {
                    return bad(span);
                }
                let is_comparison = comparison(op).is_some();
                let (left, right) = match is_comparison && left.ty.data == right.ty.data {
                    true => (left, right),
                    false => open_parts(left, right),
                };
                match comparison(op) {
                    Some(op) => self.compare(op, place, left, right, span),
                    None => self.arithmetic(arithmetic(op), place, left, right, span),
                }
            }
        }
    }

    /// The operands of a comparison or of arithmetic; none where a `??` holds on to one of them.
    fn sides(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr) -> Option<(Expr, Expr)> {
        if comparison(op).is_none() || self.may_be_member(left) {
            return Some(self.pair(left, right));
        }
        let (value, place) = (self.check(left, None), left.span);
        if self.report_loose_coalesce(op, &value, place, right) {
            return None;
        }
        let right = self.check(right, Some(&value.ty.data));
        Some((value, right))
    }

    /// Both operands; a member of an enum takes its type from the other side.
    fn pair(&mut self, left: &ast::Expr, right: &ast::Expr) -> (Expr, Expr) {
        if self.may_be_member(left) && !self.may_be_member(right) {
            let right = self.check(right, None);
            let left = self.check(left, Some(&right.ty.data));
            return (left, right);
        }
        let left = self.check(left, None);
        let right = self.check(right, Some(&left.ty.data));
        (left, right)
    }

    fn logic(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let word = if op == BinaryOp::And { "and" } else { "or" };
        let left = self.truth(left, word);
        // The right side decides where the left one does not: also where that is null.
        let known = match op {
            BinaryOp::And => narrow::when_not_false(&left),
            _ => narrow::when_not_true(&left),
        };
        let right = self.with_known(known, |scope| scope.truth(right, word));
        if left.ty.is_unknown() || right.ty.is_unknown() {
            return bad(span);
        }
        let ty = Type { data: DataType::Bool, nullable: left.ty.nullable || right.ty.nullable };
        let (left, right) = (boxed(left), boxed(right));
        let kind = if op == BinaryOp::And {
            ExprKind::And(left, right)
        } else {
            ExprKind::Or(left, right)
        };
        let mut value = Expr { kind, ty, span };
        value.ty.nullable = narrow::null_causes(&value).is_none_or(|causes| !causes.is_empty());
        value
    }

    fn coalesce(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let (left, right) = self.pair(left, right);
        if left.ty.is_unknown() || right.ty.is_unknown() {
            return bad(span);
        }
        let nullable = left.ty.nullable && right.ty.nullable;
        let (values, ty) = self.unify_all(vec![left, right]);
        if ty.is_unknown() {
            return bad(span);
        }
        let ty = ty.with_nullable(nullable);
        Expr { kind: ExprKind::Coalesce(values), ty, span }
    }

    pub(super) fn is_null(&mut self, value: &ast::Expr, negated: bool, span: Span) -> Expr {
        let value = self.check(value, None);
        if value.ty.is_unknown() { bad(span) } else { self.null_test(value, negated, span) }
    }

    fn null_test(&mut self, value: Expr, negated: bool, span: Span) -> Expr {
        if !value.ty.nullable {
            let text = self.text(value.span);
            self.found.push(types::never_null(&text, span, &value.ty));
        }
        let ty = DataType::Bool.required();
        let test = Expr { kind: ExprKind::IsNull(boxed(value)), ty, span };
        negate(test, negated)
    }

    pub(super) fn is_in(
        &mut self,
        value: &ast::Expr,
        negated: bool,
        list: &ast::Expr,
        span: Span,
    ) -> Expr {
        if let Some(column) = self.column_of_table(list) {
            let value = self.text(value.span);
            let of = self.text(list.span);
            let table = of.split('.').next().unwrap_or_default();
            let on = if value == column { value } else { format!("{value} == {of}") };
            let verb = if negated { "anti" } else { "semi" };
            let written = format!("{verb} join {table} on {on}");
            self.found.push(habits::rows_of_another(list.span, &written));
            return bad(span);
        }
        let value = self.check(value, None);
        let ast::ExprKind::List(items) = &list.kind else {
            let list = self.check(list, None);
            let DataType::List(item) = list.ty.data.clone() else {
                if !list.ty.is_unknown() {
                    let text = self.text(list.span);
                    let found = types::one_operand("in", (&text, list.span, &list.ty), "list");
                    self.found.push(match self.how_to_look(&value, negated, &list) {
                        Some(help) => found.help(help),
                        None => found,
                    });
                }
                return bad(span);
            };
            let wanted = item.with_nullable(true);
            let value = adapt(value, &item.data);
            // A float that is the nearest to an int is not found for it.
            let value = if (&value.ty.data, &item.data) == (&DataType::Int, &DataType::Float) {
                value
            } else {
                self.fit(value, &wanted, "the value sought")
            };
            if value.ty.is_unknown() {
                return bad(span);
            }
            let ty = Type { data: DataType::Bool, nullable: list.ty.nullable };
            let kind = ExprKind::InList(boxed(value), boxed(list));
            return negate(Expr { kind, ty, span }, negated);
        };
        let data = value.ty.data.clone();
        let items = items.iter().map(|item| self.check(item, Some(&data))).collect();
        negate(self.is_any(value, items, span), negated)
    }

    pub(super) fn between(
        &mut self,
        value: &ast::Expr,
        negated: bool,
        (low, high): (&ast::Expr, &ast::Expr),
        span: Span,
    ) -> Expr {
        let low_test = self.binary(BinaryOp::GreaterEqual, low.span, value, low, span);
        let high_test = self.binary(BinaryOp::LessEqual, high.span, value, high, span);
        if low_test.ty.is_unknown() || high_test.ty.is_unknown() {
            return bad(span);
        }
        let nullable = low_test.ty.nullable || high_test.ty.nullable;
        let ty = Type { data: DataType::Bool, nullable };
        let kind = ExprKind::And(boxed(low_test), boxed(high_test));
        negate(Expr { kind, ty, span }, negated)
    }

    pub(super) fn matches(
        &mut self,
        value: &ast::Expr,
        negated: bool,
        pattern: &ast::Text,
        span: Span,
    ) -> Expr {
        let value = self.check_as(value, &DataType::String.optional(), "`matches`");
        if let Err(reason) = compile(&pattern.value) {
            self.found.push(patterns::bad(pattern.span, &reason));
            return bad(span);
        }
        if value.ty.is_unknown() {
            return bad(span);
        }
        let ty = Type { data: DataType::Bool, nullable: value.ty.nullable };
        let kind = ExprKind::Matches(boxed(value), pattern.value.as_str().into());
        negate(Expr { kind, ty, span }, negated)
    }

    fn compare(
        &mut self,
        op: Comparison,
        place: Span,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Expr {
        let (left, right) = adapt_pair(left, right);
        let Some(ty) = unify(&left.ty, &right.ty) else {
            self.report_mix(place, "compare", &left, &right);
            return bad(span);
        };
        let total = matches!(op, Comparison::Equal | Comparison::NotEqual);
        if total && let Some(value) = beside_null(&left, &right) {
            return self.null_test(value, op == Comparison::NotEqual, span);
        }
        if !total && !ty.data.is_ordered() {
            self.found.push(types::not_ordered("a side of `<`", place, &ty));
            return bad(span);
        }
        let nullable = !total && ty.nullable;
        let (left, right) = comparable(left, right, &ty.data);
        let kind = ExprKind::Compare(op, boxed(left), boxed(right));
        Expr { kind, ty: Type { data: DataType::Bool, nullable }, span }
    }

    /// Says of each item that it does not go together with the member of an enum that is first, and
    /// whether there was one.
    fn report_not_comparable(&mut self, values: &[Expr]) -> bool {
        let [value, items @ ..] = values else { return false };
        if !matches!(value.ty.data, DataType::Enum(_)) {
            return false;
        }
        let mut is_said = false;
        for item in items {
            let (one, other) = adapt_pair(value.clone(), item.clone());
            if unify(&one.ty, &other.ty).is_none() {
                is_said = true;
                self.report_mix(item.span, "compare", &one, &other);
            }
        }
        is_said
    }

    /// Is the value equal (`==`) to one of the items? Says so where they do not go together.
    pub(super) fn is_any(&mut self, value: Expr, items: Vec<Expr>, span: Span) -> Expr {
        let mut all = vec![value];
        all.extend(items);
        if all.iter().any(|one| one.ty.is_unknown()) {
            return bad(span);
        }
        if self.report_not_comparable(&all) {
            return bad(span);
        }
        let (mut all, unified) = self.adapt_all(all);
        if unified.is_unknown() {
            return bad(span);
        }
        let value = all.remove(0);
        if all.len() == 1 {
            if let Some(value) = beside_null(&value, &all[0]) {
                return self.null_test(value, false, span);
            }
            let (value, item) = comparable(value, all.remove(0), &unified.data);
            let kind = ExprKind::Compare(Comparison::Equal, boxed(value), boxed(item));
            return Expr { kind, ty: DataType::Bool.required(), span };
        }
        let joins = |item: &Expr| {
            item.ty.data == DataType::Null
                || !is_mixed(&value.ty.data, &item.ty.data, &unified.data)
        };
        // Where a set of one type would round some, those are compared one by one.
        let (set, others): (Vec<Expr>, Vec<Expr>) = all.into_iter().partition(joins);
        let data = if others.is_empty() { unified.data.clone() } else { value.ty.data.clone() };
        let ty = DataType::Bool.required();
        let test = |kind| Expr { kind, ty: ty.clone(), span };
        let items = set.into_iter().map(|item| convert(item, &data)).collect();
        let is_in = test(ExprKind::In(boxed(convert(value.clone(), &data)), items));
        others.into_iter().fold(is_in, |before, item| {
            let (value, item) = comparable(value.clone(), item, &unified.data);
            let equal = test(ExprKind::Compare(Comparison::Equal, boxed(value), boxed(item)));
            test(ExprKind::Or(boxed(before), boxed(equal)))
        })
    }
}

fn negate(test: Expr, negated: bool) -> Expr {
    if !negated {
        return test;
    }
    let (ty, span) = (test.ty.clone(), test.span);
    Expr { kind: ExprKind::Not(boxed(test)), ty, span }
}

/// The other side, where one is `null`.
fn beside_null(left: &Expr, right: &Expr) -> Option<Expr> {
    match (&left.ty.data, &right.ty.data) {
        (_, DataType::Null) => Some(left.clone()),
        (DataType::Null, _) => Some(right.clone()),
        _ => None,
    }
}

/// Is it two kinds of numbers of which some would change in the type that they unify to? They are
/// compared as they are.
fn is_mixed(a: &DataType, b: &DataType, unified: &DataType) -> bool {
    a.is_number() && b.is_number() && !(keeps_numbers(a, unified) && keeps_numbers(b, unified))
}

/// Two values as a comparison takes them: of the type that they unify to, unless that would change
/// a number.
pub(super) fn comparable(left: Expr, right: Expr, unified: &DataType) -> (Expr, Expr) {
    if is_mixed(&left.ty.data, &right.ty.data, unified) {
        return (left, right);
    }
    (convert(left, unified), convert(right, unified))
}

/// The operands as what they are parts of; two that are told apart stay so.
fn open_parts(left: Expr, right: Expr) -> (Expr, Expr) {
    let is_named = |side: &Expr| matches!(side.ty.data, DataType::Named(_));
    match is_named(&left) && is_named(&right) && left.ty.data != right.ty.data {
        true => (left, right),
        false => (open_part(left), open_part(right)),
    }
}

pub(super) fn adapt_pair(left: Expr, right: Expr) -> (Expr, Expr) {
    match (&left.ty.data, &right.ty.data) {
        (DataType::Named(_), _) => {
            let right = adapt(right, &left.ty.data);
            return (left, right);
        }
        (_, DataType::Named(_)) => return (adapt(left, &right.ty.data), right),
        _ => {}
    }
    match (adaptable(&left), adaptable(&right)) {
        (true, false) => (adapt(left, &right.ty.data), right),
        (false, true) => {
            let right = adapt(right, &left.ty.data);
            (left, right)
        }
        _ => (left, right),
    }
}

fn comparison(op: BinaryOp) -> Option<Comparison> {
    Some(match op {
        BinaryOp::Equal => Comparison::Equal,
        BinaryOp::NotEqual => Comparison::NotEqual,
        BinaryOp::Less => Comparison::Less,
        BinaryOp::LessEqual => Comparison::LessEqual,
        BinaryOp::Greater => Comparison::Greater,
        BinaryOp::GreaterEqual => Comparison::GreaterEqual,
        _ => return None,
    })
}
