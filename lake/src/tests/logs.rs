//! Delta's log when it is not what was written: told by name, and mended where everything is still there.

use super::*;
use crate::Error;

/// A slip in the name of a lake would be "mended" to an empty one, in which nothing is ever found.
#[test]
fn nothing_is_repaired_where_no_lake_is() {
    let place = Place::new(10);
    let nowhere = place.folder.path().join("nowhere");
    std::fs::create_dir(&nowhere).unwrap();
    for path in [&nowhere, &place.folder.path().join("slip"), &place.logs()] {
        let opened = Lake::open_for_repair(path.to_str().unwrap(), &Aws::default());
        assert!(matches!(opened, Err(Error::Absent { .. })), "{opened:?}");
        assert!(!path.join(EVENTS).exists(), "{}", path.display());
    }
}

/// One flipped bit in the word `add`, and readers leave the file out without a word.
#[test]
fn a_line_that_delta_does_not_know_is_told() {
    let place = Place::new(500);
    place.ingest(&place.logs());
    let file = place.folder.path().join("lake/events/_delta_log/00000000000000000001.json");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(place.open().check().unwrap().is_sound());
    // A commit that does not say itself what it does, as of before.
    let text = text.replacen("\"trailhound\":", "\"other\":", 1);
    std::fs::write(&file, text.replacen("\"add\"", "\"a`d\"", 1)).unwrap();
    let checked = Lake::open(&place.place(), &Aws::default()).unwrap().check().unwrap();
    assert!(!checked.is_sound());
    let fault = &checked.log[0];
    assert_eq!(fault.file, "events/_delta_log/00000000000000000001.json");
    assert!(fault.why.contains("line "), "{fault:?}");
}

#[test]
fn a_lost_checkpoint_is_set_aside() {
    let place = Place::new(10);
    for seed in 0..21 {
        let logs = place.folder.path().join(format!("logs-{seed}"));
        write(&Plan { events: 10, seed, days: 1, ..Plan::default() }, &logs).unwrap();
        place.ingest(&logs);
    }
    let before = ids(&place.open());
    let log = place.folder.path().join("lake/events/_delta_log");
    let checkpoints = || {
        let files = std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|file| file.to_string_lossy().ends_with(".parquet")).collect::<Vec<_>>()
    };
    let newest = checkpoints().pop().unwrap();
    let bytes = std::fs::read(&newest).unwrap();
    for damage in [None, Some(&bytes[..0]), Some(&bytes[..bytes.len() / 2])] {
        match damage {
            None => std::fs::remove_file(&newest).unwrap(),
            Some(rest) => std::fs::write(&newest, rest).unwrap(),
        }
        let error = Lake::open(&place.place(), &Aws::default()).unwrap_err();
        assert!(matches!(&error, Error::Checkpoint { table: EVENTS, .. }), "{error}");
        assert!(error.to_string().contains("trailhound lake repair"), "{error}");
        let (lake, mended) = Lake::open_for_repair(&place.place(), &Aws::default()).unwrap();
        assert_eq!((ids(&lake), mended.len()), (before.clone(), 1));
        assert_eq!(ids(&place.open()), before);
        assert!(checkpoints().is_empty());
        std::fs::write(log.join("_last_checkpoint"), r#"{"version":20,"size":1}"#).unwrap();
    }
}

/// A flipped digit in what the log says of a file: questions pass it over, and its bytes are sound.
#[test]
fn what_the_log_says_wrongly_of_a_file_is_told_and_mended() {
    for (word, other) in
        [("\\\"maxValues\\\":{\\\"eventtime\\\":\\\"20", "30"), ("\"partitionValues\":{\"event_date\":\"20", "30")]
    {
        let place = Place::new(500);
        place.ingest(&place.logs());
        let before = ids(&place.open());
        let file = place.folder.path().join("lake/events/_delta_log/00000000000000000001.json");
        let text = std::fs::read_to_string(&file).unwrap();
        let wrong = text.replacen(word, &format!("{}{other}", &word[..word.len() - 2]), 1);
        assert_ne!(text, wrong);
        std::fs::write(&file, wrong).unwrap();
        let (mut lake, _) = Lake::open_for_repair(&place.place(), &Aws::default()).unwrap();
        let checked = lake.check().unwrap();
        assert_eq!(checked.damaged.len(), 1, "{checked:?}");
        assert!(checked.damaged[0].why.contains("the log says"), "{checked:?}");
        assert_eq!(lake.set_aside(&checked).unwrap().files, 0, "nothing is read again");
        assert_eq!(lake.tell_again(&checked).unwrap().len(), 1);
        assert!(lake.check().unwrap().is_sound());
        assert_eq!(ids(&place.open()), before);
    }
}
