//! The message: what one delivery says to one sink, before it has that sink's shape.
//!
//! A message is bounded: so many notices and so many bytes, then there is another message. A digest counts what it has no
//! room to show. Its key is drawn when it is made and stays the same however often it is sent.

use std::collections::BTreeMap;

use alerts::Severity;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::notice::{Level, Notice};

/// Bytes of notices, as JSON, that a message holds at most, unless one notice alone is longer. The strictest sink (SNS)
/// takes 256 KiB.
pub(crate) const BYTES_MAX: usize = 96 * 1024;
/// Rules that a digest names; what is beyond is counted together.
const TALLIES_MAX: usize = 100;
/// Alerts that a digest shows whole.
const DIGEST_NOTICES: usize = 5;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One or more alerts of one group.
    Alerts,
    /// A summary of alerts that were too old, or too many, to be told one by one.
    Digest,
    /// A group has been quiet for long enough: its incident may be closed.
    Resolve,
}

/// What one delivery says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Idempotency key: 32 hexadecimal digits, the same each time the message is sent.
    pub key: String,
    /// What it is.
    pub kind: Kind,
    /// Identity of the group, 32 hexadecimal digits: the incident that it belongs to.
    pub group: String,
    /// What the alerts of the group have in common, as `rule` or `account`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// When it was made, microseconds since the epoch.
    pub created: i64,
    /// Alerts that it shows.
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// Digest: how many alerts there are of each rule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tallies: BTreeMap<String, Tally>,
}

/// Alerts of one rule in a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The rule's title.
    pub title: String,
    /// The worst of them.
    #[serde(with = "worst")]
    pub severity: Level,
    /// How many.
    pub alerts: u64,
}

mod worst {
    use alerts::Severity;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::notice::Level;

    pub(super) fn serialize<S: Serializer>(level: &Level, serializer: S) -> Result<S::Ok, S::Error> {
        level.0.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Level, D::Error> {
        Severity::deserialize(deserializer).map(Level)
    }
}

impl Message {
    /// A message that says that delivery works, to try a sink with.
    pub fn test(sink: &str, now: i64) -> Message {
        let id = hex_hash(&["test", sink, &now.to_string()]);
        let notice = Notice {
            fingerprint: id.clone(),
            rule: "trailhound-test".to_owned(),
            rule_id: "trailhound-test".to_owned(),
            title: "Test of delivery: trailhound reaches you here".to_owned(),
            time: Some(crate::clock::rfc_3339(now)),
            last_time: Some(crate::clock::rfc_3339(now)),
            count: 1,
            principal: "nobody".to_owned(),
            account: "000000000000".to_owned(),
            why: "Somebody ran `trailhound deliver test`. Nothing has happened.".to_owned(),
            ..Notice::default()
        };
        Message {
            key: id.clone(),
            kind: Kind::Alerts,
            group: id,
            labels: BTreeMap::from([("rule".to_owned(), "trailhound-test".to_owned())]),
            created: now,
            notices: vec![notice],
            tallies: BTreeMap::new(),
        }
    }

    /// How bad the worst of it is.
    pub fn severity(&self) -> Severity {
        let notices = self.notices.iter().map(|notice| notice.severity);
        let tallies = self.tallies.values().map(|tally| tally.severity);
        notices.chain(tallies).max().unwrap_or_default().0
    }

    /// How many alerts it tells of.
    pub fn alerts(&self) -> u64 {
        match self.kind {
            Kind::Digest => self.tallies.values().map(|tally| tally.alerts).sum(),
            Kind::Alerts | Kind::Resolve => self.notices.len() as u64,
        }
    }

    /// Counts an alert in a digest, and shows it if it is among the worst.
    pub(crate) fn count(&mut self, notice: &Notice) {
        let known = self.tallies.contains_key(&notice.rule);
        let (rule, title) = if known || self.tallies.len() < TALLIES_MAX {
            (notice.rule.as_str(), notice.title.as_str())
        } else {
            ("other", "Other rules")
        };
        let tally = self.tallies.entry(rule.to_owned()).or_insert_with(|| Tally {
            title: title.to_owned(),
            severity: notice.severity,
            alerts: 0,
        });
        tally.alerts += 1;
        tally.severity = tally.severity.max(notice.severity);
        self.notices.push(notice.clone());
        self.notices.sort_by(|a, b| {
            b.severity.cmp(&a.severity).then_with(|| (&a.time, &a.fingerprint).cmp(&(&b.time, &b.fingerprint)))
        });
        self.notices.truncate(DIGEST_NOTICES);
        while self.notices.len() > 1 && self.notices.iter().map(bytes).sum::<usize>() > BYTES_MAX {
            self.notices.pop();
        }
    }
}

/// Bytes of a notice as JSON.
pub(crate) fn bytes(notice: &Notice) -> usize {
    serde_json::to_string(notice).map_or(0, |json| json.len())
}

/// A hash of parts that does not run them together.
pub(crate) fn hash(parts: &[&str]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

/// As [`hash`], in 32 hexadecimal digits.
pub fn hex_hash(parts: &[&str]) -> String {
    format!("{:032x}", hash(parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, about};

    fn digest() -> Message {
        Message {
            key: "k".to_owned(),
            kind: Kind::Digest,
            group: "g".to_owned(),
            labels: BTreeMap::new(),
            created: samples::NOON,
            notices: Vec::new(),
            tallies: BTreeMap::new(),
        }
    }

    #[test]
    fn a_digest_counts_all_and_shows_the_worst() {
        let mut digest = digest();
        for number in 0..1_000_u32 {
            let severity = if number == 700 { Severity::Critical } else { Severity::Low };
            let alert = about(&number.to_string(), &format!("rule-{}", number % 300), "p", severity);
            digest.count(&Notice::of(&alert));
        }
        assert_eq!(digest.alerts(), 1_000);
        assert_eq!(digest.tallies.len(), TALLIES_MAX + 1);
        assert_eq!(digest.severity(), Severity::Critical);
        assert_eq!(digest.notices.len(), DIGEST_NOTICES);
        assert_eq!(digest.notices.first().map(|notice| notice.fingerprint.as_str()), Some("700"));
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_eq!(hex_hash(&["a"]).len(), 32);
    }
}
