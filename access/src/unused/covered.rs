//! The report's account of the logs themselves, as it is written: which accounts, regions and days they have.

use serde::Serialize;

use super::Why;
use crate::coverage::{Account, Silence, Span};
use crate::instant;

/// Most silent runs shown of an account; the longest ones.
const MAX_SILENCES: usize = 50;

/// Days without an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Silent {
    /// First silent day, `2026-11-01`.
    pub from: String,
    /// Last silent day.
    pub to: String,
    /// Days.
    pub days: u32,
}

/// What the logs have of one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegionCoverage {
    /// The region.
    pub region: String,
    /// First event.
    #[serde(serialize_with = "instant::serialize")]
    pub first_event: i64,
    /// Last event.
    #[serde(serialize_with = "instant::serialize")]
    pub last_event: i64,
    /// Events.
    pub events: u64,
    /// Days with an event.
    pub days: usize,
}

/// What the logs have of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountCoverage {
    /// The account.
    pub account: String,
    /// First event.
    #[serde(serialize_with = "instant::serialize_option")]
    pub first_event: Option<i64>,
    /// Last event.
    #[serde(serialize_with = "instant::serialize_option")]
    pub last_event: Option<i64>,
    /// Events.
    pub events: u64,
    /// Resource types of the data events seen.
    pub data_events: Vec<&'static str>,
    /// Why nothing of the account can be said to be unused, if so.
    pub doubt: Option<Why>,
    /// Days of the window without an event; the longest runs, in order of time.
    pub silent: Vec<Silent>,
    /// By region.
    pub regions: Vec<RegionCoverage>,
}

impl AccountCoverage {
    pub(super) fn new(name: &str, account: &Account, silences: &[Silence], doubt: Option<Why>) -> Self {
        let mut longest = silences.to_vec();
        longest.sort_by_key(|silence| std::cmp::Reverse(silence.days()));
        longest.truncate(MAX_SILENCES);
        longest.sort_by_key(|silence| silence.from);
        let day = |day| instant::format(instant::start_of(day)).chars().take(10).collect();
        let silent = |silence: Silence| Silent { from: day(silence.from), to: day(silence.to), days: silence.days() };
        let region = |region: &str, span: &Span| RegionCoverage {
            region: region.to_owned(),
            first_event: span.first,
            last_event: span.last,
            events: span.events,
            days: span.days.len(),
        };
        AccountCoverage {
            account: name.to_owned(),
            first_event: account.first(),
            last_event: account.last(),
            events: account.regions.values().map(|span| span.events).sum(),
            data_events: account.data_events.iter().copied().collect(),
            doubt,
            silent: longest.into_iter().map(silent).collect(),
            regions: account.regions.iter().map(|(name, span)| region(name, span)).collect(),
        }
    }
}

/// Where the logs can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CoverageReport {
    /// First event of all.
    #[serde(serialize_with = "instant::serialize_option")]
    pub first_event: Option<i64>,
    /// Last event of all.
    #[serde(serialize_with = "instant::serialize_option")]
    pub last_event: Option<i64>,
    /// By account.
    pub accounts: Vec<AccountCoverage>,
    /// Pairs of account and region left out because there were too many.
    pub dropped: u64,
}
