//! Damage mended: the damaged file is copied aside, and the objects that its rows came from are named, to be read again.
//! Rows that are still there are found as duplicates then, so exactly the lost ones come back. A damaged file of `events`
//! leaves the table in the commit that brings its rows back, so that a repair which dies is begun again.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use object_store::ObjectStoreExt;

use crate::encode::Encoded;
use crate::error::{Error, Result};
use crate::fault;
use crate::given_up::Span;
use crate::lake::Lake;
use crate::read;
use crate::schema::{DIGESTED, EVENTS, OBJECTS, REJECTS};
use crate::stage::store_as;

use super::check::{Checked, Damage};
use crate::table::DataFile;

/// Where damaged files are set aside, within the lake.
pub(crate) const QUARANTINE: &str = "_trailhound/quarantine";
pub(super) const DAY_MICROS: i64 = 86_400_000_000;

/// SHA-256 of objects, by name.
type Sums = BTreeMap<String, BTreeSet<String>>;

/// What was taken out, and where its rows may come from again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetAside {
    /// Damaged files, in all tables.
    pub files: u64,
    /// Those of `events`, which stand until their rows are back.
    pub damaged: Vec<DataFile>,
    /// Rows of `events` in them.
    pub rows: u64,
    /// Objects that may hold those rows, each with its first and last event.
    pub objects: BTreeMap<String, Span>,
    /// SHA-256 of their inflated text in hex, as often as they were read.
    pub(crate) sums: Sums,
    /// Rows of the days of the damaged files, before.
    pub(crate) had: Vec<(i32, u64)>,
    /// Rows of the damaged files of other tables, by table.
    pub beside: BTreeMap<&'static str, u64>,
}

impl SetAside {
    /// Whether a table loses rows that no reading of the same objects brings back.
    pub fn is_forgetful(&self) -> bool {
        self.beside.keys().any(|table| !matches!(*table, OBJECTS | DIGESTED | REJECTS))
    }
}

impl Lake {
    /// Copies the damaged files of a check aside. All of them stand until [`Ingest::repairing`](crate::Ingest::repairing),
    /// [`Lake::give_up`] and [`Lake::drop_beside`] take them out.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn set_aside(&self, checked: &Checked) -> Result<SetAside> {
        let mut aside = SetAside::default();
        let mut days = Vec::new();
        for damage in checked.damaged.iter().filter(|damage| damage.truth.is_none()) {
            self.quarantine(damage)?;
            fault::point("repair.quarantined");
            aside.files += 1;
            if damage.table == EVENTS {
                aside.rows += damage.rows;
                aside.damaged.push(damage.data.clone());
                days.push(damage.data.event_date);
                continue;
            }
            *aside.beside.entry(damage.table).or_default() += damage.rows;
        }
        let there = self.rows_of_days()?;
        aside.had = there.into_iter().filter(|(day, _)| days.contains(&Some(*day))).collect();
        let ledger = checked.damaged.iter().filter(|damage| damage.table == OBJECTS);
        let ledger: Vec<_> = ledger.map(|damage| damage.data.path.as_str()).collect();
        (aside.objects, aside.sums) = self.objects_of(&days, &ledger)?;
        Ok(aside)
    }

    /// Gives files of which only the log's words are wrong to the table once more, with the day and times of their rows. Names
    /// them.
    ///
    /// # Errors
    /// The store or the log cannot be written.
    pub fn tell_again(&mut self, checked: &Checked) -> Result<Vec<String>> {
        let mut told = Vec::new();
        for damage in &checked.damaged {
            let Some((day, times)) = damage.truth else { continue };
            let Ok(bytes) = self.intact(EVENTS, &damage.data)? else { continue };
            let name = damage.data.path.rsplit('/').next().unwrap_or_default();
            let kind = name.split('-').next().unwrap_or_default();
            let encoded = Encoded { bytes: bytes.to_vec(), rows: damage.rows, times };
            let again = store_as(kind, self.location(), self.handle(), EVENTS, Some(day), encoded)?;
            if self.exchange(EVENTS, std::slice::from_ref(&damage.data), &[again], false)? {
                told.push(damage.file.clone());
            }
        }
        Ok(told)
    }

    /// Takes the damaged files of a check out of the tables beside `events`.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn drop_beside(&mut self, checked: &Checked) -> Result<()> {
        for damage in checked.damaged.iter().filter(|damage| damage.table != EVENTS) {
            self.exchange(damage.table, std::slice::from_ref(&damage.data), &[], true)?;
        }
        Ok(())
    }

    /// Takes damaged files out of `events` whose rows nothing brings back.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn give_up(&mut self, aside: &SetAside) -> Result<()> {
        self.note_given_up(aside, &BTreeSet::new(), aside.rows)?;
        fault::point("repair.noted");
        for file in &aside.damaged {
            self.exchange(EVENTS, std::slice::from_ref(file), &[], true)?;
        }
        fault::point("repair.removed");
        Ok(())
    }

    /// Copies what is left of a file.
    fn quarantine(&self, damage: &Damage) -> Result<()> {
        let from = self.location().path(&damage.file);
        let to = self.location().path(&format!("{QUARANTINE}/{}", damage.file));
        match self.block_on(self.location().root().copy(&from, &to)) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::store(damage.file.clone())(error)),
        }
    }

    /// Objects in the ledger, but for damaged files of it, with events of one of the days. An object without times may hold rows without one.
    fn objects_of(&self, days: &[Option<i32>], damaged: &[&str]) -> Result<(BTreeMap<String, Span>, Sums)> {
        let (mut objects, mut sums) = (BTreeMap::new(), Sums::new());
        let columns = ["object", "sha256", "first_event", "last_event"];
        let ledger = if days.is_empty() { Vec::new() } else { self.files(OBJECTS)? };
        for file in ledger.into_iter().filter(|file| !damaged.contains(&file.path.as_str())) {
            read::file(self, OBJECTS, &file, Some(&columns), &mut |batch| {
                let (names, hashes) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
                let time = |column: usize, row: usize| {
                    let times = batch.column(column).as_primitive::<TimestampMicrosecondType>();
                    times.is_valid(row).then(|| times.value(row))
                };
                for row in 0..batch.num_rows() {
                    let span = time(2, row).zip(time(3, row));
                    if days.iter().any(|day| touches(span, *day)) {
                        if hashes.is_valid(row) {
                            sums.entry(names.value(row).to_owned()).or_default().insert(hashes.value(row).to_owned());
                        }
                        // An object that was read again has a row for each time.
                        let known: &mut Span = objects.entry(names.value(row).to_owned()).or_default();
                        *known = match (*known, span) {
                            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
                            (a, b) => a.or(b),
                        };
                    }
                }
                Ok(())
            })?;
        }
        Ok((objects, sums))
    }
}

/// Whether an object with events of this span may hold some of a day.
fn touches(span: Span, day: Option<i32>) -> bool {
    match (day, span) {
        (Some(day), Some((first, last))) => {
            (first.div_euclid(DAY_MICROS)..=last.div_euclid(DAY_MICROS)).contains(&i64::from(day))
        }
        (Some(_), None) => false,
        (None, _) => true,
    }
}
