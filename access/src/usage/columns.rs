//! The columns of the event table that the fold reads.

use arrow::array::RecordBatch;
use ingest::batch::{self, TextColumn};

/// The columns of a chunk that the fold reads.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) principal: TextColumn,
    pub(super) event_source: TextColumn,
    pub(super) event_name: TextColumn,
    pub(super) event_type: TextColumn,
    pub(super) region: TextColumn,
    pub(super) outcome: TextColumn,
    pub(super) account: TextColumn,
    pub(super) actor: TextColumn,
    pub(super) identity_type: TextColumn,
    pub(super) access_key: TextColumn,
    pub(super) source: TextColumn,
    pub(super) error_message: TextColumn,
    pub(super) request: TextColumn,
}

impl Columns {
    pub(super) fn new(batch: &RecordBatch) -> Self {
        let text = |path| batch::text(batch, path);
        Columns {
            principal: text("principal"),
            event_source: text("eventsource"),
            event_name: text("eventname"),
            event_type: text("eventtype"),
            region: text("awsregion"),
            outcome: text("outcome"),
            account: text("recipientaccountid"),
            actor: text("actor"),
            identity_type: text("useridentity.type"),
            access_key: text("useridentity.accesskeyid"),
            source: text("sourceipaddress"),
            error_message: text("errormessage"),
            request: text("requestparameters"),
        }
    }
}
