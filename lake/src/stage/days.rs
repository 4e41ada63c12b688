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
/// Rows of a day that do not wait any longer: a row group of them.
const GROUP_ROWS: usize = 64 << 10;

/// Open files by day.
pub(super) struct Days {
    files: FreshWriter,
    open: BTreeMap<Option<i32>, Day>,
    puts: Puts,
    budget: usize,
}

/// One day: its open file, and rows that wait for it.
#[derive(Default)]
struct Day {
    file: Option<FreshFile>,
    waiting: Vec<RecordBatch>,
    rows: usize,
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
        Ok(Days { files, open: BTreeMap::new(), puts, budget: OPEN_BYTES / encoders })
    }

    /// Takes rows; those of a day that has enough of them become a row group.
    pub(super) fn rows(&mut self, parts: Vec<Part>) -> Result<()> {
        for (date, part) in parts {
            let day = self.open.entry(date).or_default();
            day.rows += part.num_rows();
            day.waiting.push(part);
            if day.rows >= GROUP_ROWS {
                day.encode(&mut self.files)?;
                self.make_room(date)?;
            }
        }
        Ok(())
    }

    /// Encodes all rows that wait.
    pub(super) fn encode(&mut self) -> Result<()> {
        let dates: Vec<_> = self.open.keys().copied().collect();
        for date in dates {
            if let Some(day) = self.open.get_mut(&date) {
                day.encode(&mut self.files)?;
            }
            self.make_room(date)?;
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
        while self.open.values().map(Day::bytes).sum::<usize>() > self.budget {
            let largest = self.open.iter().max_by_key(|(_, day)| day.bytes()).map(|(date, _)| *date);
            let Some(largest) = largest else { break };
            self.close(largest)?;
        }
        Ok(())
    }

    fn close(&mut self, date: Option<i32>) -> Result<()> {
        fault::point("events.close");
        let Some(mut day) = self.open.remove(&date) else { return Ok(()) };
        day.encode(&mut self.files)?;
        match day.file {
            Some(file) => self.puts.put(date, file.finish(EVENTS)?),
            None => Ok(()),
        }
    }
}
