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
use crate::correlate::Held;
use crate::error::RuleError;
use crate::finish;
use crate::group::Groups;
use crate::link::{self, Base, Linked, Network};
use crate::part::Part;
use crate::remember::{Coverage, Uses};
use crate::rule::{Logic, Rule};
use crate::run::{Match, Run};
use crate::settings::Settings;
use crate::sighting::{Sightings, UNTIMED};

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
    /// Events that came to a correlation later than the allowed lateness.
    pub late_correlated: u64,
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
    /// Which correlations had no room for all of their events, in order of rule.
    pub losses: Vec<Loss>,
}

/// Events that a correlation did not judge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Loss {
    /// The rule, as its alerts name it.
    pub rule: String,
    /// Events that it had no room for.
    pub shed: u64,
    /// Events that came later than the allowed lateness.
    pub late: u64,
}

/// What becomes of a match.
#[derive(Debug)]
enum Route {
    /// An alert, unless only correlations are to tell it.
    Events { alone: bool },
    /// A use: number of the memory, and the parts of the thing that is used.
    Memory { uses: usize, parts: Vec<Part> },
}

/// Runs rules over batches of events.
#[derive(Debug)]
pub struct Engine {
    abouts: Vec<About>,
    program: Program,
    /// For each rule of the program, by the same number as in `abouts`.
    routes: Vec<Route>,
    /// For each correlation: its place in `abouts`, and whether it alerts itself.
    correlations: Vec<(usize, bool)>,
    network: Network,
    held: Vec<(usize, Held)>,
    uses: Vec<(usize, Uses)>,
    coverage: Coverage,
    groups: Groups,
    counters: Counters,
    matches: Vec<Match>,
    /// Time of the latest event so far.
    latest: i64,
    settings: Settings,
}

impl Engine {
    /// Makes an engine of rules. Rules that cannot run beside the others (the same id or name twice, a correlation over
    /// rules that are not there) are left out and named.
    pub fn new(rules: Vec<Rule>, settings: &Settings) -> (Engine, Vec<RuleError>) {
        let mut errors = Vec::new();
        let rules = distinct(rules, &mut errors);
        let mut engine = Engine {
            abouts: Vec::with_capacity(rules.len()),
            program: Program::default(),
            routes: Vec::new(),
            correlations: Vec::new(),
            network: Network::default(),
            held: Vec::new(),
            uses: Vec::new(),
            coverage: Coverage::new(settings.max_account_days),
            groups: Groups::new(settings.group_window_micros, settings.max_alerts),
            counters: Counters::default(),
            matches: Vec::new(),
            latest: UNTIMED,
            settings: settings.clone(),
        };
        for rule in &rules {
            if let Err(reason) = engine.add(rule) {
                errors.push(refused(&rule.about, reason));
            }
        }
        let correlations: Vec<&Rule> = rules.iter().filter(|r| matches!(r.logic, Logic::Correlation(_))).collect();
        engine.correlate(correlations, &mut errors);
        errors.sort();
        (engine, errors)
    }

    /// What the rules say of themselves; [`Match::rule`] is a place in here.
    pub fn rules(&self) -> &[About] {
        &self.abouts
    }

    fn add(&mut self, rule: &Rule) -> Result<(), String> {
        let (expr, route) = match &rule.logic {
            Logic::Correlation(_) => return Ok(()),
            Logic::Events(expr) => (expr, Route::Events { alone: true }),
            Logic::Memory(expr, memory) => {
                let parts = memory.fields.iter().map(|f| Part::find(f, &mut self.program)).collect::<Result<_, _>>()?;
                (expr, Route::Memory { uses: self.uses.len(), parts })
            }
        };
        let number = self.program.add(expr)?;
        if let Logic::Memory(_, memory) = &rule.logic {
            self.uses.push((number, Uses::new(memory.clone(), self.settings.max_remembered)));
        }
        self.abouts.push(rule.about.clone());
        self.routes.push(route);
        Ok(())
    }

    /// Connects correlations with what they are over. One that cannot be connected is refused, and so are those over it.
    fn correlate(&mut self, mut rules: Vec<&Rule>, errors: &mut Vec<RuleError>) {
        let first = self.abouts.len();
        loop {
            let mut refuse: Vec<(usize, String)> = Vec::new();
            let mut bases = Vec::new();
            for (at, rule) in rules.iter().enumerate() {
                match self.bases(rule, &rules) {
                    Ok(found) => bases.push(found),
                    Err(reason) => refuse.push((at, reason)),
                }
            }
            if refuse.is_empty() {
                match link::in_order(&bases) {
                    Err(circle) => refuse.extend(circle.into_iter().map(|at| {
                        (at, "its `rules` lead back to itself, through another correlation or directly".to_owned())
                    })),
                    Ok(order) => match self.connect(&rules, &bases, order) {
                        Ok(network) => {
                            self.network = network;
                            break;
                        }
                        Err(fault) => refuse.push(fault),
                    },
                }
            }
            for (at, reason) in refuse.into_iter().rev() {
                errors.push(refused(&rules.remove(at).about, reason));
            }
        }
        self.abouts.extend(rules.iter().map(|rule| rule.about.clone()));
        self.correlations = (first..self.abouts.len()).map(|number| (number, true)).collect();
        self.silence(&rules);
    }

    /// What is only told by correlations alerts no more by itself.
    fn silence(&mut self, rules: &[&Rule]) {
        for rule in rules {
            let Logic::Correlation(correlation) = &rule.logic else { continue };
            if correlation.generate {
                continue;
            }
            for base in self.bases(rule, rules).unwrap_or_default() {
                match base {
                    Base::Rule(number) => {
                        if let Some(Route::Events { alone }) = self.routes.get_mut(number) {
                            *alone = false;
                        }
                    }
                    Base::Correlation(at) => {
                        if let Some((_, alone)) = self.correlations.get_mut(at) {
                            *alone = false;
                        }
                    }
                }
            }
        }
    }

    fn connect(&mut self, rules: &[&Rule], bases: &[Vec<Base>], order: Vec<usize>) -> Result<Network, (usize, String)> {
        let mut linked = Vec::new();
        for (rule, bases) in rules.iter().zip(bases) {
            let Logic::Correlation(correlation) = &rule.logic else { continue };
            let about = |base: &Base| match base {
                Base::Rule(number) => self.abouts.get(*number),
                Base::Correlation(at) => rules.get(*at).map(|rule| &rule.about),
            };
            let bases = bases.iter().filter_map(|base| about(base).map(|about| (*base, about))).collect();
            linked.push(Linked { correlation, bases });
        }
        Network::new(&linked, order, self.settings.max_correlated_events, &mut self.program)
    }

    /// What a correlation is over: rules and correlations, by id, name or title.
    fn bases(&self, rule: &Rule, correlations: &[&Rule]) -> Result<Vec<Base>, String> {
        let Logic::Correlation(correlation) = &rule.logic else { return Ok(Vec::new()) };
        let mut bases = Vec::new();
        for name in &correlation.rules {
            let mut found = Vec::new();
            for (number, route) in self.routes.iter().enumerate() {
                if self.abouts.get(number).is_some_and(|about| about.is_called(name)) {
                    match route {
                        Route::Events { .. } => found.push(Base::Rule(number)),
                        Route::Memory { .. } => {
                            return Err(format!(
                                "a correlation over `{name}`, a rule with memory, is not supported yet"
                            ));
                        }
                    }
                }
            }
            let named = correlations.iter().enumerate().filter(|(_, other)| other.about.is_called(name));
            found.extend(named.map(|(at, _)| Base::Correlation(at)));
            match found.as_slice() {
                [one] => bases.push(*one),
                [] => return Err(format!("no rule that can run is called `{name}` (by id, name or title)")),
                _ => return Err(format!("{} rules are called `{name}`: give the id", found.len())),
            }
        }
        Ok(bases)
    }

    /// Which rules hold in which rows. Pure; correlations and memories take no part.
    pub fn matches(&self, batch: &RecordBatch, out: &mut Vec<Match>) {
        Run::new(&self.program, batch).matches(out);
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
            match self.routes.get(found.rule) {
                Some(Route::Events { alone }) => {
                    if *alone {
                        self.groups.add(found.rule, &sightings, found.row);
                    }
                    if self.network.wants(found.rule) {
                        self.network.take(found.rule, &mut run, &sightings, found.row);
                    }
                }
                Some(Route::Memory { uses, parts }) => {
                    thing.clear();
                    if parts.iter().all(|part| part.push(&mut run, found.row, &mut thing))
                        && let Some((_, uses)) = self.uses.get_mut(*uses)
                    {
                        uses.add(&thing, &sightings, found.row);
                    }
                }
                None => {}
            }
        }
        self.matches = matches;
        if let Some(lateness) = self.settings.allowed_lateness_micros {
            let latest = (0..batch.num_rows()).map(|row| sightings.time(row)).max();
            self.latest = self.latest.max(latest.unwrap_or(UNTIMED));
            if self.latest != UNTIMED {
                self.held.extend(self.network.seal(Some(self.latest.saturating_sub(lateness))));
            }
        }
    }

    /// Judges all that was observed.
    pub fn finish(mut self) -> Outcome {
        let mut counters = self.counters;
        counters.shed_matches = self.groups.shed;
        let mut alerts = Vec::new();
        for (number, burst) in self.groups.finish() {
            alerts.extend(self.abouts.get(number).map(|about| finish::burst(about, burst, None)));
        }
        self.held.extend(self.network.seal(None));
        for (at, held) in self.held {
            let Some((number, true)) = self.correlations.get(at) else { continue };
            let (Some(about), Some(correlation)) = (self.abouts.get(*number), self.network.correlation(at)) else {
                continue;
            };
            alerts.push(finish::held(about, correlation, held));
        }
        let mut losses = Vec::new();
        for (at, shed, late) in self.network.losses() {
            counters.shed_correlated += shed;
            counters.late_correlated += late;
            let about = self.correlations.get(at).and_then(|(number, _)| self.abouts.get(*number));
            if let Some(about) = about.filter(|_| shed + late > 0) {
                losses.push(Loss { rule: about.name.clone(), shed, late });
            }
        }
        losses.sort();
        counters.shed_remembered = self.coverage.shed;
        alerts.extend(finish::memories(&self.abouts, &self.uses, &self.coverage, &mut counters));
        alert::sort(&mut alerts);
        Outcome { alerts, counters, losses }
    }
}

fn refused(about: &About, reason: String) -> RuleError {
    RuleError { file: about.file.clone(), rule: Some(about.title.clone()), line: about.line, reason }
}

/// Leaves out rules whose id or name is taken. The same rule twice (collections repeat the base rules of their
/// correlations) is one rule and no error.
fn distinct(rules: Vec<Rule>, errors: &mut Vec<RuleError>) -> Vec<Rule> {
    let mut taken: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Rule> = Vec::with_capacity(rules.len());
    for mut rule in rules {
        let unnamed = !rule.about.has_id && rule.about.handle.is_none();
        let before = taken.get(&rule.about.id).and_then(|at| kept.get(*at));
        if unnamed && before.is_some_and(|before| !before.same_as(&rule)) {
            // Titles are not unique, and nobody said that they are.
            let line = rule.about.line.unwrap_or(1);
            rule.about.id = format!("{} ({}:{line})", rule.about.id, rule.about.file);
            rule.about.name = rule.about.id.clone();
        }
        let about = &rule.about;
        let names = || [Some(&about.id), about.handle.as_ref()].into_iter().flatten();
        let earlier = names().find_map(|name| taken.get(name)).and_then(|at| kept.get(*at));
        match earlier {
            None => {
                taken.extend(names().map(|name| (name.clone(), kept.len())));
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
