//! What the tests of connectors share: specifications, whole reads and random bytes.

use super::{
    Arguments, BadValue, Batch, CHUNK_BYTES, Column, ConnectError, Connector, SinkSpec, Source,
    SourceSpec, fuzzing,
};
use crate::data::array_of;
use crate::types::{DAYS, DataType, EnumMember, EnumType, Field, MICROS, Scalar, Type};
use arrow_array::{ArrayRef, Int64Array, StringViewArray};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What a source gave.
#[derive(Debug, Default, PartialEq)]
pub struct Read {
    /// All rows.
    pub rows: Vec<Vec<Scalar>>,
    /// Row, column, line, text and reason (behind the path) of every bad value, counted from the
    /// start of the file.
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
        chunk: CHUNK_BYTES,
        wanted: vec![],
        readings: None,
        only: None,
        is_whole: false,
    }
}

pub fn sink_spec(base: &Path, given: &[(&str, &str)], declared: &[(&str, Type)]) -> SinkSpec {
    let (arguments, columns) = (arguments(given), columns(declared));
    SinkSpec {
        base: base.to_owned(),
        arguments,
        columns,
        run: "run".into(),
        parts: None,
        adds: false,
        behind: None,
        folders: None,
    }
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
    let fuzzing::Read { rows, bad, extent } = fuzzing::read(source, spec)?;
    let told = |(row, line, bad): (usize, Option<u64>, BadValue)| {
        let path = if bad.path.is_empty() { bad.path } else { bad.path + ": " };
        (row, bad.column, line.unwrap_or(0), bad.text, path + &bad.reason)
    };
    Ok(Read { rows, bad: bad.into_iter().map(told).collect(), extent })
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
    let mut staged = sink.finish()?;
    assert_eq!(staged.rows, batches.iter().map(|batch| batch.rows as u64).sum::<u64>());
    staged.publish()
}

/// Holds that the bytes of a file depend on its rows alone: so many of them, a number and a text of this
/// type, come in pieces of some size, which so many threads pack while they come; size and threads of
/// each way.
pub fn same_bytes(connector: &Connector, text: Type, rows: usize, ways: &[(usize, usize)]) {
    let declared = [("i", DataType::Int.required()), ("s", text)];
    let dir = tempfile::tempdir().unwrap();
    let numbers: Vec<i64> = (0..rows as i64).map(|at| at * 7919 % 100_003).collect();
    let texts: Vec<String> = numbers.iter().map(|number| format!("number {number}")).collect();
    let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
    let texts: ArrayRef = Arc::new(texts.iter().map(Some).collect::<StringViewArray>());
    let open = connector.sink.expect("it writes");
    let write = |path: &str, (size, threads): (usize, usize)| {
        let sink = open(&sink_spec(dir.path(), &[("path", path)], &declared)).unwrap();
        let have_come = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while !have_come.load(Relaxed) {
                        sink.work().unwrap();
                    }
                });
            }
            for start in (0..rows).step_by(size) {
                let len = size.min(rows - start);
                let columns = vec![numbers.slice(start, len), texts.slice(start, len)];
                sink.append(0, sink.encode(&Batch::new(columns, len, 0)).unwrap()).unwrap();
            }
            have_come.store(true, Relaxed);
        });
        sink.finish().unwrap().publish().unwrap();
        fs::read(dir.path().join(path)).unwrap()
    };
    let first = write("first", ways[0]);
    for way in &ways[1..] {
        assert!(first == write("other", *way), "{way:?}");
    }
    let read = read_file(connector, dir.path(), &[("path", "first")], &declared).unwrap();
    assert_eq!(read.extent, (rows as u64, rows as u64));
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

/// A column of every type that is not nested.
pub fn flat_types() -> Vec<(&'static str, Type)> {
    let member = |text: &str| EnumMember { name: "m".into(), text: text.into() };
    let members = (0..12).map(|at| member(&format!("m,\"{at}"))).collect();
    vec![
        ("s", DataType::String.optional()),
        ("b", DataType::Bool.optional()),
        ("i", DataType::Int.optional()),
        ("f", DataType::Float.optional()),
        ("d", DataType::Decimal { precision: 38, scale: 6 }.optional()),
        ("e2", DataType::Decimal { precision: 9, scale: 2 }.optional()),
        ("day", DataType::Date.optional()),
        ("dt", DataType::Datetime.optional()),
        ("ts", DataType::Timestamp.optional()),
        ("len", DataType::Duration.optional()),
        ("e", DataType::Enum(Arc::new(EnumType { name: "E".into(), members })).optional()),
        ("text", DataType::String.required()),
        ("json", DataType::Json.optional()),
        ("id", DataType::Uuid.optional()),
        ("raw", DataType::Bytes.optional()),
        ("clock", DataType::Time.optional()),
    ]
}

/// The same and lists and records of them.
pub fn all_types() -> Vec<(&'static str, Type)> {
    let mut types = flat_types();
    let fields: Vec<Field> = types.iter().map(|(name, ty)| Field::new(*name, ty.clone())).collect();
    let record = DataType::Record(fields.into());
    types.push(("texts", DataType::List(Box::new(DataType::String.optional())).required()));
    types.push(("records", DataType::List(Box::new(record.clone().optional())).optional()));
    types.push(("record", record.optional()));
    let numbers = DataType::List(Box::new(DataType::Int.required())).optional();
    let deep = DataType::Record(vec![Field::new("x y", numbers)].into()).required();
    let map = DataType::map(DataType::String.required(), DataType::Int.optional());
    types.push(("map", map.optional()));
    let times = DataType::map(DataType::Date.required(), DataType::Bytes.required());
    types.push(("times", times.required()));
    types.push(("deep", DataType::List(Box::new(deep)).required()));
    types
}

/// A value of a type, often an extreme one.
pub fn random_value(random: &mut Random, ty: &Type) -> Scalar {
    if ty.nullable && random.below(5) == 0 {
        return Scalar::Null;
    }
    let number = (random.below(1 << 31) as i64) << 33 ^ random.below(1 << 31) as i64;
    let smaller = number >> random.below(60);
    let number = random.pick(&[i64::MIN, i64::MAX, 0, number, smaller]);
    let texts = [
        "",
        "a",
        "é,\"",
        "\r",
        "a\nb",
        "NA",
        "=1+1",
        "a text of more than twelve",
        "\u{FEFF}\u{1}\\",
    ];
    match &ty.data {
        DataType::Bool => Scalar::Bool(number & 1 == 0),
        DataType::Int => Scalar::Int(number),
        DataType::Float => {
            Scalar::Float(random.pick(&[f64::MIN, 5e-324, -0.0, 0.1, number as f64 / 1e6]))
        }
        DataType::Decimal { precision, .. } => {
            let most = 10i128.pow(u32::from(*precision)) - 1;
            Scalar::Decimal(random.pick(&[most, -most, i128::from(number) % most]))
        }
        DataType::Date => Scalar::Date((number as i32).clamp(*DAYS.start(), *DAYS.end())),
        DataType::Datetime => Scalar::Datetime(number.clamp(*MICROS.start(), *MICROS.end())),
        DataType::Timestamp => Scalar::Timestamp(number.clamp(*MICROS.start(), *MICROS.end())),
        DataType::Duration => Scalar::Duration(number),
        DataType::Enum(declared) => Scalar::Enum(random.below(declared.members.len()) as i32),
        DataType::List(item) => {
            let len = random.below(4);
            Scalar::List((0..len).map(|_| random_value(random, item)).collect())
        }
        DataType::Record(fields) => {
            Scalar::Record(fields.iter().map(|field| random_value(random, &field.ty)).collect())
        }
        DataType::Uuid => {
            Scalar::String(format!("00000000-0000-4000-8000-{:012x}", number as u32).into())
        }
        DataType::Bytes => Scalar::String(random.pick(&["", "\0\u{ff}", "abc", "é"]).into()),
        DataType::Time => Scalar::Duration(number.rem_euclid(86_400_000_000)),
        DataType::Map(entry) => {
            let (key, value) = entry.entry().expect("it has keys and values");
            let keys = match key.data {
                DataType::Date => [-1, 0, 5].map(Scalar::Date),
                _ => ["", "a\"\n", "é"].map(|key| Scalar::String(key.into())),
            };
            let mut entry = |key| Scalar::Record(vec![key, random_value(random, value)]);
            let all: Vec<Scalar> = keys.into_iter().map(&mut entry).collect();
            let kept = random.below(4);
            Scalar::List(all.into_iter().take(kept).collect())
        }
        DataType::Json => {
            let texts = [
                "1",
                "-0.5",
                "\"a\\n\\\"\"",
                "[]",
                "[1,[null,{}]]",
                "{\"a\":{\"\":true},\"b\":\"é\"}",
            ];
            Scalar::String(random.pick(&texts).into())
        }
        _ => Scalar::String(random.pick(&texts).into()),
    }
}

/// Rows, and the same as batches of these sizes.
pub fn random_batches(
    random: &mut Random,
    declared: &[(&str, Type)],
    sizes: &[usize],
) -> (Vec<Vec<Scalar>>, Vec<Batch>) {
    let mut rows = Vec::new();
    let batches = sizes.iter().map(|&size| {
        let row = |_| declared.iter().map(|(_, ty)| random_value(random, ty)).collect();
        let new: Vec<Vec<Scalar>> = (0..size).map(row).collect();
        let columns = declared.iter().enumerate().map(|(at, (_, ty))| {
            let column: Vec<Scalar> = new.iter().map(|row| row[at].clone()).collect();
            array_of(&ty.data, &column)
        });
        let batch = Batch::new(columns.collect(), size, 0);
        rows.extend(new);
        batch
    });
    let batches = batches.collect();
    (rows, batches)
}
