//! `trailhound inventory`: its flags and help text.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::AwsArgs;

pub(super) const INVENTORY_EXAMPLES: &str = "\
Examples:
  trailhound inventory --out ./iam
  trailhound access ./logs --grants ./iam/inventory.json
  trailhound inventory --out ./iam --service-last-accessed
  trailhound inventory --lake ./trailhound-lake --profile audit
  trailhound inventory --lake s3://our-lake/cloudtrail --role-arn arn:aws:iam::111122223333:role/audit
  trailhound iam-policy --inventory";

/// `trailhound inventory`
#[derive(Debug, Clone, Args)]
#[command(after_help = INVENTORY_EXAMPLES)]
#[command(group = ArgGroup::new("where").required(true).multiple(true).args(["out", "lake"]))]
pub(crate) struct InventoryArgs {
    /// Write it into this folder: a file for each command of the AWS command line, and inventory.json with all of them
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Keep it in this lake: a folder, or s3://BUCKET/PREFIX; `access --lake` uses the newest of each account
    #[arg(long, value_name = "PLACE")]
    pub(crate) lake: Option<String>,

    /// Do not ask AWS Organizations for service and resource control policies
    #[arg(long)]
    pub(crate) no_organization: bool,

    /// Ask IAM too when each user and role last used each service and action: two calls or more for each
    #[arg(long)]
    pub(crate) service_last_accessed: bool,

    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}
