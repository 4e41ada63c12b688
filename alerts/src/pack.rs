//! Where rules come from: the shipped pack, and users' own folders.
//!
//! Rules are data. The pack's files are built in, so that the command needs nothing beside itself; `rules/` is where
//! they are written and read. Knows files and no events.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::RuleError;
use crate::modifier::Lists;
use crate::rule::{MAX_FILE_BYTES, Parsed, Rule, parse};

/// The shipped rules: name and YAML text, in order of name.
pub const SHIPPED: &[(&str, &str)] = &[
    ("access-key-created-for-another", include_str!("../rules/access-key-created-for-another.yml")),
    ("access-key-revived", include_str!("../rules/access-key-revived.yml")),
    ("administrator-policy-attached", include_str!("../rules/administrator-policy-attached.yml")),
    ("attack-system-user-agent", include_str!("../rules/attack-system-user-agent.yml")),
    ("bucket-opened-by-policy", include_str!("../rules/bucket-opened-by-policy.yml")),
    ("bucket-opened-under-condition", include_str!("../rules/bucket-opened-under-condition.yml")),
    ("bucket-settings-changed", include_str!("../rules/bucket-settings-changed.yml")),
    ("compromised-key-quarantined", include_str!("../rules/compromised-key-quarantined.yml")),
    ("config-changed", include_str!("../rules/config-changed.yml")),
    ("config-recorder-stopped", include_str!("../rules/config-recorder-stopped.yml")),
    ("console-login-failed", include_str!("../rules/console-login-failed.yml")),
    ("console-login-failed-burst", include_str!("../rules/console-login-failed-burst.yml")),
    ("console-login-through-provider", include_str!("../rules/console-login-through-provider.yml")),
    ("console-login-without-mfa", include_str!("../rules/console-login-without-mfa.yml")),
    ("console-password-set-for-another", include_str!("../rules/console-password-set-for-another.yml")),
    ("federation-token-from-key", include_str!("../rules/federation-token-from-key.yml")),
    ("first-use-of-identity-control", include_str!("../rules/first-use-of-identity-control.yml")),
    ("first-use-of-sensitive-action", include_str!("../rules/first-use-of-sensitive-action.yml")),
    ("function-opened-to-everyone", include_str!("../rules/function-opened-to-everyone.yml")),
    ("guardduty-disabled", include_str!("../rules/guardduty-disabled.yml")),
    ("iam-policy-changed", include_str!("../rules/iam-policy-changed.yml")),
    ("identity-provider-changed", include_str!("../rules/identity-provider-changed.yml")),
    ("instance-credentials-from-two-addresses", include_str!("../rules/instance-credentials-from-two-addresses.yml")),
    ("kms-key-disabled", include_str!("../rules/kms-key-disabled.yml")),
    ("mfa-device-removed", include_str!("../rules/mfa-device-removed.yml")),
    ("network-changed", include_str!("../rules/network-changed.yml")),
    ("opened-by-acl", include_str!("../rules/opened-by-acl.yml")),
    ("organization-changed", include_str!("../rules/organization-changed.yml")),
    ("organization-left", include_str!("../rules/organization-left.yml")),
    ("permission-revived", include_str!("../rules/permission-revived.yml")),
    ("permissions-boundary-removed", include_str!("../rules/permissions-boundary-removed.yml")),
    ("policy-allows-everything", include_str!("../rules/policy-allows-everything.yml")),
    ("principal-revived", include_str!("../rules/principal-revived.yml")),
    ("public-access-block-removed", include_str!("../rules/public-access-block-removed.yml")),
    ("role-trust-changed", include_str!("../rules/role-trust-changed.yml")),
    ("role-trusts-everyone", include_str!("../rules/role-trusts-everyone.yml")),
    ("root-access-key-created", include_str!("../rules/root-access-key-created.yml")),
    ("root-console-login", include_str!("../rules/root-console-login.yml")),
    ("root-console-login-failed", include_str!("../rules/root-console-login-failed.yml")),
    ("root-use", include_str!("../rules/root-use.yml")),
    ("secret-read-by-instance-from-new-address", include_str!("../rules/secret-read-by-instance-from-new-address.yml")),
    ("secrets-read-in-bulk", include_str!("../rules/secrets-read-in-bulk.yml")),
    ("security-group-changed", include_str!("../rules/security-group-changed.yml")),
    ("security-group-opened", include_str!("../rules/security-group-opened.yml")),
    ("security-service-disabled", include_str!("../rules/security-service-disabled.yml")),
    ("snapshot-or-image-made-public", include_str!("../rules/snapshot-or-image-made-public.yml")),
    ("snapshot-or-image-shared", include_str!("../rules/snapshot-or-image-shared.yml")),
    ("trail-changed", include_str!("../rules/trail-changed.yml")),
    ("trail-created", include_str!("../rules/trail-created.yml")),
    ("trail-stopped", include_str!("../rules/trail-stopped.yml")),
    ("unauthorized-burst", include_str!("../rules/unauthorized-burst.yml")),
    ("unauthorized-call", include_str!("../rules/unauthorized-call.yml")),
];

/// Most files that a folder of rules may hold.
const MAX_FILES: usize = 100_000;
/// Deepest folder below the one given.
const MAX_DEPTH: usize = 32;

/// The shipped pack. A test keeps it free of errors.
pub fn shipped() -> Vec<Rule> {
    let parsed = SHIPPED.iter().map(|(name, yaml)| parse(&format!("{name}.yml"), yaml, &Lists::new()));
    parsed.flat_map(|parsed| parsed.rules).collect()
}

/// Reads a rule file, or every `.yml` and `.yaml` file below a folder, in order of path. What cannot be used is in
/// `errors`, and the rest is loaded. `lists` are the values for the `expand` modifier.
pub fn load(path: &Path, lists: &Lists) -> Parsed {
    let mut all = Parsed::default();
    let mut files = Vec::new();
    collect(path, 0, &mut files, &mut all.errors);
    files.sort();
    for file in files {
        let name = file.display().to_string();
        match read(&file) {
            Ok(yaml) => {
                let mut parsed = parse(&name, &yaml, lists);
                // People look their own rules up by id.
                parsed.rules.iter_mut().for_each(|rule| rule.about.name = rule.about.id.clone());
                all.extend(parsed);
            }
            Err(reason) => all.errors.push(RuleError { file: name, rule: None, line: None, reason }),
        }
    }
    all
}

fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>, errors: &mut Vec<RuleError>) {
    let mut refuse = |reason: String| {
        errors.push(RuleError { file: path.display().to_string(), rule: None, line: None, reason });
    };
    if depth > MAX_DEPTH {
        return refuse(format!("folders nested deeper than {MAX_DEPTH}"));
    }
    if !path.is_dir() {
        return if files.len() < MAX_FILES {
            files.push(path.to_owned());
        } else {
            refuse(format!("more than {MAX_FILES} files"));
        };
    }
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) => return refuse(format!("cannot be listed: {e}")),
    };
    for entry in entries {
        match entry.map(|e| e.path()) {
            Ok(inner) if inner.is_dir() || is_yaml(&inner) => collect(&inner, depth + 1, files, errors),
            Ok(_) => {}
            Err(e) => {
                let file = path.display().to_string();
                errors.push(RuleError { file, rule: None, line: None, reason: format!("cannot be listed: {e}") });
            }
        }
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("yml") || e.eq_ignore_ascii_case("yaml"))
}

fn read(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|e| format!("cannot be opened: {e}"))?;
    let mut text = String::new();
    // One byte more than allowed is enough to know that it is too much.
    let limit = MAX_FILE_BYTES as u64 + 1;
    file.take(limit).read_to_string(&mut text).map_err(|e| format!("cannot be read as text: {e}"))?;
    Ok(text)
}
