//! Text files that people give: never more of them than may be.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The text of a file; a pipe or device that never ends included.
///
/// # Errors
/// It cannot be opened, is no UTF-8, or has more bytes than `most`.
pub fn text(path: &Path, most: usize) -> Result<String, String> {
    let file = File::open(path).map_err(|e| format!("cannot be opened: {e}"))?;
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to know that it is too much.
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|e| format!("cannot be read: {e}"))?;
    if bytes.len() > most {
        return Err(format!("the file is too large: at most {most} bytes are read"));
    }
    String::from_utf8(bytes).map_err(|e| format!("cannot be read as text: {e}"))
}
