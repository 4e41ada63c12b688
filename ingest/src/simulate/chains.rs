//! Chains: people who assume a role, often through another role and into another account, and work with it.
//!
//! A chain is eight events, all of one day and one region: the AssumeRole calls (each recorded again in the
//! role's account when that is another one, under one `sharedEventID`), then the work. The access key that one
//! hop hands out signs the next. Where the person's identity is carried along, it is in `sourceIdentity`.

use super::REGIONS;
use super::calendar::{Calendar, HOUR_S, push_time, push_us_time, share};
use super::calls::Catalogue;
use super::cast::{Actor, Cast};
use super::dice::{Dice, below, label, mix, push_base32};
use super::identity::{principal, role_identity, unique_id};
use super::personas::{self, Persona};
use super::record::{Assumed, Record, push_credentials};
use super::scribe::{Caller, Moment, Outcome, Scribe};
use super::template::Account;

/// Events of one chain.
pub(super) const EVENTS: u64 = 8;

/// People of the platform account who assume roles: user or role name, and session where there are several.
const PEOPLE: [(&str, &str); 3] = [
    ("alice.martin", ""),
    ("AWSReservedSSO_AdministratorAccess_5f2c1d7e9a3b4c60", "zoe.nunez@example.com"),
    ("AWSReservedSSO_AdministratorAccess_5f2c1d7e9a3b4c60", "henrik.lund@example.com"),
];

const FIRST_ROLE: &str = "platform-deploy";
const AGENT: &str = "aws-cli/2.31.21 md/awscrt#0.28.2 ua/2.1 os/macos#25.0.0 md/arch#arm64 lang/python#3.13.7 md/pyimpl#CPython m/C,E,b cfg/retry-mode#standard md/installer#exe md/prompt#off";

/// One chain, before it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chain {
    seed: u64,
    pub time: i64,
    pub region: usize,
    person: usize,
    /// Account whose role is assumed last.
    target: u32,
    /// Through the platform's own role first.
    two_hops: bool,
    carries_person: bool,
}

/// One event of a chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub time: i64,
    pub account: u32,
    deed: Deed,
    /// Which event of the chain: decides its ids.
    nth: u64,
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    /// Assumes the role of a hop; `copy` is the record in the role's account.
    Assume {
        hop: u64,
        copy: bool,
    },
    Work,
}

/// Chains that begin on a day, of `total` in the period.
pub(super) fn on_day(seed: u64, calendar: &Calendar, accounts: u32, total: u64, day: u32) -> Vec<Chain> {
    let count = share(total, u64::from(day), u64::from(day) + 1, u64::from(calendar.days));
    (0..count)
        .map(|nth| {
            let seed = mix(&[seed, label("chain"), u64::from(day), nth]);
            let draw = |n: u64| mix(&[seed, n]);
            let hour = i64::from(7 + below(draw(1), 11));
            Chain {
                seed,
                time: calendar.day_start(day) + hour * HOUR_S + i64::from(below(draw(2), 3_000)),
                region: [0, 0, 0, 1, 1, 2][below(draw(3), 6) as usize],
                person: below(draw(4), PEOPLE.len() as u32) as usize,
                target: below(draw(5), accounts.max(2) - 1) + u32::from(accounts > 1),
                two_hops: draw(6) % 5 < 3,
                carries_person: draw(7) % 2 == 0,
            }
        })
        .collect()
}

impl Chain {
    /// Its events in order of time.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::with_capacity(EVENTS as usize);
        let mut time = self.time;
        let mut add = |account: u32, deed: Deed, wait: u64| {
            steps.push(Step { time, account, deed, nth: steps.len() as u64 });
            time += wait as i64;
        };
        let hops = 1 + u64::from(self.two_hops);
        for hop in 0..hops {
            let last = hop + 1 == hops;
            let copied = last && self.target != 0;
            add(0, Deed::Assume { hop, copy: false }, if copied { 0 } else { 6 });
            if copied {
                add(self.target, Deed::Assume { hop, copy: true }, 7);
            }
        }
        let assumed = steps.len() as u64;
        for nth in assumed..EVENTS {
            let wait = 3 + mix(&[self.seed, 20, nth]) % 55;
            steps.push(Step { time, account: self.target, deed: Deed::Work, nth });
            time += wait as i64;
        }
        steps
    }

    fn last_hop(&self) -> u64 {
        u64::from(self.two_hops)
    }

    fn role(&self, hop: u64) -> &'static Persona {
        let name = if hop < self.last_hop() {
            FIRST_ROLE
        } else if self.seed.is_multiple_of(3) {
            "security-audit"
        } else {
            "deploy-target"
        };
        personas::named(name).unwrap_or(&personas::NOBODY)
    }

    fn hop_time(&self, hop: u64) -> i64 {
        self.time + hop as i64 * 6
    }

    fn key(&self, hop: u64) -> String {
        let mut key = String::from("ASIA");
        push_base32(&mut key, mix(&[self.seed, 10, hop]), 16);
        key
    }

    fn person<'c>(&self, platform: &'c Cast) -> Option<&'c Actor> {
        let (name, session) = PEOPLE.get(self.person)?;
        platform.actors.iter().find(|actor| actor.persona.name == *name && actor.session == *session)
    }
}

/// What chains are written with.
pub(super) struct Links<'a> {
    pub accounts: &'a [Account],
    pub platform: &'a Cast,
    pub catalogue: &'a Catalogue,
}

impl Links<'_> {
    /// Appends one event of a chain.
    pub(super) fn write_step(&self, out: &mut String, chain: &Chain, step: &Step, scribe: &mut Scribe) {
        let (Some(person), Some(account), Some(home), Some(target)) = (
            chain.person(self.platform),
            self.accounts.get(step.account as usize),
            self.accounts.first(),
            self.accounts.get(chain.target as usize),
        ) else {
            return;
        };
        let moment = Moment { account, region: chain.region, time: step.time };
        let mut dice = Dice::new(&[chain.seed, 11, step.nth]);
        let seat = Seat { chain, person, home, target };
        match step.deed {
            Deed::Assume { hop, copy } => seat.write_assume(out, &moment, hop, copy, &mut dice),
            Deed::Work => self.write_work(out, &moment, &seat, scribe, &mut dice),
        }
    }

    fn write_work(&self, out: &mut String, moment: &Moment<'_>, seat: &Seat<'_>, scribe: &mut Scribe, dice: &mut Dice) {
        let hop = seat.chain.last_hop();
        let role = seat.chain.role(hop);
        let uses: Vec<&str> = role.uses.iter().map(|(name, _)| *name).collect();
        let name = super::scribe::choose(&uses, dice).copied().unwrap_or("sts:GetCallerIdentity");
        let Some(ready) = self.catalogue.named(name) else { return };
        let identity = seat.identity(Some(hop), moment.time);
        let arn = format!("arn:aws:sts::{}:assumed-role/{}/{}", moment.account.id, role.name, seat.session());
        let caller = Caller {
            identity: &identity,
            arn: &arn,
            name: role.name,
            session: seat.session(),
            address: seat.address(),
            agent: AGENT,
            vpc_endpoint: "",
            by_service: false,
            from_console: false,
        };
        scribe.write_call(out, moment, &caller, ready, Outcome::Done, dice);
    }
}

/// A chain with the people and accounts it runs through.
struct Seat<'a> {
    chain: &'a Chain,
    person: &'a Actor,
    home: &'a Account,
    target: &'a Account,
}

impl Seat<'_> {
    /// Session name: the person's.
    fn session(&self) -> &str {
        if self.person.session.is_empty() { self.person.persona.name } else { &self.person.session }
    }

    fn address(&self) -> &str {
        self.person.addresses.first().map_or("203.0.113.10", String::as_str)
    }

    fn account(&self, hop: u64) -> &Account {
        if hop == self.chain.last_hop() { self.target } else { self.home }
    }

    /// `userIdentity` of the role of a hop, or of the person before the first.
    fn identity(&self, hop: Option<u64>, time: i64) -> String {
        let mut identity = String::with_capacity(700);
        let Some(hop) = hop else {
            self.person.push_identity(&mut identity, time);
            return identity;
        };
        let (account, role) = (self.account(hop), self.chain.role(hop));
        let (before_key, before_date) =
            role_identity(account, role.name, self.session(), &principal(account, role), &unique_id(account, role));
        identity.push_str(&before_key);
        identity.push_str(&self.chain.key(hop));
        identity.push_str(&before_date);
        push_time(&mut identity, self.chain.hop_time(hop));
        identity.push_str("\",\"mfaAuthenticated\":\"false\"}");
        if self.chain.carries_person {
            identity.push_str(",\"sourceIdentity\":\"");
            identity.push_str(self.session());
            identity.push('"');
        }
        identity.push_str("}}");
        identity
    }

    fn write_assume(&self, out: &mut String, moment: &Moment<'_>, hop: u64, copy: bool, dice: &mut Dice) {
        let (account, role) = (self.account(hop), self.chain.role(hop));
        let arn = principal(account, role);
        let session = self.session();
        let source = match self.chain.carries_person {
            true => format!(",\"sourceIdentity\":\"{session}\""),
            false => String::new(),
        };
        let request =
            format!("{{\"roleArn\":\"{arn}\",\"roleSessionName\":\"{session}\",\"durationSeconds\":3600{source}}}");
        let mut expiration = String::new();
        push_us_time(&mut expiration, moment.time + HOUR_S);
        let mut response = String::with_capacity(800);
        let role_id = unique_id(account, role);
        let assumed = Assumed { account, role: role.name, role_id: &role_id, session };
        push_credentials(&mut response, &self.chain.key(hop), &expiration, &assumed, &source);
        let resources = format!("[{{\"accountId\":\"{}\",\"type\":\"AWS::IAM::Role\",\"ARN\":\"{arn}\"}}]", account.id);
        let identity = match copy {
            true => self.foreign_identity(hop),
            false => self.identity(hop.checked_sub(1), moment.time),
        };
        let shared = mix(&[self.chain.seed, 12, hop]);
        Record {
            version: "1.08",
            identity: &identity,
            time: moment.time,
            service: "sts",
            name: "AssumeRole",
            region: moment.region_name(),
            address: self.address(),
            agent: AGENT,
            request: &request,
            response: &response,
            id: (dice.next(), dice.next()),
            read_only: true,
            resources: &resources,
            event_type: "AwsApiCall",
            account: &moment.account.id,
            shared: Some((shared, mix(&[shared]))),
            host: STS_HOSTS[self.chain.region.min(REGIONS.len() - 1)],
            ..Record::default()
        }
        .write(out);
    }

    /// The caller as the role's account sees it: another account's principal, by its id only.
    fn foreign_identity(&self, hop: u64) -> String {
        let id = match hop.checked_sub(1) {
            Some(before) => unique_id(self.account(before), self.chain.role(before)),
            None => self.person.unique_id.clone(),
        };
        let session = match hop == 0 && self.person.session.is_empty() {
            true => String::new(),
            false => format!(":{}", self.session()),
        };
        format!("{{\"type\":\"AWSAccount\",\"principalId\":\"{id}{session}\",\"accountId\":\"{}\"}}", self.home.id)
    }
}

const STS_HOSTS: [&str; REGIONS.len()] =
    ["sts.us-east-1.amazonaws.com", "sts.eu-west-1.amazonaws.com", "sts.ap-northeast-2.amazonaws.com"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Plan;

    #[test]
    fn a_chain_is_eight_events_of_its_day() {
        let calendar = Calendar::new(&Plan { days: 30, ..Plan::default() });
        let mut seen = 0;
        for accounts in [1, 3] {
            for day in 0..30 {
                for chain in on_day(7, &calendar, accounts, 400, day) {
                    let steps = chain.steps();
                    assert_eq!(steps.len() as u64, EVENTS);
                    assert!(steps.is_sorted_by_key(|step| step.time));
                    assert!(steps.iter().all(|step| step.account < accounts));
                    assert!(steps.iter().all(|step| step.time < calendar.day_start(day + 1)));
                    seen += 1;
                }
            }
        }
        assert_eq!(seen, 800);
    }
}
