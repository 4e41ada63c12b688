//! Real logs and rules from `../shared/data`, which may be absent.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of shared data below which `part` lies, or `None` with a loud line.
pub(crate) fn shared(part: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(part);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: ../shared/data absent ({part})");
    None
}

/// All files below a folder with the given ending, in order.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every record of the real logs, as JSON text.
pub(crate) fn records() -> Vec<String> {
    let Some(folder) = shared("trails") else { return Vec::new() };
    let mut records = Vec::new();
    for part in ["s3", "flat"] {
        for file in files(&folder.join(part), ".json.gz") {
            let mut text = String::new();
            let bytes = std::fs::read(&file).unwrap();
            flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
            // One example of the documentation holds raw control characters; it is no loss here.
            let Ok(Value::Object(object)) = serde_json::from_str::<Value>(&text) else { continue };
            if let Some(Value::Array(list)) = object.get("Records") {
                records.extend(list.iter().map(Value::to_string));
            }
        }
    }
    records
}
