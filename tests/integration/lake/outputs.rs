//! Forms of output, and lakes: what is refused is refused before it is done.

use super::World;
use super::trail::keep_without;

#[test]
fn upkeep_that_cannot_be_told_as_rows_is_not_done() {
    let world = World::with_trail(60, 71);
    let lake = world.lake("lake");
    lake.ingest();
    let before = lake.contents();
    let (_, keep) = keep_without(4);
    let all: &[&[&str]] = &[&["expire", "--keep", &keep], &["compact"], &["check"], &["repair"], &["status"]];
    for args in all {
        for output in ["csv", "parquet", "arrow"] {
            let run = lake.run(&[&["lake"], *args, &["--output", output]].concat());
            assert_eq!(run.code, 2, "{args:?}: {}", run.stderr);
            assert!(run.stderr.contains("--output table or json"), "{args:?}: {}", run.stderr);
        }
    }
    assert_eq!(lake.contents(), before);
    assert!(lake.done(&["lake", "compact"])["files_removed"].as_u64() > Some(0), "nothing was compacted before");
}

/// The first batch of rows may lack the nulls of the second.
#[test]
fn reports_are_rows_in_every_form() {
    let world = World::with_trail(300, 72);
    let lake = world.lake("lake");
    lake.ingest();
    let all: &[&[&str]] = &[&["access"], &["access", "--by", "person"], &["alerts"]];
    for args in all {
        for output in ["csv", "parquet", "arrow"] {
            let run = lake.run(&[*args, &["--output", output]].concat());
            assert!(matches!(run.code, 0 | 1), "{args:?} {output}: {}: {}", run.code, run.stderr);
            assert!(!run.stdout.is_empty(), "{args:?} {output}");
        }
    }
}
