//! Texts of a column while they come, where the batches have them: distinct ones with their codes, or all of them.
//!
//! Knows texts only.

use std::collections::HashMap;

/// Bytes before a text in a page: its length.
const PREFIX_BYTES: usize = 4;

/// Distinct texts, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Texts<'a> {
    codes: HashMap<&'a [u8], u32, ahash::RandomState>,
    pub(super) all: Vec<&'a [u8]>,
}

impl<'a> Texts<'a> {
    pub(super) fn code(&mut self, text: &'a [u8]) -> u32 {
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
