//! Which keys are wanted, and where the next wanted one may be: what is not wanted is not even listed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use ingest::key::{Kind, is_account, is_organisation, is_region};
use serde::Serialize;

/// What a user wants of a bucket. Days are those of the delivery, in UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only of these accounts; of all where none is named.
    pub accounts: BTreeSet<String>,
    /// Only of these Regions; of all where none is named.
    pub regions: BTreeSet<String>,
    /// Delivered on this day or later.
    pub from: Option<NaiveDate>,
    /// Delivered on this day or before.
    pub to: Option<NaiveDate>,
}

/// What to do with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Read it.
    Take,
    /// Leave it.
    Leave(Why),
    /// Leave it and everything up to this key; the prefix is what is left out.
    Jump { after: String, prefix: String, why: Why },
}

/// Why something is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Digest files: `trailhound verify` reads them.
    Digest,
    /// No prefix of CloudTrail's: flow logs, Config snapshots, somebody's own.
    Unknown,
    /// An account, Region or day that is not wanted.
    Filtered,
}

/// What was left out: prefixes, and objects where no prefix could be passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Prefixes by why, at most [`MAX_PREFIXES`] of each.
    pub prefixes: BTreeMap<Why, BTreeSet<String>>,
    /// Objects that were listed and left.
    pub objects: BTreeMap<Why, u64>,
}

/// Prefixes that are remembered for each reason.
pub const MAX_PREFIXES: usize = 100;

impl LeftOut {
    pub(crate) fn object(&mut self, why: Why) {
        *self.objects.entry(why).or_default() += 1;
    }

    pub(crate) fn prefix(&mut self, why: Why, prefix: String) {
        let prefixes = self.prefixes.entry(why).or_default();
        if prefixes.len() < MAX_PREFIXES {
            prefixes.insert(prefix);
        }
    }
}

/// The last text that begins with `prefix`: what follows it begins otherwise.
fn end_of(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// Folders that other services of AWS' write below `AWSLogs/ACCOUNT/`, each from the page of its service on where logs go (CloudFront:
/// "Standard logging (v2)"; GuardDuty: "Exporting findings"; Route 53 Resolver: "Query logging"; the others: "Access logs", "Flow logs",
/// "Audit logging", "Log destinations"). One that no page names is read, and told by what is in it: what is passed over is deleted
/// from its queue.
const OTHERS: &[&str] = &[
    "Config",
    "CloudFront",
    "elasticloadbalancing",
    "globalaccelerator",
    "GuardDuty",
    "network-firewall",
    "redshift",
    "vpcdnsquerylogs",
    "vpcflowlogs",
    "WAFLogs",
];

/// Whose an object is that is clearly not to be read as rows: another service's by its folder, a digest, or the mark of a
/// folder. None where it may be CloudTrail's: what is in it says so, whatever it is called.
pub(crate) fn passed_over(key: &str) -> Option<&'static str> {
    if key.ends_with('/') {
        return Some("folder");
    }
    // A prefix may have such folders itself: what counts is the last.
    let root = key.rfind("/AWSLogs/").map(|at| at + 9).or_else(|| key.starts_with("AWSLogs/").then_some(8))?;
    let mut parts = key.get(root..)?.split('/');
    let account = parts.next().and_then(|part| if is_organisation(part) { parts.next() } else { Some(part) })?;
    let folder = parts.next().filter(|_| is_account(account))?;
    // There has to be something in it.
    parts.next()?;
    if folder == Kind::Digest.folder() {
        return Some(Kind::Digest.folder());
    }
    OTHERS.iter().find(|other| **other == folder).copied()
}

impl Filter {
    fn is_open(&self) -> bool {
        *self == Filter::default()
    }

    /// Decides on one key. `named` says whether the user named a prefix within the bucket: then what lies there is meant, even
    /// if CloudTrail did not name it so.
    pub(crate) fn decide(&self, key: &str, named: bool) -> Decision {
        if key.ends_with('/') {
            return Decision::Leave(Why::Unknown);
        }
        let root = if key.starts_with("AWSLogs/") { Some(8) } else { key.find("/AWSLogs/").map(|at| at + 9) };
        let Some(root) = root else {
            return if named && self.is_open() { Decision::Take } else { Decision::Leave(Why::Unknown) };
        };
        let mut walk = Parts { key, at: root };
        let jump = |end: usize, why: Why| {
            let prefix = key.get(..end).unwrap_or(key).to_owned();
            Decision::Jump { after: end_of(&prefix), prefix, why }
        };
        let Some(mut part) = walk.next() else { return Decision::Leave(Why::Unknown) };
        if is_organisation(part) {
            let Some(next) = walk.next() else { return Decision::Leave(Why::Unknown) };
            part = next;
        }
        if !is_account(part) {
            return jump(walk.at, Why::Unknown);
        }
        if !self.accounts.is_empty() && !self.accounts.contains(part) {
            return jump(walk.at, Why::Filtered);
        }
        let Some(kind) = walk.next() else { return Decision::Leave(Why::Unknown) };
        match Kind::of_folder(kind) {
            None => return jump(walk.at, Why::Unknown),
            Some(Kind::Digest) => return jump(walk.at, Why::Digest),
            Some(_) => {}
        }
        let Some(region) = walk.next() else { return Decision::Leave(Why::Unknown) };
        if !is_region(region) {
            return jump(walk.at, Why::Unknown);
        }
        if !self.regions.is_empty() && !self.regions.contains(region) {
            return jump(walk.at, Why::Filtered);
        }
        self.decide_day(key, walk.at)
    }

    /// `at` is where the day begins in the key.
    fn decide_day(&self, key: &str, at: usize) -> Decision {
        let (Some(region), Some(rest)) = (key.get(..at), key.get(at..)) else { return Decision::Leave(Why::Unknown) };
        let day = |day: NaiveDate| day.format("%Y/%m/%d").to_string();
        let dated = rest.get(..11).is_some_and(|text| text.ends_with('/'));
        let Some(text) = rest.get(..10).filter(|text| dated && NaiveDate::parse_from_str(text, "%Y/%m/%d").is_ok())
        else {
            return Decision::Leave(Why::Unknown);
        };
        if let Some(from) = self.from.map(day).filter(|from| text < from.as_str()) {
            let prefix = region.to_owned();
            return Decision::Jump { after: format!("{region}{from}"), prefix, why: Why::Filtered };
        }
        if self.to.map(day).is_some_and(|to| text > to.as_str()) {
            return Decision::Jump { after: end_of(region), prefix: region.to_owned(), why: Why::Filtered };
        }
        Decision::Take
    }
}

/// Folders of a key, one after the other; `at` is where the next begins.
struct Parts<'a> {
    key: &'a str,
    at: usize,
}

impl<'a> Parts<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (part, _) = self.key.get(self.at..)?.split_once('/')?;
        self.at += part.len() + 1;
        Some(part)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ROOT: &str = "p/AWSLogs/o-abcdefghij/";

    fn decide(filter: &Filter, rest: &str) -> String {
        match filter.decide(&format!("{ROOT}{rest}"), false) {
            Decision::Take => "take".to_owned(),
            Decision::Leave(why) => format!("leave {why:?}"),
            Decision::Jump { after, why, .. } => {
                let after = after.replace(ROOT, "").replace(char::MAX, "*");
                format!("jump {after} {why:?}")
            }
        }
    }

    #[test]
    fn what_is_not_wanted_is_passed_over_whole() {
        let day = |text: &str| Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap());
        let filter = Filter {
            accounts: ["111122223333".to_owned()].into(),
            regions: ["us-east-1".to_owned()].into(),
            from: day("2026-03-05"),
            to: day("2026-03-07"),
        };
        for (key, decision) in [
            ("111122223333/CloudTrail/us-east-1/2026/03/05/x.json.gz", "take"),
            ("111122223333/CloudTrail-Insight/us-east-1/2026/03/07/x.json.gz", "take"),
            (
                "111122223333/CloudTrail/us-east-1/2026/03/04/x.json.gz",
                "jump 111122223333/CloudTrail/us-east-1/2026/03/05 Filtered",
            ),
            (
                "111122223333/CloudTrail/us-east-1/2026/03/08/x.json.gz",
                "jump 111122223333/CloudTrail/us-east-1/* Filtered",
            ),
            (
                "111122223333/CloudTrail/eu-west-1/2026/03/05/x.json.gz",
                "jump 111122223333/CloudTrail/eu-west-1/* Filtered",
            ),
            ("444455556666/CloudTrail/us-east-1/2026/03/05/x.json.gz", "jump 444455556666/* Filtered"),
            ("111122223333/CloudTrail-Digest/us-east-1/2026/03/05/x", "jump 111122223333/CloudTrail-Digest/* Digest"),
            ("111122223333/Config/us-east-1/2026/3/5/x", "jump 111122223333/Config/* Unknown"),
            ("elsewhere/x", "jump elsewhere/* Unknown"),
            ("111122223333/CloudTrail/us-east-1/2026/03/05/", "leave Unknown"),
            ("111122223333/CloudTrail/us-east-1/2026/x/05/y", "leave Unknown"),
            ("x", "leave Unknown"),
        ] {
            assert_eq!(decide(&filter, key), decision, "{key}");
        }
    }

    #[test]
    fn only_what_is_clearly_anothers_is_passed_over() {
        for (key, whose) in [
            ("AWSLogs/111122223333/Config/eu-west-1/2026/1/2/ConfigHistory/x.json.gz", Some("Config")),
            ("p/AWSLogs/o-abcdefghij/111122223333/vpcflowlogs/eu-west-1/2026/01/02/x.log.gz", Some("vpcflowlogs")),
            ("AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/01/02/x.json.gz", Some("CloudTrail-Digest")),
            ("AWSLogs/CUSTOM/AWSLogs/111122223333/Config/x", Some("Config")),
            ("AWSLogs/111122223333/CloudTrail/", Some("folder")),
            ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/02/x.json.gz", None),
            ("AWSLogs/CUSTOM/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/02/x.json.gz", None),
            ("AWSLogs/111122223333/Config/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/02/x.json.gz", None),
            ("AWSLogs/111122223333/CloudTrail/us-east-1/x.json.gz", None),
            ("AWSLogs/1/CloudTrail/gone.json.gz", None),
            ("AWSLogs/1/Config/x", None),
            ("AWSLogs/111122223333/Somebodys/x.json.gz", None),
            ("AWSLogs/111122223333/Config", None),
            ("Config/x.json", None),
            ("AWSLogs", None),
        ] {
            assert_eq!(passed_over(key), whose, "{key}");
        }
    }

    #[test]
    fn what_was_named_is_read_whatever_it_is_called() {
        let open = Filter::default();
        assert_eq!(open.decide("incident/a.json", true), Decision::Take);
        assert_eq!(open.decide("incident/a.json", false), Decision::Leave(Why::Unknown));
        let filter = Filter { accounts: ["1".to_owned()].into(), ..open };
        assert_eq!(filter.decide("incident/a.json", true), Decision::Leave(Why::Unknown));
    }

    /// A jump never passes over a key that would be taken, and always goes on.
    #[test]
    fn jumps_go_forward_and_not_too_far() {
        let filter = Filter {
            from: NaiveDate::from_ymd_opt(2026, 3, 5),
            to: NaiveDate::from_ymd_opt(2026, 3, 7),
            ..Filter::default()
        };
        let mut keys = Vec::new();
        for account in ["111122223333", "x", "444455556666"] {
            for kind in ["CloudTrail", "CloudTrail-Digest", "CloudTrail-Insight", "Config"] {
                for region in ["eu-west-1", "us-east-1", "global"] {
                    for day in ["2025/12/31", "2026/03/04", "2026/03/05", "2026/03/07", "2026/03/08", "2026/11/01"] {
                        keys.push(format!("AWSLogs/{account}/{kind}/{region}/{day}/f"));
                    }
                }
            }
        }
        keys.sort();
        let wanted = keys.iter().filter(|key| filter.decide(key, false) == Decision::Take).count();
        let (mut taken, mut after) = (0, String::new());
        for key in &keys {
            if *key <= after {
                continue;
            }
            match filter.decide(key, false) {
                Decision::Take => taken += 1,
                Decision::Leave(_) => {}
                Decision::Jump { after: to, .. } => {
                    assert!(to > *key, "{key} -> {to}");
                    after = to;
                }
            }
        }
        assert_eq!((taken, wanted), (16, 16));
    }
}
