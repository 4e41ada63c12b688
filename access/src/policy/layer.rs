//! One layer of policies: all that say the same kind of thing about a request, as one set of statements.

use std::collections::{BTreeMap, HashMap};

use ahash::RandomState;

use super::document::{Document, Effect};
use super::principal::Strength;
use super::statement::{self, Place, Question, Statement};

/// The policies of a layer, compiled. Statements are found by the service of the action.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    statements: Vec<Statement>,
    by_service: HashMap<Box<str>, Box<[u32]>, RandomState>,
    /// Statements that may speak of any service.
    general: Box<[u32]>,
}

/// What a layer says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said<'a> {
    /// The strongest Allow, the first of several.
    pub(super) allow: Option<(Strength, &'a Statement)>,
    /// The first Deny.
    pub(super) deny: Option<&'a Statement>,
}

impl Layer {
    /// Compiles documents with their names.
    pub(super) fn new<'d>(documents: impl IntoIterator<Item = (&'d str, &'d Document)>, place: Place) -> Layer {
        let statements: Vec<Statement> =
            documents.into_iter().flat_map(|(name, document)| statement::compile(document, name, place)).collect();
        let numbered = || (0_u32..).zip(&statements);
        let mut services: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (_, statement) in numbered() {
            for service in statement.actions.services.iter().flatten() {
                services.entry(service).or_default();
            }
        }
        let mut general = Vec::new();
        for (at, statement) in numbered() {
            match &statement.actions.services {
                None => {
                    general.push(at);
                    services.values_mut().for_each(|list| list.push(at));
                }
                Some(named) => {
                    for service in named {
                        if let Some(list) = services.get_mut(&**service)
                            && list.last() != Some(&at)
                        {
                            list.push(at);
                        }
                    }
                }
            }
        }
        let by_service = services.into_iter().map(|(service, list)| (service.into(), list.into())).collect();
        Layer { by_service, general: general.into(), statements }
    }

    /// What it says about a request. Stops at the first Deny: nothing outweighs it.
    pub(super) fn ask(&self, question: &Question<'_>) -> Said<'_> {
        let mut said = Said::default();
        for statement in self.candidates(question) {
            // An Allow that is no stronger than one found already adds nothing.
            if statement.effect == Effect::Allow && matches!(said.allow, Some((Strength::Direct, _))) {
                continue;
            }
            let Some(strength) = statement.applies(question) else { continue };
            match statement.effect {
                Effect::Deny => {
                    said.deny = Some(statement);
                    break;
                }
                Effect::Allow if said.allow.is_none_or(|(known, _)| known < strength) => {
                    said.allow = Some((strength, statement));
                }
                Effect::Allow => {}
            }
        }
        said
    }

    /// Every statement that applies, for explanations.
    pub(super) fn applying<'a>(&'a self, question: &Question<'_>) -> Vec<&'a Statement> {
        self.candidates(question).filter(|statement| statement.applies(question).is_some()).collect()
    }

    /// The context keys that its statements ask about and the request lacks.
    pub(super) fn missing<'a>(&'a self, question: &Question<'a>) -> Vec<&'a str> {
        self.candidates(question).flat_map(|statement| statement.missing(question)).collect()
    }

    fn candidates(&self, question: &Question<'_>) -> impl Iterator<Item = &Statement> {
        let list = self.by_service.get(question.action.service()).unwrap_or(&self.general);
        list.iter().filter_map(|at| self.statements.get(*at as usize))
    }
}
