//! The mapping against its rules, and against the labelled pairs of the shared data.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn mapped(source: &str, name: &str) -> Vec<&'static str> {
    match map(&format!("{source}.amazonaws.com"), name, "AwsApiCall") {
        Mapping::Actions(actions) => actions.to_vec(),
        other => panic!("{source} {name}: {other:?}"),
    }
}

#[test]
fn the_catalogue_is_whole_and_sorted() {
    assert_eq!(actions().len(), 22_437);
    let lower: Vec<_> = actions().iter().map(|action| action.name.to_ascii_lowercase()).collect();
    assert!(lower.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(actions_of("S3").iter().all(|action| action.service() == "s3"));
    assert_eq!(actions_of("s3").len(), actions().iter().filter(|action| action.service() == "s3").count());
    assert!(actions_of("nothing").is_empty());
    assert_eq!(access_level("IAM:passrole"), Some(Level::PermissionsManagement));
    assert!(is_unobservable("iam:PassRole") && !is_unobservable("s3:GetObjectVersion"));
    assert!(!is_unobservable("no:SuchAction"));
    assert_eq!(service_name("s3"), Some("Amazon S3"));
}

#[test]
fn names_that_differ_are_mapped_by_the_tables() {
    assert_eq!(mapped("s3", "ListBuckets"), ["s3:ListAllMyBuckets"]);
    assert_eq!(mapped("s3", "copyobject"), ["s3:GetObject", "s3:PutObject"]);
    assert_eq!(mapped("kms", "ReEncrypt"), ["kms:ReEncryptFrom", "kms:ReEncryptTo"]);
    assert_eq!(mapped("monitoring", "PutMetricAlarm"), ["cloudwatch:PutMetricAlarm"]);
    assert_eq!(mapped("apigateway", "CreateRestApi"), ["apigateway:POST"]);
    assert_eq!(mapped("apigateway", "CreatePortal"), ["apigateway:CreatePortal"]);
    assert_eq!(mapped("lambda", "GetFunction20150331v2"), ["lambda:GetFunction"]);
    assert_eq!(mapped("cloudfront", "CreateDistribution2020_05_31"), ["cloudfront:CreateDistribution"]);
    assert_eq!(mapped("ec2", "describeinstances"), ["ec2:DescribeInstances"]);
}

#[test]
fn calls_of_one_source_may_belong_to_another_prefix() {
    assert_eq!(mapped("autoscaling", "RegisterScalableTarget"), ["application-autoscaling:RegisterScalableTarget"]);
    assert_eq!(mapped("autoscaling", "DescribeScalingActivities"), ["autoscaling:DescribeScalingActivities"]);
    assert_eq!(mapped("sso", "CreateUser"), ["sso-directory:CreateUser"]);
    assert_eq!(mapped("data.jobs.iot", "UpdateJobExecution"), ["iotjobsdata:UpdateJobExecution"]);
    assert_eq!(mapped("partnercentral-selling", "CreateOpportunity"), ["partnercentral:CreateOpportunity"]);
}

#[test]
fn other_kinds_of_buckets_have_actions_of_their_own() {
    assert_eq!(mapped("s3express", "GetObject"), ["s3express:CreateSession"]);
    assert_eq!(mapped("s3express", "PutBucketLifecycleConfiguration"), ["s3express:PutLifecycleConfiguration"]);
    assert_eq!(mapped("s3-outposts", "ListObjectsV2"), ["s3-outposts:ListBucket"]);
    assert_eq!(mapped("s3-outposts", "DeleteBucketTagging"), ["s3-outposts:PutBucketTagging"]);
    assert_eq!(mapped("s3-object-lambda", "HeadObject"), ["s3-object-lambda:GetObject"]);
    assert_eq!(data_event_type("s3express:CreateSession"), Some("AWS::S3Express::Object"));
}

#[test]
fn the_api_reference_says_which_action_a_call_needs() {
    assert_eq!(mapped("securityhub", "GetFindingsV2"), ["securityhub:GetFindings"]);
    assert_eq!(mapped("verifiedpermissions", "BatchIsAuthorized"), ["verifiedpermissions:IsAuthorized"]);
    assert_eq!(mapped("dms", "ModifyDataProvider"), ["dms:UpdateDataProvider"]);
    assert_eq!(
        mapped("glue", "GetColumnStatisticsForTable"),
        ["glue:GetTable", "glue:GetColumnStatisticsForTable"],
        "the reference names the first, the list of actions has the second: both"
    );
    assert_eq!(mapped("elasticbeanstalk", "UpdateTagsForResource")[0], "elasticbeanstalk:AddTags");
}

#[test]
fn what_iam_does_not_sign_needs_no_permission() {
    for (source, name) in
        [("portal.sso", "GetRoleCredentials"), ("oidc", "CreateToken"), ("participant.connect", "SendEvent")]
    {
        assert_eq!(map(&format!("{source}.amazonaws.com"), name, ""), Mapping::NotIam, "{source} {name}");
    }
    // A trust policy names these two, although nobody signs them.
    assert_eq!(mapped("sts", "AssumeRoleWithWebIdentity"), ["sts:AssumeRoleWithWebIdentity"]);
}

#[test]
fn only_api_calls_need_permissions() {
    for kind in ["AwsServiceEvent", "AwsConsoleSignIn", "AwsConsoleAction", "AwsVpceEvent", "AwsCloudTrailInsight"] {
        assert_eq!(map("kms.amazonaws.com", "RotateKey", kind), Mapping::NotIam);
        assert_eq!(primary("s3.amazonaws.com", "GetObject", kind), None);
    }
    assert_eq!(primary("s3.amazonaws.com", "GetObject", ""), Some("s3:GetObject".to_owned()));
    assert_eq!(map("sts.amazonaws.com", "GetCallerIdentity", "AwsApiCall"), Mapping::NotIam);
    assert_eq!(map("", "GetObject", ""), Mapping::NotIam);
}

#[test]
fn the_unknown_is_shown_not_dropped() {
    let guess = Mapping::Unmapped("cloudtrail:DescribeTrail".to_owned());
    assert_eq!(map("cloudtrail.amazonaws.com", "DescribeTrail", "AwsApiCall"), guess);
    assert_eq!(primary("new.amazonaws.com", "DoIt20260101", ""), Some("new:DoIt".to_owned()));
}

#[test]
fn sources_of_every_partition_have_a_prefix() {
    assert_eq!(service_prefix("monitoring.amazonaws.com.cn"), "cloudwatch");
    assert_eq!(service_prefix("runtime.lex.amazonaws.com"), "lex");
    assert_eq!(service_prefix("lambda"), "lambda");
    assert_eq!(service_prefix(""), "");
}

#[test]
fn only_a_date_is_a_version() {
    assert_eq!(strip_version("ListTags20170331"), "ListTags");
    assert_eq!(strip_version("CreateDistribution_2020_05_31v12"), "CreateDistribution");
    for name in ["ListObjectsV2", "20150331", "Get2015", "DescribeFleetv2", "X19990101", "é0150331", ""] {
        assert_eq!(strip_version(name), name);
    }
}

#[test]
fn data_events_are_known_by_call_and_by_action() {
    assert_eq!(event_data_type("s3.amazonaws.com", "HeadObject"), Some("AWS::S3::Object"));
    assert_eq!(event_data_type("s3.amazonaws.com", "CreateBucket"), None);
    assert_eq!(data_event_type("lambda:InvokeFunction"), Some("AWS::Lambda::Function"));
    assert!(is_data_event_action("s3:GetObjectVersion") && !is_data_event_action("s3:CreateBucket"));
}

#[test]
fn patterns_expand_without_regard_to_case() {
    assert_eq!(expand("S3:getobjectACL"), ["s3:GetObjectAcl"]);
    assert!(expand("s3:Get*").contains(&"s3:GetObject") && !expand("s3:Get*").contains(&"s3:PutObject"));
    assert_eq!(expand("iam:?etUser"), ["iam:GetUser"]);
    assert_eq!(expand("*").len(), actions().len());
    assert_eq!(expand("*:*").len(), actions().len());
    assert!(expand("nothing:*").is_empty() && expand("").is_empty());
    assert_eq!(versioned("s3:GetObjectAcl"), Some("s3:GetObjectVersionAcl"));
    assert_eq!(versioned("s3:ListBucket"), None);
}

/// A wildcard matcher that cannot be wrong: recursion, exponential.
fn slow(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => slow(rest, text) || (!text.is_empty() && slow(pattern, &text[1..])),
        (Some((b'?', rest)), Some((_, tail))) => slow(rest, tail),
        (Some((a, rest)), Some((b, tail))) => a.eq_ignore_ascii_case(b) && slow(rest, tail),
        _ => false,
    }
}

proptest! {
    #[test]
    fn expanding_equals_comparing_with_every_action(
        pattern in "(?i)(s3|iam|ec2|s|\\*|a2c-x)[*?]{0,2}:?[*?]{0,2}(Get|List|g|Describe)?[*?]{0,2}[a-z0-9]{0,2}[*?]{0,2}"
    ) {
        let every: Vec<_> = actions().iter().filter(|action| matches(&pattern, action.name)).map(|action| action.name).collect();
        prop_assert_eq!(expand(&pattern), every);
    }

    #[test]
    fn matching_equals_its_slow_twin(pattern in "[aB*?]{0,7}", text in "[abB]{0,8}") {
        prop_assert_eq!(matches(&pattern, &text), slow(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn any_event_maps_without_panic(source in "\\PC{0,30}", name in "\\PC{0,20}[0-9_v]{0,12}", kind in "(AwsApiCall)?") {
        let _ = (map(&source, &name, &kind), event_data_type(&source, &name), expand(&name));
    }
}

/// Cases of the shared data, or `None` (told loudly) where it is not there.
fn cases(file: &str) -> Option<Vec<Value>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/iam/dev").join(file);
    match std::fs::read_to_string(path) {
        Ok(text) => Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()),
        Err(_) => {
            eprintln!("SKIPPED: ../shared/data absent ({file})");
            None
        }
    }
}

#[test]
fn pairs_of_real_logs() {
    let Some(cases) = cases("event_action_real_pairs.jsonl") else { return };
    let mut wrong = Vec::new();
    for case in &cases {
        let text = |key: &str| case["event"][key].as_str().unwrap();
        let got = map(text("eventSource"), text("eventName"), "AwsApiCall");
        let right = match case["expected"]["confidence"].as_str().unwrap() {
            "unmapped" => matches!(got, Mapping::Unmapped(_)),
            "not_iam" => got == Mapping::NotIam,
            // `single` says that one source alone gave the label; GetCallerIdentity needs no permission.
            _ if text("eventName") == "GetCallerIdentity" => got == Mapping::NotIam,
            _ => match got {
                Mapping::Actions(actions) => actions.first() == case["expected"]["action"].as_str().as_ref(),
                _ => false,
            },
        };
        if !right {
            wrong.push(case["id"].clone());
        }
    }
    eprintln!("{} of {} real pairs mapped", cases.len() - wrong.len(), cases.len());
    assert!(wrong.is_empty(), "{} of {} wrong: {wrong:?}", wrong.len(), cases.len());
}

/// The event source of an SDK's service; calls of S3 Control whose label is of Outposts are recorded as Outposts'.
fn source_of(case: &Value, label: &[&str]) -> String {
    let service = case["sdk_service"].as_str().unwrap();
    let source = match service {
        "APIGateway" | "ApiGatewayV2" => "apigateway",
        "ApiGatewayManagementApi" => "execute-api",
        "Keyspaces" => "cassandra",
        "DynamoDB" => "dynamodb",
        "S3Control" if label.iter().any(|action| action.starts_with("s3-outposts:")) => "s3-outposts",
        "S3" | "S3Control" => "s3",
        _ => case["iam_prefixes"][0].as_str().unwrap_or(service),
    };
    source.to_owned()
}

/// The labels are of 2023. A call is right if it maps to what the label names; or to the action of its own name, which AWS
/// has come to list since (Lex V2, MediaPackage); or, where all that the label names is in no list of AWS' actions and so
/// cannot be, to an action that is: `glue:GetPartitionMetadata` (Glue's API reference: "the public IAM action associated with
/// this API is glue:GetPartitions"), `s3:DeleteIntelligentTieringConfiguration` (S3 lists `Put…` for both).
#[test]
fn calls_whose_action_has_another_name() {
    let Some(cases) = cases("event_action_sdk_exceptions.jsonl") else { return };
    let (mut wrong, mut as_labelled, mut by_own_name, mut no_action) = (Vec::new(), 0, 0, 0);
    for case in &cases {
        let (service, name) = (case["sdk_service"].as_str().unwrap(), case["operation"].as_str().unwrap());
        let label: Vec<_> = case["expected"]["actions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let source = source_of(case, &label);
        let got = map(&format!("{source}.amazonaws.com"), name, "AwsApiCall");
        let own = format!("{source}:{name}");
        match &got {
            Mapping::Actions(actions) if actions.iter().any(|action| label.contains(action)) => as_labelled += 1,
            Mapping::Actions([action]) if is_known(&own) && action.eq_ignore_ascii_case(&own) => by_own_name += 1,
            Mapping::Actions(actions) if !label.iter().any(|action| is_known(action)) && is_known(actions[0]) => {
                no_action += 1;
            }
            _ => wrong.push(format!("{service}.{name}: {got:?}, label {label:?}")),
        }
    }
    eprintln!(
        "{} of {} SDK exceptions mapped: {as_labelled} as labelled, {by_own_name} to an action of their own that is newer than \
         the label, {no_action} where the label names no action",
        cases.len() - wrong.len(),
        cases.len()
    );
    assert!(wrong.is_empty(), "{} of {} wrong: {wrong:#?}", wrong.len(), cases.len());
    assert!(by_own_name + no_action < cases.len() / 10, "too many labels are not followed");
}

#[test]
fn statements_of_trailscraper() {
    let Some(cases) = cases("event_action_trailscraper.jsonl") else { return };
    for case in &cases {
        let text = |key: &str| case["event"][key].as_str().unwrap();
        let got = primary(text("eventSource"), text("eventName"), "");
        assert_eq!(got.as_deref(), case["expected"]["actions"][0].as_str(), "{}", case["id"]);
    }
    eprintln!("{0} of {0} statements of trailscraper mapped", cases.len());
}
