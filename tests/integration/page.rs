//! The page of `access --html` in a browser: every column of every table sorts, both ways, and the filter hides.
//!
//! Chromium is wanted at `TRAILHOUND_TEST_CHROMIUM` or `/usr/bin/chromium`; without it the test says loudly that it is skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::command::{text, trailhound};

/// Clicks each head of each table twice, and writes down what the rows are like after each.
const CLICKS: &str = r#"<script>
window.addEventListener("load", () => {
  const told = [];
  for (const table of document.querySelectorAll("table")) {
    const [body, heads] = [table.tBodies[0], [...table.tHead.rows[0].cells]];
    const rows = () => [...body.rows].filter((row) => !row.classList.contains("none"));
    const all = () => rows().map((row) => row.textContent).sort().join("\n");
    const before = all();
    heads.forEach((head, at) => {
      const numeric = head.classList.contains("number");
      for (const way of ["ascending", "descending"]) {
        head.dispatchEvent(new MouseEvent("click", { bubbles: true }));
        const keys = rows().map((row) => row.cells[at].dataset.key ?? row.cells[at].textContent);
        const order = (a, b) => (numeric ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true }));
        const sorted = keys.every((key, n) => n === 0 || (way === "ascending" ? order(keys[n - 1], key) <= 0 : order(keys[n - 1], key) >= 0));
        const marked = head.getAttribute("aria-sort") === way && heads.filter((other) => other.hasAttribute("aria-sort")).length === 1;
        told.push({ head: head.textContent, way, rows: rows().length, different: new Set(keys).size, sorted, whole: all() === before, marked });
      }
    });
  }
  const filter = document.getElementById("filter");
  filter.value = "ROLE-0007";
  filter.dispatchEvent(new Event("input"));
  const shown = [...document.querySelectorAll("tbody tr:not(.none)")].filter((row) => !row.hidden);
  const proof = document.createElement("pre");
  proof.id = "proof";
  proof.textContent = btoa(JSON.stringify({ told, shown: shown.map((row) => row.textContent.includes("role-0007")) }));
  document.body.append(proof);
});
</script>"#;

fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("TRAILHOUND_TEST_CHROMIUM").map_or("/usr/bin/chromium".into(), PathBuf::from);
    let found = named.is_file().then_some(named);
    if found.is_none() {
        eprintln!("SKIPPED: no Chromium (TRAILHOUND_TEST_CHROMIUM, /usr/bin/chromium)");
    }
    found
}

/// An inventory of so many roles, and a log in which some of them do something.
fn account(dir: &Path, roles: usize) -> (PathBuf, PathBuf) {
    let arn = |at: usize| format!("arn:aws:iam::111122223333:role/role-{at:04}");
    let actions = ["s3:*", "sqs:SendMessage", "*", "iam:*", "dynamodb:Get*", "ec2:Describe*"];
    let role = |at: usize| {
        let may = json!({"Effect": "Allow", "Action": [actions[at % 6], actions[at / 6 % 6]], "Resource": "*"});
        json!({"Arn": arn(at), "RoleName": format!("role-{at:04}"), "CreateDate": format!("20{:02}-01-01T00:00:00Z", 10 + at % 15),
            "RolePolicyList": [{"PolicyName": "<b>own</b>", "PolicyDocument": {"Version": "2012-10-17", "Statement": [may]}}]})
    };
    let page = json!({"RoleDetailList": (0..roles).map(role).collect::<Vec<_>>()});
    let event = |at: usize| {
        let day = 1 + at % 27;
        json!({"eventVersion": "1.11", "eventTime": format!("2026-01-{day:02}T00:00:00Z"), "eventSource": "sqs.amazonaws.com",
            "eventName": if at.is_multiple_of(2) { "CreateQueue" } else { "ListQueues" }, "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.1",
            "eventID": format!("e{at}"), "eventType": "AwsApiCall", "recipientAccountId": "111122223333", "userIdentity": {"type": "AssumedRole",
            "arn": format!("arn:aws:sts::111122223333:assumed-role/role-{:04}/<i>s{at}", at % 97), "accountId": "111122223333",
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": arn(at % 97), "accountId": "111122223333"}}}})
    };
    let (grants, log) = (dir.join("grants.json"), dir.join("events.jsonl"));
    std::fs::write(&grants, page.to_string()).unwrap();
    std::fs::write(&log, (0..400).map(|at| event(at).to_string() + "\n").collect::<String>()).unwrap();
    (grants, log)
}

/// What the page's own script made of the clicks.
fn clicked(browser: &Path, dir: &Path, page: &str) -> Value {
    // The policy of the page lets no script in but its own: a strange one needs it gone.
    let from = page.find("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let to = from + page[from..].find('>').unwrap() + 1;
    let file = dir.join("clicked.html");
    std::fs::write(&file, format!("{}{}{CLICKS}", &page[..from], &page[to..])).unwrap();
    let profile = format!("--user-data-dir={}", dir.join("profile").display());
    let ran = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom", &profile])
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&ran.stdout).into_owned();
    let (_, rest) = dom.rsplit_once("<pre id=\"proof\">").expect("the script did not run to its end");
    let proof = rest.split("</pre>").next().unwrap();
    use base64::Engine as _;
    serde_json::from_slice(&base64::engine::general_purpose::STANDARD.decode(proof).unwrap()).unwrap()
}

#[test]
fn a_click_sorts_and_the_filter_hides() {
    let Some(browser) = chromium() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (grants, log) = account(dir.path(), 150);
    let file = dir.path().join("report.html");
    let run = trailhound(&["access", text(&log), "--grants", text(&grants), "--html", text(&file), "-q"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let proof = clicked(&browser, dir.path(), &std::fs::read_to_string(&file).unwrap());
    let told = proof["told"].as_array().unwrap();
    let wrong: Vec<_> =
        told.iter().filter(|one| ["sorted", "whole", "marked"].iter().any(|key| one[*key] != true)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let large = told.iter().filter(|one| one["rows"].as_u64() >= Some(100) && one["different"].as_u64() > Some(1));
    assert!(large.count() >= 10, "few columns of many rows were sorted: {told:?}");
    let shown = proof["shown"].as_array().unwrap();
    assert!((1..10).contains(&shown.len()) && shown.iter().all(|row| row == true), "{shown:?}");
}
