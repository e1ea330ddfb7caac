//! What computes each operator of a plan.

use super::operators::aggregate::{Aggregate, AggregateColumn};
use super::operators::buffer::Buffer;
use super::operators::chain::Chain;
use super::operators::dedupe::{Dedupe, Distinct, KeepRow};
use super::operators::explode::Explode;
use super::operators::join::{
    JoinBuild, JoinProbe, JoinTable, NearestBy, OuterRow, Residual, SpilledJoin,
};
use super::operators::project::Project;
use super::operators::sort::Sort;
use super::operators::take::Take;
use super::operators::window::{self, Window, WindowColumn};
use super::operators::{Breaker, Streaming};
use super::order::Direction;
use super::parse::ParseStep;
use super::partition::SplitKey;
use super::rows::hollow;
use crate::data::{Batch, array_of};
use crate::expr::{self, Program, Registers, constant};
use crate::functions::kernel::{Call, Failure, Operand, WindowKernel};
use crate::functions::{FunctionId, Registry};
use crate::ir::{
    self, Expectation, Expr, ExprKind, JobId, Keep, Partition, PartitionBy, Pipeline, RunContext,
    StepKind,
};
use crate::plan::{
    Node, NodeKind, Plan, StepUse, computed_calls, may_fail, step_of, steps_of, uses_of,
};
use crate::text::Span;
use crate::types::{DataType, Scalar, Type};
use arrow_array::Array;
use arrow_array::cast::AsArray;
use std::sync::{Arc, OnceLock};

/// An operator, ready to run.
pub struct Compiled {
    /// Its expressions over its input.
    pub program: Option<Program>,
    /// What it does with them.
    pub action: Action,
    /// Of what reads a source, what must be true of values of its columns.
    pub tests: Vec<ValueTest>,
    /// Which columns are read; others may be left empty: those of its result, or where it is
    /// steps row by row, of its input.
    live: Vec<bool>,
}

/// What must be true of the values of a column that are not null.
pub struct ValueTest {
    /// The column.
    pub column: usize,
    /// Its type.
    pub ty: DataType,
    /// Is a value of it spelled without quotes?
    pub is_literal: bool,
    /// A `bool` over the row of the source.
    pub program: Program,
    /// What is said of a value for which it is not true.
    pub reason: Arc<str>,
}

/// What an operator does.
pub enum Action {
    /// Nothing: the rows go on.
    Pass,
    /// Filters and projects, row by row.
    Chains(Vec<Chain>),
    /// Turns a batch into others.
    Stream(Box<dyn Streaming>),
    /// Joins with what an earlier stage has built.
    Probe(OnceLock<Probe>),
    /// Takes in all rows.
    Break(Box<dyn Breaker>),
    /// Takes in the right side of a join.
    Build(Box<JoinBuild>),
    /// Adds the groups of a pattern.
    Parse(ParseStep),
    /// Judges each row.
    Expect(Expectation),
    /// Says to which partition of the result each row goes.
    Split(SplitKey),
    /// Writes.
    Sink,
}

/// The left side of a join, once the right one is there.
pub enum Probe {
    /// Looks rows up in a table.
    Table(Arc<JoinProbe>),
    /// Takes in all rows, since the right side is on disk.
    Spilled(Box<SpilledJoin>),
}

impl Compiled {
    /// The batch with the columns emptied that nobody reads from here on.
    pub fn drop_dead(&self, mut batch: Batch) -> Batch {
        if self.live.len() == batch.columns.len() {
            for (column, live) in batch.columns.iter_mut().zip(&self.live) {
                if !live {
                    *column = hollow(batch.rows);
                }
            }
        }
        batch
    }

    /// Forgets what it has seen: its stage failed, and all rows come again.
    pub fn begin_anew(&self) {
        match &self.action {
            Action::Stream(operator) => operator.begin_anew(),
            Action::Break(operator) => operator.begin_anew(),
            Action::Probe(probe) => match probe.get() {
                Some(Probe::Table(probe)) => probe.begin_anew(),
                Some(Probe::Spilled(join)) => join.begin_anew(),
                None => {}
            },
            Action::Pass
            | Action::Chains(_)
            | Action::Build(_)
            | Action::Parse(_)
            | Action::Expect(_)
            | Action::Split(_)
            | Action::Sink => {}
        }
    }

    /// Of a join whose right side is in memory, the least and the greatest of its keys, if it has
    /// any and they are known.
    pub fn right_keys(&self, key: usize) -> Option<(Scalar, Scalar)> {
        match &self.action {
            Action::Probe(probe) => match probe.get()? {
                Probe::Table(probe) => probe.right_keys(key),
                Probe::Spilled(_) => None,
            },
            _ => None,
        }
    }
}

/// Makes the operators of a plan.
pub fn compile(plan: &Plan, pipeline: &Pipeline, run: &RunContext) -> Vec<Compiled> {
    let mut compiled: Vec<Compiled> = Vec::with_capacity(plan.nodes.len());
    for (id, node) in plan.iter() {
        debug_assert_eq!(id.at(), compiled.len());
        compiled.push(compile_node(node, plan, pipeline, run));
    }
    compiled
}

fn compile_node(node: &Node, plan: &Plan, pipeline: &Pipeline, run: &RunContext) -> Compiled {
    let mut live = node.live.clone();
    let (program, action) = match node.kind {
        NodeKind::Scan(_) => (None, Action::Pass),
        NodeKind::Read { source, .. } => {
            (came_since(&pipeline.sources[source.0 as usize], run), Action::Pass)
        }
        NodeKind::Result => result(node, pipeline, run),
        NodeKind::Gather => gather(node, plan, pipeline, run),
        NodeKind::Entry => {
            (None, Action::Break(Box::new(Buffer { takes_values: false, may_spill: true })))
        }
        NodeKind::Sink(_) => (None, Action::Sink),
        NodeKind::Build(step) => {
            let StepKind::Join(join) = step_of(pipeline, node, step) else {
                unreachable!("only joins have a right side");
            };
            let nearest = join.nearest.iter().map(|nearest| &nearest.right);
            let keys: Vec<&Expr> = join.right_keys.iter().chain(nearest).collect();
            (program(&keys, run), Action::Build(Box::new(build_of(join, &node.live))))
        }
        NodeKind::Steps(_) => {
            let width = plan.node(node.inputs[0]).width;
            let (read, uses) = uses_of(node, pipeline, width);
            live = read;
            (None, Action::Chains(chains(node, pipeline, &uses, run)))
        }
        NodeKind::Step(step) => compile_step(node, step, pipeline, run),
    };
    if let NodeKind::Step(step) = node.kind
        && let StepKind::Explode { column } = step_of(pipeline, node, step)
    {
        // How many items there are counts, also where nobody reads them.
        live[*column] = true;
    }
    let tests = match node.kind {
        NodeKind::Read { source, .. } => {
            tests(&pipeline.sources[source.0 as usize], &node.live, run)
        }
        _ => vec![],
    };
    Compiled { program, action, tests, live }
}

/// What must be true of the values of a source in the columns that are read.
fn tests(source: &ir::Source, live: &[bool], run: &RunContext) -> Vec<ValueTest> {
    let test = |(column, declared): (usize, &ir::SourceColumn)| {
        let check = declared.check.as_ref().filter(|_| live[column])?;
        let ty = source.row.columns[column].ty.data.clone();
        let is_literal = ty.is_number() || ty == DataType::Bool;
        let program = program(&[&check.condition], run)?;
        Some(ValueTest { column, ty, is_literal, program, reason: check.reason.clone() })
    };
    source.columns.iter().enumerate().filter_map(test).collect()
}

/// Says whether a row of a source came since it was read up to some value of a column, if it was.
fn came_since(source: &ir::Source, run: &RunContext) -> Option<Program> {
    let came_since = source.incremental.as_ref()?.came_since(&source.row)?;
    program(&[&came_since], run)
}

/// The result of a job, with the partitions of its rows where a key says them.
fn result(node: &Node, pipeline: &Pipeline, run: &RunContext) -> (Option<Program>, Action) {
    let job = &pipeline.jobs[node.job.expect("a result is a job's").0 as usize];
    match &job.partition {
        Some(partition @ Partition { by: PartitionBy::Hash(key), .. }) => {
            let split = SplitKey::new(key.ty.clone(), partition);
            (program(&[key], run), Action::Split(split))
        }
        _ => (None, Action::Pass),
    }
}

/// Rows that are kept; an input of a union brings its columns into the form of the result.
fn gather(
    node: &Node,
    plan: &Plan,
    pipeline: &Pipeline,
    run: &RunContext,
) -> (Option<Program>, Action) {
    let reader = node.consumers.iter().find_map(|&reader| {
        let reader = plan.node(reader);
        let NodeKind::Step(step) = reader.kind else { return None };
        let StepKind::Union { columns, .. } = step_of(pipeline, reader, step) else { return None };
        let position = reader.inputs.iter().position(|input| std::ptr::eq(plan.node(*input), node));
        Some((reader, position?, &columns[position?]))
    });
    if let (true, Some(rows)) = (node.consumers.is_empty(), plan.first_rows) {
        return (None, Action::Break(Box::new(Take::new(rows, vec![]))));
    }
    let Some((union, position, columns)) = reader else {
        let by_size =
            |job: JobId| pipeline.jobs[job.0 as usize].partition.as_ref().map(Partition::by_size);
        let may_spill = node.job.is_some_and(|job| by_size(job) != Some(true));
        return (None, Action::Break(Box::new(Buffer { takes_values: false, may_spill })));
    };
    // One table of the union may still hold a column that nobody reads behind it, and another not.
    let exprs: Vec<Expr> = columns
        .iter()
        .zip(&union.live)
        .map(|(value, is_live)| read_value(value, *is_live))
        .collect();
    let exprs: Vec<&Expr> = exprs.iter().collect();
    let id = union.inputs[position];
    let action = match plan.streamed.contains(&id) {
        true => Action::Stream(Box::new(Project)),
        false => Action::Break(Box::new(Buffer { takes_values: true, may_spill: true })),
    };
    (program(&exprs, run), action)
}

/// Steps row by row, as few programs as can be: one that may fail has one of its own, since what
/// comes behind it is for the rows that did not, and a filter is the last in one.
fn chains(node: &Node, pipeline: &Pipeline, uses: &[StepUse], run: &RunContext) -> Vec<Chain> {
    let NodeKind::Steps(range) = node.kind else { unreachable!("only of steps row by row") };
    let mut chains: Vec<Chain> = vec![];
    let mut open: Option<(usize, expr::Chain)> = None;
    let mut close = |open: &mut Option<(usize, expr::Chain)>, keep_nulls: Option<bool>| {
        let chain =
            |(step, code): (usize, expr::Chain)| Chain { step, code: code.finish(), keep_nulls };
        chains.extend(open.take().map(chain));
    };
    let steps = steps_of(pipeline, node, range);
    for used in uses {
        let at = used.placed.step;
        let step = &steps[at];
        let fails = may_fail(&step.kind);
        if fails {
            close(&mut open, None);
        }
        let (_, chain) = open.get_or_insert_with(|| (at, expr::Chain::new(run)));
        let mut filters = None;
        match &step.kind {
            StepKind::Filter { condition, keep_nulls } => {
                chain.filter(condition);
                filters = Some(*keep_nulls);
            }
            StepKind::Set { column, value } => {
                chain.set(*column, used.computed[0].then_some(value));
            }
            StepKind::Project(values) => {
                let computed = values.iter().zip(&used.computed);
                chain.project(computed.map(|(value, is_computed)| is_computed.then_some(value)));
            }
            _ => unreachable!("only filters and projections go row by row"),
        }
        used.dead.iter().for_each(|&column| chain.set(column, None));
        if fails || filters.is_some() {
            close(&mut open, filters);
        }
    }
    close(&mut open, None);
    chains
}

fn program(exprs: &[&Expr], run: &RunContext) -> Option<Program> {
    (!exprs.is_empty()).then(|| Program::compile(exprs, run))
}

/// The types of the columns of a row.
pub fn types_of(row: &ir::Row) -> Vec<Type> {
    row.columns.iter().map(|column| column.ty.clone()).collect()
}

fn compile_step(
    node: &Node,
    number: usize,
    pipeline: &Pipeline,
    run: &RunContext,
) -> (Option<Program>, Action) {
    let job = &pipeline.jobs[node.job.expect("a step belongs to a job").0 as usize];
    let make = |exprs: &[&Expr]| program(exprs, run);
    let params: Vec<Option<Scalar>> = run.params.iter().cloned().map(Some).collect();
    match &job.steps[number].kind {
        StepKind::Filter { .. } | StepKind::Project(_) | StepKind::Set { .. } => {
            unreachable!("they are planned with their neighbours")
        }
        StepKind::Aggregate { keys, aggregates } => {
            let mut exprs: Vec<&Expr> = keys.iter().collect();
            exprs.extend(aggregates.iter().flat_map(|call| &call.arguments));
            let key_types = keys.iter().map(|key| key.ty.clone()).collect();
            let columns = aggregates.iter().map(|call| aggregate_column(call, &params)).collect();
            let operator = Aggregate::new(key_types, columns);
            (make(&exprs), Action::Break(Box::new(operator)))
        }
        StepKind::Window(window) => {
            let (exprs, operator) = window_of(window, node, &params);
            (make(&exprs), Action::Break(Box::new(operator)))
        }
        StepKind::Sort(keys) => {
            let (exprs, mut operator) = sort_of(keys);
            operator.first = node.takes.map(|take| first_rows(&job.steps[take].kind, &params));
            (make(&exprs), Action::Break(Box::new(operator)))
        }
        StepKind::Take { count, by } => {
            let count = count_of(count, &params);
            let exprs: Vec<&Expr> = by.iter().collect();
            let key_types: Vec<Type> = by.iter().map(|key| key.ty.clone()).collect();
            (make(&exprs), Action::Break(Box::new(Take::new(count, key_types))))
        }
        StepKind::Distinct => {
            let types = types_of(&job.steps[number].row);
            (None, Action::Break(Box::new(Distinct::new(types))))
        }
        StepKind::Dedupe(dedupe) => {
            let (exprs, operator) = dedupe_of(dedupe);
            (make(&exprs), Action::Break(Box::new(operator)))
        }
        StepKind::Join(join) => {
            let nearest = join.nearest.iter().flat_map(ir::Nearest::of_left);
            let keys: Vec<&Expr> = join.left_keys.iter().chain(nearest).collect();
            (make(&keys), Action::Probe(OnceLock::new()))
        }
        StepKind::Union { .. } | StepKind::ExpectAll(_) => (None, Action::Pass),
        StepKind::Explode { column } => (None, Action::Stream(Box::new(Explode::new(*column)))),
        StepKind::Parse(parse) => (None, Action::Parse(ParseStep::compile(parse))),
        StepKind::Expect(rule) => (make(&[&rule.condition]), Action::Expect((**rule).clone())),
    }
}

/// How many rows a `take` takes.
fn count_of(count: &Expr, params: &[Option<Scalar>]) -> u64 {
    match constant(count, params) {
        Ok(Scalar::Int(count @ 0..)) => count as u64,
        other => unreachable!("counts are tried before the run, and this is {other:?}"),
    }
}

/// How many rows are read of a sort by this step.
fn first_rows(step: &StepKind, params: &[Option<Scalar>]) -> usize {
    let StepKind::Take { count, .. } = step else { unreachable!("a `take` reads first rows") };
    usize::try_from(count_of(count, params)).unwrap_or(usize::MAX)
}

fn aggregate_column(call: &ir::AggregateCall, params: &[Option<Scalar>]) -> AggregateColumn {
    let types: Vec<Type> = call.arguments.iter().map(|argument| argument.ty.clone()).collect();
    let literals: Vec<Option<Scalar>> =
        call.arguments.iter().map(|argument| constant(argument, params).ok()).collect();
    let prepared = Call { arguments: &types, literals: &literals, result: &call.ty };
    let new = Registry::standard().aggregate(call.function, &prepared);
    AggregateColumn {
        new: new.unwrap_or_else(|error| panic!("checked, and now: {}", error.reason)),
        arguments: call.arguments.len(),
        span: call.span,
    }
}

/// The expressions that a `sort` needs, and what does it.
fn sort_of(keys: &[ir::SortKey]) -> (Vec<&Expr>, Sort) {
    let direction =
        |key: &ir::SortKey| Direction { descending: key.descending, nulls_first: key.nulls_first };
    let directions = keys.iter().map(direction).collect();
    let columns = keys.iter().map(|key| column_of(&key.value)).collect();
    (keys.iter().map(|key| &key.value).collect(), Sort { directions, columns, first: None })
}

/// The expressions that a `window` needs, and what does it.
fn window_of<'w>(
    window: &'w ir::Window,
    node: &Node,
    params: &[Option<Scalar>],
) -> (Vec<&'w Expr>, Window) {
    let direction =
        |key: &ir::SortKey| Direction { descending: key.descending, nulls_first: key.nulls_first };
    let first = window.keys.iter().map(|_| Direction::default());
    let directions = first.chain(window.sort.iter().map(direction)).collect();
    let mut exprs: Vec<&Expr> = window.keys.iter().collect();
    exprs.extend(window.sort.iter().map(|key| &key.value));
    let columns = exprs.iter().map(|key| column_of(key)).collect();
    let sort = Sort { directions, columns, first: None };
    let width = node.width - window.calls.len();
    let sorted_by = exprs.len();
    let mut argument = |argument: &'w Expr| match (constant(argument, params), column_of(argument))
    {
        (Ok(value), _) => {
            let array = array_of(&argument.ty.data, &[value]);
            window::Argument::Constant(Operand::constant(array))
        }
        (Err(_), Some(column)) => window::Argument::Column(column),
        (Err(_), None) => {
            exprs.push(argument);
            window::Argument::Column(width + exprs.len() - 1 - sorted_by)
        }
    };
    let calls = window.calls.iter().zip(computed_calls(window, node));
    let columns = calls.map(|(call, is_computed)| WindowColumn {
        arguments: match is_computed {
            true => call.arguments.iter().map(&mut argument).collect(),
            false => vec![],
        },
        value: match (is_computed, call.value) {
            (false, _) => window::Value::Unread,
            (true, ir::WindowValue::Session { gap }) => window::Value::Session(gap),
            (true, ir::WindowValue::Call(function)) => {
                window::Value::Kernel(window_kernel(call, function, params))
            }
        },
        span: call.span,
    });
    let columns = columns.collect();
    let keys = window.keys.iter().map(|key| key.ty.clone()).collect();
    let sort_key = window.sort.first().map(|key| key.value.ty.clone());
    let frame = frame_of(&window.frame, sort_key.as_ref(), params);
    (exprs, Window::new(window::Plan { sort, keys, sort_key, frame, columns, width }))
}

fn window_kernel(
    call: &ir::WindowCall,
    function: FunctionId,
    params: &[Option<Scalar>],
) -> Box<dyn WindowKernel> {
    let types: Vec<Type> = call.arguments.iter().map(|argument| argument.ty.clone()).collect();
    let literals: Vec<Option<Scalar>> =
        call.arguments.iter().map(|argument| constant(argument, params).ok()).collect();
    let prepared = Call { arguments: &types, literals: &literals, result: &call.ty };
    let kernel = Registry::standard().window(function, &prepared);
    kernel.unwrap_or_else(|error| panic!("checked, and now: {}", error.reason))
}

/// The ends of a frame, whose values are known by now.
fn frame_of(
    frame: &ir::Frame,
    sort_key: Option<&Type>,
    params: &[Option<Scalar>],
) -> window::Frame {
    let value = |end: &Expr| match constant(end, params) {
        Ok(value) => value,
        Err(error) => unreachable!("ends are tried before the run, and this is {error:?}"),
    };
    let rows = |end: &Option<Expr>| match end.as_ref().map(value) {
        Some(Scalar::Int(rows)) => Some(rows),
        _ => None,
    };
    let range = |end: &Option<ir::Distance>| {
        Some(match end.as_ref()? {
            ir::Distance::Months(months) => window::Distance::Months(*months),
            ir::Distance::Value(end) => match value(end) {
                Scalar::Float(distance) => window::Distance::Float(distance),
                Scalar::Decimal(distance) => window::Distance::Number(distance),
                Scalar::Duration(micros) => window::Distance::Micros(micros),
                Scalar::Int(0) => window::Distance::Peers,
                Scalar::Int(distance) => {
                    debug_assert_eq!(sort_key.map(|key| &key.data), Some(&DataType::Int));
                    window::Distance::Number(i128::from(distance))
                }
                _ => window::Distance::Peers,
            },
        })
    };
    match frame {
        ir::Frame::Whole => window::Frame::Whole,
        ir::Frame::Rows { from, to } => window::Frame::Rows(rows(from), rows(to)),
        ir::Frame::Range { from, to } => window::Frame::Range(range(from), range(to)),
    }
}

/// The expressions that a `dedupe` needs, and what does it.
fn dedupe_of(dedupe: &ir::Dedupe) -> (Vec<&Expr>, Dedupe) {
    let mut exprs: Vec<&Expr> = dedupe.keys.iter().collect();
    if let Keep::Smallest(by) | Keep::Largest(by) = &dedupe.keep {
        exprs.push(by);
    }
    let key_types = dedupe.keys.iter().map(|key| key.ty.clone()).collect();
    let keep = match dedupe.keep {
        Keep::First => KeepRow::First,
        Keep::Last => KeepRow::Last,
        Keep::Smallest(_) => KeepRow::Smallest,
        Keep::Largest(_) => KeepRow::Largest,
    };
    let columns = dedupe.keys.iter().map(column_of).collect();
    (exprs, Dedupe::new(key_types, columns, keep))
}

/// Which column an expression is, if it is nothing else.
fn column_of(value: &Expr) -> Option<usize> {
    match value.kind {
        ExprKind::Column(column) => Some(column),
        _ => None,
    }
}

/// A column's value, or null in its place when nobody reads it.
fn read_value(value: &Expr, is_live: bool) -> Expr {
    if is_live || value.may_fail() {
        return value.clone();
    }
    Expr { kind: ExprKind::Literal(Scalar::Null), ty: DataType::Null.optional(), span: value.span }
}

/// The right side of a join, with the columns that the result or the condition needs, which keys
/// often are not.
fn build_of(join: &ir::Join, live: &[bool]) -> JoinBuild {
    let types: Vec<Type> = join.right_keys.iter().map(|key| key.ty.clone()).collect();
    let columns: Vec<usize> = (0..live.len()).filter(|&column| live[column]).collect();
    // With a further condition, a key that comes twice may still match once.
    let is_by_key = join.residual.is_none() && join.nearest.is_none();
    let promised = join.check.right_unique.filter(|_| is_by_key);
    // Rows on which a condition fails go where the job says while the left side streams.
    // Without keys there is nothing to part them by.
    let may_spill = join.residual.as_ref().is_none_or(|condition| !condition.may_fail())
        && !join.right_keys.is_empty();
    let mut build = JoinBuild::new(&types, &columns, promised, may_spill);
    if let Some(nearest) = &join.nearest {
        build = build.by_nearest(NearestBy {
            ty: nearest.right.ty.clone(),
            comparison: nearest.comparison,
            is_bound: nearest.bound.is_some(),
        });
    }
    if join.nulls_match {
        let both = types.iter().zip(&join.left_keys);
        let ty =
            |(right, left): (&Type, &Expr)| right.with_nullable(right.nullable || left.ty.nullable);
        build = build.matching_nulls(both.map(ty).collect());
    }
    if join.kind.keeps_right() {
        let keys: Vec<usize> = join.shared_keys.iter().map(|shared| shared.key).collect();
        build = build.keeping_rows(&keys);
    }
    build
}

/// The probe of a join that gives this row, of which these columns are read, once its table is built.
pub fn probe(
    join: &ir::Join,
    (row, live, span): (&ir::Row, &[bool], Span),
    table: Arc<JoinTable>,
    run: &RunContext,
) -> JoinProbe {
    let residual =
        join.residual.as_ref().map(|condition| residual(Program::compile(&[condition], run)));
    let probe = JoinProbe::new(table, join.kind, join.right_columns.clone(), residual, join.check)
        .with_right_types(types_of(&join.right_row));
    let probe = match join.left_keys.is_empty() && join.nearest.is_none() {
        true => probe.comparing_all(span),
        false => probe,
    };
    if !join.kind.keeps_right() {
        return probe;
    }
    let mut left = types_of(row);
    left.truncate(left.len() - join.right_columns.len());
    probe.keeping_right(OuterRow { left, live: live.to_vec(), shared: join.shared_keys.clone() })
}

/// A condition over candidate pairs: they match where it is true.
fn residual(program: Program) -> Residual {
    let program = Arc::new(program);
    let (may_fail, of) = (program.is_fallible(), program.clone());
    let eval = move |pairs: &Batch, failures: &mut Vec<Failure>| {
        let values = program.eval(pairs, &mut Registers::default(), failures);
        let truth = super::gather::expand(&values[0], pairs.rows);
        let truth = truth.as_boolean();
        match truth.nulls() {
            Some(nulls) => truth.values() & nulls.inner(),
            None => truth.values().clone(),
        }
    };
    Residual { eval: Box::new(eval), span: Box::new(move |site| of.span(site)), may_fail }
}
