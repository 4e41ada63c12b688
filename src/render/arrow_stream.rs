//! Rows as an Arrow IPC stream: types as they are, nothing compressed, readable while it is written.

use std::io::{self, BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;

use super::{BUFFER_BYTES, RowSink};

pub(super) struct ArrowRows<'a> {
    // The schema goes out with the first rows, so that a reader who is gone by then is no error of the query.
    writer: StreamWriter<BufWriter<&'a mut (dyn Write + Send)>>,
    schema: SchemaRef,
    rows: u64,
}

impl<'a> ArrowRows<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), schema: SchemaRef, is_terminal: bool) -> io::Result<Self> {
        super::refuse_terminal(is_terminal, "arrow", "rows.arrows")?;
        let out = BufWriter::with_capacity(BUFFER_BYTES, out);
        let writer = StreamWriter::try_new(out, &schema).map_err(super::arrow_error)?;
        Ok(ArrowRows { writer, schema, rows: 0 })
    }
}

impl RowSink for ArrowRows<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let batch = super::under(&self.schema, batch)?;
        self.rows += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        self.writer.write(&batch).map_err(super::arrow_error)
    }

    fn finish(&mut self) -> io::Result<u64> {
        self.writer.finish().map_err(super::arrow_error)?;
        self.writer.get_mut().flush()?;
        Ok(self.rows)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::ipc::reader::StreamReader;

    use super::*;
    use crate::render::samples;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let event = samples::event();
        let mut out = Vec::new();
        let mut rows = ArrowRows::new(&mut out, event.schema(), false).unwrap();
        rows.batch(&event).unwrap();
        rows.batch(&event).unwrap();
        assert_eq!(rows.finish().unwrap(), 2);
        drop(rows);
        let back: Vec<_> = StreamReader::try_new(out.as_slice(), None).unwrap().map(Result::unwrap).collect();
        assert_eq!(back, [event.clone(), event]);
    }

    #[test]
    fn a_terminal_is_refused() {
        let mut out = Vec::new();
        let Err(error) = ArrowRows::new(&mut out, samples::event().schema(), true) else {
            panic!("written to a terminal");
        };
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
