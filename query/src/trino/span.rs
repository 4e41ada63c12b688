//! Spans of time by unit: `date_add` and `date_diff` (Trino documentation, "Date and time functions and operators").

use chrono::{DateTime, Datelike, Months, Utc};
use datafusion::common::{Result, exec_datafusion_err, exec_err};

use super::pattern::instant;

/// A unit of a span.
enum Unit {
    /// So many microseconds.
    Micros(i64),
    /// So many months.
    Months(i64),
    /// A year: twelve months, but for what lies between two.
    Years,
}

fn unit(name: &str) -> Result<Unit> {
    const SECOND: i64 = 1_000_000;
    let lower = name.to_ascii_lowercase();
    Ok(match lower.strip_suffix('s').unwrap_or(&lower) {
        "microsecond" => Unit::Micros(1),
        "millisecond" => Unit::Micros(1000),
        "second" => Unit::Micros(SECOND),
        "minute" => Unit::Micros(60 * SECOND),
        "hour" => Unit::Micros(3600 * SECOND),
        "day" => Unit::Micros(86_400 * SECOND),
        "week" => Unit::Micros(7 * 86_400 * SECOND),
        "month" => Unit::Months(1),
        "quarter" => Unit::Months(3),
        "year" => Unit::Years,
        _ => {
            return exec_err!(
                "`{name}` is no unit of time; use second, minute, hour, day, week, month, quarter or year"
            );
        }
    })
}

/// A time so many units later, in microseconds since 1970.
pub(super) fn add(name: &str, count: &str, micros: i64) -> Result<i64> {
    let count: i64 = match count.parse() {
        Ok(count) => count,
        Err(_) => return exec_err!("date_add: `{count}` is no whole number"),
    };
    let outside = || exec_datafusion_err!("date_add: {count} {name} later is outside the calendar");
    match unit(name)? {
        Unit::Micros(size) => count.checked_mul(size).and_then(|span| micros.checked_add(span)).ok_or_else(outside),
        unit => {
            let size = if let Unit::Months(size) = unit { size } else { 12 };
            let months = count.checked_mul(size).ok_or_else(outside)?;
            let span = u32::try_from(months.unsigned_abs()).map(Months::new).map_err(|_| outside())?;
            let time = instant(micros)?;
            let later = if months < 0 { time.checked_sub_months(span) } else { time.checked_add_months(span) };
            Ok(later.ok_or_else(outside)?.timestamp_micros())
        }
    }
}

/// Whole units from one time to another.
pub(super) fn between(name: &str, from: i64, to: i64) -> Result<i64> {
    match unit(name)? {
        Unit::Micros(size) => {
            to.checked_sub(from).map(|span| span / size).ok_or_else(|| exec_datafusion_err!("date_diff is too large"))
        }
        Unit::Months(size) => Ok(months(&instant(from)?, &instant(to)?) / size),
        Unit::Years => Ok(years(&instant(from)?, &instant(to)?)),
    }
}

/// Years, as Joda counts them: by the day of the year, of which the 29th of February is none where only one year has it.
fn years(from: &DateTime<Utc>, to: &DateTime<Utc>) -> i64 {
    const LEAP_DAY: u32 = 59;
    if to < from {
        return -years(to, from);
    }
    let (mut first, mut last) = (from.ordinal0(), to.ordinal0());
    match (from.date_naive().leap_year(), to.date_naive().leap_year()) {
        (true, false) if first >= LEAP_DAY => first -= 1,
        (false, true) if first >= LEAP_DAY && last >= LEAP_DAY => last -= 1,
        _ => {}
    }
    let whole = i64::from(to.year()) - i64::from(from.year());
    whole - i64::from((last, to.time()) < (first, from.time()))
}

fn months(from: &DateTime<Utc>, to: &DateTime<Utc>) -> i64 {
    let number = |time: &DateTime<Utc>| i64::from(time.year()) * 12 + i64::from(time.month0());
    // As Joda's calendar, which Trino counts by: the last day of a month is as far as any later day of another. Both ways
    // are counted from the earlier time.
    let last = from.max(to);
    let is_last_day = last.date_naive().succ_opt().is_none_or(|next| next.month() != last.month());
    let most = if is_last_day { last.day() } else { 31 };
    let within = |time: &DateTime<Utc>| (time.day().min(most), time.time());
    let whole = number(to) - number(from);
    match whole {
        1.. if within(to) < within(from) => whole - 1,
        ..=-1 if within(to) > within(from) => whole + 1,
        _ => whole,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        text.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
    }

    #[test]
    fn units_are_added() {
        for (unit, count, expected) in [
            ("day", "-30", "2024-03-01T12:00:00Z"),
            ("Hours", "25", "2024-04-01T13:00:00Z"),
            ("month", "-1", "2024-02-29T12:00:00Z"),
            ("quarter", "1", "2024-06-30T12:00:00Z"),
            ("year", "-1", "2023-03-31T12:00:00Z"),
        ] {
            assert_eq!(add(unit, count, micros("2024-03-31T12:00:00Z")).unwrap(), micros(expected), "{unit}");
        }
        for (unit, count) in [("fortnight", "1"), ("day", "x"), ("day", "9223372036854775807"), ("year", "99999999")] {
            assert!(add(unit, count, 0).is_err(), "{unit} {count}");
        }
    }

    #[test]
    fn whole_units_lie_between() {
        for (unit, from, to, expected) in [
            ("day", "2024-01-01T12:00:00Z", "2024-01-03T11:00:00Z", 1),
            ("day", "2024-01-03T11:00:00Z", "2024-01-01T12:00:00Z", -1),
            ("month", "2024-01-31T00:00:00Z", "2024-02-29T00:00:00Z", 1),
            ("month", "2024-02-29T00:00:00Z", "2024-01-31T00:00:00Z", -1),
            ("month", "2024-01-31T00:00:00Z", "2024-02-28T00:00:00Z", 0),
            ("month", "2023-11-30T12:00:00Z", "2024-02-29T11:00:00Z", 2),
            ("month", "2024-01-15T00:00:00Z", "2024-03-15T00:00:00Z", 2),
            ("year", "2022-03-01T00:00:00Z", "2024-02-29T00:00:00Z", 1),
            ("year", "2024-02-29T00:00:00Z", "2025-02-28T00:00:00Z", 1),
            ("year", "2024-12-31T00:00:01Z", "2023-12-31T00:00:00Z", -1),
            ("year", "2023-06-01T00:00:00Z", "2024-05-31T00:00:00Z", 0),
            ("month", "2024-03-15T00:00:00Z", "2024-02-15T00:00:01Z", 0),
        ] {
            assert_eq!(between(unit, micros(from), micros(to)).unwrap(), expected, "{unit} {from} {to}");
        }
    }
}
