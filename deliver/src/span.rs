//! Lengths of time in configuration: a number and a unit, as `30s`, `4h` or `7d`.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A length of time of at most ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

const MILLIS_MAX: u64 = 3_650 * 86_400_000;

impl Span {
    /// So many seconds.
    pub(crate) const fn seconds(seconds: u64) -> Span {
        Span(Duration::from_secs(seconds))
    }

    /// In microseconds, as times are counted.
    pub(crate) fn micros(self) -> i64 {
        crate::clock::micros(self.0)
    }
}

fn parse(text: &str) -> Result<Span, String> {
    let explain = || format!("`{text}` is no length of time; write a number and a unit, as in 30s, 4h or 7d");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(explain)?;
    let (number, unit) = text.split_at(digits);
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(explain()),
    };
    let total = number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis)).ok_or_else(explain)?;
    if total > MILLIS_MAX {
        return Err(format!("`{text}` is longer than ten years"));
    }
    Ok(Span(Duration::from_millis(total)))
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, millis) in [("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("4h", 14_400_000), ("0s", 0)] {
            assert_eq!(parse(text), Ok(Span(Duration::from_millis(millis))), "{text}");
        }
        for text in ["", "30", "s", "-3s", "1.5h", "3 weeks", "99999999999999999999d", "9999d", "3é"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
