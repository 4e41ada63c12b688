//! Partial rows made whole: sums, extremes, the latest.
//!
//! Each batch of an ingest adds its own rows to `coverage`, `last_used` and `activity`, so that no batch has to read what is
//! there. As all of this merges without regard to order, a view does it when somebody asks, and a compaction once for
//! all of them. The same merge as `access` does for `last_used`.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::prelude::SessionContext;
use futures::FutureExt;
use lake::schema::{ACTIVITY, ALERTS, COVERAGE, LAST_USED};

use crate::error::{Error, Result};

/// What the statements below call the table of partial rows.
pub(super) const PARTS: &str = "parts";

const COVERAGE_SQL: &str = "\
SELECT account, region, hour, sum(rows) AS rows, sum(objects) AS objects, min(first_event) AS first_event, \
max(last_event) AS last_event, min(first_delivery) AS first_delivery, max(last_delivery) AS last_delivery \
FROM parts GROUP BY account, region, hour";

/// The source is that of the latest success, and the greatest of several at one time. Regions are kept as `access`
/// keeps them: sorted, the first 64.
const LAST_USED_SQL: &str = "\
SELECT principal, action, min(first_attempt) AS first_attempt, max(last_attempt) AS last_attempt, \
max(last_success) AS last_success, max(last_use) AS last_use, \
first_value(last_source ORDER BY last_success DESC NULLS LAST, last_source DESC NULLS LAST) AS last_source, \
sum(attempts) AS attempts, sum(denied) AS denied, sum(errors) AS errors, \
array_to_string(array_slice(array_sort(array_distinct(string_to_array(string_agg(regions, ','), ','))), 1, 64), ',') \
AS regions \
FROM parts GROUP BY principal, action";

/// What is said of an alert is what its latest `found` says, which has the most events; what its steps were is in `history`. Its
/// state is the latest step that is more than new figures; of steps of one time, the later in an alert's life.
const ALERTS_SQL: &str = "\
SELECT fingerprint, max(rule) AS rule, max(rule_id) AS rule_id, max(title) AS title, max(severity) AS severity, \
first_value(step ORDER BY step = 'updated', at DESC, \
CASE step WHEN 'resolved' THEN 0 WHEN 'sent' THEN 1 WHEN 'dead' THEN 2 WHEN 'silenced' THEN 2 ELSE 3 END) AS state, min(time) AS time, max(last_time) AS last_time, \
max(count) AS count, max(principal) AS principal, max(actor) AS actor, max(account) AS account, max(region) AS region, \
first_value(source_addresses ORDER BY count DESC NULLS LAST, at DESC) AS source_addresses, \
first_value(user_agents ORDER BY count DESC NULLS LAST, at DESC) AS user_agents, \
first_value(what ORDER BY count DESC NULLS LAST, at DESC) AS what, \
first_value(event_ids ORDER BY count DESC NULLS LAST, at DESC) AS event_ids, \
first_value(detail ORDER BY count DESC NULLS LAST, at DESC) AS detail, \
min(at) AS found_at, min(at) FILTER (WHERE step = 'sent') AS told_at, \
string_agg(concat(to_char(at, '%Y-%m-%dT%H:%M:%SZ'), ' ', step, CASE WHEN sink IS NULL THEN '' ELSE concat(' ', sink) END, \
CASE WHEN error IS NULL THEN '' ELSE concat(' (', error, ')') END), '; ' ORDER BY at, CASE step WHEN 'resolved' THEN 3 WHEN 'sent' THEN 2 WHEN 'dead' THEN 1 WHEN 'silenced' THEN 1 ELSE 0 END, sink) AS history \
FROM parts GROUP BY fingerprint";

/// Of a principal's actors the latest sixteen stay, and of its sign-ins the latest times: no more is ever looked at.
const ACTIVITY_SQL: &str = "\
SELECT kind, subject, name, moment, first_seen, last_seen, last_use, events, denied, errors, detail FROM (\
SELECT *, row_number() OVER (PARTITION BY kind, subject ORDER BY last_seen DESC NULLS LAST, name DESC) AS place FROM (\
SELECT kind, subject, name, moment, min(first_seen) AS first_seen, max(last_seen) AS last_seen, \
max(last_use) AS last_use, sum(events) AS events, sum(denied) AS denied, sum(errors) AS errors, \
first_value(detail ORDER BY last_seen DESC NULLS LAST, detail DESC NULLS LAST) AS detail \
FROM parts GROUP BY kind, subject, name, moment)) \
WHERE place <= CASE kind WHEN 'actor' THEN 16 WHEN 'root' THEN 4096 WHEN 'sign_in_failed' THEN 4096 \
WHEN 'sign_in_without_mfa' THEN 4096 ELSE place END";

/// The statement that makes whole rows of a table's parts; `None` where rows are whole.
pub(super) fn sql(table: &str) -> Option<&'static str> {
    match table {
        COVERAGE => Some(COVERAGE_SQL),
        LAST_USED => Some(LAST_USED_SQL),
        ALERTS => Some(ALERTS_SQL),
        ACTIVITY => Some(ACTIVITY_SQL),
        _ => None,
    }
}

/// What a table's rows are sorted by.
pub(super) fn key(table: &str) -> &'static str {
    match table {
        COVERAGE => "account, region, hour",
        ACTIVITY => "kind, subject, name, moment",
        _ => "principal, action",
    }
}

/// A view of whole rows over a table of parts.
pub(super) fn view(name: &str, parts: Arc<dyn TableProvider>, sql: &str) -> Result<Arc<dyn TableProvider>> {
    let setup = |why: String| Error::Setup(format!("the view {name} cannot be made: {why}"));
    // A session of its own, so that the parts have a name while the view is planned and none afterwards.
    let context = SessionContext::new();
    context.register_table(PARTS, parts).map_err(|e| setup(e.strip_backtrace()))?;
    let state = context.state();
    // Planning over tables in memory waits for nothing.
    let plan = state.create_logical_plan(sql).now_or_never().ok_or_else(|| setup("planning waited".to_owned()))?;
    let plan = plan.map_err(|e| setup(e.strip_backtrace()))?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
