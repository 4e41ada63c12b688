//! The view `event_data_store`: the event table as CloudTrail Lake users know it.
//!
//! Same rows as `events`, in the types of AWS's schema ("CloudTrail Lake supported event schemas"): `eventtime` is a time,
//! `readonly` and `managementevent` are truth values, parameters are
//! `map<varchar, varchar>` whose values are texts (a list or an object is its JSON), `eventjson` is the whole record.
//! `eventjsonchecksum` and `annotation` are NULL: logs do not have them.

use ingest::schema::{COLUMNS, Kind};

use crate::views::ViewColumn;

/// The view's name. The id of an event data store is another name of it.
pub const NAME: &str = "event_data_store";

/// Columns of the schema, in the order that AWS's samples list them.
static SCHEMA: &[&str] = &[
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
    "managementevent",
    "recipientaccountid",
    "sharedeventid",
    "annotation",
    "vpcendpointid",
    "vpcendpointaccountid",
    "serviceeventdetails",
    "addendum",
    "edgedevicedetails",
    "insightdetails",
    "eventcategory",
    "tlsdetails",
    "sessioncredentialfromconsole",
    "eventjson",
    "eventjsonchecksum",
];

/// Columns that the Athena table does not have.
pub(crate) static ONLY_THERE: &[&str] = &["annotation", "insightdetails", "eventjson", "eventjsonchecksum"];

/// Columns of the view, in order.
pub fn column_names() -> impl Iterator<Item = &'static str> {
    SCHEMA.iter().copied()
}

/// Columns of the view and their SQL over `events`.
pub(crate) fn columns() -> Vec<ViewColumn> {
    SCHEMA.iter().map(|name| ((*name).to_owned(), as_store(name))).collect()
}

fn as_store(name: &str) -> String {
    match name {
        "annotation" | "eventjsonchecksum" => return "arrow_cast(NULL, 'Utf8')".into(),
        "eventjson" => {
            let all: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
            return format!("event_json({})", all.join(", "));
        }
        _ => {}
    }
    match COLUMNS.iter().find(|column| column.name == name).map(|column| column.kind) {
        Some(Kind::Json) => format!("json_cast({name}, 'map(varchar,varchar)')"),
        // Views of the dictionary's text: no copy, and every function and operator takes them.
        Some(Kind::Dictionary) => format!("arrow_cast({name}, 'Utf8View')"),
        _ => name.to_owned(),
    }
}
