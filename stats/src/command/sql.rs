//! `sql`: questions to the tables of campaigns.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use arrow_schema::DataType;
use tempfile::TempDir;

use super::Done;
use super::tables::{look, no_terminal, table_writer};
use crate::cli::{SqlArgs, SqlFormat, TableFormat};
use crate::format::{ParquetWriter, TableWriter};
use crate::output::Output;
use crate::sql::{Engine, Place, Planned, Printable};
use crate::{ReportError, Usage, leftovers};

/// Prints the answer to a query.
pub fn sql(arguments: &SqlArgs) -> anyhow::Result<Done> {
    let query = query(arguments)?;
    let output = arguments.write.output.as_deref();
    let mut out = Output::open(output)?;
    let scratch = Scratch::open(arguments.spill.as_deref(), &out)?;
    let place = match &arguments.cluster {
        Some(scheduler) => Place::Cluster(scheduler),
        None => Place::Here { memory: arguments.memory, scratch: scratch.path() },
    };
    let engine = Engine::open(&arguments.read.campaigns, place)?;
    let planned = engine.plan(&query)?;
    let printable = Printable::new(planned.schema());
    let format = match arguments.format {
        SqlFormat::Table => TableFormat::Table,
        SqlFormat::Csv => TableFormat::Csv,
        SqlFormat::Json => TableFormat::Json,
        SqlFormat::Parquet => return parquet(arguments, &engine, planned, out),
    };
    let mut writer = table_writer(format, &mut out, printable.schema(), look(output))?;
    engine.run(planned, &mut |batch| writer.write(&printable.convert(batch)?))?;
    writer.finish()?;
    drop(writer);
    out.commit()?;
    Ok(done(&engine))
}

/// Writes the answer, its types as they are, into a Parquet file.
fn parquet(arguments: &SqlArgs, engine: &Engine, planned: Planned, mut out: Output) -> anyhow::Result<Done> {
    no_terminal("parquet", arguments.write.output.as_deref())?;
    if let Some(field) =
        planned.schema().fields().iter().find(|field| matches!(field.data_type(), DataType::Interval(_)))
    {
        return Err(
            Usage(format!("column {} is an interval, which Parquet has not: cast it to text", field.name())).into()
        );
    }
    let mut writer = ParquetWriter::new(&mut out, Arc::new(planned.schema().clone()))?;
    engine.run(planned, &mut |batch| writer.write(batch))?;
    writer.finish()?;
    drop(writer);
    out.commit()?;
    Ok(done(engine))
}

/// Where a query puts what exceeds its memory.
enum Scratch {
    /// A folder of its own, which goes with it.
    Own(TempDir),
    /// One in which nothing can be made, which matters only to a query that needs it.
    Other(PathBuf),
}

impl Scratch {
    /// In the folder asked for, or where the output has room.
    fn open(asked: Option<&Path>, out: &Output) -> Result<Self, ReportError> {
        let folder = asked.map_or_else(|| out.scratch_folder(), Path::to_owned);
        match tempfile::Builder::new().prefix(".conntrack-report-").tempdir_in(&folder) {
            Ok(own) => {
                leftovers::add(own.path());
                Ok(Self::Own(own))
            }
            Err(source) if asked.is_some() => Err(ReportError::Output { path: folder, source }),
            Err(_) => Ok(Self::Other(folder)),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Other(folder) => folder,
        }
    }
}

fn done(engine: &Engine) -> Done {
    if engine.left_out() == 0 { Done::Whole } else { Done::InPart }
}

fn query(arguments: &SqlArgs) -> anyhow::Result<Cow<'_, str>> {
    if arguments.query != "-" {
        return Ok(Cow::Borrowed(&arguments.query));
    }
    let text = io::read_to_string(io::stdin()).context("cannot read the query from standard input")?;
    Ok(Cow::Owned(text))
}
