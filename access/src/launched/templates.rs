//! What launch templates hold, as the calls that made them tell: `CreateLaunchTemplate`, `CreateLaunchTemplateVersion`,
//! `ModifyLaunchTemplate`, whoever made them. A fold, so the order of events does not matter.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, RecordBatch};
use ingest::batch;
use serde_json::{Map, Value};

use super::{Template, member};

/// Most templates and versions kept.
const MAX_VERSIONS: usize = 100_000;

/// The instance profile of a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Profile {
    /// It has none.
    None,
    /// Its ARN or name.
    Named(String),
    /// That of another version, which it was made from.
    As(u64),
}

/// What is known of the instance profiles of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Profiles {
    /// Nothing.
    Unknown,
    /// These (ARNs or names), or none at all.
    Known(BTreeSet<String>),
}

/// One template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct History {
    versions: BTreeMap<u64, Profile>,
    /// When each version was made, and so became the latest.
    latest: BTreeMap<i64, u64>,
    /// When a version became the one that is taken by default.
    default: BTreeMap<i64, u64>,
}

/// The templates that logs tell of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates {
    /// By account and region, and id.
    known: BTreeMap<((String, String), String), History>,
    /// The id of a name. A name that was used again stands for nothing certain.
    names: BTreeMap<((String, String), String), BTreeSet<String>>,
    kept: usize,
}

impl Templates {
    /// Folds the calls of a batch that make templates.
    pub fn observe(&mut self, batch: &RecordBatch) {
        let text = |path| batch::text(batch, path);
        let (name, source) = (text("eventname"), text("eventsource"));
        let made = |row: &usize| {
            let is_named = name.get(*row).is_some_and(|name| {
                matches!(name, "CreateLaunchTemplate" | "CreateLaunchTemplateVersion" | "ModifyLaunchTemplate")
            });
            is_named && source.get(*row) == Some("ec2.amazonaws.com")
        };
        let mut rows = (0..batch.num_rows()).filter(made).peekable();
        let Some(times) = rows.peek().and_then(|_| batch::timestamp(batch, "eventtime")) else { return };
        let (outcome, request, response) = (text("outcome"), text("requestparameters"), text("responseelements"));
        let (account, region) = (text("recipientaccountid"), text("awsregion"));
        for row in rows.filter(|row| outcome.get(*row) == Some("ok") && times.is_valid(*row)) {
            let get = |column: &batch::TextColumn| column.get(row).unwrap_or_default().to_owned();
            let place = (get(&account), get(&region));
            self.add(place, times.value(row), &get(&request), &get(&response));
        }
    }

    fn add(&mut self, place: (String, String), time: i64, request: &str, response: &str) {
        if self.kept >= MAX_VERSIONS {
            return;
        }
        let (asked, answered) = (Members::read(request), Members::read(response));
        let Some(id) = answered.text("launchtemplateid").or_else(|| asked.text("launchtemplateid")) else { return };
        if let Some(name) = answered.text("launchtemplatename").or_else(|| asked.text("launchtemplatename")) {
            self.names.entry((place.clone(), name)).or_default().insert(id.clone());
        }
        let history = self.known.entry((place, id)).or_default();
        self.kept += 1;
        if let Some(version) = asked.number("setdefaultversion").or_else(|| asked.number("defaultversion")) {
            history.default.insert(time, version);
            return;
        }
        // A new template's answer has no number of a version: it is the first.
        let version = answered.number("versionnumber").unwrap_or(1);
        if version == 1 {
            history.default.insert(time, 1);
        }
        history.latest.insert(time, version);
        history.versions.insert(version, Profile::of(&asked, &answered));
    }

    /// The profiles of a template that was launched from in a span of time (microseconds).
    pub fn profiles(&self, template: &Template, first: i64, last: i64) -> Profiles {
        let ids = self.names.get(&(template.place.clone(), template.name.clone()));
        let id = match ids.map(|ids| ids.iter().collect::<Vec<_>>()).as_deref() {
            Some([only]) => (*only).clone(),
            Some(_) => return Profiles::Unknown,
            None => template.name.clone(),
        };
        let Some(history) = self.known.get(&(template.place.clone(), id)) else { return Profiles::Unknown };
        let in_force = |line: &BTreeMap<i64, u64>| -> Option<BTreeSet<u64>> {
            let (_, before) = line.range(..=first).next_back()?;
            Some(std::iter::once(*before).chain(line.range(first..=last).map(|(_, version)| *version)).collect())
        };
        let versions = match template.version.as_str() {
            "$Latest" => in_force(&history.latest),
            "$Default" | "" => in_force(&history.default),
            number => number.parse().ok().map(|number| BTreeSet::from([number])),
        };
        let profiles: Option<Vec<Option<String>>> =
            versions.and_then(|versions| versions.into_iter().map(|version| history.profile(version)).collect());
        profiles.map_or(Profiles::Unknown, |found| Profiles::Known(found.into_iter().flatten().collect()))
    }
}

impl History {
    /// The profile of a version; `None` where the logs do not tell it.
    fn profile(&self, mut version: u64) -> Option<Option<String>> {
        // Each version is made from an older one, so this ends.
        loop {
            match self.versions.get(&version)? {
                Profile::None => return Some(None),
                Profile::Named(name) => return Some(Some(name.clone())),
                Profile::As(other) if *other < version => version = *other,
                Profile::As(_) => return None,
            }
        }
    }
}

impl Profile {
    fn of(asked: &Members, answered: &Members) -> Profile {
        // The answer has the version as it is, also what it took over.
        if answered.object("launchtemplatedata").is_some() {
            return answered.profile().map_or(Profile::None, Profile::Named);
        }
        match (asked.profile(), asked.number("sourceversion")) {
            (Some(name), _) => Profile::Named(name),
            (None, Some(source)) => Profile::As(source),
            (None, None) => Profile::None,
        }
    }
}

/// The members of a request or an answer of EC2, which stand within one that is named after the call.
struct Members(Map<String, Value>);

impl Members {
    fn read(text: &str) -> Members {
        let Ok(Value::Object(mut members)) = serde_json::from_str(text) else { return Members(Map::new()) };
        for _ in 0..2 {
            let within = members.iter().find(|(name, value)| {
                let lower = name.to_ascii_lowercase();
                let wraps = lower.ends_with("request")
                    || lower.ends_with("response")
                    || matches!(lower.as_str(), "launchtemplate" | "launchtemplateversion");
                wraps && value.is_object()
            });
            let Some(Value::Object(inner)) = within.map(|(_, value)| value.clone()) else { break };
            members = inner;
        }
        Members(members)
    }

    fn text(&self, lower: &str) -> Option<String> {
        member(&self.0, lower).and_then(Value::as_str).map(str::to_owned)
    }

    fn number(&self, lower: &str) -> Option<u64> {
        let value = member(&self.0, lower)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    fn object(&self, lower: &str) -> Option<&Map<String, Value>> {
        member(&self.0, lower).and_then(Value::as_object)
    }

    fn profile(&self) -> Option<String> {
        let profile = member(self.object("launchtemplatedata")?, "iaminstanceprofile")?.as_object()?;
        let named = member(profile, "arn").or_else(|| member(profile, "name"))?;
        named.as_str().map(str::to_owned)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{batch, call};

    fn at(time: &str) -> i64 {
        crate::instant::parse(time).unwrap()
    }

    #[test]
    fn a_template_has_the_profile_of_its_version_at_the_time() {
        let event = |name: &str, time: &str, request: Value, response: Value| {
            let mut record = call("ops", "ec2", name, time);
            record["requestParameters"] = json!({format!("{name}Request"): request});
            record["responseElements"] = json!({format!("{name}Response"): response});
            record
        };
        let data = |name: &str| json!({"IamInstanceProfile": {"Name": name}});
        let version =
            |number: u64| json!({"launchTemplateVersion": {"launchTemplateId": "lt-1", "versionNumber": number}});
        let mut events = vec![
            event(
                "CreateLaunchTemplate",
                "2026-01-01T00:00:00Z",
                json!({"LaunchTemplateName": "web", "LaunchTemplateData": data("one")}),
                json!({"launchTemplate": {"launchTemplateId": "lt-1", "launchTemplateName": "web", "latestVersionNumber": 1}}),
            ),
            event(
                "CreateLaunchTemplateVersion",
                "2026-01-03T00:00:00Z",
                json!({"LaunchTemplateId": "lt-1", "LaunchTemplateData": data("two")}),
                version(2),
            ),
            event(
                "CreateLaunchTemplateVersion",
                "2026-01-05T00:00:00Z",
                json!({"LaunchTemplateId": "lt-1", "SourceVersion": "2", "LaunchTemplateData": {"ImageId": "ami-1"}}),
                version(3),
            ),
            event(
                "CreateLaunchTemplateVersion",
                "2026-01-06T00:00:00Z",
                json!({"LaunchTemplateId": "lt-1", "LaunchTemplateData": {}}),
                version(4),
            ),
            event(
                "ModifyLaunchTemplate",
                "2026-01-07T00:00:00Z",
                json!({"LaunchTemplateId": "lt-1", "SetDefaultVersion": "2"}),
                json!({}),
            ),
        ];
        for _ in 0..2 {
            events.reverse();
            let mut templates = Templates::default();
            templates.observe(&batch(&events));
            let of = |name: &str, version: &str, first: &str, last: &str| {
                let place = ("111111111111".to_owned(), "us-east-1".to_owned());
                let template = Template { place, name: name.to_owned(), version: version.to_owned() };
                match templates.profiles(&template, at(first), at(last)) {
                    Profiles::Known(found) => found.into_iter().collect::<Vec<_>>().join(" "),
                    Profiles::Unknown => "?".to_owned(),
                }
            };
            let day = "2026-01-04T00:00:00Z";
            for (name, version, first, last, expected) in [
                ("web", "1", day, day, "one"),
                ("lt-1", "3", day, day, "two"),
                ("lt-1", "4", day, day, ""),
                ("lt-1", "$Default", day, day, "one"),
                ("web", "$Latest", day, day, "two"),
                ("lt-1", "$Default", day, "2026-01-09T00:00:00Z", "one two"),
                ("lt-1", "5", day, day, "?"),
                ("lt-1", "$Latest", "2025-01-01T00:00:00Z", day, "?"),
                ("lt-2", "1", day, day, "?"),
            ] {
                assert_eq!(of(name, version, first, last), expected, "{name} {version}");
            }
        }
    }
}
