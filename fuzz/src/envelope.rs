//! Any bytes through the whole pipeline: no panic, totals that add up, and the same answer however the bytes arrive.

use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use ingest::gunzip::{Encoding, sniff};
use ingest::pipeline::Options;

use crate::gathered::{Gathered, file};

/// Bytes that fit into a pipe before anybody reads them.
const PIPE_BYTES: usize = 60_000;

/// The bytes are one object as it lies in a bucket.
pub fn check(data: &[u8]) {
    let threads = 1 + data.len() % 2;
    let options = Options { threads, ..Options::default() };
    let plain = Gathered::scan(&file("object", data), &options);
    // What is gzip, or a compression that is refused, means something else inside gzip.
    if sniff(data) != Encoding::Plain {
        return;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).expect("memory takes it");
    let packed = file("object.gz", &encoder.finish().expect("memory takes it"));
    same(&plain, &Gathered::scan(&packed, &options), "gzip");
    if data.len() < PIPE_BYTES {
        same(&plain, &through_pipe(data, &options), "a pipe, where text is streamed");
    }
    // Small batches cut differently and hold the same.
    let options = Options { batch_rows: 2, ..options };
    same(&plain, &Gathered::scan(&packed, &options), "batches of two rows");
}

fn through_pipe(data: &[u8], options: &Options) -> Gathered {
    use std::os::fd::AsRawFd;
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(data).expect("it fits");
    drop(writer);
    Gathered::scan(&PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd())), options)
}

fn same(one: &Gathered, other: &Gathered, how: &str) {
    assert_eq!(one.rows, other.rows, "{how}");
    assert_eq!(one.totals.rejected_by_reason, other.totals.rejected_by_reason, "{how}");
    assert_eq!(one.totals.records_in, other.totals.records_in, "{how}");
    assert_eq!(one.totals.duplicates, other.totals.duplicates, "{how}");
    assert_eq!(one.totals.bytes_inflated, other.totals.bytes_inflated, "{how}");
    let skipped = |found: &Gathered| found.totals.skipped.iter().map(|skipped| skipped.kind).collect::<Vec<_>>();
    assert_eq!(skipped(one), skipped(other), "{how}");
}
