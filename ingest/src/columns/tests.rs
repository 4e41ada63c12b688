//! What is remembered from earlier records must not show in the rows.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::record::Scanner;
use proptest::prelude::*;

/// Members of a record, some of which repeat, some of which are odd.
fn member() -> impl Strategy<Value = String> {
    let text = |key: &'static str, values: &'static [&'static str]| {
        prop::sample::select(values).prop_map(move |value| format!("\"{key}\":{value}"))
    };
    prop_oneof![
        3 => text("eventSource", &["\"s3.amazonaws.com\"", "\"ec2.amazonaws.com\"", "null", "{\"a\":1}"]),
        3 => text("eventName", &["\"GetObject\"", "\"Describe\\u0049nstances\"", "7", "\"\\ud800\""]),
        2 => text("awsRegion", &["\"us-east-1\"", "\"eu-west-1\""]),
        2 => text("sourceIPAddress", &["\"10.0.0.1\"", "\"2001:db8::1\"", " \"10.0.0.1\" "]),
        2 => text("userAgent", &["\"aws-cli/2\"", "\"Boto3/1\"", "12"]),
        2 => text("eventType", &["\"AwsApiCall\"", "\"AwsConsoleSignIn\"", "5"]),
        2 => text("managementEvent", &["true", "false", "\"true\"", "1", "12"]),
        2 => text("recipientAccountId", &["\"111122223333\"", "111122223333"]),
        1 => text("eventCategory", &["\"Management\"", "\"Data\"", "1", "12"]),
        2 => text("eventTime", &["\"2023-07-10T11:42:18Z\"", "\"2023-07-10T11:42:18.5Z\"", "0"]),
        2 => text("userIdentity", &[
            "{\"type\":\"Root\",\"accountId\":\"1\"}",
            "{\"type\":\"AssumedRole\",\"arn\":\"arn:aws:sts::1:assumed-role/r/s\",\"accountId\":1}",
            "{\"type\":\"IAMUser\",\"sessionContext\":{\"attributes\":{\"mfaAuthenticated\":\"true\"}}}",
            "{\"type\":\"IAMUser\",\"sessionContext\":7,\"new\":[]}",
            "{}",
            "null",
        ]),
        1 => text("tlsDetails", &["{\"tlsVersion\":\"TLSv1.3\"}", "{}", "{\"tlsVersion\":null}"]),
        1 => text("errorCode", &["\"AccessDenied\"", "\"\"", "3"]),
        1 => text("resources", &["[{\"ARN\":\"a\"}]", "[]", "[1]", "{}"]),
        1 => text("requestParameters", &["{\"a\": 1}", "null", "[\"\\n\"]"]),
        1 => text("something", &["1", "\"x\""]),
    ]
}

fn record() -> impl Strategy<Value = String> {
    // White space after a record lets it be remembered: what stands at the very end of a text is not.
    prop::collection::vec(member(), 0..14).prop_map(|members| format!("{{{}}}{}", members.join(","), " ".repeat(160)))
}

/// A struct given twice, both times with what its columns lack: the second must not be remembered as one without.
#[test]
fn what_an_earlier_duplicate_lacked_is_not_forgotten() {
    let (odd, plain) = (r#"{"type":"IAMUser","sessionContext":7}"#, r#"{"type":"IAMUser"}"#);
    let pad = " ".repeat(160);
    let record = format!(r#"{{"userIdentity":{odd},"userIdentity":{odd},"userIdentity":{plain}}}{pad}"#);
    let twice = batch_from_json(&[&record, &record]).unwrap();
    assert_eq!(twice.slice(0, 1), twice.slice(1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_row_does_not_depend_on_the_rows_before(
        records in prop::collection::vec(record(), 1..6),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..16),
    ) {
        let picks: Vec<&str> = picks.iter().map(|pick| records[pick.index(records.len())].as_str()).collect();
        let together = batch_from_json(&picks).unwrap();
        prop_assert_eq!(together.num_rows(), picks.len());
        for (row, record) in picks.iter().enumerate() {
            prop_assert_eq!(&together.slice(row, 1), &batch_from_json(&[record.trim_end()]).unwrap(), "{}", record);
        }
    }

    /// The same with builders and a scanner that have made batches before.
    #[test]
    fn a_batch_does_not_depend_on_the_batches_before(records in prop::collection::vec(record(), 1..6)) {
        let (mut scanner, mut fields, mut rows) = (Scanner::new(), Fields::default(), Rows::new());
        let fresh = batch_from_json(&records.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        rows.start("memory");
        for _batch in 0..3 {
            for record in &records {
                scanner.scan(record.as_bytes(), 0, &mut fields).unwrap();
                rows.push(record, &fields);
            }
            prop_assert_eq!(&rows.finish().unwrap(), &fresh);
        }
    }
}
