//! Questions over a lake: the same answers as over the logs, from few bytes.

mod damaged;
mod older;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::{ExecutionPlan, collect};
use ingest::pipeline::{Options, scan};
use ingest::simulate::{self, Plan, Summary};
use ingest::source::Sources;
use lake::schema::{COVERAGE, EVENTS, LAST_USED};
use lake::{Aws, Ingest, Lake};

use super::{engine_over, text};
use crate::lake::{merged, sorted};
use crate::{Engine, Limits, guard, names};

const DAYS: u32 = 6;

/// A fold that knows one principal, so that batches give partial rows of it.
#[derive(Default)]
struct OneRow {
    events: i64,
    last: i64,
    batches: u8,
}

impl lake::LastUsed for OneRow {
    fn observe(&mut self, events: &RecordBatch) {
        self.events += events.num_rows() as i64;
        let times = ingest::batch::timestamp(events, "eventtime").unwrap();
        self.last = self.last.max(arrow::compute::max(&times).unwrap());
    }

    fn take(&mut self) -> RecordBatch {
        let (events, last) = (std::mem::take(&mut self.events), std::mem::take(&mut self.last));
        self.batches += 1;
        if events == 0 {
            return RecordBatch::new_empty(lake::schema::last_used());
        }
        let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
        let time =
            |time: i64| -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(vec![time]).with_timezone("UTC")) };
        let number = |number: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![number])) };
        let regions = if self.batches == 1 { "us-east-1,eu-west-1" } else { "eu-west-1,ap-south-1" };
        let columns = vec![
            text("p"),
            text("s3:GetObject"),
            time(1),
            time(last),
            time(last),
            time(last),
            text(&format!("192.0.2.{}", self.batches)),
            number(events),
            number(1),
            number(0),
            text(regions),
        ];
        RecordBatch::try_new(lake::schema::last_used(), columns).unwrap()
    }
}

pub(super) fn ingest_into(lake: &mut Lake, paths: &[&Path]) {
    for (index, path) in paths.iter().enumerate() {
        let mut fold = OneRow { batches: index as u8, ..OneRow::default() };
        let mut sink = Ingest::begin(lake, &mut fold, 2).unwrap();
        let sources = Sources::new(&[path]).unwrap();
        scan(&sources, &Options { evidence: true, ..Options::default() }, &mut sink).unwrap();
        sink.end().unwrap();
    }
}

/// A trail, its events in memory, and a lake of it that was ingested account by account: two files a day.
struct Made {
    _dir: tempfile::TempDir,
    place: String,
    summary: Summary,
    events: Vec<RecordBatch>,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan { events: 9000, accounts: 2, days: DAYS, ..Plan::default() };
        let summary = simulate::write(&plan, &dir.path().join("trail")).unwrap();
        let place = dir.path().join("lake").display().to_string();
        let mut lake = Lake::open_for_writing(&place, &Aws::default()).unwrap();
        let trail = summary.trail.join(summary.organisation.as_deref().unwrap_or_default());
        let accounts: Vec<_> = summary.accounts.iter().map(|account| trail.join(account)).collect();
        ingest_into(&mut lake, &accounts.iter().map(|path| path.as_path()).collect::<Vec<_>>());
        let mut events = Vec::new();
        let mut keep = |batch| {
            events.push(batch);
            ControlFlow::Continue(())
        };
        scan(&Sources::new(&[&summary.trail]).unwrap(), &Options::default(), &mut keep).unwrap();
        Made { _dir: dir, place, summary, events }
    })
}

fn opened() -> Lake {
    Lake::open(&made().place, &Aws::default()).unwrap()
}

fn engine() -> (Lake, Engine) {
    let lake = opened();
    let engine = Engine::new(Limits { partitions: 2, ..Limits::default() }).unwrap();
    engine.register_lake(&lake).unwrap();
    (lake, engine)
}

/// What a question read.
#[derive(Debug, Default)]
struct Cost {
    files: usize,
    bytes: usize,
    row_groups_without_needle: usize,
    rows: Vec<String>,
    plan: String,
}

fn cost(engine: &Engine, sql: &str) -> Cost {
    let mut statement = guard::parse(sql).unwrap();
    names::fold(&mut statement);
    let state = engine.context().state();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let plan = state.statement_to_plan(statement).await.unwrap();
        let plan = DataFrame::new(state, plan).create_physical_plan().await.unwrap();
        let shown = datafusion::physical_plan::displayable(plan.as_ref()).indent(true).to_string();
        let rows = collect(plan.clone(), engine.context().task_ctx()).await.unwrap();
        let mut cost = Cost { rows: text(&rows), plan: shown, ..Cost::default() };
        add(&plan, &mut cost);
        cost
    })
}

fn add(plan: &Arc<dyn ExecutionPlan>, cost: &mut Cost) {
    if let Some(source) = plan.downcast_ref::<DataSourceExec>() {
        let config = source.data_source().downcast_ref::<FileScanConfig>();
        cost.files += config.map_or(0, |config| config.file_groups.iter().map(|group| group.len()).sum());
        let metrics = plan.metrics().unwrap_or_default();
        let sum = |name: &str| metrics.sum_by_name(name).map_or(0, |value| value.as_usize());
        cost.bytes += sum("bytes_scanned");
        cost.row_groups_without_needle += sum("row_groups_without_needle");
    }
    plan.children().into_iter().for_each(|child| add(child, cost));
}

#[test]
fn answers_are_those_over_the_logs() {
    let logs = engine_over(made().events.clone());
    let (_lake, lake) = engine();
    for sql in [
        "SELECT * FROM events ORDER BY eventid, recipientaccountid",
        "SELECT * FROM cloudtrail_logs ORDER BY eventid, recipientaccountid",
        "SELECT count(*), min(eventtime), max(eventtime), count(DISTINCT principal) FROM events",
        "SELECT eventsource, eventname, count(*) AS n FROM events GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT event_date, service, count(*) FROM events WHERE outcome <> 'ok' GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT eventid FROM events WHERE useridentity.type = 'Root' ORDER BY 1",
        "SELECT useridentity.accesskeyid, min(eventtime), max(eventtime) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT eventid FROM events WHERE eventname = 'ConsoleLogin' AND responseelements LIKE '%Success%' ORDER BY 1",
        "SELECT month, day, count(*) FROM cloudtrail WHERE year = '2026' AND errorcode IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT eventid FROM events WHERE event_date = DATE '2026-10-28' AND readonly ORDER BY 1",
        "SELECT eventid FROM events WHERE eventtime > (SELECT max(eventtime) - interval '1 hour' FROM events) ORDER BY 1",
        "SELECT eventtime, eventid FROM events ORDER BY eventtime DESC, eventid LIMIT 10",
        "SELECT count(*) FROM events WHERE source_object LIKE '%us-east-1%'",
        "SELECT useridentity.arn, count(*), max(useridentity.sessioncontext.attributes.mfaauthenticated) FROM events \
         GROUP BY 1 ORDER BY 1",
        "SELECT userIdentity.arn, userIdentity.type, count(DISTINCT sourceipaddress) FROM cloudtrail_logs \
         WHERE userIdentity.type <> 'AWSService' GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT u.arn FROM events CROSS JOIN UNNEST(resources) AS t(u) ORDER BY 1 LIMIT 20",
    ] {
        match (logs.collect_blocking(sql), lake.collect_blocking(sql)) {
            (Ok(expected), Ok(rows)) => assert_eq!(text(&rows), text(&expected), "{sql}"),
            (expected, rows) => assert_eq!(rows.err(), expected.err(), "{sql}"),
        }
    }
}

#[test]
fn days_and_times_leave_files_out() {
    let (lake, engine) = engine();
    let all = lake.files(EVENTS).unwrap().len();
    assert!(all >= 2 * DAYS as usize - 2, "{all} files");
    for (condition, table, most) in [
        ("event_date = DATE '2026-10-28'", "events", 2),
        ("event_date IN (DATE '2026-10-28', DATE '2026-10-30')", "events", 4),
        ("eventtime >= '2026-10-28T03:00:00Z' AND eventtime < '2026-10-28T04:00:00Z'", "events", 2),
        ("eventtime BETWEEN TIMESTAMP '2026-10-28T03:00:00Z' AND TIMESTAMP '2026-10-28T04:00:00Z'", "events", 2),
        ("eventtime < '2020-01-01T00:00:00Z'", "events", 0),
        ("event_date > DATE '2026-12-01'", "events", 0),
        ("eventtime >= '2026-10-28T03:00:00Z' AND eventtime <= '2026-10-28T04:00:00Z'", "cloudtrail_logs", 2),
        ("year = '2026' AND month = '10' AND day = '28'", "cloudtrail_logs", 2),
        ("\"timestamp\" = '2026/10/28'", "cloudtrail_logs", 2),
        ("date_partition BETWEEN '2026/10/28' AND '2026/10/29'", "cloudtrail", 4),
        ("year = '2023'", "cloudtrail_logs", 0),
    ] {
        let sql = format!("SELECT count(*), max(eventname) FROM {table} WHERE {condition}");
        let cost = cost(&engine, &sql);
        assert!(cost.files <= most, "{condition}: {} of {all} files\n{}", cost.files, cost.plan);
        let logs = engine_over(made().events.clone());
        assert_eq!(cost.rows, text(&logs.collect_blocking(&sql).unwrap()), "{condition}");
    }
}

#[test]
fn counts_and_extremes_come_from_the_log() {
    let (_lake, engine) = engine();
    for sql in [
        "SELECT count(*) FROM events",
        "SELECT count(*), min(eventtime), max(eventtime) FROM events",
        "SELECT count(*) FROM events WHERE event_date = DATE '2026-10-28'",
        "SELECT count(*) FROM cloudtrail_logs WHERE year = '2026' AND month = '10' AND day = '28'",
    ] {
        let cost = cost(&engine, sql);
        assert_eq!(cost.files, 0, "{sql}\n{}", cost.plan);
    }
}

#[test]
fn a_needle_is_found_in_few_bytes() {
    let (lake, engine) = engine();
    let total: u64 = lake.files(EVENTS).unwrap().iter().map(|file| file.bytes).sum();
    let row = "SELECT eventid, useridentity.accesskeyid, principal, sourceipaddress FROM events \
               WHERE useridentity.accesskeyid LIKE 'AKIA%' ORDER BY eventid LIMIT 1";
    let row = text(&engine.collect_blocking(row).unwrap()).remove(0);
    let [id, key, principal, address] = row.split('|').collect::<Vec<_>>()[..] else { panic!("{row}") };
    for (table, condition) in [
        ("events", format!("eventid = '{id}'")),
        ("events", format!("eventid IN ('{id}', 'no-such-id')")),
        ("cloudtrail_logs", format!("eventid = '{id}'")),
        ("events", "eventid = 'no-such-id'".to_owned()),
        ("events", "userIdentity.accessKeyId = 'AKIANOSUCHKEY'".to_owned()),
        ("cloudtrail_logs", "userIdentity.accessKeyId = 'AKIANOSUCHKEY'".to_owned()),
        ("events", "principal = 'arn:aws:iam::1:user/nobody'".to_owned()),
        ("events", "sourceipaddress = '203.0.113.250'".to_owned()),
    ] {
        let sql = format!("SELECT eventid, eventname FROM {table} WHERE {condition}");
        let cost = cost(&engine, &sql);
        assert!(cost.row_groups_without_needle > 0, "{sql}: {}", cost.plan);
        assert!((cost.bytes as u64) < total / 4, "{sql}: {} of {total} bytes", cost.bytes);
        assert_eq!(cost.rows.len(), usize::from(condition.contains(id)), "{sql}");
    }
    // What is there is found, whatever the filters say.
    let logs = engine_over(made().events.clone());
    for condition in [
        format!("useridentity.accesskeyid = '{key}'"),
        format!("'{key}' = useridentity.accesskeyid AND readonly"),
        format!("principal = '{principal}'"),
        format!("sourceipaddress = '{address}' OR sourceipaddress = '203.0.113.250'"),
        format!("eventid = '{id}' OR principal = '{principal}'"),
        format!("NOT (eventid = '{id}')"),
    ] {
        let sql = format!("SELECT eventid FROM events WHERE {condition} ORDER BY 1");
        let expected = text(&logs.collect_blocking(&sql).unwrap());
        assert!(!expected.is_empty(), "{sql}");
        assert_eq!(cost(&engine, &sql).rows, expected, "{sql}");
    }
}

/// One field of a struct is read, and not all of them.
#[test]
fn fields_are_read_one_by_one() {
    let (_lake, engine) = engine();
    let bytes = |sql: &str| {
        let plan = text(&engine.collect_blocking(&format!("EXPLAIN ANALYZE {sql}")).unwrap()).join("\n");
        let (_, scanned) = plan.split_once("bytes_scanned=").unwrap();
        let number: f64 = scanned.split([' ', ',']).next().unwrap().parse().unwrap();
        let unit = scanned.split([' ', ',']).nth(1).unwrap();
        number
            * if unit == "K" {
                1e3
            } else if unit == "M" {
                1e6
            } else {
                1.0
            }
    };
    for table in ["events", "cloudtrail_logs"] {
        let all = bytes(&format!("SELECT useridentity FROM {table}"));
        for sql in ["SELECT useridentity.type, count(*) FROM {} GROUP BY 1", "SELECT useridentity.type FROM {}"] {
            let one = bytes(&sql.replace("{}", table));
            assert!(one < all / 4.0, "{sql} on {table}: {one} of {all} bytes");
        }
    }
}

#[test]
fn a_limit_reads_what_it_needs() {
    let (_lake, engine) = engine();
    let few = cost(&engine, "SELECT eventname FROM events LIMIT 3");
    assert_eq!((few.rows.len(), few.files), (3, 1), "{}", few.plan);
}

#[test]
fn partial_rows_are_made_whole() {
    let (lake, engine) = engine();
    let rows = |sql: &str| text(&engine.collect_blocking(sql).unwrap());
    let covered = rows("SELECT sum(rows), count(*) FROM coverage");
    let events = rows("SELECT count(*) FROM events");
    let keys = rows("SELECT count(*) FROM (SELECT DISTINCT account, region, hour FROM coverage)");
    assert_eq!(covered, [format!("{}|{}", events[0], keys[0])]);
    let one = rows("SELECT principal, action, last_source, attempts, denied, regions FROM last_used");
    assert_eq!(one.len(), 1);
    assert!(one[0].starts_with("p|s3:GetObject|192.0.2."), "{one:?}");
    assert!(one[0].ends_with(&format!("|{}|2|ap-south-1,eu-west-1,us-east-1", events[0])), "{one:?}");
    let source = rows("SELECT max(eventtime) FROM events");
    assert_eq!(rows("SELECT last_success FROM last_used"), source);
    assert_eq!(rows("SELECT count(*) FROM objects"), [made().summary.files.to_string()]);
    assert_eq!(rows("SELECT count(*) FROM rejects"), ["0"]);
    let filtered = rows("SELECT account, sum(rows) FROM coverage WHERE account = '1' GROUP BY 1");
    assert!(filtered.is_empty());
    for table in [COVERAGE, LAST_USED] {
        let files = lake.files(table).unwrap();
        assert_eq!(files.len(), 2, "{table}");
        let whole: Vec<RecordBatch> =
            merged(&lake, table, &files, &Limits::default()).unwrap().map(Result::unwrap).collect();
        // What digests say of coverage is no part of its rows.
        let own: Vec<_> = crate::lake::columns(table).fields().iter().map(|field| field.name().clone()).collect();
        let mut expected = rows(&format!("SELECT {} FROM {table}", own.join(", ")));
        expected.sort_unstable();
        let mut whole = text(&whole);
        whole.sort_unstable();
        assert_eq!(whole, expected, "{table}");
    }
}

#[test]
fn tables_of_a_lake_are_described() {
    let (_lake, engine) = engine();
    let tables = [
        "activity",
        "alerts",
        "aws_cloudtrail_log",
        "cloudtrail",
        "cloudtrail_logs",
        "coverage",
        "digested",
        "ecs",
        "event_data_store",
        "events",
        "events_verified",
        "last_used",
        "objects",
        "ocsf",
        "proof",
        "rejects",
    ];
    assert_eq!(engine.tables(), tables);
    let columns = text(&engine.collect_blocking("DESCRIBE coverage").unwrap());
    assert!(columns.iter().any(|column| column.starts_with("first_delivery|")), "{columns:?}");
    let error = engine.collect_blocking("SELECT * FROM covrage").unwrap_err();
    assert!(error.to_string().contains("did you mean `coverage`"), "{error}");
}

/// 9,000 events in little memory, so that some are sorted on disk.
#[test]
fn rows_come_sorted_and_whole() {
    let lake = opened();
    let by = ["recipientaccountid", "eventsource", "eventname", "eventtime"];
    let files = lake.files(EVENTS).unwrap();
    let limits = Limits { memory_bytes: 24 << 20, partitions: 2, ..Limits::default() };
    let batches: Vec<_> = sorted(&lake, EVENTS, &files, &by, &limits).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches[0].schema(), ingest::schema::event_schema());
    let column = |name: &&str| ingest::schema::index_of(name).unwrap();
    let keys: Vec<_> =
        batches.iter().map(|batch| batch.project(&by.iter().map(column).collect::<Vec<_>>()).unwrap()).collect();
    let keys = text(&keys);
    assert!(keys.is_sorted_by_key(|key| key.split('|').collect::<Vec<_>>()), "not sorted");
    let engine = engine_over(batches);
    let sql = "SELECT * FROM events ORDER BY eventid, recipientaccountid";
    let logs = engine_over(made().events.clone());
    assert_eq!(text(&engine.collect_blocking(sql).unwrap()), text(&logs.collect_blocking(sql).unwrap()));
}
