//! Live: alerts handed out as they become sure, over restarts, are those of a batch.

use std::collections::BTreeMap;

use alerts::{Alert, Engine, Lists, News, Settings, rule};
use ingest::columns::batch_from_json;
use proptest::prelude::*;
use serde_json::{Value, json};

const SOURCE: &str = "logsource: {product: aws, service: cloudtrail}\n";

/// Rules of every kind: one event, informational, windows over rules and over windows, memories.
fn rules() -> String {
    let base = |id: &str, level: &str, detection: &str, more: &str| {
        format!(
            "title: {id}\nid: {id}\nlevel: {level}\n{SOURCE}{more}detection:\n  s: {{{detection}}}\n  condition: s\n---\n"
        )
    };
    let memory = |of: &str, question: &str| format!("trailhound: {{of: {of}, {question}}}\n");
    [
        base("failed", "medium", "errorMessage: Failed", ""),
        base("quiet", "informational", "eventName: GetObject", ""),
        base("entered", "low", "eventName: ConsoleLogin", ""),
        base("key", "high", "eventName: '*'", &memory("access_key", "type: revived, rest: 9h")),
        base("who", "high", "eventName: '*'", &memory("principal", "type: revived, rest: 9h")),
        base("may", "high", "eventName: '*'", &memory("permission", "type: revived, rest: 9h")),
        base("first", "low", "eventName: '*'", &memory("[principal, sourceIPAddress]", "type: first_use, min_history: 1d")),
        "title: many\nid: many\nlevel: high\ngenerate: true\ncorrelation:\n  type: event_count\n  rules: [failed]\n  \
         group-by: [principal]\n  timespan: 5h\n  condition: {gte: 3}\n---\n"
            .to_owned(),
        "title: then\nid: then\nlevel: high\ngenerate: true\ncorrelation:\n  type: temporal_ordered\n  rules: [many, entered]\n  \
         group-by: [principal]\n  timespan: 4h\n---\n"
            .to_owned(),
        "title: places\nid: places\nlevel: high\ngenerate: true\ncorrelation:\n  type: value_count\n  rules: [entered, failed]\n  \
         timespan: 2h\n  condition: {field: sourceIPAddress, gte: 3}\n"
            .to_owned(),
    ]
    .concat()
}

fn engine(yaml: &str, settings: &Settings) -> Engine {
    let parsed = rule::parse("s.yml", yaml, &Lists::new());
    assert_eq!(parsed.errors, []);
    let (engine, errors) = Engine::new(parsed.rules, settings);
    assert_eq!(errors, []);
    engine
}

/// An event so many minutes after the first of May.
fn event(minute: u32, kind: u8, user: u8, place: u8) -> Value {
    let (day, hour, min) = (1 + minute / 1440, minute / 60 % 24, minute % 60);
    let name = ["ConsoleLogin", "ConsoleLogin", "GetObject"][kind as usize % 3];
    let mut event = json!({
        "eventTime": format!("2024-05-{day:02}T{hour:02}:{min:02}:00Z"), "eventName": name, "eventSource": "s3.amazonaws.com",
        "eventID": format!("{minute:05}-{kind}-{user}-{place}"), "recipientAccountId": "111122223333",
        "sourceIPAddress": format!("192.0.2.{place}"),
        "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::111122223333:user/u{user}"), "accessKeyId": format!("AKIA{user}")},
    });
    if kind == 0 {
        event["errorMessage"] = json!("Failed");
    }
    event
}

fn observe(engine: &mut Engine, events: &[Value]) {
    let texts: Vec<String> = events.iter().map(Value::to_string).collect();
    engine.observe(&batch_from_json(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap());
}

/// What one hears: each alert once, then at most its whole.
#[derive(Default)]
struct Heard {
    alerts: BTreeMap<String, (Alert, bool)>,
}

impl Heard {
    fn hear(&mut self, news: News) {
        for alert in news.alerts {
            let before = self.alerts.insert(alert.fingerprint.clone(), (alert.clone(), false));
            assert!(before.is_none(), "told twice: {alert:?}");
        }
        for alert in news.updates {
            let before = self.alerts.insert(alert.fingerprint.clone(), (alert.clone(), true));
            assert!(matches!(&before, Some((old, false)) if old.count < alert.count), "{before:?} then {alert:?}");
        }
    }
}

fn by_fingerprint(alerts: Vec<Alert>) -> BTreeMap<String, Alert> {
    alerts.into_iter().map(|alert| (alert.fingerprint.clone(), alert)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is no later than allowed, in whatever order and batches, drained whenever, restarted anywhere.
    #[test]
    fn what_is_handed_out_is_what_a_batch_finds(
        mut events in prop::collection::vec((0u32..7000, 0u8..3, 0u8..3, 0u8..5), 1..150),
        delays in prop::collection::vec(0u32..300, 150),
        steps in prop::collection::vec((1usize..20, any::<bool>(), any::<bool>()), 1..8),
    ) {
        events.sort_unstable();
        events.dedup();
        let made = |events: &[(u32, u8, u8, u8)]| events.iter().map(|(m, k, u, p)| event(*m, *k, *u, *p)).collect::<Vec<_>>();
        let mut batch = engine(&rules(), &Settings::default());
        observe(&mut batch, &made(&events));
        let whole = batch.finish();
        prop_assert!(whole.updates.is_empty());

        let mut delays = delays.into_iter();
        events.sort_by_cached_key(|(minute, ..)| minute + delays.next().unwrap_or(0));
        let live = Settings { allowed_lateness_micros: Some(300 * 60_000_000), ..Settings::default() };
        let (mut now, mut heard, mut rest) = (engine(&rules(), &live), Heard::default(), events.as_slice());
        for (size, drain, restart) in steps.iter().cycle() {
            let (some, later) = rest.split_at((*size).min(rest.len()));
            observe(&mut now, &made(some));
            rest = later;
            if *drain || *restart {
                heard.hear(now.drain());
            }
            if *restart {
                let state = now.snapshot().unwrap();
                now = engine(&rules(), &live);
                prop_assert_eq!(now.restore(&state), Ok(Vec::new()));
                prop_assert_eq!(&now.snapshot(), &Ok(state));
            }
            if rest.is_empty() {
                break;
            }
        }
        let outcome = now.finish();
        prop_assert_eq!((outcome.counters.late_correlated, outcome.counters), (0, whole.counters));
        heard.hear(News { alerts: outcome.alerts, updates: outcome.updates });
        let told: BTreeMap<_, _> = heard.alerts.into_iter().map(|(id, (alert, _))| (id, alert)).collect();
        prop_assert_eq!(by_fingerprint(whole.alerts), told);
    }
}

#[test]
fn a_single_event_is_told_at_once_and_its_alert_grows() {
    let live = Settings { allowed_lateness_micros: Some(60_000_000), ..Settings::default() };
    let mut engine = engine(&rules(), &live);
    observe(&mut engine, &[event(5, 0, 1, 1)]);
    let first = engine.drain();
    let failed = first.alerts.iter().find(|alert| alert.rule == "failed").unwrap();
    assert_eq!((failed.count, first.updates.len()), (1, 0));
    // Later and earlier ones of the same hour are the same alert, told again when the hour is over.
    observe(&mut engine, &[event(50, 0, 1, 2), event(4, 0, 1, 3)]);
    let news = engine.drain();
    assert!(news.alerts.iter().all(|alert| alert.rule != "failed") && news.updates.is_empty(), "{news:?}");
    observe(&mut engine, &[event(62, 0, 1, 1)]);
    let news = engine.drain();
    let grown = news.updates.iter().find(|alert| alert.rule == "failed").unwrap();
    assert_eq!((grown.count, &grown.fingerprint), (3, &failed.fingerprint));
    let next = news.alerts.iter().find(|alert| alert.rule == "failed").unwrap();
    assert_ne!(next.fingerprint, failed.fingerprint);
    let many = news.alerts.iter().find(|alert| alert.rule == "many").unwrap();
    assert_eq!(many.count, 3, "sure since a minute after the third");
}

#[test]
fn silence_and_wrong_clocks_do_not_hold_alerts_back_or_lose_them() {
    let live = Settings { allowed_lateness_micros: Some(240_000_000), ..Settings::default() };
    let mut engine = engine(&rules(), &live);
    engine.clock(1_714_521_600_000_000);
    observe(&mut engine, &[event(0, 0, 1, 1), event(1, 0, 1, 2), event(20_000, 2, 2, 2)]);
    observe(&mut engine, &[event(2, 0, 1, 3)]);
    assert!(engine.drain().alerts.iter().all(|alert| alert.rule != "many"));
    engine.advance(1_714_521_600_000_000 + 3 * 60_000_000);
    assert!(engine.drain().alerts.iter().any(|alert| alert.rule == "many"));
    let outcome = engine.finish();
    assert_eq!(outcome.counters.late_correlated, 0, "the event of the future made none late");
}

#[test]
fn only_rules_that_changed_start_anew() {
    let live = Settings { allowed_lateness_micros: Some(3_600_000_000), ..Settings::default() };
    let mut before = engine(&rules(), &live);
    observe(&mut before, &[event(0, 0, 1, 1), event(1, 0, 1, 2)]);
    assert!(before.snapshot().unwrap_err().contains("drain"));
    before.drain();
    let state = before.snapshot().unwrap();
    let again = |yaml: &str| {
        let mut after = engine(yaml, &live);
        let anew = after.restore(&state).unwrap();
        observe(&mut after, &[event(2, 0, 1, 2), event(3, 1, 1, 3)]);
        let alerts = after.finish().alerts;
        (anew, alerts.iter().any(|a| a.rule == "many"), alerts.iter().any(|a| a.rule == "places"))
    };
    assert_eq!(again(&rules()), (vec![], true, true));
    let other = rules().replace("timespan: 2h", "timespan: 3h");
    assert_eq!(again(&other), (vec!["places".to_owned()], true, false));
    // What a correlation is over belongs to it.
    let other = rules().replace("errorMessage: Failed", "errorMessage: 'Failed*'");
    let hung = ["failed", "many", "places", "then"].map(str::to_owned).to_vec();
    assert_eq!(again(&other), (hung, false, false));

    let mut fresh = engine(&rules(), &live);
    assert!(fresh.restore(b"{\"version\":99}").unwrap_err().contains("version 99"));
    assert!(fresh.restore(b"nonsense").unwrap_err().contains("cannot be read"));
    assert!(fresh.restore(&state[..state.len() / 2]).is_err());
    observe(&mut fresh, &[event(0, 0, 1, 1)]);
    assert!(!fresh.finish().alerts.is_empty());
    assert!(engine(&rules(), &Settings::default()).snapshot().unwrap_err().contains("batch"));
}

/// What floods one correlation takes the common room and that of its own, and no other's.
#[test]
fn a_flood_of_one_correlation_leaves_room_for_others() {
    let live =
        Settings { allowed_lateness_micros: Some(3_600_000_000), max_correlated_events: 80, ..Settings::default() };
    let mut engine = engine(&rules(), &live);
    let flood: Vec<Value> = (0..200).map(|at| event(1, 1, 1, at as u8)).collect();
    observe(&mut engine, &flood);
    // Each logs in for `then` and for `places`: those have their shares of 13 places, and the 41 of nobody's; a group takes 4.
    assert_eq!(engine.counters().shed_correlated, 2 * 200 - (2 * 13 + 41 - 2 * 4));
    observe(&mut engine, &[event(2, 0, 2, 1), event(3, 0, 2, 2), event(4, 0, 2, 3)]);
    assert!(engine.finish().alerts.iter().any(|alert| alert.rule == "many"));
}

/// Whoever comes from another address with each call is counted, even where there is no room for what differs.
#[test]
fn a_flood_of_scenes_takes_no_room_and_blinds_nobody() {
    let live =
        Settings { allowed_lateness_micros: Some(60_000_000), max_correlated_events: 6_000, ..Settings::default() };
    let mut engine = engine(&rules(), &live);
    let mut flood: Vec<Value> = (0..950).map(|_| event(1, 0, 1, 1)).collect();
    for (at, event) in flood.iter_mut().enumerate() {
        event["eventID"] = json!(format!("{at}"));
        event["sourceIPAddress"] = json!(format!("192.0.{}.{}", at / 256, at % 256));
    }
    observe(&mut engine, &flood);
    engine.drain();
    let state = zstd::decode_all(engine.snapshot().unwrap().as_slice()).unwrap();
    let scenes = serde_json::from_slice::<Value>(&state).unwrap()["scenes"].as_array().map_or(0, Vec::len);
    assert_eq!(scenes, 6_000 / 8 + 1, "a plain one for the rest");
    engine.advance(1_714_521_600_000_000 + 600 * 60_000_000);
    let told = engine.drain().alerts;
    let of = |rule: &str| told.iter().find(|alert| alert.rule == rule).map(|alert| alert.count);
    // Each is a login and a failure for `places`.
    assert_eq!((of("many"), of("places")), (Some(950), Some(2 * 950)));
}

/// Of what waits, the state names each scene once.
#[test]
fn the_state_is_small_where_events_are_alike() {
    let live = Settings { allowed_lateness_micros: Some(3_600_000_000), ..Settings::default() };
    let mut engine = engine(&rules(), &live);
    let mut events: Vec<Value> = (0..2_000).map(|at| event(at % 50, 0, (at % 7) as u8, 1)).collect();
    for (at, event) in events.iter_mut().enumerate() {
        let at = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) as u64;
        event["eventID"] = json!(format!("{:08x}-0000-4000-8000-{:012x}", at >> 32, at & 0xffff_ffff));
    }
    observe(&mut engine, &events);
    engine.drain();
    let state = engine.snapshot().unwrap();
    // Each waits in `many` and in `places`, and an alert lists its id: three times an id that nothing can shorten.
    assert!(state.len() < 2_000 * 80, "{} bytes", state.len());
}

/// Events by the thousand of four weeks, in the order that a listing by region gives: each region's days from the
/// first to the last, within a day from the last to the first.
fn history() -> Vec<Value> {
    let mut events = Vec::new();
    for place in 0..5u8 {
        for day in 0..28u32 {
            for at in (0..48u32).rev() {
                let kind = if at % 16 < 3 { 0 } else { 1 + (at % 2) as u8 };
                events.push(event(day * 1440 + at * 30 + u32::from(place), kind, (at % 3) as u8, place));
            }
        }
    }
    events
}

#[test]
fn a_long_history_loses_nothing_whatever_its_order() {
    let mut events = history();
    let run = |events: &[Value], room: usize| {
        let mut engine = engine(&rules(), &Settings { max_correlated_events: room, ..Settings::default() });
        events.chunks(97).for_each(|some| observe(&mut engine, some));
        engine.finish()
    };
    let whole = run(&events, 1_000_000);
    let many = whole.alerts.iter().filter(|alert| alert.rule == "many").count();
    assert!(many > 200, "{many}");
    // One event of sixty fits into memory.
    let small = run(&events, 100);
    assert_eq!((small.counters.shed_correlated, small.losses.len()), (0, 0));
    assert_eq!(whole.alerts, small.alerts);
    events.sort_by_key(|event| event["eventTime"].to_string());
    assert_eq!(whole.alerts, run(&events, 100).alerts);
}
