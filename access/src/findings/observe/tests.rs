#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::fixture::{arn, batch, call};
use crate::instant;
use crate::unused;
use crate::usage::LastUsed;

const NOW: &str = "2026-04-01T00:00:00Z";
const ROOT: &str = "arn:aws:iam::111111111111:root";

/// The observations on an inventory and these events.
fn observed(inventory: Inventory, records: &[Value]) -> Vec<Finding> {
    let (mut usage, mut places) = (LastUsed::default(), KeyPlaces::default());
    if !records.is_empty() {
        let events = batch(records);
        usage.observe(&events);
        places.observe(&events);
    }
    let options = Options::new(instant::parse(NOW).unwrap());
    let inventories = [inventory];
    let report = unused::report(&usage, &inventories, &options);
    of(&inventories, &places, &report, &options)
}

fn kinds(found: &[Finding]) -> BTreeSet<Kind> {
    found.iter().map(|finding| finding.kind).collect()
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})
}

fn role(name: &str, attached: &[&str]) -> Value {
    let attached: Vec<_> = attached.iter().map(|arn| json!({"PolicyArn": arn})).collect();
    json!({"Arn": format!("arn:aws:iam::111111111111:role/{name}"), "RoleName": name.rsplit('/').next(), "CreateDate": "2020-01-01T00:00:00Z",
        "AttachedManagedPolicies": attached})
}

fn inventory(users: Value, roles: Value, policies: Value) -> Inventory {
    let page = json!({"UserDetailList": users, "RoleDetailList": roles, "Policies": policies});
    Inventory::parse(&page.to_string(), "gaad.json").unwrap()
}

#[test]
fn an_account_is_told_what_cis_asks_of_it() {
    let mut poor = inventory(json!([]), json!([role("app", &[])]), json!([]));
    poor.add_password_policy(
        r#"{"PasswordPolicy": {"MinimumPasswordLength": 13, "PasswordReusePrevention": 23}}"#,
        "p",
    )
    .unwrap();
    poor.add_virtual_mfa_devices(&json!({"VirtualMFADevices": [{"User": {"Arn": ROOT}}]}).to_string(), "v").unwrap();
    poor.add_credential_report(
        &format!("user,arn,user_creation_time,mfa_active\n<root_account>,{ROOT},2020-01-01T00:00:00Z,true\n"),
        "r",
    )
    .unwrap();
    poor.add_instance_profiles(
        r#"{"InstanceProfiles": [{"Arn": "arn:aws:iam::111111111111:instance-profile/x"}]}"#,
        "i",
    )
    .unwrap();
    let found = observed(poor, &[]);
    let expected = [
        Kind::PasswordsTooShort,
        Kind::PasswordsMayComeBack,
        Kind::RootVirtualMfa,
        Kind::NoSupportRole,
        Kind::NoAccessAnalyzer,
        Kind::InstanceProfileWithoutRole,
    ];
    assert_eq!(kinds(&found), BTreeSet::from(expected));

    let good = [
        role("support", &["arn:aws:iam::aws:policy/AWSSupportAccess"]),
        role("aws-service-role/access-analyzer.amazonaws.com/AWSServiceRoleForAccessAnalyzer", &[]),
    ];
    let mut good = inventory(json!([]), json!(good), json!([]));
    good.add_password_policy(
        r#"{"PasswordPolicy": {"MinimumPasswordLength": 14, "PasswordReusePrevention": 24}}"#,
        "p",
    )
    .unwrap();
    assert_eq!(observed(good, &[]), []);
    // What is not given is not judged.
    assert_eq!(observed(Inventory::default(), &[]), []);
}

#[test]
fn of_password_and_key_the_unused_one_is_told() {
    let header = "user,arn,user_creation_time,password_enabled,password_last_used,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date";
    let of = |password: &str, key: &str, made: &str| {
        let mut found = inventory(json!([]), json!([]), json!([]));
        let row = format!("ann,{},2020-01-01T00:00:00Z,true,{password},true,{made},{key}", arn("ann"));
        found.add_credential_report(&format!("{header}\n{row}\n"), "r").unwrap();
        kinds(&observed(found, &[])).into_iter().collect::<Vec<_>>()
    };
    let (recent, old, later) = ("2026-03-30T00:00:00Z", "2025-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    assert_eq!(of(recent, old, later), [Kind::PasswordAndKeyOneUnused]);
    assert_eq!(of(old, recent, later), [Kind::PasswordAndKeyOneUnused]);
    assert_eq!(of(recent, recent, later), []);
    // Neither is used: that is a finding of its own.
    assert_eq!(of(old, old, later), []);
    assert_eq!(of(recent, recent, "2020-01-01T00:00:30Z"), [Kind::AccessKeyAtSetup]);
}

#[test]
fn attachments_and_statements_that_need_a_look() {
    let user = json!({"Arn": arn("ann"), "UserName": "ann", "CreateDate": "2020-01-01T00:00:00Z",
        "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"}],
        "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": allow("s3:*", "arn:aws:s3:::bucket")}]});
    let own = json!({"Arn": "arn:aws:iam::111111111111:policy/own", "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true,
        "Document": {"Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]}}]});
    let roles = json!([
        role("shell", &["arn:aws:iam::aws:policy/AWSCloudShellFullAccess", "arn:aws:iam::aws:policy/AWSSupportAccess"]),
        role("aws-service-role/x/AWSServiceRoleForAccessAnalyzer", &[])
    ]);
    let found = observed(inventory(json!([user]), roles, json!([own])), &[]);
    let rows: Vec<_> =
        found.iter().map(|one| (one.kind, one.principal.rsplit('/').next().unwrap(), one.about.as_deref())).collect();
    assert_eq!(
        rows,
        [
            (Kind::CloudShellFullAccess, "shell", None),
            (Kind::CompromisedKeyQuarantine, "ann", None),
            (Kind::BucketArnWithoutObjects, "ann", Some("p statement 1")),
            (Kind::AllowsAllBut, "own", Some("v1 statement 1")),
        ]
    );
}

#[test]
fn a_broad_policy_of_which_next_to_nothing_was_used() {
    let full = "arn:aws:iam::aws:policy/AmazonSQSFullAccess";
    let policy = json!({"Arn": full, "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "Document": allow("sqs:*", "*")}]});
    let user = |name: &str| json!({"Arn": arn(name), "UserName": name, "CreateDate": "2020-01-01T00:00:00Z", "AttachedManagedPolicies": [{"PolicyArn": full}]});
    let roles = json!([
        role("s", &["arn:aws:iam::aws:policy/AWSSupportAccess"]),
        role("aws-service-role/x/AWSServiceRoleForAccessAnalyzer", &[])
    ]);
    let mut records: Vec<Value> = (0..100)
        .map(|day| call("bob", "ec2", "DescribeInstances", &instant::format(instant::parse(NOW).unwrap() - day * DAY)))
        .collect();
    records.push(call("ann", "sqs", "CreateQueue", "2026-03-30T00:00:00Z"));
    let found = observed(inventory(json!([user("ann"), user("eve")]), roles.clone(), json!([policy])), &records);
    let rows: Vec<_> = found.iter().map(|one| (one.kind, one.principal.as_str(), one.about.as_deref())).collect();
    assert_eq!(rows, [(Kind::BroadPolicyLittleUsed, &*arn("ann"), Some(full))]);
    // Where the logs are too short to tell, nothing is said.
    let short = observed(inventory(json!([user("ann")]), roles, json!([policy])), &records[98..]);
    assert_eq!(short, []);
}

#[test]
fn keys_inside_of_aws_and_passwords_beside_single_sign_on() {
    let mut inside = call("ann", "s3", "ListBuckets", NOW);
    inside["userAgent"] = json!("Boto3 exec-env/EC2");
    let mut sso = call("x", "s3", "ListBuckets", NOW);
    sso["userIdentity"] = json!({"type": "AssumedRole", "arn": "arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_Admin_1/ann", "accountId": "111111111111",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1", "accountId": "111111111111"}}});
    let roles = json!([
        role("s", &["arn:aws:iam::aws:policy/AWSSupportAccess"]),
        role("aws-service-role/x/AWSServiceRoleForAccessAnalyzer", &[])
    ]);
    let mut found = inventory(json!([]), roles, json!([]));
    found
        .add_credential_report(
            &format!("user,arn,user_creation_time,password_enabled\neve,{},2020-01-01T00:00:00Z,true\n", arn("eve")),
            "r",
        )
        .unwrap();
    let found = observed(found, &[inside, sso]);
    let rows: Vec<_> = found.iter().map(|one| (one.kind, one.about.as_deref(), one.confidence)).collect();
    assert_eq!(
        rows,
        [
            (Kind::AccessKeyOnInstance, Some("AKIAANN"), "user_agent"),
            (Kind::PasswordsBesideSingleSignOn, None, "certain")
        ]
    );
}
