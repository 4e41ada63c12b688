//! Records given as JSON texts to one batch: for tests and tools, which have no object to read.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::Rows;
use crate::json;
use crate::record::{Fields, Scanner};

/// One batch of the records given as JSON texts, in order; a text that is not one JSON object is left out.
///
/// For tests and tools; the pipeline is the way for real input.
///
/// # Errors
/// Arrow's, if a column is not what its type says: a bug, never input.
pub fn batch_from_json(records: &[&str]) -> Result<RecordBatch, ArrowError> {
    let (mut scanner, mut fields, mut rows) = (Scanner::new(), Fields::default(), Rows::new());
    rows.start("memory");
    for record in records {
        let bytes = record.as_bytes();
        let start = json::skip_space(bytes, 0);
        if bytes.get(start) != Some(&b'{') {
            continue;
        }
        // The offsets count from the start of the object, as they do in the pipeline.
        let object = &record[start..];
        let end = scanner.scan(object.as_bytes(), 0, &mut fields);
        if end.is_ok_and(|end| json::skip_space(object.as_bytes(), end) == object.len()) {
            rows.push(object, &fields);
        }
    }
    rows.finish()
}
