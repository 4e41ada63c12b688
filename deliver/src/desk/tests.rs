//! What goes where, when; then the same with a process that dies at every write.

#![allow(clippy::unwrap_used)]

mod crash;

use std::sync::{Arc, Mutex};

use alerts::{Alert, Severity};

use super::*;
use crate::message::{Kind, Message};
use crate::outbox::memory::{Disk, Memory};
use crate::outbox::{Delivery, Limits, Next, Standing};
use crate::samples::{NOON, SECOND, about, alert};

const HOUR: i64 = 3_600 * SECOND;

fn open(disk: &Arc<Mutex<Disk>>) -> Arc<Outbox> {
    Arc::new(Outbox::open(Box::new(Memory(disk.clone())), Limits::default()).unwrap())
}

fn desk(config: &str) -> (Desk, Arc<Outbox>) {
    let outbox = open(&Arc::default());
    let config = Arc::new(Config::parse(config).unwrap());
    (Desk::new(config, outbox.clone()), outbox)
}

/// Takes out what is due for a sink.
fn due(outbox: &Arc<Outbox>, sink: &str, now: i64) -> Vec<Delivery> {
    let mut all = Vec::new();
    while let Next::Due(claim) = outbox.next(sink, now, 3_600_000_000).unwrap() {
        all.push(claim.delivery().clone());
        claim.sent(now).unwrap();
    }
    all
}

fn fingerprints(message: &Message) -> Vec<&str> {
    message.notices.iter().map(|notice| notice.fingerprint.as_str()).collect()
}

const CHAT: &str =
    "[sinks.chat]\ntype = 'slack'\nurl = 'https://hooks.slack.com/services/x'\n[[routes]]\nsinks = ['chat']\n";

#[test]
fn a_batch_read_again_tells_nobody_twice() {
    let (desk, outbox) = desk(CHAT);
    let alerts = [alert("one"), alert("two")];
    assert_eq!(desk.accept(&alerts, NOON).unwrap(), Accepted { alerts: 2, queued: 2, ..Accepted::default() });
    assert_eq!(desk.accept(&alerts, NOON).unwrap(), Accepted { alerts: 2, known: 2, ..Accepted::default() });
    assert_eq!(due(&outbox, "chat", NOON).len(), 1);
    assert_eq!(desk.accept(&alerts, NOON).unwrap().known, 2);
    assert!(due(&outbox, "chat", NOON + 100 * HOUR).is_empty());
}

#[test]
fn routes_and_silences() {
    let config = "
        [sinks.all]\ntype = 'stdout'\n[sinks.high]\ntype = 'stdout'
        [[routes]]\nsinks = ['all']\nrules = ['root-*']
        [[routes]]\nsinks = ['high', 'all']\nseverity = 'high'
        [[silences]]\nreason = 'drill'\nuntil = '2026-03-01T13:00:00Z'\nprincipals = ['*:user/drill']";
    let (desk, outbox) = desk(config);
    let alerts = [
        about("a", "root-use", "p", Severity::Low),
        about("b", "other", "p", Severity::Critical),
        about("c", "other", "p", Severity::Low),
        about("d", "root-use", "arn:aws:iam::1:user/drill", Severity::Critical),
    ];
    let accepted = desk.accept(&alerts, NOON).unwrap();
    assert_eq!(accepted, Accepted { alerts: 4, queued: 3, silenced: 1, unrouted: 1, ..Accepted::default() });
    assert_eq!(due(&outbox, "all", NOON).len(), 2);
    assert_eq!(due(&outbox, "high", NOON).iter().map(|d| fingerprints(&d.message).join("")).collect::<String>(), "b");
}

#[test]
fn a_group_is_one_message_until_it_is_full() {
    let (desk, outbox) = desk(CHAT);
    let mut alerts: Vec<Alert> = (0..10).map(|n| alert(&n.to_string())).collect();
    alerts.push(about("other", "root-console-login", "somebody else", Severity::High));
    desk.accept(&alerts, NOON).unwrap();
    let mut sizes: Vec<usize> = due(&outbox, "chat", NOON).iter().map(|d| d.message.notices.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2, 8]);
}

#[test]
fn what_repeats_is_held_and_told_together() {
    let (desk, outbox) = desk(CHAT);
    let minute = 60 * SECOND;
    assert_eq!(desk.accept(&[alert("1")], NOON).unwrap().queued, 1);
    assert_eq!(fingerprints(&due(&outbox, "chat", NOON)[0].message), ["1"]);
    assert_eq!(desk.accept(&[alert("2")], NOON + minute).unwrap().held, 1);
    assert_eq!(desk.accept(&[alert("3")], NOON + 2 * minute).unwrap().held, 1);
    assert!(due(&outbox, "chat", NOON + 59 * minute).is_empty());
    assert_eq!(outbox.list(NOON + 2 * minute)[0].state, Standing::Held);
    let told = due(&outbox, "chat", NOON + HOUR);
    assert_eq!(told.len(), 1);
    assert_eq!(fingerprints(&told[0].message), ["2", "3"]);
    // The quiet begins anew with that message.
    assert_eq!(desk.accept(&[alert("4")], NOON + HOUR + minute).unwrap().held, 1);
    assert!(due(&outbox, "chat", NOON + HOUR + 2 * minute).is_empty());
    assert_eq!(due(&outbox, "chat", NOON + 2 * HOUR).len(), 1);
    assert_eq!(desk.accept(&[alert("5")], NOON + 4 * HOUR).unwrap().queued, 1);
}

#[test]
fn sinks_that_keep_records_hear_of_each_at_once() {
    let config = "[sinks.log]\ntype = 'stdout'\n[sinks.slow]\ntype = 'stdout'\n[[routes]]\nsinks = ['log']
        [[routes]]\nsinks = ['slow']\nrepeat_interval = '1h'";
    let (desk, outbox) = desk(config);
    for number in 0..3 {
        desk.accept(&[alert(&number.to_string())], NOON + number * SECOND).unwrap();
        assert_eq!(due(&outbox, "log", NOON + number * SECOND).len(), 1);
        assert_eq!(due(&outbox, "slow", NOON + number * SECOND).len(), usize::from(number == 0));
    }
    assert_eq!(due(&outbox, "slow", NOON + HOUR)[0].message.notices.len(), 2);
}

#[test]
fn a_message_that_was_tried_does_not_grow() {
    let (desk, outbox) = desk(CHAT);
    desk.accept(&[alert("1")], NOON).unwrap();
    let Next::Due(claim) = outbox.next("chat", NOON, 3_600_000_000).unwrap() else { panic!("not due") };
    // In hand.
    assert_eq!(desk.accept(&[alert("2")], NOON).unwrap().alerts, 1);
    claim.failed(NOON + SECOND, "HTTP 500".to_owned(), NOON).unwrap();
    drop(claim);
    // Tried.
    desk.accept(&[alert("3")], NOON).unwrap();
    let told = due(&outbox, "chat", NOON + 100 * HOUR);
    assert_eq!(told.iter().filter(|d| fingerprints(&d.message) == ["1"]).count(), 1);
    assert_eq!(told.iter().map(|d| d.message.notices.len()).sum::<usize>(), 3);
}

#[test]
fn last_weeks_news_is_a_digest() {
    let config = format!(
        "{CHAT}[sinks.log]\ntype = 'stdout'\n[[routes]]\nsinks = ['log', 'page']
        [sinks.page]\ntype = 'pagerduty'\nrouting_key = {{ env = 'X' }}\n"
    );
    let (desk, outbox) = desk(&config);
    let old: Vec<Alert> =
        (0..1_100).map(|n| about(&n.to_string(), &format!("r{}", n % 3), "p", Severity::High)).collect();
    let later = NOON + 7 * 24 * HOUR;
    let accepted = desk.accept(&old, later).unwrap();
    assert_eq!(accepted.digested, 1_100);
    assert_eq!(accepted.too_old, 1_100);
    let told = due(&outbox, "chat", later);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].message.kind, told[0].message.alerts()), (Kind::Digest, 1_100));
    assert!(due(&outbox, "page", later).is_empty());
    // A file keeps records: it gets each.
    let lines: usize = due(&outbox, "log", later).iter().map(|d| d.message.notices.len()).sum();
    assert_eq!(lines, 1_100);
    // The next digest is no closer than the interval, and again nothing is told twice.
    let more = [about("new", "r1", "p", Severity::High)];
    assert_eq!(desk.accept(&more, later + SECOND).unwrap().digested, 1);
    assert_eq!(desk.accept(&old, later + SECOND).unwrap().digested, 0);
    assert!(due(&outbox, "chat", later + SECOND).is_empty());
    assert_eq!(due(&outbox, "chat", later + HOUR)[0].message.alerts(), 1);
}

#[test]
fn an_incident_resolves_when_its_group_is_quiet() {
    let config = "[sinks.page]\ntype = 'pagerduty'\nrouting_key = { env = 'X' }\nresolve_after = '2h'
        [[routes]]\nsinks = ['page']\nrepeat_interval = '0s'";
    let (desk, outbox) = desk(config);
    desk.accept(&[alert("1")], NOON).unwrap();
    assert_eq!(due(&outbox, "page", NOON).len(), 1);
    desk.accept(&[alert("2")], NOON + HOUR).unwrap();
    assert_eq!(due(&outbox, "page", NOON + HOUR).len(), 1);
    assert!(due(&outbox, "page", NOON + 2 * HOUR).is_empty());
    let told = due(&outbox, "page", NOON + 3 * HOUR);
    assert_eq!(told.iter().map(|d| d.message.kind).collect::<Vec<_>>(), [Kind::Resolve]);
}

#[test]
fn no_incident_is_resolved_before_it_was_told() {
    let config = "[sinks.page]\ntype = 'pagerduty'\nrouting_key = { env = 'X' }\nresolve_after = '1h'\n[[routes]]\nsinks = ['page']";
    let (desk, outbox) = desk(config);
    desk.accept(&[alert("1")], NOON).unwrap();
    let Next::Due(claim) = outbox.next("page", NOON, 3_600_000_000).unwrap() else { panic!("not due") };
    claim.failed(NOON + 5 * HOUR, "HTTP 500".to_owned(), NOON).unwrap();
    drop(claim);
    assert!(due(&outbox, "page", NOON + 3 * HOUR).is_empty());
    let told = due(&outbox, "page", NOON + 5 * HOUR);
    assert_eq!(told.iter().map(|d| d.message.kind).collect::<Vec<_>>(), [Kind::Alerts, Kind::Resolve]);
}

#[test]
fn a_dead_sink_costs_a_bounded_number_of_messages() {
    let config = "[sinks.chat]\ntype = 'slack'\nurl = 'https://hooks.slack.com/x'\nmax_pending = 5\n[[routes]]\nsinks = ['chat']\n";
    let (desk, outbox) = desk(config);
    for round in 0..20 {
        let alerts: Vec<Alert> =
            (0..10).map(|n| about(&format!("{round}-{n}"), "r", &format!("p{round}{n}"), Severity::High)).collect();
        desk.accept(&alerts, NOON + round * SECOND).unwrap();
    }
    let told = due(&outbox, "chat", NOON + 100 * HOUR);
    assert_eq!(told.len(), 11);
    assert_eq!(told.iter().map(|d| d.message.alerts()).sum::<u64>(), 200);
}

#[test]
fn groups_do_not_run_together_and_secrets_do_not_reach_the_disk() {
    let disk: Arc<Mutex<Disk>> = Arc::default();
    let outbox = open(&disk);
    let config = Config::parse(&format!("[delivery]\ngroup_by = ['account', 'region', 'severity']\n{CHAT}")).unwrap();
    let desk = Desk::new(Arc::new(config), outbox.clone());
    let mut one = about("1", "r1", "p1", Severity::High);
    one.user_agents = vec!["x AWS_SECRET_ACCESS_KEY=hunter2".to_owned()];
    let mut other = about("2", "r2", "p2", Severity::High);
    other.region = "eu-west-1".to_owned();
    desk.accept(&[one, about("3", "r3", "p3", Severity::High), other], NOON).unwrap();
    assert_eq!(due(&outbox, "chat", NOON).len(), 2);
    assert!(!String::from_utf8_lossy(disk.lock().unwrap().contents()).contains("hunter2"));
}

#[test]
fn a_clock_that_was_set_back_holds_nothing_up() {
    let config = "[sinks.chat]\ntype = 'slack'\nurl = 'https://hooks.slack.com/x'\n[[routes]]\nsinks = ['chat']\nrepeat_interval = '10s'";
    let ahead = NOON + 12 * HOUR;
    let new = |fingerprint: &str| Alert { time: None, last_time: None, ..alert(fingerprint) };
    // The quiet of a message that was told by a clock that was ahead.
    let (own, outbox) = desk(config);
    own.accept(&[new("1")], ahead).unwrap();
    assert_eq!(due(&outbox, "chat", ahead).len(), 1);
    assert_eq!(own.accept(&[new("2")], NOON).unwrap().queued, 1);
    assert_eq!(due(&outbox, "chat", NOON).len(), 1);
    // An attempt that failed by that clock, and a message that was held by it.
    let (own, outbox) = desk(config);
    own.accept(&[new("1")], ahead).unwrap();
    let Next::Due(claim) = outbox.next("chat", ahead, HOUR).unwrap() else { panic!("not due") };
    claim.failed(ahead + 300 * SECOND, "HTTP 500".to_owned(), ahead).unwrap();
    drop(claim);
    assert_eq!(own.accept(&[new("2")], ahead).unwrap().held, 1);
    assert_eq!(due(&outbox, "chat", NOON).len(), 2);
    // By a clock that is right both wait.
    let (own, outbox) = desk(config);
    own.accept(&[new("1")], NOON).unwrap();
    let Next::Due(claim) = outbox.next("chat", NOON, HOUR).unwrap() else { panic!("not due") };
    claim.failed(NOON + 300 * SECOND, "HTTP 500".to_owned(), NOON).unwrap();
    drop(claim);
    assert!(due(&outbox, "chat", NOON + SECOND).is_empty());
}

#[test]
fn a_sink_that_is_down_costs_others_nothing() {
    let hook = |name: &str| format!("[sinks.{name}]\ntype = 'webhook'\nurl = 'https://example.com/x'\n");
    let config = format!("{}{}[[routes]]\nsinks = ['down', 'well']\n", hook("down"), hook("well"));
    let limits = Limits { bytes: 400_000, ..Limits::default() };
    let outbox = Arc::new(Outbox::open(Box::new(Memory::default()), limits).unwrap());
    let desk = Desk::new(Arc::new(Config::parse(&config).unwrap()), outbox.clone());
    let mut told = 0;
    let mut digested = 0;
    for turn in 0..40 {
        let alerts: Vec<Alert> =
            (0..20).map(|n| about(&format!("{turn}/{n}"), "r", &format!("{turn}/{n}"), Severity::High)).collect();
        let accepted = desk.accept(&alerts, NOON).unwrap();
        digested += accepted.digested;
        while let Next::Due(claim) = outbox.next("down", NOON, HOUR).unwrap() {
            claim.failed(NOON + HOUR, "HTTP 500".to_owned(), NOON).unwrap();
        }
        told += due(&outbox, "well", NOON).iter().map(|d| d.message.notices.len()).sum::<usize>();
    }
    assert_eq!(told, 800, "of a sink that takes everything each alert goes out");
    assert!(digested > 100, "{digested}: what is down is counted");
}
