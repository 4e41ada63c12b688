//! The columns of files that were opened before, so that the next question need not read them from each footer again.
//!
//! A lake's files are many and their schemas few. A footer has its schema as a long text beside the columns; making
//! columns of it takes longer than finding out that a small file has no row that fits. Knows footers, not rows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::{ARROW_SCHEMA_META_KEY, parquet_to_arrow_schema};
use datafusion::parquet::file::metadata::ParquetMetaData;
use object_store::path::Path;

/// What is known of a table's files.
#[derive(Debug)]
pub(super) struct Schemas {
    /// The table's own: files with just its columns share it.
    table: SchemaRef,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_file: HashMap<Path, SchemaRef>,
    /// By the text in the footer and the number of columns below all structs, which has to fit.
    by_text: HashMap<(String, usize), SchemaRef>,
}

impl Schemas {
    pub(super) fn new(table: SchemaRef) -> Schemas {
        Schemas { table, known: Mutex::default() }
    }

    /// The columns of a file that was opened before.
    pub(super) fn of(&self, file: &Path) -> Option<SchemaRef> {
        self.known.lock().ok()?.by_file.get(file).cloned()
    }

    /// Keeps a file's columns. A file that does not say which types they had is left to the engine.
    pub(super) fn learn(&self, file: &Path, footer: &ParquetMetaData) {
        let Ok(mut known) = self.known.lock() else { return };
        if known.by_file.contains_key(file) {
            return;
        }
        let footer = footer.file_metadata();
        let pairs = footer.key_value_metadata();
        let text = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == ARROW_SCHEMA_META_KEY)?.value.clone());
        let Some(text) = text else { return };
        let key = (text, footer.schema_descr().num_columns());
        let schema = match known.by_text.get(&key) {
            Some(schema) => schema.clone(),
            None => {
                let Ok(schema) = parquet_to_arrow_schema(footer.schema_descr(), pairs) else { return };
                let schema = if schema == *self.table { self.table.clone() } else { Arc::new(schema) };
                known.by_text.insert(key, schema.clone());
                schema
            }
        };
        known.by_file.insert(file.clone(), schema);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::RecordBatch;
    use datafusion::parquet::arrow::ArrowWriter;
    use ingest::older::narrowed;

    use super::*;

    fn footer(batch: &RecordBatch) -> ParquetMetaData {
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(batch).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn files_keep_their_own_columns_and_share_the_tables() {
        let today = crate::tests::batch();
        let older = narrowed(&today, &["tlsdetails.keyexchange"]).unwrap();
        let schemas = Schemas::new(today.schema());
        let [a, b, c] = ["a", "b", "c"].map(Path::from);
        schemas.learn(&a, &footer(&today));
        schemas.learn(&b, &footer(&today));
        schemas.learn(&c, &footer(&older));
        assert!(Arc::ptr_eq(&schemas.of(&a).unwrap(), &today.schema()));
        assert!(Arc::ptr_eq(&schemas.of(&b).unwrap(), &today.schema()));
        assert_eq!(schemas.of(&c).unwrap().fields(), older.schema().fields());
        assert_eq!(schemas.of(&Path::from("d")), None);
    }
}
