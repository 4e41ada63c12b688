//! What of the engine's findings is known for sure, and handing it out once.
//!
//! Alerts of single events are known at once. What looks at several events is judged up to the watermark: the time of the
//! latest event less the allowed lateness, before which no event will come. Knows no batches.

use crate::engine::Engine;
use crate::finish;
use crate::group::Told;
use crate::news::News;
use crate::outcome::{Loss, Outcome};
use crate::sighting::UNTIMED;

/// Events this much ahead of the clock are not believed, microseconds.
pub const MAX_AHEAD_MICROS: i64 = 300 * 1_000_000;

impl Engine {
    /// Tells the wall clock, microseconds since the epoch. An event that is dated more than five minutes after it does
    /// not move the watermark, else one such event would make all others late. A batch needs no clock.
    pub fn clock(&mut self, now: i64) {
        self.ceiling = now.saturating_add(MAX_AHEAD_MICROS);
    }

    /// Tells that no event before `until` will come any more, as if an event later by the allowed lateness had been seen:
    /// so that what waits for the watermark is judged where the log has fallen silent. Does nothing in an engine without
    /// allowed lateness.
    pub fn advance(&mut self, until: i64) {
        if let Some(lateness) = self.settings.allowed_lateness_micros {
            self.latest = self.latest.max(until.saturating_add(lateness));
            self.seal();
        }
    }

    /// The moment before which all is judged; `None` before the first event, and without allowed lateness.
    pub fn watermark(&self) -> Option<i64> {
        let lateness = self.settings.allowed_lateness_micros?;
        (self.latest != UNTIMED).then(|| self.latest.saturating_sub(lateness))
    }

    /// Alerts that nobody was given yet and that are sure: those of single events at once, those of correlations when
    /// their condition began to hold, those of rules with memory, each as soon as the watermark has passed; and alerts that
    /// were given before and are whole now. An alert is given once as new and at most once as an update, over all calls
    /// and [`Engine::finish`], unless events come later than allowed: those open their alert anew under the same
    /// fingerprint.
    pub fn drain(&mut self) -> News {
        let told = self.groups.tell();
        self.put(told);
        self.pending.take()
    }

    /// Judges all that was observed.
    pub fn finish(mut self) -> Outcome {
        let closed = self.groups.finish();
        self.put(closed);
        self.judge(None);
        let mut counters = self.counters;
        counters.shed_matches = self.groups.shed + self.pending.shed;
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
        counters.shed_remembered = self.coverage.shed + self.uses.iter().map(|(_, uses)| uses.shed).sum::<u64>();
        let News { alerts, updates } = self.pending.take();
        Outcome { alerts, updates, counters, losses }
    }

    /// Judges all before the watermark.
    pub(crate) fn seal(&mut self) {
        let Some(until) = self.watermark() else { return };
        let closed = self.groups.seal(until);
        self.put(closed);
        self.judge(Some(until));
    }

    fn put(&mut self, told: Vec<Told>) {
        for told in told {
            if let Some(about) = self.abouts.get(told.rule) {
                self.pending.put(finish::window(about, told.window, told.burst), told.update);
            }
        }
    }

    fn judge(&mut self, until: Option<i64>) {
        let Engine { network, abouts, correlations, pending, .. } = self;
        network.seal(until, &mut |correlation, at, held| {
            let Some((number, true)) = correlations.get(at) else { return };
            if let Some(about) = abouts.get(*number) {
                let update = held.update;
                pending.put(finish::held(about, correlation, held), update);
            }
        });
        let counters = &mut self.counters;
        for alert in finish::memories(abouts, &mut self.uses, &self.coverage, &mut self.rests, until, counters) {
            pending.put(alert, false);
        }
    }
}
