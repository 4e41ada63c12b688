//! The command line: commands, flags and their help texts. What a flag does is decided elsewhere.
//!
//! Every doc comment below is what `--help` prints, and every example in a help text is parsed by a test.

mod access;
mod alerts;
mod deliver;
mod doctor;
pub(crate) mod duration;
mod global;
mod grants;
mod iam_policy;
mod input;
mod inventory;
mod investigate;
mod lake;
mod moment;
mod policy;
mod query;
mod rules;
mod sample;
mod size;
mod source;
mod sql;
mod verify;
mod watch;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use access::{AccessArgs, AccessFormat, By};
pub(crate) use alerts::AlertsArgs;
pub(crate) use deliver::{DeliverAt, DeliverCommand, DeliveryArgs, Sending};
pub(crate) use doctor::DoctorArgs;
pub(crate) use global::Global;
pub(crate) use grants::GrantArgs;
pub(crate) use iam_policy::IamPolicyArgs;
pub(crate) use input::{AwsArgs, Input, LakeArgs, Limits};
pub(crate) use inventory::InventoryArgs;
pub(crate) use investigate::InvestigateArgs;
pub(crate) use lake::{At, IngestArgs, LakeCommand};
pub(crate) use policy::{As, Form, GenerateArgs, HoldIn, PolicyCommand, ReplayArgs, SimulateArgs};
pub(crate) use query::{QueryArgs, SqlSource};
pub(crate) use rules::{RuleFlags, RulesArgs, RulesCommand};
pub(crate) use sample::SampleArgs;
pub(crate) use source::SourceArgs;
pub(crate) use sql::SqlArgs;
pub(crate) use verify::VerifyArgs;
pub(crate) use watch::{ConfigCommand, LogFormat, WatchArgs};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  findings at or above --fail-on; files that are not what CloudTrail delivered
  2  the command line or the SQL is wrong
  3  some input was rejected (the rest was read)
  5  input or output failed

Start here: trailhound demo";

const SCAN_EXAMPLES: &str = "\
Examples:
  trailhound scan ./logs
  trailhound scan 'logs/**/*.json.gz' --output json
  zcat logs/*.json.gz | trailhound scan -
  trailhound scan ./logs --fail-on high
  trailhound scan s3://our-trail-bucket --start-time 1d --account 111122223333
  trailhound scan --lake ./trailhound-lake";

const DEMO_EXAMPLES: &str = "\
Examples:
  trailhound demo
  trailhound demo --keep ./sample";

/// SQL, alerts and least-privilege reports from AWS CloudTrail logs.
///
/// One program, no server and no network: point it at a folder of CloudTrail files.
#[derive(Debug, Parser)]
#[command(name = "trailhound", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// Everything at a glance: span, accounts, totals, rejects, alerts, principals
    Scan(ScanArgs),
    /// Read logs into a lake, once: durable tables that questions are asked of in milliseconds
    Ingest(IngestArgs),
    /// Look after a lake: status, compact, expire, check, repair
    #[command(subcommand)]
    Lake(LakeCommand),
    /// Answer a question in SQL
    Query(QueryArgs),
    /// Ask questions in SQL, one after the other, with completion and history
    Sql(SqlArgs),
    /// The story of a key, an identity, an address or an event: what it did, whom it became, what it left
    Investigate(InvestigateArgs),
    /// Run the rules and list what they found
    Alerts(AlertsArgs),
    /// Keep a lake current, run the rules and tell people, within a second and without an end
    Watch(Box<WatchArgs>),
    /// Look after a configuration: check
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look after what alerts send: list the outbox, send again what failed, try the sinks
    #[command(subcommand)]
    Deliver(DeliverCommand),
    /// Who used what and when, and what they were granted and never used
    Access(Box<AccessArgs>),
    /// Ask IAM who has what: users, groups, roles, policies, credentials; read-only, kept as files or in a lake
    Inventory(InventoryArgs),
    /// Prove that log files are what CloudTrail delivered: digests, their signatures and their chain, also offline
    Verify(VerifyArgs),
    /// Look whether all is there that reading needs: credentials, bucket, queue, keys, clock, trail, disk; and what to do
    Doctor(DoctorArgs),
    /// Print the IAM policy that trailhound needs, and nothing beyond it
    IamPolicy(IamPolicyArgs),
    /// Smaller policies: simulate, generate, replay
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Write a made-up organisation's trail, to try things on
    Sample(SampleArgs),
    /// Show all of it on a made-up trail, without network, in under a minute
    #[command(after_help = DEMO_EXAMPLES)]
    Demo {
        /// Keep the made-up trail in this folder
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// List the columns of the event table; `query 'DESCRIBE coverage' --lake PLACE` lists those of a lake's others
    Schema,
    /// List, show, check, test and lint rules: the shipped ones, or those in a folder
    Rules(RulesArgs),
}

/// `trailhound scan`
#[derive(Debug, Clone, Args)]
#[command(after_help = SCAN_EXAMPLES)]
pub(crate) struct ScanArgs {
    /// Exit with 1 if there is an alert of this severity or above
    #[arg(long, value_enum, value_name = "SEVERITY", ignore_case = true)]
    pub(crate) fail_on: Option<Severity>,

    #[command(flatten)]
    pub(crate) input: Input,
}

/// How bad a finding is: the levels of Sigma, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub(crate) enum Severity {
    #[value(alias = "info")]
    Informational,
    Low,
    #[value(alias = "med")]
    Medium,
    High,
    #[value(alias = "crit")]
    Critical,
}

#[cfg(test)]
mod tests;
