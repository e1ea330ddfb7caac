//! Between texts and numbers where `as` does not do: `parse_number` with the signs of a country,
//! `format` with a picture of the result.

use super::columns::{
    Prepared, TextColumn, data, fallible, fallible_texts, kernel, literal_text, scale_of, texts,
    values,
};
use super::kernel::{Call, LiteralError, PrepareScalar};
use super::math::{Rounding, as_decimal, divide, round_float};
use crate::data::decimal_text;
use crate::types::DataType;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use std::fmt::Write;
use std::sync::Arc;

/// The kernel of each function.
pub(super) const KERNELS: &[(&str, PrepareScalar)] =
    &[("parse_number", parse_number), ("format", format_number), ("typeof", type_of)];

/// `typeof(value)`: known before anything runs.
fn type_of(call: &Call) -> Prepared {
    let ty = call.arguments[0].to_string();
    kernel(move |context, _| {
        let mut column = TextColumn::with_capacity(context.rows);
        (0..context.rows).for_each(|_| column.push(&ty));
        Arc::new(column.finish())
    })
}

fn one_char(call: &Call, argument: usize) -> Result<char, LiteralError> {
    let mut chars = literal_text(call, argument)?.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_ascii_digit() => Ok(c),
        _ => Err(LiteralError { argument, reason: "this must be one character".into() }),
    }
}

/// `parse_number(text, decimal, group)`
fn parse_number(call: &Call) -> Prepared {
    let (point, group) = (one_char(call, 1)?, one_char(call, 2)?);
    if point == group {
        let reason = "`decimal` and `group` are the same character".into();
        return Err(LiteralError { argument: 2, reason });
    }
    let ty = call.result.data.clone();
    let scale = scale_of(&ty);
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        let numbers = fallible::<Decimal128Type>(context, &arguments[..1], |row| {
            let text = all.at(row);
            number(text.trim(), point, group, scale)
                .map(Some)
                .ok_or_else(|| format!("\"{text}\" is not a number of this form"))
        });
        as_decimal(numbers, &ty)
    })
}

/// The unscaled number; none unless it is one, with at most `scale` digits after the point and 38
/// in all.
fn number(text: &str, point: char, group: char, scale: u8) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, part) = digits.split_once(point).unwrap_or((digits, ""));
    if !groups_are_right(whole, group) {
        return None;
    }
    let (mut value, mut seen) = (0i128, false);
    for c in whole.chars().filter(|c| *c != group).chain(part.chars()) {
        value = value.checked_mul(10)?.checked_add(i128::from(c.to_digit(10)?))?;
        seen = true;
    }
    let missing = usize::from(scale).checked_sub(part.len())?;
    let value = value.checked_mul(10i128.checked_pow(missing as u32)?)?;
    let fits = seen && value < 10i128.pow(38);
    fits.then_some(if negative { -value } else { value })
}

/// Are the digits before the point in groups as they are written somewhere, or in none? The last
/// group has three digits, those before it two (in India) or three, the first one to three: so a
/// sign that means the point in another country is not taken for one between groups.
fn groups_are_right(whole: &str, group: char) -> bool {
    let mut groups = whole.rsplit(group).map(str::len);
    let (last, Some(mut first)) = (groups.next(), groups.next()) else { return true };
    for before in groups {
        if !(2..=3).contains(&first) {
            return false;
        }
        first = before;
    }
    last == Some(3) && (1..=3).contains(&first)
}

/// What a picture like `#,##0.00` says.
#[derive(Clone, Debug, PartialEq)]
struct Picture {
    before: String,
    /// The least digits before the point.
    whole: usize,
    grouped: bool,
    /// The least and the most digits after the point.
    part: (usize, usize),
    percent: bool,
    after: String,
}

impl Picture {
    fn parse(text: &str) -> Result<Picture, String> {
        let is_slot = |c: char| matches!(c, '#' | '0' | ',' | '.');
        let wrong = || format!("\"{text}\" is not a picture of a number, such as \"#,##0.00\"");
        let start = text.find(is_slot).ok_or_else(wrong)?;
        let length = text[start..].find(|c| !is_slot(c)).unwrap_or(text.len() - start);
        let (slots, after) = text[start..].split_at(length);
        let (whole, part) = slots.split_once('.').unwrap_or((slots, ""));
        let mandatory = part.len() - part.trim_start_matches('0').len();
        let optional = part[mandatory..].chars().all(|c| c == '#');
        let whole_zeros = whole.replace(',', "");
        let whole_zeros = whole_zeros.trim_start_matches('#');
        let in_order = whole_zeros.chars().all(|c| c == '0') && optional;
        if !in_order || after.contains(is_slot) || part.len() > 30 || whole.len() > 40 {
            return Err(wrong());
        }
        Ok(Picture {
            before: text[..start].into(),
            whole: whole_zeros.len(),
            grouped: whole.contains(','),
            part: (mandatory, part.len()),
            percent: after.starts_with('%'),
            after: after.into(),
        })
    }

    /// Writes a number given as its digits with at most `part.1` after the point.
    fn write(&self, out: &mut String, negative: bool, digits: &str) {
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let whole = whole.trim_start_matches('0');
        let zero = whole.is_empty() && part.bytes().all(|digit| digit == b'0');
        if negative && !zero {
            out.push('-');
        }
        out.push_str(&self.before);
        let width = whole.len().max(self.whole);
        for at in 0..width {
            let left = width - at;
            if self.grouped && at > 0 && left % 3 == 0 {
                out.push(',');
            }
            let digit = (at + whole.len()).checked_sub(width);
            out.push(digit.map_or('0', |at| char::from(whole.as_bytes()[at])));
        }
        let kept = part.trim_end_matches('0').len().max(self.part.0);
        if kept > 0 {
            out.push('.');
            out.extend(part.chars().chain(std::iter::repeat('0')).take(kept));
        }
        out.push_str(&self.after);
    }

    /// The digits of `unscaled / 10^scale`, rounded to what the picture shows.
    fn write_exact(&self, out: &mut String, unscaled: i128, scale: u8) {
        let shown = self.part.1 as u32;
        let percent = if self.percent { 2 } else { 0 };
        let (mut scale, mut unscaled) = (u32::from(scale), unscaled);
        let Some(behind) = scale.checked_sub(percent) else {
            // A percent moves the point by more places than there are behind it.
            let zeros = "0".repeat((percent - scale) as usize);
            return self.write(out, unscaled < 0, &format!("{}{zeros}", unscaled.unsigned_abs()));
        };
        scale = behind;
        if scale > shown {
            unscaled = divide(unscaled, 10i128.pow(scale - shown), Rounding::HalfAway);
            scale = shown;
        }
        let text = decimal_text(unscaled, scale as u8);
        self.write(out, unscaled < 0, text.trim_start_matches('-'));
    }

    fn write_float(&self, out: &mut String, scratch: &mut String, value: f64) {
        if !value.is_finite() {
            let _ = write!(out, "{value}");
            return;
        }
        let value = if self.percent { value * 100.0 } else { value };
        let rounded = round_float(value, self.part.1 as i64, Rounding::HalfAway);
        scratch.clear();
        let _ = write!(scratch, "{:.*}", self.part.1, rounded.abs());
        self.write(out, rounded < 0.0, scratch);
    }
}

/// `format(x, picture)`
fn format_number(call: &Call) -> Prepared {
    let picture = Picture::parse(literal_text(call, 1)?)
        .map_err(|reason| LiteralError { argument: 1, reason })?;
    match data(call, 0) {
        DataType::Float => kernel(move |context, arguments| {
            let x = values::<Float64Type>(&arguments[0]);
            let mut scratch = String::new();
            fallible_texts(context, &arguments[..1], |row, column| {
                column.write(|out| picture.write_float(out, &mut scratch, x.at(row)));
                Ok(())
            })
        }),
        DataType::Decimal { scale, .. } => {
            let scale = *scale;
            kernel(move |context, arguments| {
                let x = values::<Decimal128Type>(&arguments[0]);
                fallible_texts(context, &arguments[..1], |row, column| {
                    column.write(|out| picture.write_exact(out, x.at(row), scale));
                    Ok(())
                })
            })
        }
        _ => kernel(move |context, arguments| {
            let x = values::<Int64Type>(&arguments[0]);
            fallible_texts(context, &arguments[..1], |row, column| {
                column.write(|out| picture.write_exact(out, i128::from(x.at(row)), 0));
                Ok(())
            })
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_a_country_writes_them() {
        let german = |text| number(text, ',', '.', 2);
        assert_eq!(german("1.234.567,89"), Some(123_456_789));
        assert_eq!(german("-5"), Some(-500));
        assert_eq!(german(",5"), Some(50));
        assert_eq!(german("-1.234"), Some(-123_400));
        assert_eq!(german("1.23.45.678,9"), Some(1_234_567_890));
        for wrong in ["", "-", ",", "1,2,3", "1,234", "1..2", ".1", "1.", "1 2", "--1", "1,2.3"] {
            assert_eq!(german(wrong), None, "{wrong}");
        }
        // Not in groups: more likely the point of another country.
        let ungrouped =
            ["12.34", "1.2.3", "1.23,4", "1.234.5", "1234.567", "1.2345", ".123", "1.2.345"];
        for wrong in ungrouped {
            assert_eq!(german(wrong), None, "{wrong}");
        }
        assert_eq!(german(&"9".repeat(37)), None);
    }

    #[test]
    fn pictures_show_numbers() {
        let show = |picture: &str, unscaled, scale| {
            let mut out = String::new();
            Picture::parse(picture).unwrap().write_exact(&mut out, unscaled, scale);
            out
        };
        assert_eq!(show("#,##0.00", 1_234_567, 1), "123,456.70");
        assert_eq!(show("#,##0.00", -5, 3), "-0.01");
        assert_eq!(show("#,##0.00", -4, 3), "0.00");
        assert_eq!(show("0.##", 1_200, 2), "12");
        assert_eq!(show("00000", 42, 0), "00042");
        assert_eq!(show("0,000", 42, 0), "0,042");
        assert_eq!(show("0.0%", 1_234, 4), "12.3%");
        assert_eq!(show("0%", 1, 0), "100%");
        assert_eq!(show("EUR #,##0", 1_000, 0), "EUR 1,000");
        assert!(Picture::parse("none").is_err());
        assert!(Picture::parse("0#").is_err());
    }
}
