//! `LookupEvents` as a source: ninety days of management events, of accounts without a trail.
//!
//! One object is one day of one Region, newest first. A day that is over is asked for once: its name stands in the lake's
//! ledger. Pages come two a second and no faster (the quota of the API is 2 requests a second for each account and Region,
//! CloudTrail user guide, "Quotas"), retries included.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_cloudtrail::primitives::DateTime as SdkTime;
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use ingest::source::{Fetch, Input, Listed, Place, Remote};
use serde_json::json;

use crate::backoff::{Backoff, lot};
use crate::connection::Connection;
use crate::error::{Error, Kind, explain};
use crate::pace::{Pace, Paces};

/// The word on a command line.
pub const PLACE: &str = "lookup:";
/// How far back the API goes.
const KEPT: TimeDelta = TimeDelta::days(90);
/// Events of a day may still come so long after its end.
const SETTLED: TimeDelta = TimeDelta::hours(2);
/// Between two requests.
const INTERVAL: Duration = Duration::from_millis(500);
/// What a day is taken to hold, so that each is a task of its own.
const BYTES_GUESSED: u64 = 4 << 20;
const ATTEMPTS: u32 = 12;
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Regions of the partition `aws` that are on without asking ("Specify which AWS Regions your account can use", AWS Account
/// Management). Others are named with `--log-region`.
const REGIONS: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// The oldest time of which the API tells, now.
pub fn oldest() -> DateTime<Utc> {
    Utc::now() - KEPT
}

/// Days and Regions to be asked for.
#[derive(Debug)]
pub struct Lookup {
    connection: Connection,
    account: String,
    regions: Vec<String>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    paces: Arc<Paces>,
}

impl Lookup {
    /// Paces that every account and Region is asked at, whoever asks: to be shared by all who do.
    pub fn paces() -> Arc<Paces> {
        Arc::new(Paces::new(INTERVAL))
    }

    /// The account that is asked.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Events of this time, or of the last ninety days. Asks who we are.
    ///
    /// # Errors
    /// No valid credentials.
    pub fn open(
        connection: &Connection,
        regions: &BTreeSet<String>,
        (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
        paces: &Arc<Paces>,
    ) -> Result<Lookup, Error> {
        let account = connection.account()?;
        let now = Utc::now();
        let regions = match regions.is_empty() {
            true => REGIONS.iter().map(|region| (*region).to_owned()).collect(),
            false => regions.iter().cloned().collect(),
        };
        let from = from.unwrap_or(now - KEPT).max(now - KEPT);
        let to = to.unwrap_or(now).min(now);
        Ok(Lookup { connection: connection.clone(), account, regions, from, to, paces: paces.clone() })
    }

    fn day(&self, region: &str, start: DateTime<Utc>) -> Input {
        let midnight = start.date_naive().and_time(NaiveTime::MIN).and_utc();
        let end = midnight.checked_add_days(Days::new(1)).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let whole = start == midnight && end <= self.to && end + SETTLED <= Utc::now();
        let end = end.min(self.to);
        let name = format!("{PLACE}{}/{region}/", self.account);
        let name = match whole {
            true => format!("{name}{}", start.format("%Y-%m-%d")),
            false => format!("{name}{}/{}", start.format("%Y-%m-%dT%H:%M:%SZ"), end.format("%Y-%m-%dT%H:%M:%SZ")),
        };
        let day = Day {
            connection: self.connection.clone(),
            region: region.to_owned(),
            from: start,
            to: end,
            pace: self.paces.of(&format!("{}/{region}", self.account)),
        };
        // Only a day that is over has a time, by which the ledger may hold it.
        let modified = whole.then(|| end.timestamp_micros());
        Input { name, place: Place::Fetched(Arc::new(day)), bytes: BYTES_GUESSED, modified }
    }
}

impl Remote for Lookup {
    fn list(&self) -> Box<dyn Iterator<Item = Listed> + Send> {
        let mut starts = vec![self.from];
        let mut day = self.from.date_naive();
        while let Some(next) = day.checked_add_days(Days::new(1)) {
            let midnight = next.and_time(NaiveTime::MIN).and_utc();
            if midnight >= self.to {
                break;
            }
            starts.push(midnight);
            day = next;
        }
        let days = starts.into_iter().rev();
        let all: Vec<Input> =
            days.flat_map(|start| self.regions.iter().map(move |region| self.day(region, start))).collect();
        Box::new(all.into_iter().map(Ok))
    }
}

/// One day of one Region.
#[derive(Debug, Clone)]
struct Day {
    connection: Connection,
    region: String,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    pace: Arc<Pace>,
}

impl Fetch for Day {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let client = self.connection.lookup(&self.region);
        Ok(Box::new(Pages { day: self.clone(), client, token: None, page: Cursor::default(), more: true }))
    }
}

/// Pages, one after the other, each a document of its own.
struct Pages {
    day: Day,
    client: aws_sdk_cloudtrail::Client,
    token: Option<String>,
    page: Cursor<Vec<u8>>,
    more: bool,
}

impl Pages {
    /// Asks for the next page, in turn, and again where that is worth it.
    fn ask(&mut self) -> io::Result<()> {
        let mut backoff = Backoff::new(PAUSE, PAUSE_MAX, ATTEMPTS);
        loop {
            self.day.connection.pause(self.day.pace.turn(Instant::now()))?;
            let request = self
                .client
                .lookup_events()
                .start_time(SdkTime::from_secs(self.day.from.timestamp()))
                // The end counts as within: a second less, and no event is in two days.
                .end_time(SdkTime::from_secs(self.day.to.timestamp() - 1))
                .max_results(50)
                .set_next_token(self.token.clone());
            let what = format!("LookupEvents in {}", self.day.region);
            let answer = self.day.connection.reading(request.send())?;
            let error = match answer.map_err(|error| explain(&error, &what, "cloudtrail:LookupEvents", "*")) {
                Ok(answer) => {
                    let events = answer.events().iter().filter_map(|event| event.cloud_trail_event());
                    let events: Vec<_> = events.map(|event| json!({"CloudTrailEvent": event})).collect();
                    self.token = answer.next_token().map(str::to_owned);
                    self.more = self.token.is_some();
                    if !events.is_empty() {
                        self.page = Cursor::new(format!("{}\n", json!({"Events": events})).into_bytes());
                    }
                    return Ok(());
                }
                Err(error) => error,
            };
            let worth = matches!(error.kind, Kind::Throttled | Kind::Network) || error.is_server_fault();
            let Some(pause) = backoff.next(lot()).filter(|_| worth) else { return Err(error.into()) };
            self.day.connection.meter().retry();
            self.day.connection.pause(pause)?;
        }
    }
}

impl Read for Pages {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.page.read(out)?;
            if n > 0 || out.is_empty() || !self.more {
                return Ok(n);
            }
            self.page = Cursor::default();
            self.ask()?;
        }
    }
}
