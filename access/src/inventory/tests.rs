//! Inventories of every form, whole and broken.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::instant;
use crate::policy::ActionSet;

fn page() -> Value {
    let allow = |actions: &str| json!({"Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    json!({
        "UserDetailList": [{
            "Arn": "arn:aws:iam::111111111111:user/ann", "UserName": "ann", "UserId": "AIDA1",
            "CreateDate": "2020-01-01 00:00:00+00:00", "GroupList": ["dev"], "UserPolicyList": null,
            "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/Gone", "PolicyName": "Gone"}],
        }],
        "GroupDetailList": [{
            "GroupName": "dev", "Arn": "arn:aws:iam::111111111111:group/dev", "GroupPolicyList": [
                {"PolicyName": "inline", "PolicyDocument": "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22sqs%3ASendMessage%22%2C%22Resource%22%3A%22%2A%22%7D%7D"},
                {"PolicyName": "broken", "PolicyDocument": {"Statement": 3}}
            ],
            "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::111111111111:policy/p", "PolicyName": "p"}],
        }],
        "RoleDetailList": [{
            "Arn": "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", "RoleName": "AWSServiceRoleForX",
            "RoleId": "AROA1", "RoleLastUsed": {"LastUsedDate": "2026-10-01T00:00:00Z", "Region": "us-east-1"},
            "RolePolicyList": [{"PolicyName": "i", "PolicyDocument": allow("kms:Decrypt")}],
            "AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"}, "Action": "sts:AssumeRole"}]},
        }],
        "Policies": [{
            "Arn": "arn:aws:iam::111111111111:policy/p", "DefaultVersionId": "v2", "PolicyVersionList": [
                {"VersionId": "v1", "IsDefaultVersion": false, "CreateDate": "2021-01-01T00:00:00Z", "Document": allow("s3:GetObject")},
                {"VersionId": "v2", "CreateDate": "2026-10-20T00:00:00Z", "Document": allow("s3:*Object")},
            ],
        }],
        "IsTruncated": false, "SomethingNew": 1,
    })
}

fn names(set: &ActionSet) -> Vec<&'static str> {
    set.iter().map(|action| action.name).collect()
}

#[test]
fn groups_versions_and_encodings_are_understood() {
    let inventory = Inventory::parse(&page().to_string(), "gaad.json").unwrap();
    let since = instant::parse("2026-08-01T00:00:00Z").unwrap();
    let grants = Grants::new(&inventory, since);
    let ann = grants.of(&inventory.entities[0]);
    assert!(ann.now.contains("sqs:SendMessage") && ann.now.contains("s3:PutObject"));
    assert_eq!(names(&ann.established), ["s3:GetObject", "sqs:SendMessage"]);
    assert_eq!(ann.lacking.policies, ["arn:aws:iam::aws:policy/Gone", "group/dev/inline/broken"]);
    assert_eq!(inventory.warnings.len(), 1);
    assert!(inventory.warnings[0].contains("\"broken\" of group dev: Statement: is a number"));
    let role = &inventory.entities[1];
    assert!(role.is_service_linked() && role.role_last_used.as_ref().unwrap().time.is_some());
    assert_eq!((role.name.as_str(), role.account()), ("AWSServiceRoleForX", "111111111111"));
}

#[test]
fn service_control_policies_cut_every_level_but_not_service_linked_roles() {
    let mut inventory = Inventory::parse(&page().to_string(), "gaad.json").unwrap();
    let deny = json!([{"target": "root", "policies": [{"Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": ["s3:*", "kms:*"], "Resource": "*"}]}]}]);
    inventory.add_scps(&deny.to_string(), "scps.json").unwrap();
    let grants = Grants::new(&inventory, 0);
    assert_eq!(names(&grants.of(&inventory.entities[0]).now), ["sqs:SendMessage"]);
    assert_eq!(names(&grants.of(&inventory.entities[1]).now), ["kms:Decrypt"]);
    let told = inventory.add_scps("{}", "scps.json").unwrap_err().to_string();
    assert!(told.starts_with("scps.json: level \"\" has no list"), "{told}");
}

#[test]
fn pages_may_follow_each_other_or_stand_in_a_list() {
    let (one, mut two) = (page(), page());
    two["UserDetailList"][0]["Arn"] = json!("arn:aws:iam::111111111111:user/bob");
    two["IsTruncated"] = json!(true);
    let follow = Inventory::parse(&format!("{one}\n{two}\n"), "pages").unwrap();
    let list = Inventory::parse(&json!([one, two]).to_string(), "pages").unwrap();
    assert_eq!(follow, list);
    // The role stands on both.
    assert_eq!(follow.entities.len(), 3);
    assert!(follow.warnings.iter().any(|text| text.contains("IsTruncated")));
}

#[test]
fn what_is_no_inventory_is_told_with_file_and_place() {
    let told = |text: &str| Inventory::parse(text, "x.json").unwrap_err().to_string();
    assert!(told("{\"UserDetailList\": [{\"UserName\": \"a\"}]}").contains("missing field `Arn` at line 1"));
    assert!(told("{\"Records\": []}").contains("none of UserDetailList"));
    assert!(told("").contains("is empty"));
    assert!(told("{\"UserDetailList\": ").starts_with("x.json: not an account's"));
    assert!(told(&"[".repeat(100_000)).starts_with("x.json: not an account's"));
    let deep =
        format!("{{\"Policies\": [{{\"Arn\": \"a\", \"PolicyVersionList\": [{{\"Document\": {}", "[".repeat(100_000));
    assert!(told(&deep).contains("EOF"));
    let closed = format!("{deep}{}}}]}}]}}", "]".repeat(100_000));
    let warnings = Inventory::parse(&closed, "x.json").unwrap().warnings;
    assert!(warnings[0].starts_with("version  of policy a: policy document: is a list"), "{warnings:?}");
    let nested = closed.replace("\"Document\": [", "\"Document\": {\"Statement\": [").replace("]}]}]}", "]}}]}]}");
    let warnings = Inventory::parse(&nested, "x.json").unwrap().warnings;
    assert!(warnings[0].contains("Statement[0]: recursion limit exceeded"), "{warnings:?}");
}

/// Every place of a value, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| places(value, &format!("{at}/{key}"), found)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

/// What may stand where something else should.
fn odd() -> [Value; 9] {
    [
        Value::Null,
        json!(-1),
        json!(1e300),
        json!(true),
        json!(""),
        json!("%FF\u{202e}\u{1b}[2J<script>"),
        json!("x".repeat(5000)),
        json!([[]]),
        json!({"Arn": {"a": []}}),
    ]
}

#[test]
fn whatever_stands_where_something_else_should_is_told_or_borne() {
    let mut found = Vec::new();
    places(&page(), "", &mut found);
    let (mut told, mut borne) = (0, 0);
    for (turn, place) in found.into_iter().enumerate() {
        // Three of them at each place, others at the next: every kind meets every kind of place.
        for value in odd().into_iter().cycle().skip(turn * 4).take(3) {
            let mut hostile = page();
            *hostile.pointer_mut(&place).unwrap() = value;
            match Inventory::parse(&hostile.to_string(), "hostile.json") {
                Err(error) => {
                    assert!(error.to_string().starts_with("hostile.json: "), "{error}");
                    told += 1;
                }
                Ok(inventory) => {
                    told += usize::from(!inventory.warnings.is_empty());
                    borne += 1;
                    if borne % 5 > 0 {
                        continue;
                    }
                    let options = crate::unused::Options::new(instant::parse("2026-11-01T00:00:00Z").unwrap());
                    let folded = crate::folded::Folded::new();
                    let audit = crate::audit::audit(
                        &folded.usage,
                        &folded.signins,
                        &folded.places,
                        &[inventory],
                        &[],
                        &options,
                    );
                    assert!(serde_json::to_string(&audit).is_ok());
                }
            }
        }
    }
    assert!(told > 40 && borne > 40, "{told} {borne}");
}

/// Real exports of other tools' test data: dates with spaces, AWS managed policies, hundreds of documents.
#[test]
fn real_exports_are_read_whole() {
    for (file, entities) in [("cloudsplaining_example.json", 122), ("cloudsplaining_example-authz-details.json", 6)] {
        let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/iam/inputs");
        let Ok(text) = std::fs::read_to_string(folder.join(file)) else {
            eprintln!("SKIPPED: ../shared/data absent ({file})");
            continue;
        };
        let inventory = Inventory::parse(&text, file).unwrap();
        assert_eq!(inventory.entities.len(), entities, "{file}");
        assert!(inventory.warnings.is_empty(), "{:?}", inventory.warnings);
        assert!(inventory.entities.iter().all(|entity| entity.created.is_some()));
        let grants = Grants::new(&inventory, i64::MAX);
        let granted: Vec<_> = inventory.entities.iter().map(|entity| grants.of(entity)).collect();
        assert!(
            granted.iter().any(|granted| granted.now.len() == ingest::action::actions().len()),
            "{file}: no administrator"
        );
    }
}

#[test]
fn a_principal_without_an_arn_is_told() {
    let page = json!({"RoleDetailList": [{"Arn": "app", "RoleName": "app"}]});
    let inventory = Inventory::parse(&page.to_string(), "gaad.json").unwrap();
    assert_eq!(
        inventory.warnings,
        ["\"app\" is no ARN, so no event can be of it: take the authorization details again"]
    );
}

/// One role without an ARN, an action that is null, a condition that is none and a date that is none: each is told, and the
/// rest is read.
#[test]
fn what_is_wrong_in_one_place_is_told_and_the_rest_is_read() {
    let inline =
        |statement: serde_json::Value| json!([{"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}}]);
    let role = |name: &str, date: &str, statement: serde_json::Value| json!({"Arn": format!("arn:aws:iam::111111111111:role/{name}"), "RoleName": name, "CreateDate": date, "RolePolicyList": inline(statement)});
    let good = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    let mut nameless = role("x", "2020-01-01T00:00:00Z", good.clone());
    nameless["Arn"] = serde_json::Value::Null;
    let page = json!({"UserDetailList": [7], "RoleDetailList": [
        nameless,
        role("good", "2020-01-01T00:00:00Z", good.clone()),
        role("dated", "yesterday", good),
        role("idle", "2020-01-01T00:00:00Z", json!({"Effect": "Allow", "Action": null, "Resource": "*"})),
        role("odd", "2020-01-01T00:00:00Z", json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": "x"}})),
    ]});
    let inventory = Inventory::parse(&page.to_string(), "g").unwrap();
    let names: Vec<_> = inventory.entities.iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(names, ["good", "dated", "idle", "odd"]);
    for told in [
        "UserDetailList[0] cannot be read",
        "RoleDetailList[0] cannot be read",
        "\"yesterday\", which is no date",
        "names no action",
        "never holds",
    ] {
        assert_eq!(
            inventory.warnings.iter().filter(|text| text.contains(told)).count(),
            1,
            "{told}: {:?}",
            inventory.warnings
        );
    }
    let grants = Grants::new(&inventory, 0);
    let granted: Vec<_> = inventory.entities.iter().map(|entity| grants.of(entity).now.is_empty()).collect();
    assert_eq!(granted, [false, false, true, true]);
}
