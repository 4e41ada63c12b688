//! `trailhound demo`: the whole job on a made-up trail, without network, in under a minute.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::access::inventory::Inventory;
use ::access::unused::{self, Options};
use ingest::simulate::{Plan, Summary};

use super::{access, alerts, query, sample, scan};
use crate::cli::{Global, Limits};
use crate::intake::{Events, Intake};
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::words::Words;
use crate::render::{self, Output};

/// Alerts that are shown whole.
const ALERTS_SHOWN: usize = 3;

/// Questions of an incident's first hour.
const QUESTIONS: [(&str, &str); 3] = [
    (
        "Who was refused most, and what did they try?",
        "SELECT principal, count(*) AS denied, count(DISTINCT action) AS actions \
         FROM events WHERE outcome = 'denied' GROUP BY principal ORDER BY denied DESC LIMIT 5",
    ),
    (
        "Who signed in to the console, from where, with MFA or not? (the Athena table's names work too)",
        "SELECT eventtime, userIdentity.arn, sourceipaddress, additionaleventdata FROM cloudtrail_logs \
         WHERE eventname = 'ConsoleLogin' ORDER BY eventtime DESC LIMIT 5",
    ),
    (
        "Which persons stand behind the roles?",
        "SELECT principal, count(DISTINCT actor) AS actors, max(eventtime) AS last FROM events \
         WHERE useridentity.type = 'AssumedRole' GROUP BY principal ORDER BY actors DESC, principal LIMIT 5",
    ),
];

pub(crate) fn run(keep: Option<&Path>, global: &Global, words: Words) -> Result<Outcome, Failure> {
    // The demo is for people, whatever the other commands are told to write.
    let global = Global { output: Output::Table, ..global.clone() };
    let temporary = match keep {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|e| Failure::Io(format!("no room for the sample: {e}")))?),
    };
    let folder = keep.map(Path::to_path_buf).or_else(|| temporary.as_ref().map(|dir| dir.path().to_path_buf()));
    let folder = folder.unwrap_or_else(|| PathBuf::from("trailhound-sample"));
    let plan = Plan::default();
    step(&global, 1, "A made-up organisation's trail", &sample_command(&plan))?;
    let summary = sample::write(&plan, &folder)?;
    facts(&global, &summary)?;

    step(&global, 2, "Everything at a glance", "trailhound scan ./sample/AWSLogs")?;
    let limits =
        Limits { max_inflated_bytes: ingest::gunzip::Limits::default().inflated_bytes, accept_trailing_data: false };
    let intake = Intake::new(std::slice::from_ref(&summary.trail), limits, &global, words)?;
    let glance = scan::glance(&Events::Logs(Box::new(intake.clone())), words)?;
    render::settle(glance.report(&mut io::stdout(), global.rows().terminal))?;

    for (number, (question, sql)) in QUESTIONS.iter().enumerate() {
        step(&global, 3 + number, question, &format!("trailhound query \"{sql}\" ./sample/AWSLogs"))?;
        query::answer(sql, Arc::new(query::Logs::new(intake.clone())), &global, words)?;
    }

    step(&global, 6, "Alerts, with what to do", "trailhound alerts ./sample/AWSLogs --severity low")?;
    let alarms = || glance.found.alerts.iter().filter(|alert| alert.severity > ::alerts::Severity::Informational);
    let worst: Vec<_> = alarms().take(ALERTS_SHOWN).cloned().collect();
    let mut out = io::stdout();
    let more = format!("and {} more of low severity and above", alarms().count() - worst.len());
    let shown = alerts::report(&worst, &mut out, global.rows().terminal);
    render::settle(shown.and_then(|()| Report::new(&mut out, global.rows().terminal).prose(&more)))?;

    report(&summary, &glance, &global)?;
    last_words(&global, keep)
}

/// Granted and not used, for the first account.
fn report(summary: &Summary, glance: &scan::Glance, global: &Global) -> Result<(), Failure> {
    let Some(grants) = summary.grants.first() else { return Ok(()) };
    let name = grants.file_name().unwrap_or_default().to_string_lossy().into_owned();
    step(global, 7, "Least privilege", &format!("trailhound access ./sample/AWSLogs --grants ./sample/iam/{name}"))?;
    let text = std::fs::read_to_string(grants).map_err(|e| Failure::Io(format!("{}: {e}", grants.display())))?;
    let inventory = Inventory::parse(&text, &name).map_err(|e| Failure::Io(e.to_string()))?;
    let now = glance.overview.last.unwrap_or_default();
    let mut report = unused::report(&glance.usage, &[inventory], &Options::new(now));
    // The grants are one account's: the others' principals would only fill the screen.
    report.principals.retain(|principal| principal.in_inventory == Some(true));
    render::settle(access::tell(&report, &mut io::stdout(), global.rows().terminal))?;
    Ok(())
}

fn sample_command(plan: &Plan) -> String {
    let Plan { events, accounts, days, seed, .. } = plan;
    format!("trailhound sample --events {events} --accounts {accounts} --days {days} --seed {seed} --out ./sample")
}

fn step(global: &Global, number: usize, title: &str, command: &str) -> Result<(), Failure> {
    let mut out = io::stdout();
    let mut report = Report::new(&mut out, global.rows().terminal);
    render::settle(report.heading(&format!("── {number}. {title}")).and_then(|()| report.command(command)))?;
    Ok(())
}

fn facts(global: &Global, summary: &Summary) -> Result<(), Failure> {
    let mut out = io::stdout();
    let mut report = Report::new(&mut out, global.rows().terminal);
    let text = format!(
        "{} events of {} accounts in {} files, {} attacks and oddities among them",
        number(summary.events),
        summary.accounts.len(),
        number(summary.files),
        summary.planted.len()
    );
    render::settle(report.prose(&text))?;
    Ok(())
}

fn last_words(global: &Global, keep: Option<&Path>) -> Result<Outcome, Failure> {
    let mut out = io::stdout();
    let mut report = Report::new(&mut out, global.rows().terminal);
    let lines = |report: &mut Report<'_>| -> io::Result<()> {
        report.heading("── What to try next")?;
        report.prose("Your own logs: a folder of CloudTrail files, as they lie in the bucket.")?;
        report.command("aws s3 sync s3://YOUR-TRAIL/AWSLogs ./logs")?;
        report.command("trailhound scan ./logs")?;
        report.command("trailhound alerts ./logs --severity medium")?;
        if keep.is_none() {
            report.prose("The same sample again, to keep:")?;
            report.command("trailhound demo --keep ./sample")?;
        }
        Ok(())
    };
    render::settle(lines(&mut report))?;
    Ok(Outcome::Done)
}
