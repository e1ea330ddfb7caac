//! `if` and `case`: conditions, results of one type, enums covered in full.

use super::{NullRule, Place, Scope, bad, narrow};
use crate::diagnostics::habits::{self, Foreign};
use crate::diagnostics::types;
use crate::ir::{Expr, ExprKind};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, Scalar, Type};

impl Scope<'_, '_> {
    pub(super) fn if_else(
        &mut self,
        condition: &ast::Expr,
        then: &ast::Expr,
        otherwise: &ast::Expr,
        span: Span,
        expected: Option<&DataType>,
    ) -> Expr {
        let wanted = expected.cloned().or_else(|| self.enum_among([then, otherwise]));
        let condition = self.condition(condition, "this condition", NullRule::Forbidden);
        let then = self
            .with_known(narrow::when_true(&condition), |scope| scope.check(then, wanted.as_ref()));
        let data = wanted.as_ref().unwrap_or(&then.ty.data);
        let otherwise = self
            .with_known(narrow::when_false(&condition), |scope| scope.check(otherwise, Some(data)));
        self.build_case(vec![(condition, then)], Some(otherwise), span)
    }

    pub(super) fn case(
        &mut self,
        subject: Option<&ast::Expr>,
        arms: &[(Vec<ast::Expr>, ast::Expr)],
        otherwise: Option<&ast::Expr>,
        span: Span,
        expected: Option<&DataType>,
    ) -> Expr {
        let results = arms.iter().map(|(_, result)| result).chain(otherwise);
        let wanted = expected.cloned().or_else(|| self.enum_among(results));
        let expected = wanted.as_ref();
        let subject = subject.map(|subject| self.check(subject, None));
        let before = self.narrowed.len();
        let mut checked = Vec::with_capacity(arms.len());
        let mut members = vec![];
        let mut is_broken = false;
        for (values, result) in arms {
            if let Some(word) = self.word_for_else(subject.as_ref(), values) {
                let place = values[0].span;
                self.found.push(habits::habit(Foreign::Form(word), place, "else"));
                self.check(result, expected);
                is_broken = true;
                continue;
            }
            let condition = match &subject {
                Some(subject) => self.is_one_of(subject, values, &mut members),
                None => self.all_conditions(values),
            };
            let result = self
                .with_known(narrow::when_true(&condition), |scope| scope.check(result, expected));
            self.narrowed.extend(narrow::when_false(&condition));
            checked.push((condition, result));
        }
        let mut last = otherwise.map(|value| self.check(value, expected));
        self.narrowed.truncate(before);
        if is_broken || checked.iter().any(|(condition, _)| condition.ty.is_unknown()) {
            return bad(span);
        }
        if last.is_none()
            && let Some(Expr {
                ty: Type { data: DataType::Enum(declared), nullable: false }, ..
            }) = &subject
        {
            let left = subject.as_ref().and_then(|subject| self.members_left(subject));
            let missing: Vec<&str> = (0..declared.members.len() as i32)
                .filter(|at| !members.contains(at) && left.is_none_or(|left| left.contains(at)))
                .map(|at| &*declared.members[at as usize].name)
                .collect();
            if missing.is_empty() {
                // The last arm needs no test.
                last = checked.pop().map(|(_, value)| value);
            } else {
                let at = self.globals.enums.get(&*declared.name).map(|(_, at)| *at);
                self.found.push(types::case_forgets(span, &missing, at));
                return bad(span);
            }
        }
        if checked.is_empty() {
            return last.unwrap_or_else(|| bad(span));
        }
        self.build_case(checked, last, span)
    }

    /// The word of another language for `else`, where it is no name of something.
    fn word_for_else(&self, subject: Option<&Expr>, values: &[ast::Expr]) -> Option<&'static str> {
        let [value] = values else { return None };
        let ast::ExprKind::Name(name) = &value.kind else { return None };
        let word = ["_", "default", "otherwise"].into_iter().find(|word| word == name)?;
        let is_member = match subject.map(|subject| &subject.ty.data) {
            Some(DataType::Enum(of)) => of.members.iter().any(|member| &*member.name == word),
            _ => false,
        };
        (self.may_be_member(value) && !is_member).then_some(word)
    }

    /// The members that a column can still be, if a step above has excluded some.
    fn members_left(&self, subject: &Expr) -> Option<&[i32]> {
        // In a group a column is a key or an aggregate, by position.
        let row = self.row.filter(|_| self.group.is_none())?;
        match subject.kind {
            ExprKind::Column(at) => {
                Some(&row.columns.get(at)?.domain.as_ref()?.members.as_ref()?.left)
            }
            _ => None,
        }
    }

    /// A list of conditions by commas: any of them.
    fn all_conditions(&mut self, values: &[ast::Expr]) -> Expr {
        let mut conditions = values
            .iter()
            .map(|value| self.condition(value, "this condition", NullRule::Forbidden))
            .collect::<Vec<_>>()
            .into_iter();
        let first = conditions.next().expect("an arm has a condition");
        conditions.fold(first, |left, right| {
            let span = left.span.to(right.span);
            let ty = DataType::Bool.required();
            Expr { kind: ExprKind::Or(Box::new(left), Box::new(right)), ty, span }
        })
    }

    /// Is the subject equal to one of the values? Members of enums are noted.
    fn is_one_of(&mut self, subject: &Expr, values: &[ast::Expr], members: &mut Vec<i32>) -> Expr {
        let span = values[0].span.to(values[values.len() - 1].span);
        let mut all = vec![];
        for value in values {
            let value = self.check(value, Some(&subject.ty.data));
            if let ExprKind::Literal(Scalar::Enum(at)) = value.kind {
                members.push(at);
            }
            all.push(value);
        }
        self.is_any(subject.clone(), all, span)
    }

    fn build_case(&mut self, arms: Vec<(Expr, Expr)>, otherwise: Option<Expr>, span: Span) -> Expr {
        let (conditions, mut values): (Vec<Expr>, Vec<Expr>) = arms.into_iter().unzip();
        let has_else = otherwise.is_some();
        values.extend(otherwise);
        if conditions.iter().chain(&values).any(|value| value.ty.is_unknown()) {
            return bad(span);
        }
        let (mut values, mut ty) = self.unify_all(values);
        if ty.is_unknown() {
            return bad(span);
        }
        let otherwise = has_else.then(|| Box::new(values.pop().expect("`else` was put in last")));
        let arms: Vec<(Expr, Expr)> = conditions.into_iter().zip(values).collect();
        ty.nullable = may_be_null(&arms, otherwise.as_deref());
        Expr { kind: ExprKind::Case { arms, otherwise }, ty, span }
    }

    /// Runs `check` knowing that these are not null.
    pub(super) fn with_known<T>(
        &mut self,
        known: Vec<Place>,
        check: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.narrowed.len();
        self.narrowed.extend(known);
        let result = check(self);
        self.narrowed.truncate(before);
        result
    }
}

/// Is one of the results that are reached null at times?
fn may_be_null(arms: &[(Expr, Expr)], otherwise: Option<&Expr>) -> bool {
    for (condition, value) in arms {
        match narrow::decided(condition) {
            Some(true) => return value.ty.nullable,
            None if value.ty.nullable => return true,
            _ => {}
        }
    }
    otherwise.is_none_or(|value| value.ty.nullable)
}
