//! With whom a snapshot or an image is shared: a call that changes the attribute may share, or take it back.
//!
//! Source: the API references of `ModifySnapshotAttribute`, `ModifyImageAttribute` (EC2) and `ModifyDBSnapshotAttribute`
//! (RDS), and their records in CloudTrail. Knows no story.

use std::collections::BTreeSet;

use crate::json::Raw;

/// How deep a record is looked into.
const DEPTH: usize = 8;

/// Accounts and groups that a call adds and removes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) added: BTreeSet<String>,
    pub(super) removed: BTreeSet<String>,
}

impl Shares {
    /// What a call that may share does; `None` for every other call.
    pub(super) fn of(service: &str, event: &str, request: Option<&str>) -> Option<Shares> {
        let is_one = match service {
            "ec2" => matches!(event, "ModifySnapshotAttribute" | "ModifyImageAttribute"),
            "rds" => matches!(event, "ModifyDBSnapshotAttribute" | "ModifyDBClusterSnapshotAttribute"),
            _ => false,
        };
        if !is_one {
            return None;
        }
        let mut shares = Shares::default();
        if let Some(request) = request.and_then(Raw::parse) {
            shares.read(request, DEPTH);
            shares.read_operation(request);
        }
        Some(shares)
    }

    /// `{"createVolumePermission": {"add": {"items": [{"userId": …}]}}}`, `{"valuesToAdd": [ … ]}`.
    fn read(&mut self, value: Raw<'_>, depth: usize) {
        if depth == 0 {
            return;
        }
        for (key, value) in value.members() {
            match key.as_ref() {
                "add" | "valuesToAdd" => scalars(value, depth, &mut self.added),
                "remove" | "valuesToRemove" => scalars(value, depth, &mut self.removed),
                _ if value.is_nested() => self.read(value, depth - 1),
                _ => {}
            }
        }
    }

    /// The older form: `{"operationType": "add", "userIds": …}`.
    fn read_operation(&mut self, request: Raw<'_>) {
        let Some(operation) = request.member("operationType").and_then(Raw::scalar) else { return };
        let list = if operation == "remove" { &mut self.removed } else { &mut self.added };
        for (_, value) in request.members().filter(|(key, _)| key.starts_with("user")) {
            scalars(value, DEPTH, list);
        }
    }
}

fn scalars(value: Raw<'_>, depth: usize, found: &mut BTreeSet<String>) {
    if depth == 0 {
        return;
    }
    if let Some(text) = value.scalar().filter(|text| !value.is_nested() && !text.is_empty()) {
        found.insert(text.into_owned());
        return;
    }
    value.members().for_each(|(_, inner)| scalars(inner, depth - 1, found));
    value.elements().for_each(|inner| scalars(inner, depth - 1, found));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_told_from_what_is_removed() {
        let of = |service: &str, event: &str, request: &str| {
            let shares = Shares::of(service, event, Some(request)).unwrap();
            let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(" ");
            (list(shares.added), list(shares.removed))
        };
        let part = |what: &str| {
            format!(
                r#"{{"snapshotId":"s","createVolumePermission":{{"{what}":{{"items":[{{"userId":"9"}},{{"group":"all"}}]}}}}}}"#
            )
        };
        assert_eq!(of("ec2", "ModifySnapshotAttribute", &part("add")), ("9 all".to_owned(), String::new()));
        assert_eq!(of("ec2", "ModifySnapshotAttribute", &part("remove")), (String::new(), "9 all".to_owned()));
        assert_eq!(
            of("ec2", "ModifyImageAttribute", r#"{"imageId":"i","description":{"value":"add"}}"#),
            Default::default()
        );
        let both =
            r#"{"dBSnapshotIdentifier":"d","attributeName":"restore","valuesToAdd":["1"],"valuesToRemove":["2"]}"#;
        assert_eq!(of("rds", "ModifyDBSnapshotAttribute", both), ("1".to_owned(), "2".to_owned()));
        let old = r#"{"imageId":"i","operationType":"remove","userIds":{"items":[{"userId":"7"}]}}"#;
        assert_eq!(of("ec2", "ModifyImageAttribute", old), (String::new(), "7".to_owned()));
        assert_eq!(Shares::of("ec2", "RunInstances", Some("{}")), None);
    }
}
