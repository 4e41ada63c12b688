//! What one batch brings: the data files of `events`, which its commit adds, and those of the tables beside it.
//!
//! A batch counts from the moment that Delta's commit of `events` stands, and that commit carries the batch's number
//! as an application transaction. The manifest of that number says which files the other tables get; whoever opens
//! the lake for writing brings them up to it. Each manifest names the batch before, so that a lake is a chain of
//! batches, and the manifest of a batch that never committed is in no chain.

use std::collections::BTreeMap;

use object_store::ObjectStoreExt;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::location::Location;
use crate::table::DataFile;

/// The application under whose name batches commit.
pub(crate) const APPLICATION: &str = "trailhound-ingest";

/// Low bits of a batch's number, drawn by lot: two writers of one turn have two manifests.
const LOT_BITS: u32 = 20;

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Its number.
    pub(crate) batch: i64,
    /// The number of the batch before.
    pub(crate) previous: Option<i64>,
    /// Files by table, without `events`.
    pub(crate) tables: BTreeMap<String, Vec<DataFile>>,
}

/// The number of a batch after `previous`.
pub(crate) fn number_after(previous: Option<i64>) -> i64 {
    let turn = previous.map_or(0, |number| number >> LOT_BITS) + 1;
    let lot = i64::from(Uuid::new_v4().as_fields().0 & ((1 << LOT_BITS) - 1));
    turn << LOT_BITS | lot
}

/// How many batches there were up to this one: each is one turn after the one before.
pub(crate) fn turn(batch: i64) -> u64 {
    u64::try_from(batch >> LOT_BITS).unwrap_or_default()
}

/// Where the manifests are, within the lake.
pub(crate) const FOLDER: &str = "_trailhound/batches";

pub(crate) fn path(batch: i64) -> String {
    format!("{FOLDER}/{batch:020}.json")
}

impl Manifest {
    /// The number in the name of its file.
    pub(crate) fn batch_of(file: &str) -> Option<i64> {
        file.strip_suffix(".json")?.parse().ok()
    }

    /// Writes it, unless there is one of its number: then `false`, and it needs another number.
    pub(crate) async fn write(&self, location: &Location) -> Result<bool> {
        let text = serde_json::to_vec_pretty(self).map_err(Error::encode("manifest"))?;
        location.put_new(&path(self.batch), text.into()).await
    }

    pub(crate) async fn read(location: &Location, batch: i64) -> Result<Manifest> {
        let unread = |is_missing: bool, why: String| Error::Manifest { batch, file: path(batch), is_missing, why };
        let bytes = match location.get(&path(batch)).await {
            Ok(bytes) => bytes,
            Err(Error::Store { source: object_store::Error::NotFound { .. }, .. }) => {
                return Err(unread(true, "the file is missing".to_owned()));
            }
            Err(error) => return Err(error),
        };
        serde_json::from_slice(&bytes).map_err(|error| unread(false, error.to_string()))
    }

    /// Writes one that brings nothing in the place of one that cannot be read, and keeps that as `aside`.
    pub(crate) async fn replace(location: &Location, batch: i64, previous: Option<i64>, aside: &str) -> Result<()> {
        let file = path(batch);
        match location.root().copy(&location.path(&file), &location.path(&format!("{aside}/{file}"))).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(Error::store(file)(error)),
        }
        let manifest = Manifest { batch, previous, tables: BTreeMap::new() };
        let text = serde_json::to_vec_pretty(&manifest).map_err(Error::encode("manifest"))?;
        location.put(&file, text.into()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_and_two_of_one_turn_differ() {
        let first = number_after(None);
        let (a, b) = (number_after(Some(first)), number_after(Some(first)));
        assert!(a > first && b > first && first > 0);
        assert_eq!((a >> LOT_BITS, b >> LOT_BITS), (2, 2));
        assert_eq!((turn(first), turn(a)), (1, 2));
        assert!(number_after(Some(a)) > a.max(b));
    }
}
