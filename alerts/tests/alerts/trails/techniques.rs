//! Which techniques of real attack traces the shipped pack finds, computed from the traces and their labels.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use alerts::{Engine, Settings, pack};
use ingest::columns::batch_from_json;
use serde_json::Value;

use crate::logs;
use crate::pack::judge;

/// What was done in the traces of `invictus` and left an event, with the call that shows it and the rule that is for it.
pub(crate) const DONE: [(&str, &str, &str); 27] = [
    ("T1555 passwords of Windows machines asked for", "GetPasswordData", "password-data-read-in-bulk"),
    ("T1552.005 credentials of a machine carried away", "GetCallerIdentity", "instance-credentials-taken-by-command"),
    ("T1555.006 secrets collected", "GetSecretValue", "secrets-read-in-bulk"),
    ("T1552 protected parameters collected", "GetParameters", "parameters-read-in-bulk"),
    ("T1562.008 trail deleted", "DeleteTrail", "trail-stopped"),
    ("T1562.008 trail stopped", "StopLogging", "trail-stopped"),
    ("T1562.008 trail narrowed", "PutEventSelectors", "trail-narrowed"),
    ("T1562.008 trail's bucket told to forget", "PutBucketLifecycle", "bucket-lifecycle-deletes-soon"),
    ("T1562 organisation left", "LeaveOrganization", "organization-left"),
    ("T1562.001 flow logs deleted", "DeleteFlowLogs", "security-service-disabled"),
    ("T1552.005 start scripts collected", "DescribeInstanceAttribute", "user-data-read-in-bulk"),
    ("T1651 command run on a machine", "SendCommand", "command-run-on-instances"),
    ("T1496 graphics machines started", "RunInstances", "large-instances-started"),
    ("T1562.007 port 22 opened", "AuthorizeSecurityGroupIngress", "security-group-opened"),
    ("T1537 image shared", "ModifyImageAttribute", "snapshot-or-image-shared"),
    ("T1537 disk shared", "ModifySnapshotAttribute", "snapshot-or-image-shared"),
    ("T1537 database shared", "ModifyDBSnapshotAttribute", "snapshot-or-image-shared"),
    ("T1530 bucket opened to an account", "PutBucketPolicy", "bucket-policy-names-account"),
    ("T1078.004 signed in without MFA", "ConsoleLogin", "console-login-without-mfa"),
    ("T1098 role opened to an account", "UpdateAssumeRolePolicy", "role-trusts-account"),
    ("T1098.001 key for another user", "CreateAccessKey", "access-key-created-for-another"),
    ("T1136.003 user made", "CreateUser", "user-created"),
    ("T1098.003 made administrator", "AttachUserPolicy", "administrator-policy-attached"),
    ("T1098 password for another user", "CreateLoginProfile", "console-password-set-for-another"),
    ("T1648 function opened", "AddPermission", "function-opened-to-everyone"),
    ("T1648 function's code replaced", "UpdateFunctionCode", "function-code-changed"),
    ("T1098.001 certificate authority trusted", "CreateTrustAnchor", "roles-anywhere-trust-created"),
];

/// The records of a file.
fn read(file: &Path) -> Vec<Value> {
    let mut text = String::new();
    let bytes = std::fs::read(file).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(bytes.as_slice()), &mut text).unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    file["Records"].as_array_mut().map(std::mem::take).unwrap_or_default()
}

/// For each record, the rules of the pack that hold in it alone: what needs a window or a memory takes no part.
fn rules_alone(records: &[Value]) -> Vec<BTreeSet<String>> {
    let alone: BTreeSet<&str> =
        pack::SHIPPED.iter().filter(|(_, yaml)| !yaml.contains("\ntrailhound:")).map(|(name, _)| *name).collect();
    let (mut engine, errors) = Engine::new(pack::shipped(), &Settings::default());
    assert!(errors.is_empty(), "{errors:?}");
    let texts: Vec<String> = records.iter().map(Value::to_string).collect();
    let rows = batch_from_json(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    assert_eq!(rows.num_rows(), records.len(), "a record was refused");
    let mut matches = Vec::new();
    engine.matches(&rows, &mut matches);
    let mut found = vec![BTreeSet::new(); records.len()];
    for one in matches {
        let name = &engine.rules()[one.rule].name;
        if alone.contains(name.as_str()) {
            found[one.row].insert(name.clone());
        }
    }
    found
}

fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record[key].as_str().unwrap_or_default()
}

/// Rules that hold for what an event is not about: the agent, or any denial.
const GENERAL: [&str; 2] = ["attack-system-user-agent", "unauthorized-call"];

#[test]
fn every_technique_of_the_invictus_traces_is_found() {
    let Some(folder) = logs::shared("trails/s3/invictus") else { return };
    let records: Vec<Value> = logs::files(&folder, ".json.gz").iter().flat_map(|file| read(file)).collect();
    let texts: Vec<String> = records.iter().map(Value::to_string).collect();
    let outcome = judge(&texts);
    let mut missed = Vec::new();
    for (technique, call, rule) in DONE {
        let found = outcome
            .alerts
            .iter()
            .any(|alert| alert.rule == rule && alert.what.iter().any(|what| what.contains(&format!(":{call}"))));
        if !found {
            missed.push(format!("{technique}: {rule} is silent about {call}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    eprintln!("invictus: {} techniques, each by the rule that is for it", DONE.len());
    // The tool names its run in the agent: every run that changed something is found without looking at the agent.
    let alone = rules_alone(&records);
    let mut runs: BTreeMap<&str, (Vec<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for (record, rules) in records.iter().zip(&alone) {
        let agent = text(record, "userAgent").trim_start_matches('[').trim_end_matches(']');
        let changes = record["readOnly"] != Value::Bool(true);
        // Sharing that is taken back, and the trail that is put right, are the end of a run.
        let undone = text(record, "eventName").starts_with("Modify") && record.to_string().contains("emove\":")
            || text(record, "eventName") == "PutEventSelectors" && record.to_string().contains("\"All\"");
        if agent.starts_with("stratus-red-team_") && changes && !undone {
            let run = runs.entry(agent).or_default();
            run.0.push(text(record, "eventName"));
            run.1.extend(rules.iter().map(String::as_str).filter(|rule| !GENERAL.contains(rule)));
        }
    }
    let silent: Vec<_> = runs.values().filter(|(_, rules)| rules.is_empty()).map(|(calls, _)| calls).collect();
    eprintln!("invictus: {} runs changed something, silent about {silent:?}", runs.len());
    // What is left takes back what a run did.
    let takes_back = ["StartLogging", "Revoke", "Remove", "Delete", "AssumeRole"];
    for calls in &silent {
        assert!(calls.iter().all(|call| takes_back.iter().any(|prefix| call.starts_with(prefix))), "{calls:?}");
    }
    assert!(runs.len() > 25, "{}", runs.len());
}

/// A sample of `traildiscover`: its label, its record and the ATT&CK techniques that the label names.
struct Sample {
    label: String,
    record: Value,
    techniques: BTreeSet<String>,
}

fn samples() -> Option<Vec<Sample>> {
    let trails = logs::shared("trails")?;
    let labels = std::fs::read(trails.join("labels/traildiscover_events.json.gz")).unwrap();
    let labels: Value = serde_json::from_reader(flate2::read::GzDecoder::new(labels.as_slice())).unwrap();
    let id = regex::Regex::new(r"T\d{4}").unwrap();
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for label in labels.as_array().unwrap() {
        let all = format!("{}{}", label["mitreAttackTechniques"], label["mitreAttackSubTechniques"]);
        let ids = id.find_iter(&all).map(|found| found.as_str().to_lowercase());
        named.entry(text(label, "eventName").to_owned()).or_default().extend(ids);
    }
    let mut samples = Vec::new();
    for line in std::fs::read_to_string(trails.join("MANIFEST.jsonl")).unwrap().lines() {
        let file: Value = serde_json::from_str(line).unwrap();
        if text(&file, "source") != "traildiscover" || text(&file, "kind") != "cloudtrail-gz" {
            continue;
        }
        let label = text(&file, "label");
        let name = label.rsplit('-').next().unwrap();
        for record in read(&trails.join(text(&file, "path"))) {
            let techniques = named.get(name).or_else(|| named.get(text(&record, "eventName"))).cloned();
            samples.push(Sample { label: label.to_owned(), record, techniques: techniques.unwrap_or_default() });
        }
    }
    Some(samples)
}

#[test]
fn labelled_samples_are_found_by_single_events() {
    let Some(samples) = samples() else { return };
    let records: Vec<Value> = samples.iter().map(|sample| sample.record.clone()).collect();
    let found = rules_alone(&records);
    let tags: BTreeMap<String, Vec<String>> =
        pack::shipped().into_iter().map(|rule| (rule.about.name, rule.about.tags)).collect();
    let (mut own, mut denied, mut everyday) = (0, 0, Vec::new());
    let mut techniques: BTreeMap<&str, bool> = BTreeMap::new();
    for (sample, rules) in samples.iter().zip(&found) {
        match rules.iter().any(|rule| !GENERAL.contains(&rule.as_str())) {
            true => own += 1,
            false if rules.contains("unauthorized-call") => denied += 1,
            false => everyday.push(sample),
        }
        for technique in &sample.techniques {
            let tagged = |rule: &String| tags[rule].iter().any(|tag| tag.starts_with(&format!("attack.{technique}")));
            *techniques.entry(technique).or_default() |= rules.iter().any(tagged);
        }
    }
    let names: Vec<&str> = everyday.iter().map(|sample| sample.label.as_str()).collect();
    eprintln!("traildiscover: {} samples, {own} by rules of their own, {denied} as denied calls", samples.len());
    eprintln!("traildiscover: {} left to windows and first uses: {names:?}", names.len());
    let unfound: Vec<_> = techniques.iter().filter(|(_, found)| !**found).map(|(technique, _)| *technique).collect();
    eprintln!("traildiscover: {} ATT&CK techniques, not found: {unfound:?}", techniques.len());
    // Single reads that every program makes would drown who listens: enumeration and first uses tell them.
    for sample in &everyday {
        let name = text(&sample.record, "eventName");
        assert!(["Get", "List", "Describe", "Search"].iter().any(|verb| name.starts_with(verb)), "{}", sample.label);
    }
    assert!(everyday.len() * 10 < samples.len(), "{names:?}");
    // T1089 is the name that T1562.001 had before 2020; a token for the registry (T1528) is daily bread, and told when it
    // is taken for the first time.
    assert!(unfound.iter().all(|technique| ["t1089", "t1528"].contains(technique)), "{unfound:?}");
}

#[test]
fn the_guide_names_every_rule() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    for (name, _) in pack::SHIPPED {
        assert!(guide.contains(&format!("`{name}`")), "docs/rules.md does not name {name}");
    }
}
