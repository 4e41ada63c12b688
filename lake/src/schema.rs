//! The tables of a lake, and their columns. `events` is the event table of `ingest`; the rest is about it.
//!
//! A later version may add columns to a table: older files give for them what `extra` holds of them, else nulls.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::table::Spec;

/// One row an event, partitioned by the day of `eventtime`.
pub const EVENTS: &str = "events";
/// What was ingested: one row an object and time that it was read.
pub const OBJECTS: &str = "objects";
/// What was refused, with the bytes.
pub const REJECTS: &str = "rejects";
/// Account × region × hour: what the logs cover. Partial rows: sum and take the extremes.
pub const COVERAGE: &str = "coverage";
/// Principal × action: when it was used. Partial rows: sum and take the extremes.
pub const LAST_USED: &str = "last_used";

/// What `access` knows of principals beside `last_used`. Partial rows: sum and take the extremes.
pub const ACTIVITY: &str = "activity";

/// What became of alerts: one row a step. Folded: one row an alert.
pub const ALERTS: &str = "alerts";

/// The tables beside `events`, in the order in which a batch reaches them.
pub const SIDE: &[&str] = &[OBJECTS, REJECTS, COVERAGE, LAST_USED, ACTIVITY, ALERTS];

/// The kind of the rows of `activity` that count what was folded.
pub const TOTAL: &str = "total";
/// The total of batches: with one missing, `last_used` and `activity` do not tell all that `events` does.
pub const BATCHES: &str = "batches";

/// What CloudTrail's digests say of log files: one row a file that a proven digest lists, or that one should list and does not.
pub const DIGESTED: &str = "digested";

/// All tables beside `events`. `digested` has commits of its own, because digests come up to an hour after the events.
pub const BESIDE: &[&str] = &[OBJECTS, REJECTS, COVERAGE, LAST_USED, ACTIVITY, ALERTS, DIGESTED];

pub(crate) const PARTITION: &str = "event_date";
/// The column of `events` with every field that the others do not give back.
pub(crate) const EXTRA: &str = "extra";

/// What the table of this name is.
pub(crate) fn spec(name: &str) -> Spec {
    let (name, schema) = match name {
        EVENTS => {
            let schema = ingest::schema::event_schema();
            return Spec { name: EVENTS, schema, partition: Some(PARTITION), ranges: &["eventtime"] };
        }
        OBJECTS => (OBJECTS, objects()),
        REJECTS => (REJECTS, rejects()),
        COVERAGE => (COVERAGE, coverage()),
        ALERTS => (ALERTS, alerts()),
        ACTIVITY => (ACTIVITY, activity()),
        DIGESTED => (DIGESTED, digested()),
        _ => (LAST_USED, last_used()),
    };
    let first = match name {
        OBJECTS | REJECTS | DIGESTED => &["object"],
        COVERAGE => &["account"],
        ALERTS => &["fingerprint"],
        ACTIVITY => &["subject"],
        _ => &["principal"],
    };
    Spec { name, schema, partition: None, ranges: first }
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

fn time(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true)
}

/// Columns of `objects`. `modified` is the store's time of the object, `sha256` that of the inflated text.
pub fn objects() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("object"),
        time("modified"),
        number("bytes"),
        number("bytes_inflated"),
        text("sha256"),
        number("records_in"),
        number("rows"),
        number("duplicates"),
        number("rejected"),
        text("kind"),
        time("first_event"),
        time("last_event"),
        time("ingested_at"),
    ]))
}

/// Columns of `rejects`. `offset` counts bytes of the inflated text; `raw` is the record, its first 4 KiB.
pub fn rejects() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("object"),
        number("offset"),
        text("reason"),
        text("detail"),
        Field::new("raw", DataType::Binary, true),
        time("ingested_at"),
    ]))
}

/// Columns of `coverage`. A delivery is the time of the object that brought the events.
pub fn coverage() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("account"),
        text("region"),
        time("hour"),
        number("rows"),
        number("objects"),
        time("first_event"),
        time("last_event"),
        time("first_delivery"),
        time("last_delivery"),
    ]))
}

/// Columns of `last_used`: what `access` knows of a principal's use of an action. `regions` are joined by commas; a comma
/// in one is `%2C`, a percent sign `%25`, one without a name `%`.
pub fn last_used() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("principal"),
        text("action"),
        time("first_attempt"),
        time("last_attempt"),
        time("last_success"),
        time("last_use"),
        text("last_source"),
        number("attempts"),
        number("denied"),
        number("errors"),
        text("regions"),
    ]))
}

/// Columns of `alerts`: what a step says of an alert, null where it says nothing. A step is `found` (again, with more events),
/// `suppressed`, `sent` or `dead`; the last two name the sink, the message's key and what the sink said. Lists are joined by `; `.
pub fn alerts() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("fingerprint"),
        text("step"),
        time("at"),
        text("sink"),
        text("key"),
        text("error"),
        text("rule"),
        text("rule_id"),
        text("title"),
        text("severity"),
        time("time"),
        time("last_time"),
        number("count"),
        text("principal"),
        text("actor"),
        text("account"),
        text("region"),
        text("source_addresses"),
        text("user_agents"),
        text("what"),
        text("event_ids"),
        text("detail"),
    ]))
}
/// Columns of `activity`: one row a kind, subject, name and moment. What kinds there are is for `access` to say; of
/// `detail` the latest counts.
pub fn activity() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("kind"),
        text("subject"),
        text("name"),
        time("moment"),
        time("first_seen"),
        time("last_seen"),
        time("last_use"),
        number("events"),
        number("denied"),
        number("errors"),
        text("detail"),
    ]))
}

/// Columns of `digested`. `file` is the last part of `object`, by which copies of a bucket are told too; `sha256` is that of
/// the inflated text, null where no digest lists the file; `hour` is that of the delivery; the digest speaks of
/// `digest_start` to `digest_end`.
pub fn digested() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("object"),
        text("file"),
        text("sha256"),
        text("digest"),
        text("account"),
        text("region"),
        time("hour"),
        time("digest_start"),
        time("digest_end"),
        time("noted_at"),
    ]))
}
