//! Objects of which nothing came in: told again with every run, until they are read with another limit.

use super::World;
use super::trail::{event, records};
use crate::command::{gzip, text};

#[test]
fn what_was_refused_whole_is_not_forgotten() {
    let world = World::empty();
    let day = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/01";
    let padding = format!(r#","errorMessage":"{}""#, "x".repeat(1000));
    let large: Vec<_> = (0..3000).map(|n| event(&format!("l{n}"), "2026-03-01T10:00:00Z", &padding)).collect();
    world.log(&format!("{day}/large.json.gz"), &gzip(&records(&large)));
    world.log(&format!("{day}/small.json.gz"), &gzip(&records(&[event("s", "2026-03-01T10:00:00Z", "")])));
    world.log(&format!("{day}/broken.json.gz"), b"\x1f\x8b\x08 no gzip");
    let (lake, logs) = (world.lake("lake"), world.logs());
    let ingest = |more: &[&str]| lake.run(&[&["ingest", text(&logs), "--output", "json"], more].concat());
    let first = ingest(&["--max-inflated-bytes", "1MiB"]);
    assert_eq!(first.code, 3, "{}", first.stderr);
    assert!(first.stderr.contains("--again"), "{}", first.stderr);
    for _ in 0..2 {
        let next = ingest(&[]);
        let said: serde_json::Value = serde_json::from_str(&next.stdout).unwrap();
        assert_eq!((&said["objects_skipped"], &said["objects_refused_before"]), (&3.into(), &2.into()), "{said}");
        assert!(next.stderr.contains("of 2 objects nothing is in the lake"), "{}", next.stderr);
    }
    let again = ingest(&["--again"]);
    let said: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!((&said["rows"], &said["duplicates"]), (&3000.into(), &1.into()), "{said}");
    // The broken one still is.
    let last = ingest(&[]);
    assert!(last.stderr.contains("of 1 objects nothing is in the lake"), "{}", last.stderr);
}
