//! Chooses rows and columns of batches on their way to a format.

use std::ops::ControlFlow;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use recorder::{Table, columns};

use crate::cell::{Cell, Column};
use crate::cli::RowArgs;
use crate::input::{Named, Skipped, each_batch};
use crate::{ReportError, Usage};

/// Which rows and columns of a table are wanted.
#[derive(Debug)]
pub struct Selection {
    table: Table,
    /// What is read: the columns wanted, in order, then those that only choose rows.
    read: Vec<String>,
    /// How many of `read` are wanted.
    wanted: usize,
    uid: Option<u64>,
    final_only: bool,
    limit: u64,
}

impl Selection {
    /// Of `table`, as the user asked; without a word on columns, those of `default`, or all where that is empty.
    ///
    /// # Errors
    /// [`Usage`] when a column is not in the table.
    pub fn new(table: Table, rows: &RowArgs, default: &[&str], final_only: bool) -> Result<Self, Usage> {
        let known = columns::of(table).map(|about| about.name).collect::<Vec<_>>();
        if let Some(unknown) = rows.columns.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(Usage(format!(
                "{table} has no column {unknown}; `conntrack-report columns {table}` lists them"
            )));
        }
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut read = match (rows.columns.as_slice(), default) {
            ([], []) => names(&known),
            ([], default) => names(default),
            (asked, _) => asked.to_vec(),
        };
        let wanted = read.len();
        for (needed, name) in [(rows.uid.is_some(), "uid"), (final_only, "final")] {
            if needed && !read.iter().any(|column| column == name) {
                read.push(name.to_owned());
            }
        }
        Ok(Self { table, read, wanted, uid: rows.uid, final_only, limit: rows.limit.unwrap_or(u64::MAX) })
    }

    /// The columns wanted, with their types.
    ///
    /// # Errors
    /// None for the tables of this version.
    pub fn schema(&self) -> Result<SchemaRef, ReportError> {
        let whole = columns::schema(self.table);
        let fields = self.read.iter().take(self.wanted).map(|name| whole.field_with_name(name).cloned());
        Ok(std::sync::Arc::new(arrow_schema::Schema::new(fields.collect::<Result<Vec<_>, _>>()?)))
    }

    /// Gives the rows of every campaign to `take`, batch by batch, with the columns wanted.
    ///
    /// # Errors
    /// Those of reading and of `take`.
    pub fn each(
        &self,
        campaigns: &[Named],
        skipped: &mut Skipped,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let names = self.read.iter().map(String::as_str).collect::<Vec<_>>();
        let mut left = self.limit;
        for named in campaigns {
            if left == 0 {
                break;
            }
            each_batch(&named.campaign, self.table, &names, skipped, &mut |batch| self.choose(batch, &mut left, take))?;
        }
        Ok(())
    }

    /// Gives the rows wanted of a batch, at most `left`, in slices that share its memory.
    fn choose(
        &self,
        batch: &RecordBatch,
        left: &mut u64,
        take: &mut dyn FnMut(&RecordBatch) -> Result<(), ReportError>,
    ) -> Result<ControlFlow<()>, ReportError> {
        let columns = batch.project(&(0..self.wanted).collect::<Vec<_>>())?;
        for (start, length) in self.runs(batch)? {
            let length = length.min(usize::try_from(*left).unwrap_or(usize::MAX));
            take(&columns.slice(start, length))?;
            *left -= length as u64;
            if *left == 0 {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Start and length of each run of rows that are wanted.
    fn runs(&self, batch: &RecordBatch) -> Result<Vec<(usize, usize)>, ReportError> {
        let rows = batch.num_rows();
        let (uid, finals) = (Column::find(batch, "uid")?, Column::find(batch, "final")?);
        if (self.uid.is_none() || uid.is_none()) && !self.final_only {
            return Ok(vec![(0, rows)]);
        }
        let wanted = |row: usize| {
            let uid_fits =
                self.uid.is_none_or(|wanted| uid.as_ref().is_some_and(|uid| uid.cell(row).unsigned() == Some(wanted)));
            let is_interim = finals.as_ref().is_some_and(|finals| matches!(finals.cell(row), Cell::Truth(false)));
            uid_fits && !(self.final_only && is_interim)
        };
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for row in (0..rows).filter(|&row| wanted(row)) {
            match runs.last_mut() {
                Some((start, length)) if *start + *length == row => *length += 1,
                _ => runs.push((row, 1)),
            }
        }
        Ok(runs)
    }
}
