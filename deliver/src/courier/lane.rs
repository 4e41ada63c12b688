//! One sink's lane: claim, wait for the rate, send, settle. Where the disk is full it waits for room, and goes on.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::Tally;
use super::history::{History, Told};
use crate::clock::{micros, now};
use crate::config::SinkConfig;
use crate::error::Error;
use crate::fault;
use crate::message::Message;
use crate::outbox::{Claim, Next, Outbox};
use crate::pace::{Bucket, backoff, random};
use crate::send::{RETRY_AFTER_MAX, Sink, Verdict};

/// So many failures in a row are the messages' fault; more are the sink's, and it is left alone.
const PATIENCE: u32 = 3;
/// The clock may be set: nobody sleeps for longer without looking at it.
const NAP_MAX: Duration = Duration::from_secs(60);

/// When a full disk is tried again.
const ROOM_AGAIN: Duration = Duration::from_secs(1);

/// What came of an attempt.
enum End {
    Sent,
    Failed { not_before: i64, why: String },
    Dead { why: String },
}

/// How long a lane works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Until it is told to stop.
    Stopped,
    /// Until nothing is left that is due or was tried.
    Idle,
}

pub(super) struct Lane {
    name: String,
    sink: Arc<dyn Sink>,
    config: SinkConfig,
    bucket: Mutex<Bucket>,
    tally: Tally,
    history: Arc<History>,
    /// Why the outbox does not take what became of a message, while it does not.
    trouble: Mutex<Option<String>>,
}

impl Lane {
    pub(super) fn new(name: String, sink: Arc<dyn Sink>, config: SinkConfig, history: Arc<History>) -> Lane {
        let (rate, burst) = config.form.rate();
        let rate = config.limits.rate_per_minute.unwrap_or(rate);
        let burst = config.limits.burst.unwrap_or(burst);
        Lane {
            name,
            sink,
            config,
            bucket: Mutex::new(Bucket::new(rate, burst, Instant::now())),
            tally: Tally::default(),
            history,
            trouble: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(super) async fn run(
        self: Arc<Self>,
        outbox: Arc<Outbox>,
        until: Until,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Error> {
        let mut changes = outbox.changes();
        let mut failures = 0_u32;
        while !*stop.borrow() {
            changes.borrow_and_update();
            let next = blocking({
                let (outbox, lane) = (outbox.clone(), self.clone());
                let longest = micros(lane.config.limits.retry_max.0.max(RETRY_AFTER_MAX));
                move || outbox.next(&lane.name, now(), longest)
            });
            let next = match next.await {
                Err(error) => {
                    self.wait_for_room(error, until, &mut stop).await?;
                    continue;
                }
                Ok(next) => next,
            };
            let nap = match next {
                Next::Due(claim) => {
                    if !self.wait_for_rate(&mut stop).await {
                        return Ok(());
                    }
                    let (end, rest) = self.deliver(&claim, &mut failures).await;
                    self.settle(claim, end, until, &mut stop).await?;
                    match rest {
                        None => continue,
                        // Not woken by new messages: the sink is to be left alone.
                        Some(rest) => {
                            sleep(rest, &mut stop).await;
                            continue;
                        }
                    }
                }
                Next::At(at) => Some(Duration::from_micros(u64::try_from(at.saturating_sub(now())).unwrap_or(0))),
                Next::Nothing => None,
            };
            if until == Until::Idle && !outbox.is_busy(&self.name, now()) {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(nap.unwrap_or(NAP_MAX).min(NAP_MAX)) => {}
                changed = changes.changed() => if changed.is_err() { return Ok(()) },
                _ = stop.changed() => {}
            }
        }
        Ok(())
    }

    /// One attempt: what comes of it, and how long to leave the sink alone.
    async fn deliver(&self, claim: &Claim, failures: &mut u32) -> (End, Option<Duration>) {
        let limits = &self.config.limits;
        fault::point("send.before");
        let verdict = self.attempt(&claim.delivery().message).await;
        fault::point("send.after");
        let key = &claim.delivery().message.key;
        match verdict {
            Verdict::Sent => {
                *failures = 0;
                (End::Sent, None)
            }
            Verdict::Never { why } => {
                *failures = 0;
                tracing::warn!(sink = %self.name, %key, %why, "delivery refused; it is kept and can be replayed");
                (End::Dead { why }, None)
            }
            Verdict::Later { after, why } => {
                *failures = failures.saturating_add(1);
                tracing::debug!(sink = %self.name, %key, %why, "delivery failed; it will be tried again");
                let own = backoff(limits.retry_base.0, limits.retry_max.0, failures.saturating_sub(PATIENCE), random());
                (self.later(claim, after, why), after.or((*failures >= PATIENCE).then_some(own)))
            }
        }
    }

    /// Notes what came of a delivery. A full disk is waited for with the delivery in hand: the sink may have it, and
    /// would get it again and again.
    async fn settle(
        &self,
        claim: Claim,
        end: End,
        until: Until,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), Error> {
        let told = match &end {
            End::Sent => Some(self.told(&claim, None)),
            End::Dead { why } => Some(self.told(&claim, Some(why.clone()))),
            End::Failed { .. } => None,
        };
        let count = match end {
            End::Sent => &self.tally.sent,
            End::Dead { .. } => &self.tally.dead,
            End::Failed { .. } => &self.tally.failed,
        };
        let (claim, end) = (Arc::new(claim), Arc::new(end));
        loop {
            let (claim, end) = (claim.clone(), end.clone());
            let noted = blocking(move || match &*end {
                End::Sent => claim.sent(now()),
                End::Dead { why } => claim.dead(why.clone(), now()),
                End::Failed { not_before, why } => claim.failed(*not_before, why.clone(), now()),
            });
            match noted.await {
                Err(error) => self.wait_for_room(error, until, stop).await?,
                Ok(()) => break,
            }
        }
        self.set_trouble(None);
        if let Some(told) = told {
            self.history.add(told);
        }
        count.fetch_add(1, Ordering::Relaxed);
        fault::point("settle.after");
        Ok(())
    }

    /// Waits where the outbox may take it in a while; whoever waits for an end himself hears of it.
    async fn wait_for_room(&self, error: Error, until: Until, stop: &mut watch::Receiver<bool>) -> Result<(), Error> {
        if !error.may_pass() || until == Until::Idle || *stop.borrow() {
            return Err(error);
        }
        if self.trouble().is_none() {
            tracing::error!(sink = %self.name, %error, "delivery waits until the outbox can be written");
        }
        self.set_trouble(Some(error.to_string()));
        sleep(ROOM_AGAIN, stop).await;
        Ok(())
    }

    /// Why the outbox does not take what became of a message, while it does not.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Tries the sink with a test message.
    pub(super) async fn test(&self) -> Verdict {
        self.attempt(&Message::test(&self.name, now())).await
    }

    async fn attempt(&self, message: &Message) -> Verdict {
        let verdict = tokio::time::timeout(self.config.limits.timeout.0, self.sink.send(message)).await;
        verdict.unwrap_or_else(|_| Verdict::Later { after: None, why: "no answer in time".to_owned() })
    }

    fn later(&self, claim: &Claim, after: Option<Duration>, why: String) -> End {
        let limits = &self.config.limits;
        let (attempts, since) = (claim.delivery().attempts, claim.delivery().since);
        let at = now();
        if at.saturating_sub(since) >= limits.give_up_after.micros() {
            let why = format!("given up after {} attempts: {why}", attempts.saturating_add(1));
            tracing::warn!(sink = %self.name, %why, "delivery given up; it is kept and can be replayed");
            return End::Dead { why };
        }
        let wait = backoff(limits.retry_base.0, limits.retry_max.0, attempts, random()).max(after.unwrap_or_default());
        End::Failed { not_before: at.saturating_add(micros(wait)), why }
    }

    fn told(&self, claim: &Claim, error: Option<String>) -> Told {
        let message = &claim.delivery().message;
        Told {
            at: now(),
            created: message.created,
            sink: self.name.clone(),
            key: message.key.clone(),
            error,
            alerts: message.notices.iter().map(|notice| notice.fingerprint.clone()).collect(),
        }
    }

    /// Waits until the rate lets another message go. False if the lane was stopped meanwhile.
    async fn wait_for_rate(&self, stop: &mut watch::Receiver<bool>) -> bool {
        loop {
            let taken = self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
            match taken {
                Ok(()) => return true,
                Err(wait) => sleep(wait, stop).await,
            }
            if *stop.borrow() {
                return false;
            }
        }
    }
}

async fn sleep(length: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(length) => {}
        _ = stop.changed() => {}
    }
}

/// The outbox waits for the disk: not on a thread that other lanes need.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::Config(format!("internal error: {error}"))),
    }
}
