//! Files that are damaged or gone while a question runs.

use std::path::Path;

use lake::schema::EVENTS;
use lake::{Aws, Lake};

use super::ingest_into;
use crate::tests::text;
use crate::{Engine, Error, Limits};

/// A lake of one file, which then is damaged in some way; what a question says to that.
fn asked_after(damage: impl FnOnce(&Path)) -> (String, Error) {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("lake").display().to_string();
    let mut lake = Lake::open_for_writing(&place, &Aws::default()).unwrap();
    let log = dir.path().join("log.json");
    let records = crate::tests::EVENTS.join("\n");
    std::fs::write(&log, records).unwrap();
    ingest_into(&mut lake, &[&log]);
    let engine = Engine::new(Limits::default()).unwrap();
    engine.register_lake(&lake).unwrap();
    assert_eq!(text(&engine.collect_blocking("SELECT count(eventname) FROM events").unwrap()), ["7"]);
    let file = lake.files(EVENTS).unwrap().remove(0);
    damage(&dir.path().join("lake/events").join(&file.path));
    let engine = Engine::new(Limits::default()).unwrap();
    engine.register_lake(&lake).unwrap();
    let sql = "SELECT count(eventname), max(requestparameters) FROM events";
    (file.path, engine.collect_blocking(sql).unwrap_err())
}

#[test]
fn a_file_that_went_away_is_named() {
    let (path, error) = asked_after(|file| std::fs::remove_file(file).unwrap());
    assert!(matches!(error, Error::Input(_)), "{error:?}");
    assert!(error.to_string().contains(&path) && error.to_string().contains("not there any more"), "{error}");
}

#[test]
fn a_damaged_file_is_no_fault_of_the_question() {
    let flip = |from: usize, to: usize| {
        move |file: &Path| {
            let mut bytes = std::fs::read(file).unwrap();
            let end = bytes.len();
            bytes[from..to.min(end)].fill(0x5a);
            std::fs::write(file, bytes).unwrap();
        }
    };
    let short = |file: &Path| std::fs::write(file, b"PAR1").unwrap();
    for (path, error) in [asked_after(flip(4, 8000)), asked_after(short)] {
        assert!(matches!(error, Error::Input(_)), "{path}: {error:?}");
        assert!(error.to_string().contains("trailhound lake check"), "{error}");
    }
}
