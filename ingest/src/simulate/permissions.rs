//! Permissions: groups and managed policies, with their documents.
//!
//! `<account>` in a document stands for the account's id. Documents of policies under `arn:aws:iam::aws:policy`
//! follow the AWS managed policy reference, the long ones shortened. Who holds a policy is the personas' affair.

/// A managed policy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Managed {
    pub name: &'static str,
    /// Path within `arn:aws:iam::aws:policy/` for AWS's own, or `None` for a customer's.
    pub aws_path: Option<&'static str>,
    pub document: &'static str,
}

/// A group and the managed policies attached to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub name: &'static str,
    pub managed: &'static [&'static str],
    /// Inline policies: name and document.
    pub inline: &'static [(&'static str, &'static str)],
}

pub(super) const GROUPS: &[Group] = &[
    Group { name: "admins", managed: &["AdministratorAccess"], inline: &[] },
    Group { name: "developers", managed: &["developer"], inline: &[] },
    Group {
        name: "analysts",
        managed: &["AmazonS3ReadOnlyAccess"],
        inline: &[(
            "athena",
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["athena:*","glue:Get*","glue:BatchGetPartition","glue:CreateTable","glue:DeleteTable"],"Resource":"*"}]}"#,
        )],
    },
    Group { name: "former-contractors", managed: &["billing-read"], inline: &[] },
];

const fn aws(name: &'static str, path: &'static str, document: &'static str) -> Managed {
    Managed { name, aws_path: Some(path), document }
}

const fn own(name: &'static str, document: &'static str) -> Managed {
    Managed { name, aws_path: None, document }
}

pub(super) const MANAGED: &[Managed] = &[
    aws(
        "AdministratorAccess",
        "",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    ),
    aws(
        "PowerUserAccess",
        "",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},{"Effect":"Allow","Action":["account:GetAccountInformation","account:GetGovCloudAccountInformation","account:GetPrimaryEmail","account:ListRegions","iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles","organizations:DescribeEffectivePolicy","organizations:DescribeOrganization"],"Resource":"*"}]}"#,
    ),
    aws(
        "AmazonS3ReadOnlyAccess",
        "",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"],"Resource":"*"}]}"#,
    ),
    aws(
        "AWSLambdaBasicExecutionRole",
        "service-role/",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}"#,
    ),
    aws(
        "AmazonSSMManagedInstanceCore",
        "",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ssm:DescribeAssociation","ssm:GetDeployablePatchSnapshotForInstance","ssm:GetDocument","ssm:DescribeDocument","ssm:GetManifest","ssm:GetParameter","ssm:GetParameters","ssm:ListAssociations","ssm:ListInstanceAssociations","ssm:PutInventory","ssm:PutComplianceItems","ssm:PutConfigurePackageResult","ssm:UpdateAssociationStatus","ssm:UpdateInstanceAssociationStatus","ssm:UpdateInstanceInformation"],"Resource":"*"},{"Effect":"Allow","Action":["ssmmessages:CreateControlChannel","ssmmessages:CreateDataChannel","ssmmessages:OpenControlChannel","ssmmessages:OpenDataChannel"],"Resource":"*"},{"Effect":"Allow","Action":["ec2messages:AcknowledgeMessage","ec2messages:DeleteMessage","ec2messages:FailMessage","ec2messages:GetEndpoint","ec2messages:GetMessages","ec2messages:SendReply"],"Resource":"*"}]}"#,
    ),
    aws(
        "AutoScalingServiceRolePolicy",
        "aws-service-role/",
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"EC2InstanceManagement","Effect":"Allow","Action":["ec2:AttachClassicLinkVpc","ec2:CancelSpotInstanceRequests","ec2:CreateFleet","ec2:CreateTags","ec2:DeleteTags","ec2:Describe*","ec2:ModifyInstanceAttribute","ec2:RunInstances","ec2:StartInstances","ec2:StopInstances","ec2:TerminateInstances"],"Resource":"*"},{"Sid":"ELBManagement","Effect":"Allow","Action":["elasticloadbalancing:Register*","elasticloadbalancing:Deregister*","elasticloadbalancing:Describe*"],"Resource":"*"}]}"#,
    ),
    aws(
        "AmazonECSServiceRolePolicy",
        "aws-service-role/",
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"ECSTaskManagement","Effect":"Allow","Action":["ec2:AttachNetworkInterface","ec2:CreateNetworkInterface","ec2:DeleteNetworkInterface","ec2:Describe*","elasticloadbalancing:Describe*","elasticloadbalancing:RegisterTargets","elasticloadbalancing:DeregisterTargets","route53:ChangeResourceRecordSets","servicediscovery:RegisterInstance"],"Resource":"*"}]}"#,
    ),
    own(
        "developer",
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"LookAtEverything","Effect":"Allow","Action":["ec2:Describe*","elasticloadbalancing:Describe*","autoscaling:Describe*","cloudwatch:Describe*","cloudwatch:Get*","cloudwatch:List*","logs:Describe*","logs:Get*","logs:FilterLogEvents","logs:StartQuery","logs:StopQuery","lambda:Get*","lambda:List*","rds:Describe*","cloudformation:Describe*","cloudformation:List*","ecs:Describe*","ecs:List*","sns:List*","sqs:List*","sqs:Get*","xray:Get*"],"Resource":"*"},{"Sid":"Buckets","Effect":"Allow","Action":["s3:ListAllMyBuckets","s3:GetBucketLocation","s3:ListBucket"],"Resource":"*"},{"Sid":"Config","Effect":"Allow","Action":["ssm:GetParameter*","ssm:DescribeParameters"],"Resource":"*"},{"Sid":"NeverUsed","Effect":"Allow","Action":["kinesis:*","redshift:Describe*","elasticmapreduce:*"],"Resource":"*"}]}"#,
    ),
    own(
        "read-most",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["autoscaling:Describe*","cloudformation:Describe*","cloudformation:List*","cloudtrail:Describe*","cloudtrail:Get*","cloudtrail:List*","cloudtrail:LookupEvents","cloudwatch:Describe*","cloudwatch:Get*","cloudwatch:List*","config:Describe*","config:Get*","dynamodb:Describe*","dynamodb:List*","ec2:Describe*","ecs:Describe*","ecs:List*","elasticloadbalancing:Describe*","guardduty:Get*","guardduty:List*","iam:Get*","iam:List*","kms:Describe*","kms:List*","lambda:Get*","lambda:List*","logs:Describe*","logs:Get*","logs:StartQuery","rds:Describe*","route53:Get*","route53:List*","s3:GetBucket*","s3:GetEncryptionConfiguration","s3:ListAllMyBuckets","sns:Get*","sns:List*","sqs:Get*","sqs:List*"],"Resource":"*"}]}"#,
    ),
    own(
        "ci-deploy",
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"Images","Effect":"Allow","Action":["ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:BatchGetImage","ecr:PutImage","ecr:InitiateLayerUpload","ecr:UploadLayerPart","ecr:CompleteLayerUpload","ecr:DeleteRepository"],"Resource":"*"},{"Sid":"Services","Effect":"Allow","Action":"ecs:*","Resource":"*"},{"Sid":"Functions","Effect":"Allow","Action":["lambda:Get*","lambda:UpdateFunctionCode","lambda:UpdateFunctionConfiguration","lambda:PublishVersion","lambda:AddPermission"],"Resource":"arn:aws:lambda:*:<account>:function:*"},{"Sid":"Stacks","Effect":"Allow","Action":"cloudformation:*","Resource":"*"},{"Sid":"Artifacts","Effect":"Allow","Action":["s3:PutObject","s3:GetObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::acme-*/*"},{"Sid":"Cdn","Effect":"Allow","Action":"cloudfront:CreateInvalidation","Resource":"*"},{"Sid":"Roles","Effect":"Allow","Action":"iam:PassRole","Resource":["arn:aws:iam::<account>:role/payments-task-role","arn:aws:iam::<account>:role/ecs-execution"]}]}"#,
    ),
    own(
        "terraform",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:*","s3:*","iam:Get*","iam:List*","iam:CreateRole","iam:DeleteRole","iam:PutRolePolicy","iam:TagRole","iam:PassRole","cloudwatch:*","route53:*","kms:*","dynamodb:*","ssm:*","rds:*","sns:*","sqs:*","elasticache:*","es:*"],"Resource":"*"}]}"#,
    ),
    own(
        "backup",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:ListBucket","s3:ListAllMyBuckets","ec2:CreateSnapshot","ec2:DeleteSnapshot","ec2:Describe*","rds:CreateDBSnapshot","rds:DescribeDBInstances"],"Resource":"*"}]}"#,
    ),
    own(
        "billing-read",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ce:Get*","ce:List*","budgets:ViewBudget","cur:DescribeReportDefinitions"],"Resource":"*"}]}"#,
    ),
    own(
        "web-app",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject","s3:ListBucket"],"Resource":["arn:aws:s3:::acme-*","arn:aws:s3:::acme-*/*"]},{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:BatchGetItem","dynamodb:Query","dynamodb:Scan","dynamodb:PutItem","dynamodb:UpdateItem","dynamodb:DeleteItem"],"Resource":"arn:aws:dynamodb:*:<account>:table/*"},{"Effect":"Allow","Action":["secretsmanager:GetSecretValue","secretsmanager:ListSecrets","secretsmanager:DescribeSecret"],"Resource":"*"},{"Effect":"Allow","Action":["ssm:GetParametersByPath","kms:Decrypt","logs:CreateLogStream","logs:PutLogEvents","ecr:GetAuthorizationToken","ecr:BatchGetImage","ecr:GetDownloadUrlForLayer","ses:SendEmail","ses:SendRawEmail","sns:Publish","rekognition:*"],"Resource":"*"}]}"#,
    ),
    own(
        "batch",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::acme-*","arn:aws:s3:::acme-*/*"]},{"Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey","glue:Get*","glue:Update*","ec2:CreateSnapshot","ec2:DeleteSnapshot","ec2:DescribeSnapshots","rds:CreateDBSnapshot","rds:DeleteDBSnapshot","rds:DescribeDBSnapshots","athena:StartQueryExecution","athena:GetQueryResults","sqs:*"],"Resource":"*"}]}"#,
    ),
    own(
        "orders-table",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:*","Resource":["arn:aws:dynamodb:*:<account>:table/*"]},{"Effect":"Allow","Action":["sqs:SendMessage","sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes","lambda:InvokeFunction","events:PutEvents"],"Resource":"*"}]}"#,
    ),
    own(
        "payments",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:PutItem","dynamodb:UpdateItem","dynamodb:DeleteItem","dynamodb:Query"],"Resource":"arn:aws:dynamodb:*:<account>:table/*"},{"Effect":"Allow","Action":["secretsmanager:GetSecretValue","kms:Decrypt","kms:Encrypt","kms:CreateGrant","sqs:*","ssm:GetParameter*","sns:Publish","states:StartExecution"],"Resource":"*"}]}"#,
    ),
    own(
        "assume-deploy-targets",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":["arn:aws:iam::*:role/deploy-target","arn:aws:iam::*:role/security-audit"]}]}"#,
    ),
    own(
        "sandbox-boundary",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ssm:GetParameter*","sqs:*","logs:*","s3:Get*","s3:List*"],"Resource":"*"}]}"#,
    ),
];

/// ARN of a managed policy in an account.
pub(super) fn arn(policy: &Managed, account: &str) -> String {
    match policy.aws_path {
        Some(path) => format!("arn:aws:iam::aws:policy/{path}{}", policy.name),
        None => format!("arn:aws:iam::{account}:policy/{}", policy.name),
    }
}

/// The managed policy of a name.
pub(super) fn named(name: &str) -> Option<&'static Managed> {
    MANAGED.iter().find(|policy| policy.name == name)
}
