//! `trailhound query`: SQL over the logs, read as the query runs, or over a lake.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use ingest::reject::Totals;
use query::{Engine, EventStream, named};

use crate::cli::{Global, QueryArgs, SqlSource};
use crate::intake::{self, Intake, Reach};
use crate::outcome::{Failure, Outcome};
use crate::render::words::Words;
use crate::render::{self, RowCount, RowWriter};

pub(crate) fn run(args: &QueryArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    if args.list {
        return list(global);
    }
    let (source, paths) = args.split().map_err(Failure::Usage)?;
    let sql = read_sql(&source)?;
    // A table that the statement does not name is not asked; one that lists tables is shown all.
    let text = sql.to_lowercase();
    let lists = text.contains("information_schema") || text.trim_start().starts_with("show");
    let is_wanted = |table: &str| lists || text.contains(table) || query::lake::is_needed(table, &text);
    if let Some(lake) = intake::lake(&args.lake, &paths, &args.source, &is_wanted)? {
        let engine = engine(global)?;
        engine.register_lake(&lake)?;
        tell(&ask(&engine, &sql, global, words)?, words);
        return Ok(Outcome::Done);
    }
    let reach = Reach { source: &args.source, aws: &args.lake.aws, queue: false };
    let mut intake = Intake::open(&paths, &reach, args.limits, global, words)?;
    // A query may scan its table twice; a pipe comes once, so it is put into a file first.
    let _spools = spool_pipes(&paths, &mut intake)?;
    let logs = Arc::new(Logs::new(intake.clone()));
    tell(&answer(&sql, logs.clone(), global, words)?, words);
    let totals = logs.finished();
    Ok(totals.map_or(Outcome::Done, |totals| intake.tell(&totals)))
}

/// The questions that have names.
fn list(global: &Global) -> Result<Outcome, Failure> {
    let column = |value: fn(&named::Named) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(named::QUESTIONS.iter().map(value)))
    };
    let batch = RecordBatch::try_from_iter([
        ("question", column(|question| question.name.to_owned())),
        ("asks_for", column(|question| question.parameters.join(" "))),
        ("about", column(|question| question.about.to_owned())),
    ])
    .map_err(|e| Failure::Io(e.to_string()))?;
    let options = render::RowOptions { rows_max: None, ..global.rows() };
    render::rows([batch.clone()], &batch.schema(), global.output, &mut io::stdout(), &options)?;
    Ok(Outcome::Done)
}

/// Runs one statement over `events` and writes its rows to standard output.
///
/// # Errors
/// The SQL's or the output's.
pub(crate) fn answer(
    sql: &str,
    events: Arc<dyn EventStream>,
    global: &Global,
    words: Words,
) -> Result<RowCount, Failure> {
    let engine = engine(global)?;
    engine.register(events)?;
    ask(&engine, sql, global, words)
}

fn tell(count: &RowCount, words: Words) {
    if let Some(text) = count.left_out() {
        words.note(&text);
    }
}

fn engine(global: &Global) -> Result<Engine, Failure> {
    let mut limits = query::Limits::default();
    if let Some(bytes) = global.memory_limit {
        limits.memory_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    if let Some(threads) = global.threads {
        limits.partitions = usize::from(threads);
    }
    Ok(Engine::new(limits)?)
}

fn ask(engine: &Engine, sql: &str, global: &Global, words: Words) -> Result<RowCount, Failure> {
    let rows = engine.query_blocking(sql)?;
    rows.notes().iter().for_each(|note| words.note(note));
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

/// Puts standard input and other pipes into temporary files, which the intake reads in their place.
fn spool_pipes(paths: &[PathBuf], intake: &mut Intake) -> Result<Vec<tempfile::NamedTempFile>, Failure> {
    let failed = |path: &Path, e: io::Error| {
        Failure::Io(format!("cannot keep {} in a temporary file: {e}; make room, or set TMPDIR", path.display()))
    };
    let mut spools = Vec::new();
    for path in paths {
        let stdin = path.as_os_str() == "-";
        let pipe = !stdin && std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
        if !stdin && !pipe {
            continue;
        }
        let mut spool = tempfile::NamedTempFile::new().map_err(|e| failed(path, e))?;
        let copied = if stdin {
            io::copy(&mut io::stdin().lock(), &mut spool)
        } else {
            std::fs::File::open(path).and_then(|mut pipe| io::copy(&mut pipe, &mut spool))
        };
        copied.map_err(|e| failed(path, e))?;
        intake.sources.replace(path, spool.path());
        spools.push(spool);
    }
    Ok(spools)
}

/// The logs as a table: every scan of it reads the files again, so memory does not depend on them.
pub(crate) struct Logs {
    intake: Intake,
    state: Mutex<Scans>,
    ended: Condvar,
}

/// What the table's scans did.
#[derive(Default)]
struct Scans {
    running: usize,
    /// Of the last scan that read everything. One that the query stopped early (`LIMIT`) says nothing of the rest.
    totals: Option<Totals>,
}

impl Logs {
    pub(crate) fn new(intake: Intake) -> Self {
        Logs { intake, state: Mutex::default(), ended: Condvar::new() }
    }

    /// Waits for scans that are still ending, so that the outcome does not depend on who is faster.
    fn finished(&self) -> Option<Totals> {
        let state = self.state.lock().ok()?;
        let state = self.ended.wait_while(state, |state| state.running > 0).ok()?;
        state.totals.clone()
    }

    fn note(&self, change: impl FnOnce(&mut Scans)) {
        if let Ok(mut state) = self.state.lock() {
            change(&mut state);
        }
        self.ended.notify_all();
    }
}

impl EventStream for Logs {
    fn open(&self, sink: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>) -> Result<(), String> {
        self.note(|state| state.running += 1);
        let mut stopped = false;
        let result = ingest::pipeline::scan(&self.intake.sources, &self.intake.options, &mut |batch: RecordBatch| {
            let flow = sink(batch);
            stopped |= flow.is_break();
            flow
        });
        self.note(|state| {
            state.running -= 1;
            if let (Ok(totals), false) = (&result, stopped) {
                state.totals = Some(totals.clone());
            }
        });
        result.map(drop).map_err(|error| error.to_string())
    }
}
