//! One self-contained HTML file: headed tables that sort and filter, light and dark, without network.
//!
//! Text may be attacker-written. It is escaped here and nowhere else, never becomes markup or script, and the page's own
//! policy (`Content-Security-Policy`) lets nothing run but the one script below, told by its hash. Knows names, texts and
//! cells; must not know what a principal or a finding is.

use std::io::{self, Write};

use super::escape;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
/// SHA-256 of the script, base64, as the page's policy names it. A test compares.
const SCRIPT_HASH: &str = "DI29MNWH9GS01AdymFcCx+Q1Ds9KDuO6vljCsDDP9wg=";

/// Bytes of a text that asks for a wide column.
const LONG: usize = 30;

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Text.
    Text(String),
    /// A number, right-aligned and sorted as one.
    Number(u64),
    /// A time as text; sorts as text.
    Time(String),
    /// A word that is coloured by its severity.
    Severity(String),
    /// Few words, and a list behind them unless it only says the words again.
    List(String, Vec<String>),
}

/// How a column is sorted and set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// Text.
    Text(&'static str),
    /// Numbers.
    Number(&'static str),
}

/// A page that is written from the top down.
pub(crate) struct Page<'a> {
    out: &'a mut dyn Write,
    sections: usize,
}

impl<'a> Page<'a> {
    /// Begins the page: its title, a line below it, the names of its sections, and figures.
    pub(crate) fn new(
        out: &'a mut dyn Write,
        title: &str,
        about: &str,
        sections: &[&str],
        figures: &[(&str, String)],
    ) -> io::Result<Self> {
        let title = text(title);
        writeln!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
             script-src 'sha256-{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>"
        )?;
        writeln!(out, "<h1>{title}</h1>\n<p>{}</p>\n<dl>", text(about))?;
        for (name, value) in figures {
            writeln!(out, "<div><dt>{}</dt><dd>{}</dd></div>", text(name), text(value))?;
        }
        writeln!(out, "</dl>\n<nav>")?;
        for (at, name) in sections.iter().enumerate() {
            writeln!(out, "<a href=\"#s{}\">{}</a>", at + 1, text(name))?;
        }
        writeln!(
            out,
            "</nav>\n<input id=\"filter\" type=\"search\" placeholder=\"Show only rows that hold …\" aria-label=\"filter\">"
        )?;
        Ok(Page { out, sections: 0 })
    }

    /// A section with one table; the page's script counts its rows.
    pub(crate) fn table(
        &mut self,
        name: &str,
        about: &str,
        columns: &[Column],
        rows: impl IntoIterator<Item = Vec<Cell>>,
    ) -> io::Result<()> {
        self.sections += 1;
        let out = &mut *self.out;
        write!(out, "<h2 id=\"s{}\">{}<output></output></h2>\n<p>{}</p>\n", self.sections, text(name), text(about))?;
        write!(out, "<div class=\"scroll\"><table><thead><tr>")?;
        for column in columns {
            match column {
                Column::Text(name) => write!(out, "<th scope=\"col\">{}</th>", text(name))?,
                Column::Number(name) => write!(out, "<th scope=\"col\" class=\"number\">{}</th>", text(name))?,
            }
        }
        writeln!(out, "</tr></thead><tbody>")?;
        let mut none = true;
        for row in rows {
            none = false;
            write!(out, "<tr>")?;
            row.iter().try_for_each(|cell| write_cell(out, cell))?;
            writeln!(out, "</tr>")?;
        }
        if none {
            writeln!(out, "<tr class=\"none\"><td class=\"none\" colspan=\"{}\">none</td></tr>", columns.len())?;
        }
        writeln!(out, "</tbody></table></div>")
    }

    /// Ends the page.
    pub(crate) fn finish(self, footer: &str) -> io::Result<()> {
        writeln!(self.out, "<footer>{}</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>", text(footer))
    }
}

fn write_cell(out: &mut dyn Write, cell: &Cell) -> io::Result<()> {
    match cell {
        // A long name and a sentence read in a line or two where their column is wide enough.
        Cell::Text(value) if value.len() > LONG => {
            let class = if value.contains(' ') { "said" } else { "long" };
            write!(out, "<td class=\"{class}\">{}</td>", text(value))
        }
        Cell::Text(value) => write!(out, "<td>{}</td>", text(value)),
        Cell::Number(number) => {
            write!(out, "<td class=\"number\" data-key=\"{number}\">{}</td>", super::report::number(*number))
        }
        Cell::Time(value) => write!(out, "<td class=\"time\">{}</td>", text(value)),
        Cell::Severity(value) => {
            let rank = ["critical", "high", "medium", "low", "informational"].iter().position(|known| known == value);
            let class = if rank.is_some() { value.as_str() } else { "" };
            write!(out, "<td class=\"{class}\" data-key=\"{}\">{}</td>", rank.unwrap_or(9), text(value))
        }
        Cell::List(words, items) if items.iter().all(|item| item == words) => {
            write!(out, "<td>{}</td>", text(words))
        }
        Cell::List(words, items) => {
            write!(out, "<td><details><summary>{}</summary><ul>", text(words))?;
            for item in items {
                write!(out, "<li>{}</li>", text(item))?;
            }
            write!(out, "</ul></details></td>")
        }
    }
}

/// Text as text, wherever it stands in the page: in an element or in a quoted attribute.
fn text(raw: &str) -> String {
    let shown = escape::line(raw);
    let mut out = String::with_capacity(shown.len());
    for char in shown.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use base64::Engine;
    use sha2::Digest;

    use super::*;

    #[test]
    fn the_pages_policy_names_its_script() {
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(SCRIPT.as_bytes()));
        assert_eq!(hash, SCRIPT_HASH, "page.js changed: put its hash here");
    }

    #[test]
    fn what_others_wrote_stays_text() {
        let evil = "</td><script>alert(1)</script>\" onx='y'\u{202e}\u{1b}[2J&amp;";
        let mut out = Vec::new();
        let mut page = Page::new(&mut out, evil, evil, &[evil], &[(evil, evil.to_owned())]).unwrap();
        let cells = vec![
            Cell::Text(evil.into()),
            Cell::Time(evil.into()),
            Cell::Severity(evil.into()),
            Cell::List(evil.into(), vec![evil.into()]),
            Cell::Number(7),
        ];
        page.table(evil, evil, &[Column::Text("a"), Column::Number("n")], [cells]).unwrap();
        page.finish(evil).unwrap();
        let page = String::from_utf8(out).unwrap();
        assert_eq!(page.matches("<script>").count(), 1, "{page}");
        assert!(!page.contains("onx='") && !page.contains('\u{202e}') && !page.contains('\u{1b}'));
        assert!(page.contains("&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot; onx=&#39;y&#39;"));
    }
}
