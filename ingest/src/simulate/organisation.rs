//! Organisation: the accounts, and how the plan's events are divided among them and among the kinds of events.

use super::calendar::{Calendar, share};
use super::calls::Catalogue;
use super::cast::Cast;
use super::dice::{below, label, mix};
use super::planted::{self, Script};
use super::template::Account;
use super::{Plan, Planted, REGIONS, chains, sessions};

const ALIASES: [&str; 8] = ["platform", "production", "staging", "data", "sandbox", "security", "network", "archive"];

/// How busy regions are, relative to each other, in the order of [`REGIONS`].
const REGION_WEIGHTS: [u64; REGIONS.len()] = [5, 3, 2];

/// Everything that a plan decides before the first event is written. Read by all threads.
pub(super) struct World {
    pub seed: u64,
    pub calendar: Calendar,
    pub organisation: Option<String>,
    pub accounts: Vec<Account>,
    pub catalogue: Catalogue,
    /// Cast of the first account, where chains begin.
    pub platform: Cast,
    pub events_per_file: u32,
    pub scripts: Vec<Script>,
    pub planted: Vec<Planted>,
    /// Chains in the period.
    pub chains: u64,
    /// Sessions that a machine begins in a day.
    pub session_level: u32,
    filler: u64,
    /// Sum of the hours' weights of all days up to each, and of all.
    day_marks: Vec<u64>,
}

/// One account and region on one day: what one thread writes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    pub account: u32,
    pub region: usize,
    pub day: u32,
}

impl World {
    pub(super) fn new(plan: &Plan) -> World {
        let calendar = Calendar::new(plan);
        let catalogue = Catalogue::new();
        let accounts = accounts(plan);
        let platform = first_cast(&accounts, &catalogue);
        let (scripts, planted) = planted::plant(plan, &calendar, &accounts, &catalogue);
        let room = plan.events - (scripts.len() as u64).min(plan.events);
        let session_level = session_level(&calendar, plan.accounts, room);
        let room = room - starts(&calendar, plan.accounts, session_level);
        let chains = (plan.events / 200).min(room / chains::EVENTS / 4);
        let mut day_marks = vec![0];
        for day in 0..calendar.days {
            day_marks.push(day_marks.last().copied().unwrap_or(0) + calendar.day_weight(day));
        }
        let organisation = (plan.accounts > 1).then(|| {
            let mut id = String::from("o-");
            super::dice::push_hex(&mut id, mix(&[plan.seed, label("organisation")]), 10);
            id
        });
        World {
            seed: plan.seed,
            calendar,
            organisation,
            accounts,
            catalogue,
            platform,
            events_per_file: plan.events_per_file,
            scripts,
            planted,
            chains,
            session_level,
            filler: room - chains * chains::EVENTS,
            day_marks,
        }
    }

    /// How many units there are.
    pub(super) fn units(&self) -> usize {
        self.accounts.len() * REGIONS.len() * self.calendar.days as usize
    }

    /// Units are numbered by account, then region, then day, so that one thread stays with one cast for long.
    pub(super) fn unit(&self, number: usize) -> Unit {
        let days = self.calendar.days as usize;
        let stream = number / days;
        Unit { account: (stream / REGIONS.len()) as u32, region: stream % REGIONS.len(), day: (number % days) as u32 }
    }

    /// Everyday events of each hour of a unit.
    pub(super) fn filler(&self, unit: Unit) -> [u64; 24] {
        let per_account: u64 = REGION_WEIGHTS.iter().sum();
        let before: u64 = (0..unit.account).map(account_weight).sum::<u64>() * per_account
            + REGION_WEIGHTS.iter().take(unit.region).sum::<u64>() * account_weight(unit.account);
        let own = account_weight(unit.account) * REGION_WEIGHTS.get(unit.region).copied().unwrap_or(0);
        let all: u64 = (0..self.accounts.len() as u32).map(account_weight).sum::<u64>() * per_account;
        let period = self.day_marks.last().copied().unwrap_or(0);
        let day_mark = self.day_marks.get(unit.day as usize).copied().unwrap_or(0);
        let mut mark = before * period + own * day_mark;
        let mut hours = [0; 24];
        for (hour, events) in (0..).zip(hours.iter_mut()) {
            let next = mark + own * self.calendar.weight(unit.day, hour);
            *events = share(self.filler, mark, next, all * period);
            mark = next;
        }
        hours
    }
}

fn account_weight(index: u32) -> u64 {
    match index {
        0 => 2,
        1 => 6,
        _ => 3,
    }
}

fn accounts(plan: &Plan) -> Vec<Account> {
    (0..plan.accounts)
        .map(|index| {
            let seed = mix(&[plan.seed, label("account"), u64::from(index)]);
            let number = 100_000_000_000 + u64::from(below(seed, 899_999)) * 1_000_000 + seed % 1_000_000;
            let alias = match ALIASES.get(index as usize) {
                Some(alias) => (*alias).to_owned(),
                None => format!("team-{index:03}"),
            };
            let data_events = plan.accounts == 1 || index + 1 < plan.accounts;
            Account { index, id: number.to_string(), alias, seed, data_events }
        })
        .collect()
}

fn first_cast(accounts: &[Account], catalogue: &Catalogue) -> Cast {
    match accounts.first() {
        Some(first) => Cast::new(first, catalogue),
        None => Cast::empty(),
    }
}

/// The most sessions a day whose beginnings stay below an eighth of all events.
fn session_level(calendar: &Calendar, accounts: u32, room: u64) -> u32 {
    [4, 2, 1].into_iter().find(|level| starts(calendar, accounts, *level) <= room / 8).unwrap_or(0)
}

fn starts(calendar: &Calendar, accounts: u32, level: u32) -> u64 {
    sessions::starts_in_period(calendar, true, level)
        + sessions::starts_in_period(calendar, false, level) * u64::from(accounts - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_an_hour() {
        for (events, accounts, days) in [(10, 1, 1), (1_000, 2, 9), (50_000, 3, 120), (1_000_000, 5, 31)] {
            let plan = Plan { events, accounts, days, ..Plan::default() };
            let world = World::new(&plan);
            let filler: u64 = (0..world.units()).flat_map(|n| world.filler(world.unit(n))).sum();
            assert_eq!(filler, world.filler);
            let starts = starts(&world.calendar, accounts, world.session_level);
            let all = filler + starts + world.chains * chains::EVENTS + world.scripts.len() as u64;
            assert_eq!(all, events);
        }
    }

    #[test]
    fn account_ids_are_twelve_digits_and_differ() {
        let plan = Plan { accounts: 1_000, ..Plan::default() };
        let mut ids: Vec<String> = accounts(&plan).into_iter().map(|account| account.id).collect();
        assert!(ids.iter().all(|id| id.len() == 12));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 1_000);
    }
}
