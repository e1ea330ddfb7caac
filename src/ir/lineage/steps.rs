//! What the steps of one job make of the columns of its inputs.

use super::{Origin, Origins, Role, Table};
use crate::functions::{FunctionId, Registry};
use crate::ir::{
    Dedupe, ExpectAction, Expectation, Expr, ExprKind, Input, Job, Join, JoinKind, Keep,
    PartitionBy, Pipeline, StepKind, TableFact, Window, WindowValue,
};
use crate::text::Span;

/// Functions from whose value nobody can tell what they were given.
const DISGUISES: &[&str] = &[
    "md5",
    "sha256",
    "xxhash64",
    "crc32",
    "hash_bucket",
    "mask",
    "tokenize",
    "ip_anonymize",
    "uuid_v5",
];

/// Aggregates that tell of values how many there are.
const COUNTS: &[&str] =
    &["count", "count_if", "count_distinct", "approx_count_distinct", "null_rate", "distinct_rate"];

impl Table {
    /// A table whose columns are their own origins.
    pub(super) fn of_columns(table: Input, columns: usize) -> Table {
        let column = |at| Origins::from([((Origin::Column(table, at), Role::Copied), vec![])]);
        Table {
            columns: (0..columns).map(column).collect(),
            of: [(table, vec![])].into(),
            ..Table::default()
        }
    }

    /// The origins of a job's result in its inputs.
    pub(super) fn of_job(job: &Job, pipeline: &Pipeline) -> Table {
        let input = |table: Input| Table::of_columns(table, pipeline.row_of(table).columns.len());
        let mut table = input(job.input);
        for step in job.steps.iter() {
            table.step.set(Some(step.span));
            table.step(&step.kind, &input);
        }
        for read in job.inputs() {
            let Input::Source(source) = read else { continue };
            if let Some(incremental) = &pipeline.sources[source.0 as usize].incremental {
                let column = Origin::Column(read, incremental.column);
                table.decides.insert((column, Role::Filter), vec![]);
            }
        }
        match job.partition.as_ref().map(|partition| &partition.by) {
            Some(PartitionBy::Hash(key)) => table.decide(key, Role::Group),
            Some(PartitionBy::Size) => table.decide_by_all(Role::Group),
            Some(PartitionBy::RoundRobin) | None => {}
        }
        table
    }

    fn step(&mut self, step: &StepKind, input: &dyn Fn(Input) -> Table) {
        match step {
            StepKind::Filter { condition, keep_nulls: _ } => self.decide(condition, Role::Filter),
            StepKind::Project(values) => {
                self.columns = values.iter().map(|value| self.value(value)).collect();
            }
            StepKind::Set { column, value } => {
                let value = self.value(value);
                match self.columns.get_mut(*column) {
                    Some(old) => *old = value,
                    None => self.columns.push(value),
                }
            }
            StepKind::Aggregate { keys, aggregates } => {
                keys.iter().for_each(|key| self.decide(key, Role::Group));
                let keys = keys.iter().map(|key| self.value(key));
                let calls = aggregates.iter();
                let calls = calls.map(|call| self.aggregated(Some(call.function), &call.arguments));
                self.columns = keys.chain(calls).collect();
            }
            StepKind::Window(window) => self.window(window),
            StepKind::Sort(keys) => {
                keys.iter().for_each(|key| self.decide(&key.value, Role::Order));
            }
            StepKind::Take { count, by } => {
                self.decide(count, Role::Filter);
                by.iter().for_each(|key| self.decide(key, Role::Group));
            }
            StepKind::Distinct => self.decide_by_all(Role::Group),
            StepKind::Dedupe(dedupe) => self.dedupe(dedupe),
            StepKind::Join(join) => self.join(join, input(join.right)),
            StepKind::Union { inputs, columns } => {
                let others: Vec<Table> = inputs.iter().map(|table| input(*table)).collect();
                self.union(&others, columns);
            }
            StepKind::Explode { column } => {
                self.look_at(*column, None);
                self.decides.extend(self.of_column(*column, Role::Filter));
                self.columns[*column] = self.of_column(*column, Role::Computed);
            }
            StepKind::Parse(parse) => {
                self.look_at(parse.column, None);
                let text = self.of_column(parse.column, Role::Computed);
                self.columns.extend(parse.fields.iter().map(|_| text.clone()));
            }
            StepKind::Expect(rule) => self.expect(rule),
            StepKind::ExpectAll(rule) => self.expect_all(&rule.says),
        }
    }

    fn dedupe(&mut self, Dedupe { keys, keep }: &Dedupe) {
        keys.iter().for_each(|key| self.decide(key, Role::Group));
        match keep {
            Keep::First | Keep::Last => {}
            Keep::Smallest(by) | Keep::Largest(by) => self.decide(by, Role::Order),
        }
    }

    /// Which rows are neighbours, and in which order, decides over no row, but over the new columns.
    fn window(&mut self, window: &Window) {
        let mut neighbours = Origins::new();
        window.keys.iter().for_each(|key| self.read(key, Role::Group, &mut neighbours));
        let sort = window.sort.iter().map(|key| &key.value);
        sort.for_each(|key| self.read(key, Role::Order, &mut neighbours));
        let ends = window.frame.expressions();
        ends.into_iter().for_each(|end| self.read(end, Role::Condition, &mut neighbours));
        for call in &window.calls {
            let function = match call.value {
                WindowValue::Call(function) => Some(function),
                WindowValue::Session { .. } => None,
            };
            let mut origins = self.aggregated(function, &call.arguments);
            origins.extend(neighbours.clone());
            self.columns.push(origins);
        }
    }

    fn join(&mut self, join: &Join, mut right: Table) {
        if join.kind == JoinKind::Mark {
            return self.mark(join, right);
        }
        join.left_keys.iter().for_each(|key| self.decide(key, Role::Join));
        join.right_keys.iter().for_each(|key| right.decide(key, Role::Join));
        if let Some(nearest) = &join.nearest {
            nearest.of_left().for_each(|value| self.decide(value, Role::Join));
            right.decide(&nearest.right, Role::Join);
        }
        let left = self.columns.len();
        self.columns.extend(right.columns.iter().cloned());
        join.residual.iter().for_each(|condition| self.decide(condition, Role::Join));
        self.columns.truncate(left);
        for shared in &join.shared_keys {
            let of_right = right.value(&join.right_keys[shared.key]);
            self.columns[shared.column].extend(of_right);
        }
        self.columns.extend(join.right_columns.iter().map(|&at| right.columns[at].clone()));
        self.decides.append(&mut right.decides);
        self.also_reads(&right);
        if join.kind.gives_pairs() {
            self.of.append(&mut right.of);
        }
    }

    /// Whether a row matches decides over none yet: that does what reads it.
    fn mark(&mut self, join: &Join, right: Table) {
        let mut mark = Origins::new();
        join.left_keys.iter().for_each(|key| self.read(key, Role::Join, &mut mark));
        join.right_keys.iter().for_each(|key| right.read(key, Role::Join, &mut mark));
        self.columns.push(mark);
        self.also_reads(&right);
    }

    fn union(&mut self, others: &[Table], columns: &[Vec<Expr>]) {
        let tables: Vec<&Table> = std::iter::once(&*self).chain(others).collect();
        let width = columns.first().map_or(0, Vec::len);
        let column = |at: usize| {
            let values = tables.iter().zip(columns).map(|(table, values)| table.value(&values[at]));
            values.flatten().collect()
        };
        self.columns = (0..width).map(column).collect();
        others.iter().for_each(|other| self.also_reads(other));
        self.of.extend(others.iter().flat_map(|other| other.of.clone()));
    }

    /// A rule that leaves rows out is a filter; one that fails the run decides over no row.
    fn expect(&mut self, rule: &Expectation) {
        match rule.action {
            ExpectAction::Drop | ExpectAction::Quarantine(_) => {
                self.decide(&rule.condition, Role::Filter);
            }
            ExpectAction::Warn | ExpectAction::Fail => {
                self.read(&rule.condition, Role::Filter, &mut Origins::new());
            }
        }
    }

    /// A rule about all rows decides over none.
    fn expect_all(&mut self, says: &TableFact) {
        let mut looked_at = Origins::new();
        match says {
            TableFact::Unique(keys) => {
                keys.iter().for_each(|key| self.read(key, Role::Group, &mut looked_at));
            }
            TableFact::Holds { aggregates, row, condition } => {
                let arguments = aggregates.iter().flat_map(|call| &call.arguments);
                arguments.for_each(|value| self.read(value, Role::Aggregated, &mut looked_at));
                let columns = row.columns.iter().map(|_| Origins::new()).collect();
                let aggregated = Table { columns, ..Table::default() };
                aggregated.read(condition, Role::Filter, &mut looked_at);
                self.also_reads(&aggregated);
            }
        }
    }

    /// Notes that a column is looked at: there, or in the step that is followed.
    fn look_at(&self, column: usize, span: Option<Span>) {
        let Some(span) = span.or(self.step.get()) else { return };
        let origins = self.columns[column].keys();
        let handed_on = origins.filter(|(_, role)| *role == Role::Copied);
        let mut reads = self.reads.borrow_mut();
        for (origin, _) in handed_on {
            reads.entry(*origin).or_insert(span);
        }
    }

    fn also_reads(&self, other: &Table) {
        for (origin, span) in &*other.reads.borrow() {
            self.reads.borrow_mut().entry(*origin).or_insert(*span);
        }
    }

    fn of_column(&self, column: usize, role: Role) -> Origins {
        let all = self.columns[column].keys();
        all.map(|(origin, inner)| ((*origin, inner.then(role)), vec![])).collect()
    }

    fn value(&self, expr: &Expr) -> Origins {
        let mut origins = Origins::new();
        self.read(expr, Role::Copied, &mut origins);
        origins
    }

    /// The origins of an aggregate. One that reads no column counts rows.
    fn aggregated(&self, function: Option<FunctionId>, arguments: &[Expr]) -> Origins {
        let name = function.map(|id| Registry::standard().declaration(id).name.as_str());
        let is_count = name.is_some_and(|name| COUNTS.contains(&name));
        let role = if is_count { Role::Counted } else { Role::Aggregated };
        let (mut origins, mut reads) = (Origins::new(), false);
        for argument in arguments {
            argument.visit_columns(&mut |_| reads = true);
            self.read(argument, role, &mut origins);
        }
        if !reads {
            let rows = |table: &Input| ((Origin::Rows(*table), Role::Aggregated), vec![]);
            origins.extend(self.of.keys().map(rows));
        }
        origins
    }

    /// What an expression reads decides over rows.
    fn decide(&mut self, expr: &Expr, role: Role) {
        let mut decides = std::mem::take(&mut self.decides);
        self.read(expr, role, &mut decides);
        self.decides = decides;
    }

    /// Notes of what a text is made that is told; what was noted first stays.
    fn tell(&self, text: &Expr, origins: impl FnOnce() -> Origins) {
        if !self.tells.borrow().contains_key(&text.span) {
            let origins = origins();
            self.tells.borrow_mut().insert(text.span, origins);
        }
    }

    /// Whatever columns an expression reads.
    fn of_all(&self, expr: &Expr) -> Origins {
        let mut origins = Origins::new();
        expr.visit_columns(&mut |column| origins.extend(self.of_column(column, Role::Computed)));
        origins
    }

    fn decide_by_all(&mut self, role: Role) {
        let all: Vec<Origins> =
            (0..self.columns.len()).map(|column| self.of_column(column, role)).collect();
        self.decides.extend(all.into_iter().flatten());
    }

    /// Adds what an expression reads, and what part that has in something of which the expression
    /// has a part itself.
    fn read(&self, expr: &Expr, role: Role, into: &mut Origins) {
        use ExprKind as K;
        if let K::Call { lambda: Some(lambda), .. } = &expr.kind {
            // An item may be of whatever the call is made of.
            let mut texts = vec![];
            told_within(&lambda.body, &mut texts);
            texts.into_iter().for_each(|text| self.tell(text, || self.of_all(expr)));
        }
        if let Some(text) = told(expr) {
            self.tell(text, || self.value(text));
        }
        match &expr.kind {
            K::Column(column) => {
                if role != Role::Copied {
                    self.look_at(*column, Some(expr.span));
                }
                into.extend(self.of_column(*column, role));
            }
            K::Param(param) => {
                self.reads.borrow_mut().entry(Origin::Param(*param)).or_insert(expr.span);
                into.insert((Origin::Param(*param), role), vec![]);
            }
            K::Run(value) => {
                self.reads.borrow_mut().entry(Origin::Run(*value)).or_insert(expr.span);
                into.insert((Origin::Run(*value), role), vec![]);
            }
            // The items of a list that is an argument beside the lambda; nobody may see a secret.
            K::Slot(_) | K::Secret(_) | K::Literal(_) => {}
            K::Convert(value) => self.read(value, role, into),
            K::Case { arms, otherwise } => {
                for (condition, value) in arms {
                    self.read(condition, Role::Condition.then(role), into);
                    self.read(value, Role::Computed.then(role), into);
                }
                let otherwise = otherwise.iter();
                otherwise.for_each(|value| self.read(value, Role::Computed.then(role), into));
            }
            K::Call { function, .. }
                if DISGUISES.contains(&&*Registry::standard().declaration(*function).name) =>
            {
                for child in expr.children() {
                    self.read(child, Role::Disguised.then(role), into);
                }
            }
            K::Call { .. }
            | K::Not(_)
            | K::Negate(_)
            | K::Arithmetic(..)
            | K::Compare(..)
            | K::And(..)
            | K::Or(..)
            | K::Cast(_)
            | K::IsNull(_)
            | K::In(..)
            | K::InList(..)
            | K::Matches(..)
            | K::Coalesce(_)
            | K::Try(_)
            | K::Field(..)
            | K::Index(..)
            | K::List(_)
            | K::Record(_)
            | K::Concat(_) => {
                for child in expr.children() {
                    self.read(child, Role::Computed.then(role), into);
                }
            }
        }
    }
}

/// The texts within an expression that are told and hold an item of a list.
fn told_within<'e>(expr: &'e Expr, texts: &mut Vec<&'e Expr>) {
    fn has_item(expr: &Expr) -> bool {
        matches!(expr.kind, ExprKind::Slot(_)) || expr.children().into_iter().any(has_item)
    }
    texts.extend(told(expr).filter(|text| has_item(text)));
    expr.children().into_iter().for_each(|child| told_within(child, texts));
}

/// The text that is told where a row fails.
fn told(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Call { function, arguments, .. }
            if &*Registry::standard().declaration(*function).name == "check" =>
        {
            arguments.get(1)
        }
        _ => None,
    }
}
