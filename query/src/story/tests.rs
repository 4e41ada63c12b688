//! Stories of made-up events: a key that becomes a session, and what the session left.

#![allow(clippy::unwrap_used)]

use super::{Story, Subject, tell, widen};
use crate::Control;
use crate::tests::engine_over;

fn record(id: u32, time: &str, identity: &str, call: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","userIdentity":{identity},"eventTime":"{time}","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2","eventID":"00000000-0000-0000-0000-{id:012}","eventType":"AwsApiCall","recipientAccountId":"111122223333",{call}}}"#
    )
}

const EVE: &str = r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/eve","accountId":"111122223333","userName":"eve","accessKeyId":"AKIAEEEEEEEEEEEEEEEE"}"#;
const BOB: &str = r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/bob","accountId":"111122223333","userName":"bob","accessKeyId":"AKIABBBBBBBBBBBBBBBB"}"#;
const ROLE: &str = r#"{"type":"AssumedRole","principalId":"AROAX:s","arn":"arn:aws:sts::111122223333:assumed-role/Admin/s","accountId":"111122223333","accessKeyId":"ASIAEEEEEEEEEEEEEEEE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/Admin","userName":"Admin"},"attributes":{"creationDate":"2024-01-03T00:00:00Z","mfaAuthenticated":"false"}}}"#;
const MALLORY: &str = r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/mallory","accountId":"111122223333","userName":"mallory","accessKeyId":"AKIAMMMMMMMMMMMMMMMM"}"#;

fn story_of(text: &str) -> (Story, u64) {
    let iam = r#""eventSource":"iam.amazonaws.com","readOnly":false"#;
    let mut records = vec![
        record(
            1,
            "2024-01-01T00:00:00Z",
            EVE,
            r#""eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","readOnly":true"#,
        ),
        record(
            2,
            "2024-01-03T00:00:00Z",
            EVE,
            r#""eventSource":"sts.amazonaws.com","eventName":"AssumeRole","readOnly":true,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/Admin"},"responseElements":{"credentials":{"accessKeyId":"ASIAEEEEEEEEEEEEEEEE"}}"#,
        ),
        record(
            3,
            "2024-01-03T00:01:00Z",
            ROLE,
            &format!(
                r#"{iam},"eventName":"CreateUser","requestParameters":{{"userName":"mallory"}},"responseElements":{{"user":{{"arn":"arn:aws:iam::111122223333:user/mallory"}}}}"#
            ),
        ),
        record(
            4,
            "2024-01-03T00:02:00Z",
            ROLE,
            &format!(
                r#"{iam},"eventName":"CreateAccessKey","requestParameters":{{"userName":"mallory"}},"responseElements":{{"accessKey":{{"accessKeyId":"AKIAMMMMMMMMMMMMMMMM","userName":"mallory"}}}}"#
            ),
        ),
        record(
            5,
            "2024-01-03T00:03:00Z",
            ROLE,
            &format!(r#"{iam},"eventName":"CreateUser","requestParameters":{{"userName":"tmp"}}"#),
        ),
        record(
            6,
            "2024-01-03T00:04:00Z",
            ROLE,
            &format!(r#"{iam},"eventName":"DeleteUser","requestParameters":{{"userName":"tmp"}}"#),
        ),
        record(
            7,
            "2024-01-03T01:00:00Z",
            MALLORY,
            r#""eventSource":"s3.amazonaws.com","eventName":"DeleteBucket","readOnly":false,"errorCode":"AccessDenied","requestParameters":{"bucketName":"vault"}"#,
        ),
        record(
            90,
            "2024-01-03T00:02:00Z",
            r#"{"type":"Root","arn":"arn:aws:iam::999999999999:root","accountId":"999999999999"}"#,
            r#""eventSource":"s3.amazonaws.com","eventName":"ListBuckets","readOnly":true,"sourceIPAddress":"203.0.113.9""#,
        ),
    ];
    // Records of old have no `readOnly`.
    for (n, call, bucket) in [
        (8, "DeleteBucket", 1),
        (9, "DeleteBucket", 2),
        (10, "DeleteBucket", 3),
        (11, "DeleteBucket", 3),
        (12, "HeadBucket", 1),
        (13, "HeadBucket", 2),
    ] {
        let call = format!(
            r#""eventSource":"s3.amazonaws.com","eventName":"{call}","requestParameters":{{"bucketName":"bucket-{bucket}"}}"#
        );
        records.push(record(n, &format!("2024-02-03T00:00:{n:02}Z"), BOB, &call));
    }
    records.extend((0..50).map(|n| {
        record(100 + n, &format!("2024-01-03T00:10:{n:02}Z"), ROLE, r#""eventSource":"s3.amazonaws.com","eventName":"GetObject","readOnly":true,"requestParameters":{"bucketName":"vault"},"additionalEventData":{"bytesTransferredOut":1000}"#)
    }));
    let texts: Vec<&str> = records.iter().map(String::as_str).collect();
    let batch = ingest::columns::batch_from_json(&texts).unwrap();
    assert_eq!(batch.num_rows(), texts.len());
    let engine = engine_over(vec![batch]);
    let control = Control::default();
    let subject = widen(&engine, Subject::of(text), &control).unwrap();
    let mut shown = 0;
    let story = tell(&engine, &subject, &control, &mut |batch| shown += batch.num_rows() as u64).unwrap();
    (story, shown)
}

#[test]
fn a_keys_story_goes_on_in_the_keys_it_got() {
    for subject in
        ["AKIAEEEEEEEEEEEEEEEE", "arn:aws:iam::111122223333:user/eve", "eve", "00000000-0000-0000-0000-000000000002"]
    {
        let (story, shown) = story_of(subject);
        assert_eq!((story.total.events, shown), (57, 57), "{subject}");
        let made: Vec<&str> =
            story.links.iter().map(|link| link.made.as_str()).filter(|made| !made.is_empty()).collect();
        assert_eq!(made, ["ASIAEEEEEEEEEEEEEEEE", "AKIAMMMMMMMMMMMMMMMM"], "{subject}");
        assert_eq!(story.sessions.len(), 3);
        assert_eq!(story.bytes_out, 50_000);
    }
}

#[test]
fn what_is_left_and_what_was_taken_away() {
    let (story, _) = story_of("AKIAEEEEEEEEEEEEEEEE");
    let left: Vec<_> = story.left.iter().map(|l| (l.what.as_str(), l.object.as_str(), l.undone.is_some())).collect();
    assert_eq!(
        left,
        [
            ("a user", "mallory", false),
            ("an access key", "AKIAMMMMMMMMMMMMMMMM mallory", false),
            ("a user", "tmp", true)
        ]
    );
    let denied: Vec<_> = story.denied.keys().map(|(_, action, code)| (action.as_str(), code.as_str())).collect();
    assert_eq!(denied, [("s3:DeleteBucket", "AccessDenied")]);
    assert!(story.resources.contains_key("s3 bucketName vault"), "{:?}", story.resources.keys());
}

#[test]
fn equal_calls_are_one_line_and_firsts_are_marked() {
    let (story, _) = story_of("AKIAEEEEEEEEEEEEEEEE");
    let burst = story.timeline.iter().find(|run| run.what == "s3:GetObject").unwrap();
    assert_eq!(burst.count, 50);
    assert!(story.timeline.len() < 12 && story.untold == 0);
    assert!(story.timeline.windows(2).all(|pair| pair[0].first <= pair[1].first), "in order");
    let first = story.firsts.iter().find(|first| first.kind == "action").unwrap();
    assert_eq!(
        (first.value.as_str(), first.principal.as_str()),
        ("sts:AssumeRole", "arn:aws:iam::111122223333:user/eve")
    );
    assert!(story.timeline.iter().any(|run| run.marks.contains(&"first action".to_owned())));
}

#[test]
fn a_key_knows_where_it_came_from() {
    let (story, _) = story_of("AKIAMMMMMMMMMMMMMMMM");
    let back: Vec<_> = story.links.iter().filter(|link| link.back).map(|link| link.event.as_str()).collect();
    assert_eq!(back, ["AssumeRole", "CreateAccessKey"]);
    assert_eq!(story.total.events, 1);
    let (none, _) = story_of("AKIAZZZZZZZZZZZZZZZZ");
    assert_eq!(none.total.events, 0);
}

#[test]
fn lines_are_of_one_thing_or_say_so_and_old_records_have_changes() {
    let (story, _) = story_of("bob");
    let lines: Vec<_> =
        story.timeline.iter().map(|run| (run.what.as_str(), run.object.as_str(), run.count, run.others)).collect();
    assert_eq!(
        lines,
        [
            ("s3:DeleteBucket", "bucketName=bucket-1", 1, 0),
            ("s3:DeleteBucket", "bucketName=bucket-2", 1, 0),
            ("s3:DeleteBucket", "bucketName=bucket-3", 2, 0),
            ("s3:ListBucket", "bucketName=bucket-1", 2, 1)
        ]
    );
    assert_eq!((story.total.events, story.total.changes), (6, 4));
}

/// A name in another case is nobody's, and the right one is told.
#[test]
fn a_name_in_another_case_is_found() {
    let engine = crate::tests::engine();
    let found = |text: &str| super::in_another_case(&engine, &Subject::of(text), &Control::default()).unwrap();
    assert_eq!(found("CAROL").as_deref(), Some("carol"));
    assert_eq!(found("admin").as_deref(), Some("Admin"));
    assert_eq!(found("akiaiosfodnn7example").as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    assert_eq!(found("nobody"), None);
    assert_eq!(found("carol"), None);
}

/// What eve's key did to things of two accounts and two regions, as a story.
fn story_of_calls(subject: &str, calls: &[(&str, &str, &str, &str)]) -> Story {
    let records: Vec<String> = calls
        .iter()
        .enumerate()
        .map(|(n, (place, service, name, request))| {
            let (account, region) = place.split_once(' ').unwrap();
            let call = format!(
                r#""eventSource":"{service}.amazonaws.com","eventName":"{name}","readOnly":false,"requestParameters":{request}"#
            );
            record(u32::try_from(n).unwrap() + 500, &format!("2024-03-01T00:00:{n:02}Z"), EVE, &call)
                .replace("us-east-1", region)
                .replace(r#""recipientAccountId":"111122223333""#, &format!(r#""recipientAccountId":"{account}""#))
        })
        .collect();
    let texts: Vec<&str> = records.iter().map(String::as_str).collect();
    let engine = engine_over(vec![ingest::columns::batch_from_json(&texts).unwrap()]);
    let control = Control::default();
    let subject = widen(&engine, Subject::of(subject), &control).unwrap();
    tell(&engine, &subject, &control, &mut |_| ()).unwrap()
}

const KEY: &str = "AKIAEEEEEEEEEEEEEEEE";

#[test]
fn what_goes_elsewhere_still_stands_here() {
    let (one, two) = (r#"{"userName":"twin"}"#, r#"{"functionName":"fn"}"#);
    let story = story_of_calls(
        KEY,
        &[
            ("1 us-east-1", "iam", "CreateUser", one),
            ("2 us-east-1", "iam", "DeleteUser", one),
            ("1 us-east-1", "lambda", "CreateFunction20150331", two),
            ("1 eu-west-1", "lambda", "DeleteFunction20150331", two),
            ("1 us-east-1", "cloudtrail", "StopLogging", r#"{"name":"t"}"#),
            ("1 eu-west-1", "cloudtrail", "StartLogging", r#"{"name":"arn:aws:cloudtrail:us-east-1:1:trail/t"}"#),
        ],
    );
    let left: Vec<_> = story.left.iter().map(|left| (left.object.as_str(), left.undone.is_some())).collect();
    assert_eq!(left, [("twin", false), ("fn", false), ("t", true)]);
}

#[test]
fn sharing_is_told_and_its_end_is_no_sharing() {
    let snapshot = |what: &str, who: &str| {
        format!(r#"{{"snapshotId":"snap-1","createVolumePermission":{{"{what}":{{"items":[{{"userId":"{who}"}}]}}}}}}"#)
    };
    let (add, add_other, remove) = (snapshot("add", "8"), snapshot("add", "9"), snapshot("remove", "8"));
    let here = "1 us-east-1";
    let call = |request| (here, "ec2", "ModifySnapshotAttribute", request);
    assert!(story_of_calls(KEY, &[call(remove.as_str())]).left.is_empty());
    let story = story_of_calls(KEY, &[call(add.as_str()), call(add_other.as_str()), call(remove.as_str())]);
    let undone: Vec<_> = story.left.iter().map(|left| left.undone.is_some()).collect();
    assert_eq!(undone, [true, false]);
}

#[test]
fn an_events_key_is_its_key_whatever_it_looks_like() {
    let masked = EVE.replace("AKIAEEEEEEEEEEEEEEEE", "AKIA****************");
    let call = r#""eventSource":"s3.amazonaws.com","eventName":"ListBuckets","readOnly":true"#;
    let records = [1, 2].map(|n| record(n, "2024-03-01T00:00:00Z", &masked, call));
    let texts: Vec<&str> = records.iter().map(String::as_str).collect();
    let engine = engine_over(vec![ingest::columns::batch_from_json(&texts).unwrap()]);
    let control = Control::default();
    let subject = widen(&engine, Subject::of("00000000-0000-0000-0000-000000000001"), &control).unwrap();
    assert_eq!(subject, Subject::Key("AKIA****************".to_owned()));
    assert_eq!(tell(&engine, &subject, &control, &mut |_| ()).unwrap().total.events, 2);
}

#[test]
fn who_made_an_identity_or_became_it_is_told() {
    let chain = |subject: &str| {
        let (story, _) = story_of(subject);
        let back = story.links.into_iter().filter(|link| link.back);
        back.map(|link| format!("{} {}", link.event, link.principal.rsplit(':').next().unwrap())).collect::<Vec<_>>()
    };
    for role in ["arn:aws:iam::111122223333:role/Admin", "Admin"] {
        assert_eq!(chain(role), ["AssumeRole user/eve"], "{role}");
    }
    for user in ["arn:aws:iam::111122223333:user/mallory", "mallory"] {
        assert_eq!(chain(user), ["CreateUser role/Admin", "CreateAccessKey role/Admin"], "{user}");
    }
    assert_eq!(chain("arn:aws:iam::999900001111:user/mallory"), Vec::<String>::new(), "another account's");
}
