//! From a command's paths or its lake to batches: options, the progress bar, and the words about what was rejected.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow::array::RecordBatch;
use chrono::TimeDelta;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ingest::gunzip;
use ingest::pipeline::{Options, Progress, Sink};
use ingest::reject::{Reason, Totals};
use ingest::source::Sources;
use lake::Lake;
use lake::schema::EVENTS;

use crate::cli::{AwsArgs, Global, Input, Limits, SourceArgs};
use crate::config::account::Account;
use crate::existing;
use crate::outcome::{Failure, Outcome};
use crate::remote::{Buckets, Live};
use crate::render::report::number;
use crate::render::terminal::Terminal;
use crate::render::words::Words;

/// Rejects that are told one by one on standard error; the rest is in the total.
const REJECTS_TOLD: usize = 10;
/// Regions that `LookupEvents` is asked in at a time.
const LOOKUP_THREADS: usize = 17;
/// How often the progress bar looks.
const TICK: Duration = Duration::from_millis(100);

/// How places in buckets are reached, and what of them is wanted.
pub(crate) struct Reach<'a> {
    pub(crate) source: &'a SourceArgs,
    pub(crate) aws: &'a AwsArgs,
    /// Whether a queue is read too, which the flags also concern.
    pub(crate) queue: bool,
    /// Accounts that are read as well.
    pub(crate) accounts: &'a [Account],
    /// Where listings are made side by side: what they share, and who this one is.
    pub(crate) live: Option<(&'a Live, String)>,
}

/// What a command reads, and how.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    pub(crate) sources: Sources,
    pub(crate) options: Options,
    /// The buckets among the sources.
    pub(crate) buckets: Buckets,
    bar: bool,
    words: Words,
}

impl Intake {
    /// Checks local paths and turns the flags into options.
    ///
    /// # Errors
    /// A path that is not there.
    pub(crate) fn new(paths: &[PathBuf], limits: Limits, global: &Global, words: Words) -> Result<Self, Failure> {
        let reach =
            Reach { source: &SourceArgs::default(), aws: &AwsArgs::default(), queue: false, accounts: &[], live: None };
        Self::open(paths, &reach, limits, global, words)
    }

    /// Checks paths, places in buckets among them, and turns the flags into options.
    ///
    /// # Errors
    /// A path that is not there, a place or flag that is none.
    pub(crate) fn open(
        paths: &[PathBuf],
        reach: &Reach<'_>,
        limits: Limits,
        global: &Global,
        words: Words,
    ) -> Result<Self, Failure> {
        let mut sources = Sources::default();
        let buckets = Buckets::open(paths, reach, &mut sources)?;
        let mut options = Options {
            limits: gunzip::Limits {
                inflated_bytes: limits.max_inflated_bytes,
                accept_trailing_data: limits.accept_trailing_data,
            },
            ..Options::default()
        };
        if let Some(threads) = global.threads {
            options.threads = usize::from(threads);
        }
        // A watch asks again and again; whoever names a time once is told once.
        if let (true, false, Some(start)) = (buckets.lookup, reach.queue, reach.source.start_time)
            && start < aws::lookup::oldest() - TimeDelta::hours(1)
        {
            words.warning(
                "LookupEvents goes back 90 days and no further: what is before is not read; a trail's bucket may have it",
            );
        }
        if buckets.lookup {
            // Each Region has a pace of its own, and waiting costs nothing.
            options.threads = options.threads.max(LOOKUP_THREADS);
        }
        let bar = !global.quiet && Terminal::stderr(global.no_color).is_terminal;
        Ok(Intake { sources, options, buckets, bar, words })
    }

    /// Reads everything once, showing progress where standard error is a terminal.
    ///
    /// # Errors
    /// Only what stops everything; what is wrong with an object is in the totals.
    pub(crate) fn read(&self, sink: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>) -> Result<Totals, Failure> {
        let mut sink = sink;
        self.feed(&mut sink)
    }

    /// [`Intake::read`] into something that also wants to know of objects.
    ///
    /// # Errors
    /// As [`Intake::read`].
    pub(crate) fn feed(&self, sink: &mut dyn Sink) -> Result<Totals, Failure> {
        let bar = self.start_bar();
        let result = ingest::pipeline::scan(&self.sources, &self.options, sink);
        if let Some(bar) = bar {
            bar.stop();
        }
        Ok(result?)
    }

    fn start_bar(&self) -> Option<Bar> {
        if !self.bar || self.sources.reads_stdin() {
            return None;
        }
        // What is listed by somebody else is listed once: how much there is shows when the listing has ended.
        let total = (!self.sources.is_remote()).then(|| self.sources.walk().measure());
        Some(Bar::start(total, self.options.progress.clone(), self.buckets.clone()))
    }

    /// How it speaks on standard error.
    pub(crate) fn words(&self) -> Words {
        self.words
    }

    /// Says on standard error what was rejected, and gives the outcome.
    pub(crate) fn tell(&self, totals: &Totals) -> Outcome {
        tracing::debug!(objects = totals.objects, records = totals.records_in, "read");
        self.buckets.tell(self.words);
        let before = self.options.progress.skipped.load(Ordering::Relaxed);
        if totals.objects == 0 && before == 0 && !self.sources.is_empty() && !self.buckets.lookup {
            self.words.warning(&self.buckets.nothing());
        }
        if totals.rejected == 0 {
            return Outcome::Done;
        }
        let (rejected, records) = (number(totals.rejected), number(totals.records_in));
        self.words.warning(&format!("{rejected} of {records} records were rejected; the rest was read"));
        for reject in totals.rejects.iter().take(REJECTS_TOLD) {
            let what = if reject.count == 1 { String::new() } else { format!(" ({}×)", number(reject.count)) };
            let next = next_step(reject.reason, &reject.object).map(|next| format!("; {next}")).unwrap_or_default();
            self.words.warning(&format!("{}: {}{what}: {}{next}", reject.object, reject.reason, reject.detail));
        }
        let more = totals.rejects.len().saturating_sub(REJECTS_TOLD) as u64 + totals.unlisted;
        if more > 0 {
            self.words.warning(&format!("and {} more; `scan --output json` lists them", number(more)));
        }
        Outcome::Rejected
    }
}

/// What to do about a reject of `object`. None where a place that is not on this machine could not be read: what its owner said
/// ends with the next step.
pub(crate) fn next_step(reason: Reason, object: &str) -> Option<&'static str> {
    let elsewhere = object.contains("://") || object.contains(aws::lookup::PLACE);
    (reason != Reason::IoError || !elsewhere).then(|| reason.next_step())
}

/// Where a command's events come from.
pub(crate) enum Events {
    /// Logs, as they lie in files.
    Logs(Box<Intake>),
    /// A lake, with so many threads to read it.
    Lake(Box<Lake>, usize),
}

impl Events {
    /// Opens what a command line names; of a lake, those tables beside its events that are wanted.
    ///
    /// # Errors
    /// A path that is not there, a lake that is none.
    pub(crate) fn open(
        input: &Input,
        is_wanted: &dyn Fn(&str) -> bool,
        global: &Global,
        words: Words,
    ) -> Result<Self, Failure> {
        if let Some(lake) = existing::lake(input, is_wanted, words)? {
            let threads = global.threads.map_or_else(|| Options::default().threads, usize::from);
            return Ok(Events::Lake(Box::new(lake), threads));
        }
        let reach = Reach { source: &input.source, aws: &input.lake.aws, queue: false, accounts: &[], live: None };
        Ok(Events::Logs(Box::new(Intake::open(&input.paths, &reach, input.limits, global, words)?)))
    }

    /// Reads everything once: all columns, or at least the named ones. What a lake refused was told when it was
    /// ingested, so the totals of a lake are its files and rows.
    ///
    /// # Errors
    /// Only what stops everything.
    pub(crate) fn read(
        &self,
        columns: Option<&[&str]>,
        sink: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> Result<Totals, Failure> {
        let (lake, threads) = match self {
            Events::Logs(intake) => return intake.read(sink),
            Events::Lake(lake, threads) => (lake, *threads),
        };
        let files = lake.files(EVENTS)?;
        let mut totals = Totals {
            objects: files.len() as u64,
            bytes_read: files.iter().map(|file| file.bytes).sum(),
            ..Totals::default()
        };
        lake.events(columns, threads, &mut |batch| {
            totals.rows += batch.num_rows() as u64;
            sink(batch)
        })?;
        totals.records_in = totals.rows;
        Ok(totals)
    }

    /// Says on standard error what was rejected, and gives the outcome.
    pub(crate) fn tell(&self, totals: &Totals) -> Outcome {
        match self {
            Events::Logs(intake) => intake.tell(totals),
            Events::Lake(..) => Outcome::Done,
        }
    }
}

/// A progress bar that a thread of its own keeps current.
struct Bar {
    bar: ProgressBar,
    done: Arc<std::sync::atomic::AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Bar {
    /// A bar for so many objects and bytes; where nobody knows yet, one that learns it from the listing.
    fn start(total: Option<(u64, u64)>, progress: Arc<Progress>, buckets: Buckets) -> Self {
        let bar = ProgressBar::with_draw_target(total.map(|total| total.1), ProgressDrawTarget::stderr());
        let style = |template| ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let whole = style("{bar:30} {bytes}/{total_bytes} · {msg} · {eta} left");
        bar.set_style(if total.is_some() {
            whole.clone()
        } else {
            style("{spinner} {bytes} · {bytes_per_sec} · {msg}")
        });
        let mut total = total.map(|total| total.0);
        let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (shown, stop) = (bar.clone(), done.clone());
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                shown.set_position(progress.bytes.load(Ordering::Relaxed));
                let (files, records) =
                    (progress.objects.load(Ordering::Relaxed), progress.records.load(Ordering::Relaxed));
                if total.is_none() && progress.listed_all.load(Ordering::Relaxed) {
                    shown.set_length(progress.listed_bytes.load(Ordering::Relaxed));
                    shown.set_style(whole.clone());
                    total = Some(progress.listed.load(Ordering::Relaxed));
                }
                let of = total.map_or_else(String::new, |total| format!("/{}", number(total)));
                let mut message = format!("{}{of} files · {} events", number(files), number(records));
                if buckets.connections().next().is_some() {
                    message += &format!(" · {} requests", number(buckets.requests()));
                }
                shown.set_message(message);
                std::thread::park_timeout(TICK);
            }
            shown.finish_and_clear();
        });
        Bar { bar, done, thread }
    }

    fn stop(self) {
        self.done.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        // A bar that could not be drawn is no reason to fail.
        let _ = self.thread.join();
        self.bar.finish_and_clear();
    }
}
