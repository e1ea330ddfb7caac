//! A value as text: in CSV outputs, previews and messages. One spelling for all of them.

use super::binary;
use crate::types::{DataType, MICROS_PER_DAY, Scalar, civil_from_days};
use std::fmt::Write;

/// The value as the outputs spell it; null is the empty text.
///
/// Floats are the shortest text that reads back the same; instants are RFC 3339 in UTC; lists
/// and records are JSON.
pub fn display(value: &Scalar, ty: &DataType) -> String {
    let mut out = String::new();
    write_value(&mut out, value, ty);
    out
}

fn write_value(out: &mut String, value: &Scalar, ty: &DataType) {
    match (value, ty) {
        (Scalar::Null, _) => {}
        (Scalar::Bool(v), _) => out.push_str(if *v { "true" } else { "false" }),
        (Scalar::Int(v), _) => {
            let _ = write!(out, "{v}");
        }
        (Scalar::Float(v), _) => write_float(out, *v),
        (Scalar::Decimal(v), DataType::Decimal { scale, .. }) => {
            out.push_str(&decimal_text(*v, *scale));
        }
        (Scalar::Decimal(v), _) => out.push_str(&decimal_text(*v, 0)),
        (Scalar::String(v), DataType::Bytes) => {
            binary::encode(binary::held(v), |digit| out.push(char::from(digit)));
        }
        (Scalar::String(v), _) => out.push_str(v),
        (Scalar::Date(days), _) => write_date(out, i64::from(*days)),
        (Scalar::Datetime(micros), _) => write_datetime(out, *micros),
        (Scalar::Timestamp(micros), _) => {
            write_datetime(out, *micros);
            out.push('Z');
        }
        (Scalar::Duration(micros), DataType::Time) => write_time(out, *micros),
        (Scalar::Duration(micros), _) => write_duration(out, *micros),
        (Scalar::Enum(at), DataType::Enum(declared)) => {
            out.push_str(Scalar::enum_text(declared, *at));
        }
        (Scalar::Enum(at), _) => {
            let _ = write!(out, "{at}");
        }
        (Scalar::List(_) | Scalar::Record(_), _) => write_json(out, value, ty),
    }
}

fn write_json(out: &mut String, value: &Scalar, ty: &DataType) {
    match (value, ty) {
        (Scalar::Null, _) => out.push_str("null"),
        (Scalar::List(items), DataType::List(item)) => {
            out.push('[');
            for (at, value) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_json(out, value, &item.data);
            }
            out.push(']');
        }
        (Scalar::List(entries), DataType::Map(entry)) => {
            out.push('{');
            let types = entry.entry();
            for (at, entry) in entries.iter().enumerate() {
                let (Scalar::Record(parts), Some((key, value))) = (entry, types) else { continue };
                out.push_str(if at == 0 { "" } else { "," });
                let name = display(&parts[0], &key.data);
                out.push_str(&serde_json::Value::from(name).to_string());
                out.push(':');
                write_json(out, &parts[1], &value.data);
            }
            out.push('}');
        }
        (Scalar::Record(values), DataType::Record(fields)) => {
            out.push('{');
            for (at, (value, field)) in values.iter().zip(fields.iter()).enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                out.push_str(&serde_json::Value::from(&*field.name).to_string());
                out.push(':');
                write_json(out, value, &field.ty.data);
            }
            out.push('}');
        }
        (Scalar::Bool(_) | Scalar::Int(_) | Scalar::Decimal(_), _) | (_, DataType::Json) => {
            write_value(out, value, ty);
        }
        (Scalar::Float(v), _) if v.is_finite() => write_float(out, *v),
        _ => {
            let mut text = String::new();
            write_value(&mut text, value, ty);
            out.push_str(&serde_json::Value::from(text).to_string());
        }
    }
}

fn write_float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        out.push_str(zmij::Buffer::new().format_finite(value));
    }
}

/// The decimal `unscaled / 10^scale` with exactly `scale` digits after the point.
pub fn decimal_text(unscaled: i128, scale: u8) -> String {
    let digits = unscaled.unsigned_abs().to_string();
    let sign = if unscaled < 0 { "-" } else { "" };
    let scale = scale as usize;
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{part}")
}

fn write_date(out: &mut String, days: i64) {
    let (year, month, day) = civil_from_days(days);
    let sign = if year < 0 { "-" } else { "" };
    let _ = write!(out, "{sign}{:04}-{month:02}-{day:02}", year.abs());
}

fn write_datetime(out: &mut String, micros: i64) {
    write_date(out, micros.div_euclid(MICROS_PER_DAY));
    out.push('T');
    write_time(out, micros);
}

fn write_time(out: &mut String, micros: i64) {
    let of_day = micros.rem_euclid(MICROS_PER_DAY);
    let seconds = of_day / 1_000_000;
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    write_fraction(out, of_day % 1_000_000);
}

/// `.25` of a second; nothing when it is whole.
fn write_fraction(out: &mut String, micros: i64) {
    if micros != 0 {
        let digits = format!("{micros:06}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

/// ISO 8601 with days as the largest unit: `P1DT2H3M4.5S`.
fn write_duration(out: &mut String, micros: i64) {
    if micros < 0 {
        out.push('-');
    }
    let micros = micros.unsigned_abs();
    let day = MICROS_PER_DAY as u64;
    let (days, rest) = (micros / day, micros % day);
    let seconds = rest / 1_000_000;
    out.push('P');
    if days > 0 {
        let _ = write!(out, "{days}D");
    }
    if rest == 0 && days > 0 {
        return;
    }
    out.push('T');
    for (value, unit) in [(seconds / 3600, 'H'), (seconds / 60 % 60, 'M')] {
        if value > 0 {
            let _ = write!(out, "{value}{unit}");
        }
    }
    if seconds % 60 > 0 || rest % 1_000_000 > 0 || rest == 0 {
        let _ = write!(out, "{}", seconds % 60);
        write_fraction(out, (rest % 1_000_000) as i64);
        out.push('S');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_one_spelling() {
        let decimal = DataType::Decimal { precision: 12, scale: 2 };
        assert_eq!(display(&Scalar::Decimal(-5), &decimal), "-0.05");
        assert_eq!(display(&Scalar::Float(1.0), &DataType::Float), "1.0");
        assert_eq!(display(&Scalar::Float(1e300), &DataType::Float), "1e+300");
        let at = Scalar::Timestamp(1_500_000);
        assert_eq!(display(&at, &DataType::Timestamp), "1970-01-01T00:00:01.5Z");
        let long = Scalar::Duration(MICROS_PER_DAY + 3_600_000_000);
        assert_eq!(display(&long, &DataType::Duration), "P1DT1H");
        assert_eq!(display(&Scalar::Duration(0), &DataType::Duration), "PT0S");
    }
}
