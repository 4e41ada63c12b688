//! `trailhound deliver`, and the flags of `alerts` that send: their flags and help texts.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{Args, Subcommand};

use super::duration;

pub(crate) const EXAMPLES: &str = "\
Examples:
  trailhound deliver test delivery.toml
  trailhound alerts ./logs --deliver delivery.toml
  trailhound deliver list delivery.toml --output json
  trailhound deliver replay delivery.toml --sink oncall";

/// `trailhound alerts`: sending what was found.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Delivery options")]
pub(crate) struct DeliveryArgs {
    /// Send the alerts to the sinks of this file, each alert once; see docs/deliver.md
    #[arg(long, value_name = "CONFIG")]
    pub(crate) deliver: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) sending: Sending,
}

/// Where messages wait, and for how long a command tries to get them out.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Delivery options")]
pub(crate) struct Sending {
    /// The folder of messages on their way [default: `outbox` of the configuration, else ./trailhound-outbox]
    #[arg(long, value_name = "DIR")]
    pub(crate) outbox: Option<PathBuf>,

    /// Stop trying after this; what is not sent by then waits in the outbox
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "1m")]
    pub(crate) deliver_for: TimeDelta,
}

/// `trailhound deliver`
#[derive(Debug, Clone, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum DeliverCommand {
    /// What is in the outbox: dead, pending and held messages, and the last that were sent
    List(DeliverAt),
    /// Send what waits, and try again what was given up; each message keeps its key
    Replay {
        #[command(flatten)]
        at: DeliverAt,

        /// Revive only the dead messages of this sink
        #[arg(long, value_name = "NAME")]
        sink: Option<String>,

        /// Revive only the dead message whose key begins so
        #[arg(long, value_name = "KEY")]
        key: Option<String>,

        /// Send what waits, and let the dead rest
        #[arg(long, conflicts_with_all = ["sink", "key"])]
        pending_only: bool,
    },
    /// Send a message that says that it is a test to every sink, past the outbox
    Test {
        /// The configuration of delivery, in TOML
        #[arg(value_name = "CONFIG")]
        config: PathBuf,

        /// Taken as by `list` and `replay`, and left alone: a test goes past the outbox
        #[arg(long, value_name = "DIR")]
        outbox: Option<PathBuf>,
    },
}

/// A configuration and its outbox.
#[derive(Debug, Clone, Args)]
pub(crate) struct DeliverAt {
    /// The configuration of delivery, in TOML
    #[arg(value_name = "CONFIG")]
    pub(crate) config: PathBuf,

    #[command(flatten)]
    pub(crate) sending: Sending,
}
