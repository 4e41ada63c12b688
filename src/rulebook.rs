//! From a command's flags to rules: the shipped pack, users' folders, the values of placeholders, filters.
//!
//! A rule that cannot be used is told, with file and line, and the rest is run; the exit code says that there was one.

use std::path::{Path, PathBuf};

use alerts::rule::Parsed;
use alerts::{Engine, Lists, Rule, RuleError, Settings, filter, pack};

use crate::cli::RuleFlags;
use crate::outcome::{Failure, Outcome};
use crate::render::words::Words;

/// Largest file of a list's values, in bytes.
const MAX_LIST_BYTES: usize = 16 * 1024 * 1024;

/// Rules to run, and those that cannot be.
#[derive(Debug, Default)]
pub(crate) struct Rulebook {
    /// With filters put on.
    pub(crate) rules: Vec<Rule>,
    /// Number of filters.
    pub(crate) filters: usize,
    pub(crate) errors: Vec<RuleError>,
}

impl Rulebook {
    /// The rules that a command's flags name.
    ///
    /// # Errors
    /// A folder or a list that is not there.
    pub(crate) fn open(flags: &RuleFlags, words: Words) -> Result<Rulebook, Failure> {
        Rulebook::read(&flags.rules, &flags.lists.lists, !flags.no_shipped_rules, words)
    }

    /// The rules below folders, and the shipped ones if asked for.
    ///
    /// # Errors
    /// A folder or a list that is not there.
    pub(crate) fn read(
        folders: &[PathBuf],
        lists: &[(String, PathBuf)],
        shipped: bool,
        words: Words,
    ) -> Result<Rulebook, Failure> {
        let mut values = Lists::new();
        for (name, file) in lists {
            values.entry(name.clone()).or_default().extend(read_list(file)?);
        }
        let mut all = Parsed { rules: if shipped { pack::shipped() } else { Vec::new() }, ..Parsed::default() };
        for folder in folders {
            std::fs::metadata(folder)
                .map_err(|e| Failure::Io(format!("{}: {e}; give a folder of rules", folder.display())))?;
            let parsed = pack::load(folder, &values);
            if parsed.rules.is_empty() && parsed.filters.is_empty() && parsed.errors.is_empty() {
                words.warning(&format!("{}: no rules in it: rules are .yml or .yaml files", folder.display()));
            }
            all.extend(parsed);
        }
        all.errors.extend(filter::apply(&mut all.rules, &all.filters));
        Ok(Rulebook { rules: all.rules, filters: all.filters.len(), errors: all.errors })
    }

    /// An engine of the rules that can run together. The others are told, and in the outcome.
    pub(crate) fn engine(self, words: Words) -> (Engine, Outcome) {
        let (engine, mut errors) = Engine::new(self.rules, &Settings::default());
        errors.extend(self.errors);
        errors.sort();
        for error in &errors {
            words.error(&error.to_string());
        }
        if errors.is_empty() {
            return (engine, Outcome::Done);
        }
        let (refused, run) = (errors.len(), engine.rules().len());
        words.warning(&format!("{refused} rules cannot be used, as said above; the other {run} were run"));
        (engine, Outcome::Rejected)
    }
}

/// One value a line; empty lines and those that begin with `#` are none.
fn read_list(file: &Path) -> Result<Vec<String>, Failure> {
    let fault =
        |reason: String| Failure::Io(format!("{}: {reason}; give a file with one value a line", file.display()));
    let text = alerts::file::text(file, MAX_LIST_BYTES).map_err(fault)?;
    let values = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(values.map(str::to_owned).collect())
}
