//! `expect` with an aggregate: a rule about all rows that come to it.

use super::JobChecker;
use crate::check::exprs::{Asked, GroupScope, NullRule, Place, narrow};
use crate::diagnostics::{graph, types};
use crate::expr::constant;
use crate::functions::Registry;
use crate::ir::{
    AggregateCall, Column, Comparison, ExpectAction, Expectation, Expr, ExprKind, Key, Row,
    StepKind, TableFact, TableRule,
};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, Scalar};
use std::sync::Arc;

impl JobChecker<'_, '_> {
    /// A rule with its name and where it calls an aggregate.
    pub(super) fn expect_all(
        &mut self,
        (name, condition, place): (Option<&ast::Name>, &ast::Expr, Span),
        otherwise: Option<&(ast::ExpectAction, Span)>,
        above: Option<&(f64, Span)>,
        span: Span,
    ) {
        let fails = match otherwise {
            None | Some((ast::ExpectAction::Fail, _)) => true,
            Some((ast::ExpectAction::Warn, _)) => false,
            Some((ast::ExpectAction::Drop | ast::ExpectAction::Quarantine(_), at)) => {
                let message = "a rule about all rows says of none of them that it is the bad one";
                let help = "`else warn` or `else fail`; to leave rows out, say of each what must \
                            hold, without an aggregate";
                self.found.push(graph::bad_expectation(*at, message, help));
                return;
            }
        };
        if let Some((_, at)) = above {
            let message = "a rule about all rows holds or does not: there is no share of them";
            let help = "leave `above` out, or compare with a share: `null_rate(x) < 0.01`";
            self.found.push(graph::bad_expectation(*at, message, help));
            return;
        }
        let text = self.text(condition.span);
        let mut row = (*self.row).clone();
        let says = match &condition.kind {
            ast::ExprKind::Call(called, arguments) if called.text == "unique" => {
                let Some(keys) = self.unique(called, arguments) else { return };
                if fails && let Some(columns) = columns_of(&keys) {
                    row.keys.push(Key::proven(columns));
                }
                TableFact::Unique(keys)
            }
            _ => {
                let Some(says) = self.holds(condition, place) else { return };
                says
            }
        };
        if let (true, TableFact::Holds { aggregates, condition: says, .. }) = (fails, &says)
            && let Some(columns) = without_nulls(says, aggregates)
        {
            return self.none_is_null(
                name.map_or(text, |name| name.text.clone()),
                columns,
                (condition.span, span),
            );
        }
        let rule = TableRule {
            name: name.map_or(text, |name| name.text.clone()),
            says,
            fails,
            span: condition.span,
        };
        self.push(StepKind::ExpectAll(Box::new(rule)), row, span);
    }

    /// `null_rate(x) == 0`, which must hold: a row without `x` breaks it whatever the others are, so that
    /// each is asked, and what follows sees none.
    fn none_is_null(&mut self, name: String, columns: Vec<Expr>, (condition, span): (Span, Span)) {
        let known: Vec<Place> = columns.iter().flat_map(narrow::strict_places).collect();
        let ty = DataType::Bool.required();
        let expr = |kind| Expr { kind, ty: ty.clone(), span: condition };
        let is_there = columns
            .into_iter()
            .map(|value| expr(ExprKind::Not(Box::new(expr(ExprKind::IsNull(Box::new(value)))))));
        let all = is_there.reduce(|a, b| expr(ExprKind::And(Box::new(a), Box::new(b))));
        let condition = all.expect("a rule says something");
        let row = self.narrowed(&known);
        let rule = Expectation { name, condition, action: ExpectAction::Fail, above: None };
        self.push(StepKind::Expect(Box::new(rule)), row, span);
    }

    /// The keys of `unique(k, …)`.
    fn unique(&mut self, called: &ast::Name, arguments: &[ast::Argument]) -> Option<Vec<Expr>> {
        if arguments.is_empty() {
            let help = "`unique(order_id)`, or `unique(country, day)` of several together";
            self.found.push(graph::bad_expectation(called.span, "unique by what?", help));
            return None;
        }
        let mut keys = vec![];
        for argument in arguments {
            let key = self.scope().check(&argument.value, None);
            if key.ty.is_unknown() {
                return None;
            }
            if !key.ty.data.is_ordered() {
                self.found.push(types::not_ordered("a key", key.span, &key.ty));
                return None;
            }
            keys.push(key);
        }
        Some(keys)
    }

    /// A condition over aggregates.
    fn holds(&mut self, condition: &ast::Expr, place: Span) -> Option<TableFact> {
        let mut scope = self.scope();
        scope.asked = Asked::OfAllRows;
        scope.group = Some(GroupScope {
            keys: vec![],
            aggregates: vec![],
            keys_text: String::new(),
            span: place,
            is_rule: true,
            only: None,
            names: vec![],
        });
        let condition = scope.condition(condition, "this rule", NullRule::Allowed);
        let group = scope.group.take().expect("it was put in above");
        if condition.ty.is_unknown() {
            return None;
        }
        let column = |call: &crate::ir::AggregateCall| Column {
            name: call.name.clone(),
            ty: call.ty.clone(),
            origin: call.span,
            domain: None,
        };
        let columns = group.aggregates.iter().map(column).collect();
        let row = Arc::new(Row { columns, ..Row::default() });
        Some(TableFact::Holds { aggregates: group.aggregates, row, condition })
    }
}

/// The columns that keys are, if all are columns.
fn columns_of(keys: &[Expr]) -> Option<Vec<usize>> {
    let column = |key: &Expr| match key.kind {
        ExprKind::Column(at) => Some(at),
        _ => None,
    };
    keys.iter().map(column).collect()
}

/// What may not be null where a condition over aggregates says nothing but `null_rate(x) == 0`, of one
/// column or several.
fn without_nulls(condition: &Expr, aggregates: &[AggregateCall]) -> Option<Vec<Expr>> {
    let is_zero =
        |value: &Expr| matches!(constant(value, &[]), Ok(Scalar::Float(zero)) if zero == 0.0);
    let rate = |value: &Expr| {
        let ExprKind::Column(at) = value.kind else { return None };
        let call = aggregates.get(at)?;
        let name = &Registry::standard().declaration(call.function).name;
        (name == "null_rate").then(|| vec![call.arguments[0].clone()])
    };
    match &condition.kind {
        ExprKind::And(a, b) => {
            Some([without_nulls(a, aggregates)?, without_nulls(b, aggregates)?].concat())
        }
        ExprKind::Compare(Comparison::Equal | Comparison::LessEqual, a, zero) if is_zero(zero) => {
            rate(a)
        }
        ExprKind::Compare(Comparison::Equal | Comparison::GreaterEqual, zero, a)
            if is_zero(zero) =>
        {
            rate(a)
        }
        _ => None,
    }
}
