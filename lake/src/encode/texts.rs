//! Texts of a column while they come, where the batches have them: distinct ones with their codes, or all of them.
//!
//! Knows texts only.

use std::collections::HashMap;

/// Bytes before a text in a page: its length.
const PREFIX_BYTES: usize = 4;

/// Texts that are remembered as recent.
const PLACES: usize = 32;

/// Distinct texts, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Texts<'a> {
    codes: HashMap<&'a [u8], u32, ahash::RandomState>,
    pub(super) all: Vec<&'a [u8]>,
    /// Codes of texts that came lately, by their lengths and ends.
    lately: Box<[u32; PLACES]>,
}

impl<'a> Texts<'a> {
    /// Code of a text. The same few texts come again and again: they are found without hashing.
    pub(super) fn code(&mut self, text: &'a [u8]) -> u32 {
        let end = text.last_chunk().map_or(0, |end| u32::from_le_bytes(*end));
        let place = (end ^ text.len() as u32).wrapping_mul(0x9E37_79B9) as usize >> 27;
        let lately = self.lately.get(place).copied().unwrap_or_default();
        if self.all.get(lately as usize) == Some(&text) {
            return lately;
        }
        let code = self.search(text);
        if let Some(lately) = self.lately.get_mut(place) {
            *lately = code;
        }
        code
    }

    fn search(&mut self, text: &'a [u8]) -> u32 {
        let next = self.all.len() as u32;
        let code = *self.codes.entry(text).or_insert(next);
        if code == next {
            self.all.push(text);
        }
        code
    }
}

/// Texts that are not looked up, where the batches have them: they are copied once, into their page.
#[derive(Debug, Default)]
pub(super) struct Plain<'a> {
    pub(super) all: Vec<&'a [u8]>,
    /// Bytes that they take in pages, each after its length in four.
    pub(super) bytes: usize,
}

impl<'a> Plain<'a> {
    #[inline]
    pub(super) fn push(&mut self, text: &'a [u8]) {
        self.bytes += PREFIX_BYTES + text.len();
        self.all.push(text);
    }
}
