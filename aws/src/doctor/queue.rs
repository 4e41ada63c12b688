//! A queue of notifications: is it there, may it be read, can anybody write into it, and what becomes of what fails.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use super::check::{Check, State};
use crate::connection::Connection;
use crate::error::{Error, explain};
use crate::queue::{region_of, url_of};

/// Shorter, and a heartbeat that comes late once lets a message go.
const TIMEOUT_SECONDS: u64 = 30;
/// A weekend: so long a reader may be down before notifications are lost.
const RETENTION_SECONDS: u64 = 3 * 86_400;
/// More than this waiting means that nobody keeps up.
const WAITING: u64 = 10_000;
/// Services that tell of objects, as they stand in policies.
const SENDERS: [&str; 3] = ["s3.amazonaws.com", "sns.amazonaws.com", "events.amazonaws.com"];

type Attributes = HashMap<QueueAttributeName, String>;

/// Looks at a queue, named by its URL, its ARN or its name.
pub fn examine(connection: &Connection, name: &str, checks: &mut Vec<Check>) {
    let about = format!("sqs://{name}");
    let client = connection.sqs(&region_of(name).unwrap_or_else(|| connection.region()));
    let url = match name.contains("://") {
        true => Ok(name.to_owned()),
        false => connection.wait(url_of(&client, name)),
    };
    let attributes = url.and_then(|url| connection.wait(attributes(&client, &url)));
    let attributes = match attributes {
        Ok(attributes) => attributes,
        Err(error) => return checks.push(Check::refused("queue", about, State::Fail, &error)),
    };
    report(&attributes, &about, checks);
    if let Some(dead) = dead_letters(&attributes) {
        let found = connection.wait(async {
            let url = url_of(&client, &dead).await?;
            self::attributes(&client, &url).await
        });
        dead_letter_queue(&dead, found.as_ref(), checks);
    }
}

async fn attributes(client: &aws_sdk_sqs::Client, url: &str) -> Result<Attributes, Error> {
    let request = client.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
    let answer = request.send().await;
    let answer = answer.map_err(|error| explain(&error, url, "sqs:GetQueueAttributes", "the queue"))?;
    Ok(answer.attributes.unwrap_or_default())
}

fn number(attributes: &Attributes, name: QueueAttributeName) -> u64 {
    attributes.get(&name).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn report(attributes: &Attributes, about: &str, checks: &mut Vec<Check>) {
    use QueueAttributeName as Name;
    let waiting = number(attributes, Name::ApproximateNumberOfMessages);
    let held = number(attributes, Name::ApproximateNumberOfMessagesNotVisible);
    let seen = format!("{waiting} messages wait, {held} are held by readers");
    let next = "nobody keeps up: run `trailhound ingest --follow`, or read the bucket once and purge the queue";
    checks.push(match waiting {
        0..=WAITING => Check::ok("queue", about, seen),
        _ => Check::warn("queue", about, seen, next),
    });
    let timeout = number(attributes, Name::VisibilityTimeout);
    let seen = format!("{timeout} s");
    checks.push(match timeout {
        TIMEOUT_SECONDS.. => Check::ok("queue.visibility", about, seen),
        _ => Check::warn("queue.visibility", about, seen, "give it a visibility timeout of 300 s"),
    });
    let retention = number(attributes, Name::MessageRetentionPeriod);
    let seen = format!("messages are kept for {} hours", retention / 3600);
    checks.push(match retention {
        RETENTION_SECONDS.. => Check::ok("queue.retention", about, seen),
        _ => {
            let next = "keep them for days (MessageRetentionPeriod): what goes is found by listing the bucket only";
            Check::warn("queue.retention", about, seen, next)
        }
    });
    if dead_letters(attributes).is_none() {
        let next = "give it one (RedrivePolicy): without it a message that fails comes again for ever";
        checks.push(Check::warn("queue.dead_letters", about, "no dead-letter queue", next));
    }
    checks.push(senders(attributes, about));
    if attributes.get(&Name::KmsMasterKeyId).is_some_and(|key| key.ends_with("alias/aws/sqs")) {
        let next = "S3 and SNS may not use the key alias/aws/sqs: take SSE-SQS, or a key of your own that lets them";
        checks.push(Check::fail("queue.key", about, "encrypted by the key alias/aws/sqs", next));
    }
}

/// ARN of the dead-letter queue.
fn dead_letters(attributes: &Attributes) -> Option<String> {
    let policy: Value = serde_json::from_str(attributes.get(&QueueAttributeName::RedrivePolicy)?).ok()?;
    policy["deadLetterTargetArn"].as_str().map(str::to_owned)
}

fn dead_letter_queue(arn: &str, found: Result<&Attributes, &Error>, checks: &mut Vec<Check>) {
    match found {
        Ok(attributes) => {
            let waiting = number(attributes, QueueAttributeName::ApproximateNumberOfMessages);
            let seen = format!("{waiting} messages failed and lie there");
            let next = "see the table `rejects`; mend what is wrong, then start a redrive of the queue";
            checks.push(match waiting {
                0 => Check::ok("queue.dead_letters", arn, "there, and empty"),
                _ => Check::warn("queue.dead_letters", arn, seen, next),
            });
        }
        Err(error) => checks.push(Check::refused("queue.dead_letters", arn, State::Warn, error)),
    }
}

/// Whether the queue's policy lets a service send, and not everybody.
fn senders(attributes: &Attributes, about: &str) -> Check {
    let next = "give the queue a policy that allows sqs:SendMessage to s3.amazonaws.com (or sns.amazonaws.com, \
                events.amazonaws.com) on the condition that aws:SourceArn is the bucket (topic, rule)";
    let policy = attributes.get(&QueueAttributeName::Policy).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Some(policy) = policy else {
        return Check::fail("queue.policy", about, "no policy: neither S3 nor SNS may send", next);
    };
    let statements: Vec<&Value> = many(&policy["Statement"]).collect();
    let sends = |statement: &&&Value| {
        let action = |action: &Value| {
            let action = action.as_str().unwrap_or_default().to_ascii_lowercase();
            matches!(&*action, "*" | "sqs:*" | "sqs:send*" | "sqs:sendmessage")
        };
        statement["Effect"] == "Allow" && many(&statement["Action"]).any(action)
    };
    let allowed: Vec<&&Value> = statements.iter().filter(sends).collect();
    let anybody = |statement: &&&Value| {
        let principal = &statement["Principal"];
        let everybody = principal == "*" || many(&principal["AWS"]).any(|who| who == "*");
        everybody && statement["Condition"].as_object().is_none_or(serde_json::Map::is_empty)
    };
    if allowed.iter().any(anybody) {
        let next = "add a condition on aws:SourceArn: whoever may send can have anything read that we may read";
        return Check::warn("queue.policy", about, "anybody may send", next);
    }
    let mut services: Vec<&str> = Vec::new();
    for statement in &allowed {
        let principal = &statement["Principal"];
        services.extend(many(&principal["Service"]).filter_map(Value::as_str).filter(|who| SENDERS.contains(who)));
        if principal == "*" || many(&principal["AWS"]).any(|who| who == "*") {
            services.push("anybody who meets its condition");
        }
    }
    services.sort_unstable();
    services.dedup();
    match services.is_empty() {
        false => Check::ok("queue.policy", about, format!("{} may send", services.join(", "))),
        true => Check::fail("queue.policy", about, "its policy lets neither S3 nor SNS nor EventBridge send", next),
    }
}

/// One value, or those of a list.
fn many(value: &Value) -> impl Iterator<Item = &Value> {
    let list = value.as_array();
    let one = Some(value).filter(|value| list.is_none() && !value.is_null());
    list.into_iter().flatten().chain(one)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(policy: &Value) -> State {
        senders(&[(QueueAttributeName::Policy, policy.to_string())].into(), "q").state
    }

    #[test]
    fn a_policy_says_who_may_send() {
        let condition = json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}});
        let allow = |principal: Value, action: &str, condition: &Value| json!({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": action, "Condition": condition}]});
        let s3 = json!({"Service": "s3.amazonaws.com"});
        assert_eq!(state(&allow(s3.clone(), "sqs:SendMessage", &condition)), State::Ok);
        assert_eq!(state(&allow(json!("*"), "SQS:*", &condition)), State::Ok);
        assert_eq!(state(&allow(json!({"AWS": "*"}), "sqs:SendMessage", &Value::Null)), State::Warn);
        assert_eq!(state(&allow(s3, "sqs:ReceiveMessage", &condition)), State::Fail);
        assert_eq!(state(&allow(json!({"Service": "ec2.amazonaws.com"}), "sqs:SendMessage", &condition)), State::Fail);
        assert_eq!(senders(&Attributes::new(), "q").state, State::Fail);
    }

    #[test]
    fn every_weakness_of_a_queue_is_told() {
        let mut checks = Vec::new();
        let attributes = [
            (QueueAttributeName::VisibilityTimeout, "2".to_owned()),
            (QueueAttributeName::MessageRetentionPeriod, "3600".to_owned()),
            (QueueAttributeName::KmsMasterKeyId, "alias/aws/sqs".to_owned()),
        ];
        report(&attributes.into(), "q", &mut checks);
        let bad: Vec<_> = checks.iter().filter(|check| check.state != State::Ok).map(|check| check.check).collect();
        assert_eq!(
            bad,
            ["queue.visibility", "queue.retention", "queue.dead_letters", "queue.policy", "queue.key"],
            "{checks:?}"
        );
    }
}
