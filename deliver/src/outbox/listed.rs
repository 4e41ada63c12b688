//! What an outbox holds, for people and programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Outbox;
use crate::clock::rfc_3339;
use crate::message::Kind;

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Given up; it can be replayed.
    Dead,
    /// To be sent, or to be tried again.
    Pending,
    /// Waiting for the end of its group's repeat interval.
    Held,
    /// Sent.
    Sent,
}

/// A delivery in the outbox, or one that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Idempotency key.
    pub key: String,
    /// Name of the sink.
    pub sink: String,
    /// How it stands.
    pub state: Standing,
    /// What it is; `None` for one that was sent.
    pub kind: Option<Kind>,
    /// The worst of its alerts.
    pub severity: Option<alerts::Severity>,
    /// How many alerts it tells of.
    pub alerts: Option<u64>,
    /// When it was made, or sent, RFC 3339.
    pub time: String,
    /// When it will be tried, RFC 3339.
    pub next_try: Option<String>,
    /// Attempts that failed.
    pub attempts: u32,
    /// Why the last one did.
    pub error: Option<String>,
}

impl Outbox {
    /// Everything it holds and the last thousand that were sent: dead ones first, then by time and key.
    pub fn list(&self, now: i64) -> Vec<Listed> {
        let inner = self.lock();
        let entries = inner.state.entries.iter().map(|(key, entry)| {
            let held = entry.attempts == 0 && entry.not_before > now;
            let state = match (entry.dead, held) {
                (true, _) => Standing::Dead,
                (false, true) => Standing::Held,
                (false, false) => Standing::Pending,
            };
            let listed = Listed {
                key: key.to_string(),
                sink: entry.sink.to_string(),
                state,
                kind: Some(entry.kind),
                severity: Some(entry.severity),
                alerts: Some(entry.alerts),
                time: rfc_3339(entry.created),
                next_try: (!entry.dead).then(|| rfc_3339(entry.not_before)),
                attempts: entry.attempts,
                error: entry.error.clone(),
            };
            (entry.created, listed)
        });
        let sent = inner.state.sent.iter().map(|done| {
            let listed = Listed {
                key: done.key.to_string(),
                sink: done.sink.clone(),
                state: Standing::Sent,
                kind: None,
                severity: None,
                alerts: None,
                time: rfc_3339(done.at),
                next_try: None,
                attempts: 0,
                error: None,
            };
            (done.at, listed)
        });
        let mut all: Vec<_> = entries.chain(sent).collect();
        all.sort_by(|(at, a), (bt, b)| (a.state, *at, &a.sink, &a.key).cmp(&(b.state, *bt, &b.sink, &b.key)));
        all.into_iter().map(|(_, listed)| listed).collect()
    }

    /// How many stand how, of each sink.
    pub fn counts(&self, now: i64) -> BTreeMap<String, BTreeMap<Standing, u64>> {
        let mut counts: BTreeMap<String, BTreeMap<Standing, u64>> = BTreeMap::new();
        for listed in self.list(now) {
            *counts.entry(listed.sink).or_default().entry(listed.state).or_default() += 1;
        }
        counts
    }

    /// Whether a delivery of this sink waits that is due by `until`, has been tried before, or is in hand.
    pub(crate) fn is_busy(&self, sink: &str, until: i64) -> bool {
        let inner = self.lock();
        let of_sink = inner.state.entries.iter().filter(|(_, entry)| &*entry.sink == sink && !entry.dead);
        of_sink
            .into_iter()
            .any(|(key, entry)| entry.attempts > 0 || entry.not_before <= until || inner.state.is_in_hand(*key))
    }
}
