//! How much memory, whatever the input: one file of gigabytes, and bombs.

use std::time::Duration;

use crate::bombs::{self, KINDS};
use crate::child::run;
use crate::corpus::Corpus;
use crate::{Outcome, number, result, threads};

/// The promise, in MiB.
const BOUND_MIB: f64 = 512.0;

/// Prints the peak of each kind of input. Hundreds of thousands of small files are in the bench `small`.
pub(crate) fn memory() -> Outcome<()> {
    println!(
        "\n{} threads; peak resident memory of a process that reads nothing else; bound {BOUND_MIB} MiB\n",
        threads()
    );
    println!("{:<64} {:>9} {:>9} {:>11}", "input", "peak MiB", "seconds", "events");
    if std::env::var_os("BOMB").is_none() {
        large()?;
    }
    let (count, megabytes) = (number("BOMBS", 24), number("BOMB_MB", 50));
    let mut worst = 0.0f64;
    let mut failed = Vec::new();
    let only = std::env::var("BOMB").ok();
    for (name, about, make) in KINDS.into_iter().filter(|kind| only.as_ref().is_none_or(|only| only == kind.0)) {
        let corpus = bombs(count, megabytes * 1_000_000, make)?;
        let about = format!("{count} x {megabytes} MB: {about}");
        match run("hostile", &corpus.dir, threads(), Duration::from_secs(number("BOMB_SECONDS", 120))) {
            Ok(f) => {
                println!("{about:<64} {:>9.0} {:>9.1} {:>11.0}", f.peak_mib, f.seconds, f.events);
                worst = worst.max(f.peak_mib);
                if f.peak_mib > BOUND_MIB {
                    failed.push(format!("{name} {:.0} MiB", f.peak_mib));
                }
            }
            Err(error) => {
                println!("{about:<64} {error}");
                failed.push(format!("{name}: {error}"));
            }
        }
    }
    println!();
    let measured = if failed.is_empty() { format!("{worst:.0} MiB") } else { format!("over: {}", failed.join("; ")) };
    let what = format!("{count} bombs of {megabytes} MB, {} kinds: peak memory", KINDS.len());
    result(&what, "none", "<= 512 MiB", &measured, failed.is_empty());
    Ok(())
}

/// So many objects of one kind. Between them lie files of blanks, large enough that each bomb is a task of its own:
/// otherwise one worker would read all of them.
fn bombs(count: u64, bytes: u64, make: bombs::Text) -> Outcome<Corpus> {
    let corpus = Corpus::empty(64 << 20)?;
    corpus.add("between", &vec![b' '; 5 << 20])?;
    for at in 0..count {
        corpus.add(&format!("{at:03}.json.gz"), &bombs::pack(|out| make(at, bytes, out))?)?;
        std::fs::hard_link(corpus.dir.join("between"), corpus.dir.join(format!("{at:03}.json.gz.blanks")))?;
    }
    Ok(corpus)
}

fn large() -> Outcome<()> {
    let megabytes = number("LARGE_MB", 5_000);
    for (gzip, about) in [(true, "one gzip object"), (false, "JSON lines")] {
        let corpus = Corpus::one_file(megabytes * 1_000_000, gzip)?;
        let what = format!("{megabytes} MB of JSON in one file, {about}");
        let f = run("arrow", &corpus.dir, threads(), Duration::from_secs(1800))?;
        println!("{what:<64} {:>9.0} {:>9.1} {:>11.0}", f.peak_mib, f.seconds, f.events);
        let measured = format!("{:.0} MiB ({:.0} MB/s)", f.peak_mib, f.bytes / f.seconds / 1e6);
        result(&format!("{what}: peak memory"), "none", "<= 512 MiB", &measured, f.peak_mib <= BOUND_MIB);
    }
    Ok(())
}
