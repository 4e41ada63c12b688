//! The table of ways to more permissions.
//!
//! Source: "AWS IAM privilege escalation methods" of Rhino Security Labs, NCC Group's PMapper, and the paths that pathfinding.cloud
//! (Datadog) collects. A way that only adds an action to one that stands here is left out: who can do more can do the less.

const EC2: Option<&str> = Some("ec2.amazonaws.com");
const LAMBDA: Option<&str> = Some("lambda.amazonaws.com");
const GLUE: Option<&str> = Some("glue.amazonaws.com");
const CODEBUILD: Option<&str> = Some("codebuild.amazonaws.com");
const TASKS: Option<&str> = Some("ecs-tasks.amazonaws.com");
const APPRUNNER: Option<&str> = Some("tasks.apprunner.amazonaws.com");
const SAGEMAKER: Option<&str> = Some("sagemaker.amazonaws.com");

/// The ways that lead through an instance, and so nowhere where no instance has a role.
pub(super) const ON_INSTANCES: &[&str] = &[
    "changes the template that instances start from",
    "changes what an instance runs as it starts",
    "puts its key onto instances",
    "puts its key onto the console of instances",
    "opens sessions on instances",
    "has commands run on instances",
    "runs commands on instances",
];

/// Ways of a role to itself, and of whoever is in the same account: to be named by a role's trust policy is enough there. They are
/// told of principals that may not assume any role; of others, the way that says so is ("Policy evaluation for requests
/// within a single account").
pub(super) const WITHOUT_ASSUMING: &[&str] = &[
    "attaches a policy to itself",
    "writes an inline policy of itself",
    "changes who may assume a role, and lets itself",
];

/// Those of them that a role goes with itself alone.
pub(super) const ONTO_ITSELF: &[&str] = &["attaches a policy to itself", "writes an inline policy of itself"];

/// A way to more permissions: its name, the service that a role is passed to, and the actions that it takes.
pub(in crate::findings) const WAYS: &[(&str, Option<&str>, &[&str])] = &[
    ("writes a new version of a policy", None, &["iam:CreatePolicyVersion"]),
    ("sets another version of a policy in force", None, &["iam:SetDefaultPolicyVersion"]),
    ("attaches a policy to a user", None, &["iam:AttachUserPolicy"]),
    ("attaches a policy to a group", None, &["iam:AttachGroupPolicy"]),
    ("attaches a policy to a role and assumes it", None, &["iam:AttachRolePolicy", "sts:AssumeRole"]),
    ("attaches a policy to itself", None, &["iam:AttachRolePolicy"]),
    ("writes an inline policy of itself", None, &["iam:PutRolePolicy"]),
    ("changes who may assume a role, and lets itself", None, &["iam:UpdateAssumeRolePolicy"]),
    ("writes an inline policy of a user", None, &["iam:PutUserPolicy"]),
    ("writes an inline policy of a group", None, &["iam:PutGroupPolicy"]),
    ("writes an inline policy of a role and assumes it", None, &["iam:PutRolePolicy", "sts:AssumeRole"]),
    ("takes a boundary away", None, &["iam:DeleteUserPermissionsBoundary"]),
    ("takes the boundary of a role away", None, &["iam:DeleteRolePermissionsBoundary"]),
    ("sets another boundary", None, &["iam:PutUserPermissionsBoundary"]),
    ("sets another boundary of a role", None, &["iam:PutRolePermissionsBoundary"]),
    ("joins a group", None, &["iam:AddUserToGroup"]),
    ("makes a key of another user", None, &["iam:CreateAccessKey"]),
    ("makes a password of another user", None, &["iam:CreateLoginProfile"]),
    ("changes a password of another user", None, &["iam:UpdateLoginProfile"]),
    ("makes credentials of another user for a service", None, &["iam:CreateServiceSpecificCredential"]),
    ("renews credentials of another user for a service", None, &["iam:ResetServiceSpecificCredential"]),
    ("replaces what a SAML provider vouches with", None, &["iam:UpdateSAMLProvider"]),
    ("changes whom an OpenID Connect provider vouches for", None, &["iam:AddClientIDToOpenIDConnectProvider"]),
    ("changes who may assume a role", None, &["iam:UpdateAssumeRolePolicy", "sts:AssumeRole"]),
    ("starts an instance with a role", EC2, &["iam:PassRole", "ec2:RunInstances"]),
    ("runs a function with a role", LAMBDA, &["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"]),
    (
        "has a function with a role run on events",
        LAMBDA,
        &["iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"],
    ),
    ("replaces the code of a function", None, &["lambda:UpdateFunctionCode"]),
    ("makes a Glue endpoint with a role", GLUE, &["iam:PassRole", "glue:CreateDevEndpoint"]),
    (
        "makes a stack with a role",
        Some("cloudformation.amazonaws.com"),
        &["iam:PassRole", "cloudformation:CreateStack"],
    ),
    ("runs a task with a role", TASKS, &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"]),
    ("builds a project with a role", CODEBUILD, &["iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuild"]),
    (
        "opens a notebook with a role",
        SAGEMAKER,
        &["iam:PassRole", "sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"],
    ),
    ("runs commands on instances", None, &["ssm:SendCommand"]),
    (
        "runs a state machine with a role",
        Some("states.amazonaws.com"),
        &["iam:PassRole", "states:CreateStateMachine", "states:StartExecution"],
    ),
    // EC2 and Systems Manager.
    ("starts a spot instance with a role", EC2, &["iam:PassRole", "ec2:RequestSpotInstances"]),
    ("gives an instance another role", EC2, &["iam:PassRole", "ec2:AssociateIamInstanceProfile"]),
    ("replaces the role of an instance", EC2, &["iam:PassRole", "ec2:ReplaceIamInstanceProfileAssociation"]),
    ("puts another role into an instance profile", EC2, &["iam:PassRole", "iam:AddRoleToInstanceProfile"]),
    (
        "has a group start instances with a role",
        EC2,
        &["iam:PassRole", "autoscaling:CreateLaunchConfiguration", "autoscaling:CreateAutoScalingGroup"],
    ),
    (
        "has a group start instances of a template with a role",
        EC2,
        &["iam:PassRole", "ec2:CreateLaunchTemplate", "autoscaling:CreateAutoScalingGroup"],
    ),
    (
        "changes the template that instances start from",
        None,
        &["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"],
    ),
    (
        "changes what an instance runs as it starts",
        None,
        &["ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances"],
    ),
    ("puts its key onto instances", None, &["ec2-instance-connect:SendSSHPublicKey"]),
    ("puts its key onto the console of instances", None, &["ec2-instance-connect:SendSerialConsoleSSHPublicKey"]),
    ("opens sessions on instances", None, &["ssm:StartSession"]),
    ("has commands run on instances", None, &["ssm:CreateAssociation"]),
    ("runs an automation with a role", Some("ssm.amazonaws.com"), &["iam:PassRole", "ssm:StartAutomationExecution"]),
    // Lambda.
    (
        "lets others call a function with a role",
        LAMBDA,
        &["iam:PassRole", "lambda:CreateFunction", "lambda:AddPermission"],
    ),
    ("changes the layers of a function", None, &["lambda:UpdateFunctionConfiguration"]),
    // Glue.
    ("puts its key onto a Glue endpoint", None, &["glue:UpdateDevEndpoint"]),
    ("runs a Glue job with a role", GLUE, &["iam:PassRole", "glue:CreateJob", "glue:StartJobRun"]),
    ("has a Glue job with a role run", GLUE, &["iam:PassRole", "glue:CreateJob", "glue:CreateTrigger"]),
    ("runs a changed Glue job with a role", GLUE, &["iam:PassRole", "glue:UpdateJob", "glue:StartJobRun"]),
    ("has a changed Glue job with a role run", GLUE, &["iam:PassRole", "glue:UpdateJob", "glue:CreateTrigger"]),
    ("runs statements in Glue with a role", GLUE, &["iam:PassRole", "glue:CreateSession", "glue:RunStatement"]),
    // CloudFormation.
    ("changes a stack that has a role", None, &["cloudformation:UpdateStack"]),
    (
        "changes a stack that has a role, in two steps",
        None,
        &["cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"],
    ),
    (
        "makes stacks with a role",
        Some("cloudformation.amazonaws.com"),
        &["iam:PassRole", "cloudformation:CreateStackSet", "cloudformation:CreateStackInstances"],
    ),
    (
        "changes stacks with a role",
        Some("cloudformation.amazonaws.com"),
        &["iam:PassRole", "cloudformation:UpdateStackSet"],
    ),
    // Builds and pipelines.
    (
        "builds a project with a role, several at once",
        CODEBUILD,
        &["iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuildBatch"],
    ),
    (
        "builds a changed project with a role",
        CODEBUILD,
        &["iam:PassRole", "codebuild:UpdateProject", "codebuild:StartBuild"],
    ),
    ("builds a project with other commands", None, &["codebuild:StartBuild"]),
    ("builds a project with other commands, several at once", None, &["codebuild:StartBuildBatch"]),
    (
        "runs a data pipeline with a role",
        Some("datapipeline.amazonaws.com"),
        &[
            "iam:PassRole",
            "datapipeline:CreatePipeline",
            "datapipeline:PutPipelineDefinition",
            "datapipeline:ActivatePipeline",
        ],
    ),
    // Containers.
    ("starts a task with a role", TASKS, &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:StartTask"]),
    ("keeps a task with a role running", TASKS, &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:CreateService"]),
    (
        "has a service run another task with a role",
        TASKS,
        &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:UpdateService"],
    ),
    ("runs a task with another role", TASKS, &["iam:PassRole", "ecs:RunTask"]),
    ("opens a shell in tasks", None, &["ecs:ExecuteCommand"]),
    ("runs a batch job with a role", TASKS, &["iam:PassRole", "batch:RegisterJobDefinition", "batch:SubmitJob"]),
    ("runs a service of App Runner with a role", APPRUNNER, &["iam:PassRole", "apprunner:CreateService"]),
    ("changes a service of App Runner", None, &["apprunner:UpdateService"]),
    ("gives pods a role", Some("pods.eks.amazonaws.com"), &["iam:PassRole", "eks:CreatePodIdentityAssociation"]),
    // SageMaker and Bedrock.
    ("opens a notebook that is there", None, &["sagemaker:CreatePresignedNotebookInstanceUrl"]),
    ("opens a domain that is there", None, &["sagemaker:CreatePresignedDomainUrl"]),
    ("trains a model with a role", SAGEMAKER, &["iam:PassRole", "sagemaker:CreateTrainingJob"]),
    ("processes data with a role", SAGEMAKER, &["iam:PassRole", "sagemaker:CreateProcessingJob"]),
    (
        "changes what a notebook runs as it starts",
        None,
        &[
            "sagemaker:CreateNotebookInstanceLifecycleConfig",
            "sagemaker:UpdateNotebookInstance",
            "sagemaker:StopNotebookInstance",
            "sagemaker:StartNotebookInstance",
        ],
    ),
    (
        "runs code in Bedrock with a role",
        Some("bedrock-agentcore.amazonaws.com"),
        &["iam:PassRole", "bedrock-agentcore:CreateCodeInterpreter", "bedrock-agentcore:InvokeCodeInterpreter"],
    ),
    (
        "runs code in Bedrock with a role that is there",
        None,
        &["bedrock-agentcore:StartCodeInterpreterSession", "bedrock-agentcore:InvokeCodeInterpreter"],
    ),
    // What calls for others.
    (
        "runs a changed state machine with a role",
        Some("states.amazonaws.com"),
        &["iam:PassRole", "states:UpdateStateMachine", "states:StartExecution"],
    ),
    ("has a schedule call with a role", Some("scheduler.amazonaws.com"), &["iam:PassRole", "scheduler:CreateSchedule"]),
    (
        "has events call with a role",
        Some("events.amazonaws.com"),
        &["iam:PassRole", "events:PutRule", "events:PutTargets"],
    ),
    ("runs a cluster with a role", EC2, &["iam:PassRole", "elasticmapreduce:RunJobFlow"]),
    (
        "runs a job of EMR Serverless with a role",
        Some("emr-serverless.amazonaws.com"),
        &["iam:PassRole", "emr-serverless:CreateApplication", "emr-serverless:StartJobRun"],
    ),
    (
        "runs a workflow of Airflow with a role",
        Some("airflow-env.amazonaws.com"),
        &["iam:PassRole", "airflow:CreateEnvironment"],
    ),
    (
        "gives an identity pool a role",
        Some("cognito-identity.amazonaws.com"),
        &["iam:PassRole", "cognito-identity:SetIdentityPoolRoles"],
    ),
    // Identity Center.
    ("assigns permission sets", None, &["sso:CreateAccountAssignment"]),
    (
        "writes the policy of a permission set",
        None,
        &["sso:PutInlinePolicyToPermissionSet", "sso:ProvisionPermissionSet"],
    ),
    (
        "attaches a policy to a permission set",
        None,
        &["sso:AttachManagedPolicyToPermissionSet", "sso:ProvisionPermissionSet"],
    ),
    ("joins a group of Identity Center", None, &["identitystore:CreateGroupMembership"]),
];
