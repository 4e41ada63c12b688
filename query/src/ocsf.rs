//! The view `ocsf`: events as the Open Cybersecurity Schema Framework has them.
//!
//! Three classes, chosen by the name of the event: Authentication (3002), Account Change (3001), else API Activity (6003).
//! Fields follow Amazon Security Lake's CloudTrail source ("Open Cybersecurity Schema Framework (OCSF) in Security Lake")
//! and the classes of schema.ocsf.io; `eventday`, `region` and `accountid` are its partitions. An error code that no list
//! knows is a failure (status 2), not "other". What no field takes stands whole in `raw_data`.

use crate::views::ViewColumn;

/// The view's name. Tables of Security Lake (`amazon_security_lake_table_…`) are other names of it.
pub const NAME: &str = "ocsf";

/// Version of the schema that the fields are of.
const VERSION: &str = "1.1.0";

/// Names of events of Authentication.
const AUTHENTICATION: &str = "'ConsoleLogin', 'ExternalIdPDirectoryLogin', 'CheckMfa', 'CredentialChallenge', \
    'CredentialVerification', 'UserAuthentication', 'Authenticate', 'Federate', 'GetSigninToken', 'SwitchRole', \
    'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetFederationToken', \
    'GetSessionToken'";

/// Names of events of Account Change, with what each does (`activity_id` of class 3001).
static ACCOUNT_CHANGES: &[(u8, &str)] = &[
    (1, "'CreateUser', 'CreateRole', 'CreateGroup', 'CreateAccessKey', 'CreateLoginProfile'"),
    (3, "'ChangePassword'"),
    (4, "'PasswordRecoveryCompleted', 'UpdateLoginProfile', 'PasswordRecoveryRequested'"),
    (6, "'DeleteUser', 'DeleteRole', 'DeleteGroup', 'DeleteAccessKey', 'DeleteLoginProfile'"),
    (
        7,
        "'AttachUserPolicy', 'AttachRolePolicy', 'AttachGroupPolicy', 'PutUserPolicy', 'PutRolePolicy', 'PutGroupPolicy'",
    ),
    (
        8,
        "'DetachUserPolicy', 'DetachRolePolicy', 'DetachGroupPolicy', 'DeleteUserPolicy', 'DeleteRolePolicy', 'DeleteGroupPolicy'",
    ),
    (10, "'EnableMFADevice'"),
    (11, "'DeactivateMFADevice'"),
];

fn class() -> String {
    let changes: Vec<_> = ACCOUNT_CHANGES.iter().map(|(_, names)| *names).collect();
    format!(
        "CASE WHEN eventname IN ({AUTHENTICATION}) THEN 3002 WHEN eventsource = 'iam.amazonaws.com' AND eventname IN ({}) \
         THEN 3001 ELSE 6003 END",
        changes.join(", ")
    )
}

fn activity() -> String {
    let changes: Vec<_> =
        ACCOUNT_CHANGES.iter().map(|(id, names)| format!("WHEN eventname IN ({names}) THEN {id}")).collect();
    format!(
        "CASE WHEN eventname IN ({AUTHENTICATION}) THEN 1 WHEN eventsource = 'iam.amazonaws.com' AND ({class}) = 3001 \
         THEN CASE {changes} END \
         WHEN regexp_like(eventname, '^(Create|Run|Generate)') THEN 1 \
         WHEN regexp_like(eventname, '^(Get|List|Describe|Search|Lookup|Head)') THEN 2 \
         WHEN regexp_like(eventname, '^(Update|Modify|Put|Set)') THEN 3 \
         WHEN regexp_like(eventname, '^(Delete|Terminate)') THEN 4 ELSE 99 END",
        class = class(),
        changes = changes.join(" ")
    )
}

fn text(column: &str) -> String {
    format!("arrow_cast({column}, 'Utf8')")
}

/// Whether a request failed: a login says so in its response.
const FAILED: &str =
    "(errorcode IS NOT NULL OR coalesce(json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Failure', false))";

fn actor() -> String {
    format!(
        "named_struct('user', named_struct('uid', {arn}, 'uuid', {arn}, 'uid_alt', {principal}, 'name', \
         coalesce({user}, {issuer_user}), 'type', {kind}, 'account', named_struct('uid', {account}), 'credential_uid', \
         coalesce({key}, {credential})), 'session', named_struct('created_time', {created}, 'is_mfa', {mfa} = 'true', \
         'issuer', {issuer}), 'invoked_by', {invoked}, 'idp', named_struct('name', coalesce({federated}, {provider})))",
        arn = text("useridentity.arn"),
        principal = text("useridentity.principalid"),
        user = text("useridentity.username"),
        issuer_user = text("useridentity.sessioncontext.sessionissuer.username"),
        kind = text("useridentity.type"),
        account = text("useridentity.accountid"),
        key = text("useridentity.accesskeyid"),
        credential = text("useridentity.credentialid"),
        created = text("useridentity.sessioncontext.attributes.creationdate"),
        mfa = text("useridentity.sessioncontext.attributes.mfaauthenticated"),
        issuer = text("useridentity.sessioncontext.sessionissuer.arn"),
        invoked = text("useridentity.invokedby"),
        federated = text("useridentity.sessioncontext.webidfederationdata.federatedprovider"),
        provider = text("useridentity.identityprovider"),
    )
}

/// Columns of the view and their SQL over `events`.
pub(crate) fn columns() -> Vec<ViewColumn> {
    let address = "ip_address(sourceipaddress)";
    let subject = "coalesce(json_extract_scalar(requestparameters, '$.userName'), \
                   json_extract_scalar(requestparameters, '$.roleName'), json_extract_scalar(requestparameters, '$.roleArn'))";
    let all: Vec<_> = ingest::schema::COLUMNS.iter().map(|column| column.name).collect();
    let columns: Vec<(&str, String)> = vec![
        ("time", "epoch_ms(eventtime)".into()),
        ("time_dt", "eventtime".into()),
        ("class_uid", class()),
        (
            "class_name",
            format!(
                "CASE {} WHEN 3002 THEN 'Authentication' WHEN 3001 THEN 'Account Change' ELSE 'API Activity' END",
                class()
            ),
        ),
        ("category_uid", format!("CASE WHEN {} = 6003 THEN 6 ELSE 3 END", class())),
        ("activity_id", activity()),
        ("type_uid", format!("({}) * 100 + ({})", class(), activity())),
        ("severity_id", "1".into()),
        ("status_id", format!("CASE WHEN {FAILED} THEN 2 ELSE 1 END")),
        ("status", format!("CASE WHEN {FAILED} THEN 'Failure' ELSE 'Success' END")),
        (
            "metadata",
            format!(
                "named_struct('uid', eventid, 'event_code', {}, 'version', '{VERSION}', 'product', named_struct('name', \
                 'CloudTrail', 'vendor_name', 'AWS', 'version', {}, 'feature', named_struct('name', {})))",
                text("eventtype"),
                text("eventversion"),
                text("eventcategory")
            ),
        ),
        (
            "cloud",
            format!(
                "named_struct('provider', 'AWS', 'region', {}, 'account', named_struct('uid', {}))",
                text("awsregion"),
                text("recipientaccountid")
            ),
        ),
        ("actor", actor()),
        (
            "api",
            format!(
                "named_struct('operation', {}, 'version', {}, 'service', named_struct('name', {}), 'request', \
                 named_struct('uid', requestid, 'data', nullif(requestparameters, 'null')), 'response', \
                 named_struct('error', {}, 'message', {}, 'data', nullif(responseelements, 'null')))",
                text("eventname"),
                text("apiversion"),
                text("eventsource"),
                text("errorcode"),
                text("errormessage")
            ),
        ),
        (
            "src_endpoint",
            format!(
                "named_struct('ip', {address}, 'domain', CASE WHEN {address} IS NULL THEN {} END, 'uid', {})",
                text("sourceipaddress"),
                text("vpcendpointid")
            ),
        ),
        ("http_request", "named_struct('user_agent', useragent)".into()),
        ("resources", "resources".into()),
        ("user", format!("CASE WHEN {} <> 6003 THEN named_struct('name', {subject}, 'uid', {subject}) END", class())),
        (
            "is_mfa",
            "CASE json_extract_scalar(additionaleventdata, '$.MFAUsed') WHEN 'Yes' THEN true WHEN 'No' THEN false END"
                .into(),
        ),
        ("unmapped", format!("json_cast(event_json({}), 'map(varchar,varchar)')", all.join(", "))),
        ("raw_data", format!("event_json({})", all.join(", "))),
        ("eventday", "replace(athena_date(event_date), '/', '')".into()),
        ("region", text("awsregion")),
        ("accountid", text("recipientaccountid")),
    ];
    columns.into_iter().map(|(name, sql)| (name.to_owned(), sql)).collect()
}
