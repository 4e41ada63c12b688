//! Flags of `access`.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};

use super::{GrantArgs, Input, Severity, duration, moment};

pub(super) const ACCESS_EXAMPLES: &str = "\
Examples:
  trailhound access ./logs
  aws iam get-account-authorization-details > grants.json
  trailhound access ./logs --grants grants.json
  trailhound access ./logs --grants grants.json --window 180d --output json
  trailhound access ./logs --grants grants.json --credential-report report.csv --html report.html
  trailhound access --lake ./trailhound-lake --grants grants.json
  trailhound access ./logs --by person
  trailhound access ./logs --by resource --principal arn:aws:iam::111122223333:role/app
  trailhound access ./logs --grants grants.json --compare last-month.json --output json
  trailhound access ./logs --grants grants.json --service-last-accessed arn:aws:iam::111122223333:role/app=accessed.json
  trailhound access ./logs --grants grants.json --format service-last-accessed";

/// `trailhound access`
#[derive(Debug, Clone, Args)]
#[command(after_help = ACCESS_EXAMPLES)]
pub(crate) struct AccessArgs {
    /// Answer by principal; by the person behind: sessions and chains of roles followed to who asked for them; or by
    /// resource: who reached it, with what and when last, and what refused
    #[arg(long, value_enum, value_name = "WHOM", default_value = "principal")]
    pub(crate) by: By,

    /// With `--by resource`: only what this user or role reached, by its ARN
    #[arg(long, value_name = "ARN")]
    pub(crate) principal: Option<String>,

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

    /// Look at statements by resource too: one whose actions were used on other resources alone is unused. Reads all events,
    /// also of a lake
    #[arg(long)]
    pub(crate) resources: bool,

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
    /// What was reached
    Resource,
}

/// Another shape of `access`'s JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessFormat {
    /// As IAM writes it
    ServiceLastAccessed,
}
