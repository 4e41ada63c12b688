//! One event of a story: the columns that it is told by, of a row of the event table.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};

use crate::error::{Error, Result};

/// The columns of a batch, as text.
pub(super) struct Calls {
    times: ArrayRef,
    texts: Vec<StringArray>,
    rows: usize,
}

/// The columns of text, by their places in [`Calls`].
static COLUMNS: &[&str] = &[
    "eventid",
    "eventsource",
    "eventname",
    "awsregion",
    "sourceipaddress",
    "useragent",
    "outcome",
    "errorcode",
    "principal",
    "actor",
    "action",
    "recipientaccountid",
    "requestparameters",
    "responseelements",
    "additionaleventdata",
    "sessioncredentialfromconsole",
    "useridentity.type",
    "useridentity.accesskeyid",
    "useridentity.arn",
    "useridentity.sessioncontext.attributes.creationdate",
    "useridentity.sessioncontext.attributes.mfaauthenticated",
    "useridentity.sessioncontext.sourceidentity",
    "readonly",
];

/// An event. What it does not say is empty.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Call<'a> {
    pub(super) time: Option<i64>,
    pub(super) id: &'a str,
    pub(super) source: &'a str,
    pub(super) name: &'a str,
    pub(super) region: &'a str,
    pub(super) address: &'a str,
    pub(super) agent: &'a str,
    pub(super) outcome: &'a str,
    pub(super) error: &'a str,
    pub(super) principal: &'a str,
    pub(super) actor: &'a str,
    pub(super) action: &'a str,
    pub(super) account: &'a str,
    pub(super) request: Option<&'a str>,
    pub(super) response: Option<&'a str>,
    pub(super) additional: Option<&'a str>,
    pub(super) from_console: bool,
    pub(super) kind: &'a str,
    pub(super) key: &'a str,
    pub(super) arn: &'a str,
    pub(super) began: &'a str,
    pub(super) mfa: &'a str,
    pub(super) source_identity: &'a str,
    pub(super) changes: bool,
}

fn column(batch: &RecordBatch, path: &str) -> Option<ArrayRef> {
    let mut parts = path.split('.');
    let mut array = batch.column_by_name(parts.next()?)?.clone();
    for part in parts {
        array = array.as_struct_opt()?.column_by_name(part)?.clone();
    }
    Some(array)
}

impl Calls {
    /// The events of a batch that has the columns of the event table.
    pub(super) fn of(batch: &RecordBatch) -> Result<Calls> {
        let bad = |path: &str| Error::Setup(format!("the events have no column {path}"));
        let found = |path: &str| column(batch, path).ok_or_else(|| bad(path));
        let as_type = |array: ArrayRef, kind: &DataType| cast(&array, kind).map_err(|e| Error::Run(e.to_string()));
        let text = |path: &&str| -> Result<StringArray> {
            Ok(as_type(found(path)?, &DataType::Utf8)?.as_string::<i32>().clone())
        };
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Ok(Calls {
            times: as_type(found("eventtime")?, &micros)?,
            texts: COLUMNS.iter().map(text).collect::<Result<_>>()?,
            rows: batch.num_rows(),
        })
    }

    /// Every event, in the order of the rows.
    pub(super) fn iter(&self) -> impl Iterator<Item = Call<'_>> {
        let times = self.times.as_primitive::<TimestampMicrosecondType>();
        (0..self.rows).map(move |row| {
            let get = |place: usize| {
                let column = self.texts.get(place)?;
                column.is_valid(row).then(|| column.value(row))
            };
            let text = |place: usize| get(place).unwrap_or_default();
            Call {
                time: times.is_valid(row).then(|| times.value(row)),
                id: text(0),
                source: text(1),
                name: text(2),
                region: text(3),
                address: text(4),
                agent: text(5),
                outcome: text(6),
                error: text(7),
                principal: text(8),
                actor: text(9),
                action: text(10),
                account: text(11),
                request: get(12).filter(|text| *text != "null"),
                response: get(13).filter(|text| *text != "null"),
                additional: get(14).filter(|text| *text != "null"),
                from_console: text(15) == "true",
                kind: text(16),
                key: text(17),
                arn: text(18),
                began: text(19),
                mfa: text(20),
                source_identity: text(21),
                changes: match text(22) {
                    "" => !is_read(text(2)),
                    read_only => read_only == "false",
                },
            }
        })
    }
}

/// Whether a call reads, by its name: for records without `readOnly`.
fn is_read(name: &str) -> bool {
    let begins = |verb: &str| name.strip_prefix(verb).is_some_and(|rest| !rest.starts_with(|c: char| c.is_lowercase()));
    const VERBS: &[&str] = &[
        "Get",
        "List",
        "Describe",
        "Head",
        "Lookup",
        "BatchGet",
        "BatchDescribe",
        "Search",
        "Query",
        "Scan",
        "Select",
        "View",
        "Check",
        "Simulate",
        "Preview",
        "Estimate",
        "Discover",
        "Filter",
        "AssumeRole",
        "Decrypt",
    ];
    VERBS.iter().any(|verb| begins(verb))
}

impl Call<'_> {
    /// What was called: `iam:CreateUser`.
    pub(super) fn what(&self) -> String {
        if !self.action.is_empty() {
            return self.action.to_owned();
        }
        format!("{}:{}", self.source.split('.').next().unwrap_or_default(), self.name)
    }
}
