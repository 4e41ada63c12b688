//! Keys as patterns: the next key of a record is nearly always one that followed lately, so it is compared before its end
//! is known.

use crate::json;

/// Bytes of the longest `"key":` of the table.
pub(super) const KEY_BYTES: usize = 32;

/// The text `"key":`, compared at once instead of byte by byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pattern {
    bytes: [u8; KEY_BYTES],
    /// Bits of the bytes that count.
    mask: u32,
    /// Bytes of the text.
    pub(super) length: u8,
}

impl Pattern {
    pub(super) fn new(key: &str) -> Self {
        let text = format!("\"{key}\":");
        let length = text.len().min(KEY_BYTES);
        let mut bytes = [0; KEY_BYTES];
        bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
        Pattern { bytes, mask: u32::MAX >> (KEY_BYTES - length), length: length as u8 }
    }

    /// Whether the text at `at` begins so. False near the end of the text, where the slow way decides.
    #[inline(always)]
    pub(super) fn matches(&self, text: &[u8], at: usize) -> bool {
        match text.get(at..).and_then(|rest| rest.first_chunk()) {
            Some(piece) => json::equal(piece, &self.bytes) & self.mask == self.mask,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Layout;

    #[test]
    fn every_key_fits_a_pattern() {
        for slot in Layout::new().slots {
            let text = format!("\"{}\":{}", slot.column.json, " ".repeat(KEY_BYTES));
            assert!(slot.column.json.len() + 3 <= KEY_BYTES, "{}", slot.path);
            assert!(Pattern::new(slot.column.json).matches(text.as_bytes(), 0), "{}", slot.path);
            assert!(!Pattern::new(slot.column.json).matches(text.replace("\":", "x\":").as_bytes(), 0));
        }
    }
}
