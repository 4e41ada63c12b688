//! A scan's rows into the lake: each object once, each event once, in batches that stand whole or not at all.
//!
//! In the order of the work: what earlier runs hold of a day is told to [`Seen`] when the day first comes up
//! ([`prime`]); rows are staged as data files; when enough has come and every object is whole, the batch is committed
//! ([`commit`]). Knows the lake's tables. Must not know which folders or buckets the objects come from.

mod commit;
mod fold;
mod known;
mod prime;
mod refused;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use arrow::array::{Array, RecordBatch};
use ingest::batch;
use ingest::pipeline::Sink;
use ingest::reject::{Error as ScanError, ObjectTotals, Reason};
use ingest::seen::Seen;

use crate::coverage::Coverage;
use crate::days;
use crate::encode;
use crate::error::{Error, Result};
use crate::fault;
use crate::given_up::GivenUp;
use crate::lake::Lake;
use crate::rows::Object;
use crate::schema::EVENTS;
use crate::stage::{self, Stage};
use crate::state::State;
use crate::table::DataFile;
use crate::upkeep::repair::SetAside;

/// Rows after which a batch is committed, at the next whole object.
const BATCH_ROWS: usize = 2_000_000;
/// Objects after which a batch is committed: what the ledger's rows take in memory.
const BATCH_OBJECTS: usize = 100_000;
/// Parts of a batch that are made at a time.
const PARTS: usize = 256;
/// An event this far in the future is flagged: its sender's clock, or its sender, is wrong.
const FUTURE_MICROS: i64 = 3_600_000_000;

pub(crate) use known::{remember, without_known};
pub use prime::Prime;
pub(crate) use refused::Told;

/// Folds events into rows of `last_used`; the lake does not know how. A batch asks for them once.
pub trait LastUsed {
    /// Adds events.
    fn observe(&mut self, events: &RecordBatch);
    /// What else is known of these events, with the columns of [`crate::schema::activity`]; asked for before
    /// [`LastUsed::take`].
    fn activity(&mut self) -> RecordBatch {
        RecordBatch::new_empty(crate::schema::activity())
    }
    /// The rows of all events since the last time, with the columns of [`crate::schema::last_used`].
    fn take(&mut self) -> RecordBatch;
}

/// What an ingest did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Batches committed.
    pub commits: u64,
    /// Version of `events` after the last one.
    pub version: u64,
    /// Events whose time lies more than an hour in the future.
    pub future: u64,
    /// Rows that another writer committed while this one was at work: they count as duplicates, not as rows.
    pub lost_to_others: u64,
    /// Events of days that an expiry took away; they were left out, and count as duplicates of those.
    pub expired: u64,
    /// Rows that came back in a repair.
    pub repaired: u64,
    /// Objects whose text is not what it was when the lake read it first; only a repair looks.
    pub changed: Vec<String>,
}

/// Takes a scan's rows.
pub struct Ingest<'a> {
    lake: &'a mut Lake,
    stage: Stage,
    last_used: &'a mut dyn LastUsed,
    coverage: Coverage,
    objects: Vec<Object>,
    /// Rows and objects since the last commit.
    rows: u64,
    /// Files of `events` that this run has taken note of: others' new ones are told from them.
    known: BTreeSet<String>,
    /// Files of `events` that this run committed: their events are remembered since they came by.
    own: BTreeSet<String>,
    /// Days whose rows in the lake are remembered.
    primed: BTreeSet<Option<i32>>,
    /// The first day that is kept.
    keep: Option<i32>,
    /// Files of other writers, committed since their day was primed.
    unread: Vec<DataFile>,
    /// Damaged files whose rows come back. They were counted when they came first: only `events` gets them.
    repair: Option<SetAside>,
    /// Rows that come back without one.
    given_up: GivenUp,
    now: i64,
    outcome: Outcome,
    failure: Option<Error>,
    /// Rows of `alerts` for the next commit.
    alerts: Vec<RecordBatch>,
    /// What stands with the next commit.
    state: Option<State>,
}

impl<'a> Ingest<'a> {
    /// Begins an ingest with so many threads for encoding.
    ///
    /// # Errors
    /// The log cannot be read; no threads.
    pub fn begin(lake: &'a mut Lake, last_used: &'a mut dyn LastUsed, threads: usize) -> Result<Ingest<'a>> {
        fault::point("ingest.begin");
        let stage = Stage::start(lake.location(), lake.handle(), &lake.spec(EVENTS).schema, threads)?;
        let known = lake.files(EVENTS)?.into_iter().map(|file| file.path).collect();
        let keep = lake.kept_from()?;
        let given_up = lake.given_up()?;
        let outcome = Outcome { version: lake.version(), ..Outcome::default() };
        Ok(Ingest {
            lake,
            stage,
            last_used,
            coverage: Coverage::default(),
            objects: Vec::new(),
            rows: 0,
            known,
            own: BTreeSet::new(),
            primed: BTreeSet::new(),
            keep,
            unread: Vec::new(),
            repair: None,
            given_up,
            now: chrono::Utc::now().timestamp_micros(),
            outcome,
            failure: None,
            alerts: Vec::new(),
            state: None,
        })
    }

    /// For rows that were lost to damage: rows of the damaged files' days come back, in one commit in which those files
    /// leave. The other tables know of the rows already.
    pub fn repairing(mut self, aside: SetAside) -> Self {
        self.repair = Some(aside);
        self
    }

    fn damaged(&self) -> &[DataFile] {
        self.repair.as_ref().map_or(&[], |aside| &aside.damaged)
    }

    fn is_damaged(&self, file: &DataFile) -> bool {
        self.damaged().iter().any(|damaged| damaged.path == file.path)
    }

    /// Commits what is left.
    ///
    /// # Errors
    /// Whatever stopped the ingest, now or before. Batches committed before stand.
    pub fn end(mut self) -> Result<Outcome> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if let Some(aside) = self.repair.as_ref().filter(|aside| self.outcome.repaired < aside.rows) {
            let whole = self.objects.iter().map(|object| &object.totals).filter(|totals| totals.rejected == 0);
            let whole = whole.map(|totals| &totals.object).filter(|object| !self.outcome.changed.contains(object));
            let rows = aside.rows - self.outcome.repaired;
            self.lake.note_given_up(aside, &whole.map(String::as_str).collect(), rows)?;
        }
        let is_repair = self.repair.is_some();
        if is_repair {
            fault::point("repair.noted");
        }
        self.commit()?;
        if is_repair {
            fault::point("repair.removed");
        }
        fault::point("ingest.end");
        Ok(self.outcome)
    }

    /// Rows of the table `alerts`, which stand with the next commit.
    pub fn alerts(&mut self, rows: RecordBatch) {
        if rows.num_rows() > 0 {
            self.alerts.push(rows);
        }
    }

    /// Commits what there is now; objects must be whole. The state stands exactly when the rows do, and
    /// [`Lake::state`] gives it back. Where there is nothing to commit, nothing happens.
    ///
    /// # Errors
    /// What stopped it, now or before.
    pub fn checkpoint(&mut self, state: Option<State>) -> Result<()> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.state = state;
        self.commit()
    }

    /// What was done so far.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.outcome.future += future(batch, self.now);
        fold::fold(&self.given_up, &mut self.coverage, self.last_used, batch)?;
        let mut bytes = encode::memory(batch);
        let mut parts = days::split(batch).peekable();
        while parts.peek().is_some() {
            let some = parts.by_ref().take(PARTS).collect::<std::result::Result<Vec<_>, _>>();
            let mut some = some.map_err(Error::encode(EVENTS))?;
            if let Some(aside) = &self.repair {
                // Other days have what they had, but for what retention took, and that stays away.
                some.retain(|(day, _)| aside.damaged.iter().any(|file| file.event_date == *day));
                self.outcome.repaired += some.iter().map(|(_, part)| part.num_rows() as u64).sum::<u64>();
            }
            self.stage.rows(some, std::mem::take(&mut bytes))?;
        }
        Ok(())
    }

    fn flow(&mut self, result: Result<()>) -> ControlFlow<()> {
        match result {
            Ok(()) if !self.stage.has_failed() => ControlFlow::Continue(()),
            Ok(()) => {
                self.failure = self.failure.take().or(self.stage.finish().err());
                ControlFlow::Break(())
            }
            Err(error) => {
                self.failure = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

impl Sink for Ingest<'_> {
    fn before(&mut self, batch: &RecordBatch, seen: &mut Seen) -> std::result::Result<(), ScanError> {
        self.prime(batch, seen).map_err(|error| ScanError::Sink(Box::new(error)))
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        let result = self.take(&batch);
        self.flow(result)
    }

    fn object(&mut self, totals: &ObjectTotals) {
        fault::point("object.parsed");
        let times = self.coverage.times(&totals.object);
        let mut totals = totals.clone();
        // What could not be read is not in the lake: without its time the ledger does not hold it, and it is tried again.
        if totals.reasons.contains_key(&Reason::IoError) {
            totals.modified = None;
        }
        if let (Some(aside), Some(sha256)) = (&self.repair, totals.sha256)
            && aside.sums.get(&totals.object).is_some_and(|known| !known.contains(&stage::hex(&sha256)))
        {
            self.outcome.changed.push(totals.object.clone());
        }
        self.objects.push(Object { totals, times });
    }

    fn knows_nameless(&self) -> bool {
        true
    }

    fn whole(&mut self) -> ControlFlow<()> {
        let rows = fault::limit("TRAILHOUND_BATCH_ROWS", BATCH_ROWS) as u64;
        if self.repair.is_some() || (self.rows < rows && self.objects.len() < BATCH_OBJECTS) {
            return self.flow(Ok(()));
        }
        let result = self.commit();
        self.flow(result)
    }
}

/// Events more than an hour after `now`.
fn future(events: &RecordBatch, now: i64) -> u64 {
    let limit = now.saturating_add(FUTURE_MICROS);
    batch::timestamp(events, "eventtime").map_or(0, |times| {
        let valid = (0..times.len()).filter(|row| times.is_valid(*row));
        valid.filter(|row| times.value(*row) > limit).count() as u64
    })
}
