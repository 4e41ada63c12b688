//! Everything that a recorded call asked IAM for: its own actions on their resources, and what it asked besides and left no
//! event of: roles passed ([`crate::passed`], [`crate::launched`]), tags given ([`crate::tagged`]), parameters that need a
//! permission of their own ([`crate::besides`]).
//!
//! The one place that says so. [`crate::usage`] takes the names of it for last use, [`crate::calls`] the whole for smaller policies
//! and for replays: what one of them counts as used, no other calls unused. Must not know batches, nor what is made of the answer.

use std::borrow::Cow;

use ingest::action::{self, Mapping};

use crate::besides::{self, Besides};
use crate::launched::{self, Launch, Template};
use crate::paths::Paths;
use crate::resource::{self, Certainty, Told};
use crate::{evidence, passed, tagged};

/// One thing that IAM was asked for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    /// The action, in canonical spelling.
    pub(crate) action: Cow<'static, str>,
    /// Whether it is one of the catalogue's.
    pub(crate) known: bool,
    /// The resource, and how much of it the record tells.
    pub(crate) resource: String,
    pub(crate) certainty: Certainty,
    /// For `iam:PassRole`: the service that the role went to.
    pub(crate) passed_to: Option<String>,
    /// For `iam:PassRole` of a launch: the template that has the role, if any. Only then is it not sure that it was asked at all.
    pub(crate) template: Option<Template>,
    /// For `ec2:CreateTags`: the call that made what was tagged.
    pub(crate) create_action: Option<String>,
}

/// What an event says of its own actions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Own {
    /// The actions, the main one first, each with whether it is one of the catalogue's; none where no action of IAM's stands behind it.
    pub(crate) actions: Vec<(Cow<'static, str>, bool)>,
    /// Whether a refusal named the action: then that was asked and refused, and nothing is known of others.
    pub(crate) is_named: bool,
    /// What refused, where the message says so.
    pub(crate) denied_by: Option<String>,
}

/// The words of an event that say which of its actions were asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Words<'a> {
    /// `eventName`
    pub(crate) name: &'a str,
    /// `requestParameters`
    pub(crate) request: Option<&'a str>,
    /// `errorMessage` of a call that was refused; `None` of any other.
    pub(crate) refusal: Option<&'a str>,
}

/// The actions that the tables know of a source, a name and a type.
pub(crate) fn mapped(source: &str, name: &str, kind: &str) -> Own {
    let actions = match action::map(source, name, kind) {
        Mapping::Actions(actions) => actions.iter().map(|action| ((*action).into(), true)).collect(),
        Mapping::Unmapped(guess) => vec![(guess.into(), false)],
        Mapping::NotIam => Vec::new(),
    };
    Own { actions, ..Own::default() }
}

/// The actions as the event itself corrects them; the same where it does not.
pub(crate) fn corrected(own: Own, words: &Words<'_>) -> Own {
    let denied_by = words.refusal.and_then(evidence::parse_denial).and_then(|denial| denial.refused_by());
    Own { denied_by, ..correction(&own, words).unwrap_or(own) }
}

/// Other actions than the tables know of, where the event itself says so: a refusal names the one that was missing, a request a
/// version of an object.
pub(crate) fn correction(own: &Own, words: &Words<'_>) -> Option<Own> {
    let (first, rest) = own.actions.split_first()?;
    if let Some(denial) = words.refusal.and_then(evidence::parse_denial) {
        let names: Vec<&str> = own.actions.iter().map(|(action, _)| &**action).collect();
        let other = evidence::other_action(&denial, &names)?.into_owned();
        let known = action::is_known(&other);
        return Some(Own { actions: vec![(other.into(), known)], is_named: true, ..Own::default() });
    }
    // Cheap, and mostly not so.
    let is_version =
        words.request.is_some_and(evidence::names_version) || resource::copies_version(words.name, words.request);
    let versioned = if is_version { action::versioned(&first.0)? } else { return None };
    let actions = std::iter::once((versioned.into(), first.1)).chain(rest.iter().cloned()).collect();
    Some(Own { actions, ..Own::default() })
}

/// What a call asked for besides.
enum More {
    Pass(String, String),
    Launch(Launch),
    Besides(&'static Besides),
    Tag(&'static str),
}

/// Whether a call of some action may ask for more than its own: cheap, so that few requests need be read.
pub(crate) fn may_ask_more(main: &str) -> bool {
    besides::may_ask(main) || passed::may_pass(main) || tagged::may_tag(main)
}

fn more(source: &str, own: &Own, told: &Told<'_>, paths: &Paths) -> Vec<More> {
    let Some((main, _)) = own.actions.first().filter(|_| !own.is_named) else { return Vec::new() };
    let names: Vec<&str> = own.actions.iter().map(|(action, _)| &**action).collect();
    let roles = passed::roles(source, main, told, paths).into_iter().map(|(role, to)| More::Pass(role, to));
    let mut found: Vec<More> = roles.collect();
    found.push(More::Launch(launched::of_call(main, told)));
    found.extend(besides::of_call(&names, told.request).into_iter().map(More::Besides));
    found.extend(tagged::with(main, told.request).map(More::Tag));
    found
}

/// The actions that a call certainly asked for besides its own, each once, in order.
pub(crate) fn names_of_more(source: &str, own: &Own, told: &Told<'_>) -> Vec<&'static str> {
    let name = |more: More| match more {
        More::Pass(..) => Some("iam:PassRole"),
        More::Launch(Launch::Answered(profiles)) => (!profiles.is_empty()).then_some("iam:PassRole"),
        More::Launch(Launch::Told | Launch::In(_)) => None,
        More::Besides(besides) => Some(besides.needs),
        More::Tag(tagging) => Some(tagging),
    };
    let is_own = |name: &&str| own.actions.iter().any(|(action, _)| action == name);
    // Which role it was does not matter here.
    let found = more(source, own, told, &Paths::default()).into_iter().filter_map(name);
    let mut found: Vec<&str> = found.filter(|name| !is_own(name)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Everything that a call asked for: at least one thing for each of its own actions.
pub(crate) fn of_call(source: &str, own: &Own, told: &Told<'_>, paths: &Paths) -> Vec<Ask> {
    let mut asked = Vec::new();
    for (action, known) in &own.actions {
        let found = resource::of_call(action, told);
        asked.extend(asks(action.clone(), found, paths).into_iter().map(|ask| Ask { known: *known, ..ask }));
    }
    let main = own.actions.first().map_or("", |(action, _)| action);
    for more in more(source, own, told, paths) {
        match more {
            More::Pass(role, to) => asked.push(pass(role, Some(to))),
            More::Launch(launch) => asked.extend(launches(launch, told, paths)),
            More::Besides(row) => asked.extend(asks(row.needs.into(), row.resources(told), paths)),
            More::Tag(tagging) => asked.extend(tags(tagging, main, told, paths)),
        }
    }
    asked
}

fn asks(action: Cow<'static, str>, found: Vec<resource::Resource>, paths: &Paths) -> Vec<Ask> {
    let ask = |found: resource::Resource| Ask {
        action: action.clone(),
        known: true,
        resource: paths.whole(&found.arn).to_owned(),
        certainty: found.certainty,
        passed_to: None,
        template: None,
        create_action: None,
    };
    found.into_iter().map(ask).collect()
}

fn pass(role: String, passed_to: Option<String>) -> Ask {
    Ask {
        action: "iam:PassRole".into(),
        known: true,
        resource: role,
        certainty: Certainty::Exact,
        passed_to,
        template: None,
        create_action: None,
    }
}

/// The roles of instances that were launched from templates: known, or to be looked up once all logs are read.
fn launches(launch: Launch, told: &Told<'_>, paths: &Paths) -> Vec<Ask> {
    let passing = |role: String| pass(role, Some(passed::INSTANCES.to_owned()));
    match launch {
        Launch::Told => Vec::new(),
        Launch::Answered(profiles) => profiles.iter().map(|profile| passing(paths.role_of(profile))).collect(),
        Launch::In(templates) => {
            let any = format!("arn:{}:iam::{}:role/*", told.partition, told.account);
            let within =
                |template| Ask { certainty: Certainty::Unknown, template: Some(template), ..passing(any.clone()) };
            templates.into_iter().map(within).collect()
        }
    }
}

fn tags(tagging: &'static str, main: &str, told: &Told<'_>, paths: &Paths) -> Vec<Ask> {
    let found = match tagging {
        // What is made has no name yet; EC2 tells by a condition key what it is tagged for.
        "ec2:CreateTags" => {
            let arn = format!("arn:{}:ec2:{}:{}:*/*", told.partition, told.region, told.account);
            vec![resource::Resource { arn, certainty: Certainty::Unknown }]
        }
        _ => resource::of_call(tagging, told),
    };
    let create_action = main.strip_prefix("ec2:").map(str::to_owned);
    let asked = asks(tagging.into(), found, paths).into_iter();
    asked.map(|ask| Ask { create_action: create_action.clone(), ..ask }).collect()
}

#[cfg(test)]
mod tests;
