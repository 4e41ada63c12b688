//! `trailhound lake`: looking after a lake.

mod repair;

use std::io;

use chrono::{TimeDelta, Utc};
use lake::upkeep::check::Checked;
use lake::upkeep::compact::{Rewritten, order};
use lake::upkeep::status::Status;
use lake::{Lake, Proof};
use query::Limits;
use serde_json::{Value, json};

use crate::cli::{At, Global, LakeCommand};
use crate::existing;
use crate::folded::{self, Refolded};
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use crate::render::{self, Output};

pub(crate) fn run(command: &LakeCommand, global: &Global, words: Words) -> Result<Outcome, Failure> {
    // Said before anything is done: an expiry that ends with an error has still expired.
    if matches!(global.output, Output::Csv | Output::Parquet | Output::Arrow) {
        return Err(no_rows());
    }
    match command {
        LakeCommand::Status(at) => status(at, global, words),
        LakeCommand::Compact(at) => compact(at, global, words),
        LakeCommand::Expire { keep, grace, at } => expire(*keep, *grace, at, (global, words)),
        LakeCommand::Check(at) => check(at, global),
        LakeCommand::Repair { give_up, at, limits } => repair::run((at, *limits, *give_up), global, words),
    }
}

fn no_rows() -> Failure {
    Failure::Usage("this is not rows: use --output table or json; nothing was done".to_owned())
}

/// Prints an answer as JSON, or as the report that `tell` writes.
fn answer(value: &Value, global: &Global, tell: impl FnOnce(&mut Report<'_>) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = io::stdout();
    let settled = match global.output {
        Output::Json => render::json::document(value, &mut out),
        Output::Jsonl => render::json::document_line(value, &mut out),
        Output::Table => tell(&mut Report::new(&mut out, Terminal::stdout(global.no_color))),
        Output::Csv | Output::Parquet | Output::Arrow => return Err(no_rows()),
    };
    Ok(render::settle(settled)?)
}

fn status(at: &At, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let lake = Lake::open(&at.lake, &at.aws.to_lake())?;
    let status = lake.status()?;
    let proof = crate::proof::of(&lake)?;
    let time = |micros: i64| ::access::instant::format(micros);
    let mut value = json!({
        "lake": status.lake,
        "tables": status.tables,
        "first_day": status.days.as_ref().map(|days| &days.0),
        "last_day": status.days.as_ref().map(|days| &days.1),
        "first_event": status.times.map(|times| time(times.0)),
        "last_event": status.times.map(|times| time(times.1)),
        "to_compact": status.bins,
    });
    if let Some(proof) = &proof {
        value["proof"] = json!(proof);
    }
    let given_up = lake.given_up_rows()?;
    value["given_up"] = given_up.into();
    value["one_writer"] = lake.is_for_one_writer().into();
    answer(&value, global, |report| report_status(report, &status, given_up, proof.as_ref()))?;
    existing::warn_of_its_store(&lake, words);
    Ok(Outcome::Done)
}

fn report_status(report: &mut Report<'_>, status: &Status, given_up: u64, proof: Option<&Proof>) -> io::Result<()> {
    let days = status.days.as_ref().map_or_else(|| "none".to_owned(), |(first, last)| format!("{first} to {last}"));
    report.title(&format!("Lake {}", status.lake))?;
    let mut facts = vec![("days", days), ("to compact", format!("{} groups of files", number(status.bins)))];
    facts.extend((given_up > 0).then(|| ("given up", format!("{} events, by repairs", number(given_up)))));
    facts.extend(proof.map(|proof| ("proof", crate::proof::words(proof))));
    report.facts(&facts)?;
    let rows: Vec<_> = status
        .tables
        .iter()
        .map(|table| {
            let mib = table.bytes.div_ceil(1 << 20);
            let figures = [table.rows, table.files, mib, table.version].map(number);
            std::iter::once(table.table.to_owned()).chain(figures).collect()
        })
        .collect();
    report.table(&["table", "rows", "files", "MiB", "version"], &rows)
}

fn compact(at: &At, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let mut lake = open_existing(at)?;
    let mut limits = Limits::default();
    if let Some(bytes) = global.memory_limit {
        limits.memory_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    // Before the rest: what was remembered by other rules need not be put together first.
    let refolded = folded::refold(&mut lake, std::thread::available_parallelism().map_or(1, usize::from))?;
    match refolded {
        Refolded::Kept => words.warning(
            "what is remembered of events was made by other rules, and is left as it is, because some of those events are gone: `access` reads what is there",
        ),
        Refolded::Overtaken => words.warning("last_used: another writer was faster; run it again"),
        Refolded::Done | Refolded::Not => {}
    }
    let mut all = Rewritten::default();
    for bin in lake.bins()? {
        let rows = match bin.merged {
            true => query::lake::merged(&lake, bin.table, &bin.files, &limits)?,
            false => query::lake::sorted(&lake, bin.table, &bin.files, order(bin.table), &limits)?,
        };
        let done = lake.rewrite(&bin, rows)?;
        if done.removed == 0 {
            words.warning(&format!("{}: another writer was faster with some files; run it again", bin.table));
        }
        all.removed += done.removed;
        all.added += done.added;
        all.bytes_before += done.bytes_before;
        all.bytes_after += done.bytes_after;
    }
    let value = json!({
        "files_removed": all.removed,
        "files_added": all.added,
        "bytes_before": all.bytes_before,
        "bytes_after": all.bytes_after,
        "version": lake.version(),
        "refolded": refolded == Refolded::Done,
    });
    answer(&value, global, |report| {
        if refolded == Refolded::Done {
            report.title("What `access` needs of events was folded anew")?;
        }
        let Rewritten { removed, added, bytes_before, bytes_after } = all;
        match removed {
            0 => report.title("Nothing to compact"),
            _ => report.title(&format!(
                "{} files became {}: {} → {} MiB",
                number(removed),
                number(added),
                number(bytes_before.div_ceil(1 << 20)),
                number(bytes_after.div_ceil(1 << 20))
            )),
        }
    })?;
    Ok(Outcome::Done)
}

fn expire(
    keep: Option<TimeDelta>,
    grace: TimeDelta,
    at: &At,
    (global, words): (&Global, Words),
) -> Result<Outcome, Failure> {
    let mut lake = open_existing(at)?;
    let mut expired = lake::upkeep::expire::Expired::default();
    let mut freed = lake::upkeep::expire::Expired::default();
    if let Some(keep) = keep {
        let first = (Utc::now() - keep).date_naive();
        expired = match lake.expire(first) {
            // A sweep writes nothing, and may make the room that a commit wants.
            Err(error) if error.is_no_room() => {
                freed = lake.sweep(grace)?;
                if freed.swept == 0 {
                    return Err(error.into());
                }
                lake.expire(first)?
            }
            expired => expired?,
        };
    }
    let mut swept = lake.sweep(grace)?;
    swept.swept += freed.swept;
    swept.swept_bytes += freed.swept_bytes;
    let value = json!({
        "files_expired": expired.files,
        "rows_expired": expired.rows,
        "files_deleted": swept.swept,
        "files_lost_by_the_log": swept.lost,
        "bytes_deleted": swept.swept_bytes,
        "version": lake.version(),
    });
    answer(&value, global, |report| {
        let mib = number(swept.swept_bytes.div_ceil(1 << 20));
        report.title(&format!(
            "{} events expired, {} files deleted ({mib} MiB)",
            number(expired.rows),
            number(swept.swept)
        ))
    })?;
    if swept.lost > 0 {
        words.warning(&format!(
            "{} files are kept although no table names them: Delta's log has lost them, and `trailhound lake repair` puts them back",
            number(swept.lost)
        ));
        return Ok(Outcome::Rejected);
    }
    Ok(Outcome::Done)
}

/// Opens a lake for writing that must be there: upkeep makes no lakes.
fn open_existing(at: &At) -> Result<Lake, Failure> {
    Lake::open(&at.lake, &at.aws.to_lake())?;
    Ok(Lake::open_for_writing(&at.lake, &at.aws.to_lake())?)
}

fn check(at: &At, global: &Global) -> Result<Outcome, Failure> {
    let checked = Lake::open(&at.lake, &at.aws.to_lake())?.check()?;
    let value = serde_json::to_value(&checked).map_err(|error| Failure::Io(error.to_string()))?;
    answer(&value, global, |report| report_check(report, &checked))?;
    Ok(if checked.is_sound() { Outcome::Done } else { Outcome::Rejected })
}

fn report_check(report: &mut Report<'_>, checked: &Checked) -> io::Result<()> {
    match checked.is_sound() {
        true => report.title(&format!("Sound: {} files, {} events", number(checked.files), number(checked.rows)))?,
        false if checked.damaged.is_empty() && checked.duplicates.is_empty() => {
            report.title(&format!(
                "{} files of Delta's log or of batches are damaged",
                number(checked.log.len() as u64)
            ))?;
        }
        false if checked.damaged.is_empty() => report.title("No file is damaged, but events are there twice")?,
        false => report.title(&format!("{} of {} files are damaged", checked.damaged.len(), number(checked.files)))?,
    }
    for damage in &checked.damaged {
        report.detail(&damage.file, &format!("{} ({} rows)", damage.why, number(damage.rows)))?;
    }
    for fault in &checked.log {
        report.detail(&fault.file, &fault.why)?;
    }
    for (day, events) in &checked.duplicates {
        report.detail(day, &format!("{} events are there twice", number(*events)))?;
    }
    let (mendable, logs): (Vec<_>, Vec<_>) = checked.log.iter().partition(|fault| fault.is_mendable);
    if !logs.is_empty() {
        report.prose(
            "nothing but Delta's log says which files a table has: put its commits back from a copy, or make a lake anew with \
             `trailhound ingest SOURCE --lake NEW`",
        )?;
    }
    if !checked.damaged.is_empty() || !mendable.is_empty() {
        report.command("trailhound lake repair")?;
    } else if !checked.duplicates.is_empty() {
        report
            .prose("no repair takes them out; a lake made anew has each once: `trailhound ingest SOURCE --lake NEW`")?;
    }
    for other in &checked.taken_by_others {
        report.detail(
            &format!("{} version {}", other.table, other.version),
            &format!(
                "{} of {} took {} files out ({} rows), which no command of trailhound asked for",
                other.operation,
                if other.engine.is_empty() { "another program" } else { &other.engine },
                number(other.files),
                number(other.rows)
            ),
        )?;
    }
    let mut facts = vec![("files that no table names", number(checked.unnamed))];
    facts.extend((checked.given_up > 0).then(|| ("events that repairs gave up", number(checked.given_up))));
    // Not damage: the next writer finishes it.
    facts.extend(
        (!checked.unfinished.is_empty()).then(|| ("without the last batch yet", checked.unfinished.join(", "))),
    );
    report.facts(&facts)
}
