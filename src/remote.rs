//! Places that are not on this machine: which words on a command line name them, and what opens them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws::filter::Why;
use aws::{Connection, Filter, Lookup, Objects, Options, Paces, Place, lookup};
use ingest::source::{Listed, Remote, Sources};

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

/// Attempts at a request where somebody asks again and again: one that does not answer is come back to.
const LIVE_ATTEMPTS: u32 = 4;

/// What listings share that one process makes side by side, again and again.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    paces: Arc<Paces>,
    /// Accounts that `LookupEvents` is asked about, and who asks.
    asked: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Live {
    pub(crate) fn new() -> Live {
        Live { paces: Lookup::paces(), asked: Arc::default() }
    }

    /// Whether nobody else asks about this account.
    fn is_whose(&self, account: &str, who: &str) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.entry(account.to_owned()).or_insert_with(|| who.to_owned()) == who
    }
}

/// Options of a connection; whoever comes back need not insist.
fn options(options: Options, reach: &Reach<'_>) -> Options {
    let insists = reach.live.is_none() || std::env::var_os("AWS_MAX_ATTEMPTS").is_some();
    Options { attempts: (!insists).then_some(LIVE_ATTEMPTS), ..options }
}

/// The buckets of a command line, opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buckets {
    pub(crate) connection: Option<Connection>,
    /// Connections of the accounts of a configuration.
    pub(crate) accounts: Vec<Connection>,
    pub(crate) objects: Vec<Arc<Objects>>,
    /// Whether `LookupEvents` is asked.
    pub(crate) lookup: bool,
    /// The first flag that leaves objects out.
    narrowed: Option<&'static str>,
    /// Accounts that `LookupEvents` is asked about, and how fast.
    asked: BTreeSet<String>,
    paces: Option<Arc<Paces>>,
}

/// What could not be opened: an item of the listing, so that it is counted and told, and the rest is read.
#[derive(Debug)]
struct Failed {
    name: String,
    why: String,
}

impl Remote for Failed {
    fn list(&self) -> Box<dyn Iterator<Item = Listed> + Send> {
        let error = std::io::Error::other(self.why.clone());
        Box::new(std::iter::once(Err((self.name.clone(), error))))
    }
}

impl Buckets {
    /// Adds paths to `sources` in their order, local ones and places in buckets.
    ///
    /// # Errors
    /// A path that is not there, a place that is none, a flag that fits no place.
    pub(crate) fn open(paths: &[PathBuf], reach: &Reach<'_>, sources: &mut Sources) -> Result<Buckets, Failure> {
        let mut buckets = Buckets { narrowed: reach.source.given(), ..Buckets::default() };
        for path in paths {
            if !is_remote(path) {
                sources.add(path)?;
                continue;
            }
            let connection = match &buckets.connection {
                Some(connection) => connection.clone(),
                None => Connection::open(&options(reach.aws.to_options(), reach))
                    .map_err(|error| Failure::Io(error.to_string()))?,
            };
            buckets.connection = Some(connection.clone());
            buckets.place(path, &connection, reach.source.filter(), reach, sources)?;
        }
        buckets.open_accounts(reach, sources)?;
        let remote = buckets.connection.is_some() || !reach.accounts.is_empty() || reach.queue;
        if let (Some(flag), false) = (reach.source.given(), remote) {
            return Err(Failure::Usage(format!(
                "{flag} prunes the keys of a bucket: give an s3:// place, or leave it out"
            )));
        }
        Ok(buckets)
    }

    /// Adds one place, reached so.
    fn place(
        &mut self,
        path: &Path,
        connection: &Connection,
        filter: Filter,
        reach: &Reach<'_>,
        sources: &mut Sources,
    ) -> Result<(), Failure> {
        let Some(place) = path.to_str().and_then(Place::parse) else {
            let own = self.paces.get_or_insert_with(Lookup::paces).clone();
            let paces = reach.live.as_ref().map_or(own, |(live, _)| live.paces.clone());
            let span = (reach.source.start_time, reach.source.end_time);
            let lookup = Lookup::open(connection, &filter.regions, span, &paces);
            let lookup = lookup.map_err(|error| Failure::Io(error.to_string()))?;
            let others = reach.live.as_ref().is_some_and(|(live, who)| !live.is_whose(lookup.account(), who));
            if others || !self.asked.insert(lookup.account().to_owned()) {
                return Err(Failure::Usage(format!("account {} is asked twice", lookup.account())));
            }
            sources.add_remote(Arc::new(lookup));
            self.lookup = true;
            return Ok(());
        };
        let objects = Arc::new(Objects::new(connection, &place.map_err(Failure::Usage)?, filter));
        objects.check().map_err(|error| Failure::Io(error.to_string()))?;
        sources.add_remote(objects.clone());
        self.objects.push(objects);
        Ok(())
    }

    /// Adds what accounts have, one after the other. An account that cannot be reached keeps none of the others back.
    fn open_accounts(&mut self, reach: &Reach<'_>, sources: &mut Sources) -> Result<(), Failure> {
        let (mut opened, mut failed) = (self.connection.is_some(), Vec::new());
        for account in reach.accounts {
            let connection = Connection::open(&options(account.options(reach.aws), reach));
            let connection = connection.map_err(|error| Failure::Io(error.to_string()))?;
            self.accounts.push(connection.clone());
            for place in &account.places {
                let mut filter = reach.source.filter();
                if !account.regions.is_empty() {
                    filter.regions.clone_from(&account.regions);
                }
                match self.place(Path::new(place), &connection, filter, reach, sources) {
                    Ok(()) => opened = true,
                    Err(error) => {
                        failed.push(Failed {
                            name: format!("account {}, {place}", account.name),
                            why: error.to_string(),
                        });
                    }
                }
            }
        }
        match failed.first() {
            // Nothing at all can be read.
            Some(first) if !opened && !reach.queue => Err(Failure::Io(format!("{}: {}", first.name, first.why))),
            _ => {
                failed.into_iter().for_each(|failed| sources.add_remote(Arc::new(failed)));
                Ok(())
            }
        }
    }

    /// Every connection.
    pub(crate) fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connection.iter().chain(&self.accounts)
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

    /// Why there may be nothing to read, and what to do.
    pub(crate) fn nothing(&self) -> String {
        let Some(first) = self.objects.first() else {
            return "no file is there (hidden ones are left out): is it the right folder?".to_owned();
        };
        match self.narrowed {
            Some(flag) => format!("no log file there is what {flag} asks for: leave it out, or look at what is there"),
            None => {
                let place = first.place();
                format!(
                    "no log file lies there: look at the prefix with `aws s3 ls s3://{}/{}`",
                    place.bucket, place.prefix
                )
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
        self.connections().map(|connection| connection.meter().requests()).sum()
    }
}
