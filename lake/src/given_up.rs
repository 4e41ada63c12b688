//! Events that a repair gave up: they left `events`, and what the tables beside it fold of events still knows them.
//!
//! Their objects may be found again and ingested; then the rows come back and are not folded a second time. A note names the
//! objects, each with its first and last event, and the days whose rows were lost: what an object holds besides, such
//! as events that it got since, is folded as ever. Notes are small, and stay. Must not know what is folded.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::Date32Type;
use ingest::batch;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::lake::Lake;
use crate::schema::PARTITION;
use crate::upkeep::repair::SetAside;

/// Where notes are, within the lake.
const FOLDER: &str = "_trailhound/given-up";

/// First and last event of an object, microseconds since the Unix epoch.
pub(crate) type Span = Option<(i64, i64)>;

/// What one repair gave up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// Days since the Unix epoch; none for events without a time.
    days: BTreeSet<Option<i32>>,
    objects: BTreeMap<String, Span>,
    /// How many rows did not come back.
    #[serde(default)]
    rows: u64,
    /// Rows that those days had before. Where nobody knew the objects of what was lost, their rows are folded twice when they come
    /// again: a day that has all its rows and counts more does so.
    #[serde(default)]
    had: Vec<(i32, u64)>,
}

impl Note {
    /// Whether a row of one of the objects was folded when it came first.
    fn knows(&self, span: Span, day: Option<i32>, time: Option<i64>) -> bool {
        let within = match (time, span) {
            (None, _) => true,
            (Some(time), Some((first, last))) => (first..=last).contains(&time),
            (Some(_), None) => false,
        };
        within && self.days.contains(&day)
    }
}

/// Everything that was given up.
#[derive(Debug, Default)]
pub(crate) struct GivenUp(Vec<Note>);

impl GivenUp {
    /// Which rows of a batch are of what was given up; `None` where none is.
    pub(crate) fn rows(&self, events: &RecordBatch) -> Option<BooleanArray> {
        if self.0.is_empty() {
            return None;
        }
        let objects = batch::text(events, "source_object");
        let times = batch::timestamp(events, "eventtime");
        let days = events.column_by_name(PARTITION).and_then(|column| column.as_primitive_opt::<Date32Type>());
        // Rows of one object stand together.
        let mut last: Option<(&str, Vec<(&Note, Span)>)> = None;
        let is_known = |row: usize| {
            let name = objects.get(row).unwrap_or_default();
            if last.as_ref().is_none_or(|(of, _)| *of != name) {
                let notes = self.0.iter().filter_map(|note| Some((note, *note.objects.get(name)?)));
                last = Some((name, notes.collect()));
            }
            let time = times.as_ref().filter(|times| times.is_valid(row)).map(|times| times.value(row));
            let day = days.filter(|days| days.is_valid(row)).map(|days| days.value(row));
            last.iter().flat_map(|(_, notes)| notes).any(|(note, span)| note.knows(*span, day, time))
        };
        let known: BooleanArray = (0..events.num_rows()).map(is_known).map(Some).collect();
        (known.true_count() > 0).then_some(known)
    }
}

impl Lake {
    /// Rows that repairs gave up; whoever found their objects has ingested some of them again.
    ///
    /// # Errors
    /// A note cannot be read.
    pub fn given_up_rows(&self) -> Result<u64> {
        Ok(self.given_up()?.0.iter().map(|note| note.rows).sum())
    }

    /// Rows of days, as many as they had before repairs gave some of them up.
    pub(crate) fn had_before(&self) -> Result<BTreeMap<i32, u64>> {
        let mut days = BTreeMap::new();
        for (day, rows) in self.given_up()?.0.iter().flat_map(|note| &note.had) {
            let had: &mut u64 = days.entry(*day).or_default();
            *had = (*had).max(*rows);
        }
        Ok(days)
    }

    /// Everything that repairs gave up.
    pub(crate) fn given_up(&self) -> Result<GivenUp> {
        let mut notes = Vec::new();
        for found in self.list(FOLDER)? {
            let Some(name) = found.location.filename().filter(|name| name.ends_with(".json")) else { continue };
            let file = format!("{FOLDER}/{name}");
            let bytes = self.block_on(self.location().get(&file))?;
            let note = serde_json::from_slice(&bytes);
            notes.push(note.map_err(|error| Error::Damaged { file, why: error.to_string() })?);
        }
        Ok(GivenUp(notes))
    }

    /// Notes what goes with damaged files, but for objects that came back whole. What the other tables have lost as well is folded
    /// anew when it comes.
    pub(crate) fn note_given_up(&self, aside: &SetAside, came_back: &BTreeSet<&str>, rows: u64) -> Result<()> {
        let gone = aside.objects.iter().filter(|(name, _)| !came_back.contains(name.as_str()));
        let objects: BTreeMap<_, _> = gone.map(|(name, span)| (name.clone(), *span)).collect();
        if rows == 0 || aside.is_forgetful() {
            return Ok(());
        }
        let days = aside.damaged.iter().map(|file| file.event_date).collect();
        let note = Note { days, objects, rows, had: aside.had.clone() };
        let text = serde_json::to_vec(&note).map_err(Error::encode("given-up"))?;
        self.block_on(self.location().put(&format!("{FOLDER}/{}.json", Uuid::new_v4().simple()), text.into()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_folded_before_is_known() {
        let note = Note { days: [Some(3), None].into(), objects: BTreeMap::new(), rows: 0, had: Vec::new() };
        let span = Some((10, 20));
        assert!(note.knows(span, Some(3), Some(10)) && note.knows(span, Some(3), Some(20)));
        // Of a day that was not lost; from before, or since; of an object without times.
        assert!(!note.knows(span, Some(4), Some(15)));
        assert!(!note.knows(span, Some(3), Some(9)) && !note.knows(span, Some(3), Some(21)));
        assert!(!note.knows(None, Some(3), Some(15)));
        assert!(note.knows(None, None, None) && note.knows(span, None, None));
    }
}
