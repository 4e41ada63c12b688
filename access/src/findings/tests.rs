#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::fixture::{accounts, batch};
use crate::inventory::{Credentials, ReportedKey};
use crate::unused::{self, Options};
use crate::usage::LastUsed;

/// A finding as the accounts' truth writes it.
fn row(finding: &Value) -> String {
    let mut row = json!({});
    for key in ["type", "principal", "days", "age_days", "time"] {
        if finding.get(key).is_some_and(|value| !value.is_null()) {
            row[key] = finding[key].clone();
        }
    }
    match finding["type"].as_str().unwrap() {
        // The truth tells days of rest or age, not both.
        "access_key_unused_45d" => drop(row.as_object_mut().unwrap().remove("age_days")),
        "unused_role" => row = json!({"type": "unused_role", "principal": finding["principal"]}),
        "root_use" => drop(row.as_object_mut().unwrap().remove("principal")),
        _ => {}
    }
    row.to_string()
}

#[test]
fn findings_of_the_accounts_are_exact() {
    for account in accounts() {
        let mut inventory = Inventory::parse(&account.gaad, "gaad.json").unwrap();
        inventory.add_scps(&account.scps, "scps.json").unwrap();
        inventory.add_credential_report(&account.credential_report, "report.csv").unwrap();
        let now = instant::parse(account.expected["now"].as_str().unwrap()).unwrap();
        let options = Options::new(now);
        let (mut usage, mut signins) = (LastUsed::default(), SignIns::default());
        let events = batch(&account.distinct());
        usage.observe(&events);
        signins.observe(&events);
        let inventories = [inventory];
        let report = unused::report(&usage, &inventories, &options);
        let found = of(&inventories, &signins, &report, &options);
        let found: BTreeSet<String> =
            found.iter().map(|finding| row(&serde_json::to_value(finding).unwrap())).collect();
        let expected: BTreeSet<String> = account.expected["findings"].as_array().unwrap().iter().map(row).collect();
        assert_eq!(found, expected, "{}", account.name);
    }
}

#[test]
fn the_boundary_days_of_cis() {
    let at = |days: i64| Some(-days * DAY);
    let user = |used: i64, rotated: i64| Credentials {
        user: "a".into(),
        arn: "arn:aws:iam::111111111111:user/a".into(),
        keys: vec![ReportedKey {
            slot: 1,
            active: true,
            last_rotated: at(rotated),
            last_used: at(used),
            ..Default::default()
        }],
        ..Credentials::default()
    };
    let kinds = |used, rotated| {
        let mut found = Vec::new();
        credential::of(&user(used, rotated), &Sources::default(), 0, &mut found);
        found.iter().map(|finding| finding.kind).collect::<Vec<_>>()
    };
    assert_eq!((kinds(44, 89), kinds(44, 90)), (vec![], vec![]));
    assert_eq!((kinds(45, 90), kinds(46, 90)), (vec![Kind::AccessKeyUnused], vec![Kind::AccessKeyUnused]));
    assert_eq!(kinds(44, 91), [Kind::AccessKeyNotRotated]);
}

#[test]
fn root_with_a_key_and_without_mfa() {
    let root = Credentials {
        user: "<root_account>".into(),
        arn: "arn:aws:iam::111111111111:root".into(),
        mfa_active: Some(false),
        keys: vec![ReportedKey { slot: 1, active: true, ..Default::default() }],
        ..Credentials::default()
    };
    let mut found = Vec::new();
    credential::of(&root, &Sources::default(), 0, &mut found);
    assert_eq!(
        found.iter().map(|finding| finding.kind).collect::<Vec<_>>(),
        [Kind::RootWithoutMfa, Kind::RootAccessKey]
    );
}

/// A role of an account that the logs do not speak of is not said to be unused.
#[test]
fn roles_of_accounts_without_logs_are_not_judged() {
    let role = |account: &str| json!({"Arn": format!("arn:aws:iam::{account}:role/old"), "RoleName": "old", "CreateDate": "2020-01-01T00:00:00Z"});
    let page = json!({"RoleDetailList": [role("111111111111"), role("222222222222")]});
    let inventories = [Inventory::parse(&page.to_string(), "gaad.json").unwrap()];
    let mut usage = LastUsed::default();
    usage.observe(&batch(&[crate::fixture::call("ann", "sqs", "CreateQueue", "2026-03-01T00:00:00Z")]));
    let options = Options::new(instant::parse("2026-03-01T00:00:00Z").unwrap());
    let report = unused::report(&usage, &inventories, &options);
    let found = of(&inventories, &SignIns::default(), &report, &options);
    let told: Vec<_> =
        found.iter().map(|finding| (finding.principal.as_str(), finding.confidence, finding.next)).collect();
    let next = "make sure of what the logs could not show, then delete the role";
    assert_eq!(told, [("arn:aws:iam::111111111111:role/old", "history_too_short", next)]);
}

/// CIS 1.7 names the credential report: root's password was used, and no event tells (another region, another trail).
#[test]
fn root_use_that_only_the_credential_report_has_is_told() {
    let page = json!({"RoleDetailList": [{"Arn": "arn:aws:iam::111111111111:role/r", "RoleName": "r"}]});
    let now = instant::parse("2026-06-01T00:00:00Z").unwrap();
    let told = |used: &str, event: Option<&str>| {
        let mut inventory = Inventory::parse(&page.to_string(), "gaad.json").unwrap();
        let head = "user,arn,user_creation_time,password_enabled,password_last_used,mfa_active,access_key_1_active,access_key_2_active";
        let row = format!(
            "<root_account>,arn:aws:iam::111111111111:root,2020-01-01T00:00:00Z,not_supported,{used},true,false,false"
        );
        inventory.add_credential_report(&format!("{head}\n{row}\n"), "c.csv").unwrap();
        let mut signins = SignIns::default();
        if let Some(time) = event {
            let mut record = crate::fixture::call("x", "iam", "ListUsers", time);
            record["userIdentity"] =
                json!({"type": "Root", "arn": "arn:aws:iam::111111111111:root", "accountId": "111111111111"});
            signins.observe(&batch(&[record]));
        }
        let found = credential::root_use(&[inventory], &signins, &Options::new(now));
        found.iter().map(|one| (one.count, one.evidence.contains("credential report"))).collect::<Vec<_>>()
    };
    assert_eq!(told("2026-05-30T00:00:00+00:00", None), [(None, true)]);
    assert_eq!(told("2025-05-30T00:00:00+00:00", None), []);
    assert_eq!(told("no_information", None), []);
    assert_eq!(told("2026-05-30T00:00:00+00:00", Some("2026-05-30T00:01:00Z")), [(Some(1), false)]);
    assert_eq!(told("2026-05-30T00:00:00+00:00", Some("2026-04-30T00:01:00Z")), [(Some(1), true)]);
}

/// Nobody but Identity Center may delete the role of a permission set.
#[test]
fn the_next_step_for_a_role_of_identity_center_is_its_assignment() {
    let role = UnusedPrincipal {
        principal: "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0"
            .into(),
        account: "111111111111".into(),
        kind: "Role",
        created: Some(0),
        last_used: None,
        why: crate::unused::Why::NotUsed,
    };
    let next = |role: &UnusedPrincipal| unused_role(role, DAY).unwrap().next;
    assert!(next(&role).contains("assignment"));
    let other = UnusedPrincipal { principal: "arn:aws:iam::111111111111:role/app".into(), ..role };
    assert_eq!(next(&other), "delete the role, or take its permissions away");
}
