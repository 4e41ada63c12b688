//! API Gateway's resources: paths. Its control plane is asked for a verb on the path of the call, which the event's name and its
//! parameters tell. Source: "Actions, resources, and condition keys for API Gateway Management".

use ingest::action;
use serde_json::{Map, Value};

use super::{Certainty, Resource, Told, is_plain};

/// Paths whose ARNs name the account; all others are of a region alone.
const WITH_ACCOUNT: &[&str] = &["/domainnameaccessassociations", "/portals", "/portalproducts"];

/// The path that a call was made to, where its parameters are all there.
pub(super) fn of(name: &str, request: &Map<String, Value>, told: &Told<'_>) -> Option<Resource> {
    let verb = name.split(':').nth(1)?;
    let paths = action::gateway_paths(told.event).iter().filter(|(of, _)| of.eq_ignore_ascii_case(verb));
    // Two models have calls of one name: the one whose parameters are there.
    let path = paths.filter_map(|(_, path)| fill(path, request)).next()?;
    let is_of_account = WITH_ACCOUNT.iter().any(|begin| path.starts_with(begin)) || path.contains("/routingrules");
    let account = if is_of_account { told.account } else { "" };
    let arn = format!("arn:{}:apigateway:{}:{account}:{path}", told.partition, told.region);
    Some(Resource::new(arn, Certainty::Exact))
}

/// A path with its labels; `None` where a parameter is missing.
fn fill(path: &str, request: &Map<String, Value>) -> Option<String> {
    let mut filled = String::with_capacity(path.len());
    for part in path.split_inclusive('}') {
        let Some((text, label)) = part.split_once('{') else {
            filled.push_str(part);
            continue;
        };
        filled.push_str(text);
        let label = label.trim_end_matches(['}', '+']);
        let (_, value) = request.iter().find(|(name, _)| name.eq_ignore_ascii_case(label))?;
        let value = value.as_str().filter(|value| is_plain(value))?;
        // An ARN stands URL-encoded in a path (`/tags/…`).
        for char in value.chars() {
            match char {
                ':' => filled.push_str("%3A"),
                '/' => filled.push_str("%2F"),
                other => filled.push(other),
            }
        }
    }
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::super::of_call;
    use super::*;

    #[test]
    fn a_call_is_asked_for_its_path() {
        let of = |event: &str, verb: &str, request: &str| {
            let told = Told { event, request: Some(request), region: "eu-west-1", partition: "aws", ..Told::default() };
            let found = of_call(&format!("apigateway:{verb}"), &told);
            found.into_iter().map(|found| found.arn).collect::<Vec<_>>().join(" ")
        };
        for (event, verb, request, path) in [
            ("CreateRestApi", "POST", r#"{"createRestApiInput":{"name":"n"}}"#, "/restapis"),
            ("CreateStage", "POST", r#"{"restApiId":"a1"}"#, "/restapis/a1/stages"),
            ("CreateStage", "POST", r#"{"apiId":"b2"}"#, "/apis/b2/stages"),
            (
                "PutMethod",
                "PUT",
                r#"{"restApiId":"a1","resourceId":"r","httpMethod":"GET"}"#,
                "/restapis/a1/resources/r/methods/GET",
            ),
            ("TagResource", "PUT", r#"{"resourceArn":"arn:aws:x/y"}"#, "/tags/arn%3Aaws%3Ax%2Fy"),
        ] {
            assert_eq!(of(event, verb, request), format!("arn:aws:apigateway:eu-west-1::{path}"), "{event}");
        }
        for (event, request) in [("GetStage", r#"{"restApiId":"a1"}"#), ("GetRestApi", r#"{"restApiId":"*"}"#)] {
            assert_eq!(of(event, "GET", request), "*", "{event}");
        }
    }
}
