//! Which actions a statement's resources leave: one counts only where some resource that it can work on may be meant.
//!
//! `*` on `arn:aws:s3:::b/*` grants what works on objects, not `iam:CreatePolicyVersion`; an action without resource types
//! is granted on `*` alone. Source: "Actions, resources, and condition keys for AWS services" (service authorization
//! reference), as ARN templates. Two patterns meet here, a statement's and a template's, so the question is whether any text
//! fits both. Generous where the reference does not say: then the service decides.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ingest::action;

use super::actions::ActionSet;
use super::arn::split_pattern;
use super::document::{Patterns, is_everything};

/// How ARNs of some actions' resources look.
#[derive(Debug)]
struct Shape {
    /// The six parts, each variable as `*`.
    parts: [String; 6],
    /// Whether the resource is a name alone, which holds no slash: a bucket, not its objects.
    is_name: bool,
    actions: ActionSet,
}

/// By the service of the ARN; those of any service under `*`.
type Shapes = BTreeMap<String, Vec<Shape>>;

fn shapes() -> &'static Shapes {
    static SHAPES: OnceLock<Shapes> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let mut by_text: BTreeMap<String, ActionSet> = BTreeMap::new();
        for (place, action) in action::actions().iter().enumerate() {
            for kind in action.resource_types.split(',').filter(|kind| !kind.is_empty()) {
                let prefix = action.service();
                let known = action::arns_of(prefix, kind.trim_end_matches('*'));
                let unknown = known.is_empty().then(|| format!("arn:*:{prefix}:*:*:*"));
                for text in known.iter().map(|text| (*text).to_owned()).chain(unknown) {
                    by_text.entry(text).or_default().insert_index(place);
                }
            }
        }
        let mut shapes = Shapes::new();
        for (text, actions) in by_text {
            if let Some(shape) = Shape::new(&text, actions) {
                shapes.entry(shape.parts[2].clone()).or_default().push(shape);
            }
        }
        shapes
    })
}

impl Shape {
    fn new(template: &str, actions: ActionSet) -> Option<Shape> {
        let parts = split_pattern(template);
        let [.., last] = <[&str; 6]>::try_from(parts.as_slice()).ok()?;
        let is_name = last.starts_with("${") && last.find('}') == Some(last.len() - 1);
        let parts: Vec<String> = parts.into_iter().map(opened).collect();
        Some(Shape { parts: parts.try_into().ok()?, is_name, actions })
    }

    fn may_be(&self, pattern: &[String]) -> bool {
        let last = self.parts.len() - 1;
        let name = |at: usize, pattern: &str| at != last || !self.is_name || !pattern.contains('/');
        match pattern {
            // Fewer parts: the last takes the rest of the ARN where it ends with `*`, else IAM fills up.
            [front @ .., rest] if pattern.len() < 6 && rest.ends_with('*') => {
                let whole = self.parts.get(front.len()..).unwrap_or_default().join(":");
                self.parts.iter().zip(front).all(|(ours, theirs)| meet(ours, theirs)) && meet(&whole, rest)
            }
            _ => {
                let mut pairs = self.parts.iter().zip(pattern).enumerate();
                pairs.all(|(at, (ours, theirs))| name(at, theirs) && meet(ours, theirs))
            }
        }
    }
}

/// A pattern with each variable as `*`.
fn opened(text: &str) -> String {
    let (mut opened, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((front, behind)) = rest.split_once("${") {
        opened.push_str(front);
        opened.push('*');
        rest = behind.split_once('}').map_or("", |(_, rest)| rest);
    }
    opened + rest
}

/// Whether some text fits both of two patterns of `*` and `?`.
fn meet(a: &str, b: &str) -> bool {
    if a == b || a == "*" || b == "*" {
        return true;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // `row[j]`: whether what is read of `a` and the first `j` of `b` have a text in common.
    let mut row = vec![false; b.len() + 1];
    for i in 0..=a.len() {
        let mut next = vec![false; b.len() + 1];
        for j in 0..=b.len() {
            let (ours, theirs) = (i.checked_sub(1).and_then(|i| a.get(i)), j.checked_sub(1).and_then(|j| b.get(j)));
            let above = row.get(j).copied().unwrap_or_default() && i > 0;
            let left = j.checked_sub(1).and_then(|j| next.get(j).copied()).unwrap_or_default();
            let both = i > 0 && j.checked_sub(1).and_then(|j| row.get(j).copied()).unwrap_or_default();
            let meets = match (ours, theirs) {
                (None, None) => true,
                (Some('*'), Some('*')) => above || left || both,
                // A `*` takes nothing, or what the other has here.
                (Some('*'), _) => above || left,
                (_, Some('*')) => left || above,
                (Some(ours), Some(theirs)) => both && (ours == theirs || *ours == '?' || *theirs == '?'),
                _ => false,
            };
            if let Some(slot) = next.get_mut(j) {
                *slot = meets;
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// Keeps of a statement's actions those that its resources may be meant for. A statement without any (a trust policy) stands
/// on its resource; of `NotResource` something is always left.
pub(super) fn narrow(actions: &mut ActionSet, resources: Option<&Patterns>) {
    let Some(Patterns::Only(list)) = resources else { return };
    if list.iter().any(|pattern| is_everything(pattern)) {
        return;
    }
    let mut reached = ActionSet::none();
    for pattern in list.iter().filter(|pattern| !pattern.is_empty()) {
        let mut parts: Vec<String> = split_pattern(pattern).into_iter().map(opened).collect();
        // Partition and service are compared without regard to case.
        parts.iter_mut().take(3).for_each(|part| part.make_ascii_lowercase());
        let service = parts.get(2).filter(|service| parts.len() > 3 && !service.contains(['*', '?']));
        let of_service = |service: &String| shapes().get(service).into_iter().chain(shapes().get("*"));
        let candidates: Vec<&Vec<Shape>> = match service {
            Some(service) => of_service(service).collect(),
            None => shapes().values().collect(),
        };
        for shape in candidates.into_iter().flatten().filter(|shape| shape.may_be(&parts)) {
            reached.union(&shape.actions);
        }
    }
    actions.intersect(&reached);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet_where_a_text_fits_both() {
        for (a, b, expected) in [
            ("role/*", "role/team/app-*", true),
            ("role/*", "user/*", false),
            ("*/*", "b", false),
            ("*/*", "b/*", true),
            ("a*c", "*b?", true),
            ("a?", "a", false),
            ("", "*", true),
            ("", "", true),
            ("", "?", false),
            ("a*", "b*", false),
            ("*a", "*b", false),
            ("**", "x", true),
        ] {
            assert_eq!((meet(a, b), meet(b, a)), (expected, expected), "{a} {b}");
        }
    }
}
