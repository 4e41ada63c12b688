use super::*;

fn told<'a>(event: &'a str, listed: &'a [&'a str], request: &'a str, response: &'a str) -> Told<'a> {
    let (request, response) = (Some(request), Some(response));
    Told { event, listed, request, response, region: "eu-west-1", account: "111111111111", partition: "aws" }
}

fn of(action: &str, listed: &[&str], request: &str) -> Vec<String> {
    of_call(action, &told("", listed, request, "null")).into_iter().map(|found| found.arn).collect()
}

/// What IAM is asked: `=` the resource itself, `*` as AWS asks, `?` unknown; EC2's in short.
fn asked(action: &str, request: &str, response: &str) -> Vec<String> {
    let event = action.split(':').nth(1).unwrap_or_default();
    let short = |found: Resource| {
        let sign = match found.certainty {
            Certainty::Exact => '=',
            Certainty::Asked => '*',
            Certainty::Unknown => '?',
        };
        let mut arn = found.arn;
        for front in
            ["arn:aws:ec2:eu-west-1:111111111111:", "arn:aws:ec2:eu-west-1::", "arn:aws:glue:eu-west-1:111111111111:"]
        {
            arn = arn.strip_prefix(front).unwrap_or(&arn).to_owned();
        }
        format!("{sign}{arn}")
    };
    let mut found: Vec<String> = of_call(action, &told(event, &[], request, response)).into_iter().map(short).collect();
    found.sort();
    found
}

#[test]
fn the_listed_resource_of_the_actions_service_and_type() {
    let listed = ["arn:aws:s3:::b/k", "arn:aws:s3:::b", "arn:aws:kms:eu-west-1:111111111111:key/1"];
    assert_eq!(of("s3:GetObject", &listed, "{}"), ["arn:aws:s3:::b/k"]);
    assert_eq!(of("s3:ListBucket", &listed, "{}"), ["arn:aws:s3:::b"]);
    assert_eq!(of("kms:Decrypt", &listed, "{}"), ["arn:aws:kms:eu-west-1:111111111111:key/1"]);
    assert_eq!(of("s3:ListAllMyBuckets", &listed, "{}"), ["*"]);
}

#[test]
fn what_is_listed_less_exactly_than_iam_asks() {
    let table = ["arn:aws:dynamodb:eu-west-1:111111111111:table/orders"];
    let index = r#"{"tableName":"orders","indexName":"by-day"}"#;
    assert_eq!(
        of("dynamodb:Query", &table, index),
        ["arn:aws:dynamodb:eu-west-1:111111111111:table/orders/index/by-day"]
    );
    assert_eq!(of("dynamodb:Query", &table, r#"{"tableName":"orders"}"#), table);
    assert_eq!(of("dynamodb:PutItem", &table, index), table);
    let function = ["arn:aws:lambda:eu-west-1:111111111111:function:f1"];
    let alias = r#"{"functionName":"f1","qualifier":"prod"}"#;
    for listed in [&function[..], &[]] {
        assert_eq!(
            of("lambda:InvokeFunction", listed, alias),
            ["arn:aws:lambda:eu-west-1:111111111111:function:f1:prod"]
        );
    }
    let command = r#"{"documentName":"AWS-RunShellScript","instanceIds":["i-77","mi-1"]}"#;
    let document = "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript";
    assert_eq!(
        of("ssm:SendCommand", &[document], command),
        [
            "arn:aws:ec2:eu-west-1:111111111111:instance/i-77",
            "arn:aws:ssm:eu-west-1:111111111111:managed-instance/mi-1",
            document
        ]
    );
    let group = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:targetgroup/t/1";
    assert_eq!(of("elasticloadbalancing:RegisterTargets", &[], &format!(r#"{{"targetGroupArn":"{group}"}}"#)), [group]);
}

#[test]
fn parameters_are_put_into_the_services_form() {
    assert_eq!(of("s3:GetObject", &[], r#"{"bucketName":"b","key":"a/k"}"#), ["arn:aws:s3:::b/a/k"]);
    assert_eq!(of("iam:GetRole", &[], r#"{"roleName":"app"}"#), ["arn:aws:iam::111111111111:role/app"]);
    let both = r#"{"userName":"ann","groupName":"all"}"#;
    assert_eq!(of("iam:AddUserToGroup", &[], both), ["arn:aws:iam::111111111111:group/all"]);
    let profile = r#"{"roleName":"app","instanceProfileName":"web"}"#;
    assert_eq!(of("iam:AddRoleToInstanceProfile", &[], profile), ["arn:aws:iam::111111111111:instance-profile/web"]);
    let made = r#"{"roleName":"app","path":"/service-role/","policyName":"p"}"#;
    assert_eq!(of("iam:CreateRole", &[], made), ["arn:aws:iam::111111111111:role/service-role/app"]);
    let made = r#"{"policyName":"p","path":"/"}"#;
    assert_eq!(of("iam:CreatePolicy", &[], made), ["arn:aws:iam::111111111111:policy/p"]);
    assert_eq!(
        of("ec2:StopInstances", &[], r#"{"instancesSet":{"items":[{"instanceId":"i-2"},{"instanceId":"i-1"}]}}"#),
        ["arn:aws:ec2:eu-west-1:111111111111:instance/i-1", "arn:aws:ec2:eu-west-1:111111111111:instance/i-2"]
    );
    assert_eq!(
        of("sqs:SendMessage", &[], r#"{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111111111111/q"}"#),
        ["arn:aws:sqs:eu-west-1:111111111111:q"]
    );
    let arn = "arn:aws:lambda:eu-west-1:222222222222:function:f";
    assert_eq!(of("lambda:InvokeFunction", &[], &format!("{{\"functionName\":\"{arn}\"}}")), [arn]);
}

#[test]
fn what_an_attacker_writes_widens_nothing() {
    assert_eq!(of("iam:GetRole", &[], r#"{"roleName":"*"}"#), ["*"]);
    assert_eq!(of("iam:GetRole", &["b", ""], "[1"), ["*"]);
}

const LAUNCH: &str = r#"{"instancesSet":{"items":[{"imageId":"ami-1","minCount":1,"keyName":"ops"}]},"groupSet":{"items":[{"groupId":"sg-1"}]},
    "subnetId":"subnet-1","tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":"id","value":"vol-9"}]}]}}"#;

#[test]
fn a_launch_is_asked_for_everything_that_it_needs() {
    let told = r#"{"instancesSet":{"items":[{"instanceId":"i-1","imageId":"ami-1","subnetId":"subnet-7","rootDeviceType":"ebs",
        "groupSet":{"items":[{"groupId":"sg-7"}]},"networkInterfaceSet":{"items":[{"networkInterfaceId":"eni-1"}]}}]}}"#;
    let whole = [
        "*instance/*",
        "*network-interface/*",
        "*volume/*",
        "=image/ami-1",
        "=key-pair/ops",
        "=security-group/sg-1",
        "=subnet/subnet-1",
    ];
    assert_eq!(asked("ec2:RunInstances", LAUNCH, told), whole);
    // The default network is not in the request, but AWS says what it took.
    let short = r#"{"instancesSet":{"items":[{"imageId":"ami-1"}]}}"#;
    let chosen = [
        "*instance/*",
        "*network-interface/*",
        "*volume/*",
        "=image/ami-1",
        "=security-group/sg-7",
        "=subnet/subnet-7",
    ];
    assert_eq!(asked("ec2:RunInstances", short, told), chosen);
    let lost = ["*instance/*", "*network-interface/*", "*volume/*", "=image/ami-1", "?security-group/*", "?subnet/*"];
    assert_eq!(asked("ec2:RunInstances", short, "null"), lost);
    let store = told.replace("ebs", "instance-store");
    assert!(!asked("ec2:RunInstances", short, &store).contains(&"*volume/*".to_owned()));
    let own = r#"{"networkInterfaceSet":{"items":[{"networkInterfaceId":"eni-5"}]}}"#;
    let found = asked("ec2:RunInstances", own, told);
    assert!(
        found.contains(&"=network-interface/eni-5".to_owned()) && !found.contains(&"*network-interface/*".to_owned())
    );
}

#[test]
fn each_required_type_is_a_question() {
    for (action, request, response, expected) in [
        (
            "ec2:AttachVolume",
            r#"{"volumeId":"vol-1","instanceId":"i-1","device":"/dev/sdf"}"#,
            "null",
            vec!["=instance/i-1", "=volume/vol-1"],
        ),
        ("ec2:AttachVolume", r#"{"volumeId":"vol-1"}"#, "null", vec!["=volume/vol-1", "?instance/*"]),
        ("ec2:DetachVolume", r#"{"volumeId":"vol-1"}"#, "null", vec!["=volume/vol-1"]),
        (
            "ec2:CreateSnapshot",
            r#"{"volumeId":"vol-1"}"#,
            r#"{"snapshotId":"snap-1","volumeId":"vol-1"}"#,
            vec!["*snapshot/*", "=volume/vol-1"],
        ),
        (
            "ec2:CreateVolume",
            r#"{"snapshotId":"snap-1"}"#,
            r#"{"volumeId":"vol-2"}"#,
            vec!["*volume/*", "=snapshot/snap-1"],
        ),
        (
            "ec2:AssociateRouteTable",
            r#"{"routeTableId":"rtb-1","subnetId":"subnet-1"}"#,
            "null",
            vec!["=route-table/rtb-1", "=subnet/subnet-1"],
        ),
        (
            "ec2:AttachInternetGateway",
            r#"{"internetGatewayId":"igw-1","vpcId":"vpc-1"}"#,
            "null",
            vec!["=internet-gateway/igw-1", "=vpc/vpc-1"],
        ),
        (
            "ec2:CreateSubnet",
            r#"{"vpcId":"vpc-1"}"#,
            r#"{"subnet":{"subnetId":"subnet-1","vpcId":"vpc-1"}}"#,
            vec!["*subnet/*", "=vpc/vpc-1"],
        ),
        (
            "ec2:CreateVpcEndpoint",
            r#"{"CreateVpcEndpointRequest":{"VpcId":"vpc-1","RouteTableId":{"tag":1,"content":"rtb-1"}}}"#,
            "null",
            vec!["*vpc-endpoint/*", "=route-table/rtb-1", "=vpc/vpc-1"],
        ),
        (
            "ec2:AuthorizeSecurityGroupIngress",
            r#"{"groupId":"sg-1","ipPermissions":{"items":[{"groups":{"items":[{"groupId":"sg-2"}]}}]}}"#,
            "null",
            vec!["=security-group/sg-1"],
        ),
        ("ec2:CreateKeyPair", r#"{"keyName":"ops"}"#, r#"{"keyPairId":"key-1"}"#, vec!["=key-pair/ops"]),
        ("glue:GetTable", r#"{"databaseName":"d","name":"t"}"#, "null", vec!["=catalog", "=database/d", "=table/d/t"]),
        ("glue:GetTables", r#"{"databaseName":"d"}"#, "null", vec!["=catalog", "=database/d", "?table/d/*"]),
    ] {
        assert_eq!(asked(action, request, response), expected, "{action} {request}");
    }
}

#[test]
fn what_is_tagged_and_changed_is_named() {
    let tags = r#"{"resourcesSet":{"items":[{"resourceId":"i-1"},{"resourceId":"ami-1"},{"resourceId":"new-1"}]},"tagSet":{"items":[{"key":"id","value":"vol-1"}]}}"#;
    assert_eq!(asked("ec2:CreateTags", tags, "null"), ["=image/ami-1", "=instance/i-1", "?*/new-1"]);
    for zone in ["Z1", "/hostedzone/Z1"] {
        let request = format!("{{\"hostedZoneId\":\"{zone}\",\"changeBatch\":{{\"changes\":[]}}}}");
        assert_eq!(of("route53:ChangeResourceRecordSets", &[], &request), ["arn:aws:route53:::hostedzone/Z1"]);
    }
}

#[test]
fn a_copy_reads_its_source_and_writes_its_destination() {
    let listed = ["arn:aws:s3:::to/k 2", "arn:aws:s3:::to"];
    for (header, source) in [
        (r#""from/a%20b/%C3%A9""#, "arn:aws:s3:::from/a b/é"),
        (r#""/from/k?versionId=3""#, "arn:aws:s3:::from/k"),
        (r#"["from/k"]"#, "arn:aws:s3:::from/k"),
        (
            r#""arn:aws:s3:eu-west-1:222222222222:accesspoint/ap/object/k""#,
            "arn:aws:s3:eu-west-1:222222222222:accesspoint/ap/object/k",
        ),
        ("null", "arn:aws:s3:::*/*"),
        (r#""%ff/k""#, "arn:aws:s3:::*/*"),
    ] {
        let request = format!("{{\"bucketName\":\"to\",\"key\":\"k 2\",\"X-Amz-Copy-Source\":{header}}}");
        for event in ["CopyObject", "UploadPartCopy"] {
            let of = |action| -> Vec<String> {
                of_call(action, &told(event, &listed, &request, "null")).into_iter().map(|found| found.arn).collect()
            };
            assert_eq!(
                (of("s3:GetObject"), of("s3:PutObject")),
                (vec![source.to_owned()], vec!["arn:aws:s3:::to/k 2".to_owned()])
            );
            assert_eq!(copies_version(event, Some(&request)), header.contains("version"));
        }
        assert_eq!(of("s3:PutObject", &listed, &request), [listed[0]]);
    }
}

#[test]
fn both_keys_of_a_re_encryption() {
    let keys = ["arn:aws:kms:eu-west-1:111111111111:key/1", "arn:aws:kms:eu-west-1:111111111111:key/2"];
    let request = format!("{{\"sourceKeyId\":\"{}\",\"destinationKeyId\":\"{}\"}}", keys[0], keys[1]);
    assert_eq!(of("kms:ReEncryptFrom", &keys, &request), [keys[0]]);
    assert_eq!(of("kms:ReEncryptTo", &keys, &request), [keys[1]]);
    assert_eq!(of("kms:ReEncryptTo", &keys, "{}"), keys);
    assert_eq!(of("kms:Encrypt", &[], r#"{"keyId":"alias/app"}"#), ["arn:aws:kms:eu-west-1:111111111111:key/*"]);
    assert_eq!(of("kms:Encrypt", &[keys[0]], r#"{"keyId":"alias/app"}"#), [keys[0]]);
    assert_eq!(
        of("redshift:GetClusterCredentials", &[], r#"{"dbUser":"u","dbName":"d","clusterIdentifier":"c"}"#),
        ["arn:aws:redshift:eu-west-1:111111111111:dbname:c/d", "arn:aws:redshift:eu-west-1:111111111111:dbuser:c/u"]
    );
    assert_eq!(
        of("ssm:GetParametersByPath", &[], r#"{"path":"/team/app"}"#),
        ["arn:aws:ssm:eu-west-1:111111111111:parameter/team/app"]
    );
}

/// What AWS asks for, by the Service Authorization Reference and the services' guides.
#[test]
fn common_calls_ask_for_what_aws_asks() {
    let (own, other) = ("eu-west-1:111111111111", "eu-west-1:222222222222");
    for (action, request, expected) in [
        (
            "logs:DescribeLogStreams",
            r#"{"logGroupName":"/aws/lambda/f"}"#,
            format!("logs:{own}:log-group:/aws/lambda/f:*"),
        ),
        (
            "logs:CreateLogStream",
            r#"{"logGroupName":"/aws/lambda/f"}"#,
            format!("logs:{own}:log-group:/aws/lambda/f:log-stream:*"),
        ),
        (
            "logs:PutLogEvents",
            r#"{"logGroupName":"/aws/lambda/f","logStreamName":"s"}"#,
            format!("logs:{own}:log-group:/aws/lambda/f:log-stream:s"),
        ),
        (
            "secretsmanager:GetSecretValue",
            r#"{"secretId":"team/db"}"#,
            format!("secretsmanager:{own}:secret:team/db-??????"),
        ),
        ("ecs:UpdateService", r#"{"cluster":"c","service":"web"}"#, format!("ecs:{own}:service/c/web")),
        ("ecs:UpdateService", r#"{"service":"web"}"#, format!("ecs:{own}:service/default/web")),
        (
            "ecs:UpdateService",
            r#"{"cluster":"arn:aws:ecs:eu-west-1:111111111111:cluster/c","service":"web"}"#,
            format!("ecs:{own}:service/c/web"),
        ),
        ("ecs:StopTask", r#"{"cluster":"c","task":"1"}"#, format!("ecs:{own}:task/c/1")),
        ("ecs:RunTask", r#"{"cluster":"c","taskDefinition":"app:3"}"#, format!("ecs:{own}:task-definition/app:3")),
        ("ssm:GetParameter", r#"{"name":"/team/db"}"#, format!("ssm:{own}:parameter/team/db")),
        (
            "ssm:GetDocument",
            r#"{"name":"AWS-RunShellScript"}"#,
            "ssm:eu-west-1::document/AWS-RunShellScript".to_owned(),
        ),
        ("ssm:GetDocument", r#"{"name":"mine"}"#, format!("ssm:{own}:document/mine")),
        ("dynamodb:Query", r#"{"tableName":"t","indexName":"i"}"#, format!("dynamodb:{own}:table/t/index/i")),
        ("dynamodb:Query", r#"{"tableName":"t"}"#, format!("dynamodb:{own}:table/t")),
        (
            "sqs:SendMessage",
            r#"{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/222222222222/q"}"#,
            format!("sqs:{other}:q"),
        ),
        (
            "ecr:BatchGetImage",
            r#"{"registryId":"222222222222","repositoryName":"a/b"}"#,
            format!("ecr:{other}:repository/a/b"),
        ),
        ("ecr:BatchGetImage", r#"{"repositoryName":"a/b"}"#, format!("ecr:{own}:repository/a/b")),
        (
            "lambda:InvokeFunction",
            r#"{"functionName":"222222222222:function:f"}"#,
            format!("lambda:{other}:function:f"),
        ),
        ("lambda:InvokeFunction", r#"{"functionName":"f:live"}"#, format!("lambda:{own}:function:f:live")),
        ("events:PutTargets", r#"{"rule":"r"}"#, format!("events:{own}:rule/r")),
        ("events:PutTargets", r#"{"rule":"r","eventBusName":"default"}"#, format!("events:{own}:rule/r")),
        ("events:PutRule", r#"{"name":"r","eventBusName":"bus"}"#, format!("events:{own}:rule/bus/r")),
        (
            "autoscaling:SetDesiredCapacity",
            r#"{"autoScalingGroupName":"web"}"#,
            format!("autoscaling:{own}:autoScalingGroup:*:autoScalingGroupName/web"),
        ),
        ("kinesis:PutRecord", r#"{"streamName":"s"}"#, format!("kinesis:{own}:stream/s")),
        ("firehose:PutRecord", r#"{"deliveryStreamName":"s"}"#, format!("firehose:{own}:deliverystream/s")),
        ("eks:DescribeCluster", r#"{"name":"c"}"#, format!("eks:{own}:cluster/c")),
        ("sns:Publish", r#"{"topicArn":"arn:aws:sns:eu-west-1:222222222222:t"}"#, format!("sns:{other}:t")),
        ("codebuild:StartBuild", r#"{"projectName":"p"}"#, format!("codebuild:{own}:project/p")),
        ("cloudtrail:StopLogging", r#"{"name":"t"}"#, format!("cloudtrail:{own}:trail/t")),
        ("iam:PassRole", r#"{"roleName":"r"}"#, "iam::111111111111:role/r".to_owned()),
    ] {
        assert_eq!(of(action, &[], request), [format!("arn:aws:{expected}")], "{action} {request}");
    }
    let several = of("ssm:GetParameters", &[], r#"{"names":["/a/b","c"]}"#);
    assert_eq!(several, ["a/b", "c"].map(|name| format!("arn:aws:ssm:{own}:parameter/{name}")));
    // Another type's ARN would be another resource.
    for (action, request) in [("ecs:UpdateService", r#"{"cluster":"c"}"#), ("ssm:SendCommand", r#"{"name":"p"}"#)] {
        let found = of_call(action, &told("", &[], request, "null"));
        assert!(found.iter().all(|one| one.certainty != Certainty::Exact || one.arn.contains("document")), "{found:?}");
    }
}
