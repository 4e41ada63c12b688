//! Reports for people: a title, headed sections, aligned facts, small tables and findings marked by severity.
//!
//! `scan`, `alerts`, `access` and `demo` say what they found through this; all text given to it may be
//! attacker-written and is escaped here. It decides how things look, never what is worth saying.

use std::io::{self, Write};

use super::escape;
use super::layout::{self, GAP};
use super::terminal::Terminal;
use super::tone::Tone;

/// Prose is easier to read in lines no longer than this.
const PROSE_WIDTH_MAX: usize = 100;

/// Everything below a heading is set in by this much.
const INDENT: usize = 2;

/// Writes a report, section by section.
pub(crate) struct Report<'a> {
    out: &'a mut dyn Write,
    terminal: Terminal,
}

impl<'a> Report<'a> {
    /// A report to `out`, looking as `terminal` allows.
    pub(crate) fn new(out: &'a mut dyn Write, terminal: Terminal) -> Self {
        Report { out, terminal }
    }

    /// The first line: what this report is about.
    pub(crate) fn title(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", self.paint(Tone::Bold, &escape::line(text)))
    }

    /// Starts a section: an empty line and its name.
    pub(crate) fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}", self.paint(Tone::Bold, &escape::line(text)))
    }

    /// Names and values, aligned.
    pub(crate) fn facts(&mut self, facts: &[(&str, String)]) -> io::Result<()> {
        let widest = facts.iter().map(|(name, _)| layout::width(name)).max().unwrap_or(0);
        for (name, value) in facts {
            let name = self.paint(Tone::Dim, &layout::pad(&escape::line(name), widest, false));
            let value = escape::line(value);
            let mut lines = layout::wrap(&value, self.prose_width(INDENT + widest + GAP)).into_iter();
            writeln!(self.out, "{:INDENT$}{name}{:GAP$}{}", "", "", lines.next().unwrap_or_default())?;
            for line in lines {
                writeln!(self.out, "{:before$}{line}", "", before = INDENT + widest + GAP)?;
            }
        }
        Ok(())
    }

    /// A small table that fits the screen. A column of numbers stands right, a column `severity` is coloured.
    pub(crate) fn table(&mut self, names: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(|cell| escape::line(cell)).collect()).collect();
        let cell = |row: &'_ Vec<std::borrow::Cow<'_, str>>, index: usize| row.get(index).map_or("", |c| c).to_owned();
        let mut widths: Vec<usize> = names.iter().map(|name| layout::width(name)).collect();
        let mut right = vec![!rows.is_empty(); names.len()];
        for row in &rows {
            for (index, width) in widths.iter_mut().enumerate() {
                let text = cell(row, index);
                *width = (*width).max(layout::width(&text));
                right[index] &= is_number(&text);
            }
        }
        let available = self.terminal.width.map(|width| width.saturating_sub(INDENT));
        // A number, a key, a mark or the path of a field that is cut says nothing.
        let is_firm = |name: &str| matches!(name, "severity" | "key" | "marks" | "field");
        let firm: Vec<bool> = names.iter().zip(&right).map(|(name, number)| *number || is_firm(name)).collect();
        let cutting = available.is_some_and(|available| layout::fit(&mut widths, &firm, available));
        let header: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        self.table_line(&header, &widths, &right, cutting, |_, _| Tone::Dim)?;
        for row in &rows {
            let texts: Vec<String> = (0..names.len()).map(|index| cell(row, index)).collect();
            let tone = |index: usize, text: &str| {
                if names.get(index) == Some(&"severity") { Tone::of(text) } else { Tone::Plain }
            };
            self.table_line(&texts, &widths, &right, cutting, tone)?;
        }
        Ok(())
    }

    fn table_line(
        &mut self,
        texts: &[String],
        widths: &[usize],
        right: &[bool],
        cutting: bool,
        tone: impl Fn(usize, &str) -> Tone,
    ) -> io::Result<()> {
        let mut line = " ".repeat(INDENT);
        for (index, text) in texts.iter().enumerate() {
            let width = widths.get(index).copied().unwrap_or(0);
            let shown = if cutting { layout::cut(text, width) } else { text.into() };
            let padded = layout::pad(&shown, width, right.get(index).copied().unwrap_or(false));
            let last = index + 1 == texts.len();
            line += &self.paint(tone(index, text), if last { padded.trim_end() } else { &padded });
            line += if last { "" } else { "  " };
        }
        writeln!(self.out, "{}", line.trim_end())
    }

    /// A finding: a mark and the severity, then what was found.
    pub(crate) fn finding(&mut self, severity: &str, text: &str) -> io::Result<()> {
        // As wide as the longest of Sigma's levels, so that a list of findings is aligned.
        let level = layout::pad(&escape::line(severity), "informational".len(), false);
        let mark = self.paint(Tone::of(severity), &format!("● {level}"));
        let before = INDENT + layout::width(&level) + 2 + GAP;
        let mut lines = layout::wrap(&escape::line(text), self.prose_width(before)).into_iter();
        writeln!(self.out, "{:INDENT$}{mark}{:GAP$}{}", "", "", lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(self.out, "{:before$}{line}", "")?;
        }
        Ok(())
    }

    /// A line under a finding: `name: value`, set in.
    pub(crate) fn detail(&mut self, name: &str, value: &str) -> io::Result<()> {
        let label = layout::pad(&escape::line(name), 8, false);
        let before = INDENT * 3 + layout::width(&label) + GAP;
        let mut lines = layout::wrap(&escape::line(value), self.prose_width(before)).into_iter();
        let label = self.paint(Tone::Dim, &label);
        writeln!(self.out, "{:in$}{label}{:GAP$}{}", "", "", lines.next().unwrap_or_default(), in = INDENT * 3)?;
        for line in lines {
            writeln!(self.out, "{:before$}{line}", "")?;
        }
        Ok(())
    }

    /// Prose, wrapped; newlines in it are kept.
    pub(crate) fn prose(&mut self, text: &str) -> io::Result<()> {
        for line in layout::wrap(&escape::lines(text), self.prose_width(INDENT)) {
            writeln!(self.out, "{:INDENT$}{line}", "")?;
        }
        Ok(())
    }

    /// A command to try, as it would be typed: never wrapped.
    pub(crate) fn command(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{:INDENT$}{}", "", self.paint(Tone::Cyan, &format!("$ {}", escape::line(text))))
    }

    /// Columns for text that starts at column `before`.
    fn prose_width(&self, before: usize) -> usize {
        let screen = self.terminal.width.map_or(PROSE_WIDTH_MAX, |width| width.min(PROSE_WIDTH_MAX));
        screen.saturating_sub(before).max(20)
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        tone.paint(text, self.terminal.color)
    }
}

/// A count with a comma at every thousand.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn is_number(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | '%' | '-'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn written(terminal: Terminal, write: impl FnOnce(&mut Report<'_>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut Report::new(&mut out, terminal)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_report_is_aligned() {
        let text = written(Terminal::PLAIN, |report| {
            report.title("trailhound scan")?;
            report.heading("Events")?;
            report.facts(&[("rows", number(1_234_567)), ("rejected", number(3))])?;
            let rows = [vec!["high".into(), "12".into()], vec!["low".into(), "1,000".into()]];
            report.table(&["severity", "alerts"], &rows)?;
            report.finding("high", "root was used")?;
            report.detail("who", "arn:aws:iam::111122223333:root")?;
            report.command("trailhound alerts .")
        });
        let expected = "\
trailhound scan

Events
  rows      1,234,567
  rejected  3
  severity  alerts
  high          12
  low        1,000
  ● high           root was used
      who       arn:aws:iam::111122223333:root
  $ trailhound alerts .
";
        assert_eq!(text, expected);
    }

    #[test]
    fn nothing_hostile_reaches_the_screen() {
        let hostile = "\x1b]0;pwn\x07\r\n\u{202e}\u{200b}";
        let text = written(Terminal::PLAIN, |report| {
            report.title(hostile)?;
            report.heading(hostile)?;
            report.facts(&[("n", hostile.to_owned())])?;
            report.table(&["a", "b"], &[vec![hostile.to_owned(), hostile.to_owned()]])?;
            report.finding(hostile, hostile)?;
            report.detail(hostile, hostile)?;
            report.prose(hostile)?;
            report.command(hostile)
        });
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert!(!text.contains(['\u{202e}', '\u{200b}']));
    }

    #[test]
    fn long_values_stay_on_the_screen() {
        let terminal = Terminal { color: false, width: Some(60), is_terminal: true };
        let long = "word ".repeat(60);
        let text = written(terminal, |report| {
            report.facts(&[("reason", long.clone())])?;
            report.table(&["principal", "n"], &[vec![long.clone(), "1".into()]])?;
            report.finding("critical", &long)?;
            report.detail("why", &long)?;
            report.prose(&long)
        });
        assert!(text.lines().all(|line| layout::width(line) <= 60), "{text}");
        assert!(text.contains('…'));
    }

    #[test]
    fn a_short_row_is_filled_up() {
        assert_eq!(written(Terminal::PLAIN, |r| r.table(&["a", "b"], &[vec!["x".into()]])), "  a  b\n  x\n");
    }

    #[test]
    fn thousands_have_commas() {
        let numbers = [0, 999, 1_000, 12_345, u64::MAX].map(number);
        assert_eq!(numbers, ["0", "999", "1,000", "12,345", "18,446,744,073,709,551,615"]);
    }
}
