//! The events of one group of a correlation, and how they are judged: in order of time, each window once.
//!
//! Events wait until no earlier one can come; then each enters the window, and leaves it when no later one can reach back to
//! it. Knows one group, and no limits.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::waiting::Waiting;
use super::{Entry, Held, Occurrence, Values, Verdict};
use crate::correlation::Correlation;
use crate::group::Burst;
use crate::slide::Slide;

/// The events of one group. There may be a million of groups: what is only there while something is judged is apart.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    /// Not judged yet.
    pub(super) waiting: Waiting,
    /// Judged, in order of time, and still in reach of a window.
    pub(super) window: VecDeque<Entry>,
    /// Events that have left the window.
    pub(super) left: u64,
    /// The measure of the window.
    pub(super) slide: Option<Box<Slide>>,
    pub(super) run: Option<Box<Run>>,
}

/// Windows that held and overlap.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Run {
    burst: Burst,
    most: f64,
    /// Number of the latest event in it, counted from the group's first.
    last: u64,
    /// Number of its events when it was told; 0 if it was not.
    told: u64,
}

impl Stretch {
    /// Number of its events.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.window.len()
    }

    /// Time of its earliest event.
    pub(super) fn earliest(&self) -> Option<i64> {
        let window = self.window.front().map(|entry| entry.sighting.time);
        window.into_iter().chain(self.waiting.earliest()).min()
    }

    /// Tells of a run that began. Its first event is known, because events are judged in order.
    pub(super) fn tell(&mut self, key: &Values, verdict: &mut Verdict) {
        if let Some(run) = self.run.as_mut().filter(|run| run.told == 0) {
            run.told = run.burst.count;
            let (burst, group) = (run.burst.clone(), key.clone());
            verdict.held.push(Held { burst, most: run.most, group, update: false });
        }
    }

    pub(super) fn seal(&mut self, correlation: &Correlation, key: &Values, until: Option<i64>, verdict: &mut Verdict) {
        let mut entries = VecDeque::from(self.waiting.take(until));
        while let Some(entry) = entries.pop_front() {
            let time = entry.sighting.time;
            let opened = time.saturating_sub(correlation.span);
            self.leave(correlation, opened);
            self.slide(correlation).enter(&correlation.measure, &entry);
            self.window.push_back(entry);
            // Events of the same moment are one window: judged at the last of them.
            if entries.front().is_some_and(|next| next.sighting.time == time) {
                continue;
            }
            let Some(latest) = self.window.back() else { continue };
            if let Some(slide) = &self.slide
                && let Some(measure) = slide.measure(&correlation.measure, latest, opened)
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

    /// The measure of the window; there is none where nothing was judged.
    pub(super) fn slide(&mut self, correlation: &Correlation) -> &mut Slide {
        self.slide.get_or_insert_with(|| Box::new(Slide::new(&correlation.measure, correlation.rules.len())))
    }

    /// Lets go of events before `opened`.
    fn leave(&mut self, correlation: &Correlation, opened: i64) {
        while let Some(old) = self.window.pop_front_if(|old| old.sighting.time < opened) {
            if let Some(slide) = &mut self.slide {
                slide.leave(&correlation.measure, &old);
            }
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
                None => {
                    let burst = Burst::new(entry.sighting.clone());
                    self.run = Some(Box::new(Run { burst, most: measure, last, told: 0 }));
                }
            }
        }
        if let Some(run) = &mut self.run {
            run.most = run.most.max(measure);
            run.last = last;
        }
        verdict.occurred.extend(self.window.back().map(|entry| Occurrence { entry: entry.clone(), opens }));
    }

    fn close(&mut self, key: &Values, verdict: &mut Verdict) {
        let grown = self.run.take().filter(|run| run.told < run.burst.count);
        verdict.held.extend(grown.map(|run| {
            let update = run.told > 0;
            Held { burst: run.burst, most: run.most, group: key.clone(), update }
        }));
    }
}
