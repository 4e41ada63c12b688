//! The lake, and everything that can happen to it: processes that die, disks that fill, writers that meet, copies,
//! damage, other readers, buckets.
//!
//! Every test compares a lake with an oracle that knows nothing of it: the ids in the input, read by other code.

mod bucket;
pub(crate) mod contents;
mod copies;
mod crash;
mod damage;
mod full;
mod kept;
pub(crate) mod kill;
mod log;
mod lost;
mod mended;
mod outputs;
pub(crate) mod python;
mod readers;
mod refused;
mod remembered;
mod torn;
pub(crate) mod trail;
mod writers;

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::command::{Run, text};
use contents::Contents;
use trail::Ids;

/// Memory is a faster disk, and a killed process cannot tell them apart; what only a power cut shows is not tested here.
const MEMORY_DISK: &str = "/dev/shm";

/// Small tasks and batches, so that a few hundred events make several commits.
pub(crate) const MANY_COMMITS: &[(&str, &str)] =
    &[("TRAILHOUND_TASK_OBJECTS", "16"), ("TRAILHOUND_BATCH_ROWS", "150"), ("TRAILHOUND_WAITING_BYTES", "50000")];

/// A folder of this test's own.
pub(crate) fn room() -> TempDir {
    let memory = tempfile::Builder::new().prefix("trailhound-test-").tempdir_in(MEMORY_DISK);
    memory.unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// A folder with a trail and lakes made of it.
pub(crate) struct World {
    room: TempDir,
}

impl World {
    /// A made-up trail of so many events.
    pub(crate) fn with_trail(events: u64, seed: u64) -> World {
        let world = World::empty();
        trail::made_up(&world.logs(), events, seed);
        world
    }

    /// No logs yet.
    pub(crate) fn empty() -> World {
        let room = room();
        std::fs::create_dir(room.path().join("logs")).unwrap();
        World { room }
    }

    /// A path in the world's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.path("logs")
    }

    /// A log file of this name.
    pub(crate) fn log(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.logs().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The place of the lake of this name.
    pub(crate) fn lake(&self, name: &str) -> Lake<'_> {
        Lake { world: self, place: self.path(name), env: Vec::new() }
    }

    /// The ids in the input, each once.
    pub(crate) fn oracle(&self) -> Ids {
        trail::ids(&self.logs())
    }
}

/// A lake that commands are run on.
#[derive(Clone)]
pub(crate) struct Lake<'a> {
    world: &'a World,
    place: PathBuf,
    env: Vec<(String, String)>,
}

impl Lake<'_> {
    /// The same lake, with more in the environment of its commands.
    pub(crate) fn with(&self, more: &[(&str, &str)]) -> Self {
        let mut lake = self.clone();
        lake.env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        lake
    }

    /// The same lake, with tasks and batches that make many commits.
    pub(crate) fn many_commits(&self) -> Self {
        self.with(MANY_COMMITS)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.place
    }

    /// A command on this lake, to be started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trailhound"));
        // What a dying process leaves behind goes with the folder.
        command.args(args).args(["--lake", text(&self.place), "--threads", "2"]).current_dir(self.world.room.path());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command on this lake.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        crate::command::finished(self.command(args).output().unwrap())
    }

    /// Runs a command that must succeed; its JSON.
    pub(crate) fn done(&self, args: &[&str]) -> serde_json::Value {
        let run = self.run(&[args, &["--output", "json"]].concat());
        assert_eq!(run.code, 0, "{args:?}: {}\n{}", run.stderr, run.stdout);
        run.json()
    }

    /// Ingests the world's logs.
    pub(crate) fn ingest(&self) -> serde_json::Value {
        self.done(&["ingest", text(&self.world.logs())])
    }

    /// Runs a command that is to die at a step, the n-th time that it comes there; whether it did.
    ///
    /// A command that neither died nor succeeded fails the test.
    pub(crate) fn dies(&self, args: &[&str], step: &str, n: u32) -> bool {
        let at = format!("{step}:{n}");
        let output = self.with(&[("TRAILHOUND_CRASH_AT", &at)]).command(args).output().unwrap();
        match was_aborted(&output) {
            true => true,
            false => {
                assert!(output.status.success(), "{at}: {args:?}: {}", String::from_utf8_lossy(&output.stderr));
                false
            }
        }
    }

    /// Everything in it; `None` where there is no lake yet.
    pub(crate) fn contents(&self) -> Option<Contents> {
        Contents::read(&self.place)
    }

    /// Makes a copy beside it.
    pub(crate) fn copied(&self, name: &str) -> Self {
        let copy = Lake { world: self.world, place: self.world.path(name), env: self.env.clone() };
        copy_folder(&self.place, &copy.place);
        copy
    }
}

fn was_aborted(output: &Output) -> bool {
    const SIGABRT: i32 = 6;
    output.status.signal() == Some(SIGABRT)
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

/// Data files of `events` as they lie in a folder.
pub(crate) fn data_files(lake: &Path, table: &str) -> Vec<PathBuf> {
    let folder = lake.join(table);
    let opened = lake::Lake::open(text(lake), &lake::Aws::default()).unwrap();
    opened.files(table).unwrap().into_iter().map(|file| folder.join(file.path)).collect()
}

#[test]
fn a_lake_of_a_newer_format_is_refused_by_name() {
    let world = World::with_trail(60, 1);
    let lake = world.lake("lake");
    lake.ingest();
    let before = lake.contents();
    let format = lake.folder().join("_trailhound/lake.json");
    let written = std::fs::read(&format).unwrap();
    std::fs::write(&format, r#"{"format":99,"written_by":"trailhound 7.1"}"#).unwrap();
    let logs = world.logs();
    let all: &[&[&str]] = &[
        &["ingest", text(&logs)],
        &["query", "SELECT count(*) FROM events"],
        &["lake", "status"],
        &["lake", "compact"],
        &["lake", "expire", "--keep", "1d"],
        &["lake", "check"],
        &["lake", "repair"],
    ];
    for args in all {
        let run = lake.run(args);
        assert_eq!(run.code, 5, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains("format 99") && run.stderr.contains("newer"), "{args:?}: {}", run.stderr);
    }
    std::fs::write(&format, written).unwrap();
    assert_eq!(lake.contents(), before);
}
