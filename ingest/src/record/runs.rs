//! Runs of neighbouring fields that repeat word for word from record to record: taken in one step.
//!
//! The calls of a session come from one address and one agent, and a client makes few kinds of calls. A run begins at
//! its first column and goes on while its columns follow each other. The whole text of it is remembered, and how the
//! next key begins, so that a run seen before is one comparison. A record that has a column of a run outside of it is read like any other.

use super::memo::{self, Place};
use super::{Fields, Layout, MAX_SLOTS, Run};

/// Bytes after a run that must follow again: a comma, a quote, and two letters that tell the columns after a run from its
/// own.
const AFTER_BYTES: usize = 4;

/// Says that a slot is in no run.
pub(super) const NONE: u8 = u8::MAX;

/// A run that is being read.
#[derive(Debug, Clone, Copy)]
struct Open {
    run: usize,
    place: Option<Place>,
    start: usize,
    end: usize,
}

/// Where the scan of a record stands.
#[derive(Debug)]
pub(super) struct Runs {
    runs: Vec<Run>,
    run_of: [u8; MAX_SLOTS],
    open: Option<Open>,
    /// Bits of the runs that the record has had.
    seen: u8,
    /// Bits of the runs that have a column outside of the run's text.
    broken: u8,
}

impl Runs {
    pub(super) fn new(layout: &Layout) -> Self {
        let mut run_of = [NONE; MAX_SLOTS];
        for (index, run) in layout.runs.iter().enumerate() {
            let members = (0..MAX_SLOTS).filter(|slot| run.mask >> slot & 1 == 1);
            members.for_each(|slot| run_of[slot] = index as u8);
        }
        Runs { runs: layout.runs.clone(), run_of, open: None, seen: 0, broken: 0 }
    }

    /// A record begins.
    #[inline]
    pub(super) fn begin(&mut self, fields: &mut Fields) {
        (self.open, self.seen, self.broken) = (None, 0, 0);
        for run in &self.runs {
            fields.forget_number(run.first);
        }
    }

    /// The run that begins with a slot, or [`NONE`].
    pub(super) fn starting(&self, slot: usize) -> u8 {
        let run = self.run_of[slot];
        if self.runs.get(usize::from(run)).is_some_and(|run| run.first == slot) { run } else { NONE }
    }

    /// The run begins at `at`: takes it whole if it is remembered, and gives one past its end and its last slot; opens
    /// it if not.
    #[inline]
    pub(super) fn recall(&mut self, run: usize, text: &[u8], at: usize, fields: &mut Fields) -> Option<(usize, usize)> {
        self.close(text, fields);
        if self.seen >> run & 1 == 1 {
            self.broken |= 1 << run;
            return None;
        }
        self.seen |= 1 << run;
        let Run { first, told_by, .. } = self.runs[run];
        let place = memo::place::<false>(text, at, first, told_by);
        let found = place.and_then(|place| fields.recall(place, text, at, first));
        if found.is_some() {
            return found;
        }
        self.open = Some(Open { run, place, start: at, end: at });
        None
    }

    /// The run of a slot, or [`NONE`].
    pub(super) fn of(&self, slot: usize) -> u8 {
        self.run_of[slot]
    }

    /// A column was read, up to `end`; `run` is the one that it is in, or [`NONE`].
    #[inline]
    pub(super) fn read(&mut self, run: u8, text: &[u8], slot: usize, end: usize, fields: &mut Fields) {
        if run != NONE || self.open.is_some() {
            self.member(text, slot, end, fields);
        }
    }

    #[inline(never)]
    fn member(&mut self, text: &[u8], slot: usize, end: usize, fields: &mut Fields) {
        let run = self.run_of[slot];
        match &mut self.open {
            Some(open) if open.run == usize::from(run) => open.end = end,
            _ => {
                self.close(text, fields);
                self.broken |= 1u8.checked_shl(u32::from(run)).unwrap_or(0);
            }
        }
    }

    /// Ends the run that is open, and remembers it.
    #[inline]
    pub(super) fn close(&mut self, text: &[u8], fields: &mut Fields) {
        if let Some(open) = self.open.take() {
            self.remember(open, text, fields);
        }
    }

    #[inline(never)]
    fn remember(&mut self, open: Open, text: &[u8], fields: &mut Fields) {
        let Open { run, place: Some(place), start, end } = open else { return };
        // What follows says that the run ends here: no number goes on, and no other column of the run comes.
        let after = match text.get(end..end + AFTER_BYTES) {
            Some([b',', ..]) => AFTER_BYTES,
            Some([b'}', ..]) => 1,
            _ => return,
        };
        if self.broken >> run & 1 == 0 {
            let Run { first, mask, .. } = self.runs[run];
            fields.remember(place, (&text[start..end + after], after as u8), start, first, mask);
        }
    }

    /// The record ended.
    #[inline]
    pub(super) fn end(&mut self, text: &[u8], fields: &mut Fields) {
        self.close(text, fields);
        if self.broken != 0 {
            for (index, run) in self.runs.iter().enumerate() {
                if self.broken >> index & 1 == 1 {
                    fields.forget_number(run.first);
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::record::{Fields, Scanner};

    /// A run that was remembered is not taken for a longer one that begins like it, in any order of records, and all fields
    /// are found whatever stands between the columns of a run.
    #[test]
    fn a_remembered_run_is_not_the_beginning_of_a_longer_one() {
        const ENDS: [&str; 7] = [
            "",
            r#","eventCategory":"Management""#,
            r#","vpcEndpointId":"vpce-1","eventCategory":"Management""#,
            r#","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"1","eventCategory":"Management""#,
            r#","sharedEventID":"s","eventCategory":"Management""#,
            r#","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3"}"#,
            r#", "vpcEndpointId":"vpce-1" , "eventCategory":"Management""#,
        ];
        let record = |end: &str| {
            let start =
                r#"{"eventVersion":"1.11","eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"1""#;
            // The scanner looks at bytes behind a record, too.
            format!("{start}{end}}}{}", " ".repeat(200))
        };
        let (mut old, mut fields, mut fresh_fields) = (Scanner::new(), Fields::default(), Fields::default());
        let first = old.layout().slot("eventtype").unwrap();
        let mut recalled = std::collections::BTreeSet::new();
        for (before, end) in ENDS.iter().flat_map(|before| ENDS.map(|end| (*before, end))) {
            for text in [record(before), record(end), record(end)] {
                old.scan(text.as_bytes(), 0, &mut fields).unwrap();
                Scanner::new().scan(text.as_bytes(), 0, &mut fresh_fields).unwrap();
                assert!(fields.present().eq(fresh_fields.present()), "{text}");
                recalled.insert(fields.number(first));
            }
        }
        assert!(recalled.len() > 5, "{recalled:?}");
    }
}
