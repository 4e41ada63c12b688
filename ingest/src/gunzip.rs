//! Inflate, capped; gzip and plain text are told by content, never by name.
//!
//! A whole buffer is inflated by libdeflate, which is twice as fast; whatever it refuses is explained by flate2, the
//! slow twin, which also streams what is too large for a buffer. Both give the same verdict for the same bytes: a test
//! says so. Bytes after the first gzip member are refused, because CloudTrail writes exactly one (AWS CLI 1.45.12
//! added the same check to `validate-logs`). This room knows bytes only.

use std::io::{BufRead, Read};

use flate2::bufread::GzDecoder;

use crate::reject::Reason;

/// A verdict on bytes that cannot be inflated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// What was found.
    pub detail: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Refusal { reason, detail: detail.into() }
    }
}

/// What the first bytes of an object say it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// gzip.
    Gzip,
    /// Anything that may be UTF-8 text.
    Plain,
    /// A compression that is known and not read: its name.
    Other(&'static str),
    /// UTF-16 or UTF-32.
    Utf16,
}

/// Looks at the first bytes (eight are enough).
pub fn sniff(head: &[u8]) -> Encoding {
    match head {
        [0x1f, 0x8b, ..] => Encoding::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Encoding::Other("zstd"),
        [b'B', b'Z', b'h', ..] => Encoding::Other("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Encoding::Other("xz"),
        [b'P', b'K', 3, 4, ..] => Encoding::Other("zip"),
        [b'P', b'A', b'R', b'1', ..] => Encoding::Other("Parquet"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 0, 0xfe, 0xff, ..] => Encoding::Utf16,
        _ => Encoding::Plain,
    }
}

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes that one gzip object may inflate to. CloudTrail's own maximum is 50 MB.
    pub inflated_bytes: u64,
    /// Read further gzip members and ignore padding, for mirrors that join files.
    pub accept_trailing_data: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { inflated_bytes: 256 << 20, accept_trailing_data: false }
    }
}

/// Objects that inflate to more than this are streamed instead of being held whole.
pub const WHOLE_BYTES: u64 = 64 << 20;

/// Inflates objects, one after the other, into one buffer.
pub struct Inflater {
    libdeflate: libdeflater::Decompressor,
    /// Longer than the text as a rule: it is never cleared, because clearing costs as much as inflating.
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflater").field("buffer", &self.buffer.len()).finish()
    }
}

/// What became of an attempt to inflate a whole object.
#[derive(Debug, PartialEq, Eq)]
pub enum Inflated<'a> {
    /// The text.
    Whole(&'a [u8]),
    /// It is larger than [`WHOLE_BYTES`]: stream it.
    Large,
}

impl Inflater {
    /// An inflater with an empty buffer.
    pub fn new() -> Self {
        Inflater { libdeflate: libdeflater::Decompressor::new(), buffer: Vec::new() }
    }

    /// Inflates a gzip object held in memory.
    ///
    /// # Errors
    /// A refusal with its reason; nothing of such an object is to be used.
    pub fn inflate(&mut self, gzip: &[u8], limits: Limits) -> Result<Inflated<'_>, Refusal> {
        let claimed = claimed_bytes(gzip);
        if claimed > WHOLE_BYTES || limits.accept_trailing_data {
            return self.slowly(gzip, limits);
        }
        if (self.buffer.len() as u64) < claimed {
            self.buffer.resize(claimed as usize, 0);
        }
        let room = &mut self.buffer[..claimed as usize];
        match self.libdeflate.gzip_decompress(gzip, room) {
            Ok(length) if length as u64 <= limits.inflated_bytes && ends_here(gzip, &room[..length]) => {
                Ok(Inflated::Whole(&self.buffer[..length]))
            }
            _ => self.slowly(gzip, limits),
        }
    }

    /// flate2's verdict; its text, where that is small and sound.
    #[cold]
    fn slowly(&mut self, gzip: &[u8], limits: Limits) -> Result<Inflated<'_>, Refusal> {
        let bytes = verify(gzip, limits)?;
        if bytes > WHOLE_BYTES {
            return Ok(Inflated::Large);
        }
        let mut text = std::mem::take(&mut self.buffer);
        text.clear();
        let read = open(gzip, limits).read_to_end(&mut text);
        self.buffer = text;
        read.map_err(|e| Refusal::new(Reason::GzipCorrupt, e.to_string()))?;
        Ok(Inflated::Whole(&self.buffer))
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

/// The length that the last four bytes claim (RFC 1952, ISIZE: the length modulo 2^32).
fn claimed_bytes(gzip: &[u8]) -> u64 {
    match gzip.last_chunk::<4>() {
        Some(bytes) => u64::from(u32::from_le_bytes(*bytes)),
        None => 0,
    }
}

/// Whether the member that gave `text` ends at the end of `gzip`. libdeflate does not tell how much it read, but it has
/// checked the member's trailer, which ends with the length of the text. Where that length stands at the very end and
/// nowhere before, the trailer is the end. Where it stands elsewhere too (by chance, or because more follows), the whole
/// trailer decides, whose checksum is computed once more; if that is there twice by chance, one in 2^64, flate2 decides.
fn ends_here(gzip: &[u8], text: &[u8]) -> bool {
    let length = (text.len() as u32).to_le_bytes();
    match memchr::memmem::find(gzip, &length) {
        Some(at) if at + length.len() < gzip.len() => trailer_ends_here(gzip, text),
        found => found.is_some(),
    }
}

#[cold]
fn trailer_ends_here(gzip: &[u8], text: &[u8]) -> bool {
    let mut trailer = [0; 8];
    trailer[..4].copy_from_slice(&libdeflater::crc32(text).to_le_bytes());
    trailer[4..].copy_from_slice(&(text.len() as u32).to_le_bytes());
    memchr::memmem::find(gzip, &trailer) == gzip.len().checked_sub(8)
}

/// A streaming reader of the text of a gzip object.
pub fn open<R: BufRead>(gzip: R, limits: Limits) -> impl Read {
    let all = limits.accept_trailing_data;
    Members { member: Some(GzDecoder::new(Ahead::new(gzip, all))), all }
}

/// A reader whose buffer shows two bytes or the end: a member's mark must be seen even where a buffer ends inside it.
struct Ahead<R> {
    inner: R,
    /// Whether more members may follow; where none may, nothing behind the first is taken.
    more: bool,
    /// Bytes taken from the reader and not given yet.
    held: [u8; 2],
    length: usize,
}

impl<R: BufRead> Ahead<R> {
    fn new(inner: R, more: bool) -> Self {
        Ahead { inner, more, held: [0; 2], length: 0 }
    }
}

impl<R: BufRead> BufRead for Ahead<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        while self.more && (self.length == 1 || (self.length == 0 && self.inner.fill_buf()?.len() == 1)) {
            let Some(byte) = self.inner.fill_buf()?.first().copied() else { break };
            self.inner.consume(1);
            self.held[self.length] = byte;
            self.length += 1;
        }
        if self.length > 0 { Ok(&self.held[..self.length]) } else { self.inner.fill_buf() }
    }

    fn consume(&mut self, bytes: usize) {
        if self.length == 0 {
            return self.inner.consume(bytes);
        }
        self.held.rotate_left(bytes.min(1));
        self.length = self.length.saturating_sub(bytes);
    }
}

impl<R: BufRead> Read for Ahead<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.fill_buf()?.read(out)?;
        self.consume(bytes);
        Ok(bytes)
    }
}

/// The text of the first gzip member, or of all of them up to what is none (padding, as `tar` and tapes write it).
struct Members<R> {
    member: Option<GzDecoder<Ahead<R>>>,
    all: bool,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let Some(member) = &mut self.member else { return Ok(0) };
            let bytes = member.read(out)?;
            if bytes > 0 || out.is_empty() || !self.all {
                return Ok(bytes);
            }
            let Some(mut rest) = self.member.take().map(GzDecoder::into_inner) else { return Ok(0) };
            if rest.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
                self.member = Some(GzDecoder::new(rest));
            }
        }
    }
}

/// Inflates to nowhere: the length of the text if the object is sound. A large object is read twice, so that its
/// verdict is known before its first row.
///
/// # Errors
/// The refusal.
pub fn verify<R: BufRead>(gzip: R, limits: Limits) -> Result<u64, Refusal> {
    let mut gzip = Ahead::new(gzip, limits.accept_trailing_data);
    let mut bytes = 0;
    let mut sink = vec![0; 64 << 10];
    loop {
        let mut member = GzDecoder::new(&mut gzip);
        loop {
            match member.read(&mut sink) {
                Ok(0) => break,
                Ok(n) => bytes += n as u64,
                Err(error) => return Err(explain(&error)),
            }
            if bytes > limits.inflated_bytes {
                let detail = format!("inflates to more than {} bytes", limits.inflated_bytes);
                return Err(Refusal::new(Reason::TooLargeUncompressed, detail));
            }
        }
        drop(member);
        let rest = gzip.fill_buf().map_err(|e| Refusal::new(Reason::IoError, e.to_string()))?;
        match rest {
            [] => return Ok(bytes),
            [0x1f, 0x8b, ..] if limits.accept_trailing_data => {}
            _ if limits.accept_trailing_data => return Ok(bytes),
            _ => {
                let detail = format!("bytes follow the gzip member, which inflates to {bytes} bytes");
                return Err(Refusal::new(Reason::GzipTrailingData, detail));
            }
        }
    }
}

/// The reason behind an error of flate2's.
pub fn explain(error: &std::io::Error) -> Refusal {
    let reason = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Reason::GzipTruncated,
        std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => {
            let text = error.to_string();
            let checksum = text.contains("checksum") || text.contains("crc") || text.contains("length");
            if checksum { Reason::GzipCrc } else { Reason::GzipCorrupt }
        }
        _ => Reason::IoError,
    };
    Refusal::new(reason, error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn verdict(bytes: &[u8]) -> Result<Vec<u8>, Reason> {
        match Inflater::new().inflate(bytes, Limits::default()) {
            Ok(Inflated::Whole(text)) => Ok(text.to_vec()),
            Ok(Inflated::Large) => panic!("not large"),
            Err(refusal) => Err(refusal.reason),
        }
    }

    #[test]
    fn each_damage_has_its_name() {
        let text = br#"{"Records":[]}"#.repeat(50);
        let good = gzip(&text);
        assert_eq!(verdict(&good), Ok(text.clone()));
        for cut in [12, good.len() - 9, good.len() - 4, good.len() - 1] {
            assert_eq!(verdict(&good[..cut]), Err(Reason::GzipTruncated), "cut at {cut}");
        }
        let mut wrong = good.clone();
        let crc = good.len() - 6;
        wrong[crc] ^= 1;
        assert_eq!(verdict(&wrong), Err(Reason::GzipCrc));
        let mut wrong = good.clone();
        *wrong.last_mut().unwrap() ^= 0x10;
        assert!(verdict(&wrong).is_err());
        for tail in [vec![0], vec![0; 512], b"x".to_vec(), gzip(b"more"), good.clone()] {
            let joined = [good.clone(), tail].concat();
            assert_eq!(verdict(&joined), Err(Reason::GzipTrailingData));
        }
        assert_eq!(verdict(&[0x1f, 0x8b]), Err(Reason::GzipTruncated));
    }

    #[test]
    fn members_are_joined_only_when_asked() {
        let joined = [gzip(b"one"), gzip(b"two"), vec![0; 100]].concat();
        let limits = Limits { accept_trailing_data: true, ..Limits::default() };
        let mut inflater = Inflater::new();
        assert_eq!(inflater.inflate(&joined, limits), Ok(Inflated::Whole(b"onetwo")));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![b' '; 32 << 20]);
        let limits = Limits { inflated_bytes: 1 << 20, ..Limits::default() };
        let refusal = Inflater::new().inflate(&bomb, limits).unwrap_err();
        assert_eq!(refusal.reason, Reason::TooLargeUncompressed);
        // A trailer that lies about the length changes nothing.
        let mut liar = bomb;
        let end = liar.len();
        liar[end - 4..].copy_from_slice(&10u32.to_le_bytes());
        let refusal = Inflater::new().inflate(&liar, limits).unwrap_err();
        assert_eq!(refusal.reason, Reason::TooLargeUncompressed);
    }

    proptest! {
        #[test]
        fn both_inflaters_agree(text in prop::collection::vec(any::<u8>(), 0..2000), damage in prop::option::of((any::<prop::sample::Index>(), 1u8..=255)), cut in prop::option::of(any::<prop::sample::Index>())) {
            let mut bytes = gzip(&text);
            if let Some((at, flip)) = damage {
                let at = at.index(bytes.len());
                bytes[at] ^= flip;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            let slow = verify(&bytes[..], Limits::default());
            match (verdict(&bytes), slow) {
                (Ok(fast), Ok(length)) => prop_assert_eq!(fast.len() as u64, length),
                (Err(fast), Err(slow)) => prop_assert_eq!(fast, slow.reason),
                (fast, slow) => prop_assert!(false, "{:?} but {:?}", fast.map(|t| t.len()), slow),
            }
        }
    }
}
