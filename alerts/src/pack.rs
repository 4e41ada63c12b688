//! Where rules come from: the shipped pack, and users' own folders.
//!
//! Rules are data. The pack's files are built in, so that the command needs nothing beside itself; `rules/` is where
//! they are written and read. Knows files and no events.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::RuleError;
use crate::file::text;
use crate::modifier::Lists;
use crate::rule::{MAX_FILE_BYTES, Parsed, Rule, parse};

/// The shipped rules: name and YAML text, in order of name.
pub const SHIPPED: &[(&str, &str)] = &[
    ("access-key-created-for-another", include_str!("../rules/access-key-created-for-another.yml")),
    ("access-key-from-many-addresses", include_str!("../rules/access-key-from-many-addresses.yml")),
    ("access-key-in-new-region", include_str!("../rules/access-key-in-new-region.yml")),
    ("access-key-reactivated", include_str!("../rules/access-key-reactivated.yml")),
    ("access-key-revived", include_str!("../rules/access-key-revived.yml")),
    ("access-key-used-by-secret-scanner", include_str!("../rules/access-key-used-by-secret-scanner.yml")),
    ("access-key-used-on-instance", include_str!("../rules/access-key-used-on-instance.yml")),
    ("account-alias-changed", include_str!("../rules/account-alias-changed.yml")),
    ("account-authorization-read", include_str!("../rules/account-authorization-read.yml")),
    ("account-closed", include_str!("../rules/account-closed.yml")),
    ("account-contact-changed", include_str!("../rules/account-contact-changed.yml")),
    ("account-created-or-invited", include_str!("../rules/account-created-or-invited.yml")),
    ("administrator-policy-attached", include_str!("../rules/administrator-policy-attached.yml")),
    ("alarm-silenced", include_str!("../rules/alarm-silenced.yml")),
    ("api-made", include_str!("../rules/api-made.yml")),
    ("attack-system-user-agent", include_str!("../rules/attack-system-user-agent.yml")),
    ("attack-tool-user-agent", include_str!("../rules/attack-tool-user-agent.yml")),
    ("backup-removed", include_str!("../rules/backup-removed.yml")),
    ("bucket-deleted", include_str!("../rules/bucket-deleted.yml")),
    ("bucket-encryption-changed", include_str!("../rules/bucket-encryption-changed.yml")),
    ("bucket-lifecycle-deletes-soon", include_str!("../rules/bucket-lifecycle-deletes-soon.yml")),
    ("bucket-logging-stopped", include_str!("../rules/bucket-logging-stopped.yml")),
    ("bucket-opened-by-policy", include_str!("../rules/bucket-opened-by-policy.yml")),
    ("bucket-opened-under-condition", include_str!("../rules/bucket-opened-under-condition.yml")),
    ("bucket-policy-changed", include_str!("../rules/bucket-policy-changed.yml")),
    ("bucket-policy-names-account", include_str!("../rules/bucket-policy-names-account.yml")),
    ("bucket-replicated", include_str!("../rules/bucket-replicated.yml")),
    ("bucket-settings-changed", include_str!("../rules/bucket-settings-changed.yml")),
    ("bucket-settings-enumerated", include_str!("../rules/bucket-settings-enumerated.yml")),
    ("bucket-versioning-suspended", include_str!("../rules/bucket-versioning-suspended.yml")),
    ("buckets-deleted-in-bulk", include_str!("../rules/buckets-deleted-in-bulk.yml")),
    ("build-overridden", include_str!("../rules/build-overridden.yml")),
    ("certificate-exported", include_str!("../rules/certificate-exported.yml")),
    ("cloud-shell-files-moved", include_str!("../rules/cloud-shell-files-moved.yml")),
    ("cloud-shell-used", include_str!("../rules/cloud-shell-used.yml")),
    ("cluster-access-given", include_str!("../rules/cluster-access-given.yml")),
    ("cluster-endpoint-opened", include_str!("../rules/cluster-endpoint-opened.yml")),
    ("cluster-logging-stopped", include_str!("../rules/cluster-logging-stopped.yml")),
    ("command-run-on-instances", include_str!("../rules/command-run-on-instances.yml")),
    ("command-run-on-many-instances", include_str!("../rules/command-run-on-many-instances.yml")),
    ("compromised-key-quarantined", include_str!("../rules/compromised-key-quarantined.yml")),
    ("config-changed", include_str!("../rules/config-changed.yml")),
    ("config-recorder-stopped", include_str!("../rules/config-recorder-stopped.yml")),
    ("config-rule-removed", include_str!("../rules/config-rule-removed.yml")),
    ("console-login-by-federation-token", include_str!("../rules/console-login-by-federation-token.yml")),
    ("console-login-failed", include_str!("../rules/console-login-failed.yml")),
    ("console-login-failed-burst", include_str!("../rules/console-login-failed-burst.yml")),
    ("console-login-from-new-address", include_str!("../rules/console-login-from-new-address.yml")),
    ("console-login-through-provider", include_str!("../rules/console-login-through-provider.yml")),
    ("console-login-without-mfa", include_str!("../rules/console-login-without-mfa.yml")),
    ("console-password-set-for-another", include_str!("../rules/console-password-set-for-another.yml")),
    ("console-role-switched", include_str!("../rules/console-role-switched.yml")),
    ("console-session-from-credentials", include_str!("../rules/console-session-from-credentials.yml")),
    ("console-session-made", include_str!("../rules/console-session-made.yml")),
    ("container-cluster-made", include_str!("../rules/container-cluster-made.yml")),
    ("container-with-host-access", include_str!("../rules/container-with-host-access.yml")),
    ("copies-deleted-in-bulk", include_str!("../rules/copies-deleted-in-bulk.yml")),
    ("cost-alarm-removed", include_str!("../rules/cost-alarm-removed.yml")),
    ("credentials-created-in-bulk", include_str!("../rules/credentials-created-in-bulk.yml")),
    ("credentials-removed", include_str!("../rules/credentials-removed.yml")),
    ("data-mover-created", include_str!("../rules/data-mover-created.yml")),
    ("data-store-deleted", include_str!("../rules/data-store-deleted.yml")),
    ("database-audit-stopped", include_str!("../rules/database-audit-stopped.yml")),
    ("database-created-open", include_str!("../rules/database-created-open.yml")),
    ("database-deleted-without-snapshot", include_str!("../rules/database-deleted-without-snapshot.yml")),
    ("database-opened", include_str!("../rules/database-opened.yml")),
    ("database-password-changed", include_str!("../rules/database-password-changed.yml")),
    ("database-security-group-changed", include_str!("../rules/database-security-group-changed.yml")),
    ("default-disk-encryption-stopped", include_str!("../rules/default-disk-encryption-stopped.yml")),
    ("default-network-made", include_str!("../rules/default-network-made.yml")),
    ("defence-change-failed", include_str!("../rules/defence-change-failed.yml")),
    ("delegated-administrator-changed", include_str!("../rules/delegated-administrator-changed.yml")),
    ("deletion-failed", include_str!("../rules/deletion-failed.yml")),
    ("deletion-protection-removed", include_str!("../rules/deletion-protection-removed.yml")),
    ("discovery-of-applications", include_str!("../rules/discovery-of-applications.yml")),
    ("discovery-of-compute", include_str!("../rules/discovery-of-compute.yml")),
    ("discovery-of-cost-and-limits", include_str!("../rules/discovery-of-cost-and-limits.yml")),
    ("discovery-of-databases", include_str!("../rules/discovery-of-databases.yml")),
    ("discovery-of-defences", include_str!("../rules/discovery-of-defences.yml")),
    ("discovery-of-identities", include_str!("../rules/discovery-of-identities.yml")),
    ("discovery-of-mail-and-messages", include_str!("../rules/discovery-of-mail-and-messages.yml")),
    ("discovery-of-models", include_str!("../rules/discovery-of-models.yml")),
    ("discovery-of-organization", include_str!("../rules/discovery-of-organization.yml")),
    ("discovery-of-secrets", include_str!("../rules/discovery-of-secrets.yml")),
    ("discovery-of-storage", include_str!("../rules/discovery-of-storage.yml")),
    ("disk-copied-and-attached", include_str!("../rules/disk-copied-and-attached.yml")),
    ("disk-or-database-exported", include_str!("../rules/disk-or-database-exported.yml")),
    ("disk-volume-handled", include_str!("../rules/disk-volume-handled.yml")),
    ("dns-record-changed", include_str!("../rules/dns-record-changed.yml")),
    ("document-shared", include_str!("../rules/document-shared.yml")),
    ("domain-registered", include_str!("../rules/domain-registered.yml")),
    ("domain-taken", include_str!("../rules/domain-taken.yml")),
    ("edge-code-changed", include_str!("../rules/edge-code-changed.yml")),
    ("endpoint-policy-denied", include_str!("../rules/endpoint-policy-denied.yml")),
    ("enumeration-by-access-key", include_str!("../rules/enumeration-by-access-key.yml")),
    ("enumeration-from-instance", include_str!("../rules/enumeration-from-instance.yml")),
    ("event-rule-made", include_str!("../rules/event-rule-made.yml")),
    ("event-rule-silenced", include_str!("../rules/event-rule-silenced.yml")),
    ("federation-token-from-key", include_str!("../rules/federation-token-from-key.yml")),
    ("firewall-removed", include_str!("../rules/firewall-removed.yml")),
    ("first-look-around", include_str!("../rules/first-look-around.yml")),
    ("first-use-of-identity-control", include_str!("../rules/first-use-of-identity-control.yml")),
    ("first-use-of-sensitive-action", include_str!("../rules/first-use-of-sensitive-action.yml")),
    ("fleet-created", include_str!("../rules/fleet-created.yml")),
    ("front-door-changed", include_str!("../rules/front-door-changed.yml")),
    ("function-change-failed", include_str!("../rules/function-change-failed.yml")),
    ("function-code-changed", include_str!("../rules/function-code-changed.yml")),
    ("function-code-changed-by-newcomer", include_str!("../rules/function-code-changed-by-newcomer.yml")),
    ("function-layer-changed", include_str!("../rules/function-layer-changed.yml")),
    ("function-opened-to-everyone", include_str!("../rules/function-opened-to-everyone.yml")),
    ("function-trigger-changed", include_str!("../rules/function-trigger-changed.yml")),
    ("graph-api-changed", include_str!("../rules/graph-api-changed.yml")),
    ("group-made", include_str!("../rules/group-made.yml")),
    ("guardduty-blinded", include_str!("../rules/guardduty-blinded.yml")),
    ("guardduty-disabled", include_str!("../rules/guardduty-disabled.yml")),
    ("guardduty-feature-disabled", include_str!("../rules/guardduty-feature-disabled.yml")),
    ("guardrail-changed", include_str!("../rules/guardrail-changed.yml")),
    ("guardrail-detached", include_str!("../rules/guardrail-detached.yml")),
    ("iam-policy-changed", include_str!("../rules/iam-policy-changed.yml")),
    ("identity-center-access-given", include_str!("../rules/identity-center-access-given.yml")),
    ("identity-center-admin-permission-set", include_str!("../rules/identity-center-admin-permission-set.yml")),
    ("identity-center-person-added", include_str!("../rules/identity-center-person-added.yml")),
    ("identity-center-settings-changed", include_str!("../rules/identity-center-settings-changed.yml")),
    ("identity-change-failed", include_str!("../rules/identity-change-failed.yml")),
    ("identity-pool-credentials-taken", include_str!("../rules/identity-pool-credentials-taken.yml")),
    ("identity-pool-opened", include_str!("../rules/identity-pool-opened.yml")),
    ("identity-provider-changed", include_str!("../rules/identity-provider-changed.yml")),
    ("image-scanning-stopped", include_str!("../rules/image-scanning-stopped.yml")),
    ("instance-attribute-changed", include_str!("../rules/instance-attribute-changed.yml")),
    ("instance-credentials-from-two-addresses", include_str!("../rules/instance-credentials-from-two-addresses.yml")),
    ("instance-credentials-on-a-laptop", include_str!("../rules/instance-credentials-on-a-laptop.yml")),
    ("instance-credentials-taken-by-command", include_str!("../rules/instance-credentials-taken-by-command.yml")),
    ("instance-role-replaced", include_str!("../rules/instance-role-replaced.yml")),
    ("instances-in-new-region", include_str!("../rules/instances-in-new-region.yml")),
    ("instances-listed-in-many-regions", include_str!("../rules/instances-listed-in-many-regions.yml")),
    ("instances-started-in-many-regions", include_str!("../rules/instances-started-in-many-regions.yml")),
    ("instances-started-or-stopped-by-hand", include_str!("../rules/instances-started-or-stopped-by-hand.yml")),
    ("instances-terminated-in-bulk", include_str!("../rules/instances-terminated-in-bulk.yml")),
    ("job-with-role-made", include_str!("../rules/job-with-role-made.yml")),
    ("key-grant-by-hand", include_str!("../rules/key-grant-by-hand.yml")),
    ("key-material-removed", include_str!("../rules/key-material-removed.yml")),
    ("key-pair-made", include_str!("../rules/key-pair-made.yml")),
    ("key-policy-changed", include_str!("../rules/key-policy-changed.yml")),
    ("key-policy-opened", include_str!("../rules/key-policy-opened.yml")),
    ("kms-key-disabled", include_str!("../rules/kms-key-disabled.yml")),
    ("large-instances-started", include_str!("../rules/large-instances-started.yml")),
    ("layer-opened-to-everyone", include_str!("../rules/layer-opened-to-everyone.yml")),
    ("lightsail-used", include_str!("../rules/lightsail-used.yml")),
    ("limit-raise-asked", include_str!("../rules/limit-raise-asked.yml")),
    ("log-group-removed", include_str!("../rules/log-group-removed.yml")),
    ("log-written-by-user", include_str!("../rules/log-written-by-user.yml")),
    ("machine-registered-from-outside", include_str!("../rules/machine-registered-from-outside.yml")),
    ("macie-weakened", include_str!("../rules/macie-weakened.yml")),
    ("mail-identity-made", include_str!("../rules/mail-identity-made.yml")),
    ("mail-limits-asked-in-many-regions", include_str!("../rules/mail-limits-asked-in-many-regions.yml")),
    ("mail-limits-lifted", include_str!("../rules/mail-limits-lifted.yml")),
    ("mail-sent", include_str!("../rules/mail-sent.yml")),
    ("mail-sent-by-newcomer", include_str!("../rules/mail-sent-by-newcomer.yml")),
    ("many-instances-started", include_str!("../rules/many-instances-started.yml")),
    ("mfa-device-removed", include_str!("../rules/mfa-device-removed.yml")),
    ("mfa-device-set-for-another", include_str!("../rules/mfa-device-set-for-another.yml")),
    ("model-access-asked", include_str!("../rules/model-access-asked.yml")),
    ("model-called", include_str!("../rules/model-called.yml")),
    ("model-capacity-bought", include_str!("../rules/model-capacity-bought.yml")),
    ("model-guardrail-weakened", include_str!("../rules/model-guardrail-weakened.yml")),
    ("model-key-created", include_str!("../rules/model-key-created.yml")),
    ("model-logging-asked-by-key", include_str!("../rules/model-logging-asked-by-key.yml")),
    ("model-logging-removed", include_str!("../rules/model-logging-removed.yml")),
    ("model-used-by-newcomer", include_str!("../rules/model-used-by-newcomer.yml")),
    ("models-tried-in-many-regions", include_str!("../rules/models-tried-in-many-regions.yml")),
    ("models-tried-out", include_str!("../rules/models-tried-out.yml")),
    ("models-used-in-new-region", include_str!("../rules/models-used-in-new-region.yml")),
    ("network-acl-opened", include_str!("../rules/network-acl-opened.yml")),
    ("network-change-failed", include_str!("../rules/network-change-failed.yml")),
    ("network-changed", include_str!("../rules/network-changed.yml")),
    ("network-joined", include_str!("../rules/network-joined.yml")),
    ("network-logging-stopped", include_str!("../rules/network-logging-stopped.yml")),
    ("network-way-changed", include_str!("../rules/network-way-changed.yml")),
    ("object-copier-user-agent", include_str!("../rules/object-copier-user-agent.yml")),
    ("objects-deleted-in-bulk", include_str!("../rules/objects-deleted-in-bulk.yml")),
    ("objects-downloaded-in-bulk", include_str!("../rules/objects-downloaded-in-bulk.yml")),
    ("objects-rewritten-with-customer-key", include_str!("../rules/objects-rewritten-with-customer-key.yml")),
    ("objects-written-with-customer-key", include_str!("../rules/objects-written-with-customer-key.yml")),
    ("old-metadata-service-allowed", include_str!("../rules/old-metadata-service-allowed.yml")),
    ("opened-by-acl", include_str!("../rules/opened-by-acl.yml")),
    ("organization-changed", include_str!("../rules/organization-changed.yml")),
    ("organization-left", include_str!("../rules/organization-left.yml")),
    ("organization-trail-administrator-changed", include_str!("../rules/organization-trail-administrator-changed.yml")),
    ("parameters-read-in-bulk", include_str!("../rules/parameters-read-in-bulk.yml")),
    ("password-data-read", include_str!("../rules/password-data-read.yml")),
    ("password-data-read-in-bulk", include_str!("../rules/password-data-read-in-bulk.yml")),
    ("password-policy-weakened", include_str!("../rules/password-policy-weakened.yml")),
    ("permission-revived", include_str!("../rules/permission-revived.yml")),
    ("permissions-boundary-changed", include_str!("../rules/permissions-boundary-changed.yml")),
    ("permissions-boundary-removed", include_str!("../rules/permissions-boundary-removed.yml")),
    ("policy-allows-escalation", include_str!("../rules/policy-allows-escalation.yml")),
    ("policy-allows-everything", include_str!("../rules/policy-allows-everything.yml")),
    ("policy-attached-to-itself", include_str!("../rules/policy-attached-to-itself.yml")),
    ("policy-on-user", include_str!("../rules/policy-on-user.yml")),
    ("policy-version-switched", include_str!("../rules/policy-version-switched.yml")),
    ("principal-revived", include_str!("../rules/principal-revived.yml")),
    ("private-authority-used", include_str!("../rules/private-authority-used.yml")),
    ("public-access-block-removed", include_str!("../rules/public-access-block-removed.yml")),
    ("public-sharing-of-disks-allowed", include_str!("../rules/public-sharing-of-disks-allowed.yml")),
    ("queue-or-topic-opened", include_str!("../rules/queue-or-topic-opened.yml")),
    ("queue-purged", include_str!("../rules/queue-purged.yml")),
    ("ransom-note-written", include_str!("../rules/ransom-note-written.yml")),
    ("recovery-switched-off", include_str!("../rules/recovery-switched-off.yml")),
    ("region-switched", include_str!("../rules/region-switched.yml")),
    ("registry-token-first-taken", include_str!("../rules/registry-token-first-taken.yml")),
    ("repository-opened", include_str!("../rules/repository-opened.yml")),
    ("resource-shared-outside", include_str!("../rules/resource-shared-outside.yml")),
    ("role-assumed-by-new-account", include_str!("../rules/role-assumed-by-new-account.yml")),
    ("role-assumption-guessed", include_str!("../rules/role-assumption-guessed.yml")),
    ("role-created-for-account", include_str!("../rules/role-created-for-account.yml")),
    ("role-first-taken-through-provider", include_str!("../rules/role-first-taken-through-provider.yml")),
    ("role-passed-to-rare-service", include_str!("../rules/role-passed-to-rare-service.yml")),
    ("role-put-into-instance-profile", include_str!("../rules/role-put-into-instance-profile.yml")),
    ("role-refused", include_str!("../rules/role-refused.yml")),
    ("role-taken-through-provider", include_str!("../rules/role-taken-through-provider.yml")),
    ("role-trust-changed", include_str!("../rules/role-trust-changed.yml")),
    ("role-trusts-account", include_str!("../rules/role-trusts-account.yml")),
    ("role-trusts-everyone", include_str!("../rules/role-trusts-everyone.yml")),
    ("role-trusts-repositories-of-anyone", include_str!("../rules/role-trusts-repositories-of-anyone.yml")),
    ("roles-anywhere-trust-created", include_str!("../rules/roles-anywhere-trust-created.yml")),
    ("root-access-key-created", include_str!("../rules/root-access-key-created.yml")),
    ("root-console-login", include_str!("../rules/root-console-login.yml")),
    ("root-console-login-failed", include_str!("../rules/root-console-login-failed.yml")),
    ("root-management-changed", include_str!("../rules/root-management-changed.yml")),
    ("root-mfa-removed", include_str!("../rules/root-mfa-removed.yml")),
    ("root-password-changed", include_str!("../rules/root-password-changed.yml")),
    ("root-password-recovery-asked", include_str!("../rules/root-password-recovery-asked.yml")),
    ("root-session-taken", include_str!("../rules/root-session-taken.yml")),
    ("root-use", include_str!("../rules/root-use.yml")),
    ("second-factor-failing", include_str!("../rules/second-factor-failing.yml")),
    ("secret-deleted-at-once", include_str!("../rules/secret-deleted-at-once.yml")),
    ("secret-opened", include_str!("../rules/secret-opened.yml")),
    ("secret-read-by-instance-from-new-address", include_str!("../rules/secret-read-by-instance-from-new-address.yml")),
    ("secret-refused", include_str!("../rules/secret-refused.yml")),
    ("secrets-deleted-in-bulk", include_str!("../rules/secrets-deleted-in-bulk.yml")),
    ("secrets-listed-and-read", include_str!("../rules/secrets-listed-and-read.yml")),
    ("secrets-read-in-bulk", include_str!("../rules/secrets-read-in-bulk.yml")),
    ("security-group-changed", include_str!("../rules/security-group-changed.yml")),
    ("security-group-opened", include_str!("../rules/security-group-opened.yml")),
    ("security-hub-weakened", include_str!("../rules/security-hub-weakened.yml")),
    ("security-service-disabled", include_str!("../rules/security-service-disabled.yml")),
    ("serial-console-opened", include_str!("../rules/serial-console-opened.yml")),
    ("service-credential-created", include_str!("../rules/service-credential-created.yml")),
    ("service-linked-role-made", include_str!("../rules/service-linked-role-made.yml")),
    ("session-token-by-key", include_str!("../rules/session-token-by-key.yml")),
    ("shared-snapshot-copied", include_str!("../rules/shared-snapshot-copied.yml")),
    ("shared-snapshot-used", include_str!("../rules/shared-snapshot-used.yml")),
    ("sharing-failed", include_str!("../rules/sharing-failed.yml")),
    ("shell-session-opened", include_str!("../rules/shell-session-opened.yml")),
    ("snapshot-blocks-read", include_str!("../rules/snapshot-blocks-read.yml")),
    ("snapshot-or-image-created", include_str!("../rules/snapshot-or-image-created.yml")),
    ("snapshot-or-image-made-public", include_str!("../rules/snapshot-or-image-made-public.yml")),
    ("snapshot-or-image-shared", include_str!("../rules/snapshot-or-image-shared.yml")),
    ("ssh-key-pushed", include_str!("../rules/ssh-key-pushed.yml")),
    ("stack-made-with-role", include_str!("../rules/stack-made-with-role.yml")),
    ("support-case-opened", include_str!("../rules/support-case-opened.yml")),
    ("task-definition-registered", include_str!("../rules/task-definition-registered.yml")),
    ("task-takes-credentials", include_str!("../rules/task-takes-credentials.yml")),
    ("traffic-mirrored", include_str!("../rules/traffic-mirrored.yml")),
    ("trail-changed", include_str!("../rules/trail-changed.yml")),
    ("trail-created", include_str!("../rules/trail-created.yml")),
    ("trail-narrowed", include_str!("../rules/trail-narrowed.yml")),
    ("trail-stopped", include_str!("../rules/trail-stopped.yml")),
    ("transfer-server-created", include_str!("../rules/transfer-server-created.yml")),
    ("unauthorized-burst", include_str!("../rules/unauthorized-burst.yml")),
    ("unauthorized-call", include_str!("../rules/unauthorized-call.yml")),
    ("user-added-itself-to-group", include_str!("../rules/user-added-itself-to-group.yml")),
    ("user-added-to-group", include_str!("../rules/user-added-to-group.yml")),
    ("user-created", include_str!("../rules/user-created.yml")),
    ("user-created-and-deleted", include_str!("../rules/user-created-and-deleted.yml")),
    ("user-data-changed", include_str!("../rules/user-data-changed.yml")),
    ("user-data-read", include_str!("../rules/user-data-read.yml")),
    ("user-data-read-in-bulk", include_str!("../rules/user-data-read-in-bulk.yml")),
    ("users-locked-out", include_str!("../rules/users-locked-out.yml")),
    ("web-firewall-removed", include_str!("../rules/web-firewall-removed.yml")),
    ("zone-made-or-removed", include_str!("../rules/zone-made-or-removed.yml")),
];

/// Most files that a folder of rules may hold.
const MAX_FILES: usize = 100_000;
/// Deepest folder below the one given.
const MAX_DEPTH: usize = 32;

/// The shipped pack. A test keeps it free of errors.
pub fn shipped() -> Vec<Rule> {
    let parsed = SHIPPED.iter().map(|(name, yaml)| parse(&format!("{name}.yml"), yaml, &Lists::new()));
    let mut rules: Vec<Rule> = parsed.flat_map(|parsed| parsed.rules).collect();
    rules.iter_mut().for_each(|rule| rule.about.shipped = true);
    rules
}

/// Reads a rule file, or every `.yml` and `.yaml` file below a folder, in order of path. What cannot be used is in
/// `errors`, and the rest is loaded. `lists` are the values for the `expand` modifier.
pub fn load(path: &Path, lists: &Lists) -> Parsed {
    let mut all = Parsed::default();
    let mut files = Vec::new();
    collect(path, &mut HashSet::new(), 0, &mut files, &mut all.errors);
    files.sort();
    for file in files {
        let name = file.display().to_string();
        match text(&file, MAX_FILE_BYTES) {
            Ok(yaml) => {
                let mut parsed = parse(&name, &yaml, lists);
                // People look their own rules up by id.
                parsed.rules.iter_mut().for_each(|rule| rule.about.name = rule.about.id.clone());
                all.extend(parsed);
            }
            Err(reason) => all.errors.push(RuleError { file: name, rule: None, line: Some(1), reason }),
        }
    }
    all
}

/// Links to folders are followed, and each folder is read once.
fn collect(
    path: &Path,
    seen: &mut HashSet<PathBuf>,
    depth: usize,
    files: &mut Vec<PathBuf>,
    errors: &mut Vec<RuleError>,
) {
    let mut refuse = |reason: String| {
        errors.push(RuleError { file: path.display().to_string(), rule: None, line: Some(1), reason });
    };
    if depth > MAX_DEPTH {
        return refuse(format!("folders nested deeper than {MAX_DEPTH}"));
    }
    if !path.is_dir() {
        if depth > 0 && std::fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
            return refuse("a pipe, socket or device: name it if it is to be read".to_owned());
        }
        return if files.len() < MAX_FILES {
            files.push(path.to_owned());
        } else {
            refuse(format!("more than {MAX_FILES} files"));
        };
    }
    if path.canonicalize().is_ok_and(|own| !seen.insert(own)) {
        return;
    }
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) => return refuse(format!("cannot be listed: {e}")),
    };
    for entry in entries {
        match entry.map(|e| e.path()) {
            Ok(inner) if inner.is_dir() || is_yaml(&inner) => collect(&inner, seen, depth + 1, files, errors),
            Ok(_) => {}
            Err(e) => {
                let file = path.display().to_string();
                errors.push(RuleError { file, rule: None, line: Some(1), reason: format!("cannot be listed: {e}") });
            }
        }
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("yml") || e.eq_ignore_ascii_case("yaml"))
}
