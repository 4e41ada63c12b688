//! Columns on a screen: how wide text is, cutting, padding, wrapping, and sharing a width among columns.
//!
//! Works on text that went through `escape` already. Knows no Arrow, no colours and no reports.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// Spaces between two columns.
pub(crate) const GAP: usize = 2;

/// A column is never made narrower than this to make room for others.
pub(crate) const COLUMN_WIDTH_MIN: usize = 8;

/// Columns that `text` takes on the screen.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// `text`, or as much of it as fits into `max` columns with a `…` at the end.
pub(crate) fn cut(text: &str, max: usize) -> Cow<'_, str> {
    // No character takes more columns than bytes, so short text needs no counting.
    if text.len() <= max || width(text) <= max {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut out = String::new();
    for c in text.chars() {
        used += char_width(c);
        if used + 1 > max {
            break;
        }
        out.push(c);
    }
    out.push('…');
    Cow::Owned(out)
}

/// `text` filled up with spaces to `to` columns, at its left where `right` is true.
pub(crate) fn pad(text: &str, to: usize, right: bool) -> String {
    let fill = " ".repeat(to.saturating_sub(width(text)));
    if right { fill + text } else { text.to_owned() + &fill }
}

/// Shrinks the widest columns until all fit into `available` columns of the screen, gaps included. A column that is
/// `firm` (a number, a time) is never cut, another never below [`COLUMN_WIDTH_MIN`]; where that is not enough the
/// answer is false, and `widths` are untouched.
pub(crate) fn fit(widths: &mut [usize], firm: &[bool], available: usize) -> bool {
    let room = available.saturating_sub(GAP * widths.len().saturating_sub(1));
    let natural = widths.to_vec();
    let is_firm = |index: usize| firm.get(index).copied().unwrap_or(false);
    let under = |index: usize, limit: usize| if is_firm(index) { natural[index] } else { natural[index].min(limit) };
    let total = |limit: usize| (0..natural.len()).map(|index| under(index, limit)).sum::<usize>();
    if total(usize::MAX) <= room {
        return true;
    }
    let Some(limit) = (COLUMN_WIDTH_MIN..=available).rev().find(|&limit| total(limit) <= room) else {
        return false;
    };
    // What is left over goes to the columns that were cut, first come first served.
    let mut spare = room - total(limit);
    for (index, width) in widths.iter_mut().enumerate() {
        let extra = (natural[index] - under(index, limit)).min(spare);
        *width = under(index, limit) + extra;
        spare -= extra;
    }
    true
}

/// Prose in lines of at most `max` columns, broken at spaces; a word longer than a line stands on its own.
pub(crate) fn wrap(text: &str, max: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && width(&line) + 1 + width(word) > max {
                lines.push(std::mem::take(&mut line));
            } else if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// Text in pieces of at most `max` columns, broken anywhere: for values, where every character counts.
pub(crate) fn pieces(text: &str, max: usize) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut from, mut used) = (0, 0);
    for (at, c) in text.char_indices() {
        if used + char_width(c) > max && at > from {
            out.push(&text[from..at]);
            (from, used) = (at, 0);
        }
        used += char_width(c);
    }
    out.push(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wide_and_combining_characters_count_as_they_show() {
        assert_eq!(width("日本"), 4);
        assert_eq!(width("e\u{301}"), 1);
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
    }

    #[test]
    fn the_widest_column_gives_way() {
        let mut widths = [10, 200, 12];
        assert!(fit(&mut widths, &[], 80));
        assert_eq!(widths, [10, 54, 12]);
        assert!(!fit(&mut [20; 12], &[], 80));
    }

    #[test]
    fn a_firm_column_is_never_cut() {
        let mut widths = [30, 40, 20];
        assert!(fit(&mut widths, &[false, false, true], 60));
        assert_eq!(widths, [18, 18, 20]);
        assert!(!fit(&mut widths, &[true, true, true], 59));
    }

    #[test]
    fn prose_breaks_at_spaces() {
        assert_eq!(wrap("one two  three\nfour", 8), ["one two", "three", "four"]);
    }

    #[test]
    fn pieces_give_the_text_back() {
        assert_eq!(pieces("日本語x", 4), ["日本", "語x"]);
        assert_eq!(pieces("", 4), [""]);
    }

    proptest! {
        #[test]
        fn columns_fit_when_fit_says_so(mut widths in prop::collection::vec(0usize..300, 1..20), available in 20usize..250) {
            let natural = widths.clone();
            let fits = fit(&mut widths, &[false, true], available);
            let total = widths.iter().sum::<usize>() + GAP * (widths.len() - 1);
            prop_assert!(!fits || total <= available);
            prop_assert!(fits || widths == natural);
            prop_assert_eq!(widths.get(1), natural.get(1));
            prop_assert!(widths.iter().zip(&natural).all(|(now, then)| now <= then && *now >= (*then).min(COLUMN_WIDTH_MIN)));
        }

        #[test]
        fn cut_text_fits(text in any::<String>(), max in 1usize..50) {
            prop_assert!(width(&cut(&text, max)) <= max);
            prop_assert_eq!(pieces(&text, max).concat(), text);
        }
    }
}
