//! Root: signing in, acting with a root key, and the two shapes that only look like root.

use super::super::scribe::Caller;
use super::super::template::{Scene, filled};
use super::super::{Expect, REGIONS};
use super::{Act, Deed, Plot, Record, Stage};

const ABROAD: &str = "198.51.100.201";
const BROWSER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

fn text(stage: &Stage<'_>, account: u32, time: i64, template: &'static str) -> Option<String> {
    let account = stage.account(account)?;
    Some(filled(template, &Scene { account, region: REGIONS[0], time, salt: account.seed, own: "root", session: "" }))
}

fn principal(stage: &Stage<'_>, account: u32) -> String {
    stage.account(account).map_or_else(String::new, |account| format!("arn:aws:iam::{}:root", account.id))
}

fn caller<'a>(identity: &'a str, address: &'a str, agent: &'a str) -> Caller<'a> {
    let by_service = address.ends_with(".amazonaws.com");
    Caller {
        identity,
        arn: "",
        name: "root",
        session: "",
        address,
        agent,
        vpc_endpoint: "",
        by_service,
        from_console: false,
    }
}

/// Root signs in to the console of the platform account, with MFA.
pub(super) fn console_login(stage: &mut Stage<'_>) -> Option<Plot> {
    let time = stage.at(620, 3, 12);
    let identity = text(
        stage,
        0,
        time,
        r#"{"type":"Root","principalId":"<account>","arn":"arn:aws:iam::<account>:root","accountId":"<account>","accessKeyId":""}"#,
    )?;
    let additional = text(
        stage,
        0,
        time,
        r#"{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAIdentifier":"arn:aws:iam::<account>:mfa/root-account-mfa-device","MFAUsed":"Yes"}"#,
    )?;
    let account = stage.account(0)?.id.clone();
    let id = (stage.dice.next(), stage.dice.next());
    let mut record = String::new();
    Record {
        version: "1.09",
        identity: &identity,
        time,
        service: "signin",
        name: "ConsoleLogin",
        region: REGIONS[0],
        address: ABROAD,
        agent: BROWSER,
        response: r#"{"ConsoleLogin":"Success"}"#,
        additional: &additional,
        id,
        event_type: "AwsConsoleSignIn",
        account: &account,
        host: "us-east-1.signin.aws.amazon.com",
        ..Record::default()
    }
    .write(&mut record);
    Some(Plot {
        kind: "root_console_login",
        expect: Expect::Alert,
        about: "root signs in to the console at night",
        account: 0,
        region: 0,
        principal: principal(stage, 0),
        acts: vec![Act { time, id, text: record }],
        before: Vec::new(),
    })
}

/// Somebody uses an access key of root.
pub(super) fn api_use(stage: &mut Stage<'_>) -> Option<Plot> {
    let account = stage.target_index;
    let time = stage.at(710, 22, 41);
    let identity = text(
        stage,
        account,
        time,
        r#"{"type":"Root","principalId":"<account>","arn":"arn:aws:iam::<account>:root","accountId":"<account>","accessKeyId":"AKIA6ROOTKEYOLDEST2A"}"#,
    )?;
    let agent = "aws-cli/2.9.4 Python/3.9.11 Windows/10 exe/AMD64 prompt/off command/iam.list-users";
    let caller = caller(&identity, ABROAD, agent);
    let mut acts = Vec::new();
    for (nth, (service, name, host)) in [
        ("sts", "GetCallerIdentity", "sts.us-east-1.amazonaws.com"),
        ("iam", "ListUsers", "iam.amazonaws.com"),
        ("iam", "GetAccountSummary", "iam.amazonaws.com"),
    ]
    .into_iter()
    .enumerate()
    {
        let deed = Deed { service, name, host, read_only: true, ..Deed::default() };
        acts.extend(stage.raw((account, 0), time + 31 * nth as i64, &caller, deed));
    }
    Some(Plot {
        kind: "root_api_use",
        expect: Expect::Alert,
        about: "an access key of root is used from outside",
        account,
        region: 0,
        principal: principal(stage, account),
        acts,
        before: Vec::new(),
    })
}

/// A service acts for the account, which old services record as root: no alert.
pub(super) fn by_service(stage: &mut Stage<'_>) -> Option<Plot> {
    let account = stage.target_index;
    let time = stage.at(550, 14, 5);
    let identity = text(
        stage,
        account,
        time,
        r#"{"type":"Root","principalId":"<account>","arn":"arn:aws:iam::<account>:root","accountId":"<account>","invokedBy":"autoscaling.amazonaws.com"}"#,
    )?;
    let service = "autoscaling.amazonaws.com";
    let deed = Deed {
        service: "ec2",
        name: "CreateTags",
        request: r#"{"resourcesSet":{"items":[{"resourceId":"i-0f3a91c27be45d608"}]},"tagSet":{"items":[{"key":"aws:autoscaling:groupName","value":"web-app"}]}}"#,
        response: r#"{"_return":true}"#,
        ..Deed::default()
    };
    let mut acts: Vec<Act> =
        stage.raw((account, 0), time, &caller(&identity, service, service), deed).into_iter().collect();
    acts.extend(service_event(stage, account, time + 1_900));
    Some(Plot {
        kind: "root_invoked_by_service",
        expect: Expect::Nothing,
        about: "type Root with invokedBy, and an AwsServiceEvent of type Root",
        account,
        region: 0,
        principal: principal(stage, account),
        acts,
        before: Vec::new(),
    })
}

fn service_event(stage: &mut Stage<'_>, account: u32, time: i64) -> Option<Act> {
    let identity = text(
        stage,
        account,
        time,
        r#"{"type":"Root","principalId":"<account>","arn":"arn:aws:iam::<account>:root","accountId":"<account>"}"#,
    )?;
    let own = stage.account(account)?.id.clone();
    let id = (stage.dice.next(), stage.dice.next());
    let mut record = String::new();
    Record {
        version: "1.08",
        identity: &identity,
        time,
        service: "billingconsole",
        name: "AWSPaymentMethodVerified",
        region: REGIONS[0],
        address: "AWS Internal",
        agent: "AWS Internal",
        id,
        event_type: "AwsServiceEvent",
        account: &own,
        service_event: r#"{"result":"SUCCESS"}"#,
        ..Record::default()
    }
    .write(&mut record);
    Some(Act { time, id, text: record })
}
