//! Records to a `RecordBatch`: one builder a slot of the table, filled in one walk over a record's fields.
//!
//! What a column cannot give back exactly (a field that the table does not name, a value of another type than the
//! column's, a lone surrogate) also goes to `extra` as JSON text, so that no record loses anything. This room knows
//! the table and the text of one record at a time; where the record came from is only a name to it.

mod bits;
mod builder;
mod derived;
mod dictionary;
mod extra;
mod fill;
mod list;
mod nothing;
mod records;
mod repeats;
mod scalar;
mod singles;
mod text;
pub(crate) mod time;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StructArray};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::json::Value;
use crate::record::{Fields, Layout, Run};
use crate::schema::{self, COLUMNS};
use builder::{Builder, finish, gather};
use derived::Derived;
use fill::fill;
use nothing::Nothing;
pub use records::batch_from_json;
use repeats::{Repeats, Spread};
use singles::Singles;
use text::Text;

/// Collects rows until [`Rows::finish`] makes a batch of them. Reused from batch to batch.
#[derive(Debug)]
pub struct Rows {
    layout: Layout,
    builders: Vec<Builder>,
    /// Rows of the columns of each run of the layout.
    runs: Vec<(Run, Repeats)>,
    /// Bits of the slots that are struct columns.
    structs: u128,
    /// Slot of `resources`.
    resources: usize,
    /// The other columns, in no run.
    singles: Singles,
    derived: Derived,
    extra: Text,
    nothing: Nothing,
    rows: usize,
    bytes: usize,
}

impl Rows {
    /// An empty collection.
    pub fn new() -> Self {
        let layout = Layout::new();
        let builders: Vec<Builder> = layout.slots.iter().map(|slot| Builder::new(slot.column, slot.is_top())).collect();
        let derived = Derived::new(&layout);
        let runs: Vec<_> = layout.runs.iter().map(|run| (*run, Repeats::new())).collect();
        let is_struct = |slot: &usize| matches!(builders[*slot], Builder::Repeats(_));
        let structs: u128 = (0..layout.slots.len()).filter(is_struct).map(|slot| 1u128 << slot).sum();
        // A path that the schema lacks would be a slip in this file, which the tests catch.
        let resources = layout.slot("resources").unwrap_or(0);
        let others = layout.tops & !structs & !(1 << resources);
        let singles = Singles::new(&builders, runs.iter().fold(others, |slots, (run, _)| slots & !run.mask));
        Rows {
            layout,
            builders,
            runs,
            structs,
            resources,
            singles,
            derived,
            extra: Text::new(),
            nothing: Nothing::default(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Rows collected so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// True before the first row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Bytes of record text collected so far: what the batch will hold, roughly.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Names the object that the next records come from.
    pub fn start(&mut self, source: &str) {
        self.derived.start(source);
    }

    /// Appends the record that `fields` was scanned from.
    pub fn push(&mut self, text: &str, fields: &Fields) {
        let row = self.rows;
        let mut misfits = fields.misfits;
        for (run, repeats) in &mut self.runs {
            if !fields.has_any(run.mask) {
                continue;
            }
            let number = fields.number(run.first);
            let entry = match repeats.entry(number) {
                Some(entry) => entry,
                None => {
                    let entry = repeats.add(number);
                    let columns = fill_all(&self.layout, &mut self.builders, 0, run.mask, entry, text, fields);
                    repeats.mark_misfit(entry, columns);
                    entry
                }
            };
            misfits |= repeats.set(row, entry);
        }
        for slot in fields.slots_in(self.structs) {
            misfits |= self.structure(row, slot, text, fields);
        }
        if let Some(value) = fields.get(self.resources) {
            misfits |= self.list(row, text, fields, value);
        }
        misfits |= self.singles.fill(&mut self.builders, &self.layout, row, text, fields);
        self.derived.push(row, text, fields);
        if misfits != 0 || !fields.unknown.is_empty() {
            self.extra.push_str(row, &extra::write(&self.layout, text, fields, misfits));
        }
        self.rows += 1;
        self.bytes += text.len();
    }

    /// A struct column: its fields are filled where the batch has not seen its text. Gives the column's bit, if the
    /// fields do not give the value back exactly.
    #[inline]
    fn structure(&mut self, row: usize, slot: usize, text: &str, fields: &Fields) -> u64 {
        let (builder, children) = self.builders[slot..].split_at_mut(1);
        let [Builder::Repeats(repeats)] = builder else { return 0 };
        let number = fields.number(slot);
        if let Some(entry) = repeats.entry(number) {
            return repeats.set(row, entry);
        }
        if fields.get(slot).is_none_or(|value| text.as_bytes()[value.start] != b'{') {
            return 1 << self.layout.slots[slot].top;
        }
        let entry = repeats.add(number);
        let inside = self.layout.inside(slot);
        let columns = fill_all(&self.layout, children, slot + 1, inside, entry, text, fields);
        repeats.mark_misfit(entry, columns);
        if slot == self.derived.identity_slot() {
            self.derived.identity(entry, text, fields);
        }
        repeats.set(row, entry)
    }

    /// `resources`. Gives the column's bit, if it does not give the value back exactly.
    #[inline]
    fn list(&mut self, row: usize, text: &str, fields: &Fields, value: Value) -> u64 {
        let fits = match (&mut self.builders[self.resources], fields.resources()) {
            (Builder::List(list), Some(elements)) => {
                list.push_elements(row, text, elements);
                true
            }
            (Builder::List(list), None) => list.push(row, text, value),
            _ => false,
        };
        u64::from(!fits) << self.layout.slots[self.resources].top
    }

    /// The batch of the rows so far, in the order they were pushed.
    ///
    /// # Errors
    /// Arrow's, if a column is not what its type says: a bug, never input.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        self.nothing.resize(rows);
        let spreads: Vec<(Run, Spread)> =
            self.runs.iter_mut().map(|(run, repeats)| (*run, repeats.finish(rows))).collect();
        let spread_of =
            |slot: usize| spreads.iter().find(|(run, _)| run.mask >> slot & 1 == 1).map(|(_, spread)| spread);
        self.derived.calls(rows, &self.builders, spread_of);
        let schema = schema::event_schema();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(COLUMNS.len());
        let mut days = None;
        let mut slot = 0;
        while slot < self.layout.slots.len() {
            columns.push(match &mut self.builders[slot] {
                builder if builder.is_empty() => self.nothing.of(schema.field(self.layout.slots[slot].top).data_type()),
                Builder::Times(times) => {
                    let [times, of_times] = times.finish(rows)?;
                    days.get_or_insert(of_times);
                    times
                }
                Builder::Repeats(repeats) => {
                    let spread = repeats.finish(rows);
                    if slot == self.derived.identity_slot() {
                        self.derived.spread(&spread)?;
                    }
                    let kind = schema.field(self.layout.slots[slot].top).data_type();
                    self.spread(slot, kind, &spread)?
                }
                builder => match spread_of(slot) {
                    Some(spread) => gather(builder, spread)?,
                    None => finish(builder, rows)?,
                },
            });
            slot = self.layout.slots[slot].end;
        }
        columns.push(match self.extra.is_empty() {
            true => self.nothing.of(&DataType::Utf8),
            false => self.extra.finish(rows)?,
        });
        columns.extend(days);
        self.derived.finish(rows, &mut columns)?;
        RecordBatch::try_new(schema, columns)
    }

    /// The column of a struct, or of something in one, from the entries of its rows.
    fn spread(&mut self, slot: usize, kind: &DataType, spread: &Spread) -> Result<ArrayRef, ArrowError> {
        if spread.is_empty() || self.builders[slot].is_empty() {
            return Ok(self.nothing.of(kind));
        }
        let DataType::Struct(fields) = kind else {
            return gather(&mut self.builders[slot], spread);
        };
        let mut children = Vec::with_capacity(fields.len());
        let mut child = slot + 1;
        for field in fields {
            children.push(self.spread(child, field.data_type(), spread)?);
            child = self.layout.slots[child].end;
        }
        let nulls = match &mut self.builders[slot] {
            Builder::Struct(mask) => spread.nulls_of(mask),
            _ => spread.nulls(),
        };
        let rows = spread.rows();
        Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), children, nulls, rows)?))
    }
}

/// Puts the values of `mask` into their columns; gives the bits of the columns that do not give them back exactly.
/// `builders` begin with the one of slot `first`.
#[inline(never)]
fn fill_all(
    layout: &Layout,
    builders: &mut [Builder],
    first: usize,
    mask: u128,
    row: usize,
    text: &str,
    fields: &Fields,
) -> u64 {
    let mut misfits = 0;
    for (slot, value) in fields.present_in(mask) {
        if !fill(&mut builders[slot - first], row, text, value) {
            misfits |= 1 << layout.slots[slot].top;
        }
    }
    misfits
}

impl Default for Rows {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
