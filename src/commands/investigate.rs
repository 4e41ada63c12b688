//! `trailhound investigate`: the story of a key, an identity, an address or an event.
//!
//! The query room tells it, the shipped rules are run over its events, and this is how it looks: `told` for people (`brief`: on a screen), `page`
//! as one HTML file, `json` for programs.

mod brief;
mod json;
mod page;
mod told;

use std::io;

use ::alerts::Alert;
use query::Wanted;
use query::story::{self, Story, Subject};

use super::query::Opened;
use crate::cli::{Global, InvestigateArgs};
use crate::outcome::{Failure, Outcome};
use crate::render::words::Words;
use crate::render::{self, Output};
use crate::rulebook::Rulebook;
use crate::stop::Stop;

/// A story with what the rules say of it.
pub(super) struct Told {
    /// What was asked for.
    subject: Subject,
    /// What the story is about: an event's key or identity.
    about: Subject,
    story: Story,
    alerts: Vec<Alert>,
}

pub(crate) fn run(args: &InvestigateArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    if matches!(global.output, Output::Csv | Output::Parquet | Output::Arrow) {
        let text =
            "a story is not rows: use --output table or json, --html FILE, or a question of `trailhound query --list`";
        return Err(Failure::Usage(text.to_owned()));
    }
    if args.subject.trim().is_empty() {
        let text = "nothing to investigate: give an access key, an ARN, an address, an event's id or a name";
        return Err(Failure::Usage(text.to_owned()));
    }
    if let Some(fault) = Subject::fault(&args.subject) {
        return Err(Failure::Usage(fault));
    }
    let subject = Subject::of(&args.subject);
    let (mut rules, refused) = Rulebook::read(&[], &[], true, words)?.engine(words);
    let opened = Opened::open(&args.input, &Wanted::default(), global, words)?;
    let control = global.control(&Stop::listen());
    let about = story::widen(&opened.engine, subject.clone(), &control)?;
    let story = story::tell(&opened.engine, &about, &control, &mut |batch| rules.observe(batch))?;
    let mut alerts = rules.finish().alerts;
    alerts.sort_by_key(|alert| (std::cmp::Reverse(alert.severity), alert.time));
    let told = Told { subject, about, story, alerts };
    if told.story.total.events == 0 {
        words.note(&format!("the logs have no event of the {}", told.about));
        if let Some(other) = story::in_another_case(&opened.engine, &told.about, &control)? {
            words.note(&format!("the logs have `{other}`: names are told apart by their case; ask for that"));
        }
        let is_json = matches!(global.output, Output::Json | Output::Jsonl);
        words.note(&elsewhere(&told.about));
        // A key that was given and never used has a story; a name that is nowhere has none.
        if told.story.links.is_empty() && !is_json {
            return Ok(opened.tell().max(refused));
        }
    }
    if let Some(file) = &args.html {
        page::write(&told, file)?;
    }
    let mut out = io::stdout();
    match global.output {
        Output::Json => render::settle(render::json::document(&json::document(&told), &mut out))?,
        Output::Jsonl => render::settle(render::json::document_line(&json::document(&told), &mut out))?,
        _ => render::settle(told::tell(&told, &mut out, global.rows().terminal, global.max_rows))?,
    }
    Ok(opened.tell().max(refused))
}

/// Where to look for what did nothing itself.
fn elsewhere(about: &Subject) -> String {
    let text = about.text();
    match about {
        Subject::Event(_) => {
            "an event's id is looked for as it stands; `trailhound lake status` says which days there are".to_owned()
        }
        Subject::Principal(arn) if !arn.starts_with("arn:aws:iam") && !arn.contains(":iam::") => {
            format!("a resource does nothing itself: `trailhound query who-touched {text}` says who touched it")
        }
        _ => format!("`trailhound query who-touched {text}` finds calls that name it"),
    }
}

/// A time for people; empty where there is none.
fn time(micros: Option<i64>) -> String {
    micros.map(access::instant::format).unwrap_or_default()
}

/// What a line of the timeline is about.
fn object(run: &story::Run) -> String {
    match run.others {
        0 => run.object.clone(),
        others => format!("{} and {} more", run.object, render::report::number(others)),
    }
}

/// When the last call of a line was; empty where there is one call.
fn last(run: &story::Run) -> String {
    if run.count > 1 { time(run.last) } else { String::new() }
}

/// The busiest names of a list, most events first.
fn busiest(tallies: &story::Tallies) -> Vec<(&String, &story::Tally)> {
    let mut all: Vec<_> = tallies.iter().collect();
    all.sort_by_key(|(name, tally)| (std::cmp::Reverse(tally.events), (*name).clone()));
    all
}
