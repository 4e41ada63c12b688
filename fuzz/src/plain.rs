//! The slow twin of the JSON scanner: a reader of RFC 8259 as plain as can be, that loses nothing.
//!
//! It lets through what the scanner lets through (raw control characters in strings), keeps numbers as text and strings
//! as UTF-16 units, so that lone surrogates and numbers beyond a double can be compared too. Of a key given twice the
//! last counts.

use std::collections::BTreeMap;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plain {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// A string, in UTF-16 units.
    Text(Vec<u16>),
    /// A list.
    List(Vec<Plain>),
    /// An object.
    Object(BTreeMap<Vec<u16>, Plain>),
}

/// Levels of nesting that are followed; deeper values are left to the caller's own rule.
const DEPTH: usize = 400;

/// What [`read`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The value.
    pub value: Plain,
    /// Deepest nesting in it; a scalar has 0.
    pub depth: usize,
    /// Whether every number is an integer of at most 15 digits, on which all parsers agree.
    pub small_numbers: bool,
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The text is not JSON.
    NotJson,
    /// It is nested too deeply for this reader.
    Deep,
}

/// Reads a whole text.
///
/// # Errors
/// See [`Fault`].
pub fn read(text: &str) -> Result<Reading, Fault> {
    let mut reader = Reader { text: text.as_bytes(), at: 0, depth: 0, small_numbers: true };
    reader.space();
    let value = reader.value(0)?;
    reader.space();
    if reader.at != text.len() {
        return Err(Fault::NotJson);
    }
    Ok(Reading { value, depth: reader.depth, small_numbers: reader.small_numbers })
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    small_numbers: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() != Some(byte) {
            return Err(Fault::NotJson);
        }
        self.at += 1;
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Plain, Fault> {
        self.depth = self.depth.max(depth);
        if depth > DEPTH {
            return Err(Fault::Deep);
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(Plain::Text(self.string()?)),
            Some(b't') => self.word("true", Plain::Bool(true)),
            Some(b'f') => self.word("false", Plain::Bool(false)),
            Some(b'n') => self.word("null", Plain::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Plain) -> Result<Plain, Fault> {
        word.bytes().try_for_each(|byte| self.take(byte))?;
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Plain, Fault> {
        self.take(b'{')?;
        let mut fields = BTreeMap::new();
        self.space();
        if self.peek() != Some(b'}') {
            loop {
                self.space();
                let key = self.string()?;
                self.space();
                self.take(b':')?;
                self.space();
                let value = self.value(depth + 1)?;
                fields.insert(key, value);
                self.space();
                if self.peek() != Some(b',') {
                    break;
                }
                self.at += 1;
            }
        }
        self.take(b'}')?;
        // The brackets count as a level even where nothing is in them.
        self.depth = self.depth.max(depth + 1);
        Ok(Plain::Object(fields))
    }

    fn list(&mut self, depth: usize) -> Result<Plain, Fault> {
        self.take(b'[')?;
        let mut elements = Vec::new();
        self.space();
        if self.peek() != Some(b']') {
            loop {
                self.space();
                elements.push(self.value(depth + 1)?);
                self.space();
                if self.peek() != Some(b',') {
                    break;
                }
                self.at += 1;
            }
        }
        self.take(b']')?;
        self.depth = self.depth.max(depth + 1);
        Ok(Plain::List(elements))
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(Fault::NotJson) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Plain, Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let number = &self.text[start..self.at];
        // Minus zero is an integer to some and a fraction to others.
        self.small_numbers &= number.len() <= 15 && number != b"-0" && !number.iter().any(|b| b".eE".contains(b));
        Ok(Plain::Number(String::from_utf8_lossy(number).into_owned()))
    }

    fn string(&mut self) -> Result<Vec<u16>, Fault> {
        self.take(b'"')?;
        let mut units = Vec::new();
        let mut run = self.at;
        loop {
            let byte = self.peek().ok_or(Fault::NotJson)?;
            if byte != b'"' && byte != b'\\' {
                self.at += 1;
                continue;
            }
            // Both are ASCII, so the run before them is whole characters.
            let text = std::str::from_utf8(&self.text[run..self.at]).map_err(|_| Fault::NotJson)?;
            units.extend(text.encode_utf16());
            self.at += 1;
            if byte == b'"' {
                return Ok(units);
            }
            units.push(self.escape()?);
            run = self.at;
        }
    }

    fn escape(&mut self) -> Result<u16, Fault> {
        let byte = self.peek().ok_or(Fault::NotJson)?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => u16::from(byte),
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'u' => {
                let hex = self.text.get(self.at..self.at + 4).ok_or(Fault::NotJson)?;
                self.at += 4;
                let mut unit = 0;
                for digit in hex {
                    let digit = char::from(*digit).to_digit(16).ok_or(Fault::NotJson)?;
                    unit = unit * 16 + digit as u16;
                }
                unit
            }
            _ => return Err(Fault::NotJson),
        })
    }
}
