//! PagerDuty: Events API v2, `POST /v2/enqueue`.
//!
//! Source of names and limits: PagerDuty, "PD-CEF" and "Send an alert event": summary 1,024 characters, dedup_key 255,
//! severity one of critical, error, warning, info; an event 512 KB. The routing key is a secret and is added when the
//! request is made.

use alerts::Severity;
use serde_json::{Value, json};

use super::{json as own, words};
use crate::clock::rfc_3339;
use crate::message::{Kind, Message};
use crate::visible::clip;

const SUMMARY_MAX: usize = 1_024;

/// The event, without its routing key.
pub fn event(message: &Message) -> Value {
    if message.kind == Kind::Resolve {
        return json!({"event_action": "resolve", "dedup_key": message.group});
    }
    let first = message.notices.first();
    let text = |value: Option<&str>, other: &str| value.filter(|value| !value.is_empty()).unwrap_or(other).to_owned();
    let links = first
        .map(|notice| notice.references.as_slice())
        .unwrap_or_default()
        .iter()
        .filter(|link| link.starts_with("https://"));
    json!({
        "event_action": "trigger",
        // The group, not the message: what comes later belongs to the same incident, and a re-send opens no second one.
        "dedup_key": message.group,
        "client": "trailhound",
        "links": links.take(3).map(|link| json!({"href": link, "text": link})).collect::<Vec<_>>(),
        "payload": {
            "summary": clip(&words::headline(message), SUMMARY_MAX),
            "source": text(first.map(|notice| notice.account.as_str()), "aws"),
            "severity": severity(message.severity()),
            "timestamp": text(first.and_then(|notice| notice.time.as_deref()), &rfc_3339(message.created)),
            "component": text(first.and_then(|notice| notice.what.first()).map(String::as_str), "cloudtrail"),
            "group": text(first.map(|notice| notice.account.as_str()), "aws"),
            "class": text(first.map(|notice| notice.rule.as_str()), "digest"),
            "custom_details": details(message),
        },
    })
}

/// What stands in the incident: sentences for people, then everything.
fn details(message: &Message) -> Value {
    let mut details = json!({"key": message.key});
    let Some(into) = details.as_object_mut() else { return details };
    if let Some(first) = message.notices.first() {
        for (name, value) in words::fields(first) {
            into.insert(name.to_lowercase(), json!(value));
        }
    }
    if message.kind == Kind::Digest {
        into.insert("rules".to_owned(), json!(words::tallies(message)));
    }
    if let Some(body) = own::body(message).get_mut("alerts") {
        into.insert("alerts".to_owned(), body.take());
    }
    details
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Informational => "info",
    }
}
