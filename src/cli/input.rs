//! Where events come from: logs or a lake, how AWS is reached, and what an object may do to us.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::{SourceArgs, size};

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
