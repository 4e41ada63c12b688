//! Sigma's wildcards: `*` for any text, `?` for any one character.
//!
//! Matched by hand and not by a regular expression, because a rule may list thousands of them: a pattern takes as much
//! memory as its text, and a match one pass; only a part with `?` takes, at worst, its length times that of the text. Knows
//! no fields.

use rsigma_parser::value::{SpecialChar, StringPart};

/// A pattern with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob {
    /// What stands between the stars; `None` is any one character.
    pieces: Vec<Piece>,
}

/// What stands between two stars.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// Its characters; `None` is any one.
    chars: Vec<Option<char>>,
    /// For each character, how many before it are also the beginning of the piece: Knuth, Morris and Pratt's table. Empty
    /// where the piece has a `?`.
    back: Vec<usize>,
}

impl Piece {
    fn new(chars: Vec<Option<char>>) -> Piece {
        let mut back = Vec::new();
        if chars.iter().all(Option::is_some) {
            back = vec![0; chars.len()];
            let mut known = 0;
            for at in 1..chars.len() {
                while known > 0 && chars[at] != chars[known] {
                    known = back[known - 1];
                }
                known += usize::from(chars[at] == chars[known]);
                back[at] = known;
            }
        }
        Piece { chars, back }
    }

    /// Whether it is this text.
    fn is<T: Copy>(&self, text: &[T], read: impl Fn(T) -> char) -> bool {
        self.chars.len() == text.len() && self.chars.iter().zip(text).all(|(p, t)| p.is_none_or(|p| p == read(*t)))
    }

    /// Where it ends first in the text.
    fn end_in<T: Copy>(&self, text: &[T], read: impl Fn(T) -> char) -> Option<usize> {
        if self.back.is_empty() {
            let at = text.windows(self.chars.len().max(1)).position(|part| self.is(part, &read))?;
            return Some(at + self.chars.len());
        }
        let mut known = 0;
        for (at, item) in text.iter().enumerate() {
            let c = Some(read(*item));
            while known > 0 && self.chars.get(known) != Some(&c) {
                known = self.back[known - 1];
            }
            known += usize::from(self.chars.get(known) == Some(&c));
            if known == self.chars.len() {
                return Some(at + 1);
            }
        }
        None
    }
}

impl Glob {
    /// The pattern of `parts`; lower case unless `cased`.
    pub(crate) fn new(parts: &[StringPart], cased: bool) -> Glob {
        let mut pieces: Vec<Vec<Option<char>>> = vec![Vec::new()];
        for part in parts {
            match (part, pieces.last_mut()) {
                (StringPart::Special(SpecialChar::WildcardMulti), _) => pieces.push(Vec::new()),
                (StringPart::Special(SpecialChar::WildcardSingle), Some(piece)) => piece.push(None),
                (StringPart::Plain(text), Some(piece)) if cased => piece.extend(text.chars().map(Some)),
                (StringPart::Plain(text), Some(piece)) => piece.extend(text.to_lowercase().chars().map(Some)),
                (_, None) => {}
            }
        }
        Glob { pieces: pieces.into_iter().map(Piece::new).collect() }
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
        let (first, rest) = match self.pieces.split_first() {
            Some(split) => split,
            None => return text.is_empty(),
        };
        let Some((last, middle)) = rest.split_last() else { return first.is(text, &read) };
        if text.len() < first.chars.len() + last.chars.len() {
            return false;
        }
        let (start, text) = text.split_at(first.chars.len());
        let (mut text, end) = text.split_at(text.len() - last.chars.len());
        if !first.is(start, &read) || !last.is(end, &read) {
            return false;
        }
        // The leftmost place of each piece leaves the most for those behind it.
        for piece in middle.iter().filter(|piece| !piece.chars.is_empty()) {
            match piece.end_in(text, &read) {
                Some(at) => text = &text[at..],
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
