//! `filter`: the rows for which a condition is true.

use crate::data::Batch;
use crate::exec::gather::take_positions;
use crate::functions::kernel::Operand;
use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray};
use arrow_buffer::BooleanBuffer;
use arrow_select::filter::FilterBuilder;

/// The rows for which the condition is true, or with `keep_nulls` null; None when there are none.
pub fn filter(batch: Batch, condition: &Operand, keep_nulls: bool) -> Option<Batch> {
    let kept = kept(condition.array.as_boolean(), keep_nulls);
    if condition.constant {
        return kept.value(0).then_some(batch);
    }
    filter_batch(batch, kept)
}

fn kept(condition: &BooleanArray, keep_nulls: bool) -> BooleanBuffer {
    match condition.nulls() {
        Some(nulls) if keep_nulls => condition.values() | &!nulls.inner(),
        Some(nulls) => condition.values() & nulls.inner(),
        None => condition.values().clone(),
    }
}

/// The rows of the batch whose bit is set; None when there are none.
pub fn filter_batch(batch: Batch, kept: BooleanBuffer) -> Option<Batch> {
    let rows = kept.count_set_bits();
    if rows == 0 {
        return None;
    }
    if rows == batch.rows {
        return Some(batch);
    }
    let positions = take_positions(&batch.positions, kept.set_indices(), rows);
    let mut filter = FilterBuilder::new(&BooleanArray::new(kept, None));
    if batch.columns.len() > 1 {
        filter = filter.optimize();
    }
    let filter = filter.build();
    let column = |array| filter.filter(array).expect("the condition is as long as the batch");
    let columns = batch.columns.iter().map(|array| column(&**array)).collect();
    Some(Batch { columns, rows, positions })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::operators::testing::{Values, batches_of, rows_of, shown, table};
    use crate::types::{DataType, Scalar, Type};

    #[test]
    fn rows_are_kept_with_their_positions() {
        let types: Vec<Type> = [DataType::Bool, DataType::String].map(DataType::optional).into();
        let rows = table(1, &types, 1000, 50);
        let batches = batches_of(&types, &rows, 70);
        for keep_nulls in [false, true] {
            let filtered = |batch: &Batch| {
                let condition = Operand::column(batch.columns[0].clone());
                filter(batch.clone(), &condition, keep_nulls)
            };
            let result: Vec<Batch> = batches.iter().filter_map(filtered).collect();
            let is_kept = |row: &&Values| match row[0] {
                Scalar::Bool(value) => value,
                _ => keep_nulls,
            };
            let expected: Vec<Values> = rows.iter().filter(is_kept).cloned().collect();
            assert_eq!(shown(&types, &rows_of(&types, &result)), shown(&types, &expected));
            let rows_before = rows.iter().enumerate().filter(|(_, row)| is_kept(row));
            let positions: Vec<u64> =
                rows_before.map(|(at, _)| ((at / 70) as u64) << 32 | (at % 70) as u64).collect();
            let found = result.iter().flat_map(|b| (0..b.rows).map(|row| b.positions.at(row)));
            assert_eq!(found.collect::<Vec<_>>(), positions);
        }
    }
}
