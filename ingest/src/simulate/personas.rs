//! Personas: the people, applications and services of the organisation, what they do, and what they may do.
//!
//! Every persona is granted more than it uses, as in real accounts: that difference is what a least-privilege
//! report is about. `uses` is always within the grants and `tries` never is; a test holds both.

/// A principal of each account it lives in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Persona {
    /// User or role name; for a service, its name without `.amazonaws.com`.
    pub name: &'static str,
    pub kind: Kind,
    pub place: Place,
    pub rhythm: Rhythm,
    /// Session names; one actor for each. Unused by users.
    pub sessions: &'static [&'static str],
    /// How often it acts, relative to the others.
    pub weight: u32,
    pub agents: &'static [&'static str],
    /// Calls as `service:Name`, with weights.
    pub uses: &'static [(&'static str, u32)],
    /// Calls that it makes and is denied.
    pub tries: &'static [&'static str],
    pub groups: &'static [&'static str],
    /// Names of managed policies, as `permissions` knows them.
    pub managed: &'static [&'static str],
    /// Inline policies: name and document.
    pub inline: &'static [(&'static str, &'static str)],
    /// Managed policy that bounds it, or empty.
    pub boundary: &'static str,
}

/// What sort of credentials a persona acts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// IAM user in the console, signed in with MFA.
    Console,
    /// IAM user with an access key.
    AccessKey,
    /// Role of IAM Identity Center; a session is a person's e-mail address.
    Sso,
    /// Role of EC2 instances; a session is an instance.
    Instance,
    /// Role of a Lambda function; the session is the function's name.
    Function,
    /// Role of ECS tasks.
    Task,
    /// Role of CI jobs that sign in with a web identity.
    Oidc,
    /// Service-linked role, used by a service.
    Linked,
    /// Role that people assume from the platform account.
    Assumed,
    /// Has grants and never acts by itself; planted events may use it.
    Dormant,
    /// An AWS service by its own name. Has no grants.
    Service,
    /// An AWS service that reports an event. Has no grants.
    Notice,
}

/// Which accounts a persona lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Platform,
    Everywhere,
}

/// When a persona acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rhythm {
    Office,
    Always,
    Night,
}

const CHROME: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
const CLI: &str = "aws-cli/2.31.21 md/awscrt#0.28.2 ua/2.1 os/linux#6.8.0-64-generic md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython m/C,E,b cfg/retry-mode#standard md/installer#exe md/distrib#ubuntu.24 md/prompt#off md/command#ec2.describe-instances";
const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.13.4 (+https://www.terraform.io) terraform-provider-aws/6.17.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.39.3 ua/2.1 os/linux lang/go#1.24.8 md/GOOS#linux md/GOARCH#amd64 api/iam#1.47.7";
const BOTO3: &str = "Boto3/1.40.55 md/Botocore#1.40.55 ua/2.1 os/linux#6.1.155-176.282.amzn2023.x86_64 md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython m/b,Z,D exec-env/AWS_Lambda_python3.13 cfg/retry-mode#legacy Botocore/1.40.55";
const JAVA: &str = "aws-sdk-java/2.35.10 md/io#async md/http#NettyNio md/internal ua/2.1 api/S3#2.35.x os/Linux#6.1.155 lang/java#21.0.8 md/OpenJDK_64-Bit_Server_VM#21.0.8+9-LTS md/vendor#Amazon.com_Inc. exec-env/AWS_ECS_FARGATE m/D,N,U,Z";
const SSM_AGENT: &str = "aws-sdk-go/1.55.7 (go1.24.4; linux; amd64) amazon-ssm-agent/3.3.2299.0";
const ACTIONS: &str = "aws-sdk-js/3.911.0 ua/2.1 os/linux#6.11.0-1018-azure lang/js md/nodejs#20.19.5 api/ecs#3.911.0 configure-aws-credentials-for-github-actions";

const NOBODY: Persona = Persona {
    name: "",
    kind: Kind::Dormant,
    place: Place::Everywhere,
    rhythm: Rhythm::Always,
    sessions: &[],
    weight: 0,
    agents: &[CLI],
    uses: &[],
    tries: &[],
    groups: &[],
    managed: &[],
    inline: &[],
    boundary: "",
};

/// Console pages call many services to draw themselves.
const BROWSES: &[(&str, u32)] = &[
    ("signin:ConsoleLogin", 2),
    ("signin:CheckMfa", 1),
    ("ec2:DescribeInstances", 9),
    ("ec2:DescribeInstanceStatus", 6),
    ("ec2:DescribeSecurityGroups", 6),
    ("ec2:DescribeVolumes", 4),
    ("elasticloadbalancing:DescribeLoadBalancers", 4),
    ("elasticloadbalancing:DescribeTargetHealth", 4),
    ("monitoring:DescribeAlarms", 6),
    ("monitoring:ListMetrics", 3),
    ("logs:DescribeLogGroups", 7),
    ("logs:DescribeLogStreams", 5),
    ("logs:StartQuery", 3),
    ("s3:ListBuckets", 4),
    ("s3:GetBucketLocation", 3),
    ("lambda:ListFunctions20150331", 4),
    ("lambda:GetFunction20150331v2", 3),
    ("rds:DescribeDBInstances", 3),
    ("cloudformation:DescribeStacks", 3),
    ("ecs:DescribeServices", 4),
    ("sns:ListTopics", 1),
];

/// All personas, in the order their actors and grants are made.
pub(super) const PERSONAS: &[Persona] = &[
    Persona {
        name: "alice.martin",
        kind: Kind::Console,
        place: Place::Platform,
        rhythm: Rhythm::Office,
        weight: 30,
        agents: &[CHROME],
        uses: &[
            ("signin:ConsoleLogin", 2),
            ("signin:CheckMfa", 1),
            ("organizations:ListAccounts", 4),
            ("organizations:DescribeOrganization", 4),
            ("ce:GetCostAndUsage", 3),
            ("iam:ListUsers", 3),
            ("iam:ListRoles", 3),
            ("iam:GetRole", 3),
            ("iam:ListAttachedRolePolicies", 3),
            ("iam:GetAccountSummary", 2),
            ("iam:GenerateCredentialReport", 1),
            ("cloudtrail:DescribeTrails", 3),
            ("cloudtrail:LookupEvents", 4),
            ("guardduty:ListFindings", 3),
        ],
        groups: &["admins"],
        ..NOBODY
    },
    Persona {
        name: "jonas.weber",
        kind: Kind::Console,
        rhythm: Rhythm::Office,
        weight: 40,
        agents: &[FIREFOX],
        uses: BROWSES,
        tries: &["iam:ListUsers", "organizations:ListAccounts", "secretsmanager:ListSecrets"],
        groups: &["developers"],
        ..NOBODY
    },
    Persona {
        name: "mei.tanaka",
        kind: Kind::AccessKey,
        rhythm: Rhythm::Office,
        weight: 35,
        agents: &[CLI],
        uses: &[
            ("sts:GetCallerIdentity", 4),
            ("ec2:DescribeInstances", 8),
            ("logs:DescribeLogGroups", 6),
            ("logs:StartQuery", 5),
            ("ecs:DescribeServices", 6),
            ("ecs:DescribeTasks", 5),
            ("ssm:GetParametersByPath", 3),
            ("lambda:GetFunction20150331v2", 4),
            ("s3:ListBuckets", 3),
            ("cloudformation:DescribeStacks", 4),
        ],
        tries: &["iam:ListRoles", "secretsmanager:GetSecretValue"],
        groups: &["developers"],
        ..NOBODY
    },
    Persona {
        name: "tomas.svoboda",
        kind: Kind::AccessKey,
        rhythm: Rhythm::Office,
        weight: 22,
        agents: &[CLI],
        uses: &[
            ("sts:GetCallerIdentity", 3),
            ("ec2:DescribeInstances", 8),
            ("ec2:DescribeVolumes", 4),
            ("logs:DescribeLogStreams", 5),
            ("rds:DescribeDBInstances", 4),
            ("cloudformation:DescribeStacks", 4),
        ],
        groups: &["developers"],
        // Given for one afternoon, years ago.
        inline: &[(
            "temporary-iam-access",
            r#"{"Version":"2012-10-17","Statement":[{"Sid":"Migration2023","Effect":"Allow","Action":"iam:*","Resource":"*"}]}"#,
        )],
        ..NOBODY
    },
    Persona {
        name: "priya.natarajan",
        kind: Kind::Console,
        rhythm: Rhythm::Office,
        weight: 28,
        agents: &[CHROME],
        uses: &[
            ("signin:ConsoleLogin", 2),
            ("signin:CheckMfa", 1),
            ("athena:StartQueryExecution", 10),
            ("athena:GetQueryExecution", 14),
            ("athena:GetQueryResults", 8),
            ("glue:GetTable", 12),
            ("glue:GetPartitions", 9),
            ("s3:GetBucketLocation", 4),
            ("s3:GetObject", 10),
            ("s3:ListObjects", 5),
        ],
        tries: &["kms:Decrypt", "rds:CreateDBSnapshot"],
        groups: &["analysts"],
        ..NOBODY
    },
    Persona {
        name: "olga.petrova",
        groups: &["developers"],
        managed: &["AmazonS3ReadOnlyAccess"],
        ..NOBODY
    },
    Persona {
        name: "ci-deploy",
        kind: Kind::AccessKey,
        weight: 60,
        agents: &["aws-cli/1.42.55 md/Botocore#1.40.55 ua/2.1 os/linux#6.11.0-1018-azure md/arch#x86_64 lang/python#3.12.3 md/pyimpl#CPython m/N cfg/retry-mode#legacy botocore/1.40.55"],
        uses: &[
            ("ecr:GetAuthorizationToken", 8),
            ("ecr:PutImage", 6),
            ("ecr:BatchGetImage", 5),
            ("ecs:RegisterTaskDefinition", 4),
            ("ecs:UpdateService", 4),
            ("ecs:DescribeServices", 14),
            ("lambda:UpdateFunctionCode20150331v2", 4),
            ("lambda:GetFunction20150331v2", 6),
            ("cloudfront:CreateInvalidation", 2),
            ("s3:PutObject", 8),
            ("cloudformation:CreateChangeSet", 3),
            ("cloudformation:ExecuteChangeSet", 3),
            ("cloudformation:DescribeStacks", 12),
        ],
        managed: &["ci-deploy"],
        ..NOBODY
    },
    Persona {
        name: "ci-terraform",
        kind: Kind::AccessKey,
        weight: 45,
        agents: &[TERRAFORM],
        uses: &[
            ("sts:GetCallerIdentity", 4),
            ("iam:GetRole", 12),
            ("iam:ListAttachedRolePolicies", 8),
            ("iam:PutRolePolicy", 2),
            ("iam:TagRole", 2),
            ("ec2:DescribeSecurityGroups", 9),
            ("ec2:DescribeNetworkInterfaces", 5),
            ("ec2:AuthorizeSecurityGroupIngress", 2),
            ("ec2:CreateTags", 3),
            ("s3:GetBucketAcl", 7),
            ("s3:GetBucketPolicyStatus", 7),
            ("s3:PutBucketTagging", 2),
            ("monitoring:PutMetricAlarm", 2),
            ("route53:ChangeResourceRecordSets", 2),
            ("route53:ListHostedZones", 4),
            ("kms:DescribeKey", 6),
            ("dynamodb:DescribeTable", 6),
            ("ssm:PutParameter", 2),
            ("ssm:GetParameter", 6),
        ],
        tries: &["organizations:ListAccounts"],
        managed: &["terraform"],
        ..NOBODY
    },
    // Its key is planted: used at first, silent for months, then used again.
    Persona {
        name: "backup-legacy",
        agents: &["aws-cli/1.18.69 Python/3.8.10 Linux/5.4.0-216-generic botocore/1.16.19"],
        managed: &["backup"],
        ..NOBODY
    },
    Persona {
        name: "contractor.k",
        managed: &["billing-read"],
        ..NOBODY
    },
    Persona {
        name: "AWSReservedSSO_AdministratorAccess_5f2c1d7e9a3b4c60",
        kind: Kind::Sso,
        rhythm: Rhythm::Office,
        sessions: &["zoe.nunez@example.com", "henrik.lund@example.com"],
        weight: 16,
        agents: &[CHROME, CLI],
        uses: BROWSES,
        managed: &["AdministratorAccess"],
        ..NOBODY
    },
    Persona {
        name: "AWSReservedSSO_ReadOnly_81d0c3b2a4f5e697",
        kind: Kind::Sso,
        rhythm: Rhythm::Office,
        sessions: &["sofia.rossi@example.com", "wei.chen@example.com", "amara.okafor@example.com"],
        weight: 18,
        agents: &[FIREFOX, CHROME],
        uses: BROWSES,
        tries: &["ec2:StopInstances", "secretsmanager:GetSecretValue", "ssm:PutParameter", "sts:AssumeRole"],
        managed: &["read-most"],
        ..NOBODY
    },
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
    Persona {
        name: "old-migration",
        sessions: &["migration"],
        managed: &["AdministratorAccess"],
        ..NOBODY
    },
    Persona {
        name: "data-lake-reader",
        sessions: &["reader"],
        managed: &["AmazonS3ReadOnlyAccess"],
        ..NOBODY
    },
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
    Persona {
        name: "ec2",
        kind: Kind::Notice,
        weight: 3,
        uses: &[("ec2:SharedSnapshotVolumeCreated", 1)],
        ..NOBODY
    },
    Persona {
        name: "AWS Internal",
        kind: Kind::Notice,
        weight: 2,
        uses: &[("kms:RotateKey", 1)],
        ..NOBODY
    },
];

/// Personas that live in an account, with their places in the table.
pub(super) fn living_in(platform: bool) -> impl Iterator<Item = (usize, &'static Persona)> {
    PERSONAS
        .iter()
        .enumerate()
        .filter(move |(_, persona)| platform || persona.place == Place::Everywhere)
}

impl Persona {
    /// Path of its ARN.
    pub(super) fn path(&self) -> String {
        match self.kind {
            Kind::Sso => "/aws-reserved/sso.amazonaws.com/".to_owned(),
            Kind::Linked => format!("/aws-service-role/{}/", self.agents.first().unwrap_or(&"")),
            _ => "/".to_owned(),
        }
    }

    /// Whether it is a user rather than a role.
    pub(super) fn is_user(&self) -> bool {
        match self.kind {
            Kind::Console | Kind::AccessKey => true,
            Kind::Dormant => self.sessions.is_empty(),
            _ => false,
        }
    }

    /// Whether it stands in IAM at all.
    pub(super) fn is_principal(&self) -> bool {
        !matches!(self.kind, Kind::Service | Kind::Notice)
    }
}
