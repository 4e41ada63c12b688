//! Alerts that are ready and were not handed out yet. Knows no rules.

use hashbrown::HashMap;

use crate::alert::{self, Alert};

/// What there is to tell: both lists worst first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// Alerts that were not told before.
    pub alerts: Vec<Alert>,
    /// Alerts that were told before and are whole now: the same `fingerprint`, more events.
    pub updates: Vec<Alert>,
}

/// Alerts by fingerprint, and whether each was told before.
#[derive(Debug)]
pub(crate) struct Pending {
    alerts: HashMap<String, (Alert, bool), ahash::RandomState>,
    max_alerts: usize,
    /// Events of alerts for which there was no room.
    pub(crate) shed: u64,
}

impl Pending {
    /// Room for so many.
    pub(crate) fn new(max_alerts: usize) -> Pending {
        Pending { alerts: HashMap::default(), max_alerts, shed: 0 }
    }

    /// True if all was handed out.
    pub(crate) fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }

    /// Takes an alert; one that waits already takes its place if it knows more.
    pub(crate) fn put(&mut self, alert: Alert, update: bool) {
        let full = self.alerts.len() >= self.max_alerts;
        match self.alerts.get_mut(&alert.fingerprint) {
            Some((kept, before)) => {
                *before &= update;
                if alert.count >= kept.count {
                    *kept = alert;
                }
            }
            None if full => self.shed += alert.count,
            None => {
                self.alerts.insert(alert.fingerprint.clone(), (alert, update));
            }
        }
    }

    /// Hands all out.
    pub(crate) fn take(&mut self) -> News {
        let mut news = News::default();
        for (_, (alert, update)) in self.alerts.drain() {
            if update { news.updates.push(alert) } else { news.alerts.push(alert) }
        }
        alert::sort(&mut news.alerts);
        alert::sort(&mut news.updates);
        news
    }
}
