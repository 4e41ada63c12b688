//! AWS Security Hub: findings in ASFF 2018-10-08, for `BatchImportFindings`.
//!
//! Source of names and limits: AWS Security Hub user guide, "ASFF syntax": title 256 characters, description 1,024,
//! recommendation 512, ids 512, 32 resources, 50 product fields; no text may be empty. A finding's id is the alert's, so
//! importing it again updates it.

use std::collections::BTreeMap;

use alerts::Severity;
use serde_json::{Map, Value, json};

use super::words;
use crate::clock::rfc_3339;
use crate::message::{Kind, Message};
use crate::notice::Notice;
use crate::visible::{clip, line};

const SCHEMA: &str = "2018-10-08";
const TITLE_MAX: usize = 256;
const DESCRIPTION_MAX: usize = 1_024;
const RECOMMENDATION_MAX: usize = 512;
const ID_MAX: usize = 512;
const FIELD_MAX: usize = 2_048;

/// Into which account, region and product findings go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// The account that imports them.
    pub account: String,
    /// The region.
    pub region: String,
    /// The product.
    pub product_arn: String,
}

/// The body of the request.
pub fn findings(message: &Message, hub: &Hub) -> Value {
    let findings: Vec<Value> = match message.kind {
        Kind::Digest => vec![digest(message, hub)],
        Kind::Resolve => Vec::new(),
        Kind::Alerts => message.notices.iter().map(|notice| finding(notice, message, hub)).collect(),
    };
    json!({"Findings": findings})
}

fn finding(notice: &Notice, message: &Message, hub: &Hub) -> Value {
    let fields = words::fields(notice);
    let description = fields.iter().filter(|(name, _)| *name != "Next").map(|(name, value)| format!("{name}: {value}"));
    let mut finding = common(&notice.fingerprint, notice.severity(), message, hub);
    let created = rfc_3339(message.created);
    let mut set = |name: &str, value: Value| finding.insert(name.to_owned(), value);
    set("GeneratorId", json!(clip(first_given(&[&notice.rule_id, &notice.rule]), ID_MAX)));
    set("Types", json!([kind_of(&notice.tags)]));
    set("Title", json!(clip(&line(first_given(&[&notice.title, &notice.rule])), TITLE_MAX)));
    set("Description", json!(clip(&description.collect::<Vec<_>>().join(" · "), DESCRIPTION_MAX)));
    set("FirstObservedAt", json!(notice.time.as_ref().unwrap_or(&created)));
    set("LastObservedAt", json!(notice.last_time.as_ref().unwrap_or(&created)));
    set("Resources", resources(notice, hub));
    let mut recommendation = Map::new();
    if !notice.next.is_empty() {
        recommendation.insert("Text".to_owned(), json!(clip(&words::steps(notice), RECOMMENDATION_MAX)));
    }
    if let Some(link) = notice.references.iter().find(|link| link.starts_with("https://")) {
        recommendation.insert("Url".to_owned(), json!(link));
    }
    if !recommendation.is_empty() {
        set("Remediation", json!({"Recommendation": recommendation}));
    }
    set("ProductFields", json!(product_fields(notice, message)));
    Value::Object(finding)
}

fn digest(message: &Message, hub: &Hub) -> Value {
    let mut finding = common(&message.key, message.severity(), message, hub);
    let created = rfc_3339(message.created);
    let mut set = |name: &str, value: Value| finding.insert(name.to_owned(), value);
    set("GeneratorId", json!("trailhound/digest"));
    set("Types", json!([kind_of(&[])]));
    set("Title", json!(clip(&words::headline(message), TITLE_MAX)));
    set("Description", json!(clip(&words::tallies(message).join(" · "), DESCRIPTION_MAX)));
    set("FirstObservedAt", json!(created));
    set("LastObservedAt", json!(created));
    set("Resources", json!([account_resource(&hub.account, hub)]));
    Value::Object(finding)
}

fn common(id: &str, severity: Severity, message: &Message, hub: &Hub) -> Map<String, Value> {
    let created = rfc_3339(message.created);
    let pairs = [
        ("SchemaVersion", json!(SCHEMA)),
        ("Id", json!(format!("trailhound/{}", clip(id, ID_MAX - 16)))),
        ("ProductArn", json!(hub.product_arn)),
        ("AwsAccountId", json!(hub.account)),
        ("CreatedAt", json!(created)),
        ("UpdatedAt", json!(created)),
        ("Severity", json!({"Label": label(severity), "Original": severity})),
        ("RecordState", json!("ACTIVE")),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL",
        Severity::High => "HIGH",
        Severity::Medium => "MEDIUM",
        Severity::Low => "LOW",
        Severity::Informational => "INFORMATIONAL",
    }
}

/// The finding's type from an ATT&CK tactic, as `attack.initial-access` or `attack.initial_access`.
fn kind_of(tags: &[String]) -> &'static str {
    let tactic = |tag: &String| match tag.strip_prefix("attack.")?.replace('_', "-").as_str() {
        "initial-access" => Some("TTPs/Initial Access"),
        "execution" => Some("TTPs/Execution"),
        "persistence" => Some("TTPs/Persistence"),
        "privilege-escalation" => Some("TTPs/Privilege Escalation"),
        "defense-evasion" | "stealth" | "defense-impairment" => Some("TTPs/Defense Evasion"),
        "credential-access" => Some("TTPs/Credential Access"),
        "discovery" => Some("TTPs/Discovery"),
        "lateral-movement" => Some("TTPs/Lateral Movement"),
        "collection" => Some("TTPs/Collection"),
        "command-and-control" => Some("TTPs/Command and Control"),
        "exfiltration" => Some("Effects/Data Exfiltration"),
        "impact" => Some("Effects/Data Destruction"),
        _ => None,
    };
    tags.iter().find_map(tactic).unwrap_or("Unusual Behaviors/User")
}

fn resources(notice: &Notice, hub: &Hub) -> Value {
    let account = if notice.account.is_empty() { &hub.account } else { &notice.account };
    let mut resources = vec![account_resource(account, hub)];
    if notice.principal.starts_with("arn:") {
        let kind = match notice.principal.split(':').nth(5).map(|name| name.split('/').next().unwrap_or_default()) {
            Some("user") => "AwsIamUser",
            Some("role") => "AwsIamRole",
            _ => "Other",
        };
        resources.push(json!({
            "Type": kind,
            "Id": clip(&line(&notice.principal), ID_MAX),
            "Partition": partition(&hub.region),
            "Region": hub.region,
        }));
    }
    json!(resources)
}

fn account_resource(account: &str, hub: &Hub) -> Value {
    json!({
        "Type": "AwsAccount",
        "Id": format!("AWS::::Account:{}", clip(&line(account), 64)),
        "Partition": partition(&hub.region),
        "Region": hub.region,
    })
}

/// The partition that a region is in.
pub(crate) fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

fn product_fields(notice: &Notice, message: &Message) -> BTreeMap<String, String> {
    let fields = [
        ("rule", notice.rule.clone()),
        ("principal", notice.principal.clone()),
        ("actor", notice.actor.clone()),
        ("source_addresses", notice.source_addresses.join(", ")),
        ("user_agents", notice.user_agents.join(", ")),
        ("what", notice.what.join(", ")),
        ("errors", notice.errors.join(", ")),
        ("event_ids", notice.event_ids.join(", ")),
        ("regions", notice.regions.join(", ")),
        ("count", notice.count.to_string()),
        ("author", notice.author.clone().unwrap_or_default()),
        ("key", message.key.clone()),
    ];
    let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| (format!("trailhound/{name}"), clip(&line(&value), FIELD_MAX))).collect()
}

fn first_given<'a>(texts: &[&'a str]) -> &'a str {
    texts.iter().copied().find(|text| !text.is_empty()).unwrap_or("unknown")
}
