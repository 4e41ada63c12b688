//! The view `ecs`: events as the Elastic Common Schema has them, in the fields that Elastic's own CloudTrail pipeline sets.
//!
//! Source: ECS 8.11 and the `aws.cloudtrail` integration. A field set is a struct, so JSON lines of this view are documents
//! as Elasticsearch takes them. `event.category` and `event.type` are lists, as ECS says, and follow what the call does, not
//! a list of every API; an `authentication` is of the type `info`, as in that integration.

use crate::views::ViewColumn;

/// The view's name.
pub const NAME: &str = "ecs";

/// Version of the schema that the fields are of.
const VERSION: &str = "8.11.0";

/// Events of the category `authentication`: somebody shows who he is, or becomes another.
const AUTHENTICATION: &str = "'ConsoleLogin', 'CheckMfa', 'GetSigninToken', 'SwitchRole', 'ExternalIdPDirectoryLogin', \
    'UserAuthentication', 'Authenticate', 'Federate', 'CredentialChallenge', 'CredentialVerification', 'AssumeRole', \
    'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetSessionToken', 'GetFederationToken'";

fn text(column: &str) -> String {
    format!("arrow_cast({column}, 'Utf8')")
}

/// Texts longer than this Elasticsearch keeps in no field of the type `flattened` (its `ignore_above`).
const FLATTENED_MAX: usize = 32_766;

/// The members of an object by name; those in objects below stay JSON.
fn flattened(column: &str) -> String {
    format!("json_cast(CASE WHEN octet_length({column}) < {FLATTENED_MAX} THEN {column} END, 'map(varchar,varchar)')")
}

/// A list of one value, or of none: what is not there is related to nothing.
fn present(value: &str) -> String {
    format!("array_filter(make_array({value}), v -> v IS NOT NULL)")
}

/// Columns of the view and their SQL over `events`.
pub(crate) fn columns() -> Vec<ViewColumn> {
    let name = format!(
        "coalesce({}, {})",
        text("useridentity.username"),
        text("useridentity.sessioncontext.sessionissuer.username")
    );
    let address = text("sourceipaddress");
    let all: Vec<_> = ingest::schema::COLUMNS.iter().map(|column| column.name).collect();
    // Older records have no `readOnly`: then the name says whether something was only read, as in OCSF.
    let read = "coalesce(readonly, regexp_like(eventname, '^(Get|List|Describe|Search|Lookup|Head)'))";
    let event = format!(
        "named_struct('action', {action}, 'provider', {provider}, 'id', eventid, 'kind', 'event', 'dataset', \
         'aws.cloudtrail', 'outcome', CASE WHEN outcome = 'ok' THEN 'success' ELSE 'failure' END, 'category', make_array(CASE \
         WHEN eventname IN ({AUTHENTICATION}) THEN 'authentication' \
         WHEN eventsource = 'iam.amazonaws.com' THEN 'iam' WHEN {read} THEN 'api' ELSE 'configuration' END), 'type', \
         make_array(CASE WHEN eventname IN ({AUTHENTICATION}) THEN 'info' \
         WHEN {read} THEN 'access' WHEN regexp_like(eventname, '^(Create|Run|Allocate|Register)') THEN 'creation' \
         WHEN regexp_like(eventname, '^(Delete|Terminate|Deregister)') THEN 'deletion' ELSE 'change' END), 'original', \
         event_json({all}))",
        action = text("eventname"),
        provider = text("eventsource"),
        all = all.join(", ")
    );
    let cloudtrail = format!(
        "named_struct('cloudtrail', named_struct('event_version', {version}, 'event_type', {kind}, 'event_category', \
         {category}, 'error_code', {code}, 'error_message', {message}, 'request_id', requestid, 'request_parameters', \
         nullif(requestparameters, 'null'), 'response_elements', nullif(responseelements, 'null'), \
         'flattened', named_struct('request_parameters', {request_map}, 'response_elements', {response_map}), \
         'additional_eventdata', nullif(additionaleventdata, 'null'), 'service_event_details', \
         nullif(serviceeventdetails, 'null'), 'recipient_account_id', {account}, 'shared_event_id', sharedeventid, \
         'vpc_endpoint_id', {endpoint}, 'read_only', readonly, 'management_event', managementevent, 'user_identity', \
         named_struct('type', {user_type}, 'arn', {arn}, 'access_key_id', {key}, 'invoked_by', {invoked}, \
         'session_context', named_struct('mfa_authenticated', {mfa}, 'creation_date', {created}))))",
        request_map = flattened("requestparameters"),
        response_map = flattened("responseelements"),
        version = text("eventversion"),
        kind = text("eventtype"),
        category = text("eventcategory"),
        code = text("errorcode"),
        message = text("errormessage"),
        account = text("recipientaccountid"),
        endpoint = text("vpcendpointid"),
        user_type = text("useridentity.type"),
        arn = text("useridentity.arn"),
        key = text("useridentity.accesskeyid"),
        invoked = text("useridentity.invokedby"),
        mfa = text("useridentity.sessioncontext.attributes.mfaauthenticated"),
        created = text("useridentity.sessioncontext.attributes.creationdate"),
    );
    let columns: Vec<(&str, String)> = vec![
        ("@timestamp", "eventtime".into()),
        ("ecs", format!("named_struct('version', '{VERSION}')")),
        ("event", event),
        ("user", format!("named_struct('name', {name}, 'id', {})", text("useridentity.principalid"))),
        (
            "cloud",
            format!(
                "named_struct('provider', 'aws', 'region', {}, 'account', named_struct('id', coalesce({}, {})))",
                text("awsregion"),
                text("useridentity.accountid"),
                text("recipientaccountid")
            ),
        ),
        ("source", format!("named_struct('address', {address}, 'ip', ip_address({address}))")),
        ("user_agent", "named_struct('original', useragent)".into()),
        (
            "related",
            format!("named_struct('user', {}, 'ip', {})", present(&name), present(&format!("ip_address({address})"))),
        ),
        ("aws", cloudtrail),
    ];
    columns.into_iter().map(|(name, sql)| (name.to_owned(), sql)).collect()
}
