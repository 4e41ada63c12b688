//! The desk: takes alerts in, decides who is to hear of them and when, and puts that into the outbox.
//!
//! Silences, routes, age, grouping and repeat intervals are decided here, in this order. Each alert is marked as told to
//! each of its sinks in the same step that puts its message, so reading a batch again, after a crash or on purpose, tells
//! nobody twice.

mod group;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use alerts::Alert;
use serde::Serialize;

use crate::config::{Config, GroupBy, SinkConfig};
use crate::error::Error;
use crate::message::{hash, hex_hash};
use crate::notice::Notice;
use crate::outbox::op::Key;
use crate::outbox::{Outbox, Transaction};
use crate::span::Span;

/// Alerts that are put with one fsync; bounds memory as well.
const PORTION: usize = 1_000;

/// Takes alerts in.
pub struct Desk {
    config: Arc<Config>,
    outbox: Arc<Outbox>,
}

/// What became of alerts. Those of one alert are counted once a sink, but for `silenced` and `unrouted`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// Alerts that were given.
    pub alerts: u64,
    /// To be told at once.
    pub queued: u64,
    /// To be told when the repeat interval of their group ends.
    pub held: u64,
    /// Counted in a digest: too old to be told one by one, or too many.
    pub digested: u64,
    /// Told before.
    pub known: u64,
    /// Too old for a sink that gets no digests.
    pub too_old: u64,
    /// A silence covers them.
    pub silenced: u64,
    /// No route takes them.
    pub unrouted: u64,
}

/// What one alert is to one sink.
struct Item {
    notice: Arc<Notice>,
    mark: Key,
}

/// Alerts of one group for one sink.
struct Batch<'a> {
    sink: &'a str,
    config: &'a SinkConfig,
    group: String,
    labels: BTreeMap<String, String>,
    repeat: Span,
    items: Vec<Item>,
}

impl Desk {
    /// A desk that puts into this outbox.
    pub fn new(config: Arc<Config>, outbox: Arc<Outbox>) -> Desk {
        Desk { config, outbox }
    }

    /// Takes alerts in. When this returns they survive, and whoever gave them may forget them.
    ///
    /// # Errors
    /// [`Error::Outbox`], [`Error::Full`]: then some of them may have been taken; giving all again is right and tells
    /// nobody twice.
    pub fn accept(&self, alerts: &[Alert], now: i64) -> Result<Accepted, Error> {
        Ok(self.accept_noting(alerts, now)?.0)
    }

    /// As [`Desk::accept`]; where the outbox keeps notes, each alert that was not found before leaves one, and none is told
    /// before its note is durable. Says of each, in order, whether it was noted now.
    ///
    /// # Errors
    /// As [`Desk::accept`].
    pub fn accept_noting(&self, alerts: &[Alert], now: i64) -> Result<(Accepted, Vec<bool>), Error> {
        let (mut accepted, mut noted) = (Accepted::default(), Vec::with_capacity(alerts.len()));
        for portion in alerts.chunks(PORTION) {
            let done = self.outbox.transact(now, |transaction| {
                // First: of what a crash cuts off, nothing is told of which nobody knows.
                noted.extend(portion.iter().map(|alert| transaction.note(alert)));
                self.sort(portion, transaction, now)
            })?;
            accepted.add(done);
        }
        Ok((accepted, noted))
    }

    /// A time for what is to be read after everything that was noted so far: notes are numbered upwards where a clock is too
    /// slow for them.
    pub fn after_notes(&self, now: i64) -> i64 {
        self.outbox.last_note().map_or(now, |last| now.max(last.saturating_add(1)))
    }

    /// Why an alert is told to nobody: the reason of the first silence that covers it.
    pub fn silence_of(&self, alert: &Alert, now: i64) -> Option<&str> {
        let (notice, at) = (Notice::of(alert), alert.last_time.or(alert.time).unwrap_or(now));
        self.config.silences.iter().find(|silence| silence.covers(&notice, at)).map(|silence| silence.reason.as_str())
    }

    fn sort(&self, alerts: &[Alert], transaction: &mut Transaction<'_>, now: i64) -> Accepted {
        let mut accepted = Accepted { alerts: alerts.len() as u64, ..Accepted::default() };
        let mut batches: BTreeMap<(&str, String), Batch<'_>> = BTreeMap::new();
        let mut digests: BTreeMap<&str, Vec<Item>> = BTreeMap::new();
        let mut seen = HashSet::new();
        for alert in alerts {
            let notice = Arc::new(Notice::of(alert));
            let at = alert.last_time.or(alert.time).unwrap_or(now);
            if self.config.silences.iter().any(|silence| silence.covers(&notice, at)) {
                accepted.silenced += 1;
                continue;
            }
            let sinks = self.sinks_of(&notice);
            accepted.unrouted += u64::from(sinks.is_empty());
            let (group, labels) = self.group_of(&notice);
            for (sink, repeat) in sinks {
                let Some(config) = self.config.sinks.get(sink) else { continue };
                let mark = Key(hash(&["mark", sink, &alert.fingerprint]));
                if transaction.is_marked(mark) || !seen.insert(mark) {
                    accepted.known += 1;
                    continue;
                }
                let item = Item { notice: notice.clone(), mark };
                let too_old = self.max_age(config).is_some_and(|most| now.saturating_sub(at) > most.micros());
                let crowded = transaction.is_crowded(sink, config.limits.max_pending);
                if too_old && !config.limits.digest.unwrap_or(config.form.digests()) {
                    accepted.too_old += 1;
                } else if too_old || crowded {
                    accepted.digested += 1;
                    digests.entry(sink).or_default().push(item);
                } else {
                    let batch = batches.entry((sink, group.clone())).or_insert_with(|| Batch {
                        sink,
                        config,
                        group: group.clone(),
                        labels: labels.clone(),
                        repeat,
                        items: Vec::new(),
                    });
                    batch.repeat = batch.repeat.min(repeat);
                    batch.items.push(item);
                }
            }
        }
        for batch in batches.into_values() {
            let count = batch.items.len() as u64;
            let held = group::put(batch, transaction, now);
            accepted.held += if held { count } else { 0 };
            accepted.queued += if held { 0 } else { count };
        }
        for (sink, items) in digests {
            group::digest(sink, &items, self.config.policy.digest_interval, transaction, now);
        }
        accepted
    }

    /// The sinks that are to hear of an alert, each with the shortest repeat interval that a route gives it. Sinks that keep
    /// records hear of each alert at once, unless a route says otherwise.
    fn sinks_of(&self, notice: &Notice) -> BTreeMap<&str, Span> {
        let mut sinks: BTreeMap<&str, Span> = BTreeMap::new();
        for route in self.config.routes.iter().filter(|route| route.takes(notice)) {
            for sink in &route.sinks {
                let wakes = self.config.sinks.get(sink).is_some_and(|sink| sink.form.wakes());
                let default = if wakes { self.config.policy.repeat_interval } else { Span::seconds(0) };
                let repeat = route.repeat_interval.unwrap_or(default);
                sinks.entry(sink).and_modify(|shortest| *shortest = repeat.min(*shortest)).or_insert(repeat);
            }
        }
        sinks
    }

    fn group_of(&self, notice: &Notice) -> (String, BTreeMap<String, String>) {
        let labels: BTreeMap<String, String> = self
            .config
            .policy
            .group_by
            .iter()
            .map(|by| {
                let value = match by {
                    GroupBy::Rule => notice.rule.clone(),
                    GroupBy::Account => notice.account.clone(),
                    GroupBy::Principal => notice.principal.clone(),
                    GroupBy::Region => notice.region.clone(),
                    GroupBy::Severity => notice.severity().as_str().to_owned(),
                };
                (by.as_str().to_owned(), value)
            })
            .collect();
        let parts: Vec<&str> = labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect();
        (hex_hash(&parts), labels)
    }

    /// Sinks that wake people hear of old alerts in a digest; those that keep records want each.
    fn max_age(&self, sink: &SinkConfig) -> Option<Span> {
        sink.limits.max_age.or_else(|| sink.form.wakes().then_some(self.config.policy.max_age))
    }
}

impl Accepted {
    fn add(&mut self, other: Accepted) {
        self.alerts += other.alerts;
        self.queued += other.queued;
        self.held += other.held;
        self.digested += other.digested;
        self.known += other.known;
        self.too_old += other.too_old;
        self.silenced += other.silenced;
        self.unrouted += other.unrouted;
    }
}

#[cfg(test)]
mod tests;
