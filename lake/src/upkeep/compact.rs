//! Many small files of a day become few large ones, sorted: what to put together, and the exchange.
//!
//! The rows themselves come sorted from a caller with a query engine, which can sort more than fits into memory.
//! A second compaction of the same files finds nothing to do; one that was overtaken leaves garbage and no trace.

use arrow::array::RecordBatch;

use crate::encode::{FileWriter, Layout, Sizes};
use crate::error::{Error, Result};
use crate::fault;
use crate::lake::Lake;
use crate::schema::{ACTIVITY, ALERTS, BESIDE, COVERAGE, EVENTS, LAST_USED};
use crate::stage::store_as;
use crate::table::DataFile;

/// A sorted file of this size is left alone.
const LARGE_BYTES: u64 = 96 << 20;
/// A new file is closed at this size.
const FILE_BYTES: usize = 256 << 20;
/// A table beside `events` is compacted when it has so many unsorted files.
const SIDE_FILES: usize = 16;

/// What sorted files are called; all others are as they came.
const SORTED: &str = "sorted";

/// How the rows of the tables are sorted.
pub fn order(table: &str) -> &'static [&'static str] {
    match table {
        EVENTS => &["recipientaccountid", "eventsource", "eventname", "eventtime"],
        COVERAGE => &["account", "region", "hour"],
        LAST_USED => &["principal", "action"],
        ALERTS => &["fingerprint", "at"],
        ACTIVITY => &["kind", "subject", "name", "moment"],
        _ => &["object"],
    }
}

/// Files to put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bin {
    /// The table.
    pub table: &'static str,
    /// Its files, all of one day.
    pub files: Vec<DataFile>,
    /// Whether rows of one key are merged, and not only put together.
    pub merged: bool,
}

/// What came of a bin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Files taken away.
    pub removed: u64,
    /// Files put in their place; with none removed, somebody else was faster.
    pub added: u64,
    /// Bytes before.
    pub bytes_before: u64,
    /// Bytes after.
    pub bytes_after: u64,
}

fn is_sorted(file: &DataFile) -> bool {
    file.path.rsplit('/').next().is_some_and(|name| name.starts_with(SORTED))
}

impl Lake {
    /// What a compaction would put together, oldest day first.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn bins(&self) -> Result<Vec<Bin>> {
        self.bins_below(LARGE_BYTES)
    }

    /// [`Lake::bins`], where sorted files of so many bytes are left alone.
    pub(crate) fn bins_below(&self, large: u64) -> Result<Vec<Bin>> {
        let mut files = self.files(EVENTS)?;
        files.retain(|file| !(is_sorted(file) && file.bytes >= large));
        files.sort_by_key(|file| file.event_date);
        let days = files.chunk_by(|a, b| a.event_date == b.event_date);
        let worth = |day: &&[DataFile]| day.len() > 1 || day.iter().any(|file| !is_sorted(file));
        let mut bins: Vec<_> =
            days.filter(worth).map(|day| Bin { table: EVENTS, files: day.to_vec(), merged: false }).collect();
        for table in BESIDE.iter().copied() {
            let files = self.files(table)?;
            if files.iter().filter(|file| !is_sorted(file)).count() >= SIDE_FILES {
                bins.push(Bin { table, files, merged: matches!(table, COVERAGE | LAST_USED | ACTIVITY) });
            }
        }
        Ok(bins)
    }

    /// Writes a bin's rows, given in [`order`], to new files and puts them in the old ones' place.
    ///
    /// # Errors
    /// The rows are not those of the bin; a file cannot be written; the caller's error.
    pub fn rewrite<E: std::error::Error + Send + Sync + 'static>(
        &mut self,
        bin: &Bin,
        rows: impl Iterator<Item = std::result::Result<RecordBatch, E>>,
    ) -> Result<Rewritten> {
        self.rewrite_to(bin, rows, FILE_BYTES)
    }

    /// [`Lake::rewrite`] to files of so many bytes.
    pub(crate) fn rewrite_to<E: std::error::Error + Send + Sync + 'static>(
        &mut self,
        bin: &Bin,
        rows: impl Iterator<Item = std::result::Result<RecordBatch, E>>,
        file_bytes: usize,
    ) -> Result<Rewritten> {
        fault::point("compact.begin");
        if self.table(bin.table)?.is_newer()? {
            return Err(Error::Newer { table: bin.table });
        }
        // What a new file holds is taken for what was written: damage must not get a new checksum.
        let mut sizes = Sizes::default();
        for file in &bin.files {
            let damaged = |why| Error::Damaged { file: format!("{}/{}", bin.table, file.path), why };
            let bytes = self.intact(bin.table, file)?.map_err(damaged)?;
            sizes.note(&bytes).map_err(|error| damaged(error.to_string()))?;
        }
        let expected: u64 = bin.files.iter().map(|file| file.rows).sum();
        let schema = self.spec(bin.table).schema;
        let day = (bin.table == EVENTS).then(|| bin.files.first().and_then(|file| file.event_date));
        let mut added = Vec::new();
        let mut open: Option<FileWriter> = None;
        let mut written = 0;
        for batch in rows {
            let batch = batch.map_err(Error::encode(bin.table))?;
            let file = match &mut open {
                Some(file) => file,
                None => open.insert(FileWriter::new(bin.table, &schema, Layout::Compact(&sizes))?),
            };
            fault::point("compact.encode");
            file.write(&batch)?;
            written += batch.num_rows() as u64;
            if file.bytes() >= file_bytes
                && let Some(full) = open.take()
            {
                added.push(store_as(SORTED, self.location(), self.handle(), bin.table, day, full.finish()?)?);
            }
        }
        if let Some(last) = open {
            added.push(store_as(SORTED, self.location(), self.handle(), bin.table, day, last.finish()?)?);
        }
        // Never trade rows for fewer rows, whatever went wrong on the way.
        if written != expected && !(bin.merged && written <= expected && written > 0) {
            let source = std::io::Error::other(format!("{written} of {expected} rows came"));
            return Err(Error::Io { what: format!("{} was not compacted", bin.table), source });
        }
        fault::point("compact.stored");
        fault::point("compact.commit.before");
        let done = self.exchange(bin.table, &bin.files, &added, false)?;
        fault::point("compact.commit.after");
        let bytes = |files: &[DataFile]| files.iter().map(|file| file.bytes).sum();
        Ok(match done {
            false => Rewritten::default(),
            true => Rewritten {
                removed: bin.files.len() as u64,
                added: added.len() as u64,
                bytes_before: bytes(&bin.files),
                bytes_after: bytes(&added),
            },
        })
    }
}
