//! Figures that add up: of one object, and of everything. Knows reasons. Must not know how anything is read.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{MAX_RAW_BYTES, MAX_REFUSED, OtherKind, Reason, Refused, Reject, Skipped};

/// Most entries kept of each list in [`Totals`]; what goes beyond is counted by reason only.
pub const MAX_LISTED: usize = 10_000;

/// What became of one object. Duplicates are known only when its rows have met all earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectTotals {
    /// The object.
    pub object: String,
    /// Records found in it.
    pub records_in: u64,
    /// Records that became rows.
    pub rows: u64,
    /// Records that were there already.
    pub duplicates: u64,
    /// Records refused.
    pub rejected: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes of text after inflation.
    pub bytes_inflated: u64,
    /// Refused records by reason: how many, and what was found the first time.
    pub reasons: BTreeMap<Reason, (u64, String)>,
    /// Set where the object is of another known kind.
    pub skipped: Option<OtherKind>,
    /// When the object was last written, in microseconds since the Unix epoch, where known.
    pub modified: Option<i64>,
    /// SHA-256 of the inflated text, where [`crate::pipeline::Options::evidence`] asks for it and all of it was read.
    pub sha256: Option<[u8; 32]>,
    /// The refused records themselves, where evidence is asked for; the first [`MAX_REFUSED`] of the object.
    pub refused: Vec<Refused>,
    /// Whether `refused` is filled.
    pub evidence: bool,
}

impl ObjectTotals {
    /// Totals of an object nothing is known of yet.
    pub fn new(object: String) -> Self {
        ObjectTotals { object, ..ObjectTotals::default() }
    }

    /// Notes `count` refused records.
    pub fn reject(&mut self, reason: Reason, count: u64, detail: impl Into<String>) {
        self.refuse(reason, count, None, &[], |_| detail.into());
    }

    /// Notes `count` refused records, of which the first stands at `offset` and begins with `raw`. `detail` is asked only
    /// where it is kept, because a hostile object is refused millions of times; it is given the record's number, from 1.
    pub fn refuse(
        &mut self,
        reason: Reason,
        count: u64,
        offset: Option<u64>,
        raw: &[u8],
        detail: impl FnOnce(u64) -> String,
    ) {
        let number = self.records_in + 1;
        self.records_in += count;
        self.rejected += count;
        let listed = match self.reasons.get_mut(&reason) {
            Some((refused, _)) => {
                *refused += count;
                true
            }
            None => false,
        };
        let kept = self.evidence && self.refused.len() < MAX_REFUSED;
        if listed && !kept {
            return;
        }
        let detail = detail(number);
        if kept {
            let raw = raw[..raw.len().min(MAX_RAW_BYTES)].to_vec();
            self.refused.push(Refused { reason, detail: detail.clone(), offset, raw });
        }
        self.reasons.entry(reason).or_insert((count, detail));
    }

    /// Whether the figures add up.
    pub fn balanced(&self) -> bool {
        self.records_in == self.rows + self.duplicates + self.rejected
    }
}

/// What became of everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Objects read, or tried.
    pub objects: u64,
    /// Records found.
    pub records_in: u64,
    /// Records that became rows.
    pub rows: u64,
    /// Records that were there already.
    pub duplicates: u64,
    /// Records refused.
    pub rejected: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes of text after inflation.
    pub bytes_inflated: u64,
    /// The refused, by object and reason; at most [`MAX_LISTED`].
    pub rejects: Vec<Reject>,
    /// Objects of other kinds; at most [`MAX_LISTED`].
    pub skipped: Vec<Skipped>,
    /// Refused records by reason, all of them.
    pub rejected_by_reason: BTreeMap<Reason, u64>,
    /// Entries that the two lists had no room for.
    pub unlisted: u64,
}

impl Totals {
    /// Adds an object's totals.
    pub fn add(&mut self, object: &ObjectTotals) {
        self.objects += 1;
        self.records_in += object.records_in;
        self.rows += object.rows;
        self.duplicates += object.duplicates;
        self.rejected += object.rejected;
        self.bytes_read += object.bytes_read;
        self.bytes_inflated += object.bytes_inflated;
        for (reason, (count, detail)) in &object.reasons {
            *self.rejected_by_reason.entry(*reason).or_default() += count;
            if self.rejects.len() < MAX_LISTED {
                let (object, detail) = (object.object.clone(), detail.clone());
                self.rejects.push(Reject { object, reason: *reason, detail, count: *count });
            } else {
                self.unlisted += 1;
            }
        }
        if let Some(kind) = object.skipped {
            if self.skipped.len() < MAX_LISTED {
                self.skipped.push(Skipped { object: object.object.clone(), kind });
            } else {
                self.unlisted += 1;
            }
        }
    }

    /// Adds the totals of another scan.
    pub fn merge(&mut self, other: Totals) {
        self.objects += other.objects;
        self.records_in += other.records_in;
        self.rows += other.rows;
        self.duplicates += other.duplicates;
        self.rejected += other.rejected;
        self.bytes_read += other.bytes_read;
        self.bytes_inflated += other.bytes_inflated;
        for (reason, count) in other.rejected_by_reason {
            *self.rejected_by_reason.entry(reason).or_default() += count;
        }
        self.unlisted += other.unlisted;
        for reject in other.rejects {
            if self.rejects.len() < MAX_LISTED { self.rejects.push(reject) } else { self.unlisted += 1 }
        }
        for skipped in other.skipped {
            if self.skipped.len() < MAX_LISTED { self.skipped.push(skipped) } else { self.unlisted += 1 }
        }
    }

    /// Whether the figures add up.
    pub fn balanced(&self) -> bool {
        self.records_in == self.rows + self.duplicates + self.rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_add_up_and_lists_are_bounded() {
        let mut totals = Totals::default();
        for n in 0..(MAX_LISTED as u64 + 5) {
            let mut object = ObjectTotals::new(format!("o{n}"));
            object.records_in = 3;
            object.rows = 2;
            object.duplicates = 1;
            object.reject(Reason::InvalidJson, 2, "first");
            object.reject(Reason::InvalidJson, 1, "second");
            assert!(object.balanced());
            totals.add(&object);
        }
        assert!(totals.balanced());
        assert_eq!(totals.rejects.len(), MAX_LISTED);
        assert_eq!((totals.rejects[0].count, totals.rejects[0].detail.as_str()), (3, "first"));
        assert_eq!(totals.unlisted, 5);
        assert_eq!(totals.rejected_by_reason[&Reason::InvalidJson], 3 * (MAX_LISTED as u64 + 5));
    }

    #[test]
    fn a_detail_is_made_only_where_it_is_kept() {
        for (evidence, expected) in [(false, 2), (true, MAX_REFUSED as u64 + 1)] {
            let mut object = ObjectTotals { evidence, ..ObjectTotals::default() };
            let mut made = 0;
            for n in 0..2000 {
                let reason = if n < 1990 { Reason::NotARecord } else { Reason::TooDeep };
                object.refuse(reason, 1, None, b"raw", |number| {
                    made += 1;
                    format!("record {number}")
                });
            }
            assert_eq!(
                (made, object.rejected, object.refused.len() as u64),
                (expected, 2000, if evidence { MAX_REFUSED as u64 } else { 0 })
            );
            assert_eq!(object.reasons[&Reason::NotARecord], (1990, "record 1".to_owned()));
            assert_eq!(object.reasons[&Reason::TooDeep], (10, "record 1991".to_owned()));
        }
    }
}
