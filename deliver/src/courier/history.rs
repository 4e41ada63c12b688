//! What became of messages, until somebody asks: bounded, so that nobody has to.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Messages whose end is kept.
const KEPT: usize = 10_000;

/// The end of a message: a sink has it, or it is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When, microseconds since the epoch.
    pub at: i64,
    /// When it was made.
    pub created: i64,
    /// Name of the sink.
    pub sink: String,
    /// Idempotency key.
    pub key: String,
    /// Why the sink did not take it, where it is given up.
    pub error: Option<String>,
    /// Fingerprints of the alerts that it shows.
    pub alerts: Vec<String>,
}

/// The latest ends.
#[derive(Debug, Default)]
pub(super) struct History(Mutex<(VecDeque<Told>, u64)>);

impl History {
    pub(super) fn add(&self, told: Told) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.0.len() >= KEPT {
            inner.0.pop_front();
            inner.1 += 1;
        }
        inner.0.push_back(told);
    }

    pub(super) fn take(&self) -> (Vec<Told>, u64) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = std::mem::take(&mut inner.1);
        (inner.0.drain(..).collect(), lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_counts_what_it_let_go() {
        let history = History::default();
        for at in 0..KEPT as i64 + 3 {
            let (sink, key) = ("s".to_owned(), "k".to_owned());
            history.add(Told { at, created: 0, sink, key, error: None, alerts: Vec::new() });
        }
        let (told, lost) = history.take();
        assert_eq!((told.len(), told.first().map(|one| one.at), lost), (KEPT, Some(3), 3));
        assert_eq!(history.take(), (Vec::new(), 0));
    }
}
