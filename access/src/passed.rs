//! Roles that a call handed to a service. `iam:PassRole` leaves no event of its own; the request's parameters name the
//! role. Source: "Grant a user permissions to pass a role to an AWS service" in the IAM user guide.

use serde_json::Value;

/// Services whose calls name roles without passing them.
const NOT_PASSING: &[&str] = &["sts", "iam", "kms", "cloudtrail", "signin", "sso", "organizations", "access-analyzer"];
/// The principal that a role is passed to, where it is not the service that was called.
const PASSED_TO: &[(&str, &str)] = &[("ecs.amazonaws.com", "ecs-tasks.amazonaws.com")];
/// Deepest nesting and most roles that are looked at.
const MAX_DEPTH: usize = 16;
const MAX_ROLES: usize = 16;

/// The roles (ARNs) that a call passed, sorted; of an instance profile, the role of the same name and path, which is
/// what the console makes. Empty for a call that only reads.
pub fn roles(event_source: &str, action: &str, request: Option<&str>) -> Vec<String> {
    let service = action.split(':').next().unwrap_or_default();
    let name = action.split(':').nth(1).unwrap_or_default();
    let reads = ["Describe", "List", "Get", "Search", "Lookup"].iter().any(|verb| name.starts_with(verb));
    let Some(request) = request.filter(|text| text.contains(":role/") || text.contains(":instance-profile/")) else {
        return Vec::new();
    };
    if reads || NOT_PASSING.contains(&service) || event_source.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    if let Ok(value) = serde_json::from_str::<Value>(request) {
        walk("", &value, 0, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The service principal that a call's roles are passed to.
pub fn passed_to(event_source: &str) -> &str {
    PASSED_TO.iter().find(|(source, _)| *source == event_source).map_or(event_source, |(_, principal)| principal)
}

fn walk(key: &str, value: &Value, depth: usize, found: &mut Vec<String>) {
    if depth > MAX_DEPTH || found.len() >= MAX_ROLES {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                // `iamInstanceProfile: {arn: …}`: the outer name tells more than `arn`.
                let key = if name.eq_ignore_ascii_case("arn") { key } else { name };
                walk(key, value, depth + 1, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| walk(key, value, depth + 1, found)),
        Value::String(text) if is_role(text) => {
            let key = key.to_ascii_lowercase();
            if key.contains("role") {
                found.push(text.clone());
            } else if key.contains("instanceprofile") {
                found.push(text.replacen(":instance-profile/", ":role/", 1));
            }
        }
        _ => {}
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
        let of = |source: &str, action: &str, request: &str| roles(source, action, Some(request));
        let request = format!("{{\"role\":\"{role}\",\"functionName\":\"f\"}}");
        assert_eq!(of("lambda.amazonaws.com", "lambda:CreateFunction", &request), [role]);
        let profile = r#"{"iamInstanceProfile":{"arn":"arn:aws:iam::111111111111:instance-profile/app"}}"#;
        assert_eq!(of("ec2.amazonaws.com", "ec2:RunInstances", profile), [role]);
        let nested = format!("{{\"targets\":[{{\"roleArn\":\"{role}\"}},{{\"roleArn\":\"{role}\"}}]}}");
        assert_eq!(of("events.amazonaws.com", "events:PutTargets", &nested), [role]);
        assert!(of("sts.amazonaws.com", "sts:AssumeRole", &format!("{{\"roleArn\":\"{role}\"}}")).is_empty());
        assert!(of("lambda.amazonaws.com", "lambda:GetFunction", &request).is_empty());
        assert!(of("x.amazonaws.com", "x:Put", r#"{"role":"arn:aws:iam::111111111111:role/*"}"#).is_empty());
        assert_eq!(passed_to("ecs.amazonaws.com"), "ecs-tasks.amazonaws.com");
    }
}
