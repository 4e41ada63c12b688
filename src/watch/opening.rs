//! Opening a queue: what is asked of a network may take a minute, and who waits hears why and may leave.
//!
//! Knows the queue and who waits for it; nothing of what will be done with messages.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ::aws::{Connection, Deliveries, Queue};

use super::Watch;
use crate::outcome::Failure;

/// After so long without an answer it is said what is waited for.
const WORD_AFTER: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(50);

/// The queue that is watched, if one is; `None` for the whole where somebody asked for an end before it answered.
///
/// # Errors
/// It cannot be reached, or is none.
pub(super) fn queue(watch: &Watch<'_>) -> Result<Option<Option<(Deliveries, Queue)>>, Failure> {
    let Some(name) = &watch.options.queue else { return Ok(Some(None)) };
    let failed = |error: ::aws::Error| Failure::Io(error.to_string());
    let connection = Connection::open(&watch.options.aws.to_options()).map_err(failed)?;
    let opened = AtomicBool::new(false);
    let queue = std::thread::scope(|scope| {
        scope.spawn(|| mind(watch, name, &connection, &opened));
        let queue = Queue::open(&connection, name);
        opened.store(true, Ordering::Relaxed);
        queue
    });
    match queue {
        Ok(queue) => {
            // A queue that dies later holds up no end either.
            watch.stop.halts(&connection);
            Ok(Some(Some((Deliveries::new(&connection), queue))))
        }
        Err(_) if watch.stop.is_asked() => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Says once that an answer is waited for, and ends the waiting when an end is asked for.
fn mind(watch: &Watch<'_>, name: &str, connection: &Connection, opened: &AtomicBool) {
    let begun = Instant::now();
    let mut said = false;
    while !opened.load(Ordering::Relaxed) {
        watch.health.beat();
        if watch.stop.is_asked() {
            return connection.halter().halt();
        }
        if !said && begun.elapsed() > WORD_AFTER {
            watch.words.note(&format!("sqs://{name}: no answer yet; it is asked again for about a minute"));
            said = true;
        }
        std::thread::sleep(LOOK);
    }
}
