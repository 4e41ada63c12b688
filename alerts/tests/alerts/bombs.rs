//! What is meant to hurt and must not: huge fields, rules full of patterns, groups without end.

use alerts::{Engine, Lists, Settings, rule};
use ingest::columns::batch_from_json;
use serde_json::json;

const HEAD: &str = "title: t\nid: t\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s:\n";

fn engine(yaml: &str, settings: &Settings) -> Engine {
    let parsed = rule::parse("t.yml", yaml, &Lists::new());
    assert_eq!(parsed.errors, []);
    let (engine, errors) = Engine::new(parsed.rules, settings);
    assert_eq!(errors, []);
    engine
}

fn reason(yaml: &str) -> String {
    let mut errors = rule::parse("t.yml", yaml, &Lists::new()).errors;
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0).reason
}

#[test]
fn a_field_of_a_megabyte_is_matched_and_told_in_part() {
    let huge = format!("{}needle", "a".repeat(1 << 20));
    let record = json!({"eventName": "X", "eventTime": "2024-05-01T00:00:00Z", "eventID": "e", "userAgent": huge, "requestParameters": {"k": huge}});
    let patterns = [
        "userAgent|endswith: NEEDLE",
        "userAgent|re: '^(a|aa)+n'",
        "userAgent: '*a*a*a*a*a*e?dle'",
        "userAgent|contains: 'aneedle'",
        "requestParameters.k|fieldref: userAgent",
        "requestParameters|contains: 'aneedle\"'",
    ];
    for pattern in patterns {
        let mut engine = engine(&format!("{HEAD}    {pattern}\n  condition: s\n"), &Settings::default());
        engine.observe(&batch_from_json(&[&record.to_string()]).unwrap());
        let outcome = engine.finish();
        assert_eq!(outcome.alerts.len(), 1, "{pattern}");
        assert!(outcome.alerts[0].user_agents[0].len() < 300);
    }
    let missing = format!("{HEAD}    userAgent|re: '^(a|aa)+$'\n  condition: s\n");
    let mut engine = engine(&missing, &Settings::default());
    engine.observe(&batch_from_json(&[&record.to_string()]).unwrap());
    assert!(engine.finish().alerts.is_empty());
}

/// Each of these takes, at each place of the text, as long as its own length, if it is looked for place by place: a hundred
/// of them took minutes.
#[test]
fn what_nearly_fits_everywhere_takes_one_pass() {
    let text = "a".repeat(1 << 20);
    let record = json!({"eventName": "X", "eventID": "e", "userAgent": text, "requestParameters": {"k": text}});
    let batch = batch_from_json(&[&record.to_string()]).unwrap();
    let near = |n: usize| format!("{}b", "a".repeat(n));
    let list = |around: &str| {
        (0..100).map(|n| format!("'{around}{}{around}'", near(1_000 + n % 8))).collect::<Vec<_>>().join(", ")
    };
    for (field, values) in [
        ("userAgent|contains", list("")),
        ("userAgent|contains", format!("'{}'", near(100_000))),
        ("userAgent", format!("'*{}*'", near(100_000))),
        ("userAgent", format!("'x*{}*y*{}'", near(50_000), near(50_000))),
        ("requestParameters.k|contains", list("")),
        ("'|contains'", list("")),
    ] {
        let yaml = format!("{HEAD}    {field}: [{values}]\n  condition: s\n");
        let mut engine = engine(&yaml, &Settings::default());
        engine.observe(&batch);
        assert_eq!(engine.finish().counters.matches, 0, "{field}");
    }
}

#[test]
fn rules_full_of_patterns_are_bounded() {
    let list = |pattern: &str, number: usize| vec![format!("'{pattern}'"); number].join(", ");
    assert!(
        reason(&format!("{HEAD}    eventName|re: [{}]\n  condition: s\n", list("(a{50}){50}", 257))).contains("256")
    );
    let fields: String = (0..300).map(|n| format!("    requestParameters.f{n}|re: 'a{n}'\n")).collect();
    assert!(reason(&format!("{HEAD}{fields}  condition: s\n")).contains("300 regular expressions"));
    assert!(
        reason(&format!("{HEAD}    eventName|re: '(a{{500}}){{500}}'\n  condition: s\n")).contains("cannot be used")
    );
    // Wildcards are cheap: thousands of them are no bomb.
    let many: Vec<String> = (0..5_000).map(|n| format!("'*{n}?x*'")).collect();
    let mut engine =
        engine(&format!("{HEAD}    eventName: [{}]\n  condition: s\n", many.join(", ")), &Settings::default());
    engine.observe(
        &batch_from_json(&[r#"{"eventName":"a4999-xb","eventID":"e"}"#, r#"{"eventName":"none","eventID":"f"}"#])
            .unwrap(),
    );
    assert_eq!(engine.finish().counters.matches, 1);
}

#[test]
fn groups_without_end_take_the_room_that_there_is() {
    let yaml = format!(
        "{HEAD}    eventName: X\n  condition: s\n---\ntitle: c\nid: c\ncorrelation:\n  type: event_count\n  rules: [t]\n  \
         group-by: [requestParameters.key]\n  timespan: 1h\n  condition: {{gte: 2}}\ngenerate: true\n"
    );
    let settings = Settings { max_correlated_events: 1_000, max_alerts: 500, ..Settings::default() };
    let mut engine = engine(&yaml, &settings);
    let events = 20_000;
    for from in (0..events).step_by(2_000) {
        let records: Vec<String> = (from..from + 2_000)
            .map(|n| json!({"eventName": "X", "eventID": n.to_string(), "eventTime": "2024-05-01T00:00:00Z", "requestParameters": {"key": n},
                "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::1:user/{n}")}}).to_string())
            .collect();
        engine.observe(&batch_from_json(&records.iter().map(String::as_str).collect::<Vec<_>>()).unwrap());
    }
    let outcome = engine.finish();
    assert_eq!(outcome.counters.shed_correlated, events - 1_000);
    assert_eq!((outcome.losses[0].rule.as_str(), outcome.losses[0].shed), ("c", events - 1_000));
    assert_eq!((outcome.alerts.len() as u64, outcome.counters.shed_matches), (500, events - 500));
}
