//! A workbook: which of its formats it is, its sheets, and the cells of one of them.

use crate::connect::ConnectError;
use crate::types::Scalar;
use calamine::{Data, Ods, Reader, SheetType, Xls, Xlsb, Xlsx};
use std::fmt::Debug;
use std::io::Cursor;

/// A cell that is not empty: its row and column, counted from 0, and what is in it.
pub struct Cell {
    /// Its row.
    pub row: u32,
    /// Its column.
    pub column: u32,
    /// What is in it.
    pub value: Data,
}

/// The cells of a sheet, in the order of rows and columns.
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// Its cells.
    pub cells: Vec<Cell>,
}

type Bytes<'b> = Cursor<&'b [u8]>;

/// Reads a sheet of the workbook of this name, of which these are the bytes.
pub fn read(name: &str, bytes: &[u8], wanted: Option<&Scalar>) -> Result<Sheet, ConnectError> {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_old = bytes.starts_with(b"\xD0\xCF\x11\xE0");
    if is_old && matches!(&*ending, "xlsx" | "xlsm" | "xlsb" | "ods") {
        return Err(ConnectError::new(format!("{name} is protected by a password"))
            .help("save it without one"));
    }
    if !is_old && !bytes.starts_with(b"PK") {
        return Err(ConnectError::new(format!("{name} is not a workbook")).help(
            "what is read is .xlsx, .xlsm, .xlsb, .xls and .ods; texts are read with `csv`",
        ));
    }
    match &*ending {
        _ if is_old => ranged::<Xls<Bytes>>(name, bytes, wanted),
        "xlsb" => ranged::<Xlsb<Bytes>>(name, bytes, wanted),
        "ods" => ranged::<Ods<Bytes>>(name, bytes, wanted),
        _ => streamed(name, bytes, wanted),
    }
}

fn damaged(name: &str, error: &dyn Debug) -> ConnectError {
    let error = format!("{error:?}");
    let what =
        if error.contains("Password") { "it is protected by a password" } else { "is it damaged?" };
    ConnectError::new(format!("cannot read {name} as a workbook"))
        .help(format!("{what} Open it with a spreadsheet program and save it anew"))
}

/// Cell by cell: a sheet may have cells far from each other, between which is nothing.
fn streamed(name: &str, bytes: &[u8], wanted: Option<&Scalar>) -> Result<Sheet, ConnectError> {
    let mut book: Xlsx<Bytes> =
        Xlsx::new(Cursor::new(bytes)).map_err(|error| damaged(name, &error))?;
    let sheet = choose(name, &book, wanted)?;
    let mut reader = book.worksheet_cells_reader(&sheet).map_err(|error| damaged(name, &error))?;
    let mut cells = vec![];
    while let Some(cell) = reader.next_cell().map_err(|error| damaged(name, &error))? {
        let (row, column) = cell.get_position();
        let value = Data::from(cell.get_value().clone());
        cells.push(Cell { row, column, value });
    }
    Ok(sorted(sheet, cells))
}

fn ranged<'b, B>(
    name: &str,
    bytes: &'b [u8],
    wanted: Option<&Scalar>,
) -> Result<Sheet, ConnectError>
where
    B: Reader<Bytes<'b>>,
{
    let mut book = B::new(Cursor::new(bytes)).map_err(|error| damaged(name, &error))?;
    let sheet = choose(name, &book, wanted)?;
    let range = book.worksheet_range(&sheet).map_err(|error| damaged(name, &error))?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    let cells = range.used_cells().map(|(row, column, value)| Cell {
        row: first_row + row as u32,
        column: first_column + column as u32,
        value: value.clone(),
    });
    Ok(sorted(sheet, cells.collect()))
}

fn sorted(name: String, mut cells: Vec<Cell>) -> Sheet {
    cells.retain(|cell| cell.value != Data::Empty);
    cells.sort_by_key(|cell| (cell.row, cell.column));
    Sheet { name, cells }
}

/// The sheet that is wanted, or the first.
fn choose<'b, B: Reader<Bytes<'b>>>(
    name: &str,
    book: &B,
    wanted: Option<&Scalar>,
) -> Result<String, ConnectError> {
    let sheets = book.sheets_metadata().iter();
    let sheets: Vec<&str> = sheets
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| &*sheet.name)
        .collect();
    let (found, missing) = match wanted {
        Some(Scalar::String(wanted)) => {
            let found = sheets.iter().find(|sheet| ***sheet == **wanted);
            (found, format!("{name} has no sheet `{wanted}`"))
        }
        Some(Scalar::Int(number)) => {
            let found = usize::try_from(number - 1).ok().and_then(|at| sheets.get(at));
            (found, format!("{name} has no sheet {number}"))
        }
        _ => (sheets.first(), format!("{name} has no sheet")),
    };
    let all: Vec<String> = sheets.iter().take(20).map(|sheet| format!("`{sheet}`")).collect();
    found.map(|&sheet| sheet.to_owned()).ok_or_else(|| {
        let missing = ConnectError::new(missing);
        if all.is_empty() { missing } else { missing.help(format!("it has {}", all.join(", "))) }
    })
}

/// `B7`
pub fn place(row: u32, column: u32) -> String {
    format!("{}{}", letters(column), row + 1)
}

/// `AB`: the name of a column.
pub fn letters(column: u32) -> String {
    let (mut left, mut letters) = (column + 1, vec![]);
    while left > 0 {
        letters.push(b'A' + ((left - 1) % 26) as u8);
        left = (left - 1) / 26;
    }
    letters.iter().rev().map(|letter| char::from(*letter)).collect()
}
