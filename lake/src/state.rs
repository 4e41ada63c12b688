//! What a reader that never ends knows besides rows: bytes of its own, which stand exactly when a commit does.
//!
//! The bytes are written under the number of the batch before that batch commits, and count if the batch is one of those
//! that stand; so there is no moment in which rows are there and what was concluded from them is not. Must not know what
//! the bytes mean.

use crate::error::{Error, Result};
use crate::lake::Lake;
use crate::manifest::Manifest;

/// Where states are, within the lake.
const FOLDER: &str = "_trailhound/state";

/// Bytes, and whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Letters, digits and dashes: two readers of one lake have two states.
    pub name: String,
    /// What it is.
    pub bytes: Vec<u8>,
}

impl State {
    fn folder(name: &str) -> String {
        format!("{FOLDER}/{name}")
    }

    fn path(name: &str, batch: i64) -> String {
        format!("{}/{batch:020}.bin", State::folder(name))
    }
}

impl Lake {
    /// The state that stands, if there is one.
    ///
    /// # Errors
    /// The store refuses; a manifest cannot be read.
    pub fn state(&self, name: &str) -> Result<Option<State>> {
        let mut kept = self.states(name)?;
        let mut next = self.last_batch()?;
        while let (Some(state), Some(batch)) = (kept.last().copied(), next) {
            if state > batch {
                // It was written for a batch that does not stand.
                kept.pop();
                continue;
            }
            if state == batch {
                let bytes = self.block_on(self.location().get(&State::path(name, batch)))?;
                return Ok(Some(State { name: name.to_owned(), bytes: bytes.into() }));
            }
            next = match self.block_on(Manifest::read(self.location(), batch)) {
                Ok(manifest) => manifest.previous,
                // Swept long since: whether the state stands cannot be told any more.
                Err(Error::Manifest { is_missing: true, .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
        }
        Ok(None)
    }

    /// Numbers of the batches that have a state of this name, in order.
    fn states(&self, name: &str) -> Result<Vec<i64>> {
        let found = self.list(&State::folder(name))?;
        let number = |file: &object_store::ObjectMeta| file.location.filename()?.strip_suffix(".bin")?.parse().ok();
        let mut numbers: Vec<i64> = found.iter().filter_map(number).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Writes a state for a batch that is about to commit.
    pub(crate) fn keep_state(&self, state: &State, batch: i64) -> Result<()> {
        self.block_on(self.location().put(&State::path(&state.name, batch), state.bytes.clone().into()))
    }

    /// Deletes every state of this name but that of the batch that stands.
    pub(crate) fn drop_states(&self, state: &State, stands: i64) -> Result<()> {
        for batch in self.states(&state.name)?.into_iter().filter(|batch| *batch != stands) {
            let path = State::path(&state.name, batch);
            match self
                .block_on(object_store::ObjectStoreExt::delete(self.location().root(), &self.location().path(&path)))
            {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(Error::store(path)(error)),
            }
        }
        Ok(())
    }
}
