//! INT96 times, of which a microsecond column would lose the nanoseconds in silence: they are read a
//! second time as nanoseconds, which alone would not do, since they wrap around outside of 1677 to
//! 2262.

use crate::connect::convert::{FINER, Issue};
use crate::data::display;
use crate::types::{DataType, Scalar};
use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType as Micros, TimestampNanosecondType as Nanos};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_schema::{DataType as ArrowType, Schema, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use std::sync::Arc;

/// The INT96 times among the columns that are read.
pub struct Finer {
    /// The file, with those columns as nanoseconds.
    pub metadata: ArrowReaderMetadata,
    /// Those columns.
    pub mask: ProjectionMask,
    /// Their places in the file.
    roots: Vec<usize>,
}

impl Finer {
    /// The times at `roots`, if there are any.
    pub fn new(metadata: &ArrowReaderMetadata, mut roots: Vec<usize>) -> Option<Finer> {
        roots.sort_unstable();
        roots.dedup();
        if roots.is_empty() {
            return None;
        }
        let fields = metadata.schema().fields().iter().enumerate().map(|(at, field)| {
            let is_time = roots.binary_search(&at).is_ok();
            let nanos = ArrowType::Timestamp(TimeUnit::Nanosecond, None);
            if is_time {
                Arc::new(field.as_ref().clone().with_data_type(nanos))
            } else {
                field.clone()
            }
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = ArrowReaderOptions::new().with_schema(schema);
        let mask = ProjectionMask::roots(metadata.parquet_schema(), roots.iter().copied());
        let metadata = ArrowReaderMetadata::try_new(metadata.metadata().clone(), options).ok()?;
        Some(Finer { metadata, mask, roots })
    }

    /// Where the column at `root` of the file is among these.
    pub fn place(&self, root: usize) -> Option<usize> {
        self.roots.binary_search(&root).ok()
    }
}

/// The times without those that are finer than a microsecond.
pub fn whole_micros(
    times: ArrayRef,
    nanos: &ArrayRef,
    ty: &DataType,
    issues: &mut Vec<Issue>,
) -> ArrayRef {
    let (micros, nanos) = (times.as_primitive::<Micros>(), nanos.as_primitive::<Nanos>());
    let rest = |row: usize| nanos.value(row).wrapping_sub(micros.value(row).wrapping_mul(1000));
    let is_finer = |row: usize| micros.is_valid(row) && rest(row) != 0;
    let before = issues.len();
    issues.extend((0..micros.len()).filter(|row| is_finer(*row)).map(|row| {
        let text = spelled(micros.value(row), rest(row), ty);
        Issue::new(row, text, FINER)
    }));
    if issues.len() == before {
        return times;
    }
    let kept = (0..micros.len())
        .map(|row| (micros.is_valid(row) && !is_finer(row)).then(|| micros.value(row)));
    let kept: PrimitiveArray<Micros> = kept.collect();
    Arc::new(kept.with_data_type(times.data_type().clone()))
}

/// A time with all its digits.
fn spelled(micros: i64, nanos: i64, ty: &DataType) -> String {
    let below = micros.rem_euclid(1_000_000) * 1000 + nanos;
    let scalar = if *ty == DataType::Timestamp { Scalar::Timestamp } else { Scalar::Datetime };
    let second = display(&scalar(micros - micros.rem_euclid(1_000_000)), ty);
    let (clock, zone) = second.strip_suffix('Z').map_or((&*second, ""), |clock| (clock, "Z"));
    format!("{clock}.{below:09}{zone}")
}
