//! Arrow columns of a file as the declared types: widths, scales and units change, values do not.
//!
//! Which types go together is decided once per file by [`fits`]; a single value that does not fit
//! (an unsigned number too large, a nanosecond, a null where none is allowed) is an [`Issue`].

use super::BadValue;
use crate::data::parse::NOT_UTF8;
use crate::data::{arrow_type, binary, display, maps, null_array};
use crate::types::{
    DAYS, DataType, EnumType, Field, MICROS, MICROS_PER_DAY, OUTSIDE_YEARS, Scalar, Type,
};
use arrow_array::builder::{BinaryViewBuilder, StringViewBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, DurationMicrosecondArray, FixedSizeListArray, Int32Array,
    LargeListArray, ListArray, MapArray, PrimitiveArray, StringViewArray, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType as ArrowType, Field as ArrowField, TimeUnit};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Of bytes that are no text, so many are shown.
const SHOWN_BYTES_MAX: usize = 200;

/// A value that is not of the declared type; null in the column.
#[derive(Debug)]
pub struct Issue {
    /// The row.
    pub row: usize,
    /// Where in the value, as in [`BadValue`].
    pub path: String,
    /// The value.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Issue {
    /// What a source says of it, in this column of the projection.
    pub fn in_column(self, column: usize) -> BadValue {
        BadValue {
            row: self.row as u32,
            column: Some(column as u32),
            path: self.path,
            text: self.text,
            record: None,
            is_literal: false,
            reason: self.reason,
        }
    }

    /// A whole value of a column.
    pub fn new(row: usize, text: impl Into<String>, reason: impl Into<String>) -> Issue {
        Issue { row, path: String::new(), text: text.into(), reason: reason.into() }
    }
}

/// Can a file's type be read as a declared one?
pub fn fits(from: &ArrowType, to: &DataType) -> bool {
    use ArrowType as A;
    let is_text = matches!(from, A::Utf8 | A::LargeUtf8 | A::Utf8View);
    match to {
        _ if *from == A::Null => true,
        DataType::Bool => *from == A::Boolean,
        DataType::Int => from.is_integer(),
        DataType::Float => matches!(from, A::Float32 | A::Float64) || from.is_integer(),
        DataType::Decimal { scale, .. } => match from {
            A::Decimal32(_, s) | A::Decimal64(_, s) | A::Decimal128(_, s) => {
                *s >= 0 && *s as u8 <= *scale
            }
            _ => from.is_integer(),
        },
        DataType::String => is_text || matches!(from, A::Binary | A::LargeBinary | A::BinaryView),
        DataType::Enum(_) | DataType::Json => is_text,
        DataType::Uuid => is_text || *from == A::FixedSizeBinary(16),
        DataType::Bytes => {
            matches!(from, A::Binary | A::LargeBinary | A::BinaryView | A::FixedSizeBinary(_))
        }
        DataType::Time => matches!(from, A::Time32(_) | A::Time64(_)),
        DataType::Map(entry) => match (from, entry.entry()) {
            (A::Map(field, _), Some((key, value))) => match field.data_type() {
                A::Struct(found) if found.len() == 2 => {
                    fits(found[0].data_type(), &key.data) && fits(found[1].data_type(), &value.data)
                }
                _ => false,
            },
            _ => false,
        },
        DataType::Date => matches!(from, A::Date32 | A::Date64),
        DataType::Datetime => matches!(from, A::Timestamp(_, None)),
        DataType::Timestamp => matches!(from, A::Timestamp(_, Some(_))),
        DataType::Duration => is_text || matches!(from, A::Duration(_)),
        DataType::List(item) => match from {
            A::List(field) | A::LargeList(field) | A::FixedSizeList(field, _) => {
                fits(field.data_type(), &item.data)
            }
            _ => false,
        },
        DataType::Record(fields) => match from {
            A::Struct(found) => fields.iter().all(|field| {
                let found = found.find(&field.name);
                found.is_some_and(|(_, found)| fits(found.data_type(), &field.ty.data))
            }),
            _ => false,
        },
        DataType::Named(named) => fits(from, &named.of),
        DataType::Unknown | DataType::Null => false,
    }
}

/// The type to ask the reader for: views for all texts and bytes.
pub fn hint(from: &ArrowType, to: Option<&DataType>) -> ArrowType {
    use ArrowType as A;
    let nested = |field: &Arc<ArrowField>, to: Option<&DataType>| {
        let ty = hint(field.data_type(), to);
        Arc::new(field.as_ref().clone().with_data_type(ty))
    };
    match (from, to) {
        (A::Utf8 | A::LargeUtf8, _) => A::Utf8View,
        (A::Binary | A::LargeBinary, _) => A::BinaryView,
        (A::Dictionary(_, value), to) => hint(value, to),
        (A::List(field), Some(DataType::List(item))) => A::List(nested(field, Some(&item.data))),
        (A::LargeList(field), Some(DataType::List(item))) => {
            A::LargeList(nested(field, Some(&item.data)))
        }
        (A::FixedSizeList(field, size), Some(DataType::List(item))) => {
            A::FixedSizeList(nested(field, Some(&item.data)), *size)
        }
        (A::Map(field, is_sorted), Some(DataType::Map(entry))) => {
            let A::Struct(parts) = field.data_type() else { return from.clone() };
            let types = entry.entry().map(|(key, value)| [&key.data, &value.data]);
            let part = |(at, part): (usize, &Arc<ArrowField>)| {
                nested(part, types.map(|types| types[at.min(1)]))
            };
            let parts = parts.iter().enumerate().map(part).collect();
            let entries = field.as_ref().clone().with_data_type(A::Struct(parts));
            A::Map(Arc::new(entries), *is_sorted)
        }
        (A::Struct(fields), Some(DataType::Record(wanted))) => {
            let field = |field: &Arc<ArrowField>| {
                let wanted = wanted.iter().find(|wanted| *wanted.name == **field.name());
                nested(field, wanted.map(|wanted| &wanted.ty.data))
            };
            A::Struct(fields.iter().map(field).collect())
        }
        _ => from.clone(),
    }
}

/// A file's type as the user would write it; if there is no such type, as Parquet calls it.
pub fn spelling(from: &ArrowType) -> String {
    use ArrowType as A;
    match from {
        A::Boolean => "bool".into(),
        from if from.is_integer() => "int".into(),
        A::Float32 | A::Float64 => "float".into(),
        A::Decimal32(p, s) | A::Decimal64(p, s) | A::Decimal128(p, s) | A::Decimal256(p, s) => {
            format!("decimal({p}, {s})")
        }
        A::Utf8 | A::LargeUtf8 | A::Utf8View => "string".into(),
        A::Binary | A::LargeBinary | A::BinaryView => "bytes".into(),
        A::Date32 | A::Date64 => "date".into(),
        A::Timestamp(_, None) => "datetime".into(),
        A::Timestamp(_, Some(_)) => "timestamp".into(),
        A::List(item) | A::LargeList(item) | A::FixedSizeList(item, _) => {
            format!("list<{}>", spelling(item.data_type()))
        }
        A::Struct(fields) => {
            let field = |field: &Arc<ArrowField>| {
                format!("{}: {}", field.name(), spelling(field.data_type()))
            };
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        A::Duration(_) => "duration".into(),
        A::FixedSizeBinary(_) => "bytes".into(),
        A::Float16 => "FLOAT16".into(),
        A::Time32(_) | A::Time64(_) => "time".into(),
        A::Interval(_) => "INTERVAL".into(),
        A::Union(kinds, _) => {
            let kinds: Vec<String> =
                kinds.iter().map(|(_, kind)| spelling(kind.data_type())).collect();
            format!("a union of {}", kinds.join(", "))
        }
        A::Null => "null".into(),
        A::Map(entries, _) => match entries.data_type() {
            A::Struct(parts) if parts.len() == 2 => {
                let [key, value] = [0, 1].map(|at: usize| spelling(parts[at].data_type()));
                format!("map<{key}, {value}>")
            }
            _ => "MAP".into(),
        },
        _ => "of a type that is unknown here".into(),
    }
}

/// How the values of a column are taken.
#[derive(Clone, Copy)]
pub struct How {
    /// The reader has looked at all texts: those of an array that it has not may be any bytes,
    /// whatever the array's type.
    pub is_utf8: bool,
    /// Digits below the microsecond are cut off.
    pub truncates: bool,
}

/// What is wrong with a time that has digits below the microsecond.
pub const FINER: &str =
    "finer than a microsecond (`allow_truncated_timestamps: true` of the source)";

/// The array as the declared type.
pub fn convert(array: &ArrayRef, to: &Type, how: How, issues: &mut Vec<Issue>) -> ArrayRef {
    let before = issues.len();
    let converted = convert_data(array, &to.data, how, issues);
    let converted = match to.data {
        DataType::Date => within::<Date32Type>(converted, DAYS, Scalar::Date, &to.data, issues),
        DataType::Datetime => within::<TimestampMicrosecondType>(
            converted,
            MICROS,
            Scalar::Datetime,
            &to.data,
            issues,
        ),
        DataType::Timestamp => within::<TimestampMicrosecondType>(
            converted,
            MICROS,
            Scalar::Timestamp,
            &to.data,
            issues,
        ),
        _ => converted,
    };
    issues[before..].sort_by_key(|issue| issue.row);
    if !to.nullable && converted.null_count() > 0 {
        let known: Vec<usize> = issues[before..].iter().map(|issue| issue.row).collect();
        let rows = (0..converted.len()).filter(|&row| converted.is_null(row));
        issues.extend(
            rows.filter(|row| known.binary_search(row).is_err())
                .map(|row| Issue::new(row, "", "null, and its type has no `?`")),
        );
    }
    issues[before..].sort_by_key(|issue| issue.row);
    converted
}

fn convert_data(array: &ArrayRef, to: &DataType, how: How, issues: &mut Vec<Issue>) -> ArrayRef {
    use ArrowType as A;
    match (array.data_type(), to) {
        (A::Null, _) => return null_array(to, array.len()),
        (_, DataType::Bytes) => return Arc::new(held_bytes(array)),
        (A::FixedSizeBinary(_), DataType::Uuid) => return Arc::new(uuids(array)),
        _ => {}
    }
    if let (false, Some(bytes)) = (how.is_utf8, bytes(array)) {
        let checked: ArrayRef = Arc::new(texts(bytes, issues));
        return convert_data(&checked, to, How { is_utf8: true, ..how }, issues);
    }
    if *array.data_type() == arrow_type(to)
        && !matches!(to, DataType::List(_) | DataType::Record(_) | DataType::Json | DataType::Uuid)
    {
        return array.clone();
    }
    match (array.data_type(), to) {
        (A::Null, _) => null_array(to, array.len()),
        (A::Float32, DataType::Float) => {
            let floats = array.as_primitive::<Float32Type>();
            Arc::new(floats.unary::<_, Float64Type>(f64::from))
        }
        (from, DataType::Int) if from.is_integer() => Arc::new(integers(array, issues)),
        (A::UInt64, DataType::Float) => {
            let large = array.as_primitive::<UInt64Type>();
            Arc::new(large.unary::<_, Float64Type>(|value| value as f64))
        }
        (from, DataType::Float) if from.is_integer() => {
            Arc::new(integers(array, issues).unary::<_, Float64Type>(|value| value as f64))
        }
        (from, DataType::Decimal { precision, scale }) => {
            let (units, from_scale) = unscaled(array, from, issues);
            rescale(&units, from_scale, (*precision, *scale), issues)
        }
        (_, DataType::Enum(declared)) => Arc::new(members(array, declared, issues)),
        (_, DataType::Json | DataType::Uuid) => Arc::new(held(array, to, issues)),
        (A::Utf8View, DataType::Duration) => Arc::new(durations(array, issues)),
        (A::Time32(unit) | A::Time64(unit), DataType::Time) => {
            let counts = integers(array, issues);
            let micros = micros(&counts, *unit, how, issues);
            map::<_, DurationMicrosecondType>(&micros, issues, |micros| {
                let is_time = (0..MICROS_PER_DAY).contains(&micros);
                is_time.then_some(micros).ok_or("not a time of the day")
            })
        }
        (A::Map(..), DataType::Map(entry)) => map_of(array.as_map(), entry, how, issues),
        (A::Date64, DataType::Date) => {
            let millis = array.as_primitive::<Date64Type>();
            map::<_, Date32Type>(millis, issues, |millis| {
                let days = millis.div_euclid(MICROS_PER_DAY / 1000);
                i32::try_from(days).map_err(|_| OUTSIDE_YEARS)
            })
        }
        (A::Timestamp(unit, _), DataType::Datetime | DataType::Timestamp)
        | (A::Duration(unit), DataType::Duration) => {
            let counts = integers(array, issues);
            let micros = micros(&counts, *unit, how, issues);
            let reinterpreted = micros.into_data().into_builder().data_type(arrow_type(to));
            arrow_array::make_array(reinterpreted.build().expect("64-bit numbers either way"))
        }
        (A::List(_) | A::LargeList(_) | A::FixedSizeList(..), DataType::List(item)) => {
            list(array, item, how, issues)
        }
        (A::Struct(_), DataType::Record(fields)) => record(array.as_struct(), fields, how, issues),
        (from, to) => unreachable!("{from} as {to} was refused when the file was opened"),
    }
}

/// The bytes of an array of texts or bytes, as views.
fn bytes(array: &ArrayRef) -> Option<BinaryViewArray> {
    Some(match array.data_type() {
        ArrowType::Utf8View => array.as_string_view().clone().to_binary_view(),
        ArrowType::BinaryView => array.as_binary_view().clone(),
        _ => return None,
    })
}

/// The texts that bytes are; null where they are not UTF-8.
fn texts(bytes: BinaryViewArray, issues: &mut Vec<Issue>) -> StringViewArray {
    // Looks at every value, and copies none.
    if let Ok(texts) = bytes.clone().to_string_view() {
        return texts;
    }
    let text = |(row, bytes): (usize, Option<&[u8]>)| {
        let bytes = bytes?;
        let text = simdutf8::basic::from_utf8(bytes).ok();
        if text.is_none() {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_BYTES_MAX)]);
            issues.push(Issue::new(row, text, NOT_UTF8));
        }
        text.map(str::to_owned)
    };
    bytes.iter().enumerate().map(text).collect()
}

/// The times of the years that times have; the others become null.
fn within<T: ArrowPrimitiveType<Native: PartialOrd>>(
    array: ArrayRef,
    years: RangeInclusive<T::Native>,
    scalar: fn(T::Native) -> Scalar,
    ty: &DataType,
    issues: &mut Vec<Issue>,
) -> ArrayRef {
    let times = array.as_primitive::<T>();
    // Without an end before the last, which is faster.
    if times.values().iter().fold(true, |all, time| all & years.contains(time)) {
        return array;
    }
    let kept = (0..times.len()).map(|row| {
        let time = times.is_valid(row).then(|| times.value(row))?;
        if !years.contains(&time) {
            issues.push(Issue::new(row, display(&scalar(time), ty), OUTSIDE_YEARS));
            return None;
        }
        Some(time)
    });
    Arc::new(kept.collect::<PrimitiveArray<T>>().with_data_type(array.data_type().clone()))
}

/// Any whole numbers, and the counts of times, as 64-bit ones.
fn integers(array: &ArrayRef, issues: &mut Vec<Issue>) -> PrimitiveArray<Int64Type> {
    macro_rules! widened {
        ($ty:ty) => {
            array.as_primitive::<$ty>().unary::<_, Int64Type>(i64::from)
        };
    }
    match array.data_type() {
        ArrowType::Int8 => widened!(Int8Type),
        ArrowType::Int16 => widened!(Int16Type),
        ArrowType::Int32 => widened!(Int32Type),
        ArrowType::Time32(_) => {
            let data = array.to_data().into_builder().data_type(ArrowType::Int32).build();
            let numbers = PrimitiveArray::<Int32Type>::from(data.expect("32-bit numbers"));
            numbers.unary::<_, Int64Type>(i64::from)
        }
        ArrowType::UInt8 => widened!(UInt8Type),
        ArrowType::UInt16 => widened!(UInt16Type),
        ArrowType::UInt32 => widened!(UInt32Type),
        ArrowType::UInt64 => {
            let large = array.as_primitive::<UInt64Type>();
            let fitting = map::<_, Int64Type>(large, issues, |value| {
                i64::try_from(value)
                    .map_err(|_| "too large for an int, but not for a decimal(20, 0)")
            });
            fitting.as_primitive::<Int64Type>().clone()
        }
        _ => {
            let data = array.to_data().into_builder().data_type(ArrowType::Int64);
            PrimitiveArray::from(data.build().expect("64-bit numbers either way"))
        }
    }
}

/// Every value through `change`; one that it refuses becomes null.
fn map<F: ArrowPrimitiveType, T: ArrowPrimitiveType>(
    array: &PrimitiveArray<F>,
    issues: &mut Vec<Issue>,
    change: impl Fn(F::Native) -> Result<T::Native, &'static str>,
) -> ArrayRef {
    let changed = (0..array.len()).map(|row| {
        if array.is_null(row) {
            return None;
        }
        match change(array.value(row)) {
            Ok(value) => Some(value),
            Err(reason) => {
                issues.push(Issue::new(row, format!("{:?}", array.value(row)), reason));
                None
            }
        }
    });
    Arc::new(changed.collect::<PrimitiveArray<T>>())
}

fn micros(
    counts: &PrimitiveArray<Int64Type>,
    unit: TimeUnit,
    how: How,
    issues: &mut Vec<Issue>,
) -> PrimitiveArray<Int64Type> {
    let factor = match unit {
        TimeUnit::Second => 1_000_000,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => return counts.clone(),
        TimeUnit::Nanosecond if how.truncates => {
            return counts.unary(|nanos: i64| nanos.div_euclid(1000));
        }
        TimeUnit::Nanosecond => {
            let cut = map::<_, Int64Type>(counts, issues, |nanos| {
                if nanos % 1000 == 0 { Ok(nanos / 1000) } else { Err(FINER) }
            });
            return cut.as_primitive::<Int64Type>().clone();
        }
    };
    let scaled = map::<_, Int64Type>(counts, issues, |count: i64| {
        count.checked_mul(factor).ok_or("too large")
    });
    scaled.as_primitive::<Int64Type>().clone()
}

/// A decimal's or whole number's units of 10^-scale, and that scale.
fn unscaled(
    array: &ArrayRef,
    from: &ArrowType,
    issues: &mut Vec<Issue>,
) -> (PrimitiveArray<Decimal128Type>, u8) {
    match from {
        ArrowType::Decimal32(_, scale) => {
            let units = array.as_primitive::<Decimal32Type>();
            (units.unary(i128::from), *scale as u8)
        }
        ArrowType::Decimal64(_, scale) => {
            let units = array.as_primitive::<Decimal64Type>();
            (units.unary(i128::from), *scale as u8)
        }
        ArrowType::Decimal128(_, scale) => {
            (array.as_primitive::<Decimal128Type>().clone(), *scale as u8)
        }
        ArrowType::UInt64 => (array.as_primitive::<UInt64Type>().unary(i128::from), 0),
        _ => (integers(array, issues).unary(i128::from), 0),
    }
}

fn rescale(
    units: &PrimitiveArray<Decimal128Type>,
    from_scale: u8,
    (precision, scale): (u8, u8),
    issues: &mut Vec<Issue>,
) -> ArrayRef {
    let (factor, end) = (10i128.pow(u32::from(scale - from_scale)), 10i128.pow(precision.into()));
    let before = issues.len();
    let scaled = map::<_, Decimal128Type>(units, issues, |value| {
        let value = value.checked_mul(factor).filter(|value| -end < *value && *value < end);
        value.ok_or("too large for the declared decimal")
    });
    let held = DataType::Decimal { precision: 38, scale: from_scale };
    for issue in &mut issues[before..] {
        issue.text = display(&Scalar::Decimal(units.value(issue.row)), &held);
    }
    let ty = ArrowType::Decimal128(precision, scale as i8);
    Arc::new(scaled.as_primitive::<Decimal128Type>().clone().with_data_type(ty))
}

/// Bytes as they are held.
fn held_bytes(array: &ArrayRef) -> StringViewArray {
    let hold = |bytes: Option<&[u8]>| {
        bytes.map(|bytes| {
            let mut text = String::with_capacity(bytes.len());
            binary::hold(bytes, &mut text);
            text
        })
    };
    match array.data_type() {
        ArrowType::Binary => array.as_binary::<i32>().iter().map(hold).collect(),
        ArrowType::LargeBinary => array.as_binary::<i64>().iter().map(hold).collect(),
        ArrowType::FixedSizeBinary(_) => array.as_fixed_size_binary().iter().map(hold).collect(),
        _ => array.as_binary_view().iter().map(hold).collect(),
    }
}

/// The texts of UUIDs that are 16 bytes.
fn uuids(array: &ArrayRef) -> StringViewArray {
    let text = |bytes: Option<&[u8]>| {
        let mut text = String::with_capacity(36);
        for (at, byte) in bytes?.iter().enumerate() {
            text.push_str(if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" });
            text.extend(
                [byte >> 4, byte & 15]
                    .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])),
            );
        }
        Some(text)
    };
    array.as_fixed_size_binary().iter().map(text).collect()
}

/// Maps with their entries in the order of the keys.
fn map_of(array: &MapArray, entry: &Type, how: How, issues: &mut Vec<Issue>) -> ArrayRef {
    let Some((key, value)) = entry.entry() else { unreachable!("a map has keys and values") };
    let offsets = array.offsets();
    let (first, last) = (offsets[0] as usize, offsets[array.len()] as usize);
    let mut inner = vec![];
    let keys = convert(&array.keys().slice(first, last - first), key, how, &mut inner);
    let values = convert(&array.values().slice(first, last - first), value, how, &mut inner);
    let row_of = |at: usize| offsets.partition_point(|&start| start as usize <= at + first) - 1;
    issues.extend(inner.into_iter().map(|issue| Issue { row: row_of(issue.row), ..issue }));
    let ArrowType::Struct(fields) = arrow_type(&entry.data) else { unreachable!("a record") };
    let entries = StructArray::new(fields, vec![keys, values], None);
    let offsets = OffsetBuffer::from_lengths(offsets.lengths());
    let field = maps::entry_field(&entry.data);
    let list = ListArray::new(field, offsets, Arc::new(entries), array.nulls().cloned());
    let (list, twice) = maps::in_order(list, &key.data);
    issues.extend(twice.into_iter().map(|row| Issue::new(row, "", "not a map: a key comes twice")));
    Arc::new(list)
}

/// Texts as the values that they are, in their one spelling.
fn held(array: &ArrayRef, to: &DataType, issues: &mut Vec<Issue>) -> StringViewArray {
    let value = |(row, text): (usize, Option<&str>)| {
        let read = crate::data::parse::held(text?.as_bytes(), to);
        if let Err(reason) = &read {
            issues.push(Issue::new(row, text?, reason.clone()));
        }
        read.ok()
    };
    array.as_string_view().iter().enumerate().map(value).collect()
}

/// The lengths of time that texts spell.
fn durations(array: &ArrayRef, issues: &mut Vec<Issue>) -> DurationMicrosecondArray {
    let value = |(row, text): (usize, Option<&str>)| {
        let read = crate::data::parse::duration(text?.as_bytes());
        if let Err(reason) = &read {
            issues.push(Issue::new(row, text?, reason.clone()));
        }
        read.ok()
    };
    array.as_string_view().iter().enumerate().map(value).collect()
}

fn members(array: &ArrayRef, declared: &EnumType, issues: &mut Vec<Issue>) -> Int32Array {
    let member = |(row, text): (usize, Option<&str>)| {
        let text = text?;
        let found = declared.by_text(text).map(|at| at as i32);
        if found.is_none() {
            issues.push(Issue::new(row, text, declared.refusal()));
        }
        found
    };
    array.as_string_view().iter().enumerate().map(member).collect()
}

fn list(array: &ArrayRef, item: &Type, how: How, issues: &mut Vec<Issue>) -> ArrayRef {
    let (items, lengths) = items_and_lengths(array);
    let offsets = OffsetBuffer::from_lengths(lengths);
    let mut inner = Vec::new();
    let items = match items {
        Some(items) => convert(&items, item, how, &mut inner),
        None => null_array(&item.data, 0),
    };
    issues.extend(inner.into_iter().map(|issue| {
        let row = offsets.partition_point(|&start| start as usize <= issue.row) - 1;
        let path = format!("[{}]{}", issue.row - offsets[row] as usize, issue.path);
        Issue { row, path, ..issue }
    }));
    let field = Arc::new(ArrowField::new("item", arrow_type(&item.data), true));
    Arc::new(ListArray::new(field, offsets, items, array.nulls().cloned()))
}

/// The items of the lists and nothing else, since a list that is null may hide some, and how many
/// each list has; None when there are none.
fn items_and_lengths(array: &ArrayRef) -> (Option<ArrayRef>, Vec<usize>) {
    if let Some(list) = array.as_list_opt::<i32>() {
        let lengths: Vec<usize> = list.offsets().lengths().collect();
        if (0..list.len()).all(|row| lengths[row] == 0 || list.is_valid(row)) {
            let (first, last) = (list.offsets()[0], list.offsets()[list.len()]);
            let items = list.values().slice(first as usize, (last - first) as usize);
            return (Some(items), lengths);
        }
    }
    let items = |row| (!array.is_null(row)).then(|| items_of(array, row));
    let lists: Vec<Option<ArrayRef>> = (0..array.len()).map(items).collect();
    let lengths = lists.iter().map(|list| list.as_ref().map_or(0, |list| list.len())).collect();
    let used: Vec<&dyn Array> = lists.iter().flatten().map(|list| &**list).collect();
    let items =
        (!used.is_empty()).then(|| arrow_select::concat::concat(&used).expect("items of one type"));
    (items, lengths)
}

fn items_of(array: &ArrayRef, row: usize) -> ArrayRef {
    if let Some(list) = array.as_any().downcast_ref::<ListArray>() {
        list.value(row)
    } else if let Some(list) = array.as_any().downcast_ref::<LargeListArray>() {
        list.value(row)
    } else {
        let list = array.as_any().downcast_ref::<FixedSizeListArray>();
        list.expect("one of the kinds of lists").value(row)
    }
}

fn record(array: &StructArray, fields: &[Field], how: How, issues: &mut Vec<Issue>) -> ArrayRef {
    let is_null = |row: usize| array.nulls().is_some_and(|nulls: &NullBuffer| nulls.is_null(row));
    let columns: Vec<ArrayRef> = fields
        .iter()
        .map(|field| {
            let column = array.column_by_name(&field.name);
            let column = column.expect("the fields were looked for when the file was opened");
            let mut inner = Vec::new();
            let converted = convert(column, &field.ty, how, &mut inner);
            let inner = inner.into_iter().filter(|issue| !is_null(issue.row));
            issues.extend(inner.map(|issue| {
                let path = format!(".{}{}", field.name, issue.path);
                Issue { path, ..issue }
            }));
            converted
        })
        .collect();
    let ArrowType::Struct(fields) = arrow_type(&DataType::Record(fields.into())) else {
        unreachable!("a record");
    };
    Arc::new(StructArray::new(fields, columns, array.nulls().cloned()))
}

/// How a type is written: an enum as its members' texts.
pub fn file_type(ty: &DataType) -> ArrowType {
    match ty {
        DataType::Enum(_) | DataType::String | DataType::Json | DataType::Uuid => {
            ArrowType::Utf8View
        }
        DataType::Bytes => ArrowType::BinaryView,
        DataType::Time => ArrowType::Time64(TimeUnit::Microsecond),
        DataType::Map(entry) => {
            let part = |field: &Field, nullable| {
                ArrowField::new(&*field.name, file_type(&field.ty.data), nullable)
            };
            let parts = match &entry.data {
                DataType::Record(fields) => vec![part(&fields[0], false), part(&fields[1], true)],
                _ => vec![],
            };
            let entries = ArrowField::new("entries", ArrowType::Struct(parts.into()), false);
            ArrowType::Map(Arc::new(entries), true)
        }
        DataType::List(item) => {
            let field = ArrowField::new("item", file_type(&item.data), true);
            ArrowType::List(Arc::new(field))
        }
        DataType::Record(fields) => {
            let field =
                |field: &Field| ArrowField::new(&*field.name, file_type(&field.ty.data), true);
            ArrowType::Struct(fields.iter().map(field).collect())
        }
        _ => arrow_type(ty),
    }
}

fn map_to_file(list: &ListArray, entry: &Type, ty: &DataType) -> ArrayRef {
    let ArrowType::Map(field, is_sorted) = file_type(ty) else { unreachable!("a map") };
    let ArrowType::Struct(parts) = field.data_type().clone() else { unreachable!("entries") };
    let Some((key, value)) = entry.entry() else { unreachable!("a map has keys and values") };
    let (first, last) = (list.offsets()[0] as usize, list.offsets()[list.len()] as usize);
    let entries = list.values().slice(first, last - first);
    let columns = entries.as_struct().columns().iter().zip([key, value]);
    let columns = columns.map(|(column, ty)| to_file(column, &ty.data)).collect();
    let entries = StructArray::new(parts, columns, None);
    let offsets = OffsetBuffer::from_lengths(list.offsets().lengths());
    Arc::new(MapArray::new(field, offsets, entries, list.nulls().cloned(), is_sorted))
}

/// The array as [`file_type`] says.
pub fn to_file(array: &ArrayRef, ty: &DataType) -> ArrayRef {
    match ty {
        DataType::Enum(declared) => {
            let positions = array.as_primitive::<Int32Type>();
            let mut texts =
                StringViewBuilder::with_capacity(positions.len()).with_deduplicate_strings();
            for position in positions {
                let member = position.and_then(|at| declared.members.get(at as usize));
                texts.append_option(member.map(|member| &*member.text));
            }
            Arc::new(texts.finish())
        }
        DataType::Bytes => {
            let mut all = BinaryViewBuilder::with_capacity(array.len());
            for text in array.as_string_view() {
                all.append_option(text.map(|text| binary::held(text).collect::<Vec<u8>>()));
            }
            Arc::new(all.finish())
        }
        DataType::Time => {
            let data = array.to_data().into_builder().data_type(file_type(ty));
            arrow_array::make_array(data.build().expect("64-bit numbers either way"))
        }
        DataType::Map(entry) => map_to_file(array.as_list::<i32>(), entry, ty),
        DataType::List(item) => {
            let list = array.as_list::<i32>();
            let ArrowType::List(field) = file_type(ty) else { unreachable!("a list") };
            let items = to_file(list.values(), &item.data);
            Arc::new(ListArray::new(field, list.offsets().clone(), items, list.nulls().cloned()))
        }
        DataType::Record(declared) => {
            let record = array.as_struct();
            let ArrowType::Struct(fields) = file_type(ty) else { unreachable!("a record") };
            let columns = record.columns().iter().zip(declared.iter());
            let columns = columns.map(|(column, field)| to_file(column, &field.ty.data)).collect();
            Arc::new(StructArray::new(fields, columns, record.nulls().cloned()))
        }
        _ => array.clone(),
    }
}
