//! One record to fields: a single checked pass that knows which keys the event table wants.
//!
//! The scanner walks a record once. A key that the table names gives a slot with the place of its value; structs of
//! the table are walked the same way; everything else is skipped, checked, and noted as unknown. What was seen before
//! word for word is not walked again. No value is built and nothing is allocated per record. This room knows the
//! schema's keys and nothing of Arrow's arrays.

mod fields;
mod layout;
mod memo;
mod pattern;
mod runs;

use hashbrown::HashMap;

use crate::json::{self, Fault, Form, JsonError, Value};
pub use fields::Fields;
pub use layout::{Layout, Run, Slot};
use memo::HASHED_BYTES;
pub(crate) use memo::MEMOS;
use pattern::Pattern;
use runs::Runs;

/// Most slots that the table may have: one bit each in [`Fields`].
const MAX_SLOTS: usize = 128;
/// Most keys of a record that the table does not name; a record with more is refused as hostile.
const MAX_UNKNOWN: usize = 65_536;

/// What the scanner asks about a slot for every record.
#[derive(Debug, Clone, Copy)]
struct Guide {
    pattern: Pattern,
    /// Shape of a struct's fields; 0 for what is no struct.
    shape: u8,
    /// Position in the table of the column, or of the struct column around it.
    top: u8,
    /// Whether it is a column.
    is_top: bool,
}

/// Keys of one object that the table knows: the record itself, or a struct in it.
type Keys = HashMap<&'static [u8], usize, ahash::RandomState>;

/// Scans records; one a thread, because it learns the order of their keys.
#[derive(Debug)]
pub struct Scanner {
    layout: Layout,
    guides: Vec<Guide>,
    /// Shape 0 is the record; those of structs follow.
    shapes: Vec<Keys>,
    /// Slot that followed a slot last time: CloudTrail writes its keys in one order, so this nearly always hits. The
    /// first slot of a shape is at `MAX_SLOTS + shape`.
    follow: [u8; 2 * MAX_SLOTS],
    runs: Runs,
    unescaped: String,
}

/// A key that was read.
struct Key {
    /// Its slot, if the table knows it.
    slot: Option<usize>,
    /// The key, where there is no slot.
    name: Value,
    value_at: usize,
}

impl Scanner {
    /// A scanner for [`crate::schema::COLUMNS`].
    pub fn new() -> Self {
        let layout = Layout::new();
        let mut shapes = vec![Keys::default()];
        let mut follow = [0u8; 2 * MAX_SLOTS];
        let mut at = 0;
        while at < layout.slots.len() {
            shapes[0].insert(layout.slots[at].column.json.as_bytes(), at);
            at = layout.slots[at].end;
        }
        let mut guides = Vec::with_capacity(layout.slots.len());
        for (index, slot) in layout.slots.iter().enumerate() {
            let pattern = Pattern::new(slot.column.json);
            let mut guide = Guide { pattern, shape: 0, top: slot.top as u8, is_top: slot.is_top() };
            if slot.end > index + 1 {
                guide.shape = shapes.len() as u8;
                let mut keys = Keys::default();
                let mut child = index + 1;
                while child < slot.end {
                    keys.insert(layout.slots[child].column.json.as_bytes(), child);
                    child = layout.slots[child].end;
                }
                follow[index + 1..slot.end].fill(index as u8 + 1);
                follow[MAX_SLOTS + shapes.len()] = index as u8 + 1;
                shapes.push(keys);
            }
            guides.push(guide);
        }
        let runs = Runs::new(&layout);
        Scanner { layout, guides, shapes, follow, runs, unescaped: String::new() }
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
            if shape == 0
                && let Some((after, last)) = self.run(text, at, previous, fields)
            {
                (at, previous) = (after, last);
            } else {
                let key = self.key(text, at, shape, previous)?;
                at = match key.slot {
                    Some(slot) => {
                        previous = slot;
                        let after = self.known(text, key.value_at, slot, fields)?;
                        if shape == 0 {
                            self.runs.member(text, slot, after, fields);
                        }
                        after
                    }
                    None => {
                        let value = json::value(text, key.value_at)?;
                        self.unknown(text, shape, key.name, value, fields)?;
                        value.end
                    }
                };
            }
            at = json::skip_space(text, at);
            match text.get(at) {
                Some(b',') => at = json::skip_space(text, at + 1),
                Some(b'}') => return Ok(at + 1),
                Some(_) => return Err(JsonError { what: Fault::Unexpected, at }),
                None => return Err(JsonError { what: Fault::Truncated, at }),
            }
        }
    }

    /// Takes a run that begins at `at` in one step, if it is remembered: one past its end, and its last slot.
    #[inline]
    fn run(&mut self, text: &[u8], at: usize, previous: usize, fields: &mut Fields) -> Option<(usize, usize)> {
        let guess = usize::from(self.follow[previous]);
        let run = self.runs.starting(guess)?;
        if !self.guides[guess].pattern.matches(text, at) {
            return None;
        }
        self.runs.recall(run, text, at, fields)
    }

    /// Reads the key at `at` and finds its slot.
    #[inline]
    fn key(&mut self, text: &[u8], at: usize, shape: usize, previous: usize) -> Result<Key, JsonError> {
        // The key that followed last time, without looking for its end first.
        let guess = usize::from(self.follow[previous]);
        let pattern = &self.guides[guess].pattern;
        if pattern.matches(text, at) {
            let value_at = json::skip_space(text, at + pattern.length);
            return Ok(Key { slot: Some(guess), name: Value::default(), value_at });
        }
        let (name, value_at, _) = json::key(text, at)?;
        let slot = self.find(text, name, shape);
        if let Some(slot) = slot {
            self.follow[previous] = slot as u8;
        }
        Ok(Key { slot, name, value_at })
    }

    /// Slot of a key.
    fn find(&mut self, text: &[u8], key: Value, shape: usize) -> Option<usize> {
        let name = &text[key.start + 1..key.end - 1];
        if key.form == Form::Plain {
            return self.shapes[shape].get(name).copied();
        }
        self.unescaped.clear();
        let readable = std::str::from_utf8(name).is_ok_and(|raw| json::unescape(raw, &mut self.unescaped));
        readable.then(|| self.shapes[shape].get(self.unescaped.as_bytes()).copied()).flatten()
    }

    /// Reads the value of a slot; gives one past its end.
    #[inline]
    fn known(&mut self, text: &[u8], at: usize, slot: usize, fields: &mut Fields) -> Result<usize, JsonError> {
        if self.guides[slot].shape != 0 {
            return self.structure(text, at, slot, fields);
        }
        let value = json::value(text, at)?;
        fields.set(slot, value);
        Ok(value.end)
    }

    fn structure(&mut self, text: &[u8], at: usize, slot: usize, fields: &mut Fields) -> Result<usize, JsonError> {
        let Guide { shape, top, is_top, .. } = self.guides[slot];
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
            let structs = self.guides.iter().find(|guide| usize::from(guide.shape) == shape);
            fields.misfits |= structs.map_or(0, |guide| 1 << guide.top);
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
