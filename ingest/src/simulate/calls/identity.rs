//! Who may do what: IAM, STS, sign-in, Organizations, KMS, Secrets Manager.

use super::{Call, Form, read, write};

pub(super) const CALLS: &[Call] = &[
    read("iam", "ListUsers", "iam:ListUsers").global().target("arn:aws:iam::<account>:user/"),
    read("iam", "ListRoles", "iam:ListRoles").global().request(r#"{"maxItems":1000}"#).target("arn:aws:iam::<account>:role/"),
    read("iam", "ListAccessKeys", "iam:ListAccessKeys")
        .global()
        .request(r#"{"userName":"<user>"}"#)
        .target("user <user>"),
    read("iam", "GetUser", "iam:GetUser")
        .global()
        .request(r#"{"userName":"<user>"}"#)
        .target("user <user>")
        .failure("NoSuchEntityException", "The user with name <user> cannot be found."),
    read("iam", "GetRole", "iam:GetRole")
        .global()
        .request(r#"{"roleName":"<role>"}"#)
        .target("role <role>")
        .failure("NoSuchEntityException", "The role with name <role> cannot be found."),
    read("iam", "ListAttachedRolePolicies", "iam:ListAttachedRolePolicies")
        .global()
        .request(r#"{"roleName":"<role>"}"#)
        .target("role <role>"),
    read("iam", "GetAccountSummary", "iam:GetAccountSummary").global(),
    read("iam", "GenerateCredentialReport", "iam:GenerateCredentialReport")
        .global()
        .response(r#"{"state":"STARTED","description":"No report exists. Starting a new report generation task"}"#),
    write("iam", "PutRolePolicy", "iam:PutRolePolicy")
        .global()
        .request(r#"{"roleName":"<role>","policyName":"<role>-inline","policyDocument":"{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \"Action\": [\"dynamodb:GetItem\", \"dynamodb:PutItem\"],\n      \"Resource\": \"arn:aws:dynamodb:*:<account>:table/<table>\"\n    }\n  ]\n}"}"#)
        .target("role <role>"),
    write("iam", "TagRole", "iam:TagRole")
        .global()
        .request(r#"{"roleName":"<role>","tags":[{"key":"ManagedBy","value":"terraform"},{"key":"Owner","value":"Zoë"}]}"#)
        .target("role <role>"),
    read("sts", "GetCallerIdentity", ""),
    read("sts", "AssumeRole", "sts:AssumeRole")
        .request(r#"{"roleArn":"arn:aws:iam::<account>:role/break-glass","roleSessionName":"<own>","durationSeconds":3600}"#)
        .target("arn:aws:iam::<account>:role/break-glass"),
    write("signin", "ConsoleLogin", "").form(Form::SignIn).global(),
    write("signin", "CheckMfa", "").form(Form::SignIn).global(),
    read("organizations", "ListAccounts", "organizations:ListAccounts").global(),
    read("organizations", "DescribeOrganization", "organizations:DescribeOrganization").global(),
    write("kms", "RotateKey", "")
        .form(Form::Notice)
        .request(r#"{"keyId":"<key>","rotationType":"AUTOMATIC"}"#)
        .resources(r#"[{"accountId":"<account>","type":"AWS::KMS::Key","ARN":"arn:aws:kms:<region>:<account>:key/<key>"}]"#),
    read("kms", "Decrypt", "kms:Decrypt")
        .request(r#"{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"aws:s3:arn":"arn:aws:s3:::<bucket>"}}"#)
        .additional(r#"{"keyMaterialId":"<hex64>"}"#)
        .resources(r#"[{"accountId":"<account>","type":"AWS::KMS::Key","ARN":"arn:aws:kms:<region>:<account>:key/<key>"}]"#)
        .target("arn:aws:kms:<region>:<account>:key/<key>"),
    read("kms", "GenerateDataKey", "kms:GenerateDataKey")
        .request(r#"{"keySpec":"AES_256","encryptionContext":{"aws:s3:arn":"arn:aws:s3:::<bucket>"},"keyId":"arn:aws:kms:<region>:<account>:key/<key>"}"#)
        .additional(r#"{"keyMaterialId":"<hex64>"}"#)
        .resources(r#"[{"accountId":"<account>","type":"AWS::KMS::Key","ARN":"arn:aws:kms:<region>:<account>:key/<key>"}]"#)
        .target("arn:aws:kms:<region>:<account>:key/<key>"),
    read("kms", "DescribeKey", "kms:DescribeKey")
        .request(r#"{"keyId":"<key>"}"#)
        .resources(r#"[{"accountId":"<account>","type":"AWS::KMS::Key","ARN":"arn:aws:kms:<region>:<account>:key/<key>"}]"#)
        .target("arn:aws:kms:<region>:<account>:key/<key>")
        .failure("NotFoundException", "Key 'arn:aws:kms:<region>:<account>:key/<key>' does not exist"),
    read("secretsmanager", "GetSecretValue", "secretsmanager:GetSecretValue")
        .request(r#"{"secretId":"<secret>","versionStage":"AWSCURRENT"}"#)
        .target("arn:aws:secretsmanager:<region>:<account>:secret:<secret>-<alnum6>")
        .failure("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
    read("secretsmanager", "ListSecrets", "secretsmanager:ListSecrets").request(r#"{"maxResults":100}"#),
    read("secretsmanager", "DescribeSecret", "secretsmanager:DescribeSecret")
        .request(r#"{"secretId":"<secret>"}"#)
        .target("arn:aws:secretsmanager:<region>:<account>:secret:<secret>-<alnum6>"),
];
