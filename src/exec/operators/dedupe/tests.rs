//! `dedupe` and `distinct` against a scan for a better row.

use super::*;
use crate::exec::operators::testing::{
    Values, all_types, batches_of, compare, compare_all, rows_of, run_all_ways, run_spilling,
    shown, table,
};
use crate::types::{DataType, Scalar};
use std::sync::atomic::AtomicBool;

/// Is `row` better than `other`, which came before it?
fn is_better(keep: KeepRow, row: &Values, other: &Values, value: usize) -> bool {
    let by_value = |a: &Scalar, b: &Scalar| match (a.is_null(), b.is_null(), keep) {
        (false, false, KeepRow::Largest) => compare(b, a),
        _ => compare(a, b),
    };
    match keep {
        KeepRow::First => false,
        KeepRow::Last => true,
        KeepRow::Smallest | KeepRow::Largest => {
            by_value(&row[value], &other[value]).then(compare_all(row, other)).is_lt()
        }
    }
}

/// The rows that are kept, by their place.
fn naive(keep: KeepRow, rows: &[Values], keys: &[usize], value: usize) -> Vec<Values> {
    let mut kept: Vec<usize> = vec![];
    for (at, row) in rows.iter().enumerate() {
        let same = |other: &Values| keys.iter().all(|&k| compare(&row[k], &other[k]).is_eq());
        match kept.iter_mut().find(|other| same(&rows[**other])) {
            None => kept.push(at),
            Some(other) if is_better(keep, row, &rows[*other], value) => *other = at,
            Some(_) => {}
        }
    }
    kept.sort_unstable();
    kept.into_iter().map(|at| rows[at].clone()).collect()
}

fn check(types: &[Type], rows: &[Values], keys: &[usize], value: usize) {
    let batches = batches_of(types, rows, 100);
    for keep in [KeepRow::First, KeepRow::Last, KeepRow::Smallest, KeepRow::Largest] {
        let key_types: Vec<Type> = keys.iter().map(|&at| types[at].clone()).collect();
        // As if the last key were computed.
        let columns: Vec<Option<usize>> = keys
            .iter()
            .enumerate()
            .map(|(at, &key)| (at + 1 < keys.len()).then_some(key))
            .collect();
        let make =
            || Box::new(Dedupe::new(key_types.clone(), columns.clone(), keep)) as Box<dyn Breaker>;
        let mut values = keys.to_vec();
        if matches!(keep, KeepRow::Smallest | KeepRow::Largest) {
            values.push(value);
        }
        let found = run_all_ways(&make, types, &batches, &values);
        let expected = shown(types, &naive(keep, rows, keys, value));
        assert_eq!(shown(types, &found), expected);
        let spilled = run_spilling(&*make(), &batches, &values, 3);
        assert_eq!(shown(types, &rows_of(types, &spilled)), expected);
    }
}

#[test]
fn the_best_row_of_each_key_is_kept() {
    for (seed, ty) in all_types().into_iter().enumerate() {
        let types = [DataType::String.optional(), ty.optional(), DataType::Int.optional()].to_vec();
        let rows = table(seed as u64, &types, 800, 12);
        check(&types, &rows, &[0], 1);
        check(&types, &rows, &[2, 0], 1);
        check(&types, &rows, &[1], 2);
    }
}

#[test]
fn many_keys_are_merged_in_parts() {
    let types = [DataType::Int.required(), DataType::Int.optional()].to_vec();
    let rows = table(9, &types, 100_000, 80_000);
    let mut newest: std::collections::BTreeMap<i64, (Option<i64>, usize)> = Default::default();
    for (at, row) in rows.iter().enumerate() {
        let Scalar::Int(key) = row[0] else { panic!("it is required") };
        let value = if let Scalar::Int(value) = row[1] { Some(value) } else { None };
        let best = newest.entry(key).or_insert((value, at));
        if value > best.0 {
            *best = (value, at);
        }
    }
    let mut kept: Vec<usize> = newest.into_values().map(|best| best.1).collect();
    kept.sort_unstable();
    let expected: Vec<Values> = kept.into_iter().map(|at| rows[at].clone()).collect();
    let make = || {
        Box::new(Dedupe::new(types[..1].to_vec(), vec![Some(0)], KeepRow::Largest))
            as Box<dyn Breaker>
    };
    let found = run_all_ways(&make, &types, &batches_of(&types, &rows, 9_000), &[0, 1]);
    assert_eq!(shown(&types, &found), shown(&types, &expected));
    // So many rows that parts are parted again.
    let spilled = run_spilling(&*make(), &batches_of(&types, &rows, 9_000), &[0, 1], 2);
    assert_eq!(shown(&types, &rows_of(&types, &spilled)), shown(&types, &expected));
}

#[test]
fn rows_that_are_beaten_are_dropped() {
    let types = [DataType::Int.required(), DataType::Int.required()];
    let rows: Vec<Values> =
        (0..400_000).map(|n| vec![Scalar::Int(n % 7), Scalar::Int(n)]).collect();
    let operator = Dedupe::new(types[..1].to_vec(), vec![Some(0)], KeepRow::Largest);
    let mut state = operator.state();
    for batch in batches_of(&types, &rows, 7) {
        let values = crate::exec::operators::testing::operands(&batch, &[0, 1]);
        state.push(batch, values).unwrap();
    }
    assert!(state.bytes() < 70_000 * 40 + (1 << 20));
    let kept = operator.finish(vec![state], &AtomicBool::new(false)).unwrap();
    let kept = crate::exec::operators::testing::rows_of(&types, &kept.into_batches().unwrap());
    assert_eq!(shown(&types, &kept), shown(&types, &rows[400_000 - 7..]));
}

#[test]
fn distinct_keeps_the_first_of_equal_rows() {
    for (seed, ty) in all_types().into_iter().enumerate() {
        let types = [ty.optional(), DataType::Float.required()].to_vec();
        let rows = table(seed as u64, &types, 600, 15);
        let make = || Box::new(Distinct::new(types.clone())) as Box<dyn Breaker>;
        let found = run_all_ways(&make, &types, &batches_of(&types, &rows, 90), &[]);
        let expected = naive(KeepRow::First, &rows, &[0, 1], 0);
        assert_eq!(shown(&types, &found), shown(&types, &expected));
        let spilled = run_spilling(&*make(), &batches_of(&types, &rows, 90), &[], 3);
        assert_eq!(shown(&types, &rows_of(&types, &spilled)), shown(&types, &expected));
    }
}
