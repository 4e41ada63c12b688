//! Events to alerts: the rules, and what they know; the way into the outbox is [`super::telling`]'s.
//!
//! The engine is that of `alerts`, fed the same batches, so what is told live is what a batch tells. An alert is safe when it
//! is in the outbox, and nothing that led to it is committed before.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ::alerts::{Alert, Engine, MAX_AHEAD_MICROS};
use ::deliver::fault;
use arrow::array::RecordBatch;

use super::families::{EVENT_AT, RELOADS, RULES, RULES_REFUSED, SHED, SHEDS};
use super::metrics::Metrics;
use super::reload::Book;
use super::rows;
use super::telling::Telling;
use crate::outcome::Failure;

/// Runs the rules and hands over what they find.
pub(super) struct Judge<'a> {
    engine: Engine,
    /// Alerts that a run which died has noted, with the number of their events: found again they are no news.
    found: HashMap<String, u64>,
    telling: &'a Telling,
    metrics: &'a Metrics,
    /// Rows of the table `alerts` that are not handed over yet.
    steps: Vec<RecordBatch>,
    /// Time of the latest event that is not dated ahead, microseconds.
    latest: Option<i64>,
    lateness: i64,
    /// What limits kept from alerts, as it was counted last: what the lake remembers of earlier processes was told by them.
    shed: [u64; 4],
    /// The same as it was said last, and when.
    shed_told: (Option<Instant>, [u64; 4]),
}

/// How often it is said.
const SHED_EVERY: Duration = Duration::from_secs(600);

/// A clock before every event.
const NEVER: i64 = i64::MIN / 2;
/// A log whose latest event is older is none that grows.
const LIVE_MICROS: i64 = 24 * 3_600 * 1_000_000;

impl<'a> Judge<'a> {
    /// `found` are alerts that an earlier run found and of which no row stands yet.
    pub(super) fn open(
        book: &Book,
        (engine, refused): (Engine, usize),
        found: HashMap<String, u64>,
        telling: &'a Telling,
        metrics: &'a Metrics,
    ) -> Judge<'a> {
        telling.know(&book.known);
        metrics.set(RULES, &[], engine.rules().len() as f64);
        metrics.set(RULES_REFUSED, &[], refused as f64);
        let shed = shed(&engine);
        Judge {
            engine,
            found,
            telling,
            metrics,
            steps: Vec::new(),
            latest: None,
            lateness: book.lateness(),
            shed,
            shed_told: (None, shed),
        }
    }

    /// Goes on with other rules; those that are the same go on knowing what they know.
    pub(super) fn change(&mut self, book: &Book) {
        let (mut engine, _) = book.engine();
        match self.engine.snapshot() {
            Ok(state) => restore(&mut engine, &state),
            Err(error) => tracing::warn!(%error, "the rules begin anew: what they knew could not be kept"),
        }
        self.engine = engine;
        self.telling.know(&book.known);
        self.metrics.add(RELOADS, &[("result", "ok")], 1);
        self.metrics.set(RULES, &[], self.engine.rules().len() as f64);
        self.metrics.set(RULES_REFUSED, &[], 0.0);
    }

    /// Holds judgement about several events back while old ones may still come in any order, or lets it go on.
    pub(super) fn hold(&mut self, held: bool) {
        match held {
            true => self.engine.clock(NEVER),
            false => self.engine.clock(::deliver::now()),
        }
        if let (false, Some(latest)) = (held, self.latest) {
            self.pass(latest.min(::deliver::now()));
        }
    }

    /// The log has fallen silent: what waits for later events need not wait for ever. Nothing is done for a log of long ago
    /// that is played.
    pub(super) fn silent(&mut self) {
        let now = ::deliver::now();
        if self.latest.is_some_and(|latest| now.saturating_sub(latest) < LIVE_MICROS) {
            self.pass(now);
        }
    }

    /// As if an event of this time had been seen.
    fn pass(&mut self, time: i64) {
        self.engine.advance(time.saturating_sub(self.lateness));
    }

    /// Takes the events of a batch.
    pub(super) fn observe(&mut self, batch: &RecordBatch) {
        fault::point("watch.match.before");
        self.engine.observe(batch);
        fault::point("watch.match.after");
        self.latest = self.latest.max(latest(batch, ::deliver::now().saturating_add(MAX_AHEAD_MICROS)));
    }

    /// Tells what is final. `sent` is when the oldest message behind it came, in microseconds.
    ///
    /// # Errors
    /// The outbox cannot take it: then nothing of it may be committed.
    pub(super) fn tell(&mut self, sent: Option<i64>) -> Result<(), Failure> {
        let news = self.engine.drain();
        self.hand_over(news.alerts, &news.updates, sent)
    }

    /// Tells what the rules say if nothing more comes, and goes on as if nobody had asked.
    ///
    /// # Errors
    /// As [`Judge::tell`].
    pub(super) fn tell_all(&mut self, book: &Book) -> Result<(), Failure> {
        self.tell(None)?;
        let state = self.engine.snapshot().map_err(|error| Failure::Io(format!("the rules' state: {error}")))?;
        let (mut engine, _) = book.engine();
        restore(&mut engine, &state);
        let found = std::mem::replace(&mut self.engine, engine).finish();
        self.hand_over(found.alerts, &found.updates, None)
    }

    /// An alert that was told before and is whole now has new figures in the lake; nobody is woken for it again.
    fn hand_over(&mut self, alerts: Vec<Alert>, updates: &[Alert], sent: Option<i64>) -> Result<(), Failure> {
        if !updates.is_empty() {
            self.steps.push(rows::known(updates, "updated", ::deliver::now()));
        }
        if alerts.is_empty() {
            return Ok(());
        }
        // Found before: new figures, if it is not just what a process that died has noted.
        let grown = |alert: &Alert| self.found.get(&alert.fingerprint).is_none_or(|count| *count < alert.count);
        let steps = self.telling.tell(alerts, sent, &grown)?;
        fault::point("watch.accepted");
        self.steps.extend(steps);
        Ok(())
    }

    /// Rows for the table `alerts` since the last time.
    pub(super) fn steps(&mut self) -> Vec<RecordBatch> {
        std::mem::take(&mut self.steps)
    }

    /// What the rules know now.
    ///
    /// # Errors
    /// It cannot be written down.
    pub(super) fn state(&mut self) -> Result<Vec<u8>, Failure> {
        if let Some(latest) = self.latest {
            self.metrics.set(EVENT_AT, &[], latest as f64 / 1e6);
        }
        self.tell_shed();
        self.engine.snapshot().map_err(|error| Failure::Io(format!("the rules' state: {error}")))
    }
}

impl Judge<'_> {
    /// What limits kept from alerts: in the metrics, and in the log where it has grown, now and then.
    fn tell_shed(&mut self) {
        let counts = shed(&self.engine);
        let (told_at, told) = self.shed_told;
        let is_due = told_at.is_none_or(|at| at.elapsed() > SHED_EVERY);
        for (place, (what, said)) in SHEDS.into_iter().enumerate() {
            let at = |counts: [u64; 4]| counts.get(place).copied().unwrap_or_default();
            self.metrics.add(SHED, &[("what", what)], at(counts).saturating_sub(at(self.shed)));
            let count = at(counts).saturating_sub(at(told));
            if is_due && count > 0 {
                tracing::warn!(count, "{said}");
            }
        }
        self.shed = counts;
        if is_due && counts != told {
            self.shed_told = (Some(Instant::now()), counts);
        }
    }
}

/// What limits kept from alerts so far, in the order of [`SHEDS`].
fn shed(engine: &Engine) -> [u64; 4] {
    let counters = engine.counters();
    [counters.shed_matches, counters.shed_correlated, counters.late_correlated, counters.shed_remembered]
}

/// Lets rules know what they knew when the state was taken.
pub(super) fn restore(engine: &mut Engine, state: &[u8]) {
    match engine.restore(state) {
        Ok(anew) if anew.is_empty() => {}
        Ok(anew) => tracing::info!(rules = anew.join(", "), "these rules are new or changed and begin anew"),
        Err(error) => tracing::warn!(%error, "the rules begin anew: what they knew cannot be used"),
    }
}

/// The latest time in a batch that is believed: an event of next year would make all others late.
fn latest(batch: &RecordBatch, until: i64) -> Option<i64> {
    let times = ::ingest::batch::timestamp(batch, "eventtime")?;
    times.iter().flatten().filter(|time| *time <= until).max()
}
