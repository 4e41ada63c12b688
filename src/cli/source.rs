//! Which objects of a bucket are wanted: flags of every command that reads `s3://` places.

use chrono::{DateTime, Utc};
use clap::Args;

use super::moment;

/// What prunes the keys of a bucket. Nothing of it concerns files on a disk.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options for s3:// places")]
pub(crate) struct SourceArgs {
    /// Only log files of this account; may be given again
    #[arg(long = "account", value_name = "ID", value_parser = account)]
    pub(crate) accounts: Vec<String>,

    /// Only log files of this Region; may be given again
    #[arg(long = "log-region", value_name = "REGION", value_parser = region)]
    pub(crate) log_regions: Vec<String>,

    /// Only log files delivered on the day of this time or later; `7d` looks back a week
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) start_time: Option<DateTime<Utc>>,

    /// Only log files delivered on the day of this time or before
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    pub(crate) end_time: Option<DateTime<Utc>>,
}

fn account(text: &str) -> Result<String, String> {
    match ingest::key::is_account(text) {
        true => Ok(text.to_owned()),
        false => Err("no account: write its twelve digits".to_owned()),
    }
}

fn region(text: &str) -> Result<String, String> {
    match ingest::key::is_region(text) {
        true => Ok(text.to_owned()),
        false => Err("no Region: write it as us-east-1".to_owned()),
    }
}

impl SourceArgs {
    /// As the bucket's listing takes it.
    pub(crate) fn filter(&self) -> aws::Filter {
        aws::Filter {
            accounts: self.accounts.iter().cloned().collect(),
            regions: self.log_regions.iter().cloned().collect(),
            from: self.start_time.map(|time| time.date_naive()),
            to: self.end_time.map(|time| time.date_naive()),
        }
    }

    /// A queue cannot be narrowed: a message that is not wanted could only be deleted unread. Where places are listed beside it,
    /// `--start-time` says how far back the listing looks.
    ///
    /// # Errors
    /// Such a flag was given: which, why, and what to do.
    pub(crate) fn refuse_for_queue(&self, lists_places: bool) -> Result<(), String> {
        let source = match lists_places {
            true => SourceArgs { start_time: None, ..self.clone() },
            false => self.clone(),
        };
        match source.given() {
            None => Ok(()),
            Some(flag) => Err(format!(
                "{flag} cannot narrow a queue: a message that is not wanted would have to be deleted unread, and its object lost; \
                 narrow the bucket's notification instead (prefix filter), or read the bucket: s3://BUCKET {flag} …"
            )),
        }
    }

    /// The first of these flags that was given.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let given = [
            (!self.accounts.is_empty(), "--account"),
            (!self.log_regions.is_empty(), "--log-region"),
            (self.start_time.is_some(), "--start-time"),
            (self.end_time.is_some(), "--end-time"),
        ];
        given.into_iter().find(|(given, _)| *given).map(|(_, flag)| flag)
    }
}
