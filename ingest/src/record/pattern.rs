//! Keys as machine words: the next key of a record is nearly always the one that followed last time, so it is compared
//! before its end is known.

/// Bytes of the longest `"key":` of the table.
pub(super) const KEY_BYTES: usize = 32;

/// The text `"key":`, to be compared in two words instead of byte by byte.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pattern {
    words: [u128; 2],
    masks: [u128; 2],
    /// Bytes of the text.
    pub(super) length: usize,
}

impl Pattern {
    pub(super) fn new(key: &str) -> Self {
        let (mut bytes, mut mask) = ([0; KEY_BYTES], [0; KEY_BYTES]);
        let text = format!("\"{key}\":");
        let length = text.len().min(KEY_BYTES);
        bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
        mask[..length].fill(0xff);
        Pattern { words: words(&bytes), masks: words(&mask), length }
    }

    /// Whether the text at `at` begins so. False near the end of the text, where the slow way decides.
    #[inline]
    pub(super) fn matches(&self, text: &[u8], at: usize) -> bool {
        let Some(bytes) = text.get(at..at + KEY_BYTES).and_then(|bytes| bytes.first_chunk()) else { return false };
        let [low, high] = words(bytes);
        ((low ^ self.words[0]) & self.masks[0]) | ((high ^ self.words[1]) & self.masks[1]) == 0
    }
}

#[inline]
fn words(bytes: &[u8; KEY_BYTES]) -> [u128; 2] {
    let (mut low, mut high) = ([0; 16], [0; 16]);
    low.copy_from_slice(&bytes[..16]);
    high.copy_from_slice(&bytes[16..]);
    [u128::from_le_bytes(low), u128::from_le_bytes(high)]
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
