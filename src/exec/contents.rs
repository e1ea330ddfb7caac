//! A digest of what a table holds: values, nulls, types and the order of rows, whatever batches the
//! rows are in and however the columns lie in memory.

use super::Error;
use super::operators::Output;
use crate::data::Batch;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use rayon::prelude::*;
use twox_hash::XxHash3_128;

/// The digest of the columns of a result that are `live`.
pub fn digest_of(result: &Output, live: &[bool]) -> Result<String, Error> {
    match result {
        Output::Batches(batches) => Ok(digest(batches, live)),
        Output::Pieces(pieces) => {
            let read = (0..pieces.count()).into_par_iter().map(|at| pieces.read(at, false));
            let batches: Vec<Vec<Batch>> = read.collect::<Result<_, Error>>()?;
            Ok(digest(&batches.concat(), live))
        }
    }
}

fn digest(batches: &[Batch], live: &[bool]) -> String {
    let places: Vec<usize> = (0..live.len()).filter(|&at| live[at]).collect();
    let columns: Vec<u128> = places.par_iter().map(|&at| of_column(batches, at)).collect();
    let rows: usize = batches.iter().map(|batch| batch.rows).sum();
    let all = format!("{rows} {columns:x?}");
    format!("{:032x}", XxHash3_128::oneshot(all.as_bytes()))
}

fn of_column(batches: &[Batch], at: usize) -> u128 {
    let mut column = Column::default();
    for batch in batches {
        column.add(&batch.columns[at]);
        column.flush();
    }
    let ty = batches.first().map(|batch| format!("{:?}", batch.columns[at].data_type()));
    let parts = [column.values.finish_128(), column.shape.finish_128()];
    XxHash3_128::oneshot(format!("{ty:?} {parts:x?}").as_bytes())
}

/// Values on the one side, and on the other which are null and how long each is: so that neither
/// depends on where one batch ends and the next begins.
struct Column {
    values: XxHash3_128,
    shape: XxHash3_128,
    /// Lengths and nulls that are not hashed yet.
    lengths: Vec<u8>,
    bytes: Vec<u8>,
}

impl Default for Column {
    fn default() -> Column {
        let (values, shape) = (XxHash3_128::new(), XxHash3_128::new());
        Column { values, shape, lengths: vec![], bytes: vec![] }
    }
}

/// In the place of a length: there is no value.
const NULL: u32 = u32::MAX;

impl Column {
    fn flush(&mut self) {
        self.values.write(&self.bytes);
        self.shape.write(&self.lengths);
        self.bytes.clear();
        self.lengths.clear();
    }

    fn length(&mut self, length: u32) {
        self.lengths.extend(length.to_le_bytes());
    }

    fn add(&mut self, array: &ArrayRef) {
        match array.data_type() {
            DataType::Null => (0..array.len()).for_each(|_| self.length(NULL)),
            DataType::Utf8View => {
                for text in array.as_string_view() {
                    self.length(text.map_or(NULL, |text| text.len() as u32));
                    self.bytes.extend(text.unwrap_or_default().as_bytes());
                }
            }
            DataType::Boolean => {
                for value in array.as_boolean() {
                    self.bytes.push(value.map_or(2, u8::from));
                }
            }
            DataType::List(_) => {
                for list in array.as_list::<i32>().iter() {
                    self.length(list.as_ref().map_or(NULL, |list| list.len() as u32));
                    list.iter().for_each(|list| self.add(list));
                }
            }
            DataType::Struct(_) => {
                for row in 0..array.len() {
                    self.length(if array.is_null(row) { NULL } else { 1 });
                    if array.is_valid(row) {
                        let columns = array.as_struct().columns();
                        columns.iter().for_each(|column| self.add(&column.slice(row, 1)));
                    }
                }
            }
            _ => self.add_numbers(array),
        }
    }

    /// Values that are all as long as each other.
    fn add_numbers(&mut self, array: &ArrayRef) {
        let data = array.to_data();
        let width = data.data_type().primitive_width().expect("all other types have been seen");
        let start = data.offset() * width;
        let values = &data.buffers()[0].as_slice()[start..start + data.len() * width];
        let first = self.bytes.len();
        self.bytes.extend_from_slice(values);
        for row in 0..data.len() {
            self.lengths.push(u8::from(data.is_null(row)));
            if data.is_null(row) {
                let from = first + row * width;
                self.bytes[from..from + width].fill(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, ListArray, StringViewArray, types::Int64Type};
    use std::sync::Arc;

    fn batch(numbers: &[Option<i64>], texts: &[Option<&str>]) -> Batch {
        let list = |number: &Option<i64>| number.map(|number| vec![Some(number), None]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(numbers.to_vec())),
            Arc::new(StringViewArray::from(texts.to_vec())),
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(numbers.iter().map(list))),
        ];
        Batch::new(columns, numbers.len(), 0)
    }

    #[test]
    fn only_what_the_rows_are_decides() {
        let of = |batches: &[Batch]| digest(batches, &[true; 3]);
        let numbers = [Some(1), None, Some(3), Some(0)];
        let texts = [Some("a text that is not short"), Some(""), None, Some("b")];
        let whole = of(&[batch(&numbers, &texts)]);
        for at in 0..=numbers.len() {
            let parts = [batch(&numbers[..at], &texts[..at]), batch(&numbers[at..], &texts[at..])];
            assert_eq!(of(&parts), whole, "cut at {at}");
        }
        let mut others = vec![
            of(&[batch(&numbers[..3], &texts[..3])]),
            of(&[batch(&[Some(1), Some(0), Some(3), Some(0)], &texts)]),
            of(&[batch(&[Some(1), None, Some(3), None], &texts)]),
            of(&[batch(&[None, Some(1), Some(3), Some(0)], &texts)]),
            of(&[batch(&numbers, &[texts[0], None, None, texts[3]])]),
            of(&[batch(&numbers, &[texts[0], Some("b"), None, Some("")])]),
            digest(&[batch(&numbers, &texts)], &[true, false, true]),
            whole,
        ];
        others.sort();
        others.dedup();
        assert_eq!(others.len(), 8);
        // What lies where there is no value is not a value.
        let under = |null| {
            let values = vec![1, null].into();
            let nulls = Some(vec![true, false].into());
            let column: ArrayRef = Arc::new(Int64Array::new(values, nulls));
            digest(&[Batch::new(vec![column], 2, 0)], &[true])
        };
        assert_eq!(under(7), under(8));
    }
}
