#![allow(clippy::unwrap_used)]

use serde_json::{Value as Json, json};

use super::*;

/// Whether `{operator: {"k": policy}}` holds where the request's `k` is `request` (null: absent).
fn holds(operator: &str, policy: Json, request: Json) -> bool {
    let conditions = json!({operator: {"k": policy}});
    let mut context = json!({"aws:username": "bob", "many": ["a", "b"]});
    context["k"] = request;
    let context = Context::of_json(context.as_object().unwrap()).unwrap();
    all_hold(&compile(conditions.as_object().unwrap(), true), &context, &Mode::Strict) == Truth::Yes
}

#[test]
fn an_absent_key() {
    let absent = |operator: &str, value: &str| holds(operator, json!(value), Json::Null);
    for (operator, value) in [
        ("StringEquals", "a"),
        ("StringLike", "*"),
        ("NumericLessThan", "1"),
        ("DateEquals", "2026-01-01"),
        ("Bool", "false"),
        ("IpAddress", "0.0.0.0/0"),
        ("ArnLike", "arn:*:*:*:*:*"),
        ("BinaryEquals", "YQ=="),
    ] {
        assert!(!absent(operator, value), "{operator}");
        assert!(absent(&format!("{operator}IfExists"), value), "{operator}IfExists");
        assert!(absent(&format!("ForAllValues:{operator}"), value), "ForAllValues:{operator}");
        assert!(!absent(&format!("ForAnyValue:{operator}"), value), "ForAnyValue:{operator}");
    }
    for operator in ["StringNotEquals", "StringNotLike", "NumericNotEquals", "NotIpAddress", "ArnNotLike"] {
        assert!(absent(operator, "1"), "{operator}");
        assert!(!absent(&format!("ForAnyValue:{operator}"), "1"), "ForAnyValue:{operator}");
    }
    assert!(absent("Null", "true") && !absent("Null", "false"));
}

/// `ForAllValues` holds for no values, and the `Null` that is written beside it against that must catch it.
#[test]
fn a_key_without_values_is_null() {
    assert!(holds("ForAllValues:StringEquals", json!(["a"]), json!([])));
    assert!(!holds("Null", json!("false"), json!([])) && holds("Null", json!("true"), json!([])));
    assert!(holds("Null", json!("false"), json!(["a"])));
}

#[test]
fn values_are_alternatives_and_negated_ones_are_all_excluded() {
    let list = || json!(["a", "b"]);
    assert!(holds("StringEquals", list(), json!("b")) && !holds("StringEquals", list(), json!("c")));
    assert!(!holds("StringNotEquals", list(), json!("b")) && holds("StringNotEquals", list(), json!("c")));
    assert!(!holds("StringEquals", json!([]), json!("a")) && holds("StringNotEquals", json!([]), json!("a")));
}

#[test]
fn a_multivalued_key_needs_a_quantifier() {
    let many = |operator: &str, request: Json| holds(operator, json!(["a", "b"]), request);
    for operator in ["StringEquals", "StringNotEquals", "StringEqualsIfExists", "StringLike"] {
        assert!(!many(operator, json!(["a"])), "{operator}");
    }
    assert!(many("ForAllValues:StringEquals", json!(["a", "b"])));
    assert!(!many("ForAllValues:StringEquals", json!(["a", "c"])));
    assert!(many("ForAllValues:StringEquals", json!([])) && !many("ForAnyValue:StringEquals", json!([])));
    assert!(many("ForAnyValue:StringEquals", json!(["c", "b"])) && !many("ForAnyValue:StringEquals", json!(["c"])));
    assert!(
        many("ForAllValues:StringNotEquals", json!(["c"])) && !many("ForAllValues:StringNotEquals", json!(["a", "c"]))
    );
    assert!(
        many("ForAnyValue:StringNotEquals", json!(["a", "c"])) && !many("ForAnyValue:StringNotEquals", json!(["a"]))
    );
}

#[test]
fn text_is_compared_as_the_operator_says() {
    assert!(
        !holds("StringEquals", json!("A"), json!("a")) && holds("StringEqualsIgnoreCase", json!("ÉA"), json!("éa"))
    );
    assert!(!holds("StringEquals", json!("a*"), json!("ab")) && holds("StringLike", json!("a*"), json!("ab")));
    assert!(holds("StringEquals", json!("x-${aws:username}"), json!("x-bob")));
    assert!(holds("StringEquals", json!("${none, 'd'}"), json!("d")));
    // A variable without a value matches nothing, and nothing differs from it either.
    for operator in ["StringEquals", "StringNotEquals", "ForAllValues:StringEquals"] {
        assert!(!holds(operator, json!("${none}"), json!("x")), "{operator}");
        assert!(!holds(operator, json!("${many}"), json!("a")), "{operator}");
    }
}

#[test]
fn what_cannot_be_compared_fails_both_ways() {
    for (operator, policy, request) in [
        ("NumericNotEquals", "abc", "10"),
        ("NumericNotEquals", "10", "abc"),
        ("DateNotEquals", "x", "2026-01-01"),
        ("DateNotEquals", "2026-01-01", "x"),
        ("NotIpAddress", "10.0.0.0/33", "10.0.0.1"),
        ("NotIpAddress", "10.0.0.0/8", "x"),
        ("ArnNotLike", "arn:*", "arn:aws:s3:::b"),
        ("ArnNotLike", "arn:aws:s3:::b", "b"),
    ] {
        assert!(!holds(operator, json!(policy), json!(request)), "{operator} {policy} {request}");
    }
}

#[test]
fn bool_and_null_know_two_values() {
    assert!(holds("Bool", json!("TRUE"), json!("true")) && holds("Bool", json!(true), json!("True")));
    assert!(!holds("Bool", json!("false"), json!("asdf")) && !holds("Bool", json!("yes"), json!("yes")));
    assert!(holds("Null", json!("False"), json!("")) && !holds("Null", json!("true"), json!("")));
    assert!(holds("Null", json!(["true", "false"]), json!("x")) && !holds("Null", json!("maybe"), json!("x")));
}

#[test]
fn numbers_dates_addresses_and_arns() {
    assert!(
        holds("NumericLessThanEquals", json!(10), json!("10.0")) && !holds("NumericLessThan", json!("10"), json!("10"))
    );
    assert!(holds("DateGreaterThan", json!("2026-01-01T00:00:00Z"), json!("1767225601")));
    assert!(holds("NotIpAddress", json!(["192.0.2.0/24", "203.0.113.0/24"]), json!("198.51.100.1")));
    assert!(holds("ArnEquals", json!("arn:aws:iam::*:role/a?"), json!("arn:aws:iam::1:role/ab")));
    assert!(!holds("ArnLike", json!("arn:aws:sns:*"), json!("arn:aws:sns:us-east-1:1:t")));
}

#[test]
fn every_key_of_every_operator_must_hold_and_unknown_operators_never_do() {
    let hold = |conditions: Json| {
        let context = Context::of_json(json!({"a": "1", "b": "2"}).as_object().unwrap()).unwrap();
        all_hold(&compile(conditions.as_object().unwrap(), true), &context, &Mode::Strict) == Truth::Yes
    };
    assert!(hold(json!({"StringEquals": {"A": "1", "b": "2"}, "StringLike": {"b": "*"}})));
    assert!(!hold(json!({"StringEquals": {"a": "1", "b": "3"}})) && !hold(json!({"StringSame": {"a": "1"}})));
    assert!(hold(json!({})) && hold(json!({"StringEquals": {}})) && !hold(json!({"StringEquals": 7})));
}

#[test]
fn modes_leave_conditions_open() {
    let truth = |mode: &Mode| {
        let conditions = compile(json!({"StringEquals": {"a": "1", "b": "2"}}).as_object().unwrap(), true);
        let context = Context::of_json(json!({"a": "1"}).as_object().unwrap()).unwrap();
        all_hold(&conditions, &context, mode)
    };
    assert_eq!(truth(&Mode::Strict), Truth::No);
    assert_eq!(truth(&Mode::Possible), Truth::Open);
    assert_eq!(truth(&Mode::Discovery(["b".to_owned()].into())), Truth::No);
    assert_eq!(truth(&Mode::Discovery(Default::default())), Truth::Open);
}

#[test]
fn missing_keys_are_named() {
    let conditions = compile(json!({"StringLike": {"k": "${aws:userid}-${aws:username}"}}).as_object().unwrap(), true);
    let context = Context::of_json(json!({"aws:username": "bob"}).as_object().unwrap()).unwrap();
    let missing: Vec<_> = conditions.iter().flat_map(|condition| condition.missing(&context)).collect();
    assert_eq!(missing, ["k", "aws:userid"]);
}
