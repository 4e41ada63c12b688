//! Decisions a second on one thread: may this principal do this? Beside the npm simulator `@cloud-copilot/iam-simulate` on
//! the same cases in the same run, taking turns, verdicts compared.
//!
//!     cargo bench -p trailhound-access --bench decide
//!
//! Two suites: `role` is one principal (a handful of policies, a boundary, two levels of service control policies,
//! conditions on address, tags and variables) and 4,096 requests that are drawn for it; `published` is the 3,000 random
//! cases of `../shared/data`, each with policies of its own, where they are there. Policies are parsed and compiled
//! beforehand on both sides; what is timed is deciding. Without npm and node ours are measured alone.
#![allow(clippy::print_stdout)]

#[path = "decide/cases.rs"]
mod cases;
#[path = "decide/peer.rs"]
mod peer;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use access::policy::{Guards, Principal, Request};
use access::simulate::Ready;
use serde_json::Value;

/// What everything here may fail with.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Decisions a second that issue 8 asks for.
const GOAL: f64 = 1_000_000.0;
/// How often the two take turns, and how long one turn lasts.
const ROUNDS: usize = 5;
const TURN: Duration = Duration::from_millis(1500);

fn main() -> Outcome<()> {
    let home = peer::home();
    if let Err(reason) = &home {
        println!("SKIPPED: the npm simulator: {reason}");
    }
    let role = cases::role();
    let ready = role.iter().map(Ready::read).collect::<Result<Vec<_>, _>>()?;
    // One principal that is asked everything, not a copy for each request.
    let one = ready.first().ok_or("no cases")?;
    let asked: Vec<Asked<'_>> = ready.iter().map(|case| (&one.principal, &one.guards, case.asked.request())).collect();
    let ours = suite("role", &role, &asked, home.as_deref().ok(), &[])?;
    println!("RESULT\tdecisions on a compiled principal\tgoal\t1,000,000/s\t{ours:.0}/s\t{}", met(ours >= GOAL));
    let Some(published) = cases::published()? else {
        println!("SKIPPED: ../shared/data absent (iam/dev/eval_generated.jsonl.gz)");
        return Ok(());
    };
    let ready = published.iter().map(Ready::read).collect::<Result<Vec<_>, _>>()?;
    let asked: Vec<Asked<'_>> =
        ready.iter().map(|case| (&case.principal, &case.guards, case.asked.request())).collect();
    suite("published", &published, &asked, home.as_deref().ok(), cases::SHIFTED)?;
    Ok(())
}

/// A principal, what stands at the resource, and the request.
type Asked<'a> = (&'a Principal, &'a Guards, Request<'a>);

fn met(yes: bool) -> &'static str {
    if yes { "met" } else { "missed" }
}

/// Measures a suite on both sides and compares the verdicts; gives our decisions a second.
fn suite(
    name: &str,
    cases: &[Value],
    asked: &[Asked<'_>],
    home: Option<&std::path::Path>,
    known: &[&str],
) -> Outcome<f64> {
    let mut peer = home.map(|home| peer::Peer::start(home, cases)).transpose()?;
    let verdicts: Vec<&str> = asked.iter().map(|asked| decide(asked)).collect();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    verdicts.iter().for_each(|verdict| *kinds.entry(verdict).or_default() += 1);
    println!("{name}: {} cases: {kinds:?}", cases.len());
    let (mut ours, mut theirs) = (0.0_f64, 0.0_f64);
    for _round in 0..ROUNDS {
        ours = ours.max(turn(asked));
        if let Some(peer) = &mut peer {
            theirs = theirs.max(peer.turn(TURN)?);
        }
    }
    println!("{name}: trailhound {ours:.0} decisions/s on one thread");
    let Some(peer) = peer else { return Ok(ours) };
    println!("{name}: iam-simulate {theirs:.0} decisions/s on one thread (node {})", peer.version);
    println!("{name}: ratio {:.0} x", ours / theirs);
    compare(name, cases, &verdicts, &peer.verdicts, known)?;
    Ok(ours)
}

/// Our decisions a second, over one turn.
fn turn(asked: &[Asked<'_>]) -> f64 {
    let (start, mut count) = (Instant::now(), 0_u64);
    while start.elapsed() < TURN {
        for asked in asked {
            black_box(decide(black_box(asked)));
        }
        count += asked.len() as u64;
    }
    count as f64 / start.elapsed().as_secs_f64()
}

fn decide(asked: &Asked<'_>) -> &'static str {
    let (principal, guards, request) = asked;
    principal.decide(request, guards).outcome.as_str()
}

/// Tells how many verdicts are alike. Another answer than the peer's, but for the known ones, fails the bench.
fn compare(name: &str, cases: &[Value], ours: &[&str], theirs: &[String], known: &[&str]) -> Outcome<()> {
    let (mut alike, mut told, mut unknown) = (0, 0, 0);
    for ((case, ours), theirs) in cases.iter().zip(ours).zip(theirs) {
        let id = case.get("id").and_then(Value::as_str).unwrap_or_default();
        if ours == theirs {
            alike += 1;
        } else if known.contains(&id) {
            told += 1;
        } else {
            unknown += 1;
            println!("{name}: {id}: trailhound {ours}, iam-simulate {theirs}: {case}");
        }
    }
    println!("{name}: verdicts alike in {alike} of {}; {told} known to differ, {unknown} not known", cases.len());
    if unknown > 0 { Err(format!("{name}: verdicts differ").into()) } else { Ok(()) }
}
