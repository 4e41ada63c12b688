//! The time of day, as this room counts it: microseconds since the epoch, UTC, as in an alert.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat};

/// Now, in microseconds since the epoch.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// A time as RFC 3339 in UTC; empty where no calendar has it.
pub(crate) fn rfc_3339(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .map_or_else(String::new, |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// A length of time in microseconds.
pub(crate) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_in_the_contract() {
        assert_eq!(rfc_3339(1_767_225_600_000_000), "2026-01-01T00:00:00Z");
        assert_eq!(rfc_3339(1_767_225_600_250_000), "2026-01-01T00:00:00.250Z");
        assert_eq!(rfc_3339(i64::MAX), "");
        assert!(now() > 1_700_000_000_000_000);
    }
}
