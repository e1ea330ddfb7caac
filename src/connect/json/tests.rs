//! What is written reads back; lines and arrays, whole and broken; serde_json as the judge.

use super::CONNECTOR;
use super::source::JsonSource;
use crate::connect::ConnectError;
use crate::connect::testing::{
    Random, Read, all_types, random_batches, read_all, read_file, sink_spec, source_spec,
    write_file,
};
use crate::types::{DataType, Field, Scalar, Type};
use std::fs;

fn string(text: &str) -> Scalar {
    Scalar::String(text.into())
}

/// Reads a text in chunks of many sizes, which must not matter.
fn try_read(text: &[u8], declared: &[(&str, Type)]) -> Result<Read, ConnectError> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.json"), text).unwrap();
    let spec = source_spec(dir.path(), &[("path", "a.json")], declared);
    let mut reads = [1, 9, 64, 1 << 20].map(|chunk_bytes| {
        JsonSource::open(&spec, chunk_bytes).and_then(|source| read_all(&source, &spec))
    });
    let last = reads[3].clone_result();
    for read in &mut reads[..3] {
        match (read, &last) {
            (Ok(read), Ok(last)) => assert_eq!(read, last),
            (read, last) => assert_eq!(read.is_err(), last.is_err()),
        }
    }
    last
}

trait CloneResult {
    fn clone_result(&mut self) -> Self;
}

impl CloneResult for Result<Read, ConnectError> {
    fn clone_result(&mut self) -> Self {
        match self {
            Ok(read) => {
                let Read { rows, bad, extent } = read;
                Ok(Read { rows: rows.clone(), bad: bad.clone(), extent: *extent })
            }
            Err(error) => Err(error.clone()),
        }
    }
}

fn columns() -> [(&'static str, Type); 3] {
    [
        ("a", DataType::Int.required()),
        ("b", DataType::String.optional()),
        ("c", DataType::List(Box::new(DataType::Float.required())).optional()),
    ]
}

#[test]
fn what_is_written_reads_back() {
    let mut random = Random(5);
    let declared = all_types();
    let dir = tempfile::tempdir().unwrap();
    for path in ["a.jsonl", "b.json.gz", "c.json.zst"] {
        let (rows, batches) = random_batches(&mut random, &declared, &[100, 0, 1, 60]);
        write_file(&CONNECTOR, &sink_spec(dir.path(), &[("path", path)], &declared), &batches)
            .unwrap();
        let read = read_file(&CONNECTOR, dir.path(), &[("path", path)], &declared).unwrap();
        assert!(read.bad.is_empty(), "{:?}", read.bad);
        assert_eq!(read.rows, rows);
    }
    let text = fs::read_to_string(dir.path().join("a.jsonl")).unwrap();
    for line in text.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn lines_and_arrays_read_the_same() {
    let lines = "\u{FEFF}{\"a\":1,\"x\":[{\"a\":2}],\"b\":\"\\u00e9\\ud83d\\ude00\\n\"}\r\n\n {\"b\":null,\"a\":-2,\"c\":[1,2.5e1,-0]} \n{\"c\":[],\"\\u0061\":3}";
    let array = "\u{FEFF}\n[{\"a\":1,\"x\":[{\"a\":2}],\"b\":\"\\u00e9\\ud83d\\ude00\\n\"}\r\n,\n {\"b\":null,\"a\":-2,\n\"c\":[1,2.5e1,-0]} \n,{\"c\":[],\"\\u0061\":3}]\n";
    let rows = [
        vec![Scalar::Int(1), string("é😀\n"), Scalar::Null],
        vec![
            Scalar::Int(-2),
            Scalar::Null,
            Scalar::List([1.0, 25.0, -0.0].map(Scalar::Float).to_vec()),
        ],
        vec![Scalar::Int(3), Scalar::Null, Scalar::List(vec![])],
    ];
    for text in [lines, array] {
        let read = try_read(text.as_bytes(), &columns()).unwrap();
        assert!(read.bad.is_empty(), "{:?}", read.bad);
        assert_eq!(read.rows, rows);
        assert_eq!(read.extent, (3, text.matches('\n').count() as u64));
    }
    for empty in ["", "[]", " [ ] ", "\n\n"] {
        assert_eq!(try_read(empty.as_bytes(), &columns()).unwrap().rows.len(), 0, "{empty}");
    }
}

#[test]
fn bad_values_name_row_line_column_and_reason() {
    let text = b"{\"a\":1.5}\n\n{\"a\":null,\"b\":7}\n{}\n[1]\n{\"a\":1,}\n{\"a\":1}{}\n{\"a\":1,\"b\":\"\\ud800\"}\n{\"a\":2,\"b\":\"\xFF\"}\n{\"a\":3,\"c\":[1,\"x\"]}\n{\"a\":\"4\"";
    let read = try_read(text, &columns()).unwrap();
    let bad: Vec<(usize, Option<u32>, u64, &str, &str)> =
        read.bad.iter().map(|(r, c, l, t, w)| (*r, *c, *l, t.as_str(), w.as_str())).collect();
    assert_eq!(
        bad,
        [
            (0, Some(0), 0, "1.5", "not an int"),
            (1, Some(0), 2, "", "null, and its type has no `?`"),
            (1, Some(1), 2, "7", "not a string"),
            (2, Some(0), 3, "", "missing, and its type has no `?`"),
            (3, None, 4, "[1]", "not a JSON object"),
            (4, None, 5, "{\"a\":1,}", "not JSON: a key is missing at character 8"),
            (5, None, 6, "{\"a\":1}{}", "not JSON: text follows the object"),
            (6, Some(1), 7, "\"\\ud800\"", "half a character (a lone surrogate)"),
            (7, Some(1), 8, "\"\u{FFFD}\"", "not UTF-8"),
            (8, Some(2), 9, "\"x\"", "[1]: not a float"),
            (9, None, 10, "{\"a\":\"4\"", "not JSON: it ends, and a comma or `}` is missing"),
        ]
    );
    let inner = DataType::Record(vec![Field::new("x", DataType::Int.required())].into());
    let read = try_read(b"{\"r\":{\"x\":true}}\n{\"r\":[]}", &[("r", inner.optional())]).unwrap();
    assert_eq!(read.bad[0].4, ".x: not an int");
    assert_eq!(read.bad[1].4, "not a record");
}

#[test]
fn a_broken_array_is_an_error() {
    for (text, message) in [
        ("[{\"a\":1}", "a.json is not JSON: a comma or `]` is missing at its end"),
        ("[{\"a\":1},]", "a.json is not JSON: a value is missing at `]`"),
        ("[{\"a\":1}] x", "a.json is not JSON: text follows the array at `x`"),
        ("[{\"a\":1} {\"a\":2}]", "a.json is not JSON: a comma or `]` is missing at `{\"a\":2}]`"),
        ("[", "a.json is not JSON: a value is missing at its end"),
    ] {
        assert_eq!(try_read(text.as_bytes(), &columns()).unwrap_err().message, message);
    }
    let deep = format!("{{\"a\":1,\"d\":{}}}", "[".repeat(100_000));
    assert!(try_read(deep.as_bytes(), &columns()).unwrap().bad[0].4.contains("too deep"));
}

#[test]
fn random_lines_are_judged_as_serde_json_judges() {
    let mut random = Random(6);
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "1",
        "-0.5e+3",
        "01",
        "1.",
        "true",
        "nul",
        "null",
        "\"\\u0041\"",
        "\"x\\\\\"",
        " ",
        "\"",
        "-",
    ];
    let start = ["{\"a\":", "{\"a\":1,\"b\":", "{", ""];
    let (mut good, mut all) = (0, 0);
    for _ in 0..2000 {
        let mut line = random.pick(&start).to_owned();
        for _ in 0..random.below(6) {
            line.push_str(random.pick(&pieces));
        }
        line.push_str(random.pick(&["}", ""]));
        if line.trim().is_empty() || line.trim_start().starts_with('[') {
            continue;
        }
        let expected = serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(&line);
        let declared = [("z", DataType::Int.optional())];
        let read = try_read(line.as_bytes(), &declared).unwrap();
        assert_eq!(read.bad.is_empty(), expected.is_ok(), "{line}: {expected:?}");
        good += usize::from(expected.is_ok());
        all += 1;
    }
    assert!(good > 50 && all > 1000, "{good} of {all}");
}

#[test]
fn values_within_lists_and_records_stay_in_their_rows() {
    let point = DataType::Record(vec![Field::new("x", DataType::Int.optional())].into());
    let list = DataType::List(Box::new(point.clone().optional())).optional();
    let declared = [("l", list), ("p", point.optional())];
    let point = |x| Scalar::Record(vec![x]);
    let lines = [
        // The last value counts, whatever was found in the first.
        ("{\"l\":[{\"x\":1},{\"x\":2}],\"p\":{\"x\":3},\"l\":[{\"x\":4,\"x\":5}],\"p\":{}}", 0),
        ("{\"l\":[{\"x\":6},null,{\"y\":[{\"x\":7}]}],\"p\":null}", 0),
        ("{\"l\":[{\"x\":8},{\"x\":9}", 1),
        ("{\"l\":[],\"p\":{\"x\":10}}", 0),
        ("{\"l\":[[{\"x\":11}]],\"p\":[12]}", 2),
    ];
    let (int, null) = (|x| point(Scalar::Int(x)), || Scalar::Null);
    let rows = [
        vec![Scalar::List(vec![int(5)]), point(null())],
        vec![Scalar::List(vec![int(6), null(), point(null())]), null()],
        vec![null(), null()],
        vec![Scalar::List(vec![]), int(10)],
        vec![Scalar::List(vec![null()]), null()],
    ];
    let mut text = String::new();
    // More rows than a batch holds.
    for _ in 0..14_000 {
        lines.iter().for_each(|(line, _)| text.extend([line, "\n"]));
    }
    let read = try_read(text.as_bytes(), &declared).unwrap();
    assert!(read.rows.chunks(rows.len()).all(|found| found == rows), "{:?}", &read.rows[..5]);
    assert_eq!(read.bad.len(), 14_000 * lines.iter().map(|line| line.1).sum::<usize>());
}

#[test]
fn keys_of_any_length_are_told_from_those_expected() {
    let wanted: Vec<String> = (1..40).map(|len| "k".repeat(len)).collect();
    let declared: Vec<(&str, Type)> =
        wanted.iter().map(|key| (&**key, DataType::Int.optional())).collect();
    let mut text = String::new();
    // Every key beside one that differs from it in one character, in turn at the same position.
    for (len, key) in (1..).zip(&wanted) {
        for at in 0..len {
            let mut other = key.clone();
            other.replace_range(at..=at, "x");
            text += &format!("{{\"{key}\":{at}}}\n{{\"{other}\" : -1}}\n");
        }
    }
    let read = try_read(text.as_bytes(), &declared).unwrap();
    assert!(read.bad.is_empty(), "{:?}", read.bad);
    let mut rows = read.rows.iter();
    for len in 1..40 {
        for at in 0..len {
            let nothing = vec![Scalar::Null; wanted.len()];
            let mut row = nothing.clone();
            row[len - 1] = Scalar::Int(at as i64);
            assert_eq!([rows.next(), rows.next()], [Some(&row), Some(&nothing)]);
        }
    }
}
