//! What was found to alerts: windows of the clock, correlations that held, rests that ended, first uses.
//!
//! Here an alert gets its words. Knows rules' texts and what was found, and no batches.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::about::About;
use crate::alert::{Alert, fingerprint, told};
use crate::correlate::Held;
use crate::correlation::{Correlation, Measure};
use crate::event_id::EventId;
use crate::group::Burst;
use crate::memory::Question;
use crate::outcome::Counters;
use crate::remember::{Coverage, Finding, Uses, judge};
use crate::scene::Scene;
use crate::severity::Severity;
use crate::view::time_text;

const DAY: i64 = 86_400 * 1_000_000;

/// The alert of a rule's events in a window of the clock that began at `window`. Its identity is known with any of them.
pub(crate) fn window(about: &About, window: i64, events: Burst) -> Alert {
    let first = &events.first;
    let identity = fingerprint(&about.id, &first.scene.principal, &first.scene.account, window, "");
    alert(about, events, identity, None)
}

/// The alert of events whose first is known.
fn burst(about: &About, events: Burst, detail: String) -> Alert {
    let first = &events.first;
    let Scene { principal, account, .. } = first.scene.as_ref();
    let identity = first.event_id.with_text(|id| fingerprint(&about.id, principal, account, first.time, id));
    alert(about, events, identity, Some(detail))
}

fn alert(about: &About, burst: Burst, fingerprint: String, detail: Option<String>) -> Alert {
    let (last, count) = (burst.last, burst.count);
    let (first, lists) = burst.into_parts();
    let scene = Arc::unwrap_or_clone(first.scene);
    Alert {
        rule: about.name.clone(),
        rule_id: about.id.clone(),
        rule_name: about.handle.clone(),
        title: about.title.clone(),
        severity: about.severity,
        time: told(first.time),
        last_time: told(last),
        count,
        fingerprint,
        principal: scene.principal.into(),
        actor: scene.actor.into(),
        account: scene.account.into(),
        region: scene.region.into(),
        regions: lists.regions.into_vec(),
        source_addresses: lists.addresses.into_vec(),
        user_agents: lists.agents.into_vec(),
        what: lists.what.into_vec(),
        errors: lists.errors.into_vec(),
        event_ids: lists
            .ids
            .into_vec()
            .into_iter()
            .filter(|(_, id)| !id.is_empty())
            .map(|(_, id)| id.to_string())
            .collect(),
        detail,
        why: about.description.clone(),
        next: about.response.clone(),
        false_positives: about.false_positives.clone(),
        references: about.references.clone(),
        tags: about.tags.clone(),
        author: about.author.clone(),
        license: about.license.clone(),
    }
}

/// The alert of a correlation whose condition held.
pub(crate) fn held(about: &About, correlation: &Correlation, held: Held) -> Alert {
    let measured = match &correlation.measure {
        Measure::Events => "events".to_owned(),
        Measure::Values(fields) => format!("distinct values of {}", fields.join(", ")),
        Measure::Rules => "different rules".to_owned(),
        Measure::Ordered => "different rules in order".to_owned(),
        Measure::Sum(field) => format!("is the sum of {field}"),
        Measure::Average(field) => format!("is the average of {field}"),
        Measure::Percentile(field, rank) => format!("is percentile {rank} of {field}"),
        Measure::Share(field) => format!("percent of events with the same {field}"),
    };
    let group: Vec<String> = correlation
        .group_by
        .iter()
        .zip(&held.group)
        .map(|(field, value)| format!("{field} {}", value.as_deref().unwrap_or("(none)")))
        .collect();
    let by = if group.is_empty() { String::new() } else { format!(" for {}", group.join(", ")) };
    let detail = format!("{} {measured} within {}{by}", held.most, span_text(correlation.span));
    burst(about, held.burst, detail)
}

fn span_text(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    match seconds {
        s if s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s % 3_600 == 0 => format!("{} h", s / 3_600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// The alerts of all rules with memory about what happened before `until`, or all of them. What was given once is not
/// given again.
pub(crate) fn memories(
    abouts: &[About],
    uses: &mut [(usize, Uses)],
    coverage: &Coverage,
    rests: &mut Rests,
    until: Option<i64>,
    counters: &mut Counters,
) -> Vec<Alert> {
    let mut judged = Vec::new();
    for (number, uses) in uses {
        let findings = uses.findings(until);
        let verdict = judge(uses.memory.question, findings, coverage);
        counters.log_gaps += verdict.log_gaps;
        counters.short_history += verdict.short_history;
        if !verdict.findings.is_empty() {
            judged.push((*number, &*uses, verdict.findings));
        }
    }
    let keys = rests.take(abouts, &judged);
    let explanations = Explanations { rests, keys };
    let mut alerts = Vec::new();
    for (number, uses, findings) in judged {
        let Some(about) = abouts.get(number) else { continue };
        for finding in findings {
            if explanations.explain(Voice::of(about), uses, &finding) {
                counters.explained += 1;
                continue;
            }
            let detail = match finding.rested_since {
                Some(since) => format!(
                    "{} {} rested {} days: used before at {}",
                    uses.memory.thing,
                    finding.thing,
                    (finding.event.time - since).div_euclid(DAY),
                    time_text(since),
                ),
                None => format!("first use of {} {} in the log", uses.memory.thing, finding.thing),
            };
            alerts.push(burst(about, Burst::new(finding.event.clone()), detail));
        }
    }
    alerts
}

/// Who tells, and how loud: a rule explains only what rules of the same origin say no louder, so that nobody's rule
/// silences a worse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Voice {
    shipped: bool,
    severity: Severity,
}

impl Voice {
    fn of(about: &About) -> Voice {
        Voice { shipped: about.shipped, severity: about.severity }
    }

    fn covers(self, other: Voice) -> bool {
        self.shipped == other.shipped && self.severity >= other.severity
    }
}

/// Rests of principals that ended: from, until, and who told it. Kept, because they explain what is found later.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Rests(pub(crate) BTreeMap<String, Vec<(i64, i64, Voice)>>);

impl Rests {
    /// Takes in the rests of principals, and gives the events that ended the rest of an access key.
    fn take(&mut self, abouts: &[About], judged: &[(usize, &Uses, Vec<Finding>)]) -> Keys {
        let mut keys = Keys::new();
        for (number, uses, findings) in judged {
            let Some(voice) = abouts.get(*number).map(Voice::of) else { continue };
            for finding in findings {
                let Some(since) = finding.rested_since else { continue };
                if uses.memory.of_principal() {
                    self.0.entry(finding.thing.clone()).or_default().push((since, finding.event.time, voice));
                } else if uses.memory.of_access_key() {
                    keys.entry((finding.event.time, finding.event.event_id.clone())).or_default().push(voice);
                }
            }
        }
        keys
    }
}

/// The events that ended the rest of an access key, and who told it.
type Keys = HashMap<(i64, EventId), Vec<Voice>>;

/// Rests that say the same as another: when a key wakes, its user wakes, and so do the user's permissions. The most
/// telling one is kept.
struct Explanations<'a> {
    rests: &'a Rests,
    keys: Keys,
}

impl Explanations<'_> {
    fn explain(&self, voice: Voice, uses: &Uses, finding: &Finding) -> bool {
        let (Question::Revived(_), Some(since)) = (uses.memory.question, finding.rested_since) else { return false };
        if uses.memory.of_access_key() {
            return false;
        }
        let told = self.keys.get(&(finding.event.time, finding.event.event_id.clone()));
        if told.is_some_and(|told| told.iter().any(|by| by.covers(voice))) {
            return true;
        }
        let rests = self.rests.0.get(&*finding.event.scene.principal);
        !uses.memory.of_principal()
            && rests.is_some_and(|rests| {
                rests.iter().any(|(from, to, by)| *from >= since && *to <= finding.event.time && by.covers(voice))
            })
    }
}
