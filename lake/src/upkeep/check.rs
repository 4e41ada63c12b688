//! Whether a lake is what was written: every file there, of its size, with its checksum and rows, and no event twice.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use ingest::batch;
use ingest::seen::Seen;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::repair::DAY_MICROS;
use crate::encode::Times;
use crate::error::{Error, Result};
use crate::lake::Lake;
use crate::log::{self, LogFault};
use crate::manifest;
use crate::read;
use crate::said::{Astray, Stranger};
use crate::schema::{BESIDE, EVENTS, SIDE};
use crate::stage::hex;
use crate::table::{DataFile, date_text};

/// A file that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The table.
    pub table: &'static str,
    /// The file, within the lake.
    pub file: String,
    /// What is wrong.
    pub why: String,
    /// Rows that the log says it has.
    pub rows: u64,
    #[serde(skip)]
    pub(crate) data: DataFile,
    /// What its rows say, where only the log's words about it are wrong: a question would pass it over.
    #[serde(skip)]
    pub(crate) truth: Option<Truth>,
}

/// The day and the first and last time of a file's rows.
pub(crate) type Truth = (Option<i32>, Option<(i64, i64)>);

/// What is wrong with a file.
struct Wrong {
    why: String,
    truth: Option<Truth>,
}

impl From<String> for Wrong {
    fn from(why: String) -> Wrong {
        Wrong { why, truth: None }
    }
}

/// What was looked for, or what is wrong with it.
pub(super) type Found<T> = std::result::Result<T, String>;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Files looked at.
    pub files: u64,
    /// Bytes looked at.
    pub bytes: u64,
    /// Rows of `events`.
    pub rows: u64,
    /// Rows of `events` that repeat an earlier one, by day.
    pub duplicates: BTreeMap<String, u64>,
    /// Files that are not what was written.
    pub damaged: Vec<Damage>,
    /// Commits that are missing or empty, and manifests of unfinished batches that cannot be read.
    pub log: Vec<LogFault>,
    /// Rows that other programs took out of tables, as far as the log goes back.
    pub taken_by_others: Vec<Stranger>,
    /// Tables beside `events` that lack the last batch yet: a writer died between, and the next one adds it.
    pub unfinished: Vec<&'static str>,
    /// What the log has lost of each table.
    #[serde(skip)]
    pub(crate) astray: Vec<(&'static str, Astray)>,
    /// Events that repairs gave up; whoever found their objects has ingested some of them again.
    pub given_up: u64,
    /// Files in the store that no table names; `lake expire` deletes old ones.
    pub unnamed: u64,
}

impl Checked {
    /// Whether all is well.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.duplicates.is_empty() && self.log.is_empty()
    }
}

impl Lake {
    /// Reads every byte of every data file of the snapshot.
    ///
    /// # Errors
    /// The log, or a file that may well be sound, cannot be read: a look that failed says nothing of a file, and whoever
    /// repairs must not take it for damage. What is wrong with a file is in the answer.
    pub fn check(&self) -> Result<Checked> {
        let mut checked = Checked { given_up: self.given_up_rows()?, ..self.check_log()? };
        for table in std::iter::once(&EVENTS).chain(BESIDE) {
            let mut files = self.files(table)?;
            files.sort_by_key(|file| file.event_date);
            let mut day = None;
            let mut seen = Seen::new();
            for file in files {
                if day.replace(file.event_date) != Some(file.event_date) {
                    seen = Seen::new();
                }
                checked.files += 1;
                checked.bytes += file.bytes;
                if let Err(Wrong { why, truth }) = self.check_file(table, &file, &mut seen, &mut checked)? {
                    let name = format!("{table}/{}", file.path);
                    checked.damaged.push(Damage { table, file: name, why, rows: file.rows, data: file, truth });
                }
            }
        }
        let named = self.named()?;
        for table in std::iter::once(&EVENTS).chain(BESIDE) {
            checked.unnamed += self.list(table)?.iter().filter(|m| !named.contains(m.location.as_ref())).count() as u64;
        }
        Ok(checked)
    }

    /// [`Lake::check`] of Delta's log and of batches alone.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn check_log(&self) -> Result<Checked> {
        let mut checked = Checked { log: self.log_faults()?, ..Checked::default() };
        for table in std::iter::once(&EVENTS).chain(BESIDE).filter(|table| self.has(table)) {
            let (astray, strangers) = self.astray(table)?;
            checked.log.extend(astray.faults(table));
            checked.astray.push((table, astray));
            checked.taken_by_others.extend(strangers);
        }
        // Without a batch's mark the tables beside `events` look as if they had one too many.
        let is_unmarked = checked.astray.iter().any(|(table, astray)| *table == EVENTS && !astray.unmarked.is_empty());
        checked.log.retain(|fault| !(is_unmarked && fault.file == log::folder(EVENTS)));
        checked.log.extend(self.beside_faults()?);
        let last = self.last_batch()?;
        for table in SIDE.iter().filter(|table| self.has(table)) {
            if self.block_on(self.table(table)?.transaction(manifest::APPLICATION))? < last {
                checked.unfinished.push(table);
            }
        }
        Ok(checked)
    }

    /// The bytes of a file, if they are those that were written; else what is wrong with them.
    ///
    /// # Errors
    /// They cannot be read, for want of rights, of a network, of a disk that answers: whether they are sound is not known.
    pub(super) fn intact(&self, table: &'static str, file: &DataFile) -> Result<Found<bytes::Bytes>> {
        let bytes = match self.block_on(self.location().get(&format!("{table}/{}", file.path))) {
            Ok(bytes) => bytes,
            Err(Error::Store { source: object_store::Error::NotFound { .. }, .. }) => {
                return Ok(Err("the file is missing".to_owned()));
            }
            Err(error) => return Err(error),
        };
        if bytes.len() as u64 != file.bytes {
            return Ok(Err(format!("{} bytes instead of {}", bytes.len(), file.bytes)));
        }
        Ok(match file.sha256() {
            Some(sha256) if sha256 != hex(&Sha256::digest(&bytes)) => {
                Err("the bytes do not have the checksum that was written".to_owned())
            }
            _ => Ok(bytes),
        })
    }

    fn check_file(
        &self,
        table: &'static str,
        file: &DataFile,
        seen: &mut Seen,
        checked: &mut Checked,
    ) -> Result<std::result::Result<(), Wrong>> {
        let bytes = match self.intact(table, file)? {
            Ok(bytes) => bytes,
            Err(why) => return Ok(Err(why.into())),
        };
        let mut times = Times::default();
        let mut rows = 0;
        let mut repeated = 0;
        let take = &mut |batch: RecordBatch| {
            if table == EVENTS {
                times.note(&batch, rows);
                repeated += repeats(&batch, seen)?;
            }
            rows += batch.num_rows() as u64;
            Ok(())
        };
        match read::bytes(self, table, file, bytes, None, take) {
            Ok(()) => {}
            Err(Error::Damaged { why, .. }) => return Ok(Err(why.into())),
            Err(error) => return Err(error),
        }
        if rows != file.rows {
            return Ok(Err(format!("{rows} rows instead of {}", file.rows).into()));
        }
        if table == EVENTS {
            checked.rows += rows;
            if repeated > 0 {
                *checked.duplicates.entry(file.event_date.map_or_else(String::new, date_text)).or_default() += repeated;
            }
            return Ok(misread(file, times.span()).map_or(Ok(()), Err));
        }
        Ok(Ok(()))
    }
}

/// The log's words about a file of `events`, if its rows say something else. Words of other programs may be fewer.
fn misread(file: &DataFile, times: Option<(i64, i64)>) -> Option<Wrong> {
    let (first, last) = times?;
    let day = i32::try_from(first.div_euclid(DAY_MICROS)).ok();
    // A log keeps milliseconds.
    let near = |a: i64, b: i64| a.abs_diff(b) < 1000;
    let is_told = file.times.is_none_or(|(a, b)| near(a, first) && near(b, last));
    if is_told && file.event_date == day {
        return None;
    }
    let why = "the log says another day or other times of it than its rows, so that questions pass it over";
    Some(Wrong { why: why.to_owned(), truth: Some((day, Some((first, last)))) })
}

fn repeats(events: &RecordBatch, seen: &mut Seen) -> Result<u64> {
    // Only rows with an id can repeat.
    debug_assert!(!matches!(batch::text(events, "eventid"), batch::TextColumn::Missing));
    let repeated = seen.duplicates(events);
    let repeated =
        repeated.map_err(|source| Error::Io { what: "temporary files for duplicates".to_owned(), source })?;
    Ok(repeated.len() as u64)
}
