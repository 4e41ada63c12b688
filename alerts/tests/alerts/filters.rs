//! Filters: what an organisation takes away from rules that others wrote, in both ways of writing it.

use alerts::{Engine, Lists, Match, Settings, filter, rule};
use ingest::columns::batch_from_json;

const RULES: &str = "title: Made\nid: aaaa\nname: made\nlogsource: {product: aws, service: cloudtrail}\n\
    detection:\n  s:\n    eventName: CreateUser\n  condition: s\n---\n\
    title: Gone\nid: bbbb\nlogsource: {product: aws}\ndetection:\n  s:\n    eventName: '*User'\n  condition: s\n";
const RECORDS: [&str; 3] = [
    r#"{"eventName":"CreateUser","userIdentity":{"userName":"adm_eve"},"awsRegion":"eu-west-1"}"#,
    r#"{"eventName":"CreateUser","userIdentity":{"userName":"mallory"},"awsRegion":"eu-west-1"}"#,
    r#"{"eventName":"DeleteUser","userIdentity":{"userName":"adm_eve"},"awsRegion":"us-east-1"}"#,
];

fn filter_of(rules: &str, body: &str) -> String {
    format!("title: f\nlogsource: {{product: aws, service: cloudtrail}}\nfilter:\n  rules: {rules}\n{body}")
}

/// Rule and record of each match that the filter leaves.
fn left(filter: &str) -> Vec<(usize, usize)> {
    let mut parsed = rule::parse("f.yml", &format!("{RULES}---\n{filter}"), &Lists::new());
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    assert_eq!((parsed.rules.len(), parsed.filters.len()), (2, 1));
    assert_eq!(filter::apply(&mut parsed.rules, &parsed.filters), []);
    let (mut engine, errors) = Engine::new(parsed.rules, &Settings::default());
    assert_eq!(errors, []);
    let mut found = Vec::new();
    engine.matches(&batch_from_json(&RECORDS).unwrap(), &mut found);
    let mut left: Vec<_> = found.iter().map(|Match { rule, row }| (*rule, *row)).collect();
    left.sort_unstable();
    left
}

#[test]
fn what_a_filter_selects_is_left_out() {
    let admins = "  selection:\n    userIdentity.userName|startswith: 'adm_'\n  condition: ";
    for told in ["selection", "not selection"] {
        let body = format!("{admins}{told}\n");
        assert_eq!(left(&filter_of("[aaaa, bbbb]", &body)), [(0, 1), (1, 1)], "{told}");
        assert_eq!(left(&filter_of("any", &body)), [(0, 1), (1, 1)], "{told}");
        assert_eq!(left(&filter_of("[made]", &body)), [(0, 1), (1, 0), (1, 1), (1, 2)], "{told}");
        assert_eq!(left(&filter_of("Gone", &body)), [(0, 0), (0, 1), (1, 1)], "{told}");
    }
}

#[test]
fn a_filter_for_a_rule_that_is_not_there_is_an_error() {
    let filter = filter_of("[aaaa, somebody-elses]", "  selection: {eventName: x}\n  condition: selection\n");
    let mut parsed = rule::parse("f.yml", &format!("{RULES}---\n{filter}"), &Lists::new());
    let errors = filter::apply(&mut parsed.rules, &parsed.filters);
    assert!(errors.len() == 1 && errors[0].reason.contains("`somebody-elses`"), "{errors:?}");
    assert!(errors[0].line.is_some());
}

#[test]
fn both_ways_take_several_selections() {
    let two = "  eve:\n    userIdentity.userName: adm_eve\n  west:\n    awsRegion: eu-west-1\n  condition: ";
    assert_eq!(left(&filter_of("any", &format!("{two}eve and west\n"))), [(0, 1), (1, 1), (1, 2)]);
    assert_eq!(left(&filter_of("any", &format!("{two}not eve and not west\n"))), []);
    assert_eq!(left(&filter_of("any", &format!("{two}eve and not west\n"))), [(0, 0), (0, 1), (1, 0), (1, 1)]);
}

#[test]
fn filters_that_cannot_be_kept_are_refused() {
    let aimless =
        "title: f\nlogsource: {product: aws}\nfilter:\n  selection:\n    eventName: x\n  condition: selection\n";
    let parsed = rule::parse("f.yml", aimless, &Lists::new());
    assert!(parsed.filters.is_empty() && parsed.errors[0].reason.contains("needs `rules`"), "{:?}", parsed.errors);
    let selection = "  selection:\n    awsRegion: x\n  condition: selection\n";
    let other = filter_of("any", selection).replace("service: cloudtrail", "service: route53");
    for (yaml, reason) in [
        (other.as_str(), "service `route53`"),
        (&filter_of("any", "  selection:\n    awsRegion: x\n"), "condition"),
        (&filter_of("any", "  selection:\n    awsRegion|fuzzy: x\n  condition: selection\n"), "fuzzy"),
    ] {
        let errors = rule::parse("f.yml", yaml, &Lists::new()).errors;
        assert!(errors.len() == 1 && errors[0].reason.contains(reason), "{errors:?}");
    }
    let over = "title: c\nid: cccc\ncorrelation:\n  type: event_count\n  rules: [made]\n  timespan: 1m\n  condition: {gte: 2}\n";
    let yaml = format!("{RULES}---\n{over}---\n{}", filter_of("[cccc]", selection));
    let mut parsed = rule::parse("f.yml", &yaml, &Lists::new());
    let errors = filter::apply(&mut parsed.rules, &parsed.filters);
    assert!(errors.len() == 1 && errors[0].reason.contains("correlation"), "{errors:?}");
}
