//! Objects and lists as one value: checked to their end, token by token, and nothing kept of them.

use super::special::Marks;
use super::{Checked, Fault, Form, MAX_DEPTH, Value, fault, is_space, key, odd_string_end, skip_space, value};

/// Where the check stands.
struct Walk<'t> {
    text: &'t [u8],
    marks: Marks<'t>,
    /// White space between tokens, or raw control characters in strings, were seen.
    spaced: bool,
}

/// Checks the object or list at `start` without recursion: one bit a level says which of the two is open.
pub(super) fn nested(text: &[u8], start: usize) -> Checked<Value> {
    let mut walk = Walk { text, marks: Marks::new(text, start), spaced: false };
    let mut objects: u128 = 0;
    let mut depth: u32 = 0;
    let mut at = start;
    // Each turn of the loop reads one value; the inner part closes what ends after it.
    loop {
        match walk.byte(at) {
            b'"' => at = walk.string(at)?,
            open @ (b'{' | b'[') => {
                if depth == MAX_DEPTH {
                    return fault(Fault::TooDeep, at);
                }
                let object = open == b'{';
                objects = (objects << 1) | u128::from(object);
                depth += 1;
                at = walk.token(at + 1);
                let close = if object { b'}' } else { b']' };
                if walk.byte(at) != close {
                    if object {
                        at = walk.key(at)?;
                    }
                    continue;
                }
                // An empty one: its close is read below, like any other.
            }
            _ => at = value(text, at)?.end,
        }
        loop {
            let in_object = objects & 1 == 1;
            match walk.byte(at) {
                b',' => {
                    at = walk.token(at + 1);
                    if in_object {
                        at = walk.key(at)?;
                    }
                    break;
                }
                b'}' if in_object => {}
                b']' if !in_object => {}
                byte if is_space(byte) => {
                    at = walk.token(at);
                    continue;
                }
                _ if at < text.len() => return fault(Fault::Unexpected, at),
                _ => return fault(Fault::Truncated, at),
            }
            objects >>= 1;
            depth -= 1;
            at += 1;
            if depth == 0 {
                let form = if walk.spaced { Form::Spaced } else { Form::Nested };
                return Ok(Value { start, end: at, form });
            }
        }
    }
}

impl Walk<'_> {
    /// The byte at `at`; NUL, which no token begins with, past the end.
    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    /// Where the next token begins.
    #[inline(always)]
    fn token(&mut self, at: usize) -> usize {
        if !is_space(self.byte(at)) {
            return at;
        }
        self.spaced = true;
        skip_space(self.text, at)
    }

    /// One past the string at `at`.
    #[inline(always)]
    fn string(&mut self, at: usize) -> Checked<usize> {
        let close = self.marks.next(at + 1);
        if self.byte(close) == b'"' {
            return Ok(close + 1);
        }
        self.odd_string(at, close)
    }

    /// The same, with an escape or a control character at `odd`.
    #[cold]
    fn odd_string(&mut self, at: usize, odd: usize) -> Checked<usize> {
        let (close, _) = odd_string_end(self.text, odd)?;
        self.spaced |= self.text[at..close].iter().any(|byte| *byte < 0x20);
        Ok(close + 1)
    }

    /// Reads `"key" :` and gives the position of the value.
    #[inline(always)]
    fn key(&mut self, at: usize) -> Checked<usize> {
        if self.byte(at) == b'"' {
            // Nearly every key: plain, and a colon behind it.
            let close = self.marks.next(at + 1);
            if self.byte(close) == b'"' && self.byte(close + 1) == b':' {
                return Ok(self.token(close + 2));
            }
        }
        self.odd_key(at)
    }

    #[cold]
    fn odd_key(&mut self, at: usize) -> Checked<usize> {
        let (key, value_at, spaced) = key(self.text, at)?;
        let odd = key.form == Form::Escaped && self.text[key.start..key.end].iter().any(|byte| *byte < 0x20);
        self.spaced |= spaced || odd;
        Ok(value_at)
    }
}
