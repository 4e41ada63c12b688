//! Rows as a table: aligned columns that fit the screen.
//!
//! The first rows decide the widths, the rest streams through them. On a screen long cells are cut with `…`, and
//! where the columns do not fit at all each row stands upright (`upright`). In a pipe nothing is cut. Nulls are
//! empty.

use std::io::{self, Write};

use arrow::array::RecordBatch;

use super::layout::{self, GAP};
use super::terminal::Terminal;
use super::tone::Tone;
use super::value::{self, Column, Kind};
use super::{RowSink, arrow_error, escape, upright};

/// Rows that are looked at before the widths are settled, unless their text takes more than `SAMPLE_BYTES_MAX`.
const SAMPLE_ROWS: usize = 200;
const SAMPLE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// In a pipe a column is padded to at most this width, so that one long value does not push all others away.
const PIPE_WIDTH_MAX: usize = 60;

/// A row as text, escaped; `None` where it is null.
pub(super) type Row = Vec<Option<String>>;

pub(super) struct TableRows<'a> {
    out: &'a mut (dyn Write + Send),
    terminal: Terminal,
    rows_max: Option<u64>,
    names: Vec<String>,
    right: Vec<bool>,
    firm: Vec<bool>,
    sample: Vec<Row>,
    sample_bytes: usize,
    layout: Option<Layout>,
    shown: u64,
}

enum Layout {
    Columns(Vec<usize>),
    Upright,
}

impl<'a> TableRows<'a> {
    pub(super) fn new(
        out: &'a mut (dyn Write + Send),
        names: Vec<String>,
        terminal: Terminal,
        rows_max: Option<u64>,
    ) -> Self {
        let names: Vec<String> = names.iter().map(|name| escape::line(name).into_owned()).collect();
        let (right, firm) = (Vec::new(), Vec::new());
        let (sample, sample_bytes) = (Vec::new(), 0);
        TableRows { out, terminal, rows_max, names, right, firm, sample, sample_bytes, layout: None, shown: 0 }
    }

    fn is_full(&self) -> bool {
        let taken = self.shown + self.sample.len() as u64;
        self.rows_max.is_some_and(|max| taken >= max)
    }

    /// Settles the widths, then writes the header and the rows held back.
    fn settle(&mut self) -> io::Result<()> {
        let layout = self.measure();
        if let Layout::Columns(widths) = &layout {
            let name = |(index, width): (usize, &usize)| (self.names[index].as_str(), *width, Tone::Bold);
            let header: Vec<_> = widths.iter().enumerate().map(name).collect();
            let text = line(&header, &self.right, self.terminal);
            let rule: Vec<_> = widths.iter().map(|width| "─".repeat(*width)).collect();
            let rule = Tone::Dim.paint(&rule.join(&" ".repeat(GAP)), self.terminal.color);
            writeln!(self.out, "{text}\n{rule}")?;
        }
        self.layout = Some(layout);
        for row in std::mem::take(&mut self.sample) {
            self.show(&row)?;
        }
        Ok(())
    }

    fn measure(&self) -> Layout {
        let mut widths: Vec<usize> = self.names.iter().map(|name| layout::width(name)).collect();
        for row in &self.sample {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.as_deref().map_or(0, layout::width));
            }
        }
        match self.terminal.width {
            Some(available) if !layout::fit(&mut widths, &self.firm, available) => return Layout::Upright,
            Some(_) => {}
            None => widths.iter_mut().for_each(|width| *width = (*width).min(PIPE_WIDTH_MAX)),
        }
        Layout::Columns(widths)
    }

    fn show(&mut self, row: &Row) -> io::Result<()> {
        self.shown += 1;
        match &self.layout {
            Some(Layout::Columns(widths)) => {
                let cell = |(index, width): (usize, &usize)| {
                    let text = row.get(index).and_then(Option::as_deref).unwrap_or_default();
                    let toned = matches!(self.names[index].as_str(), "severity" | "level" | "outcome");
                    (text, *width, if toned { Tone::of(text) } else { Tone::Plain })
                };
                let cells: Vec<_> = widths.iter().enumerate().map(cell).collect();
                writeln!(self.out, "{}", line(&cells, &self.right, self.terminal))
            }
            _ => upright::row(self.shown, &self.names, row, self.terminal, self.out),
        }
    }
}

impl RowSink for TableRows<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        if self.is_full() {
            return Ok(());
        }
        let schema = batch.schema();
        let options = value::encoder_options();
        let mut columns = schema
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, array)| Column::try_new(field, array, &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(arrow_error)?;
        self.firm = columns.iter().map(|column| matches!(column.kind(), Kind::Number | Kind::Made)).collect();
        self.right = columns.iter().map(|column| column.kind() == Kind::Number).collect();
        for row in 0..batch.num_rows() {
            if self.is_full() {
                break;
            }
            let mut read =
                |column: &mut Column<'_>| column.with(row, |cell| cell.map(|t| escape::line(t).into_owned()));
            let cells: Row = columns.iter_mut().map(&mut read).collect();
            if self.layout.is_some() {
                self.show(&cells)?;
            } else {
                self.sample_bytes += cells.iter().flatten().map(String::len).sum::<usize>();
                self.sample.push(cells);
                if self.sample.len() == SAMPLE_ROWS || self.sample_bytes > SAMPLE_BYTES_MAX {
                    self.settle()?;
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<u64> {
        if self.layout.is_none() {
            self.settle()?;
        }
        self.out.flush()?;
        Ok(self.shown)
    }
}

/// One line of cells: (text, width, tone). Cut on a screen, whole in a pipe; the last cell is not padded.
fn line(cells: &[(&str, usize, Tone)], right: &[bool], terminal: Terminal) -> String {
    let mut out = String::new();
    for (index, &(text, width, tone)) in cells.iter().enumerate() {
        let shown = if terminal.width.is_some() { layout::cut(text, width) } else { text.into() };
        let padded = layout::pad(&shown, width, right.get(index).copied().unwrap_or(false));
        let last = index + 1 == cells.len();
        out.push_str(&tone.paint(if last { padded.trim_end() } else { &padded }, terminal.color));
        if !last {
            out.push_str(&" ".repeat(GAP));
        }
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;
    use crate::render::samples;

    fn screen(width: usize) -> Terminal {
        Terminal { color: false, width: Some(width), is_terminal: true }
    }

    fn written(batches: &[RecordBatch], terminal: Terminal, rows_max: Option<u64>) -> (String, u64) {
        let mut out = Vec::new();
        let names = batches[0].schema().fields().iter().map(|f| f.name().clone()).collect();
        let mut rows = TableRows::new(&mut out, names, terminal, rows_max);
        for batch in batches {
            rows.batch(batch).unwrap();
        }
        let shown = rows.finish().unwrap();
        (String::from_utf8(out).unwrap(), shown)
    }

    #[test]
    fn columns_are_aligned_and_numbers_stand_right() {
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("GetObject"), None]));
        let counts: ArrayRef = Arc::new(Int64Array::from(vec![7, 1234]));
        let last: ArrayRef = Arc::new(StringArray::from(vec!["日本", "x"]));
        let batch = RecordBatch::try_from_iter([("eventname", names), ("n", counts), ("who", last)]).unwrap();
        let expected = "eventname     n  who\n─────────  ────  ────\nGetObject     7  日本\n           1234  x\n";
        assert_eq!(written(&[batch], screen(80), None).0, expected);
    }

    #[test]
    fn long_cells_are_cut_on_a_screen_and_whole_in_a_pipe() {
        let long = "x".repeat(300);
        let batch = samples::batch(&["a", "b"], &[&[Some(&long), Some("y")]]);
        let (text, _) = written(std::slice::from_ref(&batch), screen(40), None);
        assert!(text.lines().all(|line| layout::width(line) <= 40), "{text}");
        assert!(text.contains("x…  y"));
        let (text, _) = written(&[batch], Terminal::PLAIN, None);
        assert!(text.contains(&format!("{long}  y")));
    }

    #[test]
    fn too_many_columns_stand_upright() {
        let (text, _) = written(&[samples::event()], screen(40), None);
        assert!(text.contains("\n  eventname") && text.contains("GetObject"), "{text}");
        assert!(!text.contains("errorcode"), "nulls are left out: {text}");
        assert!(text.lines().all(|line| layout::width(line) <= 40), "{text}");
    }

    #[test]
    fn rows_beyond_the_cap_are_not_shown() {
        let batch = samples::batch(&["a"], &[[Some("x")].as_slice(); 150]);
        let (text, shown) = written(&[batch.clone(), batch.clone(), batch.clone()], screen(80), Some(250));
        assert_eq!((text.lines().count(), shown), (252, 250));
        assert_eq!(written(&[batch], screen(80), Some(10)).1, 10);
    }

    #[test]
    fn a_screen_sees_no_control_character() {
        let batch = samples::batch(&["a\x1b[2J"], &[&[Some("\x1b]0;pwn\x07\r\n\u{202e}")]]);
        for width in [20, 80] {
            let (text, _) = written(std::slice::from_ref(&batch), screen(width), None);
            assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text:?}");
        }
    }

    #[test]
    fn severities_are_coloured() {
        let terminal = Terminal { color: true, ..screen(80) };
        let batch = samples::batch(&["severity", "rule"], &[&[Some("high"), Some("high")]]);
        assert!(written(&[batch], terminal, None).0.contains("\x1b[31mhigh    \x1b[0m  high\n"));
    }
}
