//! The published queries, run as they are over real trails: how many of each dialect plan and run.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ::lake::{Aws, Lake};
use arrow::array::RecordBatch;

use super::lake::ingest_into;
use super::{engine_over, text};
use crate::{Engine, Limits};

/// In-scope queries of each dialect that run today. Raise them when more do. What is left is broken as published.
static FLOORS: &[(&str, usize)] =
    &[("athena", 77), ("trino-cloudtrail-lake", 33), ("duckdb-tailpipe", 54), ("athena-ocsf-securitylake", 9)];

fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    data.join("queries/MANIFEST.tsv").exists().then_some(data)
}

/// Ids of the in-scope queries of a dialect.
fn in_scope(data: &Path, dialect: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(data.join("queries/MANIFEST.tsv")).unwrap();
    let cells = manifest.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    cells.filter(|c| c[2] == dialect && !c[5].starts_with("out-of-scope")).map(|c| c[0].to_owned()).collect()
}

/// Every event of the real trails.
fn real_events(data: &Path) -> Vec<RecordBatch> {
    let trails = data.join("trails/s3").display().to_string();
    let sources = ingest::source::Sources::new(&[trails]).unwrap();
    let mut batches = Vec::new();
    let mut keep = |batch| {
        batches.push(batch);
        ControlFlow::Continue(())
    };
    ingest::pipeline::scan(&sources, &ingest::pipeline::Options::default(), &mut keep).unwrap();
    batches
}

/// The queries of a dialect that do not run, by reason.
fn failures(engine: &Engine, data: &Path, ids: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for id in ids {
        let sql = std::fs::read_to_string(data.join(format!("queries/rendered/{id}.sql"))).unwrap();
        if let Err(error) = engine.collect_blocking(&sql) {
            let reason: String = error.to_string().chars().take(160).collect();
            failures.entry(reason).or_default().push(id.clone());
        }
    }
    failures
}

#[test]
fn published_queries_run() {
    let Some(data) = data() else {
        eprintln!("SKIPPED: ../shared/data absent");
        return;
    };
    let batches = real_events(&data);
    let events: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let engine = engine_over(batches);
    let mut fewer = Vec::new();
    for (dialect, floor) in FLOORS {
        let ids = in_scope(&data, dialect);
        let failures = failures(&engine, &data, &ids);
        let ran = ids.len() - failures.values().map(Vec::len).sum::<usize>();
        eprintln!("published {dialect} queries: {ran} of {} run over {events} real events", ids.len());
        for (reason, ids) in &failures {
            eprintln!("  {} x {reason}: {}", ids.len(), ids.join(", "));
        }
        if ran < *floor {
            fewer.push(format!("{dialect}: {ran} run, {floor} did before"));
        }
    }
    assert!(fewer.is_empty(), "{fewer:?}");
}

/// Over a lake the plans are others: fields are read from files, filters reach into them.
#[test]
fn published_queries_answer_alike_over_a_lake() {
    let Some(data) = data() else {
        eprintln!("SKIPPED: ../shared/data absent");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut lake = Lake::open_for_writing(&dir.path().display().to_string(), &Aws::default()).unwrap();
    ingest_into(&mut lake, &[&data.join("trails/s3")]);
    let over_lake = Engine::new(Limits { partitions: 2, ..Limits::default() }).unwrap();
    over_lake.register_lake(&lake).unwrap();
    let over_logs = engine_over(real_events(&data));
    let mut answered = 0;
    // Tailpipe's differ from these by names only, and each query is planned three times here.
    let dialects = FLOORS.iter().filter(|(dialect, _)| !dialect.contains("tailpipe") && !dialect.contains("ocsf"));
    for id in dialects.clone().flat_map(|(dialect, _)| in_scope(&data, dialect)) {
        let sql = std::fs::read_to_string(data.join(format!("queries/rendered/{id}.sql"))).unwrap();
        let rows = |engine: &Engine| {
            engine.collect_blocking(&sql).map(|batches| {
                let mut rows = text(&batches);
                rows.sort_unstable();
                rows
            })
        };
        match (rows(&over_logs), rows(&over_lake)) {
            (Ok(logs), Ok(lake)) => {
                // Which of equals a limit lets through is nobody's promise.
                let some = sql.to_ascii_lowercase().contains("limit");
                assert!(if some { logs.len() == lake.len() } else { logs == lake }, "{id}:\n{sql}");
                answered += 1;
            }
            (logs, lake) => assert_eq!(logs.err(), lake.err(), "{id}"),
        }
    }
    assert!(answered >= dialects.map(|(_, floor)| floor).sum::<usize>(), "{answered}");
}
