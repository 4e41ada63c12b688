//! Limits: a source stops when nobody reads on, memory is bounded, a runaway query can be dropped.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{cast, take_record_batch};

use super::{batch, engine, engine_over, text};
use crate::{Control, Days, Engine, Error, EventStream, Limits};

/// Events without end, or as many batches as asked for; each event has its own id.
#[derive(Default)]
struct Generator {
    batches: Option<usize>,
    rows: usize,
    made: AtomicUsize,
    opened: AtomicUsize,
    stopped: AtomicBool,
}

impl Generator {
    fn new(batches: Option<usize>, rows: usize) -> Arc<Self> {
        Arc::new(Self { batches, rows, ..Self::default() })
    }

    fn batch(&self, number: usize) -> RecordBatch {
        let sample = batch();
        let picks: UInt32Array = (0..self.rows as u32).map(|n| Some(n % sample.num_rows() as u32)).collect();
        let rows = take_record_batch(&sample, &picks).unwrap();
        // Ids in no order at all, so that a sort has work to do.
        let id = |n: usize| (number * self.rows + n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values((0..self.rows).map(|n| format!("{:016x}", id(n)))));
        let agents: ArrayRef =
            Arc::new(StringArray::from_iter_values((0..self.rows).map(|n| format!("{:0200x}", id(n)))));
        let mut columns = rows.columns().to_vec();
        columns[ingest::schema::index_of("eventid").unwrap()] = ids;
        let place = ingest::schema::index_of("useragent").unwrap();
        columns[place] = cast(&agents, rows.schema().field(place).data_type()).unwrap();
        RecordBatch::try_new(rows.schema(), columns).unwrap()
    }

    fn wait_until_stopped(&self) -> bool {
        let start = Instant::now();
        while !self.stopped.load(Ordering::SeqCst) && start.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.stopped.load(Ordering::SeqCst)
    }
}

/// The engine owns one handle, the test another.
struct Shared(Arc<Generator>);

impl EventStream for Shared {
    fn open(&self, _: &Days, sink: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>) -> Result<(), String> {
        self.0.opened.fetch_add(1, Ordering::SeqCst);
        let mut number = 0;
        while self.0.batches.is_none_or(|n| number < n) {
            self.0.made.fetch_add(1, Ordering::SeqCst);
            if sink(self.0.batch(number)).is_break() {
                self.0.stopped.store(true, Ordering::SeqCst);
                return Ok(());
            }
            number += 1;
        }
        Ok(())
    }
}

fn small(memory_bytes: usize) -> Limits {
    Limits { memory_bytes, partitions: 2, batch_rows: 1024, ..Limits::default() }
}

#[test]
fn a_limit_stops_a_source_without_end() {
    for sql in [
        "SELECT eventname FROM events LIMIT 3",
        "SELECT * FROM cloudtrail_logs LIMIT 3",
        "SELECT eventid FROM cloudtrail_logs WHERE errorcode = 'AccessDenied' LIMIT 3",
        "SELECT a.eventid FROM (SELECT eventid FROM events LIMIT 5) a LIMIT 3",
    ] {
        let generator = Generator::new(None, 64);
        let batches = engine_over(Shared(generator.clone())).collect_blocking(sql).unwrap();
        assert_eq!(text(&batches).len(), 3, "{sql}");
        assert!(generator.wait_until_stopped(), "{sql}: the source went on");
        // A filter gathers a full batch of matches before it hands any on.
        assert!(generator.made.load(Ordering::SeqCst) < 1000, "{sql}: {:?} batches", generator.made);
    }
}

#[test]
fn a_dropped_answer_stops_its_source() {
    let generator = Generator::new(None, 64);
    let engine = engine_over(Shared(generator.clone()));
    let mut answer = engine.query_blocking("SELECT * FROM events").unwrap();
    assert!(answer.next().unwrap().is_ok());
    drop(answer);
    assert!(generator.wait_until_stopped());
}

/// The source is never far ahead of a slow reader.
#[test]
fn a_slow_reader_holds_the_source_back() {
    let generator = Generator::new(None, 8192);
    let engine = Engine::new(Limits { partitions: 1, ..Limits::default() }).unwrap();
    engine.register(Arc::new(Shared(generator.clone()))).unwrap();
    let mut answer = engine.query_blocking("SELECT eventid FROM events").unwrap();
    assert!(answer.next().unwrap().is_ok());
    std::thread::sleep(Duration::from_millis(300));
    assert!(generator.made.load(Ordering::SeqCst) <= 6, "{:?} batches are waiting", generator.made);
}

#[test]
fn a_scan_is_opened_once_for_each_reading() {
    let generator = Generator::new(Some(2), 16);
    let engine = engine_over(Shared(generator.clone()));
    engine.collect_blocking("SELECT count(*) FROM events").unwrap();
    assert_eq!(generator.opened.load(Ordering::SeqCst), 1);
    engine.collect_blocking("SELECT count(*) FROM events a JOIN events b USING (eventid)").unwrap();
    assert_eq!(generator.opened.load(Ordering::SeqCst), 3);
}

/// 30 MB of ids and agents are sorted in 8 MB.
#[test]
fn a_sort_spills_and_is_right() {
    let spill = tempfile::tempdir().unwrap();
    let limits = Limits { spill_dir: Some(spill.path().to_owned()), ..small(8 << 20) };
    let engine = Engine::new(limits).unwrap();
    let rows = 64 * 2048;
    engine.register(Arc::new(Shared(Generator::new(Some(64), 2048)))).unwrap();
    let sql = "SELECT eventid, useragent FROM events ORDER BY eventid";
    let (mut count, mut last) = (0, String::new());
    for batch in engine.query_blocking(sql).unwrap() {
        for line in text(&[batch.unwrap()]) {
            assert!(last <= line, "not sorted");
            last = line;
            count += 1;
        }
    }
    assert_eq!(count, rows);
    let plan = text(&engine.collect_blocking(&format!("EXPLAIN ANALYZE {sql}")).unwrap()).join("\n");
    let spilled = plan.split("spill_count=").skip(1).any(|rest| !rest.starts_with('0'));
    assert!(spilled, "nothing was spilled:\n{plan}");
}

/// A million-group aggregate in too little memory ends with the right count or a clear error, never with growth.
#[test]
fn an_aggregate_spills_or_fails_cleanly() {
    for memory in [1 << 20, 16 << 20] {
        let engine = Engine::new(small(memory)).unwrap();
        engine.register(Arc::new(Shared(Generator::new(Some(32), 2048)))).unwrap();
        let sql = "SELECT count(*) FROM (SELECT useragent, count(*) AS n FROM events GROUP BY useragent)";
        match engine.collect_blocking(sql) {
            Ok(batches) => assert_eq!(text(&batches), ["65536"]),
            Err(error) => {
                assert!(matches!(error, Error::Memory(_)), "{memory}: {error:?}");
                assert!(error.to_string().contains("raise the limit"), "{error}");
            }
        }
        assert_eq!(text(&engine.collect_blocking("SELECT count(*) FROM events").unwrap()), ["65536"]);
    }
}

#[test]
fn a_join_that_does_not_fit_fails_cleanly() {
    let engine = Engine::new(small(2 << 20)).unwrap();
    engine.register(Arc::new(Shared(Generator::new(Some(32), 2048)))).unwrap();
    let sql = "SELECT count(*) FROM events a JOIN events b ON a.useragent = b.useragent";
    let error = engine.collect_blocking(sql).unwrap_err();
    assert!(matches!(error, Error::Memory(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runaway_query_is_dropped_by_a_timeout() {
    let generator = Generator::new(Some(4), 4096);
    let engine = engine_over(Shared(generator));
    let sql = "SELECT count(*) FROM events a CROSS JOIN events b CROSS JOIN events c WHERE a.eventid < c.useragent";
    let mut answer = engine.query(sql).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(500), answer.next()).await.is_err());
    drop(answer);
    let answer = engine.query("SELECT count(*) FROM events").await.unwrap();
    assert_eq!(text(&answer.collect().await.unwrap()), ["16384"]);
}

/// After a query was ended, its memory is free and the next one has all of it.
#[test]
fn an_ended_query_gives_its_memory_back() {
    let engine = Engine::new(small(64 << 20)).unwrap();
    engine.register(Arc::new(Shared(Generator::new(Some(100_000), 4096)))).unwrap();
    let pool = engine.context().runtime_env().memory_pool.clone();
    for sql in [
        "SELECT useragent, count(*), array_agg(eventid) FROM events GROUP BY useragent",
        "SELECT count(*) FROM events a, events b WHERE a.eventid < b.useragent",
    ] {
        let control = Control::default().within(Some(Duration::from_millis(300)));
        let ended = engine.query_under(sql, control).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        assert!(matches!(ended, Err(Error::Timeout(_) | Error::Memory(_))), "{sql}: {ended:?}");
        assert_eq!(pool.reserved(), 0, "{sql}");
        assert_eq!(text(&engine.collect_blocking("SELECT 1").unwrap()), ["1"]);
    }
}

/// A source that fails, and one that dies.
struct Broken;
struct Dead;

impl EventStream for Broken {
    fn open(&self, _: &Days, sink: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>) -> Result<(), String> {
        let _ = sink(batch());
        Err("trail/x.json.gz: permission denied; check the folder's rights".into())
    }
}

impl EventStream for Dead {
    fn open(&self, _: &Days, _: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>) -> Result<(), String> {
        std::panic::resume_unwind(Box::new("gone"))
    }
}

#[test]
fn a_failing_source_fails_the_query() {
    let error = engine_over(Broken).collect_blocking("SELECT count(*) FROM events").unwrap_err();
    assert_eq!(error, Error::Input("trail/x.json.gz: permission denied; check the folder's rights".into()));
    let error = engine_over(Dead).collect_blocking("SELECT count(*) FROM events").unwrap_err();
    assert!(matches!(error, Error::Input(_)), "{error:?}");
    let wrong = RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()));
    let error = engine_over(vec![wrong]).collect_blocking("SELECT count(*) FROM events").unwrap_err();
    assert!(error.to_string().contains("columns of the event table"), "{error}");
}

#[tokio::test]
async fn blocking_calls_inside_async_code_are_told_off() {
    let error = engine().collect_blocking("SELECT 1").unwrap_err();
    assert!(error.to_string().contains("use Engine::query"), "{error}");
}
