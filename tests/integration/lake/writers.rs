//! Four processes at once: two ingest overlapping folders, one compacts, one expires and sweeps, and somebody asks.

use std::sync::atomic::{AtomicBool, Ordering};

use super::contents::{Contents, assert_same};
use super::kill::Dice;
use super::{World, copy_folder, data_files, trail};
use crate::command::text;

const SEEDS: u64 = 3;

/// A grace that a reader of this test never needs, and that files of two days ago exceed.
const GRACE: &str = "1h";
const TWO_DAYS: std::time::Duration = std::time::Duration::from_secs(2 * 86_400);

/// Makes files look old: what a sweep may delete is then only a question of who names them.
fn make_old(files: &[std::path::PathBuf]) {
    let then = std::time::SystemTime::now() - TWO_DAYS;
    for path in files {
        std::fs::File::options().append(true).open(path).unwrap().set_modified(then).unwrap();
    }
}

fn round(seed: u64) {
    let world = World::with_trail(400, seed);
    let mut dice = Dice::new(seed);
    // Two folders that share a part: links would be the same objects, so they are copies.
    let files = trail::files(&world.logs());
    for (name, other) in [("a", 0), ("b", 1)] {
        for (n, file) in files.iter().enumerate() {
            if n % 3 == 2 || n % 3 == other {
                let target = world.path(name).join(file.strip_prefix(world.logs()).unwrap());
                std::fs::create_dir_all(target.parent().unwrap()).unwrap();
                std::fs::copy(file, target).unwrap();
            }
        }
    }
    let lake = world.lake("lake").many_commits();
    // A part is there already, in files that look old, and a crash has left a file that nobody names.
    let start: Vec<_> = files.iter().step_by(5).map(|path| text(path).to_owned()).collect();
    let start: Vec<&str> = start.iter().map(String::as_str).collect();
    lake.done(&[&["ingest"], start.as_slice()].concat());
    let named = data_files(lake.folder(), "events");
    let orphan = named[0].with_file_name("part-00000000-left-behind.parquet");
    std::fs::copy(&named[0], &orphan).unwrap();
    make_old(&named);
    make_old(std::slice::from_ref(&orphan));

    let over = AtomicBool::new(false);
    let (a, b) = (world.path("a"), world.path("b"));
    let delay = dice.below(300);
    let (asked, compacted) = std::thread::scope(|scope| {
        let writers = [(&a, 0), (&b, delay)].map(|(folder, delay)| {
            let lake = lake.clone();
            scope.spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(delay));
                lake.done(&["ingest", text(folder)])
            })
        });
        let compacting = scope.spawn(|| {
            let mut removed = 0;
            while !over.load(Ordering::Relaxed) {
                removed += lake.done(&["lake", "compact"])["files_removed"].as_u64().unwrap();
            }
            removed
        });
        let sweeping = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                lake.done(&["lake", "expire", "--keep", "36500d", "--grace", GRACE]);
            }
        });
        let asking = scope.spawn(|| {
            let (mut last, mut asked) = (0, 0);
            let sql = "SELECT count(*) AS n, count(DISTINCT eventid || recipientaccountid) AS ids FROM events";
            while !over.load(Ordering::Relaxed) {
                let row = lake.done(&["query", sql])[0].clone();
                assert_eq!(row["n"], row["ids"], "seed {seed}: an event is there twice: {row}");
                let n = row["n"].as_u64().unwrap();
                assert!(n >= last, "seed {seed}: {n} events after {last}");
                (last, asked) = (n, asked + 1);
            }
            asked
        });
        let written: Vec<_> = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        over.store(true, Ordering::Relaxed);
        let (asked, compacted) = (asking.join(), compacting.join());
        sweeping.join().unwrap();
        written.into_iter().for_each(|writer| drop(writer.unwrap()));
        (asked.unwrap(), compacted.unwrap())
    });
    assert!(asked > 0 && compacted > 0, "seed {seed}: {asked} questions, {compacted} files compacted");
    let contents = lake.contents().unwrap();
    assert_same(&contents.ids, &world.oracle(), "events", &format!("seed {seed}"));
    let rows = contents.rows() as i64;
    assert_eq!(Contents::sum(&contents.objects, 1), rows, "seed {seed}: rows in the ledger");
    assert_eq!(Contents::sum(&contents.coverage, 0), rows, "seed {seed}: rows in coverage");
    // What was used and how often does not depend on who brought it.
    let whole = world.lake("whole");
    whole.ingest();
    assert_same(&contents.last_used, &whole.contents().unwrap().last_used, "last_used", &format!("seed {seed}"));
    assert!(!orphan.exists(), "seed {seed}: what nobody names was not swept");
}

#[test]
fn four_processes_at_once() {
    match std::env::var("TRAILHOUND_SEED") {
        Ok(seed) => round(seed.parse().unwrap()),
        // The long run of `tests/crash` asks for more.
        Err(_) => (0..SEEDS.max(super::kill::seeds_asked() / 64)).for_each(|seed| round(41 + seed)),
    }
}

/// A file that compaction took out a moment ago may be old itself: its readers are not.
#[test]
fn a_sweep_spares_what_left_the_table_just_now() {
    let world = World::with_trail(200, 45);
    let lake = world.lake("lake").many_commits();
    lake.ingest();
    let before = data_files(lake.folder(), "events");
    make_old(&before);
    lake.done(&["lake", "compact"]);
    let swept = lake.done(&["lake", "expire", "--grace", GRACE]);
    let gone: Vec<_> = before.iter().filter(|path| !path.exists()).collect();
    assert!(gone.is_empty(), "{} files went under their readers: {swept}", gone.len());
    // Later they go.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    lake.done(&["lake", "expire", "--grace", "1s"]);
    assert!(before.iter().all(|path| !path.exists()));
    assert_same(&lake.contents().unwrap().ids, &world.oracle(), "events", "after the sweep");
}

/// Two writers of one folder, at the same moment: one row each.
#[test]
fn the_same_folder_twice_at_once() {
    for seed in 0..3 {
        let world = World::with_trail(300, 50 + seed);
        copy_folder(&world.logs(), &world.path("copy"));
        let lake = world.lake("lake").many_commits();
        let (logs, copy) = (world.logs(), world.path("copy"));
        std::thread::scope(|scope| {
            // One reads the same objects, one reads copies of them.
            let all = [&logs, &logs, &copy].map(|folder| scope.spawn(|| lake.done(&["ingest", text(folder)])));
            let rows: u64 = all.into_iter().map(|run| run.join().unwrap()["rows"].as_u64().unwrap()).sum();
            assert_eq!(rows as usize, world.oracle().len(), "seed {seed}");
        });
        let contents = lake.contents().unwrap();
        assert_same(&contents.ids, &world.oracle(), "events", &format!("seed {seed}"));
        assert_eq!(Contents::sum(&contents.objects, 1) as usize, contents.rows());
        assert_eq!(Contents::sum(&contents.coverage, 0) as usize, contents.rows());
    }
}
