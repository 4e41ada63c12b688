//! The report as it is written: the documented JSON, field by field. Times are RFC 3339 in UTC; lists are sorted.

use serde::Serialize;

use super::covered::CoverageReport;
use super::{Options, UnusedActions, Why};
use crate::instant;
use crate::usage::{Fact, Kind, LastUsed, Principal};

/// The time that the report speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Start, microseconds.
    #[serde(serialize_with = "instant::serialize")]
    pub from: i64,
    /// End, microseconds.
    #[serde(serialize_with = "instant::serialize")]
    pub to: i64,
    /// Length in days.
    pub days: u32,
}

/// Use of one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionUse {
    /// IAM action.
    pub action: String,
    /// Earliest attempt.
    #[serde(serialize_with = "instant::serialize")]
    pub first: i64,
    /// Latest success.
    #[serde(serialize_with = "instant::serialize_option")]
    pub last_success: Option<i64>,
    /// Latest attempt, refused or not.
    #[serde(serialize_with = "instant::serialize")]
    pub last_attempt: i64,
    /// Attempts.
    pub count: u64,
    /// Attempts that were refused.
    pub denied: u64,
    /// Attempts that failed otherwise.
    pub errors: u64,
    /// Regions.
    pub regions: Vec<String>,
    /// Source address of the latest success.
    pub last_source: Option<String>,
}

impl ActionUse {
    fn new(action: &str, fact: &Fact) -> Self {
        ActionUse {
            action: action.to_owned(),
            first: fact.first,
            last_success: fact.last_success,
            last_attempt: fact.last_attempt,
            count: fact.count,
            denied: fact.denied,
            errors: fact.errors,
            regions: fact.regions.iter().map(|region| region.to_string()).collect(),
            last_source: fact.last_source.as_deref().map(str::to_owned),
        }
    }
}

/// Use of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceUse {
    /// IAM prefix.
    pub service: String,
    /// By action.
    pub actions: Vec<ActionUse>,
}

/// The facts of a principal, by service and action.
pub(super) fn services(usage: &LastUsed, principal: &Principal) -> Vec<ServiceUse> {
    let mut services: std::collections::BTreeMap<&str, Vec<ActionUse>> = std::collections::BTreeMap::new();
    for (action, fact) in usage.facts(principal) {
        let service = action.split(':').next().unwrap_or(action);
        services.entry(service).or_default().push(ActionUse::new(action, fact));
    }
    services.into_iter().map(|(service, actions)| ServiceUse { service: service.to_owned(), actions }).collect()
}

/// A service that is granted and of which nothing was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusedService {
    /// IAM prefix.
    pub service: &'static str,
    /// Name of the service, where it is known.
    pub name: Option<&'static str>,
    /// Actions granted.
    pub actions_granted: usize,
    /// The reason for the whole.
    pub why: Why,
}

/// Use of a service as IAM recorded it: attempts of 400 days, refused ones too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IamAccess {
    /// IAM prefix.
    pub service: String,
    /// Last attempt.
    #[serde(serialize_with = "instant::serialize")]
    pub last_accessed: i64,
    /// Region of that attempt.
    pub region: Option<String>,
}

/// One principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PrincipalReport {
    /// The durable identity.
    pub principal: String,
    /// Its account; `null` for a service.
    pub account: Option<String>,
    /// Kind of identity, in CloudTrail's spelling.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whether the inventory has it; `null` without an inventory.
    pub in_inventory: Option<bool>,
    /// First activity.
    #[serde(serialize_with = "instant::serialize_option")]
    pub first: Option<i64>,
    /// Last activity, refused or not.
    #[serde(serialize_with = "instant::serialize_option")]
    pub last: Option<i64>,
    /// Last successful sign-in to the console.
    #[serde(serialize_with = "instant::serialize_option")]
    pub last_console_login: Option<i64>,
    /// Events.
    pub events: u64,
    /// Who stood behind it, latest first; at most sixteen.
    pub actors: Vec<String>,
    /// What it used.
    pub services: Vec<ServiceUse>,
    /// What IAM recorded of use, where that is given: services that were used, by name.
    pub iam_last_accessed: Vec<IamAccess>,
    /// How many actions it is granted; `null` without an inventory.
    pub granted: Option<usize>,
    /// Policies, groups and the boundary that it has and the inventory has not, so that what they grant or take cannot be known.
    pub missing_policies: Vec<String>,
    /// What it is granted and was not seen to use.
    pub unused: UnusedActions,
    /// Services of which it used nothing.
    pub unused_services: Vec<UnusedService>,
    /// What it used, with what the logs could not have shown of it: whether they show all of its use.
    #[serde(skip)]
    pub used: UnusedActions,
}

impl PrincipalReport {
    pub(super) fn new(name: &str, account: Option<&str>, kind: Kind, used: Option<&Principal>) -> Self {
        PrincipalReport {
            principal: name.to_owned(),
            account: account.map(str::to_owned),
            kind: kind.as_str(),
            in_inventory: None,
            first: used.map(|used| used.first),
            last: used.map(|used| used.last),
            last_console_login: used.and_then(|used| used.last_console_login),
            events: used.map_or(0, |used| used.events),
            actors: used
                .map(|used| used.actors.latest())
                .unwrap_or_default()
                .iter()
                .map(|row| row.0.to_owned())
                .collect(),
            services: Vec::new(),
            iam_last_accessed: Vec::new(),
            granted: None,
            missing_policies: Vec::new(),
            unused: UnusedActions::default(),
            unused_services: Vec::new(),
            used: UnusedActions::default(),
        }
    }
}

/// A user or role of which nothing was seen in the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusedPrincipal {
    /// ARN.
    pub principal: String,
    /// Account.
    pub account: String,
    /// Kind of identity.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// When it was made.
    #[serde(serialize_with = "instant::serialize_option")]
    pub created: Option<i64>,
    /// Last sign of life in logs, `RoleLastUsed` or the credential report.
    #[serde(serialize_with = "instant::serialize_option")]
    pub last_used: Option<i64>,
    /// The reason.
    pub why: Why,
}

/// A long-term access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyReport {
    /// The key's id; `null` where only the credential report knows the key.
    pub access_key_id: Option<String>,
    /// The owner.
    pub principal: String,
    /// Slot in the credential report.
    pub slot: Option<u8>,
    /// Whether it can be used; `null` where no credential report says so.
    pub active: Option<bool>,
    /// When it was made or last activated anew.
    #[serde(serialize_with = "instant::serialize_option")]
    pub last_rotated: Option<i64>,
    /// First request in the logs.
    #[serde(serialize_with = "instant::serialize_option")]
    pub first: Option<i64>,
    /// Last request in the logs or the credential report.
    #[serde(serialize_with = "instant::serialize_option")]
    pub last_used: Option<i64>,
    /// Last request in the logs alone.
    #[serde(skip)]
    pub last_logged: Option<i64>,
    /// Requests in the logs.
    pub count: u64,
    /// Why it stands here as unused; `null` for a key in use.
    pub unused: Option<Why>,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The time it speaks of.
    pub window: Window,
    /// Where the logs can be trusted.
    pub coverage: CoverageReport,
    /// Every principal of logs and inventory, by name.
    pub principals: Vec<PrincipalReport>,
    /// Users and roles of which nothing was seen in the window.
    pub unused_principals: Vec<UnusedPrincipal>,
    /// Long-term access keys.
    pub access_keys: Vec<KeyReport>,
    /// Roles whose permissions a service fixes; nothing of them can be taken away.
    pub service_linked_roles: Vec<String>,
    /// Events observed.
    pub events: u64,
    /// Events that name no principal.
    pub without_principal: u64,
    /// API calls that no table maps to an action.
    pub unmapped: u64,
    /// What could not be read and so is not counted.
    pub warnings: Vec<String>,
}

impl Report {
    pub(super) fn new(usage: &LastUsed, options: &Options, coverage: CoverageReport) -> Self {
        let totals = usage.totals();
        Report {
            window: Window { from: options.from(), to: options.now, days: options.window_days },
            coverage,
            principals: Vec::new(),
            unused_principals: Vec::new(),
            access_keys: Vec::new(),
            service_linked_roles: Vec::new(),
            events: totals.events,
            without_principal: totals.without_principal,
            unmapped: totals.unmapped,
            warnings: Vec::new(),
        }
    }
}
