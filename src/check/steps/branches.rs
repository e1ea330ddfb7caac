//! Steps that end a job and send each of its rows to a branch: `split route`.

use super::JobChecker;
use super::sample::below;
use crate::check::branches::COLUMN;
use crate::check::exprs::{NullRule, domain, literal, narrow};
use crate::diagnostics::{branches, names};
use crate::ir::{Column, Expr, ExprKind, StepKind};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, Scalar, Type};

/// Conditions, and the branch of the rows for which each is the first that is true.
type Arms = Vec<(Expr, Expr)>;

impl JobChecker<'_, '_> {
    /// Adds the column that says which branch a row goes to.
    fn send(
        &mut self,
        arms: impl FnOnce(&mut Self, usize, &Type) -> Option<(Arms, Expr)>,
        span: Span,
    ) {
        let ty = self.globals.branch_type(&self.name.text).required();
        if let Some(at) = self.row.find(COLUMN) {
            let first = self.row.columns[at].origin;
            self.found.push(names::column_twice(COLUMN, span, first));
            return self.give_up();
        }
        let column = self.row.columns.len();
        let Some((arms, otherwise)) = arms(self, column, &ty) else { return self.give_up() };
        let value = match arms.is_empty() {
            true => otherwise,
            false => {
                let otherwise = Some(Box::new(otherwise));
                Expr { kind: ExprKind::Case { arms, otherwise }, ty, span }
            }
        };
        let added = self.computed(COLUMN, &value, span);
        let mut row = (*self.row).clone();
        match row.columns.len() > column {
            true => row.columns.replace(column, added),
            false => row.columns.push(added),
        }
        self.push(StepKind::Set { column, value }, row, span);
    }

    pub(super) fn split(
        &mut self,
        by: &[ast::Assignment],
        seed: Option<(u64, Span)>,
        shares: &[(ast::Name, f64, Span)],
        statement: &ast::Statement,
    ) {
        let span = statement.span;
        let Some((seed, _)) = seed else {
            self.found.push(branches::no_seed("split", statement.verb, !shares.is_empty()));
            return self.give_up();
        };
        // Shares are written with few digits: what is left of a sum is rounding.
        let sum: f64 = shares.iter().map(|(_, share, _)| share).sum();
        if (sum - 1.0).abs() > 1e-9 {
            self.found.push(branches::shares_differ(span, sum));
            return self.give_up();
        }
        let Some(hash) = self.hash(by, seed, span) else { return self.give_up() };
        self.send(
            |checker, column, ty| {
                let mut row = (*checker.row).clone();
                let int = DataType::Int.required();
                row.columns.push(Column {
                    name: COLUMN.into(),
                    ty: int.clone(),
                    origin: span,
                    domain: None,
                });
                checker.push(StepKind::Set { column, value: hash }, row, span);
                let branch =
                    |at: usize, span| literal(Scalar::Enum(at as i32), ty.data.clone(), span);
                let mut share = 0.0;
                let mut arms = vec![];
                for (at, (_, part, place)) in shares.iter().enumerate().take(shares.len() - 1) {
                    share += part;
                    let hash = Expr { kind: ExprKind::Column(column), ty: int.clone(), span };
                    arms.push((below(hash, share, *place), branch(at, *place)));
                }
                Some((arms, branch(shares.len() - 1, span)))
            },
            span,
        );
    }

    pub(super) fn route(&mut self, routes: &[ast::Branch], span: Span) {
        let Some(last) = routes.iter().position(|route| route.when.is_none()) else {
            let last = routes.last().map_or(span, |last| last.span);
            self.found.push(branches::no_otherwise(last));
            return self.give_up();
        };
        if let Some(behind) = routes.get(last + 1) {
            self.found.push(branches::behind_otherwise(behind.span, routes[last].span));
        }
        self.send(
            |checker, _, ty| {
                let branch =
                    |at: usize, span| literal(Scalar::Enum(at as i32), ty.data.clone(), span);
                let (mut arms, mut known) = (vec![], vec![]);
                // What is known of rows that no branch has taken so far.
                let (mut not_null, mut left) = (vec![], vec![]);
                for (at, route) in routes.iter().enumerate().take(last) {
                    let Some(when) = &route.when else { break };
                    let mut scope = checker.scope();
                    scope.narrowed.clone_from(&not_null);
                    let condition = scope.condition(when, "this condition", NullRule::Forbidden);
                    let mut here = not_null.clone();
                    here.extend(narrow::when_true(&condition));
                    let met = domain::all(left.clone(), domain::when_true(&condition));
                    known.push((here, checker.domains(met)));
                    not_null.extend(narrow::when_false(&condition));
                    left = domain::all(left, domain::when_false(&condition));
                    arms.push((condition, branch(at, route.span)));
                }
                known.push((not_null, checker.domains(left)));
                let name = &checker.name.text;
                if let Some(all) = checker.globals.branches.get_mut(name) {
                    all.iter_mut().zip(known).for_each(|(branch, known)| branch.known = known);
                }
                let is_known = arms.iter().all(|(condition, _)| !condition.ty.is_unknown());
                is_known.then(|| (arms, branch(last, routes[last].span)))
            },
            span,
        );
    }

    /// What is known of columns where this is known besides.
    fn domains(&self, known: domain::Known) -> domain::Known {
        let mut domains = vec![];
        for (at, known) in known {
            let Some(column) = self.row.columns.get(at) else { continue };
            let before = column.domain.as_deref();
            let mut domain = before.map_or(known.clone(), |before| domain::both(before, &known));
            if domain.members.as_ref().is_some_and(|members| members.left.is_empty()) {
                domain.members = before.and_then(|before| before.members.clone());
            }
            domains.push((at, domain));
        }
        domains
    }
}
