//! The event table: the one list of columns that every other room reads names and types from.
//!
//! Names are Athena's, lower case, because the field's saved queries use them and SQL folds identifiers to
//! lower case. Types are real ones. After the columns of the record stand our own derived columns.
//! Sources: "CloudTrail record contents", "CloudTrail userIdentity element" and "Creating the table for
//! CloudTrail logs in Athena" in the AWS documentation.
//!
//! This room knows no JSON and no files: it only says what a row looks like.

use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// What a column holds, and so which Arrow type it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `Utf8`: text with many distinct values.
    Text,
    /// `Dictionary(Int32, Utf8)`: text with few distinct values in a batch.
    Dictionary,
    /// `Utf8` holding compact JSON text; a map, a list, a string, a number and `null` all occur.
    Json,
    /// `Boolean`.
    Boolean,
    /// `Timestamp(Microsecond, "UTC")`.
    Timestamp,
    /// `Date32`.
    Date,
    /// A struct of named fields; null where the record lacks the object.
    Struct(&'static [Column]),
    /// A list of structs.
    List(&'static [Column]),
}

/// One column, or one field of a struct column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name in the table: Athena's, lower case.
    pub name: &'static str,
    /// Key in the CloudTrail record, or empty for a derived column.
    pub json: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// The `eventVersion` that brought it in, or `derived`.
    pub since: &'static str,
    /// One line of meaning.
    pub about: &'static str,
}

const fn col(name: &'static str, json: &'static str, kind: Kind, since: &'static str, about: &'static str) -> Column {
    Column { name, json, kind, since, about }
}

use Kind::{Boolean, Date, Dictionary, Json, List, Struct, Text, Timestamp};

/// Fields of `useridentity`.
pub static USER_IDENTITY: &[Column] = &[
    col("type", "type", Dictionary, "1.0", "kind of identity: Root, IAMUser, AssumedRole, AWSService …"),
    col("principalid", "principalId", Dictionary, "1.0", "unique id of the caller; for a role, ROLEID:session"),
    col("arn", "arn", Dictionary, "1.0", "ARN of the caller; for a role, the session's"),
    col("accountid", "accountId", Dictionary, "1.0", "account that owns the caller"),
    col("accesskeyid", "accessKeyId", Dictionary, "1.0", "access key that signed the request"),
    col("username", "userName", Dictionary, "1.0", "friendly name of the caller"),
    col("invokedby", "invokedBy", Dictionary, "1.0", "service that made the request for the caller"),
    col("invokedbydelegate", "invokedByDelegate", Struct(INVOKED_BY_DELEGATE), "1.11", "account a service acted for"),
    col("identityprovider", "identityProvider", Dictionary, "1.0", "external identity provider"),
    col("credentialid", "credentialId", Dictionary, "1.08", "bearer token of an IAM Identity Center user"),
    col("onbehalfof", "onBehalfOf", Struct(ON_BEHALF_OF), "1.08", "Identity Center user behind the request"),
    col("inscopeof", "inScopeOf", Struct(IN_SCOPE_OF), "1.11", "resource that the service credentials were issued for"),
    col("sessioncontext", "sessionContext", Struct(SESSION_CONTEXT), "1.0", "session of temporary credentials"),
];

/// Fields of `useridentity.invokedbydelegate`.
pub static INVOKED_BY_DELEGATE: &[Column] =
    &[col("accountid", "accountId", Dictionary, "1.11", "account of the delegate")];

/// Fields of `useridentity.onbehalfof`.
pub static ON_BEHALF_OF: &[Column] = &[
    col("userid", "userId", Dictionary, "1.08", "Identity Center user id"),
    col("identitystorearn", "identityStoreArn", Dictionary, "1.08", "identity store"),
];

/// Fields of `useridentity.inscopeof`.
pub static IN_SCOPE_OF: &[Column] = &[
    col("sourcearn", "sourceArn", Dictionary, "1.11", "resource that invoked the service"),
    col("sourceaccount", "sourceAccount", Dictionary, "1.11", "account of that resource"),
    col("issuertype", "issuerType", Dictionary, "1.11", "what issued the credentials"),
    col("credentialsissuedto", "credentialsIssuedTo", Dictionary, "1.11", "what the credentials were issued to"),
];

/// Fields of `useridentity.sessioncontext`.
pub static SESSION_CONTEXT: &[Column] = &[
    col("attributes", "attributes", Struct(SESSION_ATTRIBUTES), "1.0", "when it began, and with MFA or not"),
    col("sessionissuer", "sessionIssuer", Struct(SESSION_ISSUER), "1.0", "the role or user that issued the session"),
    col("webidfederationdata", "webIdFederationData", Struct(WEB_ID_FEDERATION), "1.0", "web identity federation"),
    col("sourceidentity", "sourceIdentity", Dictionary, "1.08", "original identity, set at AssumeRole"),
    col(
        "ec2roledelivery",
        "ec2RoleDelivery",
        Dictionary,
        "1.05",
        "IMDS version that delivered the credentials: 1.0 or 2.0",
    ),
    col("ec2issuedinvpc", "ec2IssuedInVpc", Dictionary, "1.08", "VPC the instance credentials were issued in"),
    col("assumedroot", "assumedRoot", Dictionary, "1.11", "true for a session of AssumeRoot"),
];

/// Fields of `useridentity.sessioncontext.attributes`.
pub static SESSION_ATTRIBUTES: &[Column] = &[
    col("creationdate", "creationDate", Dictionary, "1.0", "when the credentials were issued"),
    col("mfaauthenticated", "mfaAuthenticated", Dictionary, "1.0", "the text true or false"),
];

/// Fields of `useridentity.sessioncontext.sessionissuer`.
pub static SESSION_ISSUER: &[Column] = &[
    col("type", "type", Dictionary, "1.0", "Root, IAMUser or Role"),
    col("principalid", "principalId", Dictionary, "1.0", "unique id of the issuer"),
    col("arn", "arn", Dictionary, "1.0", "ARN of the role or user"),
    col("accountid", "accountId", Dictionary, "1.0", "account of the issuer"),
    col("username", "userName", Dictionary, "1.0", "name of the role or user"),
];

/// Fields of `useridentity.sessioncontext.webidfederationdata`.
pub static WEB_ID_FEDERATION: &[Column] = &[
    col("federatedprovider", "federatedProvider", Dictionary, "1.0", "identity provider"),
    col("attributes", "attributes", Json, "1.0", "application and user id, by the provider"),
];

/// Fields of an element of `resources`.
pub static RESOURCE: &[Column] = &[
    col("arn", "ARN", Text, "1.01", "ARN of the resource"),
    col("accountid", "accountId", Text, "1.01", "account of the resource"),
    col("type", "type", Text, "1.01", "AWS::Service::Type"),
    col("arnprefix", "ARNPrefix", Text, "1.08", "prefix of the ARNs that a request spans"),
];

/// Fields of `addendum`.
pub static ADDENDUM: &[Column] = &[
    col("reason", "reason", Text, "1.08", "DELIVERY_DELAY, UPDATED_DATA or SERVICE_OUTAGE"),
    col("updatedfields", "updatedFields", Text, "1.08", "which fields the addendum updates"),
    col("originalrequestid", "originalRequestID", Text, "1.08", "request id of the event it updates"),
    col("originaleventid", "originalEventID", Text, "1.08", "event id of the event it updates"),
];

/// Fields of `tlsdetails`.
pub static TLS_DETAILS: &[Column] = &[
    col("tlsversion", "tlsVersion", Dictionary, "1.08", "TLS version of the request"),
    col("ciphersuite", "cipherSuite", Dictionary, "1.08", "cipher suite of the request"),
    col("clientprovidedhostheader", "clientProvidedHostHeader", Dictionary, "1.08", "host name the client sent"),
    col("keyexchange", "keyExchange", Dictionary, "1.11", "key exchange of the request"),
];

/// Fields of `insightdetails`.
pub static INSIGHT_DETAILS: &[Column] = &[
    col("state", "state", Text, "1.07", "Start or End"),
    col("eventsource", "eventSource", Text, "1.07", "service of the unusual activity"),
    col("eventname", "eventName", Text, "1.07", "API of the unusual activity"),
    col("insighttype", "insightType", Text, "1.07", "ApiCallRateInsight or ApiErrorRateInsight"),
    col("errorcode", "errorCode", Text, "1.07", "error of the unusual activity"),
    col("insightcontext", "insightContext", Json, "1.07", "baseline, statistics and attributions"),
];

/// Columns of the event table, in table order. Columns of the record come first, derived ones last.
pub static COLUMNS: &[Column] = &[
    col("eventtime", "eventTime", Timestamp, "1.0", "when the request was completed"),
    col("eventversion", "eventVersion", Dictionary, "1.0", "version of the record format"),
    col("eventtype", "eventType", Dictionary, "1.02", "AwsApiCall, AwsServiceEvent, AwsConsoleSignIn …"),
    col("eventcategory", "eventCategory", Dictionary, "1.07", "Management, Data, NetworkActivity, Insight"),
    col("eventsource", "eventSource", Dictionary, "1.0", "service the request went to: s3.amazonaws.com"),
    col("eventname", "eventName", Dictionary, "1.0", "the API call"),
    col("awsregion", "awsRegion", Dictionary, "1.0", "region the request went to"),
    col("recipientaccountid", "recipientAccountId", Dictionary, "1.02", "account that received this record"),
    col("errorcode", "errorCode", Dictionary, "1.0", "error of a failed request"),
    col("errormessage", "errorMessage", Dictionary, "1.0", "message of a failed request"),
    col("eventid", "eventID", Text, "1.01", "unique id of the event"),
    col("requestid", "requestID", Text, "1.01", "id of the request"),
    col("sharedeventid", "sharedEventID", Text, "1.03", "id shared by the copies sent to several accounts"),
    col("sourceipaddress", "sourceIPAddress", Dictionary, "1.0", "address, or the service that called"),
    col("useragent", "userAgent", Text, "1.0", "agent the request was made through"),
    col("apiversion", "apiVersion", Dictionary, "1.01", "version of the API"),
    col("vpcendpointid", "vpcEndpointId", Dictionary, "1.04", "VPC endpoint the request came through"),
    col("vpcendpointaccountid", "vpcEndpointAccountId", Dictionary, "1.09", "account of that endpoint"),
    col(
        "sessioncredentialfromconsole",
        "sessionCredentialFromConsole",
        Dictionary,
        "1.08",
        "true for a console session",
    ),
    col("readonly", "readOnly", Boolean, "1.01", "whether the call only reads"),
    col("managementevent", "managementEvent", Boolean, "1.06", "whether it is a management event"),
    col("useridentity", "userIdentity", Struct(USER_IDENTITY), "1.0", "who made the request"),
    col("resources", "resources", List(RESOURCE), "1.01", "resources the request touched"),
    col("addendum", "addendum", Struct(ADDENDUM), "1.08", "why a record came late or again"),
    col("tlsdetails", "tlsDetails", Struct(TLS_DETAILS), "1.08", "TLS of the request"),
    col("insightdetails", "insightDetails", Struct(INSIGHT_DETAILS), "1.07", "an Insights event"),
    col("requestparameters", "requestParameters", Json, "1.0", "parameters of the request"),
    col("responseelements", "responseElements", Json, "1.0", "what a write call answered"),
    col("additionaleventdata", "additionalEventData", Json, "1.0", "data outside request and response"),
    col("serviceeventdetails", "serviceEventDetails", Json, "1.05", "details of a service event"),
    col("edgedevicedetails", "edgeDeviceDetails", Json, "1.08", "edge device the request was for"),
    col("extra", "", Json, "derived", "every field of the record that the columns above do not give back exactly"),
    col("event_date", "", Date, "derived", "UTC day of eventtime: the partition"),
    col("service", "", Dictionary, "derived", "IAM service prefix: s3"),
    col("action", "", Dictionary, "derived", "IAM action that the call needs: s3:GetObject; null if it needs none"),
    col("principal", "", Dictionary, "derived", "durable identity: user ARN, role behind the session, root, service"),
    col("actor", "", Dictionary, "derived", "who stood behind it: source identity, person, session name"),
    col("outcome", "", Dictionary, "derived", "ok, denied or error"),
    col("source_object", "", Dictionary, "derived", "file or object the record came from"),
];

impl Column {
    /// The Arrow type of the column.
    pub fn data_type(&self) -> DataType {
        match self.kind {
            Text | Json => DataType::Utf8,
            Dictionary => dictionary_type(),
            Boolean => DataType::Boolean,
            Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Date => DataType::Date32,
            Struct(fields) => DataType::Struct(arrow_fields(fields)),
            List(fields) => DataType::List(list_item(fields)),
        }
    }

    /// True for a column of ours, false for a field of the record.
    pub fn is_derived(&self) -> bool {
        self.json.is_empty()
    }
}

/// The type of every low-cardinality text column.
pub fn dictionary_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Arrow fields of a list of columns; every one is nullable.
pub fn arrow_fields(columns: &[Column]) -> Fields {
    columns.iter().map(|c| Field::new(c.name, c.data_type(), true)).collect()
}

pub(crate) fn list_item(columns: &[Column]) -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(arrow_fields(columns)), true))
}

/// The Arrow schema of an event batch.
pub fn event_schema() -> SchemaRef {
    static SCHEMA: OnceLock<SchemaRef> = OnceLock::new();
    SCHEMA.get_or_init(|| Arc::new(Schema::new(arrow_fields(COLUMNS)))).clone()
}

/// Position of a column in an event batch.
pub fn index_of(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|c| c.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_unique() {
        let mut names: Vec<_> = COLUMNS.iter().map(|c| c.name).collect();
        assert!(names.iter().all(|n| n.to_ascii_lowercase() == *n));
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_column_is_named_after_its_key() {
        for column in COLUMNS.iter().filter(|c| !c.is_derived()) {
            assert_eq!(column.name, column.json.to_ascii_lowercase());
        }
    }
}
