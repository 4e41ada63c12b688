//! Simulate: the trail of an organisation that does not exist, for the demo, tests and benches.
//!
//! ```text
//! Plan ── organisation (accounts, cast) ── calendar (how many events fall into which hour)
//!                       │
//!      planted (attacks) ├─ chains (role to role) ├─ sessions (keys handed out) ├─ filler (the daily work)
//!                       └────────────┬────────────┴──────────────────────────────┘
//!                           delivery (files in S3's key layout)      grants (what everybody may do)
//! ```
//!
//! - The same plan writes the same bytes, on any number of threads: every choice is drawn from dice that the seed
//!   and the place of the choice (account, region, day) decide, none from the clock or from the machine.
//! - Memory is bounded by the size of one file per thread: days are generated one at a time and written away.
//! - `OUT/AWSLogs/[ORG/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/…json.gz` is the trail, with keys as CloudTrail forms
//!   them ("CloudTrail log file names" in the AWS CloudTrail user guide); `OUT/iam/ACCOUNT.account-authorization-details.json`
//!   is what `aws iam get-account-authorization-details` would print.
//! - People work in office hours, machines around the clock, batch jobs at night. Requests are denied, throttled
//!   and fail. A few events are delivered twice. With more than one account, the last one records no data events.
//! - Attacks and oddities are planted, each under a kind that [`Summary::planted`] lists with its event ids. Only
//!   planted events hold root, failed sign-ins, users' sign-ins without MFA, changes to trails and public buckets.
//!   Sign-ins through IAM Identity Center without MFA (`sso_console_login`) are planted and everyday both.
//!
//! Nothing here reads what it wrote, and nothing else in the workspace knows how it is made.

mod calendar;
mod calls;
mod cast;
mod chains;
mod delivery;
mod dice;
mod grants;
mod identity;
mod organisation;
mod permissions;
mod personas;
mod planted;
mod record;
mod scribe;
mod sessions;
mod shelf;
mod template;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Regions of the organisation; services with one endpoint are recorded in the first.
const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-northeast-2"];

/// Events a file holds at most: with 1.5 kB each they stay below CloudTrail's 50 MB.
const EVENTS_PER_FILE_MAX: u32 = 20_000;

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Distinct events; the copies delivered twice come on top.
    pub events: u64,
    /// Accounts, 1 to 1,000. More than one make an organisation.
    pub accounts: u32,
    /// Days that the trail spans, 1 to 3,650.
    pub days: u32,
    /// Decides every choice.
    pub seed: u64,
    /// End of the period, rounded down to midnight UTC. No event is as late as this.
    pub end: DateTime<Utc>,
    /// Events that a file holds at most, 1 to 20,000. A file never spans more than a day of one account and region.
    pub events_per_file: u32,
}

impl Default for Plan {
    /// The plan of the demo: 50,000 events of three accounts in the 120 days before 1 November 2026.
    fn default() -> Plan {
        Plan {
            events: 50_000,
            accounts: 3,
            days: 120,
            seed: 7,
            end: DateTime::from_timestamp(1_793_491_200, 0).unwrap_or_default(),
            events_per_file: 400,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Distinct events.
    pub events: u64,
    /// Copies of events, on top of them: same `eventID`, delivered a second time.
    pub duplicates: u64,
    /// Trail files.
    pub files: u64,
    /// Bytes of the trail files, compressed.
    pub bytes_gz: u64,
    /// Bytes of JSON in them.
    pub bytes_json: u64,
    /// Start of the period, as in `eventTime`.
    pub start: String,
    /// End of the period; no event is as late as this.
    pub end: String,
    /// Organisation id, where there is more than one account.
    pub organisation: Option<String>,
    /// Account ids.
    pub accounts: Vec<String>,
    /// Accounts whose trails record no data events.
    pub data_events_off: Vec<String>,
    /// Regions with events.
    pub regions: Vec<String>,
    /// Folder of the trail.
    pub trail: PathBuf,
    /// Account authorization details, one file an account.
    pub grants: Vec<PathBuf>,
    /// Attacks and oddities, by time.
    pub planted: Vec<Planted>,
}

/// Something planted, which an analysis should find, or should not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planted {
    /// What it is, such as `root_console_login`.
    pub kind: &'static str,
    /// Account it happens in.
    pub account: String,
    /// Durable ARN of who does it.
    pub principal: String,
    /// Region of its events.
    pub region: String,
    /// `eventID`s, in order of time.
    pub event_ids: Vec<String>,
    /// `eventTime` of the first of them.
    pub time: String,
    /// What an alerting system should make of it.
    pub expect: Expect,
    /// One line on what happens.
    pub about: &'static str,
}

/// What an alerting system should make of something planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Somebody should be told.
    Alert,
    /// Worth recording, nobody's sleep.
    Information,
    /// Looks like an alert and is none.
    Nothing,
}

/// Why nothing, or not all, was generated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The plan asks for what cannot be made.
    #[error("cannot simulate {what}: {why}")]
    Plan {
        /// The part of the plan, with its value.
        what: String,
        /// What would be possible.
        why: &'static str,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}; check that the folder exists, has room and may be written to", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    fn write(path: &Path, source: std::io::Error) -> Error {
        Error::Write { path: path.to_owned(), source }
    }
}

/// Generates a plan's trail and grants into a folder, which is made if it is not there.
///
/// Files that stand in it already stay, so give each plan a folder of its own.
pub fn write(plan: &Plan, out: &Path) -> Result<Summary, Error> {
    plan.check()?;
    let world = organisation::World::new(plan);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let tally = delivery::deliver(&world, out, threads)?;
    let grants = grants::write(&world, out)?;
    let time = |time: i64| {
        let mut text = String::new();
        calendar::push_time(&mut text, time);
        text
    };
    Ok(Summary {
        events: tally.events,
        duplicates: tally.duplicates,
        files: tally.files,
        bytes_gz: tally.bytes_gz,
        bytes_json: tally.bytes_json,
        start: time(world.calendar.start),
        end: time(world.calendar.end()),
        accounts: world.accounts.iter().map(|account| account.id.clone()).collect(),
        data_events_off: world
            .accounts
            .iter()
            .filter(|account| !account.data_events)
            .map(|account| account.id.clone())
            .collect(),
        regions: REGIONS.iter().map(|region| (*region).to_owned()).collect(),
        trail: out.join("AWSLogs"),
        grants,
        planted: world.planted,
        organisation: world.organisation,
    })
}

impl Plan {
    fn check(&self) -> Result<(), Error> {
        let refuse = |what: String, why| Err(Error::Plan { what, why });
        if !(1..=1_000).contains(&self.accounts) {
            return refuse(format!("{} accounts", self.accounts), "ask for 1 to 1,000");
        }
        if !(1..=3_650).contains(&self.days) {
            return refuse(format!("{} days", self.days), "ask for 1 to 3,650");
        }
        if !(1..=EVENTS_PER_FILE_MAX).contains(&self.events_per_file) {
            return refuse(format!("{} events in a file", self.events_per_file), "ask for 1 to 20,000");
        }
        if self.events > 100_000_000_000 {
            return refuse(format!("{} events", self.events), "ask for at most 100,000,000,000");
        }
        let days_s = i64::from(self.days) * calendar::DAY_S;
        // The year 9999 is the last that `eventTime` can name.
        if self.end.timestamp() < days_s || self.end.timestamp() > 253_402_300_800 {
            return refuse(format!("a period that ends at {}", self.end), "let it lie between 1970 and 9999");
        }
        Ok(())
    }
}
