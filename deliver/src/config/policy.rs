//! `[delivery]`: ages, grouping and the bounds of the outbox.

use std::path::PathBuf;

use serde::Deserialize;

use crate::span::Span;

/// How alerts become messages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The folder of the outbox, where no flag names one.
    pub outbox: Option<PathBuf>,
    /// Older alerts are told in a digest by sinks that wake people.
    pub max_age: Span,
    /// Alerts of one group that come sooner after the last message are held and told together, by sinks that wake people.
    pub repeat_interval: Span,
    /// What alerts of one group have in common.
    pub group_by: Vec<GroupBy>,
    /// Digests of one sink are no closer together than this.
    pub digest_interval: Span,
    /// Alerts whose delivery is remembered, so that none is told twice when a batch is read again.
    pub remember: usize,
    /// Bytes that the outbox may take on disk.
    pub max_outbox_bytes: u64,
}

/// Less than this may not hold what is put in one write: alerts would be refused for ever, whatever leaves.
const OUTBOX_BYTES_MIN: u64 = 64 << 20;

impl Policy {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.max_outbox_bytes < OUTBOX_BYTES_MIN {
            return Err(format!("max_outbox_bytes is at least {OUTBOX_BYTES_MIN}: one write may take so much"));
        }
        Ok(())
    }
}

/// A field that alerts may have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupBy {
    /// The rule's name.
    Rule,
    /// The account.
    Account,
    /// The principal.
    Principal,
    /// The region of the first event.
    Region,
    /// The severity.
    Severity,
}

impl GroupBy {
    /// The name of the label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            GroupBy::Rule => "rule",
            GroupBy::Account => "account",
            GroupBy::Principal => "principal",
            GroupBy::Region => "region",
            GroupBy::Severity => "severity",
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            outbox: None,
            max_age: Span::seconds(24 * 3_600),
            repeat_interval: Span::seconds(3_600),
            group_by: vec![GroupBy::Rule, GroupBy::Account, GroupBy::Principal],
            digest_interval: Span::seconds(15 * 60),
            remember: 200_000,
            max_outbox_bytes: 1 << 30,
        }
    }
}
