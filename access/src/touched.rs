//! Which resources a principal's actions reached, how often and when last, and what refused those that were refused.
//!
//! A fold over events by principal, action and resource, asked as [`crate::calls`] asks: a call may reach several. What a
//! record does not name stays a pattern and is told apart. Whatever the order of events, the answer is the same, as long as
//! there is room; past the limit new rows are left out and counted. Must not know policies, nor how rows are printed.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use serde::Serialize;

use crate::calls::{Asked, Call, Calls, Outcome};
use crate::instant;
use crate::resource::Certainty;

/// Most rows kept: some 300 MB.
const MAX_ROWS: usize = 1_000_000;
/// Most kinds of refusals kept of a row; AWS has a dozen kinds of policies.
const MAX_REFUSALS: usize = 16;

/// One principal's use of one action on one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// The durable principal.
    pub principal: String,
    /// The IAM action; `prefix:EventName` of an event that no table maps.
    pub action: String,
    /// ARN of the resource; `*` for an action that takes none; a pattern where the record does not name it.
    pub resource: String,
    /// Whether the record names it.
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
    pub denied_by: BTreeSet<String>,
}

type Key = (String, String, String);

/// The fold.
#[derive(Debug, Clone, Default)]
pub struct Touches {
    /// Reads events; keeps nothing itself.
    calls: Calls,
    rows: BTreeMap<Key, Touched>,
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
            for call in &asked.calls {
                self.add(call, &asked);
            }
        }
    }

    /// The rows, by principal, action and resource.
    pub fn rows(&self) -> impl Iterator<Item = &Touched> {
        self.rows.values()
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
        let key = (call.principal.clone(), call.action.clone(), call.resource.clone());
        if self.rows.len() >= MAX_ROWS && !self.rows.contains_key(&key) {
            self.dropped += 1;
            return;
        }
        let new = || Touched {
            principal: call.principal.clone(),
            action: call.action.clone(),
            resource: call.resource.clone(),
            named: false,
            first: asked.time,
            last_attempt: asked.time,
            last_success: None,
            count: 0,
            denied: 0,
            errors: 0,
            denied_by: BTreeSet::new(),
        };
        let row = self.rows.entry(key).or_insert_with(new);
        row.named |= call.certainty != Certainty::Unknown;
        row.first = row.first.min(asked.time);
        row.last_attempt = row.last_attempt.max(asked.time);
        row.count += 1;
        match (asked.succeeded, call.outcome) {
            (true, _) => row.last_success = row.last_success.max(Some(asked.time)),
            (false, Outcome::Denied) => row.denied += 1,
            (false, Outcome::Permitted) => row.errors += 1,
        }
        if let Some(by) = &asked.denied_by
            && !row.denied_by.contains(by)
        {
            row.denied_by.insert(by.clone());
            // The first by name, so that the order of events does not matter.
            while row.denied_by.len() > MAX_REFUSALS {
                row.denied_by.pop_last();
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

    fn told(events: &[serde_json::Value]) -> Vec<Touched> {
        let mut touches = Touches::default();
        touches.observe(&batch(events));
        touches.rows().cloned().collect()
    }

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
        let rows = told(&[refused, went]);
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.principal.as_str(), row.resource.as_str()), (arn("ann").as_str(), "arn:aws:s3:::logs"));
        assert_eq!((row.count, row.denied, row.errors, row.named), (2, 1, 0, true));
        assert_eq!(row.last_success, instant::parse("2026-01-01T00:00:00Z"));
        assert_eq!(row.last_attempt, instant::parse("2026-01-02T00:00:00Z").unwrap());
        assert!(row.denied_by.iter().eq(["explicit deny in service control policy"]));
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
                    for row in rows.filter(|row| row.last_success.is_some()) {
                        let time = instant::format(row.last_success.unwrap());
                        let name = if row.named { row.resource.as_str() } else { "*" };
                        let place = format!("{}: {principal} {action} {name}", account.name);
                        if let Some(wanted) = wanted.remove(name) {
                            assert_eq!(wanted, time, "{place}");
                        } else {
                            // What a call makes has no id yet: there may be more of that than the record lists.
                            assert!(!row.named || name.ends_with("/*"), "{place}: not among {wanted:?}");
                        }
                    }
                    assert!(wanted.is_empty(), "{}: {principal} {action}: {wanted:?}", account.name);
                }
            }
        }
    }
}
