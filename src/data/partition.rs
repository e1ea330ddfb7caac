//! Which partition each row of a result goes to: by the hash of a key, in turn, or by size.
//!
//! These partitions are seen by the user, in files and reports, so their rules are fixed to the
//! letter. How the engine splits work among threads has nothing to do with them.

use super::spell::Cells;
use crate::types::Type;
use arrow_array::{Array, ArrayRef};
use md5::{Digest, Md5};
use std::collections::HashMap;
use std::num::NonZeroU32;

/// `partition by hash(key) into n`: the MD5 of the key's text in UTF-8, as outputs spell it, read
/// as a 128-bit number, modulo n. In Python: `int(hashlib.md5(text.encode()).hexdigest(), 16) % n`.
/// Null is the empty text.
pub fn by_hash(keys: &ArrayRef, ty: &Type, into: NonZeroU32) -> Vec<u32> {
    let cells = Cells::of(keys, &ty.data);
    // A digest costs more than to look a key up, and keys repeat.
    let mut known: HashMap<Vec<u8>, u32> = HashMap::new();
    let mut text = Vec::new();
    let partition_of = |row| {
        text.clear();
        if !cells.is_null(row) {
            cells.write(row, &mut text);
        }
        if let Some(&partition) = known.get(&text) {
            return partition;
        }
        let hash = u128::from_be_bytes(Md5::digest(&text).into());
        let partition = (hash % u128::from(into.get())) as u32;
        known.insert(text.clone(), partition);
        partition
    };
    (0..keys.len()).map(partition_of).collect()
}

/// `partition round_robin into n`: row `i` of the whole result goes to `i mod n`; `first` is the
/// number of the first of these rows.
pub fn in_turn(first: u64, rows: usize, into: NonZeroU32) -> Vec<u32> {
    let into = u64::from(into.get());
    (first..first + rows as u64).map(|row| (row % into) as u32).collect()
}

/// The sizes of rows for [`by_size`]: the characters of all values, as outputs spell them. Null
/// has none.
pub fn sizes(columns: &[ArrayRef], types: &[Type], rows: usize) -> Vec<u64> {
    let mut sizes = vec![0; rows];
    let mut text = Vec::new();
    for (column, ty) in columns.iter().zip(types) {
        let cells = Cells::of(column, &ty.data);
        for (row, size) in sizes.iter_mut().enumerate().filter(|(row, _)| !cells.is_null(*row)) {
            text.clear();
            cells.write(row, &mut text);
            // Every byte but those that go on with a character.
            *size += text.iter().filter(|&&byte| byte & 0xC0 != 0x80).count() as u64;
        }
    }
    sizes
}

/// `partition by size into n`: the largest row first, equal ones in their order, each onto the
/// partition that is lightest so far, the first of several. `sizes` are those of all rows.
pub fn by_size(sizes: &[u64], into: NonZeroU32) -> Vec<u32> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&row| std::cmp::Reverse(sizes[row]));
    let mut partitions = vec![0; sizes.len()];
    // The least of these is the first of the lightest partitions.
    let lightest = (0..into.get()).map(|partition| std::cmp::Reverse((0, partition)));
    let mut lightest: std::collections::BinaryHeap<_> = lightest.collect();
    for row in order {
        let mut top = lightest.peek_mut().expect("there is a partition");
        let std::cmp::Reverse((weight, partition)) = &mut *top;
        partitions[row] = *partition;
        *weight += sizes[row];
    }
    partitions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::array_of;
    use crate::types::{DataType, Scalar};

    fn into(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).unwrap()
    }

    /// The numbers are those of Python's hashlib.
    #[test]
    fn hashes_are_those_of_md5() {
        let texts = ["", "a", "electronics", "42", "grüße", "the quick brown fox jumps"];
        let mut values: Vec<Scalar> = texts.iter().map(|t| Scalar::String((*t).into())).collect();
        values.extend([Scalar::String("a".into()), Scalar::Null]);
        let ty = DataType::String.optional();
        let keys = array_of(&ty.data, &values);
        assert_eq!(by_hash(&keys, &ty, into(1)), [0; 8]);
        assert_eq!(by_hash(&keys, &ty, into(3)), [0, 1, 0, 1, 2, 2, 1, 0]);
        assert_eq!(by_hash(&keys, &ty, into(8)), [6, 1, 4, 6, 6, 1, 1, 6]);
        let large = [
            100_113_718,
            1_952_086_538,
            2_478_679_820,
            1_480_133_230,
            3_818_574_031,
            2_987_722_346,
            1_952_086_538,
            100_113_718,
        ];
        assert_eq!(by_hash(&keys, &ty, into(4_294_967_291)), large);
    }

    #[test]
    fn keys_of_other_types_are_hashed_as_outputs_spell_them() {
        let decimal = DataType::Decimal { precision: 9, scale: 2 };
        let cases = [
            (DataType::Int, Scalar::Int(42), 174),
            (DataType::Int, Scalar::Int(-7), 909),
            (DataType::Float, Scalar::Float(1.5), 706),
            (decimal, Scalar::Decimal(1230), 218),
            (DataType::Bool, Scalar::Bool(true), 721),
            (DataType::Date, Scalar::Date(19782), 711),
        ];
        for (ty, value, expected) in cases {
            let keys = array_of(&ty, &[value]);
            assert_eq!(by_hash(&keys, &ty.required(), into(1000)), [expected]);
        }
    }

    #[test]
    fn rows_take_turns_through_the_whole_result() {
        assert_eq!(in_turn(0, 5, into(3)), [0, 1, 2, 0, 1]);
        assert_eq!(in_turn(5, 2, into(3)), [2, 0]);
    }

    /// The numbers are those of the greedy loop in Python: `min(range(n), key=weights.get)`.
    #[test]
    fn the_largest_row_goes_first_onto_the_lightest_partition() {
        let sizes = [5, 9, 5, 1, 1, 7, 9, 3, 0, 0];
        assert_eq!(by_size(&sizes, into(3)), [2, 0, 0, 1, 2, 2, 1, 1, 1, 1]);
        assert_eq!(by_size(&[2; 5], into(2)), [0, 1, 0, 1, 0]);
        assert!(by_size(&[], into(2)).is_empty());
    }

    #[test]
    fn the_size_of_a_row_is_the_length_of_its_texts() {
        let types = [DataType::String.optional(), DataType::Int.required()];
        let texts = [Scalar::String("grüße".into()), Scalar::Null];
        let columns = [
            array_of(&types[0].data, &texts),
            array_of(&types[1].data, &[Scalar::Int(-10), Scalar::Int(7)]),
        ];
        assert_eq!(sizes(&columns, &types, 2), [8, 1]);
    }
}
