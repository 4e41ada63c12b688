//! Times as ISO 8601 writes them: years, months, days, weeks (`2024-W05-3`) and days of a year (`2024-123`), with or without a
//! time of day.
//!
//! Source: Trino documentation, "Date and time functions and operators" (`from_iso8601_timestamp`, `from_iso8601_date`), and
//! the parsers of Joda's `ISODateTimeFormat` that they name.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{NaiveDate, Weekday};
use datafusion::common::{Result, exec_datafusion_err};

/// The time of a text, in microseconds since 1970; of UTC where it names no zone.
pub(super) fn micros(text: &str) -> Result<i64> {
    let wrong = || exec_datafusion_err!("`{text}` is no time like 2023-07-10T11:42:18Z");
    // Most are written in full.
    if let Some(micros) = read(text) {
        return Ok(micros);
    }
    let (day, rest) = match text.split_once('T') {
        Some((day, rest)) => (day, rest),
        None => (text, ""),
    };
    let day = day_of(day).ok_or_else(wrong)?;
    read(&format!("{day}T{}", in_full(rest).ok_or_else(wrong)?)).ok_or_else(wrong)
}

fn read(text: &str) -> Option<i64> {
    let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let time = cast(&array, &utc).ok().filter(|time| time.is_valid(0))?;
    Some(time.as_primitive::<TimestampMicrosecondType>().value(0))
}

/// A number of so many digits.
fn number(text: &str, digits: usize) -> Option<u32> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The day that a text names; of a year, a month or a week the first.
fn day_of(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = i32::try_from(number(parts.next()?, 4)?).ok()?;
    let (second, third) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    match (second, third) {
        (None, None) => NaiveDate::from_yo_opt(year, 1),
        (Some(week), day) if week.starts_with('W') => {
            let weekday = Weekday::try_from(u8::try_from(number(day.unwrap_or("1"), 1)?.checked_sub(1)?).ok()?).ok()?;
            NaiveDate::from_isoywd_opt(year, number(week.get(1..)?, 2)?, weekday)
        }
        (Some(day), None) if day.len() == 3 => NaiveDate::from_yo_opt(year, number(day, 3)?),
        (Some(month), day) => NaiveDate::from_ymd_opt(year, number(month, 2)?, number(day.unwrap_or("01"), 2)?),
        (None, Some(_)) => None,
    }
}

/// A time of day with its minutes and seconds, whatever was left out.
fn in_full(rest: &str) -> Option<String> {
    let zone = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at_checked(zone)?;
    let more = match time.len() {
        0 if zone.is_empty() => "00:00:00",
        2 => ":00:00",
        5 => ":00",
        _ => "",
    };
    Some(format!("{}{more}{zone}", time.replace(',', ".")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    #[test]
    fn every_way_to_write_a_time() {
        for (text, expected) in [
            ("2023-07-10T11:42:18Z", "2023-07-10T11:42:18Z"),
            ("2024-W05-3", "2024-01-31T00:00:00Z"),
            ("2024-W01", "2024-01-01T00:00:00Z"),
            ("2020-W53-7T23:59:59.5", "2021-01-03T23:59:59.5Z"),
            ("2024-123", "2024-05-02T00:00:00Z"),
            ("2024-366T10:00:00+01:00", "2024-12-31T09:00:00Z"),
            ("2024", "2024-01-01T00:00:00Z"),
            ("2024-05", "2024-05-01T00:00:00Z"),
            ("2024-05-11T11", "2024-05-11T11:00:00Z"),
            ("2020-05-11T11:15", "2020-05-11T11:15:00Z"),
            ("2020-05-11T11:15+02:00", "2020-05-11T09:15:00Z"),
            ("2020-05-11T11:15:05,055Z", "2020-05-11T11:15:05.055Z"),
        ] {
            let expected = expected.parse::<DateTime<Utc>>().unwrap().timestamp_micros();
            assert_eq!(micros(text).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            "x",
            "2023-366",
            "2023-W53-1",
            "2024-W05-8",
            "2024-W05-0",
            "2024-13",
            "24-01-01",
            "2024-1-1-1",
            "2024-ä",
        ] {
            assert!(micros(text).is_err(), "{text}");
        }
    }
}
