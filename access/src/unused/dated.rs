//! What IAM's dates add to the logs: `RoleLastUsed` of a role, and the last use of each key in the credential report.
//!
//! They see every request, data events and calls of regions without logs among them, and say of one when it was: of a key
//! with its service. Where the logs do not show that use, it may have been of any action that they show unused. Source:
//! "RoleLastUsed" in the IAM API reference, "Getting credential reports for your AWS account" in the IAM user guide.

use super::{ServiceUse, UnusedActions, Why, logged};
use crate::instant::DAY;
use crate::inventory::{Credentials, Entity, ReportedKey};
use crate::policy::ActionSet;
use crate::usage::LastUsed;

/// IAM's dates round to minutes and come hours late, so a use that the logs have may be dated a little after it.
const SLACK: i64 = DAY;

/// IAM's dates of one principal that do not stand in its entity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dated<'a> {
    /// The credential report's row.
    pub(super) credentials: Option<&'a Credentials>,
}

impl Dated<'_> {
    /// Takes certainty from what IAM saw used since `from` and the logs do not show.
    pub(super) fn refine(
        &self,
        unused: &mut UnusedActions,
        usage: &LastUsed,
        entity: &Entity,
        services: &[ServiceUse],
        from: i64,
    ) {
        let last = logged(usage, entity).map(|principal| principal.last).max();
        let is_hidden = |used: i64, seen: Option<i64>| used >= from && seen.is_none_or(|seen| seen < used - SLACK);
        let mut settle = |actions: &ActionSet| unused.settle(actions, &[Why::NotUsed], Why::UsedByIamsRecord);
        if entity.role_last_used.as_ref().and_then(|used| used.time).is_some_and(|used| is_hidden(used, last)) {
            settle(&ActionSet::all());
        }
        for key in self.credentials.iter().flat_map(|found| &found.keys) {
            let Some(used) = key.last_used else { continue };
            match service(key) {
                None if is_hidden(used, last) => settle(&ActionSet::all()),
                Some(prefix) if is_hidden(used, last_of(services, &prefix)) => settle(&ActionSet::of_service(&prefix)),
                _ => {}
            }
        }
    }
}

/// The prefix of the service that a key was last used for; `None` where the report does not say, or names none that is known.
fn service(key: &ReportedKey) -> Option<String> {
    let name = key.last_used_service.as_deref()?.to_ascii_lowercase();
    (!ingest::action::actions_of(&name).is_empty()).then_some(name)
}

fn last_of(services: &[ServiceUse], prefix: &str) -> Option<i64> {
    let of = services.iter().filter(|service| service.service == prefix);
    of.flat_map(|service| service.actions.iter().map(|action| action.last_attempt)).max()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixture::{arn, batch, call};
    use crate::instant;
    use crate::inventory::Inventory;
    use crate::unused::{Options, report};

    const NOW: &str = "2026-04-01T00:00:00Z";
    const ROLE: &str = "arn:aws:iam::111111111111:role/app";

    /// Every day's call of somebody else, so that the logs have no gap; and these.
    fn usage(more: &[Value]) -> LastUsed {
        let end = instant::parse(NOW).unwrap();
        let day = |day: i64| call("bob", "ec2", "DescribeInstances", &instant::format(end - day * DAY));
        let mut records: Vec<Value> = (0..100).map(day).collect();
        records.extend_from_slice(more);
        let mut usage = LastUsed::default();
        usage.observe(&batch(&records));
        usage
    }

    fn allow() -> Value {
        json!([{"PolicyName": "p", "PolicyDocument": {"Statement": [
            {"Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "sqs:CreateQueue"], "Resource": "*"}]}}])
    }

    fn whys(inventory: Inventory, usage: &LastUsed, who: &str) -> Vec<(&'static str, Why)> {
        let report = report(usage, &[inventory], &Options::new(instant::parse(NOW).unwrap()));
        let row = report.principals.iter().find(|row| row.principal == who).unwrap();
        row.unused.iter().collect()
    }

    fn of_role(last_used: &str, more: &[Value]) -> Vec<(&'static str, Why)> {
        let page = json!({"RoleDetailList": [{"Arn": ROLE, "RoleName": "app", "CreateDate": "2020-01-01T00:00:00Z",
            "RoleLastUsed": {"LastUsedDate": last_used, "Region": "us-east-1"}, "RolePolicyList": allow()}]});
        whys(Inventory::parse(&page.to_string(), "g").unwrap(), &usage(more), ROLE)
    }

    #[test]
    fn a_role_that_iam_saw_used_and_the_logs_did_not_has_nothing_that_can_go() {
        use Why::{NotUsed, UsedByIamsRecord};
        let both = |why| vec![("s3:ListAllMyBuckets", why), ("sqs:CreateQueue", why)];
        assert_eq!(of_role("2026-03-20T00:00:00Z", &[]), both(UsedByIamsRecord));
        // Before the window it tells nothing of it.
        assert_eq!(of_role("2025-03-20T00:00:00Z", &[]), both(NotUsed));
        let mut session = call("x", "ec2", "DescribeInstances", "2026-03-19T23:00:00Z");
        session["userIdentity"] = json!({"type": "AssumedRole", "arn": "arn:aws:sts::111111111111:assumed-role/app/s", "accountId": "111111111111",
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE, "accountId": "111111111111", "userName": "app"}}});
        // What IAM saw is in the logs.
        assert_eq!(of_role("2026-03-20T00:00:00Z", std::slice::from_ref(&session)), both(NotUsed));
        assert_eq!(of_role("2026-03-25T00:00:00Z", &[session]), both(UsedByIamsRecord));
    }

    #[test]
    fn a_key_that_iam_saw_used_for_a_service_keeps_that_service() {
        let page = json!({"UserDetailList": [{"Arn": arn("ann"), "UserName": "ann", "CreateDate": "2020-01-01T00:00:00Z", "UserPolicyList": allow()}]});
        let found = |service: &str, more: &[Value]| {
            let mut inventory = Inventory::parse(&page.to_string(), "g").unwrap();
            let head = "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_service,access_key_2_active";
            let row = format!(
                "ann,{},2020-01-01T00:00:00Z,false,false,true,2020-01-01T00:00:00Z,2026-03-25T00:00:00Z,{service},false",
                arn("ann")
            );
            inventory.add_credential_report(&format!("{head}\n{row}\n"), "c.csv").unwrap();
            whys(inventory, &usage(more), &arn("ann")).into_iter().map(|row| row.1).collect::<Vec<_>>()
        };
        use Why::{NotUsed, UsedByIamsRecord};
        assert_eq!(found("s3", &[]), [UsedByIamsRecord, NotUsed]);
        assert_eq!(found("N/A", &[]), [UsedByIamsRecord, UsedByIamsRecord]);
        let seen = call("ann", "s3", "GetBucketAcl", "2026-03-25T00:00:00Z");
        assert_eq!(found("s3", &[seen]), [NotUsed, NotUsed]);
    }
}
