//! Aggregates over frames: of each row of a window the value of its neighbours.
//!
//! Where the frame is the whole partition, partitions are groups. Other frames are slid over the
//! rows, which each aggregate knows how to do ([`super::sliding`]); one that does not is given all
//! rows of each frame.

use super::SLIDING;
use crate::data::Positions;
use crate::functions::kernel::{
    Accumulator, Call, Frames, KernelContext, LiteralError, Neighbours, NewAccumulator, Operand,
    PrepareAggregate, WindowKernel,
};
use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::concat::concat;
use arrow_select::take::take;

/// So many rows of frames are given to an accumulator at once.
const ROWS_TOGETHER: usize = 1 << 16;

/// An aggregate over frames.
struct Framed {
    new: NewAccumulator,
    sliding: Option<Box<dyn WindowKernel>>,
}

/// The kernel of an aggregate of this name over frames.
pub fn over_frames(
    name: &str,
    call: &Call,
    prepare: PrepareAggregate,
) -> Result<Box<dyn WindowKernel>, LiteralError> {
    let sliding = SLIDING.iter().find(|(of, _)| *of == name);
    let sliding = sliding.map(|(_, prepare)| prepare(call)).transpose()?;
    Ok(Box::new(Framed { new: prepare(call)?, sliding }))
}

impl WindowKernel for Framed {
    fn eval(
        &self,
        context: &mut KernelContext,
        rows: &Neighbours,
        arguments: &[Operand],
    ) -> ArrayRef {
        match (rows.frames, &self.sliding) {
            (Frames::Whole, _) => self.over_partitions(context, rows, arguments),
            (Frames::Each { .. }, Some(sliding)) => sliding.eval(context, rows, arguments),
            (Frames::Each { .. }, None) => self.over_each(context, rows, arguments),
        }
    }
}

impl Framed {
    /// Partitions are groups.
    fn over_partitions(
        &self,
        context: &mut KernelContext,
        rows: &Neighbours,
        arguments: &[Operand],
    ) -> ArrayRef {
        let partitions = (0..).zip(rows.ranges());
        let groups = partitions.flat_map(|(at, rows)| std::iter::repeat_n(at, rows.len()));
        let groups: Vec<u32> = groups.collect();
        let count = rows.partitions.len() - 1;
        let mut accumulator = (self.new)();
        accumulator.update(&groups, count, arguments, &Positions::Range(0));
        let first = |group: usize| rows.partitions[group] as usize;
        let values = finish(&mut *accumulator, count, context, first);
        take(&values, &UInt32Array::from(groups), None).expect("a value for each partition")
    }

    /// Each frame is a group of its own.
    fn over_each(
        &self,
        context: &mut KernelContext,
        rows: &Neighbours,
        arguments: &[Operand],
    ) -> ArrayRef {
        let mut accumulator = (self.new)();
        let mut values: Vec<ArrayRef> = vec![];
        let mut frames = rows.frames().enumerate().peekable();
        while let Some((first, frame)) = frames.next() {
            let mut count = 1;
            let mut of: Vec<(u32, u32)> = vec![];
            let update = |of: &mut Vec<(u32, u32)>, accumulator: &mut dyn Accumulator, count| {
                let (groups, at): (Vec<u32>, Vec<u32>) = of.drain(..).unzip();
                let positions = Positions::At(at.iter().map(|&row| u64::from(row)).collect());
                let at = UInt32Array::from(at);
                let of_frames: Vec<Operand> =
                    arguments.iter().map(|argument| rows_of(argument, &at)).collect();
                accumulator.update(&groups, count, &of_frames, &positions);
            };
            for row in frame {
                of.push((0, row as u32));
                if of.len() == ROWS_TOGETHER {
                    update(&mut of, &mut *accumulator, count);
                }
            }
            let fits =
                |of: &Vec<_>, next: &std::ops::Range<usize>| of.len() + next.len() <= ROWS_TOGETHER;
            while count < ROWS_TOGETHER
                && let Some((_, next)) = frames.next_if(|(_, next)| fits(&of, next))
            {
                of.extend(next.map(|row| (count as u32, row as u32)));
                count += 1;
            }
            update(&mut of, &mut *accumulator, count);
            values.push(finish(&mut *accumulator, count, context, |group| first + group));
        }
        let pieces: Vec<&dyn Array> = values.iter().map(|piece| &**piece).collect();
        concat(&pieces).expect("pieces of one type")
    }
}

/// The values of groups; one that fails is told as the row that it stands for.
fn finish(
    accumulator: &mut dyn Accumulator,
    count: usize,
    context: &mut KernelContext,
    row: impl Fn(usize) -> usize,
) -> ArrayRef {
    let before = context.failures.len();
    let values = accumulator.finish(count, context);
    for failure in &mut context.failures[before..] {
        failure.row = row(failure.row as usize) as u32;
    }
    values
}

fn rows_of(argument: &Operand, rows: &UInt32Array) -> Operand {
    if argument.constant {
        return argument.clone();
    }
    Operand::column(take(&argument.array, rows, None).expect("rows are within the argument"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{array_of, scalar_at};
    use crate::functions::{Argument, ArgumentValue, Registry};
    use crate::types::{DataType, Scalar, Type};

    /// Pseudo-random numbers, the same in every run (splitmix64).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ mixed >> 31) % bound
        }

        fn value(&mut self, ty: &DataType) -> Scalar {
            let number = self.below(9) as i64 - 4;
            match ty {
                _ if self.below(5) == 0 => Scalar::Null,
                DataType::Bool => Scalar::Bool(number > 0),
                DataType::Int => Scalar::Int(number),
                DataType::Duration => Scalar::Duration(number),
                DataType::Decimal { .. } => Scalar::Decimal(i128::from(number) << 80),
                DataType::String => {
                    Scalar::String(format!("{:>1$}", "x", number as usize % 5).into())
                }
                _ => Scalar::Float(match number {
                    -4 => f64::NAN,
                    -3 => f64::INFINITY,
                    -2 => 1e300,
                    -1 => -1e300,
                    0 => -0.0,
                    1 => 1e-320,
                    other => other as f64 * 1000.1,
                }),
            }
        }
    }

    /// Partitions of some rows, with frames that grow from row to row.
    fn frames(numbers: &mut Numbers, rows: usize) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
        let (mut starts, mut from, mut to) = (vec![0], vec![], vec![]);
        while from.len() < rows {
            let start = from.len();
            let end = (start + 1 + numbers.below(40) as usize).min(rows);
            let (mut low, mut high) = (start, start);
            for _ in start..end {
                low = (low + numbers.below(4) as usize).min(end);
                high = (high + numbers.below(4) as usize).clamp(low, end);
                from.push(low as u32);
                to.push(high as u32);
            }
            starts.push(end as u32);
        }
        (starts, from, to)
    }

    fn shown(array: &ArrayRef, ty: &DataType) -> Vec<String> {
        let value = |row| match scalar_at(array, ty, row) {
            // Zeros are equal.
            Scalar::Float(value) => format!("{:?}", value + 0.0),
            value => format!("{value:?}"),
        };
        (0..array.len()).map(value).collect()
    }

    /// Calls of all aggregates that are slid, by the types of their arguments.
    fn calls() -> Vec<(&'static str, Vec<DataType>)> {
        use DataType as T;
        let decimal = || T::Decimal { precision: 38, scale: 2 };
        vec![
            ("count", vec![]),
            ("count", vec![T::String]),
            ("count_if", vec![T::Bool]),
            ("null_rate", vec![T::Int]),
            ("sum", vec![T::Int]),
            ("sum", vec![T::Float]),
            ("sum", vec![decimal()]),
            ("sum", vec![T::Duration]),
            ("sum_if", vec![T::Float, T::Bool]),
            ("sum_if", vec![T::Int, T::Bool]),
            ("avg", vec![T::Int]),
            ("avg", vec![T::Float]),
            ("avg", vec![decimal()]),
            ("min", vec![T::Float]),
            ("max", vec![T::Float]),
            ("min", vec![T::String]),
            ("max", vec![T::Bool]),
            ("max", vec![decimal()]),
            ("min_by", vec![T::String, T::Int]),
            ("max_by", vec![T::Int, T::Float]),
            ("max_by", vec![T::Int, T::String]),
            ("first", vec![T::String]),
            ("last", vec![T::Int]),
            ("any_value", vec![T::Float]),
            ("count_distinct", vec![T::Float]),
            ("count_distinct", vec![T::String]),
            ("distinct_rate", vec![T::Int]),
            ("mode", vec![T::String]),
            ("mode", vec![T::Float]),
            ("median", vec![T::Int]),
            ("median", vec![T::Float]),
            ("median", vec![decimal()]),
            ("variance", vec![T::Float]),
            ("stddev", vec![decimal()]),
            ("corr", vec![T::Float, T::Float]),
        ]
    }

    #[test]
    fn slid_frames_give_what_all_their_rows_give() {
        let calls = calls();
        let slid: std::collections::BTreeSet<&str> =
            SLIDING.iter().map(|(name, _)| *name).collect();
        let tried: std::collections::BTreeSet<&str> = calls.iter().map(|(name, _)| *name).collect();
        assert!(slid.iter().all(|name| tried.contains(name) || *name == "quantile"), "{slid:?}");
        let registry = Registry::standard();
        let mut numbers = Numbers(7);
        for (name, types) in &calls {
            for rows in [1, 300, 5000] {
                let argument = |ty: &DataType| Argument {
                    name: None,
                    value: ArgumentValue::Value {
                        ty: ty.clone().optional(),
                        literal: None,
                        adaptable: false,
                    },
                };
                let asked: Vec<Argument> = types.iter().map(argument).collect();
                let resolved = registry.resolve(name, &asked).expect("it is a call");
                let of_call: Vec<Type> = types.iter().map(|ty| ty.clone().optional()).collect();
                let literals = vec![None; types.len()];
                let call =
                    Call { arguments: &of_call, literals: &literals, result: &resolved.result };
                let sliding = registry.window(resolved.function, &call).expect("no literals");
                let new = registry.aggregate(resolved.function, &call).expect("no literals");
                let each = Framed { new, sliding: None };
                let mut column = |ty: &DataType| {
                    let values: Vec<Scalar> = (0..rows).map(|_| numbers.value(ty)).collect();
                    Operand::column(array_of(ty, &values))
                };
                let arguments: Vec<Operand> = types.iter().map(&mut column).collect();
                let (starts, from, to) = frames(&mut numbers, rows);
                let frames = Frames::Each { from: &from, to: &to };
                let neighbours = Neighbours { partitions: &starts, peers: &[], frames };
                let result = |kernel: &dyn WindowKernel| {
                    let mut failures = vec![];
                    let mut context =
                        KernelContext { rows, active: None, site: 0, failures: &mut failures };
                    let values = kernel.eval(&mut context, &neighbours, &arguments);
                    (shown(&values, &resolved.result.data), failures)
                };
                assert_eq!(result(&*sliding), result(&each), "{name} {types:?} {rows}");
            }
        }
    }
}
