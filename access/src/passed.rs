//! Roles that a call handed to a service. `iam:PassRole` leaves no event of its own; the request's parameters name the
//! role. Source: "Grant a user permissions to pass a role to an AWS service" in the IAM user guide.

use serde_json::Value;

use crate::launched;
use crate::paths::Paths;
use crate::resource::Told;

/// Services whose calls name roles without passing them.
const NOT_PASSING: &[&str] = &["sts", "iam", "kms", "cloudtrail", "signin", "sso", "organizations", "access-analyzer"];
/// Their calls that do: "Service Authorization Reference", dependent actions.
const PASSING: &[&str] = &["iam:AddRoleToInstanceProfile", "cloudtrail:CreateTrail", "cloudtrail:UpdateTrail"];
/// The principal that a role is passed to, where it is not the service that was called.
const PASSED_TO: &[(&str, &str)] =
    &[("ecs.amazonaws.com", "ecs-tasks.amazonaws.com"), ("iam.amazonaws.com", INSTANCES)];
/// Who assumes the role of an instance profile, whichever service is asked to start the instances.
pub(crate) const INSTANCES: &str = "ec2.amazonaws.com";
/// Deepest nesting and most roles that are looked at.
const MAX_DEPTH: usize = 16;
const MAX_ROLES: usize = 256;

/// Members that hold a role's ARN and do not say so, in lower case: of API Gateway's integrations, of flow logs.
const MEMBERS: &[&str] = &["credentials", "deliverlogspermissionarn"];

/// Where a request names what it hands over by its name alone: service, member (in lower case), kind.
const NAMED: &[(&str, &str, &str)] = &[
    ("autoscaling", "iaminstanceprofile", "instance-profile"),
    ("ec2", "iaminstanceprofile", "instance-profile"),
    ("ecs", "role", "role"),
    ("elasticmapreduce", "autoscalingrole", "role"),
    ("elasticmapreduce", "jobflowrole", "instance-profile"),
    ("elasticmapreduce", "servicerole", "role"),
    ("glue", "role", "role"),
    ("iam", "rolename", "role"),
    ("ssm", "iamrole", "role"),
];

/// Whether calls of an action may pass roles: those that only read do not.
pub(crate) fn may_pass(action: &str) -> bool {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    let reads = ["Describe", "List", "Get", "Search", "Lookup"].iter().any(|verb| name.starts_with(verb));
    !reads && (!NOT_PASSING.contains(&service) || PASSING.contains(&action))
}

/// The roles (ARNs) that a call passed, sorted, each with the service principal that it was passed to; of an instance
/// profile, its role: see [`Paths::role_of`]. Empty for a call that only reads.
pub fn roles(event_source: &str, action: &str, told: &Told<'_>, paths: &Paths) -> Vec<(String, String)> {
    let service = action.split(':').next().unwrap_or_default();
    let names = |text: &str| {
        NAMED.iter().any(|(prefix, member, _)| *prefix == service && launched::contains_folded(text, member))
    };
    // An ARN of IAM's, looked for once: most requests have none.
    let has_arn =
        |text: &str| text.contains(":iam:") && (text.contains(":role/") || text.contains(":instance-profile/"));
    let is_told = |text: &&str| has_arn(text) || names(text);
    if event_source.is_empty() || !may_pass(action) {
        return Vec::new();
    }
    let Some(request) = told.request.filter(is_told) else { return Vec::new() };
    let mut search = Search { service, told, paths, found: Vec::new() };
    if let Ok(value) = serde_json::from_str::<Value>(request) {
        search.walk("", &value, 0);
    }
    search.found.sort_unstable();
    search.found.dedup();
    let own = passed_to(event_source);
    search.found.into_iter().map(|(role, to)| (role, to.unwrap_or(own).to_owned())).collect()
}

/// The service principal that a call's roles are passed to, unless what names them says another.
fn passed_to(event_source: &str) -> &str {
    PASSED_TO.iter().find(|(source, _)| *source == event_source).map_or(event_source, |(_, principal)| principal)
}

struct Search<'a> {
    service: &'a str,
    told: &'a Told<'a>,
    paths: &'a Paths,
    found: Vec<(String, Option<&'static str>)>,
}

impl Search<'_> {
    fn walk(&mut self, key: &str, value: &Value, depth: usize) {
        if depth > MAX_DEPTH || self.found.len() >= MAX_ROLES {
            return;
        }
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    // `iamInstanceProfile: {arn: …}` or `{name: …}`: the outer name tells more.
                    // Cognito's `roles: {authenticated: …}` has its roles by kind.
                    let is_plain = name.eq_ignore_ascii_case("arn")
                        || name.eq_ignore_ascii_case("name")
                        || (key.eq_ignore_ascii_case("roles") && value.is_string());
                    self.walk(if is_plain { key } else { name }, value, depth + 1);
                }
            }
            Value::Array(list) => list.iter().for_each(|value| self.walk(key, value, depth + 1)),
            Value::String(text) => self.text(&key.to_ascii_lowercase(), text),
            _ => {}
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        if is_role(text) {
            if key.contains("role") || MEMBERS.contains(&key) {
                self.found.push((text.to_owned(), to_of(key)));
            } else if key.contains("instanceprofile") {
                self.found.push((self.paths.role_of(text), Some(INSTANCES)));
            }
            return;
        }
        let named = NAMED.iter().find(|(service, member, _)| *service == self.service && *member == key);
        // Names of IAM's things ("IAM and AWS STS quotas"): anything else would be a wildcard, or an ARN of something else.
        let is_name = |text: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
            !text.is_empty() && text.len() <= 128 && text.bytes().all(allowed)
        };
        if let Some((.., kind)) = named.filter(|_| is_name(text)) {
            let arn = format!("arn:{}:iam::{}:{kind}/{text}", self.told.partition, self.told.account);
            let is_profile = *kind == "instance-profile";
            let role = if is_profile { self.paths.role_of(&arn) } else { self.paths.whole(&arn).to_owned() };
            self.found.push((role, if is_profile { Some(INSTANCES) } else { to_of(key) }));
        }
    }
}

/// Who gets the role under a name that says so.
fn to_of(key: &str) -> Option<&'static str> {
    match key {
        "jobflowrole" => Some(INSTANCES),
        "autoscalingrole" => Some("application-autoscaling.amazonaws.com"),
        "deliverlogspermissionarn" => Some("vpc-flow-logs.amazonaws.com"),
        "monitoringrolearn" => Some("monitoring.rds.amazonaws.com"),
        _ => None,
    }
}

fn is_role(text: &str) -> bool {
    let Some([_, _, "iam", "", account, resource]) = crate::policy::arn::split(text) else { return false };
    let named = resource.starts_with("role/") || resource.starts_with("instance-profile/");
    named && account.len() == 12 && text.len() <= 2048 && !text.contains(['*', '?', '$'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_found_under_the_names_that_services_give_them() {
        let role = "arn:aws:iam::111111111111:role/app";
        let of = |source: &str, action: &str, request: &str| {
            let told = Told {
                request: Some(request),
                region: "r",
                account: "111111111111",
                partition: "aws",
                ..Told::default()
            };
            let found = roles(source, action, &told, &Paths::default());
            found
                .into_iter()
                .map(|(role, to)| format!("{role} {}", to.trim_end_matches(".amazonaws.com")))
                .collect::<Vec<_>>()
        };
        let to = |service: &str| format!("{role} {service}");
        let request = format!("{{\"role\":\"{role}\",\"functionName\":\"f\"}}");
        assert_eq!(of("lambda.amazonaws.com", "lambda:CreateFunction", &request), [to("lambda")]);
        let profile = r#"{"iamInstanceProfile":{"arn":"arn:aws:iam::111111111111:instance-profile/app"}}"#;
        assert_eq!(of("ec2.amazonaws.com", "ec2:RunInstances", profile), [to("ec2")]);
        assert_eq!(of("autoscaling.amazonaws.com", "autoscaling:CreateLaunchConfiguration", profile), [to("ec2")]);
        let added = r#"{"roleName":"app","instanceProfileName":"web"}"#;
        assert_eq!(of("iam.amazonaws.com", "iam:AddRoleToInstanceProfile", added), [to("ec2")]);
        assert!(of("iam.amazonaws.com", "iam:UpdateRole", added).is_empty());
        let trail = format!("{{\"name\":\"t\",\"cloudWatchLogsRoleArn\":\"{role}\"}}");
        assert_eq!(of("cloudtrail.amazonaws.com", "cloudtrail:CreateTrail", &trail), [to("cloudtrail")]);
        let nested = format!("{{\"targets\":[{{\"roleArn\":\"{role}\"}},{{\"roleArn\":\"{role}\"}}]}}");
        assert_eq!(of("events.amazonaws.com", "events:PutTargets", &nested), [to("events")]);
        assert!(of("sts.amazonaws.com", "sts:AssumeRole", &format!("{{\"roleArn\":\"{role}\"}}")).is_empty());
        assert!(of("lambda.amazonaws.com", "lambda:GetFunction", &request).is_empty());
        assert!(of("x.amazonaws.com", "x:Put", r#"{"role":"arn:aws:iam::111111111111:role/*"}"#).is_empty());
        let pool = format!(
            r#"{{"identityPoolId":"p","roles":{{"authenticated":"{role}","unauthenticated":"{role}-guest"}},"roleMappings":
            {{"idp:client":{{"type":"Rules","rulesConfiguration":{{"rules":[{{"claim":"a","value":"b","roleARN":"{role}-rule"}}]}}}}}}}}"#
        );
        let found = of("cognito-identity.amazonaws.com", "cognito-identity:SetIdentityPoolRoles", &pool);
        let cognito = |end: &str| format!("{role}{end} cognito-identity");
        assert_eq!(found, [cognito(""), cognito("-guest"), cognito("-rule")]);
        let named = r#"{"iamInstanceProfile":{"name":"app"}}"#;
        assert_eq!(of("ec2.amazonaws.com", "ec2:RunInstances", named), [to("ec2")]);
        let cluster =
            r#"{"serviceRole":"EMR_DefaultRole","instances":{"jobFlowRole":"app"},"jobFlowRole":"app","name":"app"}"#;
        assert_eq!(
            of("elasticmapreduce.amazonaws.com", "elasticmapreduce:RunJobFlow", cluster),
            ["arn:aws:iam::111111111111:role/EMR_DefaultRole elasticmapreduce".to_owned(), to("ec2")]
        );
        assert!(of("ec2.amazonaws.com", "ec2:RunInstances", r#"{"iamInstanceProfile":{"name":"*"}}"#).is_empty());
        assert!(of("lambda.amazonaws.com", "lambda:CreateFunction", r#"{"role":"app"}"#).is_empty());
        assert_eq!(
            of("ecs.amazonaws.com", "ecs:RegisterTaskDefinition", &format!("{{\"taskRoleArn\":\"{role}\"}}")),
            [to("ecs-tasks")]
        );
    }
}
