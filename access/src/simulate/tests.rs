#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

#[test]
fn a_case_is_answered_with_its_statement() {
    let full = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let no_iam = json!({"Version": "2012-10-17", "Statement": [{"Sid": "NoIam", "Effect": "Deny", "Action": "iam:*", "Resource": "*"}]});
    let case = json!({"id": "c1", "policies": [full], "scps": [{"target": "root", "policies": [full, no_iam]}],
        "request": {"principal": "arn:aws:iam::1:user/a", "action": "iam:GetUser", "resource": "arn:aws:iam::1:user/a", "resource_account": "1"}});
    let answer = serde_json::to_value(answer(&case)).unwrap();
    let expected = json!({"id": "c1", "result": "ExplicitlyDenied", "blocked_by": ["scp"], "missing_context": [],
        "statement": {"layer": "scp", "policy": "root[1]", "index": 0, "sid": "NoIam"}});
    assert_eq!(answer, expected);
}

#[test]
fn what_is_no_case_is_told_under_its_id() {
    for case in [
        json!({"id": 7}),
        json!({"id": 7, "request": {"principal": "a", "action": "b"}, "mode": "Loose"}),
        json!({"id": 7, "policies": [{}], "request": {"principal": "a", "action": "b"}}),
        json!({"id": 7, "request": {"principal": "a", "action": "b", "context": {"k": {}}}}),
        json!({"id": 7, "gaad": [{}]}),
        json!({"id": 7, "gaad": [{"UserDetailList": []}], "query": {"principal": "x", "action": "a:b", "resource": "*"}}),
    ] {
        let answer = answer(&case);
        assert!(answer.error.is_some() && answer.result.is_none() && answer.id == json!(7), "{case}");
    }
}
