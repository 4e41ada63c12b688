//! Grants minus use: what each principal has and did not use, and of each whether that can be known at all.
//!
//! `report` takes the table of facts and the inventories, and gives the whole answer as one value that serialises to
//! the documented JSON (`access --output json`). "Unused" is said only where the logs would have shown use: every
//! other leftover carries the reason why it cannot be known ([`Why`]). Knows facts, inventories and policies; must not
//! know how a report is printed.

mod covered;
mod credential;
mod dated;
mod doubt;
mod recorded;
mod shape;
mod why;

use std::collections::BTreeMap;

pub use covered::{AccountCoverage, CoverageReport, RegionCoverage, Silent};
pub use shape::{
    ActionUse, IamAccess, KeyReport, PrincipalReport, Report, ServiceUse, UnusedPrincipal, UnusedService, Window,
};
pub use why::{UnusedActions, Why};

use crate::instant::DAY;
use crate::inventory::{Entity, Granted, Grants, Inventory};
use crate::policy::ActionSet;
use crate::tagged;
use crate::usage::{Kind, LastUsed, Principal};
use dated::Dated;
use doubt::{Doubts, Question};
use recorded::Recorded;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The end of the window, microseconds.
    pub now: i64,
    /// Days that a permission may rest before it is unused.
    pub window_days: u32,
    /// Days without any event of an account that count as a gap in its logs. A busy account has none; a quiet one has
    /// some, and a few of them hide little.
    pub max_silence_days: u32,
}

impl Options {
    /// 90 days up to `now`; a gap is a week.
    pub fn new(now: i64) -> Self {
        Options { now, window_days: 90, max_silence_days: 7 }
    }

    /// The start of the window, microseconds.
    pub fn from(&self) -> i64 {
        self.now.saturating_sub(i64::from(self.window_days).saturating_mul(DAY))
    }
}

/// One principal while the report is made.
#[derive(Debug, Clone, Copy, Default)]
struct Known<'a> {
    used: Option<&'a Principal>,
    entity: Option<(usize, &'a Entity)>,
}

/// Compares what is granted with what was used. Without inventories it tells what was last used, and nothing is unused.
pub fn report(usage: &LastUsed, inventories: &[Inventory], options: &Options) -> Report {
    let doubts = Doubts::new(usage, options);
    let grants: Vec<_> = inventories.iter().map(|inventory| Grants::new(inventory, options.from())).collect();
    let mut warnings: Vec<String> = inventories.iter().flat_map(|inventory| inventory.warnings.clone()).collect();
    let mut known: BTreeMap<&str, Known<'_>> = BTreeMap::new();
    let mut twice = Vec::new();
    for principal in usage.principals() {
        known.entry(&principal.name).or_default().used = Some(principal);
    }
    for (at, inventory) in inventories.iter().enumerate() {
        for entity in &inventory.entities {
            let slot = &mut known.entry(&entity.arn).or_default().entity;
            match slot {
                Some((_, first)) if *first != entity => twice.push(entity.arn.as_str()),
                Some(_) => {}
                None => *slot = Some((at, entity)),
            }
        }
    }
    if let Some(first) = twice.iter().min() {
        let more = if twice.len() > 1 { format!(" and {} more stand", twice.len() - 1) } else { " stands".to_owned() };
        warnings.push(format!(
            "{first}{more} in more than one inventory with different contents; the first of each is used"
        ));
    }
    let mut report = Report::new(usage, options, doubts.coverage_report());
    for (name, known) in &known {
        let granted = known.entity.and_then(|(at, entity)| Some((entity, grants.get(at)?.of(entity))));
        let recorded = Recorded::of(inventories, name, options);
        if let Some((entity, granted)) = &granted {
            warnings.extend(missing(entity, granted));
            if entity.is_service_linked() {
                report.service_linked_roles.push((*name).to_owned());
            } else {
                let credentials = credential::of(inventories, &entity.arn);
                let traces = Traces { usage, credentials, recorded: &recorded };
                report.unused_principals.extend(unused_principal(&traces, entity, granted, &doubts, options));
            }
        }
        let granted = granted.filter(|(entity, _)| !entity.is_service_linked());
        let dated = Dated { credentials: credential::of(inventories, name) };
        let mut row = principal(usage, name, known, granted.as_ref(), &doubts, &recorded, &dated);
        row.in_inventory = (!inventories.is_empty()).then_some(known.entity.is_some());
        report.principals.push(row);
    }
    report.access_keys = credential::keys(usage, inventories, &doubts, options);
    if usage.totals().dropped > 0 {
        let dropped = usage.totals().dropped;
        warnings.push(format!(
            "{dropped} facts had no room and are missing, so nothing is called unused: split the input by account"
        ));
    }
    warnings.sort_unstable();
    warnings.dedup();
    report.warnings = warnings;
    report
}

fn missing(entity: &Entity, granted: &Granted) -> Vec<String> {
    let next = "run get-account-authorization-details without a filter";
    let lacks = granted.lacking.policies.iter().map(|arn| {
        let unknown = "cannot be read or is not in the inventory, so what it grants or denies cannot be known";
        format!("policy {arn} of {} {unknown}: {next}", entity.arn)
    });
    let boundary = granted.lacking.boundary.iter().map(|arn| {
        let unknown = "cannot be read or is not in the inventory, so it cannot be known how much less it leaves";
        format!("permissions boundary {arn} of {} {unknown}: {next}", entity.arn)
    });
    let unknown = granted.unknown.iter().map(|pattern| {
        format!(
            "{} is granted {pattern:?}, which names no known action: misspelt, or newer than the catalogue",
            entity.arn
        )
    });
    lacks.chain(boundary).chain(unknown).collect()
}

fn principal(
    usage: &LastUsed,
    name: &str,
    known: &Known<'_>,
    granted: Option<&(&Entity, Granted)>,
    doubts: &Doubts<'_>,
    recorded: &Recorded<'_>,
    dated: &Dated<'_>,
) -> PrincipalReport {
    let account = crate::usage::account_of(name);
    let kind = match (known.used, known.entity) {
        (Some(used), _) => used.kind(),
        (None, Some((_, entity))) => entity.kind,
        (None, None) => Kind::Unknown,
    };
    let mut report = PrincipalReport::new(name, account, kind, known.used);
    report.iam_last_accessed = recorded.services();
    report.services = known.used.map(|used| shape::services(usage, used)).unwrap_or_default();
    if let Some((entity, granted)) = granted {
        let used = used_actions(usage, entity, doubts.from());
        let mut unused = granted.now.clone();
        unused.subtract(&used);
        let question = Question { arn: name, account: entity.account(), established: &granted.established };
        report.granted = Some(granted.now.len());
        report.missing_policies = granted.lacking.names().map(str::to_owned).collect();
        report.unused = doubts.sort(&question, unused);
        let mut seen = used.clone();
        seen.intersect(&granted.now);
        report.used = doubts.sort(&question, seen);
        recorded.refine(&mut report.unused, &report.services, &granted.established);
        if !recorded.covers() {
            dated.refine(&mut report.unused, usage, entity, &report.services, doubts.from());
        }
        // Tags that something was given as it was made leave no event of their own.
        report.unused.settle(&tagged::unseen(&used), &[Why::NotUsed, Why::GrantedTooRecently], Why::Unobservable);
        report.unused_services = why::services(&granted.now, &used, &report.unused);
    }
    report
}

/// The principals of the log that are this entity: a session without its issuer names the role without its path.
fn logged<'a>(usage: &'a LastUsed, entity: &'a Entity) -> impl Iterator<Item = &'a Principal> + use<'a> {
    let pathless = entity.arn.split_once('/').zip(entity.arn.rsplit_once('/')).and_then(|((head, rest), (_, name))| {
        (entity.kind == Kind::Role && rest != name).then(|| format!("{head}/{name}"))
    });
    usage.principal(&entity.arn).into_iter().chain(pathless.and_then(|arn| usage.principal(&arn)))
}

/// Actions that the entity used within the window: called, and not refused.
fn used_actions(usage: &LastUsed, entity: &Entity, from: i64) -> ActionSet {
    let mut set = ActionSet::none();
    for principal in logged(usage, entity) {
        for (action, fact) in usage.facts(principal) {
            if fact.last_use.is_some_and(|time| time >= from) {
                set.insert(action);
            }
        }
    }
    set
}

/// Where signs of life may be.
struct Traces<'a> {
    usage: &'a LastUsed,
    credentials: Option<&'a crate::inventory::Credentials>,
    recorded: &'a Recorded<'a>,
}

/// Whether nothing at all was seen of the entity within the window. A refused attempt is a sign of life too.
fn unused_principal(
    traces: &Traces<'_>,
    entity: &Entity,
    granted: &Granted,
    doubts: &Doubts<'_>,
    options: &Options,
) -> Option<UnusedPrincipal> {
    let reported = traces.credentials.map(|found| {
        let keys = found.keys.iter().filter_map(|key| key.last_used);
        keys.chain(found.password_last_used).max()
    });
    let by_iam = entity.role_last_used.as_ref().map(|used| used.time).or(reported);
    let by_log = logged(traces.usage, entity).map(|principal| principal.last).max();
    let by_log = by_log.max(traces.usage.last_assumed(&entity.arn));
    let last_used = by_log.max(by_iam.flatten()).max(traces.recorded.last());
    if last_used.is_some_and(|time| time >= options.from()) {
        return None;
    }
    // IAM's own dates see data events too; without them a principal that only reads objects leaves no trace.
    let covered = traces.recorded.covers();
    // A policy that is not there may allow any of them.
    let anything = (!granted.lacking.policies.is_empty()).then(ActionSet::all);
    let may = anything.as_ref().unwrap_or(&granted.now);
    let invisible = by_iam.is_none() && !covered && doubts.hides_data_events(entity.account(), may);
    let why = if invisible {
        Why::DataEventsOff
    } else {
        // Whoever is assumed is seen by an event that only reads.
        let lacks = by_iam.is_none() && doubts.lacks_reads(entity.account());
        let doubt = if lacks { Some(Why::ReadEventsOff) } else { doubts.of_account(entity.account()) };
        let doubt = doubt.filter(|_| !covered);
        doubt.unwrap_or(match entity.created {
            Some(created) if created > options.from() => Why::GrantedTooRecently,
            _ => Why::NotUsed,
        })
    };
    Some(UnusedPrincipal {
        principal: entity.arn.clone(),
        account: entity.account().to_owned(),
        kind: entity.kind.as_str(),
        created: entity.created,
        last_used,
        why,
    })
}

#[cfg(test)]
mod tests;
