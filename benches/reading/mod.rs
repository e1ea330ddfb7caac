//! Reading a source to its end, for all benchmarks that do.

use batchc::connect::Source;

/// Reads morsels until there are none; gives the rows of those that this thread was given.
pub fn rows_read(source: &dyn Source) -> usize {
    let mut rows = 0;
    while let Some(morsel) = source.next().unwrap_or_else(|error| panic!("{error}")) {
        let read = morsel.read(&mut |read| {
            assert!(read.bad.is_empty(), "{:?}", read.bad[0]);
            rows += read.batch.rows;
            true
        });
        read.unwrap_or_else(|error| panic!("{error}"));
    }
    rows
}
