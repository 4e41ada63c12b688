//! The rules of a process that never ends: read again when they change or somebody sends SIGHUP, all or nothing.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ::alerts::{Engine, Rule, Settings};
use chrono::Utc;

use super::Checked;
use super::families::RELOADS;
use super::metrics::Metrics;
use crate::cli::RuleFlags;
use crate::commands::backtest::Known;
use crate::outcome::Failure;
use crate::render::words::Words;
use crate::rulebook::Rulebook;

/// How often folders are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Folders below folders that are looked at.
const DEPTH: usize = 16;

/// Rules that run, and what they are not to tell.
#[derive(Clone)]
pub(super) struct Book {
    rules: Vec<Rule>,
    settings: Settings,
    pub(super) known: Known,
    /// Rules that were refused when the process began.
    refused: usize,
}

impl Book {
    /// How much later than others an event may come, microseconds.
    pub(super) fn lateness(&self) -> i64 {
        self.settings.allowed_lateness_micros.unwrap_or_default()
    }

    /// An engine of those that remember things for long.
    pub(super) fn remembering(&self) -> Engine {
        let rules = self.rules.iter().filter(|rule| rule.remembers()).cloned().collect();
        Engine::new(rules, &self.settings).0
    }

    /// An engine of them; how many rules are not in it.
    pub(super) fn engine(&self) -> (Engine, usize) {
        let (engine, errors) = Engine::new(self.rules.clone(), &self.settings);
        (engine, self.refused + errors.len())
    }
}

/// Where the rules come from.
pub(super) struct Rules {
    flags: RuleFlags,
    suppress: Vec<PathBuf>,
    settings: Settings,
    /// Whether a change is looked for; SIGHUP is heard in any case.
    watched: bool,
    hangup: Arc<AtomicBool>,
    mark: u64,
    next: Instant,
    words: Words,
}

impl Rules {
    /// Hears SIGHUP from now on.
    pub(super) fn new(
        flags: RuleFlags,
        suppress: Vec<PathBuf>,
        settings: Settings,
        watched: bool,
        words: Words,
    ) -> Rules {
        let hangup = Arc::new(AtomicBool::new(false));
        listen(hangup.clone());
        let mut rules = Rules { flags, suppress, settings, watched, hangup, mark: 0, next: Instant::now(), words };
        rules.mark = rules.look();
        rules
    }

    /// The rules as a process begins: one that cannot be used is told, and the others run. A mistake in one file must not
    /// leave an account unwatched.
    pub(super) fn first(&self, checked: Checked) -> Book {
        let Checked { rules: book, known } = checked;
        let (_, mut errors) = Engine::new(book.rules.clone(), &self.settings);
        let set = book.errors.len();
        errors.extend(book.errors);
        errors.iter().for_each(|error| self.words.error(&error.to_string()));
        Book { rules: book.rules, settings: self.settings.clone(), known, refused: set }
    }

    /// New rules, if they changed and all of them can be used.
    pub(super) fn changed(&mut self, metrics: &Metrics) -> Option<Book> {
        let asked = self.hangup.swap(false, Ordering::Relaxed);
        if !asked && (!self.watched || Instant::now() < self.next) {
            return None;
        }
        self.next = Instant::now() + LOOK;
        let mark = self.look();
        if !asked && mark == self.mark {
            return None;
        }
        self.mark = mark;
        match self.read() {
            Ok(book) => {
                tracing::info!(rules = book.rules.len(), "rules are read again");
                Some(book)
            }
            Err(reasons) => {
                metrics.add(RELOADS, &[("result", "refused")], 1);
                tracing::error!(
                    errors = reasons.len(),
                    "the changed rules cannot be used: the rules before them go on; mend what is said below"
                );
                for reason in reasons {
                    tracing::error!("{reason}");
                }
                None
            }
        }
    }

    /// All or nothing.
    fn read(&self) -> Result<Book, Vec<String>> {
        let one = |failure: Failure| vec![failure.to_string()];
        let book = Rulebook::open(&self.flags, self.words).map_err(one)?;
        let known = Known::open(&self.suppress, Utc::now(), self.words).map_err(one)?;
        let (_, mut errors) = Engine::new(book.rules.clone(), &self.settings);
        errors.extend(book.errors);
        if !errors.is_empty() {
            return Err(errors.iter().map(ToString::to_string).collect());
        }
        Ok(Book { rules: book.rules, settings: self.settings.clone(), known, refused: 0 })
    }

    /// A number that is another when a file of rules, of a list or of suppressions is.
    fn look(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let lists = self.flags.lists.lists.iter().map(|(_, file)| file);
        for path in self.flags.rules.iter().chain(lists).chain(&self.suppress) {
            look(path, DEPTH, &mut hasher);
        }
        hasher.finish()
    }
}

fn look(path: &Path, depth: usize, hasher: &mut DefaultHasher) {
    path.hash(hasher);
    let Ok(metadata) = std::fs::metadata(path) else { return };
    if metadata.is_dir() {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        if let Some(depth) = depth.checked_sub(1) {
            paths.iter().for_each(|path| look(path, depth, hasher));
        }
        return;
    }
    (metadata.len(), metadata.modified().ok()).hash(hasher);
}

#[cfg(unix)]
fn listen(hangup: Arc<AtomicBool>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    // Registered before this returns: until then SIGHUP would end the process.
    let Ok(mut hangups) = ({
        let _inside = runtime.enter();
        signal(SignalKind::hangup())
    }) else {
        return;
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            while hangups.recv().await.is_some() {
                hangup.store(true, Ordering::Relaxed);
            }
        });
    });
}

#[cfg(not(unix))]
fn listen(_: Arc<AtomicBool>) {}
