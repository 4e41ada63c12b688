//! Numbers as JSON writes them, compared exactly: identifiers have more digits than a double can hold.
//!
//! Knows text and no fields.

use std::cmp::Ordering;

/// A number: its digits, and where the point stands among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: Vec<u8>,
    /// How many of the digits stand before the point; less than none where zeros follow it.
    point: i64,
}

impl Decimal {
    /// The number that a text is. Words that Rust reads as numbers (`inf`, `NaN`) are none in a record.
    pub(crate) fn read(text: &str) -> Option<Decimal> {
        let text = text.trim();
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (text.get(..at)?, text.get(at + 1..)?.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..zeros);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits, point: 0 });
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()? + i64::from(exponent);
        Some(Decimal { negative, digits, point })
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sign().cmp(&other.sign()).then_with(|| {
            let size = self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits));
            if self.negative { size.reverse() } else { size }
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_beyond_a_double_are_told_apart() {
        let number = |text: &str| Decimal::read(text).unwrap();
        assert!(number("18446744073709551615") < number("18446744073709551616"));
        assert!(number("9007199254740993") > number("9007199254740992"));
        assert!(number("-18446744073709551616") < number("-18446744073709551615"));
        for (one, same) in [("1", "1.0"), ("0", "-0.00"), ("1e3", "1000"), ("0.001", "1E-3"), ("+12.50", "12.5")] {
            assert_eq!(number(one), number(same));
        }
        for bad in ["", "-", "inf", "NaN", "1e", "0x1", "1 2", ".", "--1", "e5"] {
            assert_eq!(Decimal::read(bad), None, "{bad}");
        }
    }

    proptest! {
        /// Where a double is exact, the order is that of doubles.
        #[test]
        fn the_order_is_that_of_numbers(a in -9999i32..9999, b in -9999i32..9999, scale in 0u32..5) {
            let text = |n: i32| format!("{:.*}", scale as usize, f64::from(n) / 10f64.powi(scale as i32));
            let (left, right) = (Decimal::read(&text(a)).unwrap(), Decimal::read(&text(b)).unwrap());
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
            let exponent = format!("{a}e{scale}");
            prop_assert_eq!(Decimal::read(&exponent), Decimal::read(&(i64::from(a) * 10i64.pow(scale)).to_string()));
        }
    }
}
