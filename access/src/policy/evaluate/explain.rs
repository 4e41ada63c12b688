//! The long answer: what every layer said, and which keys the context lacks.

use std::collections::BTreeSet;

use super::{Guards, Layer, LayerKind, Layers, Outcome, Principal, Request};
use crate::policy::document::Effect;
use crate::policy::statement::{Origin, Question};

/// What one layer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSaid {
    /// The layer.
    pub layer: LayerKind,
    /// For several levels: the worst.
    pub outcome: Outcome,
    /// The statements that apply: the Denies, or where there is none the Allows.
    pub statements: Vec<Origin>,
}

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The result.
    pub outcome: Outcome,
    /// As in [`super::Decision`].
    pub blocked_by: Layers,
    /// The statement that denied or allowed it, and its layer.
    pub statement: Option<(LayerKind, Origin)>,
    /// Every layer that there is, in the order of [`LayerKind`].
    pub layers: Vec<LayerSaid>,
    /// Keys that statements which else speak of the request ask about and the context lacks, sorted.
    pub missing: Vec<String>,
}

impl Principal {
    /// [`Principal::decide`] with the reasons.
    pub fn explain(&self, request: &Request<'_>, guards: &Guards) -> Explained {
        let decision = self.decide(request, guards);
        let question = self.question(request);
        let scps: &[Layer] = if self.is_in_organisation() { &self.scps } else { &[] };
        let one = |layer: &Layer, kind| said(std::slice::from_ref(layer), kind, &question);
        let mut layers = Vec::new();
        if !scps.is_empty() {
            layers.push(said(scps, LayerKind::Scp, &question));
        }
        let rcps = guards.rcps.iter().filter(|level| !denies(level, &question).is_empty()).cloned().collect::<Vec<_>>();
        if !rcps.is_empty() {
            layers.push(said(&rcps, LayerKind::Rcp, &question));
        }
        layers.push(one(&self.identity, LayerKind::Identity));
        layers.extend(guards.policy.as_ref().map(|layer| one(layer, LayerKind::Resource)));
        layers.extend(self.boundary.as_ref().map(|layer| one(layer, LayerKind::Boundary)));
        layers.extend(self.session.as_ref().map(|layer| one(layer, LayerKind::Session)));
        layers.extend(guards.endpoint.as_ref().map(|layer| one(layer, LayerKind::Endpoint)));
        let everywhere = scps
            .iter()
            .chain(&guards.rcps)
            .chain([&self.identity])
            .chain([&guards.policy, &self.boundary, &self.session, &guards.endpoint].into_iter().flatten());
        let missing: BTreeSet<&str> = everywhere.flat_map(|layer| layer.missing(&question)).collect();
        Explained {
            outcome: decision.outcome,
            blocked_by: decision.blocked_by,
            statement: decision.statement.map(|(layer, origin)| (layer, origin.clone())),
            layers,
            missing: missing.into_iter().map(str::to_owned).collect(),
        }
    }
}

fn denies(layer: &Layer, question: &Question<'_>) -> Vec<Origin> {
    let applying = layer.applying(question).into_iter();
    applying.filter(|statement| statement.effect == Effect::Deny).map(|statement| statement.origin.clone()).collect()
}

fn said(levels: &[Layer], layer: LayerKind, question: &Question<'_>) -> LayerSaid {
    let denying: Vec<_> = levels.iter().flat_map(|level| denies(level, question)).collect();
    if !denying.is_empty() {
        return LayerSaid { layer, outcome: Outcome::ExplicitlyDenied, statements: denying };
    }
    let mut allowing = Vec::new();
    let mut outcome = Outcome::Allowed;
    for level in levels {
        let applying = level.applying(question);
        if applying.is_empty() {
            outcome = Outcome::ImplicitlyDenied;
        }
        allowing.extend(applying.into_iter().map(|statement| statement.origin.clone()));
    }
    LayerSaid { layer, outcome, statements: allowing }
}
