//! Sigma's wildcards: `*` for any text, `?` for any one character.
//!
//! Matched by hand and not by a regular expression, because a rule may list thousands of them: a pattern takes as much
//! memory as its text, and a match takes at worst the product of both lengths, in practice one pass. Knows no fields.

use rsigma_parser::value::{SpecialChar, StringPart};

/// A pattern with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob {
    /// What stands between the stars; `None` is any one character.
    pieces: Vec<Vec<Option<char>>>,
}

impl Glob {
    /// The pattern of `parts`; lower case unless `cased`.
    pub(crate) fn new(parts: &[StringPart], cased: bool) -> Glob {
        let mut pieces = vec![Vec::new()];
        for part in parts {
            match (part, pieces.last_mut()) {
                (StringPart::Special(SpecialChar::WildcardMulti), _) => pieces.push(Vec::new()),
                (StringPart::Special(SpecialChar::WildcardSingle), Some(piece)) => piece.push(None),
                (StringPart::Plain(text), Some(piece)) if cased => piece.extend(text.chars().map(Some)),
                (StringPart::Plain(text), Some(piece)) => piece.extend(text.to_lowercase().chars().map(Some)),
                (_, None) => {}
            }
        }
        Glob { pieces }
    }

    /// Whether the whole text fits.
    pub(crate) fn fits(&self, text: &str, cased: bool) -> bool {
        match (text.is_ascii(), cased) {
            (true, true) => self.fits_all(text.as_bytes(), char::from),
            (true, false) => self.fits_all(text.as_bytes(), |byte| char::from(byte.to_ascii_lowercase())),
            (false, true) => self.fits_all(&text.chars().collect::<Vec<_>>(), |c| c),
            (false, false) => self.fits_all(&text.to_lowercase().chars().collect::<Vec<_>>(), |c| c),
        }
    }

    fn fits_all<T: Copy>(&self, text: &[T], read: impl Fn(T) -> char) -> bool {
        let here = |piece: &[Option<char>], part: &[T]| {
            piece.len() == part.len() && piece.iter().zip(part).all(|(p, t)| p.is_none_or(|p| p == read(*t)))
        };
        let (first, rest) = match self.pieces.split_first() {
            Some(split) => split,
            None => return text.is_empty(),
        };
        let Some((last, middle)) = rest.split_last() else { return here(first, text) };
        if text.len() < first.len() + last.len() {
            return false;
        }
        let (start, text) = text.split_at(first.len());
        let (mut text, end) = text.split_at(text.len() - last.len());
        if !here(first, start) || !here(last, end) {
            return false;
        }
        // The leftmost place of each piece leaves the most for those behind it.
        for piece in middle.iter().filter(|piece| !piece.is_empty()) {
            match text.windows(piece.len()).position(|part| here(piece, part)) {
                Some(at) => text = &text[at + piece.len()..],
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rsigma_parser::SigmaString;

    fn fits(pattern: &str, text: &str, cased: bool) -> bool {
        Glob::new(&SigmaString::new(pattern).parts, cased).fits(text, cased)
    }

    #[test]
    fn wildcards_mean_what_they_say() {
        for (pattern, text) in [
            ("*", ""),
            ("a*c", "ABC"),
            ("a?c", "abc"),
            ("*b*", "abc"),
            ("Ä?l*", "äpl"),
            ("a\\*", "a*"),
            ("??", "é!"),
            ("a*a", "aa"),
        ] {
            assert!(fits(pattern, text, false), "{pattern} {text}");
        }
        for (pattern, text) in
            [("?", ""), ("a*a", "a"), ("a?c", "ac"), ("a\\*", "ab"), ("ab*bc", "abc"), ("*x*", "abc")]
        {
            assert!(!fits(pattern, text, false), "{pattern} {text}");
        }
        assert!(fits("A*", "AB", true) && !fits("A*", "ab", true));
    }

    proptest! {
        /// The same as the regular expression that says the same.
        #[test]
        fn a_glob_is_its_regular_expression(pattern in "[aAbé*?]{0,8}", text in "[aAbBéÉ]{0,10}", cased in any::<bool>()) {
            let mut regex = String::from(if cased { "(?s)^" } else { "(?is)^" });
            pattern.chars().for_each(|c| match c {
                '*' => regex.push_str(".*"),
                '?' => regex.push('.'),
                c => regex.push(c),
            });
            regex.push('$');
            prop_assert_eq!(fits(&pattern, &text, cased), regex::Regex::new(&regex).unwrap().is_match(&text));
        }
    }
}
