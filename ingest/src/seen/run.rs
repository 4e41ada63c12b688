//! Events seen earlier, on disk: sorted keys in a temporary file, with what is needed in memory to rarely look there.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// Bytes of a key in the file.
const KEY_BYTES: usize = 16;
/// Keys read at a time: one block of the file.
const BLOCK_KEYS: usize = 256;
/// Bits of the filter for each key, and how many of them a key sets: about one key in a hundred that is not there
/// costs a read for nothing.
const BITS_PER_KEY: usize = 10;
const PROBES: u32 = 7;

/// A sorted run of keys. The file has no name and goes away with the run.
#[derive(Debug)]
pub(super) struct Run {
    file: File,
    /// First key of each block.
    fence: Vec<u128>,
    /// Bloom filter over the keys, which are evenly spread already.
    filter: Vec<u64>,
    keys: usize,
    block: Vec<u8>,
}

impl Run {
    /// Writes keys, in any order, to a temporary file.
    pub(super) fn write(mut keys: Vec<u128>) -> io::Result<Self> {
        keys.sort_unstable();
        let mut filter = vec![0; (keys.len() * BITS_PER_KEY).div_ceil(64).max(1)];
        let mut out = BufWriter::new(tempfile::tempfile()?);
        for key in &keys {
            out.write_all(&key.to_le_bytes())?;
            for bit in bits(*key, filter.len()) {
                filter[bit / 64] |= 1 << (bit % 64);
            }
        }
        let fence = keys.chunks(BLOCK_KEYS).map(|block| block[0]).collect();
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Run { file, fence, filter, keys: keys.len(), block: Vec::new() })
    }

    /// Whether the key is in the run.
    pub(super) fn contains(&mut self, key: u128) -> io::Result<bool> {
        if bits(key, self.filter.len()).any(|bit| self.filter[bit / 64] >> (bit % 64) & 1 == 0) {
            return Ok(false);
        }
        let Some(block) = self.fence.partition_point(|first| *first <= key).checked_sub(1) else { return Ok(false) };
        let start = block * BLOCK_KEYS;
        self.block.resize(BLOCK_KEYS.min(self.keys - start) * KEY_BYTES, 0);
        self.file.seek(SeekFrom::Start((start * KEY_BYTES) as u64))?;
        self.file.read_exact(&mut self.block)?;
        let (keys, _) = self.block.as_chunks::<KEY_BYTES>();
        Ok(keys.binary_search_by(|bytes| u128::from_le_bytes(*bytes).cmp(&key)).is_ok())
    }
}

/// The filter's bits of a key: its two halves, combined in the usual way.
fn bits(key: u128, words: usize) -> impl Iterator<Item = usize> {
    let (low, high) = (key as u64, (key >> 64) as u64 | 1);
    let size = (words * 64) as u64;
    (0..u64::from(PROBES)).map(move |n| (low.wrapping_add(n.wrapping_mul(high)) % size) as usize)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_and_others_are_not() {
        // Any bijection spreads well enough for a test.
        let spread = |n: u128| n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let mut run = Run::write((0..10_000).map(spread).collect()).unwrap();
        for n in 0..20_000 {
            assert_eq!(run.contains(spread(n)).unwrap(), n < 10_000, "{n}");
        }
        assert!(!Run::write(vec![]).unwrap().contains(7).unwrap());
        assert!(Run::write(vec![0, u128::MAX]).unwrap().contains(u128::MAX).unwrap());
    }
}
