//! What doctor sees of this machine: folders with logs, a lake, and room on its disk.

use std::path::{Path, PathBuf};

use aws::doctor::{Check, State};
use ingest::key::Key;
use ingest::source::{Input, Place, Sources};
use lake::{Aws, Lake};

use crate::existing::ONE_WRITER;
use crate::render::report::number;

/// Files that are looked at: enough to know what a folder is.
const FILES: usize = 10_000;
/// Less room than this soon ends an ingest.
const ROOM_WARN_BYTES: u64 = 2 << 30;
/// Less room than this ends it now.
const ROOM_FAIL_BYTES: u64 = 128 << 20;

/// A file or folder that is to be read.
pub(super) fn folder(path: &Path, checks: &mut Vec<Check>) {
    let about = path.display().to_string();
    let sources = match Sources::new(&[path]) {
        Ok(sources) => sources,
        Err(error) => return checks.push(Check::fail("folder", about, error.to_string(), "look at the path")),
    };
    if sources.reads_stdin() {
        return checks.push(Check::ok("folder", about, "standard input"));
    }
    let (mut files, mut of_cloudtrail, mut unread) = (0_u64, 0_u64, Vec::new());
    for item in sources.walk().take(FILES) {
        match item {
            Ok(Input { place: Place::File(file), name, .. }) => {
                files += 1;
                of_cloudtrail += u64::from(is_of_cloudtrail(&name));
                if let Err(error) = std::fs::File::open(&file) {
                    unread.push(format!("{name}: {error}"));
                }
            }
            Ok(_) => {}
            Err((name, error)) => unread.push(format!("{name}: {error}")),
        }
    }
    let more = if files as usize == FILES { "at least " } else { "" };
    let seen = format!("{more}{} files, {} of them with names of CloudTrail's", number(files), number(of_cloudtrail));
    checks.push(match (unread.first(), files) {
        (Some(first), _) => {
            let seen = format!("{} cannot be read, the first: {first}", number(unread.len() as u64));
            Check::fail("folder", about, seen, "let this user read them (chmod, chown)")
        }
        (None, 0) => Check::warn("folder", about, "no files", "is it the right folder?"),
        (None, _) => Check::ok("folder", about, seen),
    });
}

/// Whether a path ends as CloudTrail's keys do, or has a name of its log files.
fn is_of_cloudtrail(name: &str) -> bool {
    let lone = || name.rsplit(['/', '\\']).next().is_some_and(|name| name.contains("_CloudTrail"));
    name.find("AWSLogs/").and_then(|at| Key::parse(name.get(at..)?)).is_some() || lone()
}

/// A lake: whether it opens, and if it is on this machine whether it can grow.
pub(super) fn lake(place: &str, aws: &Aws, is_local: bool, checks: &mut Vec<Check>) {
    let opened = Lake::open(place, aws);
    if opened.as_ref().is_ok_and(Lake::is_for_one_writer) {
        let next = "let one process at a time write, or keep the lake in a folder or in Amazon S3";
        checks.push(Check::warn("lake.store", place, ONE_WRITER, next));
    }
    match opened.and_then(|lake| lake.status()) {
        Ok(status) => {
            let rows = status.tables.first().map_or(0, |events| events.rows);
            let days = status.days.map_or_else(String::new, |(first, last)| format!(", {first} to {last}"));
            checks.push(Check::ok("lake", place, format!("{} events{days}", number(rows))));
        }
        Err(error @ lake::Error::Absent { .. }) => {
            let next = format!("`trailhound ingest SOURCE --lake {place}` makes one");
            checks.push(Check::warn("lake", place, error.to_string(), next));
        }
        Err(error) => checks.push(Check {
            check: "lake",
            about: place.to_owned(),
            state: State::Fail,
            seen: error.to_string(),
            next: None,
        }),
    }
    if is_local {
        disk(place, checks);
    }
}

fn disk(place: &str, checks: &mut Vec<Check>) {
    let folder = existing(Path::new(place));
    match tempfile::tempfile_in(&folder) {
        Ok(_) => checks.push(Check::ok("lake.write", place, format!("{} can be written to", folder.display()))),
        Err(error) => {
            let next = "let this user write there, or choose another --lake";
            checks.push(Check::fail("lake.write", place, format!("{}: {error}", folder.display()), next));
        }
    }
    let Some(bytes) = room(&folder) else { return };
    let seen = format!("{} MiB free", number(bytes >> 20));
    let next = "make room: `trailhound lake expire --keep 400d`, `trailhound lake compact`, or another disk";
    checks.push(match bytes {
        ROOM_WARN_BYTES.. => Check::ok("lake.room", place, seen),
        ROOM_FAIL_BYTES.. => Check::warn("lake.room", place, seen, next),
        _ => Check::fail("lake.room", place, seen, next),
    });
}

/// The folder itself, or the nearest above it that is there.
fn existing(path: &Path) -> PathBuf {
    let found = path.ancestors().find(|folder| folder.is_dir());
    found.filter(|folder| !folder.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Bytes that this user may still write on the disk of a folder.
#[cfg(unix)]
fn room(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn room(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn states(check: impl FnOnce(&mut Vec<Check>)) -> Vec<(&'static str, State)> {
        let mut checks = Vec::new();
        check(&mut checks);
        checks.into_iter().map(|check| (check.check, check.state)).collect()
    }

    #[test]
    fn folders_and_lakes_that_are_not_there() {
        let room = tempfile::tempdir().unwrap();
        assert_eq!(states(|checks| folder(room.path(), checks)), [("folder", State::Warn)]);
        assert_eq!(states(|checks| folder(&room.path().join("no"), checks)), [("folder", State::Fail)]);
        std::fs::write(room.path().join("a.json"), "{}").unwrap();
        assert_eq!(states(|checks| folder(room.path(), checks)), [("folder", State::Ok)]);
        let place = room.path().join("a/b/lake").display().to_string();
        let found = states(|checks| lake(&place, &Aws::default(), true, checks));
        assert_eq!(found[..2], [("lake", State::Warn), ("lake.write", State::Ok)]);
    }

    #[test]
    fn names_of_log_files_are_known() {
        let key = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/01/x.json.gz";
        assert!(is_of_cloudtrail(&format!("/tmp/bucket/{key}")));
        assert!(is_of_cloudtrail("111122223333_CloudTrail_us-east-1_20260101T0000Z_abc.json.gz"));
        assert!(!is_of_cloudtrail("/tmp/notes.txt"));
    }
}
