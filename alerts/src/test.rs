//! One test on one value: the leaves of a rule.
//!
//! A value is a leaf of the event: the text of a string, the digits of a number, `true`, the JSON text of a whole
//! object. A field that runs through arrays has many leaves, and a test holds when any of them passes; negation is
//! never in here but in the tree above, so that "any" stays true. Knows no columns and no YAML.

use std::net::IpAddr;

use ipnet::IpNet;
use regex::{Regex, RegexBuilder};

use crate::glob::Glob;
use crate::moment::Clock;
use crate::needles::Needles;
use crate::number::Decimal;
use crate::pcre::translate;
use crate::wildcard::Place;

/// A value found in the event, or that it is there without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaf<'a> {
    /// The field is there and holds `null`.
    Null,
    /// The field is there and holds an empty array.
    Empty,
    /// The text of the value.
    Text(&'a str),
}

/// What a leaf must be.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// The field is there, whatever it holds: `exists: true`.
    Present,
    /// The field is there and is not `null`.
    NotNull,
    /// Its text passes.
    Text(TextTest),
    /// Its text, in any case, is one of these: lower case, in order.
    OneOf(Vec<String>),
    /// One of these stands in its text, in any case.
    HasAny(Needles),
    /// Its text is a number that compares so.
    Number(Compare, Decimal),
    /// Its text is an address inside.
    Inside(IpNet),
    /// Its text is a date, and this number of it compares so.
    Clock(Clock, Compare, f64),
    /// A leaf of this other field stands so in its text; bool: with the same case.
    SameAs(String, Place, bool),
}

/// Order of a number to the rule's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    /// `lt`
    Less,
    /// `lte`
    LessOrEqual,
    /// `gt`
    Greater,
    /// `gte`
    GreaterOrEqual,
    /// A number in the rule without modifier.
    Equal,
}

/// What text must be.
#[derive(Debug, Clone)]
pub(crate) struct TextTest {
    /// Where the needle must stand.
    pub(crate) shape: Shape,
    /// Case counts.
    pub(crate) cased: bool,
    /// What to look for; lower case unless `cased`.
    pub(crate) needle: String,
}

/// Where the needle must stand.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// The text is the needle.
    Is,
    /// The needle is in the text.
    Contains,
    /// The text begins with it.
    StartsWith,
    /// The text ends with it.
    EndsWith,
    /// The text fits; the needle is not used.
    Glob(Glob),
    /// The text matches; the needle is not used. Case is part of the pattern.
    Matches(Regex),
}

/// Longest regular expression of a rule, in bytes.
const MAX_PATTERN_BYTES: usize = 8 * 1024;
/// Memory that one compiled regular expression may take, in bytes.
const MAX_PROGRAM_BYTES: usize = 2 << 20;

/// Text longer than this is copied to be searched in linear time.
const LONG_BYTES: usize = 1024;

/// Compiles a pattern with bounded memory. Matching is linear in the text whatever the pattern.
pub(crate) fn regex(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!("regular expression of {} bytes; at most {MAX_PATTERN_BYTES} are allowed", pattern.len()));
    }
    RegexBuilder::new(&translate(pattern))
        .size_limit(MAX_PROGRAM_BYTES)
        .dfa_size_limit(MAX_PROGRAM_BYTES)
        .nest_limit(50)
        .build()
        .map_err(|e| format!("regular expression cannot be used: {}", one_line(&e.to_string())))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl TextTest {
    /// A test for `needle` in the given place.
    pub(crate) fn new(shape: Shape, cased: bool, needle: &str) -> Self {
        let needle = if cased { needle.to_owned() } else { needle.to_lowercase() };
        TextTest { shape, cased, needle }
    }

    /// Whether `text` passes.
    pub(crate) fn passes(&self, text: &str) -> bool {
        match &self.shape {
            Shape::Matches(pattern) => return pattern.is_match(text),
            Shape::Glob(glob) => return glob.fits(text, self.cased),
            _ => {}
        }
        if self.cased {
            return self.stands_in(text);
        }
        if text.is_ascii() {
            return self.stands_in_ascii(text.as_bytes());
        }
        self.stands_in(&text.to_lowercase())
    }

    fn stands_in(&self, text: &str) -> bool {
        match self.shape {
            Shape::Is => text == self.needle,
            Shape::Contains => memchr::memmem::find(text.as_bytes(), self.needle.as_bytes()).is_some(),
            Shape::StartsWith => text.starts_with(&self.needle),
            Shape::EndsWith => text.ends_with(&self.needle),
            Shape::Glob(_) | Shape::Matches(_) => false,
        }
    }

    /// The same without regard to case, for ASCII text: nothing is copied.
    fn stands_in_ascii(&self, text: &[u8]) -> bool {
        let needle = self.needle.as_bytes();
        let Some(spare) = text.len().checked_sub(needle.len()) else { return false };
        match self.shape {
            Shape::Is => spare == 0 && text.eq_ignore_ascii_case(needle),
            Shape::StartsWith => text[..needle.len()].eq_ignore_ascii_case(needle),
            Shape::EndsWith => text[spare..].eq_ignore_ascii_case(needle),
            Shape::Contains => {
                let Some(first) = needle.first() else { return true };
                if text.len() > LONG_BYTES {
                    // What is tried at each place would add up to the product of both lengths.
                    return memchr::memmem::find(&text.to_ascii_lowercase(), needle).is_some();
                }
                memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), &text[..=spare])
                    .any(|at| text[at..at + needle.len()].eq_ignore_ascii_case(needle))
            }
            Shape::Glob(_) | Shape::Matches(_) => false,
        }
    }
}

impl Test {
    /// Whether a leaf passes. [`Test::SameAs`] needs the other field and is answered by the caller.
    pub(crate) fn passes(&self, leaf: Leaf<'_>) -> bool {
        match (self, leaf) {
            (Test::Present, _) => true,
            (Test::NotNull, leaf) => leaf != Leaf::Null,
            (Test::Text(test), Leaf::Text(text)) => test.passes(text),
            (Test::OneOf(values), Leaf::Text(text)) => {
                let text = text.to_lowercase();
                values.binary_search(&text).is_ok()
            }
            (Test::HasAny(needles), Leaf::Text(text)) => needles.stand_in(text),
            (Test::Number(compare, bound), Leaf::Text(text)) => {
                Decimal::read(text).is_some_and(|number| compare.holds(&number, bound))
            }
            (Test::Clock(clock, compare, bound), Leaf::Text(text)) => {
                clock.read(text).is_some_and(|number| compare.holds(&number, bound))
            }
            (Test::Inside(network), Leaf::Text(text)) => {
                text.parse::<IpAddr>().is_ok_and(|address| network.contains(&address))
            }
            _ => false,
        }
    }
}

/// The number that a text is. Words that Rust reads as numbers (`inf`, `NaN`) are none in a record.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|number: &f64| digits && number.is_finite())
}

impl Compare {
    fn holds<N: PartialOrd>(self, number: &N, bound: &N) -> bool {
        match self {
            Compare::Less => number < bound,
            Compare::LessOrEqual => number <= bound,
            Compare::Greater => number > bound,
            Compare::GreaterOrEqual => number >= bound,
            Compare::Equal => number == bound,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(shape: Shape, needle: &str) -> TextTest {
        TextTest::new(shape, false, needle)
    }

    #[test]
    fn case_counts_only_when_asked() {
        assert!(text(Shape::Is, "ConsoleLogin").passes("consolelogin"));
        assert!(!TextTest::new(Shape::Is, true, "ConsoleLogin").passes("consolelogin"));
        assert!(text(Shape::EndsWith, "ÄPFEL").passes("zwei äpfel"));
    }

    #[test]
    fn a_regex_is_bounded() {
        assert!(regex("(a{1000}){1000}").is_err());
        assert!(regex(&"a".repeat(10_000)).is_err());
        assert!(regex("(?<=a)b").unwrap_err().contains("look-around"));
        assert!(regex("^a.*b$").unwrap().is_match("a1b"));
    }

    #[test]
    fn numbers_and_addresses_are_read_from_text() {
        let ten = || Decimal::read("10").unwrap();
        assert!(Test::Number(Compare::GreaterOrEqual, ten()).passes(Leaf::Text("10")));
        assert!(!Test::Number(Compare::Less, ten()).passes(Leaf::Text("ten")));
        let inside = Test::Inside("10.0.0.0/8".parse().unwrap());
        assert!(inside.passes(Leaf::Text("10.1.2.3")));
        assert!(!inside.passes(Leaf::Text("ec2.amazonaws.com")));
    }

    #[test]
    fn null_is_present_but_not_a_value() {
        assert!(Test::Present.passes(Leaf::Null));
        assert!(!Test::NotNull.passes(Leaf::Null));
        assert!(Test::NotNull.passes(Leaf::Empty));
        assert!(!Test::Text(text(Shape::Contains, "")).passes(Leaf::Null));
    }

    proptest! {
        /// The path without copies gives what lower-casing both sides gives.
        #[test]
        fn ascii_path_equals_plain_path(hay in "[ -~]{0,24}", needle in "[ -~]{0,4}") {
            let (low_hay, low) = (hay.to_lowercase(), needle.to_lowercase());
            prop_assert_eq!(text(Shape::Contains, &needle).passes(&hay), low_hay.contains(&low));
            prop_assert_eq!(text(Shape::StartsWith, &needle).passes(&hay), low_hay.starts_with(&low));
            prop_assert_eq!(text(Shape::EndsWith, &needle).passes(&hay), low_hay.ends_with(&low));
            prop_assert_eq!(text(Shape::Is, &needle).passes(&hay), low_hay == low);
        }
    }
}
