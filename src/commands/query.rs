//! `trailhound query`: SQL over the logs, read as the query runs.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use ingest::reject::Totals;
use query::{Engine, EventStream};

use crate::cli::{Global, QueryArgs, SqlSource};
use crate::intake::Intake;
use crate::outcome::{Failure, Outcome};
use crate::render::words::Words;
use crate::render::{RowCount, RowWriter};

pub(crate) fn run(args: &QueryArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let (source, paths) = args.split().map_err(Failure::Usage)?;
    let sql = read_sql(&source)?;
    // A query may scan its table twice; standard input comes once, so it is put into a file first.
    let (paths, _spool) = spool_stdin(paths)?;
    let intake = Intake::new(&paths, args.limits, global, words)?;
    let logs = Arc::new(Logs::new(intake.clone()));
    let count = answer(&sql, logs.clone(), global)?;
    if let Some(text) = count.left_out() {
        words.note(&text);
    }
    let totals = logs.totals.lock().ok().and_then(|totals| totals.clone());
    Ok(totals.map_or(Outcome::Done, |totals| intake.tell(&totals)))
}

/// Runs one statement over `events` and writes its rows to standard output.
///
/// # Errors
/// The SQL's or the output's.
pub(crate) fn answer(sql: &str, events: Arc<dyn EventStream>, global: &Global) -> Result<RowCount, Failure> {
    let mut limits = query::Limits::default();
    if let Some(bytes) = global.memory_limit {
        limits.memory_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    if let Some(threads) = global.threads {
        limits.partitions = usize::from(threads);
    }
    let engine = Engine::new(limits)?;
    engine.register(events)?;
    let rows = engine.query_blocking(sql)?;
    let mut out = io::stdout();
    let mut writer = RowWriter::new(global.output, &rows.schema(), &mut out, &global.rows())?;
    for batch in rows {
        if writer.write(&batch?)?.is_break() {
            break;
        }
    }
    Ok(writer.finish()?)
}

fn read_sql(source: &SqlSource) -> Result<String, Failure> {
    match source {
        SqlSource::Text(sql) => Ok(sql.clone()),
        SqlSource::File(path) => read_file(path),
        SqlSource::Stdin => {
            let mut sql = String::new();
            io::stdin().lock().read_to_string(&mut sql).map_err(|e| Failure::Io(format!("standard input: {e}")))?;
            Ok(sql)
        }
    }
}

fn read_file(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|e| Failure::Io(format!("{}: {e}; give a file of SQL", path.display())))
}

type Spooled = (Vec<PathBuf>, Option<tempfile::NamedTempFile>);

fn spool_stdin(mut paths: Vec<PathBuf>) -> Result<Spooled, Failure> {
    let Some(stdin) = paths.iter_mut().find(|path| path.as_os_str() == "-") else { return Ok((paths, None)) };
    let failed = |e: io::Error| Failure::Io(format!("cannot keep standard input in a temporary file: {e}"));
    let mut spool = tempfile::NamedTempFile::new().map_err(failed)?;
    io::copy(&mut io::stdin().lock(), &mut spool).map_err(failed)?;
    *stdin = spool.path().to_path_buf();
    Ok((paths, Some(spool)))
}

/// The logs as a table: every scan of it reads the files again, so memory does not depend on them.
pub(crate) struct Logs {
    intake: Intake,
    /// Of the last scan.
    totals: Mutex<Option<Totals>>,
}

impl Logs {
    pub(crate) fn new(intake: Intake) -> Self {
        Logs { intake, totals: Mutex::new(None) }
    }
}

impl EventStream for Logs {
    fn open(&self, sink: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>) -> Result<(), String> {
        let mut sink = sink;
        let totals = ingest::pipeline::scan(&self.intake.sources, &self.intake.options, &mut sink)
            .map_err(|error| error.to_string())?;
        if let Ok(mut slot) = self.totals.lock() {
            *slot = Some(totals);
        }
        Ok(())
    }
}
