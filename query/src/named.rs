//! The questions of an incident, by name: `who-used-key AKIA…`. SQL of our own over `events`, one place.
//!
//! A parameter stands in the SQL as `{1}` and is put in as a literal of text, so what is in it is never SQL.

use std::net::IpAddr;

use crate::error::{Error, Result, nearest};
use crate::story::Subject;

/// A question with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// What it is called.
    pub name: &'static str,
    /// What must be given, in order.
    pub parameters: &'static [&'static str],
    /// One line of meaning.
    pub about: &'static str,
    /// The SQL, with `{1}`, `{2}` for the parameters.
    pub sql: &'static str,
}

const fn ask(name: &'static str, parameters: &'static [&'static str], about: &'static str, sql: &'static str) -> Named {
    Named { name, parameters, about, sql }
}

/// The questions, by subject.
#[rustfmt::skip]
pub static QUESTIONS: &[Named] = &[
    ask("who-used-key", &["KEY"], "where an access key was used from, with what, and for which services",
        "SELECT principal, sourceipaddress, useragent, min(eventtime) AS first, max(eventtime) AS last, count(*) AS events,
                count_if(outcome = 'denied') AS denied, array_agg(DISTINCT service ORDER BY service) AS services
         FROM events WHERE useridentity.accesskeyid = {1} GROUP BY principal, sourceipaddress, useragent ORDER BY first, principal, sourceipaddress, useragent"),
    ask("key-timeline", &["KEY"], "everything an access key did, in order",
        "SELECT eventtime, awsregion, eventsource, eventname, outcome, errorcode, sourceipaddress, requestparameters, eventid
         FROM events WHERE useridentity.accesskeyid = {1} ORDER BY eventtime, eventid"),
    ask("keys-made-by", &["PRINCIPAL"], "access keys and sessions that a principal got for itself or others",
        "SELECT eventtime, eventname, principal, sourceipaddress, json_extract_scalar(responseelements, '$.accessKey.accessKeyId') AS made_key,
                json_extract_scalar(responseelements, '$.credentials.accessKeyId') AS session_key, requestparameters, eventid
         FROM events WHERE (principal = {1} OR actor = {1} OR useridentity.arn = {1})
           AND eventname IN ('CreateAccessKey', 'AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'GetSessionToken', 'GetFederationToken', 'AssumeRoot')
         ORDER BY eventtime, eventid"),
    ask("what-did", &["PRINCIPAL"], "what a principal did, by action",
        "SELECT coalesce(action, service || ':' || eventname) AS action, count(*) AS events, count_if(outcome = 'denied') AS denied,
                min(eventtime) AS first, max(eventtime) AS last
         FROM events WHERE principal = {1} OR actor = {1} OR useridentity.arn = {1} GROUP BY 1 ORDER BY events DESC, 1"),
    ask("timeline", &["PRINCIPAL"], "everything a principal did, in order",
        "SELECT eventtime, awsregion, eventsource, eventname, outcome, errorcode, sourceipaddress, actor, requestparameters, eventid
         FROM events WHERE principal = {1} OR actor = {1} OR useridentity.arn = {1} ORDER BY eventtime, eventid"),
    ask("services-used-by", &["PRINCIPAL"], "services that a principal used, and when last",
        "SELECT service, count(*) AS events, count_if(outcome = 'ok') AS ok, count_if(outcome = 'denied') AS denied, max(eventtime) AS last
         FROM events WHERE principal = {1} OR actor = {1} OR useridentity.arn = {1} GROUP BY service ORDER BY events DESC, service"),
    ask("denied-to", &["PRINCIPAL"], "what a principal tried and was denied, and by which kind of policy",
        "SELECT action, errorcode, events, first, last,
                coalesce('explicit deny in ' || regexp_extract(message, 'explicit deny in an? ([^.:]{1,60}?) policy', 1) || ' policy',
                         'no allow in ' || regexp_extract(message, 'because no ([^.:]{1,60}?) policy', 1) || ' policy') AS denied_by, message
         FROM (SELECT coalesce(action, service || ':' || eventname) AS action, errorcode, count(*) AS events, min(eventtime) AS first, max(eventtime) AS last,
                      arbitrary(errormessage) AS message
               FROM events WHERE outcome = 'denied' AND (principal = {1} OR actor = {1} OR useridentity.arn = {1}) GROUP BY 1, errorcode)
         ORDER BY events DESC, 1, errorcode"),
    ask("from-address", &["ADDRESS"], "who came from an address, and what they did",
        "SELECT principal, useridentity.accesskeyid AS key, service, count(*) AS events, count_if(outcome = 'denied') AS denied,
                min(eventtime) AS first, max(eventtime) AS last
         FROM events WHERE sourceipaddress = {1} GROUP BY principal, useridentity.accesskeyid, service ORDER BY first, principal, key, service"),
    ask("from-network", &["NETWORK"], "who came from a network such as 198.51.100.0/24",
        "SELECT sourceipaddress, principal, count(*) AS events, count_if(outcome = 'denied') AS denied, min(eventtime) AS first, max(eventtime) AS last
         FROM events WHERE is_subnet_of({1}, sourceipaddress) GROUP BY sourceipaddress, principal ORDER BY first, sourceipaddress, principal"),
    ask("addresses-of", &["PRINCIPAL"], "the addresses a principal came from",
        "SELECT sourceipaddress, count(*) AS events, min(eventtime) AS first, max(eventtime) AS last, array_agg(DISTINCT useragent ORDER BY useragent) AS agents
         FROM events WHERE principal = {1} OR actor = {1} OR useridentity.arn = {1} GROUP BY sourceipaddress ORDER BY first, sourceipaddress"),
    ask("event", &["ID"], "one event, whole",
        "SELECT * FROM events WHERE eventid = {1}"),
    ask("who-assumed", &["ROLE"], "who assumed a role (its ARN or name), and from where",
        "SELECT principal, sourceipaddress, outcome, count(*) AS events, min(eventtime) AS first, max(eventtime) AS last,
                array_agg(DISTINCT json_extract_scalar(requestparameters, '$.roleSessionName')) AS sessions
         FROM events WHERE eventsource = 'sts.amazonaws.com' AND eventname LIKE 'AssumeRole%'
           AND (json_extract_scalar(requestparameters, '$.roleArn') = {1} OR ends_with(json_extract_scalar(requestparameters, '$.roleArn'), '/' || {1}))
         GROUP BY principal, sourceipaddress, outcome ORDER BY first, principal, sourceipaddress, outcome"),
    ask("roles-assumed-by", &["PRINCIPAL"], "the roles that a principal assumed, or tried to",
        "SELECT json_extract_scalar(requestparameters, '$.roleArn') AS role, outcome, count(*) AS events, min(eventtime) AS first, max(eventtime) AS last
         FROM events WHERE eventsource = 'sts.amazonaws.com' AND eventname LIKE 'AssumeRole%' AND (principal = {1} OR actor = {1} OR useridentity.arn = {1})
         GROUP BY 1, outcome ORDER BY events DESC, 1, outcome"),
    ask("who-touched", &["RESOURCE"], "who touched a resource: its ARN, or an id that stands in requests",
        "SELECT eventtime, eventname, principal, outcome, sourceipaddress, eventid FROM events
         WHERE strpos(requestparameters, {1}) > 0 OR strpos(responseelements, {1}) > 0 OR any_match(resources, r -> r['arn'] = {1})
         ORDER BY eventtime, eventid"),
    ask("who-read-bucket", &["BUCKET"], "who read objects of a bucket or copied them out, how many, and who was refused",
        "SELECT principal, sourceipaddress, count_if(outcome = 'ok') AS reads, count_if(outcome = 'denied') AS denied,
                count(DISTINCT CASE WHEN outcome = 'ok' AND object <> {1} || '/' THEN object END) AS objects,
                sum(CASE WHEN outcome = 'ok' THEN TRY_CAST(json_extract_scalar(additionaleventdata, '$.bytesTransferredOut') AS double) END) AS bytes_out,
                min(eventtime) AS first, max(eventtime) AS last
         FROM (SELECT *, CASE WHEN eventname IN ('CopyObject', 'UploadPartCopy') THEN source ELSE json_extract_scalar(requestparameters, '$.bucketName') || '/' || coalesce(json_extract_scalar(requestparameters, '$.key'), '') END AS object
               FROM (SELECT *, ltrim(url_decode(json_extract_scalar(requestparameters, '$[\"x-amz-copy-source\"]')), '/') AS source FROM events
                     WHERE eventsource = 's3.amazonaws.com' AND eventname IN ('GetObject', 'HeadObject', 'CopyObject', 'UploadPartCopy', 'SelectObjectContent', 'ListObjects', 'ListObjectsV2')))
         WHERE starts_with(object, {1} || '/')
         GROUP BY principal, sourceipaddress ORDER BY objects DESC, principal, sourceipaddress"),
    ask("logins", &[], "logins to the console, with and without MFA",
        "SELECT eventtime, principal, sourceipaddress, json_extract_scalar(responseelements, '$.ConsoleLogin') AS result,
                json_extract_scalar(additionaleventdata, '$.MFAUsed') AS mfa, errormessage, eventid
         FROM events WHERE eventname = 'ConsoleLogin' ORDER BY eventtime, eventid"),
    ask("failed-logins", &[], "failed logins to the console, by address",
        "SELECT sourceipaddress, count(*) AS failures, count(DISTINCT coalesce(useridentity.username, principal)) AS users, min(eventtime) AS first, max(eventtime) AS last
         FROM events WHERE eventname = 'ConsoleLogin' AND json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Failure'
         GROUP BY sourceipaddress ORDER BY failures DESC, sourceipaddress"),
    ask("logins-without-mfa", &[], "successful logins to the console without MFA",
        "SELECT eventtime, principal, sourceipaddress, useragent, eventid FROM events
         WHERE eventname = 'ConsoleLogin' AND json_extract_scalar(responseelements, '$.ConsoleLogin') = 'Success'
           AND json_extract_scalar(additionaleventdata, '$.MFAUsed') = 'No' ORDER BY eventtime, eventid"),
    ask("root", &[], "what root users did",
        "SELECT eventtime, recipientaccountid, eventsource, eventname, outcome, sourceipaddress, eventid
         FROM events WHERE useridentity.type = 'Root' AND useridentity.invokedby IS NULL ORDER BY eventtime, eventid"),
    ask("denied", &[], "who was denied what, most often first",
        "SELECT principal, coalesce(action, service || ':' || eventname) AS action, count(*) AS events, min(eventtime) AS first, max(eventtime) AS last
         FROM events WHERE outcome = 'denied' GROUP BY principal, 2 ORDER BY events DESC, principal, 2"),
    ask("new-credentials", &[], "access keys, passwords, certificates and service credentials that were made",
        "SELECT eventtime, eventname, principal, json_extract_scalar(requestparameters, '$.userName') AS for_user, outcome, sourceipaddress, eventid
         FROM events WHERE eventname IN ('CreateAccessKey', 'UpdateAccessKey', 'CreateLoginProfile', 'UpdateLoginProfile', 'UploadSigningCertificate',
                'UploadSSHPublicKey', 'CreateServiceSpecificCredential', 'ResetServiceSpecificCredential') ORDER BY eventtime, eventid"),
    ask("new-principals", &[], "users, roles, groups and identity providers that were made",
        "SELECT eventtime, eventname, principal, coalesce(json_extract_scalar(requestparameters, '$.userName'), json_extract_scalar(requestparameters, '$.roleName'),
                json_extract_scalar(requestparameters, '$.groupName'), json_extract_scalar(requestparameters, '$.name')) AS made, outcome, eventid
         FROM events WHERE eventsource = 'iam.amazonaws.com' AND eventname IN ('CreateUser', 'CreateRole', 'CreateGroup', 'CreateSAMLProvider', 'CreateOpenIDConnectProvider', 'CreateInstanceProfile')
         ORDER BY eventtime, eventid"),
    ask("policy-changes", &[], "changes of what principals may do",
        "SELECT eventtime, eventname, principal, outcome, requestparameters, eventid FROM events
         WHERE eventsource = 'iam.amazonaws.com' AND (eventname LIKE '%Policy' OR eventname LIKE '%PolicyVersion' OR eventname LIKE '%PermissionsBoundary'
               OR eventname IN ('AddUserToGroup', 'RemoveUserFromGroup', 'AddRoleToInstanceProfile')) AND NOT coalesce(readonly, regexp_like(eventname, '^(Get|List|Describe|Search|Lookup|Head)'))
         ORDER BY eventtime, eventid"),
    ask("mfa-changes", &[], "MFA devices that were added, removed or turned off",
        "SELECT eventtime, eventname, principal, json_extract_scalar(requestparameters, '$.userName') AS for_user, outcome, eventid
         FROM events WHERE eventname IN ('CreateVirtualMFADevice', 'EnableMFADevice', 'DeactivateMFADevice', 'DeleteVirtualMFADevice', 'ResyncMFADevice') ORDER BY eventtime, eventid"),
    ask("logging-changes", &[], "changes of trails, flow logs, detectors and configuration recorders",
        "SELECT eventtime, eventsource, eventname, principal, outcome, sourceipaddress, requestparameters, eventid FROM events
         WHERE (eventsource IN ('cloudtrail.amazonaws.com', 'guardduty.amazonaws.com', 'config.amazonaws.com', 'securityhub.amazonaws.com', 'access-analyzer.amazonaws.com') AND NOT coalesce(readonly, regexp_like(eventname, '^(Get|List|Describe|Search|Lookup|Head)')))
            OR eventname IN ('CreateFlowLogs', 'DeleteFlowLogs', 'DeleteLogGroup', 'DeleteLogStream', 'PutBucketLogging') ORDER BY eventtime, eventid"),
    ask("bucket-changes", &[], "changes of who may reach buckets",
        "SELECT eventtime, eventname, principal, json_extract_scalar(requestparameters, '$.bucketName') AS bucket, outcome, eventid FROM events
         WHERE eventsource = 's3.amazonaws.com' AND eventname IN ('PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutObjectAcl', 'PutBucketPublicAccessBlock',
               'DeleteBucketPublicAccessBlock', 'PutPublicAccessBlock', 'DeletePublicAccessBlock', 'PutAccountPublicAccessBlock', 'DeleteAccountPublicAccessBlock',
               'PutBucketOwnershipControls', 'DeleteBucketOwnershipControls', 'PutBucketWebsite', 'PutBucketCors', 'CreateAccessPoint', 'PutAccessPointPolicy', 'DeleteBucketReplication', 'PutBucketReplication', 'PutBucketVersioning', 'PutBucketLifecycle')
         ORDER BY eventtime, eventid"),
    ask("network-changes", &[], "security groups, routes, gateways and peerings that were changed",
        "SELECT eventtime, eventname, principal, outcome, requestparameters, eventid FROM events
         WHERE eventsource = 'ec2.amazonaws.com' AND NOT coalesce(readonly, regexp_like(eventname, '^(Get|List|Describe|Search|Lookup|Head)')) AND regexp_like(eventname, 'SecurityGroup|Route|Gateway|VpcPeering|NetworkAcl|TrafficMirror|VpcEndpoint')
         ORDER BY eventtime, eventid"),
    ask("key-management-changes", &[], "changes of encryption keys that can lock data away",
        "SELECT eventtime, eventname, principal, outcome, requestparameters, eventid FROM events
         WHERE eventsource = 'kms.amazonaws.com' AND eventname IN ('CreateKey', 'CreateGrant', 'RevokeGrant', 'PutKeyPolicy', 'DisableKey', 'ScheduleKeyDeletion', 'CancelKeyDeletion', 'ImportKeyMaterial', 'DeleteImportedKeyMaterial')
         ORDER BY eventtime, eventid"),
    ask("secrets-read", &[], "who read secrets and parameters",
        "SELECT principal, eventname, coalesce(json_extract_scalar(requestparameters, '$.secretId'), json_extract_scalar(requestparameters, '$.name'), json_extract_scalar(requestparameters, '$.path'),
                json_format(json_extract(requestparameters, '$.names')), json_format(json_extract(requestparameters, '$.secretIdList'))) AS secret,
                outcome, count(*) AS events, min(eventtime) AS first, max(eventtime) AS last
         FROM events WHERE eventname IN ('GetSecretValue', 'BatchGetSecretValue', 'GetParameter', 'GetParameters', 'GetParametersByPath')
         GROUP BY principal, eventname, 3, outcome ORDER BY events DESC, principal, eventname, 3, outcome"),
    ask("instances-started", &[], "instances that were started, by whom and how large",
        "SELECT eventtime, principal, awsregion, json_extract_scalar(requestparameters, '$.instanceType') AS type,
                json_size(responseelements, '$.instancesSet.items') AS instances, outcome, eventid
         FROM events WHERE eventname = 'RunInstances' ORDER BY eventtime, eventid"),
    ask("shared", &[], "snapshots, images and databases that were shared or made public",
        "SELECT eventtime, eventname, principal, outcome, requestparameters, eventid FROM events
         WHERE eventname IN ('ModifySnapshotAttribute', 'ModifyImageAttribute', 'ModifyDBSnapshotAttribute', 'ModifyDBClusterSnapshotAttribute', 'PutResourcePolicy', 'SetRepositoryPolicy')
            OR eventname LIKE 'AddPermission%' OR eventname LIKE 'AddLayerVersionPermission%'
         ORDER BY eventtime, eventid"),
    ask("code-changes", &[], "functions and their code that were made or changed",
        "SELECT eventtime, eventname, principal, json_extract_scalar(requestparameters, '$.functionName') AS function, outcome, eventid
         FROM events WHERE eventsource = 'lambda.amazonaws.com' AND NOT coalesce(readonly, regexp_like(eventname, '^(Get|List|Describe|Search|Lookup|Head)')) AND eventname NOT LIKE 'Invoke%' ORDER BY eventtime, eventid"),
    ask("deletions", &[], "who deleted what, most often first",
        "SELECT principal, eventsource, eventname, count(*) AS events, min(eventtime) AS first, max(eventtime) AS last
         FROM events WHERE regexp_like(eventname, '^(Delete|Terminate|Remove|Destroy)') AND outcome = 'ok'
         GROUP BY principal, eventsource, eventname ORDER BY events DESC, principal, eventsource, eventname"),
    ask("other-accounts", &[], "callers from other accounts",
        "SELECT useridentity.accountid AS caller_account, recipientaccountid, principal, count(*) AS events, min(eventtime) AS first, max(eventtime) AS last
         FROM events WHERE useridentity.accountid <> recipientaccountid GROUP BY useridentity.accountid, recipientaccountid, principal
         ORDER BY events DESC, caller_account, recipientaccountid, principal"),
    ask("regions", &[], "regions in use, and the first and last event in each",
        "SELECT awsregion, count(*) AS events, count(DISTINCT principal) AS principals, min(eventtime) AS first, max(eventtime) AS last
         FROM events GROUP BY awsregion ORDER BY events DESC, awsregion"),
    ask("rare-agents", &[], "agents that few events came from",
        "SELECT useragent, count(*) AS events, array_agg(DISTINCT principal ORDER BY principal) AS principals, min(eventtime) AS first
         FROM events GROUP BY useragent HAVING count(*) <= 5 ORDER BY events, useragent"),
    ask("throttled", &[], "who was slowed down by AWS",
        "SELECT principal, eventsource, eventname, errorcode, count(*) AS events FROM events
         WHERE errorcode LIKE '%Throttl%' OR errorcode IN ('Client.RequestLimitExceeded', 'RequestLimitExceeded', 'TooManyRequestsException', 'SlowDown')
         GROUP BY principal, eventsource, eventname, errorcode ORDER BY events DESC, principal, eventsource, eventname, errorcode"),
];

/// The question of a name.
pub fn find(name: &str) -> Option<&'static Named> {
    QUESTIONS.iter().find(|question| question.name == name)
}

/// Whether a text can be meant as a name: one word of small letters and dashes.
pub fn is_like_a_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

/// Says that a name is no question's, with the nearest that is.
pub fn unknown(name: &str) -> Error {
    let hint = nearest(name, QUESTIONS.iter().map(|question| question.name));
    let hint = hint.map_or_else(|| ";".to_owned(), |near| format!("; did you mean `{near}`?"));
    Error::Name(format!("no question is called `{name}`{hint} `trailhound query --list` lists them"))
}

/// Whether a text is a network. Nobody comes from what is none, and an empty answer would say that nobody came.
fn network(text: &str) -> Result<()> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let refused =
        |reason: String| Err(Error::Refused(format!("`{text}` is no network: {reason}, as in 198.51.100.0/24")));
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return refused(format!("`{address}` is no address; give one, and the length of its prefix")),
    };
    match length.map(str::parse::<u8>) {
        Some(Ok(length)) if length <= most => Ok(()),
        _ => refused(format!("give the length of its prefix, 0 to {most}")),
    }
}

/// Whether a text can stand as an address in an event: one, or the name of a service that called.
fn address(text: &str) -> Result<()> {
    match (Subject::fault(text), Subject::of(text)) {
        (Some(fault), _) => Err(Error::Refused(fault)),
        (None, Subject::Network(_)) => {
            Err(Error::Refused(format!("`{text}` is a network: ask `from-network {text}`, or give one address")))
        }
        (None, _) => Ok(()),
    }
}

impl Named {
    /// The SQL for these parameters.
    ///
    /// # Errors
    /// [`Error::Refused`] when there are more or fewer than it takes.
    pub fn with(&self, parameters: &[String]) -> Result<String> {
        if parameters.len() != self.parameters.len() {
            let wanted = self.parameters.join(" ");
            return Err(Error::Refused(format!(
                "`{}` takes {} ({wanted}), and {} are given",
                self.name,
                self.parameters.len(),
                parameters.len()
            )));
        }
        for (_, given) in self.parameters.iter().zip(parameters).filter(|(name, _)| **name == "NETWORK") {
            network(given)?;
        }
        for (_, given) in self.parameters.iter().zip(parameters).filter(|(name, _)| **name == "ADDRESS") {
            address(given)?;
        }
        let mut sql = String::with_capacity(self.sql.len());
        let mut rest = self.sql;
        // From left to right, so that a parameter's own braces are never looked at.
        while let Some((before, after)) = rest.split_once('{') {
            let (number, after) = after.split_once('}').unwrap_or((after, ""));
            sql.push_str(before);
            let place = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let value = place.and_then(|place| parameters.get(place)).map_or("", String::as_str);
            sql.push_str(&format!("'{}'", value.replace('\'', "''")));
            rest = after;
        }
        sql.push_str(rest);
        Ok(sql)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tests::engine;

    #[test]
    fn names_are_words_and_unique() {
        let mut names: Vec<_> = QUESTIONS.iter().map(|question| question.name).collect();
        assert!(names.len() >= 30 && names.iter().all(|name| is_like_a_name(name)));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), QUESTIONS.len());
        assert!(unknown("who-used-keys").to_string().contains("did you mean `who-used-key`?"));
    }

    #[test]
    fn every_question_is_answered() {
        let engine = engine();
        for question in QUESTIONS {
            let odd = |name: &&str| if *name == "NETWORK" { "10.0.0.0/8" } else { "x'y {1}" }.to_owned();
            let parameters: Vec<String> = question.parameters.iter().map(odd).collect();
            let sql = question.with(&parameters).unwrap();
            if let Err(error) = engine.collect_blocking(&sql) {
                panic!("{}: {error}\n{sql}", question.name);
            }
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        let question = find("from-network").unwrap();
        let asked = |text: &str| question.with(&[text.to_owned()]).map_err(|error| error.to_string());
        for good in ["198.51.100.0/24", "0.0.0.0/0", "2001:db8::/32", "::/128"] {
            assert!(asked(good).is_ok(), "{good}");
        }
        for (bad, reason) in [
            ("x", "`x` is no address"),
            ("10.0.0.0/99", "0 to 32"),
            ("10.0.0.0", "give the length"),
            ("192.168.10/24", "no address"),
            ("::/129", "0 to 128"),
            ("10.0.0.0/", "0 to 32"),
        ] {
            let said = asked(bad).unwrap_err();
            assert!(said.contains(reason) && said.contains("198.51.100.0/24"), "{said}");
        }
    }

    #[test]
    fn parameters_are_literals() {
        let question = find("who-used-key").unwrap();
        let sql = question.with(&["' OR 1=1 --{1}".to_owned()]).unwrap();
        assert!(sql.contains("= ''' OR 1=1 --{1}' GROUP"), "{sql}");
        assert!(matches!(question.with(&[]).unwrap_err(), Error::Refused(_)));
        let rows = |name: &str, parameter: &str| {
            let sql = find(name).unwrap().with(&[parameter.to_owned()]).unwrap();
            crate::tests::text(&engine().collect_blocking(&sql).unwrap())
        };
        let used = rows("who-used-key", "AKIAIOSFODNN7EXAMPLE");
        assert_eq!(used.len(), 1);
        assert!(used[0].starts_with("arn:aws:iam::444455556666:user/carol|192.0.2.1|Boto3/1.2|"), "{used:?}");
        assert_eq!(rows("from-network", "198.51.100.0/24").len(), 2);
        assert_eq!(rows("who-touched", "arn:aws:s3:::secrets").len(), 1);
    }
}
