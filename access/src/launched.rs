//! Roles that a launch passed without naming them: the instance profile stands in a launch template.
//!
//! Whoever starts instances needs `iam:PassRole` for their role, wherever it is named ("Grant permissions to pass a role to an AWS
//! service"; "Control access to launching instances with launch templates"). The answer of `RunInstances` names the profile; else the
//! calls that made the template tell it ([`Templates`]), if they are in the logs; else it cannot be known, and is said to be.
//!
//! Knows requests and answers. Must not know policies.

mod templates;

use serde_json::{Map, Value};

use crate::resource::Told;
pub use templates::{Profiles, Templates};

/// Calls that start instances from templates, by IAM action.
const LAUNCHES: [&str; 5] = [
    "autoscaling:CreateAutoScalingGroup",
    "autoscaling:UpdateAutoScalingGroup",
    "ec2:CreateFleet",
    "ec2:RequestSpotFleet",
    "ec2:RunInstances",
];
/// Deepest nesting and most templates that are looked at.
const MAX_DEPTH: usize = 12;
const MAX_TEMPLATES: usize = 64;

/// A launch template as a request names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Template {
    /// Account and region in which it is.
    pub place: (String, String),
    /// Its id (`lt-…`) or name.
    pub name: String,
    /// Its version: a number, `$Latest` or `$Default`.
    pub version: String,
}

/// Where the role of what was launched is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Launch {
    /// In the request, or there is none.
    Told,
    /// These instance profiles (ARNs), which the answer names.
    Answered(Vec<String>),
    /// In these templates.
    In(Vec<Template>),
}

/// Where the role of a call's instances is to be found.
pub(crate) fn of_call(action: &str, told: &Told<'_>) -> Launch {
    let is_told = |text: &&str| LAUNCHES.contains(&action) && contains_folded(text, "launchtemplate");
    let Some(request) = told.request.filter(is_told) else { return Launch::Told };
    // A profile in the request wins over the template's.
    if contains_folded(request, "iaminstanceprofile") {
        return Launch::Told;
    }
    if let Some(profiles) = told.response.and_then(answered) {
        return Launch::Answered(profiles);
    }
    let Ok(value) = serde_json::from_str::<Value>(request) else { return Launch::Told };
    let mut found = Vec::new();
    walk(&value, told, 0, &mut found);
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { Launch::Told } else { Launch::In(found) }
}

/// Whether a text contains one that is in lower case, whatever its own case.
pub(crate) fn contains_folded(text: &str, lower: &str) -> bool {
    text.to_ascii_lowercase().contains(lower)
}

/// The profiles of the instances that an answer lists; `None` where it lists no instances.
fn answered(response: &str) -> Option<Vec<String>> {
    let value: Value = serde_json::from_str(response).ok()?;
    let instances = value.get("instancesSet")?.get("items")?.as_array()?;
    let arn = |instance: &Value| instance.get("iamInstanceProfile")?.get("arn")?.as_str().map(str::to_owned);
    let mut found: Vec<String> = instances.iter().filter_map(arn).collect();
    found.sort_unstable();
    found.dedup();
    (!instances.is_empty()).then_some(found)
}

fn walk(value: &Value, told: &Told<'_>, depth: usize, found: &mut Vec<Template>) {
    if depth > MAX_DEPTH || found.len() >= MAX_TEMPLATES {
        return;
    }
    match value {
        Value::Object(members) => {
            let name = member(members, "launchtemplateid").or_else(|| member(members, "launchtemplatename"));
            if let Some(name) = name.and_then(Value::as_str) {
                let version = member(members, "version").and_then(Value::as_str).unwrap_or("$Default");
                let place = (told.account.to_owned(), told.region.to_owned());
                found.push(Template { place, name: name.to_owned(), version: version.to_owned() });
            }
            members.values().for_each(|value| walk(value, told, depth + 1, found));
        }
        Value::Array(list) => list.iter().for_each(|value| walk(value, told, depth + 1, found)),
        _ => {}
    }
}

/// A member, whatever its case: EC2's requests are written in either.
fn member<'a>(members: &'a Map<String, Value>, lower: &str) -> Option<&'a Value> {
    members.iter().find(|(name, _)| name.eq_ignore_ascii_case(lower)).map(|(_, value)| value)
}
