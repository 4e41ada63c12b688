//! Reports: exact on the accounts of the shared data, and each reason on an account made for it.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::fixture::{accounts, arn, batch, call};
use crate::instant;

/// The services that the accounts' `granted_actions` are restricted to.
const SERVICES: [&str; 11] =
    ["s3", "ec2", "iam", "sqs", "dynamodb", "lambda", "cloudwatch", "kms", "sts", "logs", "cloudtrail"];

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn sorted(actions: impl Iterator<Item = &'static str>) -> Vec<String> {
    let mut names: Vec<_> =
        actions.filter(|name| SERVICES.contains(&name.split(':').next().unwrap())).map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn granted_and_unused_of_the_accounts_are_exact() {
    for account in accounts() {
        let mut usage = LastUsed::default();
        usage.observe(&batch(&account.distinct()));
        let mut inventory = Inventory::parse(&account.gaad, "gaad.json").unwrap();
        inventory.add_scps(&account.scps, "scps.json").unwrap();
        inventory.add_credential_report(&account.credential_report, "credential_report.csv").unwrap();
        let now = instant::parse(account.expected["now"].as_str().unwrap()).unwrap();
        let options = Options::new(now);
        let grants = Grants::new(&inventory, options.from());
        for entity in &inventory.entities {
            let granted = sorted(grants.of(entity).now.iter().map(|action| action.name));
            assert_eq!(
                granted,
                texts(&account.expected["granted_actions"][&entity.arn]),
                "{} {}",
                account.name,
                entity.arn
            );
        }
        let report = report(&usage, std::slice::from_ref(&inventory), &options);
        for (principal, expected) in account.expected["unused_actions"].as_object().unwrap() {
            let found = report.principals.iter().find(|row| row.principal == *principal).unwrap();
            assert_eq!(sorted(found.unused.iter().map(|row| row.0)), texts(expected), "{} {principal}", account.name);
        }
        let expected = account.expected["findings"].as_array().unwrap().iter();
        let mut expected: Vec<_> =
            expected.filter(|row| row["type"] == "unused_role").map(|row| row["principal"].as_str().unwrap()).collect();
        expected.sort_unstable();
        let old = |row: &&UnusedPrincipal| row.kind == "Role" && row.created.unwrap() <= options.from();
        let got: Vec<_> = report.unused_principals.iter().filter(old).map(|row| row.principal.as_str()).collect();
        assert_eq!(got, expected, "{}", account.name);
    }
}

const NOW: &str = "2026-04-01T00:00:00Z";

fn inventory(created: &str, version: &str, actions: &[&str]) -> Inventory {
    let page = json!({
        "UserDetailList": [{"Arn": arn("ann"), "UserName": "ann", "CreateDate": created,
            "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::111111111111:policy/p"}]}],
        "Policies": [{"Arn": "arn:aws:iam::111111111111:policy/p", "PolicyVersionList": [{"VersionId": "v1",
            "IsDefaultVersion": true, "CreateDate": version,
            "Document": {"Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}}]}],
    });
    Inventory::parse(&page.to_string(), "gaad.json").unwrap()
}

/// Somebody else's calls, one a day from `first` day of the year on, in `region`.
fn logs(first: i64, last: i64, region: &str) -> Vec<Value> {
    let start = instant::parse("2026-01-01T00:00:00Z").unwrap();
    let day = |day: i64| {
        let mut record = call("bob", "ec2", "DescribeInstances", &instant::format(start + day * DAY + 1));
        record["awsRegion"] = json!(region);
        record
    };
    (first..=last).map(day).collect()
}

const ACTIONS: [&str; 5] =
    ["iam:PassRole", "iam:ListUsers", "s3:GetObject", "sqs:CreateQueue", "ec2:DescribeInstances"];

fn whys(records: &[Value], created: &str, version: &str) -> Vec<(&'static str, Why)> {
    let mut usage = LastUsed::default();
    usage.observe(&batch(records));
    let options = Options { window_days: 60, ..Options::new(instant::parse(NOW).unwrap()) };
    let report = report(&usage, &[inventory(created, version, &ACTIONS)], &options);
    let ann = report.principals.into_iter().find(|row| row.principal == arn("ann")).unwrap();
    ann.unused.iter().collect()
}

#[test]
fn unused_is_said_only_where_use_would_have_been_seen() {
    let old = "2020-01-01T00:00:00Z";
    let all = |rest: Why, iam: Why| {
        vec![
            ("ec2:DescribeInstances", rest),
            ("iam:ListUsers", iam),
            ("iam:PassRole", Why::Unobservable),
            ("s3:GetObject", Why::DataEventsOff),
            ("sqs:CreateQueue", rest),
        ]
    };
    let full = logs(0, 89, "us-east-1");
    assert_eq!(whys(&full, old, old), all(Why::NotUsed, Why::NotUsed));
    assert_eq!(whys(&logs(0, 89, "eu-west-1"), old, old), all(Why::NotUsed, Why::GlobalServiceRegionMissing));
    assert_eq!(whys(&logs(40, 89, "us-east-1"), old, old), all(Why::HistoryTooShort, Why::HistoryTooShort));
    let gap: Vec<_> =
        full.iter().filter(|record| !record["eventTime"].as_str().unwrap().starts_with("2026-03-1")).cloned().collect();
    assert_eq!(whys(&gap, old, old), all(Why::GapInLogs, Why::GapInLogs));
    assert_eq!(whys(&logs(0, 80, "us-east-1"), old, old), all(Why::GapInLogs, Why::GapInLogs));
    let recent = "2026-03-20T00:00:00Z";
    assert_eq!(whys(&full, recent, old), all(Why::GrantedTooRecently, Why::GrantedTooRecently));
    assert_eq!(whys(&full, old, recent), all(Why::GrantedTooRecently, Why::GrantedTooRecently));
    // What was used is not there; what was refused is.
    let mut used = full;
    used.push(call("ann", "sqs", "CreateQueue", "2026-03-01T00:00:00Z"));
    used.push(call("bob", "s3", "GetObject", "2026-03-01T00:00:00Z"));
    let mut refused = call("ann", "iam", "ListUsers", "2026-03-01T00:00:00Z");
    refused["errorCode"] = json!("AccessDenied");
    used.push(refused);
    let left = whys(&used, old, old);
    assert_eq!(
        left.iter().map(|row| row.0).collect::<Vec<_>>(),
        ["ec2:DescribeInstances", "iam:ListUsers", "iam:PassRole", "s3:GetObject"]
    );
    assert_eq!(left[3].1, Why::NotUsed);
}

#[test]
fn the_report_is_the_documented_json() {
    let mut usage = LastUsed::default();
    let mut records = logs(0, 89, "us-east-1");
    records.push(call("ann", "sqs", "CreateQueue", "2026-03-01T00:00:00Z"));
    usage.observe(&batch(&records));
    let mut held = inventory("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z", &ACTIONS);
    let csv = format!(
        "user,arn,user_creation_time,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date\n\
        ann,{0},2020-01-01T00:00:00Z,true,2020-01-01T00:00:00Z,N/A\nidle,{1},2020-01-01T00:00:00Z,true,2020-01-01T00:00:00Z,2020-02-01T00:00:00Z\n",
        arn("ann"),
        arn("idle")
    );
    held.add_credential_report(&csv, "report.csv").unwrap();
    let report = report(&usage, &[held], &Options::new(instant::parse(NOW).unwrap()));
    let json = serde_json::to_value(&report).unwrap();
    let ann = &json["principals"][0];
    assert_eq!(
        (&ann["principal"], &ann["account"], &ann["type"]),
        (&json!(arn("ann")), &json!("111111111111"), &json!("IAMUser"))
    );
    let action = &ann["services"][0]["actions"][0];
    assert_eq!(action["action"], "sqs:CreateQueue");
    assert_eq!(
        (&action["last_success"], &action["count"], &action["denied"]),
        (&json!("2026-03-01T00:00:00Z"), &json!(1), &json!(0))
    );
    assert_eq!(ann["unused"][2], json!({"action": "iam:PassRole", "why": "unobservable"}));
    assert_eq!(
        ann["unused_services"][0],
        json!({"service": "ec2", "name": "Amazon EC2", "actions_granted": 1, "why": "not_used"})
    );
    assert_eq!(json["window"], json!({"from": "2026-01-01T00:00:00Z", "to": NOW, "days": 90}));
    assert_eq!(json["coverage"]["accounts"][0]["account"], "111111111111");
    let keys: Vec<_> = json["access_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (key["access_key_id"].as_str(), key["slot"].as_u64(), key["unused"].as_str()))
        .collect();
    assert_eq!(
        keys,
        [(Some("AKIAANN"), Some(1), None), (Some("AKIABOB"), None, None), (None, Some(1), Some("not_used"))]
    );
    let bob = &json["principals"][1];
    assert_eq!((&bob["in_inventory"], &bob["unused"]), (&json!(false), &json!([])));
}

#[test]
fn without_grants_it_is_just_last_used() {
    let mut usage = LastUsed::default();
    usage.observe(&batch(&logs(0, 3, "us-east-1")));
    let report = report(&usage, &[], &Options::new(instant::parse(NOW).unwrap()));
    assert_eq!(report.principals.len(), 1);
    assert_eq!((report.principals[0].in_inventory, report.principals[0].granted), (None, None));
    assert!(report.principals[0].unused.is_empty() && report.unused_principals.is_empty());
}

#[test]
fn iams_own_dates_count_and_service_linked_roles_stand_apart() {
    let role = |name: &str, path: &str, last: Option<&str>| {
        json!({"Arn": format!("arn:aws:iam::111111111111:role{path}{name}"), "RoleName": name, "CreateDate": "2020-01-01T00:00:00Z",
            "RoleLastUsed": last.map(|time| json!({"LastUsedDate": time}))})
    };
    let page = json!({"RoleDetailList": [
        role("idle", "/team/", Some("2020-02-01T00:00:00Z")), role("quiet", "/", Some("2026-03-30T00:00:00Z")),
        role("linked", "/aws-service-role/x.amazonaws.com/", None), role("session", "/team/", None),
    ]});
    let mut records = logs(0, 89, "us-east-1");
    let mut session = call("x", "ec2", "DescribeInstances", "2026-03-29T00:00:00Z");
    session["userIdentity"] = json!({"type": "AssumedRole", "arn": "arn:aws:sts::111111111111:assumed-role/session/s", "accountId": "111111111111"});
    records.push(session);
    let mut usage = LastUsed::default();
    usage.observe(&batch(&records));
    let report = report(
        &usage,
        &[Inventory::parse(&page.to_string(), "g").unwrap()],
        &Options::new(instant::parse(NOW).unwrap()),
    );
    let unused: Vec<_> =
        report.unused_principals.iter().map(|row| (row.principal.rsplit('/').next().unwrap(), row.why)).collect();
    assert_eq!(unused, [("idle", Why::NotUsed)]);
    assert_eq!(report.service_linked_roles.len(), 1);
}

/// A function's role that only its service assumes: whatever it does may leave no event.
#[test]
fn a_role_that_somebody_assumed_is_alive() {
    let role = |name: &str| {
        json!({"Arn": format!("arn:aws:iam::111111111111:role/{name}"), "RoleName": name.rsplit('/').next(), "CreateDate": "2020-01-01T00:00:00Z",
            "RoleLastUsed": {}})
    };
    let assume = |name: &str, day: &str, call_name: &str, error: Option<&str>| {
        let mut record = call("x", "sts", call_name, &format!("2026-{day}T00:00:00Z"));
        record["userIdentity"] = json!({"type": "AWSService", "invokedBy": "lambda.amazonaws.com"});
        record["requestParameters"] =
            json!({"roleArn": format!("arn:aws:iam::111111111111:role/{name}"), "roleSessionName": "f"});
        record["errorCode"] = json!(error);
        record["eventID"] = json!(format!("{name}-{day}"));
        record
    };
    let mut records = logs(0, 89, "us-east-1");
    records.extend([
        assume("f/lam", "03-30", "AssumeRole", None),
        assume("web", "03-30", "AssumeRoleWithWebIdentity", None),
        assume("refused", "03-30", "AssumeRole", Some("AccessDenied")),
        assume("old", "01-01", "AssumeRole", None),
    ]);
    let (mut usage, mut halves) = (LastUsed::default(), LastUsed::default());
    usage.observe(&batch(&records));
    for half in records.chunks(45) {
        let mut part = LastUsed::default();
        part.observe(&batch(half));
        halves.merge(&part);
    }
    let page = json!({"RoleDetailList": [role("f/lam"), role("web"), role("refused"), role("old")]});
    let options = Options { window_days: 60, ..Options::new(instant::parse(NOW).unwrap()) };
    for usage in [usage, halves] {
        let report = report(&usage, &[Inventory::parse(&page.to_string(), "g").unwrap()], &options);
        let unused: Vec<_> = report
            .unused_principals
            .iter()
            .map(|row| (row.principal.rsplit('/').next().unwrap(), row.why, row.last_used.is_some()))
            .collect();
        assert_eq!(unused, [("old", Why::NotUsed, true), ("refused", Why::NotUsed, false)]);
    }
}

/// A trail of writes alone says nothing of reads, nor of roles, whose use begins with a call that only reads.
#[test]
fn a_trail_of_writes_alone_hides_reads_and_roles() {
    let statement =
        json!({"Statement": {"Effect": "Allow", "Action": ["sqs:ListQueues", "sqs:DeleteQueue"], "Resource": "*"}});
    let role = json!({"Arn": arn("ann").replace("user/ann", "role/app"), "RoleName": "app", "CreateDate": "2020-01-01T00:00:00Z",
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": statement}]});
    let page = json!({"UserDetailList": [], "RoleDetailList": [role]});
    let inventory = Inventory::parse(&page.to_string(), "gaad.json").unwrap();
    let day = |day: i64| instant::format(instant::parse("2026-01-01T00:00:00Z").unwrap() + day * instant::DAY);
    let whys = |name: &str| {
        let events: Vec<_> = (0..120).map(|at| call("ann", "sqs", name, &day(at))).collect();
        let mut usage = LastUsed::default();
        usage.observe(&batch(&events));
        let report =
            report(&usage, std::slice::from_ref(&inventory), &Options::new(instant::parse(&day(119)).unwrap()));
        let row = report.principals.iter().find(|row| row.principal.ends_with("role/app")).unwrap();
        (row.unused.why("sqs:ListQueues"), row.unused.why("sqs:DeleteQueue"), report.unused_principals[0].why)
    };
    assert_eq!(whys("CreateQueue"), (Some(Why::ReadEventsOff), Some(Why::NotUsed), Why::ReadEventsOff));
    assert_eq!(whys("GetQueueAttributes"), (Some(Why::NotUsed), Some(Why::NotUsed), Why::NotUsed));
}

/// A trail can leave KMS out: of many events none of it is no proof that nothing was decrypted.
#[test]
fn a_trail_without_events_of_keys_says_nothing_of_their_use() {
    let actions = ["kms:Decrypt", "kms:GenerateDataKey", "sqs:DeleteQueue"];
    let statement = json!({"Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}});
    let role = json!({"Arn": arn("ann").replace("user/ann", "role/app"), "RoleName": "app", "CreateDate": "2020-01-01T00:00:00Z",
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": statement}]});
    let inventory =
        Inventory::parse(&json!({"UserDetailList": [], "RoleDetailList": [role]}).to_string(), "gaad.json").unwrap();
    let day = |day: i64| instant::format(instant::parse("2026-01-01T00:00:00Z").unwrap() + day * instant::DAY);
    let whys = |service: &str, name: &str| {
        let mut events: Vec<_> = (0..120).map(|at| call("ann", "sqs", "GetQueueAttributes", &day(at))).collect();
        events.push(call("ann", service, name, &day(50)));
        let mut usage = LastUsed::default();
        usage.observe(&batch(&events));
        let report =
            report(&usage, std::slice::from_ref(&inventory), &Options::new(instant::parse(&day(119)).unwrap()));
        let row = report.principals.iter().find(|row| row.principal.ends_with("role/app")).unwrap();
        actions.map(|action| row.unused.why(action).unwrap())
    };
    assert_eq!(whys("sqs", "CreateQueue"), [Why::ExcludedEvents, Why::ExcludedEvents, Why::NotUsed]);
    assert_eq!(whys("kms", "DescribeKey"), [Why::NotUsed; 3]);
}
