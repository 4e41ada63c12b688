//! SIGTERM and Ctrl-C: the first asks for an orderly end, the second ends at once. What is committed stands in both cases.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often it is looked whether somebody asked.
const TICK: Duration = Duration::from_millis(50);

/// Whether somebody asked for an end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens from now on. Where that is not possible, signals end the program as they always did.
    pub(crate) fn listen() -> Stop {
        Stop::start(true)
    }

    /// Listens from now on, and never ends the program for a second Ctrl-C: what is asked for is the end of what runs.
    pub(crate) fn listen_on() -> Stop {
        Stop::start(false)
    }

    fn start(ends: bool) -> Stop {
        let stop = Stop::default();
        let asked = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime {
            std::thread::spawn(move || runtime.block_on(wait(&asked, ends)));
        }
        stop
    }

    /// The flag itself, for who looks at it by himself.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }

    /// Takes the wish back, once it was followed: the next one is a first one again.
    pub(crate) fn forget(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Ends what a connection reads as soon as somebody does: what is on its way may take minutes, an end may not.
    pub(crate) fn halts(&self, connection: &aws::Connection) {
        let (stop, halter) = (self.clone(), connection.halter());
        std::thread::spawn(move || {
            while !halter.is_idle() {
                if stop.is_asked() {
                    return halter.halt();
                }
                std::thread::sleep(TICK);
            }
        });
    }

    /// Whether somebody did.
    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(unix)]
async fn wait(stop: &Stop, ends: bool) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    loop {
        let code = tokio::select! {
            _ = terminate.recv() => 143,
            _ = interrupt.recv() => 130,
        };
        // A request to terminate is about the program, and not about what it does.
        if stop.0.swap(true, Ordering::Relaxed) && ends || !ends && code == 143 {
            std::process::exit(code);
        }
    }
}

#[cfg(not(unix))]
async fn wait(stop: &Stop, ends: bool) {
    while tokio::signal::ctrl_c().await.is_ok() {
        if stop.0.swap(true, Ordering::Relaxed) && ends {
            std::process::exit(130);
        }
    }
}
