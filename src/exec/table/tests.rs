//! The numbers of keys, and the keys that come out again.

use super::*;
use crate::types::DataType;
use arrow_array::StringViewArray;
use arrow_array::cast::AsArray;
use std::collections::BTreeMap;

/// Two columns of texts, of which none is long before row `long_from`.
fn columns(rows: usize, long_from: usize) -> [Vec<String>; 2] {
    let text = |row: usize, column: usize| {
        let value = row * 7919 % 40_009;
        match value % (3 + column) {
            0 if row >= long_from => format!("a text that is long, {value}"),
            1 if row >= long_from => format!("another that is long, {}", value % 50),
            // Of all lengths around those that fit into words and tails, differing in one place.
            2 if row >= long_from => {
                let mut text = "abcdefghijklmnopqrstuvwxyz"[..11 + value / 26 % 12].to_owned();
                let at = value % 26 % text.len();
                text.replace_range(at..=at, "*");
                text
            }
            _ => format!("{value}"),
        }
    };
    [0, 1].map(|column| (0..rows).map(|row| text(row, column)).collect())
}

#[test]
fn keys_keep_their_numbers_when_the_first_long_text_comes() {
    let types = [DataType::String, DataType::String].map(DataType::required);
    for long_from in [0, 100, 50_000, usize::MAX] {
        let columns = columns(120_000, long_from);
        let (mut table, mut merged) = (GroupTable::new(&types), GroupTable::new(&types));
        let (mut numbers, mut all): (Vec<u32>, Vec<u32>) = (vec![], vec![]);
        for start in (0..120_000).step_by(30_000) {
            let keys = columns.each_ref().map(|texts| {
                let texts = StringViewArray::from_iter_values(&texts[start..start + 30_000]);
                Operand::column(Arc::new(texts))
            });
            table.find_or_insert(&keys, 30_000, &mut numbers);
            all.extend(&numbers);
        }
        let mut expected: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for (row, number) in all.into_iter().enumerate() {
            let next = expected.len() as u32;
            let wanted = *expected.entry((&columns[0][row], &columns[1][row])).or_insert(next);
            assert_eq!(number, wanted, "row {row}");
        }
        let numbers: Vec<u32> = (0..table.len() as u32).rev().collect();
        merged.insert_from(&table, &numbers, &mut vec![]);
        assert_eq!([table.len(), merged.len()], [expected.len(); 2]);
        let (own, merged) = (table.into_arrays(), merged.into_arrays());
        for (&(first, second), &number) in &expected {
            let at = |arrays: &[ArrayRef], column: usize, number: usize| {
                arrays[column].as_string_view().value(number).to_owned()
            };
            let (number, reversed) = (number as usize, expected.len() - 1 - number as usize);
            assert_eq!([at(&own, 0, number), at(&own, 1, number)], [first, second]);
            assert_eq!([at(&merged, 0, reversed), at(&merged, 1, reversed)], [first, second]);
        }
    }
}
