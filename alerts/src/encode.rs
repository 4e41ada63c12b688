//! Sigma's encoding modifiers: what a value becomes before it is looked for.
//!
//! `base64` and `base64offset` follow pySigma's definition: an offset is the place of the value in a longer text that
//! was encoded as a whole, and only the characters that depend on nothing but the value are kept. Knows no fields.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// How text becomes the bytes that are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    /// `wide` / `utf16le`.
    Utf16Le,
    /// `utf16be`.
    Utf16Be,
    /// `utf16`: little endian behind a byte order mark.
    Utf16,
    /// No modifier.
    Utf8,
}

impl Charset {
    /// The bytes of `text` in this charset.
    pub(crate) fn bytes(self, text: &str) -> Vec<u8> {
        let units = || text.encode_utf16();
        match self {
            Charset::Utf8 => text.as_bytes().to_vec(),
            Charset::Utf16Le => units().flat_map(u16::to_le_bytes).collect(),
            Charset::Utf16Be => units().flat_map(u16::to_be_bytes).collect(),
            Charset::Utf16 => [0xFF, 0xFE].into_iter().chain(units().flat_map(u16::to_le_bytes)).collect(),
        }
    }
}

/// Base64 with padding, RFC 4648 section 4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let six = (word >> (18 - 6 * i) & 0x3F) as usize;
            out.push(if i <= chunk.len() { ALPHABET[six] as char } else { '=' });
        }
    }
    out
}

/// The three texts of which one stands in the Base64 of any longer text that holds `bytes`.
pub(crate) fn base64_offsets(bytes: &[u8]) -> Vec<String> {
    const FIRST: [usize; 3] = [0, 2, 3];
    const DROP_LAST: [usize; 3] = [0, 3, 2];
    (0..3)
        .map(|offset| {
            let mut shifted = vec![b' '; offset];
            shifted.extend_from_slice(bytes);
            let encoded = base64(&shifted);
            let end = encoded.len() - DROP_LAST[shifted.len() % 3];
            encoded.get(FIRST[offset]..end).unwrap_or_default().to_owned()
        })
        .collect()
}

/// Dashes that Windows programs take for one another.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
/// More places than this in one value would make thousands of variants.
const MAX_DASHES: usize = 4;

/// `windash`: every variant of `text` with the dashes that begin a word exchanged. `None` if there are too many.
pub(crate) fn dash_variants(text: &str) -> Option<Vec<String>> {
    let chars: Vec<char> = text.chars().collect();
    let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let places: Vec<usize> = (0..chars.len())
        .filter(|&i| DASHES.contains(&chars[i]) && word(chars.get(i + 1)) && !(i > 0 && word(chars.get(i - 1))))
        .collect();
    if places.len() > MAX_DASHES {
        return None;
    }
    let mut variants = vec![chars];
    for place in places {
        variants = variants
            .into_iter()
            .flat_map(|variant| {
                DASHES.into_iter().map(move |dash| {
                    let mut changed = variant.clone();
                    changed[place] = dash;
                    changed
                })
            })
            .collect();
    }
    Some(variants.into_iter().map(|v| v.into_iter().collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_rfc_4648() {
        for (plain, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn one_of_the_offsets_stands_in_any_longer_text() {
        let value = "http://";
        for before in ["", "a", "ab", "abc", "abcd"] {
            for after in ["", "x", "xy", "xyz"] {
                let whole = base64(format!("{before}{value}{after}").as_bytes());
                let hit = base64_offsets(value.as_bytes()).iter().any(|part| whole.contains(part.as_str()));
                assert!(hit, "{before}|{after}");
            }
        }
    }

    #[test]
    fn dashes_change_only_where_a_word_begins() {
        let variants = dash_variants("-enc a-b").unwrap_or_default();
        assert_eq!(variants.len(), 5);
        assert!(variants.iter().all(|v| v.ends_with("a-b")));
        assert!(variants.contains(&"/enc a-b".to_owned()));
        assert_eq!(dash_variants("-a -b -c -d -e"), None);
    }

    #[test]
    fn utf16_has_its_mark() {
        assert_eq!(Charset::Utf16.bytes("A"), [0xFF, 0xFE, 0x41, 0]);
        assert_eq!(Charset::Utf16Be.bytes("A"), [0, 0x41]);
    }
}
