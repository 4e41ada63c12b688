//! ARNs: `arn:partition:service:region:account:resource`, and the patterns of `Resource`.
//!
//! Source: "IAM JSON policy elements: Resource". A pattern is matched part by part, so that a `*` in the region does
//! not reach into the account; the last part may hold colons and slashes, and `*` crosses them. A pattern of fewer than
//! six parts is widened by IAM in identity policies, boundaries and session policies, and matches nothing elsewhere,
//! unless it ends with `*`.

use super::context::Context;
use super::pattern::{Hit, Pattern, Syntax};

/// The six parts of an ARN.
pub(crate) type Parts<'a> = [&'a str; 6];

/// Splits an ARN; `None` where it has fewer than six parts.
pub(crate) fn split(text: &str) -> Option<Parts<'_>> {
    // Byte by byte: the parts are too short for a search to pay.
    let mut rest = text.strip_prefix("arn:")?;
    let mut next = || {
        let at = rest.bytes().position(|byte| byte == b':')?;
        let part = rest.get(..at)?;
        rest = rest.get(at + 1..)?;
        Some(part)
    };
    let (partition, service, region, account) = (next()?, next()?, next()?, next()?);
    Some(["arn", partition, service, region, account, rest])
}

/// A pattern of `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ResourcePattern {
    /// `*`
    Anything,
    /// Six parts.
    Arn(Box<[Pattern; 6]>),
    /// Fewer parts, the last of which ends with `*` and takes the rest of the ARN.
    Front(Box<[Pattern]>),
    /// No ARN at all.
    Text(Pattern),
    /// Matches nothing.
    Nothing,
}

/// What a request names as its resource, split once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resource<'a> {
    /// The text: an ARN, or `*`.
    pub(crate) text: &'a str,
    /// Its parts, if it is an ARN.
    pub(crate) parts: Option<Parts<'a>>,
}

impl<'a> Resource<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Resource { text, parts: split(text) }
    }
}

impl ResourcePattern {
    /// Reads a pattern; `widen` where IAM fills up a short one.
    pub(super) fn new(text: &str, variables: bool, widen: bool) -> ResourcePattern {
        let syntax = |fold| Syntax { wildcards: true, variables, fold };
        let whole = Pattern::new(text, syntax(false));
        if whole.is_anything() {
            return ResourcePattern::Anything;
        }
        let parts = split_pattern(text);
        // Partition and service are compared without regard to case; requests have them in lower case.
        let part = |at: usize, part: &str| Pattern::new(part, syntax(at == 1 || at == 2));
        let mut compiled: Vec<Pattern> = parts.iter().enumerate().map(|(at, text)| part(at, text)).collect();
        match parts.as_slice() {
            [""] => ResourcePattern::Nothing,
            [_] => ResourcePattern::Text(whole),
            [.., last] if parts.len() < 6 && last.ends_with('*') => ResourcePattern::Front(compiled.into()),
            _ => {
                if widen {
                    compiled.resize_with(6, Pattern::anything);
                }
                match <[Pattern; 6]>::try_from(compiled) {
                    Ok(six) => ResourcePattern::Arn(Box::new(six)),
                    Err(_) => ResourcePattern::Nothing,
                }
            }
        }
    }

    /// Whether a resource is among those it names.
    pub(super) fn hit(&self, resource: &Resource<'_>, context: &Context) -> Hit {
        let all = |patterns: &[Pattern], parts: &[&str]| {
            for (pattern, part) in patterns.iter().zip(parts) {
                match pattern.hit(part, context) {
                    Hit::Yes => {}
                    other => return other,
                }
            }
            Hit::Yes
        };
        match (self, &resource.parts) {
            (ResourcePattern::Anything, _) => Hit::Yes,
            (ResourcePattern::Arn(patterns), Some(parts)) => all(&**patterns, parts),
            (ResourcePattern::Front(patterns), Some(_)) => {
                let parts: Vec<&str> = resource.text.splitn(patterns.len(), ':').collect();
                all(patterns, &parts)
            }
            (ResourcePattern::Text(pattern), Some(_)) => pattern.hit(resource.text, context),
            _ => Hit::No,
        }
    }

    /// The keys of its variables.
    pub(super) fn variables(&self) -> Vec<&str> {
        match self {
            ResourcePattern::Anything | ResourcePattern::Nothing => Vec::new(),
            ResourcePattern::Arn(patterns) => patterns.iter().flat_map(Pattern::variables).collect(),
            ResourcePattern::Front(patterns) => patterns.iter().flat_map(Pattern::variables).collect(),
            ResourcePattern::Text(pattern) => pattern.variables().collect(),
        }
    }
}

/// Splits a pattern at the colons outside of variables, whose names hold colons, into at most six parts.
pub(super) fn split_pattern(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_u32);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' if at > 0 && bytes.get(at - 1) == Some(&b'$') => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && parts.len() < 5 => {
                parts.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(pattern: &str, resource: &str, widen: bool) -> bool {
        let pattern = ResourcePattern::new(pattern, true, widen);
        let mut context = Context::default();
        context.set("aws:username", "bob");
        pattern.hit(&Resource::new(resource), &context) == Hit::Yes
    }

    #[test]
    fn parts_are_matched_one_by_one_and_the_last_takes_the_rest() {
        const QUEUE: &str = "arn:aws:sqs:us-east-1:111111111111:q";
        for (pattern, expected) in [
            ("*", true),
            ("arn:aws:sqs:*:*:q", true),
            ("arn:aws:s?s:us-*:*:*", true),
            ("arn:aws:*:q", false),
            ("arn:aws:sqs:::q", false),
            ("arn:aws:sqs:us-east-1:111111111111:Q", false),
            ("arn:AWS:SQS:us-east-1:*:q", true),
            ("arn:aws:sqs:*", true),
            ("arn:*", true),
            ("q", false),
            ("", false),
        ] {
            assert_eq!(hit(pattern, QUEUE, true), expected, "{pattern}");
            assert_eq!(hit(pattern, QUEUE, false), expected, "{pattern}");
        }
        assert!(hit("arn:aws:lambda:*:*:function:*", "arn:aws:lambda:us-east-1:1:function:f:7", false));
        assert!(hit("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/bob/x/y", false));
        assert!(!hit("arn:aws:s3:::b/*", "arn:aws:s3:::b", false));
    }

    #[test]
    fn short_patterns_are_widened_only_where_iam_does() {
        for pattern in ["arn:aws:sqs", "arn:aws:sqs:us-east-1", "arn:aws:sqs:us-east-1:111111111111"] {
            assert!(hit(pattern, "arn:aws:sqs:us-east-1:111111111111:q", true), "{pattern}");
            assert!(!hit(pattern, "arn:aws:sqs:us-east-1:111111111111:q", false), "{pattern}");
        }
    }

    #[test]
    fn an_action_without_resource_needs_the_star() {
        assert!(hit("*", "*", true));
        assert!(!hit("arn:aws:ec2:*:*:instance/*", "*", true) && !hit("arn:*", "*", true));
    }
}
