//! Generated corpora: trails of any size, and one file of gigabytes. Each lies in a temporary folder and goes with it.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use ingest::simulate::{self, Plan};
use ingest::source::Sources;
use tempfile::TempDir;

use crate::Outcome;

/// A folder of logs, deleted when it is dropped.
pub(crate) struct Corpus {
    folder: TempDir,
    /// The logs.
    pub(crate) dir: PathBuf,
}

impl Corpus {
    /// An empty folder in `TMPDIR`, where there is room for so many bytes.
    pub(crate) fn empty(bytes: u64) -> Outcome<Corpus> {
        let folder = tempfile::Builder::new().prefix("trailhound-bench-").tempdir()?;
        let free = free_bytes(folder.path())?;
        if free < bytes + bytes / 10 {
            let (wanted, free) = (bytes >> 20, free >> 20);
            return Err(
                format!("{wanted} MiB are needed in {}, {free} are free: set TMPDIR", folder.path().display()).into()
            );
        }
        let dir = folder.path().to_owned();
        Ok(Corpus { folder, dir })
    }

    /// A trail of so many events, `per_file` of them in a file.
    pub(crate) fn trail(events: u64, per_file: u32) -> Outcome<Corpus> {
        // An event takes 230 bytes in gzip, a file at least a block.
        let mut corpus = Corpus::empty(events * 260 + events / u64::from(per_file) * 4096)?;
        let plan = Plan { events, events_per_file: per_file, ..Plan::default() };
        corpus.dir = simulate::write(&plan, corpus.folder.path())?.trail;
        Ok(corpus)
    }

    /// One file of so many bytes of JSON: `{"Records":[…]}` in gzip, or JSON lines. No event is in it twice.
    pub(crate) fn one_file(json_bytes: u64, gzip: bool) -> Outcome<Corpus> {
        let mut corpus = Corpus::empty(if gzip { json_bytes / 4 } else { json_bytes })?;
        corpus.dir = corpus.folder.path().join(if gzip { "large.json.gz" } else { "large.jsonl" });
        let records = Records::generate()?;
        let file = BufWriter::with_capacity(1 << 20, File::create(&corpus.dir)?);
        if gzip {
            let mut out = GzEncoder::new(file, Compression::fast());
            out.write_all(b"{\"Records\":[")?;
            records.write(json_bytes, b",", &mut out)?;
            out.write_all(b"]}")?;
            out.finish()?.flush()?;
        } else {
            let mut out = file;
            records.write(json_bytes, b"\n", &mut out)?;
            out.flush()?;
        }
        Ok(corpus)
    }

    /// Adds a file.
    pub(crate) fn add(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        fs::write(self.dir.join(name), bytes)
    }
}

fn free_bytes(dir: &Path) -> Outcome<u64> {
    let output = Command::new("df").arg("-Pk").arg(dir).output()?;
    let text = String::from_utf8(output.stdout)?;
    let kib = text.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)).ok_or("df says nothing")?;
    Ok(kib.parse::<u64>()? * 1024)
}

/// Records of a generated trail, cut around their event ids.
struct Records(Vec<(String, String)>);

impl Records {
    fn generate() -> Outcome<Records> {
        const KEY: &str = "\"eventID\":\"";
        let trail = Corpus::trail(20_000, 20_000)?;
        let mut found = Vec::new();
        for input in Sources::new(&[&trail.dir])?.walk() {
            let input = input.map_err(|(name, error)| format!("{name}: {error}"))?;
            let mut text = String::new();
            GzDecoder::new(File::open(input.name)?).read_to_string(&mut text)?;
            let document: serde_json::Value = serde_json::from_str(&text)?;
            for record in document["Records"].as_array().into_iter().flatten() {
                let record = record.to_string();
                let Some(at) = record.find(KEY).map(|at| at + KEY.len()) else { continue };
                found.push((record[..at].to_owned(), record[at + 36..].to_owned()));
            }
        }
        Ok(Records(found))
    }

    fn write(&self, bytes: u64, between: &[u8], out: &mut impl Write) -> std::io::Result<()> {
        let mut written = 0;
        for (number, (head, tail)) in self.0.iter().cycle().enumerate() {
            if written >= bytes {
                break;
            }
            if number > 0 {
                out.write_all(between)?;
            }
            out.write_all(head.as_bytes())?;
            write!(out, "{number:08x}-0000-4000-8000-{number:012x}")?;
            out.write_all(tail.as_bytes())?;
            written += (head.len() + tail.len() + 37) as u64;
        }
        Ok(())
    }
}
