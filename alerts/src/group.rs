//! Events of one rule to alerts: one alert a burst.
//!
//! Events of the same rule, principal and account belong to one alert as long as no gap between them is longer than
//! the window. Bursts are kept as intervals that grow together when an event falls between them, so the order of
//! arrival does not matter; what an alert shows of its events are the smallest of each list, so it does not matter
//! there either. Knows no rules: it is told their number.

use hashbrown::{Equivalent, HashMap};

use crate::shown::Shown;
use crate::sighting::{Sighting, Sightings};

/// Most ids of events that one alert names, the earliest.
const MAX_IDS: usize = 10_000;
/// Most ids that all alerts name together: about 100 MB.
const MAX_IDS_TOGETHER: usize = 1_000_000;

/// Events of a rule by one principal that followed one another.
#[derive(Debug, Clone)]
pub(crate) struct Burst {
    /// The earliest event.
    pub(crate) first: Sighting,
    /// Time of the latest.
    pub(crate) last: i64,
    /// Number of events.
    pub(crate) count: u64,
    /// The earliest events: time and id.
    pub(crate) ids: Shown<(i64, String), MAX_IDS>,
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

impl Burst {
    /// A burst of one event.
    pub(crate) fn new(sighting: Sighting) -> Self {
        let set = |text: &String| if text.is_empty() { Shown::none() } else { Shown::one(text.clone()) };
        Burst {
            last: sighting.time,
            count: 1,
            ids: Shown::one((sighting.time, sighting.event_id.clone())),
            regions: set(&sighting.region),
            addresses: set(&sighting.address),
            agents: set(&sighting.agent),
            what: set(&sighting.what),
            errors: set(&sighting.error),
            first: sighting,
        }
    }

    /// Takes another burst in. Commutative and associative.
    pub(crate) fn merge(&mut self, other: Burst) {
        self.last = self.last.max(other.last);
        self.count += other.count;
        if other.first < self.first {
            self.first = other.first;
        }
        self.ids.merge(other.ids);
        self.regions.merge(other.regions);
        self.addresses.merge(other.addresses);
        self.agents.merge(other.agents);
        self.what.merge(other.what);
        self.errors.merge(other.errors);
    }

    /// Takes another event in. Same result as [`Burst::merge`] with a burst of it.
    pub(crate) fn add(&mut self, event: &Sighting) {
        self.last = self.last.max(event.time);
        self.count += 1;
        if *event < self.first {
            self.first = event.clone();
        }
        let key = (event.time, event.event_id.as_str());
        self.ids.note_by(true, |(time, id)| (*time, id.as_str()).cmp(&key), || (event.time, event.event_id.clone()));
        note(&mut self.regions, &event.region);
        note(&mut self.addresses, &event.address);
        note(&mut self.agents, &event.agent);
        note(&mut self.what, &event.what);
        note(&mut self.errors, &event.error);
    }

    /// Takes in the event of a row, without copying what is known already. Same result as [`Burst::merge`]. Without
    /// `room` the list of ids does not grow; true if it did.
    fn absorb(&mut self, sightings: &Sightings, row: usize, room: bool) -> bool {
        let time = sightings.time(row);
        self.last = self.last.max(time);
        self.count += 1;
        let event_id = sightings.event_id(row);
        if (time, event_id) <= (self.first.time, self.first.event_id.as_str()) {
            let sighting = sightings.read(row);
            if sighting < self.first {
                self.first = sighting;
            }
        }
        let key = (time, event_id);
        let more = self.ids.note_by(room, |(t, id)| (*t, id.as_str()).cmp(&key), || (time, event_id.to_owned()));
        note(&mut self.regions, sightings.region(row));
        note(&mut self.addresses, sightings.address(row));
        note(&mut self.agents, sightings.agent(row));
        note(&mut self.errors, sightings.error(row));
        sightings.with_what(row, |what| note(&mut self.what, what));
        more
    }
}

fn note(shown: &mut Shown<String>, text: &str) {
    if !text.is_empty() {
        shown.note(text, || text.to_owned());
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    rule: usize,
    principal: String,
    account: String,
}

#[derive(Hash)]
struct KeyRef<'a> {
    rule: usize,
    principal: &'a str,
    account: &'a str,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.rule == key.rule && self.principal == key.principal && self.account == key.account
    }
}

/// All bursts so far.
#[derive(Debug)]
pub(crate) struct Groups {
    window: i64,
    max_bursts: usize,
    bursts: usize,
    ids: usize,
    by_key: HashMap<Key, Vec<Burst>, ahash::RandomState>,
    /// Events that were not kept, because there were too many bursts.
    pub(crate) shed: u64,
}

impl Groups {
    /// Bursts end after `window` microseconds without an event; at most `max_bursts` are kept.
    pub(crate) fn new(window: i64, max_bursts: usize) -> Self {
        Groups { window, max_bursts, bursts: 0, ids: 0, by_key: HashMap::default(), shed: 0 }
    }

    /// Takes the event in `row` for a rule.
    pub(crate) fn add(&mut self, rule: usize, sightings: &Sightings, row: usize) {
        let key = KeyRef { rule, principal: sightings.principal(row), account: sightings.account(row) };
        if let Some(bursts) = self.by_key.get_mut(&key) {
            let touched = touching(bursts, sightings.time(row), sightings.time(row), self.window);
            if let [burst] = &mut bursts[touched] {
                let more = burst.absorb(sightings, row, self.ids < MAX_IDS_TOGETHER);
                self.ids += usize::from(more);
                return;
            }
            let new = Burst::new(sightings.read(row));
            let before = bursts.len();
            let full = self.bursts >= self.max_bursts;
            if !insert(bursts, new, self.window, full) {
                self.shed += 1;
            }
            self.bursts = self.bursts + bursts.len() - before;
            return;
        }
        if self.bursts >= self.max_bursts {
            self.shed += 1;
            return;
        }
        let key = Key { rule, principal: key.principal.to_owned(), account: key.account.to_owned() };
        self.by_key.insert(key, vec![Burst::new(sightings.read(row))]);
        self.bursts += 1;
    }

    /// Every burst with the number of its rule, in no particular order.
    pub(crate) fn finish(self) -> impl Iterator<Item = (usize, Burst)> {
        self.by_key.into_iter().flat_map(|(key, bursts)| bursts.into_iter().map(move |burst| (key.rule, burst)))
    }
}

/// Puts a burst in its place among bursts in order of time; false if it was shed.
fn insert(bursts: &mut Vec<Burst>, new: Burst, window: i64, full: bool) -> bool {
    let touched = touching(bursts, new.first.time, new.last, window);
    if touched.is_empty() && full {
        return false;
    }
    let at = touched.start;
    let mut merged = new;
    for burst in bursts.drain(touched) {
        merged.merge(burst);
    }
    bursts.insert(at, merged);
    true
}

/// The bursts that an interval touches: they are next to each other. Empty at its place if there are none.
fn touching(bursts: &[Burst], first: i64, last: i64, window: i64) -> std::ops::Range<usize> {
    let from = bursts.partition_point(|b| b.last.saturating_add(window) < first);
    let to = bursts.partition_point(|b| b.first.time.saturating_sub(window) <= last);
    from..to.max(from)
}
