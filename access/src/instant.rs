//! Points in time: microseconds since the Unix epoch, UTC, as in the event table; RFC 3339 where they are read or shown.

use chrono::{DateTime, NaiveDateTime, SecondsFormat};
use serde::Serializer;
use serde_json::Value;

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a day.
pub const DAY: i64 = 86_400 * SECOND;

/// RFC 3339 in UTC, to the second where there is no fraction: `2026-11-01T12:00:00Z`.
pub fn format(micros: i64) -> String {
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => format!("{micros}us"),
    }
}

/// Reads a time as AWS tools write it: RFC 3339 with `T` or a space, with `Z` or an offset or (UTC) without.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    if let Ok(time) = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%:z") {
        return Some(time.timestamp_micros());
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
            return Some(time.and_utc().timestamp_micros());
        }
    }
    None
}

/// Reads a time of a JSON document: text as in [`parse`], or a number of seconds (AWS CLI with `--cli-timestamp none`).
pub fn parse_json(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => parse(text),
        Value::Number(number) => {
            let seconds = number.as_f64()?;
            // Beyond the year 9999 it is no time of ours; within, the product fits.
            (0.0..253_402_300_800.0).contains(&seconds).then_some((seconds * SECOND as f64) as i64)
        }
        _ => None,
    }
}

/// The day a time falls in, UTC: days since the Unix epoch.
pub fn day_of(micros: i64) -> i32 {
    i32::try_from(micros.div_euclid(DAY)).unwrap_or(i32::MAX)
}

/// The first moment of a day.
pub fn start_of(day: i32) -> i64 {
    i64::from(day) * DAY
}

pub(crate) fn serialize<S: Serializer>(micros: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*micros))
}

pub(crate) fn serialize_option<S: Serializer>(micros: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match micros {
        Some(micros) => serialize(micros, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_aws_tools_write_them() {
        let noon = parse("2026-11-01T12:00:00Z").unwrap();
        for text in [
            "2026-11-01T12:00:00+00:00",
            "2026-11-01 12:00:00+00:00",
            "2026-11-01T14:00:00+02:00",
            "2026-11-01T12:00:00",
        ] {
            assert_eq!(parse(text), Some(noon), "{text}");
        }
        assert_eq!(format(noon), "2026-11-01T12:00:00Z");
        assert_eq!(parse_json(&serde_json::json!(noon / SECOND)), Some(noon));
        assert_eq!(parse("N/A"), None);
        assert_eq!(parse_json(&serde_json::json!(1e300)), None);
        assert_eq!(format(i64::MAX), format!("{}us", i64::MAX));
    }

    #[test]
    fn days_begin_at_midnight_utc() {
        assert_eq!(day_of(-1), -1);
        assert_eq!(day_of(start_of(20_000)), 20_000);
        assert_eq!(day_of(start_of(20_000) + DAY - 1), 20_000);
    }
}
