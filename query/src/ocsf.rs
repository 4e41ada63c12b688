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
    (2, "'UpdateAccessKey'"),
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
    // One call turns a key on and off.
    let off =
        "WHEN eventname = 'UpdateAccessKey' AND json_extract_scalar(requestparameters, '$.status') = 'Inactive' THEN 5";
    let named = ACCOUNT_CHANGES.iter().map(|(id, names)| format!("WHEN eventname IN ({names}) THEN {id}"));
    let changes: Vec<_> = std::iter::once(off.to_owned()).chain(named).collect();
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

/// What an activity is called: by class and `activity_id`.
static ACTIVITY_NAMES: &[(u32, u8, &str)] = &[
    (3001, 1, "Create"),
    (3001, 2, "Enable"),
    (3001, 3, "Password Change"),
    (3001, 4, "Password Reset"),
    (3001, 5, "Disable"),
    (3001, 6, "Delete"),
    (3001, 7, "Attach Policy"),
    (3001, 8, "Detach Policy"),
    (3001, 10, "MFA Factor Enable"),
    (3001, 11, "MFA Factor Disable"),
    (3002, 1, "Logon"),
    (6003, 1, "Create"),
    (6003, 2, "Read"),
    (6003, 3, "Update"),
    (6003, 4, "Delete"),
];

fn class_name() -> String {
    format!("CASE {} WHEN 3002 THEN 'Authentication' WHEN 3001 THEN 'Account Change' ELSE 'API Activity' END", class())
}

fn activity_name() -> String {
    let names =
        ACTIVITY_NAMES.iter().map(|(class, id, name)| format!("WHEN {} THEN '{name}'", class * 100 + u32::from(*id)));
    let names: Vec<_> = names.collect();
    format!("CASE ({}) * 100 + ({}) {} ELSE 'Other' END", class(), activity(), names.join(" "))
}

/// The resources that the record names, as the schema has them; `account_uid` is where its first versions had the owner.
fn resources() -> String {
    let account = "arrow_cast(r['accountid'], 'Utf8')";
    format!(
        "array_transform(resources, r -> named_struct('uid', arrow_cast(r['arn'], 'Utf8'), 'type', \
         arrow_cast(r['type'], 'Utf8'), 'account_uid', {account}, 'owner', named_struct('account', \
         named_struct('uid', {account}))))"
    )
}

/// What a hunt looks for: names, addresses, hosts and resources.
fn observables(address: &str) -> String {
    let one = |name: &str, kind: &str, id: u8, value: &str| {
        format!(
            "named_struct('name', '{name}', 'type', '{kind}', 'type_id', {id}, 'value', arrow_cast({value}, 'Utf8'))"
        )
    };
    let user = "coalesce(useridentity.username, useridentity.sessioncontext.sessionissuer.username)";
    let domain = format!("CASE WHEN {address} IS NULL THEN sourceipaddress END");
    let known = [
        one("actor.user.name", "User Name", 4, user),
        one("src_endpoint.ip", "IP Address", 2, address),
        one("src_endpoint.domain", "Hostname", 1, &domain),
        one("actor.user.uid", "Resource UID", 10, "useridentity.arn"),
    ];
    let named = one("resources[].uid", "Resource UID", 10, "r['arn']");
    format!(
        "array_filter(array_concat(make_array({}), coalesce(array_transform(resources, r -> {named}), make_array())), \
         o -> o['value'] IS NOT NULL)",
        known.join(", ")
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
         coalesce({key}, {credential})), 'session', named_struct('created_time', {created}, 'created_time_dt', {created}, 'is_mfa', {mfa} = 'true', \
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

/// Where a call came from, if that is an address.
const ADDRESS: &str = "ip_address(sourceipaddress)";

/// Whom a call is about.
const SUBJECT: &str = "coalesce(json_extract_scalar(requestparameters, '$.userName'), \
                       json_extract_scalar(requestparameters, '$.roleName'), json_extract_scalar(requestparameters, '$.roleArn'))";

/// Columns of the view and their SQL over `events`.
pub(crate) fn columns() -> Vec<ViewColumn> {
    let (address, subject) = (ADDRESS, SUBJECT);
    let all: Vec<_> = ingest::schema::COLUMNS.iter().map(|column| column.name).collect();
    let columns: Vec<(&str, String)> = vec![
        ("time", "epoch_ms(eventtime)".into()),
        ("time_dt", "eventtime".into()),
        ("class_uid", class()),
        ("class_name", class_name()),
        ("category_uid", format!("CASE WHEN {} = 6003 THEN 6 ELSE 3 END", class())),
        (
            "category_name",
            format!("CASE WHEN {} = 6003 THEN 'Application Activity' ELSE 'Identity & Access Management' END", class()),
        ),
        ("activity_id", activity()),
        ("activity_name", activity_name()),
        ("type_uid", format!("({}) * 100 + ({})", class(), activity())),
        ("type_name", format!("{} || ': ' || {}", class_name(), activity_name())),
        ("severity_id", "1".into()),
        ("severity", "'Informational'".into()),
        ("status_id", format!("CASE WHEN {FAILED} THEN 2 ELSE 1 END")),
        ("status", format!("CASE WHEN {FAILED} THEN 'Failure' ELSE 'Success' END")),
        (
            "metadata",
            format!(
                "named_struct('uid', eventid, 'event_code', {}, 'version', '{VERSION}', 'product', named_struct('name', \
                 'CloudTrail', 'vendor_name', 'AWS', 'version', {}, 'feature', named_struct('name', {})), \
                 'profiles', make_array('cloud', 'datetime'))",
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
        (
            "dst_endpoint",
            format!(
                "CASE WHEN {} = 3002 THEN named_struct('svc_name', json_extract_scalar(additionaleventdata, '$.LoginTo')) END",
                class()
            ),
        ),
        (
            "policy",
            format!(
                "CASE WHEN {} = 3001 THEN named_struct('uid', json_extract_scalar(requestparameters, '$.policyArn')) END",
                class()
            ),
        ),
        ("resources", resources()),
        ("observables", observables(address)),
        // Whose authentication or account it is: the one that is asked for, else the caller's own.
        (
            "user",
            format!(
                "CASE WHEN {} <> 6003 THEN named_struct('name', coalesce({subject}, {}, {}), 'uid', coalesce({subject}, {})) END",
                class(),
                text("useridentity.username"),
                text("useridentity.sessioncontext.sessionissuer.username"),
                text("useridentity.arn")
            ),
        ),
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
