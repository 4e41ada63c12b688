//! The trails of the account: do they log, everywhere, everything, and can it be proven.

use std::collections::BTreeSet;

use aws_sdk_cloudtrail::operation::get_event_selectors::GetEventSelectorsOutput;
use aws_sdk_cloudtrail::types::{ReadWriteType, Trail};

use super::check::{Check, State};
use crate::connection::Connection;
use crate::error::{Error, explain};

/// Looks at the trails that write into one of these buckets, or at all where none is named. Several accounts are asked: the
/// trail of a bucket is often another account's, or the organisation's, which each of its accounts shows.
pub fn examine(connections: &[&Connection], buckets: &BTreeSet<String>, checks: &mut Vec<Check>) {
    let writes = |trail: &Trail| buckets.is_empty() || trail.s3_bucket_name().is_some_and(|b| buckets.contains(b));
    let (mut seen, mut ours, mut refused) = (BTreeSet::new(), Vec::new(), Vec::new());
    for connection in connections {
        match connection.wait(describe(connection)) {
            Ok(trails) => {
                let new =
                    |trail: &Trail| seen.insert(trail.trail_arn().or(trail.name()).unwrap_or_default().to_owned());
                let found: Vec<Trail> = trails.into_iter().filter(writes).filter(new).collect();
                ours.extend(found.into_iter().map(|trail| (*connection, trail)));
            }
            Err(error) => refused.push(Check::refused("trail", "CloudTrail", State::Warn, &error)),
        }
    }
    if ours.is_empty() && refused.is_empty() {
        let names: Vec<_> = buckets.iter().map(String::as_str).collect();
        let (about, seen) = match names.as_slice() {
            [] => ("CloudTrail".to_owned(), "this account has no trail"),
            names => (names.join(", "), "no trail of this account and Region writes there"),
        };
        let next = "make one (`aws cloudtrail create-trail --is-multi-region-trail`), or run doctor where the trail is: \
                    in its account (--profile, --role-arn, an [[account]] of --config) and home Region (--region)";
        checks.push(Check::warn("trail", about, seen, next));
    }
    checks.extend(refused);
    for (connection, trail) in &ours {
        let name = trail.trail_arn().or(trail.name()).unwrap_or_default().to_owned();
        settings(trail, &name, checks);
        let region = trail.home_region().map_or_else(|| connection.region(), str::to_owned);
        match connection.wait(status(connection, &region, &name)) {
            Ok(found) => checks.extend(found),
            Err(error) => checks.push(Check::refused("trail.logging", name.clone(), State::Warn, &error)),
        }
        match connection.wait(selectors(connection, &region, &name)) {
            Ok(found) => events(&found, &name, checks),
            Err(error) => checks.push(Check::refused("trail.events", name, State::Warn, &error)),
        }
    }
}

async fn describe(connection: &Connection) -> Result<Vec<Trail>, Error> {
    let client = connection.cloudtrail(&connection.region());
    let answer = client.describe_trails().include_shadow_trails(true).send().await;
    let answer = answer.map_err(|error| explain(&error, "the trails", "cloudtrail:DescribeTrails", "*"))?;
    Ok(answer.trail_list.unwrap_or_default())
}

async fn selectors(connection: &Connection, region: &str, trail: &str) -> Result<GetEventSelectorsOutput, Error> {
    let answer = connection.cloudtrail(region).get_event_selectors().trail_name(trail).send().await;
    answer.map_err(|error| explain(&error, trail, "cloudtrail:GetEventSelectors", trail))
}

/// What `DescribeTrails` says.
fn settings(trail: &Trail, name: &str, checks: &mut Vec<Check>) {
    let update = |flag: &str| format!("aws cloudtrail update-trail --name {name} {flag}");
    let place = format!(
        "writes to s3://{}/{}{}",
        trail.s3_bucket_name().unwrap_or_default(),
        trail.s3_key_prefix().unwrap_or_default(),
        if trail.is_organization_trail() == Some(true) { ", for the whole organisation" } else { "" }
    );
    checks.push(Check::ok("trail", name, place));
    checks.push(match trail.is_multi_region_trail() {
        Some(true) => Check::ok("trail.regions", name, "every Region"),
        _ => {
            let seen = format!("only {}", trail.home_region().unwrap_or("one Region"));
            Check::warn("trail.regions", name, seen, update("--is-multi-region-trail"))
        }
    });
    checks.push(match trail.include_global_service_events() {
        Some(false) => {
            let seen = "not IAM, STS and other global services";
            Check::warn("trail.global", name, seen, update("--include-global-service-events"))
        }
        _ => Check::ok("trail.global", name, "IAM, STS and other global services too"),
    });
    checks.push(match trail.log_file_validation_enabled() {
        Some(true) => Check::ok("trail.validation", name, "digest files are written"),
        _ => {
            let seen = "no digest files: nothing can be proven";
            Check::warn("trail.validation", name, seen, update("--enable-log-file-validation"))
        }
    });
    checks.push(match trail.kms_key_id() {
        Some(key) => Check::ok("trail.key", name, format!("encrypted by {key}: readers need kms:Decrypt on it")),
        None => Check::ok("trail.key", name, "encrypted by S3's own keys"),
    });
}

/// What `GetTrailStatus` says.
async fn status(connection: &Connection, region: &str, trail: &str) -> Result<Vec<Check>, Error> {
    let answer = connection.cloudtrail(region).get_trail_status().name(trail).send().await;
    let status = answer.map_err(|error| explain(&error, trail, "cloudtrail:GetTrailStatus", trail))?;
    let mut checks = vec![match status.is_logging() {
        Some(true) => Check::ok("trail.logging", trail, "logging"),
        _ => {
            let next = format!("aws cloudtrail start-logging --name {trail}");
            Check::fail("trail.logging", trail, "stopped: nothing is recorded", next)
        }
    }];
    let errors = [
        ("trail.delivery", "log files", status.latest_delivery_error()),
        ("trail.digest_delivery", "digest files", status.latest_digest_delivery_error()),
        ("trail.notification", "notifications", status.latest_notification_error()),
    ];
    for (check, what, error) in errors {
        if let Some(error) = error.filter(|error| !error.is_empty()) {
            let next = "look at the policies of the bucket, the key and the topic: they must let CloudTrail in";
            checks.push(Check::fail(check, trail, format!("{what} cannot be delivered: {error}"), next));
        }
    }
    Ok(checks)
}

/// What `GetEventSelectors` says.
fn events(selectors: &GetEventSelectorsOutput, trail: &str, checks: &mut Vec<Check>) {
    let Logged { management, data } = logged(selectors);
    checks.push(match management {
        Management::All => Check::ok("trail.management", trail, "all management events"),
        Management::Some(which) => {
            let next = "what is not logged cannot be alerted on, and looks unused: log all management events";
            Check::warn("trail.management", trail, which, next)
        }
    });
    let next = "reads and writes of data (objects, functions, tables) leave no trace: select data events where it matters; \
                reports say \"data events off\" until then";
    checks.push(match data.is_empty() {
        true => Check::warn("trail.data", trail, "no data events", next),
        false => Check::ok("trail.data", trail, data.into_iter().collect::<Vec<_>>().join(", ")),
    });
}

/// Which management events are logged.
#[derive(Debug, PartialEq, Eq)]
enum Management {
    All,
    Some(String),
}

/// What selectors select.
struct Logged {
    management: Management,
    /// Types of resources with data events.
    data: BTreeSet<String>,
}

fn logged(selectors: &GetEventSelectorsOutput) -> Logged {
    let mut data = BTreeSet::new();
    let (mut reads, mut writes, mut left_out) = (false, false, BTreeSet::new());
    for selector in selectors.event_selectors() {
        data.extend(selector.data_resources().iter().filter_map(|data| data.r#type()).map(str::to_owned));
        if selector.include_management_events() == Some(false) {
            continue;
        }
        reads |= selector.read_write_type() != Some(&ReadWriteType::WriteOnly);
        writes |= selector.read_write_type() != Some(&ReadWriteType::ReadOnly);
        left_out.extend(selector.exclude_management_event_sources().iter().cloned());
    }
    for selector in selectors.advanced_event_selectors() {
        let field = |name: &str| selector.field_selectors().iter().find(|field| field.field() == name);
        let is = |name: &str, value: &str| field(name).is_some_and(|field| field.equals().iter().any(|v| v == value));
        if is("eventCategory", "Management") {
            reads |= !is("readOnly", "false");
            writes |= !is("readOnly", "true");
            left_out.extend(field("eventSource").into_iter().flat_map(|field| field.not_equals().iter().cloned()));
        } else if is("eventCategory", "Data") {
            data.extend(field("resources.type").into_iter().flat_map(|field| field.equals().iter().cloned()));
        }
    }
    let management = match (reads, writes) {
        (true, true) if left_out.is_empty() => Management::All,
        (true, true) => {
            Management::Some(format!("all but those of {}", left_out.into_iter().collect::<Vec<_>>().join(", ")))
        }
        (true, false) => Management::Some("only reads".to_owned()),
        (false, true) => Management::Some("only writes".to_owned()),
        (false, false) => Management::Some("no management events".to_owned()),
    };
    Logged { management, data }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use aws_sdk_cloudtrail::types::{AdvancedEventSelector, AdvancedFieldSelector, DataResource, EventSelector};

    use super::*;

    fn advanced(fields: &[(&str, &str)]) -> AdvancedEventSelector {
        let field = |(field, value): &(&str, &str)| {
            AdvancedFieldSelector::builder().field(*field).equals(*value).build().unwrap()
        };
        let fields = fields.iter().map(field).collect();
        AdvancedEventSelector::builder().set_field_selectors(Some(fields)).build().unwrap()
    }

    #[test]
    fn selectors_of_both_kinds_are_read() {
        let simple = EventSelector::builder()
            .read_write_type(ReadWriteType::WriteOnly)
            .include_management_events(true)
            .data_resources(DataResource::builder().r#type("AWS::S3::Object").build())
            .build();
        let found = logged(&GetEventSelectorsOutput::builder().event_selectors(simple).build());
        assert_eq!(found.management, Management::Some("only writes".to_owned()));
        assert_eq!(found.data, ["AWS::S3::Object".to_owned()].into());
        let both = GetEventSelectorsOutput::builder()
            .advanced_event_selectors(advanced(&[("eventCategory", "Management")]))
            .advanced_event_selectors(advanced(&[
                ("eventCategory", "Data"),
                ("resources.type", "AWS::Lambda::Function"),
            ]))
            .build();
        let found = logged(&both);
        assert_eq!(found.management, Management::All);
        assert_eq!(found.data, ["AWS::Lambda::Function".to_owned()].into());
        let none = logged(&GetEventSelectorsOutput::builder().build());
        assert_eq!(none.management, Management::Some("no management events".to_owned()));
    }
}
