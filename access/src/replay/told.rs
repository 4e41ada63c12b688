//! What a record tells of a request's context: which keys it had, with which values, and which it certainly had not.
//!
//! Source: "AWS global condition context keys" in the IAM user guide. What is neither told nor known to be absent stays
//! unknown: tags, user agent, age of the session, the organisation.

use std::net::IpAddr;

use crate::calls::Call;
use crate::instant;
use crate::policy::Context;
use crate::policy::caller::{Caller, Kind};
use crate::resource::Certainty;

/// What a record tells of a request's context.
pub fn context(call: &Call, caller: &Caller, time: i64) -> Context {
    let mut context = Context::default();
    context.set("aws:PrincipalArn", &caller.arn);
    context.set("aws:PrincipalAccount", &caller.account);
    context.set("aws:PrincipalType", caller.principal_type());
    if caller.kind == Kind::User {
        context.set("aws:username", &caller.name);
    }
    context.set("aws:RequestedRegion", &call.region);
    context.set("aws:CurrentTime", &instant::format(time));
    context.set("aws:EpochTime", &time.div_euclid(instant::SECOND).to_string());
    context.set("aws:ViaAWSService", if call.via.is_some() { "true" } else { "false" });
    // A service that calls for the principal shows its name where the address would be. A private address came through an
    // endpoint, whose requests have `aws:VpcSourceIp` instead; a public one did not ("AWS global condition context keys").
    match call.source.parse::<IpAddr>() {
        Ok(address) if !is_private(address) => {
            context.set("aws:SourceIp", &call.source);
            FROM_ENDPOINTS.iter().for_each(|key| context.set_absent(key));
        }
        Ok(_) => {
            context.set("aws:VpcSourceIp", &call.source);
            context.set_absent("aws:sourceip");
        }
        Err(_) => {}
    }
    if call.via.is_none() {
        ["aws:calledvia", "aws:calledviafirst", "aws:calledvialast"].iter().for_each(|key| context.set_absent(key));
    }
    match call.mfa {
        Some(mfa) => context.set("aws:MultiFactorAuthPresent", if mfa { "true" } else { "false" }),
        // The request of a user without a session, signed with a key that lasts.
        None if caller.kind == Kind::User => {
            OF_SESSIONS.iter().for_each(|key| context.set_absent(key));
        }
        None => {}
    }
    context.set("aws:PrincipalIsAWSService", "false");
    if call.certainty == Certainty::Exact
        && let Some(account) = call.resource.split(':').nth(4).filter(|account| !account.is_empty())
    {
        context.set("aws:ResourceAccount", account);
    }
    if let Some(service) = &call.passed_to {
        context.set("iam:PassedToService", service);
    }
    if let Some(action) = &call.create_action {
        context.set("ec2:CreateAction", action);
    }
    context
}

/// Keys of requests that came through an endpoint of a network.
const FROM_ENDPOINTS: [&str; 3] = ["aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"];
/// Keys of requests that were signed with temporary credentials.
const OF_SESSIONS: [&str; 5] = [
    "aws:multifactorauthpresent",
    "aws:multifactorauthage",
    "aws:tokenissuetime",
    "aws:sourceidentity",
    "aws:federatedprovider",
];

/// Whether an address is one of private networks (RFC 1918, RFC 6598, RFC 4193), which only endpoints see.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_private() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(address) => address.is_unique_local(),
    }
}
