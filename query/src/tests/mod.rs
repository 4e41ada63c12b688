//! Tests of the room as a whole: SQL in, rows out, over events in memory.

#![allow(clippy::unwrap_used)]

mod attacks;
mod coded;
mod dialects;
mod forms;
mod functions;
mod lake;
mod limits;
mod published;
mod refusals;
mod slt;
mod sql;
mod syntax;
mod views;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::{Engine, Error, EventStream, Limits};

/// Tables and views of every engine.
const TABLES: [&str; 7] =
    ["aws_cloudtrail_log", "cloudtrail", "cloudtrail_logs", "ecs", "event_data_store", "events", "ocsf"];

/// Seven events: a root login, a role session with MFA and one without, a denied call, a service, a user, and one
/// of the oldest form, without most fields.
const EVENTS: &[&str] = &[
    r#"{"eventVersion":"1.08","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"eventTime":"2023-07-10T11:42:18Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.7","userAgent":"Mozilla/5.0","requestParameters":null,"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"No"},"eventID":"e1","readOnly":false,"eventType":"AwsConsoleSignIn","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}"#,
    r#"{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:alice","arn":"arn:aws:sts::111122223333:assumed-role/Admin/alice","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE1","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/Admin","accountId":"111122223333","userName":"Admin"},"attributes":{"creationDate":"2023-07-10T10:00:00Z","mfaAuthenticated":"true"}}},"eventTime":"2023-07-10T12:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.4","userAgent":"aws-cli/2.0","requestParameters":{"bucketName":"secrets","key":"a/b.txt"},"responseElements":null,"eventID":"e2","readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::secrets/a/b.txt"},{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::secrets"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data"}"#,
    r#"{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:bob","arn":"arn:aws:sts::111122223333:assumed-role/Admin/bob","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE2","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/Admin","accountId":"111122223333","userName":"Admin"},"attributes":{"creationDate":"2023-07-11T08:00:00Z","mfaAuthenticated":"false"}}},"eventTime":"2023-07-11T08:30:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.9","userAgent":"aws-cli/2.0","errorCode":"AccessDenied","errorMessage":"not authorized","requestParameters":{"userName":"eve"},"responseElements":null,"eventID":"e3","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}"#,
    r#"{"eventVersion":"1.08","userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com"},"eventTime":"2023-07-11T23:59:59Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"us-east-1","sourceIPAddress":"ec2.amazonaws.com","userAgent":"ec2.amazonaws.com","requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/App"},"responseElements":null,"eventID":"e4","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"444455556666","eventCategory":"Management"}"#,
    r#"{"eventVersion":"1.05","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::444455556666:user/carol","accountId":"444455556666","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"carol"},"eventTime":"2024-01-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","userAgent":"Boto3/1.2","requestParameters":null,"responseElements":null,"eventID":"e5","eventType":"AwsApiCall","recipientAccountId":"444455556666"}"#,
    r#"{"eventVersion":"1.05","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::444455556666:user/carol","accountId":"444455556666","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"carol"},"eventTime":"2024-01-01T00:00:01Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","userAgent":"Boto3/1.2","errorCode":"AccessDenied","errorMessage":"Access Denied","requestParameters":{"bucketName":"secrets","key":"c.txt"},"responseElements":null,"eventID":"e6","readOnly":true,"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"444455556666"}"#,
    r#"{"eventVersion":"1.0","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::444455556666:user/dave","accountId":"444455556666","userName":"dave"},"eventTime":"2013-11-19T00:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"StartInstances","awsRegion":"us-west-2","sourceIPAddress":"192.0.2.2","userAgent":"ec2-api-tools","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-1"}]}},"responseElements":{"instancesSet":{"items":[]}}}"#,
];

/// The sample as one batch.
pub(crate) fn batch() -> RecordBatch {
    let batch = ingest::columns::batch_from_json(EVENTS).unwrap();
    assert_eq!(batch.num_rows(), EVENTS.len(), "every sample event is an event");
    batch
}

/// An engine over a source, with room for two threads.
pub(crate) fn engine_over(events: impl EventStream + 'static) -> Engine {
    let engine = Engine::new(Limits { partitions: 2, ..Limits::default() }).unwrap();
    engine.register(Arc::new(events)).unwrap();
    engine
}

/// An engine over the sample, twice split, so that dictionaries differ between batches.
pub(crate) fn engine() -> Engine {
    let (first, last) = EVENTS.split_at(3);
    let batches = [first, last].map(|part| ingest::columns::batch_from_json(part).unwrap());
    engine_over(batches.to_vec())
}

/// Rows of an answer as text, cells parted by `|`, NULL as `-`.
pub(crate) fn text(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let mut rows = Vec::new();
    for batch in batches {
        let cells: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let line: Vec<String> = cells.iter().map(|c| c.value(row).to_string()).collect();
            rows.push(line.join("|"));
        }
    }
    rows
}

/// Answers a query over the sample.
#[track_caller]
pub(crate) fn rows(sql: &str) -> Vec<String> {
    match engine().collect_blocking(sql) {
        Ok(batches) => text(&batches),
        Err(error) => panic!("{sql}\n{error}"),
    }
}

/// The error of a query over the sample.
#[track_caller]
pub(crate) fn error(sql: &str) -> Error {
    match engine().collect_blocking(sql) {
        Ok(batches) => panic!("{sql}\nis answered: {:?}", text(&batches)),
        Err(error) => error,
    }
}
