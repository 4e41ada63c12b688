//! `trailhound doctor`: whether everything is there that a command needs, and what to do about what is not.

mod local;

use std::collections::BTreeSet;
use std::io;

use aws::doctor::{Check, State, bucket, identity, queue, trail};
use aws::{Connection, Place};
use serde_json::json;

use crate::cli::{DoctorArgs, Global};
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
    let remote = |path: &std::path::PathBuf| crate::remote::is_remote(path) || super::ingest::queue::is_one(path);
    let (remote, local): (Vec<_>, Vec<_>) = args.paths.iter().partition(|path| remote(path));
    let lake = args.lake.lake.as_deref();
    let lake_is_remote = lake.is_some_and(|lake| Place::parse(lake).is_some());
    if !remote.is_empty() || lake_is_remote || (local.is_empty() && lake.is_none()) {
        in_aws(args, &remote, &mut checks)?;
    }
    for path in local {
        local::folder(path, &mut checks);
    }
    if let Some(lake) = lake {
        local::lake(lake, &args.lake.aws.to_lake(), !lake_is_remote, &mut checks);
    }
    Ok(checks)
}

fn in_aws(args: &DoctorArgs, remote: &[&std::path::PathBuf], checks: &mut Vec<Check>) -> Result<(), Failure> {
    let connection = Connection::open(&args.lake.aws.to_options()).map_err(|error| Failure::Io(error.to_string()))?;
    let known = args.lake.aws.no_sign_request || identity::credentials(&connection, checks).is_some();
    if !known {
        // Everything else would say the same again.
        identity::clock(&connection, checks);
        return Ok(());
    }
    let mut buckets = BTreeSet::new();
    for path in remote {
        let text = path.to_str().unwrap_or_default();
        if let Some(name) = super::ingest::queue::of(std::slice::from_ref(path)) {
            queue::examine(&connection, &name, checks);
        } else if let Some(place) = Place::parse(text) {
            let place = place.map_err(Failure::Usage)?;
            bucket::examine(&connection, &place, checks);
            buckets.insert(place.bucket);
        } else {
            identity::lookup(&connection, checks);
        }
    }
    let trails = !buckets.is_empty() || args.paths.is_empty() && args.lake.lake.is_none();
    if trails && !args.lake.aws.no_sign_request {
        trail::examine(&connection, &buckets, checks);
    }
    identity::clock(&connection, checks);
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
