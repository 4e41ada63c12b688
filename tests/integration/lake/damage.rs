//! Damage: a flipped bit, a cut file, a missing file; found, named, and mended from the objects that the rows came from.

use std::path::Path;

use super::contents::{Contents, assert_same};
use super::kill::Dice;
use super::{World, data_files};
use crate::command::text;

const FLIPS: usize = 120;

/// Flips one random bit of a file; which, to flip it back.
fn flip(path: &Path, dice: &mut Dice) -> (usize, u8) {
    let mut bytes = std::fs::read(path).unwrap();
    let (at, bit) = (dice.below(bytes.len() as u64) as usize, 1 << dice.below(8));
    bytes[at] ^= bit;
    std::fs::write(path, bytes).unwrap();
    (at, bit)
}

fn flip_back(path: &Path, (at, bit): (usize, u8)) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= bit;
    std::fs::write(path, bytes).unwrap();
}

fn within<'a>(lake: &Path, path: &'a Path) -> &'a str {
    text(path.strip_prefix(lake).unwrap())
}

#[test]
fn every_flipped_bit_is_found_and_named() {
    let world = World::with_trail(60, 61);
    let lake = world.lake("lake").many_commits();
    lake.ingest();
    let tables = ["events", "objects", "coverage", "last_used", "activity"];
    let files: Vec<_> = tables.iter().flat_map(|table| data_files(lake.folder(), table)).collect();
    assert!(files.len() > 6, "{}", files.len());
    let opened = lake::Lake::open(text(lake.folder()), &lake::Aws::default()).unwrap();
    let mut dice = Dice::new(61);
    for n in 0..FLIPS {
        let path = &files[n % files.len()];
        let flipped = flip(path, &mut dice);
        let checked = opened.check().unwrap();
        let found: Vec<_> = checked.damaged.iter().map(|damage| damage.file.as_str()).collect();
        assert_eq!(found, [within(lake.folder(), path)], "{flipped:?}");
        flip_back(path, flipped);
    }
    assert!(opened.check().unwrap().is_sound());
}

/// Damages, and what a check says of them.
fn damages(files: &[std::path::PathBuf], dice: &mut Dice, kind: u64) -> std::path::PathBuf {
    let path = files[dice.below(files.len() as u64) as usize].clone();
    let bytes = std::fs::read(&path).unwrap();
    match kind {
        0 => {
            flip(&path, dice);
        }
        1 => std::fs::write(&path, &bytes[..dice.below(bytes.len() as u64) as usize]).unwrap(),
        2 => std::fs::write(&path, [bytes.as_slice(), b"more"].concat()).unwrap(),
        _ => std::fs::remove_file(&path).unwrap(),
    }
    path
}

#[test]
fn damage_is_mended_from_the_objects() {
    let world = World::with_trail(300, 62);
    let reference = world.lake("reference").many_commits();
    reference.ingest();
    let wanted = reference.contents().unwrap();
    assert_same(&wanted.ids, &world.oracle(), "events", "the reference");
    for seed in 0..12 {
        let lake = reference.copied(&format!("seed-{seed}"));
        // Compacted or not, it is the same to a repair.
        if seed % 3 == 2 {
            lake.done(&["lake", "compact"]);
        }
        let mut dice = Dice::new(seed);
        let files = data_files(lake.folder(), "events");
        let mut hit: Vec<_> = (0..=seed % 3).map(|n| damages(&files, &mut dice, (seed + n) % 4)).collect();
        hit.sort();
        hit.dedup();
        let check = lake.run(&["lake", "check"]);
        assert_eq!(check.code, 3, "seed {seed}: {}", check.stderr);
        for path in &hit {
            assert!(check.stdout.contains(within(lake.folder(), path)), "seed {seed}: {}", check.stdout);
        }
        // Nobody can be told wrong figures meanwhile: what cannot be read is an error that names the file.
        if hit.iter().any(|path| !path.exists()) {
            let asked = lake.run(&["query", "SELECT max(requestparameters) FROM events"]);
            assert_eq!(asked.code, 5, "seed {seed}: {}", asked.stderr);
        }
        let mended = lake.done(&["lake", "repair"]);
        assert_eq!(
            (&mended["rows_lost"], &mended["rows_recovered"]),
            (&0.into(), &mended["rows_in_them"]),
            "seed {seed}"
        );
        lake.contents().unwrap().assert_is(&wanted, &format!("seed {seed}"));
        for path in hit.iter().filter(|path| path.exists()) {
            let aside = lake.folder().join("_trailhound/quarantine").join(within(lake.folder(), path));
            assert_eq!(std::fs::read(aside).unwrap(), std::fs::read(path).unwrap(), "seed {seed}");
        }
        std::fs::remove_dir_all(lake.folder()).unwrap();
    }
}

#[test]
fn what_is_lost_is_said() {
    let world = World::with_trail(200, 63);
    let lake = world.lake("lake").many_commits();
    lake.ingest();
    let before = lake.contents().unwrap();
    let damaged = data_files(lake.folder(), "events").remove(0);
    flip(&damaged, &mut Dice::new(63));
    std::fs::rename(world.logs(), world.path("away")).unwrap();
    let run = lake.run(&["lake", "repair", "--output", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let said = run.json();
    let lost = said["rows_lost"].as_u64().unwrap();
    assert!(lost > 0 && said["rows_recovered"] == 0, "{said}");
    assert!(!said["objects_missing"].as_array().unwrap().is_empty(), "{said}");
    assert!(run.stderr.contains("quarantine") && run.stderr.contains("put it back"), "{}", run.stderr);
    let after = lake.contents().unwrap();
    assert_eq!(after.rows() as u64 + lost, before.rows() as u64);
    let aside = lake.folder().join("_trailhound/quarantine").join(within(lake.folder(), &damaged));
    assert_eq!(std::fs::read(aside).unwrap(), std::fs::read(&damaged).unwrap());
    // The objects come back, and with them the rows.
    std::fs::rename(world.path("away"), world.logs()).unwrap();
    let logs = world.logs();
    lake.done(&["ingest", "--again", text(&logs)]);
    assert_same(&lake.contents().unwrap().ids, &before.ids, "events", "after --again");
}

/// A compaction must not put damage under a fresh checksum.
#[test]
fn compaction_does_not_launder_damage() {
    let world = World::with_trail(200, 64);
    let reference = world.lake("reference").many_commits();
    reference.ingest();
    let wanted = reference.contents().unwrap();
    for seed in 0..8 {
        let lake = reference.copied(&format!("seed-{seed}"));
        let files = data_files(lake.folder(), "events");
        let mut dice = Dice::new(seed);
        let path = files[dice.below(files.len() as u64) as usize].clone();
        flip(&path, &mut dice);
        let run = lake.run(&["lake", "compact"]);
        assert_eq!(run.code, 5, "seed {seed}: {}", run.stdout);
        assert!(run.stderr.contains(within(lake.folder(), &path)), "seed {seed}: {}", run.stderr);
        assert!(run.stderr.contains("lake repair"), "seed {seed}: {}", run.stderr);
        lake.done(&["lake", "repair"]);
        lake.done(&["lake", "compact"]);
        lake.contents().unwrap().assert_is(&wanted, &format!("seed {seed}"));
        std::fs::remove_dir_all(lake.folder()).unwrap();
    }
}

/// Days that retention took away do not come back with a repair of their neighbours.
#[test]
fn a_repair_brings_back_no_expired_day() {
    let world = World::empty();
    let event = super::trail::event;
    let both = [event("old", "2026-03-01T23:59:59Z", ""), event("new", "2026-03-02T00:00:01Z", "")];
    world.log("both.json", &super::trail::records(&both));
    let lake = world.lake("lake");
    lake.ingest();
    let first = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    let keep = format!("{}d", (chrono::Utc::now().date_naive() - first).num_days());
    lake.done(&["lake", "expire", "--keep", &keep]);
    let files = data_files(lake.folder(), "events");
    assert_eq!(files.len(), 1);
    flip(&files[0], &mut Dice::new(65));
    let said = lake.done(&["lake", "repair"]);
    assert_eq!((&said["rows_recovered"], &said["rows_lost"]), (&1.into(), &0.into()), "{said}");
    let ids: Vec<_> = lake.contents().unwrap().ids.into_keys().map(|key| key.0).collect();
    assert_eq!(ids, ["new"]);
}

/// The ledger damaged: the next ingest reads its objects again, and no event counts twice.
#[test]
fn a_damaged_ledger_costs_time_and_no_event() {
    let world = World::with_trail(200, 66);
    let lake = world.lake("lake").many_commits();
    lake.ingest();
    let before = lake.contents().unwrap();
    flip(&data_files(lake.folder(), "objects")[0], &mut Dice::new(66));
    assert_eq!(lake.run(&["lake", "check"]).code, 3);
    let repair = lake.run(&["lake", "repair"]);
    assert!(repair.stderr.contains("the table objects lost"), "{}", repair.stderr);
    let again = lake.ingest();
    assert!(again["objects"].as_u64().unwrap() > 0 && again["rows"] == 0, "{again}");
    let after = lake.contents().unwrap();
    assert_same(&after.ids, &before.ids, "events", "after a repair of the ledger");
    assert_eq!(after.objects.len(), before.objects.len());
    // What the repair knew of the objects from their events, and what they say themselves when they are read again.
    let rows = |contents: &Contents| Contents::sum(&contents.objects, 1);
    assert_eq!(rows(&after), rows(&before));
}

/// A look that failed (rights, a network, a disk) says nothing of a file: nothing is taken out for it.
#[test]
fn what_cannot_be_read_is_not_taken_for_damage() {
    let world = World::with_trail(60, 67);
    let lake = world.lake("lake").many_commits();
    lake.ingest();
    let before = lake.contents().unwrap();
    // Whoever runs the tests may be allowed to read everything, but follows no link to itself.
    let file = data_files(lake.folder(), "events").remove(0);
    let away = world.path("away");
    std::fs::rename(&file, &away).unwrap();
    std::os::unix::fs::symlink(&file, &file).unwrap();
    std::fs::rename(world.logs(), world.path("no-logs")).unwrap();
    for command in ["check", "repair", "compact"] {
        let run = lake.run(&["lake", command]);
        assert_eq!(run.code, 5, "{command}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(within(lake.folder(), &file)), "{command}: {}", run.stderr);
    }
    std::fs::remove_file(&file).unwrap();
    std::fs::rename(away, &file).unwrap();
    lake.contents().unwrap().assert_is(&before, "after a repair that was refused");
}

/// What has expired does not come back by another name, and is not counted again in what remembers it.
#[test]
fn expired_days_stay_away_and_are_counted_once() {
    let world = World::with_trail(200, 68);
    let lake = world.lake("lake").many_commits();
    lake.ingest();
    let sum = |table: &str, column: &str| {
        let sql = format!("SELECT sum({column}) AS n FROM {table}");
        lake.done(&["query", &sql])[0]["n"].as_u64().unwrap()
    };
    let sums = || (sum("coverage", "rows"), sum("last_used", "attempts"));
    let remembered = sums();
    assert_eq!(remembered.0, 200);
    let (_, keep) = super::trail::keep_without(2);
    let expired = lake.done(&["lake", "expire", "--keep", &keep])["rows_expired"].as_u64().unwrap();
    let before = lake.contents().unwrap();
    super::copy_folder(&world.logs(), &world.path("resync"));
    let resync = world.path("resync");
    for args in [vec!["ingest", text(&resync)], vec!["ingest", "--again", text(&resync)]] {
        let run = lake.run(&[args.as_slice(), &["--output", "json"]].concat());
        let said = run.json();
        assert!(run.stderr.contains("lake expire") && run.stderr.contains("--lake"), "{}", run.stderr);
        assert_eq!((run.code, &said["rows"], &said["records_in"]), (0, &0.into(), &said["duplicates"]));
        assert!(said["expired_events"].as_u64().unwrap() >= expired, "{said}");
        let after = lake.contents().unwrap();
        assert_same(&after.ids, &before.ids, "events", "after a resync");
        assert_eq!(Contents::sum(&after.objects, 1), Contents::sum(&before.objects, 1));
        assert_eq!(sums(), remembered);
    }
    // A lake of its own has them.
    let other = world.lake("other");
    assert_eq!(other.done(&["ingest", text(&resync)])["rows"], 200);
}
