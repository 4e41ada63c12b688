//! `trailhound sample`: a made-up organisation's trail to try things on.

use std::io;
use std::path::Path;

use ingest::simulate::{self, Plan, Summary};

use crate::cli::{Global, SampleArgs};
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::words::Words;
use crate::render::{self, Output};

pub(crate) fn run(args: &SampleArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let default = Plan::default();
    let plan = Plan {
        events: args.events,
        accounts: args.accounts,
        days: args.days,
        seed: args.seed,
        end: args.end.unwrap_or(default.end),
        events_per_file: args.events_per_file.unwrap_or(default.events_per_file),
    };
    let summary = write(&plan, &args.out)?;
    let mut out = io::stdout();
    match global.output {
        Output::Json => render::settle(render::json::document(&summary, &mut out))?,
        Output::Jsonl => render::settle(render::json::document_line(&summary, &mut out))?,
        Output::Table => {
            let mut report = Report::new(&mut out, global.rows().terminal);
            render::settle(tell(&summary, &mut report))?;
        }
        Output::Csv | Output::Parquet | Output::Arrow => {
            return Err(Failure::Usage("a sample's summary is not rows: use --output table or json".to_owned()));
        }
    }
    words.note(&format!("next: trailhound scan {}", summary.trail.display()));
    Ok(Outcome::Done)
}

/// Writes a trail.
///
/// # Errors
/// A plan that cannot be, or a disk that cannot be written.
pub(crate) fn write(plan: &Plan, out: &Path) -> Result<Summary, Failure> {
    // Two trails in one folder would be read as one.
    if out.join("AWSLogs").exists() {
        let text = format!("{} holds a trail already: choose another folder, or remove it", out.display());
        return Err(Failure::Usage(text));
    }
    simulate::write(plan, out).map_err(|error| match error {
        simulate::Error::Plan { .. } => Failure::Usage(error.to_string()),
        _ => Failure::Io(error.to_string()),
    })
}

fn tell(summary: &Summary, report: &mut Report<'_>) -> io::Result<()> {
    report.title(&format!("{} events in {} files", number(summary.events), number(summary.files)))?;
    report.facts(&[
        ("trail", summary.trail.display().to_string()),
        ("from", summary.start.clone()),
        ("to", summary.end.clone()),
        ("accounts", summary.accounts.join(", ")),
        ("regions", summary.regions.join(", ")),
        ("delivered twice", number(summary.duplicates)),
        ("bytes", format!("{} of JSON, {} as gzip", number(summary.bytes_json), number(summary.bytes_gz))),
        ("planted", format!("{} attacks and oddities, listed by --output json", summary.planted.len())),
    ])
}
