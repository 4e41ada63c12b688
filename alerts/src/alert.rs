//! The alert: who did what, from where, when, how often, why it matters and what to do next.
//!
//! An alert is a record for machines and people alike; its field names are a contract (docs). Text that came from
//! events is data: who shows it escapes it. Knows no rules and no output.

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::severity::Severity;
use crate::sighting::UNTIMED;
use crate::view::time_text;

/// One alert: a rule, who it is about, and the events behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// Of a shipped rule its `name`, of a user's its `id`.
    pub rule: String,
    /// The rule's `id`.
    pub rule_id: String,
    /// Sigma's `name` of the rule, by which suppressions may call it; not in the record.
    #[serde(skip)]
    pub rule_name: Option<String>,
    /// The rule's title.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// First event, microseconds since the epoch, UTC; `None` if the record has no time. JSON: RFC 3339 or null.
    #[serde(serialize_with = "rfc_3339")]
    pub time: Option<i64>,
    /// Last event, in the same form.
    #[serde(serialize_with = "rfc_3339")]
    pub last_time: Option<i64>,
    /// Number of events.
    pub count: u64,
    /// Durable identity that made the requests; empty if the record names none.
    pub principal: String,
    /// Who stood behind it in the first event: source identity, session name, person.
    pub actor: String,
    /// Account that received the records.
    pub account: String,
    /// Region of the first event.
    pub region: String,
    /// Regions seen, at most 20 of each of these lists, in order.
    pub regions: Vec<String>,
    /// Addresses or services that called.
    pub source_addresses: Vec<String>,
    /// User agents.
    pub user_agents: Vec<String>,
    /// What was called, as `iam:CreateUser`.
    pub what: Vec<String>,
    /// Error codes, where calls failed.
    pub errors: Vec<String>,
    /// Ids of the earliest events.
    pub event_ids: Vec<String>,
    /// What this alert found beyond the events: how long a key had rested, what a burst counted.
    pub detail: Option<String>,
    /// Why it matters: the rule's description.
    pub why: String,
    /// What to do next, step by step.
    pub next: Vec<String>,
    /// When it is nothing.
    pub false_positives: Vec<String>,
    /// Reading.
    pub references: Vec<String>,
    /// ATT&CK and other tags.
    pub tags: Vec<String>,
    /// Author of the rule.
    pub author: Option<String>,
    /// Licence of the rule.
    pub license: Option<String>,
    /// Identity of the alert: the same events and rules give the same fingerprint, in any order of arrival.
    pub fingerprint: String,
}

/// The identity of an alert: 32 hexadecimal digits.
pub(crate) fn fingerprint(rule_id: &str, principal: &str, account: &str, time: i64, event_id: &str) -> String {
    let mut hash = Sha256::new();
    for part in [rule_id, principal, account, &time.to_string(), event_id] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The time of an alert from that of an event.
pub(crate) fn told(time: i64) -> Option<i64> {
    (time != UNTIMED).then_some(time)
}

/// Worst first, then oldest first; ties by what the alert is about, so that the order never varies.
pub(crate) fn sort(alerts: &mut [Alert]) {
    alerts.sort_by(|a, b| {
        let key = |alert: &Alert| (std::cmp::Reverse(alert.severity), alert.time);
        key(a)
            .cmp(&key(b))
            .then_with(|| (&a.rule, &a.principal, &a.account).cmp(&(&b.rule, &b.principal, &b.account)))
            .then_with(|| a.fingerprint.cmp(&b.fingerprint))
    });
}

fn rfc_3339<S: Serializer>(time: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(micros) => serializer.serialize_str(&time_text(*micros)),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_does_not_run_its_parts_together() {
        let one = fingerprint("rule", "ab", "c", 1, "e");
        assert_eq!(one.len(), 32);
        assert_ne!(one, fingerprint("rule", "a", "bc", 1, "e"));
        assert_eq!(one, fingerprint("rule", "ab", "c", 1, "e"));
    }
}
