//! What the rules know when a process begins: what they knew when the last commit stood, else what the lake remembers.
//!
//! A lake that somebody else has filled has no state of ours, and rules that know nothing would call everything in it a
//! first use. They are shown its events, and what `last_used` and `coverage` keep of the time before them, as
//! `alerts --lake` does; what they find there is not told, because whoever brought those rows in has not asked for that.

use std::ops::ControlFlow;

use ::alerts::Engine;
use lake::schema::{COVERAGE, EVENTS, LAST_USED};
use lake::{Lake, State};

use super::{Watch, judge, notes};
use crate::outcome::Failure;

/// Rules as they go on; how many cannot be used.
///
/// # Errors
/// The lake cannot be read.
pub(super) fn engine(watch: &Watch<'_>, lake: &Lake, state: Option<&State>) -> Result<(Engine, usize), Failure> {
    let book = watch.book();
    let (mut engine, refused) = book.engine();
    match state.and_then(notes::rules) {
        Some(rules) => judge::restore(&mut engine, rules),
        None => recall(&mut engine, book.remembering(), watch, lake)?,
    }
    Ok((engine, refused))
}

/// Shows the lake to an engine of the rules that remember, and lets `engine` have what it learns.
fn recall(engine: &mut Engine, mut past: Engine, watch: &Watch<'_>, lake: &Lake) -> Result<(), Failure> {
    let files = lake.files(EVENTS)?;
    let Some(first) = files.iter().filter_map(|file| file.times).map(|(first, _)| first).min() else { return Ok(()) };
    let rows: u64 = files.iter().map(|file| file.rows).sum();
    tracing::info!(rows, "rules that remember learn from the lake what was used before");
    lake.parts(LAST_USED, &mut |rows| past.prime(&rows, first))?;
    lake.parts(COVERAGE, &mut |rows| past.cover(&rows))?;
    let threads = watch.global.threads.map_or_else(|| ::ingest::pipeline::Options::default().threads, usize::from);
    lake.events(None, threads, &mut |batch| {
        watch.health.beat();
        past.observe(&batch);
        if watch.stop.is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    engine.remember(past);
    Ok(())
}
