//! JSON text to text and back: escapes resolved, white space taken out, strings quoted.

use super::is_space;

/// Appends the text of a string (the part between its quotes) with escapes resolved. False, and nothing
/// appended, if it holds a lone surrogate: such a string has no Unicode text.
pub fn unescape(raw: &str, out: &mut String) -> bool {
    let before = out.len();
    let mut rest = raw;
    while let Some(backslash) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..backslash]);
        let escape = rest.as_bytes().get(backslash + 1).copied().unwrap_or(b'\\');
        let mut used = backslash + 2;
        match escape {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => match unicode_escape(rest, backslash) {
                Some((character, length)) => {
                    out.push(character);
                    used = backslash + length;
                }
                None => {
                    out.truncate(before);
                    return false;
                }
            },
            other => out.push(other as char),
        }
        rest = rest.get(used..).unwrap_or("");
    }
    out.push_str(rest);
    true
}

fn hex4(text: &str, at: usize) -> Option<u32> {
    u32::from_str_radix(text.get(at..at + 4)?, 16).ok()
}

/// The character of the `\uXXXX` escape (or surrogate pair) at `at`, and its length in the text.
fn unicode_escape(text: &str, at: usize) -> Option<(char, usize)> {
    let high = hex4(text, at + 2)?;
    if !(0xD800..0xDC00).contains(&high) {
        return char::from_u32(high).map(|c| (c, 6));
    }
    if text.get(at + 6..at + 8) != Some("\\u") {
        return None;
    }
    let low = hex4(text, at + 8)?;
    if !(0xDC00..0xE000).contains(&low) {
        return None;
    }
    char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).map(|c| (c, 12))
}

/// Appends a checked value without the white space between its tokens, and with raw control characters escaped.
pub fn compact(raw: &str, out: &mut String) {
    let mut in_string = false;
    let mut escaped = false;
    let mut run = 0;
    for (at, byte) in raw.bytes().enumerate() {
        if in_string {
            if byte < 0x20 {
                out.push_str(&raw[run..at]);
                escape_control(byte, out);
                run = at + 1;
            }
            if escaped {
                escaped = false;
            } else if byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                in_string = false;
            }
        } else if is_space(byte) {
            out.push_str(&raw[run..at]);
            run = at + 1;
        } else if byte == b'"' {
            in_string = true;
        }
    }
    out.push_str(&raw[run..]);
}

fn escape_control(byte: u8, out: &mut String) {
    use std::fmt::Write;
    match byte {
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        // Writing to a String cannot fail.
        _ => drop(write!(out, "\\u{byte:04x}")),
    }
}

/// Appends `text` as a JSON string, quotes included.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut run = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            out.push_str(&text[run..at]);
            if byte < 0x20 {
                escape_control(byte, out);
            } else {
                out.push('\\');
                out.push(byte as char);
            }
            run = at + 1;
        }
    }
    out.push_str(&text[run..]);
    out.push('"');
}
