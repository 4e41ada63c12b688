//! The fold over one batch: events to groups, on dictionary codes.
//!
//! Per event the work is a few hashes of small numbers and some comparisons. Texts are looked at once a group
//! (principal, call, region, outcome), except for the two corrections that only the event itself can tell (see
//! [`crate::evidence`]). `flush` then adds the groups to the table.

mod said;

use std::collections::{HashMap, HashSet};

use ahash::RandomState;
use arrow::array::{Array, RecordBatch, TimestampMicrosecondArray};
use ingest::batch;

use super::assumed::{self, Assumed};
use super::call::Call;
use super::codes::{BITS, Codes, MAX_ROWS};
use super::columns::Columns;
use super::more::More;
use super::principal::Kind;
use super::{LastUsed, Names};
use crate::instant;

/// What became of a call, as the `outcome` column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    Denied,
    Error,
}

/// Events of one principal, call, region and outcome.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) principal: u32,
    pub(super) call: u32,
    pub(super) region: u32,
    pub(super) outcome: Outcome,
    /// 1 + the number of the actions that the events name instead of the call's, or 0.
    pub(super) variant: u32,
    /// Whether every event must be asked for a variant.
    ask: bool,
    /// Whether every event's request must be asked for more actions.
    ask_more: bool,
    /// Whether the call is a data event.
    data: bool,
    /// Whether a role was assumed.
    assumes: bool,
    pub(super) first: i64,
    pub(super) last: i64,
    /// Row of the last event; of several at one time, that of the greatest source address.
    pub(super) last_row: usize,
    pub(super) count: u64,
    /// Kinds of identity, as bits.
    pub(super) kinds: u16,
}

/// Requests signed with one access key.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyUse {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) principal: u32,
    pub(super) count: u64,
}

/// Account and region (codes) and day of events.
pub(super) type Place = (u32, u32, i32);

/// A chunk's groups while they grow.
#[derive(Debug)]
pub(super) struct Chunk<'a> {
    columns: &'a Columns,
    times: &'a TimestampMicrosecondArray,
    pub(super) principals: Codes<'a>,
    event_sources: Codes<'a>,
    event_names: Codes<'a>,
    event_types: Codes<'a>,
    pub(super) regions: Codes<'a>,
    outcomes: Codes<'a>,
    /// Outcome by code.
    outcome_of: Vec<Outcome>,
    pub(super) accounts: Codes<'a>,
    pub(super) actor_names: Codes<'a>,
    pub(super) groups: Vec<Group>,
    group_ids: HashMap<u128, u32, RandomState>,
    pub(super) calls: Vec<Call>,
    call_ids: HashMap<u64, u32, RandomState>,
    /// Actions that events name instead of their call's, with a space between them: an action has none.
    pub(super) variants: Names,
    /// What events asked for besides.
    pub(super) more: More,
    /// Principal and actor → last time.
    pub(super) actors: HashMap<(u32, u32), i64, RandomState>,
    /// The place of the event before, and what was counted there since: first, last, events.
    place: Place,
    at_place: (i64, i64, u64),
    /// Place → first, last, events.
    pub(super) places: HashMap<Place, (i64, i64, u64), RandomState>,
    pub(super) keys: HashMap<&'a str, KeyUse, RandomState>,
    /// Roles that were assumed.
    pub(super) assumed: Assumed<&'a str>,
    /// Account and call of data events.
    pub(super) data_events: HashSet<(u32, u32), RandomState>,
    pub(super) without_time: u64,
}

impl LastUsed {
    /// Folds a batch of events into the table.
    pub fn observe(&mut self, batch: &RecordBatch) {
        let mut at = 0;
        while at < batch.num_rows() {
            let rows = MAX_ROWS.min(batch.num_rows() - at);
            self.observe_chunk(&batch.slice(at, rows));
            at += rows;
        }
    }

    fn observe_chunk(&mut self, batch: &RecordBatch) {
        let rows = batch.num_rows();
        self.totals.events += rows as u64;
        let Some(times) = batch::timestamp(batch, "eventtime") else {
            self.totals.without_time += rows as u64;
            return;
        };
        let columns = Columns::new(batch);
        let mut chunk = Chunk::new(&columns, &times, rows);
        for row in 0..rows {
            chunk.event(row);
        }
        chunk.leave_place();
        chunk.flush(self);
    }
}

impl<'a> Chunk<'a> {
    fn new(columns: &'a Columns, times: &'a TimestampMicrosecondArray, rows: usize) -> Self {
        let outcomes = Codes::new(&columns.outcome, rows);
        let outcome_of = outcomes.values().map(|text| match text {
            Some("denied") => Outcome::Denied,
            Some("error") => Outcome::Error,
            _ => Outcome::Ok,
        });
        Chunk {
            outcome_of: outcome_of.collect(),
            columns,
            times,
            principals: Codes::new(&columns.principal, rows),
            event_sources: Codes::new(&columns.event_source, rows),
            event_names: Codes::new(&columns.event_name, rows),
            event_types: Codes::new(&columns.event_type, rows),
            regions: Codes::new(&columns.region, rows),
            outcomes,
            accounts: Codes::new(&columns.account, rows),
            actor_names: Codes::new(&columns.actor, rows),
            groups: Vec::new(),
            group_ids: HashMap::default(),
            calls: Vec::new(),
            call_ids: HashMap::default(),
            variants: Names::default(),
            more: More::default(),
            actors: HashMap::default(),
            place: (0, 0, i32::MIN),
            at_place: (0, 0, 0),
            places: HashMap::default(),
            keys: HashMap::default(),
            assumed: HashMap::default(),
            data_events: HashSet::default(),
            without_time: 0,
        }
    }

    fn event(&mut self, row: usize) {
        if self.times.is_null(row) {
            self.without_time += 1;
            return;
        }
        let time = self.times.value(row);
        let (principal, account) = (self.principals.code(row), self.accounts.code(row));
        let place = (account, self.regions.code(row), instant::day_of(time));
        // Objects hold one account, region and day each, so the place is mostly that of the event before.
        if place != self.place {
            self.leave_place();
            self.place = place;
            self.at_place = (time, time, 0);
        }
        let seen = self.at_place;
        self.at_place = (seen.0.min(time), seen.1.max(time), seen.2 + 1);

        let mut group = self.group(row, principal, 0);
        if self.groups.get(group).is_some_and(|found| found.ask) {
            let variant = self.variant(group, row);
            if variant != 0 {
                group = self.group(row, principal, variant);
            }
        }
        if self.groups.get(group).is_some_and(|found| found.ask_more) {
            self.add_more(group, row, time);
        }
        if let Some(found) = self.groups.get(group)
            && found.data
        {
            self.data_events.insert((account, found.call));
        }
        if self.groups.get(group).is_some_and(|found| found.assumes) {
            self.add_assumed(row, time);
        }
        self.add(group, row, time);
        self.add_key(row, principal, time);
        let actor = self.actor_names.code(row);
        if actor != 0 {
            let last = self.actors.entry((principal, actor)).or_insert(time);
            *last = time.max(*last);
        }
    }

    /// Adds what was counted at the current place to the map of places.
    fn leave_place(&mut self) {
        let (first, last, events) = self.at_place;
        if events > 0 {
            let seen = self.places.entry(self.place).or_insert((first, last, 0));
            *seen = (seen.0.min(first), seen.1.max(last), seen.2 + events);
        }
        self.at_place.2 = 0;
    }

    /// Index of the group that an event belongs to.
    fn group(&mut self, row: usize, principal: u32, variant: u32) -> usize {
        let outcome = self.outcomes.code(row) as usize;
        let outcome = self.outcome_of.get(outcome).copied().unwrap_or(Outcome::Ok);
        let region = self.regions.code(row);
        let (source, name) = (self.event_sources.code(row), self.event_names.code(row));
        let kind = self.event_types.code(row);
        let mut key = outcome as u128;
        for code in [principal, source, name, region, kind, variant] {
            key = key << BITS | u128::from(code);
        }
        if let Some(id) = self.group_ids.get(&key) {
            return *id as usize;
        }
        let call = self.call(source, name, kind);
        let found = self.calls.get(call as usize);
        let is_denied = outcome == Outcome::Denied;
        let ask = |found: &Call| !found.is_free() && (is_denied || found.has_versions);
        let id = self.groups.len();
        self.group_ids.insert(key, id as u32);
        self.groups.push(Group {
            principal,
            call,
            region,
            outcome,
            variant,
            ask: variant == 0 && found.is_some_and(ask),
            // A refusal that names its action tells nothing of others.
            ask_more: (variant == 0 || !is_denied) && found.is_some_and(|found| found.may_ask_more),
            data: found.is_some_and(|found| found.data_event.is_some()),
            assumes: outcome == Outcome::Ok && found.is_some_and(|found| found.assumes),
            first: i64::MAX,
            last: i64::MIN,
            last_row: row,
            count: 0,
            kinds: 0,
        });
        id
    }

    fn call(&mut self, source: u32, name: u32, kind: u32) -> u32 {
        let key = [source, name, kind].into_iter().fold(0, |key: u64, code| key << BITS | u64::from(code));
        if let Some(id) = self.call_ids.get(&key) {
            return *id;
        }
        let text = |codes: &Codes<'a>, code| codes.value(code).unwrap_or_default();
        let call =
            Call::new(text(&self.event_sources, source), text(&self.event_names, name), text(&self.event_types, kind));
        let id = self.calls.len() as u32;
        self.calls.push(call);
        self.call_ids.insert(key, id);
        id
    }

    fn add(&mut self, group: usize, row: usize, time: i64) {
        let kind = Kind::of_type(self.columns.identity_type.get(row));
        let Some(group) = self.groups.get_mut(group) else { return };
        group.first = group.first.min(time);
        group.count += 1;
        group.kinds |= kind.bit();
        let source = &self.columns.source;
        if time > group.last || (time == group.last && source.get(row) > source.get(group.last_row)) {
            group.last = time;
            group.last_row = row;
        }
    }

    fn add_key(&mut self, row: usize, principal: u32, time: i64) {
        let Some(key) = self.columns.access_key.get(row) else { return };
        // Temporary credentials: one key a session, so they say nothing that the principal does not.
        if key.is_empty() || key.starts_with("ASIA") || principal == 0 {
            return;
        }
        let once = KeyUse { first: time, last: i64::MIN, principal, count: 0 };
        let used = self.keys.entry(key).or_insert(once);
        used.first = used.first.min(time);
        used.count += 1;
        let owner = |code| self.principals.value(code);
        if time > used.last || (time == used.last && owner(principal) > owner(used.principal)) {
            used.last = time;
            used.principal = principal;
        }
    }

    fn add_assumed(&mut self, row: usize, time: i64) {
        if let Some(role) = self.columns.request.get(row).and_then(assumed::role) {
            let last = self.assumed.entry(role).or_insert(time);
            *last = time.max(*last);
        }
    }

    /// Source address of an event.
    pub(super) fn source(&self, row: usize) -> Option<&str> {
        self.columns.source.get(row)
    }
}
