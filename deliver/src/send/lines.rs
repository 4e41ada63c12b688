//! JSON lines on standard output or at the end of a file.
//!
//! A line carries the delivery's key, so whoever reads the file can drop a line that a crash has written twice. What
//! hides or reorders text is a `\u` escape: the lines are safe to look at.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

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
    /// One write at a time: a reader that hangs may hold one thread, and not all that there are.
    turn: Arc<Semaphore>,
}

impl Lines {
    pub(super) fn stdout(out: Arc<Mutex<dyn Write + Send>>) -> Lines {
        Lines::to(Place::Stdout(out))
    }

    pub(super) fn file(path: PathBuf) -> Lines {
        Lines::to(Place::File(path))
    }

    fn to(place: Place) -> Lines {
        Lines { place: Arc::new(place), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl Sink for Lines {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        let mut text = String::new();
        for line in payload::json::lines(message) {
            text.push_str(&visible::json(&line.to_string()));
            text.push('\n');
        }
        let (place, turn) = (self.place.clone(), self.turn.clone());
        Box::pin(async move {
            let Ok(turn) = turn.try_acquire_owned() else {
                let why = "whoever reads it has not taken an earlier line yet".to_owned();
                return Verdict::Later { after: None, why };
            };
            // A pipe that nobody reads blocks: not on a thread that others wait for.
            let write = move || {
                let _turn = turn;
                place.write(text.as_bytes())
            };
            let written = tokio::task::spawn_blocking(write).await;
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
                append(path, &mut file, text).map_err(named)
            }
        }
    }
}

/// Adds whole lines or nothing: what a full disk has cut is taken back, and a line that a crash has cut is ended, so that
/// the next one is not glued to it. A pipe or a device has no end to look at.
fn append(path: &Path, file: &mut File, text: &[u8]) -> io::Result<()> {
    if !file.metadata()?.is_file() {
        return file.write_all(text);
    }
    // Others may write to the same file: what is taken back must be ours.
    file.lock()?;
    let before = file.metadata()?.len();
    let ended = if is_cut(path, before) { file.write_all(b"\n") } else { Ok(()) };
    let written = ended.and_then(|()| file.write_all(text)).and_then(|()| file.sync_data());
    if written.is_err() {
        file.set_len(before)?;
    }
    written
}

/// Whether the last line has no end. A file that may be written and not read is not looked at.
fn is_cut(path: &Path, len: u64) -> bool {
    let last = || {
        let mut file = File::open(path).ok()?;
        file.seek(SeekFrom::Start(len.checked_sub(1)?)).ok()?;
        let mut last = [0];
        file.read_exact(&mut last).ok().map(|()| last != *b"\n")
    };
    last().unwrap_or(false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;

    /// A reader that takes a line when it is told to.
    struct Stuck(Receiver<()>, Arc<AtomicUsize>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.fetch_add(1, Ordering::SeqCst);
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_reader_that_hangs_holds_one_thread() {
        let (go, wait) = channel();
        let begun = Arc::new(AtomicUsize::new(0));
        let sink = Lines::stdout(Arc::new(Mutex::new(Stuck(wait, begun.clone()))));
        let message = Message::test("out", 0);
        assert!(tokio::time::timeout(Duration::from_millis(50), sink.send(&message)).await.is_err());
        for _ in 0..20 {
            let verdict = sink.send(&message).await;
            assert!(matches!(&verdict, Verdict::Later { why, .. } if why.contains("earlier line")), "{verdict:?}");
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        // It goes on: so does the sink.
        (0..2).for_each(|_| go.send(()).unwrap());
        while sink.send(&message).await != Verdict::Sent {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
