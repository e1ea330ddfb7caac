//! Workbooks as a source: a file is a morsel, since nothing says where in it a sheet can be cut.

use super::cell::{scalar, shown};
use super::workbook::{Cell, Sheet, letters, place, read};
use crate::connect::guard::guarded;
use crate::connect::input::{Identity, Inputs, missing_column, refuse_more};
use crate::connect::meter::Meter;
use crate::connect::shown::shown as cut;
use crate::connect::value::{self, Clock};
use crate::connect::{
    BadValue, Column, ConnectError, Extent, Morsel, RowLines, Rows, Source, SourceSpec, Volume,
};
use crate::data::{Batch, Positions, array_of};
use crate::files::Input;
use crate::types::Scalar;
use calamine::Data;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The most rows of a batch.
const BATCH_ROWS: usize = 1 << 14;

/// What is said of a null in a column that has none.
const NULL: &str = "empty, and its type has no `?`";

/// Opens a source.
pub fn open(spec: &SourceSpec) -> Result<Box<dyn Source>, ConnectError> {
    let inputs = Arc::new(Inputs::find(spec)?);
    let (next, meter) = (AtomicUsize::new(0), Arc::default());
    Ok(Box::new(ExcelSource { inputs, spec: Arc::new(spec.clone()), next, meter }))
}

struct ExcelSource {
    inputs: Arc<Inputs>,
    spec: Arc<SourceSpec>,
    next: AtomicUsize,
    meter: Arc<Meter>,
}

impl Source for ExcelSource {
    fn next(&self) -> Result<Option<Box<dyn Morsel>>, ConnectError> {
        let file = self.next.fetch_add(1, Relaxed);
        if file >= self.inputs.names.len() {
            return Ok(None);
        }
        let (input, identity) = self.inputs.open_plain(file)?;
        let (name, spec) = (self.inputs.names[file].clone(), self.spec.clone());
        let meter = self.meter.clone();
        Ok(Some(Box::new(ExcelMorsel { name, file, input, identity, spec, meter })))
    }

    fn files(&self) -> &[Arc<str>] {
        &self.inputs.names
    }

    fn position(&self) -> Option<(usize, u64)> {
        let next = self.next.load(Relaxed);
        (next < self.inputs.names.len()).then_some((next, 0))
    }

    fn volume(&self) -> Volume {
        self.meter.volume()
    }
}

struct ExcelMorsel {
    name: Arc<str>,
    file: usize,
    input: Input,
    identity: Identity,
    spec: Arc<SourceSpec>,
    meter: Arc<Meter>,
}

/// Rows of a sheet: behind the header, without those that are empty.
struct Table<'s> {
    sheet: &'s Sheet,
    /// The cells of each row.
    rows: Vec<&'s [Cell]>,
    /// For each projected column, which of the sheet it is.
    columns: Vec<u32>,
}

impl Morsel for ExcelMorsel {
    fn read(self: Box<Self>, emit: &mut dyn FnMut(Rows) -> bool) -> Result<Extent, ConnectError> {
        let unchanged = || Inputs::check_unchanged(&self.name, &self.input, &self.identity);
        // A file that is written over may look damaged; say so rather than that.
        let bytes = self.bytes()?;
        let sheet =
            guarded(&self.name, || read(&self.name, &bytes, self.spec.arguments.get("sheet")));
        drop(bytes);
        let sheet = sheet.map_err(|error| unchanged().err().unwrap_or(error))?;
        let table = self.bind(&sheet)?;
        let zone = value::zone_of(self.spec.arguments.text("zone"));
        let clocks: Vec<Clock> = self
            .columns()
            .map(|column| Clock { format: column.format.clone(), zone: zone.clone() })
            .collect();
        for (at, rows) in table.rows.chunks(BATCH_ROWS).enumerate() {
            let start = (at * BATCH_ROWS) as u64;
            if !emit(self.batch(&table, rows, &clocks, start)) {
                break;
            }
        }
        unchanged()?;
        let records = table.rows.len() as u64;
        Ok(Extent { file: self.file, records, lines: records })
    }
}

impl ExcelMorsel {
    fn columns(&self) -> impl Iterator<Item = &Column> {
        self.spec.projection.iter().map(|&at| &self.spec.columns[at])
    }

    fn bytes(&self) -> Result<Vec<u8>, ConnectError> {
        let failed = |error: std::io::Error| ConnectError::io("read", &self.name, &error);
        let size = self.input.metadata().map_err(failed)?.len() as usize;
        let mut bytes = vec![0; size];
        let read = || self.input.read_exact_at(&mut bytes, 0);
        self.meter.timed(size, read).map_err(failed)?;
        Ok(bytes)
    }

    /// Finds the header and the columns.
    fn bind<'s>(&self, sheet: &'s Sheet) -> Result<Table<'s>, ConnectError> {
        let arguments = &self.spec.arguments;
        let skipped = match arguments.get("skip") {
            Some(Scalar::Int(rows)) => *rows as u32,
            _ => 0,
        };
        let rows = sheet.cells.chunk_by(|a, b| a.row == b.row);
        let mut rows = rows.filter(|row| row[0].row >= skipped);
        let name = format!("sheet `{}` of {}", sheet.name, self.name);
        let (names, places): (Vec<String>, Vec<u32>) = if arguments.bool("header").unwrap_or(true) {
            let Some(header) = rows.next() else {
                let error = format!("{name} is empty, and a header was expected");
                return Err(ConnectError::new(error)
                    .help("write `header: false` if it has none, or `sheet:` for another"));
            };
            header.iter().map(|cell| (shown(&cell.value), cell.column)).unzip()
        } else {
            let last = sheet.cells.iter().map(|cell| cell.column).max().unwrap_or(0);
            (0..=last).map(|column| (letters(column), column)).unzip()
        };
        if self.spec.is_whole {
            refuse_more(&name, &self.spec.columns, &names)?;
        }
        let mut found = vec![];
        for column in &self.spec.columns {
            let mut at = (0..names.len()).filter(|&at| names[at] == *column.external);
            match (at.next(), at.next()) {
                (None, _) => return Err(missing_column(&name, &column.external, &names)),
                (Some(at), None) => found.push(places[at]),
                _ => {
                    let error = format!("{name} has two columns `{}`", column.external);
                    return Err(ConnectError::new(error).help("rename one of them in the workbook"));
                }
            }
        }
        let columns = self.spec.projection.iter().map(|&at| found[at]).collect();
        Ok(Table { sheet, rows: rows.collect(), columns })
    }

    fn batch(&self, table: &Table<'_>, rows: &[&[Cell]], clocks: &[Clock], start: u64) -> Rows {
        let mut bad = vec![];
        let columns = self.columns().zip(&table.columns).zip(clocks).enumerate();
        let columns = columns.map(|(at, ((declared, &column), clock))| {
            let value = |(row, cells): (usize, &&[Cell])| {
                let cell = cells.binary_search_by_key(&column, |cell| cell.column);
                let cell = cell.map_or(&Data::Empty, |at| &cells[at].value);
                let read = scalar(cell, &declared.ty.data, clock);
                let reason = match read {
                    Ok(Scalar::Null) if !declared.ty.nullable => NULL.to_owned(),
                    Ok(value) => return value,
                    Err(reason) => reason.to_string(),
                };
                let (place, sheet) = (place(cells[0].row, column), &table.sheet.name);
                bad.push(BadValue {
                    row: row as u32,
                    column: Some(at as u32),
                    path: String::new(),
                    text: cut(shown(cell).as_bytes()),
                    record: None,
                    is_literal: false,
                    reason: format!("{reason}, in cell {place} of sheet `{sheet}`"),
                });
                Scalar::Null
            };
            let values: Vec<Scalar> = rows.iter().enumerate().map(value).collect();
            array_of(&declared.ty.data, &values)
        });
        let columns = columns.collect();
        bad.sort_by_key(|bad| bad.row);
        let batch = Batch { columns, rows: rows.len(), positions: Positions::Range(start) };
        Rows { batch, bad, file: self.file, lines: RowLines::None }
    }
}
