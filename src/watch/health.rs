//! Whether it is alive, and whether it takes events.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

/// So long without a sign of life, and somebody had better start it anew, microseconds. One turn of a catch-up is far shorter.
const SILENCE_MICROS: i64 = 600 * 1_000_000;

/// Signs of life.
#[derive(Debug)]
pub(super) struct Health {
    beat: AtomicI64,
    /// Why it takes no events, if it does not.
    trouble: Mutex<Option<String>>,
}

impl Health {
    pub(super) fn new() -> Health {
        Health { beat: AtomicI64::new(::deliver::now()), trouble: Mutex::new(Some("it begins".to_owned())) }
    }

    /// It lives.
    pub(super) fn beat(&self) {
        self.beat.store(::deliver::now(), Ordering::Relaxed);
    }

    /// It takes events, or why not.
    pub(super) fn ready(&self, trouble: Option<&str>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble.map(str::to_owned);
        self.beat();
    }

    /// Why it takes no events, if it does not.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it lives.
    pub(super) fn is_alive(&self) -> bool {
        ::deliver::now().saturating_sub(self.beat.load(Ordering::Relaxed)) < SILENCE_MICROS
    }
}
