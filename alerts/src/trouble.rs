//! Alerts about the log itself, of which no event tells: that what was delivered was changed, forged or taken away.
//!
//! They look and travel as those of rules do. Who finds the trouble is no concern of this room.

use crate::alert::{Alert, fingerprint};
use crate::severity::Severity;

/// What is wrong with the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Stands where alerts have their rule: a stable name.
    pub name: &'static str,
    /// One line.
    pub title: &'static str,
    /// How bad.
    pub severity: Severity,
    /// The object, or the time, that it is about.
    pub subject: String,
    /// Account of the log; empty where it is not known.
    pub account: String,
    /// Region of the log; empty where it is not known.
    pub region: String,
    /// What was seen.
    pub detail: String,
    /// What tells it from other troubles of the same name and subject; part of its identity, which `detail` is not: how
    /// long ago something was changes while nothing happens.
    pub mark: String,
    /// Why it matters.
    pub why: &'static str,
    /// What to do next.
    pub next: &'static [&'static str],
}

impl Trouble {
    /// As an alert that was found at this time, in microseconds since the epoch. Its identity does not depend on the time: the
    /// same trouble found again is the same alert.
    pub fn alert(&self, now: i64) -> Alert {
        Alert {
            rule: self.name.to_owned(),
            rule_id: self.name.to_owned(),
            rule_name: None,
            title: self.title.to_owned(),
            severity: self.severity,
            time: Some(now),
            last_time: Some(now),
            count: 1,
            principal: String::new(),
            actor: String::new(),
            account: self.account.clone(),
            region: self.region.clone(),
            regions: Some(self.region.clone()).filter(|region| !region.is_empty()).into_iter().collect(),
            source_addresses: Vec::new(),
            user_agents: Vec::new(),
            what: vec![self.subject.clone()],
            errors: Vec::new(),
            event_ids: Vec::new(),
            detail: Some(self.detail.clone()),
            why: self.why.to_owned(),
            next: self.next.iter().map(|step| (*step).to_owned()).collect(),
            false_positives: Vec::new(),
            references: Vec::new(),
            tags: Vec::new(),
            author: None,
            license: None,
            fingerprint: fingerprint(self.name, &self.subject, &self.account, 0, &self.mark),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_is_the_same_alert_whenever_it_is_found() {
        let trouble = Trouble {
            name: "log-digest-invalid",
            title: "t",
            severity: Severity::High,
            subject: "s3://b/k".to_owned(),
            account: "111122223333".to_owned(),
            region: String::new(),
            detail: "signature verification failed".to_owned(),
            mark: "signature".to_owned(),
            why: "w",
            next: &["look"],
        };
        let (one, two) = (trouble.alert(1), trouble.alert(2));
        assert_eq!((&one.fingerprint, one.time, two.time), (&two.fingerprint, Some(1), Some(2)));
        let later = Trouble { detail: "two hours ago".to_owned(), ..trouble.clone() };
        assert_eq!(later.alert(1).fingerprint, one.fingerprint);
        let other = Trouble { subject: "s3://b/l".to_owned(), ..trouble };
        assert_ne!(other.alert(1).fingerprint, one.fingerprint);
    }
}
