//! `access` from what a lake remembers of its events, beside `access` from the events themselves: the same bytes.

use super::trail::keep_without;
use super::{Lake, World, data_files};
use crate::command::text;

fn report(lake: &Lake<'_>) -> String {
    let run = lake.run(&["access", "--output", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

/// The report of a copy that remembers nothing.
fn from_events(lake: &Lake<'_>, name: &str) -> String {
    let copy = lake.copied(name);
    std::fs::remove_dir_all(copy.folder().join("activity")).unwrap();
    report(&copy)
}

fn without_events(lake: &Lake<'_>) {
    for file in data_files(lake.folder(), "events") {
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn access_says_the_same_and_reads_no_event() {
    // Enough commits that a compaction merges what they remember.
    let world = World::with_trail(2_000, 71);
    let lake = world.lake("lake").many_commits().with(&[("TRAILHOUND_BATCH_ROWS", "60")]);
    lake.ingest();
    let whole = from_events(&lake, "forgetful");
    assert!(whole.contains("principals"), "{whole}");
    assert_eq!(report(&lake), whole);
    let copy = lake.copied("without");
    without_events(&copy);
    assert_eq!(report(&copy), whole);
    // A copy that remembers nothing cannot do without them: so the ones before did.
    std::fs::remove_dir_all(copy.folder().join("activity")).unwrap();
    assert_ne!(copy.run(&["access", "--output", "json"]).code, 0);
    let before = data_files(lake.folder(), "activity").len();
    lake.done(&["lake", "compact"]);
    assert!(before >= 16 && data_files(lake.folder(), "activity").len() < before, "{before} files");
    without_events(&lake);
    assert_eq!(report(&lake), whole);
}

#[test]
fn a_lake_that_does_not_remember_everything_is_read() {
    let world = World::with_trail(400, 72);
    let lake = world.lake("lake").many_commits();
    // The commit of `events` stands, the other tables do not have it yet.
    for n in 1..=5 {
        let torn = world.lake(&format!("torn-{n}")).many_commits();
        if torn.dies(&["ingest", text(&world.logs())], "side.commit.before", n) {
            assert_eq!(report(&torn), from_events(&torn, &format!("torn-{n}-forgetful")), "{n}");
        }
    }
    // An older trailhound wrote to it, which kept nothing, and its manifests are swept away.
    lake.ingest();
    std::fs::remove_dir_all(lake.folder().join("activity")).unwrap();
    std::fs::remove_dir_all(lake.folder().join("_trailhound/batches")).unwrap();
    let more = World::with_trail(300, 73);
    lake.done(&["ingest", text(&more.logs())]);
    assert!(lake.folder().join("activity").exists());
    assert_eq!(report(&lake), from_events(&lake, "forgetful"));
    lake.done(&["lake", "compact"]);
    assert_eq!(report(&lake), from_events(&lake, "forgetful-2"));
}

#[test]
fn what_was_repaired_is_not_remembered_twice() {
    let world = World::with_trail(400, 74);
    let lake = world.lake("lake").many_commits();
    lake.ingest();
    let whole = report(&lake);
    let file = data_files(lake.folder(), "events").remove(0);
    std::fs::write(&file, b"PAR1").unwrap();
    lake.done(&["lake", "repair"]);
    assert_eq!(from_events(&lake, "forgetful"), whole);
    without_events(&lake);
    assert_eq!(report(&lake), whole);
}

#[test]
fn what_expired_is_remembered() {
    let world = World::with_trail(400, 75);
    let lake = world.lake("lake");
    lake.ingest();
    let whole = report(&lake);
    let (_, keep) = keep_without(2);
    lake.done(&["lake", "expire", "--keep", &keep]);
    assert_ne!(from_events(&lake, "forgetful"), whole);
    assert_eq!(report(&lake), whole);
}
