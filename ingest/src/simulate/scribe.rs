//! Scribe: turns "this actor makes this call now" into a record.
//!
//! It owns the buffers that a record is put together in, so that writing one allocates nothing. It decides how
//! a call looks and fails, never who calls or when.

use super::REGIONS;
use super::calls::{Form, Ready};
use super::cast::Actor;
use super::dice::Dice;
use super::personas::Kind;
use super::record::Record;
use super::template::{Account, Scene, Template};

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Denied,
    /// The call's own failure.
    Failed,
    Throttled,
}

/// Who calls, as the record has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    /// `userIdentity`, JSON.
    pub identity: &'a str,
    /// ARN for error messages.
    pub arn: &'a str,
    /// Name of the user or role.
    pub name: &'a str,
    /// Name of the session; empty for users.
    pub session: &'a str,
    pub address: &'a str,
    pub agent: &'a str,
    pub vpc_endpoint: &'a str,
    /// An AWS service calls: no TLS details are recorded.
    pub by_service: bool,
    pub from_console: bool,
}

/// Where and when a call is made.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub account: &'a Account,
    pub region: usize,
    pub time: i64,
}

impl Moment<'_> {
    pub(super) fn region_name(&self) -> &'static str {
        REGIONS.get(self.region).copied().unwrap_or(REGIONS[0])
    }
}

/// Buffers for the parts of one record.
#[derive(Debug, Default)]
pub(super) struct Scribe {
    identity: String,
    request: String,
    response: String,
    additional: String,
    resources: String,
    message: String,
    target: String,
    host: String,
}

impl Scribe {
    /// Appends the record of a call and gives its event id.
    pub(super) fn write_call(
        &mut self,
        out: &mut String,
        moment: &Moment<'_>,
        caller: &Caller<'_>,
        ready: &Ready,
        outcome: Outcome,
        dice: &mut Dice,
    ) -> (u64, u64) {
        let region = moment.region_name();
        let scene = Scene {
            account: moment.account,
            region,
            time: moment.time,
            salt: dice.next(),
            own: caller.name,
            session: caller.session,
        };
        let id = (dice.next(), dice.next());
        let call = &ready.call;
        for (buffer, template) in [
            (&mut self.request, &ready.request),
            (&mut self.additional, &ready.additional),
            (&mut self.resources, &ready.resources),
            (&mut self.host, &ready.host),
        ] {
            refill(buffer, template, &scene);
        }
        self.response.clear();
        if outcome == Outcome::Done {
            ready.response.fill(&mut self.response, &scene);
        }
        let code = self.fail(ready, outcome, caller, &scene);
        let notice = call.form == Form::Notice;
        Record {
            version: ready.version,
            identity: caller.identity,
            time: moment.time,
            service: call.service,
            name: call.name,
            region,
            address: caller.address,
            agent: caller.agent,
            error: (code, &self.message),
            request: if notice { "" } else { &self.request },
            response: &self.response,
            additional: &self.additional,
            id,
            read_only: call.read_only,
            resources: &self.resources,
            event_type: if notice { "AwsServiceEvent" } else { "AwsApiCall" },
            api_version: call.api_version,
            data: call.data,
            account: &moment.account.id,
            shared: None,
            vpc_endpoint: caller.vpc_endpoint,
            service_event: if notice { &self.request } else { "" },
            host: if caller.by_service { "" } else { &self.host },
            from_console: caller.from_console,
        }
        .write(out);
        id
    }

    /// Error code of an outcome; its message goes to the buffer.
    fn fail(&mut self, ready: &Ready, outcome: Outcome, caller: &Caller<'_>, scene: &Scene<'_>) -> &'static str {
        self.message.clear();
        match outcome {
            Outcome::Done => "",
            Outcome::Throttled if ready.call.service == "ec2" => {
                self.message.push_str("Request limit exceeded.");
                "Client.RequestLimitExceeded"
            }
            Outcome::Throttled => {
                self.message.push_str("Rate exceeded");
                "ThrottlingException"
            }
            Outcome::Failed => {
                ready.failure.fill(&mut self.message, scene);
                ready.call.failure.0
            }
            Outcome::Denied => self.deny(ready, caller, scene),
        }
    }

    fn deny(&mut self, ready: &Ready, caller: &Caller<'_>, scene: &Scene<'_>) -> &'static str {
        refill(&mut self.target, &ready.target, scene);
        let message = &mut self.message;
        let of_ec2 = ready.call.service == "ec2";
        if of_ec2 {
            message.push_str("You are not authorized to perform this operation. ");
        }
        let action = ready.call.action;
        for part in [
            "User: ",
            caller.arn,
            " is not authorized to perform: ",
            action,
            " on resource: ",
            &self.target,
            " because no identity-based policy allows the ",
            action,
            " action",
        ] {
            message.push_str(part);
        }
        if of_ec2 {
            message.push_str(". Encoded authorization failure message: ");
            super::dice::push_base64(message, scene.salt, 400);
            return "Client.UnauthorizedOperation";
        }
        if ready.call.service == "lambda" { "AccessDeniedException" } else { "AccessDenied" }
    }

    /// Appends the record of something an actor does by itself.
    pub(super) fn write_deed(
        &mut self,
        out: &mut String,
        moment: &Moment<'_>,
        actor: &Actor,
        ready: &Ready,
        outcome: Outcome,
        dice: &mut Dice,
    ) -> (u64, u64) {
        if ready.call.form == Form::SignIn {
            return self.write_sign_in(out, moment, actor, ready, &SignIn::usual(actor), dice);
        }
        let mut identity = std::mem::take(&mut self.identity);
        identity.clear();
        actor.push_identity(&mut identity, moment.time);
        let caller = caller(actor, &identity, ready, dice);
        let id = self.write_call(out, moment, &caller, ready, outcome, dice);
        self.identity = identity;
        id
    }

    /// Appends the record of a console sign-in.
    pub(super) fn write_sign_in(
        &mut self,
        out: &mut String,
        moment: &Moment<'_>,
        actor: &Actor,
        ready: &Ready,
        how: &SignIn<'_>,
        dice: &mut Dice,
    ) -> (u64, u64) {
        let id = (dice.next(), dice.next());
        self.identity.clear();
        actor.push_signing_in(&mut self.identity, moment.time);
        self.additional.clear();
        let account = &moment.account.id;
        let name = ready.call.name;
        if name == "CheckMfa" {
            self.additional.push_str("{\"MfaType\":\"Virtual MFA\"}");
        } else {
            self.additional.push_str("{\"LoginTo\":\"https://console.aws.amazon.com/console/home?hashArgs=%23&isauthcode=true&nc2=h_ct&src=header-signin&state=hashArgsFromTB_us-east-1\",\"MobileVersion\":\"No\",");
            if how.mfa {
                for part in ["\"MFAIdentifier\":\"arn:aws:iam::", account, ":mfa/", actor.persona.name, "\","] {
                    self.additional.push_str(part);
                }
            }
            self.additional.push_str(if how.mfa { "\"MFAUsed\":\"Yes\"}" } else { "\"MFAUsed\":\"No\"}" });
        }
        self.response.clear();
        let result = if how.failure.is_empty() { "Success" } else { "Failure" };
        for part in ["{\"", name, "\":\"", result, "\"}"] {
            self.response.push_str(part);
        }
        let address = match how.address {
            "" => choose(&actor.addresses, dice).map_or("203.0.113.10", String::as_str),
            given => given,
        };
        Record {
            version: ready.version,
            identity: &self.identity,
            time: moment.time,
            service: "signin",
            name,
            region: moment.region_name(),
            address,
            agent: if how.agent.is_empty() { actor.persona.agents.first().unwrap_or(&"") } else { how.agent },
            error: ("", how.failure),
            response: &self.response,
            additional: &self.additional,
            id,
            event_type: "AwsConsoleSignIn",
            account,
            host: "us-east-1.signin.aws.amazon.com",
            ..Record::default()
        }
        .write(out);
        id
    }
}

/// How somebody signs in to the console.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SignIn<'a> {
    pub mfa: bool,
    /// `errorMessage`; empty when it succeeds.
    pub failure: &'a str,
    /// Empty for the person's own.
    pub address: &'a str,
    pub agent: &'a str,
}

impl SignIn<'_> {
    /// Users with MFA; through an identity provider AWS sees no MFA of its own, so the record says `No`.
    fn usual(actor: &Actor) -> SignIn<'static> {
        SignIn { mfa: actor.persona.kind == Kind::Console, ..SignIn::default() }
    }
}

fn caller<'a>(actor: &'a Actor, identity: &'a str, ready: &Ready, dice: &mut Dice) -> Caller<'a> {
    let by_service = matches!(actor.persona.kind, Kind::Linked | Kind::Service | Kind::Notice);
    let mut address = choose(&actor.addresses, dice).map_or("AWS Internal", String::as_str);
    let mut vpc_endpoint = "";
    let through_endpoint = matches!(ready.call.service, "s3" | "dynamodb" | "kms" | "secretsmanager");
    if let Some((inside, endpoint)) = actor.private.as_ref().filter(|_| through_endpoint) {
        (address, vpc_endpoint) = (inside, endpoint);
    }
    let agents = actor.persona.agents;
    let at = match ready.call.service {
        // The first agent of an instance is the Systems Manager agent, which calls nobody else.
        "ssm" => 0,
        _ if actor.persona.kind == Kind::Instance => agents.len().saturating_sub(1),
        _ => dice.below(agents.len() as u32) as usize,
    };
    let agent = if by_service { address } else { agents.get(at).copied().unwrap_or("") };
    Caller {
        identity,
        arn: &actor.arn,
        name: actor.persona.name,
        session: &actor.session,
        address,
        agent,
        vpc_endpoint,
        by_service,
        from_console: matches!(actor.persona.kind, Kind::Console | Kind::Sso) && agent.starts_with("Mozilla"),
    }
}

pub(super) fn choose<'a, T>(from: &'a [T], dice: &mut Dice) -> Option<&'a T> {
    from.get(dice.below(from.len() as u32) as usize)
}

fn refill(buffer: &mut String, template: &Template, scene: &Scene<'_>) {
    buffer.clear();
    template.fill(buffer, scene);
}
