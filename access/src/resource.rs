//! Which resources a recorded call was about, as the ARNs that IAM asks policies for.
//!
//! A call may be about several: `ec2:AttachVolume` is asked for the instance and for the volume, and either can refuse it.
//! Best is what the record lists under `resources`; else request and response name it, and a table says how to make the
//! ARN of them; what the reference requires and the record does not name stays unknown, and is said to be. Source of
//! types and forms: "Actions, resources, and condition keys for AWS services".
//! What parameters and keys say is text of others: [`Certainty`] tells it from wildcards of our own.

mod apigateway;
mod ec2;
mod forms;
mod named;
mod s3;
#[cfg(test)]
mod tests;

use ingest::action;
use serde_json::{Map, Value};

pub(crate) use named::of_forms;
pub(crate) use s3::copies_version;

/// What a call says about resources.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told<'a> {
    /// `eventName`: what is copied is read from one place and written to another.
    pub event: &'a str,
    /// ARNs of the record's `resources`.
    pub listed: &'a [&'a str],
    /// `requestParameters`, as JSON text.
    pub request: Option<&'a str>,
    /// `responseElements`, as JSON text: ids of what AWS chose.
    pub response: Option<&'a str>,
    /// Region of the call.
    pub region: &'a str,
    /// Account that received the record.
    pub account: &'a str,
    /// Partition of the caller's ARN.
    pub partition: &'a str,
}

/// How much of a resource the record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// The resource itself; a wildcard in it is part of its name.
    Exact,
    /// AWS itself asks with the wildcard: for an action without resource types, and for what has no id yet.
    Asked,
    /// The resource is one that the pattern names; which, the record does not tell.
    Unknown,
}

/// A resource of a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// Its ARN, a pattern, or `*`.
    pub arn: String,
    /// Which of them.
    pub certainty: Certainty,
}

impl Resource {
    fn new(arn: impl Into<String>, certainty: Certainty) -> Resource {
        Resource { arn: arn.into(), certainty }
    }
}

/// Most resources that one call is taken to be about; EC2 takes 1,000 ids.
const MAX_RESOURCES: usize = 1024;

/// The resources of a call's action: sorted, at least one.
pub fn of_call(action_name: &str, told: &Told<'_>) -> Vec<Resource> {
    let known = action::index_of(action_name).and_then(|at| action::actions().get(at));
    // An action without resource types takes no resource, whatever the call lists.
    if known.is_some_and(|action| action.resource_types.is_empty()) {
        return vec![Resource::new("*", Certainty::Asked)];
    }
    let types = known.map_or("", |action| action.resource_types);
    let service = action_name.split(':').next().unwrap_or_default();
    let of_service = |arn: &&str| arn.split(':').nth(2) == Some(service) && arn.starts_with("arn:");
    let listed = told.listed.iter().copied().filter(of_service);
    let listed: Vec<Resource> = listed.map(|arn| Resource::new(arn, Certainty::Exact)).collect();
    let request = object(told.request);
    let listed = refined(service, types, listed, &request);
    let is_half = service == "ssm" && !listed.is_empty();
    let mut found = match service {
        "s3" => s3::of(action_name, types, listed, &request, told),
        "apigateway" => apigateway::of(action_name, &request, told).into_iter().collect(),
        "ec2" => ec2::of(action_name, types, listed, &request, told),
        _ => forms::of_side(action_name, &request, told).unwrap_or(listed),
    };
    if is_half {
        // A command lists its document, and IAM asks for the instances too.
        let named = forms::of_request(action_name, types, &request, told);
        found.extend(named.into_iter().filter(|resource| resource.certainty == Certainty::Exact));
    }
    if found.is_empty() {
        found = forms::of_request(action_name, types, &request, told);
    }
    found.sort_unstable();
    found.dedup();
    if found.is_empty() || found.len() > MAX_RESOURCES {
        found.truncate(MAX_RESOURCES);
        found.push(Resource::new("*", Certainty::Unknown));
    }
    found
}

/// What a record lists less exactly than IAM asks: an index by its table, a version or an alias of a function by the function.
fn refined(service: &str, types: &str, listed: Vec<Resource>, request: &Map<String, Value>) -> Vec<Resource> {
    let named = |name: &str| request.get(name).and_then(Value::as_str).filter(|text| is_plain(text));
    let exact = |arn: String| match service {
        "dynamodb"
            if arn.contains(":table/") && !arn.contains("/index/") && kinds(types).any(|(kind, _)| kind == "index") =>
        {
            named("indexName").map_or(arn.clone(), |index| format!("{arn}/index/{index}"))
        }
        "lambda" if arn.contains(":function:") && arn.split(':').count() == 7 => {
            named("qualifier").map_or(arn.clone(), |qualifier| format!("{arn}:{qualifier}"))
        }
        _ => arn,
    };
    listed.into_iter().map(|resource| Resource { arn: exact(resource.arn), ..resource }).collect()
}

/// The members of a JSON text; none where it is no object.
fn object(text: Option<&str>) -> Map<String, Value> {
    match text.and_then(|text| serde_json::from_str(text).ok()) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// The types of an action, each with whether it is required.
fn kinds(types: &str) -> impl Iterator<Item = (&str, bool)> {
    types.split(',').filter(|kind| !kind.is_empty()).map(|kind| (kind.trim_end_matches('*'), kind.ends_with('*')))
}

/// Whether a text can stand in a policy as itself: no wildcards, no variables, no control characters.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 1024 && !text.contains(['*', '?', '$']) && !text.chars().any(char::is_control)
}
