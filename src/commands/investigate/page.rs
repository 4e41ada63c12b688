//! A story as one HTML file, to be forwarded.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use query::story::Tally;

use super::{Told, busiest, last, object, time};
use crate::outcome::Failure;
use crate::render::html::{Cell, Column, Page};
use crate::render::report::number;

pub(super) fn write(told: &Told, path: &Path) -> Result<(), Failure> {
    let failed = |e: io::Error| Failure::Io(format!("{}: {e}; check the folder", path.display()));
    let mut out = BufWriter::new(File::create(path).map_err(failed)?);
    page(told, &mut out).and_then(|()| out.flush()).map_err(failed)
}

fn page(told: &Told, out: &mut dyn Write) -> io::Result<()> {
    let story = &told.story;
    let total = &story.total;
    let about = format!("{} to {}, as far as the logs go.", time(total.first), time(total.last));
    let lasting = story.left.iter().filter(|left| left.outcome == "ok" && left.undone.is_none()).count();
    let figures = [
        ("events", number(total.events)),
        ("changes", number(total.changes)),
        ("denied", number(total.denied)),
        ("left behind", number(lasting as u64)),
        ("credentials", number(story.sessions.len() as u64)),
        ("alerts", number(told.alerts.len() as u64)),
        ("bytes from S3", number(story.bytes_out)),
    ];
    let sections = [
        "Alerts",
        "Left behind",
        "Credentials that led to credentials",
        "Credentials in use",
        "Denied",
        "For the first time",
        "Touched",
        "From where",
        "How it went",
    ];
    let mut page = Page::new(out, &format!("The story of the {}", told.about), &about, &sections, &figures)?;
    findings(told, &mut page)?;
    credentials(told, &mut page)?;
    attempts(told, &mut page)?;
    timeline(told, &mut page)?;
    let end = match (story.untold, story.cut) {
        (0, false) => "Made by trailhound from CloudTrail's records.".to_owned(),
        (untold, _) => format!(
            "Made by trailhound from CloudTrail's records. {} events have no line of their own; lists are cut where they are long.",
            number(untold)
        ),
    };
    page.finish(&end)
}

fn text(value: &str) -> Cell {
    Cell::Text(value.to_owned())
}

fn findings(told: &Told, page: &mut Page<'_>) -> io::Result<()> {
    use Column::Text;
    let columns = [Text("severity"), Text("alert"), Text("time"), Text("principal"), Text("why")];
    let rows = told.alerts.iter().map(|alert| {
        vec![
            Cell::Severity(alert.severity.as_str().to_owned()),
            text(&alert.title),
            Cell::Time(time(alert.time)),
            text(&alert.principal),
            text(&alert.why),
        ]
    });
    page.table("Alerts", "What the shipped rules say of these events alone.", &columns, rows)?;
    let about = "Ways back in, and watches taken away; gone where the story itself took it away again.";
    let columns =
        [Text("time"), Text("what"), Text("which"), Text("state"), Text("call"), Text("principal"), Text("event")];
    let rows = told.story.left.iter().map(|left| {
        let state = match (left.outcome.as_str(), left.undone) {
            ("ok", None) => "stands".to_owned(),
            ("ok", Some(undone)) => format!("gone {}", time(Some(undone))),
            (outcome, _) => outcome.to_owned(),
        };
        vec![
            Cell::Time(time(left.time)),
            text(&left.what),
            text(&left.object),
            Cell::Text(state),
            text(&left.action),
            text(&left.principal),
            text(&left.event_id),
        ]
    });
    page.table("Left behind", about, &columns, rows)
}

fn credentials(told: &Told, page: &mut Page<'_>) -> io::Result<()> {
    use Column::{Number, Text};
    let columns = [Text("time"), Text("from"), Text("by"), Text("to"), Text("whose"), Text("address")];
    let rows = told.story.links.iter().map(|link| {
        vec![
            Cell::Time(time(link.time)),
            text(if link.key.is_empty() { &link.principal } else { &link.key }),
            text(&link.event),
            text(&link.made),
            text(&link.whose),
            text(&link.address),
        ]
    });
    let about = "Each call that gave a credential to what the story is about, or to what came of it.";
    page.table("Credentials that led to credentials", about, &columns, rows)?;
    let columns = [
        Text("first"),
        Text("last"),
        Text("key"),
        Text("principal"),
        Text("actor"),
        Text("issued"),
        Text("MFA"),
        Text("source identity"),
        Number("events"),
        Number("denied"),
    ];
    let rows = told.story.sessions.iter().map(|session| {
        vec![
            Cell::Time(time(session.tally.first)),
            Cell::Time(time(session.tally.last)),
            text(if session.console && session.key.is_empty() { "console" } else { &session.key }),
            text(&session.principal),
            text(&session.actor),
            Cell::Time(session.began.clone()),
            text(&session.mfa),
            text(&session.source_identity),
            Cell::Number(session.tally.events),
            Cell::Number(session.tally.denied),
        ]
    });
    page.table("Credentials in use", "Keys and sessions that the events were made with.", &columns, rows)
}

fn attempts(told: &Told, page: &mut Page<'_>) -> io::Result<()> {
    use Column::{Number, Text};
    let columns = [Number("times"), Text("action"), Text("code"), Text("principal"), Text("first"), Text("last")];
    let rows = told.story.denied.iter().map(|((principal, action, code), tally)| {
        vec![
            Cell::Number(tally.denied),
            text(action),
            text(code),
            text(principal),
            Cell::Time(time(tally.first)),
            Cell::Time(time(tally.last)),
        ]
    });
    page.table("Denied", "What was tried and refused.", &columns, rows)?;
    let columns = [Text("time"), Text("kind"), Text("what"), Text("principal")];
    let rows = told.story.firsts.iter().map(|first| {
        vec![Cell::Time(time(Some(first.time))), text(first.kind), text(&first.value), text(&first.principal)]
    });
    let about = "What a principal that the logs had known for a day or more did for the first time.";
    page.table("For the first time", about, &columns, rows)?;
    let columns = [Text("name"), Number("events"), Number("changes"), Number("denied"), Text("first"), Text("last")];
    let row = |(name, tally): (&String, &Tally)| {
        vec![
            text(name),
            Cell::Number(tally.events),
            Cell::Number(tally.changes),
            Cell::Number(tally.denied),
            Cell::Time(time(tally.first)),
            Cell::Time(time(tally.last)),
        ]
    };
    let about = "What requests named: buckets, users, instances and the like.";
    page.table("Touched", about, &columns, busiest(&told.story.resources).into_iter().map(row))?;
    page.table("From where", "Addresses of callers.", &columns, busiest(&told.story.addresses).into_iter().map(row))
}

fn timeline(told: &Told, page: &mut Page<'_>) -> io::Result<()> {
    use Column::{Number, Text};
    let columns = [
        Text("time"),
        Text("last"),
        Number("calls"),
        Text("call"),
        Text("of"),
        Text("outcome"),
        Text("principal"),
        Text("actor"),
        Text("address"),
        Text("region"),
        Text("marks"),
    ];
    let rows = told.story.timeline.iter().map(|run| {
        vec![
            Cell::Time(time(run.first)),
            Cell::Time(last(run)),
            Cell::Number(run.count),
            text(&run.what),
            Cell::Text(object(run)),
            text(if run.error.is_empty() { &run.outcome } else { &run.error }),
            text(&run.principal),
            text(&run.actor),
            text(&run.address),
            text(&run.region),
            Cell::Text(run.marks.join(", ")),
        ]
    });
    page.table("How it went", "Equal calls in a row are one line.", &columns, rows)
}
