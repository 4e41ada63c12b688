//! Steps of alerts as rows of the lake's table `alerts`.

use std::sync::Arc;

use ::alerts::Alert;
use ::deliver::Told;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// Alerts that were found, or that a suppression covers, at this time in microseconds.
pub(super) fn found(alerts: &[Alert], step: &str, now: i64) -> RecordBatch {
    let text =
        |value: fn(&Alert) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(alerts.iter().map(value))) };
    let nothing = || -> ArrayRef { Arc::new(StringArray::new_null(alerts.len())) };
    let columns = vec![
        text(|a| a.fingerprint.clone()),
        Arc::new(StringArray::from_iter_values(alerts.iter().map(|_| step))),
        times(alerts.iter().map(|_| Some(now))),
        nothing(),
        nothing(),
        nothing(),
        text(|a| a.rule.clone()),
        text(|a| a.rule_id.clone()),
        text(|a| a.title.clone()),
        text(|a| a.severity.to_string()),
        times(alerts.iter().map(|a| a.time)),
        times(alerts.iter().map(|a| a.last_time)),
        Arc::new(alerts.iter().map(|a| i64::try_from(a.count).ok()).collect::<Int64Array>()),
        text(|a| a.principal.clone()),
        text(|a| a.actor.clone()),
        text(|a| a.account.clone()),
        text(|a| a.region.clone()),
        text(|a| a.source_addresses.join("; ")),
        text(|a| a.user_agents.join("; ")),
        text(|a| a.what.join("; ")),
        text(|a| a.event_ids.join("; ")),
        Arc::new(alerts.iter().map(|a| a.detail.clone()).collect::<StringArray>()),
    ];
    whole(columns)
}

/// Alerts that sinks have, or that are given up: one row an alert of each message.
pub(super) fn told(steps: &[Told]) -> RecordBatch {
    let all = || steps.iter().flat_map(|step| step.alerts.iter().map(move |alert| (step, alert)));
    let text = |value: fn(&Told) -> Option<&str>| -> ArrayRef {
        Arc::new(all().map(|(step, _)| value(step)).collect::<StringArray>())
    };
    let count = all().count();
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(all().map(|(_, alert)| Some(alert.as_str())).collect::<StringArray>()),
        text(|step| Some(if step.error.is_some() { "dead" } else { "sent" })),
        times(all().map(|(step, _)| Some(step.at))),
        text(|step| Some(&step.sink)),
        text(|step| Some(&step.key)),
        text(|step| step.error.as_deref()),
    ];
    let schema = lake::schema::alerts();
    let rest = schema.fields().iter().skip(columns.len());
    columns.extend(rest.map(|field| arrow::array::new_null_array(field.data_type(), count)));
    whole(columns)
}

fn whole(columns: Vec<ArrayRef>) -> RecordBatch {
    // The columns are made from one list, so they fit the schema and each other.
    RecordBatch::try_new(lake::schema::alerts(), columns)
        .unwrap_or_else(|_| RecordBatch::new_empty(lake::schema::alerts()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit() {
        let step = |error: Option<&str>, alerts: &[&str]| Told {
            at: 5,
            created: 1,
            sink: "s".to_owned(),
            key: "k".to_owned(),
            error: error.map(str::to_owned),
            alerts: alerts.iter().map(|alert| (*alert).to_owned()).collect(),
        };
        assert_eq!(told(&[step(None, &["a", "b"]), step(Some("no"), &["c"]), step(None, &[])]).num_rows(), 3);
        assert_eq!(told(&[]).num_rows(), 0);
        assert_eq!(found(&[], "found", 1).num_columns(), lake::schema::alerts().fields().len());
    }
}
