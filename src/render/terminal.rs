//! What the screen can do: colours or not, how wide, and whether it is a screen at all.
//!
//! Asked once at the start and passed on as a value, so that everything printed can be tested without a terminal.

use std::io::IsTerminal;

/// The reader's side of stdout or stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// Whether colours are wanted.
    pub(crate) color: bool,
    /// Columns of the screen; `None` where lines may be as long as they like (a file, a pipe).
    pub(crate) width: Option<usize>,
    /// Whether a person looks at it directly.
    pub(crate) is_terminal: bool,
}

impl Terminal {
    /// A file or a pipe: no colours, no width.
    pub(crate) const PLAIN: Terminal = Terminal { color: false, width: None, is_terminal: false };

    /// Standard output, as it is now. `no_color` is the flag; the variable `NO_COLOR` (<https://no-color.org>) and
    /// `TERM=dumb` say the same.
    pub(crate) fn stdout(no_color: bool) -> Terminal {
        Terminal::of(std::io::stdout().is_terminal(), no_color)
    }

    /// Standard error, as it is now.
    pub(crate) fn stderr(no_color: bool) -> Terminal {
        Terminal::of(std::io::stderr().is_terminal(), no_color)
    }

    fn of(is_terminal: bool, no_color: bool) -> Terminal {
        if !is_terminal {
            return Terminal::PLAIN;
        }
        let variable = |name| std::env::var_os(name).unwrap_or_default();
        let color = !no_color && variable("NO_COLOR").is_empty() && variable("TERM") != "dumb";
        let columns = variable("COLUMNS").to_str().and_then(|text| text.parse().ok());
        let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = columns.or_else(measured).filter(|&columns| columns > 0).unwrap_or(80);
        Terminal { color, width: Some(width.max(20)), is_terminal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_has_neither_colour_nor_width() {
        assert_eq!(Terminal::of(false, false), Terminal::PLAIN);
    }

    #[test]
    fn the_flag_turns_colours_off() {
        let terminal = Terminal::of(true, true);
        assert!(!terminal.color && terminal.is_terminal && terminal.width >= Some(20));
    }
}
