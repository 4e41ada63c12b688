//! `trailhound access --by resource`: which resources were reached, by whom, with what and when last; and what refused.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use ::access::calls::{self, Calls};
use ::access::instant::DAY;
use ::access::paths::Paths;
use ::access::touched::{Touch, Touched, Touches};
use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};

use super::time_or;
use crate::cli::{AccessArgs, Global};
use crate::grants;
use crate::intake::Events;
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use crate::render::{self, Output};

/// Lines of one section that are shown to people; `--output json` has all.
const SHOWN: usize = 100;

pub(super) fn run(
    args: &AccessArgs,
    events: &Events,
    days: u32,
    global: &Global,
    words: Words,
) -> Result<Outcome, Failure> {
    if let Some(flag) = super::for_principals(args) {
        return Err(Failure::Usage(format!("{flag} is for the report by principal: leave --by resource out")));
    }
    // Where the end is not given, it is the newest event, and nothing can be left out before it is known.
    let since = args.now.map(|now| now.timestamp_micros().saturating_sub(i64::from(days).saturating_mul(DAY)));
    let paths = Paths::new(&grants::inventories(&args.granted, Some(events))?);
    let only = args.principal.clone().map(|principal| vec![principal]);
    let mut touches = Touches::new(Calls::new(only, since).with_paths(paths));
    let totals = events.read(Some(calls::COLUMNS), &mut |batch| {
        touches.observe(&batch);
        ControlFlow::Continue(())
    })?;
    print(&touches, global)?;
    if let (Some(principal), 0) = (&args.principal, touches.events()) {
        words.warning(&format!("no event of {principal}: compare the ARN with `trailhound access`"));
    }
    if touches.dropped() > 0 {
        let dropped = number(touches.dropped());
        words.warning(&format!("{dropped} uses had no room and are missing: narrow it with --principal or --now"));
    }
    Ok(events.tell(&totals))
}

fn print(touches: &Touches, global: &Global) -> Result<(), Failure> {
    let mut out = io::stdout();
    match global.output {
        Output::Table => {
            render::settle(tell(touches, &mut Report::new(&mut out, Terminal::stdout(global.no_color))))?;
        }
        Output::Json => {
            let rows: Vec<Touched<'_>> = touches.rows().collect();
            render::settle(render::json::document(&rows, &mut out))?;
        }
        Output::Jsonl => {
            render::settle(touches.rows().try_for_each(|row| render::json::document_line(&row, &mut out)))?;
        }
        Output::Csv | Output::Parquet | Output::Arrow => {
            let batch = rows(touches).map_err(|e| Failure::Io(e.to_string()))?;
            render::rows([batch.clone()], &batch.schema(), global.output, &mut out, &global.rows())?;
        }
    }
    Ok(())
}

fn tell(touches: &Touches, out: &mut Report<'_>) -> io::Result<()> {
    out.title("What was reached")?;
    let is_one = |row: &Touched<'_>| row.touch.named && row.resource != "*";
    let mut named: Vec<Touched<'_>> = touches.rows().filter(is_one).collect();
    named.sort_by_key(|row| (row.resource, row.principal, row.action));
    let row = |row: &Touched<'_>| vec![number(row.touch.count), time_or(row.touch.last_success, "never")];
    section(out, "Resources", ["calls", "last success"], &named, &row)?;
    let others = touches.rows().filter(|row| !is_one(row)).count();
    if others > 0 {
        let count = number(others as u64);
        out.prose(&format!(
            "{count} actions more take no resource, or the record does not name it; --output json lists them"
        ))?;
    }
    let mut refused: Vec<Touched<'_>> = touches.rows().filter(|row| row.touch.denied > 0).collect();
    refused.sort_by_key(|row| (std::cmp::Reverse(row.touch.denied), row.resource, row.principal, row.action));
    section(out, "Refused", ["refused", "by"], &refused, &|row| vec![number(row.touch.denied), by(row.touch)])
}

fn section(
    out: &mut Report<'_>,
    name: &str,
    columns: [&str; 2],
    rows: &[Touched<'_>],
    more: &dyn Fn(&Touched<'_>) -> Vec<String>,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    out.heading(name)?;
    let row = |row: &Touched<'_>| {
        let who = [row.resource, row.principal, row.action].map(str::to_owned);
        who.into_iter().chain(more(row)).collect()
    };
    let columns = [&["resource", "principal", "action"], columns.as_slice()].concat();
    out.table(&columns, &rows.iter().take(SHOWN).map(row).collect::<Vec<_>>())?;
    if rows.len() > SHOWN {
        out.prose(&format!("and {} more; --output json lists all", number((rows.len() - SHOWN) as u64)))?;
    }
    Ok(())
}

/// What refused, as one text.
fn by(touch: &Touch) -> String {
    touch.denied_by.iter().map(|by| &**by).collect::<Vec<_>>().join(", ")
}

/// One row for each principal, action and resource.
fn rows(touches: &Touches) -> Result<RecordBatch, arrow::error::ArrowError> {
    let all = || touches.rows();
    let text = |of: &dyn for<'a> Fn(Touched<'a>) -> &'a str| -> ArrayRef {
        Arc::new(all().map(|row| Some(of(row))).collect::<StringArray>())
    };
    let time = |of: &dyn Fn(&Touch) -> Option<i64>| -> ArrayRef {
        Arc::new(all().map(|row| of(row.touch)).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let count = |of: &dyn Fn(&Touch) -> u64| -> ArrayRef {
        Arc::new(all().map(|row| Some(of(row.touch))).collect::<UInt64Array>())
    };
    let named: ArrayRef = Arc::new(all().map(|row| Some(row.touch.named)).collect::<BooleanArray>());
    RecordBatch::try_from_iter_with_nullable([
        ("principal", text(&|row| row.principal), false),
        ("action", text(&|row| row.action), false),
        ("resource", text(&|row| row.resource), false),
        ("named", named, false),
        ("first", time(&|touch| Some(touch.first)), false),
        ("last_attempt", time(&|touch| Some(touch.last_attempt)), false),
        ("last_success", time(&|touch| touch.last_success), true),
        ("count", count(&|touch| touch.count), false),
        ("denied", count(&|touch| touch.denied), false),
        ("errors", count(&|touch| touch.errors), false),
        ("denied_by", Arc::new(all().map(|row| Some(by(row.touch))).collect::<StringArray>()) as ArrayRef, false),
    ])
}
