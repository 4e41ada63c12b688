//! Text that somebody else wrote, made safe for people to look at, and cut to what a sink takes.
//!
//! An attacker writes user agents, session names and error messages. What reorders or hides text is shown as an escape,
//! so that a name cannot pass for another; each sink then escapes its own markup in `payload`.

use std::borrow::Cow;
use std::fmt::Write;

/// Text on one line with nothing in it that a reader cannot see: control, bidirectional and invisible characters
/// become `\n`, `\t`, `\u{…}`.
pub fn line(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// [`line`], but for the characters to `keep`.
pub fn escape(text: &str, keep: fn(char) -> bool) -> Cow<'_, str> {
    let dangerous = |c: char| must_be_shown(c) && !keep(c);
    let Some(first) = text.find(dangerous) else {
        return Cow::Borrowed(text);
    };
    let (clean, rest) = text.split_at(first);
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(clean);
    for c in rest.chars() {
        match c {
            c if !dangerous(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    Cow::Owned(out)
}

/// JSON with every such character inside its strings as a `\uXXXX` escape: equal when parsed, safe when looked at.
/// `serde_json` has escaped U+0000–1F already.
pub(crate) fn json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c >= '\u{7f}' && must_be_shown(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// At most `most` characters; what is cut ends in `…`.
pub(crate) fn clip(text: &str, most: usize) -> String {
    let Some((at, _)) = text.char_indices().nth(most) else {
        return text.to_owned();
    };
    let cut = text.get(..at).unwrap_or_default();
    let shorter = cut.char_indices().next_back().map_or(0, |(last, _)| last);
    format!("{}…", cut.get(..shorter).unwrap_or_default())
}

/// At most `most` bytes, cut between characters; what is cut ends in `…`.
pub(crate) fn clip_bytes(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub('…'.len_utf8());
    let end = (0..=room).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// True for a character that a screen acts on, or that a reader cannot see: Unicode 16 categories Cc, Cf, Zl and Zp,
/// and the property `Default_Ignorable_Code_Point`.
pub fn must_be_shown(c: char) -> bool {
    if c < '\u{ad}' {
        return c.is_control();
    }
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_hides_is_shown() {
        assert_eq!(line("\u{202e}nimda\r\nx\u{200b}"), r"\u{202e}nimda\r\nx\u{200b}");
        assert!(matches!(line("plain é 日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn cutting_keeps_to_the_limit() {
        assert_eq!(clip("日本語", 3), "日本語");
        assert_eq!(clip("日本語文", 3), "日本…");
        assert_eq!(clip("ab", 0), "…");
        assert_eq!(clip_bytes("日本語", 9), "日本語");
        assert_eq!(clip_bytes("日本語", 8), "日…");
        assert_eq!(clip_bytes("abc", 2), "…");
    }

    proptest! {
        #[test]
        fn json_means_the_same(text in any::<String>()) {
            let safe = json(&serde_json::to_string(&text).unwrap());
            prop_assert!(!safe.chars().any(must_be_shown));
            prop_assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
        }

        #[test]
        fn limits_hold(text in any::<String>(), most in 3_usize..40) {
            prop_assert!(clip(&text, most).chars().count() <= most);
            prop_assert!(clip_bytes(&text, most).len() <= most);
            prop_assert!(!line(&text).chars().any(must_be_shown));
        }
    }
}
