//! Half-written files on a file system: what a writer that died has left under a temporary name.
//!
//! object_store writes `NAME#1` (or a higher number) and renames it when it is whole. It never lists such a name, so they
//! are looked for beside it. A bucket has none: an upload is an object when it is complete.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use super::expire::Expired;
use crate::error::{Error, Result};
use crate::location::Location;

/// Deletes temporary files that were written before a moment: younger ones may be a living writer's.
pub(super) fn sweep(location: &Location, before: DateTime<Utc>) -> Result<Expired> {
    let mut swept = Expired::default();
    if let Some(folder) = location.folder() {
        let failed = |source| Error::Io { what: format!("cannot tidy up {}", folder.display()), source };
        below(folder, before.into(), &mut swept).map_err(failed)?;
    }
    Ok(swept)
}

fn below(folder: &Path, before: SystemTime, swept: &mut Expired) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Links are not followed: what is behind them is not of this lake.
        let kind = entry.file_type()?;
        if kind.is_dir() {
            below(&entry.path(), before, swept)?;
        } else if kind.is_file() && entry.file_name().to_str().is_some_and(is_temporary) {
            match delete(&entry, before) {
                Ok(bytes) => {
                    swept.swept += u64::from(bytes.is_some());
                    swept.swept_bytes += bytes.unwrap_or_default();
                }
                // Its writer lives and has renamed it, or another sweep was faster.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Deletes a file that is old enough; its bytes.
fn delete(entry: &fs::DirEntry, before: SystemTime) -> io::Result<Option<u64>> {
    let metadata = entry.metadata()?;
    if metadata.modified()? >= before {
        return Ok(None);
    }
    fs::remove_file(entry.path())?;
    Ok(Some(metadata.len()))
}

/// Whether a name is that of a file which is being written.
fn is_temporary(name: &str) -> bool {
    let number = name.rsplit_once('#').map_or("", |(_, number)| number);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_number_are_temporary() {
        for name in ["part-1.parquet#1", "00000000000000000001.json#22", "x#y#3"] {
            assert!(is_temporary(name), "{name}");
        }
        for name in ["part-1.parquet", "a#", "a#1b", "#"] {
            assert!(!is_temporary(name), "{name}");
        }
    }
}
