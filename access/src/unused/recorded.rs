//! What IAM's own record of last access adds to the logs: it reaches back 400 days, sees data events, and has no gaps.
//!
//! It knows services, and only some actions of some services; it counts refused attempts as access. So it can show that
//! nothing of a service was used where the logs cannot, and that something was used where the logs show nothing; it never
//! overrules a call that the logs have.

use super::{IamAccess, Options, ServiceUse, UnusedActions, Why};
use crate::inventory::{Accessed, Inventory};
use crate::policy::ActionSet;

/// Doubts of the logs that a record without gaps takes away. What no event shows is not in the record either.
const CURABLE: &[Why] = &[
    Why::DataEventsOff,
    Why::ReadEventsOff,
    Why::ExcludedEvents,
    Why::GlobalServiceRegionMissing,
    Why::LimitsReached,
    Why::HistoryTooShort,
    Why::GapInLogs,
];

/// IAM's record of one principal, if there is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recorded<'a> {
    accessed: Option<&'a Accessed>,
    from: i64,
    to: i64,
}

impl<'a> Recorded<'a> {
    pub(super) fn of(inventories: &'a [Inventory], arn: &str, options: &Options) -> Recorded<'a> {
        let accessed = inventories.iter().find_map(|inventory| inventory.accessed.get(arn));
        Recorded { accessed, from: options.from(), to: options.now }
    }

    /// Whether it tells of the whole window.
    pub(super) fn covers(&self) -> bool {
        self.accessed.is_some_and(|accessed| accessed.covers(self.from, self.to))
    }

    /// The last attempt at anything.
    pub(super) fn last(&self) -> Option<i64> {
        self.accessed?.last()
    }

    /// The services that were used.
    pub(super) fn services(&self) -> Vec<IamAccess> {
        let services = self.accessed.into_iter().flat_map(|accessed| &accessed.services);
        let used = services.filter_map(|(name, service)| {
            Some(IamAccess { service: name.clone(), last_accessed: service.last?, region: service.region.clone() })
        });
        used.collect()
    }

    /// Takes out what IAM saw used within the window, and settles what the logs alone could not know. `established`:
    /// actions that were granted for the whole window.
    pub(super) fn refine(&self, unused: &mut UnusedActions, logged: &[ServiceUse], established: &ActionSet) {
        let Some(accessed) = self.accessed else { return };
        let (mut used, mut rested, mut unexplained) = (ActionSet::none(), ActionSet::none(), ActionSet::none());
        for (prefix, service) in &accessed.services {
            let within = |time: &Option<i64>| time.is_some_and(|time| time >= self.from);
            let tracked = |wanted: bool| {
                let named = service.actions.iter().filter(move |(_, time)| within(time) == wanted);
                named.map(|(name, _)| format!("{prefix}:{name}"))
            };
            for name in tracked(true) {
                used.insert(&name);
            }
            for name in tracked(false) {
                rested.insert(&name);
            }
            if !within(&service.last) {
                rested.union(&ActionSet::of_service(prefix));
            } else if tracked(true).next().is_none() && !self.is_logged(logged, prefix) {
                unexplained.union(&ActionSet::of_service(prefix));
            }
        }
        unused.remove(&used);
        if self.covers() {
            let mut recent = rested.clone();
            recent.subtract(established);
            rested.intersect(established);
            unused.settle(&rested, CURABLE, Why::NotUsed);
            unused.settle(&recent, CURABLE, Why::GrantedTooRecently);
            // A tracked action that rested is known to have rested, whatever else of its service was used.
            unexplained.subtract(&rested);
        }
        unused.settle(&unexplained, &[Why::NotUsed], Why::UsedByIamsRecord);
    }

    /// Whether the logs have any attempt at the service within the window, refused or not: then that is what IAM saw.
    fn is_logged(&self, logged: &[ServiceUse], prefix: &str) -> bool {
        let service = logged.iter().find(|service| service.service == prefix);
        service.is_some_and(|service| service.actions.iter().any(|action| action.last_attempt >= self.from))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{arn, batch, call};
    use crate::instant;
    use crate::unused::report;
    use crate::usage::LastUsed;

    const NOW: &str = "2026-04-01T00:00:00Z";

    /// The reasons of ann's actions, whose logs begin ten days before the end, with IAM's record of these services.
    fn whys(services: Value, completed: &str) -> Vec<(&'static str, Why)> {
        let actions = ["s3:GetObject", "s3:CreateBucket", "kms:Decrypt", "sqs:CreateQueue", "iam:PassRole"];
        let page = json!({"UserDetailList": [{"Arn": arn("ann"), "UserName": "ann", "CreateDate": "2020-01-01T00:00:00Z",
            "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}}]}]});
        let mut inventory = Inventory::parse(&page.to_string(), "gaad.json").unwrap();
        if services != Value::Null {
            let details =
                json!({"JobStatus": "COMPLETED", "JobCompletionDate": completed, "ServicesLastAccessed": services});
            inventory.add_accessed(&details.to_string(), Some(&arn("ann")), "last.json").unwrap();
        }
        let mut usage = LastUsed::default();
        usage.observe(&batch(&[call("ann", "sqs", "CreateQueue", "2026-03-22T00:00:00Z")]));
        let options = Options::new(instant::parse(NOW).unwrap());
        let report = report(&usage, &[inventory], &options);
        report.principals[0].unused.iter().collect()
    }

    fn service(name: &str, last: Option<&str>, actions: Value) -> Value {
        json!({"ServiceName": name, "ServiceNamespace": name, "LastAuthenticated": last, "TrackedActionsLastAccessed": actions})
    }

    #[test]
    fn what_rested_by_iams_record_is_certain_where_the_logs_are_short() {
        use Why::{DataEventsOff, HistoryTooShort, NotUsed, Unobservable};
        let without = whys(Value::Null, NOW);
        assert_eq!(
            without,
            [
                ("iam:PassRole", Unobservable),
                ("kms:Decrypt", HistoryTooShort),
                ("s3:CreateBucket", HistoryTooShort),
                ("s3:GetObject", DataEventsOff)
            ]
        );
        let rested = json!([service("s3", None, json!([])), service("kms", Some("2025-06-01T00:00:00Z"), json!([]))]);
        let with = [
            ("iam:PassRole", Unobservable),
            ("kms:Decrypt", NotUsed),
            ("s3:CreateBucket", NotUsed),
            ("s3:GetObject", NotUsed),
        ];
        assert_eq!(whys(rested.clone(), NOW), with);
        // A record that was made long before the end does not tell of it.
        assert_eq!(whys(rested, "2026-03-20T00:00:00Z"), without);
    }

    #[test]
    fn what_was_used_by_iams_record_is_not_called_unused() {
        let recent = Some("2026-02-01T00:00:00Z");
        let actions =
            json!([{"ActionName": "CreateBucket", "LastAccessedTime": recent}, {"ActionName": "DeleteBucket"}]);
        let found = whys(json!([service("s3", recent, actions), service("kms", recent, json!([]))]), NOW);
        assert_eq!(found.iter().find(|row| row.0 == "s3:CreateBucket"), None);
        assert_eq!(found.iter().find(|row| row.0 == "kms:Decrypt").unwrap().1, Why::HistoryTooShort);
    }

    #[test]
    fn use_that_the_logs_do_not_explain_is_told() {
        let mut unused = UnusedActions::default();
        unused.add(Why::NotUsed, ActionSet::of_service("sqs"));
        let mut accessed = Accessed { completed: Some(1000), ..Accessed::default() };
        accessed.services.entry("sqs".to_owned()).or_default().last = Some(10);
        let recorded = Recorded { accessed: Some(&accessed), from: 5, to: 1000 };
        recorded.refine(&mut unused, &[], &ActionSet::all());
        assert_eq!(unused.why("sqs:SendMessage"), Some(Why::UsedByIamsRecord));
    }
}
