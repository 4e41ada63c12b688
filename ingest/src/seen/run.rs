//! Events seen earlier, on disk: keys in a temporary file, with what is needed in memory to rarely look there.
//!
//! Keys are hashes, so their first bits spread them evenly over groups. A group is read whole: nothing is sorted.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// Bytes of a key in the file.
const KEY_BYTES: usize = 16;
/// Keys of a group, at most twice as many on average.
const GROUP_KEYS: usize = 64;
/// Parts that a run is put in order in, one after the other.
const PARTS: usize = 16;
/// Bits of the filter for each key. A key sets four bits of one word: about one key in a hundred that is not there costs
/// a read for nothing.
const BITS_PER_KEY: usize = 12;

/// Keys by group. The file has no name and goes away with the run.
#[derive(Debug)]
pub(super) struct Run {
    file: File,
    /// Where each group begins, counted in keys, and where the last one ends.
    starts: Vec<u32>,
    /// First bits of a key that name its group.
    group_bits: u32,
    /// Bloom filter over the keys.
    filter: Vec<u64>,
    group: Vec<u8>,
}

/// The group of a key. Which bits it is told by does not matter, but the filter's must be others.
#[inline]
fn group_of(key: u128, bits: u32) -> usize {
    // A shift by all 128 bits is none.
    key.checked_shr(128 - bits).unwrap_or(0) as usize
}

/// The filter's word of a key, and the bits that it sets there.
#[inline]
fn mark(key: u128, words: usize) -> (usize, u64) {
    let word = (u128::from(key as u64) * words as u128) >> 64;
    let pick = |n: u32| 1u64 << (key >> (64 + 6 * n) & 63);
    (word as usize, pick(0) | pick(1) | pick(2) | pick(3))
}

impl Run {
    /// Writes keys, in any order, to a temporary file. They are gone through once for each part that is put in order in
    /// memory: a copy of all keys would be the largest thing that a long run ever asks for, and asks for again and again.
    pub(super) fn write(keys: impl ExactSizeIterator<Item = u128> + Clone) -> io::Result<Self> {
        let group_bits = (keys.len() / GROUP_KEYS).max(1).ilog2();
        let groups = 1usize << group_bits;
        let mut starts = vec![0u32; groups + 1];
        let mut filter = vec![0; (keys.len() * BITS_PER_KEY).div_ceil(64).max(1)];
        for key in keys.clone() {
            starts[group_of(key, group_bits) + 1] += 1;
            let (word, bits) = mark(key, filter.len());
            filter[word] |= bits;
        }
        for group in 1..starts.len() {
            starts[group] += starts[group - 1];
        }
        let mut out = BufWriter::with_capacity(1 << 16, tempfile::tempfile()?);
        let (mut next, mut grouped) = (Vec::new(), Vec::new());
        let part = groups.div_ceil(PARTS);
        for first in (0..groups).step_by(part) {
            let last = groups.min(first + part);
            next.clear();
            next.extend(starts[first..last].iter().map(|start| start - starts[first]));
            grouped.clear();
            grouped.resize((starts[last] - starts[first]) as usize, 0u128);
            for key in keys.clone() {
                let group = group_of(key, group_bits);
                if (first..last).contains(&group) {
                    let place = &mut next[group - first];
                    grouped[*place as usize] = key;
                    *place += 1;
                }
            }
            for key in &grouped {
                out.write_all(&key.to_le_bytes())?;
            }
        }
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Run { file, starts, group_bits, filter, group: Vec::new() })
    }

    /// Appends the positions of the keys that are in the run.
    pub(super) fn find(&mut self, keys: &[u128], found: &mut Vec<usize>) -> io::Result<()> {
        for (at, key) in keys.iter().enumerate() {
            let (word, bits) = mark(*key, self.filter.len());
            if self.filter[word] & bits == bits && self.contains(*key)? {
                found.push(at);
            }
        }
        Ok(())
    }

    /// Whether the key is in the file.
    #[cold]
    fn contains(&mut self, key: u128) -> io::Result<bool> {
        let group = group_of(key, self.group_bits);
        let (start, end) = (self.starts[group] as usize, self.starts[group + 1] as usize);
        self.group.resize((end - start) * KEY_BYTES, 0);
        self.file.seek(SeekFrom::Start((start * KEY_BYTES) as u64))?;
        self.file.read_exact(&mut self.group)?;
        let (keys, _) = self.group.as_chunks::<KEY_BYTES>();
        Ok(keys.contains(&key.to_le_bytes()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn found(run: &mut Run, keys: &[u128]) -> Vec<usize> {
        let mut found = Vec::new();
        run.find(keys, &mut found).unwrap();
        found
    }

    #[test]
    fn keys_are_found_and_others_are_not() {
        // Any bijection spreads well enough for a test.
        let spread = |n: u128| n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let keys: Vec<u128> = (0..20_000).map(spread).collect();
        for count in [1, 2, 63, 64, 129, 10_000] {
            let mut run = Run::write(keys[..count].iter().copied()).unwrap();
            assert_eq!(found(&mut run, &keys), (0..count).collect::<Vec<_>>());
        }
        assert!(found(&mut Run::write([].into_iter()).unwrap(), &keys).is_empty());
        let mut run = Run::write([0, u128::MAX].into_iter()).unwrap();
        assert_eq!(found(&mut run, &[u128::MAX, 1, 0]), [0, 2]);
    }

    #[test]
    fn the_filter_lets_few_others_through() {
        let hash = ahash::RandomState::with_seeds(1, 2, 3, 4);
        let key = |n: u64| u128::from(hash.hash_one(n)) | u128::from(hash.hash_one(!n)) << 64;
        let run = Run::write((0..10_000).map(key).collect::<Vec<_>>().into_iter()).unwrap();
        let through = (10_000..20_000).filter(|n| {
            let (word, bits) = mark(key(*n), run.filter.len());
            run.filter[word] & bits == bits
        });
        assert!(through.count() < 300);
    }
}
