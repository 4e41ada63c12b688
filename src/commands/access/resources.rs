//! `trailhound access --by resource`: which resources were reached, by whom, with what and when last; and what refused.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use ::access::calls::{self, Calls};
use ::access::instant::DAY;
use ::access::paths::Paths;
use ::access::touched::{Touched, Touches};
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
            let rows: Vec<&Touched> = touches.rows().collect();
            render::settle(render::json::document(&rows, &mut out))?;
        }
        Output::Jsonl => {
            render::settle(touches.rows().try_for_each(|row| render::json::document_line(row, &mut out)))?;
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
    let by_resource = |row: &&Touched| (row.resource.clone(), row.principal.clone(), row.action.clone());
    let mut named: Vec<&Touched> = touches.rows().filter(|row| row.named && row.resource != "*").collect();
    named.sort_by_cached_key(by_resource);
    let row = |row: &&Touched| {
        let last = time_or(row.last_success, "never");
        vec![row.resource.clone(), row.principal.clone(), row.action.clone(), number(row.count), last]
    };
    section(out, "Resources", &["resource", "principal", "action", "calls", "last success"], &named, &row)?;
    let others = touches.rows().filter(|row| !row.named || row.resource == "*").count();
    if others > 0 {
        let count = number(others as u64);
        out.prose(&format!(
            "{count} actions more take no resource, or the record does not name it; --output json lists them"
        ))?;
    }
    let mut refused: Vec<&Touched> = touches.rows().filter(|row| row.denied > 0).collect();
    refused.sort_by_cached_key(by_resource);
    let row = |row: &&Touched| {
        let by = row.denied_by.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        vec![row.resource.clone(), row.principal.clone(), row.action.clone(), number(row.denied), by]
    };
    section(out, "Refused", &["resource", "principal", "action", "refused", "by"], &refused, &row)
}

fn section(
    out: &mut Report<'_>,
    name: &str,
    columns: &[&str],
    rows: &[&Touched],
    row: &dyn Fn(&&Touched) -> Vec<String>,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    out.heading(name)?;
    out.table(columns, &rows.iter().take(SHOWN).map(row).collect::<Vec<_>>())?;
    if rows.len() > SHOWN {
        out.prose(&format!("and {} more; --output json lists all", number((rows.len() - SHOWN) as u64)))?;
    }
    Ok(())
}

/// One row for each principal, action and resource.
fn rows(touches: &Touches) -> Result<RecordBatch, arrow::error::ArrowError> {
    let all = || touches.rows();
    let text = |of: &dyn Fn(&Touched) -> &str| -> ArrayRef {
        Arc::new(all().map(|row| Some(of(row))).collect::<StringArray>())
    };
    let time = |of: &dyn Fn(&Touched) -> Option<i64>| -> ArrayRef {
        Arc::new(all().map(of).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let count = |of: &dyn Fn(&Touched) -> u64| -> ArrayRef { Arc::new(all().map(of).collect::<UInt64Array>()) };
    let by = |row: &Touched| Some(row.denied_by.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
    let named: ArrayRef = Arc::new(all().map(|row| Some(row.named)).collect::<BooleanArray>());
    RecordBatch::try_from_iter_with_nullable([
        ("principal", text(&|row| &row.principal), false),
        ("action", text(&|row| &row.action), false),
        ("resource", text(&|row| &row.resource), false),
        ("named", named, false),
        ("first", time(&|row| Some(row.first)), false),
        ("last_attempt", time(&|row| Some(row.last_attempt)), false),
        ("last_success", time(&|row| row.last_success), true),
        ("count", count(&|row| row.count), false),
        ("denied", count(&|row| row.denied), false),
        ("errors", count(&|row| row.errors), false),
        ("denied_by", Arc::new(all().map(by).collect::<StringArray>()) as ArrayRef, false),
    ])
}
