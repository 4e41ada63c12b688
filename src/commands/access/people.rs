//! `trailhound access --by person`: last used by whoever was behind, and who used which role for what.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use ::access::instant::DAY;
use ::access::people::{self, Limits, People, Person, PersonReport, Through};
use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};

use super::super::alerts::time;
use crate::cli::{AccessArgs, Global};
use crate::grants;
use crate::intake::Events;
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use crate::render::{self, Output};

/// People that are shown; `--output json` has all.
const SHOWN: usize = 100;
/// Actions that one line names.
const NAMED: usize = 4;

pub(super) fn run(
    args: &AccessArgs,
    events: &Events,
    days: u32,
    global: &Global,
    words: Words,
) -> Result<Outcome, Failure> {
    if let Some(flag) = super::for_principals(args).or_else(|| grants::given(&args.granted)) {
        return Err(Failure::Usage(format!("{flag} is for the report by principal: leave --by person out")));
    }
    if args.principal.is_some() {
        return Err(Failure::Usage("--principal narrows --by resource; leave it out".to_owned()));
    }
    // Where the end is not given, it is the newest event, and nothing can be left out before it is known.
    let since = args.now.map(|now| now.timestamp_micros().saturating_sub(i64::from(days).saturating_mul(DAY)));
    let mut people = People::new(Limits::default(), since);
    let totals = events.read(Some(people::COLUMNS), &mut |batch| {
        people.observe(&batch);
        ControlFlow::Continue(())
    })?;
    let report = people.report();
    print(&report, global)?;
    if report.dropped > 0 {
        let next = "split the input by account or time";
        words.warning(&format!("{} uses, keys or actions had no room and are missing: {next}", number(report.dropped)));
    }
    Ok(events.tell(&totals))
}

fn print(report: &PersonReport, global: &Global) -> Result<(), Failure> {
    let mut out = io::stdout();
    match global.output {
        Output::Table => render::settle(tell(report, &mut Report::new(&mut out, Terminal::stdout(global.no_color))))?,
        Output::Json => render::settle(render::json::document(report, &mut out))?,
        Output::Jsonl => {
            let lines = report.people.iter().try_for_each(|person| render::json::document_line(person, &mut out));
            render::settle(lines)?;
        }
        Output::Csv | Output::Parquet | Output::Arrow => {
            let batch = rows(report).map_err(|e| Failure::Io(e.to_string()))?;
            render::rows([batch.clone()], &batch.schema(), global.output, &mut out, &global.rows())?;
        }
    }
    Ok(())
}

fn tell(report: &PersonReport, out: &mut Report<'_>) -> io::Result<()> {
    out.title("Who was behind it")?;
    let mut latest: Vec<&Person> = report.people.iter().collect();
    // People before machines, the latest first.
    latest.sort_by_key(|person| (person.is_machine, std::cmp::Reverse(person.last)));
    let row = |person: &&Person| {
        let known = person.known_by.join(", ");
        vec![
            person.person.clone(),
            known,
            time(Some(person.last)),
            person.principals.len().to_string(),
            number(person.events),
        ]
    };
    let shown: Vec<_> = latest.iter().take(SHOWN).map(row).collect();
    out.heading("People")?;
    out.table(&["who", "known by", "last seen", "as", "events"], &shown)?;
    out.heading("Who used which role for what")?;
    let roles = latest.iter().flat_map(|person| person.principals.iter().map(move |through| (*person, through)));
    let roles: Vec<_> = roles.filter(|(_, through)| through.principal.contains(":role/")).collect();
    let row = |(person, through): &(&Person, &Through)| {
        let named: Vec<&str> = through.actions.iter().take(NAMED).map(|row| row.action.as_str()).collect();
        let more = through.actions.len().saturating_sub(NAMED) as u64 + through.more_actions;
        let what = if more > 0 { format!("{} and {more} more", named.join(", ")) } else { named.join(", ") };
        vec![through.principal.clone(), person.person.clone(), time(Some(through.last)), number(through.events), what]
    };
    let rows: Vec<_> = roles.iter().take(SHOWN).map(row).collect();
    out.table(&["role", "who", "last", "events", "what for"], &rows)?;
    let more = latest.len().saturating_sub(SHOWN) + roles.len().saturating_sub(SHOWN);
    if more > 0 {
        out.prose(&format!("and {more} more; --output json lists all"))?;
    }
    Ok(())
}

/// One row for each person, principal and action.
fn rows(report: &PersonReport) -> Result<RecordBatch, arrow::error::ArrowError> {
    let all = || {
        report.people.iter().flat_map(|person| {
            person
                .principals
                .iter()
                .flat_map(move |through| through.actions.iter().map(move |row| (person, through, row)))
        })
    };
    let text = |values: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let last = all().map(|(.., row)| Some(row.last)).collect::<TimestampMicrosecondArray>().with_timezone("UTC");
    // Not guessed from the values of the first batch: the second may have what that has not.
    RecordBatch::try_from_iter_with_nullable([
        ("person", text(all().map(|(person, ..)| person.person.as_str()).collect()), false),
        (
            "known_by",
            text(all().map(|(person, ..)| person.known_by.first().copied().unwrap_or_default()).collect()),
            false,
        ),
        ("principal", text(all().map(|(_, through, _)| through.principal.as_str()).collect()), false),
        ("action", text(all().map(|(.., row)| row.action.as_str()).collect()), false),
        ("last", Arc::new(last) as ArrayRef, false),
        ("count", Arc::new(all().map(|(.., row)| row.count).collect::<UInt64Array>()) as ArrayRef, false),
        ("denied", Arc::new(all().map(|(.., row)| row.denied).collect::<UInt64Array>()) as ArrayRef, false),
    ])
}
