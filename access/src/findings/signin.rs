//! Sign-ins to the console and use of root, folded from events.
//!
//! Sources: CIS AWS Foundations 4.2, 4.3, 4.6 and Security Hub CloudWatch.1, .3. Root counts where nobody stands between
//! (`invokedBy` absent) and a service did not act for itself (`AwsServiceEvent`). A sign-in without MFA counts for IAM
//! users that succeeded: single sign-on shows `MFAUsed: No` whatever the identity provider asked for.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch};
use ingest::batch;
use serde_json::Value;

use crate::folded::{Row, What};

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

/// Most times kept of one principal; the latest stay.
const MAX_TIMES: usize = 4096;

/// When something was seen in a window, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// First, microseconds.
    pub first: i64,
    /// Last, microseconds.
    pub last: i64,
    /// Events; of very many, those of the latest times.
    pub count: u64,
}

/// Times by principal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Times {
    of: BTreeMap<String, Vec<i64>>,
}

impl Times {
    fn add(&mut self, principal: &str, time: i64) {
        let room = self.of.len() < MAX_PRINCIPALS;
        match self.of.get_mut(principal) {
            Some(times) => {
                times.push(time);
                if times.len() > 2 * MAX_TIMES {
                    times.sort_unstable();
                    times.drain(..times.len() - MAX_TIMES);
                }
            }
            None if room => {
                self.of.insert(principal.to_owned(), vec![time]);
            }
            None => {}
        }
    }

    /// The latest times by principal, sorted: the same whatever the order they came in.
    fn latest(&self) -> impl Iterator<Item = (&str, Vec<i64>)> {
        self.of.iter().map(|(principal, times)| {
            let mut times = times.clone();
            times.sort_unstable();
            times.drain(..times.len().saturating_sub(MAX_TIMES));
            (principal.as_str(), times)
        })
    }

    /// Whether no principal was left out.
    fn is_exact(&self) -> bool {
        self.of.len() < MAX_PRINCIPALS
    }

    fn rows(&self, what: What) -> Vec<Row> {
        let mut rows = Vec::new();
        for (principal, times) in self.latest() {
            rows.extend(times.chunk_by(|a, b| a == b).filter_map(|same| {
                let (time, events) = (same.first().copied()?, same.len() as u64);
                Some(Row { moment: Some(time), last: Some(time), events, ..Row::new(what, principal, "") })
            }));
        }
        rows
    }

    /// What fell within a window, by principal.
    pub fn within(&self, from: i64, to: i64) -> Vec<(&str, Seen)> {
        let seen = |times: Vec<i64>| {
            let inside = || times.iter().copied().filter(|time| (from..=to).contains(time));
            Some(Seen { first: inside().min()?, last: inside().max()?, count: inside().count() as u64 })
        };
        self.latest().filter_map(|(principal, times)| Some((principal, seen(times)?))).collect()
    }
}

/// Sign-ins of note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignIns {
    /// Succeeded, without MFA.
    pub without_mfa: Times,
    /// Failed.
    pub failed: Times,
    /// Anything that root did.
    pub root: Times,
}

impl SignIns {
    /// What was folded, as rows.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows = self.root.rows(What::Root);
        rows.extend(self.failed.rows(What::SignInFailed));
        rows.extend(self.without_mfa.rows(What::SignInWithoutMfa));
        rows
    }

    /// Adds a row.
    pub(crate) fn add_row(&mut self, row: &Row) {
        let times = match row.what {
            What::Root => &mut self.root,
            What::SignInFailed => &mut self.failed,
            What::SignInWithoutMfa => &mut self.without_mfa,
            _ => return,
        };
        for _ in 0..row.events.min(MAX_TIMES as u64) {
            row.moment.iter().for_each(|time| times.add(&row.subject, *time));
        }
    }

    /// Whether nothing was left out for want of room.
    pub(crate) fn is_exact(&self) -> bool {
        self.root.is_exact() && self.failed.is_exact() && self.without_mfa.is_exact()
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
            let Some(principal) = principal.get(row) else {
                continue;
            };
            if is_root && via.get(row).is_none() && event_type.get(row) != Some("AwsServiceEvent") {
                self.root.add(principal, time);
            }
            if !is_login {
                continue;
            }
            let failed = message.get(row).is_some() || matches!(outcome.get(row), Some("error" | "denied"));
            if failed {
                self.failed.add(principal, time);
            } else if kind.get(row) == Some("IAMUser") && !used_mfa(more.get(row)) {
                self.without_mfa.add(principal, time);
            }
        }
    }
}

fn used_mfa(additional: Option<&str>) -> bool {
    let value = additional.and_then(|text| serde_json::from_str::<Value>(text).ok());
    value.as_ref().and_then(|value| value.get("MFAUsed")).and_then(Value::as_str) == Some("Yes")
}
