//! How correlations hang on rules, and on one another.
//!
//! An event that a rule found is fed to the correlations over that rule, and a correlation that held is an event for
//! the correlations over it. What the outer ones will ask of an event is read while its row is at hand, and carried
//! along. A correlation occurs when its condition begins to hold, for those that count it; for those that look at what
//! came before or after (`temporal`, `temporal_ordered`) it occurs at each event at which it holds. Knows rules and rows,
//! and not how a window is judged.

use std::cell::RefCell;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::about::About;
use crate::compile::Program;
use crate::correlate::{Entry, Held, Kept, Occurrence, Open, Values, Windows};
use crate::correlation::{Correlation, Measure};
use crate::run::Run;
use crate::scene::{Scene, Table};
use crate::shared::{Shared, Text};
use crate::sighting::{Sightings, keyed};

/// What a scene takes, in events, at most.
const SCENE_LOAD: usize = 8;

/// What a correlation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// The rule with this number in the program.
    Rule(usize),
    /// The correlation with this number among the correlations.
    Correlation(usize),
}

/// How an event reaches a correlation: which values are its group, its measure and its burden. They are numbers of
/// fields for the event of a rule, and places in what was carried for the occurrence of a correlation.
#[derive(Debug, Clone)]
struct Feed {
    to: usize,
    place: usize,
    group: Vec<usize>,
    value: Vec<usize>,
    carried: Vec<usize>,
}

/// All correlations that run.
#[derive(Debug, Default)]
pub(crate) struct Network {
    windows: Vec<Windows>,
    /// Correlations, those over rules before those over them.
    order: Vec<usize>,
    by_rule: HashMap<usize, Vec<Feed>>,
    by_correlation: HashMap<usize, Vec<Feed>>,
    /// Events that each correlation may keep, whatever the others keep.
    share: usize,
    /// Events beyond their shares that all of them together may keep.
    common: usize,
    /// What waiting events have in common.
    scenes: Shared<Scene>,
    max_scenes: usize,
    texts: Shared<str>,
}

/// What bounds the events that correlations keep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Most events that they keep in memory.
    pub(crate) max_events: usize,
    /// Events are judged as they come, not at the end.
    pub(crate) live: bool,
}

/// A correlation and what it is over, found.
#[derive(Debug)]
pub(crate) struct Linked<'a> {
    /// The correlation.
    pub(crate) correlation: &'a Correlation,
    /// What each of its rules is, and what that says of itself.
    pub(crate) bases: Vec<(Base, &'a About)>,
}

impl Network {
    /// Connects correlations that are not over one another in a circle; `order` has inner ones first.
    pub(crate) fn new(
        all: &[Linked<'_>],
        order: Vec<usize>,
        room: Room,
        program: &mut Program,
    ) -> Result<Network, (usize, String)> {
        let share = room.max_events / 2 / all.len().max(1);
        let common = room.max_events.saturating_sub(share * all.len());
        // A batch has few events in memory at a time.
        let max_scenes = if room.live { room.max_events / SCENE_LOAD } else { usize::MAX };
        let mut network = Network { share, common, max_scenes, ..Network::default() };
        // Fields that correlations over each one ask of its events.
        let mut asked: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
        for linked in all {
            network.windows.push(Windows::new(linked.correlation.clone(), room.max_events, room.live));
        }
        for &at in order.iter().rev() {
            let Some(linked) = all.get(at) else { continue };
            let carried = asked.get(at).cloned().unwrap_or_default();
            for (place, (base, about)) in linked.bases.iter().enumerate() {
                let mut feed = feed(at, place, linked.correlation, about, program).map_err(|reason| (at, reason))?;
                feed.carried.clone_from(&carried);
                match base {
                    Base::Rule(rule) => network.by_rule.entry(*rule).or_default().push(feed),
                    Base::Correlation(inner) => {
                        if let Some(asked) = asked.get_mut(*inner) {
                            let mut place = |field: &usize| match asked.iter().position(|known| known == field) {
                                Some(place) => place,
                                None => {
                                    asked.push(*field);
                                    asked.len() - 1
                                }
                            };
                            for fields in [&mut feed.group, &mut feed.value, &mut feed.carried] {
                                *fields = fields.iter().map(&mut place).collect();
                            }
                        }
                        network.by_correlation.entry(*inner).or_default().push(feed);
                    }
                }
            }
        }
        network.order = order;
        Ok(network)
    }

    /// Whether any correlation is over the rule with this number.
    pub(crate) fn wants(&self, rule: usize) -> bool {
        self.by_rule.contains_key(&rule)
    }

    /// Takes an event that a rule found.
    pub(crate) fn take(&mut self, rule: usize, run: &mut Run<'_>, sightings: &Sightings, row: usize) {
        let Some(feeds) = self.by_rule.get(&rule) else { return };
        for feed in feeds {
            let full = full(&self.windows, feed.to, self.share, self.common);
            let Some(windows) = self.windows.get_mut(feed.to) else { continue };
            // What is not kept is not read either: there may be any number of such events.
            if !windows.admits(sightings.time(row), full) {
                continue;
            }
            let mut read = |fields: &[usize]| fields.iter().map(|field| run.text(*field, row)).collect::<Values>();
            let value = together(&read(&feed.value));
            // Whoever changes the address or the agent with each call is counted all the same.
            let plain = self.scenes.is_crowded(self.max_scenes);
            let entry = Entry {
                sighting: sightings.share(row, &mut self.scenes, plain),
                base: feed.place,
                value: value.map(|value| Text(self.texts.of(value.as_str(), || value.as_str().into()))),
                carried: carried(read(&feed.carried)),
            };
            windows.add(read(&feed.group), entry);
        }
    }

    /// Judges all that happened before `until`, or everything: the number of a correlation, and when it held.
    pub(crate) fn seal(&mut self, until: Option<i64>, each: &mut dyn FnMut(&Correlation, usize, Held)) {
        for place in 0..self.order.len() {
            let Some(&at) = self.order.get(place) else { continue };
            let Some(windows) = self.windows.get_mut(at) else { continue };
            let mut merged = if until.is_none() { windows.merge() } else { None };
            while let Some(windows) = self.windows.get_mut(at) {
                let rest = merged.as_mut().filter(|merged| merged.time().is_some());
                let last = rest.is_none();
                let verdict = match rest {
                    Some(merged) => windows.step(merged),
                    None => windows.seal(until),
                };
                for held in verdict.held {
                    each(windows.correlation(), at, held);
                }
                self.pass(at, verdict.occurred);
                if last {
                    break;
                }
            }
            if let (Some(windows), Some(merged)) = (self.windows.get_mut(at), merged) {
                windows.shed += merged.lost();
            }
        }
    }

    /// What is open of each correlation, to be written; the scenes are in the table when it is.
    pub(crate) fn open<'a>(&'a self, scenes: &'a RefCell<Table>) -> impl Iterator<Item = (usize, Open<'a>)> {
        self.windows.iter().enumerate().map(move |(at, windows)| (at, windows.open(scenes)))
    }

    /// Scenes of an earlier run, to be shared by what was open then and what comes.
    pub(crate) fn know(&mut self, scenes: Vec<Scene>) -> Vec<Arc<Scene>> {
        scenes.into_iter().map(|scene| self.scenes.of(&scene.view(), || scene.view().own())).collect()
    }

    /// Goes on with what was open of a correlation.
    pub(crate) fn put(&mut self, at: usize, kept: Kept, scenes: &[Arc<Scene>]) {
        if let Some(windows) = self.windows.get_mut(at) {
            windows.put(kept, scenes);
        }
    }

    /// Gives the occurrences of a correlation to those over it.
    fn pass(&mut self, at: usize, occurred: Vec<Occurrence>) {
        let Some(feeds) = self.by_correlation.get(&at) else { return };
        for occurrence in occurred {
            for feed in feeds {
                let full = full(&self.windows, feed.to, self.share, self.common);
                let Some(outer) = self.windows.get_mut(feed.to) else { continue };
                let follows = matches!(outer.correlation().measure, Measure::Rules | Measure::Ordered);
                if !follows && !occurrence.opens || !outer.admits(occurrence.entry.sighting.time, full) {
                    continue;
                }
                let values = occurrence.entry.carried.as_deref().map_or(&[][..], Vec::as_slice);
                let pick = |places: &[usize]| places.iter().map(|p| values.get(*p).cloned().flatten()).collect();
                let value = together(&pick(&feed.value));
                let entry = Entry {
                    sighting: occurrence.entry.sighting.clone(),
                    base: feed.place,
                    value: value.map(|value| Text(self.texts.of(value.as_str(), || value.as_str().into()))),
                    carried: carried(pick(&feed.carried)),
                };
                outer.add(pick(&feed.group), entry);
            }
        }
    }

    /// Events not kept for want of room, and events that came too late, of each correlation.
    pub(crate) fn losses(&self) -> impl Iterator<Item = (usize, u64, u64)> {
        self.windows.iter().enumerate().map(|(at, windows)| (at, windows.shed, windows.late))
    }
}

/// Whether a correlation has taken its share, and all together what is for whoever needs it.
fn full(windows: &[Windows], at: usize, share: usize, common: usize) -> bool {
    windows.get(at).is_none_or(|windows| windows.load() >= share)
        && windows.iter().map(|windows| windows.load().saturating_sub(share)).sum::<usize>() >= common
}

fn feed(
    to: usize,
    place: usize,
    correlation: &Correlation,
    base: &About,
    program: &mut Program,
) -> Result<Feed, String> {
    let mut group = Vec::new();
    for name in &correlation.group_by {
        let field = correlation.field(name, place, &|rule| base.is_called(rule));
        let field = field.ok_or_else(|| format!("the alias `{name}` has no field for the rule `{}`", base.title))?;
        group.push(program.field(field)?);
    }
    let value = correlation.measure.fields().iter().map(|field| program.field(field)).collect::<Result<_, _>>()?;
    Ok(Feed { to, place, group, value, carried: Vec::new() })
}

fn carried(values: Values) -> Option<Box<Values>> {
    (!values.is_empty()).then(|| Box::new(values))
}

/// One value for several, equal only where all are equal; `None` where one is missing.
fn together(values: &Values) -> Option<String> {
    match values.as_slice() {
        [] => None,
        [one] => one.clone(),
        several => {
            let mut text = String::new();
            for value in several {
                let value = value.as_deref()?;
                text.push_str(&format!("{}:{value}", value.len()));
            }
            Some(keyed(&text).into_owned())
        }
    }
}

/// Correlations in an order in which each stands behind those that it is over. `Err` has those in a circle.
pub(crate) fn in_order(bases: &[Vec<Base>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut order: Vec<usize> = Vec::with_capacity(bases.len());
    let mut placed = vec![false; bases.len()];
    loop {
        let ready = |base: &Base| match base {
            Base::Rule(_) => true,
            Base::Correlation(at) => placed.get(*at).copied().unwrap_or(false),
        };
        let next: Vec<usize> = (0..bases.len())
            .filter(|at| !placed.get(*at).copied().unwrap_or(true))
            .filter(|at| bases.get(*at).is_some_and(|bases| bases.iter().all(ready)))
            .collect();
        if next.is_empty() {
            break;
        }
        for at in next {
            order.push(at);
            if let Some(placed) = placed.get_mut(at) {
                *placed = true;
            }
        }
    }
    let circle: Vec<usize> = placed.iter().enumerate().filter(|(_, placed)| !**placed).map(|(at, _)| at).collect();
    if circle.is_empty() { Ok(order) } else { Err(circle) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_correlations_come_first_and_circles_are_found() {
        use Base::{Correlation as C, Rule as R};
        assert_eq!(in_order(&[vec![C(2)], vec![R(0)], vec![C(1), R(3)]]), Ok(vec![1, 2, 0]));
        assert_eq!(in_order(&[vec![C(1)], vec![C(0)], vec![R(0)]]), Err(vec![0, 1]));
    }

    #[test]
    fn values_together_do_not_run_into_one_another() {
        let some = |texts: &[&str]| together(&texts.iter().map(|t| Some((*t).to_owned())).collect());
        assert_ne!(some(&["ab", "c"]), some(&["a", "bc"]));
        assert_eq!(together(&vec![Some("a".to_owned()), None]), None);
    }
}
