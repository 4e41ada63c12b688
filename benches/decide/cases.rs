//! The cases of both suites, in the one form that both sides read: that of `policy simulate --cases`.

use std::io::Read;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::Outcome;

/// Cases of `published` where the peer is known to be wrong: `-1 << 32` is -1 in JavaScript, so that its `0.0.0.0/0` holds
/// the address 0.0.0.0 alone. See `access/src/simulate/tests.rs`.
pub(crate) const SHIFTED: &[&str] = &["gen/1/1776", "gen/1/530", "gen/1/2745"];

/// Requests of the role.
const REQUESTS: usize = 4096;

/// What is asked for, with places where it is allowed, denied, bounded, and where nothing speaks of it.
const ACTIONS: &[(&str, &[&str])] = &[
    (
        "s3:GetObject",
        &["arn:aws:s3:::app-data/home/app/report.csv", "arn:aws:s3:::app-data/home/other/x", "arn:aws:s3:::else/x"],
    ),
    ("s3:PutObject", &["arn:aws:s3:::app-data/home/app/a/b/c.parquet", "arn:aws:s3:::app-data"]),
    ("s3:ListBucket", &["arn:aws:s3:::app-data", "arn:aws:s3:::other-data"]),
    (
        "dynamodb:Query",
        &[
            "arn:aws:dynamodb:eu-west-1:111111111111:table/orders/index/by-day",
            "arn:aws:dynamodb:us-east-1:111111111111:table/orders",
            "arn:aws:dynamodb:eu-west-1:111111111111:table/people",
        ],
    ),
    ("sqs:SendMessage", &["arn:aws:sqs:eu-west-1:111111111111:jobs-dlq", "arn:aws:sqs:eu-west-1:111111111111:mail"]),
    ("sqs:DeleteQueue", &["arn:aws:sqs:eu-west-1:111111111111:jobs"]),
    ("ec2:TerminateInstances", &["arn:aws:ec2:eu-west-1:111111111111:instance/i-0123456789abcdef0"]),
    ("ec2:DescribeInstances", &["*"]),
    ("iam:PassRole", &["arn:aws:iam::111111111111:role/app", "arn:aws:iam::111111111111:role/admin"]),
    ("iam:GetRole", &["arn:aws:iam::111111111111:role/app"]),
    ("logs:PutLogEvents", &["arn:aws:logs:eu-west-1:111111111111:log-group:/app/x:log-stream:y"]),
    ("kinesis:PutRecord", &["arn:aws:kinesis:eu-west-1:111111111111:stream/clicks"]),
];

/// Values that the context may have; the empty one leaves the key out.
const CONTEXT: &[(&str, &[&str])] = &[
    ("aws:username", &["app", "other", ""]),
    ("aws:SourceIp", &["10.1.2.3", "192.0.2.7", "203.0.113.9", "2001:db8::1", ""]),
    ("aws:SecureTransport", &["true", "true", "true", "false", ""]),
    ("aws:RequestedRegion", &["eu-west-1", "eu-central-1", "us-east-1", ""]),
    ("aws:PrincipalTag/team", &["blue", "red", ""]),
    ("aws:ResourceTag/team", &["blue", "red", ""]),
    ("aws:CurrentTime", &["2026-03-01T12:00:00Z"]),
    ("aws:UserAgent", &["aws-cli/2.15", "Boto3/1.34"]),
];

/// One role, asked many things.
pub(crate) fn role() -> Vec<Value> {
    let (policies, boundary, scps) = (policies(), boundary(), scps());
    let mut drawn = Draw(0x9E37_79B9_7F4A_7C15);
    let mut cases = Vec::with_capacity(REQUESTS);
    for at in 0..REQUESTS {
        let Some((action, resources)) = drawn.one(ACTIONS) else { continue };
        let Some(resource) = drawn.one(resources) else { continue };
        let mut context = Map::new();
        for (key, values) in CONTEXT {
            if let Some(value) = drawn.one(values).filter(|value| !value.is_empty()) {
                context.insert((*key).to_owned(), json!(value));
            }
        }
        cases.push(json!({"id": format!("role/{at}"), "mode": "Strict", "policies": policies, "boundary": boundary,
            "scps": scps, "rcps": [], "resource_policy": null, "session_policy": null, "endpoint_policies": null,
            "request": {"principal": "arn:aws:sts::111111111111:assumed-role/app/s", "action": action, "resource": resource,
                "resource_account": "111111111111", "context": context, "wildcard_only_action": *resource == "*"}}));
    }
    cases
}

/// The published cases, or `None` where they are not there.
pub(crate) fn published() -> Outcome<Option<Vec<Value>>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/iam/dev/eval_generated.jsonl.gz");
    let Ok(file) = std::fs::File::open(path) else { return Ok(None) };
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text)?;
    Ok(Some(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?))
}

fn document(statements: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn policies() -> Value {
    json!([
        document(&json!([
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:List*"],
                "Resource": ["arn:aws:s3:::app-data", "arn:aws:s3:::app-data/home/${aws:username}/*"]},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "arn:aws:dynamodb:*:111111111111:table/orders*"},
            {"Effect": "Allow", "Action": ["sqs:Send*", "sqs:Receive*"], "Resource": "arn:aws:sqs:*:*:jobs*"},
        ])),
        document(&json!([
            {"Effect": "Allow", "Action": "ec2:*", "Resource": "*",
                "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}},
            {"Effect": "Allow", "Action": ["ec2:Describe*", "logs:*", "cloudwatch:PutMetricData"], "Resource": "*"},
            {"Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::111111111111:role/app"},
            {"Effect": "Deny", "NotAction": ["iam:Get*", "sts:*"], "Resource": "*",
                "Condition": {"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"]}}},
        ])),
    ])
}

fn boundary() -> Value {
    json!([document(&json!([{"Effect": "Allow", "NotAction": ["iam:Pass*", "organizations:*"], "Resource": "*"}]))])
}

fn scps() -> Value {
    let full = document(&json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]));
    let region = document(&json!([{"Effect": "Deny", "NotAction": ["iam:*", "s3:*"], "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}}}]));
    json!([{"target": "root", "policies": [full]}, {"target": "account", "policies": [full, region]}])
}

/// Numbers of xorshift: the same cases every time.
struct Draw(u64);

impl Draw {
    fn one<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let at = (self.0 >> 33) as usize;
        list.get(at.checked_rem(list.len())?)
    }
}
