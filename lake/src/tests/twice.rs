//! Each event once, whatever is ingested how often.

use super::*;
use crate::schema::{COVERAGE, LAST_USED, OBJECTS, REJECTS};

#[test]
fn a_second_run_finds_nothing_new() {
    let place = Place::new(3_000);
    let (first, outcome) = place.ingest(&place.logs());
    assert_eq!(first.rows, 3_000);
    assert!(outcome.commits >= 1);
    let lake = place.open();
    let before = ids(&lake);
    assert_eq!(before.len() as u64 + first.duplicates, first.rows + first.duplicates);
    assert!(before.values().all(|times| *times == 1));
    let (second, outcome) = place.ingest(&place.logs());
    assert_eq!((second.objects, second.rows, second.duplicates, outcome.commits), (0, 0, 0, 0));
    let (again, _) = place.ingest_with(&mut place.open(), &place.logs(), true);
    assert_eq!((again.rows, again.duplicates), (0, first.rows + first.duplicates));
    assert_eq!(ids(&place.open()), before);
}

#[test]
fn copies_in_another_folder_are_duplicates() {
    let place = Place::new(2_000);
    place.ingest(&place.logs());
    let before = ids(&place.open());
    let copy = place.folder.path().join("copy");
    let plan = Plan { events: 2_000, days: 7, ..Plan::default() };
    let written = write(&plan, &copy).unwrap();
    let (second, _) = place.ingest(&copy);
    assert_eq!((second.rows, second.duplicates), (0, written.events + written.duplicates));
    assert_eq!(ids(&place.open()), before);
}

#[test]
fn the_other_tables_add_up() {
    let place = Place::new(2_000);
    let bad = place.logs().join("bad.json");
    std::fs::write(&bad, r#"{"Records":[{"eventVersion":"1.08","eventName":"x","eventSource":"s","eventID":"e"}, 7]}"#)
        .unwrap();
    let (totals, _) = place.ingest(&place.logs());
    assert_eq!((totals.rows, totals.rejected), (2_001, 1));
    let lake = place.open();
    assert_eq!(sum(&lake, OBJECTS, "rows"), 2_001);
    assert_eq!(sum(&lake, OBJECTS, "rejected"), 1);
    assert_eq!(sum(&lake, COVERAGE, "rows"), 2_000, "the event without a time covers no hour");
    assert_eq!(sum(&lake, LAST_USED, "attempts"), 2_001);
    let rejects = rows(&lake, REJECTS);
    assert_eq!(rejects.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    let raw = rejects[0].column_by_name("raw").unwrap().as_binary::<i32>().value(0).to_vec();
    assert_eq!(raw, b"7");
    let offset = rejects[0].column_by_name("offset").unwrap().as_primitive::<arrow::datatypes::Int64Type>().value(0);
    assert_eq!(std::fs::read(&bad).unwrap()[offset as usize], b'7');
    let sums = rows(&lake, OBJECTS);
    assert!(sums.iter().all(|batch| batch.column_by_name("sha256").unwrap().null_count() == 0));
}

#[test]
fn events_come_back_as_they_were() {
    let place = Place::new(1_500);
    place.ingest(&place.logs());
    let restored = |batches: &[RecordBatch]| {
        let mut all: Vec<String> =
            batches.iter().flat_map(|b| (0..b.num_rows()).map(|r| ingest::restore::record_to_json(b, r))).collect();
        all.sort_unstable();
        all
    };
    let mut direct = Vec::new();
    let mut take = |batch: RecordBatch| {
        direct.push(batch);
        std::ops::ControlFlow::Continue(())
    };
    scan(&Sources::new(&[place.logs()]).unwrap(), &Options::default(), &mut take).unwrap();
    assert_eq!(restored(&rows(&place.open(), EVENTS)), restored(&direct));
}

/// Events without an id: known again by what they say and where they come from.
#[test]
fn events_without_an_id_count_once_too() {
    let place = Place::new(0);
    let file = place.folder.path().join("nameless.json");
    let record =
        |name: &str| format!(r#"{{"eventVersion":"1.08","eventTime":"2026-01-02T03:04:05Z","eventName":"{name}"}}"#);
    let write = |names: &[&str]| {
        let records: Vec<_> = names.iter().map(|name| record(name)).collect();
        std::fs::write(&file, format!(r#"{{"Records":[{}]}}"#, records.join(","))).unwrap();
    };
    write(&["a", "a", "b"]);
    let (first, _) = place.ingest(&file);
    assert_eq!((first.rows, first.duplicates), (3, 0), "equal records of one object are two events");
    let (again, _) = place.ingest_with(&mut place.open(), &file, true);
    assert_eq!((again.rows, again.duplicates), (0, 3));
    write(&["a", "a", "b", "a", "c"]);
    let (grown, _) = place.ingest(&file);
    assert_eq!((grown.rows, grown.duplicates), (2, 3));
    let (mut early, mut late) = (place.open(), place.open());
    write(&["a", "a", "b", "a", "c", "d"]);
    place.ingest_with(&mut early, &file, false);
    let (_, outcome) = place.ingest_with(&mut late, &file, false);
    assert_eq!(outcome.lost_to_others, 1);
    assert_eq!(ids(&place.open()).values().sum::<usize>(), 6);
}
