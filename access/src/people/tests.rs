#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fixture::{batch, call};

const TIME: &str = "2026-01-02T00:00:00Z";

fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::111111111111:role/{name}")
}

/// A call of a session of a role, signed with this key.
fn session(role: &str, name: &str, key: &str, source: &str, event: &str) -> Value {
    let mut record = call("x", source, event, TIME);
    record["userIdentity"] = json!({"type": "AssumedRole", "arn": format!("arn:aws:sts::111111111111:assumed-role/{role}/{name}"),
        "principalId": format!("AROA:{name}"), "accountId": "111111111111", "accessKeyId": key,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role_arn(role), "accountId": "111111111111", "userName": role}}});
    record["eventID"] = json!(format!("{role}-{name}-{key}-{event}"));
    record
}

/// Makes a record the `AssumeRole` that answered with this key.
fn issuing(mut record: Value, key: &str) -> Value {
    record["eventName"] = json!("AssumeRole");
    record["eventSource"] = json!("sts.amazonaws.com");
    record["eventID"] = json!(format!("issue-{key}-{}", record["userIdentity"]["type"]));
    record["responseElements"] = json!({"credentials": {"accessKeyId": key, "sessionToken": "t", "expiration": "x"}});
    record
}

fn report(records: &[Value]) -> PersonReport {
    let mut people = People::default();
    people.observe(&batch(records));
    people.report()
}

/// Ann takes on `ops`, `ops` takes on `admin`, and admin deletes a user.
fn chain() -> Vec<Value> {
    vec![
        session("admin", "whatever", "ASIA2", "iam", "DeleteUser"),
        issuing(session("ops", "ann-laptop", "ASIA1", "sts", "AssumeRole"), "ASIA2"),
        issuing(call("ann", "sts", "AssumeRole", TIME), "ASIA1"),
        session("ops", "ann-laptop", "ASIA1", "ec2", "DescribeInstances"),
    ]
}

#[test]
fn a_chain_of_roles_leads_to_the_user() {
    let found = report(&chain());
    assert_eq!(found.people.len(), 1, "{found:#?}");
    let ann = &found.people[0];
    assert_eq!(
        (ann.person.as_str(), ann.known_by.as_slice(), ann.is_machine),
        ("arn:aws:iam::111111111111:user/ann", ["iam_user"].as_slice(), false)
    );
    let admin = ann.principals.iter().find(|through| through.principal == role_arn("admin")).unwrap();
    assert_eq!((admin.through.as_slice(), admin.events), ([role_arn("ops")].as_slice(), 1));
    assert_eq!(admin.actions.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["iam:DeleteUser"]);
}

#[test]
fn what_nobody_vouches_for_is_told_as_a_claim() {
    let found = report(&[
        session("app", "build-7", "ASIA9", "s3", "ListBuckets"),
        session("web", "i-0123456789abcdef0", "ASIA8", "s3", "ListBuckets"),
    ]);
    let rows: Vec<_> =
        found.people.iter().map(|person| (person.person.as_str(), person.known_by[0], person.is_machine)).collect();
    assert_eq!(rows, [("build-7", "session_name", false), ("i-0123456789abcdef0", "instance", true)]);
}

#[test]
fn a_session_that_calls_itself_an_instance_is_traced_by_its_key() {
    let found = report(&[
        session("web", "i-0123456789abcdef0", "ASIA8", "s3", "ListBuckets"),
        issuing(call("mallory", "sts", "AssumeRole", TIME), "ASIA8"),
    ]);
    assert_eq!(found.people.len(), 1);
    assert!(found.people[0].person.ends_with("user/mallory"));
}

#[test]
fn single_sign_on_source_identity_and_providers_name_the_person() {
    let mut carried = session("ops", "s", "ASIA1", "iam", "ListUsers");
    carried["userIdentity"]["sessionContext"]["sourceIdentity"] = json!("bob@example.org");
    let mut saml = issuing(call("x", "sts", "AssumeRoleWithSAML", TIME), "ASIA7");
    saml["eventName"] = json!("AssumeRoleWithSAML");
    saml["userIdentity"] =
        json!({"type": "SAMLUser", "principalId": "p:eve@corp", "userName": "eve@corp", "identityProvider": "p"});
    let found = report(&[
        carried,
        session("AWSReservedSSO_Admin_1", "ann@example.org", "ASIA2", "iam", "ListUsers"),
        saml,
        session("corp", "anything", "ASIA7", "iam", "ListRoles"),
    ]);
    let rows: Vec<_> = found.people.iter().map(|person| (person.person.as_str(), person.known_by[0])).collect();
    assert_eq!(
        rows,
        [("ann@example.org", "single_sign_on"), ("bob@example.org", "source_identity"), ("eve@corp", "saml")]
    );
    assert!(found.people[2].principals.iter().any(|through| through.principal == role_arn("corp")));
}

#[test]
fn the_account_that_knows_the_caller_decides_and_circles_end() {
    let mut seen_from_there = issuing(call("ann", "sts", "AssumeRole", TIME), "ASIA5");
    seen_from_there["userIdentity"] =
        json!({"type": "AWSAccount", "principalId": "AIDAANN", "accountId": "111111111111"});
    let found = report(&[
        seen_from_there,
        issuing(call("ann", "sts", "AssumeRole", TIME), "ASIA5"),
        session("other", "s", "ASIA5", "s3", "ListBuckets"),
    ]);
    let owner = found
        .people
        .iter()
        .find(|person| person.principals.iter().any(|through| through.principal == role_arn("other")));
    assert!(owner.unwrap().person.ends_with("user/ann"));
    // Nobody can hand a key out with itself; a forged log can say so.
    let circle = report(&[issuing(session("a", "s", "ASIA6", "sts", "AssumeRole"), "ASIA6")]);
    assert_eq!(circle.people[0].known_by, ["session_name"]);
}

#[test]
fn limits_hold_and_what_had_no_room_is_counted() {
    let records: Vec<Value> =
        (0..50).map(|n| session("app", &format!("s{n}"), &format!("ASIA{n}"), "s3", "ListBuckets")).collect();
    let mut people = People::new(Limits { uses: 10, keys: 1, actions: 10 }, None);
    people.observe(&batch(&records));
    let found = people.report();
    assert!(found.people.len() <= 10 && found.dropped >= 40, "{} {}", found.people.len(), found.dropped);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_order_gives_the_same_report(order in Just((0..6usize).collect::<Vec<_>>()).prop_shuffle(), cut in 0usize..6) {
        let mut records = chain();
        records.push(session("app", "build-7", "ASIA9", "s3", "ListBuckets"));
        let mut seen_from_there = issuing(call("ann", "sts", "AssumeRole", TIME), "ASIA1");
        seen_from_there["userIdentity"] = json!({"type": "AWSAccount", "principalId": "AIDAANN", "accountId": "111111111111"});
        seen_from_there["eventID"] = json!("other side");
        records.push(seen_from_there);
        let whole = report(&records);
        let shuffled: Vec<Value> = order.iter().map(|at| records[*at].clone()).collect();
        let mut people = People::default();
        for part in [&shuffled[..cut], &shuffled[cut..]] {
            if !part.is_empty() {
                people.observe(&batch(part));
            }
        }
        prop_assert_eq!(people.report(), whole);
    }
}
