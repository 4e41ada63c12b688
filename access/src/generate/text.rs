//! Policies as text: Terraform, and a diff by lines.

use serde_json::Value;

use super::current::Change;
use super::{Hold, Policy};
use crate::policy::caller::{Caller, Kind};

/// Lines beyond which a diff is all out and all in.
const MAX_DIFF_LINES: usize = 4000;

/// A document's JSON, indented, as AWS' console shows it.
pub fn pretty(policy: &Policy) -> String {
    serde_json::to_string_pretty(policy).unwrap_or_default()
}

/// Terraform of policies: managed ones with their attachment to a principal, or inline ones.
pub fn terraform(caller: &Caller, policies: &[Policy], hold: Hold) -> String {
    let mut text = String::new();
    for (at, policy) in policies.iter().enumerate() {
        let suffix = if policies.len() > 1 { format!("_{}", at + 1) } else { String::new() };
        let name = format!("{}-used{}", caller.name, suffix.replace('_', "-"));
        let label = label(&format!("{}_used{suffix}", caller.name));
        let document = serde_json::to_value(policy).unwrap_or_default();
        if at > 0 {
            text.push('\n');
        }
        text.push_str(&match hold {
            Hold::Managed => managed(caller, &label, &name, &document),
            _ => inline(owner(caller), &caller.name, &label, &name, &document),
        });
    }
    text
}

/// Terraform of today's policies as they should be. What nothing is left of, and what is AWS' own, is told in comments.
pub fn terraform_changes(caller: &Caller, changes: &[Change]) -> String {
    let parts = changes.iter().map(|change| {
        let name = change.name.as_str();
        let Some(document) = &change.after else {
            return format!("# nothing of {} was used: take it away\n", quote(name));
        };
        if let Some((group, name)) = name.strip_prefix("group/").and_then(|rest| rest.split_once("/inline/")) {
            return inline("group", group, &label(&format!("{group}_{name}")), name, document);
        }
        if let Some(name) = name.strip_prefix("inline/") {
            return inline(owner(caller), &caller.name, &label(&format!("{}_{name}", caller.name)), name, document);
        }
        let short = name.rsplit('/').next().unwrap_or(name);
        if name.contains(":iam::aws:policy/") {
            let own = format!("{}-{short}", caller.name);
            let text = managed(caller, &label(&own), &own, document);
            return format!("# instead of {}, which is AWS' own: detach that\n{text}", quote(name));
        }
        let path = name.split_once(":policy").and_then(|(_, rest)| rest.strip_suffix(short)).unwrap_or("/");
        format!(
            "resource \"aws_iam_policy\" \"{}\" {{\n  name   = {}\n  path   = {}\n  policy = {}\n}}\n",
            label(short),
            quote(short),
            quote(path),
            jsonencode(document)
        )
    });
    parts.collect::<Vec<_>>().join("\n")
}

fn managed(caller: &Caller, label: &str, name: &str, document: &Value) -> String {
    let kind = owner(caller);
    format!(
        "resource \"aws_iam_policy\" \"{label}\" {{\n  name   = {}\n  policy = {}\n}}\n\n\
         resource \"aws_iam_{kind}_policy_attachment\" \"{label}\" {{\n  {kind}       = {}\n  \
         policy_arn = aws_iam_policy.{label}.arn\n}}\n",
        quote(name),
        jsonencode(document),
        quote(&caller.name),
    )
}

fn inline(kind: &str, owner: &str, label: &str, name: &str, document: &Value) -> String {
    format!(
        "resource \"aws_iam_{kind}_policy\" \"{label}\" {{\n  name   = {}\n  {kind}   = {}\n  policy = {}\n}}\n",
        quote(name),
        quote(owner),
        jsonencode(document)
    )
}

fn owner(caller: &Caller) -> &'static str {
    if caller.kind == Kind::User { "user" } else { "role" }
}

/// A name as Terraform takes it for a label.
fn label(name: &str) -> String {
    let label: String = name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect();
    if label.starts_with(|char: char| char.is_ascii_digit()) { format!("p_{label}") } else { label }
}

fn jsonencode(document: &Value) -> String {
    // `${` and `%{` would be read by Terraform.
    let text = serde_json::to_string_pretty(document).unwrap_or_default().replace("${", "$${").replace("%{", "%%{");
    format!("jsonencode({})", text.replace('\n', "\n  "))
}

fn quote(text: &str) -> String {
    Value::from(text).to_string().replace("${", "$${").replace("%{", "%%{")
}

/// Lines that go (`-`), come (`+`) and stay (` `), from one text to another.
pub fn diff(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut text = String::new();
    let mut line = |sign: char, content: &str| {
        text.push(sign);
        text.push_str(content);
        text.push('\n');
    };
    if old.len() > MAX_DIFF_LINES || new.len() > MAX_DIFF_LINES {
        old.iter().for_each(|content| line('-', content));
        new.iter().for_each(|content| line('+', content));
        return text;
    }
    let lengths = common_lengths(&old, &new);
    let width = new.len() + 1;
    let length = |i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    let (mut i, mut j) = (0, 0);
    loop {
        match (old.get(i), new.get(j)) {
            (Some(gone), Some(come)) if gone == come => {
                line(' ', gone);
                (i, j) = (i + 1, j + 1);
            }
            (Some(gone), come) if come.is_none() || length(i + 1, j) >= length(i, j + 1) => {
                line('-', gone);
                i += 1;
            }
            (_, Some(come)) => {
                line('+', come);
                j += 1;
            }
            _ => return text,
        }
    }
}

/// Longest common subsequence of the tails, row by row.
fn common_lengths(old: &[&str], new: &[&str]) -> Vec<u16> {
    let width = new.len() + 1;
    let mut lengths = vec![0_u16; (old.len() + 1) * width];
    for (i, gone) in old.iter().enumerate().rev() {
        for (j, come) in new.iter().enumerate().rev() {
            let at = |i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
            let length = if gone == come { at(i + 1, j + 1) + 1 } else { at(i + 1, j).max(at(i, j + 1)) };
            if let Some(cell) = lengths.get_mut(i * width + j) {
                *cell = length;
            }
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Statement;

    #[test]
    fn a_diff_says_what_goes_and_what_comes() {
        assert_eq!(diff("a\nb\nc", "a\nx\nc\nd"), " a\n-b\n+x\n c\n+d\n");
        assert_eq!(diff("", "a"), "+a\n");
    }

    #[test]
    fn terraform_does_not_read_what_iam_should() {
        let statement = Statement {
            sid: "S3".into(),
            effect: "Allow",
            action: vec!["s3:GetObject".into()],
            resource: vec!["arn:aws:s3:::b/${*}".into()],
            condition: None,
        };
        let caller = Caller::new("arn:aws:iam::111111111111:role/9-app");
        let policy = Policy { version: "2012-10-17", statement: vec![statement] };
        let text = terraform(&caller, std::slice::from_ref(&policy), Hold::Managed);
        assert!(text.contains("resource \"aws_iam_policy\" \"p_9_app_used\"") && text.contains("b/$${*}"), "{text}");
        assert!(text.contains("aws_iam_role_policy_attachment"), "{text}");
        let text = terraform(&caller, &[policy], Hold::InRole);
        assert!(text.contains("resource \"aws_iam_role_policy\"") && !text.contains("attachment"), "{text}");
    }

    #[test]
    fn changes_become_the_resources_that_hold_them() {
        let document =
            serde_json::json!({"Statement": [{"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": "*"}]});
        let change = |name: &str, after: Option<Value>| Change {
            name: name.to_owned(),
            before: Value::Null,
            after,
            shared_with: Vec::new(),
        };
        let text = terraform_changes(
            &Caller::new("arn:aws:iam::111111111111:user/ann"),
            &[
                change("inline/mine", Some(document.clone())),
                change("group/dev/inline/ours", Some(document.clone())),
                change("arn:aws:iam::111111111111:policy/team/app", Some(document.clone())),
                change("arn:aws:iam::aws:policy/AmazonSQSFullAccess", Some(document)),
                change("inline/\n evil", None),
            ],
        );
        for part in [
            "resource \"aws_iam_user_policy\" \"ann_mine\"",
            "resource \"aws_iam_group_policy\" \"dev_ours\"",
            "path   = \"/team/\"",
            "# instead of \"arn:aws:iam::aws:policy/AmazonSQSFullAccess\"",
            "# nothing of \"inline/\\n evil\" was used",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
