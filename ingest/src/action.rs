//! Event → IAM action: which permission a CloudTrail event is evidence of.
//!
//! CloudTrail writes the name of the API; policies name the action. Mostly both are equal, and where they are not
//! the tables of `ingest/data` say so: `s3 ListBuckets` needs `s3:ListAllMyBuckets`, `monitoring.amazonaws.com`
//! stands for the prefix `cloudwatch`, `CreateFunction20150331` for `lambda:CreateFunction`, API Gateway's control
//! plane for `apigateway:POST`. What no table knows is said to be unmapped; it is never dropped.
//!
//! Knows event sources, names and types. Must not know requests, policies or principals: what a request adds to
//! the answer (a version id, the action that a denial names) is `access`'s business.

mod arns;
mod catalogue;
mod tables;

use std::borrow::Cow;

pub use arns::arns_of;
pub use catalogue::{
    Action, Level, access_level, actions, actions_of, expand, expand_places, index_of, is_known, is_unobservable,
    matches,
};
pub use tables::{
    data_event_type, event_data_type, gateway_paths, is_data_event_action, resource_type, service_name, version,
};

/// What an event says about permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapping {
    /// The call needs these actions, in canonical spelling (`s3:GetObject`); the first is the main one.
    Actions(&'static [&'static str]),
    /// The event is evidence of no permission: a sign-in, a service's own event, a call that is always allowed.
    NotIam,
    /// An API call that no table knows. Holds the action it would be if names were equal: `prefix:EventName`.
    Unmapped(String),
}

/// Maps an event to the IAM actions it needs.
///
/// `event_type` is the record's `eventType`; empty when the record has none, which counts as `AwsApiCall` (records
/// before eventVersion 1.02). Only an `AwsApiCall` needs a permission. Names are compared without regard to case.
/// Sources: "CloudTrail record contents" for the types, `ingest/data/README.md` for the tables.
pub fn map(event_source: &str, event_name: &str, event_type: &str) -> Mapping {
    if event_source.is_empty() || event_name.is_empty() || !is_api_call(event_type) {
        return Mapping::NotIam;
    }
    let prefix = lower(service_prefix(event_source));
    let name = strip_version(event_name);
    let key = format!("{prefix}:{}", name.to_ascii_lowercase());
    let tables = tables::get();
    if tables.not_iam.contains(&key) {
        return Mapping::NotIam;
    }
    if let Some(actions) = tables.overrides.get(&key) {
        return Mapping::Actions(actions);
    }
    if let Some(action) = catalogue::index_of(&key).and_then(|index| catalogue::actions().get(index)) {
        return Mapping::Actions(std::slice::from_ref(&action.name));
    }
    if prefix == "apigateway"
        && let Some(actions) = tables.verbs.get(&name.to_ascii_lowercase())
    {
        return Mapping::Actions(actions);
    }
    Mapping::Unmapped(format!("{prefix}:{name}"))
}

/// The action that the `action` column holds: the first one the call needs, `prefix:EventName` for an API call that
/// is not mapped, `None` for an event that needs no permission.
pub fn primary(event_source: &str, event_name: &str, event_type: &str) -> Option<String> {
    match map(event_source, event_name, event_type) {
        Mapping::Actions(actions) => actions.first().map(|action| (*action).to_owned()),
        Mapping::NotIam => None,
        Mapping::Unmapped(guess) => Some(guess),
    }
}

/// IAM prefix of an event source: `s3` of `s3.amazonaws.com`, `cloudwatch` of `monitoring.amazonaws.com`.
///
/// A table lists the sources whose prefix is another; for the rest it is the first label.
pub fn service_prefix(event_source: &str) -> &str {
    let name = strip_domain(event_source);
    match tables::get().prefixes.get(lower(name).as_ref()) {
        Some(prefix) => prefix,
        None => name.split('.').next().unwrap_or(name),
    }
}

/// The action for a version of an object, where there is one: `s3:GetObjectVersion` of `s3:GetObject`. S3 asks for it
/// when the request names a version id ("Required permissions for Amazon S3 API operations").
pub fn versioned(action: &str) -> Option<&'static str> {
    if !action.get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case("s3:")) {
        return None;
    }
    let index = catalogue::index_of(&action.replacen("Object", "ObjectVersion", 1))?;
    let found = catalogue::actions().get(index)?;
    found.name.contains("ObjectVersion").then_some(found.name)
}

/// Only an API call needs a permission; a record without a type is one.
fn is_api_call(event_type: &str) -> bool {
    event_type.is_empty() || event_type == "AwsApiCall"
}

fn strip_domain(event_source: &str) -> &str {
    let source = event_source.strip_suffix(".cn").unwrap_or(event_source);
    source.strip_suffix(".amazonaws.com").unwrap_or(event_source)
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Takes an API version off the end of a name: `CreateFunction20150331`, `UpdateFunctionCode20150331v2`,
/// `CreateDistribution2020_05_31`. The form is `_?20YY_?MM_?DD(v\d+)?`; other digits belong to the name
/// (`ListObjectsV2`).
fn strip_version(name: &str) -> &str {
    let bytes = name.as_bytes();
    let digits = |end: usize| bytes[..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = bytes.len();
    let trailing = digits(end);
    if trailing > 0 && end > trailing && bytes[end - trailing - 1] == b'v' {
        end -= trailing + 1;
    }
    let underscore = |end: usize| end - usize::from(end > 0 && bytes[end - 1] == b'_');
    for _day_and_month in 0..2 {
        if digits(end) < 2 {
            return name;
        }
        end = underscore(end - 2);
    }
    if digits(end) < 4 || bytes[end - 4] != b'2' || bytes[end - 3] != b'0' {
        return name;
    }
    match underscore(end - 4) {
        0 => name,
        stem => &name[..stem],
    }
}

#[cfg(test)]
mod tests;
