//! The open files of one encoder, by day, and the rows that wait for them.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tokio::runtime::Handle;

use super::Part;
use super::put::Puts;
use crate::encode::fresh::{FreshFile, FreshWriter};
use crate::error::Result;
use crate::fault;
use crate::location::Location;
use crate::schema::EVENTS;
use crate::table::DataFile;

/// Memory of all open files of all encoders together, in bytes.
const OPEN_BYTES: usize = 128 << 20;
/// A file of this size is closed.
const FILE_BYTES: usize = 64 << 20;
/// Days that all encoders together have open, with a file or with rows that wait: each takes some ten kilobytes, however little
/// is in it. More than a year of them, so that no honest trail is written in pieces.
const OPEN_DAYS: usize = 512;
/// Rows of a day that do not wait any longer: a row group of them.
const GROUP_ROWS: usize = 64 << 10;

/// Open files by day.
pub(super) struct Days {
    files: FreshWriter,
    open: BTreeMap<Option<i32>, Day>,
    puts: Puts,
    budget: usize,
    most: usize,
    /// Bytes of the open files.
    bytes: usize,
    /// Counts the days that got rows.
    turn: u64,
}

/// One day: its open file, and rows that wait for it.
#[derive(Default)]
struct Day {
    file: Option<FreshFile>,
    waiting: Vec<RecordBatch>,
    rows: usize,
    /// When it last got some.
    turn: u64,
}

impl Day {
    fn bytes(&self) -> usize {
        self.file.as_ref().map_or(0, FreshFile::bytes)
    }

    fn encode(&mut self, files: &mut FreshWriter) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        fault::point("events.encode");
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(files.file()?),
        };
        self.rows = 0;
        files.row_group(file, &std::mem::take(&mut self.waiting))
    }
}

impl Days {
    /// None open; one of `encoders` that share the memory.
    pub(super) fn new(location: &Location, handle: &Handle, schema: &SchemaRef, encoders: usize) -> Result<Days> {
        let files = FreshWriter::new(EVENTS, schema)?;
        let puts = Puts::new(location, handle);
        let most = (fault::limit("TRAILHOUND_OPEN_DAYS", OPEN_DAYS) / encoders).max(1);
        Ok(Days { files, open: BTreeMap::new(), puts, budget: OPEN_BYTES / encoders, most, bytes: 0, turn: 0 })
    }

    /// Takes rows; those of a day that has enough of them become a row group.
    pub(super) fn rows(&mut self, parts: Vec<Part>) -> Result<()> {
        for (date, part) in parts {
            if self.open.len() >= self.most && !self.open.contains_key(&date) {
                let oldest = self.open.iter().min_by_key(|(_, day)| day.turn).map(|(date, _)| *date);
                oldest.map_or(Ok(()), |oldest| self.close(oldest))?;
            }
            self.turn += 1;
            let day = self.open.entry(date).or_default();
            day.turn = self.turn;
            day.rows += part.num_rows();
            day.waiting.push(part);
            if day.rows >= GROUP_ROWS {
                self.encode_day(date)?;
            }
        }
        Ok(())
    }

    /// Encodes the rows of a day that wait.
    fn encode_day(&mut self, date: Option<i32>) -> Result<()> {
        if let Some(day) = self.open.get_mut(&date) {
            let before = day.bytes();
            day.encode(&mut self.files)?;
            self.bytes += day.bytes().saturating_sub(before);
        }
        self.make_room(date)
    }

    /// Encodes all rows that wait.
    pub(super) fn encode(&mut self) -> Result<()> {
        let dates: Vec<_> = self.open.keys().copied().collect();
        for date in dates {
            self.encode_day(date)?;
        }
        Ok(())
    }

    /// Closes every file; all files put into the store since the last time.
    pub(super) fn finish(&mut self) -> Result<Vec<DataFile>> {
        while let Some(date) = self.open.keys().next().copied() {
            self.close(date)?;
        }
        self.puts.finish()
    }

    /// Closes a file that is large, and the largest ones while all of them take too much memory.
    fn make_room(&mut self, date: Option<i32>) -> Result<()> {
        if self.open.get(&date).is_some_and(|day| day.bytes() >= FILE_BYTES) {
            self.close(date)?;
        }
        while self.bytes > self.budget {
            let largest = self.open.iter().max_by_key(|(_, day)| day.bytes()).map(|(date, _)| *date);
            let Some(largest) = largest else { break };
            self.close(largest)?;
        }
        Ok(())
    }

    fn close(&mut self, date: Option<i32>) -> Result<()> {
        fault::point("events.close");
        let Some(mut day) = self.open.remove(&date) else { return Ok(()) };
        self.bytes = self.bytes.saturating_sub(day.bytes());
        day.encode(&mut self.files)?;
        match day.file {
            Some(file) => self.puts.put(date, file.finish(EVENTS)?),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use ingest::columns::batch_from_json;

    use super::*;
    use crate::location::Aws;

    /// A hostile file has a day for each of its events.
    #[test]
    fn few_days_are_open_however_many_there_are() {
        const OPEN: usize = 4;
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let place = folder.path().join("lake").to_string_lossy().into_owned();
        let location = runtime.block_on(Location::open(&place, &Aws::default())).unwrap();
        let schema = ingest::schema::event_schema();
        let mut days = Days::new(&location, runtime.handle(), &schema, 1).unwrap();
        days.most = OPEN;
        let row = batch_from_json(&[r#"{"eventTime":"2026-01-02T03:04:05Z","eventID":"a"}"#]).unwrap();
        for n in 0..90 {
            // Half of them of one day, which stays open.
            let date = Some(if n % 2 == 0 { 0 } else { n % 30 });
            days.rows(vec![(date, row.clone())]).unwrap();
            if n % 20 == 0 {
                days.encode().unwrap();
            }
            assert!(days.open.len() <= OPEN, "{}", days.open.len());
            assert_eq!(days.bytes, days.open.values().map(Day::bytes).sum::<usize>());
        }
        let mut found = BTreeMap::<_, u64>::new();
        let files = days.finish().unwrap();
        files.iter().for_each(|file| *found.entry(file.event_date).or_default() += file.rows);
        let wanted = (0..30).filter_map(|day| match day {
            0 => Some((Some(0), 45)),
            day => (day % 2 == 1).then_some((Some(day), 3)),
        });
        assert_eq!(found, wanted.collect());
        assert_eq!(files.iter().filter(|file| file.event_date == Some(0)).count(), 1);
    }
}
