//! Sigma's regular expressions are PCRE's; what PCRE reads otherwise than our engine is rewritten here.
//!
//! `\w`, `\d`, `\s` and `\b` are of ASCII, as in PCRE unless it is told otherwise (and `\w{64}` of all scripts is too
//! large to run); a `{` that begins no repetition, and a `[` within a class, are themselves; `\<` is a plain sign. What
//! our engine does not have, look-around and back references, it refuses by itself. Knows text only.

use std::iter::Peekable;
use std::str::CharIndices;

/// The expression as our engine reads it.
pub(crate) fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.char_indices().peekable();
    let mut in_class = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => escape(chars.next().map(|(_, c)| c), in_class, &mut out),
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                open_class(&mut chars, &mut out);
            }
            // `[:alpha:]` is a class in both.
            '[' if pattern.get(at..).is_some_and(|rest| rest.starts_with("[:")) => copy_posix(&mut chars, &mut out),
            '[' | '&' | '~' if in_class => out.extend(['\\', c]),
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '{' if !in_class && !is_repetition(pattern.get(at + 1..).unwrap_or_default()) => out.push_str("\\{"),
            c => out.push(c),
        }
    }
    out
}

/// A `^` and a `]` at the beginning of a class belong to it.
fn open_class(chars: &mut Peekable<CharIndices<'_>>, out: &mut String) {
    if chars.next_if(|(_, c)| *c == '^').is_some() {
        out.push('^');
    }
    if chars.next_if(|(_, c)| *c == ']').is_some() {
        out.push_str("\\]");
    }
}

/// Copies `[:name:]`, whose bracket is open.
fn copy_posix(chars: &mut Peekable<CharIndices<'_>>, out: &mut String) {
    out.push('[');
    for (_, c) in chars.by_ref() {
        out.push(c);
        if c == ']' {
            return;
        }
    }
}

fn escape(escaped: Option<char>, in_class: bool, out: &mut String) {
    let class = match escaped {
        Some('w') => "0-9A-Za-z_",
        Some('d') => "0-9",
        Some('s') => r"\t\n\x0B\x0C\r ",
        Some('h') => r"\t ",
        Some('W') => "^0-9A-Za-z_",
        Some('D') => "^0-9",
        Some('S') => r"^\t\n\x0B\x0C\r ",
        Some('H') => r"^\t ",
        Some('b') if !in_class => return out.push_str(r"(?-u:\b)"),
        Some('Z') => return out.push_str(r"\z"),
        Some(c @ ('<' | '>')) => return out.push(c),
        Some(c) => return out.extend(['\\', c]),
        None => return out.push('\\'),
    };
    match in_class && !class.starts_with('^') {
        true => out.push_str(class),
        false => {
            out.push('[');
            out.push_str(class);
            out.push(']');
        }
    }
}

/// Whether what follows a `{` makes it `{n}`, `{n,}` or `{n,m}`.
fn is_repetition(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else { return false };
    let (from, to) = inside.split_once(',').unwrap_or((inside, ""));
    !from.is_empty() && from.bytes().chain(to.bytes()).all(|b| b.is_ascii_digit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use regex::Regex;

    #[test]
    fn what_pcre_reads_is_what_is_run() {
        for (pattern, yes, no) in [
            (r"^\w{3}$", "a_1", "äbc"),
            (r"^[\w.-]+$", "a.b-c", "a b"),
            (r"^[^\d]+$", "abc", "a1"),
            (r"^[\D]+$", "abc", "12"),
            (r"\bkey\b", "a key b", "monkey"),
            (r#"{"AWS":"\*"}"#, r#"x{"AWS":"*"}"#, r#"{"AWS":"a"}"#),
            ("^a{2}b{1,}c{0,1}$", "aabb", "abb"),
            ("^[[]x[]]$", "[x]", "x"),
            ("^[a&&b]+$", "a&b", "c"),
            (r"^\<b\>$", "<b>", "b"),
            ("^[[:digit:]]+$", "12", "a"),
            (r"end\Z", "the end", "end x"),
            (r"^\/a\-b\_c$", "/a-b_c", "a-b_c"),
        ] {
            let regex = Regex::new(&translate(pattern)).unwrap_or_else(|e| panic!("{pattern}: {e}"));
            assert!(regex.is_match(yes) && !regex.is_match(no), "{pattern} as {regex}");
        }
        assert!(Regex::new(&translate(r"(a)\1")).is_err() && Regex::new(&translate("(?=a)")).is_err());
    }
}
