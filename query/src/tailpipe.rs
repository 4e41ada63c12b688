//! The view `aws_cloudtrail_log`: the event table as Tailpipe's detections know it.
//!
//! Same rows as `events`, with Tailpipe's names (`event_source`, `source_ip_address`) and its `tp_` columns, JSON columns
//! as text that `->` and `->>` read. Fields inside structs go by both spellings (`user_identity.invoked_by`): the names
//! of a query are put in the table's spelling before it is planned. Source: tailpipe-plugin-aws, table
//! `aws_cloudtrail_log`.

use ingest::schema::{COLUMNS, Kind};

use crate::views::ViewColumn;

/// The view's name.
pub const NAME: &str = "aws_cloudtrail_log";

/// Columns that Tailpipe adds to every table, as SQL over `events`.
static COMMON: &[(&str, &str)] = &[
    ("tp_id", "eventid"),
    ("tp_timestamp", "eventtime"),
    ("tp_date", "event_date"),
    ("tp_index", "arrow_cast(recipientaccountid, 'Utf8View')"),
    ("tp_partition", "arrow_cast('trailhound', 'Utf8')"),
    ("tp_table", "arrow_cast('aws_cloudtrail_log', 'Utf8')"),
    ("tp_source_type", "arrow_cast('aws_s3_bucket', 'Utf8')"),
    ("tp_source_name", "arrow_cast(NULL, 'Utf8')"),
    ("tp_source_location", "arrow_cast(source_object, 'Utf8View')"),
    ("tp_source_ip", "arrow_cast(sourceipaddress, 'Utf8View')"),
    ("tp_destination_ip", "arrow_cast(NULL, 'Utf8')"),
    ("tp_ingest_timestamp", "eventtime"),
    ("tp_akas", "array_append(NULL, arrow_cast(useridentity.arn, 'Utf8'))"),
    ("tp_ips", "array_append(NULL, arrow_cast(sourceipaddress, 'Utf8'))"),
    ("tp_usernames", "array_append(NULL, arrow_cast(useridentity.username, 'Utf8'))"),
];

/// Columns that only this view has, beside those in snake_case.
pub(crate) static ONLY_THERE: &[&str] = &["tp_id", "tp_timestamp", "tp_date", "tp_index", "tp_source_ip"];

/// A key of the record in Tailpipe's spelling: `sourceIPAddress` is `source_ip_address`.
pub(crate) fn snake(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    let mut out = String::with_capacity(key.len() + 4);
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let starts = letter.is_uppercase()
            && before.is_some_and(|b| !b.is_uppercase() || after.is_some_and(|a| a.is_lowercase()));
        if starts {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// Whether a name is a column of the record in Tailpipe's spelling, and not in Athena's too.
pub(crate) fn is_column(name: &str) -> bool {
    name.contains('_') && COLUMNS.iter().any(|column| !column.is_derived() && snake(column.json) == name)
}

/// Names of the columns of the view.
pub fn column_names() -> Vec<String> {
    columns().into_iter().map(|(name, _)| name).collect()
}

/// Columns of the view and their SQL over `events`.
pub(crate) fn columns() -> Vec<ViewColumn> {
    let record = COLUMNS.iter().filter(|column| !column.is_derived()).map(|column| {
        let name = column.name;
        let sql = match column.kind {
            Kind::Json => format!("nullif({name}, 'null')"),
            Kind::Dictionary => format!("arrow_cast({name}, 'Utf8View')"),
            _ => name.to_owned(),
        };
        (snake(column.json), sql)
    });
    record.chain(COMMON.iter().map(|(name, sql)| ((*name).to_owned(), (*sql).to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_snake_case() {
        for (key, name) in [
            ("eventTime", "event_time"),
            ("sourceIPAddress", "source_ip_address"),
            ("eventID", "event_id"),
            ("ARN", "arn"),
            ("ARNPrefix", "arn_prefix"),
            ("vpcEndpointAccountId", "vpc_endpoint_account_id"),
            ("ec2RoleDelivery", "ec2_role_delivery"),
        ] {
            assert_eq!(snake(key), name);
        }
        assert!(is_column("event_source") && !is_column("resources") && !is_column("event_date"));
    }
}
