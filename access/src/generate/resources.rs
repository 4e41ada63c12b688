//! Resources of a policy: literal where they are few, a wildcard where they vary and share a part of their names.
//!
//! Names that share nothing would make a wildcard for everything of their type (`user/*`), which nobody used and nobody asked
//! for. Whether there is room to list them is decided over the whole policy: see [`super::room`].

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

/// The resources of an action, by what may stand for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Covered {
    /// Few, and so as they are.
    few: BTreeSet<String>,
    /// Many of one type in one place whose names share a part: the pattern for it, and how many they are.
    alike: Vec<(String, usize)>,
    /// Many that share nothing: the pattern for all of the type, and the names. A wildcard would be all that there is of the
    /// type, so they are listed while there is room.
    unlike: Vec<(String, BTreeSet<String>)>,
}

/// Sorts the resources of an action: more than `max` of one type in one place are many.
pub(super) fn cover(found: &BTreeSet<String>, max: usize) -> Covered {
    if found.contains("*") {
        return Covered { few: BTreeSet::from(["*".to_owned()]), ..Covered::default() };
    }
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for arn in found {
        groups.entry(front(arn)).or_default().push(arn);
    }
    let mut covered = Covered::default();
    for (front, group) in groups {
        let common = common(front, &group);
        if group.len() <= max {
            covered.few.extend(group.into_iter().map(str::to_owned));
        } else if tells(front, common) {
            covered.alike.push((format!("{common}*"), group.len()));
        } else {
            covered.unlike.push((format!("{front}*"), group.into_iter().map(str::to_owned).collect()));
        }
    }
    covered
}

impl Covered {
    /// The names that share nothing, a type and place at a time.
    pub(super) fn unlike(&self) -> impl Iterator<Item = &BTreeSet<String>> {
        self.unlike.iter().map(|(_, names)| names)
    }

    /// Whether it is anything at all, for want of records.
    pub(super) fn is_anything(&self) -> bool {
        self.few.contains("*")
    }

    /// The resources as they are written, with the lists that there is room for, and the wildcards, each with how many names it
    /// stands for.
    pub(super) fn written(
        &self,
        has_room: &dyn Fn(&BTreeSet<String>) -> bool,
    ) -> (BTreeSet<String>, Vec<(String, usize)>) {
        let (mut all, mut wild) = (self.few.clone(), self.alike.clone());
        for (pattern, names) in &self.unlike {
            match has_room(names) {
                true => all.extend(names.iter().cloned()),
                false => wild.push((pattern.clone(), names.len())),
            }
        }
        all.extend(wild.iter().map(|(pattern, _)| pattern.clone()));
        let fronts: Vec<String> =
            all.iter().filter(|arn| arn.ends_with('*') && !arn.ends_with("${*}")).cloned().collect();
        let is_covered = |arn: &String| {
            fronts.iter().any(|other| other != arn && arn.starts_with(other.strip_suffix('*').unwrap_or(other)))
        };
        all.retain(|arn| !is_covered(arn));
        wild.retain(|(pattern, _)| all.contains(pattern));
        (all, wild)
    }
}

/// Services whose ARNs begin with a name and not with a type: what is behind it is in one thing, of which a wildcard is no
/// surprise.
const WITHIN_A_NAME: [&str; 2] = ["s3", "execute-api"];

/// Whether a common beginning says something: a word, or a part that a separator ends. One letter that names share is chance.
fn tells(front: &str, common: &str) -> bool {
    let service = front.split(':').nth(2).unwrap_or_default();
    let shared = common.get(front.len()..).unwrap_or_default();
    let ends = shared.ends_with(['-', '_', '/', '.', ':', '@', '=', '+']);
    (front.ends_with('/') && WITHIN_A_NAME.contains(&service)) || shared.len() > 2 || (ends && shared.len() > 1)
}

/// What resources of one type in one place have in common: all up to the type, or the bucket, and its separator.
fn front(arn: &str) -> &str {
    let start = arn.char_indices().filter(|(_, char)| *char == ':').nth(4).map_or(0, |(at, _)| at + 1);
    // API Gateway's begin with a slash.
    let start = start + usize::from(arn.get(start..).is_some_and(|rest| rest.starts_with('/')));
    let rest = arn.get(start..).unwrap_or_default();
    let end = rest.find(['/', ':']).map_or(start, |at| start + at + 1);
    arn.get(..end).unwrap_or(arn)
}

/// Whether a pattern says no more than the type, or the bucket: `key/*`.
pub(super) fn is_whole_type(pattern: &str) -> bool {
    pattern.strip_suffix('*').is_some_and(|begin| front(pattern) == begin)
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
        let found = list.iter().map(|arn| (*arn).to_owned()).collect();
        cover(&found, max).written(&|_| false).0.into_iter().collect()
    }

    #[test]
    fn names_that_share_nothing_are_listed_while_there_is_room() {
        let of = |names: &[&str]| names.iter().map(|name| format!("arn:aws:iam::1:user/{name}")).collect();
        let people: BTreeSet<String> = of(&["ann", "anton", "bob", "carl"]);
        let covered = cover(&people, 3);
        assert_eq!(covered.written(&|_| true), (people, Vec::new()));
        let wild = "arn:aws:iam::1:user/*".to_owned();
        assert_eq!(covered.written(&|_| false), (BTreeSet::from([wild.clone()]), vec![(wild, 4)]));
        // A letter that all share is chance; a word is not.
        assert_eq!(cover(&of(&["ann", "anton", "al"]), 2).unlike().count(), 1);
        for names in [["app-1", "app-2", "app-3"], ["devann", "devbob", "devcar"], ["a/x", "a/y", "a/z"]] {
            let covered = cover(&of(&names), 2);
            assert_eq!((covered.unlike().count(), covered.alike.len()), (0, 1), "{names:?}");
        }
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
