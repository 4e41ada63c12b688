//! What rules with memory know of the time before the events at hand: from a lake's tables `last_used` and `coverage`.
//!
//! Those tables outlive the events, but hold less of them: principal, action, regions and times. A rule can be primed if
//! the thing that it remembers is made of these. Whether what was used then would have matched the rule is decided as far
//! as it can be; where it cannot, it counts as use, so that what may have been used before is not told as new. Knows the
//! columns of these tables, and no lake.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use ingest::batch::{self, TextColumn};

use crate::condition::Expr;
use crate::engine::Engine;
use crate::remember::day_of;
use crate::sighting::keyed;
use crate::test::{Leaf, Test};

/// A rule that can be primed.
#[derive(Debug)]
pub(crate) struct Primer {
    /// Number of the memory.
    uses: usize,
    parts: Vec<Known>,
    expr: Expr,
}

/// A part of a thing that `last_used` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Principal,
    Action,
    Service,
    Region,
}

impl Primer {
    /// The primer of a rule that remembers these fields, if there is one.
    pub(crate) fn new(uses: usize, fields: &[String], expr: &Expr) -> Option<Primer> {
        let known = |field: &String| match field.to_lowercase().as_str() {
            "principal" => Some(Known::Principal),
            "action" => Some(Known::Action),
            "service" => Some(Known::Service),
            "awsregion" => Some(Known::Region),
            _ => None,
        };
        let parts = fields.iter().map(known).collect::<Option<Vec<_>>>()?;
        Some(Primer { uses, parts, expr: expr.clone() })
    }

    /// The thing that a row is about.
    fn thing(&self, past: &Past<'_>, region: &str) -> Option<String> {
        let mut thing = String::new();
        for part in &self.parts {
            let text = match part {
                Known::Principal => past.principal,
                Known::Action => past.action,
                Known::Service => past.service(),
                Known::Region => region,
            };
            if text.is_empty() {
                return None;
            }
            if !thing.is_empty() {
                thing.push(' ');
            }
            thing.push_str(&keyed(text));
        }
        Some(thing)
    }

    /// When the row says that it was used.
    fn times(&self, past: &Past<'_>) -> Vec<i64> {
        let may = |outcome| past.holds(&self.expr, outcome) != Some(false);
        let mut times = Vec::new();
        if may("ok") {
            times.extend(past.last_success);
        }
        if may("denied") || may("error") {
            times.extend(past.first_attempt.into_iter().chain(past.last_attempt));
        }
        times
    }
}

/// A row of `last_used`.
struct Past<'a> {
    principal: &'a str,
    action: &'a str,
    first_attempt: Option<i64>,
    last_attempt: Option<i64>,
    last_success: Option<i64>,
}

impl Past<'_> {
    fn service(&self) -> &str {
        self.action.split(':').next().unwrap_or_default()
    }

    /// Whether a call of this outcome matches; `None` where that depends on what the row does not know.
    fn holds(&self, expr: &Expr, outcome: &str) -> Option<bool> {
        let each = |parts: &[Expr], decides: bool| {
            let answers: Vec<_> = parts.iter().map(|part| self.holds(part, outcome)).collect();
            match (answers.contains(&Some(decides)), answers.contains(&None)) {
                (true, _) => Some(decides),
                (false, true) => None,
                (false, false) => Some(!decides),
            }
        };
        match expr {
            Expr::All(parts) => each(parts, false),
            Expr::Any(parts) => each(parts, true),
            Expr::Not(part) => self.holds(part, outcome).map(|holds| !holds),
            Expr::Keyword(_) | Expr::Field(_, Test::SameAs(..)) => None,
            Expr::Field(name, test) => match name.to_lowercase().as_str() {
                "principal" => Some(test.passes(Leaf::Text(self.principal))),
                "action" => Some(test.passes(Leaf::Text(self.action))),
                "service" => Some(test.passes(Leaf::Text(self.service()))),
                "outcome" => Some(test.passes(Leaf::Text(outcome))),
                "errorcode" if outcome == "ok" => Some(false),
                "errorcode" if matches!(test, Test::Present | Test::NotNull) => Some(true),
                _ => None,
            },
        }
    }
}

impl Engine {
    /// Takes rows of `last_used` (columns `principal`, `action`, `first_attempt`, `last_attempt`, `last_success`, `attempts`, `regions`),
    /// as many batches as there are, before any event is observed: what they say was used before `before` is no first use, and
    /// begins a rest. Nothing is told of it. Rules that remember other fields than principal, action, service and region
    /// learn nothing.
    pub fn prime(&mut self, last_used: &RecordBatch, before: i64) {
        let text = |name| batch::text(last_used, name);
        let (principals, actions, regions) = (text("principal"), text("action"), text("regions"));
        let times = ["first_attempt", "last_attempt", "last_success"].map(|name| batch::timestamp(last_used, name));
        let attempts = last_used.column_by_name("attempts").and_then(|column| column.as_primitive_opt::<Int64Type>());
        for row in 0..last_used.num_rows() {
            let time = |at: usize| {
                let times = times.get(at).and_then(Option::as_ref).filter(|times| times.is_valid(row));
                times.map(|times| times.value(row))
            };
            let Some(first) = time(0).filter(|first| *first < before) else { continue };
            // Of more than two attempts some may have been between the first and the last: up to `before`, then.
            let few = attempts.is_some_and(|attempts| attempts.is_valid(row) && attempts.value(row) <= 2);
            let known =
                |time: i64| if few { Some(time).filter(|time| *time < before) } else { Some(time.min(before - 1)) };
            let (first_attempt, last_attempt, last_success) =
                (Some(first), time(1).and_then(known), time(2).and_then(known));
            let get = |column: &'_ TextColumn| column.get(row).unwrap_or_default().to_owned();
            let (principal, action, regions) = (get(&principals), get(&actions), get(&regions));
            let past = Past { principal: &principal, action: &action, first_attempt, last_attempt, last_success };
            for primer in &self.primers {
                let Some((_, uses)) = self.uses.get_mut(primer.uses) else { continue };
                let of_region = primer.parts.contains(&Known::Region);
                for time in primer.times(&past) {
                    for region in regions.split(',').take(if of_region { usize::MAX } else { 1 }) {
                        if let Some(thing) = primer.thing(&past, region.trim()) {
                            uses.know(&thing, time);
                        }
                    }
                }
            }
        }
    }

    /// Takes over what another engine remembers of things and of the log's days, for the rules that both have: what it saw
    /// was before every event of this one, and is no news. To be called before any event is observed.
    pub fn remember(&mut self, past: Engine) {
        let Engine { prints, uses, coverage, .. } = past;
        for (number, mut uses) in uses {
            // Whatever there is to say of it has been said, or is not asked for.
            let _ = uses.findings(None);
            let ours = &self.prints;
            let same = |own: usize| ours.get(own).is_some() && ours.get(own) == prints.get(number);
            if let Some((_, own)) = self.uses.iter_mut().find(|(own, _)| same(*own)) {
                *own = uses;
            }
        }
        self.coverage = coverage;
    }

    /// Takes rows of `coverage` (columns `account`, `hour`): in these hours the log of the account has events, so that it
    /// is known how far back it goes, and where it is silent.
    pub fn cover(&mut self, coverage: &RecordBatch) {
        let accounts = batch::text(coverage, "account");
        let Some(hours) = batch::timestamp(coverage, "hour") else { return };
        for row in (0..coverage.num_rows()).filter(|row| hours.is_valid(*row)) {
            self.coverage.put(accounts.get(row).unwrap_or_default(), day_of(hours.value(row)));
        }
    }
}
