//! Sign-ins to the console and use of root, folded from events.
//!
//! Sources: CIS AWS Foundations 4.2, 4.3, 4.6 and Security Hub CloudWatch.1, .3. Root counts where nobody stands between
//! (`invokedBy` absent) and a service did not act for itself (`AwsServiceEvent`). A sign-in without MFA counts for IAM
//! users that succeeded: single sign-on shows `MFAUsed: No` whatever the identity provider asked for.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch};
use ingest::batch;
use serde_json::Value;

/// Columns that the fold reads.
pub const COLUMNS: &[&str] = &[
    "eventtime",
    "eventtype",
    "eventname",
    "errormessage",
    "useridentity",
    "additionaleventdata",
    "principal",
    "outcome",
];

/// Most principals kept of one kind; names of failed sign-ins are whatever somebody typed.
const MAX_PRINCIPALS: usize = 10_000;

/// When something was seen, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// First, microseconds.
    pub first: i64,
    /// Last, microseconds.
    pub last: i64,
    /// Events.
    pub count: u64,
}

/// Sign-ins of note, by principal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignIns {
    since: i64,
    until: i64,
    /// Succeeded, without MFA.
    pub without_mfa: BTreeMap<String, Seen>,
    /// Failed.
    pub failed: BTreeMap<String, Seen>,
    /// Anything that root did.
    pub root: BTreeMap<String, Seen>,
}

impl SignIns {
    /// Counts events from `since` to `until`, microseconds.
    pub fn new(since: i64, until: i64) -> SignIns {
        SignIns { since, until, ..SignIns::default() }
    }

    /// Folds a batch of events.
    pub fn observe(&mut self, batch: &RecordBatch) {
        let Some(times) = batch::timestamp(batch, "eventtime") else { return };
        let text = |path| batch::text(batch, path);
        let (kind, name) = (text("useridentity.type"), text("eventname"));
        let (event_type, via) = (text("eventtype"), text("useridentity.invokedby"));
        let (principal, outcome) = (text("principal"), text("outcome"));
        let (message, more) = (text("errormessage"), text("additionaleventdata"));
        for row in 0..batch.num_rows() {
            let is_root = kind.get(row) == Some("Root");
            let is_login = name.get(row) == Some("ConsoleLogin");
            if !(is_root || is_login) || times.is_null(row) {
                continue;
            }
            let time = times.value(row);
            let Some(principal) = principal.get(row).filter(|_| time >= self.since && time <= self.until) else {
                continue;
            };
            if is_root && via.get(row).is_none() && event_type.get(row) != Some("AwsServiceEvent") {
                add(&mut self.root, principal, time);
            }
            if !is_login {
                continue;
            }
            let failed = message.get(row).is_some() || matches!(outcome.get(row), Some("error" | "denied"));
            if failed {
                add(&mut self.failed, principal, time);
            } else if kind.get(row) == Some("IAMUser") && !used_mfa(more.get(row)) {
                add(&mut self.without_mfa, principal, time);
            }
        }
    }
}

fn used_mfa(additional: Option<&str>) -> bool {
    let value = additional.and_then(|text| serde_json::from_str::<Value>(text).ok());
    value.as_ref().and_then(|value| value.get("MFAUsed")).and_then(Value::as_str) == Some("Yes")
}

fn add(seen: &mut BTreeMap<String, Seen>, principal: &str, time: i64) {
    if let Some(known) = seen.get_mut(principal) {
        *known = Seen { first: known.first.min(time), last: known.last.max(time), count: known.count + 1 };
    } else if seen.len() < MAX_PRINCIPALS {
        seen.insert(principal.to_owned(), Seen { first: time, last: time, count: 1 });
    }
}
