//! From event batches to uses and issued keys.

use arrow::array::{Array, RecordBatch};
use ingest::batch::{self, TextColumn};
use serde_json::Value;

use super::claim::{self, Claim, Told};
use super::{Behind, How, Issue, People};

/// What the fold reads of an event: of a lake, nothing else is fetched.
pub const COLUMNS: &[&str] = &[
    "eventtime",
    "eventtype",
    "eventsource",
    "eventname",
    "useridentity",
    "responseelements",
    "principal",
    "action",
    "outcome",
];

struct Columns {
    event_type: TextColumn,
    event_source: TextColumn,
    event_name: TextColumn,
    response: TextColumn,
    principal: TextColumn,
    action: TextColumn,
    outcome: TextColumn,
    kind: TextColumn,
    arn: TextColumn,
    principal_id: TextColumn,
    account: TextColumn,
    user_name: TextColumn,
    access_key: TextColumn,
    invoked_by: TextColumn,
    on_behalf_of: TextColumn,
    source_identity: TextColumn,
}

impl Columns {
    fn new(batch: &RecordBatch) -> Columns {
        let text = |path| batch::text(batch, path);
        Columns {
            event_type: text("eventtype"),
            event_source: text("eventsource"),
            event_name: text("eventname"),
            response: text("responseelements"),
            principal: text("principal"),
            action: text("action"),
            outcome: text("outcome"),
            kind: text("useridentity.type"),
            arn: text("useridentity.arn"),
            principal_id: text("useridentity.principalid"),
            account: text("useridentity.accountid"),
            user_name: text("useridentity.username"),
            access_key: text("useridentity.accesskeyid"),
            invoked_by: text("useridentity.invokedby"),
            on_behalf_of: text("useridentity.onbehalfof.userid"),
            source_identity: text("useridentity.sessioncontext.sourceidentity"),
        }
    }

    fn told<'a>(&'a self, row: usize, principal: &'a str) -> Told<'a> {
        let get = |column: &'a TextColumn| column.get(row).unwrap_or_default();
        Told {
            kind: get(&self.kind),
            arn: get(&self.arn),
            principal_id: get(&self.principal_id),
            account: get(&self.account),
            user_name: get(&self.user_name),
            invoked_by: get(&self.invoked_by),
            on_behalf_of: get(&self.on_behalf_of),
            source_identity: get(&self.source_identity),
            principal,
        }
    }
}

impl People {
    /// Folds a batch of events.
    pub fn observe(&mut self, batch: &RecordBatch) {
        let Some(times) = batch::timestamp(batch, "eventtime") else { return };
        let columns = Columns::new(batch);
        for row in 0..batch.num_rows() {
            let Some(principal) = columns.principal.get(row).filter(|name| !name.is_empty()) else { continue };
            let event_type = columns.event_type.get(row).unwrap_or_default();
            // What a service did for itself is nobody's doing.
            let is_call = matches!(event_type, "" | "AwsApiCall" | "AwsConsoleSignIn" | "AwsConsoleAction");
            if is_call && times.is_valid(row) {
                self.event(&columns, row, principal, times.value(row));
            }
        }
    }

    fn event(&mut self, columns: &Columns, row: usize, principal: &str, time: i64) {
        // Past the limits nothing new is even named, so that the names are bounded too.
        if self.texts.texts.len() >= self.limits.uses.saturating_mul(4) {
            self.dropped += 1;
            return;
        }
        let told = columns.told(row, principal);
        let access_key = columns.access_key.get(row).unwrap_or_default();
        let behind = self.behind(&told, access_key);
        if let Behind::Known(claim) = behind {
            self.add_id(told.principal_id, claim);
        }
        let principal = self.texts.id(principal);
        if columns.event_source.get(row) == Some("sts.amazonaws.com")
            && columns.event_name.get(row).is_some_and(|name| name.starts_with("Assume"))
            && let Some(key) = columns.response.get(row).and_then(issued_key)
        {
            let key = self.texts.id(&key);
            self.add_issue(key, Issue { behind, principal });
        }
        if self.since.is_some_and(|since| time < since) {
            return;
        }
        self.events += 1;
        let action = columns.action.get(row).filter(|action| !action.is_empty());
        let action = action.map(|action| self.texts.id(action));
        let denied = columns.outcome.get(row) == Some("denied");
        self.add_use(behind, principal, time, denied, action);
    }

    fn behind(&mut self, told: &Told<'_>, access_key: &str) -> Behind {
        let is_traced = told.kind == "AssumedRole" && access_key.starts_with("ASIA");
        match claim::of_record(told) {
            // Of a session that calls itself an instance, the key tells whether somebody else assumed the role.
            Some((how, name)) if !(is_traced && how == How::Instance) => {
                Behind::Known(Claim { how, name: self.texts.id(&name) })
            }
            _ => {
                let name = claim::session_name(told);
                let name = if name.is_empty() { told.principal } else { name };
                // Without a key, the session itself stands for it.
                let key = if access_key.is_empty() { told.arn } else { access_key };
                Behind::Session { key: self.texts.id(key), name: self.texts.id(name) }
            }
        }
    }
}

/// The key that STS answered with.
fn issued_key(response: &str) -> Option<String> {
    if !response.contains("accessKeyId") {
        return None;
    }
    let value: Value = serde_json::from_str(response).ok()?;
    let key = value.get("credentials")?.get("accessKeyId")?.as_str()?;
    (key.starts_with("ASIA") && key.len() <= 128).then(|| key.to_owned())
}
