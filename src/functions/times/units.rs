//! Cutting to units, counting units and adding them.

use super::calendar::{Unit, truncate, truncate_days, units_between};
use super::zones::{Zone, as_timestamp};
use crate::functions::columns::{Prepared, data, dense, fallible, kernel, literal_text, values};
use crate::functions::kernel::{Call, LiteralError};
use crate::types::{DataType, MICROS, MICROS_PER_DAY, OUTSIDE_YEARS, add_months as months_later};
use arrow_array::types::{
    Date32Type, DurationMicrosecondType, Int64Type, TimestampMicrosecondType,
};

fn unit(call: &Call, argument: usize, fits: impl Fn(Unit) -> bool) -> Result<Unit, LiteralError> {
    Unit::named(literal_text(call, argument)?, fits)
        .map_err(|reason| LiteralError { argument, reason })
}

fn is_micros(unit: Unit) -> bool {
    matches!(unit, Unit::Micros(_))
}

/// `date_trunc(unit, date)`, `date_trunc(unit, datetime)`, `date_trunc(unit, timestamp, zone)`
pub(super) fn date_trunc(call: &Call) -> Prepared {
    match data(call, 1) {
        DataType::Date => {
            let unit = unit(call, 0, |unit| !is_micros(unit))?;
            kernel(move |context, arguments| {
                let all = values::<Date32Type>(&arguments[1]);
                dense::<Date32Type>(context, &arguments[1..], |row| {
                    truncate_days(i64::from(all.at(row)), unit) as i32
                })
            })
        }
        DataType::Timestamp => {
            let unit = unit(call, 0, |_| true)?;
            let zone = Zone::of(call, 2)?;
            kernel(move |context, arguments| {
                let all = values::<TimestampMicrosecondType>(&arguments[1]);
                as_timestamp(fallible::<TimestampMicrosecondType>(
                    context,
                    &arguments[1..2],
                    |row| {
                        let instant = all.at(row);
                        let local = zone.local(instant);
                        let cut = truncate(local, unit);
                        within(Some(match unit {
                            // By the same clock, so that hours told twice stay apart.
                            Unit::Micros(_) => instant.saturating_sub(local.saturating_sub(cut)),
                            Unit::Days(_) | Unit::Months(_) => zone.earliest(cut),
                        }))
                    },
                ))
            })
        }
        _ => {
            let unit = unit(call, 0, |_| true)?;
            kernel(move |context, arguments| {
                let all = values::<TimestampMicrosecondType>(&arguments[1]);
                dense::<TimestampMicrosecondType>(context, &arguments[1..], |row| {
                    truncate(all.at(row), unit)
                })
            })
        }
    }
}

/// `diff(unit, from, to)`
pub(super) fn diff(call: &Call) -> Prepared {
    match data(call, 1) {
        DataType::Date => {
            let unit = unit(call, 0, |unit| !is_micros(unit))?;
            kernel(move |context, arguments| {
                let from = values::<Date32Type>(&arguments[1]);
                let to = values::<Date32Type>(&arguments[2]);
                let micros = |days: i32| i64::from(days).saturating_mul(MICROS_PER_DAY);
                dense::<Int64Type>(context, &arguments[1..], |row| {
                    units_between(micros(from.at(row)), micros(to.at(row)), unit)
                })
            })
        }
        ty => {
            // Instants have no days: those depend on a zone.
            let instants = *ty == DataType::Timestamp;
            let unit = unit(call, 0, |unit| !instants || is_micros(unit))?;
            kernel(move |context, arguments| {
                let from = values::<TimestampMicrosecondType>(&arguments[1]);
                let to = values::<TimestampMicrosecondType>(&arguments[2]);
                dense::<Int64Type>(context, &arguments[1..], |row| {
                    units_between(from.at(row), to.at(row), unit)
                })
            })
        }
    }
}

/// A time, unless it is outside the years that times have.
pub(super) fn within(micros: Option<i64>) -> Result<Option<i64>, String> {
    let within = micros.filter(|micros| MICROS.contains(micros));
    within.map(Some).ok_or_else(outside)
}

fn outside() -> String {
    format!("the result is {OUTSIDE_YEARS}")
}

/// `add(datetime, duration)`, `add(timestamp, duration)`
pub(super) fn add(call: &Call) -> Prepared {
    let instants = *data(call, 0) == DataType::Timestamp;
    kernel(move |context, arguments| {
        let all = values::<TimestampMicrosecondType>(&arguments[0]);
        let durations = values::<DurationMicrosecondType>(&arguments[1]);
        let sums = fallible::<TimestampMicrosecondType>(context, arguments, |row| {
            within(all.at(row).checked_add(durations.at(row)))
        });
        if instants { as_timestamp(sums) } else { sums }
    })
}

/// `add_months(date, months)`, `add_months(datetime, months)`
pub(super) fn add_months(call: &Call) -> Prepared {
    if let DataType::Date = data(call, 0) {
        return kernel(|context, arguments| {
            let all = values::<Date32Type>(&arguments[0]);
            let months = values::<Int64Type>(&arguments[1]);
            fallible::<Date32Type>(context, arguments, |row| {
                let later = months_later(i64::from(all.at(row)), months.at(row));
                later.map(|days| Some(days as i32)).ok_or_else(outside)
            })
        });
    }
    kernel(|context, arguments| {
        let all = values::<TimestampMicrosecondType>(&arguments[0]);
        let months = values::<Int64Type>(&arguments[1]);
        fallible::<TimestampMicrosecondType>(context, arguments, |row| {
            let micros = all.at(row);
            let later = months_later(micros.div_euclid(MICROS_PER_DAY), months.at(row));
            let of_day = micros.rem_euclid(MICROS_PER_DAY);
            within(later.map(|days| days * MICROS_PER_DAY + of_day))
        })
    })
}

fn length(call: &Call) -> Result<i64, LiteralError> {
    match unit(call, 1, |unit| matches!(unit, Unit::Micros(_) | Unit::Days(1)))? {
        Unit::Micros(length) => Ok(length),
        Unit::Days(_) | Unit::Months(_) => Ok(MICROS_PER_DAY),
    }
}

/// `epoch(timestamp, unit)`
pub(super) fn epoch(call: &Call) -> Prepared {
    let length = length(call)?;
    kernel(move |context, arguments| {
        let all = values::<TimestampMicrosecondType>(&arguments[0]);
        dense::<Int64Type>(context, &arguments[..1], |row| all.at(row).div_euclid(length))
    })
}

/// `from_epoch(count, unit)`
pub(super) fn from_epoch(call: &Call) -> Prepared {
    let length = length(call)?;
    kernel(move |context, arguments| {
        let counts = values::<Int64Type>(&arguments[0]);
        as_timestamp(fallible::<TimestampMicrosecondType>(context, &arguments[..1], |row| {
            within(counts.at(row).checked_mul(length))
        }))
    })
}
