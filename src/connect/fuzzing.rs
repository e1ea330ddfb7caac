//! Whole reads of a source, for tests and the fuzz targets, which also use of the CSV reader's
//! inside its piece sizes and instruction sets. Not in normal builds.

use super::csv::{CsvSource, Level};
use super::{BadValue, ConnectError, Extent, Source, SourceSpec};
use crate::data::scalar_at;
use crate::types::Scalar;

/// What a source gave: all rows, its bad values with their row, and how much it was.
#[derive(Debug, Default)]
pub struct Read {
    /// The rows.
    pub rows: Vec<Vec<Scalar>>,
    /// Row, line from the start of the file, and bad value.
    pub bad: Vec<(usize, Option<u64>, BadValue)>,
    /// Records and lines in all.
    pub extent: (u64, u64),
}

/// Reads a CSV source with each piece size and each instruction set of the machine.
///
/// # Panics
/// When two of them differ.
pub fn read_in_all_ways(
    spec: &SourceSpec,
    pieces: impl IntoIterator<Item = usize>,
) -> Result<Read, ConnectError> {
    let mut first: Option<(Result<Read, ConnectError>, String)> = None;
    for piece in pieces {
        for level in Level::all() {
            let read = CsvSource::open(spec, piece, level).and_then(|source| read(&source, spec));
            // Texts compare as NaN does not.
            let shown = format!("{read:?}");
            match &first {
                Some((_, expected)) => assert_eq!(&shown, expected, "{piece} bytes, {level:?}"),
                None => first = Some((read, shown)),
            }
        }
    }
    first.expect("there is a piece size, and every machine has an instruction set").0
}

/// Reads all of a source.
///
/// # Panics
/// When what the source says of positions and extents is not what it gave.
pub fn read(source: &dyn Source, spec: &SourceSpec) -> Result<Read, ConnectError> {
    let mut read = Read::default();
    while let Some(morsel) = source.next()? {
        let (lines, rows_before) = (read.extent.1, read.rows.len());
        let Extent { records, lines: new_lines, .. } = morsel.read(&mut |rows| {
            let first = read.rows.len();
            assert_eq!(rows.batch.positions.at(0), (first - rows_before) as u64);
            for row in 0..rows.batch.rows {
                let columns = rows.batch.columns.iter().zip(&spec.projection);
                let values =
                    columns.map(|(array, &at)| scalar_at(array, &spec.columns[at].ty.data, row));
                read.rows.push(values.collect());
            }
            read.bad.extend(rows.bad.into_iter().map(|bad| {
                let row = first + bad.row as usize;
                let line = rows.lines.of((row - rows_before) as u64).map(|line| lines + line);
                (row, line, BadValue { row: row as u32, ..bad })
            }));
            true
        })?;
        assert_eq!(records, (read.rows.len() - rows_before) as u64);
        read.extent = (read.extent.0 + records, read.extent.1 + new_lines);
    }
    Ok(read)
}
