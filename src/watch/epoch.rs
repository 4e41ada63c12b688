//! From what is durable to an end or a failure: one way through, which a restart and a crash take alike.
//!
//! Opens the lake, gives the rules what they knew when the last commit stood, and then goes round: take, judge, hand over,
//! commit. Whatever fails, the next epoch begins with what stands.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use ::aws::{Batch, Deliveries, Queue};
use ::ingest::pipeline;
use ::ingest::seen::Seen;
use ::ingest::source::{Listed, Remote};
use lake::{Lake, Prime};

use super::families::{READY, WAITING_ROWS};
use super::have::Have;
use super::judge::Judge;
use super::keeper::{self, Keeper, Sender, Work};
use super::messages::{self, Asked, Messages};
use super::notes::Notes;
use super::places::Places;
use super::room::Room;
use super::turn::Turn;
use super::{Watch, opening, order, past};
use crate::commands::ingest::prepare;
use crate::existing;
use crate::intake::{Intake, Reach};
use crate::outcome::Failure;

/// Rows after which duplicates are remembered anew, from the lake.
const RENEW_ROWS: u64 = 50_000_000;
/// Events of which duplicates are looked for in memory: a table of 2^20 places is full then, within minutes and not after
/// an hour. Older ones are asked on disk.
const SEEN_IN_MEMORY: usize = 900_000;
/// Objects that wait for a commit at most: what the ledger's rows take in memory.
const COMMIT_OBJECTS: u64 = 20_000;
/// Messages that wait for a commit at most.
const COMMIT_MESSAGES: usize = 10_000;
/// Nobody waits for longer without looking at rules, signals and times.
const LOOK: Duration = Duration::from_millis(100);
/// So long without an object, and the log is silent.
const SILENCE: Duration = Duration::from_secs(60);

/// How an epoch ended, if it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Somebody asked for an end.
    Stopped,
    /// There was nothing more, and more was not wanted.
    Done,
    /// Memory is to be made anew.
    Renew,
}

/// What goes round.
struct Round<'a> {
    watch: &'a Watch<'a>,
    judge: Judge<'a>,
    prime: Prime,
    seen: Seen,
    have: Arc<Have>,
    intake: Intake,
    keeper: Sender<'a>,
    notes: Notes<'a>,
    messages: Option<Messages<'a>>,
    places: Places<'a>,
    /// Rows since the beginning, and rows and objects since the last commit.
    all: u64,
    rows: u64,
    objects: u64,
    /// Since when something waits for a commit.
    waits: Option<Instant>,
    /// When something came last.
    busy: Instant,
    held: bool,
}

/// Runs until there is an end.
///
/// # Errors
/// Whatever keeps it from going on. What was committed stands, and the rest is read again.
pub(super) fn run(watch: &Watch<'_>) -> Result<Ended, Failure> {
    let options = watch.options;
    let mut lake = Lake::open_for_writing(&options.lake, &options.aws.to_lake())?;
    existing::warn_of_its_store(&lake, watch.words);
    let have = Arc::new(Have::load(&lake)?);
    let state = lake.state(&watch.name)?;
    let notes = Notes::open(watch.outbox, state.as_ref())?;
    let found = notes.found()?;
    let rules = past::engine(watch, &lake, state.as_ref())?;
    let prime = Prime::open(&options.lake, &options.aws.to_lake())?;
    let intake = intake(watch, &have)?;
    let Some(opened) = opening::queue(watch)? else { return Ok(Ended::Stopped) };
    let (deliveries, queue) = opened.unzip();
    let queue = queue.as_ref();
    let (room, over) = (Room::default(), AtomicBool::new(false));
    let (work, todo) = sync_channel(keeper::WAITING);
    let (deletions, finished) = sync_channel(keeper::UNDELETED);
    let (answers, answered) = sync_channel(messages::WAITING);
    let threads = intake.options.threads;
    let old = watch.book().lateness() / 2;
    std::thread::scope(|scope| {
        let (lake, room, over) = (&mut lake, &room, &over);
        let (outbox, metrics) = (watch.outbox, watch.metrics);
        let keeper = Keeper { lake, threads, room, outbox, finished: queue.map(|_| deletions), metrics };
        let keeper = scope.spawn(move || keeper::keep(keeper, todo));
        if let Some(queue) = queue {
            scope.spawn(move || keeper::delete_all(queue, &finished, metrics));
            for _ in 0..messages::RECEIVERS {
                let answers = answers.clone();
                scope.spawn(move || messages::receive(queue, &answers, watch.stop, over, options.once));
            }
        }
        drop(answers);
        let places = Places::new(watch, &have);
        let mut round = Round {
            watch,
            judge: Judge::open(&watch.book(), rules, found, watch.telling, watch.metrics),
            prime,
            seen: Seen::with_memory(SEEN_IN_MEMORY),
            have,
            intake,
            keeper: Sender { work, room, metrics: watch.metrics },
            notes,
            messages: messages(queue, deliveries, answered, watch, old),
            places,
            all: 0,
            rows: 0,
            objects: 0,
            waits: None,
            busy: Instant::now(),
            held: false,
        };
        watch.health.ready(None);
        watch.metrics.set(READY, &[], 1.0);
        let result = round.run();
        over.store(true, Ordering::Relaxed);
        if let Some(messages) = &mut round.messages {
            messages.give_back();
        }
        drop(round);
        let kept = keeper.join().unwrap_or_else(|_| Err(Failure::Io("internal error: the keeper stopped".to_owned())));
        // Its error is why the round had to end.
        kept.and(result)
    })
}

fn messages<'a>(
    queue: Option<&'a Queue>,
    deliveries: Option<Deliveries>,
    answers: Receiver<messages::Answer>,
    watch: &'a Watch<'a>,
    old: i64,
) -> Option<Messages<'a>> {
    let (queue, deliveries) = (queue?, deliveries?);
    Some(Messages::new(queue, deliveries, answers, watch.metrics, old, watch.options.once))
}

/// Options of a scan, without a source yet.
fn intake(watch: &Watch<'_>, have: &Arc<Have>) -> Result<Intake, Failure> {
    let options = watch.options;
    let reach = Reach { source: &options.source, aws: &options.aws, accounts: &[], queue: true, live: None };
    let mut intake = Intake::open(&[], &reach, options.limits, watch.global, watch.words)?;
    prepare(&mut intake);
    intake.options.ledger = Some(have.clone());
    Ok(intake)
}

impl Round<'_> {
    fn run(&mut self) -> Result<Ended, Failure> {
        loop {
            self.watch.health.beat();
            self.watch.failed()?;
            if self.keeper.room.is_closed() {
                // Not with the next rows: they may not come for hours, and those that wait would wait as long.
                return Err(Failure::Io("the lake could not take rows".to_owned()));
            }
            if let Some(book) = self.watch.changed() {
                // What is ready belongs to the rules as they were.
                self.judge.tell(None)?;
                self.judge.change(&book);
            }
            let worked = self.ask()? | self.list()?;
            if worked {
                self.busy = Instant::now();
            } else if self.busy.elapsed() > SILENCE && !self.held {
                self.judge.silent();
            }
            self.judge.tell(None)?;
            if self.watch.stop.is_asked() {
                self.commit()?;
                return Ok(Ended::Stopped);
            }
            if !worked && self.is_done() {
                self.judge.tell_all(&self.watch.book())?;
                self.commit()?;
                return self.places.failed().map_or(Ok(Ended::Done), Err);
            }
            self.commit_if_due()?;
            if self.all > RENEW_ROWS && self.rows == 0 {
                return Ok(Ended::Renew);
            }
        }
    }

    fn is_done(&self) -> bool {
        self.watch.options.once
            && self.places.are_empty()
            && self.messages.as_ref().is_none_or(|messages| messages.ended)
    }

    /// How long to wait for something to come.
    fn patience(&self) -> Duration {
        self.places.wait().unwrap_or(LOOK).min(LOOK)
    }

    /// Takes messages, and what they tell of.
    fn ask(&mut self) -> Result<bool, Failure> {
        let patience = self.patience();
        let Some(messages) = self.messages.as_mut().filter(|messages| !messages.ended) else {
            if !patience.is_zero() {
                std::thread::sleep(patience);
            }
            return Ok(false);
        };
        let asked = messages.take(patience)?;
        self.watch.health.place(messages.url(), messages.trouble().as_deref());
        let held = messages.is_backlog();
        if held != self.held || held {
            self.held = held;
            self.judge.hold(held);
        }
        let Some(Asked { mut batch, sent }) = asked else { return Ok(false) };
        let waiting = std::mem::take(&mut batch.waiting);
        if self.watch.options.verify_digests {
            self.watch.heard.objects(waiting.values().flatten(), &batch.digests);
        }
        let bad = self.scan(inputs(&batch), sent)?;
        if let Some(messages) = &mut self.messages {
            messages.settle(waiting, &self.have, &bad);
        }
        self.waits.get_or_insert_with(Instant::now);
        Ok(true)
    }

    /// Takes objects of places, oldest first.
    fn list(&mut self) -> Result<bool, Failure> {
        if self.watch.stop.is_asked() {
            return Ok(false);
        }
        let objects = self.places.take(self.watch.metrics)?;
        if objects.is_empty() {
            return Ok(false);
        }
        self.scan(objects, None)?;
        Ok(true)
    }

    /// Reads objects; the names of those that failed.
    fn scan(&mut self, objects: Vec<Listed>, sent: Option<i64>) -> Result<BTreeSet<String>, Failure> {
        if !self.held {
            self.judge.hold(false);
        }
        let mut turn = Turn {
            judge: &mut self.judge,
            prime: &mut self.prime,
            keeper: &self.keeper,
            have: &self.have,
            metrics: self.watch.metrics,
            stop: self.watch.stop,
            sent,
            rows: 0,
            good: BTreeSet::new(),
            bad: BTreeSet::new(),
            failure: None,
            gone: false,
        };
        let sources = order::sources(objects);
        let result = pipeline::scan_after(&sources, &self.intake.options, &mut turn, &mut self.seen);
        let Turn { rows, good, bad, failure, gone, .. } = turn;
        if gone {
            return Err(Failure::Io("the lake could not take rows".to_owned()));
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        result?;
        self.rows += rows;
        self.all += rows;
        self.objects += (good.len() + bad.len()) as u64;
        if self.objects > 0 {
            self.waits.get_or_insert_with(Instant::now);
        }
        self.watch.metrics.set(WAITING_ROWS, &[], self.rows as f64);
        Ok(bad)
    }

    fn commit_if_due(&mut self) -> Result<(), Failure> {
        let options = self.watch.options;
        self.watch.measure_told();
        if self.notes.wait() || self.watch.telling.waits() {
            self.waits.get_or_insert_with(Instant::now);
        }
        let due = self.waits.is_some_and(|since| since.elapsed() >= options.commit_after)
            || self.rows >= options.commit_rows
            || self.objects >= COMMIT_OBJECTS
            || self.messages.as_ref().is_some_and(|messages| messages.waiting() >= COMMIT_MESSAGES);
        if due { self.commit() } else { Ok(()) }
    }

    /// Has everything so far committed, and the messages behind it deleted then. Does not wait for it.
    fn commit(&mut self) -> Result<(), Failure> {
        // A state holds no alerts that nobody was told.
        self.judge.tell(None)?;
        for rows in self.judge.steps().into_iter().chain(self.watch.telling.take()) {
            self.send(Work::Alerts(rows))?;
        }
        while let Some(rows) = self.notes.take()? {
            self.send(Work::Alerts(rows))?;
        }
        let state = self.notes.state(&self.watch.name, &self.judge.state()?);
        let finished = self.messages.as_mut().map(Messages::finished).unwrap_or_default();
        self.send(Work::Commit { state, noted: self.notes.taken(), finished })?;
        (self.rows, self.objects, self.waits) = (0, 0, None);
        self.watch.metrics.set(WAITING_ROWS, &[], 0.0);
        Ok(())
    }

    fn send(&self, work: Work) -> Result<(), Failure> {
        match self.keeper.send(work) {
            true => Ok(()),
            false => Err(Failure::Io("the lake could not take rows".to_owned())),
        }
    }
}

/// What a batch of messages asks for, oldest first.
fn inputs(batch: &Batch) -> Vec<Listed> {
    let mut all: Vec<Listed> = batch.list().collect();
    all.sort_by_cached_key(order::rank);
    all
}
