//! A queue's messages, received ahead: what they ask for, and what becomes of them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use ::aws::{Batch, Deliveries, Queue, Received};

use super::families::MESSAGES;
use super::have::Have;
use super::metrics::Metrics;
use crate::outcome::Failure;
use crate::stop::Stop;

/// Receivers: SQS gives ten messages a request.
pub(super) const RECEIVERS: u32 = 2;
/// Answers that wait.
pub(super) const WAITING: usize = 200;
/// How long one request waits for a message; short enough for an orderly end.
const WAIT: Duration = Duration::from_secs(2);
/// Times that a queue must say that it is empty: SQS asks only some of its servers at a time.
const EMPTY_TIMES: u32 = 2;
/// Objects of one turn.
const TURN_OBJECTS: usize = 2_000;
/// So long without an old message, and a backlog is over.
const BACKLOG_QUIET: Duration = Duration::from_secs(10);
/// Ids of failed messages that are remembered.
const FAILED_MAX: usize = 100_000;

/// What a receiver says.
pub(super) type Answer = Result<Vec<Received>, Failure>;

/// Receives until there is an end; once, until the queue is empty.
pub(super) fn receive(queue: &Queue, answers: &SyncSender<Answer>, stop: &Stop, over: &AtomicBool, once: bool) {
    let mut empty = 0;
    while !stop.is_asked() && !over.load(Ordering::Relaxed) && (!once || empty < EMPTY_TIMES) {
        let answer = queue.receive(WAIT).map_err(|error| Failure::Io(error.to_string()));
        let (failed, none) = (answer.is_err(), answer.as_ref().is_ok_and(Vec::is_empty));
        empty = if none { empty + 1 } else { 0 };
        if answers.send(answer).is_err() || failed {
            return;
        }
    }
}

/// Messages on their way.
pub(super) struct Messages<'a> {
    queue: &'a Queue,
    deliveries: Deliveries,
    answers: Receiver<Answer>,
    metrics: &'a Metrics,
    /// Messages that failed in this run: they come again later, and in the end go to the dead-letter queue.
    failed: BTreeSet<String>,
    /// Messages that may be deleted with the next commit.
    finished: Vec<String>,
    /// A message is old that waited for longer, microseconds.
    old_micros: i64,
    /// When an old message was seen last, while there may be more of them.
    backlog: Option<Instant>,
    /// Answers in a row with nothing new in them.
    idle: u32,
    once: bool,
    /// Nobody receives any more, or what comes is what failed before.
    pub(super) ended: bool,
    /// When the queue answered last.
    answered: Instant,
}

/// A queue answers every other second; one that says nothing for so long is away.
const AWAY: Duration = Duration::from_secs(20);

/// What a turn is about.
pub(super) struct Asked {
    pub(super) batch: Batch,
    /// When the oldest of its messages was sent.
    pub(super) sent: Option<i64>,
}

impl<'a> Messages<'a> {
    pub(super) fn new(
        queue: &'a Queue,
        deliveries: Deliveries,
        answers: Receiver<Answer>,
        metrics: &'a Metrics,
        old_micros: i64,
        once: bool,
    ) -> Messages<'a> {
        Messages {
            queue,
            deliveries,
            answers,
            metrics,
            failed: BTreeSet::new(),
            finished: Vec::new(),
            old_micros,
            backlog: Some(Instant::now()),
            idle: 0,
            once,
            ended: false,
            answered: Instant::now(),
        }
    }

    /// Whether old messages may still come in any order.
    pub(super) fn is_backlog(&mut self) -> bool {
        self.backlog = self.backlog.filter(|seen| seen.elapsed() < BACKLOG_QUIET);
        self.backlog.is_some()
    }

    /// The queue, for people.
    pub(super) fn url(&self) -> &'a str {
        self.queue.url()
    }

    /// Why nothing comes, where the queue does not answer.
    pub(super) fn trouble(&self) -> Option<String> {
        let since = self.answered.elapsed();
        (since > AWAY && !self.ended)
            .then(|| format!("no answer for {} s; it is asked again and again", since.as_secs()))
    }

    /// The messages that are there; waits so long for the first.
    ///
    /// # Errors
    /// The queue cannot be reached.
    pub(super) fn take(&mut self, wait: Duration) -> Result<Option<Asked>, Failure> {
        let mut asked = Asked { batch: Batch::default(), sent: None };
        let mut next = match self.answers.recv_timeout(wait) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.ended = true;
                None
            }
        };
        if next.is_some() {
            self.answered = Instant::now();
        }
        while let Some(answer) = next {
            let received = answer?;
            if received.is_empty() {
                self.backlog = None;
            }
            let new = received.iter().any(|message| !self.failed.contains(&message.id));
            self.idle = if new { 0 } else { self.idle + 1 };
            self.ended |= self.once && self.idle >= EMPTY_TIMES * RECEIVERS;
            self.add(received, &mut asked);
            next = match asked.batch.objects() < TURN_OBJECTS {
                true => self.answers.try_recv().ok(),
                false => None,
            };
        }
        Ok((!asked.batch.waiting.is_empty()).then_some(asked))
    }

    fn add(&mut self, received: Vec<Received>, asked: &mut Asked) {
        let now = ::deliver::now();
        for message in received {
            if self.failed.contains(&message.id) {
                self.queue.release(std::slice::from_ref(&message.id), false);
                continue;
            }
            if message.sent.is_some_and(|sent| now.saturating_sub(sent) > self.old_micros) && self.backlog.is_some() {
                self.backlog = Some(Instant::now());
            }
            asked.sent = match (asked.sent, message.sent) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            self.metrics.add(MESSAGES, &[("result", "received")], 1);
            self.deliveries.add(&message, self.queue.url(), &mut asked.batch);
        }
    }

    /// Says what became of the objects that messages asked for.
    pub(super) fn settle(
        &mut self,
        waiting: std::collections::BTreeMap<String, Vec<String>>,
        have: &Have,
        bad: &BTreeSet<String>,
    ) {
        let mut undone = Vec::new();
        for (id, objects) in waiting {
            if objects.iter().any(|name| bad.contains(name)) {
                self.queue.release(std::slice::from_ref(&id), false);
                self.metrics.add(MESSAGES, &[("result", "failed")], 1);
                if self.failed.len() >= FAILED_MAX {
                    self.failed.pop_first();
                }
                self.failed.insert(id);
            } else if objects.iter().all(|name| have.has(name)) {
                self.finished.push(id);
            } else {
                undone.push(id);
            }
        }
        // Stopped before their turn came: another reader may have them at once.
        self.queue.release(&undone, true);
    }

    /// How many may be deleted with the next commit.
    pub(super) fn waiting(&self) -> usize {
        self.finished.len()
    }

    /// Those that may be deleted with the next commit.
    pub(super) fn finished(&mut self) -> Vec<String> {
        std::mem::take(&mut self.finished)
    }

    /// Gives back what was received and not looked at.
    pub(super) fn give_back(&mut self) {
        let answers: Vec<Received> = self.answers.try_iter().filter_map(Result::ok).flatten().collect();
        let ids: Vec<String> = answers.into_iter().map(|message| message.id).collect();
        self.queue.release(&ids, true);
    }
}
