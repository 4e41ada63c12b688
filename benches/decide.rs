//! Decisions a second on one thread: may this principal do this? For a typical role: a handful of managed-size policies,
//! a boundary, two levels of service control policies, conditions on address, tags and variables.
//!
//!     cargo bench -p trailhound-access --bench decide
//!
//! Printed beside the goal; the machine is part of the answer.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use access::policy::caller::Caller;
use access::policy::{ActionName, Context, Document, Guards, Mode, Outcome, Principal, Request};
use serde_json::json;

/// Requests asked in turn: allowed, implicitly and explicitly denied, with and without conditions.
const REQUESTS: &[(&str, &str)] = &[
    ("s3:GetObject", "arn:aws:s3:::app-data/home/app/report.csv"),
    ("s3:PutObject", "arn:aws:s3:::app-data/home/other/report.csv"),
    ("dynamodb:Query", "arn:aws:dynamodb:eu-west-1:111111111111:table/orders/index/by-day"),
    ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111111111111:jobs-dlq"),
    ("ec2:TerminateInstances", "arn:aws:ec2:eu-west-1:111111111111:instance/i-0123456789abcdef0"),
    ("ec2:DescribeInstances", "*"),
    ("iam:PassRole", "arn:aws:iam::111111111111:role/app"),
    ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:111111111111:log-group:/app/x:log-stream:y"),
];

fn document(statements: serde_json::Value) -> Document {
    Document::parse(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap()
}

fn principal() -> Principal {
    let allow = |action: serde_json::Value, resource: serde_json::Value| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let data = document(json!([
        allow(json!(["s3:GetObject", "s3:PutObject", "s3:List*"]), json!(["arn:aws:s3:::app-data", "arn:aws:s3:::app-data/home/${aws:username}/*"])),
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        allow(json!("dynamodb:*"), json!("arn:aws:dynamodb:*:111111111111:table/orders*")),
        allow(json!(["sqs:Send*", "sqs:Receive*"]), json!("arn:aws:sqs:*:*:jobs*")),
    ]));
    let run = document(json!([
        {"Effect": "Allow", "Action": "ec2:*", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}},
        allow(json!(["ec2:Describe*", "logs:*", "cloudwatch:PutMetricData"]), json!("*")),
        {"Effect": "Deny", "NotAction": ["iam:Get*", "sts:*"], "Resource": "*", "Condition": {"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.0.2.0/24"]}}},
    ]));
    let boundary = document(json!([{"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}]));
    let full = document(json!([allow(json!("*"), json!("*"))]));
    let region = document(json!([{"Effect": "Deny", "NotAction": ["iam:*", "s3:*"], "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}}}]));
    Principal::new(Caller::new("arn:aws:sts::111111111111:assumed-role/app/s"), &[("data", &data), ("run", &run)])
        .with_boundary(&[("boundary", &boundary)])
        .with_scp_level(&[("full", &full)])
        .with_scp_level(&[("full", &full), ("region", &region)])
}

fn main() {
    let principal = principal();
    let mut context = Context::default();
    for (key, value) in [
        ("aws:username", "app"),
        ("aws:SourceIp", "10.1.2.3"),
        ("aws:SecureTransport", "true"),
        ("aws:RequestedRegion", "eu-west-1"),
        ("aws:PrincipalTag/team", "blue"),
        ("aws:ResourceTag/team", "blue"),
    ] {
        context.set(key, value);
    }
    let actions: Vec<ActionName> = REQUESTS.iter().map(|(action, _)| ActionName::new(action)).collect();
    let (guards, mode) = (Guards::none(), Mode::Strict);
    let mut best = 0.0_f64;
    let mut allowed = 0_u64;
    for _round in 0..5 {
        let (start, mut count) = (Instant::now(), 0_u64);
        while start.elapsed().as_millis() < 1000 {
            for _ in 0..1000 {
                for (action, (_, resource)) in actions.iter().zip(REQUESTS) {
                    let request =
                        Request { action, resource, resource_account: "111111111111", context: &context, mode: &mode };
                    allowed += u64::from(black_box(principal.decide(&request, &guards)).outcome == Outcome::Allowed);
                    count += 1;
                }
            }
        }
        best = best.max(count as f64 / start.elapsed().as_secs_f64());
    }
    println!(
        "decisions/s on one thread: {best:.0} (goal 1,000,000; {} allowed)",
        if allowed > 0 { "some" } else { "none" }
    );
}
