//! Taking a delivery in hand, and saying what became of it.

use std::sync::Arc;

use super::Outbox;
use super::note::{End, Note, Step};
use super::op::{Delivery, Key, Op};
use crate::error::Error;

/// What there is to do for a sink.
pub enum Next {
    /// This now.
    Due(Claim),
    /// Something, at this time, microseconds since the epoch.
    At(i64),
    /// Nothing.
    Nothing,
}

/// Dead deliveries may take this part of the outbox: the rest is for what can still be told.
const DEAD_SHARE: u64 = 4;

/// A delivery in hand. Dropped without a word it is due again.
pub struct Claim {
    outbox: Arc<Outbox>,
    key: Key,
    delivery: Box<Delivery>,
}

impl Outbox {
    /// The next delivery of a sink, whose attempts are put off for `longest` microseconds at most.
    ///
    /// # Errors
    /// If one cannot be read and that cannot be noted.
    pub fn next(self: &Arc<Outbox>, sink: &str, now: i64, longest: i64) -> Result<Next, Error> {
        loop {
            let mut inner = self.lock();
            let Some((at, key)) = inner.state.next(sink, now, longest) else { return Ok(Next::Nothing) };
            if at > now {
                return Ok(Next::At(at));
            }
            match inner.load(key) {
                Some(delivery) => {
                    inner.state.take(key);
                    return Ok(Next::Due(Claim { outbox: self.clone(), key, delivery: Box::new(delivery) }));
                }
                None => {
                    inner.damaged += 1;
                    let error = "its line in the outbox cannot be read any more".to_owned();
                    self.commit(&mut inner, &[Op::Dead { key, error }], now)?;
                }
            }
        }
    }
}

impl Claim {
    /// What is to be sent.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// The sink has it.
    ///
    /// # Errors
    /// As for any write; dropped then, it will be sent again, with the same key.
    pub fn sent(&self, now: i64) -> Result<(), Error> {
        let sent = Op::Sent { key: self.key, sink: self.delivery.sink.clone(), at: now };
        self.settle(sent, Some(None), now)
    }

    /// The sink has not taken it; it may be tried again at `not_before`.
    ///
    /// # Errors
    /// As for any write.
    pub fn failed(&self, not_before: i64, error: String, now: i64) -> Result<(), Error> {
        self.settle(Op::Failed { key: self.key, not_before, error }, None, now)
    }

    /// Nobody tries any more.
    ///
    /// # Errors
    /// As for any write.
    pub fn dead(&self, error: String, now: i64) -> Result<(), Error> {
        self.settle(Op::Dead { key: self.key, error: error.clone() }, Some(Some(error)), now)?;
        let mut inner = self.outbox.lock();
        let gone = inner.state.dead_too_many(&self.delivery.sink, self.outbox.limits.bytes / DEAD_SHARE);
        if gone.is_empty() {
            return Ok(());
        }
        tracing::warn!(messages = gone.len(), "too many dead deliveries: the oldest are dropped");
        let steps: Vec<Op> = gone.into_iter().map(|key| Op::Drop { key }).collect();
        self.outbox.commit(&mut inner, &steps, now)
    }

    /// Writes a step; one that is an end leaves a note in the same write, with why it is a bad one.
    fn settle(&self, step: Op, end: Option<Option<String>>, now: i64) -> Result<(), Error> {
        let mut inner = self.outbox.lock();
        let mut steps = Vec::with_capacity(2);
        if let (Some(error), Some(_)) = (end, inner.state.noted) {
            let message = &self.delivery.message;
            let step = Step::Told {
                end: End::of(message.kind, error.is_some()),
                sink: self.delivery.sink.clone(),
                key: message.key.clone(),
                error,
                alerts: message.notices.iter().map(|notice| notice.fingerprint.clone()).collect(),
            };
            steps.push(Op::Note(Note { at: now.max(inner.state.last_note.saturating_add(1)), step }));
        }
        steps.push(step);
        self.outbox.commit(&mut inner, &steps, now)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.outbox.lock().state.let_go(self.key);
        self.outbox.changes.send_modify(|version| *version = version.wrapping_add(1));
    }
}
