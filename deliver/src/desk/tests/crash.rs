//! Whatever dies when: every alert reaches each sink, and a sink that looks at keys sees it once.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::error::Error;

const SINKS: [&str; 2] = ["chat", "log"];
const CONFIG: &str = "[sinks.chat]\ntype = 'slack'\nurl = 'https://hooks.slack.com/x'\n[sinks.log]\ntype = 'stdout'
    [[routes]]\nsinks = ['chat', 'log']\n";

/// Everybody who is told, and what the sinks saw: by sink and key.
#[derive(Default)]
struct World {
    seen: BTreeMap<(String, String), Message>,
    sends: usize,
}

/// What goes wrong beside the disk.
#[derive(Debug, Clone, Copy)]
struct Day {
    /// Every third attempt fails, and every fifth message arrives and is not noted.
    flaky: bool,
    /// Messages that a lane sends between two batches.
    pace: usize,
}

const GOOD: Day = Day { flaky: false, pace: usize::MAX };

/// One life of a process: reads all batches, sends, until the disk says that it is dead.
fn live(disk: &Arc<Mutex<Disk>>, batches: &[Vec<Alert>], day: Day, world: &mut World) -> Result<(), Error> {
    let outbox = Arc::new(Outbox::open(Box::new(Memory(disk.clone())), Limits::default())?);
    let desk = Desk::new(Arc::new(Config::parse(CONFIG)?), outbox.clone());
    for (number, batch) in (0_i64..).zip(batches) {
        let now = NOON + number * 600 * SECOND;
        desk.accept(batch, now)?;
        send(&outbox, now, day, world)?;
    }
    send(&outbox, NOON + 1_000 * HOUR, GOOD, world)
}

fn send(outbox: &Arc<Outbox>, now: i64, day: Day, world: &mut World) -> Result<(), Error> {
    for sink in SINKS {
        for _ in 0..day.pace {
            let Next::Due(claim) = outbox.next(sink, now, 3_600_000_000)? else { break };
            world.sends += 1;
            let message = claim.delivery().message.clone();
            if day.flaky && world.sends.is_multiple_of(3) {
                claim.failed(now + SECOND, "HTTP 500".to_owned(), now)?;
                continue;
            }
            let first = world.seen.entry((sink.to_owned(), message.key.clone())).or_insert_with(|| message.clone());
            assert_eq!(*first, message, "the same key says the same");
            if day.flaky && world.sends.is_multiple_of(5) {
                drop(claim);
                break;
            }
            claim.sent(now)?;
        }
    }
    Ok(())
}

fn check(batches: &[Vec<Alert>], world: &World) {
    let mut told: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for ((sink, _), message) in &world.seen {
        for notice in &message.notices {
            *told.entry((sink, &notice.fingerprint)).or_default() += 1;
        }
    }
    for alert in batches.iter().flatten() {
        for sink in SINKS {
            assert_eq!(told.get(&(sink, alert.fingerprint.as_str())), Some(&1), "{} to {sink}", alert.fingerprint);
        }
    }
}

fn batches(sizes: &[u8]) -> Vec<Vec<Alert>> {
    let batch = |(number, size): (usize, &u8)| {
        let alert =
            |n: u8| about(&format!("{number}-{n}"), &format!("r{}", n % 2), &format!("p{}", n % 3), Severity::High);
        (0..*size).map(alert).collect()
    };
    sizes.iter().enumerate().map(batch).collect()
}

/// Every single write, before, half-way and after.
#[test]
fn a_crash_at_every_write() {
    let batches = batches(&[3, 1, 12, 2]);
    let mut lives = 0;
    for percent in [0, 40, 100] {
        for left in 0.. {
            let (disk, mut world): (Arc<Mutex<Disk>>, World) = Default::default();
            disk.lock().unwrap().left = Some(left);
            disk.lock().unwrap().percent = percent;
            let ended = live(&disk, &batches, GOOD, &mut world).is_ok();
            disk.lock().unwrap().revive(None);
            live(&disk, &batches, GOOD, &mut world).unwrap();
            check(&batches, &world);
            lives += 1;
            if ended {
                break;
            }
        }
    }
    assert!(lives > 60, "{lives}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn crashes_upon_crashes(
        sizes in prop::collection::vec(0_u8..20, 1..6),
        crashes in prop::collection::vec((0_usize..12, 0_usize..=100), 0..12),
        flaky in any::<bool>(),
        pace in 0_usize..5,
    ) {
        let day = Day { flaky, pace };
        let batches = batches(&sizes);
        let (disk, mut world): (Arc<Mutex<Disk>>, World) = Default::default();
        for (left, percent) in crashes {
            disk.lock().unwrap().revive(Some(left));
            disk.lock().unwrap().percent = percent;
            let _ = live(&disk, &batches, day, &mut world);
        }
        disk.lock().unwrap().revive(None);
        live(&disk, &batches, day, &mut world).unwrap();
        check(&batches, &world);
    }

    /// A disk that forgets: any byte of the log changed, and the outbox still opens and tells the rest.
    #[test]
    fn damage_is_counted_and_the_rest_goes_on(at in 0.0..1.0_f64, flip in 1_u8..=255) {
        let batches = batches(&[9, 9]);
        let disk: Arc<Mutex<Disk>> = Arc::default();
        let desk = Desk::new(Arc::new(Config::parse(CONFIG).unwrap()), open(&disk));
        for batch in &batches {
            desk.accept(batch, NOON).unwrap();
        }
        drop(desk);
        {
            let mut disk = disk.lock().unwrap();
            let bytes = disk.contents_mut();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place")]
            let place = (bytes.len() as f64 * at) as usize;
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= flip;
            }
        }
        let mut world = World::default();
        live(&disk, &batches, GOOD, &mut world).unwrap();
        let told: usize = world.seen.values().map(|message| message.notices.len()).sum();
        prop_assert!(told >= 30, "{told}");
    }
}

/// Sent, and the process dies before it notes that: the message must not grow afterwards, or a sink that looks at keys
/// would never see what was added.
#[test]
fn what_a_sink_may_have_seen_does_not_grow() {
    let batches = batches(&[2, 2]);
    let (disk, mut world): (Arc<Mutex<Disk>>, World) = Default::default();
    let slow = Day { flaky: false, pace: 1 };
    // Opening writes one line, the first batch one more; noting what was sent is the third write.
    disk.lock().unwrap().left = Some(2);
    assert!(live(&disk, &batches, slow, &mut world).is_err());
    assert_eq!(world.sends, 1);
    disk.lock().unwrap().revive(None);
    live(&disk, &batches, Day { pace: 0, ..slow }, &mut world).unwrap();
    check(&batches, &world);
}

/// The log does not grow for ever, and what was told is remembered across its rewriting.
#[test]
fn the_log_is_rewritten() {
    let disk: Arc<Mutex<Disk>> = Arc::default();
    let outbox = open(&disk);
    let desk = Desk::new(Arc::new(Config::parse(CONFIG).unwrap()), outbox.clone());
    let mut largest = 0;
    for round in 0..200 {
        let now = NOON + i64::from(round) * 2 * HOUR;
        let alert = Alert { last_time: Some(now), ..about(&round.to_string(), "r", "p", Severity::High) };
        desk.accept(&[alert], now).unwrap();
        for sink in SINKS {
            assert_eq!(due(&outbox, sink, now).len(), 1);
        }
        largest = largest.max(disk.lock().unwrap().contents().len());
    }
    assert!(largest < 400_000, "{largest}");
    drop((desk, outbox));
    let outbox = open(&disk);
    let desk = Desk::new(Arc::new(Config::parse(CONFIG).unwrap()), outbox.clone());
    let again: Vec<Alert> = (0..200).map(|round: i32| about(&round.to_string(), "r", "p", Severity::High)).collect();
    assert_eq!(desk.accept(&again, NOON).unwrap().known, 400);
    assert_eq!(outbox.damaged(), 0);
}

#[test]
fn a_newer_format_is_refused_not_guessed() {
    let disk: Arc<Mutex<Disk>> = Arc::default();
    let line = crate::outbox::op::encode(&crate::outbox::op::Op::Format(99)).unwrap();
    disk.lock().unwrap().contents_mut().extend(line);
    let error = Outbox::open(Box::new(Memory(disk)), Limits::default()).err().unwrap();
    assert!(matches!(error, Error::Format { found: 99, .. }));
}
