//! Two sources of when a key or a password was used last, the credential report and the logs, and what they make of each other.
//!
//! The report knows every request, but only until it was made ("at most every four hours": "Getting credential reports for your
//! AWS account"), and its text does not say when that was. The logs know which key it was by an id that the report does not
//! have. So where the logs show later use, either it is this key's, or one of several, and then nobody can say.

use std::collections::BTreeMap;

use crate::instant::DAY;
use crate::inventory::{Credentials, Inventory, ReportedKey};
use crate::unused::Report;
use crate::usage::account_of;

/// How far the report may lag behind the logs and still be called of one time: four hours, and a quarter for its dates.
const LAG: i64 = DAY / 24 * 17 / 4;

/// What the logs say of a key or a password that the report calls unused since then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// Nothing else.
    Nothing,
    /// It was used later.
    Used(i64),
    /// One of the user's keys was, and it cannot be known which.
    OneOf(i64),
}

/// What the logs know beside the credential report.
#[derive(Debug, Default)]
pub(super) struct Sources<'a> {
    /// Last use of each key in the logs, by owner.
    keys: BTreeMap<&'a str, Vec<i64>>,
    /// Last sign-in of each user in the logs.
    logins: BTreeMap<&'a str, i64>,
    /// By how many days an account's report is certainly older than the logs.
    behind: BTreeMap<&'a str, i64>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(inventories: &'a [Inventory], report: &'a Report, now: i64) -> Sources<'a> {
        let mut sources = Sources::default();
        for key in &report.access_keys {
            sources.keys.entry(&key.principal).or_default().extend(key.last_logged);
        }
        let logins = report.principals.iter().filter_map(|one| Some((one.principal.as_str(), one.last_console_login?)));
        sources.logins = logins.collect();
        for inventory in inventories {
            let taken = inventory.taken.map(|taken| now.saturating_sub(taken));
            let shown = inventory.credentials.values().filter_map(|user| sources.lag(user));
            if let Some(lag) = taken.into_iter().chain(shown).max().filter(|lag| *lag >= DAY) {
                let days = sources.behind.entry(inventory.account()).or_default();
                *days = (*days).max(lag.div_euclid(DAY));
            }
        }
        sources
    }

    /// How much later than the report the logs show use of some key of a user, which the report would have.
    fn lag(&self, user: &Credentials) -> Option<i64> {
        let reported = user.keys.iter().filter_map(|key| key.last_used).max();
        let logged = self.keys.get(user.arn.as_str())?.iter().copied().max()?;
        // A key that is deleted stands in no report.
        let known = reported.filter(|_| user.keys.len() == self.keys.get(user.arn.as_str()).map_or(0, Vec::len))?;
        Some(logged.saturating_sub(known))
    }

    /// By how many days the report of a user's account is older than the logs; none where nothing shows that it is.
    pub(super) fn behind(&self, user: &Credentials) -> Option<i64> {
        self.behind.get(account_of(&user.arn)?).copied()
    }

    pub(super) fn of_key(&self, user: &Credentials, key: &ReportedKey) -> Sight {
        let logged = self.keys.get(user.arn.as_str()).map(Vec::as_slice).unwrap_or_default();
        // What the report has of another key explains what the logs have until then.
        let explained = user.keys.iter().filter_map(|key| key.last_used).max().map_or(i64::MIN, |time| time + LAG);
        let Some(last) = logged.iter().copied().max().filter(|last| *last > explained) else { return Sight::Nothing };
        match (user.keys.as_slice(), logged) {
            ([_], [_]) if key.last_rotated.is_none_or(|made| made <= last) => Sight::Used(last),
            _ => Sight::OneOf(last),
        }
    }

    pub(super) fn of_password(&self, user: &Credentials) -> Sight {
        let explained = user.password_last_used.map_or(i64::MIN, |time| time + LAG);
        let last = self.logins.get(user.arn.as_str()).copied().filter(|last| *last > explained);
        last.map_or(Sight::Nothing, Sight::Used)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use crate::findings::signin::SignIns;
    use crate::findings::{Finding, Kind, of};
    use crate::fixture::{batch, call};
    use crate::instant;
    use crate::inventory::Inventory;
    use crate::unused::{self, Options};
    use crate::usage::LastUsed;

    const HEAD: &str = "user,arn,user_creation_time,password_enabled,password_last_used,mfa_active,access_key_1_active,\
        access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date";

    /// Findings of users with the dates of use of two keys each (none: no such key), and calls with ann's key.
    fn found(users: &[(&str, [&str; 2])], calls: &[&str], taken: Option<&str>) -> Vec<Finding> {
        let page = json!({"UserDetailList": [{"Arn": "arn:aws:iam::111111111111:user/ann", "UserName": "ann"}]});
        let mut inventories = [Inventory::parse(&page.to_string(), "g.json").unwrap()];
        let made = "2026-01-01T00:00:00+00:00";
        let key = |used: &str| if used.is_empty() { "false,N/A,N/A".to_owned() } else { format!("true,{made},{used}") };
        let rows = users.iter().map(|(name, [one, two])| {
            format!("{name},arn:aws:iam::111111111111:user/{name},{made},false,N/A,false,{},{}", key(one), key(two))
        });
        let text = format!("{HEAD}\n{}\n", rows.collect::<Vec<_>>().join("\n"));
        inventories[0].add_credential_report(&text, "c.csv").unwrap();
        inventories[0].taken = taken.map(|time| instant::parse(time).unwrap());
        let mut usage = LastUsed::default();
        let records: Vec<_> = calls.iter().map(|time| call("ann", "iam", "ListUsers", time)).collect();
        usage.observe(&batch(&records));
        let options = Options::new(instant::parse("2026-03-15T00:00:00Z").unwrap());
        let report = unused::report(&usage, &inventories, &options);
        of(&inventories, &SignIns::default(), &report, &options)
    }

    fn unused_keys(found: &[Finding]) -> Vec<(&str, Option<u8>, &str)> {
        let keys = found.iter().filter(|one| one.kind == Kind::AccessKeyUnused);
        keys.map(|one| (one.principal.rsplit('/').next().unwrap(), one.slot, one.confidence)).collect()
    }

    const OLD: &str = "2026-01-10T00:00:00+00:00";

    #[test]
    fn later_use_in_the_logs_unsettles_what_the_report_says() {
        let recent = "2026-03-10T00:00:00Z";
        assert_eq!(unused_keys(&found(&[("ann", [OLD, ""])], &[], None)), [("ann", Some(1), "certain")]);
        // The only key was used, whatever the report says; of two it cannot be known which.
        let unclear = "report_and_logs_disagree";
        let one = found(&[("ann", [OLD, ""])], &[recent], None);
        assert_eq!(unused_keys(&one), [("ann", Some(1), unclear)]);
        let told = one.iter().find(|one| one.kind == Kind::AccessKeyUnused).unwrap();
        let evidence = "credential report: key 1 last used 64 days ago; events: used 5 days ago";
        assert_eq!((told.days, told.evidence.as_str()), (Some(64), evidence));
        let two = found(&[("ann", [OLD, "2026-01-11T00:00:00+00:00"])], &[recent], None);
        assert_eq!(unused_keys(&two), [("ann", Some(1), unclear), ("ann", Some(2), unclear)]);
        let evidence = &two.iter().find(|one| one.kind == Kind::AccessKeyUnused).unwrap().evidence;
        assert!(evidence.contains("events: one of the user's keys was used 5 days ago"), "{evidence}");
        // The use that the logs show is the other key's, as the report says.
        let other = found(&[("ann", [OLD, "2026-03-10T00:00:00+00:00"])], &[recent], None);
        assert_eq!(unused_keys(&other), [("ann", Some(1), "certain")]);
    }

    #[test]
    fn a_report_that_is_older_than_the_logs_is_no_certainty() {
        let bob = [("bob", [OLD, ""])];
        assert_eq!(unused_keys(&found(&bob, &[], Some("2026-03-14T12:00:00Z"))), [("bob", Some(1), "certain")]);
        let older = "report_older_than_logs";
        assert_eq!(unused_keys(&found(&bob, &[], Some("2026-02-25T00:00:00Z"))), [("bob", Some(1), older)]);
        // Without a date of the report, another user's key shows it.
        let both = [("ann", [OLD, ""]), ("bob", [OLD, ""])];
        let told = found(&both, &["2026-03-10T00:00:00Z"], None);
        assert_eq!(unused_keys(&told).last(), Some(&("bob", Some(1), older)));
    }

    #[test]
    fn a_report_that_is_newer_than_the_logs_has_no_negative_ages() {
        let found = found(&[("ann", ["2026-03-18T00:00:00+00:00", OLD])], &["2026-03-14T00:00:00Z"], None);
        let two = found.iter().find(|one| one.kind == Kind::TwoActiveAccessKeys).unwrap();
        assert!(two.evidence.contains("last used after the end of the logs, 2026-03-18T00:00:00Z"), "{}", two.evidence);
        assert!(found.iter().all(|one| !one.evidence.contains('-') || !one.evidence.contains(" -")), "{found:?}");
    }
}
