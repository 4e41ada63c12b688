//! What an intruder leaves behind: calls that make a way back in, or take a watch away, and the calls that undo them.
//!
//! Sources: the AWS API references of the services; MITRE ATT&CK for Cloud (IaaS): persistence, privilege escalation,
//! defence evasion, exfiltration.

use crate::json::Raw;

/// A call that leaves something.
pub(super) struct Leaves {
    source: &'static str,
    /// Lambda puts a date behind its names: `CreateFunction20150331`.
    event: &'static str,
    /// What it leaves.
    pub(super) what: &'static str,
    /// Members of the request that name it, the most telling first.
    names: &'static [&'static str],
    /// The call that takes it away again, with the same names; empty where there is none.
    undo: &'static str,
}

const fn leaves(
    source: &'static str,
    event: &'static str,
    what: &'static str,
    names: &'static [&'static str],
    undo: &'static str,
) -> Leaves {
    Leaves { source, event, what, names, undo }
}

#[rustfmt::skip]
static LEAVES: &[Leaves] = &[
    leaves("iam", "CreateUser", "a user", &["userName"], "DeleteUser"),
    leaves("iam", "CreateAccessKey", "an access key", &["accessKeyId", "userName"], "DeleteAccessKey"),
    leaves("iam", "UpdateAccessKey", "an access key turned on or off", &["accessKeyId"], ""),
    leaves("iam", "CreateLoginProfile", "a console password", &["userName"], "DeleteLoginProfile"),
    leaves("iam", "UpdateLoginProfile", "a new console password", &["userName"], "DeleteLoginProfile"),
    leaves("iam", "CreateRole", "a role", &["roleName"], "DeleteRole"),
    leaves("iam", "UpdateAssumeRolePolicy", "who may assume a role", &["roleName"], ""),
    leaves("iam", "CreateGroup", "a group", &["groupName"], "DeleteGroup"),
    leaves("iam", "AddUserToGroup", "a user in a group", &["userName", "groupName"], "RemoveUserFromGroup"),
    leaves("iam", "AttachUserPolicy", "a policy on a user", &["userName", "policyArn"], "DetachUserPolicy"),
    leaves("iam", "AttachRolePolicy", "a policy on a role", &["roleName", "policyArn"], "DetachRolePolicy"),
    leaves("iam", "AttachGroupPolicy", "a policy on a group", &["groupName", "policyArn"], "DetachGroupPolicy"),
    leaves("iam", "PutUserPolicy", "a policy on a user", &["userName", "policyName"], "DeleteUserPolicy"),
    leaves("iam", "PutRolePolicy", "a policy on a role", &["roleName", "policyName"], "DeleteRolePolicy"),
    leaves("iam", "PutGroupPolicy", "a policy on a group", &["groupName", "policyName"], "DeleteGroupPolicy"),
    leaves("iam", "CreatePolicy", "a policy", &["policyName"], ""),
    leaves("iam", "CreatePolicyVersion", "a version of a policy", &["policyArn"], "DeletePolicyVersion"),
    leaves("iam", "SetDefaultPolicyVersion", "the version of a policy that counts", &["policyArn", "versionId"], ""),
    leaves("iam", "DeleteUserPermissionsBoundary", "a user without its boundary", &["userName"], "PutUserPermissionsBoundary"),
    leaves("iam", "DeleteRolePermissionsBoundary", "a role without its boundary", &["roleName"], "PutRolePermissionsBoundary"),
    leaves("iam", "AddRoleToInstanceProfile", "a role for instances", &["instanceProfileName", "roleName"], "RemoveRoleFromInstanceProfile"),
    leaves("iam", "CreateSAMLProvider", "an identity provider", &["name"], ""),
    leaves("iam", "UpdateSAMLProvider", "an identity provider", &["sAMLProviderArn"], ""),
    leaves("iam", "CreateOpenIDConnectProvider", "an identity provider", &["url"], ""),
    leaves("iam", "CreateServiceSpecificCredential", "a password for a service", &["userName", "serviceName"], ""),
    leaves("iam", "UploadSSHPublicKey", "an SSH key", &["userName"], ""),
    leaves("iam", "UploadSigningCertificate", "a certificate", &["userName"], ""),
    leaves("iam", "EnableMFADevice", "an MFA device", &["userName", "serialNumber"], "DeactivateMFADevice"),
    leaves("iam", "DeactivateMFADevice", "a user without MFA", &["userName", "serialNumber"], "EnableMFADevice"),
    leaves("sts", "GetFederationToken", "a federated session", &["name"], ""),
    leaves("rolesanywhere", "CreateTrustAnchor", "a trust anchor", &["name"], ""),
    leaves("rolesanywhere", "CreateProfile", "a profile for outsiders", &["name"], ""),
    leaves("sso", "CreatePermissionSet", "a permission set", &["name"], ""),
    leaves("sso", "CreateAccountAssignment", "an assignment of a permission set", &["principalId", "targetId"], "DeleteAccountAssignment"),
    leaves("identitystore", "CreateUser", "a user of Identity Center", &["userName"], ""),
    leaves("organizations", "InviteAccountToOrganization", "an invitation to the organisation", &["target"], ""),
    leaves("organizations", "LeaveOrganization", "an account outside the organisation", &[], ""),
    leaves("lambda", "CreateFunction", "a function", &["functionName"], "DeleteFunction"),
    leaves("lambda", "UpdateFunctionCode", "new code of a function", &["functionName"], ""),
    leaves("lambda", "UpdateFunctionConfiguration", "a function's settings", &["functionName"], ""),
    leaves("lambda", "AddPermission", "who may call a function", &["functionName", "principal"], "RemovePermission"),
    leaves("lambda", "CreateFunctionUrlConfig", "a function's URL", &["functionName"], "DeleteFunctionUrlConfig"),
    leaves("lambda", "CreateEventSourceMapping", "a trigger of a function", &["functionName"], ""),
    leaves("lambda", "AddLayerVersionPermission", "a layer that others may use", &["layerName"], ""),
    leaves("ec2", "RunInstances", "instances", &["instanceType", "imageId"], ""),
    leaves("ec2", "CreateKeyPair", "a key pair", &["keyName"], "DeleteKeyPair"),
    leaves("ec2", "ImportKeyPair", "a key pair", &["keyName"], "DeleteKeyPair"),
    leaves("ec2", "ModifyInstanceAttribute", "an instance's settings", &["instanceId"], ""),
    leaves("ec2", "AssociateIamInstanceProfile", "a role for an instance", &["instanceId"], "DisassociateIamInstanceProfile"),
    leaves("ec2", "ReplaceIamInstanceProfileAssociation", "a role for an instance", &["associationId"], ""),
    leaves("ec2", "CreateLaunchTemplate", "a launch template", &["launchTemplateName"], "DeleteLaunchTemplate"),
    leaves("ec2", "AuthorizeSecurityGroupIngress", "an open port", &["groupId"], ""),
    leaves("ec2", "ModifySnapshotAttribute", "a shared snapshot", &["snapshotId"], ""),
    leaves("ec2", "ModifyImageAttribute", "a shared image", &["imageId"], ""),
    leaves("ec2", "CreateVpcPeeringConnection", "a way into another network", &["vpcId", "peerVpcId"], "DeleteVpcPeeringConnection"),
    leaves("ec2", "DeleteFlowLogs", "a network without flow logs", &[], "CreateFlowLogs"),
    leaves("rds", "ModifyDBSnapshotAttribute", "a shared snapshot", &["dBSnapshotIdentifier"], ""),
    leaves("rds", "ModifyDBClusterSnapshotAttribute", "a shared snapshot", &["dBClusterSnapshotIdentifier"], ""),
    leaves("s3", "PutBucketPolicy", "who may reach a bucket", &["bucketName"], "DeleteBucketPolicy"),
    leaves("s3", "PutBucketAcl", "who may reach a bucket", &["bucketName"], ""),
    leaves("s3", "PutBucketReplication", "copies of a bucket", &["bucketName"], "DeleteBucketReplication"),
    leaves("s3", "DeleteBucketPublicAccessBlock", "a bucket without its block", &["bucketName"], "PutBucketPublicAccessBlock"),
    leaves("s3", "PutBucketLifecycle", "objects that expire", &["bucketName"], "DeleteBucketLifecycle"),
    leaves("kms", "CreateGrant", "a grant on a key", &["keyId", "granteePrincipal"], "RetireGrant"),
    leaves("kms", "PutKeyPolicy", "who may use a key", &["keyId"], ""),
    leaves("kms", "ScheduleKeyDeletion", "a key that will be gone", &["keyId"], "CancelKeyDeletion"),
    leaves("secretsmanager", "PutResourcePolicy", "who may read a secret", &["secretId"], "DeleteResourcePolicy"),
    leaves("events", "PutRule", "a rule that starts things", &["name"], "DeleteRule"),
    leaves("events", "PutTargets", "what a rule starts", &["rule"], "RemoveTargets"),
    leaves("ssm", "CreateAssociation", "commands on instances", &["name"], "DeleteAssociation"),
    leaves("ssm", "SendCommand", "commands run on instances", &["documentName"], ""),
    leaves("cloudformation", "CreateStack", "a stack", &["stackName"], "DeleteStack"),
    leaves("ecs", "RegisterTaskDefinition", "a task definition", &["family"], ""),
    leaves("ecs", "CreateService", "a service", &["serviceName"], "DeleteService"),
    leaves("codebuild", "CreateProject", "a build project", &["name"], "DeleteProject"),
    leaves("glue", "CreateDevEndpoint", "a development endpoint", &["endpointName"], "DeleteDevEndpoint"),
    leaves("sagemaker", "CreateNotebookInstance", "a notebook", &["notebookInstanceName"], "DeleteNotebookInstance"),
    leaves("cloudtrail", "StopLogging", "a trail that does not log", &["name"], "StartLogging"),
    leaves("cloudtrail", "DeleteTrail", "a trail that is gone", &["name"], ""),
    leaves("cloudtrail", "UpdateTrail", "a trail that was changed", &["name"], ""),
    leaves("cloudtrail", "PutEventSelectors", "what a trail logs", &["trailName"], ""),
    leaves("guardduty", "DeleteDetector", "a region without GuardDuty", &["detectorId"], ""),
    leaves("guardduty", "UpdateDetector", "GuardDuty's settings", &["detectorId"], ""),
    leaves("guardduty", "CreateIPSet", "addresses that GuardDuty trusts", &["name"], ""),
    leaves("config", "StopConfigurationRecorder", "no record of configuration", &["configurationRecorderName"], "StartConfigurationRecorder"),
    leaves("config", "DeleteConfigurationRecorder", "no record of configuration", &["configurationRecorderName"], ""),
    leaves("securityhub", "DisableSecurityHub", "no Security Hub", &[], "EnableSecurityHub"),
    leaves("logs", "DeleteLogGroup", "a log group that is gone", &["logGroupName"], ""),
];

pub(super) fn is_named(event: &str, name: &str) -> bool {
    event.strip_prefix(name).is_some_and(|rest| {
        rest.is_empty() || (rest.len() >= 8 && rest.bytes().take(8).all(|byte| byte.is_ascii_digit()))
    })
}

pub(super) fn service(source: &str) -> &str {
    source.split('.').next().unwrap_or(source)
}

/// What a call leaves.
pub(super) fn of(source: &str, event: &str) -> Option<&'static Leaves> {
    LEAVES.iter().find(|leaves| leaves.source == service(source) && is_named(event, leaves.event))
}

/// What a call may take away: the calls that left it.
pub(super) fn undone_by(source: &str, event: &str) -> impl Iterator<Item = &'static Leaves> {
    let of_service = LEAVES.iter().filter(move |leaves| leaves.source == service(source) && !leaves.undo.is_empty());
    of_service.filter(move |leaves| is_named(event, leaves.undo))
}

impl Leaves {
    /// The name of what is left: from what the call gave back, else from what it was asked.
    pub(super) fn object(&self, request: Option<&str>, response: Option<&str>) -> String {
        let request = request.and_then(Raw::parse);
        let made = response.and_then(Raw::parse).and_then(|made| {
            // `{"accessKey": {"accessKeyId": …}}`: one level down.
            let inner = made.members().find_map(|(_, value)| value.member("accessKeyId"));
            made.member("accessKeyId").or(inner)
        });
        let part = |name: &&str| {
            let own = request.and_then(|request| request.member_in_any_case(name));
            let value = if *name == "accessKeyId" { own.or(made) } else { own };
            value.and_then(Raw::scalar).map(std::borrow::Cow::into_owned)
        };
        self.names.iter().filter_map(part).collect::<Vec<_>>().join(" ")
    }

    /// Whether two calls are about the same kind of thing.
    pub(super) fn same(&self, other: &Leaves) -> bool {
        std::ptr::eq(self, other)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_with_their_names() {
        let made = of("iam.amazonaws.com", "CreateAccessKey").unwrap();
        let response = r#"{"accessKey":{"accessKeyId":"AKIAX","userName":"eve"}}"#;
        assert_eq!(made.object(Some(r#"{"userName":"eve"}"#), Some(response)), "AKIAX eve");
        let undone = undone_by("iam.amazonaws.com", "DeleteAccessKey").next().unwrap();
        assert!(undone.same(made));
        assert_eq!(undone.object(Some(r#"{"accessKeyId":"AKIAX","userName":"eve"}"#), None), "AKIAX eve");
        assert!(of("lambda.amazonaws.com", "CreateFunction20150331").is_some());
        assert!(of("lambda.amazonaws.com", "CreateFunctionUrlConfig").unwrap().event == "CreateFunctionUrlConfig");
        assert!(of("s3.amazonaws.com", "CreateUser").is_none() && of("iam.amazonaws.com", "CreateUserX").is_none());
    }
}
