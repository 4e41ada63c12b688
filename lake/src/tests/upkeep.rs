//! Upkeep: the same answers before and after, and damage found and mended.

use super::*;
use crate::Error;
use crate::schema::COVERAGE;
use crate::upkeep::compact::Bin;

/// A bin's rows, in no order: what is sorted how is the query engine's affair.
fn of(lake: &Lake, bin: &Bin) -> Vec<Result<RecordBatch, std::io::Error>> {
    let mut all = Vec::new();
    for file in &bin.files {
        read::file(lake, bin.table, file, None, &mut |batch| {
            all.push(Ok(batch));
            Ok(())
        })
        .unwrap();
    }
    all
}

#[test]
fn compaction_changes_files_and_no_rows() {
    let place = Place::new(2_000);
    place.ingest(&place.logs());
    let other = place.folder.path().join("other");
    write(&Plan { events: 1_000, seed: 5, days: 7, ..Plan::default() }, &other).unwrap();
    place.ingest(&other);
    let mut lake = place.open();
    let (before, files) = (ids(&lake), lake.files(EVENTS).unwrap().len());
    for bin in lake.bins().unwrap() {
        let rows = of(&lake, &bin);
        let done = lake.rewrite(&bin, rows.into_iter()).unwrap();
        assert_eq!((done.removed, done.added), (bin.files.len() as u64, 1));
    }
    assert_eq!(ids(&lake), before);
    assert!(lake.files(EVENTS).unwrap().len() < files);
    assert!(lake.bins().unwrap().is_empty(), "a second compaction has nothing to do");
    assert!(lake.check().unwrap().is_sound());
    let (again, _) = place.ingest_with(&mut lake, &other, true);
    assert_eq!(again.rows, 0);
}

/// Files are closed when they have the size that is aimed at, and large ones are left alone.
#[test]
fn compacted_files_have_the_size_that_is_aimed_at() {
    const AIM: usize = 200_000;
    // A size is told before the last pages are compressed, which are most of so small a file.
    const SMALL: u64 = 25_000;
    let place = Place::new(6_000);
    place.ingest(&place.logs());
    let mut lake = place.open();
    let before = ids(&lake);
    for bin in lake.bins_below(SMALL).unwrap() {
        let rows = of(&lake, &bin).into_iter().flatten().flat_map(|batch| {
            let starts = (0..batch.num_rows()).step_by(50);
            starts.map(|start| batch.slice(start, 50.min(batch.num_rows() - start))).collect::<Vec<_>>()
        });
        lake.rewrite_to(&bin, rows.map(Ok::<_, std::io::Error>), AIM).unwrap();
    }
    assert_eq!(ids(&lake), before);
    let files = lake.files(EVENTS).unwrap();
    let large = files.iter().filter(|file| file.bytes >= SMALL).count();
    assert!(large > 7, "{large} of {} files", files.len());
    assert!(files.iter().all(|file| file.bytes < AIM as u64 * 3 / 2), "{files:?}");
    // What is left over of a day is a small file, and the only one of its day.
    let small = files.iter().filter(|file| file.bytes < SMALL).map(|file| file.event_date);
    let days: std::collections::BTreeSet<_> = small.clone().collect();
    assert_eq!(days.len(), small.count());
    assert!(lake.bins_below(SMALL).unwrap().is_empty(), "a second compaction has nothing to do");
}

#[test]
fn a_compaction_that_was_overtaken_leaves_no_trace() {
    let place = Place::new(2_000);
    place.ingest(&place.logs());
    let (mut a, mut b) = (place.open(), place.open());
    let bin = a.bins().unwrap().remove(0);
    let rows = (of(&a, &bin), of(&b, &bin));
    assert_eq!(a.rewrite(&bin, rows.0.into_iter()).unwrap().removed, bin.files.len() as u64);
    assert_eq!(b.rewrite(&bin, rows.1.into_iter()).unwrap().removed, 0);
    assert_eq!(ids(&place.open()).values().sum::<usize>(), 2_000);
}

#[test]
fn a_compaction_that_lost_rows_is_refused() {
    let place = Place::new(500);
    place.ingest(&place.logs());
    let mut lake = place.open();
    let bin = lake.bins().unwrap().remove(0);
    let none: Vec<Result<RecordBatch, std::io::Error>> = Vec::new();
    assert!(matches!(lake.rewrite(&bin, none.into_iter()), Err(Error::Io { .. })));
    assert_eq!(ids(&place.open()).values().sum::<usize>(), 500);
}

#[test]
fn old_days_go_and_what_nobody_names_is_swept() {
    let place = Place::new(2_000);
    place.ingest(&place.logs());
    let mut lake = place.open();
    let days: Vec<_> = lake.files(EVENTS).unwrap().iter().filter_map(|file| file.event_date).collect();
    let middle = days[days.len() / 2];
    let first = chrono::NaiveDate::default() + chrono::TimeDelta::days(middle.into());
    let expired = lake.expire(first).unwrap();
    assert!(expired.rows > 0);
    assert!(lake.files(EVENTS).unwrap().iter().all(|file| file.event_date.is_none_or(|day| day >= middle)));
    // As a writer leaves them that dies while it writes.
    let half = ["events/event_date=2026-01-01#1", "events/_delta_log/00000000000000000009.json#12"];
    let half = half.map(|name| place.folder.path().join("lake").join(name));
    half.iter().for_each(|path| std::fs::write(path, "x").unwrap());
    assert_eq!(lake.sweep(chrono::TimeDelta::days(1)).unwrap().swept, 0, "too young to go");
    let swept = lake.sweep(chrono::TimeDelta::seconds(-5)).unwrap();
    assert!(swept.swept >= expired.files + 2);
    assert!(half.iter().all(|path| !path.exists()));
    let checked = lake.check().unwrap();
    assert!(checked.is_sound());
    assert_eq!((checked.rows, checked.unnamed), (2_000 - expired.rows, 0));
}

/// Days that an expiry took away are still counted in `coverage`: they do not hide that others are not.
#[test]
fn what_coverage_lacks_of_a_day_is_told_whatever_other_days_count() {
    let place = Place::new(2_000);
    place.ingest(&place.logs());
    let first = place.open().files(COVERAGE).unwrap();
    let other = place.folder.path().join("other");
    write(&Plan { events: 1_000, seed: 5, days: 7, ..Plan::default() }, &other).unwrap();
    place.ingest(&other);
    let mut lake = place.open();
    let days: Vec<_> = lake.files(EVENTS).unwrap().iter().filter_map(|file| file.event_date).collect();
    let middle = days.iter().min().unwrap() + 4;
    lake.expire(chrono::NaiveDate::default() + chrono::TimeDelta::days(middle.into())).unwrap();
    assert!(lake.check().unwrap().is_sound());
    let mut files = lake.files(COVERAGE).unwrap();
    files.retain(|file| first.iter().all(|known| known.path != file.path));
    assert_eq!(files.len(), 1);
    let whole = sum(&lake, COVERAGE, "rows");
    assert!(lake.exchange(COVERAGE, &files, &[], true).unwrap());
    let there: u64 = lake.files(EVENTS).unwrap().iter().map(|file| file.rows).sum();
    assert!(sum(&lake, COVERAGE, "rows") >= i64::try_from(there).unwrap(), "the sum tells nothing");
    let checked = lake.check().unwrap();
    let told: Vec<_> = checked.log.iter().map(|fault| (fault.file.as_str(), fault.is_mendable)).collect();
    assert_eq!(told, [(COVERAGE, true)], "{:?}", checked.log);
    assert!(checked.log[0].why.contains("other days: rows of it are gone"), "{:?}", checked.log);
    assert_eq!(lake.count_again().unwrap(), [COVERAGE]);
    assert!(lake.check().unwrap().is_sound());
    assert!(sum(&lake, COVERAGE, "rows") < whole, "what was lost of expired days is lost");
}

#[test]
fn a_flipped_bit_is_found_named_and_mended() {
    let place = Place::new(1_000);
    place.ingest(&place.logs());
    let mut lake = place.open();
    let before = ids(&lake);
    let file = lake.files(EVENTS).unwrap().remove(0);
    let path = place.folder.path().join("lake/events").join(&file.path);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let checked = lake.check().unwrap();
    assert_eq!(checked.damaged.iter().map(|damage| &damage.data.path).collect::<Vec<_>>(), [&file.path]);
    let aside = lake.set_aside(&checked).unwrap();
    assert_eq!((aside.files, aside.rows), (1, file.rows));
    let sources: Vec<_> = aside.objects.keys().map(PathBuf::from).collect();
    assert!(!sources.is_empty());
    let mut count = Count::default();
    let mut sink = Ingest::begin(&mut lake, &mut count, 1).unwrap().repairing(aside);
    let totals = scan(&Sources::new(&sources).unwrap(), &Options::default(), &mut sink).unwrap();
    sink.end().unwrap();
    assert_eq!(totals.rows, file.rows);
    assert_eq!(ids(&lake), before);
    assert!(lake.check().unwrap().is_sound());
}

/// Of a sorted file, columns of few bytes are left as they are, long ones are compressed in pages of a few hundred rows:
/// a question opens many files, and wants a few rows of them.
#[test]
fn compacted_files_are_cheap_to_open_and_to_skip_in() {
    let place = Place::new(0);
    write(&Plan { events: 12_000, days: 1, ..Plan::default() }, &place.logs()).unwrap();
    place.ingest(&place.logs());
    let mut lake = place.open();
    let bin = lake.bins().unwrap().swap_remove(0);
    let rows = of(&lake, &bin);
    lake.rewrite(&bin, rows.into_iter()).unwrap();
    let file = lake.files(EVENTS).unwrap().swap_remove(0);
    let bytes = std::fs::read(place.folder.path().join("lake").join(EVENTS).join(&file.path)).unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let group = reader.get_row_group(0).unwrap();
    let column = |name: &str| {
        let index = group.metadata().columns().iter().position(|c| c.column_path().string() == name).unwrap();
        (group.metadata().column(index).compression(), group.get_column_page_reader(index).unwrap().count())
    };
    for name in ["eventsource", "eventname", "principal", "useridentity.type", "extra"] {
        assert_eq!(column(name).0, Compression::UNCOMPRESSED, "{name}");
    }
    for name in ["eventid", "requestparameters", "additionaleventdata"] {
        let (compression, pages) = column(name);
        assert!(matches!(compression, Compression::ZSTD(_)), "{name}");
        assert!(pages > 10, "{name}: {pages} pages");
    }
}
