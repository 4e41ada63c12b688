//! From alerts to the outbox, whoever found them: what a suppression covers, what is counted, and the rows that tell of it.
//!
//! Alerts of rules and alerts about the log itself go this one way, so that silences, suppressions and figures know both.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::alerts::Alert;
use ::deliver::{Accepted, Desk};
use arrow::array::RecordBatch;
use chrono::DateTime;

use super::families::{ACCEPTED, ALERTS, MESSAGE_TO_ALERT, SUPPRESSED, TO_ALERT};
use super::metrics::Metrics;
use super::rows;
use crate::commands::backtest::Known;
use crate::outcome::Failure;

/// Hands alerts over to who delivers them.
pub(super) struct Telling {
    desk: Desk,
    metrics: Arc<Metrics>,
    /// What is not to be told.
    known: Mutex<Known>,
    /// Rows of the table `alerts` that wait for somebody else's commit.
    steps: Mutex<Vec<RecordBatch>>,
}

impl Telling {
    pub(super) fn new(desk: Desk, metrics: &Arc<Metrics>, known: Known) -> Telling {
        Telling { desk, metrics: metrics.clone(), known: Mutex::new(known), steps: Mutex::default() }
    }

    /// From now on these are not to be told.
    pub(super) fn know(&self, known: &Known) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone_from(known);
    }

    /// Puts alerts into the outbox, but for those that a suppression covers; gives the rows that tell of what stands in no
    /// note of the outbox. `sent` is when the oldest message behind them came, in microseconds; `has_grown` says of an alert
    /// that was found before whether it has new figures.
    ///
    /// # Errors
    /// The outbox cannot take them: then nothing that led to them may be committed.
    pub(super) fn tell(
        &self,
        mut alerts: Vec<Alert>,
        sent: Option<i64>,
        has_grown: &dyn Fn(&Alert) -> bool,
    ) -> Result<Vec<RecordBatch>, Failure> {
        if alerts.is_empty() {
            return Ok(Vec::new());
        }
        let now = ::deliver::now();
        let at = DateTime::from_timestamp_micros(now).unwrap_or_default();
        let suppressed: Vec<Alert> = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            alerts.extract_if(.., |alert| known.covers(alert, at)).collect()
        };
        let (accepted, news) = self.desk.accept_noting(&alerts, now)?;
        self.count(&alerts, accepted, now, sent);
        self.metrics.add(SUPPRESSED, &[], suppressed.len() as u64);
        // Each time that they are found: the process may have died between the outbox and the row.
        let silenced = self.silenced(&alerts, now);
        let mut news = news.into_iter();
        alerts.retain(|alert| !news.next().unwrap_or(true) && has_grown(alert));
        let steps = [(&alerts, "updated"), (&suppressed, "suppressed")];
        let steps = steps.into_iter().filter(|(alerts, _)| !alerts.is_empty());
        Ok(steps.map(|(alerts, step)| rows::known(alerts, step, now)).chain(silenced).collect())
    }

    /// Rows of those that a silence covers.
    fn silenced(&self, alerts: &[Alert], now: i64) -> Option<RecordBatch> {
        let reason = |alert| self.desk.silence_of(alert, now).map(|reason| (alert, reason));
        let covered: Vec<(&Alert, &str)> = alerts.iter().filter_map(reason).collect();
        // After the note that it was found, or the table would call it found.
        (!covered.is_empty()).then(|| rows::silenced(&covered, self.desk.after_notes(now)))
    }

    /// Rows that the next commit is to take along, whoever makes it.
    pub(super) fn leave(&self, steps: Vec<RecordBatch>) {
        self.left().extend(steps);
    }

    /// Whether some wait.
    pub(super) fn waits(&self) -> bool {
        !self.left().is_empty()
    }

    /// Takes them.
    pub(super) fn take(&self) -> Vec<RecordBatch> {
        std::mem::take(&mut *self.left())
    }

    fn left(&self) -> MutexGuard<'_, Vec<RecordBatch>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, alerts: &[Alert], accepted: Accepted, now: i64, sent: Option<i64>) {
        for alert in alerts {
            self.metrics.add(ALERTS, &[("rule", &alert.rule), ("severity", alert.severity.as_str())], 1);
            // An alert about the log itself has no event.
            if let Some(time) = alert.last_time.filter(|_| !alert.event_ids.is_empty()) {
                self.metrics.observe(TO_ALERT, now.saturating_sub(time) as f64 / 1e6, 1);
            }
        }
        if let Some(sent) = sent {
            self.metrics.observe(MESSAGE_TO_ALERT, now.saturating_sub(sent) as f64 / 1e6, alerts.len() as u64);
        }
        for (result, count) in [
            ("queued", accepted.queued),
            ("held", accepted.held),
            ("digested", accepted.digested),
            ("known", accepted.known),
            ("too_old", accepted.too_old),
            ("silenced", accepted.silenced),
            ("unrouted", accepted.unrouted),
        ] {
            self.metrics.add(ACCEPTED, &[("result", result)], count);
        }
    }
}
