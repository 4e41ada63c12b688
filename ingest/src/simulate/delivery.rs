//! Delivery: all events of the plan, in order of time, divided among threads.
//!
//! One thread writes one account and region of one day at a time: it merges the everyday events that fill the hours
//! with those that have a set time. How files are cut and named is the shelf's affair.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::Error;
use super::calendar::HOUR_S;
use super::cast::Cast;
use super::chains::{self, Chain, Links, Step};
use super::dice::{Dice, label};
use super::organisation::{Unit, World};
use super::scribe::{Moment, Outcome, Scribe};
use super::sessions;
use super::shelf::{Address, Shelf, Tally};
use super::template::Account;

/// Writes all files. Which thread writes a unit makes no difference to what it holds.
pub(super) fn deliver(world: &World, out: &Path, threads: usize) -> Result<Tally, Error> {
    let trail = out.join("AWSLogs");
    fs::create_dir_all(&trail).map_err(|source| Error::write(&trail, source))?;
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || -> Result<Tally, Error> {
        let mut clerk = Clerk::new(world, out);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= world.units() || failed.load(Ordering::Relaxed) {
                return Ok(clerk.shelf.tally);
            }
            clerk.unit(world.unit(number)).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
        }
    };
    let tallies: Vec<Result<Tally, Error>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads.min(world.units())).map(|_| scope.spawn(work)).collect();
        let joined = handles.into_iter().map(|handle| match handle.join() {
            Ok(tally) => tally,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    });
    let mut sum = Tally::default();
    for tally in tallies {
        sum.add(&tally?);
    }
    Ok(sum)
}

/// One thread's writer.
struct Clerk<'w> {
    world: &'w World,
    out: &'w Path,
    /// Cast of the account that was last written.
    cast: Option<(u32, Cast)>,
    scribe: Scribe,
    shelf: Shelf,
}

/// An event with a set time, as against the everyday ones that fill the hours.
enum Due {
    Script(usize),
    Start(usize),
    Chain(Chain, Step),
}

impl<'w> Clerk<'w> {
    fn new(world: &'w World, out: &'w Path) -> Clerk<'w> {
        Clerk { world, out, cast: None, scribe: Scribe::default(), shelf: Shelf::default() }
    }

    fn unit(&mut self, unit: Unit) -> Result<(), Error> {
        let world = self.world;
        let Some(account) = world.accounts.get(unit.account as usize) else { return Ok(()) };
        let cast = match self.cast.take() {
            Some((of, cast)) if of == unit.account => cast,
            _ => Cast::new(account, &world.catalogue),
        };
        let place = [u64::from(unit.account), unit.region as u64, u64::from(unit.day)];
        let mut dice = Dice::new(&[world.seed, label("unit"), place[0], place[1], place[2]]);
        self.shelf.open(&Address { out: self.out, world, account, region: unit.region }, &mut dice);
        let written = self.events(unit, account, &cast, &mut dice);
        self.cast = Some((unit.account, cast));
        written
    }

    fn events(&mut self, unit: Unit, account: &Account, cast: &Cast, dice: &mut Dice) -> Result<(), Error> {
        let world = self.world;
        let mut dues = dues(world, unit, cast).into_iter().peekable();
        let day_start = world.calendar.day_start(unit.day);
        for (hour, events) in (0_u32..).zip(world.filler(unit)) {
            let shift = world.calendar.shift(unit.day, hour);
            for nth in 0..events {
                // Each event has its own slice of the hour: random times that are in order as they come.
                let within = (nth as f64 + f64::from(dice.below(1_000)) / 1_000.0) / events as f64;
                let time = day_start + i64::from(hour) * HOUR_S + (within * HOUR_S as f64) as i64;
                while let Some((due, what)) = dues.next_if(|(due, _)| *due <= time) {
                    self.due(unit, account, cast, due, &what, dice)?;
                }
                let moment = Moment { account, region: unit.region, time };
                if let Some(actor) = cast.pick(unit.region, shift, dice) {
                    let start = self.shelf.begin();
                    everyday(&mut self.scribe, &mut self.shelf.text, world, &moment, actor, dice);
                    if dice.below(1_500) == 0 {
                        self.shelf.keep_copy(start);
                    }
                    self.shelf.finish(time, self.world.events_per_file)?;
                }
            }
        }
        for (due, what) in dues {
            self.due(unit, account, cast, due, &what, dice)?;
        }
        self.shelf.close()
    }

    fn due(
        &mut self,
        unit: Unit,
        account: &Account,
        cast: &Cast,
        time: i64,
        what: &Due,
        dice: &mut Dice,
    ) -> Result<(), Error> {
        let world = self.world;
        self.shelf.begin();
        let out = &mut self.shelf.text;
        let moment = Moment { account, region: unit.region, time };
        match what {
            Due::Script(at) => out.push_str(world.scripts.get(*at).map_or("", |script| &script.text)),
            Due::Start(actor) => {
                if let Some(actor) = cast.actors.get(*actor) {
                    sessions::write_start(out, &moment, actor, dice);
                }
            }
            Due::Chain(chain, step) => {
                let links = Links { accounts: &world.accounts, platform: &world.platform, catalogue: &world.catalogue };
                links.write_step(out, chain, step, &mut self.scribe);
            }
        }
        self.shelf.finish(time, world.events_per_file)
    }
}

/// Events of a unit with a set time, in order.
fn dues(world: &World, unit: Unit, cast: &Cast) -> Vec<(i64, Due)> {
    let mut dues: Vec<(i64, Due)> = Vec::new();
    let from = world.calendar.day_start(unit.day);
    let until = world.calendar.day_start(unit.day + 1);
    let starts = sessions::starts_on_day(cast, &world.calendar, unit.region, unit.day, world.session_level);
    dues.extend(starts.into_iter().map(|(time, actor)| (time, Due::Start(actor))));
    let accounts = world.accounts.len() as u32;
    for chain in chains::on_day(world.seed, &world.calendar, accounts, world.chains, unit.day) {
        if chain.region == unit.region {
            let own = chain.steps().into_iter().filter(|step| step.account == unit.account);
            dues.extend(own.map(|step| (step.time, Due::Chain(chain, step))));
        }
    }
    for (at, script) in world.scripts.iter().enumerate() {
        let here = script.account == unit.account && script.region == unit.region;
        if here && (from..until).contains(&script.time) {
            dues.push((script.time, Due::Script(at)));
        }
    }
    dues.sort_by_key(|(time, _)| *time);
    dues
}

/// Appends an everyday event.
fn everyday(
    scribe: &mut Scribe,
    out: &mut String,
    world: &World,
    moment: &Moment<'_>,
    actor: &super::cast::Actor,
    dice: &mut Dice,
) {
    let picks = if moment.region == 0 { &actor.main_region } else { &actor.other_regions };
    let denied = if picks.tries.is_empty() { None } else { Some(&picks.tries) }.filter(|_| dice.chance(30));
    let (call, mut outcome) = match denied.and_then(|tries| super::scribe::choose(tries, dice)) {
        Some(call) => (Some(*call), Outcome::Denied),
        None => (picks.pick(dice), Outcome::Done),
    };
    let fallback = || world.catalogue.named("sts:GetCallerIdentity");
    let Some(ready) = call.and_then(|call| world.catalogue.get(call)).or_else(fallback) else { return };
    if outcome == Outcome::Done && ready.call.form == super::calls::Form::Api {
        outcome = match dice.below(1_000) {
            0..=14 if !ready.call.failure.0.is_empty() => Outcome::Failed,
            995.. => Outcome::Throttled,
            _ => Outcome::Done,
        };
    }
    scribe.write_deed(out, moment, actor, ready, outcome, dice);
}
