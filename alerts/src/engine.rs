//! The engine: batches in, alerts out.
//!
//! [`Engine::observe`] runs all rules over a batch and hands what matched to bursts, windows and memories;
//! [`Engine::finish`] judges those and gives the alerts. Any split of the events into batches and any order gives the
//! same alerts, as long as no limit of [`Settings`] is met; what a limit shed is in [`Counters`]. Knows no output.

use arrow::array::RecordBatch;
use hashbrown::HashMap;
use serde::Serialize;

use crate::about::About;
use crate::alert::{self, Alert};
use crate::compile::Program;
use crate::correlate::Windows;
use crate::correlation::Counted;
use crate::error::RuleError;
use crate::finish;
use crate::group::Groups;
use crate::remember::{Coverage, Uses};
use crate::rule::{Logic, Rule};
use crate::run::{Match, Run};
use crate::settings::Settings;
use crate::sighting::Sightings;

/// What the engine did besides alerting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Events observed.
    pub events: u64,
    /// Rules that held, over all events.
    pub matches: u64,
    /// Matches that are in no alert, because there were too many alerts.
    pub shed_matches: u64,
    /// Events that a correlation had no room for.
    pub shed_correlated: u64,
    /// Uses that a rule with memory had no room for.
    pub shed_remembered: u64,
    /// Events without a time, which can be in no window.
    pub untimed: u64,
    /// Rests not reported, because the account's own log was silent for much of them.
    pub log_gaps: u64,
    /// First uses not reported, because the log does not go back far enough before them.
    pub short_history: u64,
    /// Rests not reported, because another alert about the same use explains them.
    pub explained: u64,
}

/// All alerts, worst first, and the counters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// What else happened.
    pub counters: Counters,
}

/// What becomes of a match.
#[derive(Debug)]
enum Route {
    /// An alert, and a part in correlations: number of the windows, and place among their rules.
    Events { alone: bool, windows: Vec<(usize, usize)> },
    /// A use: number of the memory, and the numbers of its fields.
    Memory { uses: usize, fields: Vec<usize> },
}

/// Runs rules over batches of events.
#[derive(Debug)]
pub struct Engine {
    abouts: Vec<About>,
    program: Program,
    /// For each rule of the program: its place in `abouts`, and its route.
    routes: Vec<(usize, Route)>,
    windows: Vec<(usize, Windows, WindowFields)>,
    uses: Vec<(usize, Uses)>,
    coverage: Coverage,
    groups: Groups,
    counters: Counters,
    matches: Vec<Match>,
}

#[derive(Debug)]
struct WindowFields {
    group_by: Vec<usize>,
    value: Option<usize>,
}

impl Engine {
    /// Makes an engine of rules. Rules that cannot run beside the others (the same id or name twice, a correlation over
    /// rules that are not there) are left out and named.
    pub fn new(rules: Vec<Rule>, settings: &Settings) -> (Engine, Vec<RuleError>) {
        let mut errors = Vec::new();
        let rules = distinct(rules, &mut errors);
        let mut engine = Engine {
            abouts: rules.iter().map(|rule| rule.about.clone()).collect(),
            program: Program::default(),
            routes: Vec::new(),
            windows: Vec::new(),
            uses: Vec::new(),
            coverage: Coverage::new(settings.max_account_days),
            groups: Groups::new(settings.group_window_micros, settings.max_alerts),
            counters: Counters::default(),
            matches: Vec::new(),
        };
        for (number, rule) in rules.iter().enumerate() {
            if let Err(reason) = engine.add(number, rule, settings) {
                errors.push(refused(&rule.about, reason));
            }
        }
        for (number, rule) in rules.iter().enumerate() {
            if let Logic::Correlation(_) = &rule.logic
                && let Err(reason) = engine.link(number, rule, settings)
            {
                errors.push(refused(&rule.about, reason));
            }
        }
        (engine, errors)
    }

    /// What the rules say of themselves; [`Match::rule`] is a place in here.
    pub fn rules(&self) -> &[About] {
        &self.abouts
    }

    fn add(&mut self, number: usize, rule: &Rule, settings: &Settings) -> Result<(), String> {
        let (expr, route) = match &rule.logic {
            Logic::Correlation(_) => return Ok(()),
            Logic::Events(expr) => (expr, Route::Events { alone: true, windows: Vec::new() }),
            Logic::Memory(expr, memory) => {
                let fields = memory.fields.iter().map(|f| self.program.field(f)).collect::<Result<_, _>>()?;
                self.uses.push((number, Uses::new(memory.clone(), settings.max_remembered)));
                (expr, Route::Memory { uses: self.uses.len() - 1, fields })
            }
        };
        self.program.add(expr)?;
        self.routes.push((number, route));
        Ok(())
    }

    /// Connects a correlation with its base rules.
    fn link(&mut self, number: usize, rule: &Rule, settings: &Settings) -> Result<(), String> {
        let Logic::Correlation(correlation) = &rule.logic else { return Ok(()) };
        let mut bases = Vec::new();
        for name in &correlation.rules {
            bases.push(self.base(name)?);
        }
        let group_by = correlation.group_by.iter().map(|f| self.program.field(f)).collect::<Result<_, _>>()?;
        let value = match &correlation.count {
            Counted::Values(field) => Some(self.program.field(field)?),
            _ => None,
        };
        let window = self.windows.len();
        for (place, base) in bases.into_iter().enumerate() {
            if let Some((_, Route::Events { alone, windows })) = self.routes.get_mut(base) {
                *alone &= correlation.generate;
                windows.push((window, place));
            }
        }
        let windows = Windows::new(correlation.clone(), settings.max_correlated_events);
        self.windows.push((number, windows, WindowFields { group_by, value }));
        Ok(())
    }

    /// The route of the rule that a correlation calls `name`: by id, name or title.
    fn base(&self, name: &str) -> Result<usize, String> {
        let called = |about: &About| about.id == name || about.name == name || about.title == name;
        let mut found = Vec::new();
        for (at, (number, route)) in self.routes.iter().enumerate() {
            if self.abouts.get(*number).is_some_and(called) {
                match route {
                    Route::Events { .. } => found.push(at),
                    Route::Memory { .. } => {
                        return Err(format!("a correlation over `{name}`, a rule with memory, is not supported yet"));
                    }
                }
            }
        }
        match found.as_slice() {
            [one] => Ok(*one),
            [] if self.abouts.iter().any(called) => {
                Err(format!("a correlation over the correlation `{name}` is not supported yet"))
            }
            [] => Err(format!("no rule is called `{name}` (by id, name or title)")),
            _ => Err(format!("{} rules are called `{name}`: give the id", found.len())),
        }
    }

    /// Which rules hold in which rows. Pure; correlations and memories take no part.
    pub fn matches(&self, batch: &RecordBatch, out: &mut Vec<Match>) {
        let from = out.len();
        Run::new(&self.program, batch).matches(out);
        for found in out.iter_mut().skip(from) {
            if let Some((number, _)) = self.routes.get(found.rule) {
                found.rule = *number;
            }
        }
    }

    /// Takes the events of a batch.
    pub fn observe(&mut self, batch: &RecordBatch) {
        let sightings = Sightings::new(batch);
        let mut run = Run::new(&self.program, batch);
        let mut matches = std::mem::take(&mut self.matches);
        matches.clear();
        run.matches(&mut matches);
        self.counters.events += batch.num_rows() as u64;
        self.counters.matches += matches.len() as u64;
        self.counters.untimed += sightings.untimed(batch.num_rows()) as u64;
        if !self.uses.is_empty() {
            self.coverage.add(&sightings, batch.num_rows());
        }
        let mut thing = String::new();
        for found in &matches {
            let Some((number, route)) = self.routes.get(found.rule) else { continue };
            match route {
                Route::Events { alone, windows } => {
                    if *alone {
                        self.groups.add(*number, &sightings, found.row);
                    }
                    for (window, place) in windows {
                        let Some((_, windows, fields)) = self.windows.get_mut(*window) else { continue };
                        let group = fields.group_by.iter().map(|field| run.text(*field, found.row)).collect();
                        let value = fields.value.and_then(|field| run.text(field, found.row));
                        windows.add(*place, group, value, sightings.read(found.row));
                    }
                }
                Route::Memory { uses, fields } => {
                    thing.clear();
                    if fields.iter().all(|field| run.push_text(*field, found.row, &mut thing))
                        && let Some((_, uses)) = self.uses.get_mut(*uses)
                    {
                        uses.add(&thing, &sightings, found.row);
                    }
                }
            }
        }
        self.matches = matches;
    }

    /// Judges all that was observed.
    pub fn finish(self) -> Outcome {
        let mut counters = self.counters;
        counters.shed_matches = self.groups.shed;
        let mut alerts = Vec::new();
        for (number, burst) in self.groups.finish() {
            alerts.extend(self.abouts.get(number).map(|about| finish::burst(about, burst, None)));
        }
        for (number, windows, _) in self.windows {
            counters.shed_correlated += windows.shed;
            let Some(about) = self.abouts.get(number) else { continue };
            let correlation = windows.correlation().clone();
            alerts.extend(windows.finish().into_iter().map(|held| finish::held(about, &correlation, held)));
        }
        counters.shed_remembered = self.coverage.shed;
        alerts.extend(finish::memories(&self.abouts, &self.uses, &self.coverage, &mut counters));
        alert::sort(&mut alerts);
        Outcome { alerts, counters }
    }
}

fn refused(about: &About, reason: String) -> RuleError {
    RuleError { file: about.file.clone(), rule: Some(about.title.clone()), line: about.line, reason }
}

/// Leaves out rules whose id or name is taken. The same rule in two files (collections repeat the base rules of their
/// correlations) is one rule and no error.
fn distinct(rules: Vec<Rule>, errors: &mut Vec<RuleError>) -> Vec<Rule> {
    let mut taken: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Rule> = Vec::with_capacity(rules.len());
    for rule in rules {
        let about = &rule.about;
        let earlier = taken.get(&about.id).or_else(|| taken.get(&about.name)).and_then(|at| kept.get(*at));
        match earlier {
            None => {
                taken.insert(about.id.clone(), kept.len());
                taken.insert(about.name.clone(), kept.len());
                kept.push(rule);
            }
            Some(earlier) if earlier.about.id == about.id && earlier.same_as(&rule) => {}
            Some(earlier) => {
                let reason = format!("its id or name is taken by another rule, in {}", earlier.about.file);
                errors.push(refused(about, reason));
            }
        }
    }
    kept
}
