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
    assert_eq!((replay.calls, replay.allowed, replay.newly_allowed), (3, 2, Some(0)));
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
    assert!(!found.denied.is_empty() && found.denied.iter().all(|row| row.action == "ec2:RunInstances"));
    assert_eq!((found.calls, found.denied_calls, found.undecided.len()), (3, 1, 0));
}

fn asked(source: &str, name: &str, request: serde_json::Value, response: serde_json::Value) -> Calls {
    let mut event = call("ann", source, name, "2026-01-02T00:00:00Z");
    event["requestParameters"] = request;
    event["responseElements"] = response;
    let mut calls = Calls::new(None, None);
    calls.observe(&batch(&[event]));
    calls
}

/// Calls that would be allowed, undecided, denied.
fn fates(calls: &Calls, statements: serde_json::Value) -> (u64, u64, u64) {
    let found = replay(calls, &Proposal::Identity(policy(statements)));
    (found.allowed, found.undecided_calls, found.denied_calls)
}

fn allow(action: &str, resources: &[&str]) -> serde_json::Value {
    let whole = |short: &&str| format!("arn:aws:ec2:us-east-1:111111111111:{short}");
    json!({"Effect": "Allow", "Action": action, "Resource": resources.iter().map(whole).collect::<Vec<_>>()})
}

#[test]
fn a_call_goes_through_only_if_all_of_its_resources_are_allowed() {
    let calls = asked("ec2", "AttachVolume", json!({"volumeId": "vol-1", "instanceId": "i-1"}), json!(null));
    let action = "ec2:AttachVolume";
    assert_eq!(fates(&calls, json!([allow(action, &["instance/i-1"])])), (0, 0, 1));
    assert_eq!(fates(&calls, json!([allow(action, &["volume/*"])])), (0, 0, 1));
    assert_eq!(fates(&calls, json!([allow(action, &["volume/vol-1", "instance/*"])])), (1, 0, 0));
    let found = replay(&calls, &Proposal::Identity(policy(json!([allow(action, &["instance/i-1"])]))));
    assert_eq!((found.calls, found.questions, found.denied.len()), (1, 2, 1));
    assert_eq!(found.denied[0].resource, "arn:aws:ec2:us-east-1:111111111111:volume/vol-1");
}

#[test]
fn a_launch_needs_every_part_and_no_id_that_is_not_there_yet() {
    let request = json!({"instancesSet": {"items": [{"imageId": "ami-1"}]}, "subnetId": "subnet-1", "groupSet": {"items": [{"groupId": "sg-1"}]}});
    let calls = asked(
        "ec2",
        "RunInstances",
        request,
        json!({"instancesSet": {"items": [{"instanceId": "i-1", "imageId": "ami-1"}]}}),
    );
    let image = json!({"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "arn:aws:ec2:*::image/ami-1"});
    let parts = ["instance/*", "network-interface/*", "volume/*", "subnet/subnet-1", "security-group/*"];
    assert_eq!(fates(&calls, json!([image, allow("ec2:RunInstances", &parts)])), (1, 0, 0));
    for lacking in 0..parts.len() {
        let fewer: Vec<&str> =
            parts.iter().enumerate().filter(|(at, _)| *at != lacking).map(|(_, part)| *part).collect();
        assert_eq!(fates(&calls, json!([image, allow("ec2:RunInstances", &fewer)])), (0, 0, 1), "{}", parts[lacking]);
    }
    assert_eq!(fates(&calls, json!([allow("ec2:RunInstances", &parts)])), (0, 0, 1));
    let first = ["instance/i-1", "network-interface/*", "volume/*", "subnet/subnet-1", "security-group/*"];
    assert_eq!(fates(&calls, json!([image, allow("ec2:RunInstances", &first)])), (0, 0, 1));
}

#[test]
fn what_the_record_does_not_name_cannot_be_known() {
    let calls = asked("ec2", "AttachVolume", json!({"volumeId": "vol-1"}), json!(null));
    let action = "ec2:AttachVolume";
    assert_eq!(fates(&calls, json!([allow(action, &["volume/*", "instance/*"])])), (1, 0, 0));
    assert_eq!(fates(&calls, json!([allow(action, &["volume/*", "instance/i-1"])])), (0, 1, 0));
    assert_eq!(fates(&calls, json!([allow(action, &["volume/*", "snapshot/*"])])), (0, 0, 1));
    let mut but = allow(action, &["instance/i-1*"]);
    but["Effect"] = json!("Deny");
    assert_eq!(fates(&calls, json!([allow(action, &["volume/*", "instance/*"]), but])), (0, 1, 0));
    let mut away = allow(action, &["snapshot/*"]);
    away["Effect"] = json!("Deny");
    assert_eq!(fates(&calls, json!([allow(action, &["volume/*", "instance/*"]), away])), (1, 0, 0));
    let found = replay(&calls, &Proposal::Identity(policy(json!([allow(action, &["volume/*", "instance/i-1"])]))));
    assert!(found.undecided[0].unnamed && found.missing_context.is_empty(), "{:?}", found.undecided);
}

#[test]
fn a_copy_needs_to_read_here_and_to_write_there() {
    let request = |source: &str| json!({"bucketName": "to", "key": "k", "x-amz-copy-source": source});
    let on = |action: &str, object: &str| json!({"Effect": "Allow", "Action": action, "Resource": format!("arn:aws:s3:::{object}")});
    for name in ["CopyObject", "UploadPartCopy"] {
        let calls = asked("s3", name, request("/from/a%20b"), json!(null));
        assert_eq!(fates(&calls, json!([on("s3:GetObject", "from/a b"), on("s3:PutObject", "to/*")])), (1, 0, 0));
        assert_eq!(fates(&calls, json!([on("s3:GetObject", "to/*"), on("s3:PutObject", "to/*")])), (0, 0, 1));
        assert_eq!(fates(&calls, json!([on("s3:*Object", "from/*")])), (0, 0, 1));
        let calls = asked("s3", name, request("from/k?versionId=1"), json!(null));
        assert_eq!(fates(&calls, json!([on("s3:GetObject", "from/*"), on("s3:PutObject", "to/*")])), (0, 0, 1));
        assert_eq!(fates(&calls, json!([on("s3:GetObjectVersion", "from/*"), on("s3:PutObject", "to/*")])), (1, 0, 0));
    }
}

#[test]
fn what_nobody_recorded_may_deny() {
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    for (key, condition) in [
        ("aws:resourcetag/env", json!({"StringEquals": {"aws:ResourceTag/env": "prod"}})),
        ("aws:useragent", json!({"StringLike": {"aws:UserAgent": "aws-cli*"}})),
        ("aws:userid", json!({"StringLike": {"aws:userid": "AROA*:x"}})),
        ("aws:principaltag/team", json!({"StringNotEqualsIfExists": {"aws:PrincipalTag/team": "blue"}})),
        ("aws:principalorgid", json!({"Null": {"aws:PrincipalOrgID": "true"}})),
    ] {
        let deny = json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition});
        let found = replay(&recorded(), &Proposal::Identity(policy(json!([all, deny]))));
        assert_eq!((found.allowed, found.undecided_calls, found.denied_calls), (0, 3, 0), "{key}");
        assert_eq!(found.missing_context, [key]);
        let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
        assert_eq!(fates(&recorded(), json!([allow])), (0, 3, 0), "{key}");
        // Where it makes no difference nothing is open.
        assert_eq!(fates(&recorded(), json!([all, allow])), (3, 0, 0), "{key}");
        assert_eq!(fates(&recorded(), json!([deny])), (0, 0, 3), "{key}");
    }
    let own = json!({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:PrincipalTag/bucket}/*"});
    assert_eq!(fates(&recorded(), json!([own])), (0, 2, 1));
    let other = json!({"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::${aws:PrincipalTag/bucket}/*"});
    // What has no resource is certainly none of that bucket.
    assert_eq!(fates(&recorded(), json!([all, other])), (0, 2, 1));
}

#[test]
fn what_a_request_certainly_lacked_is_known() {
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let outside = json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}});
    // From a public address no endpoint was on the way.
    assert_eq!(fates(&recorded(), json!([all, outside])), (0, 0, 3));
    let mut inside = call("ann", "s3", "PutObject", "2026-01-02T00:00:00Z");
    inside["resources"] = json!([{"ARN": "arn:aws:s3:::b/k"}]);
    inside["sourceIPAddress"] = json!("10.1.2.3");
    let mut calls = Calls::new(None, None);
    calls.observe(&batch(&[inside]));
    assert_eq!(fates(&calls, json!([all, outside])), (0, 1, 0));
    let office = json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}});
    assert_eq!(fates(&calls, json!([all, office])), (0, 0, 1), "a private address is no aws:SourceIp");
}

#[test]
fn a_guard_allows_nothing_that_was_refused() {
    let deny = json!([{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]);
    for proposal in [Proposal::Scp(policy(deny.clone())), Proposal::Boundary(policy(deny))] {
        assert_eq!(replay(&recorded(), &proposal).newly_allowed, None);
    }
}

#[test]
fn a_request_that_asks_for_more_needs_more() {
    let on = |actions: serde_json::Value| json!([{"Effect": "Allow", "Action": actions, "Resource": "*"}]);
    let session = json!({"roleArn": "arn:aws:iam::111111111111:role/x", "roleSessionName": "s", "sourceIdentity": "ann", "tags": [{"key": "a", "value": "b"}]});
    let calls = asked("sts", "AssumeRole", session, json!(null));
    assert_eq!(fates(&calls, on(json!("sts:AssumeRole"))), (0, 0, 1));
    assert_eq!(fates(&calls, on(json!(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]))), (1, 0, 0));
    let written = json!({"bucketName": "b", "key": "k", "x-amz-acl": "bucket-owner-full-control"});
    let calls = asked("s3", "PutObject", written, json!(null));
    assert_eq!(fates(&calls, on(json!("s3:PutObject"))), (0, 0, 1));
    assert_eq!(fates(&calls, on(json!(["s3:PutObject", "s3:PutObjectAcl"]))), (1, 0, 0));
}
