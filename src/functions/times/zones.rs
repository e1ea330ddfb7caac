//! Between instants and wall clocks: `date`, `at_zone`, `to_timestamp`.

use super::units::within;
use crate::data::{UTC, arrow_type, display};
use crate::functions::columns::{Prepared, data, dense, fallible, kernel, literal_text, values};
use crate::functions::kernel::{Call, LiteralError};
use crate::types::{DataType, MICROS_PER_DAY, Scalar};
use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, DurationMicrosecondType, TimestampMicrosecondType};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// A time zone with the offsets of the years that data comes from at hand.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    /// From each of these instants on (microseconds), this offset from UTC (microseconds).
    offsets: Vec<(i64, i64)>,
    zone: TimeZone,
}

/// 1900-01-01 and 2100-01-01, in seconds.
const TABLE: (i64, i64) = (-2_208_988_800, 4_102_444_800);

impl Zone {
    /// The zone that an argument names.
    pub(super) fn of(call: &Call, argument: usize) -> Result<Zone, LiteralError> {
        let name = literal_text(call, argument)?;
        Zone::named(name).map_err(|reason| LiteralError { argument, reason })
    }

    /// The zone of this name in the IANA database.
    pub(super) fn named(name: &str) -> Result<Zone, String> {
        let zone = crate::data::time_zone(name)?;
        let second = |second| Timestamp::from_second(second).unwrap_or_default();
        let offset = |at: Timestamp| i64::from(zone.to_offset(at).seconds()) * 1_000_000;
        let start = second(TABLE.0);
        let mut offsets = vec![(start.as_microsecond(), offset(start))];
        for transition in zone.following(start) {
            let at = transition.timestamp();
            if at.as_second() >= TABLE.1 {
                break;
            }
            offsets.push((at.as_microsecond(), offset(at)));
        }
        Ok(Zone { offsets, zone })
    }

    /// Microseconds that clocks here are ahead of UTC at an instant.
    pub(super) fn offset(&self, instant: i64) -> i64 {
        let at = self.offsets.partition_point(|(start, _)| *start <= instant);
        if at > 0 && instant < TABLE.1 * 1_000_000 {
            return self.offsets[at - 1].1;
        }
        // Before 1900 and after 2100; beyond what the database knows, its last offset.
        let nearest =
            instant.clamp(Timestamp::MIN.as_microsecond(), Timestamp::MAX.as_microsecond());
        let nearest = Timestamp::from_microsecond(nearest).unwrap_or_default();
        i64::from(self.zone.to_offset(nearest).seconds()) * 1_000_000
    }

    /// What clocks here show at an instant: at the ends of the years that instants have, a time
    /// of the year before or behind.
    pub(super) fn local(&self, instant: i64) -> i64 {
        instant.saturating_add(self.offset(instant))
    }

    /// The instants when clocks here show this: the earlier and the later, which are the same
    /// unless clocks are set back. None when they are set forward over it; then what it would be
    /// by the clock before and after.
    fn instants(&self, local: i64) -> Result<(i64, i64), (i64, i64)> {
        // No two transitions are within a day of one another.
        let before = self.offset(local.saturating_sub(MICROS_PER_DAY));
        let after = self.offset(local.saturating_add(MICROS_PER_DAY));
        let at = |offset: i64| local.saturating_sub(offset);
        let holds = |offset: i64| self.offset(at(offset)) == offset;
        match (holds(before), holds(after)) {
            (true, true) => Ok((at(before).min(at(after)), at(before).max(at(after)))),
            (true, false) => Ok((at(before), at(before))),
            (false, true) => Ok((at(after), at(after))),
            (false, false) => Err((at(before).min(at(after)), at(before).max(at(after)))),
        }
    }

    /// The first instant when clocks here show this; where they are set forward over it, the
    /// instant when they are.
    pub(super) fn earliest(&self, local: i64) -> i64 {
        let (mut before, mut behind) = match self.instants(local) {
            Ok((earlier, _)) => return earlier,
            Err(around) => around,
        };
        let after = self.offset(behind);
        while behind - before > 1 {
            let middle = before + (behind - before) / 2;
            *(if self.offset(middle) == after { &mut behind } else { &mut before }) = middle;
        }
        behind
    }
}

/// Marks a column of microseconds as instants.
pub(super) fn as_timestamp(array: ArrayRef) -> ArrayRef {
    Arc::new(array.as_primitive::<TimestampMicrosecondType>().clone().with_timezone(UTC))
}

/// `date(datetime)`, `date(timestamp, zone)`
pub(super) fn date(call: &Call) -> Prepared {
    if let DataType::Datetime = data(call, 0) {
        return kernel(|context, arguments| {
            let all = values::<TimestampMicrosecondType>(&arguments[0]);
            dense::<Date32Type>(context, arguments, |row| {
                all.at(row).div_euclid(MICROS_PER_DAY) as i32
            })
        });
    }
    let zone = Zone::of(call, 1)?;
    kernel(move |context, arguments| {
        let all = values::<TimestampMicrosecondType>(&arguments[0]);
        dense::<Date32Type>(context, &arguments[..1], |row| {
            zone.local(all.at(row)).div_euclid(MICROS_PER_DAY) as i32
        })
    })
}

/// `time(datetime)`, `time(timestamp, zone)`
pub(super) fn time(call: &Call) -> Prepared {
    let zone = match data(call, 0) {
        DataType::Datetime => None,
        _ => Some(Zone::of(call, 1)?),
    };
    kernel(move |context, arguments| {
        let all = values::<TimestampMicrosecondType>(&arguments[0]);
        dense::<DurationMicrosecondType>(context, &arguments[..1], |row| {
            let local = zone.as_ref().map_or(all.at(row), |zone| zone.local(all.at(row)));
            local.rem_euclid(MICROS_PER_DAY)
        })
    })
}

/// `at_zone(timestamp, zone)`
pub(super) fn at_zone(call: &Call) -> Prepared {
    let zone = Zone::of(call, 1)?;
    kernel(move |context, arguments| {
        let all = values::<TimestampMicrosecondType>(&arguments[0]);
        dense::<TimestampMicrosecondType>(context, &arguments[..1], |row| zone.local(all.at(row)))
    })
}

/// `to_timestamp(datetime, zone, ambiguous)`
pub(super) fn to_timestamp(call: &Call) -> Prepared {
    let zone = Zone::of(call, 1)?;
    let name = literal_text(call, 1)?.to_owned();
    let choose: fn(i64, i64) -> Option<i64> = match literal_text(call, 2)? {
        "earlier" => |earlier, _| Some(earlier),
        "later" => |_, later| Some(later),
        "error" => |earlier, later| (earlier == later).then_some(earlier),
        other => {
            let reason = format!("\"{other}\" is none of \"earlier\", \"later\" and \"error\"");
            return Err(LiteralError { argument: 2, reason });
        }
    };
    kernel(move |context, arguments| {
        let all = values::<TimestampMicrosecondType>(&arguments[0]);
        let instants = fallible::<TimestampMicrosecondType>(context, &arguments[..1], |row| {
            let local = all.at(row);
            let shown = || display(&Scalar::Datetime(local), &DataType::Datetime);
            let (chosen, what) = match zone.instants(local) {
                Ok((earlier, later)) => (choose(earlier, later), "are two"),
                Err((earlier, later)) => (choose(earlier, later), "is no"),
            };
            match chosen {
                None => Err(format!("there {what} {} in {name}", shown())),
                chosen => within(chosen),
            }
        });
        debug_assert_eq!(arrow_type(&DataType::Datetime), *instants.data_type());
        as_timestamp(instants)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::days_from_civil;

    fn local(year: i64, month: u32, day: u32, hour: i64, minute: i64) -> i64 {
        days_from_civil(year, month, day) * MICROS_PER_DAY + (hour * 60 + minute) * 60_000_000
    }

    #[test]
    fn offsets_agree_with_the_database() {
        for name in ["Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"] {
            let zone = Zone::named(name).unwrap();
            for step in 0..4000 {
                let second = -6_000_000_000 + step * 3_333_333;
                let at = Timestamp::from_second(second).unwrap();
                let expected = i64::from(zone.zone.to_offset(at).seconds()) * 1_000_000;
                assert_eq!(zone.offset(second * 1_000_000), expected, "{name} {second}");
            }
        }
        assert_eq!(Zone::named("UTC").unwrap().local(i64::MAX), i64::MAX);
        assert!(Zone::named("Mars/Base").is_err());
    }

    /// Around every change of every zone, among them those that are at midnight.
    #[test]
    fn a_day_begins_on_that_day() {
        let day = |zone: &Zone, instant| zone.local(instant).div_euclid(MICROS_PER_DAY);
        let mut at_midnight = 0;
        for name in jiff::tz::db().available() {
            let zone = Zone::named(name.as_str()).unwrap();
            let changes = zone.zone.following(Timestamp::MIN).map(|change| change.timestamp());
            for change in
                changes.map(Timestamp::as_microsecond).take_while(|at| *at < TABLE.1 * 1_000_000)
            {
                for hours in [-30, -12, -1, 0, 1, 6, 19, 23, 30] {
                    let instant = change + hours * 3_600_000_000;
                    let of = day(&zone, instant);
                    let start = zone.earliest(of * MICROS_PER_DAY);
                    assert!(start <= instant, "{name:?} {instant}");
                    assert_eq!(day(&zone, start), of, "{name:?} {instant}");
                    assert_ne!(day(&zone, start - 1), of, "{name:?} {instant}");
                    at_midnight += u32::from(zone.local(start) != of * MICROS_PER_DAY);
                }
            }
        }
        assert!(at_midnight > 1000, "{at_midnight} days that do not begin at midnight");
    }

    #[test]
    fn clocks_that_are_set_have_two_readings_or_none() {
        let zone = Zone::named("Europe/Paris").unwrap();
        let hour = 3_600_000_000;
        let summer = local(2024, 7, 1, 12, 0);
        assert_eq!(zone.instants(summer), Ok((summer - 2 * hour, summer - 2 * hour)));
        let twice = local(2024, 10, 27, 2, 30);
        assert_eq!(zone.instants(twice), Ok((twice - 2 * hour, twice - hour)));
        let never = local(2024, 3, 31, 2, 30);
        assert_eq!(zone.instants(never), Err((never - 2 * hour, never - hour)));
        let just_after = local(2024, 3, 31, 3, 0);
        assert_eq!(zone.instants(just_after), Ok((just_after - 2 * hour, just_after - 2 * hour)));
    }
}
