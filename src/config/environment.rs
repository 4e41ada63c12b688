//! Variables as sections: `TRAILHOUND_WATCH_POLL=1m` is `poll = "1m"` of `[watch]`.

use toml::{Table, Value};

use super::nearest;

/// How a variable's text becomes a value.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// Parted by commas.
    List,
    Number,
    Truth,
    /// `name=value`, parted by commas.
    Map,
}

/// Every key that a variable may set.
const KEYS: &[(&str, &str, Kind)] = &[
    ("watch", "source", Kind::List),
    ("watch", "commit_after", Kind::Text),
    ("watch", "commit_rows", Kind::Number),
    ("watch", "poll", Kind::Text),
    ("watch", "look_back", Kind::Text),
    ("watch", "allowed_lateness", Kind::Text),
    ("watch", "page_within", Kind::Text),
    ("watch", "log_format", Kind::Text),
    ("watch", "suppress", Kind::List),
    ("watch", "verify_digests", Kind::Truth),
    ("watch", "verify_every", Kind::Text),
    ("watch", "public_keys", Kind::Text),
    ("watch", "region", Kind::Text),
    ("watch", "profile", Kind::Text),
    ("watch", "endpoint_url", Kind::Text),
    ("watch", "role_arn", Kind::Text),
    ("watch", "external_id", Kind::Text),
    ("rules", "folders", Kind::List),
    ("rules", "shipped", Kind::Truth),
    ("rules", "reload", Kind::Truth),
    ("rules", "lists", Kind::Map),
    ("lake", "place", Kind::Text),
    ("metrics", "listen", Kind::Text),
];

/// Sections that only a file can have.
const FILE_ONLY: &[&str] = &["delivery", "routes", "silences"];

fn variable(section: &str, key: &str) -> String {
    format!("TRAILHOUND_{}_{}", section.to_uppercase(), key.to_uppercase())
}

/// The sections that variables make. Those of other names are somebody else's, but for what begins as ours does.
///
/// # Errors
/// A name that begins like a section's and is no key; a value of another kind.
pub(super) fn table(environment: impl Iterator<Item = (String, String)>) -> Result<Table, String> {
    let mut sections = Table::new();
    let environment: Vec<(String, String)> = environment.collect();
    // Whoever sets one believes that it holds.
    let of_file = |name: &&String| FILE_ONLY.iter().any(|section| name.starts_with(&variable(section, "")));
    if let Some(name) = environment.iter().map(|(name, _)| name).find(of_file) {
        return Err(format!("the environment: {name} sets nothing: delivery, routes and silences are set in the file"));
    }
    let mut ours: Vec<(String, String)> = environment
        .into_iter()
        .filter(|(name, _)| KEYS.iter().any(|(section, ..)| name.starts_with(&variable(section, ""))))
        .collect();
    ours.sort();
    for (name, text) in ours {
        let Some((section, key, kind)) = KEYS.iter().find(|(section, key, _)| variable(section, key) == name) else {
            let known: Vec<String> = KEYS.iter().map(|(section, key, _)| variable(section, key)).collect();
            let near = nearest::nearest(&name, known.iter().map(String::as_str));
            let near = near.map_or_else(|| known.join(", "), str::to_owned);
            return Err(format!("the environment: {name} sets nothing; did you mean {near}?"));
        };
        let value = value(&text, *kind).ok_or_else(|| format!("the environment: {name}={text} is no value for it"))?;
        let inside = sections.entry(*section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(inside) = inside {
            inside.insert((*key).to_owned(), value);
        }
    }
    Ok(sections)
}

fn value(text: &str, kind: Kind) -> Option<Value> {
    let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
    match kind {
        Kind::Text => Some(Value::String(text.to_owned())),
        Kind::List => Some(Value::Array(parts().map(|part| Value::String(part.to_owned())).collect())),
        Kind::Number => text.trim().parse().ok().map(Value::Integer),
        Kind::Truth => match text.trim() {
            "true" | "1" | "yes" => Some(Value::Boolean(true)),
            "false" | "0" | "no" => Some(Value::Boolean(false)),
            _ => None,
        },
        Kind::Map => {
            let pair = |part: &str| part.split_once('=').map(|(a, b)| (a.to_owned(), Value::String(b.to_owned())));
            parts().map(pair).collect::<Option<Table>>().map(Value::Table)
        }
    }
}
