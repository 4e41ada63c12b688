//! The engine: batches in, alerts out.
//!
//! [`Engine::observe`] runs all rules over a batch and hands what matched to groups, windows and memories;
//! [`Engine::drain`] gives what is known for sure, [`Engine::finish`] all the rest. Any split of the events into batches
//! and any order gives the same alerts, as long as no limit of [`Settings`] is met; what a limit shed is in [`Counters`].
//! Knows no output.

use arrow::array::RecordBatch;

use crate::about::About;
use crate::compile::Program;
use crate::distinct::{distinct, refused};
use crate::error::RuleError;
use crate::finish::Rests;
use crate::fold::Folds;
use crate::group::{Grouping, Groups};
use crate::link::{self, Base, Linked, Network, Room};
use crate::news::Pending;
use crate::outcome::Counters;
use crate::part::Part;
use crate::prime::Primer;
use crate::print::{lineage, print};
use crate::remember::{Coverage, Uses};
use crate::rule::{Logic, Rule};
use crate::run::{Match, Run};
use crate::settings::Settings;
use crate::severity::Severity;
use crate::sighting::{Sightings, UNTIMED};

/// What becomes of a match.
#[derive(Debug)]
enum Route {
    /// An alert, unless only correlations are to tell it.
    Events { alone: bool, grouping: Grouping },
    /// A use: number of the memory, and the parts of the thing that is used.
    Memory { uses: usize, parts: Vec<Part> },
}

/// Runs rules over batches of events.
#[derive(Debug)]
pub struct Engine {
    pub(crate) abouts: Vec<About>,
    /// For each rule, by the same number: what it depends on, as a hash.
    pub(crate) prints: Vec<String>,
    program: Program,
    folds: Folds,
    /// For each rule of the program, by the same number as in `abouts`.
    routes: Vec<Route>,
    /// For each correlation: its place in `abouts`, and whether it alerts itself.
    pub(crate) correlations: Vec<(usize, bool)>,
    pub(crate) network: Network,
    pub(crate) uses: Vec<(usize, Uses)>,
    pub(crate) primers: Vec<Primer>,
    pub(crate) coverage: Coverage,
    pub(crate) rests: Rests,
    pub(crate) groups: Groups,
    pub(crate) pending: Pending,
    pub(crate) counters: Counters,
    matches: Vec<Match>,
    /// Time of the latest event so far, or a later moment of which it is known that no event before it will come.
    pub(crate) latest: i64,
    /// Events after this do not move `latest`.
    pub(crate) ceiling: i64,
    pub(crate) settings: Settings,
}

impl Engine {
    /// Makes an engine of rules. Rules that cannot run beside the others (the same id or name twice, a correlation over
    /// rules that are not there) are left out and named.
    pub fn new(rules: Vec<Rule>, settings: &Settings) -> (Engine, Vec<RuleError>) {
        let mut errors = Vec::new();
        let rules = distinct(rules, &mut errors);
        let mut engine = Engine {
            abouts: Vec::with_capacity(rules.len()),
            prints: Vec::with_capacity(rules.len()),
            program: Program::default(),
            folds: Folds::default(),
            routes: Vec::new(),
            correlations: Vec::new(),
            network: Network::default(),
            uses: Vec::new(),
            primers: Vec::new(),
            coverage: Coverage::new(settings.max_account_days),
            rests: Rests::default(),
            groups: Groups::new(settings.max_alerts),
            pending: Pending::new(settings.max_alerts.saturating_mul(2)),
            counters: Counters::default(),
            matches: Vec::new(),
            latest: UNTIMED,
            ceiling: i64::MAX,
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
            Logic::Events(expr) => (expr, Route::Events { alone: true, grouping: self.grouping(&rule.about) }),
            Logic::Memory(expr, memory) => {
                let parts = memory.fields.iter().map(|f| Part::find(f, &mut self.program)).collect::<Result<_, _>>()?;
                (expr, Route::Memory { uses: self.uses.len(), parts })
            }
        };
        let number = self.program.add(expr)?;
        if let Logic::Memory(expr, memory) = &rule.logic {
            self.primers.extend(Primer::new(self.uses.len(), &memory.fields, expr));
            let live = self.settings.allowed_lateness_micros.is_some();
            self.uses.push((number, Uses::new(memory.clone(), self.settings.max_remembered, live)));
        }
        self.abouts.push(rule.about.clone());
        let settings = format!("{:?}", self.grouping(&rule.about));
        self.prints.push(print(&[&rule.about.id, &rule.detects(), &settings]));
        self.routes.push(route);
        Ok(())
    }

    fn grouping(&self, about: &About) -> Grouping {
        let quiet = about.severity == Severity::Informational;
        let settings = &self.settings;
        Grouping { length: if quiet { settings.quiet_window_micros } else { settings.group_window_micros }, quiet }
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
                            let own: Vec<String> = rules.iter().map(|r| print(&[&r.about.id, &r.detects()])).collect();
                            let prints = lineage(&own, &bases, &self.prints);
                            self.prints.extend(prints);
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
                        if let Some(Route::Events { alone, .. }) = self.routes.get_mut(number) {
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
        let live = self.settings.allowed_lateness_micros.is_some();
        let room = Room { max_events: self.settings.max_correlated_events, live };
        Network::new(&linked, order, room, &mut self.program)
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

    /// What was counted so far, for whoever watches an engine that never finishes.
    pub fn counters(&self) -> Counters {
        let mut counters = self.counters;
        counters.shed_matches = self.groups.shed + self.pending.shed;
        for (_, shed, late) in self.network.losses() {
            counters.shed_correlated += shed;
            counters.late_correlated += late;
        }
        counters.shed_remembered = self.coverage.shed + self.uses.iter().map(|(_, uses)| uses.shed).sum::<u64>();
        counters
    }

    /// Which rules hold in which rows, as if no batch came before; correlations and memories take no part.
    pub fn matches(&mut self, batch: &RecordBatch, out: &mut Vec<Match>) {
        Run::new(&self.program, batch).matches(&mut self.folds, out);
    }

    /// Takes the events of a batch.
    pub fn observe(&mut self, batch: &RecordBatch) {
        let sightings = Sightings::new(batch);
        let mut run = Run::new(&self.program, batch);
        let mut matches = std::mem::take(&mut self.matches);
        matches.clear();
        run.matches(&mut self.folds, &mut matches);
        self.counters.events += batch.num_rows() as u64;
        self.counters.matches += matches.len() as u64;
        self.counters.untimed += sightings.untimed(batch.num_rows()) as u64;
        if !self.uses.is_empty() {
            self.coverage.add(&sightings, batch.num_rows());
        }
        let mut thing = String::new();
        for found in &matches {
            match self.routes.get(found.rule) {
                Some(Route::Events { alone, grouping }) => {
                    if *alone {
                        self.groups.add(found.rule, *grouping, &sightings, found.row);
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
        if self.settings.allowed_lateness_micros.is_some() {
            let times = (0..batch.num_rows()).map(|row| sightings.time(row));
            self.latest = self.latest.max(times.filter(|time| *time <= self.ceiling).max().unwrap_or(UNTIMED));
            self.seal();
        }
    }
}
