//! The parts of dates and wall clock readings: `year`, `weekday`, `hour`...

use super::calendar::weekday as weekday_of;
use crate::functions::columns::{Prepared, data, dense, kernel, values};
use crate::functions::kernel::Call;
use crate::types::{DataType, MICROS_PER_DAY, civil_from_days, days_from_civil, days_in_month};
use arrow_array::types::{
    Date32Type, DurationMicrosecondType, Int64Type, TimestampMicrosecondType,
};

/// A number that depends on the day alone.
pub(super) fn field(call: &Call, of_day: fn(i64) -> i64) -> Prepared {
    if let DataType::Date = data(call, 0) {
        return kernel(move |context, arguments| {
            let days = values::<Date32Type>(&arguments[0]);
            dense::<Int64Type>(context, arguments, |row| of_day(i64::from(days.at(row))))
        });
    }
    kernel(move |context, arguments| {
        let micros = values::<TimestampMicrosecondType>(&arguments[0]);
        dense::<Int64Type>(context, arguments, |row| {
            of_day(micros.at(row).div_euclid(MICROS_PER_DAY))
        })
    })
}

/// How many `unit`s of microseconds the clock shows, modulo `modulus`.
pub(super) fn clock(call: &Call, unit: i64, modulus: i64) -> Prepared {
    if let DataType::Time = data(call, 0) {
        return kernel(move |context, arguments| {
            let micros = values::<DurationMicrosecondType>(&arguments[0]);
            dense::<Int64Type>(context, arguments, |row| {
                micros.at(row).div_euclid(unit).rem_euclid(modulus)
            })
        });
    }
    kernel(move |context, arguments| {
        let micros = values::<TimestampMicrosecondType>(&arguments[0]);
        dense::<Int64Type>(context, arguments, |row| {
            micros.at(row).div_euclid(unit).rem_euclid(modulus)
        })
    })
}

pub(super) fn year(days: i64) -> i64 {
    civil_from_days(days).0
}

pub(super) fn month(days: i64) -> i64 {
    i64::from(civil_from_days(days).1)
}

pub(super) fn quarter(days: i64) -> i64 {
    (month(days) + 2) / 3
}

pub(super) fn day(days: i64) -> i64 {
    i64::from(civil_from_days(days).2)
}

pub(super) fn day_of_year(days: i64) -> i64 {
    days - days_from_civil(year(days), 1, 1) + 1
}

pub(super) fn weekday(days: i64) -> i64 {
    weekday_of(days)
}

/// ISO 8601: a week belongs to the year of its Thursday.
pub(super) fn iso_week(days: i64) -> i64 {
    let thursday = days - weekday_of(days) + 4;
    (day_of_year(thursday) - 1) / 7 + 1
}

/// `last_day(date)`
pub(super) fn last_day(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = values::<Date32Type>(&arguments[0]);
        dense::<Date32Type>(context, arguments, |row| {
            let (year, month, day) = civil_from_days(i64::from(all.at(row)));
            all.at(row).saturating_add((days_in_month(year, month) - day) as i32)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_belong_to_the_year_of_their_thursday() {
        let week = |year, month, day| iso_week(days_from_civil(year, month, day));
        assert_eq!(week(2021, 1, 3), 53);
        assert_eq!(week(2021, 1, 4), 1);
        assert_eq!(week(2024, 12, 30), 1);
        assert_eq!(week(2020, 12, 31), 53);
        assert_eq!(weekday(0), 4);
        assert_eq!(quarter(days_from_civil(2024, 12, 1)), 4);
        assert_eq!(day_of_year(days_from_civil(2024, 12, 31)), 366);
    }
}
