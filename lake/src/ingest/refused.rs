//! Records that an earlier reading of the same object refused: `rejects` has each of them once, however often it is read.
//!
//! Must not know why anything is refused.

use std::collections::HashSet;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use ingest::reject::Refused;

use super::Ingest;
use crate::error::Result;
use crate::read;
use crate::rows::Object;
use crate::schema::REJECTS;

/// What is refused, by object, offset and reason.
#[derive(Debug, Default)]
pub(crate) struct Told(HashSet<(String, Option<i64>, String)>);

impl Told {
    /// Whether `rejects` has it.
    pub(crate) fn has(&self, object: &str, refused: &Refused) -> bool {
        let offset = refused.offset.and_then(|at| i64::try_from(at).ok());
        !self.0.is_empty() && self.0.contains(&(object.to_owned(), offset, refused.reason.name().to_owned()))
    }
}

impl Ingest<'_> {
    /// What `rejects` has of the objects of a batch; nothing is read where nothing of them is refused.
    pub(super) fn told(&self, objects: &[Object]) -> Result<Told> {
        let refused = objects.iter().filter(|object| !object.totals.refused.is_empty());
        let names: HashSet<&str> = refused.map(|object| object.totals.object.as_str()).collect();
        let mut told = Told::default();
        if names.is_empty() {
            return Ok(told);
        }
        for file in self.lake.files(REJECTS)? {
            read::file(self.lake, REJECTS, &file, Some(&["object", "offset", "reason"]), &mut |batch| {
                let (objects, reasons) = (batch.column(0).as_string::<i32>(), batch.column(2).as_string::<i32>());
                let offsets = batch.column(1).as_primitive::<Int64Type>();
                for row in (0..batch.num_rows()).filter(|row| names.contains(objects.value(*row))) {
                    let offset = offsets.is_valid(row).then(|| offsets.value(row));
                    told.0.insert((objects.value(row).to_owned(), offset, reasons.value(row).to_owned()));
                }
                Ok(())
            })?;
        }
        Ok(told)
    }
}
