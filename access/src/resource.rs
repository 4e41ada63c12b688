//! Which resource a recorded call was about, as the ARN that policies match.
//!
//! Best is what the record lists under `resources`; else the request's parameters name it, and a table says how to make
//! the ARN of them; else it is `*`. Source of the forms: "Actions, resources, and condition keys for AWS services".
//! What parameters and keys say is text of others: [`Resource::exact`] tells it from wildcards of our own.

use ingest::action;
use serde_json::Value;

/// What a call says about resources.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// ARNs of the record's `resources`.
    pub listed: &'a [&'a str],
    /// `requestParameters`, as JSON text.
    pub request: Option<&'a str>,
    /// Region of the call.
    pub region: &'a str,
    /// Account that received the record.
    pub account: &'a str,
    /// Partition of the caller's ARN.
    pub partition: &'a str,
}

/// A resource of a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// Its ARN, or `*`.
    pub arn: String,
    /// Whether that is the resource itself; else the wildcards in it are ours, because the record does not tell it all.
    pub exact: bool,
}

impl Resource {
    fn new(arn: impl Into<String>, exact: bool) -> Resource {
        Resource { arn: arn.into(), exact }
    }
}

/// Prefix, parameter, and the ARN: `{p}` partition, `{r}` region, `{a}` account, `{v}` the parameter's text.
const FORMS: &[(&str, &str, &str)] = &[
    ("s3", "bucketName", "arn:{p}:s3:::{v}"),
    ("dynamodb", "tableName", "arn:{p}:dynamodb:{r}:{a}:table/{v}"),
    ("lambda", "functionName", "arn:{p}:lambda:{r}:{a}:function:{v}"),
    ("sqs", "queueName", "arn:{p}:sqs:{r}:{a}:{v}"),
    ("sns", "topicArn", "{v}"),
    ("sns", "name", "arn:{p}:sns:{r}:{a}:{v}"),
    ("iam", "roleName", "arn:{p}:iam::{a}:role/{v}"),
    ("iam", "userName", "arn:{p}:iam::{a}:user/{v}"),
    ("iam", "groupName", "arn:{p}:iam::{a}:group/{v}"),
    ("iam", "policyArn", "{v}"),
    ("iam", "instanceProfileName", "arn:{p}:iam::{a}:instance-profile/{v}"),
    ("iam", "policyName", "arn:{p}:iam::{a}:policy/{v}"),
    ("sts", "roleArn", "{v}"),
    ("kms", "keyId", "arn:{p}:kms:{r}:{a}:key/{v}"),
    ("secretsmanager", "secretId", "arn:{p}:secretsmanager:{r}:{a}:secret:{v}"),
    ("ssm", "name", "arn:{p}:ssm:{r}:{a}:parameter/{v}"),
    ("logs", "logGroupName", "arn:{p}:logs:{r}:{a}:log-group:{v}:*"),
    ("cloudwatch", "alarmName", "arn:{p}:cloudwatch:{r}:{a}:alarm:{v}"),
    ("ec2", "instanceId", "arn:{p}:ec2:{r}:{a}:instance/{v}"),
    ("ec2", "groupId", "arn:{p}:ec2:{r}:{a}:security-group/{v}"),
    ("ec2", "volumeId", "arn:{p}:ec2:{r}:{a}:volume/{v}"),
    ("ec2", "vpcId", "arn:{p}:ec2:{r}:{a}:vpc/{v}"),
    ("ec2", "subnetId", "arn:{p}:ec2:{r}:{a}:subnet/{v}"),
    ("rds", "dBInstanceIdentifier", "arn:{p}:rds:{r}:{a}:db:{v}"),
    ("ecr", "repositoryName", "arn:{p}:ecr:{r}:{a}:repository/{v}"),
    ("ecs", "cluster", "arn:{p}:ecs:{r}:{a}:cluster/{v}"),
    ("states", "stateMachineArn", "{v}"),
    ("kinesis", "streamName", "arn:{p}:kinesis:{r}:{a}:stream/{v}"),
    ("cloudformation", "stackName", "arn:{p}:cloudformation:{r}:{a}:stack/{v}/*"),
    ("cloudtrail", "name", "arn:{p}:cloudtrail:{r}:{a}:trail/{v}"),
    ("glue", "databaseName", "arn:{p}:glue:{r}:{a}:database/{v}"),
    ("athena", "workGroup", "arn:{p}:athena:{r}:{a}:workgroup/{v}"),
];

/// Most resources that one call is taken to be about.
const MAX_RESOURCES: usize = 64;

/// The resources of a call's action: sorted, at least one.
pub fn of_call(action_name: &str, told: &Told<'_>) -> Vec<Resource> {
    let known = action::index_of(action_name).and_then(|at| action::actions().get(at));
    // An action without resource types takes no resource, whatever the call lists.
    if known.is_some_and(|action| action.resource_types.is_empty()) {
        return vec![Resource::new("*", false)];
    }
    let service = action_name.split(':').next().unwrap_or_default();
    let of_service = |arn: &&str| arn.split(':').nth(2) == Some(service) && arn.starts_with("arn:");
    let listed = told.listed.iter().copied().filter(of_service).take(MAX_RESOURCES);
    let mut found: Vec<Resource> = listed.map(|arn| Resource::new(arn, true)).collect();
    if service == "s3" {
        found = of_s3(known.map_or("", |action| action.resource_types), found, told);
    }
    if found.is_empty() {
        found = of_request(service, known.map_or("", |action| action.resource_types), told);
    }
    if found.is_empty() {
        found.push(Resource::new("*", false));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// S3 lists the object and its bucket: the action's resource types say which of them it is about.
fn of_s3(types: &str, listed: Vec<Resource>, told: &Told<'_>) -> Vec<Resource> {
    let wants_object = types.split(',').any(|kind| kind.trim_end_matches('*') == "object");
    let wants_bucket = types.split(',').any(|kind| kind.trim_end_matches('*') == "bucket");
    let is_object = |found: &Resource| found.arn.splitn(6, ':').nth(5).is_some_and(|rest| rest.contains('/'));
    let (objects, buckets): (Vec<_>, Vec<_>) = listed.into_iter().partition(is_object);
    if wants_object && objects.is_empty() {
        let request = told.request.and_then(|text| serde_json::from_str::<Value>(text).ok());
        let text = |key: &str| request.as_ref()?.get(key)?.as_str().map(str::to_owned);
        let bucket = buckets.first().map(|bucket| bucket.arn.clone());
        let bucket = bucket.or_else(|| text("bucketName").map(|name| format!("arn:{}:s3:::{name}", told.partition)));
        return match (bucket, text("key")) {
            (Some(bucket), Some(key)) => vec![Resource::new(format!("{bucket}/{key}"), true)],
            (Some(bucket), None) => vec![Resource::new(format!("{bucket}/*"), false)],
            _ => Vec::new(),
        };
    }
    match (wants_object, wants_bucket) {
        (true, _) => objects,
        (false, true) => buckets,
        (false, false) => objects.into_iter().chain(buckets).collect(),
    }
}

fn of_request(service: &str, types: &str, told: &Told<'_>) -> Vec<Resource> {
    let Some(Value::Object(request)) = told.request.and_then(|text| serde_json::from_str(text).ok()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if service == "ec2" {
        let items = request.get("instancesSet").and_then(|set| set.get("items")).and_then(Value::as_array);
        for id in items.into_iter().flatten().filter_map(|item| item.get("instanceId")?.as_str()).take(MAX_RESOURCES) {
            found.extend(fill("arn:{p}:ec2:{r}:{a}:instance/{v}", id, told));
        }
    }
    if service == "sqs"
        && let Some(name) = request.get("queueUrl").and_then(Value::as_str).and_then(|url| url.rsplit('/').next())
    {
        found.extend(fill("arn:{p}:sqs:{r}:{a}:{v}", name, told));
    }
    if found.is_empty() {
        // `AddUserToGroup` names a user and a group: the action says which of them it is about.
        let named = |of_type: bool| {
            let forms =
                FORMS.iter().filter(move |(prefix, _, form)| *prefix == service && of_type == is_of(form, types));
            forms.filter_map(|(_, parameter, form)| Some((request.get(*parameter)?.as_str()?, *form)))
        };
        // What makes one of IAM's things says its path, which then stands before the name.
        let path = request.get("path").and_then(Value::as_str).filter(|path| service == "iam" && path.starts_with('/'));
        for (value, form) in named(true).chain(named(false)) {
            let value = match path {
                Some(path) if !value.starts_with("arn:") => format!("{}{value}", path.trim_start_matches('/')),
                _ => value.to_owned(),
            };
            found.extend(fill(form, &value, told));
            if !found.is_empty() {
                break;
            }
        }
    }
    found
}

/// Whether a form is of one of an action's resource types: `role` of `arn:{p}:iam::{a}:role/{v}`.
fn is_of(form: &str, types: &str) -> bool {
    let kind = form.splitn(6, ':').nth(5).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
    types.split(',').any(|wanted| wanted.trim_end_matches('*') == kind)
}

/// A parameter in its ARN; a parameter that is an ARN already is taken as it is.
fn fill(form: &str, value: &str, told: &Told<'_>) -> Option<Resource> {
    if !is_plain(value) {
        return None;
    }
    if value.starts_with("arn:") {
        return Some(Resource::new(value, true));
    }
    // A form that is all parameter wants an ARN.
    if form == "{v}" {
        return None;
    }
    let value = value.trim_start_matches('/');
    let filled = form.replace("{p}", told.partition).replace("{r}", told.region).replace("{a}", told.account);
    Some(Resource::new(filled.replace("{v}", value), !form.ends_with('*')))
}

/// Whether a text can stand in a policy as itself: no wildcards, no variables, no control characters.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 1024 && !text.contains(['*', '?', '$']) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(action: &str, listed: &[&str], request: &str) -> Vec<String> {
        let told =
            Told { listed, request: Some(request), region: "eu-west-1", account: "111111111111", partition: "aws" };
        of_call(action, &told).into_iter().map(|found| found.arn).collect()
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
    fn parameters_are_put_into_the_services_form() {
        assert_eq!(of("s3:GetObject", &[], r#"{"bucketName":"b","key":"a/k"}"#), ["arn:aws:s3:::b/a/k"]);
        assert_eq!(of("iam:GetRole", &[], r#"{"roleName":"app"}"#), ["arn:aws:iam::111111111111:role/app"]);
        let both = r#"{"userName":"ann","groupName":"all"}"#;
        assert_eq!(of("iam:AddUserToGroup", &[], both), ["arn:aws:iam::111111111111:group/all"]);
        let profile = r#"{"roleName":"app","instanceProfileName":"web"}"#;
        assert_eq!(
            of("iam:AddRoleToInstanceProfile", &[], profile),
            ["arn:aws:iam::111111111111:instance-profile/web"]
        );
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
}
