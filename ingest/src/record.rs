//! One record to fields: a single checked pass that knows which keys the event table wants.
//!
//! The scanner walks a record once. A key that the table names gives a slot with the place of its value; structs of
//! the table are walked the same way; everything else is skipped, checked, and noted as unknown. No value is built
//! and nothing is allocated per record. This room knows the schema's keys and nothing of Arrow.

mod memo;
mod pattern;

use hashbrown::HashMap;

use crate::json::{self, Fault, Form, JsonError, Value};
use crate::schema::{COLUMNS, Column, Kind};
use memo::Memos;
use pattern::Pattern;

/// Most slots that the table may have: one bit each in [`Fields`].
const MAX_SLOTS: usize = 128;
/// Most keys of a record that the table does not name; a record with more is refused as hostile.
const MAX_UNKNOWN: usize = 65_536;

/// One column or struct field that can be filled from a record.
#[derive(Debug)]
pub struct Slot {
    /// The column.
    pub column: &'static Column,
    /// Position in [`COLUMNS`] of the column, or of the struct column around it.
    pub top: usize,
    /// One past the last slot of its children; its own index + 1 where it has none.
    pub end: usize,
    /// Dotted path of column names.
    pub path: String,
}

impl Slot {
    /// Whether it is a column, not a field of a struct.
    fn is_top(&self) -> bool {
        self.path.len() == self.column.name.len()
    }
}

/// Keys of one object that the table knows: the record itself, or a struct in it.
#[derive(Debug, Default)]
struct Shape {
    keys: HashMap<&'static [u8], usize, ahash::RandomState>,
    /// Slot that followed a slot last time: CloudTrail writes its keys in one order, so this nearly always hits.
    /// Index 0 is the first key; slot `s` is at `s - first + 1`.
    follow: Vec<usize>,
    first: usize,
}

/// All slots of the event table, in depth-first order.
#[derive(Debug)]
pub struct Layout {
    /// The slots.
    pub slots: Vec<Slot>,
}

impl Layout {
    /// The layout of [`COLUMNS`].
    pub fn new() -> Self {
        let mut slots = Vec::new();
        for (top, column) in COLUMNS.iter().enumerate().filter(|(_, c)| !c.is_derived()) {
            add_slot(&mut slots, column, top, "");
        }
        debug_assert!(slots.len() <= MAX_SLOTS);
        Layout { slots }
    }

    /// Slot of a dotted path of column names.
    pub fn slot(&self, path: &str) -> Option<usize> {
        self.slots.iter().position(|s| s.path == path)
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::new()
    }
}

fn add_slot(slots: &mut Vec<Slot>, column: &'static Column, top: usize, prefix: &str) {
    let index = slots.len();
    let path = if prefix.is_empty() { column.name.to_owned() } else { format!("{prefix}.{}", column.name) };
    slots.push(Slot { column, top, end: index + 1, path: path.clone() });
    if let Kind::Struct(fields) = column.kind {
        for field in fields {
            add_slot(slots, field, top, &path);
        }
        slots[index].end = slots.len();
    }
}

/// Where the fields of one record lie in its text. Reused from record to record.
#[derive(Debug)]
pub struct Fields {
    values: [Value; MAX_SLOTS],
    present: u128,
    /// Top-level columns (bit = position in [`COLUMNS`]) whose value the columns do not give back exactly.
    pub misfits: u64,
    /// Key and value of each top-level field that the table does not name.
    pub unknown: Vec<(Value, Value)>,
    /// Number of the text of `userIdentity`, where it is remembered: the same number, the same text.
    pub identity: Option<u64>,
}

impl Default for Fields {
    fn default() -> Self {
        Fields { values: [Value::default(); MAX_SLOTS], present: 0, misfits: 0, unknown: Vec::new(), identity: None }
    }
}

impl Fields {
    fn clear(&mut self) {
        self.present = 0;
        self.misfits = 0;
        self.unknown.clear();
        self.identity = None;
    }

    /// The value in a slot.
    #[inline]
    pub fn get(&self, slot: usize) -> Option<Value> {
        (self.present >> slot & 1 == 1).then(|| self.values[slot])
    }

    /// Slots that hold a value, in order.
    #[inline]
    pub fn present(&self) -> impl Iterator<Item = (usize, Value)> + '_ {
        let mut bits = self.present;
        std::iter::from_fn(move || {
            if bits == 0 {
                return None;
            }
            let slot = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            Some((slot, self.values[slot]))
        })
    }

    #[inline]
    fn set(&mut self, slot: usize, value: Value) {
        self.values[slot] = value;
        self.present |= 1 << slot;
    }

    fn forget(&mut self, slots: std::ops::Range<usize>) {
        for slot in slots {
            self.present &= !(1 << slot);
        }
    }

    /// The raw text of a string value without its quotes, where it needs no unescaping.
    pub fn plain<'t>(&self, text: &'t str, slot: usize) -> Option<&'t str> {
        let value = self.get(slot)?;
        (value.form == Form::Plain).then(|| &text[value.start + 1..value.end - 1])
    }
}

/// Scans records; one a thread, because it learns the order of their keys.
#[derive(Debug)]
pub struct Scanner {
    layout: Layout,
    /// Shape 0 is the record; the shape of a struct slot is in `shape_of`.
    shapes: Vec<Shape>,
    shape_of: [u8; MAX_SLOTS],
    patterns: Vec<Pattern>,
    memos: Memos,
    identity: usize,
    unescaped: String,
}

impl Scanner {
    /// A scanner for [`COLUMNS`].
    pub fn new() -> Self {
        let layout = Layout::new();
        let mut shapes = vec![Shape::default()];
        let mut shape_of = [0u8; MAX_SLOTS];
        let mut at = 0;
        while at < layout.slots.len() {
            shapes[0].keys.insert(layout.slots[at].column.json.as_bytes(), at);
            at = layout.slots[at].end;
        }
        shapes[0].follow = vec![0; layout.slots.len() + 1];
        for (index, slot) in layout.slots.iter().enumerate() {
            if slot.end == index + 1 {
                continue;
            }
            shape_of[index] = shapes.len() as u8;
            let mut shape = Shape { first: index + 1, follow: vec![index + 1; slot.end - index], ..Shape::default() };
            let mut child = index + 1;
            while child < slot.end {
                shape.keys.insert(layout.slots[child].column.json.as_bytes(), child);
                child = layout.slots[child].end;
            }
            shapes.push(shape);
        }
        let patterns = layout.slots.iter().map(|slot| Pattern::new(slot.column.json)).collect();
        let identity = layout.slot("useridentity").unwrap_or(0);
        Scanner { layout, shapes, shape_of, patterns, memos: Memos::new(), identity, unescaped: String::new() }
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
        self.object(text, start, 0, fields)
    }

    fn object(&mut self, text: &[u8], start: usize, shape: usize, fields: &mut Fields) -> Result<usize, JsonError> {
        let mut at = json::skip_space(text, start + 1);
        if text.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        let mut previous = 0;
        loop {
            // The key that followed last time, without looking for its end first.
            let guess = self.shapes[shape].follow[previous];
            at = if self.patterns[guess].matches(text, at) {
                previous = guess - self.shapes[shape].first + 1;
                let value_at = json::skip_space(text, at + self.patterns[guess].length);
                self.known(text, value_at, guess, fields)?
            } else {
                let (key, value_at, _) = json::key(text, at)?;
                match self.find(text, key, shape, previous) {
                    Some(slot) => {
                        previous = slot - self.shapes[shape].first + 1;
                        self.known(text, value_at, slot, fields)?
                    }
                    None => {
                        let value = json::value(text, value_at)?;
                        self.unknown(shape, key, value, fields)?;
                        value.end
                    }
                }
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

    /// Slot of a key; remembers which key it followed.
    fn find(&mut self, text: &[u8], key: Value, shape: usize, previous: usize) -> Option<usize> {
        let name = &text[key.start + 1..key.end - 1];
        let found = if key.form == Form::Plain {
            self.shapes[shape].keys.get(name).copied()
        } else {
            self.unescaped.clear();
            let readable = std::str::from_utf8(name).is_ok_and(|raw| json::unescape(raw, &mut self.unescaped));
            readable.then(|| self.shapes[shape].keys.get(self.unescaped.as_bytes()).copied()).flatten()
        };
        if let Some(slot) = found {
            self.shapes[shape].follow[previous] = slot;
        }
        found
    }

    fn known(&mut self, text: &[u8], at: usize, slot: usize, fields: &mut Fields) -> Result<usize, JsonError> {
        let (top, end) = (self.layout.slots[slot].top, self.layout.slots[slot].end);
        if end == slot + 1 {
            let value = json::value(text, at)?;
            fields.set(slot, value);
            return Ok(value.end);
        }
        // A key given twice: the last one counts, as in every JSON parser.
        fields.forget(slot..end);
        if text.get(at) == Some(&b'{') {
            // Only structs of the record itself are remembered: what is in them is remembered with them.
            let memo = if self.layout.slots[slot].is_top() { self.memos.place(text, at, slot) } else { None };
            if let Some((after, number)) = memo.and_then(|place| self.memos.recall(place, text, at, fields)) {
                fields.identity = if slot == self.identity { Some(number) } else { fields.identity };
                return Ok(after);
            }
            let before = fields.misfits;
            let after = self.object(text, at, usize::from(self.shape_of[slot]), fields)?;
            fields.set(slot, Value { start: at, end: after, form: Form::Spaced });
            if let Some(place) = memo.filter(|_| fields.misfits == before) {
                let number = self.memos.remember(place, &text[at..after], at, slot..end, fields);
                fields.identity = if slot == self.identity { number } else { fields.identity };
            }
            return Ok(after);
        }
        // Not an object: the slot keeps the value, the struct will be null, and `extra` gives the value back.
        let value = json::value(text, at)?;
        fields.misfits |= 1 << top;
        fields.set(slot, value);
        Ok(value.end)
    }

    fn unknown(&self, shape: usize, key: Value, value: Value, fields: &mut Fields) -> Result<(), JsonError> {
        if shape != 0 {
            let top = self.layout.slots[self.shapes[shape].first - 1].top;
            fields.misfits |= 1 << top;
        } else if fields.unknown.len() < MAX_UNKNOWN {
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
