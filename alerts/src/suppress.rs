//! Suppressions: alerts that an organisation knows about and does not want to be told, as data with a reason and an end.
//!
//! ```yaml
//! suppressions:
//!   - rule: root-use                    # id, name or title
//!     principal: arn:aws:iam::111122223333:root
//!     source_address: 203.0.113.0/24    # every address of the alert
//!     reason: yearly break-glass drill, SEC-12
//!     until: 2026-12-31                 # through that day
//! ```
//!
//! Every condition that is given must hold; each may be a list, of which one must. Text is compared as Sigma does, without
//! regard to case and with `*` and `?`. Of what an alert lists, all must be known: one address more is an alert. A
//! suppression without a reason, without an end, or for everything is refused. Knows alerts and no events.

use std::net::IpAddr;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ipnet::IpNet;
use rsigma_parser::SigmaString;
use yaml_serde::{Mapping, Value};

use crate::about::About;
use crate::alert::Alert;
use crate::error::RuleError;
use crate::test::TextTest;
use crate::wildcard::{Place, pattern};
use crate::yaml;

/// Largest file of suppressions, in bytes.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

const CONDITIONS: [&str; 7] = ["rule", "principal", "actor", "account", "source_address", "user_agent", "what"];

/// Alerts that are not to be told, for a reason, until some day.
#[derive(Debug, Clone)]
pub struct Suppression {
    /// Why.
    pub reason: String,
    /// The first moment at which it holds no more.
    pub until: DateTime<Utc>,
    /// What it is about, as written.
    pub about: String,
    conditions: Vec<(&'static str, Vec<Known>)>,
    /// The rules that it names, as written.
    rules: Vec<String>,
}

/// One value that is known.
#[derive(Debug, Clone)]
enum Known {
    Text(TextTest),
    Network(IpNet),
}

impl Known {
    fn holds(&self, text: &str) -> bool {
        match self {
            Known::Text(test) => test.passes(text),
            Known::Network(network) => text.parse::<IpAddr>().is_ok_and(|address| network.contains(&address)),
        }
    }
}

impl Suppression {
    /// Whether it is about this alert, at this time.
    pub fn holds(&self, alert: &Alert, now: DateTime<Utc>) -> bool {
        now < self.until && self.is_about(alert)
    }

    /// The rules that it names and that are not among these: it does nothing for them.
    pub fn unknown_rules(&self, rules: &[About]) -> Vec<&str> {
        let known_rule = |name: &str| {
            let Ok(known) = known("rule", name) else { return false };
            let called = |rule: &About| rule.handle.as_ref().is_some_and(|handle| known.holds(handle));
            rules
                .iter()
                .any(|rule| called(rule) || [&rule.name, &rule.id, &rule.title].iter().any(|name| known.holds(name)))
        };
        self.rules.iter().map(String::as_str).filter(|name| !known_rule(name)).collect()
    }

    /// Whether it is about this alert, at any time.
    pub fn is_about(&self, alert: &Alert) -> bool {
        self.conditions.iter().all(|(name, known)| {
            let one = |text: &str| known.iter().any(|known| known.holds(text));
            let every = |texts: &[String]| !texts.is_empty() && texts.iter().all(|text| one(text));
            match *name {
                "rule" => {
                    let called = alert.rule_name.as_deref().is_some_and(one);
                    called || one(&alert.rule) || one(&alert.rule_id) || one(&alert.title)
                }
                "principal" => one(&alert.principal),
                "actor" => one(&alert.actor),
                "account" => one(&alert.account),
                "source_address" => every(&alert.source_addresses),
                "user_agent" => every(&alert.user_agents),
                _ => every(&alert.what),
            }
        })
    }
}

/// Reads a file of suppressions. One that cannot be used is an error, and the rest is read.
pub fn parse(file: &str, text: &str) -> (Vec<Suppression>, Vec<RuleError>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let error = |line, reason| RuleError { file: file.to_owned(), rule: None, line, reason };
    if text.len() > MAX_FILE_BYTES {
        let reason = format!("the file has {} bytes; at most {MAX_FILE_BYTES} are read", text.len());
        return (Vec::new(), vec![error(Some(1), reason)]);
    }
    let list =
        yaml::check(text).map_err(|fault| fault.reason).and_then(|()| match yaml_serde::from_str::<Value>(text) {
            Ok(Value::Sequence(list)) => Ok(list),
            Ok(Value::Mapping(map)) => match map.get("suppressions") {
                Some(Value::Sequence(list)) if map.len() == 1 => Ok(list.clone()),
                _ => Err("a file of suppressions holds a list under `suppressions`, and nothing else".to_owned()),
            },
            Ok(_) => Err("a file of suppressions holds a list under `suppressions`".to_owned()),
            Err(e) => Err(format!("YAML parse error: {e}")),
        });
    let list = match list {
        Ok(list) => list,
        Err(reason) => return (Vec::new(), vec![error(Some(1), reason)]),
    };
    let lines = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("- "));
    let mut lines = lines.filter_map(|(at, _)| u32::try_from(at + 1).ok());
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for entry in &list {
        // Lists of values begin lines of the same look; the first such lines are at least near.
        let line = lines.next();
        match entry.as_mapping().ok_or_else(|| "a suppression is a map".to_owned()).and_then(read) {
            Ok(suppression) => found.push(suppression),
            Err(reason) => errors.push(error(line, reason)),
        }
    }
    (found, errors)
}

fn read(map: &Mapping) -> Result<Suppression, String> {
    let mut conditions = Vec::new();
    let (mut about, mut rules) = (Vec::new(), Vec::new());
    for (key, value) in map {
        let key = key.as_str().ok_or("a key is no text")?;
        if key == "reason" || key == "until" {
            continue;
        }
        let name = CONDITIONS.iter().find(|name| **name == key);
        let name = name.ok_or_else(|| format!("`{key}` is no condition: {}, reason, until", CONDITIONS.join(", ")))?;
        let values = match value {
            Value::Sequence(list) => list.iter().map(text).collect::<Option<Vec<_>>>(),
            one => text(one).map(|one| vec![one]),
        };
        let values = values.filter(|values| !values.is_empty()).ok_or_else(|| format!("`{key}` takes texts"))?;
        about.push(format!("{key} {}", values.join(" or ")));
        if *name == "rule" {
            rules.clone_from(&values);
        }
        conditions.push((*name, values.iter().map(|value| known(name, value)).collect::<Result<_, _>>()?));
    }
    if conditions.is_empty() {
        return Err("it would suppress everything: give a rule, a principal, or another condition".to_owned());
    }
    let reason = map.get("reason").and_then(text).map(|reason| reason.trim().to_owned());
    let reason = reason.filter(|reason| !reason.is_empty());
    let reason = reason.ok_or("it has no `reason`: write why these alerts are known")?;
    let until = map.get("until").and_then(Value::as_str).ok_or("it has no end: give `until`, such as 2027-01-31")?;
    Ok(Suppression { reason, until: end(until)?, about: about.join(", "), conditions, rules })
}

/// Texts and numbers: an account may be written without quotes.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn known(name: &str, value: &str) -> Result<Known, String> {
    if name == "source_address" {
        match value.parse::<IpNet>() {
            Ok(network) => return Ok(Known::Network(network)),
            Err(_) if value.contains('/') => return Err(format!("`{value}` is no network such as 203.0.113.0/24")),
            Err(_) => {}
        }
    }
    Ok(Known::Text(pattern(&SigmaString::new(value), Place::Whole, false)))
}

fn end(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.with_timezone(&Utc));
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    let after = day.and_then(|day| day.checked_add_signed(TimeDelta::days(1)));
    after.map(|day| day.and_utc()).ok_or_else(|| format!("`until: {text}` is neither a day (2027-01-31) nor a time"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event_id::EventId;
    use crate::finish;
    use crate::group::Burst;
    use crate::scene::Scene;
    use crate::severity::Severity;
    use crate::sighting::Sighting;

    fn alert(addresses: &[&str]) -> Alert {
        let about = About::sample("root-use", Severity::High);
        let scene = |address: &str| Scene {
            principal: "arn:aws:iam::111122223333:root".into(),
            account: "111122223333".into(),
            address: address.into(),
            what: "iam:CreateUser".into(),
            ..Scene::default()
        };
        let sighting =
            |address: &str| Sighting { time: 1, event_id: EventId::new(address), scene: Arc::new(scene(address)) };
        let mut burst = Burst::new(sighting(addresses[0]));
        addresses.iter().skip(1).for_each(|address| burst.add(&sighting(address)));
        finish::window(&about, 0, burst)
    }

    fn one(body: &str) -> Suppression {
        let (mut found, errors) =
            parse("s.yml", &format!("suppressions:\n- {body}\n  reason: drill\n  until: 2026-12-31\n"));
        assert!(errors.is_empty(), "{errors:?}");
        found.remove(0)
    }

    #[test]
    fn all_conditions_and_all_that_an_alert_lists_must_be_known() {
        let now = "2026-12-31T23:59:59Z".parse().unwrap();
        let drill = one("rule: ROOT-*\n  source_address: [203.0.113.0/24, '*.amazonaws.com']\n  account: 111122223333");
        assert!(drill.holds(&alert(&["203.0.113.5", "ec2.amazonaws.com"]), now));
        let wrong = "- source_address: [203.0.113.0/33]\n  reason: x\n  until: 2027-01-01\n";
        assert!(parse("f", wrong).1[0].reason.contains("no network"));
        assert!(!drill.holds(&alert(&["203.0.113.5", "198.51.100.1"]), now), "one address more");
        assert!(!drill.holds(&alert(&["203.0.113.5"]), now + TimeDelta::seconds(1)), "it has ended");
        assert!(!one("rule: trail-stopped").holds(&alert(&["203.0.113.5"]), now));
        assert!(!one("user_agent: '*'").holds(&alert(&["203.0.113.5"]), now), "an alert without user agents");
    }

    #[test]
    fn rules_that_are_not_there_are_named() {
        let rules = [About::sample("root-use", Severity::High)];
        assert_eq!(one("rule: [root-use, root-usw, 'trail*']").unknown_rules(&rules), ["root-usw", "trail*"]);
        assert!(one("rule: ROOT-*").unknown_rules(&rules).is_empty());
        assert!(one("account: '1'").unknown_rules(&rules).is_empty());
    }

    #[test]
    fn what_hides_too_much_is_refused() {
        for (body, reason) in [
            ("reason: x\n  until: 2026-01-01", "everything"),
            ("rule: a\n  until: 2026-01-01", "reason"),
            ("rule: a\n  reason: x", "no end"),
            ("rule: a\n  reason: x\n  until: later", "neither"),
            ("rule: []\n  reason: x\n  until: 2026-01-01", "texts"),
            ("role: a\n  reason: x\n  until: 2026-01-01", "`role` is no condition"),
        ] {
            let (found, errors) = parse("s.yml", &format!("- {body}\n"));
            assert!(found.is_empty() && errors[0].reason.contains(reason), "{errors:?}");
            assert_eq!(errors[0].line, Some(1));
        }
        assert!(!parse("s.yml", "rules: []\n").1.is_empty());
    }
}
