//! A lake in a bucket: the same commands against an S3 server on loopback.

use std::process::Command;

use serde_json::Value;

use super::contents::assert_same;
use super::trail::{self, Ids, keep_without};
use super::{MANY_COMMITS, World};
use crate::aws::cloud::Cloud;
use crate::command::{Run, finished, text};

const BUCKET: &str = "a-bucket";

/// A bucket on a server.
struct Server {
    cloud: Cloud,
}

impl Server {
    /// Starts one, or says loudly why not.
    fn start(more: &[&str]) -> Option<Server> {
        let cloud = Cloud::start(&[&["--bucket", BUCKET, "--faults"], more].concat())?;
        Some(Server { cloud })
    }

    /// A command on a lake in a bucket.
    fn command(&self, place: &str, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = self.cloud.command(&[args, &["--lake", place]].concat());
        command.envs(MANY_COMMITS.iter().copied()).envs(env.iter().copied());
        command
    }

    fn run(&self, place: &str, args: &[&str], env: &[(&str, &str)]) -> Run {
        finished(self.command(place, args, env).output().unwrap())
    }

    fn done(&self, place: &str, args: &[&str]) -> Value {
        let run = self.run(place, &[args, &["--output", "json"]].concat(), &[]);
        assert_eq!(run.code, 0, "{args:?}: {}\n{}", run.stderr, run.stdout);
        run.json()
    }

    /// Events by id and account.
    fn ids(&self, place: &str) -> Ids {
        let rows = self.done(place, &["query", "SELECT eventid, recipientaccountid FROM events"]);
        let mut ids = Ids::new();
        for row in rows.as_array().unwrap() {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            *ids.entry((text("eventid"), text("recipientaccountid"))).or_default() += 1;
        }
        ids
    }

    fn sum(&self, place: &str, table: &str) -> u64 {
        self.done(place, &["query", &format!("SELECT sum(rows) AS n FROM {table}")])[0]["n"].as_u64().unwrap()
    }
}

#[test]
fn a_bucket_is_as_good_as_a_folder() {
    let Some(server) = Server::start(&["--busy", "37"]) else { return };
    let place = format!("s3://{BUCKET}/some/prefix");
    let world = World::with_trail(200, 81);
    let logs = world.logs();
    let oracle = world.oracle();
    let first = server.done(&place, &["ingest", text(&logs)]);
    assert!(first["commits"].as_u64().unwrap() >= 2, "{first}");
    assert_eq!(first["rows"].as_u64().unwrap() as usize, oracle.len());
    let second = server.done(&place, &["ingest", text(&logs)]);
    assert_eq!((&second["rows"], &second["objects"]), (&0.into(), &0.into()), "{second}");
    assert_eq!(second["objects_skipped"], first["objects"]);
    assert_same(&server.ids(&place), &oracle, "events", "fresh");
    let compacted = server.done(&place, &["lake", "compact"]);
    assert!(compacted["files_removed"].as_u64() > compacted["files_added"].as_u64(), "{compacted}");
    assert_same(&server.ids(&place), &oracle, "events", "compacted");
    assert_eq!(server.done(&place, &["lake", "check"])["damaged"], Value::Array(Vec::new()));
    assert_eq!(
        (server.sum(&place, "objects"), server.sum(&place, "coverage")),
        (oracle.len() as u64, oracle.len() as u64)
    );
    let (day, keep) = keep_without(2);
    server.done(&place, &["lake", "expire", "--keep", &keep]);
    assert_same(&server.ids(&place), &trail::ids_since(&logs, day), "events", "expired");
    // Nothing of it lies elsewhere in the bucket: another prefix is another lake.
    let other = server.run(&format!("s3://{BUCKET}/some"), &["lake", "status"], &[]);
    assert_eq!(other.code, 2, "{}", other.stderr);
}

#[test]
fn a_crash_leaves_a_bucket_as_it_leaves_a_folder() {
    let Some(server) = Server::start(&[]) else { return };
    let world = World::with_trail(120, 82);
    let logs = world.logs();
    let oracle = world.oracle();
    for step in ["tables.create", "events.stored", "manifest.after", "commit.after", "side.commit.after"] {
        let place = format!("s3://{BUCKET}/{step}");
        let run = server.run(&place, &["ingest", text(&logs)], &[("TRAILHOUND_CRASH_AT", step)]);
        assert_eq!(run.code, -1, "{step}: {}", run.stderr);
        server.done(&place, &["ingest", text(&logs)]);
        assert_same(&server.ids(&place), &oracle, "events", step);
        assert_eq!(server.sum(&place, "objects"), oracle.len() as u64, "{step}");
        assert_eq!(server.sum(&place, "coverage"), oracle.len() as u64, "{step}");
    }
}

/// Two writers of the same events, while the server now and then loses the answer to a commit that it has made.
#[test]
fn two_writers_of_a_bucket() {
    let Some(server) = Server::start(&["--lose", "5"]) else { return };
    let world = World::with_trail(200, 83);
    super::copy_folder(&world.logs(), &world.path("copy"));
    let (logs, copy, oracle) = (world.logs(), world.path("copy"), world.oracle());
    let place = format!("s3://{BUCKET}/shared");
    let rows: u64 = std::thread::scope(|scope| {
        let writers = [&logs, &copy].map(|folder| scope.spawn(|| server.done(&place, &["ingest", text(folder)])));
        writers.into_iter().map(|writer| writer.join().unwrap()["rows"].as_u64().unwrap()).sum()
    });
    assert_same(&server.ids(&place), &oracle, "events", "two writers");
    assert_eq!(rows as usize, oracle.len());
    assert_eq!(server.sum(&place, "objects"), oracle.len() as u64);
    assert_eq!(server.sum(&place, "coverage"), oracle.len() as u64);
    assert_eq!(server.done(&place, &["lake", "check"])["duplicates"], serde_json::json!({}));
}

/// What is wrong, the lake's place, the environment that makes it wrong, and words of the error.
type Wrong<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn what_is_wrong_with_a_bucket_is_said() {
    let Some(server) = Server::start(&[]) else { return };
    let world = World::with_trail(60, 84);
    let logs = world.logs();
    let place = format!("s3://{BUCKET}/lake");
    let wrong: &[Wrong<'_>] = &[
        ("a wrong key", &place, &[("AWS_ACCESS_KEY_ID", "wrong")], &["credentials", "aws sts get-caller-identity"]),
        (
            "no key",
            &place,
            &[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")],
            &["credentials", "aws sts get-caller-identity"],
        ),
        ("no such bucket", "s3://no-such-bucket/lake", &[], &["no-such-bucket", "no such bucket", "aws s3 mb"]),
    ];
    for (what, place, env, words) in wrong {
        for args in [["ingest", text(&logs)].as_slice(), &["lake", "status"]] {
            let run = server.run(place, args, env);
            assert!(matches!(run.code, 2 | 5), "{what}: {args:?}: {}: {}", run.code, run.stderr);
            for word in *words {
                assert!(run.stderr.contains(word), "{what}: {args:?}: {word}: {}", run.stderr);
            }
            assert!(!run.stderr.contains("secret"), "{what}: {}", run.stderr);
        }
    }
}

#[test]
fn a_repair_reads_buckets_again_and_gives_up_only_what_is_gone() {
    let Some(mut server) = Server::start(&[]) else { return };
    let world = World::with_trail(60, 85);
    let up = world.path("up");
    super::copy_folder(&world.logs(), &up.join("AWSLogs"));
    server.cloud.upload("trail", &up);
    let folder = world.path("lake");
    let place = text(&folder);
    let rows = world.oracle().len() as u64;
    assert_eq!(server.done(place, &["ingest", "s3://trail"])["rows"], rows);
    let damage = |at: usize| {
        let file = super::data_files(&folder, "events").remove(0);
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[at] ^= 1;
        std::fs::write(file, bytes).unwrap();
    };
    damage(100);
    let before = super::data_files(&folder, "events");
    // Rights are missing: nothing is said to be gone, nothing is taken out.
    let refused = server.run(place, &["lake", "repair"], &[("AWS_ACCESS_KEY_ID", "wrong")]);
    assert_eq!(refused.code, 5, "{}", refused.stderr);
    assert!(refused.stderr.contains("s3://trail/") && refused.stderr.contains("--give-up"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("not there"), "{}", refused.stderr);
    assert_eq!(super::data_files(&folder, "events"), before);
    let mended = server.done(place, &["lake", "repair"]);
    assert_eq!((&mended["rows_lost"], &mended["objects_missing"]), (&0.into(), &serde_json::json!([])), "{mended}");
    assert_same(&server.ids(place), &world.oracle(), "events", "mended from a bucket");
    // What S3 says is gone is given up.
    damage(101);
    for key in crate::aws::cloud::files(&up) {
        server.cloud.ask(serde_json::json!({"do": "remove", "bucket": "trail", "key": key}));
    }
    let run = server.run(place, &["lake", "repair", "--output", "json"], &[]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let lost = run.json()["rows_lost"].as_u64().unwrap();
    assert!(lost > 0 && !run.json()["objects_missing"].as_array().unwrap().is_empty(), "{}", run.stdout);
    assert_eq!(server.ids(place).len() as u64, rows - lost);
}

/// What cannot be read twice is no loss until somebody says so.
#[test]
fn what_came_by_a_pipe_is_given_up_only_when_asked() {
    let world = World::empty();
    let lake = world.lake("lake");
    let event = trail::event("a", "2026-03-01T10:00:00Z", "");
    let mut child = lake.command(&["ingest", "-"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &trail::records(&[event])).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    let file = super::data_files(lake.folder(), "events").remove(0);
    std::fs::write(&file, "damage").unwrap();
    let refused = lake.run(&["lake", "repair"]);
    assert_eq!(refused.code, 5, "{}", refused.stderr);
    assert!(refused.stderr.contains("standard input") && refused.stderr.contains("--give-up"), "{}", refused.stderr);
    assert_eq!(super::data_files(lake.folder(), "events"), [file]);
    let run = lake.run(&["lake", "repair", "--give-up", "--output", "json"]);
    assert_eq!((run.code, &run.json()["rows_lost"]), (3, &1.into()), "{}", run.stderr);
    assert_eq!(run.json()["objects_left_out"], serde_json::json!(["-"]));
}
