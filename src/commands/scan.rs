//! `trailhound scan`: everything at a glance, from one pass over the logs or a lake.

use std::io::{self, Write};
use std::ops::ControlFlow;

use ::access::stale::{self, Credential, StaleCredential, TopPrincipal};
use ::access::usage::{LastUsed, Limits};
use ::alerts::{Alert, Outcome as Found};
use ingest::reject::Totals;
use lake::Proof;
use lake::schema::{DIGESTED, OBJECTS};
use serde_json::{Value, json};

use super::alerts::{self, time};
use crate::cli::{Global, Input, ScanArgs};
use crate::intake::Events;
use crate::outcome::{Failure, Outcome};
use crate::overview::Overview;
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use crate::render::{self, Output};
use crate::rulebook::Rulebook;

/// Principals and credentials that the overview shows.
const TOP: usize = 10;
/// Alerts that the overview shows; `trailhound alerts` shows all.
const ALERTS_SHOWN: usize = 10;
/// Reject lines that the overview shows.
const REJECTS_SHOWN: usize = 10;

/// What one pass over the logs gives.
pub(crate) struct Glance {
    pub(crate) totals: Totals,
    pub(crate) overview: Overview,
    pub(crate) found: Found,
    pub(crate) usage: LastUsed,
}

pub(crate) fn run(args: &ScanArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let events = Events::open(&args.input, &|_| false, global, words)?;
    let glance = glance(&events, words)?;
    let proof = proof(&args.input)?;
    let mut out = io::stdout();
    match global.output {
        Output::Json => render::settle(render::json::document(&to_json(&glance, proof.as_ref()), &mut out))?,
        Output::Jsonl => render::settle(render::json::document_line(&to_json(&glance, proof.as_ref()), &mut out))?,
        Output::Table => {
            render::settle(glance.report(&mut out, global.rows().terminal))?;
            if let Some(proof) = &proof {
                let mut report = Report::new(&mut out, global.rows().terminal);
                render::settle(report.heading("Proof").and_then(|()| report.prose(&crate::proof::words(proof))))?;
            }
        }
        Output::Csv | Output::Parquet | Output::Arrow => {
            let text = "an overview is not rows: use --output table or json, or `trailhound query` for rows";
            return Err(Failure::Usage(text.to_owned()));
        }
    }
    alerts::tell(&glance.found, words);
    Ok(events.tell(&glance.totals).max(alerts::judge(&glance.found.alerts, args.fail_on)))
}

/// How much of a lake is proven, where it is a lake and digests have spoken.
fn proof(input: &Input) -> Result<Option<Proof>, Failure> {
    let tables = |name: &str| matches!(name, OBJECTS | DIGESTED);
    let lake = crate::existing::open(input, &tables)?;
    lake.as_ref().map_or(Ok(None), crate::proof::of)
}

fn to_json(glance: &Glance, proof: Option<&Proof>) -> Value {
    let mut value = glance.to_json();
    if let Some(proof) = proof {
        value["proof"] = json!(proof);
    }
    value
}

/// Reads the logs once and folds everything that the overview needs.
///
/// # Errors
/// Only what stops everything.
pub(crate) fn glance(events: &Events, words: Words) -> Result<Glance, Failure> {
    let (mut engine, _) = Rulebook::read(&[], &[], true, words)?.engine(words);
    let mut usage = LastUsed::new(Limits::default());
    let mut overview = Overview::default();
    let totals = events.read(None, &mut |batch| {
        overview.observe(&batch);
        usage.observe(&batch);
        engine.observe(&batch);
        ControlFlow::Continue(())
    })?;
    Ok(Glance { totals, overview, found: engine.finish(), usage })
}

impl Glance {
    fn now(&self) -> i64 {
        self.overview.last.unwrap_or_default()
    }

    /// The contract of `scan --output json`: `docs/contract.md`.
    pub(crate) fn to_json(&self) -> Value {
        let Glance { totals, overview, found, usage } = self;
        let instant = |micros: Option<i64>| micros.map(access::instant::format);
        let keys = |counts: &std::collections::BTreeMap<String, u64>| counts.keys().cloned().collect::<Vec<_>>();
        json!({
            "objects": totals.objects,
            "records_in": totals.records_in,
            "rows": totals.rows,
            "duplicates": totals.duplicates,
            "rejected": totals.rejected,
            "bytes_read": totals.bytes_read,
            "bytes_inflated": totals.bytes_inflated,
            "first_event": instant(overview.first),
            "last_event": instant(overview.last),
            "accounts": keys(&overview.accounts),
            "regions": keys(&overview.regions),
            "categories": overview.categories,
            "outcomes": overview.outcomes,
            "rejects": totals.rejects,
            "rejected_by_reason": totals.rejected_by_reason,
            "skipped": totals.skipped,
            "alerts": found.alerts,
            "alert_counters": found.counters,
            "top_principals": stale::top_principals(usage, TOP).iter().map(top_json).collect::<Vec<_>>(),
            "stalest_credentials": stale::stalest_credentials(usage, self.now(), TOP)
                .iter().map(stale_json).collect::<Vec<_>>(),
        })
    }

    /// The overview for people.
    pub(crate) fn report(&self, out: &mut dyn Write, terminal: Terminal) -> io::Result<()> {
        let Glance { totals, overview, found, usage } = self;
        let mut report = Report::new(out, terminal);
        report.title(&format!(
            "{} events from {} files, {} to {}",
            number(totals.rows),
            number(totals.objects),
            time(overview.first),
            time(overview.last)
        ))?;
        report.heading("Events")?;
        let total = format!(
            "{} in = {} rows + {} duplicates + {} rejected",
            number(totals.records_in),
            number(totals.rows),
            number(totals.duplicates),
            number(totals.rejected)
        );
        report.facts(&[
            ("records", total),
            ("accounts", listed(&overview.accounts)),
            ("regions", listed(&overview.regions)),
            ("kinds", listed(&overview.categories)),
            ("outcomes", listed(&overview.outcomes)),
        ])?;
        self.report_rejects(&mut report)?;
        report.heading("Alerts")?;
        report.facts(&[("by severity", by_severity(&found.alerts))])?;
        for alert in found.alerts.iter().take(ALERTS_SHOWN) {
            let about = format!("{}: {} at {}", alert.title, alert.principal, time(alert.time));
            report.finding(alert.severity.as_str(), &about)?;
        }
        report.heading("Busiest principals")?;
        let top = stale::top_principals(usage, TOP);
        let rows: Vec<_> = top
            .iter()
            .map(|p| vec![p.principal.clone(), number(p.events), number(p.denied), time(Some(p.last))])
            .collect();
        report.table(&["principal", "events", "denied", "last"], &rows)?;
        let stalest = stale::stalest_credentials(usage, self.now(), TOP);
        if !stalest.is_empty() {
            report.heading("Longest unused credentials, of those seen")?;
            let rows: Vec<_> = stalest
                .iter()
                .map(|c| vec![credential(c), c.principal.clone(), time(Some(c.last_used)), c.age_days.to_string()])
                .collect();
            report.table(&["credential", "principal", "last used", "days ago"], &rows)?;
        }
        Ok(())
    }

    fn report_rejects(&self, report: &mut Report<'_>) -> io::Result<()> {
        let totals = &self.totals;
        if totals.rejected == 0 && totals.skipped.is_empty() {
            return Ok(());
        }
        report.heading("Not read")?;
        let mut rows: Vec<_> = totals
            .rejected_by_reason
            .iter()
            .map(|(reason, count)| {
                let example = totals.rejects.iter().find(|reject| reject.reason == *reason);
                let example = example.map_or_else(String::new, |reject| reject.object.clone());
                vec![reason.to_string(), number(*count), example]
            })
            .collect();
        rows.truncate(REJECTS_SHOWN);
        if !totals.skipped.is_empty() {
            let first = totals.skipped[0].object.clone();
            rows.push(vec!["other kinds (no events in them)".into(), number(totals.skipped.len() as u64), first]);
        }
        report.table(&["reason", "count", "for example"], &rows)
    }
}

fn listed(counts: &std::collections::BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let mut most: Vec<_> = counts.iter().collect();
    most.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
    let more = most.len().saturating_sub(TOP);
    let named: Vec<_> = most.iter().take(TOP).map(|(name, count)| format!("{name} ({})", number(**count))).collect();
    let named = named.join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

fn by_severity(alerts: &[Alert]) -> String {
    let counts = ::alerts::Severity::ALL.iter().rev().map(|severity| {
        let count = alerts.iter().filter(|alert| alert.severity == *severity).count();
        format!("{count} {severity}")
    });
    counts.collect::<Vec<_>>().join(", ")
}

fn credential(stale: &StaleCredential) -> String {
    match &stale.credential {
        Credential::AccessKey(id) => id.clone(),
        Credential::Password => "console password".to_owned(),
    }
}

fn top_json(top: &TopPrincipal) -> Value {
    json!({
        "principal": top.principal,
        "type": top.kind.as_str(),
        "account": top.account,
        "events": top.events,
        "denied": top.denied,
        "last": time(Some(top.last)),
    })
}

fn stale_json(stale: &StaleCredential) -> Value {
    json!({
        "credential": credential(stale),
        "principal": stale.principal,
        "last_used": time(Some(stale.last_used)),
        "age_days": stale.age_days,
    })
}
