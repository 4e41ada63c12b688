//! Cast: the actors of one account, each with its identity, its addresses and the calls it chooses from.
//!
//! Everything about an actor follows from the seed, its account and its name, so that any thread can make the
//! cast of any account and gets the same one. It does not know when anybody acts.

use super::REGIONS;
use super::calendar::{HOUR_S, Shift, push_time};
use super::calls::Catalogue;
use super::dice::{Dice, label, mix, push_base32, push_hex};
use super::identity::{Identity, principal, unique_id};
use super::personas::{Kind, Persona, Rhythm, living_in};
use super::template::{Account, instance};

/// Somebody who calls.
#[derive(Debug)]
pub(super) struct Actor {
    pub persona: &'static Persona,
    /// Durable ARN: the user's, or the role's behind the session.
    pub principal: String,
    /// Unique id: AIDA… or AROA….
    pub unique_id: String,
    /// ARN as error messages name it.
    pub arn: String,
    pub session: String,
    identity: Identity,
    /// Region it lives in; none for those who act anywhere.
    pub home: Option<usize>,
    pub addresses: Vec<String>,
    /// Address within its VPC and the endpoint it reaches AWS through.
    pub private: Option<(String, String)>,
    /// Calls in us-east-1, where the services with one endpoint are recorded too, and elsewhere.
    pub main_region: Picks,
    pub other_regions: Picks,
    seed: u64,
}

/// Calls to choose from, by weight.
#[derive(Debug, Default)]
pub(super) struct Picks {
    ends: Vec<u32>,
    calls: Vec<usize>,
    /// Calls that are denied.
    pub tries: Vec<usize>,
}

/// The actors of an account.
#[derive(Debug)]
pub(super) struct Cast {
    pub actors: Vec<Actor>,
    /// By region and shift: who acts then, by weight.
    tables: Vec<[Picks; 3]>,
}

impl Picks {
    fn add(&mut self, weight: u32, call: usize) {
        if weight > 0 {
            self.ends.push(self.ends.last().copied().unwrap_or(0) + weight);
            self.calls.push(call);
        }
    }

    /// One of them; none where there is nothing to choose.
    pub(super) fn pick(&self, dice: &mut Dice) -> Option<usize> {
        let mark = dice.below(*self.ends.last()?);
        self.calls.get(self.ends.partition_point(|end| *end <= mark)).copied()
    }
}

impl Cast {
    pub(super) fn new(account: &Account, catalogue: &Catalogue) -> Cast {
        let mut actors = Vec::new();
        for persona in living_in(account.index == 0) {
            if persona.sessions.is_empty() {
                actors.push(Actor::new(account, persona, "", catalogue));
            }
            for session in persona.sessions {
                actors.push(Actor::new(account, persona, session, catalogue));
            }
        }
        let tables = (0..REGIONS.len()).map(|region| tables(&actors, region)).collect();
        Cast { actors, tables }
    }

    pub(super) fn empty() -> Cast {
        Cast { actors: Vec::new(), tables: Vec::new() }
    }

    /// Who acts next in a region.
    pub(super) fn pick(&self, region: usize, shift: Shift, dice: &mut Dice) -> Option<&Actor> {
        let at = match shift {
            Shift::Office => 0,
            Shift::Evening => 1,
            Shift::Night => 2,
        };
        let picks = self.tables.get(region)?.get(at)?;
        self.actors.get(picks.pick(dice)?)
    }

    /// The first actor of a persona.
    pub(super) fn named(&self, name: &str) -> Option<&Actor> {
        self.actors.iter().find(|actor| actor.persona.name == name)
    }
}

fn tables(actors: &[Actor], region: usize) -> [Picks; 3] {
    let mut tables = [Picks::default(), Picks::default(), Picks::default()];
    for (at, actor) in actors.iter().enumerate() {
        if actor.home.is_some_and(|home| home != region) {
            continue;
        }
        let present = match actor.persona.rhythm {
            Rhythm::Office => [true, false, false],
            Rhythm::Always => [true; 3],
            Rhythm::Night => [false, false, true],
        };
        for (table, present) in tables.iter_mut().zip(present) {
            table.add(if present { actor.persona.weight } else { 0 }, at);
        }
    }
    tables
}

impl Actor {
    fn new(account: &Account, persona: &'static Persona, session: &str, catalogue: &Catalogue) -> Actor {
        let seed = mix(&[account.seed, label(persona.name), label(session)]);
        let session = match persona.kind {
            Kind::Instance => {
                let mut id = String::new();
                instance(&mut id, account, session.parse().unwrap_or(0));
                id
            }
            _ => session.to_owned(),
        };
        let unique_id = unique_id(account, persona);
        let principal = principal(account, persona);
        let arn = if persona.is_user() {
            principal.clone()
        } else {
            format!("arn:aws:sts::{}:assumed-role/{}/{session}", account.id, persona.name)
        };
        let (main_region, other_regions) = choices(account, persona, catalogue);
        let home = matches!(persona.kind, Kind::Instance | Kind::Function | Kind::Task)
            .then(|| (seed % REGIONS.len() as u64) as usize);
        Actor {
            identity: Identity::new(account, persona, &session, &principal, &unique_id, seed),
            addresses: addresses(persona, seed),
            private: private(persona, seed),
            persona,
            principal,
            unique_id,
            arn,
            session,
            home,
            main_region,
            other_regions,
            seed,
        }
    }

    /// When the session of a moment began.
    pub(super) fn session_start(&self, time: i64) -> Option<i64> {
        let session = self.identity.session?;
        Some(time - (time - session.offset_s).rem_euclid(session.length_s))
    }

    /// When the `nth` session of a day begins.
    pub(super) fn nth_start(&self, day_start: i64, nth: u32) -> Option<i64> {
        let session = self.identity.session?;
        Some(day_start + session.offset_s + i64::from(nth) * session.length_s)
    }

    /// Access key of the session that began at a time.
    pub(super) fn session_key(&self, start: i64) -> String {
        let mut key = String::with_capacity(20);
        self.push_key(&mut key, start);
        key
    }

    fn push_key(&self, out: &mut String, start: i64) {
        out.push_str("ASIA");
        push_base32(out, mix(&[self.seed, start.unsigned_abs()]), 16);
    }

    /// Appends `userIdentity` as of a time.
    pub(super) fn push_identity(&self, out: &mut String, time: i64) {
        let identity = &self.identity;
        out.push_str(&identity.before_key);
        if let Some(start) = self.session_start(time) {
            self.push_key(out, start);
            out.push_str(&identity.before_date);
            push_time(out, start);
            out.push_str(&identity.after_date);
        }
    }

    /// `userIdentity` of its sign-in events: users have no key yet, roles of Identity Center are in a session.
    pub(super) fn push_signing_in(&self, out: &mut String, time: i64) {
        if self.persona.kind == Kind::Sso {
            self.push_identity(out, time);
        } else {
            out.push_str(&self.identity.signing_in);
        }
    }

    /// Length of its sessions in seconds.
    pub(super) fn session_length_s(&self) -> i64 {
        self.identity.session.map_or(HOUR_S, |session| session.length_s.min(12 * HOUR_S))
    }
}

/// Addresses from the ranges set aside for documentation and benchmarks (RFC 5737, RFC 3849, RFC 2544).
fn addresses(persona: &Persona, seed: u64) -> Vec<String> {
    let part = |n: u32| (seed >> n) % 250 + 2;
    match persona.kind {
        Kind::Console | Kind::Sso => {
            let mut home = format!("2001:db8:{:x}:{:x}:", seed >> 48, (seed >> 32) & 0xffff);
            push_hex(&mut home, seed, 4);
            home.push_str("::");
            push_hex(&mut home, seed ^ 1, 4);
            vec!["203.0.113.10".to_owned(), "203.0.113.11".to_owned(), "203.0.113.12".to_owned(), home]
        }
        Kind::AccessKey if persona.name.starts_with("ci-") => {
            (0..4).map(|n| format!("198.51.100.{}", 2 + (seed >> (n * 8)) % 60)).collect()
        }
        Kind::AccessKey => vec!["203.0.113.10".to_owned(), format!("203.0.113.{}", 40 + seed % 100)],
        Kind::Dormant => vec![format!("203.0.113.{}", 150 + seed % 50)],
        Kind::Linked => vec![(*persona.agents.first().unwrap_or(&"")).to_owned()],
        Kind::Service => vec![format!("{}.amazonaws.com", persona.name)],
        Kind::Notice if persona.name.contains(' ') => vec![persona.name.to_owned()],
        Kind::Notice => vec![format!("{}.amazonaws.com", persona.name)],
        _ => vec![format!("198.18.{}.{}", part(8), part(20))],
    }
}

fn private(persona: &Persona, seed: u64) -> Option<(String, String)> {
    matches!(persona.kind, Kind::Instance | Kind::Task).then(|| {
        let mut endpoint = String::from("vpce-0");
        push_hex(&mut endpoint, seed, 16);
        (format!("10.20.{}.{}", (seed >> 8) % 64, 4 + (seed >> 16) % 250), endpoint)
    })
}

fn choices(account: &Account, persona: &Persona, catalogue: &Catalogue) -> (Picks, Picks) {
    let (mut main, mut other) = (Picks::default(), Picks::default());
    let calls = persona.uses.iter().map(|(name, weight)| (*name, Some(*weight)));
    let tries = persona.tries.iter().map(|name| (*name, None));
    for (name, weight) in calls.chain(tries) {
        let Some((at, ready)) = catalogue.find(name).and_then(|at| Some((at, catalogue.get(at)?))) else {
            continue;
        };
        if ready.call.data && !account.data_events {
            continue;
        }
        for picks in [Some(&mut main), (!ready.call.global).then_some(&mut other)].into_iter().flatten() {
            match weight {
                Some(weight) => picks.add(weight, at),
                None => picks.tries.push(at),
            }
        }
    }
    (main, other)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn account(data_events: bool) -> Account {
        Account { index: 0, id: "111122223333".into(), alias: "data".into(), seed: 5, data_events }
    }

    #[test]
    fn identities_are_json_and_sessions_keep_their_key() {
        let cast = Cast::new(&account(true), &Catalogue::new());
        for actor in &cast.actors {
            for signing_in in [false, true] {
                let mut text = String::new();
                if signing_in && !matches!(actor.persona.kind, Kind::Console | Kind::Sso) {
                    continue;
                }
                if signing_in {
                    actor.push_signing_in(&mut text, 1_793_491_199);
                } else {
                    actor.push_identity(&mut text, 1_793_491_199);
                }
                let value: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert!(value.is_object(), "{text}");
            }
        }
        let role = cast.named("web-app-instance").unwrap();
        let start = role.session_start(1_793_491_199).unwrap();
        assert_eq!(role.session_start(start), Some(start));
        assert_eq!(role.session_start(start - 1), Some(start - 6 * HOUR_S));
        assert!((0..4).any(|nth| role.nth_start(1_793_404_800, nth) == Some(start)));
        assert!(role.session.starts_with("i-0") && role.session.len() == 19, "{}", role.session);
    }

    #[test]
    fn somebody_acts_everywhere_at_any_time() {
        for data_events in [true, false] {
            let cast = Cast::new(&account(data_events), &Catalogue::new());
            let mut dice = Dice::new(&[3]);
            for region in 0..REGIONS.len() {
                for shift in [Shift::Office, Shift::Evening, Shift::Night] {
                    for _ in 0..500 {
                        let actor = cast.pick(region, shift, &mut dice).unwrap();
                        let picks = if region == 0 { &actor.main_region } else { &actor.other_regions };
                        assert!(picks.pick(&mut dice).is_some(), "{}", actor.persona.name);
                    }
                }
            }
        }
    }
}
