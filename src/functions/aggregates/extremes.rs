//! `min` and `max`.

use super::grouped::{Aggregate, for_each_value, grouped};
use super::saved::Saved;
use crate::data::{Positions, arrow_type};
use crate::functions::columns::{bools, data, texts, values};
use crate::functions::kernel::{Call, KernelContext, LiteralError, NewAccumulator, Operand};
use crate::functions::order::{compare_floats, with_primitive};
use crate::types::DataType;
use arrow_array::builder::StringViewBuilder;
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray};
use std::cmp::Ordering;
use std::marker::PhantomData;
use std::sync::Arc;

/// How values of one type are compared.
trait Compare<T>: 'static {
    fn compare(a: &T, b: &T) -> Ordering;
}

struct Natural;

impl<T: Ord> Compare<T> for Natural {
    #[inline(always)]
    fn compare(a: &T, b: &T) -> Ordering {
        a.cmp(b)
    }
}

struct FloatOrder;

impl Compare<f64> for FloatOrder {
    #[inline(always)]
    fn compare(a: &f64, b: &f64) -> Ordering {
        compare_floats(*a, *b)
    }
}

/// The least, or the greatest.
#[inline(always)]
fn replaces<const MAX: bool>(order: Ordering) -> bool {
    order == if MAX { Ordering::Greater } else { Ordering::Less }
}

struct Extreme<P, C, const MAX: bool> {
    result: DataType,
    kind: PhantomData<fn() -> (P, C)>,
}

impl<P, C, const MAX: bool> Clone for Extreme<P, C, MAX> {
    fn clone(&self) -> Self {
        Extreme { result: self.result.clone(), kind: PhantomData }
    }
}

impl<P, C, const MAX: bool> Aggregate for Extreme<P, C, MAX>
where
    P: ArrowPrimitiveType<Native: Saved>,
    C: Compare<P::Native>,
{
    type State = Option<P::Native>;

    fn update(
        &mut self,
        states: &mut [Option<P::Native>],
        groups: &[u32],
        arguments: &[Operand],
        _: &Positions,
    ) {
        let values = values::<P>(&arguments[0]);
        for_each_value(groups.len(), arguments, |row| {
            self.merge(&mut states[groups[row] as usize], Some(values.at(row)));
        });
    }

    #[inline(always)]
    fn merge(&mut self, into: &mut Option<P::Native>, from: Option<P::Native>) {
        let Some(from) = from else { return };
        if into.as_ref().is_none_or(|into| replaces::<MAX>(C::compare(&from, into))) {
            *into = Some(from);
        }
    }

    fn finish(&mut self, states: Vec<Option<P::Native>>, _: &mut KernelContext) -> ArrayRef {
        let values: PrimitiveArray<P> = states.into_iter().collect();
        Arc::new(values.with_data_type(arrow_type(&self.result)))
    }
}

#[derive(Clone)]
struct ExtremeBool<const MAX: bool>;

impl<const MAX: bool> Aggregate for ExtremeBool<MAX> {
    type State = Option<bool>;

    fn update(
        &mut self,
        states: &mut [Option<bool>],
        groups: &[u32],
        arguments: &[Operand],
        _: &Positions,
    ) {
        let values = bools(&arguments[0]);
        for_each_value(groups.len(), arguments, |row| {
            self.merge(&mut states[groups[row] as usize], Some(values.at(row)));
        });
    }

    fn merge(&mut self, into: &mut Option<bool>, from: Option<bool>) {
        let Some(from) = from else { return };
        if into.is_none_or(|into| replaces::<MAX>(from.cmp(&into))) {
            *into = Some(from);
        }
    }

    fn finish(&mut self, states: Vec<Option<bool>>, _: &mut KernelContext) -> ArrayRef {
        Arc::new(BooleanArray::from(states))
    }
}

/// Texts by their code points, which is the order of their bytes.
#[derive(Clone)]
struct ExtremeText<const MAX: bool> {
    heap: usize,
}

impl<const MAX: bool> Aggregate for ExtremeText<MAX> {
    type State = Option<String>;

    fn update(
        &mut self,
        states: &mut [Option<String>],
        groups: &[u32],
        arguments: &[Operand],
        _: &Positions,
    ) {
        let texts = texts(&arguments[0]);
        for_each_value(groups.len(), arguments, |row| {
            let text = texts.at(row);
            match &mut states[groups[row] as usize] {
                Some(best) if !replaces::<MAX>(text.cmp(best)) => {}
                Some(best) => {
                    best.clear();
                    best.push_str(text);
                }
                empty => {
                    self.heap += text.len();
                    *empty = Some(text.to_owned());
                }
            }
        });
    }

    fn merge(&mut self, into: &mut Option<String>, from: Option<String>) {
        let Some(from) = from else { return };
        if into.as_ref().is_none_or(|into| replaces::<MAX>(from.cmp(into))) {
            self.heap += from.len();
            *into = Some(from);
        }
    }

    fn finish(&mut self, states: Vec<Option<String>>, _: &mut KernelContext) -> ArrayRef {
        let mut builder = StringViewBuilder::with_capacity(states.len());
        states.iter().for_each(|text| builder.append_option(text.as_deref()));
        Arc::new(builder.finish())
    }

    fn heap(&self) -> usize {
        self.heap
    }
}

fn extreme<const MAX: bool>(call: &Call) -> Result<NewAccumulator, LiteralError> {
    let result = data(call, 0).clone();
    match &result {
        DataType::String => grouped(ExtremeText::<MAX> { heap: 0 }),
        DataType::Bool => grouped(ExtremeBool::<MAX>),
        DataType::Float => {
            grouped(Extreme::<Float64Type, FloatOrder, MAX> { result, kind: PhantomData })
        }
        ty => with_primitive!(ty, P => {
            grouped(Extreme::<P, Natural, MAX> { result, kind: PhantomData })
        }, else grouped(ExtremeBool::<MAX>)),
    }
}

/// `min(x)`
pub(super) fn min(call: &Call) -> Result<NewAccumulator, LiteralError> {
    extreme::<false>(call)
}

/// `max(x)`
pub(super) fn max(call: &Call) -> Result<NewAccumulator, LiteralError> {
    extreme::<true>(call)
}
