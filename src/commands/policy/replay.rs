//! `trailhound policy replay`: which recorded calls a proposed policy would have denied.

use std::io;
use std::ops::ControlFlow;

use ::access::calls::{self, Calls};
use ::access::paths::Paths;
use ::access::replay::{self, Proposal, Replay, Replayed};

use crate::cli::{As, Global, ReplayArgs};
use crate::grants;
use crate::intake::Events;
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use crate::render::{self, Output};

/// Lines of one section that are shown to people; `--output json` has all.
const SHOWN: usize = 50;

pub(crate) fn run(args: &ReplayArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let mut policies = Vec::new();
    for path in &args.policy {
        policies.extend(super::documents(path)?);
    }
    if args.principal.is_none() && args.as_what != As::Scp {
        let text = "--principal: say whose policy it is, or --as scp for one of the organisation";
        return Err(Failure::Usage(text.to_owned()));
    }
    args.principal.as_deref().map(super::asked::holder).transpose()?;
    let proposal = match args.as_what {
        As::Identity => Proposal::Identity(policies),
        As::Boundary => Proposal::Boundary(policies),
        As::Scp => Proposal::Scp(policies),
    };
    let events = Events::open(&args.input, &|_| false, global, words)?;
    let since = args.since.map(|since| since.timestamp_micros());
    let paths = Paths::new(&grants::inventories(&args.granted, Some(&events))?);
    let mut calls = Calls::new(args.principal.clone().map(|principal| vec![principal]), since).with_paths(paths);
    let totals = events.read(Some(calls::COLUMNS), &mut |batch| {
        calls.observe(&batch);
        ControlFlow::Continue(())
    })?;
    if calls.events() == 0 {
        words.warning("no such event in the logs, so nothing was replayed: compare the ARN with `trailhound access`");
    }
    let found = replay::replay(&calls, &proposal);
    print(&found, &calls, global)?;
    if found.dropped > 0 {
        words.warning(&format!("{} calls had no room and are missing: narrow it with --since", number(found.dropped)));
    }
    let told = events.tell(&totals);
    let failed = args.fail_on_denied && !found.denied.is_empty();
    Ok(told.max(if failed { Outcome::Findings } else { Outcome::Done }))
}

fn print(found: &Replay, calls: &Calls, global: &Global) -> Result<(), Failure> {
    let mut out = io::stdout();
    let settled = match global.output {
        Output::Json => render::json::document(found, &mut out),
        Output::Jsonl => found.denied.iter().try_for_each(|row| render::json::document_line(row, &mut out)),
        Output::Table => tell(found, calls, &mut Report::new(&mut out, Terminal::stdout(global.no_color))),
        Output::Csv | Output::Parquet | Output::Arrow => {
            return Err(Failure::Usage("a replay is not rows: use --output table, json or jsonl".to_owned()));
        }
    };
    Ok(render::settle(settled)?)
}

fn tell(found: &Replay, calls: &Calls, report: &mut Report<'_>) -> io::Result<()> {
    let days = calls.span().map_or(0, |(first, last)| (last - first).div_euclid(::access::instant::DAY) + 1);
    report.title(&format!(
        "Would have denied {} of {} calls in {} days",
        number(found.denied_calls),
        number(found.calls),
        number(u64::try_from(days).unwrap_or_default())
    ))?;
    section(report, "Denied", &found.denied)?;
    section(report, "Undecided: hangs on what records do not hold", &found.undecided)?;
    if found.undecided_calls > 0 {
        let count = number(found.undecided_calls);
        report.prose(&format!(
            "{count} calls more may be denied: a call goes through only if all that it asks is allowed."
        ))?;
    }
    if !found.missing_context.is_empty() {
        report.prose(&format!("That context: {}", found.missing_context.join(", ")))?;
    }
    if let Some(allowed) = found.newly_allowed.filter(|allowed| *allowed > 0) {
        report.prose(&format!("{} calls that were refused would be allowed.", number(allowed)))?;
    }
    Ok(())
}

fn section(report: &mut Report<'_>, name: &str, rows: &[Replayed]) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    report.heading(name)?;
    let row = |row: &Replayed| {
        let because = match &row.statement {
            _ if row.unnamed => "the record does not name the resource".to_owned(),
            Some(statement) => statement.clone(),
            None => "nothing allows it".to_owned(),
        };
        let time = ::access::instant::format(row.last);
        vec![row.principal.clone(), row.action.clone(), row.resource.clone(), number(row.count), time, because]
    };
    let shown: Vec<_> = rows.iter().take(SHOWN).map(row).collect();
    report.table(&["principal", "action", "resource", "calls", "last", "because"], &shown)?;
    if rows.len() > SHOWN {
        report.prose(&format!("and {} more; --output json lists all", number((rows.len() - SHOWN) as u64)))?;
    }
    Ok(())
}
