//! The fold: against the accounts of the shared data, its own rules, and any split and order of the events.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fixture::{accounts, arn, batch, call};
use crate::instant;

fn fold(records: &[Value]) -> LastUsed {
    let mut usage = LastUsed::default();
    usage.observe(&batch(records));
    usage
}

/// Everything the table says, in one order.
fn dump(usage: &LastUsed) -> String {
    use std::fmt::Write;
    let mut text = format!("{:?}\n{:?}\n", usage.totals(), usage.coverage());
    for principal in usage.principals() {
        let activity = (&principal.name, principal.kind(), principal.first, principal.last, principal.last_use);
        let counts = (principal.events, principal.denied, principal.errors, principal.last_console_login);
        writeln!(text, "{activity:?} {counts:?} {:?}", principal.actors).unwrap();
        for (action, fact) in usage.facts(principal) {
            writeln!(text, "  {action} {fact:?}").unwrap();
        }
    }
    for key in usage.access_keys() {
        writeln!(text, "{key:?}").unwrap();
    }
    writeln!(text, "{:?}", usage.assumed()).unwrap();
    text
}

#[test]
fn last_use_of_the_accounts_is_exact() {
    for account in accounts() {
        // With the repeated events: times must not care.
        let usage = fold(&account.events);
        for (principal, actions) in account.expected["last"].as_object().unwrap() {
            let found = usage.principal(principal);
            let facts = found.map(|found| usage.facts(found)).unwrap_or_default();
            let got: Vec<Value> = facts
                .iter()
                .map(|(action, fact)| {
                    json!([action, instant::format(fact.last_attempt), fact.last_success.map(instant::format)])
                })
                .collect();
            let mut expected: Vec<Value> = actions
                .as_object()
                .unwrap()
                .iter()
                .map(|(action, last)| json!([action, last["last_attempt"], last["last_success"]]))
                .collect();
            expected.sort_by_key(|row| row[0].as_str().unwrap().to_owned());
            assert_eq!(got, expected, "{} {principal}", account.name);
        }
    }
}

#[test]
fn success_refusal_and_failure_are_told_apart() {
    let mut records: Vec<_> =
        ["01", "02", "03"].map(|day| call("ann", "s3", "GetBucketAcl", &format!("2026-01-{day}T00:00:00Z"))).into();
    records[1]["errorCode"] = json!("NoSuchBucket");
    records[2]["errorCode"] = json!("AccessDenied");
    let usage = fold(&records);
    let fact = usage.fact(&arn("ann"), "s3:GetBucketAcl").unwrap();
    let day = |day: i64| instant::parse("2026-01-01T00:00:00Z").unwrap() + (day - 1) * instant::DAY;
    assert_eq!(
        (fact.first, fact.last_success, fact.last_use, fact.last_attempt),
        (day(1), Some(day(1)), Some(day(2)), day(3))
    );
    assert_eq!((fact.count, fact.denied, fact.errors, fact.successes()), (3, 1, 1, 1));
    assert_eq!(fact.last_source.as_deref(), Some("192.0.2.1"));
    assert_eq!(fact.regions.iter().map(|region| &**region).collect::<Vec<_>>(), ["us-east-1"]);
}

#[test]
fn a_refusal_counts_for_the_action_that_it_names() {
    let mut record = call("ann", "ec2", "RunInstances", "2026-01-01T00:00:00Z");
    record["errorCode"] = json!("Client.UnauthorizedOperation");
    record["errorMessage"] = json!(
        "User: x is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/r because no identity-based policy allows the iam:PassRole action"
    );
    let usage = fold(&[record.clone(), call("ann", "ec2", "RunInstances", "2026-01-02T00:00:00Z")]);
    assert_eq!(usage.fact(&arn("ann"), "iam:PassRole").unwrap().denied, 1);
    assert_eq!(usage.fact(&arn("ann"), "ec2:RunInstances").unwrap().denied, 0);
    record["errorMessage"] = json!("You are not authorized to perform this operation.");
    assert_eq!(fold(&[record]).fact(&arn("ann"), "ec2:RunInstances").unwrap().denied, 1);
}

#[test]
fn a_version_in_the_request_asks_for_the_versions_action() {
    let mut record = call("ann", "s3", "HeadObject", "2026-01-01T00:00:00Z");
    record["eventCategory"] = json!("Data");
    record["requestParameters"] = json!({"bucketName": "b", "key": "k", "versionId": "3"});
    let usage = fold(&[record, call("ann", "s3", "GetObject", "2026-01-02T00:00:00Z")]);
    let facts = usage.facts(usage.principal(&arn("ann")).unwrap());
    assert_eq!(facts.iter().map(|row| row.0).collect::<Vec<_>>(), ["s3:GetObject", "s3:GetObjectVersion"]);
    let account = &usage.coverage().accounts()["111111111111"];
    assert_eq!(account.data_events.iter().copied().collect::<Vec<_>>(), ["AWS::S3::Object"]);
}

#[test]
fn sign_ins_are_activity_and_no_permission() {
    let mut login = call("ann", "signin", "ConsoleLogin", "2026-01-01T00:00:00Z");
    login["eventType"] = json!("AwsConsoleSignIn");
    let mut failed = login.clone();
    failed["eventTime"] = json!("2026-01-05T00:00:00Z");
    failed["errorMessage"] = json!("Failed authentication");
    let mut service = call("ann", "kms", "RotateKey", "2026-01-09T00:00:00Z");
    service["eventType"] = json!("AwsServiceEvent");
    let usage = fold(&[login, failed, service]);
    let ann = usage.principal(&arn("ann")).unwrap();
    assert!(usage.facts(ann).is_empty());
    let first = instant::parse("2026-01-01T00:00:00Z");
    assert_eq!((ann.last_console_login, ann.last_use), (first, first));
    assert_eq!((ann.events, ann.errors, ann.last), (2, 1, instant::parse("2026-01-05T00:00:00Z").unwrap()));
}

#[test]
fn only_long_term_keys_are_kept_and_the_unmapped_is_counted() {
    let mut role = call("ann", "sts", "AssumeRole", "2026-01-01T00:00:00Z");
    role["userIdentity"]["accessKeyId"] = json!("ASIAEXAMPLE");
    let unmapped = call("ann", "cloudtrail", "DescribeTrail", "2026-01-02T00:00:00Z");
    let mut nobody = unmapped.clone();
    nobody["userIdentity"] = json!(null);
    let usage = fold(&[role, unmapped, nobody]);
    assert_eq!(usage.access_keys().iter().map(|row| row.0).collect::<Vec<_>>(), ["AKIAANN"]);
    assert_eq!((usage.totals().unmapped, usage.totals().without_principal), (1, 1));
    assert!(usage.fact(&arn("ann"), "cloudtrail:DescribeTrail").is_some());
}

#[test]
fn limits_hold_and_what_does_not_fit_is_counted() {
    let mut usage = LastUsed::new(Limits { facts: 2, principals: 1, access_keys: 1 });
    let names = ["ListUsers", "ListRoles", "ListGroups"];
    let mut records: Vec<_> = names.map(|name| call("ann", "iam", name, "2026-01-01T00:00:00Z")).into();
    records.push(call("bob", "iam", "ListUsers", "2026-01-01T00:00:00Z"));
    usage.observe(&batch(&records));
    assert_eq!(usage.principals().len(), 1);
    assert_eq!(usage.facts(usage.principals()[0]).len(), 2);
    assert_eq!((usage.access_keys().len(), usage.totals().dropped), (1, 3));
}

/// Random events of few principals, calls and moments, so that everything ties and collides.
fn any_event() -> impl Strategy<Value = Value> {
    let calls = prop_oneof![
        Just(("s3", "GetObject")),
        Just(("s3", "ListBuckets")),
        Just(("kms", "ReEncrypt")),
        Just(("ec2", "RunInstances")),
        Just(("s3", "CreateBucket")),
        Just(("lambda", "CreateFunction20150331")),
        Just(("signin", "ConsoleLogin")),
        Just(("cloudtrail", "Nonsense")),
    ];
    let errors = prop_oneof![3 => Just(None), 1 => Just(Some("AccessDenied")), 1 => Just(Some("NoSuchKey"))];
    (0u8..3, calls, 0u8..4, 0u8..3, 0u8..3, errors, 0u8..5).prop_map(|(user, (source, name), day, hour, at, error, odd)| {
        let mut record = call(&format!("u{user}"), source, name, &format!("2026-01-0{}T0{hour}:00:00Z", day + 1));
        record["sourceIPAddress"] = json!(format!("192.0.2.{at}"));
        record["awsRegion"] = json!(["us-east-1", "eu-west-1"][usize::from(at % 2)]);
        if source == "signin" {
            record["eventType"] = json!("AwsConsoleSignIn");
        }
        if let Some(error) = error {
            record["errorCode"] = json!(error);
        }
        match odd {
            0 => record["errorMessage"] = json!("User: u is not authorized to perform: iam:PassRole on resource: *"),
            1 => record["requestParameters"] = json!({"versionId": "1"}),
            2 => {
                // A role session whose actor and key differ.
                record["userIdentity"] = json!({
                    "type": "AssumedRole", "arn": format!("arn:aws:sts::111111111111:assumed-role/r/s{at}"),
                    "principalId": format!("AROA:s{at}"), "accountId": "111111111111", "accessKeyId": "AKIASHARED",
                    "sessionContext": {"sessionIssuer": {"type": "Role", "arn": format!("arn:aws:iam::111111111111:role/r{user}")}},
                });
            }
            3 => {
                // What asks for more than its own action, whatever the call.
                record["requestParameters"] = json!({
                    "tags": {"a": "b"}, "role": "arn:aws:iam::111111111111:role/app", "x-amz-acl": "public-read",
                    "tagSpecificationSet": {"items": [{"tags": []}]}, "layers": ["arn:aws:lambda:r:111111111111:layer:l:1"],
                });
            }
            _ => {}
        }
        record
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_split_and_order_merges_to_the_same_table(
        records in proptest::collection::vec(any_event(), 1..40),
        cuts in proptest::collection::vec(0usize..40, 0..4),
        seed in any::<u64>(),
    ) {
        let whole = dump(&fold(&records));
        let mut shuffled = records.clone();
        shuffled.sort_by_key(|record| ahash::RandomState::with_seeds(seed, 1, 2, 3).hash_one(record.to_string()));
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(shuffled.len())).chain([0, shuffled.len()]).collect();
        cuts.sort_unstable();
        let parts: Vec<&[Value]> = cuts.windows(2).map(|cut| &shuffled[cut[0]..cut[1]]).filter(|part| !part.is_empty()).collect();

        // One table fed part by part; and a table a part, merged from the last to the first.
        let mut fed = LastUsed::default();
        parts.iter().for_each(|part| fed.observe(&batch(part)));
        prop_assert_eq!(&dump(&fed), &whole);
        let mut merged = LastUsed::default();
        parts.iter().rev().for_each(|part| merged.merge(&fold(part)));
        prop_assert_eq!(&dump(&merged), &whole);
    }
}

/// Speed, told rather than demanded: `cargo test --release -p trailhound-access fold_speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn fold_speed() {
    let events: Vec<Value> = accounts().iter().flat_map(|account| account.distinct()).collect();
    let batch = batch(&events);
    let copies = vec![batch; 64];
    let whole = arrow::compute::concat_batches(&copies[0].schema(), &copies).unwrap();
    let started = std::time::Instant::now();
    let mut usage = LastUsed::default();
    for _ in 0..4 {
        let mut at = 0;
        while at < whole.num_rows() {
            let rows = 65_536.min(whole.num_rows() - at);
            usage.observe(&whole.slice(at, rows));
            at += rows;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    eprintln!("{} events, {:.1} M/s", usage.totals().events, usage.totals().events as f64 / seconds / 1e6);
}
