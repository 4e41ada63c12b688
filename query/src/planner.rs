//! From text to a running plan: what a statement means, which tables it names, and how the engine runs it.
//!
//! Knows statements and plans. Must not know limits, threads or rows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use datafusion::dataframe::DataFrame;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::prelude::{SQLOptions, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::ObjectName;

use crate::answer::Answer;
use crate::error::{Error, Result, explain, unknown_table};
use crate::narrowing::Narrowing;
use crate::session::table_names;
use crate::{calls, dialect, guard, names, pace, stars, tailpipe, trino};

/// What plans questions.
pub(crate) struct Planner {
    context: SessionContext,
    /// Whether the rows are in files that can be read field by field.
    by_field: AtomicBool,
    /// The state for that, made once: it copies all functions.
    field_by_field: OnceLock<SessionState>,
}

impl Planner {
    /// Plans over the tables and functions of a context.
    pub(crate) fn of(context: SessionContext) -> Planner {
        Planner { context, by_field: AtomicBool::new(false), field_by_field: OnceLock::new() }
    }

    /// Says whether the rows are in files that can be read field by field.
    pub(crate) fn reads_by_field(&self, by_field: bool) {
        self.by_field.store(by_field, Ordering::Relaxed);
    }

    /// Parses, plans and starts a statement: over the views that it most likely means, else over others.
    pub(crate) async fn start(&self, sql: &str) -> Result<Answer> {
        let statement = guard::parse(sql)?;
        let mut first: Option<Error> = None;
        for reading in dialect::readings(statement, &table_names(&self.context)) {
            match self.start_one(reading.statement).await {
                Ok(stream) => return Ok(Answer::new(stream, reading.notes)),
                // Another view cannot mend what is not the query's fault.
                Err(error) if !error.is_usage() => return Err(first.unwrap_or(error)),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| Error::Plan("the statement has no reading; please report the query".into())))
    }

    async fn start_one(&self, mut statement: Statement) -> Result<SendableRecordBatchStream> {
        names::fold(&mut statement);
        let is_tailpipe = |name: &ObjectName| dialect::last(name).is_some_and(|name| name.value == tailpipe::NAME);
        let speaks_duckdb = dialect::names(&statement).iter().any(is_tailpipe);
        if let Statement::Statement(statement) = names::innermost(&mut statement) {
            dialect::retype(statement);
            stars::give_way(statement);
            trino::rewrite(statement, speaks_duckdb);
        }
        let mut state = self.context.state();
        if let Statement::Statement(statement) = &statement {
            calls::check_lambdas(&state, statement)?;
        }
        check_tables(&self.context, &state, &statement)?;
        let plan = state.statement_to_plan(statement).await.map_err(|e| calls::with_hint(&state, explain(e)))?;
        // The guard has seen the text; the same promise is kept for what the planner made of it.
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)
            .map_err(|e| Error::Refused(format!("{}; {}", e.strip_backtrace(), guard::ALLOWED)))?;
        let plan = match plan {
            LogicalPlan::DescribeTable(described) => self.described(&described.schema).map_err(explain)?,
            plan => plan,
        };
        if self.by_field.load(Ordering::Relaxed) {
            let mut by_field = self.field_by_field.get_or_init(|| reading_by_field(&state)).clone();
            by_field.mark_start_execution();
            Narrowing::note(by_field.config_mut(), &plan);
            if let Ok(stream) = pace::run(DataFrame::new(by_field, plan.clone())).await {
                return Ok(stream);
            }
        }
        Narrowing::note(state.config_mut(), &plan);
        pace::run(DataFrame::new(state, plan)).await.map_err(explain)
    }
}

impl Planner {
    /// The columns of a table, with their types by the names that questions give them.
    fn described(&self, schema: &Schema) -> datafusion::common::Result<LogicalPlan> {
        let fields = schema.fields();
        let text = |of: fn(&Field) -> String| Arc::new(fields.iter().map(|f| Some(of(f))).collect::<StringArray>());
        let rows = RecordBatch::try_from_iter([
            ("column_name", text(|field| field.name().clone()) as ArrayRef),
            ("data_type", text(|field| trino::type_name(field.data_type()))),
            ("is_nullable", text(|field| if field.is_nullable() { "YES" } else { "NO" }.to_owned())),
        ])?;
        Ok(self.context.read_batch(rows)?.into_unoptimized_plan())
    }
}

/// A state whose plans read single fields of structs from files, also where they are grouped by.
///
/// What a view computes and nobody asked for goes first: its own fields and its repeated expressions are what the
/// engine stumbles over.
fn reading_by_field(state: &SessionState) -> SessionState {
    let mut rules = state.optimizers().to_vec();
    let place = rules.iter().position(|rule| rule.name() == "common_sub_expression_eliminate").unwrap_or(rules.len());
    rules.insert(place, Arc::new(OptimizeProjections::new()));
    let mut state = SessionStateBuilder::new_from_existing(state.clone()).with_optimizer_rules(rules).build();
    state.config_mut().options_mut().optimizer.enable_leaf_expression_pushdown = true;
    state
}

/// Tells an unknown table by name, with the names there are, before the planner gives up on it.
fn check_tables(context: &SessionContext, state: &SessionState, statement: &Statement) -> Result<()> {
    // The engine's settings tell of the machine: its folders, its limits.
    let is_settings =
        |name: &ObjectName| dialect::last(name).is_some_and(|n| n.value.eq_ignore_ascii_case("df_settings"));
    if dialect::names(statement).iter().any(is_settings) {
        return Err(Error::Refused(format!("the engine's settings are refused; {}", guard::ALLOWED)));
    }
    for table in state.resolve_table_references(statement).map_err(explain)? {
        let known =
            context.table_exist(table.clone()).unwrap_or(false) || state.table_functions().contains_key(table.table());
        if !known {
            return Err(unknown_table(&table.to_string(), &table_names(context)));
        }
    }
    Ok(())
}
