//! Events, in the order of time, folded into a story.

use std::collections::{BTreeMap, BTreeSet};

use super::call::{Call, Calls};
use super::ends::{self, Ending, Hold};
use super::left::{self, Leaves};
use super::shared::Shares;
use super::{Left, Run, Session, Story, Tallies, Tally};
use crate::json::Raw;

/// Names that a list holds.
const NAMES: usize = 1_000;
/// Lines of a timeline.
const LINES: usize = 2_000;
/// A run ends when nothing joins it for this long, in microseconds.
const REST: i64 = 15 * 60 * 1_000_000;
/// Things left behind.
const LEFT: usize = 1_000;
/// Longest text of what a call was about.
const OBJECT: usize = 160;

/// A story in the making.
pub(super) struct Fold {
    story: Story,
    sessions: BTreeMap<(String, String), usize>,
    /// Other things that the last run was about.
    others: BTreeSet<String>,
    left: Vec<Standing>,
}

/// What there is to know of a thing that was left, until it is taken away.
struct Standing {
    leaves: &'static Leaves,
    holds: Vec<Hold>,
    /// Account, and region where there are several.
    place: String,
    /// With whom it is shared, where that is what was left.
    shared: BTreeSet<String>,
}

impl Tally {
    fn add(&mut self, call: &Call<'_>) {
        self.events += 1;
        self.changes += u64::from(call.changes);
        self.denied += u64::from(call.outcome == "denied");
        self.first = self.first.or(call.time);
        self.last = call.time.or(self.last);
    }
}

impl Fold {
    pub(super) fn new() -> Fold {
        Fold { story: Story::default(), sessions: BTreeMap::new(), others: BTreeSet::new(), left: Vec::new() }
    }

    pub(super) fn observe(&mut self, calls: &Calls) {
        for call in calls.iter() {
            self.call(&call);
        }
    }

    pub(super) fn finish(self) -> Story {
        self.story
    }

    fn call(&mut self, call: &Call<'_>) {
        let what = call.what();
        let story = &mut self.story;
        story.total.add(call);
        let mut cut = false;
        for (tallies, name) in [
            (&mut story.accounts, call.account),
            (&mut story.regions, call.region),
            (&mut story.addresses, call.address),
            (&mut story.agents, call.agent),
            (&mut story.principals, call.principal),
            (&mut story.actions, what.as_str()),
        ] {
            cut |= !count(tallies, name, call);
        }
        for resource in resources(call) {
            cut |= !count(&mut story.resources, &resource, call);
        }
        if call.outcome == "denied" {
            let key = (call.principal.to_owned(), what.clone(), call.error.to_owned());
            if story.denied.len() < NAMES || story.denied.contains_key(&key) {
                story.denied.entry(key).or_default().add(call);
            } else {
                cut = true;
            }
        }
        story.cut |= cut;
        story.bytes_out = story.bytes_out.saturating_add(bytes_out(call));
        self.session(call);
        let leaves = self.leave(call, &what);
        self.line(call, what, leaves);
    }

    fn session(&mut self, call: &Call<'_>) {
        let key = (call.key.to_owned(), call.arn.to_owned());
        let next = self.story.sessions.len();
        let place = match self.sessions.get(&key) {
            Some(place) => *place,
            None if next >= NAMES => {
                self.story.cut = true;
                return;
            }
            None => {
                self.sessions.insert(key, next);
                self.story.sessions.push(Session {
                    key: call.key.to_owned(),
                    principal: call.principal.to_owned(),
                    actor: call.actor.to_owned(),
                    kind: call.kind.to_owned(),
                    began: call.began.to_owned(),
                    mfa: call.mfa.to_owned(),
                    source_identity: call.source_identity.to_owned(),
                    ..Session::default()
                });
                next
            }
        };
        if let Some(session) = self.story.sessions.get_mut(place) {
            session.console |= call.from_console || call.name == "ConsoleLogin";
            session.tally.add(call);
        }
    }

    /// Whether a call leaves something, and what it takes away.
    fn leave(&mut self, call: &Call<'_>, what: &str) -> bool {
        let service = left::service(call.source);
        let place = ends::place(service, call.account, call.region);
        if call.outcome == "ok" {
            self.take(call, &place);
        }
        let Some(leaves) = left::of(call.source, call.name) else { return false };
        let shares = Shares::of(service, call.name, call.request);
        if shares.as_ref().is_some_and(|shares| shares.added.is_empty()) {
            return false;
        }
        if self.story.left.len() >= LEFT {
            self.story.cut = true;
            return true;
        }
        self.left.push(Standing {
            leaves,
            holds: ends::holds(service, call.name, &place, call.request, call.response),
            place,
            shared: shares.unwrap_or_default().added,
        });
        self.story.left.push(Left {
            time: call.time,
            what: leaves.what.to_owned(),
            object: shortened(&leaves.object(call.request, call.response)),
            action: what.to_owned(),
            principal: call.principal.to_owned(),
            region: call.region.to_owned(),
            event_id: call.id.to_owned(),
            outcome: call.outcome.to_owned(),
            undone: None,
        });
        true
    }

    /// Marks what a call takes away.
    fn take(&mut self, call: &Call<'_>, place: &str) {
        let ending = Ending::of(left::service(call.source), call.name, place, call.request);
        let service = left::service(call.source);
        let undone: Vec<_> =
            left::undone_by(call.source, call.name).map(|own| (own, own.object(call.request, None))).collect();
        let unshared = Shares::of(service, call.name, call.request).filter(|shares| !shares.removed.is_empty());
        let unshared = unshared.zip(left::of(call.source, call.name)).map(|(shares, own)| {
            let object = own.object(call.request, None);
            (shares.removed, own, object)
        });
        if ending.is_empty() && undone.is_empty() && unshared.is_none() {
            return;
        }
        for (standing, left) in self.left.iter_mut().zip(self.story.left.iter_mut()) {
            if left.undone.is_some() || left.outcome != "ok" {
                continue;
            }
            let is_same = |own: &Leaves, object: &str| {
                own.same(standing.leaves) && standing.place == place && is_part(object, &left.object)
            };
            let is_undone = undone.iter().any(|(own, object)| is_same(own, object));
            let mut is_ended = false;
            if let Some((removed, own, object)) = &unshared
                && is_same(own, object)
            {
                standing.shared.retain(|who| !removed.contains(who));
                is_ended = standing.shared.is_empty();
            }
            for hold in &mut standing.holds {
                is_ended |= ending.ends(hold);
            }
            if is_undone || is_ended {
                left.undone = call.time;
            }
        }
    }

    fn line(&mut self, call: &Call<'_>, what: String, leaves: bool) {
        let timeline = &mut self.story.timeline;
        let is_near = |last: Option<i64>| last.zip(call.time).is_some_and(|(last, time)| time - last <= REST);
        let joins = |run: &&mut Run| {
            run.what == what
                && run.principal == call.principal
                && run.actor == call.actor
                && run.region == call.region
                && run.address == call.address
                && run.outcome == call.outcome
                && run.error == call.error
                && is_near(run.last)
        };
        let object = object(call);
        // A call without a line of its own stands between those that have one.
        let last = if self.story.untold == 0 { timeline.last_mut().filter(joins) } else { None };
        if let Some(run) = last {
            let is_same = run.object == object && run.others == 0;
            // What changes something is told thing by thing; things that are read are counted.
            let is_read = !leaves && !call.changes;
            if is_same || (is_read && self.others.len() < NAMES) {
                if run.object != object {
                    self.others.insert(object);
                }
                run.others = self.others.len() as u64;
                run.count += 1;
                run.last = call.time;
                return;
            }
        }
        if timeline.len() >= LINES {
            self.story.untold += 1;
            return;
        }
        let mut marks = Vec::new();
        if leaves {
            marks.push("left behind".to_owned());
        } else if call.changes && call.outcome == "ok" {
            marks.push("changes".to_owned());
        }
        self.others.clear();
        timeline.push(Run {
            first: call.time,
            last: call.time,
            count: 1,
            what,
            object,
            others: 0,
            principal: call.principal.to_owned(),
            actor: call.actor.to_owned(),
            region: call.region.to_owned(),
            address: call.address.to_owned(),
            outcome: call.outcome.to_owned(),
            error: call.error.to_owned(),
            event_id: call.id.to_owned(),
            marks,
        });
    }
}

/// Whether a name says no more than another: a deletion names its object by part of what its making said, and by its name
/// or its ARN.
fn is_part(part: &str, whole: &str) -> bool {
    let names = |text: &'_ str| text.split(' ').map(ends::name).map(str::to_owned).collect::<Vec<_>>();
    let whole = names(whole);
    !part.is_empty() && names(part).iter().all(|word| whole.contains(word))
}

/// Adds a call under a name; false where there is no room for the name.
fn count(tallies: &mut Tallies, name: &str, call: &Call<'_>) -> bool {
    if name.is_empty() {
        return true;
    }
    if let Some(tally) = tallies.get_mut(name) {
        tally.add(call);
        return true;
    }
    let room = tallies.len() < NAMES;
    if room {
        tallies.entry(shortened(name)).or_default().add(call);
    }
    room
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= OBJECT {
        return text.to_owned();
    }
    text.chars().take(OBJECT).chain(['…']).collect()
}

/// Members of a request that name what it is about.
fn names(call: &Call<'_>) -> Vec<(String, String)> {
    let is_name = |key: &str| {
        ["Name", "Id", "Arn", "ARN", "Identifier"].iter().any(|end| key.ends_with(end))
            || matches!(key, "name" | "key" | "arn" | "resource")
    };
    let Some(request) = call.request.and_then(Raw::parse) else { return Vec::new() };
    let of = |value: Raw<'_>| -> Vec<(String, String)> {
        let named = value.members().filter(|(key, _)| is_name(key));
        named
            .filter_map(|(key, value)| Some((key.into_owned(), text(value)?.into_owned())))
            .filter(|(key, value)| !value.is_empty() && key != "accountId")
            .take(3)
            .collect()
    };
    let own = of(request);
    if !own.is_empty() {
        return own;
    }
    // `{"DeleteFlowLogsRequest": { … }}`
    request
        .members()
        .filter(|(_, value)| value.is_nested())
        .map(|(_, value)| of(value))
        .find(|all| !all.is_empty())
        .unwrap_or_default()
}

/// The text of a member. `{"FlowLogId": {"content": "fl-1", "tag": 1}}`: as some services write a list of one.
fn text(value: Raw<'_>) -> Option<std::borrow::Cow<'_, str>> {
    if value.is_nested() { value.member("content")?.scalar() } else { value.scalar() }
}

/// What a call was about, in a line.
fn object(call: &Call<'_>) -> String {
    let parts: Vec<_> = names(call).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    shortened(&parts.join(" "))
}

/// What a call touched: buckets, users and the like, by kind and name.
fn resources(call: &Call<'_>) -> Vec<String> {
    let service = call.source.split('.').next().unwrap_or_default();
    let own = |(key, value): (String, String)| match value.starts_with("arn:") {
        true => value,
        false => format!("{service} {key} {value}"),
    };
    names(call).into_iter().filter(|(key, _)| key != "key" && key != "roleSessionName").map(own).collect()
}

fn bytes_out(call: &Call<'_>) -> u64 {
    let read = || {
        let sent = call.additional.and_then(Raw::parse)?.member("bytesTransferredOut")?;
        sent.scalar()?.parse::<f64>().ok()
    };
    if call.source != "s3.amazonaws.com" { 0 } else { read().map_or(0, |bytes| bytes.max(0.0) as u64) }
}
