//! The view `cloudtrail_logs`: the event table as Athena users know it.
//!
//! Same rows as `events`, in the types of AWS's DDL ("Creating the table for CloudTrail logs in Athena"): times and
//! booleans are text, JSON columns are text with SQL NULL where the record says `null`, and the partition columns of
//! every published layout are there: `account`, `region`, `year`, `month`, `day` (manual and organisation layout),
//! `timestamp` (partition projection), `date_partition`, `region_partition`, `account_partition` (AWS Security
//! Analytics Bootstrap). Partitions are computed from the event, not from the file's key: near midnight AWS may file
//! an event under the next day. `source_object` is Athena's `"$path"`.

use ingest::schema::Kind;

use crate::views::ViewColumn;

/// Names the view goes by. `cloudtrail` is the table of the Security Analytics Bootstrap.
pub const NAMES: [&str; 2] = ["cloudtrail_logs", "cloudtrail"];

/// Columns of AWS's DDL in its order; each is the column of `events` of that name, as text where Athena has text.
static DDL: &[&str] = &[
    "eventversion",
    "useridentity",
    "eventtime",
    "eventsource",
    "eventname",
    "awsregion",
    "sourceipaddress",
    "useragent",
    "errorcode",
    "errormessage",
    "requestparameters",
    "responseelements",
    "additionaleventdata",
    "requestid",
    "eventid",
    "readonly",
    "resources",
    "eventtype",
    "apiversion",
    "recipientaccountid",
    "serviceeventdetails",
    "sharedeventid",
    "vpcendpointid",
    "vpcendpointaccountid",
    "eventcategory",
    "addendum",
    "sessioncredentialfromconsole",
    "edgedevicedetails",
    "tlsdetails",
    "managementevent",
];

const ACCOUNT: &str = "coalesce(arrow_cast(recipientaccountid, 'Utf8View'), useridentity.accountid)";
const REGION: &str = "arrow_cast(awsregion, 'Utf8View')";
const DATE: &str = "athena_date(event_date)";

/// Partition columns: name and expression over `events`.
static PARTITIONS: &[(&str, &str)] = &[
    ("account", ACCOUNT),
    ("region", REGION),
    ("year", "athena_year(event_date)"),
    ("month", "athena_month(event_date)"),
    ("day", "athena_day(event_date)"),
    ("timestamp", DATE),
    ("date_partition", DATE),
    ("region_partition", REGION),
    ("account_partition", ACCOUNT),
    ("source_object", "arrow_cast(source_object, 'Utf8View')"),
];

/// Names of the partition columns, which no other view has.
pub(crate) static PARTITION_NAMES: &[&str] = &[
    "account",
    "region",
    "year",
    "month",
    "day",
    "timestamp",
    "date_partition",
    "region_partition",
    "account_partition",
];

/// Columns of the view, in order.
pub fn column_names() -> impl Iterator<Item = &'static str> {
    DDL.iter().copied().chain(PARTITIONS.iter().map(|(name, _)| *name))
}

/// Columns of the view and their SQL over `events`.
pub(crate) fn columns() -> Vec<ViewColumn> {
    let record = DDL.iter().map(|name| ((*name).to_owned(), as_athena(name)));
    record.chain(PARTITIONS.iter().map(|(name, sql)| ((*name).to_owned(), (*sql).to_owned()))).collect()
}

/// The SQL that turns a column of `events` into Athena's.
fn as_athena(name: &str) -> String {
    let kind = ingest::schema::COLUMNS.iter().find(|c| c.name == name).map(|c| c.kind);
    match kind {
        Some(Kind::Timestamp) => format!("athena_time({name})"),
        Some(Kind::Boolean) => format!("CASE WHEN {name} THEN 'true' WHEN NOT {name} THEN 'false' END"),
        // Athena's JSON reader gives NULL for null, and saved queries test for it.
        Some(Kind::Json) => format!("nullif({name}, 'null')"),
        // Views of the dictionary's text: no copy, and every function and operator takes them.
        Some(Kind::Dictionary) => format!("arrow_cast({name}, 'Utf8View')"),
        _ => name.to_owned(),
    }
}
