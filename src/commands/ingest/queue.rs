//! `trailhound ingest sqs://QUEUE`: messages, the objects that they tell of, rows that stand, and only then deletion.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::ingest::reject::{ObjectTotals, Reason};
use ::ingest::source::Sources;
use aws::{Batch, Connection, Deliveries, Queue};
use lake::{Lake, Names};
use serde_json::{Value, json};

use super::{Done, into_lake};
use crate::cli::IngestArgs;
use crate::intake::Intake;
use crate::outcome::Failure;
use crate::render::report::number;
use crate::render::words::Words;
use crate::stop::Stop;

/// Objects after which a batch is ingested: small commits are soon compacted, few are cheap.
const BATCH_OBJECTS: usize = 1000;
/// How long a batch is gathered.
const BATCH_TIME: Duration = Duration::from_secs(5);
/// How long one request waits for a message; short enough for an end within ten seconds.
const WAIT: Duration = Duration::from_secs(4);
/// Times that a queue must say that it is empty: SQS asks only some of its servers when it does not wait.
const EMPTY_TIMES: u32 = 2;

/// What became of messages.
#[derive(Debug, Default)]
pub(super) struct Messages {
    received: u64,
    deleted: u64,
    nothing: u64,
    /// Objects of other services, and digests, by folder.
    passed_over: BTreeMap<&'static str, u64>,
    /// Ids of messages that failed, each once.
    failed: BTreeSet<String>,
    undeleted: u64,
    requests: u64,
    queue: String,
    has_dead_letters: bool,
}

/// The queue among the paths, if there is one: `sqs://NAME`, `sqs://ARN`, or its URL.
pub(crate) fn of(paths: &[PathBuf]) -> Option<String> {
    paths.iter().filter_map(|path| path.to_str()).find_map(|text| {
        let rest = text.strip_prefix("sqs://")?;
        // `sqs://https://…` is what a shell history makes of a URL; `sqs://sqs.eu-west-1.amazonaws.com/1/q` is one too.
        Some(if rest.contains('/') && !rest.contains("://") { format!("https://{rest}") } else { rest.to_owned() })
    })
}

/// Whether a path names a queue.
pub(crate) fn is_one(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.starts_with("sqs://"))
}

/// Drains a queue into a lake until it is empty, or until that time; or until somebody asks for an end.
///
/// # Errors
/// What stops everything: the queue or the lake cannot be reached. What was committed stands.
pub(super) fn run(
    name: &str,
    args: &IngestArgs,
    like: &Intake,
    lake: &mut Lake,
    stop: &Stop,
    until: Option<Instant>,
    messages: &mut Messages,
) -> Result<Done, Failure> {
    let failed = |error: aws::Error| Failure::Io(error.to_string());
    let connection = Connection::open(&args.at.aws.to_options()).map_err(failed)?;
    stop.halts(&connection);
    let queue = match Queue::open(&connection, name) {
        Err(_) if stop.is_asked() => return Ok(Done::default()),
        queue => queue.map_err(failed)?,
    };
    let names = Arc::new(Names::load(lake)?);
    let deliveries = Deliveries::new(&connection);
    messages.queue = queue.url().to_owned();
    messages.has_dead_letters = queue.has_dead_letters;
    let mut drain = Drain { deliveries, queue, names, intake: like.clone(), messages, done: Done::default(), stop };
    let mut empty = 0;
    while !stop.is_asked() && until.map_or(empty < EMPTY_TIMES, |until| Instant::now() < until) {
        let batch = drain.gather().map_err(failed)?;
        if batch.waiting.is_empty() {
            empty += 1;
            continue;
        }
        empty = 0;
        // After a failure nothing is deleted, and what is held comes again when its time is over.
        drain.ingest(batch, lake).inspect_err(|_| drain.queue.release_all())?;
    }
    drain.messages.requests += connection.meter().requests();
    Ok(drain.done)
}

/// A queue on its way into a lake.
struct Drain<'a> {
    deliveries: Deliveries,
    queue: Queue,
    names: Arc<Names>,
    intake: Intake,
    messages: &'a mut Messages,
    done: Done,
    stop: &'a Stop,
}

impl Drain<'_> {
    /// Messages until there are enough, or none come. Those that failed in this run are let go: they come again later, and
    /// in the end go to the dead-letter queue.
    fn gather(&mut self) -> Result<Batch, aws::Error> {
        let mut batch = Batch::default();
        let begun = Instant::now();
        while batch.objects() < BATCH_OBJECTS && begun.elapsed() < BATCH_TIME && !self.stop.is_asked() {
            let wait = if batch.waiting.is_empty() { WAIT } else { Duration::from_secs(1) };
            let received = self.queue.receive(wait)?;
            if received.is_empty() {
                break;
            }
            let (again, new): (Vec<_>, Vec<_>) =
                received.into_iter().partition(|message| self.messages.failed.contains(&message.id));
            let again: Vec<_> = again.into_iter().map(|message| message.id).collect();
            self.queue.release(&again, false);
            if new.is_empty() {
                break;
            }
            self.messages.received += new.len() as u64;
            for message in &new {
                self.deliveries.add(message, self.queue.url(), &mut batch);
            }
        }
        Ok(batch)
    }

    /// Ingests what a batch asks for, commits it, and deletes the messages that have all they asked for.
    fn ingest(&mut self, mut batch: Batch, lake: &mut Lake) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut batch.waiting);
        self.messages.nothing += batch.nothing;
        for (service, count) in &batch.passed_over {
            *self.messages.passed_over.entry(service).or_default() += count;
        }
        let known: BTreeSet<String> = self.known(&waiting);
        self.intake.options.ledger = Some(self.names.clone());
        self.intake.options.progress = Arc::default();
        self.intake.sources = Sources::default();
        self.intake.sources.add_remote(Arc::new(batch));
        let (mut good, mut bad) = (known, BTreeSet::new());
        let done = into_lake(&self.intake, lake, self.stop, &mut |object| {
            let list = if is_refused(object) { &mut bad } else { &mut good };
            list.insert(object.object.clone());
        })?;
        self.done.merge(done);
        for name in &good {
            self.names.add(name);
        }
        let (mut finished, mut undone) = (Vec::new(), Vec::new());
        for (id, objects) in waiting {
            if objects.iter().all(|name| good.contains(name)) {
                finished.push(id);
            } else if objects.iter().any(|name| bad.contains(name)) {
                self.queue.release(std::slice::from_ref(&id), false);
                self.messages.failed.insert(id);
            } else {
                undone.push(id);
            }
        }
        // Stopped before their turn came: another reader may have them at once.
        self.queue.release(&undone, true);
        let left = self.queue.delete(&finished).map_err(|error| Failure::Io(error.to_string()))?;
        self.messages.deleted += finished.len() as u64 - left;
        self.messages.undeleted += left;
        Ok(())
    }

    /// Objects that the lake has already.
    fn known(&self, waiting: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
        let names = waiting.values().flatten();
        names.filter(|name| self.names.has(name)).cloned().collect()
    }
}

impl Messages {
    /// Says on standard error what was not deleted.
    pub(super) fn tell(&self, words: Words) {
        let Messages { failed, undeleted, has_dead_letters, .. } = self;
        if !self.passed_over.is_empty() {
            let named: Vec<_> =
                self.passed_over.iter().map(|(service, count)| format!("{} {service}", number(*count))).collect();
            words.note(&format!(
                "the queue told of objects that hold no rows of CloudTrail's, which were passed over: {}",
                named.join(", ")
            ));
        }
        if !failed.is_empty() {
            let count = number(failed.len() as u64);
            let then = if *has_dead_letters {
                "they come again, and go to the dead-letter queue after its limit"
            } else {
                "they stay in the queue, which has no dead-letter queue: give it one"
            };
            words.warning(&format!("{count} messages failed and were not deleted; {then}; see the table `rejects`"));
        }
        if *undeleted > 0 {
            let count = number(*undeleted);
            words.warning(&format!("{count} messages could not be deleted; they come again, and count once"));
        }
    }

    /// The contract of `messages` in `ingest --output json`: `docs/contract.md`.
    pub(super) fn to_json(&self) -> Value {
        let Messages { queue, received, deleted, nothing, passed_over, failed, undeleted, requests, .. } = self;
        json!({
            "queue": queue,
            "received": received,
            "deleted": deleted,
            "without_objects": nothing,
            "passed_over": passed_over,
            "failed": failed.len(),
            "undeleted": undeleted,
            "requests": requests,
        })
    }
}

/// Whether nothing of an object came into the lake.
pub(crate) fn is_refused(object: &ObjectTotals) -> bool {
    let nothing = object.rows + object.duplicates == 0;
    // A delivered file may hold nothing; a message of which nothing could be read was not understood.
    let message = object.object.starts_with("http") && object.object.contains("://");
    object.reasons.contains_key(&Reason::IoError) || (nothing && (object.rejected > 0 || message))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_named_in_several_ways() {
        let queue = |text: &str| of(&[PathBuf::from("./logs"), PathBuf::from(text)]);
        assert_eq!(queue("sqs://trail").as_deref(), Some("trail"));
        assert_eq!(queue("sqs://arn:aws:sqs:x:1:q").as_deref(), Some("arn:aws:sqs:x:1:q"));
        assert_eq!(queue("sqs://http://127.0.0.1:1/1/q").as_deref(), Some("http://127.0.0.1:1/1/q"));
        assert_eq!(
            queue("sqs://sqs.eu-west-1.amazonaws.com/1/q").as_deref(),
            Some("https://sqs.eu-west-1.amazonaws.com/1/q")
        );
        assert_eq!(queue("s3://b"), None);
    }
}
