//! Events of one rule to alerts: one alert a window of the clock.
//!
//! Events of the same rule, principal and account within the same window (an hour of the clock; a day where the rule is
//! informational) are one alert. Windows of the clock, and not bursts that begin with their first event, because then an
//! alert has its identity as soon as any of its events is known, whatever comes later or late: it can be told at once, and
//! what comes after it is the same alert, grown. What an alert shows of its events are the smallest of each list, so the
//! order of arrival does not matter there either. Knows no rules: it is told their number.

use hashbrown::{Equivalent, HashMap};
use serde::{Deserialize, Serialize};

use crate::event_id::EventId;
use crate::shown::Shown;
use crate::sighting::{Sighting, Sightings, UNTIMED};

/// Most ids of events that one alert names, the earliest.
const MAX_IDS: usize = 10_000;
/// Most ids that all alerts name together: about 30 MB.
const MAX_IDS_TOGETHER: usize = 1_000_000;

/// Events that are one alert.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Burst {
    /// The earliest event.
    pub(crate) first: Sighting,
    /// Time of the latest.
    pub(crate) last: i64,
    /// Number of events.
    pub(crate) count: u64,
    /// What else is shown of more events than one; most alerts are of one.
    lists: Option<Box<Lists>>,
}

/// What an alert lists of its events.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lists {
    /// The earliest events: time and id.
    pub(crate) ids: Shown<(i64, EventId), MAX_IDS>,
    /// Regions.
    pub(crate) regions: Shown<String>,
    /// Addresses.
    pub(crate) addresses: Shown<String>,
    /// User agents.
    pub(crate) agents: Shown<String>,
    /// Calls.
    pub(crate) what: Shown<String>,
    /// Error codes.
    pub(crate) errors: Shown<String>,
}

impl Lists {
    fn of(event: &Sighting) -> Lists {
        let set = |text: &str| if text.is_empty() { Shown::none() } else { Shown::one(text.to_owned()) };
        let scene = &event.scene;
        Lists {
            ids: Shown::one((event.time, event.event_id.clone())),
            regions: set(&scene.region),
            addresses: set(&scene.address),
            agents: set(&scene.agent),
            what: set(&scene.what),
            errors: set(&scene.error),
        }
    }
}

impl Burst {
    /// A burst of one event.
    pub(crate) fn new(sighting: Sighting) -> Self {
        Burst { last: sighting.time, count: 1, lists: None, first: sighting }
    }

    /// Takes another event in. Commutative: any order gives the same burst.
    pub(crate) fn add(&mut self, event: &Sighting) {
        let lists = self.lists.get_or_insert_with(|| Box::new(Lists::of(&self.first)));
        self.last = self.last.max(event.time);
        self.count += 1;
        if *event < self.first {
            self.first = event.clone();
        }
        let key = (event.time, &event.event_id);
        lists.ids.note_by(true, |(time, id)| (*time, id).cmp(&key), || (event.time, event.event_id.clone()));
        note(&mut lists.regions, &event.scene.region);
        note(&mut lists.addresses, &event.scene.address);
        note(&mut lists.agents, &event.scene.agent);
        note(&mut lists.what, &event.scene.what);
        note(&mut lists.errors, &event.scene.error);
    }

    /// Takes in the event of a row, without copying what is known already. Same result as [`Burst::add`]. Without
    /// `room` the list of ids does not grow; true if it did.
    fn absorb(&mut self, sightings: &Sightings, row: usize, room: bool) -> bool {
        let lists = self.lists.get_or_insert_with(|| Box::new(Lists::of(&self.first)));
        let time = sightings.time(row);
        self.last = self.last.max(time);
        self.count += 1;
        let event_id = EventId::new(sightings.event_id(row));
        if (time, &event_id) <= (self.first.time, &self.first.event_id) {
            let sighting = sightings.read(row);
            if sighting < self.first {
                self.first = sighting;
            }
        }
        let more = lists.ids.note_by(room, |(t, id)| (*t, id).cmp(&(time, &event_id)), || (time, event_id.clone()));
        note(&mut lists.regions, sightings.region(row));
        note(&mut lists.addresses, sightings.address(row));
        note(&mut lists.agents, sightings.agent(row));
        note(&mut lists.errors, sightings.error(row));
        sightings.with_what(row, |what| note(&mut lists.what, what));
        more
    }

    /// Number of ids listed.
    fn ids(&self) -> usize {
        self.lists.as_ref().map_or(1, |lists| lists.ids.len())
    }

    /// The earliest event, and the lists.
    pub(crate) fn into_parts(self) -> (Sighting, Lists) {
        let lists = self.lists.map_or_else(|| Lists::of(&self.first), |lists| *lists);
        (self.first, lists)
    }
}

fn note(shown: &mut Shown<String>, text: &str) {
    if !text.is_empty() {
        shown.note(text, || text.to_owned());
    }
}

/// What makes events one alert.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Key {
    /// Number of the rule.
    pub(crate) rule: usize,
    /// When the window began, microseconds; [`UNTIMED`] for events without a time.
    pub(crate) window: i64,
    principal: String,
    account: String,
}

impl Key {
    /// The same of the rule with another number.
    pub(crate) fn of(self, rule: usize) -> Key {
        Key { rule, ..self }
    }
}

#[derive(Hash)]
struct KeyRef<'a> {
    rule: usize,
    window: i64,
    principal: &'a str,
    account: &'a str,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.rule == key.rule
            && self.window == key.window
            && self.principal == key.principal
            && self.account == key.account
    }
}

/// A window that may still grow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Open {
    /// When it ends; no event at that moment is in it.
    ends: i64,
    burst: Burst,
    /// Number of events when it was told; 0 if it was not.
    told: u64,
}

/// An alert to be told, or one that was told and has grown since.
#[derive(Debug)]
pub(crate) struct Told {
    /// Number of the rule.
    pub(crate) rule: usize,
    /// When its window began.
    pub(crate) window: i64,
    /// Its events.
    pub(crate) burst: Burst,
    /// It was told before.
    pub(crate) update: bool,
}

/// How the events of one rule are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grouping {
    /// Length of a window, microseconds.
    pub(crate) length: i64,
    /// The rule is informational: it may not take the room of others.
    pub(crate) quiet: bool,
}

/// All windows that may still grow.
#[derive(Debug)]
pub(crate) struct Groups {
    max_open: usize,
    ids: usize,
    open: HashMap<Key, Box<Open>, ahash::RandomState>,
    /// Windows that nobody was told of yet.
    fresh: Vec<Key>,
    /// No window ends before this.
    next_end: i64,
    /// Events that were not kept, because there were too many windows.
    pub(crate) shed: u64,
}

impl Groups {
    /// At most `max_open` windows are kept.
    pub(crate) fn new(max_open: usize) -> Self {
        Groups { max_open, ids: 0, open: HashMap::default(), fresh: Vec::new(), next_end: i64::MAX, shed: 0 }
    }

    /// Takes the event in `row` for a rule.
    pub(crate) fn add(&mut self, rule: usize, grouping: Grouping, sightings: &Sightings, row: usize) {
        let (window, ends) = bounds(sightings.time(row), grouping.length);
        let key = KeyRef { rule, window, principal: sightings.principal(row), account: sightings.account(row) };
        if let Some(open) = self.open.get_mut(&key) {
            let more = open.burst.absorb(sightings, row, self.ids < MAX_IDS_TOGETHER);
            self.ids += usize::from(more);
            return;
        }
        let room = if grouping.quiet { self.max_open.div_ceil(2) } else { self.max_open };
        if self.open.len() >= room {
            self.shed += 1;
            return;
        }
        let key = Key { rule, window, principal: key.principal.to_owned(), account: key.account.to_owned() };
        self.put(key, Open { ends, burst: Burst::new(sightings.read(row)), told: 0 });
    }

    /// Takes a window, new or kept from an earlier run.
    pub(crate) fn put(&mut self, key: Key, open: Open) {
        if open.told == 0 {
            self.fresh.push(key.clone());
        }
        self.next_end = self.next_end.min(open.ends);
        self.ids += open.burst.ids().saturating_sub(1);
        self.open.insert(key, Box::new(open));
    }

    /// Whether there are windows that nobody was told of.
    pub(crate) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Every window that may still grow, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Open)> {
        self.open.iter().map(|(key, open)| (key, open.as_ref()))
    }

    /// Windows that nobody was told of, as they are now.
    pub(crate) fn tell(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        for key in std::mem::take(&mut self.fresh) {
            if let Some(open) = self.open.get_mut(&key).filter(|open| open.told == 0) {
                open.told = open.burst.count;
                told.push(Told { rule: key.rule, window: key.window, burst: open.burst.clone(), update: false });
            }
        }
        // What was told need not be kept: should more of it come, it opens again under the same identity. Room is for
        // what nobody has heard of.
        if self.open.len() > self.max_open / 2 {
            told.extend(self.close(|open| open.told > 0));
        }
        told
    }

    /// Ends the windows that no event can reach any more, because none before `until` will come.
    pub(crate) fn seal(&mut self, until: i64) -> Vec<Told> {
        if until < self.next_end {
            return Vec::new();
        }
        let closed = self.close(|open| open.ends <= until);
        self.next_end = self.open.values().map(|open| open.ends).min().unwrap_or(i64::MAX);
        closed
    }

    /// Ends all of them.
    pub(crate) fn finish(&mut self) -> Vec<Told> {
        self.close(|_| true)
    }

    /// Takes windows out; those that grew since they were told, or were not told, are given.
    fn close(&mut self, which: impl Fn(&Open) -> bool) -> Vec<Told> {
        let mut closed = Vec::new();
        for (key, open) in self.open.extract_if(|_, open| which(open)) {
            self.ids = self.ids.saturating_sub(open.burst.ids().saturating_sub(1));
            if open.told < open.burst.count {
                let update = open.told > 0;
                closed.push(Told { rule: key.rule, window: key.window, burst: open.burst, update });
            }
        }
        closed
    }
}

/// When the window of a time begins and ends.
fn bounds(time: i64, length: i64) -> (i64, i64) {
    if time == UNTIMED {
        return (UNTIMED, i64::MAX);
    }
    let length = length.max(1);
    let window = time.saturating_sub(time.rem_euclid(length));
    (window, window.saturating_add(length))
}
