//! What is open of a correlation, written and read: so that a process that restarts goes on as if it had not.
//!
//! Events are written from where they are, with the number of their scene instead of its texts: there may be a million of
//! them, and a copy of all would be needed for nothing else.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::stretch::{Run, Stretch};
use super::{Entry, Values, Windows};
use crate::event_id::EventId;
use crate::scene::{Scene, Table};
use crate::shared::Text;
use crate::sighting::Sighting;

/// What is open, to be written.
#[derive(Debug, Serialize)]
pub(crate) struct Open<'a> {
    sealed: i64,
    shed: u64,
    late: u64,
    groups: Vec<(&'a Values, OpenGroup<'a>)>,
}

/// The same of a group. The measure of its window follows from the events in it.
#[derive(Debug, Serialize)]
struct OpenGroup<'a> {
    waiting: Entries<'a>,
    window: Entries<'a>,
    left: u64,
    run: &'a Option<Box<Run>>,
}

/// Events of a group, judged or not.
#[derive(Debug)]
struct Entries<'a> {
    group: &'a Stretch,
    judged: bool,
    scenes: &'a RefCell<Table>,
}

/// An event as it is written.
#[derive(Serialize)]
struct OpenEntry<'a> {
    t: i64,
    i: &'a EventId,
    o: usize,
    b: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    v: &'a Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c: &'a Option<Box<Values>>,
}

/// Writes an event with the number of its scene.
struct Written<E>(E, usize);

impl<E: Borrow<Entry>> Serialize for Written<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Entry { sighting: Sighting { time, event_id, .. }, base, value, carried } = self.0.borrow();
        OpenEntry { t: *time, i: event_id, o: self.1, b: *base, v: value, c: carried }.serialize(serializer)
    }
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = |entry: &Entry| self.scenes.borrow_mut().place(&entry.sighting.scene);
        match self.judged {
            true => serializer.collect_seq(self.group.window.iter().map(|entry| Written(entry, place(entry)))),
            false => serializer.collect_seq(self.group.waiting.iter().map(|entry| {
                let scene = place(&entry);
                Written(entry, scene)
            })),
        }
    }
}

/// What was open, read.
#[derive(Debug, Deserialize)]
pub(crate) struct Kept {
    sealed: i64,
    shed: u64,
    late: u64,
    groups: Vec<(Values, KeptGroup)>,
}

#[derive(Debug, Deserialize)]
struct KeptGroup {
    waiting: Vec<KeptEntry>,
    window: Vec<KeptEntry>,
    left: u64,
    run: Option<Run>,
}

#[derive(Debug, Deserialize)]
struct KeptEntry {
    t: i64,
    i: EventId,
    o: usize,
    b: usize,
    v: Option<Text>,
    c: Option<Box<Values>>,
}

impl KeptEntry {
    /// The event; `None` if its scene was not written.
    fn entry(self, scenes: &[Arc<Scene>]) -> Option<Entry> {
        let sighting = Sighting { time: self.t, event_id: self.i, scene: scenes.get(self.o)?.clone() };
        Some(Entry { sighting, base: self.b, value: self.v, carried: self.c })
    }
}

impl Windows {
    /// What is open. Its scenes are put into the table as it is written.
    pub(crate) fn open<'a>(&'a self, scenes: &'a RefCell<Table>) -> Open<'a> {
        let entries = |group: &'a Stretch, judged| Entries { group, judged, scenes };
        let group = |group: &'a Stretch| OpenGroup {
            waiting: entries(group, false),
            window: entries(group, true),
            left: group.left,
            run: &group.run,
        };
        let mut groups: Vec<_> = self.groups.iter().map(|(key, open)| (key, group(open))).collect();
        groups.sort_unstable_by_key(|(key, _)| *key);
        Open { sealed: self.sealed, shed: self.shed, late: self.late, groups }
    }

    /// Goes on with what was open.
    pub(crate) fn put(&mut self, kept: Kept, scenes: &[Arc<Scene>]) {
        (self.sealed, self.shed, self.late) = (kept.sealed, kept.shed, kept.late);
        for (key, kept) in kept.groups {
            let entries = |entries: Vec<KeptEntry>| entries.into_iter().filter_map(|entry| entry.entry(scenes));
            let mut group = Stretch { left: kept.left, run: kept.run.map(Box::new), ..Stretch::default() };
            entries(kept.waiting).for_each(|entry| group.waiting.push(entry, &mut self.kinds));
            for entry in entries(kept.window) {
                group.slide(&self.correlation).enter(&self.correlation.measure, &entry);
                group.window.push_back(entry);
            }
            self.kept += group.len();
            self.groups.insert(key, group);
        }
    }
}
