//! Amazon SNS: `Publish`.
//!
//! A message in three forms (`MessageStructure: json`): JSON for queues and functions, sentences for e-mail, one line for
//! SMS. Limits (SNS API reference, Publish): 256 KiB in all; subject up to 100 ASCII characters without line breaks, the
//! first one a letter, number or punctuation mark.

use serde_json::{Value, json};

use super::{json as own, words};
use crate::message::{Kind, Message};
use crate::visible::{clip, clip_bytes, json as safe};

const BYTES_MAX: usize = 250 * 1024;
const MAIL_MAX: usize = 24 * 1024;
const SMS_MAX: usize = 140;
const SUBJECT_MAX: usize = 100;

/// Parameters of `Publish`: `Subject`, `Message`, `MessageAttributes`, and for FIFO topics what those need.
pub fn publish(message: &Message, topic_arn: &str) -> Value {
    let headline = words::headline(message);
    let mail = clip_bytes(&mail(message), MAIL_MAX);
    let sms = clip_bytes(&headline, SMS_MAX);
    let whole = json!({"default": safe(&own::body(message).to_string()), "email": mail, "sms": sms}).to_string();
    // One alert of nothing but control characters can be too long in JSON within JSON; people's text is short.
    let text = if whole.len() <= BYTES_MAX { whole } else { json!({"default": mail, "sms": sms}).to_string() };
    let first = message.notices.first();
    let mut parameters = json!({
        "TopicArn": topic_arn,
        "Subject": subject(&headline),
        "Message": text,
        "MessageStructure": "json",
        "MessageAttributes": {
            "severity": message.severity(),
            "rule": first.map_or("digest", |notice| if notice.rule.is_empty() { "unknown" } else { &notice.rule }),
            "key": message.key,
        },
    });
    if topic_arn.ends_with(".fifo")
        && let Some(parameters) = parameters.as_object_mut()
    {
        parameters.insert("MessageGroupId".to_owned(), json!(message.group));
        parameters.insert("MessageDeduplicationId".to_owned(), json!(message.key));
    }
    parameters
}

fn subject(headline: &str) -> String {
    let ascii: String = headline.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
    let short = clip(&ascii, SUBJECT_MAX - 2);
    short.replace('…', "...").trim().to_owned()
}

fn mail(message: &Message) -> String {
    let mut text = words::headline(message);
    text.push_str("\n\n");
    if message.kind == Kind::Digest {
        text.push_str(&words::tallies(message).join("\n"));
        text.push_str("\n\n");
        text.push_str(&words::worst(message).join("\n"));
        return text;
    }
    for notice in &message.notices {
        text.push_str(&words::title(notice));
        text.push('\n');
        for (name, value) in words::fields(notice) {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push_str(&format!("Alert: {}\n\n", notice.fingerprint));
    }
    text
}
