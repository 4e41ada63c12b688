//! Who we are, and what time it is at AWS.

use super::check::{Check, State};
use crate::connection::Connection;

/// A clock so far off makes times in alerts and in "when" questions doubtful.
const SKEW_WARN_SECONDS: i64 = 30;
/// AWS refuses signatures beyond five minutes (fifteen for S3).
const SKEW_FAIL_SECONDS: i64 = 300;

/// Who we are: the account, if there are valid credentials.
pub fn credentials(connection: &Connection, checks: &mut Vec<Check>) -> Option<String> {
    match connection.identity() {
        Ok((account, arn)) => {
            let seen = match arn.ends_with(":root") {
                false => format!("{arn} of account {account}, in {}", connection.region()),
                true => {
                    let next = "the root user may do everything: use a role with the policy of `trailhound iam-policy`";
                    checks.push(Check::warn("credentials", arn, format!("the root user of account {account}"), next));
                    return Some(account);
                }
            };
            checks.push(Check::ok("credentials", "AWS", seen));
            Some(account)
        }
        Err(error) => {
            checks.push(Check::refused("credentials", "AWS", State::Fail, &error));
            None
        }
    }
}

/// Our clock beside AWS', by the last answer that had a date. Nothing is asked.
pub fn clock(connection: &Connection, checks: &mut Vec<Check>) {
    let Some(skew) = connection.meter().skew_seconds() else { return };
    let side = if skew > 0 { "ahead of" } else { "behind" };
    let seen = format!("this clock is {} s {side} AWS'", skew.abs());
    let next = "set the clock by NTP: AWS refuses requests that are five minutes off";
    checks.push(match skew.abs() {
        0..SKEW_WARN_SECONDS => Check::ok("clock", "this machine", "in step with AWS'"),
        SKEW_WARN_SECONDS..SKEW_FAIL_SECONDS => Check::warn("clock", "this machine", seen, next),
        _ => Check::fail("clock", "this machine", seen, next),
    });
}

/// Whether `LookupEvents` may be asked: one request.
pub fn lookup(connection: &Connection, checks: &mut Vec<Check>) {
    let region = connection.region();
    match connection.try_lookup() {
        Ok(()) => checks.push(Check::ok("lookup", "lookup:", format!("LookupEvents answers in {region}"))),
        Err(error) => checks.push(Check::refused("lookup", "lookup:", State::Fail, &error)),
    }
}
