//! The catalogue: every IAM action known, with its access level, searched without regard to case.
//!
//! One embedded table, inflated once when it is first asked for (about 1 MB of text). An action's place in the table
//! is its index, so that a set of actions can be a set of bits. Knows nothing of events.

use std::cmp::Ordering;
use std::io::Read;
use std::ops::Range;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

static PACKED: &[u8] = include_bytes!("../../data/actions.tsv.gz");

/// Access level of an action, as the service authorization reference classifies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Lists resources.
    List,
    /// Reads contents or attributes.
    Read,
    /// Creates, changes or deletes.
    Write,
    /// Changes tags only.
    Tagging,
    /// Grants or changes permissions.
    PermissionsManagement,
    /// The source does not say.
    Unknown,
}

impl Level {
    /// The name the service authorization reference uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::List => "List",
            Level::Read => "Read",
            Level::Write => "Write",
            Level::Tagging => "Tagging",
            Level::PermissionsManagement => "Permissions management",
            Level::Unknown => "Unknown",
        }
    }
}

/// One IAM action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// Canonical spelling: `s3:GetObject`.
    pub name: &'static str,
    /// Access level.
    pub level: Level,
    /// Whether some API call is named after it or mapped to it, so that an event can tell of its use.
    pub observable: bool,
    /// Resource types it works on, split by commas; `*` after one that is required.
    pub resource_types: &'static str,
}

impl Action {
    /// IAM prefix: `s3` of `s3:GetObject`.
    pub fn service(&self) -> &'static str {
        self.name.split(':').next().unwrap_or(self.name)
    }
}

/// Every action known, sorted by name without regard to case.
pub fn actions() -> &'static [Action] {
    static TEXT: OnceLock<String> = OnceLock::new();
    static ACTIONS: OnceLock<Vec<Action>> = OnceLock::new();
    ACTIONS.get_or_init(|| {
        let text = TEXT.get_or_init(|| {
            let mut text = String::new();
            // The table is part of the binary, so this cannot fail; a test counts the rows.
            if GzDecoder::new(PACKED).read_to_string(&mut text).is_err() {
                text.clear();
            }
            text
        });
        text.lines().filter_map(parse).collect()
    })
}

fn parse(line: &'static str) -> Option<Action> {
    let mut fields = line.split('\t');
    let name = fields.next()?;
    let level = match fields.next()? {
        "L" => Level::List,
        "R" => Level::Read,
        "W" => Level::Write,
        "T" => Level::Tagging,
        "P" => Level::PermissionsManagement,
        _ => Level::Unknown,
    };
    let observable = fields.next()? != "u";
    Some(Action { name, level, observable, resource_types: fields.next().unwrap_or_default() })
}

fn compare(a: &str, b: &str) -> Ordering {
    let fold = |byte: u8| byte.to_ascii_lowercase();
    a.bytes().map(fold).cmp(b.bytes().map(fold))
}

/// Index of an action in [`actions`], by name in any case.
pub fn index_of(name: &str) -> Option<usize> {
    actions().binary_search_by(|action| compare(action.name, name)).ok()
}

/// Whether the catalogue has the action, in any case.
pub fn is_known(name: &str) -> bool {
    index_of(name).is_some()
}

/// Access level of an action, or `None` if the catalogue does not have it.
pub fn access_level(name: &str) -> Option<Level> {
    Some(actions().get(index_of(name)?)?.level)
}

/// Whether no event can tell of the action's use: permission-only actions (`iam:PassRole`), console-only ones, and
/// those with no public API. An action that the catalogue does not have is not said to be unobservable.
pub fn is_unobservable(name: &str) -> bool {
    index_of(name).and_then(|index| actions().get(index)).is_some_and(|action| !action.observable)
}

/// The actions of an IAM prefix, in any case; empty for a prefix that is not known.
pub fn actions_of(prefix: &str) -> &'static [Action] {
    actions().get(range_of(prefix)).unwrap_or_default()
}

fn range_of(prefix: &str) -> Range<usize> {
    let fold = |byte: u8| byte.to_ascii_lowercase();
    // With the colon, because the table is sorted that way: `a2c-x:` stands before `a2c:`.
    let wanted = || prefix.bytes().chain(*b":").map(fold);
    let side = |action: &Action| action.service().bytes().chain(*b":").map(fold).cmp(wanted());
    let start = actions().partition_point(|action| side(action) == Ordering::Less);
    let end = actions().partition_point(|action| side(action) != Ordering::Greater);
    start..end
}

/// The actions that a pattern of a policy's `Action` names, in catalogue order: `s3:Get*`, `*`, `iam:?etUser`.
/// Without regard to case; `*` is any text and `?` any one character ("IAM JSON policy elements: Action").
pub fn expand(pattern: &str) -> Vec<&'static str> {
    expand_places(pattern).filter_map(|at| actions().get(at)).map(|action| action.name).collect()
}

/// The places in [`actions`] of what [`expand`] gives, in order.
///
/// A policy may have millions of patterns, so few actions are compared: those that begin as the pattern does before its
/// first wildcard, and of these the ones that have all of its letters.
pub fn expand_places(pattern: &str) -> impl Iterator<Item = usize> {
    let range = match pattern.find(['*', '?']) {
        None => index_of(pattern).map_or(0..0, |at| at..at + 1),
        Some(end) => starting_with(pattern.get(..end).unwrap_or_default()),
    };
    let (wanted, signatures) = (signature(pattern), signatures());
    // What stands for one character, or itself, has to be there.
    let length = pattern.bytes().filter(|byte| *byte != b'*').count();
    let has_all = move |at: &usize| signatures.get(*at).is_some_and(|has| has & wanted == wanted);
    let is_long = move |at: &usize| actions().get(*at).is_some_and(|action| action.name.len() >= length);
    range
        .filter(has_all)
        .filter(is_long)
        .filter(move |at| actions().get(*at).is_some_and(|action| matches(pattern, action.name)))
}

/// The part of the catalogue whose names begin with a text, in any case.
fn starting_with(front: &str) -> Range<usize> {
    let fold = |byte: u8| byte.to_ascii_lowercase();
    let wanted = || front.bytes().map(fold);
    let side = |action: &Action| action.name.bytes().take(front.len()).map(fold).cmp(wanted());
    let start = actions().partition_point(|action| side(action) == Ordering::Less);
    let end = actions().partition_point(|action| side(action) != Ordering::Greater);
    start..end
}

/// A bit for each letter, digit and other character that a text has, whatever the case; wildcards have none.
fn signature(text: &str) -> u64 {
    text.bytes().fold(0, |bits, byte| {
        bits | match byte {
            b'*' | b'?' => 0,
            b'a'..=b'z' => 1 << (byte - b'a'),
            b'A'..=b'Z' => 1 << (byte - b'A'),
            b'0'..=b'9' => 1 << (byte - b'0' + 26),
            b':' => 1 << 36,
            b'-' => 1 << 37,
            _ => 1 << 38,
        }
    })
}

fn signatures() -> &'static [u64] {
    static SIGNATURES: OnceLock<Vec<u64>> = OnceLock::new();
    SIGNATURES.get_or_init(|| actions().iter().map(|action| signature(action.name)).collect())
}

/// Whether a wildcard pattern matches a text as a whole, without regard to ASCII case.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last star stood and how much it has swallowed: the only place worth going back to.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte.eq_ignore_ascii_case(&text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, swallowed)) => {
                    star = Some((at, swallowed + 1));
                    p = at + 1;
                    t = swallowed + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}
