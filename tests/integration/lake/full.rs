//! A full disk: at the first write, the second, and so on until the run passes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::contents::{Contents, assert_same};
use super::trail::{self, keep_without};
use super::{Lake, World, data_files};
use crate::command::{Run, text};

fn assert_says_what_to_do(run: &Run, context: &str) {
    assert_eq!(run.code, 5, "{context}: {}", run.stderr);
    assert!(run.stderr.contains("no room left"), "{context}: {}", run.stderr);
    assert!(run.stderr.contains("make room and run it again"), "{context}: {}", run.stderr);
    // It names what was to be written: a file or a table of the lake.
    let names =
        ["events", "objects", "rejects", "coverage", "last_used", "activity", "alerts", "digested", "_trailhound"];
    assert!(names.iter().any(|name| run.stderr.contains(name)), "{context}: {}", run.stderr);
    assert!(run.stdout.is_empty(), "{context}: {}", run.stdout);
}

/// Runs a command with the disk full at each write in turn, on fresh copies; how many writes it takes.
fn each_write(
    args: &[&str],
    fresh: &dyn Fn(&str) -> Lake<'static>,
    between: &dyn Fn(&Contents, &str),
    whole: &dyn Fn(&Lake<'static>, &str),
) -> u64 {
    for k in 1..2_000 {
        let context = format!("{args:?}, full at write {k}");
        let lake = fresh(&k.to_string());
        let run = lake.with(&[("TRAILHOUND_DISK_FULL_AT", &k.to_string())]).run(args);
        let passed = run.code == 0;
        if !passed {
            assert_says_what_to_do(&run, &context);
        }
        // Readable, sound, and what stands there stands once.
        if let Some(contents) = lake.contents() {
            assert!(contents.ids.values().all(|times| *times == 1), "{context}");
            between(&contents, &context);
        }
        lake.done(args);
        whole(&lake, &context);
        std::fs::remove_dir_all(lake.folder()).unwrap();
        if passed {
            return k - 1;
        }
    }
    panic!("{args:?} never passed");
}

fn is_part_of<K: Ord + std::fmt::Debug, V>(part: &BTreeMap<K, V>, whole: &BTreeMap<K, V>, context: &str) {
    let strange = part.keys().find(|key| !whole.contains_key(key));
    assert!(strange.is_none(), "{context}: {strange:?} came from nowhere");
}

/// A world that lives as long as the test process.
fn world(events: u64, seed: u64) -> &'static World {
    Box::leak(Box::new(World::with_trail(events, seed)))
}

/// What a leaked world leaves behind.
struct Gone(PathBuf);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn an_ingest_meets_a_full_disk_at_every_write() {
    let world = world(200, 31);
    let _gone = Gone(world.path(""));
    let reference = world.lake("reference").many_commits();
    reference.ingest();
    let wanted = reference.contents().unwrap();
    assert_same(&wanted.ids, &world.oracle(), "events", "the reference");
    let logs = world.logs();
    let writes = each_write(
        &["ingest", text(&logs)],
        &|name| world.lake(name).many_commits(),
        &|contents, context| is_part_of(&contents.ids, &wanted.ids, context),
        &|lake, context| lake.contents().unwrap().assert_is(&wanted, context),
    );
    assert!(writes > 20, "{writes}");
}

#[test]
fn upkeep_meets_a_full_disk_at_every_write() {
    let world = world(200, 32);
    let _gone = Gone(world.path(""));
    let reference = world.lake("reference").many_commits();
    reference.ingest();
    let wanted = reference.contents().unwrap();
    let same = |contents: &Contents, context: &str| contents.assert_is(&wanted, context);
    let copies = |name: &str| reference.copied(name);
    let writes = each_write(&["lake", "compact"], &copies, &same, &|lake, context| {
        same(&lake.contents().unwrap(), context);
    });
    assert!(writes >= 2 * u64::from(trail::DAYS), "{writes}");
    let (first, keep) = keep_without(2);
    let left = trail::ids_since(&world.logs(), first);
    let either = |contents: &Contents, context: &str| {
        assert!(contents.ids == wanted.ids || contents.ids == left, "{context}");
    };
    let writes = each_write(&["lake", "expire", "--keep", &keep], &copies, &either, &|lake, context| {
        assert_same(&lake.contents().unwrap().ids, &left, "events", context);
    });
    assert!(writes >= 1, "{writes}");
}

/// The disk is full of what an expiry may delete: one run does.
#[test]
fn an_expiry_makes_the_room_that_it_needs() {
    let world = World::with_trail(200, 35);
    let lake = world.lake("lake").many_commits();
    lake.ingest();
    let (first, keep) = keep_without(2);
    let args = ["lake", "expire", "--keep", &keep];
    let full = lake.with(&[("TRAILHOUND_DISK_FULL_AT", "1..2")]);
    // Nothing to delete: then it says so.
    assert_says_what_to_do(&full.run(&args), "nothing to sweep");
    let garbage = lake.folder().join("events/part-of-a-writer-that-died.parquet");
    std::fs::write(&garbage, "x").unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 86_400);
    std::fs::File::options().write(true).open(&garbage).unwrap().set_modified(old).unwrap();
    let said = full.done(&args);
    assert_eq!((&said["files_deleted"], garbage.exists()), (&1.into(), false), "{said}");
    assert_same(&lake.contents().unwrap().ids, &trail::ids_since(&world.logs(), first), "events", "after one run");
}

#[test]
fn a_repair_meets_a_full_disk_at_every_write() {
    let world = world(200, 33);
    let _gone = Gone(world.path(""));
    let reference = world.lake("reference").many_commits();
    reference.ingest();
    let wanted = reference.contents().unwrap();
    let damaged = &data_files(reference.folder(), "events")[0];
    let bytes = std::fs::read(damaged).unwrap();
    std::fs::write(damaged, &bytes[..bytes.len() - 9]).unwrap();
    for k in 1..100 {
        let context = format!("repair, full at write {k}");
        let lake = reference.copied(&k.to_string());
        let run = lake.with(&[("TRAILHOUND_DISK_FULL_AT", &k.to_string())]).run(&["lake", "repair"]);
        if run.code != 0 {
            assert_says_what_to_do(&run, &context);
        }
        lake.done(&["lake", "repair"]);
        lake.contents().unwrap().assert_is(&wanted, &context);
        std::fs::remove_dir_all(lake.folder()).unwrap();
        if run.code == 0 {
            assert!(k > 3, "{k}");
            return;
        }
    }
    panic!("it never passed");
}

/// A file system of a fixed size, where the user may mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<SmallDisk> {
        std::fs::create_dir_all(at).unwrap();
        let options = format!("size={size}");
        let run = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "trailhound-test", text(at)]).output();
        match run {
            Ok(output) if output.status.success() => Some(SmallDisk(at.to_owned())),
            other => {
                let why = other.map_or_else(|e| e.to_string(), |o| String::from_utf8_lossy(&o.stderr).into_owned());
                println!("SKIPPED: no small file system can be mounted here ({}), so this checked nothing", why.trim());
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn a_disk_that_is_really_full() {
    let world = World::with_trail(600, 34);
    let place = world.path("disk");
    let Some(_disk) = SmallDisk::mount(&place, "256k") else { return };
    let lake = world.lake("disk/lake").many_commits();
    let logs = world.logs();
    let run = lake.run(&["ingest", text(&logs)]);
    assert_says_what_to_do(&run, "a disk of 256 KiB");
    let oracle = world.oracle();
    if let Some(contents) = lake.contents() {
        is_part_of(&contents.ids, &oracle, "a disk of 256 KiB");
    }
    let grown = Command::new("mount").args(["-o", "remount,size=64m", text(&place)]).output().unwrap();
    assert!(grown.status.success(), "{grown:?}");
    lake.ingest();
    assert_same(&lake.contents().unwrap().ids, &oracle, "events", "with room");
}
