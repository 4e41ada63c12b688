//! How fast: beside inflation of the same files, with many small files, and with ten times as many events.

use std::path::Path;

use crate::child::{Figures, in_turns};
use crate::corpus::Corpus;
use crate::stage::STAGES;
use crate::{Outcome, number, result, threads};

/// `.json.gz` → Arrow batches, beside libdeflate inflating the same files.
pub(crate) fn inflation(dir: Option<&Path>) -> Outcome<()> {
    let generated = if dir.is_none() { Some(Corpus::trail(number("EVENTS", 1_000_000), 400)?) } else { None };
    let Some(dir) = dir.or(generated.as_ref().map(|corpus| corpus.dir.as_path())) else { return Ok(()) };
    let names: Vec<&str> = STAGES.iter().map(|stage| stage.0).filter(|name| *name != "hostile").collect();
    let figures = in_turns(&names, dir, threads(), 3)?;
    table(&names, &figures, 3);
    if let [bound, ours, ..] = figures.as_slice() {
        let ratio = bound.seconds / ours.seconds;
        result(
            "`.json.gz` → Arrow batches, all columns",
            "libdeflate alone, same files and threads",
            ">= 0.50 of its speed",
            &format!(
                "{ratio:.2} ({:.2} by CPU time); {:.0} events/s",
                bound.cpu / ours.cpu,
                ours.events / ours.seconds
            ),
            ratio >= 0.5,
        );
    }
    Ok(())
}

fn table(names: &[&str], figures: &[Figures], rounds: u32) {
    let threads = threads();
    println!("\n{threads} threads; best of {rounds} rounds, taken in turns; ratios are to the first line\n");
    println!(
        "{:<52} {:>11} {:>8} {:>9} {:>7} {:>9} {:>9}",
        "stage", "events/s", "MB/s", "files/s", "ratio", "CPU ratio", "peak MiB"
    );
    let Some(bound) = figures.first() else { return };
    // The bound counts no events: it is given those of the stages that do.
    let events = figures.iter().map(|f| f.events).fold(0.0, f64::max);
    for (name, f) in names.iter().zip(figures) {
        let about = STAGES.iter().find(|stage| stage.0 == *name).map_or(*name, |stage| stage.1);
        println!(
            "{about:<52} {:>11.0} {:>8.0} {:>9.0} {:>7.2} {:>9.2} {:>9.0}",
            events / f.seconds,
            f.bytes / f.seconds / 1e6,
            f.files / f.seconds,
            bound.seconds / f.seconds,
            bound.cpu / f.cpu,
            f.peak_mib
        );
    }
    println!();
}

/// Many files of about five events.
pub(crate) fn small() -> Outcome<()> {
    let corpus = Corpus::trail(number("FILES", 300_000) * 5, 5)?;
    let names = ["libdeflate", "arrow"];
    let figures = in_turns(&names, &corpus.dir, threads(), 3)?;
    table(&names, &figures, 3);
    if let [bound, ours] = figures.as_slice() {
        let (ratio, rate) = (bound.seconds / ours.seconds, ours.files / ours.seconds);
        result(
            &format!("{:.0} files of {:.1} events → Arrow batches", ours.files, ours.events / ours.files),
            "reading and inflating alone",
            ">= 0.5, >= 20,000 files/s",
            &format!("{ratio:.2} ({:.2} by CPU time); {rate:.0} files/s", bound.cpu / ours.cpu),
            ratio >= 0.5 && rate >= 20_000.0,
        );
        let peak = ours.peak_mib;
        result("the same, memory", "none", "<= 512 MiB", &format!("{peak:.0} MiB"), peak <= 512.0);
    }
    Ok(())
}

/// Ten times the events.
pub(crate) fn scaling() -> Outcome<()> {
    let events = number("EVENTS", 1_000_000);
    let mut took = Vec::new();
    for events in [events, events * 10] {
        let corpus = Corpus::trail(events, 400)?;
        let figures = in_turns(&["libdeflate", "arrow"], &corpus.dir, threads(), 2)?;
        println!("\n{events} events:");
        table(&["libdeflate", "arrow"], &figures, 2);
        took.extend(figures.get(1).copied());
    }
    if let [small, large] = took.as_slice() {
        // A trail of exactly ten times the records is not made: the time is set against what there is.
        let more = large.events / small.events;
        let (wall, cpu) = (large.seconds / small.seconds / more * 10.0, large.cpu / small.cpu / more * 10.0);
        result(
            &format!("{:.0} → {:.0} events", small.events, large.events),
            "time, for ten times the events",
            "<= 10.5 x",
            &format!("{wall:.2} x ({cpu:.2} x CPU time); peak {:.0} → {:.0} MiB", small.peak_mib, large.peak_mib),
            wall <= 10.5,
        );
    }
    Ok(())
}
