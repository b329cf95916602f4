//! Rows that fit a condition: the expression of `--where`.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::{DataType, Schema};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNode;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;
use recorder::{Table, columns};

use super::{arithmetic, errors, functions, length};
use crate::{ReportError, Usage};

/// What a condition is not.
const OF_A_ROW: &str =
    "a condition is about one row, without aggregates and other queries: ask them with conntrack-report sql";

/// A condition on the rows of a table, in the language of SQL's `WHERE`.
#[derive(Debug)]
pub struct Filter {
    condition: Arc<dyn PhysicalExpr>,
    /// The columns that it needs, in this order.
    schema: Arc<Schema>,
}

impl Filter {
    /// Reads a condition.
    ///
    /// # Errors
    /// [`Usage`] when it is none, or names what the table has not.
    pub fn parse(table: Table, text: &str) -> Result<Self, Usage> {
        length::check(text).map_err(|Usage(said)| Usage(format!("--where: {said}")))?;
        Self::build(table, text).map_err(|error| {
            let Usage(said) = match error.find_root() {
                // The tables of queries are not known here.
                DataFusionError::Plan(said) if said.starts_with("table ") => Usage(OF_A_ROW.to_owned()),
                _ => errors::wrong(&error),
            };
            Usage(format!("--where {text}: {said}"))
        })
    }

    fn build(table: Table, text: &str) -> Result<Self, DataFusionError> {
        let context = SessionContext::new();
        functions::register(&context);
        let whole = DFSchema::try_from(columns::schema(table))?;
        let condition = context.parse_sql_expr(text, &whole)?;
        let condition =
            arithmetic::signed(condition, |name| whole.field_with_unqualified_name(name).ok().map(AsRef::as_ref))?;
        if condition.exists(|part| Ok(matches!(part, Expr::AggregateFunction(_) | Expr::WindowFunction(_))))? {
            return Err(DataFusionError::Plan(OF_A_ROW.to_owned()));
        }
        let found = condition.get_type(&whole)?;
        if found != DataType::Boolean {
            return Err(DataFusionError::Plan(format!("it is {found}, not true or false")));
        }
        let needed = condition.column_refs();
        let fields = whole.fields().iter().filter(|field| needed.iter().any(|column| column.name() == field.name()));
        let schema = Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()));
        let condition = context.create_physical_expr(condition, &DFSchema::try_from(Arc::clone(&schema))?)?;
        Ok(Self { condition, schema })
    }

    /// The columns that it needs.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.schema.fields().iter().map(|field| field.name().as_str())
    }

    /// Which rows of a batch fit. A row of which it cannot be said does not.
    ///
    /// # Errors
    /// [`ReportError::Query`] when the condition fails on a value, as a division by zero does.
    pub fn fits(&self, batch: &RecordBatch) -> Result<BooleanArray, ReportError> {
        let places = self.columns().map(|name| batch.schema_ref().index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let values = self.condition.evaluate(&batch.project(&places)?).map_err(errors::failed)?;
        let fits = values.into_array(batch.num_rows()).map_err(errors::failed)?;
        Ok(fits.as_boolean().iter().map(|fits| Some(fits == Some(true))).collect())
    }
}
