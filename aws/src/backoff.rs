//! Exponential backoff with full jitter: a delay is drawn between nothing and twice the bound before, up to a cap.
//!
//! ("Exponential Backoff And Jitter", AWS Architecture Blog.) The SDK retries requests so; this is for what it does not
//! see, such as a body that breaks off.

use std::time::Duration;

/// Delays of one sequence of attempts.
#[derive(Debug, Clone)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempts: u32,
    most: u32,
}

impl Backoff {
    /// So many attempts at most, the first included.
    pub fn new(base: Duration, cap: Duration, most: u32) -> Backoff {
        Backoff { base, cap, attempts: 0, most }
    }

    /// The delay before the next attempt; `None` where there is to be none. `lot` is drawn from 0..1.
    pub fn next(&mut self, lot: f64) -> Option<Duration> {
        self.attempts += 1;
        if self.attempts >= self.most {
            return None;
        }
        let bound = self.base.saturating_mul(1 << (self.attempts - 1).min(20)).min(self.cap);
        Some(bound.mul_f64(lot.clamp(0.0, 1.0)))
    }
}

/// A number from 0 to 1 that nobody can foresee.
pub fn lot() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    // The standard library's only source of chance: each state has keys of its own.
    let bits = RandomState::new().hash_one(std::time::Instant::now()) >> 11;
    #[allow(clippy::cast_precision_loss)]
    let lot = bits as f64 / (1_u64 << 53) as f64;
    lot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_below_their_bounds_and_end() {
        let (base, cap) = (Duration::from_millis(100), Duration::from_secs(2));
        let mut most = Backoff::new(base, cap, 8);
        let delays: Vec<_> = std::iter::from_fn(|| most.next(1.0)).map(|delay| delay.as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1600, 2000, 2000]);
        let mut none = Backoff::new(base, cap, 3);
        assert_eq!(
            (none.next(0.0), none.next(0.0), none.next(0.0)),
            (Some(Duration::ZERO), Some(Duration::ZERO), None)
        );
    }

    #[test]
    fn lots_are_spread() {
        let lots: Vec<_> = (0..1000).map(|_| lot()).collect();
        assert!(lots.iter().all(|lot| (0.0..1.0).contains(lot)));
        let low = lots.iter().filter(|lot| **lot < 0.5).count();
        assert!((300..700).contains(&low), "{low}");
    }
}
