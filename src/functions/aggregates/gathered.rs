//! Aggregates that keep all values, in the order of the input: `collect` and `string_agg`.

use super::grouped::{for_each_value, same_kind, save_each};
use super::saved::Saved;
use crate::data::{Positions, array_of, null_array, scalar_at};
use crate::functions::columns::{data, literal_text};
use crate::functions::kernel::{
    Accumulator, Call, KernelContext, LiteralError, NewAccumulator, Operand,
};
use crate::types::{DataType, Scalar};
use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray, ListArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::Field;
use arrow_select::interleave::interleave;
use std::any::Any;
use std::sync::Arc;

/// The values of all groups.
struct Gathered {
    item: DataType,
    /// What stands between texts; none: lists.
    separator: Option<String>,
    /// The columns that the values are in.
    columns: Vec<ArrayRef>,
    states: Vec<Vec<Place>>,
    heap: usize,
}

/// One value: where its row stood, and where it is.
#[derive(Clone, Copy)]
struct Place {
    position: u64,
    column: u32,
    row: u32,
}

impl Gathered {
    fn texts(&self, states: &[Vec<Place>], separator: &str) -> ArrayRef {
        let columns: Vec<_> = self.columns.iter().map(|column| column.as_string_view()).collect();
        let mut builder = StringViewBuilder::with_capacity(states.len());
        let mut text = String::new();
        for places in states {
            if places.is_empty() {
                builder.append_null();
                continue;
            }
            text.clear();
            for (at, place) in places.iter().enumerate() {
                if at > 0 {
                    text.push_str(separator);
                }
                text.push_str(columns[place.column as usize].value(place.row as usize));
            }
            builder.append_value(&text);
        }
        Arc::new(builder.finish())
    }

    fn lists(&self, states: &[Vec<Place>]) -> ArrayRef {
        let columns: Vec<&dyn Array> = self.columns.iter().map(AsRef::as_ref).collect();
        let places: Vec<(usize, usize)> = states
            .iter()
            .flatten()
            .map(|place| (place.column as usize, place.row as usize))
            .collect();
        let items = if places.is_empty() {
            null_array(&self.item, 0)
        } else {
            interleave(&columns, &places).expect("the batches of a column have one type")
        };
        let offsets = OffsetBuffer::from_lengths(states.iter().map(Vec::len));
        let field = Arc::new(Field::new("item", items.data_type().clone(), true));
        Arc::new(ListArray::new(field, offsets, items, None))
    }
}

impl Gathered {
    fn new(item: DataType, separator: Option<String>) -> Gathered {
        Gathered { item, separator, columns: vec![], states: vec![], heap: 0 }
    }

    fn grow(&mut self, count: usize) {
        if self.states.len() < count {
            self.states.resize_with(count, Vec::new);
        }
    }

    /// The number of the next column.
    fn next_column(&self) -> u32 {
        u32::try_from(self.columns.len()).expect("fewer than 2^32 batches")
    }

    /// Forgets everything.
    fn reset(&mut self) {
        *self = Gathered::new(self.item.clone(), self.separator.take());
    }
}

impl Accumulator for Gathered {
    fn update(&mut self, groups: &[u32], count: usize, arguments: &[Operand], rows: &Positions) {
        self.grow(count);
        let values = &arguments[0];
        let column = self.next_column();
        let mut taken = 0;
        for_each_value(groups.len(), &arguments[..1], |row| {
            let position = rows.at(row);
            let row_of = values.index(row) as u32;
            self.states[groups[row] as usize].push(Place { position, column, row: row_of });
            taken += 1;
        });
        // Texts would else keep the whole chunk of input in memory that they point into.
        let kept: ArrayRef = match values.array.as_string_view_opt() {
            Some(texts) => Arc::new(texts.gc()),
            None => values.array.clone(),
        };
        self.heap += kept.get_array_memory_size() + taken * size_of::<Place>();
        self.columns.push(kept);
    }

    fn uses_positions(&self) -> bool {
        true
    }

    fn merge(&mut self, other: &mut dyn Accumulator, groups: &[u32], count: usize) {
        self.grow(count);
        let other = same_kind::<Gathered>(other);
        let base = self.next_column();
        self.columns.append(&mut other.columns);
        self.heap += other.heap;
        for (places, &group) in std::mem::take(&mut other.states).into_iter().zip(groups) {
            let moved = places.into_iter().map(|at| Place { column: at.column + base, ..at });
            self.states[group as usize].extend(moved);
        }
        other.reset();
    }

    fn save(&mut self, count: usize) -> LargeBinaryArray {
        self.grow(count);
        let value = |place: &Place| {
            let column = &self.columns[place.column as usize];
            (place.position, scalar_at(column, &self.item, place.row as usize))
        };
        let values = |places: &Vec<Place>| places.iter().map(value).collect::<Vec<_>>();
        let saved = save_each(self.states.iter().map(values));
        self.reset();
        saved
    }

    fn load(&mut self, saved: &LargeBinaryArray, groups: &[u32], count: usize) {
        self.grow(count);
        let column = self.next_column();
        let mut values = vec![];
        for (&group, mut bytes) in groups.iter().zip(saved.iter().flatten()) {
            for (position, value) in <Vec<(u64, Scalar)>>::load(&mut bytes) {
                let row = values.len() as u32;
                self.states[group as usize].push(Place { position, column, row });
                values.push(value);
            }
        }
        let loaded = array_of(&self.item, &values);
        self.heap += loaded.get_array_memory_size() + values.len() * size_of::<Place>();
        self.columns.push(loaded);
    }

    fn finish(&mut self, count: usize, _: &mut KernelContext) -> ArrayRef {
        self.grow(count);
        let mut states = std::mem::take(&mut self.states);
        for places in &mut states {
            places.sort_by_key(|place| place.position);
        }
        let result = match &self.separator {
            Some(separator) => self.texts(&states, separator),
            None => self.lists(&states),
        };
        self.reset();
        result
    }

    fn bytes(&self) -> usize {
        self.states.capacity() * size_of::<Vec<Place>>() + self.heap
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// `collect(x)`
pub(super) fn collect(call: &Call) -> Result<NewAccumulator, LiteralError> {
    let item = data(call, 0).clone();
    Ok(Box::new(move || Box::new(Gathered::new(item.clone(), None))))
}

/// `string_agg(text, separator)`
pub(super) fn string_agg(call: &Call) -> Result<NewAccumulator, LiteralError> {
    let separator = Some(literal_text(call, 1)?.to_owned());
    Ok(Box::new(move || Box::new(Gathered::new(DataType::String, separator.clone()))))
}
