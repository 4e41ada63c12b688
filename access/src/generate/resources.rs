//! Resources of a policy: literal where they are few, a wildcard where they vary.

use std::collections::{BTreeMap, BTreeSet};

/// A recorded text as a pattern that matches it and nothing else: `*`, `?` and `$` stand for themselves. An object's
/// key may hold them, and whoever named the object must not widen a policy by it.
pub(super) fn literal(text: &str) -> String {
    if text == "*" || !text.contains(['*', '?', '$']) {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            '*' | '?' | '$' => escaped.extend(['$', '{', char, '}']),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The resources, with a wildcard for those of one type in one place that are more than `max`.
pub(super) fn cover(found: &BTreeSet<String>, max: usize) -> BTreeSet<String> {
    if found.contains("*") {
        return BTreeSet::from(["*".to_owned()]);
    }
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for arn in found {
        groups.entry(front(arn)).or_default().push(arn);
    }
    let mut covered: BTreeSet<String> = BTreeSet::new();
    for (front, group) in groups {
        if group.len() <= max {
            covered.extend(group.into_iter().map(str::to_owned));
        } else {
            covered.insert(format!("{}*", common(front, &group)));
        }
    }
    let wild: Vec<String> =
        covered.iter().filter(|arn| arn.ends_with('*') && !arn.ends_with("${*}")).cloned().collect();
    let is_covered = |arn: &String| {
        wild.iter().any(|other| other != arn && arn.starts_with(other.strip_suffix('*').unwrap_or(other)))
    };
    covered.retain(|arn| !is_covered(arn));
    covered
}

/// What resources of one type in one place have in common: all up to the type, or the bucket, and its separator.
fn front(arn: &str) -> &str {
    let start = arn.char_indices().filter(|(_, char)| *char == ':').nth(4).map_or(0, |(at, _)| at + 1);
    let rest = arn.get(start..).unwrap_or_default();
    let end = rest.find(['/', ':']).map_or(start, |at| start + at + 1);
    arn.get(..end).unwrap_or(arn)
}

/// The longest text that all begin with, at least `front`, not ending within an escape.
fn common<'a>(front: &'a str, group: &[&'a str]) -> &'a str {
    let Some((first, rest)) = group.split_first() else { return front };
    let mut end = first.len();
    for other in rest {
        let same = first.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        end = end.min(same);
    }
    while !first.is_char_boundary(end) {
        end -= 1;
    }
    let mut text = first.get(..end).unwrap_or(front);
    if let Some(at) = text.rfind("${")
        && !text.get(at..).is_some_and(|tail| tail.contains('}'))
    {
        text = text.get(..at).unwrap_or(front);
    }
    let text = text.strip_suffix('$').unwrap_or(text);
    if text.len() < front.len() { front } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(list: &[&str], max: usize) -> Vec<String> {
        cover(&list.iter().map(|arn| (*arn).to_owned()).collect(), max).into_iter().collect()
    }

    #[test]
    fn few_are_listed_and_many_become_a_wildcard() {
        let objects = ["arn:aws:s3:::b/log/1", "arn:aws:s3:::b/log/2", "arn:aws:s3:::b/log/3", "arn:aws:s3:::c/x"];
        assert_eq!(covered(&objects, 3), objects);
        assert_eq!(covered(&objects, 2), ["arn:aws:s3:::b/log/*", "arn:aws:s3:::c/x"]);
        let queues = ["arn:aws:sqs:r:1:a", "arn:aws:sqs:r:1:b", "arn:aws:sqs:s:1:a"];
        assert_eq!(covered(&queues, 1), ["arn:aws:sqs:r:1:*", "arn:aws:sqs:s:1:a"]);
        assert_eq!(covered(&["*", "arn:aws:sqs:r:1:a"], 5), ["*"]);
        assert_eq!(covered(&["arn:aws:s3:::b/*", "arn:aws:s3:::b/k"], 5), ["arn:aws:s3:::b/*"]);
    }

    #[test]
    fn names_that_hold_wildcards_stand_for_themselves() {
        assert_eq!(literal("arn:aws:s3:::b/*"), "arn:aws:s3:::b/${*}");
        assert_eq!(literal("arn:aws:s3:::b/${aws:username}"), "arn:aws:s3:::b/${$}{aws:username}");
        let keys = ["arn:aws:s3:::b/${*}", "arn:aws:s3:::b/${?}", "arn:aws:s3:::b/x"];
        assert_eq!(covered(&keys, 5), keys);
        assert_eq!(covered(&keys[..2], 1), ["arn:aws:s3:::b/*"]);
    }
}
