//! `[[silences]]`: what is known and need not be told, why, and until when.

use alerts::Severity;
use chrono::DateTime;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::route::is_about;
use crate::notice::Notice;

/// Alerts that are not told for a time. Each condition that is given must hold; of each list, one entry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Why; for whoever finds it later.
    pub reason: String,
    /// Up to when alerts are silenced, by the time of their last event; microseconds since the epoch. In the file:
    /// RFC 3339.
    #[serde(deserialize_with = "moment")]
    pub until: i64,
    /// Names, ids or titles of rules, whatever the case.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Accounts.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Principals.
    #[serde(default)]
    pub principals: Vec<String>,
    /// Only alerts at most as bad.
    pub severity: Option<Severity>,
}

impl Silence {
    /// Whether an alert whose last event was at `at` is silenced. The time of the event counts, not of the delivery: a
    /// catch-up after the silence's end tells no more and no less than a live run did.
    pub fn covers(&self, notice: &Notice, at: i64) -> bool {
        at < self.until
            && self.severity.is_none_or(|most| notice.severity() <= most)
            && is_about(notice, [&self.rules, &self.tags, &self.accounts, &self.principals])
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.reason.trim().is_empty() {
            return Err("has no reason: whoever finds it in a year will want one".to_owned());
        }
        if [&self.rules, &self.tags, &self.accounts, &self.principals].into_iter().all(Vec::is_empty) {
            return Err("says of nothing what it silences: give rules, tags, accounts or principals".to_owned());
        }
        Ok(())
    }
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let value = toml::Value::deserialize(deserializer)?;
    let text = match &value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Datetime(time) => time.to_string(),
        _ => String::new(),
    };
    DateTime::parse_from_rfc3339(&text)
        .map(|time| time.timestamp_micros())
        .map_err(|_| D::Error::custom("`until` is a time as in RFC 3339, with an offset: 2026-12-01T00:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, NOON};

    #[test]
    fn a_silence_ends() {
        let notice = Notice::of(&samples::alert("one"));
        let silence = Silence {
            reason: "drill".to_owned(),
            until: NOON,
            rules: vec!["root-*".to_owned()],
            tags: Vec::new(),
            accounts: Vec::new(),
            principals: Vec::new(),
            severity: Some(Severity::High),
        };
        assert!(silence.covers(&notice, NOON - 1));
        assert!(!silence.covers(&notice, NOON));
        let milder = Silence { severity: Some(Severity::Medium), ..silence };
        assert!(!milder.covers(&notice, NOON - 1));
    }
}
