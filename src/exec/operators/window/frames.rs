//! Frames: from which to which of its neighbours a row looks.

use super::Plan;
use super::partitions::Partitions;
use crate::exec::gather::i64_values;
use crate::exec::keys::nested::ordered_bits;
use crate::functions::kernel::ranges_of;
use crate::types::{DataType, MICROS_PER_DAY, add_months};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type};
use arrow_array::{Array, ArrayRef};
use std::cmp::Ordering;
use std::ops::Range;

/// The neighbours of a row that are looked at.
pub enum Frame {
    /// All.
    Whole,
    /// So many before or behind.
    Rows(Option<i64>, Option<i64>),
    /// Those whose sort key is so far from that of the row.
    Range(Option<Distance>, Option<Distance>),
}

/// How far a sort key is from another, in the direction of the order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distance {
    /// As far as the rows that sort equal.
    Peers,
    /// Of ints, and of decimals in their own unit.
    Number(i128),
    /// Of floats.
    Float(f64),
    /// Of times, in microseconds.
    Micros(i64),
    /// Of dates and datetimes.
    Months(i32),
}

/// More days than lie between any two dates.
const FAR_DAYS: i64 = 1 << 32;

/// The frame of each row: from one row to before another.
pub(super) struct Ends {
    pub from: Vec<u32>,
    pub to: Vec<u32>,
}

impl Frame {
    /// The frame of each row; none where it is the partition.
    pub(super) fn ends(&self, of: &Partitions, plan: &Plan) -> Option<Ends> {
        let mut ends = Ends { from: Vec::with_capacity(of.rows), to: Vec::with_capacity(of.rows) };
        match self {
            Frame::Whole => return None,
            Frame::Rows(from, to) => {
                ranges_of(&of.starts).for_each(|rows| ends.push_rows(rows, *from, *to));
            }
            Frame::Range(from, to) => {
                let has_distance =
                    |end: &Option<Distance>| !matches!(end, None | Some(Distance::Peers));
                let key = (has_distance(from) || has_distance(to))
                    .then(|| SortKey::new((of.key)(plan.keys.len()), plan));
                ends.push_ranges(of, *from, *to, key.as_ref());
            }
        }
        Some(ends)
    }
}

impl Ends {
    fn push_rows(&mut self, rows: Range<usize>, from: Option<i64>, to: Option<i64>) {
        let (start, end) = (rows.start as i64, rows.end as i64);
        for row in start..end {
            let first = from.map_or(start, |from| row.saturating_add(from).clamp(start, end));
            let last = to.map_or(end, |to| row.saturating_add(to).saturating_add(1));
            self.from.push(first as u32);
            self.to.push(last.clamp(first, end) as u32);
        }
    }

    fn push_ranges(
        &mut self,
        of: &Partitions,
        from: Option<Distance>,
        to: Option<Distance>,
        key: Option<&SortKey>,
    ) {
        let mut peers = ranges_of(&of.peers).peekable();
        for partition in ranges_of(&of.starts) {
            let with_keys = key.map_or(partition.clone(), |key| key.without_nulls(&partition));
            // The ends of the row before: no end is before them.
            let (mut first, mut last) = (with_keys.start, with_keys.start);
            while let Some(equal) = peers.next_if(|equal| equal.start < partition.end) {
                let row = equal.start;
                let is_null = !with_keys.contains(&row);
                let start = match (from, key) {
                    (None, _) => partition.start,
                    (Some(Distance::Peers), _) | (_, None) => equal.start,
                    _ if is_null => equal.start,
                    (Some(from), Some(key)) => {
                        let target = key.target(row, from);
                        let is_before = |at| key.compare(at, &target).is_lt();
                        while first < with_keys.end && is_before(first) {
                            first += 1;
                        }
                        first
                    }
                };
                let end = match (to, key) {
                    (None, _) => partition.end,
                    (Some(Distance::Peers), _) | (_, None) => equal.end,
                    _ if is_null => equal.end,
                    (Some(to), Some(key)) => {
                        let target = key.target(row, to);
                        let is_within = |at| key.compare(at, &target).is_le();
                        while last < with_keys.end && is_within(last) {
                            last += 1;
                        }
                        last
                    }
                };
                self.from.resize(self.from.len() + equal.len(), start as u32);
                self.to.resize(self.to.len() + equal.len(), end.max(start) as u32);
            }
        }
    }
}

/// The values of the sort key.
struct SortKey {
    array: ArrayRef,
    values: Values,
    descending: bool,
}

enum Values {
    /// Numbers; of dates and times, microseconds.
    Numbers(Vec<i128>),
    Floats(Vec<f64>),
}

/// A value of the sort key, or one that no row has.
enum Target {
    Number(i128),
    Float(f64),
}

impl SortKey {
    fn new(array: ArrayRef, plan: &Plan) -> SortKey {
        let ty = plan.sort_key.as_ref().map(|ty| &ty.data);
        let values = match ty {
            Some(DataType::Float) => {
                Values::Floats(array.as_primitive::<Float64Type>().values().to_vec())
            }
            Some(DataType::Decimal { .. }) => {
                Values::Numbers(array.as_primitive::<Decimal128Type>().values().to_vec())
            }
            Some(DataType::Date) => {
                let days = array.as_primitive::<Date32Type>().values().iter();
                Values::Numbers(
                    days.map(|day| i128::from(*day) * i128::from(MICROS_PER_DAY)).collect(),
                )
            }
            _ => {
                let numbers = i64_values(&array).iter();
                Values::Numbers(numbers.map(|number| i128::from(*number)).collect())
            }
        };
        let descending = plan.sort.directions[plan.keys.len()].descending;
        SortKey { array, values, descending }
    }

    /// The rows of a partition whose key is not null; those where it is are at one end.
    fn without_nulls(&self, partition: &Range<usize>) -> Range<usize> {
        let is_null = |row: &usize| self.array.is_null(*row);
        let first = partition.clone().take_while(is_null).count();
        let rest = partition.start + first..partition.end;
        let last = rest.clone().rev().take_while(is_null).count();
        rest.start..rest.end - last
    }

    /// The key so far from that of a row.
    fn target(&self, row: usize, distance: Distance) -> Target {
        let sign = if self.descending { -1 } else { 1 };
        match (&self.values, distance) {
            (Values::Floats(values), Distance::Float(distance)) => {
                Target::Float(values[row] + sign as f64 * distance)
            }
            (Values::Floats(values), _) => Target::Float(values[row]),
            (Values::Numbers(values), Distance::Months(months)) => {
                let (day, rest) = (
                    values[row].div_euclid(i128::from(MICROS_PER_DAY)),
                    values[row].rem_euclid(i128::from(MICROS_PER_DAY)),
                );
                let months = i64::from(months) * sign as i64;
                // Beyond all years there are no rows.
                let day = add_months(day as i64, months).unwrap_or(months.signum() * FAR_DAYS);
                Target::Number(i128::from(day) * i128::from(MICROS_PER_DAY) + rest)
            }
            (Values::Numbers(values), distance) => {
                let distance = match distance {
                    Distance::Number(number) => number,
                    Distance::Micros(micros) => i128::from(micros),
                    _ => 0,
                };
                Target::Number(values[row].saturating_add(i128::from(sign) * distance))
            }
        }
    }

    /// A row's key to a value, in the direction of the order.
    fn compare(&self, row: usize, target: &Target) -> Ordering {
        let order = match (&self.values, target) {
            (Values::Numbers(values), Target::Number(target)) => values[row].cmp(target),
            (Values::Floats(values), Target::Float(target)) => {
                ordered_bits(values[row]).cmp(&ordered_bits(*target))
            }
            _ => Ordering::Equal,
        };
        if self.descending { order.reverse() } else { order }
    }
}
