//! Recorded calls, each distinct one once: what a policy must keep allowing.
//!
//! A fold over event batches, like [`crate::usage`], but with resources and what conditions ask about, and so only for
//! the principals that are asked for. A call that needs two actions is two; a call that hands a role to a service is
//! one of `iam:PassRole` besides, one that gives tags to what it makes one of tagging. Bounded: past the limit new calls are left out and counted.
//!
//! Knows batches. Must not know policies.

mod fold;

use std::collections::BTreeMap;

pub use fold::COLUMNS;

use crate::paths::Paths;

/// What makes calls the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The durable principal.
    pub principal: String,
    /// The IAM action, in canonical spelling.
    pub action: String,
    /// ARN of the resource, or `*`.
    pub resource: String,
    /// Whether that is the resource itself, rather than a pattern around it because the record does not tell it all.
    pub exact: bool,
    /// Whether the action is one of the catalogue's; `prefix:EventName` of an unmapped event is not.
    pub known: bool,
    /// What became of it.
    pub outcome: Outcome,
    /// Region.
    pub region: String,
    /// Source address; the name of a service that called for the principal.
    pub source: String,
    /// Whether the session was made with MFA; `None` where there is no session.
    pub mfa: Option<bool>,
    /// The service that called on behalf of the principal.
    pub via: Option<String>,
    /// For `iam:PassRole`: the service that the role went to.
    pub passed_to: Option<String>,
    /// For `ec2:CreateTags` that came with a creation: the call that created, as `ec2:CreateAction` names it.
    pub create_action: Option<String>,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It succeeded, or failed for another reason than want of permission: it must stay allowed.
    Permitted,
    /// AWS refused it.
    Denied,
}

/// How often and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Events.
    pub count: u64,
    /// First, microseconds.
    pub first: i64,
    /// Last, microseconds.
    pub last: i64,
    /// Event id of the last (the greatest, of several at one time).
    pub event_id: String,
}

/// The distinct calls of some principals.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// Only these principals; all where it is `None`.
    only: Option<Vec<String>>,
    /// What requests only name.
    paths: Paths,
    /// Only from this time on, microseconds.
    since: Option<i64>,
    calls: BTreeMap<Call, Seen>,
    events: u64,
    dropped: u64,
}

/// Most distinct calls kept: some 300 MB.
const MAX_CALLS: usize = 1_000_000;

impl Calls {
    /// Calls of these principals (of all: `None`) from a time on.
    pub fn new(only: Option<Vec<String>>, since: Option<i64>) -> Calls {
        Calls { only, since, ..Calls::default() }
    }

    /// With the ARNs of what requests to IAM only name.
    pub fn with_paths(mut self, paths: Paths) -> Calls {
        self.paths = paths;
        self
    }

    /// The calls, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Call, &Seen)> {
        self.calls.iter()
    }

    /// Events that were looked at.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Calls left out because the limit was reached.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// First and last time of the calls, microseconds.
    pub fn span(&self) -> Option<(i64, i64)> {
        let first = self.calls.values().map(|seen| seen.first).min()?;
        Some((first, self.calls.values().map(|seen| seen.last).max()?))
    }

    fn add(&mut self, call: Call, time: i64, event_id: &str) {
        if let Some(seen) = self.calls.get_mut(&call) {
            seen.count += 1;
            seen.first = seen.first.min(time);
            if (time, event_id) > (seen.last, seen.event_id.as_str()) {
                seen.last = time;
                event_id.clone_into(&mut seen.event_id);
            }
        } else if self.calls.len() >= MAX_CALLS {
            self.dropped += 1;
        } else {
            self.calls.insert(call, Seen { count: 1, first: time, last: time, event_id: event_id.to_owned() });
        }
    }
}
