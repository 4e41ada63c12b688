//! What a request asks for besides its own action: permissions that AWS checks because of a parameter, and that leave no
//! event of their own. Roles that are passed are [`crate::passed`]'s, tags of what is made [`crate::tagged`]'s.
//!
//! Sources: "Pass session tags in AWS STS", "Monitor and control actions taken with assumed roles" (source identity) in the IAM
//! user guide; the permissions sections of `PutObject`, `CopyObject`, `CreateMultipartUpload` and `CreateBucket` in the S3 API
//! reference.

use serde_json::{Map, Value};

/// Actions, how a parameter begins (in lower case), and what it asks for besides.
const BESIDES: &[(&[&str], &str, &str)] = &[
    (ASSUMING, "tags", "sts:TagSession"),
    (ASSUMING, "principaltags", "sts:TagSession"),
    (ASSUMING, "transitivetagkeys", "sts:TagSession"),
    (ASSUMING, "sourceidentity", "sts:SetSourceIdentity"),
    (WRITING, "x-amz-acl", "s3:PutObjectAcl"),
    (WRITING, "x-amz-grant-", "s3:PutObjectAcl"),
    (WRITING, "x-amz-object-lock-mode", "s3:PutObjectRetention"),
    (WRITING, "x-amz-object-lock-retain-until-date", "s3:PutObjectRetention"),
    (WRITING, "x-amz-object-lock-legal-hold", "s3:PutObjectLegalHold"),
    (&["s3:CreateBucket"], "x-amz-acl", "s3:PutBucketAcl"),
    (&["s3:CreateBucket"], "x-amz-grant-", "s3:PutBucketAcl"),
    (&["s3:CreateBucket"], "x-amz-object-ownership", "s3:PutBucketOwnershipControls"),
    (&["s3:CreateBucket"], "x-amz-bucket-object-lock-enabled", "s3:PutBucketObjectLockConfiguration"),
    (&["s3:CreateBucket"], "x-amz-bucket-object-lock-enabled", "s3:PutBucketVersioning"),
];

const ASSUMING: &[&str] = &["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];
const WRITING: &[&str] = &["s3:PutObject"];

/// The actions that a request needs besides its own, each once, in order.
pub(crate) fn actions(own: &[(String, bool)], request: Option<&str>) -> Vec<&'static str> {
    let is_own = |names: &[&str]| own.iter().any(|(action, _)| names.contains(&action.as_str()));
    if !BESIDES.iter().any(|(names, ..)| is_own(names)) {
        return Vec::new();
    }
    let Some(Ok(members)) = request.map(serde_json::from_str::<Map<String, Value>>) else { return Vec::new() };
    let has = |begin: &str| {
        members.iter().any(|(name, value)| name.to_ascii_lowercase().starts_with(begin) && is_something(value))
    };
    let mut found: Vec<&str> =
        BESIDES.iter().filter(|(names, begin, _)| is_own(names) && has(begin)).map(|(.., besides)| *besides).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::String(text) => !text.is_empty() && text != "false",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_ask_for_more() {
        let of = |action: &str, request: &str| actions(&[(action.to_owned(), true)], Some(request));
        let assume = r#"{"roleArn":"r","roleSessionName":"s","tags":[{"key":"a","value":"b"}],"sourceIdentity":"ann"}"#;
        assert_eq!(of("sts:AssumeRole", assume), ["sts:SetSourceIdentity", "sts:TagSession"]);
        assert!(of("sts:AssumeRole", r#"{"roleArn":"r","tags":[]}"#).is_empty());
        assert_eq!(
            of("s3:PutObject", r#"{"bucketName":"b","x-amz-acl":"bucket-owner-full-control"}"#),
            ["s3:PutObjectAcl"]
        );
        assert_eq!(of("s3:PutObject", r#"{"x-amz-grant-read":"id=1","x-amz-acl":"private"}"#), ["s3:PutObjectAcl"]);
        assert_eq!(of("s3:CreateBucket", r#"{"x-amz-acl":"private"}"#), ["s3:PutBucketAcl"]);
        assert_eq!(
            of("s3:CreateBucket", r#"{"x-amz-bucket-object-lock-enabled":"true"}"#),
            ["s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"]
        );
        assert!(of("s3:GetObject", r#"{"x-amz-acl":"private"}"#).is_empty());
        assert!(of("s3:PutObject", "[1").is_empty() && actions(&[], None).is_empty());
    }
}
