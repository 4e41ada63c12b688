//! `trailhound deliver`, and what `alerts --deliver` does with the alerts of a batch.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ::alerts::Alert;
use ::deliver::outbox::{Folder, Limits, Listed, Standing};
use ::deliver::send::{Verdict, needs_credentials};
use ::deliver::{Accepted, Config, Courier, Desk, Drained, Error, Outbox, Outside, now};
use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow::error::ArrowError;
use tokio::runtime::Runtime;

use crate::cli::{DeliverAt, DeliverCommand, DeliveryArgs, Global, Sending};
use crate::outcome::{Failure, Outcome};
use crate::render::report::number;
use crate::render::words::Words;
use crate::render::{self, Output};
use crate::rulebook::Rulebook;
use crate::watch;

/// Where messages wait, if nothing else is said.
pub(crate) const OUTBOX: &str = "./trailhound-outbox";
/// A configuration is written by people.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

pub(crate) fn run(command: &DeliverCommand, global: &Global, words: Words) -> Result<Outcome, Failure> {
    match command {
        DeliverCommand::List(at) => list(at, global, words),
        DeliverCommand::Replay { at, sink, key, pending_only } => {
            let config = config(&at.config)?;
            if let Some(name) = sink.as_ref().filter(|name| !config.sinks.contains_key(*name)) {
                return Err(Failure::Usage(format!("there is no sink `{name}` in {}", at.config.display())));
            }
            let outbox = open(&config, &at.sending)?;
            if !pending_only {
                let revived = outbox.replay(sink.as_deref(), key.as_deref(), now())?;
                words.note(&format!("{} dead messages are tried again", number(revived as u64)));
            }
            drain(&config, &outbox, &at.sending, sink.as_deref(), words)?;
            Ok(Outcome::Done)
        }
        DeliverCommand::Test { config: path, outbox } => {
            if let Some(outbox) = outbox {
                words.note(&format!("{}: left alone: a test goes past the outbox", outbox.display()));
            }
            let config = config(path)?;
            test(&config, global)
        }
    }
}

/// Whether alerts can be delivered, if that is asked for: to be known before an hour of logs is read.
///
/// # Errors
/// What is wrong with the configuration, and the next step.
pub(crate) fn check(args: &DeliveryArgs, rules: &Rulebook) -> Result<(), Failure> {
    let Some(path) = &args.deliver else { return Ok(()) };
    let config = config(path)?;
    watch::check_delivery(&config, &place(&config, &args.sending), rules)
}

/// Sends the alerts of a batch, if that is asked for.
///
/// # Errors
/// If they could not be put into the outbox, or did not get out of it: they wait there then.
pub(crate) fn send(args: &DeliveryArgs, alerts: &[Alert], words: Words) -> Result<(), Failure> {
    let Some(path) = &args.deliver else { return Ok(()) };
    let config = config(path)?;
    let outbox = open(&config, &args.sending)?;
    let accepted = Desk::new(config.clone(), outbox.clone()).accept(alerts, now())?;
    tell(accepted, words);
    drain(&config, &outbox, &args.sending, None, words)
}

pub(crate) fn config(path: &Path) -> Result<Arc<Config>, Failure> {
    let named = |e: io::Error| Failure::Usage(format!("{}: {e}; give a configuration of delivery", path.display()));
    if std::fs::metadata(path).map_err(named)?.len() > CONFIG_BYTES_MAX {
        return Err(Failure::Usage(format!("{}: too long for a configuration", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(named)?;
    let config = Config::parse(&text).map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))?;
    Ok(Arc::new(config))
}

fn place(config: &Config, sending: &Sending) -> PathBuf {
    sending.outbox.clone().or_else(|| config.policy.outbox.clone()).unwrap_or_else(|| PathBuf::from(OUTBOX))
}

fn open(config: &Config, sending: &Sending) -> Result<Arc<Outbox>, Failure> {
    let folder = Folder::open(&place(config, sending))?;
    let limits = Limits { marks: config.policy.remember, bytes: config.policy.max_outbox_bytes };
    Ok(Arc::new(Outbox::open(Box::new(folder), limits)?))
}

/// Says what became of the alerts: nothing is left out in silence.
fn tell(accepted: Accepted, words: Words) {
    for (count, what) in [
        (accepted.queued, "to be told now"),
        (accepted.held, "held until the repeat interval of their group ends"),
        (accepted.digested, "counted in a digest, because they are old or too many"),
        (accepted.known, "told before"),
        (accepted.too_old, "too old for a sink that gets no digests"),
        (accepted.silenced, "silenced"),
        (accepted.unrouted, "taken by no route"),
    ] {
        if count > 0 {
            words.note(&format!("{} {what}", number(count)));
        }
    }
}

/// Sends what the outbox holds and says how it went; of one sink alone, if it was asked for.
fn drain(
    config: &Config,
    outbox: &Arc<Outbox>,
    sending: &Sending,
    only: Option<&str>,
    words: Words,
) -> Result<(), Failure> {
    let runtime = runtime()?;
    let courier = Courier::open(config, outbox.clone(), &outside(config, &runtime))?;
    let most = sending.deliver_for.to_std().unwrap_or_default();
    let Drained { sent, failed, died, pending, held, dead, orphaned } = runtime.block_on(courier.drain(most))?;
    // A sink that hangs in a lookup must not hold up the end.
    runtime.shutdown_background();
    words.note(&format!("{} messages sent", number(sent)));
    if failed > 0 {
        words.note(&format!("{} attempts failed", number(failed)));
    }
    if held > 0 {
        words.note(&format!(
            "{} messages are held; `trailhound deliver replay` sends them when it is time",
            number(held)
        ));
    }
    if orphaned > 0 {
        let count = number(orphaned);
        words.warning(&format!(
            "{count} messages are for sinks that the configuration does not name: they wait for them"
        ));
    }
    if outbox.damaged() > 0 {
        words.warning(&format!(
            "{} lines of the outbox could not be read: their messages are lost",
            number(outbox.damaged())
        ));
    }
    let (pending, dead) = match only {
        Some(sink) => {
            let of_sink = outbox.counts(now()).remove(sink).unwrap_or_default();
            let count = |standing| of_sink.get(&standing).copied().unwrap_or(0);
            (count(Standing::Pending), count(Standing::Dead))
        }
        None => (pending, dead),
    };
    if pending == 0 && dead == 0 {
        return Ok(());
    }
    let given_up = if died > 0 { format!(" ({} of them just now)", number(died)) } else { String::new() };
    Err(Failure::Io(format!(
        "{} messages wait for another try and {} are given up{given_up}; `trailhound deliver list` says why, `trailhound deliver replay` sends them",
        number(pending),
        number(dead)
    )))
}

pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|e| Failure::Io(format!("no threads to send with: {e}")))
}

pub(crate) fn outside(config: &Config, runtime: &Runtime) -> Outside {
    let wanted = config.sinks.values().any(|sink| needs_credentials(&sink.form));
    let credentials = wanted.then(|| {
        // The chain of the AWS command line: environment, profiles, single sign-on, instance and task roles.
        let chain = aws_config::defaults(aws_config::BehaviorVersion::latest()).load();
        runtime.block_on(chain).credentials_provider()
    });
    let stdout: Arc<Mutex<dyn Write + Send>> = Arc::new(Mutex::new(io::stdout()));
    Outside { stdout, credentials: credentials.flatten() }
}

fn list(at: &DeliverAt, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let config = config(&at.config)?;
    let place = place(&config, &at.sending);
    let listed = match Folder::look(&place) {
        Ok(folder) => Outbox::look(Box::new(folder))?.list(now()),
        Err(Error::Outbox { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            words.note(&format!("{}: no outbox yet: nothing has been sent from there", place.display()));
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    let dashes = global.output == Output::Table;
    rows(&listed, dashes).map_err(|e| Failure::Io(e.to_string())).and_then(|batch| print(&batch, global))
}

fn print(batch: &RecordBatch, global: &Global) -> Result<Outcome, Failure> {
    render::rows([batch.clone()], &batch.schema(), global.output, &mut io::stdout(), &global.rows())?;
    Ok(Outcome::Done)
}

/// People see a dash where there is nothing; programs a null.
fn rows(listed: &[Listed], dashes: bool) -> Result<RecordBatch, ArrowError> {
    let dash = || dashes.then(|| "-".to_owned());
    let text = |value: &dyn Fn(&Listed) -> Option<String>| -> ArrayRef {
        Arc::new(listed.iter().map(|one| value(one).or_else(dash)).collect::<StringArray>())
    };
    let count = |value: &dyn Fn(&Listed) -> Option<u64>| -> ArrayRef {
        Arc::new(listed.iter().map(value).collect::<UInt64Array>())
    };
    let word = |value: serde_json::Value| value.as_str().map(str::to_owned);
    let alerts = match dashes {
        true => text(&|one| one.alerts.map(number)),
        false => count(&|one| one.alerts),
    };
    RecordBatch::try_from_iter_with_nullable([
        ("state", text(&|one| word(serde_json::json!(one.state))), true),
        ("sink", text(&|one| Some(one.sink.clone())), true),
        ("key", text(&|one| Some(one.key.clone())), true),
        ("kind", text(&|one| word(serde_json::json!(one.kind))), true),
        ("severity", text(&|one| one.severity.map(|severity| severity.to_string())), true),
        ("alerts", alerts, true),
        ("time", text(&|one| Some(one.time.clone())), true),
        ("next_try", text(&|one| one.next_try.clone()), true),
        ("attempts", count(&|one| Some(u64::from(one.attempts))), true),
        ("error", text(&|one| one.error.clone()), true),
    ])
}

fn test(config: &Config, global: &Global) -> Result<Outcome, Failure> {
    let runtime = runtime()?;
    // A test leaves nothing behind, so it has no outbox on disk.
    let folder = tempfile::tempdir().map_err(|e| Failure::Io(format!("no room for a test: {e}")))?;
    let outbox = Arc::new(Outbox::open(Box::new(Folder::open(folder.path())?), Limits::default())?);
    let courier = Courier::open(config, outbox, &outside(config, &runtime))?;
    let verdicts = runtime.block_on(courier.test());
    runtime.shutdown_background();
    let failed = verdicts.values().filter(|verdict| **verdict != Verdict::Sent).count();
    let batch = told(config, &verdicts).map_err(|e| Failure::Io(e.to_string()))?;
    print(&batch, global)?;
    match failed {
        0 => Ok(Outcome::Done),
        failed => Err(Failure::Io(format!("{failed} of {} sinks did not take the test", verdicts.len()))),
    }
}

fn told(config: &Config, verdicts: &BTreeMap<String, Verdict>) -> Result<RecordBatch, ArrowError> {
    let kind = |name: &String| config.sinks.get(name).map(|sink| sink.form.name());
    let result = |verdict: &Verdict| match verdict {
        Verdict::Sent => ("sent", None),
        Verdict::Later { why, .. } => ("failed", Some(why.clone())),
        Verdict::Never { why } => ("refused", Some(why.clone())),
    };
    RecordBatch::try_from_iter_with_nullable([
        ("sink", Arc::new(verdicts.keys().map(|name| Some(name.as_str())).collect::<StringArray>()) as ArrayRef, true),
        ("type", Arc::new(verdicts.keys().map(kind).collect::<StringArray>()), true),
        ("result", Arc::new(verdicts.values().map(|verdict| Some(result(verdict).0)).collect::<StringArray>()), true),
        ("error", Arc::new(verdicts.values().map(|verdict| result(verdict).1).collect::<StringArray>()), true),
    ])
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Config(_) | Error::Locked { .. } => Failure::Usage(error.to_string()),
            _ => Failure::Io(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::render::escape;

    /// Two rooms that know nothing of each other agree on what a reader cannot see.
    #[test]
    fn what_is_shown_here_is_shown_there() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let text = c.to_string();
            assert_eq!(escape::line(&text), ::deliver::visible::line(&text), "U+{:04X}", u32::from(c));
        }
    }
}
