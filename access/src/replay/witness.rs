//! Resources that stand for all that a record may have meant.
//!
//! A record that does not name a resource leaves a pattern: `arn:…:instance/*`. A policy answers for all of them alike only if
//! it tells none of them apart, so it is asked for one resource that no pattern of it names by more than a wildcard, and
//! for one out of each of its patterns that the unknown one may fall under. Where the answers differ, nobody can know.

use std::collections::{BTreeSet, HashSet};

use crate::policy::arn;
use crate::policy::document::Patterns;

use super::Proposal;

/// What no pattern names but by a wildcard: no policy has these characters.
const OTHER: &str = "\u{fffc}\u{fffc}\u{fffc}\u{fffc}\u{fffc}\u{fffc}\u{fffc}";
const ONE: &str = "\u{fffc}";
/// Longer patterns are not looked into: IAM has none ("IAM and AWS STS quotas").
const MAX_LENGTH: usize = 2048;

/// The resource patterns of a proposal.
#[derive(Debug, Default)]
pub(super) struct Witnesses {
    patterns: Vec<String>,
}

impl Witnesses {
    pub(super) fn new(proposal: &Proposal) -> Witnesses {
        let (Proposal::Identity(list) | Proposal::Boundary(list) | Proposal::Scp(list)) = proposal;
        let statements = list.iter().flat_map(|(_, document)| &document.statements);
        let mut found = BTreeSet::new();
        for Patterns::Only(patterns) | Patterns::Except(patterns) in statements.filter_map(|one| one.resources.as_ref())
        {
            found.extend(patterns.iter().filter(|pattern| pattern.len() <= MAX_LENGTH).map(|pattern| plain(pattern)));
        }
        Witnesses { patterns: found.into_iter().collect() }
    }

    /// Resources that stand for an unknown one of a service: at least one. `*` alone is any of the service's, in a region and an account.
    pub(super) fn of(&self, unknown: &str, service: &str, place: &Place<'_>) -> Vec<String> {
        let any = format!("arn:*:{service}:*:*:*");
        let unknown = if unknown == "*" { any.as_str() } else { unknown };
        let mut found = BTreeSet::from([place.fill(unknown)]);
        for pattern in &self.patterns {
            let (Some(one), Some(other)) = (arn::split(unknown), arn::split(pattern)) else { continue };
            let met: Option<Vec<String>> = one.iter().zip(other).map(|(one, other)| meet(one, other)).collect();
            found.extend(met.map(|parts| place.fill(&parts.join(":"))));
        }
        found.into_iter().collect()
    }
}

/// Where a call was made, for what an unknown ARN leaves open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) partition: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
}

impl Place<'_> {
    /// A pattern as one resource: its place where it leaves that open, else what no pattern names.
    fn fill(&self, pattern: &str) -> String {
        let named = |text: &str| text.replace('*', OTHER).replace('?', ONE);
        let Some(parts) = arn::split(pattern) else { return named(pattern) };
        let filled = parts.iter().enumerate().map(|(at, part)| match (at, *part) {
            (1, "*") => self.partition.to_owned(),
            (3, "*") => self.region.to_owned(),
            (4, "*") => self.account.to_owned(),
            (_, part) => named(part),
        });
        filled.collect::<Vec<_>>().join(":")
    }
}

/// A pattern with its variables as wildcards.
fn plain(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, variable)) = rest.split_once("${") {
        text.push_str(before);
        text.push('*');
        rest = variable.split_once('}').map_or("", |(_, after)| after);
    }
    text + rest
}

/// A pattern of what two patterns both name, as wide as one way of it is; `None` where nothing is named by both.
fn meet(one: &str, other: &str) -> Option<String> {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut failed = HashSet::new();
    // Each step is a way on from a place in both; the last tried is gone back to where it led nowhere.
    let mut ways: Vec<(usize, usize, usize, Option<char>)> = vec![(0, 0, 0, None)];
    let mut found: Vec<Option<char>> = Vec::new();
    while let Some((i, j, length, char)) = ways.pop() {
        found.truncate(length);
        found.push(char);
        if !failed.insert((i, j)) {
            continue;
        }
        match (one.get(i), other.get(j)) {
            (None, None) => return Some(found.into_iter().flatten().collect()),
            (Some('*'), Some('*')) => {
                ways.push((i, j + 1, length + 1, Some('*')));
                ways.push((i + 1, j, length + 1, Some('*')));
            }
            (Some('*'), b) => {
                ways.push((i + 1, j, length + 1, None));
                ways.extend(b.map(|b| (i, j + 1, length + 1, Some(*b))));
            }
            (a, Some('*')) => {
                ways.push((i, j + 1, length + 1, None));
                ways.extend(a.map(|a| (i + 1, j, length + 1, Some(*a))));
            }
            (Some(a), Some(b)) if a == b || *b == '?' => ways.push((i + 1, j + 1, length + 1, Some(*a))),
            (Some('?'), Some(b)) => ways.push((i + 1, j + 1, length + 1, Some(*b))),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_patterns_both_name() {
        for (one, other, both) in [
            ("instance/*", "instance/i-1", Some("instance/i-1")),
            ("instance/*", "instance/i-1*", Some("instance/i-1*")),
            ("*", "*", Some("*")),
            ("a*c", "ab*", Some("ab*c")),
            ("a?", "ab", Some("ab")),
            ("", "*", Some("")),
            ("instance/*", "volume/*", None),
            ("a", "ab", None),
            ("", "a", None),
        ] {
            let found = meet(one, other).map(|text| text.replace("**", "*"));
            assert_eq!(found.as_deref(), both, "{one} {other}");
        }
        let long = "*a".repeat(1000);
        assert_eq!(meet(&long, &"b".repeat(2000)), None);
        assert_eq!(plain("arn:aws:s3:::b/${aws:username}/x"), "arn:aws:s3:::b/*/x");
        assert_eq!(plain("b/${*"), "b/*");
    }
}
