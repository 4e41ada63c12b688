//! Rows as CSV (RFC 4180, with lines that end in LF, as Unix tools expect).
//!
//! A header always, quotes where they are needed, a null as nothing and the empty text as `""`. Text that a
//! spreadsheet would run as a formula gets a `'` in front unless the caller asks for raw text (OWASP, "CSV
//! Injection"); only text from the data is touched, never a number, a time or JSON that we made. A file is shown on a terminal
//! sooner or later, so what acts on one (ESC, bidirectional controls) is `\uXXXX`, unless raw text is asked for.

use std::io::{self, Write};

use arrow::array::RecordBatch;

use super::value::{self, Column, Kind};
use super::{RowSink, arrow_error, escape};

pub(super) struct CsvRows<'a> {
    out: &'a mut (dyn Write + Send),
    names: Vec<String>,
    style: Style,
    rows: u64,
}

/// How cells are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Leave text that looks like a formula, or acts on a terminal, as it is.
    pub(super) raw: bool,
    /// Somebody looks at it: escape what could act on the terminal.
    pub(super) is_terminal: bool,
}

impl<'a> CsvRows<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), names: Vec<String>, style: Style) -> Self {
        CsvRows { out, names, style, rows: 0 }
    }

    /// Writes the header: the first thing to do.
    pub(super) fn header(&mut self) -> io::Result<()> {
        let mut header = String::new();
        for (index, name) in self.names.iter().enumerate() {
            separate(index, &mut header);
            // The names are the query's own, so they are no formula.
            cell(Some(name), Kind::Made, self.names.len() == 1, self.style, &mut header);
        }
        header.push('\n');
        self.out.write_all(header.as_bytes())
    }
}

impl RowSink for CsvRows<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let schema = batch.schema();
        let options = value::encoder_options();
        let mut columns = schema
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, array)| Column::try_new(field, array, &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(arrow_error)?;
        let alone = self.names.len() == 1;
        let mut buffer = String::with_capacity(super::BUFFER_BYTES);
        for row in 0..batch.num_rows() {
            for (index, column) in columns.iter_mut().enumerate() {
                separate(index, &mut buffer);
                let kind = column.kind();
                column.with(row, |text| cell(text, kind, alone, self.style, &mut buffer));
            }
            buffer.push('\n');
            self.rows += 1;
            if buffer.len() >= super::BUFFER_BYTES {
                self.out.write_all(buffer.as_bytes())?;
                buffer.clear();
            }
        }
        self.out.write_all(buffer.as_bytes())
    }

    fn finish(&mut self) -> io::Result<u64> {
        self.out.flush()?;
        Ok(self.rows)
    }
}

fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}

/// Appends one cell. A null in a table of one column is `""`, because readers skip an empty line.
fn cell(text: Option<&str>, kind: Kind, alone: bool, style: Style, out: &mut String) {
    let Some(text) = text else {
        if alone {
            out.push_str("\"\"");
        }
        return;
    };
    let shown = match (style.is_terminal, style.raw) {
        (true, _) => escape::lines(text),
        (false, false) => escape::cell(text),
        (false, true) => text.into(),
    };
    let guard = kind == Kind::Text && !style.raw && is_formula(text);
    let quote =
        shown.is_empty() || shown.starts_with(' ') || shown.ends_with(' ') || shown.contains([',', '"', '\n', '\r']);
    if quote {
        out.push('"');
    }
    if guard {
        out.push('\'');
    }
    if shown.contains('"') {
        out.push_str(&shown.replace('"', "\"\""));
    } else {
        out.push_str(&shown);
    }
    if quote {
        out.push('"');
    }
}

/// Text that a spreadsheet takes for a formula by its first character, full-width forms included.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;
    use crate::render::samples;

    const SAFE: Style = Style { raw: false, is_terminal: false };

    fn written(batch: &RecordBatch, style: Style) -> String {
        let mut out = Vec::new();
        let names = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
        let mut rows = CsvRows::new(&mut out, names, style);
        rows.header().unwrap();
        rows.batch(batch).unwrap();
        rows.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    fn one(text: &str, style: Style) -> String {
        let written = written(&samples::batch(&["h", "i"], &[&[Some(text), Some("x")]]), style);
        written.strip_prefix("h,i\n").unwrap().strip_suffix(",x\n").unwrap().to_owned()
    }

    #[test]
    fn formulas_are_disarmed() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\\u000d=1"),
            ("＝1", "'＝1"),
            ("=cmd|'/c calc'!A0,\"", "\"'=cmd|'/c calc'!A0,\"\"\""),
            ("a=b", "a=b"),
        ] {
            assert_eq!(one(text, SAFE), expected);
        }
        assert_eq!(one("=1+1", Style { raw: true, ..SAFE }), "=1+1");
    }

    #[test]
    fn a_negative_number_is_no_formula() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(-5), None]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("-5"), Some("")]));
        let batch = RecordBatch::try_from_iter_with_nullable([("n", numbers, true), ("t", texts, true)]).unwrap();
        assert_eq!(written(&batch, SAFE), "n,t\n-5,'-5\n,\"\"\n");
    }

    #[test]
    fn quotes_stand_where_they_must() {
        assert_eq!(one("a,b", SAFE), "\"a,b\"");
        assert_eq!(one("say \"hi\"", SAFE), "\"say \"\"hi\"\"\"");
        assert_eq!(one("two\nlines", SAFE), "\"two\nlines\"");
        assert_eq!(one(" x", SAFE), "\" x\"");
    }

    #[test]
    fn a_terminal_sees_no_control_character() {
        let screen = Style { raw: false, is_terminal: true };
        assert_eq!(one("a\x1b]0;pwn\x07", screen), "a\\u{1b}]0;pwn\\u{7}");
        assert_eq!(one("a\x1b]0;pwn\x07\u{202e}b", SAFE), "a\\u001b]0;pwn\\u0007\\u202eb");
        let raw = Style { raw: true, is_terminal: false };
        assert_eq!(one("a\x1b]0;pwn\x07", raw), "a\x1b]0;pwn\x07");
        assert!(!one("a\x1b", Style { raw: true, is_terminal: true }).contains('\x1b'));
    }

    #[test]
    fn a_lonely_null_keeps_its_line() {
        assert_eq!(written(&samples::batch(&["c"], &[&[None], &[Some("x")]]), SAFE), "c\n\"\"\nx\n");
    }

    #[test]
    fn nested_columns_are_json_text() {
        let text = written(&samples::event(), SAFE);
        assert!(text.contains("2023-07-10T12:00:00Z"), "{text}");
        assert!(text.contains(r#""{""type"":""Root"","#), "{text}");
    }
}
