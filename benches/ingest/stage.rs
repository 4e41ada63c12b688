//! The stages: ways to read every file of a folder on so many threads.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use ingest::gunzip::Limits;
use ingest::pipeline::{Options, scan};
use ingest::reject::Totals;
use ingest::source::{Place, Sources};
use sha2::{Digest, Sha256};

use crate::Outcome;

/// What a stage read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    /// Objects.
    pub(crate) files: u64,
    /// Events, where the stage counts them.
    pub(crate) events: u64,
    /// Bytes of text after inflation.
    pub(crate) bytes: u64,
}

/// A stage's name, what it does, and how to run it.
pub(crate) type Stage = (&'static str, &'static str, fn(&Path, usize) -> Outcome<Sum>);

/// All stages; the first is the bound.
pub(crate) const STAGES: [Stage; 6] = [
    ("libdeflate", "bound: read + libdeflate, nothing else", libdeflate),
    ("hashed", "read + libdeflate + SHA-256 of the text: what a ledger asks for", hashed),
    ("arrow", "trailhound: .json.gz → Arrow batches, all columns", arrow),
    ("flate2", "read + flate2 (zlib-rs), nothing else", flate2),
    ("serde_json", "slow twin: flate2 + serde_json values", serde),
    ("hostile", "trailhound, whatever is refused", hostile),
];

/// Runs `read` on every file, on so many threads, and adds up what it gives: events and bytes of text.
fn each_file(dir: &Path, threads: usize, read: impl Fn(&[u8]) -> (u64, u64) + Sync) -> Outcome<Sum> {
    let sources = Sources::new(&[dir])?;
    let walk = Mutex::new(sources.walk());
    let work = || {
        let mut sum = Sum::default();
        let mut stored = Vec::new();
        loop {
            let next = walk.lock().ok().and_then(|mut walk| walk.next());
            let Some(Ok(input)) = next else { return sum };
            let Place::File(path) = input.place else { continue };
            stored.clear();
            if std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut stored)).is_err() {
                continue;
            }
            let (events, bytes) = read(&stored);
            sum = Sum { files: sum.files + 1, events: sum.events + events, bytes: sum.bytes + bytes };
        }
    };
    let sums: Vec<Sum> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    Ok(sums.into_iter().fold(Sum::default(), |a, b| Sum {
        files: a.files + b.files,
        events: a.events + b.events,
        bytes: a.bytes + b.bytes,
    }))
}

fn libdeflate(dir: &Path, threads: usize) -> Outcome<Sum> {
    each_file(dir, threads, |stored| inflated(stored, |text| (0, text.len() as u64)))
}

fn hashed(dir: &Path, threads: usize) -> Outcome<Sum> {
    let hash = |text: &[u8]| {
        std::hint::black_box(Sha256::digest(text));
        (0, text.len() as u64)
    };
    each_file(dir, threads, |stored| inflated(stored, hash))
}

/// What is made of the text of a file, inflated whole into a thread's own buffer.
fn inflated<T>(stored: &[u8], take: impl FnOnce(&[u8]) -> T) -> T {
    thread_local! {
        static BUFFERS: std::cell::RefCell<(libdeflater::Decompressor, Vec<u8>)> =
            std::cell::RefCell::new((libdeflater::Decompressor::new(), Vec::new()));
    }
    let length = stored.last_chunk::<4>().map_or(0, |b| u32::from_le_bytes(*b) as usize);
    BUFFERS.with_borrow_mut(|(inflater, text)| {
        text.resize(text.len().max(length), 0);
        let bytes = inflater.gzip_decompress(stored, &mut text[..length]).unwrap_or_default();
        take(&text[..bytes])
    })
}

fn flate2(dir: &Path, threads: usize) -> Outcome<Sum> {
    each_file(dir, threads, |stored| {
        let mut text = Vec::new();
        let read = flate2::bufread::GzDecoder::new(stored).read_to_end(&mut text);
        (0, read.unwrap_or_default() as u64)
    })
}

fn serde(dir: &Path, threads: usize) -> Outcome<Sum> {
    each_file(dir, threads, |stored| {
        let mut text = Vec::new();
        let bytes = flate2::bufread::GzDecoder::new(stored).read_to_end(&mut text).unwrap_or_default();
        let document: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        (document["Records"].as_array().map_or(0, Vec::len) as u64, bytes as u64)
    })
}

/// What a user of a huge file sets; the memory must not depend on it.
const NO_LIMIT: Limits = Limits { inflated_bytes: u64::MAX, accept_trailing_data: false };

fn scanned(dir: &Path, threads: usize, limits: Limits) -> Outcome<Totals> {
    let options = Options { threads, limits, ..Options::default() };
    let mut rows = 0;
    let totals = scan(&Sources::new(&[dir])?, &options, &mut |batch: arrow::array::RecordBatch| {
        rows += batch.num_rows() as u64;
        ControlFlow::Continue(())
    })?;
    if totals.rows != rows || !totals.balanced() {
        return Err(format!("{rows} rows came, but {totals:?}").into());
    }
    Ok(totals)
}

fn read(totals: &Totals) -> Sum {
    Sum { files: totals.objects, events: totals.records_in, bytes: totals.bytes_inflated }
}

fn arrow(dir: &Path, threads: usize) -> Outcome<Sum> {
    let totals = scanned(dir, threads, NO_LIMIT)?;
    match totals.rejects.first() {
        Some(reject) => Err(format!("rejected: {reject:?}").into()),
        None => Ok(read(&totals)),
    }
}

fn hostile(dir: &Path, threads: usize) -> Outcome<Sum> {
    Ok(read(&scanned(dir, threads, Limits::default())?))
}
