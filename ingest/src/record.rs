//! One record to fields: a single checked pass that knows which keys the event table wants.
//!
//! The scanner walks a record once. A key that the table names gives a slot with the place of its value; structs of
//! the table are walked the same way; everything else is skipped, checked, and noted as unknown. What was seen before
//! word for word is not walked again. No value is built and nothing is allocated per record. This room knows the
//! schema's keys and nothing of Arrow's arrays.

mod fields;
mod guide;
mod layout;
mod list;
mod memo;
mod pattern;
mod runs;

use crate::json::{self, Fault, Form, JsonError, Value};
pub use fields::Fields;
use guide::{Guide, LIST, Sign};
pub use layout::{Layout, Run, Slot};
pub use list::Element;
pub(crate) use memo::MEMOS;
use runs::Runs;

/// Most slots that the table may have: one bit each in [`Fields`].
const MAX_SLOTS: usize = 128;
/// Most keys of a record that the table does not name; a record with more is refused as hostile.
const MAX_UNKNOWN: usize = 65_536;

/// Scans records; one a thread, because it learns the order of their keys.
#[derive(Debug)]
pub struct Scanner {
    layout: Layout,
    guide: Guide,
    runs: Runs,
    unescaped: String,
}

impl Scanner {
    /// A scanner for [`crate::schema::COLUMNS`].
    pub fn new() -> Self {
        let layout = Layout::new();
        let runs = Runs::new(&layout);
        let guide = Guide::new(&layout, &runs);
        Scanner { layout, guide, runs, unescaped: String::new() }
    }

    /// The slots it fills.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Scans the object at `start` into `fields`; gives one past its end.
    ///
    /// # Errors
    /// The first place where the text is not JSON.
    pub fn scan(&mut self, text: &[u8], start: usize, fields: &mut Fields) -> Result<usize, JsonError> {
        fields.clear();
        self.runs.begin(fields);
        let end = self.object::<true>(text, start, 0, fields)?;
        self.runs.end(text, fields);
        Ok(end)
    }

    /// The object at `start`, which is the record itself (`TOP`) or a struct in it.
    fn object<const TOP: bool>(
        &mut self,
        text: &[u8],
        start: usize,
        shape: usize,
        fields: &mut Fields,
    ) -> Result<usize, JsonError> {
        let mut at = json::skip_space(text, start + 1);
        if text.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        let mut previous = MAX_SLOTS + shape;
        loop {
            // Here begins a key, perhaps after white space. Nearly always it is one of those expected, right here.
            at = match self.guide.expected(text, at, previous) {
                Some(slot) => {
                    let sign = self.guide.sign(slot);
                    let (begins, run, value_at) = (sign.begins, sign.run, at + usize::from(sign.pattern.length));
                    // A run that is remembered is taken in one step.
                    let recalled = match begins {
                        begins if TOP && begins != runs::NONE => self.recall(begins, text, at, fields),
                        _ => None,
                    };
                    if let Some((after, last)) = recalled {
                        previous = last;
                        after
                    } else {
                        previous = slot;
                        let after = self.field(text, value_at, slot, fields)?;
                        if TOP {
                            self.runs.read(run, text, slot, after, fields);
                        }
                        after
                    }
                }
                None => self.unexpected(text, at, shape, &mut previous, fields)?,
            };
            at = match text.get(at) {
                Some(b',') => at + 1,
                Some(b'}') => return Ok(at + 1),
                _ => match end_of_field(text, at)? {
                    (after, true) => return Ok(after),
                    (after, false) => after,
                },
            };
        }
    }

    #[inline(never)]
    fn recall(&mut self, run: u8, text: &[u8], at: usize, fields: &mut Fields) -> Option<(usize, usize)> {
        self.runs.recall(usize::from(run), text, at, fields)
    }

    /// Reads the value at `at`, perhaps after white space; gives one past its end.
    #[inline(always)]
    fn field(&mut self, text: &[u8], at: usize, slot: usize, fields: &mut Fields) -> Result<usize, JsonError> {
        if text.get(at) == Some(&b'"') && self.guide.sign(slot).shape == 0 {
            let (close, form) = json::string_end(text, at + 1)?;
            fields.set(slot, Value { start: at, end: close + 1, form });
            return Ok(close + 1);
        }
        // What `responseElements` and `readOnly` mostly are.
        let form = match text.get(at..at + 4) {
            Some(b"null") => Form::Null,
            Some(b"true") => Form::True,
            _ => return self.known(text, json::skip_space(text, at), slot, fields),
        };
        if self.guide.sign(slot).shape != 0 {
            return self.known(text, at, slot, fields);
        }
        fields.set(slot, Value { start: at, end: at + 4, form });
        Ok(at + 4)
    }

    /// Reads the field at `at`, whose key none expected there; gives one past its end.
    #[inline(never)]
    fn unexpected(
        &mut self,
        text: &[u8],
        at: usize,
        shape: usize,
        previous: &mut usize,
        fields: &mut Fields,
    ) -> Result<usize, JsonError> {
        let (key, value_at, _) = json::key(text, json::skip_space(text, at))?;
        let Some(slot) = self.find(text, key, shape) else {
            let value = json::value(text, value_at)?;
            self.unknown(text, shape, key, value, fields)?;
            return Ok(value.end);
        };
        self.guide.follows(*previous, slot);
        *previous = slot;
        let end = self.known(text, value_at, slot, fields)?;
        if shape == 0 {
            self.runs.read(self.guide.sign(slot).run, text, slot, end, fields);
        }
        Ok(end)
    }

    /// Slot of a key.
    fn find(&mut self, text: &[u8], key: Value, shape: usize) -> Option<usize> {
        let name = &text[key.start + 1..key.end - 1];
        if key.form == Form::Plain {
            return self.guide.find(shape, name);
        }
        self.unescaped.clear();
        let readable = std::str::from_utf8(name).is_ok_and(|raw| json::unescape(raw, &mut self.unescaped));
        readable.then(|| self.guide.find(shape, self.unescaped.as_bytes())).flatten()
    }

    /// Reads the value of a slot; gives one past its end.
    #[inline(never)]
    fn known(&mut self, text: &[u8], at: usize, slot: usize, fields: &mut Fields) -> Result<usize, JsonError> {
        if self.guide.sign(slot).shape != 0 {
            return self.structure(text, at, slot, fields);
        }
        let value = json::value(text, at)?;
        fields.set(slot, value);
        Ok(value.end)
    }

    fn structure(&mut self, text: &[u8], at: usize, slot: usize, fields: &mut Fields) -> Result<usize, JsonError> {
        let Sign { shape, top, is_top, .. } = *self.guide.sign(slot);
        if shape == LIST {
            let value = match fields.read_resources(text, at) {
                Some(end) => Value { start: at, end, form: Form::Nested },
                None => json::value(text, at)?,
            };
            fields.set(slot, value);
            return Ok(value.end);
        }
        // A key given twice: the last one counts, as in every JSON parser.
        let inside = self.layout.inside(slot);
        fields.forget(slot, inside | 1 << slot);
        if text.get(at) == Some(&b'{') {
            // Only structs of the record itself are remembered: what is in them is remembered with them.
            let memo = if is_top { fields.place(text, at, slot) } else { None };
            if let Some((after, _)) = memo.and_then(|place| fields.recall(place, text, at, slot)) {
                return Ok(after);
            }
            // Only this text's own misfits count: the record may have had the key before.
            let before = std::mem::take(&mut fields.misfits);
            let after = self.object::<false>(text, at, usize::from(shape), fields)?;
            fields.set(slot, Value { start: at, end: after, form: Form::Spaced });
            let exact = fields.misfits == 0;
            fields.misfits |= before;
            if let Some(place) = memo.filter(|_| exact) {
                fields.remember(place, (&text[at..after], 0), at, slot, inside | 1 << slot);
            }
            return Ok(after);
        }
        // Not an object: the slot keeps the value, the struct will be null, and `extra` gives the value back.
        let value = json::value(text, at)?;
        fields.misfits |= 1 << top;
        fields.set(slot, value);
        Ok(value.end)
    }

    #[cold]
    fn unknown(
        &mut self,
        text: &[u8],
        shape: usize,
        key: Value,
        value: Value,
        fields: &mut Fields,
    ) -> Result<(), JsonError> {
        if shape != 0 {
            fields.misfits |= self.guide.top_of(shape).map_or(0, |top| 1 << top);
        } else if fields.unknown.len() < MAX_UNKNOWN {
            self.runs.close(text, fields);
            fields.unknown.push((key, value));
        } else {
            return Err(JsonError { what: Fault::TooManyFields, at: key.start });
        }
        Ok(())
    }
}

/// What follows a field after white space: where the next key is looked for, or one past the object's end.
#[cold]
fn end_of_field(text: &[u8], at: usize) -> Result<(usize, bool), JsonError> {
    let at = json::skip_space(text, at);
    match text.get(at) {
        Some(b',') => Ok((json::skip_space(text, at + 1), false)),
        Some(b'}') => Ok((at + 1, true)),
        Some(_) => Err(JsonError { what: Fault::Unexpected, at }),
        None => Err(JsonError { what: Fault::Truncated, at }),
    }
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_any_order_and_the_last_of_two_counts() {
        let (mut scanner, mut fields) = (Scanner::new(), Fields::default());
        let region = scanner.layout().slot("awsregion").unwrap();
        let issuer = scanner.layout().slot("useridentity.sessioncontext.sessionissuer.arn").unwrap();
        for text in [
            r#"{"awsRegion":"x","userIdentity":{"sessionContext":{"sessionIssuer":{"arn":"a"}}},"other":1}"#,
            r#"{"userIdentity":{"sessionContext":{"sessionIssuer":{"arn":"a"}}}, "aws\u0052egion" : "x"}"#,
            r#"{"awsRegion":"y","userIdentity":{"arn":"gone"},"userIdentity":{"sessionContext":{"sessionIssuer":{"arn":"b","arn":"a"}}},"awsRegion":"x"}"#,
        ] {
            assert_eq!(scanner.scan(text.as_bytes(), 0, &mut fields), Ok(text.len()));
            assert_eq!(fields.plain(text, region), Some("x"), "{text}");
            assert_eq!(fields.plain(text, issuer), Some("a"), "{text}");
            assert_eq!(fields.get(scanner.layout().slot("useridentity.arn").unwrap()), None, "{text}");
        }
    }
}
