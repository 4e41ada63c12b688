//! Our own JSON: the body of a webhook, and the lines of a file. A contract: `docs/deliver.md`.

use serde_json::{Value, json};

use super::words;
use crate::clock::rfc_3339;
use crate::message::{Kind, Message};

/// The body of a webhook's request.
pub fn body(message: &Message) -> Value {
    let mut body = json!({
        "version": 1,
        "kind": message.kind,
        "key": message.key,
        "group": message.group,
        "labels": message.labels,
        "created": rfc_3339(message.created),
        "severity": message.severity(),
        "summary": words::headline(message),
        "count": message.alerts(),
        "alerts": message.notices,
    });
    if message.kind == Kind::Digest
        && let Some(body) = body.as_object_mut()
    {
        body.insert("rules".to_owned(), json!(message.tallies));
    }
    body
}

/// One line an alert, with the key of the delivery beside its own fields; a digest is one line.
pub fn lines(message: &Message) -> Vec<Value> {
    match message.kind {
        Kind::Digest => vec![body(message)],
        Kind::Resolve => Vec::new(),
        Kind::Alerts => {
            let lines = message.notices.iter().map(|notice| {
                let mut line = json!(notice);
                if let Some(line) = line.as_object_mut() {
                    line.insert("kind".to_owned(), json!("alert"));
                    line.insert("key".to_owned(), json!(message.key));
                }
                line
            });
            lines.collect()
        }
    }
}
