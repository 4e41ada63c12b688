//! The long answer: what every layer said, and which keys the context lacks.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Guards, Layer, LayerKind, Layers, Outcome, Principal, Request};
use crate::policy::document::{Document, Effect};
use crate::policy::exempt;
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

impl Principal {
    /// Whether the answer hangs on the policy of the resource, which is not among the guards: of a key and across accounts it
    /// must allow too, and of a role to be assumed its trust policy. What this side forbids, it forbids whatever that says.
    pub fn waits_for_owner(&self, request: &Request<'_>, guards: &Guards) -> bool {
        if guards.policy.is_some() {
            return false;
        }
        match self.decide(request, guards).outcome {
            Outcome::ExplicitlyDenied => false,
            Outcome::Allowed => exempt::has_policy_of_its_own(request.action, request.resource, true),
            Outcome::ImplicitlyDenied => {
                let delegating = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*",
                    "Resource": "*", "Principal": {"AWS": self.caller.account}}});
                let Ok(delegating) = Document::parse(&delegating) else { return false };
                let asked = guards.clone().with_policy(&delegating, "");
                self.decide(request, &asked).outcome == Outcome::Allowed
            }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::policy::{ActionName, Caller, Context, Mode};

    #[test]
    fn what_hangs_on_a_policy_that_is_not_there_is_told() {
        let allow = |action: &str| {
            Document::parse(&json!({"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}})).unwrap()
        };
        let waits = |granted: &str, action: &str, resource: &str, owner: &str, given: bool| {
            let (identity, other) = (allow(granted), allow("s3:*"));
            let caller = Caller::new("arn:aws:iam::111111111111:user/u");
            let principal = Principal::new(caller, &[("p", &identity)]);
            let guards = if given { Guards::none().with_policy(&other, "r") } else { Guards::none() };
            let (context, mode, action) = (Context::default(), Mode::Strict, ActionName::new(action));
            let request =
                Request { action: &action, resource, resource_account: owner, context: &context, mode: &mode };
            principal.waits_for_owner(&request, &guards)
        };
        let (key, object) = ("arn:aws:kms:us-east-1:111111111111:key/1", "arn:aws:s3:::b/k");
        assert!(waits("kms:*", "kms:Decrypt", key, "111111111111", false));
        assert!(!waits("s3:*", "kms:Decrypt", key, "111111111111", false));
        assert!(waits("s3:*", "s3:GetObject", object, "222222222222", false));
        assert!(!waits("s3:*", "s3:GetObject", object, "222222222222", true));
        assert!(
            !waits("s3:*", "s3:GetObject", object, "", false) && !waits("sqs:*", "s3:GetObject", object, "", false)
        );
        let role = "arn:aws:iam::111111111111:role/ext";
        assert!(waits("sts:*", "sts:AssumeRole", role, "111111111111", false));
        assert!(!waits("sts:*", "sts:AssumeRole", role, "111111111111", true));
    }
}
