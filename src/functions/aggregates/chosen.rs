//! Aggregates that choose one row of a group and give its value: `first`, `last`, `any_value`,
//! `min_by` and `max_by`. Ties go to the row that stands first in the input.

use super::grouped::{Aggregate, for_each_value, grouped};
use super::saved::Saved;
use crate::data::{Positions, array_of, scalar_at};
use crate::functions::columns::{Texts, data, texts};
use crate::functions::kernel::{Call, KernelContext, LiteralError, NewAccumulator, Operand};
use crate::functions::order::fixed_keys;
use crate::types::{DataType, Scalar};
use arrow_array::ArrayRef;
use std::cmp::Ordering;

/// Which row of a group is chosen.
#[derive(Clone, Copy, PartialEq)]
enum Choice {
    First,
    Last,
    Least,
    Greatest,
}

#[derive(Clone)]
struct Chosen {
    choice: Choice,
    value: DataType,
    /// The type of what rows are compared by.
    by: Option<DataType>,
    /// Bytes of the texts that are kept.
    heap: usize,
}

/// The row chosen so far.
#[derive(Default)]
struct Best {
    /// None: no row yet.
    position: Option<u64>,
    key: Key,
    value: Option<Scalar>,
    /// The row of the batch at hand whose value is still to be taken. So a value is taken once a
    /// batch, not once for each row that is better than the one before.
    pending: Option<u32>,
}

/// What rows are compared by.
#[derive(Default)]
enum Key {
    #[default]
    None,
    Fixed(u128),
    Text(String),
}

impl Saved for Best {
    /// Between batches there is no `pending` row.
    fn save(&self, out: &mut Vec<u8>) {
        self.position.save(out);
        match &self.key {
            Key::None => 0u8.save(out),
            Key::Fixed(key) => (1u8, *key).save(out),
            Key::Text(key) => (2u8, key.clone()).save(out),
        }
        self.value.save(out);
    }

    fn load(from: &mut &[u8]) -> Best {
        let position = Saved::load(from);
        let key = match u8::load(from) {
            0 => Key::None,
            1 => Key::Fixed(Saved::load(from)),
            _ => Key::Text(Saved::load(from)),
        };
        Best { position, key, value: Saved::load(from), pending: None }
    }
}

/// The keys of a batch.
enum Keys<'a> {
    None,
    Fixed(Vec<u128>),
    Text(Texts<'a>),
}

impl Keys<'_> {
    fn compare(&self, row: usize, key: &Key) -> Ordering {
        match (self, key) {
            (Keys::Fixed(keys), Key::Fixed(key)) => keys[row].cmp(key),
            (Keys::Text(texts), Key::Text(key)) => texts.at(row).cmp(key),
            _ => Ordering::Equal,
        }
    }

    fn store(&self, row: usize, into: &mut Key) {
        match (self, into) {
            (Keys::None, _) => {}
            (Keys::Fixed(keys), into) => *into = Key::Fixed(keys[row]),
            (Keys::Text(texts), Key::Text(into)) => {
                into.clear();
                into.push_str(texts.at(row));
            }
            (Keys::Text(texts), into) => *into = Key::Text(texts.at(row).to_owned()),
        }
    }
}

impl Chosen {
    /// Is a row better than the one chosen so far, `order` being its key's to that one's?
    fn is_better(&self, order: Ordering, position: u64, chosen: u64) -> bool {
        match self.choice {
            Choice::First => position < chosen,
            // Of rows from one position the last in the batch.
            Choice::Last => position >= chosen,
            Choice::Least => order.is_lt() || order.is_eq() && position < chosen,
            Choice::Greatest => order.is_gt() || order.is_eq() && position < chosen,
        }
    }
}

impl Aggregate for Chosen {
    const USES_POSITIONS: bool = true;
    type State = Best;

    fn update(
        &mut self,
        states: &mut [Best],
        groups: &[u32],
        arguments: &[Operand],
        rows: &Positions,
    ) {
        let keys = match &self.by {
            None => Keys::None,
            Some(DataType::String) => Keys::Text(texts(&arguments[1])),
            Some(by) => fixed_keys(by, &arguments[1], groups.len()).map_or(Keys::None, Keys::Fixed),
        };
        // Without a key, null values are skipped; with one, rows whose key is null.
        let decisive = if self.by.is_some() { &arguments[1..] } else { &arguments[..1] };
        let mut touched = Vec::new();
        for_each_value(groups.len(), decisive, |row| {
            let group = groups[row];
            let best = &mut states[group as usize];
            let position = rows.at(row);
            let better = best.position.is_none_or(|chosen| {
                self.is_better(keys.compare(row, &best.key), position, chosen)
            });
            if better {
                best.position = Some(position);
                keys.store(row, &mut best.key);
                if best.pending.replace(row as u32).is_none() {
                    touched.push(group);
                }
            }
        });
        let values = &arguments[0];
        for group in touched {
            let best = &mut states[group as usize];
            if let Some(row) = best.pending.take() {
                let value = scalar_at(&values.array, &self.value, values.index(row as usize));
                if let Scalar::String(text) = &value {
                    self.heap += text.len();
                }
                best.value = Some(value);
            }
        }
    }

    fn merge(&mut self, into: &mut Best, from: Best) {
        let Some(position) = from.position else { return };
        let order = match (&from.key, &into.key) {
            (Key::Fixed(from), Key::Fixed(into)) => from.cmp(into),
            (Key::Text(from), Key::Text(into)) => from.cmp(into),
            _ => Ordering::Equal,
        };
        if into.position.is_none_or(|chosen| self.is_better(order, position, chosen)) {
            *into = from;
        }
    }

    fn adopt(&mut self, other: &mut Self) {
        self.heap += other.heap;
    }

    fn loaded(&mut self, bytes: usize) {
        self.heap += bytes;
    }

    fn finish(&mut self, states: Vec<Best>, _: &mut KernelContext) -> ArrayRef {
        let values: Vec<Scalar> =
            states.into_iter().map(|best| best.value.unwrap_or(Scalar::Null)).collect();
        array_of(&self.value, &values)
    }

    fn heap(&self) -> usize {
        self.heap
    }
}

fn chosen(call: &Call, choice: Choice) -> Result<NewAccumulator, LiteralError> {
    let by = (call.arguments.len() > 1).then(|| data(call, 1).clone());
    grouped(Chosen { choice, value: data(call, 0).clone(), by, heap: 0 })
}

/// `first(x)`, `any_value(x)`
pub(super) fn first(call: &Call) -> Result<NewAccumulator, LiteralError> {
    chosen(call, Choice::First)
}

/// `last(x)`
pub(super) fn last(call: &Call) -> Result<NewAccumulator, LiteralError> {
    chosen(call, Choice::Last)
}

/// `min_by(x, by)`
pub(super) fn min_by(call: &Call) -> Result<NewAccumulator, LiteralError> {
    chosen(call, Choice::Least)
}

/// `max_by(x, by)`
pub(super) fn max_by(call: &Call) -> Result<NewAccumulator, LiteralError> {
    chosen(call, Choice::Greatest)
}
