//! What changed since an earlier report, for people.

use std::io;

use ::access::compare::{Changes, Thing, What};

use crate::render::report::{Report, number};

/// Lines that are shown to people; `--output json` has all.
const SHOWN: usize = 50;

pub(super) fn tell(changes: &Changes, report: &mut Report<'_>) -> io::Result<()> {
    report.heading(&format!("Since the report of {} to {}", changes.earlier_from, changes.earlier_to))?;
    let still = changes.still.len() as u64 + changes.still_unused_services;
    let open = changes.gone.iter().filter(|gone| matches!(gone.because, "not_looked_at" | "cannot_know")).count();
    let gone = changes.gone.len() - open;
    let counts = [
        ("new", changes.new.len() as u64),
        ("gone", gone as u64),
        ("not looked at, or not known, this time", open as u64),
        ("still there", still),
    ];
    report.facts(&counts.map(|(name, count)| (name, number(count))))?;
    let mut rows = rows(changes);
    let more = rows.len().saturating_sub(SHOWN);
    rows.truncate(SHOWN);
    if !rows.is_empty() {
        report.table(&["change", "what", "principal", "detail"], &rows)?;
    }
    if more > 0 {
        report.prose(&format!("and {more} more; --output json lists all"))?;
    }
    Ok(())
}

/// New things, then those that are gone: change, what, principal, detail.
pub(super) fn rows(changes: &Changes) -> Vec<Vec<String>> {
    let new = changes.new.iter().map(|new| {
        let change = match new.because {
            Some("not_looked_at_before") => "new (not looked at before)",
            Some("looked_at_less") => "new (what showed use then is not given)",
            _ => "new",
        };
        row(change.to_owned(), &new.thing)
    });
    let gone = changes.gone.iter().map(|gone| {
        let because = match gone.because {
            // What nobody looked at may be there still.
            "not_looked_at" => "not looked at this time".to_owned(),
            "cannot_know" => "cannot know this time".to_owned(),
            because => format!("gone ({})", because.replace('_', " ")),
        };
        row(because, &gone.thing)
    });
    new.chain(gone).collect()
}

fn row(change: String, thing: &Thing) -> Vec<String> {
    let what = match thing.what {
        What::Finding | What::Observation | What::Risk => thing.kind.clone(),
        What::UnusedPrincipal => "unused principal".to_owned(),
        What::UnusedService => "unused service".to_owned(),
        What::UnusedGroup => "group without users".to_owned(),
        What::UnusedPolicy => "policy that nobody has".to_owned(),
    };
    vec![change, what, thing.principal.clone(), thing.detail.clone()]
}
