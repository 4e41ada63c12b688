//! The least that trailhound itself must be allowed, as an IAM policy.

use serde_json::{Value, json};

use crate::inventory;

/// What is to be allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// The trail's bucket.
    pub bucket: Option<String>,
    /// What the trail puts in front of `AWSLogs`.
    pub prefix: Option<String>,
    /// ARN of the queue that notifications come through.
    pub queue: Option<String>,
    /// ARN of the key that log files are encrypted with.
    pub key: Option<String>,
    /// `LookupEvents`.
    pub lookup: bool,
    /// `trailhound inventory`, with the organisation's policies.
    pub inventory: bool,
    /// A lake's bucket, and its prefix.
    pub lake: Option<(String, String)>,
    /// The partition: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
}

/// The policy, as JSON; each statement says by its name what it is for.
pub fn policy(needs: &Needs) -> Value {
    let partition = if needs.partition.is_empty() { "aws" } else { &needs.partition };
    let arn = |bucket: &str, rest: &str| format!("arn:{partition}:s3:::{bucket}{rest}");
    let mut statements = Vec::new();
    // Whoever asks for the inventory alone reads no logs.
    if needs.bucket.is_some() || !needs.inventory {
        let bucket = needs.bucket.as_deref().unwrap_or("YOUR-TRAIL-BUCKET");
        let prefix = needs.prefix.as_deref().map(|prefix| prefix.trim_matches('/')).filter(|prefix| !prefix.is_empty());
        let under = prefix.map_or_else(|| "/*".to_owned(), |prefix| format!("/{prefix}/*"));
        let mut list = statement("ListLogFiles", &["s3:ListBucket"], &arn(bucket, ""));
        if let Some(prefix) = prefix {
            list["Condition"] = json!({"StringLike": {"s3:prefix": [prefix, format!("{prefix}/*")]}});
        }
        statements = vec![
            list,
            statement("ReadLogFiles", &["s3:GetObject"], &arn(bucket, &under)),
            statement("PublicKeysForVerify", &["cloudtrail:ListPublicKeys"], "*"),
            statement(
                "TrailSettingsForDoctor",
                &["cloudtrail:DescribeTrails", "cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"],
                "*",
            ),
        ];
    }
    if needs.inventory {
        statements.push(statement("ReadInventory", inventory::ACTIONS, "*"));
        statements.push(statement("ReadLastAccessed", inventory::ACCESSED_ACTIONS, "*"));
        statements.push(statement("ReadOrganization", inventory::ORGANIZATION_ACTIONS, "*"));
    }
    if let Some(key) = &needs.key {
        statements.push(statement("DecryptLogFiles", &["kms:Decrypt"], key));
    }
    if let Some(queue) = &needs.queue {
        let actions = [
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
            "sqs:ReceiveMessage",
        ];
        statements.push(statement("TakeNotifications", &actions, queue));
    }
    if needs.lookup {
        statements.push(statement("LookUpEvents", &["cloudtrail:LookupEvents"], "*"));
    }
    if let Some((bucket, prefix)) = &needs.lake {
        let prefix = prefix.trim_matches('/');
        let under = if prefix.is_empty() { "/*".to_owned() } else { format!("/{prefix}/*") };
        let actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"];
        statements.push(statement("ListLake", &["s3:ListBucket"], &arn(bucket, "")));
        statements.push(statement("KeepLake", &actions, &arn(bucket, &under)));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn statement(sid: &str, actions: &[&str], resource: &str) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_that_is_not_needed() {
        let text = policy(&Needs { bucket: Some("b".into()), ..Needs::default() }).to_string();
        assert!(text.contains("arn:aws:s3:::b/*") && text.contains("s3:ListBucket"), "{text}");
        for other in ["sqs:", "kms:", "LookupEvents", "PutObject", "s3:*"] {
            assert!(!text.contains(other), "{other}: {text}");
        }
        let prefix = policy(&Needs { bucket: Some("b".into()), prefix: Some("/p/".into()), ..Needs::default() });
        assert_eq!(prefix["Statement"][1]["Resource"], "arn:aws:s3:::b/p/*");
    }

    #[test]
    fn the_inventory_only_reads() {
        let found = policy(&Needs { inventory: true, ..Needs::default() });
        let actions = found["Statement"].as_array().into_iter().flatten().filter_map(|one| one["Action"].as_array());
        let actions: Vec<_> = actions.flatten().filter_map(Value::as_str).collect();
        let named = [inventory::ACTIONS, inventory::ACCESSED_ACTIONS, inventory::ORGANIZATION_ACTIONS];
        assert_eq!(actions.len(), named.iter().map(|list| list.len()).sum::<usize>());
        let reads = |action: &&str| {
            ["Get", "List", "Describe", "GenerateCredentialReport", "GenerateServiceLastAccessedDetails"]
                .iter()
                .any(|verb| action.split(':').nth(1).is_some_and(|name| name.starts_with(verb)))
        };
        assert!(actions.iter().all(reads), "{actions:?}");
        assert!(!found.to_string().contains("s3:"));
    }
}
