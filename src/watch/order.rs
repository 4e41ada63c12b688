//! Objects in the order of their events, as far as their names tell it: a catch-up goes from old to new.

use std::sync::Arc;

use ::ingest::source::{Input, Listed, Remote, Sources};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

/// What objects are sorted by: time and name.
pub(super) type Rank = (i64, String);

/// Where an object stands: by the time that CloudTrail writes into the name, else by the time of writing; what could not be
/// listed comes first.
pub(super) fn rank(listed: &Listed) -> Rank {
    match listed {
        Err((name, _)) => (i64::MIN, name.clone()),
        Ok(input) => (time(input), input.name.clone()),
    }
}

/// Microseconds since the epoch; those of which nobody knows come last, as the newest.
fn time(input: &Input) -> i64 {
    if let Some(day) = input.name.strip_prefix(aws::lookup::PLACE) {
        let day = day.split('/').nth(2).and_then(|day| day.get(..10));
        let day = day.and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
        return day.map_or(i64::MAX, |day| day.and_time(NaiveTime::MIN).and_utc().timestamp_micros());
    }
    delivered(&input.name).or(input.modified).unwrap_or(i64::MAX)
}

/// The time in the name of a log file, wherever it lies: `ACCOUNT_CloudTrail_REGION_20260102T0005Z_….json.gz` ("Finding your
/// CloudTrail log files" in the CloudTrail user guide).
fn delivered(name: &str) -> Option<i64> {
    let file = name.rsplit(['/', '\\']).next()?;
    let stamp = file.split('_').find(|part| part.len() == 14 && part.ends_with('Z') && part.get(8..9) == Some("T"))?;
    let time = NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%MZ").ok()?;
    Some(time.and_utc().timestamp_micros())
}

/// These objects as a source.
pub(super) fn sources(objects: Vec<Listed>) -> Sources {
    let mut sources = Sources::default();
    sources.add_remote(Arc::new(Objects(std::sync::Mutex::new(objects))));
    sources
}

/// A list that is read once.
#[derive(Debug)]
struct Objects(std::sync::Mutex<Vec<Listed>>);

impl Remote for Objects {
    fn list(&self) -> Box<dyn Iterator<Item = Listed> + Send> {
        let objects = std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        Box::new(objects.into_iter())
    }
}

#[cfg(test)]
mod tests {
    use ::ingest::source::Place;

    use super::*;

    fn named(name: &str, modified: Option<i64>) -> Listed {
        Ok(Input { name: name.to_owned(), place: Place::Stdin, bytes: 0, modified })
    }

    #[test]
    fn names_tell_the_order() {
        let key = |account: &str, time: &str| {
            format!(
                "s3://b/AWSLogs/{account}/CloudTrail/us-east-1/2026/01/02/{account}_CloudTrail_us-east-1_{time}_x.json.gz"
            )
        };
        let (old, new) = (key("999999999999", "20260102T0005Z"), key("111111111111", "20260102T0010Z"));
        let mut objects = [
            named("nameless", None),
            named(&new, None),
            named("lookup:1/us-east-1/2026-01-03", Some(5)),
            named(&old, Some(i64::MAX)),
            named("plain", Some(1)),
        ];
        objects.sort_by_key(rank);
        let names: Vec<_> = objects.iter().flatten().map(|input| input.name.as_str()).collect();
        assert_eq!(names, ["plain", &old, &new, "lookup:1/us-east-1/2026-01-03", "nameless"]);
    }
}
