//! Remarks on rules, odd and plain.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::modifier::Lists;
use crate::rule::parse;

fn remarks(selections: &[&str]) -> Vec<(&'static str, String)> {
    let mut rules = Vec::new();
    for (at, selection) in selections.iter().enumerate() {
        let yaml = format!(
            "title: t{at}\nid: 00000000-0000-4000-8000-00000000000{at}\nlogsource: {{product: aws}}\ndetection:\n  s: {selection}\n  \
             condition: s\n"
        );
        rules.extend(parse("t.yml", &yaml, &Lists::new()).rules);
    }
    lint(&rules).into_iter().map(|r| (r.kind, r.remark)).collect()
}

#[test]
fn misspelt_fields_are_remarked_with_what_may_be_meant() {
    let found = remarks(&["{userIdentity.sessionContext.sessionIsuer.userName: x}"]);
    assert_eq!(found[0].0, "field");
    assert!(found[0].1.contains("`userIdentity.sessionContext.sessionIssuer` may be meant"), "{}", found[0].1);
    assert!(remarks(&["{eventname: x}"]).is_empty() && remarks(&["{requestParameters.any.thing: x}"]).is_empty());
    assert!(remarks(&["{eventNme: x}"])[0].1.contains("`eventName` may be meant"));
    assert!(remarks(&["{eventName.x: y}"])[0].1.contains("below"));
}

#[test]
fn calls_that_no_service_has_are_remarked() {
    let found = remarks(&["{eventSource: iam.amazonaws.com, eventName: [CreateUser, CreateUzer]}"]);
    assert_eq!(found, [("event", "no call of iam.amazonaws.com is known as `createuzer`".to_owned())]);
    assert!(remarks(&["{eventSource: signin.amazonaws.com, eventName: ConsoleLogin}"]).is_empty());
    assert!(!remarks(&["{eventSource: iam.aws, eventName: CreateUser}"]).is_empty());
}

#[test]
fn rules_that_say_the_same_or_less_are_remarked() {
    let found = remarks(&["{awsRegion: x}", "{awsRegion: x}", "{awsRegion: x, errorCode: y}"]);
    let kinds: Vec<_> = found.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, ["duplicate", "shadowed", "shadowed"]);
    let turned = remarks(&["{awsRegion: x, errorCode: [y, z]}", "{errorCode: [z, y], awsRegion: x}"]);
    assert_eq!(turned.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), ["duplicate"], "in another order");
    let shadowed = |one: &str, other: &str| remarks(&[one, other]).iter().any(|(kind, _)| *kind == "shadowed");
    assert!(shadowed("{eventName: CreateUser}", "{eventName: [CreateUser, DeleteUser]}"));
    assert!(shadowed("{eventName: CreateUser, errorCode: x}", "{eventName|contains: create}"));
    assert!(!shadowed("{eventName: [CreateUser, GetUser]}", "{eventName|startswith: create}"));
    assert!(!shadowed("{eventName: CreateUser}", "{eventName: CreateUser}"), "they are the same");
}

fn told(yaml: &str) -> Vec<(&'static str, Option<u32>, String)> {
    let parsed = parse("t.yml", yaml, &Lists::new());
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    lint(&parsed.rules).into_iter().map(|r| (r.kind, r.line, r.remark)).collect()
}

#[test]
fn conditions_that_hold_never_or_always_are_remarked() {
    let base =
        "title: t\nlogsource: {product: aws}\ndetection:\n  s: {eventName: x}\n  o: {awsRegion: y}\n  condition: ";
    for (condition, says) in [
        ("s and not s", "can never match"),
        ("s and o and not (s or o)", "can never match"),
        ("s and not 1 of them", "can never match"),
        ("(s and not s) or (o and not s and not o)", "can never match"),
        ("s or not s", "every event"),
        ("not (o and not o)", "every event"),
    ] {
        let found = told(&format!("{base}{condition}\n"));
        assert!(found.len() == 1 && found[0].0 == "condition" && found[0].2.contains(says), "{condition}: {found:?}");
    }
    for condition in ["s and not o", "s or not o", "not s and not o", "(s and not o) or (o and not s)"] {
        assert_eq!(told(&format!("{base}{condition}\n")), [], "{condition}");
    }
    // Narrower than another, but first of all empty.
    let wide = "title: w\nlogsource: {product: aws}\ndetection:\n  s: {eventName: x}\n  condition: s\n---\n";
    let kinds: Vec<_> = told(&format!("{wide}{base}s and not s\n")).into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(kinds, ["condition"]);
}

#[test]
fn bounds_that_every_window_meets_are_remarked() {
    let count = |kind: &str, condition: &str| {
        told(&format!(
            "title: t\ncorrelation:\n  type: {kind}\n  rules: [a, b]\n  timespan: 1m\n  condition: {{{condition}}}\n"
        ))
    };
    for (kind, condition) in [
        ("event_count", "gte: -1"),
        ("event_count", "gte: 1"),
        ("event_count", "gt: 0, lt: 3"),
        ("value_count", "gte: 0, field: awsRegion"),
        ("temporal", "lte: 2"),
    ] {
        let found = count(kind, condition);
        assert!(found.len() == 1 && found[0].2.contains("always holds"), "{kind} {condition}: {found:?}");
    }
    for (kind, condition) in
        [("event_count", "gte: 2"), ("value_count", "gte: 1, field: awsRegion"), ("temporal", "gte: 2")]
    {
        assert_eq!(count(kind, condition), [], "{kind} {condition}");
    }
}

#[test]
fn ids_that_are_taken_or_no_uuid_are_remarked() {
    let rule = |title: &str, id: &str, name: &str| {
        format!(
            "title: {title}\nid: {id}\nlogsource: {{product: aws}}\ndetection:\n  s: {{eventName: {name}}}\n  condition: s\n---\n"
        )
    };
    let id = "8a0bd5b5-4f6e-4bb1-a7ae-3f2b9c6a7d11";
    let other = told(&format!("{}{}", rule("a", id, "x"), rule("b", id, "y")));
    assert!(other.len() == 1 && other[0].0 == "id" && other[0].2.contains("\"a\" in t.yml:1"), "{other:?}");
    let same = told(&format!("{}{}", rule("a", id, "x"), rule("a", id, "x")));
    assert!(same.len() == 1 && same[0].2.contains("twice"), "{same:?}");
    let odd = told(&rule("a", "my-rule", "x"));
    assert!(odd.len() == 1 && odd[0].1 == Some(2) && odd[0].2.contains("`my-rule` is no UUID"), "{odd:?}");
    assert_eq!(told("title: t\nlogsource: {product: aws}\ndetection:\n  s: {eventName: x}\n  condition: s\n"), []);
}

#[test]
fn shipped_rules_are_not_shadowed() {
    let found = lint(&crate::pack::shipped()).into_iter().filter(|r| r.kind != "event");
    let rules: Vec<_> = found.map(|remark| remark.rule).collect();
    // One half of a correlation whose other half alerts by itself.
    assert_eq!(rules, ["A user was removed"]);
}

#[test]
fn distances() {
    for (a, b, d) in [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("same", "same", 0)] {
        assert_eq!(distance(a, b), d, "{a} {b}");
    }
}
