//! Which resources a principal's actions reached, how often and when last, and what refused those that were refused.
//!
//! A fold over events by principal, action and resource, asked as [`crate::calls`] asks: a call may reach several. What a
//! record does not name stays a pattern and is told apart. Whatever the order of events, the answer is the same, as long as
//! there is room; past the limit new rows are left out and counted. Must not know policies, nor how rows are printed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ahash::RandomState;
use arrow::array::RecordBatch;
use serde::Serialize;

use crate::calls::{Asked, Call, Calls, Outcome};
use crate::instant;
use crate::resource::Certainty;

/// Most rows kept: some 600 MB.
const MAX_ROWS: usize = 1_000_000;
/// Most kinds of refusals kept of a row; AWS has a dozen kinds of policies.
const MAX_REFUSALS: usize = 16;

/// One principal's use of one action on one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched<'a> {
    /// The durable principal.
    pub principal: &'a str,
    /// The IAM action; `prefix:EventName` of an event that no table maps.
    pub action: &'a str,
    /// ARN of the resource; `*` for an action that takes none; a pattern where the record does not name it.
    pub resource: &'a str,
    /// How often and when.
    #[serde(flatten)]
    pub touch: &'a Touch,
}

/// How often and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touch {
    /// Whether the record names the resource.
    pub named: bool,
    /// First attempt.
    #[serde(serialize_with = "instant::serialize")]
    pub first: i64,
    /// Last attempt, refused or not.
    #[serde(serialize_with = "instant::serialize")]
    pub last_attempt: i64,
    /// Last call that succeeded.
    #[serde(serialize_with = "instant::serialize_option")]
    pub last_success: Option<i64>,
    /// Attempts.
    pub count: u64,
    /// Attempts that AWS refused.
    pub denied: u64,
    /// Attempts that failed for another reason.
    pub errors: u64,
    /// What refused, where messages say so: `explicit deny in service control policy`.
    pub denied_by: BTreeSet<Box<str>>,
}

/// A principal and an action, shared by their rows.
type Use = (Box<str>, Box<str>);

/// The fold.
#[derive(Debug, Clone, Default)]
pub struct Touches {
    /// Reads events; keeps nothing itself.
    calls: Calls,
    uses: BTreeMap<Use, HashMap<Box<str>, Touch, RandomState>>,
    rows: usize,
    events: u64,
    dropped: u64,
}

impl Touches {
    /// Of the events that `calls` would keep.
    pub fn new(calls: Calls) -> Touches {
        Touches { calls, ..Touches::default() }
    }

    /// Folds a batch of events.
    pub fn observe(&mut self, batch: &RecordBatch) {
        for asked in self.calls.read(batch) {
            self.events += 1;
            // Whether a launch template has a role at all is not known here.
            for call in asked.calls.iter().filter(|call| call.template.is_none()) {
                self.add(call, &asked);
            }
        }
    }

    /// The rows, by principal, action and resource.
    pub fn rows(&self) -> impl Iterator<Item = Touched<'_>> {
        self.uses.iter().flat_map(|((principal, action), touches)| {
            let mut touches: Vec<(&Box<str>, &Touch)> = touches.iter().collect();
            touches.sort_unstable_by_key(|(resource, _)| *resource);
            touches.into_iter().map(move |(resource, touch)| Touched { principal, action, resource, touch })
        })
    }

    /// Events that were looked at.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Uses that had no room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn add(&mut self, call: &Call, asked: &Asked) {
        let key = (call.principal.as_str().into(), call.action.as_str().into());
        let touches = self.uses.entry(key).or_default();
        let touch = match touches.get_mut(call.resource.as_str()) {
            Some(touch) => touch,
            None if self.rows >= MAX_ROWS => {
                self.dropped += 1;
                return;
            }
            None => {
                self.rows += 1;
                touches.entry(call.resource.as_str().into()).or_insert_with(|| Touch::new(asked.time))
            }
        };
        touch.named |= call.certainty != Certainty::Unknown;
        touch.add(call.outcome, asked);
    }
}

impl Touch {
    fn new(time: i64) -> Touch {
        Touch {
            named: false,
            first: time,
            last_attempt: time,
            last_success: None,
            count: 0,
            denied: 0,
            errors: 0,
            denied_by: BTreeSet::new(),
        }
    }

    fn add(&mut self, outcome: Outcome, asked: &Asked) {
        self.first = self.first.min(asked.time);
        self.last_attempt = self.last_attempt.max(asked.time);
        self.count += 1;
        match (asked.succeeded, outcome) {
            (true, _) => self.last_success = self.last_success.max(Some(asked.time)),
            (false, Outcome::Denied) => self.denied += 1,
            (false, Outcome::Permitted) => self.errors += 1,
        }
        if let Some(by) = asked.denied_by.as_deref()
            && !self.denied_by.contains(by)
        {
            self.denied_by.insert(by.into());
            // The first by name, so that the order of events does not matter.
            while self.denied_by.len() > MAX_REFUSALS {
                self.denied_by.pop_last();
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{accounts, arn, batch, call};

    #[test]
    fn refusals_say_what_refused_and_are_no_use() {
        let mut refused = call("ann", "s3", "GetBucketPolicy", "2026-01-02T00:00:00Z");
        refused["requestParameters"] = json!({"bucketName": "logs"});
        refused["errorCode"] = json!("AccessDenied");
        refused["errorMessage"] = json!(
            "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: s3:GetBucketPolicy on resource: \
             \"arn:aws:s3:::logs\" with an explicit deny in a service control policy"
        );
        let mut went = call("ann", "s3", "GetBucketPolicy", "2026-01-01T00:00:00Z");
        went["requestParameters"] = json!({"bucketName": "logs"});
        let mut touches = Touches::default();
        touches.observe(&batch(&[refused, went]));
        let rows: Vec<_> = touches.rows().collect();
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.principal, row.resource), (arn("ann").as_str(), "arn:aws:s3:::logs"));
        let row = row.touch;
        assert_eq!((row.count, row.denied, row.errors, row.named), (2, 1, 0, true));
        assert_eq!(row.last_success, instant::parse("2026-01-01T00:00:00Z"));
        assert_eq!(row.last_attempt, instant::parse("2026-01-02T00:00:00Z").unwrap());
        assert!(row.denied_by.iter().map(|by| &**by).eq(["explicit deny in service control policy"]));
    }

    /// What the generated accounts used, on which resource, and when last: exactly as recorded.
    #[test]
    fn what_was_used_last_on_what_in_the_shared_accounts() {
        for account in accounts() {
            let mut touches = Touches::default();
            touches.observe(&batch(&account.events));
            for (principal, actions) in account.expected["last"].as_object().unwrap() {
                for (action, last) in actions.as_object().unwrap() {
                    let mut wanted = last["resources"].as_object().unwrap().clone();
                    let rows = touches.rows().filter(|row| row.principal == *principal && row.action == *action);
                    for row in rows.filter(|row| row.touch.last_success.is_some()) {
                        let time = instant::format(row.touch.last_success.unwrap());
                        let name = if row.touch.named { row.resource } else { "*" };
                        let place = format!("{}: {principal} {action} {name}", account.name);
                        if let Some(wanted) = wanted.remove(name) {
                            assert_eq!(wanted, time, "{place}");
                        } else {
                            // What a call makes has no id yet: there may be more of that than the record lists.
                            assert!(!row.touch.named || name.ends_with("/*"), "{place}: not among {wanted:?}");
                        }
                    }
                    assert!(wanted.is_empty(), "{}: {principal} {action}: {wanted:?}", account.name);
                }
            }
        }
    }
}
