//! How a lake stands, from its log alone: no data file is read.

use serde::Serialize;

use crate::error::Result;
use crate::lake::Lake;
use crate::schema::{BESIDE, EVENTS};
use crate::table::date_text;

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableStatus {
    /// Its name.
    pub table: &'static str,
    /// Its version: one a commit.
    pub version: u64,
    /// Data files.
    pub files: u64,
    /// Rows.
    pub rows: u64,
    /// Bytes of the data files.
    pub bytes: u64,
}

/// A lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// As the user wrote it.
    pub lake: String,
    /// The tables; `events` first.
    pub tables: Vec<TableStatus>,
    /// First and last day with events.
    pub days: Option<(String, String)>,
    /// Smallest and greatest `eventtime` in microseconds, where the log knows them.
    pub times: Option<(i64, i64)>,
    /// Groups of files that a compaction would put together.
    pub bins: u64,
}

impl Lake {
    /// How the lake stands.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn status(&self) -> Result<Status> {
        let mut tables = Vec::new();
        for name in std::iter::once(&EVENTS).chain(BESIDE) {
            let files = self.files(name)?;
            tables.push(TableStatus {
                table: name,
                version: self.tables.get(name).map_or(0, crate::table::Table::version),
                files: files.len() as u64,
                rows: files.iter().map(|file| file.rows).sum(),
                bytes: files.iter().map(|file| file.bytes).sum(),
            });
        }
        let files = self.files(EVENTS)?;
        let days = files.iter().filter_map(|file| file.event_date);
        let days = days.clone().min().zip(days.max()).map(|(first, last)| (date_text(first), date_text(last)));
        let times = files.iter().filter_map(|file| file.times);
        let times = times.clone().map(|t| t.0).min().zip(times.map(|t| t.1).max());
        let bins = self.bins()?.len() as u64;
        Ok(Status { lake: self.location().name().to_owned(), tables, days, times, bins })
    }
}
