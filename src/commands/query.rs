//! `trailhound query`: SQL over the logs, read as the query runs, or over a lake.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use chrono::NaiveDate;
use ingest::key::Key;
use ingest::pipeline::Ledger;
use ingest::reject::Totals;
use ingest::source::Input as Object;
use query::{BlockingAnswer, Days, Engine, EventStream, Wanted, named};

use crate::cli::{Global, Input, QueryArgs, SqlSource};
use crate::existing;
use crate::intake::{Intake, Reach};
use crate::outcome::{Failure, Outcome};
use crate::render::words::Words;
use crate::render::{self, Output, RowCount, RowWriter};
use crate::stop::Stop;

pub(crate) fn run(args: &QueryArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    if args.list {
        return list(global);
    }
    let (source, paths) = args.split().map_err(Failure::Usage)?;
    let sql = read_sql(&source)?;
    let input = Input { paths, source: args.source.clone(), lake: args.lake.clone(), limits: args.limits };
    // A table that the statement does not name is not opened.
    let opened = Opened::open(&input, &Wanted::of(&sql), global, words)?;
    let mut global = global.clone();
    // Documents are no rows of a table.
    if args.format.is_some() && global.output == Output::Table {
        global.output = Output::Jsonl;
    }
    tell(&ask(&opened.engine, &sql, &global, &Stop::listen(), words)?, words);
    Ok(opened.tell())
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
    let engine = Engine::new(global.query_limits())?;
    engine.register(events)?;
    ask(&engine, sql, global, &Stop::listen(), words)
}

pub(super) fn tell(count: &RowCount, words: Words) {
    if let Some(text) = count.left_out() {
        words.note(&text);
    }
}

/// Runs one statement and writes its rows to standard output.
///
/// # Errors
/// The SQL's or the output's.
fn ask(engine: &Engine, sql: &str, global: &Global, stop: &Stop, words: Words) -> Result<RowCount, Failure> {
    let rows = engine.query_under(sql, global.control(stop))?;
    rows.notes().iter().for_each(|note| words.note(note));
    let mut out = io::stdout();
    let count = write(rows, global, &mut out)?;
    Ok(count)
}

/// Writes the rows of an answer as they come, as many as are wanted.
///
/// # Errors
/// The query's or the output's.
pub(super) fn write(rows: BlockingAnswer, global: &Global, out: &mut (dyn Write + Send)) -> Result<RowCount, Failure> {
    let mut writer = RowWriter::new(global.output, &rows.schema(), out, &global.rows())?;
    // A number that somebody gave ends the query; the default of a screen only ends the table.
    let mut left = global.max_rows.filter(|&most| most > 0);
    for batch in rows {
        let batch = batch?;
        let Some(most) = left else {
            if writer.write(&batch)?.is_break() {
                break;
            }
            continue;
        };
        let wanted = usize::try_from(most).unwrap_or(usize::MAX).min(batch.num_rows());
        let closed = writer.write(&batch.slice(0, wanted))?.is_break();
        left = Some(most - wanted as u64);
        if closed || wanted < batch.num_rows() {
            let mut count = writer.finish()?;
            count.cut = wanted < batch.num_rows();
            return Ok(count);
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

/// An engine over what a command line names, and what must live as long as it.
pub(super) struct Opened {
    pub(super) engine: Engine,
    /// The lake's connections, or the logs' totals.
    logs: Option<(Arc<Logs>, Intake)>,
    _lake: Option<lake::Lake>,
    _spools: Vec<tempfile::NamedTempFile>,
}

impl Opened {
    /// Opens a lake's wanted tables, or logs.
    ///
    /// # Errors
    /// A path that is not there, a lake that is none, flags that do not fit together.
    pub(super) fn open(input: &Input, wanted: &Wanted, global: &Global, words: Words) -> Result<Opened, Failure> {
        let engine = Engine::new(global.query_limits())?;
        if let Some(lake) = existing::lake(input, &|table| wanted.has(table), words)? {
            engine.register_lake(&lake)?;
            return Ok(Opened { engine, logs: None, _lake: Some(lake), _spools: Vec::new() });
        }
        let reach = Reach { source: &input.source, aws: &input.lake.aws, queue: false, accounts: &[], live: None };
        let mut intake = Intake::open(&input.paths, &reach, input.limits, global, words)?;
        // A query may scan its table twice; a pipe comes once, so it is put into a file first.
        let spools = spool_pipes(&input.paths, &mut intake)?;
        let logs = Arc::new(Logs::new(intake.clone()));
        engine.register(logs.clone())?;
        Ok(Opened { engine, logs: Some((logs, intake)), _lake: None, _spools: spools })
    }

    /// Says what was rejected of logs, and gives the outcome.
    pub(super) fn tell(&self) -> Outcome {
        let Some((logs, intake)) = &self.logs else { return Outcome::Done };
        let left = intake.options.progress.skipped.load(Ordering::Relaxed);
        if left > 0 {
            let count = render::report::number(left);
            intake.words().note(&format!(
                "{count} files were not opened: the days in their names are too early, or more than 31 days too late, for what was asked"
            ));
        }
        logs.finished().map_or(Outcome::Done, |totals| intake.tell(&totals))
    }
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

/// Objects whose names tell a day on which nothing was delivered that a question can need: they are not opened.
#[derive(Debug)]
struct OtherDays(Days);

impl Ledger for OtherDays {
    fn holds(&self, input: &Object) -> bool {
        let delivered = Key::parse(&input.name).and_then(|key| NaiveDate::parse_from_str(key.day, "%Y/%m/%d").ok());
        delivered.is_some_and(|day| !self.0.of_delivery(day.to_epoch_days()))
    }
}

impl EventStream for Logs {
    fn open(&self, days: &Days, sink: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>) -> Result<(), String> {
        self.note(|state| state.running += 1);
        let mut stopped = false;
        let mut options = self.intake.options.clone();
        if !days.are_all() {
            options.ledger = Some(Arc::new(OtherDays(days.clone())));
        }
        let result = ingest::pipeline::scan(&self.intake.sources, &options, &mut |batch: RecordBatch| {
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
