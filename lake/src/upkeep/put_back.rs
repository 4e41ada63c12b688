//! What Delta's log has lost of a table, given to it again: files whose commit says that it put them in, marks of batches; and files
//! that a commit took out, taken out again.
//!
//! Rows of such a file may have come again meanwhile, from their objects: those stay out. Must not know how the log was damaged.

use std::collections::BTreeSet;

use ingest::seen::Seen;

use super::check::{Checked, Damage};
use super::{APPLICATION, number_after};
use crate::error::{Error, Result};
use crate::ingest::{remember, without_known};
use crate::lake::{ATTEMPTS, Lake};
use crate::said::Astray;
use crate::schema::EVENTS;
use crate::table::{Change, Committed, DataFile};

/// What came of it.
#[derive(Debug, Default)]
pub struct PutBack {
    /// Files, within the lake, that their tables have again.
    pub files: Vec<String>,
    /// What else the log says again, in words.
    pub told: Vec<String>,
    /// Rows of `events` that are there again.
    pub rows: u64,
    /// Whether rows of lost files had come again meanwhile: whatever counts events has counted those twice.
    pub came_again: bool,
    /// Files that are not in the store any more, or are damaged.
    pub missing: Vec<Damage>,
}

impl Lake {
    /// Gives the tables what a check found that their logs have lost.
    ///
    /// # Errors
    /// The store or the log cannot be read or written.
    pub fn put_back(&mut self, checked: &Checked) -> Result<PutBack> {
        let mut done = PutBack::default();
        let damaged: BTreeSet<&str> = checked.damaged.iter().map(|damage| damage.data.path.as_str()).collect();
        for (table, astray) in &checked.astray {
            let missing = done.missing.len();
            // Rows of files that will go are not there instead: a compaction whose commit was torn has both.
            let mut out = damaged.clone();
            if self.are_intact(table, astray)? {
                out.extend(astray.back.iter().map(|(_, file)| file.path.as_str()));
            }
            for (_, file) in &astray.lost {
                self.put_back_file(table, file, &out, &mut done)?;
            }
            // What took the place of these may be what is missing.
            if done.missing.len() == missing {
                for (_, file) in &astray.back {
                    self.exchange(table, std::slice::from_ref(file), &[], true)?;
                    done.told.push(format!("{table}/{}: taken out again", file.path));
                }
            }
            self.mark_again(table, astray)?;
            let marks = astray.unmarked.iter();
            done.told.extend(marks.map(|(version, name, number)| {
                format!("commit {version} of `{table}` is batch {number} of {name} again")
            }));
        }
        Ok(done)
    }

    /// Whether all files that a log has lost are what was written.
    fn are_intact(&self, table: &'static str, astray: &Astray) -> Result<bool> {
        for (_, file) in &astray.lost {
            if self.intact(table, file)?.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Gives a table the marks that its log has lost.
    pub(crate) fn mark_again(&mut self, table: &'static str, astray: &Astray) -> Result<()> {
        for (_, application, number) in &astray.unmarked {
            let change = Change { add: &[], remove: &[], rows_change: false, application, number: *number, also: None };
            // Whoever commits first has looked at this table with the mark missing, too: the next repair tells.
            self.commit(table, change)?;
        }
        Ok(())
    }

    /// Lets go of files that are not there to be put back, once their rows have come from elsewhere or are given up.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn let_go(&mut self, missing: &[Damage]) -> Result<()> {
        for damage in missing {
            self.answer(damage.table, &damage.data.path, &[], std::slice::from_ref(&damage.data))?;
        }
        Ok(())
    }

    /// Commits what becomes of a file that a table should have and has not; `false` where another repair has put it back.
    fn answer(&mut self, table: &'static str, path: &str, add: &[DataFile], remove: &[DataFile]) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            if self.files(table)?.iter().any(|there| there.path == path) {
                return Ok(false);
            }
            let number = number_after(self.block_on(self.table(table)?.transaction(APPLICATION))?);
            let change = Change { add, remove, rows_change: true, application: APPLICATION, number, also: None };
            if self.commit(table, change)? == Committed::Yes {
                return Ok(true);
            }
        }
        Err(Error::Busy { table, attempts: ATTEMPTS })
    }

    fn put_back_file(
        &mut self,
        table: &'static str,
        file: &DataFile,
        damaged: &BTreeSet<&str>,
        done: &mut PutBack,
    ) -> Result<()> {
        let name = format!("{table}/{}", file.path);
        let kept = if table == EVENTS { self.kept_from()? } else { None };
        if file.event_date.zip(kept).is_some_and(|(day, kept)| day < kept) {
            if self.answer(table, &file.path, &[], std::slice::from_ref(file))? {
                done.told.push(format!("{name}: of a day that `lake expire` took away, and stays out"));
            }
            return Ok(());
        }
        if let Err(why) = self.intact(table, file)? {
            let why = format!("Delta's log has lost it, and {why}");
            done.missing.push(Damage { table, file: name, why, rows: file.rows, data: file.clone(), truth: None });
            return Ok(());
        }
        let fresh = match table {
            EVENTS => self.fresh_rows(file, damaged)?,
            _ => None,
        };
        let (add, remove, rows) = match &fresh {
            None => (vec![file.clone()], Vec::new(), file.rows),
            // The file itself stays out, and its commit is answered.
            Some(fresh) => {
                done.came_again = true;
                let add = Vec::from_iter((fresh.rows > 0).then(|| fresh.clone()));
                (add, vec![file.clone()], fresh.rows)
            }
        };
        if self.answer(table, &file.path, &add, &remove)? {
            done.files.push(name);
            done.rows += if table == EVENTS { rows } else { 0 };
        }
        Ok(())
    }

    /// A file of `events` without the rows that others of its day have, but for damaged ones, if it has such rows.
    fn fresh_rows(&self, file: &DataFile, damaged: &BTreeSet<&str>) -> Result<Option<DataFile>> {
        let (mut seen, mut has_nameless) = (Seen::new(), false);
        let others = self.files(EVENTS)?;
        let of_its_day = |other: &&DataFile| other.event_date == file.event_date && !damaged.contains(&*other.path);
        for other in others.iter().filter(of_its_day) {
            has_nameless |= remember(self, other, &mut seen)?;
        }
        without_known(self, file, &mut seen, has_nameless, &mut |_| {})
    }
}
