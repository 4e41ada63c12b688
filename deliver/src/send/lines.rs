//! JSON lines on standard output or at the end of a file.
//!
//! A line carries the delivery's key, so whoever reads the file can drop a line that a crash has written twice. What
//! hides or reorders text is a `\u` escape: the lines are safe to look at.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Sending, Sink, Verdict};
use crate::message::Message;
use crate::{payload, visible};

/// Where the lines go.
enum Place {
    Stdout(Arc<Mutex<dyn Write + Send>>),
    File(PathBuf),
}

pub(super) struct Lines {
    place: Arc<Place>,
}

impl Lines {
    pub(super) fn stdout(out: Arc<Mutex<dyn Write + Send>>) -> Lines {
        Lines { place: Arc::new(Place::Stdout(out)) }
    }

    pub(super) fn file(path: PathBuf) -> Lines {
        Lines { place: Arc::new(Place::File(path)) }
    }
}

impl Sink for Lines {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        let mut text = String::new();
        for line in payload::json::lines(message) {
            text.push_str(&visible::json(&line.to_string()));
            text.push('\n');
        }
        let place = self.place.clone();
        Box::pin(async move {
            // A pipe that nobody reads blocks: not on a thread that others wait for.
            let written = tokio::task::spawn_blocking(move || place.write(text.as_bytes())).await;
            match written.map_err(io::Error::other).and_then(|result| result) {
                Ok(()) => Verdict::Sent,
                Err(error) => Verdict::Later { after: None, why: error.to_string() },
            }
        })
    }
}

impl Place {
    fn write(&self, text: &[u8]) -> io::Result<()> {
        match self {
            Place::Stdout(out) => {
                let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                out.write_all(text)?;
                out.flush()
            }
            Place::File(path) => {
                // Opened for each message: whoever rotates the file needs to tell nobody.
                let mut options = OpenOptions::new();
                options.create(true).append(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
                let mut file = options.open(path).map_err(named)?;
                file.write_all(text).map_err(named)?;
                file.sync_data().map_err(named)
            }
        }
    }
}
