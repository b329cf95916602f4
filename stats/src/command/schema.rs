//! `schema`: what the JSON of a report looks like.

use std::io::Write;

use super::Done;
use crate::ReportError;
use crate::cli::{ReportName, SchemaArgs};
use crate::output::Output;

/// Prints the schema of a report. `stats/tests/schema.rs` holds the reports to them.
pub fn schema(arguments: &SchemaArgs) -> anyhow::Result<Done> {
    let schema = match arguments.report {
        ReportName::Summary => include_str!("../schemas/summary.json"),
        ReportName::Throughput => include_str!("../schemas/throughput.json"),
        ReportName::Burstiness => include_str!("../schemas/burstiness.json"),
        ReportName::Timeouts => include_str!("../schemas/timeouts.json"),
    };
    let mut out = Output::open(arguments.write.output.as_deref())?;
    out.write_all(schema.as_bytes()).map_err(ReportError::from)?;
    out.commit()?;
    Ok(Done::Whole)
}
