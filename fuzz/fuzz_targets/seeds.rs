//! Writes the first corpus of every target, and the dictionary: `seeds FOLDER`.
//!
//! Records of a generated trail, and hand-made shapes; nothing of anybody's logs. The same bytes every time.

// The coverage callbacks that the build puts into everything are in there.
use libfuzzer_sys as _;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::{DeflateEncoder, GzEncoder};
use ingest::schema::{COLUMNS, Column, Kind, RESOURCE};
use ingest::simulate::{self, Plan};
use ingest::source::Sources;
use serde_json::value::RawValue;

/// A record of everyday size, and one of the smallest.
const RECORD: &str = r#"{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:s","arn":"arn:aws:sts::111122223333:assumed-role/r/s","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/r","accountId":"111122223333","userName":"r"},"attributes":{"creationDate":"2026-01-01T00:00:00Z","mfaAuthenticated":"false"},"sourceIdentity":"ann"}},"eventTime":"2026-01-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","userAgent":"[a/1.0]","requestParameters":{"bucketName":"b","key":"k"},"responseElements":null,"additionalEventData":{"bytes":1.5},"requestID":"R","eventID":"e-1","readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"},{"accountId":"111122223333"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"c","clientProvidedHostHeader":"h"}}"#;
const SMALL: &str = r#"{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"A","eventID":"a"}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args().nth(1).ok_or("usage: seeds FOLDER")?;
    let out = Path::new(&out);
    let trail = generated()?;
    let objects = objects(&trail)?;
    write(&out.join("record_row"), &records(&trail))?;
    write(&out.join("inflate_split"), &frames(&objects)?)?;
    write(&out.join("envelope"), &objects)?;
    fs::write(out.join("json.dict"), dictionary())?;
    Ok(())
}

fn write(folder: &Path, seeds: &[Vec<u8>]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    seeds.iter().enumerate().try_for_each(|(at, seed)| fs::write(folder.join(format!("seed-{at:03}")), seed))
}

/// Records of a small trail: the first of each call.
fn generated() -> Result<Vec<String>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let plan = Plan { events: 4_000, ..Plan::default() };
    let trail = simulate::write(&plan, folder.path())?.trail;
    let (mut calls, mut found) = (BTreeSet::new(), Vec::new());
    for input in Sources::new(&[trail])?.walk() {
        let input = input.map_err(|(name, error)| format!("{name}: {error}"))?;
        let mut text = String::new();
        GzDecoder::new(fs::File::open(input.name)?).read_to_string(&mut text)?;
        let document: BTreeMap<String, Vec<Box<RawValue>>> = serde_json::from_str(&text)?;
        for record in document.into_values().flatten() {
            let value: serde_json::Value = serde_json::from_str(record.get())?;
            if calls.insert((value["eventName"].to_string(), value["userIdentity"]["type"].to_string())) {
                found.push(record.get().to_owned());
            }
        }
    }
    Ok(found)
}

/// Lines of records, a few together.
fn records(trail: &[String]) -> Vec<Vec<u8>> {
    let with = |field: &str| RECORD.replacen("\"eventID\"", &format!("{field},\"eventID\""), 1);
    let odd = [
        "{}".to_owned(),
        with(r#""userAgent":"\ud800 \u0041\n\"""#),
        with(r#""awsRegion":"x","awsRegion":null,"aws\u0052egion":"y""#),
        with(r#""requestParameters":{"n":1e400,"m":12345678901234567890123,"k":1,"k":[-0,0.10]}"#),
        with("\"userAgent\":\"a\u{0}\u{1b}[2J\u{7f}é😀\""),
        with(r#""userIdentity":"root","userIdentity":{"type":"Root","new":[1,{"a":null}]},"tlsDetails":7"#),
        with(r#""resources":{"ARN":"a"},"readOnly":"true","managementEvent":"x","apiVersion":20150331"#),
        with(r#""resources":[{"arn":"a","ARN":"b"},7,null,[],{}],"eventTime":"2023-07-10T11:42:18.5+02:00""#),
        with(r#""eventSource":{"a":1},"eventName":[],"eventType":true,"errorCode":"AccessDenied","errorMessage":5"#),
        with(r#""insightDetails":{"state":"Start","insightContext":{"a":[1.5]}},"addendum":{"reason":"r"}"#),
        with(&format!(r#""requestParameters":{}1{}"#, "[".repeat(127), "]".repeat(127))),
        with(&format!(r#""requestParameters":{}1{}"#, "[".repeat(129), "]".repeat(129))),
        RECORD.replace(',', " ,\n ").replace('\n', "\t").replace(':', " : "),
        RECORD.replace("}}", "}"),
        RECORD[..700].to_owned(),
    ];
    let pairs = odd.iter().map(|odd| format!("{RECORD}\n{odd}\n{SMALL}"));
    let trail = trail.chunks(3).take(100).map(|records| records.join("\n"));
    pairs.chain(odd.iter().cloned()).chain(trail).map(String::into_bytes).collect()
}

/// Objects of every shape that is read, and of some that are not.
fn objects(trail: &[String]) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let quoted = serde_json::to_string(SMALL)?;
    let log = format!(
        r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"id":"1","message":{quoted}}},{{"message":"START"}}]}}"#
    );
    let texts = [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        "7".to_owned(),
        "{\"Records\":[]}".to_owned(),
        RECORD.to_owned(),
        format!("{{\"Records\":[{RECORD},{SMALL},{SMALL}]}}"),
        format!("\u{feff}{{ \"a\" : [1,{{}}], \"Records\" : [ {SMALL} , {RECORD} ] , \"n\": 12 }} \n\0\0"),
        format!("[{SMALL},7,null,\"x\",{RECORD}]"),
        format!("{SMALL}\n{RECORD}\n"),
        format!("{RECORD}\n{}", &SMALL[..40]),
        format!("{{\"Records\":[{SMALL}]}}{{\"Records\":[{RECORD}]}}tail"),
        format!("{{\"Records\":[{SMALL},{RECORD}"),
        format!("{{\"Records\":[{SMALL},{{\"eventVersion\":oops}},{RECORD}]}}"),
        format!("{{\"Records\":[{SMALL},{},{RECORD}]}}", RECORD.trim_end_matches('}')),
        format!("{{\"detail-type\":\"x\",\"detail\":{SMALL}}}"),
        format!("{{\"Events\":[{{\"EventId\":\"a\",\"CloudTrailEvent\":{quoted}}}]}}"),
        log.clone(),
        format!("{{\"awslogs\":{{\"data\":\"{}\"}}}}", base64(&gzip(log.as_bytes())?)),
        "{\"awslogs\":{\"data\":\"H4sIAAAA\"}}".to_owned(),
        format!("2026-01-01T00:00:00.000Z {SMALL}\n2026-01-01T00:00:01.000Z {RECORD}\n"),
        format!("{{\"digestS3Bucket\":\"b\",\"logFiles\":[]}}\n{SMALL}"),
        "{\"UserDetailList\":[],\"Policies\":[]}".to_owned(),
        r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{}},{"EventSource":"aws:sns","Sns":{}},{"messageId":"1","receiptHandle":"x"}]}"#.to_owned(),
        r#"{"source":["aws.s3"],"detail-type":["x"],"detail":{"eventSource":["a"]}}"#.to_owned(),
        format!("{{\"message\":{}}}", serde_json::to_string(&format!("{{\"message\":{quoted}}}"))?),
        "[".repeat(200),
        "timestamp,event\n1,2\n".to_owned(),
    ];
    let mut found: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    found.push(
        [
            b"{\"Records\":[{\"eventVersion\":\"\xff\",\"eventName\":\"x\",\"eventSource\":\"y\"},",
            SMALL.as_bytes(),
            b"]}",
        ]
        .concat(),
    );
    found.extend(
        trail.chunks(4).take(40).map(|records| format!("{{\"Records\":[{}]}}", records.join(",")).into_bytes()),
    );
    let packed = gzip(&found[6])?;
    found.extend([packed[..packed.len() - 4].to_vec(), packed.clone(), [&packed[..], &packed[..]].concat()]);
    Ok(found)
}

/// The objects in gzip, raw and in the forms that the target makes of them.
fn frames(objects: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut found = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        let at = at as u8;
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::new(u32::from(at % 10)));
        deflate.write_all(object)?;
        let packed = gzip(object)?;
        for (mode, body) in [(0, &packed), (1, object), (2, object), (3, &deflate.finish()?), (0x21, object)] {
            let head = [mode, at, at.wrapping_mul(37), 1 << (at % 8), at.wrapping_mul(11)];
            found.push([&head[..], body].concat());
        }
    }
    Ok(found)
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(*chunk.get(at).unwrap_or(&0)));
        for digit in 0..4 {
            let at = (bits >> (18 - 6 * digit)) as usize & 63;
            text.push(if digit > chunk.len() { '=' } else { DIGITS[at] as char });
        }
    }
    text
}

/// Words that a mutation should try: the table's keys and the wrappers', brackets, escapes.
fn dictionary() -> String {
    fn keys(columns: &[Column], found: &mut BTreeSet<String>) {
        for column in columns.iter().filter(|column| !column.is_derived()) {
            found.insert(format!("\"{}\":", column.json));
            if let Kind::Struct(fields) = column.kind {
                keys(fields, found);
            }
        }
    }
    let mut words = BTreeSet::new();
    keys(COLUMNS, &mut words);
    keys(RESOURCE, &mut words);
    for key in [
        "Records",
        "Events",
        "logEvents",
        "events",
        "detail",
        "detail-type",
        "CloudTrailEvent",
        "message",
        "awslogs",
        "data",
        "s3",
        "digestS3Bucket",
    ] {
        words.insert(format!("\"{key}\":"));
    }
    let more = [
        "{\"eventVersion\"",
        ",{",
        "},{",
        "]}",
        "\\u0041",
        "\\ud83d\\ude00",
        "\\ud800",
        "\\\\",
        "\\\"",
        "1e400",
        "-0",
        "null",
        "true",
        "\"2026-01-01T00:00:00Z\"",
        "\u{feff}",
        "aws:s3",
        "H4sI",
    ];
    words.extend(more.map(str::to_owned));
    let line = |word: String| {
        let escaped: String = word.bytes().map(|byte| format!("\\x{byte:02X}")).collect();
        format!("\"{escaped}\"\n")
    };
    words.into_iter().map(line).collect()
}
