//! `--deliver` and `trailhound deliver`: the command, a sink that answers as it likes, and a process that dies.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::command::{Run, finished, text, trailhound};
use crate::hook::Hook;

/// A folder with logs of a few alerts, a configuration, and room for an outbox.
struct Bench {
    dir: tempfile::TempDir,
    config: PathBuf,
    logs: PathBuf,
}

fn bench(sinks: &str) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let (config, logs) = (dir.path().join("delivery.toml"), dir.path().join("logs.jsonl"));
    std::fs::write(&config, format!("{sinks}\n[delivery]\noutbox = '{}'\n", dir.path().join("outbox").display()))
        .unwrap();
    let mut lines = String::new();
    for number in 0..7 {
        let account = 111_122_223_330_u64 + number;
        lines.push_str(&format!(
            r#"{{"eventVersion":"1.08","eventTime":"2026-01-0{}T00:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","recipientAccountId":"{account}","eventType":"AwsConsoleSignIn","eventID":"e{number}","userAgent":"x password=hunter2 \u202e","userIdentity":{{"type":"Root","accountId":"{account}","arn":"arn:aws:iam::{account}:root"}},"responseElements":{{"ConsoleLogin":"Success"}},"additionalEventData":{{"MFAUsed":"Yes"}}}}"#,
            number + 1
        ));
        lines.push('\n');
    }
    std::fs::write(&logs, lines).unwrap();
    Bench { dir, config, logs }
}

impl Bench {
    fn alerts(&self, crash: Option<&str>) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trailhound"));
        command
            .args(["alerts", "--output", "json", text(&self.logs), "--deliver", text(&self.config)])
            .stdin(Stdio::null());
        if let Some(crash) = crash {
            // So that the log is rewritten, too, while seven alerts are told.
            command.env("TRAILHOUND_CRASH_AT", crash).env("TRAILHOUND_OUTBOX_BYTES", "1000");
        }
        finished(command.output().unwrap())
    }

    fn deliver(&self, verb: &str, more: &[&str]) -> Run {
        let mut args = vec!["deliver", verb, text(&self.config), "--output", "json"];
        args.extend(more);
        trailhound(&args)
    }

    fn outbox(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("outbox/outbox.jsonl")).unwrap()
    }
}

fn fingerprints(run: &Run) -> BTreeSet<String> {
    run.json().as_array().unwrap().iter().map(|alert| alert["fingerprint"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn alerts_are_told_once() {
    let server = Hook::start(|_| 200);
    let bench = bench(&server.sinks());
    let run = bench.alerts(None);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let expected = fingerprints(&run);
    assert!(expected.len() >= 7);
    assert_eq!(server.told().into_keys().collect::<BTreeSet<_>>(), expected);
    let sent = server.bodies().len();
    let again = bench.alerts(None);
    assert_eq!((again.code, server.bodies().len()), (0, sent));
    assert!(again.stderr.contains("told before"), "{}", again.stderr);
    // Neither the wire nor the disk has the secret of the user agent.
    assert!(server.bodies().iter().all(|body| !body.to_string().contains("hunter2")));
    assert!(!bench.outbox().contains("hunter2"));
}

/// Killed at every step, and when it is reached again; then started again.
#[test]
fn whatever_dies_when() {
    for step in deliver::fault::STEPS {
        for time in [1, 3] {
            let server = Hook::start(|number| if number % 3 == 1 { 500 } else { 200 });
            let bench = bench(&server.sinks());
            let died = bench.alerts(Some(&format!("{step}:{time}")));
            let reached = died.code == -1;
            assert!(
                reached || step.starts_with("outbox.adopt") || time > 1,
                "{step} is never reached: {}",
                died.stderr
            );
            let run = bench.alerts(None);
            assert_eq!(run.code, 0, "{step}:{time}: {}", run.stderr);
            let told = server.told();
            assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), fingerprints(&run), "{step}:{time}");
            for (alert, keys) in told {
                assert_eq!(keys.len(), 1, "{step}:{time}: {alert} was told under {keys:?}");
            }
        }
    }
}

#[test]
fn what_is_refused_is_listed_and_replayed() {
    let server = Hook::start(|number| if number < 7 { 400 } else { 200 });
    let bench = bench(&server.sinks());
    let run = bench.alerts(None);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(
        run.stderr.contains("7 are given up") && run.stderr.contains("trailhound deliver replay"),
        "{}",
        run.stderr
    );
    let table = trailhound(&["deliver", "list", text(&bench.config)]).stdout;
    assert!(table.lines().any(|line| line.split_whitespace().any(|cell| cell == "-")), "empty cells: {table}");
    let listed = bench.deliver("list", &[]).json();
    let dead = listed.as_array().unwrap();
    assert_eq!(dead.len(), 7);
    for one in dead {
        assert_eq!(
            (&one["state"], &one["sink"], &one["error"]),
            (&"dead".into(), &"hook".into(), &"HTTP 400: no".into())
        );
        for field in ["key", "kind", "severity", "alerts", "time", "next_try", "attempts"] {
            assert!(one.get(field).is_some(), "{field}");
        }
    }
    assert_eq!(bench.deliver("replay", &["--sink", "nobody"]).code, 2);
    let key = dead[0]["key"].as_str().unwrap();
    assert_eq!(bench.deliver("replay", &["--key", key]).code, 5, "six are still dead");
    let replayed = bench.deliver("replay", &[]);
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    assert!(server.told().values().all(|keys| keys.len() == 1));
    assert_eq!(server.bodies().len(), 14);
    let states: BTreeSet<String> =
        bench.deliver("list", &[]).json().as_array().unwrap().iter().map(|one| one["state"].to_string()).collect();
    assert_eq!(states, BTreeSet::from(["\"sent\"".to_owned()]));
}

#[test]
fn sinks_can_be_tried() {
    let (good, bad) = (Hook::start(|_| 204), Hook::start(|_| 403));
    let sinks =
        format!("{}{}", good.sinks(), bad.sinks().replace("sinks.hook", "sinks.bad").replace("'hook'", "'bad'"));
    let bench = bench(&sinks);
    let run = bench.deliver("test", &[]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    let tried = run.json();
    let result = |number: usize| (tried[number]["sink"].as_str().unwrap(), tried[number]["result"].as_str().unwrap());
    assert_eq!((result(0), result(1)), (("bad", "refused"), ("hook", "sent")));
    assert_eq!(good.bodies()[0]["alerts"][0]["rule"], "trailhound-test");
    let beside = bench.dir.path().join("beside");
    let again = bench.deliver("test", &["--outbox", text(&beside)]);
    assert_eq!((again.code, beside.exists()), (5, false), "{}", again.stderr);
    assert!(again.stderr.contains("goes past the outbox"), "{}", again.stderr);
    assert!(!bench.dir.path().join("outbox").exists());
}

#[test]
fn lines_on_standard_output_are_safe_to_look_at() {
    let bench = bench("[sinks.log]\ntype = 'stdout'\n[[routes]]\nsinks = ['log']\nseverity = 'medium'\n");
    let run = trailhound(&[
        "alerts",
        "--output",
        "jsonl",
        "--severity",
        "critical",
        text(&bench.logs),
        "--deliver",
        text(&bench.config),
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.lines().any(|line| serde_json::from_str::<Value>(line).unwrap()["kind"] == "alert"));
    assert!(!run.stdout.contains('\u{202e}') && run.stdout.contains("\\u202e"));
}

#[test]
fn what_is_wrong_with_a_configuration_is_said() {
    for (sinks, reason) in [
        ("[sinks.x]\ntype = 'fax'\n", "[sinks.x]: unknown variant `fax`"),
        (
            "[sinks.x]\ntype = 'slack'\nurl = { env = 'TRAILHOUND_NO_SUCH' }\n[[routes]]\nsinks = ['x']\n",
            "TRAILHOUND_NO_SUCH",
        ),
        ("[sinks.x]\ntype = 'webhook'\nurl = 'http://169.254.169.254/'\n[[routes]]\nsinks = ['x']\n", "https://"),
    ] {
        let bench = bench(sinks);
        let run = bench.alerts(None);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains(reason), "{}", run.stderr);
    }
    let run = trailhound(&["deliver", "list", "/nonexistent.toml"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("/nonexistent.toml"));
}

/// The page shows nothing that does not parse.
#[test]
fn the_documentation_is_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/deliver.md")).unwrap();
    for block in page.split("```toml\n").skip(1) {
        deliver::Config::parse(block.split("```").next().unwrap()).unwrap();
    }
    assert!(root.join("deliver/golden/config.toml").exists());
}

/// Nothing is sent that could not be noted first.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    let server = Hook::start(|_| 200);
    let bench = bench(&server.sinks());
    let outbox = bench.dir.path().join("outbox");
    std::fs::create_dir(&outbox).unwrap();
    std::os::unix::fs::symlink("/dev/full", outbox.join("outbox.jsonl")).unwrap();
    let run = bench.alerts(None);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stderr.contains("No space left on device"), "{}", run.stderr);
    assert!(server.bodies().is_empty());
}
