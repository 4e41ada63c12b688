//! How much the functions of a query may make at once, for the rows of one batch: a part of its settings.

use std::any::Any;

use datafusion::common::{Result, config_err};
use datafusion::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};

/// Most bytes of the values that are made at once, where the query has memory for them.
const MOST_BYTES: usize = 256 << 20;

/// The same where it has not: batches on their way are not counted, and one of long events has tens of megabytes.
const LEAST_BYTES: usize = 64 << 20;

/// The room of a session.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    bytes: usize,
}

impl Room {
    /// What is not worth being counted exactly, in bytes.
    pub(super) const LITTLE: usize = LEAST_BYTES / 4;

    /// What fits beside the memory that operators may use, in bytes.
    pub(crate) fn beside(memory_bytes: usize) -> Room {
        Room { bytes: memory_bytes.clamp(LEAST_BYTES, MOST_BYTES) }
    }

    /// The room of a session with these settings, in bytes.
    pub(super) fn of(config: &ConfigOptions) -> usize {
        config.extensions.get::<Room>().map_or(MOST_BYTES, |room| room.bytes)
    }
}

impl ConfigExtension for Room {
    const PREFIX: &'static str = "trailhound";
}

impl ExtensionOptions for Room {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _value: &str) -> Result<()> {
        config_err!("{key} is not set by a query")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
