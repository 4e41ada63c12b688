//! Grants: account authorization details, as `aws iam get-account-authorization-details` prints them.
//!
//! Shape: "GetAccountAuthorizationDetails" in the IAM API reference; policy documents are JSON objects, as the AWS
//! CLI prints them. Names, ids and ARNs are those of the trail. The snapshot is taken at the end of the period, so
//! it holds what an attacker left behind. It does not read the trail: what it says of last use is the cast's habit.

mod details;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::calendar::{DAY_S, push_time};
use super::dice::{below, label, mix, push_base32};
use super::identity::{principal, unique_id};
use super::organisation::World;
use super::permissions::{self, GROUPS, MANAGED, Managed};
use super::personas::{Kind, Persona, living_in};
use super::template::Account;
use super::{Error, REGIONS};
use details::{Attached, Boundary, Details, Group, Inline, LastUsed, Policy, Profile, Role, Tag, User, Version};

/// Writes one file an account.
pub(super) fn write(world: &World, out: &Path) -> Result<Vec<PathBuf>, Error> {
    let folder = out.join("iam");
    fs::create_dir_all(&folder).map_err(|source| Error::write(&folder, source))?;
    let mut paths = Vec::with_capacity(world.accounts.len());
    for account in &world.accounts {
        let path = folder.join(format!("{}.account-authorization-details.json", account.id));
        let mut text = serde_json::to_vec_pretty(&Registrar { world, account }.details())
            .map_err(|error| Error::write(&path, error.into()))?;
        text.push(b'\n');
        fs::write(&path, text).map_err(|source| Error::write(&path, source))?;
        paths.push(path);
    }
    Ok(paths)
}

/// Writes down one account.
struct Registrar<'a> {
    world: &'a World,
    account: &'a Account,
}

impl Registrar<'_> {
    fn living(&self) -> impl Iterator<Item = &'static Persona> {
        living_in(self.account.index == 0).filter(|persona| persona.is_principal())
    }

    fn details(&self) -> Details {
        let (users, roles): (Vec<_>, Vec<_>) = self.living().partition(|persona| persona.is_user());
        Details {
            user_detail_list: users.into_iter().map(|persona| self.user(persona)).collect(),
            group_detail_list: GROUPS.iter().map(|group| self.group(group)).collect(),
            role_detail_list: roles.into_iter().map(|persona| self.role(persona)).collect(),
            policies: MANAGED.iter().filter_map(|policy| self.policy(policy)).collect(),
        }
    }

    fn user(&self, persona: &Persona) -> User {
        User {
            path: persona.path(),
            user_name: persona.name.to_owned(),
            user_id: unique_id(self.account, persona),
            arn: principal(self.account, persona),
            create_date: self.created(persona),
            user_policy_list: self.inline(persona.inline),
            group_list: persona.groups.iter().map(|name| (*name).to_owned()).collect(),
            attached_managed_policies: self.attached(&self.managed(persona)),
            tags: tags(persona),
        }
    }

    fn group(&self, group: &permissions::Group) -> Group {
        Group {
            path: "/".to_owned(),
            group_name: group.name.to_owned(),
            group_id: self.id("AGPA", group.name),
            arn: format!("arn:aws:iam::{}:group/{}", self.account.id, group.name),
            create_date: self.years_ago(group.name),
            group_policy_list: self.inline(group.inline),
            attached_managed_policies: self.attached(group.managed),
        }
    }

    fn role(&self, persona: &Persona) -> Role {
        let profile = (persona.kind == Kind::Instance).then(|| Profile {
            path: "/".to_owned(),
            instance_profile_name: persona.name.to_owned(),
            instance_profile_id: self.id("AIPA", persona.name),
            arn: format!("arn:aws:iam::{}:instance-profile/{}", self.account.id, persona.name),
            create_date: self.created(persona),
            // The AWS CLI repeats the role here; its readers do without.
            roles: Vec::new(),
        });
        let boundary = permissions::named(persona.boundary).map(|policy| Boundary {
            permissions_boundary_type: "Policy",
            permissions_boundary_arn: permissions::arn(policy, &self.account.id),
        });
        Role {
            path: persona.path(),
            role_name: persona.name.to_owned(),
            role_id: unique_id(self.account, persona),
            arn: principal(self.account, persona),
            create_date: self.created(persona),
            assume_role_policy_document: document(&self.trust(persona)),
            instance_profile_list: profile.into_iter().collect(),
            role_policy_list: self.inline(persona.inline),
            attached_managed_policies: self.attached(&self.managed(persona)),
            permissions_boundary: boundary,
            tags: tags(persona),
            role_last_used: self.last_used(persona),
        }
    }

    /// A managed policy, if anybody in the account holds it.
    fn policy(&self, policy: &Managed) -> Option<Policy> {
        let holds = |names: &[&str]| names.contains(&policy.name);
        let attachment_count = self.living().filter(|persona| holds(&self.managed(persona))).count()
            + GROUPS.iter().filter(|group| holds(group.managed)).count();
        let bounds = self.living().filter(|persona| persona.boundary == policy.name).count();
        if attachment_count + bounds == 0 {
            return None;
        }
        let (created, path) = (self.years_ago(policy.name), policy.aws_path.unwrap_or(""));
        let text = policy.document.replace("<account>", &self.account.id);
        // One policy was widened once: readers must take the default version, not the first.
        let old = (policy.name == "developer").then(|| Version {
            document: document(
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}"#,
            ),
            version_id: "v1".to_owned(),
            is_default_version: false,
            create_date: created.clone(),
        });
        let version_id = if old.is_some() { "v2" } else { "v1" };
        let now = Version {
            document: document(&text),
            version_id: version_id.to_owned(),
            is_default_version: true,
            create_date: created.clone(),
        };
        Some(Policy {
            policy_name: policy.name.to_owned(),
            policy_id: self.id("ANPA", policy.name),
            arn: permissions::arn(policy, &self.account.id),
            path: format!("/{path}"),
            default_version_id: version_id.to_owned(),
            attachment_count,
            permissions_boundary_usage_count: bounds,
            is_attachable: true,
            update_date: created.clone(),
            create_date: created,
            policy_version_list: [now].into_iter().chain(old).collect(),
        })
    }

    /// Managed policies of a persona, with what an attacker attached.
    fn managed(&self, persona: &Persona) -> Vec<&'static str> {
        let raised = self.world.planted.iter().any(|planted| {
            planted.kind == "first_sensitive_action" && planted.principal == principal(self.account, persona)
        });
        let added = raised.then_some("AdministratorAccess");
        persona.managed.iter().copied().chain(added).collect()
    }

    fn attached(&self, names: &[&str]) -> Vec<Attached> {
        let known = names.iter().filter_map(|name| permissions::named(name));
        known
            .map(|policy| Attached {
                policy_name: policy.name.to_owned(),
                policy_arn: permissions::arn(policy, &self.account.id),
            })
            .collect()
    }

    fn inline(&self, policies: &[(&str, &str)]) -> Vec<Inline> {
        let filled = policies.iter().map(|(name, text)| Inline {
            policy_name: (*name).to_owned(),
            policy_document: document(&text.replace("<account>", &self.account.id)),
        });
        filled.collect()
    }

    /// Who may assume a role.
    fn trust(&self, persona: &Persona) -> String {
        let id = &self.account.id;
        let home = self.world.accounts.first().map_or(id.as_str(), |first| first.id.as_str());
        let service = |name: &str| (format!("{{\"Service\":\"{name}\"}}"), "sts:AssumeRole");
        let (principal, action) = match persona.kind {
            Kind::Instance => service("ec2.amazonaws.com"),
            Kind::Function => service("lambda.amazonaws.com"),
            Kind::Task => service("ecs-tasks.amazonaws.com"),
            Kind::Linked => service(persona.agents.first().unwrap_or(&"")),
            Kind::Dormant => service("lambda.amazonaws.com"),
            Kind::Sso => (
                format!("{{\"Federated\":\"arn:aws:iam::{id}:saml-provider/AWSSSO_0a1b2c3d4e5f6071_DO_NOT_DELETE\"}}"),
                "sts:AssumeRoleWithSAML",
            ),
            Kind::Oidc => (
                format!("{{\"Federated\":\"arn:aws:iam::{id}:oidc-provider/token.actions.githubusercontent.com\"}}"),
                "sts:AssumeRoleWithWebIdentity",
            ),
            _ => (format!("{{\"AWS\":\"arn:aws:iam::{home}:root\"}}"), "sts:AssumeRole"),
        };
        format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{principal},\"Action\":\"{action}\"}}]}}"
        )
    }

    /// Unused roles have an empty object; the last day is as far as anybody knows.
    fn last_used(&self, persona: &Persona) -> LastUsed {
        if persona.kind == Kind::Dormant {
            return LastUsed::default();
        }
        let seed = self.seed(persona.name);
        let time = self.world.calendar.end() - DAY_S + i64::from(below(seed, DAY_S as u32));
        let region = REGIONS.get((seed % REGIONS.len() as u64) as usize).copied();
        LastUsed { last_used_date: Some(date(time)), region }
    }

    /// One role is younger than any report's window; the rest are older than the trail.
    fn created(&self, persona: &Persona) -> String {
        if persona.name == "data-lake-reader" {
            return date(self.world.calendar.end() - 3 * DAY_S + 40_000);
        }
        self.years_ago(persona.name)
    }

    fn years_ago(&self, name: &str) -> String {
        let days = i64::from(90 + below(self.seed(name), 900));
        date(self.world.calendar.start - days * DAY_S + i64::from(below(self.seed(name) << 7, 86_400)))
    }

    fn id(&self, prefix: &str, name: &str) -> String {
        let mut id = prefix.to_owned();
        push_base32(&mut id, self.seed(name), 17);
        id
    }

    fn seed(&self, name: &str) -> u64 {
        mix(&[self.account.seed, label(name), 90])
    }
}

fn tags(persona: &Persona) -> Vec<Tag> {
    match persona.kind {
        Kind::Console | Kind::AccessKey => vec![Tag { key: "Team", value: "Größe & Söhne" }],
        Kind::Function | Kind::Task => vec![Tag { key: "ManagedBy", value: "terraform" }],
        _ => Vec::new(),
    }
}

/// The form of dates that version 2 of the AWS CLI prints.
fn date(time: i64) -> String {
    let mut text = String::new();
    push_time(&mut text, time);
    text.truncate(19);
    text.push_str("+00:00");
    text
}

/// A policy document, in its own order of keys.
fn document(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap_or_default()
}
