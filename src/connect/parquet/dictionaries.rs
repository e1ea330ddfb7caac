//! Which columns of a file get a dictionary: those whose values come again. Where nearly every value
//! is a new one, a dictionary is built for nothing and given up when it is full, in each row group.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType as ArrowType, Schema};
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, TypePtr};
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use twox_hash::XxHash3_64;

/// In fewer rows there is nothing to gain.
const ROWS_MIN: usize = 1 << 12;

/// Which columns of a file have none, whose first rows are these.
pub fn without(first: &[ArrayRef]) -> Vec<bool> {
    first.iter().map(is_new_each_time).collect()
}

/// What makes the encoders of the columns of a file, of which these have no dictionary.
pub fn encoders_for(
    schema: &Arc<Schema>,
    root: &TypePtr,
    properties: &WriterProperties,
    without: &[bool],
) -> Result<ArrowRowGroupWriterFactory, ParquetError> {
    let mut properties = properties.clone().into_builder();
    for (field, has_none) in schema.fields().iter().zip(without) {
        if *has_none {
            let path = ColumnPath::new(vec![field.name().clone()]);
            properties = properties.set_column_dictionary_enabled(path, false);
        }
    }
    // Encoders get their properties by way of a writer; this one writes nothing.
    let writer = SerializedFileWriter::new(io::sink(), root.clone(), properties.build().into())?;
    Ok(ArrowRowGroupWriterFactory::new(&writer, schema.clone()))
}

/// Have more than three quarters of the rows a value that none before them has?
fn is_new_each_time(array: &ArrayRef) -> bool {
    let rows = array.len() - array.null_count();
    if rows < ROWS_MIN {
        return false;
    }
    let is_valid = |row: &usize| array.is_valid(*row);
    let hashes: HashSet<u64> = match (array.data_type(), array.data_type().primitive_width()) {
        (ArrowType::Utf8View, _) => {
            let texts = array.as_string_view();
            (0..array.len())
                .filter(is_valid)
                .map(|row| XxHash3_64::oneshot(texts.value(row).as_bytes()))
                .collect()
        }
        (_, Some(width)) => {
            let data = array.to_data();
            let bytes = &data.buffers()[0].as_slice()[data.offset() * width..];
            let value = |row: usize| &bytes[row * width..(row + 1) * width];
            (0..array.len()).filter(is_valid).map(|row| XxHash3_64::oneshot(value(row))).collect()
        }
        _ => return false,
    };
    hashes.len() > rows / 4 * 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, StringViewArray};

    #[test]
    fn only_values_that_come_again_are_worth_a_dictionary() {
        let numbers = |of: fn(i64) -> Option<i64>| -> ArrayRef {
            Arc::new((0..10_000).map(of).collect::<Int64Array>().slice(100, 9000))
        };
        assert!(is_new_each_time(&numbers(|n| Some(n * 7))));
        assert!(is_new_each_time(&numbers(|n| (n % 2 == 0).then_some(n))));
        assert!(!is_new_each_time(&numbers(|n| Some(n / 2))));
        assert!(!is_new_each_time(&numbers(|_| None)));
        let texts = |of: fn(i64) -> String| -> ArrayRef {
            Arc::new((0..10_000).map(|n| Some(of(n))).collect::<StringViewArray>())
        };
        assert!(is_new_each_time(&texts(|n| format!("a text of more than twelve bytes {n}"))));
        assert!(!is_new_each_time(&texts(|n| format!("{}", n % 100))));
        assert!(!is_new_each_time(&numbers(Some).slice(0, 100)), "a few rows are not seen");
    }
}
