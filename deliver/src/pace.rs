//! How fast and how patiently a sink is called: a token bucket, and waits that grow and are spread at random.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// A wait before the next attempt after `failures` failures: any part of `base`·2^failures, of `most` at the longest.
/// "Full jitter" (AWS Architecture Blog, "Exponential backoff and jitter"): many that failed together do not come back
/// together. `random` is from 0 to 1.
pub(crate) fn backoff(base: Duration, most: Duration, failures: u32, random: f64) -> Duration {
    let grown = base.saturating_mul(2_u32.saturating_pow(failures.min(31)));
    grown.min(most).mul_f64(random.clamp(0.0, 1.0))
}

/// A number from 0 up to 1, different each time; good enough to spread calls.
pub(crate) fn random() -> f64 {
    // Each RandomState has keys of its own, so the hash of nothing is a random number.
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let part = bits as f64 / (1_u64 << 53) as f64;
    part
}

/// So many calls a minute, and so many at once after a rest.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// What has been saved up, in calls.
    tokens: f64,
    burst: f64,
    per_second: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(per_minute: u32, burst: u32, now: Instant) -> Bucket {
        let burst = f64::from(burst.max(1));
        Bucket { tokens: burst, burst, per_second: f64::from(per_minute.max(1)) / 60.0, at: now }
    }

    /// Takes a call, if there is one; otherwise says how long until there is.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let rested = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + rested * self.per_second).min(self.burst);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.tokens) / self.per_second).max(Duration::from_millis(1)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bucket_keeps_to_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(60, 3, start);
        let (mut now, mut taken) = (start, 0);
        while now < start + Duration::from_secs(100) {
            match bucket.take(now) {
                Ok(()) => taken += 1,
                Err(wait) => now += wait,
            }
        }
        assert!((102..=103).contains(&taken), "{taken}");
    }

    #[test]
    fn random_is_spread() {
        let numbers: Vec<f64> = (0..1_000).map(|_| random()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        let low = numbers.iter().filter(|number| **number < 0.5).count();
        assert!((350..650).contains(&low), "{low}");
    }

    proptest! {
        #[test]
        fn waits_are_within_bounds(failures in any::<u32>(), random in 0.0..1.0_f64, base in 0_u64..10_000, most in 0_u64..1_000_000) {
            let (base, most) = (Duration::from_millis(base), Duration::from_millis(most));
            let wait = backoff(base, most, failures, random);
            prop_assert!(wait <= most);
            prop_assert!(failures > 20 || wait <= base * 2_u32.pow(failures));
        }
    }
}
