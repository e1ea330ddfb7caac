//! Joins against two nested loops.

use super::*;
use crate::data::Batch;
use crate::exec::Error;
use crate::exec::operators::testing::{
    Values, all_types, batches_of, compare, operands, rows_of, shown, table,
};
use crate::exec::operators::{Output, Streaming};
use crate::ir::{Cardinality, JoinKind, Promise};
use crate::store::spool::Spool;
use crate::text::{FileId, Span};
use crate::types::{DataType, Scalar};
use arrow_array::Array;
use arrow_buffer::BooleanBuffer;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const KINDS: [JoinKind; 6] = [
    JoinKind::Inner,
    JoinKind::Left,
    JoinKind::Right,
    JoinKind::Full,
    JoinKind::Semi,
    JoinKind::Anti,
];

/// The tables to be joined by their first columns; both end with an `int` that is their row.
struct Case {
    types: Vec<Type>,
    keys: usize,
    left: Vec<Values>,
    right: Vec<Values>,
}

impl Case {
    fn new(keys: &[DataType], seed: u64, rows: (usize, usize), spread: usize) -> Case {
        let mut types: Vec<Type> = keys.iter().map(|ty| ty.clone().optional()).collect();
        types.push(DataType::Int.required());
        let numbered = |seed, rows| {
            let mut rows = table(seed, &types, rows, spread);
            for (at, row) in rows.iter_mut().enumerate() {
                row[keys.len()] = Scalar::Int(at as i64);
            }
            rows
        };
        let (left, right) = (numbered(seed, rows.0), numbered(seed + 100, rows.1));
        Case { types, keys: keys.len(), left, right }
    }

    fn number(&self, row: &Values) -> i64 {
        if let Scalar::Int(number) = row[self.keys] { number } else { panic!("it is a number") }
    }

    fn is_match(&self, left: &Values, right: &Values, residual: bool) -> bool {
        let equal = |at: usize| !left[at].is_null() && compare(&left[at], &right[at]).is_eq();
        (0..self.keys).all(equal)
            && (!residual || (self.number(left) + self.number(right)) % 3 == 0)
    }

    fn naive(&self, kind: JoinKind, residual: bool) -> Vec<Values> {
        let mut out = vec![];
        for left in &self.left {
            let matches: Vec<&Values> =
                self.right.iter().filter(|right| self.is_match(left, right, residual)).collect();
            let mut pair = |right: &[Scalar]| {
                out.push(left.iter().chain(right).cloned().collect());
            };
            match kind {
                JoinKind::Semi if !matches.is_empty() => pair(&[]),
                JoinKind::Anti if matches.is_empty() => pair(&[]),
                JoinKind::Semi | JoinKind::Anti => {}
                JoinKind::Mark => pair(&[Scalar::Bool(!matches.is_empty())]),
                kind if kind.keeps_left() && matches.is_empty() => {
                    pair(&vec![Scalar::Null; self.types.len()]);
                }
                _ => matches.iter().for_each(|row| pair(row)),
            }
        }
        if kind.keeps_right() {
            let is_left = |right: &&Values| {
                !self.left.iter().any(|left| self.is_match(left, right, residual))
            };
            let nulls = vec![Scalar::Null; self.types.len()];
            out.extend(self.right.iter().filter(is_left).map(|row| [&nulls[..], row].concat()));
        }
        out
    }

    fn build(
        &self,
        unique: Option<Promise>,
        size: usize,
        states: usize,
    ) -> Result<Arc<JoinTable>, Error> {
        let keys: Vec<usize> = (0..self.keys).collect();
        let columns: Vec<usize> = (0..self.types.len()).collect();
        let build = JoinBuild::new(&self.types[..self.keys], &columns, unique, true);
        let mut all: Vec<_> = (0..states).map(|_| build.state()).collect();
        for (at, batch) in batches_of(&self.types, &self.right, size).into_iter().enumerate() {
            let values = operands(&batch, &keys);
            all[at * 5 % 3 % states].push(batch, values).unwrap();
        }
        Ok(in_memory(build.finish(all, &ample(), &NEVER)?))
    }

    /// The result by way of the disk; none for a right side without rows, which is never there.
    fn spilled(
        &self,
        size: usize,
        (promised, keeps): (Cardinality, bool),
        make: impl Fn(Arc<JoinTable>) -> JoinProbe + Sync,
    ) -> Option<Result<(Vec<Batch>, SpilledJoin), Error>> {
        let keys: Vec<usize> = (0..self.keys).collect();
        let columns: Vec<usize> = (0..self.types.len()).collect();
        let folder = tempfile::tempdir().unwrap();
        // So little memory that parts are parted again.
        let spool = Arc::new(Spool::new(folder.path().to_owned(), 1, 2));
        let types = &self.types[..self.keys];
        let mut build = JoinBuild::new(types, &columns, promised.right_unique, true);
        if keeps {
            build = build.keeping_rows(&[]);
        }
        let mut states: Vec<_> = (0..2).map(|_| build.state()).collect();
        for (at, batch) in batches_of(&self.types, &self.right, size).into_iter().enumerate() {
            let values = operands(&batch, &keys);
            states[at % 2].push(batch, values).unwrap();
            if at % 3 == 0 {
                assert!(states[at % 2].spill(&spool, &NEVER).unwrap());
            }
        }
        let Built::Spilled(right) = build.finish(states, &spool, &NEVER).unwrap() else {
            return None;
        };
        let join = SpilledJoin::new(right);
        let mut states: Vec<_> = (0..2).map(|_| join.state()).collect();
        for (at, batch) in batches_of(&self.types, &self.left, size).into_iter().enumerate() {
            let values = operands(&batch, &keys);
            states[at % 2].push(batch, values).unwrap();
        }
        let joined = join.finish(states, &make, &NEVER).and_then(Output::into_batches);
        Some(joined.map(|batches| (batches, join)))
    }

    fn residual(&self) -> Residual {
        let (left, right) = (self.keys, self.types.len() + self.keys);
        sure(move |pairs| {
            assert!(pairs.rows <= 1 << 16);
            let column = |at: usize| crate::exec::gather::i64_values(&pairs.columns[at]);
            let sums = column(left).iter().zip(column(right)).map(|(a, b)| a + b);
            sums.map(|sum| sum % 3 == 0).collect()
        })
    }

    fn probe(&self, probe: &JoinProbe, size: usize) -> Vec<Batch> {
        let keys: Vec<usize> = (0..self.keys).collect();
        let mut out = vec![];
        for batch in batches_of(&self.types, &self.left, size) {
            let values = operands(&batch, &keys);
            let mut emit = |batch: Batch| {
                assert!(batch.rows > 0 && batch.rows <= 1 << 16);
                out.push(batch);
                Ok(())
            };
            probe.apply(batch, values, &mut emit).unwrap();
        }
        if probe.keeps_right() && !self.right.is_empty() {
            out.push(probe.unmatched_right(0..self.right.len()).0);
        }
        out
    }

    /// A probe of all columns.
    fn join(&self, table: Arc<JoinTable>, kind: JoinKind, residual: bool) -> JoinProbe {
        let right = if kind.gives_pairs() { (0..self.types.len()).collect() } else { vec![] };
        let residual = residual.then(|| self.residual());
        let optional: Vec<Type> = self.types.iter().map(|ty| ty.with_nullable(true)).collect();
        let live = vec![true; self.types.len() + right.len()];
        let probe = JoinProbe::new(table, kind, right, residual, default())
            .with_right_types(optional.clone());
        match kind.keeps_right() {
            true => probe.keeping_right(OuterRow { left: optional, live, shared: vec![] }),
            false => probe,
        }
    }

    fn check(&self, size: usize) {
        let mut types: Vec<Type> = self.types.iter().map(|ty| ty.with_nullable(true)).collect();
        types.extend(self.types.iter().map(|ty| ty.with_nullable(true)));
        for states in [1, 3] {
            let table = self.build(None, size, states).unwrap();
            let has_null = |row: &&Values| row[..self.keys].iter().any(Scalar::is_null);
            assert_eq!(table.null_keys(), self.right.iter().filter(has_null).count() as u64);
            for kind in KINDS {
                for residual in [false, true] {
                    let probe = self.join(table.clone(), kind, residual);
                    let found = rows_of(&types, &self.probe(&probe, size));
                    let expected = self.naive(kind, residual);
                    assert_eq!(shown(&types, &found), shown(&types, &expected), "{kind:?}");
                    let nulls = self.left.iter().filter(has_null).count() as u64;
                    assert_eq!(probe.null_keys(), nulls);
                    let unmatched = self.naive(JoinKind::Anti, residual).len() as u64;
                    assert_eq!(probe.unmatched(), unmatched);
                    probe.check().unwrap();
                    let make = |table| self.join(table, kind, residual);
                    let promised = (default(), kind.keeps_right());
                    if let Some(joined) = self.spilled(size, promised, make) {
                        let (batches, join) = joined.unwrap();
                        let found = rows_of(&types, &batches);
                        assert_eq!(shown(&types, &found), shown(&types, &expected), "{kind:?}");
                        assert_eq!(join.null_keys(), nulls);
                        assert_eq!(join.left_out(), probe.left_out());
                    }
                }
            }
        }
    }
}

/// Nothing is promised.
fn default() -> Cardinality {
    Cardinality::default()
}

/// Nobody stops the run.
static NEVER: AtomicBool = AtomicBool::new(false);

/// More memory than there is, which is never written to disk.
fn ample() -> Arc<Spool> {
    Arc::new(Spool::new("/nowhere".into(), usize::MAX, 1))
}

fn in_memory(built: Built) -> Arc<JoinTable> {
    match built {
        Built::Table(table) => table,
        Built::Spilled(_) => panic!("nothing was written"),
    }
}

/// A residual that cannot fail.
fn sure(is_pair: impl Fn(&Batch) -> BooleanBuffer + Send + Sync + 'static) -> Residual {
    let span = Box::new(|_| unreachable!("it cannot fail"));
    Residual { eval: Box::new(move |pairs, _| is_pair(pairs)), span, may_fail: false }
}

#[test]
fn every_type_joins_in_every_way() {
    for (seed, ty) in all_types().into_iter().enumerate() {
        if ty != DataType::Null {
            Case::new(&[ty], seed as u64, (200, 150), 40).check(60);
        }
    }
    Case::new(&[DataType::String, DataType::Int, DataType::Bool], 1, (300, 300), 6).check(70);
}

#[test]
fn rows_that_match_are_marked() {
    for (seed, ty) in all_types().into_iter().enumerate() {
        if ty == DataType::Null {
            continue;
        }
        let case = Case::new(&[ty], seed as u64, (200, 150), 40);
        let types = [&case.types[..], &[DataType::Bool.required()]].concat();
        let expected = shown(&types, &case.naive(JoinKind::Mark, false));
        let make = |table| case.join(table, JoinKind::Mark, false);
        let probe = make(case.build(None, 60, 3).unwrap());
        assert_eq!(shown(&types, &rows_of(&types, &case.probe(&probe, 60))), expected);
        assert_eq!(probe.left_out(), 0);
        let spilled = case.spilled(60, (default(), false), make).expect("it has rows");
        let (batches, join) = spilled.unwrap();
        assert_eq!(shown(&types, &rows_of(&types, &batches)), expected);
        assert_eq!(join.left_out(), 0);
    }
}

#[test]
fn numbers_close_to_each_other_join_in_every_way() {
    let row = |(at, key): (usize, i64)| vec![Scalar::Int(key), Scalar::Int(at as i64)];
    let types = vec![DataType::Int.optional(), DataType::Int.required()];
    let ids = (0..120i64).map(|at| at * 47 % 120 * 3 - 50);
    let twice = ids.clone().chain([-50, 307, 1, 1]);
    // Far enough from each other that their places are bits.
    let few = vec![307, -50, 4];
    let few_twice = vec![307, -50, 4, 250, 4, 5000];
    let extremes = [i64::MIN, i64::MAX, -51, -50, 307, 308];
    let (ids, twice) = (ids.collect::<Vec<_>>(), twice.collect());
    for right in [ids, twice, few, few_twice, vec![i64::MAX], vec![i64::MIN]] {
        let left = (-60..330).chain(extremes).enumerate().map(row);
        let mut case = Case {
            types: types.clone(),
            keys: 1,
            left: left.collect(),
            right: right.into_iter().enumerate().map(row).collect(),
        };
        case.check(50);
        case.left[7][0] = Scalar::Null;
        case.right.push(vec![Scalar::Null, Scalar::Int(1000)]);
        case.check(50);
    }
}

#[test]
fn sides_may_be_empty() {
    Case::new(&[DataType::Int], 1, (0, 20), 5).check(10);
    Case::new(&[DataType::Int], 1, (20, 0), 5).check(10);
}

#[test]
fn many_pairs_are_split_into_batches() {
    Case::new(&[DataType::Bool], 1, (300, 1200), 2).check(500);
}

#[test]
fn a_large_right_side_is_built_in_parts() {
    let case = Case::new(&[DataType::Int], 1, (1000, 200_000), 1 << 40);
    let mut case = Case { left: case.right[..1000].to_vec(), ..case };
    for (at, row) in case.left.iter_mut().enumerate() {
        row[1] = Scalar::Int(at as i64);
    }
    let table = case.build(None, 50_000, 3).unwrap();
    let probe = JoinProbe::new(table, JoinKind::Inner, vec![0, 1], None, Cardinality::default());
    let types: Vec<Type> = [&case.types[..], &case.types[..]].concat();
    let found = rows_of(&types, &case.probe(&probe, 300));
    let expected = case.left.iter().filter(|row| !row[0].is_null());
    let expected: Vec<Values> = expected.map(|row| [&row[..], &row[..]].concat()).collect();
    assert_eq!(shown(&types, &found), shown(&types, &expected));
}

#[test]
fn promises_are_checked_and_the_first_breach_is_told() {
    check_promises(DataType::String, |n| Scalar::String(format!("k{n}").into()), ["k30", "k48"]);
    check_promises(DataType::Int, Scalar::Int, ["30", "48"]);
}

fn check_promises(ty: DataType, key: impl Fn(i64) -> Scalar, [in_right, in_left]: [&str; 2]) {
    let row = |n: i64| vec![key(n), Scalar::Int(0)];
    let promise = Promise::Join(Span::new(FileId(0), 3, 4));
    let types = vec![ty.optional(), DataType::Int.required()];
    let right: Vec<Values> = (0..50).chain([30, 20]).map(row).collect();
    let left: Vec<Values> = (40..60).chain([55, 48, 41]).map(row).collect();
    let case = Case { types, keys: 1, left, right };
    for states in [1, 3] {
        let Err(Error::Cardinality { side, key, .. }) = case.build(Some(promise), 10, states)
        else {
            panic!("30 comes twice")
        };
        assert_eq!((side, &*key), ("right", in_right));
    }
    let table = case.build(None, 10, 1).unwrap();
    let unique = Cardinality { right_unique: Some(promise), ..default() };
    let make = |table| JoinProbe::new(table, JoinKind::Left, vec![], None, unique);
    let Some(Err(Error::Cardinality { side, key, .. })) = case.spilled(10, (unique, false), make)
    else {
        panic!("30 comes twice")
    };
    assert_eq!((side, &*key), ("right", in_right));
    let always = sure(|pairs| BooleanBuffer::new_set(pairs.rows));
    let never = sure(|pairs| BooleanBuffer::new_unset(pairs.rows));
    let promised = Cardinality { left_unique: Some(promise), ..default() };
    for (residual, is_broken) in [(None, true), (Some(always), true), (Some(never), false)] {
        let has_residual = residual.is_some();
        let probe = JoinProbe::new(table.clone(), JoinKind::Left, vec![], residual, promised);
        for batch in batches_of(&case.types, &case.left, 3).into_iter().rev() {
            let values = operands(&batch, &[0]);
            probe.apply(batch, values, &mut |_| Ok(())).unwrap();
        }
        match probe.check() {
            Err(Error::Cardinality { promise: at, side, key }) if is_broken => {
                assert_eq!((at, side, &*key), (promise, "left", in_left));
            }
            result => assert!(result.is_ok() && !is_broken),
        }
        let make = |table| {
            let residual = match (has_residual, is_broken) {
                (false, _) => None,
                (true, true) => Some(sure(|pairs| BooleanBuffer::new_set(pairs.rows))),
                (true, false) => Some(sure(|pairs| BooleanBuffer::new_unset(pairs.rows))),
            };
            JoinProbe::new(table, JoinKind::Left, vec![], residual, promised)
        };
        match case.spilled(3, (promised, false), make).expect("there are right rows") {
            Err(Error::Cardinality { promise: at, side, key }) if is_broken => {
                assert_eq!((at, side, &*key), (promise, "left", in_left));
            }
            result => assert!(result.is_ok() && !is_broken),
        }
    }
}

#[test]
fn right_columns_that_nobody_needs_are_not_kept() {
    let case = Case::new(&[DataType::Int], 1, (10, 20), 5);
    let build = JoinBuild::new(&case.types[..1], &[1], None, true);
    let mut state = build.state();
    for batch in batches_of(&case.types, &case.right, 10) {
        let values = operands(&batch, &[0]);
        state.push(batch, values).unwrap();
    }
    let table = in_memory(build.finish(vec![state], &ample(), &NEVER).unwrap());
    assert_eq!(table.columns[0].data_type(), &arrow_schema::DataType::Null);
    assert_eq!(table.columns[1].len(), 20);
}

#[test]
fn a_condition_that_may_fail_is_asked_once_for_each_pair() {
    use crate::exec::rows::{filter_rows, without_failed};
    use crate::functions::kernel::Failure;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    let case = Case::new(&[DataType::Int], 5, (300, 80), 12);
    let sum = |left: &Values, right: &Values| case.number(left) + case.number(right);
    let pairs = case.left.iter().flat_map(|left| case.right.iter().map(move |right| (left, right)));
    let pairs = pairs.filter(|(left, right)| case.is_match(left, right, false)).count();
    let fails = |left: &&Values| {
        let mut with = case.right.iter().filter(|right| case.is_match(left, right, false));
        with.any(|right| sum(left, right) % 29 == 0)
    };
    let rest = Case {
        types: case.types.clone(),
        left: case.left.iter().filter(|left| !fails(left)).cloned().collect(),
        right: case.right.clone(),
        ..case
    };
    assert!(pairs > 1000 && rest.left.len() < 290 && rest.left.len() > 100, "{pairs}");
    let mut types = case.types.clone();
    types.extend(case.types.iter().map(|ty| ty.with_nullable(true)));
    for kind in KINDS {
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, width) = (asked.clone(), case.types.len());
        let eval = move |pairs: &Batch, failures: &mut Vec<Failure>| {
            count.fetch_add(pairs.rows, Relaxed);
            let column = |at: usize| crate::exec::gather::i64_values(&pairs.columns[at]);
            let sums: Vec<i64> =
                column(1).iter().zip(column(width + 1)).map(|(a, b)| a + b).collect();
            let failed = (0..).zip(&sums).filter(|(_, sum)| **sum % 29 == 0);
            failures.extend(failed.map(|(row, _)| Failure { row, site: 0, reason: String::new() }));
            sums.iter().map(|sum| sum % 3 == 0 && sum % 29 != 0).collect()
        };
        let span = Box::new(|_| Span::new(FileId(0), 0, 0));
        let residual = Residual { eval: Box::new(eval), span, may_fail: true };
        let right = if kind.gives_pairs() { (0..width).collect() } else { vec![] };
        let table = case.build(None, 30, 2).unwrap();
        let mut probe = JoinProbe::new(table, kind, right, Some(residual), Cardinality::default());
        if kind.keeps_right() {
            let left = types[..width].to_vec();
            let live = vec![true; types.len()];
            probe = probe.keeping_right(OuterRow { left, live, shared: vec![] });
        }
        let mut out = vec![];
        for batch in batches_of(&case.types, &case.left, 70) {
            let mut values = operands(&batch, &[0]);
            let (met, failures) = probe.look_up(&batch, &values).unwrap();
            let keep = without_failed(batch.rows, &failures);
            let (batch, met) =
                (filter_rows(&batch, &mut values, &keep), met.without(&failures, &probe));
            let mut emit = |batch: Batch| {
                out.push(batch);
                Ok(())
            };
            probe.join(batch, &values, met, &mut emit).unwrap();
        }
        if probe.keeps_right() {
            out.push(probe.unmatched_right(0..case.right.len()).0);
        }
        assert_eq!(asked.load(Relaxed), pairs, "{kind:?}");
        let expected = rest.naive(kind, true);
        assert_eq!(shown(&types, &rows_of(&types, &out)), shown(&types, &expected), "{kind:?}");
    }
}
