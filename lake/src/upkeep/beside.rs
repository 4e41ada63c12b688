//! Whether the tables beside `events` know of all its rows, and `objects` and `coverage` made anew from them where they do not: a
//! table whose files or whose log somebody deleted is empty, and as sound as one to which nothing ever came.
//!
//! `last_used` and `activity` say themselves by how many batches they were made ([`super::refold`]). What `rejects`, `alerts` and
//! `digested` held cannot be made again. Must not know what rows mean.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use ingest::batch;
use ingest::reject::ObjectTotals;

use super::repair::DAY_MICROS;
use crate::coverage::Coverage;
use crate::error::{Error, Result};
use crate::lake::{ATTEMPTS, Lake};
use crate::log::LogFault;
use crate::manifest::APPLICATION;
use crate::read;
use crate::rows::{self, Object};
use crate::schema::{ACTIVITY, COVERAGE, EVENTS, LAST_USED, OBJECTS, REJECTS};
use crate::stage::store_rows;

/// Tables that every lake has had from its first batch on.
const ALWAYS: &[&str] = &[OBJECTS, REJECTS, COVERAGE, LAST_USED];
/// Tables that count each row of `events` once, and can be made anew from them.
pub(crate) const COUNTING: &[&str] = &[OBJECTS, COVERAGE];
/// Threads that read `events`.
const THREADS: usize = 2;

/// Rows of an object, and its first and last event.
type Rows = (u64, Option<(i64, i64)>);

impl Lake {
    /// Tables beside `events` that are gone, or count fewer rows than `events` has.
    pub(crate) fn beside_faults(&self) -> Result<Vec<LogFault>> {
        let mut faults = Vec::new();
        if self.batches()? == 0 {
            return Ok(faults);
        }
        let fault = |table: &str, why| LogFault::mendable(table.to_owned(), why);
        for table in ALWAYS.iter().filter(|table| !self.has(table)) {
            faults.push(fault(table, "the table is gone".to_owned()));
        }
        let last = self.last_batch()?;
        for table in COUNTING.iter().filter(|table| self.has(table)) {
            // Who has not got every batch yet counts less, and gets them with the next writer.
            if self.block_on(self.table(table)?.transaction(APPLICATION))? != last {
                continue;
            }
            match self.miscount(table) {
                // A damaged file is told as such.
                Err(Error::Damaged { .. } | Error::Store { source: object_store::Error::NotFound { .. }, .. }) => {}
                wrong => faults.extend(wrong?.map(|why| fault(table, why))),
            }
        }
        Ok(faults)
    }

    /// What a table that counts rows of `events` lacks of them, or has too much. The ledger knows no days, so what an expiry took away
    /// may hide it.
    fn miscount(&self, table: &'static str) -> Result<Option<String>> {
        if table != COVERAGE {
            let there = self.files(EVENTS)?.iter().map(|file| file.rows).sum::<u64>();
            let counted = self.counted(table)?;
            return Ok((counted < there).then(|| format!("it counts {counted} of {there} events: rows of it are gone")));
        }
        let (there, covered) = (self.rows_of_days()?, self.covered_days()?);
        let counted = |day: &i32| covered.get(day).copied().unwrap_or_default();
        let (mut fewer, mut more) = (there.clone(), self.had_before()?);
        fewer.retain(|day, rows| counted(day) < *rows);
        more.retain(|day, had| there.get(day).is_some_and(|rows| rows >= had && counted(day) > *rows));
        let told = |(day, _): (&i32, &u64), others: usize, why: &str| {
            let date = chrono::NaiveDate::default() + chrono::TimeDelta::days(i64::from(*day));
            let others =
                if others == 0 { String::new() } else { format!(", and as wrongly those of {others} other days") };
            let rows = there.get(day).copied().unwrap_or_default();
            format!("it counts {} where {rows} events of {date} are{others}: {why}", counted(day))
        };
        let gone = fewer.first_key_value().map(|day| told(day, fewer.len() - 1, "rows of it are gone"));
        let twice = "events that a repair gave up came again, and were counted twice";
        Ok(gone.or_else(|| more.first_key_value().map(|day| told(day, more.len() - 1, twice))))
    }

    /// Rows of `events` by day. Rows without a time are of no day, and cover nothing.
    pub(super) fn rows_of_days(&self) -> Result<BTreeMap<i32, u64>> {
        let mut days: BTreeMap<i32, u64> = BTreeMap::new();
        for (day, file) in self.files(EVENTS)?.iter().filter_map(|file| Some((file.event_date?, file))) {
            *days.entry(day).or_default() += file.rows;
        }
        Ok(days)
    }

    /// Rows of `events` that ever came, by a table that counts them.
    pub(crate) fn counted(&self, table: &'static str) -> Result<u64> {
        let mut sum = 0_u64;
        self.each_count(table, &["rows"], &mut |_, rows| sum = sum.saturating_add(rows))?;
        Ok(sum)
    }

    /// The same by day, as `coverage` has them.
    fn covered_days(&self) -> Result<BTreeMap<i32, u64>> {
        let mut days: BTreeMap<i32, u64> = BTreeMap::new();
        self.each_count(COVERAGE, &["hour", "rows"], &mut |hour, rows| {
            let day = i32::try_from(hour.unwrap_or_default().div_euclid(DAY_MICROS)).unwrap_or_default();
            let sum = days.entry(day).or_default();
            *sum = sum.saturating_add(rows);
        })?;
        Ok(days)
    }

    /// Every count of a table, with its hour where that is read, in microseconds.
    fn each_count(&self, table: &'static str, columns: &[&str], take: &mut dyn FnMut(Option<i64>, u64)) -> Result<()> {
        for file in self.files(table)? {
            // The Parquet crate takes a footer at its word: bytes that are not what was written must not reach it.
            let bytes = self.intact(table, &file)?;
            let damaged = |why| Error::Damaged { file: format!("{table}/{}", file.path), why };
            read::bytes(self, table, &file, bytes.map_err(damaged)?, Some(columns), &mut |batch| {
                let rows = batch.column_by_name("rows").and_then(|rows| rows.as_primitive_opt::<Int64Type>());
                let hours = batch.column_by_name("hour");
                let hours = hours.and_then(|hours| hours.as_primitive_opt::<TimestampMicrosecondType>());
                for (row, count) in rows.into_iter().flatten().enumerate() {
                    let hour = hours.filter(|hours| hours.is_valid(row)).map(|hours| hours.value(row));
                    take(hour, count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default());
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Events that the ledger counts and that are not there, with those of days that an expiry took away.
    ///
    /// # Errors
    /// A file of the ledger cannot be read.
    pub fn lacking(&self) -> Result<u64> {
        let there: u64 = self.files(EVENTS)?.iter().map(|file| file.rows).sum();
        Ok(self.counted(OBJECTS)?.saturating_sub(there))
    }

    /// Makes the tables that count too few rows of `events`, or some twice, anew, and names them. Who commits meanwhile, be it another repair,
    /// makes it count once more.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn count_again(&mut self) -> Result<Vec<&'static str>> {
        let mut done = Vec::new();
        for table in COUNTING.iter().copied() {
            for _ in 0..ATTEMPTS {
                // Nothing of a later batch is in either.
                self.memory()?;
                if self.miscount(table)?.is_none() {
                    break;
                }
                let old = self.files(table)?;
                let (old, batches) = match table {
                    OBJECTS => (Vec::new(), vec![self.objects_again()?]),
                    _ => (old, self.coverage_again()?),
                };
                let schema = self.spec(table).schema;
                let new = store_rows(self.location(), self.handle(), table, &schema, &batches)?;
                if self.exchange_now(table, &old, new.as_slice())? {
                    done.push(table);
                    break;
                }
            }
        }
        Ok(done)
    }

    /// Counts `events` anew in `coverage`, and lets the next compaction fold anew what was used: for events that were counted twice,
    /// because they came again before what Delta's log had lost of them was back. Whether the memory is to be folded anew: it
    /// is kept where it knows of events that are gone.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn recount(&mut self) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            self.memory()?;
            let (old, batches) = (self.files(COVERAGE)?, self.coverage_again()?);
            let schema = self.spec(COVERAGE).schema;
            let new = store_rows(self.location(), self.handle(), COVERAGE, &schema, &batches)?;
            if !self.exchange_now(COVERAGE, &old, new.as_slice())? {
                continue;
            }
            if self.has_lost_events()? {
                return Ok(false);
            }
            let memory = self.files(ACTIVITY)?;
            return self.exchange(ACTIVITY, &memory, &[], true);
        }
        Err(Error::Busy { table: COVERAGE, attempts: ATTEMPTS })
    }

    /// Rows for the ledger: what it lacks of each object's events. Without the object's time, the next ingest reads it again.
    fn objects_again(&self) -> Result<RecordBatch> {
        let mut objects: BTreeMap<String, Rows> = BTreeMap::new();
        self.fold_events(&mut |events| {
            let names = batch::text(events, "source_object");
            let times = batch::timestamp(events, "eventtime");
            for row in 0..events.num_rows() {
                let time = times.as_ref().filter(|times| times.is_valid(row)).map(|times| times.value(row));
                let name = names.get(row).unwrap_or_default();
                let object = match objects.get_mut(name) {
                    Some(object) => object,
                    None => objects.entry(name.to_owned()).or_default(),
                };
                object.0 += 1;
                let span = object.1.or(time.zip(time));
                object.1 = span.map(|(a, b)| (time.map_or(a, |time| a.min(time)), time.map_or(b, |time| b.max(time))));
            }
        })?;
        self.parts(OBJECTS, &mut |ledger| {
            let names = ledger.column_by_name("object").and_then(|names| names.as_string_opt::<i32>());
            let rows = ledger.column_by_name("rows").and_then(|rows| rows.as_primitive_opt::<Int64Type>());
            let Some((names, rows)) = names.zip(rows) else { return };
            for (name, rows) in names.iter().zip(rows) {
                if let Some(object) = name.and_then(|name| objects.get_mut(name)) {
                    object.0 = object.0.saturating_sub(rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0));
                }
            }
        })?;
        let lacking = objects.into_iter().filter(|(_, (rows, _))| *rows > 0);
        let lacking = lacking.map(|(name, (rows, times))| Object {
            totals: ObjectTotals { object: name, records_in: rows, rows, ..ObjectTotals::default() },
            times,
        });
        let lacking: Vec<_> = lacking.collect();
        rows::objects(&lacking, chrono::Utc::now().timestamp_micros()).map_err(Error::encode(OBJECTS))
    }

    /// What `events` covers, and what is still known of days that an expiry took away.
    fn coverage_again(&self) -> Result<Vec<RecordBatch>> {
        let mut coverage = Coverage::default();
        self.fold_events(&mut |events| coverage.observe(events))?;
        let mut batches = vec![coverage.take().map_err(Error::encode(COVERAGE))?];
        let Some(kept) = self.kept_from()? else { return Ok(batches) };
        let kept = i64::from(kept).saturating_mul(DAY_MICROS);
        let mut failed = None;
        self.parts(COVERAGE, &mut |old| {
            let hours =
                old.column_by_name("hour").and_then(|hours| hours.as_primitive_opt::<TimestampMicrosecondType>());
            let is_old = hours.map(|hours| hours.iter().map(|hour| hour.map(|hour| hour < kept)).collect());
            match is_old.map(|is_old| filter_record_batch(&old, &is_old)) {
                Some(Ok(rows)) => batches.push(rows),
                Some(Err(error)) => failed = Some(error),
                None => {}
            }
        })?;
        failed.map_or(Ok(batches), |error| Err(Error::encode(COVERAGE)(error)))
    }

    fn fold_events(&self, fold: &mut dyn FnMut(&RecordBatch)) -> Result<()> {
        let columns = ["eventtime", "recipientaccountid", "awsregion", "source_object"];
        self.events(Some(&columns), THREADS, &mut |events| {
            fold(&events);
            ControlFlow::Continue(())
        })
    }
}
