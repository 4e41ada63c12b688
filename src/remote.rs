//! Places that are not on this machine: which words on a command line name them, and what opens them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws::filter::Why;
use aws::{Connection, Lookup, Objects, Place, lookup};
use ingest::source::Sources;

use crate::intake::Reach;
use crate::outcome::Failure;
use crate::render::report::number;
use crate::render::words::Words;

/// Prefixes that are named on standard error; all stand in `--output json` of `ingest`.
const PREFIXES_TOLD: usize = 5;

/// Whether a path is a place of AWS'.
pub(crate) fn is_remote(path: &Path) -> bool {
    path.to_str().is_some_and(|text| Place::parse(text).is_some() || is_lookup(text))
}

/// Whether a word asks for `LookupEvents`.
fn is_lookup(text: &str) -> bool {
    text == lookup::PLACE
}

/// The buckets of a command line, opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buckets {
    pub(crate) connection: Option<Connection>,
    pub(crate) objects: Vec<Arc<Objects>>,
    /// Whether `LookupEvents` is asked.
    pub(crate) lookup: bool,
}

impl Buckets {
    /// Adds paths to `sources` in their order, local ones and places in buckets.
    ///
    /// # Errors
    /// A path that is not there, a place that is none, a flag that fits no place.
    pub(crate) fn open(paths: &[PathBuf], reach: &Reach<'_>, sources: &mut Sources) -> Result<Buckets, Failure> {
        let mut buckets = Buckets::default();
        for path in paths {
            if !is_remote(path) {
                sources.add(path)?;
                continue;
            }
            let connection = match &buckets.connection {
                Some(connection) => connection.clone(),
                None => Connection::open(&reach.aws.to_options()).map_err(|error| Failure::Io(error.to_string()))?,
            };
            buckets.connection = Some(connection.clone());
            let Some(place) = path.to_str().and_then(Place::parse) else {
                let filter = reach.source.filter();
                let (from, to) = (reach.source.start_time, reach.source.end_time);
                let lookup = Lookup::open(&connection, &filter.regions, from, to);
                sources.add_remote(Arc::new(lookup.map_err(|error| Failure::Io(error.to_string()))?));
                buckets.lookup = true;
                continue;
            };
            let place = place.map_err(Failure::Usage)?;
            let objects = Arc::new(Objects::new(&connection, &place, reach.source.filter()));
            objects.check().map_err(|error| Failure::Io(error.to_string()))?;
            sources.add_remote(objects.clone());
            buckets.objects.push(objects);
        }
        if let (Some(flag), None, false) = (reach.source.given(), &buckets.connection, reach.queue) {
            return Err(Failure::Usage(format!(
                "{flag} prunes the keys of a bucket: give an s3:// place, or leave it out"
            )));
        }
        Ok(buckets)
    }

    /// Says on standard error what was not read.
    pub(crate) fn tell(&self, words: Words) {
        for objects in &self.objects {
            let left = objects.left_out();
            let unknown = left.prefixes.get(&Why::Unknown).into_iter().flatten();
            let named: Vec<_> = unknown.clone().take(PREFIXES_TOLD).map(String::as_str).collect();
            let others = left.objects.get(&Why::Unknown).copied().unwrap_or(0);
            if !named.is_empty() {
                let (count, named) = (number(unknown.count() as u64), named.join(", "));
                words.note(&format!("{count} prefixes are none of CloudTrail's and were passed over: {named}"));
            }
            if others > 0 {
                words.note(&format!("{} objects are none of CloudTrail's and were passed over", number(others)));
            }
        }
    }

    /// What was not read: the contract of `left_out`, `docs/contract.md`.
    pub(crate) fn left_out(&self) -> serde_json::Value {
        let all = self.objects.iter().map(|objects| objects.left_out());
        let (mut prefixes, mut objects) = (Vec::new(), std::collections::BTreeMap::<Why, u64>::new());
        for left in all {
            for (why, list) in left.prefixes {
                prefixes.extend(list.into_iter().map(|prefix| serde_json::json!({"prefix": prefix, "why": why})));
            }
            for (why, count) in left.objects {
                *objects.entry(why).or_default() += count;
            }
        }
        serde_json::json!({"prefixes": prefixes, "objects": objects})
    }

    /// Requests sent to AWS.
    pub(crate) fn requests(&self) -> u64 {
        self.connection.as_ref().map_or(0, |connection| connection.meter().requests())
    }
}
