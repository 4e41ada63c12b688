//! Plans that come to know more of what they need while they run.
//!
//! The first rows of a sort, a join or the greatest of a column let the engine pass over whole files by their figures.
//! Asking the figures of each file costs about as much as opening a small one, so only such plans are given them.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::{Aggregate, LogicalPlan};
use datafusion::prelude::SessionConfig;

/// Said of a session: its plan narrows what it reads.
#[derive(Debug)]
pub(crate) struct Narrowing(bool);

impl Narrowing {
    /// Notes in the session of a plan whether it narrows.
    pub(crate) fn note(config: &mut SessionConfig, plan: &LogicalPlan) {
        // What cannot be walked is given what it may need.
        config.set_extension(Arc::new(Narrowing(narrows(plan).unwrap_or(true))));
    }

    /// Whether the plan of a session narrows; true where nobody has looked.
    pub(crate) fn is_in(config: &SessionConfig) -> bool {
        config.get_extension::<Narrowing>().is_none_or(|narrowing| narrowing.0)
    }
}

fn narrows(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= match node {
            LogicalPlan::Limit(_) | LogicalPlan::Join(_) | LogicalPlan::RecursiveQuery(_) => true,
            LogicalPlan::Sort(sort) => sort.fetch.is_some(),
            LogicalPlan::Aggregate(Aggregate { group_expr, .. }) => group_expr.is_empty(),
            // Subqueries become joins.
            LogicalPlan::Subquery(_) => true,
            _ => false,
        };
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn plans_that_learn_are_told_from_others() {
        let engine = crate::tests::engine();
        let runtime = Builder::new_current_thread().build().unwrap();
        for (sql, expected) in [
            ("SELECT eventid FROM events WHERE eventname = 'x' ORDER BY eventtime", false),
            ("SELECT eventname, max(eventtime) FROM events GROUP BY 1", false),
            ("SELECT DISTINCT eventname FROM events UNION SELECT eventid FROM events", false),
            ("SELECT eventid FROM events ORDER BY eventtime DESC LIMIT 1", true),
            ("SELECT max(eventtime) FROM events", true),
            ("SELECT a.eventid FROM events a JOIN events b ON a.eventid = b.eventid", true),
            ("SELECT eventid FROM events WHERE eventid IN (SELECT eventid FROM events)", true),
            ("SELECT eventname FROM (SELECT * FROM events LIMIT 3) GROUP BY 1", true),
        ] {
            let plan = runtime.block_on(engine.context().state().create_logical_plan(sql)).unwrap();
            assert_eq!(narrows(&plan).unwrap(), expected, "{sql}");
        }
    }
}
