//! What digests prove, asked when somebody asks: `proof` (objects), `events_verified` (events), and two columns of `coverage`.
//!
//! An event is written before the digest that vouches for its object, so nothing of this is stored with it: notes of digests
//! (`digested`) are joined with the ledger (`objects`) by the file's name and the hash of its text, the same rule as
//! `Lake::proof`. `rows` of `coverage` are by the hour of the events, files by the hour of their delivery.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::prelude::SessionContext;
use futures::FutureExt;
use lake::Lake;
use lake::schema::{COVERAGE, DIGESTED, EVENTS, OBJECTS};

use super::fold::PARTS;
use super::{files, provider};
use crate::error::{Error, Result};
use crate::session::Engine;

/// One row an object: how it stands beside what digests say.
const PROOF: &str = "proof";
/// `events` with the column `verified`.
const EVENTS_VERIFIED: &str = "events_verified";

const PROOF_SQL: &str = "\
WITH signed AS (SELECT file, sha256, min(digest) AS digest FROM digested \
WHERE file IS NOT NULL AND sha256 IS NOT NULL GROUP BY file, sha256), \
named AS (SELECT file, count(sha256) AS hashes FROM digested WHERE file IS NOT NULL GROUP BY file), \
held AS (SELECT DISTINCT object, split_part(replace(object, '\\', '/'), '/', -1) AS file, sha256 \
FROM objects WHERE sha256 IS NOT NULL AND kind IS NULL) \
SELECT held.object, CASE max(CASE WHEN signed.sha256 IS NOT NULL THEN 0 WHEN named.hashes > 0 THEN 3 \
WHEN named.file IS NOT NULL THEN 2 ELSE 1 END) \
WHEN 0 THEN 'verified' WHEN 3 THEN 'mismatch' WHEN 2 THEN 'unlisted' ELSE 'no_digest' END AS verified, \
min(signed.digest) AS digest \
FROM held LEFT JOIN named ON named.file = held.file \
LEFT JOIN signed ON signed.file = held.file AND signed.sha256 = held.sha256 GROUP BY held.object";

const EVENTS_VERIFIED_SQL: &str = "\
SELECT events.*, coalesce(proof.verified, 'no_digest') AS verified \
FROM events LEFT JOIN proof ON proof.object = events.source_object";

/// Whole rows of `coverage`, where no digest has said anything.
const COVERAGE_SQL: &str = "\
SELECT account, region, hour, sum(rows) AS rows, sum(objects) AS objects, min(first_event) AS first_event, \
max(last_event) AS last_event, min(first_delivery) AS first_delivery, max(last_delivery) AS last_delivery, \
CAST(NULL AS BIGINT) AS digest_files, CAST(NULL AS BIGINT) AS have_files \
FROM parts GROUP BY account, region, hour";

const COVERAGE_PROVEN_SQL: &str = "\
WITH promised AS (SELECT file, min(account) AS account, min(region) AS region, min(hour) AS hour FROM digested \
WHERE file IS NOT NULL AND sha256 IS NOT NULL GROUP BY file), \
held AS (SELECT DISTINCT split_part(replace(object, '\\', '/'), '/', -1) AS file FROM objects WHERE sha256 IS NOT NULL), \
files AS (SELECT account, region, hour, count(*) AS digest_files, count(held.file) AS have_files \
FROM promised LEFT JOIN held ON held.file = promised.file GROUP BY account, region, hour), \
cells AS (SELECT account, region, hour, sum(rows) AS rows, sum(objects) AS objects, min(first_event) AS first_event, \
max(last_event) AS last_event, min(first_delivery) AS first_delivery, max(last_delivery) AS last_delivery \
FROM parts GROUP BY account, region, hour) \
SELECT coalesce(cells.account, files.account) AS account, coalesce(cells.region, files.region) AS region, \
coalesce(cells.hour, files.hour) AS hour, coalesce(rows, 0) AS rows, coalesce(objects, 0) AS objects, first_event, \
last_event, first_delivery, last_delivery, digest_files, have_files FROM cells FULL JOIN files \
ON files.account = cells.account AND files.region = cells.region AND files.hour = cells.hour";

/// Whether a statement that names these views needs a table of the lake.
pub(crate) fn is_needed(table: &str, is_named: impl Fn(&str) -> bool) -> bool {
    matches!(table, OBJECTS | DIGESTED) && [PROOF, EVENTS_VERIFIED, COVERAGE].iter().any(|name| is_named(name))
}

/// Makes the views over the tables of a lake that was opened with them.
///
/// # Errors
/// As [`Engine::register_lake`].
pub(super) fn register(engine: &Engine, lake: &Lake) -> Result<()> {
    let table = |name: &'static str| Ok::<_, Error>((name, provider(lake, name, files(lake, name)?)?));
    if lake.has(COVERAGE) {
        let parts = (PARTS, table(COVERAGE)?.1);
        let view = match files(lake, DIGESTED)?.is_empty() {
            true => view(COVERAGE, COVERAGE_SQL, [parts])?,
            false => view(COVERAGE, COVERAGE_PROVEN_SQL, [parts, table(OBJECTS)?, table(DIGESTED)?])?,
        };
        engine.put(COVERAGE, view);
    }
    if !lake.has(OBJECTS) || !lake.has(DIGESTED) {
        return Ok(());
    }
    let proof = view(PROOF, PROOF_SQL, [table(OBJECTS)?, table(DIGESTED)?])?;
    engine.put(PROOF, proof.clone());
    let verified = view(EVENTS_VERIFIED, EVENTS_VERIFIED_SQL, [table(EVENTS)?, (PROOF, proof)])?;
    engine.put(EVENTS_VERIFIED, verified);
    Ok(())
}

/// A view over tables that have names only while it is planned.
fn view<const N: usize>(
    name: &str,
    sql: &str,
    tables: [(&'static str, Arc<dyn TableProvider>); N],
) -> Result<Arc<dyn TableProvider>> {
    let setup = |why: String| Error::Setup(format!("the view {name} cannot be made: {why}"));
    let context = SessionContext::new();
    for (name, table) in tables {
        context.register_table(name, table).map_err(|e| setup(e.strip_backtrace()))?;
    }
    let state = context.state();
    // Planning over tables that are there waits for nothing.
    let plan = state.create_logical_plan(sql).now_or_never().ok_or_else(|| setup("planning waited".to_owned()))?;
    let plan = plan.map_err(|e| setup(e.strip_backtrace()))?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
