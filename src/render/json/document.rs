//! How a document is written: indented where people look, escaped on its way, in bounded memory.

use std::io::{self, Write};

use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::escape;
use crate::render::BUFFER_BYTES;

/// Levels that are indented; what lies deeper stands on one line.
const INDENTED_LEVELS: usize = 4;

/// Indents the first levels.
#[derive(Default)]
pub(super) struct Indented {
    pretty: PrettyFormatter<'static>,
    level: usize,
}

impl Indented {
    fn is_deep(&self) -> bool {
        self.level > INDENTED_LEVELS
    }
}

/// A method of both formatters, of which one is asked.
macro_rules! by_level {
    ($($name:ident ( $($arg:ident : $type:ty),* );)*) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $arg: $type)*) -> io::Result<()> {
            if self.is_deep() { CompactFormatter.$name(writer $(, $arg)*) } else { self.pretty.$name(writer $(, $arg)*) }
        })*
    };
}

impl Formatter for Indented {
    by_level! {
        begin_array_value(first: bool);
        end_array_value();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.level += 1;
        if self.is_deep() { CompactFormatter.begin_array(writer) } else { self.pretty.begin_array(writer) }
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let deep = self.is_deep();
        self.level = self.level.saturating_sub(1);
        if deep { CompactFormatter.end_array(writer) } else { self.pretty.end_array(writer) }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.level += 1;
        if self.is_deep() { CompactFormatter.begin_object(writer) } else { self.pretty.begin_object(writer) }
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let deep = self.is_deep();
        self.level = self.level.saturating_sub(1);
        if deep { CompactFormatter.end_object(writer) } else { self.pretty.end_object(writer) }
    }
}

/// Escapes what passes, a buffer at a time.
pub(super) struct Safe<'a> {
    out: &'a mut dyn Write,
    pending: Vec<u8>,
    escaped: Vec<u8>,
}

impl<'a> Safe<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Safe { out, pending: Vec::new(), escaped: Vec::new() }
    }

    /// Writes all but the beginning of a character that has not come whole.
    fn pass(&mut self, all: bool) -> io::Result<()> {
        let begins = |byte: &u8| byte & 0xC0 != 0x80;
        let whole = match self.pending.iter().rposition(begins) {
            Some(last) if !all && self.pending.get(last).is_some_and(|byte| *byte >= 0x80) => last,
            _ => self.pending.len(),
        };
        self.escaped.clear();
        escape::json_text(self.pending.get(..whole).unwrap_or_default(), &mut self.escaped);
        self.pending.drain(..whole);
        self.out.write_all(&self.escaped)
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.pass(true)?;
        self.out.flush()
    }
}

impl Write for Safe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= BUFFER_BYTES {
            self.pass(false)?;
        }
        Ok(bytes.len())
    }

    /// What is pending may be half a character: only [`Safe::finish`] writes it.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::super::document;

    #[test]
    fn the_first_levels_are_indented() {
        let mut out = Vec::new();
        document(&json!({"a": [{"b": [{"c": [1, {"d": []}], "e": {}}]}], "f": {}}), &mut out).unwrap();
        let text = "{\n  \"a\": [\n    {\n      \"b\": [\n        {\"c\":[1,{\"d\":[]}],\"e\":{}}\n      ]\n    }\n  ],\n  \"f\": {}\n}\n";
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }

    #[test]
    fn characters_across_buffers_are_escaped_whole() {
        for lead in 0..5 {
            let text = format!("{}{}", "x".repeat(lead), "\u{202e}é\u{e0041}".repeat(20_000));
            let mut out = Vec::new();
            document(&text, &mut out).unwrap();
            let json = String::from_utf8(out).unwrap();
            assert!(!json.contains(['\u{202e}', '\u{e0041}', '\u{fffd}']));
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), json!(text));
        }
    }
}
