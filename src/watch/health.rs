//! Whether it is alive, and whether it takes events.

use std::collections::BTreeMap;
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
    /// Places that cannot be listed, and why: the others are read.
    away: Mutex<BTreeMap<String, String>>,
}

impl Health {
    pub(super) fn new() -> Health {
        let (beat, trouble) = (AtomicI64::new(::deliver::now()), Mutex::new(Some("it begins".to_owned())));
        Health { beat, trouble, away: Mutex::default() }
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

    /// A place is listed, or why not.
    pub(super) fn place(&self, name: &str, trouble: Option<&str>) {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble {
            Some(trouble) => away.insert(name.to_owned(), trouble.to_owned()),
            None => away.remove(name),
        };
    }

    /// Why it takes no events, or not those of some place.
    pub(super) fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        let away =
            || away.iter().map(|(name, why)| format!("{name}: {why}")).reduce(|all, one| format!("{all}\n{one}"));
        trouble.or_else(away)
    }

    /// Whether it takes events, of some place at least.
    pub(super) fn has_begun(&self) -> bool {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Whether it lives.
    pub(super) fn is_alive(&self) -> bool {
        ::deliver::now().saturating_sub(self.beat.load(Ordering::Relaxed)) < SILENCE_MICROS
    }
}
