//! JSON as bytes: find where a value ends, and check it on the way. No values are built.
//!
//! The fast path reads a record once and keeps slices of it, so a number keeps its digits, a string its escapes
//! and an object its duplicate keys. This room accepts RFC 8259 with one exception: raw control characters inside
//! strings are let through (logs that went through other tools contain them), flagged, and escaped on output.
//! It knows nothing of CloudTrail. The slow twin is serde_json; `tests/integration/twins.rs` compares them.

mod nested;
mod special;
mod text;

pub(crate) use special::{Marks, equal, holds};
pub use text::{compact, quote, unescape};

/// Deepest nesting of a value. CloudTrail's own stays under 30; the limit keeps hostile input from costing more.
pub const MAX_DEPTH: u32 = 128;

/// What is wrong with a text, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonError {
    /// What was expected or found.
    pub what: Fault,
    /// Byte offset in the text.
    pub at: usize,
}

/// Why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The text ends inside a value.
    Truncated,
    /// A byte that may not stand there.
    Unexpected,
    /// More than [`MAX_DEPTH`] levels.
    TooDeep,
    /// A bad `\` escape in a string.
    BadEscape,
    /// A number that is not JSON's.
    BadNumber,
    /// An object with more fields that the table does not name than are kept.
    TooManyFields,
}

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.what {
            Fault::Truncated => "the text ends in the middle of a value",
            Fault::Unexpected => "unexpected character",
            Fault::TooDeep => "nested deeper than 128 levels",
            Fault::BadEscape => "bad escape in a string",
            Fault::BadNumber => "bad number",
            Fault::TooManyFields => "more than 65,536 unknown fields",
        };
        write!(f, "{what} at byte {}", self.at)
    }
}

/// What kind of value a slice is, and what must be done before it can be used as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// A string whose text is the bytes between its quotes.
    #[default]
    Plain,
    /// A string with escapes or raw control characters: see [`unescape`].
    Escaped,
    /// A number.
    Number,
    /// `true`
    True,
    /// `false`
    False,
    /// `null`
    Null,
    /// An object or a list that is compact already.
    Nested,
    /// An object or a list with white space between tokens or raw control characters: see [`compact`].
    Spaced,
}

/// A checked value: where it lies, quotes included, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Value {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub form: Form,
}

type Checked<T> = Result<T, JsonError>;

#[inline]
fn fault<T>(what: Fault, at: usize) -> Checked<T> {
    Err(JsonError { what, at })
}

#[inline]
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// First position from `at` on that is not white space.
#[inline]
pub fn skip_space(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && is_space(text[at]) {
        at += 1;
    }
    at
}

/// Position of the closing quote of the string whose first byte after the opening quote is `at`, and whether it
/// is [`Form::Plain`].
#[inline]
pub fn string_end(text: &[u8], at: usize) -> Checked<(usize, Form)> {
    let at = special::next(text, at);
    if text.get(at) == Some(&b'"') {
        return Ok((at, Form::Plain));
    }
    odd_string_end(text, at)
}

/// The end of a string that has an escape or a control character at `at`, or that is cut off there.
#[cold]
#[inline(never)]
fn odd_string_end(text: &[u8], mut at: usize) -> Checked<(usize, Form)> {
    loop {
        at = match text.get(at) {
            None => return fault(Fault::Truncated, at),
            Some(b'"') => return Ok((at, Form::Escaped)),
            Some(b'\\') => escape_end(text, at)?,
            Some(_) => at + 1,
        };
        at = special::next(text, at);
    }
}

#[cold]
#[inline(never)]
fn escape_end(text: &[u8], at: usize) -> Checked<usize> {
    match text.get(at + 1) {
        None => fault(Fault::Truncated, at),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match text.get(at + 2..at + 6) {
            None => fault(Fault::Truncated, at),
            Some(hex) if hex.iter().all(u8::is_ascii_hexdigit) => Ok(at + 6),
            Some(_) => fault(Fault::BadEscape, at),
        },
        Some(_) => fault(Fault::BadEscape, at),
    }
}

/// One past the last byte of the number at `at`.
fn number_end(text: &[u8], start: usize) -> Checked<usize> {
    let digits = |mut at: usize| {
        while at < text.len() && text[at].is_ascii_digit() {
            at += 1;
        }
        at
    };
    // A number that the text ends in may go on: it is cut, not bad.
    let bad = |at: usize| if at < text.len() { Fault::BadNumber } else { Fault::Truncated };
    let mut at = start;
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    match text.get(at) {
        Some(b'0') => at += 1,
        Some(b'1'..=b'9') => at = digits(at),
        Some(_) => return fault(Fault::BadNumber, start),
        None => return fault(Fault::Truncated, start),
    }
    if text.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == at + 1 {
            return fault(bad(fraction), start);
        }
        at = fraction;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == at + 1 + sign {
            return fault(bad(exponent), start);
        }
        at = exponent;
    }
    Ok(at)
}

fn literal(text: &[u8], at: usize, word: &[u8], form: Form) -> Checked<Value> {
    match text.get(at..at + word.len()) {
        Some(found) if found == word => Ok(Value { start: at, end: at + word.len(), form }),
        Some(_) => fault(Fault::Unexpected, at),
        None if word.starts_with(&text[at..]) => fault(Fault::Truncated, at),
        None => fault(Fault::Unexpected, at),
    }
}

/// Checks the value at `at` (white space before it must be skipped already).
#[inline]
pub fn value(text: &[u8], at: usize) -> Checked<Value> {
    match text.get(at) {
        Some(b'"') => {
            let (close, form) = string_end(text, at + 1)?;
            Ok(Value { start: at, end: close + 1, form })
        }
        Some(b'{' | b'[') => nested::nested(text, at),
        Some(b't') => literal(text, at, b"true", Form::True),
        Some(b'f') => literal(text, at, b"false", Form::False),
        Some(b'n') => literal(text, at, b"null", Form::Null),
        Some(b'-' | b'0'..=b'9') => {
            let end = number_end(text, at)?;
            Ok(Value { start: at, end, form: Form::Number })
        }
        Some(_) => fault(Fault::Unexpected, at),
        None => fault(Fault::Truncated, at),
    }
}

#[inline]
fn next_token(text: &[u8], at: usize, spaced: &mut bool) -> usize {
    match text.get(at) {
        Some(byte) if is_space(*byte) => {
            *spaced = true;
            skip_space(text, at)
        }
        _ => at,
    }
}

/// Reads `"key" :` at `at`: the key, the position of its value, and whether there was white space.
#[inline]
pub fn key(text: &[u8], at: usize) -> Checked<(Value, usize, bool)> {
    match text.get(at) {
        Some(b'"') => {}
        Some(_) => return fault(Fault::Unexpected, at),
        None => return fault(Fault::Truncated, at),
    }
    let (close, form) = string_end(text, at + 1)?;
    let mut spaced = false;
    let colon = next_token(text, close + 1, &mut spaced);
    match text.get(colon) {
        Some(b':') => {}
        Some(_) => return fault(Fault::Unexpected, colon),
        None => return fault(Fault::Truncated, colon),
    }
    let value_at = next_token(text, colon + 1, &mut spaced);
    Ok((Value { start: at, end: close + 1, form }, value_at, spaced))
}

#[cfg(test)]
mod tests;
