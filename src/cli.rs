//! The command line: commands, flags and their help texts. What a flag does is decided elsewhere.
//!
//! Every doc comment below is what `--help` prints, and every example in a help text is parsed by a test.

mod deliver;
mod doctor;
pub(crate) mod duration;
mod grants;
mod iam_policy;
mod inventory;
mod investigate;
mod lake;
mod moment;
mod policy;
mod query;
mod rules;
mod size;
mod source;
mod sql;
mod verify;
mod watch;

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

pub(crate) use deliver::{DeliverAt, DeliverCommand, DeliveryArgs, Sending};
pub(crate) use doctor::DoctorArgs;
pub(crate) use grants::GrantArgs;
pub(crate) use iam_policy::IamPolicyArgs;
pub(crate) use inventory::InventoryArgs;
pub(crate) use investigate::InvestigateArgs;
pub(crate) use lake::{At, IngestArgs, LakeCommand};
pub(crate) use policy::{As, Form, GenerateArgs, HoldIn, PolicyCommand, ReplayArgs, SimulateArgs};
pub(crate) use query::{QueryArgs, SqlSource};
pub(crate) use rules::{RuleFlags, RulesArgs, RulesCommand};
pub(crate) use source::SourceArgs;
pub(crate) use sql::SqlArgs;
pub(crate) use verify::VerifyArgs;
pub(crate) use watch::{ConfigCommand, LogFormat, WatchArgs};

use ::query::Control;

use crate::render::terminal::Terminal;
use crate::render::{Output, RowOptions};
use crate::stop::Stop;

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

const ALERTS_EXAMPLES: &str = "\
Examples:
  trailhound alerts ./logs
  trailhound alerts ./logs --severity medium --output jsonl
  trailhound alerts ./logs --rules ./our-rules --fail-on high
  trailhound alerts ./logs --rules ./sigma --no-shipped-rules --list admins=./admins.txt
  trailhound alerts ./logs --backtest --suppress ./known.yml
  trailhound alerts ./logs --deliver delivery.toml
  trailhound alerts --lake ./trailhound-lake";

const ACCESS_EXAMPLES: &str = "\
Examples:
  trailhound access ./logs
  aws iam get-account-authorization-details > grants.json
  trailhound access ./logs --grants grants.json
  trailhound access ./logs --grants grants.json --window 180d --output json
  trailhound access ./logs --grants grants.json --credential-report report.csv --html report.html
  trailhound access --lake ./trailhound-lake --grants grants.json
  trailhound access ./logs --by person
  trailhound access ./logs --grants grants.json --compare last-month.json --output json
  trailhound access ./logs --grants grants.json --service-last-accessed arn:aws:iam::111122223333:role/app=accessed.json
  trailhound access ./logs --grants grants.json --format service-last-accessed";

const SAMPLE_EXAMPLES: &str = "\
Examples:
  trailhound sample --events 100000 --out ./sample
  trailhound sample --accounts 12 --days 90 --seed 7 --out ./sample";

const DEMO_EXAMPLES: &str = "\
Examples:
  trailhound demo
  trailhound demo --keep ./sample";

/// More rows than this are rarely read, and one seldom means to print them on a screen.
const MAX_ROWS_ON_TERMINAL: u64 = 100;

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

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// How answers are written: table, json, jsonl, csv, parquet or arrow
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t, hide_possible_values = true)]
    pub(crate) output: Output,

    /// Show at most this many rows, and end a query there; 0 shows all [default: 100 of a table on a terminal, else all]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) max_rows: Option<u64>,

    /// In CSV, leave cells that a spreadsheet would run as a formula as they are
    #[arg(long, global = true)]
    pub(crate) csv_raw: bool,

    /// Say nothing but warnings and errors on standard error
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Say what is being done, step by step, on standard error
    #[arg(long, global = true, conflicts_with = "quiet")]
    pub(crate) debug: bool,

    /// Use no colours; the variable NO_COLOR says the same
    #[arg(long, global = true)]
    pub(crate) no_color: bool,

    /// Threads to work with [default: one a processor]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,

    /// Memory that a query may take before it spills to disk, such as 512MiB or 2GiB
    #[arg(long, global = true, value_name = "SIZE", value_parser = size::parse)]
    pub(crate) memory_limit: Option<u64>,

    /// Time that a query may take, such as 30s or 5m [default: what it takes]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) timeout: Option<TimeDelta>,
}

impl Global {
    /// How rows are written to standard output.
    pub(crate) fn rows(&self) -> RowOptions {
        self.rows_on(Terminal::stdout(self.no_color))
    }

    /// What a query may use.
    pub(crate) fn query_limits(&self) -> ::query::Limits {
        let mut limits = ::query::Limits::default();
        if let Some(bytes) = self.memory_limit {
            limits.memory_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        if let Some(threads) = self.threads {
            limits.partitions = usize::from(threads);
        }
        limits
    }

    /// What ends a query that starts now.
    pub(crate) fn control(&self, stop: &Stop) -> Control {
        Control::default().within(self.timeout.and_then(|time| time.to_std().ok())).until(stop.flag())
    }

    fn rows_on(&self, terminal: Terminal) -> RowOptions {
        let default = if terminal.is_terminal { MAX_ROWS_ON_TERMINAL } else { 0 };
        let rows_max = Some(self.max_rows.unwrap_or(default)).filter(|&rows| rows > 0);
        RowOptions { terminal, rows_max, csv_raw: self.csv_raw }
    }
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

/// Logs or a lake, one of the two. Stands last in a command: clap keeps its heading for what follows.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("source").required(true).args(["paths", "lake"]))]
pub(crate) struct Input {
    /// Files, folders (read recursively), globs or s3://BUCKET/PREFIX of CloudTrail logs; `-` is standard input
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) source: SourceArgs,

    #[command(flatten)]
    pub(crate) lake: LakeArgs,

    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// A lake, and how it is reached.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Lake options")]
pub(crate) struct LakeArgs {
    /// The lake: a folder, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE")]
    pub(crate) lake: Option<String>,

    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}

/// How AWS is reached: the names of AWS's own command line. What is absent comes from its environment and files.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "AWS options")]
pub(crate) struct AwsArgs {
    /// Another server that speaks S3, SQS and so on
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,

    /// The region of the bucket or queue [default: as for the AWS command line]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,

    /// The profile of the AWS command line whose credentials are used
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// The role to take on for reading logs, with the credentials of the profile; a lake is reached without it
    #[arg(long, value_name = "ARN")]
    pub(crate) role_arn: Option<String>,

    /// What the role's trust policy asks for
    #[arg(long, value_name = "ID", requires = "role_arn")]
    pub(crate) external_id: Option<String>,

    /// Read logs without credentials, from a public bucket
    #[arg(long, conflicts_with = "role_arn")]
    pub(crate) no_sign_request: bool,
}

impl AwsArgs {
    /// As the lake takes them.
    pub(crate) fn to_lake(&self) -> ::lake::Aws {
        let AwsArgs { endpoint_url, region, profile, .. } = self.clone();
        ::lake::Aws { endpoint_url, region, profile }
    }

    /// As the sources take them.
    pub(crate) fn to_options(&self) -> aws::Options {
        let AwsArgs { endpoint_url, region, profile, role_arn, external_id, no_sign_request } = self.clone();
        aws::Options { endpoint_url, region, profile, role_arn, external_id, no_sign_request, attempts: None }
    }

    /// Whether any of them is given.
    fn is_given(&self) -> bool {
        let AwsArgs { endpoint_url, region, profile, role_arn, external_id, no_sign_request } = self;
        [endpoint_url, region, profile, role_arn, external_id].into_iter().any(Option::is_some) || *no_sign_request
    }
}

impl LakeArgs {
    /// The lake's place, if one is given.
    ///
    /// # Errors
    /// With a sentence for the user, where there are flags for a bucket and no lake.
    pub(crate) fn place(&self, paths: &[PathBuf]) -> Result<Option<&str>, String> {
        if self.lake.is_none() && self.aws.is_given() && !paths.iter().any(|path| crate::remote::is_remote(path)) {
            let text = "--endpoint-url, --region, --profile and the like say how AWS is reached: give --lake or an s3:// place";
            return Err(text.to_owned());
        }
        Ok(self.lake.as_deref())
    }
}

/// What a single object may do to us.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Input options")]
pub(crate) struct Limits {
    /// Refuse an object that inflates to more than this
    #[arg(long, value_name = "SIZE", value_parser = size::parse, default_value = "256MiB")]
    pub(crate) max_inflated_bytes: u64,

    /// Read a gzip object that has other bytes behind its end, instead of refusing it
    #[arg(long)]
    pub(crate) accept_trailing_data: bool,
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

/// `trailhound alerts`
#[derive(Debug, Clone, Args)]
#[command(after_help = ALERTS_EXAMPLES)]
pub(crate) struct AlertsArgs {
    #[command(flatten)]
    pub(crate) rules: RuleFlags,

    /// Leave out alerts that this file knows, each for a reason and until a day; may be given again
    #[arg(long, value_name = "FILE")]
    pub(crate) suppress: Vec<PathBuf>,

    /// Instead of alerts, tell of each rule how many a day, about whom, and what suppressions save
    #[arg(long, conflicts_with = "fail_on")]
    pub(crate) backtest: bool,

    /// Exit with 1 if there is an alert of this severity or above
    #[arg(long, value_enum, value_name = "SEVERITY", ignore_case = true)]
    pub(crate) fail_on: Option<Severity>,

    /// Leave out alerts below this severity [default: all; a table only counts the informational ones]
    #[arg(long, value_enum, value_name = "MIN", ignore_case = true)]
    pub(crate) severity: Option<Severity>,

    #[command(flatten)]
    pub(crate) delivery: DeliveryArgs,

    #[command(flatten)]
    pub(crate) input: Input,
}

/// `trailhound access`
#[derive(Debug, Clone, Args)]
#[command(after_help = ACCESS_EXAMPLES)]
pub(crate) struct AccessArgs {
    /// Answer by principal, or by the person behind: sessions and chains of roles followed to who asked for them
    #[arg(long, value_enum, value_name = "WHOM", default_value = "principal")]
    pub(crate) by: By,

    /// Write JSON in another shape: that of `aws iam get-service-last-accessed-details`, one document for each user and role
    #[arg(long, value_enum, value_name = "SHAPE")]
    pub(crate) format: Option<AccessFormat>,

    /// An earlier report (`--output json`): tell what is new, gone and still there
    #[arg(long, value_name = "OLD.json")]
    pub(crate) compare: Option<PathBuf>,

    /// Findings that are accepted, each with its reason, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) exclude: Option<PathBuf>,

    /// Write the report as one HTML file, too
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// Exit with 1 if there is a finding of this severity or above
    #[arg(long, value_enum, value_name = "SEVERITY", ignore_case = true)]
    pub(crate) fail_on: Option<Severity>,

    /// How far back use counts as use
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "90d")]
    pub(crate) window: TimeDelta,

    /// The end of the window: a date, a time, `yesterday`, `2h ago` [default: the newest event]
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) now: Option<DateTime<Utc>>,

    #[command(flatten)]
    pub(crate) granted: GrantArgs,

    #[command(flatten)]
    pub(crate) input: Input,
}

/// About whom `access` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// Users, roles, services
    Principal,
    /// Whoever was behind their sessions
    Person,
}

/// Another shape of `access`'s JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessFormat {
    /// As IAM writes it
    ServiceLastAccessed,
}

/// `trailhound sample`
#[derive(Debug, Clone, Args)]
#[command(after_help = SAMPLE_EXAMPLES)]
pub(crate) struct SampleArgs {
    /// Write the trail into this folder, in the key layout of a trail's bucket
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// How many events
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) events: u64,

    /// How many accounts the organisation has
    #[arg(long, value_name = "A", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) accounts: u32,

    /// How many days the trail spans
    #[arg(long, value_name = "D", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: u32,

    /// The same seed and the same flags give the same bytes
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,

    /// The end of the trail [default: a fixed day, so that the bytes do not depend on the clock]
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) end: Option<DateTime<Utc>>,

    /// How many events a file holds at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) events_per_file: Option<u32>,
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
