//! Objects and lists as one value: checked to their end, token by token, and nothing kept of them.

use super::{Checked, Fault, Form, MAX_DEPTH, Value, fault, is_space, key, next_token, special, string_end, value};

/// Checks the object or list at `start` without recursion: one bit a level says which of the two is open.
pub(super) fn nested(text: &[u8], start: usize) -> Checked<Value> {
    let mut objects: u128 = 0;
    let mut depth: u32 = 0;
    let mut at = start;
    let mut spaced = false;
    // Each turn of the loop reads one value; the inner part closes what ends after it.
    loop {
        match text.get(at) {
            Some(b'{') | Some(b'[') => {
                if depth == MAX_DEPTH {
                    return fault(Fault::TooDeep, at);
                }
                let object = text[at] == b'{';
                objects = (objects << 1) | u128::from(object);
                depth += 1;
                at = next_token(text, at + 1, &mut spaced);
                let close = if object { b'}' } else { b']' };
                if text.get(at) != Some(&close) {
                    if object {
                        at = key_end(text, at, &mut spaced)?;
                    }
                    continue;
                }
                // An empty one: its close is read below, like any other.
            }
            Some(b'"') => {
                let (close, form) = string_end(text, at + 1)?;
                spaced |= form == Form::Escaped && text[at..close].iter().any(|b| *b < 0x20);
                at = next_token(text, close + 1, &mut spaced);
            }
            _ => {
                let scalar = value(text, at)?;
                at = next_token(text, scalar.end, &mut spaced);
            }
        }
        loop {
            let in_object = objects & 1 == 1;
            match text.get(at) {
                Some(b',') => {
                    at = next_token(text, at + 1, &mut spaced);
                    if in_object {
                        at = key_end(text, at, &mut spaced)?;
                    }
                    break;
                }
                Some(b'}') if in_object => {}
                Some(b']') if !in_object => {}
                Some(_) => return fault(Fault::Unexpected, at),
                None => return fault(Fault::Truncated, at),
            }
            objects >>= 1;
            depth -= 1;
            if depth == 0 {
                let form = if spaced { Form::Spaced } else { Form::Nested };
                return Ok(Value { start, end: at + 1, form });
            }
            at = next_token(text, at + 1, &mut spaced);
        }
    }
}

/// Reads `"key" :` and gives the position of the value.
#[inline]
fn key_end(text: &[u8], at: usize, spaced: &mut bool) -> Checked<usize> {
    if text.get(at) == Some(&b'"') {
        // Nearly every key: plain, and nothing between it and its value.
        let close = special::next(text, at + 1);
        if let Some([b'"', b':', first]) = text.get(close..close + 3)
            && !is_space(*first)
        {
            return Ok(close + 2);
        }
    }
    odd_key_end(text, at, spaced)
}

#[inline(never)]
fn odd_key_end(text: &[u8], at: usize, spaced: &mut bool) -> Checked<usize> {
    let (key, value_at, key_spaced) = key(text, at)?;
    *spaced |= key_spaced || (key.form == Form::Escaped && text[key.start..key.end].iter().any(|b| *b < 0x20));
    Ok(value_at)
}
