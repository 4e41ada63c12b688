//! Answers that are longer than the screen go to a pager; others, and those that nobody looks at, do not.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

/// Writes to standard output, or to a pager from the first line that the screen has no room for.
pub(super) struct Paged {
    held: Vec<u8>,
    lines: usize,
    room: usize,
    pager: Option<Child>,
    plain: bool,
}

impl Paged {
    /// For a screen with so many lines; `None` where there is no screen.
    pub(super) fn new(height: Option<usize>) -> Paged {
        let plain = height.is_none();
        Paged { held: Vec::new(), lines: 0, room: height.unwrap_or(0).saturating_sub(2), pager: None, plain }
    }

    fn start(&mut self) -> io::Result<()> {
        self.plain = true;
        let wanted = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
        let mut words = wanted.split_whitespace();
        if let Some(program) = words.next().filter(|program| *program != "cat") {
            let mut command = Command::new(program);
            // What attackers wrote is in the answer: no shell, no editor, no other files from within.
            command.args(words).env("LESSSECURE", "1").stdin(Stdio::piped());
            if std::env::var_os("LESS").is_none() {
                command.env("LESS", "FRSX");
            }
            self.pager = command.spawn().ok();
        }
        let held = std::mem::take(&mut self.held);
        self.write_all(&held)
    }

    /// Shows what is held, and waits until the reader has seen enough.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if !self.plain {
            self.plain = true;
            let held = std::mem::take(&mut self.held);
            self.write_all(&held)?;
        }
        self.flush()?;
        if let Some(mut pager) = self.pager.take() {
            drop(pager.stdin.take());
            pager.wait()?;
        }
        Ok(())
    }
}

impl Write for Paged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.plain {
            return match self.pager.as_mut().and_then(|pager| pager.stdin.as_mut()) {
                Some(pager) => pager.write(bytes),
                None => io::stdout().write(bytes),
            };
        }
        self.held.extend_from_slice(bytes);
        self.lines += bytes.iter().filter(|byte| **byte == b'\n').count();
        if self.lines > self.room {
            self.start()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.pager.as_mut().and_then(|pager| pager.stdin.as_mut()) {
            Some(pager) => pager.flush(),
            None if self.plain => io::stdout().flush(),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn short_answers_are_held_and_long_ones_are_not() {
        let mut short = Paged::new(Some(10));
        short.write_all(b"a\nb\n").unwrap();
        assert!(short.pager.is_none() && short.held == b"a\nb\n" && !short.plain);
    }
}
