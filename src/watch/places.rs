//! Folders, buckets and `lookup:`, listed again and again: the oldest objects that are not in the lake yet.

use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use ::ingest::pipeline::Ledger;
use ::ingest::source::{Input, Listed, Place};
use chrono::{TimeDelta, Utc};

use super::have::Have;
use super::order;
use super::{Options, families::OBJECTS, metrics::Metrics};
use crate::cli::Global;
use crate::intake::{Intake, Reach};
use crate::outcome::Failure;
use crate::render::words::Words;

/// Objects of one listing that are remembered; the oldest, and the next listing finds the others.
const LISTED_MAX: usize = 100_000;
/// Objects of one turn.
const TURN_OBJECTS: usize = 4_000;
/// A file that was written so lately may still be written to.
const SETTLED_MICROS: i64 = 1_000_000;
/// `LookupEvents` shows events within this time, mostly ("may take up to 15 minutes", CloudTrail user guide).
const LOOKUP_DELAY: TimeDelta = TimeDelta::minutes(60);

/// Places that are listed.
pub(super) struct Places<'a> {
    options: &'a Options,
    global: &'a Global,
    words: Words,
    pending: VecDeque<Listed>,
    next: Instant,
    /// Whether the last listing left something out; so does one that was not made yet.
    more: bool,
    /// Up to when `LookupEvents` has been asked.
    looked_up: Option<chrono::DateTime<Utc>>,
}

/// An object in the order of a listing's time.
struct Timed(order::Rank, Listed);

impl PartialEq for Timed {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Timed {}

impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl<'a> Places<'a> {
    pub(super) fn new(options: &'a Options, global: &'a Global, words: Words) -> Places<'a> {
        let (pending, next) = (VecDeque::new(), Instant::now());
        Places { options, global, words, pending, next, more: options.lists(), looked_up: None }
    }

    /// Whether everything has been taken that the last listing found, and it found everything.
    pub(super) fn are_empty(&self) -> bool {
        self.pending.is_empty() && !self.more
    }

    /// Objects for one turn, oldest first. None where nothing is to be read now.
    ///
    /// # Errors
    /// A place cannot be listed at all.
    pub(super) fn take(&mut self, have: &Have, metrics: &Metrics) -> Result<Vec<Listed>, Failure> {
        if !self.options.lists() {
            return Ok(Vec::new());
        }
        if self.pending.is_empty() && Instant::now() >= self.next {
            self.list(have, metrics)?;
        }
        let count = self.pending.len().min(TURN_OBJECTS);
        Ok(self.pending.drain(..count).collect())
    }

    /// How long nobody need ask again.
    pub(super) fn wait(&self) -> Option<Duration> {
        if !self.options.lists() {
            return None;
        }
        if !self.pending.is_empty() {
            return Some(Duration::ZERO);
        }
        Some(self.next.saturating_duration_since(Instant::now()))
    }

    fn list(&mut self, have: &Have, metrics: &Metrics) -> Result<(), Failure> {
        let now = Utc::now();
        let mut source = self.options.source.clone();
        if source.start_time.is_none() && self.options.is_remote() {
            let since = self.looked_up.map(|until| until - LOOKUP_DELAY);
            source.start_time = since.or_else(|| now.checked_sub_signed(self.options.look_back));
        }
        let accounts = &self.options.accounts;
        let reach = Reach { source: &source, aws: &self.options.aws, accounts, queue: true };
        let intake = Intake::open(&self.options.places, &reach, self.options.limits, self.global, self.words)?;
        let before = now.timestamp_micros().saturating_sub(SETTLED_MICROS);
        // Whoever says that it ends says that files are whole.
        let young = |input: &Input| {
            !self.options.once
                && matches!(input.place, Place::File(_))
                && input.modified.is_some_and(|modified| modified > before)
        };
        let mut oldest: BinaryHeap<Timed> = BinaryHeap::new();
        let (mut known, mut more) = (0_u64, false);
        for listed in intake.sources.walk() {
            let name = match &listed {
                Ok(input) if have.holds(input) => {
                    known += 1;
                    continue;
                }
                Ok(input) if young(input) => {
                    more = true;
                    continue;
                }
                Ok(input) => &input.name,
                Err((name, _)) => name,
            };
            if have.rests(name) {
                continue;
            }
            oldest.push(Timed(order::rank(&listed), listed));
            if oldest.len() > LISTED_MAX {
                oldest.pop();
                more = true;
            }
        }
        self.pending = oldest.into_sorted_vec().into_iter().map(|timed| timed.1).collect();
        self.more = more;
        metrics.set(OBJECTS, &[("result", "known")], known as f64);
        if intake.buckets.lookup && self.pending.is_empty() {
            self.looked_up = Some(now);
        }
        let pause = if more { self.options.poll.min(Duration::from_millis(500)) } else { self.options.poll };
        self.next = Instant::now() + pause;
        Ok(())
    }
}
