//! The columns of a row that are in no struct and no run: each kind in a loop of its own.
//!
//! A row fills a dozen of them. Told apart one by one, in the order of the table, each would be a call and a jump that a
//! processor cannot guess. What is not in its usual form goes to [`fill`], which knows all forms.

use super::Builder;
use super::fill::fill;
use crate::json::{Form, Value};
use crate::record::{Fields, Layout};

/// Bits of the slots of those columns, by kind.
#[derive(Debug)]
pub(super) struct Singles {
    texts: u128,
    jsons: u128,
    codes: u128,
    others: u128,
}

impl Singles {
    /// Tells the columns of `slots` apart.
    pub(super) fn new(builders: &[Builder], slots: u128) -> Self {
        let of = |kind: fn(&Builder) -> bool| {
            let is_one = |slot: &usize| slots >> slot & 1 == 1 && kind(&builders[*slot]);
            (0..builders.len()).filter(is_one).map(|slot| 1u128 << slot).sum::<u128>()
        };
        let texts = of(|builder| matches!(builder, Builder::Text(_)));
        let jsons = of(|builder| matches!(builder, Builder::Json(_)));
        let codes = of(|builder| matches!(builder, Builder::Dictionary(_)));
        Singles { texts, jsons, codes, others: slots & !texts & !jsons & !codes }
    }

    /// Puts the values of a row into those columns; gives the bits of the columns that do not give them back exactly.
    #[inline]
    pub(super) fn fill(
        &self,
        builders: &mut [Builder],
        layout: &Layout,
        row: usize,
        text: &str,
        fields: &Fields,
    ) -> u64 {
        let mut misfits = 0;
        for (slot, value) in fields.read_in(self.texts) {
            match &mut builders[slot] {
                Builder::Text(out) if value.form == Form::Plain => out.push(row, text, value.start + 1..value.end - 1),
                builder => misfits |= odd(builder, layout, slot, row, text, value),
            }
        }
        for (slot, value) in fields.read_in(self.jsons) {
            match &mut builders[slot] {
                Builder::Json(out) if !matches!(value.form, Form::Spaced | Form::Escaped) => {
                    out.push(row, text, value.start..value.end);
                }
                builder => misfits |= odd(builder, layout, slot, row, text, value),
            }
        }
        for (slot, value) in fields.read_in(self.codes) {
            match &mut builders[slot] {
                Builder::Dictionary(out) if value.form == Form::Plain => {
                    let code = out.code(&text[value.start + 1..value.end - 1]);
                    out.set(row, code);
                }
                builder => misfits |= odd(builder, layout, slot, row, text, value),
            }
        }
        for (slot, value) in fields.read_in(self.others) {
            match (&mut builders[slot], value.form) {
                (Builder::Times(out), Form::Plain) => {
                    let exact = out.push(row, &text[value.start + 1..value.end - 1]);
                    misfits |= u64::from(!exact) << layout.slots[slot].top;
                }
                (Builder::Boolean(out), Form::True) => out.push(row, true),
                (Builder::Boolean(out), Form::False) => out.push(row, false),
                (builder, _) => misfits |= odd(builder, layout, slot, row, text, value),
            }
        }
        misfits
    }
}

/// A value that is not in its column's usual form; gives the column's bit, if it does not give the value back exactly.
#[inline(never)]
fn odd(builder: &mut Builder, layout: &Layout, slot: usize, row: usize, text: &str, value: Value) -> u64 {
    u64::from(!fill(builder, row, text, value)) << layout.slots[slot].top
}
