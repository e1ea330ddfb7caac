//! The CSV reader over any bytes: every piece size and instruction set reads the same, and what the
//! `csv` crate reads, where both mean the same by a file.
//!
//! The first five bytes choose the spelling, the types and the piece size; the rest is the file.
#![no_main]

use batchc::connect::fuzzing::{Read, read_in_all_ways};
use batchc::connect::{Arguments, CHUNK_BYTES, Column, SourceSpec};
use batchc::types::{DataType, Scalar, Type};
use libfuzzer_sys::fuzz_target;
use std::cell::OnceCell;
use std::path::Path;

/// What begins files that are refused as a whole: UTF-16, gzip, zstd.
const REFUSED: [&[u8]; 4] = [b"\xFF\xFE", b"\xFE\xFF", b"\x1F\x8B", b"\x28\xB5\x2F\xFD"];

thread_local! {
    static FOLDER: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&[signs, shape, types, piece, options], file)) = bytes.split_first_chunk::<5>()
    else {
        return;
    };
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a folder for the file"));
        std::fs::write(folder.path().join("a.csv"), file).expect("the file is written");
        let dialect = Dialect::of(signs, options);
        let columns = 1 + usize::from(shape % 5);
        typed(folder.path(), &dialect, columns, types, piece, shape & 0x80 != 0);
        if columns > 1 && !REFUSED.iter().any(|mark| file.starts_with(mark)) {
            against_the_csv_crate(folder.path(), &dialect, columns, piece, file);
        }
    });
});

/// How the file is spelled.
struct Dialect {
    delimiter: u8,
    quote: Option<u8>,
    comment: Option<u8>,
    nulls: &'static str,
    skip: i64,
}

impl Dialect {
    fn of(signs: u8, options: u8) -> Dialect {
        Dialect {
            delimiter: [b',', b';', b'\t', b'|'][usize::from(signs & 3)],
            quote: [Some(b'"'), Some(b'"'), Some(b'\''), None][usize::from(signs >> 2 & 3)],
            comment: (signs & 0x40 != 0).then_some(b'#'),
            nulls: ["", "NA", "0", "\\N"][usize::from(options & 3)],
            skip: i64::from(options >> 2 & 3) * i64::from(options & 0x40 != 0),
        }
    }

    fn spec(&self, base: &Path, header: bool, skip: i64, types: Vec<Type>) -> SourceSpec {
        let text = |byte: Option<u8>| {
            Scalar::String(byte.map(char::from).iter().collect::<String>().into())
        };
        let mut given = vec![
            ("path".to_owned(), Scalar::String("a.csv".into())),
            ("header".to_owned(), Scalar::Bool(header)),
            ("delimiter".to_owned(), text(Some(self.delimiter))),
            ("quote".to_owned(), text(self.quote)),
            ("null".to_owned(), Scalar::String(self.nulls.into())),
            ("skip".to_owned(), Scalar::Int(skip)),
        ];
        if self.comment.is_some() {
            given.push(("comment".to_owned(), text(self.comment)));
        }
        let projection = (0..types.len()).collect();
        let columns = types.into_iter().enumerate().map(|(at, ty)| {
            let name: std::sync::Arc<str> = ["a", "b", "c", "d", "e"][at].into();
            Column { name: name.clone(), external: name, ty, format: None }
        });
        SourceSpec {
            base: base.to_owned(),
            arguments: Arguments(given),
            columns: columns.collect(),
            projection,
            wanted: vec![],
            readings: None,
            only: None,
            is_whole: false,
            chunk: CHUNK_BYTES,
        }
    }
}

/// Columns of many types: every way gives the same rows and the same complaints.
fn typed(base: &Path, dialect: &Dialect, columns: usize, types: u8, piece: u8, header: bool) {
    let all = [
        DataType::Int,
        DataType::String,
        DataType::Decimal { precision: 12, scale: 2 },
        DataType::Float,
        DataType::Date,
        DataType::Timestamp,
        DataType::Bool,
        DataType::Datetime,
        DataType::Duration,
        DataType::Decimal { precision: 38, scale: 10 },
        DataType::List(Box::new(DataType::Int.optional())),
    ];
    let types = (0..columns).map(|at| {
        let data = all[(usize::from(types) + at * 3) % all.len()].clone();
        if (usize::from(types) + at).is_multiple_of(2) { data.optional() } else { data.required() }
    });
    let spec = dialect.spec(base, header, dialect.skip, types.collect());
    if let Ok(read) = read_in_all_ways(&spec, pieces(piece)) {
        for (row, _, bad) in &read.bad {
            assert!(*row < read.rows.len() && !bad.reason.is_empty(), "{bad:?}");
        }
    }
}

fn pieces(piece: u8) -> [usize; 3] {
    [usize::from(piece).max(1), 64, 1 << 16]
}

/// Columns of texts against the records of the `csv` crate.
fn against_the_csv_crate(base: &Path, dialect: &Dialect, columns: usize, piece: u8, file: &[u8]) {
    let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    // A second mark is text here and trivia there; a carriage return alone ends a line there only.
    let lone = |at: usize| file[at] == b'\r' && file.get(at + 1) != Some(&b'\n');
    if file.starts_with(b"\xEF\xBB\xBF") || (0..file.len()).any(lone) {
        return;
    }
    let types = vec![DataType::String.required(); columns];
    let Read { rows, bad, .. } =
        match read_in_all_ways(&dialect.spec(base, false, 0, types), pieces(piece)) {
            Ok(read) => read,
            // It took the rest of the file, so there are no records to compare.
            Err(error) if error.message.contains("is never closed") => return,
            Err(error) => panic!("{}", error.message),
        };
    // A comment that the file ends in without a line end is a record there.
    let mut ended = file.to_vec();
    if file.last().is_some_and(|last| *last != b'\n') {
        ended.push(b'\n');
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(dialect.delimiter)
        .quote(dialect.quote.unwrap_or(b'"'))
        .quoting(dialect.quote.is_some())
        .comment(dialect.comment)
        .from_reader(&ended[..]);
    let mut count = 0;
    for (at, record) in reader.byte_records().enumerate() {
        let record = record.expect("memory can be read");
        count += 1;
        let row = rows.get(at).unwrap_or_else(|| panic!("record {at} is missing: {record:?}"));
        let of_record = bad.iter().find(|(row, _, bad)| *row == at && bad.column.is_none());
        if let Some((_, _, bad)) = of_record {
            let quotes = bad.reason.contains("quote");
            assert!(quotes || record.len() != columns, "{record:?}: {}", bad.reason);
            continue;
        }
        assert_eq!(record.len(), columns, "record {at} was not refused: {record:?}");
        for (column, field) in record.iter().enumerate() {
            let expected = match std::str::from_utf8(field) {
                Ok(text) => Scalar::String(text.into()),
                Err(_) => {
                    let refused = |(row, _, bad): &(usize, Option<u64>, batchc::connect::BadValue)| {
                        *row == at && bad.column == Some(column as u32)
                    };
                    assert!(bad.iter().any(refused), "record {at} is not UTF-8: {record:?}");
                    Scalar::Null
                }
            };
            assert_eq!(row[column], expected, "record {at}, column {column}");
        }
    }
    assert_eq!(rows.len(), count, "more rows than records");
}
