//! Points in time as people write them: ISO 8601, a date, `now`, `yesterday`, `2h ago`. Always UTC.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::duration;

/// Reads a point in time, relative words from the clock.
pub(crate) fn parse(text: &str) -> Result<DateTime<Utc>, String> {
    parse_at(text, Utc::now())
}

/// Reads a point in time, relative words from `now`. A date alone is its first moment in UTC.
fn parse_at(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    match text {
        "now" => return Ok(now),
        "today" => return Ok(midnight),
        "yesterday" => return midnight.checked_sub_days(Days::new(1)).ok_or_else(|| explain(text)),
        _ => {}
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let local = text.strip_suffix('Z').unwrap_or(text);
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y%m%dT%H%M%S"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(local, form) {
            return Ok(time.and_utc());
        }
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(date.and_time(NaiveTime::MIN).and_utc());
    }
    let back = text.strip_suffix("ago").unwrap_or(text).trim_end();
    duration::parse(back).ok().and_then(|back| now.checked_sub_signed(back)).ok_or_else(|| explain(text))
}

fn explain(text: &str) -> String {
    let reason = if text.is_empty() { "is empty" } else { "is no time" };
    format!("{reason}; write 2026-03-01, 2026-03-01T12:00:00Z, now, yesterday or `2h ago` (UTC)")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let now = DateTime::parse_from_rfc3339("2026-03-10T15:04:05Z").unwrap().to_utc();
        parse_at(text, now).map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }

    #[test]
    fn forms() {
        for (text, expected) in [
            ("2026-03-01", "2026-03-01T00:00:00Z"),
            ("2026-03-01T12:30:00Z", "2026-03-01T12:30:00Z"),
            ("2026-03-01T12:30:00.5Z", "2026-03-01T12:30:00.500Z"),
            ("2026-03-01T12:30:00+02:00", "2026-03-01T10:30:00Z"),
            ("2026-03-01T12:30:00", "2026-03-01T12:30:00Z"),
            ("2026-03-01 12:30", "2026-03-01T12:30:00Z"),
            ("2026-03-01T12:30Z", "2026-03-01T12:30:00Z"),
            ("20260301T123000Z", "2026-03-01T12:30:00Z"),
            ("now", "2026-03-10T15:04:05Z"),
            ("today", "2026-03-10T00:00:00Z"),
            ("yesterday", "2026-03-09T00:00:00Z"),
            ("2h ago", "2026-03-10T13:04:05Z"),
            ("90d", "2025-12-10T15:04:05Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "2026-02-30", "2026-13-01", "tomorrow", "12", "ago", "2026-03-01T25:00:00Z", "1700000000"] {
            assert!(read(text).unwrap_err().contains("2h ago"), "{text}");
        }
    }
}
