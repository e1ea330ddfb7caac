//! What the tests of connectors share: specifications, whole reads and random bytes.

use super::{
    Arguments, Batch, Column, ConnectError, Connector, Extent, SinkSpec, Source, SourceSpec,
};
use crate::data::scalar_at;
use crate::types::{Scalar, Type};
use std::path::Path;

/// What a source gave.
#[derive(Debug, Default, PartialEq)]
pub struct Read {
    /// All rows.
    pub rows: Vec<Vec<Scalar>>,
    /// Row, column, line, text and reason of every bad value, counted from the start of the file.
    pub bad: Vec<(usize, Option<u32>, u64, String, String)>,
    /// Records and lines in all.
    pub extent: (u64, u64),
}

pub fn columns(declared: &[(&str, Type)]) -> Vec<Column> {
    let column = |(name, ty): &(&str, Type)| Column {
        name: (*name).into(),
        external: (*name).into(),
        ty: ty.clone(),
        format: None,
    };
    declared.iter().map(column).collect()
}

pub fn arguments(given: &[(&str, &str)]) -> Arguments {
    let scalar = |text: &str| match text {
        "true" => Scalar::Bool(true),
        "false" => Scalar::Bool(false),
        _ => text.parse().map_or_else(|_| Scalar::String(text.into()), Scalar::Int),
    };
    Arguments(given.iter().map(|(name, text)| ((*name).to_owned(), scalar(text))).collect())
}

pub fn source_spec(base: &Path, given: &[(&str, &str)], declared: &[(&str, Type)]) -> SourceSpec {
    SourceSpec {
        base: base.to_owned(),
        arguments: arguments(given),
        columns: columns(declared),
        projection: (0..declared.len()).collect(),
    }
}

pub fn sink_spec(base: &Path, given: &[(&str, &str)], declared: &[(&str, Type)]) -> SinkSpec {
    let (arguments, columns) = (arguments(given), columns(declared));
    SinkSpec { base: base.to_owned(), arguments, columns, run: "run".into(), parts: None }
}

/// Reads a file of one name with all its columns.
pub fn read_file(
    connector: &Connector,
    base: &Path,
    given: &[(&str, &str)],
    declared: &[(&str, Type)],
) -> Result<Read, ConnectError> {
    let spec = source_spec(base, given, declared);
    let open = connector.source.expect("it reads");
    read_all(&*open(&spec)?, &spec)
}

/// Reads all of a source.
pub fn read_all(source: &dyn Source, spec: &SourceSpec) -> Result<Read, ConnectError> {
    let mut read = Read::default();
    while let Some(morsel) = source.next()? {
        let (lines, rows_before) = (read.extent.1, read.rows.len());
        let mut in_morsel = 0;
        let Extent { records, lines: new_lines, .. } = morsel.read(&mut |rows| {
            assert_eq!(rows.batch.positions.at(0), in_morsel);
            in_morsel += rows.batch.rows as u64;
            let before = read.rows.len();
            for row in 0..rows.batch.rows {
                let columns = rows.batch.columns.iter().zip(&spec.projection);
                let values =
                    columns.map(|(array, &at)| scalar_at(array, &spec.columns[at].ty.data, row));
                read.rows.push(values.collect());
            }
            read.bad.extend(rows.bad.into_iter().map(|bad| {
                let row = before + bad.row as usize;
                (row, bad.column, lines + bad.line, bad.text, bad.reason)
            }));
            true
        })?;
        assert_eq!(records, (read.rows.len() - rows_before) as u64);
        read.extent = (read.extent.0 + records, read.extent.1 + new_lines);
    }
    Ok(read)
}

/// Writes batches to a file of one name.
pub fn write_file(
    connector: &Connector,
    spec: &SinkSpec,
    batches: &[Batch],
) -> Result<(), ConnectError> {
    let sink = connector.sink.expect("it writes")(spec)?;
    for batch in batches {
        let piece = sink.encode(batch)?;
        sink.append(0, piece)?;
    }
    let staged = sink.finish()?;
    assert_eq!(staged.rows, batches.iter().map(|batch| batch.rows as u64).sum::<u64>());
    staged.publish()
}

/// Random numbers, the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}
