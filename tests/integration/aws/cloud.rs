//! A server that speaks for AWS, and the command that asks it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::command::{Run, finished};
use crate::lake::python;

/// A server that ends with this value, or with this process.
pub(crate) struct Cloud {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
    is_endpoint: bool,
}

impl Cloud {
    /// Starts one, or says loudly why not.
    pub(crate) fn start(more: &[&str]) -> Option<Cloud> {
        let python = python::interpreter()?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/aws/cloud.py");
        let mut child =
            Command::new(python).arg(script).args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        stdout.read_line(&mut url).unwrap();
        let url = url.trim().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "the server did not start: {url:?}");
        let stdin = child.stdin.take();
        Some(Cloud { child, stdin, stdout, url, is_endpoint: true })
    }

    /// Commands are to be told of another server than this one.
    pub(crate) fn without_endpoint(&mut self) {
        self.is_endpoint = false;
    }

    /// Has the server do something.
    pub(crate) fn ask(&mut self, command: Value) -> Value {
        writeln!(self.stdin.as_mut().unwrap(), "{command}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{command}: {e}: {line}"))
    }

    pub(crate) fn upload(&mut self, bucket: &str, folder: &Path) -> u64 {
        self.ask(json!({"do": "upload", "bucket": bucket, "folder": folder})).as_u64().unwrap()
    }

    /// Messages in a queue: visible ones, and those that somebody holds.
    pub(crate) fn waiting(&mut self, queue: &str) -> (u64, u64) {
        let counts = self.ask(json!({"do": "waiting", "queue": queue}));
        (counts[0].as_u64().unwrap(), counts[1].as_u64().unwrap())
    }

    /// The command, with credentials for the server.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trailhound"));
        command.args(args).args(["--region", "us-east-1"]);
        if self.is_endpoint {
            command.args(["--endpoint-url", &self.url]);
        }
        for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
            command.env_remove(name);
        }
        command.env("AWS_ACCESS_KEY_ID", "right").env("AWS_SECRET_ACCESS_KEY", "secret");
        command.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_CONFIG_FILE", "/dev/null");
        command.env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        finished(self.command(args).output().unwrap())
    }

    /// Runs a command that must succeed; its JSON.
    pub(crate) fn done(&self, args: &[&str]) -> Value {
        let run = self.run(&[args, &["--output", "json"]].concat());
        assert_eq!(run.code, 0, "{args:?}: {}\n{}", run.stderr, run.stdout);
        run.json()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// Files under a folder, by their path in it, in order.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut todo: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(path) = todo.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => todo.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    found.sort();
    found
}

/// The text of a log file with one event in it.
pub(crate) fn log_of(id: &str) -> String {
    format!(r#"{{"Records":[{}]}}"#, event(id))
}

/// One event.
pub(crate) fn event(id: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventID":"{id}","eventTime":"2026-01-01T00:00:00Z","eventSource":"sts.amazonaws.com","eventName":"GetCallerIdentity","awsRegion":"us-east-1","eventType":"AwsApiCall","recipientAccountId":"111122223333"}}"#
    )
}
