//! `trailhound ingest` and `trailhound lake`: their flags and help texts.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{Args, Subcommand};

use super::{AwsArgs, Limits, SourceArgs, duration};

const INGEST_EXAMPLES: &str = "\
Examples:
  trailhound ingest ./logs
  trailhound ingest ./logs --lake ./incident
  trailhound ingest ./logs --lake s3://our-lake/cloudtrail --region eu-west-1
  trailhound ingest s3://our-trail-bucket --lake ./incident
  trailhound ingest s3://our-trail-bucket --verify-digests
  trailhound ingest --config accounts.toml --start-time 7d
  trailhound ingest sqs://trail-notifications --follow
  trailhound ingest sqs://trail-notifications s3://our-trail-bucket --start-time 3d
  trailhound ingest s3://our-trail-bucket/prefix --start-time 7d --log-region eu-west-1 --role-arn arn:aws:iam::111122223333:role/logs
  trailhound query 'SELECT count(*) FROM events' --lake ./trailhound-lake";

const LAKE_EXAMPLES: &str = "\
Examples:
  trailhound lake status
  trailhound lake compact --lake ./incident
  trailhound lake expire --keep 400d
  trailhound lake check && echo sound";

/// Where the lake is, if nothing else is said.
const PLACE: &str = "./trailhound-lake";

/// `trailhound ingest`
#[derive(Debug, Clone, Args)]
#[command(after_help = INGEST_EXAMPLES)]
pub(crate) struct IngestArgs {
    /// Files, folders (read recursively), globs, s3://BUCKET/PREFIX or sqs://QUEUE; `-` is standard input
    #[arg(required_unless_present = "config", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Read the accounts of this TOML file as well, each with its own role or profile: [[account]]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Read objects again that are in the lake already; their events still count once
    #[arg(long)]
    pub(crate) again: bool,

    /// Read the digest files of s3:// places too: what they prove of the lake is noted, and what is missing is told
    #[arg(long)]
    pub(crate) verify_digests: bool,

    /// Keep reading the queue until SIGTERM or Ctrl-C, instead of ending when it is empty
    #[arg(long)]
    pub(crate) follow: bool,

    /// With --follow, list the s3:// places again so often: it finds what notifications missed
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "1h", requires = "follow")]
    pub(crate) reconcile: TimeDelta,

    #[command(flatten)]
    pub(crate) source: SourceArgs,

    #[command(flatten)]
    pub(crate) at: At,

    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// A lake that has a default place.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Lake options")]
pub(crate) struct At {
    /// The lake: a folder, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE", default_value = PLACE)]
    pub(crate) lake: String,

    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// `trailhound lake`
#[derive(Debug, Clone, Subcommand)]
#[command(after_help = LAKE_EXAMPLES)]
pub(crate) enum LakeCommand {
    /// How the lake stands: rows, files, days, what a compaction would do
    Status(At),
    /// Put many small files together into few sorted ones; questions get faster, answers stay the same
    Compact(At),
    /// Take old days out of `events`, and delete files that no table names
    Expire {
        /// Keep the events of so many days, such as 400d; without it no event goes
        #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
        keep: Option<TimeDelta>,

        /// Delete files that no table names only if they are older than this: a reader may be at work with them
        #[arg(long, value_name = "DURATION", value_parser = duration::parse_or_zero, default_value = "1d")]
        grace: TimeDelta,

        #[command(flatten)]
        at: At,
    },
    /// Read every byte: whether files are what was written, and every event is there once
    Check(At),
    /// Set damaged files aside and read their events again from the objects they came from
    Repair {
        /// Go on without objects that are there, or may be, and cannot be read: their rows are lost
        #[arg(long)]
        give_up: bool,

        #[command(flatten)]
        at: At,

        #[command(flatten)]
        limits: Limits,
    },
}
