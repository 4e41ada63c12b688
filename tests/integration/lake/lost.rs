//! What Delta's log or somebody's hand has lost of a lake without a trace: single lines of commits, whole tables. It is told, no
//! expiry takes what is left for garbage, and a repair brings it back.

use super::kill::Dice;
use super::{Lake, World};
use crate::command::text;

const COMMIT: &str = "events/_delta_log/00000000000000000001.json";
const COVERED: &str = "SELECT account, region, hour, sum(rows) AS n FROM coverage GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";

/// The rows of an answer.
fn asked(lake: &Lake<'_>, sql: &str) -> serde_json::Value {
    lake.done(&["query", sql])
}

/// Takes one line out of a commit.
fn without(lake: &Lake<'_>, commit: &str, line: usize) {
    let file = lake.folder().join(commit);
    let text = std::fs::read_to_string(&file).unwrap();
    let left: Vec<_> = text.lines().enumerate().filter(|(at, _)| *at != line).map(|(_, line)| line).collect();
    std::fs::write(&file, left.join("\n") + "\n").unwrap();
}

/// Which actions a commit has, line by line.
fn actions(lake: &Lake<'_>, commit: &str) -> Vec<String> {
    let text = std::fs::read_to_string(lake.folder().join(commit)).unwrap();
    text.lines().map(|line| line.split('"').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn a_lake_without_the_log_of_its_events_says_so() {
    let world = World::with_trail(60, 92);
    let lake = world.lake("lake");
    lake.ingest();
    for folder in ["events/_delta_log", "_trailhound/commits"] {
        std::fs::remove_dir_all(lake.folder().join(folder)).unwrap();
    }
    for args in [&["lake", "check"][..], &["lake", "repair"], &["query", "SELECT 1"], &["ingest", text(&world.logs())]]
    {
        let run = lake.run(args);
        assert!(run.code == 5 && run.stderr.contains("events/_delta_log: all commits"), "{args:?}: {}", run.stderr);
        assert!(!lake.folder().join("events/_delta_log").exists(), "{args:?}");
    }
}

/// Nothing but its line in the log says that a data file is the table's: without it, an expiry took the file for garbage.
#[test]
fn a_line_lost_from_a_commit_is_told_kept_and_put_back() {
    let world = World::with_trail(300, 93);
    let whole = world.lake("lake");
    whole.ingest();
    let before = asked(&whole, "SELECT eventid FROM events ORDER BY 1");
    for (line, action) in actions(&whole, COMMIT).into_iter().enumerate().filter(|(_, action)| action != "commitInfo") {
        let lake = whole.copied(&format!("without-{line}"));
        without(&lake, COMMIT, line);
        let checked = lake.run(&["lake", "check", "--output", "json"]);
        assert_eq!((checked.code, &checked.json()["log"][0]["mendable"]), (3, &true.into()), "{}", checked.stdout);
        if action == "add" {
            assert_ne!(asked(&lake, "SELECT eventid FROM events ORDER BY 1"), before);
            std::thread::sleep(std::time::Duration::from_millis(1100));
            let expired = lake.run(&["lake", "expire", "--grace", "1s", "--output", "json"]);
            assert_eq!((expired.code, &expired.json()["files_lost_by_the_log"]), (3, &1.into()), "{}", expired.stderr);
            assert!(expired.stderr.contains("lake repair"), "{}", expired.stderr);
        }
        let repaired = lake.done(&["lake", "repair"]);
        let mended = ["put_back", "mended"].map(|field| repaired[field].as_array().unwrap().len());
        assert_eq!(mended.iter().sum::<usize>(), 1, "{action}: {repaired}");
        assert_eq!(lake.run(&["lake", "check"]).code, 0, "{action}");
        assert_eq!(asked(&lake, "SELECT eventid FROM events ORDER BY 1"), before, "{action}");
    }
}

/// Whoever ingests again before the repair has some of the rows already.
#[test]
fn rows_that_came_again_meanwhile_are_not_put_back_twice() {
    let world = World::with_trail(300, 94);
    let lake = world.lake("lake");
    lake.ingest();
    let before = asked(&lake, "SELECT eventid FROM events ORDER BY 1");
    let add = actions(&lake, COMMIT).iter().position(|action| action == "add").unwrap();
    without(&lake, COMMIT, add);
    lake.done(&["ingest", "--again", text(&world.logs())]);
    assert_eq!(lake.done(&["lake", "repair"])["rows_put_back"], 0);
    assert_eq!(asked(&lake, "SELECT eventid FROM events ORDER BY 1"), before);
    assert_eq!(lake.run(&["lake", "check"]).code, 0);
}

/// A file that a compaction took out is there again with its sorted copy, and every event twice.
#[test]
fn files_that_come_back_are_taken_out_again() {
    let world = World::with_trail(300, 95);
    let lake = world.lake("lake");
    lake.ingest();
    let before = asked(&lake, "SELECT eventid FROM events ORDER BY 1");
    lake.done(&["lake", "compact"]);
    let commit = "events/_delta_log/00000000000000000002.json";
    let removed = actions(&lake, commit).iter().position(|action| action == "remove").unwrap();
    // Its later commits are not summed up by a checkpoint yet.
    without(&lake, commit, removed);
    let checked = lake.run(&["lake", "check"]);
    assert!(checked.code == 3 && checked.stdout.contains("it took out"), "{}", checked.stdout);
    lake.done(&["lake", "repair"]);
    assert_eq!(lake.run(&["lake", "check"]).code, 0);
    assert_eq!(asked(&lake, "SELECT eventid FROM events ORDER BY 1"), before);
}

/// The file is gone as well: its events are read again from where they came from.
#[test]
fn a_lost_file_that_is_gone_is_read_again() {
    let world = World::with_trail(300, 96);
    let lake = world.lake("lake");
    lake.ingest();
    let before = asked(&lake, "SELECT eventid FROM events ORDER BY 1");
    let text = std::fs::read_to_string(lake.folder().join(COMMIT)).unwrap();
    let add = actions(&lake, COMMIT).iter().position(|action| action == "add").unwrap();
    let action: serde_json::Value = serde_json::from_str(text.lines().nth(add).unwrap()).unwrap();
    without(&lake, COMMIT, add);
    std::fs::remove_file(lake.folder().join("events").join(action["add"]["path"].as_str().unwrap())).unwrap();
    let repaired = lake.done(&["lake", "repair"]);
    assert_eq!(
        (&repaired["rows_lost"], repaired["rows_recovered"].as_u64() > Some(0)),
        (&0.into(), true),
        "{repaired}"
    );
    assert_eq!(asked(&lake, "SELECT eventid FROM events ORDER BY 1"), before);
    assert_eq!(lake.run(&["lake", "check"]).code, 0);
}

/// A table beside `events` that somebody deleted is as sound as one to which nothing ever came.
#[test]
fn a_table_that_is_gone_is_told_and_made_anew() {
    for table in ["objects", "coverage", "last_used", "rejects"] {
        let world = World::with_trail(300, 97);
        let lake = world.lake("lake");
        lake.ingest();
        lake.done(&["lake", "compact"]);
        let covered = asked(&lake, COVERED);
        std::fs::remove_dir_all(lake.folder().join(table)).unwrap();
        let checked = lake.run(&["lake", "check"]);
        assert!(checked.code == 3 && checked.stdout.contains("the table is gone"), "{table}: {}", checked.stdout);
        let repaired = lake.run(&["lake", "repair"]);
        assert!(repaired.stderr.contains(&format!("{table}: the table was not there")), "{table}: {}", repaired.stderr);
        assert_eq!(lake.run(&["lake", "check"]).code, 0, "{table}");
        assert_eq!(asked(&lake, COVERED), covered, "{table}");
        assert_eq!(lake.done(&["ingest", text(&world.logs())])["rows"], 0, "{table}");
        assert_eq!(lake.run(&["lake", "check"]).code, 0, "{table}");
    }
}

/// A flipped bit in a commit: whatever it hits, nobody is told wrong figures as if all were sound, and a repair writes the commit as it was.
#[test]
fn a_flipped_bit_in_a_commit_is_mended_from_what_the_commit_says_of_itself() {
    let world = World::with_trail(120, 99);
    let whole = world.lake("lake");
    whole.ingest();
    let question = "SELECT count(*) AS n, count(DISTINCT eventid) AS ids FROM events WHERE eventtime >= TIMESTAMP '2000-01-01 00:00:00'";
    let before = asked(&whole, question);
    let written = std::fs::read(whole.folder().join(COMMIT)).unwrap();
    let mut dice = Dice::new(99);
    let mut mended = 0;
    for round in 0..24 {
        let lake = whole.copied("flipped");
        let mut bytes = written.clone();
        let at = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
        bytes[at] ^= 1 << dice.below(8);
        std::fs::write(lake.folder().join(COMMIT), &bytes).unwrap();
        if lake.run(&["lake", "check"]).code != 0 {
            let repaired = lake.run(&["lake", "repair"]);
            assert_eq!(
                lake.run(&["lake", "check"]).code,
                0,
                "{round}: byte {at}: {}{}",
                repaired.stdout,
                repaired.stderr
            );
            mended += 1;
        }
        assert_eq!(asked(&lake, question), before, "{round}: byte {at}");
        std::fs::remove_dir_all(lake.folder()).unwrap();
    }
    assert!(mended > 8, "{mended}");
}

/// A word that an action must have is another one: readers take a default for it, or stop.
#[test]
fn a_misspelt_word_of_a_commit_is_mended() {
    let world = World::with_trail(60, 101);
    let whole = world.lake("lake");
    whole.ingest();
    let wanted = whole.contents();
    for (table, action, word, other) in [
        ("activity", "txn", "version", "v%rsion"),
        ("objects", "txn", "appId", "%ppId"),
        ("coverage", "add", "size", "s%ze"),
        ("events", "txn", "version", "v%rsion"),
        ("events", "add", "dataChange", "d%taChange"),
        ("coverage", "metaData", "schemaString", "sch%maString"),
        ("events", "metaData", "schemaString", "sch%maString"),
        ("last_used", "metaData", "\\\"metadata\\", "\\\"m%tadata\\"),
    ] {
        let lake = whole.copied("misspelt");
        let version = u32::from(action != "metaData");
        let file = lake.folder().join(format!("{table}/_delta_log/{version:020}.json"));
        let text = std::fs::read_to_string(&file).unwrap();
        let misspelt = text.lines().map(|line| match line.starts_with(&format!("{{\"{action}\"")) {
            true => line.replacen(word, other, 1) + "\n",
            false => format!("{line}\n"),
        });
        let misspelt: String = misspelt.collect();
        assert_ne!(misspelt.trim_end(), text.trim_end());
        std::fs::write(&file, misspelt).unwrap();
        let repaired = lake.run(&["lake", "repair"]);
        let context = format!("{table} {action} {word}: {}{}", repaired.stdout, repaired.stderr);
        assert_eq!(lake.run(&["lake", "check"]).code, 0, "{context}");
        assert_eq!(lake.ingest()["rows"], 0, "{context}");
        // What a table beside `events` had is made anew from them.
        lake.done(&["lake", "compact"]);
        assert_eq!(lake.contents(), wanted, "{context}");
        std::fs::remove_dir_all(lake.folder()).unwrap();
    }
}
