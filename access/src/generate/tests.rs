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
fn a_type_that_stands_for_want_of_a_name_is_told() {
    let event = |id: &str, source: &str, name: &str, request: Value| {
        let mut event = call("ann", source, name, &format!("2026-01-0{id}T00:00:00Z"));
        event["requestParameters"] = request;
        event
    };
    let mut listed = event("2", "kms", "Decrypt", json!({"keyId": "alias/app"}));
    listed["resources"] = json!([{"ARN": "arn:aws:kms:us-east-1:111111111111:key/1"}]);
    let mut calls = Calls::new(None, None);
    calls.observe(&batch(&[
        event("1", "kms", "Encrypt", json!({"keyId": "alias/app"})),
        listed,
        event("3", "apigateway", "GetStages", json!({"restApiId": "a1"})),
        event("4", "logs", "DescribeLogStreams", json!({"logGroupName": "g"})),
        event("5", "ec2", "CreateVolume", json!({"tagSpecificationSet": {"items": [{"tags": []}]}})),
    ]));
    let generated = of_calls(&calls, &Options::default());
    let told: Vec<_> = generated.wildcards.iter().map(|one| (one.resource.as_str(), one.names, &one.actions)).collect();
    assert_eq!(told, [("arn:aws:kms:us-east-1:111111111111:key/*", 0, &vec!["kms:Encrypt".to_owned()])]);
    let written = serde_json::to_string(&generated.policies).unwrap();
    assert!(written.contains("arn:aws:apigateway:us-east-1::/restapis/a1/stages"), "{written}");
}

/// What the accounts' truth calls unused is in no generated policy: neither by its name nor by a wildcard.
#[test]
fn a_generated_policy_allows_no_action_that_was_not_used() {
    let mut asked = 0;
    for account in accounts() {
        let events = batch(&account.distinct());
        for (principal, unused) in account.expected["unused_actions"].as_object().unwrap() {
            let mut calls = Calls::new(Some(vec![principal.clone()]), None);
            calls.observe(&events);
            let used: std::collections::BTreeSet<&str> = calls.iter().map(|(call, _)| call.action.as_str()).collect();
            let generated = of_calls(&calls, &Options::default());
            let documents: Vec<Document> = generated.policies.iter().map(Policy::document).collect();
            let allowed = documents.iter().map(crate::policy::Grant::of);
            let allowed: Vec<_> = allowed.map(|grant| grant.effective()).collect();
            // Used before the window is used all the same: the policy is of all calls.
            let unused = unused.as_array().unwrap().iter().map(|action| action.as_str().unwrap());
            for action in unused.filter(|action| !used.contains(action)) {
                assert!(!allowed.iter().any(|set| set.contains(action)), "{principal} {action}");
                asked += 1;
            }
            assert!(generated.policies.iter().all(|policy| size(policy) <= MANAGED_LIMIT));
        }
    }
    assert!(asked > 100 || accounts().is_empty(), "{asked}");
}

/// The bucket is what is listed, its objects are what is read: each action stands with the ARN that it is asked on.
#[test]
fn a_bucket_and_its_objects_are_two_resources() {
    let on = |name: &str, arns: Value| {
        let mut event = call("ann", "s3", name, "2026-01-02T00:00:00Z");
        event["resources"] = arns;
        event["requestParameters"] = json!({"bucketName": "my_bucket"});
        event
    };
    let bucket = json!({"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::my_bucket", "accountId": "111111111111"});
    let object = json!({"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::my_bucket/key"});
    let mut calls = Calls::new(None, None);
    calls.observe(&batch(&[on("ListObjectsV2", json!([bucket])), on("GetObject", json!([bucket, object]))]));
    let generated = of_calls(&calls, &Options::default());
    let statements = generated.policies.iter().flat_map(|policy| &policy.statement);
    let rows: Vec<_> = statements.map(|one| (one.action.join(" "), one.resource.join(" "))).collect();
    let row = |action: &str, resource: &str| (action.to_owned(), resource.to_owned());
    assert_eq!(
        rows,
        [row("s3:ListBucket", "arn:aws:s3:::my_bucket"), row("s3:GetObject", "arn:aws:s3:::my_bucket/key")]
    );
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

/// The instance profile of a launch template is in no request that launches; where no log tells it, that is said and not guessed.
#[test]
fn the_role_of_a_launch_template_is_known_or_said_not_to_be() {
    let role = "arn:aws:iam::111111111111:role/web";
    let run = |response: Value| {
        let mut run = call("ann", "ec2", "RunInstances", "2026-01-02T00:00:00Z");
        run["requestParameters"] = json!({"launchTemplate": {"launchTemplateId": "lt-1", "version": "1"}});
        run["responseElements"] = response;
        run
    };
    let mut made = call("ops", "ec2", "CreateLaunchTemplate", "2026-01-01T00:00:00Z");
    made["requestParameters"] = json!({"CreateLaunchTemplateRequest": {"LaunchTemplateName": "web",
        "LaunchTemplateData": {"IamInstanceProfile": {"Arn": role.replace(":role/", ":instance-profile/")}}}});
    made["responseElements"] =
        json!({"CreateLaunchTemplateResponse": {"launchTemplate": {"launchTemplateId": "lt-1"}}});
    let of = |records: &[Value]| {
        let mut calls = Calls::new(Some(vec![arn("ann")]), None);
        calls.observe(&batch(records));
        let generated = of_calls(&calls, &Options::default());
        let replayed = replay(&calls, &proposal(&generated.policies));
        let all = generated.policies.iter().flat_map(|policy| &policy.statement);
        let passed: Vec<_> =
            all.filter(|one| one.action == ["iam:PassRole"]).flat_map(|one| one.resource.clone()).collect();
        (passed, generated.templates, replayed.denied_calls, replayed.undecided_calls)
    };
    let told = |passed: &[&str]| {
        (passed.iter().map(|role| (*role).to_owned()).collect::<Vec<_>>(), Vec::<String>::new(), 0, 0)
    };
    // Nothing tells it.
    assert_eq!(of(&[run(Value::Null)]), (vec![], vec!["lt-1 version 1".to_owned()], 0, 1));
    // Who made the template tells it, whoever that was and in whatever order.
    assert_eq!(of(&[made.clone(), run(Value::Null)]), told(&[role]));
    assert_eq!(of(&[run(Value::Null), made]), told(&[role]));
    // The answer tells it, or that there is none.
    let profile = json!({"arn": "arn:aws:iam::111111111111:instance-profile/web", "id": "AIPA1"});
    assert_eq!(
        of(&[run(json!({"instancesSet": {"items": [{"instanceId": "i-1", "iamInstanceProfile": profile}]}}))]),
        told(&[role])
    );
    assert_eq!(of(&[run(json!({"instancesSet": {"items": [{"instanceId": "i-1"}]}}))]), told(&[]));
}

/// Tags of what is made leave no event, so a policy without them would break the next launch.
#[test]
fn tags_given_at_creation_are_granted_for_that_creation_alone() {
    let mut run = call("ann", "ec2", "RunInstances", "2026-01-02T00:00:00Z");
    run["requestParameters"] =
        json!({"tagSpecificationSet": {"items": [{"resourceType": "instance", "tags": [{"key": "a"}]}]}});
    let statements = |records: &[Value]| {
        let mut calls = Calls::new(None, None);
        calls.observe(&batch(records));
        let generated = of_calls(&calls, &Options::default());
        assert_eq!(replay(&calls, &proposal(&generated.policies)).denied, []);
        serde_json::to_value(generated).unwrap()["policies"][0]["Statement"].clone()
    };
    let tags = json!({"Sid": "CreateTags", "Effect": "Allow", "Action": ["ec2:CreateTags"],
        "Resource": ["arn:aws:ec2:us-east-1:111111111111:*/*"], "Condition": {"StringEquals": {"ec2:CreateAction": ["RunInstances"]}}});
    assert_eq!(statements(std::slice::from_ref(&run))[1], tags);
    // Who tags at will needs no other statement for tags.
    let found = statements(&[run, call("ann", "ec2", "CreateTags", "2026-01-02T00:00:01Z")]);
    let tagging: Vec<_> =
        found.as_array().unwrap().iter().filter(|one| one["Action"] == json!(["ec2:CreateTags"])).collect();
    assert!(tagging.len() == 1 && tagging[0]["Condition"].is_null(), "{found}");
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

/// A random call: any of some services, of a user, a role's session or another account's user, keys with wildcards in them,
/// tags and roles handed over, refused or not.
fn event() -> impl Strategy<Value = Value> {
    let key = "[a-c*?$/{}.]{1,6}";
    (0usize..KINDS, 0u8..40, key, 0u8..6, 0usize..3, 0u32..1_000_000).prop_map(made)
}

/// Kinds of calls that [`made`] knows.
const KINDS: usize = 21;

fn made((kind, number, key, outcome, who, id): (usize, u8, String, u8, usize, u32)) -> Value {
    let role = format!("arn:aws:iam::111111111111:role/r{}", number % 7);
    let listed = |arn: String| (Some(arn), Value::Null);
    let asked = |request: Value| (None, request);
    let (source, name, (arn, request)) = match kind {
        0 => ("s3", "GetObject", listed(format!("arn:aws:s3:::bucket/{key}"))),
        1 => ("s3", "PutObject", listed(format!("arn:aws:s3:::bucket{number}/{key}"))),
        2 => ("sqs", "SendMessage", listed(format!("arn:aws:sqs:us-east-1:111111111111:q{number}"))),
        3 => ("dynamodb", "Query", listed(format!("arn:aws:dynamodb:us-east-1:222222222222:table/t{number}"))),
        4 => ("ec2", "DescribeInstances", asked(Value::Null)),
        5 => {
            let tags = json!({"items": [{"resourceType": "instance", "tags": [{"key": key, "value": "*"}]}]});
            let profile = json!({"arn": role.replace(":role/", ":instance-profile/")});
            ("ec2", "RunInstances", asked(json!({"tagSpecificationSet": tags, "iamInstanceProfile": profile})))
        }
        6 => {
            let tags = if number % 2 == 0 { json!({"team": key}) } else { json!({}) };
            let request = json!({"functionName": format!("f{number}"), "role": role, "tags": tags});
            ("lambda", "CreateFunction20150331", asked(request))
        }
        7 => ("iam", "ListUsers", asked(Value::Null)),
        8 => ("ec2", "CreateTags", asked(json!({"resourcesSet": {"items": [{"resourceId": "i-1"}]}}))),
        9 => ("ec2", "CreateVolume", asked(json!({"tagSpecificationSet": {"items": [{"resourceType": "volume"}]}}))),
        10 => ("kms", "Decrypt", listed(format!("arn:aws:kms:us-east-1:222222222222:key/{number}"))),
        11 => ("sts", "AssumeRole", asked(json!({"roleArn": role.replace("1111", "3333"), "roleSessionName": key}))),
        12 => {
            ("iam", "CreateRole", asked(json!({"roleName": format!("r{number}"), "tags": [{"key": key, "value": ""}]})))
        }
        13 => {
            let named = json!({"volumeId": format!("vol-{}", number % 9), "instanceId": format!("i-{}", number % 3)});
            ("ec2", "AttachVolume", asked(if number % 4 == 0 { json!({"volumeId": "vol-1"}) } else { named }))
        }
        14 => {
            let image = json!({"items": [{"imageId": format!("ami-{}", number % 9), "keyName": "ops"}]});
            (
                "ec2",
                "RunInstances",
                asked(
                    json!({"instancesSet": image, "subnetId": "subnet-1", "groupSet": {"items": [{"groupId": "sg-1"}]}}),
                ),
            )
        }
        15 | 16 => {
            let source = format!(
                "from{}/{}{}",
                number % 3,
                key.replace('?', "%3F"),
                if number % 2 == 0 { "?versionId=1" } else { "" }
            );
            let request = json!({"bucketName": "to", "key": key, "x-amz-copy-source": if number % 7 == 0 { json!(null) } else { json!(source) }});
            ("s3", if kind == 15 { "CopyObject" } else { "UploadPartCopy" }, asked(request))
        }
        17 => {
            let one = |at: u8| format!("arn:aws:kms:us-east-1:111111111111:key/{}", at % 4);
            ("kms", "ReEncrypt", asked(json!({"sourceKeyId": one(number), "destinationKeyId": one(number + 1)})))
        }
        18 => ("route53", "ChangeResourceRecordSets", asked(json!({"hostedZoneId": format!("Z{number}")}))),
        19 => ("glue", "GetTable", asked(json!({"databaseName": "d", "name": format!("t{number}")}))),
        _ => {
            let task =
                json!({"taskRoleArn": role, "executionRoleArn": "arn:aws:iam::111111111111:role/run", "tags": [key]});
            ("ecs", "RegisterTaskDefinition", asked(task))
        }
    };
    let mut event = call("ann", source, name, "2026-01-02T00:00:00Z");
    event["eventID"] = json!(format!("{id}"));
    event["requestParameters"] = request;
    event["resources"] = arn.map_or(Value::Null, |arn| json!([{"ARN": arn}]));
    if who == 1 {
        event["userIdentity"] = json!({"type": "AssumedRole", "arn": "arn:aws:sts::111111111111:assumed-role/app/s",
            "accountId": "111111111111", "accessKeyId": "ASIAX", "sessionContext": {"sessionIssuer": {"type": "Role",
            "arn": ROLE, "accountId": "111111111111", "userName": "app"}}});
    }
    if number % 5 == 0 {
        event["userIdentity"]["invokedBy"] = json!("cloudformation.amazonaws.com");
        event["sourceIPAddress"] = json!("cloudformation.amazonaws.com");
    }
    match outcome {
        0 => {
            event["errorCode"] = json!("AccessDenied");
            event["errorMessage"] = json!(format!(
                "User: x is not authorized to perform: iam:PassRole on resource: {role} because no identity-based policy allows the iam:PassRole action"
            ));
        }
        1 => event["errorCode"] = json!("ThrottlingException"),
        2 => event["errorCode"] = json!("Client.UnauthorizedOperation"),
        _ => {}
    }
    event
}

const ROLE: &str = "arn:aws:iam::111111111111:role/service-role/app";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_generated_policy_allows_every_call_and_is_minimal(events in proptest::collection::vec(event(), 1..120)) {
        for principal in [arn("ann"), ROLE.to_owned()] {
            let mut calls = Calls::new(Some(vec![principal]), None);
            calls.observe(&batch(&events));
            if let Err(reason) = check(&calls) {
                prop_assert!(false, "{}", reason);
            }
        }
    }
}

#[test]
fn what_a_request_only_names_is_granted_with_its_path() {
    let inventory =
        r#"{"RoleDetailList": [{"Arn": "arn:aws:iam::111111111111:role/service-role/app", "RoleName": "app"}]}"#;
    let paths = crate::paths::Paths::new(&[crate::inventory::Inventory::parse(inventory, "i.json").unwrap()]);
    let mut calls = Calls::new(None, None).with_paths(paths);
    let mut get = call("ann", "iam", "GetRole", "2026-01-02T00:00:00Z");
    get["requestParameters"] = json!({"roleName": "app"});
    let mut run = call("ann", "ec2", "RunInstances", "2026-01-02T00:00:00Z");
    run["requestParameters"] = json!({"iamInstanceProfile": {"name": "app"}});
    calls.observe(&batch(&[get, run]));
    let generated = of_calls(&calls, &Options::default());
    let statements: Vec<_> = generated.policies.iter().flat_map(|policy| &policy.statement).collect();
    for action in ["iam:GetRole", "iam:PassRole"] {
        let statement = statements.iter().find(|statement| statement.action == [action]).unwrap();
        assert_eq!(statement.resource, [ROLE], "{action}");
    }
}
