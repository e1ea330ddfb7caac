//! `group by` against a sorted list of rows.

use super::*;
use crate::exec::operators::testing::{
    Values, all_types, batches_of, compare, compare_all, rows_of, run, run_all_ways, run_spilling,
    shown, table,
};
use crate::functions::kernel::{Accumulator, KernelContext};
use crate::text::FileId;
use crate::types::{DataType, Scalar};
use arrow_array::{Array, ArrayRef, Int64Array, LargeBinaryArray};
use std::sync::atomic::AtomicBool;

/// The sum of a required `int` column, or the number of rows; fails beyond a limit.
#[derive(Default)]
struct Sum(Vec<i64>);

const LIMIT: i64 = 1 << 60;

impl Accumulator for Sum {
    fn update(&mut self, groups: &[u32], count: usize, arguments: &[Operand], _: &Positions) {
        self.0.resize(count, 0);
        for (row, &group) in groups.iter().enumerate() {
            self.0[group as usize] += arguments.first().map_or(1, |argument| {
                crate::exec::gather::i64_values(&argument.array)[argument.index(row)]
            });
        }
    }

    fn merge(&mut self, other: &mut dyn Accumulator, groups: &[u32], count: usize) {
        let other: &mut Sum = other.as_any_mut().downcast_mut().unwrap();
        self.0.resize(count, 0);
        for (sum, &group) in other.0.iter().zip(groups) {
            self.0[group as usize] += sum;
        }
    }

    fn can_merge_some(&self) -> bool {
        true
    }

    fn merge_some(&mut self, other: &mut dyn Accumulator, pairs: &[(u32, u32)]) {
        let other: &mut Sum = other.as_any_mut().downcast_mut().unwrap();
        for &(into, from) in pairs {
            self.0[into as usize] += std::mem::take(&mut other.0[from as usize]);
        }
    }

    fn save(&mut self, count: usize) -> LargeBinaryArray {
        self.0.resize(count, 0);
        let sums = std::mem::take(&mut self.0);
        LargeBinaryArray::from_iter_values(sums.iter().map(|sum| sum.to_le_bytes()))
    }

    fn load(&mut self, saved: &LargeBinaryArray, groups: &[u32], count: usize) {
        self.0.resize(count, 0);
        for (bytes, &group) in saved.iter().flatten().zip(groups) {
            self.0[group as usize] += i64::from_le_bytes(bytes.try_into().unwrap());
        }
    }

    fn finish(&mut self, count: usize, context: &mut KernelContext) -> ArrayRef {
        self.0.resize(count, 0);
        for (group, sum) in self.0.iter().enumerate() {
            if sum.abs() > LIMIT {
                context.fail(group, || format!("{sum} is too much"));
            }
        }
        Arc::new(Int64Array::from(std::mem::take(&mut self.0)))
    }

    fn bytes(&self) -> usize {
        self.0.len() * 8
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

fn operator(keys: &[Type]) -> Aggregate {
    let column = |arguments, at| AggregateColumn {
        new: Box::new(|| Box::new(Sum::default())),
        arguments,
        span: Span::new(FileId(0), at, at),
    };
    Aggregate::new(keys.to_vec(), vec![column(1, 1), column(0, 2)])
}

/// The same, in which groups stay where threads find them, however few.
fn apart(keys: &[Type]) -> Aggregate {
    let mut operator = operator(keys);
    Arc::get_mut(&mut operator.plan).unwrap().apart_min = 0;
    operator
}

/// Groups by all columns but the last, which is summed.
fn check(types: &[Type], rows: &[Values], size: usize) {
    let keys = types.len() - 1;
    let mut sorted: Vec<&Values> = rows.iter().collect();
    sorted.sort_by(|a, b| compare_all(&a[..keys], &b[..keys]));
    let same = |a: &&Values, b: &&Values| compare_all(&a[..keys], &b[..keys]).is_eq();
    let expected: Vec<Values> = sorted
        .chunk_by(same)
        .map(|group| {
            let int = |row: &Values| if let Scalar::Int(n) = row[keys] { n } else { 0 };
            let sum = group.iter().map(|row| int(row)).sum();
            let key = group[0][..keys].iter().map(canonical);
            key.chain([Scalar::Int(sum), Scalar::Int(group.len() as i64)]).collect()
        })
        .collect();
    let mut result = types[..keys].to_vec();
    result.extend([DataType::Int.required(), DataType::Int.required()]);
    let batches = batches_of(types, rows, size);
    let values: Vec<usize> = (0..types.len()).collect();
    let make = || Box::new(operator(&types[..keys])) as Box<dyn Breaker>;
    let found = run_all_ways(&make, &result, &batches, &values);
    assert_eq!(shown(&result, &found), shown(&result, &expected));
    let apart = run(&apart(&types[..keys]), &batches, &values, 3, |at| at * 5 % 3).unwrap();
    assert_eq!(shown(&result, &rows_of(&result, &apart)), shown(&result, &expected));
    if keys > 0 && (1..10_000).contains(&rows.len()) {
        let spilled = run_spilling(&*make(), &batches, &values, 3);
        assert_eq!(shown(&result, &rows_of(&result, &spilled)), shown(&result, &expected));
    }
}

/// Of equal values, the one that a group shows.
fn canonical(value: &Scalar) -> Scalar {
    match value {
        Scalar::Float(v) if *v == 0.0 => Scalar::Float(0.0),
        Scalar::List(items) => Scalar::List(items.iter().map(canonical).collect()),
        Scalar::Record(items) => Scalar::Record(items.iter().map(canonical).collect()),
        _ => value.clone(),
    }
}

fn without_overflow(types: &[Type], mut rows: Vec<Values>) -> Vec<Values> {
    for (at, row) in rows.iter_mut().enumerate() {
        row[types.len() - 1] = Scalar::Int(at as i64 % 17 - 4);
    }
    rows
}

#[test]
fn every_type_is_a_key() {
    for (seed, ty) in all_types().iter().enumerate() {
        for spread in [3, 40, 4000] {
            let key =
                if *ty == DataType::Null { ty.clone().optional() } else { ty.clone().required() };
            let types = vec![key, DataType::Int.required()];
            let rows = without_overflow(&types, table(seed as u64, &types, 1500, spread));
            check(&types, &rows, 400);
            let types = vec![ty.clone().optional(), DataType::Int.required()];
            let rows = without_overflow(&types, table(seed as u64, &types, 1500, spread));
            check(&types, &rows, 400);
        }
    }
}

#[test]
fn keys_of_several_columns_are_equal_when_all_are() {
    let sets = [
        vec![0, 10],
        vec![6, 6, 10],
        vec![1, 7, 0],
        vec![5, 5],
        vec![1, 2, 3, 4, 5, 6, 11],
        (0..all_types().len()).collect(),
    ];
    for (seed, set) in sets.iter().enumerate() {
        let mut types: Vec<Type> =
            set.iter().map(|&at| all_types()[at].clone().optional()).collect();
        types.push(DataType::Int.required());
        let rows = without_overflow(&types, table(seed as u64, &types, 2000, 4));
        check(&types, &rows, 300);
    }
}

#[test]
fn no_keys_give_one_row_even_of_nothing() {
    let types = [DataType::Int.required()];
    check(&types, &without_overflow(&types, table(1, &types, 500, 9)), 100);
    let result = run(&operator(&[]), &[], &[0], 2, |_| 0).unwrap();
    let types = [DataType::Int.required(), DataType::Int.required()];
    let rows = crate::exec::operators::testing::rows_of(&types, &result);
    assert_eq!(rows, [[Scalar::Int(0), Scalar::Int(0)]]);
    let keys = [DataType::Int.required()];
    assert!(run(&operator(&keys), &[], &[0, 0], 2, |_| 0).unwrap().is_empty());
}

#[test]
fn many_groups_are_scattered_to_the_same_result() {
    for ty in [DataType::Int, DataType::String] {
        let types = vec![ty.optional(), DataType::Int.required()];
        let rows = without_overflow(&types, table(5, &types, 300_000, 1 << 40));
        check(&types, &rows, 40_000);
        let plan = operator(&types[..1]);
        run(&plan, &batches_of(&types, &rows, 40_000), &[0, 1], 2, |at| at % 2).unwrap();
        assert_eq!(plan.plan.is_scattered.get(), Some(&true));
    }
}

#[test]
fn a_thread_that_scatters_groups_what_it_has_when_it_is_much() {
    let types = vec![DataType::Int.required(), DataType::Int.required()];
    let rows = without_overflow(&types, table(5, &types, 200_000, 1 << 17));
    let keys = &types[..1];
    let plan = operator(keys).plan;
    let mut scatter = Scatter::new(&plan);
    for (at, batch) in batches_of(&types, &rows, 30_000).into_iter().enumerate() {
        let values = crate::exec::operators::testing::operands(&batch, &[0, 1]);
        scatter.push(&plan, Input { values, rows: batch.rows, positions: batch.positions });
        if at % 2 == 1 {
            scatter.flush(&plan);
        }
    }
    let mut all: Vec<(i64, i64, i64)> = vec![];
    let result = parts::finish(&plan, vec![scatter], &AtomicBool::new(false)).unwrap();
    for batch in result.into_batches().unwrap() {
        let column = |at: usize| crate::exec::gather::i64_values(&batch.columns[at]).to_vec();
        let (key, sum, count) = (column(0), column(1), column(2));
        all.extend((0..batch.rows).map(|row| (key[row], sum[row], count[row])));
    }
    assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!(all.iter().map(|group| group.2).sum::<i64>(), 200_000);
    let mut sorted = rows;
    sorted.sort_by(|a, b| compare(&a[0], &b[0]));
    let sum = |group: &[Values]| -> i64 {
        group.iter().map(|row| if let Scalar::Int(n) = row[1] { n } else { 0 }).sum()
    };
    let expected = sorted.chunk_by(|a, b| a[0] == b[0]).map(sum);
    assert!(expected.eq(all.iter().map(|group| group.1)));
}

#[test]
fn the_first_failing_group_is_told_whatever_the_threads() {
    let types = vec![DataType::Int.required(), DataType::Int.required()];
    let rows: Vec<Values> =
        (0..1000).map(|n| vec![Scalar::Int(-n % 50), Scalar::Int(LIMIT / 10)]).collect();
    let batches = batches_of(&types, &rows, 100);
    for states in 1..4 {
        for operator in [operator(&types[..1]), apart(&types[..1])] {
            let result = run(&operator, &batches, &[0, 1], states, |at| at % states);
            let Err(Error::Row { span, reason, .. }) = result else { panic!("it fails") };
            let told = format!("{} is too much, in the group -49", LIMIT / 10 * 20);
            assert_eq!((span.start, reason), (1, told));
        }
    }
}

#[test]
fn what_was_spilled_fails_for_the_same_group() {
    let types = vec![DataType::Int.required(), DataType::Int.required()];
    let rows: Vec<Values> = (0..1000)
        .map(|n| vec![Scalar::Int(n % 50), Scalar::Int(LIMIT / 10 * (1 + i64::from(n % 50 == 7)))])
        .collect();
    let fails = |spool: Option<&Arc<Spool>>| {
        let operator = operator(&types[..1]);
        let mut states = vec![];
        for batch in batches_of(&types, &rows, 100) {
            let mut state = operator.state();
            let values = crate::exec::operators::testing::operands(&batch, &[0, 1]);
            state.push(batch, values).unwrap();
            spool.map(|spool| state.spill(spool, &AtomicBool::new(false)).unwrap());
            states.push(state);
        }
        operator.finish(states, &AtomicBool::new(false)).map(drop).unwrap_err()
    };
    let folder = tempfile::tempdir().unwrap();
    let spool = Arc::new(Spool::new(folder.path().to_owned(), 1, 2));
    assert_eq!(format!("{:?}", fails(Some(&spool))), format!("{:?}", fails(None)));
    assert!(spool.written() > 0);
}

#[test]
fn very_many_groups_come_in_the_same_order_from_disk() {
    let types = vec![DataType::Int.required(), DataType::Int.required()];
    let count = order::SORTED_GROUPS_MAX + 1000;
    let rows: Vec<Values> =
        (0..count).map(|n| vec![Scalar::Int(n as i64), Scalar::Int(1)]).collect();
    let batches = batches_of(&types, &rows, 60_000);
    let result = vec![DataType::Int.required(); 3];
    let keys = &types[..1];
    let in_memory = run(&operator(keys), &batches, &[0, 1], 2, |at| at % 2).unwrap();
    let spilled = run_spilling(&operator(keys), &batches, &[0, 1], 2);
    assert_eq!(rows_of(&result, &spilled), rows_of(&result, &in_memory));
    let apart = run(&apart(keys), &batches, &[0, 1], 2, |at| at % 2).unwrap();
    assert_eq!(rows_of(&result, &apart), rows_of(&result, &in_memory));
}

#[test]
fn memory_is_counted() {
    let types = vec![DataType::String.required(), DataType::Int.required()];
    let rows = without_overflow(&types, table(5, &types, 5000, 1 << 40));
    let operator = operator(&types[..1]);
    let mut state = operator.state();
    let before = state.bytes();
    for batch in batches_of(&types, &rows, 1000) {
        let values = crate::exec::operators::testing::operands(&batch, &[0, 1]);
        state.push(batch, values).unwrap();
    }
    assert!(state.bytes() > before + 5000 * 16);
    assert_eq!(batches_of(&types, &rows, 1000)[0].columns[0].len(), 1000);
}
