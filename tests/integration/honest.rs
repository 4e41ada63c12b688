//! What `access` and `policy` say of inputs that are missing, cut off, of another account or mistyped: told, with an exit code, and
//! never taken for an answer.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::command::{Run, text, trailhound};

const ROLE: &str = "arn:aws:iam::111122223333:role/app";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,mfa_active,\
    access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active";

/// A folder with logs and grants of one account.
struct Account {
    dir: tempfile::TempDir,
}

impl Account {
    fn new() -> Account {
        let account = Account { dir: tempfile::tempdir().unwrap() };
        let event = |day: u32| {
            json!({"eventVersion": "1.11", "eventTime": format!("2026-03-{day:02}T00:00:00Z"), "eventSource": "sqs.amazonaws.com",
            "eventName": "CreateQueue", "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.1", "eventID": format!("e{day}"),
            "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
            "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/app/s", "accountId": "111122223333",
                "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE, "accountId": "111122223333", "userName": "app"}}}})
            .to_string()
        };
        account.write("events.jsonl", &(1..30).map(event).collect::<Vec<_>>().join("\n"));
        let role = json!({"Arn": ROLE, "RoleName": "app", "CreateDate": "2020-01-01T00:00:00Z",
            "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::111122223333:policy/away"}],
            "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/bound"},
            "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": {"Statement": [
                {"Effect": "Allow", "Action": ["sqs:CreateQueue", "sqs:DeleteQueue"], "Resource": "*"},
                {"Effect": "Deny", "Action": "sqs:PurgeQueue", "Resource": "*"}]}}]});
        let whole = json!({"Arn": "arn:aws:iam::111122223333:role/whole", "RoleName": "whole",
            "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "iam:AttachUserPolicy", "Resource": "*"}}}]});
        let user = json!({"Arn": "arn:aws:iam::111122223333:user/ann", "UserName": "ann", "UserPolicyList": []});
        let page =
            |roles: Value| json!({"UserDetailList": [user], "RoleDetailList": roles, "Policies": []}).to_string();
        account.write("lacking.json", &page(json!([role, whole])));
        account.write("grants.json", &page(json!([whole])));
        account
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> String {
        std::fs::write(self.path(name), content).unwrap();
        text(&self.path(name)).to_owned()
    }

    fn access(&self, args: &[&str]) -> Run {
        trailhound(&[&["access", text(&self.path("events.jsonl"))], args].concat())
    }

    fn simulate(&self, args: &[&str]) -> Run {
        let grants = self.path("lacking.json");
        trailhound(&[&["policy", "simulate", "--grants", text(&grants), "--policy-source-arn", ROLE], args].concat())
    }
}

fn file(path: &Path) -> &str {
    text(path)
}

#[test]
fn policies_that_are_not_there_make_an_answer_unknown() {
    let account = Account::new();
    let run =
        account.simulate(&["--action-names", "sqs:CreateQueue", "s3:GetObject", "sqs:PurgeQueue", "--output", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let results = run.json()["EvaluationResults"].clone();
    let sure: Vec<_> = (0..3).map(|at| results[at]["Confidence"].as_str().unwrap().to_owned()).collect();
    // Whatever else there is, a Deny stays one.
    assert_eq!(sure, ["cannot_know", "cannot_know", "certain"]);
    let missing = json!(["arn:aws:iam::111122223333:policy/away", "arn:aws:iam::111122223333:policy/bound"]);
    assert_eq!(results[0]["MissingPolicies"], missing);
    let table = account.simulate(&["--action-names", "sqs:CreateQueue"]);
    assert!(
        table.stdout.contains("cannot know") && table.stdout.contains("Allowed by the policies that are there"),
        "{}",
        table.stdout
    );
    assert!(table.stderr.contains("policy/away") && table.stderr.contains("without a filter"), "{}", table.stderr);
    let grants = account.path("lacking.json");
    let report = account.access(&["--grants", file(&grants), "--output", "json"]);
    assert_eq!(report.code, 3, "{}", report.stderr);
    assert!(report.stderr.contains("boundary arn:aws:iam::111122223333:policy/bound"), "{}", report.stderr);
    let principals = report.json()["principals"].clone();
    let role = principals.as_array().unwrap().iter().find(|one| one["principal"] == ROLE).unwrap();
    assert_eq!(role["missing_policies"], missing);
    let events = account.path("events.jsonl");
    let generate =
        ["policy", "generate", "--principal", ROLE, "--grants", file(&grants), "--from-current", file(&events)];
    let generated = trailhound(&generate);
    assert_eq!(generated.code, 3, "{}", generated.stderr);
    assert!(generated.stderr.contains("policy/away"), "{}", generated.stderr);
}

#[test]
fn what_was_not_given_this_time_is_not_settled() {
    let account = Account::new();
    let grants = account.path("grants.json");
    let report = account.write(
        "report.csv",
        &format!(
            "{HEADER}\n<root_account>,{ROOT},2020-01-01T00:00:00Z,not_supported,N/A,N/A,false,false,N/A,N/A,false\n"
        ),
    );
    let first = account.access(&["--grants", file(&grants), "--credential-report", &report, "--output", "json"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    let old = account.write("old.json", &first.stdout);
    let run = account.access(&["--grants", file(&grants), "--compare", &old, "--output", "json"]);
    let gone = run.json()["changes"]["gone"].clone();
    let root = gone.as_array().unwrap().iter().find(|one| one["type"] == "root_without_mfa").unwrap();
    assert_eq!(root["because"], "not_looked_at");
    let table = account.access(&["--grants", file(&grants), "--compare", &old]);
    assert!(table.stdout.contains("not looked at this time"), "{}", table.stdout);
    let inputs = run.json()["inputs"].clone();
    assert_eq!(inputs[0], json!({"account": "111122223333", "given": ["events", "grants", "roles"]}));
}

#[test]
fn a_credential_report_that_cannot_be_trusted_is_told() {
    let account = Account::new();
    let grants = account.path("grants.json");
    let row = |user: &str, of: &str| {
        format!(
            "{user},arn:aws:iam::{of}:user/{user},2020-01-01T00:00:00Z,true,N/A,2020-01-01T00:00:00Z,false,false,N/A,N/A,false"
        )
    };
    let whole = row("ann", "111122223333");
    for (name, rows, told, findings) in [
        ("whole", whole.clone(), "", 2),
        ("cut", format!("{whole}\n{}", &row("eve", "111122223333")[..60]), "row 3 has", 2),
        ("other", row("ann", "999999999999"), "1 users of account 999999999999 not counted", 0),
    ] {
        let report = account.write(name, &format!("{HEADER}\n{rows}"));
        let run = account.access(&["--grants", file(&grants), "--credential-report", &report, "--output", "json"]);
        assert_eq!(run.code, if told.is_empty() { 0 } else { 3 }, "{name}: {}", run.stderr);
        assert!(run.stderr.contains(told), "{name}: {}", run.stderr);
        assert_eq!(run.json()["findings"].as_array().unwrap().len(), findings, "{name}: {}", run.stdout);
    }
}

#[test]
fn the_terminal_says_how_sure_a_finding_is_and_of_which_kind_a_risk() {
    let account = Account::new();
    let grants = account.path("grants.json");
    let run = account.access(&["--grants", file(&grants)]);
    let page = account.path("report.html");
    let whole = account.path("lacking.json");
    account.access(&["--grants", file(&whole), "--html", file(&page)]);
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains("What could not be read or is missing") && html.contains("policy/away"));
    assert!(html.contains("What it rests on") && html.contains("credential report"));
    let findings = run.stdout.split("Observations").nth(1).unwrap_or_default();
    assert!(findings.contains("confidence") && findings.contains("certain"), "{}", run.stdout);
    let risks = run.stdout.split("What policies would permit").nth(1).unwrap_or_default();
    assert!(risks.contains("escalation"), "{}", run.stdout);
    let found = account.access(&["--grants", file(&grants), "--output", "json"]).json();
    let all = ["findings", "observations"].map(|name| found[name].as_array().unwrap().clone()).concat();
    assert!(!all.is_empty());
    for one in all {
        for field in ["confidence", "evidence", "next", "severity"] {
            assert!(one[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {one}");
        }
        assert_eq!(one.get("sure"), None);
    }
}

#[test]
fn exclusions_and_questions_that_make_no_sense_are_refused() {
    let account = Account::new();
    for (entry, told) in [
        (json!({"type": "unusd_role", "reason": "x"}), "unusd_role"),
        (json!({"principal": "arn:aws:iam:111122223333:user/ann", "reason": "x"}), "fits no ARN"),
    ] {
        let list = account.write("exclude.json", &json!([entry]).to_string());
        let run = account.access(&["--exclude", &list]);
        assert!(run.code == 2 && run.stderr.contains(told) && run.stderr.contains("[0]"), "{}", run.stderr);
    }
    let list = account.write("exclude.json", &json!([{"principal": "*:role/nobody", "reason": "x"}]).to_string());
    let run = account.access(&["--exclude", &list]);
    assert!(run.code == 0 && run.stderr.contains("accepts no finding"), "{}", run.stderr);
    for (args, told) in [
        (vec!["--action-names", "s3:"], "s3:GetObject"),
        (vec!["--action-names", "foo"], "no action"),
        (vec!["--action-names", "s3:GetObject", "--caller-arn", "ann"], "nobody who could ask"),
        (vec!["--action-names", "s3:GetObject", "--resource-arns", "bucket"], "no ARN"),
        (vec!["--action-names", "s3:GetObject", "--resource-owner", "me"], "twelve digits"),
        (vec!["--action-names", "s3:GetObject", "--context-entries", "aws:SourceIp=home"], "an address such as"),
        (
            vec![
                "--action-names",
                "s3:GetObject",
                "--context-entries",
                "ContextKeyName=a:b,ContextKeyValues=1,ContextKeyType=int",
            ],
            "numericList",
        ),
    ] {
        let run = account.simulate(&args);
        assert!(run.code == 2 && run.stdout.is_empty() && run.stderr.contains(told), "{args:?}: {}", run.stderr);
    }
    let hint = trailhound(&[
        "policy",
        "simulate",
        "--grants",
        file(&account.path("grants.json")),
        "--policy-source-arn",
        "arn:aws:iam::111122223333:role/whole",
        "--action-names",
        "s3:HeadObject",
    ]);
    assert!(hint.code == 0 && hint.stderr.contains("needs s3:GetObject"), "{}", hint.stderr);
}

#[test]
fn flags_that_would_say_nothing_are_refused() {
    let account = Account::new();
    let (grants, events) = (account.path("grants.json"), account.path("events.jsonl"));
    for flag in ["--grants", "--exclude"] {
        let run = account.access(&["--by", "person", flag, file(&grants)]);
        assert!(run.code == 2 && run.stderr.contains(flag), "{flag}: {}", run.stderr);
    }
    for (flags, named) in
        [(["--by", "resource", "--html", "x"], "--html"), (["--by", "person", "--principal", ROLE], "--principal")]
    {
        let run = account.access(&flags);
        assert!(run.code == 2 && run.stderr.contains(named), "{named}: {}", run.stderr);
    }
    for principal in ["app", "arn:aws:s3:::bucket", "arn:aws:sts::111122223333:assumed-role/app/s"] {
        let generate = trailhound(&["policy", "generate", "--principal", principal, file(&events)]);
        assert!(generate.code == 2 && generate.stderr.contains(principal), "{}", generate.stderr);
    }
    let run = trailhound(&["policy", "simulate", "--caller-arn", ROLE, "--action-names", "s3:GetObject"]);
    assert!(run.code == 0 && run.stderr.contains("no policy was given"), "{}", run.stderr);
    let wide: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(account.path("wide.json"), wide).unwrap();
    let run = account.access(&["--grants", file(&account.path("wide.json"))]);
    assert!(run.code == 5 && run.stderr.contains("UTF-16"), "{}", run.stderr);
}

#[test]
fn what_was_reached_is_told_on_every_output() {
    let account = Account::new();
    let refused = json!({"eventVersion": "1.11", "eventTime": "2026-03-30T00:00:00Z", "eventSource": "s3.amazonaws.com",
        "eventName": "GetBucketPolicy", "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.1", "eventID": "refused",
        "eventType": "AwsApiCall", "recipientAccountId": "111122223333", "requestParameters": {"bucketName": "logs"},
        "errorCode": "AccessDenied", "errorMessage": "User: ann is not authorized to perform: s3:GetBucketPolicy on \
            resource: \"arn:aws:s3:::logs\" because no identity-based policy allows the s3:GetBucketPolicy action",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accountId": "111122223333", "userName": "ann"}});
    let events = std::fs::read_to_string(account.path("events.jsonl")).unwrap();
    account.write("events.jsonl", &format!("{events}\n{refused}"));
    let rows: Value = serde_json::from_str(&account.access(&["--by", "resource", "--output", "json"]).stdout).unwrap();
    let row = |of: &dyn Fn(&Value) -> bool| rows.as_array().unwrap().iter().find(|row| of(row)).unwrap().clone();
    let bucket = row(&|row| row["resource"] == "arn:aws:s3:::logs");
    assert_eq!(bucket["denied_by"], json!(["no allow in identity-based policy"]));
    assert_eq!((&bucket["count"], &bucket["denied"], &bucket["last_success"]), (&json!(1), &json!(1), &Value::Null));
    let queue = row(&|row| row["action"] == "sqs:CreateQueue");
    assert_eq!(
        (&queue["count"], &queue["named"], &queue["last_success"]),
        (&json!(29), &json!(false), &json!("2026-03-29T00:00:00Z"))
    );
    let table = account.access(&["--by", "resource"]);
    assert!(table.code == 0 && table.stdout.contains("no allow in identity-based policy"), "{}", table.stdout);
    let csv = account.access(&["--by", "resource", "--principal", ROLE, "--output", "csv"]);
    assert!(
        csv.stdout.starts_with("principal,action,resource,named,") && !csv.stdout.contains("user/ann"),
        "{}",
        csv.stdout
    );
    let nobody = account.access(&["--by", "resource", "--principal", ROOT]);
    assert!(nobody.stderr.contains("no event of"), "{}", nobody.stderr);
}
