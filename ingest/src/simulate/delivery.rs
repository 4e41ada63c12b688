//! Delivery: events in order of time, cut into files, compressed and put where S3 would have them.
//!
//! One thread writes one account and region of one day at a time and holds no more than one file. Key layout and
//! delivery delay follow "CloudTrail log file names" and "How CloudTrail works" in the AWS CloudTrail user guide:
//! a file is named by the time of its delivery, so that the last events of a day lie in the next day's folder.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use libdeflater::{CompressionLvl, Compressor};

use super::calendar::{HOUR_S, civil};
use super::cast::Cast;
use super::chains::{self, Chain, Links, Step};
use super::dice::{Dice, label, push_alnum};
use super::organisation::{Unit, World};
use super::scribe::{Moment, Outcome, Scribe};
use super::sessions;
use super::template::Account;
use super::{Error, REGIONS};

/// CloudTrail delivers every five minutes.
const DELIVERY_S: i64 = 300;

/// What has been written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub events: u64,
    pub duplicates: u64,
    pub files: u64,
    pub bytes_gz: u64,
    pub bytes_json: u64,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.events += other.events;
        self.duplicates += other.duplicates;
        self.files += other.files;
        self.bytes_gz += other.bytes_gz;
        self.bytes_json += other.bytes_json;
    }
}

/// Writes all files. Which thread writes a unit makes no difference to what it holds.
pub(super) fn deliver(world: &World, out: &Path) -> Result<Tally, Error> {
    let trail = out.join("AWSLogs");
    fs::create_dir_all(&trail).map_err(|source| Error::write(&trail, source))?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(world.units());
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
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
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
                let links = Links {
                    accounts: &world.accounts,
                    platform: &world.platform,
                    catalogue: &world.catalogue,
                };
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

/// Where a unit's files lie.
struct Address<'a> {
    out: &'a Path,
    world: &'a World,
    account: &'a Account,
    region: usize,
}

/// The file that is being filled.
#[derive(Default)]
struct Shelf {
    text: String,
    records: u32,
    last: i64,
    /// Copies that the next file delivers again.
    late: Vec<String>,
    gz: Vec<u8>,
    packer: Option<Compressor>,
    folder: std::path::PathBuf,
    name: String,
    made: String,
    dice: Option<Dice>,
    tally: Tally,
}

impl Shelf {
    fn open(&mut self, address: &Address<'_>, dice: &mut Dice) {
        let region = REGIONS.get(address.region).copied().unwrap_or(REGIONS[0]);
        let account = &address.account.id;
        self.folder = address.out.join("AWSLogs");
        if let Some(organisation) = &address.world.organisation {
            self.folder.push(organisation);
        }
        self.folder.extend([account.as_str(), "CloudTrail", region]);
        self.name = format!("{account}_CloudTrail_{region}_");
        self.made.clear();
        self.dice = Some(Dice::new(&[dice.next()]));
    }

    /// Gets ready for a record and says where it will start.
    fn begin(&mut self) -> usize {
        self.text.push_str(if self.records == 0 { "{\"Records\":[" } else { "," });
        self.text.len()
    }

    fn keep_copy(&mut self, start: usize) {
        self.late.extend(self.text.get(start..).map(str::to_owned));
    }

    fn finish(&mut self, time: i64, events_per_file: u32) -> Result<(), Error> {
        self.records += 1;
        self.last = time;
        self.tally.events += 1;
        // A copy that was kept from this very file waits for the next one.
        if self.records >= events_per_file { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.text.push_str("]}");
        let copies = std::mem::take(&mut self.late);
        self.put()?;
        self.text.clear();
        self.records = 0;
        for copy in copies {
            self.begin();
            self.text.push_str(&copy);
            self.records += 1;
            self.tally.duplicates += 1;
        }
        Ok(())
    }

    /// Writes what is left of a unit. Copies that no later file took go twice into the last.
    fn close(&mut self) -> Result<(), Error> {
        for copy in std::mem::take(&mut self.late) {
            self.begin();
            self.text.push_str(&copy);
            self.records += 1;
            self.tally.duplicates += 1;
        }
        if self.records > 0 { self.flush() } else { Ok(()) }
    }

    /// Compresses the text and says how long it is then. libdeflate writes no modification time and finds the same
    /// matches on every processor, so the bytes depend on the text alone; its level 1 packs as real files are packed.
    fn pack(&mut self) -> std::io::Result<usize> {
        let packer = self.packer.get_or_insert_with(|| Compressor::new(CompressionLvl::fastest()));
        let bound = packer.gzip_compress_bound(self.text.len());
        if self.gz.len() < bound {
            self.gz.resize(bound, 0);
        }
        packer.gzip_compress(self.text.as_bytes(), &mut self.gz).map_err(std::io::Error::other)
    }

    fn put(&mut self) -> Result<(), Error> {
        let delivered = (self.last + DELIVERY_S).div_euclid(DELIVERY_S) * DELIVERY_S + DELIVERY_S;
        let (year, month, day, hour, minute, _) = civil(delivered);
        let date = format!("{year:04}/{month:02}/{day:02}");
        let folder = self.folder.join(&date);
        if self.made != date {
            fs::create_dir_all(&folder).map_err(|source| Error::write(&folder, source))?;
            self.made = date;
        }
        let mut name = format!("{}{year:04}{month:02}{day:02}T{hour:02}{minute:02}Z_", self.name);
        push_alnum(&mut name, self.dice.as_mut().map_or(0, Dice::next), 16);
        name.push_str(".json.gz");
        let path = folder.join(name);
        self.gz.clear();
        let length = self.pack().map_err(|source| Error::write(&path, source))?;
        let packed = self.gz.get(..length).unwrap_or_default();
        fs::write(&path, packed).map_err(|source| Error::write(&path, source))?;
        self.tally.files += 1;
        self.tally.bytes_gz += length as u64;
        self.tally.bytes_json += self.text.len() as u64;
        Ok(())
    }
}
