//! gzip and the splitter: libdeflate gives what flate2 gives, and a text in pieces splits like the whole.

use std::io::{BufReader, Read, Write};

use flate2::{Compression, Decompress, FlushDecompress};
use ingest::envelope::split::{Splitter, Step};
use ingest::gunzip::{Inflated, Inflater, Limits, open, verify};
use ingest::json::Fault;
use ingest::pipeline::Options;
use ingest::record::{Fields, Scanner};
use ingest::reject::Reason;

use crate::gathered::{Gathered, file};

/// The first five bytes say what to do with the rest: how to make a gzip object of it, and in what pieces to read it.
pub fn check(data: &[u8]) {
    let [mode, a, b, c, d, body @ ..] = data else { return };
    let gzip = match mode % 4 {
        0 => body.to_vec(),
        1 => pack(body, *a),
        2 => damage(pack(body, *a), *b, *c, *d),
        _ => wrap(body),
    };
    let limits = Limits {
        inflated_bytes: if mode & 0x10 == 0 { 1 << 20 } else { 1000 },
        accept_trailing_data: mode & 0x20 != 0,
    };
    let text = inflaters_agree(&gzip, limits, usize::from(*a) + 1);
    scanned(&gzip, limits, &text);
    if let Ok(text) = text {
        pieces_agree(&text, usize::from(*b) + 1);
    }
}

fn pack(text: &[u8], level: u8) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::new(u32::from(level % 10)));
    encoder.write_all(text).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn damage(mut gzip: Vec<u8>, at: u8, flip: u8, cut: u8) -> Vec<u8> {
    // From the end, where the trailer is, or from the start, where the header is.
    let length = gzip.len();
    let place = if at < 128 { usize::from(at) % length } else { length - 1 - usize::from(at - 128) % length };
    gzip[place] ^= flip;
    match cut {
        0..64 => gzip.truncate(length - usize::from(cut) % length),
        64..96 => gzip.extend(std::iter::repeat_n(cut, usize::from(cut - 63))),
        96..128 => gzip.extend_from_within(..),
        _ => {}
    }
    gzip
}

/// A deflate stream in a sound gzip frame, so that damage to it is not stopped by the checksum.
fn wrap(deflate: &[u8]) -> Vec<u8> {
    let mut text = vec![0; 1 << 16];
    let mut inflater = Decompress::new(false);
    let _ = inflater.decompress(deflate, &mut text, FlushDecompress::Finish);
    text.truncate(inflater.total_out() as usize);
    let mut sum = flate2::Crc::new();
    sum.update(&text);
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    gzip.extend(deflate.get(..inflater.total_in() as usize).unwrap_or(deflate));
    gzip.extend(sum.sum().to_le_bytes());
    gzip.extend((text.len() as u32).to_le_bytes());
    gzip
}

/// The text, or why there is none: the same from libdeflate and from flate2, however small the pieces it reads.
fn inflaters_agree(gzip: &[u8], limits: Limits, piece: usize) -> Result<Vec<u8>, Reason> {
    let slow = verify(BufReader::with_capacity(piece, gzip), limits).map_err(|refusal| refusal.reason);
    let slow = slow.map(|length| {
        let mut text = Vec::new();
        open(BufReader::with_capacity(piece, gzip), limits).read_to_end(&mut text).expect("it was verified");
        assert_eq!(text.len() as u64, length);
        text
    });
    thread_local! {
        // As in the pipeline: one for all objects, so its buffer holds what was there before.
        static INFLATER: std::cell::RefCell<Inflater> = std::cell::RefCell::new(Inflater::new());
    }
    let fast = INFLATER.with_borrow_mut(|inflater| match inflater.inflate(gzip, limits) {
        Ok(Inflated::Whole(text)) => Ok(text.to_vec()),
        Ok(Inflated::Large) => panic!("nothing here is large"),
        Err(refusal) => Err(refusal.reason),
    });
    // An object that is damaged and too large may be told to be either: it depends on how far the reader saw.
    let either =
        matches!((&fast, &slow), (Err(fast), Err(slow)) if [fast, slow].contains(&&Reason::TooLargeUncompressed));
    assert!(
        either || fast == slow,
        "libdeflate gives {:?}, flate2 {:?}",
        fast.as_ref().map(Vec::len),
        slow.as_ref().map(Vec::len)
    );
    fast
}

/// The pipeline's verdict on the object is the inflater's.
fn scanned(gzip: &[u8], limits: Limits, text: &Result<Vec<u8>, Reason>) {
    if !gzip.starts_with(&[0x1f, 0x8b]) {
        return;
    }
    let found = Gathered::scan(&file("object.gz", gzip), &Options { threads: 1, limits, ..Options::default() });
    match text {
        Ok(text) => assert_eq!(found.totals.bytes_inflated, text.len() as u64),
        Err(reason) => {
            assert_eq!((found.totals.rows, found.totals.rejected), (0, 1), "{:?}", found.totals);
            assert!(found.totals.rejected_by_reason.contains_key(reason), "{reason}: {:?}", found.totals);
        }
    }
}

/// What a step is, whatever window it was found in.
#[derive(PartialEq, Eq)]
enum Found {
    Object(Vec<u8>),
    Other(Vec<u8>),
    Broken(Vec<u8>, Fault, bool),
    Trailing(Vec<u8>),
    Unclosed,
}

fn pieces_agree(text: &[u8], piece: usize) {
    let whole = split(text, text.len().max(1));
    let bytes: usize = whole.iter().map(Found::len).sum();
    assert!(bytes <= text.len(), "the parts are longer than the text");
    let pieces = split(text, piece);
    let same = pieces.iter().zip(&whole).take_while(|(one, other)| one == other).count();
    assert!(pieces == whole, "pieces of {piece}: step {same}: {:?}\nwhole: {:?}", pieces.get(same), whole.get(same));
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, bytes) = match self {
            Found::Object(bytes) => ("Object".to_owned(), bytes.as_slice()),
            Found::Other(bytes) => ("Other".to_owned(), bytes.as_slice()),
            Found::Broken(bytes, fault, document) => (format!("Broken {fault:?} {document}"), bytes.as_slice()),
            Found::Trailing(bytes) => ("Trailing".to_owned(), bytes.as_slice()),
            Found::Unclosed => ("Unclosed".to_owned(), [].as_slice()),
        };
        write!(f, "{name} ({} bytes) {:?}", bytes.len(), String::from_utf8_lossy(bytes))
    }
}

impl Found {
    fn len(&self) -> usize {
        match self {
            Found::Object(bytes) | Found::Other(bytes) | Found::Broken(bytes, ..) | Found::Trailing(bytes) => {
                bytes.len()
            }
            Found::Unclosed => 0,
        }
    }
}

/// Splits a text that comes in pieces, as the pipeline does.
fn split(text: &[u8], piece: usize) -> Vec<Found> {
    let (mut splitter, mut scanner, mut fields) = (Splitter::new(), Scanner::new(), Fields::default());
    let (mut window, mut read, mut found) = (Vec::new(), 0, Vec::new());
    loop {
        let more = &text[read..text.len().min(read + piece)];
        read += more.len();
        window.extend_from_slice(more);
        let last = more.is_empty();
        loop {
            found.push(match splitter.next(&window, last, &mut scanner, &mut fields) {
                Step::Object(range) => Found::Object(window[range].to_vec()),
                Step::Other(range) => Found::Other(window[range].to_vec()),
                Step::Broken { range, error, document } => Found::Broken(window[range].to_vec(), error.what, document),
                Step::Trailing(range) => Found::Trailing(window[range].to_vec()),
                Step::Unclosed => Found::Unclosed,
                Step::More => {
                    assert!(!last, "there is no more");
                    break;
                }
                Step::Done => return found,
            });
            assert!(found.len() <= text.len() + 2, "more steps than bytes");
        }
        let done = splitter.done().min(window.len());
        window.drain(..done);
        splitter.drop_front(done);
    }
}
