#![allow(clippy::unwrap_used)]

use super::*;
use crate::fixture::{arn, batch, call};

fn recorded() -> Calls {
    let mut put = call("ann", "s3", "PutObject", "2026-01-02T00:00:00Z");
    put["resources"] = json!([{"ARN": "arn:aws:s3:::b/k"}]);
    let mut away = put.clone();
    away["sourceIPAddress"] = json!("198.51.100.1");
    away["eventID"] = json!("away");
    let mut refused = call("ann", "iam", "CreateUser", "2026-01-02T00:00:00Z");
    refused["errorCode"] = json!("AccessDenied");
    let mut calls = Calls::new(None, None);
    calls.observe(&batch(&[put, away, refused, call("ann", "ec2", "DescribeInstances", "2026-01-03T00:00:00Z")]));
    calls
}

fn policy(statements: serde_json::Value) -> Vec<Named> {
    let document = Document::parse(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap();
    vec![("proposed".to_owned(), document)]
}

#[test]
fn what_a_policy_would_have_denied_is_listed() {
    let narrow = policy(json!([{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}]));
    let replay = replay(&recorded(), &Proposal::Identity(narrow));
    let denied: Vec<_> = replay.denied.iter().map(|row| (row.action.as_str(), row.result, row.count)).collect();
    assert_eq!(denied, [("ec2:DescribeInstances", "ImplicitlyDenied", 1)]);
    assert_eq!((replay.calls, replay.allowed, replay.newly_allowed), (3, 2, 0));
    assert_eq!(replay.denied[0].principal, arn("ann"));
}

#[test]
fn records_answer_conditions_and_what_they_lack_is_undecided() {
    let rule = json!([{"Sid": "Office", "Effect": "Deny", "Action": "s3:*", "Resource": "*",
        "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}]);
    let found = replay(&recorded(), &Proposal::Scp(policy(rule)));
    assert_eq!(found.denied.iter().map(|row| row.event_id.as_str()).collect::<Vec<_>>(), ["away"]);
    assert_eq!(found.denied[0].statement.as_deref(), Some("proposed, statement 1 (Office)"));
    let tagged = json!([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/env": "dev"}}}]);
    let found = replay(&recorded(), &Proposal::Boundary(policy(tagged)));
    assert_eq!((found.denied.len(), found.undecided.len()), (0, 3));
    assert_eq!(found.missing_context, ["aws:resourcetag/env"]);
}

#[test]
fn calls_outside_of_the_allowed_regions_are_found() {
    let mut far = call("ann", "ec2", "RunInstances", "2026-01-02T00:00:00Z");
    far["awsRegion"] = json!("ap-south-1");
    // IAM is recorded in us-east-1 wherever one is, so that a rule on regions leaves it out.
    let mut calls = Calls::new(None, None);
    calls.observe(&batch(&[
        far,
        call("ann", "ec2", "DescribeInstances", "2026-01-02T00:00:00Z"),
        call("ann", "iam", "ListUsers", "2026-01-02T00:00:00Z"),
    ]));
    let rule = json!([{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}}]);
    let found = replay(&calls, &Proposal::Scp(policy(rule)));
    assert_eq!(found.denied.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["ec2:RunInstances"]);
    assert_eq!((found.calls, found.undecided.len()), (3, 0));
}
