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
use memo::HASHED_BYTES;
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
        let end = self.object(text, start, 0, fields)?;
        self.runs.end(text, fields);
        Ok(end)
    }

    fn object(&mut self, text: &[u8], start: usize, shape: usize, fields: &mut Fields) -> Result<usize, JsonError> {
        let mut at = json::skip_space(text, start + 1);
        if text.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        let mut previous = MAX_SLOTS + shape;
        loop {
            let slot = self.guide.expected(text, at, previous);
            // A run that is remembered is taken in one step.
            let recalled = match slot.map(|slot| self.guide.signs[slot].begins) {
                None | Some(runs::NONE) => None,
                Some(run) => self.runs.recall(usize::from(run), text, at, fields),
            };
            at = match (recalled, slot) {
                (Some((after, last)), _) => {
                    previous = last;
                    after
                }
                (None, Some(slot)) => {
                    previous = slot;
                    let value_at = json::skip_space(text, at + self.guide.signs[slot].pattern.length);
                    self.known(text, value_at, slot, shape, fields)?
                }
                (None, None) => self.unexpected(text, at, shape, &mut previous, fields)?,
            };
            at = json::skip_space(text, at);
            match text.get(at) {
                Some(b',') => at = json::skip_space(text, at + 1),
                Some(b'}') => return Ok(at + 1),
                Some(_) => return Err(JsonError { what: Fault::Unexpected, at }),
                None => return Err(JsonError { what: Fault::Truncated, at }),
            }
        }
    }

    /// Reads the field at `at`, whose key none expected; gives one past its end.
    #[inline(never)]
    fn unexpected(
        &mut self,
        text: &[u8],
        at: usize,
        shape: usize,
        previous: &mut usize,
        fields: &mut Fields,
    ) -> Result<usize, JsonError> {
        let (key, value_at, _) = json::key(text, at)?;
        if let Some(slot) = self.find(text, key, shape) {
            self.guide.follows(*previous, slot);
            *previous = slot;
            return self.known(text, value_at, slot, shape, fields);
        }
        let value = json::value(text, value_at)?;
        self.unknown(text, shape, key, value, fields)?;
        Ok(value.end)
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

    /// Reads the value of a slot, which is a field of an object of that shape; gives one past its end.
    #[inline]
    fn known(
        &mut self,
        text: &[u8],
        at: usize,
        slot: usize,
        shape: usize,
        fields: &mut Fields,
    ) -> Result<usize, JsonError> {
        let end = if self.guide.signs[slot].shape != 0 {
            self.structure(text, at, slot, fields)?
        } else {
            let value = json::value(text, at)?;
            fields.set(slot, value);
            value.end
        };
        if shape == 0 {
            self.runs.member(text, slot, end, fields);
        }
        Ok(end)
    }

    fn structure(&mut self, text: &[u8], at: usize, slot: usize, fields: &mut Fields) -> Result<usize, JsonError> {
        let Sign { shape, top, is_top, .. } = self.guide.signs[slot];
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
            let memo = if is_top { fields.place(text, at, slot, HASHED_BYTES) } else { None };
            if let Some((after, _)) = memo.and_then(|place| fields.recall(place, text, at, slot)) {
                return Ok(after);
            }
            // Only this text's own misfits count: the record may have had the key before.
            let before = std::mem::take(&mut fields.misfits);
            let after = self.object(text, at, usize::from(shape), fields)?;
            fields.set(slot, Value { start: at, end: after, form: Form::Spaced });
            let exact = fields.misfits == 0;
            fields.misfits |= before;
            if let Some(place) = memo.filter(|_| exact) {
                fields.remember(place, &text[at..after], at, slot, inside | 1 << slot);
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
            let structs = self.guide.signs.iter().find(|sign| usize::from(sign.shape) == shape);
            fields.misfits |= structs.map_or(0, |sign| 1 << sign.top);
        } else if fields.unknown.len() < MAX_UNKNOWN {
            self.runs.close(text, fields);
            fields.unknown.push((key, value));
        } else {
            return Err(JsonError { what: Fault::TooManyFields, at: key.start });
        }
        Ok(())
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
