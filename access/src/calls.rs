//! Recorded calls, each distinct one once: what a policy must keep allowing.
//!
//! A fold over event batches, like [`crate::usage`], but with resources and what conditions ask about, and so only for
//! the principals that are asked for. A call is asked as many questions as it has actions and resources: a copy reads and
//! writes, a call that hands a role to a service needs `iam:PassRole` besides, one that gives tags to what it makes the
//! action that tags. [`Call`] is such a question; which of them one event needed together is kept too, because a
//! refusal of any refuses the event. Bounded: past the limit new events are left out and counted.
//!
//! Knows batches. Must not know policies.

mod fold;

use std::collections::BTreeMap;

pub use fold::COLUMNS;

use crate::launched::{Profiles, Template, Templates};
use crate::paths::Paths;
use crate::resource::Certainty;

/// One question that IAM was asked for a call, and what makes such questions the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The durable principal.
    pub principal: String,
    /// The IAM action, in canonical spelling.
    pub action: String,
    /// ARN of the resource, or `*`.
    pub resource: String,
    /// Whether that is the resource itself, or a pattern, and whose.
    pub certainty: Certainty,
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
    /// For `iam:PassRole` of what was launched from a template: the template, which has the role, if any. See [`Calls::roles_of`].
    pub template: Option<Template>,
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
    /// What launch templates hold.
    templates: Templates,
    /// Only from this time on, microseconds.
    since: Option<i64>,
    /// Each question with its number.
    calls: BTreeMap<Call, (u32, Seen)>,
    /// The questions that events needed together, by their numbers in order.
    together: BTreeMap<Vec<u32>, u64>,
    events: u64,
    dropped: u64,
}

/// What one event asked, and how it ended.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The questions, sorted; none where no action of IAM's stands behind the event.
    pub(crate) calls: Vec<Call>,
    /// Time of the event, microseconds.
    pub(crate) time: i64,
    /// Its id.
    pub(crate) event_id: String,
    /// Whether the call succeeded: it may also have failed for another reason than want of permission.
    pub(crate) succeeded: bool,
    /// What refused it, where the message says so.
    pub(crate) denied_by: Option<String>,
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

    /// The questions, in order, each with the events that asked it.
    pub fn iter(&self) -> impl Iterator<Item = (&Call, &Seen)> {
        self.calls.iter().map(|(call, (_, seen))| (call, seen))
    }

    /// The roles that a question of a launch template is about, as far as the logs tell: `None` where they do not, and it cannot even
    /// be known whether it was asked.
    pub fn roles_of(&self, call: &Call, seen: &Seen) -> Option<Vec<String>> {
        let template = call.template.as_ref()?;
        let Profiles::Known(profiles) = self.templates.profiles(template, seen.first, seen.last) else { return None };
        let partition = call.principal.split(':').nth(1).filter(|part| part.starts_with("aws")).unwrap_or("aws");
        let role = |profile: String| match profile.starts_with("arn:") {
            true => self.paths.role_of(&profile),
            false => {
                self.paths.role_of(&format!("arn:{partition}:iam::{}:instance-profile/{profile}", template.place.0))
            }
        };
        Some(profiles.into_iter().map(role).collect())
    }

    /// The questions with their numbers.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u32, &Call, &Seen)> {
        self.calls.iter().map(|(call, (number, seen))| (*number, call, seen))
    }

    /// The numbers of the questions that events needed together, and how many such events there were.
    pub(crate) fn together(&self) -> impl Iterator<Item = (&[u32], u64)> {
        self.together.iter().map(|(numbers, count)| (numbers.as_slice(), *count))
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
        let first = self.iter().map(|(_, seen)| seen.first).min()?;
        Some((first, self.iter().map(|(_, seen)| seen.last).max()?))
    }

    /// Keeps what one event asked; nothing of it where there is no room for all.
    fn add(&mut self, asked: Asked) {
        let Asked { calls: asked, time, event_id, .. } = asked;
        let event_id = event_id.as_str();
        let new = asked.iter().filter(|call| !self.calls.contains_key(call)).count();
        if self.calls.len() + new > MAX_CALLS || self.together.len() >= MAX_CALLS {
            self.dropped += 1;
            return;
        }
        let mut numbers = Vec::with_capacity(asked.len());
        for call in asked {
            let next = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
            let new = || (next, Seen { count: 0, first: time, last: time, event_id: event_id.to_owned() });
            let (number, seen) = self.calls.entry(call).or_insert_with(new);
            numbers.push(*number);
            seen.count += 1;
            seen.first = seen.first.min(time);
            if (time, event_id) > (seen.last, seen.event_id.as_str()) {
                seen.last = time;
                event_id.clone_into(&mut seen.event_id);
            }
        }
        numbers.sort_unstable();
        *self.together.entry(numbers).or_default() += 1;
    }
}
