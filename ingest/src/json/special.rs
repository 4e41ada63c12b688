//! Where the plain part of a string ends: at a quote, a backslash or a control character.
//!
//! Strings are most of a record's bytes, so they are looked through 32 bytes at a time. The slow twin is the byte loop
//! at the end of the text.

use wide::u8x16;

/// Bytes of a step: most strings of a record are shorter, and so end in their first.
const STEP: usize = 32;

/// Position of the next quote, backslash or control character from `at` on, or the end of the text.
#[inline]
pub(super) fn next(text: &[u8], mut at: usize) -> usize {
    while let Some(step) = text.get(at..at + STEP).and_then(|step| step.first_chunk()) {
        let found = bits(step);
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += STEP;
    }
    by_byte(text, at)
}

#[cold]
fn by_byte(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|byte| !is_special(*byte)) {
        at += 1;
    }
    at
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// One bit for each byte that is special.
#[inline]
fn bits(step: &[u8; STEP]) -> u32 {
    let (halves, _) = step.as_chunks::<16>();
    let [low, high] = [halves[0], halves[1]].map(|half| {
        let half = u8x16::new(half);
        let control = half.min(u8x16::splat(0x1f)).simd_eq(half);
        let quote = half.simd_eq(u8x16::splat(b'"'));
        let backslash = half.simd_eq(u8x16::splat(b'\\'));
        (control | quote | backslash).to_bitmask()
    });
    low | high << 16
}

/// Bytes that are looked at together where many strings follow each other.
const BLOCK: usize = 64;

/// Looks for special bytes along a text: each 64 bytes are looked at once, however many strings end in them.
#[derive(Debug)]
pub(crate) struct Marks<'t> {
    text: &'t [u8],
    /// Where the block begins that was looked at last.
    start: usize,
    /// One bit for each of its bytes that is special.
    bits: u64,
}

impl<'t> Marks<'t> {
    /// Looks from `at` on.
    #[inline]
    pub(crate) fn new(text: &'t [u8], at: usize) -> Self {
        let bits = text.get(at..at + BLOCK).and_then(|block| block.first_chunk()).map_or(0, block_bits);
        // Where the text ends before a block does, all is looked for byte by byte.
        Marks { text, start: at, bits }
    }

    /// The same as [`next`]; `at` is never before what was given earlier.
    #[inline(always)]
    pub(crate) fn next(&mut self, at: usize) -> usize {
        let offset = at - self.start;
        if offset < BLOCK {
            let bits = self.bits >> offset;
            if bits != 0 {
                return at + bits.trailing_zeros() as usize;
            }
        }
        self.beyond(at)
    }

    /// Goes on behind the block.
    #[inline(never)]
    fn beyond(&mut self, at: usize) -> usize {
        // What is left of the block, if it was one, is plain.
        let mut at = if self.start + BLOCK <= self.text.len() { at.max(self.start + BLOCK) } else { at };
        while let Some(block) = self.text.get(at..at + BLOCK).and_then(|block| block.first_chunk()) {
            (self.start, self.bits) = (at, block_bits(block));
            if self.bits != 0 {
                return at + self.bits.trailing_zeros() as usize;
            }
            at += BLOCK;
        }
        by_byte(self.text, at)
    }
}

/// One bit for each byte that is special.
#[inline]
fn block_bits(block: &[u8; BLOCK]) -> u64 {
    let (halves, _) = block.as_chunks::<STEP>();
    u64::from(bits(&halves[0])) | u64::from(bits(&halves[1])) << STEP
}

/// One bit for each byte that is the same in both.
#[inline(always)]
pub(crate) fn equal(one: &[u8; STEP], other: &[u8; STEP]) -> u32 {
    let ((one, _), (other, _)) = (one.as_chunks::<16>(), other.as_chunks::<16>());
    let [low, high] = [0, 1].map(|half| u8x16::new(one[half]).simd_eq(u8x16::new(other[half])).to_bitmask());
    low | high << 16
}

/// Whether any byte of a piece is the given one.
#[inline]
pub(crate) fn holds(piece: &[u8; 16], byte: u8) -> bool {
    u8x16::new(*piece).simd_eq(u8x16::splat(byte)).to_bitmask() != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_is_told_apart() {
        for byte in 0..=255 {
            for at in 0..STEP {
                let mut step = [b'x'; STEP];
                step[at] = byte;
                assert_eq!(bits(&step), u32::from(is_special(byte)) << at, "{byte} at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn steps_find_what_the_byte_loop_finds(
            text in prop::collection::vec(prop_oneof![20 => any::<u8>().prop_map(|b| b | 0x80), 20 => 0x5du8..0x7f, 1 => any::<u8>()], 0..200),
            at in 0usize..220,
        ) {
            let expected = if at < text.len() { by_byte(&text, at) } else { at };
            prop_assert_eq!(next(&text, at), expected);
        }

        #[test]
        fn marks_find_what_the_byte_loop_finds(
            text in prop::collection::vec(prop_oneof![20 => any::<u8>().prop_map(|b| b | 0x80), 2 => Just(b'"')], 0..300),
            steps in prop::collection::vec(0usize..90, 1..20),
        ) {
            let mut at = steps[0];
            let mut marks = Marks::new(&text, at);
            for step in steps {
                let expected = if at < text.len() { by_byte(&text, at) } else { at };
                prop_assert_eq!(marks.next(at), expected);
                at = expected + step;
            }
        }
    }
}
