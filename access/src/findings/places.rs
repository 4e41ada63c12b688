//! Long-term keys that work inside AWS, where a role would give keys that end by themselves; folded from events.
//!
//! Two signs: the user agent names the environment (`exec-env/EC2`; the SDKs write it), or the address is one that an EC2
//! instance's role calls from. Source: CIS AWS Foundations 1.18; "AWS_EXECUTION_ENV" in the SDKs' reference.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, RecordBatch};
use ingest::batch;

use crate::folded::{Row, What};

/// Columns that the fold reads.
pub const COLUMNS: &[&str] = &["eventtime", "useridentity", "principal", "sourceipaddress", "useragent"];

const ENVIRONMENTS: &[&str] = &["exec-env/EC2", "exec-env/AWS_ECS", "exec-env/AWS_Lambda", "exec-env/CodeBuild"];
/// What all of them begin with.
const ENVIRONMENT: &str = "exec-env/";
/// Most keys, addresses of instances, and addresses of one key that are kept; the smallest stay.
const MAX_KEYS: usize = 100_000;
const MAX_ADDRESSES: usize = 100_000;
const MAX_ADDRESSES_OF_KEY: usize = 64;

/// Where one key was used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Places {
    principal: String,
    /// Environment → last time.
    environments: BTreeMap<&'static str, i64>,
    /// Address → last time.
    addresses: BTreeMap<String, i64>,
}

/// Keys and addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPlaces {
    keys: BTreeMap<String, Places>,
    instances: BTreeSet<String>,
}

/// A key that was used inside AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside<'a> {
    /// The key's id.
    pub key: &'a str,
    /// Its owner.
    pub principal: &'a str,
    /// Last time, microseconds.
    pub last: i64,
    /// The environment that the user agent names, or the address that it shares with an instance.
    pub sign: &'a str,
}

impl KeyPlaces {
    /// Folds a batch of events.
    pub fn observe(&mut self, batch: &RecordBatch) {
        let Some(times) = batch::timestamp(batch, "eventtime") else { return };
        let text = |path| batch::text(batch, path);
        let (key, principal) = (text("useridentity.accesskeyid"), text("principal"));
        let (address, agent) = (text("sourceipaddress"), text("useragent"));
        let (kind, arn) = (text("useridentity.type"), text("useridentity.arn"));
        for row in 0..batch.num_rows() {
            let source = address.get(row);
            if kind.get(row) == Some("AssumedRole") {
                if let Some(source) = source.filter(|_| arn.get(row).is_some_and(is_instance)) {
                    self.add_instance(source);
                }
                continue;
            }
            let Some(key) = key.get(row).filter(|key| key.starts_with("AKIA")) else { continue };
            let Some(principal) = principal.get(row).filter(|_| times.is_valid(row)) else { continue };
            self.add(key, principal, times.value(row), source, agent.get(row).unwrap_or_default());
        }
    }

    /// What was folded, as rows.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> =
            self.instances.iter().map(|address| Row::new(What::InstanceAddress, address, "")).collect();
        for (key, places) in &self.keys {
            let mut row = |what, name: &str, last: i64| {
                let detail = Some(places.principal.clone());
                rows.push(Row { last: Some(last), detail, ..Row::new(what, key, name) });
            };
            places.environments.iter().for_each(|(name, last)| row(What::KeyEnvironment, name, *last));
            places.addresses.iter().for_each(|(address, last)| row(What::KeyAddress, address, *last));
        }
        rows
    }

    /// Adds a row.
    pub(crate) fn add_row(&mut self, row: &Row) {
        let (principal, last) = (row.detail.as_deref().unwrap_or_default(), row.last.unwrap_or_default());
        match row.what {
            What::InstanceAddress => self.add_instance(&row.subject),
            // The environment's name says itself, as a user agent would.
            What::KeyEnvironment => self.add(&row.subject, principal, last, None, &row.name),
            _ => self.add(&row.subject, principal, last, Some(&row.name), ""),
        }
    }

    fn add_instance(&mut self, address: &str) {
        if self.instances.contains(address) || !is_address(address) {
            return;
        }
        self.instances.insert(address.to_owned());
        if self.instances.len() > MAX_ADDRESSES {
            self.instances.pop_last();
        }
    }

    fn add(&mut self, key: &str, principal: &str, time: i64, source: Option<&str>, agent: &str) {
        if !self.keys.contains_key(key) {
            self.keys.insert(key.to_owned(), Places { principal: principal.to_owned(), ..Places::default() });
            if self.keys.len() > MAX_KEYS {
                self.keys.pop_last();
            }
        }
        let Some(places) = self.keys.get_mut(key) else { return };
        if *principal > *places.principal {
            principal.clone_into(&mut places.principal);
        }
        // Most agents name none, so one search mostly does for all.
        let named = if agent.contains(ENVIRONMENT) { ENVIRONMENTS } else { &[] };
        for environment in named.iter().filter(|environment| agent.contains(**environment)) {
            let last = places.environments.entry(environment).or_insert(time);
            *last = time.max(*last);
        }
        let Some(source) = source else { return };
        match places.addresses.get_mut(source) {
            Some(last) => *last = time.max(*last),
            None if !is_address(source) => {}
            None => {
                places.addresses.insert(source.to_owned(), time);
                if places.addresses.len() > MAX_ADDRESSES_OF_KEY {
                    places.addresses.pop_last();
                }
            }
        }
    }

    /// The keys that were used inside AWS within a window, by id: each with its clearest, latest sign.
    pub fn inside(&self, from: i64, to: i64) -> Vec<Inside<'_>> {
        let within = |time: &i64| (from..=to).contains(time);
        let mut found = Vec::new();
        for (key, places) in &self.keys {
            let named = places.environments.iter().filter(|(_, time)| within(time)).map(|(name, time)| (*time, *name));
            let shared =
                places.addresses.iter().filter(|(address, time)| within(time) && self.instances.contains(*address));
            let shared = shared.map(|(address, time)| (*time, address.as_str()));
            if let Some((last, sign)) = named.max().or_else(|| shared.max()) {
                found.push(Inside { key, principal: &places.principal, last, sign });
            }
        }
        found
    }
}

/// Whether a source is an address, and no service that called.
fn is_address(source: &str) -> bool {
    source.parse::<std::net::IpAddr>().is_ok()
}

/// Whether a session's name is an instance's id, as EC2 gives it.
fn is_instance(arn: &str) -> bool {
    let id = arn.rsplit('/').next().and_then(|name| name.strip_prefix("i-")).unwrap_or_default();
    (8..=17).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{batch, call};
    use crate::instant;

    #[test]
    fn only_long_term_keys_inside_of_aws_are_found() {
        let time = "2026-01-02T00:00:00Z";
        let mut agent = call("ann", "s3", "ListBuckets", time);
        agent["userAgent"] = json!("Boto3/1.34 exec-env/EC2 Botocore/1.34");
        let mut laptop = call("bob", "s3", "ListBuckets", time);
        laptop["sourceIPAddress"] = json!("198.51.100.7");
        let mut beside = call("eve", "s3", "ListBuckets", time);
        beside["sourceIPAddress"] = json!("203.0.113.5");
        let mut role = call("x", "s3", "ListBuckets", time);
        role["sourceIPAddress"] = json!("203.0.113.5");
        role["userAgent"] = json!("exec-env/EC2");
        role["userIdentity"] = json!({"type": "AssumedRole", "arn": "arn:aws:sts::111111111111:assumed-role/web/i-0123456789abcdef0", "accessKeyId": "ASIA1"});
        let mut places = KeyPlaces::default();
        places.observe(&batch(&[agent, laptop, beside, role]));
        let at = instant::parse(time).unwrap();
        let mut again = KeyPlaces::default();
        places.rows().iter().rev().for_each(|row| again.add_row(row));
        assert_eq!(again, places);
        let found: Vec<_> = places.inside(at, at).into_iter().map(|one| (one.key, one.sign)).collect();
        assert_eq!(found, [("AKIAANN", "exec-env/EC2"), ("AKIAEVE", "203.0.113.5")]);
        assert_eq!(places.inside(at + 1, at + 2), []);
    }

    #[test]
    fn a_service_that_called_is_no_address() {
        let time = "2026-01-02T00:00:00Z";
        let mut user = call("sam", "s3", "ListBuckets", time);
        let mut role = call("x", "s3", "ListBuckets", time);
        role["userIdentity"] = json!({"type": "AssumedRole", "arn": "arn:aws:sts::111111111111:assumed-role/web/i-0123456789abcdef0", "accessKeyId": "ASIA1"});
        for source in ["cloudformation.amazonaws.com", "203.0.113.5"] {
            user["sourceIPAddress"] = json!(source);
            role["sourceIPAddress"] = json!(source);
            let mut places = KeyPlaces::default();
            places.observe(&batch(&[user.clone(), role.clone()]));
            assert_eq!(places.inside(i64::MIN, i64::MAX).len(), usize::from(source.starts_with('2')), "{source}");
        }
    }
}
