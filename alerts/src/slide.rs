//! The measure of a window that slides over a group's events in order of time.
//!
//! Each event enters once and leaves once; what is measured is kept up to date between. Knows what a correlation
//! measures, and neither rules nor groups.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry as Slot;

use crate::correlate::Entry;
use crate::correlation::Measure;
use crate::test::number;

/// What is known of the events in the window.
#[derive(Debug, Default)]
pub(crate) struct Slide {
    events: u64,
    /// How often each value, or each rule, is in the window.
    counts: HashMap<Arc<str>, u64, ahash::RandomState>,
    /// Numbers in the window, in order of entering.
    numbers: VecDeque<f64>,
    sum: f64,
    /// The same numbers in order of size, where a percentile is asked for.
    sorted: Vec<f64>,
    /// For each length less one, and each rule that is last: when the latest chain of so many rules began.
    chains: Vec<Vec<Option<i64>>>,
}

impl Slide {
    /// An empty window of a correlation over so many rules.
    pub(crate) fn new(measure: &Measure, rules: usize) -> Slide {
        let chains = if *measure == Measure::Ordered { vec![vec![None; rules]; rules] } else { Vec::new() };
        Slide { chains, ..Slide::default() }
    }

    /// An event enters; none that is earlier enters after it.
    pub(crate) fn enter(&mut self, measure: &Measure, entry: &Entry) {
        self.events += 1;
        match measure {
            Measure::Events => {}
            Measure::Ordered => self.chain(entry.base, entry.sighting.time),
            Measure::Sum(_) | Measure::Average(_) | Measure::Percentile(..) => {
                let Some(number) = entry.value.as_ref().and_then(|value| number(&value.0)) else { return };
                self.numbers.push_back(number);
                self.sum += number;
                if matches!(measure, Measure::Percentile(..)) {
                    let at = self.sorted.partition_point(|other| *other < number);
                    self.sorted.insert(at, number);
                }
            }
            Measure::Values(_) | Measure::Rules | Measure::Share(_) => {
                if let Some(key) = key(measure, entry) {
                    *self.counts.entry(key).or_default() += 1;
                }
            }
        }
    }

    /// The earliest event leaves.
    pub(crate) fn leave(&mut self, measure: &Measure, entry: &Entry) {
        self.events = self.events.saturating_sub(1);
        match measure {
            // A chain that began too early is passed over when it is measured.
            Measure::Events | Measure::Ordered => {}
            Measure::Sum(_) | Measure::Average(_) | Measure::Percentile(..) => {
                let Some(number) = entry.value.as_ref().and_then(|value| number(&value.0)) else { return };
                self.numbers.pop_front();
                // An empty window sums to zero, whatever rounding left.
                self.sum = if self.numbers.is_empty() { 0.0 } else { self.sum - number };
                let at = self.sorted.partition_point(|other| *other < number);
                if at < self.sorted.len() {
                    self.sorted.remove(at);
                }
            }
            Measure::Values(_) | Measure::Rules | Measure::Share(_) => {
                if let Some(key) = key(measure, entry)
                    && let Slot::Occupied(mut count) = self.counts.entry(key)
                {
                    *count.get_mut() -= 1;
                    if *count.get() == 0 {
                        count.remove();
                    }
                }
            }
        }
    }

    /// The measure of a window that began at `opened` and ends with `latest`; `None` where there is nothing to measure.
    pub(crate) fn measure(&self, measure: &Measure, latest: &Entry, opened: i64) -> Option<f64> {
        match measure {
            Measure::Events => Some(self.events as f64),
            Measure::Values(_) | Measure::Rules => Some(self.counts.len() as f64),
            Measure::Ordered => {
                let lasts = |chains: &Vec<Option<i64>>| chains.iter().flatten().any(|began| *began >= opened);
                Some(self.chains.iter().take_while(|chains| lasts(chains)).count() as f64)
            }
            Measure::Sum(_) => (!self.numbers.is_empty()).then_some(self.sum),
            Measure::Average(_) => (!self.numbers.is_empty()).then(|| self.sum / self.numbers.len() as f64),
            Measure::Percentile(_, rank) => percentile(&self.sorted, *rank),
            Measure::Share(_) => {
                let total: u64 = self.counts.values().sum();
                let own = self.counts.get(&*latest.value.as_ref()?.0)?;
                Some(*own as f64 / total as f64 * 100.0)
            }
        }
    }

    /// Lengthens every chain that the rule at `base` may follow. Events of one moment come in the order of the rules.
    fn chain(&mut self, base: usize, time: i64) {
        for length in (0..self.chains.len()).rev() {
            let began = match length.checked_sub(1).and_then(|shorter| self.chains.get(shorter)) {
                Some(shorter) => shorter.iter().take(base).flatten().max().copied(),
                None => Some(time),
            };
            if let Some(kept) = self.chains.get_mut(length).and_then(|chains| chains.get_mut(base)) {
                *kept = (*kept).max(began);
            }
        }
    }
}

fn key(measure: &Measure, entry: &Entry) -> Option<Arc<str>> {
    match measure {
        Measure::Rules => Some(entry.base.to_string().into()),
        _ => entry.value.as_ref().map(|value| value.0.clone()),
    }
}

/// Linear interpolation between the closest ranks, as spreadsheets and NumPy do it.
fn percentile(sorted: &[f64], rank: f64) -> Option<f64> {
    let place = rank / 100.0 * sorted.len().checked_sub(1)? as f64;
    let below = *sorted.get(place.floor() as usize)?;
    let above = *sorted.get(place.ceil() as usize)?;
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_interpolated() {
        assert_eq!(percentile(&[], 50.0), None);
        assert_eq!(percentile(&[7.0], 95.0), Some(7.0));
        assert_eq!(percentile(&[1.0, 2.0, 3.0, 10.0], 50.0), Some(2.5));
        assert_eq!(percentile(&[1.0, 2.0, 3.0, 10.0], 100.0), Some(10.0));
    }
}
