//! `inventory`, from a server that cuts answers into pages and asks for patience.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::cloud::Cloud;
use crate::command::{text, trailhound};
use crate::lake::World;

/// A document whose text no transport may change.
const ODD: &str = "arn:aws:s3:::data/a&b<c>\"'+ %7B ü/${aws:username}/*";

fn call(cloud: &mut Cloud, service: &str, method: &str, with: Value) -> Value {
    cloud.ask(json!({"do": "call", "service": service, "method": method, "with": with}))
}

fn policy(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": ODD}]})
}

/// An account of many users and roles, in an organisation that denies something.
fn account(cloud: &mut Cloud) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    for n in 0..30 {
        call(cloud, "iam", "create_user", json!({"UserName": format!("user-{n:02}"), "Path": "/team/"}));
    }
    for n in 0..12 {
        let role = format!("role-{n:02}");
        call(cloud, "iam", "create_role", json!({"RoleName": role, "AssumeRolePolicyDocument": trust.to_string()}));
    }
    let inline =
        json!({"UserName": "user-07", "PolicyName": "odd", "PolicyDocument": policy("s3:GetObject").to_string()});
    call(cloud, "iam", "put_user_policy", inline);
    call(cloud, "iam", "create_group", json!({"GroupName": "dev"}));
    call(cloud, "iam", "add_user_to_group", json!({"GroupName": "dev", "UserName": "user-29"}));
    let made = call(
        cloud,
        "iam",
        "create_policy",
        json!({"PolicyName": "app", "PolicyDocument": policy("sqs:*").to_string()}),
    );
    let arn = made["Policy"]["Arn"].clone();
    let second =
        json!({"PolicyArn": arn, "PolicyDocument": policy("sqs:SendMessage").to_string(), "SetAsDefault": true});
    call(cloud, "iam", "create_policy_version", second);
    call(cloud, "iam", "attach_role_policy", json!({"RoleName": "role-11", "PolicyArn": arn}));
    call(cloud, "iam", "attach_group_policy", json!({"GroupName": "dev", "PolicyArn": arn}));
    call(cloud, "iam", "create_access_key", json!({"UserName": "user-07"}));
    call(cloud, "iam", "create_instance_profile", json!({"InstanceProfileName": "web"}));
    call(cloud, "iam", "update_account_password_policy", json!({"MinimumPasswordLength": 10}));
    call(cloud, "organizations", "create_organization", json!({"FeatureSet": "ALL"}));
    let deny = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": "*"}]});
    let with =
        json!({"Name": "no-queues", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": deny.to_string()});
    let id = call(cloud, "organizations", "create_policy", with)["Policy"]["PolicySummary"]["Id"].clone();
    let root = call(cloud, "organizations", "list_roots", json!({}))["Roots"][0]["Id"].clone();
    call(cloud, "organizations", "attach_policy", json!({"PolicyId": id, "TargetId": root}));
}

fn names<'a>(page: &'a Value, list: &str, name: &str) -> BTreeSet<&'a str> {
    page[list].as_array().unwrap().iter().map(|one| one[name].as_str().unwrap()).collect()
}

#[test]
fn pages_and_throttling_lose_nothing() {
    let Some(mut cloud) = Cloud::start(&["--busy", "4", "--member"]) else { return };
    account(&mut cloud);
    let direct = call(&mut cloud, "iam", "get_account_authorization_details", json!({}));
    cloud.ask(json!({"do": "faults"}));
    let world = World::empty();
    let (out, lake) = (world.path("iam"), world.path("lake"));
    let told = cloud.done(&["inventory", "--out", text(&out), "--lake", text(&lake)]);
    assert_eq!((&told["users"], &told["roles"], &told["missing"]), (&json!(30), &json!(12), &json!([])), "{told}");
    let seen = cloud.ask(json!({"do": "seen"}));
    assert!(seen["GetAccountAuthorizationDetails"].as_u64().unwrap() >= 7, "no pages: {seen}");
    assert!(
        told["requests"].as_u64().unwrap() > seen["POST"].as_u64().unwrap() * 3 / 4,
        "nothing was asked again: {told} {seen}"
    );

    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let grants: Value = serde_json::from_str(&read("grants.json")).unwrap();
    for (list, name) in
        [("UserDetailList", "Arn"), ("RoleDetailList", "Arn"), ("GroupDetailList", "Arn"), ("Policies", "Arn")]
    {
        assert_eq!(names(&grants, list, name), names(&direct, list, name), "{list}");
    }
    let of = |page: &Value| {
        let users = page["UserDetailList"].as_array().unwrap().clone();
        users.into_iter().find(|user| user["UserName"] == "user-07").unwrap()["UserPolicyList"].clone()
    };
    assert_eq!(of(&grants), of(&direct));
    assert_eq!(of(&grants)[0]["PolicyDocument"]["Statement"][0]["Resource"], ODD);
    let report = read("credential-report.csv");
    assert!(report.starts_with("user,arn,") && report.lines().count() > 30, "{report}");
    assert!(read("scps.json").contains("sqs:SendMessage") && read("users.json").contains("user-29"));

    // Every form of it is read: by file, by the one file with all, and as the lake's own.
    let logs = world.log("one.json", super::cloud::log_of("e1").as_bytes());
    cloud.done(&["ingest", text(&logs), "--lake", text(&lake)]);
    for args in [
        vec!["access", text(&logs), "--grants", text(&out.join("inventory.json"))],
        vec!["access", "--lake", text(&lake)],
    ] {
        let run = trailhound(&[&args[..], &["--output", "json"]].concat());
        let report = run.json();
        let principals = report["principals"].as_array().unwrap();
        let role = principals.iter().find(|one| one["principal"].as_str().unwrap().ends_with("role-11")).unwrap();
        // One action is granted, and the organisation takes it away.
        assert_eq!((principals.len() >= 42, &role["granted"]), (true, &json!(0)), "{args:?}: {role}");
        let kinds: BTreeSet<&str> =
            report["observations"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
        assert!(kinds.contains("passwords_too_short") && kinds.contains("instance_profile_without_role"), "{kinds:?}");
    }
    let files = super::cloud::files(&lake.join("inventory"));
    assert_eq!(files.len(), 1, "{files:?}");
}

#[test]
fn what_iam_recorded_of_use_is_asked_for_and_merged() {
    let Some(mut cloud) = Cloud::start(&["--busy", "5"]) else { return };
    for user in ["ann", "fails"] {
        call(&mut cloud, "iam", "create_user", json!({"UserName": user}));
        let may = policy("s3:GetObject").to_string();
        call(
            &mut cloud,
            "iam",
            "put_user_policy",
            json!({"UserName": user, "PolicyName": "own", "PolicyDocument": may}),
        );
    }
    cloud.ask(json!({"do": "faults"}));
    let world = World::empty();
    let out = world.path("iam");
    let run = cloud.run(&["inventory", "--out", text(&out), "--no-organization", "--service-last-accessed"]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("user/fails") && run.stderr.contains("FAILED: no luck"), "{}", run.stderr);
    let seen = cloud.ask(json!({"do": "seen"}));
    // Once while it works, then a page after the other.
    assert!(seen["GetServiceLastAccessedDetails"].as_u64().unwrap() >= 4, "{seen}");
    let read = std::fs::read_to_string(out.join("service-last-accessed.json")).unwrap();
    let found: Value = serde_json::from_str(&read).unwrap();
    let (arn, details) = found.as_object().unwrap().iter().next().unwrap();
    let services = details["ServicesLastAccessed"].as_array().unwrap();
    assert!(found.as_object().unwrap().len() == 1 && arn.ends_with(":user/ann"), "{found}");
    assert_eq!((services.len(), &services[0]["TotalAuthenticatedEntities"]), (8, &json!(1)), "{details}");
    assert_eq!(services[0]["TrackedActionsLastAccessed"][0]["ActionName"], "GetObject");

    // The logs do not show the use: IAM's record does.
    let logs = world.log("one.json", super::cloud::log_of("e1").as_bytes());
    let run = trailhound(&["access", text(&logs), "--grants", text(&out.join("inventory.json")), "--output", "json"]);
    let report = run.json();
    let row = |name: &str| {
        let principals = report["principals"].as_array().unwrap();
        principals.iter().find(|one| one["principal"].as_str().unwrap().ends_with(name)).unwrap().to_string()
    };
    assert!(row("user/ann").contains("2026-02-03") && !row("user/fails").contains("2026-02-03"), "{}", row("user/ann"));
}

#[test]
fn what_is_forbidden_is_named_and_the_rest_is_taken() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    call(&mut cloud, "iam", "create_user", json!({"UserName": "ann"}));
    cloud.ask(json!({"do": "forbid", "actions": ["ListUsers", "GenerateCredentialReport"]}));
    let world = World::empty();
    let out = world.path("iam");
    let run = cloud.run(&["inventory", "--out", text(&out), "--no-organization"]);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert!(
        run.stderr.contains("allow iam:ListUsers") && run.stderr.contains("allow iam:GenerateCredentialReport"),
        "{}",
        run.stderr
    );
    assert!(out.join("grants.json").is_file() && !out.join("users.json").exists());
    // Whoever reads it later is told too.
    let logs = world.log("one.json", super::cloud::log_of("e1").as_bytes());
    let access = trailhound(&["access", text(&logs), "--grants", text(&out.join("inventory.json"))]);
    assert!(access.code == 3 && access.stderr.contains("iam:ListUsers"), "{}", access.stderr);

    cloud.ask(json!({"do": "forbid", "actions": ["GetAccountAuthorizationDetails"]}));
    let run = cloud.run(&["inventory", "--out", text(&out), "--no-organization"]);
    assert!(run.code == 5 && run.stderr.contains("allow iam:GetAccountAuthorizationDetails"), "{}", run.stderr);
    let policy = trailhound(&["iam-policy", "--inventory"]);
    assert!(
        policy.code == 0 && policy.stdout.contains("iam:ListUsers") && !policy.stdout.contains("s3:"),
        "{}",
        policy.stdout
    );
}

/// Policies of an organisation bind all of its accounts but the one that manages it.
#[test]
fn the_management_account_is_bound_by_no_policy_of_its_organisation() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    account(&mut cloud);
    let world = World::empty();
    let out = world.path("iam");
    let told = cloud.done(&["inventory", "--out", text(&out)]);
    assert_eq!((&told["scp_levels"], &told["missing"]), (&json!(0), &json!([])), "{told}");
    let grants = out.join("inventory.json");
    let asked =
        ["--policy-source-arn", "arn:aws:iam::123456789012:user/team/user-29", "--action-names", "sqs:SendMessage"];
    let run = trailhound(&[&["policy", "simulate", "--grants", text(&grants)], &asked[..]].concat());
    assert!(run.code == 0 && !run.stdout.contains("ExplicitlyDenied"), "{}{}", run.stdout, run.stderr);
}
