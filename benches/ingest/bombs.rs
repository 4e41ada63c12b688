//! Objects that are small in gzip and large in what they ask for.

use std::io::{BufWriter, Result, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Writes the text of the object of a number, of about so many bytes.
pub(crate) type Text = fn(u64, u64, &mut dyn Write) -> Result<()>;
/// A name, what it is, and its text.
type Bomb = (&'static str, &'static str, Text);

/// Every kind.
pub(crate) const KINDS: [Bomb; 14] = [
    ("zeros", "NUL bytes", |_, bytes, out| fill(out, b"\0", bytes)),
    ("blanks", "white space", |_, bytes, out| fill(out, b" ", bytes)),
    ("deep lists", "[[[[ and no end", |_, bytes, out| fill(out, b"[", bytes)),
    ("deep objects", "{\"a\":{\"a\": and no end", |_, bytes, out| fill(out, b"{\"a\":", bytes)),
    ("long string", "a record with one huge string", |at, bytes, out| {
        record(at, out, "\"requestParameters\":\"", |out| fill(out, b"x", bytes), "\"")
    }),
    ("long name", "a record with a huge eventName, another in each object", |at, bytes, out| {
        record(at, out, &format!("\"eventName\":\"{at}"), |out| fill(out, b"y", bytes), "\"")
    }),
    ("control characters", "a string of bytes that are escaped on output", |at, bytes, out| {
        record(at, out, "\"requestParameters\":\"", |out| fill(out, b"\x01", bytes), "\"")
    }),
    ("resources", "a record with a list of millions of resources", |at, bytes, out| {
        record(at, out, "\"resources\":[", |out| fill(out, b"{\"ARN\":\"\"},", bytes), "{}]")
    }),
    ("scalars", "a record with a list of millions of numbers as resources", |at, bytes, out| {
        record(at, out, "\"resources\":[", |out| fill(out, b"0,", bytes), "0]")
    }),
    ("tiny records", "the smallest records", |_, bytes, out| {
        list(out, b"{\"eventSource\":\"\",\"eventName\":\"\"}", bytes)
    }),
    ("empty objects", "{} as records", |_, bytes, out| list(out, b"{}", bytes)),
    ("numbers", "numbers as records", |_, bytes, out| list(out, b"0", bytes)),
    ("bare words", "x as records, which is no JSON", |_, bytes, out| list(out, b"x", bytes)),
    ("long names", "records with an eventName of 10 kB, all different", long_names),
];

/// The text in gzip.
pub(crate) fn pack(write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<Vec<u8>> {
    let mut out = BufWriter::with_capacity(1 << 20, GzEncoder::new(Vec::new(), Compression::fast()));
    write(&mut out)?;
    out.into_inner()?.finish()
}

fn fill(out: &mut dyn Write, unit: &[u8], bytes: u64) -> Result<()> {
    let block = unit.repeat((1 << 16) / unit.len());
    (0..bytes.div_ceil(block.len() as u64)).try_for_each(|_| out.write_all(&block))
}

fn list(out: &mut dyn Write, unit: &[u8], bytes: u64) -> Result<()> {
    out.write_all(b"{\"Records\":[")?;
    fill(out, &[unit, b","].concat(), bytes)?;
    out.write_all(unit)?;
    out.write_all(b"]}")
}

/// One record with a field that is huge.
fn record(
    at: u64,
    out: &mut dyn Write,
    open: &str,
    huge: impl FnOnce(&mut dyn Write) -> Result<()>,
    close: &str,
) -> Result<()> {
    write!(
        out,
        "{{\"Records\":[{{\"eventVersion\":\"1.08\",\"eventSource\":\"s3.amazonaws.com\",\"eventID\":\"{at}\","
    )?;
    write!(out, "\"eventName\":\"x\",{open}")?;
    huge(out)?;
    write!(out, "{close}}}]}}")
}

fn long_names(at: u64, bytes: u64, out: &mut dyn Write) -> Result<()> {
    out.write_all(b"{\"Records\":[")?;
    let padding = "n".repeat(10_000);
    for number in 0..bytes / 10_000 {
        let comma = if number > 0 { "," } else { "" };
        write!(out, "{comma}{{\"eventSource\":\"s3.amazonaws.com\",\"eventName\":\"{at}-{number}-{padding}\"}}")?;
    }
    out.write_all(b"]}")
}
