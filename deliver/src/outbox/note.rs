//! Notes: what became of alerts, for whoever keeps records of it, until the records stand.
//!
//! An alert is found and told before the rows that led to it are committed anywhere, and a process may die in between; its
//! successor need not find the same alert again, because rules change and messages of a queue come in another order. So
//! a note is written in the same step as what it tells of, and stays until somebody says that it has it. Notes are kept once
//! somebody has asked for them ([`Outbox::keep_notes`]) and are bounded: the oldest go first, and are counted.

use alerts::{Alert, Severity};
use serde::{Deserialize, Serialize};

use super::op::{self, Key, Op};
use super::{Outbox, load_line};
use crate::error::Error;
use crate::message::{Kind, hash};
use crate::visible::clip_bytes;

/// Bytes of one text of a note: an attacker may have written it.
const TEXT_BYTES: usize = 2 * 1024;
/// Elements of a list: as many as an alert keeps.
const LIST_MAX: usize = 20;
/// Bytes of all ids of events: ten thousand of AWS' own, which is as many as an alert names.
const IDS_BYTES: usize = 400 * 1024;

/// The mark of an alert that was found: it is found once, however often rules find it again.
pub(super) fn mark(fingerprint: &str) -> Key {
    Key(hash(&["found", fingerprint]))
}

/// What became of alerts at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Microseconds since the epoch. No two notes of an outbox have the same, and a later one has a later, whatever
    /// becomes of the clock: it is the note's name.
    pub at: i64,
    /// What happened.
    pub step: Step,
}

/// What happens to an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It was found, and is to be told.
    Found(Box<Found>),
    /// A message that shows these alerts has an end.
    Told {
        /// Which.
        end: End,
        /// Name of the sink.
        sink: String,
        /// Idempotency key of the message.
        key: String,
        /// What the sink said, where nobody tries any more.
        #[serde(default)]
        error: Option<String>,
        /// Fingerprints.
        alerts: Vec<String>,
    },
}

/// How a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The sink has it.
    Sent,
    /// The sink knows that the incident is over.
    Resolved,
    /// Nobody tries any more.
    Dead,
}

impl End {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            End::Sent => "sent",
            End::Resolved => "resolved",
            End::Dead => "dead",
        }
    }

    pub(super) fn of(kind: Kind, is_dead: bool) -> End {
        match (is_dead, kind) {
            (true, _) => End::Dead,
            (false, Kind::Resolve) => End::Resolved,
            (false, Kind::Alerts | Kind::Digest) => End::Sent,
        }
    }
}

/// An alert as it was when it was found: the fields of [`Alert`] that records keep. Texts are cut at 2 KiB, ids of events at 400 KiB in all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Found {
    pub fingerprint: String,
    pub rule: String,
    pub rule_id: String,
    pub title: String,
    pub severity: Severity,
    pub time: Option<i64>,
    pub last_time: Option<i64>,
    pub count: u64,
    pub principal: String,
    pub actor: String,
    pub account: String,
    pub region: String,
    pub source_addresses: Vec<String>,
    pub user_agents: Vec<String>,
    pub what: Vec<String>,
    pub event_ids: Vec<String>,
    pub detail: Option<String>,
}

impl Found {
    /// What of `alert` is kept.
    pub fn of(alert: &Alert) -> Found {
        let text = |text: &str| clip_bytes(text, TEXT_BYTES);
        let list = |list: &[String]| list.iter().take(LIST_MAX).map(|text| clip_bytes(text, TEXT_BYTES)).collect();
        Found {
            fingerprint: text(&alert.fingerprint),
            rule: text(&alert.rule),
            rule_id: text(&alert.rule_id),
            title: text(&alert.title),
            severity: alert.severity,
            time: alert.time,
            last_time: alert.last_time,
            count: alert.count,
            principal: text(&alert.principal),
            actor: text(&alert.actor),
            account: text(&alert.account),
            region: text(&alert.region),
            source_addresses: list(&alert.source_addresses),
            user_agents: list(&alert.user_agents),
            what: list(&alert.what),
            event_ids: ids(&alert.event_ids),
            detail: alert.detail.as_deref().map(text),
        }
    }
}

/// The earliest ids that have room.
fn ids(all: &[String]) -> Vec<String> {
    let mut bytes = 0;
    let fits = |id: &&String| {
        bytes += id.len();
        bytes <= IDS_BYTES
    };
    all.iter().take_while(fits).cloned().collect()
}

impl Outbox {
    /// From now on notes are kept, by whichever process writes here, until they stand elsewhere: those up to
    /// `until` do, and can go. Without this an outbox keeps none.
    ///
    /// # Errors
    /// As for any write.
    pub fn keep_notes(&self, until: i64, now: i64) -> Result<(), Error> {
        let mut inner = self.lock();
        if inner.state.noted.is_some_and(|noted| noted >= until) {
            return Ok(());
        }
        self.commit(&mut inner, &[Op::Noted { until }], now)
    }

    /// Up to which note somebody said to have them; `None` where no notes are kept.
    pub fn noted_until(&self) -> Option<i64> {
        self.lock().state.noted
    }

    /// The latest note, if one waits.
    pub fn last_note(&self) -> Option<i64> {
        self.lock().state.notes.back().map(|(at, _)| *at)
    }

    /// The first notes after this one, so many at most, in order.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub fn notes(&self, after: i64, most: usize) -> Result<Vec<Note>, Error> {
        let inner = self.lock();
        let from = inner.state.notes.partition_point(|(at, _)| *at <= after);
        let places = inner.state.notes.iter().skip(from).take(most);
        let mut notes = Vec::new();
        for (_, place) in places {
            // A line that a failing disk has changed is a note that is lost; the others are not.
            if let Some(Op::Note(note)) = load_line(inner.storage.as_ref(), *place).map_err(|e| inner.failure(e))? {
                notes.push(note);
            }
        }
        Ok(notes)
    }

    /// Notes that had no room since this process opened the outbox.
    pub fn notes_lost(&self) -> u64 {
        self.lock().state.notes_lost
    }
}

/// The line of a note fits into a line, whatever an attacker wrote into it.
const _: () = assert!((TEXT_BYTES * (3 * LIST_MAX + 12) + IDS_BYTES) * 6 + (64 << 10) < op::LINE_BYTES_MAX);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::outbox::memory::{Disk, Memory};
    use crate::outbox::{Limits, Next};
    use crate::samples::{NOON, alert};
    use crate::{Config, Desk};

    const CHAT: &str =
        "[sinks.chat]\ntype = 'slack'\nurl = 'https://hooks.slack.com/services/x'\n[[routes]]\nsinks = ['chat']\n";

    const LINES: &str = "[sinks.chat]\ntype = 'stdout'\n[[routes]]\nsinks = ['chat']\n";

    fn open(disk: &Arc<Mutex<Disk>>, bytes: u64) -> Arc<Outbox> {
        let limits = Limits { bytes, ..Limits::default() };
        Arc::new(Outbox::open(Box::new(Memory(disk.clone())), limits).unwrap())
    }

    fn steps(outbox: &Outbox, after: i64) -> Vec<String> {
        let said = |note: Note| match note.step {
            Step::Found(found) => format!("found {}", found.fingerprint),
            Step::Told { end, alerts, .. } => format!("{} {}", end.name(), alerts.join(",")),
        };
        outbox.notes(after, usize::MAX).unwrap().into_iter().map(said).collect()
    }

    fn send(outbox: &Arc<Outbox>, now: i64) {
        let Next::Due(claim) = outbox.next("chat", now, 3_600_000_000).unwrap() else { panic!("nothing is due") };
        claim.sent(now).unwrap();
    }

    #[test]
    fn notes_stay_until_somebody_has_them_and_keep_their_order() {
        let disk = Arc::default();
        let outbox = open(&disk, 1 << 20);
        let desk = |outbox: &Arc<Outbox>| Desk::new(Arc::new(Config::parse(CHAT).unwrap()), outbox.clone());
        desk(&outbox).accept(&[alert("before")], NOON).unwrap();
        assert_eq!(steps(&outbox, 0), [""; 0], "nobody asked");
        outbox.keep_notes(0, NOON).unwrap();
        desk(&outbox).accept(&[alert("one"), alert("one")], NOON + 5).unwrap();
        send(&outbox, NOON + 5);
        drop(outbox);
        // A process that opens it later, whose clock is behind, knows that notes are kept.
        let outbox = open(&disk, 1 << 20);
        let told = desk(&outbox).accept_noting(&[alert("two"), alert("one")], NOON - 100).unwrap();
        assert_eq!(told.1, [true, false], "found before, and its note is there");
        let notes = outbox.notes(0, usize::MAX).unwrap();
        assert!(notes.is_sorted_by(|a, b| a.at < b.at), "{notes:?}");
        assert_eq!(steps(&outbox, 0), ["found one", "sent before,one", "found two"]);
        outbox.keep_notes(notes[1].at, NOON).unwrap();
        outbox.lock().compact(NOON).unwrap();
        assert_eq!(steps(&outbox, 0), ["found two"]);
        drop(outbox);
        let outbox = open(&disk, 1 << 20);
        assert_eq!((steps(&outbox, 0), outbox.noted_until()), (vec!["found two".to_owned()], Some(notes[1].at)));
        assert_eq!(outbox.last_note(), Some(notes[2].at));
    }

    #[test]
    fn a_note_keeps_every_id_that_aws_would_write_and_bounds_what_others_would() {
        let with = |count: usize, id: &str| Found::of(&Alert { event_ids: vec![id.to_owned(); count], ..alert("one") });
        assert_eq!(with(10_000, "4a2f7c7e-1111-4222-8333-944455556666").event_ids.len(), 10_000);
        let hostile = Note { at: 1, step: Step::Found(Box::new(with(10_000, &"\u{1}".repeat(256)))) };
        let line = op::encode(&Op::Note(hostile)).unwrap();
        assert!(line.len() < op::LINE_BYTES_MAX, "{}", line.len());
    }

    #[test]
    fn notes_that_nobody_takes_are_bounded_and_counted() {
        let (disk, bytes) = (Arc::default(), 256 << 10);
        let outbox = open(&disk, bytes);
        outbox.keep_notes(0, NOON).unwrap();
        let desk = Desk::new(Arc::new(Config::parse(LINES).unwrap()), outbox.clone());
        for number in 0..1_000 {
            let alert = alert(&format!("{number}"));
            desk.accept(&[alert], NOON + number).unwrap();
            send(&outbox, NOON + number);
        }
        let left = steps(&outbox, 0).len() as u64;
        assert!(left > 10 && left + outbox.notes_lost() == 2_000, "{left} left, {} lost", outbox.notes_lost());
        assert!(outbox.bytes() <= bytes);
        assert_eq!(steps(&outbox, 0).last().unwrap(), "sent 999");
    }
}
