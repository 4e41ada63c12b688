//! `trailhound policy`: its flags and help texts. Names of flags are those of AWS' own simulator where it has them.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::{GrantArgs, Input, moment};

pub(super) const SIMULATE_EXAMPLES: &str = "\
Examples:
  trailhound policy simulate --cases cases.jsonl
  trailhound policy simulate --grants grants.json --policy-source-arn arn:aws:iam::111122223333:role/app --action-names s3:GetObject --resource-arns arn:aws:s3:::data/key
  trailhound policy simulate --policy-input-list policy.json --caller-arn arn:aws:iam::111122223333:user/ann --action-names s3:GetObject s3:PutObject --context-entries aws:SourceIp=192.0.2.1

A case is a line of JSON: id, policies, scps, rcps, boundary, resource_policy, session_policy, endpoint_policies, request.
See docs/policy.md.";

pub(super) const GENERATE_EXAMPLES: &str = "\
Examples:
  trailhound policy generate --principal arn:aws:iam::111122223333:role/app ./logs
  trailhound policy generate --principal arn:aws:iam::111122223333:role/app --grants grants.json --form diff ./logs
  trailhound policy generate --principal arn:aws:iam::111122223333:role/app --grants grants.json --from-current ./logs
  trailhound policy generate --principal arn:aws:iam::111122223333:role/app --form terraform --lake ./trailhound-lake
  trailhound policy generate --principal arn:aws:iam::111122223333:role/app --hold inline ./logs";

pub(super) const REPLAY_EXAMPLES: &str = "\
Examples:
  trailhound policy replay --policy proposed.json --principal arn:aws:iam::111122223333:role/app ./logs
  trailhound policy replay --policy scp.json --as scp ./logs
  trailhound policy replay --policy proposed.json --principal arn:aws:iam::111122223333:role/app --lake ./trailhound-lake --output json";

/// `trailhound policy`
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Is this allowed? Every layer of policies, with the statement that decides
    Simulate(Box<SimulateArgs>),
    /// A policy of what was really used
    Generate(Box<GenerateArgs>),
    /// Which recorded calls a proposed policy would have denied
    Replay(Box<ReplayArgs>),
}

/// `trailhound policy simulate`
#[derive(Debug, Clone, Args)]
#[command(after_help = SIMULATE_EXAMPLES)]
#[command(group = ArgGroup::new("asked").required(true).args(["cases", "action_names"]))]
pub(crate) struct SimulateArgs {
    /// Answer the cases of this file, one line of JSON each; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["policy_source_arn", "policy_input_list", "grants"])]
    pub(crate) cases: Option<PathBuf>,

    /// The principal whose policies are used; needs --grants
    #[arg(long, value_name = "ARN", requires = "grants")]
    pub(crate) policy_source_arn: Option<String>,

    /// What was granted: the JSON of `aws iam get-account-authorization-details`; once for each account
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Vec<PathBuf>,

    /// Identity policies to use, beside those of the principal: files, `file://FILE`, or JSON
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) policy_input_list: Vec<PathBuf>,

    /// Permissions boundaries to use instead of the principal's
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) permissions_boundary_policy_input_list: Vec<PathBuf>,

    /// Service control policies of the organisation, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) scps: Option<PathBuf>,

    /// Resource control policies of the organisation that the resources are in, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) rcps: Option<PathBuf>,

    /// The session policy
    #[arg(long, value_name = "FILE")]
    pub(crate) session_policy: Option<PathBuf>,

    /// The resource's policy
    #[arg(long, value_name = "FILE")]
    pub(crate) resource_policy: Option<PathBuf>,

    /// The account that owns the resources [default: the one in their ARNs, else the caller's]
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) resource_owner: Option<String>,

    /// Who asks [default: --policy-source-arn]
    #[arg(long, value_name = "ARN")]
    pub(crate) caller_arn: Option<String>,

    /// The actions asked about
    #[arg(long, value_name = "ACTION", num_args = 1..)]
    pub(crate) action_names: Vec<String>,

    /// The resources asked about [default: `*`]
    #[arg(long, value_name = "ARN", num_args = 1..)]
    pub(crate) resource_arns: Vec<String>,

    /// Keys of the context: KEY=VALUE; KEY=[A,B] for a key with several values
    #[arg(long, value_name = "KEY=VALUE", num_args = 1..)]
    pub(crate) context_entries: Vec<String>,

    /// Leave conditions on keys that are not given open: what could be allowed
    #[arg(long)]
    pub(crate) possible: bool,
}

/// How a generated policy is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// The policy documents and what stands behind them, as JSON
    Json,
    /// Lines that go and lines that come, beside today's policies
    Diff,
    /// Terraform's `aws_iam_policy` resources
    Terraform,
}

/// Where a generated policy is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HoldIn {
    /// As managed policies
    Managed,
    /// In the user or role
    Inline,
}

/// `trailhound policy generate`
#[derive(Debug, Clone, Args)]
#[command(after_help = GENERATE_EXAMPLES)]
pub(crate) struct GenerateArgs {
    /// The user or role
    #[arg(long, value_name = "ARN")]
    pub(crate) principal: String,

    /// Take away from today's policies what was not used, instead of writing new ones; needs --grants, or a lake that keeps inventories
    #[arg(long)]
    pub(crate) from_current: bool,

    /// Where the policy is to be kept, which decides how large it may be: managed (6,144 characters each), or inline (2,048 of a user, 10,240 of a role, together)
    #[arg(long, value_enum, value_name = "WHERE", default_value = "managed")]
    pub(crate) hold: HoldIn,

    /// Grant the reading and listing siblings of what was used, too
    #[arg(long)]
    pub(crate) siblings: bool,

    /// Grant what was only ever refused, too
    #[arg(long)]
    pub(crate) include_denied: bool,

    /// Leave out calls before this time
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) since: Option<DateTime<Utc>>,

    /// How the policy is written
    #[arg(long, value_enum, value_name = "FORM", default_value = "json")]
    pub(crate) form: Form,

    #[command(flatten)]
    pub(crate) granted: GrantArgs,

    #[command(flatten)]
    pub(crate) input: Input,
}

/// What a replayed policy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum As {
    /// All the principal's permissions
    Identity,
    /// Its permissions boundary
    Boundary,
    /// A service control policy beside FullAWSAccess
    Scp,
}

/// `trailhound policy replay`
#[derive(Debug, Clone, Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// The proposed policy; several stand together
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) policy: Vec<PathBuf>,

    /// The user or role [default: every one in the logs]
    #[arg(long, value_name = "ARN")]
    pub(crate) principal: Option<String>,

    /// What the policy would be
    #[arg(long = "as", value_enum, value_name = "WHAT", default_value = "identity")]
    pub(crate) as_what: As,

    /// Leave out calls before this time
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) since: Option<DateTime<Utc>>,

    /// Exit with 1 if it would have denied a call
    #[arg(long)]
    pub(crate) fail_on_denied: bool,

    #[command(flatten)]
    pub(crate) granted: GrantArgs,

    #[command(flatten)]
    pub(crate) input: Input,
}
