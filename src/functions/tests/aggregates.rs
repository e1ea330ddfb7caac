//! Functions from many rows to one value: their edges, and that no result depends on how rows
//! are split and merged.

use super::*;
use crate::data::Positions;
use crate::functions::aggregates::KERNELS;
use crate::functions::kernel::{Accumulator, NewAccumulator};
use std::slice::from_ref;

fn accumulators(name: &str, result: &DataType, given: &[Given]) -> NewAccumulator {
    let (_, prepare) = KERNELS.iter().find(|(found, _)| *found == name).expect("there is one");
    prepared(given, result, prepare).expect("the literals are right")
}

fn part(given: &[Given], rows: std::ops::Range<usize>) -> Vec<Operand> {
    let cut = |given: &Given| {
        if given.constant {
            operand(given)
        } else {
            let values = given.values[rows.clone()].to_vec();
            operand(&Given { values, ..given.clone() })
        }
    };
    given.iter().map(cut).collect()
}

fn finish(
    mut accumulator: Box<dyn Accumulator>,
    result: &DataType,
    count: usize,
) -> (Vec<Scalar>, Vec<Failure>) {
    let mut failures = Vec::new();
    let mut context = KernelContext { rows: count, active: None, site: 0, failures: &mut failures };
    let array = accumulator.finish(count, &mut context);
    assert_eq!(array.len(), count);
    assert_eq!(*array.data_type(), crate::data::arrow_type(result));
    ((0..count).map(|group| scalar_at(&array, result, group)).collect(), failures)
}

/// The values of `count` groups, where row `i` is of group `i % count`: in one go, and by halves
/// that are merged in both orders, the first after it was saved, with other numbers for the groups. All must agree.
fn run_groups(
    name: &str,
    result: &DataType,
    given: &[Given],
    count: usize,
) -> (Vec<Scalar>, Vec<Failure>) {
    let new = accumulators(name, result, given);
    let rows = rows_of(given);
    let group = |row: usize| (row % count) as u32;
    let groups: Vec<u32> = (0..rows).map(group).collect();
    let mut whole = new();
    whole.update(&groups, count, &part(given, 0..rows), &Positions::Range(0));
    let expected = finish(whole, result, count);

    for middle in [0, rows / 2, rows] {
        for swapped in [false, true] {
            let mut halves = [0..middle, middle..rows].map(|rows| {
                let mut half = new();
                for row in rows {
                    // Numbered backwards, and a row at a time.
                    let group = [(count - 1) as u32 - group(row)];
                    let position = Positions::Range(row as u64);
                    half.update(&group, count, &part(given, row..row + 1), &position);
                }
                half
            });
            if swapped {
                halves.reverse();
            }
            let mut all = new();
            let back: Vec<u32> = (0..count as u32).rev().collect();
            // One of them by way of the disk.
            let saved = halves[0].save(count);
            all.load(&saved, &back, count);
            all.merge(halves[1].as_mut(), &back, count);
            let found = finish(all, result, count);
            assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{name}");
        }
    }
    expected
}

/// The value over all rows.
fn over(name: &str, result: &DataType, given: &[Given]) -> Scalar {
    let (values, failures) = run_groups(name, result, given, 1);
    assert_eq!(failures, [], "{name}");
    values[0].clone()
}

fn nothing(ty: DataType) -> Given {
    column(ty, vec![])
}

fn nullable_ints(values: &[Option<i64>]) -> Given {
    let value = |value: &Option<i64>| value.map_or(Scalar::Null, Scalar::Int);
    column(DataType::Int, values.iter().map(value).collect())
}

#[test]
fn nothing_has_a_count_and_a_sum_and_no_more() {
    let (int, float) = (DataType::Int, DataType::Float);
    for given in [nothing(int.clone()), nullable_ints(&[None, None])] {
        let given = from_ref(&given);
        assert_eq!(over("sum", &int, given), Scalar::Int(0));
        assert_eq!(over("count", &int, given), Scalar::Int(0));
        assert_eq!(over("count_distinct", &int, given), Scalar::Int(0));
        assert_eq!(over("avg", &float, given), Scalar::Null);
        for name in ["min", "max", "first", "last", "any_value", "mode"] {
            assert_eq!(over(name, &int, given), Scalar::Null, "{name}");
        }
        assert_eq!(over("collect", &list_type(int.clone()), given), Scalar::List(vec![]));
    }
    let given = [nothing(float.clone())];
    for name in ["avg", "median", "variance", "stddev"] {
        assert_eq!(over(name, &float, &given), Scalar::Null, "{name}");
    }
    assert_eq!(over("variance", &float, &[floats(&[5.0])]), Scalar::Null);
    assert_eq!(over("count", &int, &[]), Scalar::Int(1));
}

#[test]
fn sums_overflow_only_in_the_end() {
    let max = i64::MAX;
    let int = DataType::Int;
    assert_eq!(over("sum", &int, &[ints(&[max, max, -max, -1])]), Scalar::Int(max - 1));
    let (values, failures) = run_groups("sum", &int, &[ints(&[max, 1, max, 2])], 2);
    assert_eq!(values, [Scalar::Null, Scalar::Int(3)]);
    assert_eq!(failures[0].reason, "the sum 18446744073709551614 does not fit int");
    let largest = 10i128.pow(38) - 1;
    let ty = DataType::Decimal { precision: 38, scale: 2 };
    let given = decimals(38, 2, &[largest, largest, largest, -largest, -largest]);
    assert_eq!(over("sum", &ty, &[given]), Scalar::Decimal(largest));
    let (values, failures) = run_groups("sum", &ty, &[decimals(38, 2, &[largest, 1])], 1);
    assert_eq!((values, failures.len()), (vec![Scalar::Null], 1));
    let mean = DataType::Decimal { precision: 38, scale: 2 };
    let given = decimals(38, 2, &[largest; 7]);
    assert_eq!(over("avg", &mean, &[given]), Scalar::Decimal(largest));
}

#[test]
fn means_are_rounded_half_away_from_zero() {
    let ty = DataType::Decimal { precision: 9, scale: 6 };
    let avg = |values: &[i128]| over("avg", &ty, &[decimals(5, 2, values)]);
    assert_eq!(avg(&[100, 100, 200]), Scalar::Decimal(1_333_333));
    assert_eq!(avg(&[-100, -200, -200]), Scalar::Decimal(-1_666_667));
    let float = DataType::Float;
    assert_eq!(over("avg", &float, &[ints(&[i64::MAX, i64::MAX])]), Scalar::Float(2f64.powi(63)));
    assert_eq!(over("avg", &float, &[floats(&[f64::MAX, f64::MAX])]), Scalar::Float(f64::MAX));
}

#[test]
fn extremes_of_every_type() {
    let given = floats(&[1.0, f64::NAN, -5.0, f64::INFINITY]);
    let max = over("max", &DataType::Float, from_ref(&given));
    assert!(matches!(max, Scalar::Float(value) if value.is_nan()));
    assert_eq!(over("min", &DataType::Float, &[given]), Scalar::Float(-5.0));
    let given = texts(&["b", "~", "", "é", "z"]);
    assert_eq!(over("max", &DataType::String, from_ref(&given)), text_or_null("é"));
    assert_eq!(over("min", &DataType::String, &[given]), text_or_null(""));
    let ty = DataType::Decimal { precision: 5, scale: 1 };
    assert_eq!(over("max", &ty, &[decimals(5, 1, &[-3, -7])]), Scalar::Decimal(-3));
    let days = column(DataType::Date, vec![Scalar::Date(5), Scalar::Null, Scalar::Date(-5)]);
    assert_eq!(over("min", &DataType::Date, &[days]), Scalar::Date(-5));
    let at = column(DataType::Timestamp, vec![Scalar::Timestamp(5), Scalar::Timestamp(6)]);
    assert_eq!(over("max", &DataType::Timestamp, &[at]), Scalar::Timestamp(6));
    let bools = column(DataType::Bool, vec![Scalar::Bool(false), Scalar::Bool(true)]);
    assert_eq!(over("max", &DataType::Bool, &[bools]), Scalar::Bool(true));
}

#[test]
fn rows_are_chosen_by_position_and_key() {
    let x = texts(&["~", "b", "c", "d", "~"]);
    let string = DataType::String;
    assert_eq!(over("first", &string, from_ref(&x)), text_or_null("b"));
    assert_eq!(over("last", &string, from_ref(&x)), text_or_null("d"));
    let by = nullable_ints(&[Some(2), Some(1), Some(1), Some(2), None]);
    assert_eq!(over("min_by", &string, &[x.clone(), by.clone()]), text_or_null("b"));
    assert_eq!(over("max_by", &string, &[x.clone(), by]), Scalar::Null);
    let by = texts(&["b", "a", "zz", "zz", "~"]);
    assert_eq!(over("max_by", &string, &[x.clone(), by]), text_or_null("c"));
    let by = floats(&[0.0, f64::NAN, -0.0, 1.0, f64::NAN]);
    assert_eq!(over("max_by", &string, &[x, by]), text_or_null("b"));
}

#[test]
fn gathered_values_stand_in_the_order_of_the_input() {
    let ty = list_type(DataType::Int);
    let given = nullable_ints(&[Some(5), Some(4), None, Some(3), Some(2), Some(1)]);
    let (lists, _) = run_groups("collect", &ty, &[given], 2);
    let list = |values: &[i64]| Scalar::List(values.iter().map(|v| Scalar::Int(*v)).collect());
    assert_eq!(lists, [list(&[5, 2]), list(&[4, 3, 1])]);
    let given = [texts(&["b", "a", "~", "a rather long text"]), text(", ")];
    let joined = over("string_agg", &DataType::String, &given);
    assert_eq!(joined, text_or_null("b, a, a rather long text"));
    let given = [texts(&["~"]), text(", ")];
    assert_eq!(over("string_agg", &DataType::String, &given), Scalar::Null);
}

#[test]
fn distinct_values_are_told_apart_exactly() {
    let int = DataType::Int;
    let zeros = floats(&[0.0, -0.0, f64::NAN, -f64::NAN, 1.0]);
    assert_eq!(over("count_distinct", &int, &[zeros]), Scalar::Int(3));
    let (counts, _) = run_groups("count_distinct", &int, &[texts(&["a", "a", "", "a", "a"])], 2);
    assert_eq!(counts, [Scalar::Int(2), Scalar::Int(1)]);
    let modes = over("mode", &DataType::String, &[texts(&["b", "a", "~", "b", "a", "~", "~"])]);
    assert_eq!(modes, text_or_null("a"));
    assert_eq!(over("mode", &int, &[ints(&[5, -5, -5, 5, 0])]), Scalar::Int(-5));
    let rate = over("null_rate", &DataType::Float, &[nullable_ints(&[None, Some(1)])]);
    assert_eq!(rate, Scalar::Float(0.5));
}

#[test]
fn quantiles_lie_between_neighbours() {
    let float = DataType::Float;
    let q = |q| constant(DataType::Float, Scalar::Float(q));
    let x = floats(&[4.0, 1.0, 3.0, 2.0]);
    assert_eq!(over("median", &float, from_ref(&x)), Scalar::Float(2.5));
    assert_eq!(over("quantile", &float, &[x.clone(), q(0.0)]), Scalar::Float(1.0));
    assert_eq!(over("quantile", &float, &[x.clone(), q(1.0)]), Scalar::Float(4.0));
    assert_eq!(over("quantile", &float, &[x, q(0.1)]), Scalar::Float(1.3));
    let far = floats(&[f64::INFINITY, f64::INFINITY, 1.0, f64::NAN]);
    assert_eq!(over("median", &float, &[far]), Scalar::Float(f64::INFINITY));
    let median = |a, b| over("median", &float, &[floats(&[a, b])]);
    assert_eq!(median(-f64::INFINITY, 1.0), Scalar::Float(-f64::INFINITY));
    assert_eq!(median(-1.5e308, 1.5e308), Scalar::Float(0.0));
    let ty = DataType::Decimal { precision: 9, scale: 6 };
    let x = decimals(5, 2, &[-100, 200]);
    assert_eq!(over("quantile", &ty, &[x, q(0.25)]), Scalar::Decimal(-250_000));
    let wrong = prepared(&[floats(&[]), q(1.5)], &float, |call| {
        KERNELS.iter().find(|(name, _)| *name == "quantile").expect("there is one").1(call)
    });
    assert_eq!(wrong.err().map(|error| error.argument), Some(1));
}

#[test]
fn deviations_survive_a_large_mean() {
    let float = DataType::Float;
    let far: Vec<f64> = [1.0, 2.0, 3.0, 4.0].iter().map(|x| x + 1e12).collect();
    let variance = over("variance", &float, &[floats(&far)]);
    assert_eq!(variance, Scalar::Float(5.0 / 3.0));
    assert_eq!(over("stddev", &float, &[floats(&[2.0, 2.0])]), Scalar::Float(0.0));
    assert_eq!(over("variance", &float, &[floats(&[1e200, -1e200])]), Scalar::Float(f64::INFINITY));
    let many = [1e308, 1e308, 1e308, 1.0];
    assert_eq!(over("variance", &float, &[floats(&many)]), Scalar::Float(f64::INFINITY));
    assert_eq!(over("variance", &float, &[floats(&many[..3])]), Scalar::Float(0.0));
    let corr = |x: &[f64], y: &[f64]| over("corr", &float, &[floats(x), floats(y)]);
    assert_eq!(corr(&[1.0, 2.0, 3.0], &[-1.0, -2.0, -3.0]), Scalar::Float(-1.0));
    assert_eq!(corr(&[1.0, 2.0, 3.0], &[7.0, 7.0, 7.0]), Scalar::Null);
    let given = decimals(5, 2, &[100, 200, 300]);
    assert_eq!(over("variance", &float, &[given]), Scalar::Float(1.0));
}

#[test]
fn conditions_choose_what_is_summed() {
    let bools = [Scalar::Bool(true), Scalar::Bool(false), Scalar::Null, Scalar::Bool(true)];
    let condition = column(DataType::Bool, bools.to_vec());
    let int = DataType::Int;
    assert_eq!(over("count_if", &int, from_ref(&condition)), Scalar::Int(2));
    let x = nullable_ints(&[Some(1), Some(2), Some(4), None]);
    assert_eq!(over("sum_if", &int, &[x, condition]), Scalar::Int(1));
}
