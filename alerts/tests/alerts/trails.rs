//! The shipped pack on real logs, most of them traces of attacks.

use std::collections::BTreeMap;

use alerts::Severity;

use crate::logs;
use crate::pack::judge;

#[test]
fn the_pack_finds_the_attacks_in_real_logs() {
    let records = logs::records();
    if records.is_empty() {
        return;
    }
    let outcome = judge(&records);
    let mut by_rule: BTreeMap<(Severity, &str), (usize, u64)> = BTreeMap::new();
    for alert in &outcome.alerts {
        let entry = by_rule.entry((alert.severity, alert.rule.as_str())).or_default();
        entry.0 += 1;
        entry.1 += alert.count;
    }
    for ((severity, rule), (alerts, events)) in by_rule.iter().rev() {
        println!("{severity:13} {rule:45} {alerts:4} alerts {events:5} events");
    }
    println!("{:?}", outcome.counters);
}
