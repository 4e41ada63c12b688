//! One value of a condition, read once for its operator.

use std::net::IpAddr;

use serde_json::Value as Json;

use super::super::arn::{Resource, ResourcePattern, split, split_pattern};
use super::super::context::Context;
use super::super::operator::Kind;
use super::super::pattern::{Hit, Pattern, Syntax};
use crate::instant;

/// A policy's value, as its operator compares it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Text(Pattern),
    Arn(ResourcePattern),
    Number(f64),
    /// Microseconds since the Unix epoch.
    Date(i64),
    Address(Network),
    /// Cannot be compared.
    Invalid,
}

/// Addresses with a common front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Operand {
    pub(super) fn new(kind: Kind, value: &Json, variables: bool) -> Operand {
        let text = match value {
            Json::String(text) => text.clone(),
            Json::Bool(_) | Json::Number(_) => value.to_string(),
            _ => return Operand::Invalid,
        };
        let pattern =
            |wildcards, fold, variables| Operand::Text(Pattern::new(&text, Syntax { wildcards, variables, fold }));
        match kind {
            Kind::Text => pattern(false, false, variables),
            Kind::Folded | Kind::Bool => pattern(false, true, variables),
            Kind::Null => pattern(false, true, false),
            Kind::Like => pattern(true, false, variables),
            Kind::Binary => pattern(false, false, false),
            Kind::Arn if split_pattern(&text).len() == 6 => Operand::Arn(ResourcePattern::new(&text, variables, false)),
            Kind::Number(_) => number(&text).map_or(Operand::Invalid, Operand::Number),
            Kind::Date(_) => date(&text).map_or(Operand::Invalid, Operand::Date),
            Kind::Address => Network::parse(&text).map_or(Operand::Invalid, Operand::Address),
            Kind::Arn => Operand::Invalid,
        }
    }

    /// Whether a request's value is what this one says; `None` where they cannot be compared.
    pub(super) fn compare(&self, kind: Kind, value: &str, context: &Context) -> Option<bool> {
        match (self, kind) {
            (Operand::Text(pattern), Kind::Bool) => {
                let value = flag(value)?;
                found(pattern.hit(value, context)).filter(|same| *same || flags(pattern, context))
            }
            (Operand::Text(pattern), Kind::Folded) => found(pattern.hit(&value.to_lowercase(), context)),
            (Operand::Text(pattern), _) => found(pattern.hit(value, context)),
            (Operand::Arn(pattern), _) => {
                split(value)?;
                found(pattern.hit(&Resource::new(value), context))
            }
            (Operand::Number(wanted), Kind::Number(order)) => Some(order.holds(&number(value)?, wanted)),
            (Operand::Date(wanted), Kind::Date(order)) => Some(order.holds(&date(value)?, wanted)),
            (Operand::Address(network), _) => Some(network.holds(value.parse().ok()?)),
            _ => None,
        }
    }

    /// For `Null`: whether it asks for the key to be absent (`true`) or present (`false`), as it is.
    pub(super) fn is_absence(&self, absent: bool) -> bool {
        let wanted = if absent { "true" } else { "false" };
        matches!(self, Operand::Text(pattern) if pattern.fits(wanted))
    }

    /// The keys of its variables.
    pub(super) fn variables(&self) -> Vec<&str> {
        match self {
            Operand::Text(pattern) => pattern.variables().collect(),
            Operand::Arn(pattern) => pattern.variables(),
            _ => Vec::new(),
        }
    }
}

fn found(hit: Hit) -> Option<bool> {
    match hit {
        Hit::Yes => Some(true),
        Hit::No => Some(false),
        Hit::Unresolved => None,
    }
}

/// `Bool` knows two values.
fn flag(value: &str) -> Option<&'static str> {
    ["true", "false"].into_iter().find(|flag| value.eq_ignore_ascii_case(flag))
}

fn flags(pattern: &Pattern, context: &Context) -> bool {
    ["true", "false"].into_iter().any(|flag| pattern.hit(flag, context) == Hit::Yes)
}

/// A decimal number: no exponents, no hexadecimal.
pub(in crate::policy) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { text.parse().ok() } else { None }
}

/// A date in one of the W3C's profiles of ISO 8601, or a Unix time in seconds (in milliseconds where seconds would lie
/// beyond the year 5138).
pub(in crate::policy) fn date(text: &str) -> Option<i64> {
    const LEAST_MILLISECONDS: i64 = 100_000_000_000;
    let text = text.trim();
    if text.len() > 4
        && let Ok(epoch) = text.parse::<i64>()
    {
        let unit = if epoch.abs() >= LEAST_MILLISECONDS { instant::SECOND / 1000 } else { instant::SECOND };
        return epoch.checked_mul(unit);
    }
    match text.len() {
        4 => instant::parse(&format!("{text}-01-01T00:00:00Z")),
        7 => instant::parse(&format!("{text}-01T00:00:00Z")),
        10 => instant::parse(&format!("{text}T00:00:00Z")),
        _ => instant::parse(text).or_else(|| without_seconds(text)),
    }
}

/// `2026-01-01T00:00Z`
fn without_seconds(text: &str) -> Option<i64> {
    let (front, zone) = (text.get(..16)?, text.get(16..)?);
    instant::parse(&format!("{front}:00{zone}"))
}

impl Network {
    /// An address, or a front of one in CIDR notation (RFC 4632).
    fn parse(text: &str) -> Option<Network> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Network { address, bits })
    }

    fn holds(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
                ours.to_bits() & mask == theirs.to_bits() & mask
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
                ours.to_bits() & mask == theirs.to_bits() & mask
            }
            _ => false,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_profile() {
        let new_year = instant::parse("2026-01-01T00:00:00Z");
        for text in [
            "2026",
            "2026-01",
            "2026-01-01",
            "2026-01-01T00:00Z",
            "2026-01-01T01:00+01:00",
            "2026-01-01T00:00:00.000Z",
            "1767225600",
            "1767225600000",
        ] {
            assert_eq!(date(text), new_year, "{text}");
        }
        for text in ["x", "", "2026-02-30", "20260101T000000Z", "2026-13", "é026"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_decimal() {
        assert_eq!((number("10"), number(" -1.50 "), number("+2")), (Some(10.0), Some(-1.5), Some(2.0)));
        for text in ["", "abc", "0x10", "1e1", "NaN", "inf", "-"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn networks_hold_their_addresses() {
        let holds = |network: &str, address: &str| Network::parse(network).unwrap().holds(address.parse().unwrap());
        assert!(holds("10.5.0.0/8", "10.1.2.3") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("0.0.0.0/0", "1.2.3.4") && !holds("::/0", "1.2.3.4"));
        assert!(holds("2001:db8::/32", "2001:DB8::1") && !holds("2001:db8::1", "2001:db8::2"));
        for text in ["10.0.0.0/33", "x", "10.0.0.0/", "10.0.0.0/-1", "010.0.0.1", "10.0.*"] {
            assert!(Network::parse(text).is_none(), "{text}");
        }
    }
}
