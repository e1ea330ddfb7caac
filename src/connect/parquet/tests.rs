//! What is written reads back, and files of other writers read as the declared types.

use super::CONNECTOR;
use crate::connect::Within;
use crate::connect::convert::{FINER, file_type, to_file};
use crate::connect::testing::{
    Random, all_types, flat_types, random_batches, random_value, read_file, same_bytes, sink_spec,
    source_spec, write_file,
};
use crate::types::{
    DAYS, DataType, EnumMember, EnumType, Field, MICROS, OUTSIDE_YEARS, Scalar, Type,
};
use arrow_array::types::Int32Type;
use arrow_array::*;
use arrow_schema::{DataType as ArrowType, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::data_type::{ByteArray, ByteArrayType, Int96, Int96Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::cmp::Ordering;
use std::fs::{self, File};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

#[test]
fn what_is_written_reads_back() {
    let mut random = Random(3);
    let declared = all_types();
    let dir = tempfile::tempdir().unwrap();
    for compression in ["zstd", "snappy", "lz4", "gzip", "none"] {
        let (rows, batches) = random_batches(&mut random, &declared, &[100, 0, 1, 50]);
        let given = [("path", "a.parquet"), ("compression", compression)];
        write_file(&CONNECTOR, &sink_spec(dir.path(), &given, &declared), &batches).unwrap();
        let read = read_file(&CONNECTOR, dir.path(), &given[..1], &declared).unwrap();
        assert!(read.bad.is_empty(), "{:?}", read.bad);
        assert_eq!(read.rows, rows);
    }
}

#[test]
fn bytes_depend_on_rows_alone() {
    let ways = [(1000, 0), (77_777, 0), (5000, 1), (70_000, 4)];
    same_bytes(&CONNECTOR, DataType::String.required(), 600_000, &ways);
}

fn write_arrow(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// Columns as other writers have them, each with a second value that may not fit.
fn foreign_columns() -> Vec<(&'static str, ArrayRef)> {
    let dictionary: DictionaryArray<Int32Type> = ["x", "y"].into_iter().collect();
    vec![
        ("small", Arc::new(Int8Array::from(vec![-1, 2]))),
        ("unsigned", Arc::new(UInt64Array::from(vec![7, u64::MAX]))),
        ("single", Arc::new(Float32Array::from(vec![0.5, 1.5]))),
        (
            "narrow",
            Arc::new(
                Decimal64Array::from(vec![125, 99_999]).with_precision_and_scale(7, 1).unwrap(),
            ),
        ),
        ("large", Arc::new(LargeStringArray::from(vec!["a", "b"]))),
        ("packed", Arc::new(dictionary)),
        ("raw", Arc::new(BinaryArray::from(vec![&b"a"[..], b"b"]))),
        ("level", Arc::new(StringArray::from(vec!["high", "none"]))),
        ("day", Arc::new(Date64Array::from(vec![0, -86_400_000]))),
        ("millis", Arc::new(TimestampMillisecondArray::from(vec![1, -1]).with_timezone("+02:00"))),
        ("nanos", Arc::new(TimestampNanosecondArray::from(vec![1000, 1]))),
        ("seconds", Arc::new(DurationSecondArray::from(vec![1, 2]))),
        ("missing", Arc::new(Int32Array::from(vec![Some(1), None]))),
    ]
}

#[test]
fn types_of_other_writers_are_read_where_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let level = |text: &str| EnumMember { name: text.into(), text: text.into() };
    let members = vec![level("low"), level("high")];
    let level = DataType::Enum(Arc::new(EnumType { name: "Level".into(), members }));
    write_arrow(&dir.path().join("a.parquet"), foreign_columns());
    let decimal = DataType::Decimal { precision: 6, scale: 3 };
    let declared: Vec<(&str, Type)> = [
        ("missing", DataType::Int),
        ("small", DataType::Int),
        ("unsigned", DataType::Int),
        ("single", DataType::Float),
        ("narrow", decimal.clone()),
        ("large", DataType::String),
        ("packed", DataType::String),
        ("raw", DataType::String),
        ("level", level),
        ("day", DataType::Date),
        ("millis", DataType::Timestamp),
        ("nanos", DataType::Datetime),
        ("seconds", DataType::Duration),
    ]
    .map(|(name, ty)| (name, ty.required()))
    .into();
    let read = read_file(&CONNECTOR, dir.path(), &[("path", "a.parquet")], &declared).unwrap();
    let string = |text: &str| Scalar::String(text.into());
    let first = [
        Scalar::Int(1),
        Scalar::Int(-1),
        Scalar::Int(7),
        Scalar::Float(0.5),
        Scalar::Decimal(12_500),
        string("a"),
        string("x"),
        string("a"),
        Scalar::Enum(1),
        Scalar::Date(0),
        Scalar::Timestamp(1000),
        Scalar::Datetime(1),
        Scalar::Duration(1_000_000),
    ];
    assert_eq!(read.rows[0], first);
    let bad: Vec<(usize, Option<u32>, &str)> = read
        .bad
        .iter()
        .map(|(row, column, _, _, reason)| (*row, *column, reason.as_str()))
        .collect();
    assert_eq!(
        bad,
        [
            (1, Some(0), "null, and its type has no `?`"),
            (1, Some(2), "too large for an int, but not for a decimal(20, 0)"),
            (1, Some(4), "too large for the declared decimal"),
            (1, Some(8), "not a Level (`low`, `high`)"),
            (1, Some(11), FINER),
        ]
    );
    let error = |name: &str, ty: DataType| {
        let declared = [(name, ty.required())];
        read_file(&CONNECTOR, dir.path(), &[("path", "a.parquet")], &declared).unwrap_err()
    };
    let wrong = error("large", DataType::Int);
    assert_eq!(wrong.message, "column `large` of a.parquet is string, and int is declared");
    let wrong = error("nanos", DataType::Timestamp);
    assert_eq!(wrong.message, "column `nanos` of a.parquet is datetime, and timestamp is declared");
    assert_eq!(
        error("larg", DataType::String).help.unwrap(),
        "it has `large`: declare it as that, or as `larg: … named \"large\"`"
    );
}

/// What stands in for a row group is read as its rows, and is as little wanted.
#[test]
fn row_groups_are_skipped_of_which_no_row_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let (rows, declared) = (200, flat_types());
    let write = |random: &mut Random, declared: &[(&str, Type)]| {
        let (rows, batches) = random_batches(random, declared, &[rows]);
        let schema = declared
            .iter()
            .map(|(name, ty)| arrow_schema::Field::new(*name, file_type(&ty.data), ty.nullable));
        let schema = Arc::new(arrow_schema::Schema::new(schema.collect::<Vec<_>>()));
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).unwrap();
        let columns = batches[0].columns.iter().zip(declared);
        let columns = columns.map(|(array, (_, ty))| to_file(array, &ty.data)).collect();
        writer.write(&RecordBatch::try_new(schema, columns).unwrap()).unwrap();
        writer.close().unwrap();
        rows
    };
    let mut random = Random(11);
    let mut skipped = 0;
    for (at, (_, ty)) in declared.iter().enumerate().cycle().take(12 * 12) {
        // A column that any value may be in is there too.
        let two = [("x", ty.clone()), ("text", DataType::String.required())];
        let written = write(&mut random, &two);
        let mut spec = source_spec(dir.path(), &[("path", "a.parquet")], &two);
        let mut end = || match random_value(&mut random, &ty.data.clone().required()) {
            value if random.below(3) == 0 => Bound::Excluded(value),
            value if random.below(2) == 0 => Bound::Included(value),
            _ => Bound::Unbounded,
        };
        let range = (end(), end());
        spec.wanted = vec![vec![Within { column: 0, range: range.clone() }]];
        let source = (CONNECTOR.source.unwrap())(&spec).unwrap();
        let read = crate::connect::testing::read_all(&*source, &spec).unwrap();
        assert!(read.bad.is_empty());
        assert_eq!(read.rows.len(), written.len());
        let wanted = |row: &&Vec<Scalar>| is_within(&row[0], &range);
        let (of_read, of_written) =
            (read.rows.iter().filter(wanted), written.iter().filter(wanted));
        assert!(of_read.eq(of_written), "{at} {ty:?} {range:?}");
        skipped += source.volume().skipped;
    }
    assert!(skipped > 1000, "{skipped}");
}

/// As a filter says it; of what has no order, anything may be.
fn is_within(value: &Scalar, (from, to): &(Bound<Scalar>, Bound<Scalar>)) -> bool {
    let order = |a: &Scalar, b: &Scalar| match (a, b) {
        (Scalar::Int(a), Scalar::Int(b)) => a.cmp(b),
        (Scalar::Decimal(a), Scalar::Decimal(b)) => a.cmp(b),
        (Scalar::Date(a), Scalar::Date(b)) => a.cmp(b),
        (Scalar::Datetime(a), Scalar::Datetime(b)) => a.cmp(b),
        (Scalar::Timestamp(a), Scalar::Timestamp(b)) => a.cmp(b),
        (Scalar::String(a), Scalar::String(b)) => a.cmp(b),
        _ => Ordering::Equal,
    };
    let is_from = match from {
        Bound::Included(from) => order(value, from).is_ge(),
        Bound::Excluded(from) => order(value, from).is_gt(),
        Bound::Unbounded => true,
    };
    let is_to = match to {
        Bound::Included(to) => order(value, to).is_le(),
        Bound::Excluded(to) => order(value, to).is_lt(),
        Bound::Unbounded => true,
    };
    !value.is_null() && is_from && is_to
}

#[test]
fn what_is_too_large_or_too_fine_is_read_as_what_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("unsigned", Arc::new(UInt64Array::from(vec![7, u64::MAX]))),
        ("nanos", Arc::new(TimestampNanosecondArray::from(vec![1999, -1]))),
    ];
    write_arrow(&dir.path().join("a.parquet"), columns);
    let given = [("path", "a.parquet"), ("allow_truncated_timestamps", "true")];
    let read = |unsigned: DataType| {
        let declared =
            [("unsigned", unsigned.required()), ("nanos", DataType::Datetime.required())];
        read_file(&CONNECTOR, dir.path(), &given, &declared).unwrap()
    };
    let exact = read(DataType::Decimal { precision: 20, scale: 0 });
    assert!(exact.bad.is_empty(), "{:?}", exact.bad);
    // Digits are cut off, also before 1970.
    assert_eq!(exact.rows[0], [Scalar::Decimal(7), Scalar::Datetime(1)]);
    assert_eq!(exact.rows[1], [Scalar::Decimal(u64::MAX.into()), Scalar::Datetime(-1)]);
    assert_eq!(read(DataType::Float).rows[1][0], Scalar::Float(u64::MAX as f64));
}

/// Other readers take the types from the schema that is kept in the file, and not all of them can
/// filter, sort and join views of texts.
#[test]
fn the_schema_for_other_readers_has_plain_texts() {
    let dir = tempfile::tempdir().unwrap();
    let (_, batches) = random_batches(&mut Random(4), &all_types(), &[10]);
    let spec = sink_spec(dir.path(), &[("path", "a.parquet")], &all_types());
    write_file(&CONNECTOR, &spec, &batches).unwrap();
    let file = File::open(dir.path().join("a.parquet")).unwrap();
    let read = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).unwrap();
    let shown = format!("{:?}", read.schema());
    assert!(shown.contains("Utf8") && !shown.contains("View"), "{shown}");
    let ty = |name: &str| read.schema().field_with_name(name).unwrap().data_type().clone();
    assert_eq!(ty("s"), ArrowType::Utf8);
    assert_eq!(ty("ts"), ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    assert_eq!(ty("len"), ArrowType::Duration(TimeUnit::Microsecond));
}

#[test]
fn types_that_do_not_fit_have_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = FixedSizeBinaryArray::try_from_iter([b"abc"].into_iter()).unwrap();
    let times = Time64MicrosecondArray::from(vec![1]);
    let mut maps =
        builder::MapBuilder::new(None, builder::StringBuilder::new(), builder::Int64Builder::new());
    maps.append(true).unwrap();
    let columns: [(&str, ArrayRef, &str); 4] = [
        ("bytes", Arc::new(bytes), "bytes"),
        ("time", Arc::new(times), "time"),
        ("map", Arc::new(maps.finish()), "map<string, int>"),
        ("number", Arc::new(Int32Array::from(vec![1])), "int"),
    ];
    let arrays = columns.iter().map(|(name, array, _)| (*name, array.clone())).collect();
    write_arrow(&dir.path().join("a.parquet"), arrays);
    for (name, _, told) in columns {
        let declared = [(name, DataType::Bool.required())];
        let wrong = read_file(&CONNECTOR, dir.path(), &[("path", "a.parquet")], &declared);
        let wanted = format!("column `{name}` of a.parquet is {told}, and bool is declared");
        assert_eq!(wrong.unwrap_err().message, wanted);
    }
}

const BYTES: [&[u8]; 4] = [b"abc", b"\xff", b"a longer text, cut \xe2\x82", "€".as_bytes()];

/// What is found at rows 1 and 2 of a column of [`BYTES`].
const NOT_UTF8: [(usize, &str, &str); 2] =
    [(1, "�", "not UTF-8"), (2, "a longer text, cut �", "not UTF-8")];

#[track_caller]
fn check_bytes(path: &Path, ty: DataType, place: &str, wanted: [Scalar; 2]) {
    let declared = [("b", ty.clone().optional())];
    let read = read_file(
        &CONNECTOR,
        path.parent().unwrap(),
        &[("path", path.file_name().unwrap().to_str().unwrap())],
        &declared,
    )
    .unwrap();
    let bad: Vec<_> = read
        .bad
        .iter()
        .map(|(row, _, _, text, why)| (*row, &**text, why.trim_start_matches(place)))
        .collect();
    assert_eq!(bad, NOT_UTF8, "{ty}");
    let [first, last] = wanted;
    assert_eq!((&read.rows[0][0], &read.rows[3][0]), (&first, &last));
}

#[test]
fn bytes_that_are_not_utf8_fail_their_row() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let packed: DictionaryArray<Int32Type> = DictionaryArray::new(
        Int32Array::from_iter_values(0..4),
        Arc::new(BinaryArray::from_iter_values(BYTES)),
    );
    let mut lists = builder::ListBuilder::new(builder::BinaryBuilder::new());
    for bytes in BYTES {
        lists.append_value([Some(&b"x"[..]), Some(bytes)]);
    }
    let record = StructArray::from(vec![(
        Arc::new(arrow_schema::Field::new("r", arrow_schema::DataType::Binary, true)),
        Arc::new(BinaryArray::from_iter_values(BYTES)) as ArrayRef,
    )]);
    let string = |text: &str| Scalar::String(text.into());
    let texts = || [string("abc"), string("€")];
    let plain: [ArrayRef; 4] = [
        Arc::new(BinaryArray::from_iter_values(BYTES)),
        Arc::new(LargeBinaryArray::from_iter_values(BYTES)),
        Arc::new(BinaryViewArray::from_iter_values(BYTES)),
        Arc::new(packed),
    ];
    for array in plain {
        write_arrow(&path, vec![("b", array)]);
        check_bytes(&path, DataType::String, "", texts());
    }
    write_arrow(&path, vec![("b", Arc::new(lists.finish()))]);
    let list = DataType::List(Box::new(DataType::String.required()));
    check_bytes(&path, list, "[1]: ", texts().map(|text| Scalar::List([string("x"), text].into())));
    write_arrow(&path, vec![("b", Arc::new(record))]);
    let field = Field { name: "r".into(), ty: DataType::String.optional() };
    let record = DataType::Record([field].into());
    check_bytes(&path, record, ".r: ", texts().map(|text| Scalar::Record([text].into())));
}

#[test]
fn bytes_that_a_file_calls_json_may_not_be_utf8() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let schema = parse_message_type("message m { required binary b (JSON); }").unwrap();
    let file = File::create(&path).unwrap();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values = BYTES.map(|bytes| ByteArray::from(bytes.to_vec()));
    column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let string = |text: &str| Scalar::String(text.into());
    check_bytes(&path, DataType::String, "", [string("abc"), string("€")]);
}

#[test]
fn times_outside_the_years_fail_their_row() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let days = [Some(*DAYS.end()), Some(*DAYS.end() + 1), None];
    let micros = [Some(*MICROS.start()), None, Some(i64::MIN)];
    write_arrow(
        &path,
        vec![
            ("day", Arc::new(Date32Array::from_iter(days))),
            ("at", Arc::new(TimestampMicrosecondArray::from_iter(micros).with_timezone("UTC"))),
        ],
    );
    let declared = [("day", DataType::Date.optional()), ("at", DataType::Timestamp.optional())];
    let read = read_file(&CONNECTOR, dir.path(), &[("path", "a.parquet")], &declared).unwrap();
    let bad: Vec<_> =
        read.bad.iter().map(|(row, _, _, text, why)| (*row, &**text, &**why)).collect();
    let wanted =
        [(1, "10000-01-01", OUTSIDE_YEARS), (2, "-290308-12-21T19:59:05.224192Z", OUTSIDE_YEARS)];
    assert_eq!(bad, wanted);
}

#[test]
fn int96_times_finer_than_a_microsecond_fail_their_row() {
    /// The Julian days of 2024-01-05 and of 3000-01-01, which nanoseconds in 64 bits do not reach.
    const DAYS: [u32; 2] = [2_460_315, 2_816_788];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let schema = "message m { required int32 i; optional int96 at; optional int96 clock; }";
    let schema = parse_message_type(schema).unwrap();
    let file = File::create(&path).unwrap();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let time = |day: u32, nanos: u64| {
        let mut time = Int96::new();
        time.set_data(nanos as u32, (nanos >> 32) as u32, day);
        time
    };
    let mut column = group.next_column().unwrap().unwrap();
    let numbers = column.typed::<parquet::data_type::Int32Type>();
    numbers.write_batch(&[0, 1, 2, 3, 4], None, None).unwrap();
    column.close().unwrap();
    for _ in 0..2 {
        let nanos = [5_000_000_123_000, 5_000_000_123_456];
        let times = DAYS.iter().flat_map(|day| nanos.map(|nanos| time(*day, nanos)));
        let times: Vec<Int96> = times.collect();
        let mut column = group.next_column().unwrap().unwrap();
        let present = Some(&[1, 1, 1, 1, 0][..]);
        column.typed::<Int96Type>().write_batch(&times, present, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    let declared = [
        ("clock", DataType::Datetime.optional()),
        ("i", DataType::Int.required()),
        ("at", DataType::Timestamp.optional()),
    ];
    let read = read_file(&CONNECTOR, dir.path(), &[("path", "a.parquet")], &declared).unwrap();
    let micros = [1_704_417_800_000_123, 32_503_685_000_000_123];
    let wanted = [Some(micros[0]), None, Some(micros[1]), None, None].map(|micros| {
        let wanted = |scalar: fn(i64) -> Scalar| micros.map_or(Scalar::Null, scalar);
        (wanted(Scalar::Datetime), wanted(Scalar::Timestamp))
    });
    let rows: Vec<_> = read.rows.iter().map(|row| (row[0].clone(), row[2].clone())).collect();
    assert_eq!(rows, wanted);
    let bad: Vec<_> =
        read.bad.iter().map(|(row, _, _, text, why)| (*row, &**text, &**why)).collect();
    let finer = FINER;
    assert_eq!(
        bad,
        [
            (1, "2024-01-05T01:23:20.000123456", finer),
            (1, "2024-01-05T01:23:20.000123456Z", finer),
            (3, "3000-01-01T01:23:20.000123456", finer),
            (3, "3000-01-01T01:23:20.000123456Z", finer),
        ]
    );
    let given = [("path", "a.parquet"), ("allow_truncated_timestamps", "true")];
    let read = read_file(&CONNECTOR, dir.path(), &given, &declared).unwrap();
    assert!(read.bad.is_empty());
    assert_eq!(read.rows[1][0], Scalar::Datetime(micros[0]));
    assert_eq!(read.rows[3][2], Scalar::Timestamp(micros[1]));
}

#[test]
fn damage_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let declared = [("i", DataType::Int.required())];
    let path = dir.path().join("a.parquet");
    write_arrow(&path, vec![("i", Arc::new(Int64Array::from_iter_values(0..1000)))]);
    let whole = fs::read(&path).unwrap();
    let read = || read_file(&CONNECTOR, dir.path(), &[("path", "a.parquet")], &declared);
    fs::write(&path, b"").unwrap();
    assert!(read().unwrap_err().message.starts_with("cannot read a.parquet"));
    let mut random = Random(4);
    for _ in 0..200 {
        let mut damaged = whole.clone();
        damaged.truncate(if random.below(2) == 0 {
            random.below(whole.len())
        } else {
            whole.len()
        });
        for _ in 0..3 {
            if !damaged.is_empty() {
                let at = random.below(damaged.len());
                damaged[at] = random.below(256) as u8;
            }
        }
        fs::write(&path, &damaged).unwrap();
        // Some damage changes a value only, which the format cannot notice.
        let _ = read();
    }
}
