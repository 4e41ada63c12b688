//! A set of actions as few patterns, which name those actions of the catalogue and no others.
//!
//! A wildcard may name actions that AWS adds later. It is only written where the pattern that it stands for named those too, so
//! that nothing is allowed, now or later, that was not allowed before.

use ingest::action;

use crate::policy::ActionSet;

/// Patterns for what stays of what `original` names.
pub(super) fn patterns(original: &str, stays: &ActionSet) -> Vec<String> {
    let mut found = Vec::new();
    let mut services: Vec<&str> = stays.iter().map(|action| action.service()).collect();
    services.dedup();
    for service in services {
        of_service(original, service, stays, &mut found);
    }
    found
}

fn of_service(original: &str, service: &str, stays: &ActionSet, found: &mut Vec<String>) {
    let all: Vec<&str> = action::actions_of(service).iter().map(|action| action.name).collect();
    // How many of the first so many stay: a beginning names neighbours, because the catalogue is sorted.
    let mut staying = vec![0];
    for name in &all {
        staying.push(staying.last().copied().unwrap_or(0) + usize::from(stays.contains(name)));
    }
    let stays_at = |at: usize| staying.get(at + 1) > staying.get(at);
    let mut at = 0;
    while let Some(name) = all.get(at) {
        if !stays_at(at) {
            at += 1;
            continue;
        }
        // The neighbours that a beginning names; what is before was looked at, and goes or is named already.
        let named = |front: &str| {
            let before =
                all.get(..at).unwrap_or_default().iter().rev().take_while(|other| begins(other, front)).count();
            let behind = all.get(at..).unwrap_or_default().iter().take_while(|other| begins(other, front)).count();
            (at - before, at + behind)
        };
        let fits = |front: &&str| {
            let (from, to) = named(front);
            let left = staying.get(to).zip(staying.get(from)).map_or(0, |(to, from)| to - from);
            // Everything that it would name stays, and the original would have named whatever comes.
            to - from > 1 && left == to - from && is_within(front, original)
        };
        match fronts(name).find(fits) {
            Some(front) => {
                found.push(format!("{front}*"));
                at = named(front).1;
            }
            None => {
                found.push((*name).to_owned());
                at += 1;
            }
        }
    }
}

/// The beginnings of an action's name at whole words, shortest first: `ec2:`, `ec2:Run`, `ec2:RunInstances`.
fn fronts(name: &str) -> impl Iterator<Item = &str> {
    let start = name.find(':').map_or(0, |at| at + 1);
    let words =
        name.char_indices().filter(move |(at, char)| *at == start || (*at > start && char.is_ascii_uppercase()));
    words.filter_map(|(at, _)| name.get(..at)).chain([name])
}

/// IAM compares actions without regard to case.
fn begins(name: &str, front: &str) -> bool {
    name.get(..front.len()).is_some_and(|head| head.eq_ignore_ascii_case(front))
}

/// Whether every name that begins so is named by the pattern: one that ends with `*` and names the beginning itself.
fn is_within(front: &str, pattern: &str) -> bool {
    pattern.ends_with('*') && action::matches(&pattern.to_ascii_lowercase(), &front.to_ascii_lowercase())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(patterns: &[String]) -> ActionSet {
        ActionSet::of_patterns(patterns)
    }

    #[test]
    fn whole_services_and_whole_words_are_shortened() {
        let all = set(&["sqs:*".to_owned()]);
        assert_eq!(patterns("sqs:*", &all), ["sqs:*"]);
        assert_eq!(patterns("*", &all), ["sqs:*"]);
        let mut without = all.clone();
        without.subtract(&set(&["sqs:DeleteMessage".to_owned()]));
        let found = patterns("sqs:*", &without);
        assert_eq!(set(&found), without, "{found:?}");
        assert!(
            found.contains(&"sqs:DeleteQueue".to_owned()) && found.iter().any(|pattern| pattern.ends_with('*')),
            "{found:?}"
        );
        // `s3:Get*` would name `s3:GetBucketAcl`, which `s3:*Object` does not.
        let objects = set(&["s3:*Object".to_owned()]);
        assert!(patterns("s3:*Object", &objects).iter().all(|pattern| !pattern.ends_with('*')));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn patterns_name_what_stays_and_nothing_else(
            original in prop_oneof![Just("ec2:*"), Just("iam:Get*"), Just("*"), Just("s3:*Object*"), Just("dynamodb:*")],
            gone in proptest::collection::vec(any::<prop::sample::Index>(), 1..40),
        ) {
            let named = set(&[original.to_owned()]);
            let names: Vec<&str> = named.iter().map(|action| action.name).collect();
            let mut stays = named.clone();
            for index in gone {
                let mut one = ActionSet::none();
                one.insert(names[index.index(names.len())]);
                stays.subtract(&one);
            }
            let found = patterns(original, &stays);
            prop_assert_eq!(set(&found), stays);
        }
    }
}
