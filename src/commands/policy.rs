//! `trailhound policy`: deciding requests, writing smaller policies, and trying them on what was recorded.

mod generate;
mod replay;
mod simulate;

use std::path::{Path, PathBuf};

use ::access::inventory::Inventory;
use ::access::policy::Document;

use crate::cli::{Global, PolicyCommand};
use crate::outcome::{Failure, Outcome};
use crate::render::words::Words;

pub(crate) fn run(command: &PolicyCommand, global: &Global, words: Words) -> Result<Outcome, Failure> {
    match command {
        PolicyCommand::Simulate(args) => simulate::run(args, global, words),
        PolicyCommand::Generate(args) => generate::run(args, global, words),
        PolicyCommand::Replay(args) => replay::run(args, global, words),
    }
}

/// A file's text.
fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|e| Failure::Io(format!("{}: {e}; check the path", path.display())))
}

/// A policy document from a file.
fn document(path: &Path) -> Result<Document, Failure> {
    Document::parse_text(&read(path)?).map_err(|reason| Failure::Usage(format!("{}: {reason}", path.display())))
}

/// The inventories of the accounts' authorization details.
fn inventories(grants: &[PathBuf], scps: Option<&Path>) -> Result<Vec<Inventory>, Failure> {
    let wrong = |error: ::access::inventory::Error| Failure::Usage(error.to_string());
    let mut found = Vec::new();
    for path in grants {
        let mut inventory = Inventory::parse(&read(path)?, &path.display().to_string()).map_err(wrong)?;
        if let Some(scps) = scps {
            inventory.add_scps(&read(scps)?, &scps.display().to_string()).map_err(wrong)?;
        }
        found.push(inventory);
    }
    Ok(found)
}
