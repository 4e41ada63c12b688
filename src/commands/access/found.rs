//! What was found, for people: findings, observations, risks, statements that nobody used.

use std::io::{self, Write};

use ::access::audit::Audit;
use ::access::findings::Finding;
use ::access::findings::risk::Risk;
use ::access::idle::IdleStatement;

use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;

pub(super) fn tell(audit: &Audit, out: &mut dyn Write, terminal: Terminal) -> io::Result<()> {
    let mut report = Report::new(out, terminal);
    if !audit.findings.is_empty() {
        report.heading("Findings")?;
        let mut worst: Vec<&Finding> = audit.findings.iter().collect();
        worst.sort_by_key(|finding| std::cmp::Reverse(super::severity(finding)));
        let names = ["severity", "finding", "principal", "confidence", "evidence", "next step"];
        super::table(&mut report, &names, worst.iter().map(|one| row(one)).collect())?;
    }
    if !audit.observations.is_empty() {
        report.heading("Observations")?;
        let mut worst: Vec<&Finding> = audit.observations.iter().collect();
        worst.sort_by_key(|finding| std::cmp::Reverse(super::severity(finding)));
        let names = ["severity", "observation", "principal", "confidence", "evidence", "next step"];
        super::table(&mut report, &names, worst.iter().map(|one| row(one)).collect())?;
    }
    if !audit.risks.is_empty() {
        report.heading("What policies would permit")?;
        let row = |risk: &Risk| vec![super::name(&risk.kind), risk.principal.clone(), risk.what.clone()];
        super::table(&mut report, &["risk", "principal", "what"], audit.risks.iter().map(row).collect())?;
    }
    statements(audit, &mut report)?;
    if !audit.excluded.is_empty() {
        report.prose(&format!("{} findings are accepted; --output json lists them", audit.excluded.len()))?;
    }
    Ok(())
}

fn row(finding: &Finding) -> Vec<String> {
    vec![
        finding.severity.to_owned(),
        super::kind(finding),
        finding.principal.clone(),
        finding.confidence.replace('_', " "),
        finding.evidence.clone(),
        finding.next.to_owned(),
    ]
}

fn statements(audit: &Audit, report: &mut Report<'_>) -> io::Result<()> {
    if audit.unused_statements.is_empty() {
        return Ok(());
    }
    report.heading("Statements of policies that none of their holders used")?;
    let row = |one: &IdleStatement| {
        let owner = one.owner.clone().map(|owner| format!("{} of {owner}", one.policy)).unwrap_or(one.policy.clone());
        let whole = if one.whole_policy { "yes" } else { "" }.to_owned();
        let count = |many: usize| number(many as u64);
        vec![owner, statement_name(one), count(one.holders), count(one.not_used), count(one.cannot_know), whole]
    };
    let names = ["policy", "statement", "holders", "not used", "cannot know", "whole policy"];
    super::table(report, &names, audit.unused_statements.iter().map(row).collect())
}

/// A statement as people count, with its own name.
pub(super) fn statement_name(one: &IdleStatement) -> String {
    let place = number(one.statement as u64 + 1);
    one.sid.as_ref().map_or(place.clone(), |sid| format!("{place} ({sid})"))
}
