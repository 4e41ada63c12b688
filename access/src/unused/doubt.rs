//! What the logs cannot tell: for an account and a set of actions, the reasons to doubt that "not seen" is "not used".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use ingest::action::{self, Action, Level};

use super::covered::{AccountCoverage, CoverageReport};
use super::{Options, UnusedActions, Why};
use crate::coverage::{Account, Coverage};
use crate::instant::{DAY, day_of};
use crate::policy::ActionSet;
use crate::usage::LastUsed;

/// Services that CloudTrail records in one region of the partition, wherever the caller is. Source: "Global service
/// events" in the CloudTrail user guide and the CloudTrail page of each service.
const GLOBAL_SERVICES: [&str; 14] = [
    "account",
    "artifact",
    "aws-portal",
    "billing",
    "budgets",
    "ce",
    "cloudfront",
    "health",
    "iam",
    "organizations",
    "route53",
    "route53domains",
    "support",
    "waf",
];

/// Services whose management events a trail can leave out ("Logging management events", CloudTrail user guide: `kms.amazonaws.com` and
/// `rdsdata.amazonaws.com` of `ExcludeManagementEventSources`), by their prefix of actions.
const EXCLUDABLE: [&str; 2] = ["kms", "rds-data"];

/// Events among which one that only reads would be, if the trail logged them: most calls only read.
const MANY: u64 = 100;

/// The actions whose use we ask after.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// The principal.
    pub(super) arn: &'a str,
    /// Its account.
    pub(super) account: &'a str,
    /// Actions known to be granted since the window's start.
    pub(super) established: &'a ActionSet,
}

/// The coverage of the logs, as an answer to "would we have seen it?".
#[derive(Debug)]
pub(super) struct Doubts<'a> {
    coverage: &'a Coverage,
    options: Options,
    /// What the logs of accounts with many events have none of.
    lacks: BTreeMap<String, Lacks>,
    /// Facts were left out for want of room.
    incomplete: bool,
    nothing: Account,
}

struct Masks {
    unobservable: ActionSet,
    global: ActionSet,
    /// What only reads, and stands among management events.
    reads: ActionSet,
    /// By service that a trail can leave out.
    excludable: BTreeMap<&'static str, ActionSet>,
    /// By resource type of data events.
    data: BTreeMap<&'static str, ActionSet>,
}

fn masks() -> &'static Masks {
    static MASKS: OnceLock<Masks> = OnceLock::new();
    MASKS.get_or_init(|| {
        let mut data: BTreeMap<&'static str, ActionSet> = BTreeMap::new();
        for (index, action) in action::actions().iter().enumerate() {
            if let Some(kind) = action::data_event_type(action.name) {
                data.entry(kind).or_default().insert_index(index);
            }
        }
        Masks {
            unobservable: ActionSet::matching(|action| !action.observable),
            global: ActionSet::matching(|action| GLOBAL_SERVICES.contains(&action.service())),
            reads: ActionSet::matching(is_read),
            excludable: EXCLUDABLE
                .into_iter()
                .map(|service| (service, ActionSet::matching(|action| action.service() == service)))
                .collect(),
            data,
        }
    })
}

/// Whether an action's use is a management event that only reads. CloudTrail calls `AssumeRole` one of those.
fn is_read(action: &Action) -> bool {
    let reads = matches!(action.level, Level::Read | Level::List) || action.name.starts_with("sts:AssumeRole");
    reads && action.observable && action::data_event_type(action.name).is_none()
}

/// What the logs of an account have no event of, though it has many.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lacks {
    /// Events that only read: the trail logs `WriteOnly` ("Read and write events", CloudTrail user guide).
    reads: bool,
    /// Services that a trail can leave out.
    services: BTreeSet<&'static str>,
}

fn lacks(usage: &LastUsed, from: i64) -> BTreeMap<String, Lacks> {
    let none = || (0_u64, Lacks { reads: true, services: BTreeSet::from(EXCLUDABLE) });
    let mut seen: BTreeMap<String, (u64, Lacks)> = BTreeMap::new();
    for principal in usage.principals() {
        let Some(account) = crate::usage::account_of(&principal.name) else { continue };
        let (events, lacks) = seen.entry(account.to_owned()).or_insert_with(none);
        for (name, fact) in usage.facts(principal).into_iter().filter(|(_, fact)| fact.last_attempt >= from) {
            *events += fact.count;
            let known = action::index_of(name).and_then(|at| action::actions().get(at));
            lacks.reads &= !known.is_some_and(is_read);
            lacks.services.retain(|service| name.split(':').next() != Some(service));
        }
    }
    seen.into_iter().filter(|(_, (events, _))| *events >= MANY).map(|(account, (_, lacks))| (account, lacks)).collect()
}

impl<'a> Doubts<'a> {
    pub(super) fn new(usage: &'a LastUsed, options: &Options) -> Self {
        let incomplete = usage.totals().dropped > 0;
        let lacks = lacks(usage, options.from());
        Doubts { coverage: usage.coverage(), options: *options, lacks, incomplete, nothing: Account::default() }
    }

    /// The start of the window.
    pub(super) fn from(&self) -> i64 {
        self.options.from()
    }

    fn account(&self, account: &str) -> &Account {
        self.coverage.accounts().get(account).unwrap_or(&self.nothing)
    }

    /// Sorts unused actions by the reason that stands first.
    pub(super) fn sort(&self, question: &Question<'_>, mut unused: ActionSet) -> UnusedActions {
        let mut sorted = UnusedActions::default();
        let mut take = |why, unused: &mut ActionSet, mask: Option<&ActionSet>| {
            let mut part = unused.clone();
            if let Some(mask) = mask {
                part.intersect(mask);
            }
            unused.subtract(&part);
            sorted.add(why, part);
        };
        take(Why::Unobservable, &mut unused, Some(&masks().unobservable));
        take(Why::DataEventsOff, &mut unused, Some(&self.unlogged(question.account)));
        if self.lacks_reads(question.account) {
            take(Why::ReadEventsOff, &mut unused, Some(&masks().reads));
        }
        take(Why::ExcludedEvents, &mut unused, Some(&self.excluded(question.account)));
        if !self.has_home_region(question) {
            take(Why::GlobalServiceRegionMissing, &mut unused, Some(&masks().global));
        }
        if let Some(why) = self.of_account(question.account) {
            take(why, &mut unused, None);
        }
        let mut recent = unused.clone();
        recent.subtract(question.established);
        take(Why::GrantedTooRecently, &mut unused, Some(&recent));
        take(Why::NotUsed, &mut unused, None);
        sorted
    }

    /// Actions that only data events show, of types that the account's logs have none of.
    fn unlogged(&self, account: &str) -> ActionSet {
        let seen = &self.account(account).data_events;
        let mut set = ActionSet::none();
        masks().data.iter().filter(|(kind, _)| !seen.contains(*kind)).for_each(|(_, actions)| set.union(actions));
        set
    }

    /// Actions of services that a trail can leave out, and of which the account's many events have none.
    fn excluded(&self, account: &str) -> ActionSet {
        let mut set = ActionSet::none();
        let services = self.lacks.get(account).into_iter().flat_map(|lacks| &lacks.services);
        services.filter_map(|service| masks().excludable.get(service)).for_each(|actions| set.union(actions));
        set
    }

    /// Whether the account's logs have no event that only reads, and so none of a role that is assumed.
    pub(super) fn lacks_reads(&self, account: &str) -> bool {
        self.lacks.get(account).is_some_and(|lacks| lacks.reads)
    }

    /// Whether some of the actions can be used without a trace.
    pub(super) fn hides_data_events(&self, account: &str, granted: &ActionSet) -> bool {
        let mut hidden = self.unlogged(account);
        hidden.intersect(granted);
        !hidden.is_empty()
    }

    fn has_home_region(&self, question: &Question<'_>) -> bool {
        // China records IAM in cn-north-1, GovCloud in us-gov-west-1.
        let home = match question.arn.split(':').nth(1) {
            Some("aws-cn") => "cn-north-1",
            Some("aws-us-gov") => "us-gov-west-1",
            _ => "us-east-1",
        };
        self.account(question.account).has_region(home, day_of(self.from()), day_of(self.options.now))
    }

    /// Why the account's logs do not span the window, if they do not.
    pub(super) fn of_account(&self, account: &str) -> Option<Why> {
        if self.incomplete {
            return Some(Why::LimitsReached);
        }
        let account = self.account(account);
        let Some(first) = account.first() else { return Some(Why::HistoryTooShort) };
        // A day's grace: logs that begin in the course of the window's first day do span it.
        if first > self.from().saturating_add(DAY) {
            return Some(Why::HistoryTooShort);
        }
        let longest = self.silences(account).into_iter().map(|silence| silence.days()).max().unwrap_or(0);
        (longest >= self.options.max_silence_days.max(1)).then_some(Why::GapInLogs)
    }

    /// Silent days of the window; today is not over and does not count.
    fn silences(&self, account: &Account) -> Vec<crate::coverage::Silence> {
        account.silences(day_of(self.from()), day_of(self.options.now) - 1)
    }

    pub(super) fn coverage_report(&self) -> CoverageReport {
        let accounts =
            self.coverage.accounts().iter().map(|(name, account)| {
                AccountCoverage::new(name, account, &self.silences(account), self.of_account(name))
            });
        CoverageReport {
            first_event: self.coverage.first(),
            last_event: self.coverage.last(),
            accounts: accounts.collect(),
            dropped: self.coverage.dropped,
        }
    }
}
