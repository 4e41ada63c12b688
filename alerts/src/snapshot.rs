//! What is open, as bytes: so that a process that restarts goes on as if it had not.
//!
//! Kept are windows that may still grow, events that correlations wait for, what rules with memory remember, and the
//! watermark; not kept are alerts that were handed out. State belongs to a rule as it was: a rule that changed, or hangs
//! together with one that did, starts anew, and only that. Knows JSON, compressed, and no events.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, IntoInnerError};

use hashbrown::HashMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::correlate::{Kept, Open as OpenWindows};
use crate::engine::Engine;
use crate::finish::Rests;
use crate::group::{Key, Open};
use crate::outcome::Counters;
use crate::remember::Interval;
use crate::scene::{Scene, Table};

/// Changes with the form of what is written.
const VERSION: u32 = 3;
/// It is written with every commit: fast before small.
const LEVEL: i32 = 1;
/// Bytes that are compressed at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// The things of a rule with memory, and when each was used.
type Things<'a> = Vec<(&'a String, &'a Vec<Interval>)>;
/// The same, read.
type OwnThings = Vec<(String, Vec<Interval>)>;

/// What is written. Rules are told by their prints.
#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    latest: i64,
    counters: Counters,
    /// Id and print.
    rules: Vec<(&'a str, &'a str)>,
    groups: Vec<(&'a str, &'a Key, &'a Open)>,
    correlations: Vec<(&'a str, OpenWindows<'a>)>,
    /// Behind the correlations: writing these finds the scenes.
    scenes: Scenes<'a>,
    memories: Vec<(&'a str, Things<'a>)>,
    coverage: Vec<(&'a String, &'a BTreeSet<i32>)>,
    rests: &'a Rests,
}

/// Scenes of the events that correlations wait for.
struct Scenes<'a>(&'a RefCell<Table>);

impl Serialize for Scenes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.borrow().scenes())
    }
}

/// The same, read.
#[derive(Deserialize)]
struct Read {
    latest: i64,
    counters: Counters,
    rules: Vec<(String, String)>,
    groups: Vec<(String, Key, Open)>,
    correlations: Vec<(String, Kept)>,
    scenes: Vec<Scene>,
    memories: Vec<(String, OwnThings)>,
    coverage: Vec<(String, Vec<i32>)>,
    rests: Rests,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Engine {
    /// What is open, to be given to [`Engine::restore`] of an engine of the same rules. Its size is that of what the
    /// engine holds, which [`crate::Settings`] bounds.
    ///
    /// # Errors
    /// There are alerts that were not handed out, or the engine has no allowed lateness.
    pub fn snapshot(&self) -> Result<Vec<u8>, String> {
        if self.settings.allowed_lateness_micros.is_none() {
            return Err("an engine without allowed lateness, as of a batch, keeps no state: run the batch again".into());
        }
        if !self.pending.is_empty() || self.groups.has_fresh() {
            return Err("there are alerts that were not handed out: call drain first".into());
        }
        let print = |number: usize| self.prints.get(number).map_or("", String::as_str);
        let mut groups: Vec<_> = self.groups.iter().map(|(key, open)| (print(key.rule), key, open)).collect();
        groups.sort_unstable_by(|(a, x, _), (b, y, _)| (a, x).cmp(&(b, y)));
        let scenes = RefCell::default();
        let correlations = self.network.open(&scenes).filter_map(|(at, open)| {
            let (number, _) = self.correlations.get(at)?;
            Some((print(*number), open))
        });
        let written = Written {
            version: VERSION,
            latest: self.latest,
            counters: self.counters,
            rules: self.abouts.iter().zip(&self.prints).map(|(about, print)| (&*about.id, &**print)).collect(),
            groups,
            correlations: correlations.collect(),
            scenes: Scenes(&scenes),
            memories: self.uses.iter().map(|(number, uses)| (print(*number), uses.things())).collect(),
            coverage: self.coverage.days(),
            rests: &self.rests,
        };
        write(&written).map_err(|e| format!("the state cannot be written: {e}"))
    }

    /// Goes on where [`Engine::snapshot`] was taken. To be called before any event is observed. Gives the ids of the rules
    /// that start anew because they changed, in order.
    ///
    /// # Errors
    /// The bytes are no state, or are of another version: the engine is as new, and can be used.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<Vec<String>, String> {
        let next = "every rule starts anew";
        // Earlier versions were not compressed.
        let bytes = if bytes.starts_with(b"{") { Ok(bytes.to_vec()) } else { zstd::decode_all(bytes) };
        let bytes = bytes.map_err(|e| format!("the state cannot be read ({e}): {next}"))?;
        let version: Version =
            serde_json::from_slice(&bytes).map_err(|e| format!("the state cannot be read ({e}): {next}"))?;
        if version.version != VERSION {
            let (theirs, ours) = (version.version, VERSION);
            return Err(format!("the state has version {theirs}, and this trailhound reads {ours}: {next}"));
        }
        let read: Read =
            serde_json::from_slice(&bytes).map_err(|e| format!("the state cannot be read ({e}): {next}"))?;
        drop(bytes);
        let numbers: HashMap<String, usize> =
            self.prints.iter().enumerate().map(|(number, print)| (print.clone(), number)).collect();
        self.latest = read.latest;
        self.counters = read.counters;
        for (print, key, open) in read.groups {
            if let Some(number) = numbers.get(&print) {
                self.groups.put(key.of(*number), open);
            }
        }
        let scenes = self.network.know(read.scenes);
        for (print, kept) in read.correlations {
            let number = numbers.get(&print);
            let at = number.and_then(|n| self.correlations.iter().position(|(number, _)| number == n));
            if let Some(at) = at {
                self.network.put(at, kept, &scenes);
            }
        }
        for (print, things) in read.memories {
            let number = numbers.get(&print);
            if let Some((_, uses)) = self.uses.iter_mut().find(|(n, _)| Some(n) == number) {
                uses.put(things);
            }
        }
        for (account, days) in read.coverage {
            days.into_iter().for_each(|day| self.coverage.put(&account, day));
        }
        self.rests = read.rests;
        let before: BTreeMap<String, String> = read.rules.into_iter().collect();
        let anew = self
            .abouts
            .iter()
            .zip(&self.prints)
            .filter(|(about, print)| before.get(&about.id).is_some_and(|before| before != *print));
        let mut anew: Vec<String> = anew.map(|(about, _)| about.id.clone()).collect();
        anew.sort_unstable();
        Ok(anew)
    }
}

/// JSON, compressed as it is written: of what waits there may be hundreds of megabytes.
fn write(written: &Written<'_>) -> std::io::Result<Vec<u8>> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, zstd::Encoder::new(Vec::new(), LEVEL)?);
    serde_json::to_writer(&mut out, written)?;
    out.into_inner().map_err(IntoInnerError::into_error)?.finish()
}
