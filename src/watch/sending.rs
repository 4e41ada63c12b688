//! The courier on a thread of its own: a sink that hangs holds up neither the rules nor the lake.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ::deliver::outbox::Standing;
use ::deliver::{Config, Courier, Drained, Outbox, now};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::families::{DELIVERIES, OUTBOX_BYTES, OUTBOX_MESSAGES};
use super::metrics::Metrics;
use crate::commands::deliver::{outside, runtime};
use crate::outcome::Failure;

/// An attempt that is under way at the end gets so long.
const UNDER_WAY: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(50);

/// Sends what is in the outbox.
pub(super) struct Sending {
    pub(super) courier: Arc<Courier>,
    outbox: Arc<Outbox>,
    /// Lanes live on it.
    _runtime: Arc<Runtime>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: JoinHandle<()>,
    failure: Arc<Mutex<Option<String>>>,
    has_failed: Arc<AtomicBool>,
}

impl Sending {
    /// Opens the sinks and begins.
    pub(super) fn start(config: &Config, outbox: &Arc<Outbox>) -> Result<Sending, Failure> {
        let runtime = Arc::new(runtime()?);
        let courier = Arc::new(Courier::open(config, outbox.clone(), &outside(config, &runtime))?);
        let (stop, stopped) = oneshot::channel();
        let (failure, has_failed): (Arc<Mutex<Option<String>>>, Arc<AtomicBool>) = Default::default();
        let work = {
            let (courier, runtime) = (courier.clone(), runtime.clone());
            let (failure, has_failed) = (failure.clone(), has_failed.clone());
            move || {
                let stopped = async {
                    // Whoever is gone asks for an end too.
                    let _ = stopped.await;
                };
                if let Err(error) = runtime.block_on(courier.run(stopped)) {
                    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                    has_failed.store(true, Ordering::Release);
                }
            }
        };
        let thread = std::thread::Builder::new().name("trailhound-courier".to_owned()).spawn(work)?;
        let stop = Mutex::new(Some(stop));
        Ok(Sending { courier, outbox: outbox.clone(), _runtime: runtime, stop, thread, failure, has_failed })
    }

    /// Whether it cannot note any more what was sent: then nobody must go on.
    ///
    /// # Errors
    /// Why.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if !self.has_failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Err(Failure::Io(failure.unwrap_or_default()))
    }

    /// Gives what is due so long to leave, lets what is under way end, and says what waits. A sink that hangs is not waited for.
    pub(super) fn end(&self, most: Duration) -> Result<Drained, Failure> {
        let begun = Instant::now();
        while begun.elapsed() < most && self.left().pending > 0 && !self.has_failed.load(Ordering::Acquire) {
            std::thread::sleep(LOOK);
        }
        if let Some(stop) = self.stop.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = stop.send(());
        }
        let asked = Instant::now();
        while asked.elapsed() < UNDER_WAY && !self.thread.is_finished() {
            std::thread::sleep(LOOK);
        }
        self.check()?;
        Ok(self.left())
    }

    /// What waits in the outbox.
    fn left(&self) -> Drained {
        let mut left = Drained::default();
        for (standing, count) in self.outbox.counts(now()).into_values().flatten() {
            match standing {
                Standing::Pending => left.pending += count,
                Standing::Held => left.held += count,
                Standing::Dead => left.dead += count,
                Standing::Sent => {}
            }
        }
        left
    }

    /// How sinks and outbox stand.
    pub(super) fn measure(&self, metrics: &Metrics) {
        for (sink, done) in self.courier.tallies() {
            for (result, count) in [("sent", done.sent), ("failed", done.failed), ("dead", done.died)] {
                metrics.set(DELIVERIES, &[("sink", &sink), ("result", result)], count as f64);
            }
        }
        metrics.set(OUTBOX_BYTES, &[], self.outbox.bytes() as f64);
        metrics.clear(OUTBOX_MESSAGES);
        for (sink, counts) in self.outbox.counts(now()) {
            for (standing, count) in counts {
                let state = match standing {
                    Standing::Dead => "dead",
                    Standing::Pending => "pending",
                    Standing::Held => "held",
                    Standing::Sent => continue,
                };
                metrics.set(OUTBOX_MESSAGES, &[("sink", &sink), ("state", state)], count as f64);
            }
        }
    }
}
