//! One place of AWS', listed on a thread of its own: whatever does not answer keeps no other place from being read, no alert from
//! being told, and no end from coming.

use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use ::ingest::pipeline::Ledger;
use ::ingest::source::{Input, Listed};
use chrono::{DateTime, TimeDelta, Utc};

use super::have::Have;
use super::{Options, order};
use crate::cli::Global;
use crate::config::account::Account;
use crate::intake::{Intake, Reach};
use crate::outcome::Failure;
use crate::remote::Live;
use crate::render::words::Words;
use crate::stop::Stop;

/// `LookupEvents` shows events within this time, mostly ("may take up to 15 minutes", CloudTrail user guide).
const LOOKUP_DELAY: TimeDelta = TimeDelta::minutes(60);
/// So long nobody is surprised that a listing has not ended.
const PATIENCE: Duration = Duration::from_secs(30);
/// After a failure a place is listed again after this, then after twice as long, but never after more than a minute.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A listing that left something out is made again after this.
const SOON: Duration = Duration::from_millis(500);

/// What every listing needs.
pub(super) struct Way {
    pub(super) options: Options,
    pub(super) global: Global,
    pub(super) words: Words,
    pub(super) have: Arc<Have>,
    pub(super) stop: Stop,
    pub(super) live: Live,
    /// Objects of one listing that are remembered: the oldest.
    pub(super) most: usize,
}

/// What is listed.
#[derive(Debug, Clone)]
pub(super) enum What {
    Place(PathBuf),
    Account(Account),
}

impl What {
    fn name(&self) -> String {
        match self {
            What::Place(place) => place.display().to_string(),
            What::Account(account) => format!("account {}", account.name),
        }
    }
}

/// What a listing found.
#[derive(Default)]
pub(super) struct Found {
    /// What is to be read, oldest first.
    pub(super) objects: Vec<Listed>,
    /// Objects that need not be read.
    pub(super) known: u64,
    /// What of it could not be listed, and why: the first.
    pub(super) refused: Option<String>,
    more: bool,
    /// Up to when `LookupEvents` has been asked, where nothing new came of it.
    looked_up: Option<DateTime<Utc>>,
}

/// A place that is listed again and again.
pub(super) struct Lister {
    what: What,
    name: String,
    answer: Option<Receiver<Result<Found, Failure>>>,
    asked: Instant,
    next: Instant,
    failures: u32,
    /// Whether it has answered since the beginning.
    has_answered: bool,
    more: bool,
    looked_up: Option<DateTime<Utc>>,
}

impl Lister {
    pub(super) fn new(what: What) -> Lister {
        let now = Instant::now();
        let name = what.name();
        let (answer, has_answered, more, looked_up) = Default::default();
        Lister { what, name, answer, asked: now, next: now, failures: 0, has_answered, more, looked_up }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Begins a listing, where it is time for one and none is under way.
    pub(super) fn ask(&mut self, way: &Arc<Way>) {
        if self.answer.is_some() || Instant::now() < self.next {
            return;
        }
        let (sender, answer) = sync_channel(1);
        let (way, what, looked_up) = (way.clone(), self.what.clone(), self.looked_up);
        let work = move || {
            // Whoever asked may be gone.
            let _ = sender.send(list(&way, &what, looked_up));
        };
        self.asked = Instant::now();
        match std::thread::Builder::new().name("trailhound-list".to_owned()).spawn(work) {
            Ok(_) => self.answer = Some(answer),
            Err(error) => {
                tracing::warn!(place = self.name, %error, "no thread to list with");
                self.next = Instant::now() + PAUSE_MAX;
            }
        }
    }

    /// What came of the listing, if it has ended.
    pub(super) fn answer(&mut self, poll: Duration) -> Option<Result<Found, Failure>> {
        let answer = match self.answer.as_ref()?.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => {
                Err(Failure::Io(format!("{}: internal error: the listing stopped", self.name)))
            }
        };
        (self.answer, self.has_answered) = (None, true);
        let pause = match &answer {
            Ok(found) => {
                (self.failures, self.more) = (0, found.more);
                self.looked_up = found.looked_up.or(self.looked_up);
                if found.more { poll.min(SOON) } else { poll }
            }
            Err(_) => {
                self.failures += 1;
                self.more = false;
                PAUSE.saturating_mul(1 << self.failures.min(6)).min(PAUSE_MAX)
            }
        };
        self.next = Instant::now() + pause;
        Some(answer)
    }

    /// Whether everything that there was has been found.
    pub(super) fn is_done(&self) -> bool {
        self.answer.is_none() && self.has_answered && !self.more
    }

    /// Whether others had better wait for it, to be read in the order of their times: not for ever.
    pub(super) fn is_awaited(&self, patience: Duration) -> bool {
        !self.has_answered && self.asked.elapsed() < patience
    }

    /// Whether it has not answered for so long that somebody should know.
    pub(super) fn is_away(&self) -> bool {
        self.answer.is_some() && self.asked.elapsed() > PATIENCE
    }

    /// When it is worth a look.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        if self.answer.is_some() { SOON } else { self.next.saturating_duration_since(now) }
    }
}

/// Lists a place once.
fn list(way: &Way, what: &What, looked_up: Option<DateTime<Utc>>) -> Result<Found, Failure> {
    let now = Utc::now();
    let options = &way.options;
    let mut source = options.source.clone();
    if source.start_time.is_none() {
        let since = looked_up.map(|until| until - LOOKUP_DELAY);
        source.start_time = since.or_else(|| now.checked_sub_signed(options.look_back));
    }
    let (places, accounts) = match what {
        What::Place(place) => (vec![place.clone()], Vec::new()),
        What::Account(account) => (Vec::new(), vec![account.clone()]),
    };
    let live = Some((&way.live, what.name()));
    let reach = Reach { source: &source, aws: &options.aws, accounts: &accounts, queue: true, live };
    let intake = Intake::open(&places, &reach, options.limits, &way.global, way.words)?;
    intake.buckets.connections().for_each(|connection| way.stop.halts(connection));
    let mut oldest = Oldest::new(way.most);
    let mut found = Found::default();
    for listed in intake.sources.walk() {
        if let Err((name, why)) = &listed {
            found.refused.get_or_insert_with(|| format!("{name}: {why}"));
        }
        match &listed {
            Ok(input) if way.have.holds(input) => found.known += 1,
            Ok(Input { name, .. }) | Err((name, _)) if way.have.rests(name) => {}
            _ => oldest.add(listed),
        }
    }
    (found.objects, found.more) = oldest.end();
    found.looked_up = (intake.buckets.lookup && found.objects.is_empty()).then_some(now);
    Ok(found)
}

/// The oldest of many objects.
pub(super) struct Oldest {
    heap: BinaryHeap<Timed>,
    most: usize,
    more: bool,
}

impl Oldest {
    pub(super) fn new(most: usize) -> Oldest {
        Oldest { heap: BinaryHeap::new(), most, more: false }
    }

    pub(super) fn add(&mut self, listed: Listed) {
        self.heap.push(Timed(order::rank(&listed), listed));
        if self.heap.len() > self.most {
            self.heap.pop();
            self.more = true;
        }
    }

    /// They, in order, and whether there were more.
    pub(super) fn end(self) -> (Vec<Listed>, bool) {
        (self.heap.into_sorted_vec().into_iter().map(|timed| timed.1).collect(), self.more)
    }
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
