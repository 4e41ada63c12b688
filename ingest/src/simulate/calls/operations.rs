//! Running it all: logs, metrics, Systems Manager, CloudFormation, CloudTrail, Route 53, queues, cost.

use super::{Call, read, write};

pub(super) const CALLS: &[Call] = &[
    write("logs", "CreateLogStream", "logs:CreateLogStream")
        .request(r#"{"logGroupName":"<loggroup>","logStreamName":"2026/<hex16>[$LATEST]<hex16b><hex16c>"}"#)
        .target("arn:aws:logs:<region>:<account>:log-group:<loggroup>:log-stream:*")
        .api_version("20140328")
        .failure("ResourceAlreadyExistsException", "The specified log stream already exists"),
    read("logs", "DescribeLogGroups", "logs:DescribeLogGroups")
        .request(r#"{"logGroupNamePrefix":"<loggroup>","limit":50}"#)
        .target("arn:aws:logs:<region>:<account>:log-group::log-stream:")
        .api_version("20140328")
        .failure("ThrottlingException", "Rate exceeded"),
    read("logs", "DescribeLogStreams", "logs:DescribeLogStreams")
        .request(r#"{"logGroupName":"<loggroup>","orderBy":"LastEventTime","descending":true,"limit":50}"#)
        .target("arn:aws:logs:<region>:<account>:log-group:<loggroup>:log-stream:")
        .api_version("20140328")
        .failure("ResourceNotFoundException", "The specified log group does not exist."),
    read("logs", "StartQuery", "logs:StartQuery")
        .request(r#"{"logGroupName":"<loggroup>","startTime":1793480400,"endTime":1793484000,"queryString":"fields @timestamp, @message | filter @message like /ERROR/ | sort @timestamp desc | limit 100"}"#)
        .response(r#"{"queryId":"<uuid>"}"#)
        .target("arn:aws:logs:<region>:<account>:log-group:<loggroup>:log-stream:")
        .api_version("20140328"),
    read("monitoring", "DescribeAlarms", "cloudwatch:DescribeAlarms")
        .request(r#"{"alarmNamePrefix":"<alarm>","maxRecords":100}"#)
        .target("arn:aws:cloudwatch:<region>:<account>:alarm:*"),
    write("monitoring", "PutMetricAlarm", "cloudwatch:PutMetricAlarm")
        .request(r#"{"alarmName":"<alarm>","alarmDescription":"owned by <service>","actionsEnabled":true,"alarmActions":["arn:aws:sns:<region>:<account>:on-call"],"metricName":"<metric>","namespace":"Shop","statistic":"Average","period":60,"evaluationPeriods":5,"threshold":80.5,"comparisonOperator":"GreaterThanThreshold"}"#)
        .target("arn:aws:cloudwatch:<region>:<account>:alarm:<alarm>"),
    read("monitoring", "ListMetrics", "cloudwatch:ListMetrics").request(r#"{"namespace":"Shop","metricName":"<metric>"}"#),
    write("ssm", "UpdateInstanceInformation", "ssm:UpdateInstanceInformation")
        .request(r#"{"instanceId":"<session>","agentVersion":"3.3.2299.0","agentStatus":"Active","platformType":"Linux","platformName":"Amazon Linux","platformVersion":"2023","iPAddress":"<private>","computerName":"ip-10-20-4-17.<region>.compute.internal","agentName":"amazon-ssm-agent","availabilityZone":"<region><zone>","availabilityZoneId":"use1-az4","sSMConnectionChannel":"ssmmessages"}"#)
        .target("arn:aws:ec2:<region>:<account>:instance/<session>"),
    read("ssm", "GetParameter", "ssm:GetParameter")
        .request(r#"{"name":"<parameter>","withDecryption":true}"#)
        .resources(r#"[{"accountId":"<account>","ARN":"arn:aws:ssm:<region>:<account>:parameter<parameter>"}]"#)
        .target("arn:aws:ssm:<region>:<account>:parameter<parameter>")
        .failure("ParameterNotFound", ""),
    read("ssm", "GetParametersByPath", "ssm:GetParametersByPath")
        .request(r#"{"path":"/shop/config","recursive":true,"withDecryption":true,"maxResults":10}"#)
        .resources(r#"[{"accountId":"<account>","ARN":"arn:aws:ssm:<region>:<account>:parameter/shop/config"}]"#)
        .target("arn:aws:ssm:<region>:<account>:parameter/shop/config"),
    write("ssm", "PutParameter", "ssm:PutParameter")
        .request(r#"{"name":"<parameter>","value":"HIDDEN_DUE_TO_SECURITY_REASONS","type":"SecureString","overwrite":true,"allowedPattern":"","tier":"Standard"}"#)
        .response(r#"{"version":<n>,"tier":"Standard"}"#)
        .resources(r#"[{"accountId":"<account>","ARN":"arn:aws:ssm:<region>:<account>:parameter<parameter>"}]"#)
        .target("arn:aws:ssm:<region>:<account>:parameter<parameter>"),
    read("cloudformation", "DescribeStacks", "cloudformation:DescribeStacks")
        .request(r#"{"stackName":"<stack>"}"#)
        .target("arn:aws:cloudformation:<region>:<account>:stack/<stack>/*")
        .failure("ValidationException", "Stack with id <stack> does not exist"),
    write("cloudformation", "CreateChangeSet", "cloudformation:CreateChangeSet")
        .request(r#"{"stackName":"<stack>","changeSetName":"deploy-<hex16>","changeSetType":"UPDATE","capabilities":["CAPABILITY_NAMED_IAM"],"parameters":[{"parameterKey":"Environment","parameterValue":"****"}],"tags":[{"key":"Team","value":"Plattform Größe XL"}]}"#)
        .response(r#"{"id":"arn:aws:cloudformation:<region>:<account>:changeSet/deploy-<hex16>/<uuid>","stackId":"arn:aws:cloudformation:<region>:<account>:stack/<stack>/<uuid2>"}"#)
        .target("arn:aws:cloudformation:<region>:<account>:stack/<stack>/*"),
    write("cloudformation", "ExecuteChangeSet", "cloudformation:ExecuteChangeSet")
        .request(r#"{"stackName":"<stack>","changeSetName":"deploy-<hex16>","clientRequestToken":"<uuid2>"}"#)
        .target("arn:aws:cloudformation:<region>:<account>:stack/<stack>/*"),
    read("cloudtrail", "LookupEvents", "cloudtrail:LookupEvents")
        .request(r#"{"maxResults":50,"lookupAttributes":[{"attributeKey":"ReadOnly","attributeValue":"false"}]}"#)
        .failure("ThrottlingException", "Rate exceeded"),
    read("cloudtrail", "DescribeTrails", "cloudtrail:DescribeTrails").request(r#"{"trailNameList":[],"includeShadowTrails":true}"#),
    read("cloudtrail", "GetTrailStatus", "cloudtrail:GetTrailStatus")
        .request(r#"{"name":"arn:aws:cloudtrail:us-east-1:<account>:trail/org-trail"}"#)
        .target("arn:aws:cloudtrail:us-east-1:<account>:trail/org-trail"),
    read("config", "DescribeConfigurationRecorders", "config:DescribeConfigurationRecorders"),
    read("guardduty", "ListFindings", "guardduty:ListFindings")
        .request(r#"{"detectorId":"<hex16><hex16b>","findingCriteria":{"criterion":{"severity":{"greaterThanOrEqual":4}}},"maxResults":50}"#)
        .target("arn:aws:guardduty:<region>:<account>:detector/<hex16><hex16b>"),
    write("route53", "ChangeResourceRecordSets", "route53:ChangeResourceRecordSets")
        .global()
        .request(r#"{"hostedZoneId":"Z<alnum21>","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"<service>.shop.example.com.","type":"A","tTL":60,"resourceRecords":[{"value":"203.0.113.20"}]}}]}}"#)
        .response(r#"{"changeInfo":{"id":"/change/C<alnum21>","status":"PENDING","submittedAt":"<ustime>"}}"#)
        .additional(r#"{"Note":"Do not use to reconstruct hosted zone"}"#)
        .api_version("2013-04-01")
        .target("arn:aws:route53:::hostedzone/Z<alnum21>"),
    read("route53", "ListHostedZones", "route53:ListHostedZones").global().api_version("2013-04-01"),
    write("cloudfront", "CreateInvalidation", "cloudfront:CreateInvalidation")
        .global()
        .request(r#"{"distributionId":"E2<alnum6>QX","invalidationBatch":{"callerReference":"cli-<hex16>","paths":{"items":["/*"],"quantity":1}}}"#)
        .response(r#"{"location":"https://cloudfront.amazonaws.com/2020-05-31/distribution/E2<alnum6>QX/invalidation/I<alnum21>","invalidation":{"id":"I<alnum21>","status":"InProgress","createTime":"<ustime>"}}"#)
        .api_version("2020_05_31"),
    read("ce", "GetCostAndUsage", "ce:GetCostAndUsage")
        .global()
        .request(r#"{"timePeriod":{"start":"2026-10-01","end":"2026-10-31"},"granularity":"DAILY","metrics":["UnblendedCost"],"groupBy":[{"type":"DIMENSION","key":"SERVICE"}]}"#),
    read("sqs", "GetQueueAttributes", "sqs:GetQueueAttributes")
        .request(r#"{"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/orders","attributeNames":["ApproximateNumberOfMessages"]}"#)
        .resources(r#"[{"accountId":"<account>","type":"AWS::SQS::Queue","ARN":"arn:aws:sqs:<region>:<account>:orders"}]"#)
        .target("arn:aws:sqs:<region>:<account>:orders"),
    read("sns", "ListTopics", "sns:ListTopics").target("arn:aws:sns:<region>:<account>:*"),
];
