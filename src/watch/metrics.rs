//! Figures of a process that never ends, as OpenMetrics text.
//!
//! The format is "OpenMetrics 1.0" (prometheus/OpenMetrics, specification). Labels are names of rules and sinks, reasons and
//! results: few, and never text of an event.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::families::{FAMILIES, Kind};

/// Upper ends of the buckets of every histogram, in seconds: half of what is promised, and what CloudTrail itself takes.
const BUCKETS: [f64; 16] =
    [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 86400.0];

/// Names and values of labels.
type Labels = Vec<(&'static str, String)>;

/// All figures.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Mutex<Figures>);

#[derive(Debug, Default)]
struct Figures {
    numbers: BTreeMap<(&'static str, Labels), f64>,
    histograms: BTreeMap<&'static str, Histogram>,
}

#[derive(Debug, Default)]
struct Histogram {
    /// Of each bucket alone.
    counts: [u64; BUCKETS.len() + 1],
    sum: f64,
}

impl Metrics {
    /// Adds to a counter.
    pub(crate) fn add(&self, family: &'static str, labels: &[(&'static str, &str)], more: u64) {
        *self.lock().numbers.entry((family, owned(labels))).or_default() += more as f64;
    }

    /// Sets a gauge, or a counter that somebody else counts.
    pub(crate) fn set(&self, family: &'static str, labels: &[(&'static str, &str)], value: f64) {
        self.lock().numbers.insert((family, owned(labels)), value);
    }

    /// A figure; 0 where there is none yet.
    pub(crate) fn get(&self, family: &'static str, labels: &[(&'static str, &str)]) -> f64 {
        self.lock().numbers.get(&(family, owned(labels))).copied().unwrap_or_default()
    }

    /// Forgets all of a family: what is not set again is not there any more.
    pub(crate) fn clear(&self, family: &'static str) {
        self.lock().numbers.retain(|(of, _), _| *of != family);
    }

    /// Notes a length of time so many times; one that lies in the future is none.
    pub(crate) fn observe(&self, family: &'static str, seconds: f64, times: u64) {
        let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
        let mut figures = self.lock();
        let histogram = figures.histograms.entry(family).or_default();
        let bucket = BUCKETS.partition_point(|end| *end < seconds);
        if let Some(count) = histogram.counts.get_mut(bucket) {
            *count += times;
        }
        histogram.sum += seconds * times as f64;
    }

    /// All of it as text.
    pub(crate) fn text(&self) -> String {
        let figures = self.lock();
        let mut text = String::new();
        for family in FAMILIES {
            let kind = match family.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let _ = writeln!(text, "# TYPE {} {kind}\n# HELP {} {}", family.name, family.name, family.help);
            if let (Kind::Histogram, Some(histogram)) = (family.kind, figures.histograms.get(family.name)) {
                histogram.write(family.name, &mut text);
            }
            let suffix = if family.kind == Kind::Counter { "_total" } else { "" };
            for ((_, labels), value) in figures.numbers.iter().filter(|((name, _), _)| *name == family.name) {
                let _ = writeln!(text, "{}{suffix}{} {value}", family.name, braces(labels));
            }
        }
        text.push_str("# EOF\n");
        text
    }

    fn lock(&self) -> MutexGuard<'_, Figures> {
        // Figures are right whoever panicked meanwhile.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Histogram {
    fn write(&self, name: &str, text: &mut String) {
        let mut count = 0;
        for (of_bucket, end) in self.counts.iter().zip(BUCKETS) {
            count += of_bucket;
            let _ = writeln!(text, "{name}_bucket{{le=\"{end:?}\"}} {count}");
        }
        let count: u64 = self.counts.iter().sum();
        let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_count {count}\n{name}_sum {}", self.sum);
    }
}

fn owned(labels: &[(&'static str, &str)]) -> Labels {
    labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

fn braces(labels: &Labels) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let inside: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    format!("{{{}}}", inside.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::families::{ALERTS, QUEUE_BYTES, TO_ROW};

    #[test]
    fn figures_are_told_in_the_format() {
        let metrics = Metrics::default();
        metrics.add(ALERTS, &[("rule", "a\"b\\c\nd")], 2);
        metrics.add(ALERTS, &[("rule", "a\"b\\c\nd")], 3);
        metrics.set(QUEUE_BYTES, &[], 7.0);
        for (seconds, times) in [(0.3, 2), (0.31, 1), (1e9, 1), (-4.0, 1), (f64::NAN, 0)] {
            metrics.observe(TO_ROW, seconds, times);
        }
        let text = metrics.text();
        for line in [
            "trailhound_alerts_total{rule=\"a\\\"b\\\\c\\nd\"} 5",
            "trailhound_waiting_bytes 7",
            "trailhound_event_to_row_seconds_bucket{le=\"0.3\"} 3",
            "trailhound_event_to_row_seconds_bucket{le=\"0.5\"} 4",
            "trailhound_event_to_row_seconds_bucket{le=\"86400.0\"} 4",
            "trailhound_event_to_row_seconds_bucket{le=\"+Inf\"} 5",
            "trailhound_event_to_row_seconds_count 5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn families_are_in_order_and_each_is_there_once() {
        assert!(FAMILIES.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
