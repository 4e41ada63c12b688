//! Room for rows between the rules and the lake, by their memory: a commit that takes seconds is no reason for an alert to
//! wait, a lake that takes no rows is one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Memory of rows that wait, in bytes.
const WAITING_BYTES: u64 = 192 << 20;
/// Nobody waits for longer without looking whether anybody still takes rows.
const LOOK: Duration = Duration::from_millis(200);

/// The room.
#[derive(Debug, Default)]
pub(super) struct Room {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: u64,
    closed: bool,
}

impl Room {
    /// Waits until there is room for so much, or nothing else is there; how much is there then.
    pub(super) fn take(&self, bytes: u64) -> u64 {
        let mut state = self.lock();
        while !state.closed && state.bytes > 0 && state.bytes.saturating_add(bytes) > WAITING_BYTES {
            state = self.freed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.bytes = state.bytes.saturating_add(bytes);
        state.bytes
    }

    /// Gives room back; how much is there then.
    pub(super) fn give(&self, bytes: u64) -> u64 {
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
        self.freed.notify_all();
        state.bytes
    }

    /// Nobody takes anything any more, so that nobody need wait.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.freed.notify_all();
    }

    /// Whether nobody takes anything any more.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_no_room_waits_for_it_or_for_the_end() {
        let room = Room::default();
        // What is larger than the room goes through alone.
        assert_eq!(room.take(2 * WAITING_BYTES), 2 * WAITING_BYTES);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| room.take(5));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!waits.is_finished());
            assert_eq!(room.give(2 * WAITING_BYTES), 0);
            assert_eq!(waits.join().ok(), Some(5));
            let waits = scope.spawn(|| room.take(WAITING_BYTES));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!waits.is_finished());
            assert!(!room.is_closed());
            room.close();
            assert!(room.is_closed());
            assert!(waits.join().is_ok());
        });
    }
}
