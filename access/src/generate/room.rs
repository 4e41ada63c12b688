//! Which names are listed and which become a wildcard: as many lists as AWS' size limits have room for.
//!
//! A list that fills a document of its own is none that anybody would read, and a principal has at most ten managed policies
//! unless the quota is raised ("IAM and AWS STS quotas"). Short lists come first, so that the wildcards that are left stand for
//! the most names.

use std::collections::{BTreeMap, BTreeSet};

use super::resources::Covered;
use super::split::{self, Hold};
use super::{Needs, Policy, Statement, Wildcard, size};

/// What stands for the resources of each action.
pub(super) type AllCovered<'a> = BTreeMap<&'a str, Covered>;

/// Managed policies that a principal may have.
const DOCUMENTS_MAX: usize = 10;

/// What is written for each action, and the wildcards in it. `statements` makes the policy of it.
pub(super) fn write(
    covered: &AllCovered<'_>,
    hold: Hold,
    statements: &dyn Fn(Needs) -> Vec<Statement>,
) -> (Needs, Vec<Wildcard>) {
    let characters = |names: &BTreeSet<String>| names.iter().map(|name| name.len() + 3).sum::<usize>();
    let mut lists: Vec<(usize, &BTreeSet<String>)> =
        covered.values().flat_map(Covered::unlike).map(|names| (characters(names), names)).collect();
    lists.retain(|(characters, _)| *characters < hold.limit());
    lists.sort_unstable();
    // Actions that were used on the same names share a statement, and so the list.
    lists.dedup();
    let of_first = |count: usize| {
        let listed: BTreeSet<&BTreeSet<String>> = lists.iter().take(count).map(|(_, names)| *names).collect();
        of(covered, &|names| listed.contains(names))
    };
    let documents = |count: usize| {
        let statements = statements(of_first(count).0);
        match hold.may_split() {
            true => split::split(statements, hold.limit()).len(),
            false => size(&Policy::new(statements)).div_ceil(hold.limit()),
        }
    };
    let most = if hold.may_split() { DOCUMENTS_MAX } else { 1 };
    let most = if lists.is_empty() { most } else { most.max(documents(0)) };
    // The policy grows with each list, so the most that fit are found by halving.
    let (mut fits, mut over) = (0, lists.len() + 1);
    while over - fits > 1 {
        let middle = fits.midpoint(over);
        match documents(middle) <= most {
            true => fits = middle,
            false => over = middle,
        }
    }
    of_first(fits)
}

/// The resources of each action, with the lists that there is room for, and the wildcards.
fn of(covered: &AllCovered<'_>, has_room: &dyn Fn(&BTreeSet<String>) -> bool) -> (Needs, Vec<Wildcard>) {
    let (mut needs, mut wildcards) = (Needs::new(), BTreeMap::<String, Wildcard>::new());
    for (action, covered) in covered {
        let (resources, wild) = covered.written(has_room);
        needs.insert((*action).to_owned(), resources);
        for (resource, names) in wild {
            let new = || Wildcard { resource: resource.clone(), names: 0, actions: Vec::new() };
            let wildcard = wildcards.entry(resource.clone()).or_insert_with(new);
            wildcard.names = wildcard.names.max(names);
            wildcard.actions.push((*action).to_owned());
        }
    }
    (needs, wildcards.into_values().collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::super::{Generated, Options, of_calls};
    use super::*;
    use crate::calls::Calls;
    use crate::fixture::{batch, call};

    const WORDS: [&str; 8] = ["amber", "birch", "cedar", "dune", "elm", "fern", "grove", "hazel"];

    /// What is generated of looking at so many users.
    fn looking_at(count: usize, hold: Hold) -> Generated {
        let records: Vec<_> = (0..count)
            .map(|at| {
                let mut get = call("ann", "iam", "GetUser", "2026-01-02T00:00:00Z");
                get["requestParameters"] = json!({"userName": format!("{}-{at}", WORDS[at % WORDS.len()])});
                get["eventID"] = json!(at.to_string());
                get
            })
            .collect();
        let mut calls = Calls::new(None, None);
        calls.observe(&batch(&records));
        of_calls(&calls, &Options { hold, ..Options::default() })
    }

    fn resources(generated: &Generated) -> Vec<&String> {
        generated.policies.iter().flat_map(|policy| &policy.statement).flat_map(|one| &one.resource).collect()
    }

    /// Eight users of whom nothing is alike became `user/*`, and nobody was told.
    #[test]
    fn names_without_a_common_part_are_listed_and_no_wildcard_for_all_of_their_type() {
        let generated = looking_at(8, Hold::Managed);
        assert_eq!((resources(&generated).len(), generated.wildcards.len()), (8, 0));
        assert!(resources(&generated).iter().all(|arn| !arn.contains('*')));
    }

    #[test]
    fn a_wildcard_that_was_chosen_for_want_of_room_is_told() {
        for (count, hold) in [(1000, Hold::Managed), (50, Hold::InUser)] {
            let generated = looking_at(count, hold);
            let users = "arn:aws:iam::111111111111:user/*".to_owned();
            assert_eq!(resources(&generated), [&users]);
            let told = Wildcard { resource: users, names: count, actions: vec!["iam:GetUser".to_owned()] };
            assert_eq!(generated.wildcards, [told]);
        }
        assert_eq!(resources(&looking_at(50, Hold::InRole)).len(), 50);
    }
}
