//! `trailhound iam-policy`: its flags and help text.

use clap::Args;

pub(super) const IAM_POLICY_EXAMPLES: &str = "\
Examples:
  trailhound iam-policy --bucket our-trail-bucket
  trailhound iam-policy --bucket our-trail-bucket --s3-prefix logs --queue arn:aws:sqs:eu-west-1:111122223333:trail
  trailhound iam-policy --bucket our-trail-bucket --kms-key arn:aws:kms:eu-west-1:111122223333:key/1234abcd
  trailhound iam-policy --bucket our-trail-bucket --lake s3://our-lake/cloudtrail --lookup
  trailhound iam-policy --inventory";

/// `trailhound iam-policy`
#[derive(Debug, Clone, Args)]
#[command(after_help = IAM_POLICY_EXAMPLES)]
pub(crate) struct IamPolicyArgs {
    /// The trail's bucket
    #[arg(long, value_name = "BUCKET", required_unless_present = "inventory")]
    pub(crate) bucket: Option<String>,

    /// What the trail puts in front of AWSLogs
    #[arg(long, value_name = "PREFIX")]
    pub(crate) s3_prefix: Option<String>,

    /// The queue that notifications come through
    #[arg(long, value_name = "ARN")]
    pub(crate) queue: Option<String>,

    /// The key that log files are encrypted with
    #[arg(long, value_name = "ARN")]
    pub(crate) kms_key: Option<String>,

    /// Allow LookupEvents too
    #[arg(long)]
    pub(crate) lookup: bool,

    /// Allow `trailhound inventory` too
    #[arg(long)]
    pub(crate) inventory: bool,

    /// A lake that lives in a bucket: s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE")]
    pub(crate) lake: Option<String>,

    /// The partition of the ARNs: aws, aws-cn or aws-us-gov
    #[arg(long, value_name = "NAME", default_value = "aws")]
    pub(crate) partition: String,
}
