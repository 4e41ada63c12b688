//! What IAM itself recorded of use: the JSON of `aws iam get-service-last-accessed-details`.
//!
//! Source: "GetServiceLastAccessedDetails" in the IAM API reference, "Refine permissions in AWS using last accessed
//! information" in the IAM user guide: attempts of the last 400 days, refused ones too, for services that identity policies
//! allow. The output names its principal only where that used something, so it may be said beside it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Entity, Error, Inventory};
use crate::instant::{self, DAY};
use crate::usage::Kind;

/// How far back IAM's record goes, in days.
pub const TRACKING_DAYS: i64 = 400;

/// IAM's record of one principal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accessed {
    /// When IAM finished it, microseconds; the earliest of several pages.
    pub completed: Option<i64>,
    /// By IAM prefix. Every service that identity policies allow is there, used or not.
    pub services: BTreeMap<String, AccessedService>,
}

/// IAM's record of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessedService {
    /// Last attempt, microseconds; `None` where there was none in the tracking period.
    pub last: Option<i64>,
    /// Region of that attempt.
    pub region: Option<String>,
    /// Last attempts of the actions that IAM tracks, by action name without prefix.
    pub actions: BTreeMap<String, Option<i64>>,
}

impl Accessed {
    /// The last attempt at anything, microseconds.
    pub fn last(&self) -> Option<i64> {
        self.services.values().filter_map(|service| service.last).max()
    }

    /// Whether it tells of the whole window: it was made at its end or later, and looks back far enough. A day's grace,
    /// because the end is the newest event, which a record made the same day has not seen.
    pub fn covers(&self, from: i64, to: i64) -> bool {
        let Some(completed) = self.completed else { return false };
        completed >= to.saturating_sub(DAY) && from >= completed.saturating_sub(TRACKING_DAYS * DAY)
    }

    fn add(&mut self, raw: Details) {
        let completed = raw.job_completion_date.as_ref().filter(|_| raw.source.is_none());
        let completed = completed.and_then(instant::parse_json);
        self.completed = match (self.completed, completed) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        for service in raw.services_last_accessed.unwrap_or_default() {
            let known = self.services.entry(service.service_namespace.to_ascii_lowercase()).or_default();
            let last = service.last_authenticated.as_ref().and_then(instant::parse_json);
            if last > known.last || known.region.is_none() {
                known.region = service.last_authenticated_region.or(known.region.take());
            }
            known.last = known.last.max(last);
            for action in service.tracked_actions_last_accessed.unwrap_or_default() {
                let last = action.last_accessed_time.as_ref().and_then(instant::parse_json);
                let slot = known.actions.entry(action.action_name).or_default();
                *slot = last.max(*slot);
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Details {
    /// Not AWS': what we and others write beside it.
    #[serde(alias = "arn")]
    arn: Option<String>,
    /// Not AWS': who says it, if not IAM. Then it is no record without gaps.
    source: Option<String>,
    job_status: Option<String>,
    job_completion_date: Option<Value>,
    services_last_accessed: Option<Vec<Service>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Service {
    service_namespace: String,
    last_authenticated: Option<Value>,
    last_authenticated_entity: Option<String>,
    last_authenticated_region: Option<String>,
    tracked_actions_last_accessed: Option<Vec<Action>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Action {
    action_name: String,
    last_accessed_time: Option<Value>,
}

/// Adds a text to an inventory. `principal`: whose it is, where the text does not say.
pub(super) fn add(
    inventory: &mut Inventory,
    text: &str,
    principal: Option<&str>,
    source_name: &str,
) -> Result<(), Error> {
    let wrong = |reason: String| Error::new(source_name, reason);
    let found = documents(text).map_err(|reason| {
        wrong(format!("{reason}; expected the output of `aws iam get-service-last-accessed-details --output json`"))
    })?;
    if found.is_empty() {
        return Err(wrong("is empty: expected the output of `aws iam get-service-last-accessed-details`".to_owned()));
    }
    for (key, details) in found {
        if let Some(status) = details.job_status.as_deref().filter(|status| *status != "COMPLETED") {
            return Err(wrong(format!("the job is {status}, not COMPLETED: ask for its details again")));
        }
        let arn = match principal.map(str::to_owned).or(key).or_else(|| details.arn.clone()) {
            Some(arn) => arn,
            None => of_entities(&details).map_err(wrong)?,
        };
        let kind = Kind::of_name(&arn).filter(|kind| matches!(kind, Kind::IamUser | Kind::Role));
        let kind = kind.ok_or_else(|| wrong(format!("{arn:?} is no user and no role: give ARN=FILE")))?;
        if inventory.entity(&arn).is_none() {
            let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
            inventory.entities.push(Entity::bare(&arn, &name, "", kind, None));
        }
        inventory.accessed.entry(arn).or_default().add(details);
    }
    Ok(())
}

/// The documents of a text: one after the other, in a list, or in an object by ARN.
fn documents(text: &str) -> Result<Vec<(Option<String>, Details)>, serde_json::Error> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('[') {
        let list: Vec<Details> = serde_json::from_str(text)?;
        return Ok(list.into_iter().map(|details| (None, details)).collect());
    }
    let mut found = Vec::new();
    for one in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let one = one?.get();
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(one)?;
        if members.contains_key("ServicesLastAccessed") || members.contains_key("JobStatus") {
            found.push((None, serde_json::from_str(one)?));
            continue;
        }
        for (arn, details) in members {
            found.push((Some(arn), serde_json::from_str(details.get())?));
        }
    }
    Ok(found)
}

/// Whose the details are, by who used what.
fn of_entities(details: &Details) -> Result<String, String> {
    let services = details.services_last_accessed.iter().flatten();
    let entities: BTreeSet<&String> =
        services.filter_map(|service| service.last_authenticated_entity.as_ref()).collect();
    let mut entities = entities.into_iter();
    match (entities.next(), entities.next()) {
        (Some(one), None) => Ok(one.clone()),
        (None, _) => Err("names nobody, because nothing was used: say whose it is, as ARN=FILE".to_owned()),
        _ => Err("is of a group or a policy, with several users: ask for the details of each user and role".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    const ROLE: &str = "arn:aws:iam::111111111111:role/app";

    fn details(entity: Option<&str>) -> Value {
        json!({"JobStatus": "COMPLETED", "JobType": "ACTION_LEVEL", "JobCompletionDate": "2026-04-01T00:00:00Z", "IsTruncated": false,
            "ServicesLastAccessed": [
                {"ServiceName": "Amazon S3", "ServiceNamespace": "s3", "LastAuthenticated": "2026-03-01T00:00:00+00:00",
                 "LastAuthenticatedEntity": entity, "LastAuthenticatedRegion": "eu-west-1", "TotalAuthenticatedEntities": 1,
                 "TrackedActionsLastAccessed": [{"ActionName": "CreateBucket", "LastAccessedTime": "2026-02-01T00:00:00Z"}, {"ActionName": "DeleteBucket"}]},
                {"ServiceName": "AWS KMS", "ServiceNamespace": "kms", "TotalAuthenticatedEntities": 0}]})
    }

    fn read(text: &str, principal: Option<&str>) -> Result<Inventory, Error> {
        let mut inventory = Inventory::default();
        inventory.add_accessed(text, principal, "last.json")?;
        Ok(inventory)
    }

    #[test]
    fn every_form_is_read_and_says_whose_it_is() {
        let mut named = details(None);
        named["Arn"] = json!(ROLE);
        for (text, principal) in [
            (details(Some(ROLE)).to_string(), None),
            (format!("{}\n{}", details(Some(ROLE)), details(Some(ROLE))), None),
            (json!([named]).to_string(), None),
            (json!({ROLE: details(None)}).to_string(), None),
            (details(None).to_string(), Some(ROLE)),
        ] {
            let inventory = read(&text, principal).unwrap();
            let found = &inventory.accessed[ROLE];
            assert_eq!(found.last(), instant::parse("2026-03-01T00:00:00Z"), "{text}");
            assert_eq!((found.services["kms"].last, found.services["s3"].actions["DeleteBucket"]), (None, None));
            assert_eq!((inventory.entities.len(), inventory.entities[0].kind), (1, Kind::Role));
        }
    }

    #[test]
    fn what_it_covers_is_four_hundred_days_before_it_was_made() {
        let record = read(&details(Some(ROLE)).to_string(), None).unwrap().accessed.remove(ROLE).unwrap();
        let made = record.completed.unwrap();
        assert!(record.covers(made - 90 * DAY, made) && record.covers(made - 90 * DAY, made + DAY));
        assert!(!record.covers(made - 401 * DAY, made) && !record.covers(made - 90 * DAY, made + 2 * DAY));
        assert!(!Accessed::default().covers(made, made));
    }

    #[test]
    fn what_is_none_is_told_with_the_next_step() {
        let told = |text: &str| read(text, None).unwrap_err().to_string();
        assert!(told("").contains("is empty") && told("7").starts_with("last.json: "));
        assert!(told(&details(None).to_string()).contains("ARN=FILE"));
        assert!(told(&details(Some("arn:aws:iam::1:group/g")).to_string()).contains("no user and no role"));
        let mut several = details(Some(ROLE));
        several["ServicesLastAccessed"][1]["LastAuthenticatedEntity"] = json!("arn:aws:iam::111111111111:user/x");
        assert!(told(&several.to_string()).contains("group or a policy"));
        let mut running = details(Some(ROLE));
        running["JobStatus"] = json!("IN_PROGRESS");
        assert!(told(&running.to_string()).contains("IN_PROGRESS"));
        assert!(
            told(r#"{"JobStatus": "COMPLETED", "ServicesLastAccessed": [{"ServiceName": 1}]}"#)
                .contains("ServiceNamespace")
        );
    }
}
