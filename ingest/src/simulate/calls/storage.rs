//! Where data lies: S3, DynamoDB, RDS, Athena and Glue.

use super::{Call, read, write};

/// What S3 adds to every record.
const S3_READ: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"<base64>==","bytesTransferredOut":<bytes>}"#;
const S3_WRITE: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":<bytes>,"SSEApplied":"SSE_KMS","AuthenticationMethod":"AuthHeader","x-amz-id-2":"<base64>==","bytesTransferredOut":0}"#;
const BUCKET: &str = r#"[{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const OBJECT: &str = r#"[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::<bucket>/<object>"},{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const OBJECTS: &str = r#"[{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::<bucket>/orders/"},{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const TABLE: &str = r#"[{"accountId":"<account>","type":"AWS::DynamoDB::Table","ARN":"arn:aws:dynamodb:<region>:<account>:table/<table>"}]"#;

pub(super) const CALLS: &[Call] = &[
    read("s3", "ListBuckets", "s3:ListAllMyBuckets")
        .request(r#"{"Host":"s3.<region>.amazonaws.com"}"#)
        .additional(S3_READ),
    read("s3", "GetBucketLocation", "s3:GetBucketLocation")
        .request(r#"{"bucketName":"<bucket>","Host":"s3.<region>.amazonaws.com","location":""}"#)
        .additional(S3_READ)
        .resources(BUCKET)
        .target("arn:aws:s3:::<bucket>")
        .failure("NoSuchBucket", "The specified bucket does not exist"),
    read("s3", "GetBucketAcl", "s3:GetBucketAcl")
        .request(r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","acl":""}"#)
        .additional(S3_READ)
        .resources(BUCKET)
        .target("arn:aws:s3:::<bucket>"),
    read("s3", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus")
        .request(r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","policyStatus":""}"#)
        .additional(S3_READ)
        .resources(BUCKET)
        .target("arn:aws:s3:::<bucket>")
        .failure("NoSuchBucketPolicy", "The bucket policy does not exist"),
    write("s3", "PutBucketTagging", "s3:PutBucketTagging")
        .request(r#"{"tagging":"","bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","Tagging":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","TagSet":{"Tag":[{"Key":"Owner","Value":"Zoë"},{"Key":"Service","Value":"<service>"}]}}}"#)
        .additional(S3_WRITE)
        .resources(BUCKET)
        .target("arn:aws:s3:::<bucket>"),
    read("s3", "GetObject", "s3:GetObject")
        .data()
        .request(r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<object>"}"#)
        .additional(S3_READ)
        .resources(OBJECT)
        .target("arn:aws:s3:::<bucket>/<object>")
        .failure("NoSuchKey", "The specified key does not exist."),
    read("s3", "HeadObject", "s3:GetObject")
        .data()
        .request(r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<object>"}"#)
        .additional(S3_READ)
        .resources(OBJECT)
        .target("arn:aws:s3:::<bucket>/<object>")
        .failure("NoSuchKey", "The specified key does not exist."),
    read("s3", "ListObjects", "s3:ListBucket")
        .data()
        .request(r#"{"list-type":"2","bucketName":"<bucket>","encoding-type":"url","prefix":"orders/","delimiter":"/","Host":"<bucket>.s3.<region>.amazonaws.com"}"#)
        .additional(S3_READ)
        .resources(OBJECTS)
        .target("arn:aws:s3:::<bucket>"),
    write("s3", "PutObject", "s3:PutObject")
        .data()
        .request(r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<object>","x-amz-server-side-encryption":"aws:kms"}"#)
        .response(r#"{"x-amz-server-side-encryption":"aws:kms","x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:<region>:<account>:key/<key>","x-amz-server-side-encryption-bucket-key-enabled":"true"}"#)
        .additional(S3_WRITE)
        .resources(OBJECT)
        .target("arn:aws:s3:::<bucket>/<object>"),
    write("s3", "DeleteObject", "s3:DeleteObject")
        .data()
        .request(r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<object>"}"#)
        .additional(S3_READ)
        .resources(OBJECT)
        .target("arn:aws:s3:::<bucket>/<object>"),
    read("dynamodb", "DescribeTable", "dynamodb:DescribeTable")
        .request(r#"{"tableName":"<table>"}"#)
        .resources(TABLE)
        .api_version("2012-08-10")
        .target("arn:aws:dynamodb:<region>:<account>:table/<table>")
        .failure("ResourceNotFoundException", "Requested resource not found: Table: <table> not found"),
    read("dynamodb", "GetItem", "dynamodb:GetItem")
        .data()
        .request(r#"{"tableName":"<table>","key":{"pk":"HIDDEN_DUE_TO_SECURITY_REASONS"},"consistentRead":false,"returnConsumedCapacity":"TOTAL"}"#)
        .resources(TABLE)
        .api_version("2012-08-10")
        .target("arn:aws:dynamodb:<region>:<account>:table/<table>")
        .failure("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded."),
    read("dynamodb", "Query", "dynamodb:Query")
        .data()
        .request(r##"{"tableName":"<table>","indexName":"by-customer","keyConditionExpression":"#pk = :pk","limit":25,"scanIndexForward":false}"##)
        .resources(TABLE)
        .api_version("2012-08-10")
        .target("arn:aws:dynamodb:<region>:<account>:table/<table>/index/by-customer"),
    write("dynamodb", "PutItem", "dynamodb:PutItem")
        .data()
        .request(r#"{"tableName":"<table>","key":{"pk":"HIDDEN_DUE_TO_SECURITY_REASONS"},"items":["pk","customer","total","currency","note"]}"#)
        .resources(TABLE)
        .api_version("2012-08-10")
        .target("arn:aws:dynamodb:<region>:<account>:table/<table>")
        .failure("ConditionalCheckFailedException", "The conditional request failed"),
    read("rds", "DescribeDBInstances", "rds:DescribeDBInstances")
        .request(r#"{"dBInstanceIdentifier":"<database>"}"#)
        .target("arn:aws:rds:<region>:<account>:db:<database>")
        .failure("DBInstanceNotFound", "DBInstance <database> not found."),
    write("rds", "CreateDBSnapshot", "rds:CreateDBSnapshot")
        .request(r#"{"dBSnapshotIdentifier":"nightly-<hex16>","dBInstanceIdentifier":"<database>"}"#)
        .response(r#"{"dBSnapshotIdentifier":"nightly-<hex16>","dBInstanceIdentifier":"<database>","engine":"postgres","allocatedStorage":200,"status":"creating","port":5432,"availabilityZone":"<region><zone>","vpcId":"vpc-0<hex16b>","masterUsername":"HIDDEN_DUE_TO_SECURITY_REASONS","engineVersion":"16.9","licenseModel":"postgresql-license","snapshotType":"manual","encrypted":true,"kmsKeyId":"arn:aws:kms:<region>:<account>:key/<key>","dBSnapshotArn":"arn:aws:rds:<region>:<account>:snapshot:nightly-<hex16>"}"#)
        .target("arn:aws:rds:<region>:<account>:db:<database>"),
    write("athena", "StartQueryExecution", "athena:StartQueryExecution")
        .request(r#"{"queryString":"HIDDEN_DUE_TO_SECURITY_REASONS","clientRequestToken":"<uuid>","queryExecutionContext":{"database":"shop","catalog":"AwsDataCatalog"},"resultConfiguration":{"outputLocation":"s3://acme-athena-results/"},"workGroup":"analysts"}"#)
        .response(r#"{"queryExecutionId":"<uuid2>"}"#)
        .target("arn:aws:athena:<region>:<account>:workgroup/analysts")
        .failure("TooManyRequestsException", "You have exceeded the limit for the number of queries you can run concurrently."),
    read("athena", "GetQueryExecution", "athena:GetQueryExecution")
        .request(r#"{"queryExecutionId":"<uuid>"}"#)
        .target("arn:aws:athena:<region>:<account>:workgroup/analysts"),
    read("athena", "GetQueryResults", "athena:GetQueryResults")
        .request(r#"{"queryExecutionId":"<uuid>","maxResults":1000}"#)
        .target("arn:aws:athena:<region>:<account>:workgroup/analysts"),
    read("glue", "GetTable", "glue:GetTable")
        .request(r#"{"catalogId":"<account>","databaseName":"shop","name":"<gluetable>"}"#)
        .target("arn:aws:glue:<region>:<account>:table/shop/<gluetable>")
        .failure("EntityNotFoundException", "Table <gluetable> not found."),
    read("glue", "GetPartitions", "glue:GetPartitions")
        .request(r#"{"catalogId":"<account>","databaseName":"shop","tableName":"<gluetable>","expression":"dt >= '2026-10-01'","maxResults":500}"#)
        .target("arn:aws:glue:<region>:<account>:table/shop/<gluetable>"),
];
