//! The report in the shape of IAM's `GetServiceLastAccessedDetails`, for tools that expect that.
//!
//! Source: "GetServiceLastAccessedDetails" in the IAM API reference. As there, every attempt counts, a refused one too; unlike
//! there, every action that was used is listed, data events too. A document of its own for each user and role, which names its
//! principal under `Arn` and us under `Source`: it is our word, not IAM's, and only as complete as the logs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::instant;
use crate::unused::{PrincipalReport, Report};
use crate::usage::Kind;

/// One principal's document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Details<'a> {
    /// The principal; not in IAM's own.
    pub arn: &'a str,
    /// `trailhound`; not in IAM's own.
    pub source: &'static str,
    /// The first event of the account's logs; not in IAM's own.
    pub tracking_period_start: Option<String>,
    /// `COMPLETED`
    pub job_status: &'static str,
    /// `ACTION_LEVEL`
    pub job_type: &'static str,
    /// The end of the report's window.
    pub job_creation_date: String,
    /// The end of the report's window.
    pub job_completion_date: String,
    /// By service, those that are granted and those that were used.
    pub services_last_accessed: Vec<Service<'a>>,
    /// `false`
    pub is_truncated: bool,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Service<'a> {
    /// Name, where it is known; else the prefix.
    pub service_name: &'a str,
    /// Last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_authenticated: Option<String>,
    /// IAM prefix.
    pub service_namespace: &'a str,
    /// The principal, where there was an attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_authenticated_entity: Option<&'a str>,
    /// Region of the last attempt, where one region is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_authenticated_region: Option<&'a str>,
    /// 1 where there was an attempt.
    pub total_authenticated_entities: u32,
    /// Of services that were used: the actions used, and those granted and not used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tracked_actions_last_accessed: Vec<Action<'a>>,
}

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Action<'a> {
    /// Name without the prefix.
    pub action_name: &'a str,
    /// The principal, where there was an attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_accessed_entity: Option<&'a str>,
    /// Last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_accessed_time: Option<String>,
    /// Region of the last attempt, where one region is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_accessed_region: Option<&'a str>,
}

/// The document of one principal; `None` for what is no user and no role.
pub fn details<'a>(report: &'a Report, principal: &'a PrincipalReport) -> Option<Details<'a>> {
    let is_entity = [Kind::IamUser.as_str(), Kind::Role.as_str()].contains(&principal.kind);
    if !is_entity || !principal.principal.starts_with("arn:") {
        return None;
    }
    let end = instant::format(report.window.to);
    let accounts = report.coverage.accounts.iter();
    let account = accounts.into_iter().find(|account| Some(&account.account) == principal.account.as_ref());
    Some(Details {
        arn: &principal.principal,
        source: "trailhound",
        tracking_period_start: account.and_then(|account| account.first_event).map(instant::format),
        job_status: "COMPLETED",
        job_type: "ACTION_LEVEL",
        job_creation_date: end.clone(),
        job_completion_date: end,
        services_last_accessed: services(principal),
        is_truncated: false,
    })
}

fn services(principal: &PrincipalReport) -> Vec<Service<'_>> {
    let mut granted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, _) in principal.unused.iter() {
        if let Some((service, action)) = name.split_once(':') {
            granted.entry(service).or_default().push(action);
        }
    }
    let used = principal.services.iter().map(|service| service.service.as_str());
    let recorded = principal.iam_last_accessed.iter().map(|service| service.service.as_str());
    let names: std::collections::BTreeSet<&str> = granted.keys().copied().chain(used).chain(recorded).collect();
    names.into_iter().map(|name| service(principal, name, granted.get(name).map_or(&[], Vec::as_slice))).collect()
}

fn service<'a>(principal: &'a PrincipalReport, name: &'a str, unused: &[&'a str]) -> Service<'a> {
    let used = principal.services.iter().find(|service| service.service == name);
    let actions = used.map(|service| service.actions.as_slice()).unwrap_or_default();
    let recorded = principal.iam_last_accessed.iter().find(|service| service.service == name);
    let latest = actions.iter().max_by_key(|action| action.last_attempt);
    let by_log = latest.map(|action| (action.last_attempt, only(&action.regions)));
    let by_iam = recorded.map(|service| (service.last_accessed, service.region.as_deref()));
    let last = by_log.max(by_iam);
    let mut tracked: Vec<Action<'a>> = actions
        .iter()
        .map(|action| Action {
            action_name: action.action.split_once(':').map_or(action.action.as_str(), |(_, name)| name),
            last_accessed_entity: Some(&principal.principal),
            last_accessed_time: Some(instant::format(action.last_attempt)),
            last_accessed_region: only(&action.regions),
        })
        .collect();
    // A service that nothing was used of says so itself; listing its actions would say it some hundred times.
    if !tracked.is_empty() {
        let rested = |name: &&'a str| Action {
            action_name: name,
            last_accessed_entity: None,
            last_accessed_time: None,
            last_accessed_region: None,
        };
        tracked.extend(unused.iter().map(rested));
        tracked.sort_by(|a, b| a.action_name.cmp(b.action_name).then(b.last_accessed_time.cmp(&a.last_accessed_time)));
        tracked.dedup_by_key(|action| action.action_name);
    }
    Service {
        service_name: ingest::action::service_name(name).unwrap_or(name),
        last_authenticated: last.map(|(time, _)| instant::format(time)),
        service_namespace: name,
        last_authenticated_entity: last.map(|_| principal.principal.as_str()),
        last_authenticated_region: last.and_then(|(_, region)| region),
        total_authenticated_entities: u32::from(last.is_some()),
        tracked_actions_last_accessed: tracked,
    }
}

/// Of several regions none is known to be that of the last attempt.
fn only(regions: &[String]) -> Option<&str> {
    match regions {
        [one] => Some(one),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{arn, batch, call};
    use crate::inventory::Inventory;
    use crate::unused::{self, Options};
    use crate::usage::LastUsed;

    #[test]
    fn the_shape_is_iams_and_our_own_reader_takes_it() {
        let page = json!({"UserDetailList": [{"Arn": arn("ann"), "UserName": "ann", "CreateDate": "2020-01-01T00:00:00Z",
            "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": ["sqs:CreateQueue", "sqs:DeleteQueue", "kms:Decrypt"], "Resource": "*"}}}]}]});
        let mut usage = LastUsed::default();
        usage.observe(&batch(&[call("ann", "sqs", "CreateQueue", "2026-03-22T00:00:00Z")]));
        let options = Options::new(instant::parse("2026-04-01T00:00:00Z").unwrap());
        let inventories = [Inventory::parse(&page.to_string(), "gaad.json").unwrap()];
        let report = unused::report(&usage, &inventories, &options);
        let found = serde_json::to_value(details(&report, &report.principals[0]).unwrap()).unwrap();
        let services = found["ServicesLastAccessed"].as_array().unwrap();
        assert_eq!(
            services[0],
            json!({"ServiceName": "AWS Key Management Service", "ServiceNamespace": "kms", "TotalAuthenticatedEntities": 0})
        );
        assert_eq!(
            (&services[1]["LastAuthenticated"], &services[1]["LastAuthenticatedEntity"]),
            (&json!("2026-03-22T00:00:00Z"), &json!(arn("ann")))
        );
        assert_eq!(
            services[1]["TrackedActionsLastAccessed"],
            json!([{"ActionName": "CreateQueue", "LastAccessedEntity": arn("ann"), "LastAccessedTime": "2026-03-22T00:00:00Z", "LastAccessedRegion": "us-east-1"},
                   {"ActionName": "DeleteQueue"}])
        );
        let mut again = Inventory::default();
        again.add_accessed(&json!([found]).to_string(), None, "ours.json").unwrap();
        let record = &again.accessed[&arn("ann")];
        assert_eq!(record.last(), instant::parse("2026-03-22T00:00:00Z"));
        // Ours is as complete as the logs, which is not what IAM's own promises.
        assert!(!record.covers(options.from(), options.now));
    }
}
