//! What is written reads back, files of other writers read as the declared types, and damage is told.

use super::CONNECTOR;
use super::rows::write_long;
use super::sink;
use crate::connect::testing::{
    Random, Read, all_types, random_batches, read_all, read_file, same_bytes, sink_spec,
    source_spec, write_file,
};
use crate::connect::{ConnectError, Side};
use crate::data::Batch;
use crate::types::{DataType, EnumMember, EnumType, Field, Scalar, Type};
use arrow_array::{ArrayRef, Int64Array};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The types that an Avro file can hold.
fn held_types() -> Vec<(&'static str, Type)> {
    let mut types = all_types();
    types.retain(|(name, _)| !matches!(*name, "times" | "deep"));
    let named = |text: &str| EnumMember { name: "m".into(), text: text.into() };
    let members = ["low", "high"].map(named).to_vec();
    let level = DataType::Enum(Arc::new(EnumType { name: "Level".into(), members }));
    types.push(("level", level.clone().optional()));
    let numbers = DataType::List(Box::new(DataType::Int.required())).optional();
    let fields = vec![Field::new("xs", numbers), Field::new("level", level.clone().required())];
    let deep = DataType::Record(fields.into()).required();
    types.push(("deep", DataType::List(Box::new(deep)).required()));
    let by_level = DataType::map(DataType::String.required(), level.optional());
    types.push(("levels", by_level.required()));
    types
}

#[test]
fn what_is_written_reads_back() {
    let mut random = Random(3);
    let declared = held_types();
    let dir = tempfile::tempdir().unwrap();
    for compression in ["deflate", "snappy", "zstd", "none"] {
        let (rows, batches) = random_batches(&mut random, &declared, &[100, 0, 1, 500]);
        let given = [("path", "a.avro"), ("compression", compression)];
        write_file(&CONNECTOR, &sink_spec(dir.path(), &given, &declared), &batches).unwrap();
        for chunk in [1, 1 << 20] {
            let mut spec = source_spec(dir.path(), &given[..1], &declared);
            spec.chunk = chunk;
            let read = read_all(&*CONNECTOR.source.unwrap()(&spec).unwrap(), &spec).unwrap();
            assert!(read.bad.is_empty(), "{:?}", read.bad);
            assert_eq!(read.rows, rows, "{compression}");
        }
        // Some of the columns, of which one was there twice.
        let mut spec = source_spec(dir.path(), &given[..1], &declared);
        spec.projection = vec![19, 2, 0, 2, 22];
        let read = read_all(&*CONNECTOR.source.unwrap()(&spec).unwrap(), &spec).unwrap();
        let wanted =
            |row: &Vec<Scalar>| spec.projection.iter().map(|&at| row[at].clone()).collect();
        assert_eq!(read.rows, rows.iter().map(wanted).collect::<Vec<Vec<Scalar>>>());
        spec.projection = vec![];
        let read = read_all(&*CONNECTOR.source.unwrap()(&spec).unwrap(), &spec).unwrap();
        assert_eq!(read.rows.len(), rows.len());
    }
}

#[test]
fn bytes_depend_on_rows_alone() {
    let ways = [(1000, 0), (77_777, 0), (333, 4)];
    same_bytes(&CONNECTOR, DataType::String.optional(), 100_000, &ways);
}

#[test]
fn what_was_written_so_far_is_gone_on_with() {
    let declared = held_types();
    let dir = tempfile::tempdir().unwrap();
    let (_, batches) = random_batches(&mut Random(9), &declared, &[700, 400, 3, 900]);
    write_file(&CONNECTOR, &sink_spec(dir.path(), &[("path", "a.avro")], &declared), &batches)
        .unwrap();
    let mut spec = sink_spec(dir.path(), &[("path", "b.avro")], &declared);
    for batch in &batches {
        let sink = sink::open(&spec).unwrap();
        sink.append(0, sink.encode(batch).unwrap()).unwrap();
        spec.behind = sink.pause().unwrap();
        assert!(spec.behind.is_some());
        sink.keep();
    }
    let staged = sink::open(&spec).unwrap().finish();
    let mut staged = staged.unwrap();
    assert_eq!(staged.rows, 2003);
    staged.publish().unwrap();
    let bytes = |name| fs::read(dir.path().join(name)).unwrap();
    assert!(bytes("a.avro") == bytes("b.avro"));
}

#[test]
fn rows_are_added_behind_those_of_the_same_columns() {
    let declared = [("i", DataType::Int.required())];
    let dir = tempfile::tempdir().unwrap();
    let numbers = |from: i64| {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 5));
        [Batch::new(vec![column], 5, 0)]
    };
    let mut spec = sink_spec(dir.path(), &[("path", "a.avro")], &declared);
    spec.adds = true;
    write_file(&CONNECTOR, &spec, &numbers(0)).unwrap();
    write_file(&CONNECTOR, &spec, &numbers(5)).unwrap();
    let read = read_file(&CONNECTOR, dir.path(), &[("path", "a.avro")], &declared).unwrap();
    let all: Vec<Vec<Scalar>> = (0..10).map(|number| vec![Scalar::Int(number)]).collect();
    assert_eq!(read.rows, all);
    spec.columns[0].ty = DataType::Int.optional();
    let error = sink::open(&spec).err().unwrap();
    assert!(error.message.contains("it does not begin as"), "{}", error.message);
}

fn text(text: &str, out: &mut Vec<u8>) {
    write_long(text.len() as i64, out);
    out.extend_from_slice(text.as_bytes());
}

/// A file of one block of these records.
fn write_foreign(path: &Path, codec: &str, fields: &str, records: &[Vec<u8>]) {
    let mut file = b"Obj\x01".to_vec();
    write_long(2, &mut file);
    text("avro.codec", &mut file);
    text(codec, &mut file);
    text("avro.schema", &mut file);
    text(&format!(r#"{{"type":"record","name":"r","fields":[{fields}]}}"#), &mut file);
    write_long(0, &mut file);
    file.extend_from_slice(&[7; 16]);
    let block = records.concat();
    write_long(records.len() as i64, &mut file);
    write_long(block.len() as i64, &mut file);
    file.extend_from_slice(&block);
    file.extend_from_slice(&[7; 16]);
    fs::write(path, file).unwrap();
}

fn read_foreign(
    dir: &Path,
    field: &str,
    ty: &Type,
    records: &[Vec<u8>],
) -> Result<Read, ConnectError> {
    write_foreign(&dir.join("a.avro"), "null", field, records);
    read_file(&CONNECTOR, dir, &[("path", "a.avro")], &[("x", ty.clone())])
}

fn int(value: i64) -> Vec<u8> {
    let mut out = vec![];
    write_long(value, &mut out);
    out
}

#[test]
fn types_of_other_writers_are_read_where_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let named = |text: &str| EnumMember { name: "m".into(), text: text.into() };
    let members = ["high", "low"].map(named).to_vec();
    let level = DataType::Enum(Arc::new(EnumType { name: "Level".into(), members }));
    let cases: Vec<(&str, Type, Vec<u8>, Scalar)> = vec![
        (r#""int""#, DataType::Int.required(), int(-3), Scalar::Int(-3)),
        (r#""int""#, DataType::Float.required(), int(-3), Scalar::Float(-3.0)),
        (r#""float""#, DataType::Float.required(), 0.5f32.to_le_bytes().into(), Scalar::Float(0.5)),
        (
            r#"["string","null"]"#,
            DataType::String.optional(),
            vec![0, 4, b'h', b'i'],
            Scalar::String("hi".into()),
        ),
        (r#"["string","null"]"#, DataType::String.optional(), vec![2], Scalar::Null),
        (r#"["null","string"]"#, DataType::String.optional(), vec![0], Scalar::Null),
        (
            r#"{"type":"enum","name":"L","symbols":["low","high"]}"#,
            level.required(),
            vec![2],
            Scalar::Enum(0),
        ),
        (
            r#"{"type":"fixed","name":"D","size":2,"logicalType":"decimal","precision":4,"scale":1}"#,
            DataType::Decimal { precision: 6, scale: 2 }.required(),
            vec![0xFF, 0xFE],
            Scalar::Decimal(-20),
        ),
        (
            r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#,
            DataType::Uuid.required(),
            (0..16).collect(),
            Scalar::String("00010203-0405-0607-0809-0a0b0c0d0e0f".into()),
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            DataType::Timestamp.required(),
            int(-1),
            Scalar::Timestamp(-1000),
        ),
        (
            r#"{"type":"long","logicalType":"local-timestamp-millis"}"#,
            DataType::Datetime.required(),
            int(5),
            Scalar::Datetime(5000),
        ),
        (
            r#"{"type":"int","logicalType":"time-millis"}"#,
            DataType::Time.required(),
            int(5),
            Scalar::Duration(5000),
        ),
        (
            // Two blocks of items, of which the second says how long it is.
            r#"{"type":"array","items":"long"}"#,
            DataType::List(Box::new(DataType::Int.required())).required(),
            vec![2, 10, 1, 2, 12, 0],
            Scalar::List(vec![Scalar::Int(5), Scalar::Int(6)]),
        ),
    ];
    for (ty, declared, record, value) in cases {
        let field = format!(r#"{{"name":"x","type":{ty}}}"#);
        let read = read_foreign(dir.path(), &field, &declared, &[record]);
        let read = read.unwrap_or_else(|error| panic!("{ty}: {error}"));
        assert!(read.bad.is_empty(), "{ty}: {:?}", read.bad);
        assert_eq!(read.rows, [[value]], "{ty}");
    }
}

#[test]
fn a_type_that_is_defined_in_another_column_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let fields = r#"{"name":"y","type":{"type":"enum","name":"L","symbols":["a","b"]}},
        {"name":"x","type":"L"}"#;
    let read = read_foreign(dir.path(), fields, &DataType::String.required(), &[vec![0, 2]]);
    assert_eq!(read.unwrap().rows, [[Scalar::String("b".into())]]);
}

#[test]
fn what_does_not_fit_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let told = |field: &str, ty: &Type, records: &[Vec<u8>]| match read_foreign(
        dir.path(),
        field,
        ty,
        records,
    ) {
        Ok(read) => format!("{:?}", read.bad),
        Err(error) => error.message,
    };
    let long = r#"{"name":"x","type":"long"}"#;
    let optional = r#"{"name":"x","type":["null","long"]}"#;
    let union = r#"{"name":"x","type":["null","long","string"]}"#;
    let node = r#"{"name":"x","type":["null","r"]}"#;
    let (number, text) = (DataType::Int.required(), DataType::String.required());
    let shown = [
        told(long, &text, &[vec![2]]),
        told(r#"{"name":"y","type":"long"}"#, &number, &[vec![2]]),
        told(optional, &number, &[vec![2, 2], vec![0]]),
        told(union, &number, &[vec![2, 2]]),
        told(node, &number, &[vec![0]]),
        told(r#"{"name":"x","type":"string"}"#, &text, &[vec![2, 0xFF]]),
        told(long, &number, &[vec![2], vec![0x80]]),
    ];
    let expected = [
        "column `x` of a.avro is int, and string is declared",
        "a.avro has no column `x`",
        "[(1, Some(0), 0, \"\", \"null, and its type has no `?`\")]",
        "column `x` of a.avro is a union of null, int, string, and int is declared",
        "cannot read the schema of a.avro: failed to resolve .r",
        "cannot read the block at byte 120 of a.avro: a value is damaged, encountered non UTF-8 data: \
         invalid utf-8 sequence of 1 bytes from index 0",
        "cannot read the block at byte 118 of a.avro: its record 2 is damaged, bad varint",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn what_no_avro_file_holds_is_told_before() {
    let check = |path: &str, name: &str, ty: DataType| {
        let spec = sink_spec(Path::new(""), &[("path", path)], &[(name, ty.required())]);
        let found = CONNECTOR.check(&spec.arguments, Side::Sink, &spec.columns);
        found.into_iter().map(|(_, error)| error.message).collect::<Vec<_>>().join("; ")
    };
    let dated = DataType::map(DataType::Date.required(), DataType::Int.required());
    let record = DataType::Record(vec![Field::new("ü", DataType::Int.required())].into());
    let shown = [
        check("a.avro", "x", DataType::Int),
        check("a.avro.gz", "x", DataType::Int),
        check("a.avro", "größe", DataType::Int),
        check("a.avro", "x", DataType::List(Box::new(dated.required()))),
        check("a.avro", "x", record),
    ];
    let expected = [
        "",
        "an Avro file is packed within, and is not called `a.avro.gz`",
        "no column of an Avro file can be called `größe`",
        "column `x` has date as keys, and those of an Avro map are texts",
        "column `x` has a field `ü`, and no field of an Avro file can be called so",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn damage_is_told_and_never_a_panic() {
    let declared = held_types();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.avro");
    let read = || read_file(&CONNECTOR, dir.path(), &[("path", "a.avro")], &declared);
    for compression in ["none", "deflate", "snappy", "zstd"] {
        let (_, batches) = random_batches(&mut Random(5), &declared, &[40]);
        let given = [("path", "a.avro"), ("compression", compression)];
        write_file(&CONNECTOR, &sink_spec(dir.path(), &given, &declared), &batches).unwrap();
        let whole = fs::read(&path).unwrap();
        for end in (0..whole.len()).step_by(23) {
            fs::write(&path, &whole[..end]).unwrap();
            if let Ok(read) = read() {
                // A file may end with its header, and then has no rows.
                assert!(read.rows.is_empty(), "{compression}, {end} bytes");
            }
        }
        let mut random = Random(7);
        for _ in 0..600 {
            let mut damaged = whole.clone();
            let at = random.below(whole.len());
            damaged[at] ^= 1 << random.below(8);
            fs::write(&path, damaged).unwrap();
            // It may have become another right file.
            let _ = read();
        }
    }
}
