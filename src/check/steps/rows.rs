//! Steps that keep, order, multiply or judge rows: `filter sort take distinct dedupe explode
//! expect`.

use super::JobChecker;
use super::marks;
use crate::check::constants;
use crate::check::exprs::certain::{Why, certain};
use crate::check::exprs::{Asked, NullRule, Place, domain, narrow};
use crate::data::display;
use crate::diagnostics::{certain as told, graph, rows, types};
use crate::expr::constant;
use crate::ir::{
    self, Bound, Column, Comparison, Dedupe, Expectation, ExprKind, Keep, Key, Row, StepKind,
};
use crate::syntax::ast;
use crate::text::Span;
use crate::types::{DataType, Scalar};
use std::sync::Arc;

impl JobChecker<'_, '_> {
    pub(super) fn filter(&mut self, condition: &ast::Expr, nulls: Option<ast::Nulls>, span: Span) {
        let rule = if nulls.is_some() { NullRule::Allowed } else { NullRule::Filter };
        let condition = self.scope().condition(condition, "this condition", rule);
        if condition.ty.is_unknown() {
            return;
        }
        let keep_nulls = nulls == Some(ast::Nulls::Keep);
        if nulls.is_some() && !self.scope().can_be_null(&condition) {
            let word = if keep_nulls { "keep" } else { "drop" };
            self.found.push(types::no_nulls_to(word, condition.span));
        }
        // Rows for which it is null are kept then, though it is true for none.
        if !keep_nulls || !condition.ty.nullable {
            self.judge(&condition, false);
        }
        let known = if keep_nulls { vec![] } else { narrow::when_true(&condition) };
        let mut row = self.narrowed(&known);
        if !keep_nulls {
            self.limit(&mut row, &condition, true);
        }
        self.push(StepKind::Filter { condition, keep_nulls }, row, span);
    }

    /// Says of the condition of a filter, or a rule, that it is the same for every row.
    fn judge(&mut self, condition: &ir::Expr, is_rule: bool) {
        let Some((is_true, why)) = certain(condition, &self.row) else { return };
        let name = |at: usize| self.row.columns.get(at).map_or("", |column| &column.name);
        let span = condition.span;
        let is_either = matches!(condition.kind, ExprKind::Or(..));
        self.found.push(match why {
            Why::Itself(at) => {
                let is_optional = self.row.columns.get(at).is_some_and(|one| one.ty.nullable);
                told::itself(is_rule, is_true, name(at), is_optional, span)
            }
            Why::Known { value, bound, is_optional } => {
                let (text, value) = (self.text(span), self.text(value));
                let (mut is, more) = self.words(&bound);
                if is_true && is_optional {
                    is = format!("null or {is}");
                }
                let since = bound.since;
                let is_named = self.text(since).contains(&value);
                let fact = told::Fact { value: &value, is: &is, more, since, is_named };
                told::decided(is_rule, is_true, &fact, &text, span)
            }
            Why::Column(at) if is_true => told::always(is_rule, Some(name(at)), is_either, span),
            Why::Column(at) => told::never(is_rule, Some(name(at)), span),
            Why::Constant if is_true => told::always(is_rule, None, is_either, span),
            Why::Constant => told::never(is_rule, None, span),
        });
    }

    /// What a bound says in words, and what would say more.
    fn words(&self, bound: &Bound) -> (String, Option<String>) {
        let is_written = bound.value.span != bound.since;
        let value = match constant(&bound.value, &[]) {
            Ok(Scalar::String(text)) if !is_written => format!("\"{text}\""),
            Ok(value) if !is_written => display(&value, &bound.value.ty.data),
            _ => self.text(bound.value.span),
        };
        match bound.op {
            Comparison::Equal => (value, None),
            Comparison::NotEqual => (format!("not {value}"), None),
            Comparison::Less => (format!("less than {value}"), None),
            Comparison::LessEqual => (format!("at most {value}"), Some(format!("< {value}"))),
            Comparison::Greater => (format!("greater than {value}"), None),
            Comparison::GreaterEqual => (format!("at least {value}"), Some(format!("> {value}"))),
        }
    }

    /// The row with these places known not to be null.
    pub(super) fn narrowed(&self, known: &[Place]) -> Row {
        let mut row = (*self.row).clone();
        for place in known {
            let Some(at) = place.column() else { continue };
            let Some(old) = row.columns.get(at) else { continue };
            let ty = old.ty.never_null_at(&place.fields);
            if ty != old.ty {
                row.columns.replace(at, Column { ty, ..old.clone() });
            }
        }
        row
    }

    /// Notes what is known of columns where a condition is true. A `filter` that leaves an enum no
    /// member is said to keep nothing.
    fn limit(&mut self, row: &mut Row, condition: &ir::Expr, is_filter: bool) {
        for (at, known) in domain::when_true(condition) {
            let Some(column) = row.columns.get(at) else { continue };
            let before = column.domain.as_deref();
            let mut domain = before.map_or(known.clone(), |before| domain::both(before, &known));
            if let (DataType::Enum(declared), Some(members)) = (&column.ty.data, &domain.members) {
                let before = before.and_then(|before| before.members.as_ref());
                let left = members.left.len();
                if left == 0 && is_filter {
                    let name = |member: &i32| &*declared.members[*member as usize].name;
                    let known: Vec<&str> =
                        before.map_or(vec![], |before| before.left.iter().map(name).collect());
                    let (name, span) = (&column.name, condition.span);
                    let since = before.map(|before| before.since);
                    self.found.push(told::keeps_nothing(name, &known, span, since));
                }
                if left == 0 || left == declared.members.len() {
                    domain.members = before.cloned();
                }
            }
            let domain = (!domain.is_empty()).then(|| Arc::new(domain));
            row.columns.replace(at, Column { domain, ..column.clone() });
        }
    }

    /// Sort keys; those that did not check are left out.
    pub(super) fn sort_keys(&mut self, keys: &[ast::SortKey]) -> Vec<ir::SortKey> {
        let mut checked = vec![];
        for key in keys {
            let mut value = self.scope().check(&key.value, None);
            if value.ty.is_unknown() {
                continue;
            }
            value.ty.nullable |= self.scope().can_be_null(&value);
            if !value.ty.data.is_ordered() {
                self.found.push(types::not_ordered("a sort key", value.span, &value.ty));
                continue;
            }
            self.warn_constant(&value);
            let (descending, nulls_first) = (key.descending, key.nulls_first);
            checked.push(ir::SortKey { value, descending, nulls_first });
        }
        checked
    }

    /// Says of something by which rows are put into an order that it is the same for all of them.
    fn warn_constant(&mut self, value: &ir::Expr) {
        if constant(value, &[]).is_ok() {
            let columns: Vec<&str> = self.row.columns.iter().map(|column| &*column.name).collect();
            let text = self.text(value.span);
            self.found.push(rows::sorted_by_constant(value.span, &text, &columns));
        }
    }

    pub(super) fn sort(&mut self, keys: &[ast::SortKey], span: Span) {
        let checked = self.sort_keys(keys);
        let order = checked
            .iter()
            .map_while(|key| match key.value.kind {
                ExprKind::Column(at) => Some(at),
                _ => None,
            })
            .collect::<Vec<_>>();
        // Sorted by an expression alone there is an order too, though no column shows it.
        let order = if order.is_empty() { vec![Row::HIDDEN] } else { order };
        let row = Row { order, ..(*self.row).clone() };
        self.push(StepKind::Sort(checked), row, span);
    }

    pub(super) fn take(
        &mut self,
        count: &ast::Expr,
        by: &[ast::Assignment],
        statement: &ast::Statement,
    ) {
        let mut scope = self.scope();
        scope.row = None;
        let count = scope.check_as(count, &DataType::Int.required(), "`take`");
        let by = self.keys(by, "a key");
        if self.row.order.is_empty() && !self.row.broken {
            self.found.push(rows::take_unsorted(statement.verb));
        }
        if count.ty.is_unknown() {
            return;
        }
        constants::check_count(&count, &self.globals.known, self.found);
        let by = by.into_iter().map(|(_, key, _)| key).collect();
        let row = (*self.row).clone();
        self.push(StepKind::Take { count, by }, row, statement.span);
    }

    pub(super) fn distinct(&mut self, span: Span) {
        let is_list = |column: &&Column| !column.ty.data.is_ordered() && !column.ty.is_unknown();
        if let Some(column) = self.row.columns.iter().find(is_list) {
            let what = format!("`{}`, a column of `distinct`,", column.name);
            self.found.push(types::not_ordered(&what, span, &column.ty));
            return;
        }
        let mut row = (*self.row).clone();
        row.keys.push(Key::proven((0..row.columns.len()).collect()));
        self.push(StepKind::Distinct, row, span);
    }

    pub(super) fn dedupe(
        &mut self,
        keys: &[ast::Assignment],
        keep: Option<(ast::Keep, Span)>,
        by: Option<&ast::Expr>,
        span: Span,
    ) {
        let keys = self.keys(keys, "a key");
        let by = by.map(|by| self.scope().check(by, None));
        if let Some(by) = &by
            && !by.ty.is_unknown()
            && !by.ty.data.is_ordered()
        {
            self.found.push(types::not_ordered("what rows are compared by", by.span, &by.ty));
            return;
        }
        if by.as_ref().is_some_and(|by| by.ty.is_unknown()) || keys.is_empty() {
            return;
        }
        by.iter().for_each(|by| self.warn_constant(by));
        let keep = match (keep.map(|(keep, _)| keep).unwrap_or(ast::Keep::First), by) {
            (ast::Keep::First, None) => Keep::First,
            (ast::Keep::Last, None) => Keep::Last,
            (ast::Keep::First | ast::Keep::Oldest, Some(by)) => Keep::Smallest(by),
            (ast::Keep::Last | ast::Keep::Newest, Some(by)) => Keep::Largest(by),
            (ast::Keep::Newest | ast::Keep::Oldest, None) => {
                let at = keep.map_or(span, |(_, at)| at);
                let help = "say by what: `dedupe by id keep newest by updated_at`";
                let label = "nothing says what is newer";
                self.found.push(graph::bad_part(at, "newest by which column?", label, help));
                return;
            }
        };
        let mut row = (*self.row).clone();
        let key: Option<Vec<usize>> = keys
            .iter()
            .map(|(_, key, _)| match key.kind {
                ExprKind::Column(at) => Some(at),
                _ => None,
            })
            .collect();
        row.keys.extend(key.map(Key::proven));
        let keys = keys.into_iter().map(|(_, key, _)| key).collect();
        self.push(StepKind::Dedupe(Dedupe { keys, keep }), row, span);
    }

    pub(super) fn explode(&mut self, column: &ast::Name, as_name: Option<&ast::Name>, span: Span) {
        let Some(at) = self.find(column) else {
            if as_name.is_some() {
                self.give_up();
            }
            return;
        };
        let ty = self.row.columns[at].ty.clone();
        let DataType::List(item) = &ty.data else {
            if !ty.is_unknown() {
                self.found.push(types::not_a_list(&column.text, column.span, &ty));
            }
            return;
        };
        let mut row = Row { keys: vec![], ..(*self.row).clone() };
        row.order.retain(|&order| order != at);
        let list = self.row.columns[at].clone();
        let mut exploded = Column { ty: (**item).clone(), domain: None, ..list };
        if let Some(name) = as_name {
            if let Some(other) = self.row.find(&name.text)
                && other != at
            {
                let first = self.row.columns[other].origin;
                self.found
                    .push(crate::diagnostics::names::column_twice(&name.text, name.span, first));
                return;
            }
            exploded.name = name.text.as_str().into();
            exploded.origin = name.span;
            self.globals.names().new_column(name.span, &exploded.ty);
            self.dropped.insert(column.text.clone(), column.span);
        }
        row.columns.replace(at, exploded);
        self.push(StepKind::Explode { column: at }, row, span);
    }

    pub(super) fn expect(
        &mut self,
        name: Option<&ast::Name>,
        condition: &ast::Expr,
        otherwise: Option<&(ast::ExpectAction, Span)>,
        above: Option<&(f64, Span)>,
        span: Span,
    ) {
        if let Some(place) = self.aggregate_in(condition) {
            self.expect_all((name, condition, place), otherwise, above, span);
            return;
        }
        let text = self.text(condition.span);
        let mut scope = self.scope();
        scope.asked = Asked::OfEachRow(vec![]);
        let condition = scope.condition(condition, "this rule", NullRule::Allowed);
        let references = match scope.asked {
            Asked::OfEachRow(references) => references,
            Asked::Never | Asked::OfAllRows => vec![],
        };
        let action = match otherwise.map(|(action, _)| action) {
            None | Some(ast::ExpectAction::Fail) => ir::ExpectAction::Fail,
            Some(ast::ExpectAction::Warn) => ir::ExpectAction::Warn,
            Some(ast::ExpectAction::Drop) => ir::ExpectAction::Drop,
            Some(ast::ExpectAction::Quarantine(name)) => {
                ir::ExpectAction::Quarantine(self.quarantine(name))
            }
        };
        if let Some((_, place)) = above
            && action == ir::ExpectAction::Fail
        {
            let help = "`else drop above 1%`, or leave `above` out";
            self.found.push(graph::bad_expectation(
                *place,
                "a rule that fails at once has no threshold",
                help,
            ));
        }
        if condition.ty.is_unknown() {
            return;
        }
        self.judge(&condition, true);
        let mut row = (*self.row).clone();
        if action != ir::ExpectAction::Warn {
            let found = marks::found(&references, &condition, row.columns.len());
            // What is found in another table is not null.
            let known = found.iter().flat_map(|one| narrow::strict_places(&one.value));
            row = self.narrowed(&known.chain(narrow::when_true(&condition)).collect::<Vec<_>>());
            self.limit(&mut row, &condition, false);
            marks::note(&mut row, &found, |table| self.row_of(table));
        }
        let expectation = Expectation {
            name: name.map_or(text, |name| name.text.clone()),
            condition,
            action,
            above: above.copied(),
        };
        self.judge_marked(expectation, references, row, span);
    }

    /// Where an aggregate is called in an expression, if one is.
    pub(super) fn aggregate_in(&self, expr: &ast::Expr) -> Option<Span> {
        if let ast::ExprKind::Call(name, _) = &expr.kind
            && (self.globals.registry.is_aggregate(&name.text) || name.text == "unique")
        {
            return Some(name.span);
        }
        expr.children().into_iter().find_map(|child| self.aggregate_in(child))
    }
}
