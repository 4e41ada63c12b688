//! The courier: takes deliveries out of the outbox and sees that sinks get them. One lane a sink.
//!
//! Lanes know nothing of each other, so a sink that hangs holds up nobody but itself. In a lane one message is under way at
//! a time, in the order in which they are due. A sink that fails is left alone for longer and longer, with jitter; one that
//! says when to come back is taken at its word.

mod history;
mod lane;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::now;
use crate::config::{Config, SinkConfig};
use crate::error::Error;
use crate::outbox::{Outbox, Standing};
use crate::send::{self, Outside, Sink, Verdict};
use history::History;
pub use history::Told;
use lane::{Lane, Until};

/// Sends what the outbox holds.
pub struct Courier {
    outbox: Arc<Outbox>,
    lanes: Vec<Arc<Lane>>,
    history: Arc<History>,
}

/// What a sink's lane has done since it was made.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sent: AtomicU64,
    failed: AtomicU64,
    dead: AtomicU64,
}

/// What was done, and what is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Drained {
    /// Messages sent.
    pub sent: u64,
    /// Attempts that failed and will be repeated.
    pub failed: u64,
    /// Messages given up.
    pub died: u64,
    /// Messages that wait for another attempt.
    pub pending: u64,
    /// Messages that wait for the end of a repeat interval.
    pub held: u64,
    /// Dead messages in the outbox, these and earlier ones.
    pub dead: u64,
    /// Messages to sinks that the configuration does not name any more.
    pub orphaned: u64,
}

impl Courier {
    /// Opens the sinks of a configuration.
    ///
    /// # Errors
    /// [`Error::Config`] for a secret that is not there, or a URL that must not be.
    pub fn open(config: &Config, outbox: Arc<Outbox>, outside: &Outside) -> Result<Courier, Error> {
        let mut sinks = BTreeMap::new();
        for (name, sink) in &config.sinks {
            sinks.insert(name.clone(), (send::open(name, sink, outside)?, sink.clone()));
        }
        Ok(Courier::with(sinks, outbox))
    }

    /// Whether the sinks of a configuration can be opened: their secrets are there, and their URLs may be called. Nothing is
    /// sent, and no outbox is needed.
    ///
    /// # Errors
    /// As [`Courier::open`].
    pub fn check(config: &Config, outside: &Outside) -> Result<(), Error> {
        config.sinks.iter().try_for_each(|(name, sink)| send::open(name, sink, outside).map(drop))
    }

    /// A courier to sinks of one's own.
    pub fn with(sinks: BTreeMap<String, (Arc<dyn Sink>, SinkConfig)>, outbox: Arc<Outbox>) -> Courier {
        let history: Arc<History> = Arc::default();
        let lane = |(name, (sink, config))| Arc::new(Lane::new(name, sink, config, history.clone()));
        let lanes = sinks.into_iter().map(lane).collect();
        Courier { outbox, lanes, history }
    }

    /// Sends until `stop` is done; then ends what is under way and returns. Deliveries that are put meanwhile go out as
    /// they come.
    ///
    /// # Errors
    /// If nobody knows what the outbox holds after a failed write, or it cannot be written when the end is asked for: going
    /// on would send the same again and again. A full disk is waited for ([`Courier::trouble`]).
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        self.work(Until::Stopped, stop).await
    }

    /// Sends until everything that is due is sent or dead, or for so long at most.
    ///
    /// # Errors
    /// If the outbox cannot note what was sent, whatever keeps it from that.
    pub async fn drain(&self, most: Duration) -> Result<Drained, Error> {
        let before = self.done();
        self.work(Until::Idle, tokio::time::sleep(most)).await?;
        let after = self.done();
        let mut drained = Drained {
            sent: after.sent - before.sent,
            failed: after.failed - before.failed,
            died: after.died - before.died,
            ..Drained::default()
        };
        for (sink, of_sink) in &self.outbox.counts(now()) {
            let count = |standing| of_sink.get(&standing).copied().unwrap_or(0);
            if self.lanes.iter().all(|lane| lane.name() != sink) {
                drained.orphaned += count(Standing::Pending) + count(Standing::Held) + count(Standing::Dead);
                continue;
            }
            drained.pending += count(Standing::Pending);
            drained.held += count(Standing::Held);
            drained.dead += count(Standing::Dead);
        }
        Ok(drained)
    }

    /// Tries each sink once with a message of its own, past the outbox: whether it can be reached, and what it says.
    pub async fn test(&self) -> BTreeMap<String, Verdict> {
        let mut verdicts = BTreeMap::new();
        for lane in &self.lanes {
            verdicts.insert(lane.name().to_owned(), lane.test().await);
        }
        verdicts
    }

    /// What each sink's lane has done so far: sent, failed attempts, given up. For metrics.
    pub fn tallies(&self) -> BTreeMap<String, Drained> {
        self.lanes.iter().map(|lane| (lane.name().to_owned(), lane.tally().read())).collect()
    }

    /// What became of alerts since the last time, and how often that was not kept because nobody asked. The outbox is the
    /// truth; this is for records.
    pub fn told(&self) -> (Vec<Told>, u64) {
        self.history.take()
    }

    /// Why the outbox does not take what became of messages, while it does not: a full disk, mostly. Nothing is lost; what
    /// is in hand waits.
    pub fn trouble(&self) -> Option<String> {
        self.lanes.iter().find_map(|lane| lane.trouble())
    }

    fn done(&self) -> Drained {
        self.lanes.iter().map(|lane| lane.tally().read()).fold(Drained::default(), |sum, one| Drained {
            sent: sum.sent + one.sent,
            failed: sum.failed + one.failed,
            died: sum.died + one.died,
            ..sum
        })
    }

    async fn work(&self, until: Until, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let (stopper, stopped) = watch::channel(false);
        let mut working = JoinSet::new();
        for lane in &self.lanes {
            working.spawn(lane.clone().run(self.outbox.clone(), until, stopped.clone()));
        }
        drop(stopped);
        tokio::pin!(stop);
        let mut asked = false;
        let mut result = Ok(());
        loop {
            tokio::select! {
                () = &mut stop, if !asked => {
                    asked = true;
                    stopper.send_replace(true);
                }
                ended = working.join_next() => match ended {
                    None => return result,
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(error))) => {
                        // The outbox is everybody's: the others end as well, each with its attempt.
                        result = Err(error);
                        asked = true;
                        stopper.send_replace(true);
                    }
                    Some(Err(panic)) => tracing::error!(%panic, "a lane of delivery broke down; its messages wait"),
                },
            }
        }
    }
}

impl Tally {
    fn read(&self) -> Drained {
        Drained {
            sent: self.sent.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            died: self.dead.load(Ordering::Relaxed),
            ..Drained::default()
        }
    }
}

#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;
