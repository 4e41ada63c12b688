//! `trailhound investigate`: whom or what, and where it is looked for.

use std::path::PathBuf;

use clap::Args;

use super::Input;

pub(super) const EXAMPLES: &str = "\
Examples:
  trailhound investigate AKIAIOSFODNN7EXAMPLE ./logs
  trailhound investigate arn:aws:iam::111122223333:role/Admin --lake ./trailhound-lake
  trailhound investigate eve ./logs --html story.html
  trailhound investigate 203.0.113.7 ./logs --output json
  trailhound investigate 198.51.100.0/24 ./logs
  trailhound investigate 0a1b2c3d-4e5f-6789-abcd-ef0123456789 ./logs";

/// `trailhound investigate`
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InvestigateArgs {
    /// An access key, the ARN or name of a role or user, an address or network, or the id of an event: told by its form
    #[arg(value_name = "KEY|ROLE|USER|ADDRESS|EVENT")]
    pub(crate) subject: String,

    /// Write the story as one HTML file, too
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) input: Input,
}
