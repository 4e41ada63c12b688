//! A stage in a process of its own, and what it cost.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::stage::STAGES;

/// What one run of a stage read and cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// Objects read.
    pub(crate) files: f64,
    /// Events, where the stage counts them.
    pub(crate) events: f64,
    /// Bytes of text after inflation.
    pub(crate) bytes: f64,
    /// Wall time.
    pub(crate) seconds: f64,
    /// User and system time.
    pub(crate) cpu: f64,
    /// Most resident memory.
    pub(crate) peak_mib: f64,
}

/// Address space that a stage may take: a bomb that works must not take the machine with it.
const ADDRESS_KIB: u64 = 12 << 20;

/// The child's side: runs the stage and prints its figures.
pub(crate) fn answer(stage: &str, dir: &Path, threads: usize) -> Outcome<()> {
    let (_, _, run) = STAGES.iter().find(|(name, ..)| *name == stage).ok_or("no such stage")?;
    let start = Instant::now();
    let sum = run(dir, threads)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{} {} {} {seconds} {} {}", sum.files, sum.events, sum.bytes, cpu_seconds(), peak_mib());
    Ok(())
}

/// Runs a stage on a folder.
///
/// # Errors
/// It failed, ran out of memory, or took longer than `limit`.
pub(crate) fn run(stage: &str, dir: &Path, threads: usize, limit: Duration) -> Outcome<Figures> {
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -v {ADDRESS_KIB}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe()?)
        .args(["--stage", stage])
        .arg(dir)
        .arg(threads.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if start.elapsed() > limit => {
                child.kill()?;
                child.wait()?;
                return Err(format!("more than {} s", limit.as_secs()).into());
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let (mut text, mut errors) = (String::new(), String::new());
    child.stdout.take().ok_or("no output")?.read_to_string(&mut text)?;
    child.stderr.take().ok_or("no output")?.read_to_string(&mut errors)?;
    if !status.success() {
        let last = errors.lines().last().unwrap_or_default();
        return Err(format!("{status}: {last}").into());
    }
    let mut words = text.split_whitespace().map(str::parse::<f64>);
    let mut next = || words.next().ok_or("short output")?.map_err(Box::<dyn std::error::Error>::from);
    Ok(Figures { files: next()?, events: next()?, bytes: next()?, seconds: next()?, cpu: next()?, peak_mib: next()? })
}

/// The best of `rounds` of each stage, which take turns.
pub(crate) fn in_turns(stages: &[&str], dir: &Path, threads: usize, rounds: u32) -> Outcome<Vec<Figures>> {
    let mut best: Vec<Option<Figures>> = vec![None; stages.len()];
    for _ in 0..rounds {
        for (slot, name) in best.iter_mut().zip(stages) {
            let figures = run(name, dir, threads, Duration::from_secs(1800))?;
            let seconds = slot.map_or(f64::INFINITY, |best: Figures| best.seconds.min(figures.seconds));
            // Wall and CPU time are disturbed by different things: the best of each.
            let cpu = slot.map_or(figures.cpu, |best| best.cpu.min(figures.cpu));
            let peak_mib = slot.map_or(figures.peak_mib, |best| best.peak_mib.max(figures.peak_mib));
            *slot = Some(Figures { seconds: seconds.min(figures.seconds), cpu, peak_mib, ..figures });
        }
    }
    best.into_iter().map(|figures| figures.ok_or_else(|| "no round".into())).collect()
}

/// User and system time of this process, from `/proc` (clock ticks of 10 ms); zero elsewhere.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Peak resident memory of this process, from `/proc` (the figure that `getrusage` gives); zero elsewhere.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
