//! The table: what calls ask for besides, because of which parameter. Sources stand above each group of rows.

use super::{Besides, Says};

const ASSUMING: &[&str] = &["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];
const WRITING: &[&str] = &["s3:PutObject"];
const BUCKET: &[&str] = &["s3:CreateBucket"];
const GROUPS: &[&str] = &["autoscaling:CreateAutoScalingGroup", "autoscaling:UpdateAutoScalingGroup"];
const RESTORING: &[&str] = &["dynamodb:RestoreTableFromBackup", "dynamodb:RestoreTableToPointInTime"];
const RESTORED: &[&str] = &["arn:{p}:dynamodb:{r}:{a}:table/{targetTableName}"];

const REPLICATED: &[&str] = &["arn:{p}:dynamodb:*:{a}:table/{tableName}"];
const DISTRIBUTING: &[&str] = &["cloudfront:CreateDistribution", "cloudfront:UpdateDistribution"];
const EDGE_DEFAULT: &str = "distributionConfig.defaultCacheBehavior.lambdaFunctionAssociations.items";
const EDGE_OTHERS: &str = "distributionConfig.cacheBehaviors.items.lambdaFunctionAssociations.items";
const EDGE: &[&str] = &["arn:{p}:lambda:us-east-1:{a}:function:*"];
const PROTECTING: &[&str] = &["wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"];

const fn protecting(service: &'static str, of: &'static [&'static str], needs: &'static str) -> Besides {
    Besides { of, when: "resourceArn", says: Says::Holds(service), needs, on: &["{resourceArn}"] }
}

const fn row(
    of: &'static [&'static str],
    when: &'static str,
    needs: &'static str,
    on: &'static [&'static str],
) -> Besides {
    Besides { of, when, says: Says::Something, needs, on }
}

/// The rows.
pub(super) const BESIDES: &[Besides] = &[
    // "Pass session tags in AWS STS", "Monitor and control actions taken with assumed roles" in the IAM user guide.
    row(ASSUMING, "tags", "sts:TagSession", &[]),
    row(ASSUMING, "principalTags", "sts:TagSession", &[]),
    row(ASSUMING, "transitiveTagKeys", "sts:TagSession", &[]),
    row(ASSUMING, "sourceIdentity", "sts:SetSourceIdentity", &[]),
    row(ASSUMING, "providedContexts", "sts:SetContext", &[]),
    // Permissions sections of `PutObject`, `CopyObject`, `CreateMultipartUpload` and `DeleteObject` in the S3 API reference.
    row(WRITING, "x-amz-acl", "s3:PutObjectAcl", &[]),
    row(WRITING, "x-amz-grant-*", "s3:PutObjectAcl", &[]),
    row(WRITING, "x-amz-object-lock-mode", "s3:PutObjectRetention", &[]),
    row(WRITING, "x-amz-object-lock-retain-until-date", "s3:PutObjectRetention", &[]),
    row(WRITING, "x-amz-object-lock-legal-hold*", "s3:PutObjectLegalHold", &[]),
    row(
        &["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectRetention"],
        "x-amz-bypass-governance-retention",
        "s3:BypassGovernanceRetention",
        &[],
    ),
    // `CreateBucket`: "if you set the ACL to private … only the s3:CreateBucket permission is required".
    Besides { says: Says::But("private"), ..row(BUCKET, "x-amz-acl", "s3:PutBucketAcl", &[]) },
    row(BUCKET, "x-amz-grant-*", "s3:PutBucketAcl", &[]),
    row(BUCKET, "x-amz-object-ownership", "s3:PutBucketOwnershipControls", &[]),
    row(BUCKET, "x-amz-bucket-object-lock-enabled", "s3:PutBucketObjectLockConfiguration", &[]),
    row(BUCKET, "x-amz-bucket-object-lock-enabled", "s3:PutBucketVersioning", &[]),
    // "Granting users access to a Lambda layer", "Deploying Lambda functions as .zip file archives" in the Lambda developer guide.
    row(
        &["lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"],
        "layers",
        "lambda:GetLayerVersion",
        &["{layers}"],
    ),
    row(&["lambda:CreateFunction"], "code.s3Key", "s3:GetObject", &["arn:{p}:s3:::{code.s3Bucket}/{code.s3Key}"]),
    row(&["lambda:UpdateFunctionCode"], "s3Key", "s3:GetObject", &["arn:{p}:s3:::{s3Bucket}/{s3Key}"]),
    row(
        &["lambda:PublishLayerVersion"],
        "content.s3Key",
        "s3:GetObject",
        &["arn:{p}:s3:::{content.s3Bucket}/{content.s3Key}"],
    ),
    row(
        &["lambda:CreateFunction"],
        "code.s3ObjectVersion",
        "s3:GetObjectVersion",
        &["arn:{p}:s3:::{code.s3Bucket}/{code.s3Key}"],
    ),
    row(&["lambda:UpdateFunctionCode"], "s3ObjectVersion", "s3:GetObjectVersion", &["arn:{p}:s3:::{s3Bucket}/{s3Key}"]),
    row(
        &["lambda:PublishLayerVersion"],
        "content.s3ObjectVersion",
        "s3:GetObjectVersion",
        &["arn:{p}:s3:::{content.s3Bucket}/{content.s3Key}"],
    ),
    row(
        &["lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"],
        "capacityProviderConfig",
        "lambda:PassCapacityProvider",
        &["{capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig.capacityProviderArn}"],
    ),
    // `CreateStateMachine`, `UpdateStateMachine` and `TestState` in the Step Functions API reference.
    row(
        &["states:CreateStateMachine", "states:UpdateStateMachine"],
        "publish",
        "states:PublishStateMachineVersion",
        &[],
    ),
    row(&["states:TestState"], "revealSecrets", "states:RevealSecrets", &[]),
    // `GetLogEvents`, `FilterLogEvents` in the CloudWatch Logs API reference.
    row(&["logs:GetLogEvents", "logs:FilterLogEvents", "logs:GetLogRecord"], "unmask", "logs:Unmask", &[]),
    // "IAM role for publishing flow logs to Amazon S3" in the VPC user guide.
    Besides {
        says: Says::One(&["s3", "kinesis-data-firehose"]),
        ..row(&["ec2:CreateFlowLogs"], "CreateFlowLogsRequest.LogDestinationType", "logs:CreateLogDelivery", &[])
    },
    // `GetClusterCredentials` in the Redshift API reference.
    row(
        &["redshift:GetClusterCredentials"],
        "autoCreate",
        "redshift:CreateClusterUser",
        &["arn:{p}:redshift:{r}:{a}:dbuser:{clusterIdentifier}/{dbUser}"],
    ),
    row(
        &["redshift:GetClusterCredentials"],
        "dbGroups",
        "redshift:JoinGroup",
        &["arn:{p}:redshift:{r}:{a}:dbgroup:{clusterIdentifier}/{dbGroups}"],
    ),
    // `CreateSecret` and `RotateSecret` in the Secrets Manager API reference.
    row(&["secretsmanager:CreateSecret"], "addReplicaRegions", "secretsmanager:ReplicateSecretToRegions", &[]),
    row(&["secretsmanager:RotateSecret"], "rotationLambdaARN", "lambda:InvokeFunction", &["{rotationLambdaARN}"]),
    // "Control Amazon EC2 launch template usage in Auto Scaling groups": a group with one is asked for what it would launch.
    row(GROUPS, "launchTemplate", "ec2:RunInstances", &["*"]),
    row(GROUPS, "mixedInstancesPolicy", "ec2:RunInstances", &["*"]),
    // A restored table is written by whoever restores it: "IAM permissions for DynamoDB backup and restore".
    row(RESTORING, "", "dynamodb:BatchWriteItem", RESTORED),
    row(RESTORING, "", "dynamodb:DeleteItem", RESTORED),
    row(RESTORING, "", "dynamodb:GetItem", RESTORED),
    row(RESTORING, "", "dynamodb:PutItem", RESTORED),
    row(RESTORING, "", "dynamodb:Query", RESTORED),
    row(RESTORING, "", "dynamodb:Scan", RESTORED),
    row(RESTORING, "", "dynamodb:UpdateItem", RESTORED),
    // A last snapshot of what is deleted or stopped.
    row(
        &["rds:DeleteDBInstance"],
        "finalDBSnapshotIdentifier",
        "rds:CreateDBSnapshot",
        &["arn:{p}:rds:{r}:{a}:db:{dBInstanceIdentifier}", "arn:{p}:rds:{r}:{a}:snapshot:{finalDBSnapshotIdentifier}"],
    ),
    row(
        &["rds:StopDBInstance"],
        "dBSnapshotIdentifier",
        "rds:CreateDBSnapshot",
        &["arn:{p}:rds:{r}:{a}:db:{dBInstanceIdentifier}", "arn:{p}:rds:{r}:{a}:snapshot:{dBSnapshotIdentifier}"],
    ),
    row(
        &["rds:DeleteDBCluster"],
        "finalDBSnapshotIdentifier",
        "rds:CreateDBClusterSnapshot",
        &[
            "arn:{p}:rds:{r}:{a}:cluster:{dBClusterIdentifier}",
            "arn:{p}:rds:{r}:{a}:cluster-snapshot:{finalDBSnapshotIdentifier}",
        ],
    ),
    // "Actions … for API Gateway Management": a policy comes with what it is for.
    row(
        &["apigateway:POST"],
        "createRestApiInput.policy",
        "apigateway:UpdateRestApiPolicy",
        &["arn:{p}:apigateway:{r}::/restapis"],
    ),
    // "Setting up IAM permissions and roles for Lambda@Edge" in the CloudFront developer guide: functions are in one region.
    row(DISTRIBUTING, EDGE_DEFAULT, "lambda:EnableReplication", EDGE),
    row(DISTRIBUTING, EDGE_OTHERS, "lambda:EnableReplication", EDGE),
    // `AssociateWebACL` and `DisassociateWebACL` in the WAF API reference: the service of what is protected is asked, too.
    protecting(":elasticloadbalancing:", PROTECTING, "elasticloadbalancing:SetWebAcl"),
    protecting(":apigateway:", PROTECTING, "apigateway:SetWebACL"),
    protecting(":appsync:", PROTECTING, "appsync:SetWebACL"),
    protecting(":cognito-idp:", &["wafv2:AssociateWebACL"], "cognito-idp:AssociateWebACL"),
    protecting(":cognito-idp:", &["wafv2:DisassociateWebACL"], "cognito-idp:DisassociateWebACL"),
    // "DynamoDB global tables: identity-based policies": in which region it is asked, the call does not say.
    row(&["dynamodb:UpdateTable"], "replicaUpdates.create", "dynamodb:CreateTableReplica", REPLICATED),
    row(&["dynamodb:UpdateTable"], "replicaUpdates.delete", "dynamodb:DeleteTableReplica", REPLICATED),
    // `CreateComputeEnvironment` in the Batch API reference.
    row(
        &["batch:CreateComputeEnvironment"],
        "computeResources.capacityTags",
        "batch:SetCapacityTags",
        &["arn:{p}:batch:{r}:{a}:compute-environment/{computeEnvironmentName}"],
    ),
];
