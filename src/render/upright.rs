//! A row that is too wide for the screen, one column a line.

use std::io::{self, Write};

use super::layout;
use super::table::Row;
use super::terminal::Terminal;
use super::tone::Tone;

/// Names are cut to this width, so that values keep room.
const NAME_WIDTH_MAX: usize = 28;

/// Writes row `number`: a heading, then the columns that are not null, values wrapped and not cut.
pub(super) fn row(
    number: u64,
    names: &[String],
    cells: &Row,
    terminal: Terminal,
    out: &mut dyn Write,
) -> io::Result<()> {
    let screen = terminal.width.unwrap_or(80);
    let name_width = names.iter().map(|n| layout::width(n)).max().unwrap_or(0).min(NAME_WIDTH_MAX).min(screen / 2);
    let indent = name_width + 4;
    let heading = format!("── row {number} ");
    let rule = "─".repeat(screen.saturating_sub(layout::width(&heading)));
    writeln!(out, "{}", Tone::Dim.paint(&(heading + &rule), terminal.color))?;
    for (name, cell) in names.iter().zip(cells) {
        let Some(value) = cell else { continue };
        let name = layout::pad(&layout::cut(name, name_width), name_width, false);
        write!(out, "  {}  ", Tone::Bold.paint(&name, terminal.color))?;
        for (index, piece) in layout::pieces(value, screen.saturating_sub(indent).max(8)).iter().enumerate() {
            let before = if index == 0 { 0 } else { indent };
            writeln!(out, "{:before$}{piece}", "")?;
        }
    }
    Ok(())
}
