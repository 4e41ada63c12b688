//! EC2's resources: one question for each type that an action requires, by the ids in request and response.
//!
//! Ids say by their beginning what they are of. What a call makes has no id when IAM asks, so EC2 asks with `*`:
//! `instance/*` of `ec2:RunInstances`, whatever id the response gives. Sources: "Actions, resources, and condition keys for
//! Amazon EC2"; "Example policies to control access the Amazon EC2 API" (launch instances) in the EC2 user guide.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Certainty, Resource, Told, is_plain, kinds};

/// Beginning of an id, and the type of what it names.
const IDS: &[(&str, &str)] = &[
    ("acl", "network-acl"),
    ("afi", "fpga-image"),
    ("aki", "image"),
    ("ami", "image"),
    ("ari", "image"),
    ("cagw", "carrier-gateway"),
    ("cgw", "customer-gateway"),
    ("cr", "capacity-reservation"),
    ("crf", "capacity-reservation-fleet"),
    ("cvpn-endpoint", "client-vpn-endpoint"),
    ("dopt", "dhcp-options"),
    ("eice", "instance-connect-endpoint"),
    ("eigw", "egress-only-internet-gateway"),
    ("eipalloc", "elastic-ip"),
    ("eni", "network-interface"),
    ("export-ami", "export-image-task"),
    ("fl", "vpc-flow-log"),
    ("fleet", "fleet"),
    ("h", "dedicated-host"),
    ("i", "instance"),
    ("iew", "instance-event-window"),
    ("igw", "internet-gateway"),
    ("import-ami", "import-image-task"),
    ("import-snap", "import-snapshot-task"),
    ("ipam", "ipam"),
    ("ipam-pool", "ipam-pool"),
    ("ipam-scope", "ipam-scope"),
    ("ipv4pool-ec2", "ipv4pool-ec2"),
    ("ipv6pool-ec2", "ipv6pool-ec2"),
    ("lgw", "local-gateway"),
    ("lgw-rtb", "local-gateway-route-table"),
    ("lt", "launch-template"),
    ("nat", "natgateway"),
    ("nia", "network-insights-analysis"),
    ("nip", "network-insights-path"),
    ("pcx", "vpc-peering-connection"),
    ("pl", "prefix-list"),
    ("rtb", "route-table"),
    ("scr", "subnet-cidr-reservation"),
    ("sfr", "spot-fleet-request"),
    ("sg", "security-group"),
    ("sgr", "security-group-rule"),
    ("sir", "spot-instances-request"),
    ("snap", "snapshot"),
    ("subnet", "subnet"),
    ("tgw", "transit-gateway"),
    ("tgw-attach", "transit-gateway-attachment"),
    ("tgw-rtb", "transit-gateway-route-table"),
    ("tmf", "traffic-mirror-filter"),
    ("tmfr", "traffic-mirror-filter-rule"),
    ("tms", "traffic-mirror-session"),
    ("tmt", "traffic-mirror-target"),
    ("vgw", "vpn-gateway"),
    ("vol", "volume"),
    ("vpc", "vpc"),
    ("vpce", "vpc-endpoint"),
    ("vpce-svc", "vpc-endpoint-service"),
    ("vpn", "vpn-connection"),
];

/// What a call makes, where its name does not say so.
const MAKES: &[(&str, &[&str])] = &[
    ("AllocateAddress", &["elastic-ip"]),
    ("AllocateHosts", &["dedicated-host"]),
    ("CopyImage", &["image", "snapshot"]),
    ("CreateFleet", &["fleet", "instance", "volume", "network-interface"]),
    ("CreateImage", &["image", "snapshot"]),
    ("RequestSpotFleet", &["spot-fleet-request"]),
    ("RequestSpotInstances", &["spot-instances-request"]),
    ("RunInstances", &["instance", "network-interface", "volume", "spot-instances-request"]),
];

/// How the names of actions begin that make what the rest of the name says.
const MAKING: &[&str] = &["Allocate", "Copy", "Create", "Import", "Provision", "Register", "Request"];

/// Members that name what the call is not about: other sides of rules, peers and filters.
const ASIDE: &[&str] =
    &["filterset", "filter", "ippermissions", "peervpcid", "tagset", "tagspecificationset", "userdata"];

/// Deepest nesting that is looked at.
const MAX_DEPTH: usize = 16;

/// What a text names: ids or names by type, and ids of no type that is known.
#[derive(Default)]
struct Named<'a> {
    of_type: BTreeMap<&'static str, BTreeSet<&'a str>>,
    other: BTreeSet<&'a str>,
    /// Whether a launch template is named by its name, which its ARN does not have.
    template: bool,
}

pub(super) fn of(
    action: &str,
    types: &str,
    listed: Vec<Resource>,
    request: &Map<String, Value>,
    told: &Told<'_>,
) -> Vec<Resource> {
    let name = action.split(':').nth(1).unwrap_or_default();
    let (mut asked, mut answered) = (Named::default(), Named::default());
    let response = super::object(told.response);
    request.iter().for_each(|(key, value)| asked.walk(key, value, "", 0));
    response.iter().for_each(|(key, value)| answered.walk(key, value, "", 0));
    let of_kind =
        |found: &Resource| found.arn.splitn(6, ':').nth(5).and_then(|rest| rest.split('/').next()).map(str::to_owned);
    let listed_kinds: BTreeSet<String> = listed.iter().filter_map(of_kind).collect();
    let mut found = listed;
    for (kind, required) in kinds(types) {
        let before = found.len();
        let made = makes(name, kind);
        let named = asked.of_type.get(kind).into_iter().flatten();
        found.extend(named.map(|id| Resource::new(arn(kind, id, told), Certainty::Exact)));
        let is_named = found.len() > before || listed_kinds.contains(kind);
        // A launch that brings its own interfaces makes none; a copy asks for what is copied and for what comes of it.
        if made && !(is_named && name == "RunInstances") && (required || wants(name, kind, told)) {
            found.push(Resource::new(arn(kind, "*", told), Certainty::Asked));
        } else if !is_named && !made && (required || kind == "key-pair") {
            let chosen = answered.of_type.get(kind).into_iter().flatten();
            found.extend(chosen.map(|id| Resource::new(arn(kind, id, told), Certainty::Exact)));
            if required && found.len() == before {
                found.push(Resource::new(arn(kind, "*", told), Certainty::Unknown));
            }
        }
        if kind == "launch-template" && asked.template && !is_named {
            found.push(Resource::new(arn(kind, "*", told), Certainty::Unknown));
        }
    }
    if matches!(name, "CreateTags" | "DeleteTags") {
        let other = asked.other.iter().filter(|id| is_plain(id));
        found.extend(other.map(|id| Resource::new(arn("*", id, told), Certainty::Unknown)));
    }
    found
}

/// Whether a call makes something of a type.
fn makes(name: &str, kind: &str) -> bool {
    if let Some((_, kinds)) = MAKES.iter().find(|(call, _)| *call == name) {
        return kinds.contains(&kind);
    }
    let Some(noun) = MAKING.iter().find_map(|verb| name.strip_prefix(verb)) else { return false };
    let noun = noun.trim_end_matches('s').to_ascii_lowercase();
    // A key pair is named by who makes it.
    kind != "key-pair" && kind.replace('-', "").trim_end_matches('s').ends_with(&noun)
}

/// Whether a launch is asked for a type that the reference does not require: a volume, unless all storage is the host's.
fn wants(name: &str, kind: &str, told: &Told<'_>) -> bool {
    let on_host = told.response.is_some_and(|text| text.contains("\"rootDeviceType\":\"instance-store\""));
    name == "RunInstances" && kind == "volume" && !on_host
}

/// An ARN of EC2; images and snapshots have no account, those of IPAM no region.
fn arn(kind: &str, id: &str, told: &Told<'_>) -> String {
    let (partition, region, account) = (told.partition, told.region, told.account);
    match kind {
        "image" | "snapshot" => format!("arn:{partition}:ec2:{region}::{kind}/{id}"),
        "role" => format!("arn:{partition}:iam::{account}:role/{id}"),
        "certificate" => format!("arn:{partition}:acm:{region}:{account}:certificate/{id}"),
        _ if kind.starts_with("ipam") && kind != "ipam-pool-allocation" => {
            format!("arn:{partition}:ec2::{account}:{kind}/{id}")
        }
        _ => format!("arn:{partition}:ec2:{region}:{account}:{kind}/{id}"),
    }
}

impl<'a> Named<'a> {
    fn walk(&mut self, key: &str, value: &'a Value, outer: &str, depth: usize) {
        let key = key.to_ascii_lowercase();
        if depth > MAX_DEPTH || ASIDE.contains(&key.as_str()) {
            return;
        }
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                // `{"SubnetId": {"tag": 1, "content": "subnet-1"}}`: the outer name tells more.
                let name = if matches!(name.as_str(), "content" | "items" | "item") { &key } else { name };
                self.walk(name, value, &key, depth + 1);
            }),
            Value::Array(list) => list.iter().for_each(|value| self.walk(&key, value, outer, depth + 1)),
            Value::String(text) => self.text(&key, text, outer),
            _ => {}
        }
    }

    fn text(&mut self, key: &str, text: &'a str, outer: &str) {
        if !is_plain(text) {
            return;
        }
        match key {
            "keyname" => self.add("key-pair", text),
            "groupname" if outer == "placement" => self.add("placement-group", text),
            "launchtemplatename" => self.template = true,
            // Other members hold what people write: tags, descriptions, tokens.
            _ if key.ends_with("id") || key.ends_with("ids") => match kind_of(text) {
                Some(kind) => self.add(kind, text),
                None if key == "resourceid" => {
                    self.other.insert(text);
                }
                None => {}
            },
            _ => {}
        }
    }

    fn add(&mut self, kind: &'static str, text: &'a str) {
        self.of_type.entry(kind).or_default().insert(text);
    }
}

/// What an id is of.
fn kind_of(id: &str) -> Option<&'static str> {
    let (front, number) = id.rsplit_once('-')?;
    let is_id = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    IDS.iter().find(|(begin, _)| is_id && *begin == front).map(|(_, kind)| *kind)
}
