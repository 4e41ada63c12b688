//! Which actions a statement's resources leave: one counts only where some resource that it can work on may be meant.
//!
//! `*` on `arn:aws:s3:::b/*` grants what works on objects, not `iam:CreatePolicyVersion`; an action without resource types
//! is granted on `*` alone. Source: "Actions, resources, and condition keys for AWS services" (service authorization
//! reference), as ARN templates. Two patterns meet here, a statement's and a template's, so the question is whether any text
//! fits both. Generous where the reference does not say: then the service decides.

use std::collections::{BTreeMap, HashSet};
use std::sync::OnceLock;

use ahash::RandomState;
use ingest::action;

use super::actions::ActionSet;
use super::arn::split_pattern;
use super::document::{Patterns, is_everything};

/// Resource patterns that name no service: more than a policy of IAM can hold are taken to reach everything.
const OPEN_PATTERNS_MAX: usize = 256;

/// Longer patterns are taken to mean anything: ARNs have at most 2,048 characters.
const LENGTH_MAX: usize = 2048;

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
    // No ARN is as long as what is not looked into.
    if a == b || a == "*" || b == "*" || a.len().max(b.len()) > LENGTH_MAX {
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
    let mut seen = HashSet::<&str, RandomState>::default();
    let mut all = Everywhere::default();
    for pattern in list.iter().filter(|pattern| !pattern.is_empty()) {
        if !seen.insert(pattern) {
            continue;
        }
        let mut parts: Vec<String> = split_pattern(pattern).into_iter().map(opened).collect();
        // Partition and service are compared without regard to case.
        parts.iter_mut().take(3).for_each(|part| part.make_ascii_lowercase());
        match parts.get(2).filter(|service| parts.len() > 3 && !service.contains(['*', '?'])) {
            Some(service) => {
                let found = shapes().get(service).into_iter().chain(shapes().get("*")).flatten();
                found.filter(|shape| shape.may_be(&parts)).for_each(|shape| reached.union(&shape.actions));
            }
            None if !all.reach(&parts, &mut reached, actions) => return,
            None => {}
        }
    }
    actions.intersect(&reached);
}

/// What patterns that name no service are compared with: every shape that none of them was found to fit yet.
#[derive(Debug, Default)]
struct Everywhere {
    left: Option<Vec<&'static Shape>>,
    patterns: usize,
}

impl Everywhere {
    /// Adds what a pattern reaches of the actions that are wanted; `false` where there were too many patterns to say.
    fn reach(&mut self, pattern: &[String], reached: &mut ActionSet, wanted: &ActionSet) -> bool {
        self.patterns += 1;
        let matter = |shape: &&Shape| {
            let mut common = shape.actions.clone();
            common.intersect(wanted);
            !common.is_empty()
        };
        let left = self.left.get_or_insert_with(|| shapes().values().flatten().filter(matter).collect());
        left.retain(|shape| {
            let fits = shape.may_be(pattern);
            if fits {
                reached.union(&shape.actions);
            }
            !fits
        });
        self.patterns <= OPEN_PATTERNS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns that name no service took minutes: each was compared with every shape there is.
    #[test]
    fn very_many_patterns_are_worked_through_at_once() {
        let of = |count: usize, text: &str| Patterns::Only((0..count).map(|at| format!("*{text}{at}*")).collect());
        let started = std::time::Instant::now();
        let mut actions = ActionSet::all();
        narrow(&mut actions, Some(&of(200, "a*b")));
        assert!(actions.contains("s3:GetObject") && !actions.contains("ec2:DescribeInstances"));
        narrow(&mut actions, Some(&Patterns::Only(vec!["arn:aws:s3:::".to_owned() + &"*a".repeat(300_000)])));
        assert!(actions.contains("s3:GetObject"));
        // More than IAM could keep are not looked into at all.
        let mut actions = ActionSet::all();
        narrow(&mut actions, Some(&of(100_000, "/nothing:")));
        assert_eq!(actions, ActionSet::all());
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }

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
