//! Sessions: how machines, CI jobs and people of Identity Center come by their temporary credentials.
//!
//! The access key that such an event hands out is the one that the session's calls are signed with. Chains from
//! one role to the next are another room's.

use super::calendar::{Calendar, push_time, push_us_time};
use super::cast::{Actor, Cast};
use super::dice::Dice;
use super::personas::{Kind, living_in};
use super::record::{Assumed, Record, push_credentials};
use super::scribe::Moment;

/// How many of its sessions an actor's kind begins on a day, of those that the plan has room for.
pub(super) fn starts_per_day(kind: Kind, level: u32, workday: bool) -> u32 {
    match kind {
        Kind::Instance | Kind::Function | Kind::Task => level.min(4),
        Kind::Oidc | Kind::Sso => u32::from(workday && level > 0),
        _ => 0,
    }
}

/// Sessions that begin in the whole period, in one account.
pub(super) fn starts_in_period(calendar: &Calendar, platform: bool, level: u32) -> u64 {
    let on_day = |workday: bool| -> u64 {
        living_in(platform)
            .map(|persona| u64::from(starts_per_day(persona.kind, level, workday)) * persona.sessions.len() as u64)
            .sum()
    };
    let workdays = (0..calendar.days).filter(|day| calendar.workday(*day)).count() as u64;
    workdays * on_day(true) + (u64::from(calendar.days) - workdays) * on_day(false)
}

/// Sessions that begin on a day in a region: times, and places of actors in the cast.
pub(super) fn starts_on_day(
    cast: &Cast,
    calendar: &Calendar,
    region: usize,
    day: u32,
    level: u32,
) -> Vec<(i64, usize)> {
    let mut starts = Vec::new();
    for (at, actor) in cast.actors.iter().enumerate() {
        // Those at home nowhere sign in through us-east-1.
        if actor.home.unwrap_or(0) != region {
            continue;
        }
        let sessions = starts_per_day(actor.persona.kind, level, calendar.workday(day));
        let times = (0..sessions).filter_map(|nth| actor.nth_start(calendar.day_start(day), nth));
        starts.extend(times.map(|time| (time, at)));
    }
    starts
}

/// Appends the event that begins a session: AssumeRole by a service, or with a token from elsewhere.
pub(super) fn write_start(out: &mut String, moment: &Moment<'_>, actor: &Actor, dice: &mut Dice) {
    let (id, shared) = ((dice.next(), dice.next()), (dice.next(), dice.next()));
    let start = begin(moment, actor);
    let request = format!(
        "{{\"roleArn\":\"{}\",\"roleSessionName\":\"{}\",\"durationSeconds\":{}{}}}",
        actor.principal,
        actor.session,
        actor.session_length_s(),
        start.request
    );
    let mut expiration = String::new();
    push_us_time(&mut expiration, moment.time + actor.session_length_s());
    let mut response = String::with_capacity(800);
    let assumed = Assumed {
        account: moment.account,
        role: actor.persona.name,
        role_id: &actor.unique_id,
        session: &actor.session,
    };
    push_credentials(&mut response, &actor.session_key(moment.time), &expiration, &assumed, &start.response);
    let resources = format!(
        "[{{\"accountId\":\"{}\",\"type\":\"AWS::IAM::Role\",\"ARN\":\"{}\"}}]",
        moment.account.id, actor.principal
    );
    Record {
        version: "1.08",
        identity: &start.identity,
        time: moment.time,
        service: "sts",
        name: start.name,
        region: moment.region_name(),
        address: &start.address,
        agent: &start.agent,
        request: &request,
        response: &response,
        id,
        read_only: true,
        resources: &resources,
        event_type: "AwsApiCall",
        account: &moment.account.id,
        shared: start.by_service.then_some(shared),
        host: if start.by_service { "" } else { "sts.us-east-1.amazonaws.com" },
        ..Record::default()
    }
    .write(out);
}

struct Start {
    name: &'static str,
    identity: String,
    address: String,
    agent: String,
    by_service: bool,
    request: String,
    response: String,
}

/// How an actor's kind begins a session.
fn begin(moment: &Moment<'_>, actor: &Actor) -> Start {
    let account = &moment.account.id;
    match actor.persona.kind {
        Kind::Oidc => {
            let provider = format!("arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com");
            let subject = "repo:acme/shop:environment:production";
            Start {
                name: "AssumeRoleWithWebIdentity",
                identity: format!(
                    "{{\"type\":\"WebIdentityUser\",\"principalId\":\"{provider}:sts.amazonaws.com:{subject}\",\"userName\":\"{subject}\",\"identityProvider\":\"{provider}\"}}"
                ),
                address: actor.addresses.first().cloned().unwrap_or_default(),
                agent: (*actor.persona.agents.first().unwrap_or(&"")).to_owned(),
                by_service: false,
                request: String::new(),
                response: format!(
                    ",\"subjectFromWebIdentityToken\":\"{subject}\",\"provider\":\"{provider}\",\"audience\":\"sts.amazonaws.com\""
                ),
            }
        }
        Kind::Sso => {
            let provider = format!("arn:aws:iam::{account}:saml-provider/AWSSSO_0a1b2c3d4e5f6071_DO_NOT_DELETE");
            let mut before = String::new();
            push_time(&mut before, moment.time + 300);
            Start {
                name: "AssumeRoleWithSAML",
                identity: format!("{{\"type\":\"SAMLUser\",\"principalId\":\"kQ3vY0zLw1m7X5uJ2n8RtA==:{0}\",\"userName\":\"{0}\",\"identityProvider\":\"kQ3vY0zLw1m7X5uJ2n8RtA==\"}}", actor.session),
                address: actor.addresses.first().cloned().unwrap_or_default(),
                agent: "aws-internal/3 aws-sdk-java/1.12.791 Linux/5.10.245 OpenJDK_64-Bit_Server_VM/25.472-b08 java/1.8.0_472 vendor/Oracle_Corporation cfg/retry-mode/standard".to_owned(),
                by_service: false,
                request: format!(",\"sAMLAssertionID\":\"_0c0b6a04-3c5e-4b18-9e0f-1d1f5a2c9e77\",\"principalArn\":\"{provider}\""),
                response: format!(",\"subject\":\"{}\",\"subjectType\":\"persistent\",\"issuer\":\"https://portal.sso.us-east-1.amazonaws.com/saml/assertion/issuer\",\"audience\":\"https://signin.aws.amazon.com/saml\",\"nameQualifier\":\"kQ3vY0zLw1m7X5uJ2n8RtA==\"", actor.session),
            }
        }
        kind => {
            let service = match kind {
                Kind::Function => "lambda.amazonaws.com",
                Kind::Task => "ecs-tasks.amazonaws.com",
                _ => "ec2.amazonaws.com",
            };
            Start {
                name: "AssumeRole",
                identity: format!("{{\"type\":\"AWSService\",\"invokedBy\":\"{service}\"}}"),
                address: service.to_owned(),
                agent: service.to_owned(),
                by_service: true,
                request: String::new(),
                response: String::new(),
            }
        }
    }
}
