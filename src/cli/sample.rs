//! Flags of `sample`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Args;

use super::moment;

pub(super) const SAMPLE_EXAMPLES: &str = "\
Examples:
  trailhound sample --events 100000 --out ./sample
  trailhound sample --accounts 12 --days 90 --seed 7 --out ./sample";

/// `trailhound sample`
#[derive(Debug, Clone, Args)]
#[command(after_help = SAMPLE_EXAMPLES)]
pub(crate) struct SampleArgs {
    /// Write the trail into this folder, in the key layout of a trail's bucket
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// How many events
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) events: u64,

    /// How many accounts the organisation has
    #[arg(long, value_name = "A", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) accounts: u32,

    /// How many days the trail spans
    #[arg(long, value_name = "D", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: u32,

    /// The same seed and the same flags give the same bytes
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,

    /// The end of the trail [default: a fixed day, so that the bytes do not depend on the clock]
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) end: Option<DateTime<Utc>>,

    /// How many events a file holds at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) events_per_file: Option<u32>,
}
