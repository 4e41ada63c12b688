//! A plain Sigma evaluator over one JSON record: the slow twin of the columnar engine.
//!
//! It reads rsigma's syntax tree by itself and shares nothing with the crate under test. It is simple on purpose:
//! every value is lower-cased, wildcards are matched by recursion, nothing is cached.

use std::net::IpAddr;

use rsigma_parser::value::{SpecialChar, StringPart};
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Modifier, Quantifier, SelectorPattern, SigmaRule, SigmaString, SigmaValue,
};
use serde_json::Value;

/// Whether a rule holds for a record.
pub(crate) fn holds(rule: &SigmaRule, record: &Value) -> bool {
    rule.detection.conditions.iter().any(|condition| condition_holds(rule, condition, record))
}

fn condition_holds(rule: &SigmaRule, condition: &ConditionExpr, record: &Value) -> bool {
    match condition {
        ConditionExpr::And(parts) => parts.iter().all(|part| condition_holds(rule, part, record)),
        ConditionExpr::Or(parts) => parts.iter().any(|part| condition_holds(rule, part, record)),
        ConditionExpr::Not(part) => !condition_holds(rule, part, record),
        ConditionExpr::Identifier(name) => detection_holds(&rule.detection.named[name], record),
        ConditionExpr::Selector { quantifier, pattern } => {
            let selects = |name: &str| match pattern {
                SelectorPattern::Them => !name.starts_with('_'),
                SelectorPattern::Pattern(pattern) => star(pattern, name),
            };
            let mut named = rule.detection.named.iter().filter(|(name, _)| selects(name));
            match quantifier {
                Quantifier::All => named.all(|(_, detection)| detection_holds(detection, record)),
                _ => named.any(|(_, detection)| detection_holds(detection, record)),
            }
        }
    }
}

fn star(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| star(after, &rest[at..]))
        }),
    }
}

fn detection_holds(detection: &Detection, record: &Value) -> bool {
    match detection {
        Detection::AllOf(items) => items.iter().all(|item| item_holds(item, record)),
        Detection::AnyOf(parts) => parts.iter().any(|part| detection_holds(part, record)),
        Detection::Keywords(values) => values.iter().any(|value| keyword_holds(value, record)),
        other => panic!("not in Sigma 2: {other:?}"),
    }
}

fn keyword_holds(value: &SigmaValue, record: &Value) -> bool {
    match record {
        Value::Array(list) => list.iter().any(|v| keyword_holds(value, v)),
        Value::Object(map) => map.values().any(|v| keyword_holds(value, v)),
        scalar => text_of(scalar).is_some_and(|text| like(value, &text, true, true, false)),
    }
}

/// Every value that a path leads to.
fn values_of<'v>(name: &str, record: &'v Value) -> Vec<&'v Value> {
    let mut values = Vec::new();
    let path: Vec<&str> = name.split('.').collect();
    for (key, value) in record.as_object().unwrap() {
        if key.eq_ignore_ascii_case(path[0]) {
            find(value, &path[1..], &mut values);
        }
    }
    values
}

fn item_holds(item: &DetectionItem, record: &Value) -> bool {
    let values = values_of(item.field.name.as_deref().unwrap(), record);
    let has = |m| item.field.modifiers.contains(&m);
    if has(Modifier::Exists) {
        return (item.values == [SigmaValue::Bool(true)]) != values.is_empty();
    }
    let mut leaves = Vec::new();
    values.iter().for_each(|value| leaves_of(value, &mut leaves));
    let holds = |wanted: &SigmaValue| {
        if *wanted == SigmaValue::Null {
            return values.iter().all(|value| is_null(value));
        }
        if has(Modifier::FieldRef) {
            let mut others = Vec::new();
            values_of(&wanted.to_string(), record).iter().for_each(|value| leaves_of(value, &mut others));
            return leaves.iter().any(|leaf| others.iter().any(|other| refers(item, leaf, other)));
        }
        leaves.iter().any(|leaf| leaf_holds(item, wanted, leaf))
    };
    if has(Modifier::Neq) {
        let there = values.iter().any(|value| !is_null(value));
        return there && !item.values.iter().any(holds);
    }
    if has(Modifier::All) { item.values.iter().all(holds) } else { item.values.iter().any(holds) }
}

/// A list stands for its elements; one without any is there all the same.
fn is_null(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty() && list.iter().all(is_null),
        value => value.is_null(),
    }
}

fn find<'v>(value: &'v Value, path: &[&str], out: &mut Vec<&'v Value>) {
    match (value, path) {
        (value, []) => out.push(value),
        (Value::Object(map), [first, rest @ ..]) => {
            if let Some(inner) = map.get(*first) {
                find(inner, rest, out);
            }
            if !rest.is_empty()
                && let Some(inner) = map.get(&path.join("."))
            {
                out.push(inner);
            }
        }
        (Value::Array(list), path) => list.iter().for_each(|inner| find(inner, path, out)),
        _ => {}
    }
}

fn leaves_of(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|inner| leaves_of(inner, out)),
        value => {
            let text = text_of(value);
            // An object is its JSON text, as it is written and without its escapes.
            if let (Value::Object(_), Some(text)) = (value, &text) {
                out.extend(unescaped(text));
            }
            out.extend(text);
        }
    }
}

fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next()? {
            'b' => plain.push('\u{8}'),
            'f' => plain.push('\u{c}'),
            'n' => plain.push('\n'),
            'r' => plain.push('\r'),
            't' => plain.push('\t'),
            'u' => {
                let code: String = chars.by_ref().take(4).collect();
                plain.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
            }
            other => plain.push(other),
        }
    }
    Some(plain)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        value => Some(value.to_string()),
    }
}

fn refers(item: &DetectionItem, leaf: &str, other: &str) -> bool {
    let has = |m| item.field.modifiers.contains(&m);
    let (leaf, other) = (leaf.to_lowercase(), other.to_lowercase());
    match () {
        () if has(Modifier::Contains) => leaf.contains(&other),
        () if has(Modifier::StartsWith) => leaf.starts_with(&other),
        () if has(Modifier::EndsWith) => leaf.ends_with(&other),
        () => leaf == other,
    }
}

/// The part of a date that a time modifier asks for.
fn clock(item: &DetectionItem, leaf: &str) -> Option<f64> {
    let date = chrono::DateTime::parse_from_rfc3339(leaf.trim()).ok()?.with_timezone(&chrono::Utc);
    item.field.modifiers.iter().find_map(|modifier| {
        let format = match modifier {
            Modifier::Minute => "%M",
            Modifier::Hour => "%H",
            Modifier::Day => "%d",
            Modifier::Week => "%V",
            Modifier::Month => "%m",
            Modifier::Year => "%Y",
            _ => return None,
        };
        date.format(format).to_string().parse().ok()
    })
}

const TIME_PARTS: [Modifier; 6] =
    [Modifier::Minute, Modifier::Hour, Modifier::Day, Modifier::Week, Modifier::Month, Modifier::Year];

fn leaf_holds(item: &DetectionItem, wanted: &SigmaValue, leaf: &str) -> bool {
    let has = |m| item.field.modifiers.contains(&m);
    let timed = TIME_PARTS.iter().any(|part| has(*part));
    let number = || if timed { clock(item, leaf) } else { parsed(leaf) };
    let bound = || wanted.to_string().parse::<f64>().unwrap();
    if has(Modifier::Re) {
        let flags = [(Modifier::IgnoreCase, 'i'), (Modifier::Multiline, 'm'), (Modifier::DotAll, 's')];
        let flags: String = flags.iter().filter(|(m, _)| has(*m)).map(|(_, c)| *c).collect();
        let flags = if flags.is_empty() { flags } else { format!("(?{flags})") };
        return regex::Regex::new(&format!("{flags}{wanted}")).unwrap().is_match(leaf);
    }
    if has(Modifier::Cidr) {
        let network: ipnet::IpNet = wanted.to_string().parse().unwrap();
        return leaf.parse::<IpAddr>().is_ok_and(|address| network.contains(&address));
    }
    match () {
        () if has(Modifier::Lt) => number().is_some_and(|n| n < bound()),
        () if has(Modifier::Lte) => number().is_some_and(|n| n <= bound()),
        () if has(Modifier::Gt) => number().is_some_and(|n| n > bound()),
        () if has(Modifier::Gte) => number().is_some_and(|n| n >= bound()),
        () if timed => number().is_some_and(|n| n == bound()),
        () => {
            let before = has(Modifier::Contains) || has(Modifier::EndsWith);
            let after = has(Modifier::Contains) || has(Modifier::StartsWith);
            like(wanted, leaf, before, after, has(Modifier::Cased))
        }
    }
}

/// Digits that are a number; words such as `inf` are none.
fn parsed(text: &str) -> Option<f64> {
    let text = text.trim();
    text.parse()
        .ok()
        .filter(|n: &f64| n.is_finite() && !text.contains(|c: char| c.is_alphabetic() && !"eE".contains(c)))
}

/// Wildcard match; `before` and `after` allow anything around.
fn like(wanted: &SigmaValue, text: &str, before: bool, after: bool, cased: bool) -> bool {
    if let (SigmaValue::Float(number), false, false) = (wanted, before, after) {
        return parsed(text).is_some_and(|n| n == *number);
    }
    let pattern = match wanted {
        SigmaValue::String(pattern) => pattern.clone(),
        other => SigmaString::from_raw(&other.to_string()),
    };
    let fold = |text: &str| if cased { text.to_owned() } else { text.to_lowercase() };
    let mut parts: Vec<Option<char>> = Vec::new();
    let mut stars = Vec::new();
    for part in &pattern.parts {
        match part {
            StringPart::Plain(text) => parts.extend(fold(text).chars().map(Some)),
            StringPart::Special(SpecialChar::WildcardSingle) => parts.push(None),
            StringPart::Special(SpecialChar::WildcardMulti) => stars.push(parts.len()),
        }
    }
    if before {
        stars.push(0);
    }
    if after {
        stars.push(parts.len());
    }
    let text: Vec<char> = fold(text).chars().collect();
    glob(&parts, &stars, 0, &text)
}

fn glob(parts: &[Option<char>], stars: &[usize], at: usize, text: &[char]) -> bool {
    if stars.contains(&at) && (0..=text.len()).any(|skip| step(parts, stars, at, &text[skip..])) {
        return true;
    }
    step(parts, stars, at, text)
}

fn step(parts: &[Option<char>], stars: &[usize], at: usize, text: &[char]) -> bool {
    match (parts.get(at), text.split_first()) {
        (None, first) => first.is_none(),
        (Some(part), Some((first, rest))) => part.is_none_or(|p| p == *first) && glob(parts, stars, at + 1, rest),
        (Some(_), None) => false,
    }
}
