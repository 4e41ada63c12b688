//! Where rules come from: the shipped pack, and users' own folders.
//!
//! Rules are data. The pack's files are built in, so that the command needs nothing beside itself; `rules/` is where
//! they are written and read. Knows files and no events.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::RuleError;
use crate::modifier::Lists;
use crate::rule::{MAX_FILE_BYTES, Parsed, Rule, parse};

/// The shipped rules: name and YAML text, in order of name.
pub const SHIPPED: &[(&str, &str)] = &[
];

/// Most files that a folder of rules may hold.
const MAX_FILES: usize = 100_000;
/// Deepest folder below the one given.
const MAX_DEPTH: usize = 32;

/// The shipped pack. A test keeps it free of errors.
pub fn shipped() -> Vec<Rule> {
    let parsed = SHIPPED.iter().map(|(name, yaml)| parse(&format!("{name}.yml"), yaml, &Lists::new()));
    parsed.flat_map(|parsed| parsed.rules).collect()
}

/// Reads a rule file, or every `.yml` and `.yaml` file below a folder, in order of path. What cannot be used is in
/// `errors`, and the rest is loaded. `lists` are the values for the `expand` modifier.
pub fn load(path: &Path, lists: &Lists) -> Parsed {
    let mut all = Parsed::default();
    let mut files = Vec::new();
    collect(path, 0, &mut files, &mut all.errors);
    files.sort();
    for file in files {
        let name = file.display().to_string();
        match read(&file) {
            Ok(yaml) => {
                let parsed = parse(&name, &yaml, lists);
                all.rules.extend(parsed.rules);
                all.errors.extend(parsed.errors);
            }
            Err(reason) => all.errors.push(RuleError { file: name, rule: None, line: None, reason }),
        }
    }
    all
}

fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>, errors: &mut Vec<RuleError>) {
    let mut refuse = |reason: String| {
        errors.push(RuleError { file: path.display().to_string(), rule: None, line: None, reason });
    };
    if depth > MAX_DEPTH {
        return refuse(format!("folders nested deeper than {MAX_DEPTH}"));
    }
    if !path.is_dir() {
        return if files.len() < MAX_FILES {
            files.push(path.to_owned());
        } else {
            refuse(format!("more than {MAX_FILES} files"));
        };
    }
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) => return refuse(format!("cannot be listed: {e}")),
    };
    for entry in entries {
        match entry.map(|e| e.path()) {
            Ok(inner) if inner.is_dir() || is_yaml(&inner) => collect(&inner, depth + 1, files, errors),
            Ok(_) => {}
            Err(e) => {
                let file = path.display().to_string();
                errors.push(RuleError { file, rule: None, line: None, reason: format!("cannot be listed: {e}") });
            }
        }
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("yml") || e.eq_ignore_ascii_case("yaml"))
}

fn read(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|e| format!("cannot be opened: {e}"))?;
    let mut text = String::new();
    // One byte more than allowed is enough to know that it is too much.
    let limit = MAX_FILE_BYTES as u64 + 1;
    file.take(limit).read_to_string(&mut text).map_err(|e| format!("cannot be read as text: {e}"))?;
    Ok(text)
}
