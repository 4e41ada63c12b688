//! Small numbers as runs and packed groups: how Parquet keeps levels and dictionary codes.
//!
//! "Run Length Encoding / Bit-Packing Hybrid" in the Apache Parquet format: a run of equal values is its length and the
//! value; other values are packed, eight at a time. Knows numbers only.

/// Fewer equal values than this are packed with their neighbours.
const SHORTEST_RUN: usize = 8;
/// Values that are packed at a time, at most: a multiple of eight.
const PACKED_VALUES: usize = 512;

/// Bits that every number up to `largest` fits in; one at least.
pub(super) fn width(largest: usize) -> u8 {
    (usize::BITS - largest.leading_zeros()).max(1) as u8
}

/// Numbers of one width, while they come.
#[derive(Debug, Clone)]
pub(super) struct Hybrid {
    width: u8,
    bytes: Vec<u8>,
    /// Values to be packed.
    packed: Vec<u32>,
    /// The value that came last, and how often.
    last: u32,
    times: usize,
}

impl Hybrid {
    /// None yet; each will fit in `width` bits, 1 to 32.
    pub(super) fn new(width: u8) -> Hybrid {
        Hybrid { width: width.clamp(1, 32), bytes: Vec::new(), packed: Vec::new(), last: 0, times: 0 }
    }

    /// Adds a value, so many times.
    #[inline]
    pub(super) fn put(&mut self, value: u32, times: usize) {
        if value != self.last {
            self.settle();
            self.last = value;
        }
        self.times += times;
    }

    /// Adds values in a row.
    pub(super) fn put_all<T: Copy + PartialEq + Into<u32>>(&mut self, mut values: &[T]) {
        while let Some(first) = values.first() {
            // Where a group of eight begins, one of several values is packed as it is: looking for runs in it would be in vain.
            if let Some((eight, rest)) = values.split_first_chunk::<8>()
                && *eight != [*first; 8]
                && self.begins_group()
            {
                self.packed.extend_from_slice(&eight.map(T::into));
                if self.packed.len() >= PACKED_VALUES {
                    self.pack(self.packed.len());
                }
                values = rest;
                continue;
            }
            let times = run(*first, values);
            self.put((*first).into(), times);
            values = values.get(times..).unwrap_or_default();
        }
    }

    /// Settles the value that came last, if a group of eight then begins: always where its run is long.
    fn begins_group(&mut self) -> bool {
        if self.times > 0 && (self.times >= 2 * SHORTEST_RUN || (self.packed.len() + self.times).is_multiple_of(8)) {
            self.settle();
        }
        self.times == 0 && self.packed.len().is_multiple_of(8)
    }

    /// The bytes of all values so far; none are left.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.settle();
        if !self.packed.is_empty() {
            let groups = self.packed.len().div_ceil(8);
            self.packed.resize(groups * 8, 0);
            self.pack(groups * 8);
        }
        std::mem::take(&mut self.bytes)
    }

    /// Decides what becomes of the value that came last.
    fn settle(&mut self) {
        let times = std::mem::take(&mut self.times);
        // Packed values are whole groups of eight, so a run begins where a group ends.
        let lacking = self.packed.len().next_multiple_of(8) - self.packed.len();
        if times < lacking + SHORTEST_RUN {
            self.packed.extend(std::iter::repeat_n(self.last, times));
            if self.packed.len() >= PACKED_VALUES {
                self.pack(self.packed.len() / 8 * 8);
            }
            return;
        }
        self.packed.extend(std::iter::repeat_n(self.last, lacking));
        self.pack(self.packed.len());
        self.varint((times - lacking) << 1);
        let bytes = self.last.to_le_bytes();
        self.bytes.extend(bytes.iter().take(usize::from(self.width).div_ceil(8)));
    }

    /// Packs the first `count` values, a multiple of eight.
    fn pack(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        self.varint(((count / 8) << 1) | 1);
        pack_eights(self.packed.get(..count).unwrap_or_default(), self.width, &mut self.bytes);
        self.packed.drain(..count);
    }

    fn varint(&mut self, mut number: usize) {
        while number > 0x7f {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }
}

/// How many of the values are the same as the first, from the first on; eight at a time.
fn run<T: Copy + PartialEq>(first: T, values: &[T]) -> usize {
    let same = [first; 8];
    let eights = values.chunks_exact(8).take_while(|eight| **eight == same).count() * 8;
    let rest = values.get(eights..).unwrap_or_default();
    eights + rest.iter().take_while(|value| **value == first).count()
}

/// [`pack`] for whole groups of eight, which take as many bytes as a value has bits.
fn pack_eights(values: &[u32], width: u8, bytes: &mut Vec<u8>) {
    if width > 16 {
        return pack(values.iter().copied(), width, bytes);
    }
    for eight in values.as_chunks::<8>().0 {
        let (low, high) = eight.split_at(4);
        let four = |four: &[u32]| four.iter().rfold(0_u64, |word, value| word << width | u64::from(*value));
        let word = u128::from(four(low)) | u128::from(four(high)) << (4 * width);
        let end = bytes.len() + usize::from(width);
        bytes.extend_from_slice(&word.to_le_bytes());
        bytes.truncate(end);
    }
}

/// Values of a width, one after the other, the lowest bits first; the last byte is filled with zeros.
pub(super) fn pack(values: impl Iterator<Item = u32>, width: u8, bytes: &mut Vec<u8>) {
    let (mut word, mut filled) = (0_u64, 0_u32);
    for value in values {
        word |= u64::from(value) << filled;
        filled += u32::from(width);
        if filled >= 32 {
            bytes.extend_from_slice(&(word as u32).to_le_bytes());
            word >>= 32;
            filled -= 32;
        }
    }
    bytes.extend(word.to_le_bytes().iter().take(filled.div_ceil(8) as usize));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The plain reader, written from the specification.
    fn read(bytes: &[u8], width: u8) -> Vec<u32> {
        let mut values = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let (mut header, mut shift) = (0_usize, 0);
            loop {
                let byte = bytes[at];
                at += 1;
                header |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            if header & 1 == 0 {
                let size = usize::from(width).div_ceil(8);
                let value = bytes[at..at + size].iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
                values.extend(std::iter::repeat_n(value, header >> 1));
                at += size;
            } else {
                let count = (header >> 1) * 8;
                let bit = |n: usize| bytes[at + n / 8] >> (n % 8) & 1;
                for value in 0..count {
                    let first = value * usize::from(width);
                    values.push((0..usize::from(width)).fold(0, |v, n| v | u32::from(bit(first + n)) << n));
                }
                at += count * usize::from(width) / 8;
            }
        }
        values
    }

    #[test]
    fn long_runs_take_two_bytes() {
        let mut hybrid = Hybrid::new(1);
        hybrid.put(1, 60);
        hybrid.put(1, 3);
        assert_eq!(hybrid.take(), [126, 1]);
        assert!(hybrid.take().is_empty());
        assert_eq!((width(0), width(1), width(2), width(255), width(256)), (1, 1, 2, 8, 9));
    }

    proptest! {
        #[test]
        fn what_was_put_is_read(width in 1_u8..=32, runs in prop::collection::vec((any::<u32>(), 0_usize..40), 0..60)) {
            let mut hybrid = Hybrid::new(width);
            let mut expected = Vec::new();
            for (value, times) in runs {
                // Levels come as bytes.
                if value % 3 == 0 {
                    let value = if width < 8 { value & ((1 << width) - 1) } else { value & 0xff };
                    hybrid.put_all(&vec![value as u8; times]);
                    expected.extend(std::iter::repeat_n(value, times));
                    continue;
                }
                let mask = if width == 32 { u32::MAX } else { (1 << width) - 1 };
                // Codes come as numbers, some alike and some not.
                if value % 3 == 1 {
                    let codes: Vec<u32> = (0..times as u32).map(|n| value.wrapping_add(n / 11 * n) & mask).collect();
                    hybrid.put_all(&codes);
                    expected.extend(codes);
                    continue;
                }
                hybrid.put(value & mask, times);
                expected.extend(std::iter::repeat_n(value & mask, times));
            }
            let mut found = read(&hybrid.take(), width);
            prop_assert!(found.len() < expected.len() + 8);
            found.truncate(expected.len());
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn levels_are_read(runs in prop::collection::vec((0_u8..=3, 1_usize..20), 0..90), cuts in prop::collection::vec(1_usize..70, 1..40)) {
            let levels: Vec<u8> = runs.iter().flat_map(|(level, times)| vec![*level; *times]).collect();
            let mut hybrid = Hybrid::new(2);
            let (mut rest, mut cuts) = (levels.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (part, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                hybrid.put_all(part);
                rest = after;
            }
            let mut found = read(&hybrid.take(), 2);
            prop_assert!(found.len() < levels.len() + 8);
            found.truncate(levels.len());
            prop_assert_eq!(found, levels.into_iter().map(u32::from).collect::<Vec<_>>());
        }
    }
}
