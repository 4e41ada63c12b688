//! Other people's programs: an S3 server of another make, and the official client beside `verify`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::cloud::{Cloud, files};
use super::verify::{give_keys, scenarios, upload};
use crate::command::{Run, finished, text};
use crate::lake::World;

/// A program that `tests/run` installs, or a loud word.
fn program(variable: &str) -> Option<PathBuf> {
    let found = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.exists());
    if found.is_none() {
        println!("SKIPPED: {variable} names no program; tests/run installs it where it can: this test checked nothing");
        eprintln!(
            "SKIPPED: {variable} names no program; tests/run installs it where it can: this test checked nothing"
        );
    }
    found
}

/// s3rver, which is written in JavaScript and shares nothing with moto.
struct Other {
    child: Child,
    url: String,
}

impl Other {
    fn start(script: &Path, folder: &Path) -> Other {
        std::fs::create_dir_all(folder).unwrap();
        let args =
            ["-d", text(folder), "-a", "127.0.0.1", "-p", "0", "--configure-bucket", "trail", "--configure-bucket"];
        let mut command = Command::new("node");
        command.arg(script).args(args).arg("trail-bucket").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let place = lines.by_ref().find_map(|line| Some(line.split_once("listening on ")?.1.trim().to_owned()));
        // It ends when nobody reads what it says.
        std::thread::spawn(move || lines.for_each(drop));
        Other { child, url: format!("http://{}", place.expect("the server did not start")) }
    }

    fn run(&self, cloud: &Cloud, args: &[&str]) -> Run {
        let mut command = cloud.command(args);
        // This variable is for S3 alone.
        command
            .env("AWS_ENDPOINT_URL_S3", &self.url)
            .env("AWS_ENDPOINT_URL_STS", &cloud.url)
            .env("AWS_ACCESS_KEY_ID", "S3RVER");
        finished(command.env("AWS_SECRET_ACCESS_KEY", "S3RVER").output().unwrap())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_of_another_make_is_read_as_a_folder_is() {
    let Some(script) = program("TRAILHOUND_TEST_S3RVER") else { return };
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let world = World::empty();
    let other = Other::start(&script, &world.path("s3rver"));
    cloud.without_endpoint();
    let logs = world.path("sample");
    let args = ["sample", "--events", "1500", "--days", "4", "--events-per-file", "10", "--out", text(&logs)];
    assert_eq!(crate::command::trailhound(&args).code, 0);
    std::fs::remove_dir_all(logs.join("iam")).unwrap();
    cloud.ask(json!({"do": "upload", "bucket": "trail", "folder": logs, "at": other.url}));
    let local = crate::command::trailhound(&["scan", text(&logs.join("AWSLogs")), "--output", "json"]).json();
    let scan = other.run(&cloud, &["scan", "s3://trail", "--output", "json"]);
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    for field in ["objects", "records_in", "rows", "duplicates", "rejected", "accounts", "regions", "first_event"] {
        assert_eq!(scan.json()[field], local[field], "{field}");
    }
    let day = local["last_event"].as_str().unwrap()[..10].to_owned();
    let pruned = other.run(&cloud, &["scan", "s3://trail", "--start-time", &day, "--output", "json"]).json();
    let slashed = day.replace('-', "/");
    let expected = files(&logs).into_iter().filter(|key| key.starts_with("AWSLogs/") && key.contains(&slashed)).count();
    assert!(
        pruned["objects"].as_u64().unwrap() >= expected as u64
            && pruned["objects"].as_u64() < local["objects"].as_u64()
    );
    let lake = world.path("lake");
    let ingest = ["ingest", "s3://trail", "--lake", text(&lake), "--output", "json"];
    let (first, second) = (other.run(&cloud, &ingest), other.run(&cloud, &ingest));
    assert_eq!((first.code, second.code), (0, 0), "{}{}", first.stderr, second.stderr);
    assert_eq!((&first.json()["rows"], &second.json()["objects"]), (&local["rows"], &json!(0)));
    let absent = other.run(&cloud, &["scan", "s3://no-such-bucket"]);
    assert!(absent.code == 5 && absent.stderr.contains("no such bucket"), "{}", absent.stderr);
}

#[test]
fn a_server_of_another_make_keeps_proofs() {
    let Some(script) = program("TRAILHOUND_TEST_S3RVER") else { return };
    for name in ["01_valid_chain", "03_log_modified", "13_backfill"] {
        let Some(folder) = scenarios().into_iter().find(|folder| folder.ends_with(name)) else { return };
        let Some(mut cloud) = Cloud::start(&[]) else { return };
        cloud.without_endpoint();
        let world = World::empty();
        let other = Other::start(&script, &world.path("s3rver"));
        let metadata: Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join("objects.json")).unwrap()).unwrap();
        let objects = folder.join("objects/trail-bucket");
        cloud.ask(
            json!({"do": "upload", "bucket": "trail-bucket", "folder": objects, "metadata": metadata, "at": other.url}),
        );
        let keys = folder.parent().unwrap().join("public_keys.json");
        let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let run = other.run(&cloud, &["verify", "s3://trail-bucket", "--public-keys", text(&keys)]);
        assert_eq!(i64::from(run.code), expected["rc"].as_i64().unwrap(), "{name}: {}{}", run.stdout, run.stderr);
    }
}

/// Lines of the official client that tell of a file, sorted.
fn lines(run: &Run) -> Vec<String> {
    let both = format!("{}\n{}", run.stdout, run.stderr);
    let mut lines: Vec<String> = both.lines().filter(|line| line.contains("\ts3://")).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The same of ours.
fn ours(run: &Run) -> Vec<String> {
    let found = run.json();
    let line = |file: &Value| {
        let what = match file["kind"].as_str().unwrap() {
            "log" => "Log file",
            "backfill-digest" => "(backfill) Digest file",
            _ => "Digest file",
        };
        let verdict = match file["reason"].as_str() {
            None => "valid".to_owned(),
            Some(reason) => format!("INVALID: {reason}"),
        };
        format!("{what}\t{}\t{verdict}", file["object"].as_str().unwrap())
    };
    let mut lines: Vec<String> = found["files"].as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines
}

/// The official client and `verify`, on one bucket and at one moment: the same words about every file, the same exit status.
#[test]
fn the_official_client_says_the_same() {
    let Some(aws) = program("TRAILHOUND_TEST_AWSCLI") else { return };
    for folder in scenarios() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let Some(mut cloud) = Cloud::start(&[]) else { return };
        upload(&mut cloud, &folder);
        give_keys(&mut cloud, &folder);
        let expected: Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
        let args: Vec<&str> = expected["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let mut official = Command::new(&aws);
        official.args(&args).env("AWS_ENDPOINT_URL", &cloud.url).env("AWS_DEFAULT_REGION", "us-east-1");
        official.env("AWS_ACCESS_KEY_ID", "right").env("AWS_SECRET_ACCESS_KEY", "secret");
        official.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        let official = finished(official.output().unwrap());
        let known = ["--trail-arn", "--start-time", "--end-time", "--s3-bucket", "--s3-prefix", "--account-id"];
        let pairs = args.windows(2).filter(|pair| known.contains(&pair[0]));
        let mut flags: Vec<&str> = pairs.flatten().copied().collect();
        flags.extend(["--verbose", "--output", "json"]);
        let run = cloud.run(&[&["verify"], &flags[..]].concat());
        assert_eq!(run.code, official.code, "{name}: {}\n{}", official.stdout, official.stderr);
        assert_eq!(ours(&run), lines(&official), "{name}: {}", official.stderr);
        assert!(!lines(&official).is_empty() || name.contains("empty"), "{name}: {}", official.stderr);
    }
}

/// It takes a write that must replace nothing for any other: two writers there would lose events, and nothing would tell.
#[test]
fn a_store_that_ignores_conditions_is_for_one_writer() {
    let Some(script) = program("TRAILHOUND_TEST_S3RVER") else { return };
    let Some(mut cloud) = Cloud::start(&["--bucket", "trail"]) else { return };
    let world = World::with_trail(60, 98);
    let logs = world.logs();
    let ingest = ["ingest", text(&logs), "--lake", "s3://trail/lake"];
    let kept = cloud.run(&ingest);
    assert!(kept.code == 0 && !kept.stderr.contains("one process at a time"), "{}", kept.stderr);
    let status = cloud.run(&["lake", "status", "--lake", "s3://trail/lake", "--output", "json"]).json();
    assert_eq!(status["one_writer"], false, "{status}");
    let other = Other::start(&script, &world.path("s3rver"));
    cloud.without_endpoint();
    for _ in 0..2 {
        let told = other.run(&cloud, &ingest);
        assert!(told.code == 0 && told.stderr.contains("one process at a time"), "{}", told.stderr);
    }
    let status = other.run(&cloud, &["lake", "status", "--lake", "s3://trail/lake", "--output", "json"]).json();
    assert_eq!(status["one_writer"], true, "{status}");
    let doctor = other.run(&cloud, &["doctor", "--lake", "s3://trail/lake"]);
    assert!(doctor.stdout.contains("If-None-Match"), "{}", doctor.stdout);
    let left = files(&world.path("s3rver")).into_iter().filter(|name| name.contains("probe")).count();
    assert_eq!(left, 0);
}
