//! Flags of `alerts`.

use std::path::PathBuf;

use clap::Args;

use super::{DeliveryArgs, Input, RuleFlags, Severity};

pub(super) const ALERTS_EXAMPLES: &str = "\
Examples:
  trailhound alerts ./logs
  trailhound alerts ./logs --severity medium --output jsonl
  trailhound alerts ./logs --rules ./our-rules --fail-on high
  trailhound alerts ./logs --rules ./sigma --no-shipped-rules --list admins=./admins.txt
  trailhound alerts ./logs --backtest --suppress ./known.yml
  trailhound alerts ./logs --deliver delivery.toml
  trailhound alerts --lake ./trailhound-lake";

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
