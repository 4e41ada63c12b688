//! A statement made ready to be asked: patterns instead of text, in the terms of the layer it stands in.

use std::sync::Arc;

use super::arn::{Resource, ResourcePattern};
use super::caller::Caller;
use super::condition::{self, Condition, Truth};
use super::context::Context;
use super::document::{self, Document, Effect, Patterns};
use super::exempt;
use super::mode::Mode;
use super::pattern::{Hit, Pattern, Syntax};
use super::principal::{Principals, Strength};

/// Where a policy stands, which decides how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Identity policy, boundary or session policy: speaks of its owner, and short resources are widened.
    Owner,
    /// Resource policy: a statement without principals speaks of nobody.
    Resource,
    /// SCP, RCP, endpoint policy: a statement without principals speaks of everybody.
    Guard,
}

/// Which statement of which policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The policy, as its owner names it.
    pub policy: Arc<str>,
    /// Place in the document, from 0.
    pub index: usize,
    /// `Sid`
    pub sid: Option<Arc<str>>,
}

/// The action of a request, in the form that statements compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionName {
    lower: Box<str>,
    colon: usize,
    service_key: u64,
    /// Whether resource control policies hold for it.
    pub(super) has_resource_control: bool,
}

/// A number of a service's name: what differs in it differs, so that most comparisons are one of numbers.
pub(super) fn service_key(service: &str) -> u64 {
    // The 64-bit FNV-1a hash.
    service.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

impl ActionName {
    /// Reads `prefix:Name`, in any case.
    pub fn new(text: &str) -> ActionName {
        let lower = text.to_ascii_lowercase().into_boxed_str();
        let colon = lower.find(':').unwrap_or(lower.len());
        let service = lower.get(..colon).unwrap_or_default();
        let (service_key, has_resource_control) = (service_key(service), exempt::has_resource_control(service));
        ActionName { colon, service_key, has_resource_control, lower }
    }

    /// The whole in lower case.
    pub fn lower(&self) -> &str {
        &self.lower
    }

    /// A number of the service prefix: see [`service_key`].
    pub(super) fn service_key(&self) -> u64 {
        self.service_key
    }

    /// The service prefix in lower case.
    pub fn service(&self) -> &str {
        self.lower.get(..self.colon).unwrap_or_default()
    }
}

/// What a statement is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) caller: &'a Caller,
    pub(super) action: &'a ActionName,
    pub(super) resource: Resource<'a>,
    pub(super) context: &'a Context,
    pub(super) mode: &'a Mode,
    /// Whether the caller has a permissions boundary.
    pub(super) is_bounded: bool,
}

/// A statement, compiled.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) origin: Origin,
    pub(super) effect: Effect,
    pub(super) actions: Actions,
    resources: Resources,
    principals: Option<Principals>,
    /// Whether it speaks of nobody for want of principals.
    nobody: bool,
    conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Actions {
    patterns: Vec<Pattern>,
    except: bool,
    /// The services that the patterns name; `None` where any may be meant.
    pub(super) services: Option<Vec<Box<str>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Resources {
    patterns: Vec<ResourcePattern>,
    except: bool,
}

/// Reads the statements of a document; `name` is how the policy is named in answers.
pub(super) fn compile(document: &Document, name: &str, place: Place) -> Vec<Statement> {
    let variables = document.version.as_deref() == Some("2012-10-17");
    let policy: Arc<str> = name.into();
    let numbered = document.statements.iter().enumerate();
    numbered.map(|(index, raw)| Statement::new(raw, variables, place, &policy, index)).collect()
}

impl Document {
    /// The statements of an effect that speak of an action, whatever they say of resources (a Deny: of all), with conditions
    /// that hold or are open in a context that lacks most keys (a Deny: that hold).
    pub(crate) fn admitting(
        &self,
        action: &str,
        effect: Effect,
        context: &Context,
    ) -> impl Iterator<Item = &document::Statement> {
        let (action, context) = (ActionName::new(action), context.clone());
        let variables = self.version.as_deref() == Some("2012-10-17");
        self.statements.iter().filter(move |raw| {
            let conditions =
                raw.condition.as_ref().map_or_else(Vec::new, |kept| condition::compile(&kept.members(), variables));
            let truth = condition::all_hold(&conditions, &context, &Mode::Possible);
            let applies = match effect {
                Effect::Allow => truth != Truth::No,
                Effect::Deny => truth == Truth::Yes && raw.is_everywhere(),
            };
            raw.effect == effect && applies && Actions::new(&raw.actions).hit(&action)
        })
    }
}

impl Statement {
    fn new(raw: &document::Statement, variables: bool, place: Place, policy: &Arc<str>, index: usize) -> Statement {
        let principals = match (place, &raw.principal, &raw.not_principal) {
            (Place::Owner, ..) => None,
            (_, Some(element), _) => Some(Principals::new(&element.value(), false)),
            (_, None, Some(element)) => Some(Principals::new(&element.value(), true)),
            (_, None, None) => None,
        };
        Statement {
            origin: Origin { policy: policy.clone(), index, sid: raw.sid.as_deref().map(Into::into) },
            effect: raw.effect,
            actions: Actions::new(&raw.actions),
            resources: Resources::new(raw.resources.as_ref(), variables, place == Place::Owner),
            nobody: place == Place::Resource && principals.is_none(),
            principals,
            conditions: raw
                .condition
                .as_ref()
                .map_or_else(Vec::new, |kept| condition::compile(&kept.members(), variables)),
        }
    }

    /// How it speaks of the question, whatever its effect; `None` where it does not. Asked cheapest first.
    pub(super) fn applies(&self, question: &Question<'_>) -> Option<Strength> {
        if self.nobody || !self.actions.hit(question.action) {
            return None;
        }
        let strength = self.strength(question)?;
        let about = match self.resources.hit(&question.resource, question.context) {
            Hit::Yes => Truth::Yes,
            Hit::Unresolved if question.mode.opens_variables() => Truth::Open,
            Hit::No | Hit::Unresolved => return None,
        };
        let truth = about.min(condition::all_hold(&self.conditions, question.context, question.mode));
        let is_doubtful = *question.mode == Mode::Doubtful;
        let applies = match (self.effect, truth) {
            (_, Truth::No) => false,
            (_, Truth::Yes) => true,
            (Effect::Allow, Truth::Open) => !is_doubtful,
            (Effect::Deny, Truth::Open) => is_doubtful,
        };
        applies.then_some(strength)
    }

    /// How its principals speak of the caller; `None` where they do not.
    fn strength(&self, question: &Question<'_>) -> Option<Strength> {
        match &self.principals {
            None => Some(Strength::Direct),
            Some(principals) if principals.is_except() && self.effect == Effect::Deny => {
                // "AWS JSON policy elements: NotPrincipal": with a Deny it always denies who has a permissions boundary,
                // whomever it names.
                let denied = question.is_bounded || !principals.spares(question.caller, question.context);
                denied.then_some(Strength::Direct)
            }
            Some(principals) => principals.speak_of(question.caller, question.context),
        }
    }

    /// The context keys that it asks about and the question lacks, if all else of it speaks of the question.
    pub(super) fn missing<'a>(&'a self, question: &Question<'a>) -> Vec<&'a str> {
        if self.nobody || !self.actions.hit(question.action) || self.strength(question).is_none() {
            return Vec::new();
        }
        let absent = |key: &&str| !question.context.is_known(key);
        let mut missing = Vec::new();
        let hit = self.resources.hit(&question.resource, question.context);
        if hit == Hit::Yes {
            missing.extend(self.conditions.iter().flat_map(|condition| condition.missing(question.context)));
        } else if hit == Hit::Unresolved {
            let variables = self.resources.patterns.iter().flat_map(ResourcePattern::variables);
            missing.extend(variables.filter(absent));
        }
        missing
    }
}

impl Actions {
    fn new(patterns: &Patterns) -> Actions {
        let (list, except) = match patterns {
            Patterns::Only(list) => (list, false),
            Patterns::Except(list) => (list, true),
        };
        let syntax = Syntax { wildcards: true, variables: false, fold: true };
        let service = |text: &String| {
            let (service, _) = text.split_once(':')?;
            (!service.contains(['*', '?'])).then(|| service.to_ascii_lowercase().into_boxed_str())
        };
        Actions {
            patterns: list.iter().map(|text| Pattern::new(text, syntax)).collect(),
            except,
            services: if except { None } else { list.iter().map(service).collect() },
        }
    }

    fn hit(&self, action: &ActionName) -> bool {
        self.patterns.iter().any(|pattern| pattern.fits(&action.lower)) != self.except
    }
}

impl Resources {
    fn new(patterns: Option<&Patterns>, variables: bool, widen: bool) -> Resources {
        let read = |list: &[String]| list.iter().map(|text| ResourcePattern::new(text, variables, widen)).collect();
        match patterns {
            // Trust policies have none: they stand on their resource.
            None => Resources { patterns: vec![ResourcePattern::Anything], except: false },
            Some(Patterns::Only(list)) => Resources { patterns: read(list), except: false },
            Some(Patterns::Except(list)) => Resources { patterns: read(list), except: true },
        }
    }

    /// Whether it is meant; not resolved where that hangs on a variable. Of NotResource it cannot be said then what is left.
    fn hit(&self, resource: &Resource<'_>, context: &Context) -> Hit {
        let mut any = false;
        for pattern in &self.patterns {
            match pattern.hit(resource, context) {
                Hit::Yes => return if self.except { Hit::No } else { Hit::Yes },
                Hit::No => {}
                Hit::Unresolved => any = true,
            }
        }
        match (any, self.except) {
            (true, _) => Hit::Unresolved,
            (false, true) => Hit::Yes,
            (false, false) => Hit::No,
        }
    }
}
