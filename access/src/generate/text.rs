//! Policies as text: Terraform, and a diff by lines.

use serde_json::Value;

use super::Policy;
use crate::policy::caller::{Caller, Kind};

/// Lines beyond which a diff is all out and all in.
const MAX_DIFF_LINES: usize = 4000;

/// A document's JSON, indented, as AWS' console shows it.
pub fn pretty(policy: &Policy) -> String {
    serde_json::to_string_pretty(policy).unwrap_or_default()
}

/// Terraform of policies and their attachment to a principal.
pub fn terraform(caller: &Caller, policies: &[Policy]) -> String {
    let label: String = caller.name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect();
    let label = if label.starts_with(|char: char| char.is_ascii_digit()) { format!("p_{label}") } else { label };
    let mut text = String::new();
    for (at, policy) in policies.iter().enumerate() {
        let suffix = if policies.len() > 1 { format!("_{}", at + 1) } else { String::new() };
        let (kind, owner) = match caller.kind {
            Kind::User => ("user", "user"),
            _ => ("role", "role"),
        };
        let name = format!("{}-used{}", caller.name, suffix.replace('_', "-"));
        // `${` and `%{` would be read by Terraform.
        let document = pretty(policy).replace("${", "$${").replace("%{", "%%{");
        text.push_str(&format!(
            "resource \"aws_iam_policy\" \"{label}_used{suffix}\" {{\n  name   = {}\n  policy = jsonencode({})\n}}\n\n\
             resource \"aws_iam_{kind}_policy_attachment\" \"{label}_used{suffix}\" {{\n  {owner}       = {}\n  \
             policy_arn = aws_iam_policy.{label}_used{suffix}.arn\n}}\n",
            quote(&name),
            document.replace('\n', "\n  "),
            quote(&caller.name),
        ));
        if at + 1 < policies.len() {
            text.push('\n');
        }
    }
    text
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
        let text = terraform(&caller, &[Policy { version: "2012-10-17", statement: vec![statement] }]);
        assert!(text.contains("resource \"aws_iam_policy\" \"p_9_app_used\"") && text.contains("b/$${*}"), "{text}");
        assert!(text.contains("aws_iam_role_policy_attachment"), "{text}");
    }
}
