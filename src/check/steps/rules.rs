//! `expect` with an aggregate: a rule about all rows that come to it.

use super::JobChecker;
use crate::check::exprs::{Asked, GroupScope, NullRule};
use crate::diagnostics::{graph, types};
use crate::ir::{Column, Expr, ExprKind, Key, Row, StepKind, TableFact, TableRule};
use crate::syntax::ast;
use crate::text::Span;
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
        let rule = TableRule {
            name: name.map_or(text, |name| name.text.clone()),
            says,
            fails,
            span: condition.span,
        };
        self.push(StepKind::ExpectAll(Box::new(rule)), row, span);
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
