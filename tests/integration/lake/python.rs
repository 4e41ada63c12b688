//! Python with the packages of `tests/requirements.txt`, which `tests/run` sets up.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A script beside this file.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/lake").join(name)
}

/// The interpreter, or `None` with a loud word.
pub(crate) fn interpreter() -> Option<OsString> {
    let python = std::env::var_os("TRAILHOUND_TEST_PYTHON");
    if python.is_none() {
        let why = std::env::var("TRAILHOUND_TEST_PYTHON_MISSING");
        let why = why.unwrap_or_else(|_| "TRAILHOUND_TEST_PYTHON is not set; tests/run sets it".to_owned());
        println!("SKIPPED: {why}, so this test checked nothing");
        eprintln!("SKIPPED: {why}, so this test checked nothing");
    }
    python
}

/// Runs a script beside this file; the JSON that it prints.
pub(crate) fn run(python: &OsString, name: &str, args: &[&str]) -> Value {
    run_at(python, &script(name), args)
}

/// Runs a script; the JSON that it prints.
pub(crate) fn run_at(python: &OsString, script: &Path, args: &[&str]) -> Value {
    let output = Command::new(python).arg(script).args(args).output().unwrap();
    let name = script.display();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{name}: {e}: {stderr}"))
}
