//! What must not be rounded, hidden or guessed: long numbers, escapes, paths that can never hit, lines of errors.

use alerts::{Engine, Lists, Settings, rule};
use ingest::columns::batch_from_json;

const HEAD: &str = "title: t\nid: t\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s:\n";

/// Whether a selection holds for a record.
fn hits(selection: &str, record: &str) -> bool {
    let parsed = rule::parse("t.yml", &format!("{HEAD}    {selection}\n  condition: s\n"), &Lists::new());
    assert_eq!(parsed.errors, []);
    let (mut engine, errors) = Engine::new(parsed.rules, &Settings::default());
    assert_eq!(errors, []);
    let mut found = Vec::new();
    engine.matches(&batch_from_json(&[record]).unwrap(), &mut found);
    !found.is_empty()
}

fn with(parameters: &str) -> String {
    format!(r#"{{"eventName":"X","eventID":"e","requestParameters":{parameters}}}"#)
}

#[test]
fn numbers_beyond_64_bits_are_compared_exactly() {
    for (selection, number, hit) in [
        ("requestParameters.n: 18446744073709551615", "18446744073709551615", true),
        ("requestParameters.n: 18446744073709551615", "18446744073709551614", false),
        ("requestParameters.n|gt: 9007199254740992", "9007199254740993", true),
        ("requestParameters.n|lt: 18446744073709551615", "18446744073709551614", true),
        ("requestParameters.n|lt: 18446744073709551615", "18446744073709551615", false),
        ("requestParameters.n|gte: '99999999999999999999999'", "99999999999999999999998", false),
        ("requestParameters.n|gte: '99999999999999999999999'", "99999999999999999999999", true),
        ("requestParameters.n|lt: 0.3", "0.29999999999999999999", true),
    ] {
        assert_eq!(hits(selection, &with(&format!("{{\"n\":{number}}}"))), hit, "{selection} {number}");
    }
    let yaml = format!("{HEAD}    requestParameters.n: 99999999999999999999999\n  condition: s\n");
    let errors = rule::parse("t.yml", &yaml, &Lists::new()).errors;
    assert!(errors.len() == 1 && errors[0].reason.contains("in quotes"), "{errors:?}");
}

#[test]
fn escapes_of_the_log_hide_nothing_in_a_whole_object() {
    let inner = with(r#"{"policyDocument":"{\"Effect\":\"Allow\",\"Principal\":\u0022*\u0022}","path":"\/a\u0026b"}"#);
    assert!(hits(r#"requestParameters|contains: '"Effect":"Allow"'"#, &inner));
    assert!(hits(r#"requestParameters|contains: '"Principal":"\*"'"#, &inner));
    assert!(hits("requestParameters|contains: '/a&b'", &inner));
    assert!(hits(r#"requestParameters|contains: '"policyDocument":"{'"#, &inner), "as it is written, too");
    assert!(!hits(r#"requestParameters|contains: '"Effect":"Deny"'"#, &inner));
    assert!(hits("requestParameters.list|contains: 'a\"b'", &with(r#"{"list":[{"k":"a\"b"}]}"#)));
}

#[test]
fn a_path_with_an_index_is_refused_with_what_to_write() {
    let yaml = format!("{HEAD}    requestParameters.v[0].k: x\n  condition: s\n");
    let parsed = rule::parse("t.yml", &yaml, &Lists::new());
    let mut errors = parsed.errors;
    errors.extend(Engine::new(parsed.rules, &Settings::default()).1);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].reason.contains("write `requestParameters.v.k`"), "{}", errors[0].reason);
    assert!(errors[0].line.is_some());
    assert!(hits("requestParameters.v.k: x", &with(r#"{"v":[{"k":"y"},{"k":"x"}]}"#)));
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_rule_and_every_error_has_a_line() {
    let good = format!("\u{feff}{HEAD}    eventName: X\n  condition: s\n");
    assert_eq!(rule::parse("t.yml", &good, &Lists::new()).rules.len(), 1);
    for bad in [
        "",
        "# nothing\n",
        "- a\n",
        "a: [\n",
        "title: t\n",
        "{{{",
        "action: jump\n",
        "title: >\n  folded\n  title\n",
        "title: t\ndetection: {s: {a: b}, condition: s}\n",
        "title: t\ncorrelation: 3\n",
        "title: t\nfilter: {rules: 3}\n",
        "title: t\nlogsource: {product: aws}\ndetection:\n  s:\n    a|nonsense: b\n  condition: s\n",
        "title: t\nlogsource: {product: aws}\ndetection:\n  s:\n    a: b\n  condition: s and and\n",
        "title: t\nlevel: dire\nlogsource: {product: aws}\ndetection: {s: {a: b}, condition: s}\n",
        "title: t\nlogsource: {product: windows}\ndetection: {s: {a: b}, condition: s}\n",
        &"x".repeat(300_000),
        &"[".repeat(99),
    ] {
        let errors = rule::parse("t.yml", bad, &Lists::new()).errors;
        assert!(!errors.is_empty() && errors.iter().all(|error| error.line.is_some()), "{bad:.40}: {errors:?}");
    }
}
