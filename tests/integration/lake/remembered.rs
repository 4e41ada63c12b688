//! `access` from what a lake remembers of its events, beside `access` from the events themselves: the same bytes.

use std::sync::Arc;

use ::lake::schema::{ACTIVITY, LAST_USED};
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::concat_batches;

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
    let whole = from_events(&lake, "forgetful-2");
    assert!(lake.run(&["access"]).stderr.contains("lake compact"));
    // A compaction makes it remember.
    assert_eq!(lake.done(&["lake", "compact"])["refolded"], true);
    assert_eq!(lake.done(&["lake", "compact"])["refolded"], false);
    without_events(&lake);
    assert_eq!(report(&lake), whole);
}

/// Has a lake remember its events by the rules of another version.
fn by_other_rules(lake: &Lake<'_>) {
    let mut open = ::lake::Lake::open_for_writing(text(lake.folder()), &::lake::Aws::default()).unwrap();
    let (mut facts, mut rest) = (Vec::new(), Vec::new());
    open.parts(LAST_USED, &mut |rows| facts.push(rows)).unwrap();
    open.parts(ACTIVITY, &mut |rows| rest.push(rows)).unwrap();
    let facts = concat_batches(&::lake::schema::last_used(), &facts).unwrap();
    let rest = concat_batches(&::lake::schema::activity(), &rest).unwrap();
    let kinds = rest.column_by_name("kind").unwrap().as_string::<i32>().clone();
    let subjects = rest.column_by_name("subject").unwrap().as_string::<i32>().clone();
    let changed =
        kinds.iter().zip(&subjects).map(|(kind, subject)| if kind == Some("rules") { Some("0-old") } else { subject });
    let changed: ArrayRef = Arc::new(changed.collect::<StringArray>());
    let at = rest.schema().index_of("subject").unwrap();
    let mut columns = rest.columns().to_vec();
    columns[at] = changed;
    let rest = RecordBatch::try_new(rest.schema(), columns).unwrap();
    let memory = open.memory().unwrap();
    assert!(open.remember(&memory, &facts, &[rest]).unwrap());
}

#[test]
fn a_memory_by_other_rules_is_told_and_made_anew() {
    let world = World::with_trail(400, 76);
    let lake = world.lake("lake").many_commits();
    lake.ingest();
    let whole = report(&lake);
    by_other_rules(&lake);
    let told = lake.run(&["access", "--output", "json"]);
    assert_eq!((told.code, &told.stdout), (0, &whole));
    assert_eq!(told.stderr.matches("does not remember").count(), 1, "{}", told.stderr);
    // Whenever it dies, the report is the same, and another run mends it.
    for step in ["refold.begin", "refold.commit.before", "refold.commit.between"] {
        let torn = lake.copied(step);
        assert!(torn.dies(&["lake", "compact"], step, 1), "{step}");
        assert_eq!(report(&torn), whole, "{step}");
        assert_eq!(torn.done(&["lake", "compact"])["refolded"], true, "{step}");
        without_events(&torn);
        assert_eq!(report(&torn), whole, "{step}");
    }
    lake.done(&["lake", "compact"]);
    assert!(!lake.run(&["access"]).stderr.contains("does not remember"));
    // What comes later is added to it.
    lake.done(&["ingest", text(&World::with_trail(300, 77).logs())]);
    let more = from_events(&lake, "forgetful");
    assert_ne!(more, whole);
    without_events(&lake);
    assert_eq!(report(&lake), more);
}

/// What only the memory knows of is not forgotten for the sake of newer rules.
#[test]
fn a_memory_of_events_that_are_gone_is_left_as_it_is() {
    let world = World::with_trail(400, 78);
    let lake = world.lake("lake");
    lake.ingest();
    let (_, keep) = keep_without(2);
    lake.done(&["lake", "expire", "--keep", &keep]);
    by_other_rules(&lake);
    let before = data_files(lake.folder(), "last_used");
    let run = lake.run(&["lake", "compact", "--output", "json"]);
    assert_eq!((run.code, &run.json()["refolded"]), (0, &serde_json::Value::Bool(false)), "{}", run.stderr);
    assert!(run.stderr.contains("left as it is"), "{}", run.stderr);
    assert_eq!(data_files(lake.folder(), "last_used"), before);
    assert!(lake.run(&["access"]).stderr.contains("are not counted"));
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

/// Rows that a repair gave up, because their objects were not there, come back with the objects.
#[test]
fn what_was_given_up_is_not_counted_twice_when_it_comes_back() {
    let world = World::with_trail(400, 79);
    let whole = world.lake("whole").many_commits();
    whole.ingest();
    let (wanted, said) = (whole.contents().unwrap(), report(&whole));
    let logs = world.logs();
    let away = world.path("away");
    for is_torn in [false, true] {
        let lake = whole.copied(if is_torn { "torn" } else { "lake" });
        for file in data_files(lake.folder(), "events").iter().step_by(3) {
            std::fs::write(file, b"PAR1").unwrap();
        }
        std::fs::rename(&logs, &away).unwrap();
        if is_torn {
            assert!(lake.dies(&["lake", "repair"], "repair.noted", 1));
        }
        let run = lake.run(&["lake", "repair", "--output", "json"]);
        assert!(run.code == 3 && run.json()["rows_lost"].as_u64().unwrap() > 10, "{}{}", run.stdout, run.stderr);
        std::fs::rename(&away, &logs).unwrap();
        let back = lake.done(&["ingest", "--again", text(&logs)]);
        assert_eq!(back["rows"], run.json()["rows_lost"]);
        let contents = lake.contents().unwrap();
        for (table, have, want) in
            [("last_used", &contents.last_used, &wanted.last_used), ("coverage", &contents.coverage, &wanted.coverage)]
        {
            super::contents::assert_same(have, want, table, "after they came back");
        }
        assert_eq!(from_events(&lake, if is_torn { "torn-events" } else { "events" }), said);
        without_events(&lake);
        assert_eq!(report(&lake), said);
    }
}

/// An object that has grown since: its new events are folded as any.
#[test]
fn what_an_object_got_since_it_was_given_up_is_counted() {
    let world = World::empty();
    let event = super::trail::event;
    let old = [event("a", "2026-03-01T01:00:00Z", ""), event("b", "2026-03-01T02:00:00Z", "")];
    let log = world.log("grown.json", &super::trail::records(&old));
    let lake = world.lake("lake");
    lake.ingest();
    let file = data_files(lake.folder(), "events").remove(0);
    std::fs::write(&file, b"PAR1").unwrap();
    std::fs::remove_file(&log).unwrap();
    assert_eq!(lake.run(&["lake", "repair"]).code, 3);
    let mut grown = old.to_vec();
    grown.push(event("c", "2026-03-01T03:00:00Z", ""));
    world.log("grown.json", &super::trail::records(&grown));
    lake.ingest();
    let fresh = world.lake("fresh");
    fresh.ingest();
    let (have, want) = (lake.contents().unwrap(), fresh.contents().unwrap());
    assert_eq!((have.ids, have.last_used), (want.ids, want.last_used));
    assert_eq!(super::contents::Contents::sum(&have.coverage, 0), 3);
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
