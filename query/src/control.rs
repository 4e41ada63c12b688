//! What ends a query from outside: its time is over, or somebody asks for its end.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How often somebody's wish is looked at.
const TICK: Duration = Duration::from_millis(25);

/// What may end a query. By default nothing does.
#[derive(Debug, Clone, Default)]
pub struct Control {
    deadline: Option<(Instant, Duration)>,
    stop: Option<Arc<AtomicBool>>,
}

impl Control {
    /// Ends the query after this time, planning included. `None` lets it take what it takes.
    #[must_use]
    pub fn within(mut self, time: Option<Duration>) -> Control {
        self.deadline = time.and_then(|time| Some((Instant::now().checked_add(time)?, time)));
        self
    }

    /// Ends the query when this becomes true.
    #[must_use]
    pub fn until(mut self, stop: Arc<AtomicBool>) -> Control {
        self.stop = Some(stop);
        self
    }

    /// Why the query is to end now.
    fn reason(&self) -> Option<Error> {
        if self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Some(Error::Cancelled);
        }
        let (deadline, time) = self.deadline?;
        (Instant::now() >= deadline).then_some(Error::Timeout(time))
    }

    /// Does some work of the query, as long as nothing ends it.
    pub(crate) async fn guard<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        if self.deadline.is_none() && self.stop.is_none() {
            return work.await;
        }
        let watch = async {
            loop {
                if let Some(reason) = self.reason() {
                    return reason;
                }
                tokio::time::sleep(TICK).await;
            }
        };
        tokio::select! {
            biased;
            reason = watch => Err(reason),
            done = work => done,
        }
    }
}
