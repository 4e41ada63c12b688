//! Prometheus Alertmanager: `POST /api/v2/alerts`.
//!
//! Labels are the identity there: the fingerprint is one, so that two alerts of one principal stay two. An alert of ours is
//! an event that is over, so it says itself when it ends.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::words;
use crate::clock::rfc_3339;
use crate::message::{Kind, Message};
use crate::notice::Notice;
use crate::visible::{clip, line};

const LABEL_MAX: usize = 1_024;

/// The alerts, which end at `ends`, microseconds since the epoch.
pub fn alerts(message: &Message, ends: i64) -> Value {
    let ends = rfc_3339(ends);
    if message.kind == Kind::Digest {
        let labels = labels(&[
            ("alertname", "trailhound-digest"),
            ("severity", message.severity().as_str()),
            ("source", "trailhound"),
            ("fingerprint", &message.key),
        ]);
        let annotations = json!({"summary": words::headline(message), "rules": words::tallies(message).join("\n"),
            "worst": words::worst(message).join("\n")});
        return json!([{
            "labels": labels,
            "annotations": annotations,
            "startsAt": rfc_3339(message.created),
            "endsAt": ends,
        }]);
    }
    message.notices.iter().map(|notice| alert(notice, message, &ends)).collect()
}

fn alert(notice: &Notice, message: &Message, ends: &str) -> Value {
    let starts = notice.time.clone().unwrap_or_else(|| rfc_3339(message.created));
    let mut alert = json!({
        "labels": labels(&[
            ("alertname", &notice.rule),
            ("rule_id", &notice.rule_id),
            ("severity", notice.severity().as_str()),
            ("account", &notice.account),
            ("principal", &notice.principal),
            ("region", &notice.region),
            ("source", "trailhound"),
            ("fingerprint", &notice.fingerprint),
        ]),
        "annotations": annotations(notice),
        "startsAt": starts,
        "endsAt": ends,
    });
    let link = notice.references.iter().find(|link| link.starts_with("https://"));
    if let (Some(link), Some(alert)) = (link, alert.as_object_mut()) {
        alert.insert("generatorURL".to_owned(), json!(link));
    }
    alert
}

fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    let given = labels.iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| ((*name).to_owned(), clip(&line(value), LABEL_MAX))).collect()
}

fn annotations(notice: &Notice) -> BTreeMap<String, String> {
    let mut annotations: BTreeMap<String, String> =
        words::fields(notice).into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
    annotations.insert("summary".to_owned(), format!("{}: {}", words::title(notice), line(notice.who())));
    if !notice.event_ids.is_empty() {
        annotations.insert("event_ids".to_owned(), words::some(&notice.event_ids));
    }
    annotations
}
