//! What a correlation rule asks: which rules' events, grouped by what, how many within which time.
//!
//! Source: Sigma correlation rules specification 2.1. The block is read from YAML here and not by rsigma, whose
//! conditions hold no fractions, which sums and averages need. What the specification does not have is refused by
//! name. Knows YAML and no events.

use std::collections::BTreeMap;

use yaml_serde::{Mapping, Value};

use crate::bound::{Bound, Range, bounds};
use crate::field::Field;
use crate::span::micros;

/// A correlation, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Correlation {
    /// Names, ids or titles of the rules whose events it takes.
    pub(crate) rules: Vec<String>,
    /// Fields whose values separate groups. An event without a value is in the group of those without.
    pub(crate) group_by: Vec<String>,
    /// Names in `group_by` that are another field for each rule: alias, rule, field.
    pub(crate) aliases: BTreeMap<String, BTreeMap<String, String>>,
    /// Length of the window, in microseconds.
    pub(crate) span: i64,
    /// What is measured.
    pub(crate) measure: Measure,
    /// What the measure must be.
    pub(crate) bounds: Vec<(Bound, f64)>,
    /// The base rules alert by themselves too.
    pub(crate) generate: bool,
}

/// What is measured in a window.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Measure {
    /// Events.
    Events,
    /// Distinct values of these fields together; an event that lacks one is not counted.
    Values(Vec<String>),
    /// Distinct rules.
    Rules,
    /// The most rules that followed one another in the order given.
    Ordered,
    /// Sum of a numeric field.
    Sum(String),
    /// Average of a numeric field.
    Average(String),
    /// The value below which this percentage of the numeric field's values are, interpolated.
    Percentile(String, f64),
    /// How many percent of the events have the value that the latest has: what is rare has a small share.
    Share(String),
}

const KEYS: [&str; 8] = ["type", "rules", "group-by", "timespan", "timeframe", "condition", "aliases", "generate"];

impl Correlation {
    /// Checks a document with a `correlation` block.
    pub(crate) fn read(document: &Mapping) -> Result<Self, String> {
        let block = document.get("correlation").and_then(Value::as_mapping).ok_or("`correlation` must be a map")?;
        known(block, &KEYS, "`correlation`")?;
        let rules = names(block, "rules")?;
        if rules.is_empty() {
            return Err("a correlation needs `rules`".to_owned());
        }
        let aliases = aliases(block)?;
        let kind = block.get("type").and_then(Value::as_str).ok_or("a correlation needs a `type`")?;
        let (measure, bounds) = match block.get("condition") {
            None | Some(Value::Null) => match kind {
                "temporal" => (Measure::Rules, vec![(Bound::AtLeast, rules.len() as f64)]),
                "temporal_ordered" => (Measure::Ordered, vec![(Bound::AtLeast, rules.len() as f64)]),
                _ => return Err(format!("`{kind}` needs a `condition`")),
            },
            Some(Value::Mapping(condition)) => (measure(kind, condition)?, bounds(condition)?),
            Some(Value::String(_)) => {
                return Err("a `condition` written as an expression is not in Sigma 2.1: chain correlations".to_owned());
            }
            Some(_) => return Err("`condition` must be a map such as `gte: 10`".to_owned()),
        };
        if matches!(measure, Measure::Share(_)) && bounds.iter().any(|(_, limit)| !(0.0..=100.0).contains(limit)) {
            let next = "for a value at a percentile, add `percentile: 50`";
            return Err(format!("`condition` of value_percentile is a share of 0 to 100 percent; {next}"));
        }
        if !range(&measure, rules.len()).can_meet(&bounds) {
            let asked = bounds.iter().map(|(bound, limit)| bound.written(*limit)).collect::<Vec<_>>().join(" and ");
            return Err(format!("the `condition` can never hold: {} can be {asked}", subject(&measure)));
        }
        let group_by = names(block, "group-by")?;
        let plain = group_by.iter().filter(|name| !aliases.contains_key(*name));
        for name in plain.chain(measure.fields()).chain(aliases.values().flat_map(BTreeMap::values)) {
            Field::find(name)?;
        }
        let generate = [document.get("generate"), block.get("generate")];
        Ok(Correlation {
            rules,
            group_by,
            aliases,
            span: span(block)?,
            measure,
            bounds,
            generate: generate.into_iter().flatten().find_map(Value::as_bool).unwrap_or(false),
        })
    }

    /// The field that `name` in `group-by` is in events of the rule at `place`.
    pub(crate) fn field<'a>(
        &'a self,
        name: &'a str,
        place: usize,
        is_called: &dyn Fn(&str) -> bool,
    ) -> Option<&'a str> {
        let Some(alias) = self.aliases.get(name) else { return Some(name) };
        let rule = self.rules.get(place)?;
        alias
            .get(rule)
            .or_else(|| alias.iter().find(|(rule, _)| is_called(rule)).map(|(_, field)| field))
            .map(String::as_str)
    }

    /// Whether a measure is what the rule looks for.
    pub(crate) fn holds(&self, measure: f64) -> bool {
        self.bounds.iter().all(|(bound, limit)| bound.holds(measure, *limit))
    }

    /// What the measure of a window can be: it ends with an event, so it is never empty.
    pub(crate) fn range(&self) -> Range {
        range(&self.measure, self.rules.len())
    }
}

impl Measure {
    /// The fields whose values it needs.
    pub(crate) fn fields(&self) -> &[String] {
        match self {
            Measure::Events | Measure::Rules | Measure::Ordered => &[],
            Measure::Values(fields) => fields,
            Measure::Sum(field) | Measure::Average(field) | Measure::Percentile(field, _) | Measure::Share(field) => {
                std::slice::from_ref(field)
            }
        }
    }
}

fn known(map: &Mapping, keys: &[&str], of: &str) -> Result<(), String> {
    match map.keys().find(|key| key.as_str().is_none_or(|key| !keys.contains(&key))) {
        Some(Value::String(key)) => {
            Err(format!("{of} has no key `{key}` in Sigma 2.1: {} are its keys", keys.join(", ")))
        }
        Some(_) => Err(format!("{of} has a key that is no text")),
        None => Ok(()),
    }
}

/// One name, or a list of names.
fn names(block: &Mapping, key: &str) -> Result<Vec<String>, String> {
    match block.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Sequence(list)) => {
            let names = list.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            names.ok_or_else(|| format!("`{key}` must list names"))
        }
        Some(_) => Err(format!("`{key}` must be a list of names")),
    }
}

fn aliases(block: &Mapping) -> Result<BTreeMap<String, BTreeMap<String, String>>, String> {
    let fault = || "`aliases` must be a map: alias, then rule and field".to_owned();
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(fault);
    let mut aliases = BTreeMap::new();
    match block.get("aliases") {
        None | Some(Value::Null) => {}
        Some(Value::Mapping(map)) => {
            for (alias, fields) in map {
                let fields = fields.as_mapping().ok_or_else(fault)?;
                let fields = fields.iter().map(|(rule, field)| Ok((text(rule)?, text(field)?)));
                aliases.insert(text(alias)?, fields.collect::<Result<_, String>>()?);
            }
        }
        Some(_) => return Err(fault()),
    }
    Ok(aliases)
}

fn span(block: &Mapping) -> Result<i64, String> {
    let text = [block.get("timespan"), block.get("timeframe")].into_iter().flatten().find_map(Value::as_str);
    let text = text.ok_or("a correlation needs a `timespan` such as 10m")?;
    micros("timespan", text)
}

fn measure(kind: &str, condition: &Mapping) -> Result<Measure, String> {
    let allowed: &[&str] = match kind {
        "event_count" | "temporal" | "temporal_ordered" => &["lt", "lte", "gt", "gte", "eq", "neq"],
        "value_percentile" => &["lt", "lte", "gt", "gte", "eq", "neq", "field", "percentile"],
        _ => &["lt", "lte", "gt", "gte", "eq", "neq", "field"],
    };
    let one = |fields: Vec<String>| match <[String; 1]>::try_from(fields) {
        Ok([field]) => Ok(field),
        Err(_) => Err(format!("`{kind}` measures one `field`")),
    };
    let fields = || match names(condition, "field")? {
        fields if fields.is_empty() => Err(format!("`{kind}` needs `field` in its `condition`")),
        fields => Ok(fields),
    };
    let measure = match kind {
        "event_count" => Measure::Events,
        "temporal" => Measure::Rules,
        "temporal_ordered" => Measure::Ordered,
        "value_count" => Measure::Values(fields()?),
        "value_sum" => Measure::Sum(one(fields()?)?),
        "value_avg" => Measure::Average(one(fields()?)?),
        "value_percentile" => match condition.get("percentile") {
            None => Measure::Share(one(fields()?)?),
            Some(rank) => {
                let rank = rank.as_f64().filter(|rank| (0.0..=100.0).contains(rank));
                Measure::Percentile(one(fields()?)?, rank.ok_or("`percentile` is a number from 0 to 100")?)
            }
        },
        other => {
            let types = "event_count, value_count, temporal, temporal_ordered, value_sum, value_avg, value_percentile";
            return Err(format!("the correlation type `{other}` is not in Sigma 2.1: {types} are"));
        }
    };
    known(condition, allowed, "`condition`")?;
    Ok(measure)
}

fn range(measure: &Measure, rules: usize) -> Range {
    match measure {
        Measure::Events => Range::Whole(1.0, f64::INFINITY),
        // Of events that all lack the field no value is counted.
        Measure::Values(_) => Range::Whole(0.0, f64::INFINITY),
        Measure::Rules | Measure::Ordered => Range::Whole(1.0, rules as f64),
        Measure::Share(_) => Range::Percent,
        Measure::Sum(_) | Measure::Average(_) | Measure::Percentile(..) => Range::Any,
    }
}

fn subject(measure: &Measure) -> &'static str {
    match measure {
        Measure::Events => "no count of events, of which each window has one,",
        Measure::Values(_) => "no count of values",
        Measure::Rules | Measure::Ordered => "no count of different rules, from one to all of them,",
        Measure::Share(_) => "no share of events, above 0 percent,",
        Measure::Sum(_) | Measure::Average(_) | Measure::Percentile(..) => "no number",
    }
}
