//! Dice: the numbers behind every choice the generator makes.
//!
//! Its own small generator (SplitMix64 to seed, xoshiro256++ to draw; both public domain, by Blackman and Vigna),
//! because the files of one seed must not change when a dependency changes its stream of values.
//! It knows nothing of accounts or events.

/// Mixes labels into one number: equal labels give equal numbers, wherever and whenever they are mixed. That is
/// how two files written on two threads agree on the access key of one session.
pub(super) fn mix(labels: &[u64]) -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for label in labels {
        state = split(state ^ label.wrapping_mul(0xff51_afd7_ed55_8ccd));
    }
    state
}

fn split(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A label made of a name.
pub(super) fn label(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A stream of numbers that its labels decide.
pub(super) struct Dice {
    state: [u64; 4],
}

impl Dice {
    pub(super) fn new(labels: &[u64]) -> Dice {
        let seed = mix(labels);
        Dice { state: [split(seed), split(seed ^ 1), split(seed ^ 2), split(seed ^ 3)] }
    }

    pub(super) fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let drawn = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        let (b, a) = (b ^ c, a ^ d);
        self.state = [a, b, c ^ (self.state[1] << 17), d.rotate_left(45)];
        drawn
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        below(self.next(), bound)
    }

    /// True in `per_mille` of a thousand throws.
    pub(super) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille
    }
}

/// Scales a drawn number below `bound` by its upper half: multiply and shift, no division.
pub(super) fn below(drawn: u64, bound: u32) -> u32 {
    (((drawn >> 32) * u64::from(bound)) >> 32) as u32
}

const HEX: &[u8; 16] = b"0123456789abcdef";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALNUM: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends `digits` hexadecimal digits decided by `salt`.
pub(super) fn push_hex(out: &mut String, salt: u64, digits: usize) {
    push_from(out, salt, digits, HEX, 4);
}

/// Appends a version 4 UUID.
pub(super) fn push_uuid(out: &mut String, id: (u64, u64)) {
    let high = (id.0 & !0xf000) | 0x4000;
    let low = (id.1 & !(0b11 << 62)) | (0b10 << 62);
    for (at, byte) in high.to_be_bytes().into_iter().chain(low.to_be_bytes()).enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

/// Appends the characters that AWS unique ids and access keys are made of.
pub(super) fn push_base32(out: &mut String, salt: u64, length: usize) {
    push_from(out, salt, length, BASE32, 5);
}

/// Appends letters and digits, as at the end of a log file's name.
pub(super) fn push_alnum(out: &mut String, salt: u64, length: usize) {
    for at in 0..length {
        let index = below(mix(&[salt, at as u64]), 62) as usize;
        out.push(char::from(ALNUM[index]));
    }
}

/// Appends base64 text, as in session tokens.
pub(super) fn push_base64(out: &mut String, salt: u64, length: usize) {
    push_from(out, salt, length, BASE64, 6);
}

/// One draw gives several characters; `bits` is how many bits one of them takes.
fn push_from(out: &mut String, salt: u64, length: usize, letters: &[u8], bits: u32) {
    let per_draw = (64 / bits) as usize;
    let mut drawn = 0;
    for at in 0..length {
        if at % per_draw == 0 {
            drawn = split(salt.wrapping_add((at as u64).wrapping_mul(0xa076_1d64_78bd_642f)));
        }
        let index = (drawn as usize) & (letters.len() - 1);
        out.push(letters.get(index).map_or('A', |letter| char::from(*letter)));
        drawn >>= bits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_a_seed_is_pinned() {
        let mut dice = Dice::new(&[7]);
        let drawn: Vec<u64> = (0..3).map(|_| dice.next()).collect();
        let again: Vec<u64> = {
            let mut dice = Dice::new(&[7]);
            (0..3).map(|_| dice.next()).collect()
        };
        assert_eq!(drawn, again);
        assert_ne!(drawn[0], Dice::new(&[8]).next());
        assert_eq!(drawn, PINNED, "a changed stream changes every sample that a seed stands for");
    }

    const PINNED: [u64; 3] = [13_815_982_852_089_903_602, 8_799_901_355_966_539_910, 17_878_459_478_365_867_120];

    #[test]
    fn a_bound_is_kept_and_reached() {
        let mut dice = Dice::new(&[1]);
        let drawn: Vec<u32> = (0..2000).map(|_| dice.below(7)).collect();
        assert!(drawn.iter().all(|n| *n < 7));
        assert!((0..7).all(|n| drawn.contains(&n)));
        assert_eq!(dice.below(0), 0);
    }

    #[test]
    fn a_uuid_says_version_4() {
        let mut text = String::new();
        push_uuid(&mut text, (u64::MAX, u64::MAX));
        assert_eq!(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn long_texts_do_not_repeat() {
        let mut text = String::new();
        push_base64(&mut text, 5, 400);
        assert_eq!(text.len(), 400);
        let pieces: std::collections::BTreeSet<&str> = (0..40).map(|n| &text[n * 10..n * 10 + 10]).collect();
        assert_eq!(pieces.len(), 40);
        let mut hex = String::new();
        push_hex(&mut hex, 5, 48);
        assert_eq!(hex.len(), 48);
        assert_ne!(hex[..15], hex[15..30]);
    }
}
