//! The `extra` column: what the other columns do not give back exactly, as JSON text.

use crate::json;
use crate::record::{Fields, Layout};
use crate::schema::COLUMNS;

/// The object of a row: fields that the table does not name, and those whose column (a bit of `misfits`) does not give
/// them back.
#[cold]
pub(super) fn write(layout: &Layout, text: &str, fields: &Fields, misfits: u64) -> String {
    let mut out = String::from("{");
    let mut first = true;
    let mut comma = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
    };
    for (slot, value) in fields.present_in(layout.tops) {
        let top = layout.slots[slot].top;
        if misfits >> top & 1 == 1 {
            comma(&mut out);
            json::quote(COLUMNS[top].json, &mut out);
            out.push(':');
            json::compact(&text[value.start..value.end], &mut out);
        }
    }
    for (key, value) in &fields.unknown {
        comma(&mut out);
        json::compact(&text[key.start..key.end], &mut out);
        out.push(':');
        json::compact(&text[value.start..value.end], &mut out);
    }
    out.push('}');
    out
}
