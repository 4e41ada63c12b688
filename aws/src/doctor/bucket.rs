//! A trail's bucket: is it there, may it be listed and read, does a trail write into it.

use chrono::{DateTime, TimeDelta, Utc};
use ingest::key;

use super::check::{Check, State, ago};
use super::layout::{self, Layout, Newest};
use crate::bucket::Bucket;
use crate::connection::Connection;
use crate::error::Kind;
use crate::place::Place;

/// CloudTrail delivers within minutes, and somebody calls something every hour in an account that is used.
const DELIVERY: TimeDelta = TimeDelta::hours(1);
/// Digests are written every hour, with or without log files.
const DIGEST: TimeDelta = TimeDelta::hours(2);
/// Names that are listed in a sentence.
const NAMES: usize = 8;

/// Looks at a place in a bucket.
pub fn examine(connection: &Connection, place: &Place, checks: &mut Vec<Check>) {
    let about = format!("s3://{}/{}", place.bucket, place.prefix);
    let bucket = Bucket::new(connection, &place.bucket);
    match connection.wait(bucket.region()) {
        Ok(region) => {
            let region = region.map_or_else(|| "there".to_owned(), |region| format!("in {region}"));
            checks.push(Check::ok("bucket", format!("s3://{}", place.bucket), region));
        }
        Err(error) => {
            checks.push(Check::refused("bucket", format!("s3://{}", place.bucket), State::Fail, &error));
            // Without s3:ListBucket a bucket that is there looks denied: listing says what is missing.
            if error.kind != Kind::Denied {
                return;
            }
        }
    }
    let layout = match layout::look(&bucket, &place.prefix) {
        Ok(layout) => layout,
        Err(error) => return checks.push(Check::refused("bucket.list", about, State::Fail, &error)),
    };
    checks.push(Check::ok("bucket.list", about.clone(), "may be listed"));
    report(&layout, &about, Utc::now(), checks);
    if let Some(newest) = layout.newest.or(layout.newest_digest) {
        read(connection, &bucket, &newest.key, checks);
    }
}

/// What the keys say.
fn report(layout: &Layout, about: &str, now: DateTime<Utc>, checks: &mut Vec<Check>) {
    if layout.accounts.is_empty() {
        let next = "name the prefix that the trail has (`aws cloudtrail describe-trails`), or look at `aws s3 ls`";
        let seen = match layout.others.as_slice() {
            [] => "nothing lies there".to_owned(),
            others => format!("no AWSLogs/ACCOUNT/CloudTrail/ there, but {}", names(others)),
        };
        return checks.push(Check::fail("prefix", about, seen, next));
    }
    let part = if layout.whole { "" } else { ", and more that was not looked at" };
    let accounts: Vec<_> = layout.accounts.iter().cloned().collect();
    let regions: Vec<_> = layout.regions.iter().cloned().collect();
    let seen = format!(
        "{} accounts ({}), {} Regions ({}){part}",
        accounts.len(),
        names(&accounts),
        regions.len(),
        names(&regions)
    );
    checks.push(Check::ok("prefix", about, seen));
    let next = "is the trail logging? `aws cloudtrail get-trail-status`; a bucket policy may keep CloudTrail out";
    checks.push(match &layout.newest {
        Some(Newest { time, .. }) if now.signed_duration_since(*time) <= DELIVERY => {
            Check::ok("delivery", about, format!("newest log file {}", ago(*time, now)))
        }
        Some(Newest { time, uploaded, .. }) if now.signed_duration_since(*uploaded) <= DELIVERY => {
            let (written, uploaded) = (ago(*time, now), ago(*uploaded, now));
            let seen = format!("newest log file {written} by its name, though uploaded {uploaded}");
            let next =
                "a copy, or a delivery that is late: look at who writes here (`aws cloudtrail get-trail-status`)";
            Check::warn("delivery", about, seen, next)
        }
        Some(Newest { time, .. }) => {
            Check::warn("delivery", about, format!("newest log file {}", ago(*time, now)), next)
        }
        None => Check::warn("delivery", about, "no log file", next),
    });
    // Who names the folder of a kind asks about that kind.
    if about.split('/').any(|part| key::Kind::of_folder(part).is_some()) {
        return;
    }
    let next = "turn validation on: aws cloudtrail update-trail --name TRAIL --enable-log-file-validation";
    checks.push(match &layout.newest_digest {
        Some(Newest { time, .. }) if now.signed_duration_since(*time) <= DIGEST => {
            Check::ok("digests", about, format!("newest digest {}", ago(*time, now)))
        }
        Some(Newest { time, .. }) => {
            let seen = format!("newest digest {}: validation was turned off, or nothing is delivered", ago(*time, now));
            Check::warn("digests", about, seen, next)
        }
        None => Check::warn("digests", about, "no digest files: nothing can be proven", next),
    });
}

fn read(connection: &Connection, bucket: &Bucket, key: &str, checks: &mut Vec<Check>) {
    let about = format!("s3://{}/{key}", bucket.name());
    match connection.wait(bucket.get(key)) {
        Ok((opened, body)) => {
            let key = opened.encryption.unwrap_or_else(|| "not encrypted by a key of KMS".to_owned());
            checks.push(Check::ok("bucket.get", about, format!("{} bytes, {key}", body.len())));
        }
        Err(error) => checks.push(Check::refused("bucket.get", about, State::Fail, &error)),
    }
}

fn names(all: &[String]) -> String {
    let shown: Vec<_> = all.iter().take(NAMES).map(String::as_str).collect();
    let more = if all.len() > NAMES { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_or_missing_is_told() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let newest = |written: i64, uploaded: i64| {
            let (time, uploaded) = (now - TimeDelta::minutes(written), now - TimeDelta::minutes(uploaded));
            Some(Newest { key: "k".to_owned(), time, uploaded })
        };
        let at = |minutes: i64| newest(minutes, minutes);
        let states = |newest, newest_digest| {
            let mut checks = Vec::new();
            let accounts = ["111122223333".to_owned()].into();
            report(&Layout { accounts, newest, newest_digest, ..Layout::default() }, "b", now, &mut checks);
            checks.into_iter().map(|check| (check.check, check.state)).collect::<Vec<_>>()
        };
        let all = |delivery, digests| vec![("prefix", State::Ok), ("delivery", delivery), ("digests", digests)];
        assert_eq!(states(at(10), at(70)), all(State::Ok, State::Ok));
        assert_eq!(states(at(90), at(500)), all(State::Warn, State::Warn));
        assert_eq!(states(None, None), all(State::Warn, State::Warn));
        // A copy of old files is no delivery.
        assert_eq!(states(newest(5000, 1), at(70)), all(State::Warn, State::Ok));
        let mut checks = Vec::new();
        report(&Layout { others: vec!["logs/".to_owned()], ..Layout::default() }, "b", now, &mut checks);
        assert!(checks.iter().all(|check| check.state == State::Fail && check.seen.contains("logs/")), "{checks:?}");
    }
}
