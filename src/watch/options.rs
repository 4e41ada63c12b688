//! What is watched, and how: the configuration, its file, the environment and the flags put together.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ::deliver::message::hex_hash;
use chrono::TimeDelta;

use crate::cli::{AwsArgs, Limits, RuleFlags, SourceArgs};
use crate::config::account::Account;

/// Letters of a state's name that are for people.
const NAME_MAX: usize = 60;

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
    /// The name of what the rules know, in the lake: another source, another name, whatever it looks like; their order is
    /// none of it.
    pub(super) fn name(&self) -> String {
        let places = self.places.iter().map(|place| place.display().to_string());
        let accounts = self.accounts.iter().map(|account| format!("account {}", account.name));
        name_of(self.queue.iter().cloned().chain(places).chain(accounts).collect())
    }
}

fn name_of(mut all: Vec<String>) -> String {
    all.sort_unstable();
    all.dedup();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let shown: String = all.join("--").chars().map(plain).take(NAME_MAX).collect();
    // Letters are not enough: `trail_a` and `trail-a` are two queues, and long places begin alike.
    let exact = hex_hash(&all.iter().map(String::as_str).collect::<Vec<_>>());
    format!("{shown}-{}", exact.get(..16).unwrap_or(&exact))
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn sources_that_look_alike_have_two_names() {
        let name = |sources: &[&str]| name_of(sources.iter().map(|&source| source.to_owned()).collect());
        assert_ne!(name(&["trail_a"]), name(&["trail-a"]));
        let long = |region: &str| format!("s3://logs/{}/CloudTrail/{region}", "x".repeat(200));
        assert_ne!(name(&[&long("eu-west-1")]), name(&[&long("us-east-1")]));
        assert_eq!(name(&["a", "b"]), name(&["b", "a"]));
        assert!(name(&["s3://Logs/A b"]).bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    }
}
