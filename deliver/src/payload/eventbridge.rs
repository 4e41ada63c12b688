//! Amazon EventBridge: `PutEvents`, one entry an alert, so that a rule can look at `detail.severity` or `detail.rule`.
//!
//! Limits (EventBridge API reference, PutEvents): 256 KB an entry, `DetailType` 128 characters.

use serde_json::{Value, json};

use super::json as own;
use crate::message::{Kind, Message};
use crate::visible;

/// The body of the request.
pub fn put_events(message: &Message, bus: &str, source: &str) -> Value {
    let name = if message.kind == Kind::Digest { "Digest" } else { "Finding" };
    let entries = own::lines(message).into_iter().map(|detail| {
        let principal = detail.get("principal").and_then(Value::as_str).filter(|arn| arn.starts_with("arn:"));
        json!({
            "EventBusName": bus,
            "Source": source,
            "DetailType": name,
            // The protocol takes seconds since the epoch.
            "Time": message.created.div_euclid(1_000_000),
            "Resources": principal.into_iter().collect::<Vec<_>>(),
            "Detail": visible::json(&detail.to_string()),
        })
    });
    json!({"Entries": entries.collect::<Vec<_>>()})
}
