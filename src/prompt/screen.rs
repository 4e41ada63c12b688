//! The text that is being typed on the screen: drawn anew at every key, over as many rows as it takes.
//!
//! The last column is left free, so that no terminal breaks a row by itself.

use std::io::{self, Write};

use super::line::Line;
use crate::render::layout;

/// Rows of candidates that are shown.
const ROWS: usize = 20;

pub(super) struct Screen {
    prompt: String,
    more: String,
    /// The row that the cursor stands in, counted from the prompt's.
    row: usize,
    /// Given by tests, which have no screen.
    width: Option<usize>,
}

impl Screen {
    pub(super) fn new(prompt: &str, more: &str) -> Screen {
        Screen { prompt: prompt.to_owned(), more: more.to_owned(), row: 0, width: None }
    }

    #[cfg(test)]
    pub(super) fn silent(prompt: &str, more: &str, width: usize) -> Screen {
        Screen { width: Some(width), ..Screen::new(prompt, more) }
    }

    fn width(&self) -> usize {
        let measured = || terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        self.width.unwrap_or_else(measured).max(20) - 1
    }

    fn put(&self, text: &str) -> io::Result<()> {
        if self.width.is_some() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// To the prompt's row, with everything from there on gone.
    fn back(&self) -> String {
        let up = if self.row > 0 { format!("\x1b[{}A", self.row) } else { String::new() };
        format!("{up}\r\x1b[J")
    }

    /// The text in rows, its last row, and the row and column of a place in it.
    fn laid_out(&self, line: &Line) -> (String, usize, usize, usize) {
        let most = self.width();
        let mut out = self.prompt.clone();
        let (mut row, mut column) = (0, layout::width(&self.prompt));
        let mut cursor = None;
        for (at, letter) in line.text().char_indices() {
            if at == line.before().len() {
                cursor = Some((row, column));
            }
            let wide = layout::width(letter.encode_utf8(&mut [0; 4]));
            if letter == '\n' || column + wide > most {
                out.push_str("\r\n");
                (row, column) = (row + 1, 0);
            }
            if letter == '\n' {
                out.push_str(&self.more);
                column = layout::width(&self.more);
            } else {
                out.push(letter);
                column += wide;
            }
        }
        let (at_row, at_column) = cursor.unwrap_or((row, column));
        (out, row, at_row, at_column)
    }

    /// Draws the text, and puts the cursor in its place.
    pub(super) fn draw(&mut self, line: &Line) -> io::Result<()> {
        let (text, last, row, column) = self.laid_out(line);
        let up = if last > row { format!("\x1b[{}A", last - row) } else { String::new() };
        let right = if column > 0 { format!("\x1b[{column}C") } else { String::new() };
        let drawn = format!("{}{text}{up}\r{right}", self.back());
        self.row = row;
        self.put(&drawn)
    }

    /// Goes on below the text.
    pub(super) fn leave(&mut self, line: &Line) -> io::Result<()> {
        let (_, last, ..) = self.laid_out(line);
        let down = if last > self.row { format!("\x1b[{}B", last - self.row) } else { String::new() };
        self.row = 0;
        self.put(&format!("{down}\r\n"))
    }

    /// An empty screen.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.row = 0;
        self.put("\x1b[H\x1b[2J")
    }

    /// Shows candidates below the text, in columns.
    pub(super) fn list(&mut self, line: &Line, candidates: &[String]) -> io::Result<()> {
        self.leave(line)?;
        let widest = candidates.iter().map(|name| layout::width(name)).max().unwrap_or(0) + 2;
        let columns = (self.width() / widest.max(1)).max(1);
        let rows = candidates.len().div_ceil(columns);
        let mut text = String::new();
        for row in 0..rows.min(ROWS) {
            let of_row = candidates.iter().skip(row).step_by(rows).take(columns);
            let names: String = of_row.map(|name| layout::pad(name, widest, false)).collect();
            text.push_str(names.trim_end());
            text.push_str("\r\n");
        }
        if rows > ROWS {
            text.push_str(&format!("… {} in all\r\n", candidates.len()));
        }
        self.put(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_broken_before_the_edge() {
        let screen = Screen::silent("> ", "… ", 20);
        let (text, last, row, column) = screen.laid_out(&Line::of("abcdefghijklmnopqrstuvwxyz"));
        assert_eq!(text, "> abcdefghijklmnopq\r\nrstuvwxyz");
        assert_eq!((last, row, column), (1, 1, 9));
        let (text, last, ..) = screen.laid_out(&Line::of("日本\nx"));
        assert_eq!((text.as_str(), last), ("> 日本\r\n… x", 1));
    }
}
