//! rsigma-eval on a folder of log files: `sigma-peer RULES.yml DIR`. Prints rules, events, matches, the CPU seconds of
//! reading and of matching, and the peak of resident memory in MiB.

use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};

use rsigma_eval::Engine;
use rsigma_eval::event::JsonEvent;
use rsigma_parser::parse_sigma_yaml;
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let rules = arguments.next().ok_or("sigma-peer RULES.yml DIR")?;
    let folder = arguments.next().ok_or("sigma-peer RULES.yml DIR")?;
    let collection = parse_sigma_yaml(&std::fs::read_to_string(rules)?)?;
    let mut engine = Engine::new();
    let refused = engine.add_rules(collection.rules.iter());
    let (mut events, mut matches, mut reading, mut matching) = (0u64, 0u64, 0f64, 0f64);
    for file in files(Path::new(&folder))? {
        let start = cpu_seconds();
        let mut text = Vec::new();
        flate2::read::MultiGzDecoder::new(std::fs::File::open(file)?).read_to_end(&mut text)?;
        let document: Value = serde_json::from_slice(&text)?;
        let read = cpu_seconds();
        for record in document.get("Records").and_then(Value::as_array).into_iter().flatten() {
            events += 1;
            matches += engine.evaluate(&JsonEvent::borrow(record)).len() as u64;
        }
        reading += read - start;
        matching += cpu_seconds() - read;
    }
    let rules = collection.rules.len() - refused.len();
    println!("{rules} {events} {matches} {reading} {matching} {}", peak_mib());
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(".json.gz") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// CPU time of this thread, in seconds.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

/// Peak resident memory of this process.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
