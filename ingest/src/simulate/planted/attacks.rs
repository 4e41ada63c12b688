//! Attacks: from a stolen key to a blind trail, an open bucket, a copied role session and a search in the dark.

use super::super::cast::Actor;
use super::super::scribe::Outcome;
use super::super::template::{Scene, filled};
use super::super::{Expect, REGIONS};
use super::{Act, Deed, How, Plot, Stage, as_target};

const THIEF: How<'static> = How {
    outcome: Outcome::Done,
    address: "198.51.100.66",
    agent: "aws-cli/2.27.41 md/awscrt#0.26.1 ua/2.1 os/linux#6.12.25-amd64 md/arch#x86_64 lang/python#3.13.3 md/pyimpl#CPython cfg/retry-mode#standard md/installer#source md/distrib#kali.2025 md/prompt#off",
};

fn text(stage: &Stage<'_>, own: &str, region: usize, time: i64, template: &'static str) -> Option<String> {
    let account = stage.account(stage.target_index)?;
    let region = REGIONS.get(region)?;
    Some(filled(template, &Scene { account, region, time, salt: account.seed, own, session: "" }))
}

fn plot(kind: &'static str, about: &'static str, actor: &Actor, place: (u32, usize), acts: Vec<Act>) -> Plot {
    Plot {
        kind,
        expect: Expect::Alert,
        about,
        account: place.0,
        region: place.1,
        principal: actor.principal.clone(),
        acts,
        before: Vec::new(),
    }
}

/// A developer's key, which has only ever looked at things, makes itself administrator.
pub(super) fn first_sensitive_action(stage: &mut Stage<'_>) -> Option<Plot> {
    as_target(stage, "tomas.svoboda", |stage, actor| {
        let (place, time) = ((stage.target_index, 0), stage.at(760, 1, 33));
        let attach = text(
            stage,
            "tomas.svoboda",
            0,
            time,
            r#"{"userName":"<own>","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#,
        )?;
        let create = r#"{"userName":"tomas.svoboda"}"#;
        let created = text(
            stage,
            "tomas.svoboda",
            0,
            time,
            r#"{"accessKey":{"userName":"<own>","accessKeyId":"AKIA5SECONDKEYOFTS77","status":"Active","createDate":"<ustime>"}}"#,
        )?;
        let deeds = [
            Deed { name: "CreateAccessKey", request: create, response: &created, ..iam() },
            Deed { name: "AttachUserPolicy", request: &attach, ..iam() },
        ];
        let acts =
            (0..).zip(deeds).filter_map(|(nth, deed)| stage.deed(actor, place, time + nth * 95, THIEF, deed)).collect();
        let about = "a user who only ever read creates a key and attaches AdministratorAccess to itself";
        Some(plot("first_sensitive_action", about, actor, place, acts))
    })
}

fn iam() -> Deed<'static> {
    Deed { service: "iam", host: "iam.amazonaws.com", ..Deed::default() }
}

/// Twenty minutes later, the trail is stopped.
pub(super) fn stop_logging(stage: &mut Stage<'_>) -> Option<Plot> {
    as_target(stage, "tomas.svoboda", |stage, actor| {
        let (place, time) = ((stage.target_index, 0), stage.at(760, 1, 55));
        let request = text(
            stage,
            "tomas.svoboda",
            0,
            time,
            r#"{"name":"arn:aws:cloudtrail:us-east-1:<account>:trail/security"}"#,
        )?;
        let deed = Deed {
            service: "cloudtrail",
            name: "StopLogging",
            request: &request,
            host: "cloudtrail.us-east-1.amazonaws.com",
            ..Deed::default()
        };
        let acts = stage.deed(actor, place, time, THIEF, deed).into_iter().collect();
        Some(plot("stop_logging", "a trail of the account is stopped", actor, place, acts))
    })
}

/// An administrator makes an access key for somebody else.
pub(super) fn key_for_other_user(stage: &mut Stage<'_>) -> Option<Plot> {
    as_target(stage, "AWSReservedSSO_AdministratorAccess_5f2c1d7e9a3b4c60", |stage, actor| {
        let (place, time) = ((stage.target_index, 0), stage.at(820, 16, 18));
        let created = text(
            stage,
            "ci-deploy",
            0,
            time,
            r#"{"accessKey":{"userName":"<own>","accessKeyId":"AKIA7KEYFORSOMEONE3Q","status":"Active","createDate":"<ustime>"}}"#,
        )?;
        let deed =
            Deed { name: "CreateAccessKey", request: r#"{"userName":"ci-deploy"}"#, response: &created, ..iam() };
        let acts = stage.deed(actor, place, time, How::USUAL, deed).into_iter().collect();
        let about = "an access key is created for another user";
        Some(plot("access_key_created_for_other_user", about, actor, place, acts))
    })
}

/// A bucket's guard is taken away, then everybody may read it.
pub(super) fn public_bucket(stage: &mut Stage<'_>) -> Option<Plot> {
    as_target(stage, "ci-terraform", |stage, actor| {
        let (place, time) = ((stage.target_index, 1), stage.at(850, 11, 9));
        let own = "ci-terraform";
        let guard = text(
            stage,
            own,
            1,
            time,
            r#"{"publicAccessBlock":"","bucketName":"<bucket>","PublicAccessBlockConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","BlockPublicAcls":false,"IgnorePublicAcls":false,"BlockPublicPolicy":false,"RestrictPublicBuckets":false},"Host":"<bucket>.s3.<region>.amazonaws.com"}"#,
        )?;
        let open = text(
            stage,
            own,
            1,
            time,
            r#"{"bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"PublicRead","Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::<bucket>/*"]}]},"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","policy":""}"#,
        )?;
        let resources = text(
            stage,
            own,
            1,
            time,
            r#"[{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#,
        )?;
        let additional = r#"{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":317,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"9uZx0bYpGqT4cWmEo7LJrYkqXQ3d2vH8nS5aTf6gUiP1oRwKzCbMxVhDeAlNsJt0yQ==","bytesTransferredOut":0}"#;
        let bucket = Deed {
            service: "s3",
            additional,
            resources: &resources,
            host: "s3.eu-west-1.amazonaws.com",
            ..Deed::default()
        };
        let deeds = [
            Deed { name: "PutBucketPublicAccessBlock", request: &guard, ..bucket },
            Deed { name: "PutBucketPolicy", request: &open, ..bucket },
        ];
        let acts = (0..)
            .zip(deeds)
            .filter_map(|(nth, deed)| stage.deed(actor, place, time + nth * 4, How::USUAL, deed))
            .collect();
        let about = "a bucket's public access block is lifted and its policy opened to everybody";
        Some(plot("s3_bucket_made_public", about, actor, place, acts))
    })
}

/// An instance's credentials, used by a machine that is not the instance.
pub(super) fn stolen_role(stage: &mut Stage<'_>) -> Option<Plot> {
    as_target(stage, "web-app-instance", |stage, actor| {
        let place = (stage.target_index, actor.home.unwrap_or(0));
        let time = stage.at(880, 4, 26);
        let calls = [
            "sts:GetCallerIdentity",
            "secretsmanager:ListSecrets",
            "secretsmanager:GetSecretValue",
            "secretsmanager:GetSecretValue",
            "secretsmanager:GetSecretValue",
        ];
        let acts =
            (0..).zip(calls).filter_map(|(nth, name)| stage.call(actor, place, time + nth * 13, name, THIEF)).collect();
        let about = "credentials of an EC2 role read secrets from an address outside";
        Some(plot("get_secret_from_ec2_role_outside", about, actor, place, acts))
    })
}

/// A key tries one door after the other.
pub(super) fn denied_burst(stage: &mut Stage<'_>) -> Option<Plot> {
    as_target(stage, "contractor.k", |stage, actor| {
        let (place, time) = ((stage.target_index, 0), stage.at(930, 23, 2));
        let how = How { outcome: Outcome::Denied, ..THIEF };
        let acts =
            (0..).zip(DOORS).filter_map(|(nth, name)| stage.call(actor, place, time + nth * 8, name, how)).collect();
        let about = "one key is denied by some thirty APIs within four minutes";
        Some(plot("denied_burst", about, actor, place, acts))
    })
}

const DOORS: [&str; 30] = [
    "iam:ListUsers",
    "iam:ListRoles",
    "iam:GetAccountSummary",
    "iam:ListAccessKeys",
    "iam:GetUser",
    "s3:ListBuckets",
    "ec2:DescribeInstances",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVolumes",
    "ec2:RunInstances",
    "lambda:ListFunctions20150331",
    "secretsmanager:ListSecrets",
    "secretsmanager:GetSecretValue",
    "ssm:GetParametersByPath",
    "ssm:GetParameter",
    "rds:DescribeDBInstances",
    "rds:CreateDBSnapshot",
    "dynamodb:DescribeTable",
    "kms:DescribeKey",
    "kms:Decrypt",
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetTrailStatus",
    "cloudformation:DescribeStacks",
    "ecs:DescribeServices",
    "ecr:BatchGetImage",
    "organizations:ListAccounts",
    "logs:DescribeLogGroups",
    "guardduty:ListFindings",
    "route53:ListHostedZones",
    "sns:ListTopics",
];
