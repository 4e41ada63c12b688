//! Odd and hostile input: one table of fixtures, each with its verdict. Source of the list: what public tools crash on,
//! and what a forger of log files would try.

use std::path::Path;

use ingest::pipeline::{Options, scan};
use ingest::reject::Totals;
use ingest::source::Sources;

use crate::command::gzip;

/// A name, the bytes, and the verdict: rows, and the reasons with their counts.
type Case = (&'static str, Vec<u8>, u64, Vec<(&'static str, u64)>);

fn event(id: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventTime":"2026-01-01T00:00:00Z","eventID":"{id}"}}"#
    )
}

fn records(events: &[String]) -> Vec<u8> {
    format!(r#"{{"Records":[{}]}}"#, events.join(",")).into_bytes()
}

fn with(field: &str) -> Vec<u8> {
    records(&[event("a"), event("b").replace(r#""eventID":"b""#, &format!(r#""eventID":"b",{field}"#)), event("c")])
}

fn gzip_cases() -> Vec<Case> {
    let good = gzip(&records(&[event("a"), event("b")]));
    let cut = |bytes: usize| good[..good.len() - bytes].to_vec();
    let mut crc = good.clone();
    let at = good.len() - 6;
    crc[at] ^= 0xff;
    let joined = |tail: &[u8]| [good.as_slice(), tail].concat();
    vec![
        ("whole", good.clone(), 2, vec![]),
        ("cut in the body", cut(40), 0, vec![("gzip_truncated", 1)]),
        ("cut in the trailer", cut(4), 0, vec![("gzip_truncated", 1)]),
        ("only the magic", vec![0x1f, 0x8b], 0, vec![("gzip_truncated", 1)]),
        ("wrong checksum", crc, 0, vec![("gzip_crc", 1)]),
        ("a second member", joined(&gzip(&records(&[event("forged")]))), 0, vec![("gzip_trailing_data", 1)]),
        ("the same member again", joined(&good), 0, vec![("gzip_trailing_data", 1)]),
        ("zero padding", joined(&[0; 512]), 0, vec![("gzip_trailing_data", 1)]),
        ("one byte more", joined(b"\n"), 0, vec![("gzip_trailing_data", 1)]),
        ("a bomb of 300 MiB", gzip(&vec![b' '; 300 << 20]), 0, vec![("too_large_uncompressed", 1)]),
        ("zstd", vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0], 0, vec![("unsupported_compression", 1)]),
        ("UTF-16", vec![0xff, 0xfe, b'{', 0], 0, vec![("unsupported_encoding", 1)]),
        ("gzip of nothing", gzip(b""), 0, vec![]),
        ("gzip of gzip", gzip(&good), 0, vec![("not_json", 1)]),
    ]
}

/// A table, one line a case.
#[allow(clippy::too_many_lines)]
fn shape_cases() -> Vec<Case> {
    let (a, b) = (event("a"), event("b"));
    vec![
        ("nothing", vec![], 0, vec![]),
        ("white space", b" \n ".to_vec(), 0, vec![]),
        ("an empty object", b"{}".to_vec(), 0, vec![]),
        ("an empty list", b"[]".to_vec(), 0, vec![]),
        ("no records", br#"{"Records":[]}"#.to_vec(), 0, vec![]),
        ("plain JSON", records(&[a.clone(), b.clone()]), 2, vec![]),
        ("a byte order mark", [b"\xef\xbb\xbf".as_slice(), &records(std::slice::from_ref(&a))].concat(), 1, vec![]),
        ("a list", format!("[{a},{b}]").into_bytes(), 2, vec![]),
        ("one object", a.clone().into_bytes(), 1, vec![]),
        ("JSON lines", format!("{a}\n{b}\n").into_bytes(), 2, vec![]),
        ("JSON lines, last line cut", format!("{a}\n{}", &b[..40]).into_bytes(), 1, vec![("truncated_json", 1)]),
        (
            "documents in a row",
            [records(std::slice::from_ref(&a)), records(std::slice::from_ref(&b))].concat(),
            2,
            vec![],
        ),
        ("not JSON", b"timestamp,event\n1,2\n".to_vec(), 0, vec![("not_json", 1)]),
        ("a number", b"7".to_vec(), 0, vec![("not_json", 1)]),
        ("binary", (0..=255).cycle().skip(1).take(2000).collect(), 0, vec![("not_json", 1)]),
        ("other JSON", br#"{"foo":1,"bar":[]}"#.to_vec(), 0, vec![("unknown_shape", 1)]),
        (
            "no closing",
            records(&[a.clone(), b.clone()]).split_last().unwrap().1.to_vec(),
            2,
            vec![("truncated_json", 1)],
        ),
        (
            "text after the end",
            [records(std::slice::from_ref(&a)), b"tail".to_vec()].concat(),
            1,
            vec![("trailing_text", 1)],
        ),
        ("values that are no objects", format!("[{a},7,null,\"x\",{b}]").into_bytes(), 2, vec![("not_a_record", 3)]),
        ("the same event twice", records(&[a.clone(), a.clone()]), 1, vec![]),
        ("EventBridge", format!(r#"{{"detail-type":"x","detail":{a}}}"#).into_bytes(), 1, vec![]),
        (
            "LookupEvents",
            format!(r#"{{"Events":[{{"EventId":"a","CloudTrailEvent":{}}}]}}"#, serde_json::to_string(&a).unwrap())
                .into_bytes(),
            1,
            vec![],
        ),
        (
            "CloudWatch Logs",
            format!(
                r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"message":{}}},{{"message":"START"}}]}}"#,
                serde_json::to_string(&a).unwrap()
            )
            .into_bytes(),
            1,
            vec![("not_json", 1)],
        ),
        (
            "CloudWatch Logs export",
            format!("2026-01-01T00:00:00.000Z {a}\n2026-01-01T00:00:01.000Z {b}\n").into_bytes(),
            2,
            vec![],
        ),
        (
            "a Lambda's awslogs",
            packed(&gzip(
                format!(r#"{{"logEvents":[{{"message":{}}}]}}"#, serde_json::to_string(&a).unwrap()).as_bytes(),
            )),
            1,
            vec![],
        ),
        ("a hit of Elasticsearch", format!(r#"{{"_index":"ct","_id":"1","_source":{a}}}"#).into_bytes(), 1, vec![]),
        (
            "a result of Splunk",
            format!(r#"{{"preview":false,"result":{{"_raw":{}}}}}"#, serde_json::to_string(&a).unwrap()).into_bytes(),
            1,
            vec![],
        ),
        (
            "a CloudTrail Lake row",
            format!(r#"{{"eventJson":{}}}"#, serde_json::to_string(&a).unwrap()).into_bytes(),
            1,
            vec![],
        ),
        ("awslogs, packed badly", packed(b"this is not gzip at all"), 0, vec![("gzip_corrupt", 1)]),
        ("awslogs, no base64", br#"{"awslogs":{"data":"%%"}}"#.to_vec(), 0, vec![("unknown_shape", 1)]),
        (
            "empty objects among records",
            format!(r#"{{"Records":[{{}},{{}},{a}]}}"#).into_bytes(),
            1,
            vec![("unknown_shape", 2)],
        ),
        (
            "a digest before records",
            format!("{{\"digestS3Bucket\":\"b\"}}\n{a}\n").into_bytes(),
            1,
            vec![("unknown_shape", 1)],
        ),
        (
            "two digests",
            b"{\"digestS3Bucket\":\"b\"}\n{\"digestS3Bucket\":\"c\"}".to_vec(),
            0,
            vec![("unknown_shape", 2)],
        ),
        ("digest", br#"{"digestS3Bucket":"b","logFiles":[]}"#.to_vec(), 0, vec![]),
    ]
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    use base64::Engine;
    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
    format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#).into_bytes()
}

fn record_cases() -> Vec<Case> {
    let deep = format!(r#""requestParameters":{}1{}"#, "[".repeat(100_000), "]".repeat(100_000));
    vec![
        ("100,000 levels", with(&deep), 2, vec![("too_deep", 1)]),
        ("100,000 levels alone", "[".repeat(100_000).into_bytes(), 0, vec![("too_deep", 1)]),
        ("a lone surrogate", with(r#""userAgent":"\ud800 x""#), 3, vec![]),
        (
            "invalid UTF-8",
            with("\"userAgent\":\"@\"").into_iter().map(|b| if b == b'@' { 0xff } else { b }).collect(),
            2,
            vec![("invalid_utf8", 1)],
        ),
        ("a key twice", with(r#""awsRegion":"x","awsRegion":"y""#), 3, vec![]),
        ("keys that differ by case", with(r#""requestParameters":{"Tag":1,"tag":2}"#), 3, vec![]),
        ("NUL and control characters", with("\"userAgent\":\"a\0\x1b[2Jb\""), 3, vec![]),
        ("numbers beyond a double", with(r#""requestParameters":{"n":1e400,"m":12345678901234567890123}"#), 3, vec![]),
        ("a bare word", with(r#""userAgent":oops"#), 2, vec![("invalid_json", 1)]),
        ("a missing quote", with(r#""userAgent":"oops"#), 2, vec![("invalid_json", 1)]),
        (
            "a missing brace",
            records(&[event("a"), event("b").trim_end_matches('}').to_owned(), event("c")]),
            2,
            vec![("invalid_json", 1)],
        ),
        (
            "70,000 unknown fields",
            with(&(0..70_000).map(|n| format!("\"f{n}\":1")).collect::<Vec<_>>().join(",")),
            2,
            vec![("too_many_fields", 1)],
        ),
        (
            "types that change",
            with(
                r#""requestParameters":"text","responseElements":7,"userAgent":[1],"readOnly":"true","userIdentity":null"#,
            ),
            3,
            vec![],
        ),
        ("a field of 3 MB", with(&format!(r#""requestParameters":"{}""#, "x".repeat(3_000_000))), 3, vec![]),
        ("a future version", with(r#""eventContext":{"a":1},"newField":[]"#), 3, vec![]),
    ]
}

fn read(path: &Path, options: &Options) -> Totals {
    let sources = Sources::new(&[path.to_str().unwrap()]).unwrap();
    scan(&sources, options, &mut |_| std::ops::ControlFlow::Continue(())).unwrap()
}

fn check((name, bytes, rows, rejects): Case) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("object");
    std::fs::write(&path, &bytes).unwrap();
    let totals = read(&path, &Options::default());
    assert!(totals.balanced(), "{name}: {totals:?}");
    assert_eq!(totals.rows, rows, "{name}: {totals:?}");
    let found: Vec<_> = totals.rejects.iter().map(|reject| (reject.reason.name(), reject.count)).collect();
    assert_eq!(found, rejects, "{name}: {totals:?}");
    for reject in &totals.rejects {
        assert!(!reject.detail.is_empty() && !reject.reason.next_step().is_empty(), "{name}");
    }
}

#[test]
fn damaged_gzip_is_named() {
    gzip_cases().into_iter().for_each(check);
}

#[test]
fn every_shape_is_told() {
    shape_cases().into_iter().for_each(check);
}

#[test]
fn a_bad_record_never_takes_its_neighbours_with_it() {
    record_cases().into_iter().for_each(check);
    // And the same in gzip.
    for (name, bytes, rows, rejects) in record_cases() {
        check((name, gzip(&bytes), rows, rejects));
    }
}

#[test]
fn a_damaged_file_leaves_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    for n in 0..50 {
        write(&format!("{n:02}.json.gz"), &gzip(&records(&[event(&format!("e{n}"))])));
    }
    write("07.json.gz", b"\x1f\x8bgarbage");
    write("30.json.gz", b"garbage");
    let totals = read(dir.path(), &Options::default());
    assert_eq!((totals.objects, totals.rows, totals.rejected), (50, 48, 2), "{totals:?}");
}

/// A large document is streamed through a window: the same rows as from a small one, whatever the threads.
#[test]
fn a_large_document_is_streamed() {
    let dir = tempfile::tempdir().unwrap();
    let padding = "x".repeat(20_000);
    let events: Vec<String> =
        (0..4000).map(|n| event(&format!("e{n}")).replace("GetObject", &format!("GetObject{padding}"))).collect();
    let text = records(&events);
    assert!(text.len() as u64 > ingest::gunzip::WHOLE_BYTES);
    std::fs::write(dir.path().join("plain.json"), &text).unwrap();
    std::fs::write(dir.path().join("packed.json.gz"), gzip(&text)).unwrap();
    for threads in [1, 3] {
        let totals = read(dir.path(), &Options { threads, ..Options::default() });
        assert_eq!((totals.rows, totals.duplicates, totals.rejected), (4000, 4000, 0), "{totals:?}");
    }
}
