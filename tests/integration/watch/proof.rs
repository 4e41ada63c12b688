//! `watch --verify-digests` on folders: what the recorded scenarios of the official client call invalid is told, once, whatever
//! dies when; and what is known, silenced or no fault is not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Station;
use crate::aws::verify::{expected, scenarios};
use crate::command::{finished, gzip, text};
use crate::lake::copy_folder;

/// A station that watches a copy of a scenario.
struct Proving {
    station: Station,
    folder: PathBuf,
}

fn scenario(name: &str) -> Option<PathBuf> {
    scenarios().into_iter().find(|folder| folder.ends_with(name))
}

fn proving(scenario: &Path) -> Proving {
    let mut station = Station::empty();
    let folder = station.path("inbox");
    copy_folder(scenario, &folder);
    // No log file of anybody's.
    std::fs::remove_file(folder.join("expected.json")).unwrap();
    let keys = scenario.parent().unwrap().join("public_keys.json");
    station.flags = ["--verify-digests", "--public-keys", text(&keys)].map(str::to_owned).to_vec();
    Proving { station, folder }
}

impl Proving {
    fn once(&self, crash: Option<&str>) -> i32 {
        let run = self.station.once(text(&self.folder), crash);
        assert!(crash.is_some() || run.code == 0, "{}", run.stderr);
        run.code
    }

    /// What was told of the log itself: rule and object.
    fn told(&self) -> BTreeSet<(String, String)> {
        let sql = "SELECT rule, what FROM alerts WHERE rule LIKE 'log-%' AND state = 'sent'";
        let field = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        self.station.query(sql).iter().map(|row| (field(row, "rule"), field(row, "what"))).collect()
    }

    /// A file of the trail by a part of its name.
    fn file(&self, part: &str) -> PathBuf {
        let files = super::log_files(&self.folder);
        files.into_iter().find(|file| text(file).contains(part)).unwrap_or_else(|| panic!("no {part}"))
    }
}

/// What the official client called invalid, as `watch` is to tell it: digests and log files by object.
fn invalid(scenario: &Path) -> BTreeSet<(String, String)> {
    let expected = expected(scenario);
    let mut told = BTreeSet::new();
    for line in expected["stderr"].as_str().unwrap().lines() {
        let mut parts = line.split('\t');
        let (Some(kind), Some(object), Some(verdict)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let Some(reason) = verdict.strip_prefix("INVALID: ") else { continue };
        let rule = match (kind.contains("Digest"), reason) {
            (true, _) => "log-digest-invalid",
            (false, "not found") => "log-file-missing",
            (false, _) => "log-file-changed",
        };
        told.insert((rule.to_owned(), object.to_owned()));
    }
    told
}

/// Every verdict of the official client on every scenario is an alert, told once however often it is found.
#[test]
fn what_the_official_client_calls_invalid_is_told_once() {
    let rules = ["log-digest-invalid", "log-file-missing", "log-file-changed"];
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for scenario in scenarios() {
        let name = scenario.file_name().unwrap().to_string_lossy().into_owned();
        let proving = proving(&scenario);
        for _ in 0..2 {
            proving.once(None);
            let mut told = proving.told();
            told.retain(|(rule, _)| rules.contains(&rule.as_str()));
            assert_eq!(told, invalid(&scenario), "{name}");
            proving.station.assert_told(&name);
        }
        for (rule, _) in invalid(&scenario) {
            *seen.entry(rule).or_default() += 1;
        }
        for (alert, keys) in proving.station.hook.told() {
            assert_eq!(keys.len(), 1, "{name}: {alert}");
        }
    }
    assert!(scenarios().is_empty() || rules.iter().all(|rule| seen.contains_key(*rule)), "{seen:?}");
}

/// Killed before, between and after the outbox and the lake's note that digests were walked: nothing is lost.
#[test]
fn dies_while_it_proves() {
    for name in ["05_digest_deleted", "04_log_deleted"] {
        let Some(scenario) = scenario(name) else { return };
        let whole = proving(&scenario);
        whole.once(None);
        let wanted: BTreeSet<String> = whole.station.hook.told().into_keys().collect();
        assert!(!wanted.is_empty());
        for step in ["watch.proof.found", "watch.proof.told", "watch.proof.noted"] {
            let proving = proving(&scenario);
            assert_eq!(proving.once(Some(step)), -1, "{name}: {step} is never reached");
            proving.once(None);
            let told = proving.station.hook.told();
            assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), wanted, "{name}: {step}");
            assert!(told.values().all(|keys| keys.len() == 1), "{name}: {step}: {told:?}");
            proving.station.assert_told(step);
        }
    }
}

/// A file that is put into an hour whose digests were walked long before.
#[test]
fn a_forgery_in_an_hour_that_was_proven_is_told() {
    let Some(scenario) = scenario("01_valid_chain") else { return };
    let proving = proving(&scenario);
    proving.once(None);
    let before = proving.told();
    let log = proving.file("/CloudTrail/");
    let forged = PathBuf::from(text(&log).replace("Z_", "Z_f"));
    std::fs::write(&forged, gzip(crate::aws::cloud::log_of("forged").as_bytes())).unwrap();
    for _ in 0..2 {
        proving.once(None);
        let told: Vec<_> = proving.told().difference(&before).cloned().collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].0 == "log-proof-doubtful" && told[0].1.ends_with(text(&forged).rsplit('/').next().unwrap()));
    }
    let rows = proving.station.query("SELECT verified FROM events_verified WHERE eventid = 'forged'");
    assert_eq!(rows[0]["verified"], "unlisted");
}

/// Suppressions, silences and figures know alerts about the log as they know others.
#[test]
fn alerts_about_the_log_are_alerts_like_others() {
    let Some(scenario) = scenario("04_log_deleted") else { return };
    let mut proving = proving(&scenario);
    let known = proving.station.path("known.yml");
    std::fs::write(&known, "- rule: log-file-missing\n  reason: moved by us\n  until: 2099-01-01\n").unwrap();
    proving.station.flags.extend(["--suppress".to_owned(), text(&known).to_owned()]);
    proving.once(None);
    let row = proving.station.query("SELECT state FROM alerts WHERE rule = 'log-file-missing'");
    assert_eq!(row.len(), 1);
    assert_eq!(row[0]["state"], "suppressed");
    assert!(!proving.told().iter().any(|(rule, _)| rule == "log-file-missing"));
    // Silenced, and counted.
    let proving = self::proving(&scenario);
    let sinks = std::fs::read_to_string(proving.station.path("delivery.toml")).unwrap();
    let silence = "[[silences]]\nreason = 'x'\nuntil = '2099-01-01T00:00:00Z'\nrules = ['log-file-*']\n";
    std::fs::write(proving.station.path("delivery.toml"), format!("{sinks}{silence}")).unwrap();
    let service = proving.station.service(text(&proving.folder), &["--verify-every", "1s"]);
    let count = |service: &super::Service, name: &str, labels: &str| service.figure(name, labels) > 0.0;
    service.until("the alert", |s| count(s, "trailhound_alerts_total", "rule=\"log-file-missing\""));
    service.until("the silence", |s| count(s, "trailhound_alert_routes_total", "silenced"));
    let (code, said) = service.end();
    assert_eq!(code, 0, "{said}");
    assert!(!proving.told().iter().any(|(rule, _)| rule == "log-file-missing"));
    // And it does not wait for a sink: its rows say so, and why.
    let row = proving.station.query("SELECT state, history FROM alerts WHERE rule = 'log-file-missing'");
    assert_eq!(row[0]["state"], "silenced", "{row:?}");
    assert!(row[0]["history"].as_str().is_some_and(|steps| steps.contains("silenced (x)")), "{row:?}");
}

/// Digests that cannot be proven end the run with its code, after the alerts of the rules have left.
#[test]
fn alerts_leave_before_a_failing_proof_is_said() {
    let Some(scenario) = scenario("01_valid_chain") else { return };
    let mut station = Station::with_trail(120, 5);
    let logs = station.world.logs();
    let wanted: BTreeSet<String> = station.batch(&logs).into_keys().collect();
    assert!(!wanted.is_empty());
    copy_folder(&scenario.join("objects"), &logs.join("objects"));
    station.flags = ["--verify-digests", "--endpoint-url", "http://127.0.0.1:9"].map(str::to_owned).to_vec();
    let mut command = station.command(text(&logs), &["--once", "--region", "us-east-1"]);
    command.env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b").env("AWS_MAX_ATTEMPTS", "1");
    let run = finished(command.output().unwrap());
    assert_eq!(run.code, 5, "{}", run.stderr);
    let told: BTreeSet<String> = station.hook.told().into_keys().collect();
    assert!(told.is_superset(&wanted), "{}", run.stderr);
}
