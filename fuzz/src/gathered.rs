//! What one scan gave: rows as text, totals by object.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use ingest::pipeline::{Options, Sink, scan};
use ingest::reject::{Error, ObjectTotals, Totals};
use ingest::restore::record_to_json;
use ingest::schema::COLUMNS;
use ingest::seen::Seen;
use ingest::source::Sources;

/// What a scan gave.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Each row: its record, then its derived columns, but not which object it came from.
    pub rows: Vec<String>,
    /// Totals of each object, in order.
    pub objects: Vec<ObjectTotals>,
    /// Totals of all.
    pub totals: Totals,
}

impl Sink for Gathered {
    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        let derived: Vec<_> = COLUMNS
            .iter()
            .filter(|column| column.is_derived() && !["extra", "source_object"].contains(&column.name))
            .filter_map(|column| batch.column_by_name(column.name))
            .map(|array| ArrayFormatter::try_new(array, &FormatOptions::default()).expect("a column can be shown"))
            .collect();
        for row in 0..batch.num_rows() {
            let mut text = record_to_json(&batch, row);
            for column in &derived {
                text.push('\u{1}');
                text.push_str(&column.value(row).to_string());
            }
            self.rows.push(text);
        }
        ControlFlow::Continue(())
    }

    fn object(&mut self, totals: &ObjectTotals) {
        self.objects.push(totals.clone());
    }

    fn before(&mut self, _batch: &RecordBatch, _seen: &mut Seen) -> Result<(), Error> {
        Ok(())
    }

    fn knows_nameless(&self) -> bool {
        false
    }

    fn whole(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl Gathered {
    /// Scans and checks that the figures add up: of each object, in total, and with the rows that came.
    pub fn scan(path: &Path, options: &Options) -> Gathered {
        let sources = Sources::new(&[path]).expect("the path is there");
        let mut gathered = Gathered::default();
        let totals = scan(&sources, options, &mut gathered).expect("input never stops a scan");
        assert!(totals.balanced(), "{totals:?}");
        assert!(gathered.objects.iter().all(ObjectTotals::balanced), "{:?}", gathered.objects);
        let sum = |figure: fn(&ObjectTotals) -> u64| gathered.objects.iter().map(figure).sum::<u64>();
        assert_eq!(totals.objects, gathered.objects.len() as u64, "{totals:?}");
        assert_eq!(totals.rows, gathered.rows.len() as u64, "{totals:?}");
        assert_eq!(totals.records_in, sum(|object| object.records_in), "{totals:?}");
        assert_eq!(totals.rejected, sum(|object| object.rejected), "{totals:?}");
        let by_reason = gathered.objects.iter().flat_map(|object| object.reasons.values()).map(|reason| reason.0);
        assert_eq!(totals.rejected, by_reason.sum::<u64>(), "{totals:?}");
        Gathered { totals, ..gathered }
    }
}

/// A file in a folder of this process's own, with these bytes.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    thread_local! {
        static FOLDER: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
    }
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| tempfile::tempdir().expect("a temporary folder"));
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("room for a temporary file");
        path
    })
}
