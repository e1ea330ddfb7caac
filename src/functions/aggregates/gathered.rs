//! Aggregates that keep all values, in the order of the input: `collect` and `string_agg`.

use super::grouped::{Aggregate, for_each_value, grouped};
use crate::data::{Positions, null_array};
use crate::functions::columns::{data, literal_text};
use crate::functions::kernel::{Call, KernelContext, LiteralError, NewAccumulator, Operand};
use crate::types::DataType;
use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::Field;
use arrow_select::interleave::interleave;
use std::sync::Arc;

#[derive(Clone)]
struct Gathered {
    item: DataType,
    /// What stands between texts; none: lists.
    separator: Option<String>,
    /// The columns that the values are in.
    columns: Vec<ArrayRef>,
    /// Where the columns of the accumulator that is merged begin.
    base: u32,
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

impl Aggregate for Gathered {
    type State = Vec<Place>;

    fn update(
        &mut self,
        states: &mut [Vec<Place>],
        groups: &[u32],
        arguments: &[Operand],
        rows: &Positions,
    ) {
        let values = &arguments[0];
        let column = u32::try_from(self.columns.len()).expect("fewer than 2^32 batches");
        let mut taken = 0;
        for_each_value(groups.len(), &arguments[..1], |row| {
            let position = rows.at(row);
            let row_of = values.index(row) as u32;
            states[groups[row] as usize].push(Place { position, column, row: row_of });
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

    fn adopt(&mut self, other: &mut Self) {
        self.base = u32::try_from(self.columns.len()).expect("fewer than 2^32 batches");
        self.columns.append(&mut other.columns);
        self.heap += other.heap;
    }

    fn merge(&mut self, into: &mut Vec<Place>, from: Vec<Place>) {
        let base = self.base;
        into.extend(from.into_iter().map(|place| Place { column: place.column + base, ..place }));
    }

    fn finish(&mut self, mut states: Vec<Vec<Place>>, _: &mut KernelContext) -> ArrayRef {
        for places in &mut states {
            places.sort_by_key(|place| place.position);
        }
        match &self.separator {
            Some(separator) => self.texts(&states, separator),
            None => self.lists(&states),
        }
    }

    fn heap(&self) -> usize {
        self.heap
    }
}

/// `collect(x)`
pub(super) fn collect(call: &Call) -> Result<NewAccumulator, LiteralError> {
    let item = data(call, 0).clone();
    grouped(Gathered { item, separator: None, columns: vec![], base: 0, heap: 0 })
}

/// `string_agg(text, separator)`
pub(super) fn string_agg(call: &Call) -> Result<NewAccumulator, LiteralError> {
    let separator = Some(literal_text(call, 1)?.to_owned());
    grouped(Gathered { item: DataType::String, separator, columns: vec![], base: 0, heap: 0 })
}
