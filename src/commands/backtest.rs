//! `trailhound alerts --backtest`: what rules would have told over a folder or a lake, and what suppressions save.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use ::alerts::{Alert, Suppression, suppress};
use arrow::array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use chrono::{DateTime, Utc};
use ingest::batch;
use serde_json::{Value, json};

use crate::cli::Global;
use crate::outcome::Failure;
use crate::render::report::{Report, number};
use crate::render::words::Words;
use crate::render::{self, Output};

/// Principals that are named of each rule.
const NOISIEST: usize = 5;
const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// The days on which something happened.
#[derive(Debug, Default)]
pub(crate) struct Days(BTreeSet<i64>);

impl Days {
    pub(crate) fn observe(&mut self, events: &RecordBatch) {
        let Some(times) = batch::timestamp(events, "eventtime") else { return };
        let mut last = None;
        for row in 0..times.len() {
            let day = times.is_valid(row).then(|| times.value(row).div_euclid(DAY_MICROS));
            if day != last {
                self.0.extend(day);
                last = day;
            }
        }
    }

    /// At least one, to divide by.
    fn count(&self) -> usize {
        self.0.len().max(1)
    }
}

/// Alerts that are known.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    suppressions: Vec<Suppression>,
    now: DateTime<Utc>,
}

impl Known {
    /// Reads files of suppressions.
    ///
    /// # Errors
    /// A file that cannot be read, or a suppression that cannot be used: what it would hide must not be guessed.
    pub(crate) fn open(files: &[PathBuf], now: DateTime<Utc>, words: Words) -> Result<Known, Failure> {
        let mut known = Known { suppressions: Vec::new(), now };
        let mut faults = 0;
        for file in files {
            let name = file.display().to_string();
            let text = ::alerts::file::text(file, suppress::MAX_FILE_BYTES);
            let text = text.map_err(|reason| Failure::Io(format!("{name}: {reason}")))?;
            let (found, errors) = suppress::parse(&name, &text);
            known.suppressions.extend(found);
            faults += errors.len();
            errors.iter().for_each(|error| words.error(&error.to_string()));
        }
        if faults > 0 {
            return Err(Failure::Usage(format!("{faults} suppressions cannot be used: mend them, or leave them out")));
        }
        for old in known.suppressions.iter().filter(|s| s.until <= now) {
            words.warning(&format!("a suppression has ended: {} ({})", old.about, old.reason));
        }
        Ok(known)
    }

    /// Says which suppressions name rules that are not run: a misspelt one hides nothing.
    pub(crate) fn check(&self, rules: &[::alerts::About], words: Words) {
        for suppression in &self.suppressions {
            for name in suppression.unknown_rules(rules) {
                let next = "give the id, name or title of a rule that is loaded";
                words.warning(&format!("a suppression is for `{name}`, and no rule is called so: {next}"));
            }
        }
    }

    /// Takes known alerts out, and says how many.
    pub(crate) fn leave(&self, alerts: &mut Vec<Alert>) -> u64 {
        let before = alerts.len();
        alerts.retain(|alert| self.by(alert).is_none());
        (before - alerts.len()) as u64
    }

    /// Whether an alert is known at this time.
    pub(crate) fn covers(&self, alert: &Alert, at: DateTime<Utc>) -> bool {
        self.suppressions.iter().any(|suppression| suppression.holds(alert, at))
    }

    /// The first suppression that an alert falls under.
    fn by(&self, alert: &Alert) -> Option<usize> {
        self.suppressions.iter().position(|suppression| suppression.holds(alert, self.now))
    }
}

/// What one rule told.
#[derive(Debug, Default)]
struct Told<'a> {
    title: &'a str,
    severity: &'a str,
    alerts: u64,
    events: u64,
    suppressed: u64,
    principals: BTreeMap<&'a str, u64>,
}

impl Told<'_> {
    /// The principals with the most alerts; ties in order of name.
    fn noisiest(&self) -> Vec<(&str, u64)> {
        let mut all: Vec<_> = self.principals.iter().map(|(who, alerts)| (*who, *alerts)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        all.truncate(NOISIEST);
        all
    }
}

/// Writes what rules told, noisiest first.
pub(crate) fn print(alerts: &[Alert], known: &Known, days: &Days, global: &Global) -> Result<(), Failure> {
    let mut rules: BTreeMap<&str, Told<'_>> = BTreeMap::new();
    let mut saved = vec![0u64; known.suppressions.len()];
    for alert in alerts {
        let told = rules.entry(&alert.rule).or_default();
        (told.title, told.severity) = (&alert.title, alert.severity.as_str());
        if let Some(at) = known.by(alert) {
            saved[at] += 1;
            told.suppressed += 1;
            continue;
        }
        told.alerts += 1;
        told.events += alert.count;
        *told.principals.entry(&alert.principal).or_default() += 1;
    }
    let mut rules: Vec<_> = rules.into_iter().collect();
    rules.sort_by(|a, b| b.1.alerts.cmp(&a.1.alerts).then(a.0.cmp(b.0)));
    let mut out = io::stdout();
    match global.output {
        Output::Json => render::settle(render::json::document(&whole(&rules, known, &saved, days), &mut out))?,
        Output::Jsonl => {
            for (rule, told) in &rules {
                render::settle(render::json::document_line(&one(rule, told, days), &mut out))?;
            }
        }
        Output::Table => render::settle(report(&rules, known, &saved, days, &mut out, global))?,
        Output::Csv | Output::Parquet | Output::Arrow => {
            let batch = rows(&rules, days).map_err(|e| Failure::Io(e.to_string()))?;
            render::rows([batch.clone()], &batch.schema(), global.output, &mut out, &global.rows())?;
        }
    }
    Ok(())
}

fn per_day(alerts: u64, days: &Days) -> f64 {
    (alerts as f64 / days.count() as f64 * 1000.0).round() / 1000.0
}

fn one(rule: &str, told: &Told<'_>, days: &Days) -> Value {
    let principals: Vec<Value> =
        told.noisiest().into_iter().map(|(who, alerts)| json!({"principal": who, "alerts": alerts})).collect();
    json!({
        "rule": rule, "title": told.title, "severity": told.severity, "alerts": told.alerts, "events": told.events,
        "per_day": per_day(told.alerts, days), "suppressed": told.suppressed, "principals": principals,
    })
}

fn whole(rules: &[(&str, Told<'_>)], known: &Known, saved: &[u64], days: &Days) -> Value {
    let suppressions: Vec<Value> = known
        .suppressions
        .iter()
        .zip(saved)
        .map(|(s, alerts)| {
            let until = access::instant::format(s.until.timestamp_micros());
            json!({"about": s.about, "reason": s.reason, "until": until, "ended": s.until <= known.now, "alerts": alerts})
        })
        .collect();
    let alerts: u64 = rules.iter().map(|(_, told)| told.alerts).sum();
    json!({
        "days": days.0.len(), "alerts": alerts, "per_day": per_day(alerts, days),
        "rules": rules.iter().map(|(rule, told)| one(rule, told, days)).collect::<Vec<_>>(),
        "suppressions": suppressions,
    })
}

fn report(
    rules: &[(&str, Told<'_>)],
    known: &Known,
    saved: &[u64],
    days: &Days,
    out: &mut dyn Write,
    global: &Global,
) -> io::Result<()> {
    let mut report = Report::new(out, global.rows().terminal);
    let alerts: u64 = rules.iter().map(|(_, told)| told.alerts).sum();
    report.title("Backtest")?;
    report.facts(&[
        ("days with events", number(days.0.len() as u64)),
        ("alerts", format!("{}, {} a day over all accounts", number(alerts), per_day(alerts, days))),
    ])?;
    report.heading("Rules, noisiest first")?;
    let table: Vec<Vec<String>> = rules
        .iter()
        .map(|(rule, told)| {
            let who = told.noisiest().first().map_or_else(String::new, |(who, n)| format!("{who} ({})", number(*n)));
            let numbers = [number(told.alerts), per_day(told.alerts, days).to_string(), number(told.suppressed)];
            let [alerts, per_day, suppressed] = numbers;
            vec![told.severity.to_owned(), (*rule).to_owned(), alerts, per_day, suppressed, who]
        })
        .collect();
    report.table(&["severity", "rule", "alerts", "a day", "suppressed", "noisiest principal"], &table)?;
    if !known.suppressions.is_empty() {
        report.heading("Suppressions")?;
        let table: Vec<Vec<String>> = known
            .suppressions
            .iter()
            .zip(saved)
            .map(|(s, alerts)| {
                let until = if s.until <= known.now { "ended".to_owned() } else { s.until.format("%F").to_string() };
                vec![number(*alerts), until, s.about.clone(), s.reason.clone()]
            })
            .collect();
        report.table(&["saves", "until", "about", "reason"], &table)?;
    }
    Ok(())
}

fn rows(rules: &[(&str, Told<'_>)], days: &Days) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text = |value: &dyn Fn(&(&str, Told<'_>)) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rules.iter().map(value)))
    };
    let count = |value: fn(&Told<'_>) -> u64| -> ArrayRef {
        Arc::new(rules.iter().map(|(_, told)| value(told)).collect::<UInt64Array>())
    };
    let per_day: Float64Array = rules.iter().map(|(_, told)| per_day(told.alerts, days)).collect();
    let noisiest = |told: &Told<'_>| told.noisiest().first().map_or_else(String::new, |(who, _)| (*who).to_owned());
    // Not guessed from the values of the first batch: the second may have what that has not.
    RecordBatch::try_from_iter_with_nullable([
        ("severity", text(&|(_, told)| told.severity.to_owned()), false),
        ("rule", text(&|(rule, _)| (*rule).to_owned()), false),
        ("title", text(&|(_, told)| told.title.to_owned()), false),
        ("alerts", count(|told| told.alerts), false),
        ("events", count(|told| told.events), false),
        ("per_day", Arc::new(per_day) as ArrayRef, true),
        ("suppressed", count(|told| told.suppressed), false),
        ("noisiest_principal", text(&|(_, told)| noisiest(told)), false),
    ])
}
