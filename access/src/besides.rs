//! What a request asks for besides its own action: permissions that AWS checks because of a parameter, and that leave no
//! event of their own, or only a data event, which few trails log. Roles that are passed are [`crate::passed`]'s, tags of what
//! is made [`crate::tagged`]'s. What leaves an event of the caller's own (`kms:CreateGrant` for a database) is told by that.
//!
//! A table, so that one more is a row: the call's action, the parameter and what it must say, the action, its resource. Sources:
//! "Actions, resources, and condition keys for AWS services" (dependent actions), and for each group of rows what stands above it.

mod table;

use ingest::action;
use serde_json::{Map, Value};

use crate::resource::{self, Resource, Told};
use table::BESIDES;

/// One thing that some requests ask for besides.
#[derive(Debug)]
pub(crate) struct Besides {
    /// Actions of the calls.
    of: &'static [&'static str],
    /// The parameter, by the names on the way to it, without regard to case; a last `*` stands for any rest of a name, and nothing
    /// for a call that always asks.
    when: &'static str,
    /// What it must say.
    says: Says,
    /// The action that is asked for.
    pub(crate) needs: &'static str,
    /// Forms of the resources, all of which are asked; none where they are found as those of a call of that action.
    on: &'static [&'static str],
}

/// What a parameter must say.
#[derive(Debug)]
enum Says {
    /// Anything but nothing, or `false`.
    Something,
    /// Anything but this.
    But(&'static str),
    /// One of these.
    One(&'static [&'static str]),
    /// A text with this in it.
    Holds(&'static str),
}

/// Letters of a parameter's name that are looked for before a request is read.
const HEAD: usize = 12;

/// Whether some request of an action asks for more.
pub(crate) fn may_ask(action: &str) -> bool {
    BESIDES.iter().any(|row| row.of.contains(&action))
}

/// What a request asks for besides its own actions, each action once, by name.
pub(crate) fn of_call(own: &[&str], request: Option<&str>) -> Vec<&'static Besides> {
    let is_own = |row: &&'static Besides| row.of.iter().any(|name| own.contains(name));
    let mut rows = BESIDES.iter().filter(is_own).peekable();
    if rows.peek().is_none() {
        return Vec::new();
    }
    // Most requests name none of the parameters, and need not be read.
    let lower = request.unwrap_or_default().to_ascii_lowercase();
    // Rows that stand together often begin alike, and are looked for once.
    let mut looked = ("", true);
    let is_named = |row: &&'static Besides| {
        let member = row.member();
        let head = member.get(..HEAD).unwrap_or(member);
        if head != looked.0 {
            looked = (head, lower.contains(&head.to_ascii_lowercase()));
        }
        looked.1
    };
    let rows: Vec<&Besides> = rows.filter(is_named).collect();
    if rows.is_empty() {
        return rows;
    }
    let members = request.map(serde_json::from_str::<Map<String, Value>>);
    let members = members.and_then(Result::ok).unwrap_or_default();
    let mut found: Vec<&Besides> = rows.into_iter().filter(|row| row.is_said(&members)).collect();
    found.sort_unstable_by_key(|row| row.needs);
    found.dedup_by_key(|row| row.needs);
    // Of a version, its own action is asked, and not that of the object.
    let all: Vec<&str> = found.iter().map(|row| row.needs).collect();
    found.retain(|row| !action::versioned(row.needs).is_some_and(|version| all.contains(&version)));
    found
}

impl Besides {
    /// The resources that it is asked for.
    pub(crate) fn resources(&self, told: &Told<'_>) -> Vec<Resource> {
        match self.on {
            [] => resource::of_call(self.needs, told),
            forms => resource::of_forms(forms, told),
        }
    }

    /// The parameter's own name, as far as it is known; empty for a call that always asks.
    fn member(&self) -> &'static str {
        let path = self.when.strip_suffix('*').unwrap_or(self.when);
        path.rsplit('.').next().unwrap_or(path)
    }

    fn is_said(&self, members: &Map<String, Value>) -> bool {
        if self.when.is_empty() {
            return true;
        }
        let (path, begins) = self.when.strip_suffix('*').map_or((self.when, false), |path| (path, true));
        let names: Vec<&str> = path.split('.').collect();
        self.is_said_by(members, &names, begins)
    }

    /// Whether a parameter on the way of these names says so; of a list, one of its members.
    fn is_said_by(&self, members: &Map<String, Value>, names: &[&str], begins: bool) -> bool {
        let Some((name, rest)) = names.split_first() else { return false };
        let fits = |own: &str| match own.get(..name.len()) {
            Some(head) => head.eq_ignore_ascii_case(name) && (own.len() == name.len() || (rest.is_empty() && begins)),
            None => false,
        };
        let within = |value: &Value| value.as_object().is_some_and(|next| self.is_said_by(next, rest, begins));
        let mut fitting = members.iter().filter(|(own, _)| fits(own)).map(|(_, value)| value);
        fitting.any(|value| match value {
            value if rest.is_empty() => self.says.holds(value),
            Value::Array(list) => list.iter().any(within),
            value => within(value),
        })
    }
}

impl Says {
    fn holds(&self, value: &Value) -> bool {
        let is_something = match value {
            Value::Array(list) => !list.is_empty(),
            Value::Object(members) => !members.is_empty(),
            Value::String(text) => !text.is_empty() && text != "false",
            Value::Bool(truth) => *truth,
            Value::Number(_) | Value::Null => false,
        };
        // Headers are lists in some records.
        let text = value.as_array().and_then(|list| list.first()).unwrap_or(value).as_str();
        match self {
            Says::Something => is_something,
            Says::But(other) => is_something && text != Some(*other),
            Says::One(these) => text.is_some_and(|text| these.contains(&text)),
            Says::Holds(part) => text.is_some_and(|text| text.contains(part)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(action: &str, request: &str) -> Vec<String> {
        let told = Told {
            request: Some(request),
            region: "eu-west-1",
            account: "111122223333",
            partition: "aws",
            ..Told::default()
        };
        let rows = of_call(&[action], told.request);
        let on = |row: &&Besides| row.resources(&told).into_iter().map(|found| found.arn).collect::<Vec<_>>().join(" ");
        rows.iter().map(|row| format!("{} {}", row.needs, on(row))).collect()
    }

    #[test]
    fn every_action_of_the_table_is_known() {
        for row in BESIDES {
            assert!(row.of.iter().chain([&row.needs]).all(|name| action::is_known(name)), "{row:?}");
        }
        assert!(may_ask("s3:PutObject") && !may_ask("s3:GetObject"));
    }

    #[test]
    fn parameters_ask_for_more() {
        let names = |action: &str, request: &str| {
            of_call(&[action], Some(request)).iter().map(|row| row.needs).collect::<Vec<_>>()
        };
        let assume = r#"{"roleArn":"r","roleSessionName":"s","tags":[{"key":"a","value":"b"}],"sourceIdentity":"ann"}"#;
        assert_eq!(names("sts:AssumeRole", assume), ["sts:SetSourceIdentity", "sts:TagSession"]);
        assert!(names("sts:AssumeRole", r#"{"roleArn":"r","tags":[]}"#).is_empty());
        assert_eq!(
            names("s3:PutObject", r#"{"bucketName":"b","x-amz-acl":"bucket-owner-full-control"}"#),
            ["s3:PutObjectAcl"]
        );
        assert_eq!(names("s3:PutObject", r#"{"x-amz-grant-read":"id=1","x-amz-acl":"private"}"#), ["s3:PutObjectAcl"]);
        assert_eq!(names("s3:CreateBucket", r#"{"x-amz-acl":"public-read"}"#), ["s3:PutBucketAcl"]);
        assert!(names("s3:CreateBucket", r#"{"x-amz-acl":["private"]}"#).is_empty());
        assert_eq!(
            names("s3:CreateBucket", r#"{"x-amz-bucket-object-lock-enabled":"true"}"#),
            ["s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"]
        );
        assert_eq!(
            names("s3:DeleteObject", r#"{"x-amz-bypass-governance-retention":"true"}"#),
            ["s3:BypassGovernanceRetention"]
        );
        assert_eq!(
            names("ec2:CreateFlowLogs", r#"{"CreateFlowLogsRequest":{"LogDestinationType":"s3"}}"#),
            ["logs:CreateLogDelivery"]
        );
        assert!(names("ec2:CreateFlowLogs", r#"{"CreateFlowLogsRequest":{"LogDestinationType":"x"}}"#).is_empty());
        assert!(names("s3:GetObject", r#"{"x-amz-acl":"private"}"#).is_empty());
        assert!(names("s3:PutObject", "[1").is_empty() && of_call(&[], None).is_empty());
    }

    #[test]
    fn what_is_asked_besides_is_asked_for_what_the_parameters_name() {
        let layer = "arn:aws:lambda:eu-west-1:444455556666:layer:tools:3";
        let create =
            format!(r#"{{"functionName":"f","layers":["{layer}"],"code":{{"s3Bucket":"b","s3Key":"k.zip"}}}}"#);
        assert_eq!(
            of("lambda:CreateFunction", &create),
            [format!("lambda:GetLayerVersion {layer}"), "s3:GetObject arn:aws:s3:::b/k.zip".to_owned()]
        );
        assert_eq!(
            of("lambda:UpdateFunctionCode", r#"{"s3Bucket":"b","s3Key":"k","s3ObjectVersion":"v"}"#),
            ["s3:GetObjectVersion arn:aws:s3:::b/k"]
        );
        assert_eq!(
            of("lambda:UpdateFunctionCode", r#"{"functionName":"f","s3Bucket":"b","s3Key":"arn:aws:s3:::c/*"}"#),
            ["s3:GetObject arn:aws:s3:::b/*"]
        );
        let machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:m";
        let wanted = [format!("states:PublishStateMachineVersion {machine}")];
        assert_eq!(of("states:CreateStateMachine", r#"{"name":"m","publish":true}"#), wanted);
        assert_eq!(
            of("states:UpdateStateMachine", &format!(r#"{{"stateMachineArn":"{machine}","publish":true}}"#)),
            wanted
        );
        assert!(of("states:UpdateStateMachine", r#"{"publish":false}"#).is_empty());
        assert_eq!(
            of(
                "redshift:GetClusterCredentials",
                r#"{"dbUser":"u","clusterIdentifier":"c","autoCreate":true,"dbGroups":["g","h"]}"#
            ),
            [
                "redshift:CreateClusterUser arn:aws:redshift:eu-west-1:111122223333:dbuser:c/u",
                "redshift:JoinGroup arn:aws:redshift:eu-west-1:111122223333:dbgroup:c/g \
                 arn:aws:redshift:eu-west-1:111122223333:dbgroup:c/h"
            ]
        );
        let restored = of("dynamodb:RestoreTableFromBackup", r#"{"targetTableName":"t"}"#);
        assert_eq!(restored.len(), 7);
        assert!(restored.iter().all(|one| one.ends_with(" arn:aws:dynamodb:eu-west-1:111122223333:table/t")));
        assert_eq!(
            of("rds:DeleteDBInstance", r#"{"dBInstanceIdentifier":"d","finalDBSnapshotIdentifier":"last"}"#),
            [
                "rds:CreateDBSnapshot arn:aws:rds:eu-west-1:111122223333:db:d arn:aws:rds:eu-west-1:111122223333:snapshot:last"
            ]
        );
        assert_eq!(
            of("autoscaling:CreateAutoScalingGroup", r#"{"launchTemplate":{"version":"1"}}"#),
            ["ec2:RunInstances *"]
        );
    }
}
