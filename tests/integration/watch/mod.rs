//! `watch`: what it tells, what it keeps, and everything that can happen to it meanwhile.
//!
//! Every test compares with a batch over the same logs: its alerts, and the ids in the input.

mod alike;
mod away;
mod config;
mod crash;
mod past;
mod proof;
mod service;
mod told;
mod week;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::{Run, finished, text, trailhound};
use crate::hook::Hook;
use crate::lake::contents::{Contents, assert_same};
use crate::lake::{World, trail};

/// Longer than anything takes on a busy machine: whoever waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(400);

/// A trail, a lake, and who is told.
pub(crate) struct Station {
    pub(crate) world: World,
    pub(crate) hook: Hook,
    /// More flags of every run.
    pub(crate) flags: Vec<String>,
}

impl Station {
    /// A made-up trail of so many events; the sink fails now and then.
    pub(crate) fn with_trail(events: u64, seed: u64) -> Station {
        let station = Station::empty();
        trail::made_up(&station.world.logs(), events, seed);
        station
    }

    pub(crate) fn empty() -> Station {
        let hook = Hook::start(|number| if number % 5 == 3 { 500 } else { 200 });
        let station = Station { world: World::empty(), hook, flags: Vec::new() };
        std::fs::write(station.path("delivery.toml"), station.hook.sinks()).unwrap();
        station
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.world.path(name)
    }

    /// The command, with a source.
    pub(crate) fn command(&self, source: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trailhound"));
        command.args(self.args(source, more)).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The command line.
    pub(crate) fn args(&self, source: &str, more: &[&str]) -> Vec<String> {
        let (lake, outbox, delivery) = (self.path("lake"), self.path("outbox"), self.path("delivery.toml"));
        let own = ["watch", "--source", source, "--lake", text(&lake), "--outbox", text(&outbox)];
        // A made-up trail of few events brings some of them a day late.
        let own = own.into_iter().chain(["--deliver", text(&delivery), "--commit-after", "1s", "--threads", "2"]);
        let own = own.chain(["--allowed-lateness", "2d"]);
        let own = own.chain(self.flags.iter().map(String::as_str)).chain(more.iter().copied());
        own.map(str::to_owned).collect()
    }

    /// Takes what is there and ends.
    pub(crate) fn once(&self, source: &str, crash: Option<&str>) -> Run {
        let mut command = self.command(source, &["--once"]);
        if let Some(crash) = crash {
            // Small tasks and an outbox that is rewritten, so that every step is reached.
            command.env("TRAILHOUND_CRASH_AT", crash).env("TRAILHOUND_OUTBOX_BYTES", "1000");
        }
        finished(command.env("TRAILHOUND_TASK_OBJECTS", "16").output().unwrap())
    }

    /// A process that does not end by itself.
    pub(crate) fn service(&self, source: &str, more: &[&str]) -> Service {
        let mut command = self.command(source, &[&["--metrics", "127.0.0.1:0"], more].concat());
        Service::start(command.spawn().unwrap())
    }

    /// What a batch over the logs tells, by fingerprint.
    pub(crate) fn batch(&self, logs: &Path) -> BTreeMap<String, Value> {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let run = trailhound(&[&["alerts", text(logs), "--output", "json"], flags.as_slice()].concat());
        assert!(matches!(run.code, 0 | 3), "{}", run.stderr);
        let by_print = |alert: &Value| (alert["fingerprint"].as_str().unwrap().to_owned(), alert.clone());
        run.json().as_array().unwrap().iter().map(by_print).collect()
    }

    /// The table `alerts`, by fingerprint.
    pub(crate) fn table(&self) -> BTreeMap<String, Value> {
        let by_print = |row: &Value| (row["fingerprint"].as_str().unwrap().to_owned(), row.clone());
        self.query("SELECT * FROM alerts").iter().map(by_print).collect()
    }

    pub(crate) fn query(&self, sql: &str) -> Vec<Value> {
        let run = trailhound(&["query", sql, "--lake", text(&self.path("lake")), "--output", "json"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.json().as_array().unwrap().clone()
    }

    /// Every event of the logs is in the lake once, and every alert of a batch was told under one key.
    pub(crate) fn assert_whole(&self, logs: &Path, context: &str) {
        let contents = Contents::read(&self.path("lake")).unwrap_or_else(|| panic!("{context}: there is no lake"));
        assert_same(&contents.ids, &trail::ids(logs), "events", context);
        let batch: BTreeSet<String> = self.batch(logs).into_keys().collect();
        let told = self.hook.told();
        assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), batch, "{context}");
        for (alert, keys) in told {
            assert_eq!(keys.len(), 1, "{context}: {alert} was told under {keys:?}");
        }
        self.assert_told(context);
        let table: BTreeSet<String> = self.table().into_keys().collect();
        assert_eq!(table, batch, "{context}: the table alerts");
    }

    /// The table `alerts` tells what the sink saw: each alert found once, then told once, and that is its state.
    pub(crate) fn assert_told(&self, context: &str) {
        let (told, table) = (self.hook.told(), self.table());
        let unknown: Vec<&String> = told.keys().filter(|alert| !table.contains_key(*alert)).collect();
        assert!(unknown.is_empty(), "{context}: told and not in the table: {unknown:?}");
        for (alert, row) in table {
            let history = row["history"].as_str().unwrap();
            let steps: Vec<&str> = history.split("; ").map(|step| step.split_once(' ').unwrap().1).collect();
            let steps: Vec<&str> = steps.into_iter().filter(|step| *step != "updated").collect();
            assert!(told.contains_key(&alert), "{context}: {alert} was never told: {history}");
            assert_eq!(
                (steps.as_slice(), &row["state"]),
                (["found", "sent hook"].as_slice(), &"sent".into()),
                "{context}: {history}"
            );
            assert!(row["told_at"].is_string() && row["rule"].is_string(), "{context}: {row}");
        }
    }
}

/// A running process, with what it says.
pub(crate) struct Service {
    pub(crate) child: Child,
    said: Arc<Mutex<String>>,
    address: Mutex<Option<String>>,
}

impl Service {
    pub(crate) fn start(mut child: Child) -> Service {
        let said: Arc<Mutex<String>> = Arc::default();
        let (stderr, log) = (child.stderr.take().unwrap(), said.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                log.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        Service { child, said, address: Mutex::new(None) }
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until something holds.
    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut(&Service) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < PATIENCE, "{what} never happened:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks for a page; status and body. Nothing where nobody answers yet.
    pub(crate) fn page(&self, path: &str) -> Option<(u16, String)> {
        let mut known = self.address.lock().unwrap();
        if known.is_none() {
            let said = self.said();
            let rest = said.split("metrics at http://").nth(1)?;
            *known = Some(rest.split('/').next()?.to_owned());
        }
        let mut stream = TcpStream::connect(known.as_ref()?).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.page("/readyz").is_some_and(|page| page.0 == 200)
    }

    /// A figure: the sum of all of this name whose labels hold these words.
    pub(crate) fn figure(&self, name: &str, labels: &str) -> f64 {
        let Some((_, text)) = self.page("/metrics") else { return 0.0 };
        let lines =
            text.lines().filter(|line| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name} ")));
        lines.filter(|line| line.contains(labels)).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Asks for an end and waits for it: exit code and what was said.
    pub(crate) fn end(mut self) -> (i32, String) {
        self.signal("-TERM");
        let begun = Instant::now();
        let status = self.child.wait().unwrap();
        // The process ends itself after nine seconds; the rest is for a machine with much to do.
        assert!(begun.elapsed() < Duration::from_secs(40), "a hang: {:?}", begun.elapsed());
        (status.code().unwrap_or(-1), self.said())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Log files below a folder, in the order of their names' times.
pub(crate) fn log_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(path) = todo.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { todo.push(path) } else { found.push(path) }
        }
    }
    found.sort_by_key(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name.split('_').nth(3).unwrap_or_default().to_owned(), name)
    });
    found
}

/// Moves files into a folder, keeping where they lie below theirs.
pub(crate) fn deliver(files: &[PathBuf], from: &Path, to: &Path) {
    for file in files {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::rename(file, target).unwrap();
    }
}
