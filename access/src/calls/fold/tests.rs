#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::fixture::{arn, batch, call};

#[test]
fn a_call_is_known_by_action_resource_and_surroundings() {
    let mut create = call("ann", "lambda", "CreateFunction20150331", "2026-01-02T00:00:00Z");
    create["requestParameters"] = json!({"functionName": "f", "role": "arn:aws:iam::111111111111:role/app"});
    let mut get = call("ann", "s3", "GetObject", "2026-01-03T00:00:00Z");
    get["resources"] = json!([{"ARN": "arn:aws:s3:::b/k"}, {"ARN": "arn:aws:s3:::b"}, {"type": "x"}]);
    let mut again = get.clone();
    again["eventTime"] = json!("2026-01-01T00:00:00Z");
    again["eventID"] = json!("again");
    let mut denied = call("ann", "iam", "ListUsers", "2026-01-04T00:00:00Z");
    denied["errorCode"] = json!("AccessDenied");
    let other = call("bob", "iam", "ListUsers", "2026-01-04T00:00:00Z");
    let mut calls = Calls::new(Some(vec![arn("ann")]), None);
    calls.observe(&batch(&[create, get, again, denied, other]));
    let found: Vec<_> = calls
        .iter()
        .map(|(call, seen)| (call.action.as_str(), call.resource.as_str(), call.outcome, seen.count))
        .collect();
    assert_eq!(
        found,
        [
            ("iam:ListUsers", "*", Outcome::Denied, 1),
            ("iam:PassRole", "arn:aws:iam::111111111111:role/app", Outcome::Permitted, 1),
            ("lambda:CreateFunction", "arn:aws:lambda:us-east-1:111111111111:function:f", Outcome::Permitted, 1),
            ("s3:GetObject", "arn:aws:s3:::b/k", Outcome::Permitted, 2),
        ]
    );
    assert_eq!((calls.events(), calls.dropped()), (4, 0));
}
