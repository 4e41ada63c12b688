//! Commits of `events` that are lost or broken, and the copies that a lake keeps of them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::trail::{event, records};
use super::{Lake, World};
use crate::command::text;

const IDS: &str = "SELECT eventid FROM events ORDER BY 1";

fn commit(version: u64) -> String {
    format!("events/_delta_log/{version:020}.json")
}

fn copy(version: u64) -> String {
    format!("_trailhound/commits/{version:020}.json")
}

/// A lake of a few commits: three ingests and a compaction.
fn some_commits(world: &World) -> Lake<'_> {
    let lake = world.lake("lake");
    for turn in 1..=3 {
        let events = [0, 1].map(|n| event(&format!("{turn}-{n}"), &format!("2026-03-01T0{turn}:0{n}:00Z"), ""));
        world.log(&format!("{turn}.json"), &records(&events));
        lake.ingest();
    }
    lake.done(&["lake", "compact"]);
    lake
}

fn commits(lake: &Lake<'_>) -> Vec<PathBuf> {
    let log = lake.folder().join("events/_delta_log");
    let mut all: Vec<_> = fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    all.sort();
    all
}

#[test]
fn any_commit_of_events_comes_back() {
    let world = World::empty();
    let whole = some_commits(&world);
    let (ids, contents) = (whole.done(&["query", IDS]), whole.contents());
    let all = commits(&whole);
    assert!(all.len() >= 5, "{all:?}");
    for (version, file) in all.iter().enumerate() {
        for damage in ["gone", "emptied", "torn"] {
            let lake = whole.copied(&format!("{damage}-{version}"));
            let file = lake.folder().join(file.strip_prefix(whole.folder()).unwrap());
            let bytes = fs::read(&file).unwrap();
            match damage {
                "gone" => fs::remove_file(&file).unwrap(),
                "emptied" => fs::write(&file, "").unwrap(),
                _ => fs::write(&file, &bytes[..bytes.len() / 2]).unwrap(),
            }
            let context = format!("{damage} {version}");
            let repaired = lake.run(&["lake", "repair", "--output", "json"]);
            assert_eq!(repaired.code, 0, "{context}: {}", repaired.stderr);
            assert!(repaired.stderr.contains("from the copy that the lake keeps"), "{context}: {}", repaired.stderr);
            assert_eq!(fs::read(&file).unwrap(), bytes, "{context}");
            assert_eq!(lake.run(&["lake", "check"]).code, 0, "{context}");
            assert_eq!((lake.done(&["query", IDS]), lake.contents()), (ids.clone(), contents.clone()), "{context}");
            assert_eq!(lake.ingest()["rows"], 0, "{context}");
            fs::remove_dir_all(lake.folder()).unwrap();
        }
    }
}

#[test]
fn what_is_lost_and_kept_says_what_to_do() {
    let world = World::empty();
    let whole = some_commits(&world);
    for version in [0, 2] {
        let lake = whole.copied(&format!("lost-{version}"));
        fs::remove_file(lake.folder().join(commit(version))).unwrap();
        for args in [&["lake", "check"][..], &["query", IDS], &["ingest", text(&world.logs())]] {
            let run = lake.run(args);
            assert_eq!(run.code, 5, "{args:?}: {}", run.stdout);
            assert!(run.stderr.contains("`trailhound lake repair` puts it back from a copy"), "{}", run.stderr);
        }
        // Without a copy, or with one that is broken too, it is as bad as it was.
        fs::write(lake.folder().join(copy(version)), "{\"add\":").unwrap();
        let run = lake.run(&["lake", "repair"]);
        assert!(run.code == 5 && run.stderr.contains("make a lake anew"), "{}", run.stderr);
    }
}

#[test]
fn a_log_that_is_gone_whole_comes_back() {
    let world = World::empty();
    let lake = some_commits(&world);
    let contents = lake.contents();
    // What the compaction took the place of is swept: commits of before name files that are gone.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(lake.done(&["lake", "expire", "--grace", "1s"])["files_deleted"].as_u64() > Some(0));
    fs::remove_dir_all(lake.folder().join("events/_delta_log")).unwrap();
    let asked = lake.run(&["query", IDS]);
    assert!(asked.code == 5 && asked.stderr.contains("from a copy that the lake keeps"), "{}", asked.stderr);
    lake.done(&["lake", "repair"]);
    assert_eq!(lake.contents(), contents);
    assert_eq!(lake.run(&["lake", "check"]).code, 0);
}

/// A commit that nobody missed for so long that its files were swept: what took its place stands.
#[test]
fn a_last_commit_without_its_files_stays_lost() {
    let world = World::empty();
    let lake = some_commits(&world);
    let ids = lake.done(&["query", IDS]);
    // The last commit is the compaction's: without it the files of before are the table's.
    let last = commits(&lake).pop().unwrap();
    let said = fs::read_to_string(&last).unwrap();
    fs::remove_file(&last).unwrap();
    let day = fs::read_dir(lake.folder().join("events/event_date=2026-03-01")).unwrap();
    let mut sorted = day.map(|entry| entry.unwrap().path()).filter(|path| text(path).contains("/sorted-"));
    let sorted = sorted.next().unwrap();
    assert!(said.contains(text(sorted.file_name().unwrap().as_ref())));
    fs::remove_file(sorted).unwrap();
    lake.run(&["lake", "repair"]);
    assert!(!last.exists());
    assert_eq!(lake.done(&["query", IDS]), ids);
    assert_eq!(lake.run(&["lake", "check"]).code, 0);
}

/// A writer that dies between a commit and its copy leaves that to the next.
#[test]
fn a_copy_that_a_dying_writer_did_not_make_is_made() {
    let world = World::empty();
    let lake = some_commits(&world);
    world.log("4.json", &records(&[event("4-0", "2026-03-01T04:00:00Z", "")]));
    assert!(lake.dies(&["ingest", text(&world.logs())], "commit.copy", 1));
    let last = commits(&lake).pop().unwrap();
    let kept = lake.folder().join("_trailhound/commits").join(last.file_name().unwrap());
    assert!(!kept.exists());
    lake.ingest();
    assert_eq!(fs::read(&kept).unwrap(), fs::read(&last).unwrap());
    // Bytes of their own, not another name of the same.
    assert_ne!(fs::metadata(kept).unwrap().ino(), fs::metadata(last).unwrap().ino());
}

/// Copies do not add up, and what a checkpoint sums up is not missed.
#[test]
fn copies_of_old_commits_go() {
    const KEPT: usize = 5;
    let world = World::empty();
    let lake = world.lake("lake").with(&[("TRAILHOUND_KEPT_COMMITS", &KEPT.to_string())]);
    for n in 0..22 {
        world.log(&format!("{n}.json"), &records(&[event(&format!("e{n}"), "2026-03-01T04:00:00Z", "")]));
        lake.ingest();
    }
    let ids = lake.done(&["query", IDS]);
    assert_eq!(fs::read_dir(lake.folder().join("_trailhound/commits")).unwrap().count(), KEPT);
    assert!(lake.folder().join(copy(22)).exists());
    // As a sweep of Delta's log leaves it.
    for version in 0..20 {
        fs::remove_file(lake.folder().join(commit(version))).unwrap();
    }
    assert_eq!(lake.done(&["lake", "repair"])["mended"], serde_json::json!([]));
    assert!(!lake.folder().join(commit(19)).exists());
    fs::remove_file(lake.folder().join(commit(21))).unwrap();
    assert_eq!(lake.done(&["lake", "repair"])["mended"].as_array().unwrap().len(), 1);
    assert_eq!(lake.done(&["query", IDS]), ids);
}
