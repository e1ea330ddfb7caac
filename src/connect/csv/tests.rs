//! The fast way against the exact way, what is written against what is read, and the deviations.

use super::CONNECTOR;
use super::dialect::Dialect;
use super::exact;
use super::simd::Level;
use super::source::CsvSource;
use crate::connect::fuzzing::read_in_all_ways;
use crate::connect::testing::{
    Random, Read, all_types, arguments, random_batches, read_all, read_file, sink_spec,
    source_spec, write_file,
};
use crate::data::{Batch, array_of};
use crate::types::{DataType, Scalar, Type};
use std::fs;

fn string(text: &str) -> Scalar {
    Scalar::String(text.into())
}

fn read_text(text: &str, given: &[(&str, &str)], declared: &[(&str, Type)]) -> Read {
    try_read(text.as_bytes(), given, declared).unwrap()
}

fn try_read(
    text: &[u8],
    given: &[(&str, &str)],
    declared: &[(&str, Type)],
) -> Result<Read, crate::connect::ConnectError> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.csv"), text).unwrap();
    read_file(&CONNECTOR, dir.path(), &[&[("path", "a.csv")], given].concat(), declared)
}

/// Random bytes that are often CSV.
fn random_csv(random: &mut Random, round: usize) -> Vec<u8> {
    let regular =
        ["a", "", "12", "\"\"", "\"x\"\"y\"", "\"p,q\n\"", "é", "a longer text than twelve"];
    let odd = ["b\"c", "\"x\"y", "\r", "\"", "\"a\r\n\"", "\u{0}", " "];
    let mut bytes = Vec::new();
    for _ in 0..random.below(60) {
        let ragged =
            if round.is_multiple_of(3) && random.below(12) == 0 { random.below(5) } else { 3 };
        for at in 0..ragged {
            let field = if round.is_multiple_of(4) && random.below(25) == 0 {
                random.pick(&odd)
            } else if round.is_multiple_of(2) {
                random.pick(&regular)
            } else {
                random.pick(&["a", "", "12", "é"])
            };
            bytes.extend_from_slice(field.as_bytes());
            bytes.extend_from_slice(if at + 1 < ragged { b"," } else { b"" });
        }
        bytes.extend_from_slice(random.pick(&["\n", "\n", "\r\n"]).as_bytes());
    }
    if random.below(3) == 0 {
        bytes.truncate(bytes.len().saturating_sub(1));
    }
    bytes
}

/// The definition: the records that `exact` finds in the whole file, as texts.
fn truth(bytes: &[u8]) -> Vec<Option<Vec<Vec<u8>>>> {
    let dialect = Dialect::of(&arguments(&[]));
    let mut bytes = bytes.to_vec();
    if bytes.last().is_some_and(|&last| last != b'\n') {
        bytes.push(b'\n');
    }
    let records = exact::split_records(&bytes, 0, &dialect, 3);
    let cells = records.cells.chunks(3).map(|cells| {
        let text = |&(start, end): &exact::Cell| bytes.get(start as usize..end as usize);
        let raw: Option<Vec<&[u8]>> = cells.iter().map(text).collect();
        Some(
            raw?.into_iter()
                .map(|raw| super::columns::unquoted(raw, &dialect).into_bytes())
                .collect(),
        )
    });
    cells.collect()
}

#[test]
fn all_ways_and_chunk_sizes_read_the_same() {
    let (mut random, mut unread) = (Random(1), 0);
    let ty = || DataType::String.required();
    let declared = [("a", ty()), ("b", ty()), ("c", ty())];
    let dir = tempfile::tempdir().unwrap();
    let spec = source_spec(dir.path(), &[("path", "a.csv"), ("header", "false")], &declared);
    for round in 0..400 {
        let mut bytes = random_csv(&mut random, round);
        if round.is_multiple_of(10) {
            bytes.extend_from_slice(b"\nx,\"y,z\np,q,r\n");
        }
        fs::write(dir.path().join("a.csv"), &bytes).unwrap();
        let mut first: Option<Result<Read, String>> = None;
        for chunk_bytes in [7, 64, 300, 1 << 20] {
            for level in Level::all() {
                let source = CsvSource::open(&spec, chunk_bytes, level).unwrap();
                let read = read_all(&source, &spec).map_err(|error| error.message);
                match &first {
                    Some(first) => assert_eq!(&read, first, "{:?}", bytes.escape_ascii()),
                    None => first = Some(read),
                }
            }
        }
        let read = match first.unwrap() {
            Ok(read) => read,
            Err(message) => {
                assert!(message.ends_with("cannot be read"), "{message}");
                unread += 1;
                continue;
            }
        };
        let rows = read.rows.iter().map(|row| {
            let text = |value: &Scalar| match value {
                Scalar::String(text) => Some(text.as_bytes().to_vec()),
                _ => None,
            };
            row.iter().map(text).collect::<Option<Vec<_>>>()
        });
        assert_eq!(rows.collect::<Vec<_>>(), truth(&bytes), "{:?}", bytes.escape_ascii());
        let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        assert_eq!(read.extent, (read.rows.len() as u64, lines));
    }
    assert!((1..80).contains(&unread), "{unread} with a quote that is never closed");
}

/// The records of another parser, of bytes that end with a line end; the last one may be in quotes
/// that never close, and is left out then.
fn records_of_csv_core(mut bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let (mut reader, mut records) = (csv_core::Reader::new(), Vec::new());
    let (mut text, mut ends) = (vec![0; bytes.len()], vec![0; bytes.len()]);
    loop {
        let (result, read, _, fields) = reader.read_record(bytes, &mut text, &mut ends);
        if result != csv_core::ReadRecordResult::Record {
            return records;
        }
        let begins = [0].into_iter().chain(ends.iter().copied());
        let field = |(begin, &end): (usize, &usize)| text[begin..end].to_vec();
        records.push(begins.zip(&ends[..fields]).map(field).collect());
        bytes = &bytes[read..];
    }
}

/// Random signs in any order, so that quotes stand where they mean nothing. A carriage return alone
/// is not among them: it ends a line for the other parser, and is text here.
fn random_signs(random: &mut Random) -> Vec<u8> {
    let signs = ["a", "é", " ", ",", ",", "\"", "\"", "\n", "\r\n", "\"a\"", ",\"\"\n"];
    (0..random.below(50)).flat_map(|_| random.pick(&signs).bytes()).collect()
}

#[test]
fn records_are_those_of_another_parser() {
    let (mut random, mut same) = (Random(3), 0);
    let dir = tempfile::tempdir().unwrap();
    for round in 0..300 {
        let mut bytes = random_signs(&mut random);
        bytes.push(b'\n');
        fs::write(dir.path().join("a.csv"), &bytes).unwrap();
        let columns = 2 + round % 2;
        let declared = ["a", "b", "c"].map(|name| (name, DataType::String.required()));
        let given = [("path", "a.csv"), ("header", "false")];
        let spec = source_spec(dir.path(), &given, &declared[..columns]);
        let shown = bytes.escape_ascii();
        let read = match read_in_all_ways(&spec, [1, 64, 1 << 16]) {
            Ok(read) => read,
            Err(error) => {
                assert!(error.message.contains("is never closed"), "{shown}: {}", error.message);
                continue;
            }
        };
        let records = records_of_csv_core(&bytes);
        let open = usize::from(read.bad.last().is_some_and(|bad| bad.2.reason.contains("closed")));
        assert_eq!(read.rows.len(), records.len() + open, "{shown}");
        for (row, record) in records.iter().enumerate() {
            if let Some((.., bad)) = read.bad.iter().find(|bad| bad.0 == row) {
                let quotes = bad.reason.starts_with("text follows a closing quote");
                assert!(quotes || record.len() != columns, "{shown}: {}", bad.reason);
                continue;
            }
            let fields = record.iter().map(|field| string(std::str::from_utf8(field).unwrap()));
            assert_eq!(read.rows[row], fields.collect::<Vec<_>>(), "{shown}");
            same += 1;
        }
    }
    assert!(same > 250, "{same} records were compared");
}

#[test]
fn bad_values_name_row_line_column_and_reason() {
    let declared = [("n", DataType::Int.required()), ("t", DataType::String.optional())];
    let text = "n,t\n1,a\n,b\nx,\"c\nd\"\n4\n5,e,f\n6,\"g\"h\n7,\n8,\"";
    let read = read_text(text, &[], &declared);
    let bad: Vec<(usize, Option<u32>, u64, &str, &str)> =
        read.bad.iter().map(|(r, c, l, t, w)| (*r, *c, *l, t.as_str(), w.as_str())).collect();
    assert_eq!(
        bad,
        [
            (1, Some(0), 2, "", "empty, and the column has no `?`"),
            (2, Some(0), 3, "x", "not an int"),
            (3, None, 5, "4", "1 field where the header has 2"),
            (4, None, 6, "5,e,f", "3 fields where the header has 2"),
            (5, None, 7, "6,\"g\"h", "text follows a closing quote"),
            (7, None, 9, "8,\"", "a quote is never closed"),
        ]
    );
    assert_eq!(read.rows[2], [Scalar::Null, string("c\nd")]);
    assert_eq!(read.rows[3], [Scalar::Null, Scalar::Null]);
    assert_eq!(read.rows[6], [Scalar::Int(7), Scalar::Null]);
}

#[test]
fn a_quote_that_takes_the_rest_of_the_file_ends_the_run() {
    let declared = [("n", DataType::Int.required()), ("t", DataType::String.optional())];
    let error = |text: &str| try_read(text.as_bytes(), &[], &declared).unwrap_err().message;
    assert_eq!(
        error("n,t\n1,\"a\nb\"\n2,\"c\n3,d\n4,e"),
        "the quote that opens in line 4 of a.csv is never closed, and the 2 lines behind it cannot be read"
    );
    // The quote, not the record.
    assert!(error("n,t\n\"1\n\",\"a\n2,b\n").contains("opens in line 3 of a.csv"));
    // Nothing is lost behind it.
    let bad = |text: &str| read_text(text, &[], &declared).bad.pop().unwrap();
    assert_eq!(
        bad("n,t\n1,\"a\n\n"),
        (0, None, 1, "1,\"a".into(), "a quote is never closed".into())
    );
    let (.., text, reason) = bad("n,t\n1,\"a\n2,b\n3,\"c\"\n4,d\n");
    assert_eq!(text, "1,\"a\n2,b\n3,\"c\"");
    assert_eq!(reason, "text follows a closing quote, whose opening one is 2 lines before");
}

#[test]
fn a_refused_record_is_shown_without_the_comments_behind_it() {
    let declared = [("a", DataType::Int.required()), ("b", DataType::Int.required())];
    let read =
        read_text("1\n# why\n\n2,3\n4\n", &[("header", "false"), ("comment", "#")], &declared);
    let shown: Vec<&str> = read.bad.iter().map(|bad| bad.3.as_str()).collect();
    assert_eq!(shown, ["1", "4"]);
}

#[test]
fn null_is_what_the_column_and_the_spelling_say() {
    let declared = [
        ("a", DataType::String.required()),
        ("b", DataType::String.optional()),
        ("c", DataType::Int.optional()),
    ];
    let read = read_text("a,b,c\n,,\n\"\",\"\",\"\"\n", &[], &declared);
    assert_eq!(read.rows[0], [string(""), Scalar::Null, Scalar::Null]);
    assert_eq!(read.rows[1], [string(""), string(""), Scalar::Null]);
    let read = read_text("a,b,c\nNA,NA,NA\n,,1\n,\"NA\",-9\n", &[("null", "NA")], &declared);
    assert_eq!(read.rows[0], [string("NA"), Scalar::Null, Scalar::Null]);
    assert_eq!(read.rows[1], [string(""), string(""), Scalar::Int(1)]);
    assert_eq!(read.rows[2], [string(""), string("NA"), Scalar::Int(-9)]);
    let list = Scalar::List(vec![string(""), string("-9")]);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.csv"), "a,b,c\nx,,-9\nx,-9,\n").unwrap();
    let mut spec = source_spec(dir.path(), &[("path", "a.csv")], &declared);
    spec.arguments.0.push(("null".into(), list));
    let read = read_all(&*super::source::open(&spec).unwrap(), &spec).unwrap();
    assert!(
        read.bad.is_empty() && read.rows.iter().all(|row| row[1..] == [Scalar::Null, Scalar::Null])
    );
}

#[test]
fn columns_are_bound_by_the_header_or_by_position() {
    let declared = [("b", DataType::Int.required()), ("a", DataType::Int.required())];
    let expected = [[Scalar::Int(2), Scalar::Int(1)]];
    assert_eq!(read_text("a,x,b\n1,9,2\n", &[], &declared).rows, expected);
    assert_eq!(read_text("\u{FEFF}\"a\",b\r\n1,2", &[], &declared).rows, expected);
    assert_eq!(read_text("2,1", &[("header", "false")], &declared).rows, expected);
    let odd = [("delimiter", ";"), ("quote", "'"), ("comment", "#"), ("skip", "2")];
    let text = "it's \" a\ntitle\n#x\n\na;b\n#it's\n'1';2\n\n";
    assert_eq!(read_text(text, &odd, &declared).rows, expected);
    let error = |text: &[u8]| try_read(text, &[], &declared).unwrap_err();
    assert_eq!(error(b"a,bb\n").message, "a.csv has no column `b`");
    assert_eq!(
        error(b"a,bb\n").help.unwrap(),
        "it has `bb`: declare it as that, or as `b: … named \"bb\"`"
    );
    assert_eq!(
        error(b"a;b\n").help.unwrap(),
        "its columns are parted by another sign: `delimiter: \";\"`"
    );
    assert!(error(b"a\tb\n").help.unwrap().ends_with("`delimiter: \"\\t\"`"));
    assert_eq!(error(b"a,b,a\n").message, "a.csv has two columns `a`");
    assert_eq!(error(b"").message, "a.csv is empty, and a header was expected");
    assert!(error(b"\xFF\xFEa\0").message.contains("UTF-16"));
    assert_eq!(read_text("a,b\n", &[], &declared).rows.len(), 0);
    // Whatever stands before it, also where that fills whole pieces of the file.
    assert_eq!(
        read_text(&format!("{}a,b\n1,2\n", "\n".repeat(200)), &[], &declared).rows,
        read_text("a,b\n1,2\n", &[], &declared).rows
    );
    assert_eq!(read_text("", &[("header", "false")], &declared).rows.len(), 0);
}

#[test]
fn text_that_is_not_utf8_is_bad_only_where_it_stands() {
    let declared = [("a", DataType::String.required()), ("b", DataType::Int.required())];
    let read = try_read(b"a,b,c\nx,1,\xFF\ny\xFF,2,\n\"z\"\"\",3,\n", &[], &declared).unwrap();
    assert_eq!(read.bad.len(), 1);
    assert_eq!(read.bad[0].4, "not UTF-8");
    assert_eq!(read.rows[0], [string("x"), Scalar::Int(1)]);
    assert_eq!(read.rows[1], [Scalar::Null, Scalar::Int(2)]);
    assert_eq!(read.rows[2], [string("z\""), Scalar::Int(3)]);
}

#[test]
fn what_is_written_reads_back() {
    let mut random = Random(2);
    let declared = all_types();
    let dir = tempfile::tempdir().unwrap();
    for (path, null) in [("a.csv", ""), ("b.csv", "NA"), ("c.csv.gz", ""), ("d.csv.zst", "")] {
        let (rows, batches) = random_batches(&mut random, &declared, &[100, 1, 0, 300]);
        let given = [("path", path), ("null", null)];
        write_file(&CONNECTOR, &sink_spec(dir.path(), &given, &declared), &batches).unwrap();
        let read = read_file(&CONNECTOR, dir.path(), &given, &declared).unwrap();
        assert!(read.bad.is_empty(), "{:?}", read.bad);
        assert_eq!(read.rows, rows);
    }
}

#[test]
fn a_single_column_keeps_its_nulls_and_empty_texts() {
    let declared = [("a", DataType::String.optional())];
    let dir = tempfile::tempdir().unwrap();
    let values = [Scalar::Null, string(""), Scalar::Null, string("x")];
    let batch = Batch::new(vec![array_of(&DataType::String, &values)], 4, 0);
    write_file(&CONNECTOR, &sink_spec(dir.path(), &[("path", "a.csv")], &declared), &[batch])
        .unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("a.csv")).unwrap(), "a\n\n\"\"\n\nx\n");
    let read = read_file(&CONNECTOR, dir.path(), &[("path", "a.csv")], &declared).unwrap();
    assert_eq!(read.rows.concat(), values);
}

#[test]
fn formulas_are_escaped_on_request() {
    let declared = [("a", DataType::String.required())];
    let dir = tempfile::tempdir().unwrap();
    let batch = Batch::new(vec![array_of(&DataType::String, &[string("=1,2")])], 1, 0);
    let given = [("path", "a.csv"), ("formulas", "escape"), ("header", "false")];
    write_file(&CONNECTOR, &sink_spec(dir.path(), &given, &declared), &[batch]).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("a.csv")).unwrap(), "\"'=1,2\"\n");
}

#[test]
fn many_files_are_read_in_the_order_of_their_names() {
    let declared = [("a", DataType::Int.required())];
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("2.csv", "a\n3"), ("1.csv", "b,a\n0,1\n0,2\n"), (".3.csv", "a\n9")] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let read = read_file(&CONNECTOR, dir.path(), &[("path", "*.csv")], &declared).unwrap();
    assert_eq!(read.rows.concat(), [Scalar::Int(1), Scalar::Int(2), Scalar::Int(3)]);
    for (path, message) in [
        ("x*.csv", "no file matches x*.csv"),
        ("x.csv", "cannot open x.csv: no such file or directory"),
        (".", ". is a directory"),
        ("/dev/null", "/dev/null is a device, not a file"),
    ] {
        let error = read_file(&CONNECTOR, dir.path(), &[("path", path)], &declared).unwrap_err();
        assert_eq!(error.message, message);
    }
}
