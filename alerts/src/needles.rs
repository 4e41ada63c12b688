//! Many texts looked for at once: one pass over the text, however many there are.
//!
//! Knows text and no fields.

use aho_corasick::{AhoCorasick, MatchKind};

/// Texts of which one must stand somewhere, in any case.
#[derive(Clone)]
pub(crate) struct Needles {
    /// Lower case, in order.
    texts: Vec<String>,
    search: AhoCorasick,
}

impl std::fmt::Debug for Needles {
    /// What is looked for; how is the same for equal texts.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Needles").field(&self.texts).finish()
    }
}

impl Needles {
    /// Texts in lower case. `None` if there are too many to search for at once.
    pub(crate) fn new(mut texts: Vec<String>) -> Option<Needles> {
        texts.sort_unstable();
        texts.dedup();
        let mut builder = AhoCorasick::builder();
        let search = builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(&texts).ok()?;
        Some(Needles { texts, search })
    }

    /// Whether one of them stands in the text.
    pub(crate) fn stand_in(&self, text: &str) -> bool {
        if text.is_ascii() { self.search.is_match(text) } else { self.search.is_match(&text.to_lowercase()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::test::{Shape, TextTest};
    use proptest::prelude::*;

    proptest! {
        /// The same as looking for each.
        #[test]
        fn all_at_once_is_each_by_itself(texts in prop::collection::vec("[aAbBéÉİ]{0,3}", 1..6), text in "[aAbBcéÉİ]{0,12}") {
            let each = texts.iter().any(|needle| TextTest::new(Shape::Contains, false, needle).passes(&text));
            let needles = Needles::new(texts.iter().map(|text| text.to_lowercase()).collect()).unwrap();
            prop_assert_eq!(needles.stand_in(&text), each);
        }
    }
}
