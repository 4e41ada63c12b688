//! The notice: what of an alert leaves the house. The same fields, bounded and without secrets.
//!
//! It is what the outbox keeps, so it is read back by later versions: fields are added, never renamed. Its text is still
//! what an attacker may have written; `payload` escapes it for each sink.

use alerts::{Alert, Severity};
use serde::{Deserialize, Serialize};

use crate::clock::rfc_3339;
use crate::redact::redact;
use crate::visible::clip_bytes;

/// Elements that a list keeps.
const LIST_MAX: usize = 20;
/// Text of an event is looked at for secrets up to here, before it is cut: half a secret would not be recognised.
const LOOKED_AT_BYTES: usize = 64 * 1024;

/// One alert as it is sent. Field names are those of `alerts --output json`: a contract.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// Identity of the alert.
    pub fingerprint: String,
    /// The rule's name.
    pub rule: String,
    /// The rule's `id`.
    pub rule_id: String,
    /// Sigma's `name` of the rule, by which routes and silences may call it; it is not sent.
    #[serde(skip)]
    pub rule_name: Option<String>,
    /// The rule's title.
    pub title: String,
    /// How bad.
    #[serde(with = "level")]
    pub severity: Level,
    /// First event, RFC 3339.
    pub time: Option<String>,
    /// Last event, RFC 3339.
    pub last_time: Option<String>,
    /// Number of events.
    pub count: u64,
    /// Durable identity that made the requests.
    pub principal: String,
    /// Who stood behind it.
    pub actor: String,
    /// Account that received the records.
    pub account: String,
    /// Region of the first event.
    pub region: String,
    /// Regions seen.
    pub regions: Vec<String>,
    /// Addresses or services that called.
    pub source_addresses: Vec<String>,
    /// User agents.
    pub user_agents: Vec<String>,
    /// What was called.
    pub what: Vec<String>,
    /// Error codes.
    pub errors: Vec<String>,
    /// Ids of the earliest events.
    pub event_ids: Vec<String>,
    /// What the rule found beyond the events.
    pub detail: Option<String>,
    /// Why it matters.
    pub why: String,
    /// What to do next.
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
}

/// A severity that has a default, the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(pub Severity);

impl Default for Level {
    fn default() -> Self {
        Level(Severity::Informational)
    }
}

mod level {
    use alerts::Severity;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Level;

    pub(super) fn serialize<S: Serializer>(level: &Level, serializer: S) -> Result<S::Ok, S::Error> {
        level.0.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Level, D::Error> {
        Severity::deserialize(deserializer).map(Level)
    }
}

impl Notice {
    /// What of `alert` is sent.
    pub fn of(alert: &Alert) -> Notice {
        Notice {
            fingerprint: clip_bytes(&alert.fingerprint, 128),
            rule: clip_bytes(&alert.rule, 128),
            rule_id: clip_bytes(&alert.rule_id, 128),
            rule_name: alert.rule_name.as_deref().map(|name| clip_bytes(name, 256)),
            title: clip_bytes(&alert.title, 256),
            severity: Level(alert.severity),
            time: alert.time.map(rfc_3339).filter(|time| !time.is_empty()),
            last_time: alert.last_time.map(rfc_3339).filter(|time| !time.is_empty()),
            count: alert.count,
            principal: seen(&alert.principal, 512),
            actor: seen(&alert.actor, 256),
            account: seen(&alert.account, 64),
            region: seen(&alert.region, 64),
            regions: all_seen(&alert.regions, 64),
            source_addresses: all_seen(&alert.source_addresses, 128),
            user_agents: all_seen(&alert.user_agents, 256),
            what: all_seen(&alert.what, 128),
            errors: all_seen(&alert.errors, 128),
            event_ids: all_seen(&alert.event_ids, 64),
            detail: alert.detail.as_deref().map(|detail| seen(detail, 1024)),
            why: clip_bytes(&alert.why, 1024),
            next: written(&alert.next, 400),
            false_positives: written(&alert.false_positives, 300),
            references: written(&alert.references, 300),
            tags: written(&alert.tags, 64),
            author: alert.author.as_deref().map(|author| clip_bytes(author, 256)),
            license: alert.license.as_deref().map(|license| clip_bytes(license, 128)),
        }
    }

    /// How bad.
    pub fn severity(&self) -> Severity {
        self.severity.0
    }

    /// Who it is about, for one line.
    pub(crate) fn who(&self) -> &str {
        if self.principal.is_empty() { "nobody named" } else { &self.principal }
    }
}

/// Text of an event.
fn seen(text: &str, bytes_max: usize) -> String {
    let looked_at = clip_bytes(text, LOOKED_AT_BYTES);
    clip_bytes(&redact(&looked_at), bytes_max)
}

fn all_seen(texts: &[String], bytes_max: usize) -> Vec<String> {
    texts.iter().take(LIST_MAX).map(|text| seen(text, bytes_max)).collect()
}

/// Text of a rule.
fn written(texts: &[String], bytes_max: usize) -> Vec<String> {
    texts.iter().take(LIST_MAX / 2).map(|text| clip_bytes(text, bytes_max)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_notice_reads_back() {
        let notice = Notice::of(&samples::alert("one"));
        let text = serde_json::to_string(&notice).unwrap();
        assert_eq!(serde_json::from_str::<Notice>(&text).unwrap(), notice);
        // A later version may have written more, an earlier one less.
        assert_eq!(serde_json::from_str::<Notice>(r#"{"rule":"r","new":1}"#).unwrap().rule, "r");
    }

    #[test]
    fn field_names_are_those_of_the_alert() {
        let alert = samples::alert("one");
        let names = |value: serde_json::Value| {
            let object = value.as_object().unwrap().clone();
            object.keys().cloned().collect::<std::collections::BTreeSet<_>>()
        };
        let (ours, theirs) =
            (names(serde_json::to_value(Notice::of(&alert)).unwrap()), names(serde_json::to_value(&alert).unwrap()));
        assert!(ours.is_subset(&theirs), "{:?}", ours.difference(&theirs));
    }

    #[test]
    fn however_long_the_alert_the_notice_is_bounded() {
        let notice = Notice::of(&samples::swollen("\u{1}"));
        let bytes = serde_json::to_string(&notice).unwrap().len();
        // Every byte may become six (`\u0001`); a request of any sink takes more than this.
        assert!(bytes < 230_000, "{bytes}");
        assert!(serde_json::to_string(&Notice::of(&samples::swollen("é"))).unwrap().len() < 50_000);
    }

    #[test]
    fn secrets_of_events_are_gone_and_words_of_rules_stay() {
        let mut alert = samples::alert("one");
        alert.user_agents = vec!["curl password=hunter2".to_owned()];
        alert.detail = Some("AKIAIOSFODNN7EXAMPLE had rested".to_owned());
        alert.next = vec!["Change the password: now".to_owned()];
        let text = serde_json::to_string(&Notice::of(&alert)).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("AKIAIOSFODNN7EXAMPLE"));
        assert!(text.contains("Change the password: now"));
    }
}
