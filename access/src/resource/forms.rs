//! ARNs made of a request's parameters, by the service's form of each resource type.

use serde_json::{Map, Value};

use ingest::key::is_account;

use super::{Certainty, Resource, Told, is_plain, kinds};

/// IAM prefix, resource type, and its ARN: `{p}` partition, `{r}` region, `{a}` account, else a parameter of the request, or
/// what stands behind `=` where it is not there. Of several forms of one type, the first whose parameters are all there. A
/// wildcard is what AWS chooses and no request says.
const FORMS: &[(&str, &str, &str)] = &[
    ("dynamodb", "table", "arn:{p}:dynamodb:{r}:{a}:table/{tableName}"),
    ("dynamodb", "index", "arn:{p}:dynamodb:{r}:{a}:table/{tableName}/index/{indexName}"),
    ("lambda", "function", "arn:{p}:lambda:{r}:{a}:function:{functionName}:{qualifier}"),
    ("lambda", "function", "arn:{p}:lambda:{r}:{a}:function:{functionName}"),
    ("elasticloadbalancing", "targetgroup", "{targetGroupArn}"),
    ("elasticloadbalancing", "loadbalancer", "{loadBalancerArn}"),
    ("elasticloadbalancing", "loadbalancer/app/", "{loadBalancerArn}"),
    ("elasticloadbalancing", "listener/app", "{listenerArn}"),
    ("wafv2", "webacl", "{webACLArn}"),
    ("cognito-idp", "userpool", "arn:{p}:cognito-idp:{r}:{a}:userpool/{userPoolId}"),
    ("sqs", "queue", "arn:{p}:sqs:{r}:{a}:{queueName}"),
    ("sqs", "queue", "arn:{p}:sqs:{r}:{a}:{queueUrl}"),
    ("sns", "topic", "{topicArn}"),
    ("sns", "topic", "arn:{p}:sns:{r}:{a}:{name}"),
    ("iam", "role", "arn:{p}:iam::{a}:role/{roleName}"),
    ("iam", "user", "arn:{p}:iam::{a}:user/{userName}"),
    ("iam", "group", "arn:{p}:iam::{a}:group/{groupName}"),
    ("iam", "policy", "{policyArn}"),
    ("iam", "instance-profile", "arn:{p}:iam::{a}:instance-profile/{instanceProfileName}"),
    ("iam", "policy", "arn:{p}:iam::{a}:policy/{policyName}"),
    ("sts", "role", "{roleArn}"),
    ("kms", "alias", "arn:{p}:kms:{r}:{a}:{aliasName}"),
    ("kms", "key", "arn:{p}:kms:{r}:{a}:key/{targetKeyId}"),
    ("kms", "key", "arn:{p}:kms:{r}:{a}:key/{keyId}"),
    ("secretsmanager", "Secret", "arn:{p}:secretsmanager:{r}:{a}:secret:{secretId}-??????"),
    ("secretsmanager", "Secret", "arn:{p}:secretsmanager:{r}:{a}:secret:{name}-??????"),
    ("ssm", "parameter", "arn:{p}:ssm:{r}:{a}:parameter/{name}"),
    ("ssm", "parameter", "arn:{p}:ssm:{r}:{a}:parameter/{names}"),
    ("ssm", "parameter", "arn:{p}:ssm:{r}:{a}:parameter/{path}"),
    ("ssm", "instance", "arn:{p}:ec2:{r}:{a}:instance/{instanceIds}"),
    ("ssm", "instance", "arn:{p}:ec2:{r}:{a}:instance/{target}"),
    ("ssm", "document", "arn:{p}:ssm:{r}:{a}:document/{documentName}"),
    ("ssm", "document", "arn:{p}:ssm:{r}:{a}:document/{name}"),
    ("logs", "log-stream", "arn:{p}:logs:{r}:{a}:log-group:{logGroupName}:log-stream:{logStreamName}"),
    ("logs", "log-stream", "arn:{p}:logs:{r}:{a}:log-group:{logGroupName}:log-stream:*"),
    ("logs", "log-group", "arn:{p}:logs:{r}:{a}:log-group:{logGroupName}:*"),
    ("cloudwatch", "alarm", "arn:{p}:cloudwatch:{r}:{a}:alarm:{alarmName}"),
    ("rds", "db", "arn:{p}:rds:{r}:{a}:db:{dBInstanceIdentifier}"),
    ("rds", "snapshot", "arn:{p}:rds:{r}:{a}:snapshot:{dBSnapshotIdentifier}"),
    ("rds", "cluster", "arn:{p}:rds:{r}:{a}:cluster:{dBClusterIdentifier}"),
    ("rds", "cluster-snapshot", "arn:{p}:rds:{r}:{a}:cluster-snapshot:{dBClusterSnapshotIdentifier}"),
    ("rds", "cluster-pg", "arn:{p}:rds:{r}:{a}:cluster-pg:{dBClusterParameterGroupName}"),
    ("rds", "subgrp", "arn:{p}:rds:{r}:{a}:subgrp:{dBSubnetGroupName}"),
    ("rds", "pg", "arn:{p}:rds:{r}:{a}:pg:{dBParameterGroupName}"),
    ("rds", "og", "arn:{p}:rds:{r}:{a}:og:{optionGroupName}"),
    ("redshift", "dbuser", "arn:{p}:redshift:{r}:{a}:dbuser:{clusterIdentifier}/{dbUser}"),
    ("redshift", "dbname", "arn:{p}:redshift:{r}:{a}:dbname:{clusterIdentifier}/{dbName}"),
    ("ecr", "repository", "arn:{p}:ecr:{r}:{registryId=a}:repository/{repositoryName}"),
    ("ecs", "cluster", "arn:{p}:ecs:{r}:{a}:cluster/{cluster}"),
    ("ecs", "cluster", "arn:{p}:ecs:{r}:{a}:cluster/{clusterName}"),
    ("ecs", "service", "arn:{p}:ecs:{r}:{a}:service/{cluster=default}/{service}"),
    ("ecs", "service", "arn:{p}:ecs:{r}:{a}:service/{cluster=default}/{serviceName}"),
    ("ecs", "task", "arn:{p}:ecs:{r}:{a}:task/{cluster=default}/{task}"),
    ("ecs", "task", "arn:{p}:ecs:{r}:{a}:task/{cluster=default}/{tasks}"),
    ("ecs", "container-instance", "arn:{p}:ecs:{r}:{a}:container-instance/{cluster=default}/{containerInstance}"),
    ("ecs", "task-definition", "arn:{p}:ecs:{r}:{a}:task-definition/{taskDefinition}"),
    ("ecs", "task-definition", "arn:{p}:ecs:{r}:{a}:task-definition/{family}:*"),
    ("eks", "cluster", "arn:{p}:eks:{r}:{a}:cluster/{clusterName}"),
    ("eks", "cluster", "arn:{p}:eks:{r}:{a}:cluster/{name}"),
    ("events", "rule-on-custom-event-bus", "arn:{p}:events:{r}:{a}:rule/{eventBusName}/{rule}"),
    ("events", "rule-on-custom-event-bus", "arn:{p}:events:{r}:{a}:rule/{eventBusName}/{name}"),
    ("events", "rule-on-default-event-bus", "arn:{p}:events:{r}:{a}:rule/{rule}"),
    ("events", "rule-on-default-event-bus", "arn:{p}:events:{r}:{a}:rule/{name}"),
    (
        "autoscaling",
        "autoScalingGroup",
        "arn:{p}:autoscaling:{r}:{a}:autoScalingGroup:*:autoScalingGroupName/{autoScalingGroupName}",
    ),
    ("firehose", "deliverystream", "arn:{p}:firehose:{r}:{a}:deliverystream/{deliveryStreamName}"),
    ("codebuild", "project", "arn:{p}:codebuild:{r}:{a}:project/{projectName}"),
    ("codebuild", "project", "arn:{p}:codebuild:{r}:{a}:project/{name}"),
    ("states", "statemachine", "{stateMachineArn}"),
    ("states", "statemachine", "arn:{p}:states:{r}:{a}:stateMachine:{name}"),
    ("kinesis", "stream", "arn:{p}:kinesis:{r}:{a}:stream/{streamName}"),
    ("cloudformation", "stack", "arn:{p}:cloudformation:{r}:{a}:stack/{stackName}/*"),
    ("cloudtrail", "trail", "arn:{p}:cloudtrail:{r}:{a}:trail/{name}"),
    ("glue", "rootcatalog", "arn:{p}:glue:{r}:{a}:catalog"),
    ("glue", "table", "arn:{p}:glue:{r}:{a}:table/{databaseName}/{tableName}"),
    ("glue", "table", "arn:{p}:glue:{r}:{a}:table/{databaseName}/{tableInput.name}"),
    ("glue", "table", "arn:{p}:glue:{r}:{a}:table/{databaseName}/{name}"),
    ("glue", "database", "arn:{p}:glue:{r}:{a}:database/{databaseName}"),
    ("glue", "database", "arn:{p}:glue:{r}:{a}:database/{databaseInput.name}"),
    ("glue", "database", "arn:{p}:glue:{r}:{a}:database/{name}"),
    ("athena", "workgroup", "arn:{p}:athena:{r}:{a}:workgroup/{workGroup}"),
    ("route53", "hostedzone", "arn:{p}:route53:::hostedzone/{hostedZoneId}"),
    ("route53", "hostedzone", "arn:{p}:route53:::hostedzone/{id}"),
    ("route53", "healthcheck", "arn:{p}:route53:::healthcheck/{healthCheckId}"),
    ("route53", "change", "arn:{p}:route53:::change/{id}"),
    ("route53", "trafficpolicy", "arn:{p}:route53:::trafficpolicy/{trafficPolicyId}"),
    ("route53", "trafficpolicyinstance", "arn:{p}:route53:::trafficpolicyinstance/{id}"),
];

/// Services that ask for each required type of an action; elsewhere the reference may mean one of them.
const ALL_REQUIRED: &[&str] = &["glue", "kms", "rds"];

/// Calls with two sides, each of which has an action of its own: the parameter that names that action's side.
const SIDES: &[(&str, &str)] = &[("kms:ReEncryptFrom", "sourceKeyId"), ("kms:ReEncryptTo", "destinationKeyId")];

/// The resource of one side of a call; `None` where the call has no sides, or names this one by an alias only.
pub(super) fn of_side(action: &str, request: &Map<String, Value>, told: &Told<'_>) -> Option<Vec<Resource>> {
    let parameter = SIDES.iter().find(|(side, _)| *side == action).map(|(_, parameter)| *parameter)?;
    let value = request.get(parameter)?.as_str().filter(|value| is_plain(value) && !value.contains("alias/"))?;
    let arn = match value.starts_with("arn:") {
        true => value.to_owned(),
        false => format!("arn:{}:kms:{}:{}:key/{value}", told.partition, told.region, told.account),
    };
    Some(vec![Resource::new(arn, Certainty::Exact)])
}

/// The resources that a request's parameters name: one of each type of the action; of an action of no type that is known, the
/// first that the service's forms make of it.
pub(super) fn of_request(action: &str, types: &str, request: &Map<String, Value>, told: &Told<'_>) -> Vec<Resource> {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    let is_alternative = name.contains("Tag") || name.contains("ResourcePolicy");
    let asks_all = ALL_REQUIRED.contains(&service) && !is_alternative;
    let mut found = Vec::new();
    for (kind, required) in kinds(types).filter(|(kind, _)| !is_of_another(kind, types, request)) {
        let named = forms(service, kind).find_map(|(_, kind, form)| fill_each(service, kind, form, request, told));
        if let Some(named) = named {
            found.extend(named);
        } else if asks_all && required {
            let form = forms(service, kind).next().map(|(.., form)| *form);
            found.push(unknown(form.unwrap_or("*"), request, told));
        }
    }
    // Another type's ARN would be another resource.
    if found.is_empty() && types.is_empty() {
        let any = FORMS.iter().filter(|(prefix, ..)| *prefix == service);
        found.extend(
            any.filter(|(.., form)| form.contains('{'))
                .find_map(|(_, kind, form)| fill(service, kind, form, request, told)),
        );
    }
    found
}

/// Whether a request's parameters say that it is about another of the action's types: a query of an index is not asked for its
/// table, and a rule of a bus of its own is none of the default bus.
fn is_of_another(kind: &str, types: &str, request: &Map<String, Value>) -> bool {
    let named = |name: &str| request.get(name).and_then(Value::as_str).filter(|name| !name.is_empty());
    match kind {
        "table" => named("indexName").is_some() && kinds(types).any(|(kind, _)| kind == "index"),
        "rule-on-default-event-bus" => {
            named("eventBusName").is_some_and(|bus| bus.rsplit('/').next().is_some_and(|name| name != "default"))
        }
        _ => false,
    }
}

/// The forms of a resource type.
fn forms(service: &str, kind: &str) -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    FORMS.iter().filter(move |(prefix, of, _)| *prefix == service && of.eq_ignore_ascii_case(kind))
}

/// The parts of a form: text, and names in braces.
pub(super) fn parts(form: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    form.split_inclusive('}').map(|part| match part.split_once('{') {
        Some((text, name)) => (text, Some(name.trim_end_matches('}'))),
        None => (part, None),
    })
}

/// A parameter by its name, or by the names on the way to it.
fn parameter<'a>(request: &'a Map<String, Value>, path: &str) -> Option<&'a str> {
    let mut names = path.split('.');
    let first = request.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))?.as_str()
}

pub(super) fn place<'a>(name: &str, told: &Told<'a>) -> Option<&'a str> {
    match name {
        "p" => Some(told.partition),
        "r" => Some(told.region),
        "a" => Some(told.account),
        _ => None,
    }
}

/// The resources of a form; several where its last parameter is a list.
fn fill_each(
    service: &str,
    kind: &str,
    form: &str,
    request: &Map<String, Value>,
    told: &Told<'_>,
) -> Option<Vec<Resource>> {
    let last = parts(form).filter_map(|(_, name)| name).last()?;
    let Some(list) = request.get(last).and_then(Value::as_array) else {
        return fill(service, kind, form, request, told).map(|found| vec![found]);
    };
    let each = list.iter().map(|value| {
        let mut one = request.clone();
        one.insert(last.to_owned(), value.clone());
        fill(service, kind, form, &one, told)
    });
    each.collect::<Option<Vec<_>>>().filter(|found| !found.is_empty())
}

/// A form with its parameters; `None` where one is missing. A last parameter that is an ARN already is taken as it is; of one
/// before it the name counts.
fn fill(service: &str, kind: &str, form: &str, request: &Map<String, Value>, told: &Told<'_>) -> Option<Resource> {
    let mut arn = String::new();
    let last = parts(form).filter_map(|(_, name)| name).last();
    for (text, name) in parts(form) {
        arn.push_str(text);
        let Some(own) = name else { continue };
        let (name, instead) = own.split_once('=').map_or((own, None), |(name, instead)| (name, Some(instead)));
        if let Some(place) = place(name, told) {
            arn.push_str(place);
            continue;
        }
        let Some(value) = parameter(request, name) else {
            let instead = instead?;
            arn.push_str(place(instead, told).unwrap_or(instead));
            continue;
        };
        if !is_plain(value) {
            return None;
        }
        if Some(own) != last {
            let is_arn = value.starts_with("arn:");
            let value = if is_arn { value.rsplit(['/', ':']).next().unwrap_or(value) } else { value };
            if name == "eventBusName" && value == "default" {
                return None;
            }
            arn.push_str(value);
            continue;
        }
        // A task, or a machine of somebody's own.
        if service == "ssm" && kind == "instance" && !value.starts_with("i-") && !value.starts_with("mi-") {
            return None;
        }
        if let Some(other) = elsewhere(service, kind, value, told) {
            return Some(Resource::new(other, Certainty::Exact));
        }
        let is_alias = service == "kms" && kind == "key" && value.contains("alias/");
        if is_alias {
            // The key behind an alias is what is asked for.
            return Some(unknown("arn:{p}:kms:{r}:{a}:key/{key}", &Map::new(), told));
        }
        if value.starts_with("arn:") {
            return Some(Resource::new(value, Certainty::Exact));
        }
        // A form that is all parameter wants an ARN.
        if form.starts_with('{') {
            return None;
        }
        let value = match service {
            // `/hostedzone/Z1`
            "route53" => value.rsplit('/').next().unwrap_or(value),
            // `/team/password` is `parameter/team/password`.
            "ssm" => value.trim_start_matches('/'),
            _ => value,
        };
        // What makes one of IAM's things says its path, which then stands before the name.
        let path =
            parameter(request, "path").filter(|path| service == "iam" && path.starts_with('/') && is_plain(path));
        arn.push_str(path.map_or("", |path| path.trim_start_matches('/')));
        arn.push_str(value);
    }
    let certainty = if form.contains(['*', '?']) { Certainty::Unknown } else { Certainty::Exact };
    Some(Resource::new(arn, certainty))
}

/// The ARN of a parameter that says more than a name: its account, or that AWS owns it.
fn elsewhere(service: &str, kind: &str, value: &str, told: &Told<'_>) -> Option<String> {
    let Told { partition, region, account, .. } = told;
    match service {
        // `https://sqs.eu-west-1.amazonaws.com/111122223333/q`
        "sqs" if value.contains("://") => {
            let mut parts = value.rsplit('/');
            let (name, owner) = (parts.next()?, parts.next()?);
            let owner = if is_account(owner) { owner } else { account };
            Some(format!("arn:{partition}:sqs:{region}:{owner}:{name}"))
        }
        // `111122223333:function:f` and `111122223333:f`
        "lambda" if value.split(':').next().is_some_and(is_account) => {
            let (owner, name) = value.split_once(':')?;
            let name = name.strip_prefix("function:").unwrap_or(name);
            Some(format!("arn:{partition}:lambda:{region}:{owner}:function:{name}"))
        }
        "lambda" => Some(format!(
            "arn:{partition}:lambda:{region}:{account}:{}",
            value.strip_prefix("function:").map(|_| value)?
        )),
        "ssm" if kind == "instance" && value.starts_with("mi-") => {
            Some(format!("arn:{partition}:ssm:{region}:{account}:managed-instance/{value}"))
        }
        // "AWS-owned documents": their ARNs have no account.
        "ssm" if kind == "document" && (value.starts_with("AWS-") || value.starts_with("AWSConformancePacks-")) => {
            Some(format!("arn:{partition}:ssm:{region}::document/{value}"))
        }
        _ => None,
    }
}

/// A form with wildcards for the parameters that are missing.
fn unknown(form: &str, request: &Map<String, Value>, told: &Told<'_>) -> Resource {
    let mut arn = String::new();
    for (text, name) in parts(form) {
        arn.push_str(text);
        let Some(name) = name else { continue };
        let named = || parameter(request, name).filter(|value| is_plain(value) && !value.starts_with("arn:"));
        arn.push_str(place(name, told).or_else(named).unwrap_or("*"));
    }
    Resource::new(arn, Certainty::Unknown)
}
