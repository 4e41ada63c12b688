//! Steps of alerts as rows of the lake's table `alerts`.

use std::sync::Arc;

use ::alerts::Alert;
use ::deliver::outbox::note::{Found, Note, Step};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};

/// One row.
#[derive(Debug, Default)]
struct Row<'a> {
    fingerprint: &'a str,
    step: &'a str,
    at: i64,
    sink: Option<&'a str>,
    key: Option<&'a str>,
    error: Option<&'a str>,
    /// What it was, where the step says that.
    alert: Option<&'a Found>,
}

/// Alerts that have new figures, or that a suppression covers, at this time in microseconds.
pub(super) fn known(alerts: &[Alert], step: &str, at: i64) -> RecordBatch {
    let found: Vec<Found> = alerts.iter().map(Found::of).collect();
    let rows = found.iter().map(|alert| Row {
        fingerprint: &alert.fingerprint,
        step,
        at,
        alert: Some(alert),
        ..Row::default()
    });
    whole(&rows.collect::<Vec<_>>())
}

/// Alerts that a silence covers, each with the silence's reason, at this time in microseconds.
pub(super) fn silenced(alerts: &[(&Alert, &str)], at: i64) -> RecordBatch {
    let found: Vec<Found> = alerts.iter().map(|(alert, _)| Found::of(alert)).collect();
    let rows = found.iter().zip(alerts).map(|(alert, (_, reason))| Row {
        fingerprint: &alert.fingerprint,
        step: "silenced",
        at,
        error: Some(reason),
        alert: Some(alert),
        ..Row::default()
    });
    whole(&rows.collect::<Vec<_>>())
}

/// What the outbox noted: one row an alert.
pub(super) fn noted(notes: &[Note]) -> RecordBatch {
    let mut rows = Vec::new();
    for Note { at, step } in notes {
        match step {
            Step::Found(alert) => {
                let fingerprint = &alert.fingerprint;
                rows.push(Row { fingerprint, step: "found", at: *at, alert: Some(alert), ..Row::default() });
            }
            Step::Told { end, sink, key, error, alerts } => rows.extend(alerts.iter().map(|fingerprint| Row {
                fingerprint,
                step: end.name(),
                at: *at,
                sink: Some(sink),
                key: Some(key),
                error: error.as_deref(),
                alert: None,
            })),
        }
    }
    whole(&rows)
}

fn whole(rows: &[Row<'_>]) -> RecordBatch {
    let plain = |value: &dyn Fn(&Row<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<StringArray>())
    };
    let text = |value: &dyn Fn(&Found) -> Option<String>| plain(&|row: &Row<'_>| row.alert.and_then(value));
    let times = |value: &dyn Fn(&Row<'_>) -> Option<i64>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let count = |row: &Row<'_>| row.alert.and_then(|alert| i64::try_from(alert.count).ok());
    let columns = vec![
        plain(&|row| Some(row.fingerprint.to_owned())),
        plain(&|row| Some(row.step.to_owned())),
        times(&|row| Some(row.at)),
        plain(&|row| row.sink.map(str::to_owned)),
        plain(&|row| row.key.map(str::to_owned)),
        plain(&|row| row.error.map(str::to_owned)),
        text(&|a| Some(a.rule.clone())),
        text(&|a| Some(a.rule_id.clone())),
        text(&|a| Some(a.title.clone())),
        text(&|a| Some(a.severity.to_string())),
        times(&|row| row.alert.and_then(|alert| alert.time)),
        times(&|row| row.alert.and_then(|alert| alert.last_time)),
        Arc::new(rows.iter().map(count).collect::<Int64Array>()),
        text(&|a| Some(a.principal.clone())),
        text(&|a| Some(a.actor.clone())),
        text(&|a| Some(a.account.clone())),
        text(&|a| Some(a.region.clone())),
        text(&|a| Some(a.source_addresses.join("; "))),
        text(&|a| Some(a.user_agents.join("; "))),
        text(&|a| Some(a.what.join("; "))),
        text(&|a| Some(a.event_ids.join("; "))),
        text(&|a| a.detail.clone()),
    ];
    // The columns are made from one list, so they fit the schema and each other.
    RecordBatch::try_new(lake::schema::alerts(), columns)
        .unwrap_or_else(|_| RecordBatch::new_empty(lake::schema::alerts()))
}

#[cfg(test)]
mod tests {
    use ::deliver::outbox::note::End;

    use super::*;

    #[test]
    fn columns_fit() {
        let told = |end, error: Option<&str>, alerts: &[&str]| Note {
            at: 5,
            step: Step::Told {
                end,
                sink: "s".to_owned(),
                key: "k".to_owned(),
                error: error.map(str::to_owned),
                alerts: alerts.iter().map(|alert| (*alert).to_owned()).collect(),
            },
        };
        let notes =
            [told(End::Sent, None, &["a", "b"]), told(End::Dead, Some("no"), &["c"]), told(End::Sent, None, &[])];
        let rows = noted(&notes);
        assert_eq!((rows.num_rows(), rows.num_columns()), (3, lake::schema::alerts().fields().len()));
        assert_eq!((noted(&[]).num_rows(), known(&[], "updated", 1).num_rows()), (0, 0));
    }
}
