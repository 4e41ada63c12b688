//! Everything at a glance: the span of the events, where they come from, what they are.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch};
use arrow::compute;
use ingest::batch::{self, TextColumn};

/// Most distinct values counted of one column; a hostile log could name any number.
const MAX_DISTINCT: usize = 10_000;

/// Counts over batches.
#[derive(Debug, Default)]
pub(crate) struct Overview {
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
    pub(crate) accounts: BTreeMap<String, u64>,
    pub(crate) regions: BTreeMap<String, u64>,
    /// By event category; what has none is a management event (CloudTrail before eventVersion 1.07).
    pub(crate) categories: BTreeMap<String, u64>,
    pub(crate) outcomes: BTreeMap<String, u64>,
}

impl Overview {
    /// Adds a batch.
    pub(crate) fn observe(&mut self, events: &RecordBatch) {
        if let Some(times) = batch::timestamp(events, "eventtime") {
            let (first, last) = (compute::min(&times), compute::max(&times));
            self.first = [self.first, first].into_iter().flatten().min();
            self.last = [self.last, last].into_iter().flatten().max();
        }
        let rows = events.num_rows();
        count(&batch::text(events, "recipientaccountid"), rows, None, &mut self.accounts);
        count(&batch::text(events, "awsregion"), rows, None, &mut self.regions);
        count(&batch::text(events, "eventcategory"), rows, Some("Management"), &mut self.categories);
        count(&batch::text(events, "outcome"), rows, None, &mut self.outcomes);
    }
}

/// Counts a column's values, by code where it has codes. `absent` names a null; without it nulls are left out.
fn count(column: &TextColumn, rows: usize, absent: Option<&str>, counts: &mut BTreeMap<String, u64>) {
    let mut add = |value: &str, n: u64| {
        if n == 0 {
            return;
        }
        if let Some(count) = counts.get_mut(value) {
            *count += n;
        } else if counts.len() < MAX_DISTINCT {
            counts.insert(value.to_owned(), n);
        }
    };
    let Some(values) = column.dictionary() else {
        for row in 0..rows {
            if let Some(value) = column.get(row).or(absent) {
                add(value, 1);
            }
        }
        return;
    };
    let mut by_code = vec![0; values.len()];
    let mut nulls = 0;
    for row in 0..rows {
        match column.code(row).and_then(|code| by_code.get_mut(code)) {
            Some(count) => *count += 1,
            None => nulls += 1,
        }
    }
    for (code, n) in by_code.into_iter().enumerate() {
        add(values.value(code), n);
    }
    if let Some(absent) = absent {
        add(absent, nulls);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_is_counted() {
        let records = [
            r#"{"eventTime":"2026-01-02T00:00:00Z","awsRegion":"eu-west-1","recipientAccountId":"1"}"#,
            r#"{"eventTime":"2026-01-01T00:00:00Z","awsRegion":"us-east-1","recipientAccountId":"1","errorCode":"AccessDenied","eventCategory":"Data"}"#,
            r#"{}"#,
        ];
        let batch = ingest::columns::batch_from_json(&records).unwrap();
        let mut overview = Overview::default();
        overview.observe(&batch);
        // A batch without some of its rows keeps their values in its dictionaries.
        for part in ingest::seen::without(&batch, &[1]).unwrap() {
            overview.observe(&part);
        }
        assert_eq!(overview.last.unwrap() - overview.first.unwrap(), 86_400_000_000);
        assert_eq!(overview.accounts, [("1".to_owned(), 3)].into());
        assert_eq!(overview.regions, [("eu-west-1".to_owned(), 2), ("us-east-1".to_owned(), 1)].into());
        assert_eq!(overview.categories, [("Data".to_owned(), 1), ("Management".to_owned(), 4)].into());
        assert_eq!(overview.outcomes, [("denied".to_owned(), 1), ("ok".to_owned(), 4)].into());
    }
}
