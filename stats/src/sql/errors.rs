//! What DataFusion says of a query, in one line.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use crate::{ReportError, Usage};

/// Of a query that cannot be planned.
pub fn wrong(error: &DataFusionError) -> Usage {
    let said = said(error);
    Usage(match error.find_root() {
        DataFusionError::SQL(..) => format!("this is no SQL: {said}; docs/sql.md has examples"),
        DataFusionError::SchemaError(error, _) if matches!(**error, SchemaError::FieldNotFound { .. }) => {
            format!("{said} `conntrack-report columns` lists all columns")
        }
        _ if said.starts_with("table ") => format!("{said}; the tables are connections, headers, events and intervals"),
        _ => said,
    })
}

/// Of a query that failed while it ran.
pub fn failed(error: DataFusionError) -> ReportError {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => ReportError::QueryMemory(said(&error)),
        _ => ReportError::Query(said(&error)),
    }
}

/// The message alone. It names no column but those that the query does, and no catalog, as there is but one.
pub fn said(error: &DataFusionError) -> String {
    let message = match error.find_root() {
        DataFusionError::SQL(error, _) => error.to_string().replacen("sql parser error: ", "", 1),
        root => root.message().replace("datafusion.public.", ""),
    };
    let message = message.split("\nValid fields are").next().unwrap_or_default();
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
