//! What a call asked for is the same to last use and to smaller policies.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::calls::{Calls, Outcome};
use crate::fixture::{arn, batch, call};
use crate::usage::LastUsed;

/// An action and what became of it.
type Said = BTreeSet<(String, bool)>;

fn events() -> Vec<Value> {
    let role = "arn:aws:iam::111111111111:role/app";
    let event = |source: &str, name: &str, request: Value| {
        let mut event = call("ann", source, name, "2026-01-01T00:00:00Z");
        event["requestParameters"] = request;
        event
    };
    let mut named = event("ec2", "RunInstances", json!({"tagSpecificationSet": {"items": [{"tags": []}]}}));
    named["errorCode"] = json!("Client.UnauthorizedOperation");
    named["errorMessage"] = json!("User: x is not authorized to perform: ec2:CreateTags on resource: *");
    let mut refused = event("s3", "CreateBucket", json!({"bucketName": "b", "x-amz-acl": "public-read"}));
    refused["errorCode"] = json!("AccessDenied");
    vec![
        event("s3", "CreateBucket", json!({"bucketName": "b", "x-amz-acl": "public-read"})),
        event("s3", "CreateBucket", json!({"bucketName": "b", "x-amz-acl": "private"})),
        event("lambda", "CreateFunction20150331", json!({"functionName": "f", "role": role, "tags": {"a": "b"}})),
        event("sts", "AssumeRole", json!({"roleArn": role, "tags": [{"key": "a", "value": "b"}]})),
        event("glue", "CreateJob", json!({"name": "j", "role": "app"})),
        event("ec2", "RunInstances", json!({"tagSpecificationSet": {"items": [{"resourceType": "instance"}]}})),
        event("ec2", "RunInstances", json!({"launchTemplate": {"launchTemplateId": "lt-1", "version": "1"}})),
        event("dynamodb", "RestoreTableFromBackup", json!({"targetTableName": "t", "backupArn": "b"})),
        event("s3", "CopyObject", json!({"bucketName": "b", "key": "k", "x-amz-copy-source": "c/k?versionId=1"})),
        event("s3", "HeadObject", json!({"bucketName": "b", "key": "k", "versionId": "3"})),
        event("states", "UpdateStateMachine", json!({"stateMachineArn": "m", "publish": true})),
        event("cloudtrail", "DescribeTrail", json!({})),
        named,
        refused,
    ]
}

fn of_use(events: &[Value]) -> Said {
    let mut usage = LastUsed::default();
    usage.observe(&batch(events));
    let facts = usage.principal(&arn("ann")).map(|ann| usage.facts(ann)).unwrap_or_default();
    let said = |(action, fact): (&str, &crate::usage::Fact)| {
        let used = fact.last_use.map(|_| (action.to_owned(), true));
        used.into_iter().chain((fact.denied > 0).then(|| (action.to_owned(), false))).collect::<Vec<_>>()
    };
    facts.into_iter().flat_map(said).collect()
}

fn of_calls(events: &[Value]) -> Said {
    let mut calls = Calls::new(None, None);
    calls.observe(&batch(events));
    let sure = calls.iter().filter(|(call, _)| call.template.is_none());
    sure.map(|(call, _)| (call.action.clone(), call.outcome == Outcome::Permitted)).collect()
}

#[test]
fn last_use_knows_what_smaller_policies_know() {
    let events = events();
    for event in &events {
        let one = std::slice::from_ref(event);
        assert_eq!(of_use(one), of_calls(one), "{event}");
    }
    let all = of_use(&events);
    assert_eq!(all, of_calls(&events));
    let used: BTreeMap<&str, bool> = all.iter().map(|(action, used)| (action.as_str(), *used)).collect();
    for action in [
        "s3:PutBucketAcl",
        "iam:PassRole",
        "lambda:TagResource",
        "sts:TagSession",
        "ec2:CreateTags",
        "dynamodb:BatchWriteItem",
        "s3:GetObjectVersion",
        "s3:PutObject",
        "states:PublishStateMachineVersion",
    ] {
        assert_eq!(used.get(action), Some(&true), "{action} in {used:?}");
    }
}
