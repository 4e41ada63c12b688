//! `trailhound watch` and `trailhound config`: their flags and help texts.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use super::{AwsArgs, Cli, Command, Limits, RuleFlags, SourceArgs, duration};

pub(crate) const EXAMPLES: &str = "\
Examples:
  trailhound watch --source sqs://trail-notifications --lake ./lake --deliver delivery.toml
  trailhound watch --source sqs://trail-notifications --source s3://our-trail-bucket --lake s3://our-lake/cloudtrail
  trailhound watch --source ./logs --rules ./our-rules --metrics 127.0.0.1:9464
  trailhound watch --source lookup: --log-region eu-west-1
  trailhound watch --config /etc/trailhound/trailhound.toml --log-format json
  trailhound watch --source s3://our-trail-bucket --verify-digests
  trailhound watch --source ./logs --once";

pub(crate) const CONFIG_EXAMPLES: &str = "\
Examples:
  trailhound config check trailhound.toml
  trailhound config check trailhound.toml --output json";

/// `trailhound watch`. What is not given comes from the environment, then the configuration, then the default.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WatchArgs {
    /// What is watched: sqs://QUEUE, s3://BUCKET/PREFIX, a folder, or `lookup:`; may be given again
    #[arg(long, value_name = "SOURCE")]
    pub(crate) source: Vec<PathBuf>,

    /// The lake that is kept current: a folder, or s3://BUCKET/PREFIX [default: ./trailhound-lake]
    #[arg(long, value_name = "PLACE")]
    pub(crate) lake: Option<String>,

    /// The configuration, in TOML; see docs/watch.md
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The configuration of delivery, if it is a file of its own [default: alerts are lines on standard output]
    #[arg(long, value_name = "CONFIG")]
    pub(crate) deliver: Option<PathBuf>,

    /// The folder of messages on their way [default: `outbox` of the configuration, else ./trailhound-outbox]
    #[arg(long, value_name = "DIR")]
    pub(crate) outbox: Option<PathBuf>,

    /// Sinks that wake people hear of older alerts in one digest [default: `max_age` of the configuration, else 1d]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) page_within: Option<TimeDelta>,

    /// Commit rows that have waited so long [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) commit_after: Option<TimeDelta>,

    /// Commit when so many rows wait [default: 500000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) commit_rows: Option<u64>,

    /// List places again so often [default: 1s folders, 1m buckets, 5m `lookup:`; 1h beside a queue]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) poll: Option<TimeDelta>,

    /// How far back a listing of a bucket, or `lookup:`, looks for what is not in the lake [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) look_back: Option<TimeDelta>,

    /// How much later than others an event may come and still be part of a correlation [default: 30m]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) allowed_lateness: Option<TimeDelta>,

    /// Serve /metrics, /healthz and /readyz here, on this machine only; port 0 is any free one
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics: Option<SocketAddr>,

    /// How to say what happens on standard error: text or json [default: text]
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) log_format: Option<LogFormat>,

    /// Take what is there, tell it, and end
    #[arg(long)]
    pub(crate) once: bool,

    /// Leave out alerts that this file knows, each for a reason and until a day; may be given again
    #[arg(long, value_name = "FILE")]
    pub(crate) suppress: Vec<PathBuf>,

    /// Hold what is read against CloudTrail's digests, and tell what does not fit; see docs/watch.md
    #[arg(long)]
    pub(crate) verify_digests: bool,

    /// Walk new digests so often [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) verify_every: Option<TimeDelta>,

    /// CloudTrail's public keys, as `aws cloudtrail list-public-keys` gives them [default: CloudTrail is asked]
    #[arg(long, value_name = "FILE")]
    pub(crate) public_keys: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) rules: RuleFlags,

    #[command(flatten)]
    pub(crate) places: SourceArgs,

    #[command(flatten)]
    pub(crate) aws: AwsArgs,

    #[command(flatten)]
    pub(crate) limits: Limits,
}

impl WatchArgs {
    /// As if nothing but a configuration were given.
    ///
    /// # Errors
    /// A name that no command line can hold.
    pub(crate) fn of(file: &Path) -> Result<WatchArgs, String> {
        let words = [OsStr::new("trailhound"), OsStr::new("watch"), OsStr::new("--config"), file.as_os_str()];
        match Cli::try_parse_from(words).map(|cli| cli.command) {
            Ok(Command::Watch(args)) => Ok(*args),
            _ => Err(format!("{}: give the name of a file", file.display())),
        }
    }
}

/// How a process that never ends says what happens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `trailhound config`
#[derive(Debug, Clone, Subcommand)]
#[command(after_help = CONFIG_EXAMPLES)]
pub(crate) enum ConfigCommand {
    /// Whether `watch` can begin with a configuration: its keys, sources, sinks, secrets and rules; prints what counts
    Check {
        /// The configuration, in TOML
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}
