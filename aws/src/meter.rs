//! What has been asked of AWS, for progress and for the bill.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, Utc};

/// No answer had a date yet.
const UNKNOWN: i64 = i64::MIN;

/// Counters that grow while the work goes on.
#[derive(Debug)]
pub struct Meter {
    requests: AtomicU64,
    retries: AtomicU64,
    skew_seconds: AtomicI64,
}

impl Default for Meter {
    fn default() -> Self {
        Meter { requests: AtomicU64::new(0), retries: AtomicU64::new(0), skew_seconds: AtomicI64::new(UNKNOWN) }
    }
}

impl Meter {
    /// Requests sent, retries among them.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests sent again after a failure.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// How many seconds our clock is ahead of the server that answered last; `None` before any answer had a date.
    pub fn skew_seconds(&self) -> Option<i64> {
        Some(self.skew_seconds.load(Ordering::Relaxed)).filter(|skew| *skew != UNKNOWN)
    }

    /// A server's date (RFC 9110), and our own time.
    pub(crate) fn date(&self, text: &str, now: DateTime<Utc>) {
        if let Ok(date) = DateTime::parse_from_rfc2822(text) {
            let skew = now.signed_duration_since(date).num_seconds();
            self.skew_seconds.store(skew, Ordering::Relaxed);
        }
    }

    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_date_tells_how_far_off_we_are() {
        let meter = Meter::default();
        let now = DateTime::parse_from_rfc3339("2026-03-01T12:00:00Z").unwrap().to_utc();
        meter.date("yesterday", now);
        assert_eq!(meter.skew_seconds(), None);
        meter.date("Sun, 01 Mar 2026 12:05:00 GMT", now);
        assert_eq!(meter.skew_seconds(), Some(-300));
    }
}
