//! Alerts of one group into messages: at once, or when the group's quiet time ends; and old ones into a digest.
//!
//! A message that nobody has tried to send yet may still grow; one that a sink may have seen never changes, or a sink that
//! looks at keys would take the new text for the old.

use std::collections::BTreeMap;

use super::{Batch, Item};
use crate::config::Form;
use crate::message::{self, Kind, Message, hex_hash};
use crate::outbox::op::{Key, Op};
use crate::outbox::{Delivery, Transaction, slot_of};
use crate::span::Span;

/// A message as it fills up.
struct Draft {
    delivery: Delivery,
    bytes: usize,
    marks: Vec<Key>,
}

impl Draft {
    fn of(delivery: Delivery) -> Draft {
        let bytes = delivery.message.notices.iter().map(message::bytes).sum();
        Draft { delivery, bytes, marks: Vec::new() }
    }

    /// Puts it, and asks for so much quiet behind it.
    fn stage(self, quiet: Option<Span>, transaction: &mut Transaction<'_>) {
        if !self.marks.is_empty() {
            let quiet_until = quiet.map(|quiet| self.delivery.not_before.saturating_add(quiet.micros()));
            transaction.stage(Op::Put { delivery: Box::new(self.delivery), marks: self.marks, quiet_until });
        }
    }
}

/// Puts the alerts of a group. True if they are held.
pub(super) fn put(batch: Batch<'_>, transaction: &mut Transaction<'_>, now: i64) -> bool {
    let slot = slot_of(batch.sink, &batch.group, Kind::Alerts);
    let quiet = (!batch.repeat.0.is_zero()).then_some(batch.repeat);
    let most = batch.config.form.notices_max();
    let mut draft = transaction.open(slot).map(Draft::of);
    // What does not fit into a message that waits goes with it; otherwise at once, or when the quiet ends.
    let due = match &draft {
        Some(draft) => draft.delivery.not_before,
        None => quiet_until(transaction, slot, quiet, now),
    };
    // First, so that no crash leaves an incident that nothing resolves.
    if let (Form::PagerDuty { resolve_after: Some(after), .. }, Some(last)) = (&batch.config.form, batch.items.last()) {
        let slot = slot_of(batch.sink, &batch.group, Kind::Resolve);
        if let Some(key) = transaction.open_key(slot) {
            transaction.stage(Op::Drop { key });
        }
        let key = hex_hash(&["resolve", batch.sink, &last.notice.fingerprint]);
        let at = due.saturating_add(after.micros());
        let mut resolve = delivery(batch.sink, &batch.group, batch.labels.clone(), (key, Kind::Resolve), now, at);
        resolve.message.notices.push((*last.notice).clone());
        transaction.stage(Op::Put { delivery: Box::new(resolve), marks: Vec::new(), quiet_until: None });
    }
    for item in batch.items {
        let bytes = message::bytes(&item.notice);
        let full =
            |draft: &Draft| draft.delivery.message.notices.len() >= most || draft.bytes + bytes > message::BYTES_MAX;
        if draft.as_ref().is_none_or(full)
            && let Some(done) = draft.take()
        {
            done.stage(quiet, transaction);
        }
        let filling = draft.get_or_insert_with(|| {
            let key = hex_hash(&["alerts", batch.sink, &item.notice.fingerprint]);
            Draft::of(delivery(batch.sink, &batch.group, batch.labels.clone(), (key, Kind::Alerts), now, due))
        });
        filling.delivery.message.notices.push((*item.notice).clone());
        filling.bytes += bytes;
        filling.marks.push(item.mark);
    }
    if let Some(done) = draft {
        done.stage(quiet, transaction);
    }
    due > now
}

/// When a slot may speak again. A quiet that is longer than any that is asked for (one behind a message that waits for the
/// end of another) was set by a clock that has been set back.
fn quiet_until(transaction: &Transaction<'_>, slot: Key, longest: Option<Span>, now: i64) -> i64 {
    let Some(longest) = longest else { return now };
    let until =
        transaction.quiet_until(slot).filter(|until| until.saturating_sub(now) <= longest.micros().saturating_mul(2));
    until.unwrap_or(now).max(now)
}

/// Counts alerts in the digest of a sink.
pub(super) fn digest(sink: &str, items: &[Item], interval: Span, transaction: &mut Transaction<'_>, now: i64) {
    let Some(first) = items.first() else { return };
    let group = hex_hash(&["digest", sink]);
    let slot = slot_of(sink, &group, Kind::Digest);
    let mut draft = transaction.open(slot).map(Draft::of).unwrap_or_else(|| {
        let due = quiet_until(transaction, slot, Some(interval), now);
        let key = hex_hash(&["digest", sink, &first.notice.fingerprint]);
        Draft::of(delivery(sink, &group, BTreeMap::new(), (key, Kind::Digest), now, due))
    });
    for item in items {
        draft.delivery.message.count(&item.notice);
        draft.marks.push(item.mark);
    }
    draft.stage(Some(interval), transaction);
}

fn delivery(
    sink: &str,
    group: &str,
    labels: BTreeMap<String, String>,
    (key, kind): (String, Kind),
    now: i64,
    due: i64,
) -> Delivery {
    let message = Message {
        key,
        kind,
        group: group.to_owned(),
        labels,
        created: now,
        notices: Vec::new(),
        tallies: BTreeMap::new(),
    };
    Delivery { sink: sink.to_owned(), not_before: due, since: due, attempts: 0, dead: false, error: None, message }
}
