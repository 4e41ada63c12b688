//! `trailhound ingest`: logs into a lake, once.

mod digests;
pub(crate) mod queue;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ::access::folded::Folded;
use ::ingest::pipeline::Sink;
use ::ingest::reject::{ObjectTotals, Reason, Reject, Totals};
use ::ingest::seen::Seen;
use ::ingest::source::Input;
use arrow::array::RecordBatch;
use lake::upkeep::repair::SetAside;
use lake::{Ingest, Lake, Ledger, Names};
use serde_json::{Value, json};

use crate::cli::{Global, IngestArgs};
use crate::config::account::Account;
use crate::existing;
use crate::folded;
use crate::intake::{Intake, Reach};
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use crate::render::{self, Output};
use crate::stop::Stop;

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn run(args: &IngestArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let started = Instant::now();
    if matches!(global.output, Output::Csv | Output::Parquet | Output::Arrow) {
        return Err(Failure::Usage("totals are not rows: use --output table or json".to_owned()));
    }
    let name = queue::of(&args.paths);
    if args.follow && name.is_none() {
        return Err(Failure::Usage("--follow reads a queue until it is stopped: give sqs://QUEUE".to_owned()));
    }
    if args.verify_digests && !args.paths.iter().any(|path| path.to_str().is_some_and(|text| text.starts_with("s3"))) {
        let text = "--verify-digests reads the digests of s3:// places: for files, `trailhound verify PATH --public-keys FILE --lake PLACE`";
        return Err(Failure::Usage(text.to_owned()));
    }
    let stop = Stop::listen();
    let accounts = args.config.as_deref().map(Account::load).transpose().map_err(Failure::Usage)?.unwrap_or_default();
    let reach =
        Reach { source: &args.source, aws: &args.at.aws, queue: name.is_some(), accounts: &accounts, live: None };
    let listed: Vec<PathBuf> = args.paths.iter().filter(|path| !queue::is_one(path)).cloned().collect();
    if name.is_some() {
        args.source.refuse_for_queue(!listed.is_empty() || !accounts.is_empty()).map_err(Failure::Usage)?;
    }
    let mut intake = Intake::open(&absolute(&listed)?, &reach, args.limits, global, words)?;
    intake.buckets.connections().for_each(|connection| stop.halts(connection));
    let mut lake = Lake::open_for_writing(&args.at.lake, &args.at.aws.to_lake())?;
    existing::warn_of_its_store(&lake, words);
    prepare(&mut intake);
    let mut done = Done::default();
    let mut messages = queue::Messages::default();
    let mut proven = digests::Proven::default();
    let mut known: Option<Arc<Known>> = None;
    loop {
        if let Some(name) = &name {
            let until = args.follow.then(|| Instant::now() + args.reconcile.to_std().unwrap_or(HOUR));
            done.merge(queue::run(name, args, &intake, &mut lake, &stop, until, &mut messages)?);
        }
        if (!listed.is_empty() || !accounts.is_empty()) && !stop.is_asked() {
            if !args.again {
                known = Some(Arc::new(Known::load(&lake, intake.buckets.lookup)?));
            }
            intake.options.ledger = known.clone().map(|known| known as _);
            intake.options.progress = Arc::default();
            done.merge(into_lake(&intake, &mut lake, &stop, &mut |_| {})?);
            done.refused_before += known.as_ref().map_or(0, |known| known.objects.refused_met());
            if args.verify_digests && !stop.is_asked() {
                proven.read(args, &intake, &mut lake)?;
            }
        }
        if !args.follow || stop.is_asked() {
            break;
        }
    }
    let mut value = done.to_json(&args.at.lake, started.elapsed().as_secs_f64());
    value["stopped"] = stop.is_asked().into();
    if args.verify_digests {
        value["digests"] = proven.to_json();
    }
    if name.is_some() {
        value["messages"] = messages.to_json();
    }
    print(value, &done, &intake, args, global)?;
    done.warn(words);
    messages.tell(words);
    proven.tell(words);
    if stop.is_asked() {
        words.note("stopped as asked: what was committed stands, the rest is read by the next run");
    }
    Ok(intake.tell(&done.totals).max(proven.outcome()))
}

fn print(mut value: Value, done: &Done, intake: &Intake, args: &IngestArgs, global: &Global) -> Result<(), Failure> {
    if intake.buckets.connections().next().is_some() {
        value["requests"] = intake.buckets.requests().into();
        value["left_out"] = intake.buckets.left_out();
    }
    let mut out = io::stdout();
    let settled = match global.output {
        Output::Json => render::json::document(&value, &mut out),
        Output::Jsonl => render::json::document_line(&value, &mut out),
        _ => done.report(&args.at.lake, &mut out, global.rows().terminal),
    };
    Ok(render::settle(settled)?)
}

/// What a lake has: objects by name, size and time; days of `LookupEvents`, whose size nobody knows beforehand, by name.
#[derive(Debug)]
struct Known {
    objects: Ledger,
    days: Option<Names>,
}

impl Known {
    fn load(lake: &Lake, lookup: bool) -> Result<Known, Failure> {
        Ok(Known { objects: Ledger::load(lake)?, days: lookup.then(|| Names::load(lake)).transpose()? })
    }
}

impl ::ingest::pipeline::Ledger for Known {
    fn holds(&self, input: &Input) -> bool {
        match &self.days {
            Some(days) if input.name.starts_with(aws::lookup::PLACE) => days.has(&input.name),
            _ => self.objects.holds(input),
        }
    }
}

/// What every read into a lake wants of a scan.
pub(crate) fn prepare(intake: &mut Intake) {
    intake.options.evidence = true;
    intake.options.task_objects = lake::fault::limit("TRAILHOUND_TASK_OBJECTS", intake.options.task_objects);
}

/// Absolute paths, so that the ledger knows an object whatever folder the next run starts in.
pub(crate) fn absolute(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let absolute = |path: &PathBuf| match path.as_os_str() == "-" || crate::remote::is_remote(path) {
        true => Ok(path.clone()),
        false => std::path::absolute(path).map_err(|error| Failure::Io(format!("{}: {error}", path.display()))),
    };
    paths.iter().map(absolute).collect()
}

/// What an ingest did.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) totals: Totals,
    skipped: u64,
    /// Objects among them of which nothing came in when they were read.
    refused_before: u64,
    outcome: lake::Outcome,
    dropped: u64,
}

/// Reads what `intake` names into the lake; `each` hears of every object whose rows are handed over. Whoever asks for an end
/// gets it at the next whole object.
///
/// # Errors
/// What stopped it. Batches committed before stand.
fn into_lake(
    intake: &Intake,
    lake: &mut Lake,
    stop: &Stop,
    each: &mut dyn FnMut(&ObjectTotals),
) -> Result<Done, Failure> {
    let mut fold = Fold::new();
    let inner = Ingest::begin(lake, &mut fold, intake.options.threads)?;
    let mut sink = Watched { inner, stop, each };
    // A scan that failed leaves objects half read: what was not committed yet is not wanted.
    let mut totals = intake.feed(&mut sink)?;
    // A lake that stopped the scan says why here.
    let outcome = sink.inner.end()?;
    totals.rows -= outcome.lost_to_others.min(totals.rows);
    totals.duplicates += outcome.lost_to_others;
    let skipped = intake.options.progress.skipped.load(Ordering::Relaxed);
    Ok(Done { totals, skipped, refused_before: 0, outcome, dropped: fold.dropped })
}

/// A lake's ingest that can be stopped where everything is whole.
struct Watched<'a, 'b> {
    inner: Ingest<'b>,
    stop: &'a Stop,
    each: &'a mut dyn FnMut(&ObjectTotals),
}

impl Sink for Watched<'_, '_> {
    fn before(&mut self, batch: &RecordBatch, seen: &mut Seen) -> Result<(), ::ingest::Error> {
        self.inner.before(batch, seen)
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        self.inner.batch(batch)
    }

    fn object(&mut self, totals: &ObjectTotals) {
        (self.each)(totals);
        self.inner.object(totals);
    }

    fn knows_nameless(&self) -> bool {
        self.inner.knows_nameless()
    }

    fn whole(&mut self) -> ControlFlow<()> {
        let flow = self.inner.whole();
        if self.stop.is_asked() { ControlFlow::Break(()) } else { flow }
    }
}

/// Hears of objects that could not be read, and of how many more there are; says whether to go on without them.
type Settle<'a> = dyn FnMut(&[&Reject], u64) -> Result<(), Failure> + 'a;

/// Reads objects again whose rows were lost to damage; how many came back. The damaged files leave the lake, if `settle` agrees.
///
/// # Errors
/// As [`into_lake`]; what `settle` says. Then the lake stays as it is.
pub(crate) fn again(
    intake: &Intake,
    lake: &mut Lake,
    aside: SetAside,
    settle: &mut Settle<'_>,
) -> Result<lake::Outcome, Failure> {
    let mut fold = Fold::new();
    let mut sink = Ingest::begin(lake, &mut fold, intake.options.threads)?.repairing(aside);
    let totals = intake.feed(&mut sink)?;
    let failed: Vec<_> = totals.rejects.iter().filter(|reject| reject.reason == Reason::IoError).collect();
    let all = totals.rejected_by_reason.get(&Reason::IoError).copied().unwrap_or(0);
    settle(&failed, all.saturating_sub(failed.iter().map(|reject| reject.count).sum()))?;
    Ok(sink.end()?)
}

impl Done {
    fn merge(&mut self, other: Done) {
        self.totals.merge(other.totals);
        self.skipped += other.skipped;
        self.refused_before += other.refused_before;
        self.dropped += other.dropped;
        self.outcome.commits += other.outcome.commits;
        self.outcome.version = self.outcome.version.max(other.outcome.version);
        self.outcome.future += other.outcome.future;
        self.outcome.expired += other.outcome.expired;
        self.outcome.lost_to_others += other.outcome.lost_to_others;
        self.outcome.repaired += other.outcome.repaired;
    }

    /// The contract of `ingest --output json`: `docs/contract.md`.
    fn to_json(&self, place: &str, seconds: f64) -> Value {
        let Done { totals, skipped, refused_before, outcome, .. } = self;
        json!({
            "lake": place,
            "version": outcome.version,
            "commits": outcome.commits,
            "objects": totals.objects,
            "objects_skipped": skipped,
            "objects_refused_before": refused_before,
            "records_in": totals.records_in,
            "rows": totals.rows,
            "duplicates": totals.duplicates,
            "rejected": totals.rejected,
            "rejects": totals.rejects,
            "rejected_by_reason": totals.rejected_by_reason,
            "skipped": totals.skipped,
            "bytes_read": totals.bytes_read,
            "bytes_inflated": totals.bytes_inflated,
            "future_events": outcome.future,
            "expired_events": outcome.expired,
            "seconds": (seconds * 1000.0).round() / 1000.0,
        })
    }

    fn report(&self, place: &str, out: &mut dyn Write, terminal: Terminal) -> io::Result<()> {
        let Done { totals, skipped, refused_before, outcome, .. } = self;
        let mut report = Report::new(out, terminal);
        match (totals.objects, *skipped) {
            (0, 0) => report.title("Nothing to ingest")?,
            (0, _) if *refused_before > 0 => report.title("Nothing new: every object was read before")?,
            (0, _) => report.title("Nothing new: every object is in the lake already")?,
            (objects, _) => {
                report.title(&format!("{} new events from {} objects", number(totals.rows), number(objects)))?;
            }
        }
        let total = format!(
            "{} in = {} rows + {} duplicates + {} rejected",
            number(totals.records_in),
            number(totals.rows),
            number(totals.duplicates),
            number(totals.rejected)
        );
        report.facts(&[
            ("records", total),
            ("objects", format!("{} read, {} ingested before", number(totals.objects), number(*skipped))),
            ("lake", format!("{place}, version {}", outcome.version)),
        ])
    }

    fn warn(&self, words: Words) {
        let future = self.outcome.future;
        if future > 0 {
            let events = number(future);
            words.warning(&format!(
                "{events} events are dated more than an hour in the future; they are kept as they are"
            ));
        }
        if self.refused_before > 0 {
            let objects = number(self.refused_before);
            words.warning(&format!(
                "of {objects} objects nothing is in the lake: they were refused whole when they were read, and are not read \
                 again by themselves (`SELECT object, reason FROM rejects`); mend what is wrong or change the limit, and \
                 run it with --again"
            ));
        }
        if self.outcome.expired > 0 {
            let events = number(self.outcome.expired);
            words.warning(&format!(
                "{events} events are of days that `lake expire` took out of this lake: they were left out, and count as \
                 duplicates; to ask them, ingest them into a lake of their own with --lake"
            ));
        }
        if self.dropped > 0 {
            let dropped = number(self.dropped);
            words.warning(&format!("last_used had no room for {dropped} principals or actions of one batch"));
        }
    }
}

/// The fold of `access`, as the lake wants it: partial rows of one batch.
pub(crate) struct Fold {
    folded: Folded,
    dropped: u64,
}

impl Fold {
    /// Nothing yet.
    pub(crate) fn new() -> Fold {
        Fold { folded: Folded::new(), dropped: 0 }
    }
}

impl lake::LastUsed for Fold {
    fn observe(&mut self, events: &RecordBatch) {
        self.folded.observe(events);
    }

    fn activity(&mut self) -> RecordBatch {
        folded::activity(&self.folded)
    }

    fn take(&mut self) -> RecordBatch {
        let folded = std::mem::replace(&mut self.folded, Folded::new());
        self.dropped += folded.usage.totals().dropped;
        folded::facts(&folded)
    }
}
