//! One value of a record into its column, in whatever form the record has it.
//!
//! Every function says whether the column gives the value back exactly; what it does not goes to `extra`.

use super::Builder;
use super::dictionary::Dictionary;
use super::scalar::Boolean;
use super::text::Text;
use crate::json::{self, Form, Value};

/// Puts a value into its column. False if the column does not give it back exactly.
#[inline(never)]
pub(super) fn fill(builder: &mut Builder, row: usize, text: &str, value: Value) -> bool {
    match builder {
        Builder::Text(out) => fill_text(out, row, text, value),
        Builder::Json(out) => fill_json(out, row, text, value),
        Builder::Dictionary(out) => {
            if value.form != Form::Plain {
                return fill_odd(out, row, text, value);
            }
            let code = out.code(&text[value.start + 1..value.end - 1]);
            out.set(row, code);
            true
        }
        Builder::Boolean(out) => match value.form {
            Form::True | Form::False => {
                out.push(row, value.form == Form::True);
                true
            }
            _ => fill_word(out, row, &text[value.start..value.end]),
        },
        Builder::Times(out) => value.form == Form::Plain && out.push(row, &text[value.start + 1..value.end - 1]),
        Builder::Struct(mask) => {
            let object = text.as_bytes()[value.start] == b'{';
            if object {
                mask.mark(row);
            }
            object
        }
        // Filled by their owner, who knows what repeats, and what was read already.
        Builder::List(_) | Builder::Repeats(_) => false,
    }
}

/// Some services write a boolean as a string: it is read, and the string kept in `extra`.
#[cold]
fn fill_word(out: &mut Boolean, row: usize, raw: &str) -> bool {
    match raw {
        "\"true\"" | "\"True\"" => out.push(row, true),
        "\"false\"" | "\"False\"" => out.push(row, false),
        _ => {}
    }
    false
}

/// Puts a value into a text column.
#[inline]
pub(super) fn fill_text(out: &mut Text, row: usize, text: &str, value: Value) -> bool {
    if value.form == Form::Plain {
        out.push(row, text, value.start + 1..value.end - 1);
        return true;
    }
    let (kept, fits) = odd_text(text, value);
    if let Some(kept) = kept {
        out.push_str(row, &kept);
    }
    fits
}

#[inline]
fn fill_json(out: &mut Text, row: usize, text: &str, value: Value) -> bool {
    match value.form {
        Form::Spaced | Form::Escaped => out.push_str(row, &compacted(text, value)),
        _ => out.push(row, text, value.start..value.end),
    }
    true
}

#[cold]
fn fill_odd(out: &mut Dictionary, row: usize, text: &str, value: Value) -> bool {
    let (kept, fits) = odd_text(text, value);
    if let Some(kept) = kept {
        let code = out.code(&kept);
        out.set(row, code);
    }
    fits
}

/// What a text column holds of a value that is no plain string, and whether that gives the value back exactly.
#[cold]
fn odd_text(text: &str, value: Value) -> (Option<String>, bool) {
    match value.form {
        Form::Escaped => {
            let mut out = String::new();
            let readable = json::unescape(&text[value.start + 1..value.end - 1], &mut out);
            (readable.then_some(out), readable)
        }
        Form::Null => (None, false),
        Form::Spaced => (Some(compacted(text, value)), false),
        _ => (Some(text[value.start..value.end].to_owned()), false),
    }
}

#[cold]
fn compacted(text: &str, value: Value) -> String {
    let mut out = String::with_capacity(value.end - value.start);
    json::compact(&text[value.start..value.end], &mut out);
    out
}
