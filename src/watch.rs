//! Watching: one process that takes what CloudTrail delivers, keeps a lake current and tells people, without an end.
//!
//! [`begin`] says what cannot be begun, [`opening`] what is waited for. Before the first turn [`past`] and [`notes`] say what earlier processes knew and found. In the order of a turn: [`messages`] and [`places`] ([`lister`]) say what there is ([`order`], oldest first; [`have`] knows what need
//! not be read), [`turn`] reads it, [`judge`] asks the rules and [`telling`] puts alerts into the outbox, [`keeper`] takes rows ([`room`] says
//! how many wait), commits them and deletes the messages; [`epoch`] goes round. Beside it: [`sending`] takes alerts out of the outbox, [`reload`] minds
//! the rules, [`prover`] holds what was read against what digests say ([`heard`], [`missing`], [`trouble`]), [`metrics`] ([`families`]), [`health`] and [`pages`] ([`server`]) say how it is.
//!
//! One order holds everything up: **alerts in the outbox, then rows in the lake together with what the rules know, then the
//! message deleted.** Whatever dies between two of these steps, the objects are read again, give the same alerts with the
//! same identity, which the outbox knows, and rows that stand once. Nothing here knows rules, sinks or Delta: it wires them.

mod begin;
mod epoch;
mod families;
mod have;
mod health;
mod heard;
mod judge;
mod keeper;
mod lister;
mod messages;
mod metrics;
mod missing;
mod notes;
mod opening;
mod options;
mod order;
mod pages;
mod past;
mod places;
mod prover;
mod reload;
mod room;
mod rows;
mod sending;
mod server;
mod telling;
mod trouble;
mod turn;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::alerts::Settings;
use ::deliver::outbox::{Folder, Limits as OutboxLimits};
use ::deliver::{Config, Courier, Desk, Drained, Outbox};
use ::ingest::source::Sources;
use chrono::Utc;
use lake::Lake;

use crate::cli::Global;
use crate::commands::backtest::Known;
use crate::commands::deliver;
use crate::outcome::{Failure, Outcome};
use crate::remote::Live;
use crate::render::report::number;
use crate::render::words::Words;
use crate::rulebook::Rulebook;
use crate::stop::Stop;
use epoch::Ended;
use families::{HISTORY_LOST, READY, RESTARTS, SENT_AFTER, SHED, SHEDS};
use health::Health;
use heard::Heard;
use metrics::Metrics;
pub(crate) use options::Options;
use prover::Prover;
use reload::{Book, Rules};
use sending::Sending;
use telling::Telling;

/// After a failure the next epoch begins after this, then after twice as long …
const PAUSE: Duration = Duration::from_secs(1);
/// … but never after more.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// An epoch that lasted so long was a good one: the next failure is a first one again.
const GOOD: Duration = Duration::from_secs(300);
/// How long an orderly end may take: what is not done by then is done by the next process.
const END: Duration = Duration::from_millis(9_000);
/// What of it is for messages that are due.
const END_SENDING: Duration = Duration::from_secs(3);
/// How long messages may take to leave where an end is the aim.
const ONCE_SENDING: Duration = Duration::from_secs(60);

/// What every part needs.
struct Watch<'a> {
    options: &'a Options,
    name: String,
    global: &'a Global,
    words: Words,
    stop: &'a Stop,
    metrics: &'a Metrics,
    health: &'a Health,
    telling: &'a Telling,
    outbox: &'a Outbox,
    heard: &'a Heard,
    live: Live,
    sending: &'a Sending,
    rules: Mutex<Rules>,
    book: Mutex<Book>,
}

/// Watches until somebody asks for an end.
///
/// # Errors
/// What keeps it from beginning; later only an outbox that cannot be written.
pub(crate) fn run(options: &Options, config: &Arc<Config>, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let stop = Stop::listen();
    let settings = Settings {
        allowed_lateness_micros: Some(options.allowed_lateness.num_microseconds().unwrap_or(i64::MAX)),
        ..Settings::default()
    };
    let checked = check(options, config, words)?;
    let rules = Rules::new(options.rules.clone(), options.suppress.clone(), settings, options.reload, words);
    let book = rules.first(checked);
    let outbox = open(config, &options.outbox)?;
    if let Some(other) = begin::other_lake(&options.outbox, &options.lake) {
        words.warning(&other);
    }
    let (metrics, health) = (Arc::new(Metrics::default()), Arc::new(Health::new()));
    let sending = Arc::new(Sending::start(config, &outbox)?);
    if let Some(address) = options.metrics {
        let bound = pages::serve(address, &metrics, &health, &sending)?;
        words.note(&format!("metrics at http://{bound}/metrics"));
    }
    end_in_time(&stop, words)?;
    let desk = Desk::new(config.clone(), outbox.clone());
    let telling = Arc::new(Telling::new(desk, &metrics, book.known.clone()));
    let heard = Arc::new(Heard::default());
    let mut prover = match options.verify_digests {
        true => Some(Prover::open(options, &telling, &metrics, &heard)?),
        false => None,
    };
    if let Some(prover) = prover.take_if(|_| !options.once) {
        prover.start(&stop)?;
    }
    let watch = Watch {
        options,
        name: options.name(),
        global,
        words,
        stop: &stop,
        metrics: &metrics,
        health: &health,
        telling: &telling,
        outbox: &outbox,
        heard: &heard,
        live: Live::new(),
        sending: &sending,
        rules: Mutex::new(rules),
        book: Mutex::new(book),
    };
    let ended = watch.supervise();
    health.ready(Some("it ends"));
    let proven = match (&mut prover, &ended) {
        (Some(prover), Ok(Ended::Done)) => prover.check(&stop),
        _ => Ok(()),
    };
    // Alerts leave whatever failed: they are in the outbox, and why it failed is said after them.
    let is_done = matches!(ended, Ok(Ended::Done));
    let drained = sending.end(if options.once && !stop.is_asked() { ONCE_SENDING } else { END_SENDING })?;
    tell(&drained, words);
    tell_shed(&metrics, words);
    let noted = watch.last_words();
    ended?;
    proven?;
    noted?;
    unsent(options.once && is_done, &drained)
}

/// Where an end was the aim, a message that nobody has got is a failure: whoever runs this by the clock has to hear of it.
fn unsent(once: bool, drained: &Drained) -> Result<Outcome, Failure> {
    let Drained { pending, dead, .. } = *drained;
    if !once || pending + dead == 0 {
        return Ok(Outcome::Done);
    }
    Err(Failure::Io(format!(
        "{} messages wait for another try and {} are given up; `trailhound deliver list` says why, the next run or `trailhound \
         deliver replay` sends them",
        number(pending),
        number(dead)
    )))
}

/// Rules and suppressions that were read.
pub(crate) struct Checked {
    pub(crate) rules: Rulebook,
    known: Known,
}

/// Whether this can be watched, as far as that can be known before anything is made or asked: the one place that says so, for
/// who begins and for who only wants to know.
///
/// # Errors
/// What is missing or must not be, with the next step.
pub(crate) fn check(options: &Options, config: &Config, words: Words) -> Result<Checked, Failure> {
    present(&options.places)?;
    if options.queue.as_deref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Failure::Usage("sqs://: no queue in it; write sqs://NAME, its ARN or its URL".to_owned()));
    }
    if let Some(address) = options.metrics {
        server::may_listen(address).map_err(Failure::Usage)?;
    }
    if let Some(path) = &options.public_keys {
        prover::public_keys(path)?;
    }
    let rules = Rulebook::open(&options.rules, words)?;
    let known = Known::open(&options.suppress, Utc::now(), words)?;
    if rules.rules.is_empty() && rules.errors.is_empty() {
        words.warning("there is no rule: events come into the lake, and nobody is told of any");
    }
    begin::lake(&options.lake)?;
    check_delivery(config, &options.outbox, &rules)?;
    Ok(Checked { rules, known })
}

/// What of it is about delivery alone.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_delivery(config: &Config, outbox: &Path, rules: &Rulebook) -> Result<(), Failure> {
    begin::folder(outbox, "an outbox")?;
    begin::routes(config, rules)?;
    let runtime = deliver::runtime()?;
    let sinks = Courier::check(config, &deliver::outside(config, &runtime));
    runtime.shutdown_background();
    Ok(sinks?)
}

/// Says what is not there before anything is made for it.
fn present(places: &[PathBuf]) -> Result<(), Failure> {
    for place in places.iter().filter_map(|place| place.to_str()) {
        if let Some(Err(why)) = ::aws::Place::parse(place) {
            return Err(Failure::Usage(why));
        }
    }
    let local: Vec<&PathBuf> = places.iter().filter(|place| !crate::remote::is_remote(place)).collect();
    Sources::new(&local)?;
    Ok(())
}

fn open(config: &Config, place: &Path) -> Result<Arc<Outbox>, Failure> {
    let limits = OutboxLimits { marks: config.policy.remember, bytes: config.policy.max_outbox_bytes };
    Ok(Arc::new(Outbox::open(Box::new(Folder::open(place)?), limits)?))
}

/// Whoever asked for an end gets it: what is durable is enough for the next process.
fn end_in_time(stop: &Stop, words: Words) -> Result<(), Failure> {
    let stop = stop.clone();
    let wait = move || {
        while !stop.is_asked() {
            std::thread::sleep(Duration::from_millis(100));
        }
        std::thread::sleep(END);
        words.warning("not everything was done in time: the next process reads the rest again");
        std::process::exit(0);
    };
    std::thread::Builder::new().name("trailhound-end".to_owned()).spawn(wait)?;
    Ok(())
}

/// Says what waits.
fn tell(drained: &Drained, words: Words) {
    for (count, what) in [
        (drained.pending, "messages wait for another try"),
        (drained.held, "messages wait for the end of a repeat interval"),
        (drained.dead, "messages are given up: `trailhound deliver list` says why"),
    ] {
        if count > 0 {
            words.note(&format!("{} {what}", number(count)));
        }
    }
}

/// Says what rules could not look at: nothing is left out in silence.
fn tell_shed(metrics: &Metrics, words: Words) {
    for (what, said) in SHEDS {
        let count = metrics.get(SHED, &[("what", what)]);
        if count > 0.0 {
            words.warning(&format!("{} {said}", number(count as u64)));
        }
    }
}

impl Watch<'_> {
    /// One epoch after the other. A first one that cannot begin is told; later ones are tried again and again.
    fn supervise(&self) -> Result<Ended, Failure> {
        let mut pause = PAUSE;
        loop {
            let begun = std::time::Instant::now();
            let ended = epoch::run(self);
            self.metrics.set(READY, &[], 0.0);
            let failure = match ended {
                Ok(Ended::Renew) => continue,
                Ok(ended) => return Ok(ended),
                Err(failure) => failure,
            };
            self.sending.check()?;
            let began = self.health.has_begun();
            if self.options.once || (!began && self.metrics.get(RESTARTS, &[]) == 0.0) {
                return Err(failure);
            }
            if begun.elapsed() > GOOD {
                pause = PAUSE;
            }
            self.metrics.add(RESTARTS, &[], 1);
            self.health.ready(Some(&failure.to_string()));
            let seconds = pause.as_secs();
            tracing::error!(%failure, seconds, "work begins anew from what stands");
            if self.rest(pause) {
                return Ok(Ended::Stopped);
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Waits; true if somebody asked for an end meanwhile.
    fn rest(&self, length: Duration) -> bool {
        let until = std::time::Instant::now() + length;
        while std::time::Instant::now() < until && !self.stop.is_asked() {
            self.health.beat();
            std::thread::sleep(Duration::from_millis(50));
        }
        self.stop.is_asked()
    }

    fn book(&self) -> Book {
        held(&self.book).clone()
    }

    /// Other rules, if there are any now.
    fn changed(&self) -> Option<Book> {
        let book = held(&self.rules).changed(self.metrics)?;
        *held(&self.book) = book.clone();
        Some(book)
    }

    /// Whether nobody must go on.
    fn failed(&self) -> Result<(), Failure> {
        self.sending.check()
    }

    /// How long messages waited that sinks have got since the last time.
    fn measure_told(&self) {
        let (told, _) = self.sending.courier.told();
        for one in told.iter().filter(|one| one.error.is_none()) {
            self.metrics.observe(SENT_AFTER, one.at.saturating_sub(one.created) as f64 / 1e6, 1);
        }
        self.metrics.set(HISTORY_LOST, &[], self.outbox.notes_lost() as f64);
    }

    /// What sinks got after the last commit, into the table `alerts`.
    fn last_words(&self) -> Result<(), Failure> {
        self.measure_told();
        let options = self.options;
        let lake = || Ok(Lake::open_for_writing(&options.lake, &options.aws.to_lake())?);
        notes::settle(self.outbox, &self.name, self.telling.take(), lake)
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
