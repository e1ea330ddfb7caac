//! Windows against naive ones: in memory and on disk, however rows are dealt out.

use super::*;
use crate::exec::operators::testing::{
    Values, batches_of, compare, rows_of, run_all_ways, run_spilling, shown, table,
};
use crate::exec::order::Direction;
use crate::functions::Registry;
use crate::functions::kernel::Call;
use crate::types::{DataType, Scalar};

const GAP: i64 = 3_000_009;

fn types() -> Vec<Type> {
    vec![
        DataType::String.optional(),
        DataType::Timestamp.optional(),
        DataType::Int.required(),
        DataType::String.optional(),
    ]
}

fn new_types() -> Vec<Type> {
    let mut types = types();
    types.extend([DataType::Int.required(), DataType::Int.required(), DataType::Int.optional()]);
    types
}

/// The number of each row, the sum of the four last, and the session, by so many keys.
fn operator(keys: usize) -> Box<dyn Breaker> {
    let registry = Registry::standard();
    let kernel = |name: &str, arguments: &[Type]| {
        let literals = vec![None; arguments.len()];
        let result = DataType::Int.required();
        let call = Call { arguments, literals: &literals, result: &result };
        let function = registry.overloads(name)[0];
        Value::Kernel(registry.window(function, &call).unwrap())
    };
    let span = Span::new(crate::text::FileId(0), 0, 0);
    let column = |value, arguments| WindowColumn { value, arguments, span };
    let columns = vec![
        column(kernel("row_number", &[]), vec![]),
        column(kernel("sum", &[DataType::Int.required()]), vec![Argument::Column(2)]),
        column(Value::Session(GAP), vec![Argument::Column(1)]),
    ];
    let sorted_by = 1 - keys..2;
    let directions = vec![Direction::default(); keys + 1];
    let sort = Sort { directions, columns: sorted_by.map(Some).collect(), first: None };
    let (sort_key, frame) = (Some(types()[1].clone()), Frame::Rows(Some(-3), Some(0)));
    let keys = types()[..keys].to_vec();
    Box::new(Window::new(Plan { sort, keys, sort_key, frame, columns, width: 4 }))
}

/// The same row by row.
fn naive(rows: &[Values], keys: usize) -> Vec<Values> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let key = |a: &Values, b: &Values| {
        if keys == 0 { std::cmp::Ordering::Equal } else { compare(&a[0], &b[0]) }
    };
    order.sort_by(|&a, &b| key(&rows[a], &rows[b]).then(compare(&rows[a][1], &rows[b][1])));
    let mut expected = rows.to_vec();
    let mut sessions = 0;
    for partition in order.chunk_by(|&a, &b| key(&rows[a], &rows[b]).is_eq()) {
        let mut before = None;
        for (number, &row) in partition.iter().enumerate() {
            let number_of = |row: usize| match rows[row][2] {
                Scalar::Int(number) => number,
                _ => unreachable!("it is an int"),
            };
            let last = &partition[number.saturating_sub(3)..=number];
            let session = match rows[row][1] {
                Scalar::Timestamp(now) => {
                    sessions += i64::from(before.is_none_or(|before| now - before > GAP));
                    before = Some(now);
                    Scalar::Int(sessions)
                }
                _ => Scalar::Null,
            };
            expected[row].extend([
                Scalar::Int(number as i64 + 1),
                Scalar::Int(last.iter().map(|row| number_of(*row)).sum()),
                session,
            ]);
        }
    }
    expected
}

#[test]
fn windows_are_those_of_all_rows_and_stay_where_rows_are() {
    for (seed, (rows, size, spread)) in
        [(1, 1, 3), (700, 64, 12), (3000, 200, 500), (3000, 1000, 2)].into_iter().enumerate()
    {
        let mut rows = table(seed as u64, &types(), rows, spread);
        for (at, row) in rows.iter_mut().enumerate() {
            row[2] = Scalar::Int(at as i64 % 7 - 3);
        }
        let batches = batches_of(&types(), &rows, size);
        for keys in [0, 1] {
            let values: Vec<usize> = (1 - keys..2).collect();
            let expected = shown(&new_types(), &naive(&rows, keys));
            let found = run_all_ways(&|| operator(keys), &new_types(), &batches, &values);
            assert_eq!(shown(&new_types(), &found), expected, "{keys} {size} {spread}");
            let spilled = run_spilling(&*operator(keys), &batches, &values, 3);
            assert_eq!(shown(&new_types(), &rows_of(&new_types(), &spilled)), expected);
        }
    }
}

#[test]
fn partitions_of_many_rows_are_computed_apart() {
    let mut rows = table(9, &types(), 150_000, 300_000);
    for (at, row) in rows.iter_mut().enumerate() {
        row[0] = Scalar::String(format!("{}", at * at % 5).into());
        row[2] = Scalar::Int(at as i64 % 7 - 3);
    }
    let batches = batches_of(&types(), &rows, 40_000);
    let expected = shown(&new_types(), &naive(&rows, 1));
    let spilled = run_spilling(&*operator(1), &batches, &[0, 1], 2);
    let spilled = shown(&new_types(), &rows_of(&new_types(), &spilled));
    assert_eq!(spilled.len(), expected.len());
    for (found, expected) in spilled.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
}

#[test]
fn nothing_gives_nothing() {
    let ended = operator(1).finish(vec![], &AtomicBool::new(false)).unwrap();
    assert_eq!(ended.rows(), Some(0));
}
