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
    }
}
