//! `trailhound lake repair`: what damage took is read again from the objects that it came from.
//!
//! Only an object that its owner says is not there is given up. One that nobody may read just now, or that cannot be read
//! twice, ends the repair before anything is taken out: with its file gone, its rows would be too.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::ingest::reject::Reject;
use aws::{Bucket, Connection, Deliveries, Place};
use lake::Lake;
use lake::upkeep::check::Checked;
use lake::upkeep::put_back::PutBack;
use lake::upkeep::repair::SetAside;
use serde_json::json;

use super::answer;
use crate::cli::{At, AwsArgs, Global, Limits, SourceArgs};
use crate::intake::{Intake, Reach};
use crate::outcome::{Failure, Outcome};
use crate::render::report::number;
use crate::render::words::Words;

/// Objects that are named on standard error; all are in `--output json`.
const NAMED: usize = 10;

/// An object that is there, or may be, and was not read; and why.
type Unread = (String, String);

/// Objects to read again, sorted by where they are.
#[derive(Default)]
struct Objects {
    files: Vec<PathBuf>,
    remote: Vec<Place>,
    gone: Vec<String>,
    unread: Vec<Unread>,
}

pub(super) fn run(
    (at, limits, give_up): (&At, Limits, bool),
    global: &Global,
    words: Words,
) -> Result<Outcome, Failure> {
    let (mut lake, mut mended) = Lake::open_for_repair(&at.lake, &at.aws.to_lake())?;
    let mut checked = lake.check()?;
    let told_again = lake.tell_again(&checked)?;
    let back = lake.put_back(&checked)?;
    mended.extend(back.told.iter().cloned());
    checked.damaged.extend(back.missing.iter().cloned());
    let aside = lake.set_aside(&checked)?;
    let mut objects = Objects::of(aside.objects.keys());
    objects.settle(give_up)?;
    let mut came = lake::Outcome::default();
    let mut read = objects.files.len() + objects.remote.len();
    if read == 0 {
        lake.give_up(&aside)?;
    } else {
        let reach = Reach { source: &SourceArgs::default(), aws: &at.aws, queue: false, live: None, accounts: &[] };
        let mut intake = Intake::open(&objects.files, &reach, limits, global, words)?;
        intake.options.evidence = true;
        let mut connection = None;
        if !objects.remote.is_empty() {
            let opened = connect(&at.aws)?;
            intake.sources.add_remote(Arc::new(Deliveries::new(&opened).named(&objects.remote)));
            connection = Some(opened);
        }
        came = crate::commands::ingest::again(&intake, &mut lake, aside.clone(), &mut |failed, unlisted| {
            read -= failed.len().min(read);
            failed.iter().for_each(|reject| objects.look(reject, connection.as_ref()));
            if unlisted > 0 {
                objects.unread.push((format!("{} more objects", number(unlisted)), "could not be read".to_owned()));
            }
            objects.settle(give_up)
        })?;
    }
    let recovered = came.repaired;
    let lost = lost(&mut lake, &aside, recovered)?;
    lake.drop_beside(&checked)?;
    lake.let_go(&back.missing)?;
    for table in lake.count_again()? {
        mended.push(format!("{table}: counts every event of `events` again"));
    }
    if back.came_again {
        let fold = if lake.recount()? { ", and `trailhound lake compact` folds anew what was used" } else { "" };
        mended.push(format!("coverage: counts every event of `events` again: some had come twice{fold}"));
    }
    lake.refresh()?;
    let has_no_ledger = |fault: &lake::log::LogFault| fault.file.starts_with(lake::schema::OBJECTS);
    let has_no_ledger = checked.log.iter().any(has_no_ledger)
        || checked.damaged.iter().any(|damage| damage.table == lake::schema::OBJECTS)
        || mended.iter().any(|what| what.starts_with(lake::schema::OBJECTS));
    checked.log = lake.check_log()?.log;
    objects.gone.sort_unstable();
    let left_out: Vec<_> = objects.unread.iter().map(|(name, _)| name).collect();
    let value = json!({
        "files_set_aside": aside.files,
        "rows_in_them": aside.rows,
        "mended": mended,
        "told_again": told_again,
        "put_back": back.files,
        "rows_put_back": back.rows,
        "not_mended": checked.log,
        "objects_read_again": read,
        "objects_missing": objects.gone,
        "objects_left_out": left_out,
        "objects_changed": came.changed,
        "rows_recovered": recovered,
        "rows_lost": lost,
        "version": lake.version(),
    });
    let is_mended = !(mended.is_empty() && told_again.is_empty());
    answer(&value, global, |report| {
        report.title(&title(&aside, &checked, &back, is_mended))?;
        let rows = format!("{} of {} read again", number(recovered), number(aside.rows));
        let mut facts = vec![("events", rows), ("objects read again", number(read as u64))];
        facts.extend((back.rows > 0).then(|| ("events put back", number(back.rows))));
        report.facts(&facts)
    })?;
    say(&mended, &told_again, &back, &checked, words);
    for object in came.changed.iter().take(NAMED) {
        words.warning(&format!("{object}: its text is not what it was when the lake read it; put that back and run `trailhound ingest --again` on it"));
    }
    if lost > 0 && has_no_ledger {
        words.warning("the ledger (`objects`) is damaged as well, so nobody knows which objects those events came from: run `trailhound ingest` on all sources, which are read again");
    }
    tell(&objects, lost, &aside, words);
    let is_whole = lost == 0 && !aside.is_forgetful() && checked.log.is_empty();
    Ok(if is_whole { Outcome::Done } else { Outcome::Rejected })
}

/// The first line of the report.
fn title(aside: &SetAside, checked: &Checked, back: &PutBack, is_mended: bool) -> String {
    match aside.files {
        0 if !checked.log.is_empty() => "Delta's log is damaged, and no repair mends it".to_owned(),
        0 if !back.files.is_empty() => {
            format!("{} files put back that Delta's log had lost", number(back.files.len() as u64))
        }
        0 if !is_mended => "Nothing to repair".to_owned(),
        0 => "No data file is damaged".to_owned(),
        files => format!("{} damaged files set aside", number(files)),
    }
}

/// What was done, and what could not be.
fn say(mended: &[String], told_again: &[String], back: &PutBack, checked: &Checked, words: Words) {
    for what in mended {
        words.warning(what);
    }
    for file in told_again {
        words.note(&format!("{file}: the log says its day and times again as its rows have them"));
    }
    for file in &back.files {
        words.note(&format!("{file}: in its table again"));
    }
    for fault in &checked.log {
        words.warning(&format!(
            "{}: {}; put it back from a copy, or make a lake anew from the logs",
            fault.file, fault.why
        ));
    }
    if mended.iter().any(|what| what.starts_with("_trailhound/batches")) {
        words.warning(
            "the next ingest reads objects again that the ledger does not have, and `access` reads the events",
        );
    }
}

/// Rows that did not come back. What another repair has brought meanwhile is not lost, if the ledger can tell.
fn lost(lake: &mut Lake, aside: &SetAside, recovered: u64) -> Result<u64, Failure> {
    let lost = aside.rows.saturating_sub(recovered);
    if lost == 0 || aside.beside.contains_key(lake::schema::OBJECTS) {
        return Ok(lost);
    }
    lake.refresh()?;
    Ok(lost.min(lake.lacking()?))
}

fn connect(aws: &AwsArgs) -> Result<Connection, Failure> {
    Connection::open(&aws.to_options()).map_err(|error| Failure::Io(error.to_string()))
}

/// Whether a file is there.
fn is_there(path: &Path) -> Result<bool, String> {
    match std::fs::metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("{error}; look at the rights of the file and its folders")),
    }
}

impl Objects {
    /// Sorts the names of a ledger.
    fn of<'a>(names: impl Iterator<Item = &'a String>) -> Objects {
        let mut objects = Objects::default();
        for name in names {
            if let Some(Ok(place)) = Place::parse(name) {
                objects.remote.push(place);
                continue;
            }
            let once = match name.as_str() {
                "-" => Some("it came by standard input"),
                name if name.starts_with(aws::lookup::PLACE) => {
                    Some("it came from LookupEvents, which `trailhound ingest lookup:` asks again afterwards")
                }
                name if name.contains("://") => Some("it was a message"),
                _ => None,
            };
            match once.map_or_else(|| is_there(Path::new(name)), |why| Err(format!("{why} and cannot be read here"))) {
                Ok(true) => objects.files.push(PathBuf::from(name)),
                Ok(false) => objects.gone.push(name.clone()),
                Err(why) => objects.unread.push((name.clone(), why)),
            }
        }
        objects
    }

    /// An object that could not be read: whether it is gone.
    fn look(&mut self, failed: &Reject, connection: Option<&Connection>) {
        let name = failed.object.clone();
        let there = match (Place::parse(&name), connection) {
            (Some(Ok(place)), Some(connection)) => {
                let bucket = Bucket::new(connection, &place.bucket);
                bucket.has(&place.prefix).map_err(|error| error.why().to_owned())
            }
            _ => is_there(Path::new(&name)),
        };
        match there {
            Ok(false) => self.gone.push(name),
            Ok(true) => self.unread.push((name, failed.detail.clone())),
            Err(why) => self.unread.push((name, why)),
        }
    }

    /// Refuses to go on without objects that may be there.
    fn settle(&self, give_up: bool) -> Result<(), Failure> {
        let Some((name, why)) = self.unread.first().filter(|_| !give_up) else { return Ok(()) };
        let more = match self.unread.len() - 1 {
            0 => String::new(),
            more => format!(" (and {} more)", number(more as u64)),
        };
        Err(Failure::Io(format!(
            "{name}{more}: {why}; nothing was taken out of the lake: run it again when the object can be read (--profile, \
             --region and --endpoint-url say how), or with --give-up to lose its rows"
        )))
    }
}

/// Says on standard error what did not come back.
fn tell(objects: &Objects, lost: u64, aside: &SetAside, words: Words) {
    for object in objects.gone.iter().take(NAMED) {
        words.warning(&format!("{object}: not there any more; put it back and run `trailhound ingest --again` on it"));
    }
    for (object, why) in objects.unread.iter().take(NAMED) {
        words.warning(&format!("{object}: left out as asked: {why}"));
    }
    if lost > 0 {
        let lost = number(lost);
        words.warning(&format!(
            "{lost} events could not be read again; the damaged files are in _trailhound/quarantine"
        ));
    }
    for (table, rows) in &aside.beside {
        let then = match *table {
            lake::schema::OBJECTS => "the next ingest reads those objects again, and their events count once",
            lake::schema::DIGESTED => "`trailhound verify --lake` notes them again",
            lake::schema::REJECTS => "`trailhound ingest --again` of the objects refuses those records again",
            lake::schema::COVERAGE => "it counts the events that are there",
            lake::schema::LAST_USED | lake::schema::ACTIVITY => {
                "`trailhound lake compact` makes them anew from the events; until then `access` reads those"
            }
            _ => "what they remember of before is gone",
        };
        // Of a file that the log says nothing of any more nobody knows how many it had.
        let lost = if *rows == 0 { "a file".to_owned() } else { format!("{} rows", number(*rows)) };
        words.warning(&format!("the table {table} lost {lost}: {then}"));
    }
}
