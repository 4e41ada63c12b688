//! What is watched, and how: the configuration, its file, the environment and the flags put together.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;

use crate::cli::{AwsArgs, Limits, RuleFlags, SourceArgs};
use crate::config::account::Account;

/// Letters of a state's name.
const NAME_MAX: usize = 100;

/// What is watched, and how.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) queue: Option<String>,
    pub(crate) places: Vec<PathBuf>,
    /// Accounts of the configuration, each with places of its own.
    pub(crate) accounts: Vec<Account>,
    pub(crate) lake: String,
    pub(crate) outbox: PathBuf,
    /// Files that sinks write.
    pub(crate) written: Vec<PathBuf>,
    pub(crate) aws: AwsArgs,
    pub(crate) source: SourceArgs,
    pub(crate) limits: Limits,
    pub(crate) rules: RuleFlags,
    pub(crate) reload: bool,
    pub(crate) suppress: Vec<PathBuf>,
    pub(crate) allowed_lateness: TimeDelta,
    pub(crate) look_back: TimeDelta,
    pub(crate) poll: Duration,
    pub(crate) commit_after: Duration,
    pub(crate) commit_rows: u64,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) once: bool,
    pub(crate) verify_digests: bool,
    pub(crate) verify_every: Duration,
    pub(crate) public_keys: Option<PathBuf>,
}

impl Options {
    /// The name of what the rules know, in the lake: another source, another name.
    pub(super) fn name(&self) -> String {
        let places = self.places.iter().map(|place| place.display().to_string());
        let accounts = self.accounts.iter().map(|account| format!("account {}", account.name));
        let all: Vec<String> = self.queue.iter().cloned().chain(places).chain(accounts).collect();
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        all.join("--").chars().map(plain).take(NAME_MAX).collect()
    }
}
