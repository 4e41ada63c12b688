//! The tables of an engine by name: those that stand, and views that are planned when a question first names them.
//!
//! Planning a view takes longer than planning most questions, and a question names one of them or none.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::TableType;
use datafusion::prelude::SessionContext;

use crate::views::{self, ViewColumn};

/// The columns of a view, and what they are made of.
pub(crate) type Columns = fn() -> Vec<ViewColumn>;

/// Gives the state that views are planned with; `None` when the engine is gone.
type State = Box<dyn Fn() -> Option<SessionState> + Send + Sync>;

/// A table, or how it is made.
#[derive(Clone)]
enum Entry {
    Ready(Arc<dyn TableProvider>),
    /// A view of a table of events, under its own name: other names of it share what is planned.
    View {
        name: &'static str,
        columns: Columns,
        events: Arc<dyn TableProvider>,
    },
}

/// The tables of an engine.
pub(crate) struct Tables {
    state: State,
    entries: Mutex<BTreeMap<String, Entry>>,
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").field("names", &self.table_names()).finish_non_exhaustive()
    }
}

impl Tables {
    /// No tables, for views that are planned in this context.
    pub(crate) fn of(context: &SessionContext) -> Tables {
        // The context owns its tables: they know it only as long as it lives.
        let state = context.state_weak_ref();
        Tables { state: Box::new(move || state.upgrade().map(|state| state.read().clone())), entries: Mutex::default() }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        // A panic elsewhere leaves whole entries behind.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `table` the table of this name.
    pub(crate) fn put(&self, name: &str, table: Arc<dyn TableProvider>) {
        self.entries().insert(name.to_owned(), Entry::Ready(table));
    }

    /// Makes a view of a table of events, by these names.
    pub(crate) fn put_view(&self, names: &[&'static str], columns: Columns, events: &Arc<dyn TableProvider>) {
        let Some(name) = names.first() else { return };
        let mut entries = self.entries();
        for other in names {
            entries.insert((*other).to_owned(), Entry::View { name, columns, events: events.clone() });
        }
    }

    /// The names that a view is still to be planned for.
    #[cfg(test)]
    pub(crate) fn unplanned(&self) -> Vec<String> {
        let entries = self.entries();
        entries.iter().filter(|(_, entry)| matches!(entry, Entry::View { .. })).map(|(name, _)| name.clone()).collect()
    }

    fn find(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let (view, columns, events) = match self.entries().get(name).cloned() {
            None => return Ok(None),
            Some(Entry::Ready(table)) => return Ok(Some(table)),
            Some(Entry::View { name, columns, events }) => (name, columns, events),
        };
        let gone = || DataFusionError::Internal(format!("the view {view} is asked of an engine that is gone"));
        let state = (self.state)().ok_or_else(gone)?;
        let table =
            views::view(&state, view, &columns(), &events).map_err(|e| DataFusionError::External(Box::new(e)))?;
        for entry in self.entries().values_mut() {
            if matches!(entry, Entry::View { name, .. } if *name == view) {
                *entry = Entry::Ready(table.clone());
            }
        }
        Ok(Some(table))
    }
}

#[async_trait]
impl SchemaProvider for Tables {
    fn table_names(&self) -> Vec<String> {
        self.entries().keys().cloned().collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        self.find(name)
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        Ok(self.entries().get(name).map(|entry| match entry {
            Entry::Ready(table) => table.table_type(),
            Entry::View { .. } => TableType::View,
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.entries().contains_key(name)
    }
}
