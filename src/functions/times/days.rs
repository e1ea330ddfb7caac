//! Days made of numbers: `make_date`, `add_days`, `easter`.

use crate::functions::columns::{Prepared, fallible, kernel, values};
use crate::functions::kernel::Call;
use crate::types::{DAYS, OUTSIDE_YEARS, days_from_civil, why_no_day};
use arrow_array::types::{Date32Type, Int64Type};

/// `make_date(year, month, day)`
pub(super) fn make_date(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let [years, months, days] = [0, 1, 2].map(|at| values::<Int64Type>(&arguments[at]));
        fallible::<Date32Type>(context, arguments, |row| {
            let (year, month, day) = (years.at(row), months.at(row), days.at(row));
            of_numbers(year, month, day).map(Some)
        })
    })
}

fn of_numbers(year: i64, month: i64, day: i64) -> Result<i32, String> {
    let shown = || format!("{year}-{month}-{day} is not a date");
    if !(1..=9999).contains(&year) {
        return Err(format!("{}: it is {OUTSIDE_YEARS}", shown()));
    }
    let (Ok(month), Ok(day)) = (u32::try_from(month), u32::try_from(day)) else {
        return Err(shown());
    };
    if !(1..=12).contains(&month) || day == 0 {
        return Err(shown());
    }
    if day > crate::types::days_in_month(year, month) {
        return Err(format!("{}: {}", shown(), why_no_day(year, month)));
    }
    Ok(days_from_civil(year, month, day) as i32)
}

/// `add_days(day, count)`
pub(super) fn add_days(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, counts) =
            (values::<Date32Type>(&arguments[0]), values::<Int64Type>(&arguments[1]));
        fallible::<Date32Type>(context, arguments, |row| {
            let later = i64::from(all.at(row)).checked_add(counts.at(row));
            let later = later.and_then(|days| i32::try_from(days).ok());
            match later.filter(|days| DAYS.contains(days)) {
                None => Err(format!("the result is {OUTSIDE_YEARS}")),
                later => Ok(later),
            }
        })
    })
}

/// `easter(year)`: Easter Sunday of the western churches, by the Gregorian rule of Gauss.
pub(super) fn easter(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let years = values::<Int64Type>(&arguments[0]);
        fallible::<Date32Type>(context, arguments, |row| {
            let year = years.at(row);
            if !(1583..=9999).contains(&year) {
                return Err(format!(
                    "there is a Gregorian Easter from 1583 to 9999, not in {year}"
                ));
            }
            let (golden, century, of_century) = (year % 19, year / 100, year % 100);
            let epact =
                (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15)
                    % 30;
            let sunday =
                (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
            let late = (golden + 11 * epact + 22 * sunday) / 451;
            let days = epact + sunday - 7 * late + 114;
            Ok(Some(days_from_civil(year, (days / 31) as u32, (days % 31 + 1) as u32) as i32))
        })
    })
}
