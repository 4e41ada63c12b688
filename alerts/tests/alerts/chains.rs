//! Correlations of every type, over rules and over one another, live and in a batch.

use alerts::{Alert, Engine, Lists, Outcome, Settings, rule};
use ingest::columns::batch_from_json;
use proptest::prelude::*;
use serde_json::{Value, json};

const BASES: &str = "title: Failed\nname: failed\nid: f-1\nlogsource: {product: aws, service: cloudtrail}\n\
    detection:\n  s: {eventName: ConsoleLogin, errorMessage: Failed}\n  condition: s\n---\n\
    title: Entered\nname: entered\nid: e-1\nlogsource: {product: aws, service: cloudtrail}\n\
    detection:\n  s: {eventName: ConsoleLogin}\n  f: {errorMessage: '*'}\n  condition: s and not f\n---\n\
    title: Copied\nname: copied\nid: c-1\nlogsource: {product: aws, service: cloudtrail}\n\
    detection:\n  s: {eventName: GetObject}\n  condition: s\n---\n";
const MANY: &str = "title: Many\nname: many\nid: m-1\ncorrelation:\n  type: event_count\n  rules: [failed]\n  \
    group-by: [sourceIPAddress]\n  timespan: 1m\n  condition: {gte: 3}\n---\n";

/// An event at a second, by a user from an address.
fn event(second: i64, kind: &str, user: &str, address: &str, bytes: Value) -> Value {
    let name = if kind == "copied" { "GetObject" } else { "ConsoleLogin" };
    let (minutes, seconds) = (second / 60, second % 60);
    let mut event = json!({
        "eventTime": format!("2024-05-06T07:{minutes:02}:{seconds:02}Z"), "eventName": name,
        "eventID": format!("{second:04}-{kind}-{user}"), "recipientAccountId": "111122223333",
        "sourceIPAddress": address, "userIdentity": {"type": "IAMUser", "userName": user},
        "additionalEventData": {"bytes": bytes},
    });
    if kind == "failed" {
        event["errorMessage"] = json!("Failed");
    }
    event
}

fn at(second: i64, kind: &str, user: &str) -> Value {
    event(second, kind, user, "192.0.2.1", json!(second))
}

fn engine(yaml: &str, settings: &Settings) -> Engine {
    let parsed = rule::parse("c.yml", &format!("{BASES}{yaml}"), &Lists::new());
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    let (engine, errors) = Engine::new(parsed.rules, settings);
    assert!(errors.is_empty(), "{errors:?}");
    engine
}

fn run(yaml: &str, settings: &Settings, events: &[Value], batch: usize) -> Outcome {
    let mut engine = engine(yaml, settings);
    let texts: Vec<String> = events.iter().map(Value::to_string).collect();
    for some in texts.chunks(batch) {
        engine.observe(&batch_from_json(&some.iter().map(String::as_str).collect::<Vec<_>>()).unwrap());
    }
    engine.finish()
}

/// Alerts of the rule `x`, whose correlation is given.
fn alerts(correlation: &str, events: &[Value]) -> Vec<Alert> {
    let yaml = format!("{MANY}title: X\nid: x\nlevel: high\ncorrelation:\n{correlation}");
    let outcome = run(&yaml, &Settings::default(), events, 3);
    outcome.alerts.into_iter().filter(|alert| alert.rule == "x").collect()
}

fn hits(correlation: &str, events: &[Value]) -> usize {
    alerts(correlation, events).len()
}

#[test]
fn ordered_rules_must_follow_one_another_in_time() {
    let ordered = "  type: temporal_ordered\n  rules: [failed, entered, copied]\n  group-by: [userIdentity.userName]\n  timespan: 1m\n";
    let abc = [at(0, "failed", "a"), at(20, "entered", "a"), at(60, "copied", "a")];
    assert_eq!(hits(ordered, &abc), 1);
    assert_eq!(
        alerts(ordered, &abc)[0].detail.as_deref(),
        Some("3 different rules in order within 1 min for userIdentity.userName a")
    );
    assert_eq!(hits(ordered, &[at(0, "failed", "a"), at(20, "entered", "a"), at(61, "copied", "a")]), 0, "too late");
    assert_eq!(
        hits(ordered, &[at(0, "entered", "a"), at(20, "failed", "a"), at(40, "copied", "a")]),
        0,
        "out of order"
    );
    assert_eq!(
        hits(ordered, &[at(0, "failed", "a"), at(20, "entered", "b"), at(40, "copied", "a")]),
        0,
        "another user"
    );
    assert_eq!(hits(ordered, &[at(9, "copied", "a"), at(9, "entered", "a"), at(9, "failed", "a")]), 1, "at one moment");
    // The first beginning has left the window; the second has not.
    let twice = [at(0, "failed", "a"), at(50, "failed", "a"), at(61, "entered", "a"), at(100, "copied", "a")];
    assert_eq!(hits(ordered, &twice), 1);
    let some = format!("{ordered}  condition: {{gte: 2}}\n");
    assert_eq!(hits(&some, &[at(0, "failed", "a"), at(40, "copied", "a")]), 1, "two of three, in order");
    assert_eq!(hits(&some, &[at(0, "copied", "a"), at(40, "failed", "a")]), 0);
}

#[test]
fn sums_averages_and_percentiles_of_numbers() {
    let copied = |second: i64, bytes: Value| event(second, "copied", "a", "192.0.2.1", bytes);
    let of = |kind: &str, condition: &str| {
        format!(
            "  type: {kind}\n  rules: [copied]\n  timespan: 1m\n  condition: {{field: additionalEventData.bytes, {condition}}}\n"
        )
    };
    let events = [copied(0, json!(10)), copied(1, json!("30.5")), copied(2, json!("none")), copied(3, json!(null))];
    assert_eq!(hits(&of("value_sum", "gte: 40.5"), &events), 1);
    assert_eq!(hits(&of("value_sum", "gt: 40.5"), &events), 0);
    assert_eq!(
        alerts(&of("value_sum", "gt: 40"), &events)[0].detail.as_deref(),
        Some("40.5 is the sum of additionalEventData.bytes within 1 min")
    );
    assert_eq!(hits(&of("value_avg", "gt: 20, lt: 20.5"), &events), 1);
    assert_eq!(hits(&of("value_avg", "gt: 31"), &events), 0);
    assert_eq!(
        hits(&of("value_sum", "gte: 40"), &[copied(0, json!(20)), copied(61, json!(20))]),
        0,
        "not in one window"
    );
    let sizes: Vec<Value> = (1..=9).map(|n| copied(n, json!(n * n))).collect();
    assert_eq!(hits(&of("value_percentile", "gte: 25, percentile: 50"), &sizes), 1);
    assert_eq!(hits(&of("value_percentile", "gt: 25, percentile: 50"), &sizes), 0);
    assert_eq!(hits(&of("value_percentile", "gt: 70, percentile: 95"), &sizes), 1);
    // Without a percentile: how rare the value is among all.
    let mut rare: Vec<Value> = (0..50).map(|n| copied(n, json!("usual"))).collect();
    assert_eq!(hits(&of("value_percentile", "lte: 2"), &rare), 0);
    rare.push(copied(50, json!("odd")));
    assert_eq!(hits(&of("value_percentile", "lte: 2"), &rare), 1);
}

#[test]
fn several_fields_count_together() {
    let pairs = "  type: value_count\n  rules: [failed]\n  timespan: 1m\n  condition: {field: [userIdentity.userName, sourceIPAddress], gte: 3}\n";
    let failed = |second, user, address| event(second, "failed", user, address, json!(0));
    let three = [failed(0, "a", "10.0.0.1"), failed(1, "a", "10.0.0.2"), failed(2, "b", "10.0.0.1")];
    assert_eq!(hits(pairs, &three), 1);
    assert_eq!(hits(pairs, &[three[0].clone(), three[1].clone(), failed(2, "a", "10.0.0.1")]), 0);
}

#[test]
fn aliases_name_another_field_in_each_rule() {
    let alias = "  type: temporal\n  rules: [failed, copied]\n  group-by: [who]\n  timespan: 1m\n  aliases:\n    who:\n      \
        failed: userIdentity.userName\n      c-1: additionalEventData.bytes\n";
    let copied = |by: &str| event(5, "copied", "x", "10.0.0.1", json!(by));
    assert_eq!(hits(alias, &[at(0, "failed", "a"), copied("a")]), 1);
    assert_eq!(hits(alias, &[at(0, "failed", "a"), copied("b")]), 0);
    let lacking = format!(
        "{BASES}title: X\nid: x\ncorrelation:\n{}",
        alias.replace("      c-1: additionalEventData.bytes\n", "")
    );
    let (_, errors) = Engine::new(rule::parse("c.yml", &lacking, &Lists::new()).rules, &Settings::default());
    assert!(
        errors.len() == 1 && errors[0].reason.contains("alias `who` has no field for the rule `Copied`"),
        "{errors:?}"
    );
}

#[test]
fn upper_bounds_and_ranges_are_of_some_window() {
    let count = |condition: &str| {
        format!("  type: event_count\n  rules: [failed]\n  timespan: 1m\n  condition: {{{condition}}}\n")
    };
    let two = [at(0, "failed", "a"), at(1, "failed", "a")];
    for (condition, held) in
        [("lt: 2", 1), ("lte: 1", 1), ("eq: 2", 1), ("neq: 1", 1), ("gt: 0, lt: 2", 1), ("gt: 2", 0)]
    {
        assert_eq!(hits(&count(condition), &two), held, "{condition}");
    }
}

#[test]
fn a_correlation_is_an_event_for_another() {
    // The specification's own example: many failed logins, then a successful one, of the same user.
    let then =
        "  type: temporal_ordered\n  rules: [many, entered]\n  group-by: [userIdentity.userName]\n  timespan: 10m\n";
    let failed = |n: i64| (0..n).map(|s| at(s, "failed", "a")).collect::<Vec<_>>();
    let with = |n: i64, more: Value| failed(n).into_iter().chain([more]).collect::<Vec<_>>();
    let hit = alerts(then, &with(3, at(300, "entered", "a")));
    assert_eq!(hit.len(), 1);
    assert_eq!(hits(then, &with(2, at(300, "entered", "a"))), 0, "too few");
    assert_eq!(hits(then, &with(3, at(300, "entered", "b"))), 0, "of another user");
    assert_eq!(hits(then, &with(3, at(603, "entered", "a"))), 0, "too late");
    assert_eq!(
        hits(then, &[at(0, "entered", "a"), at(1, "failed", "a"), at(2, "failed", "a"), at(3, "failed", "a")]),
        0
    );
    // The inner correlation is only a part, unless it says that it alerts too.
    let yaml = format!("{MANY}title: X\nid: x\ncorrelation:\n{then}");
    let outcome = run(&yaml, &Settings::default(), &with(3, at(300, "entered", "a")), 9);
    assert_eq!(outcome.alerts.iter().map(|a| a.rule.as_str()).collect::<Vec<_>>(), ["x"]);
    let outcome = run(&format!("{yaml}generate: true\n"), &Settings::default(), &with(3, at(300, "entered", "a")), 9);
    assert!(outcome.alerts.iter().any(|a| a.rule == "many"), "{:?}", outcome.alerts);
}

#[test]
fn a_burst_that_goes_on_is_one_event_for_those_that_count() {
    let bursts =
        "  type: event_count\n  rules: [many]\n  group-by: [sourceIPAddress]\n  timespan: 1h\n  condition: {gte: 2}\n";
    let burst = |from: i64, n: i64| (from..from + n).map(|s| at(s, "failed", "a"));
    assert_eq!(hits(bursts, &burst(0, 9).collect::<Vec<_>>()), 0, "one long burst");
    assert_eq!(hits(bursts, &burst(0, 3).chain(burst(200, 3)).collect::<Vec<_>>()), 1, "two bursts");
}

#[test]
fn circles_and_what_hangs_on_refused_rules_are_refused() {
    let over = |name: &str, of: &str| {
        format!(
            "title: {name}\nid: {name}\ncorrelation:\n  type: event_count\n  rules: [{of}]\n  timespan: 1m\n  condition: {{gte: 2}}\n---\n"
        )
    };
    let yaml = format!("{BASES}{}{}{}{}", over("a", "b"), over("b", "a"), over("c", "a"), over("d", "failed"));
    let (engine, errors) = Engine::new(rule::parse("c.yml", &yaml, &Lists::new()).rules, &Settings::default());
    let refused: Vec<_> = errors.iter().map(|e| e.rule.as_deref().unwrap()).collect();
    assert_eq!(refused, ["a", "b", "c"]);
    assert!(engine.rules().iter().any(|about| about.id == "d") && engine.rules().len() == 4);
}

const ALL: &str = "title: Then\nid: then\ncorrelation:\n  type: temporal_ordered\n  rules: [many, entered]\n  \
    group-by: [userIdentity.userName]\n  timespan: 2m\n---\ntitle: Sum\nid: sum\ncorrelation:\n  type: value_sum\n  \
    rules: [failed, copied]\n  group-by: [sourceIPAddress]\n  timespan: 30s\n  condition: {field: additionalEventData.bytes, gte: 90}\n---\n\
    title: Both\nid: both\ncorrelation:\n  type: temporal\n  rules: [failed, copied]\n  group-by: [userIdentity.userName]\n  timespan: 5s\n";

fn some_events() -> impl Strategy<Value = Vec<Value>> {
    let one = (
        0i64..600,
        prop::sample::select(vec!["failed", "failed", "entered", "copied"]),
        prop::sample::select(vec!["a", "b"]),
    );
    prop::collection::vec(one.prop_map(|(second, kind, user)| at(second, kind, user)), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Live equals batch: whatever is no later than allowed, in whatever order, gives the alerts of the whole at once.
    #[test]
    fn lateness_within_bounds_changes_nothing(
        mut events in some_events(),
        delays in prop::collection::vec(0i64..40, 60),
        batch in 1usize..9,
    ) {
        let yaml = format!("{MANY}{ALL}");
        let whole = run(&yaml, &Settings::default(), &events, usize::MAX);
        let second = |event: &Value| {
            let time = event["eventTime"].as_str().unwrap();
            time[14..16].parse::<i64>().unwrap() * 60 + time[17..19].parse::<i64>().unwrap()
        };
        let mut delays = delays.into_iter();
        events.sort_by_cached_key(|event| second(event) + delays.next().unwrap_or(0));
        let live = Settings { allowed_lateness_micros: Some(40_000_000), ..Settings::default() };
        let outcome = run(&yaml, &live, &events, batch);
        prop_assert_eq!(outcome.counters.late_correlated, 0);
        prop_assert_eq!(&whole.alerts, &outcome.alerts);
    }
}

#[test]
fn what_comes_too_late_is_counted() {
    let live = Settings { allowed_lateness_micros: Some(10_000_000), ..Settings::default() };
    let events = [at(0, "failed", "a"), at(100, "failed", "a"), at(5, "failed", "a"), at(95, "failed", "a")];
    let outcome = run(MANY, &live, &events, 1);
    assert_eq!(outcome.counters.late_correlated, 1);
    assert_eq!((outcome.losses.len(), outcome.losses[0].rule.as_str(), outcome.losses[0].late), (1, "many", 1));
}

#[test]
fn memory_is_that_of_the_windows_where_lateness_is_bounded() {
    // More events than there is room for, but never more than a few in reach of a window.
    let settings =
        Settings { allowed_lateness_micros: Some(5_000_000), max_correlated_events: 400, ..Settings::default() };
    let events: Vec<Value> = (0..600).map(|s| at(s, "failed", &format!("u{s}"))).collect();
    let users = MANY.replace("sourceIPAddress", "userIdentity.userName");
    let outcome = run(&users, &settings, &events, 7);
    assert_eq!((outcome.counters.shed_correlated, outcome.losses.len()), (0, 0));
    // A batch waits for the end, on disk.
    let unbounded = Settings { allowed_lateness_micros: None, max_correlated_events: 100, ..settings };
    let outcome = run(&users, &unbounded, &events, 7);
    assert_eq!((outcome.counters.shed_correlated, outcome.losses.len()), (0, 0));
    // A window with more events than there is room for sheds the latest.
    let crowded: Vec<Value> = (0..600).map(|s| at(s / 60, "failed", &format!("u{s}"))).collect();
    let outcome = run(&users, &unbounded, &crowded, 7);
    assert_eq!((outcome.counters.shed_correlated, outcome.losses[0].shed), (500, 500));
}
