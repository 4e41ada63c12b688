//! Live equals batch: the same events give the same alerts in any order and any split into batches.

use std::sync::OnceLock;

use alerts::{Engine, Outcome, Rule, Settings, pack};
use ingest::columns::batch_from_json;
use proptest::prelude::*;
use serde_json::Value;

use crate::pack::{folder, records};

/// The records of all events files of the pack, each file's once.
fn pool() -> &'static [String] {
    static POOL: OnceLock<Vec<String>> = OnceLock::new();
    POOL.get_or_init(|| {
        let mut pool = Vec::new();
        for (name, _) in pack::SHIPPED {
            let text = std::fs::read_to_string(folder().join(format!("{name}.events.jsonl"))).unwrap();
            for line in text.lines() {
                pool.extend(records(&serde_json::from_str::<Value>(line).unwrap()));
            }
        }
        pool.sort();
        pool.dedup();
        pool
    })
}

fn rules() -> Vec<Rule> {
    static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
    RULES.get_or_init(pack::shipped).clone()
}

/// What the pack says to the records, given in batches of the sizes `cuts`, over and over.
fn run(records: &[&str], cuts: &[usize], settings: &Settings) -> Outcome {
    let (mut engine, errors) = Engine::new(rules(), settings);
    assert!(errors.is_empty());
    let mut rest = records;
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let size = cuts.next().copied().unwrap_or(1).clamp(1, rest.len());
        let (now, later) = rest.split_at(size);
        engine.observe(&batch_from_json(now).unwrap());
        rest = later;
    }
    engine.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_split_give_the_same_alerts(
        (chosen, shuffled) in prop::sample::subsequence((0..pool().len()).collect::<Vec<_>>(), 200)
            .prop_flat_map(|chosen| (Just(chosen.clone()), Just(chosen).prop_shuffle())),
        cuts in prop::collection::vec(1usize..80, 1..4),
    ) {
        let pick = |order: &[usize]| order.iter().map(|at| pool()[*at].as_str()).collect::<Vec<_>>();
        let settings = Settings::default();
        let whole = run(&pick(&chosen), &[usize::MAX], &settings);
        let split = run(&pick(&shuffled), &cuts, &settings);
        prop_assert_eq!(whole, split);
    }
}

#[test]
fn all_events_of_the_pack_in_reverse_give_the_same_alerts() {
    let forward: Vec<&str> = pool().iter().map(String::as_str).collect();
    let backward: Vec<&str> = forward.iter().rev().copied().collect();
    let settings = Settings::default();
    let whole = run(&forward, &[usize::MAX], &settings);
    assert!(whole.alerts.len() > 60, "{} alerts", whole.alerts.len());
    assert!(whole.alerts.iter().any(|alert| alert.rule == "unauthorized-burst"));
    assert_eq!(whole, run(&backward, &[97], &settings));
}

#[test]
fn limits_hold_and_what_they_shed_is_counted() {
    let records: Vec<&str> = pool().iter().map(String::as_str).collect();
    let small = Settings {
        max_alerts: 10,
        max_correlated_events: 5,
        max_remembered: 2,
        max_account_days: 3,
        ..Settings::default()
    };
    let outcome = run(&records, &[usize::MAX], &small);
    let grouped = outcome.alerts.iter().filter(|alert| alert.detail.is_none()).count();
    assert_eq!(grouped, 10);
    let counters = outcome.counters;
    assert!(counters.shed_matches > 0 && counters.shed_correlated > 0 && counters.shed_remembered > 0, "{counters:?}");
    assert_eq!(counters.events, records.len() as u64);
}
