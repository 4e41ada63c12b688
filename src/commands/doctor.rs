//! `trailhound doctor`: whether everything is there that a command needs, and what to do about what is not.

mod local;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use aws::doctor::{Check, State, bucket, identity, queue, trail};
use aws::{Connection, Options, Place};
use serde_json::json;

use crate::cli::{DoctorArgs, Global};
use crate::config::{self, Config};
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;
use crate::render::{self, Output};

pub(crate) fn run(args: &DoctorArgs, global: &Global) -> Result<Outcome, Failure> {
    if matches!(global.output, Output::Csv | Output::Parquet | Output::Arrow) {
        return Err(Failure::Usage("checks are not rows: use --output table or json".to_owned()));
    }
    let checks = examine(args)?;
    let count = |state: State| checks.iter().filter(|check| check.state == state).count();
    let value = json!({
        "ok": count(State::Ok),
        "warn": count(State::Warn),
        "fail": count(State::Fail),
        "checks": checks,
    });
    let mut out = io::stdout();
    match global.output {
        Output::Json => render::settle(render::json::document(&value, &mut out))?,
        Output::Jsonl => render::settle(render::json::document_line(&value, &mut out))?,
        _ => render::settle(report(&checks, &mut Report::new(&mut out, Terminal::stdout(global.no_color))))?,
    }
    Ok(if count(State::Fail) > 0 { Outcome::Findings } else { Outcome::Done })
}

fn examine(args: &DoctorArgs) -> Result<Vec<Check>, Failure> {
    let mut checks = Vec::new();
    let config = match &args.config {
        Some(file) => Config::load(Some(file), config::variables()).map_err(Failure::Usage)?,
        None => Config::default(),
    };
    let paths: BTreeSet<&PathBuf> = args.paths.iter().chain(config.watch.source.iter().flatten()).collect();
    let remote = |path: &&&PathBuf| crate::remote::is_remote(path) || super::ingest::queue::is_one(path);
    let (remote, local): (Vec<_>, Vec<_>) = paths.iter().partition(remote);
    let lake = args.lake.lake.as_deref().or(config.lake.place.as_deref());
    let lake_is_remote = lake.is_some_and(|lake| Place::parse(lake).is_some());
    let nothing = paths.is_empty() && lake.is_none();
    if !remote.is_empty() || lake_is_remote || nothing || !config.accounts.is_empty() {
        let own = !remote.is_empty() || lake_is_remote || config.accounts.is_empty();
        in_aws(args, &config, own.then_some(&remote), nothing, &mut checks)?;
    }
    for path in local {
        local::folder(path, &mut checks);
    }
    if let Some(lake) = lake {
        local::lake(lake, &args.lake.aws.to_lake(), !lake_is_remote, &mut checks);
    }
    Ok(checks)
}

/// What may be asked of AWS: our own places, where there are some, and those of the accounts of a configuration.
fn in_aws(
    args: &DoctorArgs,
    config: &Config,
    own: Option<&Vec<&&PathBuf>>,
    nothing: bool,
    checks: &mut Vec<Check>,
) -> Result<(), Failure> {
    let aws = super::watch::aws(&args.lake.aws, config);
    let (mut known, mut buckets) = (Vec::new(), BTreeSet::new());
    let open = |options: &Options| Connection::open(options).map_err(|error| Failure::Io(error.to_string()));
    if let Some(places) = own {
        let connection = open(&aws.to_options())?;
        if aws.no_sign_request || identity::credentials(&connection, checks).is_some() {
            let places: Vec<&str> = places.iter().map(|place| place.to_str().unwrap_or_default()).collect();
            look(&connection, &places, &mut buckets, checks)?;
            known.push(connection);
        } else {
            // Everything else would say the same again.
            identity::clock(&connection, checks);
        }
    }
    for account in &config.accounts {
        let (connection, mut found) = (open(&account.options(&aws))?, Vec::new());
        if identity::credentials(&connection, &mut found).is_some() {
            let places: Vec<&str> = account.places.iter().map(String::as_str).collect();
            look(&connection, &places, &mut buckets, &mut found)?;
            known.push(connection);
        }
        checks.extend(
            found
                .into_iter()
                .map(|check| Check { about: format!("account {}: {}", account.name, check.about), ..check }),
        );
    }
    if (!buckets.is_empty() || nothing) && !aws.no_sign_request && !known.is_empty() {
        trail::examine(&known.iter().collect::<Vec<_>>(), &buckets, checks);
    }
    if let Some(connection) = known.first() {
        identity::clock(connection, checks);
    }
    Ok(())
}

/// Looks at places that are reached in one way.
fn look(
    connection: &Connection,
    places: &[&str],
    buckets: &mut BTreeSet<String>,
    checks: &mut Vec<Check>,
) -> Result<(), Failure> {
    for text in places {
        if let Some(name) = super::ingest::queue::of(&[PathBuf::from(text)]) {
            queue::examine(connection, &name, checks);
        } else if let Some(place) = Place::parse(text) {
            let place = place.map_err(Failure::Usage)?;
            bucket::examine(connection, &place, checks);
            buckets.insert(place.bucket);
        } else {
            identity::lookup(connection, checks);
        }
    }
    Ok(())
}

fn report(checks: &[Check], report: &mut Report<'_>) -> io::Result<()> {
    let bad = |state: State| checks.iter().filter(|check| check.state == state).count() as u64;
    let total = number(checks.len() as u64);
    report.title(&match (bad(State::Fail), bad(State::Warn)) {
        (0, 0) => format!("All {total} checks are well"),
        (0, warn) => format!("Nothing is broken; {} of {total} checks want a look", number(warn)),
        (fail, _) => format!("{} of {total} checks FAILED", number(fail)),
    })?;
    for check in checks {
        report.finding(check.state.name(), &format!("{}: {}: {}", check.check, check.about, check.seen))?;
        if let Some(next) = &check.next {
            report.detail("do", next)?;
        }
    }
    Ok(())
}
