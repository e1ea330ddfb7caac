//! Numbers and truth values from text.

use super::Reason;

/// `true`, `false`, `t` or `f` in any case.
pub fn boolean(text: &[u8]) -> Result<bool, Reason> {
    match text {
        b"true" | b"t" => Ok(true),
        b"false" | b"f" => Ok(false),
        _ if text.eq_ignore_ascii_case(b"true") || text.eq_ignore_ascii_case(b"t") => Ok(true),
        _ if text.eq_ignore_ascii_case(b"false") || text.eq_ignore_ascii_case(b"f") => Ok(false),
        _ => Err("not a bool (`true` or `false`)".into()),
    }
}

/// A whole number with an optional sign.
pub fn int(text: &[u8]) -> Result<i64, Reason> {
    let (negative, digits) = sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err("not an int".into());
    }
    let mut value = 0i64;
    for digit in digits {
        let digit = i64::from(digit - b'0');
        let next = value.checked_mul(10).and_then(|value| {
            if negative { value.checked_sub(digit) } else { value.checked_add(digit) }
        });
        value = next.ok_or("too large for an int")?;
    }
    Ok(value)
}

/// A number, correctly rounded; `NaN` and `Infinity` only where they are asked for.
pub fn float(text: &[u8], nan: bool) -> Result<f64, Reason> {
    let (negative, unsigned) = sign(text);
    if unsigned.first().is_some_and(|first| first.is_ascii_digit() || *first == b'.') {
        let value: f64 = fast_float2::parse(text).map_err(|_| "not a float")?;
        return if value.is_finite() { Ok(value) } else { Err("too large for a float".into()) };
    }
    let value = if unsigned.eq_ignore_ascii_case(b"nan") {
        f64::NAN
    } else if [&b"inf"[..], b"infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        f64::INFINITY
    } else {
        return Err("not a float".into());
    };
    if !nan {
        return Err("not a number (`format \"nan\"` allows it)".into());
    }
    Ok(if negative { -value } else { value })
}

/// A decimal number, exactly: more digits after the point than the scale are refused unless they
/// are zeros.
pub fn decimal(text: &[u8], precision: u8, scale: u8) -> Result<i128, Reason> {
    let wrong = || Reason::from(format!("not a decimal({precision}, {scale})"));
    let (negative, rest) = sign(text);
    let (mantissa, exponent) = match rest.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&rest[..at], int(&rest[at + 1..]).map_err(|_| wrong())?),
        None => (rest, 0),
    };
    let point = mantissa.iter().position(|&byte| byte == b'.').unwrap_or(mantissa.len());
    let (whole, part) = (&mantissa[..point], mantissa.get(point + 1..).unwrap_or(&[]));
    let digits = || whole.iter().chain(part);
    if digits().next().is_none() || !digits().all(u8::is_ascii_digit) {
        return Err(wrong());
    }
    let count = digits().count() as i64;
    // Digit `i` counts 10^(last - i) of the smallest unit.
    let last = (whole.len() as i64 - 1)
        .checked_add(exponent)
        .and_then(|last| last.checked_add(i64::from(scale)))
        .ok_or_else(wrong)?;
    let mut value = 0i128;
    for (at, digit) in digits().enumerate() {
        let digit = i128::from(digit - b'0');
        if digit == 0 && (value == 0 || at as i64 > last) {
            continue;
        }
        if at as i64 > last {
            return Err(format!("has more than {scale} digits after the point").into());
        }
        if last - at as i64 > 38 {
            return Err(too_large(precision, scale));
        }
        let unit = 10i128.pow((last - at as i64) as u32);
        value = digit
            .checked_mul(unit)
            .and_then(|digit| value.checked_add(digit))
            .ok_or_else(|| too_large(precision, scale))?;
    }
    debug_assert!(count > 0);
    if value >= 10i128.pow(u32::from(precision)) {
        return Err(too_large(precision, scale));
    }
    Ok(if negative { -value } else { value })
}

fn too_large(precision: u8, scale: u8) -> Reason {
    format!("too large for decimal({precision}, {scale})").into()
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_exactly_a_number_is_refused() {
        assert_eq!(int(b"9223372036854775807"), Ok(i64::MAX));
        assert_eq!(int(b"-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(int(b"9223372036854775808"), Err("too large for an int".into()));
        assert!(
            [&b""[..], b"-", b" 1", b"1 ", b"1.0", b"0x1"].iter().all(|text| int(text).is_err())
        );
        assert!(
            [&b""[..], b"inf", b"NaN", b"1e400", b"1e", b"e1"]
                .iter()
                .all(|text| float(text, false).is_err())
        );
        assert_eq!(float(b"-Infinity", true), Ok(f64::NEG_INFINITY));
        assert_eq!(decimal(b"1.50", 4, 1), Ok(15));
        assert_eq!(decimal(b"15e-1", 4, 1), Ok(15));
        assert_eq!(decimal(b"1.5e2", 4, 1), Ok(1500));
        assert_eq!(decimal(b"0e999999999", 4, 1), Ok(0));
        assert!(decimal(b"1e9223372036854775807", 4, 1).is_err());
        assert!(decimal(b"1.55", 4, 1).is_err());
        assert!(decimal(b"1000", 4, 1).is_err());
        let most = "9".repeat(38);
        assert_eq!(decimal(most.as_bytes(), 38, 0), Ok(10i128.pow(38) - 1));
        assert!(decimal(format!("{most}0").as_bytes(), 38, 0).is_err());
    }
}
