//! Windows over event time: the events that a correlation waits for, and when its condition held.
//!
//! Events wait until no earlier one can come, are then judged in order of event time, and leave when no later event can
//! reach back to them; so the order of arrival does not matter, and memory is that of the windows. A window ends with
//! an event and reaches back by the timespan, both ends included. Windows that hold and overlap are one alert. What was
//! not kept for want of room, or came too late, is counted. Knows no rules: it is told which correlation an event is for.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::correlation::Correlation;
use crate::group::Burst;
use crate::sighting::{Sighting, UNTIMED};
use crate::slide::Slide;

/// Values of fields, `None` where the event has none.
pub(crate) type Values = Vec<Option<String>>;

/// An event that a correlation waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The event.
    pub(crate) sighting: Sighting,
    /// Place of the base rule among the correlation's rules.
    pub(crate) base: usize,
    /// Value of the measured field, or of all of them.
    pub(crate) value: Option<String>,
    /// Values that correlations over this one will ask for.
    pub(crate) carried: Values,
}

/// The events of one correlation.
#[derive(Debug)]
pub(crate) struct Windows {
    correlation: Correlation,
    groups: HashMap<Values, Group, ahash::RandomState>,
    kept: usize,
    max_events: usize,
    /// Events before this moment have been judged.
    sealed: i64,
    /// Events not kept for want of room.
    pub(crate) shed: u64,
    /// Events that came after their time had been judged.
    pub(crate) late: u64,
}

/// The events of one group.
#[derive(Debug)]
struct Group {
    /// Not judged yet, in order of arrival.
    waiting: Vec<Entry>,
    /// Judged, in order of time, and still in reach of a window.
    window: VecDeque<Entry>,
    /// Events that have left the window.
    left: u64,
    slide: Slide,
    run: Option<Run>,
}

/// Windows that held and overlap.
#[derive(Debug)]
struct Run {
    burst: Burst,
    most: f64,
    /// Number of the latest event in it, counted from the group's first.
    last: u64,
}

/// A time in which the condition held.
#[derive(Debug)]
pub(crate) struct Held {
    /// The events.
    pub(crate) burst: Burst,
    /// Largest measure of a window in it.
    pub(crate) most: f64,
    /// Values of the `group-by` fields.
    pub(crate) group: Values,
}

/// The condition held at an event.
#[derive(Debug)]
pub(crate) struct Occurrence {
    /// The event, and what it carried.
    pub(crate) entry: Entry,
    /// It did not hold in an overlapping window before.
    pub(crate) opens: bool,
}

/// What came of judging.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Runs that are over.
    pub(crate) held: Vec<Held>,
    /// Each event at which the condition held.
    pub(crate) occurred: Vec<Occurrence>,
}

impl Windows {
    /// Room for `max_events` events.
    pub(crate) fn new(correlation: Correlation, max_events: usize) -> Self {
        let groups = HashMap::default();
        Windows { correlation, groups, kept: 0, max_events, sealed: i64::MIN, shed: 0, late: 0 }
    }

    /// The correlation.
    pub(crate) fn correlation(&self) -> &Correlation {
        &self.correlation
    }

    /// Takes an event. One without a time can be in no window.
    pub(crate) fn add(&mut self, group: Values, entry: Entry) {
        if entry.sighting.time == UNTIMED {
            return;
        }
        if entry.sighting.time < self.sealed {
            self.late += 1;
            return;
        }
        if self.kept >= self.max_events {
            self.shed += 1;
            return;
        }
        self.kept += 1;
        let group = self.groups.entry(group).or_insert_with(|| Group::new(&self.correlation));
        group.waiting.push(entry);
    }

    /// Judges every event before `until`, which nothing earlier will follow; all of them for `None`.
    pub(crate) fn seal(&mut self, until: Option<i64>) -> Verdict {
        let mut verdict = Verdict::default();
        if until.is_some_and(|until| until <= self.sealed) {
            return verdict;
        }
        self.sealed = until.unwrap_or(i64::MAX);
        for (key, group) in &mut self.groups {
            let before = group.waiting.len() + group.window.len();
            group.seal(&self.correlation, key, until, &mut verdict);
            self.kept -= before - group.waiting.len() - group.window.len();
        }
        self.groups.retain(|_, group| !group.waiting.is_empty() || !group.window.is_empty());
        verdict
    }
}

impl Group {
    fn new(correlation: &Correlation) -> Group {
        let slide = Slide::new(&correlation.measure, correlation.rules.len());
        Group { waiting: Vec::new(), window: VecDeque::new(), left: 0, slide, run: None }
    }

    fn seal(&mut self, correlation: &Correlation, key: &Values, until: Option<i64>, verdict: &mut Verdict) {
        // Events of one moment stand in the order of the rules: an order of theirs is not known.
        let order = |e: &Entry| (e.sighting.time, e.base);
        self.waiting.sort_unstable_by(|a, b| {
            let rest = |e: &Entry| (e.sighting.clone(), e.value.clone());
            order(a)
                .cmp(&order(b))
                .then_with(|| a.sighting.event_id.cmp(&b.sighting.event_id))
                .then_with(|| rest(a).cmp(&rest(b)))
        });
        let ready = until.map_or(self.waiting.len(), |until| self.waiting.partition_point(|e| e.sighting.time < until));
        let mut entries = self.waiting.drain(..ready).collect::<VecDeque<_>>();
        while let Some(entry) = entries.pop_front() {
            let time = entry.sighting.time;
            let opened = time.saturating_sub(correlation.span);
            self.leave(correlation, opened);
            self.slide.enter(&correlation.measure, &entry);
            self.window.push_back(entry);
            // Events of the same moment are one window: judged at the last of them.
            if entries.front().is_some_and(|next| next.sighting.time == time) {
                continue;
            }
            let Some(latest) = self.window.back() else { continue };
            if let Some(measure) = self.slide.measure(&correlation.measure, latest, opened)
                && correlation.holds(measure)
            {
                self.hold(measure, key, verdict);
            }
        }
        let reach = until.map_or(i64::MAX, |until| until.saturating_sub(correlation.span));
        self.leave(correlation, reach);
        // Without an event of it in reach, no later window can overlap it.
        if self.run.as_ref().is_some_and(|run| until.is_none() || run.last < self.left) {
            self.close(key, verdict);
        }
    }

    /// Lets go of events before `opened`.
    fn leave(&mut self, correlation: &Correlation, opened: i64) {
        while let Some(old) = self.window.pop_front_if(|old| old.sighting.time < opened) {
            self.slide.leave(&correlation.measure, &old);
            self.left += 1;
        }
    }

    /// The condition holds for the window as it is.
    fn hold(&mut self, measure: f64, key: &Values, verdict: &mut Verdict) {
        let apart = self.run.as_ref().is_some_and(|run| run.last < self.left);
        if apart {
            self.close(key, verdict);
        }
        let opens = self.run.is_none();
        let last = self.left + self.window.len() as u64 - 1;
        let known = self.run.as_ref().map_or(0, |run| usize::try_from(run.last + 1 - self.left).unwrap_or(usize::MAX));
        for entry in self.window.iter().skip(known) {
            match &mut self.run {
                Some(run) => run.burst.add(&entry.sighting),
                None => self.run = Some(Run { burst: Burst::new(entry.sighting.clone()), most: measure, last }),
            }
        }
        if let Some(run) = &mut self.run {
            run.most = run.most.max(measure);
            run.last = last;
        }
        verdict.occurred.extend(self.window.back().map(|entry| Occurrence { entry: entry.clone(), opens }));
    }

    fn close(&mut self, key: &Values, verdict: &mut Verdict) {
        verdict.held.extend(self.run.take().map(|run| Held { burst: run.burst, most: run.most, group: key.clone() }));
    }
}
