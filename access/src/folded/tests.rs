//! Rows of parts add up to the fold of the whole.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::audit::audit;
use crate::fixture::{accounts, batch, call};
use crate::inventory::Inventory;
use crate::unused::Options;

fn fold(records: &[Value]) -> Folded {
    let mut folded = Folded::new();
    folded.observe(&batch(records));
    folded
}

/// Everything that it remembers, in one order.
fn dump(folded: &Folded) -> Vec<String> {
    let mut all: Vec<String> = folded.rows().iter().map(|row| format!("{row:?}")).collect();
    for principal in folded.usage.principals() {
        all.extend(folded.usage.facts(principal).iter().map(|fact| format!("{} {fact:?}", principal.name)));
    }
    all.sort_unstable();
    all
}

/// Adds what another one remembers, as a batch of a lake would.
fn add(to: &mut Folded, part: &Folded) {
    part.rows().iter().for_each(|row| to.add(Some(row)));
    for principal in part.usage.principals() {
        part.usage.facts(principal).into_iter().for_each(|(action, fact)| to.add_fact(&principal.name, action, fact));
    }
    to.add(Some(&Row { events: 1, ..Row::new(What::Total, "", "batches") }));
}

fn restored(parts: &[&[Value]]) -> Folded {
    let mut folded = Folded::new();
    parts.iter().for_each(|part| add(&mut folded, &fold(part)));
    folded
}

#[test]
fn the_report_of_what_was_remembered_is_that_of_the_events() {
    for account in accounts() {
        let inventory = Inventory::parse(&account.gaad, "gaad").unwrap();
        let parts: Vec<&[Value]> = account.events.chunks(account.events.len() / 7 + 1).rev().collect();
        let (whole, found) = (fold(&account.events), restored(&parts));
        assert!(found.is_whole(parts.len() as u64), "{}", account.name);
        assert_eq!(dump(&found), dump(&whole), "{}", account.name);
        let report = |folded: &Folded| {
            let now = folded.usage.coverage().last().unwrap_or_default();
            let audit = audit(
                &folded.usage,
                &folded.signins,
                &folded.places,
                std::slice::from_ref(&inventory),
                &[],
                &Options::new(now),
            );
            serde_json::to_string(&audit).unwrap()
        };
        assert_eq!(report(&found), report(&whole), "{}", account.name);
    }
}

#[test]
fn what_does_not_remember_everything_says_so() {
    let events =
        [call("a", "s3", "GetObject", "2026-01-02T03:04:05Z"), call("b", "iam", "ListUsers", "2026-01-03T00:00:00Z")];
    let part = fold(&events);
    let whole = restored(&[&events]);
    assert!(whole.is_whole(1));
    // A batch of an older version, which kept nothing, or one that came meanwhile.
    assert!(!whole.is_whole(2) && !whole.is_whole(0));
    let mut without_a_fact = Folded::new();
    part.rows().iter().for_each(|row| without_a_fact.add(Some(row)));
    without_a_fact.add(Some(&Row { events: 1, ..Row::new(What::Total, "", "batches") }));
    assert!(!without_a_fact.is_whole(1));
    for strange in [
        None,
        Some(Row::new(What::Rules, "0-other", "")),
        Some(Row::new(What::Total, "", "newer")),
        Some(Row::new(What::DataEvent, "1", "AWS::New::Thing")),
        Some(Row { events: 1, ..Row::new(What::Total, "", "dropped") }),
    ] {
        let mut other = whole.clone();
        other.add(strange.as_ref());
        assert!(!other.is_whole(1), "{strange:?}");
    }
}

fn any_event() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        ("s3", "GetObject"),
        ("iam", "CreateUser"),
        ("signin", "ConsoleLogin"),
        ("ec2", "RunInstances"),
        ("unheard", "Of"),
    ]);
    let kind = prop::sample::select(vec!["IAMUser", "Root", "AssumedRole"]);
    let error = prop::sample::select(vec![None, Some("AccessDenied"), Some("NoSuchBucket")]);
    (0..4u8, names, kind, error, 0..50u32, 0..30u8).prop_map(|(user, (source, name), kind, error, minute, actor)| {
        let time = format!("2026-01-{:02}T00:{minute:02}:00Z", 1 + minute % 5);
        let mut event = call(&format!("u{user}"), source, name, &time);
        event["userIdentity"]["type"] = kind.into();
        event["userIdentity"]["sessionContext"] = json!({"sourceIdentity": format!("actor-{actor}")});
        event["awsRegion"] = ["us-east-1", "eu-west-1"][usize::from(user % 2)].into();
        if let Some(error) = error {
            event["errorCode"] = error.into();
        }
        if name == "ConsoleLogin" {
            event["eventType"] = "AwsConsoleSignIn".into();
        }
        event
    })
}

proptest! {
    #[test]
    fn any_split_and_order_is_remembered_as_the_whole(
        events in prop::collection::vec(any_event(), 1..60),
        cuts in prop::collection::vec(0usize..60, 0..4),
        turn in 0usize..4,
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(events.len())).chain([0, events.len()]).collect();
        cuts.sort_unstable();
        let mut parts: Vec<&[Value]> =
            cuts.windows(2).map(|ends| &events[ends[0]..ends[1]]).filter(|part| !part.is_empty()).collect();
        let places = parts.len();
        parts.rotate_left(turn % places);
        let found = restored(&parts);
        prop_assert!(found.is_whole(parts.len() as u64));
        prop_assert_eq!(dump(&found), dump(&fold(&events)));
    }
}
