//! The decision: may this principal do this?
//!
//! Source: "Policy evaluation logic", "Policy evaluation for requests within a single account" and "Cross-account policy
//! evaluation logic" in the IAM user guide. In short: a Deny anywhere wins; every level of service control policies must
//! allow; then within one account either the identity policies allow, within boundary and session policy, or the
//! resource's policy does; across accounts both must. Keys and roles have policies of their own that must allow.
//!
//! [`Principal`] is what is compiled once, [`Guards`] is what stands at the resource, [`Principal::decide`] is cheap.
//! Knows policies and requests. Must not know inventories, files or events.

mod explain;

use super::caller::{Caller, Kind};
use super::context::Context;
use super::document::Document;
use super::layer::{Layer, Said};
use super::mode::Mode;
use super::principal::Strength;
use super::statement::{ActionName, Origin, Place, Question};
use super::{arn, exempt};

pub use explain::{Explained, LayerSaid};

/// Documents with the names that answers use.
pub type Named<'a> = Vec<(&'a str, &'a Document)>;

/// The result of an evaluation, in the words of AWS' documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Allowed.
    Allowed,
    /// Nothing allows it.
    ImplicitlyDenied,
    /// A statement denies it.
    ExplicitlyDenied,
}

impl Outcome {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Allowed => "Allowed",
            Outcome::ImplicitlyDenied => "ImplicitlyDenied",
            Outcome::ExplicitlyDenied => "ExplicitlyDenied",
        }
    }
}

/// A layer of policies, in the order in which a block is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerKind {
    /// Service control policies.
    Scp,
    /// Resource control policies.
    Rcp,
    /// Identity policies, with those of groups.
    Identity,
    /// The resource's policy.
    Resource,
    /// Permissions boundary.
    Boundary,
    /// Session policy.
    Session,
    /// VPC endpoint policy.
    Endpoint,
}

impl LayerKind {
    /// The short name that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            LayerKind::Scp => "scp",
            LayerKind::Rcp => "rcp",
            LayerKind::Identity => "identity",
            LayerKind::Resource => "resource",
            LayerKind::Boundary => "pb",
            LayerKind::Session => "session",
            LayerKind::Endpoint => "vpce",
        }
    }
}

/// A set of layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layers(u8);

impl Layers {
    fn add(&mut self, layer: LayerKind, when: bool) {
        self.0 |= u8::from(when) << (layer as u8);
    }

    /// The layers, in order.
    pub fn iter(self) -> impl Iterator<Item = LayerKind> {
        use LayerKind::{Boundary, Endpoint, Identity, Rcp, Resource, Scp, Session};
        let all = [Scp, Rcp, Identity, Resource, Boundary, Session, Endpoint];
        all.into_iter().filter(move |layer| self.0 & (1 << (*layer as u8)) != 0)
    }
}

/// A decision and what decided it.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// The result.
    pub outcome: Outcome,
    /// The layers without which it would be allowed; none where no policy grants it in the first place.
    pub blocked_by: Layers,
    /// The statement that denied or allowed it, and its layer.
    pub statement: Option<(LayerKind, &'a Origin)>,
}

/// What stands on the caller's side, compiled.
#[derive(Debug, Clone)]
pub struct Principal {
    caller: Caller,
    identity: Layer,
    boundary: Option<Layer>,
    session: Option<Layer>,
    /// From the root of the organisation to the account.
    scps: Vec<Layer>,
}

/// What stands at the resource, compiled.
#[derive(Debug, Clone, Default)]
pub struct Guards {
    policy: Option<Layer>,
    rcps: Vec<Layer>,
    endpoint: Option<Layer>,
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The action.
    pub action: &'a ActionName,
    /// The resource's ARN, or `*` for an action that has none.
    pub resource: &'a str,
    /// The account that owns the resource; empty for the caller's own.
    pub resource_account: &'a str,
    /// The context.
    pub context: &'a Context,
    /// What conditions are left open.
    pub mode: &'a Mode,
}

/// What all layers say about one request.
struct Heard<'a> {
    scp: Said<'a>,
    scp_allows: bool,
    rcp: Said<'a>,
    identity: Said<'a>,
    identity_allows: bool,
    resource: Said<'a>,
    boundary: Option<Said<'a>>,
    session: Option<Said<'a>>,
    endpoint: Option<Said<'a>>,
}

impl Principal {
    /// A principal with its identity policies (its groups' among them).
    pub fn new(caller: Caller, identity: &[(&str, &Document)]) -> Principal {
        let identity = Layer::new(identity.iter().copied(), Place::Owner);
        Principal { caller, identity, boundary: None, session: None, scps: Vec::new() }
    }

    /// Bounds it: of several boundaries each may allow. None at all is no boundary.
    pub fn with_boundary(mut self, documents: &[(&str, &Document)]) -> Principal {
        self.boundary = (!documents.is_empty()).then(|| Layer::new(documents.iter().copied(), Place::Owner));
        self
    }

    /// Bounds its session. The boundary of a session is its role's.
    pub fn with_session(mut self, document: &Document) -> Principal {
        self.session = Some(Layer::new([("session policy", document)], Place::Owner));
        self
    }

    /// Adds a level of service control policies: each level must allow.
    pub fn with_scp_level(mut self, documents: &[(&str, &Document)]) -> Principal {
        self.scps.push(Layer::new(documents.iter().copied(), Place::Guard));
        self
    }

    /// Who it is.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether the request is allowed.
    pub fn decide<'a>(&'a self, request: &Request<'_>, guards: &'a Guards) -> Decision<'a> {
        let question = self.question(request);
        if exempt::is_always_allowed(request.action) {
            return Decision { outcome: Outcome::Allowed, blocked_by: Layers::default(), statement: None };
        }
        let heard = self.hear(&question, guards);
        self.weigh(&heard, request, guards)
    }

    fn question<'q>(&'q self, request: &Request<'q>) -> Question<'q> {
        Question {
            caller: &self.caller,
            action: request.action,
            resource: arn::Resource::new(request.resource),
            context: request.context,
            mode: request.mode,
            is_bounded: self.boundary.is_some(),
        }
    }

    /// Whether the organisation's policies hold for it: not for service-linked roles, not for services.
    fn is_in_organisation(&self) -> bool {
        self.caller.kind != Kind::Service && !self.caller.is_service_linked()
    }

    fn hear<'a>(&'a self, question: &Question<'_>, guards: &'a Guards) -> Heard<'a> {
        let scps: &[Layer] = if !self.scps.is_empty() && self.is_in_organisation() { &self.scps } else { &[] };
        let (mut scp, mut scp_allows) = (Said::default(), true);
        for level in scps {
            let said = level.ask(question);
            scp.deny = scp.deny.or(said.deny);
            scp_allows &= said.allow.is_some();
        }
        let mut rcp = Said::default();
        if question.action.has_resource_control && !guards.rcps.is_empty() && !self.caller.is_service_linked() {
            for level in &guards.rcps {
                // RCPFullAWSAccess is on every level and cannot be taken away, so only a Deny tells.
                rcp.deny = rcp.deny.or(level.ask(question).deny);
            }
        }
        let identity = self.identity.ask(question);
        let by_right = self.caller.kind == Kind::Root || exempt::needs_no_allow(question.action);
        Heard {
            scp,
            scp_allows,
            rcp,
            identity,
            identity_allows: identity.allow.is_some() || by_right,
            resource: guards.policy.as_ref().map_or_else(Said::default, |policy| policy.ask(question)),
            boundary: self.boundary.as_ref().map(|layer| layer.ask(question)),
            session: self.session.as_ref().map(|layer| layer.ask(question)),
            endpoint: guards.endpoint.as_ref().map(|layer| layer.ask(question)),
        }
    }

    fn weigh<'a>(&self, heard: &Heard<'a>, request: &Request<'_>, guards: &Guards) -> Decision<'a> {
        let silent = |said: &Option<Said<'_>>| said.as_ref().is_some_and(|said| said.allow.is_none());
        let denies = |said: &Option<Said<'_>>| said.as_ref().is_some_and(|said| said.deny.is_some());
        let grant = self.grant(heard, request, guards);
        let (boundary_denies, session_denies) = (denies(&heard.boundary), denies(&heard.session));
        // A session without its session policy that must have one has nothing of its own.
        let without_policy = self.caller.kind == Kind::Federated && heard.session.is_none();
        let boundary_blocks = boundary_denies || (grant.is_bounded && silent(&heard.boundary));
        let session_blocks =
            session_denies || (grant.is_bounded_by_session && (silent(&heard.session) || without_policy));
        let endpoint_blocks = denies(&heard.endpoint) || silent(&heard.endpoint);
        let mut blocked_by = Layers::default();
        blocked_by.add(LayerKind::Scp, heard.scp.deny.is_some() || !heard.scp_allows);
        blocked_by.add(LayerKind::Rcp, heard.rcp.deny.is_some());
        blocked_by.add(LayerKind::Identity, heard.identity.deny.is_some());
        blocked_by.add(LayerKind::Resource, heard.resource.deny.is_some());
        blocked_by.add(LayerKind::Boundary, boundary_blocks);
        blocked_by.add(LayerKind::Session, session_blocks);
        blocked_by.add(LayerKind::Endpoint, endpoint_blocks);
        let deny = heard.first_deny();
        let outcome = match (deny, grant.exists && blocked_by == Layers::default()) {
            (Some(_), _) => Outcome::ExplicitlyDenied,
            (None, true) => Outcome::Allowed,
            (None, false) => Outcome::ImplicitlyDenied,
        };
        let statement = match outcome {
            Outcome::ExplicitlyDenied => deny,
            Outcome::Allowed => grant.statement,
            Outcome::ImplicitlyDenied => None,
        };
        if !grant.exists {
            blocked_by = Layers::default();
        }
        Decision { outcome, blocked_by, statement }
    }

    /// What is granted before anything bounds it. A layer that denies is taken to be silent here: whether its Deny is
    /// what blocks is asked later.
    fn grant<'a>(&self, heard: &Heard<'a>, request: &Request<'_>, guards: &Guards) -> Grant<'a> {
        let account = request.resource_account;
        let same_account = account.is_empty() || account == self.caller.account;
        let strength = heard.resource.allow.map(|(strength, _)| strength);
        let by_resource = heard.resource.allow.map(|(_, statement)| (LayerKind::Resource, &statement.origin));
        let by_identity = heard.identity.allow.map(|(_, statement)| (LayerKind::Identity, &statement.origin));
        let identity = heard.identity_allows && heard.identity.deny.is_none();
        if self.caller.kind == Kind::Service || self.caller.kind == Kind::Other {
            // They have no policies of their own.
            let exists = strength.is_some() && heard.resource.deny.is_none();
            return Grant { exists, statement: by_resource, is_bounded: false, is_bounded_by_session: false };
        }
        let bounded = |exists, statement| Grant { exists, statement, is_bounded: true, is_bounded_by_session: true };
        if !same_account {
            let exists = identity && strength.is_some() && heard.resource.deny.is_none();
            return bounded(exists, by_identity.or(by_resource));
        }
        if heard.resource.deny.is_none() && strength >= Some(Strength::Role) {
            let is_bounded = strength != Some(Strength::Direct);
            return Grant { exists: true, statement: by_resource, is_bounded, is_bounded_by_session: is_bounded };
        }
        let owned = exempt::has_policy_of_its_own(request.action, request.resource, guards.policy.is_some());
        bounded(identity && (!owned || strength.is_some()), by_identity)
    }
}

/// What the policies that can grant do grant.
struct Grant<'a> {
    exists: bool,
    statement: Option<(LayerKind, &'a Origin)>,
    /// Whether a boundary that is silent blocks it.
    is_bounded: bool,
    /// Whether a session policy that is silent blocks it.
    is_bounded_by_session: bool,
}

impl<'a> Heard<'a> {
    fn first_deny(&self) -> Option<(LayerKind, &'a Origin)> {
        let some = |layer, said: &Said<'a>| said.deny.map(|statement| (layer, &statement.origin));
        let maybe = |layer, said: &Option<Said<'a>>| said.as_ref().and_then(|said| some(layer, said));
        some(LayerKind::Scp, &self.scp)
            .or_else(|| some(LayerKind::Rcp, &self.rcp))
            .or_else(|| some(LayerKind::Identity, &self.identity))
            .or_else(|| some(LayerKind::Resource, &self.resource))
            .or_else(|| maybe(LayerKind::Boundary, &self.boundary))
            .or_else(|| maybe(LayerKind::Session, &self.session))
            .or_else(|| maybe(LayerKind::Endpoint, &self.endpoint))
    }
}

impl Guards {
    /// Nothing stands at the resource.
    pub fn none() -> Guards {
        Guards::default()
    }

    /// The resource's policy.
    pub fn with_policy(mut self, document: &Document, name: &str) -> Guards {
        self.policy = Some(Layer::new([(name, document)], Place::Resource));
        self
    }

    /// Adds a level of resource control policies.
    pub fn with_rcp_level(mut self, documents: &[(&str, &Document)]) -> Guards {
        self.rcps.push(Layer::new(documents.iter().copied(), Place::Guard));
        self
    }

    /// The policies of the VPC endpoint that the request goes through: of several, one may allow.
    pub fn with_endpoint(mut self, documents: &[(&str, &Document)]) -> Guards {
        self.endpoint = (!documents.is_empty()).then(|| Layer::new(documents.iter().copied(), Place::Guard));
        self
    }
}

#[cfg(test)]
mod tests;
