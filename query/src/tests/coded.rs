//! Groups told by codes are those told by texts, whatever the dictionaries and however little memory there is.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, RecordBatch, StringArray};
use arrow::datatypes::Int32Type;

use super::{batch, text};
use crate::{Engine, Limits};

/// Rows whose texts come out of small and large dictionaries, of other ones in each batch; some have none.
fn batches(rows: usize, names: usize) -> Vec<RecordBatch> {
    let sample = batch();
    let mut seed = 7_u64;
    let mut draw = move |below: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % below
    };
    let mut texts = |names: usize, rows: usize| -> Vec<Option<String>> {
        let first = draw(3) * 5;
        (0..rows).map(|_| Some(draw(names)).filter(|n| n % 11 != 3).map(|n| format!("{}", n + first))).collect()
    };
    let coded = |texts: &[Option<String>]| -> ArrayRef {
        Arc::new(texts.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>())
    };
    (0..12)
        .map(|number| {
            let rows = rows + number;
            let place = |name: &str| ingest::schema::index_of(name).unwrap();
            let whole = arrow::array::UInt32Array::from_iter_values((0..rows).map(|n| (n % sample.num_rows()) as u32));
            let whole = arrow::compute::take_record_batch(&sample, &whole).unwrap();
            let mut columns = whole.columns().to_vec();
            columns[place("eventname")] = coded(&texts(9, rows));
            columns[place("errorcode")] = coded(&texts(names, rows));
            columns[place("sourceipaddress")] = coded(&texts(names, rows));
            let ids = (0..rows).map(|n| format!("{number}-{n}"));
            columns[place("eventid")] = Arc::new(StringArray::from_iter_values(ids));
            RecordBatch::try_new(whole.schema(), columns).unwrap()
        })
        .collect()
}

fn engine(batches: Vec<RecordBatch>, memory_bytes: usize) -> Engine {
    let engine = Engine::new(Limits { partitions: 2, memory_bytes, batch_rows: 100, ..Limits::default() }).unwrap();
    engine.register(Arc::new(batches)).unwrap();
    engine
}

fn ask(engine: &Engine, sql: &str) -> Vec<String> {
    match engine.collect_blocking(sql) {
        Ok(batches) => text(&batches),
        Err(error) => panic!("{sql}\n{error}"),
    }
}

const FUNCTIONS: &str = "count(*), count(errormessage), count(*) FILTER (WHERE readonly), min(eventid), max(eventtime), \
                         count(DISTINCT useridentity.type), array_agg(DISTINCT awsregion ORDER BY awsregion), \
                         avg(length(eventid))";

#[test]
fn codes_and_texts_give_the_same_groups() {
    let engine = engine(batches(300, 40), 256 << 20);
    for keys in [
        &["eventname"] as &[&str],
        &["errorcode"],
        &["useridentity.arn"],
        &["errorcode", "eventname"],
        &["eventname", "sourceipaddress", "useridentity.type"],
        &["eventname", "errorcode", "useridentity.type", "awsregion"],
    ] {
        let (by_code, places) =
            (keys.join(", "), (1..=keys.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(", "));
        // What is computed is a text of its own, and no code.
        let by_text = keys.iter().map(|key| format!("{key} || ''")).collect::<Vec<_>>().join(", ");
        let sql = |keys: &str| format!("SELECT {keys}, {FUNCTIONS} FROM events GROUP BY {places} ORDER BY {places}");
        let plan = |keys: &str| ask(&engine, &format!("EXPLAIN {}", sql(keys))).join("\n");
        assert!(plan(&by_code).contains("CodedExec"), "{}", plan(&by_code));
        assert!(!plan(&by_text).contains("CodedExec"), "{}", plan(&by_text));
        let rows = ask(&engine, &sql(&by_code));
        assert!(rows.len() > 2, "{rows:?}");
        assert_eq!(rows, ask(&engine, &sql(&by_text)), "{by_code}");
    }
}

/// The first half of an aggregation gives away what it knows where memory ends, and the second puts it together.
#[test]
fn what_memory_does_not_hold_is_given_away() {
    let sql =
        "SELECT sourceipaddress, errorcode, count(*) AS n FROM events GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 50";
    let rows = batches(4000, 3000);
    let expected = ask(&engine(rows.clone(), 256 << 20), sql);
    let small = engine(rows, 6 << 20);
    assert_eq!(ask(&small, sql), expected);
    let plan = ask(&small, &format!("EXPLAIN ANALYZE {sql}")).join("\n");
    let given = |plan: &str| -> f64 {
        let (_, rest) = plan.split_once("CodedExec").unwrap();
        let (_, rest) = rest.split_once("output_rows=").unwrap();
        rest.split([' ', ',', ']']).next().unwrap().parse().unwrap()
    };
    let groups = ask(&small, "SELECT count(*) FROM (SELECT DISTINCT sourceipaddress, errorcode FROM events)");
    assert!(given(&plan) * 1000.0 > groups[0].parse::<f64>().unwrap(), "{groups:?}: {plan}");
}

/// What is no code, or more keys than fit, is left to the engine.
#[test]
fn other_keys_are_the_engines() {
    let engine = engine(batches(50, 10), 64 << 20);
    for sql in [
        "SELECT eventid, count(*) FROM events GROUP BY 1",
        "SELECT eventname, readonly, count(*) FROM events GROUP BY 1, 2",
        "SELECT eventname, eventsource, errorcode, awsregion, sourceipaddress, count(*) FROM events GROUP BY 1, 2, 3, 4, 5",
        "SELECT eventname, errorcode, count(*) FROM events GROUP BY ROLLUP (eventname, errorcode)",
        "SELECT lower(eventid), count(*) FROM events GROUP BY 1",
    ] {
        let plan = ask(&engine, &format!("EXPLAIN {sql}")).join("\n");
        assert!(!plan.contains("CodedExec"), "{plan}");
        assert!(!ask(&engine, sql).is_empty(), "{sql}");
    }
}
