//! `trailhound rules test`: every rule on the events beside it.

use std::io;

use ::alerts::proof::{Proof, prove};
use serde_json::json;

use super::refused;
use crate::cli::Global;
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::words::Words;
use crate::render::{self, Output};
use crate::rulebook::Rulebook;

pub(super) fn run(book: Rulebook, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let proofs = prove(&book.rules);
    let sum = |count: fn(&Proof) -> usize| proofs.iter().map(count).sum::<usize>();
    let (hits, misses, wrong) = (sum(|p| p.hits), sum(|p| p.misses), sum(|p| p.wrong.len()));
    let untested = |p: &&Proof| p.hits + p.misses + p.wrong.len() == 0;
    let untested: Vec<&str> = proofs.iter().filter(untested).map(|p| p.file.as_str()).collect();
    let mut out = io::stdout();
    match global.output {
        Output::Json | Output::Jsonl => {
            let whole = json!({
                "files": proofs.len(), "hits": hits, "misses": misses, "untested": untested,
                "wrong": proofs.iter().filter(|p| !p.wrong.is_empty()).collect::<Vec<_>>(),
            });
            render::settle(match global.output {
                Output::Json => render::json::document(&whole, &mut out),
                _ => render::json::document_line(&whole, &mut out),
            })?;
        }
        Output::Csv | Output::Parquet => {
            return Err(Failure::Usage("proofs are not rows: use --output table or json".to_owned()));
        }
        Output::Table => {
            let mut report = Report::new(&mut out, global.rows().terminal);
            let told = (|| {
                let cases = number((hits + misses) as u64);
                let (bad, bare) = (number(wrong as u64), number(untested.len() as u64));
                report.prose(&format!(
                    "{cases} events come out as they say, {bad} do not; {bare} files have no events."
                ))?;
                for proof in &proofs {
                    for wrong in &proof.wrong {
                        let line = wrong.line.map_or_else(String::new, |line| format!(", event {line}"));
                        report.prose(&format!("{}{line}: {}", proof.file, wrong.reason))?;
                    }
                }
                Ok(())
            })();
            render::settle(told)?;
        }
    }
    let read = refused(&book.errors, words);
    Ok(if wrong > 0 { Outcome::Findings } else { read })
}
