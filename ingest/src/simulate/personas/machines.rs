//! Machines: roles of applications, of CI jobs and of AWS services, roles that people assume, and services themselves.

use super::{Kind, NOBODY, Persona, Place, Rhythm};

const BOTO3: &str = "Boto3/1.40.55 md/Botocore#1.40.55 ua/2.1 os/linux#6.1.155-176.282.amzn2023.x86_64 md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython m/b,Z,D exec-env/AWS_Lambda_python3.13 cfg/retry-mode#legacy Botocore/1.40.55";
const JAVA: &str = "aws-sdk-java/2.35.10 md/io#async md/http#NettyNio md/internal ua/2.1 api/S3#2.35.x os/Linux#6.1.155 lang/java#21.0.8 md/OpenJDK_64-Bit_Server_VM#21.0.8+9-LTS md/vendor#Amazon.com_Inc. exec-env/AWS_ECS_FARGATE m/D,N,U,Z";
const SSM_AGENT: &str = "aws-sdk-go/1.55.7 (go1.24.4; linux; amd64) amazon-ssm-agent/3.3.2299.0";
const ACTIONS: &str = "aws-sdk-js/3.911.0 ua/2.1 os/linux#6.11.0-1018-azure lang/js md/nodejs#20.19.5 api/ecs#3.911.0 configure-aws-credentials-for-github-actions";

pub(super) const PERSONAS: &[Persona] = &[
    Persona {
        name: "web-app-instance",
        kind: Kind::Instance,
        sessions: &["0", "1", "2"],
        weight: 70,
        agents: &[SSM_AGENT, JAVA],
        uses: &[
            ("ssm:UpdateInstanceInformation", 14),
            ("ssm:GetParametersByPath", 5),
            ("secretsmanager:GetSecretValue", 4),
            ("logs:CreateLogStream", 5),
            ("kms:Decrypt", 10),
            ("s3:GetObject", 24),
            ("s3:PutObject", 8),
            ("dynamodb:GetItem", 26),
            ("dynamodb:Query", 14),
            ("dynamodb:PutItem", 10),
            ("ecr:GetAuthorizationToken", 2),
            ("ecr:BatchGetImage", 2),
        ],
        tries: &["ec2:DescribeInstances"],
        managed: &["AmazonSSMManagedInstanceCore", "web-app"],
        ..NOBODY
    },
    Persona {
        name: "batch-worker",
        kind: Kind::Instance,
        rhythm: Rhythm::Night,
        sessions: &["3"],
        weight: 160,
        agents: &[JAVA],
        uses: &[
            ("s3:ListObjects", 10),
            ("s3:GetObject", 40),
            ("s3:HeadObject", 16),
            ("s3:PutObject", 20),
            ("s3:DeleteObject", 4),
            ("kms:GenerateDataKey", 8),
            ("kms:Decrypt", 8),
            ("glue:GetTable", 5),
            ("ec2:CreateSnapshot", 3),
            ("rds:CreateDBSnapshot", 2),
        ],
        managed: &["AmazonSSMManagedInstanceCore", "batch"],
        ..NOBODY
    },
    Persona {
        name: "orders-fn-role",
        kind: Kind::Function,
        sessions: &["orders-api"],
        weight: 110,
        agents: &[BOTO3],
        uses: &[
            ("dynamodb:GetItem", 30),
            ("dynamodb:PutItem", 18),
            ("dynamodb:Query", 14),
            ("secretsmanager:GetSecretValue", 4),
            ("kms:Decrypt", 12),
            ("sqs:GetQueueAttributes", 3),
            ("logs:CreateLogStream", 6),
            ("lambda:Invoke", 6),
        ],
        managed: &["AWSLambdaBasicExecutionRole", "orders-table"],
        inline: &[(
            "secrets",
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["secretsmanager:GetSecretValue","kms:Decrypt"],"Resource":"*"}]}"#,
        )],
        ..NOBODY
    },
    Persona {
        name: "thumbnail-fn-role",
        kind: Kind::Function,
        sessions: &["thumbnails"],
        weight: 70,
        agents: &[BOTO3],
        uses: &[("s3:GetObject", 40), ("s3:PutObject", 38), ("logs:CreateLogStream", 6), ("kms:GenerateDataKey", 6)],
        tries: &["s3:ListBuckets"],
        managed: &["AWSLambdaBasicExecutionRole"],
        inline: &[(
            "objects",
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject","s3:PutObjectAcl"],"Resource":"arn:aws:s3:::acme-*/*"},{"Effect":"Allow","Action":"kms:GenerateDataKey*","Resource":"*"}]}"#,
        )],
        ..NOBODY
    },
    Persona {
        name: "payments-task-role",
        kind: Kind::Task,
        sessions: &["f3b1c2d4e5a60718293a4b5c6d7e8f90"],
        weight: 60,
        agents: &[JAVA],
        uses: &[
            ("dynamodb:GetItem", 16),
            ("dynamodb:PutItem", 12),
            ("secretsmanager:GetSecretValue", 5),
            ("kms:Decrypt", 8),
            ("sqs:GetQueueAttributes", 6),
            ("ssm:GetParameter", 5),
        ],
        managed: &["payments"],
        ..NOBODY
    },
    Persona {
        name: "github-deploy",
        kind: Kind::Oidc,
        rhythm: Rhythm::Office,
        sessions: &["GitHubActions"],
        weight: 30,
        agents: &[ACTIONS],
        uses: &[
            ("sts:GetCallerIdentity", 4),
            ("ecs:DescribeServices", 10),
            ("ecs:UpdateService", 4),
            ("ecr:GetAuthorizationToken", 4),
            ("cloudfront:CreateInvalidation", 2),
        ],
        managed: &["ci-deploy"],
        ..NOBODY
    },
    Persona {
        name: "AWSServiceRoleForAutoScaling",
        kind: Kind::Linked,
        sessions: &["AutoScaling"],
        weight: 40,
        agents: &["autoscaling.amazonaws.com"],
        uses: &[
            ("ec2:DescribeInstanceStatus", 30),
            ("ec2:DescribeInstances", 10),
            ("ec2:RunInstances", 2),
            ("ec2:TerminateInstances", 2),
            ("elasticloadbalancing:DescribeTargetHealth", 12),
        ],
        managed: &["AutoScalingServiceRolePolicy"],
        ..NOBODY
    },
    Persona {
        name: "AWSServiceRoleForECS",
        kind: Kind::Linked,
        sessions: &["ecs-service-scheduler"],
        weight: 25,
        agents: &["ecs.amazonaws.com"],
        uses: &[
            ("elasticloadbalancing:RegisterTargets", 6),
            ("elasticloadbalancing:DescribeTargetHealth", 10),
            ("ec2:DescribeNetworkInterfaces", 5),
        ],
        managed: &["AmazonECSServiceRolePolicy"],
        ..NOBODY
    },
    Persona {
        name: "platform-deploy",
        place: Place::Platform,
        kind: Kind::Assumed,
        managed: &["assume-deploy-targets"],
        ..NOBODY
    },
    Persona {
        name: "deploy-target",
        kind: Kind::Assumed,
        uses: &[
            ("cloudformation:DescribeStacks", 10),
            ("cloudformation:CreateChangeSet", 4),
            ("cloudformation:ExecuteChangeSet", 3),
            ("ecs:UpdateService", 4),
            ("ecs:DescribeServices", 8),
            ("lambda:UpdateFunctionCode20150331v2", 3),
        ],
        managed: &["ci-deploy"],
        ..NOBODY
    },
    Persona {
        name: "security-audit",
        kind: Kind::Assumed,
        uses: &[
            ("ec2:DescribeSecurityGroups", 8),
            ("s3:GetBucketAcl", 6),
            ("s3:GetBucketPolicyStatus", 6),
            ("config:DescribeConfigurationRecorders", 4),
            ("cloudtrail:GetTrailStatus", 4),
            ("guardduty:ListFindings", 4),
        ],
        managed: &["read-most"],
        ..NOBODY
    },
    // Planted: runs at first, rests for months, runs again.
    Persona {
        name: "nightly-export",
        sessions: &["nightly-export"],
        agents: &[BOTO3],
        managed: &["AWSLambdaBasicExecutionRole", "batch"],
        ..NOBODY
    },
    Persona { name: "old-migration", sessions: &["migration"], managed: &["AdministratorAccess"], ..NOBODY },
    Persona { name: "data-lake-reader", sessions: &["reader"], managed: &["AmazonS3ReadOnlyAccess"], ..NOBODY },
    Persona {
        name: "sandbox",
        kind: Kind::Task,
        rhythm: Rhythm::Office,
        sessions: &["0a1b2c3d4e5f60718293a4b5c6d7e8f9"],
        weight: 8,
        agents: &[JAVA],
        uses: &[("ssm:GetParameter", 4), ("sqs:GetQueueAttributes", 4)],
        managed: &["PowerUserAccess"],
        boundary: "sandbox-boundary",
        ..NOBODY
    },
    Persona {
        name: "cloudtrail",
        kind: Kind::Service,
        weight: 25,
        uses: &[("s3:GetBucketAcl", 4), ("kms:GenerateDataKey", 10)],
        ..NOBODY
    },
    Persona { name: "ec2", kind: Kind::Notice, weight: 3, uses: &[("ec2:SharedSnapshotVolumeCreated", 1)], ..NOBODY },
    Persona { name: "AWS Internal", kind: Kind::Notice, weight: 2, uses: &[("kms:RotateKey", 1)], ..NOBODY },
];
