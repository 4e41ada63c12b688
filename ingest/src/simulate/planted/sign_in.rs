//! Sign-in: console logins without MFA, by a user (an alert) and through an identity provider (none), and failures.

use super::super::Expect;
use super::super::cast::Actor;
use super::super::scribe::{Moment, SignIn};
use super::{Act, Plot, Record, Stage, as_target};

fn login(stage: &mut Stage<'_>, actor: &Actor, time: i64, how: SignIn<'_>) -> Option<Act> {
    let account = stage.accounts.get(stage.target_index as usize)?;
    let ready = stage.catalogue.named("signin:ConsoleLogin")?;
    let moment = Moment { account, region: 0, time };
    let mut text = String::new();
    let id = stage.scribe.write_sign_in(&mut text, &moment, actor, ready, &how, &mut stage.dice);
    Some(Act { time, id, text })
}

fn plot(
    stage: &Stage<'_>,
    kind: &'static str,
    expect: Expect,
    about: &'static str,
    actor: &Actor,
    acts: Vec<Act>,
) -> Plot {
    let account = stage.target_index;
    Plot { kind, expect, about, account, region: 0, principal: actor.principal.clone(), acts, before: Vec::new() }
}

/// A user signs in without MFA.
pub(super) fn without_mfa(stage: &mut Stage<'_>) -> Option<Plot> {
    as_target(stage, "jonas.weber", |stage, actor| {
        let how = SignIn { address: "198.51.100.77", ..SignIn::default() };
        let acts = login(stage, actor, stage.at(660, 19, 47), how).into_iter().collect();
        let about = "a user signs in to the console without MFA, from an unknown address";
        Some(plot(stage, "console_login_without_mfa", Expect::Alert, about, actor, acts))
    })
}

/// Somebody of Identity Center signs in: AWS saw no MFA, the provider did.
pub(super) fn sso(stage: &mut Stage<'_>) -> Option<Plot> {
    as_target(stage, "AWSReservedSSO_AdministratorAccess_5f2c1d7e9a3b4c60", |stage, actor| {
        let acts = login(stage, actor, stage.at(680, 8, 3), SignIn::default()).into_iter().collect();
        let about = "a sign-in through an identity provider, which always says MFAUsed No";
        Some(plot(stage, "sso_console_login", Expect::Information, about, actor, acts))
    })
}

/// A password is guessed at: four times for a user, once for one that does not exist.
pub(super) fn failed(stage: &mut Stage<'_>) -> Option<Plot> {
    as_target(stage, "priya.natarajan", |stage, actor| {
        let time = stage.at(640, 2, 20);
        let how = SignIn {
            mfa: false,
            failure: "Failed authentication",
            address: "198.51.100.14",
            agent: "Go-http-client/1.1",
        };
        let mut acts: Vec<Act> = (0..4).filter_map(|nth| login(stage, actor, time + nth * 11, how)).collect();
        acts.extend(unknown_user(stage, time + 60));
        let about = "failed console sign-ins for one user and for a name that does not exist";
        Some(plot(stage, "console_login_failed", Expect::Alert, about, actor, acts))
    })
}

/// CloudTrail hides the name when no such user exists: it may be a password typed into the wrong field.
fn unknown_user(stage: &mut Stage<'_>, time: i64) -> Option<Act> {
    let account = stage.account(stage.target_index)?.id.clone();
    let identity = format!(
        "{{\"type\":\"IAMUser\",\"accountId\":\"{account}\",\"accessKeyId\":\"\",\"userName\":\"HIDDEN_DUE_TO_SECURITY_REASONS\"}}"
    );
    let id = (stage.dice.next(), stage.dice.next());
    let mut text = String::new();
    Record {
        version: "1.09",
        identity: &identity,
        time,
        service: "signin",
        name: "ConsoleLogin",
        region: "us-east-1",
        address: "198.51.100.14",
        agent: "Go-http-client/1.1",
        error: ("", "No username found in supplied account"),
        response: r#"{"ConsoleLogin":"Failure"}"#,
        additional: r#"{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"No"}"#,
        id,
        event_type: "AwsConsoleSignIn",
        account: &account,
        host: "us-east-1.signin.aws.amazon.com",
        ..Record::default()
    }
    .write(&mut text);
    Some(Act { time, id, text })
}
