//! `trailhound doctor`: its flags and help text.

use std::path::PathBuf;

use clap::Args;

use super::LakeArgs;

pub(super) const DOCTOR_EXAMPLES: &str = "\
Examples:
  trailhound doctor
  trailhound doctor s3://our-trail-bucket sqs://trail-notifications --lake ./trailhound-lake
  trailhound doctor s3://our-trail-bucket/prefix --role-arn arn:aws:iam::111122223333:role/logs
  trailhound doctor lookup: --profile audit --output json
  trailhound doctor --config trailhound.toml
  trailhound doctor ./logs --lake ./trailhound-lake

Exit codes: 0 nothing is broken (there may be warnings) · 1 something is. Nothing is changed anywhere.";

/// `trailhound doctor`
#[derive(Debug, Clone, Args)]
#[command(after_help = DOCTOR_EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// What is to be read: s3://BUCKET/PREFIX, sqs://QUEUE, lookup:, files or folders [default: credentials and trails]
    #[arg(value_name = "SOURCE")]
    pub(crate) paths: Vec<PathBuf>,

    /// Look at the sources and the [[account]]s of this configuration too, as `watch` and `ingest` take it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) lake: LakeArgs,
}
