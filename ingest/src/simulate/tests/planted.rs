//! What was planted, and the sessions and chains: found again in the trail.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::super::Plan;
use super::{generate, long, small};

#[test]
fn planted_events_are_there_and_exclusive_ones_nowhere_else() {
    let (_folder, summary, records) = generate(&long());
    let kinds: BTreeSet<&str> = summary.planted.iter().map(|planted| planted.kind).collect();
    let all = [
        "root_console_login",
        "root_api_use",
        "root_invoked_by_service",
        "console_login_without_mfa",
        "console_login_failed",
        "sso_console_login",
        "revived_access_key",
        "revived_role",
        "stop_logging",
        "first_sensitive_action",
        "access_key_created_for_other_user",
        "s3_bucket_made_public",
        "denied_burst",
        "get_secret_from_ec2_role_outside",
        "hostile_user_agent",
    ];
    assert_eq!(kinds, BTreeSet::from(all));
    let by_id: BTreeMap<&str, &Value> = records.iter().map(|(_, r)| (r["eventID"].as_str().unwrap(), r)).collect();
    let mut planted_ids: BTreeMap<&str, &str> = BTreeMap::new();
    for planted in &summary.planted {
        assert!(!planted.event_ids.is_empty(), "{}", planted.kind);
        let first = by_id[planted.event_ids[0].as_str()];
        assert_eq!(first["eventTime"], planted.time.as_str(), "{}", planted.kind);
        assert_eq!(first["awsRegion"], planted.region.as_str());
        for id in &planted.event_ids {
            assert_eq!(by_id[id.as_str()]["recipientAccountId"], planted.account.as_str());
            planted_ids.insert(id, planted.kind);
        }
    }
    for (_, record) in &records {
        let kind = planted_ids.get(record["eventID"].as_str().unwrap()).copied().unwrap_or("");
        let by_root = record["userIdentity"]["type"] == "Root";
        assert_eq!(by_root, kind.starts_with("root_"), "{record}");
        assert_eq!(record["eventName"] == "StopLogging", kind == "stop_logging");
        let login = record["eventName"] == "ConsoleLogin" && record["userIdentity"]["type"] == "IAMUser";
        let failed = record["responseElements"]["ConsoleLogin"] == "Failure";
        assert_eq!(login && failed, kind == "console_login_failed", "{record}");
        let bare = login && !failed && record["additionalEventData"]["MFAUsed"] != "Yes";
        assert_eq!(bare, kind == "console_login_without_mfa", "{record}");
    }
}

#[test]
fn a_revived_key_rests_for_more_than_ninety_days() {
    let (_folder, summary, records) = generate(&long());
    for kind in ["revived_access_key", "revived_role"] {
        let planted = summary.planted.iter().find(|planted| planted.kind == kind).unwrap();
        let name = planted.principal.rsplit('/').next().unwrap();
        let mine = |r: &Value| {
            r["userIdentity"]["userName"] == name
                || r["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == name
        };
        let times: BTreeSet<&str> = records
            .iter()
            .filter(|(_, r)| mine(r) && r["recipientAccountId"] == planted.account.as_str())
            .map(|(_, r)| r["eventTime"].as_str().unwrap())
            .collect();
        let before = times.iter().rfind(|time| **time < planted.time.as_str()).unwrap();
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert!((at(&planted.time) - at(before)).num_days() > 90, "{before} to {}", planted.time);
    }
    let short = generate(&Plan { days: 60, ..small() }).1;
    assert!(short.planted.iter().all(|planted| !planted.kind.starts_with("revived")));
}

#[test]
fn keys_handed_out_sign_later_calls() {
    let (_folder, _summary, records) = generate(&small());
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, record) in &records {
        if let Some(key) = record["userIdentity"]["accessKeyId"].as_str() {
            *used.entry(key).or_default() += 1;
        }
    }
    let (mut chains, mut followed, mut carried, mut shared) = (0, 0, 0, BTreeMap::<&str, u32>::new());
    for (_, record) in &records {
        if record["eventName"] != "AssumeRole" || record["userIdentity"]["type"] == "AWSService" {
            continue;
        }
        let Some(key) = record["responseElements"]["credentials"]["accessKeyId"].as_str() else { continue };
        chains += 1;
        followed += usize::from(used.contains_key(key));
        carried += usize::from(record["requestParameters"]["sourceIdentity"].is_string());
        *shared.entry(record["sharedEventID"].as_str().unwrap()).or_default() += 1;
    }
    assert!(chains > 15, "{chains}");
    assert_eq!(chains, followed);
    assert!(carried > 0 && carried < chains);
    assert!(shared.values().any(|copies| *copies == 2), "no hop into another account");
}
