//! A story as JSON: `docs/contract.md`.

use query::story::{Tallies, Tally};
use serde_json::{Map, Value, json};

use super::Told;

fn time(micros: Option<i64>) -> Value {
    micros.map_or(Value::Null, |micros| Value::from(access::instant::format(micros)))
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::from(text) }
}

fn tally(tally: &Tally) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("events".into(), tally.events.into());
    fields.insert("changes".into(), tally.changes.into());
    fields.insert("denied".into(), tally.denied.into());
    fields.insert("first".into(), time(tally.first));
    fields.insert("last".into(), time(tally.last));
    fields
}

fn tallies(all: &Tallies) -> Vec<Value> {
    let one = |(name, counts): (&String, &Tally)| {
        let mut fields = Map::from_iter([("name".to_owned(), Value::from(name.as_str()))]);
        fields.extend(tally(counts));
        Value::Object(fields)
    };
    super::busiest(all).into_iter().map(one).collect()
}

/// The whole story.
pub(super) fn document(told: &Told) -> Value {
    let story = &told.story;
    let session = |session: &query::story::Session| {
        let mut fields = tally(&session.tally);
        for (name, value) in [
            ("access_key_id", &session.key),
            ("principal", &session.principal),
            ("actor", &session.actor),
            ("type", &session.kind),
            ("issued", &session.began),
            ("mfa", &session.mfa),
            ("source_identity", &session.source_identity),
        ] {
            fields.insert(name.into(), text(value));
        }
        fields.insert("console".into(), session.console.into());
        Value::Object(fields)
    };
    let denied = |((principal, action, code), counts): (&(String, String, String), &Tally)| {
        let mut fields = tally(counts);
        for (name, value) in [("principal", principal), ("action", action), ("error_code", code)] {
            fields.insert(name.into(), text(value));
        }
        Value::Object(fields)
    };
    json!({
        "subject": {"kind": told.subject.kind(), "text": told.subject.text()},
        "about": {"kind": told.about.kind(), "text": told.about.text()},
        "summary": tally(&story.total),
        "bytes_out": story.bytes_out,
        "accounts": tallies(&story.accounts),
        "regions": tallies(&story.regions),
        "addresses": tallies(&story.addresses),
        "agents": tallies(&story.agents),
        "principals": tallies(&story.principals),
        "actions": tallies(&story.actions),
        "resources": tallies(&story.resources),
        "sessions": story.sessions.iter().map(session).collect::<Vec<_>>(),
        "chain": story.links.iter().map(|link| json!({
            "time": time(link.time), "event_id": link.event_id, "event": link.event, "principal": text(&link.principal),
            "access_key_id": text(&link.key), "address": text(&link.address), "gave": text(&link.made),
            "whose": text(&link.whose), "leads_here": link.back,
        })).collect::<Vec<_>>(),
        "left_behind": story.left.iter().map(|left| json!({
            "time": time(left.time), "what": left.what, "object": left.object, "action": left.action,
            "principal": text(&left.principal), "region": left.region, "event_id": left.event_id, "outcome": left.outcome,
            "undone": time(left.undone),
        })).collect::<Vec<_>>(),
        "denied": story.denied.iter().map(denied).collect::<Vec<_>>(),
        "firsts": story.firsts.iter().map(|first| json!({
            "time": time(Some(first.time)), "principal": first.principal, "kind": first.kind, "value": first.value,
        })).collect::<Vec<_>>(),
        "principals_known_for_less_than_a_day": story.unknown_before,
        "alerts": told.alerts,
        "timeline": story.timeline.iter().map(|run| json!({
            "first": time(run.first), "last": time(run.last), "count": run.count, "call": run.what, "object": text(&run.object), "other_objects": run.others,
            "principal": text(&run.principal), "actor": text(&run.actor), "region": run.region, "address": text(&run.address),
            "outcome": run.outcome, "error_code": text(&run.error), "event_id": run.event_id, "marks": run.marks,
        })).collect::<Vec<_>>(),
        "untold_events": story.untold,
        "cut": story.cut,
    })
}
