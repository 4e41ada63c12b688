//! Planted: attacks and oddities at known times, so that what an analysis finds can be checked against a list.
//!
//! Most happen in the second account (production), in the second half of the period. A plan too small or too short
//! for all of them gets the first ones of the list that fit: planted events are never more than half of all, and
//! revivals need a rest of more than 90 days.

mod attacks;
mod hostile;
mod revived;
mod root;
mod sign_in;

use super::calendar::{Calendar, HOUR_S, push_time};
use super::calls::Catalogue;
use super::cast::{Actor, Cast};
use super::dice::{Dice, label};
use super::record::{Record, id_text};
use super::scribe::{Caller, Moment, Outcome, Scribe};
use super::template::Account;
use super::{Expect, Plan, Planted, REGIONS};

/// A record with a set time and place.
#[derive(Debug)]
pub(super) struct Script {
    pub account: u32,
    pub region: usize,
    pub time: i64,
    pub text: String,
}

/// Something planted, before it is known whether there is room for it.
struct Plot {
    kind: &'static str,
    expect: Expect,
    about: &'static str,
    account: u32,
    region: usize,
    principal: String,
    /// What it is about.
    acts: Vec<Act>,
    /// What belongs to it and is not to be found: a key's first uses.
    before: Vec<Act>,
}

struct Act {
    time: i64,
    id: (u64, u64),
    text: String,
}

/// What plots are written with.
struct Stage<'a> {
    calendar: &'a Calendar,
    accounts: &'a [Account],
    catalogue: &'a Catalogue,
    /// Cast of the account where most of it happens.
    target: Cast,
    target_index: u32,
    dice: Dice,
    scribe: Scribe,
}

/// A call that no catalogue lists.
#[derive(Clone, Copy, Default)]
struct Deed<'a> {
    service: &'a str,
    name: &'a str,
    read_only: bool,
    request: &'a str,
    response: &'a str,
    additional: &'a str,
    resources: &'a str,
    error: (&'a str, &'a str),
    host: &'a str,
}

/// Writes all plots that fit.
pub(super) fn plant(
    plan: &Plan,
    calendar: &Calendar,
    accounts: &[Account],
    catalogue: &Catalogue,
) -> (Vec<Script>, Vec<Planted>) {
    let target_index = u32::from(accounts.len() > 1);
    let mut stage = Stage {
        calendar,
        accounts,
        catalogue,
        target: accounts.get(target_index as usize).map_or_else(Cast::empty, |a| Cast::new(a, catalogue)),
        target_index,
        dice: Dice::new(&[plan.seed, label("planted")]),
        scribe: Scribe::default(),
    };
    let mut plots: Vec<Plot> = Vec::new();
    for write in [
        root::console_login,
        sign_in::without_mfa,
        attacks::stop_logging,
        revived::access_key,
        revived::role,
        attacks::first_sensitive_action,
        root::api_use,
        root::by_service,
        sign_in::sso,
        sign_in::failed,
        attacks::key_for_other_user,
        attacks::public_bucket,
        attacks::stolen_role,
        hostile::names,
        attacks::denied_burst,
    ] {
        plots.extend(write(&mut stage));
    }
    keep(plots, plan, accounts)
}

fn keep(plots: Vec<Plot>, plan: &Plan, accounts: &[Account]) -> (Vec<Script>, Vec<Planted>) {
    let (mut scripts, mut planted) = (Vec::new(), Vec::new());
    for plot in plots {
        let events = scripts.len() + plot.acts.len() + plot.before.len();
        if events as u64 > plan.events / 2 {
            break;
        }
        let mut time = String::new();
        push_time(&mut time, plot.acts.first().map_or(0, |act| act.time));
        planted.push(Planted {
            kind: plot.kind,
            account: accounts.get(plot.account as usize).map_or_else(String::new, |a| a.id.clone()),
            principal: plot.principal,
            region: REGIONS.get(plot.region).copied().unwrap_or(REGIONS[0]).to_owned(),
            event_ids: plot.acts.iter().map(|act| id_text(act.id)).collect(),
            time,
            expect: plot.expect,
            about: plot.about,
        });
        let (account, region) = (plot.account, plot.region);
        let acts = plot.before.into_iter().chain(plot.acts);
        scripts.extend(acts.map(|act| Script { account, region, time: act.time, text: act.text }));
    }
    planted.sort_by(|a, b| (&a.time, a.kind).cmp(&(&b.time, b.kind)));
    (scripts, planted)
}

impl Stage<'_> {
    /// A time of day, on the day that stands at a thousandth of the period.
    fn at(&self, per_mille: u32, hour: i64, minute: i64) -> i64 {
        let day = (u64::from(self.calendar.days) * u64::from(per_mille) / 1_000) as u32;
        self.calendar.day_start(day.min(self.calendar.days - 1)) + hour * HOUR_S + minute * 60
    }

    fn account(&self, index: u32) -> Option<&Account> {
        self.accounts.get(index as usize)
    }

    /// A call of the catalogue, by an actor.
    fn call(&mut self, actor: &Actor, place: (u32, usize), time: i64, name: &str, how: How<'_>) -> Option<Act> {
        let mut identity = String::new();
        actor.push_identity(&mut identity, time);
        let caller = how.caller(actor, &identity);
        let account = self.accounts.get(place.0 as usize)?;
        let moment = Moment { account, region: place.1, time };
        let ready = self.catalogue.named(name)?;
        let mut text = String::new();
        let id = self.scribe.write_call(&mut text, &moment, &caller, ready, how.outcome, &mut self.dice);
        Some(Act { time, id, text })
    }

    /// Any other call, by an actor.
    fn deed(&mut self, actor: &Actor, place: (u32, usize), time: i64, how: How<'_>, deed: Deed<'_>) -> Option<Act> {
        let mut identity = String::new();
        actor.push_identity(&mut identity, time);
        self.raw(place, time, &how.caller(actor, &identity), deed)
    }

    /// Any call, by anybody.
    fn raw(&mut self, place: (u32, usize), time: i64, caller: &Caller<'_>, deed: Deed<'_>) -> Option<Act> {
        let account = self.account(place.0)?.id.clone();
        let id = (self.dice.next(), self.dice.next());
        let mut text = String::new();
        Record {
            version: "1.11",
            identity: caller.identity,
            time,
            service: deed.service,
            name: deed.name,
            region: REGIONS.get(place.1)?,
            address: caller.address,
            agent: caller.agent,
            error: deed.error,
            request: deed.request,
            response: deed.response,
            additional: deed.additional,
            id,
            read_only: deed.read_only,
            resources: deed.resources,
            event_type: "AwsApiCall",
            account: &account,
            host: deed.host,
            from_console: caller.from_console,
            ..Record::default()
        }
        .write(&mut text);
        Some(Act { time, id, text })
    }
}

/// What differs from an actor's usual way of calling.
#[derive(Clone, Copy)]
struct How<'a> {
    outcome: Outcome,
    /// Empty for the actor's own.
    address: &'a str,
    agent: &'a str,
}

impl How<'_> {
    const USUAL: How<'static> = How { outcome: Outcome::Done, address: "", agent: "" };

    fn caller<'c>(&'c self, actor: &'c Actor, identity: &'c str) -> Caller<'c> {
        let own = |given: &'c str, own: Option<&'c str>| if given.is_empty() { own.unwrap_or("") } else { given };
        Caller {
            identity,
            arn: &actor.arn,
            name: actor.persona.name,
            session: &actor.session,
            address: own(self.address, actor.addresses.first().map(String::as_str)),
            agent: own(self.agent, actor.persona.agents.first().copied()),
            vpc_endpoint: "",
            by_service: false,
            from_console: false,
        }
    }
}

/// Plays an actor of the account where most of it happens. Its cast leaves the stage for that long, because the
/// stage changes while the actor plays.
fn as_target<T>(
    stage: &mut Stage<'_>,
    name: &str,
    play: impl FnOnce(&mut Stage<'_>, &Actor) -> Option<T>,
) -> Option<T> {
    let cast = std::mem::replace(&mut stage.target, Cast::empty());
    let played = cast.named(name).and_then(|actor| play(stage, actor));
    stage.target = cast;
    played
}
