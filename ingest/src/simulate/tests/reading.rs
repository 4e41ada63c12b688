//! The trail, read by the pipeline that reads real ones.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use arrow::array::RecordBatch;

use super::super::write;
use super::long;
use crate::batch::text;
use crate::pipeline::{Options, scan};
use crate::source::Sources;

#[test]
fn the_pipeline_reads_every_record_and_names_its_principal() {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(&long(), folder.path()).unwrap();
    let sources = Sources::new(&[summary.trail.to_str().unwrap()]).unwrap();
    let mut principals = BTreeMap::new();
    let mut sink = |batch: RecordBatch| {
        let (ids, names) = (text(&batch, "eventid"), text(&batch, "principal"));
        for row in 0..batch.num_rows() {
            principals.insert(ids.get(row).unwrap().to_owned(), names.get(row).map(str::to_owned));
        }
        ControlFlow::Continue(())
    };
    let totals = scan(&sources, &Options::default(), &mut sink).unwrap();
    assert_eq!((totals.objects, totals.rows), (summary.files, summary.events), "{:?}", totals.rejects);
    assert_eq!((totals.duplicates, totals.rejected), (summary.duplicates, 0));
    for planted in &summary.planted {
        let found = &principals[&planted.event_ids[0]];
        assert_eq!(found.as_deref(), Some(planted.principal.as_str()), "{}", planted.kind);
    }
}
