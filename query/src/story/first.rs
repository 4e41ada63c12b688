//! What the principals of a story did in it for the first time: one question about all that the logs have of them.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};

use super::subject::literal;
use super::{First, Story};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::session::Engine;

/// Principals that are looked at.
const PRINCIPALS: usize = 50;
/// A principal must be known for this long before something new of it is told, in microseconds.
const KNOWN: i64 = 24 * 3600 * 1_000_000;
/// Firsts that are told.
const MOST: usize = 500;

/// The columns beside the principal, and what they are called.
static KINDS: &[(&str, &str)] = &[
    ("coalesce(action, service || ':' || eventname)", "action"),
    ("awsregion", "region"),
    // What one site has of addresses, mostly.
    (
        "CASE WHEN strpos(sourceipaddress, ':') > 0 THEN ip_prefix(sourceipaddress, 48) ELSE ip_prefix(sourceipaddress, 24) END",
        "network",
    ),
    ("useragent", "agent"),
];

/// Finds the firsts of a story, and marks them in its timeline.
pub(super) fn mark(engine: &Engine, story: &mut Story, control: &Control) -> Result<()> {
    let (Some(from), Some(to)) = (story.total.first, story.total.last) else { return Ok(()) };
    let mut busiest: Vec<_> = story.principals.iter().filter(|(name, _)| name.starts_with("arn:")).collect();
    busiest.sort_by_key(|(name, tally)| (std::cmp::Reverse(tally.events), (*name).clone()));
    let principals: Vec<_> = busiest.into_iter().take(PRINCIPALS).map(|(name, _)| literal(name)).collect();
    if principals.is_empty() {
        return Ok(());
    }
    let columns: Vec<_> = KINDS.iter().map(|(sql, kind)| format!("{sql} AS {kind}")).collect();
    let sets: Vec<_> = KINDS.iter().map(|(_, kind)| format!("(principal, {kind})")).collect();
    let sql = format!(
        "SELECT principal, action, region, network, agent, min(eventtime) AS first FROM \
         (SELECT principal, eventtime, {} FROM events WHERE principal IN ({})) \
         GROUP BY GROUPING SETS ((principal), {})",
        columns.join(", "),
        principals.join(", "),
        sets.join(", ")
    );
    let mut known: BTreeMap<String, i64> = BTreeMap::new();
    let mut firsts = BTreeSet::new();
    for batch in engine.query_under(&sql, control.clone())? {
        let batch = batch?;
        let bad = |e: arrow::error::ArrowError| Error::Run(e.to_string());
        let [texts @ .., times] = batch.columns() else { continue };
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let times = cast(times, &micros).map_err(bad)?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let texts: Vec<_> = texts
            .iter()
            .map(|array| cast(array, &DataType::Utf8))
            .collect::<std::result::Result<_, _>>()
            .map_err(bad)?;
        for row in (0..batch.num_rows()).filter(|row| times.is_valid(*row)) {
            let text = |place: usize| {
                let column = texts.get(place)?.as_string::<i32>();
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            let Some(principal) = text(0) else { continue };
            let time = times.value(row);
            let value = KINDS.iter().enumerate().find_map(|(at, (_, kind))| Some((*kind, text(at + 1)?)));
            match value {
                Some((kind, value)) => {
                    firsts.insert(First { time, principal, kind, value });
                }
                // The set of the principal alone, and values that are NULL: the earliest is the principal's own.
                None => {
                    let first = known.entry(principal).or_insert(time);
                    *first = time.min(*first);
                }
            }
        }
    }
    let is_new = |first: &First| {
        let since = known.get(&first.principal).copied().unwrap_or(first.time);
        (from..=to).contains(&first.time) && first.time - since >= KNOWN
    };
    story.unknown_before = known.values().filter(|since| to - **since < KNOWN).count() as u64;
    story.firsts = firsts.into_iter().filter(is_new).take(MOST).collect();
    mark_runs(story);
    Ok(())
}

/// Marks the lines of the timeline that begin with a first.
fn mark_runs(story: &mut Story) {
    let firsts = story.firsts.clone();
    for run in &mut story.timeline {
        let of_run = firsts.iter().filter(|first| Some(first.time) == run.first && first.principal == run.principal);
        for first in of_run {
            let fits = match first.kind {
                "action" => first.value == run.what,
                "region" => first.value == run.region,
                _ => true,
            };
            let mark = format!("first {}", first.kind);
            if fits && !run.marks.contains(&mark) {
                run.marks.push(mark);
            }
        }
    }
}
