//! One layer of policies: all that say the same kind of thing about a request, as one set of statements.

use std::collections::BTreeMap;

use super::document::{Document, Effect};
use super::principal::Strength;
use super::statement::{self, Place, Question, Statement};

/// The policies of a layer, compiled. Statements are found by the service of the action; the Denies come first, because
/// nothing outweighs one, and else both keep the order of the policies.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    statements: Vec<Statement>,
    /// By a number made of the service's name, then by the name: sorted, for a search.
    by_service: Vec<(u64, Box<str>, Box<[u32]>)>,
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
        let mut statements: Vec<Statement> =
            documents.into_iter().flat_map(|(name, document)| statement::compile(document, name, place)).collect();
        statements.sort_by_key(|statement| statement.effect != Effect::Deny);
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
        let keyed = |(service, list): (&str, Vec<u32>)| (statement::service_key(service), service.into(), list.into());
        let mut by_service: Vec<_> = services.into_iter().map(keyed).collect();
        by_service.sort_unstable();
        Layer { by_service, general: general.into(), statements }
    }

    /// What it says about a request. Stops at the first Deny: nothing outweighs it.
    pub(super) fn ask(&self, question: &Question<'_>) -> Said<'_> {
        let mut said = Said::default();
        for statement in self.candidates(question) {
            // An Allow that is no stronger than one found already adds nothing, and behind it there are only Allows.
            if matches!(said.allow, Some((Strength::Direct, _))) {
                break;
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
        let wanted = (question.action.service_key(), question.action.service());
        let found = self.by_service.binary_search_by(|(key, service, _)| (*key, &**service).cmp(&wanted)).ok();
        let list = found.and_then(|at| self.by_service.get(at)).map_or(&self.general, |(_, _, list)| list);
        list.iter().filter_map(|at| self.statements.get(*at as usize))
    }
}
