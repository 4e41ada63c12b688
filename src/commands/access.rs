//! `trailhound access`: who used what and when; with grants, what nobody used and what cannot be known.

mod changes;
mod found;
mod html;
mod people;
mod resources;
mod rows;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::ops::ControlFlow;

use ::access::advisor;
use ::access::audit::{self, Audit};
use ::access::calls;
use ::access::compare::{self, Changes};
use ::access::findings::{Finding, exclude};
use ::access::folded::{Folded, Memory};
use ::access::inventory::Inventory;
use ::access::unused::{Options, PrincipalReport, Report as Unused, Why};
use ::access::usage::LastUsed;
use ::access::within::Within;
use chrono::Utc;
use ingest::reject::Totals;
use lake::Lake;
use lake::schema::{ACTIVITY, COVERAGE, LAST_USED};

use super::alerts::time;
use crate::cli::{AccessArgs, AccessFormat, By, Global, Severity};
use crate::folded;
use crate::grants;
use crate::intake::Events;
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use crate::render::{self, Output, RowWriter};

/// Lines of one section that are shown to people; `--output json` has all.
const SHOWN: usize = 25;
/// Services that one line names.
const NAMED: usize = 6;

pub(crate) fn run(args: &AccessArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let days = u32::try_from(args.window.num_days()).ok().filter(|days| *days > 0);
    let days = days.ok_or_else(|| Failure::Usage("--window: give at least one day, such as 90d".to_owned()))?;
    let events = Events::open(&args.input, &|table| matches!(table, LAST_USED | ACTIVITY | COVERAGE), global, words)?;
    match args.by {
        By::Person => return people::run(args, &events, days, global, words),
        By::Resource => return resources::run(args, &events, days, global, words),
        By::Principal if args.principal.is_some() => {
            return Err(Failure::Usage("--principal narrows --by resource: give that too".to_owned()));
        }
        By::Principal => {}
    }
    let inventories = grants::inventories(&args.granted, Some(&events))?;
    let exclusions = exclusions(args)?;
    if args.resources && inventories.is_empty() {
        return Err(Failure::Usage("--resources looks at statements: give their --grants too".to_owned()));
    }
    let mut within = (args.resources && !inventories.is_empty()).then(|| Within::new(&inventories));
    let (folded, totals) = fold(&events, within.as_mut(), words)?;
    let Folded { usage, signins, places, .. } = folded;
    let given = args.now.map(|now| now.timestamp_micros());
    let now = given.unwrap_or_else(|| end(&usage, " (--now sets another end)", words));
    let options = Options { window_days: days, ..Options::new(now) };
    let mut audit = audit::audit(&usage, &signins, &places, &inventories, &exclusions, &options);
    if let Some(within) = &within {
        audit.look_within(&inventories, within);
    }
    let changes = changes(args, &audit)?;
    print(args, &audit, changes.as_ref(), global)?;
    if let Some(path) = &args.html {
        html::write(&audit, changes.as_ref(), path)?;
        words.note(&format!("report: {}", path.display()));
    }
    for warning in &audit.report.warnings {
        words.warning(warning);
    }
    if let Some(text) = without_events(&audit) {
        words.warning(&text);
    }
    if inventories.is_empty() {
        words.note("without --grants this shows use only; `trailhound inventory` asks AWS for them");
    }
    tell_idle(args, &audit, &exclusions, &inventories, words);
    // What could not be read of the grants, or is not there, is rejected input, like a record.
    let lacks = audit.report.principals.iter().any(|principal| !principal.missing_policies.is_empty());
    let unread = lacks || inventories.iter().any(|inventory| !inventory.warnings.is_empty());
    let told = events.tell(&totals).max(if unread { Outcome::Rejected } else { Outcome::Done });
    let listed = audit.findings.iter().chain(&audit.observations);
    let bad = |limit: Severity| listed.clone().any(|finding| severity(finding) >= limit);
    Ok(told.max(if args.fail_on.is_some_and(bad) { Outcome::Findings } else { Outcome::Done }))
}

/// The end of the window where none is given. Against the clock every principal of an old log would look unused, so the newest
/// event is "now": the newest that can have happened.
pub(crate) fn end(usage: &LastUsed, otherwise: &str, words: Words) -> i64 {
    let newest = usage.coverage().last().unwrap_or_default();
    let now = usage.coverage().last_by(Utc::now().timestamp_micros()).unwrap_or_default();
    if newest > now {
        words.warning(&format!(
            "there are events dated in the future: the window ends with the newest that is not{otherwise}"
        ));
    }
    now
}

/// A flag that only the report by principal knows, if one is given.
fn for_principals(args: &AccessArgs) -> Option<&'static str> {
    let given = [
        (args.compare.is_some(), "--compare"),
        (args.format.is_some(), "--format"),
        (args.html.is_some(), "--html"),
        (args.resources, "--resources"),
        (args.fail_on.is_some(), "--fail-on"),
        (args.exclude.is_some(), "--exclude"),
    ];
    given.into_iter().find(|(given, _)| *given).map(|(_, flag)| flag)
}

/// Entries of `--exclude` that accepted nothing.
fn tell_idle(args: &AccessArgs, audit: &Audit, list: &[exclude::Exclusion], held: &[Inventory], words: Words) {
    let Some(path) = &args.exclude else { return };
    let idle = exclude::idle(&audit.excluded, list, held);
    if let Some(first) = idle.first() {
        let more = if idle.len() > 1 { format!(" and {} more", idle.len() - 1) } else { String::new() };
        let next = "look whether it is misspelt, or take it out";
        words.note(&format!("{}: entry [{first}]{more} accepts no finding: {next}", path.display()));
    }
}

/// What the report cannot speak of, because no logs of it were given.
fn without_events(audit: &Audit) -> Option<String> {
    let report = &audit.report;
    if report.events == 0 {
        return Some("no events were read, so nothing is known of use: check the path, or give more logs".to_owned());
    }
    let logged: BTreeSet<&str> = report.coverage.accounts.iter().map(|account| account.account.as_str()).collect();
    let held = report.principals.iter().filter(|principal| principal.in_inventory == Some(true));
    let held: BTreeSet<&str> = held.filter_map(|principal| principal.account.as_deref()).collect();
    let lacking: Vec<&str> = held.difference(&logged).copied().collect();
    let (first, more) = (lacking.first()?, lacking.len() - 1);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let next = "give logs of it, or the grants of the account that the logs are of";
    Some(format!(
        "account {first}{more}: granted, but no event of it is in the logs, so they call nothing unused; {next}"
    ))
}

/// What changed since an earlier report, if one is given.
fn changes(args: &AccessArgs, audit: &Audit) -> Result<Option<Changes>, Failure> {
    let Some(path) = &args.compare else { return Ok(None) };
    let earlier = grants::read(path)?;
    compare::compare(&earlier, &path.display().to_string(), audit).map(Some).map_err(Failure::Usage)
}

/// Everything that the report needs of events. A lake remembers it, whatever the length of its history; only one that does
/// not remember all of it is read from end to end.
fn fold(events: &Events, mut within: Option<&mut Within>, words: Words) -> Result<(Folded, Totals), Failure> {
    if let Events::Lake(lake, _) = events {
        match folded::remembered(lake)? {
            (folded, Memory::Whole) => {
                // What resources calls were on it does not remember.
                if let Some(within) = within {
                    events.read(Some(calls::COLUMNS), &mut |batch| {
                        within.observe(&batch);
                        ControlFlow::Continue(())
                    })?;
                }
                return Ok((folded, Totals::default()));
            }
            (_, Memory::Full) => {
                words.note("the lake has more principals, keys and sign-ins than are kept, so all events are read")
            }
            (_, Memory::Stale) => words.warning(&stale(lake)?),
        }
    }
    let mut folded = Folded::new();
    let mut columns = folded::COLUMNS.to_vec();
    if within.is_some() {
        columns.extend(calls::COLUMNS.iter().filter(|column| !folded::COLUMNS.contains(column)));
    }
    let totals = events.read(Some(&columns), &mut |batch| {
        folded.observe(&batch);
        if let Some(within) = &mut within {
            within.observe(&batch);
        }
        ControlFlow::Continue(())
    })?;
    Ok((folded, totals))
}

/// Why a lake's events are read, and how that can be helped.
fn stale(lake: &Lake) -> Result<String, Failure> {
    let why = "the lake does not remember all of its events by this version's rules, so all of them are read";
    Ok(match lake.has_lost_events()? {
        true => format!("{why}; those that are gone from it (`lake expire`, `lake repair`) are not counted"),
        false => format!("{why}: `trailhound lake compact --lake {}` makes it remember", lake.location().name()),
    })
}

fn severity(finding: &Finding) -> Severity {
    match finding.severity {
        "critical" => Severity::Critical,
        "high" => Severity::High,
        "medium" => Severity::Medium,
        "low" => Severity::Low,
        _ => Severity::Informational,
    }
}

fn exclusions(args: &AccessArgs) -> Result<Vec<exclude::Exclusion>, Failure> {
    let Some(path) = &args.exclude else { return Ok(Vec::new()) };
    exclude::parse(&grants::read(path)?, &path.display().to_string()).map_err(Failure::Usage)
}

/// The report as JSON: with what changed, where that was asked for.
#[derive(serde::Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    audit: &'a Audit,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<&'a Changes>,
}

fn print(args: &AccessArgs, audit: &Audit, changes: Option<&Changes>, global: &Global) -> Result<(), Failure> {
    if args.format == Some(AccessFormat::ServiceLastAccessed) {
        return service_last_accessed(audit, global);
    }
    let mut out = io::stdout();
    let report = &audit.report;
    match global.output {
        Output::Table => {
            let terminal = global.rows().terminal;
            let told = tell(report, &mut out, terminal).and_then(|()| found::tell(audit, &mut out, terminal));
            let told = told.and_then(|()| match changes {
                Some(changes) => changes::tell(changes, &mut Report::new(&mut out, terminal)),
                None => Ok(()),
            });
            render::settle(told)?;
        }
        Output::Json => render::settle(render::json::document(&Document { audit, changes }, &mut out))?,
        Output::Jsonl => {
            for principal in &report.principals {
                render::settle(render::json::document_line(principal, &mut out))?;
            }
        }
        Output::Csv | Output::Parquet | Output::Arrow => {
            let failed = |e: arrow::error::ArrowError| Failure::Io(e.to_string());
            let mut batches = rows::rows(report).peekable();
            let schema = match batches.peek() {
                Some(Ok(first)) => first.schema(),
                _ => return Ok(()),
            };
            let mut writer = RowWriter::new(global.output, &schema, &mut out, &global.rows())?;
            for batch in batches {
                if writer.write(&batch.map_err(failed)?)?.is_break() {
                    break;
                }
            }
            writer.finish()?;
        }
    }
    Ok(())
}

/// The shape of IAM's own record: a list, or a line for each user and role.
fn service_last_accessed(audit: &Audit, global: &Global) -> Result<(), Failure> {
    let report = &audit.report;
    let all = report.principals.iter().filter_map(|principal| advisor::details(report, principal));
    let mut out = io::BufWriter::new(io::stdout());
    let written = match global.output {
        Output::Jsonl => all.into_iter().try_for_each(|one| render::json::document_line(&one, &mut out)),
        Output::Json | Output::Table => render::json::document(&all.collect::<Vec<_>>(), &mut out),
        Output::Csv | Output::Parquet | Output::Arrow => {
            let text = "--format service-last-accessed is JSON: use --output json or jsonl";
            return Err(Failure::Usage(text.to_owned()));
        }
    };
    Ok(render::settle(written.and_then(|()| out.flush()))?)
}

/// The report for people.
pub(crate) fn tell(unused: &Unused, out: &mut dyn Write, terminal: Terminal) -> io::Result<()> {
    let mut report = Report::new(out, terminal);
    let window = &unused.window;
    report.title(&format!("Access over {} days to {}", window.days, time(Some(window.to))))?;
    tell_coverage(unused, &mut report)?;
    report.heading("Principals")?;
    let rows: Vec<_> = unused.principals.iter().map(principal_row).collect();
    table(&mut report, &["principal", "last seen", "actions used", "granted", "unused", "cannot know"], rows)?;
    if !unused.unused_principals.is_empty() {
        report.heading("Users and roles without use")?;
        let rows = unused.unused_principals.iter();
        let rows =
            rows.map(|p| vec![p.principal.clone(), time_or(p.last_used, "never seen"), p.why.about().to_owned()]);
        table(&mut report, &["principal", "last used", "verdict"], rows.collect())?;
    }
    let services: Vec<_> = unused.principals.iter().filter_map(unused_services).collect();
    if !services.is_empty() {
        report.heading("Whole services that can go: granted and not used in the window")?;
        table(&mut report, &["principal", "services", "unused services"], services)?;
    }
    if !unused.access_keys.is_empty() {
        report.heading("Access keys")?;
        let rows = unused.access_keys.iter().map(|key| {
            let id = key.access_key_id.clone().unwrap_or_else(|| format!("key {}", key.slot.unwrap_or_default()));
            let verdict = key.unused.map_or("in use", Why::about).to_owned();
            vec![id, key.principal.clone(), time_or(key.last_used, "never seen"), verdict]
        });
        table(&mut report, &["access key", "principal", "last used", "verdict"], rows.collect())?;
    }
    Ok(())
}

/// A finding's kind, as JSON names it.
fn kind(finding: &Finding) -> String {
    name(&finding.kind)
}

/// A word as JSON has it.
fn name(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn tell_coverage(unused: &Unused, report: &mut Report<'_>) -> io::Result<()> {
    report.heading("What the logs cover")?;
    let rows = unused.coverage.accounts.iter().map(|account| {
        let silent: u32 = account.silent.iter().map(|silent| silent.days).sum();
        let data = if account.data_events.is_empty() { "none".to_owned() } else { account.data_events.join(", ") };
        let (first, last) = (time_or(account.first_event, "none"), time_or(account.last_event, "none"));
        vec![account.account.clone(), first, last, account.regions.len().to_string(), silent.to_string(), data]
    });
    table(report, &["account", "first event", "last event", "regions", "silent days", "data events"], rows.collect())
}

fn table(report: &mut Report<'_>, names: &[&str], mut rows: Vec<Vec<String>>) -> io::Result<()> {
    let more = rows.len().saturating_sub(SHOWN);
    rows.truncate(SHOWN);
    report.table(names, &rows)?;
    if more > 0 {
        report.prose(&format!("and {more} more; --output json lists all"))?;
    }
    Ok(())
}

fn principal_row(principal: &PrincipalReport) -> Vec<String> {
    let used: usize = principal.services.iter().map(|service| service.actions.len()).sum();
    let certain = principal.unused.of(Why::NotUsed).map_or(0, ::access::policy::ActionSet::len) as u64;
    let doubtful = principal.unused.len() as u64 - certain;
    let known = |count: u64| if principal.granted.is_some() { number(count) } else { String::new() };
    vec![
        principal.principal.clone(),
        time_or(principal.last, "never seen"),
        number(used as u64),
        principal.granted.map_or_else(String::new, |granted| number(granted as u64)),
        known(certain),
        known(doubtful),
    ]
}

fn unused_services(principal: &PrincipalReport) -> Option<Vec<String>> {
    let gone: Vec<_> =
        principal.unused_services.iter().filter(|service| service.why.is_certain()).map(|s| s.service).collect();
    if gone.is_empty() {
        return None;
    }
    let more = gone.len().saturating_sub(NAMED);
    let named = gone.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let named = if more > 0 { format!("{named} and {more} more") } else { named };
    Some(vec![principal.principal.clone(), number(gone.len() as u64), named])
}

fn time_or(micros: Option<i64>, absent: &str) -> String {
    micros.map_or_else(|| absent.to_owned(), |micros| time(Some(micros)))
}
