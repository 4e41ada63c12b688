//! What `access` folds of events, as a lake's tables keep it: rows of `last_used` and `activity`, and back.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use access::folded::{Folded, Memory, Row, What};
use access::usage::Fact;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use lake::Lake;
use lake::schema::{ACTIVITY, LAST_USED};

use crate::outcome::Failure;

/// What the fold reads of an event: of a lake, nothing else is fetched.
pub(crate) const COLUMNS: &[&str] = &[
    "eventtime",
    "eventtype",
    "eventsource",
    "eventname",
    "awsregion",
    "recipientaccountid",
    "errormessage",
    "sourceipaddress",
    "useridentity",
    "requestparameters",
    "principal",
    "actor",
    "outcome",
    "additionaleventdata",
    "useragent",
];

/// What a lake remembers of all events that it was ever given, and whether that is all of it: a lake that an older version
/// wrote to does not remember everything.
///
/// # Errors
/// The tables cannot be read.
pub(crate) fn remembered(lake: &Lake) -> Result<(Folded, Memory), Failure> {
    let mut folded = Folded::new();
    if !lake.has(LAST_USED) || !lake.has(ACTIVITY) {
        return Ok((folded, Memory::Stale));
    }
    lake.parts(ACTIVITY, &mut |batch| add_activity(&batch, &mut folded))?;
    lake.parts(LAST_USED, &mut |batch| add_facts(&batch, &mut folded))?;
    let memory = folded.memory(lake.batches()?);
    Ok((folded, memory))
}

/// What came of folding a lake's events anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refolded {
    /// Nothing had to be done.
    Not,
    /// The lake remembers all of its events now.
    Done,
    /// Events are gone that the old memory knows of, so it was left.
    Kept,
    /// Another writer changed it meanwhile.
    Overtaken,
}

/// Folds a lake's events anew where what it remembers is not what this version would: by other rules, or not of all of them.
///
/// # Errors
/// The lake cannot be read or written.
pub(crate) fn refold(lake: &mut Lake, threads: usize) -> Result<Refolded, Failure> {
    if remembered(lake)?.1 != Memory::Stale {
        return Ok(Refolded::Not);
    }
    // `remembered` looked at a snapshot of before; from here on everything is of one.
    let old = lake.memory()?;
    if remembered(lake)?.1 != Memory::Stale {
        return Ok(Refolded::Not);
    }
    if lake.has_lost_events()? {
        return Ok(Refolded::Kept);
    }
    let mut folded = Folded::new();
    lake.events(Some(COLUMNS), threads, &mut |batch| {
        folded.observe(&batch);
        ControlFlow::Continue(())
    })?;
    let batches = activity_rows(&[Row { events: old.batches, ..Row::new(What::Total, "", lake::schema::BATCHES) }]);
    let done = lake.remember(&old, &facts(&folded), &[activity(&folded), batches])?;
    Ok(if done { Refolded::Done } else { Refolded::Overtaken })
}

fn texts<'a>(all: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(all.collect::<StringArray>())
}

fn times(all: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(all.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn counts(all: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(all.map(|count| i64::try_from(count).unwrap_or(i64::MAX)).collect::<Int64Array>())
}

/// Everything but the facts, as rows of the table `activity`.
pub(crate) fn activity(folded: &Folded) -> RecordBatch {
    activity_rows(&folded.rows())
}

fn activity_rows(rows: &[Row]) -> RecordBatch {
    let all = || rows.iter();
    let columns = vec![
        texts(all().map(|row| Some(row.what.as_str()))),
        texts(all().map(|row| Some(row.subject.as_str()))),
        texts(all().map(|row| Some(row.name.as_str()))),
        times(all().map(|row| row.moment)),
        times(all().map(|row| row.first)),
        times(all().map(|row| row.last)),
        times(all().map(|row| row.last_use)),
        counts(all().map(|row| row.events)),
        counts(all().map(|row| row.denied)),
        counts(all().map(|row| row.errors)),
        texts(all().map(|row| row.detail.as_deref())),
    ];
    // The columns are made from one list, so they fit the schema and each other.
    RecordBatch::try_new(lake::schema::activity(), columns)
        .unwrap_or_else(|_| RecordBatch::new_empty(lake::schema::activity()))
}

/// The facts as rows of the table `last_used`, by principal and action.
pub(crate) fn facts(folded: &Folded) -> RecordBatch {
    let usage = &folded.usage;
    let facts: Vec<(&str, &str, &Fact)> = usage
        .principals()
        .into_iter()
        .flat_map(|principal| usage.facts(principal).into_iter().map(|(action, fact)| (&*principal.name, action, fact)))
        .collect();
    let all = || facts.iter().map(|(_, _, fact)| fact);
    let regions: Vec<String> = all().map(|fact| regions(&fact.regions)).collect();
    let columns = vec![
        texts(facts.iter().map(|(principal, ..)| Some(*principal))),
        texts(facts.iter().map(|(_, action, _)| Some(*action))),
        times(all().map(|fact| Some(fact.first))),
        times(all().map(|fact| Some(fact.last_attempt))),
        times(all().map(|fact| fact.last_success)),
        times(all().map(|fact| fact.last_use)),
        texts(all().map(|fact| fact.last_source.as_deref())),
        counts(all().map(|fact| fact.count)),
        counts(all().map(|fact| fact.denied)),
        counts(all().map(|fact| fact.errors)),
        texts(regions.iter().map(|regions| Some(regions.as_str()))),
    ];
    RecordBatch::try_new(lake::schema::last_used(), columns)
        .unwrap_or_else(|_| RecordBatch::new_empty(lake::schema::last_used()))
}

/// Regions joined by commas. What a log calls a region may have any letter in it.
fn regions(regions: &BTreeSet<Box<str>>) -> String {
    let written: Vec<String> = regions.iter().map(|region| written(region)).collect();
    written.join(",")
}

fn written(region: &str) -> String {
    if region.is_empty() { "%".to_owned() } else { region.replace('%', "%25").replace(',', "%2C") }
}

fn read(region: &str) -> Box<str> {
    if region == "%" { "".into() } else { region.replace("%2C", ",").replace("%25", "%").into() }
}

/// Columns of a batch, by name.
struct Columns<'a>(&'a RecordBatch);

impl<'a> Columns<'a> {
    fn text(&self, name: &str, row: usize) -> Option<&'a str> {
        let column = self.0.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row))
    }

    fn time(&self, name: &str, row: usize) -> Option<i64> {
        let column = self.0.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        column.is_valid(row).then(|| column.value(row))
    }

    fn count(&self, name: &str, row: usize) -> u64 {
        let column = self.0.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
        let count = column.filter(|column| column.is_valid(row)).map_or(0, |column| column.value(row));
        u64::try_from(count).unwrap_or_default()
    }
}

fn add_activity(batch: &RecordBatch, folded: &mut Folded) {
    let columns = Columns(batch);
    for row in 0..batch.num_rows() {
        let text = |name: &str| columns.text(name, row);
        let what = text("kind").and_then(What::of_name);
        let known = what.map(|what| Row {
            moment: columns.time("moment", row),
            first: columns.time("first_seen", row),
            last: columns.time("last_seen", row),
            last_use: columns.time("last_use", row),
            events: columns.count("events", row),
            denied: columns.count("denied", row),
            errors: columns.count("errors", row),
            detail: text("detail").map(str::to_owned),
            ..Row::new(what, text("subject").unwrap_or_default(), text("name").unwrap_or_default())
        });
        folded.add(known.as_ref());
    }
}

fn add_facts(batch: &RecordBatch, folded: &mut Folded) {
    let columns = Columns(batch);
    for row in 0..batch.num_rows() {
        let (Some(principal), Some(action), Some(first), Some(last_attempt)) = (
            columns.text("principal", row),
            columns.text("action", row),
            columns.time("first_attempt", row),
            columns.time("last_attempt", row),
        ) else {
            // No row of ours: whoever wrote it, its attempts will be missed.
            folded.add(None);
            continue;
        };
        let names = columns.text("regions", row).unwrap_or_default().split(',').filter(|name| !name.is_empty());
        let fact = Fact {
            first,
            last_attempt,
            last_success: columns.time("last_success", row),
            last_use: columns.time("last_use", row),
            last_source: columns.text("last_source", row).map(Into::into),
            count: columns.count("attempts", row),
            denied: columns.count("denied", row),
            errors: columns.count("errors", row),
            regions: names.map(read).collect(),
        };
        folded.add_fact(principal, action, &fact);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ingest::columns::batch_from_json;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let records = [
            r#"{"eventTime":"2026-01-02T03:04:05Z","eventID":"1","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"a,%b","recipientAccountId":"1","sourceIPAddress":"192.0.2.1","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/a","accessKeyId":"AKIA1","userName":"a"}}"#,
            r#"{"eventTime":"2026-01-03T03:04:05Z","eventID":"2","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"","errorCode":"AccessDenied","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/a"}}"#,
            r#"{"eventTime":"2026-01-03T03:04:06Z","eventID":"3","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","userIdentity":{"type":"Root","arn":"arn:aws:iam::111122223333:root"},"eventType":"AwsConsoleSignIn"}"#,
            r#"{"eventID":"4"}"#,
        ];
        let mut whole = Folded::new();
        whole.observe(&batch_from_json(&records).unwrap());
        let mut read = Folded::new();
        for record in records {
            let mut one = Folded::new();
            one.observe(&batch_from_json(&[record]).unwrap());
            add_activity(&activity(&one), &mut read);
            add_facts(&facts(&one), &mut read);
        }
        assert!(!read.is_whole(4));
        // What the lake adds for a batch.
        for _ in records {
            read.add(Some(&Row { events: 1, ..Row::new(What::Total, "", lake::schema::BATCHES) }));
        }
        assert!(read.is_whole(4) && !read.is_whole(5));
        assert_eq!(facts(&read), facts(&whole));
        let sorted = |folded: &Folded| {
            let mut rows: Vec<_> = folded.rows().iter().map(|row| format!("{row:?}")).collect();
            rows.sort_unstable();
            rows
        };
        assert_eq!(sorted(&read), sorted(&whole));
        assert_eq!(What::of_name(lake::schema::TOTAL), Some(What::Total));
    }
}
