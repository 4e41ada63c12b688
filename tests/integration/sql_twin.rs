//! The published queries answered by another engine: transpiled by sqlglot, run by DuckDB over the same rows.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use query::{Engine, Limits};

use crate::lake::python;

/// Queries of both dialects whose answers were compared and equal. Raise it when more are.
const FLOOR: usize = 101;

fn real_events(trails: &Path) -> Vec<RecordBatch> {
    let sources = ingest::source::Sources::new(&[trails.display().to_string()]).unwrap();
    let mut batches = Vec::new();
    let mut keep = |batch| {
        batches.push(batch);
        ControlFlow::Continue(())
    };
    ingest::pipeline::scan(&sources, &ingest::pipeline::Options::default(), &mut keep).unwrap();
    batches
}

/// Writes an answer, with columns called c0, c1 …: two may have one name.
fn write(engine: &Engine, sql: &str, named: bool, path: &Path) -> Result<(), query::Error> {
    let mut answer = engine.query_blocking(sql)?;
    let plain = |data_type: &DataType| match data_type {
        DataType::Utf8View => DataType::Utf8,
        other => other.clone(),
    };
    let fields = answer
        .schema()
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| {
            let name = if named { field.name().clone() } else { format!("c{index}") };
            Field::new(name, plain(field.data_type()), true)
        })
        .collect::<Vec<_>>();
    let schema = Arc::new(Schema::new(fields));
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), schema.clone(), None).unwrap();
    for batch in &mut answer {
        let batch = batch?;
        let columns = batch.columns().iter().zip(schema.fields());
        let columns = columns.map(|(column, field)| arrow::compute::cast(column, field.data_type()).unwrap()).collect();
        writer.write(&RecordBatch::try_new(schema.clone(), columns).unwrap()).unwrap();
    }
    writer.close().unwrap();
    Ok(())
}

#[test]
fn another_engine_answers_alike() {
    let Some(python) = python::interpreter() else { return };
    let (Some(queries), Some(trails)) = (crate::shared::data("queries"), crate::shared::data("trails/s3")) else {
        return;
    };
    let engine = Engine::new(Limits { partitions: 2, ..Limits::default() }).unwrap();
    engine.register(Arc::new(real_events(&trails))).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let at = |name: String| dir.path().join(name);
    write(&engine, "SELECT * FROM cloudtrail_logs", true, &at("athena.parquet".into())).unwrap();
    write(&engine, "SELECT * FROM event_data_store", true, &at("lake.parquet".into())).unwrap();
    let manifest = std::fs::read_to_string(queries.join("MANIFEST.tsv")).unwrap();
    let mut answered = 0;
    for line in manifest.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let view = match cells[2] {
            "athena" => "athena",
            "trino-cloudtrail-lake" => "lake",
            _ => continue,
        };
        let sql = std::fs::read_to_string(queries.join(format!("rendered/{}.sql", cells[0]))).unwrap();
        // What does not run is counted by another test.
        if write(&engine, &sql, false, &at(format!("{}.parquet", cells[0]))).is_ok() {
            std::fs::write(at(format!("{}.sql", cells[0])), format!("{view}\n{sql}")).unwrap();
            answered += 1;
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/sql_twin.py");
    let told = python::run_at(&python, &script, &[&dir.path().display().to_string()]);
    let count = |key: &str| told[key].as_array().map_or_else(|| told[key].as_object().map_or(0, |o| o.len()), Vec::len);
    eprintln!(
        "answers of DuckDB through sqlglot: {} of {answered} equal, {} different, {} not compared",
        count("equal"),
        count("different"),
        count("not_compared")
    );
    for key in ["different", "not_compared"] {
        for (name, why) in told[key].as_object().unwrap() {
            eprintln!("  {key}: {name}: {why}");
        }
    }
    assert_eq!(count("different"), 0);
    assert!(count("equal") >= FLOOR, "{} are equal, {FLOOR} were before", count("equal"));
}
