//! Words for people, on standard error: notes, warnings and errors.
//!
//! Escaped like everything else, because they quote file names and records. A line break in a quoted text is set
//! in, so that it cannot pass for a message of ours.

use std::io::{self, Write};

use super::escape;
use super::terminal::Terminal;
use super::tone::Tone;
use crate::diagnostics;

/// Says things on standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    quiet: bool,
    color: bool,
    json: bool,
}

impl Words {
    /// `quiet` keeps notes back; warnings and errors are always said.
    pub(crate) fn new(quiet: bool, no_color: bool) -> Words {
        Words { quiet, color: Terminal::stderr(no_color).color, json: false }
    }

    /// The same, as a line of JSON each.
    pub(crate) fn in_json(self) -> Words {
        Words { json: true, ..self }
    }

    /// Something worth knowing: totals, rows left out, what was skipped.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.say("", Tone::Plain, text);
        }
    }

    /// Something is not as it should be, and the work goes on.
    pub(crate) fn warning(&self, text: &str) {
        self.say("warning: ", Tone::Yellow, text);
    }

    /// The work could not be done.
    pub(crate) fn error(&self, text: &str) {
        self.say("error: ", Tone::Red, text);
    }

    fn say(&self, label: &str, tone: Tone, text: &str) {
        let message = self.message(label, tone, text);
        // Where standard error itself is closed there is nobody left to tell.
        let _ = io::stderr().lock().write_all(message.as_bytes());
    }

    fn message(&self, label: &str, tone: Tone, text: &str) -> String {
        if self.json {
            let level = if label.is_empty() {
                "info"
            } else {
                match label {
                    "warning: " => "warn",
                    _ => "error",
                }
            };
            return format!("{}\n", diagnostics::line(level, text.trim_end(), serde_json::Map::new()));
        }
        let text = escape::lines(text.trim_end());
        format!("{}{}\n", tone.paint(label, self.color), text.replace('\n', "\n  "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_line_break_does_not_forge_a_message() {
        let words = Words { quiet: false, color: false, json: false };
        let text = words.message("warning: ", Tone::Yellow, "cannot read a\nerror: all is lost\x1b[2J");
        assert_eq!(text, "warning: cannot read a\n  error: all is lost\\u{1b}[2J\n");
    }

    #[test]
    fn only_the_label_is_coloured() {
        let words = Words { quiet: false, color: true, json: false };
        assert_eq!(words.message("error: ", Tone::Red, "x"), "\x1b[31merror: \x1b[0mx\n");
    }
}
