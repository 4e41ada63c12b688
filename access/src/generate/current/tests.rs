//! Single cases, and what holds for random accounts.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::calls::Calls;
use crate::fixture::{arn, batch, call};
use crate::policy::{ActionName, Caller, Context, Guards, Mode, Outcome, Principal, Request};
use crate::replay::{Proposal, replay};
use crate::unused::{Options, Why, report};
use crate::usage::{LastUsed, Limits};

fn of_not_used(not_used: &ActionSet) -> Use {
    Use { not_used: not_used.clone(), ..Use::default() }
}

#[test]
fn what_calls_needed_that_nobody_maps_stays() {
    let stay = |patterns: &[&str]| {
        let value = json!({"Statement": [{"Effect": "Allow", "Action": patterns, "Resource": "*"}]});
        let document = Document::parse(&value).unwrap();
        let used = Use {
            not_used: ActionSet::of_patterns(&["sqs:*".to_owned(), "glue:*".to_owned()]),
            unmapped: BTreeSet::from(["glue:SomethingNew".to_owned()]),
        };
        let changes = from_current(&[("p".to_owned(), &document)], &|_| used.clone(), &|_| usize::MAX);
        changes.into_iter().next().and_then(|change| change.after).map(|after| after["Statement"][0]["Action"].clone())
    };
    // Which of Glue's actions the call needed is not known, so none of them goes.
    assert_eq!(stay(&["sqs:*", "glue:*"]), Some(json!(["glue:*"])));
    assert_eq!(stay(&["glue:Get*", "sqs:Send*"]), None, "the call is no Get");
    let all = stay(&["*"]).unwrap();
    assert!(all.as_array().unwrap().contains(&json!("glue:*")) && !all.to_string().contains("sqs:"), "{all}");
}

#[test]
fn only_what_was_not_used_goes() {
    let value = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "A", "Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"], "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
        {"Effect": "Deny", "Action": "sqs:*", "Resource": "arn:aws:sqs:*:*:x"},
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]});
    let document = Document::parse(&value).unwrap();
    let mut not_used = ActionSet::none();
    assert!(not_used.insert("sqs:ReceiveMessage") && not_used.insert("kms:Decrypt"));
    let of = |document: &Document, not_used: &ActionSet, limit| {
        from_current(&[("inline/x".to_owned(), document)], &|_| of_not_used(not_used), &|_| limit)
    };
    let changes = of(&document, &not_used, 10_240);
    let after = changes[0].after.as_ref().unwrap();
    assert_eq!(after["Statement"][0]["Action"], json!(["sqs:SendMessage"]));
    assert_eq!(after["Statement"].as_array().unwrap().len(), 3);
    assert_eq!(Document::parse(&changes[0].before).unwrap(), document);
    assert!(of(&document, &ActionSet::none(), 10_240).is_empty());
    let only = Document::parse(&json!({"Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}}));
    assert_eq!(of(&only.unwrap(), &not_used, 10_240)[0].after, None);
}

#[test]
fn what_would_be_too_long_is_written_with_wildcards() {
    let value = json!({"Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]});
    let document = Document::parse(&value).unwrap();
    let mut not_used = ActionSet::none();
    assert!(not_used.insert("ec2:RunInstances"));
    let at = |limit| {
        let changes = from_current(&[("p".to_owned(), &document)], &|_| of_not_used(&not_used), &|_| limit);
        changes.into_iter().next().and_then(|change| change.after).unwrap()
    };
    let (long, short) = (at(usize::MAX), at(6144));
    assert!(characters(&long) > 6144 && characters(&short) <= 6144, "{}", characters(&short));
    let actions = |after: &Value| ActionSet::of(&Document::parse(after).unwrap().statements[0].actions);
    assert_eq!(actions(&long), actions(&short));
    assert!(!actions(&short).contains("ec2:RunInstances") && actions(&short).contains("ec2:RunScheduledInstances"));
}

#[test]
fn holders_are_those_whom_a_change_concerns() {
    let page = json!({"UserDetailList": [{"Arn": "a", "UserName": "a", "GroupList": ["g"]},
            {"Arn": "b", "UserName": "b", "AttachedManagedPolicies": [{"PolicyArn": "p"}]}],
        "GroupDetailList": [{"GroupName": "g", "AttachedManagedPolicies": [{"PolicyArn": "p"}]}],
        "RoleDetailList": [{"Arn": "c", "RoleName": "c", "PermissionsBoundary": {"PermissionsBoundaryArn": "p"}}]});
    let inventory = Inventory::parse(&page.to_string(), "x").unwrap();
    assert_eq!(holders(&inventory, "a", "p"), ["a", "b", "c"]);
    assert_eq!(holders(&inventory, "a", "group/g/inline/i"), ["a"]);
    assert_eq!(holders(&inventory, "b", "inline/i"), ["b"]);
}

/// Actions of a few services, management events and data events, one that leaves no event and one that nobody knows.
const ACTIONS: &[&str] = &[
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
    "sqs:SendMessage",
    "iam:GetUser",
    "iam:CreateUser",
    "iam:PassRole",
    "ec2:DescribeInstances",
    "ec2:StartInstances",
    "dynamodb:CreateTable",
    "kms:Decrypt",
    "no:SuchThing",
];

/// Some way to name an action in a policy.
fn pattern() -> impl Strategy<Value = String> {
    (0..ACTIONS.len(), 0u8..6).prop_map(|(at, form)| {
        let (service, name) = ACTIONS[at].split_once(':').unwrap();
        match form {
            0 => format!("{service}:*"),
            1 => format!("{service}:{}*", &name[..name.len().min(4)]),
            2 => "*".to_owned(),
            3 => format!("{service}:?{}", &name[1..]),
            _ => ACTIONS[at].to_owned(),
        }
    })
}

fn statement() -> impl Strategy<Value = Value> {
    let patterns = proptest::collection::vec(pattern(), 1..4);
    (patterns, 0u8..10, 0u8..4, 0u8..5).prop_map(|(patterns, effect, except, more)| {
        let key = if except == 0 { "NotAction" } else { "Action" };
        let effect = if effect < 2 { "Deny" } else { "Allow" };
        let resource = if more == 1 { json!(["arn:aws:sqs:*:*:q1", "arn:aws:iam::*:user/*"]) } else { json!("*") };
        let mut statement = json!({"Effect": effect, key: patterns, "Resource": resource});
        if more == 2 {
            statement["Condition"] = json!({"StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}});
        }
        if more == 3 {
            statement["Condition"] = json!({"IpAddressIfExists": {"aws:SourceIp": "192.0.2.0/25"}});
        }
        statement
    })
}

fn documents() -> impl Strategy<Value = Vec<Value>> {
    let one = proptest::collection::vec(statement(), 1..4)
        .prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}));
    proptest::collection::vec(one, 1..3)
}

/// What ann called: action, queue or user, region.
fn traffic() -> impl Strategy<Value = Vec<(usize, u8, bool)>> {
    proptest::collection::vec((0..ACTIONS.len(), 0u8..3, any::<bool>()), 0..8)
}

fn recorded(traffic: &[(usize, u8, bool)]) -> Vec<Value> {
    let mut events: Vec<Value> = traffic
        .iter()
        .enumerate()
        .filter(|(_, (at, ..))| ACTIONS[*at] != "iam:PassRole")
        .map(|(number, (at, which, home))| {
            let (service, name) = ACTIONS[*at].split_once(':').unwrap();
            let mut event = call("ann", service, name, "2026-03-20T00:00:00Z");
            event["eventID"] = json!(format!("ann-{number}"));
            event["awsRegion"] = json!(if *home { "us-east-1" } else { "ap-south-1" });
            event["requestParameters"] = json!({"queueName": format!("q{which}"), "userName": format!("u{which}")});
            event
        })
        .collect();
    // Somebody else keeps the logs without a gap, through the whole window and of data events too.
    events.extend((0..36).map(|turn| {
        let time = crate::instant::parse("2025-12-20T00:00:00Z").unwrap() + turn * 3 * crate::instant::DAY;
        let (service, name) = if turn % 2 == 0 { ("sqs", "SendMessage") } else { ("ec2", "DescribeInstances") };
        call("bob", service, name, &crate::instant::format(time))
    }));
    events
}

fn may(documents: &[(String, Document)], action: &str, resource: &str, region: &str) -> Outcome {
    let named: Vec<(&str, &Document)> = documents.iter().map(|(name, document)| (name.as_str(), document)).collect();
    let principal = Principal::new(Caller::new(&arn("ann")), &named);
    let mut context = Context::default();
    context.set("aws:RequestedRegion", region);
    context.set("aws:SourceIp", "192.0.2.200");
    let action = ActionName::new(action);
    let request = Request { action: &action, resource, resource_account: "", context: &context, mode: &Mode::Strict };
    principal.decide(&request, &Guards::none()).outcome
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn today_without_the_unused_lets_pass_what_passed_and_nothing_more(documents in documents(), traffic in traffic()) {
        let inline: Vec<_> = documents
            .iter()
            .enumerate()
            .map(|(at, document)| json!({"PolicyName": format!("p{at}"), "PolicyDocument": document}))
            .collect();
        let page = json!({"UserDetailList": [{"Arn": arn("ann"), "UserName": "ann", "CreateDate": "2020-01-01T00:00:00Z",
            "UserPolicyList": inline}]});
        let inventory = Inventory::parse(&page.to_string(), "grants.json").unwrap();
        let events = recorded(&traffic);
        let (mut usage, mut calls) = (LastUsed::new(Limits::default()), Calls::new(Some(vec![arn("ann")]), None));
        usage.observe(&batch(&events));
        calls.observe(&batch(&events));
        let found = report(&usage, std::slice::from_ref(&inventory), &Options::new(usage.coverage().last().unwrap()));
        let row = found.principals.iter().find(|row| row.principal == arn("ann")).unwrap();
        let not_used = row.unused.of(Why::NotUsed).cloned().unwrap_or_default();

        let policies = inventory.identity_policies(inventory.entity(&arn("ann")).unwrap());
        let before: Vec<_> = policies.iter().map(|(name, document)| (name.clone(), (*document).clone())).collect();
        let changes = from_current(&policies, &|_| Use::of(row), &|_| 2048);
        let mut after = Vec::new();
        for (name, document) in &before {
            match changes.iter().find(|change| change.name == *name) {
                None => after.push((name.clone(), document.clone())),
                Some(change) => after.extend(change.after.as_ref().map(|after| (name.clone(), Document::parse(after).unwrap()))),
            }
        }

        // What today's policies let pass still passes.
        let denied = |documents: &[(String, Document)]| {
            let replayed = replay(&calls, &Proposal::Identity(documents.to_vec()));
            replayed.denied.into_iter().map(|row| (row.action, row.resource)).collect::<Vec<_>>()
        };
        prop_assert_eq!(denied(&after), denied(&before));
        // Nothing else does that did not.
        for action in ACTIONS.iter().copied().chain(["sqs:ListQueues", "s3:GetObject", "iam:DeleteUser", "ec2:RunInstances"]) {
            for resource in ["*", "arn:aws:sqs:us-east-1:111111111111:q1", "arn:aws:iam::111111111111:user/u1"] {
                for region in ["us-east-1", "ap-south-1"] {
                    let (old, new) = (may(&before, action, resource, region), may(&after, action, resource, region));
                    prop_assert!(new != Outcome::Allowed || old == Outcome::Allowed, "{} {} {}", action, resource, region);
                    prop_assert!(old != Outcome::ExplicitlyDenied || new == Outcome::ExplicitlyDenied, "{}", action);
                }
            }
        }
        // And each statement that names what it allows has something that was used, or that cannot be known to be unused,
        // and nothing else: without it a call might be denied.
        for statement in after.iter().flat_map(|(_, document)| &document.statements) {
            if statement.effect == Effect::Allow && matches!(statement.actions, Patterns::Only(_)) {
                let mut unused = ActionSet::of(&statement.actions);
                unused.intersect(&not_used);
                prop_assert!(unused.is_empty(), "{:?} stays: {:?}", statement, unused.iter().next());
            }
        }
    }
}

#[test]
fn statements_that_cannot_be_narrowed_are_named() {
    let parse = |value: serde_json::Value| Document::parse(&value).unwrap();
    let broad = parse(serde_json::json!({"Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}]}));
    assert_eq!(not_narrowed(&[("inline/a".to_owned(), &broad)]), ["inline/a, statement 2"]);
}
