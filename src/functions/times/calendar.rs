//! Arithmetic of the calendar: units of time, and months that differ in length.

use crate::types::{MICROS_PER_DAY, add_months, civil_from_days, days_from_civil};

/// A unit of time, as programs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A fixed number of microseconds, up to the hour.
    Micros(i64),
    /// A fixed number of days: `day`, `week`.
    Days(i64),
    /// A number of calendar months: `month`, `quarter`, `year`.
    Months(i64),
}

const UNITS: &[(&str, Unit)] = &[
    ("microsecond", Unit::Micros(1)),
    ("millisecond", Unit::Micros(1_000)),
    ("second", Unit::Micros(1_000_000)),
    ("minute", Unit::Micros(60_000_000)),
    ("hour", Unit::Micros(3_600_000_000)),
    ("day", Unit::Days(1)),
    ("week", Unit::Days(7)),
    ("month", Unit::Months(1)),
    ("quarter", Unit::Months(3)),
    ("year", Unit::Months(12)),
];

impl Unit {
    /// The unit of this name that `fits`; else what there is instead.
    pub(super) fn named(name: &str, fits: impl Fn(Unit) -> bool) -> Result<Unit, String> {
        let found = UNITS.iter().find(|(found, unit)| *found == name && fits(*unit));
        found.map(|(_, unit)| *unit).ok_or_else(|| {
            let names: Vec<&str> =
                UNITS.iter().filter(|(_, unit)| fits(*unit)).map(|(name, _)| *name).collect();
            format!("there is no unit \"{name}\" here; there are {}", names.join(", "))
        })
    }
}

/// 1 is Monday. 1970-01-01 was a Thursday.
pub(super) fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7) + 1
}

/// The first day of the unit that a day is in.
pub(super) fn truncate_days(days: i64, unit: Unit) -> i64 {
    match unit {
        Unit::Micros(_) | Unit::Days(1) => days,
        Unit::Days(_) => days - (weekday(days) - 1),
        Unit::Months(months) => {
            let (year, month, _) = civil_from_days(days);
            let first = (i64::from(month) - 1) / months * months + 1;
            days_from_civil(year, first as u32, 1)
        }
    }
}

/// The start of the unit that a wall clock reading is in.
pub(super) fn truncate(micros: i64, unit: Unit) -> i64 {
    match unit {
        Unit::Micros(length) => micros.saturating_sub(micros.rem_euclid(length)),
        Unit::Days(_) | Unit::Months(_) => {
            let days = truncate_days(micros.div_euclid(MICROS_PER_DAY), unit);
            days.saturating_mul(MICROS_PER_DAY)
        }
    }
}

/// The most units that can be added to `from` without passing `to`; negative backwards.
/// Both are microseconds of a wall clock.
pub(super) fn units_between(from: i64, to: i64, unit: Unit) -> i64 {
    let span = i128::from(to) - i128::from(from);
    match unit {
        Unit::Micros(length) => (span / i128::from(length)) as i64,
        Unit::Days(days) => (span / (i128::from(days) * i128::from(MICROS_PER_DAY))) as i64,
        Unit::Months(months) => {
            let parts = |micros: i64| {
                let day = micros.div_euclid(MICROS_PER_DAY);
                (day, micros.rem_euclid(MICROS_PER_DAY))
            };
            let ((from_day, from_time), (to_day, to_time)) = (parts(from), parts(to));
            let month = |days| {
                let (year, month, _) = civil_from_days(days);
                year * 12 + i64::from(month)
            };
            let mut between = month(to_day) - month(from_day);
            let reached = add_months(from_day, between).unwrap_or(to_day);
            let past = (reached, from_time).cmp(&(to_day, to_time));
            if between > 0 && past.is_gt() {
                between -= 1;
            } else if between < 0 && past.is_lt() {
                between += 1;
            }
            between / months
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i64, month: u32, day: u32) -> i64 {
        days_from_civil(year, month, day)
    }

    #[test]
    fn months_end_where_they_end() {
        assert_eq!(add_months(day(2024, 1, 31), 1), Some(day(2024, 2, 29)));
        assert_eq!(add_months(day(2023, 1, 31), 1), Some(day(2023, 2, 28)));
        assert_eq!(add_months(day(2024, 1, 31), -11), Some(day(2023, 2, 28)));
        assert_eq!(add_months(day(2024, 1, 31), 12 * 8000), None);
        assert_eq!(add_months(0, i64::MAX), None);
    }

    #[test]
    fn days_are_cut_to_units() {
        let cut = |unit| truncate_days(day(2024, 8, 15), Unit::named(unit, |_| true).unwrap());
        assert_eq!(cut("week"), day(2024, 8, 12));
        assert_eq!(cut("month"), day(2024, 8, 1));
        assert_eq!(cut("quarter"), day(2024, 7, 1));
        assert_eq!(cut("year"), day(2024, 1, 1));
        assert_eq!(truncate(-1, Unit::Micros(1_000_000)), -1_000_000);
        assert_eq!(truncate(-1, Unit::Days(1)), -MICROS_PER_DAY);
        assert!(Unit::named("fortnight", |_| true).is_err());
    }

    #[test]
    fn units_between_agree_with_adding() {
        let micros = |days: i64| days * MICROS_PER_DAY;
        let months = |a, b| units_between(micros(a), micros(b), Unit::Months(1));
        assert_eq!(months(day(2024, 1, 31), day(2024, 2, 29)), 1);
        assert_eq!(months(day(2024, 1, 31), day(2024, 2, 28)), 0);
        assert_eq!(months(day(2024, 3, 1), day(2024, 1, 31)), -1);
        assert_eq!(months(day(2024, 3, 15), day(2024, 2, 20)), 0);
        assert_eq!(units_between(i64::MIN, i64::MAX, Unit::Days(7)), 30_500_568);
    }
}
