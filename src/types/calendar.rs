//! The proleptic Gregorian calendar, by arithmetic alone: days and dates, and which of them there
//! are. How they are spelled is known by those who read and show them.

use std::ops::RangeInclusive;

/// Microseconds of a day of 24 hours.
pub const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The days that a `date` may be: those of the years 0001 to 9999, since 1970-01-01.
pub const DAYS: RangeInclusive<i32> = -719_162..=2_932_896;

/// What a `datetime` and a `timestamp` may be: the microseconds of [`DAYS`].
pub const MICROS: RangeInclusive<i64> = -719_162 * MICROS_PER_DAY..=2_932_897 * MICROS_PER_DAY - 1;

/// What is wrong with a time that is not within [`DAYS`] or [`MICROS`].
pub const OUTSIDE_YEARS: &str = "outside the years 0001 to 9999";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
pub fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of days since 1970-01-01; the inverse of [`days_from_civil`].
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// How many days the month has, 1 to 12; 0 for another number.
#[inline]
pub fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// Days since 1970-01-01 of a date, if there is such a day.
#[inline]
pub fn days_of(year: i64, month: u32, day: u32) -> Option<i64> {
    (1..=days_in_month(year, month)).contains(&day).then(|| days_from_civil(year, month, day))
}

/// So many months later, on the same day of the month, or the last if it has no such day. None
/// outside the years that dates have.
pub fn add_months(days: i64, months: i64) -> Option<i64> {
    let (year, month, day) = civil_from_days(days);
    let total = (year * 12 + i64::from(month) - 1).checked_add(months)?;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) as u32 + 1);
    (1..=9999)
        .contains(&year)
        .then(|| days_from_civil(year, month, day.min(days_in_month(year, month))))
}

/// Why there is no day of this month that [`days_of`] knows, in words: `February 2024 has 29 days`.
pub fn why_no_day(year: i64, month: u32) -> String {
    match (1..=12).zip(MONTHS).find(|(number, _)| *number == month) {
        Some((_, name)) => format!("{name} {year} has {} days", days_in_month(year, month)),
        None => "a year has 12 months".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        for (year, month, day, days) in [
            (1970, 1, 1, 0),
            (2000, 3, 1, 11_017),
            (1969, 12, 31, -1),
            (2024, 2, 29, 19_782),
            (1, 1, 1, -719_162),
            (0, 1, 1, -719_528),
        ] {
            assert_eq!(days_of(year, month, day), Some(days), "{year}-{month}-{day}");
        }
        assert_eq!([days_of(2023, 2, 29), days_of(2023, 13, 1), days_of(2023, 1, 0)], [None; 3]);
    }

    #[test]
    fn days_and_dates_are_inverse() {
        for days in (-800_000..3_000_000).step_by(37) {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), days);
        }
    }
}
