//! What happens to an outbox, one record each: the only thing that is written to disk.
//!
//! A record is a line: a checksum, a space, JSON. One line is one step, so a step has happened or it has not; and a person
//! with a pager can read what the outbox did. Later versions read what earlier ones wrote.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::note::Note;
use crate::message::Message;

/// The format of the records. It goes up when an older version could not read them any more; one that does not know notes
/// passes over them, and delivers as well without.
pub(crate) const FORMAT: u32 = 1;
/// No line is longer: a message is far shorter, and marks come in portions.
pub(crate) const LINE_BYTES_MAX: usize = 4 << 20;
/// Marks in one record.
pub(crate) const MARKS_MAX: usize = 2_000;

/// A key of 128 bits, written as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(pub(crate) u128);

impl Key {
    pub(crate) fn parse(text: &str) -> Option<Key> {
        let plain = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        plain.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(Key)
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Key::parse(&text).ok_or_else(|| serde::de::Error::custom("not a key"))
    }
}

/// A message on its way to a sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Name of the sink.
    pub sink: String,
    /// Not to be sent before, microseconds since the epoch.
    pub not_before: i64,
    /// Since when it could have been sent: patience is counted from here.
    pub since: i64,
    /// Attempts that failed.
    #[serde(default)]
    pub attempts: u32,
    /// Nobody tries any more.
    #[serde(default)]
    pub dead: bool,
    /// Why the last attempt failed.
    #[serde(default)]
    pub error: Option<String>,
    /// What is said.
    pub message: Message,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Op {
    /// First line of a file.
    Format(u32),
    /// A delivery is there, or is what it now is; its alerts are marked as told to that sink, and their group wants quiet.
    Put {
        delivery: Box<Delivery>,
        #[serde(default)]
        marks: Vec<Key>,
        #[serde(default)]
        quiet_until: Option<i64>,
    },
    /// These alerts are told to these sinks.
    Marks(Vec<Key>),
    /// A group is told no sooner again.
    Quiet { slot: Key, until: i64 },
    /// The sink has it.
    Sent { key: Key, sink: String, at: i64 },
    /// The sink has not taken it.
    Failed { key: Key, not_before: i64, error: String },
    /// Nobody tries any more.
    Dead { key: Key, error: String },
    /// It is tried again, as if it were new.
    Revive { key: Key, at: i64 },
    /// It is not wanted any more.
    Drop { key: Key },
    /// What became of alerts, for whoever keeps records.
    Note(Note),
    /// Notes are kept, and those up to this one can go.
    Noted { until: i64 },
}

/// The line of a step.
pub(crate) fn encode(op: &Op) -> Result<Vec<u8>, serde_json::Error> {
    let json = serde_json::to_vec(op)?;
    let mut line = checksum(&json).into_bytes();
    line.push(b' ');
    line.extend_from_slice(&json);
    line.push(b'\n');
    Ok(line)
}

/// The step of a line, without its end; `None` if it is not whole.
pub(crate) fn decode(line: &[u8]) -> Option<Op> {
    let (sum, rest) = line.split_at_checked(8)?;
    let json = rest.strip_prefix(b" ")?;
    if checksum(json).as_bytes() != sum {
        return None;
    }
    serde_json::from_slice(json).ok()
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_and_half_a_line_does_not() {
        let op = Op::Failed { key: Key(7), not_before: 5, error: "line\nend \u{2028}".to_owned() };
        let line = encode(&op).unwrap();
        assert_eq!(line.iter().filter(|&&b| b == b'\n').count(), 1);
        let line = line.strip_suffix(b"\n").unwrap();
        assert_eq!(decode(line), Some(op));
        for end in 0..line.len() {
            assert_eq!(decode(&line[..end]), None);
        }
        for at in 0..line.len() {
            let mut flipped = line.to_vec();
            flipped[at] ^= 1;
            assert_eq!(decode(&flipped), None, "{at}");
        }
    }

    #[test]
    fn keys_are_32_digits() {
        assert_eq!(Key::parse(&Key(5).to_string()), Some(Key(5)));
        for text in ["", "5", "zz", "+0000000000000000000000000000005"] {
            assert_eq!(Key::parse(text), None);
        }
    }
}
