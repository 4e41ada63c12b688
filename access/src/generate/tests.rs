#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fixture::{accounts, arn, batch, call};
use crate::policy::caller::Caller;
use crate::replay::{Proposal, World, replay};

fn proposal(policies: &[Policy]) -> Proposal {
    Proposal::Identity(policies.iter().enumerate().map(|(at, policy)| (at.to_string(), policy.document())).collect())
}

/// Every permitted call of a known action is allowed, and without any one statement some call is not.
fn check(calls: &Calls) -> Result<(), String> {
    let generated = of_calls(calls, &Options::default());
    let permitted: Vec<_> = calls.iter().filter(|(call, _)| call.outcome == Outcome::Permitted && call.known).collect();
    let allows = |policies: &[Policy]| -> Result<(), String> {
        let Some((first, _)) = permitted.first() else { return Ok(()) };
        let world = World::new(Caller::new(&first.principal), &proposal(policies));
        match permitted.iter().find(|(call, seen)| !world.allows(call, seen.last)) {
            Some((call, _)) => Err(format!("{} on {}", call.action, call.resource)),
            None => Ok(()),
        }
    };
    allows(&generated.policies).map_err(|reason| format!("denied: {reason}: {:?}", generated.policies))?;
    for (policy, document) in generated.policies.iter().enumerate() {
        for statement in 0..document.statement.len() {
            let mut fewer = generated.policies.clone();
            let dropped = fewer[policy].statement.remove(statement);
            if allows(&fewer).is_ok() {
                return Err(format!("not needed: {dropped:?}"));
            }
        }
    }
    Ok(())
}

#[test]
fn the_policies_of_the_accounts_allow_what_was_used_and_are_minimal() {
    for account in accounts() {
        let events = batch(&account.distinct());
        let principals = account.expected["granted_actions"].as_object().unwrap().keys();
        for principal in principals {
            let mut calls = Calls::new(Some(vec![principal.clone()]), None);
            calls.observe(&events);
            check(&calls).unwrap_or_else(|reason| panic!("{} {principal}: {reason}", account.name));
            let generated = of_calls(&calls, &Options::default());
            let replayed = replay(&calls, &proposal(&generated.policies));
            assert_eq!((replayed.denied.len(), replayed.calls), (0, replayed.allowed), "{principal}");
        }
    }
}

#[test]
fn roles_are_passed_to_the_services_they_went_to() {
    let mut create = call("ann", "lambda", "CreateFunction20150331", "2026-01-02T00:00:00Z");
    create["requestParameters"] = json!({"functionName": "f", "role": "arn:aws:iam::111111111111:role/app"});
    let mut calls = Calls::new(None, None);
    calls.observe(&batch(&[create]));
    let generated = serde_json::to_value(of_calls(&calls, &Options::default())).unwrap();
    let statements = generated["policies"][0]["Statement"].as_array().unwrap();
    assert_eq!(statements[0]["Resource"], json!(["arn:aws:lambda:us-east-1:111111111111:function:f"]));
    assert_eq!(
        statements[1],
        json!({"Sid": "PassRole", "Effect": "Allow", "Action": ["iam:PassRole"], "Resource": ["arn:aws:iam::111111111111:role/app"],
            "Condition": {"StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com"]}}})
    );
}

#[test]
fn refused_and_unknown_calls_are_told_and_left_out() {
    let mut refused = call("ann", "iam", "CreateUser", "2026-01-02T00:00:00Z");
    refused["errorCode"] = json!("AccessDenied");
    let mut calls = Calls::new(None, None);
    calls.observe(&batch(&[refused, call("ann", "nosuch", "DoIt", "2026-01-02T00:00:00Z")]));
    let generated = of_calls(&calls, &Options::default());
    assert_eq!(
        (generated.denied, generated.unmapped),
        (vec!["iam:CreateUser".to_owned()], vec!["nosuch:DoIt".to_owned()])
    );
    assert!(generated.policies.is_empty());
    let with = of_calls(&calls, &Options { include_denied: true, ..Options::default() });
    assert_eq!(with.policies[0].statement[0].action, ["iam:CreateUser"]);
}

#[test]
fn siblings_read_what_was_written() {
    let mut calls = Calls::new(None, None);
    let mut create = call("ann", "sqs", "CreateQueue", "2026-01-02T00:00:00Z");
    create["requestParameters"] = json!({"queueName": "q"});
    calls.observe(&batch(&[create]));
    let generated = of_calls(&calls, &Options { siblings: true, ..Options::default() });
    let actions: Vec<_> =
        generated.policies.iter().flat_map(|policy| &policy.statement).flat_map(|s| &s.action).collect();
    assert!(actions.iter().any(|action| *action == "sqs:ListQueues"), "{actions:?}");
    assert!(!actions.iter().any(|action| *action == "sqs:DeleteQueue"), "{actions:?}");
}

/// A random call: any of some services, keys with wildcards in them, refused or not.
fn event() -> impl Strategy<Value = Value> {
    let key = "[a-c*?$/{}.]{1,6}";
    (0usize..8, 0u8..12, key, 0u8..5, 0u32..1_000_000).prop_map(|(kind, number, key, outcome, id)| {
        let arns = [
            ("s3", "GetObject", Some(format!("arn:aws:s3:::bucket/{key}"))),
            ("s3", "PutObject", Some(format!("arn:aws:s3:::bucket{number}/{key}"))),
            ("sqs", "SendMessage", Some(format!("arn:aws:sqs:us-east-1:111111111111:q{number}"))),
            ("dynamodb", "Query", Some(format!("arn:aws:dynamodb:us-east-1:111111111111:table/t{number}"))),
            ("ec2", "DescribeInstances", None),
            ("ec2", "RunInstances", Some("arn:aws:ec2:us-east-1:111111111111:instance/*".to_owned())),
            ("lambda", "CreateFunction20150331", None),
            ("iam", "ListUsers", None),
        ];
        let (source, name, arn) = arns[kind].clone();
        let mut event = call("ann", source, name, "2026-01-02T00:00:00Z");
        event["eventID"] = json!(format!("{id}"));
        if let Some(arn) = arn {
            event["resources"] = json!([{"ARN": arn}]);
        } else if source == "lambda" {
            event["requestParameters"] =
                json!({"functionName": format!("f{number}"), "role": format!("arn:aws:iam::111111111111:role/r{outcome}")});
        }
        match outcome {
            0 => event["errorCode"] = json!("AccessDenied"),
            1 => event["errorCode"] = json!("ThrottlingException"),
            _ => {}
        }
        event
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_generated_policy_allows_every_call_and_is_minimal(events in proptest::collection::vec(event(), 1..60)) {
        let mut calls = Calls::new(Some(vec![arn("ann")]), None);
        calls.observe(&batch(&events));
        if let Err(reason) = check(&calls) {
            prop_assert!(false, "{}", reason);
        }
    }
}
