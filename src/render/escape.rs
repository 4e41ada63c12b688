//! The one escaper between text that somebody else wrote and a terminal.
//!
//! User agents, error messages, session names and tags are written by whoever makes the request, so a log can
//! carry `ESC ] 0 ; …` to rename a window, `\r` to overwrite a line, or a bidirectional override to show a name
//! backwards. Every character that moves the cursor, changes the terminal, reorders text or takes no room on
//! the screen is shown as a visible escape. Text without such characters is passed on without a copy.
//!
//! [`json_text`] does the same for JSON that is already serialised, by `\uXXXX` escapes: the value a parser reads
//! stays the same, so machine-readable output is always safe to look at. Knows no Arrow and no colours.

use std::borrow::Cow;

use deliver::visible::{escape, must_be_shown};

/// Text for one line of the screen: nothing but visible characters and spaces is left.
pub(crate) use deliver::visible::line;

/// Text for several lines of the screen: newlines stay, everything else as in [`line`].
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c == '\n')
}

/// Text for a file that people open, or show with `cat`: line breaks and tabs stay, everything else that must be shown is
/// `\uXXXX`, so that JSON in it keeps its value.
pub(crate) fn cell(text: &str) -> Cow<'_, str> {
    let is_shown = |c: char| must_be_shown(c) && !matches!(c, '\n' | '\t');
    if !text.chars().any(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_shown(c) {
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Appends serialised JSON to `out` with every dangerous character inside its strings as a `\uXXXX` escape.
///
/// Outside strings JSON is ASCII without control characters other than white space, so the text can be
/// rewritten without parsing it. `serde_json` has escaped U+0000–1F already.
pub(crate) fn json_text(json: &[u8], out: &mut Vec<u8>) {
    if json.iter().all(|&b| b < 0x7f) {
        out.extend_from_slice(json);
        return;
    }
    for chunk in json.utf8_chunks() {
        let text = chunk.valid();
        let mut from = 0;
        for (at, c) in text.char_indices().filter(|&(_, c)| c >= '\u{7f}' && must_be_shown(c)) {
            out.extend_from_slice(&text.as_bytes()[from..at]);
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
            from = at + c.len_utf8();
        }
        out.extend_from_slice(&text.as_bytes()[from..]);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn polyglots_become_visible() {
        for (hostile, shown) in [
            ("\x1b]0;pwn\x07", r"\u{1b}]0;pwn\u{7}"),
            ("\x1b]8;;http://evil\x1b\\aws\x1b]8;;\x1b\\", r"\u{1b}]8;;http://evil\u{1b}\aws\u{1b}]8;;\u{1b}\"),
            ("root\rnobody", r"root\rnobody"),
            ("a\nb\tc", r"a\nb\tc"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("\u{202e}nimda\u{2069}", r"\u{202e}nimda\u{2069}"),
            ("ad\u{200b}min\u{feff}", r"ad\u{200b}min\u{feff}"),
            ("\u{7f}\0", r"\u{7f}\u{0}"),
            ("tag\u{e0041}", r"tag\u{e0041}"),
            ("p\u{2028}q", r"p\u{2028}q"),
        ] {
            assert_eq!(line(hostile), shown);
        }
    }

    #[test]
    fn plain_text_is_not_copied() {
        for text in ["", "arn:aws:iam::111122223333:user/José 日本 👍", "a \\ b"] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn several_lines_keep_their_newlines_only() {
        assert_eq!(lines("a\nb\r\x1b[2J"), "a\nb\\r\\u{1b}[2J");
    }

    #[test]
    fn a_cell_keeps_its_lines_and_the_value_of_its_json() {
        assert_eq!(cell("a\nb\tc\r\x1b[2J\u{202e}\u{e0041}"), "a\nb\tc\\u000d\\u001b[2J\\u202e\\udb40\\udc41");
        assert!(matches!(cell("José 日本 👍\n"), Cow::Borrowed(_)));
        let json = "{\"key\":\"\u{202e}x\u{7f}\"}";
        let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert!(cell(json) != json && parsed(&cell(json)) == parsed(json));
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"agent": "\u{9b}2J \u{202e}\u{e0041}é\u{7f}", "n": 1});
        let mut out = Vec::new();
        json_text(value.to_string().as_bytes(), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, r#"{"agent":"\u009b2J \u202e\udb40\udc41é\u007f","n":1}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn bytes_that_are_not_utf8_do_not_pass() {
        let mut out = Vec::new();
        json_text(b"\"a\x9b\"", &mut out);
        assert_eq!(out, "\"a\u{fffd}\"".as_bytes());
    }

    proptest! {
        #[test]
        fn nothing_dangerous_is_left(text in any::<String>()) {
            let shown = line(&text);
            prop_assert!(!shown.chars().any(|c| c.is_control() || must_be_shown(c)));
            prop_assert_eq!(line(&shown).into_owned(), shown.clone().into_owned());
        }

        #[test]
        fn json_text_means_the_same(text in any::<String>()) {
            let mut out = Vec::new();
            json_text(serde_json::to_string(&text).unwrap().as_bytes(), &mut out);
            let json = String::from_utf8(out).unwrap();
            prop_assert!(!json.chars().any(must_be_shown));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
