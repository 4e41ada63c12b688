//! `trailhound alerts`: the rules over the logs, and how an alert looks.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use ::alerts::{Alert, Engine, Outcome as Found};
use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use chrono::Utc;
use lake::schema::{COVERAGE, EVENTS, LAST_USED};

use super::backtest::{self, Days, Known};
use super::deliver;
use crate::cli::{AlertsArgs, Global, Severity};
use crate::intake::Events;
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use crate::render::{self, Output, json};
use crate::rulebook::Rulebook;

/// Addresses, calls and the like that one line of an alert names; the rest is counted.
const NAMED: usize = 4;

pub(crate) fn run(args: &AlertsArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let book = Rulebook::open(&args.rules, words)?;
    deliver::check(&args.delivery, &book)?;
    let known = Known::open(&args.suppress, Utc::now(), words)?;
    let (mut engine, rules) = book.engine(words);
    known.check(engine.rules(), words);
    let events = Events::open(&args.input, &|table| [LAST_USED, COVERAGE].contains(&table), global, words)?;
    prime(&mut engine, &events)?;
    let mut days = Days::default();
    let totals = events.read(None, &mut |batch| {
        engine.observe(&batch);
        if args.backtest {
            days.observe(&batch);
        }
        ControlFlow::Continue(())
    })?;
    let mut found = engine.finish();
    if let Some(least) = args.severity {
        found.alerts.retain(|alert| severity(alert) >= least);
    }
    let read = events.tell(&totals).max(rules);
    if args.backtest {
        backtest::print(&found.alerts, &known, &days, global)?;
        tell(&found, words);
        return Ok(read);
    }
    let suppressed = known.leave(&mut found.alerts);
    print(&found.alerts, args.severity.is_none(), global, words)?;
    tell(&found, words);
    if suppressed > 0 {
        let count = number(suppressed);
        words.note(&format!("{count} alerts are suppressed: --backtest shows by what, and for which reason"));
    }
    deliver::send(&args.delivery, &found.alerts, words)?;
    Ok(read.max(judge(&found.alerts, args.fail_on)))
}

/// Lets rules with memory know what the lake remembers of the time before its first event: events may have expired.
fn prime(engine: &mut Engine, events: &Events) -> Result<(), Failure> {
    let Events::Lake(lake, _) = events else { return Ok(()) };
    let files = lake.files(EVENTS)?;
    let Some(first) = files.iter().filter_map(|file| file.times).map(|(first, _)| first).min() else { return Ok(()) };
    lake.parts(LAST_USED, &mut |rows| engine.prime(&rows, first))?;
    lake.parts(COVERAGE, &mut |rows| engine.cover(&rows))?;
    Ok(())
}

/// Whether there is a finding that `--fail-on` asks about.
pub(crate) fn judge(alerts: &[Alert], fail_on: Option<Severity>) -> Outcome {
    let found = fail_on.is_some_and(|least| alerts.iter().any(|alert| severity(alert) >= least));
    if found { Outcome::Findings } else { Outcome::Done }
}

fn severity(alert: &Alert) -> Severity {
    match alert.severity {
        ::alerts::Severity::Informational => Severity::Informational,
        ::alerts::Severity::Low => Severity::Low,
        ::alerts::Severity::Medium => Severity::Medium,
        ::alerts::Severity::High => Severity::High,
        ::alerts::Severity::Critical => Severity::Critical,
    }
}

/// Says what the engine had no room for: nothing is left out in silence.
pub(crate) fn tell(found: &Found, words: Words) {
    let counters = &found.counters;
    for (count, what) in [
        (counters.shed_matches, "matches are in no alert, because there were too many"),
        (counters.shed_remembered, "uses did not fit into a rule's memory"),
    ] {
        if count > 0 {
            words.warning(&format!("{} {what}", number(count)));
        }
    }
    for loss in &found.losses {
        let lost = number(loss.shed + loss.late);
        words.warning(&format!("{lost} events did not fit into the windows of the correlation {}", loss.rule));
    }
    if counters.log_gaps > 0 {
        let count = number(counters.log_gaps);
        words.note(&format!("{count} rests are not reported: the account's own log was silent for much of them"));
    }
    if counters.short_history > 0 {
        let count = number(counters.short_history);
        words.note(&format!("{count} first uses are not reported: the logs do not go back far enough before them"));
    }
}

/// Writes the alerts. `quietly` only counts informational ones for people, who want to hear of nothing else.
fn print(alerts: &[Alert], quietly: bool, global: &Global, words: Words) -> Result<(), Failure> {
    let mut out = io::stdout();
    match global.output {
        Output::Table => {
            let options = global.rows();
            let informational = |alert: &Alert| quietly && severity(alert) == Severity::Informational;
            let (told, counted): (Vec<_>, Vec<_>) = alerts.iter().cloned().partition(|alert| !informational(alert));
            let alerts = told.as_slice();
            let shown = options
                .rows_max
                .map_or(alerts.len(), |max| alerts.len().min(usize::try_from(max).unwrap_or(usize::MAX)));
            let (some, rest) = alerts.split_at(shown);
            render::settle(report(some, &mut out, options.terminal))?;
            if !rest.is_empty() {
                words.note(&format!("{} more alerts: --max-rows 0 shows all", number(rest.len() as u64)));
            }
            if !counted.is_empty() {
                let count = number(counted.len() as u64);
                words.note(&format!("{count} informational: --severity informational shows them"));
            }
        }
        Output::Json => render::settle(json::document(&alerts, &mut out))?,
        Output::Jsonl => {
            for alert in alerts {
                render::settle(json::document_line(alert, &mut out))?;
            }
        }
        Output::Csv | Output::Parquet | Output::Arrow => {
            let batch = rows(alerts).map_err(|e| Failure::Io(e.to_string()))?;
            render::rows([batch.clone()], &batch.schema(), global.output, &mut out, &global.rows())?;
        }
    }
    Ok(())
}

/// Alerts for people: worst first; information in one line, everything else with what to do.
pub(crate) fn report(alerts: &[Alert], out: &mut dyn Write, terminal: Terminal) -> io::Result<()> {
    let mut report = Report::new(out, terminal);
    if alerts.is_empty() {
        return report.prose("No alerts.");
    }
    for alert in alerts {
        let times = if alert.count == 1 { String::new() } else { format!(" ({}×)", number(alert.count)) };
        report.finding(alert.severity.as_str(), &format!("{}{times}", alert.title))?;
        report.detail("who", &who(alert))?;
        report.detail("what", &some(&alert.what))?;
        report.detail("from", &format!("{} with {}", some(&alert.source_addresses), some(&alert.user_agents)))?;
        report.detail("when", &when(alert))?;
        if let Some(detail) = &alert.detail {
            report.detail("found", detail)?;
        }
        if alert.severity > ::alerts::Severity::Informational {
            report.detail("why", &alert.why)?;
            for (number, step) in alert.next.iter().enumerate() {
                report.detail(if number == 0 { "next" } else { "" }, &format!("{}. {step}", number + 1))?;
            }
        }
        report.detail("rule", &rule(alert))?;
    }
    Ok(())
}

fn who(alert: &Alert) -> String {
    let principal = if alert.principal.is_empty() { "nobody named" } else { &alert.principal };
    let actor = if alert.actor.is_empty() || principal.ends_with(&alert.actor) {
        String::new()
    } else {
        format!(", {} behind it", alert.actor)
    };
    format!("{principal}{actor} in account {}", if alert.account.is_empty() { "unknown" } else { &alert.account })
}

fn when(alert: &Alert) -> String {
    let regions = some(&alert.regions);
    match (time(alert.time), time(alert.last_time)) {
        (first, last) if first == last => format!("{first} in {regions}"),
        (first, last) => format!("{first} to {last} in {regions}"),
    }
}

/// Rule, and its author where it is not ours: the Detection Rule License asks for that.
fn rule(alert: &Alert) -> String {
    let author = alert.author.as_ref().filter(|author| !author.contains("trailhound"));
    author.map_or_else(|| alert.rule.clone(), |author| format!("{} by {author}", alert.rule))
}

pub(crate) fn time(micros: Option<i64>) -> String {
    micros.map_or_else(|| "unknown".to_owned(), access::instant::format)
}

fn some(values: &[String]) -> String {
    let more = values.len().saturating_sub(NAMED);
    let named = values.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match (named.is_empty(), more) {
        (true, _) => "unknown".to_owned(),
        (false, 0) => named,
        (false, more) => format!("{named} and {more} more"),
    }
}

/// Alerts as rows, lists joined with `; `.
fn rows(alerts: &[Alert]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text =
        |value: fn(&Alert) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(alerts.iter().map(value))) };
    let times = |value: fn(&Alert) -> Option<i64>| -> ArrayRef {
        Arc::new(alerts.iter().map(value).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    // Not guessed from the values of the first batch: the second may have what that has not.
    RecordBatch::try_from_iter_with_nullable([
        ("severity", text(|a| a.severity.to_string()), false),
        ("rule", text(|a| a.rule.clone()), false),
        ("title", text(|a| a.title.clone()), false),
        ("time", times(|a| a.time), true),
        ("last_time", times(|a| a.last_time), true),
        ("count", Arc::new(alerts.iter().map(|a| a.count).collect::<UInt64Array>()) as ArrayRef, false),
        ("principal", text(|a| a.principal.clone()), false),
        ("actor", text(|a| a.actor.clone()), false),
        ("account", text(|a| a.account.clone()), false),
        ("region", text(|a| a.region.clone()), false),
        ("source_addresses", text(|a| a.source_addresses.join("; ")), false),
        ("user_agents", text(|a| a.user_agents.join("; ")), false),
        ("what", text(|a| a.what.join("; ")), false),
        ("event_ids", text(|a| a.event_ids.join("; ")), false),
        ("detail", text(|a| a.detail.clone().unwrap_or_default()), false),
        ("why", text(|a| a.why.clone()), false),
        ("next", text(|a| a.next.join("; ")), false),
        ("author", text(|a| a.author.clone().unwrap_or_default()), false),
        ("fingerprint", text(|a| a.fingerprint.clone()), false),
    ])
}
