//! `policy` and the findings of `access`, as users run them.

use std::path::Path;

use serde_json::{Value, json};

use crate::command::{text, trailhound, trailhound_with_input};
use crate::shared;

pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/app";

fn grants(dir: &Path) -> String {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Data", "Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"]},
        {"Sid": "Queues", "Effect": "Allow", "Action": ["sqs:CreateQueue", "sqs:DeleteQueue"], "Resource": "*"}]});
    let page = json!({"UserDetailList": [], "GroupDetailList": [{"GroupName": "empty", "Arn": "arn:aws:iam::111122223333:group/empty"}],
        "RoleDetailList": [{"Arn": ROLE, "RoleName": "app", "RoleId": "AROA1", "CreateDate": "2020-01-01T00:00:00Z",
            "AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"}]},
            "RolePolicyList": [{"PolicyName": "<script>alert(1)</script>", "PolicyDocument": policy}]}], "Policies": []});
    let path = dir.join("grants.json");
    std::fs::write(&path, page.to_string()).unwrap();
    text(&path).to_owned()
}

pub(crate) fn event(id: u32, source: &str, name: &str, day: u32, more: Value) -> String {
    let mut event = json!({"eventVersion": "1.11", "eventTime": format!("2026-01-{day:02}T00:00:00Z"), "eventSource": source,
        "eventName": name, "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.1", "eventID": format!("e{id}"),
        "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/app/s", "accountId": "111122223333",
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE, "accountId": "111122223333", "userName": "app"}}}});
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    event.to_string()
}

/// A role that reads one object, makes a queue, and is refused a user.
fn logs(dir: &Path) -> String {
    let get =
        json!({"resources": [{"ARN": "arn:aws:s3:::data/k"}, {"ARN": "arn:aws:s3:::data"}], "managementEvent": false});
    let lines = [
        event(1, "s3.amazonaws.com", "GetObject", 1, get.clone()),
        event(2, "s3.amazonaws.com", "GetObject", 2, get),
        event(3, "sqs.amazonaws.com", "CreateQueue", 3, json!({"requestParameters": {"queueName": "jobs"}})),
        event(4, "iam.amazonaws.com", "CreateUser", 4, json!({"errorCode": "AccessDenied"})),
    ];
    let path = dir.join("events.jsonl");
    std::fs::write(&path, lines.join("\n")).unwrap();
    text(&path).to_owned()
}

#[test]
fn cases_are_answered_one_line_each() {
    let case = json!({"id": 1, "policies": [{"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*"}}],
        "request": {"principal": ROLE, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "resource_account": "111122223333"}});
    let run = trailhound_with_input(&["policy", "simulate", "--cases", "-"], format!("{case}\n\nno json\n").as_bytes());
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((run.code, lines.len()), (3, 2), "{}", run.stderr);
    assert_eq!(
        (&lines[0]["id"], &lines[0]["result"], &lines[0]["blocked_by"]),
        (&json!(1), &json!("Allowed"), &json!([]))
    );
    assert_eq!(lines[0]["statement"], json!({"layer": "identity", "policy": "policies[0]", "index": 0, "sid": null}));
    assert!(lines[1]["error"].as_str().unwrap().contains("line 2"), "{}", lines[1]);
}

#[test]
fn published_cases_through_the_command() {
    let Some(folder) = shared::data("iam/dev") else { return };
    let run = trailhound(&["policy", "simulate", "--cases", text(&folder.join("eval_arsenal.jsonl"))]);
    assert_eq!((run.code, run.stdout.lines().count()), (0, 70), "{}", run.stderr);
}

#[test]
fn a_principal_of_the_grants_is_simulated_in_aws_own_shape() {
    let dir = tempfile::tempdir().unwrap();
    let grants = grants(dir.path());
    let run = trailhound(&[
        "policy",
        "simulate",
        "--grants",
        &grants,
        "--policy-source-arn",
        ROLE,
        "--action-names",
        "s3:GetObject",
        "ec2:RunInstances",
        "--resource-arns",
        "arn:aws:s3:::data/k",
        "--output",
        "json",
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let results = run.json()["EvaluationResults"].clone();
    assert_eq!((&results[0]["EvalDecision"], &results[1]["EvalDecision"]), (&json!("allowed"), &json!("implicitDeny")));
    assert_eq!(results[0]["MatchedStatements"][0]["Sid"], "Data");
    let table = trailhound(&[
        "policy",
        "simulate",
        "--grants",
        &grants,
        "--policy-source-arn",
        ROLE,
        "--action-names",
        "s3:GetObject",
    ]);
    assert!(
        table.stdout.contains("ImplicitlyDenied") && table.stdout.contains("no policy allows it"),
        "{}",
        table.stdout
    );
    let stranger = trailhound(&[
        "policy",
        "simulate",
        "--grants",
        &grants,
        "--policy-source-arn",
        "arn:aws:iam::444455556666:user/x",
        "--action-names",
        "a:b",
    ]);
    assert_eq!(stranger.code, 2);
    assert!(stranger.stderr.contains("not in the grants"), "{}", stranger.stderr);
}

#[test]
fn a_generated_policy_holds_what_was_used_and_replays_clean() {
    let dir = tempfile::tempdir().unwrap();
    let logs = logs(dir.path());
    let run = trailhound(&["policy", "generate", "--principal", ROLE, &logs]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let policy = run.json();
    let expected = json!([
        {"Sid": "S3", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::data/k"]},
        {"Sid": "Sqs", "Effect": "Allow", "Action": ["sqs:CreateQueue"], "Resource": ["arn:aws:sqs:us-east-1:111122223333:jobs"]}]);
    assert_eq!(policy["Statement"], expected);
    assert!(run.stderr.contains("iam:CreateUser"), "{}", run.stderr);
    let path = dir.path().join("proposed.json");
    std::fs::write(&path, &run.stdout).unwrap();
    let replay = trailhound(&[
        "policy",
        "replay",
        "--policy",
        text(&path),
        "--principal",
        ROLE,
        "--output",
        "json",
        "--fail-on-denied",
        &logs,
    ]);
    assert_eq!(
        (replay.code, &replay.json()["calls"], &replay.json()["allowed"]),
        (0, &json!(3), &json!(3)),
        "{}",
        replay.stderr
    );
    let narrow =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
    std::fs::write(&path, narrow.to_string()).unwrap();
    let replay =
        trailhound(&["policy", "replay", "--policy", text(&path), "--principal", ROLE, "--fail-on-denied", &logs]);
    assert_eq!(replay.code, 1, "{}", replay.stderr);
    assert!(
        replay.stdout.contains("Would have denied 1 of 3 calls") && replay.stdout.contains("sqs:CreateQueue"),
        "{}",
        replay.stdout
    );
    let terraform = trailhound(&["policy", "generate", "--principal", ROLE, "--form", "terraform", &logs]);
    assert!(terraform.stdout.contains("resource \"aws_iam_policy\" \"app_used\""), "{}", terraform.stdout);
}

#[test]
fn todays_policies_made_smaller_are_replayed_as_a_set() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, grants) = (logs(dir.path()), grants(dir.path()));
    let run = trailhound(&["policy", "generate", "--principal", ROLE, "--grants", &grants, "--from-current", &logs]);
    let set: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(
        set.as_array().is_some_and(|set| !set.is_empty() && set.iter().all(|one| one["name"].is_string())),
        "{set}"
    );
    let whole = trailhound(&[
        "policy",
        "generate",
        "--principal",
        ROLE,
        "--grants",
        &grants,
        "--from-current",
        "--output",
        "json",
        &logs,
    ]);
    let expected = &whole.json()["replay"];
    let path = dir.path().join("set.json");
    for text_of in [&run.stdout, &whole.stdout] {
        std::fs::write(&path, text_of).unwrap();
        let replay =
            trailhound(&["policy", "replay", "--policy", text(&path), "--principal", ROLE, "--output", "json", &logs]);
        for count in ["calls", "questions", "allowed", "denied_calls", "undecided_calls"] {
            assert_eq!(replay.json()[count], expected[count], "{count}: {}", replay.stderr);
        }
    }
    let simulate = trailhound(&[
        "policy",
        "simulate",
        "--policy-input-list",
        text(&path),
        "--caller-arn",
        ROLE,
        "--action-names",
        "s3:GetObject",
        "--resource-arns",
        "arn:aws:s3:::data/k",
    ]);
    assert_eq!(simulate.code, 0, "{}", simulate.stderr);
}

#[test]
fn findings_risks_and_the_page_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let (grants, logs, page) = (grants(dir.path()), logs(dir.path()), dir.path().join("report.html"));
    let run = trailhound(&["access", &logs, "--grants", &grants, "--html", text(&page), "--output", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report = run.json();
    assert_eq!(
        report["risks"][0],
        json!({"type": "external_trust", "principal": ROLE, "what": "444455556666", "actions": []})
    );
    assert_eq!(report["unused_groups"], json!(["arn:aws:iam::111122223333:group/empty"]));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains(ROLE) && page.contains("Content-Security-Policy"));
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert!(!page.contains("http://") && !page.contains("https://"), "the page needs no network");
}

/// An action that is used elsewhere does not make a statement used; what is no policy is named and refused; a launch template is told.
#[test]
fn statements_by_resource_policies_too_long_and_templates_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, value: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, value).unwrap();
        text(&path).to_owned()
    };
    let queue = |sid: &str, name: &str| json!({"Sid": sid, "Effect": "Allow", "Action": "sqs:CreateQueue", "Resource": format!("arn:aws:sqs:us-east-1:111122223333:{name}")});
    let long = json!({"Statement": {"Effect": "Allow", "Action": vec!["*a*"; 300_000], "Resource": "*"}});
    let page = |more: Value| {
        json!({"RoleDetailList": [{"Arn": ROLE, "RoleName": "app", "CreateDate": "2020-01-01T00:00:00Z", "RolePolicyList": [
            {"PolicyName": "queues", "PolicyDocument": {"Version": "2012-10-17", "Statement": [queue("Jobs", "jobs"), queue("Old", "old")]}}, more]}]})
    };
    let none = json!({"PolicyName": "none", "PolicyDocument": {"Statement": []}});
    let good = write("good.json", page(none).to_string());
    let bad = write("bad.json", page(json!({"PolicyName": "huge", "PolicyDocument": long})).to_string());
    let mut lines: Vec<String> = (1..=28)
        .map(|day| {
            event(day, "sqs.amazonaws.com", "CreateQueue", day, json!({"requestParameters": {"queueName": "jobs"}}))
        })
        .collect();
    let template = json!({"requestParameters": {"launchTemplate": {"launchTemplateId": "lt-1", "version": "$Latest"}}});
    lines.push(event(99, "ec2.amazonaws.com", "RunInstances", 28, template));
    let logs = write("events.jsonl", lines.join("\n"));
    let window = ["--window", "25d", "--output", "json"];
    let run = |more: &[&str]| trailhound(&[&["access", &logs], more, &window].concat());
    let idle = |more: &[&str]| run(more).json()["unused_statements"].clone();
    assert_eq!(idle(&["--grants", &good]), json!([]));
    let found = idle(&["--grants", &good, "--resources"]);
    assert_eq!((&found[0]["sid"], &found[0]["why"], &found[1]), (&json!("Old"), &json!("not_used"), &Value::Null));
    assert!(run(&["--resources"]).stderr.contains("--grants"));
    let refused = run(&["--grants", &bad]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("\"huge\"") && refused.stderr.contains("10,240"), "{}", refused.stderr);
    let made = trailhound(&["policy", "generate", "--principal", ROLE, "--output", "json", &logs]);
    assert_eq!(made.json()["launch_templates"], json!(["lt-1 version $Latest"]), "{}", made.stderr);
    assert!(made.stderr.contains("whose roles are in no log"), "{}", made.stderr);
}

/// A report of nothing must not look like a report of nobody doing anything.
#[test]
fn what_the_logs_do_not_speak_of_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (held, empty) = (grants(dir.path()), dir.path().join("empty"));
    std::fs::create_dir(&empty).unwrap();
    let run = trailhound(&["access", text(&empty), "--grants", &held]);
    assert!(run.stderr.contains("no events were read"), "{}", run.stderr);
    let other = event(1, "sqs.amazonaws.com", "CreateQueue", 1, json!({"recipientAccountId": "999999999999"}));
    let logs = dir.path().join("other.jsonl");
    std::fs::write(&logs, other.replace("111122223333", "999999999999")).unwrap();
    let run = trailhound(&["access", text(&logs), "--grants", &held, "--output", "json"]);
    assert!(run.stderr.contains("account 111122223333: granted, but no event of it is in the logs"), "{}", run.stderr);
    assert!(!run.stdout.contains("not_used"), "{}", run.stdout);
    let run = trailhound_with_input(&["policy", "simulate", "--cases", "-"], b"\n");
    assert!(run.stderr.contains("no cases in it"), "{}", run.stderr);
}

/// Rows come in batches of some principals; nothing may be lost or doubled between them.
#[test]
fn rows_of_many_principals_are_all_there() {
    let dir = tempfile::tempdir().unwrap();
    let records = (0..40)
        .map(|at| event(at, "sqs.amazonaws.com", "CreateQueue", 1, json!({})).replace("/app", &format!("/app{at:02}")));
    let logs = dir.path().join("events.jsonl");
    std::fs::write(&logs, records.collect::<Vec<_>>().join("\n")).unwrap();
    let run = trailhound(&["access", text(&logs), "--output", "csv"]);
    let principals: Vec<_> =
        run.stdout.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect();
    let expected: Vec<_> = (0..40).map(|at| format!("{ROLE}{at:02}")).collect();
    assert_eq!(principals, expected, "{}", run.stdout);
}

#[test]
fn findings_of_an_account_are_its_truth() {
    let Some(folder) = shared::data("iam/dev/accounts/acct_11_0") else { return };
    let file = |name: &str| text(&folder.join(name)).to_owned();
    let expected: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let run = trailhound(&[
        "access",
        &file("events.jsonl"),
        "--grants",
        &file("gaad.json"),
        "--scps",
        &file("scps.json"),
        "--credential-report",
        &file("credential_report.csv"),
        "--now",
        expected["now"].as_str().unwrap(),
        "--output",
        "json",
        "--fail-on",
        "medium",
    ]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let found = run.json()["findings"].as_array().unwrap().clone();
    for wanted in expected["findings"].as_array().unwrap() {
        let same = |key: &str, found: &Value| wanted.get(key).is_none_or(|value| found[key] == *value);
        let keys = ["type", "principal", "days", "age_days", "time"];
        assert!(found.iter().any(|found| keys.iter().all(|key| same(key, found))), "{wanted}");
    }
    assert_eq!(found.len(), expected["findings"].as_array().unwrap().len());
}

/// A role's trust policy is in the grants, so it decides; a key's is not, so nothing is known of it.
#[test]
fn a_simulation_asks_the_trust_policy_and_says_which_policy_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let role = |name: &str, trusted: &str| {
        json!({"Arn": format!("arn:aws:iam::111122223333:role/{name}"), "RoleName": name, "RoleId": "AROA1", "CreateDate": "2020-01-01T00:00:00Z",
            "AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}]},
            "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}]})
    };
    let page = json!({"UserDetailList": [], "RoleDetailList": [role("adm", "444455556666"), role("ext", "999999999999"), role("own", "111122223333")], "Policies": []});
    let path = dir.path().join("g.json");
    std::fs::write(&path, page.to_string()).unwrap();
    let ask = |action: &str, resource: &str| {
        let adm = "arn:aws:iam::111122223333:role/adm";
        let run = trailhound(&[
            "policy",
            "simulate",
            "--grants",
            text(&path),
            "--policy-source-arn",
            adm,
            "--action-names",
            action,
            "--resource-arns",
            resource,
            "--output",
            "json",
        ]);
        let result = run.json()["EvaluationResults"][0].clone();
        (result["EvalDecision"].clone(), result["Confidence"].clone(), run.code)
    };
    let of = |decision: &str, confidence: &str, code: i32| (json!(decision), json!(confidence), code);
    assert_eq!(ask("sts:AssumeRole", "arn:aws:iam::111122223333:role/ext"), of("implicitDeny", "certain", 0));
    assert_eq!(ask("sts:AssumeRole", "arn:aws:iam::111122223333:role/own"), of("allowed", "certain", 0));
    assert_eq!(ask("sts:AssumeRole", "arn:aws:iam::444455556666:role/x"), of("implicitDeny", "cannot_know", 3));
    assert_eq!(ask("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/1"), of("implicitDeny", "cannot_know", 3));
}
