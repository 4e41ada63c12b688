//! What is odd about rules that load: fields that no record has, calls that no service has, rules that say the same.
//!
//! A remark is a suspicion, not a fault: CloudTrail gains fields, and services gain calls, before our tables do. Knows
//! rules and the tables of `ingest`, and no events.

use hashbrown::{HashMap, HashSet};
use ingest::action;
use ingest::schema::{COLUMNS, Column, Kind};
use serde::Serialize;

use crate::about::About;
use crate::bound::Bound;
use crate::compile::Program;
use crate::condition::Expr;
use crate::field::{Field, Place};
use crate::implied::{implies, is_always, is_never};
use crate::rule::{Logic, Rule};

/// Something odd about a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Remark {
    /// File the rule stands in.
    pub file: String,
    /// The rule's title.
    pub rule: String,
    /// Line that it is about, or else of its title, from 1, where it is known.
    pub line: Option<u32>,
    /// What kind of oddity: `condition`, `duplicate`, `event`, `field`, `id` or `shadowed`.
    pub kind: &'static str,
    /// What is odd, and what may be meant.
    pub remark: String,
}

/// All that is odd about these rules, in order of file and line.
pub fn lint(rules: &[Rule]) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for rule in rules {
        let mut names = HashSet::new();
        match &rule.logic {
            Logic::Events(expr) => fields(expr, &mut names),
            Logic::Memory(expr, memory) => {
                fields(expr, &mut names);
                names.extend(memory.fields.iter().map(String::as_str));
            }
            Logic::Correlation(correlation) => {
                names.extend(correlation.measure.fields().iter().map(String::as_str));
                let plain = correlation.group_by.iter().filter(|name| !correlation.aliases.contains_key(*name));
                names.extend(plain.map(String::as_str));
                names.extend(correlation.aliases.values().flat_map(|fields| fields.values().map(String::as_str)));
            }
        }
        for name in names {
            remarks.extend(odd_field(name).map(|text| remark(&rule.about, "field", text)));
        }
        remarks.extend(rule.about.odd.iter().map(|odd| Remark {
            line: odd.line.or(rule.about.line),
            ..remark(&rule.about, odd.kind, odd.text.clone())
        }));
        remarks.extend(odd_condition(rule).into_iter().map(|text| remark(&rule.about, "condition", text)));
        if let Logic::Events(expr) | Logic::Memory(expr, _) = &rule.logic {
            remarks.extend(odd_events(expr).into_iter().map(|text| remark(&rule.about, "event", text)));
        }
    }
    remarks.extend(one_id(rules));
    remarks.extend(same(rules));
    remarks.extend(shadowed(rules));
    remarks.sort();
    remarks
}

fn remark(about: &About, kind: &'static str, remark: String) -> Remark {
    Remark { file: about.file.clone(), rule: about.title.clone(), line: about.line, kind, remark }
}

fn fields<'a>(expr: &'a Expr, names: &mut HashSet<&'a str>) {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| fields(part, names)),
        Expr::Not(part) => fields(part, names),
        Expr::Field(name, _) => {
            names.insert(name);
        }
        Expr::Keyword(_) => {}
    }
}

/// What is odd about the name of a field, if anything is.
fn odd_field(name: &str) -> Option<String> {
    if name == "source_network" || name == "user_agent_family" {
        return None;
    }
    let field = Field::find(name).ok()?;
    if field.place != Place::Nowhere {
        return None;
    }
    let mut columns: &[Column] = COLUMNS;
    let mut known = String::new();
    for segment in name.split('.') {
        let found = columns.iter().find(|c| c.name.eq_ignore_ascii_case(segment));
        let Some(column) = found else {
            if columns.is_empty() {
                break;
            }
            let written = columns.iter().map(|c| if c.json.is_empty() { c.name } else { c.json });
            let near = written.min_by_key(|other| distance(&other.to_lowercase(), &segment.to_lowercase()));
            let near = near.filter(|other| distance(&other.to_lowercase(), &segment.to_lowercase()) <= 3);
            let meant = near.map_or_else(String::new, |near| format!("; `{known}{near}` may be meant"));
            return Some(format!("no CloudTrail record that is known has a field `{known}{segment}`{meant}"));
        };
        known.push_str(if column.json.is_empty() { column.name } else { column.json });
        known.push('.');
        columns = match column.kind {
            Kind::Struct(fields) | Kind::List(fields) => fields,
            _ => &[],
        };
    }
    Some(format!("`{name}` goes on below a field that holds no others"))
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    // `row` holds the distances of the part of `a` so far to each beginning of `b`.
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for from in a.chars() {
        let mut diagonal = row.first().copied().unwrap_or(0);
        let mut left = diagonal + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (to, above) in b.chars().zip(row.iter_mut().skip(1)) {
            left = (diagonal + usize::from(from != to)).min(left + 1).min(*above + 1);
            diagonal = *above;
            *above = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// Calls that a rule waits for, and that no service is known to have.
fn odd_events(expr: &Expr) -> Vec<String> {
    let mut program = Program::default();
    let Ok(number) = program.add(expr) else { return Vec::new() };
    let Some(rule) = program.rule(number) else { return Vec::new() };
    let Some(sources) = &rule.source else { return Vec::new() };
    let known: Vec<&String> =
        sources.iter().filter(|s| !action::actions_of(action::service_prefix(s)).is_empty()).collect();
    let elsewhere = sources.iter().filter(|source| !source.ends_with(".amazonaws.com"));
    let mut odd: Vec<String> =
        elsewhere.map(|s| format!("event sources end in .amazonaws.com, and `{s}` does not")).collect();
    // A source that our tables lack (sign-in, for one) may call its events what it likes.
    if known.len() == sources.len() {
        for name in rule.name.iter().flatten() {
            let called =
                |source: &&String| !matches!(action::map(source, name, "AwsApiCall"), action::Mapping::Unmapped(_));
            if !known.iter().any(called) {
                odd.push(format!("no call of {} is known as `{name}`", sources.join(", ")));
            }
        }
    }
    odd
}

/// Conditions that hold never or always.
fn odd_condition(rule: &Rule) -> Vec<String> {
    match &rule.logic {
        Logic::Events(expr) | Logic::Memory(expr, _) if is_never(expr) => {
            vec!["it can never match: the condition asks for what it also excludes".to_owned()]
        }
        Logic::Events(expr) | Logic::Memory(expr, _) if is_always(expr) => {
            vec!["it matches every event: the condition takes what it selects and what it does not".to_owned()]
        }
        Logic::Events(_) | Logic::Memory(..) => Vec::new(),
        Logic::Correlation(correlation) => {
            let range = correlation.range();
            let always = correlation.bounds.iter().filter(|(bound, limit)| range.always_meets(*bound, *limit));
            let text = |(bound, limit): &(Bound, f64)| {
                format!("{} in the condition always holds: any window meets it", bound.written(*limit))
            };
            always.map(text).collect()
        }
    }
}

/// Rules of one id: suppressions, filters and correlations that name it could mean either.
fn one_id(rules: &[Rule]) -> Vec<Remark> {
    let mut first: HashMap<&str, &Rule> = HashMap::new();
    let mut remarks = Vec::new();
    for rule in rules.iter().filter(|rule| rule.about.has_id) {
        let Some(other) = first.get(rule.about.id.as_str()) else {
            first.insert(&rule.about.id, rule);
            continue;
        };
        let line = other.about.line.map_or_else(String::new, |line| format!(":{line}"));
        let place = format!("\"{}\" in {}{line}", other.about.title, other.about.file);
        let what = match other.same_as(rule) {
            true => format!("it is there twice: {place} is the same, and only that is run"),
            false => format!("its id `{}` is that of {place}: this one is refused where rules are run", rule.about.id),
        };
        remarks.push(remark(&rule.about, "id", what));
    }
    remarks
}

/// Rules under two ids that detect the same.
fn same(rules: &[Rule]) -> Vec<Remark> {
    let mut first: HashMap<String, &Rule> = HashMap::new();
    let mut remarks = Vec::new();
    for rule in rules {
        let Logic::Events(expr) = &rule.logic else { continue };
        let detects = expr.written();
        match first.get(&detects) {
            Some(other) if other.about.id != rule.about.id => {
                let text = format!("it detects the same as \"{}\" in {}", other.about.title, other.about.file);
                remarks.push(remark(&rule.about, "duplicate", text));
            }
            Some(_) => {}
            None => {
                first.insert(detects, rule);
            }
        }
    }
    remarks
}

/// Rules all of whose events another rule, at least as severe, finds as well: it asks for less.
fn shadowed(rules: &[Rule]) -> Vec<Remark> {
    let asked: Vec<(&Rule, &Expr)> = rules
        .iter()
        .filter_map(|rule| if let Logic::Events(expr) = &rule.logic { Some((rule, expr)) } else { None })
        // One that never matches is told as that.
        .filter(|(_, expr)| !is_never(expr))
        .collect();
    // A rule that only correlations tell gives no alerts that another could give as well.
    let parts: HashSet<&String> = rules
        .iter()
        .filter_map(|rule| if let Logic::Correlation(over) = &rule.logic { Some(over) } else { None })
        .filter(|over| !over.generate)
        .flat_map(|over| &over.rules)
        .collect();
    let silent = |about: &About| parts.iter().any(|name| about.is_called(name));
    // Only rules that look at the same events can say the same of them.
    let mut program = Program::default();
    let mut places = HashMap::new();
    for (at, (_, expr)) in asked.iter().enumerate() {
        if let Ok(number) = program.add(expr) {
            places.insert(number, at);
        }
    }
    let mut remarks = Vec::new();
    for (number, at) in &places {
        let (Some((narrow, more)), Some(runnable)) = (asked.get(*at), program.rule(*number)) else { continue };
        let first = |need: &Option<Vec<String>>| need.as_ref().and_then(|values| values.first().cloned());
        let (source, name) = (first(&runnable.source), first(&runnable.name));
        for other in program.candidates(source.as_deref(), name.as_deref()) {
            let Some((wide, less)) = places.get(&other).and_then(|at| asked.get(*at)) else { continue };
            if other != *number
                && !silent(&narrow.about)
                && !silent(&wide.about)
                && wide.about.severity >= narrow.about.severity
                && implies(more, less)
                && !implies(less, more)
            {
                let text = format!("\"{}\" in {} finds all of its events", wide.about.title, wide.about.file);
                remarks.push(remark(&narrow.about, "shadowed", text));
            }
        }
    }
    remarks
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::modifier::Lists;
    use crate::rule::parse;

    fn remarks(selections: &[&str]) -> Vec<(&'static str, String)> {
        let mut rules = Vec::new();
        for (at, selection) in selections.iter().enumerate() {
            let yaml = format!(
                "title: t{at}\nid: 00000000-0000-4000-8000-00000000000{at}\nlogsource: {{product: aws}}\ndetection:\n  s: {selection}\n  \
                 condition: s\n"
            );
            rules.extend(parse("t.yml", &yaml, &Lists::new()).rules);
        }
        lint(&rules).into_iter().map(|r| (r.kind, r.remark)).collect()
    }

    #[test]
    fn misspelt_fields_are_remarked_with_what_may_be_meant() {
        let found = remarks(&["{userIdentity.sessionContext.sessionIsuer.userName: x}"]);
        assert_eq!(found[0].0, "field");
        assert!(found[0].1.contains("`userIdentity.sessionContext.sessionIssuer` may be meant"), "{}", found[0].1);
        assert!(remarks(&["{eventname: x}"]).is_empty() && remarks(&["{requestParameters.any.thing: x}"]).is_empty());
        assert!(remarks(&["{eventNme: x}"])[0].1.contains("`eventName` may be meant"));
        assert!(remarks(&["{eventName.x: y}"])[0].1.contains("below"));
    }

    #[test]
    fn calls_that_no_service_has_are_remarked() {
        let found = remarks(&["{eventSource: iam.amazonaws.com, eventName: [CreateUser, CreateUzer]}"]);
        assert_eq!(found, [("event", "no call of iam.amazonaws.com is known as `createuzer`".to_owned())]);
        assert!(remarks(&["{eventSource: signin.amazonaws.com, eventName: ConsoleLogin}"]).is_empty());
        assert!(!remarks(&["{eventSource: iam.aws, eventName: CreateUser}"]).is_empty());
    }

    #[test]
    fn rules_that_say_the_same_or_less_are_remarked() {
        let found = remarks(&["{awsRegion: x}", "{awsRegion: x}", "{awsRegion: x, errorCode: y}"]);
        let kinds: Vec<_> = found.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, ["duplicate", "shadowed", "shadowed"]);
        let turned = remarks(&["{awsRegion: x, errorCode: [y, z]}", "{errorCode: [z, y], awsRegion: x}"]);
        assert_eq!(turned.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), ["duplicate"], "in another order");
        let shadowed = |one: &str, other: &str| remarks(&[one, other]).iter().any(|(kind, _)| *kind == "shadowed");
        assert!(shadowed("{eventName: CreateUser}", "{eventName: [CreateUser, DeleteUser]}"));
        assert!(shadowed("{eventName: CreateUser, errorCode: x}", "{eventName|contains: create}"));
        assert!(!shadowed("{eventName: [CreateUser, GetUser]}", "{eventName|startswith: create}"));
        assert!(!shadowed("{eventName: CreateUser}", "{eventName: CreateUser}"), "they are the same");
    }

    fn told(yaml: &str) -> Vec<(&'static str, Option<u32>, String)> {
        let parsed = parse("t.yml", yaml, &Lists::new());
        assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
        lint(&parsed.rules).into_iter().map(|r| (r.kind, r.line, r.remark)).collect()
    }

    #[test]
    fn conditions_that_hold_never_or_always_are_remarked() {
        let base =
            "title: t\nlogsource: {product: aws}\ndetection:\n  s: {eventName: x}\n  o: {awsRegion: y}\n  condition: ";
        for (condition, says) in [
            ("s and not s", "can never match"),
            ("s and o and not (s or o)", "can never match"),
            ("s and not 1 of them", "can never match"),
            ("(s and not s) or (o and not s and not o)", "can never match"),
            ("s or not s", "every event"),
            ("not (o and not o)", "every event"),
        ] {
            let found = told(&format!("{base}{condition}\n"));
            assert!(
                found.len() == 1 && found[0].0 == "condition" && found[0].2.contains(says),
                "{condition}: {found:?}"
            );
        }
        for condition in ["s and not o", "s or not o", "not s and not o", "(s and not o) or (o and not s)"] {
            assert_eq!(told(&format!("{base}{condition}\n")), [], "{condition}");
        }
        // Narrower than another, but first of all empty.
        let wide = "title: w\nlogsource: {product: aws}\ndetection:\n  s: {eventName: x}\n  condition: s\n---\n";
        let kinds: Vec<_> = told(&format!("{wide}{base}s and not s\n")).into_iter().map(|(kind, ..)| kind).collect();
        assert_eq!(kinds, ["condition"]);
    }

    #[test]
    fn bounds_that_every_window_meets_are_remarked() {
        let count = |kind: &str, condition: &str| {
            told(&format!(
                "title: t\ncorrelation:\n  type: {kind}\n  rules: [a, b]\n  timespan: 1m\n  condition: {{{condition}}}\n"
            ))
        };
        for (kind, condition) in [
            ("event_count", "gte: -1"),
            ("event_count", "gte: 1"),
            ("event_count", "gt: 0, lt: 3"),
            ("value_count", "gte: 0, field: awsRegion"),
            ("temporal", "lte: 2"),
        ] {
            let found = count(kind, condition);
            assert!(found.len() == 1 && found[0].2.contains("always holds"), "{kind} {condition}: {found:?}");
        }
        for (kind, condition) in
            [("event_count", "gte: 2"), ("value_count", "gte: 1, field: awsRegion"), ("temporal", "gte: 2")]
        {
            assert_eq!(count(kind, condition), [], "{kind} {condition}");
        }
    }

    #[test]
    fn ids_that_are_taken_or_no_uuid_are_remarked() {
        let rule = |title: &str, id: &str, name: &str| {
            format!(
                "title: {title}\nid: {id}\nlogsource: {{product: aws}}\ndetection:\n  s: {{eventName: {name}}}\n  condition: s\n---\n"
            )
        };
        let id = "8a0bd5b5-4f6e-4bb1-a7ae-3f2b9c6a7d11";
        let other = told(&format!("{}{}", rule("a", id, "x"), rule("b", id, "y")));
        assert!(other.len() == 1 && other[0].0 == "id" && other[0].2.contains("\"a\" in t.yml:1"), "{other:?}");
        let same = told(&format!("{}{}", rule("a", id, "x"), rule("a", id, "x")));
        assert!(same.len() == 1 && same[0].2.contains("twice"), "{same:?}");
        let odd = told(&rule("a", "my-rule", "x"));
        assert!(odd.len() == 1 && odd[0].1 == Some(2) && odd[0].2.contains("`my-rule` is no UUID"), "{odd:?}");
        assert_eq!(told("title: t\nlogsource: {product: aws}\ndetection:\n  s: {eventName: x}\n  condition: s\n"), []);
    }

    #[test]
    fn shipped_rules_are_not_shadowed() {
        let found = lint(&crate::pack::shipped()).into_iter().filter(|r| r.kind != "event");
        let rules: Vec<_> = found.map(|remark| remark.rule).collect();
        // One half of a correlation whose other half alerts by itself.
        assert_eq!(rules, ["A user was removed"]);
    }

    #[test]
    fn distances() {
        for (a, b, d) in [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("same", "same", 0)] {
            assert_eq!(distance(a, b), d, "{a} {b}");
        }
    }
}
