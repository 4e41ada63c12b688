//! A story on the screen: what it comes to first, then how it went.

use std::io::{self, Write};

use ::alerts::Alert;
use query::story::{Story, Tallies};

use super::brief::Brief;
use super::{Told, busiest, last, object, time};
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;

/// Names that a line of the summary has.
const NAMED: usize = 4;
/// Rows that a section shows.
const ROWS: usize = 15;
/// Lines of the timeline, where nobody says how many.
const LINES: usize = 60;

pub(super) fn tell(told: &Told, out: &mut dyn Write, terminal: Terminal, most: Option<u64>) -> io::Result<()> {
    let story = &told.story;
    let brief = Brief::of(story, terminal);
    let mut report = Report::new(out, terminal);
    report.title(&format!("The story of the {}", told.about))?;
    if told.about != told.subject {
        report.prose(&format!("The {} was a call with it.", told.subject))?;
    }
    summary(told, brief, &mut report)?;
    alerts(told, brief, &mut report)?;
    left(story, brief, &mut report)?;
    chain(story, brief, &mut report)?;
    sessions(story, brief, &mut report)?;
    denied(story, brief, &mut report)?;
    firsts(story, brief, &mut report)?;
    touched(story, brief, &mut report)?;
    timeline(story, brief, &mut report, most)?;
    if story.cut {
        report.prose(
            "Some lists were longer than what is kept: the totals are those of all events, the lists are not.",
        )?;
    }
    Ok(())
}

fn named(tallies: &Tallies, said: impl Fn(&str) -> String) -> String {
    let all = busiest(tallies);
    let name = |(name, tally): &(&String, &query::story::Tally)| format!("{} ({})", said(name), number(tally.events));
    let names: Vec<_> = all.iter().take(NAMED).map(name).collect();
    let more = all.len().saturating_sub(NAMED);
    if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
}

fn summary(told: &Told, brief: Brief, report: &mut Report<'_>) -> io::Result<()> {
    let story = &told.story;
    let total = &story.total;
    let lasting = story.left.iter().filter(|left| left.outcome == "ok" && left.undone.is_none()).count();
    report.heading("Summary")?;
    report.facts(&[
        (
            "when",
            match total.first {
                Some(first) => format!("{} to {}", time(Some(first)), time(total.last)),
                None => "never, in these logs".to_owned(),
            },
        ),
        (
            "what",
            format!(
                "{} events: {} changes or attempts at them, {} denied",
                number(total.events),
                number(total.changes),
                number(total.denied)
            ),
        ),
        ("who", named(&story.principals, |name| brief.name(name))),
        ("from", named(&story.addresses, str::to_owned)),
        ("with", named(&story.agents, |agent| brief.agent(agent))),
        (
            "where",
            format!("{}; accounts {}", named(&story.regions, str::to_owned), named(&story.accounts, str::to_owned)),
        ),
        (
            "credentials",
            format!(
                "{} in use, {} given out on the way",
                story.sessions.len(),
                story.links.iter().filter(|link| !link.back).count()
            ),
        ),
        ("left behind", format!("{lasting} things that still stand, as far as this story tells")),
        ("S3 sent", format!("{} bytes", number(story.bytes_out))),
    ])
}

/// Says how many rows a section has left out.
fn more(report: &mut Report<'_>, all: usize) -> io::Result<()> {
    match all.saturating_sub(ROWS) {
        0 => Ok(()),
        more => report.prose(&format!("… and {more} more: --output json has them")),
    }
}

fn alerts(told: &Told, brief: Brief, report: &mut Report<'_>) -> io::Result<()> {
    if told.alerts.is_empty() {
        return Ok(());
    }
    report.heading("What the rules say")?;
    // One line a rule: what it said a hundred times hides what another said once.
    let mut rules: Vec<(&Alert, usize)> = Vec::new();
    for alert in &told.alerts {
        match rules.iter_mut().find(|(first, _)| first.title == alert.title && first.severity == alert.severity) {
            Some((_, times)) => *times += 1,
            None => rules.push((alert, 1)),
        }
    }
    for (alert, times) in rules.iter().take(ROWS) {
        let again = if *times > 1 { format!(", and {} more", number(*times as u64 - 1)) } else { String::new() };
        let text = format!("{} at {}{again}", alert.title, brief.time(alert.time));
        report.finding(alert.severity.as_str(), &text)?;
    }
    more(report, rules.len())
}

fn left(story: &Story, brief: Brief, report: &mut Report<'_>) -> io::Result<()> {
    if story.left.is_empty() {
        return Ok(());
    }
    report.heading("Left behind")?;
    let row = |left: &query::story::Left| {
        let state = match (left.outcome.as_str(), left.undone) {
            ("ok", None) => "stands".to_owned(),
            ("ok", Some(undone)) => format!("gone {}", brief.time(Some(undone))),
            (outcome, _) => outcome.to_owned(),
        };
        vec![brief.time(left.time), left.what.clone(), left.object.clone(), state, left.action.clone()]
    };
    // What still stands first: it is what somebody has to do something about.
    let mut all: Vec<_> = story.left.iter().collect();
    all.sort_by_key(|left| (left.outcome != "ok", left.undone.is_some()));
    let rows: Vec<_> = all.into_iter().take(ROWS).map(row).collect();
    report.table(&["time", "what", "which", "state", "call"], &rows)?;
    more(report, story.left.len())
}

fn chain(story: &Story, brief: Brief, report: &mut Report<'_>) -> io::Result<()> {
    if story.links.is_empty() {
        return Ok(());
    }
    report.heading("Credentials that led to credentials")?;
    let row = |link: &query::story::Link| {
        let from = if link.key.is_empty() { brief.name(&link.principal) } else { link.key.clone() };
        let made = if link.made.is_empty() { brief.name(&link.whose) } else { brief.name(&link.made) };
        let mut cells = vec![brief.time(link.time), from, link.event.clone(), made, brief.name(&link.whose)];
        cells.extend((!brief.is_short()).then(|| link.address.clone()));
        cells
    };
    let rows: Vec<_> = story.links.iter().take(ROWS).map(row).collect();
    // Keys of one account begin alike: one that is cut is none.
    let names = ["time", "from", "by", "key", "whose", "address"];
    report.table(if brief.is_short() { &names[..5] } else { &names }, &rows)?;
    more(report, story.links.len())
}

fn sessions(story: &Story, brief: Brief, report: &mut Report<'_>) -> io::Result<()> {
    report.heading("Credentials in use")?;
    let row = |session: &query::story::Session| {
        let mut how = vec![session.kind.clone()];
        how.extend(session.console.then(|| "console".to_owned()));
        how.extend((session.mfa == "true").then(|| "MFA".to_owned()));
        if !session.source_identity.is_empty() {
            how.push(format!("for {}", session.source_identity));
        }
        let key = if session.key.is_empty() { "none".to_owned() } else { session.key.clone() };
        let tally = &session.tally;
        let mut cells = vec![brief.time(tally.first), key, brief.name(&session.principal)];
        cells.extend((!brief.is_short()).then(|| session.actor.clone()));
        cells.extend([how.join(", "), number(tally.events), number(tally.denied)]);
        cells
    };
    let rows: Vec<_> = story.sessions.iter().take(ROWS).map(row).collect();
    let mut names = vec!["first", "key", "principal", "actor", "how", "events", "denied"];
    names.retain(|name| !brief.is_short() || *name != "actor");
    report.table(&names, &rows)?;
    more(report, story.sessions.len())
}

fn denied(story: &Story, brief: Brief, report: &mut Report<'_>) -> io::Result<()> {
    if story.denied.is_empty() {
        return Ok(());
    }
    report.heading("Denied")?;
    let mut all: Vec<_> = story.denied.iter().collect();
    all.sort_by_key(|(name, tally)| (std::cmp::Reverse(tally.denied), (*name).clone()));
    let row = |(name, tally): &(&(String, String, String), &query::story::Tally)| {
        let (principal, action, code) = name;
        vec![number(tally.denied), action.clone(), code.clone(), brief.name(principal), brief.time(tally.first)]
    };
    let rows: Vec<_> = all.iter().take(ROWS).map(row).collect();
    report.table(&["times", "action", "code", "principal", "first"], &rows)?;
    more(report, all.len())
}

fn firsts(story: &Story, brief: Brief, report: &mut Report<'_>) -> io::Result<()> {
    if story.firsts.is_empty() && story.unknown_before == 0 {
        return Ok(());
    }
    report.heading("For the first time")?;
    if story.unknown_before > 0 {
        report.prose(&format!(
            "Of {} principals the logs know less than a day: what was new for them nobody can say.",
            number(story.unknown_before)
        ))?;
    }
    if story.firsts.is_empty() {
        return Ok(());
    }
    let row = |first: &query::story::First| {
        vec![brief.time(Some(first.time)), first.kind.to_owned(), first.value.clone(), brief.name(&first.principal)]
    };
    let rows: Vec<_> = story.firsts.iter().take(ROWS).map(row).collect();
    report.table(&["time", "kind", "what", "principal"], &rows)?;
    more(report, story.firsts.len())
}

fn touched(story: &Story, brief: Brief, report: &mut Report<'_>) -> io::Result<()> {
    if story.resources.is_empty() {
        return Ok(());
    }
    report.heading("Touched")?;
    let all = busiest(&story.resources);
    let row = |(name, tally): &(&String, &query::story::Tally)| {
        vec![
            number(tally.events),
            number(tally.changes),
            number(tally.denied),
            brief.name(name),
            brief.time(tally.last),
        ]
    };
    let rows: Vec<_> = all.iter().take(ROWS).map(row).collect();
    report.table(&["events", "changes", "denied", "resource", "last"], &rows)?;
    more(report, all.len())
}

fn timeline(story: &Story, brief: Brief, report: &mut Report<'_>, most: Option<u64>) -> io::Result<()> {
    let most = match most {
        None => LINES,
        Some(0) => usize::MAX,
        Some(most) => usize::try_from(most).unwrap_or(usize::MAX),
    };
    report.heading("How it went")?;
    let row = |run: &query::story::Run| {
        let count = if run.count > 1 { format!("×{}", number(run.count)) } else { String::new() };
        let outcome = if run.error.is_empty() { run.outcome.clone() } else { run.error.clone() };
        if brief.is_short() {
            // Who and where from stands in the summary; what went well needs no word.
            let outcome = if outcome == "ok" { String::new() } else { outcome };
            let marks = brief.marks(&run.marks);
            return vec![brief.time(run.first), count, run.what.clone(), object(run), outcome, marks];
        }
        vec![
            time(run.first),
            last(run),
            count,
            run.what.clone(),
            object(run),
            outcome,
            run.actor.clone(),
            run.address.clone(),
            run.region.clone(),
            run.marks.join(", "),
        ]
    };
    let rows: Vec<_> = story.timeline.iter().take(most).map(row).collect();
    let names: &[&str] = match brief.is_short() {
        true => &["time", "", "call", "of", "outcome", "marks"],
        false => &["time", "last", "", "call", "of", "outcome", "actor", "address", "region", "marks"],
    };
    report.table(names, &rows)?;
    let left_out = story.timeline.len().saturating_sub(most) as u64;
    if left_out > 0 {
        report.prose(&format!("… and {} more lines: --max-rows 0 shows them", number(left_out)))?;
    }
    if story.untold > 0 {
        report.prose(&format!("{} events after these have no line of their own.", number(story.untold)))?;
    }
    Ok(())
}
