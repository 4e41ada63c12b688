//! Two writers at once, in every order that two handles allow.

use super::*;
use crate::schema::{COVERAGE, LAST_USED, OBJECTS};

/// Ingests through a handle that was opened before somebody else committed.
#[test]
fn the_second_of_two_writers_drops_what_the_first_brought() {
    let place = Place::new(2_000);
    let mut early = place.open();
    // The late handle knows nothing of the other's commit until it meets it.
    let mut late = place.open();
    let (first, _) = place.ingest_with(&mut early, &place.logs(), false);
    let (second, outcome) = place.ingest_with(&mut late, &place.logs(), false);
    assert_eq!(first.rows, 2_000);
    assert_eq!((second.rows, outcome.lost_to_others), (2_000, 2_000));
    let lake = place.open();
    assert_eq!(ids(&lake).values().sum::<usize>(), 2_000);
    assert_eq!(sum(&lake, OBJECTS, "rows"), 2_000);
    assert_eq!(sum(&lake, COVERAGE, "rows"), 2_000);
    assert_eq!(sum(&lake, LAST_USED, "attempts"), 2_000);
}

#[test]
fn two_writers_of_different_events_both_stand() {
    let place = Place::new(2_000);
    let other = place.folder.path().join("other");
    write(&Plan { events: 1_000, seed: 99, days: 7, ..Plan::default() }, &other).unwrap();
    let (mut a, mut b) = (place.open(), place.open());
    place.ingest_with(&mut a, &place.logs(), false);
    let (_, outcome) = place.ingest_with(&mut b, &other, false);
    assert_eq!(outcome.lost_to_others, 0);
    let lake = place.open();
    assert_eq!(ids(&lake).values().sum::<usize>(), 3_000);
    assert_eq!(sum(&lake, OBJECTS, "rows"), 3_000);
}

#[test]
fn a_table_that_was_left_behind_catches_up() {
    let place = Place::new(500);
    place.ingest(&place.logs());
    // As if the writer had died between the commit of `events` and those of the others.
    let log = place.folder.path().join("lake/objects/_delta_log/00000000000000000001.json");
    std::fs::remove_file(&log).unwrap();
    assert_eq!(sum(&Lake::open(&place.place(), &Aws::default()).unwrap(), OBJECTS, "rows"), 0);
    assert_eq!(sum(&place.open(), OBJECTS, "rows"), 500);
    let (second, _) = place.ingest(&place.logs());
    assert_eq!(second.objects, 0);
}
