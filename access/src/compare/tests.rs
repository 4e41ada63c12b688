#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::audit::audit;
use crate::findings::exclude;
use crate::fixture::{arn, batch, call};
use crate::folded::Folded;
use crate::instant;
use crate::inventory::Inventory;
use crate::unused::Options;

/// The report on these users, each with a policy of its own.
fn report(users: &[&str], exclusions: &str) -> Audit {
    let user = |name: &&str| {
        json!({"Arn": arn(name), "UserName": name, "CreateDate": "2020-01-01T00:00:00Z",
        "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}}}]})
    };
    let page = json!({"UserDetailList": users.iter().map(user).collect::<Vec<_>>()});
    let inventories = [Inventory::parse(&page.to_string(), "gaad.json").unwrap()];
    let mut folded = Folded::new();
    folded.observe(&batch(&[call("bob", "ec2", "DescribeInstances", "2026-04-01T00:00:00Z")]));
    let exclusions = exclude::parse(exclusions, "x").unwrap();
    audit(
        &folded.usage,
        &folded.signins,
        &folded.places,
        &inventories,
        &exclusions,
        &Options::new(instant::parse("2026-04-01T00:00:00Z").unwrap()),
    )
}

#[test]
fn what_is_new_gone_and_still_there() {
    let old = serde_json::to_string(&report(&["ann", "eve", "dan"], "[]")).unwrap();
    let accept = r#"[{"principal": "*/eve", "type": "user_direct_policy", "reason": "known"}]"#;
    let changes = compare(&old, "old.json", &report(&["ann", "eve", "new"], accept)).unwrap();
    let names = |what, list: &[&Thing]| -> Vec<String> {
        let of_kind = list.iter().filter(|one| one.what == what);
        of_kind.map(|one| one.principal.rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert!(changes.new.iter().all(|one| one.because == Some("appeared")));
    let (new, still): (Vec<_>, Vec<_>) =
        (changes.new.iter().map(|one| &one.thing).collect(), changes.still.iter().collect());
    assert_eq!(names(What::Finding, &new), ["new"]);
    assert_eq!(names(What::Finding, &still), ["ann"]);
    let gone = changes.gone.iter().filter(|one| one.thing.what == What::Finding);
    let gone: Vec<_> = gone.map(|one| (one.thing.principal.rsplit('/').next().unwrap(), one.because)).collect();
    assert_eq!(gone, [("dan", "principal_gone"), ("eve", "accepted")]);
    assert_eq!(changes.earlier_to, "2026-04-01T00:00:00Z");
    let same = compare(&old, "old.json", &report(&["ann", "eve", "dan"], "[]")).unwrap();
    assert!(same.new.is_empty() && same.gone.is_empty(), "{same:?}");
}

/// What is no longer found because it was not looked for is not settled, and what was not looked for before did not appear.
#[test]
fn what_was_not_looked_at_is_not_settled() {
    let root = "arn:aws:iam::111111111111:root";
    let csv = format!(
        "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,access_key_2_active\n\
         <root_account>,{root},2020-01-01T00:00:00Z,not_supported,false,false,false\n"
    );
    let made = |with_report: bool, events: &[Value], now: &str| {
        let page = json!({"UserDetailList": [{"Arn": arn("ann"), "UserName": "ann"}]});
        let mut inventory = Inventory::parse(&page.to_string(), "gaad.json").unwrap();
        if with_report {
            inventory.add_credential_report(&csv, "r.csv").unwrap();
        }
        let mut folded = Folded::new();
        folded.observe(&batch(events));
        let options = Options::new(instant::parse(now).unwrap());
        audit(&folded.usage, &folded.signins, &folded.places, &[inventory], &[], &options)
    };
    let mut by_root = call("x", "s3", "ListBuckets", "2026-04-01T00:00:00Z");
    by_root["userIdentity"] = json!({"type": "Root", "arn": root, "accountId": "111111111111"});
    let quiet = call("ann", "s3", "ListBuckets", "2026-04-02T00:00:00Z");
    let day = "2026-04-02T00:00:00Z";
    let with = made(true, &[by_root, quiet.clone()], day);
    let without = made(false, std::slice::from_ref(&quiet), day);
    let gone = |changes: &Changes| -> Vec<(String, &str)> {
        let findings = changes.gone.iter().filter(|one| one.thing.what == What::Finding);
        findings.map(|one| (one.thing.kind.clone(), one.because)).collect()
    };
    let text = serde_json::to_string(&with).unwrap();
    let changes = compare(&text, "old.json", &without).unwrap();
    let both = |because| vec![("root_use".to_owned(), because), ("root_without_mfa".to_owned(), "not_looked_at")];
    assert_eq!(gone(&changes), both("not_looked_at"));
    let later = compare(&text, "old.json", &made(false, &[quiet], "2026-12-01T00:00:00Z")).unwrap();
    assert_eq!(gone(&later), both("out_of_window"));
    let back = compare(&serde_json::to_string(&without).unwrap(), "old.json", &with).unwrap();
    let new: Vec<_> = back.new.iter().map(|one| (one.thing.kind.as_str(), one.because)).collect();
    assert!(new.contains(&("root_without_mfa", Some("not_looked_at_before"))), "{new:?}");
    // A report of before does not say what it was made of.
    let mut old = serde_json::to_value(&without).unwrap();
    old.as_object_mut().unwrap().remove("inputs");
    assert!(compare(&old.to_string(), "old.json", &with).unwrap().new.iter().all(|one| one.because.is_none()));
    // No grants at all this time: nobody is gone.
    let mut folded = Folded::new();
    folded.observe(&batch(&[call("bob", "s3", "ListBuckets", day)]));
    let options = Options::new(instant::parse(day).unwrap());
    let bare = audit(&folded.usage, &folded.signins, &folded.places, &[], &[], &options);
    let old = serde_json::to_string(&report(&["ann"], "[]")).unwrap();
    assert!(compare(&old, "old.json", &bare).unwrap().gone.iter().all(|one| one.because == "not_looked_at"));
}

/// Without the credential report a user whose key was used may look unused; that did not come about since.
#[test]
fn what_rests_for_want_of_the_credential_report_did_not_appear() {
    let csv = format!(
        "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,access_key_1_last_used_date,access_key_2_active\n\
         bd,{},2020-01-01T00:00:00Z,false,false,true,2026-03-30T00:00:00Z,false\n",
        arn("bd")
    );
    let start = instant::parse("2026-01-01T00:00:00Z").unwrap();
    let events: Vec<Value> =
        (0..91).map(|day| call("ann", "sqs", "ListQueues", &instant::format(start + day * instant::DAY))).collect();
    let made = |with_report: bool| {
        let page =
            json!({"UserDetailList": [{"Arn": arn("bd"), "UserName": "bd", "CreateDate": "2020-01-01T00:00:00Z"}]});
        let mut inventory = Inventory::parse(&page.to_string(), "gaad.json").unwrap();
        if with_report {
            inventory.add_credential_report(&csv, "r.csv").unwrap();
        }
        let mut folded = Folded::new();
        folded.observe(&batch(&events));
        let options = Options::new(start + 90 * instant::DAY);
        audit(&folded.usage, &folded.signins, &folded.places, &[inventory], &[], &options)
    };
    let old = serde_json::to_string(&made(true)).unwrap();
    let changes = compare(&old, "old.json", &made(false)).unwrap();
    let new: Vec<_> = changes.new.iter().map(|one| (one.thing.what, one.because)).collect();
    assert_eq!(new, [(What::UnusedPrincipal, Some("looked_at_less"))]);
}

#[test]
fn what_is_no_report_is_told() {
    for text in ["", "[]", "{}", r#"{"window": {"from": 1}}"#, &"[".repeat(100_000)] {
        let told = compare(text, "old.json", &report(&[], "[]")).unwrap_err();
        assert!(told.starts_with("old.json: no report: ") && told.ends_with("wrote"), "{told}");
    }
}
