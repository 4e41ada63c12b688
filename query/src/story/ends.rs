//! What takes away a thing that was left: the deletion of the thing itself, however it is named there, or of what it hangs on.
//!
//! A name is the last part of an ARN; names of one account (and region, where the service has regions) are compared.
//! Sources: the AWS API references of the services. Knows no story.

use std::collections::BTreeSet;

use crate::json::Raw;

/// How deep a record is looked into.
const DEPTH: usize = 12;

/// A call that ends things.
pub(super) struct Ends {
    source: &'static str,
    event: &'static str,
    /// Members of its request that name what it ends.
    by: &'static [&'static str],
    /// The calls whose leavings it ends.
    takes: &'static [&'static str],
    /// Members of those calls, asked or given back, that name the same.
    whose: &'static [&'static str],
    /// Whether several calls may end it piece by piece, as instances that were started at once.
    pieces: bool,
}

const fn ends(
    source: &'static str,
    event: &'static str,
    by: &'static [&'static str],
    takes: &'static [&'static str],
    whose: &'static [&'static str],
) -> Ends {
    Ends { source, event, by, takes, whose, pieces: false }
}

const fn piecewise(mut ends: Ends) -> Ends {
    ends.pieces = true;
    ends
}

const USER: &[&str] = &["userName"];
const ROLE: &[&str] = &["roleName"];
const GROUP: &[&str] = &["groupName"];
const POLICY: &[&str] = &["policyArn"];
const FUNCTION: &[&str] = &["functionName"];
const INSTANCE: &[&str] = &["instanceId"];
const BUCKET: &[&str] = &["bucketName"];
const PORT: &[&str] = &["groupId", "ipProtocol", "fromPort", "toPort", "cidrIp", "cidrIpv6"];
const RULE: &[&str] = &["securityGroupRuleId"];

#[rustfmt::skip]
static ENDS: &[Ends] = &[
    ends("iam", "DeleteUser", USER, &["CreateUser", "CreateAccessKey", "UpdateAccessKey", "CreateLoginProfile", "UpdateLoginProfile", "AddUserToGroup", "AttachUserPolicy", "PutUserPolicy", "DeleteUserPermissionsBoundary", "CreateServiceSpecificCredential", "UploadSSHPublicKey", "UploadSigningCertificate", "EnableMFADevice", "DeactivateMFADevice"], USER),
    ends("iam", "DeleteAccessKey", &["accessKeyId"], &["CreateAccessKey", "UpdateAccessKey"], &["accessKeyId"]),
    ends("iam", "DeleteRole", ROLE, &["CreateRole", "UpdateAssumeRolePolicy", "AttachRolePolicy", "PutRolePolicy", "DeleteRolePermissionsBoundary", "AddRoleToInstanceProfile"], ROLE),
    ends("iam", "DeleteInstanceProfile", &["instanceProfileName"], &["AddRoleToInstanceProfile"], &["instanceProfileName"]),
    ends("iam", "DeleteGroup", GROUP, &["CreateGroup", "AddUserToGroup", "AttachGroupPolicy", "PutGroupPolicy"], GROUP),
    ends("iam", "DeletePolicy", POLICY, &["CreatePolicy"], &["arn"]),
    ends("iam", "DeletePolicy", POLICY, &["CreatePolicyVersion", "SetDefaultPolicyVersion", "AttachUserPolicy", "AttachRolePolicy", "AttachGroupPolicy"], POLICY),
    ends("iam", "DeleteSAMLProvider", &["sAMLProviderArn"], &["CreateSAMLProvider", "UpdateSAMLProvider"], &["sAMLProviderArn"]),
    ends("iam", "DeleteOpenIDConnectProvider", &["openIDConnectProviderArn"], &["CreateOpenIDConnectProvider"], &["openIDConnectProviderArn"]),
    ends("iam", "DeleteServiceSpecificCredential", &["serviceSpecificCredentialId"], &["CreateServiceSpecificCredential"], &["serviceSpecificCredentialId"]),
    ends("iam", "DeleteSSHPublicKey", &["sSHPublicKeyId"], &["UploadSSHPublicKey"], &["sSHPublicKeyId"]),
    ends("iam", "DeleteSigningCertificate", &["certificateId"], &["UploadSigningCertificate"], &["certificateId"]),
    ends("rolesanywhere", "DeleteTrustAnchor", &["trustAnchorId"], &["CreateTrustAnchor"], &["trustAnchorId"]),
    ends("rolesanywhere", "DeleteProfile", &["profileId"], &["CreateProfile"], &["profileId"]),
    ends("sso", "DeletePermissionSet", &["permissionSetArn"], &["CreatePermissionSet"], &["permissionSetArn"]),
    ends("identitystore", "DeleteUser", &["userId"], &["CreateUser"], &["userId"]),
    ends("lambda", "DeleteFunction", FUNCTION, &["CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "AddPermission", "CreateFunctionUrlConfig", "CreateEventSourceMapping"], FUNCTION),
    ends("lambda", "DeleteEventSourceMapping", &["uUID"], &["CreateEventSourceMapping"], &["uUID"]),
    piecewise(ends("ec2", "TerminateInstances", INSTANCE, &["RunInstances", "ModifyInstanceAttribute", "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"], INSTANCE)),
    ends("ec2", "DisassociateIamInstanceProfile", &["associationId"], &["AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"], &["associationId"]),
    ends("ec2", "DeleteKeyPair", &["keyPairId"], &["CreateKeyPair", "ImportKeyPair"], &["keyPairId"]),
    ends("ec2", "DeleteLaunchTemplate", &["launchTemplateId"], &["CreateLaunchTemplate"], &["launchTemplateId"]),
    ends("ec2", "RevokeSecurityGroupIngress", PORT, &["AuthorizeSecurityGroupIngress"], PORT),
    piecewise(ends("ec2", "RevokeSecurityGroupIngress", RULE, &["AuthorizeSecurityGroupIngress"], RULE)),
    ends("ec2", "DeleteSecurityGroup", &["groupId"], &["AuthorizeSecurityGroupIngress"], &["groupId"]),
    ends("ec2", "DeregisterImage", &["imageId"], &["ModifyImageAttribute"], &["imageId"]),
    ends("ec2", "DeleteSnapshot", &["snapshotId"], &["ModifySnapshotAttribute"], &["snapshotId"]),
    ends("ec2", "DeleteVpcPeeringConnection", &["vpcPeeringConnectionId"], &["CreateVpcPeeringConnection"], &["vpcPeeringConnectionId"]),
    ends("rds", "DeleteDBSnapshot", &["dBSnapshotIdentifier"], &["ModifyDBSnapshotAttribute"], &["dBSnapshotIdentifier"]),
    ends("rds", "DeleteDBClusterSnapshot", &["dBClusterSnapshotIdentifier"], &["ModifyDBClusterSnapshotAttribute"], &["dBClusterSnapshotIdentifier"]),
    ends("s3", "DeleteBucket", BUCKET, &["PutBucketPolicy", "PutBucketAcl", "PutBucketReplication", "DeleteBucketPublicAccessBlock", "PutBucketLifecycle"], BUCKET),
    ends("events", "DeleteRule", &["name"], &["PutTargets"], &["rule"]),
    ends("secretsmanager", "DeleteSecret", &["secretId"], &["PutResourcePolicy"], &["secretId"]),
    ends("cloudtrail", "DeleteTrail", &["name"], &["StopLogging", "UpdateTrail"], &["name"]),
    ends("cloudtrail", "DeleteTrail", &["name"], &["PutEventSelectors"], &["trailName"]),
    ends("guardduty", "DeleteIPSet", &["ipSetId"], &["CreateIPSet"], &["ipSetId"]),
];

/// What is still there of something that was left, by a row that may end it.
pub(super) struct Hold {
    row: &'static Ends,
    place: String,
    names: BTreeSet<String>,
}

fn is_call(own: &str, event: &str) -> bool {
    super::left::is_named(event, own)
}

/// Where a name counts: an account, and its region where the service has regions.
pub(super) fn place(service: &str, account: &str, region: &str) -> String {
    let is_global = matches!(service, "iam" | "s3" | "cloudtrail" | "organizations");
    format!("{account} {}", if is_global { "" } else { region })
}

/// The name in an identifier: the last part of an ARN. A function keeps its qualifier, which is another thing than it.
pub(super) fn name(text: &str) -> &str {
    if let Some((_, function)) = text.rsplit_once(":function:").or_else(|| text.rsplit_once("function:")) {
        return function;
    }
    let is_arn = text.starts_with("arn:");
    if is_arn { text.rsplit(['/', ':']).next().unwrap_or(text) } else { text }
}

fn collect(value: Raw<'_>, wanted: &[&str], depth: usize, found: &mut BTreeSet<String>) {
    if depth == 0 {
        return;
    }
    for (key, value) in value.members() {
        if value.is_nested() {
            collect(value, wanted, depth - 1, found);
        } else if wanted.iter().any(|name| name.eq_ignore_ascii_case(&key))
            && let Some(text) = value.scalar().filter(|text| !text.is_empty())
        {
            found.insert(name(&text).to_owned());
        }
    }
    for value in value.elements().filter(|value| value.is_nested()) {
        collect(value, wanted, depth - 1, found);
    }
}

fn names(record: Option<&str>, wanted: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Some(value) = record.and_then(Raw::parse) {
        collect(value, wanted, DEPTH, &mut found);
    }
    found
}

/// What could end that which a call has left.
pub(super) fn holds(
    service: &str,
    event: &str,
    place: &str,
    request: Option<&str>,
    response: Option<&str>,
) -> Vec<Hold> {
    let rows = ENDS.iter().filter(|row| row.source == service && row.takes.iter().any(|own| is_call(own, event)));
    let hold = |row: &'static Ends| {
        let mut all = names(request, row.whose);
        // What is given back counts for ids alone: a policy's ports are what was asked.
        if row.by != PORT {
            all.extend(names(response, row.whose));
        }
        if service == "lambda" {
            all = all.iter().map(|name| name.split(':').next().unwrap_or(name).to_owned()).collect();
        }
        (!all.is_empty()).then(|| Hold { row, place: place.to_owned(), names: all })
    };
    rows.filter_map(hold).collect()
}

/// A deletion, or any other call.
pub(super) struct Ending {
    rows: Vec<(&'static Ends, BTreeSet<String>)>,
    place: String,
}

impl Ending {
    pub(super) fn of(service: &str, event: &str, place: &str, request: Option<&str>) -> Ending {
        let rows = ENDS.iter().filter(|row| row.source == service && is_call(row.event, event));
        // A version of a function is not the function.
        let is_version = service == "lambda" && !names(request, &["qualifier"]).is_empty();
        let rows = rows.map(|row| (row, names(request, row.by))).filter(|(_, names)| !names.is_empty() && !is_version);
        Ending { rows: rows.collect(), place: place.to_owned() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether it ends, or ends the last of, what is held.
    pub(super) fn ends(&self, hold: &mut Hold) -> bool {
        let Some((_, gone)) = self.rows.iter().find(|(row, _)| std::ptr::eq(*row, hold.row)) else { return false };
        if hold.place != self.place {
            return false;
        }
        if hold.row.pieces {
            hold.names.retain(|name| !gone.contains(name));
            return hold.names.is_empty();
        }
        hold.names.is_subset(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ended(service: &str, made: (&str, &str, &str), gone: (&str, &[&str])) -> bool {
        let mut holds = holds(service, made.0, "1 r", Some(made.1), Some(made.2));
        gone.1.iter().any(|request| {
            let ending = Ending::of(service, gone.0, "1 r", Some(request));
            holds.iter_mut().any(|hold| ending.ends(hold))
        })
    }

    #[test]
    fn parents_and_other_identifiers_end_things() {
        let run = ("RunInstances", "{}", r#"{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}"#);
        let (one, two) = (
            r#"{"instancesSet":{"items":[{"instanceId":"i-1"}]}}"#,
            r#"{"instancesSet":{"items":[{"instanceId":"i-2"}]}}"#,
        );
        assert!(!is_ended("ec2", run, ("TerminateInstances", &[one])), "one of two");
        assert!(is_ended("ec2", run, ("TerminateInstances", &[one, two])));
        let policy = ("CreatePolicy", r#"{"policyName":"p"}"#, r#"{"policy":{"arn":"arn:aws:iam::1:policy/a/p"}}"#);
        assert!(is_ended("iam", policy, ("DeletePolicy", &[r#"{"policyArn":"arn:aws:iam::1:policy/a/p"}"#])));
        assert!(!is_ended("iam", policy, ("DeletePolicy", &[r#"{"policyArn":"arn:aws:iam::1:policy/q"}"#])));
        let inline = ("PutRolePolicy", r#"{"roleName":"r","policyName":"p"}"#, "null");
        assert!(is_ended("iam", inline, ("DeleteRole", &[r#"{"roleName":"r"}"#])));
        assert!(!is_ended("iam", inline, ("DeletePolicy", &[r#"{"policyArn":"arn:aws:iam::1:policy/p"}"#])));
        let code = ("UpdateFunctionCode20150331v2", r#"{"functionName":"arn:aws:lambda:r:1:function:f"}"#, "{}");
        for (gone, ended) in [("f", true), ("1:function:f", true), ("function:f:7", false), ("g", false)] {
            let request = format!(r#"{{"functionName":"{gone}"}}"#);
            assert_eq!(is_ended("lambda", code, ("DeleteFunction20150331", &[&request])), ended, "{gone}");
        }
        let port = |port: u16| {
            format!(
                r#"{{"groupId":"sg-1","ipPermissions":{{"items":[{{"ipProtocol":"tcp","fromPort":{port},"toPort":{port},"ipRanges":{{"items":[{{"cidrIp":"0.0.0.0/0"}}]}}}}]}}}}"#
            )
        };
        let (own, other) = (port(22), port(80));
        let open = ("AuthorizeSecurityGroupIngress", own.as_str(), "{}");
        assert!(is_ended("ec2", open, ("RevokeSecurityGroupIngress", &[&own])));
        assert!(!is_ended("ec2", open, ("RevokeSecurityGroupIngress", &[&other])));
    }
}
