//! What the words of one request add to what the tables say about its action.
//!
//! Two things only the event itself tells. A denial's message names the action that was really missing (`RunInstances`
//! is refused for want of `iam:PassRole`), and S3 asks for the version's action when a request names a version.
//! Source: "Troubleshoot access denied error messages" in the IAM user guide; Amazon S3 "Required permissions for API
//! operations". Works on text of the event; must not know batches or facts.

use std::borrow::Cow;

use ingest::action;

/// What an access-denied message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial<'a> {
    /// The action that was refused, as written: `iam:PassRole`.
    pub action: &'a str,
    /// The resource it was refused on, where the message names one.
    pub resource: Option<&'a str>,
    /// Which kind of policy refused: the words between `explicit deny in a(n)` or `because no` and `policy`.
    pub layer: Option<&'a str>,
    /// Whether a policy denies it, rather than none allowing it.
    pub explicit: bool,
}

impl Denial<'_> {
    /// What refused, in words: `explicit deny in service control policy`, `no allow in identity-based policy`; `None` where
    /// the message does not say.
    pub fn refused_by(&self) -> Option<String> {
        // The longest that AWS writes has 27 letters; what follows is text of others.
        match (self.layer.filter(|layer| layer.len() <= 40), self.explicit) {
            (Some(layer), true) => Some(format!("explicit deny in {layer} policy")),
            (Some(layer), false) => Some(format!("no allow in {layer} policy")),
            (None, explicit) => explicit.then(|| "explicit deny".to_owned()),
        }
    }
}

/// Reads an access-denied message; `None` where it names no action.
///
/// The forms: `… is not authorized to perform: ACTION on resource: RESOURCE because no KIND policy allows …`,
/// `… with an explicit deny in a KIND policy`, and the older ones without the tail or without the colon; Glue's and
/// Lake Formation's `is not allowed to execute [ACTION]`.
pub fn parse_denial(message: &str) -> Option<Denial<'_>> {
    const PERFORM: &str = "authorized to perform";
    const EXECUTE: &str = "is not allowed to execute [";
    let rest = match message.find(PERFORM) {
        Some(at) => message.get(at + PERFORM.len()..)?.trim_start_matches(':').trim_start(),
        None => message.get(message.find(EXECUTE)? + EXECUTE.len()..)?,
    };
    let end = rest.find(|c: char| c.is_whitespace() || c == ']' || c == ',').unwrap_or(rest.len());
    let action = rest.get(..end)?.trim_end_matches(['.', ';', '"', '\'']);
    if !is_action(action) {
        return None;
    }
    let tail = rest.get(end..).unwrap_or_default();
    let (layer, explicit) = layer(tail);
    Some(Denial { action, resource: resource(tail), layer, explicit })
}

fn resource(tail: &str) -> Option<&str> {
    const ON: &str = "on resource:";
    let rest = tail.get(tail.find(ON)? + ON.len()..)?.trim_start();
    let word = rest.split_whitespace().next()?.trim_end_matches(['.', ',']);
    // `on resource: role NAME` and `on resource: access key ID` name no ARN.
    (word == "*" || word.starts_with("arn:")).then_some(word)
}

fn layer(tail: &str) -> (Option<&str>, bool) {
    const DENY: &str = "with an explicit deny";
    const ALLOW: &str = "because no ";
    let kind = |from: &'_ str| from.find(" policy").filter(|end| *end > 0);
    if let Some(at) = tail.find(DENY) {
        let rest = tail.get(at + DENY.len()..).unwrap_or_default();
        let rest = rest.strip_prefix(" in a").map(|rest| rest.trim_start_matches('n').trim_start());
        return (rest.and_then(|rest| rest.get(..kind(rest)?)), true);
    }
    let rest = tail.find(ALLOW).and_then(|at| tail.get(at + ALLOW.len()..));
    (rest.and_then(|rest| rest.get(..kind(rest)?)), false)
}

/// `prefix:Name` of letters, digits and dashes: what a message holds is text of others.
fn is_action(text: &str) -> bool {
    let name = |part: &str, extra: &[u8]| {
        !part.is_empty() && part.len() <= 128 && part.bytes().all(|b| b.is_ascii_alphanumeric() || extra.contains(&b))
    };
    text.split_once(':').is_some_and(|(prefix, action)| name(prefix, b"-") && name(action, b"-_"))
}

/// The action that a denial names, in canonical spelling, if it is none of `mapped`.
pub(crate) fn other_action<'a>(denial: &Denial<'a>, mapped: &[&str]) -> Option<Cow<'a, str>> {
    let named = denial.action;
    if mapped.iter().any(|action| action.eq_ignore_ascii_case(named)) {
        return None;
    }
    let known = action::index_of(named).and_then(|index| action::actions().get(index));
    Some(known.map_or(Cow::Borrowed(named), |action| Cow::Borrowed(action.name)))
}

/// Whether a request's parameters (compact JSON text) name a version of an object.
pub(crate) fn names_version(request_parameters: &str) -> bool {
    const MEMBER: &str = "\"versionId\":\"";
    request_parameters.len() > MEMBER.len() && request_parameters.contains(MEMBER)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_published_form_names_its_action() {
        let user = "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform";
        let no_allow = format!(
            "{user}: iam:PassRole on resource: arn:aws:iam::1:role/x because no identity-based policy allows the iam:PassRole action"
        );
        let denial = parse_denial(&no_allow).unwrap();
        assert_eq!((denial.action, denial.resource), ("iam:PassRole", Some("arn:aws:iam::1:role/x")));
        assert_eq!((denial.layer, denial.explicit), (Some("identity-based"), false));

        let deny = format!("{user}: ec2:RunInstances with an explicit deny in a service control policy");
        let denial = parse_denial(&deny).unwrap();
        assert_eq!((denial.action, denial.resource), ("ec2:RunInstances", None));
        assert_eq!((denial.layer, denial.explicit), (Some("service control"), true));

        let identity =
            format!("{user}: s3:GetObject on resource: \"arn\" with an explicit deny in an identity-based policy");
        assert_eq!(parse_denial(&identity).unwrap().layer, Some("identity-based"));

        let old = format!("{user} iam:DeleteAccessKey on resource: access key AKIAEXAMPLE");
        assert_eq!(parse_denial(&old).unwrap().action, "iam:DeleteAccessKey");
        let glue = "Principal [arn:aws:iam::1:user/u] is not allowed to execute [glue:GetTable] on the resource";
        assert_eq!(parse_denial(glue).unwrap().action, "glue:GetTable");
        let end = format!("{user}: secretsmanager:GetSecretValue on the specified resource");
        assert_eq!(parse_denial(&end).unwrap().action, "secretsmanager:GetSecretValue");
    }

    #[test]
    fn a_message_without_an_action_says_nothing() {
        for text in [
            "Access Denied",
            "User is not authorized to perform",
            "not authorized to perform: this operation",
            "not authorized to perform: <b>:x",
            "You are not authorized to perform this operation.",
            "is not allowed to execute [",
        ] {
            assert_eq!(parse_denial(text), None, "{text}");
        }
    }

    #[test]
    fn only_another_action_than_the_mapped_one_is_told() {
        let text = "User: u is not authorized to perform: IAM:passrole on resource: *";
        let denial = parse_denial(text).unwrap();
        assert_eq!(other_action(&denial, &["ec2:RunInstances"]).unwrap(), "iam:PassRole");
        assert_eq!(other_action(&denial, &["iam:PassRole"]), None);
        assert!(names_version(r#"{"key":"k","versionId":"3"}"#) && !names_version(r#"{"versionId":null}"#));
    }
}
