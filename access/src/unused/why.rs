//! Why a granted action stands in the list of unused ones.

use std::collections::BTreeMap;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::policy::ActionSet;

/// The reason that a grant was not seen in use. Only [`Why::NotUsed`] says that it was not used; the others say why
/// that cannot be known. Where several hold, the first in this order is given: what no patience cures comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// No event exists that would show its use.
    Unobservable,
    /// Only data events show its use, and the account's logs have none of that resource type.
    DataEventsOff,
    /// It only reads, and the account's logs have no event that only reads: a trail of writes alone.
    ReadEventsOff,
    /// A trail can leave the service's events out, and the account's logs have none of it.
    ExcludedEvents,
    /// A global service is recorded in one region, and the account's logs lack that region.
    GlobalServiceRegionMissing,
    /// More principals, actions or keys occurred than are kept, so any use may be among those left out.
    LimitsReached,
    /// The account's logs begin after the window does.
    HistoryTooShort,
    /// The account's logs have a gap within the window.
    GapInLogs,
    /// IAM's own record has the service or the principal in use, and the logs do not show by which action.
    UsedByIamsRecord,
    /// The principal or the policy version that grants it is younger than the window.
    GrantedTooRecently,
    /// The logs would have shown its use, and did not.
    NotUsed,
}

impl Why {
    /// Every reason, in the order in which they are given.
    pub const ALL: [Why; 11] = [
        Why::Unobservable,
        Why::DataEventsOff,
        Why::ReadEventsOff,
        Why::ExcludedEvents,
        Why::GlobalServiceRegionMissing,
        Why::LimitsReached,
        Why::HistoryTooShort,
        Why::GapInLogs,
        Why::UsedByIamsRecord,
        Why::GrantedTooRecently,
        Why::NotUsed,
    ];

    /// The stable name: what JSON and CSV show.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Unobservable => "unobservable",
            Why::DataEventsOff => "data_events_off",
            Why::ReadEventsOff => "read_events_off",
            Why::ExcludedEvents => "excluded_events",
            Why::GlobalServiceRegionMissing => "global_service_region_missing",
            Why::LimitsReached => "limits_reached",
            Why::HistoryTooShort => "history_too_short",
            Why::GapInLogs => "gap_in_logs",
            Why::UsedByIamsRecord => "used_by_iams_record",
            Why::GrantedTooRecently => "granted_too_recently",
            Why::NotUsed => "not_used",
        }
    }

    /// One sentence for people.
    pub fn about(self) -> &'static str {
        match self {
            Why::Unobservable => "cannot know: CloudTrail has no event that shows its use",
            Why::DataEventsOff => "cannot know: the account's trail logs no data events of that resource type",
            Why::ReadEventsOff => {
                "cannot know: the account's logs have no event that only reads: a trail of writes alone"
            }
            Why::ExcludedEvents => {
                "cannot know: a trail can leave this service's events out, and the account's logs have none of it"
            }
            Why::GlobalServiceRegionMissing => {
                "cannot know: the service is recorded in one region, and no logs of that region were given"
            }
            Why::LimitsReached => "cannot know: more principals and actions occurred than are kept; split the input",
            Why::HistoryTooShort => "cannot know: the account's logs begin after the window does",
            Why::GapInLogs => "cannot know: the account's logs have a gap within the window",
            Why::UsedByIamsRecord => "cannot know: IAM recorded use that the logs do not show, so not of which action",
            Why::GrantedTooRecently => "too early to say: it was granted within the window",
            Why::NotUsed => "not used in the window",
        }
    }

    /// Whether it says that the grant was not used, rather than why that cannot be known.
    pub fn is_certain(self) -> bool {
        self == Why::NotUsed
    }
}

/// The granted actions that were not seen in use, each with its reason. A set of bits a reason, so that an
/// administrator's twenty thousand cost little.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnusedActions {
    by_why: BTreeMap<Why, ActionSet>,
}

impl UnusedActions {
    pub(super) fn add(&mut self, why: Why, actions: ActionSet) {
        if !actions.is_empty() {
            self.by_why.insert(why, actions);
        }
    }

    /// Takes actions out, whatever their reason.
    pub(super) fn remove(&mut self, actions: &ActionSet) {
        self.by_why.values_mut().for_each(|set| set.subtract(actions));
        self.by_why.retain(|_, set| !set.is_empty());
    }

    /// Gives actions another reason, those that stand under one of `from`.
    pub(super) fn settle(&mut self, actions: &ActionSet, from: &[Why], to: Why) {
        let mut moved = ActionSet::none();
        for (_, set) in self.by_why.iter_mut().filter(|(why, _)| from.contains(why)) {
            let mut part = set.clone();
            part.intersect(actions);
            set.subtract(&part);
            moved.union(&part);
        }
        self.by_why.retain(|_, set| !set.is_empty());
        if !moved.is_empty() {
            self.by_why.entry(to).or_default().union(&moved);
        }
    }

    /// The actions with their reasons, by name without regard to case.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Why)> + '_ {
        let mut rows: Vec<(usize, &'static str, Why)> = Vec::with_capacity(self.len());
        for (why, actions) in &self.by_why {
            rows.extend(actions.indexed().map(|(index, action)| (index, action.name, *why)));
        }
        rows.sort_unstable_by_key(|row| row.0);
        rows.into_iter().map(|(_, name, why)| (name, why))
    }

    /// The reason of one action; `None` if it is not among them.
    pub fn why(&self, action: &str) -> Option<Why> {
        self.by_why.iter().find(|(_, actions)| actions.contains(action)).map(|(why, _)| *why)
    }

    /// The actions of one reason.
    pub fn of(&self, why: Why) -> Option<&ActionSet> {
        self.by_why.get(&why)
    }

    /// All of them, whatever the reason.
    pub fn all(&self) -> ActionSet {
        let mut all = ActionSet::none();
        self.by_why.values().for_each(|actions| all.union(actions));
        all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_why.values().map(ActionSet::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_why.is_empty()
    }
}

#[derive(Serialize)]
struct Row {
    action: &'static str,
    why: Why,
}

impl Serialize for UnusedActions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.len()))?;
        for (action, why) in self.iter() {
            rows.serialize_element(&Row { action, why })?;
        }
        rows.end()
    }
}

/// The services of which nothing was used, each with one reason for the whole.
///
/// Actions that no event shows do not count against the others: a service is unused if everything that could have been
/// seen was not. Of the remaining reasons the first holds: where a part cannot be known, neither can the whole.
pub(super) fn services(granted: &ActionSet, used: &ActionSet, unused: &UnusedActions) -> Vec<super::UnusedService> {
    let mut found: BTreeMap<&'static str, (usize, usize, Option<Why>)> = BTreeMap::new();
    for action in granted.iter() {
        let entry = found.entry(action.service()).or_default();
        entry.0 += 1;
    }
    for action in used.iter() {
        if let Some(entry) = found.get_mut(action.service()) {
            entry.1 += 1;
        }
    }
    for (why, actions) in &unused.by_why {
        for action in actions.iter() {
            let Some(entry) = found.get_mut(action.service()) else { continue };
            entry.2 = match entry.2 {
                None | Some(Why::Unobservable) => Some(*why),
                Some(earlier) => Some(earlier.min(*why)),
            };
        }
    }
    let untouched = found.into_iter().filter_map(|(service, (granted, used, why))| {
        let why = why.filter(|_| used == 0)?;
        Some(super::UnusedService {
            service,
            name: ingest::action::service_name(service),
            actions_granted: granted,
            why,
        })
    });
    untouched.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> ActionSet {
        let mut set = ActionSet::none();
        names.iter().for_each(|name| assert!(set.insert(name), "{name}"));
        set
    }

    #[test]
    fn names_are_stable_and_serialise_as_they_are_named() {
        for why in Why::ALL {
            assert_eq!(serde_json::to_string(&why).ok(), Some(format!("\"{}\"", why.as_str())));
        }
        assert!(Why::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_service_is_as_certain_as_its_least_certain_part() {
        let granted = set(&["s3:GetObject", "s3:CreateBucket", "iam:PassRole", "sqs:CreateQueue", "ec2:RunInstances"]);
        let mut unused = UnusedActions::default();
        unused.add(Why::Unobservable, set(&["iam:PassRole"]));
        unused.add(Why::DataEventsOff, set(&["s3:GetObject"]));
        unused.add(Why::NotUsed, set(&["s3:CreateBucket", "sqs:CreateQueue"]));
        let found: Vec<_> =
            services(&granted, &set(&["ec2:RunInstances"]), &unused).iter().map(|row| (row.service, row.why)).collect();
        assert_eq!(found, [("iam", Why::Unobservable), ("s3", Why::DataEventsOff), ("sqs", Why::NotUsed)]);
        let names: Vec<_> = unused.iter().map(|(action, _)| action).collect();
        assert_eq!(names, ["iam:PassRole", "s3:CreateBucket", "s3:GetObject", "sqs:CreateQueue"]);
    }
}
