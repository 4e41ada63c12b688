//! Revived: credentials used in the first days, then not for more than 90 days, then again.

use super::super::Expect;
use super::super::calendar::DAY_S;
use super::{Act, How, Plot, Stage, as_target};

/// Days of rest after which a credential counts as revived.
const REST_DAYS: u32 = 90;
/// Days at the beginning in which it is used.
const FIRST_DAYS: u32 = 3;

/// Start of the day of the revival; none where the period is too short for the rest.
fn revival(stage: &Stage<'_>, days_before_end: u32) -> Option<i64> {
    let day = stage.calendar.days.checked_sub(days_before_end)?;
    (day > FIRST_DAYS + REST_DAYS).then(|| stage.calendar.day_start(day))
}

/// An access key that everybody had forgotten.
pub(super) fn access_key(stage: &mut Stage<'_>) -> Option<Plot> {
    let back = revival(stage, 6)? + 33_000;
    as_target(stage, "backup-legacy", |stage, actor| {
        let place = (stage.target_index, 0);
        let mut before = Vec::new();
        for day in 0..i64::from(FIRST_DAYS) {
            let night = stage.calendar.start + day * DAY_S + 7_500;
            for (nth, name) in
                ["rds:DescribeDBInstances", "rds:CreateDBSnapshot", "ec2:CreateSnapshot"].iter().enumerate()
            {
                before.extend(stage.call(actor, place, night + 7 * nth as i64, name, How::USUAL));
            }
        }
        let how = How {
            address: "198.51.100.230",
            agent: "python-requests/2.32.3 Boto3/1.28.85 Python/3.11.6 Linux/6.5.0 Botocore/1.31.85",
            ..How::USUAL
        };
        let calls = ["sts:GetCallerIdentity", "s3:ListBuckets", "rds:DescribeDBInstances"];
        let acts: Vec<Act> =
            (0..).zip(calls).filter_map(|(nth, name)| stage.call(actor, place, back + nth * 40, name, how)).collect();
        Some(Plot {
            kind: "revived_access_key",
            expect: Expect::Alert,
            about: "an access key is used again after more than 90 days, from elsewhere",
            account: place.0,
            region: place.1,
            principal: actor.principal.clone(),
            acts,
            before,
        })
    })
}

/// A role whose function had not run for months.
pub(super) fn role(stage: &mut Stage<'_>) -> Option<Plot> {
    let back = revival(stage, 4)? + 7_260;
    as_target(stage, "nightly-export", |stage, actor| {
        let place = (stage.target_index, 1);
        let names = ["glue:GetTable", "glue:GetPartitions", "logs:CreateLogStream"];
        let mut before = Vec::new();
        for day in 0..i64::from(FIRST_DAYS) {
            let night = stage.calendar.start + day * DAY_S + 7_260;
            for (nth, name) in (0..).zip(names) {
                before.extend(stage.call(actor, place, night + nth * 9, name, How::USUAL));
            }
        }
        let acts: Vec<Act> = (0..)
            .zip(names)
            .filter_map(|(nth, name)| stage.call(actor, place, back + nth * 9, name, How::USUAL))
            .collect();
        Some(Plot {
            kind: "revived_role",
            expect: Expect::Alert,
            about: "a role is used again after more than 90 days",
            account: place.0,
            region: place.1,
            principal: actor.principal.clone(),
            acts,
            before,
        })
    })
}
