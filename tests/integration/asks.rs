//! What calls asked for besides their own action counts as used: for `access`, and for every policy that is made smaller.

use std::path::Path;

use serde_json::{Value, json};

use crate::command::{text, trailhound};
use crate::policy::{ROLE, event};

const OTHER: &str = "arn:aws:iam::111122223333:role/other";
const SHARED: &str = "arn:aws:iam::111122223333:policy/shared";

/// Two roles with one policy.
fn grants(dir: &Path) -> String {
    let actions = ["sqs:CreateQueue", "sqs:DeleteQueue", "s3:CreateBucket", "s3:PutBucketAcl", "s3:DeleteBucket"];
    let document =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    let role = |arn: &str, name: &str| {
        json!({"Arn": arn, "RoleName": name, "RoleId": name, "CreateDate": "2020-01-01T00:00:00Z",
            "AttachedManagedPolicies": [{"PolicyName": "shared", "PolicyArn": SHARED}]})
    };
    let page = json!({"RoleDetailList": [role(ROLE, "app"), role(OTHER, "other")], "Policies": [{"PolicyName": "shared",
        "Arn": SHARED, "DefaultVersionId": "v1", "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true,
        "CreateDate": "2020-01-01T00:00:00Z", "Document": document}]}]});
    let path = dir.join("grants.json");
    std::fs::write(&path, page.to_string()).unwrap();
    text(&path).to_owned()
}

/// A call to S3 of the other role.
fn of_other(id: u32, name: &str, time: &str, request: Value) -> String {
    let issuer = json!({"type": "Role", "arn": OTHER, "accountId": "111122223333", "userName": "other"});
    let identity = json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/other/s",
        "accountId": "111122223333", "sessionContext": {"sessionIssuer": issuer}});
    let more = json!({"eventTime": time, "userIdentity": identity, "requestParameters": request});
    event(id, "s3.amazonaws.com", name, 1, more)
}

/// A role makes a queue a day for four months, the other a bucket that others may read; and `more`.
fn logs(dir: &Path, more: &[String]) -> String {
    let days = (1..=4).flat_map(|month| (1..=28).map(move |day| format!("2026-{month:02}-{day:02}T00:00:00Z")));
    let queue = |(id, time): (u32, String)| {
        let more = json!({"eventTime": time, "requestParameters": {"queueName": "jobs"}});
        event(id, "sqs.amazonaws.com", "CreateQueue", 1, more)
    };
    let mut lines: Vec<String> = (1..).zip(days).map(queue).collect();
    let public = json!({"bucketName": "b", "x-amz-acl": "public-read"});
    lines.push(of_other(900, "CreateBucket", "2026-04-20T00:00:00Z", public));
    lines.extend_from_slice(more);
    let path = dir.join("events.jsonl");
    std::fs::write(&path, lines.join("\n")).unwrap();
    text(&path).to_owned()
}

/// Actions of the role that the report calls unused for certain.
fn unused(report: &Value, principal: &str) -> Vec<String> {
    let rows = report["principals"].as_array().unwrap();
    let row = rows.iter().find(|row| row["principal"] == principal).unwrap();
    let all = row["unused"].as_array().unwrap().iter();
    all.filter(|one| one["why"] == "not_used").map(|one| one["action"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_a_call_asked_besides_is_not_called_unused() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, grants) = (logs(dir.path(), &[]), grants(dir.path()));
    let run = trailhound(&["access", &logs, "--grants", &grants, "--output", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(unused(&run.json(), OTHER), ["s3:DeleteBucket", "sqs:CreateQueue", "sqs:DeleteQueue"]);
}

#[test]
fn a_shared_policy_keeps_what_others_calls_asked_besides_also_with_an_event_of_the_future() {
    let dir = tempfile::tempdir().unwrap();
    let future = event(901, "sqs.amazonaws.com", "CreateQueue", 1, json!({"eventTime": "2099-01-01T00:00:00Z"}));
    for more in [&[][..], &[future]] {
        let (logs, grants) = (logs(dir.path(), more), grants(dir.path()));
        let asked = ["policy", "generate", "--principal", ROLE, "--grants", &grants, "--from-current", &logs];
        let run = trailhound(&asked);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let set: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(
            set[0]["document"]["Statement"][0]["Action"],
            json!(["s3:CreateBucket", "s3:PutBucketAcl", "sqs:CreateQueue"]),
            "{set}"
        );
        assert!(run.stderr.contains("calls of 1 more who have a changed policy: it would deny 0 of"), "{}", run.stderr);
        assert_eq!(run.stderr.contains("dated in the future"), !more.is_empty(), "{}", run.stderr);
    }
}

/// What the other role called before the window is not kept, and it is told that it would be lost.
#[test]
fn what_others_would_lose_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let old = of_other(902, "DeleteBucket", "2026-01-02T00:00:00Z", json!({"bucketName": "b"}));
    let (logs, grants) = (logs(dir.path(), &[old]), grants(dir.path()));
    let args = ["policy", "generate", "--principal", ROLE, "--grants", &grants, "--from-current", "--output", "json"];
    let run = trailhound(&[&args[..], &[logs.as_str()]].concat());
    let others = &run.json()["others"];
    assert_eq!((&others["principals"], &others["calls"]), (&json!(1), &json!(2)), "{others}");
    let denied = others["denied"].as_array().unwrap();
    assert_eq!((denied.len(), &denied[0]["action"]), (1, &json!("s3:DeleteBucket")), "{others}");
    assert!(
        run.stderr.contains(&format!("would be denied to {OTHER}: s3:DeleteBucket on arn:aws:s3:::b")),
        "{}",
        run.stderr
    );
}

/// Without an inventory, the ARN of the caller says who it is.
#[test]
fn a_caller_is_in_the_context_by_its_arn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.json");
    let user = "arn:aws:iam::111122223333:user/team/ann";
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::data/${aws:username}/*", "Condition": {"ArnEquals": {"aws:PrincipalArn": user},
        "StringEquals": {"aws:PrincipalAccount": "111122223333", "aws:PrincipalType": "User"}}}]});
    std::fs::write(&path, policy.to_string()).unwrap();
    let result = |caller: &str, more: &[&str]| {
        let key = "arn:aws:s3:::data/ann/k";
        let args = ["policy", "simulate", "--policy-input-list", text(&path), "--caller-arn", caller];
        let asked = ["--action-names", "s3:GetObject", "--resource-arns", key, "--output", "json"];
        let run = trailhound(&[&args, &asked[..], more].concat());
        run.json()["EvaluationResults"][0]["EvalDecision"].as_str().unwrap_or(&run.stderr).to_owned()
    };
    assert_eq!(result(user, &[]), "allowed");
    assert_eq!(result("arn:aws:iam::111122223333:user/ann", &[]), "implicitDeny");
    // What is given wins.
    assert_eq!(result(user, &["--context-entries", "aws:PrincipalType=Account"]), "implicitDeny");
}

/// A function with a layer and code from a bucket, and a state machine that is published, ask for more than their own action.
#[test]
fn a_policy_that_denies_what_is_asked_besides_is_not_called_safe() {
    let dir = tempfile::tempdir().unwrap();
    let layer = "arn:aws:lambda:us-east-1:444455556666:layer:tools:3";
    let create = json!({"requestParameters": {"functionName": "f", "layers": [layer],
        "code": {"s3Bucket": "code", "s3Key": "f.zip"}}});
    let machine = json!({"requestParameters": {"name": "m", "publish": true}});
    let lines = [
        event(1, "lambda.amazonaws.com", "CreateFunction20150331", 1, create),
        event(2, "states.amazonaws.com", "CreateStateMachine", 2, machine),
    ];
    let (logs, path) = (dir.path().join("events.jsonl"), dir.path().join("policy.json"));
    std::fs::write(&logs, lines.join("\n")).unwrap();
    let own = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*",
        "Action": ["lambda:CreateFunction", "states:CreateStateMachine"]}]});
    std::fs::write(&path, own.to_string()).unwrap();
    let args = ["policy", "replay", "--policy", text(&path), "--principal", ROLE, "--output", "json", text(&logs)];
    let replayed = trailhound(&args).json();
    let denied: Vec<(&str, &str)> = replayed["denied"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["action"].as_str().unwrap(), row["resource"].as_str().unwrap()))
        .collect();
    assert_eq!(
        denied,
        [
            ("lambda:GetLayerVersion", layer),
            ("s3:GetObject", "arn:aws:s3:::code/f.zip"),
            ("states:PublishStateMachineVersion", "arn:aws:states:us-east-1:111122223333:stateMachine:m")
        ]
    );
    assert_eq!(replayed["denied_calls"], 2);
    let generated = trailhound(&["policy", "generate", "--principal", ROLE, text(&logs)]);
    std::fs::write(&path, &generated.stdout).unwrap();
    assert_eq!(trailhound(&args).json()["denied_calls"], 0, "{}", generated.stdout);
}

/// The AWS command line takes policies as text or as `file://`, and so do we.
#[test]
fn policies_are_given_as_the_aws_command_line_takes_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.json");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    std::fs::write(&path, policy).unwrap();
    let simulated = |given: &str| {
        let caller = "arn:aws:iam::111122223333:user/ann";
        let args = ["policy", "simulate", "--policy-input-list", given, "--caller-arn", caller, "--output", "json"];
        trailhound(&[&args[..], &["--action-names", "s3:GetObject", "s3:PutObject"]].concat())
    };
    for given in [policy, text(&path), &format!("file://{}", text(&path)), &format!("[{policy}]")] {
        let run = simulated(given);
        assert_eq!(run.code, 0, "{given}: {}", run.stderr);
        let results = run.json();
        let decided = |at: usize| results["EvaluationResults"][at]["EvalDecision"].clone();
        assert_eq!([decided(0), decided(1)], ["allowed", "implicitDeny"], "{given}");
    }
    let wrong = simulated("{\"Statement\":");
    assert!(wrong.code == 2 && wrong.stderr.contains("the policy given"), "{}", wrong.stderr);
}
