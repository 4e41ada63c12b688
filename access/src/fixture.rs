//! What the tests are fed with: events from JSON, and the accounts of the shared data.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use arrow::array::RecordBatch;
use ingest::columns::batch_from_json;
use serde_json::{Value, json};

/// A batch of these records.
pub(crate) fn batch(records: &[Value]) -> RecordBatch {
    let texts: Vec<String> = records.iter().map(Value::to_string).collect();
    let batch = batch_from_json(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    assert_eq!(batch.num_rows(), records.len(), "a record was refused");
    batch
}

/// A user's API call that succeeded, to be changed at will.
pub(crate) fn call(user: &str, source: &str, name: &str, time: &str) -> Value {
    json!({
        "eventVersion": "1.11", "eventTime": time, "eventSource": format!("{source}.amazonaws.com"), "eventName": name,
        "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.1", "eventID": format!("{user}-{source}-{name}-{time}"),
        "eventType": "AwsApiCall", "eventCategory": "Management", "recipientAccountId": "111111111111",
        "userIdentity": {
            "type": "IAMUser", "arn": format!("arn:aws:iam::111111111111:user/{user}"), "accountId": "111111111111",
            "userName": user, "accessKeyId": format!("AKIA{}", user.to_ascii_uppercase()),
        },
    })
}

/// ARN of a user of [`call`].
pub(crate) fn arn(user: &str) -> String {
    format!("arn:aws:iam::111111111111:user/{user}")
}

/// One account of the shared data.
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) events: Vec<Value>,
    pub(crate) gaad: String,
    pub(crate) scps: String,
    pub(crate) credential_report: String,
    pub(crate) expected: Value,
}

impl Account {
    /// Its events without the repeated ones, as the pipeline hands them on.
    pub(crate) fn distinct(&self) -> Vec<Value> {
        let mut seen = std::collections::HashSet::new();
        self.events.iter().filter(|event| seen.insert(event["eventID"].to_string())).cloned().collect()
    }
}

/// The accounts of the shared data; none (told loudly) where it is not there. `TRAILHOUND_TEST_ACCOUNTS` names another folder
/// of them, as `../shared/tools/gen_accounts.py` writes it.
pub(crate) fn accounts() -> Vec<Account> {
    let shared = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/iam/dev/accounts");
    let folder = std::env::var_os("TRAILHOUND_TEST_ACCOUNTS").map_or(shared, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: ../shared/data absent (iam/dev/accounts)");
        return Vec::new();
    };
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let account = |folder: &PathBuf| {
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        Account {
            name: folder.display().to_string(),
            events: text("events.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            gaad: text("gaad.json"),
            scps: text("scps.json"),
            credential_report: text("credential_report.csv"),
            expected: serde_json::from_str(&text("expected.json")).unwrap(),
        }
    };
    folders.iter().map(account).collect()
}
