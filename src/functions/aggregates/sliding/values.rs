//! Aggregates over frames that must know which values a frame has: `count_distinct`,
//! `distinct_rate`, `mode`, `median` and `quantile`. Values are numbered in their order, and counted
//! by their numbers as they come into the frame and leave it.

use super::super::quantiles::{Share, literal_share};
use crate::functions::columns::{data, strict, texts};
use crate::functions::kernel::{
    Call, KernelContext, LiteralError, Neighbours, Operand, WindowKernel,
};
use crate::functions::order::{fixed_keys, write_key};
use crate::functions::windows::{values_at, window_kernel};
use crate::types::DataType;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Float64Array, Int64Array};
use std::sync::Arc;

type Kernel = Result<Box<dyn WindowKernel>, LiteralError>;

/// The values of rows as numbers from 0 in their order; equal values have one number.
struct Numbered {
    /// Of each row; null has none.
    of: Vec<Option<u32>>,
    /// A row of each number.
    rows: Vec<usize>,
}

impl Numbered {
    fn new(ty: &DataType, operand: &Operand, count: usize) -> Numbered {
        let valid = strict(count, std::slice::from_ref(operand));
        let rows = (0..count).filter(|row| valid.as_ref().is_none_or(|v| v.is_valid(*row)));
        match (ty, fixed_keys(ty, operand, count)) {
            (DataType::String, _) => {
                let texts = texts(operand);
                Numbered::by(rows.map(|row| (texts.at(row), row)).collect(), count)
            }
            (_, Some(keys)) => Numbered::by(rows.map(|row| (keys[row], row)).collect(), count),
            (_, None) => {
                let key = |row: usize| {
                    let mut key = vec![];
                    write_key(&mut key, ty, &operand.array, operand.index(row));
                    (key, row)
                };
                Numbered::by(rows.map(key).collect(), count)
            }
        }
    }

    fn by<K: Ord>(mut keys: Vec<(K, usize)>, count: usize) -> Numbered {
        keys.sort_unstable();
        let mut numbered = Numbered { of: vec![None; count], rows: vec![] };
        for equal in keys.chunk_by(|a, b| a.0 == b.0) {
            let number = numbered.rows.len() as u32;
            equal.iter().for_each(|(_, row)| numbered.of[*row] = Some(number));
            numbered.rows.push(equal[0].1);
        }
        numbered
    }
}

/// What is counted while frames are slid.
trait Counter {
    /// A value comes into the frame, or leaves it.
    fn change(&mut self, number: u32, comes: bool);
}

/// Slides frames, and calls `give` for each.
fn slide<C: Counter>(
    rows: &Neighbours,
    numbered: &Numbered,
    counter: &mut C,
    mut give: impl FnMut(&C),
) {
    let (mut low, mut high) = (0, 0);
    let change = |counter: &mut C, rows: std::ops::Range<usize>, comes| {
        let numbers = numbered.of[rows].iter().flatten();
        numbers.for_each(|number| counter.change(*number, comes));
    };
    for frame in rows.frames() {
        change(counter, low..frame.start.min(high), false);
        change(counter, high.max(frame.start)..frame.end, true);
        (low, high) = (frame.start, frame.end);
        give(counter);
    }
}

/// How many different values there are, and how many in all.
struct Different {
    times: Vec<u32>,
    different: i64,
    all: i64,
}

impl Counter for Different {
    #[inline]
    fn change(&mut self, number: u32, comes: bool) {
        let times = &mut self.times[number as usize];
        if comes {
            self.different += i64::from(*times == 0);
            *times += 1;
            self.all += 1;
        } else {
            *times -= 1;
            self.different -= i64::from(*times == 0);
            self.all -= 1;
        }
    }
}

fn different<T>(
    context: &KernelContext,
    rows: &Neighbours,
    (ty, argument): (&DataType, &Operand),
    value: impl Fn(i64, i64) -> T,
) -> Vec<T> {
    let numbered = Numbered::new(ty, argument, context.rows);
    let times = vec![0; numbered.rows.len()];
    let mut counter = Different { times, different: 0, all: 0 };
    let mut values = Vec::with_capacity(context.rows);
    slide(rows, &numbered, &mut counter, |of| values.push(value(of.different, of.all)));
    values
}

/// `count_distinct(x)` over frames
pub(in crate::functions::aggregates) fn count_distinct(call: &Call) -> Kernel {
    let ty = data(call, 0).clone();
    window_kernel(move |context, rows, arguments| {
        let counts = different(context, rows, (&ty, &arguments[0]), |different, _| different);
        Arc::new(Int64Array::from(counts))
    })
}

/// `distinct_rate(x)` over frames
pub(in crate::functions::aggregates) fn distinct_rate(call: &Call) -> Kernel {
    let ty = data(call, 0).clone();
    let rate = |different: i64, all: i64| (all > 0).then(|| different as f64 / all as f64);
    window_kernel(move |context, rows, arguments| {
        let rates = different(context, rows, (&ty, &arguments[0]), rate);
        Arc::new(Float64Array::from(rates))
    })
}

/// A tree over the numbers of values: each node knows the most frequent one below it, of several the
/// least.
struct MostFrequent {
    times: Vec<u32>,
    best: Vec<u32>,
}

impl MostFrequent {
    fn new(numbers: usize) -> MostFrequent {
        let leaves = numbers.next_power_of_two();
        let mut best = vec![0; 2 * leaves];
        (0..leaves).for_each(|leaf| best[leaves + leaf] = leaf as u32);
        for node in (1..leaves).rev() {
            best[node] = best[2 * node];
        }
        MostFrequent { times: vec![0; leaves], best }
    }

    fn mode(&self) -> Option<u32> {
        let best = self.best[1];
        (self.times[best as usize] > 0).then_some(best)
    }
}

impl Counter for MostFrequent {
    fn change(&mut self, number: u32, comes: bool) {
        let times = &mut self.times[number as usize];
        if comes {
            *times += 1
        } else {
            *times -= 1
        }
        let mut node = (self.times.len() + number as usize) / 2;
        while node > 0 {
            let (left, right) = (self.best[2 * node], self.best[2 * node + 1]);
            let is_right = self.times[right as usize] > self.times[left as usize];
            self.best[node] = if is_right { right } else { left };
            node /= 2;
        }
    }
}

/// `mode(x)` over frames
pub(in crate::functions::aggregates) fn mode(call: &Call) -> Kernel {
    let ty = data(call, 0).clone();
    window_kernel(move |context, rows, arguments| {
        let numbered = Numbered::new(&ty, &arguments[0], context.rows);
        let mut counter = MostFrequent::new(numbered.rows.len());
        let mut modes = Vec::with_capacity(context.rows);
        slide(rows, &numbered, &mut counter, |of| modes.push(of.mode()));
        let row = |number: Option<u32>| number.map(|number| numbered.rows[number as usize]);
        let modes = values_at(&arguments[0], modes.into_iter().map(row));
        match ty {
            // Zeros are one value, whichever row it is taken from.
            DataType::Float => {
                Arc::new(modes.as_primitive::<Float64Type>().unary::<_, Float64Type>(|x| x + 0.0))
            }
            _ => modes,
        }
    })
}

/// A tree over the numbers of values: each node knows how many are below it.
struct Ranks {
    /// Nodes from 1; leaves are the last half.
    below: Vec<u32>,
}

impl Ranks {
    fn new(numbers: usize) -> Ranks {
        Ranks { below: vec![0; 2 * numbers.next_power_of_two()] }
    }

    fn all(&self) -> usize {
        self.below[1] as usize
    }

    /// The number of the value at a rank, from 0, of which there are more.
    fn at(&self, rank: usize) -> usize {
        let (mut node, mut rank) = (1, rank as u32);
        let leaves = self.below.len() / 2;
        while node < leaves {
            node *= 2;
            if rank >= self.below[node] {
                rank -= self.below[node];
                node += 1;
            }
        }
        node - leaves
    }
}

impl Counter for Ranks {
    fn change(&mut self, number: u32, comes: bool) {
        let mut node = self.below.len() / 2 + number as usize;
        while node > 0 {
            if comes {
                self.below[node] += 1
            } else {
                self.below[node] -= 1
            }
            node /= 2;
        }
    }
}

/// `median(x)`, `quantile(x, q)` over frames
fn quantile_of(call: &Call, share: Share) -> Kernel {
    let ty = data(call, 0).clone();
    window_kernel(move |context, rows, arguments| {
        let numbered = Numbered::new(&ty, &arguments[0], context.rows);
        let mut counter = Ranks::new(numbered.rows.len());
        let mut found = Vec::with_capacity(context.rows);
        slide(rows, &numbered, &mut counter, |of| {
            found.push(share.place(of.all()).map(|(at, between)| {
                let low = of.at(at);
                let high = if at + 1 < of.all() { of.at(at + 1) } else { low };
                (numbered.rows[low], numbered.rows[high], between)
            }));
        });
        share.between(&arguments[0], found)
    })
}

/// `median(x)` over frames
pub(in crate::functions::aggregates) fn median(call: &Call) -> Kernel {
    quantile_of(call, Share::of(call, 0.5))
}

/// `quantile(x, q)` over frames
pub(in crate::functions::aggregates) fn quantile(call: &Call) -> Kernel {
    quantile_of(call, Share::of(call, literal_share(call)?))
}
