//! The report as rows.

use std::sync::Arc;

use ::access::unused::{PrincipalReport, Report as Unused};
use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};

/// Principals of one batch: an administrator is some 22,000 rows.
const PRINCIPALS: usize = 8;

#[derive(Default)]
struct Row<'a> {
    principal: Option<&'a PrincipalReport>,
    action: &'a str,
    status: &'static str,
    first: Option<i64>,
    last_success: Option<i64>,
    last_attempt: Option<i64>,
    count: u64,
    denied: u64,
}

/// One row for each principal and action: used ones with their facts, unused ones with their reason. In batches of some
/// principals, made as they are asked for; the first has no rows and tells the columns.
pub(super) fn rows(report: &Unused) -> impl Iterator<Item = Result<RecordBatch, arrow::error::ArrowError>> {
    std::iter::once(batch(&[])).chain(report.principals.chunks(PRINCIPALS).map(|some| batch(&rows_of(some))))
}

fn rows_of(principals: &[PrincipalReport]) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for principal in principals {
        for used in principal.services.iter().flat_map(|service| &service.actions) {
            rows.push(Row {
                principal: Some(principal),
                action: &used.action,
                status: "used",
                first: Some(used.first),
                last_success: used.last_success,
                last_attempt: Some(used.last_attempt),
                count: used.count,
                denied: used.denied,
            });
        }
        for (action, why) in principal.unused.iter() {
            rows.push(Row { principal: Some(principal), action, status: why.as_str(), ..Row::default() });
        }
    }
    rows
}

fn batch(rows: &[Row<'_>]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text = |value: for<'a> fn(&Row<'a>) -> &'a str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(value)))
    };
    let times = |value: fn(&Row<'_>) -> Option<i64>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let counts = |value: fn(&Row<'_>) -> u64| -> ArrayRef { Arc::new(rows.iter().map(value).collect::<UInt64Array>()) };
    // Not guessed from the values of the first batch: the second may have what that has not.
    RecordBatch::try_from_iter_with_nullable([
        ("principal", text(|row| row.principal.map_or("", |p| p.principal.as_str())), false),
        ("account", text(|row| row.principal.and_then(|p| p.account.as_deref()).unwrap_or_default()), false),
        ("type", text(|row| row.principal.map_or("", |p| p.kind)), false),
        ("action", text(|row| row.action), false),
        ("status", text(|row| row.status), false),
        ("first", times(|row| row.first), true),
        ("last_success", times(|row| row.last_success), true),
        ("last_attempt", times(|row| row.last_attempt), true),
        ("count", counts(|row| row.count), false),
        ("denied", counts(|row| row.denied), false),
    ])
}
