//! A limit on requests a second, kept by whoever asks: each waits for a turn, and turns are so far apart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Turns that are never closer together than an interval, whoever takes them.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// So far apart.
    pub fn new(interval: Duration) -> Pace {
        Pace { interval, next: Mutex::new(None) }
    }

    /// Takes the next turn; how long to wait for it, from `now` on.
    pub fn turn(&self, now: Instant) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = turn.checked_add(self.interval);
        turn.saturating_duration_since(now)
    }
}

/// One pace for each account and Region.
#[derive(Debug)]
pub struct Paces {
    interval: Duration,
    all: Mutex<BTreeMap<String, Arc<Pace>>>,
}

impl Paces {
    /// Turns of one name are so far apart.
    pub fn new(interval: Duration) -> Paces {
        Paces { interval, all: Mutex::default() }
    }

    /// The pace of this name.
    pub fn of(&self, name: &str) -> Arc<Pace> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(name.to_owned()).or_insert_with(|| Arc::new(Pace::new(self.interval))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_keep_their_distance() {
        let paces = Paces::new(Duration::from_millis(500));
        let now = Instant::now();
        let waits: Vec<_> = (0..4).map(|_| paces.of("a").turn(now).as_millis()).collect();
        assert_eq!(waits, [0, 500, 1000, 1500]);
        assert_eq!(paces.of("b").turn(now), Duration::ZERO);
        // Nobody saves up turns.
        let later = now + Duration::from_secs(60);
        let waits: Vec<_> = (0..3).map(|_| paces.of("a").turn(later).as_millis()).collect();
        assert_eq!(waits, [0, 500, 1000]);
    }
}
