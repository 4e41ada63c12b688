//! Which objects need not be read: those in the lake, and those on their way into it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::ingest::pipeline;
use ::ingest::reject::{ObjectTotals, Reason};
use ::ingest::source::Input;
use lake::{Lake, Ledger, Names};

use crate::commands::ingest::queue::is_refused;
use crate::outcome::Failure;

/// Objects that failed and are remembered, so that they are not tried again with every listing.
const FAILED_MAX: usize = 10_000;
const PAUSE: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// Objects by name, size and time where a listing tells of them; by name alone where a message does.
#[derive(Debug)]
pub(super) struct Have {
    objects: Ledger,
    names: Names,
    /// When to try again, and how often it failed.
    failed: Mutex<HashMap<String, (Instant, u32)>>,
}

impl Have {
    pub(super) fn load(lake: &Lake) -> Result<Have, Failure> {
        Ok(Have { objects: Ledger::load(lake)?, names: Names::load(lake)?, failed: Mutex::default() })
    }

    /// Whether a message's object is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.has(name)
    }

    /// An object that was read: what is in it is on its way.
    pub(super) fn note(&self, object: &ObjectTotals) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if object.reasons.contains_key(&Reason::IoError) {
            if failed.len() < FAILED_MAX || failed.contains_key(&object.object) {
                let (again, times) = failed.entry(object.object.clone()).or_insert((Instant::now(), 0));
                *again = Instant::now() + PAUSE.saturating_mul(1 << (*times).min(16)).min(PAUSE_MAX);
                *times += 1;
            }
            return;
        }
        failed.remove(&object.object);
        if !is_refused(object) {
            self.names.add(&object.object);
        }
        if let Some(modified) = object.modified {
            self.objects.note(&object.object, object.bytes_read, modified);
        }
    }

    /// Whether it failed lately and is left alone.
    pub(super) fn rests(&self, name: &str) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(name).is_some_and(|(again, _)| *again > Instant::now())
    }
}

impl pipeline::Ledger for Have {
    fn holds(&self, input: &Input) -> bool {
        match input.modified {
            // A message says no more than a name; a day of `LookupEvents` that goes on has no time.
            None => self.names.has(&input.name),
            Some(_) if input.name.starts_with(aws::lookup::PLACE) => self.names.has(&input.name),
            Some(_) => self.objects.holds(input),
        }
    }
}
