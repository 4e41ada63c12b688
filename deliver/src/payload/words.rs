//! The sentences that people read, the same in every sink.

use alerts::Severity;

use crate::message::{Kind, Message};
use crate::notice::Notice;
use crate::visible::line;

/// Calls, addresses and the like that one line names; the rest is counted.
const NAMED: usize = 4;

/// One line that says it all: for subjects, summaries and notifications.
pub(super) fn headline(message: &Message) -> String {
    let severity = message.severity().as_str().to_uppercase();
    match (message.kind, message.notices.as_slice()) {
        (Kind::Digest, _) => {
            format!("[digest, up to {severity}] {} alerts, older or too many to be told one by one", message.alerts())
        }
        (Kind::Resolve, [first, ..]) => format!("[resolved] {}: {}", line(&first.title), line(first.who())),
        (Kind::Alerts, [first]) => {
            format!("[{severity}] {}: {}{}", line(&first.title), line(first.who()), times(first))
        }
        (Kind::Alerts, [first, rest @ ..]) => {
            let more = rest.len();
            format!("[{severity}] {}: {} and {more} more alerts", line(&first.title), line(first.who()))
        }
        (Kind::Alerts | Kind::Resolve, []) => format!("[{severity}] nothing"),
    }
}

/// One alert in one line.
pub(super) fn title(notice: &Notice) -> String {
    format!("[{}] {}{}", notice.severity().as_str().to_uppercase(), line(&notice.title), times(notice))
}

/// One alert, field by field; no value is empty.
pub(super) fn fields(notice: &Notice) -> Vec<(&'static str, String)> {
    let mut fields = vec![("Who", who(notice)), ("What", some(&notice.what))];
    fields.push(("From", format!("{} with {}", some(&notice.source_addresses), some(&notice.user_agents))));
    fields.push(("When", when(notice)));
    if !notice.errors.is_empty() {
        fields.push(("Errors", some(&notice.errors)));
    }
    if let Some(detail) = &notice.detail {
        fields.push(("Found", line(detail).into_owned()));
    }
    if notice.severity() > Severity::Informational {
        if !notice.why.is_empty() {
            fields.push(("Why", line(&notice.why).into_owned()));
        }
        if !notice.next.is_empty() {
            fields.push(("Next", steps(notice)));
        }
    }
    fields.push(("Rule", rule(notice)));
    fields
}

/// A digest, rule by rule: worst first, then most.
pub(super) fn tallies(message: &Message) -> Vec<String> {
    let mut tallies: Vec<_> = message.tallies.iter().collect();
    tallies.sort_by(|(a, x), (b, y)| y.severity.cmp(&x.severity).then(y.alerts.cmp(&x.alerts)).then(a.cmp(b)));
    let said = tallies.iter().map(|(rule, tally)| {
        format!("{} × [{}] {} ({})", tally.alerts, tally.severity.0, line(&tally.title), line(rule))
    });
    said.collect()
}

/// The worst alerts of a digest, a line each: what, who and when.
pub(super) fn worst(message: &Message) -> Vec<String> {
    message.notices.iter().map(|notice| format!("{}: {}, {}", title(notice), who(notice), when(notice))).collect()
}

pub(super) fn steps(notice: &Notice) -> String {
    let numbered = notice.next.iter().enumerate().map(|(number, step)| format!("{}. {}", number + 1, line(step)));
    numbered.collect::<Vec<_>>().join(" ")
}

fn who(notice: &Notice) -> String {
    let actor = if notice.actor.is_empty() || notice.principal.ends_with(&notice.actor) {
        String::new()
    } else {
        format!(", {} behind it", line(&notice.actor))
    };
    let account = if notice.account.is_empty() { "unknown" } else { &notice.account };
    format!("{}{actor} in account {}", line(notice.who()), line(account))
}

fn when(notice: &Notice) -> String {
    let (first, last) = (notice.time.as_deref().unwrap_or("unknown"), notice.last_time.as_deref().unwrap_or("unknown"));
    let span = if first == last { first.to_owned() } else { format!("{first} to {last}") };
    format!("{span} in {}", some(&notice.regions))
}

/// Rule, and its author where it is not ours: the Detection Rule License asks for that.
fn rule(notice: &Notice) -> String {
    let author = notice.author.as_ref().filter(|author| !author.contains("trailhound"));
    let by = author.map(|author| format!(" by {}", line(author))).unwrap_or_default();
    format!("{}{by}", line(&notice.rule))
}

fn times(notice: &Notice) -> String {
    if notice.count > 1 { format!(" ({}×)", notice.count) } else { String::new() }
}

pub(super) fn some(values: &[String]) -> String {
    let named = values.iter().take(NAMED).map(|value| line(value)).collect::<Vec<_>>().join(", ");
    match (named.is_empty(), values.len().saturating_sub(NAMED)) {
        (true, _) => "unknown".to_owned(),
        (false, 0) => named,
        (false, more) => format!("{named} and {more} more"),
    }
}
