//! What was granted: the flags that name inventories, for every command that needs them.

use std::path::PathBuf;

use clap::Args;

/// Files of an inventory. Without them, a lake's own inventories are used.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Inventory options")]
pub(crate) struct GrantArgs {
    /// What was granted: the JSON of `aws iam get-account-authorization-details`, or what `trailhound inventory` wrote; once for each account
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Vec<PathBuf>,

    /// Service control policies of the organisation, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) scps: Option<PathBuf>,

    /// The CSV of `aws iam get-credential-report`, decoded
    #[arg(long, value_name = "FILE")]
    pub(crate) credential_report: Option<PathBuf>,

    /// The JSON of `aws iam list-users`: when passwords were last used
    #[arg(long, value_name = "FILE")]
    pub(crate) list_users: Option<PathBuf>,

    /// The JSON of `aws iam get-service-last-accessed-details`, for what is older than the logs; ARN=FILE where it names nobody
    #[arg(long, value_name = "FILE")]
    pub(crate) service_last_accessed: Vec<String>,

    /// The JSON of `aws iam get-account-password-policy`
    #[arg(long, value_name = "FILE")]
    pub(crate) password_policy: Option<PathBuf>,

    /// The JSON of `aws iam list-instance-profiles`
    #[arg(long, value_name = "FILE")]
    pub(crate) instance_profiles: Option<PathBuf>,

    /// The JSON of `aws iam list-virtual-mfa-devices`
    #[arg(long, value_name = "FILE")]
    pub(crate) virtual_mfa_devices: Option<PathBuf>,
}
