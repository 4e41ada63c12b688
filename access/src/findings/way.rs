//! Ways from some permissions to more: the methods that Rhino Security Labs and NCC Group's PMapper published ("AWS IAM
//! privilege escalation methods"), as sets of actions, and whether a role may be passed to the service that each needs.

use crate::inventory::{Entity, Inventory};
use crate::policy::{Context, Document, Effect};

/// A way to more permissions: its name, the service that a role is passed to, and the actions that it takes.
pub(super) const WAYS: &[(&str, Option<&str>, &[&str])] = &[
    ("writes a new version of a policy", None, &["iam:CreatePolicyVersion"]),
    ("sets another version of a policy in force", None, &["iam:SetDefaultPolicyVersion"]),
    ("attaches a policy to a user", None, &["iam:AttachUserPolicy"]),
    ("attaches a policy to a group", None, &["iam:AttachGroupPolicy"]),
    ("attaches a policy to a role and assumes it", None, &["iam:AttachRolePolicy", "sts:AssumeRole"]),
    ("writes an inline policy of a user", None, &["iam:PutUserPolicy"]),
    ("writes an inline policy of a group", None, &["iam:PutGroupPolicy"]),
    ("writes an inline policy of a role and assumes it", None, &["iam:PutRolePolicy", "sts:AssumeRole"]),
    ("takes a boundary away", None, &["iam:DeleteUserPermissionsBoundary"]),
    ("joins a group", None, &["iam:AddUserToGroup"]),
    ("makes a key of another user", None, &["iam:CreateAccessKey"]),
    ("makes a password of another user", None, &["iam:CreateLoginProfile"]),
    ("changes a password of another user", None, &["iam:UpdateLoginProfile"]),
    ("changes who may assume a role", None, &["iam:UpdateAssumeRolePolicy", "sts:AssumeRole"]),
    ("starts an instance with a role", Some("ec2.amazonaws.com"), &["iam:PassRole", "ec2:RunInstances"]),
    (
        "runs a function with a role",
        Some("lambda.amazonaws.com"),
        &["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"],
    ),
    (
        "has a function with a role run on events",
        Some("lambda.amazonaws.com"),
        &["iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"],
    ),
    ("replaces the code of a function", None, &["lambda:UpdateFunctionCode"]),
    ("makes a Glue endpoint with a role", Some("glue.amazonaws.com"), &["iam:PassRole", "glue:CreateDevEndpoint"]),
    (
        "makes a stack with a role",
        Some("cloudformation.amazonaws.com"),
        &["iam:PassRole", "cloudformation:CreateStack"],
    ),
    (
        "runs a task with a role",
        Some("ecs-tasks.amazonaws.com"),
        &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"],
    ),
    (
        "builds a project with a role",
        Some("codebuild.amazonaws.com"),
        &["iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuild"],
    ),
    (
        "opens a notebook with a role",
        Some("sagemaker.amazonaws.com"),
        &["iam:PassRole", "sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"],
    ),
    ("runs commands on instances", None, &["ssm:SendCommand"]),
    (
        "runs a state machine with a role",
        Some("states.amazonaws.com"),
        &["iam:PassRole", "states:CreateStateMachine", "states:StartExecution"],
    ),
];

/// To which services a principal may pass roles, as `iam:PassedToService` says.
#[derive(Debug)]
pub(super) struct Passing<'a> {
    /// The layers that must each allow it.
    layers: Vec<Vec<&'a Document>>,
}

impl<'a> Passing<'a> {
    pub(super) fn new(inventory: &'a Inventory, entity: &'a Entity) -> Passing<'a> {
        let identity = inventory.identity_policies(entity).into_iter().map(|(_, document)| document).collect();
        let boundary = entity.boundary.as_ref().and_then(|arn| inventory.policies.get(arn)?.default_version());
        let boundary = boundary.map(|version| vec![&version.document]);
        let levels = inventory.scp_levels.iter().map(|level| level.policies.iter().collect());
        Passing { layers: std::iter::once(identity).chain(boundary).chain(levels).collect() }
    }

    /// Whether every layer lets some role be passed to a service, whatever else is asked for.
    pub(super) fn admits(&self, service: &str) -> bool {
        let mut context = Context::default();
        context.set("iam:PassedToService", service);
        self.layers.iter().all(|layer| {
            let any = |effect| {
                let statements = layer.iter().flat_map(|document| document.admitting("iam:PassRole", effect, &context));
                statements.count() > 0
            };
            any(Effect::Allow) && !any(Effect::Deny)
        })
    }
}
