//! `trailhound verify`: its flags and help text. Names are those of `aws cloudtrail validate-logs` where it has them.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Args;

use super::{AwsArgs, moment, size};

pub(super) const VERIFY_EXAMPLES: &str = "\
Examples:
  trailhound verify s3://our-trail-bucket
  trailhound verify ./downloaded --public-keys keys.json
  trailhound verify ./downloaded --public-keys keys.json --metadata metadata.json --start-time 2026-03-01 --verbose
  trailhound verify s3://our-trail-bucket/prefix --account 111122223333 --start-time 7d --output json
  trailhound verify s3://our-trail-bucket --start-time 7d --lake ./trailhound-lake
  trailhound verify --trail-arn arn:aws:cloudtrail:us-east-1:111122223333:trail/main --s3-bucket our-trail-bucket --start-time 7d

Exit codes: 0 every file is what CloudTrail delivered · 1 some are not · 3 nothing could be said of some. With --strict also 1
for what only trailhound looks at: unlisted log files, stray digests, hashes that do not fit.";

/// `trailhound verify`
#[derive(Debug, Clone, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// Downloaded folders, or s3://BUCKET[/PREFIX]; digests and log files both
    #[arg(value_name = "PLACE", required_unless_present = "trail_arn")]
    pub(crate) places: Vec<String>,

    /// Public keys: the answer of `aws cloudtrail list-public-keys`, from the trail's Region [default: ask CloudTrail]
    #[arg(long, value_name = "FILE")]
    pub(crate) public_keys: Option<PathBuf>,

    /// What S3 kept beside downloaded objects, signatures among it: {KEY: {NAME: VALUE}} [default: objects.json there]
    #[arg(long, value_name = "FILE")]
    pub(crate) metadata: Option<PathBuf>,

    /// Delivered at or after this time [default: everything that is there]
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) start_time: Option<DateTime<Utc>>,

    /// Delivered at or before this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) end_time: Option<DateTime<Utc>>,

    /// Only the digests of this trail
    #[arg(long, value_name = "ARN")]
    pub(crate) trail_arn: Option<String>,

    /// Only the log files of this account; may be given again
    #[arg(long, value_name = "ID", alias = "account-id")]
    pub(crate) account: Vec<String>,

    /// Only the log files of this Region; may be given again
    #[arg(long, value_name = "REGION")]
    pub(crate) log_region: Vec<String>,

    /// The trail's bucket, where it cannot be told from the place
    #[arg(long, value_name = "BUCKET")]
    pub(crate) s3_bucket: Option<String>,

    /// What the trail puts in front of AWSLogs, where it cannot be told from the place
    #[arg(long, value_name = "PREFIX")]
    pub(crate) s3_prefix: Option<String>,

    /// Note in this lake what digests prove, and say how much of the lake is proven: a folder, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE")]
    pub(crate) lake: Option<String>,

    /// Exit with 1 also for what AWS's own client does not look at
    #[arg(long)]
    pub(crate) strict: bool,

    /// Tell of valid files too
    #[arg(long)]
    pub(crate) verbose: bool,

    /// Refuse an object that inflates to more than this
    #[arg(long, value_name = "SIZE", value_parser = size::parse, default_value = "256MiB")]
    pub(crate) max_inflated_bytes: u64,

    #[command(flatten)]
    pub(crate) aws: AwsArgs,
}
