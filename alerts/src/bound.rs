//! What a correlation's measure is compared with: bounds, and whether any measure can meet them.
//!
//! A window ends with an event, so some measures cannot be zero; a condition that asks for that would never hold and
//! nobody would hear of it. Knows numbers and no events.

use yaml_serde::Mapping;

/// How a measure compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Smaller.
    Less,
    /// Smaller or equal.
    AtMost,
    /// Larger.
    More,
    /// Larger or equal.
    AtLeast,
    /// Equal.
    Is,
    /// Another.
    Not,
}

/// Names of the bounds in YAML.
pub(crate) const BOUNDS: [(&str, Bound); 6] = [
    ("lt", Bound::Less),
    ("lte", Bound::AtMost),
    ("gt", Bound::More),
    ("gte", Bound::AtLeast),
    ("eq", Bound::Is),
    ("neq", Bound::Not),
];

impl Bound {
    /// Whether a measure meets it.
    pub(crate) fn holds(self, measure: f64, limit: f64) -> bool {
        match self {
            Bound::Less => measure < limit,
            Bound::AtMost => measure <= limit,
            Bound::More => measure > limit,
            Bound::AtLeast => measure >= limit,
            Bound::Is => measure == limit,
            Bound::Not => measure != limit,
        }
    }

    /// As it is written.
    pub(crate) fn written(self, limit: f64) -> String {
        let name = BOUNDS.iter().find(|(_, bound)| *bound == self).map_or("", |(name, _)| name);
        format!("`{name}: {limit}`")
    }
}

/// What a measure can be at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Range {
    /// Whole numbers from the first to the second.
    Whole(f64, f64),
    /// Shares of at least one event among all, in percent.
    Percent,
    /// Any number.
    Any,
}

impl Range {
    fn has(self, measure: f64) -> bool {
        match self {
            Range::Whole(least, most) => measure.fract() == 0.0 && (least..=most).contains(&measure),
            Range::Percent => measure > 0.0 && measure <= 100.0,
            Range::Any => true,
        }
    }

    /// Numbers of the range of which one meets the bounds if any number of it does, and one does not if any does not:
    /// the limits, what is next to them, and what is between them.
    fn probes(self, bounds: &[(Bound, f64)]) -> Vec<f64> {
        let mut limits: Vec<f64> = bounds.iter().map(|(_, limit)| *limit).collect();
        match self {
            Range::Whole(least, most) => limits.extend([least, most].into_iter().filter(|end| end.is_finite())),
            Range::Percent => limits.extend([0.0, 100.0]),
            Range::Any => {}
        }
        limits.sort_by(f64::total_cmp);
        let mut probes: Vec<f64> = limits
            .iter()
            .flat_map(|limit| [limit.floor() - 1.0, limit.floor(), *limit, limit.ceil(), limit.ceil() + 1.0])
            .collect();
        probes.extend(limits.windows(2).filter_map(|pair| Some((pair.first()? + pair.last()?) / 2.0)));
        probes.retain(|probe| self.has(*probe));
        probes
    }

    /// Whether some measure meets all bounds.
    pub(crate) fn can_meet(self, bounds: &[(Bound, f64)]) -> bool {
        self.probes(bounds).into_iter().any(|measure| bounds.iter().all(|(bound, limit)| bound.holds(measure, *limit)))
    }

    /// Whether every measure meets the bound.
    pub(crate) fn always_meets(self, bound: Bound, limit: f64) -> bool {
        self.probes(&[(bound, limit)]).into_iter().all(|measure| bound.holds(measure, limit))
    }
}

/// The bounds of a `condition`, in the order of their names above.
pub(crate) fn bounds(condition: &Mapping) -> Result<Vec<(Bound, f64)>, String> {
    let mut bounds = Vec::new();
    for (name, bound) in BOUNDS {
        if let Some(limit) = condition.get(name) {
            let limit = limit.as_f64().filter(|limit: &f64| limit.is_finite());
            bounds.push((bound, limit.ok_or_else(|| format!("`{name}` in the `condition` takes a number"))?));
        }
    }
    match bounds.is_empty() {
        true => Err("the `condition` compares nothing: give gt, gte, lt, lte, eq or neq".to_owned()),
        false => Ok(bounds),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(yaml: &str) -> Vec<(Bound, f64)> {
        bounds(&yaml_serde::from_str::<Mapping>(yaml).unwrap()).unwrap()
    }

    #[test]
    fn what_no_window_can_meet_is_seen() {
        let events = Range::Whole(1.0, f64::INFINITY);
        for (range, yaml, can) in [
            (events, "{gt: 5, lt: 3}", false),
            (events, "{gt: 5, lt: 6}", false),
            (events, "{gt: 5, lt: 7}", true),
            (events, "{gt: 5, lt: 7, neq: 6}", false),
            (events, "{lt: 1}", false),
            (events, "{eq: 0}", false),
            (events, "{eq: 2.5}", false),
            (events, "{gte: 5, neq: 5}", true),
            (events, "{lte: 1}", true),
            (Range::Whole(0.0, f64::INFINITY), "{lt: 1}", true),
            (Range::Whole(0.0, f64::INFINITY), "{lt: 0}", false),
            (Range::Whole(1.0, 2.0), "{gte: 3}", false),
            (Range::Percent, "{lte: 0}", false),
            (Range::Percent, "{lt: 0.5}", true),
            (Range::Any, "{gt: 5, lt: 6}", true),
            (Range::Any, "{gt: 5, lt: 5}", false),
            (Range::Any, "{eq: 5, neq: 5}", false),
            (Range::Any, "{lt: -3}", true),
        ] {
            assert_eq!(range.can_meet(&of(yaml)), can, "{range:?} {yaml}");
        }
    }

    #[test]
    fn what_every_window_meets_is_seen() {
        let events = Range::Whole(1.0, f64::INFINITY);
        for (range, bound, limit, always) in [
            (events, Bound::AtLeast, -1.0, true),
            (events, Bound::AtLeast, 1.0, true),
            (events, Bound::More, 0.0, true),
            (events, Bound::AtLeast, 2.0, false),
            (events, Bound::Not, 0.0, true),
            (Range::Whole(0.0, f64::INFINITY), Bound::AtLeast, 1.0, false),
            (Range::Whole(1.0, 2.0), Bound::AtMost, 2.0, true),
            (Range::Percent, Bound::AtMost, 100.0, true),
            (Range::Any, Bound::AtLeast, 0.0, false),
        ] {
            assert_eq!(range.always_meets(bound, limit), always, "{range:?} {bound:?} {limit}");
        }
    }

    proptest! {
        /// Trying all numbers finds what the few probes find.
        #[test]
        fn probes_are_enough(chosen in prop::collection::vec((0usize..6, 0i32..14), 1..4)) {
            let bounds: Vec<_> = chosen.iter().map(|(at, limit)| (BOUNDS[*at].1, f64::from(*limit) / 2.0 - 1.0)).collect();
            let meets = |n: f64| bounds.iter().all(|(bound, limit)| bound.holds(n, *limit));
            prop_assert_eq!(Range::Whole(1.0, f64::INFINITY).can_meet(&bounds), (1..20).any(|n| meets(f64::from(n))));
            prop_assert_eq!(Range::Any.can_meet(&bounds), (-80..160).any(|n| meets(f64::from(n) / 8.0)));
        }
    }
}
