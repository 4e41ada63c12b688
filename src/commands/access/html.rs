//! The report as one HTML file, to be forwarded.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use ::access::audit::Audit;
use ::access::compare::Changes;
use ::access::findings::Finding;
use ::access::findings::risk::{Kind, Risk};
use ::access::instant;
use ::access::inventory::Given;
use ::access::unused::{PrincipalReport, Why};

use super::time_or;
use crate::outcome::Failure;
use crate::render::html::{Cell, Column, Page};
use crate::render::report::number;

/// Actions that one cell lists; `--output json` has all.
const LISTED: usize = 200;

pub(super) fn write(audit: &Audit, changes: Option<&Changes>, path: &Path) -> Result<(), Failure> {
    let failed = |e: io::Error| Failure::Io(format!("{}: {e}; check the folder", path.display()));
    let mut out = BufWriter::new(File::create(path).map_err(failed)?);
    page(audit, changes, &mut out).and_then(|()| out.flush()).map_err(failed)
}

fn page(audit: &Audit, changes: Option<&Changes>, out: &mut dyn Write) -> io::Result<()> {
    let window = &audit.report.window;
    let about = format!(
        "{} days from {} to {}. Only what the logs would have shown is called unused; every other leftover says why it cannot be known.",
        window.days,
        instant::format(window.from),
        instant::format(window.to)
    );
    let certain: usize = audit.report.principals.iter().map(certain).sum();
    let figures = [
        ("principals", number(audit.report.principals.len() as u64)),
        ("findings", number(audit.findings.len() as u64)),
        ("observations", number(audit.observations.len() as u64)),
        ("ways to more", number(audit.risks.len() as u64)),
        ("unused users and roles", number(audit.report.unused_principals.len() as u64)),
        ("unused permissions", number(certain as u64)),
        ("events", number(audit.report.events)),
    ];
    let mut sections = vec!["Findings", "Observations"];
    sections.extend(changes.map(|_| "Changes"));
    sections.extend([
        "Risks",
        "Unused users and roles",
        "Unused statements",
        "Principals",
        "Access keys",
        "What the logs cover",
        "What it rests on",
    ]);
    // Whoever is forwarded the page has not seen what was told beside it.
    sections.extend((!audit.report.warnings.is_empty()).then_some("What could not be read or is missing"));
    let mut page = Page::new(out, "Least privilege", &about, &sections, &figures)?;
    let about = "What an auditor would write down, with the recommendation of CIS AWS Foundations v3.0.";
    findings("Findings", about, &audit.findings, &mut page)?;
    let about = "What logs and inventory show beside, of which an account may have good reasons.";
    findings("Observations", about, &audit.observations, &mut page)?;
    if let Some(changes) = changes {
        changed(changes, &mut page)?;
    }
    risks(audit, &mut page)?;
    unused(audit, &mut page)?;
    statements(audit, &mut page)?;
    principals(audit, &mut page)?;
    keys(audit, &mut page)?;
    coverage(audit, &mut page)?;
    rests_on(audit, &mut page)?;
    page.finish("Made by trailhound. What applications authorise themselves is not in IAM and not in this report.")
}

fn changed(changes: &Changes, page: &mut Page<'_>) -> io::Result<()> {
    let about = format!("Since the report of {} to {}.", changes.earlier_from, changes.earlier_to);
    let columns = [Column::Text("change"), Column::Text("what"), Column::Text("principal"), Column::Text("detail")];
    let rows = super::changes::rows(changes).into_iter().map(|row| row.into_iter().map(Cell::Text).collect());
    page.table("Changes", &about, &columns, rows)
}

fn findings(name: &str, about: &str, list: &[Finding], page: &mut Page<'_>) -> io::Result<()> {
    use Column::{Number, Text};
    let columns = [
        Text("severity"),
        Text("finding"),
        Text("principal"),
        Number("days"),
        Text("when"),
        Text("evidence"),
        Text("confidence"),
        Text("next step"),
        Text("CIS"),
    ];
    let row = |finding: &Finding| {
        vec![
            Cell::Severity(finding.severity.to_owned()),
            Cell::Text(super::kind(finding)),
            Cell::Text(finding.principal.clone()),
            finding
                .days
                .or(finding.age_days)
                .and_then(|days| u64::try_from(days).ok())
                .map_or_else(empty, Cell::Number),
            Cell::Time(finding.time.map(instant::format).unwrap_or_default()),
            Cell::Text(finding.evidence.clone()),
            Cell::Text(finding.confidence.to_owned()),
            Cell::Text(finding.next.to_owned()),
            Cell::Text(finding.cis.unwrap_or_default().to_owned()),
        ]
    };
    let mut worst: Vec<&Finding> = list.iter().collect();
    worst.sort_by_key(|finding| std::cmp::Reverse(super::severity(finding)));
    page.table(name, about, &columns, worst.into_iter().map(row))
}

fn empty() -> Cell {
    Cell::Text(String::new())
}

fn risks(audit: &Audit, page: &mut Page<'_>) -> io::Result<()> {
    let about = "What policies would permit. Resources and conditions may still stand in the way: ask `trailhound policy simulate`.";
    let columns = [Column::Text("risk"), Column::Text("principal"), Column::Number("ways"), Column::Text("what")];
    let mut by_principal: BTreeMap<(Kind, &str), Vec<&Risk>> = BTreeMap::new();
    for risk in &audit.risks {
        by_principal.entry((risk.kind, &risk.principal)).or_default().push(risk);
    }
    let rows = by_principal.into_iter().map(|((kind, principal), risks)| {
        let kind = serde_json::to_value(kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
        let ways = risks.iter().map(|risk| match risk.actions.as_slice() {
            [] => risk.what.clone(),
            actions => format!("{}: {}", risk.what, actions.join(", ")),
        });
        vec![
            Cell::Text(kind.unwrap_or_default()),
            Cell::Text(principal.to_owned()),
            Cell::Number(risks.len() as u64),
            Cell::List(risks.first().map(|risk| risk.what.clone()).unwrap_or_default(), ways.collect()),
        ]
    });
    page.table("Risks", about, &columns, rows)
}

fn unused(audit: &Audit, page: &mut Page<'_>) -> io::Result<()> {
    let about = "Nothing was seen of these in the window.";
    let columns = [
        Column::Text("principal"),
        Column::Text("type"),
        Column::Text("made"),
        Column::Text("last used"),
        Column::Text("verdict"),
    ];
    let rows = audit.report.unused_principals.iter().map(|one| {
        vec![
            Cell::Text(one.principal.clone()),
            Cell::Text(one.kind.to_owned()),
            Cell::Time(time_or(one.created, "unknown")),
            Cell::Time(time_or(one.last_used, "never seen")),
            Cell::Text(one.why.about().to_owned()),
        ]
    });
    page.table("Unused users and roles", about, &columns, rows)
}

fn statements(audit: &Audit, page: &mut Page<'_>) -> io::Result<()> {
    use Column::{Number, Text};
    let about = "Of all who have the policy, none did in the window what the statement allows.";
    let columns = [
        Text("policy"),
        Text("of"),
        Text("statement"),
        Number("holders"),
        Number("not used"),
        Number("cannot know"),
        Text("whole policy"),
        Text("verdict"),
    ];
    let rows = audit.unused_statements.iter().map(|one| {
        let count = |number: usize| Cell::Number(number as u64);
        vec![
            Cell::Text(one.policy.clone()),
            Cell::Text(one.owner.clone().unwrap_or_default()),
            Cell::Text(super::found::statement_name(one)),
            count(one.holders),
            count(one.not_used),
            count(one.cannot_know),
            Cell::Text(if one.whole_policy { "yes" } else { "" }.to_owned()),
            Cell::Text(one.why.about().to_owned()),
        ]
    });
    page.table("Unused statements", about, &columns, rows)
}

fn principals(audit: &Audit, page: &mut Page<'_>) -> io::Result<()> {
    use Column::{Number, Text};
    let about = "What each principal used, was granted, and can lose. Session names tell who stood behind a role.";
    let columns = [
        Text("principal"),
        Text("type"),
        Text("last seen"),
        Number("used"),
        Number("granted"),
        Number("unused"),
        Number("cannot know"),
        Text("actions used"),
        Text("can go"),
        Text("who"),
    ];
    page.table("Principals", about, &columns, audit.report.principals.iter().map(principal))
}

/// How many actions are certain to be unused.
fn certain(principal: &PrincipalReport) -> usize {
    principal.unused.of(Why::NotUsed).map_or(0, ::access::policy::ActionSet::len)
}

fn principal(principal: &PrincipalReport) -> Vec<Cell> {
    let actions = || principal.services.iter().flat_map(|service| &service.actions);
    let used: Vec<String> = actions()
        .take(LISTED)
        .map(|used| format!("{}, last {}", used.action, instant::format(used.last_attempt)))
        .collect();
    let not_used = principal.unused.of(Why::NotUsed);
    let gone: Vec<&str> = not_used.map(|set| set.iter().map(|action| action.name).collect()).unwrap_or_default();
    let services = principal.unused_services.iter().filter(|service| service.why.is_certain());
    let mut can_go: Vec<String> = services.map(|service| format!("all of {}", service.service)).collect();
    let whole = can_go.len();
    let in_part = gone.iter().filter(|action| {
        let service = action.split(':').next().unwrap_or_default();
        !principal.unused_services.iter().any(|unused| unused.service == service && unused.why.is_certain())
    });
    can_go.extend(in_part.take(LISTED).map(|action| (*action).to_owned()));
    let count = |number: usize| Cell::Number(number as u64);
    // Of what is not granted by the inventory nothing is left over, which is not the same as none.
    let left = |number: usize| if principal.granted.is_some() { count(number) } else { empty() };
    vec![
        Cell::Text(principal.principal.clone()),
        Cell::Text(principal.kind.to_owned()),
        Cell::Time(time_or(principal.last, "never seen")),
        count(actions().count()),
        principal.granted.map_or_else(empty, count),
        left(gone.len()),
        left(principal.unused.len() - gone.len()),
        Cell::List(summary(used.len(), "action"), used),
        Cell::List(if can_go.is_empty() { String::new() } else { format!("{whole} services whole") }, can_go),
        Cell::List(summary(principal.actors.len(), "name"), principal.actors.clone()),
    ]
}

fn summary(count: usize, what: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}

fn keys(audit: &Audit, page: &mut Page<'_>) -> io::Result<()> {
    let about = "Long-term access keys, of the logs and of the credential report.";
    let columns = [
        Column::Text("access key"),
        Column::Text("principal"),
        Column::Text("made"),
        Column::Text("last used"),
        Column::Text("verdict"),
    ];
    let rows = audit.report.access_keys.iter().map(|key| {
        let id = key.access_key_id.clone().unwrap_or_else(|| format!("key {}", key.slot.unwrap_or_default()));
        vec![
            Cell::Text(id),
            Cell::Text(key.principal.clone()),
            Cell::Time(time_or(key.last_rotated, "unknown")),
            Cell::Time(time_or(key.last_used, "never seen")),
            Cell::Text(key.unused.map_or("in use", ::access::unused::Why::about).to_owned()),
        ]
    });
    page.table("Access keys", about, &columns, rows)
}

fn rests_on(audit: &Audit, page: &mut Page<'_>) -> io::Result<()> {
    let about = "Of what was not given nothing is known: that nothing was found there says nothing.";
    let columns = [Column::Text("account"), Column::Text("given"), Column::Text("not given")];
    let rows = audit.inputs.iter().map(|inputs| {
        let names = |given: bool| {
            let all = Given::ALL.iter().filter(|one| inputs.given.contains(one) == given);
            Cell::Text(all.map(|one| one.as_str().replace('_', " ")).collect::<Vec<_>>().join(", "))
        };
        vec![Cell::Text(inputs.account.clone()), names(true), names(false)]
    });
    page.table("What it rests on", about, &columns, rows)?;
    if audit.report.warnings.is_empty() {
        return Ok(());
    }
    let rows = audit.report.warnings.iter().map(|warning| vec![Cell::Text(warning.clone())]);
    let about = "None of it is counted, and the report may be different with it.";
    page.table("What could not be read or is missing", about, &[Column::Text("what")], rows)
}

fn coverage(audit: &Audit, page: &mut Page<'_>) -> io::Result<()> {
    use Column::{Number, Text};
    let about = "Where logs are missing, nothing is called unused.";
    let columns = [
        Text("account"),
        Text("first event"),
        Text("last event"),
        Number("regions"),
        Number("silent days"),
        Text("data events"),
    ];
    let rows = audit.report.coverage.accounts.iter().map(|account| {
        let silent: u32 = account.silent.iter().map(|silent| silent.days).sum();
        vec![
            Cell::Text(account.account.clone()),
            Cell::Time(time_or(account.first_event, "none")),
            Cell::Time(time_or(account.last_event, "none")),
            Cell::Number(account.regions.len() as u64),
            Cell::Number(u64::from(silent)),
            Cell::Text(account.data_events.join(", ")),
        ]
    });
    page.table("What the logs cover", about, &columns, rows)
}
