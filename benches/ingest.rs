//! `.json.gz` → Arrow batches, beside plain inflation of the same files, in one run.
//!
//! `cargo bench -p trailhound-ingest --bench ingest [-- DIR]`. Without a folder it generates a sample trail. Every stage
//! runs in a process of its own, so that its peak memory is its own; figures are the best of three rounds, taken in
//! turns. What counts are the ratios: machines differ, and these are noisy.

#![allow(clippy::print_stdout)]

use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use ingest::pipeline::{Options, scan};
use ingest::source::{Place, Sources};

/// A stage's name, what it does, and how to run it on a folder with so many threads: events and bytes of JSON.
type Stage = (&'static str, &'static str, fn(&Path, usize) -> (u64, u64));

const STAGES: [Stage; 4] = [
    ("libdeflate", "bound: read + libdeflate, nothing else", libdeflate),
    ("flate2", "read + flate2 (zlib-rs), nothing else", flate2),
    ("arrow", "trailhound: .json.gz → Arrow batches, all columns", arrow),
    ("serde_json", "slow twin: flate2 + serde_json values", serde),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [flag, stage, dir, threads] = args.as_slice()
        && flag == "--stage"
    {
        return one(stage, Path::new(dir), threads.parse()?);
    }
    let keep = tempfile::tempdir()?;
    let dir = match args.first() {
        Some(dir) => PathBuf::from(dir),
        None => sample(keep.path())?,
    };
    let threads = std::thread::available_parallelism()?.get().min(2);
    let mut best: Vec<Option<Figures>> = vec![None; STAGES.len()];
    for _ in 0..3 {
        for (slot, (name, ..)) in best.iter_mut().zip(STAGES) {
            let figures = child(name, &dir, threads)?;
            if slot.as_ref().is_none_or(|old| figures.seconds < old.seconds) {
                *slot = Some(figures);
            }
        }
    }
    report(&dir, threads, &best);
    Ok(())
}

#[derive(Debug, Clone)]
struct Figures {
    events: f64,
    bytes: f64,
    seconds: f64,
    cpu: f64,
    peak_mib: f64,
}

fn report(dir: &Path, threads: usize, best: &[Option<Figures>]) {
    println!("\n{} on {threads} threads; best of 3; ratios are to the bound\n", dir.display());
    println!("{:<52} {:>11} {:>8} {:>7} {:>9} {:>9}", "stage", "events/s", "MB/s", "ratio", "CPU ratio", "peak MiB");
    let Some(Some(bound)) = best.first() else { return };
    for ((_, about, _), figures) in STAGES.iter().zip(best) {
        let Some(f) = figures else { continue };
        let (rate, bound_rate) = (f.bytes / f.seconds, bound.bytes / bound.seconds);
        // The bound counts no events: it is given those of the stages that do.
        let events = best.iter().flatten().map(|f| f.events).fold(0.0, f64::max);
        println!(
            "{about:<52} {:>11.0} {:>8.0} {:>7.2} {:>9.2} {:>9.0}",
            events / f.seconds,
            rate / 1e6,
            rate / bound_rate,
            bound.cpu / f.cpu,
            f.peak_mib
        );
    }
}

fn child(stage: &str, dir: &Path, threads: usize) -> Result<Figures, Box<dyn std::error::Error>> {
    let output =
        Command::new(std::env::current_exe()?).args(["--stage", stage]).arg(dir).arg(threads.to_string()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8(output.stdout)?;
    let mut words = text.split_whitespace().map(str::parse::<f64>);
    let mut next = || words.next().ok_or("short output")?.map_err(Box::<dyn std::error::Error>::from);
    Ok(Figures { events: next()?, bytes: next()?, seconds: next()?, cpu: next()?, peak_mib: next()? })
}

fn one(stage: &str, dir: &Path, threads: usize) -> Result<(), Box<dyn std::error::Error>> {
    let (_, _, run) = STAGES.iter().find(|(name, ..)| *name == stage).ok_or("no such stage")?;
    let start = Instant::now();
    let (events, bytes) = run(dir, threads);
    let seconds = start.elapsed().as_secs_f64();
    println!("{events} {bytes} {seconds} {} {}", cpu_seconds(), peak_mib());
    Ok(())
}

/// User and system time of this process, from `/proc` (clock ticks of 10 ms); zero elsewhere.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Peak resident memory of this process, from `/proc`; zero elsewhere.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

fn sample(dir: &Path) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let events = std::env::var("EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let plan = ingest::simulate::Plan { events, ..Default::default() };
    ingest::simulate::write(&plan, dir)?;
    Ok(dir.join("AWSLogs"))
}

/// Runs `read` on every file, on so many threads, and adds up the bytes it gives.
fn each_file(dir: &Path, threads: usize, read: impl Fn(&[u8]) -> (u64, u64) + Sync) -> (u64, u64) {
    let Ok(sources) = Sources::new(&[dir]) else { return (0, 0) };
    let walk = Mutex::new(sources.walk());
    let total = Mutex::new((0, 0));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = walk.lock().ok().and_then(|mut walk| walk.next());
                    let Some(Ok(input)) = next else { return };
                    let Place::File(path) = input.place else { continue };
                    let (events, bytes) = read(&std::fs::read(path).unwrap_or_default());
                    if let Ok(mut total) = total.lock() {
                        *total = (total.0 + events, total.1 + bytes);
                    }
                }
            });
        }
    });
    total.into_inner().unwrap_or_default()
}

fn libdeflate(dir: &Path, threads: usize) -> (u64, u64) {
    each_file(dir, threads, |stored| {
        thread_local! {
            static BUFFERS: std::cell::RefCell<(libdeflater::Decompressor, Vec<u8>)> =
                std::cell::RefCell::new((libdeflater::Decompressor::new(), Vec::new()));
        }
        let length = stored.last_chunk::<4>().map_or(0, |b| u32::from_le_bytes(*b) as usize);
        BUFFERS.with_borrow_mut(|(inflater, text)| {
            text.resize(text.len().max(length), 0);
            (0, inflater.gzip_decompress(stored, &mut text[..length]).unwrap_or_default() as u64)
        })
    })
}

fn flate2(dir: &Path, threads: usize) -> (u64, u64) {
    each_file(dir, threads, |stored| {
        let mut text = Vec::new();
        let read = flate2::bufread::GzDecoder::new(stored).read_to_end(&mut text);
        (0, read.unwrap_or_default() as u64)
    })
}

fn serde(dir: &Path, threads: usize) -> (u64, u64) {
    each_file(dir, threads, |stored| {
        let mut text = Vec::new();
        let bytes = flate2::bufread::GzDecoder::new(stored).read_to_end(&mut text).unwrap_or_default();
        let document: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        (document["Records"].as_array().map_or(0, Vec::len) as u64, bytes as u64)
    })
}

fn arrow(dir: &Path, threads: usize) -> (u64, u64) {
    let Ok(sources) = Sources::new(&[dir]) else { return (0, 0) };
    let options = Options { threads, ..Options::default() };
    let mut rows = 0;
    let totals = scan(&sources, &options, &mut |batch: arrow::array::RecordBatch| {
        rows += batch.num_rows() as u64;
        ControlFlow::Continue(())
    });
    let Ok(totals) = totals else { return (0, 0) };
    assert_eq!(totals.rows, rows);
    assert_eq!(totals.rejected, 0, "{:?}", totals.rejects.first());
    (totals.records_in, totals.bytes_inflated)
}
